//! A row of the table, and the ways to send it.
//!
//! Every row is sent over a real socket, whole and one byte at a time, and
//! through [`guardhouse::exchange`] whole, one byte at a time, and cut in two
//! at every position. A parser that depends on how the bytes arrive fails one of
//! them.

use std::panic::Location;

use guardhouse::{Limits, Routes};

use crate::support::{
    Answer, Asked, Client, Running, exchange, patient_limits, routes, shown, statuses, undated,
};

/// The next request on a connection that stays open.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It does not end: the next request has its own answer.
    StaysOpen,
    /// The server closes it, and the last answer says so.
    Closes,
    /// The server closes it, but had sent the last answer before it knew that.
    ClosesUnsaid,
}

/// A row of the table.
pub struct Row {
    name: &'static str,
    sends: Vec<u8>,
    half_closes: bool,
    gets: Vec<u16>,
    heads: Vec<usize>,
    end: End,
    body: Option<Vec<u8>>,
    headers: Vec<(&'static str, Option<&'static str>)>,
    see: &'static str,
    place: &'static Location<'static>,
}

/// A row, named by what is special about its request.
#[track_caller]
pub fn row(name: &'static str) -> Row {
    Row {
        name,
        sends: Vec::new(),
        half_closes: false,
        gets: Vec::new(),
        heads: Vec::new(),
        end: End::StaysOpen,
        body: None,
        headers: Vec::new(),
        see: "",
        place: Location::caller(),
    }
}

impl Row {
    /// The client's bytes.
    pub fn sends(mut self, bytes: impl AsRef<[u8]>) -> Row {
        self.sends = bytes.as_ref().to_vec();
        self
    }

    /// The client closes its side of the connection after its bytes.
    pub fn and_half_closes(mut self) -> Row {
        self.half_closes = true;
        self
    }

    /// The statuses of all answers, with those of interim answers. The connection
    /// stays open unless the row says otherwise.
    pub fn gets(mut self, statuses: impl Into<Vec<u16>>) -> Row {
        self.gets = statuses.into();
        self
    }

    /// One answer: an error with this detail, which ends the connection.
    pub fn gets_refused(self, status: u16, detail: &str) -> Row {
        self.gets([status]).with_detail(detail).and_closes()
    }

    /// The last answer says `Connection: close`, and the server closes.
    pub fn and_closes(mut self) -> Row {
        self.end = End::Closes;
        self
    }

    /// The server closes although its last answer does not say so: it sent that
    /// answer before it saw that the rest of the request is malformed.
    pub fn and_closes_unsaid(mut self) -> Row {
        self.end = End::ClosesUnsaid;
        self
    }

    /// Which of the final answers, from 0, belong to a HEAD request.
    pub fn where_head_is(mut self, heads: impl Into<Vec<usize>>) -> Row {
        self.heads = heads.into();
        self
    }

