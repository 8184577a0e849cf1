//! How fast journeys may begin, per network and in the whole pod (design 9), endpoints of the provider be called, and
//! clients be guessed at.
//!
//! A start writes a record before anybody has shown anything, so it is what a flood would use; a call costs a
//! signature or a look into the store. Buckets are a table of
//! fixed size that addresses are scattered over with a key: memory is bounded, and nobody can choose whose bucket
//! they share.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use idflow_core::counter::Rate;
use idflow_core::time::{Span, Timestamp};
use idflow_store::seal::Keyring;

/// How many buckets addresses share.
const BUCKETS: usize = 1 << 14;

/// Starts from one address. Many people may share one, behind a company's gateway.
const PER_ADDRESS: Rate = Rate { burst: 50, per_second: 10 };

/// Starts per second and pod when the Tenant names no other limit.
const PER_POD: u32 = 100;

/// Wrong proofs of who a client is, from one network. Secrets of 16 characters cannot be guessed at this rate, and an
/// application that is set up wrongly is not told to wait at its first tries.
const FAILURES: Rate = Rate { burst: 20, per_second: 1 };

/// How long a network is a client's own after the client has authenticated from there.
const AT_HOME: Span = Span::hours(24);

/// A bucket as the moment in microseconds when it is full again (the generic cell rate algorithm).
#[derive(Debug, Default)]
struct Bucket(AtomicI64);

impl Bucket {
    /// Takes one out, or says how long to wait for it.
    fn take(&self, rate: Rate, now: Timestamp) -> Result<(), Span> {
        self.bound(rate, now);
        let taken = |full: i64| next(full, rate, now).ok();
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken) {
            Ok(_) => Ok(()),
            Err(full) => next(full, rate, now).map(drop),
        }
    }

    /// Whether one could be taken out, or how long to wait for it.
    fn look(&self, rate: Rate, now: Timestamp) -> Result<(), Span> {
        self.bound(rate, now);
        next(self.0.load(Ordering::Relaxed), rate, now).map(drop)
    }

    /// A bucket is never further from being full than by all that it holds, whatever the clock said when it was used: one
    /// that was set back refuses nobody for longer. After a greater step nobody knows what was taken out of it, and it is
    /// full.
    fn bound(&self, rate: Rate, now: Timestamp) {
        let (now, capacity) = (micros(now), capacity(rate));
        let most = now.saturating_add(capacity);
        let bounded = |full: i64| match full.saturating_sub(most) {
            beyond if beyond > capacity => Some(now),
            beyond if beyond > 0 => Some(most),
            _ => None,
        };
        let _unchanged = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, bounded);
    }
}

const fn micros(now: Timestamp) -> i64 {
    now.0.saturating_mul(1000)
}

/// How long it takes to refill one.
fn interval(rate: Rate) -> i64 {
    1_000_000 / i64::from(rate.per_second.max(1))
}

/// How long it takes to refill all.
fn capacity(rate: Rate) -> i64 {
    interval(rate).saturating_mul(i64::from(rate.burst))
}

/// When a bucket that is full again at `full` is so after one more was taken out, or how long to wait for it.
fn next(full: i64, rate: Rate, now: Timestamp) -> Result<i64, Span> {
    let (now, capacity) = (micros(now), capacity(rate));
    let next = full.max(now).saturating_add(interval(rate));
    if next - now <= capacity { Ok(next) } else { Err(Span((next - now - capacity) / 1000 + 1)) }
}

/// The buckets of one executor.
#[derive(Debug)]
pub struct Limiter {
    starts: Vec<Bucket>,
    pod: Bucket,
    calls: Vec<Bucket>,
    failures: Vec<Bucket>,
    /// When a client last authenticated from a network.
    homes: Vec<AtomicI64>,
    /// When a client last authenticated at all.
    seen: Vec<AtomicI64>,
}

impl Default for Limiter {
    fn default() -> Self {
        let buckets = || std::iter::repeat_with(Bucket::default).take(BUCKETS).collect();
        let times = || std::iter::repeat_with(AtomicI64::default).take(BUCKETS).collect();
        Self {
            starts: buckets(),
            pod: Bucket::default(),
            calls: buckets(),
            failures: buckets(),
            homes: times(),
            seen: times(),
        }
    }
}

