//! How a browser is bound to a journey: by the journey's cookie, whose secret changes when assurance rises (checklist
//! J-4, J-8).

use idflow_core::digest::Digest;
use idflow_core::journey::{Channel, Journey};
use idflow_core::time::Span;

use crate::app::App;

/// How long a post is answered again. A double click sends the same form twice before the first answer has arrived, and
/// an answer may be lost on its way when a process dies.
pub(crate) const ANSWERED_AGAIN: Span = Span::seconds(15);

/// How long a journey that ended is kept, so that its last page can be shown again.
pub(crate) const KEPT_AFTER_END: Span = Span::minutes(10);

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
