//! What a node may see and leave behind during one turn.

use std::collections::BTreeMap;

use idflow_core::chance::Chance;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::effect::{Mail, Submission};
use idflow_core::evidence::Evidence;
use idflow_core::id::{Attempt, EffectId, JourneyId, StepInstance, UserId};
use idflow_core::journey::Purpose;
use idflow_core::name::is_same;
use idflow_core::time::Timestamp;
use idflow_core::view::Text;
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_flow::plan::AuthoredText;
use idflow_flow::program::SignUp;
use idflow_sandbox::{Escape, Expression, RenderError, Template};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::Sources;
use crate::surroundings::SignedIn;
use crate::turn::{Additions, EndSessions, Fault};

/// The query parameter that says what the visitor is called (OpenID Connect Core 3.1.2.1).
const LOGIN_HINT: &str = "login_hint";

/// The visit of a step that is running: its identity and what it has gathered so far.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) instance: StepInstance,
    /// 0 on entering, then the number of the showing that was answered.
    pub(crate) attempt: Attempt,
    pub(crate) state: Value,
    /// Whether something outside was changed, which going back cannot undo.
    pub(crate) binds: bool,
    /// How many effect ids this attempt has used.
    pub(crate) effects: u32,
    /// How many mails a limit withheld.
    pub(crate) withheld: u32,
    /// Before when a post of the page is not looked at.
    pub(crate) wait_until: Option<Timestamp>,
    /// Why the page is shown again, where the page does not say it.
    pub(crate) detail: Option<String>,
    /// What this visit adds to the commit, unless it ends in a fault.
    pub(crate) additions: Additions,
}

impl Active {
    /// A visit that has just begun.
    pub(crate) fn entered(instance: StepInstance) -> Self {
        let additions = Additions::default();
        Self {
            instance,
            attempt: Attempt(0),
            state: Value::Null,
            binds: false,
            effects: 0,
            withheld: 0,
            wait_until: None,
            detail: None,
            additions,
        }
    }

    pub(crate) fn effect_id(&mut self, journey: JourneyId) -> EffectId {
        let id = EffectId { journey, instance: self.instance, attempt: self.attempt, number: self.effects };
        self.effects = self.effects.saturating_add(1);
        id
    }
}

/// One turn's view of the journey.
pub struct Cx<'a> {
    pub(crate) sources: Sources<'a>,
    pub(crate) submission: Option<&'a Submission>,
    pub(crate) now: Timestamp,
    pub(crate) chance: &'a dyn Chance,
    pub(crate) active: &'a mut Active,
}

