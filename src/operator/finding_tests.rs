//! What lint finds in a flow or node stands in its status too, by the same code: on the examples of the rules themselves.

use std::collections::BTreeSet;

use idflow_flow::Folder;
use idflow_flow::lint::{Find, Lint, RULES};
use serde_json::{Value, json};

use crate::harness::Harness;

#[path = "../nodes/tests/flow/world.rs"]
mod world;

const TENANT: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: { name: acme }
spec: { namespace: acme, issuer: \"https://login.acme.example\", store: { embedded: {} }, policy: { guests: Allowed } }
---
";

fn examples(lint: &Lint) -> Vec<String> {
    let text = lint.documentation();
    let blocks = text.split("```yaml,invalid\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks
        .map(|block| if block.starts_with("apiVersion") { block.to_owned() } else { world::flow(block) })
        .collect()
}

/// What is missing is waited for in a cluster: it may come any moment. So may what a finding of absence lacks.
const WAITED_FOR: &str = "unknown-reference";

/// The codes of these rules that concern a flow or node, by kind and name.
fn in_folder(text: &str) -> BTreeSet<(String, String, &'static str)> {
    let folder = Folder::read([("folder.yaml".to_owned(), text.to_owned())], idflow_nodes::kinds());
    let found = folder.findings.iter().filter_map(|finding| {
        let object = finding.place.object()?;
        let is_told = graph_rules().any(|lint| lint.rule.code == finding.code)
            && finding.code != WAITED_FOR
            && !finding.is_absence;
        is_told.then(|| (object.kind.clone(), object.name.clone(), finding.code))
    });
    found.collect()
}

async fn in_cluster(text: &str) -> Harness {
    let harness = Harness::new();
    harness.put(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "acme" } }));
    for object in idflow_flow::source::read("folder.yaml", text).objects {
        let mut object = object.value;
        if object["kind"] != "Tenant" {
            object["metadata"]["namespace"] = json!("acme");
        }
        harness.put(&object);
    }
    harness.settle().await;
    harness
}

/// The rules over the graph of one flow or node.
fn graph_rules() -> impl Iterator<Item = &'static Lint> {
    RULES.iter().filter(|lint| matches!(lint.find, Find::Graph(_)))
}

#[tokio::test]
async fn what_lint_finds_in_a_flow_its_status_tells_by_the_same_code() {
    let (mut missing, mut seen) = (Vec::new(), 0);
    for lint in graph_rules() {
        for example in examples(lint) {
            let text = format!("{}{TENANT}{example}", world::WORLD);
            let harness = in_cluster(&text).await;
            for (kind, name, code) in in_folder(&text) {
                let object = harness.object(&kind, &name);
                let problems = object["status"]["problems"].as_array().cloned().unwrap_or_default();
                let told = problems.iter().any(|problem: &Value| problem["code"] == code);
                seen += 1;
                if !told {
                    missing.push(format!("{kind} {name}: {code} ({}): {}", lint.module, object["status"]));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(seen > 50, "{seen}");
}

const CLIENT: &str = r#"
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: shop }
spec:
  authentication: None
  redirectURIs: [https://shop.example.com/callback]
  claims: [{ name: number, value: "user.number == '5'" }]
"#;

#[tokio::test]
async fn an_application_hears_of_claims_that_an_edit_of_the_directory_makes_wrong_and_goes_on() {
    let people = |of: &str| {
        let attributes =
            json!([{ "name": "email", "type": "Email", "unique": true }, { "name": "number", "type": of }]);
        json!({ "default": true, "identifiers": ["email"], "attributes": attributes })
    };
    let harness = in_cluster(&format!("{}{CLIENT}", TENANT.trim_end_matches("---\n"))).await;
    let codes = |harness: &Harness| {
        let problems = harness.object("OIDCClient", "shop")["status"]["problems"].as_array().cloned();
        let code = |problem: &Value| problem["code"].as_str().map(str::to_owned);
        problems.unwrap_or_default().iter().filter_map(code).collect::<Vec<_>>()
    };
    harness.add(
        "acme",
        "directories",
        &json!({ "kind": "Directory", "metadata": { "name": "people" }, "spec": people("String") }),
    );
    harness.settle().await;
    assert_eq!((codes(&harness), harness.ready_reason("OIDCClient", "shop")), (vec![], "Ready".to_owned()));
    harness.edit("acme", "directories", "people", |spec| *spec = people("Integer"));
    harness.settle().await;
    assert_eq!(codes(&harness), ["unsuitable-claim"]);
    assert_eq!(harness.ready_reason("OIDCClient", "shop"), "Ready");
}
