//! One request and one response. Nothing here knows of sockets, routes or users.

pub(crate) mod body;
pub(crate) mod buffer;
pub(crate) mod chunked;
pub(crate) mod date;
pub(crate) mod day;
pub mod form;
pub(crate) mod framing;
pub(crate) mod handler_error;
pub(crate) mod head;
pub(crate) mod head_end;
pub(crate) mod header;
pub(crate) mod incoming;
pub mod json;
pub(crate) mod method;
pub(crate) mod params;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod response_body;
pub(crate) mod response_head;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod test_request;
