//! A minimal, blocking HTTP/1.1 server: before a request reaches a protected route, it
//! passes a guard.
//!
//! Blocking calls, one thread for each connection, three packages. A handler that wants
//! a user does not compile on a route without a guard.
//!
//! # The tour
//!
//! The way of a request through the files. Imports go down only, from `serve` to
//! `routes`, `auth`, `http`; no file uses one of a folder above it.
//!
//! 1. `serve/server.rs` accepts a connection and gives it to a worker thread:
//!    [`Server`].
//! 2. `serve/connection.rs` is the loop of that thread: read, parse, answer, write.
//!    Every wait for the peer has a deadline.
//! 3. `http/head.rs` parses the head with httparse, and checks what httparse does not
//!    check. `http/body.rs` reads the body, if a handler asks for it: [`Request`].
//! 4. `routes/table.rs` finds the row for the path (with `tree.rs`) and the method:
//!    [`Routes`]. `routes/route.rs` is that row. It asks the guard and then runs the
//!    handler: [`Route`].
//! 5. `auth/guard.rs` says what a guard is: [`Guard`]. `auth/schemes.rs` has guards for
//!    Bearer, Basic and API keys: [`mod@guard`]; `auth/conditions.rs` adds scopes and
//!    owners. `auth/challenge.rs` is **where a 401 is
//!    written**: [`Challenge`], [`Refusal`]. `auth/users.rs` finds the user by the token:
//!    [`Users`], [`User`].
//! 6. The handler is yours. It gets the request, and what the guard has returned.
//! 7. `http/response.rs` is what the handler returns: [`Response`].
//!    `http/response_head.rs` writes it.
//!
//! `error.rs` has everything that can be wrong with a request, with the status of the
//! answer: [`Error`]. `limits.rs` has every limit: [`Limits`].
//!
//! The binary is a program like yours, on this public API. Its `lesson.rs` is the best
//! first page. The [manual]'s chapter [reading](manual::reading) has the whole path, with
//! minutes.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod auth;
mod error;
mod http;
mod limits;
#[cfg(feature = "login")]
mod login;
mod routes;
mod serve;

#[cfg(feature = "login")]
pub use auth::accounts::Account;
pub use auth::challenge::{Challenge, Reason, Refusal};
pub use auth::guard::Guard;
#[cfg(feature = "login")]
pub use auth::password::Password;
#[cfg(feature = "login")]
pub use auth::phc::PasswordError;
pub use auth::user::User;
pub use auth::users::Users;
pub use auth::users_file::UsersFile;
pub use error::Error;
pub use http::body::BodyReader;
pub use http::head::Version;
pub use http::header::Header;
pub use http::method::Method;
pub use http::request::Request;
pub use http::response::Response;
pub use http::response_body::ResponseBody;
pub use http::status::Status;
pub use http::test_request::TestRequest;
pub use http::{form, json};
pub use limits::Limits;
#[cfg(feature = "login")]
pub use login::grant::Login;
#[cfg(feature = "login")]
pub use login::keys::{KeyError, TokenKeys};
#[cfg(feature = "login")]
pub use login::limits::LoginLimits;
pub use routes::group::Group;
pub use routes::route::Route;
pub use routes::table::Routes;
pub use serve::exchange::exchange;
pub use serve::server::Server;
pub use serve::stop::Stop;
#[cfg(feature = "tls")]
pub use serve::tls::Tls;

/// Guards for auth schemes, and what belongs to guards.
pub mod guard {
    pub use crate::auth::credentials::credentials;
    pub use crate::auth::description::{Description, Scheme};
    pub use crate::auth::schemes::{api_key, basic, bearer};
    pub use crate::auth::secret::is_same;
    pub use crate::auth::user::Scoped;
}

/// What can be wrong with a certificate or its key.
#[cfg(feature = "tls")]
pub mod tls {
    pub use crate::serve::certificate::LoadError;
}

/// The users file: what can be wrong with it, what a reload changed, and new lines
/// for it.
pub mod users {
    #[cfg(feature = "login")]
    pub use crate::auth::hashed_tokens::hashed;
    pub use crate::auth::secret::new_token;
    pub use crate::auth::users_append::append;
    pub use crate::auth::users_changes::{Changes, Count};
    pub use crate::auth::users_file::LoadError;
    pub use crate::auth::users_line::line;
    pub use crate::auth::users_text::LineError;
}

/// The manual. Each module here is a chapter of it; the README has a table of them.
///
/// The chapters are the files in `src/manual/`. Their Rust examples are doc tests.
pub mod manual {
    #[doc = include_str!("manual/reading.md")]
    pub mod reading {}

    #[doc = include_str!("manual/steps.md")]
    pub mod steps {}

    #[doc = include_str!("manual/bugs.md")]
    pub mod bugs {}

    #[doc = include_str!("manual/exercises.md")]
    pub mod exercises {}

    #[doc = include_str!("manual/programs.md")]
    pub mod programs {}

    #[doc = include_str!("manual/users.md")]
    pub mod users {}

    #[doc = include_str!("manual/operations.md")]
    pub mod operations {}

    #[doc = include_str!("manual/proxies.md")]
    pub mod proxies {}

    #[doc = include_str!("manual/https.md")]
    pub mod https {}

    #[doc = include_str!("manual/logins.md")]
    pub mod logins {}

    #[doc = include_str!("manual/limits.md")]
    pub mod limits {}

    #[doc = include_str!("manual/performance.md")]
    pub mod performance {}
}

/// The Rust examples of the README are doc tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
