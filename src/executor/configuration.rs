//! What an executor serves: one immutable picture, replaced as a whole when the folder or the cluster changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use idflow_api::flow::{Assurance, Guarantees};
use idflow_api::tenant::{Limits, Policy};
use idflow_core::digest::Digest;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::grant::Grant;
use idflow_core::id::UserId;
use idflow_core::journey::Journey;
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_flow::policy::{self, Breach, Demand, Offer, Shown};
use idflow_net::mail::SmtpSettings;
use idflow_oidc::client::Client;
use idflow_pages::PreparedTheme;

use crate::claims::Claims;
use crate::revisions::{Held, Revisions};

/// One picture of everything live.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Rises with every change; reported on the second port.
    pub generation: i64,
    /// The tenant's origin, without a trailing slash.
    pub issuer: String,
    /// Networks whose forwarding headers count (checklist J-17).
    pub trusted_proxies: Vec<String>,
    /// Whether browsers are told to come by https to every name below the issuer's too.
    pub hsts_include_sub_domains: bool,
    /// The only hosts that connections may reach; nothing means every public one.
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks that connections may reach although they are not public.
    pub allowed_networks: Vec<String>,
    /// How much of everything the Tenant allows; nothing means the defaults.
    pub limits: Option<Limits>,
    /// What the Tenant demands of every revision that runs and every session that is used (design 7).
    pub policy: Option<Policy>,
    /// Flows by name.
    pub flows: BTreeMap<String, ServedFlow>,
    /// Revisions that must not run any more.
    pub withdrawn: Vec<Digest>,
    /// Applications by client identifier.
    pub clients: BTreeMap<String, Arc<Client>>,
    /// What the registration of an application computes as claims, by client identifier; absent where it does not.
    pub claims: BTreeMap<String, Claims>,
    /// Origins of pages that may call the provider: those that some application registered.
    pub origins: BTreeSet<String>,
    /// Directories by name.
    pub directories: BTreeMap<String, Directory>,
    /// Connections by name; one that may not be used is absent.
    pub connections: BTreeMap<String, Connection>,
    /// The looks of the hosted pages.
    pub theme: Arc<PreparedTheme>,
}

/// A flow that takes new journeys, and the revisions that it takes them on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedFlow {
    /// Its type, as in the manifest.
    pub flow_type: String,
    /// Whether it is the flow of its type when an application names none.
    pub default: bool,
    /// Whether it takes no new journeys.
    pub suspended: bool,
    /// What a session must have shown to be used instead of a journey.
    pub guarantees: Option<Guarantees>,
    /// Revisions to hold, with their weight for new journeys; 0 means held but not started.
    pub revisions: Vec<(Digest, u32)>,
    /// Until when a revision may run although the policy does not accept it.
    pub policy_graces: BTreeMap<Digest, Timestamp>,
}

impl ServedFlow {
    /// The revisions that take new journeys.
    pub fn weighted(&self) -> impl Iterator<Item = &Digest> {
        self.revisions.iter().filter(|(_, weight)| *weight > 0).map(|(digest, _)| digest)
    }

    /// Whether somebody may begin a journey: nobody has switched the flow off, and it is not only kept for those who are
    /// under way.
    pub fn takes_journeys(&self) -> bool {
        !self.suspended && self.weighted().next().is_some()
    }

    /// Whether its journeys may be told of: it takes new ones, or would if nobody had switched it off.
    fn is_offered(&self) -> bool {
        self.suspended || self.weighted().next().is_some()
    }

    /// The revision for a new journey among those that `can_run`: the same seed chooses the same revision while the
    /// weights stay. A pod that lacks one begins journeys on those it has.
    pub fn choose(&self, seed: &[u8], can_run: impl Fn(&Digest) -> bool) -> Option<Digest> {
        let candidates = || self.revisions.iter().filter(|(digest, _)| can_run(digest));
        let total: u64 = candidates().map(|(_, weight)| u64::from(*weight)).sum();
        let drawn =
            Digest::of(seed).as_bytes().iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let mut rest = drawn.checked_rem(total)?;
        for (digest, weight) in candidates() {
            match rest.checked_sub(u64::from(*weight)) {
                None => return Some(*digest),
                Some(left) => rest = left,
            }
        }
        None
    }
}

