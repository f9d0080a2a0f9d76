//! Turns signals into something that a thread can wait for.
//!
//! A signal handler can do almost nothing: it interrupts a thread anywhere, even
//! inside an allocation, so it may only call functions that are
//! async-signal-safe. This handler writes the number of the signal into a pipe,
//! and an ordinary thread reads the pipe.
//!
//! The unsafe blocks of the project are here, and nowhere else. (`backlog.rs`
//! declares one function of C, which is safe to call.)

use std::ffi::{c_int, c_void};
use std::io::{self, PipeReader, Read};
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What a signal asks the server to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that arrive, in order. `next` waits for one.
pub struct Signals(PipeReader);

const SIGHUP: c_int = 1;
const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;

/// The end of the pipe that the handler writes to. It is never closed, because
/// the handler may run at any time.
static WRITER: AtomicI32 = AtomicI32::new(-1);

unsafe extern "C" {
    /// POSIX `signal(2)`. On Linux, macOS and the BSDs the handler stays in place
    /// after a signal, and system calls that it interrupts are restarted.
    fn signal(number: c_int, handler: extern "C" fn(c_int)) -> *const c_void;
    /// POSIX `write(2)`, which is async-signal-safe.
    fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize;
}

extern "C" fn handle(number: c_int) {
    // Each of the three numbers fits into a byte.
    let byte = number.to_le_bytes()[0];
    // SAFETY: `byte` is one byte long and lives until the call returns, and a
    // handler may call `write`. The result does not matter: a full pipe already
    // holds more signals than the server needs.
    unsafe {
        write(WRITER.load(Relaxed), (&raw const byte).cast(), 1);
    }
}

impl Signals {
    /// Catches SIGTERM, SIGINT and SIGHUP from now on.
    ///
    /// # Errors
    ///
    /// The system has no pipe left.
    pub fn catch() -> io::Result<Signals> {
        let (reader, writer) = io::pipe()?;
        WRITER.store(writer.into_raw_fd(), Relaxed);
        for number in [SIGTERM, SIGINT, SIGHUP] {
            // SAFETY: `handle` has the type that C wants for a handler, and the
            // only function that it calls is `write`, which a handler may call.
            unsafe {
                signal(number, handle);
            }
        }
        Ok(Signals(reader))
    }
}

impl Iterator for Signals {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        let mut byte = [0];
        self.0.read_exact(&mut byte).ok()?;
        Some(if c_int::from(byte[0]) == SIGHUP { Signal::Reload } else { Signal::Stop })
    }
}
