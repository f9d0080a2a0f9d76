//! What the worker of a connection and the accept loop tell each other: what the
//! connection waits for, and that it must end.
//!
//! Each side first writes its own part and then reads the other's. So at least one of
//! them sees that an idle connection must end.
//!
//! [`Lag`] measures how long a peer keeps the server waiting.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
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
    /// A [`Wait`]: its kind in the last three bits, and milliseconds since [`EPOCH`].
    wait: AtomicU64,
    must_end: AtomicBool,
}

/// The moment from which the times in states are measured.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

impl State {
    pub(crate) fn new() -> State {
        State { wait: AtomicU64::new(packed(Wait::Worker)), must_end: AtomicBool::new(false) }
    }

    /// What the connection waits for from now on.
    pub(crate) fn set(&self, wait: Wait) {
        self.wait.store(packed(wait), SeqCst);
    }

    /// What the connection waits for.
    pub(crate) fn wait(&self) -> Wait {
        let packed = self.wait.load(SeqCst);
        let since = || *EPOCH + Duration::from_millis(packed >> 3);
        match packed & 0b111 {
            0 => Wait::Worker,
            1 => Wait::Nothing,
            2 => Wait::Request(since()),
            3 => Wait::PeerToSend(since()),
            _ => Wait::PeerToRead(since()),
        }
    }

    /// Asks the connection to end, after the request that it works on.
    pub(crate) fn ask_to_end(&self) {
        self.must_end.store(true, SeqCst);
    }

    /// Whether the connection must end.
    pub(crate) fn must_end(&self) -> bool {
        self.must_end.load(SeqCst)
    }
}

fn packed(wait: Wait) -> u64 {
    let (kind, since) = match wait {
        Wait::Worker => return 0,
        Wait::Nothing => return 1,
        Wait::Request(since) => (2, since),
        Wait::PeerToSend(since) => (3, since),
        Wait::PeerToRead(since) => (4, since),
    };
    let milliseconds = since.saturating_duration_since(*EPOCH).as_millis();
    // The 61 bits are enough for millions of years.
    u64::try_from(milliseconds).unwrap_or(0) << 3 | kind
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
        let moment = *EPOCH + Duration::from_millis(12_345);
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
