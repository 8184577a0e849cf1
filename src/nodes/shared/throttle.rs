//! Which guesses and mails are counted under which key, and how many are allowed.
//!
//! Counters belong to an account and a factor (checklist J-16), to the visitor's network, and, where a name or an address
//! was typed, to that in every spelling: what is told rests on it, so that an account's names behave like names that
//! nobody has (E-3). They open again by themselves, so that nobody can lock a user out for good (P-8), and what strangers
//! do is counted apart from what an account's owner does: `asker` says who counts by what for mails and codes, `guards` for
//! passwords.
//!
//! Wrong passwords wait. Whoever guesses from a browser that nobody has signed in with waits for all such browsers
//! together; a browser that the user has signed in with counts by itself, so that strangers cannot keep it out. In all,
//! an account takes at most 100 wrong passwords in a row (P-7).

use idflow_core::counter::{Count, CounterKey, CounterStep, Limit, Pace};
use idflow_core::digest::Digest;
use idflow_core::id::{JourneyId, UserId};
use idflow_core::name::canonical;
use idflow_core::time::{Span, Timestamp};

/// What wrong passwords are counted as.
pub const PASSWORD: &str = "password";

/// What wrong codes are counted as.
pub const CODE: &str = "oneTimeCode";

/// What wrong passwords from all of a user's devices are counted as.
pub const DEVICES: &str = "password/devices";

/// Wrong codes of who has shown a factor of the account: 10 in 10 minutes (checklist T-6; stricter than P-7 asks).
pub const GUESSES: Limit = Limit { max: 10, window: Span::minutes(10), pace: None };

/// Wrong guesses per network: many people may share one.
pub const GUESSES_PER_NETWORK: Limit = Limit { max: 100, window: Span::minutes(10), pace: None };

/// Wrong guesses in one journey, after which it goes another way.
pub const TRIES: Limit = Limit { max: 10, window: Span::hours(24), pace: None };

/// Mails to one address that one person has sent: 5 in 10 minutes (checklist T-12).
pub const MAILS: Limit = Limit { max: 5, window: Span::minutes(10), pace: None };

/// Mails to one address that have been sent at one device: one alone leaves the others some of
/// what all of them share, and who needs more is a stranger like any other.
pub const MAILS_OF_DEVICE: Limit = Limit { max: 5, window: Span::hours(1), pace: None };

/// Mails to one address that many have sent who are alike, wherever they are. Each is a few guesses at a code, too.
pub const MAILS_OF_MANY: Limit = Limit { max: 20, window: Span::hours(1), pace: None };

/// Wrong codes for one address that many have entered who are alike, wherever they are, or the owner of its account,
/// before codes get longer: a thousandth of a percent of what six digits can be (checklist T-6).
pub const CODES_OF_MANY: Limit = Limit { max: 10, window: Span::hours(24), pace: None };

/// Five slips are nobody's harm.
const PACE: Pace = Pace { free: 5, first: Span::seconds(30), longest: Span::minutes(15) };

/// How long a whole row of wrong passwords is remembered after the last of them; each of them for its share.
const ROW: Span = Span::hours(90 * 24);

/// Wrong passwords in a row from browsers that nobody has signed in with.
const FROM_STRANGERS: Limit = Limit { max: 80, window: ROW, pace: Some(PACE) };

