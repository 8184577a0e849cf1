//! Values that look right and are not: wrong manifests, the place and the code, and words that an author can use.

use idflow_flow::diagnostic::{Severity, path};
use idflow_flow::{Finding, Folder};
use idflow_nodes::kinds;
use serde_json::Value;

/// Kind, spec, and of each error the place and the code.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const FORM: &str = "invalid-value";
const RULE: &str = "broken-rule";
const USE: &str = "unusable-value";

const CONNECTIONS: &[Row] = &[
    ("Connection", "smtp: { host: m.example, from: nobody }", &[("spec.smtp.from", FORM)]),
    (
        "Connection",
        "smtp: { host: m.example, from: 'a@b.example, c@d.example' }",
        &[("spec.smtp.from", FORM)],
    ),
    (
        "Connection",
        "smtp: { host: m.example, from: \"a@b.example\\r\\nBcc: c@d.example\" }",
        &[("spec.smtp.from", FORM)],
    ),
    ("Connection", "smtp: { host: m.example, from: \"A\\nB <a@b.example>\" }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: m.example, from: 'Acme <a@b.example' }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: m.example, from: 'a..b@c.example' }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: m.example, from: 'a@b..example' }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: m.example, from: 'a@-b.example' }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: m.example, from: 'mailto:a@b.example' }", &[("spec.smtp.from", FORM)]),
    ("Connection", "smtp: { host: 'm.example:587', from: a@b.example }", &[("spec.smtp.host", FORM)]),
    ("Connection", "smtp: { host: 'smtp://m.example', from: a@b.example }", &[("spec.smtp.host", FORM)]),
    ("Connection", "smtp: { host: \"m.example\\n\", from: a@b.example }", &[("spec.smtp.host", FORM)]),
    ("Connection", "smtp: { host: m.example, from: a@b.example, port: 0 }", &[("spec.smtp.port", FORM)]),
    ("Connection", "smtp: { host: m.example, from: a@b.example, port: '25' }", &[("spec.smtp.port", FORM)]),
    ("Connection", "smtp: { host: m.example, from: a@b.example, tls: STARTTLS }", &[("spec.smtp.tls", FORM)]),
    (
        "Connection",
        "smtp: { host: m.example, from: a@b.example, timeout: 0s }",
        &[("spec.smtp.timeout", USE)],
    ),
    (
        "Connection",
        "smtp: { host: m.example, from: a@b.example, timeout: 10 }",
        &[("spec.smtp.timeout", FORM)],
    ),
    ("Connection", "http: { url: 'https://a.example:99999' }", &[("spec.http.url", USE)]),
    ("Connection", "http: { url: 'https://[::1' }", &[("spec.http.url", USE)]),
    ("Connection", "http: { url: 'https://a..b' }", &[("spec.http.url", USE)]),
    ("Connection", "http: { url: 'http://a.example' }", &[("spec.http.url", USE)]),
    ("Connection", "http: { url: 'a.example/v1' }", &[("spec.http.url", FORM)]),
    ("Connection", "http: { url: 'https://a.example/v1?key=1' }", &[("spec.http.url", FORM)]),
    ("Connection", "http: { url: 'https://a:b@a.example' }", &[("spec.http.url", FORM)]),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { 'X Y': a } }",
        &[("spec.http.headers.X Y", USE)],
    ),
    ("Connection", "http: { url: 'https://a.example', headers: { '': a } }", &[("spec.http.headers.", USE)]),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { \"A\\r\\nB\": c } }",
        &[("spec.http.headers.A\r\nB", USE)],
    ),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { Host: b.example } }",
        &[("spec.http.headers.Host", USE)],
    ),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { A: \"b\\nC: d\" } }",
        &[("spec.http.headers.A", FORM)],
    ),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { A: 'b ' } }",
        &[("spec.http.headers.A", FORM)],
    ),
    (
        "Connection",
        "http: { url: 'https://a.example', headers: { A: '' } }",
        &[("spec.http.headers.A", FORM)],
    ),
    ("Connection", "http: { url: 'https://a.example', headers: { A: 1 } }", &[("spec.http.headers.A", FORM)]),
];

