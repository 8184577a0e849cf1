//! What stands between a guess at a password and its verdict.

use std::iter;

use idflow_core::counter::Count;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;

use crate::shared::throttle::{PASSWORD, Throttle, closed_until};

/// The counters that stand between a guess and its verdict.
pub struct Guards {
    /// The tries of this journey.
    pub journey: Throttle,
    /// Those from browsers that the user has not signed in with.
    pub strangers: Throttle,
    /// The same under the name that was typed, where one was.
    pub typed: Option<Throttle>,
    /// The same at the account that nobody has under that name.
    nobody: Option<Throttle>,
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
    /// The account waits for guesses under another of its names. To say so, or for how long, would tell that both are one
    /// account's (checklist E-3): it is judged like a guess at a name that nobody has.
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
        let nobody = name.map(Throttle::strangers_of_nobody);
        let strangers = user.map(Throttle::strangers).or_else(|| nobody.clone());
        let devices =
            device.zip(user).map(|(device, user)| vec![Throttle::device(device), Throttle::devices(user)]);
        Ok(Self {
            journey: Throttle::journey(PASSWORD, cx.journey()),
            strangers: strangers.ok_or_else(|| Fault::new("password counts without an account"))?,
            typed: name.map(Throttle::strangers_by_name),
            nobody,
            network: cx.network().map(|network| Throttle::client(PASSWORD, network)),
            devices: devices.unwrap_or_default(),
        })
    }

    /// All of them, in the order that they are read in.
    pub fn all(&self) -> impl Iterator<Item = &Throttle> {
        let strangers = iter::once(&self.strangers).chain(&self.typed);
        iter::once(&self.journey).chain(&self.devices).chain(strangers).chain(&self.network)
    }

    /// Those that judge a browser, known or not, beside the journey's own.
    pub fn judging(&self, is_known: bool) -> impl Iterator<Item = &Throttle> {
        let devices = self.devices.iter().filter(move |_| is_known);
        let strangers = iter::once(&self.strangers).chain(&self.typed).chain(&self.network);
        devices.chain(strangers.filter(move |_| !is_known))
    }

    /// What the right password from a browser, known or not, does to the rows. A device's own are over, and no others:
    /// who guesses from elsewhere would learn that somebody has the name and uses it (checklist E-3).
    pub fn end_rows(&self, cx: &mut Cx<'_>, is_known: bool) {
        if is_known {
            self.devices.iter().for_each(|row| cx.count(row.reset()));
            return;
        }
        iter::once(&self.strangers).chain(&self.typed).for_each(|row| cx.count(row.reset()));
        self.nobody.iter().for_each(|row| cx.count(row.clear()));
    }

    /// A device that has guessed too often is a browser like any other.
    pub fn are_devices_used_up(&self, counts: &[Count]) -> bool {
        let counts = counts.iter().skip(1).zip(&self.devices);
        { counts }.any(|(count, throttle)| throttle.is_used_up(*count))
    }

    /// Whether a guess from a browser, known or not, may be looked at.
    pub fn closed(&self, counts: &[Count], is_known: bool, now: Timestamp) -> Closed {
        let mut counts = counts.iter();
        let journey = closed_until([&self.journey], &mut counts, now);
        let devices = closed_until(&self.devices, &mut counts, now);
        let account = closed_until([&self.strangers], &mut counts, now);
        let told = closed_until(self.typed.iter().chain(&self.network), &mut counts, now);
        if journey.is_some() {
            return Closed::Journey;
        }
        let told = match (is_known, &self.typed) {
            (true, _) => devices,
            (false, None) => told.max(account),
            (false, Some(_)) => told,
        };
        match told {
            Some(moment) => Closed::Until(moment),
            None if !is_known && account.is_some() => Closed::Unsaid,
            None => Closed::No,
        }
    }
}
