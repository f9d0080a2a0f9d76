//! What signals do: SIGTERM, SIGINT and SIGQUIT stop the server, SIGHUP loads the users
//! file, the certificate and the keys again.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use guardhouse::Stop;

use crate::failure::COULD_NOT_RUN;
use crate::operations::Readiness;
use crate::reload::Reload;
use crate::signals::{Signal, Signals};

/// A signal that comes again within this time is the same order: a supervisor may
/// send it to the process and to its group, at the same moment. A person decides more
/// slowly that the server must end at once.
const SAME_ORDER: Duration = Duration::from_secs(1);

/// Handles signals, on a thread of its own.
#[derive(Clone)]
pub struct Control(Arc<Mutex<Phase>>);

/// What a signal finds.
enum Phase {
    /// The server is not there yet: files are being loaded.
    Starting {
        must_reload: bool,
    },
    Serving(Parts),
}

/// The parts of the server that signals act on.
pub struct Parts {
    pub stop: Stop,
    pub readiness: Readiness,
    pub reload: Reload,
    /// After the first signal to stop, the server still takes requests for this time.
    pub drain_delay: Duration,
}

impl Control {
    /// Handles signals from now on. Until the server is there, a signal to stop ends the
    /// program, and a signal to reload is kept.
    ///
    /// If the system does not allow it, the server runs without, and logs that.
    pub fn start() -> Control {
        let control = Control(Arc::new(Mutex::new(Phase::Starting { must_reload: false })));
        let signals = match Signals::catch() {
            Ok(signals) => signals,
            Err(error) => {
                log::warn!("can't catch signals, so a stop will cut requests off: {error}");
                return control;
            }
        };
        let running = control.clone();
        let thread = thread::Builder::new().name("signals".to_owned());
        if let Err(error) = thread.spawn(move || running.run(signals)) {
            log::warn!("can't start the thread for signals, so they have no effect: {error}");
        }
        control
    }

    /// Signals act on this server from now on.
    pub fn serve(&self, parts: Parts) {
        let mut phase = self.phase();
        if let Phase::Starting { must_reload: true } = *phase {
            parts.reload.ask();
        }
        *phase = Phase::Serving(parts);
    }

    fn run(&self, signals: Signals) {
        // The first signal to stop, and when it came.
        let mut first: Option<(Signal, Instant)> = None;
        for signal in signals {
            match (&mut *self.phase(), signal, first) {
                (Phase::Serving(parts), Signal::Reload, _) => parts.reload.ask(),
                (Phase::Starting { must_reload }, Signal::Reload, _) => *must_reload = true,
                (Phase::Starting { .. }, ..) => {
                    log::info!("stopped before the server has begun");
                    end(0);
                }
                (Phase::Serving(parts), Signal::Stop(_), None) => {
                    first = Some((signal, Instant::now()));
                    parts.stop_after_delay();
                }
                (_, _, Some((order, came))) if signal == order && came.elapsed() < SAME_ORDER => {
                    log::debug!("the signal to stop came twice within a second");
                }
                _ => {
                    log::warn!("stopping at once");
                    end(COULD_NOT_RUN);
                }
            }
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the program at once.
fn end(code: u8) -> ! {
    // The log writes on a thread of its own, which `exit` would end.
    log::logger().flush();
    process::exit(code.into());
}

impl Parts {
    /// Makes `/readyz` answer 503, and stops after a delay. In that time, load
    /// balancers ask `/readyz` and send new requests elsewhere.
    fn stop_after_delay(&self) {
        log::info!("stopping: requests that have begun still get their answers");
        self.readiness.end();
        let (stop, delay) = (self.stop.clone(), self.drain_delay);
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