impl Limiter {
    /// Counts a start from an address, or says how long to wait. `per_second` is the Tenant's limit for the pod.
    pub fn begin(
        &self,
        keyring: &Keyring,
        address: Option<&str>,
        per_second: Option<i32>,
        now: Timestamp,
    ) -> Result<(), Span> {
        bucket(&self.starts, keyring, "start-bucket", &[network(address).as_bytes()])
            .take(PER_ADDRESS, now)?;
        let per_second = per_second.map_or(PER_POD, |limit| u32::try_from(limit).unwrap_or(0));
        self.pod.take(Rate { burst: per_second, per_second }, now)
    }

    /// Counts a call of an endpoint from an address, or says how long to wait.
    pub fn call(
        &self,
        keyring: &Keyring,
        address: Option<&str>,
        endpoint: &str,
        rate: Rate,
        now: Timestamp,
    ) -> Result<(), Span> {
        let network = network(address);
        bucket(&self.calls, keyring, "call-bucket", &[endpoint.as_bytes(), network.as_bytes()])
            .take(rate, now)
    }

    /// Lets `who` in, who has shown what a client shows, or says how long to wait: while somebody guesses from that
    /// network, a right guess is answered as a wrong one is.
    ///
    /// Guesser and client may share a network, behind the same gateway for example, and nothing but the secret tells
    /// them apart. So there is only a choice. A secret that is too long to be guessed at any rate lets its client in at
    /// home, whatever the neighbours do. One that is `guessable` is kept from being guessed, and its client may have to
    /// wait; lint and status say that it is too short.
    pub fn admit(
        &self,
        keyring: &Keyring,
        who: &Claimant,
        guessable: bool,
        now: Timestamp,
    ) -> Result<(), Span> {
        if guessable || !self.is_home(keyring, who, now) {
            self.failures(keyring, who).look(FAILURES, now)?;
        }
        self.home(keyring, who).store(now.0, Ordering::Relaxed);
        self.seen(keyring, who).store(now.0, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the client was seen there of late. Of one that was seen nowhere, because this process is new, nobody
    /// knows where it is at home: it may be here.
    fn is_home(&self, keyring: &Keyring, who: &Claimant, now: Timestamp) -> bool {
        let is_recent = |time: &AtomicI64| now < Timestamp(time.load(Ordering::Relaxed)).plus(AT_HOME);
        is_recent(self.home(keyring, who)) || !is_recent(self.seen(keyring, who))
    }

    /// Counts a wrong proof, or says how long to wait for the next one to be answered.
    pub fn failed(&self, keyring: &Keyring, who: &Claimant, now: Timestamp) -> Result<(), Span> {
        self.failures(keyring, who).take(FAILURES, now)
    }

    fn failures(&self, keyring: &Keyring, who: &Claimant) -> &Bucket {
        bucket(&self.failures, keyring, "failure-bucket", &who.parts())
    }

    fn home(&self, keyring: &Keyring, who: &Claimant) -> &AtomicI64 {
        bucket(&self.homes, keyring, "home-of-client", &who.parts())
    }

    fn seen(&self, keyring: &Keyring, who: &Claimant) -> &AtomicI64 {
        bucket(&self.seen, keyring, "client-seen", &[who.client.as_bytes()])
    }
}

/// Who says to be a client.
#[derive(Debug, Clone)]
pub struct Claimant {
    client: String,
    network: String,
}

impl Claimant {
    /// Somebody at this address who says to be this client.
    pub fn new(client: &str, address: Option<&str>) -> Self {
        Self { client: client.to_owned(), network: network(address) }
    }

    /// The client that they say to be.
    pub fn client(&self) -> &str {
        &self.client
    }

    fn parts(&self) -> [&[u8]; 2] {
        [self.client.as_bytes(), self.network.as_bytes()]
    }
}

/// The place of `who` in a table of as many as there are buckets, which nobody without the key can choose.
fn bucket<'a, T>(buckets: &'a [T], keyring: &Keyring, purpose: &str, who: &[&[u8]]) -> &'a T {
    let place = keyring.derive(purpose, who);
    let place = place.iter().take(8).fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
    &buckets[place % BUCKETS]
}

