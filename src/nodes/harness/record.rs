//! What the compiler said of the example flows, and what stands in the record when somebody has gone there.

use std::collections::BTreeSet;

use idflow_core::audit::AuditEvent;
use idflow_core::chance::{Chance, SeededChance};
use idflow_core::effect::Submission;
use idflow_core::evidence::Proof;
use idflow_core::journey::{Frame, Journey, Phase};
use idflow_core::view::FieldType;
use idflow_core::{Data, Value};
use idflow_engine::run::Commit;
use idflow_flow::dataflow::Written;
use idflow_flow::facts::ProofFact;
use idflow_flow::proofs::Proofs;
use idflow_flow::resolve::{Part, Resolved, Subject, resolve};

use super::person::{Person, Trial, begun, works};
use super::provenance::{word_of_fact, word_of_proof};
use super::quickstart::{FLOWS, folder};
use super::world::World;

/// Whether what the compiler said holds in the record, for the step that a frame stands at.
fn holds(fact: &ProofFact, frame: &Frame, journey: &Journey) -> bool {
    let has = |wanted: &Proof| journey.evidence.iter().any(|evidence| evidence.proof == *wanted);
    let is_called = |text: &str| {
        let mut attributes = journey.user_data.values().filter_map(Value::as_str);
        attributes.any(|value| value.eq_ignore_ascii_case(text))
    };
    match fact {
        ProofFact::Identified => journey.user.is_some(),
        ProofFact::Created => has(&Proof::Created),
        ProofFact::Factor(method) => has(&Proof::Factor((*method).to_owned())),
        ProofFact::Address(place) => match value(place, frame, journey).and_then(Value::as_str) {
            Some(address) => has(&Proof::Address(format!("email:{address}"))),
            // What the callee called it has no name here.
            None => journey.evidence.iter().any(|evidence| matches!(evidence.proof, Proof::Address(_))),
        },
        ProofFact::Named { place, .. } => {
            value(place, frame, journey).and_then(Value::as_str).is_some_and(is_called)
        }
        ProofFact::OwnAddress(_) => journey.evidence.iter().any(|evidence| {
            matches!(&evidence.proof, Proof::Address(address) if is_called(address.trim_start_matches("email:")))
        }),
    }
}

/// The value in a place such as `form.email`.
fn value<'j>(place: &str, frame: &'j Frame, journey: &'j Journey) -> Option<&'j Value> {
    let mut path = place.split('.');
    let root: &Data = match path.next()? {
        "form" => &frame.form,
        "steps" => &frame.steps,
        "vars" => &frame.vars,
        "input" => &frame.input,
        "user" => &journey.user_data,
        _ => return None,
    };
    let first = root.get(path.next()?)?;
    path.try_fold(first, |value, name| value.get(name))
}

fn part<'p, 'a>(resolved: &'p Resolved<'a>, name: &str) -> &'p Part<'a> {
    resolved.parts.iter().find(|part| part.name == name).unwrap()
}

/// What was proven and written on every way to where the journey stands is there; what was written on none is not.
fn assert_stands_as_told(resolved: &Resolved<'_>, trial: &Trial<'_>) {
    for frame in &trial.journey.frames {
        let graph = &trial.runnable.program().graphs[usize::from(frame.graph)];
        let (part, id) = (part(resolved, &graph.name), &graph.steps[usize::from(frame.step)].id);
        let index = part.graph.find(id).unwrap();
        let entry = part.dataflow.entry(index);
        let entry = entry.unwrap_or_else(|| panic!("{} {id} is said to be never reached", part.name));
        let all_hold = |proofs: &Proofs| proofs.iter().all(|fact| holds(fact, frame, &trial.journey));
        assert!(
            entry.proofs.iter().any(all_hold),
            "{} {id}: {:?} is not {:?}",
            part.name,
            trial.journey.evidence,
            entry.proofs
        );
        for place in part.dataflow.places() {
            let is_there = value(place, frame, &trial.journey).is_some();
            match part.dataflow.written(index, place) {
                Written::Always => assert!(is_there, "{} {id}: {place} is not there", part.name),
                // Who went back finds again what they had typed.
                Written::NotYet | Written::Never => {
                    assert!(!is_there || place.starts_with("form."), "{} {id}: {place} is there", part.name);
                }
                Written::Sometimes => {}
            }
        }
    }
}

