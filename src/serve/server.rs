//! The server: it listens, and one thread accepts connections in a plain loop.
//!
//! Each connection goes to a worker thread, which serves it to its end
//! (`connection.rs`). The accept loop alone closes idle connections when there are
//! too many connections, or too few descriptors or threads.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::limits::Limits;
use crate::routes::table::Routes;
use crate::serve::address_space::room_for_connections;
use crate::serve::connection::{self, Context};
use crate::serve::connections::{Connected, Connections, OpenConnection};
use crate::serve::shortage::{PAUSE, Shortage, make_room_or_pause};
use crate::serve::socket::{self, Socket};
use crate::serve::state::Wait;
use crate::serve::stop::Stop;
use crate::serve::tls::Tls;
use crate::serve::workers::{Queue, give_memory_back};
use crate::serve::yielding::{WorkerYielding, Yielding};

/// A server that listens, and does not answer yet.
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
    tls: Option<Tls>,
    stop: Stop,
}

impl Server {
    /// Listens at an address. Port 0 is any free one.
    ///
    /// # Errors
    ///
    /// The address does not resolve, is in use, or may not be used.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Server::from_listener(TcpListener::bind(address)?)
    }

    /// A server at a listener that was made elsewhere: one with a longer queue
    /// than the standard library's 128, or one that a supervisor has handed over.
    ///
    /// No other process should accept connections from it: a stop wakes the accept loop by
    /// a connection to the server, and the other process could get that one.
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
    /// The system does not know the listener's address.
    pub fn from_listener(listener: TcpListener) -> io::Result<Server> {
        let address = listener.local_addr()?;
        socket::prepare(&listener)?;
        let stop = Stop::new(address);
        Ok(Server { listener, address, limits: Limits::default(), tls: None, stop })
    }

    /// This server with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// This server with HTTPS instead of HTTP. [`Tls`] has an example.
    // The stand-in for builds without TLS has no value that could be passed here.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Server {
        self.tls = Some(tls);
        self
    }

    /// The address where the server listens, with the port that it really has.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The means to stop this server from another thread.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers requests until the server is stopped.
    ///
    /// After that, idle connections are closed, and requests that are being worked
    /// on get their whole answer. Connections that are still open after
    /// [`Limits::grace`] are cut off.
    ///
    /// # Errors
    ///
    /// The thread that accepts connections can't be started. Errors of single
    /// connections, and shortages of descriptors, threads or memory, are logged,
    /// and the server goes on.
    ///
    /// # Panics
    ///
    /// As [`Routes::new`], if two rows are the same.
    pub fn run(self, routes: impl Into<Routes>) -> io::Result<()> {
        let Server { listener, mut limits, tls, stop, .. } = self;
        limits.connections = room_for_connections(&limits);
        let shared = Arc::new(Shared {
            routes: routes.into(),
            limits,
            tls,
            stop,
            connections: Arc::default(),
            queue: Queue::new(),
            yielding: Yielding::new(),
        });
        let mut acceptor = Acceptor { shared: Arc::clone(&shared), shortage: Shortage::default() };
        let thread = thread::Builder::new()
            .name("accept".to_owned())
            .spawn(move || acceptor.run(&listener))?;
        shared.stop.wait();
        // The accept loop may be waiting in `accept`: a connection to ourselves wakes it.
        // If no descriptor is left for that, an idle connection is evicted.
        while !thread.is_finished() && shared.stop.wake().is_err() {
            make_room_or_pause(&shared.connections);
        }
        let _ = thread.join();
        shared.queue.close();
        shared.connections.end_all(&shared.limits);
        Ok(())
    }
}

/// What the accept loop and the workers share.
struct Shared {
    routes: Routes,
    limits: Limits,
    tls: Option<Tls>,
    stop: Stop,
    connections: Arc<Connections>,
    /// Connections that wait for a worker.
    queue: Queue<OpenConnection>,
    yielding: Arc<Yielding>,
}

/// The accept loop, and what it alone uses.
struct Acceptor {
    shared: Arc<Shared>,
    shortage: Shortage,
}

impl Acceptor {
    fn run(&mut self, listener: &TcpListener) {
        for stream in listener.incoming() {
            match stream {
                Ok(stream) => self.give_to_worker(stream),
                Err(error) => self.shortage.outlast(&error, &self.shared.connections),
            }
            if self.shared.stop.is_asked() {
                break;
            }
        }
        // Connections that are in the kernel's queue at the stop are served, too.
        if listener.set_nonblocking(true).is_ok() {
            for stream in listener.incoming().map_while(Result::ok) {
                if stream.set_nonblocking(false).is_ok() {
                    self.give_to_worker(stream);
                }
            }
        }
    }

    /// Gives a new connection to a worker. If there is no room for it or no worker, the
    /// connection that has been idle longest is evicted. If none is idle, the new one
    /// gets 503.
    fn give_to_worker(&mut self, stream: TcpStream) {
        let Shared { connections, queue, limits, tls, .. } = &*self.shared;
        let added = connections.add(stream, limits.connections).or_else(|stream| {
            connections.make_room(PAUSE);
            connections.add(stream, limits.connections)
        });
        let connection = match added {
            Ok(connection) => connection,
            Err(stream) => return self.shortage.answer_503(stream, tls.is_some()),
        };
        if queue.push(connection) {
            return;
        }
        let Err(error) = self.shared.start_worker() else { return };
        self.shortage.report(&error);
        // There is no thread for a new worker, so this connection waits for the worker of
        // one that is evicted. If none is, it gets 503; `try_clone`, because the connection
        // itself leaves `connections` here.
        let Some(connection) = queue.take_back() else { return };
        connection.connected.state.set(Wait::Nothing);
        if connections.make_room(PAUSE) {
            queue.push(connection);
        } else if let Ok(stream) = connection.connected.stream.try_clone() {
            self.shortage.answer_503(stream, tls.is_some());
        }
    }
}

impl Shared {
    fn start_worker(self: &Arc<Self>) -> io::Result<()> {
        let shared = Arc::clone(self);
        let builder = thread::Builder::new().name("worker".to_owned());
        builder.stack_size(self.limits.stack_bytes).spawn(move || shared.work()).map(drop)
    }

    /// A worker's life: it serves one connection after the other.
    fn work(&self) {
        let yielding = WorkerYielding::new(&self.yielding);
        while let Some(connection) = self.queue.pop(self.limits.worker_timeout, &yielding) {
            if let Err(error) = self.serve(&connection.connected, &yielding) {
                log::debug!("a connection has ended before it was served: {error}");
            }
        }
        give_memory_back();
    }

    fn serve(&self, connected: &Connected, yielding: &WorkerYielding) -> io::Result<()> {
        let (stream, state) = (&connected.stream, &connected.state);
        // Until its first bytes come, so also during a TLS handshake, it can be evicted.
        state.set(Wait::Request(Instant::now()));
        let Shared { routes, limits, .. } = self;
        let socket = Socket::new(stream, state, limits)?;
        let peer = Some(canonical(stream.peer_addr()?));
        let context = Context { peer, routes, limits, state, yielding };
        match &self.tls {
            None => connection::serve(socket, &context),
            Some(tls) => tls.serve(socket, &context),
        }
        Ok(())
    }
}

/// The address in its own family. A listener for IPv6 shows an IPv4 peer as
/// `::ffff:192.0.2.1`, and a guard that knows that peer as `192.0.2.1` would not find it.
fn canonical(mut peer: SocketAddr) -> SocketAddr {
    // A link-local address keeps its interface.
    peer.set_ip(peer.ip().to_canonical());
    peer
}
