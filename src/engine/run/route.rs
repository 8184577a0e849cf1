//! From one step to the next: entering, leaving, calling, returning, going back.

use idflow_core::Data;
use idflow_core::id::StepInstance;
use idflow_core::journey::Frame;
use idflow_flow::graph::SAFE_OUTCOMES;

use super::{Refusal, Run, Stage};
use crate::context::Active;
use crate::turn::Fault;

/// How many steps one journey may enter (checklist J-21).
const MAX_INSTANCES: u32 = 1000;

/// How many flows and nodes may be entered inside each other.
const MAX_FRAMES: usize = 16;

impl Run<'_> {
    /// Enters the step that the innermost frame stands at: every visit is a new instance.
    pub(super) fn enter(&mut self) -> Stage {
        if self.journey.instances >= MAX_INSTANCES {
            return self.exhausted("the journey entered more steps than a journey may");
        }
        self.journey.instances += 1;
        self.submission = None;
        self.active = Active::entered(StepInstance(self.journey.instances));
        Stage::Turn(crate::turn::Event::Entered)
    }

    /// Follows an outcome. What has no wire leaves the flow or node it happened in, and at last the journey.
    pub(super) fn route(&mut self, outcome: &str) -> Stage {
        let Some(frame) = self.journey.frames.last_mut() else { return self.fail("error") };
        let step = self.runnable.step(frame.graph, frame.step);
        if let Some(target) = step.and_then(|step| step.target(outcome)) {
            frame.step = target;
            return self.enter();
        }
        if SAFE_OUTCOMES.contains(&outcome) { self.leave_graph(outcome) } else { self.leave_graph("error") }
    }

    /// Leaves a called flow or node by an outcome it did not expect, or ends the journey.
    pub(super) fn leave_graph(&mut self, outcome: &str) -> Stage {
        if self.journey.frames.len() < 2 {
            return self.fail(code(outcome));
        }
        self.journey.frames.pop();
        self.leave_by(outcome)
    }

    /// Leaves the running step by an outcome of the engine's own.
    pub(super) fn leave_by(&mut self, outcome: &str) -> Stage {
        self.audit("step.finished", Some(outcome));
        self.store_outputs(Data::new(), Data::new(), Data::new());
        self.route(outcome)
    }

    /// Writes what a step puts out. What an earlier visit of it had put out is gone.
    pub(super) fn store_outputs(&mut self, outputs: Data, form: Data, vars: Data) {
        let Some(frame) = self.journey.frames.last_mut() else { return };
        let Some(step) = self.runnable.step(frame.graph, frame.step) else { return };
        frame.steps.insert(step.id.clone(), outputs.into());
        merge(&mut frame.form, form);
        frame.vars.extend(vars);
    }

    /// Enters the flow or node that the running step calls.
    pub(super) fn enter_callee(&mut self, input: Data) -> Stage {
        let step = self.journey.frames.last().and_then(|frame| self.runnable.step(frame.graph, frame.step));
        let callee = step.and_then(|step| step.callee);
        let Some((graph, start)) = callee.and_then(|graph| Some((graph, self.runnable.graph(graph)?.start)))
        else {
            return self.fault(Fault::new("the step calls nothing"));
        };
        if self.journey.frames.len() >= MAX_FRAMES {
            return self.exhausted("flows call each other too deeply");
        }
        self.journey.frames.push(Frame { graph, step: start, input, ..Frame::default() });
        self.enter()
    }

    /// Leaves a called flow or node by one of its exits.
    pub(super) fn exit(&mut self, outcome: &str, mut outputs: Data) -> Stage {
        if self.journey.frames.len() < 2 {
            return self.fault(Fault::new("`exit` stands in a flow that nobody called"));
        }
        match self.declared_outputs() {
            Ok(declared) => outputs.extend(declared),
            Err(fault) => return self.fault(fault),
        }
        self.audit("step.finished", Some(outcome));
        self.journey.frames.pop();
        self.audit("step.finished", Some(outcome));
        self.store_outputs(outputs, Data::new(), Data::new());
        self.route(outcome)
    }

    /// Returns to the last page that can be returned to. It begins a clean attempt (checklist J-5).
    pub(super) fn go_back(&mut self) -> Stage {
        let frame = self.journey.frames.last();
        let step = frame.and_then(|frame| self.runnable.step(frame.graph, frame.step));
        if let Some(target) = step.and_then(|step| step.target("back")) {
            return self.go_back_by_wire(target);
        }
        let Some((instance, frames)) = self.take_visit() else {
            return Stage::Refused(Refusal::AlreadyAnswered);
        };
        self.audit("step.finished", Some("back"));
        self.forget_since(instance);
        self.journey.frames = frames;
        self.enter()
    }

    /// Follows the author's own wire. What was proven since the step that it leads to goes as well, and where nobody
    /// knows since when, everything: it can be proven again.
    fn go_back_by_wire(&mut self, target: u16) -> Stage {
        self.audit("step.finished", Some("back"));
        let since = self.take_visit_of(target).unwrap_or(StepInstance(0));
        self.forget_since(since);
        self.store_outputs(Data::new(), Data::new(), Data::new());
        self.route("back")
    }
}

/// Takes over new form values; null takes one away.
pub(super) fn merge(form: &mut Data, news: Data) {
    for (name, value) in news {
        if value.is_null() {
            form.remove(&name);
        } else {
            form.insert(name, value);
        }
    }
}

/// The code of a journey that fails because an outcome has no wire.
fn code(outcome: &str) -> &'static str {
    match outcome {
        "locked" => "locked",
        "timeout" => "timeout",
        "cancel" => "cancelled",
        _ => "error",
    }
}
