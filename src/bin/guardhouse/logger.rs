//! The log: `simple_logger`, on its own thread.
//!
//! `simple_logger` writes to stderr. That call waits while the reader of stderr
//! is slow, and it panics when the reader has gone. Neither may harm a request.
//! So a separate thread writes the lines, and takes them from a queue of
//! limited length. A request puts its line into the queue and does not wait.
//! When the queue is full, lines are lost, and the log says how many.

use std::fmt::{Arguments, Write};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// How many lines can wait in the queue: a few megabytes at most.
const QUEUE_LENGTH: usize = 8192;
/// How many lines go out in one write.
const BATCH_LENGTH: usize = 256;
/// How long the first line of a batch waits for more lines. Without this, under
/// load, each single line wakes the sleeping thread, and that costs as much as the
/// request that the line is about.
const BATCH_DELAY: Duration = Duration::from_millis(1);
/// How long [`flush`](Log::flush) waits for the lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Logs to stderr from now on.
pub fn init(level: LevelFilter) {
    let (queue, entries) = sync_channel(QUEUE_LENGTH);
    let lost = Arc::new(AtomicU64::new(0));
    let writer = Writer { entries, lost: Arc::clone(&lost), stderr: SimpleLogger::new() };
    let writing = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
    // If the thread can't be started, there is no log. If the process already has
    // another logger, that one logs.
    if writing.is_ok() && log::set_boxed_logger(Box::new(Logger { queue, lost, level })).is_ok() {
        log::set_max_level(level);
    }
}

enum Entry {
    Line(Line),
    /// Asks for a message when all lines before it are written.
    Flush(Sender<()>),
}

/// A line, in one allocation.
struct Line {
    level: Level,
    /// The target, then the text.
    bytes: String,
    /// The length of the target, in bytes.
    target: usize,
}

impl Line {
    /// Bytes, enough for most lines of the access log, so that the `String` does
    /// not have to grow.
    const CAPACITY: usize = 160;

    fn new(level: Level, target: &str, text: Arguments) -> Line {
        let mut bytes = String::with_capacity(Line::CAPACITY);
        bytes.push_str(target);
        // Writing to a String never fails.
        let _ = bytes.write_fmt(text);
        Line { level, bytes, target: target.len() }
    }

    fn parts(&self) -> (&str, &str) {
        self.bytes.split_at_checked(self.target).unwrap_or_default()
    }
}

struct Logger {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    level: LevelFilter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = Line::new(record.level(), record.target(), *record.args());
            if self.queue.try_send(Entry::Line(line)).is_err() {
                self.lost.fetch_add(1, Relaxed);
            }
        }
    }

    fn flush(&self) {
        let (written, wait) = channel();
        if self.queue.try_send(Entry::Flush(written)).is_ok() {
            let _ = wait.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

struct Writer {
    entries: Receiver<Entry>,
    lost: Arc<AtomicU64>,
    stderr: SimpleLogger,
}

impl Writer {
    fn run(self) {
        while let Ok(first) = self.entries.recv() {
            // No event says that more lines will come. Only time can pass.
            thread::sleep(BATCH_DELAY);
            let mut batch = Batch::default();
            for entry in std::iter::once(first).chain(self.entries.try_iter()) {
                match entry {
                    Entry::Line(line) => batch.push(line),
                    Entry::Flush(written) => {
                        self.write(mem::take(&mut batch));
                        let _ = written.send(());
                    }
                }
                if batch.count == BATCH_LENGTH {
                    self.write(mem::take(&mut batch));
                }
            }
            self.write(batch);
        }
    }

    fn write(&self, batch: Batch) {
        if let Some(lines) = batch.lines {
            self.write_lines(&lines);
        }
        let lost = self.lost.swap(0, Relaxed);
        if lost > 0 {
            let text = format_args!("{lost} log lines were lost: the reader of stderr is too slow");
            self.write_lines(&Line::new(Level::Warn, "guardhouse", text));
        }
    }

    fn write_lines(&self, lines: &Line) {
        let (target, text) = lines.parts();
        // AssertUnwindSafe: a panic in here leaves nothing half-changed.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut record = Record::builder();
            let record = record.level(lines.level).target(target);
            self.stderr.log(&record.args(format_args!("{text}")).build());
        }));
    }
}

/// Lines that go out in one write.
#[derive(Default)]
struct Batch {
    /// The first line, with all other lines appended to its text.
    lines: Option<Line>,
    count: usize,
}

impl Batch {
    fn push(&mut self, line: Line) {
        self.count += 1;
        if let Some(lines) = &mut self.lines {
            // The same form in which `simple_logger` writes the first line.
            let (target, text) = line.parts();
            let _ = write!(lines.bytes, "\n{:<5} [{target}] {text}", line.level);
        } else {
            self.lines = Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_lost_and_counted_when_the_queue_is_full() {
        let (queue, entries) = sync_channel(2);
        let lost = Arc::default();
        let logger = Logger { queue, lost: Arc::clone(&lost), level: LevelFilter::Info };
        for level in [Level::Info, Level::Debug, Level::Warn, Level::Error] {
            logger.log(&Record::builder().level(level).args(format_args!("line")).build());
        }
        assert_eq!((entries.try_iter().count(), lost.load(Relaxed)), (2, 1));
    }

    #[test]
    fn a_line_in_a_batch_looks_like_a_line_alone() {
        let mut batch = Batch::default();
        batch.push(Line::new(Level::Info, "a", format_args!("one")));
        batch.push(Line::new(Level::Warn, "b::c", format_args!("two")));
        let lines = batch.lines.unwrap();
        assert_eq!((batch.count, lines.level), (2, Level::Info));
        assert_eq!(lines.parts(), ("a", "one\nWARN  [b::c] two"));
    }
}
