//! The lesson: a table of routes, the guards that protect them, and the
//! handlers that answer. Read this file first.
//!
//! It is a FastAPI lesson on protected routes, written with this library. In
//! FastAPI, a route names a function in `Depends(…)`: the function reads the
//! token from the `Authorization` header and gives the route a user. Here, that
//! function is a *guard*, and each row of the table names its guard.
//!
//! For each request, the server finds the row with this method and path, and
//! asks the guard of the row. If the guard finds a user, the server calls the
//! handler with that user. If not, the server answers 401 and does not call the
//! handler.

use std::fmt::Display;
use std::sync::Arc;

use guardhouse::Method::GET;
use guardhouse::guard::is_same;
use guardhouse::{Guard, Refusal, Request, Response, Route, User, Users, guard, json};

use crate::logins;

/// What a client signs in to. Every challenge names it (RFC 9110 §11.5).
pub const REALM: &str = "guardhouse";

/// The table. Each row says whether its route is open or guarded.
///
/// `with_detail` sets the text of the 401 for a wrong token.
pub fn routes(guards: Guards) -> Vec<Route> {
    vec![
        Route::open(GET, "/open", open).with_summary("Anyone may see this."),
        Route::guarded(GET, "/secure", guards.verified.with_name("verify_user"), secure)
            .with_summary("Behind a guard that lets everyone pass."),
        Route::guarded(GET, "/protected", guards.protected, protected)
            .with_summary("Greets the user whose token it is."),
        Route::guarded(GET, "/dashboard", guards.dashboard.with_detail("Invalid token"), dashboard)
            .with_summary("Welcomes the user to their dashboard."),
        Route::guarded(GET, "/users/me", guards.me.with_detail("Invalid token"), me)
            .with_summary("Says who the user is."),
        Route::guarded(GET, "/admin", guards.admin.with_detail("Unauthorized"), admin)
            .with_summary("Names the admin."),
    ]
}

/// The guards of the table. `T` in `Guard<T>` is what the guard gives the handler.
///
/// A test passes other guards to [`routes`]. FastAPI needs
/// `dependency_overrides` for that; here it is a plain argument.
#[derive(Clone)]
pub struct Guards {
    pub verified: Guard<bool>,
    pub protected: Guard<User>,
    pub dashboard: Guard<User>,
    pub me: Guard<User>,
    pub admin: Guard<User>,
    /// Accepts each token that one of the other guards accepts. `/auth` uses it, and the
    /// next one.
    pub by_token: Guard<User>,
    /// The same, with the token as the password of Basic.
    pub by_name: Guard<User>,
}

impl Guards {
    /// The guards of the lesson: each route has its own token, which the lesson
    /// publishes.
    pub fn published() -> Guards {
        // In the order of the guards below.
        let users = [
            ("fake-super-secret-token", User::new("user1", [])),
            ("valid-token", User::new("user123", [])),
            ("validtoken", User::new("user1", [])),
            ("secret", User::new("admin", [])),
        ];
        let all = Arc::new(Users::new(users.clone()));
        let find = move |token: &str| all.by_token(token);
        let (by_token, by_name) = (current_user(find.clone()), current_user_by_name(find));
        let [protected, dashboard, me, admin] = users.map(|user| {
            let user = Users::new([user]);
            current_user(move |token| user.by_token(token))
        });
        Guards {
            verified: Guard::new(verify_user),
            protected,
            dashboard,
            me,
            admin,
            by_token,
            by_name,
        }
    }

    /// The guards for your own users: one guard finds them all, and each user may
    /// use every route.
    pub fn for_users(
        by_token: impl Fn(&str) -> Option<User> + Clone + Send + Sync + 'static,
    ) -> Guards {
        let signed_in = current_user(by_token.clone());
        Guards {
            verified: Guard::new(verify_user),
            protected: signed_in.clone(),
            dashboard: signed_in.clone(),
            me: signed_in.clone(),
            admin: signed_in.clone(),
            by_token: signed_in,
            by_name: current_user_by_name(by_token),
        }
    }
}

/// The lesson's `verify_user`. Every guard is a function like this one; this one
/// reads nothing from the request, and never refuses it.
fn verify_user(_: &Request) -> Result<bool, Refusal> {
    Ok(true)
}

/// The lesson's `get_current_user`: a guard that reads the token from the header
/// `Authorization: Bearer TOKEN` and finds the user with this token. The access
/// log shows the user's name.
///
/// `announce` tells clients where they get tokens, in builds with logins.
pub fn current_user(
    by_token: impl Fn(&str) -> Option<User> + Send + Sync + 'static,
) -> Guard<User> {
    logins::announce(guard::bearer(REALM, by_token).logged_as(User::name))
}

/// The same for clients that can't send a Bearer token, such as browsers, git and pip: the
/// user's name and the token are the two parts of Basic (RFC 7617 §2).
fn current_user_by_name(
    by_token: impl Fn(&str) -> Option<User> + Send + Sync + 'static,
) -> Guard<User> {
    let find = move |name: &str, token: &str| {
        // Only a client that has the token learns whether the name is right.
        by_token(token).filter(|user| is_same(user.name().as_bytes(), name.as_bytes()))
    };
    guard::basic(REALM, find).logged_as(User::name)
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
    object("message", format_args!("Hello {}! This is a protected route.", user.name()))
}

fn dashboard(_: &mut Request, user: User) -> Response {
    object("message", format_args!("Welcome {} to your dashboard.", user.name()))
}

fn me(_: &mut Request, user: User) -> Response {
    object("username", user.name())
}

fn admin(_: &mut Request, user: User) -> Response {
    object("user", user.name())
}

/// A JSON object with one member.
fn object(name: &str, value: impl Display) -> Response {
    Response::json(json::object([(name, value)]))
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
    fn a_token_is_valid_for_its_own_route_only() {
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
    fn every_user_of_a_users_file_may_use_every_route() {
        let guards = Guards::for_users(|token: &str| (token == "t").then(|| User::new("Ann", [])));
        for path in ["/secure", "/protected", "/dashboard", "/users/me", "/admin"] {
            assert_eq!(get(guards.clone(), path, Some("t")).0, 200, "{path}");
        }
        for token in ["fake-super-secret-token", "valid-token", "validtoken", "secret"] {
            assert_eq!(get(guards.clone(), "/admin", Some(token)).0, 401, "{token}");
        }
    }

    #[test]
    fn a_test_can_pass_other_guards() {
        let tester = Guard::new(|_: &Request| Ok(User::new("Test", [])));
        let guards = Guards { me: tester, ..Guards::published() };
        assert_eq!(get(guards, "/users/me", None), (200, r#"{"username":"Test"}"#.to_owned()));

        let unverified = Guard::new(|_: &Request| Ok(false));
        let guards = Guards { verified: unverified, ..Guards::published() };
        assert_eq!(get(guards, "/secure", None), (200, r#"{"error":"Not allowed"}"#.to_owned()));
    }
}
