//! The route table.

pub(crate) mod docs;
pub(crate) mod openapi;
pub(crate) mod route;
pub(crate) mod table;
pub(crate) mod text;
