//! Room for a crowd at the door.
//!
//! Until a server accepts them, new connections wait in a queue of the kernel's.
//! The standard library asks for a queue of 128; whoever comes when it is full is
//! not told, and tries again after a second. A crowd of some hundred clients, such
//! as a proxy that starts anew, fills it before one thread has run.

use std::ffi::c_int;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

/// As many as Linux allows where nothing else is set (`net.core.somaxconn`), and
/// it takes the smaller of the two. nginx asks for 511.
const LENGTH: c_int = 4096;

// SAFETY: this is POSIX `listen(2)`. It takes two numbers and no memory; a number
// that is no socket's gets an error.
unsafe extern "C" {
    safe fn listen(socket: c_int, backlog: c_int) -> c_int;
}

/// Makes a listener's queue longer. A second `listen` does nothing else.
///
/// # Errors
///
/// The system does not want to. The queue is what it was.
pub fn lengthen(listener: &TcpListener) -> io::Result<()> {
    if listen(listener.as_raw_fd(), LENGTH) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
