//! What the schemas of the node kinds demand is judged without an API server too.

use idflow_core::Value;
use idflow_nodes::kinds;

/// Every pattern in a schema.
fn patterns<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    match schema {
        Value::Object(members) => {
            found.extend(members.get("pattern").and_then(Value::as_str));
            assert!(
                !members.contains_key("x-kubernetes-validations"),
                "tell what a rule says in the plan instead"
            );
            for member in members.values() {
                patterns(member, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                patterns(item, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_pattern_of_every_node_kind_is_one_that_we_can_judge() {
    let schemas: Vec<Value> = kinds().0.iter().map(|kind| (kind.schema)().to_value()).collect();
    let mut found = Vec::new();
    for schema in &schemas {
        patterns(schema, &mut found);
    }
    assert!(found.len() > 5);
    for pattern in found {
        assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
    }
}
