//! Stands in for `accounts.rs` in builds without the feature `login`: there are
//! no accounts, and a users file with a password is refused.

// The methods have the shape of those in `accounts.rs`, and need no `self` here.
#![allow(clippy::unused_self)]

use std::path::Path;

use crate::auth::user::User;

/// No accounts.
#[derive(Default)]
pub(super) struct Accounts {}

impl Accounts {
    /// Always fails, and says which builds read passwords.
    pub(super) fn add(&mut self, _: User, _phc: &str) -> Result<(), &'static str> {
        Err("a password needs a build with the feature login: \
             cargo build --release --features login")
    }

    /// Always empty.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, String)> {
        std::iter::empty()
    }

    /// Always zero.
    pub(super) fn len(&self) -> usize {
        0
    }

    /// There are none to measure.
    pub(super) fn measure(&mut self) {}

    /// There are none to warn of.
    pub(super) fn warn_of_costs(&self, _: &Path) {}
}
