//! Whatever the operator refuses, lint refuses in the same folder, by the same code.

use std::collections::BTreeSet;

use idflow_api::reason::Reason;
use idflow_flow::Folder;
use idflow_flow::diagnostic::{ObjectId, Severity};
use serde_json::json;

use crate::harness::Harness;

/// What every row stands beside.
const WORLD: &str = r#"
apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: { name: acme }
spec:
  namespace: acme
  issuer: https://login.acme.example
  store: { embedded: {} }
  limits: { flows: 3, steps: 3 }
  policy: { forbiddenNodeKinds: [http], login: { factors: [pwd] } }
---
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: a-people, namespace: acme }
spec: { default: true, attributes: [{ name: email, type: Email, unique: true }], identifiers: [email] }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: a-sign-in, namespace: acme }
spec:
  type: Login
  default: true
  start: password
  steps: [{ id: password, password: { identify: true }, outcomes: { next: done } }, { id: done, complete: {} }]
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: a-shop, namespace: acme }
spec: { clientId: shop, authentication: None, redirectURIs: ["https://shop.example/cb"] }
---
apiVersion: idflow.dev/v1alpha1
kind: Theme
metadata: { name: a-brand, namespace: acme }
spec: { default: true, productName: Acme }
---
apiVersion: v1
kind: Secret
metadata: { name: secret, namespace: acme, labels: { idflow.dev/usable: "true" }, annotations: { idflow.dev/hosts: mail.example } }
data: { username: YQ== }
---
apiVersion: v1
kind: Secret
metadata: { name: kept, namespace: acme }
data: { current: YQ== }
"#;

/// What is refused, the kind of `z`, its spec, the reason in its condition, and the code.
type Row = (&'static str, &'static str, &'static str, Reason, &'static str);

macro_rules! signing_in {
    ($head:literal) => {
        concat!("{ type: Login, ", $head, ", steps: [{ id: password, password: { identify: true }, outcomes: { next: done } }, { id: done, complete: {} }] }")
    };
}

macro_rules! tenant {
    ($namespace:literal, $issuer:literal, $rest:literal) => {
        concat!("{ namespace: ", $namespace, ", issuer: 'https://", $issuer, "', ", $rest, " }")
    };
}

macro_rules! client {
    ($rest:literal) => {
        concat!("{ redirectURIs: [https://z.example/cb], ", $rest, " }")
    };
}

macro_rules! smtp {
    ($secret:literal, $host:literal) => {
        concat!("{ smtp: { host: ", $host, ", from: a@acme.example, secretRef: { name: ", $secret, " } } }")
    };
}

const CLAIMS: &[Row] = &[
    (
        "another default of the type",
        "Flow",
        signing_in!("default: true, start: password"),
        Reason::ClaimedByOther,
        "rival-default",
    ),
    (
        "a second default",
        "Directory",
        "{ default: true, attributes: [{ name: email, type: Email, unique: true }], identifiers: [email] }",
        Reason::ClaimedByOther,
        "rival-default",
    ),
    ("a second default", "Theme", "{ default: true }", Reason::ClaimedByOther, "rival-default"),
    (
        "a client id that is taken",
        "OIDCClient",
        client!("clientId: shop, authentication: None"),
        Reason::ClaimedByOther,
        "rival-claim",
    ),
    (
        "a namespace that is taken",
        "Tenant",
        tenant!("acme", "z.example", "store: { embedded: {} }"),
        Reason::ClaimedByOther,
        "rival-claim",
    ),
    (
        "an issuer that is taken",
        "Tenant",
        tenant!("other", "login.acme.example", "store: { embedded: {} }"),
        Reason::ClaimedByOther,
        "rival-claim",
    ),
];