/// What one client can hardly change: its IPv4 address, or the /64 of its IPv6 address.
pub(crate) fn network(address: Option<&str>) -> String {
    let address = address.unwrap_or_default();
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(starts: &Limiter, address: &str, now: Timestamp, tries: usize) -> usize {
        let keyring = Keyring::new("acme", &[7; 32], &[]);
        (0..tries).filter(|_| starts.begin(&keyring, Some(address), Some(1000), now).is_ok()).count()
    }

    #[test]
    fn an_address_may_begin_a_burst_and_then_as_many_as_refill() {
        let (starts, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        assert_eq!(admitted(&starts, "192.0.2.1", now, 200), 50);
        assert_eq!(admitted(&starts, "192.0.2.2", now, 200), 50, "another address has its own");
        assert_eq!(admitted(&starts, "192.0.2.1", now.plus(Span::seconds(1)), 200), 10);
        assert_eq!(
            admitted(&starts, "192.0.2.1", now.plus(Span::hours(1)), 200),
            50,
            "never more than a burst"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_nobody_for_longer_than_a_bucket_takes_to_fill() {
        let (starts, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        assert_eq!(admitted(&starts, "192.0.2.1", now, 200), 50);
        let back = now.plus(Span::seconds(-1));
        let keyring = Keyring::new("acme", &[7; 32], &[]);
        let wait = starts.begin(&keyring, Some("192.0.2.1"), Some(1000), back).unwrap_err();
        assert!(wait <= Span::seconds(5), "{wait}");
        assert_eq!(admitted(&starts, "192.0.2.1", back.plus(Span::seconds(5)), 200), 50);
        let far = now.plus(Span::hours(-48));
        assert_eq!(
            admitted(&starts, "192.0.2.1", far, 200),
            50,
            "neither network nor pod waits for the old time"
        );
    }

    #[test]
    fn a_whole_ipv6_network_of_one_client_is_one_address() {
        let (starts, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        assert_eq!(admitted(&starts, "2001:db8::1", now, 200), 50);
        assert_eq!(admitted(&starts, "2001:db8::2", now, 200), 0);
        assert_eq!(admitted(&starts, "2001:db8:0:1::2", now, 200), 50);
    }

    #[test]
    fn o_25_a_right_guess_where_somebody_guesses_waits_but_at_home_where_it_cannot_be_one() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        let keyring = Keyring::new("acme", &[7; 32], &[]);
        let at = |client: &str, host: u8| Claimant::new(client, Some(&format!("192.0.2.{host}")));
        let (shop, elsewhere, other) = (at("shop", 1), at("shop", 2), at("other", 1));
        let admits = |who: &Claimant, guessable, now| limiter.admit(&keyring, who, guessable, now).is_ok();
        let guesses = |who: &Claimant, tries: u32, now| {
            (0..tries).filter(|_| limiter.failed(&keyring, who, now).is_ok()).count()
        };
        assert_eq!(guesses(&shop, 100, now), 20);
        assert!(!admits(&shop, true, now), "it may have been guessed");
        assert!(admits(&other, true, now) && admits(&elsewhere, false, now), "nobody guesses there");
        assert!(!admits(&shop, false, now), "its home is elsewhere");
        assert!(admits(&shop, true, now.plus(Span::seconds(1))), "for long, once a second");
        assert_eq!(
            (admits(&shop, false, now), guesses(&shop, 1, now)),
            (true, 0),
            "now it is at home here too"
        );
        let later = now.plus(Span::hours(23));
        assert!(admits(&elsewhere, false, later));
        let later = now.plus(Span::hours(25));
        assert_eq!(guesses(&shop, 100, later), 20);
        assert!(!admits(&shop, false, later), "where it was not seen for a day it has no home");
        let later = later.plus(AT_HOME);
        assert_eq!(guesses(&shop, 100, later), 20);
        assert!(admits(&shop, false, later), "who was seen nowhere for a day may be at home anywhere");
    }

    #[test]
    fn many_addresses_together_meet_the_tenants_limit_and_are_told_how_long_to_wait() {
        let (starts, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        let keyring = Keyring::new("acme", &[7; 32], &[]);
        let from = |n: u8| format!("192.0.2.{n}");
        let begin = |n: u8| starts.begin(&keyring, Some(&from(n)), Some(5), now);
        assert_eq!((0..200).filter(|n| begin(*n).is_ok()).count(), 5);
        let wait = begin(201).unwrap_err();
        let unlimited = Limiter::default();
        let count = (0..200).filter(|n| unlimited.begin(&keyring, Some(&from(*n)), None, now).is_ok());
        assert_eq!(count.count(), 100, "no limit means the documented one");
        assert!(wait > Span(0) && wait <= Span(201), "{wait}");
    }
}
