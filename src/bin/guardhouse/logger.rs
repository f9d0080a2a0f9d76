//! The log, which its own thread writes to stderr.
//!
//! Writing to stderr waits while the reader of stderr is slow. That must not harm a
//! request. So a request only adds its line to those that wait in memory, and a thread
//! writes them. How many can wait is limited: when there are too many, lines are lost, and
//! the log says how many.
//!
//! Lines of the access log have a format of their own, which programs read: they
//! are written as they are, many at once. `simple_logger` writes all other lines,
//! with their level and their target in front.

use std::io;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// The target of the lines of the library's access log.
const ACCESS_LOG: &str = "guardhouse::access";
/// How many bytes can wait: about twenty thousand lines.
const CAPACITY: usize = 2 << 20;
/// How long the first line waits for more lines. Without this, under load, each single
/// line wakes the sleeping thread, and that costs as much as the request that the line is
/// about. With 1 ms, the log costs 14 % of the requests in a second; with 10 ms, 10 %.
const DELAY: Duration = Duration::from_millis(10);
/// With this many bytes, the lines do not wait for more. In 10 ms, more than `CAPACITY` can
/// come: a line may have 2 KiB, and a client can send many requests in one write.
const MANY: usize = CAPACITY / 4;
/// How long [`flush`](Log::flush) waits for the lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Logs to stderr from now on.
pub fn init(level: LevelFilter) {
    let lines = Arc::new(Lines::default());
    let writer = Writer { lines: Arc::clone(&lines), others: SimpleLogger::new(), is_cut: false };
    let writing = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
    // If the thread can't be started, there is no log. If the process already has
    // another logger, that one logs.
    if writing.is_ok() && log::set_boxed_logger(Box::new(Logger { lines, level })).is_ok() {
        log::set_max_level(level);
    }
}

struct Logger {
    lines: Arc<Lines>,
    level: LevelFilter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            self.lines.add(record);
        }
    }

    fn flush(&self) {
        let mut waiting = self.lines.lock();
        let added = waiting.added;
        waiting.is_awaited = true;
        self.lines.changed.notify_all();
        let must_wait = |waiting: &mut Waiting| waiting.written < added;
        drop(self.lines.changed.wait_timeout_while(waiting, FLUSH_TIMEOUT, must_wait));
    }
}

/// The lines that all threads add, and the writer takes.
#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    /// There are lines again, or lines have been written.
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    bytes: usize,
    /// A thread waits until the lines are written, so they do not wait for more.
    is_awaited: bool,
    lost: u64,
    /// How many lines have been added since the start, and how many of them are written.
    added: u64,
    written: u64,
}

#[derive(Debug, PartialEq)]
enum Entry {
    /// Lines of the access log that follow each other, each with its `\n`.
    Access(String),
    Other(Level, String, String),
}

