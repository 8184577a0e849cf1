//! What completing needs and opens.

use idflow_core::grant::AuthorizationRequest;
use idflow_core::journey::{Completion, Ending, Phase, Purpose};
use idflow_flow::facts::ProofFact::{Created, Factor, Identified};
use serde_json::json;

use super::step::{Step, an_address, complete, failure, flow, step, user};
use super::visitor::{Visitor, start};
use crate::run::{Commit, Start};
use crate::turn::{Complete, EndTurn};

fn application() -> Start {
    let request = json!({ "clientId": "shop", "redirectUri": "https://shop.example/callback", "scopes": [] });
    let request: AuthorizationRequest = serde_json::from_value(request).unwrap();
    Start { purpose: Purpose::Authorize(Box::new(request)), ..start(1) }
}

fn guest() -> EndTurn {
    match complete() {
        EndTurn::Complete(complete) => EndTurn::Complete(Complete { guest: true, ..complete }),
        other => other,
    }
}

fn ended(flow_type: &str, proves: Step, end: fn() -> EndTurn, start: Start) -> (String, Commit) {
    let rows = [("first", proves, &[("next", "done")] as &[_]), ("done", step().ending(end), &[])];
    let runnable = flow(flow_type, &rows);
    let (visitor, commit) = Visitor::begun(&runnable, start);
    (visitor.place(), commit)
}

fn answers_application(commit: &Commit) -> bool {
    matches!(
        commit.journey.phase,
        Phase::Ended(Ending::Completed { outcome: Completion::Application, session: None, .. })
    )
}

fn signed_in() -> Step {
    step().naming(1).proving([Identified, Factor("pwd"), an_address()]).verifying("email:user1@example.org")
}

#[test]
fn a_sign_in_opens_a_session_and_answers_the_application() {
    let (place, commit) = ended("Login", signed_in(), complete, application());
    let opens = commit.opens.as_ref().unwrap();
    assert_eq!((place.as_str(), opens.user, opens.evidence.len()), ("completed", Some(user(1).id), 3));
    assert_eq!(opens.authenticated, commit.journey.started);
    assert!(answers_application(&commit));
    assert_eq!(commit.audit[0].client.as_deref(), Some("shop"));
}

#[test]
fn a_sign_in_that_no_application_asked_for_ends_on_its_page() {
    let (place, commit) = ended("Login", signed_in(), complete, start(1));
    assert_eq!(place, "completed");
    assert!(commit.opens.is_some() && !answers_application(&commit));
}

#[test]
fn j_6_a_sign_in_never_completes_without_a_user_and_a_factor() {
    let too_little = [
        step(),
        step().naming(1).proving([Identified]),
        step().naming(1).proving([Identified, Created]),
        step().proving([an_address()]).verifying("email:user1@example.org"),
    ];
    for (number, proves) in too_little.into_iter().enumerate() {
        for start in [application(), start(1)] {
            let (place, commit) = ended("Login", proves.clone(), complete, start);
            assert_eq!((place.as_str(), commit.opens.is_none()), ("error", true), "{number}");
        }
    }
}

#[test]
fn a_guest_has_a_session_without_a_subject_and_without_anybodys_evidence() {
    let (place, commit) = ended("Login", signed_in(), guest, application());
    let opens = commit.opens.as_ref().unwrap();
    assert_eq!((place.as_str(), opens.user, opens.evidence.len()), ("completed", None, 0));
    assert!(!answers_application(&commit), "no token without a subject");
}

#[test]
fn a_registration_signs_in_only_who_has_shown_a_factor() {
    let with = step().naming(1).proving([Identified, Created, Factor("pwd")]);
    let (place, commit) = ended("Registration", with, complete, start(1));
    assert_eq!((place.as_str(), commit.opens.is_some()), ("completed", true));
    let without = step().naming(1).proving([Identified, Created]);
    let (place, commit) = ended("Registration", without, complete, start(1));
    assert_eq!((place.as_str(), commit.opens.is_some()), ("completed", false));
}

#[test]
fn other_flows_open_nothing() {
    for flow_type in ["Custom", "ResetPassword", "Consent", "Library", "Unheard"] {
        let (place, commit) = ended(flow_type, signed_in(), complete, start(1));
        assert_eq!((place.as_str(), commit.opens.is_none()), ("completed", true), "{flow_type}");
    }
}

#[test]
fn what_the_visitor_entered_does_not_outlive_the_journey() {
    let entered = step()
        .outputs(json!({ "y": "Ada" }))
        .vars(json!({ "x": "Ada" }))
        .form(json!({ "name": "Ada" }))
        .naming(1)
        .proving([Identified, Factor("pwd")]);
    for end in [complete as fn() -> EndTurn, failure] {
        let (_, commit) = ended("Login", entered.clone(), end, start(1));
        let stored = serde_json::to_string(&commit.journey).unwrap();
        assert!(!stored.contains("Ada") && !stored.contains("user1@"), "{stored}");
    }
}
