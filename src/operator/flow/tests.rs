use idflow_api::condition::{
    Conditions, LOADED, READY, RECONCILING, RESOLVED_REFS, SERVING, STALLED, Truth, find,
};
use idflow_api::diagnostic::Severity;
use idflow_api::flow::{Assurance, FlowStatus, HistoryEntry};
use idflow_api::flow_revision::Requires;
use idflow_api::tenant::{Limits, Policy, TenantSpec};
use idflow_core::digest::Digest;
use idflow_flow::diagnostic::{ObjectId, Rule};
use idflow_flow::{Compiled, KindUse};
use serde_json::json;

use super::*;
use crate::fixtures::{NOW, catalog, flow, listing, loaded, revision, tenant};
use crate::object::without_content;

const WRONG: Rule = Rule { code: "wrong", severity: Severity::Error, why: "it is wrong" };
const ELSEWHERE: Rule = Rule { code: "elsewhere", severity: Severity::Error, why: "it is wrong elsewhere" };

fn place(kind: &str, name: &str) -> KindUse {
    KindUse { pointer: "/spec/steps/0".to_owned(), object: ObjectId::new(kind, name) }
}

fn compiled() -> Compiled {
    let assurance = Assurance {
        step: "done".to_owned(),
        identified: true,
        guest: false,
        factors: vec!["pwd".to_owned()],
        minimum_factors: Some(1),
    };
    Compiled {
        revision: None,
        missing: Vec::new(),
        findings: Vec::new(),
        assurance: vec![assurance.clone()],
        session_assurance: vec![assurance],
        node_kinds: [
            ("complete".to_owned(), place("Flow", "sign-in")),
            ("http".to_owned(), place("FlowNode", "hidden")),
        ]
        .into(),
        steps: 1,
    }
}

fn found(rule: &Rule) -> Compiled {
    let finding = rule.at(ObjectId::new("Flow", "sign-in").at("/spec/steps/0"), "wrong", "correct it");
    Compiled { findings: vec![finding], ..compiled() }
}

/// An error that an edit of another object can help too.
fn elsewhere() -> Compiled {
    let mut compiled = found(&ELSEWHERE);
    let other = ObjectId::new("FlowNode", "hidden").at("/spec");
    compiled.findings.iter_mut().for_each(|one| *one = one.clone().with(other.clone(), "here"));
    compiled
}

fn with_tenant(change: impl FnOnce(&mut TenantSpec)) -> TenantSpec {
    let mut spec = tenant("acme").spec;
    change(&mut spec);
    spec
}

