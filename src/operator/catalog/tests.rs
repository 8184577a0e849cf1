use std::collections::BTreeSet;

use idflow_api::condition::{ACTIVE, Conditions, LOADED, READY, STALLED, Truth, find, time};
use idflow_api::flow::{Assurance, FlowStatus, Guarantees, HistoryEntry};
use idflow_api::reason::Reason;
use idflow_api::tenant::Policy;
use idflow_api::{Flow, FlowRevision};
use idflow_core::time::{Span, Timestamp};

use super::*;
use crate::fixtures::{NOW, flow, listing, loaded, revision, tenant, uid};
use crate::flow::grace::graces;

/// A flow whose newest revision is this one.
fn wanting(name: &str, newest: &str) -> Arc<Flow> {
    let mut flow = flow(name);
    let history = vec![HistoryEntry { generation: 1, revision: newest.to_owned() }];
    flow.status = Some(FlowStatus {
        latest_created_revision: Some(newest.to_owned()),
        history,
        ..FlowStatus::default()
    });
    Arc::new(flow)
}

/// The weights of a Catalog as `(flow, revision, weight)`.
fn weights(catalog: &CatalogSpec) -> Vec<(String, String, i32)> {
    let entries =
        catalog.flows.iter().flat_map(|flow| flow.entries.iter().map(|entry| (flow.flow.clone(), entry)));
    entries.map(|(flow, entry)| (flow, entry.revision.clone(), entry.weight)).collect()
}

fn planned(
    flows: &[Arc<Flow>],
    revisions: &[Arc<FlowRevision>],
    before: &[(&str, &str, i32)],
) -> CatalogSpec {
    planned_for(&tenant("acme"), flows, revisions, before)
}

fn planned_for(
    tenant: &Tenant,
    flows: &[Arc<Flow>],
    revisions: &[Arc<FlowRevision>],
    before: &[(&str, &str, i32)],
) -> CatalogSpec {
    replanned(tenant, flows, revisions, &listing(before).spec, NOW)
}

pub(super) fn replanned(
    tenant: &Tenant,
    flows: &[Arc<Flow>],
    revisions: &[Arc<FlowRevision>],
    previous: &CatalogSpec,
    now: Timestamp,
) -> CatalogSpec {
    let unreadable = &BTreeSet::new();
    plan::catalog(&Input { tenant, flows, unreadable, revisions, previous: Some(previous), now })
}

/// What, the revisions there are, the Catalog before, and the weights after.
type Publishing<'a> = (&'a str, Vec<Arc<FlowRevision>>, &'a [(&'a str, &'a str, i32)], Vec<(&'a str, i32)>);

#[test]
fn publishing_has_two_phases() {
    let (old, new) = (loaded("a", "old"), Arc::new(revision("a", "new")));
    let flows = [wanting("a", "new")];
    let before = [("a", "old", 100)];
    let cases: [Publishing; 4] = [
        ("the first is listed without weight", vec![Arc::clone(&new)], &[], vec![("new", 0)]),
        (
            "it gets weight once it is loaded",
            vec![loaded("a", "new")],
            &[("a", "new", 0)],
            vec![("new", 100)],
        ),
        (
            "the old one keeps it meanwhile",
            vec![Arc::clone(&old), new],
            &before,
            vec![("new", 0), ("old", 100)],
        ),
        ("then the new one has all", vec![old, loaded("a", "new")], &before, vec![("new", 100), ("old", 0)]),
    ];
    for (what, revisions, before, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|(name, weight)| ("a".to_owned(), (*name).to_owned(), *weight)).collect();
        assert_eq!(weights(&planned(&flows, &revisions, before)), expected, "{what}");
    }
}

#[test]
fn weight_that_was_given_stays_when_no_pod_is_ready() {
    let unloaded = [Arc::new(revision("a", "new"))];
    let catalog = planned(&[wanting("a", "new")], &unloaded, &[("a", "new", 100)]);
    assert_eq!(weights(&catalog), [("a".to_owned(), "new".to_owned(), 100)]);
}

#[test]
fn a_deleted_flow_starts_nothing_and_its_journeys_finish() {
    let catalog = planned(&[], &[loaded("a", "new")], &[("a", "new", 100)]);
    assert_eq!(weights(&catalog), [("a".to_owned(), "new".to_owned(), 0)]);
}

#[test]
fn a_flow_made_anew_does_not_start_journeys_on_its_predecessors_revision() {
    let mut anew = Flow::clone(&flow("a"));
    anew.metadata.uid = Some(uid("another"));
    let catalog = planned(&[Arc::new(anew)], &[loaded("a", "old")], &[("a", "old", 100)]);
    assert_eq!(weights(&catalog), [("a".to_owned(), "old".to_owned(), 0)]);
}

