//! Whether worker threads let each other run before they wait. The last chapter: the
//! connection's loop calls [`WorkerYielding::answered`] and, before it reads,
//! [`WorkerYielding::yield_if_it_helps`]. It works without them as well.
//!
//! A processor runs one thread at a time; the others that could run wait in its run
//! queue. A thread that blocks in `read` leaves the queue: it is put to sleep, and
//! woken when its request arrives. Both together cost more than everything that
//! this server does for a request. They are why blocking servers are called slow.
//!
//! Under load they can be avoided. `thread::yield_now` sends a thread to the end of
//! the run queue instead: the threads before it answer their requests, and when its
//! turn comes its next request has arrived, so `read` returns without a sleep. But
//! the other threads in the queue may not be ours. If a thread yields to a program
//! that computes without a pause, it waits some milliseconds, until that program's
//! time slice is over, for each request. A thread that wakes up is let in before
//! such a program.
//!
//! No system call says which program's threads are in the queue. So the server tries it out:
//! for a hundredth of a second all workers do the other thing than now, and then
//! they keep whichever answered more requests. All of them must do the same,
//! because threads that wake up overtake those that yield. A server with time to
//! spare does not yield.
//!
//! Measured with 8 / 64 keep-alive connections, the load generator on a processor
//! of its own: alone, relative to a server that never yields; and in thousands of
//! requests a second, beside a program that computes without a pause on the same
//! processor:
//!
//! | workers yield | alone | beside that program |
//! | --- | --- | --- |
//! | never | 1.00 / 1.00 | 68 / 81 |
//! | always | 1.15 / 1.17 | 5 / 32 |
//! | where it helps | 1.19 / 1.09 | 74 / 79 |
//!
//! The price: where clients share the processors with the server, the slowest
//! hundredth of the answers takes 4 ms instead of 1, because it waits for a time
//! slice of theirs. To measure it again, give the server and wrk a processor each
//! (`taskset`), and run `sh -c 'while :; do :; done'` on the server's as well.
//!
//! Each worker counts its answers in memory of its own, which no other processor
//! writes. The counts are added up a hundred times a second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// The length of a period, in microseconds. At its end its requests are counted.
const PERIOD: u64 = 10_000;
/// From this many requests a second on, sleeping costs enough to be avoided: about a
/// twentieth of a processor's time.
const WORTHWHILE: u64 = 20_000;
/// Periods before yielding is tried, and before it is tried again if it did not
/// help. After each such trial the number doubles.
const SHORT: u32 = 8;
/// Periods before the other thing is tried again, at most; about 40 s. Each change
/// makes some threads wait for others.
const LONG: u32 = 4096;

/// What all workers of a server share.
#[derive(Debug)]
pub(crate) struct Yielding {
    is_on: AtomicBool,
    epoch: Instant,
    /// When the period ends, in microseconds since the epoch.
    end: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    counters: Vec<Arc<Counter>>,
    /// The answers of workers that have ended.
    ended: u64,
    trials: Trials,
}

/// How many requests one worker has answered. Aligned to a cache line, so that no
/// two workers write to the same one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counter(AtomicU64);

impl Yielding {
    pub(crate) fn new() -> Arc<Yielding> {
        Arc::new(Yielding {
            is_on: AtomicBool::new(false),
            epoch: Instant::now(),
            end: AtomicU64::new(0),
            counts: Mutex::default(),
        })
    }

