//! From a manifest to a revision and its program, and what the compiler says of the paths through a flow.

use idflow_core::Value;
use idflow_flow::content::{Content, MAX_CONTENT};
use idflow_flow::diagnostic::ObjectId;
use idflow_flow::program::{Program, SignUp};
use idflow_flow::{Compiled, Folder, LoadError};
use idflow_nodes::kinds;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{WORLD, flow};

const SIGN_IN: &str = r#"
type: Login
start: identify
lifetime: 20m
locales: [en, de]
texts:
  welcome: { en: "Welcome {{ flow.name }}", de: Willkommen }
outcomes: { locked: locked }
steps:
  - id: identify
    form: { title: welcome, fields: [{ name: email, type: Email }], actions: [{ name: help }] }
    outcomes: { next: verify, help: locked }
  - id: verify
    call: { flow: verify-email, with: { email: form.email } }
    outcomes: { next: account }
  - id: account
    findUser: { by: steps.verify.address }
    outcomes: { next: second, notFound: identify }
  - id: second
    choose: { options: [password, code] }
    outcomes: { password: password, code: code }
  - id: password
    password: {}
    outcomes: { next: rate }
  - id: code
    oneTimeCode: { email: { connection: mail } }
    outcomes: { next: rate }
  - id: rate
    node: { name: score, with: { email: user.email } }
    outcomes: { low: done, high: locked }
  - id: locked
    fail: {}
  - id: done
    complete: {}
"#;

fn files(example: &str) -> [(String, String); 2] {
    [("world.yaml".to_owned(), WORLD.to_owned()), ("example.yaml".to_owned(), example.to_owned())]
}

fn compiled(spec: &str) -> Compiled {
    Folder::read(files(&flow(spec)), kinds()).flows.remove("example").unwrap()
}

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled.findings.iter().map(|finding| finding.code).collect()
}

fn digest_of(flow: &Value) -> String {
    let folder = Folder::read(files(&flow.to_string()), kinds());
    let compiled = &folder.flows["example"];
    let revision = compiled.revision.as_ref();
    revision.unwrap_or_else(|| panic!("{:#?} {:#?}", folder.findings, flow)).digest.to_string()
}

fn sign_in() -> Value {
    idflow_flow::source::read("a.yaml", &flow(SIGN_IN)).objects[0].value.clone()
}

#[test]
fn a_flow_becomes_a_revision_that_loads() {
    let compiled = compiled(SIGN_IN);
    assert_eq!(codes(&compiled), Vec::<&str>::new(), "{:#?}", compiled.findings);
    let revision = compiled.revision.unwrap();
    let sources: Vec<String> =
        revision.sources.iter().map(|source| format!("{}/{}", source.kind, source.name)).collect();
    assert_eq!(sources, ["Directory/people", "Flow/example", "Flow/verify-email", "FlowNode/score"]);
    let program = Program::load(&revision.content, kinds()).unwrap();
    assert_eq!(program.digest, revision.digest);
    let graphs: Vec<&str> = program.graphs.iter().map(|graph| graph.name.as_str()).collect();
    assert_eq!(graphs, ["flow/example", "flow/verify-email", "node/score"]);
    let main = &program.graphs[0];
    assert_eq!(main.steps[usize::from(main.start)].id, "identify");
    let step = |id: &str| main.steps.iter().find(|step| step.id == id).unwrap();
    let target =
        |id: &str, outcome: &str| step(id).target(outcome).map(|to| main.steps[usize::from(to)].id.as_str());
    assert_eq!(target("second", "code"), Some("code"), "choose leads to what it offers");
    assert_eq!(target("password", "locked"), Some("locked"), "wires are inherited");
    assert_eq!(step("rate").callee, Some(2));
    assert_eq!(program.directories.default.as_deref(), Some("people"));
    let attributes: Vec<&String> = program.directories.by_name["people"].attributes.keys().collect();
    assert_eq!(attributes, ["email"], "attributes that nothing uses are not pinned");
}

