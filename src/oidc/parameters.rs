//! Form-encoded parameters, of which none may be repeated.

use std::collections::BTreeMap;
use std::fmt;

use crate::refusal::Refusal;

/// The longest encoded text that is read.
pub const LONGEST_TEXT: usize = 16 * 1024;
/// The longest decoded value.
pub const LONGEST_VALUE: usize = 4 * 1024;
/// The most parameters in one request.
pub const MOST: usize = 64;

/// The parameters of one request. One without a value counts as absent (RFC 6749 section 3.1).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Decodes query and body together, so that a parameter repeated across them is found as well (RFC 6749
    /// section 3.1, checklist O-3).
    pub fn parse(texts: &[&str]) -> Result<Self, Refusal> {
        if texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST_TEXT {
            return Err(Refusal::OversizedRequest);
        }
        let mut found = BTreeMap::new();
        for (name, value) in texts.iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes())) {
            // The decoder replaces what is not UTF-8; a value that we changed must not be compared or returned.
            if name.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
                return Err(Refusal::NotText);
            }
            if value.len() > LONGEST_VALUE || found.len() == MOST {
                return Err(Refusal::OversizedRequest);
            }
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::RepeatedParameter);
            }
        }
        Ok(Self(found))
    }

    /// The parameter's value, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
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
