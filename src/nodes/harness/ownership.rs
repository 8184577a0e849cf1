//! Who may change a user: what the linter lets through, the engine never refuses for want of proof.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use idflow_core::Value;
use idflow_core::effect::Submission;
use idflow_core::journey::Phase;
use idflow_core::view::FieldType;
use idflow_engine::bind::Runnable;
use idflow_flow::kinds::Group;
use idflow_flow::program::Program;
use idflow_flow::{Compiled, Folder, compile_flow};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::person::{Person, Trial, begun, works};
use super::stage;
use super::world::World;

/// Flows that others enter: one that verifies an address, one that also finds its user, one that goes back, and one
/// that leaves the proof to whoever enters it.
const WORLD: &str = r"
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: verify }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: code
  steps:
    - { id: code, oneTimeCode: { email: { connection: mail, to: input.email } }, outcomes: { next: done } }
    - { id: done, exit: { outcome: next, outputs: { address: input.email } } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: recognise }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: ask
  steps:
    - { id: ask, form: { fields: [{ name: own, type: Email }] }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.own } }, outcomes: { next: find } }
    - { id: find, findUser: { by: form.own }, outcomes: { next: done, notFound: stop } }
    - { id: done, exit: { outcome: next, outputs: { address: input.email } } }
    - { id: stop, fail: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: wander }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: first
  steps:
    - { id: first, message: {}, outcomes: { next: call } }
    - { id: call, http: { connection: crm, method: POST, path: /x }, outcomes: { next: second, error: second } }
    - { id: second, message: {}, outcomes: { next: done, back: first } }
    - { id: done, exit: { outcome: next, outputs: { address: input.email } } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: renew }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: renew
  steps:
    - { id: renew, setPassword: {}, outcomes: { next: done } }
    - { id: done, exit: { outcome: next, outputs: { address: input.email } } }
";

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let files = [("objects.yaml", include_str!("../tests/objects.yaml")), ("world.yaml", WORLD)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let folder = Folder::read(files, crate::kinds());
    assert!(!folder.has_errors(), "{:?}", folder.findings);
    folder
});

/// One step, and the earlier step that its page leads back to.
#[derive(Debug, Clone)]
struct Block {
    node: Value,
    back: Option<usize>,
}

fn form(field: &str) -> Value {
    json!({ "form": { "fields": [{ "name": field, "type": "Email" }] } })
}

fn call(flow: &str, email: &str) -> Value {
    json!({ "call": { "flow": flow, "with": { "email": email } } })
}

fn code(to: &str) -> Value {
    json!({ "oneTimeCode": { "email": { "connection": "mail", "to": to } } })
}

fn find(by: &str) -> Value {
    json!({ "findUser": { "by": by } })
}

fn keep(value: &str) -> Value {
    json!({ "set": { "values": { "kept": value } } })
}

fn message() -> Value {
    json!({ "message": {} })
}

fn http() -> Value {
    json!({ "http": { "connection": "crm", "method": "POST", "path": "/x" } })
}

/// Drawn numbers, and the step of a sensible flow that they stand for: it reads what was written before it.
fn blocks(drawn: &[(u8, usize, Option<usize>)]) -> Vec<Block> {
    let mut blocks = vec![Block { node: form("email"), back: None }];
    let mut places = vec!["form.email".to_owned(), "form.email + ''".to_owned()];
    let mut is_identified = false;
    for (kind, place, back) in drawn {
        let index = blocks.len();
        let place = places[place % places.len()].clone();
        let node = match kind % 16 {
            0 => form("email"),
            1 => form("other"),
            2..=4 => code(&place),
            5 | 6 => find(&place),
            7 => json!({ "createUser": { "attributes": { "email": place } } }),
            8 => keep(&place),
            9 => http(),
            10 => json!({ "choose": { "options": [format!("s{}", index + 1)] } }),
            11 => call("verify", &place),
            12 => call("recognise", &place),
            13 => call("wander", &place),
            14 if is_identified => call("renew", &place),
            _ => message(),
        };
        match kind % 16 {
            1 => places.push("form.other".to_owned()),
            2..=4 | 11 | 12 | 13 => places.push(format!("steps.s{index}.address")),
            8 => places.push("vars.kept".to_owned()),
            _ => {}
        }
        if matches!(kind % 16, 5..=7 | 12) {
            is_identified = true;
            places.push("user.email".to_owned());
        }
        blocks.push(Block { node, back: *back });
    }
    if !is_identified {
        blocks.push(Block { node: find(&places[0]), back: None });
    }
    blocks
}

