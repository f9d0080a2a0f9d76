//! Listening: one thread a connection, and room for new ones.
//!
//! Threads queue at the door, and the first one accepts. With a connection it
//! leaves the door to the next, serves the connection to its end, and queues
//! again: nothing is handed from thread to thread, and a new thread is started
//! only when nobody is left at the door. The register knows every open
//! connection; its lock is taken when one comes and when one goes, never while a
//! request is served.
//!
//! One accepts at a time, and not all of them, because an `accept` that waits
//! holds a descriptor already; and because who is first can make room, alone, if
//! there is no descriptor left.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::date::Clock;
use crate::http::response::{Persistence, Response};
use crate::http::status::Status;
use crate::limits::Limits;
use crate::routes::table::Routes;
use crate::serve::connection::{self, Seat};
use crate::serve::yielding::Yielding;
#[cfg(feature = "tls")]
use crate::{
    error::Error,
    serve::tls::{Accepted, Tls},
};

/// A server that listens, and has not begun to answer.
///
/// ```
/// use guardhouse::{Method::GET, Request, Response, Route, Server};
/// use std::io::{Read, Write};
///
/// let server = Server::bind("127.0.0.1:0")?;
/// let (address, stop) = (server.local_addr(), server.stop());
/// let running = std::thread::spawn(|| {
///     server.run([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))])
/// });
///
/// let mut client = std::net::TcpStream::connect(address)?;
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("Hi.\n"));
///
/// stop.stop();
/// running.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    transport: Transport,
    stop: Stop,
}

/// What stands between socket and connection.
#[derive(Debug)]
enum Transport {
    Tcp,
    #[cfg(feature = "tls")]
    Tls(Tls),
}

impl Server {
    /// Listens at an address. Port 0 is any free one.
    ///
    /// # Errors
    ///
    /// The address does not resolve, is in use, or is not ours to take.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Server::from_listener(TcpListener::bind(address)?)
    }

    /// Serves at a listener that was made elsewhere: one with a longer queue than
    /// the standard library's 128, or one that a supervisor handed down.
    ///
    /// ```
    /// use guardhouse::Server;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let server = Server::from_listener(listener)?;
    /// # assert_ne!(server.local_addr().port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The listener has no address, so it listens no more.
    pub fn from_listener(listener: TcpListener) -> io::Result<Server> {
        let address = listener.local_addr()?;
        let stop = Stop { asked: Arc::default(), address };
        let (limits, transport) = (Limits::default(), Transport::Tcp);
        Ok(Server { listener, address, limits, transport, stop })
    }

    /// This server, with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// This server, with HTTPS instead of HTTP; [`Tls`] shows it.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Server {
        self.transport = Transport::Tls(tls);
        self
    }

    /// The address listened at, with the port really bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The means to stop this server from another thread.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers requests until it is stopped.
    ///
    /// Then idle connections are closed, requests under way get their whole
    /// answer, and what is left after [`Limits::grace`] is cut off.
    ///
    /// # Errors
    ///
    /// There is no thread to begin with. Faults of single connections, and later
    /// shortages of descriptors, threads or memory, are logged and outlived.
    ///
    /// # Panics
    ///
    /// As [`Routes::new`], if a row is in the table twice.
    pub fn run(self, routes: impl Into<Routes>) -> io::Result<()> {
        let house = Arc::new(House {
            door: Mutex::new(Some(self.listener)),
            at_door: AtomicUsize::new(0),
            routes: routes.into(),
            limits: self.limits,
            transport: self.transport,
            stop: self.stop,
            epoch: Instant::now(),
            register: Register::default(),
            yielding: Yielding::new(),
            refused: Mutex::default(),
        });
        house.send_to_door()?;
        house.stop.wait();
        house.close_door();
        house.register.close(house.epoch, &house.limits);
        Ok(())
    }
}

/// Stops a [`Server`] from another thread, once or more often.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: Arc<(Mutex<bool>, Condvar)>,
    address: SocketAddr,
}

