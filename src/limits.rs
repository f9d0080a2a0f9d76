//! Every number that bounds what a peer can make the server hold, or wait for.
//!
//! Each stands here with its unit, its reason and, where there is one, a
//! precedent. Numbers that no peer can feel, such as the size of a buffer, stand
//! where they are used.

use std::time::Duration;

/// The limits that a [`Server`](crate::Server) keeps.
///
/// ```
/// use guardhouse::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { idle_timeout: Duration::from_secs(5), ..Limits::default() };
/// assert_eq!(limits.head_bytes, 16 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Blank lines skipped before a request line (RFC 9112 §2.2 asks for "at
    /// least one"). Default 4: old clients send one after a form's content.
    pub blank_lines: usize,
    /// Bytes in a request's target. Default 8 KiB: RFC 9112 §3 recommends
    /// 8,000 at least; nginx and Apache take 8 KiB.
    pub target_bytes: usize,
    /// Bytes in a head, its request line and last CRLF included. Default
    /// 16 KiB: Node's limit; nginx allows 4 × 8 KiB, Apache 8 KiB a line.
    pub head_bytes: usize,
    /// Header lines in a head. Default 100: Apache's.
    pub headers: usize,
    /// Bytes of content that a request may bring. Default 1 MiB: nginx's.
    pub body_bytes: u64,
    /// Bytes in a chunk's size line, extensions and CRLF included. Default 256:
    /// extensions mean nothing to us.
    pub chunk_line_bytes: usize,
    /// Bytes of all the chunk extensions in a message body. Default 16 KiB:
    /// Go's, since CVE-2023-39326 let a client send far more than its content.
    pub chunk_extension_bytes: usize,
    /// Bytes in a trailer section. Default 4 KiB: trailers are dropped anyway.
    pub trailer_bytes: usize,
    /// Bytes of unread message body that are read and dropped to keep a
    /// connection. Default 64 KiB: past it a new connection is cheaper. Go
    /// drains 256 KiB.
    pub drain_bytes: u64,
    /// Bytes of answers gathered before they are written. Default 64 KiB: a
    /// whole batch of pipelined answers, and a bound on what one peer can owe.
    pub output_bytes: usize,
    /// Stack of a connection's thread, in bytes. Default 256 KiB of address
    /// space: only what a handler touches becomes memory (12 KiB at rest).
    pub stack_bytes: usize,
    /// Connections open at once. Default 16,384: half of the threads that
    /// Linux allows by default.
    pub connections: usize,

    /// How long a worker thread waits for a connection before it ends. Default 5 s.
    pub worker_timeout: Duration,
    /// How long a new connection may say nothing. Default 10 s.
    pub silent_timeout: Duration,
    /// From a head's first byte to its last. Default 10 s: slowloris sends a
    /// byte at a time for as long as it is let. Apache allows 20 s to 40 s. A TLS
    /// handshake, too, has this long.
    pub head_timeout: Duration,
    /// From the first wait for a message body to its last byte. Default 30 s.
    pub body_timeout: Duration,
    /// How long a connection may rest between requests. Default 75 s: nginx's,
    /// and longer than most clients' own, so that they close first.
    pub idle_timeout: Duration,
    /// How long a peer may take none of an answer. Default 10 s.
    pub write_timeout: Duration,
    /// How long an unread message body is waited for. Default 1 s.
    pub drain_timeout: Duration,
    /// How long a closed connection is still read, so that the peer sees the
    /// answer before a reset (RFC 9112 §9.6). Default 2 s.
    pub linger_timeout: Duration,
    /// How long after its last answer a connection is still read when the server
    /// stops: the next request may be on its way. Default 100 ms: most clients
    /// that have one send it within a round trip.
    pub stopping_idle_timeout: Duration,
    /// How long requests under way may take to end after a stop. Default 10 s:
    /// Docker's time before it kills; Kubernetes gives 30 s.
    pub grace: Duration,
}

impl Limits {
    /// What holds where nothing else is said.
    pub const DEFAULT: Limits = Limits {
        blank_lines: 4,
        target_bytes: 8 * 1024,
        head_bytes: 16 * 1024,
        headers: 100,
        body_bytes: 1024 * 1024,
        chunk_line_bytes: 256,
        chunk_extension_bytes: 16 * 1024,
        trailer_bytes: 4 * 1024,
        drain_bytes: 64 * 1024,
        output_bytes: 64 * 1024,
        stack_bytes: 256 * 1024,
        connections: 16 * 1024,
        worker_timeout: Duration::from_secs(5),
        silent_timeout: Duration::from_secs(10),
        head_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(75),
        write_timeout: Duration::from_secs(10),
        drain_timeout: Duration::from_secs(1),
        linger_timeout: Duration::from_secs(2),
        stopping_idle_timeout: Duration::from_millis(100),
        grace: Duration::from_secs(10),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// The limits that a [`Login`](crate::Login) keeps.
///
/// ```
/// use guardhouse::LoginLimits;
/// use std::time::Duration;
///
/// let limits = LoginLimits { token_lifetime: Duration::from_secs(600), ..LoginLimits::default() };
/// assert!(limits.hashes_at_once >= 1);
/// ```
#[cfg(feature = "login")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Parameters in a form. Default 1,000: Starlette's; a login has six.
    pub parameters: usize,
    /// Passwords that are hashed at once, each for some 10 ms on a core of its
    /// own, in 19 MiB. Default: half of the processors, so that the other half is
    /// there for whoever does not log in.
    pub hashes_at_once: usize,
    /// Logins that wait for one of those; whoever comes then is answered 429.
    /// Default 16: some 0.2 s of work, bearable for a person.
    pub waiting: usize,
    /// Issued tokens that are good at once; past it the oldest expires. Default
    /// 16,384: as many as connections, some 5 MiB.
    pub tokens: usize,
    /// How long an issued token is good. Default 1 h: RFC 6750 §5.3 recommends
    /// "one hour or less".
    pub token_lifetime: Duration,
}

#[cfg(feature = "login")]
impl Default for LoginLimits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        LoginLimits {
            parameters: 1000,
            hashes_at_once: (processors / 2).max(1),
            waiting: 16,
            tokens: 16 * 1024,
            token_lifetime: Duration::from_secs(3600),
        }
    }
}
