//! Host names as lists name them: who may be called, where a Secret may go. One rule for all lists, so that what one
//! part of the product allows no other refuses, nor the reverse.

use std::net::IpAddr;

/// The form in which hosts are compared: lower case, without brackets and without the dot of a full name; an address
/// in its shortest spelling. Nothing for what is no host: empty, with a port, a space, or letters beyond ASCII.
pub fn canonical(host: &str) -> Option<String> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    name.split('.').all(is_label).then_some(name)
}

/// Whether an entry of a list covers a host. `*.example.com` covers every name below `example.com`, and not that name
/// itself; no wildcard covers an address. What is no host covers nothing and is covered by nothing.
pub fn covers(entry: &str, host: &str) -> bool {
    let Some(host) = canonical(host) else { return false };
    match entry.strip_prefix("*.") {
        Some(parent) => {
            let is_below = |parent: String| {
                host.strip_suffix(&parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            };
            host.parse::<IpAddr>().is_err() && canonical(parent).is_some_and(is_below)
        }
        None => canonical(entry).is_some_and(|entry| entry == host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_covered_by_its_own_name_and_by_wildcards_above_it() {
        let rows = [
            ("api.example.com", "api.example.com", true),
            ("api.example.com", "API.Example.COM.", true),
            ("API.example.com.", "api.example.com", true),
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.EXAMPLE.com.", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "xexample.com", false),
            ("*.ample.com", "example.com", false),
            ("example.com", "api.example.com", false),
            ("api.example.com", "api.example.com.evil.test", false),
            ("*.example.com", "evil.test\\.example.com", false),
            ("*.example.com", "evil.test/.example.com", false),
            ("*.example.com", "evil.test#.example.com", false),
            ("*", "example.com", false),
            ("*.", "example.com", false),
            ("*.*.com", "a.b.com", false),
            ("", "", false),
            ("", "example.com", false),
            ("example.com", "", false),
            (".", ".", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("*.0.2.1", "192.0.2.1", false),
            ("[2001:db8::1]", "2001:DB8:0::1", true),
            ("2001:db8::1", "[2001:db8::1]", true),
            ("api.example.com:8443", "api.example.com", false),
            ("api.example.com", "api.example.com:8443", false),
            ("a.example b.example", "b.example", false),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", true),
        ];
        for (entry, host, covered) in rows {
            assert_eq!(covers(entry, host), covered, "{entry:?} {host:?}");
        }
    }
}