#[test]
fn a_flow_is_judged_by_what_could_help() {
    let policy = |policy: serde_json::Value| -> TenantSpec {
        let policy: Policy = serde_json::from_value(policy).unwrap();
        with_tenant(|spec| spec.policy = Some(policy))
    };
    let limits = |limits: serde_json::Value| -> TenantSpec {
        let limits: Limits = serde_json::from_value(limits).unwrap();
        with_tenant(|spec| spec.limits = Some(limits))
    };
    let plain = || tenant("acme").spec;
    let missing = || Compiled { missing: vec![ObjectId::new("Directory", "staff")], ..compiled() };
    let holder = || Some("first".to_owned());
    let cases = [
        ("sound", plain(), compiled(), None, 0, "Accepted"),
        ("an error of its own", plain(), found(&WRONG), None, 0, "Refused"),
        ("an error of what it calls", plain(), elsewhere(), None, 0, "ReferenceNotReady"),
        ("something missing", plain(), missing(), None, 0, "Unresolved"),
        ("a second default", plain(), compiled(), holder(), 0, "ClaimedByOther"),
        ("too many flows", plain(), compiled(), None, 500, "LimitReached"),
        ("fewer flows allowed", limits(json!({ "flows": 3 })), compiled(), None, 3, "LimitReached"),
        (
            "a forbidden kind",
            policy(json!({ "forbiddenNodeKinds": ["complete"] })),
            compiled(),
            None,
            0,
            "NotAllowed",
        ),
        (
            "a forbidden kind hidden in what it enters",
            policy(json!({ "forbiddenNodeKinds": ["http"] })),
            compiled(),
            None,
            0,
            "NotAllowed",
        ),
        (
            "another forbidden kind",
            policy(json!({ "forbiddenNodeKinds": ["script"] })),
            compiled(),
            None,
            0,
            "Accepted",
        ),
        (
            "two factors demanded",
            policy(json!({ "login": { "minimumFactors": 2 } })),
            compiled(),
            None,
            0,
            "NotAllowed",
        ),
        (
            "a factor demanded",
            policy(json!({ "login": { "factors": ["otp"] } })),
            compiled(),
            None,
            0,
            "NotAllowed",
        ),
        (
            "a factor shown",
            policy(json!({ "login": { "factors": ["pwd"] } })),
            compiled(),
            None,
            0,
            "Accepted",
        ),
    ];
    for (what, tenant, compiled, holder, older, expected) in cases {
        let checked = judge::judge(&flow("sign-in"), &tenant, compiled, holder, older);
        let verdict = match checked.verdict {
            Verdict::Accepted => "Accepted",
            Verdict::Refused(_) => "Refused",
            Verdict::Unresolved(_) => "Unresolved",
            Verdict::Waiting(reason, _) => reason.as_str(),
        };
        assert_eq!(verdict, expected, "{what}");
    }
}

#[test]
fn a_forbidden_kind_is_named_with_its_way_and_the_object_it_stands_in() {
    let policy: Policy = serde_json::from_value(json!({ "forbiddenNodeKinds": ["http"] })).unwrap();
    let tenant = with_tenant(|spec| spec.policy = Some(policy));
    let problems = judge::judge(&flow("sign-in"), &tenant, compiled(), None, 0).problems;
    assert_eq!(
        (problems[0].code.as_str(), problems[0].path.as_str()),
        ("forbidden-node-kind", "spec.steps[done]")
    );
    let start = "the tenant does not allow http steps, and FlowNode/hidden has one";
    assert!(problems[0].message.starts_with(start), "{}", problems[0].message);
}

fn content(text: &str) -> Content {
    Content {
        text: text.to_owned(),
        digest: Digest::of(text),
        sources: Vec::new(),
        requires: Requires { format: 1, node_kinds: vec!["complete".to_owned()] },
        steps: Some(1),
        assurance: compiled().session_assurance,
    }
}

fn minted(flow: &Flow, text: &str, is_taken: impl Fn(&str) -> bool) -> FlowRevision {
    let spec = plan::spec(flow, &content(text));
    plan::revision(flow, &catalog(), &plan::new_name(&spec, is_taken), spec)
}

fn named(flow: &str, name: &str, digest: &str) -> Arc<FlowRevision> {
    let mut one = revision(flow, name);
    one.spec.digest = Digest::of(digest).to_string();
    one.spec.generation = 3;
    Arc::new(one)
}

pub(super) fn seen<'a>(checked: &'a Checked, catalog: &'a Catalog) -> Seen<'a> {
    Seen {
        checked,
        revision: None,
        revisions: &[],
        offered_since: catalog.metadata.generation.unwrap(),
        catalog: Some(catalog),
        older: 0,
        used_by: Vec::new(),
    }
}

fn status_of(
    flow: &Flow,
    checked: &Checked,
    newest: Option<&FlowRevision>,
    all: &[Arc<FlowRevision>],
    catalog: &Catalog,
) -> FlowStatus {
    let seen = Seen { revision: newest, revisions: all, ..seen(checked, catalog) };
    status::status(flow, &seen, NOW)
}

pub(super) fn accepted() -> Checked {
    judge::judge(&flow("sign-in"), &tenant("acme").spec, compiled(), None, 0)
}

