//! What signals do to a running server: SIGTERM and SIGINT stop it, SIGHUP loads
//! the users file and the certificate again.

use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use guardhouse::{Stop, UsersFile};

use crate::failure::COULD_NOT_RUN;
use crate::https::Https;
use crate::operations::Readiness;
use crate::signals::{Signal, Signals};

/// The parts of the server that signals act on.
pub struct Control {
    pub stop: Stop,
    pub readiness: Readiness,
    pub users: Option<Arc<UsersFile>>,
    pub https: Https,
}

impl Control {
    /// Handles signals from now on, on a new thread. After the first signal to
    /// stop, the server still takes requests for `drain_delay`.
    ///
    /// If the system does not allow it, the server runs without, and logs that.
    pub fn start(self, drain_delay: Duration) {
        let signals = match Signals::catch() {
            Ok(signals) => signals,
            Err(error) => {
                log::warn!("can't catch signals, so a stop will cut requests off: {error}");
                return;
            }
        };
        let thread = thread::Builder::new().name("signals".to_owned());
        if let Err(error) = thread.spawn(move || self.run(signals, drain_delay)) {
            log::warn!("can't start the thread for signals, so they have no effect: {error}");
        }
    }

    fn run(&self, signals: Signals, drain_delay: Duration) {
        let mut is_stopping = false;
        for signal in signals {
            match signal {
                Signal::Reload => self.reload(),
                Signal::Stop if is_stopping => {
                    log::warn!("stopping at once");
                    process::exit(COULD_NOT_RUN.into());
                }
                Signal::Stop => {
                    is_stopping = true;
                    self.stop_after(drain_delay);
                }
            }
        }
    }

    fn reload(&self) {
        match self.users.as_ref().map(|users| users.reload().map(|()| users.len())) {
            None => log::info!("there is no users file to load again"),
            Some(Ok(count)) => log::info!("users loaded again: {count}"),
            Some(Err(error)) => log::error!("the server keeps the old users: {error}"),
        }
        self.https.reload();
    }

    /// Makes `/readyz` answer 503, and stops after a delay. In that time, load
    /// balancers ask `/readyz` and send new requests elsewhere.
    fn stop_after(&self, delay: Duration) {
        log::info!("stopping: requests that have begun still get their answers");
        self.readiness.end();
        let stop = self.stop.clone();
        // A new thread waits, so that this one can handle a second signal.
        let waiting = thread::Builder::new().name("stop".to_owned()).spawn(move || {
            // No event says that every load balancer has asked. Only time can pass.
            thread::sleep(delay);
            stop.stop();
        });
        if waiting.is_err() {
            self.stop.stop();
        }
    }
}
