//! What the worker of a connection and the accept loop tell each other: what the
//! connection waits for, and that it must end.
//!
//! Each side first writes its own part and then reads the other's. So at least one of
//! them sees that an idle connection must end.
//!
//! [`Lag`] measures how long a peer keeps the server waiting.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a connection waits for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A worker that begins with the connection.
    Worker,
    /// Nothing: the server works on a request.
    Nothing,
    /// The next request. The connection is idle.
    Request(Instant),
    /// The peer, which has sent a part of something.
    PeerToSend(Instant),
    /// The peer, which has read a part of an answer.
    PeerToRead(Instant),
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct State {
    /// The lock is held only while this value is read or written.
    wait: Mutex<Wait>,
    must_end: AtomicBool,
}

impl State {
    pub(crate) fn new() -> State {
        State { wait: Mutex::new(Wait::Worker), must_end: AtomicBool::new(false) }
    }

    /// What the connection waits for from now on.
    pub(crate) fn set(&self, wait: Wait) {
        *self.lock() = wait;
    }

    /// What the connection waits for.
    pub(crate) fn wait(&self) -> Wait {
        *self.lock()
    }

    /// Asks the connection to end, after the request that it works on.
    pub(crate) fn ask_to_end(&self) {
        self.must_end.store(true, SeqCst);
    }

    /// Whether the connection must end.
    pub(crate) fn must_end(&self) -> bool {
        self.must_end.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Wait> {
        // Nothing that can panic runs under the lock.
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a peer is behind: for how long the server has waited for it to send or to
/// read, without the time that a peer of the given rate needs for the same bytes.
#[derive(Debug, Default)]
pub(crate) struct Lag(Duration);

impl Lag {
    /// The moment since when a peer with this lag has kept the server waiting.
    pub(crate) fn since(&self, now: Instant) -> Instant {
        now.checked_sub(self.0).unwrap_or(now)
    }

    /// The server has waited for so many bytes; `rate` is in bytes per second.
    pub(crate) fn add(&mut self, waited: Duration, bytes: usize, rate: u64) {
        let allowed =
            Duration::from_secs(bytes as u64) / u32::try_from(rate.max(1)).unwrap_or(u32::MAX);
        self.0 = (self.0 + waited).saturating_sub(allowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_keeps_each_kind_of_wait_and_its_moment() {
        let state = State::new();
        assert_eq!(state.wait(), Wait::Worker);
        let moment = Instant::now();
        for kind in [Wait::Request, Wait::PeerToSend, Wait::PeerToRead] {
            state.set(kind(moment));
            assert_eq!(state.wait(), kind(moment));
            state.set(Wait::Nothing);
            assert_eq!(state.wait(), Wait::Nothing);
        }
    }

    #[test]
    fn a_peer_that_keeps_the_rate_is_not_behind() {
        let (mut lag, now) = (Lag::default(), Instant::now() + Duration::from_secs(60));
        let behind = |lag: &Lag| now - lag.since(now);
        lag.add(Duration::from_secs(2), 1000, 1000);
        assert_eq!(behind(&lag), Duration::from_secs(1));
        lag.add(Duration::from_millis(100), 600, 1000);
        assert_eq!(behind(&lag), Duration::from_millis(500));
        lag.add(Duration::from_secs(1), 9000, 1000);
        assert_eq!(behind(&lag), Duration::ZERO, "a fast peer saves nothing for later");
    }
}