#[test]
fn content_reads_back_and_writes_the_same() {
    let revision = compiled(SIGN_IN).revision.unwrap();
    let content: Content = serde_json::from_str(&revision.content).unwrap();
    assert_eq!(content.canonical().unwrap(), (revision.content, revision.digest));
}

#[test]
fn the_weakest_of_all_paths_is_the_assurance() {
    let assurance = compiled(SIGN_IN).assurance;
    assert_eq!(assurance.len(), 1);
    assert!(assurance[0].identified);
    // One way proves pwd, the other otp: nothing is proven on both.
    assert_eq!((assurance[0].step.as_str(), assurance[0].factors.len()), ("done", 0));
    assert_eq!(assurance[0].minimum_factors, Some(1), "though both prove one");
    let both =
        compiled(&SIGN_IN.replace("outcomes: { next: rate }", "outcomes: { next: done }").replace(
            "password: {}\n    outcomes: { next: done }",
            "password: {}\n    outcomes: { next: code }",
        ));
    assert_eq!(both.assurance[0].factors, ["otp"]);
    let guest = compiled(&SIGN_IN.replace("complete: {}", "complete: { subject: Guest }")).assurance;
    assert!(!guest[0].identified, "a session of nobody in particular");
    assert_eq!((guest[0].factors.len(), guest[0].minimum_factors), (0, Some(0)));
}

#[test]
fn a_policy_counts_wherever_a_session_may_be_opened() {
    const TENANT: &str = "apiVersion: idflow.dev/v1alpha1\nkind: Tenant\nmetadata: { name: acme }\nspec:\n  \
        namespace: acme\n  issuer: https://login.acme.example\n  store: { embedded: {} }\n  \
        policy: { login: { minimumFactors: 2 } }\n";
    const SIGN_UP: &str = "type: Registration\nstart: ask\nsteps:\n\
        \x20 - id: ask\n    form: { fields: [{ name: email, type: Email }] }\n    outcomes: { next: verify }\n\
        \x20 - id: verify\n    oneTimeCode: { email: { connection: mail, to: form.email } }\n    outcomes: { next: account }\n\
        \x20 - id: account\n    createUser: { attributes: { email: form.email } }\n    outcomes: { next: renew, exists: known }\n\
        \x20 - id: renew\n    password: {}\n    outcomes: { next: done }\n\
        \x20 - id: known\n    complete: {}\n\
        \x20 - id: done\n    complete: {}\n";
    let judged = |spec: &str| {
        let files = files(&(flow(spec) + "---\n" + TENANT));
        let compiled = Folder::read(files, kinds()).flows.remove("example").unwrap();
        let ends: Vec<String> = compiled.session_assurance.iter().map(|end| end.step.clone()).collect();
        let weak = compiled.findings.iter().filter(|finding| finding.code == "weak-assurance");
        (ends.join(" "), weak.map(|finding| finding.title.clone()).collect::<Vec<_>>())
    };
    // `known` shows no factor, so nobody is signed in there.
    let weak = "the path ask → verify → account → renew → done proves less than the Tenant's policy asks for: \
                2 different factors";
    assert_eq!(judged(SIGN_UP), ("done".to_owned(), vec![weak.to_owned()]));
    let twice = SIGN_UP.replace(
        "  - id: known",
        "  - id: again\n    oneTimeCode: { email: { connection: mail } }\n    outcomes: { next: done }\n  - id: known",
    );
    let twice = twice
        .replace("password: {}\n    outcomes: { next: done }", "password: {}\n    outcomes: { next: again }");
    assert_eq!(judged(&twice), ("done".to_owned(), Vec::new()));
    // A form that leads to both: somebody may be signed in at `known` after all.
    let mixed = twice.replace(
        "oneTimeCode: { email: { connection: mail } }\n    outcomes: { next: done }",
        "oneTimeCode: { email: { connection: mail } }\n    outcomes: { next: known }",
    );
    assert_eq!(judged(&mixed).0, "known");
    assert_eq!(judged(&SIGN_UP.replace("type: Registration", "type: Custom")), (String::new(), Vec::new()));
}

