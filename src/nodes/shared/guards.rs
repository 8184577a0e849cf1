//! What stands between a guess at a password and its verdict.

use idflow_core::counter::Count;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;

use crate::shared::throttle::{PASSWORD, Throttle};

/// The counters that stand between a guess and its verdict.
pub struct Guards {
    /// The tries of this journey.
    pub journey: Throttle,
    /// Those from browsers that the user has not signed in with.
    pub strangers: Throttle,
    /// The same under the name that was typed, where one was.
    pub typed: Option<Throttle>,
    network: Option<Throttle>,
    /// The device's own and that of all the user's devices, where the browser is one of them.
    pub devices: Vec<Throttle>,
}

/// What keeps a guess from being looked at.
pub enum Closed {
    /// Nothing does.
    No,
    /// The journey's tries are used up.
    Journey,
    /// It comes before this moment.
    Until(Timestamp),
    /// The account waits for guesses under another of its names. To say so would tell that both are one account's
    /// (checklist E-3): it is judged like a guess at a name that nobody has.
    Unsaid,
}

impl Guards {
    /// Those of a guess at the account of `user`, or at one that nobody has under the name that was entered, from a
    /// device of the user's.
    pub fn of(
        cx: &Cx<'_>,
        user: Option<UserId>,
        name: Option<&str>,
        device: Option<&str>,
    ) -> Result<Self, Fault> {
        let strangers = match (user, name) {
            (Some(user), _) => Throttle::strangers(user),
            (None, Some(name)) => Throttle::strangers_of_nobody(name),
            (None, None) => return Err(Fault::new("password counts without an account")),
        };
        let typed = name.map(Throttle::strangers_by_name);
        let devices =
            device.zip(user).map(|(device, user)| vec![Throttle::device(device), Throttle::devices(user)]);
        Ok(Self {
            journey: Throttle::journey(PASSWORD, cx.journey()),
            strangers,
            typed,
            network: cx.network().map(|network| Throttle::client(PASSWORD, network)),
            devices: devices.unwrap_or_default(),
        })
    }

    /// All of them, in the order that they are read in.
    pub fn all(&self) -> impl Iterator<Item = &Throttle> {
        let strangers = std::iter::once(&self.strangers).chain(&self.typed);
        std::iter::once(&self.journey).chain(&self.devices).chain(strangers).chain(&self.network)
    }

    /// Those that judge a browser, known or not, beside the journey's own.
    pub fn judging(&self, is_known: bool) -> impl Iterator<Item = &Throttle> {
        let devices = self.devices.iter().filter(move |_| is_known);
        let strangers = std::iter::once(&self.strangers).chain(&self.typed).chain(&self.network);
        devices.chain(strangers.filter(move |_| !is_known))
    }

    /// A device that has guessed too often is a browser like any other.
    pub fn are_devices_used_up(&self, counts: &[Count]) -> bool {
        let counts = counts.iter().skip(1).zip(&self.devices);
        { counts }.any(|(count, throttle)| throttle.is_used_up(*count))
    }

    /// Whether a guess from a browser, known or not, may be looked at. A count that is missing is a full one: doubt is a
    /// refusal.
    pub fn closed(&self, counts: &[Count], is_known: bool, now: Timestamp) -> Closed {
        let all: Vec<&Throttle> = self.all().collect();
        let journey = counts.first().filter(|_| counts.len() == all.len());
        if journey.is_none_or(|count| self.journey.closed_until(*count, now).is_some()) {
            return Closed::Journey;
        }
        let judging: Vec<&Throttle> = self.judging(is_known).collect();
        let counted = all.into_iter().zip(counts).filter(|(throttle, _)| judging.contains(throttle));
        let closed =
            counted.filter_map(|(throttle, count)| Some((throttle, throttle.closed_until(*count, now)?)));
        let closed: Vec<(&Throttle, Timestamp)> = closed.collect();
        match closed.as_slice() {
            [(only, _)] if self.typed.is_some() && **only == self.strangers => Closed::Unsaid,
            _ => closed.iter().map(|(_, until)| *until).max().map_or(Closed::No, Closed::Until),
        }
    }
}
