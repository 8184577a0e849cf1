//! Every rule of every definition (found by walking `crds`) with a manifest that it refuses and one that it lets pass:
//! what the API server says and what lint says stand side by side. A rule without a row fails.

use std::collections::BTreeSet;

use idflow_test_support::cluster::{Answer, Cluster};
use idflow_test_support::repository;
use serde_json::{Value, json};

use crate::{create, installed, samples};

/// How a rule comes to be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// When an object is made.
    Create,
    /// When one is changed: it compares with what was before, which no file knows.
    Change,
    /// When the operator writes a status.
    Status,
}

/// One rule, and a value that it refuses and one that it lets pass.
#[derive(Clone, Copy)]
struct Row {
    /// Kind and place in the schema.
    at: &'static str,
    /// The beginning of its message.
    says: &'static str,
    how: How,
    /// The sample into which the values are put, and where.
    sample: &'static str,
    pointer: &'static str,
    refused: fn() -> Value,
    accepted: fn() -> Value,
    /// What lint calls it; nothing for what only the operator writes, and for changes.
    code: Option<&'static str>,
    /// Whether it is asked in words that have others now.
    is_old: bool,
}

/// What is called otherwise now, in a place and in a pointer: new, and old.
const OLD: [(&str, &str); 4] = [
    ("spec.implementation.graph", "spec.implementation.steps"),
    ("spec.inputs[]", "spec.parameters[]"),
    ("/spec/implementation/graph", "/spec/implementation/steps"),
    ("/spec/inputs", "/spec/parameters"),
];

const NAME: &str = "this name means something else";
const KEY: &str = "a key is a word that YAML 1.1 reads";

macro_rules! rows {
    (@code -) => { None };
    (@code $code:literal) => { Some($code) };
    ($($at:literal, $says:expr, $how:ident $sample:ident $pointer:literal = $refused:tt not $accepted:tt, $code:tt;)*) => {
        const ROWS: &[Row] = &[$(Row {
            at: $at, says: $says, how: How::$how, sample: stringify!($sample), pointer: $pointer,
            refused: || json!($refused), accepted: || json!($accepted), code: rows!(@code $code), is_old: false,
        }),*];
    };
}

