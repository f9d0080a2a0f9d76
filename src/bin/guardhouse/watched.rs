//! Files whose changes the server notices by itself.
//!
//! A program that writes a file may not be done with it. So a file that was changed a moment
//! ago is loaded only when it is the same at two looks, one after the other.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

/// Some files that are loaded together, such as a certificate and its key.
pub struct Watched {
    paths: Vec<PathBuf>,
    /// What the files looked like when they were last loaded.
    loaded: Vec<Option<Stamp>>,
    /// Why the files could not be loaded.
    failure: Option<String>,
}

/// Loads some files again, and logs what has changed. The error says why that is not possible.
pub type Load = Box<dyn FnMut() -> Result<(), String> + Send>;

/// What tells one state of a file from another. `mv` brings another inode, and so does the
/// link that Kubernetes exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
    /// When its owner, its mode or its content changed, in nanoseconds: a file that could not
    /// be read may be readable now.
    changed: i128,
}

/// The time in which a program that writes a file writes more of it.
const SETTLED: Duration = Duration::from_millis(200);
/// How often, at most, a file that is still being written is looked at again.
const LOOKS: usize = 20;

impl Watched {
    /// These files. Call it before they are loaded, so that no change is missed.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Watched {
        let paths = paths.into_iter().collect();
        let mut watched = Watched { paths, loaded: Vec::new(), failure: None };
        watched.loaded = watched.look();
        watched
    }

    /// Loads the files if they have changed since the last load, or if that has failed.
    pub fn load_changed(&mut self, load: &mut Load) {
        if self.look() == self.loaded && self.failure.is_none() {
            return;
        }
        let last = self.failure.take();
        self.load_twice(load);
        // The same failure again is no news.
        if self.failure != last {
            self.log_failure();
        }
    }

    /// Loads the files now.
    pub fn load_now(&mut self, load: &mut Load) {
        self.load_twice(load);
        self.log_failure();
    }

    fn log_failure(&self) {
        if let Some(failure) = &self.failure {
            log::error!("{failure}");
        }
    }

    /// Waits until no program is writing the files, four seconds at most, and loads them. If
    /// one has changed in the meantime, they are loaded once more.
    fn load_twice(&mut self, load: &mut Load) {
        let settled = self.settled();
        self.load(settled, load);
        if self.look() != self.loaded {
            let settled = self.settled();
            self.load(settled, load);
        }
    }

    fn load(&mut self, looks: Vec<Option<Stamp>>, load: &mut Load) {
        self.loaded = looks;
        self.failure = load().err();
    }

    fn settled(&self) -> Vec<Option<Stamp>> {
        let mut last = self.look();
        for _ in 0..LOOKS {
            if !last.iter().flatten().any(Stamp::is_new) {
                break;
            }
            // No event says that a program has written its last byte.
            thread::sleep(SETTLED);
            let now = self.look();
            if now == last {
                break;
            }
            last = now;
        }
        last
    }

    fn look(&self) -> Vec<Option<Stamp>> {
        self.paths.iter().map(|path| fs::metadata(path).ok().and_then(Stamp::of)).collect()
    }
}

impl Stamp {
    /// `None` for what is not a regular file: a pipe is not read again.
    fn of(file: Metadata) -> Option<Stamp> {
        let changed = i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec());
        let (modified, length, inode) = (file.modified().ok(), file.len(), file.ino());
        file.is_file().then_some(Stamp { modified, length, inode, changed })
    }

    /// Whether the file was changed a moment ago.
    fn is_new(&self) -> bool {
        let age = self.modified.and_then(|modified| modified.elapsed().ok());
        age.is_some_and(|age| age < SETTLED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::{env, process};

    #[test]
    fn files_are_loaded_once_after_each_change() {
        let path = env::temp_dir().join(format!("guardhouse-{}-watched", process::id()));
        let (other, gone) = (path.with_extension("other"), path.with_extension("gone"));
        fs::write(&path, "1").expect("a file");
        let mut watched = Watched::new([path.clone(), gone]);
        let count = Arc::new(AtomicUsize::new(0));
        let mut load = counting(&count, None);
        let mut is_loaded = || {
            watched.load_changed(&mut load);
            count.swap(0, SeqCst) == 1
        };
        assert!(!is_loaded() && !is_loaded(), "nothing has changed");
        fs::write(&path, "22").expect("a file");
        assert!(is_loaded() && !is_loaded(), "in place");
        fs::write(&other, "33").expect("a file");
        fs::rename(&other, &path).expect("a file system that renames");
        assert!(is_loaded() && !is_loaded(), "another file with the same length");
        let modified = fs::metadata(&path).and_then(|file| file.modified()).expect("a time");
        fs::write(&path, "44").expect("a file");
        let file = fs::File::options().write(true).open(&path).expect("the file");
        file.set_modified(modified).expect("a time");
        assert!(is_loaded() && !is_loaded(), "in place, with the same length and the same time");
        fs::remove_file(&path).expect("the file");
        assert!(is_loaded() && !is_loaded(), "a file that is gone");
    }

    /// Counts its calls. They fail for this reason.
    fn counting(count: &Arc<AtomicUsize>, failure: Option<&'static str>) -> Load {
        let count = Arc::clone(count);
        Box::new(move || {
            count.fetch_add(1, SeqCst);
            failure.map_or(Ok(()), |failure| Err(failure.to_owned()))
        })
    }

    #[test]
    fn a_load_that_fails_is_tried_again_at_each_look() {
        let path = env::temp_dir().join(format!("guardhouse-{}-failing", process::id()));
        fs::write(&path, "1").expect("a file");
        let mut watched = Watched::new([path.clone()]);
        fs::write(&path, "22").expect("a file");
        let count = Arc::new(AtomicUsize::new(0));
        let mut failing = counting(&count, Some("not now"));
        for expected in [1, 1, 1] {
            watched.load_changed(&mut failing);
            assert_eq!(count.swap(0, SeqCst), expected);
        }
        let mut load = counting(&count, None);
        for expected in [1, 0, 0] {
            watched.load_changed(&mut load);
            assert_eq!(count.swap(0, SeqCst), expected);
        }
        fs::remove_file(&path).expect("the file");
    }

    #[test]
    fn a_load_that_someone_asks_for_comes_once_the_file_is_written() {
        let path = env::temp_dir().join(format!("guardhouse-{}-settled", process::id()));
        fs::write(&path, "").expect("a file");
        let mut watched = Watched::new([path.clone()]);
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                for length in 1..10 {
                    fs::write(&path, "x".repeat(length)).expect("a file");
                    // A program that writes slowly is what this test is about.
                    thread::sleep(SETTLED / 4);
                }
            }
        });
        let count = Arc::new(AtomicUsize::new(0));
        watched.load_now(&mut counting(&count, None));
        writer.join().expect("the writer does not panic");
        // On a busy machine the writer may pause for longer, and what is whole comes second.
        assert!((1..=2).contains(&count.load(SeqCst)), "{count:?}");
        fs::remove_file(&path).expect("the file");
    }
}
