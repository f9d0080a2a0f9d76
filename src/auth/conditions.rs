//! Conditions that a guard adds to another one: the user must have a scope, or a function
//! checks the request and the user together. So "only Ann sees Ann's notes" stands in the
//! table, and not in each handler.
//!
//! A handler that forgets this check has "broken object level authorization", the first of
//! OWASP's API security risks (API1:2023).

use crate::auth::challenge::Refusal;
use crate::auth::guard::Guard;
use crate::auth::user::Scoped;
use crate::http::request::Request;

impl<T: Scoped + 'static> Guard<T> {
    /// Lets a request through if this guard does and the user has the scope.
    /// If the scope is missing, the answer is 403 with the error
    /// `insufficient_scope` and the scope's name (RFC 6750 §3.1). Two calls
    /// require two scopes.
    ///
    /// FastAPI: `Security(get_current_user, scopes=["reports:read"])`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, User, Users, guard};
    ///
    /// let users = Users::new([("s3cret-of-ann", User::new("Ann", ["reports:read"]))]);
    /// let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
    ///
    /// fn reports(_: &mut Request, user: User) -> Response {
    ///     Response::text(format!("Reports for {}.\n", user.name()))
    /// }
    ///
    /// let row = Route::guarded(GET, "/reports", signed_in.scope("reports:read"), reports);
    /// ```
    #[must_use]
    pub fn scope(mut self, scope: &'static str) -> Guard<T> {
        self.description.scopes.push(scope);
        let challenge =
            self.challenge().with_param("error", "insufficient_scope").with_param("scope", scope);
        let has_scope = move |_: &Request, identity: &T| identity.has_scope(scope);
        self.require(has_scope, Refusal::insufficient(challenge))
    }
}