rows! {
    "Tenant", "a tenant's name is at most 63", Create Tenant "/metadata/name" = "ac.me" not "ac-me", "broken-rule";
    "Tenant spec.namespace", "namespace cannot be changed", Change Tenant "/spec/namespace" = "other" not "acme", -;
    "Tenant spec.namespace", "namespaces that begin with kube-", Create Tenant "/spec/namespace" = "kube-x" not "kubex", "broken-rule";
    "Tenant spec.issuer", "issuer cannot be changed", Change Tenant "/spec/issuer" = "https://other.example" not "https://login.acme.example", -;
    "Tenant spec.issuer", "issuer is an https origin", Create Tenant "/spec/issuer" = "https://acme.example/login" not "https://acme.example:8443", "broken-rule";
    "Tenant spec.issuer", "browsers leave the scheme", Create Tenant "/spec/issuer" = "https://acme.example:443" not "https://acme.example:8443", "broken-rule";
    "Tenant spec.issuer", "a port is a number", Create Tenant "/spec/issuer" = "https://acme.example:65536" not "https://acme.example:65535", "broken-rule";
    "Tenant spec.store", "a store has exactly one kind", Create Tenant "/spec/store" = {} not { "embedded": {} }, "broken-rule";
    "Tenant spec.store.embedded", "storageClassName cannot be changed", Change Tenant "/spec/store" = { "embedded": { "storageClassName": "fast" } } not { "embedded": {} }, -;
    "Tenant spec.store.embedded.size", "an amount of nothing", Create Tenant "/spec/store/embedded" = { "size": "0.0Gi" } not { "size": "0.5Gi" }, "broken-rule";
    "Tenant spec.executor.resources.cpu", "an amount of nothing", Create Tenant "/spec/executor" = { "resources": { "cpu": "0" } } not { "resources": { "cpu": "1" } }, "broken-rule";
    "Tenant spec.executor.resources.memory", "an amount of nothing", Create Tenant "/spec/executor" = { "resources": { "memory": "00Mi" } } not { "resources": { "memory": "90Mi" } }, "broken-rule";
    "Tenant spec.policy.forbiddenNodeKinds[]", NAME, Create Tenant "/spec/policy" = { "forbiddenNodeKinds": ["yes"] } not { "forbiddenNodeKinds": ["http"] }, "broken-rule";

    "Flow", "a flow's name is at most 48", Create Flow "/metadata/name" = "sign.in" not "signin", "invalid-name";
    "Flow spec", "start names no step", Create Flow "/spec/start" = "nowhere" not "password", "unknown-step";
    "Flow spec", "only a flow of type Library has inputs", Create Flow "/spec/inputs" = [{ "name": "a", "type": "String" }] not null, "broken-rule";
    "Flow spec", "a Library flow cannot be the default", Create Library "/spec/default" = true not false, "broken-rule";
    "Flow spec.start", NAME, Create Flow "/spec/start" = "return" not "password", "unknown-step";
    "Flow spec.inputs[].name", NAME, Create Library "/spec/inputs/0/name" = "in" not "inside", "broken-rule";
    "Flow spec.outcomes", KEY, Create Flow "/spec/outcomes" = { "off": "done" } not { "locked": "password" }, "broken-rule";
    "Flow spec.outcomes.*", NAME, Create Flow "/spec/outcomes" = { "locked": "yes" } not { "locked": "password" }, "unknown-step";
    "Flow spec.steps[]", "a step has exactly one node", Create Flow "/spec/steps/1" = { "id": "done" } not { "id": "done", "complete": {} }, "unknown-node-kind";
    "Flow spec.steps[].oneTimeCode", "a code has exactly one channel", Create Flow "/spec/steps" = [{ "id": "password", "password": { "identify": true }, "outcomes": { "next": "code" } }, { "id": "code", "oneTimeCode": { "digits": 7 }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }] not [{ "id": "password", "password": { "identify": true }, "outcomes": { "next": "code" } }, { "id": "code", "oneTimeCode": { "email": { "connection": "mail" } }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }], "broken-rule";
    "Flow spec.steps[].form.fields[]", "a field says once whether", Create Flow "/spec/steps" = [{ "id": "password", "password": { "identify": true }, "outcomes": { "next": "ask" } }, { "id": "ask", "form": { "fields": [{ "name": "a", "optional": true, "required": true }] }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }] not [{ "id": "password", "password": { "identify": true }, "outcomes": { "next": "ask" } }, { "id": "ask", "form": { "fields": [{ "name": "a", "optional": true }] }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }], "broken-rule";
    "Flow spec.steps[].choose", "there is nothing to choose from", Create Flow "/spec/steps" = [{ "id": "password", "choose": {}, "outcomes": { "secret": "secret" } }, { "id": "secret", "password": { "identify": true }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }] not [{ "id": "password", "choose": { "options": ["secret"] }, "outcomes": { "secret": "secret" } }, { "id": "secret", "password": { "identify": true }, "outcomes": { "next": "done" } }, { "id": "done", "complete": {} }], "broken-rule";
    "Flow spec.steps[].id", NAME, Create Flow "/spec/steps/1/id" = "for" not "done", "invalid-name";
    "Flow spec.steps[].outcomes", KEY, Create Flow "/spec/steps/0/outcomes" = { "next": "done", "null": "done" } not { "next": "done" }, "broken-rule";
    "Flow spec.steps[].outcomes.*", NAME, Create Flow "/spec/steps/0/outcomes" = { "next": "on" } not { "next": "done" }, "unknown-step";
    "Flow spec.texts", KEY, Create Flow "/spec/texts" = { "no": { "en": "No" } } not { "none": { "en": "None" } }, "broken-rule";
    "Flow spec.texts.*", "a language is a word that YAML 1.1", Create Flow "/spec/texts" = { "title": { "no": "Hei" } } not { "title": { "nb": "Hei" } }, "broken-rule";
    "Flow status.assurance[].step", NAME, Status Flow "/status/assurance" = [{ "step": "yes", "identified": true, "factors": [] }] not [{ "step": "done", "identified": true, "factors": [] }], -;

    "FlowNode spec.implementation", "an implementation has exactly one way", Create FlowNode "/spec/implementation/graph" = null not { "start": "end", "steps": [{ "id": "end", "exit": { "outcome": "next" } }] }, "broken-rule";
    "FlowNode spec.implementation.graph", "start names no step", Create FlowNode "/spec/implementation/graph/start" = "nowhere" not "end", "unknown-step";
    "FlowNode spec.implementation.graph.start", NAME, Create FlowNode "/spec/implementation/graph/start" = "let" not "end", "unknown-step";
    "FlowNode spec.implementation.graph.outcomes", KEY, Create FlowNode "/spec/implementation/graph/outcomes" = { "y": "end" } not { "locked": "end" }, "broken-rule";
    "FlowNode spec.implementation.graph.outcomes.*", NAME, Create FlowNode "/spec/implementation/graph/outcomes" = { "locked": "var" } not { "locked": "end" }, "unknown-step";
    "FlowNode spec.implementation.graph.steps[]", "a step has exactly one node", Create FlowNode "/spec/implementation/graph/steps/0" = { "id": "end" } not { "id": "end", "exit": { "outcome": "next" } }, "unknown-node-kind";
    "FlowNode spec.implementation.graph.steps[].oneTimeCode", "a code has exactly one channel", Create FlowNode "/spec/implementation/graph/steps" = [{ "id": "end", "oneTimeCode": {}, "outcomes": { "next": "out" } }, { "id": "out", "exit": { "outcome": "next" } }] not [{ "id": "end", "oneTimeCode": { "connection": "mail" }, "outcomes": { "next": "out" } }, { "id": "out", "exit": { "outcome": "next" } }], "broken-rule";
    "FlowNode spec.implementation.graph.steps[].form.fields[]", "a field says once whether", Create FlowNode "/spec/implementation/graph/steps" = [{ "id": "end", "form": { "fields": [{ "name": "a", "optional": true, "required": true }] }, "outcomes": { "next": "out" } }, { "id": "out", "exit": { "outcome": "next" } }] not [{ "id": "end", "form": { "fields": [{ "name": "a", "required": true }] }, "outcomes": { "next": "out" } }, { "id": "out", "exit": { "outcome": "next" } }], "broken-rule";
    "FlowNode spec.implementation.graph.steps[].choose", "there is nothing to choose from", Create FlowNode "/spec/implementation/graph/steps" = [{ "id": "end", "choose": {} }, { "id": "out", "exit": { "outcome": "next" } }] not [{ "id": "end", "choose": { "from": ["out"] } }, { "id": "out", "exit": { "outcome": "next" } }], "broken-rule";
    "FlowNode spec.implementation.graph.steps[].id", NAME, Create FlowNode "/spec/implementation/graph/steps/0/id" = "if" not "end", "invalid-name";
    "FlowNode spec.implementation.graph.steps[].outcomes", KEY, Create FlowNode "/spec/implementation/graph/steps/0" = { "id": "end", "exit": { "outcome": "next" }, "outcomes": { "n": "end" } } not { "id": "end", "exit": { "outcome": "next" } }, "broken-rule";
    "FlowNode spec.implementation.graph.steps[].outcomes.*", NAME, Create FlowNode "/spec/implementation/graph/steps/0" = { "id": "end", "exit": { "outcome": "next" }, "outcomes": { "locked": "on" } } not { "id": "end", "exit": { "outcome": "next" } }, "unknown-step";
    "FlowNode spec.outcomes[]", NAME, Create FlowNode "/spec/outcomes" = ["next", "off"] not ["next", "late"], "broken-rule";
    "FlowNode spec.outputs[].name", NAME, Create FlowNode "/spec/outputs" = [{ "name": "no", "type": "Integer", "value": "1" }] not [{ "name": "one", "type": "Integer", "value": "1" }], "broken-rule";
    "FlowNode spec", "parameters are called inputs now", Create FlowNode "/spec" = { "inputs": [{ "name": "kind", "type": "String" }], "parameters": [{ "name": "kind", "type": "String" }], "implementation": { "graph": { "start": "end", "steps": [{ "id": "end", "exit": { "outcome": "next" } }] } } } not { "inputs": [{ "name": "kind", "type": "String" }], "implementation": { "graph": { "start": "end", "steps": [{ "id": "end", "exit": { "outcome": "next" } }] } } }, "broken-rule";
    "FlowNode spec.inputs[].name", NAME, Create FlowNode "/spec/inputs" = [{ "name": "as", "type": "String" }] not [{ "name": "kind", "type": "String" }], "broken-rule";

    "Directory spec", "every identifier is the name of an attribute", Create Directory "/spec/identifiers" = ["name"] not ["email"], "broken-rule";
    "Directory spec", "an identifier is what people type", Create Directory "/spec/attributes/0" = { "name": "email", "type": "Boolean", "unique": true } not { "name": "email", "type": "String", "unique": true }, "broken-rule";
    "Directory spec.attributes[].name", NAME, Create Directory "/spec/attributes/1/name" = "while" not "nickname", "broken-rule";
    "Directory spec.identifiers[]", NAME, Create Directory "/spec/identifiers" = ["email", "on"] not ["email"], "broken-rule";

    "Connection spec", "a connection has exactly one kind", Create Connection "/spec/http" = { "url": "https://a.example" } not null, "broken-rule";
    "Connection spec.smtp", "a login is never sent without encryption", Create Connection "/spec/smtp" = { "host": "mail.acme.example", "from": "a@acme.example", "tls": "None", "secretRef": { "name": "s" } } not { "host": "127.0.0.1", "from": "a@acme.example", "tls": "None", "secretRef": { "name": "s" } }, "broken-rule";

    "OIDCClient spec", "a client with a secret names it", Create OIDCClient "/spec/secretRef" = { "name": "app" } not null, "broken-rule";
    "OIDCClient spec", "pkce: OptionalWithNonce is for clients", Create OIDCClient "/spec/pkce" = "OptionalWithNonce" not "Required", "broken-rule";

    "OIDCClient spec.redirectURIs[]", "browsers leave the scheme", Create OIDCClient "/spec/redirectURIs" = ["https://app.example:443/cb"] not ["https://app.example/cb"], "broken-rule";
    "OIDCClient spec.redirectURIs[]", "a port is a number", Create OIDCClient "/spec/redirectURIs" = ["https://app.example:08443/cb"] not ["https://app.example/cb"], "broken-rule";
    "OIDCClient spec.redirectURIs[]", "browsers write a host", Create OIDCClient "/spec/redirectURIs" = ["https://App.example/cb"] not ["https://app.example/cb"], "broken-rule";
    "OIDCClient spec.redirectURIs[]", "browsers escape everything", Create OIDCClient "/spec/redirectURIs" = ["https://app.example/é"] not ["https://app.example/cb"], "broken-rule";
    "OIDCClient spec.postLogoutRedirectURIs[]", "browsers leave the scheme", Create OIDCClient "/spec/postLogoutRedirectURIs" = ["https://app.example:443/cb"] not ["https://app.example/bye"], "broken-rule";
    "OIDCClient spec.postLogoutRedirectURIs[]", "a port is a number", Create OIDCClient "/spec/postLogoutRedirectURIs" = ["https://app.example:08443/cb"] not ["https://app.example/bye"], "broken-rule";
    "OIDCClient spec.postLogoutRedirectURIs[]", "browsers write a host", Create OIDCClient "/spec/postLogoutRedirectURIs" = ["https://App.example/cb"] not ["https://app.example/bye"], "broken-rule";
    "OIDCClient spec.postLogoutRedirectURIs[]", "browsers escape everything", Create OIDCClient "/spec/postLogoutRedirectURIs" = ["https://app.example/é"] not ["https://app.example/bye"], "broken-rule";
    "OIDCClient spec.allowedOrigins[]", "browsers leave the scheme", Create OIDCClient "/spec/allowedOrigins" = ["https://app.example:443"] not ["https://app.example:8443"], "broken-rule";
    "OIDCClient spec.allowedOrigins[]", "a port is a number", Create OIDCClient "/spec/allowedOrigins" = ["https://app.example:0"] not ["https://app.example:8443"], "broken-rule";
    "OIDCClient spec", "grants: ClientCredentials is for clients", Create OIDCClient "/spec/grants" = ["ClientCredentials"] not ["AuthorizationCode"], "broken-rule";
    "OIDCClient spec.claims[]", "the claim's name is reserved", Create OIDCClient "/spec/claims" = [{ "name": "Sub", "value": "'x'" }] not [{ "name": "team", "value": "'x'" }], "broken-rule";
    "OIDCClient spec", "redirectURIs says where a browser goes", Create OIDCClient "/spec/redirectURIs" = [] not ["https://app.example/cb"], "broken-rule";

    "Theme spec.logo", "a logo has exactly one source", Create Theme "/spec/logo/data" = "data:image/png;base64,AAAA" not null, "broken-rule";

    "FlowRevision", "a revision never changes", Change FlowRevision "/spec/content" = "{}x" not "{}", -;
    "FlowRevision spec.assurance[].step", NAME, Create FlowRevision "/spec/assurance" = [{ "step": "null", "identified": true, "factors": [] }] not [{ "step": "done", "identified": true, "factors": [] }], -;
    "FlowRevision status.assurance[].step", NAME, Status FlowRevision "/status/assurance" = [{ "step": "null", "identified": true, "factors": [] }] not [{ "step": "done", "identified": true, "factors": [] }], -;
    "Catalog", "a namespace has one Catalog", Create Catalog "/metadata/name" = "other" not "idflow", -;
    "Catalog spec.tenant.policy.forbiddenNodeKinds[]", NAME, Create Catalog "/spec/tenant/policy" = { "forbiddenNodeKinds": ["off"] } not { "forbiddenNodeKinds": ["http"] }, -;
}