    fn end_period(&self, now: u64) {
        let mut counts = self.lock();
        let counted: u64 = counts.counters.iter().map(|counter| counter.0.load(Relaxed)).sum();
        let answered = counted + counts.ended;
        self.is_on.store(counts.trials.end_period(answered, now), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One worker's part: its count of answers, and whether it yields.
#[derive(Debug)]
pub(crate) struct WorkerYielding {
    yielding: Arc<Yielding>,
    counter: Arc<Counter>,
}

impl WorkerYielding {
    pub(crate) fn new(yielding: &Arc<Yielding>) -> WorkerYielding {
        let counter = Arc::<Counter>::default();
        yielding.lock().counters.push(Arc::clone(&counter));
        WorkerYielding { yielding: Arc::clone(yielding), counter }
    }

    /// Counts a request that was answered at that time.
    pub(crate) fn answered(&self, now: Instant) {
        // Only this worker writes to it, so this need not be one atomic step.
        self.counter.0.store(self.counter.0.load(Relaxed) + 1, Relaxed);
        let since = now.saturating_duration_since(self.yielding.epoch);
        let now = u64::try_from(since.as_micros()).unwrap_or(u64::MAX / 2);
        let end = &self.yielding.end;
        let over = end.load(Relaxed);
        // Of all the workers that see the end of the period, one ends it.
        if now >= over && end.compare_exchange(over, now + PERIOD, Relaxed, Relaxed).is_ok() {
            self.yielding.end_period(now);
        }
    }

    /// Lets other threads run, if that helps.
    pub(crate) fn yield_if_it_helps(&self) {
        if self.yielding.is_on.load(Relaxed) {
            thread::yield_now();
        }
    }
}

impl Drop for WorkerYielding {
    fn drop(&mut self) {
        let mut counts = self.yielding.lock();
        counts.counters.retain(|counter| !Arc::ptr_eq(counter, &self.counter));
        counts.ended += self.counter.0.load(Relaxed);
    }
}

/// What is tried, when, and with what result.
#[derive(Debug, Default)]
struct Trials {
    /// The start of the period: requests answered until then, and microseconds.
    began: (u64, u64),
    is_on: bool,
    is_trial: bool,
    /// Requests a second without and with yielding, as last measured.
    rates: [u64; 2],
    /// Periods until the next trial, and how many there were at first.
    left: u32,
    pause: u32,
}

impl Trials {
    /// Ends a period. Gives whether workers yield in the next one.
    fn end_period(&mut self, answered: u64, now: u64) -> bool {
        let (answered_before, since) = self.began;
        self.began = (answered, now);
        // The worker that ends the next period may get here first.
        let requests = answered.saturating_sub(answered_before);
        let micros = now.saturating_sub(since).max(1);
        let rate = requests * 1_000_000 / micros;
        // A pause in the load says nothing about a trial.
        let is_pause = micros > 5 * PERIOD;
        let known = &mut self.rates[usize::from(self.is_on)];
        if self.is_trial && !is_pause {
            *known = rate;
            let [off, on] = self.rates;
            self.is_on = on > off;
            self.pause = if self.is_on { LONG } else { (self.pause * 2).clamp(SHORT, LONG) };
            (self.is_trial, self.left) = (false, self.pause);
            return self.is_on;
        }
        // The mean of many periods says more than one.
        *known = if *known == 0 { rate } else { *known - *known / 16 + rate / 16 };
        if *known < WORTHWHILE {
            *self = Trials { began: self.began, left: SHORT, ..Trials::default() };
            return false;
        }
        if is_pause {
            return self.is_on;
        }
        let [off, on] = self.rates;
        // Another program runs now, or there is less to do.
        let is_worse = self.is_on && on < off;
        self.is_trial = self.left == 0 || is_worse;
        self.is_on ^= self.is_trial;
        self.left = self.left.saturating_sub(1);
        self.is_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// In how many of a thousand periods workers yield, if they answer so many
    /// requests a second without and with it.
    #[track_caller]
    fn yielded(off: u64, on: u64) -> usize {
        let mut trials = Trials::default();
        let (mut answered, mut now, mut is_on) = (0, 0, false);
        let periods = (0..1000).map(|_| {
            let was_on = is_on;
            now += 10_000;
            answered += if was_on { on } else { off } / 100;
            is_on = trials.end_period(answered, now);
            was_on
        });
        periods.filter(|was_on| *was_on).count()
    }

    #[test]
    fn workers_yield_if_that_answers_more_requests() {
        assert!(yielded(100_000, 140_000) > 950);
    }

    #[test]
    fn workers_do_not_yield_to_another_program() {
        let count = yielded(100_000, 30_000);
        assert!((1..20).contains(&count), "tried now and then: {count}");
        let count = yielded(25_000, 700);
        assert!((1..20).contains(&count), "tried now and then: {count}");
    }

    #[test]
    fn workers_do_not_yield_if_that_gains_nothing() {
        assert!(yielded(100_000, 99_000) < 20);
    }

    #[test]
    fn a_server_with_time_to_spare_does_not_try() {
        assert_eq!(yielded(19_000, 40_000), 0);
    }

    #[test]
    fn a_change_of_conditions_is_noticed() {
        let mut trials = Trials::default();
        let (mut answered, mut now, mut is_on) = (0, 0, false);
        let mut run = |periods: u64, on: u64| {
            for _ in 0..periods {
                now += 10_000;
                answered += if is_on { on } else { 1_000 };
                is_on = trials.end_period(answered, now);
            }
            is_on
        };
        assert!(run(50, 1_500), "it helps");
        assert!(!run(300, 300), "another program came");
        assert!(run(10_000, 1_500), "and went away");
    }

    #[test]
    fn workers_stop_yielding_when_the_load_has_gone() {
        let mut trials = Trials::default();
        let (mut answered, mut now) = (0, 0);
        let mut run = |periods: u64, requests: u64, micros: u64| {
            (0..periods).fold(false, |is_on, _| {
                now += micros;
                answered += requests * if is_on { 2 } else { 1 };
                trials.end_period(answered, now)
            })
        };
        assert!(run(50, 1_000, PERIOD));
        assert!(run(1, 1, 100 * PERIOD), "one pause changes nothing");
        assert!(!run(100, 1, 10 * PERIOD), "many do");
    }

    #[test]
    fn answers_of_all_workers_are_counted_and_their_rate_decides() {
        let yielding = Yielding::new();
        let workers = [(); 3].map(|()| WorkerYielding::new(&yielding));
        let mut now = yielding.epoch;
        let mut seen = Vec::new();
        for worker in workers.iter().cycle().take(100_000) {
            let is_on = yielding.is_on.load(Relaxed);
            now += Duration::from_micros(if is_on { 8 } else { 12 });
            worker.answered(now);
            seen.push(is_on);
        }
        assert!(!seen[0] && seen[50_000..].iter().filter(|is_on| **is_on).count() > 45_000);
        drop(workers);
        let counts = yielding.lock();
        assert_eq!((counts.counters.len(), counts.ended), (0, 100_000));
    }
}