/// The blocks in a row, and then a new password.
fn flow(blocks: &[Block]) -> Value {
    let id = |index: usize| if index < blocks.len() { format!("s{index}") } else { "renew".to_owned() };
    let step = |(index, block): (usize, &Block)| {
        let mut step = block.node.clone();
        step["id"] = json!(id(index));
        step["outcomes"] = json!({ "next": id(index + 1) });
        let more = match () {
            () if block.node.get("findUser").is_some() => Some("notFound"),
            () if block.node.get("createUser").is_some() => Some("exists"),
            () => None,
        };
        if let Some(outcome) = more {
            step["outcomes"][outcome] = json!("stop");
        }
        if block.node.get("choose").is_some() {
            step["choose"]["options"] = json!([id(index + 1)]);
            step["outcomes"] = json!({ (id(index + 1)): id(index + 1) });
        }
        let is_page = ["form", "oneTimeCode", "password", "message", "choose"]
            .iter()
            .any(|kind| block.node.get(kind).is_some());
        if let Some(back) = block.back.filter(|back| is_page && *back < blocks.len()) {
            step["outcomes"]["back"] = json!(id(back));
        }
        step
    };
    let mut steps: Vec<Value> = blocks.iter().enumerate().map(step).collect();
    steps.push(json!({ "id": "renew", "setPassword": {}, "outcomes": { "next": "done" } }));
    steps.push(json!({ "id": "done", "complete": {} }));
    steps.push(json!({ "id": "stop", "fail": {} }));
    json!({
        "apiVersion": "idflow.dev/v1alpha1", "kind": "Flow", "metadata": { "name": "tried" },
        "spec": { "type": "ResetPassword", "start": id(0), "steps": steps },
    })
}

fn compiled(flow: &Value) -> Compiled {
    compile_flow(&serde_json::from_value(flow.clone()).unwrap(), &FOLDER.objects, crate::kinds())
}

/// Whether somebody who reads every mail, enters these addresses in turn and now and then goes back came to the page
/// for a new password; and nowhere was it refused.
fn gets_there(program: Program, entered: &[u8], turns: &[bool]) -> Result<bool, TestCaseError> {
    let runnable = Runnable::new(Arc::new(program)).unwrap();
    let mut world = World::new();
    let mut asked = false;
    let mut addresses = entered.iter().cycle();
    let first = begun(Person::ADA, 0, &runnable, &world, &works).unwrap();
    let mut journey = first.journey.clone();
    let mut faults = first.faults.clone();
    world.commit(first).unwrap();
    for goes_back in turns {
        prop_assert!(faults.iter().all(|fault| fault.step != "renew"), "{:?} {:?}", faults, journey.evidence);
        let Phase::ExpectSubmission(expected) = &journey.phase else { break };
        asked |= expected.view.kind == "setPassword";
        let mut trial = Trial { person: Person::ADA, runnable: &runnable, journey: journey.clone() };
        let entry = |kind: FieldType, address: u8| match kind {
            FieldType::Code => world.mails.last().and_then(|mail| mail.code.clone()).unwrap_or_default(),
            FieldType::NewPassword => "a pair of new shoes".to_owned(),
            FieldType::Password => Person::ADA.password.to_owned(),
            _ => [Person::ADA.email, Person::BOB.email, "carol@example.org"][usize::from(address % 3)]
                .to_owned(),
        };
        let fields = expected.view.fields.iter().map(|field| {
            let address = *addresses.next().unwrap_or(&0);
            (field.name.clone(), Value::from(entry(field.field_type, address)))
        });
        let fields = fields.collect();
        let button = expected.view.actions.first().map_or("next", |action| action.name.as_str());
        let action = if *goes_back { "back" } else { button }.to_owned();
        let Ok(commit) = trial.tried(&trial.token(), Submission { action, fields }, &world, &works) else {
            continue;
        };
        faults.clone_from(&commit.faults);
        trial.journey = commit.journey.clone();
        if world.commit(commit).is_err() {
            break;
        }
        journey = trial.journey;
    }
    Ok(asked)
}

