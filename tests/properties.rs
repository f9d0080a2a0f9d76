//! What holds for every input, tested with many: valid requests that are cut
//! anywhere, and requests with random mistakes.
//!
//! `GUARDHOUSE_CASES=1000000 cargo test --release --test properties -- --nocapture`
//! runs more cases, and shows how many a second. `GUARDHOUSE_SEED` is the seed of
//! the first case; a failure prints the seed of its case.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::fmt::Write as _;
use std::time::Instant;

use guardhouse::{Limits, Routes};

use support::{Answer, Asked, exchange, routes, shown, statuses};

/// Random numbers that are the same for the same seed: xorshift64*.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        // Seeds that differ in one bit must begin differently, and none may be 0.
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        let number = (self.next() >> 32) % end as u64;
        usize::try_from(number).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A valid request, and whether its answer has a body.
struct Valid {
    bytes: Vec<u8>,
    asked: Asked,
}

/// Any valid request that leaves its connection open.
fn valid(random: &mut Random) -> Valid {
    let get = random.once_in(2);
    let method = if get { random.pick(&["GET", "HEAD", "GET", "OPTIONS"]) } else { "POST" };
    let target = if get {
        random.pick(&["/", "/next", "/query?a=1", "/%6eext", "/nope", "/protected", "http://a/"])
    } else {
        random.pick(&["/", "/unread", "/stream", "/nope", "/protected"])
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n");
    for _ in 0..random.below(3) {
        head += random.pick(&[
            "X: 1\r\n",
            "Accept:*/*\r\n",
            "Connection: keep-alive\r\n",
            TOKEN,
            "X-Empty:\r\n",
            "Cookie: \t a=b \t\r\n",
        ]);
    }
    let mut body = Vec::new();
    // A request with a body closes its connection if it has no row, or if the guard refuses it.
    let has_row = method != "OPTIONS" && target != "/nope";
    if has_row && (!get || random.once_in(4)) {
        if target == "/protected" {
            head = head.replace(TOKEN, "") + TOKEN;
        }
        body = (0..random.below(40)).map(|_| *random.pick(&BODY.each_ref())).collect();
        if random.once_in(2) {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        } else {
            head += "Transfer-Encoding: chunked\r\n";
            body = chunked(random, &body);
        }
    }
    head += "\r\n";
    let asked = if method == "HEAD" { Asked::Head } else { Asked::Other };
    Valid { bytes: [head.into_bytes(), body].concat(), asked }
}

const TOKEN: &str = "Authorization: Bearer letmein\r\n";

/// What a body is made of: bytes that mean something in a head or a chunk.
const BODY: [u8; 12] = *b"a0\r\n:; \0\xffG5/";

fn chunked(random: &mut Random, mut body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    while !body.is_empty() {
        let (chunk, rest) = body.split_at(1 + random.below(body.len()));
        let zeros = random.pick(&["", "", "0", "000"]);
        let extension = random.pick(&["", "", ";a", ";a=b", " ; a=\"b;\\\"\"", ";a;b=c"]);
        chunks.extend(format!("{zeros}{:x}{extension}\r\n", chunk.len()).bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
        body = rest;
    }
    chunks.extend(random.pick(&["0\r\n", "000\r\n", "0;a=b\r\n"]).bytes());
    chunks.extend(random.pick(&["", "", "X: 1\r\n", "X: 1\r\nContent-Length: 5\r\n"]).bytes());
    chunks.extend_from_slice(b"\r\n");
    chunks
}

/// Bytes as one to ten reads bring them.
fn pieces<'a>(random: &mut Random, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> =
        (0..random.below(10)).map(|_| random.below(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    pieces.push(&bytes[from..]);
    pieces
}

/// One to four mistakes.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const NASTY: [&[u8]; 24] = [
        b"\r",
        b"\n",
        b"\0",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"\"",
        b"%",
        b"\x7f",
        b"\xff",
        b"0\r\n\r\n",
        b"ffffffffffffffff",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Host: b\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => {
                let end = bytes.len().min(at + 1 + random.below(4));
                bytes.drain(at..end);
            }
            2 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
            3 => duplicate_line(bytes, at),
            4 => {
                // At the beginning of a line, the bytes are a whole line.
                let line = line_at(bytes, at).0;
                bytes.splice(line..line, random.pick(&NASTY).iter().copied());
            }
            _ => {
                bytes.splice(at..at, random.pick(&NASTY).iter().copied());
            }
        }
    }
}

/// The line around a position, its LF included.
fn line_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let begin = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |lf| lf + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n');
    (begin, end.map_or(bytes.len(), |lf| at + lf + 1))
}

