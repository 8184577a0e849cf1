//! Which hosts and addresses may be connected to (checklist ).
//!
//! A host's name is checked against the tenant's list; then it is resolved, and every address it has must be
//! public or granted. What is dialled is an address that was checked: nobody looks the name up again.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use idflow_core::host;
use ipnet::IpNet;

/// Looks names up.
pub trait Resolver: Send + Sync {
    /// Every address of the host. An error or an empty list: it has none now.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver, which honours the pod's `resolv.conf`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// Why nothing was connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The host is not among those the tenant may call.
    #[error("the host {0} is not among the tenant's allowed hosts")]
    Host(String),
    /// An address of the host is not public and not granted.
    #[error(
        "{host} leads to {address}, which is not public; grant it in the tenant's private ranges if it is meant"
    )]
    Address {
        /// The host as written.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("the name {0} cannot be resolved")]
    Unresolved(String),
}

/// What a tenant may connect to.
#[derive(Clone)]
pub struct Guard {
    hosts: Option<Vec<String>>,
    networks: Vec<IpNet>,
    resolver: Arc<dyn Resolver>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("hosts", &self.hosts)
            .field("networks", &self.networks)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Allows the hosts (`*.example.com` covers every name below; nothing means every host), as far as their
    /// addresses are public or in one of the networks. A network that cannot be parsed grants nothing.
    pub fn new(hosts: Option<&[String]>, networks: &[String], resolver: Arc<dyn Resolver>) -> Self {
        Self {
            hosts: hosts.map(<[String]>::to_vec),
            networks: networks.iter().filter_map(|network| network.parse().ok()).collect(),
            resolver,
        }
    }

    /// Checks a host's name without resolving it, or an address that stands in place of one.
    pub fn check_host(&self, host: &str) -> Result<(), Refused> {
        let covers = |entry: &String| host::covers(entry, host);
        if self.hosts.as_ref().is_some_and(|hosts| !hosts.iter().any(covers)) {
            return Err(Refused::Host(host.to_owned()));
        }
        match literal(host) {
            Some(address) if !self.allows(address) => {
                Err(Refused::Address { host: host.to_owned(), address })
            }
            _ => Ok(()),
        }
    }

    /// Whether an address may be dialled: it is public, or in a granted network.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Checks and resolves a host. Every address must be allowed, because an attacker's name server mixes a
    /// forbidden one in.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        self.check_host(host)?;
        let unresolved = || Refused::Unresolved(host.to_owned());
        let addresses = match literal(host) {
            Some(address) => vec![address],
            None => self.resolver.addresses(host).await.map_err(|_| unresolved())?,
        };
        if let Some(address) = addresses.iter().find(|address| !self.allows(**address)) {
            return Err(Refused::Address { host: host.to_owned(), address: *address });
        }
        if addresses.is_empty() {
            return Err(unresolved());
        }
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether an address belongs to the public internet (IANA special-purpose registries, RFC 6890). Forms that carry
/// an IPv4 address inside (mapped, 6to4, NAT64, Teredo) are not public, whatever they carry.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !is_special_v4(address),
        IpAddr::V6(address) => !is_special_v6(address),
    }
}

/// Networks that are not the public internet: network, prefix length.
const SPECIAL_V4: [([u8; 4], u8); 17] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // carrier-grade NAT; cloud metadata at 100.100.100.200
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // a cloud's metadata, on a public address
    ([169, 254, 0, 0], 16),   // link-local; cloud metadata at 169.254.169.254
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments; cloud metadata at 192.0.0.192
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 88, 99, 0], 24),   // 6to4 relay
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarking
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// Networks inside `2000::/3` that are not the public internet: first two segments, prefix length.
const SPECIAL_V6: [([u16; 2], u8); 4] = [
    ([0x2001, 0x0000], 23), // protocol assignments, Teredo among them
    ([0x2001, 0x0db8], 32), // documentation
    ([0x2002, 0x0000], 16), // 6to4
    ([0x3fff, 0x0000], 20), // documentation
];