/// Every row, those of a `FlowNode` in its old words too.
fn all_rows() -> impl Iterator<Item = Row> {
    let has_old = |row: &Row| row.sample == "FlowNode" && OLD.iter().any(|(new, _)| row.at.contains(new));
    let old = ROWS.iter().filter(move |row| has_old(row)).map(|row| Row { is_old: true, ..*row });
    ROWS.iter().copied().chain(old)
}

fn in_words(text: &str, is_old: bool) -> String {
    let old = OLD.iter().filter(|_| is_old);
    old.fold(text.to_owned(), |text, (new, old)| text.replace(new, old))
}

impl Row {
    fn at(&self) -> String {
        in_words(self.at, self.is_old)
    }

    fn pointer(&self) -> String {
        in_words(self.pointer, self.is_old)
    }

    fn sample(&self) -> Value {
        let mut sample = samples::of(self.sample);
        if self.is_old {
            let graph = sample["spec"]["implementation"].as_object_mut().expect("an implementation");
            let graph = graph.remove("graph").expect("a graph");
            sample["spec"]["implementation"]["steps"] = graph;
        }
        sample
    }

    fn manifest(&self, value: fn() -> Value) -> Value {
        let mut manifest = self.sample();
        if self.how == How::Status {
            manifest["status"] = json!({});
        }
        let pointer = self.pointer();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = manifest.pointer_mut(parent).unwrap_or_else(|| panic!("{}: no {pointer}", self.at));
        match (parent, value()) {
            (Value::Array(items), value) => items[key.parse::<usize>().expect("an index")] = value,
            (Value::Object(members), Value::Null) => drop(members.remove(key)),
            (other, value) => other[key] = value,
        }
        manifest
    }

