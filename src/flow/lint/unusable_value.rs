//! A value that has the right form and cannot work.
//!
//! A schema cannot tell everything: no request reaches a port beyond the last, no address is in a range whose prefix is
//! longer than its addresses, and a call that may take no time at all always fails.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: stock }
//! spec:
//!   http: { url: "https://stock.acme.example:99999" }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: stock }
//! spec:
//!   http: { url: "https://stock.acme.example:8443" }
//! ```
//!
//! Write a value that can.

use std::net::IpAddr;

use idflow_api::flow::Guarantees;
use idflow_api::{Connection, Flow, ResourceKind, Tenant};
use idflow_core::Value;
use idflow_core::time::Span;
use url::{Host, Url};

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, nearest, token};
use crate::kinds::Kinds;

pub(crate) const RULE: Rule =
    Rule { code: "unusable-value", severity: Severity::Error, why: "It has the right form, and nothing works with it" };

/// Headers that belong to the connection itself (RFC 9110 section 7.6.1), or that follow from what is sent.
const OF_THE_CALL: [&str; 7] =
    ["connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"];

/// Every factor that some step can prove (RFC 8176, and `mail`).
const FACTORS: [&str; 6] = ["pwd", "otp", "mail", "sms", "hwk", "swk"];

/// What cannot work of an object whose fields all have their form.
pub(crate) fn find(id: &ObjectId, value: &Value, kinds: Kinds) -> Vec<Finding> {
    let mut check = Check { id, findings: Vec::new() };
    match ResourceKind::named(&id.kind) {
        Some(ResourceKind::Connection) => check.connection(value),
        Some(ResourceKind::Tenant) => check.tenant(value, kinds),
        Some(ResourceKind::Flow) => check.flow(value),
        _ => {}
    }
    check.findings
}

struct Check<'a> {
    id: &'a ObjectId,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn say(&mut self, pointer: &str, title: String, help: impl Into<String>) {
        self.findings.push(RULE.at(self.id.at(pointer), title, help));
    }

    fn connection(&mut self, value: &Value) {
        let Ok(Connection { spec, .. }) = serde_json::from_value(value.clone()) else { return };
        if let Some(smtp) = &spec.smtp {
            self.some_time("/spec/smtp/timeout", smtp.timeout);
        }
        let Some(http) = &spec.http else { return };
        self.some_time("/spec/http/timeout", http.timeout);
        self.url(&http.url);
        for name in http.headers.keys() {
            self.header(name, http.authentication.is_some());
        }
    }

    fn flow(&mut self, value: &Value) {
        let Ok(Flow { spec, .. }) = serde_json::from_value(value.clone()) else { return };
        self.factors("/spec/guarantees", spec.guarantees.as_ref());
    }

    fn tenant(&mut self, value: &Value, kinds: Kinds) {
        let Ok(Tenant { spec, .. }) = serde_json::from_value(value.clone()) else { return };
        let egress = spec.egress.iter().flat_map(|egress| egress.private_ranges.iter().enumerate());
        let egress = egress.map(|(index, range)| (format!("/spec/egress/privateRanges/{index}"), range));
        let proxies = spec.trusted_proxies.iter().enumerate();
        let proxies = proxies.map(|(index, range)| (format!("/spec/trustedProxies/{index}"), range));
        for (pointer, range) in egress.chain(proxies) {
            self.range(&pointer, range);
        }
        let lifetime = spec.limits.as_ref().and_then(|limits| limits.session_lifetime);
        self.some_time("/spec/limits/sessionLifetime", lifetime);
        let Some(policy) = &spec.policy else { return };
        self.factors("/spec/policy/login", policy.login.as_ref());
        for (index, kind) in policy.forbidden_node_kinds.iter().enumerate() {
            self.node_kind(&format!("/spec/policy/forbiddenNodeKinds/{index}"), kind, kinds);
        }
    }

    fn factors(&mut self, pointer: &str, guarantees: Option<&Guarantees>) {
        for (index, factor) in guarantees.iter().flat_map(|all| all.factors.iter().enumerate()) {
            if !FACTORS.contains(&factor.as_str()) {
                let help = match nearest(factor, FACTORS) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the factors are {}", FACTORS.join(", ")),
                };
                self.say(&format!("{pointer}/factors/{index}"), format!("no step proves the factor {factor}"), help);
            }
        }
    }

    /// A kind of another version may be forbidden beforehand; a slip of the pen forbids nothing.
    fn node_kind(&mut self, pointer: &str, name: &str, kinds: Kinds) {
        if kinds.0.is_empty() || kinds.find(name).is_some() {
            return;
        }
        let title = format!("there is no node kind {name}, so this forbids nothing");
        if let Some(near) = nearest(name, kinds.0.iter().map(|kind| kind.name)) {
            return self.say(pointer, title, format!("did you mean {near}?"));
        }
        let help = "remove it, unless a later version has it";
        self.findings.push(RULE.at(self.id.at(pointer), title, help).graded(Severity::Warning));
    }

    fn some_time(&mut self, pointer: &str, span: Option<Span>) {
        if span.is_some_and(|span| span.0 == 0) {
            self.say(pointer, "this is no time at all".to_owned(), "write a time above zero, or remove the field");
        }
    }

    fn url(&mut self, text: &str) {
        let pointer = "/spec/http/url";
        let is_name = |url: &Url| url.domain().is_none_or(|name| !name.trim_end_matches('.').split('.').any(str::is_empty));
        let Some(url) = Url::parse(text).ok().filter(is_name) else {
            let help = "write an address such as https://api.example.com/v1, with a port of at most 65535 if any";
            return self.say(pointer, format!("{text:?} is no address that anything could be sent to"), help);
        };
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && !is_loopback {
            self.say(pointer, "http without TLS goes to loopback addresses only".to_owned(), "write https");
        }
    }

    fn header(&mut self, name: &str, has_login: bool) {
        let pointer = format!("/spec/http/headers/{}", token(name));
        let is_inner = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(is_inner) {
            let help = "use letters, digits and dashes, for example X-Tenant";
            self.say(&pointer, format!("{name:?} is no name for a header"), help);
        } else if OF_THE_CALL.contains(&lower.as_str()) {
            self.say(&pointer, format!("the header {name} follows from the request itself"), "remove it");
        } else if lower == "authorization" && has_login {
            let title = "the header Authorization is written twice: here and by `authentication`".to_owned();
            self.say(&pointer, title, "remove one of the two");
        }
    }

    fn range(&mut self, pointer: &str, text: &str) {
        let longest = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let parts = text.split_once('/').and_then(|(address, prefix)| {
            Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?))
        });
        if parts.is_none_or(|(address, prefix)| prefix > longest(address)) {
            let help = "write an address, / and how many of its bits count, for example 10.0.0.0/8 or fd00::/8";
            self.say(pointer, format!("{text:?} is no range of addresses"), help);
        }
    }
}
