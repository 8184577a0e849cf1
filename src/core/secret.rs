//! Text that must not be seen: no `Display`, no `Serialize`, a `Debug` without content (checklist L-2).

use std::fmt;

use zeroize::Zeroize;

/// A secret text, erased from memory when dropped. The one way out is [`SecretText::expose_for`].
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes ownership of a text that is secret from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content; `purpose` says at the call site why it is needed.
    pub fn expose_for(&self, _purpose: &'static str) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its length in Unicode code points (checklist P-1).
    pub fn code_points(&self) -> usize {
        self.0.chars().count()
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// A password hash in PHC string form. Sealed in the store, shown nowhere.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_2_a_secret_does_not_show_itself() {
        let shown = format!("{:?} {:?}", SecretText::new("hunter2"), PasswordHash("hunter2".into()));
        assert!(!shown.contains("hunter2"));
    }
}
