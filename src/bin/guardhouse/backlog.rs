//! Makes the queue of new connections longer.
//!
//! New connections wait in a queue of the kernel until the server accepts them.
//! The standard library asks for a queue of 128. When the queue is full, the
//! kernel drops the packets of the next client, and the client tries again after
//! a second. A few hundred clients at once, for example from a proxy that has
//! just restarted, fill 128 places before a thread of the server has run.

use std::ffi::c_int;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

/// The length in connections. 4096 is the default of Linux for its own limit
/// (`net.core.somaxconn`); Linux takes the smaller one. nginx asks for 511.
const LENGTH: c_int = 4096;

// SAFETY: this is POSIX `listen(2)`. It takes two numbers and no memory, and it
// returns an error if the first number is not a socket.
unsafe extern "C" {
    safe fn listen(socket: c_int, backlog: c_int) -> c_int;
}

/// Makes the queue of a listener longer: a second `listen` changes the length and
/// nothing else.
///
/// # Errors
///
/// The system refuses. The queue keeps its length.
pub fn lengthen(listener: &TcpListener) -> io::Result<()> {
    if listen(listener.as_raw_fd(), LENGTH) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
