//! Listening: one thread a connection, and room for new ones.
//!
//! The accept loop admits connections up to a hard cap, makes room when there
//! is none, and never ends but by a [`Stop`]. The register knows every open
//! connection; its lock is taken when one comes and when one goes, never while
//! a request is served.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::{self, Seat};
use crate::limits::Limits;
use crate::response::{Persistence, Response, Status};
use crate::routes::Routes;
#[cfg(feature = "tls")]
use crate::{
    error::Error,
    tls::{Accepted, Tls},
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
        let listener = TcpListener::bind(address)?;
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
    /// None at present: faults of single connections, and a shortage of
    /// descriptors, threads or memory, are logged and outlived.
    ///
    /// # Panics
    ///
    /// As [`Routes::new`], if a row is in the table twice.
    pub fn run(self, routes: impl Into<Routes>) -> io::Result<()> {
        let house = Arc::new(House {
            routes: routes.into(),
            limits: self.limits,
            transport: self.transport,
            register: Register::default(),
            epoch: Instant::now(),
        });
        let mut door =
            Door { house: Arc::clone(&house), turned_away: VecDeque::new(), short: false };
        while !self.stop.is_asked() {
            match self.listener.accept() {
                Ok((stream, peer)) => door.admit(stream, peer),
                Err(error) => door.outlive(&error),
            }
        }
        // Whoever got through the kernel's door before it closes is served.
        if self.listener.set_nonblocking(true).is_ok() {
            while let Ok((stream, peer)) = self.listener.accept() {
                let _ = stream.set_nonblocking(false);
                door.admit(stream, peer);
            }
        }
        drop(self.listener);
        house.register.close(house.epoch, &house.limits);
        Ok(())
    }
}

/// Stops a [`Server`] from another thread, once or more often.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Stop {
    /// Asks the server to stop; returns at once.
    pub fn stop(&self) {
        self.asked.store(true, SeqCst);
        // The accept loop waits for a connection, so here is one.
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.address.port());
        if let Err(error) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            log::debug!("the accept loop could not be woken: {error}");
        }
    }

    fn is_asked(&self) -> bool {
        self.asked.load(SeqCst)
    }
}

/// What all connections share.
struct House {
    routes: Routes,
    limits: Limits,
    transport: Transport,
    register: Register,
    epoch: Instant,
}

/// The accept loop's own state.
struct Door {
    house: Arc<House>,
    /// Connections that got a 503, kept a while so that no reset takes it back.
    turned_away: VecDeque<TcpStream>,
    /// A shortage has been logged and is not over.
    short: bool,
}

impl Door {
    /// How many refused connections are kept: each is a descriptor.
    const TURNED_AWAY: usize = 32;
    /// How long to wait for a connection that was asked to leave, or, in a
    /// shortage, before the next try.
    const PATIENCE: Duration = Duration::from_millis(100);
    /// How often room is made for one connection, and how long a thread takes
    /// to end after its connection.
    const ATTEMPTS: usize = 8;
    const MOMENT: Duration = Duration::from_millis(1);

    /// Serves a connection on a thread of its own.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        // An answer is one write, and is not to wait for the last one's ACK.
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("{peer}: gone before it was served: {error}");
            return;
        }
        let stream = Arc::new(stream);
        if !self.find_room(&stream, peer) {
            self.turn_away(stream);
        }
    }

    /// Serves a connection with the room there is, or with room that is made.
    fn find_room(&mut self, stream: &Arc<TcpStream>, peer: SocketAddr) -> bool {
        for attempt in 0..Door::ATTEMPTS {
            match self.serve(stream, peer) {
                Ok(true) => {
                    self.short &= attempt > 0;
                    return true;
                }
                Ok(false) => {}
                Err(error) => {
                    self.report(&error);
                    // A thread that has left holds its stack a moment longer, and
                    // there is no event for that moment's end.
                    thread::sleep(Door::MOMENT);
                }
            }
            if !self.house.register.make_room(Door::PATIENCE) {
                break;
            }
        }
        false
    }

    /// Starts a connection's thread; false if there is no place for it.
    fn serve(&self, stream: &Arc<TcpStream>, peer: SocketAddr) -> io::Result<bool> {
        let limits = &self.house.limits;
        if self.house.register.len() >= limits.connections {
            return Ok(false);
        }
        let place = Place::take(&self.house, stream);
        thread::Builder::new()
            .name(peer.to_string())
            .stack_size(limits.stack_bytes)
            .spawn(move || place.serve(peer))
            .map(|_| true)
    }

    /// Answers 503: there is no room, and none could be made. Over TLS that would
    /// take a handshake, for which there is no room either, so it is just an end.
    fn turn_away(&mut self, stream: Arc<TcpStream>) {
        let response = Response::detail(Status::SERVICE_UNAVAILABLE, "Service Unavailable")
            .with_field("Retry-After", "1");
        let mut answer = Vec::new();
        let date = crate::date::Clock::default().imf_fixdate().to_owned();
        response.write_head(&mut answer, &date, Persistence::Close);
        answer.extend_from_slice(response.sent_content(false));
        // Never wait for it: an empty send buffer takes a short answer whole.
        let Some(mut stream) = Arc::into_inner(stream) else {
            return;
        };
        if !matches!(self.house.transport, Transport::Tcp) {
            answer.clear();
        }
        let sent = stream.set_nonblocking(true).and_then(|()| stream.write_all(&answer));
        if sent.and_then(|()| stream.shutdown(Shutdown::Write)).is_ok() {
            self.turned_away.push_back(stream);
        }
        if self.turned_away.len() > Door::TURNED_AWAY
            && let Some(mut oldest) = self.turned_away.pop_front()
        {
            let _ = oldest.read(&mut [0; 1024]);
        }
    }

    /// Goes on after a failed accept: makes room if it can, and waits a little,
    /// so that a shortage neither ends the loop nor makes it spin.
    fn outlive(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted};
        if matches!(error.kind(), ConnectionAborted | Interrupted) {
            return;
        }
        self.report(error);
        self.turned_away.clear();
        self.house.register.make_room(Door::PATIENCE);
    }

    /// Logs a shortage once, not each time that it is felt.
    fn report(&mut self, error: &io::Error) {
        if !self.short {
            self.short = true;
            log::warn!("no room for a connection, so idle ones make way: {error}");
        }
    }
}