#[test]
fn the_kinds_of_everything_that_is_entered_are_known_with_their_place() {
    let compiled = compiled(SIGN_IN);
    let found = |kind: &str| {
        let place = &compiled.node_kinds[kind];
        (place.pointer.as_str(), place.object.to_string())
    };
    assert_eq!(found("form"), ("/spec/steps/0/form", "Flow/example".to_owned()));
    assert_eq!(found("http"), ("/spec/steps/6", "FlowNode/score".to_owned()));
    assert_eq!(found("exit"), ("/spec/steps/1", "Flow/verify-email".to_owned()));
    let requires = compiled.revision.unwrap().requires;
    assert_eq!(requires.format, 2);
    assert_eq!(requires.node_kinds, compiled.node_kinds.into_keys().collect::<Vec<_>>());
}

#[test]
fn what_a_library_flow_proves_counts_for_its_caller() {
    let spec = "type: ResetPassword\nstart: ask\nsteps:\n\
        \x20 - id: ask\n    form: { fields: [{ name: email, type: Email }] }\n    outcomes: { next: verify }\n\
        \x20 - id: verify\n    call: { flow: verify-email, with: { email: form.email } }\n    outcomes: { next: account }\n\
        \x20 - id: account\n    findUser: { by: form.email }\n    outcomes: { next: renew, notFound: ask }\n\
        \x20 - id: renew\n    setPassword: {}\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n";
    assert_eq!(codes(&compiled(spec)), Vec::<&str>::new());
    assert_eq!(
        codes(&compiled(&spec.replace("next: verify }", "next: account }"))),
        ["unauthenticated-change", "unreachable-step"]
    );
}

#[test]
fn a_verified_address_is_forgotten_when_its_field_is_asked_for_again() {
    let spec = "type: ResetPassword\nstart: ask\nsteps:\n\
        \x20 - id: ask\n    form: { fields: [{ name: email, type: Email }] }\n    outcomes: { next: code }\n\
        \x20 - id: code\n    oneTimeCode: { email: { connection: mail, to: form.email } }\n    outcomes: { next: again }\n\
        \x20 - id: again\n    form: { fields: [{ name: email, type: Email }] }\n    outcomes: { next: account }\n\
        \x20 - id: account\n    findUser: { by: form.email }\n    outcomes: { next: renew, notFound: ask }\n\
        \x20 - id: renew\n    setPassword: {}\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n";
    assert_eq!(codes(&compiled(spec)), ["unauthenticated-change"]);
}

#[test]
fn what_a_step_put_out_is_gone_when_it_is_left_another_way_later() {
    let spec = "type: Custom\nstart: ask\nsteps:\n\
        \x20 - id: ask\n    http: { connection: crm, path: /customers }\n    outcomes: { next: pause, error: use }\n\
        \x20 - id: pause\n    message: {}\n    outcomes: { next: ask }\n\
        \x20 - id: use\n    set: { values: { status: STATUS } }\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n";
    assert_eq!(codes(&compiled(&spec.replace("STATUS", "steps.ask.status"))), ["unwritten-value"]);
    assert_eq!(
        codes(&compiled(&spec.replace("STATUS", "steps.?ask.?status.orValue(0)"))),
        Vec::<&str>::new()
    );
}

#[test]
fn a_lock_inside_a_library_flow_comes_up_to_its_caller_and_proves_nothing() {
    let spec = "type: Registration\nstart: ask\nsteps:\n\
        \x20 - id: ask\n    form: { fields: [{ name: email, type: Email }] }\n    outcomes: { next: verify }\n\
        \x20 - id: verify\n    call: { flow: verify-email, with: { email: form.email } }\n    outcomes: { next: account, LOCKED }\n\
        \x20 - id: account\n    findUser: { by: form.email }\n    outcomes: { next: renew, notFound: ask }\n\
        \x20 - id: renew\n    setPassword: {}\n    outcomes: { next: done }\n\
        \x20 - id: done\n    complete: {}\n";
    assert_eq!(codes(&compiled(&spec.replace("LOCKED", "locked: done"))), Vec::<&str>::new());
    assert_eq!(codes(&compiled(&spec.replace("LOCKED", "locked: account"))), ["unauthenticated-change"]);
}

