//! How a journey ends: complete, failed, or out of a called flow.

use idflow_core::Data;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::journey::{Completion, Ending, Frame, Phase, Purpose};
use idflow_core::view::{Text, View};
use idflow_core::write::Write;

use super::{Grown, OpenSession, Run, Stage, StepFault};
use crate::data::Sources;
use crate::turn::{Additions, Complete, EndTurn, Fault};

impl Run<'_> {
    pub(super) fn end(&mut self, end: EndTurn) -> Stage {
        match end {
            EndTurn::Complete(complete) => self.complete(complete),
            EndTurn::Fail(view) => {
                self.audit("step.finished", Some("fail"));
                self.fail_with("failed", view)
            }
            EndTurn::Exit { outcome, outputs } => self.exit(&outcome, outputs),
        }
    }

    fn complete(&mut self, complete: Complete) -> Stage {
        if self.journey.frames.len() > 1 {
            return self.fault(Fault::new("`complete` stands in a flow that was called"));
        }
        let opens = match self.session(&complete) {
            Ok(opens) => opens,
            Err(fault) => return self.fault(fault),
        };
        // An application is answered for a user, or gets back whoever signed out; anybody else sees the flow's own
        // last page.
        let answers = match &self.journey.purpose {
            Purpose::Authorize(_) => opens.as_ref().is_some_and(|session| session.user.is_some()),
            Purpose::EndSession(request) => request.redirect_uri.is_some(),
            Purpose::Standalone { .. } => false,
        };
        let outcome = if answers { Completion::Application } else { Completion::Page(complete.page) };
        self.decided.opens = opens;
        self.audit("step.finished", Some("complete"));
        self.over_with(Ending::Completed { at: self.now, session: None, outcome }, "completed")
    }

    /// The session that completing opens. `Login` always opens one, and refuses to without proof; `Registration`
    /// signs the new user in when a factor was shown; no other type opens any.
    fn session(&self, complete: &Complete) -> Result<Option<OpenSession>, Fault> {
        let flow_type = self.runnable.program().flow_type.as_str();
        if flow_type != "Login" && flow_type != "Registration" {
            return Ok(None);
        }
        let user = if complete.guest { None } else { self.journey.user };
        let evidence: Vec<Evidence> =
            self.journey.evidence.iter().filter(|evidence| evidence.user == user).cloned().collect();
        let is_factor = |evidence: &&Evidence| matches!(evidence.proof, Proof::Factor(_));
        let shown = evidence.iter().filter(is_factor).map(|evidence| evidence.at).max();
        let authenticated = match (user, shown) {
            (Some(_), Some(at)) => at,
            (None, _) if complete.guest => self.now,
            _ if flow_type == "Registration" => return Ok(None),
            (None, _) => return Err(Fault::new("a sign-in cannot complete without an identified user")),
            (Some(_), None) => {
                return Err(Fault::new("a sign-in cannot complete without a factor of the user"));
            }
        };
        let (lifetime, idle) = (complete.session_lifetime, complete.session_idle);
        let attributes = self.journey.frames.first().map(|frame| frame.session.clone()).unwrap_or_default();
        Ok(Some(OpenSession { user, evidence, authenticated, attributes, lifetime, idle }))
    }

    /// A sign-up is finished by the user's first credential, or by completing: what it had reserved becomes a user.
    pub(super) fn confirmation(&self, writes: &[Write]) -> Option<Write> {
        let user = self.journey.user?;
        let of_user = |evidence: &&Evidence| evidence.user == Some(user);
        let mut own = self.journey.evidence.iter().filter(of_user);
        let is_over = matches!(self.journey.phase, Phase::Ended(Ending::Completed { .. }));
        let is_finished = is_over || writes.iter().any(|write| write.is_credential_of(user));
        if !is_finished || !own.any(|evidence| evidence.proof == Proof::Created) {
            return None;
        }
        let addresses = self.journey.evidence.iter().filter_map(|evidence| evidence.proof.mail_address());
        Some(Write::ConfirmUser { user, addresses: addresses.map(str::to_owned).collect() })
    }

    /// Ends the journey as failed, with the product's own last page.
    pub(super) fn fail(&mut self, code: &str) -> Stage {
        let page = last_page(code);
        let view = View {
            kind: "fail".to_owned(),
            title: Text::product(format!("{page}-title")),
            lead: Some(Text::product(format!("{page}-lead"))),
            messages: Vec::new(),
            fields: Vec::new(),
            actions: Vec::new(),
            identifier: None,
        };
        self.fail_with(code, Box::new(view))
    }

    /// Ends a journey that does more than any journey may.
    pub(super) fn exhausted(&mut self, message: &str) -> Stage {
        self.note(Fault::new(message));
        self.fail("error")
    }

    /// Whether the user is one that this journey has made.
    pub(super) fn has_reserved(&self) -> bool {
        let user = self.journey.user;
        let is_own = |evidence: &Evidence| evidence.user == user && evidence.proof == Proof::Created;
        user.is_some() && self.journey.evidence.iter().any(is_own)
    }

    /// Ends a sign-up whose names are somebody else's by now. What it has proven says nothing of anybody's account.
    pub(super) fn end_taken(&mut self) -> Stage {
        self.drop_decided();
        self.journey.evidence.clear();
        self.fail("taken")
    }

    /// Nothing that this request wanted to write or send happens; what it counted stays.
    fn drop_decided(&mut self) {
        let Additions { writes, mails, ends, counters: _ } = &mut self.decided.additions;
        writes.clear();
        mails.clear();
        *ends = None;
        self.decided.opens = None;
        self.decided.audit.retain(|event| event.name != "journey.ended");
    }

    /// Ends a journey whose record has grown too large to be kept.
    pub(super) fn end_too_large(&mut self) {
        self.drop_decided();
        let fault = Fault::new("the step made the journey's record larger than a journey may be");
        match std::mem::take(&mut self.largest) {
            Some(Grown { graph, step, .. }) => {
                self.journey.error = Some(step.clone());
                self.decided.faults.push(StepFault { graph, step, fault });
            }
            None => self.note(fault),
        }
        self.fail("tooLarge");
    }

    fn fail_with(&mut self, code: &str, view: Box<View>) -> Stage {
        self.over_with(Ending::Failed { at: self.now, code: code.to_owned(), view }, code)
    }

    /// Nothing of what the visitor entered outlives the journey.
    fn over_with(&mut self, ending: Ending, outcome: &str) -> Stage {
        self.settle();
        self.audit("journey.ended", Some(outcome));
        self.journey.phase = Phase::Ended(ending);
        self.journey.visited.clear();
        self.journey.forget_user();
        self.journey.typed = None;
        self.journey.frames.truncate(1);
        for frame in &mut self.journey.frames {
            *frame = Frame { graph: frame.graph, step: frame.step, ..Frame::default() };
        }
        Stage::Decided
    }

    /// The outputs that the graph which is being left declares; what no step has written on this way is left out.
    pub(super) fn declared_outputs(&self) -> Result<Data, Fault> {
        let frame = self.journey.frames.last().ok_or_else(|| Fault::new("the journey stands nowhere"))?;
        let sources = Sources {
            program: self.runnable.program(),
            journey: &self.journey,
            frame,
            surroundings: &self.surroundings,
        };
        let outputs = self.runnable.outputs(frame.graph).iter();
        let outputs = outputs.filter(|(_, expression)| sources.have(expression));
        outputs.map(|(name, expression)| Ok((name.clone(), sources.evaluate(expression)?))).collect()
    }
}

/// The texts of the last page. Of a user who was locked or whose standing ended, and of whoever has a name by now,
/// nobody learns more than to start again: somebody may merely have named the account.
fn last_page(code: &str) -> &'static str {
    match code {
        "locked" => "notice-too-many-requests",
        "timeout" => "notice-expired",
        "cancelled" => "notice-cancelled",
        "tooLarge" => "notice-journey-too-large",
        "userLocked" | "standingEnded" | "taken" => "notice-start-again",
        _ => "notice-failed",
    }
}
