//! The rules: one file each, and the one list of them.

use idflow_api::Tenant;
use idflow_api::claim::Claim;
use idflow_api::tenant::Policy;

use crate::dataflow::{Dataflow, Written, witness};
use crate::diagnostic::{Finding, Place, Rule};
use crate::facts::Use;
use crate::graph::{Graph, Role, Step};
use crate::objects::Objects;
use crate::policy::Breach;
use crate::proofs::Proofs;
use crate::resolve::{Part, Resolved};

/// What a rule looks at: one flow or node, with everything it enters resolved.
#[derive(Clone, Copy)]
pub struct Subject<'c, 'a> {
    /// Everything that was resolved.
    pub resolved: &'c Resolved<'a>,
    /// The flow or node to judge.
    pub part: &'c Part<'a>,
}

impl<'c, 'a> Subject<'c, 'a> {
    fn graph(&self) -> &'c Graph<'a> {
        &self.part.graph
    }

    fn dataflow(&self) -> &'c Dataflow {
        &self.part.dataflow
    }

    fn steps(&self) -> impl Iterator<Item = (usize, &'c Step<'a>)> + use<'c, 'a> {
        self.part.graph.steps.iter().enumerate()
    }

    /// Whether it is known what every step does. Where it is not, that is an error or waited for already, and what
    /// paths prove and write cannot be told.
    fn is_known(&self) -> bool {
        self.part.graph.steps.iter().all(|step| step.is_known)
    }

    /// Whether no text may be in a `ConfigMap` that is waited for, or in an entry that cannot be read.
    fn has_all_texts(&self) -> bool {
        let is_waited_for = self.part.missing.iter().any(|(_, object)| object.kind == "ConfigMap");
        !is_waited_for && self.part.refused_texts.is_empty()
    }

    /// Whether the flow signs somebody in.
    fn is_login(&self) -> bool {
        matches!(&self.part.graph.role, Role::Journey(flow_type) if flow_type == "Login")
    }

    /// The Tenants that are known here: none where a Tenant is judged apart from its flows.
    fn tenants(&self) -> impl Iterator<Item = &'c Tenant> + use<'c, 'a> {
        self.resolved.objects.tenants.values().map(AsRef::as_ref)
    }

    /// Their policies.
    fn policies(&self) -> impl Iterator<Item = &'c Policy> + use<'c, 'a> {
        self.tenants().filter_map(|tenant| tenant.spec.policy.as_ref())
    }

    /// Every expression and template of every step, and those of a node's outputs.
    fn uses(&self) -> impl Iterator<Item = &'c Use> + use<'c, 'a> {
        let outputs = self.part.graph.outputs.iter().map(|output| &output.used);
        self.part.graph.steps.iter().flat_map(|step| &step.uses).chain(outputs)
    }

    /// The same with the step at whose entry each is evaluated, for steps that can be reached. A node's outputs are
    /// evaluated at every `exit`.
    fn uses_at(&self) -> Vec<(usize, &'c Use)> {
        let graph = self.graph();
        if !self.is_known() {
            return Vec::new();
        }
        let own = self.steps().flat_map(|(index, step)| step.uses.iter().map(move |used| (index, used)));
        let outputs = graph.outputs.iter().flat_map(|output| self.computed_at(&output.used));
        own.chain(outputs).filter(|(index, _)| self.dataflow().entry(*index).is_some()).collect()
    }

    /// A node's output with the exits at which it is computed: where what it reads is written. Where nothing writes that
    /// on the way to any exit, all of them stand for it.
    fn computed_at(&self, used: &'c Use) -> Vec<(usize, &'c Use)> {
        let at = |wanted: &[Written]| {
            let exits = self.graph().exits().map(|(index, _)| index);
            exits
                .filter(|index| wanted.contains(&self.dataflow().computable(*index, used)))
                .collect::<Vec<_>>()
        };
        let sometimes = !at(&[Written::Always, Written::Sometimes]).is_empty();
        let wanted: &[Written] =
            if sometimes { &[Written::Always] } else { &[Written::NotYet, Written::Never] };
        at(wanted).into_iter().map(|index| (index, used)).collect()
    }

    /// A path to a step on which what is proven is too little, if there is one. `lacks` must not become true by
    /// proving more: the analysis keeps the weakest alternatives only.
    fn path_where(&self, index: usize, lacks: impl Fn(&Proofs) -> bool) -> Option<String> {
        if !self.is_known() {
            return None;
        }
        let state = self.dataflow().entry(index)?;
        if state.proofs.all(|proofs| !lacks(proofs)) {
            return None;
        }
        let way = witness(self.graph(), index, lacks).map(|way| way.join(" → "));
        Some(way.unwrap_or_else(|| "some loop makes".to_owned()))
    }

    fn at(&self, pointer: impl Into<String>) -> Place {
        self.part.graph.at(pointer)
    }

    fn at_key(&self, pointer: impl Into<String>) -> Place {
        self.part.graph.object.at_key(pointer)
    }
}

/// One rule of the list.
#[derive(Clone, Copy)]
pub struct Lint {
    /// The name of its file.
    pub module: &'static str,
    /// What it is called and why it matters.
    pub rule: &'static Rule,
    /// Finds what is wrong.
    pub find: Find,
    /// The text of its file: documentation and examples.
    pub source: &'static str,
}

