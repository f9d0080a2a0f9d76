//! A minimal, blocking HTTP/1.1 server in which a request passes a guard before
//! it reaches its route.
//!
//! One thread a connection, blocking calls, three packages. A handler that
//! wants a user does not compile on a route without a guard.
//!
//! ```no_run
#![doc = "use guardhouse::{Method::{GET, POST}, Request, Response, Route, Server, guard};"]
//! ```
//!
//! # The tour
//!
//! A request's way through the files, which is also the order to read them in:

#![forbid(unsafe_code)]

mod access_log;
mod authorization;
mod connection;
mod content;
mod date;
mod error;
mod field;
pub mod form;
pub mod guard;
pub mod json;
mod limits;
mod request;
mod response;
mod routes;
mod server;
pub mod users;

pub use authorization::{Challenge, Credentials, Reason, Refusal, Repeated};
pub use connection::exchange;
pub use content::ContentReader;
pub use error::Error;
pub use field::Field;
pub use guard::Guard;
pub use limits::{Limits, MAX_FIELDS};
pub use request::{Method, Request, Version};
pub use response::{Response, Status};
pub use routes::{Behind, Route, Routes};
pub use server::{Server, Stop};
pub use users::{LineError, LoadError, User, Users, UsersFile};
