//! What signals do to a running server: SIGTERM, SIGINT and SIGQUIT stop it, SIGHUP
//! loads the users file and the certificate again.

use std::process;
use std::thread;
use std::time::{Duration, Instant};

use guardhouse::Stop;

use crate::failure::COULD_NOT_RUN;
use crate::operations::Readiness;
use crate::reload::Reload;
use crate::signals::{Signal, Signals};

/// A signal that comes again within this time is the same order: a supervisor may
/// send it to the process and to its group, at the same moment. A person who wants
/// the server to end at once needs longer to decide that.
const SAME_ORDER: Duration = Duration::from_secs(1);

/// The parts of the server that signals act on.
pub struct Control {
    pub stop: Stop,
    pub readiness: Readiness,
    pub reload: Reload,
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
        // The first signal to stop, and when it came.
        let mut first: Option<(Signal, Instant)> = None;
        for signal in signals {
            match (signal, first) {
                (Signal::Reload, _) => self.reload.ask(),
                (Signal::Stop(_), None) => {
                    first = Some((signal, Instant::now()));
                    self.stop_after(drain_delay);
                }
                (_, Some((order, came))) if signal == order && came.elapsed() < SAME_ORDER => {
                    log::debug!("the signal to stop came twice within a second");
                }
                _ => {
                    log::warn!("stopping at once");
                    // The log writes on a thread of its own, which `exit` would end.
                    log::logger().flush();
                    process::exit(COULD_NOT_RUN.into());
                }
            }
        }
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
