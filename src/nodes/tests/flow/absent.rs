//! What may be absent: found wherever it is read, and the advice is right for every type.

use idflow_flow::{Finding, Folder};
use idflow_nodes::kinds;

/// A flow that reads members of an answer, and what its application and its link give.
const WORLD: &str = "
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: crm }
spec: { http: { url: 'https://crm.example.com' } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: example }
spec:
  type: Custom
  start: ask
  steps:
    - id: ask
      http:
        connection: crm
        path: /x
        answer:
          - { name: text, type: String, optional: true }
          - { name: truth, type: Boolean, optional: true }
          - { name: count, type: Integer, optional: true }
          - { name: score, type: Number, optional: true }
          - { name: list, type: List, optional: true }
          - { name: inner.deep, type: Boolean, optional: true }
          - { name: sure.text, type: String }
          - { name: sure.maybe, type: String, optional: true }
          - { name: whole, type: Object, optional: true }
          - { name: whole.part, type: String }
      outcomes: { next: decide, error: end }
    - id: decide
      branch: { cases: [{ when: 'EXPRESSION', outcome: good }], otherwise: bad }
      outcomes: { good: end, bad: end }
    - { id: end, message: {}, outcomes: { next: done } }
    - { id: done, fail: {} }
";

fn findings(expression: &str) -> Vec<Finding> {
    let text = WORLD.replace("EXPRESSION", &expression.replace('\'', "''"));
    let folder = Folder::read([("a.yaml".to_owned(), text)], kinds());
    folder.findings.into_iter().filter(|finding| finding.code != "only-failure").collect()
}

fn body(rest: &str) -> String {
    format!("steps.ask.body.{rest}")
}

#[test]
fn what_may_be_absent_is_said_and_the_advice_put_in_its_place_is_right() {
    for (value, used) in [
        (body("text"), "VALUE == 'a'"),
        (body("truth"), "VALUE"),
        (body("count"), "VALUE > 3"),
        (body("score"), "VALUE > 0.5"),
        (body("list"), "size(VALUE) > 0"),
        (body("inner.deep"), "VALUE"),
        (body("sure.maybe"), "VALUE == 'a'"),
        (body("whole.part"), "VALUE == 'a'"),
        ("flow.query.next".to_owned(), "VALUE == 'a'"),
        ("client.name".to_owned(), "VALUE == 'a'"),
        ("request.address".to_owned(), "VALUE == '192.0.2.1'"),
        ("session.team".to_owned(), "VALUE == 'a'"),
    ] {
        let found = findings(&used.replace("VALUE", &value));
        let [finding] = &found[..] else { panic!("{value}: {found:#?}") };
        assert_eq!(finding.code, "maybe-unwritten-value", "{value}");
        assert!(finding.title.starts_with(&value), "{}", finding.title);
        let advised = finding.help.split('`').nth(1).unwrap();
        let mended = used.replace("VALUE", &format!("({advised})"));
        assert_eq!(findings(&mended), [], "{mended}");
    }
}

#[test]
fn what_is_always_there_needs_no_word() {
    for fine in [
        "steps.ask.body.sure.text == 'a'",
        "size(steps.ask.body.sure) > 0",
        "flow.name == 'a'",
        "request.locale == 'de'",
    ] {
        assert_eq!(findings(fine), [], "{fine}");
    }
}

#[test]
fn what_nobody_declares_is_not_read() {
    for (expression, code, title, help) in [
        (
            "steps.ask.body.txt == 'a'",
            "unknown-output",
            "the step ask expects no txt in the answer",
            "did you mean text?",
        ),
        (
            "steps.ask.body.sure.txt == 'a'",
            "unknown-output",
            "the step ask expects no sure.txt in the answer",
            "did you mean sure.text?",
        ),
        ("request.adress == 'a'", "unknown-root", "request has no adress", "did you mean request.address?"),
        ("client.nam == 'a'", "unknown-root", "client has no nam", "did you mean client.name?"),
        ("flow.typ == 'a'", "unknown-root", "flow has no typ", "did you mean flow.type?"),
        (
            "flow.secret == 'a'",
            "unknown-root",
            "flow has no secret",
            "flow has name, type, locale, error, query",
        ),
    ] {
        let found = findings(expression);
        let [finding] = &found[..] else { panic!("{expression}: {found:#?}") };
        assert_eq!((finding.code, finding.title.as_str(), finding.help.as_str()), (code, title, help));
    }
}