const TENANTS: &[Row] = &[
    ("Tenant", "store: { embedded: { size: '0' } }", &[("spec.store.embedded.size", RULE)]),
    ("Tenant", "store: { embedded: { size: '0.000Gi' } }", &[("spec.store.embedded.size", RULE)]),
    ("Tenant", "store: { embedded: { size: 500m } }", &[("spec.store.embedded.size", FORM)]),
    ("Tenant", "store: { embedded: { size: '0.5' } }", &[("spec.store.embedded.size", FORM)]),
    ("Tenant", "store: { embedded: { size: 10GB } }", &[("spec.store.embedded.size", FORM)]),
    ("Tenant", "store: { embedded: { size: -1Gi } }", &[("spec.store.embedded.size", FORM)]),
    ("Tenant", "store: { embedded: { size: 10 } }", &[("spec.store.embedded.size", FORM)]),
    (
        "Tenant",
        "store: { embedded: {} }, executor: { resources: { cpu: 0m } }",
        &[("spec.executor.resources.cpu", RULE)],
    ),
    ("Tenant", "store: { embedded: {} }, executor: { image: 'a b' }", &[("spec.executor.image", FORM)]),
    ("Tenant", "store: { embedded: {} }, trustedProxies: [10.0.0.0/33]", &[("spec.trustedProxies[0]", USE)]),
    ("Tenant", "store: { embedded: {} }, trustedProxies: [10.0.0/8]", &[("spec.trustedProxies[0]", USE)]),
    ("Tenant", "store: { embedded: {} }, trustedProxies: ['fd00::/129']", &[("spec.trustedProxies[0]", USE)]),
    ("Tenant", "store: { embedded: {} }, trustedProxies: [10.0.0.1]", &[("spec.trustedProxies[0]", FORM)]),
    (
        "Tenant",
        "store: { embedded: {} }, egress: { privateRanges: ['::::/8'] }",
        &[("spec.egress.privateRanges[0]", USE)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, egress: { allowedHosts: ['https://a.example'] }",
        &[("spec.egress.allowedHosts[0]", FORM)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, egress: { allowedHosts: ['a.*.example'] }",
        &[("spec.egress.allowedHosts[0]", FORM)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, egress: { allowedHosts: [a.example, a.example] }",
        &[("spec.egress.allowedHosts[1]", FORM)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, limits: { sessionLifetime: 0s }",
        &[("spec.limits.sessionLifetime", USE)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, limits: { sessionLifetime: 1d }",
        &[("spec.limits.sessionLifetime", FORM)],
    ),
    ("Tenant", "store: { embedded: {} }, limits: { steps: 1.5 }", &[("spec.limits.steps", FORM)]),
    ("Tenant", "store: { embedded: {} }, policy: { grace: 5s3h }", &[("spec.policy.grace", FORM)]),
    ("Tenant", "store: { embedded: {} }, policy: { grace: '' }", &[("spec.policy.grace", FORM)]),
    (
        "Tenant",
        "store: { embedded: {} }, policy: { forbiddenNodeKinds: [paswword] }",
        &[("spec.policy.forbiddenNodeKinds[0]", USE)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, policy: { forbiddenNodeKinds: [Password] }",
        &[("spec.policy.forbiddenNodeKinds[0]", FORM)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, policy: { login: { factors: [password] } }",
        &[("spec.policy.login.factors[0]", USE)],
    ),
    (
        "Tenant",
        "store: { embedded: {} }, policy: { login: { factors: [otp, otp] } }",
        &[("spec.policy.login.factors[1]", FORM)],
    ),
    ("Tenant", "store: { embedded: {} }, deletion: retain", &[("spec.deletion", FORM)]),
];

const OTHERS: &[Row] = &[
    (
        "Directory",
        "attributes: [{ name: vip, type: Boolean, unique: true }], identifiers: [vip]",
        &[("spec.identifiers", RULE)],
    ),
    (
        "Directory",
        "attributes: [{ name: email, type: email, unique: true }], identifiers: [email]",
        &[("spec.attributes[email].type", FORM)],
    ),
    (
        "Directory",
        "attributes: [{ name: e-mail, type: Email, unique: true }], identifiers: [e-mail]",
        &[("spec.attributes[e-mail].name", FORM), ("spec.identifiers[0]", FORM)],
    ),
    ("Theme", "productName: ''", &[("spec.productName", FORM)]),
    ("Theme", "logo: { url: 'http://a.example/logo.svg' }", &[("spec.logo.url", FORM)]),
    ("Theme", "logo: { url: 'https://a.example/\"onload=' }", &[("spec.logo.url", FORM)]),
    ("Theme", "logo: { data: 'data:text/html;base64,AAAA' }", &[("spec.logo.data", FORM)]),
    ("Theme", "colors: { light: { primary: '#12345' } }", &[("spec.colors.light.primary", FORM)]),
    (
        "OIDCClient",
        "authentication: None, redirectURIs: [https://a.example/cb], clientId: 'a b'",
        &[("spec.clientId", FORM)],
    ),
    (
        "OIDCClient",
        "authentication: none, redirectURIs: [https://a.example/cb]",
        &[("spec.authentication", FORM)],
    ),
    (
        "OIDCClient",
        "authentication: None, redirectURIs: https://a.example/cb",
        &[("spec.redirectURIs", FORM)],
    ),
    (
        "OIDCClient",
        "authentication: None, redirectURIs: [\"https://a.example/cb\\n\"]",
        &[("spec.redirectURIs[0]", FORM)],
    ),
    (
        "Flow",
        "type: Custom, start: a, lifetime: 20 minutes, steps: [{ id: a, complete: {} }]",
        &[("spec.lifetime", FORM)],
    ),
    (
        "Flow",
        "type: Custom, start: a, locales: [de_DE], steps: [{ id: a, complete: {} }]",
        &[("spec.locales[0]", FORM)],
    ),
    (
        "Flow",
        "type: Custom, start: a, guarantees: { factors: [mfa] }, steps: [{ id: a, complete: {} }]",
        &[("spec.guarantees.factors[0]", USE)],
    ),
    (
        "Flow",
        "type: Custom, start: a, textsFrom: [A_b], steps: [{ id: a, complete: {} }]",
        &[("spec.textsFrom[0]", FORM)],
    ),
];

fn folder(kind: &str, spec: &str) -> Folder {
    let tenant = if kind == "Tenant" { "namespace: acme, issuer: 'https://acme.example', " } else { "" };
    let text = format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: {kind}\nmetadata: {{ name: wrong }}\nspec: {{ {tenant}{spec} }}\n"
    );
    Folder::read([("wrong.yaml".to_owned(), text)], kinds())
}

fn place(folder: &Folder, finding: &Finding) -> String {
    let object = folder.manifests.iter().flat_map(|manifest| &manifest.objects).next();
    path(object.map_or(&Value::Null, |object| &object.value), finding.place.pointer())
}

#[test]
fn a_wrong_value_is_found_at_its_place() {
    let mut wrong = Vec::new();
    for (kind, spec, expected) in [CONNECTIONS, TENANTS, OTHERS].into_iter().flatten() {
        let folder = folder(kind, spec);
        let errors = folder.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let found: Vec<(String, &str)> =
            errors.map(|finding| (place(&folder, finding), finding.code)).collect();
        // What follows from the value elsewhere is another rule's.
        let is_found = |one: &(&str, &str)| found.iter().any(|(place, code)| (place.as_str(), *code) == *one);
        if !expected.iter().all(is_found) {
            wrong.push(format!("{kind} {spec}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_said_of_it_is_said_in_words() {
    for (kind, spec, _) in [CONNECTIONS, TENANTS, OTHERS].into_iter().flatten() {
        for finding in folder(kind, spec).findings {
            for internal in ["^", "[a-z", "\\d", "Error(", "serde", "line 1 column", "self.", "has(self"] {
                assert!(!finding.title.contains(internal), "{kind} {spec}: {}", finding.title);
                assert!(!finding.help.contains(internal), "{kind} {spec}: {}", finding.help);
            }
        }
    }
}

#[test]
fn a_right_value_beside_the_wrong_ones_is_let_pass() {
    for (kind, spec) in [
        ("Connection", "smtp: { host: m.example, from: 'Acme <no-reply@acme.example>' }"),
        ("Connection", "smtp: { host: m.example, from: '\"Acme, Inc.\" <no-reply@acme.example>' }"),
        (
            "Connection",
            "smtp: { host: '2001:db8::1', from: o'neil+a@acme.example, tls: StartTLS, port: 587 }",
        ),
        ("Connection", "smtp: { host: m.example, from: 'Ünal <ünal@bücher.example>' }"),
        (
            "Connection",
            "http: { url: 'https://[2001:db8::1]:8443/v1', headers: { X-Tenant: 'Bücher, GmbH' }, timeout: 1m }",
        ),
        ("Connection", "http: { url: 'http://localhost:8080' }"),
        (
            "Tenant",
            "store: { embedded: { size: 0.5Gi } }, trustedProxies: [10.0.0.0/8, 'fd00::/8', 192.0.2.1/32]",
        ),
        (
            "Tenant",
            "store: { embedded: {} }, policy: { grace: 0s, forbiddenNodeKinds: [http], login: { factors: [pwd, otp] } }",
        ),
        (
            "Tenant",
            "store: { embedded: {} }, egress: { allowedHosts: ['*.example.com', '::1'], privateRanges: [127.0.0.0/8] }",
        ),
    ] {
        let errors: Vec<String> = folder(kind, spec)
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.title.clone())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{kind} {spec}");
    }
}
