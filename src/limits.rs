//! Every limit on what a peer can make the server keep in memory, or wait for.
//!
//! Each has its unit, its reason and, if there is one, a precedent. Numbers that no
//! peer notices, such as the size of a buffer, are where they are used.

use std::time::Duration;

/// The limits of a [`Server`](crate::Server).
///
/// For a limit that is never reached, take a large value, such as a day or 1 GiB, and not
/// `MAX`: the server adds some of these values to a time or to each other, and such a sum would
/// overflow.
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
    /// Blank lines that are skipped before a request line (RFC 9112 §2.2 asks for
    /// "at least one"). Default 4: old clients send one after a form.
    pub blank_lines: usize,
    /// Bytes in a request target. Default 8 KiB: RFC 9112 §3 recommends at least
    /// 8,000; nginx and Apache accept 8 KiB.
    pub target_bytes: usize,
    /// Bytes in a head, with its request line and its last CRLF. Default 16 KiB:
    /// Node's limit; nginx allows 4 × 8 KiB, Apache 8 KiB a line.
    pub head_bytes: usize,
    /// Headers in a head. Default 100: Apache's limit.
    pub headers: usize,
    /// Bytes in a request's body. Default 1 MiB: nginx's limit.
    pub body_bytes: u64,
    /// Bytes in a chunk line, with its extensions and its CRLF. Default 256:
    /// extensions have no meaning here.
    pub chunk_line_bytes: usize,
    /// Bytes in all chunk extensions of a body. Default 16 KiB: Go's limit, since
    /// CVE-2023-39326 let a client send far more of them than of the body.
    pub chunk_extension_bytes: usize,
    /// Bytes in all trailers. Default 4 KiB: they are dropped.
    pub trailer_bytes: usize,
    /// Bytes of a body that no handler has read, and that the server reads and drops so
    /// that the connection can stay open. Default 64 KiB: for more, a new connection
    /// costs less. Go drains 256 KiB.
    pub drain_bytes: u64,
    /// Bytes of answers that are gathered before they are written. Default 64 KiB:
    /// enough for many pipelined requests, and a bound for what one peer can make the
    /// server keep.
    pub output_bytes: usize,
    /// Stack of a worker thread, in bytes. Default 256 KiB of address space. Only the pages
    /// that are used become memory: 12 KiB while the connection is idle.
    pub stack_bytes: usize,
    /// Connections that are open at once. Default 16,384: half of 32,768, the number of
    /// threads that Linux usually allows.
    pub connections: usize,

    /// How long a worker thread waits for a connection before it ends. Default 5 s:
    /// as long as connections come in at all, hardly any thread must be started.
    pub worker_timeout: Duration,
    /// How long a new connection may send nothing. Default 10 s.
    pub silent_timeout: Duration,
    /// From the first byte of a head to its last. Default 10 s: the attack slowloris
    /// sends a byte now and then for as long as it may. Apache allows 20 s to 40 s. A
    /// TLS handshake has as long.
    pub head_timeout: Duration,
    /// From the first wait for a body to its last byte. Default 30 s.
    pub body_timeout: Duration,
    /// How long a connection may be idle between requests. Default 75 s: nginx's, and
    /// longer than most clients' own, so that the client closes first.
    pub idle_timeout: Duration,
    /// How long a peer may read nothing of an answer. Default 10 s.
    pub write_timeout: Duration,
    /// How fast a peer must read, in bytes per second: an answer takes no longer than its
    /// size divided by this, and [`write_timeout`](Limits::write_timeout). Default 1 KiB:
    /// less than the slowest modem; Kestrel asks for 240 bytes.
    pub write_rate: u64,
    /// How fast a peer must send or read when there is no room for a new connection, in
    /// bytes per second: one that is more than a tenth of a second behind can lose its
    /// connection. Default 128 KiB: to keep its connections, a crowd of peers needs a network
    /// that is as fast for each of them.
    pub crowded_rate: u64,
    /// How long the server waits for a body that no handler has read. Default 1 s.
    pub drain_timeout: Duration,
    /// How long the server waits for more from a connection that it closes, so that the
    /// peer gets the answer before a reset (RFC 9112 §9.6). Default 2 s.
    pub linger_timeout: Duration,
    /// How long it reads on in all from a peer that goes on sending. Default 30 s: nginx's
    /// limit.
    pub linger_total: Duration,
    /// The idle timeout once the server is stopping: the next request may be on its
    /// way. Default 100 ms: most clients send a request that they have within a round
    /// trip.
    pub stopping_idle_timeout: Duration,
    /// How long requests that are being worked on may take after a stop. Default 10 s:
    /// Docker's time before it kills; Kubernetes gives 30 s.
    pub grace: Duration,
}

impl Limits {
    /// The default limits.
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
        write_rate: 1024,
        crowded_rate: 128 * 1024,
        drain_timeout: Duration::from_secs(1),
        linger_timeout: Duration::from_secs(2),
        linger_total: Duration::from_secs(30),
        stopping_idle_timeout: Duration::from_millis(100),
        grace: Duration::from_secs(10),
    };
}

/// What the check of one password may cost, in builds with the feature `login`. A line
/// of the users file with a hash that costs more is refused.
impl Limits {
    /// KiB of memory for one hash: `m` of its PHC string. 256 MiB: 13 times what OWASP
    /// recommends, and libsodium's middle choice of three. Half of the processors can
    /// hash at the same time, and each needs this much; a reload of a file with hashes of
    /// different cost needs it once more.
    pub const HASH_KIB: u32 = 256 * 1024;
    /// The time for one hash, as the KiB that it fills: `m` times `t`. 1 GiB takes 0.4 s
    /// to 0.9 s. So of 16 logins that wait for one processor, the last one waits 15 s.
    pub const HASH_WORK: u64 = 1024 * 1024;
    /// Lanes of one hash: `p`. 16: four times what RFC 9106 §4 recommends, twice Django's
    /// 8. With 1,024, a hash takes twice its time for the same `m` and `t`.
    pub const HASH_LANES: u32 = 16;
    /// Different costs of the hashes in one file. 8: the server computes a hash of each
    /// when it loads the file, up to a second each. Accounts that came from two or three
    /// programs need two or three.
    pub const HASH_COSTS: usize = 8;
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// Characters of the shortest token that a users file may hold. 16: as hexadecimal
/// digits, they hold 64 bits, the least that NIST SP 800-63B asks of a session's
/// secret. So a file that is cut off inside a token does not make one that can be
/// guessed.
pub(crate) const SHORTEST_TOKEN: usize = 16;

/// Characters of a token that nobody can guess. 22: as Base64, they hold 132 bits;
/// RFC 6749 §10.10 wants a guess to succeed with a probability of at most 2^-128.
pub(crate) const STRONG_TOKEN: usize = 22;