impl<'a> Cx<'a> {
    /// The time of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Randomness.
    pub fn chance(&self) -> &'a dyn Chance {
        self.chance
    }

    /// The visitor's locale (BCP 47).
    pub fn locale(&self) -> Option<&'a str> {
        self.sources.journey.locale.as_deref()
    }

    /// The identified user.
    pub fn user(&self) -> Option<UserId> {
        self.sources.journey.user
    }

    /// The identified user's attributes, as fresh as this request.
    pub fn user_data(&self) -> &'a Data {
        &self.sources.journey.user_data
    }

    /// Whether the identified user has proven, in whatever journey, to read mail at this address.
    pub fn has_proven(&self, address: &str) -> bool {
        let mut proven =
            self.sources.journey.verified.iter().filter_map(|name| self.user_data().get(name)?.as_str());
        proven.any(|own| is_same(own, address))
    }

    /// What was proven so far in this journey. Evidence names its user: check it.
    pub fn evidence(&self) -> &'a [Evidence] {
        &self.sources.journey.evidence
    }

    /// What the visitor posted in this request, also while asks are answered; nothing when the step was entered.
    pub fn submission(&self) -> Option<&'a Submission> {
        self.submission
    }

    /// The latest values of form fields.
    pub fn form(&self) -> &'a Data {
        &self.sources.frame.form
    }

    /// The query parameters the flow's address was opened with.
    pub fn query(&self) -> Option<&'a BTreeMap<String, String>> {
        match &self.sources.journey.purpose {
            Purpose::Standalone { query } => Some(query),
            Purpose::Authorize(_) | Purpose::EndSession(_) => None,
        }
    }

    /// Whether an address is proven on every way from here to where a sign-up is finished.
    pub fn proves_before_finishing(&self) -> bool {
        let frame = self.sources.frame;
        let graph = self.sources.program.graphs.get(usize::from(frame.graph));
        let step = graph.and_then(|graph| graph.steps.get(usize::from(frame.step)));
        step.is_some_and(|step| step.sign_up == SignUp::ProvesFirst)
    }

    /// Whether a name was found to be somebody else's when the same request could not be committed. Who gives a user a
    /// name without having looked for whoever has it looks here.
    pub fn is_taken(&self) -> bool {
        self.sources.surroundings.taken
    }

    /// What the visitor may be called: what they typed on an earlier page, or what the application or the link says that
    /// began the journey. Never authenticates (checklist O-28).
    pub fn login_hint(&self) -> Option<&'a str> {
        let said = match &self.sources.journey.purpose {
            Purpose::Authorize(request) => request.login_hint.as_deref(),
            Purpose::Standalone { query } => query.get(LOGIN_HINT).map(String::as_str),
            Purpose::EndSession(_) => None,
        };
        self.sources.journey.typed.as_deref().or(said)
    }

    /// The journey.
    pub fn journey(&self) -> JourneyId {
        self.sources.journey.id
    }

    /// What the browser shows to be known by.
    pub fn devices(&self) -> &'a [String] {
        &self.sources.surroundings.devices
    }

    /// Whether the visitor has had a say: by a post in this journey, or because whatever began it counts as one. A mere
    /// link, which anybody can make a browser follow, does not.
    pub fn is_confirmed(&self) -> bool {
        let journey = self.sources.journey;
        let by_request = matches!(&journey.purpose, Purpose::EndSession(request) if request.confirmed);
        by_request || !journey.answered.is_empty()
    }

    /// The session that the visitor can sign out of.
    pub fn signed_in(&self) -> Option<&'a SignedIn> {
        self.sources.surroundings.signed_in.as_ref()
    }

    /// The network that limits count by.
    pub fn network(&self) -> Option<&'a str> {
        self.sources.surroundings.network.as_deref()
    }

    /// Whether a counter was found full when the same request could not be committed. Who counts without having asked
    /// for the count looks here: a full counter refuses the commit, and the step is run again.
    pub fn is_full(&self, counter: &CounterKey) -> bool {
        self.sources.surroundings.full.contains(counter)
    }

    /// What the identified user is called on pages: the first identifying attribute that is a text.
    pub fn identifier(&self) -> Option<String> {
        self.user()?;
        let identifiers =
            self.sources.program.directories.by_name.values().flat_map(|directory| &directory.identifiers);
        let mut texts = identifiers.filter_map(|name| self.user_data().get(name)?.as_str());
        texts.next().map(str::to_owned)
    }

    /// The state kept by the last turn of this visit.
    pub fn state<S: DeserializeOwned>(&self) -> Result<Option<S>, Fault> {
        if self.active.state.is_null() {
            return Ok(None);
        }
        let state = S::deserialize(&self.active.state);
        state.map(Some).map_err(|error| Fault::new(format!("the step's state cannot be read: {error}")))
    }

    /// Keeps state for the next turn of this visit.
    pub fn keep<S: Serialize>(&mut self, state: &S) -> Result<(), Fault> {
        self.active.state = serde_json::to_value(state)
            .map_err(|error| Fault::new(format!("the step's state cannot be kept: {error}")))?;
        Ok(())
    }

    /// Evaluates an expression.
    pub fn evaluate(&self, expression: &Expression) -> Result<Value, Fault> {
        self.sources.evaluate(expression)
    }

    /// Renders a template, its values escaped for where the text lands.
    pub fn render(&self, template: &Template, escape: Escape) -> Result<String, Fault> {
        let roots = self.sources.roots(&template.references());
        template.render(&roots, escape).map_err(|error| unrendered(&error))
    }

    /// An authored text of a step's page, whose reader may switch languages: where it stands and what its expressions
    /// give, each evaluated once. What fails in the visitor's own language is a fault; in another one it is only not
    /// offered.
    pub fn text(&self, text: &AuthoredText) -> Result<Text, Fault> {
        let own = text.best(self.locale().unwrap_or_default());
        let mut values = own.map(|(_, template)| self.values(template)).transpose()?.unwrap_or_default();
        for (_, template) in text.by_locale.iter() {
            let is_known = |expression: &Expression| values.contains_key(expression.source());
            if !template.expressions().all(|(_, expression)| is_known(expression)) {
                values.extend(self.values(template).unwrap_or_default());
            }
        }
        Ok(Text::Pinned { graph: self.sources.frame.graph, key: text.key.clone(), values })
    }

    fn values(&self, template: &Template) -> Result<BTreeMap<String, String>, Fault> {
        let roots = self.sources.roots(&template.references());
        template.values(&roots).map_err(|error| unrendered(&error))
    }

    /// Renders an authored text in the visitor's language: for mails and last pages, which outlive the revision and
    /// which nobody reads in another language.
    pub fn rendered(&self, text: &AuthoredText) -> Result<Text, Fault> {
        let Some((locale, template)) = text.best(self.locale().unwrap_or_default()) else {
            return Err(Fault::new(format!("the text {} is in no language", text.key)));
        };
        let by_locale = [(locale.clone(), self.render(template, Escape::Plain)?)].into();
        Ok(Text::Authored { default_locale: locale.clone(), by_locale })
    }

    /// The next effect id of this attempt: equal whenever the same attempt runs again.
    pub fn effect_id(&mut self) -> EffectId {
        self.active.effect_id(self.sources.journey.id)
    }

    /// Ends sessions with the commit.
    pub fn end_sessions(&mut self, which: EndSessions) {
        self.active.additions.ends = Some(which);
    }

    /// Adds a record to the commit.
    pub fn write(&mut self, write: Write) {
        self.active.additions.writes.push(write);
    }

    /// Adds a counter step to the commit.
    pub fn count(&mut self, step: CounterStep) {
        self.active.additions.counters.push(step);
    }

    /// Adds a mail, sent after the commit.
    pub fn mail(&mut self, mail: Mail) {
        self.active.additions.mails.push(mail);
    }

    /// Says that a post of the page that is shown next is not looked at before a moment.
    pub fn wait_until(&mut self, moment: Timestamp) {
        self.active.wait_until = Some(moment);
    }

    /// Says for the security event alone why the page is shown again. Contains no values of the visitor.
    pub fn detail(&mut self, detail: impl Into<String>) {
        self.active.detail = Some(detail.into());
    }

    /// Says that a mail is not sent because a limit is reached.
    pub fn withhold_mail(&mut self) {
        self.active.withheld += 1;
    }
}

fn unrendered(error: &RenderError) -> Fault {
    Fault::new(format!("a text cannot be rendered: {error}"))
}