    /// Asks the API server about a manifest, the sample standing already where the rule is about what is there.
    fn ask(&self, cluster: &Cluster, namespace: &str, value: fn() -> Value) -> Answer {
        let mut manifest = self.manifest(value);
        // Other tests have cluster-wide objects of the samples' names.
        if self.how == How::Create {
            if manifest["kind"] == "Tenant" && self.pointer != "/metadata/name" {
                manifest["metadata"]["name"] = json!(namespace);
            }
            return create(cluster, &manifest.to_string());
        }
        let mut sample = self.sample();
        for one in [&mut sample, &mut manifest] {
            one["metadata"]["name"] = json!(namespace);
        }
        cluster.apply(namespace, &sample.to_string()).expect("the sample");
        let replace = ["replace", "--dry-run=server", "--namespace", namespace, "-f", "-"];
        let status: &[&str] = if self.how == How::Status { &["--subresource=status"] } else { &[] };
        cluster.kubectl_with(&[&replace, status].concat(), &manifest.to_string())
    }
}

/// Kind, place and message of every rule in the definitions.
fn rules() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(repository::path("crds")).expect("crds") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a definition");
        let definition: Value = serde_saphyr::from_str(&text).expect("YAML");
        let kind = definition["spec"]["names"]["kind"].as_str().expect("a kind").to_owned();
        gather(&kind, "", &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut found);
    }
    found
}

