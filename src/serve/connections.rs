//! Which connections are open, and which one is closed to make room for another.
//!
//! The server keeps every open connection in [`Connections`]. A lock is taken when a
//! connection is added and when it is removed, never while a request is served. In
//! between, the accept loop and the worker share two atomic values, the connection's
//! [`State`]. To wake the worker, the accept loop shuts the socket down for reading.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// All open connections of a server.
#[derive(Default)]
pub(crate) struct Connections {
    registry: Mutex<Registry>,
    /// A connection was removed.
    removal: Condvar,
}

#[derive(Default)]
struct Registry {
    by_number: BTreeMap<u64, Arc<Connected>>,
    /// How many connections have been added; the number of the next one.
    added: u64,
    /// How many threads wait for a removal.
    waiting: usize,
}

impl Registry {
    fn removed(&self) -> u64 {
        self.added - self.by_number.len() as u64
    }

    /// The connection to evict, and how to end it: the one that has been idle longest;
    /// if none is idle, the one whose peer has read nothing for longest.
    fn to_evict(&self) -> Option<(&Connected, Shutdown)> {
        let longest = |since: fn(&State) -> Option<Duration>| {
            let all = self.by_number.values();
            let these = all.filter_map(|connected| Some((since(&connected.state)?, connected)));
            these.min_by_key(|(since, _)| *since).map(|(_, connected)| &**connected)
        };
        // An idle one waits for a request. One that has just arrived is still answered;
        // what comes later is not read.
        let idle = longest(State::evictable_since).map(|idle| (idle, Shutdown::Read));
        idle.or_else(|| longest(State::stalled_since).map(|stalled| (stalled, Shutdown::Both)))
    }
}

/// One connection, as the server sees it.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) state: State,
    number: u64,
}

impl Connections {
    /// Adds a new connection. If `max` are open already, returns the stream.
    pub(crate) fn add(
        self: &Arc<Self>,
        stream: TcpStream,
        max: usize,
    ) -> Result<OpenConnection, TcpStream> {
        let mut registry = self.lock();
        if registry.by_number.len() >= max {
            return Err(stream);
        }
        let number = registry.added;
        let connected = Arc::new(Connected { stream, state: State::new(), number });
        registry.added += 1;
        registry.by_number.insert(number, Arc::clone(&connected));
        Ok(OpenConnection { connections: Arc::clone(self), connected })
    }

    /// Removes a connection that has ended.
    fn remove(&self, connected: &Connected) {
        let mut registry = self.lock();
        registry.by_number.remove(&connected.number);
        // A notification is a system call, even if no thread waits.
        if registry.waiting > 0 {
            self.removal.notify_all();
        }
    }

    /// Evicts the connection that has been idle longest or, if none is idle, the one
    /// whose peer has read nothing for longest. Waits until a connection is removed,
    /// `timeout` at most, and then tries the next one, three at most. Returns whether one
    /// was removed. A request that is being worked on is never cut off: if there is no
    /// connection to evict, the result is false. It is false at once, unless a worker has
    /// not begun with its connection yet.
    pub(crate) fn make_room(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + 3 * timeout;
        let mut registry = self.lock();
        let removed = registry.removed();
        while registry.removed() == removed {
            if Instant::now() >= deadline {
                return false;
            }
            let wait = if let Some((evicted, how)) = registry.to_evict() {
                evicted.state.ask_to_end();
                let _ = evicted.stream.shutdown(how);
                timeout
            } else if registry.by_number.values().any(|connected| connected.state.is_new()) {
                // Its worker says in a moment whether it is idle.
                Duration::from_millis(1)
            } else {
                return false;
            };
            registry = self.wait(registry, wait);
        }
        true
    }

    /// Ends all connections: with their next answer, or when they have been idle for
    /// [`Limits::stopping_idle_timeout`], or else after [`Limits::grace`].
    pub(crate) fn end_all(&self, limits: &Limits) {
        let deadline = Instant::now() + limits.grace;
        let mut registry = self.lock();
        for connected in registry.by_number.values() {
            connected.state.ask_to_end();
        }
        while !registry.by_number.is_empty() {
            let now = Instant::now();
            let is_late = now >= deadline;
            for connected in registry.by_number.values() {
                let is_idle = |since| EPOCH.elapsed() >= since + limits.stopping_idle_timeout;
                if is_late {
                    let _ = connected.stream.shutdown(Shutdown::Both);
                } else if connected.state.idle_since().is_some_and(is_idle) {
                    let _ = connected.stream.shutdown(Shutdown::Read);
                }
            }
            if is_late {
                return log::warn!("{} connections are cut off", registry.by_number.len());
            }
            // Looks at all of them again after each removal, and four times per timeout.
            let pause = limits.stopping_idle_timeout.min(deadline - now) / 4;
            registry = self.wait(registry, pause);
        }
    }

