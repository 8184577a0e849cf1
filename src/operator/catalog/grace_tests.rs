//! When a grace begins, and that it ends whatever becomes of the look at its flow.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::catalog::CatalogEntry;
use idflow_api::condition::{ACTIVE, Conditions, Truth, time, timestamp};
use idflow_api::flow::Assurance;
use idflow_api::reason::Reason;
use idflow_api::{Flow, FlowRevision};
use idflow_core::time::{Span, Timestamp};

use super::tests::{demanding_two, having, proving, replanned, serving, until};
use super::*;
use crate::fixtures::{NOW, listing};

/// The same, after its time.
fn retired(revision: &Arc<FlowRevision>) -> Arc<FlowRevision> {
    let mut one = FlowRevision::clone(revision);
    one.status.get_or_insert_default().retired_at = Some(time(NOW));
    Arc::new(one)
}

#[test]
fn what_finishes_behind_gets_a_grace_of_its_own_when_the_policy_is_raised() {
    let (weak, strong) = (proving("weak", &["pwd"]), proving("strong", &["otp", "pwd"]));
    let (tenant, old) = (demanding_two(Some(Span::hours(1))), retired(&weak));
    let end = Some(NOW.plus(Span::hours(1)));
    let (flow, none) = (vec![having(&["strong", "weak"])], Vec::new());
    let mut demanded_before = listing(&[("a", "weak", 0), ("a", "strong", 100)]).spec;
    demanded_before.tenant.policy.clone_from(&tenant.spec.policy);
    let replaced = || listing(&[("a", "weak", 0), ("a", "strong", 100)]).spec;
    let cases = [
        ("it served", &flow, &old, replaced(), end),
        ("it never served", &flow, &weak, replaced(), None),
        ("the policy is as it was", &flow, &old, demanded_before, None),
        ("its flow was deleted", &none, &old, listing(&[("a", "weak", 0)]).spec, end),
        ("its flow is deleted now", &none, &weak, listing(&[("a", "weak", 100)]).spec, end),
    ];
    for (what, flows, old, before, expected) in cases {
        let all = [Arc::clone(old), Arc::clone(&strong)];
        let first = replanned(&tenant, flows, &all, &before, NOW);
        assert_eq!(until(&first), expected, "{what}");
        let later = replanned(&tenant, flows, &all, &first, NOW.plus(Span::minutes(10)));
        assert_eq!(until(&later), expected, "{what}: it does not move on");
        assert_eq!(serving(&first), if flows.is_empty() { vec![] } else { vec!["strong"] }, "{what}");
        let over = replanned(&tenant, flows, &all, &later, NOW.plus(Span::hours(1)));
        assert_eq!(until(&over), None, "{what}: it ends");
        let again = replanned(&tenant, flows, &all, &over, NOW.plus(Span::hours(2)));
        assert_eq!(until(&again), None, "{what}: and does not begin again");
    }
}

#[test]
fn a_grace_ends_although_nobody_looks_at_its_flow() {
    let weak = [proving("weak", &["pwd"])];
    let tenant = demanding_two(Some(Span::hours(1)));
    let (readable, unreadable) = (BTreeSet::new(), BTreeSet::from(["a".to_owned()]));
    for unreadable in [readable, unreadable] {
        let flows = if unreadable.is_empty() { vec![having(&["weak"])] } else { Vec::new() };
        let look = |tenant: &Tenant, previous: &CatalogSpec, minutes| {
            let now = NOW.plus(Span::minutes(minutes));
            let (flows, revisions, previous) = (&flows[..], &weak[..], Some(previous));
            plan::catalog(&Input { tenant, flows, unreadable: &unreadable, revisions, previous, now })
        };
        let what = format!("unreadable: {unreadable:?}");
        let first = look(&tenant, &listing(&[("a", "weak", 100)]).spec, 0);
        assert_eq!(
            (serving(&first), until(&first)),
            (vec!["weak".to_owned()], Some(NOW.plus(Span::hours(1)))),
            "{what}"
        );
        let later = look(&tenant, &first, 20);
        assert_eq!(later, first, "{what}: it does not move on");
        let shorter = look(&demanding_two(Some(Span::minutes(30))), &later, 25);
        assert_eq!(until(&shorter), Some(NOW.plus(Span::minutes(30))), "{what}");
        for (tenant, minutes) in [(&tenant, 60), (&demanding_two(Some(Span(0))), 25)] {
            let over = look(tenant, &later, minutes);
            assert_eq!(
                (serving(&over), until(&over)),
                (vec![], None),
                "{what}: over after {minutes} minutes"
            );
            assert_eq!(plan::next_end(&over, NOW.plus(Span::minutes(minutes))), None, "{what}");
            let again = replanned(tenant, &[having(&["weak"])], &weak, &over, NOW.plus(Span::minutes(70)));
            assert_eq!((serving(&again), until(&again)), (vec![], None), "{what}: read again");
        }
    }
}