#[test]
fn a_revision_is_named_after_flow_generation_and_digest() {
    let minted = minted(&flow("sign-in"), "a", |_| false);
    assert_eq!(minted.name_any(), format!("sign-in-g1-{}", Digest::of("a").short(8)));
    assert_eq!(minted.spec.digest, Digest::of("a").to_string());
    let owners: Vec<(&str, bool)> = minted
        .owner_references()
        .iter()
        .map(|owner| (owner.kind.as_str(), owner.controller == Some(true)))
        .collect();
    assert_eq!(owners, [("Flow", true), ("Catalog", false)]);
}

#[test]
fn a_clash_of_names_takes_more_digits() {
    let short = format!("sign-in-g1-{}", Digest::of("a").short(8));
    let minted = minted(&flow("sign-in"), "a", |name| name == short);
    assert_eq!(minted.name_any(), format!("sign-in-g1-{}", Digest::of("a").short(12)));
}

#[test]
fn a_revision_says_what_it_requires_and_proves_and_keeps_what_its_author_wrote() {
    let spec = minted(&flow("sign-in"), "a", |_| false).spec;
    assert_eq!((spec.requires.unwrap().node_kinds, spec.steps), (vec!["complete".to_owned()], Some(1)));
    assert_eq!(spec.assurance.unwrap()[0].factors, ["pwd"]);
    let authored: serde_json::Value = serde_json::from_str(&spec.authored.unwrap()).unwrap();
    assert_eq!(authored, json!(flow("sign-in").spec));
}

#[test]
fn equal_content_takes_up_the_existing_revision_again() {
    let existing = [named("sign-in", "sign-in-g3-old", "a"), named("sign-in", "sign-in-g4-new", "b")];
    let found = plan::equal(&existing, &Digest::of("a")).unwrap();
    assert_eq!((found.name_any().as_str(), found.spec.generation), ("sign-in-g3-old", 3));
}

#[test]
fn what_merely_claims_the_digest_is_stepped_around() {
    let mut forged = revision("sign-in", "aaa-squatter");
    forged.spec.digest = Digest::of("a").to_string();
    forged.spec.content = "something else".to_owned();
    without_content(&mut forged);
    assert!(plan::equal(&[Arc::new(forged)], &Digest::of("a")).is_none());
    let mut honest = revision("sign-in", "sign-in-g1-old");
    honest.spec.content = r#"{"format":1,"graphs":[{"steps":[{"kind":"complete"}]}]}"#.to_owned();
    let digest = Digest::of(&honest.spec.content);
    honest.spec.digest = digest.to_string();
    without_content(&mut honest);
    assert_eq!(honest.spec.requires, Some(Requires { format: 1, node_kinds: vec!["complete".to_owned()] }));
    assert_eq!(honest.spec.steps, Some(1));
    assert_eq!((honest.spec.content.as_str(), honest.spec.authored.as_ref()), ("", None));
    assert!(plan::equal(&[Arc::new(honest)], &digest).is_some());
}

#[test]
fn a_flow_that_was_made_anew_takes_its_revisions_over() {
    let existing = named("sign-in", "sign-in-g3-old", "a");
    let mut anew = flow("sign-in");
    anew.metadata.uid = Some("another".to_owned());
    assert!(!plan::has_owners(&existing, &anew, &catalog()));
    let owned = minted(&anew, "a", |_| false);
    assert!(plan::has_owners(&owned, &anew, &catalog()));
}

#[test]
fn labels_of_a_flow_are_not_copied_to_its_revisions() {
    let mut tracked = flow("sign-in");
    tracked.labels_mut().insert("argocd.argoproj.io/instance".to_owned(), "platform".to_owned());
    let minted = minted(&tracked, "a", |_| false);
    assert!(minted.labels().keys().all(|label| !label.contains("argocd")));
}

