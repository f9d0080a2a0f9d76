//! Files whose changes the server notices by itself.
//!
//! A program that writes a file may not be done with it. So a file is loaded only when it
//! is the same at two looks, one after the other.

use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

/// Some files that are loaded together, such as a certificate and its key.
pub struct Watched {
    paths: Vec<PathBuf>,
    /// What the files looked like when they were last loaded, and at the last look.
    loaded: Vec<Option<Stamp>>,
    seen: Vec<Option<Stamp>>,
}

/// What tells one state of a file from another. `mv` brings another inode, and so does the
/// link that Kubernetes exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// The time in which a program that writes a file writes more of it.
const SETTLED: Duration = Duration::from_millis(200);
/// How often, at most, a file that is still being written is looked at again.
const LOOKS: usize = 20;

impl Watched {
    /// These files. Call it before they are loaded, so that no change is missed.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Watched {
        let mut watched =
            Watched { paths: paths.into_iter().collect(), loaded: Vec::new(), seen: Vec::new() };
        watched.loaded = watched.look();
        watched.seen.clone_from(&watched.loaded);
        watched
    }

    /// Loads the files if they have changed since the last load, and not since the last
    /// look.
    pub fn load_changed(&mut self, load: impl FnOnce()) {
        let now = self.look();
        if now != self.loaded && now == self.seen {
            self.loaded.clone_from(&now);
            load();
        }
        self.seen = now;
    }

    /// Loads the files now; first it waits until no program is writing them, four seconds at
    /// most. If one has changed in the meantime, they are loaded once more.
    pub fn load_settled(&mut self, mut load: impl FnMut()) {
        self.loaded = self.settled();
        load();
        if self.look() != self.loaded {
            self.loaded = self.settled();
            load();
        }
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
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&file);
        #[cfg(not(unix))]
        let inode = 0;
        let (modified, length) = (file.modified().ok(), file.len());
        file.is_file().then_some(Stamp { modified, length, inode })
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
    use std::{env, process};

    #[test]
    fn changed_files_are_loaded_when_they_are_the_same_at_two_looks() {
        let path = env::temp_dir().join(format!("guardhouse-{}-watched", process::id()));
        let (other, gone) = (path.with_extension("other"), path.with_extension("gone"));
        fs::write(&path, "1").expect("a file");
        let mut watched = Watched::new([path.clone(), gone]);
        let mut is_loaded = || {
            let mut is_loaded = false;
            watched.load_changed(|| is_loaded = true);
            is_loaded
        };
        assert!(!is_loaded() && !is_loaded(), "nothing has changed");
        fs::write(&path, "22").expect("a file");
        assert!(!is_loaded(), "it may still be written");
        fs::write(&path, "333").expect("a file");
        assert!(!is_loaded(), "it is still being written");
        assert!(is_loaded(), "the same at two looks");
        assert!(!is_loaded(), "once");
        fs::write(&other, "444").expect("a file");
        fs::rename(&other, &path).expect("a file system that renames");
        assert!(!is_loaded() && is_loaded(), "another file with the same length");
        fs::remove_file(&path).expect("the file");
        assert!(!is_loaded() && is_loaded() && !is_loaded(), "a file that is gone, once");
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
                    thread::sleep(SETTLED / 4);
                }
            }
        });
        let mut lengths = Vec::new();
        watched.load_settled(|| lengths.push(fs::metadata(&path).expect("a file").len()));
        writer.join().expect("the writer does not panic");
        // On a busy machine the writer may pause for longer, and what is whole comes second.
        assert!((1..=2).contains(&lengths.len()), "{lengths:?}");
        fs::remove_file(&path).expect("the file");
    }
}