#[test]
fn what_the_linter_lets_change_a_user_the_engine_lets_too() {
    const FLOWS: u32 = 3000;
    let config = ProptestConfig { cases: FLOWS, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let (accepted, asked) = (Cell::new(0), Cell::new(0));
    let block = (0_u8..16, 0_usize..12, prop::option::weighted(0.2, 0_usize..6));
    let drawn = prop::collection::vec(block, 1..6);
    let entered = prop::collection::vec(0_u8..3, 3);
    let turns = prop::collection::vec(prop::bool::weighted(0.25), 14);
    let result = runner.run(&(drawn, entered, turns), |(drawn, entered, turns)| {
        if let Some(revision) = compiled(&flow(&blocks(&drawn))).revision {
            accepted.set(accepted.get() + 1);
            asked.set(asked.get() + u32::from(gets_there(revision.program, &entered, &turns)?));
        }
        Ok(())
    });
    result.unwrap();
    assert!(
        asked.get() > FLOWS / 100,
        "{} of {FLOWS} flows were accepted, {} asked",
        accepted.get(),
        asked.get()
    );
}

#[test]
fn an_address_speaks_for_the_user_who_was_found_by_it_whatever_it_is_called() {
    for (blocks, may) in [
        (vec![form("email"), code("form.email"), find("form.email")], true),
        (vec![form("email"), find("form.email"), code("form.email")], true),
        (vec![form("email"), code("form.email"), find("steps.s1.address")], true),
        (vec![form("email"), call("verify", "form.email"), find("steps.s1.address")], true),
        (vec![form("email"), call("verify", "form.email"), find("form.email")], true),
        (vec![form("email"), keep("form.email"), code("vars.kept"), find("vars.kept")], true),
        (vec![form("email"), code("form.email"), keep("form.email"), find("vars.kept")], true),
        (vec![form("email"), call("recognise", "form.email")], true),
        (vec![form("email"), code("form.email"), find("form.email"), form("email")], true),
        (vec![form("email"), code("form.email"), find("form.email"), call("renew", "form.email")], true),
        (vec![form("email"), find("form.email")], false),
        (vec![form("email"), find("form.email"), call("renew", "form.email")], false),
        (vec![form("email"), form("other"), code("form.other"), find("form.email")], false),
        (vec![form("email"), code("form.email"), form("email"), find("form.email")], false),
        (vec![form("email"), find("form.email"), form("email"), code("form.email")], false),
        (
            vec![form("email"), code("form.email"), keep("form.email"), form("email"), find("form.email")],
            false,
        ),
        (
            vec![form("email"), keep("form.email"), form("email"), code("form.email"), find("vars.kept")],
            false,
        ),
        (vec![form("email"), code("form.email + ''"), find("form.email + ''")], false),
        (vec![form("email"), code("form.email"), find("form.email"), call("wander", "form.email")], false),
        (vec![form("email"), code("form.email"), find("form.email"), message()], true),
    ] {
        let blocks: Vec<Block> = blocks.into_iter().map(|node| Block { node, back: None }).collect();
        let compiled = compiled(&flow(&blocks));
        let codes: Vec<&str> = compiled.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes.contains(&"unauthenticated-change"), !may, "{blocks:?} {codes:?}");
        assert_eq!(compiled.revision.is_some(), may, "{blocks:?} {codes:?}");
        if let Some(revision) = compiled.revision {
            assert!(gets_there(revision.program, &[0], &[false; 14]).unwrap(), "{blocks:?}");
        }
    }
}

#[test]
fn an_authors_way_back_keeps_what_was_proven_only_where_the_engine_does() {
    let block = |node: Value, back: Option<usize>| Block { node, back };
    let begin = [form("email"), code("form.email"), find("form.email")].map(|node| block(node, None));
    for (more, may) in [
        (vec![block(message(), None), block(message(), Some(3))], true),
        (vec![block(message(), None), block(http(), None), block(message(), Some(3))], false),
        (vec![block(message(), Some(3))], false),
        (vec![block(message(), Some(0))], true),
        (vec![block(message(), Some(2))], false),
    ] {
        let blocks = [begin.to_vec(), more].concat();
        let codes: Vec<&str> = compiled(&flow(&blocks)).findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes.contains(&"unauthenticated-change"), !may, "{blocks:?} {codes:?}");
    }
}

#[test]
fn a_kind_that_acts_on_the_identified_user_says_whose_it_changes() {
    for (kind, _, examples) in crate::examples().into_iter().filter(|(kind, ..)| kind.group == Group::Users) {
        for example in examples {
            let facts = stage::facts(kind, &example.settings).unwrap();
            assert_eq!(facts.needs_user, facts.changes_user.is_some(), "{}", kind.name);
        }
    }
}