/// The Catalog's status says whether pods follow it.
pub(super) fn followed(mut catalog: Catalog, follows: bool) -> Catalog {
    catalog.status.get_or_insert_default().followed_generation = Some(i64::from(follows));
    catalog
}

#[test]
fn a_flow_is_ready_when_every_pod_has_what_it_serves() {
    let newest = loaded("sign-in", "new");
    let unloaded = Arc::new(revision("sign-in", "new"));
    let weight = |name: &str, weight| listing(&[("sign-in", name, weight)]);
    let cases = [
        ("not listed", &newest, catalog(), true, "False"),
        ("listed without weight", &newest, weight("new", 0), true, "False"),
        ("weight, pods follow", &newest, weight("new", 100), true, "True"),
        ("weight, pods do not follow yet", &newest, weight("new", 100), false, "False"),
        ("weight, not loaded", &unloaded, weight("new", 100), true, "False"),
    ];
    for (what, newest, catalog, follows, expected) in cases {
        let all = [Arc::clone(newest)];
        let status = status_of(
            &flow("sign-in"),
            &accepted(),
            Some(newest.as_ref()),
            &all,
            &followed(catalog, follows),
        );
        assert_eq!(find(&status.conditions, SERVING).unwrap().status, expected, "{what}");
        assert_eq!(find(&status.conditions, READY).unwrap().status, expected, "{what}");
        assert_eq!(find(&status.conditions, RECONCILING).is_some(), expected == "False", "{what}");
    }
}

#[test]
fn another_flows_edit_does_not_change_serving() {
    let newest = loaded("sign-in", "new");
    let all = [Arc::clone(&newest)];
    let listed = || listing(&[("sign-in", "new", 100)]);
    let mut served = flow("sign-in");
    served.status = Some(status_of(&served, &accepted(), Some(&newest), &all, &followed(listed(), true)));
    let mut edited = followed(listed(), true);
    edited.metadata.generation = Some(2);
    assert_eq!(status_of(&served, &accepted(), Some(&newest), &all, &edited), served.status.unwrap());
}

#[test]
fn a_broken_edit_is_stalled_and_the_old_revision_goes_on_serving() {
    let old = loaded("sign-in", "old");
    let mut edited = flow("sign-in");
    edited.metadata.generation = Some(2);
    let history = vec![HistoryEntry { generation: 1, revision: "old".to_owned() }];
    edited.status = Some(FlowStatus {
        latest_created_revision: Some("old".to_owned()),
        latest_ready_revision: Some("old".to_owned()),
        history: history.clone(),
        ..FlowStatus::default()
    });
    let checked = judge::judge(&edited, &tenant("acme").spec, found(&WRONG), None, 0);
    let catalog = followed(listing(&[("sign-in", "old", 100)]), true);
    let status = status_of(&edited, &checked, None, &[old], &catalog);
    assert_eq!(find(&status.conditions, STALLED).unwrap().reason, "CompileFailed");
    assert_eq!(find(&status.conditions, SERVING).unwrap().status, "True");
    assert_eq!(status.latest_ready_revision.as_deref(), Some("old"));
    assert_eq!(status.history, history);
    assert_eq!(status.problems.len(), 1);
    assert_eq!(status.problems[0].path, "spec.steps[done]");
}

#[test]
fn a_missing_reference_is_waiting_and_not_failure() {
    let missing = Compiled { missing: vec![ObjectId::new("Directory", "staff")], ..compiled() };
    let checked = judge::judge(&flow("sign-in"), &tenant("acme").spec, missing, None, 0);
    let status = status_of(&flow("sign-in"), &checked, None, &[], &catalog());
    assert_eq!(find(&status.conditions, RESOLVED_REFS).unwrap().status, "False");
    assert!(find(&status.conditions, STALLED).is_none());
    let ready = find(&status.conditions, READY).unwrap();
    assert!(ready.message.contains("Directory/staff"), "{}", ready.message);
}

