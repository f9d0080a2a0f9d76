//! Limits how many passwords are hashed at once, and how many logins wait.
//!
//! A password hash takes about 10 ms and 19 MiB on purpose. Without a limit, a
//! client that guesses passwords could use every core and all of the memory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Gives out a limited number of permits, in the order in which they were asked
/// for.
pub(super) struct HashLimit {
    max_waiting: u64,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Each request for a permit gets the next number. A number is admitted once it
/// is below `admitted`.
struct Queue {
    next: u64,
    admitted: u64,
}

impl HashLimit {
    /// At most `at_once` permits at a time (at least one), and at most
    /// `max_waiting` threads that wait for one.
    pub(super) fn new(at_once: usize, max_waiting: usize) -> HashLimit {
        // So large that it is no limit, and so small that sums with it do not overflow.
        const MOST: u64 = u32::MAX as u64;
        let admitted = (at_once as u64).clamp(1, MOST);
        HashLimit {
            max_waiting: (max_waiting as u64).min(MOST),
            queue: Mutex::new(Queue { next: 0, admitted }),
            changed: Condvar::new(),
        }
    }

    /// Waits for a permit; `None`, without waiting, if too many threads wait
    /// already.
    pub(super) fn acquire(&self) -> Option<Permit<'_>> {
        let mut queue = self.lock();
        if queue.next >= queue.admitted + self.max_waiting {
            return None;
        }
        let own = queue.next;
        queue.next += 1;
        while own >= queue.admitted {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        Some(Permit(self))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Allows one hash at a time. When it is dropped, even by a panic, the next
/// number is admitted.
pub(super) struct Permit<'l>(&'l HashLimit);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.lock().admitted += 1;
        // Wakes all: `notify_one` could wake a thread with a later number.
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    #[test]
    fn the_largest_numbers_are_no_limit() {
        let limit = HashLimit::new(usize::MAX, usize::MAX);
        for _ in 0..2 {
            drop(limit.acquire().expect("a permit"));
        }
        let limit = HashLimit::new(1, usize::MAX);
        for _ in 0..2 {
            drop(limit.acquire().expect("a permit"));
        }
    }

    #[test]
    fn a_thread_that_may_not_wait_gets_no_permit() {
        let limit = HashLimit::new(2, 0);
        let (first, second) = (limit.acquire(), limit.acquire());
        assert!(first.is_some() && second.is_some() && limit.acquire().is_none());
        drop(first);
        assert!(limit.acquire().is_some());
    }

    #[test]
    fn every_waiting_thread_gets_a_permit_and_never_too_many_at_once() {
        let limit = Arc::new(HashLimit::new(2, 64));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (limit, now, most) = (limit.clone(), now.clone(), most.clone());
                thread::spawn(move || {
                    for _ in 0..100 {
                        let permit = limit.acquire().expect("64 threads may wait");
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert!(most.load(SeqCst) <= 2);
    }

    #[test]
    fn a_panic_gives_its_permit_back() {
        let limit = Arc::new(HashLimit::new(1, 0));
        let panicking = limit.clone();
        let ended = thread::spawn(move || {
            let _permit = panicking.acquire();
            std::panic::resume_unwind(Box::new("a bug"))
        });
        assert!(ended.join().is_err());
        assert!(limit.acquire().is_some());
    }
}
