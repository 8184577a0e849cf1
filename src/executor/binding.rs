//! How a browser is bound to a journey: by the journey's cookie, whose secret changes when assurance rises (checklist
//! J-4, J-8).

use idflow_core::digest::Digest;
use idflow_core::journey::{Channel, Journey};

use crate::app::App;

/// How a browser is bound to a journey, the better way first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    /// By the secret that counts.
    Current,
    /// By the one before: its owner may not have got the next one yet.
    Previous,
}

impl Bound {
    /// What a cookie's value is worth for a journey.
    pub(crate) fn by(app: &App, journey: &Journey, shown: &str) -> Option<Self> {
        let (binding, shown) = (&journey.binding, Digest::of(shown));
        if binding.channel != Channel::Browser {
            return None;
        }
        if binding.secret.matches(&shown) {
            return Some(Self::Current);
        }
        let mut previous = app.binding_secrets(journey.id, binding.rotation.checked_sub(1)?);
        previous.any(|previous| Digest::of(previous).matches(&shown)).then_some(Self::Previous)
    }
}
