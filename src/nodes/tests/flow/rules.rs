//! Every rule's documentation is executed: the invalid example has the finding, the valid one has none at all.

use idflow_flow::diagnostic::Severity;
use idflow_flow::lint::{Lint, RULES};
use idflow_flow::{Finding, Folder};
use idflow_nodes::kinds;

use crate::world::{WORLD, flow};

/// What an example needs beside the world of every test.
const EXTRA: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: broken }
data: { de: "just a text" }
---
apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: { name: acme }
spec:
  namespace: acme
  issuer: https://login.example.com
  store: { embedded: {} }
  limits: { steps: 6 }
  policy: { forbiddenNodeKinds: [fail] }
---
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: undeclared }
spec:
  implementation:
    graph:
      start: leave
      steps:
        - id: leave
          exit: { outcome: other }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: reset }
spec:
  type: ResetPassword
  start: who
  steps:
    - id: who
      form: { fields: [{ name: email, type: Email }] }
      outcomes: { next: code }
    - id: code
      call: { flow: verify-email, with: { email: form.email } }
      outcomes: { next: account }
    - id: account
      findUser: { by: steps.code.address }
      outcomes: { next: newPassword, notFound: done }
    - id: newPassword
      setPassword: {}
      outcomes: { next: done }
    - id: done
      complete: {}
"#;

fn examples(lint: &Lint, fence: &str) -> Vec<String> {
    let text = lint.documentation();
    let begin = format!("```yaml,{fence}\n");
    text.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
}

fn findings(example: &str) -> Vec<Finding> {
    let example = if example.starts_with("apiVersion") { example.to_owned() } else { flow(example) };
    let files = [("world.yaml", WORLD), ("extra.yaml", EXTRA), ("example.yaml", &example)];
    Folder::read(files.map(|(file, text)| (file.to_owned(), text.to_owned())), kinds()).findings
}

fn codes(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.code, finding.title)).collect()
}

/// What the extra objects alone give rise to.
fn is_background(finding: &Finding) -> bool {
    finding.place.object().is_some_and(|object| object.name == "undeclared")
}

#[test]
fn every_rule_finds_its_invalid_example() {
    for lint in RULES {
        let invalid = examples(lint, "invalid");
        assert!(!invalid.is_empty(), "{} has no invalid example", lint.module);
        for example in invalid {
            let findings = findings(&example);
            let found = findings.iter().any(|finding| finding.code == lint.rule.code);
            assert!(found, "{} does not find its example, but {:#?}", lint.module, codes(&findings));
        }
    }
}

#[test]
fn no_rule_finds_anything_in_a_valid_example() {
    for lint in RULES {
        let valid = examples(lint, "valid");
        assert!(!valid.is_empty(), "{} has no valid example", lint.module);
        for example in valid {
            let findings: Vec<Finding> =
                findings(&example).into_iter().filter(|finding| !is_background(finding)).collect();
            assert!(findings.is_empty(), "{}: {:#?}", lint.module, codes(&findings));
        }
    }
}

#[test]
fn every_finding_says_what_is_wrong_why_and_what_to_do() {
    for lint in RULES {
        for finding in examples(lint, "invalid").iter().flat_map(|example| findings(example)) {
            assert!(!finding.title.is_empty() && !finding.why.is_empty() && !finding.help.is_empty());
            assert!(!finding.title.ends_with('.') && !finding.why.ends_with('.'), "{}", finding.title);
        }
    }
}

#[test]
fn the_world_of_the_tests_is_without_findings() {
    let files = [("world.yaml".to_owned(), WORLD.to_owned())];
    let folder = Folder::read(files, kinds());
    assert_eq!(codes(&folder.findings), Vec::<String>::new());
    assert!(folder.flows["verify-email"].revision.is_some());
}

#[test]
fn errors_come_before_warnings() {
    let spec = "type: Login\nstart: nowhere\nsteps:\n  - id: done\n    complete: {}\n";
    let folder = Folder::read([("a.yaml".to_owned(), flow(spec))], kinds());
    let severities: Vec<Severity> =
        folder.flows["example"].findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted());
}

