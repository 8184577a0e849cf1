//! Form-encoded parameters, of which none that is known may be repeated.

use std::collections::BTreeMap;
use std::fmt;

use crate::refusal::Refusal;

/// The longest encoded text that is read.
pub const LONGEST_TEXT: usize = 16 * 1024;
/// The longest decoded value.
pub const LONGEST_VALUE: usize = 4 * 1024;
/// The most parameters in one request.
pub const MOST: usize = 64;

/// The parameters of one request. One without a value counts as absent (RFC 6749 section 3.1), and so does one that
/// cannot be used: whoever reads parameters says which it knows, and is told what is wrong with these.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters(BTreeMap<String, Parameter>);

#[derive(Clone, PartialEq, Eq)]
struct Parameter {
    value: String,
    fault: Option<Refusal>,
}

impl Parameters {
    /// Decodes query and body together, so that a parameter repeated across them is found as well (RFC 6749
    /// section 3.1, checklist O-3).
    pub fn parse(texts: &[&str]) -> Result<Self, Refusal> {
        if texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST_TEXT {
            return Err(Refusal::OversizedRequest);
        }
        let mut found: BTreeMap<String, Parameter> = BTreeMap::new();
        for (name, value) in texts.iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes())) {
            if let Some(known) = found.get_mut(&*name) {
                known.fault = Some(Refusal::RepeatedParameter);
                continue;
            }
            if found.len() == MOST {
                return Err(Refusal::OversizedRequest);
            }
            // The decoder replaces what is not UTF-8; a value that we changed must not be compared or returned.
            let is_text = !name.contains('\u{FFFD}') && !value.contains('\u{FFFD}');
            let fault = (!is_text).then_some(Refusal::NotText);
            found.insert(name.into_owned(), Parameter { value: value.into_owned(), fault });
        }
        Ok(Self(found))
    }

    /// Refuses what cannot be used of the parameters that an endpoint knows. What it does not know is ignored (RFC 6749
    /// section 3.1).
    pub fn check(&self, known: &[&str]) -> Result<(), Refusal> {
        known.iter().try_for_each(|name| self.0.get(*name).map_or(Ok(()), |found| found.check(name)))
    }

    /// Refuses what cannot be used of any parameter.
    pub fn checked(self) -> Result<Self, Refusal> {
        self.0.iter().try_for_each(|(name, found)| found.check(name))?;
        Ok(self)
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

impl Parameter {
    /// The state is the application's own, and as long as the request may be.
    fn check(&self, name: &str) -> Result<(), Refusal> {
        let is_long = self.value.len() > LONGEST_VALUE && name != "state";
        self.fault.or(is_long.then_some(Refusal::OversizedRequest)).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
