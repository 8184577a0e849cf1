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

/// At most `max` within `window`, counted from the first event of the window; with a pace, from the last, and few events
/// are forgotten earlier: after their share of the window, so that nobody gets more of them by letting them be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many events the window takes.
    pub max: u32,
    /// How long the count stands.
    pub window: Span,
    /// How long to wait between events, where they come in a row.
    pub pace: Option<Pace>,
}

/// How long to wait after each event of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many events need no wait.
    pub free: u32,
    /// The wait after the last of them; twice as long after each that follows.
    pub first: Span,
    /// The longest wait.
    pub longest: Span,
}

impl Pace {
    /// The wait after so many events in a row.
    fn wait(self, events: u32) -> Span {
        match events.checked_sub(self.free) {
            None => Span(0),
            Some(doublings) => Span(self.first.0.saturating_mul(1 << doublings.min(32))).min(self.longest),
        }
    }
}

impl Limit {
    /// How long so many events are remembered.
    fn memory(self, events: u32) -> Span {
        let share = |window: i64| window.saturating_mul(i64::from(events)) / i64::from(self.max.max(1));
        if self.pace.is_some() { Span(share(self.window.0)).min(self.window) } else { self.window }
    }
}

/// How far a clock may step back before a stored moment in the future counts as a mistake of it.
const CLOCK_STEP: Span = Span::hours(1);

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

    /// Whether the limit takes no more events, however long somebody waits within the window.
    pub const fn is_used_up(self, limit: Limit) -> bool {
        self.value >= limit.max
    }

    /// The count as this limit reads it at `now`. A window that ends later than any that begins now was counted by a clock
    /// that has stepped back since: nobody waits for it to come round again.
    fn of(self, limit: Limit, now: Timestamp) -> Self {
        let latest = now.plus(limit.window).plus(CLOCK_STEP);
        if limit.pace.is_none() && self.ends > latest { Self::default() } else { self.at(now) }
    }

    /// Whether one more event at `now` would exceed the limit or come too early.
    pub fn is_full(self, limit: Limit, now: Timestamp) -> bool {
        let current = self.of(limit, now);
        let longest = limit.pace.map_or(Span(0), |pace| pace.longest);
        let opens = current.opens(limit);
        current.is_used_up(limit) || now < opens && opens < now.plus(longest).plus(CLOCK_STEP)
    }

    /// From when on one more event fits, as long as there is none before. Where none has to wait, at any time: clocks differ.
    pub fn opens(self, limit: Limit) -> Timestamp {
        if self.is_used_up(limit) {
            return self.ends;
        }
        let wait = limit.pace.map_or(Span(0), |pace| pace.wait(self.value));
        if wait == Span(0) {
            return Timestamp(i64::MIN);
        }
        Timestamp(self.ends.0.saturating_sub(limit.memory(self.value).0)).plus(wait)
    }

    /// The count after one more event at `now`, or nothing when it is full.
    pub fn add(self, limit: Limit, now: Timestamp) -> Option<Self> {
        if self.is_full(limit, now) {
            return None;
        }
        let current = self.of(limit, now);
        let begins = current.value == 0 || limit.pace.is_some();
        let value = current.value + 1;
        let ends = if begins { now.plus(limit.memory(value)) } else { current.ends };
        Some(Self { value, ends })
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
    /// Refuses the batch when the counter is full, and otherwise leaves it as it is.
    RequireBelow {
        /// What is counted.
        key: CounterKey,
        /// How many are allowed.
        limit: Limit,
    },
    /// Sets the counter to zero, full or not.
    Clear {
        /// What is counted.
        key: CounterKey,
    },
}

impl CounterStep {
    /// The same step with a limit that nobody meets.
    #[must_use]
    pub fn lifted(mut self) -> Self {
        match &mut self {
            Self::AddUnlessFull { limit, .. }
            | Self::RequireBelowAndReset { limit, .. }
            | Self::RequireBelow { limit, .. } => *limit = Limit { max: u32::MAX, pace: None, ..*limit },
            Self::Clear { .. } => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACED: Limit = Limit {
        max: 9,
        window: Span::hours(24),
        pace: Some(Pace { free: 3, first: Span::seconds(30), longest: Span::minutes(2) }),
    };

    #[test]
    fn p_7_a_row_of_failures_waits_longer_and_longer_and_ends() {
        let mut now = Timestamp(1_700_000_000_000);
        let mut count = Count::default();
        for wait in [0, 0, 30, 60, 120, 120, 120, 120] {
            count = count.add(PACED, now).unwrap();
            let early = now.plus(Span::seconds(wait)).plus(Span(-1));
            assert_eq!(count.add(PACED, early).is_none(), wait > 0, "{count:?}");
            now = now.plus(Span::seconds(wait));
            assert!(count.opens(PACED) <= now);
        }
        count = count.add(PACED, now).unwrap();
        assert!(count.is_used_up(PACED));
        assert_eq!(count.add(PACED, now.plus(Span::hours(23))), None);
        assert_eq!(
            count.add(PACED, now.plus(Span::hours(24))).map(|count| count.value),
            Some(1),
            "forgotten"
        );
    }

    #[test]
    fn a_clock_that_stepped_back_makes_nobody_wait_until_it_comes_round_again() {
        let (now, ahead) = (Timestamp(1_700_000_000_000), Span::hours(48));
        let plain = Limit { max: 3, window: Span::minutes(10), pace: None };
        let filled = |limit: Limit, events: u32| {
            let step = |(count, at): (Count, Timestamp), _| {
                (count.add(limit, at).unwrap(), at.plus(Span::minutes(2)))
            };
            (0..events).fold((Count::default(), now.plus(ahead)), step).0
        };
        assert_eq!(filled(plain, 3).add(plain, now).map(|count| count.value), Some(1));
        let row = filled(PACED, 6);
        let next = row.add(PACED, now).unwrap();
        assert_eq!(next.value, 7, "the row goes on");
        assert_eq!(next.opens(PACED), now.plus(Span::minutes(2)), "by the present clock");
        assert_eq!(filled(PACED, 9).add(PACED, now), None, "and it ends");
        let small = Count { value: 3, ends: now.plus(Span::minutes(11)) };
        assert_eq!(small.add(plain, now), None, "a small step opens nothing");
    }

    #[test]
    fn p_7_few_are_forgotten_soon_and_nobody_gets_more_by_waiting_for_that() {
        let mut now = Timestamp(1_700_000_000_000);
        let one = Count::default().add(PACED, now).unwrap();
        assert_eq!(one.ends.since(now), Span::minutes(160), "a ninth of the day for one of nine");
        for row in 1..=PACED.max {
            let (mut count, mut events) = (Count::default(), 0);
            let end = now.plus(Span::hours(24 * 30));
            while now < end {
                now = now.max(count.opens(PACED)).max(if count.value == row { count.ends } else { now });
                count = count.add(PACED, now).unwrap();
                events += 1;
            }
            assert!(events <= PACED.max * 31, "{events} events in 30 days by rows of {row}");
        }
    }
}
