//! `simple_logger`, so contained that it can't hold anything up or take it down.
//!
//! It writes to stderr with a call that waits while whoever reads it does not,
//! and that panics when nobody does any more. So it runs on a thread of its own,
//! behind a queue of bounded length: a request leaves its line there and goes
//! on. Lines that find the queue full are counted, and the count is logged.

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

/// How many lines may wait: a burst of some megabytes at most.
const QUEUE: usize = 8192;
/// How many of them go out in one write.
const BATCH: usize = 256;
/// How long the first line of a batch waits for others. Under load every line
/// would find the writing thread asleep, and wake it for itself alone, which
/// costs as much as the request that it tells of.
const GATHERING: Duration = Duration::from_millis(1);
/// How long [`flush`](Log::flush) waits for the queue to empty.
const PATIENCE: Duration = Duration::from_secs(1);

/// Logs to stderr from now on.
pub fn init(level: LevelFilter) {
    let (queue, entries) = sync_channel(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let writer = Writer { entries, lost: Arc::clone(&lost), stderr: SimpleLogger::new() };
    let writing = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
    // It fails where there is no thread, or a logger is set already; then there
    // is no log, or that one logs.
    if writing.is_ok() && log::set_boxed_logger(Box::new(Logger { queue, lost, level })).is_ok() {
        log::set_max_level(level);
    }
}

enum Entry {
    Line(Line),
    /// Everything before this is to be written; then say so.
    Flush(Sender<()>),
}

/// A line, in one piece of memory.
struct Line {
    level: Level,
    /// The target, and behind it the text.
    bytes: String,
    target: usize,
}

impl Line {
    /// Room for a line of the access log, so that it need not grow.
    const ROOM: usize = 160;

    fn new(level: Level, target: &str, text: Arguments) -> Line {
        let mut bytes = String::with_capacity(Line::ROOM);
        bytes.push_str(target);
        // A String takes whatever it is given.
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
            let _ = wait.recv_timeout(PATIENCE);
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
            // Nothing tells that others come, so there is only time to wait for.
            thread::sleep(GATHERING);
            let mut batch = Batch::default();
            for entry in std::iter::once(first).chain(self.entries.try_iter()) {
                match entry {
                    Entry::Line(line) => batch.push(line),
                    Entry::Flush(written) => {
                        self.write(mem::take(&mut batch));
                        let _ = written.send(());
                    }
                }
                if batch.count == BATCH {
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
            let text = format_args!("{lost} log lines were lost: nobody read them in time");
            self.write_lines(&Line::new(Level::Warn, "guardhouse", text));
        }
    }

    fn write_lines(&self, lines: &Line) {
        let (target, text) = lines.parts();
        // Nothing is half-changed by what was not written.
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
    /// The first line, and all others behind its text.
    lines: Option<Line>,
    count: usize,
}

impl Batch {
    fn push(&mut self, line: Line) {
        self.count += 1;
        if let Some(lines) = &mut self.lines {
            // It begins as `simple_logger` begins the first one.
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
    fn lines_that_find_the_queue_full_are_counted() {
        let (queue, entries) = sync_channel(2);
        let lost = Arc::default();
        let logger = Logger { queue, lost: Arc::clone(&lost), level: LevelFilter::Info };
        for level in [Level::Info, Level::Debug, Level::Warn, Level::Error] {
            logger.log(&Record::builder().level(level).args(format_args!("line")).build());
        }
        assert_eq!((entries.try_iter().count(), lost.load(Relaxed)), (2, 1));
    }

    #[test]
    fn a_line_in_a_batch_looks_as_if_it_had_been_written_alone() {
        let mut batch = Batch::default();
        batch.push(Line::new(Level::Info, "a", format_args!("one")));
        batch.push(Line::new(Level::Warn, "b::c", format_args!("two")));
        let lines = batch.lines.unwrap();
        assert_eq!((batch.count, lines.level), (2, Level::Info));
        assert_eq!(lines.parts(), ("a", "one\nWARN  [b::c] two"));
    }
}