#[test]
fn a_step_that_cannot_be_read_is_one_finding_and_no_guess_about_what_follows() {
    let spec = "type: Login\nguarantees: { identified: true }\nstart: password\nsteps:\n\
        \x20 - id: password\n    password: { identify: on }\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n";
    let found = findings(spec);
    let codes: Vec<&str> =
        found.iter().filter(|finding| !is_background(finding)).map(|finding| finding.code).collect();
    assert_eq!(codes, ["yaml-boolean"]);
}

#[test]
fn a_wrong_name_inside_an_expression_is_underlined_itself() {
    let text = flow(
        "type: Custom\nstart: note\nsteps:\n\
        \x20 - id: note\n    set: { values: { copy: \"has(flow.name) ? form.nickname : ''\" } }\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n",
    );
    let folder = Folder::read([("a.yaml".to_owned(), text.clone())], kinds());
    let place = folder.findings[0].place.locate(&folder.manifests).unwrap();
    assert_eq!(&text[place.span], "form.nickname");
}

#[test]
fn texts_that_cannot_be_read_are_said_once_with_the_reason_and_no_text_is_missed_besides() {
    let found = findings(
        "type: Login
start: hello
textsFrom: [broken]
locales: [en, de]
steps:
  - id: hello
    message: { title: welcome }
    outcomes: { next: password }
  - id: password
    password: { identify: true }
    outcomes: { next: done }
  - id: done
    complete: {}
",
    );
    let found: Vec<Finding> = found.into_iter().filter(|finding| !is_background(finding)).collect();
    let [only] = found.as_slice() else { panic!("{:?}", codes(&found)) };
    assert_eq!(only.code, "invalid-texts");
    assert!(only.title.contains("broken holds no texts: "), "{}", only.title);
    assert_eq!(only.related.len(), 1, "the entry itself is shown");
}

#[test]
fn only_objects_in_no_tenants_namespace_are_foreign_and_a_secret_may_be_somebody_elses() {
    let tenant = |name: &str| {
        let spec = format!(
            "{{ namespace: {name}, issuer: \"https://{name}.example.com\", store: {{ embedded: {{}} }} }}"
        );
        format!("apiVersion: idflow.dev/v1alpha1\nkind: Tenant\nmetadata: {{ name: {name} }}\nspec: {spec}\n")
    };
    let theme = |namespace: &str| {
        format!(
            "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: {{ name: brand, namespace: {namespace} }}\n\
             spec: {{ productName: Acme }}\n"
        )
    };
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: tls, namespace: ingress }\n".to_owned();
    let broken = "kind: Tenant: {\n".to_owned();
    let told = |files: &[String]| {
        let files = files.iter().enumerate().map(|(number, text)| (number.to_string(), text.clone()));
        let findings = Folder::read(files, kinds()).findings.into_iter();
        let foreign = findings.filter(|finding| finding.code == "foreign-namespace");
        foreign.map(|finding| (finding.severity, finding.help)).collect::<Vec<_>>()
    };
    let [acme, other] = ["acme", "other"].map(tenant);
    let error = |help: &str| vec![(Severity::Error, help.to_owned())];
    for (what, files, expected) in [
        ("misspelt", vec![acme.clone(), theme("amce")], error("did you mean acme?")),
        ("another one", vec![acme.clone(), theme("staging")], error("the Tenant's namespace is acme")),
        ("one of two", vec![acme.clone(), other.clone(), theme("other")], Vec::new()),
        (
            "none of two",
            vec![acme.clone(), other, theme("staging")],
            error("the Tenants' namespaces are acme, other"),
        ),
        ("no Tenant here", vec![theme("amce")], Vec::new()),
        (
            "a Tenant that may stand in what cannot be read",
            vec![acme.clone(), theme("staging"), broken],
            Vec::new(),
        ),
        (
            "a Secret",
            vec![acme, secret],
            vec![(Severity::Warning, "the Tenant's namespace is acme".to_owned())],
        ),
    ] {
        assert_eq!(told(&files), expected, "{what}");
    }
}

