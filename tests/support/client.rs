//! The client's end of a connection, with TLS or without.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::{Answer, Asked, shown};

/// Longer than the server waits for anything in a test that passes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The client's end of a connection.
pub struct Client<S = TcpStream> {
    pub stream: S,
    /// What has been received and belongs to no answer yet.
    received: Vec<u8>,
    /// Whether the client sends although the server may have closed; then a
    /// reset is no failure.
    expects_reset: bool,
}

impl<S: Read + Write> Client<S> {
    pub fn new(stream: S) -> Client<S> {
        Client { stream, received: Vec::new(), expects_reset: false }
    }

    /// Sends bytes, in one write.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes what it is sent");
    }

    /// Sends one byte at a time, also after the server has closed. For a byte
    /// after the request that ends the connection, the client may get a reset;
    /// the test is about what it received before that.
    pub fn drip(&mut self, bytes: &[u8]) {
        self.expects_reset = true;
        let _ = bytes.chunks(1).try_for_each(|byte| self.stream.write_all(byte));
    }

    /// Sends a request, and waits for its answer.
    #[track_caller]
    pub fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer()
    }

    /// Waits for one whole answer, to a request that is not HEAD.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.try_answer(Asked::Other).expect("a whole answer").0
    }

    /// Waits for one whole answer, and returns its bytes as well.
    pub fn try_answer(&mut self, asked: Asked) -> Result<(Answer, Vec<u8>), String> {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.received, asked)? {
                let rest = self.received.split_off(length);
                return Ok((answer, std::mem::replace(&mut self.received, rest)));
            }
            if self.receive()? == 0 {
                return Err(format!("the connection ended after {}", shown(&self.received)));
            }
        }
    }

    /// Whether not one byte of the next answer has come.
    pub fn has_received_nothing(&self) -> bool {
        self.received.is_empty()
    }

    /// Waits until the server has closed the connection, and returns what came
    /// before that.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        self.try_rest().expect("the end of the connection")
    }

    /// The same, with the failure as a value.
    pub fn try_rest(&mut self) -> Result<Vec<u8>, String> {
        while self.receive()? > 0 {}
        Ok(std::mem::take(&mut self.received))
    }

    /// Waits until the server has closed the connection, and sent nothing more.
    #[track_caller]
    pub fn ends(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "before the end came {}", shown(&rest));
    }

    fn receive(&mut self) -> Result<usize, String> {
        let mut piece = vec![0; 64 * 1024];
        let count = match self.stream.read(&mut piece) {
            Err(error) if self.expects_reset && is_reset(&error) => 0,
            read => read.map_err(|error| format!("{error}, after {}", shown(&self.received)))?,
        };
        self.received.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

impl Client {
    /// Closes the client's side: nothing more will come.
    pub fn half_close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