#[test]
fn a_second_change_of_the_policy_gives_what_serves_a_grace_of_its_own() {
    let (weak, strong) = (retired(&proving("weak", &["pwd"])), proving("strong", &["otp", "pwd"]));
    let (all, flow) = ([weak, strong], [having(&["strong", "weak"])]);
    let tenant = demanding_two(Some(Span::hours(1)));
    let first =
        replanned(&tenant, &flow, &all, &listing(&[("a", "weak", 0), ("a", "strong", 100)]).spec, NOW);
    let mut stricter = tenant;
    let login = stricter.spec.policy.as_mut().and_then(|policy| policy.login.as_mut());
    login.unwrap().minimum_factors = Some(3);
    let half = NOW.plus(Span::minutes(30));
    let second = replanned(&stricter, &flow, &all, &first, half);
    let ends = |catalog: &CatalogSpec| -> BTreeMap<String, Timestamp> {
        let end = |entry: &CatalogEntry| {
            Some((entry.revision.clone(), timestamp(entry.policy_grace_until.as_ref()?)))
        };
        catalog.flows[0].entries.iter().filter_map(end).collect()
    };
    let (soon, later) = (NOW.plus(Span::hours(1)), half.plus(Span::hours(1)));
    let of_each = BTreeMap::from([("weak".to_owned(), soon), ("strong".to_owned(), later)]);
    assert_eq!(serving(&second), ["strong"]);
    assert_eq!(ends(&second), of_each, "what was not accepted before gets no more time");
    let third = replanned(&stricter, &flow, &all, &second, half.plus(Span::minutes(1)));
    assert_eq!(ends(&third), of_each, "it does not move on");
    let fourth = replanned(&stricter, &flow, &all, &third, soon);
    assert_eq!(ends(&fourth), BTreeMap::from([("strong".to_owned(), later)]));
    assert_eq!(plan::next_end(&fourth, soon), Some(Span::minutes(30)), "looked at again when the next ends");
}

#[test]
fn what_no_journey_can_run_on_any_more_gets_no_grace() {
    let (weak, strong) = (retired(&proving("weak", &["pwd"])), proving("strong", &["otp", "pwd"]));
    let (tenant, flow) = (demanding_two(Some(Span::hours(24))), [having(&["strong", "weak"])]);
    let before = listing(&[("a", "weak", 0), ("a", "strong", 100)]).spec;
    for (minutes, expected) in [(39, true), (41, false)] {
        let now = NOW.plus(Span::minutes(minutes));
        let first = replanned(&tenant, &flow, &[Arc::clone(&weak), Arc::clone(&strong)], &before, now);
        assert_eq!(until(&first).is_some(), expected, "{minutes} minutes after it was replaced");
    }
}

#[test]
fn what_lost_its_weight_a_moment_ago_has_journeys_although_it_is_not_marked_yet() {
    let (mut weak, strong) =
        (FlowRevision::clone(&proving("weak", &["pwd"])), proving("strong", &["otp", "pwd"]));
    let status = weak.status.get_or_insert_default();
    status.conditions = Conditions::new(&status.conditions, 1, NOW)
        .set(ACTIVE, Truth::True, Reason::Active, "new journeys run on it")
        .finish();
    let tenant = demanding_two(Some(Span::hours(1)));
    let before = listing(&[("a", "weak", 0), ("a", "strong", 100)]).spec;
    let first = replanned(&tenant, &[having(&["strong", "weak"])], &[Arc::new(weak), strong], &before, NOW);
    assert_eq!(until(&first), Some(NOW.plus(Span::hours(1))));
}

#[test]
fn a_flow_too_many_that_cannot_be_read_for_a_moment_keeps_its_end() {
    let weak = [proving("weak", &["pwd"])];
    let mut tenant = crate::fixtures::tenant("acme");
    tenant.spec.limits = serde_json::from_value(serde_json::json!({ "flows": 1 })).unwrap();
    let mut older = Flow::clone(&crate::fixtures::flow("older"));
    older.metadata.creation_timestamp = Some(time(Timestamp(-1000)));
    let (older, mine) = (Arc::new(older), having(&["weak"]));
    let look = |flows: &[Arc<Flow>], unreadable: &[&str], previous: &CatalogSpec, hours| {
        let unreadable = &unreadable.iter().map(|name| (*name).to_owned()).collect();
        let (now, tenant, revisions) = (NOW.plus(Span::hours(hours)), &tenant, &weak[..]);
        plan::catalog(&Input { tenant, flows, unreadable, revisions, previous: Some(previous), now })
    };
    let both = [Arc::clone(&older), mine];
    let first = look(&both, &[], &listing(&[("a", "weak", 100)]).spec, 0);
    let flicker = look(&both[..1], &["a"], &first, 23);
    assert_eq!(until(&flicker), until(&first), "it cannot be read");
    assert_eq!(until(&look(&both, &[], &flicker, 23)), until(&first), "it can be read again");
    let over = look(&both[..1], &["a"], &first, 25);
    assert_eq!((serving(&over), until(&over)), (vec![], None), "its end passes meanwhile");
    let again = look(&both, &[], &over, 26);
    assert_eq!((serving(&again), until(&again)), (vec![], None), "and does not begin again");
}

#[test]
fn an_edit_of_its_flow_ends_no_grace_of_a_revision_of_the_first_version() {
    let proves = |factor: &str| Assurance {
        step: "done".to_owned(),
        identified: true,
        guest: false,
        factors: vec![factor.to_owned()],
        minimum_factors: None,
    };
    let tenant = demanding_two(Some(Span::hours(24)));
    let mut edited = Flow::clone(&having(&["weak"]));
    edited.metadata.generation = Some(10);
    edited.status.as_mut().unwrap().observed_generation = Some(10);
    let untold = crate::fixtures::loaded("a", "weak");
    let mut told = FlowRevision::clone(&untold);
    told.status.get_or_insert_default().assurance = Some(vec![proves("pwd")]);
    let end = Some(NOW.plus(Span::hours(24)));
    let edited = [Arc::new(edited)];
    let first = replanned(&tenant, &edited, &[Arc::new(told)], &listing(&[("a", "weak", 100)]).spec, NOW);
    assert_eq!((serving(&first), until(&first)), (vec!["weak".to_owned()], end), "its status tells");
    let later = replanned(&tenant, &edited, &[untold], &first, NOW.plus(Span::hours(1)));
    assert_eq!(until(&later), end, "nothing tells what it proves any more");
}
