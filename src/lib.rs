//! A minimal, blocking HTTP/1.1 server in which a request passes a guard before
//! it reaches its route.
//!
//! One thread a connection, blocking calls, three packages; and a handler that
//! wants a user does not compile on a route without a guard.
//!
//! # The tour
//!
//! A request's way through the files, top to bottom. Nothing flows back up: each
//! file knows those below it and none above.
//!
//! 1. `server.rs` accepts a connection and gives it a thread: [`Server`].
//!    With the feature `tls`, `tls.rs` shakes hands there, and stands between
//!    socket and loop: `Tls`.
//! 2. `connection.rs` is that thread's loop: read, answer, write, again. Every
//!    deadline is here, and the one predicate for "may it go on?". `yielding.rs`
//!    says when its thread lets others run first.
//! 3. `request.rs` finds the head, has httparse split it, and checks what
//!    httparse does not: [`Request`]. `field.rs` has the grammar, `content.rs`
//!    says where the content ends and reads it.
//! 4. `routes.rs` finds the row of the table: [`Route`], [`Routes`].
//! 5. `guard.rs` decides who passes, and as whom: [`Guard`], [`mod@guard`].
//!    `authorization.rs` reads `Authorization`, and is **where a 401 is
//!    written**: [`Challenge`], [`Refusal`]. `users.rs` knows who exists:
//!    [`Users`]; `user.rs` is one of them: [`User`].
//! 6. The handler, yours, gets what the guard let through.
//! 7. `response.rs` is what goes back: [`Response`].
//!
//! With the feature `login`, `login.rs` hands out tokens for names and
//! passwords: `Login`.
//!
//! Beside the way: `openapi.rs` writes the table for programs, and `docs.rs`
//! serves that with a page to try it on, `docs.html`: [`Routes::documented`].
//! `error.rs` has everything that can be wrong with a request, and which answer
//! it gets; `limits.rs` every number; `access_log.rs`, `date.rs`, `json.rs`,
//! `form.rs` and `random.rs` are what their names say.
//!
//! The binary is a program like yours, on this API alone: `lesson.rs` is its
//! table, and the best first page of all.

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
pub use http::status::Status;
pub use http::{form, json};
pub use limits::Limits;
#[cfg(feature = "login")]
pub use login::grant::Login;
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

/// Guards for the auth schemes, and what belongs to guards.
pub mod guard {
    pub use crate::auth::credentials::credentials;
    pub use crate::auth::description::{Description, Scheme};
    pub use crate::auth::schemes::{api_key, basic, bearer};
    pub use crate::auth::secret::is_same;
    pub use crate::auth::user::Scoped;
}

/// What can be wrong with a certificate and its key.
#[cfg(feature = "tls")]
pub mod tls {
    pub use crate::serve::tls::LoadError;
}

/// The users file: its errors, and new lines for it.
pub mod users {
    pub use crate::auth::users_file::{LineError, LoadError, new_line};
}

/// The manual. Each module here is a chapter of it; the README has a table of them.
///
/// The chapters are the files in `src/manual/`. Their Rust examples are doc tests.
pub mod manual {
    #[doc = include_str!("manual/reading.md")]
    pub mod reading {}

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
