//! The tokens that logins issue, until they expire.
//!
//! They are in memory only, so they end with the process. The store keeps a hash
//! of each token and not the token, so a reader of the memory can't use
//! them. A lookup may compare the hashes with `==`: to learn a hash from the time
//! that this takes, a client would have to choose the hash of what it sends.
//!
//! Many requests look tokens up at the same time, so the store has 64 parts, each
//! with its own lock, and the hash picks the part. A lookup waits only while a
//! login writes to the same part, and logins are rare: each hashes a password.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use blake2::{Blake2s256, Digest};

use crate::auth::secret::new_token;

/// Issued tokens, and a value for each.
pub(super) struct Tokens<T> {
    lifetime: Duration,
    capacity: usize,
    parts: [RwLock<HashMap<Hash, Entry<T>>>; PARTS],
    /// The tokens in the order of their issue. All have the same lifetime, so
    /// the first one is the first to expire.
    order: Mutex<VecDeque<(Instant, Hash)>>,
}

const PARTS: usize = 64;

type Hash = [u8; 32];

struct Entry<T> {
    at: Instant,
    value: T,
}

impl<T: Clone> Tokens<T> {
    /// No tokens yet. Each will be valid for `lifetime`; with `capacity` tokens
    /// in the store, a new one replaces the oldest.
    pub(super) fn new(lifetime: Duration, capacity: usize) -> Tokens<T> {
        let parts = std::array::from_fn(|_| RwLock::default());
        Tokens { lifetime, capacity, parts, order: Mutex::default() }
    }

    /// Issues a new token for `value`. Fails if the system has no random source.
    pub(super) fn issue(&self, value: T, now: Instant) -> io::Result<String> {
        let token = new_token()?;
        let hash = hash(&token);
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, oldest)) = order.front().copied() {
            if order.len() < self.capacity && !self.has_expired(at, now) {
                break;
            }
            order.pop_front();
            self.part(oldest).write().unwrap_or_else(PoisonError::into_inner).remove(&oldest);
        }
        order.push_back((now, hash));
        let entry = Entry { at: now, value };
        self.part(hash).write().unwrap_or_else(PoisonError::into_inner).insert(hash, entry);
        Ok(token)
    }

    /// The value of a token, if the token was issued and has not expired.
    pub(super) fn find(&self, token: &str, now: Instant) -> Option<T> {
        let hash = hash(token);
        let part = self.part(hash).read().unwrap_or_else(PoisonError::into_inner);
        let entry = part.get(&hash)?;
        (!self.has_expired(entry.at, now)).then(|| entry.value.clone())
    }

    fn has_expired(&self, at: Instant, now: Instant) -> bool {
        now.saturating_duration_since(at) >= self.lifetime
    }

    fn part(&self, hash: Hash) -> &RwLock<HashMap<Hash, Entry<T>>> {
        let [first, ..] = hash;
        &self.parts[usize::from(first) % PARTS]
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
    fn a_token_is_valid_until_its_lifetime_is_over() {
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
    fn a_full_store_drops_its_oldest_token() {
        let tokens = Tokens::new(HOUR, 100);
        let now = Instant::now();
        let issued: Vec<String> =
            (0..150).map(|number| tokens.issue(number, now).expect("a token")).collect();
        for (number, token) in issued.iter().enumerate() {
            assert_eq!(tokens.find(token, now), (number >= 50).then_some(number));
        }
    }

    #[test]
    fn a_new_token_removes_the_expired_ones() {
        let tokens = Tokens::new(HOUR, 100);
        let start = Instant::now();
        for number in 0..50 {
            tokens.issue(number, start).expect("a token");
        }
        tokens.issue(50, start + HOUR).expect("a token");
        let held = |part: &RwLock<HashMap<Hash, _>>| part.read().expect("a part").len();
        assert_eq!(tokens.parts.iter().map(held).sum::<usize>(), 1);
        assert_eq!(tokens.order.lock().expect("the order").len(), 1);
    }
}