/// The live part of a Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The fewest code points a new password may have.
    pub minimum_length: u32,
    /// Words a new password may not be.
    pub blocklist: Vec<String>,
    /// Attributes no two users may share.
    pub unique: Vec<String>,
    /// Attributes that are mail addresses.
    pub addresses: Vec<String>,
    /// Of these, those that name a user at sign-in: no two users may share a name among all of them.
    pub identifiers: Vec<String>,
}

/// An outside system that may be used.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Sends mail.
    Smtp(SmtpSettings),
    /// Answers HTTP calls.
    Http(HttpConnection),
}

/// An HTTP API with its credentials.
#[derive(Debug, Clone)]
pub struct HttpConnection {
    /// The address that paths are below, without a trailing slash.
    pub base: String,
    /// Headers sent with every call, credentials among them.
    pub headers: Vec<(String, SecretText)>,
    /// How long a call may take.
    pub timeout: Span,
}

impl Configuration {
    /// Keeps the claims of registrations that have not changed, so that what was told of them is not told again.
    pub fn keep_claims_of(&mut self, before: &Self) {
        for (client, claims) in &mut self.claims {
            if let Some(known) = before.claims.get(client).filter(|known| *known == claims) {
                claims.clone_from(known);
            }
        }
    }

    /// Why the Tenant's policy and limits do not let this revision run now; nothing when they do, or its grace lasts.
    pub fn forbids(&self, held: &Held, now: Timestamp) -> Option<Breach> {
        let breach = self.breach(held)?;
        let program = held.runnable.program();
        (!self.is_in_grace(&program.flow, &program.digest, now)).then_some(breach)
    }

    fn breach(&self, held: &Held) -> Option<Breach> {
        policy::breaches(self.policy.as_ref(), self.limits.as_ref(), &held.offer()).into_iter().next()
    }

    fn is_in_grace(&self, flow: &str, revision: &Digest, now: Timestamp) -> bool {
        self.flows.get(flow).is_some_and(|flow| self.grace(flow, revision, now).is_some())
    }

    /// Since when a revision is in the grace that it is in now.
    fn grace(&self, flow: &ServedFlow, revision: &Digest, now: Timestamp) -> Option<Timestamp> {
        let until = flow.policy_graces.get(revision).filter(|until| now < **until)?;
        let length = self.policy.as_ref().map_or_else(|| Policy::default().grace(), Policy::grace);
        Some(until.plus(Span(-length.0)))
    }

    /// Whether a revision that may open a session of less than the policy demands excuses this one: it shows no less
    /// than a session of that revision always does. One of the first version does not say what that is.
    fn excuses(&self, digest: &Digest, shown: &Shows<'_>, revisions: &Revisions) -> bool {
        revisions.held(digest).is_some_and(|held| {
            let offer = held.offer();
            let is_usual = |end: &Assurance| shown.lacks(&guaranteed_at(end)).is_none();
            proves_too_little(self.policy.as_ref(), &offer)
                && offer.assurance.is_none_or(|ends| ends.iter().any(is_usual))
        })
    }

    /// What a session lacks of what the Tenant demands. It is judged by its evidence, so that it holds for a revision
    /// that does not say what it proves. A grace excuses only what the revision at fault could not show: one for too
    /// many steps excuses nothing here.
    fn lacks(&self, shown: &Shows<'_>, is_excused: impl FnOnce() -> bool) -> Option<Demand> {
        let policy = self.policy.as_ref();
        let is_nobodys = shown.user.is_none() && !policy::allows_guests(policy);
        let login = || shown.lacks(policy?.login.as_ref()?);
        is_nobodys.then_some(Demand::User).or_else(login).filter(|_| !is_excused())
    }

    /// Why this much is too little for the session that a journey opens.
    pub fn session_lacks(
        &self,
        journey: &Journey,
        session: &Session,
        revisions: &Revisions,
        now: Timestamp,
    ) -> Option<Demand> {
        let (revision, shown) = (&journey.digest, Shows::by(session));
        let is_excused =
            || self.is_in_grace(&journey.flow, revision, now) && self.excuses(revision, &shown, revisions);
        self.lacks(&shown, is_excused)
    }

