//! Counters with a limit inside a window, evaluated inside the store's transaction (checklist P-9).

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::time::{Span, Timestamp};

/// What is counted, for example `mail/name/<hash>`, or `password` of a user. A user's counters can be read together
/// with a user who is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey {
    /// What is counted.
    pub what: String,
    /// Whose it is, if it is a user's.
    pub user: Option<UserId>,
}

impl CounterKey {
    /// The counter of this name.
    pub fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), user: None }
    }

    /// A user's counter of this name.
    pub fn of_user(what: impl Into<String>, user: UserId) -> Self {
        Self { what: what.into(), user: Some(user) }
    }
}

/// At most `max` within `window`, counted from the first event of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many events the window takes.
    pub max: u32,
    /// How long after the first event the count starts again from zero.
    pub window: Span,
}

/// How fast something may happen for long, and how much of it at once. Counted in the memory of one process, where a
/// [`Limit`] is counted in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much at once.
    pub burst: u32,
    /// How much per second, for long.
    pub per_second: u32,
}

/// The count at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Events in the current window.
    pub value: u32,
    /// When the current window ends; meaningless while `value` is 0.
    pub ends: Timestamp,
}

impl Count {
    /// The count as it stands at `now`: zero once its window has ended.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if now >= self.ends { Self::default() } else { self }
    }

    /// Whether one more event would exceed the limit.
    pub const fn is_full(self, limit: Limit) -> bool {
        self.value >= limit.max
    }

    /// The count after one more event at `now`, or nothing when it is full.
    pub fn add(self, limit: Limit, now: Timestamp) -> Option<Self> {
        let current = self.at(now);
        if current.is_full(limit) {
            return None;
        }
        let ends = if current.value == 0 { now.plus(limit.window) } else { current.ends };
        Some(Self { value: current.value + 1, ends })
    }
}

/// A step of a counter inside a batch. A step that cannot be taken refuses the whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterStep {
    /// Adds one event; refuses the batch when the counter is full.
    AddUnlessFull {
        /// What is counted.
        key: CounterKey,
        /// How many are allowed.
        limit: Limit,
    },
    /// Refuses the batch when the counter is full, and otherwise sets it to zero.
    RequireBelowAndReset {
        /// What is counted.
        key: CounterKey,
        /// How many are allowed.
        limit: Limit,
    },
}

impl CounterStep {
    /// The same step with a limit that nobody meets.
    #[must_use]
    pub fn lifted(mut self) -> Self {
        let (Self::AddUnlessFull { limit, .. } | Self::RequireBelowAndReset { limit, .. }) = &mut self;
        limit.max = u32::MAX;
        self
    }
}
