//! The visitor's address, as told by proxies that are trusted (checklist J-17).
//!
//! A forwarding header is a list to which each proxy appends the address it was called from. It is read from the
//! end: while the caller is a trusted proxy, the entry before it is believed. The first address that is no trusted
//! proxy is the visitor's; whatever stands before it was written by the visitor and means nothing.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The most entries read of a forwarding header.
const MAX_HOPS: usize = 32;

/// The visitor's address: the peer's, unless the peer is in one of the trusted networks (CIDRs) and says otherwise
/// by `Forwarded` (RFC 7239) or, when there is none, `X-Forwarded-For`. An entry that is no address ends the
/// reading: then the proxy that sent it counts as the visitor. A network that cannot be parsed trusts nobody.
pub fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[String]) -> IpAddr {
    let trusted: Vec<IpNet> = trusted.iter().filter_map(|network| network.parse().ok()).collect();
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut caller = peer.ip().to_canonical();
    if !is_proxy(&caller) {
        return caller;
    }
    for hop in hops(headers).into_iter().rev().take(MAX_HOPS) {
        match hop {
            Some(address) => caller = address,
            None => return caller,
        }
        if !is_proxy(&caller) {
            return caller;
        }
    }
    caller
}

/// Whether a request says by a header that it was forwarded.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key("forwarded") || headers.contains_key("x-forwarded-for")
}

/// The entries, first to last; nothing for one that is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let entries = |name: &str| -> Vec<String> {
        headers
            .get_all(name)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    let forwarded = entries("forwarded");
    if forwarded.is_empty() {
        entries("x-forwarded-for").iter().map(|entry| node(entry)).collect()
    } else {
        forwarded.iter().map(|entry| forwarded_for(entry)).collect()
    }
}

/// The `for` parameter of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value.trim().trim_matches('"')))?
    })
}

/// An address with or without port, IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn told(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".to_owned(), "fd00::/8".to_owned(), "nonsense".to_owned()];
        client_address(SocketAddr::new(peer.parse().unwrap(), 4711), &map, &trusted).to_string()
    }

    #[test]
    fn j_17_a_visitor_cannot_choose_an_address() {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip"] {
            for value in ["10.0.0.1", "8.8.8.8", "for=8.8.8.8", "", ",", "unknown", "127.0.0.1"] {
                assert_eq!(told("203.0.113.9", &[(header, value)]), "203.0.113.9", "{header}: {value}");
            }
        }
        for header in ["x-real-ip", "x-client-ip", "client-ip", "x-forwarded", "x_forwarded_for"] {
            assert_eq!(told("10.0.0.1", &[(header, "8.8.8.8")]), "10.0.0.1", "{header}");
        }
    }

    #[test]
    fn j_17_trusted_proxies_are_read_from_the_end() {
        for (value, wanted) in [
            ("198.51.100.7", "198.51.100.7"),
            ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
            ("6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            ("6.6.6.6,10.9.9.9,198.51.100.7 ,10.0.0.2", "198.51.100.7"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("198.51.100.7:1234", "198.51.100.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:80", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("6.6.6.6, fd00::1", "6.6.6.6"),
        ] {
            assert_eq!(told("10.0.0.1", &[("x-forwarded-for", value)]), wanted, "{value}");
        }
        assert_eq!(told("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
    }

    #[test]
    fn j_17_several_headers_are_one_list() {
        let headers = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7, 10.0.0.2")];
        assert_eq!(told("10.0.0.1", &headers), "198.51.100.7");
    }

    #[test]
    fn j_17_the_standard_header_wins() {
        for (value, wanted) in [
            ("for=198.51.100.7", "198.51.100.7"),
            ("for=6.6.6.6, For=\"198.51.100.7:80\";proto=https;by=10.0.0.1", "198.51.100.7"),
            ("proto=https;for=\"[2001:db8::7]:80\"", "2001:db8::7"),
            ("for=198.51.100.7, for=10.0.0.2", "198.51.100.7"),
            ("for=_hidden", "10.0.0.1"),
            ("for=unknown", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            let headers = [("forwarded", value), ("x-forwarded-for", "6.6.6.6")];
            assert_eq!(told("10.0.0.1", &headers), wanted, "{value}");
        }
    }

    #[test]
    fn j_17_a_malformed_entry_means_the_proxy_itself() {
        for value in
            ["", "?", "localhost", "6.6.6.6, x", "1.2.3", "0x7f.1", "6.6.6.6 10.0.0.2", "[::1", "1.2.3.4:x"]
        {
            assert_eq!(told("10.0.0.1", &[("x-forwarded-for", value)]), "10.0.0.1", "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(value in r"[\PC&&[^\u{7f}]]{0,60}") {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), value)]);
                let peer = SocketAddr::from(([10, 0, 0, 1], 1));
                let _ = client_address(peer, &headers, &["10.0.0.0/8".to_owned()]);
            }
        }
    }
}
