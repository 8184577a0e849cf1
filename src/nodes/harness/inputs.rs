//! Wrong posts (checklist J-1 to J-4, J-13): the step stays, and nothing is proven, written, kept or sent.

use idflow_core::effect::Submission;
use idflow_core::{Data, Value};
use idflow_engine::bind::Runnable;
use idflow_engine::run::{Commit, Refusal};
use serde_json::json;

use super::example::Example;
use super::person::{Person, Trial, place, works};
use super::stage::runnable;
use super::world::World;

/// Does something with every example that waits for a post.
fn for_every_waiting_step(check: impl Fn(&str, &Example, &Runnable)) {
    let mut count = 0;
    for (kind, _, examples) in crate::examples() {
        for example in examples.iter().filter(|example| example.posts.is_some()) {
            count += 1;
            let name = format!("{} {}", kind.name, example.settings);
            check(&name, example, &runnable(kind, example));
        }
    }
    assert!(count >= 6, "the harness found {count} waiting steps");
}

fn assert_stays(name: &str, trial: &Trial<'_>, decided: &Commit) {
    let (before, after) = (&trial.journey, &decided.journey);
    assert_eq!(place(trial.runnable, after), "tried", "{name}");
    assert_eq!(after.frames, before.frames, "{name}");
    assert_eq!((&after.evidence, after.user), (&before.evidence, before.user), "{name}");
    assert_eq!(after.instances, before.instances, "{name}");
    assert!(decided.writes.is_empty() && decided.opens.is_none() && !decided.assurance_rose, "{name}");
    let size = serde_json::to_vec(after).unwrap().len();
    assert!(size < 16 * 1024, "{name}: the record has {size} bytes");
}

/// Posts whose fields are not what the step asks for.
pub(super) fn wrong_fields(right: &Data, free_text: Option<&str>) -> Vec<Data> {
    let oversized = "x".repeat(1 << 20);
    let wrong = [
        json!(null),
        json!([]),
        json!({}),
        json!([["x"]]),
        json!({ "x": { "y": 1 } }),
        json!(4.5),
        json!(""),
        json!(oversized),
        json!("\u{0}"),
        json!("wrong"),
    ];
    let mut all = Vec::new();
    for name in right.keys() {
        let mut missing = right.clone();
        missing.remove(name);
        all.push(missing);
        let is_text = |value: &Value| value.as_str().is_some_and(|text| (1..10).contains(&text.len()));
        for value in wrong.iter().filter(|value| free_text != Some(name) || !is_text(value)) {
            let mut fields = right.clone();
            fields.insert(name.clone(), value.clone());
            all.push(fields);
        }
    }
    if !right.is_empty() {
        all.push(Data::new());
        all.push(
            json!({ "unknown": "x", "outcome": "next", "evidence": ["pwd"] }).as_object().unwrap().clone(),
        );
    }
    all
}

#[test]
fn the_right_post_goes_on_by_the_outcome_it_should() {
    for_every_waiting_step(|name, example, runnable| {
        let mut world = World::new();
        let mut ada = Trial::of(Person::ADA, runnable, &mut world);
        assert_eq!(ada.place(), "tried", "{name}");
        ada.post(&ada.right(example, &world), &mut world).unwrap();
        assert_eq!(ada.place(), example.leaves_by, "{name}");
    });
}

#[test]
fn a_field_that_nobody_asked_for_is_ignored() {
    for_every_waiting_step(|name, example, runnable| {
        let mut world = World::new();
        let mut ada = Trial::of(Person::ADA, runnable, &mut world);
        let mut submission = ada.right(example, &world);
        submission.fields.insert("unknown".to_owned(), json!({ "deep": ["kept?"] }));
        ada.post(&submission, &mut world).unwrap();
        assert_eq!(ada.place(), example.leaves_by, "{name}");
        assert!(!serde_json::to_string(&ada.journey).unwrap().contains("kept?"), "{name}");
    });
}

#[test]
fn j_1_a_wrong_post_moves_nothing() {
    for_every_waiting_step(|name, example, runnable| {
        let mut world = World::new();
        let ada = Trial::of(Person::ADA, runnable, &mut world);
        let right = ada.right(example, &world);
        let mut wrong: Vec<Submission> = wrong_fields(&right.fields, example.free_text)
            .into_iter()
            .map(|fields| Submission { action: right.action.clone(), fields })
            .collect();
        wrong.extend(
            ["nonsense", "", "error", "tried"]
                .map(|action| Submission { action: action.to_owned(), fields: Data::new() }),
        );
        for submission in wrong {
            let shown = format!(
                "{name} {} {:?}",
                submission.action,
                submission.fields.iter().map(short).collect::<Vec<_>>()
            );
            let decided = ada.tried(&ada.token(), submission, &world, &works).unwrap();
            assert_stays(&shown, &ada, &decided);
            assert!(decided.committed().is_empty(), "{shown}");
        }
    });
}

