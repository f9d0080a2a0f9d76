//! The route table: its rows, how a request finds its row, and the ways to show
//! the table to people and programs.
//!
//! A request passes `table.rs` (finds the row, with `tree.rs`) and `route.rs` (asks the
//! guard, runs the handler). `path.rs` reads the path of a row. The other files can be
//! skipped at a first reading.

pub(crate) mod docs;
pub(crate) mod group;
pub(crate) mod openapi;
pub(crate) mod path;
pub(crate) mod route;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
