//! How fast journeys may begin, per network and in the whole pod (design 9), and endpoints of the provider be called.
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

/// A bucket as the moment in microseconds when it is full again (the generic cell rate algorithm).
#[derive(Debug, Default)]
struct Bucket(AtomicI64);

impl Bucket {
    /// Takes one out, or says how long to wait for it.
    fn take(&self, rate: Rate, now: Timestamp) -> Result<(), Span> {
        let now = now.0.saturating_mul(1000);
        let interval = 1_000_000 / i64::from(rate.per_second.max(1));
        let capacity = interval.saturating_mul(i64::from(rate.burst));
        let next = |full: i64| full.max(now).saturating_add(interval);
        let fits = |full: i64| Some(next(full)).filter(|next| next - now <= capacity);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(full) => Err(Span((next(full) - now - capacity) / 1000 + 1)),
        }
    }
}

/// The buckets of one executor.
#[derive(Debug)]
pub struct Limiter {
    starts: Vec<Bucket>,
    pod: Bucket,
    calls: Vec<Bucket>,
}

impl Default for Limiter {
    fn default() -> Self {
        let buckets = || std::iter::repeat_with(Bucket::default).take(BUCKETS).collect();
        Self { starts: buckets(), pod: Bucket::default(), calls: buckets() }
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
}

/// The bucket of `who`, which nobody without the key can choose.
fn bucket<'a>(buckets: &'a [Bucket], keyring: &Keyring, purpose: &str, who: &[&[u8]]) -> &'a Bucket {
    let place = keyring.derive(purpose, who);
    let place = place.iter().take(8).fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
    &buckets[place % BUCKETS]
}

/// What one client can hardly change: its IPv4 address, or the /64 of its IPv6 address.
fn network(address: Option<&str>) -> String {
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
    fn a_whole_ipv6_network_of_one_client_is_one_address() {
        let (starts, now) = (Limiter::default(), Timestamp(1_700_000_000_000));
        assert_eq!(admitted(&starts, "2001:db8::1", now, 200), 50);
        assert_eq!(admitted(&starts, "2001:db8::2", now, 200), 0);
        assert_eq!(admitted(&starts, "2001:db8:0:1::2", now, 200), 50);
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
