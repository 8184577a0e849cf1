//! Flows in old words: read, rewritten, and the same by either.

use idflow_core::Value;
use idflow_core::digest::Digest;
use idflow_flow::content::{FIRST_FORMAT, FORMAT};
use idflow_flow::program::Program;
use idflow_flow::{Compiled, Fixed, Folder, fix};
use idflow_nodes::kinds;
use proptest::prelude::*;
use serde_json::json;

const OBJECTS: &str = include_str!("../objects.yaml");
const OLD: &str = include_str!("../formats/old.yaml");
const NEW: &str = include_str!("../formats/new.yaml");

/// Whoever has read a finding and lets `--fix` write its cure.
fn fixed(text: &str) -> String {
    match fix("a.yaml", text) {
        Fixed::Rewritten { text, .. } => text,
        other => panic!("{other:?}: {text}"),
    }
}

fn folder(text: &str) -> Folder {
    let files = [("objects.yaml", OBJECTS), ("a.yaml", text)];
    Folder::read(files.map(|(file, text)| (file.to_owned(), text.to_owned())), kinds())
}

fn codes(folder: &Folder) -> Vec<String> {
    folder.findings.iter().map(|finding| format!("{}: {}", finding.code, finding.title)).collect()
}

fn content(compiled: &Compiled) -> &str {
    &compiled.revision.as_ref().unwrap_or_else(|| panic!("{:#?}", compiled.findings)).content
}

/// All that a program is, but for the digest of what it was read from.
fn program(content: &str) -> String {
    let program = Program::load(content, kinds()).unwrap();
    format!("{:#?}", Program { digest: Digest::of(""), ..program })
}

fn format(content: &str) -> i64 {
    serde_json::from_str::<Value>(content).unwrap()["format"].as_i64().unwrap()
}

#[test]
fn what_was_minted_before_is_minted_again_from_the_same_manifest_and_nothing_else() {
    let folder = folder(OLD);
    let told: Vec<&str> = folder.findings.iter().map(|finding| finding.code).collect();
    assert!(!told.is_empty() && told.iter().all(|code| *code == "old-word"), "{:#?}", codes(&folder));
    let revision = folder.flows["example"].revision.as_ref().unwrap();
    assert_eq!(revision.content, include_str!("../formats/format_1.json").trim_end());
    assert_eq!(
        revision.digest.to_string(),
        "76539e00716a69e4801294db6b8f3946f9b40913eaf948c3b5ba1b2021a62ead"
    );
    assert_eq!(revision.requires.format, 1, "an executor of before runs it");
}

#[test]
fn a_manifest_is_rewritten_with_its_comments_and_rewritten_again_it_stays() {
    let new = fixed(OLD);
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::write("tests/formats/new.yaml", &new).unwrap();
    }
    assert_eq!(new, NEW, "IDFLOW_WRITE=1 writes it anew");
    let comments = |text: &str| text.matches('#').count();
    assert_eq!(comments(NEW), comments(OLD));
    assert_eq!(fix("a.yaml", NEW), Fixed::Nothing);
    assert_eq!(codes(&folder(NEW)), Vec::<String>::new());
}

#[test]
fn a_rewritten_manifest_is_the_same_program_in_the_newest_format() {
    let (old, new) = (folder(OLD), folder(NEW));
    for name in ["example", "sign-up"] {
        let (old, new) = (content(&old.flows[name]), content(&new.flows[name]));
        assert_eq!((format(old), format(new)), (FIRST_FORMAT.into(), FORMAT.into()), "{name}");
        assert_eq!(program(old), program(new), "{name}");
    }
    let golden = include_str!("../formats/format_2.json").trim_end();
    let content = content(&new.flows["example"]);
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::write("tests/formats/format_2.json", format!("{content}\n")).unwrap();
    }
    assert_eq!(content, golden);
}

#[test]
fn every_finding_about_an_old_word_stands_where_the_word_is_and_says_the_cure() {
    let folder = folder(OLD);
    for finding in &folder.findings {
        assert!(finding.help.contains("idflow lint --fix"), "{finding:?}");
        let at = finding.place.locate(&folder.manifests).unwrap();
        let line = OLD.lines().nth(at.line - 1).unwrap();
        let word = finding.title.split('`').nth(1).unwrap_or("choose");
        let known = [word, "oneTimeCode", "choose", "- id"];
        assert!(known.iter().any(|word| line.contains(word)), "{}: {line}", finding.title);
    }
}

/// One step in a manifest, before and behind.
fn flow(step: &str) -> String {
    let rest = "    - { id: done, complete: {} }\n";
    format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: example }}\nspec:\n  type: Custom\n  start: a\n  steps:\n{step}{rest}"
    )
}

