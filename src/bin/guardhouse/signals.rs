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
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What a signal asks the server to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT or SIGQUIT, by its number.
    Stop(u8),
    /// SIGHUP.
    Reload,
}

/// The signals that arrive, in order. `next` waits for one.
pub struct Signals(PipeReader);

const SIGHUP: c_int = 1;
const SIGINT: c_int = 2;
const SIGQUIT: c_int = 3;
const SIGTERM: c_int = 15;
/// SIGUSR1 and SIGUSR2, whose numbers differ between systems.
const USER_SIGNALS: [c_int; 2] = if cfg!(not(any(target_os = "linux", target_os = "android"))) {
    [30, 31] // macOS and the BSDs
} else if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    [16, 17]
} else {
    [10, 12]
};

/// The handler with which the system drops a signal: the address 1 on every Unix.
const SIG_IGN: *const c_void = ptr::without_provenance(1);

/// The end of the pipe that the handler writes to. It is never closed, because
/// the handler may run at any time.
static WRITER: AtomicI32 = AtomicI32::new(-1);

unsafe extern "C" {
    /// POSIX `signal(2)`. On Linux, macOS and the BSDs the handler stays in place
    /// after a signal, and system calls that it interrupts are restarted.
    fn signal(number: c_int, handler: *const c_void) -> *const c_void;
    /// POSIX `write(2)`, which is async-signal-safe.
    fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize;
}

extern "C" fn handle(number: c_int) {
    // Each of the four numbers fits into a byte.
    let byte = number.to_le_bytes()[0];
    // SAFETY: `byte` is one byte long and lives until the call returns, and a
    // handler may call `write`. The result does not matter: a full pipe already
    // holds more signals than the server needs.
    unsafe {
        write(WRITER.load(Relaxed), (&raw const byte).cast(), 1);
    }
}

impl Signals {
    /// Catches SIGTERM, SIGINT, SIGQUIT and SIGHUP from now on, and ignores SIGUSR1
    /// and SIGUSR2, which would end the process.
    ///
    /// # Errors
    ///
    /// The system has no pipe left.
    pub fn catch() -> io::Result<Signals> {
        let (reader, writer) = io::pipe()?;
        WRITER.store(writer.into_raw_fd(), Relaxed);
        let handler: extern "C" fn(c_int) = handle;
        for number in [SIGTERM, SIGINT, SIGQUIT, SIGHUP] {
            // SAFETY: `handle` has the type that C wants for a handler, and the
            // only function that it calls is `write`, which a handler may call.
            unsafe {
                signal(number, handler as *const c_void);
            }
        }
        for number in USER_SIGNALS {
            // SAFETY: `SIG_IGN` runs no code of this process.
            unsafe {
                signal(number, SIG_IGN);
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
        let [number] = byte;
        Some(if c_int::from(number) == SIGHUP { Signal::Reload } else { Signal::Stop(number) })
    }
}
