//! One request and one response. Nothing here knows of sockets, routes or users.

pub(crate) mod body;
pub(crate) mod date;
pub mod form;
pub(crate) mod head;
pub(crate) mod header;
pub mod json;
pub(crate) mod method;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod status;
pub(crate) mod target;