#[test]
fn rolling_back_gives_the_old_revision_its_weight_at_once() {
    let revisions = [loaded("a", "old"), loaded("a", "new")];
    let catalog = planned(&[wanting("a", "old")], &revisions, &[("a", "new", 100)]);
    let serving: Vec<_> = weights(&catalog).into_iter().filter(|(_, _, weight)| *weight > 0).collect();
    assert_eq!(serving, [("a".to_owned(), "old".to_owned(), 100)]);
}

#[test]
fn nothing_changes_for_a_flow_that_cannot_be_read() {
    let before = listing(&[("a", "old", 100)]).spec;
    let catalog = plan::catalog(&Input {
        tenant: &tenant("acme"),
        flows: &[],
        unreadable: &BTreeSet::from(["a".to_owned()]),
        revisions: &[loaded("a", "old")],
        previous: Some(&before),
        now: NOW,
    });
    assert_eq!(catalog.flows, before.flows);
}

#[test]
fn the_older_of_two_defaults_of_one_type_is_the_default() {
    let mut older = Flow::clone(&wanting("zeta", "z"));
    older.metadata.creation_timestamp = Some(time(Timestamp(-1000)));
    older.spec.default = true;
    let mut younger = Flow::clone(&wanting("alpha", "a"));
    younger.spec.default = true;
    let flows = [Arc::new(older), Arc::new(younger)];
    let catalog = planned(&flows, &[loaded("zeta", "z"), loaded("alpha", "a")], &[]);
    let defaults: Vec<&str> =
        catalog.flows.iter().filter(|flow| flow.default).map(|flow| flow.flow.as_str()).collect();
    assert_eq!(defaults, ["zeta"]);
}

#[test]
fn suspension_counts_at_once_and_takes_no_weight() {
    let mut suspended = Flow::clone(&wanting("a", "new"));
    suspended.spec.suspend = true;
    let catalog = planned(&[Arc::new(suspended)], &[loaded("a", "new")], &[]);
    assert!(catalog.flows[0].suspended);
    assert_eq!(weights(&catalog)[0].2, 100);
}

#[test]
fn the_same_world_gives_the_same_catalog_in_any_order() {
    let revisions = [loaded("a", "old"), loaded("a", "new"), loaded("b", "one")];
    let mut reversed = revisions.clone();
    reversed.reverse();
    let flows = [wanting("a", "new"), wanting("b", "one")];
    assert_eq!(planned(&flows, &revisions, &[]), planned(&flows, &reversed, &[]));
}

#[test]
fn a_revision_retires_once() {
    let flows = [wanting("a", "new")];
    let catalog = listing(&[("a", "new", 100), ("a", "old", 0)]);
    let uses = plan::Uses::new(&catalog, &flows);
    let status = |revision: &FlowRevision, now| plan::revision_status(revision, &uses, now);
    let active = status(&loaded("a", "new"), NOW);
    assert_eq!(find(&active.conditions, ACTIVE).unwrap().status, "True");
    assert_eq!(active.retired_at, None);
    let mut old = FlowRevision::clone(&loaded("a", "old"));
    let retired = status(&old, NOW);
    assert_eq!(retired.retired_at, Some(time(NOW)));
    assert_eq!(find(&retired.conditions, READY).unwrap().status, "True");
    old.status = Some(retired.clone());
    assert_eq!(status(&old, NOW.plus(Span::hours(1))), retired);
}

#[test]
fn a_newest_revision_that_loses_its_weight_has_stopped_taking_journeys() {
    let (flows, with) = ([wanting("a", "new")], |weight| listing(&[("a", "new", weight)]));
    let mut new = FlowRevision::clone(&loaded("a", "new"));
    for (what, weight, minutes, expected) in [
        ("it takes journeys", 100, 0, None),
        ("a pod cannot run it", 0, 1, Some(1)),
        ("still", 0, 2, Some(1)),
        ("every pod can again", 100, 3, None),
    ] {
        let (catalog, now) = (with(weight), NOW.plus(Span::minutes(minutes)));
        let status = plan::revision_status(&new, &plan::Uses::new(&catalog, &flows), now);
        let since = expected.map(|minutes| time(NOW.plus(Span::minutes(minutes))));
        assert_eq!(status.retired_at, since, "{what}");
        new.status = Some(status);
    }
}

