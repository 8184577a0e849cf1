//! A name that YAML or CEL reads as something else.
//!
//! Step ids, fields, actions, variables and outputs are lowerCamelCase, because expressions read them by name and CEL
//! reads a dash as minus; and none is a word that YAML 1.1 or CEL keeps for itself, such as `on` or `in`.
//!
//! ```yaml,invalid
//! type: Login
//! start: second-factor
//! steps:
//!   - id: second-factor
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Choose another name.

use idflow_api::name::{MAX_FLOW_NAME, is_dns_label, is_name};

use crate::diagnostic::{Finding, Place, Rule, Severity};
use crate::graph::Step;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "invalid-name",
    severity: Severity::Error,
    why: "Expressions could not read it, or YAML would not keep it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = cx.steps().flat_map(|(_, step)| step_names(cx, step)).collect();
    let name = &cx.graph().object.name;
    if cx.part.flow.is_some() && (!is_dns_label(name) || name.len() > MAX_FLOW_NAME) {
        let title = format!("{name} is not a name for a flow");
        let help = format!("use at most {MAX_FLOW_NAME} lower-case letters, digits and dashes");
        findings.push(RULE.at(cx.at("/metadata/name"), title, help));
    }
    findings
}

fn step_names(cx: &Subject<'_, '_>, step: &Step<'_>) -> Vec<Finding> {
    let below_node = || cx.at(step.node_pointer(""));
    let mut findings: Vec<Finding> = named(cx.at(format!("{}/id", step.pointer)), "a step", step.id).into_iter().collect();
    let written = [("a field", &step.facts.form), ("a variable", &step.facts.vars), ("a session attribute", &step.facts.session)];
    for (what, outputs) in written {
        findings.extend(outputs.iter().filter_map(|output| named(below_node(), what, &output.name)));
    }
    for outcome in &step.facts.outcomes {
        findings.extend(named(below_node(), "an outcome", &outcome.name));
    }
    findings
}

fn named(place: Place, what: &str, name: &str) -> Option<Finding> {
    let help = "use letters and digits, a lower-case letter first, and no word of YAML or CEL such as on, no, in";
    (!is_name(name)).then(|| RULE.at(place, format!("{name} is not a name for {what}"), help))
}