/// Wrong passwords in a row from one of the user's devices, and from all of them.
const FROM_DEVICES: Limit = Limit { max: 20, window: ROW, pace: Some(PACE) };

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

    /// Wrong guesses at a factor under a name or an address, whoever has it.
    pub fn name(factor: &str, name: &str) -> Self {
        Self { key: CounterKey::of(format!("{factor}/name/{}", fingerprint(name))), limit: GUESSES }
    }

    /// Wrong guesses at a factor from one network.
    pub fn client(factor: &str, network: &str) -> Self {
        Self {
            key: CounterKey::of(format!("{factor}/client/{}", fingerprint(network))),
            limit: GUESSES_PER_NETWORK,
        }
    }

    /// Wrong guesses at a factor in one journey.
    pub fn journey(factor: &str, journey: JourneyId) -> Self {
        Self { key: CounterKey::of(format!("{factor}/journey/{journey}")), limit: TRIES }
    }

    /// Wrong passwords for an account from browsers that nobody has signed in with.
    pub fn strangers(user: UserId) -> Self {
        Self { key: CounterKey::of_user(PASSWORD, user), limit: FROM_STRANGERS }
    }

    /// The same for the account that nobody has under a name: a guess at it is written as often as one at an account that
    /// somebody has (checklist E-2).
    pub fn strangers_of_nobody(name: &str) -> Self {
        Self { limit: FROM_STRANGERS, ..Self::name("password/nobody", name) }
    }

    /// The same under a name, whoever has it.
    pub fn strangers_by_name(name: &str) -> Self {
        Self { limit: FROM_STRANGERS, ..Self::name(PASSWORD, name) }
    }

    /// Wrong passwords from one device.
    pub fn device(device: &str) -> Self {
        Self { key: CounterKey::of(format!("{PASSWORD}/device/{device}")), limit: FROM_DEVICES }
    }

    /// Wrong passwords from all of a user's devices: each waits for itself.
    pub fn devices(user: UserId) -> Self {
        let limit = Limit { pace: None, ..FROM_DEVICES };
        Self { key: CounterKey::of_user(DEVICES, user), limit }
    }

    /// Mails to an address that somebody has sent who has shown a factor of the account that has it.
    pub fn mail_of_owner(user: UserId, address: &str) -> Self {
        let key = CounterKey::of_user(format!("mail/owner/{}", fingerprint(address)), user);
        Self { key, limit: MAILS }
    }

    /// Mails to an address that have been sent by the owners of accounts that have not shown yet that it is theirs.
    pub fn mail_to_unproven(address: &str) -> Self {
        let key = CounterKey::of(format!("mail/unproven/{}", fingerprint(address)));
        Self { key, limit: MAILS_OF_MANY }
    }

    /// Mails to an address that somebody has sent who has read one.
    pub fn mail_of_reader(address: &str) -> Self {
        Self { key: CounterKey::of(format!("mail/reader/{}", fingerprint(address))), limit: MAILS }
    }

    /// Mails to an address that have been sent at one of its reader's devices, and at all of them. One alone does not use
    /// up what is all of theirs.
    pub fn mails_of_device(device: &str, address: &str) -> [Self; 2] {
        let address = fingerprint(address);
        let key = CounterKey::of(format!("mail/device/{device}/{address}"));
        let all = CounterKey::of(format!("mail/devices/{address}"));
        [Self { key, limit: MAILS_OF_DEVICE }, Self { key: all, limit: MAILS_OF_MANY }]
    }

    /// Mails to an address that strangers of one network have sent.
    pub fn mail_from(network: &str, address: &str) -> Self {
        let (network, address) = (fingerprint(network), fingerprint(address));
        Self { key: CounterKey::of(format!("mail/from/{network}/{address}")), limit: MAILS }
    }

    /// Mails to an address that strangers have sent.
    pub fn mail_of_strangers(address: &str) -> Self {
        Self { key: CounterKey::of(format!("mail/name/{}", fingerprint(address))), limit: MAILS_OF_MANY }
    }

    /// Wrong codes for an address that strangers have entered.
    pub fn code_of_strangers(address: &str) -> Self {
        Self { limit: CODES_OF_MANY, ..Self::name(CODE, address) }
    }

    /// Wrong codes that somebody has entered who has shown a factor of the account: they may have got at that one only.
    pub fn code_of_owner(user: UserId) -> Self {
        Self { key: CounterKey::of_user("oneTimeCode/row", user), limit: CODES_OF_MANY }
    }

    /// Wrong codes for an address that have been entered at devices of its reader.
    pub fn code_of_devices(address: &str) -> Self {
        Self { limit: CODES_OF_MANY, ..Self::name("oneTimeCode/devices", address) }
    }

    /// What to ask the store for.
    pub fn key(&self) -> CounterKey {
        self.key.clone()
    }

    /// The step that counts one more.
    pub fn add(&self) -> CounterStep {
        CounterStep::AddUnlessFull { key: self.key.clone(), limit: self.limit }
    }

    /// The step that is refused where one more would be.
    pub fn require(&self) -> CounterStep {
        CounterStep::RequireBelow { key: self.key.clone(), limit: self.limit }
    }

    /// The step that a success takes: only below the limit, and back to zero.
    pub fn reset(&self) -> CounterStep {
        CounterStep::RequireBelowAndReset { key: self.key.clone(), limit: self.limit }
    }

    /// The step that begins the row anew, whatever has been counted.
    pub fn clear(&self) -> CounterStep {
        CounterStep::Clear { key: self.key.clone() }
    }

    /// Until when nothing more is taken; nothing when one more is.
    pub fn closed_until(&self, count: Count, now: Timestamp) -> Option<Timestamp> {
        count.is_full(self.limit, now).then(|| count.opens(self.limit))
    }

    /// Whether no wait within the window helps.
    pub fn is_used_up(&self, count: Count) -> bool {
        count.is_used_up(self.limit)
    }
}

/// Until when some of the counters take nothing more; nothing when each takes one more. The next counts are theirs, and one
/// that is missing is a full one: doubt is a refusal.
pub fn closed_until<'a>(
    throttles: impl IntoIterator<Item = &'a Throttle>,
    counts: &mut std::slice::Iter<'_, Count>,
    now: Timestamp,
) -> Option<Timestamp> {
    let missing = now.plus(GUESSES.window);
    let closed =
        |throttle: &Throttle| counts.next().map_or(Some(missing), |count| throttle.closed_until(*count, now));
    throttles.into_iter().filter_map(closed).max()
}

/// A wait in minutes, rounded up, so that nobody comes too early.
pub fn in_minutes(wait: Span) -> i64 {
    (wait.whole_seconds() + 59) / 60
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
        let counted = [Throttle::mail_of_strangers("a@example.org"), Throttle::name("oneTimeCode", "ada")];
        let closed = |counts: &[Count]| closed_until(&counted, &mut counts.iter(), Timestamp(0)).is_some();
        assert!(closed(&[]) && closed(&[Count::default()]));
        assert!(!closed(&[Count::default(); 2]));
    }
}
