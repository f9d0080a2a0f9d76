//! Loads the users file, the certificate and the keys again: at SIGHUP, and when the files
//! have changed.
//!
//! All this is on a thread of its own: a file on a disk that does not answer must not keep
//! the server from obeying signals, and no request waits for a look at a file.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use guardhouse::UsersFile;

use crate::watched::{Load, Watched};

/// Asks for reloads.
pub struct Reload(SyncSender<()>);

/// What makes the thread load files.
#[derive(Clone, Copy)]
enum Reason {
    Asked,
    /// It is time to look whether the files have changed.
    Look,
}

impl Reload {
    /// Starts the thread. Twice in each `every`, it looks whether files have changed; never
    /// if `every` is zero.
    ///
    /// # Errors
    ///
    /// The system can't start a thread.
    pub fn start(mut files: Vec<(Watched, Load)>, every: Duration) -> io::Result<Reload> {
        Reload::run(every / 2, move |reason| {
            for (file, load) in &mut files {
                match reason {
                    Reason::Asked => file.load_now(load),
                    Reason::Look => file.load_changed(load),
                }
            }
        })
    }

    fn run(pause: Duration, mut job: impl FnMut(Reason) + Send + 'static) -> io::Result<Reload> {
        // One request may wait while a reload runs: the files may have changed after
        // that reload read them. More than one would only repeat the work.
        let (ask, asked) = sync_channel(1);
        let thread = thread::Builder::new().name("reload".to_owned());
        thread.spawn(move || {
            while let Some(reason) = next(&asked, pause) {
                job(reason);
            }
        })?;
        Ok(Reload(ask))
    }

    /// Asks for a reload, and does not wait for it.
    pub fn ask(&self) {
        match self.0.try_send(()) {
            Ok(()) => {}
            Err(TrySendError::Full(())) => {
                log::warn!("the last reload has not ended; another one will follow it");
            }
            Err(TrySendError::Disconnected(())) => {
                log::error!("nothing is loaded again: the thread for it has ended");
            }
        }
    }
}

/// Waits until a reload is asked for, or until it is time to look; `None` at the end, when
/// no reload can be asked for.
fn next(asked: &Receiver<()>, pause: Duration) -> Option<Reason> {
    if pause.is_zero() {
        return asked.recv().ok().map(|()| Reason::Asked);
    }
    match asked.recv_timeout(pause) {
        Ok(()) => Some(Reason::Asked),
        Err(RecvTimeoutError::Timeout) => Some(Reason::Look),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Loads the users file again, if there is one. The error says why that is not possible.
pub fn load(users: Option<&UsersFile>) -> Result<(), String> {
    let Some(users) = users else {
        log::info!("there is no users file to load again");
        return Ok(());
    };
    let before = users.count().users;
    let changes = users.reload();
    let changes = changes.map_err(|error| format!("the server keeps the old users: {error}"))?;
    log::info!("users loaded again: {changes}; now {}", users.count());
    if users.count().users * 2 < before {
        log::warn!("more than half of the users are gone: is the users file whole?");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_reload_that_hangs_holds_nobody_up_and_one_more_follows_it() {
        let (started, starts) = channel();
        let (end, ended) = channel();
        let reload = Reload::run(Duration::ZERO, move |_| {
            started.send(()).expect("the test waits");
            ended.recv().expect("the test ends each job");
        });
        let reload = reload.expect("a thread");
        reload.ask();
        starts.recv_timeout(PATIENCE).expect("the first reload begins");
        // It hangs; none of these calls waits.
        for _ in 0..5 {
            reload.ask();
        }
        end.send(()).expect("the job waits");
        starts.recv_timeout(PATIENCE).expect("one more reload begins");
        end.send(()).expect("the job waits");
        // The thread ends once no one can ask, and what it has not done is lost.
        drop(reload);
        assert!(starts.recv_timeout(PATIENCE).is_err(), "no third reload");
    }

    #[test]
    fn each_request_that_comes_after_a_reload_is_met() {
        let (started, starts) = channel();
        let job = move |_| started.send(()).expect("the test waits");
        let reload = Reload::run(Duration::ZERO, job).expect("a thread");
        for _ in 0..3 {
            reload.ask();
            starts.recv_timeout(PATIENCE).expect("a reload");
        }
    }

    #[test]
    fn without_a_request_the_thread_looks_again_and_again() {
        let (looked, looks) = channel();
        let job = move |reason| {
            assert!(matches!(reason, Reason::Look));
            // The test may have ended.
            let _ = looked.send(());
        };
        let _reload = Reload::run(Duration::from_millis(1), job).expect("a thread");
        for _ in 0..3 {
            looks.recv_timeout(PATIENCE).expect("a look");
        }
    }
}
