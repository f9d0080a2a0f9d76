//! Who is connected, and who makes room for others.
//!
//! The server keeps every open connection in [`Connections`]. A lock is taken when
//! a connection comes and when it goes, never while a request is served. What the
//! two sides tell each other in between, the connection's [`State`], is two atomic
//! numbers.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// All open connections of a server.
pub(crate) struct Connections {
    /// The time from which the states count.
    epoch: Instant,
    open: Mutex<Open>,
    closed: Condvar,
}

#[derive(Default)]
struct Open {
    by_number: HashMap<u64, Arc<Connected>>,
    /// How many connections were opened, which numbers them, and how many closed.
    opened: u64,
    closed: u64,
    /// How many threads wait for a connection to close.
    waiting: usize,
}

/// A connection that counts as open until this is dropped.
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    connected: Arc<Connected>,
}

/// One connection, as the server sees it.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) state: State,
    number: u64,
}

impl Connections {
    pub(crate) fn new() -> Connections {
        Connections { epoch: Instant::now(), open: Mutex::default(), closed: Condvar::new() }
    }

    /// Adds a new connection. If there are `most` already, gives the stream back.
    pub(crate) fn open(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        most: usize,
    ) -> Result<OpenConnection, TcpStream> {
        let mut open = self.lock();
        if open.by_number.len() >= most {
            return Err(stream);
        }
        let number = open.opened;
        open.opened += 1;
        let connected = Arc::new(Connected { stream, peer, state: State::new(self.epoch), number });
        open.by_number.insert(number, Arc::clone(&connected));
        Ok(OpenConnection { connections: Arc::clone(self), connected })
    }

    /// Removes a connection that has ended.
    fn close(&self, connected: &Connected) {
        let mut open = self.lock();
        open.closed += 1;
        let gone = open.by_number.remove(&connected.number);
        // The room that many connections needed is freed when they are gone.
        if open.by_number.len() < open.by_number.capacity() / 4 {
            let twice = open.by_number.len() * 2;
            open.by_number.shrink_to(twice);
        }
        let is_awaited = open.waiting > 0;
        drop((open, gone));
        // A notification is a system call, even if nobody waits.
        if is_awaited {
            self.closed.notify_all();
        }
    }

    /// Evicts the connection that has been idle longest, and waits until one has
    /// closed, `timeout` at most. Gives whether one has closed; false at once if
    /// none is idle: a request that is being worked on is never cut off.
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
        let closed = open.closed;
        self.wait(open, timeout).closed != closed
    }

    /// Ends all connections: with their next answer, or when they have been idle
    /// for [`Limits::stopping_idle_timeout`], or else after [`Limits::grace`].
    pub(crate) fn end_all(&self, limits: &Limits) {
        let end = Instant::now() + limits.grace;
        let mut open = self.lock();
        for connected in open.by_number.values() {
            connected.state.end();
        }
        while !open.by_number.is_empty() {
            let now = Instant::now();
            if now >= end {
                log::warn!(
                    "{} connections are cut off: they did not end in time",
                    open.by_number.len()
                );
                for connected in open.by_number.values() {
                    let _ = connected.stream.shutdown(Shutdown::Both);
                }
                return;
            }
            let elapsed = now.duration_since(self.epoch);
            let is_over = |since: Duration| since + limits.stopping_idle_timeout <= elapsed;
            for connected in open.by_number.values() {
                if connected.state.idle_since().is_some_and(is_over) {
                    let _ = connected.stream.shutdown(Shutdown::Read);
                }
            }
            // Until one closes, or the next one has been idle for long enough.
            open = self.wait(open, limits.stopping_idle_timeout.min(end - now) / 4);
        }
    }

    /// Waits until a connection closes, `timeout` at most.
    fn wait<'c>(
        &'c self,
        mut open: MutexGuard<'c, Open>,
        timeout: Duration,
    ) -> MutexGuard<'c, Open> {
        let closed = open.closed;
        open.waiting += 1;
        let waited = self.closed.wait_timeout_while(open, timeout, |open| open.closed == closed);
        let (mut open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        open.waiting -= 1;
        open
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnection {
    /// Removes the connection, and gives its stream if nobody else uses it.
    pub(crate) fn into_stream(self) -> Option<TcpStream> {
        let connected = Arc::clone(&self.connected);
        drop(self);
        Arc::into_inner(connected).map(|connected| connected.stream)
    }
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

/// What a connection tells the server, and the server the connection, without a
/// lock: since when it is idle, and that it must end.
///
/// Each side first writes its own part and then reads the other's. So at least one
/// of them sees that an idle connection must end.
#[derive(Debug)]
pub(crate) struct State {
    epoch: Instant,
    /// Milliseconds since `epoch`, or [`BUSY`].
    idle_since: AtomicU64,
    must_end: AtomicBool,
}

/// A request is being read or answered.
const BUSY: u64 = u64::MAX;

impl State {
    pub(crate) fn new(epoch: Instant) -> State {
        State { epoch, idle_since: AtomicU64::new(BUSY), must_end: AtomicBool::new(false) }
    }

    /// The connection waits for a request from now on, and can be evicted.
    pub(crate) fn set_idle(&self, now: Instant) {
        let since = now.saturating_duration_since(self.epoch).as_millis();
        self.idle_since.store(u64::try_from(since).unwrap_or(BUSY - 1), SeqCst);
    }

    /// A request has begun to arrive.
    pub(crate) fn set_busy(&self) {
        self.idle_since.store(BUSY, SeqCst);
    }

    /// Since when the connection is idle, from the epoch on; `None` if it is busy.
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
