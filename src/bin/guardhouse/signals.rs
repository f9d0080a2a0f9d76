//! Signals, turned into something that a thread can wait for.
//!
//! The only unsafe blocks of the project. A signal handler may do next to
//! nothing: it interrupts a thread anywhere, even within an allocation, so it
//! may only call what is async-signal-safe. This one writes the signal's number
//! into a pipe, and a thread reads it there in peace.

use std::ffi::{c_int, c_void};
use std::io::{self, PipeReader, Read};
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What can be asked of the server from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that were caught, in order.
pub struct Signals(PipeReader);

const SIGHUP: c_int = 1;
const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;

/// The pipe's writing end. Never closed: a handler may run at any time.
static WRITER: AtomicI32 = AtomicI32::new(-1);

unsafe extern "C" {
    /// POSIX `signal(2)`. On Linux, macOS and the BSDs the handler stays, and
    /// system calls that it interrupts are restarted.
    fn signal(number: c_int, handler: extern "C" fn(c_int)) -> *const c_void;
    /// POSIX `write(2)`, which is async-signal-safe.
    fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize;
}

extern "C" fn note(number: c_int) {
    // The three numbers fit.
    let byte = number.to_le_bytes()[0];
    // SAFETY: `byte` lives through the call and is one byte long, and `write`
    // may be called from a handler. Its result does not matter: a pipe that is
    // full has signals enough in it.
    unsafe {
        write(WRITER.load(Relaxed), (&raw const byte).cast(), 1);
    }
}

impl Signals {
    /// Catches SIGTERM, SIGINT and SIGHUP from now on.
    pub fn catch() -> io::Result<Signals> {
        let (reader, writer) = io::pipe()?;
        WRITER.store(writer.into_raw_fd(), Relaxed);
        for number in [SIGTERM, SIGINT, SIGHUP] {
            // SAFETY: `note` has the type that C wants of a handler, and calls
            // nothing but `write`, which a handler may call.
            unsafe {
                signal(number, note);
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
