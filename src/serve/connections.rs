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

    /// The connection that has been idle longest, of those that can be evicted.
    fn idle_longest(&self) -> Option<&Connected> {
        let idle = self.by_number.values().filter_map(|connected| {
            let state = &connected.state;
            if state.must_end() { None } else { Some((state.idle_since()?, &**connected)) }
        });
        idle.min_by_key(|(since, _)| *since).map(|(_, connected)| connected)
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

    /// Evicts the connection that has been idle longest, and waits until a connection is
    /// removed, `timeout` at most. Returns whether one was. A request that is being
    /// worked on is never cut off: if no connection is idle, or each idle one has been
    /// asked to end already, the result is false. It is false at once, unless a worker
    /// has not begun with its connection yet.
    pub(crate) fn make_room(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut registry = self.lock();
        let evicted = loop {
            if let Some(evicted) = registry.idle_longest() {
                break evicted;
            }
            // A worker that starts with a connection says in a moment whether that is idle.
            let is_one_new = registry.by_number.values().any(|connected| connected.state.is_new());
            if !is_one_new || Instant::now() >= deadline {
                return false;
            }
            registry = self.wait(registry, Duration::from_millis(1));
        };
        // It waits for a request. One that has just arrived is still answered; what
        // comes later is not read.
        evicted.state.ask_to_end();
        let _ = evicted.stream.shutdown(Shutdown::Read);
        let removed = registry.removed();
        self.wait(registry, timeout).removed() != removed
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
        State { idle_since: AtomicU64::new(NEW), must_end: AtomicBool::new(false) }
    }

    /// From now on the connection waits for a request, and can be evicted.
    pub(crate) fn set_idle(&self, now: Instant) {
        let since = now.saturating_duration_since(*EPOCH).as_millis();
        self.idle_since.store(u64::try_from(since).unwrap_or(NEW - 1), SeqCst);
    }

    /// A request has begun to arrive, or the connection can't be evicted for another
    /// reason.
    pub(crate) fn set_busy(&self) {
        self.idle_since.store(BUSY, SeqCst);
    }

    /// Since when the connection is idle, from [`EPOCH`] on; `None` if it is not.
    fn idle_since(&self) -> Option<Duration> {
        let since = self.idle_since.load(SeqCst);
        (since < NEW).then(|| Duration::from_millis(since))
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
