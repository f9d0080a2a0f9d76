//! What the accept loop does when connections, descriptors or threads run short.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::date::Clock;
use crate::http::response::Response;
use crate::http::response_head::{Persistence, write_head};
use crate::http::status::Status;
use crate::serve::connections::Connections;

/// How long the accept loop waits for an evicted connection to close, or for a shortage
/// to pass.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Evicts an idle connection. If none is idle, waits a little.
pub(crate) fn make_room_or_pause(connections: &Connections) {
    if !connections.make_room(PAUSE) {
        // No event says that a shortage is over. Only time can pass.
        thread::sleep(PAUSE);
    }
}

/// What the accept loop remembers of shortages.
#[derive(Default)]
pub(crate) struct Shortage {
    /// Connections that got a 503. They are kept for a while, because a socket that is
    /// closed over unread bytes sends a reset, and the peer would lose the 503.
    rejected: VecDeque<TcpStream>,
    /// When a shortage was logged last.
    reported: Option<Instant>,
}

impl Shortage {
    /// How many rejected connections are kept: each needs a descriptor.
    const KEPT: usize = 32;
    /// How far apart shortages are logged.
    const REPORTS: Duration = Duration::from_secs(60);

    /// After an accept that failed: makes room, or waits a little. So the accept loop
    /// neither ends nor uses up the processor.
    pub(crate) fn outlast(&mut self, error: &io::Error, connections: &Connections) {
        use std::io::ErrorKind::{ConnectionAborted, Interrupted};
        if matches!(error.kind(), ConnectionAborted | Interrupted) {
            return;
        }
        self.report(error);
        // Their descriptors are needed now.
        self.rejected.clear();
        make_room_or_pause(connections);
    }

    /// Logs a shortage, but not each time that it is noticed.
    pub(crate) fn report(&mut self, error: &io::Error) {
        if self.reported.is_none_or(|reported| reported.elapsed() > Shortage::REPORTS) {
            self.reported = Some(Instant::now());
            log::warn!("no room for a new connection, so idle ones are closed: {error}");
        }
    }

    /// Answers 503 to a connection for which there is no room, and closes it. Over TLS it
    /// is closed without an answer: that would need a handshake, and there is no room.
    pub(crate) fn answer_503(&mut self, mut stream: TcpStream, is_tls: bool) {
        let response = Response::detail(Status::SERVICE_UNAVAILABLE, "Service Unavailable")
            .with_header("Retry-After", "1");
        let mut answer = Vec::new();
        if !is_tls {
            write_head(&response, &mut answer, Clock::new().imf_fixdate(), Persistence::Close, "");
            answer.extend_from_slice(response.sent_body(false));
        }
        // It never waits: a short answer fits into a send buffer that is empty.
        let sent = stream.set_nonblocking(true).and_then(|()| stream.write_all(&answer));
        if sent.and_then(|()| stream.shutdown(Shutdown::Write)).is_err() {
            return;
        }
        self.rejected.push_back(stream);
        if self.rejected.len() > Shortage::KEPT
            && let Some(mut oldest) = self.rejected.pop_front()
        {
            // What it has sent is read, so that the close sends no reset.
            let _ = oldest.read(&mut [0; 1024]);
        }
    }
}