    /// Waits until a connection is removed, `timeout` at most.
    fn wait<'c>(
        &self,
        mut registry: MutexGuard<'c, Registry>,
        timeout: Duration,
    ) -> MutexGuard<'c, Registry> {
        let removed = registry.removed();
        registry.waiting += 1;
        let none = |registry: &mut Registry| registry.removed() == removed;
        let waited = self.removal.wait_timeout_while(registry, timeout, none);
        let mut registry = waited.unwrap_or_else(PoisonError::into_inner).0;
        registry.waiting -= 1;
        registry
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        // Nothing that can panic runs under the lock.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is open until this is dropped.
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    pub(crate) connected: Arc<Connected>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.remove(&self.connected);
    }
}

/// What the worker of a connection and the accept loop tell each other: since when the
/// connection is idle, and that it must end.
///
/// Each side first writes its own part and then reads the other's. So at least one of
/// them sees that an idle connection must end.
#[derive(Debug)]
pub(crate) struct State {
    /// Milliseconds since [`EPOCH`], or [`BUSY`], or [`NEW`].
    idle_since: AtomicU64,
    /// Milliseconds since [`EPOCH`], or [`BUSY`] if the peer reads, or need not.
    stalled_since: AtomicU64,
    must_end: AtomicBool,
}

/// A request is being read or answered.
const BUSY: u64 = u64::MAX;
/// No worker has begun with the connection.
const NEW: u64 = u64::MAX - 1;

/// The moment from which the times in states are measured.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

impl State {
    pub(crate) fn new() -> State {
        State {
            idle_since: AtomicU64::new(NEW),
            stalled_since: AtomicU64::new(BUSY),
            must_end: AtomicBool::new(false),
        }
    }

    /// From now on the connection waits for a request, and can be evicted.
    pub(crate) fn set_idle(&self, now: Instant) {
        self.idle_since.store(milliseconds(now), SeqCst);
    }

    /// A request has begun to arrive, or the connection can't be evicted for another
    /// reason.
    pub(crate) fn set_busy(&self) {
        self.idle_since.store(BUSY, SeqCst);
    }

    /// Since when the peer has read nothing of an answer that waits for it; `None` if it
    /// reads.
    pub(crate) fn set_stalled(&self, since: Option<Instant>) {
        self.stalled_since.store(since.map_or(BUSY, milliseconds), SeqCst);
    }

    /// Since when the connection is idle, from [`EPOCH`] on; `None` if it is not.
    fn idle_since(&self) -> Option<Duration> {
        moment(self.idle_since.load(SeqCst))
    }

    fn stalled_since(&self) -> Option<Duration> {
        moment(self.stalled_since.load(SeqCst))
    }

    /// Since when the connection is idle; `None` also if it must end already, or waits for
    /// its peer to read.
    fn evictable_since(&self) -> Option<Duration> {
        let is_ending = self.must_end() || self.stalled_since().is_some();
        self.idle_since().filter(|_| !is_ending)
    }

    fn is_new(&self) -> bool {
        self.idle_since.load(SeqCst) == NEW
    }

    /// Asks the connection to end, after the request that it works on.
    fn ask_to_end(&self) {
        self.must_end.store(true, SeqCst);
    }

    /// Whether the connection must end.
    pub(crate) fn must_end(&self) -> bool {
        self.must_end.load(SeqCst)
    }
}

/// A moment as a state keeps it.
fn milliseconds(moment: Instant) -> u64 {
    let since = moment.saturating_duration_since(*EPOCH).as_millis();
    u64::try_from(since).unwrap_or(NEW - 1)
}

/// The moment that a state keeps, if it is one.
fn moment(since: u64) -> Option<Duration> {
    (since < NEW).then(|| Duration::from_millis(since))
}