const FLOWS: &[Row] = &[
    (
        "a step that leads nowhere",
        "Flow",
        "{ type: Login, start: password, steps: [{ id: password, password: {}, outcomes: { next: nowhere } }] }",
        Reason::CompileFailed,
        "unknown-step",
    ),
    (
        "a start that is none, older than the rule",
        "Flow",
        signing_in!("start: nowhere"),
        Reason::CompileFailed,
        "unknown-step",
    ),
    (
        "inputs that nobody gives, older than the rule",
        "Flow",
        signing_in!("start: password, inputs: [{ name: a, type: String }]"),
        Reason::CompileFailed,
        "broken-rule",
    ),
    (
        "a value that cannot work",
        "Flow",
        signing_in!("start: password, guarantees: { factors: [pdw] }"),
        Reason::CompileFailed,
        "unusable-value",
    ),
    (
        "a circle of one",
        "Flow",
        "{ type: Library, start: a, steps: [{ id: a, call: { flow: z }, outcomes: { next: b } }, { id: b, exit: { outcome: next } }] }",
        Reason::CompileFailed,
        "recursive-call",
    ),
    (
        "a kind that is not allowed",
        "Flow",
        "{ type: API, start: a, steps: [{ id: a, http: { connection: c, path: / }, outcomes: { next: b } }, { id: b, complete: {} }] }",
        Reason::NotAllowed,
        "forbidden-node-kind",
    ),
    (
        "too many steps",
        "Flow",
        "{ type: Custom, start: a, steps: [{ id: a, message: {}, outcomes: { next: b } }, { id: b, message: {}, outcomes: { next: c } }, { id: c, message: {}, outcomes: { next: d } }, { id: d, complete: {} }] }",
        Reason::NotAllowed,
        "too-many-steps",
    ),
    (
        "less than is demanded",
        "Flow",
        "{ type: Login, start: a, steps: [{ id: a, message: {}, outcomes: { next: b } }, { id: b, complete: { subject: Guest } }] }",
        Reason::NotAllowed,
        "weak-assurance",
    ),
    (
        "a session for a guest",
        "Flow",
        "{ type: Login, start: a, steps: [{ id: a, message: {}, outcomes: { next: b } }, { id: b, complete: { subject: Guest } }] }",
        Reason::NotAllowed,
        "forbidden-guest",
    ),
    (
        "a node with an error",
        "FlowNode",
        "{ implementation: { graph: { start: a, steps: [{ id: a, message: {}, outcomes: { next: b } }] } } }",
        Reason::Invalid,
        "unknown-step",
    ),
];

const OTHERS: &[Row] = &[
    (
        "an identifier that is not unique, older than the rule",
        "Directory",
        "{ attributes: [{ name: email, type: Email }], identifiers: [email] }",
        Reason::Invalid,
        "broken-rule",
    ),
    (
        "an address that is none",
        "Connection",
        "{ http: { url: 'https://a.example:99999' } }",
        Reason::Invalid,
        "unusable-value",
    ),
    (
        "a sender that is none, older than the pattern",
        "Connection",
        "{ smtp: { host: mail.example, from: nobody } }",
        Reason::Invalid,
        "invalid-value",
    ),
    ("no store", "Tenant", tenant!("other", "z.example", "store: {}"), Reason::Invalid, "broken-rule"),
    (
        "a range that is none",
        "Tenant",
        tenant!("other", "z.example", "store: { embedded: {} }, trustedProxies: ['10.0.0.0/64']"),
        Reason::Invalid,
        "unusable-value",
    ),
    (
        "a namespace of the system",
        "Tenant",
        tenant!("kube-x", "z.example", "store: { embedded: {} }"),
        Reason::Invalid,
        "broken-rule",
    ),
    (
        "a Secret that is not shared",
        "OIDCClient",
        client!("authentication: ClientSecretBasic, secretRef: { name: kept }"),
        Reason::SecretNotShared,
        "unshared-secret",
    ),
    (
        "a Secret without the entry",
        "Connection",
        smtp!("secret", "mail.example"),
        Reason::SecretIncomplete,
        "unshared-secret",
    ),
    (
        "a Secret for another host",
        "Connection",
        smtp!("secret", "mail.example.org"),
        Reason::SecretNotForHost,
        "unshared-secret",
    ),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    [CLAIMS, FLOWS, OTHERS].into_iter().flatten()
}

fn object(kind: &str, spec: &str) -> String {
    let namespace = if kind == "Tenant" { "" } else { ", namespace: acme" };
    format!(
        "---\napiVersion: idflow.dev/v1alpha1\nkind: {kind}\nmetadata: {{ name: z{namespace} }}\nspec: {spec}\n"
    )
}

/// Reason and codes of an object in the cluster.
async fn in_cluster(text: &str, kind: &str, name: &str) -> (String, BTreeSet<String>) {
    let harness = Harness::new();
    for namespace in ["acme", "other", "kube-x"] {
        harness.put(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }));
    }
    for object in idflow_flow::source::read("folder.yaml", text).objects {
        harness.put(&object.value);
    }
    harness.settle().await;
    let status = harness.object(kind, name)["status"].clone();
    let problems = status["problems"].as_array().into_iter().flatten();
    let errors = problems.filter(|problem| problem["severity"] == "Error");
    let codes = errors.filter_map(|problem| problem["code"].as_str().map(str::to_owned)).collect();
    (harness.ready_reason(kind, name), codes)
}

