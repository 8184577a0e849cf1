//! What a kind's file says is true: its examples are real settings, and the list holds every file.

use std::collections::BTreeSet;

use idflow_core::Value;
use idflow_flow::facts::End;

use super::stage;

/// The YAML in a file's first comment.
fn documented(source: &str) -> Vec<Value> {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let text = text.join("\n");
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.flat_map(|block| serde_saphyr::from_str::<Vec<Value>>(block).unwrap()).collect()
}

#[test]
fn the_documented_step_is_one_that_the_kind_takes() {
    for (kind, source, _) in crate::examples() {
        let name = kind.name;
        let steps = documented(source);
        assert!(!steps.is_empty(), "{name} documents no example");
        for step in steps {
            let settings = step.get(name).unwrap_or_else(|| panic!("{name}: its example is of another kind"));
            let facts = stage::facts(kind, settings).unwrap_or_else(|error| panic!("{name}: {error}"));
            let wired: BTreeSet<&str> =
                step["outcomes"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let is_end = matches!(facts.end, Some(End::Complete { .. } | End::Fail | End::Exit { .. }));
            assert!(!is_end || wired.is_empty(), "{name}: an end leads nowhere");
            for outcome in &facts.outcomes {
                let is_wired = wired.contains(outcome.name.as_str());
                assert!(is_wired || !outcome.needs_wire, "{name}: its example wires no {}", outcome.name);
            }
        }
    }
}

#[test]
fn a_kind_is_named_as_its_file() {
    for (kind, source, examples) in crate::examples() {
        let first = source.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("//! `{}`: ", kind.name)), "{first}");
        assert!(!examples.is_empty(), "{} has no examples", kind.name);
        assert!(kind.summary.ends_with('.'), "{}", kind.name);
    }
}

#[test]
fn settings_that_a_kind_does_not_have_are_refused_with_their_name() {
    for (kind, _, examples) in crate::examples() {
        for example in examples {
            let mut settings = example.settings.clone();
            settings.as_object_mut().unwrap().insert("unheardOf".to_owned(), Value::Bool(true));
            let error = stage::facts(kind, &settings).unwrap_err();
            assert!(error.message.contains("unheardOf") && !error.help.is_empty(), "{}: {error}", kind.name);
            for wrong in [Value::Null, Value::from(7), Value::from("text"), Value::Array(Vec::new())] {
                assert!(stage::facts(kind, &wrong).is_err(), "{} takes {wrong}", kind.name);
            }
        }
    }
}