    /// The last answer's body.
    pub fn with_body(mut self, body: impl AsRef<[u8]>) -> Row {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    /// The body of the last answer, which is an error with this detail.
    pub fn with_detail(self, detail: &str) -> Row {
        self.with_body(format!(r#"{{"detail":"{detail}"}}"#))
    }

    /// A header of the last answer.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Row {
        self.headers.push((name, Some(value)));
        self
    }

    /// A header that the last answer does not have.
    pub fn without_header(mut self, name: &'static str) -> Row {
        self.headers.push((name, None));
        self
    }

    /// Where the rule is written: a section of an RFC, or the advisory about a
    /// server that broke it.
    pub fn see(mut self, source: &'static str) -> Row {
        self.see = source;
        self
    }

    /// Whether the test sends one more request after the row's bytes.
    fn is_followed(&self) -> bool {
        self.end == End::StaysOpen && !self.half_closes
    }

    fn asked(&self, index: usize) -> Asked {
        if self.heads.contains(&index) { Asked::Head } else { Asked::Other }
    }

    fn run(&self, server: &Running, routes: &Routes, limits: &Limits) -> Result<(), String> {
        assert!(!self.see.is_empty(), "a row says where its rule is written");
        let mut bytes = self.sends.clone();
        if self.is_followed() {
            bytes.extend_from_slice(NEXT);
        }

        let whole = guardhouse::exchange(routes, limits, [&bytes]);
        self.check(&whole)?;
        let whole = undated(whole);
        let same = |how: &str, answers: Vec<u8>| {
            if answers == whole {
                return Ok(());
            }
            Err(format!("{how}: {}\n  instead of {}", shown(&answers), shown(&whole)))
        };
        same("one byte at a time", exchange(routes, limits, one_at_a_time(&bytes)))?;
        for at in cuts(bytes.len()) {
            let (before, behind) = bytes.split_at(at);
            same(&format!("cut at {at}"), exchange(routes, limits, [before, behind]))?;
        }

        let mut client = server.connect();
        client.send(&self.sends);
        same("over a socket", self.receive(client).map_err(|wrong| format!("socket: {wrong}"))?)?;
        if self.sends.len() <= DRIPPED {
            let mut client = server.connect();
            client.drip(&self.sends);
            let received = self.receive(client).map_err(|wrong| format!("dripped: {wrong}"))?;
            same("over a socket, one byte at a time", received)?;
        }
        Ok(())
    }

    /// Everything that the client receives for the row's bytes, until the end of
    /// the connection.
    fn receive(&self, mut client: Client) -> Result<Vec<u8>, String> {
        let mut received = Vec::new();
        if self.half_closes {
            client.half_close();
        }
        if self.is_followed() {
            // The client sends the next request only when it has all answers. So
            // one answer too many would stand in the place of the next one.
            let mut finals = 0;
            for _ in &self.gets {
                let (answer, bytes) = client.try_answer(self.asked(finals))?;
                finals += usize::from(!answer.is_interim());
                received.extend(bytes);
            }
            client.send(NEXT);
            received.extend(client.try_answer(Asked::Other)?.1);
            client.half_close();
        }
        received.extend(client.try_rest()?);
        Ok(undated(received))
    }

    fn check(&self, received: &[u8]) -> Result<(), String> {
        let mut answers = Answer::parse_all(received, |index| self.asked(index))?;
        let all = statuses(&answers);
        if answers.iter().any(|answer| answer.body == b"smuggled\n") {
            return Err(format!("the server took a body for a request: {all:?}"));
        }
        if self.is_followed() {
            match answers.pop() {
                Some(next) if next.body == b"next\n" && !next.closes() => {}
                _ => return Err(format!("the next request has no answer: {all:?}")),
            }
        }
        if statuses(&answers) != self.gets {
            let details: Vec<_> = answers.iter().filter_map(Answer::detail).collect();
            return Err(format!("gets {all:?} {details:?} instead of {:?}", self.gets));
        }
        let Some(last) = answers.last() else {
            return Ok(());
        };
        if last.closes() != (self.end == End::Closes) {
            return Err(format!("{:?}, and the last answer is {last}", self.end));
        }
        if self.body.as_ref().is_some_and(|body| *body != last.body) {
            return Err(format!("the body is {}", shown(&last.body)));
        }
        for (name, value) in &self.headers {
            if last.header(name) != *value {
                return Err(format!("{name} is {:?}", last.header(name)));
            }
        }
        Ok(())
    }
}

/// Rows up to this length are also sent over a socket one byte at a time, each
/// in its own packet.
const DRIPPED: usize = 600;

/// Longer rows are not cut everywhere: their length comes from one part in which
/// all bytes are alike, and their last bytes decide.
const LONG: usize = 4 << 10;
const VAST: usize = 256 << 10;

/// Where to cut a row in two: everywhere. A long row is cut at every 97th
/// position (a prime, so that it falls on all positions within a chunk or a
/// header), but at about 100 at most, and at each of the last 64. A row of
/// megabytes is cut at 16 positions and at each of the last 8.
fn cuts(length: usize) -> Vec<usize> {
    if length <= LONG {
        return (1..length).collect();
    }
    let (count, ending) = if length <= VAST { (100, 64) } else { (16, 8) };
    let step = (length / count).max(97);
    (1..length - ending).step_by(step).chain(length - ending..length).collect()
}

/// A row's bytes one by one. In a very long row only the first and the last
/// 4 KiB come one by one, and the bytes between them 251 at a time.
fn one_at_a_time(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.len() <= 4 * LONG {
        return bytes.chunks(1).collect();
    }
    let (first, rest) = bytes.split_at(LONG);
    let (middle, last) = rest.split_at(rest.len() - LONG);
    first.chunks(1).chain(middle.chunks(251)).chain(last.chunks(1)).collect()
}

/// Runs rows under the default limits.
pub fn check(rows: impl IntoIterator<Item = Row>) {
    check_with(patient_limits(), rows);
}

/// Runs rows under other limits.
pub fn check_with(limits: Limits, rows: impl IntoIterator<Item = Row>) {
    let server = Running::with(limits.clone());
    let routes = routes();
    let mut wrong = Vec::new();
    for row in rows {
        if let Err(how) = row.run(&server, &routes, &limits) {
            let Row { name, place, see, .. } = &row;
            wrong.push(format!(
                "{name} ({see})\n  at {place}\n  sends {}\n  {how}",
                shown(&row.sends)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n\n{}\n", wrong.len(), wrong.join("\n\n"));
}
