//! The lesson: who may come in, who they are, and what they get.
//!
//! A FastAPI lesson on protected routes, on this crate's public API. There, a
//! function that a route `Depends` on takes the token from the `Authorization`
//! field and hands the route a user; here, that function is a guard, and the
//! table below says which route stands behind which.

use std::fmt::Arguments;

use guardhouse::Method::GET;
use guardhouse::{Guard, Refusal, Request, Response, Route, User, Users, guard, json};

/// The realm of all challenges: what the user is asked to sign in to.
pub const REALM: &str = "guardhouse";

/// The table: every route, and who stands before it.
pub fn routes(guards: Guards) -> Vec<Route> {
    vec![
        Route::open(GET, "/open", open).with_summary("Anyone may see this."),
        Route::guarded(GET, "/secure", guards.verified, secure)
            .with_summary("Behind a guard that lets everyone pass."),
        Route::guarded(GET, "/protected", guards.protected, protected)
            .with_summary("Greets the user whose token it is."),
        Route::guarded(GET, "/dashboard", guards.dashboard, dashboard)
            .with_summary("Welcomes the user to their dashboard."),
        Route::guarded(GET, "/users/me", guards.me, me).with_summary("Says who the user is."),
        Route::guarded(GET, "/admin", guards.admin, admin).with_summary("Names the admin."),
    ]
}

/// The guards of the table. A test hands in others: FastAPI's
/// `dependency_overrides` as a plain argument.
#[derive(Clone)]
pub struct Guards {
    /// Decides whether the caller is verified, and lets everyone pass.
    pub verified: Guard<bool>,
    pub protected: Guard<User>,
    pub dashboard: Guard<User>,
    pub me: Guard<User>,
    pub admin: Guard<User>,
    /// Lets in whoever one of the others lets in, for `/auth`.
    pub any: Guard<User>,
}

impl Guards {
    /// The guards with the tokens that the lesson publishes, one a route.
    pub fn published() -> Guards {
        let one = |token, name| Users::new([(token, User::new(name, []))]);
        let published = [
            ("fake-super-secret-token", "user1"),
            ("valid-token", "user123"),
            ("validtoken", "user1"),
            ("secret", "admin"),
        ];
        let [protected, dashboard, me, admin] =
            published.map(|(token, name)| current_user(one(token, name)));
        let any = Users::new(published.map(|(token, name)| (token, User::new(name, []))));
        Guards::new(protected, dashboard, me, admin, current_user(any))
    }

    /// The guards for users of your own, found by their tokens: each of them may
    /// take every route.
    pub fn for_users(by_token: impl Fn(&str) -> Option<User> + Send + Sync + 'static) -> Guards {
        let user = guard::bearer(REALM, by_token).logged_as(User::name);
        Guards::new(user.clone(), user.clone(), user.clone(), user.clone(), user)
    }

    /// The guards, with those that let in a user made over.
    pub fn each(self, make: impl Fn(Guard<User>) -> Guard<User>) -> Guards {
        Guards {
            verified: self.verified,
            protected: make(self.protected),
            dashboard: make(self.dashboard),
            me: make(self.me),
            admin: make(self.admin),
            any: make(self.any),
        }
    }

    fn new(
        protected: Guard<User>,
        dashboard: Guard<User>,
        me: Guard<User>,
        admin: Guard<User>,
        any: Guard<User>,
    ) -> Guards {
        Guards {
            verified: Guard::new(verify_user).with_name("verify_user"),
            protected,
            dashboard: dashboard.with_detail("Invalid token"),
            me: me.with_detail("Invalid token"),
            admin: admin.with_detail("Unauthorized"),
            any,
        }
    }
}

/// The lesson's `verify_user`: it asks for nothing and is always content.
fn verify_user(_: &Request) -> Result<bool, Refusal> {
    Ok(true)
}

/// The lesson's `get_current_user`: whose token it is.
fn current_user(users: Users) -> Guard<User> {
    guard::bearer(REALM, move |token| users.by_token(token)).logged_as(User::name)
}

fn open(_: &mut Request) -> Response {
    Response::json(r#"{"message":"Anyone can see this."}"#)
}

fn secure(_: &mut Request, verified: bool) -> Response {
    if verified {
        Response::json(r#"{"message":"Only verified users."}"#)
    } else {
        Response::json(r#"{"error":"Not allowed"}"#)
    }
}

fn protected(_: &mut Request, user: User) -> Response {
    message(format_args!("Hello {}! This is a protected route.", user.name()))
}

fn dashboard(_: &mut Request, user: User) -> Response {
    message(format_args!("Welcome {} to your dashboard.", user.name()))
}

fn me(_: &mut Request, user: User) -> Response {
    Response::json(json::object([("username", user.name())]))
}

fn admin(_: &mut Request, user: User) -> Response {
    Response::json(json::object([("user", user.name())]))
}

fn message(text: Arguments) -> Response {
    Response::json(json::object([("message", text)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardhouse::Routes;

    #[track_caller]
    fn get(guards: Guards, path: &str, token: Option<&str>) -> (u16, String) {
        let header = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!("GET {path} HTTP/1.0\r\n{}\r\n", header.unwrap_or_default());
        let mut request = Request::parse(head.as_bytes()).expect("a valid request");
        let response = Routes::new(routes(guards)).answer(&mut request);
        let body = String::from_utf8(response.body().to_vec()).expect("text");
        (response.status().code(), body)
    }

    #[test]
    fn each_route_answers_as_the_lesson_does() {
        for (path, token, body) in [
            ("/open", None, r#"{"message":"Anyone can see this."}"#),
            ("/secure", None, r#"{"message":"Only verified users."}"#),
            (
                "/protected",
                Some("fake-super-secret-token"),
                r#"{"message":"Hello user1! This is a protected route."}"#,
            ),
            (
                "/dashboard",
                Some("valid-token"),
                r#"{"message":"Welcome user123 to your dashboard."}"#,
            ),
            ("/users/me", Some("validtoken"), r#"{"username":"user1"}"#),
            ("/admin", Some("secret"), r#"{"user":"admin"}"#),
        ] {
            let expected = (200, body.to_owned());
            assert_eq!(get(Guards::published(), path, token), expected, "{path}");
        }
    }

    #[test]
    fn a_token_opens_its_own_route_only() {
        for (path, detail) in [
            ("/protected", "Invalid authentication credentials"),
            ("/dashboard", "Invalid token"),
            ("/users/me", "Invalid token"),
            ("/admin", "Unauthorized"),
        ] {
            let expected = (401, json::object([("detail", detail)]));
            assert_eq!(get(Guards::published(), path, Some("no-token")), expected, "{path}");
            let expected = (401, r#"{"detail":"Not authenticated"}"#.to_owned());
            assert_eq!(get(Guards::published(), path, None), expected, "{path}");
        }
        assert_eq!(get(Guards::published(), "/admin", Some("validtoken")).0, 401);
    }

    #[test]
    fn a_guard_can_be_swapped_in_a_test() {
        let everyone = Guard::new(|_: &Request| Ok(User::new("Test", [])));
        let guards = Guards { me: everyone, ..Guards::published() };
        assert_eq!(get(guards, "/users/me", None), (200, r#"{"username":"Test"}"#.to_owned()));

        let nobody = Guard::new(|_: &Request| Ok(false));
        let guards = Guards { verified: nobody, ..Guards::published() };
        assert_eq!(get(guards, "/secure", None), (200, r#"{"error":"Not allowed"}"#.to_owned()));
    }
}