fn is_special_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    SPECIAL_V4.iter().any(|(network, length)| (bits ^ u32::from_be_bytes(*network)) >> (32 - length) == 0)
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let head = u32::from(first) << 16 | u32::from(second);
    let is_global_unicast = first & 0xe000 == 0x2000;
    !is_global_unicast
        || SPECIAL_V6.iter().any(|([one, two], length)| {
            (head ^ (u32::from(*one) << 16 | u32::from(*two))) >> (32 - length) == 0
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A name server that gives each list once, then the last one for ever.
    pub(crate) struct Scripted {
        pub(crate) answers: Vec<Vec<&'static str>>,
        pub(crate) asked: AtomicUsize,
    }

    impl Scripted {
        pub(crate) fn new(answers: Vec<Vec<&'static str>>) -> Arc<Self> {
            Arc::new(Self { answers, asked: AtomicUsize::new(0) })
        }
    }

    impl Resolver for Scripted {
        fn addresses<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
            let list = self.answers[turn].iter().map(|address| address.parse().unwrap()).collect();
            Box::pin(async move { Ok(list) })
        }
    }

    fn guard(hosts: Option<&[&str]>, networks: &[&str], answers: Vec<Vec<&'static str>>) -> Guard {
        let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Guard::new(hosts.map(own).as_deref(), &own(networks), Scripted::new(answers))
    }

    /// Every kind of address that is not public, in every standard form.
    pub(crate) const FORBIDDEN: &[&str] = &[
        "0.0.0.0",
        "0.0.0.1",
        "0.255.255.255",
        "10.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.0.0.53",
        "127.1.1.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "172.16.0.0",
        "172.16.0.1",
        "172.17.0.1",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.0.255",
        "192.0.2.1",
        "192.31.196.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::7f00:1",
        "::127.0.0.1",
        "::10.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:192.168.0.1",
        "::ffff:8.8.8.8",
        "::ffff:7f00:1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "64:ff9b:1:ffff::7f00:1",
        "100::",
        "100::1",
        "100:0:0:1::1",
        "2001::",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:2::1",
        "2001:4:112::1",
        "2001:10::1",
        "2001:20::1",
        "2001:30::1",
        "2001:1ff:ffff::",
        "2001:db8::",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2002::",
        "2002:7f00:1::",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2002:a9fe:a9fe::",
        "2002:c0a8:1::1",
        "2002:808:808::",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "6000::1",
        "8000::1",
        "a000::1",
        "c000::1",
        "e000::1",
        "f000::1",
        "f800::1",
        "fc00::",
        "fc00::1",
        "fd00::1",
        "fd00:ec2::254",
        "fd12:3456:789a::1",
        "fdff:ffff::1",
        "fe00::1",
        "fe80::",
        "fe80::1",
        "fe80::a9fe:a9fe",
        "febf:ffff::1",
        "fec0::1",
        "feff::1",
        "ff00::",
        "ff01::1",
        "ff02::1",
        "ff05::2",
        "ff0e::1",
        "ffff::1",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2001:db7::1",
        "2001:db9::1",
        "2003::1",
        "2600::1",
        "2606:4700:4700::1111",
        "2a00:1450::1",
        "3000::1",
        "3ffe::1",
        "3fff:1000::1",
    ];

    #[test]
    fn r_1_every_address_that_is_not_public_is_refused() {
        for address in FORBIDDEN {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in PUBLIC {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn r_1_a_granted_network_is_allowed_and_only_it() {
        let guard = guard(None, &["10.1.0.0/16", "fd00:1::/32", "broken", "127.0.0.1/32"], vec![vec![]]);
        for (address, allowed) in [
            ("10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd00:1::5", true),
            ("fd00:2::5", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::ffff:10.1.2.3", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(guard.allows(address.parse().unwrap()), allowed, "{address}");
        }
    }

    #[test]
    fn r_1_hosts_are_matched_whole() {
        let guard = guard(
            Some(&["api.example.com", "*.internal.example", "Example.ORG.", "[2606:4700::1]"]),
            &[],
            vec![vec![]],
        );
        for (host, allowed) in [
            ("api.example.com", true),
            ("API.example.com.", true),
            ("example.org", true),
            ("a.internal.example", true),
            ("a.b.internal.example", true),
            ("2606:4700::1", true),
            ("internal.example", false),
            (".internal.example", false),
            ("xinternal.example", false),
            ("evil-api.example.com", false),
            ("api.example.com.evil.test", false),
            ("example.com", false),
            ("", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(guard.check_host(host).is_ok(), allowed, "{host}");
        }
    }

    #[tokio::test]
    async fn r_1_one_forbidden_address_among_many_refuses_the_host() {
        let guard = guard(None, &[], vec![vec!["8.8.8.8", "10.0.0.1"]]);
        let refused = guard.resolve("mixed.example", 443).await.unwrap_err();
        assert!(refused.to_string().contains("10.0.0.1"), "{refused}");
    }

    #[tokio::test]
    async fn r_1_literals_are_checked_without_a_name_server() {
        let guard = guard(None, &[], vec![vec!["8.8.8.8"]]);
        for address in FORBIDDEN {
            assert!(guard.resolve(address, 443).await.is_err(), "{address}");
            assert!(guard.resolve(&format!("[{address}]"), 443).await.is_err(), "{address}");
        }
        assert_eq!(guard.resolve("8.8.4.4", 443).await.unwrap(), ["8.8.4.4:443".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_unresolved() {
        let refused = guard(None, &[], vec![vec![]]).resolve("nowhere.example", 443).await.unwrap_err();
        assert_eq!(refused, Refused::Unresolved("nowhere.example".into()));
    }

    #[tokio::test]
    async fn r_1_the_systems_own_spellings_of_loopback_are_refused() {
        let guard = Guard::new(None, &[], Arc::new(SystemResolver));
        for host in ["localhost", "127.1", "0x7f000001", "2130706433", "017700000001", "127.0.1"] {
            assert!(guard.resolve(host, 25).await.is_err(), "{host}");
        }
    }
}