#[test]
fn a_library_flow_is_ready_without_serving() {
    let mut library = flow("verify");
    library.spec.type_ = FlowType::Library;
    let status = status_of(&library, &accepted(), None, &[], &catalog());
    assert!(find(&status.conditions, SERVING).is_none());
    assert_eq!(find(&status.conditions, READY).unwrap().reason, "Library");
    assert_eq!(status.url, None);
}

#[test]
fn a_suspended_flow_is_ready_and_says_so() {
    let newest = loaded("sign-in", "new");
    let mut suspended = flow("sign-in");
    suspended.spec.suspend = true;
    let catalog = followed(listing(&[("sign-in", "new", 100)]), true);
    let status = status_of(&suspended, &accepted(), Some(&newest), &[Arc::clone(&newest)], &catalog);
    assert_eq!(find(&status.conditions, READY).unwrap().reason, "Suspended");
    assert_eq!(status.url.as_deref(), Some("https://login.acme.example/flows/sign-in"));
}

#[test]
fn the_history_is_bounded_and_newest_first() {
    let mut one = flow("sign-in");
    one.metadata.generation = Some(40);
    let old =
        (20..32).rev().map(|generation| HistoryEntry { generation, revision: format!("r{generation}") });
    one.status = Some(FlowStatus { history: old.collect(), ..FlowStatus::default() });
    let newest = loaded("sign-in", "new");
    let history = status_of(&one, &accepted(), Some(&newest), &[], &catalog()).history;
    assert_eq!(history.len(), 10);
    assert_eq!((history[0].generation, history[0].revision.as_str()), (40, "new"));
    assert_eq!(history[1].generation, 31);
}

#[test]
fn the_same_generation_on_another_revision_replaces_its_entry() {
    let mut one = flow("sign-in");
    one.status = Some(FlowStatus {
        history: vec![HistoryEntry { generation: 1, revision: "old".to_owned() }],
        ..FlowStatus::default()
    });
    let history = status_of(&one, &accepted(), Some(&loaded("sign-in", "new")), &[], &catalog()).history;
    assert_eq!(history, [HistoryEntry { generation: 1, revision: "new".to_owned() }]);
}

#[test]
fn problems_fit_into_the_status() {
    let many = Compiled { findings: (0..30).flat_map(|_| found(&WRONG).findings).collect(), ..compiled() };
    let checked = judge::judge(&flow("sign-in"), &tenant("acme").spec, many, None, 0);
    assert_eq!(checked.problems.len(), 20);
}

#[test]
fn a_flow_without_a_tenant_waits_and_keeps_what_is_known() {
    let mut orphan = flow("sign-in");
    orphan.status = Some(FlowStatus { steps: Some(4), ..FlowStatus::default() });
    let waiting =
        Checked::not(Verdict::Waiting(Reason::NoTenant, "no Tenant has it yet".to_owned()), Vec::new());
    let status = status_of(&orphan, &waiting, None, &[], &catalog());
    assert_eq!(find(&status.conditions, READY).unwrap().reason, "NoTenant");
    assert_eq!(status.steps, Some(4));
}

#[test]
fn serving_names_the_pod_that_does_not_run_a_revision_and_why() {
    let mut refused = revision("sign-in", "new");
    let message = "pod idflow-executor-0 does not run it: it has format 2";
    refused.status.get_or_insert_default().conditions =
        Conditions::new(&[], 1, NOW).set(LOADED, Truth::False, Reason::Unusable, message).finish();
    let refused = Arc::new(refused);
    let catalog = followed(listing(&[("sign-in", "new", 100)]), true);
    let status = status_of(&flow("sign-in"), &accepted(), Some(&refused), &[Arc::clone(&refused)], &catalog);
    for condition in [SERVING, READY] {
        let found = find(&status.conditions, condition).unwrap();
        assert_eq!((found.status.as_str(), found.reason.as_str()), ("False", "Unusable"), "{condition}");
        assert!(found.message.contains(message), "{}", found.message);
    }
}