impl Stop {
    /// Asks the server to stop; returns at once.
    pub fn stop(&self) {
        let (asked, changed) = &*self.asked;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Waits until it is asked.
    fn wait(&self) {
        let (asked, changed) = &*self.asked;
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(asked, |asked| !*asked));
    }

    fn is_asked(&self) -> bool {
        *self.asked.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects to the server, so that a thread in `accept` looks up.
    fn knock(&self) -> io::Result<()> {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.address.port());
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).map(drop)
    }
}

/// What all threads share.
struct House {
    routes: Routes,
    limits: Limits,
    transport: Transport,
    stop: Stop,
    epoch: Instant,
    /// Whoever has the lock accepts. Empty once the door is closed.
    door: Mutex<Option<TcpListener>>,
    /// How many threads have the lock, wait for it, or are about to.
    at_door: AtomicUsize,
    register: Register,
    yielding: Yielding,
    refused: Mutex<Refused>,
}

/// Connections for which there was no room.
#[derive(Default)]
struct Refused {
    /// Kept a while, so that no reset takes back the 503 that they got.
    turned_away: VecDeque<TcpStream>,
    /// When a shortage was logged last.
    reported: Option<Instant>,
}

/// How many refused connections are kept: each is a descriptor.
const TURNED_AWAY: usize = 32;
/// How far apart shortages are logged.
const REPORTS: Duration = Duration::from_secs(60);
/// How long to wait for a connection that was asked to leave.
const PATIENCE: Duration = Duration::from_millis(100);

impl House {
    /// One more thread for the door.
    fn send_to_door(self: &Arc<Self>) -> io::Result<()> {
        self.at_door.fetch_add(1, SeqCst);
        let house = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("connection".to_owned())
            .stack_size(self.limits.stack_bytes)
            .spawn(move || house.attend());
        thread.map(drop).inspect_err(|_| {
            self.at_door.fetch_sub(1, SeqCst);
        })
    }