#[test]
fn flows_are_not_entered_deeper_than_the_engine_goes_and_many_ways_cost_nothing() {
    let library = |level: usize| {
        let next = if level == 30 {
            "exit: { outcome: next }".to_owned()
        } else {
            format!("call: {{ flow: l{} }}", level + 1)
        };
        let steps: Vec<String> = (0..8)
            .map(|n| format!("    - id: s{n}\n      {next}\n      outcomes: {{ next: s{} }}\n", n + 1))
            .collect();
        let steps = if level == 30 {
            "    - id: s0\n      exit: { outcome: next }\n".to_owned()
        } else {
            format!("{}    - id: s8\n      exit: {{ outcome: next }}\n", steps.concat())
        };
        format!(
            "---\napiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: l{level} }}\nspec:\n  type: Library\n  start: s0\n  steps:\n{steps}"
        )
    };
    let all: Vec<String> = (0..=30).map(library).collect();
    let folder = Folder::read([("all.yaml".to_owned(), all.concat())], kinds());
    assert!(folder.flows["l20"].revision.is_some());
    assert!(codes(&folder.flows["l0"]).contains(&"broken-callee"));
}

#[test]
fn a_missing_object_is_waited_for_and_is_no_error() {
    let compiled = compiled(&SIGN_IN.replace("connection: mail", "connection: elsewhere"));
    assert_eq!(compiled.missing, [ObjectId::new("Connection", "elsewhere")]);
    assert!(!compiled.has_errors() && compiled.revision.is_none());
    assert_eq!(codes(&compiled), ["unknown-reference"]);
}

#[test]
fn a_mistake_in_what_is_entered_stands_there_and_once_at_the_caller() {
    let library = WORLD.replace(
        "exit: { outcome: next, outputs",
        "complete: {}\n    - id: left\n      exit: { outcome: next, outputs",
    );
    let files = [("world.yaml".to_owned(), library), ("example.yaml".to_owned(), flow(SIGN_IN))];
    let folder = Folder::read(files, kinds());
    assert!(codes(&folder.flows["verify-email"]).contains(&"misplaced-end"));
    assert!(codes(&folder.flows["example"]).contains(&"broken-callee"));
    assert!(folder.flows["example"].revision.is_none());
}

#[test]
fn a_field_that_the_schema_refuses_keeps_a_flow_and_its_callers_from_being_served() {
    let library = WORLD.replace("type: Library", "type: Library\n  liftime: 20m");
    let files = [("world.yaml".to_owned(), library), ("example.yaml".to_owned(), flow(SIGN_IN))];
    let folder = Folder::read(files, kinds());
    let codes: Vec<&str> = folder.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["unknown-field"]);
    assert!(folder.flows.values().all(|compiled| compiled.revision.is_none()));
}

#[test]
fn content_beyond_the_cap_is_refused() {
    let long = "x".repeat(4000);
    let texts: Vec<String> = (0..60).map(|n| format!("  t{n}: {{ en: {long}, de: x }}")).collect();
    let shown: Vec<String> = (0..60)
        .map(|n| {
            format!("  - id: s{n}\n    message: {{ title: t{n} }}\n    outcomes: {{ next: s{} }}", n + 1)
        })
        .collect();
    let spec = format!(
        "type: Custom\nstart: s0\ntexts:\n{}\nsteps:\n{}\n  - id: s60\n    complete: {{}}\n",
        texts.join("\n"),
        shown.join("\n")
    );
    assert_eq!(codes(&compiled(&spec)), ["too-large"]);
}