/// What the steps that a commit says to have finished prove by their facts, in the order they finished.
fn told(resolved: &Resolved<'_>, audit: &[AuditEvent]) -> Vec<ProofFact> {
    let finished = audit.iter().filter(|event| event.name == "step.finished");
    let proofs = finished.flat_map(|event| {
        let (path, outcome) = (event.step.as_deref().unwrap(), event.outcome.as_deref().unwrap());
        let mut part = resolved.parts.last().unwrap();
        let mut proofs = Vec::new();
        for id in path.split('/') {
            let step = &part.graph.steps[part.graph.find(id).unwrap()];
            let found = step.facts.outcomes.iter().find(|known| known.name == outcome);
            proofs = found.map(|outcome| outcome.proofs.clone()).unwrap_or_default();
            if let Some(inner) = step.graph_entered() {
                part = &resolved.parts[inner];
            }
        }
        proofs
    });
    proofs.collect()
}

/// The evidence that a commit adds is what its steps were said to prove, no more and no less.
fn assert_proven_as_told(resolved: &Resolved<'_>, before: &Journey, commit: &Commit) {
    let mut told = told(resolved, &commit.audit);
    // To name the known user again is no news.
    told.retain(|fact| *fact != ProofFact::Identified || before.user.is_none());
    let wanted: BTreeSet<String> = told.iter().filter_map(word_of_fact).collect();
    let evidence = commit.opens.as_ref().map_or(&commit.journey.evidence, |opened| &opened.evidence);
    let new = evidence.iter().filter(|one| !before.evidence.contains(one));
    let new: BTreeSet<String> = new.map(|one| word_of_proof(&one.proof)).collect();
    assert_eq!(new, wanted, "{:?}", commit.audit);
}

/// Somebody who now and then mistypes, goes back or takes another way.
struct Wanderer<'c>(&'c SeededChance);

impl Wanderer<'_> {
    fn draw(&self, of: usize) -> usize {
        let mut drawn = [0];
        self.0.fill(&mut drawn);
        usize::from(drawn[0]) % of
    }

    fn post(&self, trial: &Trial<'_>, world: &World) -> Option<Submission> {
        let Phase::ExpectSubmission(expected) = &trial.journey.phase else { return None };
        let mut buttons = vec!["next", "next", "next", "next", "back"];
        buttons.extend(expected.view.actions.iter().map(|action| action.name.as_str()));
        let addresses = [Person::ADA.email, Person::ADA.email, "carol@example.org", "x@trashmail.com"];
        let mail = world.mails.iter().rev().find_map(|mail| mail.code.clone());
        let entry = |kind: FieldType| match kind {
            FieldType::Code if self.draw(5) > 0 => mail.clone().unwrap_or_default(),
            FieldType::Email | FieldType::Identifier => addresses[self.draw(4)].to_owned(),
            FieldType::Password if self.draw(5) > 0 => Person::ADA.password.to_owned(),
            FieldType::NewPassword => Person::ADA.password.to_owned(),
            _ => "Somebody".to_owned(),
        };
        let fields = expected.view.fields.iter();
        let fields = fields.map(|field| (field.name.clone(), Value::from(entry(field.field_type)))).collect();
        Some(Submission { action: buttons[self.draw(buttons.len())].to_owned(), fields })
    }
}

#[test]
fn what_the_compiler_said_of_the_quickstart_is_what_the_record_shows() {
    let folder = folder();
    let mut ends = BTreeSet::new();
    for (name, runnable) in FLOWS.iter() {
        let resolved = resolve(Subject::Flow(&folder.objects.flows[name]), &folder.objects, crate::kinds());
        for seed in 0..60 {
            let chance = SeededChance::new(seed);
            let mut world = World::new();
            let first = begun(Person::ADA, 0, runnable, &world, &works).unwrap();
            let journey = first.journey.clone();
            world.commit(first).unwrap();
            let mut ada = Trial { person: Person::ADA, runnable, journey };
            for _ in 0..24 {
                // The record of a journey that ended keeps no values.
                let Some(post) = Wanderer(&chance).post(&ada, &world) else { break };
                assert_stands_as_told(&resolved, &ada);
                let Ok(commit) = ada.tried(&ada.token(), post, &world, &works) else { continue };
                let before = std::mem::replace(&mut ada.journey, commit.journey.clone());
                assert_proven_as_told(&resolved, &before, &commit);
                if world.commit(commit).is_err() {
                    ada.journey = before;
                }
            }
            ends.insert(format!("{name} {}", ada.place()));
        }
    }
    for end in ["sign-in completed", "sign-up completed", "reset-password completed", "reset-password failed"]
    {
        assert!(ends.iter().any(|found| found.starts_with(end)), "{end} is not among {ends:?}");
    }
}