fn duplicate_line(bytes: &mut Vec<u8>, at: usize) {
    let (begin, end) = line_at(bytes, at);
    let line = bytes[begin..end].to_vec();
    bytes.splice(end..end, line);
}

/// There are as many answers as requests, however the bytes are cut.
fn check_valid(random: &mut Random, routes: &Routes, limits: &Limits) -> Result<(), String> {
    let requests: Vec<Valid> = (0..=random.below(8)).map(|_| valid(random)).collect();
    let bytes = requests.iter().flat_map(|request| request.bytes.clone()).collect::<Vec<u8>>();
    let answers = exchange(routes, limits, [&bytes]);
    same_when_cut(random, routes, limits, &bytes, &answers)?;
    let dated = guardhouse::exchange(routes, limits, [&bytes]);
    let parsed = Answer::parse_all(&dated, |index| requests[index].asked)
        .map_err(|wrong| format!("{wrong}\n  to {}", shown(&bytes)))?;
    if parsed.len() != requests.len() || parsed.iter().any(Answer::closes) {
        let statuses = statuses(&parsed);
        return Err(format!("{statuses:?} to {} requests: {}", requests.len(), shown(&bytes)));
    }
    Ok(())
}

/// Whatever the client sends, it receives answers: they are well-formed, there
/// are no more of them than there can be requests, none comes after one that
/// closes, and they are the same however the bytes are cut.
fn check_mutated(random: &mut Random, routes: &Routes, limits: &Limits) -> Result<(), String> {
    let count = 1 + random.below(3);
    let mut bytes: Vec<u8> = (0..count).flat_map(|_| valid(random).bytes).collect();
    mutate(random, &mut bytes);
    let received = guardhouse::exchange(routes, limits, [&bytes]);
    let to = |wrong: String| format!("{wrong}\n  to {}", shown(&bytes));

    // `parse_all` checks that nothing comes after `Connection: close`, and so a
    // refused request has only one answer.
    let answers = Answer::parse_all(&received, |_| Asked::Unknown).map_err(to)?;
    let finals = answers.iter().filter(|answer| !answer.is_interim()).count();
    // A request that the server understands has a version. One that it does not
    // understand is the last.
    let versions = bytes.windows(7).filter(|window| window == b"HTTP/1.").count();
    if finals > versions + 1 {
        return Err(to(format!("{:?}, and {versions} requests at most", statuses(&answers))));
    }
    // An error after which the next request can't be found is the last answer,
    // and says so.
    for (index, answer) in answers.iter().enumerate() {
        let ends = matches!(answer.status, 408 | 413 | 414 | 417 | 431 | 500 | 505);
        if (ends && !answer.closes()) || (answer.closes() && index + 1 < answers.len()) {
            return Err(to(format!("{answer} is number {index} of {}", answers.len())));
        }
    }
    // An answer has a few headers, and the bytes that its handler echoes.
    if received.len() > bytes.len() + 512 * answers.len() {
        return Err(to(format!("{} bytes came back", received.len())));
    }
    same_when_cut(random, routes, limits, &bytes, &support::undated(received))
}

fn same_when_cut(
    random: &mut Random,
    routes: &Routes,
    limits: &Limits,
    bytes: &[u8],
    whole: &[u8],
) -> Result<(), String> {
    let pieces = pieces(random, bytes);
    let cut = exchange(routes, limits, &pieces);
    if cut == whole {
        return Ok(());
    }
    let pieces: Vec<String> = pieces.into_iter().map(shown).collect();
    Err(format!("{}\n  whole {}\n  to {}", shown(&cut), shown(whole), pieces.join(", ")))
}

/// Runs a check, once for each seed.
fn run(what: &str, cases: u64, check: fn(&mut Random, &Routes, &Limits) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let cases = number("GUARDHOUSE_CASES").unwrap_or(cases);
    let first = number("GUARDHOUSE_SEED").unwrap_or(1);
    let (routes, limits) = (routes(), Limits::default());
    let begin = Instant::now();
    for seed in first..first + cases {
        if let Err(wrong) = check(&mut Random::new(seed), &routes, &limits) {
            panic!("{what}, GUARDHOUSE_SEED={seed}\n  {wrong}");
        }
    }
    let elapsed = begin.elapsed();
    #[allow(clippy::cast_precision_loss)] // A rate to read.
    let rate = cases as f64 / elapsed.as_secs_f64();
    println!("{what}: {cases} cases in {elapsed:.1?}, {rate:.0} a second");
}

#[test]
fn every_valid_request_gets_one_answer_however_it_is_cut() {
    run("valid requests", 10_000, check_valid);
}

#[test]
fn mutated_requests_get_well_formed_answers_however_they_are_cut() {
    run("mutated requests", 40_000, check_mutated);
}
