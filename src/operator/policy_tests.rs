//! What a policy, and an author's guarantees, do over time: who is told, and what reaches the executors.

use idflow_api::condition::{POLICY_GRACE, time};
use idflow_core::time::{Clock as _, Span};
use serde_json::{Value, json};

use crate::harness::{Harness, address};

/// Events about an object of that kind, with that reason.
fn events<'a>(objects: &'a [Value], kind: &str, reason: &str) -> Vec<&'a Value> {
    let of = |event: &&Value| event["regarding"]["kind"] == kind && event["reason"] == reason;
    objects.iter().filter(|object| object["kind"] == "Event").filter(of).collect()
}

fn condition(object: &Value, wanted: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == wanted).unwrap_or_default()
}

fn gauge(harness: &Harness) -> String {
    let text = harness.metrics();
    let line = text.lines().find(|line| line.starts_with("idflow_operator_policy_grace_flows "));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn catalog_entry(harness: &Harness) -> Value {
    harness.object("Catalog", "idflow")["spec"]["flows"][0].clone()
}

/// Makes the flow one step longer: another revision.
async fn lengthen(harness: &Harness) {
    harness.edit("acme", "flows", "sign-in", |spec| {
        spec["steps"][0]["outcomes"]["next"] = json!("welcome");
        let welcome = json!({ "id": "welcome", "message": {}, "outcomes": { "next": "done" } });
        spec["steps"].as_array_mut().unwrap().push(welcome);
    });
    harness.publish().await;
}

/// Takes that step away again.
async fn shorten(harness: &Harness) {
    harness.edit("acme", "flows", "sign-in", |spec| {
        spec["steps"][0]["outcomes"]["next"] = json!("done");
        spec["steps"].as_array_mut().unwrap().pop();
    });
    harness.publish().await;
}

#[tokio::test]
async fn a_grace_is_told_once_to_those_concerned_and_counted_while_it_lasts() {
    let harness = Harness::signing_in().await;
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 0");
    let policy = json!({ "login": { "minimumFactors": 2 }, "grace": "1h" });
    harness.edit("", "tenants", "acme", |spec| spec["policy"] = policy);
    for _again in 0..2 {
        harness.settle().await;
        harness.clock.advance(Span::minutes(10));
    }
    let end = time(harness.clock.now().plus(Span::minutes(40))).0.to_string();
    let objects = harness.server.objects();
    for (kind, name) in [("Flow", "sign-in"), ("Tenant", "acme")] {
        let told = events(&objects, kind, "PolicyGrace");
        let [event] = told.as_slice() else { panic!("{kind}: {told:?}") };
        let message = condition(&harness.object(kind, name), POLICY_GRACE)["message"].clone();
        assert!(message.as_str().unwrap().contains(&end), "{kind}: {message}, not {end}");
        assert_eq!((&event["type"], &event["note"]), (&json!("Warning"), &message), "{kind}");
    }
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 1");
    assert_eq!(catalog_entry(&harness)["entries"][0]["weight"], 100);

    harness.clock.advance(Span::minutes(40));
    harness.settle().await;
    assert_eq!(catalog_entry(&harness)["entries"][0]["weight"], 0, "nobody wrote anything, and it is over");
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 0");
    for (kind, name) in [("Flow", "sign-in"), ("Tenant", "acme")] {
        assert_eq!(condition(&harness.object(kind, name), POLICY_GRACE), Value::Null, "{kind}");
        assert_eq!(events(&harness.server.objects(), kind, "PolicyGrace").len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn what_only_finishes_is_told_for_as_long_as_it_may() {
    let harness = Harness::signing_in().await;
    lengthen(&harness).await;
    let limits = json!({ "steps": 2 });
    harness.edit("", "tenants", "acme", |spec| {
        spec["limits"] = limits;
        spec["policy"] = json!({ "grace": "1h" });
    });
    harness.settle().await;
    let entries = catalog_entry(&harness)["entries"].clone();
    let long = entries.as_array().unwrap().iter().find(|one| one["weight"] == 100).unwrap();
    let long = long["revision"].as_str().unwrap();
    let told = |kind, name| condition(&harness.object(kind, name), POLICY_GRACE)["message"].clone();
    let begins = |message: &Value, with: &str| message.as_str().unwrap_or_default().starts_with(with);
    assert!(begins(&told("Flow", "sign-in"), &format!("revision {long} goes on until")));

    shorten(&harness).await;
    assert_eq!(harness.ready_reason("Flow", "sign-in"), "Serving");
    let carried = told("Flow", "sign-in");
    assert!(begins(&carried, &format!("journeys under way on revision {long} go on until")), "{carried}");
    assert!(told("Tenant", "acme").is_string());
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 1");

    harness.edit("", "tenants", "acme", |spec| spec["policy"] = json!({ "grace": "2h" }));
    harness.settle().await;
    assert_ne!(told("Flow", "sign-in"), carried, "a longer grace is told where it is read");
    harness.server.remove(&address("acme", "flows", "sign-in"));
    harness.publish().await;
    assert!(told("Tenant", "acme").is_string(), "the flow is gone and its journeys go on");
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 1");

    harness.clock.advance(Span::hours(2));
    harness.settle().await;
    assert_eq!(told("Tenant", "acme"), Value::Null);
    assert_eq!(gauge(&harness), "idflow_operator_policy_grace_flows 0");
}

#[tokio::test]
async fn what_was_guaranteed_last_counts_until_the_author_takes_it_back_in_something_that_compiles() {
    let harness = Harness::signing_in().await;
    let in_force = || catalog_entry(&harness)["guarantees"].clone();
    assert_eq!(in_force(), Value::Null);
    let edit = |edit: fn(&mut Value)| harness.edit("acme", "flows", "sign-in", edit);
    let two = json!({ "factors": ["pwd"] });
    edit(|spec| spec["guarantees"] = json!({ "factors": ["pwd"] }));
    harness.publish().await;
    assert_eq!(in_force(), two, "without a new revision: it is no content");
    let revisions = harness.server.objects().into_iter().filter(|object| object["kind"] == "FlowRevision");
    assert_eq!(revisions.count(), 1);
    edit(|spec| {
        spec["guarantees"] = Value::Null;
        spec["steps"][0]["outcomes"]["next"] = json!("nowhere");
    });
    harness.publish().await;
    assert_eq!(harness.ready_reason("Flow", "sign-in"), "CompileFailed");
    assert_eq!(in_force(), two, "what does not compile changes nothing for visitors");
    edit(|spec| spec["steps"][0]["outcomes"]["next"] = json!("done"));
    harness.publish().await;
    assert_eq!(harness.ready_reason("Flow", "sign-in"), "Serving");
    assert_eq!(in_force(), Value::Null);

    edit(|spec| spec["guarantees"] = json!({ "factors": ["pwd"] }));
    harness.publish().await;
    harness.server.remove(&address("acme", "flows", "sign-in"));
    harness.publish().await;
    assert_eq!(catalog_entry(&harness)["entries"][0]["weight"], 0);
    assert_eq!(in_force(), two, "the flow is gone and its revisions finish their journeys");
}

#[tokio::test]
async fn the_end_of_what_serves_is_told_also_while_something_behind_it_ends_sooner() {
    let harness = Harness::signing_in().await;
    lengthen(&harness).await;
    shorten(&harness).await;
    for (steps, expected) in [(2, "journeys under way on revision "), (1, "revision ")] {
        harness.edit("", "tenants", "acme", |spec| {
            spec["limits"] = json!({ "steps": steps });
            spec["policy"] = json!({ "grace": "1h" });
        });
        harness.settle().await;
        let message = condition(&harness.object("Flow", "sign-in"), POLICY_GRACE)["message"].clone();
        assert!(message.as_str().unwrap().starts_with(expected), "{message}");
        let objects = harness.server.objects();
        let told =
            events(&objects, "Flow", "PolicyGrace").into_iter().filter(|event| event["note"] == message);
        assert_eq!(told.count(), 1, "{message}");
        harness.clock.advance(Span::minutes(20));
    }
}

#[tokio::test]
async fn a_revision_of_the_first_version_is_told_what_it_proves_when_its_flow_is_accepted() {
    let harness = Harness::signing_in().await;
    let minted =
        harness.server.objects().into_iter().find(|object| object["kind"] == "FlowRevision").unwrap();
    let proven = minted["spec"]["assurance"].clone();
    assert_eq!(minted["status"]["assurance"], Value::Null, "its spec says it");
    let name = minted["metadata"]["name"].as_str().unwrap();
    harness.edit("acme", "flowrevisions", name, |spec| {
        spec.as_object_mut().unwrap().remove("assurance");
    });
    harness.settle().await;
    assert_eq!(harness.object("FlowRevision", name)["status"]["assurance"], proven);
}