#[test]
fn a_new_revision_waits_and_is_not_retired() {
    let catalog = listing(&[("a", "new", 0)]);
    let status =
        plan::revision_status(&revision("a", "new"), &plan::Uses::new(&catalog, &[wanting("a", "new")]), NOW);
    assert_eq!(status.retired_at, None);
    assert_eq!(find(&status.conditions, ACTIVE).unwrap().reason, "NotLoaded");
}

/// A loaded revision whose sessions have shown these factors.
pub(super) fn proving(name: &str, factors: &[&str]) -> Arc<FlowRevision> {
    let mut one = FlowRevision::clone(&loaded("a", name));
    let factors = factors.iter().map(|factor| (*factor).to_owned()).collect();
    let end =
        Assurance { step: "done".to_owned(), identified: true, guest: false, factors, minimum_factors: None };
    one.spec.assurance = Some(vec![end]);
    Arc::new(one)
}

/// The same, but some pod will not run it.
fn refused(revision: &Arc<FlowRevision>, reason: Reason) -> Arc<FlowRevision> {
    let mut one = FlowRevision::clone(revision);
    one.status.get_or_insert_default().conditions =
        Conditions::new(&[], 1, NOW).set(LOADED, Truth::False, reason, "pod idflow-executor-0").finish();
    Arc::new(one)
}

/// A flow with this history, newest first.
pub(super) fn having(history: &[&str]) -> Arc<Flow> {
    let mut flow = Flow::clone(&wanting("a", history[0]));
    let status = flow.status.get_or_insert_default();
    let entry = |(age, name): (usize, &&str)| HistoryEntry {
        generation: 9 - i64::try_from(age).unwrap(),
        revision: (*name).to_owned(),
    };
    status.history = history.iter().enumerate().map(entry).collect();
    Arc::new(flow)
}

pub(super) fn demanding_two(grace: Option<Span>) -> Tenant {
    let mut tenant = tenant("acme");
    let login = Guarantees { minimum_factors: Some(2), ..Guarantees::default() };
    tenant.spec.policy = Some(Policy { login: Some(login), grace, ..Policy::default() });
    tenant
}

/// Who takes new journeys.
pub(super) fn serving(catalog: &CatalogSpec) -> Vec<String> {
    weights(catalog).into_iter().filter(|(_, _, weight)| *weight == 100).map(|(_, name, _)| name).collect()
}

#[test]
fn what_the_policy_does_not_accept_goes_on_for_the_grace_and_then_the_newest_that_it_accepts_serves() {
    let (weak, strong) = (proving("weak", &["pwd"]), proving("strong", &["otp", "pwd"]));
    let ancient = proving("ancient", &["hwk", "pwd"]);
    let all = vec![weak.clone(), strong, ancient];
    let (hour, ago) = (Some(Span::hours(1)), |span: Span| NOW.plus(Span(-span.0)));
    let history = ["weak", "strong", "ancient"];
    let before = [("a", "weak", 100)];
    let cases = [
        ("seen first", hour, None, all.clone(), &before[..], vec!["weak"], Some(Span::hours(1))),
        (
            "begun",
            hour,
            Some(ago(Span::minutes(20))),
            all.clone(),
            &before,
            vec!["weak"],
            Some(Span::minutes(40)),
        ),
        ("a day by default", None, Some(NOW), all.clone(), &before, vec!["weak"], Some(Span::hours(24))),
        ("over", hour, Some(ago(Span::hours(1))), all.clone(), &before, vec!["strong"], None),
        ("an emergency", Some(Span(0)), None, all.clone(), &before, vec!["strong"], None),
        (
            "over, and nothing else",
            hour,
            Some(ago(Span::hours(1))),
            vec![weak.clone()],
            &before,
            vec![],
            None,
        ),
        ("never for a new one", hour, None, vec![weak], &[("a", "weak", 0)], vec![], None),
        ("long over", hour, None, all, &[("a", "strong", 100)], vec!["strong"], None),
    ];
    for (what, grace, begun, revisions, before, expected, left) in cases {
        let tenant = demanding_two(grace);
        let mut before = listing(before).spec;
        if let Some(begun) = begun {
            before.tenant.policy.clone_from(&tenant.spec.policy);
            before.flows[0].entries[0].policy_grace_until =
                Some(time(begun.plus(grace.unwrap_or(Span::hours(24)))));
        }
        let catalog = replanned(&tenant, &[having(&history)], &revisions, &before, NOW);
        assert_eq!(serving(&catalog), expected, "{what}");
        assert_eq!(until(&catalog), left.map(|left| NOW.plus(left)), "{what}");
        assert_eq!(plan::next_end(&catalog, NOW), left, "{what}: looked at again when it ends");
    }
}