    /// Why this much is too little for what an application holds of a session. Where what takes new journeys shows
    /// enough, a grace is only for who signed in since it began, on what finishes behind. Without the flow there is
    /// no grace.
    pub fn grant_lacks(&self, grant: &Grant, revisions: &Revisions, now: Timestamp) -> Option<Demand> {
        let shown = Shows { evidence: &grant.evidence, user: Some(grant.user) };
        let is_excused = || {
            let flow = self.flows.get(grant.flow.as_deref()?)?;
            let is_excused = |(digest, weight): &(Digest, u32)| {
                let begun = self.grace(flow, digest, now);
                begun.is_some_and(|begun| *weight > 0 || begun <= grant.authenticated)
                    && self.excuses(digest, &shown, revisions)
            };
            Some(flow.revisions.iter().any(is_excused))
        };
        self.lacks(&shown, || is_excused() == Some(true))
    }

    /// The longest life of a session, whatever a flow says.
    pub fn longest_session(&self) -> Span {
        self.limits.as_ref().and_then(|limits| limits.session_lifetime).unwrap_or(LONGEST_SESSION)
    }

    /// Whether a session lasts, by today's limit too.
    pub fn is_alive(&self, session: &Session, now: Timestamp) -> bool {
        session.is_alive(now) && now < session.authenticated.plus(self.longest_session())
    }

    /// The flow whose journey a session does instead of: an application would get that one otherwise, and the session
    /// has shown what the policy demands and what the author of that flow guarantees (design 11). A grace is for what
    /// such a journey would show no more of. Where no journey would begin, nothing is sure.
    pub fn reused_for(
        &self,
        named: Option<&str>,
        session: &Session,
        revisions: &Revisions,
        now: Timestamp,
    ) -> Option<&str> {
        // A flow that is switched off still says what a session must be worth.
        let suspended = || self.pick(LOGIN, named, |flow| flow.suspended);
        let (name, flow) = self.flow_of_type(LOGIN, named).or_else(suspended)?;
        let shown = Shows::by(session);
        let is_in_grace = |digest: &&Digest| self.grace(flow, digest, now).is_some();
        let is_excused =
            || flow.weighted().filter(is_in_grace).any(|digest| self.excuses(digest, &shown, revisions));
        let is_met = |wanted: &Guarantees| shown.lacks(wanted).is_none();
        let is_enough = flow.is_offered()
            && flow.guarantees.as_ref().is_none_or(is_met)
            && self.lacks(&shown, is_excused).is_none();
        is_enough.then_some(name)
    }

    /// The flow of a type that takes new journeys: the one named, else the default one, else the only one.
    pub fn flow_of_type(&self, flow_type: &str, named: Option<&str>) -> Option<(&str, &ServedFlow)> {
        self.pick(flow_type, named, |flow| !flow.suspended)
    }

    fn pick(
        &self,
        flow_type: &str,
        named: Option<&str>,
        keep: impl Fn(&ServedFlow) -> bool,
    ) -> Option<(&str, &ServedFlow)> {
        let of_type = self.flows.iter().filter(|(_, flow)| flow.flow_type == flow_type && keep(flow));
        let mut of_type = of_type.map(|(name, flow)| (name.as_str(), flow));
        if let Some(named) = named {
            return of_type.find(|(name, _)| *name == named);
        }
        let all: Vec<_> = of_type.collect();
        let default = all.iter().find(|(_, flow)| flow.default);
        // What only finishes its journeys, or is still being loaded, does not stand beside the others.
        let offered: Vec<_> = all.iter().filter(|(_, flow)| flow.is_offered()).collect();
        let only = match (offered.as_slice(), all.as_slice()) {
            ([only], _) => Some(*only),
            (_, [only]) => Some(only),
            _ => None,
        };
        default.or(only).copied()
    }
}

/// A session's longest life where the Tenant sets none, whatever a flow says.
const LONGEST_SESSION: Span = Span::hours(720);

/// The type of the flow that signs somebody in for an application.
const LOGIN: &str = "Login";

