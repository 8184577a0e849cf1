//! Who has a mail sent or enters a code, and what is counted of them. Each kind is counted for itself, so that strangers
//! use up nothing that belongs to somebody who has shown more than an address (checklist P-8, T-6, T-12).

use std::iter;

use idflow_core::counter::CounterKey;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::id::UserId;
use idflow_engine::context::Cx;

use crate::shared::throttle::{CODE, Throttle};

/// Whoever asks for mails to an address.
enum Asker<'a> {
    /// Has shown a factor of the account whose own address it is.
    Owner(UserId),
    /// Has read a mail to the address in this journey.
    Reader,
    /// Sits at this device, by which somebody has signed in who reads mail at the address.
    Device(&'a str),
    /// Anybody.
    Stranger,
}

impl<'a> Asker<'a> {
    /// Who has come this far. A device that has had too many mails sent is a browser like any other.
    fn of(cx: &Cx<'_>, address: &str, is_own: bool, device: Option<&'a str>) -> Self {
        let owner = cx.user().filter(|user| {
            let is_factor = |evidence: &Evidence| {
                evidence.user == Some(*user) && matches!(evidence.proof, Proof::Factor(_))
            };
            is_own && cx.evidence().iter().any(is_factor)
        });
        let is_read = |evidence: &Evidence| evidence.proof.is_of_address(address);
        let is_full = |device: &&str| {
            Throttle::mails_of_device(device, address).iter().any(|mails| cx.is_full(&mails.key()))
        };
        match (owner, device.filter(|device| !is_full(device))) {
            (Some(user), _) => Self::Owner(user),
            _ if cx.evidence().iter().any(is_read) => Self::Reader,
            (None, Some(device)) => Self::Device(device),
            (None, None) => Self::Stranger,
        }
    }
}

/// What is counted of somebody who asks for codes to an address.
pub struct Counted {
    /// The tries of the journey, of which no wait gives more.
    pub tries: Throttle,
    /// The mails: those of whoever is like them, and after those what they share with others.
    pub mails: Vec<Throttle>,
    /// The account's wrong codes. Only who has shown a factor can close it: anybody else has few tries in each journey,
    /// and their codes by mails that are counted.
    pub account: Option<Throttle>,
    network: Option<Throttle>,
    /// The row of wrong codes for the address, or of the account's owner. Too many close nothing, for it would be the owner
    /// whom they keep out; they make codes longer.
    pub row: Option<Throttle>,
}

impl Counted {
    /// Of whoever has come this far. `is_own` says that the address is one that the account has.
    pub fn of(cx: &Cx<'_>, address: &str, is_own: bool, device: Option<&str>) -> Self {
        let (mails, account, row) = match Asker::of(cx, address, is_own, device) {
            Asker::Owner(user) => {
                let shared = (!cx.has_proven(address)).then(|| Throttle::mail_to_unproven(address));
                let mails = iter::once(Throttle::mail_of_owner(user, address)).chain(shared).collect();
                (mails, Some(Throttle::user(CODE, user)), Some(Throttle::code_of_owner(user)))
            }
            Asker::Reader => (vec![Throttle::mail_of_reader(address)], None, None),
            Asker::Device(device) => {
                let mails = Throttle::mails_of_device(device, address);
                (mails.into(), None, Some(Throttle::code_of_devices(address)))
            }
            Asker::Stranger => {
                let network = cx.network().unwrap_or_default();
                let mails = vec![Throttle::mail_from(network, address), Throttle::mail_of_strangers(address)];
                (mails, None, Some(Throttle::code_of_strangers(address)))
            }
        };
        let network = cx.network().map(|network| Throttle::client(CODE, network));
        Self { tries: Throttle::journey(CODE, cx.journey()), mails, account, network, row }
    }

    /// What has to be open for a code to be looked at, beside the journey's own tries.
    pub fn guesses(&self) -> impl Iterator<Item = &Throttle> {
        self.account.iter().chain(&self.network)
    }

    /// What to look at before a code is judged: the tries, the guesses, the row.
    pub fn before_verdict(&self) -> Vec<CounterKey> {
        iter::once(&self.tries).chain(self.guesses()).chain(&self.row).map(Throttle::key).collect()
    }

    /// What to look at before a code is mailed: the mails, and the guesses, for nobody is sent a code that would not be
    /// looked at.
    pub fn before_mail(&self) -> Vec<CounterKey> {
        self.mails.iter().chain(self.guesses()).map(Throttle::key).collect()
    }
}