impl Lint {
    /// The documentation of the rule, as Markdown: what, why, an invalid and a valid example, the fix.
    pub fn documentation(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        lines.join("\n")
    }
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Find {
    /// One flow or node.
    Graph(fn(&Subject<'_, '_>) -> Vec<Finding>),
    /// All objects of a namespace, whatever else they are.
    Objects(fn(&Objects) -> Vec<Finding>),
    /// The texts of files: found while they are read.
    Text,
}

macro_rules! rules {
    (graph: $($graph:ident),+ $(,)? ; objects: $($objects:ident),+ $(,)? ; text: $($text:ident),+ $(,)?) => {
        $(mod $graph;)+
        $(mod $objects;)+
        $(pub(crate) mod $text;)+

        /// Every rule, in the order in which findings are listed.
        pub static RULES: &[Lint] = &[
            $(Lint {
                module: stringify!($graph),
                rule: &$graph::RULE,
                find: Find::Graph($graph::find),
                source: include_str!(concat!(stringify!($graph), ".rs")),
            },)+
            $(Lint {
                module: stringify!($objects),
                rule: &$objects::RULE,
                find: Find::Objects($objects::find),
                source: include_str!(concat!(stringify!($objects), ".rs")),
            },)+
            $(Lint {
                module: stringify!($text),
                rule: &$text::RULE,
                find: Find::Text,
                source: include_str!(concat!(stringify!($text), ".rs")),
            },)+
        ];
    };
}

rules! {
    graph:
        unknown_node_kind,
        invalid_settings,
        old_word,
        duplicate_step_id,
        unknown_step,
        unknown_outcome,
        unwired_outcome,
        unknown_reference,
        unsuitable_reference,
        recursive_call,
        undeclared_answer,
        undeclared_outcome,
        misplaced_end,
        ignored_outputs,
        unreachable_step,
        no_way_to_an_end,
        only_failure,
        unbounded_loop,
        invalid_expression,
        invalid_template,
        mismatched_type,
        unknown_root,
        unknown_output,
        unwritten_value,
        maybe_unwritten_value,
        secret_leak,
        user_required,
        unidentified_complete,
        unauthenticated_complete,
        unauthenticated_change,
        unproven_factor,
        unproven_address,
        unproven_change,
        untold_change,
        missing_attribute,
        unended_session,
        password_only,
        weak_assurance,
        missing_text,
        missing_locale,
        unspoken_language,
        unused_text,
        unrendered_value,
        invalid_texts,
        invalid_name,
        invalid_lifetime,
        unreached_idle,
        too_many_steps,
        forbidden_node_kind,
        forbidden_guest,
        guest_without_page;
    objects:
        mixed_scripts,
        unshared_secret,
        weak_secret,
        unsuitable_claim,
        unsuitable_client_flow,
        ungranted_scope,
        unmatched_redirect,
        literal_secret,
        unreadable_colors,
        rival_default, rival_claim, too_many_flows;
    text:
        yaml_boolean,
        duplicate_key,
        unknown_field,
        missing_field,
        invalid_value,
        broken_rule,
        unusable_value,
        foreign_namespace,
}

pub(crate) use unreadable_colors::of_theme;
pub(crate) use unsuitable_claim::{among as claims_among, of_claims};
pub(crate) use weak_secret::of_secret;

/// Objects that claim one thing.
pub(crate) fn rival_claims(objects: &Objects) -> Vec<Finding> {
    rival_claim::find(objects)
}

/// The rule of a Secret whose owner has not shared it, for who looks at one object of the cluster.
pub static SECRET_RULE: &Rule = &unshared_secret::RULE;

/// The rule of what an older object has.
pub const fn rule_of_claim(claim: &Claim) -> &'static Rule {
    match claim {
        Claim::Default(_) | Claim::DefaultFlow(_) => &rival_default::RULE,
        Claim::Namespace(_) | Claim::Issuer(_) | Claim::ClientId(_) => &rival_claim::RULE,
    }
}

/// The rule of what a Tenant does not accept.
pub const fn rule_of_breach(breach: &Breach) -> &'static Rule {
    match breach {
        Breach::TooManyFlows(_) => &too_many_flows::RULE,
        Breach::TooManySteps(_) => &too_many_steps::RULE,
        Breach::ForbiddenKind(_) => &forbidden_node_kind::RULE,
        Breach::Guest { .. } => &forbidden_guest::RULE,
        Breach::TooWeak { .. } => &weak_assurance::RULE,
    }
}

/// Everything that is wrong with one flow or node.
pub fn check(resolved: &Resolved<'_>, part: &Part<'_>) -> Vec<Finding> {
    let subject = Subject { resolved, part };
    let mut findings: Vec<Finding> = Vec::new();
    let found = RULES.iter().flat_map(|lint| match lint.find {
        Find::Graph(find) => find(&subject),
        Find::Objects(_) | Find::Text => Vec::new(),
    });
    for finding in found {
        // A text that several steps show, or an output that several exits compute, has one place.
        let is_known = |known: &Finding| known.code == finding.code && known.place == finding.place;
        if !findings.iter().any(|known| is_known(known) && known.title == finding.title) {
            findings.push(finding);
        }
    }
    findings
}

/// Everything that is wrong with objects other than the graphs in them.
pub fn check_objects(objects: &Objects) -> Vec<Finding> {
    let found = RULES.iter().flat_map(|lint| match lint.find {
        Find::Objects(find) => find(objects),
        Find::Graph(_) | Find::Text => Vec::new(),
    });
    found.collect()
}

/// Where a flow enters something, directly or through something else: JSON pointer of the step.
pub(crate) fn place_of_callee(resolved: &Resolved<'_>, subject: &Part<'_>, callee: &Part<'_>) -> String {
    let enters =
        |step: &&Step<'_>| step.graph_entered().is_some_and(|index| resolved.leads_to(index, &callee.name));
    let entering = subject.graph.steps.iter().find(enters);
    entering.map_or_else(|| subject.graph.base.to_owned(), |step| step.pointer.clone())
}

#[cfg(test)]
mod tests;