/// Codes of the errors that lint finds in an object.
fn in_folder(text: &str, id: &ObjectId) -> BTreeSet<String> {
    let folder = Folder::read([("folder.yaml".to_owned(), text.to_owned())], idflow_nodes::kinds());
    let found = folder.findings.iter().filter(|finding| finding.severity == Severity::Error);
    // Of two rivals in a folder neither is older: the finding names one place and the other.
    let concerns = |finding: &&idflow_flow::Finding| {
        let related = finding.related.iter().filter_map(|related| related.place.object());
        finding.place.object().into_iter().chain(related).any(|object| object == id)
    };
    found.filter(concerns).map(|finding| finding.code.to_owned()).collect()
}

#[tokio::test]
async fn what_the_operator_refuses_lint_refuses_by_the_same_code() {
    let mut wrong = Vec::new();
    for (what, kind, spec, reason, code) in rows() {
        let text = format!("{WORLD}{}", object(kind, spec));
        let (told, codes) = in_cluster(&text, kind, "z").await;
        let linted = in_folder(&text, &ObjectId::new(*kind, "z"));
        // Of a claim a Tenant's condition tells, and nothing is wrong with what it says itself.
        let is_word = *kind == "Tenant" && *reason == Reason::ClaimedByOther;
        let is_told = told == reason.as_str() && (is_word || codes.contains(*code));
        if !is_told || !linted.contains(*code) {
            wrong.push(format!(
                "{kind}, {what}: operator {told} {codes:?}, lint {linted:?}, wanted {reason} {code}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_flow_too_many_and_a_circle_of_two_are_refused_alike() {
    let flow = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: {name}, namespace: acme }}\nspec: {spec}\n"
        )
    };
    let plain = "{ type: Custom, start: done, steps: [{ id: done, complete: {} }] }";
    let calling = |callee: &str| {
        let call = format!("{{ id: a, call: {{ flow: {callee} }}, outcomes: {{ next: b }} }}");
        format!("{{ type: Library, start: a, steps: [{call}, {{ id: b, exit: {{ outcome: next }} }}] }}")
    };
    let many = format!("{WORLD}{}{}{}", flow("b", plain), flow("c", plain), flow("z", plain));
    let circle = format!("{WORLD}{}{}", flow("y", &calling("z")), flow("z", &calling("y")));
    for (text, reason, code) in [
        (many, Reason::LimitReached, "too-many-flows"),
        (circle, Reason::ReferenceNotReady, "recursive-call"),
    ] {
        let (told, codes) = in_cluster(&text, "Flow", "z").await;
        assert_eq!(told, reason.as_str());
        assert!(codes.contains(code), "{codes:?}");
        assert!(in_folder(&text, &ObjectId::new("Flow", "z")).contains(code), "{code}");
    }
}

/// Reasons that are no refusal of what stands in a folder, with what they are instead.
const OTHERWISE: [(&str, &[Reason]); 4] = [
    (
        "it works, or soon",
        &[
            Reason::Ready,
            Reason::Accepted,
            Reason::Resolved,
            Reason::Progressing,
            Reason::ExecutorReady,
            Reason::ExecutorStarting,
            Reason::Loaded,
            Reason::Serving,
            Reason::Suspended,
            Reason::Library,
            Reason::Active,
            Reason::Retired,
            Reason::EmbeddedStore,
            Reason::RevisionCreated,
            Reason::RevisionReused,
            Reason::RevisionCollected,
            Reason::PolicyGrace,
            Reason::OlderThanRule,
        ],
    ),
    (
        "waited for: lint warns of it, or it may stand outside of the folder",
        &[Reason::ReferenceNotFound, Reason::NoTenant, Reason::NamespaceNotFound],
    ),
    (
        "known only to what runs",
        &[
            Reason::ProgressingWithRetry,
            Reason::Conflict,
            Reason::KeysMissing,
            Reason::NotUniqueYet,
            Reason::NoExecutor,
            Reason::NotLoaded,
            Reason::Unusable,
            Reason::Forbidden,
            Reason::Damaged,
            Reason::RequestRefused,
            Reason::ApiError,
        ],
    ),
    (
        "the operator's own namespace, which no folder knows; those of the system are a rule",
        &[Reason::NamespaceRefused],
    ),
];

#[test]
fn every_reason_is_a_refusal_of_a_row_or_named_otherwise() {
    let rows: Vec<Reason> = rows().map(|row| row.3).collect();
    let others = [Reason::LimitReached, Reason::ReferenceNotReady];
    for reason in Reason::ALL {
        let places = usize::from(rows.contains(reason) || others.contains(reason))
            + OTHERWISE.iter().filter(|(_, reasons)| reasons.contains(reason)).count();
        assert_eq!(places, 1, "{reason}");
    }
}
