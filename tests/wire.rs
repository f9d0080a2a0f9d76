//! What is accepted on the wire, and what everything else gets: a table of raw
//! requests, in a file a topic.
//!
//! A row has a name, the bytes that a client sends, what it gets, and where
//! that is written. `wire/row.rs` sends each row in every way in which bytes
//! can arrive; the answers must not differ by one byte.

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
