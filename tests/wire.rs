//! What the server accepts on the wire, and how it answers everything else: a
//! table of raw requests, one file for each topic.
//!
//! A row has a name, the bytes that a client sends, the answers that it gets,
//! and the rule that says so. `wire/row.rs` sends each row in every way in which
//! bytes can arrive; the answers must not differ by one byte.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

mod wire {
    mod row;

    mod request_line;
    mod target;
    mod version;

    mod headers;
    mod host;

    mod content_length;
    mod transfer_encoding;

    mod chunks;
    mod trailers;

    mod connection;
    mod expect;
    mod methods;
    mod pipelining;
    mod refused;
    mod responses;

    mod limits;
}
