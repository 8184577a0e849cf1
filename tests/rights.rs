//! The rights that are installed are those that follow from what the operator does.

use std::collections::BTreeSet;

use idflow_operator::rights::{self, TENANT_ROLE};
use idflow_test_support::repository;
use serde_json::{Value, json};

const INSTALLED: &str = "examples/install/operator.yaml";

#[test]
fn the_installed_roles_grant_what_the_operator_needs_and_nothing_else() {
    let needed = rights::rights();
    for (kind, name, rules) in [
        ("ClusterRole", "idflow-operator", json!(needed.cluster)),
        ("ClusterRole", TENANT_ROLE, json!(needed.tenant)),
        ("Role", "idflow-operator", json!(needed.own)),
    ] {
        let (installed, needed) = (grants(&installed(kind, name)), grants(&rules));
        let missing: Vec<_> = needed.difference(&installed).collect();
        let idle: Vec<_> = installed.difference(&needed).collect();
        assert!(missing.is_empty() && idle.is_empty(), "{kind} {name}: add {missing:?}, remove {idle:?}");
    }
}

fn installed(kind: &str, name: &str) -> Value {
    let text = repository::text(INSTALLED);
    let documents = text.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).expect("YAML"));
    let role = documents.into_iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    role.unwrap_or_else(|| panic!("no {kind} {name} in {INSTALLED}"))["rules"].clone()
}

/// Rules as single grants: group, resource, name (or none) and verb.
fn grants(rules: &Value) -> BTreeSet<[String; 4]> {
    let mut grants = BTreeSet::new();
    for rule in rules.as_array().expect("rules") {
        let texts = |key: &str| -> Vec<String> {
            let list = rule[key].as_array().cloned().unwrap_or_else(|| vec![json!("")]);
            list.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
        };
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                for name in texts("resourceNames") {
                    for verb in texts("verbs") {
                        grants.insert([group.clone(), resource.clone(), name.clone(), verb]);
                    }
                }
            }
        }
    }
    grants
}
