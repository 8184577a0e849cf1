//! Which guesses and mails are counted under which key, and how many are allowed.
//!
//! Counters belong to an account and a factor, whatever name the visitor used (checklist J-16), and to the
//! visitor's address. They open again by themselves, so that nobody can lock a user out for good (P-8).

use idflow_core::counter::{Count, CounterKey, CounterStep, Limit};
use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_core::name::canonical;
use idflow_core::time::Span;

/// Wrong guesses per account and factor: 10 in 10 minutes (checklist T-6; stricter than P-7 asks).
pub const GUESSES: Limit = Limit { max: 10, window: Span::minutes(10) };

/// Wrong guesses per client address: many people may share one.
pub const GUESSES_PER_ADDRESS: Limit = Limit { max: 100, window: Span::minutes(10) };

/// Mails to one address: 5 in 10 minutes (checklist T-12).
pub const MAILS: Limit = Limit { max: 5, window: Span::minutes(10) };

/// A counter with its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    key: CounterKey,
    limit: Limit,
}

impl Throttle {
    /// Wrong guesses at a factor of a known account.
    pub fn user(factor: &str, user: UserId) -> Self {
        Self { key: CounterKey::of_user(factor, user), limit: GUESSES }
    }

    /// Wrong guesses at a factor under a name that belongs to nobody, or to a mail address.
    pub fn name(factor: &str, name: &str) -> Self {
        Self { key: CounterKey::of(format!("{factor}/name/{}", fingerprint(name))), limit: GUESSES }
    }

    /// Wrong guesses at a factor from one client address.
    pub fn client(factor: &str, address: &str) -> Self {
        Self {
            key: CounterKey::of(format!("{factor}/client/{}", fingerprint(address))),
            limit: GUESSES_PER_ADDRESS,
        }
    }

    /// Mails to one address.
    pub fn mail(address: &str) -> Self {
        Self { key: CounterKey::of(format!("mail/name/{}", fingerprint(address))), limit: MAILS }
    }

    /// What to ask the store for.
    pub fn key(&self) -> CounterKey {
        self.key.clone()
    }

    /// The step that counts one more.
    pub fn add(&self) -> CounterStep {
        CounterStep::AddUnlessFull { key: self.key.clone(), limit: self.limit }
    }

    /// The step that a success takes: only below the limit, and back to zero.
    pub fn reset(&self) -> CounterStep {
        CounterStep::RequireBelowAndReset { key: self.key.clone(), limit: self.limit }
    }
}

/// Whether any of the counters is full. A count that is missing counts as full: doubt is a refusal.
pub fn any_full(throttles: &[Throttle], counts: &[Count]) -> bool {
    counts.len() != throttles.len()
        || throttles.iter().zip(counts).any(|(throttle, count)| count.is_full(throttle.limit))
}

fn fingerprint(name: &str) -> String {
    Digest::of(canonical(name)).short(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j_16_every_spelling_of_a_name_meets_the_same_counter() {
        assert_eq!(
            Throttle::name("password", " Ada@Example.org"),
            Throttle::name("password", "ada@example.org ")
        );
        assert_ne!(Throttle::name("password", "ada"), Throttle::name("oneTimeCode", "ada"));
    }

    #[test]
    fn p_9_a_missing_count_is_a_refusal() {
        assert!(any_full(&[Throttle::mail("a@example.org")], &[]));
    }
}