impl<T: 'static> Guard<T> {
    /// Lets a request through if this guard does and `is_allowed` says so of the request
    /// and the user. If not, the answer is 403. `name` is what the route table shows.
    ///
    /// Use it where everyone may know that the thing exists, such as the page of a user
    /// whose name is in the path. If that is a secret, use
    /// [`hide_unless`](Guard::hide_unless).
    ///
    /// FastAPI leaves this to each handler.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, User, Users, guard};
    ///
    /// let users = Users::new([("s3cret-of-ann", User::new("ann", []))]);
    /// let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
    /// let owner = signed_in.allow_if("owner", |request: &Request, user: &User| {
    ///     request.param("user") == Some(user.name())
    /// });
    /// let settings = |_: &mut Request, user: User| Response::text(user.name().to_owned());
    /// let row = Route::guarded(GET, "/users/{user}/settings", owner, settings);
    /// assert_eq!(row.guard().unwrap().to_string(), "Bearer, owner");
    /// ```
    #[must_use]
    pub fn allow_if(
        mut self,
        name: &'static str,
        is_allowed: impl Fn(&Request, &T) -> bool + Send + Sync + 'static,
    ) -> Guard<T> {
        self.description.conditions.push(name);
        let refusal = Refusal::insufficient(self.challenge());
        self.require(is_allowed, refusal)
    }

    /// Lets a request through if this guard does and `is_visible` says so of the request
    /// and the user. If not, the answer is 404, as for a path that does not exist. `name`
    /// is what the route table shows.
    ///
    /// Use it where a user must not learn that the thing exists, such as the notes of
    /// others: with 403, `/notes/1`, `/notes/2` … would tell how many there are.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, User, Users, guard};
    ///
    /// let users = Users::new([("s3cret-of-ann", User::new("ann", []))]);
    /// let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
    /// let owner_of = |id: &str| (id == "7").then_some("ann");
    /// let own = signed_in.hide_unless("owner", move |request: &Request, user: &User| {
    ///     request.param("id").and_then(owner_of) == Some(user.name())
    /// });
    /// let note = |_: &mut Request, _: User| Response::text("Buy milk.\n");
    /// let row = Route::guarded(GET, "/notes/{id}", own, note);
    /// ```
    #[must_use]
    pub fn hide_unless(
        mut self,
        name: &'static str,
        is_visible: impl Fn(&Request, &T) -> bool + Send + Sync + 'static,
    ) -> Guard<T> {
        self.description.conditions.push(name);
        self.require(is_visible, Refusal::hidden())
    }

    fn require(
        self,
        condition: impl Fn(&Request, &T) -> bool + Send + Sync + 'static,
        refusal: Refusal,
    ) -> Guard<T> {
        self.map_result(move |request, result| {
            let identity = result?;
            if condition(request, &identity) { Ok(identity) } else { Err(refusal.clone()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::schemes::{basic, bearer};
    use crate::http::method::Method;
    use crate::http::params::Param;
    use crate::http::response::Response;
    use crate::http::test_request::TestRequest;

    fn signed_in() -> Guard<String> {
        bearer("r", |token| Some(token.to_owned()))
    }

    /// Status, challenge and body of the answer to `GET` for this path, with this token,
    /// in a row with the path `/{owner}/notes`.
    #[track_caller]
    fn answer(guard: Guard<String>, path: &str, token: &str) -> String {
        let mut asked = TestRequest::new(Method::GET, path);
        if !token.is_empty() {
            asked = asked.with_header("Authorization", &format!("Bearer {token}"));
        }
        let of_row = [Param { name: "owner".to_owned(), segment: 0 }];
        let mut request = asked.parse().expect("a valid request");
        request.set_params(&of_row).expect("a valid path");
        let answer = guard.check(&request).map_or_else(Response::from, Response::text);
        let challenge = answer.header("WWW-Authenticate").unwrap_or("-");
        let body = String::from_utf8_lossy(answer.body());
        format!("{} {challenge} {body}", answer.status().code())
    }

    #[allow(clippy::ptr_arg)] // It gets what the guard has.
    fn is_owner(request: &Request, name: &String) -> bool {
        request.param("owner") == Some(name)
    }

    #[test]
    fn who_is_not_the_owner_gets_403_with_the_guards_challenge() {
        let owner = || signed_in().allow_if("owner", is_owner);
        assert_eq!(answer(owner(), "/ann/notes", "ann"), "200 - ann");
        assert_eq!(answer(owner(), "/%61nn/notes", "ann"), "200 - ann");
        let refused = r#"403 Bearer realm="r" {"detail":"Not enough permissions"}"#;
        assert_eq!(answer(owner(), "/ann/notes", "bob"), refused);
        assert!(answer(owner(), "/ann/notes", "").starts_with(r#"401 Bearer realm="r" "#));
    }

    #[test]
    fn what_is_hidden_looks_as_if_it_did_not_exist() {
        let owner = || signed_in().hide_unless("owner", is_owner);
        assert_eq!(answer(owner(), "/ann/notes", "ann"), "200 - ann");
        let not_found = r#"404 - {"detail":"Not Found"}"#;
        assert_eq!(answer(owner(), "/ann/notes", "bob"), not_found);
        assert!(
            answer(owner(), "/ann/notes", "").starts_with("401 "),
            "the token is checked first"
        );
    }

    #[test]
    fn what_is_hidden_stays_hidden_beside_another_guard() {
        let own = || signed_in().hide_unless("owner", is_owner);
        let admin = || signed_in().allow_if("admin", |_, name| name == "root");
        let by_password = || basic("r", |_, _| None::<String>);
        let not_found = r#"404 - {"detail":"Not Found"}"#;
        for either in [
            own().or(admin()),
            admin().or(own()),
            own().or(by_password()),
            by_password().or(own()),
            by_password().or(admin()).or(own()),
        ] {
            assert_eq!(answer(either.clone(), "/ann/notes", "ann"), "200 - ann", "{either:?}");
            assert_eq!(answer(either.clone(), "/ann/notes", "bob"), not_found, "{either:?}");
            assert!(answer(either.clone(), "/ann/notes", "").starts_with("401 "), "{either:?}");
        }
        assert_eq!(answer(admin().or(own()), "/ann/notes", "root"), "200 - root");
    }

    #[test]
    fn the_description_names_each_condition() {
        let guard = signed_in().allow_if("owner", is_owner).hide_unless("daytime", |_, _| true);
        assert_eq!(guard.description().to_string(), "Bearer, owner, daytime");
        let either = basic("r", |_, _| None::<String>).allow_if("owner", is_owner).or(signed_in());
        assert_eq!(either.description().to_string(), "Basic or Bearer, owner");
    }
}
