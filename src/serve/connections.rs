//! Which connections are open, and which one is closed to make room for another.
//!
//! The server keeps every open connection in [`Connections`]. Its lock is taken when a
//! connection is added or removed, when one must make room, and during a stop; no request
//! takes it. While a connection is open, the accept loop and the worker share its
//! [`State`], which has a lock of its own. To wake the worker, the accept loop shuts the
//! socket down.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::serve::state::{State, Wait};

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

    /// The connection that makes room for a new one.
    fn to_evict(&self) -> Evictable<'_> {
        let open = || self.by_number.values().map(|connected| &**connected);
        if let Some((_, idle)) = open().filter_map(idle_since).min_by_key(|(since, _)| *since) {
            // One that has just arrived is still answered; what comes later is not read.
            return Evictable::Now(idle, Shutdown::Read);
        }
        let slowest = open().filter_map(slow_since).min_by_key(|(since, ..)| *since);
        match slowest.map(|(since, slow, how)| (since.elapsed(), slow, how)) {
            Some((behind, slow, how)) if behind >= MAX_LAG => Evictable::Now(slow, how),
            Some((behind, ..)) => Evictable::After(MAX_LAG.saturating_sub(behind)),
            // Its worker says in a moment what it waits for.
            None if open().any(|connected| connected.state.wait() == Wait::Worker) => {
                Evictable::After(Duration::from_millis(1))
            }
            None => Evictable::Never,
        }
    }
}

/// Which connection can be evicted.
enum Evictable<'r> {
    /// This one, by shutting down its socket like that.
    Now(&'r Connected, Shutdown),
    /// None now, but perhaps one after this time.
    After(Duration),
    /// None: requests are being worked on.
    Never,
}

/// A peer that is further behind than this can be evicted in the middle of a request or
/// of an answer.
const MAX_LAG: Duration = Duration::from_millis(100);

/// Since when a connection is idle. One that has been evicted already is not listed again.
fn idle_since(connected: &Connected) -> Option<(Instant, &Connected)> {
    match connected.state.wait() {
        Wait::Request(since) if !connected.state.must_end() => Some((since, connected)),
        _ => None,
    }
}

/// Since when a connection's peer keeps the server waiting, within a request or an
/// answer, and how to end that wait.
fn slow_since(connected: &Connected) -> Option<(Instant, &Connected, Shutdown)> {
    match connected.state.wait() {
        Wait::PeerToSend(since) if !connected.state.must_end() => {
            Some((since, connected, Shutdown::Read))
        }
        Wait::PeerToRead(since) => Some((since, connected, Shutdown::Both)),
        _ => None,
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

    /// Evicts the connection that has been idle longest or, if none is idle, the one whose
    /// peer is furthest behind with sending or reading. Waits until a connection is
    /// removed, `timeout` at most, and then tries the next one, three at most. Returns
    /// whether one was removed. It is false at once if the server works on a request in
    /// every connection: such a request is never cut off.
    pub(crate) fn make_room(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + 3 * timeout;
        let mut registry = self.lock();
        let removed = registry.removed();
        while registry.removed() == removed {
            if Instant::now() >= deadline {
                return false;
            }
            let wait = match registry.to_evict() {
                Evictable::Now(evicted, how) => {
                    evicted.state.ask_to_end();
                    let _ = evicted.stream.shutdown(how);
                    timeout
                }
                Evictable::After(time) => time,
                Evictable::Never => return false,
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
                if is_late {
                    let _ = connected.stream.shutdown(Shutdown::Both);
                } else if let Wait::Request(since) = connected.state.wait()
                    && since.elapsed() >= limits.stopping_idle_timeout
                {
                    let _ = connected.stream.shutdown(Shutdown::Read);
                }
            }
            if is_late {
                let count = registry.by_number.len();
                return log::warn!("connections that are cut off: {count}");
            }
            // Looks at all of them again after each removal, and four times per timeout. With
            // a pause of zero, the workers would not get the lock.
            let pause = limits.stopping_idle_timeout.min(deadline - now) / 4;
            registry = self.wait(registry, pause.max(Duration::from_millis(1)));
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
