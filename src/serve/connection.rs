//! One connection's life: read, answer, write, again.
//!
//! The fast path has one `read` and one `write`: a read brings a request, or
//! many; each is parsed where it lies and answered in order into one buffer; and
//! whatever is owed is written just before the next read would wait. Every
//! other wait (a head or a body in pieces, a peer that does not read) has a
//! deadline. Generic over its [`Stream`], so that it runs over TCP, over TLS
//! and over memory.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::{ControlFlow, Range};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::http::body::{Content, Progress, Source, Supply};
use crate::http::date::Clock;
use crate::http::head::{Head, HeadEnd, Version, split};
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::{Persistence, Response};
use crate::limits::{Limits, STRICT_TRANSPORT};
use crate::routes::table::Routes;
use crate::serve::access_log;
use crate::serve::yielding::Yielding;

/// What a connection needs of the stream under it.
pub(crate) trait Stream: Read + Write {
    /// Whether nobody on the way can read or change what it carries.
    const IS_SECURE: bool = false;

    /// How long a read may wait; then it fails with `WouldBlock` or `TimedOut`.
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// How long a write may wait for the peer to take something.
    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// Tells the peer that nothing more will come.
    fn end_writing(&mut self) -> io::Result<()>;
}

impl Stream for &TcpStream {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_read_timeout(self, Some(timeout))
    }

    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_write_timeout(self, Some(timeout))
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// What the server knows of a connection, and tells it, without a lock.
///
/// Either side first writes its own half and then reads the other's, so one of
/// them always sees that an idle connection is to leave.
#[derive(Debug)]
pub(crate) struct Seat {
    /// When all of the server's seats began to count.
    epoch: Instant,
    /// Milliseconds since `epoch` when the connection became idle, or [`BUSY`].
    idle_since: AtomicU64,
    leaving: AtomicBool,
}

const BUSY: u64 = u64::MAX;

impl Seat {
    pub(crate) fn new(epoch: Instant) -> Seat {
        Seat { epoch, idle_since: AtomicU64::new(BUSY), leaving: AtomicBool::new(false) }
    }

    /// When the connection became idle, in milliseconds since the epoch; `None`
    /// while a request is under way.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        Some(self.idle_since.load(SeqCst)).filter(|since| *since != BUSY)
    }

    /// Asks the connection to end after the request that is under way.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, SeqCst);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(SeqCst)
    }

    /// Idle from then on: who needs the room may have it.
    pub(crate) fn rest(&self, since: Instant) {
        let since = since.saturating_duration_since(self.epoch).as_millis();
        let since = u64::try_from(since).unwrap_or(BUSY - 1);
        self.idle_since.store(since, SeqCst);
    }

    fn work(&self) {
        self.idle_since.store(BUSY, SeqCst);
    }
}

/// Serves a connection to its end.
pub(crate) fn serve<S: Stream>(
    stream: S,
    peer: Option<SocketAddr>,
    routes: &Routes,
    limits: &Limits,
    seat: &Seat,
    yielding: &Yielding,
) {
    let mut page = [0; Input::SIZE];
    if let Ok(connection) = Connection::new(stream, &mut page, peer, routes, limits, seat, yielding)
    {
        connection.run();
    }
}

/// Answers a peer that speaks something else than is spoken here, and ends the
/// connection.
#[cfg(feature = "tls")]
pub(crate) fn refuse<S: Stream>(
    error: Error,
    stream: S,
    peer: Option<SocketAddr>,
    routes: &Routes,
    limits: &Limits,
    seat: &Seat,
    yielding: &Yielding,
) {
    let mut page = [0; Input::SIZE];
    if let Ok(mut connection) =
        Connection::new(stream, &mut page, peer, routes, limits, seat, yielding)
        && let ControlFlow::Break(linger) = connection.refuse(error)
    {
        connection.end(linger);
    }
}

