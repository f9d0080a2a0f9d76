//! What the tests share: a table of routes, a server on a free port, a client,
//! and a parser that is as strict with answers as the server is with requests.

#![allow(dead_code, unused_imports)] // No test uses all of it.

mod answer;
mod client;
mod server;
mod table;

use std::fmt::Write as _;

pub use answer::{Answer, Asked};
pub use client::{Client, PATIENCE};
pub use server::{Running, connect, patient_limits};
pub use table::{Handler, LARGE, held, routes};

/// A request for a target, from host `a`.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// What a client receives that sends these pieces and then closes its side; every
/// date is replaced.
pub fn exchange<P: AsRef<[u8]>>(
    routes: &guardhouse::Routes,
    limits: &guardhouse::Limits,
    pieces: impl IntoIterator<Item = P>,
) -> Vec<u8> {
    undated(guardhouse::exchange(routes, limits, pieces))
}

/// Bytes with every date replaced, so that two runs can be compared.
pub fn undated(mut bytes: Vec<u8>) -> Vec<u8> {
    const HEADER: &[u8] = b"\r\nDate: ";
    const LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(HEADER.len()).position(|window| window == HEADER) {
        let begin = from + at + HEADER.len();
        from = bytes.len().min(begin + LENGTH);
        bytes[begin..from].fill(b'-');
    }
    bytes
}

/// Bytes as a message can show them: the first few hundred, escaped.
pub fn shown(bytes: &[u8]) -> String {
    let mut shown = format!("\"{}\"", bytes[..bytes.len().min(400)].escape_ascii());
    if bytes.len() > 400 {
        let _ = write!(shown, " and {} bytes more", bytes.len() - 400);
    }
    shown
}

/// A list of statuses, as failures show it.
pub fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}
