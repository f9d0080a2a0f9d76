//! Every limit on what logins can make the server keep or do.

use std::time::Duration;

/// The limits of a [`Login`](crate::Login).
///
/// ```
/// use guardhouse::LoginLimits;
/// use std::time::Duration;
///
/// let limits = LoginLimits { token_lifetime: Duration::from_secs(600), ..LoginLimits::default() };
/// assert!(limits.hashes_at_once >= 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Parameters in a form. Default 1,000: Starlette's limit. A login has six.
    pub parameters: usize,
    /// Passwords that are hashed at the same time. Each takes about 10 ms of one
    /// processor, and 19 MiB; a users file may ask for more, up to
    /// [`Limits::HASH_KIB`](crate::Limits::HASH_KIB). Default: half of the processors,
    /// so that the other half is free for other requests.
    pub hashes_at_once: usize,
    /// Logins that wait for their turn to be hashed; further ones are answered 429.
    /// Default 16: about 0.2 s of work, which a person can wait.
    pub waiting: usize,
    /// Issued tokens that are valid at the same time. One more, and the oldest
    /// expires. Default 16,384: as many as connections, about 5 MiB.
    pub tokens: usize,
    /// How long an issued token is valid. Default 1 h: RFC 6750 §5.3 recommends "one
    /// hour or less".
    pub token_lifetime: Duration,
}

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
