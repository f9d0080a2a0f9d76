//! How a connection gets to a thread that serves it.
//!
//! The accept loop puts connections into a queue, and worker threads take them out. A
//! worker that finds the queue empty waits for a while, and then ends. The accept loop
//! starts a new worker only if no worker waits.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::serve::yielding::WorkerYielding;

/// Work for worker threads.
pub(crate) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    /// Something was pushed, or the queue was closed.
    changed: Condvar,
}

struct Waiting<T> {
    work: VecDeque<T>,
    /// How many workers wait for work.
    idle: usize,
    /// How many of those are asleep.
    asleep: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Queue<T> {
        let waiting = Waiting { work: VecDeque::new(), idle: 0, asleep: 0, is_closed: false };
        Queue { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    /// Adds work. Returns whether an idle worker takes it; if not, the caller must start
    /// a new worker.
    pub(crate) fn push(&self, work: T) -> bool {
        let mut waiting = self.lock();
        waiting.work.push_back(work);
        let is_taken = waiting.idle >= waiting.work.len();
        // An idle worker that is not asleep looks at the queue again before it sleeps. So
        // one must be woken only if there is more work than such workers.
        let must_wake = is_taken && waiting.idle - waiting.asleep < waiting.work.len();
        drop(waiting);
        if must_wake {
            self.changed.notify_one();
        }
        is_taken
    }

    /// Takes back the work that was added last, if no worker has taken it.
    pub(crate) fn take_back(&self) -> Option<T> {
        self.lock().work.pop_back()
    }

    /// Waits for work, `timeout` at most. `None` tells the worker to end.
    pub(crate) fn pop(&self, timeout: Duration, yielding: &WorkerYielding) -> Option<T> {
        let mut waiting = self.lock();
        waiting.idle += 1;
        if waiting.work.is_empty() {
            // Work may come before the worker falls asleep.
            drop(waiting);
            yielding.yield_if_it_helps();
            waiting = self.lock();
        }
        waiting.asleep += 1;
        let must_wait = |waiting: &mut Waiting<T>| waiting.work.is_empty() && !waiting.is_closed;
        let waited = self.changed.wait_timeout_while(waiting, timeout, must_wait);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.asleep -= 1;
        waiting.idle -= 1;
        waiting.work.pop_front()
    }

    /// Lets workers end that have no work.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the allocator give memory back to the system, when a worker ends.
///
/// The allocator of glibc keeps small blocks that were freed, until a large one is freed:
/// after 10,000 connections, 50 MiB. With this, 13 MiB stay, or up to 38 where many workers
/// end at the same moment, until the next ones end. Nothing is ever written to the block.
pub(crate) fn give_memory_back() {
    const LARGE: usize = 100 << 10;
    // `black_box`, because the compiler may leave out a block that nothing uses.
    drop(black_box(Vec::<u8>::with_capacity(LARGE)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::yielding::Yielding;
    use std::sync::Arc;
    use std::thread;

    const LONG: Duration = Duration::from_secs(60);

    fn pop<T>(queue: &Queue<T>, timeout: Duration) -> Option<T> {
        queue.pop(timeout, &WorkerYielding::new(&Yielding::new()))
    }

    #[test]
    fn an_idle_worker_takes_one_piece_of_work() {
        let queue = Arc::new(Queue::new());
        let shared = Arc::clone(&queue);
        let worker = thread::spawn(move || pop(&shared, LONG));
        while queue.lock().idle == 0 {
            thread::yield_now();
        }
        assert!(queue.push(1), "the worker is idle");
        assert_eq!(worker.join().expect("the worker does not panic"), Some(1));
        assert!(!queue.push(2), "the worker has ended");
        assert_eq!(pop(&queue, LONG), Some(2));
    }

    #[test]
    fn work_that_no_worker_has_taken_can_be_taken_back() {
        let queue = Queue::new();
        queue.push(1);
        queue.push(2);
        assert_eq!((queue.take_back(), pop(&queue, LONG)), (Some(2), Some(1)));
        assert_eq!(queue.take_back(), None);
    }

    #[test]
    fn a_worker_without_work_ends_after_a_while_or_when_the_queue_is_closed() {
        let queue = Queue::new();
        assert_eq!(pop(&queue, Duration::from_millis(1)), None);
        queue.push(1);
        queue.close();
        assert_eq!(pop(&queue, LONG), Some(1), "what was pushed before is not lost");
        assert_eq!(pop(&queue, LONG), None);
    }
}
