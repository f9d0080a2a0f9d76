//! The log, which its own thread writes to stderr.
//!
//! Writing to stderr waits while the reader of stderr is slow. That must not
//! harm a request. So a separate thread writes the lines, and takes them from a
//! queue of limited length. A request puts its line into the queue and does not
//! wait. When the queue is full, lines are lost, and the log says how many.
//!
//! Lines of the access log have a format of their own, which programs read: they
//! are written as they are, many at once. `simple_logger` writes all other lines,
//! with their level and their target in front.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// The target of the lines of the library's access log.
const ACCESS_LOG: &str = "guardhouse::access";
/// How many lines can wait in the queue: a few megabytes at most.
const QUEUE_LENGTH: usize = 8192;
/// How many bytes of the access log go out in one write, or one line more: a few
/// hundred lines.
const BATCH_BYTES: usize = 32 * 1024;
/// Bytes, enough for most lines of the access log, so that the `String` does not
/// have to grow.
const LINE_BYTES: usize = 160;
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
    let writer = Writer { entries, lost: Arc::clone(&lost), others: SimpleLogger::new() };
    let writing = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
    // If the thread can't be started, there is no log. If the process already has
    // another logger, that one logs.
    if writing.is_ok() && log::set_boxed_logger(Box::new(Logger { queue, lost, level })).is_ok() {
        log::set_max_level(level);
    }
}

enum Entry {
    /// A line of the access log, with its `\n`.
    Access(String),
    Other(Line),
    /// Asks for a message when all lines before it are written.
    Flush(Sender<()>),
}

impl Entry {
    fn new(record: &Record) -> Entry {
        if record.target() == ACCESS_LOG {
            let mut line = String::with_capacity(LINE_BYTES);
            // Writing to a String never fails.
            let _ = writeln!(line, "{}", record.args());
            return Entry::Access(line);
        }
        let (target, text) = (record.target().to_owned(), record.args().to_string());
        Entry::Other(Line { level: record.level(), target, text })
    }
}

/// A line that is not of the access log.
struct Line {
    level: Level,
    target: String,
    text: String,
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
        if self.enabled(record.metadata()) && self.queue.try_send(Entry::new(record)).is_err() {
            self.lost.fetch_add(1, Relaxed);
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
    others: SimpleLogger,
}

impl Writer {
    fn run(self) {
        while let Ok(first) = self.entries.recv() {
            // No event says that more lines will come. Only time can pass.
            thread::sleep(BATCH_DELAY);
            let batch = std::iter::once(first).chain(self.entries.try_iter());
            batches(batch, BATCH_BYTES, |entry| self.write(entry));
            let lost = self.lost.swap(0, Relaxed);
            if lost > 0 {
                let text = format!(
                    "log lines were lost, because the reader of stderr is too slow: {lost}"
                );
                self.write(Entry::Other(Line {
                    level: Level::Warn,
                    target: "guardhouse".to_owned(),
                    text,
                }));
            }
        }
    }

    fn write(&self, entry: Entry) {
        match entry {
            Entry::Access(lines) => {
                // If no program reads stderr any more, the lines are lost.
                let _ = io::stderr().write_all(lines.as_bytes());
            }
            Entry::Other(Line { level, target, text }) => {
                // `simple_logger` panics if no program reads stderr any more.
                // AssertUnwindSafe: a panic in here leaves nothing half-changed.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| {
                    let mut record = Record::builder();
                    let record = record.level(level).target(&target);
                    self.others.log(&record.args(format_args!("{text}")).build());
                }));
            }
            Entry::Flush(written) => {
                let _ = written.send(());
            }
        }
    }
}

/// Gives all entries to `write`, in order. Lines of the access log that follow each
/// other become one entry, until it has `full` bytes.
fn batches(entries: impl Iterator<Item = Entry>, full: usize, mut write: impl FnMut(Entry)) {
    let mut lines = String::new();
    for entry in entries {
        let other = match entry {
            Entry::Access(line) => {
                lines.push_str(&line);
                None
            }
            other => Some(other),
        };
        if !lines.is_empty() && (other.is_some() || lines.len() >= full) {
            write(Entry::Access(mem::take(&mut lines)));
        }
        if let Some(other) = other {
            write(other);
        }
    }
    if !lines.is_empty() {
        write(Entry::Access(lines));
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
    fn lines_of_the_access_log_go_out_as_they_are_and_together() {
        let access = |text: &str| {
            let record = |args| Record::builder().target(ACCESS_LOG).args(args).build();
            Entry::new(&record(format_args!("{text}")))
        };
        let other = || {
            let record =
                |args| Record::builder().level(Level::Warn).target("b::c").args(args).build();
            Entry::new(&record(format_args!("two")))
        };
        let entries = ["1", "2", "3"].map(access).into_iter().chain([other(), access("4")]);
        let mut written = Vec::new();
        batches(entries, 4, |entry| {
            written.push(match entry {
                Entry::Access(lines) => lines,
                Entry::Other(Line { level, target, text }) => format!("{level} {target} {text}"),
                Entry::Flush(_) => "flush".to_owned(),
            });
        });
        assert_eq!(written, ["1\n2\n", "3\n", "WARN b::c two", "4\n"]);
    }
}