#[test]
fn weight_stays_where_every_pod_has_it_when_one_will_not_run_the_newest() {
    let (old, new) = (proving("old", &["pwd"]), proving("new", &["pwd"]));
    let unusable = refused(&new, Reason::Unusable);
    let flow = [having(&["new", "old"])];
    let cases = [
        ("it had no weight yet", vec![unusable.clone(), old.clone()], [("a", "old", 100)], "old"),
        ("it had all", vec![unusable.clone(), old.clone()], [("a", "new", 100)], "old"),
        (
            "the older one neither",
            vec![unusable.clone(), refused(&old, Reason::Unusable)],
            [("a", "new", 100)],
            "new",
        ),
        ("there is no other", vec![unusable], [("a", "new", 100)], "new"),
        ("it only loads", vec![refused(&new, Reason::NotLoaded), old.clone()], [("a", "new", 100)], "new"),
        ("every pod can again", vec![new, old], [("a", "old", 100)], "new"),
    ];
    for (what, revisions, before, expected) in cases {
        assert_eq!(serving(&planned(&flow, &revisions, &before)), [expected], "{what}");
    }
}

#[test]
fn a_revision_that_is_not_what_it_claims_is_not_listed_and_says_so() {
    let mut forged = revision("a", "aaa-squatter");
    forged.spec.digest.clear();
    let catalog = planned(&[wanting("a", "new")], &[loaded("a", "new"), Arc::new(forged.clone())], &[]);
    assert_eq!(weights(&catalog), [("a".to_owned(), "new".to_owned(), 100)]);
    let listed = listing(&[("a", "new", 100)]);
    let status = plan::revision_status(&forged, &plan::Uses::new(&listed, &[]), NOW);
    assert_eq!(find(&status.conditions, STALLED).unwrap().reason, "Damaged");
}

/// A loaded revision of which the flow's author guarantees so many factors.
fn guaranteeing(name: &str, least: Option<i32>) -> Arc<FlowRevision> {
    let mut one = FlowRevision::clone(&loaded("a", name));
    let guarantees = Guarantees { minimum_factors: least, ..Guarantees::default() };
    one.status.get_or_insert_default().guarantees = Some(guarantees);
    Arc::new(one)
}

#[test]
fn what_is_guaranteed_of_the_revisions_that_serve_counts_whatever_the_flow_says_now() {
    let said = |least: i32| Some(Guarantees { minimum_factors: Some(least), ..Guarantees::default() });
    let promising = |newest: &str, least: Option<i32>| {
        let mut flow = Flow::clone(&wanting("a", newest));
        flow.spec.guarantees = least.and_then(said);
        vec![Arc::new(flow)]
    };
    let (two, three, nothing) =
        (guaranteeing("two", Some(2)), guaranteeing("three", Some(3)), guaranteeing("nothing", None));
    let untold = loaded("a", "untold");
    let both = [("a", "two", 50), ("a", "nothing", 50)];
    let cases = [
        ("the newest", promising("two", Some(2)), vec![&two], &[("a", "two", 100)][..], said(2)),
        ("an edit that does not compile", promising("two", None), vec![&two], &[("a", "two", 100)], said(2)),
        (
            "a raise that does not compile",
            promising("two", Some(3)),
            vec![&two],
            &[("a", "two", 100)],
            said(2),
        ),
        ("the next one is not loaded yet", promising("next", None), vec![&two, &nothing], &both, said(2)),
        ("what has no weight", promising("two", None), vec![&two, &three], &[("a", "two", 100)], said(2)),
        ("an older one serves", promising("x", None), vec![&two, &nothing], &[("a", "nothing", 100)], None),
        ("a deleted flow", Vec::new(), vec![&two, &three, &nothing], &[("a", "nothing", 100)], said(3)),
        (
            "nothing is known yet",
            promising("untold", Some(3)),
            vec![&untold],
            &[("a", "untold", 100)],
            said(3),
        ),
    ];
    for (what, flows, revisions, before, expected) in cases {
        let revisions: Vec<_> = revisions.into_iter().cloned().collect();
        assert_eq!(planned(&flows, &revisions, before).flows[0].guarantees, expected, "{what}");
    }
    let mut before = listing(&[("a", "untold", 100)]).spec;
    before.flows[0].guarantees = said(2);
    for flows in [promising("untold", None), Vec::new()] {
        let after = replanned(&tenant("acme"), &flows, std::slice::from_ref(&untold), &before, NOW);
        assert_eq!(after.flows[0].guarantees, said(2), "what was in force goes on");
    }
}

/// The first end of a grace.
pub(super) fn until(catalog: &CatalogSpec) -> Option<Timestamp> {
    graces(catalog).map(|(_, end)| end).min()
}

