//! Passwords: hashing, verifying, judging. The ceremony behind the asks, blocking and without I/O.
//!
//! Hashing takes 19 MiB and tens of milliseconds on purpose. The caller runs it on a bounded pool; nothing here
//! spawns or waits.
#![deny(missing_docs)]

mod hash;
mod strength;

pub use hash::{Corrupt, Cost, Hasher, MAX_PASSWORD, TooLong, Verdict};
pub use strength::{Policy, acceptable};
