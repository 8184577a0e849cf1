//! What the schemas must refuse, as a valid sample with one thing wrong, and words of the message.

use serde_json::{Value, json};

use crate::samples;

/// One refused manifest.
pub(crate) struct Refusal {
    pub(crate) what: &'static str,
    sample: &'static str,
    /// Where something is put into the sample; its last part may be a new key.
    at: &'static str,
    value: fn() -> Value,
    pub(crate) message: &'static str,
}

impl Refusal {
    pub(crate) fn manifest(&self) -> Value {
        let mut manifest = samples::of(self.sample);
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
            $(Refusal { what: $what, sample: stringify!($sample), at: $at, value: || json!($value), message: $message }),*
        ];
    };
}

refusals! {
    // Names
    "a flow's name with a dot", Flow, "/metadata/name" = "sign.in", "at most 48 characters and has no dot";
    "a flow's name of 49 characters", Flow, "/metadata/name" = "a123456789a123456789a123456789a123456789a12345678", "at most 48 characters";
    "a tenant's name with a dot", Tenant, "/metadata/name" = "ac.me", "has no dot";
    "a second Catalog", Catalog, "/metadata/name" = "other", "one Catalog, named idflow";
    "a step id with a dash", Flow, "/spec/steps/1/id" = "all-done", "steps[1].id";
    "a step id that CEL reserves", Flow, "/spec/steps/1/id" = "return", "choose another one";
    "a step id that YAML 1.1 reads as a boolean", Flow, "/spec/steps/1/id" = "yes", "choose another one";
    "an outcome that YAML 1.1 reads as a boolean", Flow, "/spec/steps/0/outcomes" = { "on": "done" }, "reads as a boolean";
    "a flow-level outcome that YAML 1.1 reads as nothing", Flow, "/spec/outcomes" = { "null": "done" }, "reads as a boolean or as nothing";
    "a text named no", Flow, "/spec/texts" = { "no": { "en": "No" } }, "reads as a boolean";
    "Norwegian written no", Flow, "/spec/texts" = { "title": { "no": "Hei" } }, "for Norwegian write nb or nn";
    // Flow
    "a start that names no step", Flow, "/spec/start" = "nowhere", "start names no step";
    "inputs of a flow that nobody calls", Flow, "/spec/inputs" = [{ "name": "a", "type": "String" }], "only a flow of type Library has inputs";
    "a Library flow as the default", Library, "/spec/default" = true, "a Library flow cannot be the default";
    "two steps of one id", Flow, "/spec/steps/1/id" = "password", "Duplicate value";
    "a flow without steps", Flow, "/spec/steps" = [], "at least 1 items";
    "an unknown type", Flow, "/spec/type" = "SignIn", "supported values";
    "a lifetime that is no duration", Flow, "/spec/lifetime" = "20 minutes", "spec.lifetime";
    "an unknown field", Flow, "/spec/lifeTime" = "20m", "unknown field \"spec.lifeTime\"";
    "a namespace in a reference", Flow, "/spec/namespace" = "other", "unknown field";
    "a step without a node", Flow, "/spec/steps/1" = { "id": "done" }, "exactly one";
    "a step with two nodes", Flow, "/spec/steps/1" = { "id": "done", "complete": {}, "message": {} }, "exactly one";
    "a node kind that does not exist", Flow, "/spec/steps/1" = { "id": "done", "finish": {} }, "unknown field";
    "a setting that the node kind does not have", Flow, "/spec/steps/0/password" = { "retries": 3 }, "unknown field";
    "a setting of the wrong type", Flow, "/spec/steps/0/password" = { "identify": "yes" }, "must be of type boolean";
    "a locale that is none", Flow, "/spec/locales" = ["english"], "spec.locales[0]";
    "the same ConfigMap of texts twice", Flow, "/spec/textsFrom" = ["a", "a"], "Duplicate value";
    "five factors", Flow, "/spec/guarantees" = { "minimumFactors": 5 }, "less than or equal to 4";
    // Tenant
    "an issuer with a path", Tenant, "/spec/issuer" = "https://acme.example/login", "without a path";
    "an issuer with a slash at its end", Tenant, "/spec/issuer" = "https://acme.example/", "without a path";
    "an issuer over plain http", Tenant, "/spec/issuer" = "http://acme.example", "only on loopback";
    "an issuer in capitals", Tenant, "/spec/issuer" = "https://ACME.example", "https origin";
    "an issuer with the port that https has anyway", Tenant, "/spec/issuer" = "https://acme.example:443", "delete :443";
    "an issuer with the port that http has anyway", Tenant, "/spec/issuer" = "http://localhost:80", "delete :443 (of http: :80)";
    "an issuer at no port", Tenant, "/spec/issuer" = "https://acme.example:08443", "from 1 to 65535";
    "an issuer beyond the last port", Tenant, "/spec/issuer" = "https://acme.example:65536", "from 1 to 65535";
    "an issuer of other letters", Tenant, "/spec/issuer" = "https://anmeldung.müller.example", "as xn--";
    "an issuer with a user", Tenant, "/spec/issuer" = "https://a@acme.example", "https origin";
    "a tenant without a store", Tenant, "/spec/store" = {}, "exactly one kind";
    "a size that is no amount", Tenant, "/spec/store" = { "embedded": { "size": "big" } }, "spec.store.embedded.size";
    "a pod field", Tenant, "/spec/executor" = { "nodeSelector": {} }, "unknown field";
    "no hashing slot", Tenant, "/spec/limits" = { "hashingSlots": 0 }, "greater than or equal to 1";
    "a proxy that is no range", Tenant, "/spec/trustedProxies" = ["10.0.0.1"], "spec.trustedProxies[0]";
    // Directory
    "an identifier that is no attribute", Directory, "/spec/identifiers" = ["phone"], "every identifier is the name of an attribute";
    "an identifier that is not unique", Directory, "/spec/identifiers" = ["name"], "unique: true";
    "two attributes of one name", Directory, "/spec/attributes/1/name" = "email", "Duplicate value";
    "a directory that finds nobody", Directory, "/spec/identifiers" = [], "at least 1 items";
    "passwords of four characters", Directory, "/spec/passwordPolicy" = { "minimumLength": 4 }, "greater than or equal to 8";
    // Connection
    "a connection of no kind", Connection, "/spec" = {}, "exactly one kind of system";
    "a connection of two kinds", Connection, "/spec/http" = { "url": "https://api.acme.example" }, "exactly one kind of system";
    "a port beyond the last", Connection, "/spec/smtp/port" = 70000, "less than or equal to 65535";
    "an address with a user in it", Http, "/spec/http/url" = "https://user:secret@api.acme.example", "spec.http.url";
    // OIDCClient
    "a public client with a secret", OIDCClient, "/spec/secretRef" = { "name": "app" }, "authentication None has none";
    "a confidential client without a secret", OIDCClient, "/spec/authentication" = "ClientSecretBasic", "names it in secretRef";
    "a public client without PKCE", OIDCClient, "/spec/pkce" = "OptionalWithNonce", "for clients that have a secret";
    "a redirect to plain http", OIDCClient, "/spec/redirectURIs" = ["http://app.acme.example/"], "spec.redirectURIs[0]";
    "a redirect with a fragment", OIDCClient, "/spec/redirectURIs" = ["https://app.acme.example/#a"], "spec.redirectURIs[0]";
    "a redirect with a wildcard host", OIDCClient, "/spec/redirectURIs" = ["https://*.acme.example/"], "spec.redirectURIs[0]";
    "a redirect with the port that https has anyway", OIDCClient, "/spec/redirectURIs" = ["https://app.acme.example:443/"], "delete :443";
    "a redirect in capitals", OIDCClient, "/spec/redirectURIs" = ["https://App.acme.example/"], "in small letters";
    "a redirect of other letters", OIDCClient, "/spec/redirectURIs" = ["https://müller.example/"], "as xn--";
    "a redirect with a user", OIDCClient, "/spec/redirectURIs" = ["https://a@app.acme.example/"], "no user before it";
    "a redirect that is not escaped", OIDCClient, "/spec/redirectURIs" = ["https://app.acme.example/é"], "as %XX";
    "a redirect with a backslash", OIDCClient, "/spec/redirectURIs" = ["https://app.acme.example/a\\b"], "as %XX";
    "a redirect at no port", OIDCClient, "/spec/redirectURIs" = ["https://app.acme.example:0/"], "from 1 to 65535";
    "a way back after signing out that never matches", OIDCClient, "/spec/postLogoutRedirectURIs" = ["https://app.acme.example:443/"], "delete :443";
    "an origin with the port that https has anyway", OIDCClient, "/spec/allowedOrigins" = ["https://app.acme.example:443"], "delete :443";
    "an origin beyond the last port", OIDCClient, "/spec/allowedOrigins" = ["https://app.acme.example:70000"], "from 1 to 65535";
    "a client that is never sent back", OIDCClient, "/spec/redirectURIs" = [], "says where a browser goes";
    "a secret of another namespace", OIDCClient, "/spec/secretRef" = { "name": "a", "namespace": "b" }, "unknown field";
    // Theme
    "a logo from two sources", Theme, "/spec/logo/data" = "data:image/png;base64,AAAA", "exactly one source";
    "a logo with a script", Theme, "/spec/logo" = { "data": "data:text/html;base64,AAAA" }, "spec.logo.data";
    "a colour by name", Theme, "/spec/colors/light/primary" = "navy", "spec.colors.light.primary";
    // FlowNode
    "a node without an implementation", FlowNode, "/spec/implementation" = {}, "exactly one way to work";
    "a node whose start names no step", FlowNode, "/spec/implementation/graph/start" = "nowhere", "start names no step";
    // What the operator writes
    "a digest in capitals", FlowRevision, "/spec/digest" = "ABC", "spec.digest";
    "a weight over a hundred", Catalog, "/spec/flows" = [{ "flow": "a", "type": "Login", "entries": [{ "revision": "a", "digest": "a", "weight": 101 }] }], "less than or equal to 100";
}