#[test]
fn whoever_calls_in_a_circle_has_the_finding_however_long_the_circle_is() {
    let library = |name: &str, callee: &str| {
        let steps = format!(
            "[{{ id: enter, call: {{ flow: {callee} }}, outcomes: {{ next: leave }} }}, {{ id: leave, exit: {{ outcome: next }} }}]"
        );
        let spec = format!("{{ type: Library, start: enter, steps: {steps} }}");
        format!("apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: {name} }}\nspec: {spec}\n")
    };
    for ring in [vec!["one"], vec!["one", "two"], vec!["one", "two", "three"]] {
        let next = |index: usize| ring[(index + 1) % ring.len()];
        let files =
            ring.iter().enumerate().map(|(index, name)| ((*name).to_owned(), library(name, next(index))));
        let outside = ("outside".to_owned(), library("outside", "one"));
        let folder = Folder::read(files.chain([outside]), kinds());
        let errors = folder.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let mut found: Vec<(&str, &str)> = errors
            .map(|one| (one.code, one.place.object().map_or("", |object| object.name.as_str())))
            .collect();
        found.sort_unstable();
        let mut expected: Vec<_> = ring.iter().map(|name| ("recursive-call", *name)).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "outside is told nothing: what is wrong stands at the ring");
        assert!(folder.flows.values().all(|flow| flow.revision.is_none()));
    }
}

#[test]
fn an_error_that_a_callee_has_only_for_its_caller_is_said_at_the_caller() {
    let library = |index: usize| {
        let step = if index == 17 {
            "exit: { outcome: next }".to_owned()
        } else {
            format!("call: {{ flow: l{} }}, outcomes: {{ next: leave }}", index + 1)
        };
        format!(
            "---\napiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: l{index} }}\nspec: {{ type: Library, start: enter, steps: [{{ id: enter, {step} }}{}] }}\n",
            if index == 17 { "" } else { ", { id: leave, exit: { outcome: next } }" }
        )
    };
    let folder = Folder::read([("a.yaml".to_owned(), (0..18).map(library).collect::<String>())], kinds());
    let found = |code: &str| -> Vec<String> {
        let found = folder.findings.iter().filter(|finding| finding.code == code);
        found.filter_map(|finding| Some(finding.place.object()?.name.clone())).collect()
    };
    assert_eq!(found("broken-callee"), ["l0", "l1"], "{:#?}", codes(&folder.findings));
    assert!(folder.flows["l0"].revision.is_none() && folder.flows["l2"].revision.is_some());
}

/// A sign-out that a library does, on a path that may go round it.
const SIGN_OUT: &str = "apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: ending }
spec:
  type: Library
  start: signOut
  steps:
    - { id: signOut, endSessions: {}, outcomes: { next: left } }
    - { id: left, exit: { outcome: next } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-out }
spec:
  type: Logout
  start: ask
  steps:
    - { id: ask, form: { fields: [{ name: word, type: String }], actions: [{ name: stay }] }, outcomes: { next: end, stay: STAY } }
    - { id: end, call: { flow: ending }, outcomes: { next: done } }
    - { id: kept, fail: {} }
    - { id: done, complete: {} }
";

#[test]
fn a_sign_out_is_looked_for_on_every_path_and_in_what_is_called() {
    let found = |stay: &str| {
        let findings = findings(&SIGN_OUT.replace("STAY", stay)).into_iter();
        let own = findings.filter(|finding| finding.code == "unended-session");
        own.map(|finding| finding.title).collect::<Vec<_>>()
    };
    assert_eq!(found("done"), ["the path ask → done completes without endSessions"]);
    assert_eq!(found("kept"), [""; 0]);
}

#[test]
fn whoever_is_deleted_is_nobody_to_the_steps_behind() {
    let spec = |rest: &str| {
        format!(
            "type: DeleteUser\nstart: password\nsteps:\n  - {{ id: password, password: {{ identify: true }}, outcomes: {{ next: delete }} }}\n  - {{ id: delete, deleteUser: {{}}, outcomes: {{ next: after }} }}\n  - {{ id: after, {rest}, outcomes: {{ next: done }} }}\n  - {{ id: done, complete: {{}} }}\n"
        )
    };
    for (rest, codes) in [
        ("message: {}", vec![]),
        ("setPassword: {}", vec!["user-required", "unauthenticated-change"]),
        ("set: { values: { who: user.email } }", vec!["user-required"]),
    ] {
        let files = [("world.yaml", WORLD.to_owned()), ("example.yaml", flow(&spec(rest)))];
        let folder = Folder::read(files.map(|(file, text)| (file.to_owned(), text)), kinds());
        let found: Vec<&str> = folder.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{rest}");
    }
}
