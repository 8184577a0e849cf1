//! What a flow's status tells of a grace.

use std::sync::Arc;

use idflow_api::condition::{POLICY_GRACE, find, time};
use idflow_api::flow::{Assurance, FlowStatus};
use idflow_api::{Flow, FlowRevision};
use idflow_core::time::{Span, Timestamp};
use serde_json::json;

use super::status::Seen;
use super::tests::{accepted, followed, seen};
use super::{grace, status};
use crate::fixtures::{NOW, flow, listing, loaded, revision};

/// A revision, loaded, that proves these factors.
fn proving(factors: &[&str]) -> Arc<FlowRevision> {
    let mut one = FlowRevision::clone(&loaded("sign-in", "new"));
    let factors: Vec<String> = factors.iter().map(|factor| (*factor).to_owned()).collect();
    let end =
        Assurance { step: "done".to_owned(), identified: true, guest: false, factors, minimum_factors: None };
    one.spec.assurance = Some(vec![end]);
    Arc::new(one)
}

#[test]
fn the_grace_of_a_flow_is_what_its_catalog_says() {
    let strong = Arc::new(FlowRevision {
        spec: proving(&["otp", "pwd"]).spec.clone(),
        ..revision("sign-in", "strong")
    });
    let revisions = [proving(&["pwd"]), strong];
    let end = NOW.plus(Span::hours(2));
    let observe = |flow: &Flow, entries: &[(&str, &str, i32)], until: Option<Timestamp>, now| {
        let mut catalog = followed(listing(entries), true);
        let policy = json!({ "login": { "minimumFactors": 2 } });
        catalog.spec.tenant.policy = serde_json::from_value(policy).unwrap();
        catalog.spec.flows[0].entries[0].policy_grace_until = until.map(time);
        let checked = accepted();
        let seen = Seen { revisions: &revisions, ..seen(&checked, &catalog) };
        status::status(flow, &seen, now)
    };
    let grace = |status: &FlowStatus| find(&status.conditions, POLICY_GRACE).cloned();
    let serves: &[_] = &[("sign-in", "new", 100)];
    let carried: &[_] = &[("sign-in", "new", 0), ("sign-in", "strong", 100)];
    let cases = [
        ("it serves", serves, Some(end), Some("revision new goes on until")),
        ("something else serves", carried, Some(end), Some("journeys under way on revision new go on until")),
        ("over, or not begun", serves, None, None),
        ("all are accepted", &[("sign-in", "strong", 100)], Some(end), None),
    ];
    for (what, entries, until, expected) in cases {
        let mut flow = flow("sign-in");
        let first = observe(&flow, entries, until, NOW);
        let told = grace(&first);
        assert_eq!(told.is_some(), expected.is_some(), "{what}");
        let Some((told, begins)) = told.clone().zip(expected) else { continue };
        assert!(told.message.starts_with(begins), "{what}: {}", told.message);
        assert!(told.message.contains(&grace::moment(end)), "{what}: {}", told.message);
        flow.status = Some(first);
        let again = observe(&flow, entries, until, NOW.plus(Span::hours(1)));
        assert_eq!(grace(&again), Some(told), "{what}: a second look says nothing new");
    }
}