#[test]
fn what_is_not_accepted_finishes_within_the_grace_when_something_else_takes_its_place() {
    let (weak, strong) = (proving("weak", &["pwd"]), proving("strong", &["otp", "pwd"]));
    let (tenant, all) = (demanding_two(Some(Span::hours(1))), [weak, strong]);
    let end = NOW.plus(Span::hours(1));
    let flows = [having(&["strong", "weak"])];
    let published = planned_for(&tenant, &flows, &all, &[("a", "weak", 100)]);
    assert_eq!((serving(&published), until(&published)), (vec!["strong".to_owned()], Some(end)));

    let calm = [having(&["strong", "weak"])];
    let minute = NOW.plus(Span::minutes(1));
    let again = replanned(&tenant, &calm, &all, &published, minute);
    assert_eq!((serving(&again), until(&again)), (vec!["strong".to_owned()], Some(end)), "it is carried on");
    let (hasty, gone) = (demanding_two(Some(Span(0))), Vec::new());
    let longer = demanding_two(Some(Span::hours(3)));
    let cases = [
        ("the flow is deleted", &tenant, &gone, &all[..], minute, Some(end)),
        ("its end", &tenant, &calm.to_vec(), &all, end, None),
        ("nothing is left to finish", &tenant, &calm.to_vec(), &all[1..], minute, None),
        ("the administrator is in a hurry", &hasty, &calm.to_vec(), &all, minute, None),
        ("or is not", &longer, &calm.to_vec(), &all, minute, Some(NOW.plus(Span::hours(3)))),
    ];
    for (what, tenant, flows, revisions, now, expected) in cases {
        assert_eq!(until(&replanned(tenant, flows, revisions, &again, now)), expected, "{what}");
    }
    let settled = replanned(&tenant, &calm, &all, &again, end);
    let later = replanned(&tenant, &calm, &all, &settled, end.plus(Span::minutes(1)));
    assert_eq!(until(&later), None, "what only finishes begins no grace");
}

#[test]
fn limits_that_are_lowered_are_judged_like_the_policy() {
    let limited = |limits: serde_json::Value, grace| {
        let mut tenant = tenant("acme");
        tenant.spec.limits = Some(serde_json::from_value(limits).unwrap());
        tenant.spec.policy = Some(Policy { grace: Some(grace), ..Policy::default() });
        tenant
    };
    let with_steps = |steps| {
        let mut one = FlowRevision::clone(&loaded("a", "new"));
        one.spec.steps = steps;
        [Arc::new(one), loaded("b", "other")]
    };
    let mut younger = Flow::clone(&wanting("a", "new"));
    younger.metadata.creation_timestamp = Some(time(Timestamp(1000)));
    let flows = [Arc::new(younger), wanting("b", "other")];
    let before = [("a", "new", 100), ("b", "other", 100)];
    let steps = || serde_json::json!({ "steps": 3 });
    let cases = [
        ("as many steps as are allowed", steps(), Some(3), vec!["new", "other"]),
        ("too many steps", steps(), Some(4), vec!["other"]),
        ("nothing is known of its steps", steps(), None, vec!["new", "other"]),
        ("room for one flow", serde_json::json!({ "flows": 1 }), Some(1), vec!["other"]),
    ];
    for (what, limits, steps, expected) in cases {
        let catalog = planned_for(&limited(limits.clone(), Span(0)), &flows, &with_steps(steps), &before);
        assert_eq!(serving(&catalog), expected, "{what}");
        let graced = planned_for(&limited(limits, Span::hours(1)), &flows, &with_steps(steps), &before);
        assert_eq!(serving(&graced), ["new", "other"], "{what}, in its grace");
        assert_eq!(graced.flows[0].entries[0].policy_grace_until.is_some(), expected.len() == 1, "{what}");
    }
}

#[test]
fn what_a_revision_of_the_first_version_proves_is_told_by_its_flow() {
    let old = loaded("a", "old");
    for (factors, expected) in [(vec!["pwd"], None), (vec!["otp", "pwd"], Some("old"))] {
        let mut flow = Flow::clone(&wanting("a", "old"));
        let end = proving("like", &factors).spec.assurance.clone().unwrap();
        let status = flow.status.get_or_insert_default();
        (status.observed_generation, status.assurance) = (Some(1), end);
        let catalog = planned_for(
            &demanding_two(Some(Span(0))),
            &[Arc::new(flow)],
            std::slice::from_ref(&old),
            &[("a", "old", 100)],
        );
        assert_eq!(serving(&catalog), Vec::from_iter(expected), "{factors:?}");
    }
}
