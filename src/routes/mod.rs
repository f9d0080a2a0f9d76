//! The route table.

pub(crate) mod docs;
pub(crate) mod openapi;
pub(crate) mod table;
