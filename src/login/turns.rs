//! A bounded number of jobs at once, and a bounded number that wait: for work
//! that costs so much that it would starve all other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Turns at something costly, by numbers, as at a counter: first come, first
/// served. Whoever can neither have a turn nor wait is sent away at once, so that
/// no crowd of threads builds up.
pub(crate) struct Turns {
    waiting: u64,
    numbers: Mutex<Numbers>,
    called: Condvar,
}

struct Numbers {
    /// Whoever comes next gets this one.
    next: u64,
    /// Every number below this one has been called.
    call: u64,
}

impl Turns {
    /// That many at once, and that many who wait.
    pub(crate) fn new(at_once: usize, waiting: usize) -> Turns {
        let numbers = Mutex::new(Numbers { next: 0, call: at_once.max(1) as u64 });
        Turns { waiting: waiting as u64, numbers, called: Condvar::new() }
    }

    /// Waits for a turn; `None` at once if too many wait already. The wait ends,
    /// because each turn does: it goes back when it is dropped, even in a panic.
    pub(crate) fn take(&self) -> Option<Turn<'_>> {
        let mut numbers = self.lock();
        if numbers.next >= numbers.call + self.waiting {
            return None;
        }
        let own = numbers.next;
        numbers.next += 1;
        while own >= numbers.call {
            numbers = self.called.wait(numbers).unwrap_or_else(PoisonError::into_inner);
        }
        Some(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, until it is dropped.
pub(crate) struct Turn<'t>(&'t Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().call += 1;
        // All of them: only one has the number that was called.
        self.0.called.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    #[test]
    fn who_can_neither_go_nor_wait_is_sent_away() {
        let turns = Turns::new(2, 0);
        let (first, second) = (turns.take(), turns.take());
        assert!(first.is_some() && second.is_some() && turns.take().is_none());
        drop(first);
        assert!(turns.take().is_some());
    }

    #[test]
    fn who_waits_gets_a_turn_and_never_too_many_at_once() {
        let turns = Arc::new(Turns::new(2, 64));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (turns, now, most) = (turns.clone(), now.clone(), most.clone());
                thread::spawn(move || {
                    for _ in 0..100 {
                        let turn = turns.take().expect("a seat for everyone");
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                        drop(turn);
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
    fn a_panic_gives_its_turn_back() {
        let turns = Arc::new(Turns::new(1, 0));
        let unlucky = turns.clone();
        let ended = thread::spawn(move || {
            let _turn = unlucky.take();
            std::panic::resume_unwind(Box::new("a bug"))
        });
        assert!(ended.join().is_err());
        assert!(turns.take().is_some());
    }
}
