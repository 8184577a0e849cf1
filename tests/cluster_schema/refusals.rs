//! What the schemas must refuse, as a valid sample with one thing wrong, and words of the message.

use serde_json::{Value, json};

use crate::samples;

/// One refused manifest.
pub(crate) struct Refusal {
    pub(crate) what: &'static str,
    sample: fn() -> Value,
    /// Where something is put into the sample; its last part may be a new key.
    at: &'static str,
    value: fn() -> Value,
    pub(crate) message: &'static str,
}

impl Refusal {
    pub(crate) fn manifest(&self) -> Value {
        let mut manifest = (self.sample)();
        let (parent, key) = self.at.rsplit_once('/').expect("a pointer");
        let parent = manifest.pointer_mut(parent).unwrap_or_else(|| panic!("{}: no {}", self.what, self.at));
        match parent {
            Value::Array(items) => items[key.parse::<usize>().expect("an index")] = (self.value)(),
            other => other[key] = (self.value)(),
        }
        manifest
    }
}

macro_rules! refusals {
    ($($what:literal, $sample:ident, $at:literal = $value:tt, $message:literal;)*) => {
        pub(crate) const TABLE: &[Refusal] = &[
            $(Refusal { what: $what, sample: samples::$sample, at: $at, value: || json!($value), message: $message }),*
        ];
    };
}

