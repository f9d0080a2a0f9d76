//! Whether threads let each other run before they read.
//!
//! A processor runs one thread at a time; those that could run as well stand in
//! line for it, in the run queue. A thread that blocks in `read` leaves the line:
//! it is put to sleep, and when its request arrives it is woken and lines up
//! again. Both together cost more than everything that this server does for a
//! request, and they are why blocking servers are called slow.
//!
//! Under load they can be saved. `thread::yield_now` sends a thread to the end of
//! the line instead: those before it answer their requests meanwhile, and by the
//! time that it has its turn the next one is there, so that its `read` returns
//! without a sleep. But who stands in the line need not be ours. A thread that
//! yields to a program which computes without a rest waits until that has used up
//! its slice of time, some milliseconds, for each request; one that wakes up is
//! let in before it.
//!
//! Nobody tells a thread who else is in line. So the server tries: for a hundredth
//! of a second all threads do the other thing than they do now, and then they keep
//! to whatever answered more requests. All of them, because among threads that
//! sleep, who wake up ahead of the others, those that yield hardly have a turn.
//! A server that has time to spare has nothing to save, and does not yield.
//!
//! Measured with 8 / 64 keep-alive connections, the load generator on a processor
//! of its own; alone, relative to a server that never yields, and in thousands of
//! requests a second where a program that computes without a rest has the same
//! processor:
//!
//! | threads yield | alone | beside that program |
//! | --- | --- | --- |
//! | never | 1.00 / 1.00 | 68 / 81 |
//! | always | 1.15 / 1.17 | 5 / 32 |
//! | where it pays | 1.19 / 1.09 | 74 / 79 |
//!
//! What it costs: where clients share the processors with the server, the slowest
//! hundredth of the answers waits for a slice of theirs, 4 ms instead of 1. To
//! repeat it, give the server and wrk a processor each (`taskset`), and the
//! server's to `sh -c 'while :; do :; done'` as well.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How long one thing is done before its requests are counted, in microseconds.
const PERIOD: u64 = 10_000;
/// Requests a second from which on sleeping costs enough to be saved: so many
/// sleeps are some twentieth of a processor's time.
const WORTHWHILE: u64 = 20_000;
/// Periods until yielding is tried, and until it is tried again where it was not
/// worth it; from there on twice as many each time.
const SHORT: u32 = 8;
/// Periods until the other thing is tried once more, at most: some 40 s. A change
/// costs threads that have yielded once more than others a wait for those.
const LONG: u32 = 4096;

/// What the connections of a server know of yielding.
#[derive(Debug)]
pub(crate) struct Yielding {
    is_on: AtomicBool,
    /// Requests of all connections.
    answered: AtomicU64,
    epoch: Instant,
    /// When the period is over, in microseconds since the epoch.
    end: AtomicU64,
    trials: Mutex<Trials>,
}

impl Yielding {
    pub(crate) fn new() -> Yielding {
        Yielding {
            is_on: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            epoch: Instant::now(),
            end: AtomicU64::new(0),
            trials: Mutex::default(),
        }
    }

    /// Whether a thread is to yield before its next read.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Takes note of an answer at that time.
    pub(crate) fn note(&self, now: Instant) {
        let answered = self.answered.fetch_add(1, Relaxed);
        let (now, end) = (self.micros(now), self.end.load(Relaxed));
        let next_end = now + PERIOD;
        // Of all who see that the period is over, one ends it.
        if now >= end && self.end.compare_exchange(end, next_end, Relaxed, Relaxed).is_ok() {
            let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
            self.is_on.store(trials.end_period(answered, now), Relaxed);
        }
    }

    fn micros(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.epoch);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX / 2)
    }
}

/// What is tried, when, and what came of it.
#[derive(Debug, Default)]
struct Trials {
    /// Where the period began: requests answered, and microseconds.
    began: (u64, u64),
    is_on: bool,
    is_trial: bool,
    /// Requests a second without and with yielding, as far as is known.
    rates: [u64; 2],
    /// Periods until the next trial, and how many they were at first.
    left: u32,
    pause: u32,
}

impl Trials {
    /// What is done in the next period.
    fn end_period(&mut self, answered: u64, now: u64) -> bool {
        let (answered_before, since) = self.began;
        self.began = (answered, now);
        // One that ends a period may be overtaken by the one that ends the next.
        let requests = answered.saturating_sub(answered_before);
        let micros = now.saturating_sub(since).max(1);
        let rate = requests * 1_000_000 / micros;
        // A pause in the load ends no trial, and begins none.
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
        // One period tells less than many.
        *known = if *known == 0 { rate } else { *known - *known / 16 + rate / 16 };
        if *known < WORTHWHILE {
            *self = Trials { began: self.began, left: SHORT, ..Trials::default() };
            return false;
        }
        if is_pause {
            return self.is_on;
        }
        let [off, on] = self.rates;
        // Somebody else has come, or there is less to do.
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

    /// In how many of a thousand periods threads yield, where so many requests a
    /// second are answered without and with that.
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
    fn threads_yield_where_that_answers_more() {
        assert!(yielded(100_000, 140_000) > 950);
    }

    #[test]
    fn threads_do_not_yield_to_somebody_elses_program() {
        let count = yielded(100_000, 30_000);
        assert!((1..20).contains(&count), "tried now and then: {count}");
        let count = yielded(25_000, 700);
        assert!((1..20).contains(&count), "tried now and then: {count}");
    }

    #[test]
    fn threads_do_not_yield_where_that_gains_nothing() {
        assert!(yielded(100_000, 99_000) < 20);
    }

    #[test]
    fn a_server_with_time_to_spare_does_not_even_try() {
        assert_eq!(yielded(19_000, 40_000), 0);
    }

    #[test]
    fn what_changes_is_noticed() {
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
        assert!(run(50, 1_500), "it pays");
        assert!(!run(300, 300), "somebody else came");
        assert!(run(10_000, 1_500), "and went");
    }

    #[test]
    fn threads_do_not_yield_any_more_when_the_load_has_gone() {
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
        assert!(run(1, 1, 100 * PERIOD), "a pause is not the end of it");
        assert!(!run(100, 1, 10 * PERIOD), "but many are");
    }

    #[test]
    fn answers_are_counted_and_their_rate_decides() {
        let yielding = Yielding::new();
        let mut now = yielding.epoch;
        let mut seen = Vec::new();
        for _ in 0..100_000 {
            now += Duration::from_micros(if yielding.is_on() { 8 } else { 12 });
            yielding.note(now);
            seen.push(yielding.is_on());
        }
        assert!(!seen[0] && seen[50_000..].iter().filter(|is_on| **is_on).count() > 45_000);
    }
}
