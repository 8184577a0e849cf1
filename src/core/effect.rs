//! What a step may ask of the outside. The engine sees every ask before it happens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::counter::{Count, CounterKey};
use crate::id::{EffectId, UserId};
use crate::secret::{PasswordHash, SecretText};
use crate::user::User;
use crate::{Data, Value};

/// How often an effect may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EffectClass {
    /// Changes nothing.
    ReadOnly,
    /// May be repeated freely; the effect id goes along as the idempotency key.
    Idempotent,
    /// Must not be repeated without the visitor asking for it: mail, SMS.
    AtMostOnce,
}

/// A question whose answer the step waits for within the same request.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Finds the user of a directory whose attribute has this value, compared in normalized form.
    /// Answer: [`Answer::User`].
    FindUser {
        /// The `Directory`.
        directory: String,
        /// Unique attributes to look under, in order; the first match wins.
        attributes: Vec<String>,
        /// What the visitor entered; the executor normalizes it.
        value: String,
    },
    /// Finds whoever has the value of an attribute or has reserved it, also where several have it. For who makes a
    /// user only: what it finds may be nobody to anybody else. Answer: [`Answer::User`].
    FindHolder {
        /// The `Directory`.
        directory: String,
        /// The unique attribute.
        attribute: String,
        /// The value; the executor normalizes it.
        value: String,
    },
    /// Reads a user. Answer: [`Answer::User`].
    ReadUser {
        /// Which user.
        user: UserId,
    },
    /// Reads the user whom the journey has identified. Answer: [`Answer::User`], or [`Answer::StandingEnded`].
    ReadIdentified {
        /// Which user.
        user: UserId,
        /// The user's epoch at that time.
        epoch: Option<u64>,
    },
    /// Reads counters. Answer: [`Answer::Counts`], in the same order.
    ReadCounters {
        /// Which counters.
        keys: Vec<CounterKey>,
    },
    /// Judges a new password by the Directory's live policy and hashes it on the bounded pool.
    /// Answer: [`Answer::Hashed`] or [`Answer::Weak`].
    HashPassword {
        /// The `Directory` whose policy counts.
        directory: String,
        /// The user's own attribute values, which the password must not contain (checklist P-4).
        personal: Vec<String>,
        /// The password.
        password: SecretText,
    },
    /// Verifies a password on the bounded pool: against the user's hash, or against a decoy of equal cost when
    /// there is no user or no hash (checklist E-2). Answer: [`Answer::Verified`].
    VerifyPassword {
        /// The user, if the identifier named one.
        user: Option<UserId>,
        /// What the visitor entered.
        password: SecretText,
    },
    /// Which of the devices that the browser shows is one the user has signed in with, since the last change of their
    /// standing. Answer: [`Answer::Device`].
    RecognizeDevice {
        /// The user.
        user: UserId,
        /// What the browser shows: an id and its proof each.
        devices: Vec<String>,
    },
    /// Which of the devices that the browser shows is one by which somebody has signed in to an account with this address,
    /// who reads the mail there. Looks at nothing but what is shown: whether there is such an account is not told.
    /// Answer: [`Answer::Device`].
    RecognizeReader {
        /// The mail address.
        address: String,
        /// What the browser shows.
        devices: Vec<String>,
    },
    /// Calls an HTTP API through a `Connection`. Answer: [`Answer::Http`].
    Http(HttpCall),
}

impl Ask {
    /// Whether the request itself has the answer.
    pub const fn is_of_the_request(&self) -> bool {
        matches!(self, Self::RecognizeReader { .. })
    }

    /// How often this may happen.
    pub fn class(&self) -> EffectClass {
        match self {
            Self::Http(call) if call.method != "GET" => EffectClass::Idempotent,
            _ => EffectClass::ReadOnly,
        }
    }
}

/// An ask with its stable id.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingAsk {
    /// Equal whenever the same attempt asks the same question again.
    pub id: EffectId,
    /// The question.
    pub ask: Ask,
    /// What is read together with what the question looks at.
    pub foreseen: Foreseen,
}

