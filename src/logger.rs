//! `simple_logger`, so contained that it can't hold anything up or take it down.
//!
//! It writes to stderr with a call that waits while whoever reads it does not,
//! and that panics when nobody does any more. So it runs on a thread of its own,
//! behind a queue of bounded length: a request leaves its line there and goes
//! on. Lines that find the queue full are counted, and the count is logged.

use std::fmt::Write;
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
    Line {
        level: Level,
        target: String,
        text: String,
    },
    /// Everything before this is to be written; then say so.
    Flush(Sender<()>),
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
            let (target, text) = (record.target().to_owned(), record.args().to_string());
            let line = Entry::Line { level: record.level(), target, text };
            if self.queue.try_send(line).is_err() {
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
            let others = self.entries.try_iter().take(BATCH);
            let mut batch: Option<(Level, String, String)> = None;
            for entry in std::iter::once(first).chain(others) {
                match (entry, &mut batch) {
                    (Entry::Line { level, target, text }, None) => {
                        batch = Some((level, target, text));
                    }
                    // A line begins as `simple_logger` begins the first one.
                    (Entry::Line { level, target, text }, Some((.., lines))) => {
                        let _ = write!(lines, "\n{level:<5} [{target}] {text}");
                    }
                    (Entry::Flush(written), _) => {
                        self.write(batch.take());
                        let _ = written.send(());
                    }
                }
            }
            self.write(batch);
            let lost = self.lost.swap(0, Relaxed);
            if lost > 0 {
                let text = format!("{lost} log lines were lost: nobody read them in time");
                self.write(Some((Level::Warn, "guardhouse".to_owned(), text)));
            }
        }
    }

    fn write(&self, batch: Option<(Level, String, String)>) {
        let Some((level, target, lines)) = batch else { return };
        // Nothing is half-changed by what was not written.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut record = Record::builder();
            self.stderr
                .log(&record.level(level).target(&target).args(format_args!("{lines}")).build());
        }));
    }
}
