//! What browsers are told about every response (checklist B-3).

use std::borrow::Cow;

use idflow_core::chance::{self, Chance};

use crate::theme::PreparedTheme;

/// Header names in lower case, with their values.
pub type Headers = Vec<(&'static str, Cow<'static, str>)>;

/// A number used once, which ties a page's own style and script to its policy. Fresh for each response.
#[derive(Debug, Clone)]
pub struct Nonce(String);

impl Nonce {
    /// Draws 256 random bits.
    pub fn random(chance: &dyn Chance) -> Self {
        Self(chance::token(chance))
    }

    /// The nonce as it stands in attributes and in the policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How browsers come to the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// By http, on a loopback address that has no certificate.
    Plain,
    /// By https, from now on only so.
    Https,
    /// By https, and to all names below its own as well: others may be responsible for these, so somebody has to say
    /// it.
    HttpsBelow,
}

/// Sent with every response whatever it is: pages, JSON, redirects, errors. A response that may be cached or sets
/// its own policy replaces the value.
///
/// The referrer policy is `same-origin` and not `no-referrer`: nothing leaves the origin with either, but under
/// `no-referrer` browsers post forms with `Origin: null` (Fetch standard, "append a request Origin header"), which
/// would make the origin check of checklist J-10 worthless.
pub fn common(transport: Transport) -> Headers {
    let mut headers: Headers = vec![
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "same-origin".into()),
        ("cross-origin-opener-policy", "same-origin".into()),
        ("x-frame-options", "DENY".into()),
        ("permissions-policy", PERMISSIONS.into()),
        ("cache-control", "no-store".into()),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'".into()),
    ];
    match transport {
        Transport::Plain => {}
        Transport::Https => headers.push(("strict-transport-security", "max-age=63072000".into())),
        Transport::HttpsBelow => {
            headers.push(("strict-transport-security", "max-age=63072000; includeSubDomains".into()));
        }
    }
    headers
}

/// Sent with a page: the common set with the page's own policy.
pub fn for_page(theme: &PreparedTheme, nonce: &Nonce, transport: Transport) -> Headers {
    let mut headers = common(transport);
    headers.retain(|(name, _)| *name != "content-security-policy");
    headers.push(("content-security-policy", page_policy(theme, nonce).into()));
    headers.push(("content-type", "text/html; charset=utf-8".into()));
    headers
}

/// Lets a page post to one place, in exchange for posting to us.
pub(crate) fn post_only_to(headers: &mut Headers, source: &str) {
    for (name, value) in headers {
        if *name == "content-security-policy" {
            *value = value.replace("form-action 'self'", &format!("form-action {source}")).into();
        }
    }
}

const PERMISSIONS: &str = "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), \
    microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()";

fn page_policy(theme: &PreparedTheme, nonce: &Nonce) -> String {
    let (nonce, images) = (nonce.as_str(), theme.image_sources());
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src {images}; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

#[cfg(test)]
mod tests {
    use idflow_core::chance::SeededChance;

    use super::*;
    use crate::theme::{Logo, Theme};

    fn value<'h>(headers: &'h Headers, name: &str) -> Vec<&'h str> {
        headers.iter().filter(|header| header.0 == name).map(|header| &*header.1).collect()
    }

    #[test]
    fn b_3_every_response_is_closed_by_default() {
        let headers = common(Transport::Https);
        assert_eq!(value(&headers, "x-content-type-options"), ["nosniff"]);
        assert_eq!(value(&headers, "cache-control"), ["no-store"]);
        assert_eq!(value(&headers, "cross-origin-opener-policy"), ["same-origin"]);
        for (transport, told) in [
            (Transport::Plain, &[][..]),
            (Transport::Https, &["max-age=63072000"]),
            (Transport::HttpsBelow, &["max-age=63072000; includeSubDomains"]),
        ] {
            assert_eq!(value(&common(transport), "strict-transport-security"), told, "{transport:?}");
        }
    }

    #[test]
    fn b_3_a_page_has_exactly_one_policy_with_its_nonce_and_its_logo() {
        let logo = Logo::parse("https://cdn.example/logo.svg", None).ok();
        let theme = Theme { logo, ..Theme::default() }.prepare();
        let nonce = Nonce::random(&SeededChance::new(7));
        let headers = for_page(&theme, &nonce, Transport::Plain);
        let [policy] = value(&headers, "content-security-policy")[..] else { panic!("one policy") };
        assert!(policy.contains(&format!("script-src 'nonce-{}'", nonce.as_str())), "{policy}");
        assert!(policy.contains("img-src 'self' data: https://cdn.example;"), "{policy}");
        for never in ["unsafe", "*", "http:"] {
            assert!(!policy.contains(never), "{policy}");
        }
    }
}
