//! Who may pass, and as whom.

#[cfg(feature = "login")]
pub(crate) mod accounts;
pub(crate) mod challenge;
pub mod guard;
#[cfg(feature = "login")]
pub(crate) mod password;
pub(crate) mod random;
pub(crate) mod user;
pub mod users;
