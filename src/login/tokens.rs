//! The tokens that a login hands out, until they expire.
//!
//! They live in memory, so they die with the process; and only as hashes of
//! themselves, so that nobody who reads that memory can use them. A lookup may
//! compare hashes as they are: to learn one bit by bit from the time that it
//! takes, a client would have to choose the hash of what it sends.
//!
//! A lookup is on the way of many requests at once. A 64th of the tokens is
//! behind each lock, picked by the hash, and what waits for it is a login that
//! writes an entry, some 10 ms of hashing apart from the next: nobody waits to
//! speak of. A copy a thread, as `UsersFile` has it, would need no lock, but
//! with thousands of threads thousands of copies.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use blake2::{Blake2s256, Digest};

use crate::auth::secret;

/// Issued tokens, and what each stands for.
pub(crate) struct Tokens<T> {
    lifetime: Duration,
    most: usize,
    shards: [RwLock<HashMap<Hash, Issued<T>>>; SHARDS],
    /// In the order of their issue. All live equally long, so whichever is the
    /// first to expire stands in front.
    order: Mutex<VecDeque<(Instant, Hash)>>,
}

const SHARDS: usize = 64;

type Hash = [u8; 32];

struct Issued<T> {
    at: Instant,
    value: T,
}

impl<T: Clone> Tokens<T> {
    /// None yet; each is to live that long, and of more than `most` the oldest
    /// expires before its time.
    pub(crate) fn new(lifetime: Duration, most: usize) -> Tokens<T> {
        let shards = std::array::from_fn(|_| RwLock::default());
        Tokens { lifetime, most, shards, order: Mutex::default() }
    }

    /// A new token for `value`. Fails if the system has no random source.
    pub(crate) fn issue(&self, value: T, now: Instant) -> io::Result<String> {
        let token = secret::token()?;
        let hash = hash(&token);
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, oldest)) = order.front().copied() {
            if order.len() < self.most && !self.is_over(at, now) {
                break;
            }
            order.pop_front();
            self.shard(oldest).write().unwrap_or_else(PoisonError::into_inner).remove(&oldest);
        }
        order.push_back((now, hash));
        let issued = Issued { at: now, value };
        self.shard(hash).write().unwrap_or_else(PoisonError::into_inner).insert(hash, issued);
        Ok(token)
    }

    /// What the token stands for, if it is one and has not expired.
    pub(crate) fn find(&self, token: &str, now: Instant) -> Option<T> {
        let hash = hash(token);
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        let issued = shard.get(&hash)?;
        (!self.is_over(issued.at, now)).then(|| issued.value.clone())
    }

    fn is_over(&self, at: Instant, now: Instant) -> bool {
        now.saturating_duration_since(at) >= self.lifetime
    }

    fn shard(&self, hash: Hash) -> &RwLock<HashMap<Hash, Issued<T>>> {
        let [first, ..] = hash;
        &self.shards[usize::from(first) % SHARDS]
    }
}

fn hash(token: &str) -> Hash {
    Blake2s256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_lives_as_long_as_it_is_said_to() {
        let tokens = Tokens::new(HOUR, 10);
        let start = Instant::now();
        let token = tokens.issue("ann", start).expect("a token");
        assert_eq!(token.len(), 64);
        assert_eq!(tokens.find(&token, start), Some("ann"));
        assert_eq!(tokens.find(&token, start + HOUR.mul_f64(0.999)), Some("ann"));
        assert_eq!(tokens.find(&token, start + HOUR), None);
        for no in ["", "ann", &token[1..], &token.to_uppercase()] {
            assert_eq!(tokens.find(no, start), None, "{no}");
        }
    }

    #[test]
    fn of_too_many_the_oldest_expires_first() {
        let tokens = Tokens::new(HOUR, 100);
        let now = Instant::now();
        let issued: Vec<String> =
            (0..150).map(|number| tokens.issue(number, now).expect("a token")).collect();
        for (number, token) in issued.iter().enumerate() {
            assert_eq!(tokens.find(token, now), (number >= 50).then_some(number));
        }
    }

    #[test]
    fn what_has_expired_makes_room() {
        let tokens = Tokens::new(HOUR, 100);
        let start = Instant::now();
        for number in 0..50 {
            tokens.issue(number, start).expect("a token");
        }
        tokens.issue(50, start + HOUR).expect("a token");
        let held = |shard: &RwLock<HashMap<Hash, _>>| shard.read().expect("a shard").len();
        assert_eq!(tokens.shards.iter().map(held).sum::<usize>(), 1);
        assert_eq!(tokens.order.lock().expect("the order").len(), 1);
    }
}
