//! The whole server without a socket: for tests.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::limits::Limits;
use crate::routes::table::Routes;
use crate::serve::connection::{self, Context};
use crate::serve::state::State;
use crate::serve::stream::Stream;
use crate::serve::yielding::{WorkerYielding, Yielding};

/// What a client receives if it sends these bytes and then closes its side.
///
/// It is the whole server except the socket: for tests of your own routes, byte for
/// byte, and for benchmarks. Each piece is what one read brings. How the bytes are
/// cut into pieces makes no difference to the answer.
///
/// ```
/// use guardhouse::{Limits, Method::GET, Request, Response, Route, Routes, exchange};
///
/// let routes = Routes::new([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))]);
/// let answer = exchange(&routes, &Limits::default(), ["GET / HTTP/1.1\r\nHo", "st: a\r\n\r\n"]);
/// assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"\r\n\r\nHi.\n"));
/// ```
#[must_use]
pub fn exchange<P: AsRef<[u8]>>(
    routes: &Routes,
    limits: &Limits,
    pieces: impl IntoIterator<Item = P>,
) -> Vec<u8> {
    let pieces: Vec<P> = pieces.into_iter().collect();
    let sent = pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()).collect();
    let mut memory = Memory { sent, received: Vec::new() };
    let (state, yielding) = (State::new(), WorkerYielding::new(&Yielding::new()));
    let context = Context { peer: None, routes, limits, state: &state, yielding: &yielding };
    connection::serve(&mut memory, &context);
    memory.received
}

/// A peer that has sent everything, and keeps what it receives.
struct Memory<'a> {
    sent: VecDeque<&'a [u8]>,
    received: Vec<u8>,
}

impl Read for &mut Memory<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.sent.front_mut() else { return Ok(0) };
        let count = piece.read(into)?;
        if piece.is_empty() {
            self.sent.pop_front();
        }
        Ok(count)
    }
}

impl Write for &mut Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for &mut Memory<'_> {
    fn set_read_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn end_writing(&mut self) -> io::Result<()> {
        Ok(())
    }
}