#[test]
fn each_way_of_writing_is_kept() {
    for (before, behind) in [
        (
            "    - { id: a, oneTimeCode: { digits: 7, to: form.email, connection: mail }, outcomes: { next: done } }\n",
            "    - { id: a, oneTimeCode: { digits: 7, email: { to: form.email, connection: mail } }, outcomes: { next: done } }\n",
        ),
        (
            "    - id: a\n      oneTimeCode:\r\n        connection: mail\r\n        to: user.email\r\n      outcomes: { next: done }\n",
            "    - id: a\n      oneTimeCode:\r\n        email:\r\n          connection: mail\r\n          to: user.email\r\n      outcomes: { next: done }\n",
        ),
        (
            "    - id: a\n      choose: # which?\n        from:\n          - done # the end\n          - b\n    - id: b\n      message: {}\n      outcomes: { next: done }\n",
            "    - id: a\n      choose: # which?\n        options:\n          - done # the end\n          - b\n      outcomes: { b: b, done: done }\n    - id: b\n      message: {}\n      outcomes: { next: done }\n",
        ),
        (
            "    - { id: a, choose: { from: [done] } }\n",
            "    - { id: a, choose: { options: [done] }, outcomes: { done: done } }\n",
        ),
        (
            "    - id: a\n      outcomes:\n        cancel: done\n      choose:\n        from: [done]\n",
            "    - id: a\n      outcomes:\n        cancel: done\n        done: done\n      choose:\n        options: [done]\n",
        ),
        (
            "    - { id: a, form: { fields: [{ name: who, 'type': 'Identifier', required: true }, { type: Text, name: b }] } }\n",
            "    - { id: a, form: { fields: [{ name: who, purpose: 'Identifier', optional: false }, { type: String, name: b }] } }\n",
        ),
    ] {
        assert_eq!(fixed(&flow(before)), flow(behind));
    }
}

#[test]
fn json_stays_json_and_the_items_of_a_list_are_rewritten_too() {
    let item = r#"{"apiVersion": "idflow.dev/v1alpha1", "kind": "Flow", "metadata": {"name": "a"}, "spec": {"type": "Login", "start": "a",
        "steps": [{"id": "a", "choose": {"from": ["b"]}}, {"id": "b", "oneTimeCode": {"connection": "mail"}}]}}"#;
    let list = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{item}]}}"#);
    let new: Value = serde_json::from_str(&fixed(&list)).unwrap();
    let steps = &new["items"][0]["spec"]["steps"];
    assert_eq!(steps[0], json!({ "id": "a", "choose": { "options": ["b"] }, "outcomes": { "b": "b" } }));
    assert_eq!(steps[1]["oneTimeCode"], json!({ "email": { "connection": "mail" } }));
}

