//! What a field's description says that its absence means is what it means.

use serde_json::{Value, json};

use super::leaves::Leaf;
use super::reading::read;
use super::*;

/// Fields that are handed on as they are and read where they count: source and name of the test that shows what absent
/// means there.
const READ_LATER: &[(&str, &str, &str)] = &[
    ("Tenant /spec/limits/flows", include_str!("../../flow/policy.rs"), "steps_and_flows_are_limited"),
    ("Tenant /spec/limits/steps", include_str!("../../flow/policy.rs"), "steps_and_flows_are_limited"),
    (
        "Tenant /spec/limits/hashingSlots",
        include_str!("../tenant/tests.rs"),
        "a_pod_has_the_memory_that_its_password_checks_need",
    ),
    (
        "Tenant /spec/limits/journeysPerSecond",
        include_str!("../../executor/limiter.rs"),
        "many_addresses_together_meet_the_tenants_limit_and_are_told_how_long_to_wait",
    ),
    (
        "Tenant /spec/limits/sessionLifetime",
        include_str!("../../executor/tests/sim/pinned_revision.rs"),
        "no_session_outlasts_what_the_tenant_allows_nor_thirty_days_where_it_says_nothing",
    ),
    (
        "Flow /spec/lifetime",
        include_str!("../collector/plan.rs"),
        "a_revision_goes_when_its_last_journey_has_ended",
    ),
];

/// The value that the description says; nothing where it says something else than a value.
fn said(schema: &Value) -> Option<Value> {
    let (_, said) = schema["description"].as_str()?.split_once("Absent means ")?;
    let mut words = said.split(|c: char| c.is_whitespace() || ",;".contains(c));
    let word = words.next()?;
    if words.next() == Some("and") {
        return None;
    }
    let word = word.trim_end_matches('.').trim_matches('`');
    match schema["type"].as_str() {
        Some("boolean") => word.parse().ok().map(|value: bool| json!(value)),
        Some("integer") => word.parse().ok().map(|value: i64| json!(value)),
        _ => {
            let is_listed = schema["enum"].as_array().is_some_and(|words| words.contains(&json!(word)));
            let is_amount = word.starts_with(|c: char| c.is_ascii_digit());
            (is_listed || is_amount).then(|| json!(word))
        }
    }
}

async fn differences(objects: &[Value], schemas: &Schemas, kind: ResourceKind, leaf: &Leaf) -> Vec<String> {
    let name = format!("{kind} {}", leaf.path());
    let Some(value) = said(&leaf.schema).filter(|_| READ_LATER.iter().all(|(field, _, _)| *field != name))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, object) in objects.iter().enumerate().filter(|(_, object)| object["kind"] == kind.as_str()) {
        for place in leaf.places(object) {
            let [absent, present] = [Value::Null, value.clone()].map(|value| with(object, &place, value));
            if refusal(schemas, &absent).is_some() || refusal(schemas, &present).is_some() {
                continue;
            }
            let [absent, present] = [absent, present].map(|changed| {
                let mut world = objects.to_vec();
                world[index] = changed;
                world
            });
            if read(&absent).await != read(&present).await {
                found.push(format!("{kind} {place}: absent is something else than {value}"));
            }
        }
    }
    found
}

#[tokio::test]
async fn absent_means_what_the_description_says() {
    let objects = objects();
    let schemas = Schemas::new(idflow_nodes::kinds());
    let mut found = Vec::new();
    for kind in ResourceKind::written_by_users() {
        for leaf in fields(kind) {
            found.extend(differences(&objects, &schemas, kind, &leaf).await);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for (field, source, test) in READ_LATER {
        assert!(source.contains(&format!("fn {test}(")), "{field}: where is {test}?");
    }
}