/// What a client gets back that sends these bytes, and then ends its side.
///
/// The whole server but the socket: for tests of one's own routes, byte for
/// byte, and for benchmarks. Each piece is what one read brings; how bytes are
/// cut into pieces makes no difference to the answer.
///
/// ```
/// use guardhouse::{Limits, Method::GET, Request, Response, Route, Routes, exchange};
///
/// let routes = Routes::new([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))]);
/// let answer = exchange(&routes, &Limits::default(), ["GET / HTTP/1.1\r\nHo", "st: a\r\n\r\n"]);
/// assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"\r\n\r\nHi.\n"));
/// ```
#[must_use]
pub fn exchange<P: AsRef<[u8]>>(
    routes: &Routes,
    limits: &Limits,
    pieces: impl IntoIterator<Item = P>,
) -> Vec<u8> {
    let pieces: Vec<P> = pieces.into_iter().collect();
    let sent = pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()).collect();
    let mut memory = Memory { sent, received: Vec::new() };
    serve(&mut memory, None, routes, limits, &Seat::new(Instant::now()), &Yielding::new());
    memory.received
}

/// A peer that has sent all it will, and reads all it gets.
struct Memory<'a> {
    sent: VecDeque<&'a [u8]>,
    received: Vec<u8>,
}

impl Read for &mut Memory<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.sent.front_mut() else { return Ok(0) };
        let count = piece.read(into)?;
        if piece.is_empty() {
            self.sent.pop_front();
        }
        Ok(count)
    }
}

