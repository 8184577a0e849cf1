//! Who has a mail sent or enters a code. Each kind is counted for itself, so that strangers use up nothing that belongs
//! to somebody who has shown more than an address (checklist P-8, T-6, T-12).

use idflow_core::counter::CounterKey;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::id::UserId;
use idflow_engine::context::Cx;

use crate::shared::throttle::Throttle;

/// What counts wrong codes.
const CODE: &str = "oneTimeCode";

/// Whoever asks for mails to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Has shown a factor of the account whose own address it is.
    Owner(UserId),
    /// Has read a mail to the address in this journey.
    Reader,
    /// Anybody.
    Stranger,
}

impl Asker {
    /// Who has come this far. `is_own` says that the address is one that the account has.
    pub fn of(cx: &Cx<'_>, address: &str, is_own: bool) -> Self {
        let owner = cx.user().filter(|user| {
            let is_factor = |evidence: &Evidence| {
                evidence.user == Some(*user) && matches!(evidence.proof, Proof::Factor(_))
            };
            is_own && cx.evidence().iter().any(is_factor)
        });
        let is_read = |evidence: &Evidence| evidence.proof.is_of_address(address);
        match owner {
            Some(user) => Self::Owner(user),
            None if cx.evidence().iter().any(is_read) => Self::Reader,
            None => Self::Stranger,
        }
    }

    /// What the mails to the address are counted by. Strangers share a far higher count besides: nobody's mailbox is
    /// flooded from many networks.
    pub fn mails(self, cx: &Cx<'_>, address: &str) -> Vec<Throttle> {
        let shared = (self == Self::Stranger).then(|| Throttle::mail_of_strangers(address));
        std::iter::once(self.own_mails(cx, address)).chain(shared).collect()
    }

    /// The count of the mails to the address that somebody like this has sent.
    pub fn own_mails(self, cx: &Cx<'_>, address: &str) -> Throttle {
        match self {
            Self::Owner(_) | Self::Reader => Throttle::mail_of_owner(address),
            Self::Stranger => Throttle::mail_from(cx.network().unwrap_or_default(), address),
        }
    }

    /// What the account's wrong codes are counted by. A stranger's count in their own journey and network alone: each
    /// journey has few tries, and has its code by a mail that is counted.
    pub fn account(self) -> Option<Throttle> {
        match self {
            Self::Owner(user) => Some(Throttle::user(CODE, user)),
            Self::Reader | Self::Stranger => None,
        }
    }

    /// The wrong codes for an address, from wherever. Too many close nothing, for it would be the owner whom they keep out;
    /// they make codes longer.
    pub fn guessed(self, address: &str) -> Option<Throttle> {
        (self == Self::Stranger).then(|| Throttle::code_of_strangers(address))
    }

    /// What to look at before a code is judged: the counts of `guesses`, then that of `guessed`.
    pub fn looks(self, cx: &Cx<'_>, address: &str) -> Vec<CounterKey> {
        self.guesses(cx).iter().chain(&self.guessed(address)).map(Throttle::key).collect()
    }

    /// The tries of the journey, of which no wait gives more.
    pub fn tries(cx: &Cx<'_>) -> Throttle {
        Throttle::journey(CODE, cx.journey())
    }

    /// What wrong codes are counted by: in the journey first.
    pub fn guesses(self, cx: &Cx<'_>) -> Vec<Throttle> {
        let network = cx.network().map(|network| Throttle::client(CODE, network));
        std::iter::once(Self::tries(cx)).chain(self.account()).chain(network).collect()
    }
}