    /// A thread's life: accept, serve, and again, until the server stops or
    /// enough others wait at the door.
    fn attend(self: &Arc<Self>) {
        loop {
            let door = self.door();
            if self.stop.is_asked() {
                break;
            }
            let Some(listener) = &*door else { break };
            let place = match listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    self.outlive(&error);
                    None
                }
            };
            let Some(place) = place else { continue };
            if self.leave_door() {
                drop(door);
                place.serve();
                if self.at_door.fetch_add(1, SeqCst) >= self.limits.spare_threads {
                    break;
                }
            } else {
                place.turn_away();
            }
        }
        self.at_door.fetch_sub(1, SeqCst);
    }

    /// Whoever leaves the door sees to it that somebody stays. False if nobody
    /// else can be had; then it is this thread that stays.
    fn leave_door(self: &Arc<Self>) -> bool {
        if self.at_door.fetch_sub(1, SeqCst) > 1 {
            return true;
        }
        let somebody_comes = self.send_to_door().map_or_else(
            |error| {
                self.report(&error);
                // The thread of a connection that makes room comes here.
                self.register.make_room(PATIENCE)
            },
            |()| true,
        );
        if !somebody_comes {
            self.at_door.fetch_add(1, SeqCst);
        }
        somebody_comes
    }

    /// Ends listening. Whoever got into the kernel's queue before is served.
    fn close_door(self: &Arc<Self>) {
        let listener = loop {
            match self.door.try_lock() {
                Ok(mut door) => break door.take(),
                Err(TryLockError::Poisoned(door)) => break door.into_inner().take(),
                // Somebody waits in `accept`, and looks up for a connection.
                Err(TryLockError::WouldBlock) => {
                    if let Err(error) = self.stop.knock() {
                        log::debug!("nobody heard the knock: {error}");
                    }
                    thread::yield_now();
                }
            }
        };
        let Some(listener) = listener else { return };
        if listener.set_nonblocking(true).is_ok() {
            while let Ok((stream, peer)) = listener.accept() {
                let place =
                    stream.set_nonblocking(false).ok().and_then(|()| self.admit(stream, peer));
                let thread = place.map(|place| thread::Builder::new().spawn(|| place.serve()));
                if let Some(Err(error)) = thread {
                    self.report(&error);
                }
            }
        }
    }

    fn door(&self) -> MutexGuard<'_, Option<TcpListener>> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection: one that is free, or that is made free.
    /// Else the connection is turned away.
    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) -> Option<Place> {
        // An answer is one write, and is not to wait for the last one's ACK.
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("{peer}: gone before it was served: {error}");
            return None;
        }
        let (stream, seat) = (Arc::new(stream), Arc::new(Seat::new(self.epoch)));
        let enter = || self.register.enter(&seat, &stream, self.limits.connections);
        let number =
            enter().or_else(|| if self.register.make_room(PATIENCE) { enter() } else { None });
        if let Some(number) = number {
            return Some(Place { house: Arc::clone(self), seat, stream, peer, number });
        }
        self.turn_away(stream);
        None
    }

    /// Answers 503: there is no room, and none could be made. Over TLS that would
    /// take a handshake, for which there is no room either, so it is just an end.
    fn turn_away(&self, stream: Arc<TcpStream>) {
        let Some(mut stream) = Arc::into_inner(stream) else { return };
        let response = Response::detail(Status::SERVICE_UNAVAILABLE, "Service Unavailable")
            .with_header("Retry-After", "1");
        let mut answer = Vec::new();
        response.write_head(&mut answer, Clock::new().imf_fixdate(), Persistence::Close);
        answer.extend_from_slice(response.sent_content(false));
        // Never wait for it: an empty send buffer takes a short answer whole.
        if !matches!(self.transport, Transport::Tcp) {
            answer.clear();
        }
        let sent = stream.set_nonblocking(true).and_then(|()| stream.write_all(&answer));
        if sent.and_then(|()| stream.shutdown(Shutdown::Write)).is_ok() {
            let mut refused = self.refused();
            refused.turned_away.push_back(stream);
            if refused.turned_away.len() > TURNED_AWAY
                && let Some(mut oldest) = refused.turned_away.pop_front()
            {
                let _ = oldest.read(&mut [0; 1024]);
            }
        }
    }

    /// Goes on after a failed accept: makes room if it can, and waits a little,
    /// so that a shortage neither ends the server nor makes it spin.
    fn outlive(&self, error: &io::Error) {
        use std::io::ErrorKind::{ConnectionAborted, Interrupted};
        if matches!(error.kind(), ConnectionAborted | Interrupted) {
            return;
        }
        self.report(error);
        self.refused().turned_away.clear();
        if !self.register.make_room(PATIENCE) {
            // Nothing will be freed that could be waited for.
            thread::sleep(PATIENCE);
        }
    }

    /// Logs a shortage now and then, not each time that it is felt.
    fn report(&self, error: &io::Error) {
        let mut refused = self.refused();
        if refused.reported.is_none_or(|reported| reported.elapsed() > REPORTS) {
            refused.reported = Some(Instant::now());
            log::warn!("no room for a connection, so idle ones make way: {error}");
        }
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
/// A connection, and its place in the register, given up when it is dropped.
struct Place {
    house: Arc<House>,
    seat: Arc<Seat>,
    stream: Arc<TcpStream>,
    peer: SocketAddr,
    number: u64,
}

impl Place {
    /// Serves the connection to its end.
    fn serve(self) {
        let House { routes, limits, transport, yielding, .. } = &*self.house;
        let (socket, seat, peer) = (&*self.stream, &*self.seat, Some(self.peer));
        match transport {
            Transport::Tcp => connection::serve(socket, peer, routes, limits, seat, yielding),
            #[cfg(feature = "tls")]
            Transport::Tls(tls) => {
                // No request is under way yet: a handshake makes room, too.
                seat.rest(Instant::now());
                match tls.accept(socket, limits) {
                    Ok(Accepted::Tls(stream)) => {
                        connection::serve(stream, peer, routes, limits, seat, yielding);
                    }
                    Ok(Accepted::Plain) => {
                        connection::refuse(
                            Error::NotEncrypted,
                            socket,
                            peer,
                            routes,
                            limits,
                            seat,
                            yielding,
                        );
                    }
                    Err(error) => log::debug!("{}: no handshake: {error}", self.peer),
                }
            }
        }
    }

    /// Gives the place up for want of a thread.
    fn turn_away(self) {
        let (house, stream) = (Arc::clone(&self.house), Arc::clone(&self.stream));
        drop(self);
        house.turn_away(stream);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.register.leave(self.number);
    }
}

/// Every open connection.
#[derive(Default)]
struct Register {
    open: Mutex<Open>,
    left: Condvar,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, (Arc<Seat>, Arc<TcpStream>)>,
    /// How many have entered, which numbers them, and how many have left.
    entered: u64,
    left: u64,
    /// How many threads wait for one to leave.
    waiting: usize,
}

impl Register {
    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under the lock, and a count that is off
        // is better than a server that is down.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection's number, if there are fewer than `most`.
    fn enter(&self, seat: &Arc<Seat>, stream: &Arc<TcpStream>, most: usize) -> Option<u64> {
        let mut open = self.open();
        if open.connections.len() >= most {
            return None;
        }
        let number = open.entered;
        open.entered += 1;
        open.connections.insert(number, (Arc::clone(seat), Arc::clone(stream)));
        Some(number)
    }

    fn leave(&self, number: u64) {
        let mut open = self.open();
        open.left += 1;
        let gone = open.connections.remove(&number);
        // A crowd's room is not held for ever.
        if open.connections.len() < open.connections.capacity() / 4 {
            let twice = open.connections.len() * 2;
            open.connections.shrink_to(twice);
        }
        let is_awaited = open.waiting > 0;
        drop((open, gone));
        // To notify is a system call, whether anybody waits or not.
        if is_awaited {
            self.left.notify_all();
        }
    }

    /// Waits until a connection leaves, for so long at most.
    fn wait<'r>(&self, mut open: MutexGuard<'r, Open>, most: Duration) -> MutexGuard<'r, Open> {
        let left = open.left;
        open.waiting += 1;
        let waited = self.left.wait_timeout_while(open, most, |open| open.left == left);
        let (mut open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        open.waiting -= 1;
        open
    }

    /// Asks the connection that has been idle longest to leave, and waits until
    /// one has left, `patience` at most; whether one has. False at once if none
    /// is idle: a request under way is never cut off for room.
    fn make_room(&self, patience: Duration) -> bool {
        let open = self.open();
        let idle = open.connections.values().filter_map(|(seat, stream)| {
            let since = seat.idle_since().filter(|_| !seat.is_leaving())?;
            Some((since, seat, stream))
        });
        let Some((_, seat, stream)) = idle.min_by_key(|(since, ..)| *since) else { return false };
        // It waits for a request. One that has just arrived is still answered:
        // only what comes later is not read.
        seat.leave();
        let _ = stream.shutdown(Shutdown::Read);
        let left = open.left;
        self.wait(open, patience).left != left
    }

    /// Lets every connection end: with its next answer, or when it has been
    /// idle for a while, or at the end of the grace time.
    fn close(&self, epoch: Instant, limits: &Limits) {
        let end = Instant::now() + limits.grace;
        let mut open = self.open();
        for (seat, _) in open.connections.values() {
            seat.leave();
        }
        while !open.connections.is_empty() {
            let now = Instant::now();
            if now >= end {
                log::warn!(
                    "{} connections are cut off after the grace time",
                    open.connections.len()
                );
                for (_, stream) in open.connections.values() {
                    let _ = stream.shutdown(Shutdown::Both);
                }
                return;
            }
            let elapsed = now.duration_since(epoch);
            let is_over =
                |since: u64| Duration::from_millis(since) + limits.stopping_idle_timeout <= elapsed;
            for (seat, stream) in open.connections.values() {
                if seat.idle_since().is_some_and(is_over) {
                    let _ = stream.shutdown(Shutdown::Read);
                }
            }
            // Until one leaves, or the next one's last call is over.
            open = self.wait(open, limits.stopping_idle_timeout.min(end - now) / 4);
        }
    }
}