impl Write for &mut Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for &mut Memory<'_> {
    fn set_read_timeout(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn end_writing(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Connection<'c, S> {
    wire: Wire<'c, S>,
    input: Input<'c>,
    clock: Clock,
    peer: Option<SocketAddr>,
    routes: &'c Routes,
    limits: &'c Limits,
    seat: &'c Seat,
    yielding: &'c Yielding,
    /// A request has been answered, so a silence now is a rest between two.
    served: bool,
}

/// Whether the peer may not have read its answer when the connection closes,
/// and would lose it to a reset.
struct Linger(bool);

impl<'c, S: Stream> Connection<'c, S> {
    fn new(
        stream: S,
        page: &'c mut [u8; Input::SIZE],
        peer: Option<SocketAddr>,
        routes: &'c Routes,
        limits: &'c Limits,
        seat: &'c Seat,
        yielding: &'c Yielding,
    ) -> io::Result<Connection<'c, S>> {
        let (wire, input, clock) = (Wire::new(stream, limits)?, Input::new(page), Clock::new());
        Ok(Connection { wire, input, clock, peer, routes, limits, seat, yielding, served: false })
    }

    fn run(mut self) {
        let linger = loop {
            let next = match self.next_head() {
                Ok(Some(head)) => self.answer(&head),
                Ok(None) => ControlFlow::Break(Linger(false)),
                Err(error) => self.refuse(error),
            };
            if let ControlFlow::Break(linger) = next {
                break linger;
            }
        };
        self.end(linger);
    }

    fn end(mut self, Linger(linger): Linger) {
        if self.wire.flush().is_ok() && linger {
            self.linger();
        }
    }

    /// Waits until a whole head has arrived; where in the unread bytes it
    /// lies. `None` when the peer has no more requests, or rests too long.
    fn next_head(&mut self) -> Result<Option<Range<usize>>, Error> {
        let mut end = HeadEnd::default();
        let mut deadline = None;
        loop {
            if let Some(range) = end.find(self.input.unread(), self.limits)? {
                return Ok(Some(range));
            }
            let idle = end.is_blank();
            let read = if idle {
                self.rest()
            } else {
                let within = self.limits.head_timeout;
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + within);
                self.wire.read_until(self.input.space(), deadline)
            };
            match read {
                Ok(0) if idle => return Ok(None),
                Ok(0) => return Err(Error::HeadTruncated),
                Ok(count) => self.input.arrived(count),
                Err(error) if is_timeout(&error) && !idle => return Err(Error::HeadTimeout),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Waits for a request's first bytes, with no more memory than that takes.
    fn rest(&mut self) -> io::Result<usize> {
        let limits = self.limits;
        self.input.shrink();
        // Idle from here on: who has the whole answer may be asked to leave, and
        // what is still to be written is written all the same.
        self.seat.rest(self.clock.last());
        self.wire.flush()?;
        let timeout = match self.served {
            // The last answer may have been written before the server began to
            // stop, and its reader may have sent the next request since.
            _ if self.seat.is_leaving() => limits.stopping_idle_timeout,
            true => limits.idle_timeout,
            false => limits.silent_timeout,
        };
        if self.served && self.yielding.is_on() {
            // Under load the next request is there when this thread has its turn
            // again, so that it need not be put to sleep for it.
            thread::yield_now();
        }
        let read = self.wire.read(self.input.space(), timeout);
        self.seat.work();
        read
    }

    /// Answers the request whose head lies there in the unread bytes.
    fn answer(&mut self, head: &Range<usize>) -> ControlFlow<Linger> {
        let limits = self.limits;
        // The request borrows its head from the buffer; behind it, the rest of
        // the buffer is where the message body is read.
        self.input.make_room_behind(head.end);
        let Range { start, .. } = self.input.unread;
        let (begin, end) = (start + head.start, start + head.end);
        let arrived = self.input.unread.end - end;
        let (before, behind) = self.input.buffer().split_at_mut(end);
        let bytes = before.get(begin..).unwrap_or_default();

        // Nearly every head has few fields; for the others there is the heap.
        let mut few = [const { MaybeUninit::uninit() }; Input::FIELDS];
        let mut many = Vec::new();
        let parsed = match split(bytes, &mut few, limits) {
            Err(Error::TooManyHeaders) if limits.headers > Input::FIELDS => {
                many.resize_with(limits.headers, MaybeUninit::uninit);
                split(bytes, &mut many, limits)
            }
            parsed => parsed,
        };
        let parsed =
            parsed.and_then(|(line, headers)| Head::new(&line, Cow::Borrowed(headers), limits));
        let head = match parsed {
            Ok(head) => head,
            Err(error) => return self.refuse(error),
        };

        let mut body = Body { wire: &mut self.wire, buffer: behind, unread: 0..arrived };
        let mut request = Request::new(head, Supply::Wire(&mut body), self.peer, limits);
        let response = secured::<S>(answer_or_500(self.routes, &mut request));

        let content = response.sent_content(request.method() == Method::HEAD);
        self.clock.read();
        self.served = true;
        self.yielding.note(self.clock.last());
        access_log::answered(&request, &response, content.len(), &mut self.clock);
        let (progress, version) = (request.progress(), request.version());
        // Not behind content: old clients send a CRLF there (RFC 9112 §2.2).
        let client_is_done =
            !request.head().persistent && progress.is_done() && !progress.has_begun();
        // The server is to stop, or needs the room; but what has arrived behind
        // this request is still answered.
        let goes_on = may_go_on(&request, &response, limits)
            && !(self.seat.is_leaving() && body.unread.is_empty());
        let persistence = match version {
            _ if !goes_on => Persistence::Close,
            Version::Http11 => Persistence::Implied,
            Version::Http10 => Persistence::KeepAlive,
        };

        if body.wire.send(&response, content, persistence, &mut self.clock).is_err() {
            return ControlFlow::Break(Linger(false));
        }
        if !goes_on {
            return ControlFlow::Break(Linger(!client_is_done || !body.unread.is_empty()));
        }
        if !drain(progress, &mut body, limits) {
            return ControlFlow::Break(Linger(true));
        }
        let unread = body.unread;
        self.input.unread = end + unread.start..end + unread.end;
        ControlFlow::Continue(())
    }

    /// Answers a head that can't be understood. What follows it can't be
    /// either, so this is the connection's last answer.
    fn refuse(&mut self, error: Error) -> ControlFlow<Linger> {
        let response = secured::<S>(Response::from(error).ending_connection());
        // What can be told of it is whether it meant HEAD, whose answers have no
        // content whatever they are (RFC 9110 §9.3.2).
        let mut head = self.input.unread();
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        let content = response.sent_content(head.starts_with(b"HEAD "));
        self.clock.read();
        access_log::refused(self.peer, &response, content.len(), &mut self.clock);
        let sent = self.wire.send(&response, content, Persistence::Close, &mut self.clock);
        ControlFlow::Break(Linger(sent.is_ok()))
    }

    /// Closes so that the peer sees the answer: "the server then continues to
    /// read from the connection until it receives a corresponding close by the
    /// client, or until the server is reasonably certain that its own TCP stack
    /// has received the client's acknowledgement" (RFC 9112 §9.6). A socket
    /// closed over unread bytes sends a reset, which takes back what the peer
    /// has not read.
    fn linger(mut self) {
        let now = Instant::now();
        let deadline = now + self.limits.linger_timeout;
        // Not a request under way any more: who needs the room may have it.
        self.seat.rest(now);
        if self.wire.stream.end_writing().is_ok() {
            while let Ok(1..) = self.wire.read_until(self.input.buffer(), deadline) {}
        }
    }
}

/// Whether the connection may serve another request after this answer.
fn may_go_on(request: &Request, response: &Response, limits: &Limits) -> bool {
    // The client wants it to,
    request.head().persistent
        // the answer does not say that the framing is in doubt,
        && !response.ends_connection()
        // and the next request can be told from what is left of this one.
        && request.progress().can_be_drained(limits)
}

/// The table's answer. A panic in a handler costs this answer and this
/// connection: what the handler left behind is not to be trusted further.
fn answer_or_500(routes: &Routes, request: &mut Request) -> Response {
    // The request is only looked at for logging after a panic, and the table is
    // shared by threads anyway, so nothing half-changed is seen.
    panic::catch_unwind(AssertUnwindSafe(|| routes.answer(request))).unwrap_or_else(|_| {
        log::error!("the handler of {} {:?} panicked", request.method().as_str(), request.path());
        Response::internal_error().ending_connection()
    })
}

/// Over TLS, an answer says that the next request is to come that way as well:
/// otherwise whoever is on the way can keep a browser, and its token, on plain
/// HTTP. Not over anything else: "An HSTS Host MUST NOT include the STS header
/// field in HTTP responses conveyed over non-secure transport" (RFC 6797 §7.2).
fn secured<S: Stream>(response: Response) -> Response {
    const NAME: &str = "Strict-Transport-Security";
    // What the program says of it itself counts: one field is all that is read.
    if !S::IS_SECURE || response.header(NAME).is_some() {
        return response;
    }
    response.with_own_header(NAME, STRICT_TRANSPORT)
}

/// Whether the rest of a message body could be read and dropped.
fn drain<S: Stream>(progress: Progress, body: &mut Body<'_, '_, S>, limits: &Limits) -> bool {
    progress.is_done() || Content::new(progress, Supply::Wire(body), limits).drain()
}

/// What has arrived and is not used up.
struct Input<'p> {
    /// On the thread's stack, which goes back to the system when the thread ends.
    /// Borrowed, so that no page is copied, and none more touched, when what it
    /// belongs to is moved.
    page: &'p mut [u8; Input::SIZE],
    /// In use while it has a length: for heads that need more than a page.
    grown: Vec<u8>,
    unread: Range<usize>,
}

impl<'p> Input<'p> {
    /// More than nearly every head, and than sixteen small requests in one read;
    /// with it the whole stack of an idle connection is three pages.
    const SIZE: usize = 3072;
    /// Headers for which there is room on the stack.
    const FIELDS: usize = 24;
    /// Room behind a head in which its body can be read in decent pieces.
    const BEHIND: usize = 1024;

    fn new(page: &'p mut [u8; Input::SIZE]) -> Input<'p> {
        Input { page, grown: Vec::new(), unread: 0..0 }
    }

    fn buffer(&mut self) -> &mut [u8] {
        if self.grown.is_empty() { self.page } else { &mut self.grown }
    }

    fn unread(&self) -> &[u8] {
        let buffer = if self.grown.is_empty() { &self.page[..] } else { &self.grown };
        buffer.get(self.unread.clone()).unwrap_or_default()
    }

    /// Where the next bytes go. Never empty: what is unread moves to the front,
    /// or the buffer grows, which the limit on heads bounds.
    fn space(&mut self) -> &mut [u8] {
        if self.unread.end == self.buffer().len() {
            self.compact();
        }
        if self.unread.end == self.buffer().len() {
            self.grow(self.unread.end * 2);
        }
        let end = self.unread.end;
        self.buffer().get_mut(end..).unwrap_or_default()
    }

    fn arrived(&mut self, count: usize) {
        self.unread.end += count;
    }

    /// Sees to it that there is room behind so many unread bytes.
    fn make_room_behind(&mut self, head: usize) {
        if self.buffer().len() < self.unread.start + head + Input::BEHIND {
            self.compact();
        }
        if self.buffer().len() < head + Input::BEHIND {
            self.grow(head + Input::BEHIND);
        }
    }

    /// Moves what is unread to the front.
    fn compact(&mut self) {
        let unread = self.unread.clone();
        self.unread = 0..unread.len();
        self.buffer().copy_within(unread, 0);
    }

    fn grow(&mut self, length: usize) {
        if self.grown.is_empty() {
            self.grown.extend_from_slice(self.page);
        }
        self.grown.resize(length, 0);
    }

    /// Gives back what a large head needed.
    fn shrink(&mut self) {
        if self.unread.is_empty() {
            self.unread = 0..0;
            self.grown = Vec::new();
        }
    }
}

/// A request's message body, as the connection brings it.
struct Body<'b, 'c, S> {
    wire: &'b mut Wire<'c, S>,
    /// The connection's buffer, from the end of the head on.
    buffer: &'b mut [u8],
    unread: Range<usize>,
}

impl<S: Stream> Source for Body<'_, '_, S> {
    fn unread(&self) -> &[u8] {
        self.buffer.get(self.unread.clone()).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Error> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let space = self.buffer.get_mut(self.unread.end..).unwrap_or_default();
        match self.wire.read_until(space, deadline) {
            Ok(0) => Err(Error::BodyTruncated),
            Ok(count) => {
                self.unread.end += count;
                Ok(())
            }
            Err(error) if is_timeout(&error) => Err(Error::BodyTimeout),
            Err(_) => Err(Error::BodyTruncated),
        }
    }

    fn send_continue(&mut self) {
        // It goes out with the next flush: before the read that waits for the
        // content, or, if that is here already, with the answer.
        self.wire.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}

/// The stream, and what is to be written to it.
struct Wire<'c, S> {
    stream: S,
    output: Vec<u8>,
    limits: &'c Limits,
    /// The read timeout that the stream has now: set only when another is
    /// wanted, so that a request on the fast path costs no `setsockopt`.
    read_timeout: Duration,
}

impl<'c, S: Stream> Wire<'c, S> {
    fn new(stream: S, limits: &'c Limits) -> io::Result<Wire<'c, S>> {
        let read_timeout = limits.silent_timeout;
        stream.set_read_timeout(read_timeout)?;
        stream.set_write_timeout(limits.write_timeout)?;
        Ok(Wire { stream, output: Vec::new(), limits, read_timeout })
    }

    /// Puts an answer behind those that wait to be written. Past the limit, and
    /// for large content, which is not copied, they are written at once.
    fn send(
        &mut self,
        response: &Response,
        content: &[u8],
        persistence: Persistence,
        clock: &mut Clock,
    ) -> io::Result<()> {
        response.write_head(&mut self.output, clock.imf_fixdate(), persistence);
        if self.output.len() + content.len() <= self.limits.output_bytes {
            self.output.extend_from_slice(content);
            return Ok(());
        }
        self.flush()?;
        let written = self.stream.write_all(content);
        // That may have taken a while, and only now does the peer rest.
        clock.read();
        written
    }

    /// Writes all that is owed.
    fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let written = self.stream.write_all(&self.output);
        self.output.clear();
        // One page is kept; a batch of pipelined answers is not held for ever.
        self.output.shrink_to(Input::SIZE);
        written
    }

    /// Reads what has arrived, or waits for it. What is owed is written before.
    fn read(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.flush()?;
        if timeout != self.read_timeout {
            self.stream.set_read_timeout(timeout)?;
            self.read_timeout = timeout;
        }
        loop {
            match self.stream.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// As [`read`](Wire::read), until `deadline` at most.
    fn read_until(&mut self, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.read(into, rest)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