/// A connection's place in the register; given up when it is dropped.
struct Place {
    house: Arc<House>,
    seat: Arc<Seat>,
    stream: Arc<TcpStream>,
    number: u64,
}

impl Place {
    fn take(house: &Arc<House>, stream: &Arc<TcpStream>) -> Place {
        let seat = Arc::new(Seat::new(house.epoch));
        let number = house.register.enter(&seat, stream);
        Place { house: Arc::clone(house), seat, stream: Arc::clone(stream), number }
    }

    fn serve(self, peer: SocketAddr) {
        let House { routes, limits, transport, .. } = &*self.house;
        let (socket, seat) = (&*self.stream, &*self.seat);
        match transport {
            Transport::Tcp => connection::serve(socket, Some(peer), routes, limits, seat),
            #[cfg(feature = "tls")]
            Transport::Tls(tls) => {
                // No request is under way yet: a handshake makes room, too.
                seat.rest();
                match tls.accept(socket, limits) {
                    Ok(Accepted::Tls(stream)) => {
                        connection::serve(stream, Some(peer), routes, limits, seat);
                    }
                    Ok(Accepted::Plain) => {
                        let error = Error::NotEncrypted;
                        connection::refuse(error, socket, Some(peer), routes, limits, seat);
                    }
                    Err(error) => log::debug!("{peer}: no handshake: {error}"),
                }
            }
        }
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
}

impl Register {
    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under the lock, and a count that is off
        // is better than a server that is down.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        self.open().connections.len()
    }

    fn enter(&self, seat: &Arc<Seat>, stream: &Arc<TcpStream>) -> u64 {
        let mut open = self.open();
        let number = open.entered;
        open.entered += 1;
        open.connections.insert(number, (Arc::clone(seat), Arc::clone(stream)));
        number
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
        drop((open, gone));
        self.left.notify_all();
    }

    /// Asks the connection that has been idle longest to leave, and waits until
    /// one has left, `patience` at most; whether one has. A request under way is
    /// never cut off for room.
    fn make_room(&self, patience: Duration) -> bool {
        let open = self.open();
        let idle = open.connections.values().filter_map(|(seat, stream)| {
            let since = seat.idle_since().filter(|_| !seat.is_leaving())?;
            Some((since, seat, stream))
        });
        if let Some((_, seat, stream)) = idle.min_by_key(|(since, ..)| *since) {
            // It waits for a request. One that has just arrived is still
            // answered: only what comes later is not read.
            seat.leave();
            let _ = stream.shutdown(Shutdown::Read);
        }
        let left = open.left;
        self.left
            .wait_timeout_while(open, patience, |open| open.left == left)
            .is_ok_and(|(open, _)| open.left != left)
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
            let last_call = now.checked_sub(limits.last_call).unwrap_or(epoch);
            let last_call = last_call.saturating_duration_since(epoch).as_millis();
            for (seat, stream) in open.connections.values() {
                if seat.idle_since().is_some_and(|since| u128::from(since) <= last_call) {
                    let _ = stream.shutdown(Shutdown::Read);
                }
            }
            // Until one leaves, or the next one's last call is over.
            let wait = self.left.wait_timeout(open, limits.last_call.min(end - now) / 4);
            open = wait.map_or_else(|poisoned| poisoned.into_inner().0, |(open, _)| open);
        }
    }
}