fn short((name, value): (&String, &Value)) -> String {
    format!("{name}: {}", value.to_string().chars().take(40).collect::<String>())
}

#[test]
fn j_1_another_journeys_and_another_users_proof_moves_nothing() {
    for_every_waiting_step(|name, example, runnable| {
        let is_personal = |value: &Value| matches!(value.as_str(), Some("$password" | "$code"));
        let fields = example.posts.as_ref().and_then(Value::as_object).unwrap();
        if !fields.values().any(is_personal) {
            return;
        }
        let mut world = World::new();
        let ada = Trial::of(Person::ADA, runnable, &mut world);
        let bob = Trial::of(Person::BOB, runnable, &mut world);
        let mut mixed = ada.right(example, &world);
        let bobs = bob.right(example, &world);
        for (field, value) in fields {
            if is_personal(value) {
                mixed.fields.insert(field.clone(), bobs.fields[field].clone());
            }
        }
        let decided = ada.tried(&ada.token(), mixed, &world, &works).unwrap();
        assert_stays(name, &ada, &decided);
    });
}

#[test]
fn j_1_evidence_of_nobody_or_of_another_user_moves_nothing() {
    let mut count = 0;
    for_every_waiting_step(|name, example, runnable| {
        if !example.rests_on_evidence {
            return;
        }
        let mut world = World::new();
        let ada = Trial::of(Person::ADA, runnable, &mut world);
        let bob = Trial::of(Person::BOB, runnable, &mut world);
        for evidence in [Vec::new(), bob.journey.evidence.clone()] {
            let mut journey = ada.journey.clone();
            journey.evidence = evidence;
            let stripped = Trial { journey, ..Trial::of(Person::ADA, runnable, &mut world) };
            let right = ada.right(example, &world);
            let decided = stripped.tried(&ada.token(), right, &world, &works).unwrap();
            assert_ne!(place(runnable, &decided.journey), example.leaves_by, "{name}");
            assert!(decided.writes.is_empty(), "{name}");
        }
    });
    for (_, _, examples) in crate::examples() {
        count += examples.iter().filter(|example| example.rests_on_evidence).count();
    }
    assert!(count > 0, "no example rests on evidence");
}

#[test]
fn j_1_what_is_proven_is_bound_to_this_visit_and_user() {
    for_every_waiting_step(|name, example, runnable| {
        let mut world = World::new();
        let mut ada = Trial::of(Person::ADA, runnable, &mut world);
        let known = ada.journey.evidence.len();
        let waiting = ada.journey.clone();
        let idflow_core::journey::Phase::ExpectSubmission(expected) = &waiting.phase else {
            panic!("{name}")
        };
        ada.post(&ada.right(example, &world), &mut world).unwrap();
        for evidence in ada.journey.evidence.iter().skip(known) {
            assert_eq!(
                (evidence.instance, evidence.attempt),
                (expected.instance, expected.attempt),
                "{name}"
            );
            assert_eq!(evidence.user, ada.journey.user, "{name}");
        }
    });
}

#[test]
fn j_3_j_4_an_old_or_foreign_token_moves_nothing() {
    for_every_waiting_step(|name, example, runnable| {
        let mut world = World::new();
        let mut ada = Trial::of(Person::ADA, runnable, &mut world);
        let bob = Trial::of(Person::BOB, runnable, &mut world);
        let right = ada.right(example, &world);
        let refused = |trial: &Trial<'_>, token: &str, world: &World| {
            trial.tried(token, right.clone(), world, &works).unwrap_err()
        };
        for foreign in [bob.token().as_str(), "", "guess"] {
            assert_eq!(refused(&ada, foreign, &world), Refusal::StaleToken, "{name}");
        }
        let first_attempt = ada.token();
        let wrong = Submission { action: "nonsense".to_owned(), fields: Data::new() };
        ada.post(&wrong, &mut world).unwrap();
        assert_eq!(refused(&ada, &first_attempt, &world), Refusal::AlreadyAnswered, "{name}");
        let second_attempt = ada.token();
        ada.post(&right, &mut world).unwrap();
        assert_eq!(ada.place(), example.leaves_by, "{name}");
        let mails = world.mails.len();
        assert_eq!(refused(&ada, &second_attempt, &world), Refusal::AlreadyAnswered, "{name}");
        assert_eq!(world.mails.len(), mails, "{name}");
    });
}
