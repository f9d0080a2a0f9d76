//! The error of a handler goes to the log, and not to the client.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::error::Error;
use std::io;
use std::sync::Mutex;

use guardhouse::Method::GET;
use guardhouse::{Request, Response, Route, Routes, TestRequest};

/// Keeps what is logged.
struct Kept(Mutex<Vec<String>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        self.0.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

fn reads_a_file(_: &mut Request) -> io::Result<Response> {
    Err(io::Error::other("s3cret.txt is gone\nERROR a forged line"))
}

fn parses(_: &mut Request) -> Result<Response, Box<dyn Error>> {
    Ok(Response::text("s3cret".parse::<u8>()?.to_string()))
}

#[test]
fn the_log_shows_why_a_handler_failed_and_the_client_gets_500() {
    log::set_logger(&KEPT).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let routes =
        Routes::new([Route::open(GET, "/file", reads_a_file), Route::open(GET, "/number", parses)]);
    for (path, logged) in [
        ("/file", r#""s3cret.txt is gone\nERROR a forged line""#),
        ("/number", r#""invalid digit found in string""#),
    ] {
        let asked = TestRequest::new(GET, path);
        let answer = routes.answer(&mut asked.parse().unwrap());
        assert_eq!(answer.status().code(), 500, "{path}");
        assert_eq!(answer.body(), br#"{"detail":"Internal Server Error"}"#, "{path}");
        let lines = std::mem::take(&mut *KEPT.0.lock().unwrap());
        assert_eq!(lines, [format!("ERROR 500 is sent, because a handler has failed: {logged}")]);
    }
}