fn gather(kind: &str, path: &str, schema: &Value, found: &mut Vec<(String, String)>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let message = rule["message"].as_str().expect("a message").to_owned();
        found.push((format!("{kind} {path}").trim_end().to_owned(), message));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        gather(kind, format!("{path}.{name}").trim_start_matches('.'), below, found);
    }
    for (mark, key) in [("[]", "items"), (".*", "additionalProperties")] {
        if schema[key].is_object() {
            gather(kind, &format!("{path}{mark}"), &schema[key], found);
        }
    }
}

#[test]
fn every_rule_of_every_definition_has_a_row() {
    let is_of =
        |row: &Row, (at, message): &(String, String)| row.at() == *at && message.starts_with(row.says);
    let rules = rules();
    assert!(rules.len() > 40, "{}", rules.len());
    let without: Vec<_> = rules.iter().filter(|rule| !all_rows().any(|row| is_of(&row, rule))).collect();
    assert!(without.is_empty(), "rules without a row: {without:#?}");
    let idle: BTreeSet<_> = all_rows()
        .filter(|row| !rules.iter().any(|rule| is_of(row, rule)))
        .map(|row| (row.at(), row.says))
        .collect();
    assert!(idle.is_empty(), "rows without a rule: {idle:#?}");
}

#[test]
fn the_api_server_and_lint_judge_every_rule_alike() {
    let Some(cluster) = installed("the_api_server_and_lint_judge_every_rule_alike") else { return };
    let mut wrong = Vec::new();
    for row in all_rows() {
        let what = format!("{}: {}", row.at(), row.says);
        let namespace = cluster.namespace("rules");
        let (refused, accepted) =
            (row.ask(cluster, &namespace, row.refused), row.ask(cluster, &namespace, row.accepted));
        if refused.ok || !refused.stderr.contains(row.says) {
            wrong.push(format!(
                "{what}: the API server does not refuse it so: {}{}",
                refused.stdout, refused.stderr
            ));
        }
        if !accepted.ok {
            wrong.push(format!("{what}: the API server refuses the good one: {}", accepted.stderr));
        }
        if row.how == How::Change {
            cluster.kubectl(&["delete", "--ignore-not-found", "--wait=false", "tenant", &namespace]);
        }
        let said =
            row.code.map(|_| [row.refused, row.accepted].map(|value| lint_codes(&row.manifest(value))));
        if let (Some(code), Some([refused, accepted])) = (row.code, &said) {
            if !refused.contains(code) {
                wrong.push(format!("{what}: lint says {refused:?} instead of {code}"));
            }
            if !accepted.is_empty() {
                wrong.push(format!("{what}: lint refuses the good one: {accepted:?}"));
            }
        }
        println!(
            "{:60} {:30} {}",
            row.at(),
            row.code.unwrap_or("not run"),
            line_with(row.says, &refused.stderr)
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn line_with<'t>(words: &str, text: &'t str) -> &'t str {
    text.lines().find(|line| line.contains(words)).unwrap_or(text)
}

/// The codes of the errors that `idflow lint` finds in one object.
fn lint_codes(manifest: &Value) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("object.json");
    std::fs::write(&file, manifest.to_string()).expect("the object");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_idflow"));
    let output = command.args(["lint", "--output", "json"]).arg(&file).output().expect("idflow lint");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let errors = findings.iter().filter(|finding| finding["severity"] == "error");
    errors.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}
