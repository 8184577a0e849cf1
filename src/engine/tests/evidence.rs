//! What a step may claim (checklist J-1, J-8, J-9).

use idflow_core::evidence::Proof;
use idflow_flow::facts::ProofFact::{Created, Factor, Identified};

use super::step::{Row, an_address, complete, flow, page, step, user};
use super::visitor::Visitor;

const TO_SECOND: &[(&str, &str)] = &[("next", "second"), ("error", "failed")];

fn failed() -> Row<'static> {
    ("failed", page(), &[])
}

#[test]
fn j_1_evidence_names_user_visit_attempt_and_time() {
    let runnable = flow(
        "Custom",
        &[
            ("first", page().naming(1).proving([Identified, Factor("pwd")]), TO_SECOND),
            ("second", page(), &[]),
            failed(),
        ],
    );
    let mut ada = Visitor::of(&runnable);
    assert!(!ada.answer("wrong").unwrap().assurance_rose);
    assert!(ada.answer("right").unwrap().assurance_rose);
    let [named, shown] = ada.journey.evidence.as_slice() else { panic!("two proofs") };
    assert_eq!((&named.proof, &shown.proof), (&Proof::Identified, &Proof::Factor("pwd".to_owned())));
    for evidence in [named, shown] {
        let origin = (evidence.user, evidence.instance.0, evidence.attempt.0, evidence.at);
        assert_eq!(origin, (Some(user(1).id), 1, 2, ada.now));
    }
}

#[test]
fn j_1_nothing_is_proven_that_does_not_go_with_the_facts_of_the_outcome() {
    let claims = [
        step().naming(1),
        step().naming(1).proving([Factor("pwd")]),
        step().by("other").naming(1).proving([Identified]),
        step().proving([Factor("pwd")]),
        step().proving([Identified]),
        step().proving([Created]),
        step().proving([an_address()]),
        step().verifying("email:a@example.org"),
        step().by("other").verifying("email:a@example.org").proving([an_address()]),
        step().by("invented"),
    ];
    for (number, claim) in claims.into_iter().enumerate() {
        let rows = [("first", claim, TO_SECOND), ("second", page(), &[]), failed()];
        let runnable = flow("Custom", &rows);
        let (ada, commit) = Visitor::begun(&runnable, super::visitor::start(1));
        assert_ne!(ada.place(), "second", "claim {number}");
        assert_eq!((ada.journey.evidence.len(), ada.journey.user), (0, None), "claim {number}");
        assert_eq!(commit.faults.len(), 1, "claim {number}");
        assert!(!commit.assurance_rose, "claim {number}");
    }
}

#[test]
fn j_9_a_journey_never_changes_its_user() {
    let runnable = flow(
        "Custom",
        &[
            ("first", step().naming(1).proving([Identified]), TO_SECOND),
            (
                "second",
                step().naming(2).proving([Identified, Factor("pwd")]),
                &[("next", "third"), ("error", "failed")],
            ),
            ("third", page(), &[]),
            failed(),
        ],
    );
    let ada = Visitor::of(&runnable);
    assert_eq!(
        (ada.place().as_str(), ada.journey.user, ada.journey.evidence.len()),
        ("failed", Some(user(1).id), 1)
    );
}

#[test]
fn naming_the_known_user_again_is_no_news() {
    let runnable = flow(
        "Custom",
        &[
            ("first", step().naming(1).proving([Identified]), TO_SECOND),
            ("second", step().naming(1).proving([Identified, Factor("pwd")]), &[("next", "third")]),
            ("third", page(), &[]),
            failed(),
        ],
    );
    let ada = Visitor::of(&runnable);
    assert_eq!((ada.place().as_str(), ada.journey.evidence.len()), ("third", 2));
}

#[test]
fn j_5_an_authors_own_back_drops_what_was_proven_as_ours_does() {
    let rows = |back: &'static [(&'static str, &'static str)]| {
        [
            ("start", page(), &[("next", "first")] as &[_]),
            ("first", page().naming(1).proving([Identified]), &[("next", "second")]),
            ("second", page().naming(1).proving([Identified, Factor("pwd")]), &[("next", "third")]),
            ("third", page(), back),
        ]
    };
    // Before the account was named, at the page that named it, and before a proof that no page remembers.
    for (steps, target, kept) in [(2, "start", 0), (2, "first", 0), (3, "second", 0), (3, "first", 0)] {
        let wired: &'static [(&str, &str)] = match target {
            "start" => &[("back", "start"), ("next", "third")],
            "first" => &[("back", "first"), ("next", "third")],
            _ => &[("back", "second"), ("next", "third")],
        };
        let mut all = rows(wired);
        if steps == 2 {
            all[2].2 = wired;
        }
        let runnable = flow("Custom", &all);
        let mut ada = Visitor::of(&runnable);
        for _ in 0..steps {
            ada.answer("right").unwrap();
        }
        assert!(!ada.journey.evidence.is_empty());
        ada.press("back").unwrap();
        assert_eq!(ada.place(), target);
        assert_eq!(
            (ada.journey.evidence.len(), ada.journey.user),
            (kept, None),
            "{steps} steps, back to {target}"
        );
    }
}

#[test]
fn j_22_a_step_is_said_to_have_finished_once_and_only_when_it_has() {
    let runnable = flow(
        "Login",
        &[("first", page(), &[("next", "done")] as &[_]), ("done", step().ending(complete), &[])],
    );
    let mut ada = Visitor::of(&runnable);
    let commit = ada.answer("right").unwrap();
    assert_eq!(ada.place(), "error", "nobody signs in without a factor");
    let told: Vec<_> = commit.audit.iter().map(|event| (&*event.name, event.outcome.as_deref())).collect();
    assert_eq!(
        told,
        [("step.finished", Some("next")), ("step.faulted", None), ("journey.ended", Some("error"))]
    );
}