#[test]
fn what_a_cluster_keeps_of_a_release_is_rewritten_too() {
    let releases = std::fs::read_dir("../../tests/releases").unwrap().map(|entry| entry.unwrap().path());
    let objects = releases.map(|folder| folder.join("objects.json")).filter(|file| file.exists());
    let mut seen = 0;
    for file in objects {
        let old = std::fs::read_to_string(&file).unwrap();
        let mut old: Value = serde_json::from_str(&old).unwrap();
        old["kind"] = json!("List");
        let old = old.to_string();
        let new = fixed(&old);
        assert_eq!(fix("objects.json", &new), Fixed::Nothing);
        let steps =
            |text: &str| serde_json::from_str::<Value>(text).unwrap()["items"].as_array().unwrap().len();
        assert_eq!(steps(&new), steps(&old));
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn what_cannot_be_rewritten_safely_is_said_and_left() {
    for (text, why) in [
        (flow("    - { id: a, choose: { from: [done] }, outcomes: {} }\n"), "no certain place"),
        (
            flow("    - { id: a, oneTimeCode: { connection: mail, digits: 7, to: form.email } }\n"),
            "next to each other",
        ),
        (
            flow(
                "    - { id: a, oneTimeCode: &code { connection: mail } }\n    - { id: b, oneTimeCode: *code }\n",
            ),
            "elsewhere",
        ),
        (
            flow(
                "    - { id: a, oneTimeCode: &code { connection: mail } }\n    - { id: b, oneTimeCode: { <<: *code } }\n",
            ),
            "elsewhere",
        ),
        (flow("    - { id: a, oneTimeCode: { connection: mail } }\n") + "---\na: [\n", "cannot be read"),
    ] {
        match fix("a.yaml", &text) {
            Fixed::Refused(_, said) => assert!(said.contains(why), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn words_that_were_never_ours_are_left_to_others() {
    for step in [
        "    - { id: a, oneTimeCode: { conection: mail } }\n",
        "    - { id: a, oneTimeCode: { connection: mail, email: { connection: mail } } }\n",
        "    - { id: a, choose: { form: [done] } }\n",
        "    - { id: a, choose: { from: [done], options: [done] } }\n",
        "    - { id: a, onetimecode: { connection: mail } }\n",
        "    - { id: a, message: {}, choose: { from: [done] } }\n",
        "    - { id: a, oneTimeCode: mail }\n",
        "    - { id: a, form: { fields: [{ name: b, type: Password }, { name: c, type: Email, required: maybe }] } }\n",
        "    - { id: a, form: { fields: [{ name: b, type: Name, purpose: Name }, { name: c, required: true, optional: true }] } }\n",
        "    - [a, oneTimeCode]\n",
    ] {
        assert_eq!(fix("a.yaml", &flow(step)), Fixed::Nothing, "{step}");
    }
    let foreign =
        flow("    - { id: a, oneTimeCode: { connection: mail } }\n").replace("idflow.dev/", "other.dev/");
    assert_eq!(fix("a.yaml", &foreign), Fixed::Nothing);
}

/// A field in old words, by what is drawn.
fn field(drawn: u32) -> Value {
    const TYPES: [&str; 7] = ["Identifier", "Text", "Email", "Name", "FamilyName", "Select", "Integer"];
    let word = TYPES[drawn as usize % TYPES.len()];
    let mut field = json!({ "name": "other", "type": word });
    if word == "Select" {
        field["options"] = json!([{ "value": "red" }]);
    }
    if drawn >> 8 & 1 == 1 {
        field["required"] = json!(drawn >> 9 & 1 == 1);
    }
    field
}

/// A step in old words, by what is drawn.
fn step(id: &str, next: &str, drawn: u32) -> Value {
    let bit = |n: u32| drawn >> n & 1 == 1;
    let mut step = match drawn % 4 {
        0 if bit(2) || next == "done" => json!({ "choose": { "from": [next], "title": "hello" } }),
        0 => json!({ "choose": { "from": [next, "done"] } }),
        1 => {
            json!({ "oneTimeCode": if bit(2) { json!({ "connection": "mail", "digits": 7, "to": "form.email" }) } else { json!({ "connection": "mail", "to": "form.email" }) } })
        }
        2 => json!({ "message": {} }),
        _ => json!({ "form": { "fields": [field(drawn >> 2)] } }),
    };
    step["id"] = json!(id);
    if !drawn.is_multiple_of(4) {
        step["outcomes"] = json!({ "next": next });
    } else if bit(3) {
        step["outcomes"] = json!({ next: next });
    }
    step
}

fn drawn(steps: &[u32], shared: bool) -> Value {
    let id = |index: usize| if index < steps.len() { format!("s{index}") } else { "done".to_owned() };
    let mut all = vec![
        json!({ "id": "ask", "form": { "fields": [{ "name": "email", "type": "Email" }] }, "outcomes": { "next": id(0) } }),
    ];
    all.extend(steps.iter().enumerate().map(|(index, drawn)| step(&id(index), &id(index + 1), *drawn)));
    all.push(json!({ "id": "done", "complete": {} }));
    let mut spec =
        json!({ "type": "Custom", "start": "ask", "steps": all, "texts": { "hello": { "en": "Hello" } } });
    if shared {
        spec["outcomes"] = json!({ "done": "done" });
    }
    json!({ "apiVersion": "idflow.dev/v1alpha1", "kind": "Flow", "metadata": { "name": "example" }, "spec": spec })
}

proptest! {
    #[test]
    fn whatever_the_old_words_say_the_rewritten_ones_say(steps in prop::collection::vec(any::<u32>(), 1..6), shared: bool, as_json: bool) {
        let flow = drawn(&steps, shared);
        let old = if as_json { flow.to_string() } else { serde_saphyr::to_string(&flow).unwrap() };
        let new = match fix("a.yaml", &old) {
            Fixed::Rewritten { text, .. } => text,
            Fixed::Nothing => old.clone(),
            Fixed::Refused(_, why) => { prop_assert!(why.contains("next to each other"), "{why}\n{old}"); return Ok(()); }
        };
        prop_assert_eq!(fix("a.yaml", &new), Fixed::Nothing);
        let (old, new) = (folder(&old), folder(&new));
        prop_assert!(!codes(&new).iter().any(|code| code.starts_with("old-word")));
        let (old, new) = (content(&old.flows["example"]), content(&new.flows["example"]));
        prop_assert_eq!(format(old), i64::from(FIRST_FORMAT));
        prop_assert_eq!(program(old), program(new));
    }
}
