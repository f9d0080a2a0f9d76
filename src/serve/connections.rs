//! Who is connected, and who makes room for others.
//!
//! The server keeps every open connection in [`Connections`]. A lock is taken when a
//! connection opens and when it closes, never while a request is served. In between,
//! the connection's [`State`] is all that the two sides exchange: two atomic values.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// All open connections of a server.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    closed: Condvar,
}

#[derive(Default)]
struct Open {
    by_number: BTreeMap<u64, Arc<Connected>>,
    /// How many connections have been opened; the number of the next one.
    opened: u64,
    /// How many threads wait for a connection to close.
    waiting: usize,
}

impl Open {
    fn closed(&self) -> u64 {
        self.opened - self.by_number.len() as u64
    }
}

/// One connection, as the server sees it.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) state: State,
    number: u64,
}

impl Connections {
    /// Adds a new connection. If `most` are open already, gives the stream back.
    pub(crate) fn open(
        self: &Arc<Self>,
        stream: TcpStream,
        most: usize,
    ) -> Result<OpenConnection, TcpStream> {
        let mut open = self.lock();
        if open.by_number.len() >= most {
            return Err(stream);
        }
        let number = open.opened;
        let connected = Arc::new(Connected { stream, state: State::new(), number });
        open.opened += 1;
        open.by_number.insert(number, Arc::clone(&connected));
        Ok(OpenConnection { connections: Arc::clone(self), connected })
    }

    /// Removes a connection that has ended.
    fn close(&self, connected: &Connected) {
        let mut open = self.lock();
        open.by_number.remove(&connected.number);
        // A notification is a system call, even if nobody waits.
        if open.waiting > 0 {
            self.closed.notify_all();
        }
    }

    /// Evicts the connection that has been idle longest, and waits until a connection
    /// has closed, `timeout` at most. Gives whether one has; false at once if none is
    /// idle, because a request that is being worked on is never cut off.
    pub(crate) fn make_room(&self, timeout: Duration) -> bool {
        let open = self.lock();
        let idle = open.by_number.values().filter_map(|connected| {
            let since = connected.state.idle_since().filter(|_| !connected.state.must_end())?;
            Some((since, connected))
        });
        let Some((_, evicted)) = idle.min_by_key(|(since, _)| *since) else { return false };
        // It waits for a request. One that has just arrived is still answered; what
        // comes later is not read.
        evicted.state.end();
        let _ = evicted.stream.shutdown(Shutdown::Read);
        let closed = open.closed();
        self.wait(open, timeout).closed() != closed
    }

    /// Ends all connections: with their next answer, or when they have been idle for
    /// [`Limits::stopping_idle_timeout`], or else after [`Limits::grace`].
    pub(crate) fn end_all(&self, limits: &Limits) {
        let end = Instant::now() + limits.grace;
        let mut open = self.lock();
        for connected in open.by_number.values() {
            connected.state.end();
        }
        while !open.by_number.is_empty() {
            let now = Instant::now();
            let is_late = now >= end;
            for connected in open.by_number.values() {
                let is_idle = |since| EPOCH.elapsed() >= since + limits.stopping_idle_timeout;
                if is_late {
                    let _ = connected.stream.shutdown(Shutdown::Both);
                } else if connected.state.idle_since().is_some_and(is_idle) {
                    let _ = connected.stream.shutdown(Shutdown::Read);
                }
            }
            if is_late {
                return log::warn!("{} connections are cut off", open.by_number.len());
            }
            // Until one closes, or the next one has been idle for long enough.
            open = self.wait(open, limits.stopping_idle_timeout.min(end - now) / 4);
        }
    }

    /// Waits until a connection closes, `timeout` at most.
    fn wait<'c>(&self, mut open: MutexGuard<'c, Open>, timeout: Duration) -> MutexGuard<'c, Open> {
        let closed = open.closed();
        open.waiting += 1;
        let waited = self.closed.wait_timeout_while(open, timeout, |open| open.closed() == closed);
        let mut open = waited.unwrap_or_else(PoisonError::into_inner).0;
        open.waiting -= 1;
        open
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is open until this is dropped.
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    connected: Arc<Connected>,
}

impl Deref for OpenConnection {
    type Target = Connected;

    fn deref(&self) -> &Connected {
        &self.connected
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.close(&self.connected);
    }
}

/// What a connection tells the server, and the server the connection: since when it
/// is idle, and that it must end.
///
/// Each side first writes its own part and then reads the other's. So at least one of
/// them sees that an idle connection must end.
#[derive(Debug)]
pub(crate) struct State {
    /// Milliseconds since [`EPOCH`], or [`BUSY`].
    idle_since: AtomicU64,
    must_end: AtomicBool,
}

/// A request is being read or answered.
const BUSY: u64 = u64::MAX;

/// The moment from which the times in states are measured.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

impl State {
    /// A new connection is idle: it waits for its first request.
    pub(crate) fn new() -> State {
        let state = State { idle_since: AtomicU64::new(BUSY), must_end: AtomicBool::new(false) };
        state.set_idle(Instant::now());
        state
    }

    /// From now on the connection waits for a request, and can be evicted.
    pub(crate) fn set_idle(&self, now: Instant) {
        let since = now.saturating_duration_since(*EPOCH).as_millis();
        self.idle_since.store(u64::try_from(since).unwrap_or(BUSY - 1), SeqCst);
    }

    /// A request has begun to arrive.
    pub(crate) fn set_busy(&self) {
        self.idle_since.store(BUSY, SeqCst);
    }

    /// Since when the connection is idle, from [`EPOCH`] on; `None` if it is busy.
    fn idle_since(&self) -> Option<Duration> {
        let since = self.idle_since.load(SeqCst);
        (since != BUSY).then(|| Duration::from_millis(since))
    }

    /// Asks the connection to end, after the request that it works on.
    fn end(&self) {
        self.must_end.store(true, SeqCst);
    }

    /// Whether the connection must end.
    pub(crate) fn must_end(&self) -> bool {
        self.must_end.load(SeqCst)
    }
}