#[test]
fn content_that_this_program_cannot_run_is_refused_with_the_reason() {
    let content = compiled(SIGN_IN).revision.unwrap().content;
    let changed = |from: &str, to: &str| Program::load(&content.replace(from, to), kinds()).unwrap_err();
    assert_eq!(changed("\"format\":2", "\"format\":3,\"more\":true"), LoadError::UnknownFormat(3));
    assert!(matches!(changed("\"kind\":\"fail\"", "\"kind\":\"fial\""), LoadError::UnknownKind { .. }));
    assert!(matches!(changed("\"start\":\"identify\"", "\"start\":\"x\""), LoadError::UnknownStep { .. }));
    assert!(matches!(changed("\"flow/verify-email\"", "\"flow/other\""), LoadError::UnknownGraph { .. }));
    assert!(matches!(changed("\"by\":", "\"bye\":"), LoadError::Settings { .. }));
    assert!(matches!(changed("\"lifetime\"", "\"lifetim\""), LoadError::Unreadable(_)));
    assert!(matches!(Program::load(&" ".repeat(MAX_CONTENT + 1), kinds()), Err(LoadError::TooLarge(_))));
}

/// Edits that a visitor could notice: each must give another digest.
fn meaningful(flow: &mut Value, edit: usize) {
    let spec = &mut flow["spec"];
    match edit {
        0 => spec["lifetime"] = json!("21m"),
        1 => spec["texts"]["welcome"]["de"] = json!("Hallo"),
        2 => spec["locales"] = json!(["de", "en"]),
        3 => spec["outcomes"] = json!({ "locked": "identify" }),
        4 => spec["steps"][0]["form"]["fields"][0]["name"] = json!("mail"),
        5 => spec["steps"][2]["findUser"]["directory"] = json!("people"),
        6 => spec["type"] = json!("Custom"),
        7 => spec["steps"][8]["complete"] = json!({ "subject": "Guest" }),
        8 => spec["start"] = json!("second"),
        _ => spec["steps"][0]["outcomes"]["cancel"] = json!("locked"),
    }
    if edit == 4 {
        spec["steps"][1]["call"]["with"]["email"] = json!("form.mail");
    }
    if edit == 8 {
        // Starting behind the identification is refused, so the flow that starts elsewhere is another one.
        spec["start"] = json!("identify");
        spec["steps"][8]["id"] = json!("end");
        spec["steps"][6]["outcomes"]["low"] = json!("end");
    }
}

/// Edits that nobody who runs the flow could notice.
fn meaningless(flow: &mut Value, edit: usize) {
    match edit {
        0 => flow["metadata"]["annotations"] = json!({ "idflow.dev/layout": "{}" }),
        1 => flow["metadata"]["labels"] = json!({ "team": "identity" }),
        2 => flow["spec"]["description"] = json!("Signs people in."),
        3 => flow["spec"]["suspend"] = json!(true),
        4 => flow["spec"]["default"] = json!(true),
        5 => flow["metadata"]["generation"] = json!(7),
        6 => flow["spec"]["guarantees"] = json!({ "identified": true }),
        _ => flow["metadata"]["uid"] = json!("1234"),
    }
}

