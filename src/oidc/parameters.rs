//! Form-encoded parameters, of which none that is known may be repeated.
//!
//! How long they may be is the listener's affair: whatever it lets in is read. Only what an endpoint knows is kept of
//! it, so that a request with thousands of others costs no more than their reading.

use std::collections::BTreeMap;
use std::fmt;

use crate::refusal::Refusal;

/// The parameters of one request that count where it was sent to; others are ignored (RFC 6749 section 3.1). One
/// without a value counts as absent, and so does one that cannot be used: of these the reader is told what is wrong.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters(BTreeMap<&'static str, Parameter>);

#[derive(Clone, PartialEq, Eq)]
struct Parameter {
    value: String,
    fault: Option<Refusal>,
}

impl Parameters {
    /// Decodes query and body together, so that a known parameter repeated across them is found as well (RFC 6749
    /// section 3.1, checklist O-3).
    pub fn parse(texts: &[&str], known: &[&'static str]) -> Self {
        let mut found: BTreeMap<&'static str, Parameter> = BTreeMap::new();
        for (name, value) in texts.iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes())) {
            let Some(name) = known.iter().find(|known| **known == name) else { continue };
            if let Some(repeated) = found.get_mut(name) {
                repeated.fault = Some(Refusal::RepeatedParameter);
                continue;
            }
            // The decoder replaces what is not UTF-8; a value that we changed must not be compared or returned.
            let fault = value.contains('\u{FFFD}').then_some(Refusal::NotText);
            found.insert(name, Parameter { value: value.into_owned(), fault });
        }
        Self(found)
    }

    /// Refuses what cannot be used of these.
    pub fn check(&self, names: &[&str]) -> Result<(), Refusal> {
        let faults = names.iter().filter_map(|name| self.0.get(name)?.fault);
        faults.map(Err).next().unwrap_or(Ok(()))
    }

    /// Refuses what cannot be used of any.
    pub fn checked(self) -> Result<Self, Refusal> {
        match self.0.values().find_map(|found| found.fault) {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }

    /// The parameter's value, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.get(name).filter(|found| found.fault.is_none())?;
        Some(found.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The parameter's value as a text of its own.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// The distinct words of a space-separated parameter, at most ten.
    pub fn words(&self, name: &str) -> Vec<String> {
        crate::scope::parse(self.get(name).unwrap_or_default()).into_iter().take(10).collect()
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