refusals! {
    // Names
    "a flow's name with a dot", flow, "/metadata/name" = "sign.in", "at most 48 characters and has no dot";
    "a flow's name of 49 characters", flow, "/metadata/name" = "a123456789a123456789a123456789a123456789a12345678", "at most 48 characters";
    "a tenant's name with a dot", tenant, "/metadata/name" = "ac.me", "has no dot";
    "a second Catalog", catalog, "/metadata/name" = "other", "one Catalog, named idflow";
    "a step id with a dash", flow, "/spec/steps/1/id" = "all-done", "steps[1].id";
    "a step id that CEL reserves", flow, "/spec/steps/1/id" = "return", "choose another one";
    "a step id that YAML 1.1 reads as a boolean", flow, "/spec/steps/1/id" = "yes", "choose another one";
    "an outcome that YAML 1.1 reads as a boolean", flow, "/spec/steps/0/outcomes" = { "on": "done" }, "reads as a boolean";
    "a flow-level outcome that YAML 1.1 reads as nothing", flow, "/spec/outcomes" = { "null": "done" }, "reads as a boolean or as nothing";
    "a text named no", flow, "/spec/texts" = { "no": { "en": "No" } }, "reads as a boolean";
    "Norwegian written no", flow, "/spec/texts" = { "title": { "no": "Hei" } }, "for Norwegian write nb or nn";
    // Flow
    "a start that names no step", flow, "/spec/start" = "nowhere", "start names no step";
    "inputs of a flow that nobody calls", flow, "/spec/inputs" = [{ "name": "a", "type": "String" }], "only a flow of type Library has inputs";
    "a Library flow as the default", library, "/spec/default" = true, "a Library flow cannot be the default";
    "two steps of one id", flow, "/spec/steps/1/id" = "password", "Duplicate value";
    "a flow without steps", flow, "/spec/steps" = [], "at least 1 items";
    "an unknown type", flow, "/spec/type" = "SignIn", "supported values";
    "a lifetime that is no duration", flow, "/spec/lifetime" = "20 minutes", "spec.lifetime";
    "an unknown field", flow, "/spec/lifeTime" = "20m", "unknown field \"spec.lifeTime\"";
    "a namespace in a reference", flow, "/spec/namespace" = "other", "unknown field";
    "a step without a node", flow, "/spec/steps/1" = { "id": "done" }, "exactly one";
    "a step with two nodes", flow, "/spec/steps/1" = { "id": "done", "complete": {}, "message": {} }, "exactly one";
    "a node kind that does not exist", flow, "/spec/steps/1" = { "id": "done", "finish": {} }, "unknown field";
    "a setting that the node kind does not have", flow, "/spec/steps/0/password" = { "retries": 3 }, "unknown field";
    "a setting of the wrong type", flow, "/spec/steps/0/password" = { "identify": "yes" }, "must be of type boolean";
    "a locale that is none", flow, "/spec/locales" = ["english"], "spec.locales[0]";
    "the same ConfigMap of texts twice", flow, "/spec/textsFrom" = ["a", "a"], "Duplicate value";
    "five factors", flow, "/spec/guarantees" = { "minimumFactors": 5 }, "less than or equal to 4";
    // Tenant
    "an issuer with a path", tenant, "/spec/issuer" = "https://acme.example/login", "without a path";
    "an issuer with a slash at its end", tenant, "/spec/issuer" = "https://acme.example/", "without a path";
    "an issuer over plain http", tenant, "/spec/issuer" = "http://acme.example", "only on loopback";
    "an issuer in capitals", tenant, "/spec/issuer" = "https://ACME.example", "https origin";
    "an issuer with a user", tenant, "/spec/issuer" = "https://a@acme.example", "https origin";
    "a tenant without a store", tenant, "/spec/store" = {}, "exactly one kind";
    "a size that is no amount", tenant, "/spec/store" = { "embedded": { "size": "big" } }, "spec.store.embedded.size";
    "a pod field", tenant, "/spec/executor" = { "nodeSelector": {} }, "unknown field";
    "no hashing slot", tenant, "/spec/limits" = { "hashingSlots": 0 }, "greater than or equal to 1";
    "a proxy that is no range", tenant, "/spec/trustedProxies" = ["10.0.0.1"], "spec.trustedProxies[0]";
    // Directory
    "an identifier that is no attribute", directory, "/spec/identifiers" = ["phone"], "every identifier is the name of an attribute";
    "an identifier that is not unique", directory, "/spec/identifiers" = ["name"], "unique: true";
    "two attributes of one name", directory, "/spec/attributes/1/name" = "email", "Duplicate value";
    "a directory that finds nobody", directory, "/spec/identifiers" = [], "at least 1 items";
    "passwords of four characters", directory, "/spec/passwordPolicy" = { "minimumLength": 4 }, "greater than or equal to 8";
    // Connection
    "a connection of no kind", smtp, "/spec" = {}, "exactly one kind of system";
    "a connection of two kinds", smtp, "/spec/http" = { "url": "https://api.acme.example" }, "exactly one kind of system";
    "a port beyond the last", smtp, "/spec/smtp/port" = 70000, "less than or equal to 65535";
    "an address with a user in it", http, "/spec/http/url" = "https://user:secret@api.acme.example", "spec.http.url";
    // OIDCClient
    "a public client with a secret", client, "/spec/secretRef" = { "name": "app" }, "authentication None has none";
    "a confidential client without a secret", client, "/spec/authentication" = "ClientSecretBasic", "names it in secretRef";
    "a public client without PKCE", client, "/spec/pkce" = "OptionalWithNonce", "for clients that have a secret";
    "a redirect to plain http", client, "/spec/redirectURIs" = ["http://app.acme.example/"], "spec.redirectURIs[0]";
    "a redirect with a fragment", client, "/spec/redirectURIs" = ["https://app.acme.example/#a"], "spec.redirectURIs[0]";
    "a redirect with a wildcard host", client, "/spec/redirectURIs" = ["https://*.acme.example/"], "spec.redirectURIs[0]";
    "a client that is never sent back", client, "/spec/redirectURIs" = [], "at least 1 items";
    "a secret of another namespace", client, "/spec/secretRef" = { "name": "a", "namespace": "b" }, "unknown field";
    // Theme
    "a logo from two sources", theme, "/spec/logo/data" = "data:image/png;base64,AAAA", "exactly one source";
    "a logo with a script", theme, "/spec/logo" = { "data": "data:text/html;base64,AAAA" }, "spec.logo.data";
    "a colour by name", theme, "/spec/colors/light/primary" = "navy", "spec.colors.light.primary";
    // FlowNode
    "a node without an implementation", flow_node, "/spec/implementation" = {}, "exactly one way to work";
    "a node whose start names no step", flow_node, "/spec/implementation/steps/start" = "nowhere", "start names no step";
    // What the operator writes
    "a digest in capitals", revision, "/spec/digest" = "ABC", "spec.digest";
    "a weight over a hundred", catalog, "/spec/flows" = [{ "flow": "a", "type": "Login", "entries": [{ "revision": "a", "digest": "a", "weight": 101 }] }], "less than or equal to 100";
}
