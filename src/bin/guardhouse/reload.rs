//! Loads the users file and the certificate again, on a thread of its own: a file on
//! a disk that does not answer must not keep the server from obeying signals.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use guardhouse::UsersFile;

use crate::https::Https;

/// Asks for reloads.
pub struct Reload(SyncSender<()>);

impl Reload {
    /// Starts the thread, which waits until it is asked.
    ///
    /// # Errors
    ///
    /// The system can't start a thread.
    pub fn start(users: Option<Arc<UsersFile>>, https: Https) -> io::Result<Reload> {
        Reload::run(move || {
            load(users.as_deref());
            https.reload();
        })
    }

    fn run(mut job: impl FnMut() + Send + 'static) -> io::Result<Reload> {
        // One request may wait while a reload runs: the files may have changed after
        // that reload read them. More than one would only repeat the work.
        let (ask, asked): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let thread = thread::Builder::new().name("reload".to_owned());
        thread.spawn(move || asked.iter().for_each(|()| job()))?;
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

fn load(users: Option<&UsersFile>) {
    let Some(users) = users else {
        return log::info!("there is no users file to load again");
    };
    match users.reload() {
        Ok(changes) => log::info!("users loaded again: {changes}; now {}", users.count()),
        Err(error) => log::error!("the server keeps the old users: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_reload_that_hangs_holds_nobody_up_and_one_more_follows_it() {
        let (started, starts) = channel();
        let (end, ended) = channel();
        let reload = Reload::run(move || {
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
        let reload = Reload::run(move || started.send(()).expect("the test waits"));
        let reload = reload.expect("a thread");
        for _ in 0..3 {
            reload.ask();
            starts.recv_timeout(PATIENCE).expect("a reload");
        }
    }
}
