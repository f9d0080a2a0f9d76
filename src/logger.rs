//! `simple_logger`, so contained that it can't take anything down.

use std::panic::{self, AssertUnwindSafe};

use log::{LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// Logs to stderr from now on.
pub fn init(level: LevelFilter) {
    // It fails only where a logger is set already, and then that one logs.
    if log::set_boxed_logger(Box::new(Contained(SimpleLogger::new().with_level(level)))).is_ok() {
        log::set_max_level(level);
    }
}

/// A logger whose panics end here: `simple_logger` panics when stderr is closed
/// on the other side, and a log that can't be written is no reason to drop a
/// connection.
struct Contained(SimpleLogger);

impl Log for Contained {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record) {
        // Nothing is half-changed by a line that was not written.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.0.log(record)));
    }

    fn flush(&self) {
        self.0.flush();
    }
}
