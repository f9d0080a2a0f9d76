//! Decides whether a request may reach its handler, and finds its user.

#[cfg(feature = "login")]
pub(crate) mod accounts;
#[cfg(not(feature = "login"))]
#[path = "no_accounts.rs"]
pub(crate) mod accounts;
pub(crate) mod challenge;
pub(crate) mod conditions;
pub(crate) mod credentials;
pub(crate) mod description;
pub(crate) mod guard;
pub(crate) mod other_hashes;
#[cfg(feature = "login")]
pub(crate) mod password;
#[cfg(feature = "login")]
pub(crate) mod phc;
pub(crate) mod schemes;
pub(crate) mod secret;
pub(crate) mod user;
pub(crate) mod users;
pub(crate) mod users_append;
pub(crate) mod users_changes;
pub(crate) mod users_fault;
pub(crate) mod users_file;
pub(crate) mod users_line;
pub(crate) mod users_text;