/// What a step will ask for after its first question, as far as it is known before anything was read. The answers are
/// those of the asks: what depends on it is round trips, and that a known name costs no more of them than an unknown
/// one (checklist E-2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreseen {
    /// Counters.
    pub counters: Vec<CounterKey>,
    /// Counters of whoever is found by name, by what they count.
    pub of_found: Vec<String>,
    /// What a user will be called by: who has it is looked at when it becomes theirs.
    pub names: Option<ForeseenNames>,
}

/// The values that become a user's own when a sign-up is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeseenNames {
    /// The `Directory`.
    pub directory: String,
    /// Its attributes that no two users share.
    pub unique: Vec<String>,
    /// The user's values of them.
    pub values: Vec<String>,
}

/// A call through a `Connection` of kind `http`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCall {
    /// The `Connection`.
    pub connection: String,
    /// An upper-case method.
    pub method: String,
    /// Path and query below the connection's base URL; already escaped.
    pub path: String,
    /// Additional headers. The executor adds credentials and the idempotency key.
    pub headers: BTreeMap<String, String>,
    /// The JSON body, if any.
    pub body: Option<Value>,
}

/// The answer to an ask.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The user, or nothing when there is none.
    User(Option<User>),
    /// Something has ended what the journey knows about its user: a new password, a changed identifier, an end of all
    /// sessions.
    StandingEnded,
    /// The counts at this moment.
    Counts(Vec<Count>),
    /// The id of the device, or nothing when none of them is known.
    Device(Option<String>),
    /// The new hash.
    Hashed(PasswordHash),
    /// The new password was not accepted, for these reasons; never empty.
    Weak(Vec<Weakness>),
    /// The verdict on a password.
    Verified {
        /// Whether it is the user's password.
        matches: bool,
        /// The same password hashed at the current cost, when the stored hash is cheaper or older (P-5).
        rehashed: Option<PasswordHash>,
    },
    /// What an HTTP API answered.
    Http {
        /// The status code.
        status: u16,
        /// The JSON body, or a text when it is not JSON.
        body: Value,
    },
    /// The outside did not answer. Neither a yes nor a counted failure (checklist J-20).
    Unavailable,
    /// The thing asked through does not exist or may not be used: a deleted Connection, an unshared Secret, the
    /// Directory whose password policy would decide.
    Gone,
}

/// Why a new password was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weakness {
    /// It has fewer code points than the policy's minimum.
    TooShort {
        /// The minimum, in Unicode code points.
        minimum: u32,
    },
    /// It is longer than can be hashed.
    TooLong {
        /// The maximum, in bytes of UTF-8.
        maximum: u32,
    },
    /// It is among the commonest passwords or on the policy's blocklist.
    Common,
    /// It is one short text again and again, or runs along the alphabet or a keyboard.
    Repetitive,
    /// It contains one of the user's own attributes.
    Personal,
}

/// An effect performed after the commit, at most once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// The effect's id; becomes part of the Message-ID.
    pub id: EffectId,
    /// The `Connection` of kind `smtp`.
    pub connection: String,
    /// The recipient's address.
    pub to: String,
    /// The subject and body, in the visitor's locale.
    pub subject: crate::view::Text,
    /// Paragraphs of the body.
    pub body: Vec<crate::view::Text>,
    /// A code to set apart in the body, so that people and autofill find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The locale to write in (BCP 47), if the visitor's is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// What a visitor posted to a step. Values are opaque until the node has checked them.
#[derive(Clone, PartialEq, Default)]
pub struct Submission {
    /// The button pressed; `next` when none was named.
    pub action: String,
    /// The posted values. A browser posts texts; a JSON client may post anything.
    pub fields: Data,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.fields.keys().collect();
        f.debug_struct("Submission").field("action", &self.action).field("fields", &names).finish()
    }
}