#[test]
fn types_of_an_answer_are_known() {
    let found = findings("steps.ask.body.sure.text == 5");
    assert_eq!(
        found.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["mismatched-type"],
        "{found:#?}"
    );
}

#[test]
fn what_a_flow_or_node_hands_out_on_some_ways_only_is_said_with_the_way() {
    let world = "
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: look }
spec:
  inputs: [{ name: known, type: Boolean, required: true }]
  outputs: [{ name: score, type: Integer, value: vars.score }]
  implementation:
    graph:
      start: which
      steps:
        - { id: which, branch: { cases: [{ when: input.known, outcome: known }], otherwise: other }, outcomes: { known: keep, other: end } }
        - { id: keep, set: { values: { score: '21' } }, outcomes: { next: end } }
        - { id: end, exit: { outcome: next } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: library }
spec:
  type: Library
  inputs: [{ name: known, type: Boolean, required: true }]
  start: which
  steps:
    - { id: which, branch: { cases: [{ when: input.known, outcome: known }], otherwise: other }, outcomes: { known: good, other: bare } }
    - { id: good, exit: { outcome: next, outputs: { score: '1' } } }
    - { id: bare, exit: { outcome: next } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: example }
spec:
  type: Custom
  start: look
  steps:
    - { id: look, NODE, outcomes: { next: use } }
    - { id: use, set: { values: { doubled: steps.look.score * 2 } }, outcomes: { next: done } }
    - { id: done, complete: {} }
";
    for (node, title) in [
        (
            "node: { name: look, with: { known: 'true' } }",
            "steps.look.score is read here, and FlowNode/look leaves by next without it on the path which → end",
        ),
        (
            "call: { flow: library, with: { known: 'true' } }",
            "steps.look.score is read here, and Flow/library leaves by next without it on the path which → bare",
        ),
    ] {
        let read = |text: String| Folder::read([("a.yaml".to_owned(), text)], kinds());
        let text = world.replace("NODE", node);
        let folder = read(text.clone());
        let told: Vec<(&str, &str)> =
            folder.findings.iter().map(|one| (one.code, one.title.as_str())).collect();
        assert_eq!(told, [("maybe-unwritten-value", title)]);
        let advised = folder.findings[0].help.split('`').nth(1).unwrap();
        let mended = read(text.replace("steps.look.score * 2", &format!("\"({advised}) * 2\"")));
        assert_eq!(mended.findings, [], "{advised}");
    }
}

#[test]
fn where_nothing_may_stand_in_the_place_of_a_value_the_advice_is_to_ask_for_it() {
    let world = |name: &str| {
        format!(
            "
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: {{ name: people }}
spec:
  default: true
  attributes: [{{ name: email, type: Email, unique: true, required: true }}, {{ name: name, type: String, {name} }}]
  identifiers: [email]
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: {{ name: example }}
spec:
  type: Custom
  start: ask
  steps:
    - {{ id: ask, form: {{ fields: [{{ name: email, type: Email }}, {{ name: name, optional: true }}] }}, outcomes: {{ next: create }} }}
    - {{ id: create, createUser: {{ attributes: {{ email: form.email, name: form.name }} }}, outcomes: {{ next: done, exists: done }} }}
    - {{ id: done, complete: {{}} }}
"
        )
    };
    for (attribute, help) in [("required: true", "ask for it always"), ("required: false", "has(form.name)")]
    {
        let folder = Folder::read([("a.yaml".to_owned(), world(attribute))], kinds());
        let [finding] = &folder.findings[..] else { panic!("{:#?}", folder.findings) };
        assert!(finding.code == "maybe-unwritten-value" && finding.help.contains(help), "{}", finding.help);
    }
}
