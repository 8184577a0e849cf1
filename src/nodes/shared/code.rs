//! A short code on its way to somebody: what is kept of it, and what they enter.

use idflow_core::chance::{decimal_code, token};
use idflow_core::digest::Digest;
use idflow_core::effect::Submission;
use idflow_core::name::{shown, with_ascii_digits};
use idflow_core::time::{Span, Timestamp};
use idflow_engine::context::Cx;
use serde::{Deserialize, Serialize};

/// How many wrong codes end the one that was sent.
const MOST_WRONG: u8 = 5;

/// A code that was sent: its salted digest, never the code.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sent {
    address: String,
    salt: String,
    digest: Digest,
    /// How many digits it has; absent in what an earlier release has stored, which had as many as the setting says.
    #[serde(default)]
    pub digits: Option<u32>,
    /// Until when it works.
    pub expires: Timestamp,
    /// How many wrong codes were entered in its place.
    #[serde(default)]
    wrong: u8,
}

impl Sent {
    /// A new code, and what is kept of it.
    pub fn new(cx: &Cx<'_>, address: &str, digits: u32, lifetime: Span) -> (String, Self) {
        let code = decimal_code(cx.chance(), digits);
        let salt = token(cx.chance());
        let sent = Self {
            address: address.to_owned(),
            digest: digest(&salt, &code),
            salt,
            digits: Some(digits),
            expires: cx.now().plus(lifetime),
            wrong: 0,
        };
        (code, sent)
    }

    /// Whether this is the code.
    pub fn is(&self, entered: &str) -> bool {
        self.digest.matches(&digest(&self.salt, entered))
    }

    /// The same after a wrong code; nothing once there were too many.
    pub fn missed(self) -> Option<Self> {
        Some(Self { wrong: self.wrong.saturating_add(1), ..self }).filter(|sent| sent.wrong < MOST_WRONG)
    }
}

/// The digits entered, without the spaces and dashes that people add.
pub fn entered_code(submission: &Submission) -> Option<String> {
    let text = shown(submission.fields.get("code")?.as_str()?);
    let digits: String = with_ascii_digits(&text)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '‑'))
        .collect();
    let plausible = (6..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then_some(digits)
}

fn digest(salt: &str, code: &str) -> Digest {
    Digest::of_parts(&[salt.as_bytes(), code.as_bytes()])
}