impl Lines {
    fn add(&self, record: &Record) {
        // What is logged may log something itself. So this is done before the lock.
        let text = record.args().to_string();
        let mut waiting = self.lock();
        let (is_first, were_many) = (waiting.entries.is_empty(), waiting.bytes >= MANY);
        waiting.add(record.level(), record.target(), text);
        let are_many = waiting.bytes >= MANY;
        drop(waiting);
        // A notification is a system call, even if the writer does not wait.
        if is_first || are_many != were_many {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, level: Level, target: &str, text: String) {
        if self.bytes >= CAPACITY {
            self.lost += 1;
            return;
        }
        self.added += 1;
        self.bytes += target.len() + text.len();
        match self.entries.last_mut() {
            Some(Entry::Access(lines)) if target == ACCESS_LOG => {
                lines.extend([&text, "\n"]);
            }
            _ if target == ACCESS_LOG => self.entries.push(Entry::Access(text + "\n")),
            _ => self.entries.push(Entry::Other(level, target.to_owned(), text)),
        }
    }

    /// Takes everything, for the writer.
    fn take(&mut self) -> (Vec<Entry>, u64) {
        (self.bytes, self.is_awaited) = (0, false);
        (mem::take(&mut self.entries), mem::take(&mut self.lost))
    }
}

struct Writer {
    lines: Arc<Lines>,
    others: SimpleLogger,
    /// The last line of the access log was cut off, because stderr did not take all of it.
    is_cut: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let is_empty = |waiting: &mut Waiting| waiting.entries.is_empty();
            drop(self.lines.changed.wait_while(self.lines.lock(), is_empty));
            // No event says that no more lines will come. So this waits for a time, and
            // stops waiting when there are many lines, or when a thread waits for them.
            let can_wait = |waiting: &mut Waiting| waiting.bytes < MANY && !waiting.is_awaited;
            drop(self.lines.changed.wait_timeout_while(self.lines.lock(), DELAY, can_wait));
            let mut waiting = self.lines.lock();
            let ((entries, mut lost), added) = (waiting.take(), waiting.added);
            drop(waiting);
            for entry in entries {
                lost += self.write(entry);
            }
            if lost > 0 {
                let text = format!(
                    "log lines were lost, because stderr did not take them, or not fast enough: \
                     {lost}"
                );
                self.write(Entry::Other(Level::Warn, "guardhouse".to_owned(), text));
            }
            self.lines.lock().written = added;
            self.lines.changed.notify_all();
        }
    }

    /// Returns how many lines of the access log could not be written.
    fn write(&mut self, entry: Entry) -> u64 {
        match entry {
            Entry::Access(lines) => {
                let lines = if mem::take(&mut self.is_cut) { format!("\n{lines}") } else { lines };
                let rest = rest_after_write(io::stderr(), lines.as_bytes());
                self.is_cut = !rest.is_empty();
                (rest.split(|byte| *byte == b'\n').count() - 1) as u64
            }
            Entry::Other(level, target, text) => {
                // `simple_logger` panics if no program reads stderr any more.
                // AssertUnwindSafe: a panic in here leaves nothing half-changed.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| {
                    let mut record = Record::builder();
                    let record = record.level(level).target(&target);
                    self.others.log(&record.args(format_args!("{text}")).build());
                }));
                0
            }
        }
    }
}

/// Writes bytes, and returns those that could not be written: because the disk is full, or
/// because no program reads them any more.
fn rest_after_write(mut to: impl io::Write, mut bytes: &[u8]) -> &[u8] {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count @ 1..) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(waiting: &mut Waiting, target: &str, text: &str) {
        waiting.add(Level::Warn, target, text.to_owned());
    }

    #[test]
    fn lines_of_the_access_log_go_out_as_they_are_and_together() {
        let mut waiting = Waiting::default();
        for (target, text) in
            [(ACCESS_LOG, "1"), (ACCESS_LOG, "2"), ("b::c", "3"), (ACCESS_LOG, "4")]
        {
            add(&mut waiting, target, text);
        }
        let other = Entry::Other(Level::Warn, "b::c".to_owned(), "3".to_owned());
        let access = |lines: &str| Entry::Access(lines.to_owned());
        assert_eq!(waiting.take(), (vec![access("1\n2\n"), other, access("4\n")], 0));
        assert_eq!((waiting.added, waiting.take()), (4, (vec![], 0)));
    }

    #[test]
    fn lines_are_lost_and_counted_when_too_many_wait() {
        let mut waiting = Waiting::default();
        for target in [ACCESS_LOG, "b::c"] {
            for _ in 0..=CAPACITY / 1000 {
                add(&mut waiting, target, &"x".repeat(1000));
            }
            let (entries, lost) = (waiting.entries.len(), waiting.lost);
            add(&mut waiting, target, "too much");
            assert_eq!((waiting.entries.len(), waiting.lost), (entries, lost + 1));
            assert!(waiting.bytes < CAPACITY + 1100);
            waiting.take();
            add(&mut waiting, target, "enough room");
            assert_eq!((waiting.entries.len(), waiting.lost), (1, 0));
            waiting.take();
        }
    }

    #[test]
    fn what_could_not_be_written_is_known() {
        struct Disk(usize);
        impl io::Write for Disk {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let count = bytes.len().min(self.0).min(3);
                self.0 -= count;
                if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(rest_after_write(Disk(100), b"one\ntwo\n"), b"");
        assert_eq!(rest_after_write(Disk(5), b"one\ntwo\n"), b"wo\n");
        assert_eq!(rest_after_write(Disk(0), b"one\n"), b"one\n");
    }
}