#[test]
fn every_meaningful_edit_gives_another_digest() {
    let mut digests = std::collections::BTreeSet::from([digest_of(&sign_in())]);
    for edit in 0..10 {
        let mut flow = sign_in();
        meaningful(&mut flow, edit);
        assert!(digests.insert(digest_of(&flow)), "edit {edit} changed nothing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_and_what_does_not_run_leave_the_digest_alone(
        order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
        edits in proptest::collection::vec(0_usize..8, 0..6),
        pretty: bool,
    ) {
        let plain = sign_in();
        let mut flow = plain.clone();
        let steps = plain["spec"]["steps"].as_array().unwrap();
        flow["spec"]["steps"] = order.iter().map(|index| steps[*index].clone()).collect();
        for edit in edits {
            meaningless(&mut flow, edit);
        }
        let text = if pretty { serde_json::to_string_pretty(&flow).unwrap() } else { flow.to_string() };
        let folder = Folder::read(files(&text), kinds());
        let digest = folder.flows["example"].revision.as_ref().unwrap().digest.to_string();
        prop_assert_eq!(digest, digest_of(&plain));
    }

    #[test]
    fn any_change_of_a_manifest_is_judged_without_a_panic(
        from in "[a-zA-Z:{}\\[\\], \n-]{1,4}", to in "[a-zA-Z:{}\\[\\]., \n'\"-]{0,4}", nth in 0_usize..20,
    ) {
        let text = flow(SIGN_IN);
        let place = text.match_indices(&from).nth(nth).map(|(at, _)| at);
        prop_assume!(place.is_some());
        let (before, after) = text.split_at(place.unwrap());
        let changed = format!("{before}{to}{}", &after[from.len()..]);
        let folder = Folder::read(files(&changed), kinds());
        for finding in &folder.findings {
            prop_assert!(finding.place.locate(&folder.manifests).is_some(), "{:?}", finding);
        }
    }
}

/// A sign-up whose steps after the form come in this order. The code is asked for by a flow that is called.
fn sign_up(order: &[&str]) -> String {
    let steps = order.iter().enumerate().map(|(place, step)| {
        let next = order.get(place + 1).unwrap_or(&"done");
        let node = match *step {
            "account" => "createUser: { attributes: { email: form.email } }",
            "code" => "oneTimeCode: { email: { connection: mail, to: form.email } }",
            "verify" => "call: { flow: verify-email, with: { email: form.email } }",
            "newPassword" => "setPassword: {}",
            other => panic!("{other}"),
        };
        let exists = if *step == "account" { ", exists: ask" } else { "" };
        format!("  - {{ id: {step}, {node}, outcomes: {{ next: {next}{exists} }} }}\n")
    });
    let steps: String = steps.collect();
    format!(
        "type: Registration\nstart: ask\nsteps:\n  - {{ id: ask, form: {{ fields: [{{ name: email, type: Email }}] }}, outcomes: {{ next: {} }} }}\n{steps}  - {{ id: done, complete: {{}} }}\n",
        order[0]
    )
}

#[test]
fn a_sign_up_knows_whether_its_address_is_proven_before_it_is_finished() {
    let orders: [(&[&str], bool, bool); 6] = [
        (&["account", "code", "newPassword"], true, false),
        (&["account", "verify", "newPassword"], true, false),
        (&["account", "newPassword", "code"], false, true),
        (&["account", "newPassword", "verify"], false, true),
        (&["account"], false, true),
        // What was proven before is known when it runs.
        (&["code", "account", "newPassword"], false, false),
    ];
    for (order, proves, is_told) in orders {
        let compiled = compiled(&sign_up(order));
        assert_eq!(
            codes(&compiled),
            vec!["unproven-address"; usize::from(is_told)],
            "{order:?}: {:#?}",
            compiled.findings
        );
        let program = compiled.revision.unwrap().program;
        let account = program.graphs[0].steps.iter().find(|step| step.id == "account").unwrap();
        assert_eq!(account.sign_up == SignUp::ProvesFirst, proves, "{order:?}");
    }
}

#[test]
fn a_password_needs_another_way_in_beside_it_and_not_behind_it() {
    let sign_in = |steps: &str| {
        format!("type: Login\nstart: password\nsteps:\n{steps}  - {{ id: done, complete: {{}} }}\n")
    };
    let asks = "  - { id: password, password: { identify: true, actions: [{ name: other }] }, outcomes: { next: NEXT, other: OTHER } }\n";
    let code = "  - { id: code, oneTimeCode: { email: { connection: mail } }, outcomes: { next: done } }\n";
    let who = "  - { id: who, form: { fields: [{ name: email, type: Email }] }, outcomes: { next: account } }\n  - { id: account, findUser: { by: form.email }, outcomes: { next: code, notFound: who } }\n";
    let rows = [
        (asks.replace("NEXT", "code").replace("OTHER", "password") + code, true),
        (asks.replace("NEXT", "done").replace("OTHER", "who") + who + code, false),
        (asks.replace("NEXT", "code").replace("OTHER", "who") + who + code, false),
    ];
    for (steps, is_told) in rows {
        let compiled = compiled(&sign_in(&steps));
        assert_eq!(codes(&compiled), vec!["password-only"; usize::from(is_told)], "{steps}");
    }
}