/// Whether a session that this opens may show less than the policy demands: it does, or does not say what it shows.
fn proves_too_little(policy: Option<&Policy>, offer: &Offer<'_>) -> bool {
    let is_weak = |breach: &Breach| matches!(breach, Breach::TooWeak { .. } | Breach::Guest { .. });
    offer.assurance.is_none() || policy::breaches(policy, None, offer).iter().any(is_weak)
}

/// What every session that ends there shows.
fn guaranteed_at(end: &Assurance) -> Guarantees {
    Guarantees {
        identified: end.identified,
        factors: end.factors.clone(),
        minimum_factors: end.minimum_factors,
    }
}

/// What has been shown of whom.
struct Shows<'a> {
    evidence: &'a [Evidence],
    user: Option<UserId>,
}

impl<'a> Shows<'a> {
    fn by(session: &'a Session) -> Self {
        Self { evidence: &session.evidence, user: session.user }
    }

    fn lacks(&self, wanted: &Guarantees) -> Option<Demand> {
        let of_user = self.evidence.iter().filter(|evidence| evidence.user == self.user);
        let factors: BTreeSet<&String> = of_user
            .filter_map(|evidence| match &evidence.proof {
                Proof::Factor(method) => Some(method),
                _ => None,
            })
            .collect();
        let factors: Vec<String> = factors.into_iter().cloned().collect();
        policy::shortfall(Shown { identified: self.user.is_some(), ..Shown::by_user(&factors) }, wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(revisions: Vec<(Digest, u32)>) -> ServedFlow {
        ServedFlow {
            flow_type: "Login".into(),
            default: false,
            suspended: false,
            guarantees: None,
            policy_graces: BTreeMap::new(),
            revisions,
        }
    }

    #[test]
    fn new_journeys_are_spread_by_weight_and_a_seed_is_faithful() {
        let (old, new) = (Digest::of("old"), Digest::of("new"));
        let served = flow(vec![(old, 90), (new, 10), (Digest::of("next"), 0)]);
        let chosen: Vec<Digest> =
            (0..2000_u32).filter_map(|n| served.choose(&n.to_be_bytes(), |_| true)).collect();
        let share = chosen.iter().filter(|digest| **digest == new).count();
        assert!((120..280).contains(&share), "{share} of 2000");
        assert!(chosen.iter().all(|digest| *digest == old || *digest == new));
        assert_eq!(served.choose(b"seed", |_| true), served.choose(b"seed", |_| true));
        assert_eq!(served.choose(b"seed", |digest| *digest == new), Some(new), "the one that can run");
    }

    #[test]
    fn a_grace_excuses_what_a_revision_could_not_show_and_nothing_else() {
        let login = Guarantees { minimum_factors: Some(2), ..Guarantees::default() };
        let forbidden_node_kinds = vec!["http".to_owned()];
        let policy = Policy { login: Some(login), forbidden_node_kinds, ..Policy::default() };
        let end = |least| Assurance {
            step: "done".into(),
            identified: true,
            guest: false,
            factors: Vec::new(),
            minimum_factors: Some(least),
        };
        let (one, two) = ([end(1)], [end(2)]);
        let shows = |assurance| Offer { assurance, ..Offer::default() };
        let forbidden = |offer| Offer { node_kinds: BTreeSet::from(["http"]), ..offer };
        let long = |offer| Offer { steps: Some(500), older: Some(500), ..offer };
        let cases = [
            ("enough", shows(Some(&two[..])), false),
            ("too little", shows(Some(&one)), true),
            ("it does not say", shows(None), true),
            ("a forbidden kind", forbidden(shows(Some(&two))), false),
            ("a forbidden kind, and too little", forbidden(shows(Some(&one))), true),
            ("too many steps and flows", long(shows(Some(&two))), false),
        ];
        for (what, offer, expected) in cases {
            assert_eq!(proves_too_little(Some(&policy), &offer), expected, "{what}");
        }
    }

    #[test]
    fn without_weight_nothing_starts() {
        assert_eq!(flow(vec![(Digest::of("a"), 0)]).choose(b"seed", |_| true), None);
        assert_eq!(flow(Vec::new()).choose(b"seed", |_| true), None);
    }
}
