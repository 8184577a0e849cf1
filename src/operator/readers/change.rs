//! Other values for a field, most of them as valid as the one that stands there.

use serde_json::{Value, json};

/// What may stand in the place of a text, by the end of the field's path where one text has several meanings.
const TEXTS: &[(&str, &str, &str)] = &[
    ("", "plain", "other"),
    ("", "people", "staff"),
    ("", "credentials", "other-credentials"),
    ("", "api", "other-api"),
    ("/connection", "mail", "other-mail"),
    ("", "words", "other-words"),
    ("", "shared", "other-shared"),
    ("/node/name", "tidy", "tidier"),
    ("/login", "sign-in", "other-sign-in"),
    ("/registration", "sign-up", "other-sign-up"),
    ("/resetPassword", "reset", "other-reset"),
    ("/logout", "sign-out", "other-sign-out"),
    ("/namespace", "full", "loose"),
    ("/issuer", "https://full.example:8443", "https://other.example"),
    ("/allowedHosts/*", "*.example.org", "*.example.net"),
    ("/privateRanges/*", "127.0.0.0/8", "192.168.0.0/16"),
    ("/trustedProxies/*", "10.0.0.0/8", "192.168.0.0/16"),
    ("/image", "registry.example/idflow:0.1.0", "registry.example/idflow:0.2.0"),
    ("/cpu", "500m", "700m"),
    ("/memory", "512Mi", "640Mi"),
    ("/size", "2Gi", "3Gi"),
    ("/storageClassName", "standard", "fast"),
    ("/sessionLifetime", "24h", "12h"),
    ("/grace", "2h", "1h"),
    ("/forbiddenNodeKinds/*", "throttle", "message"),
    ("/login/factors/*", "pwd", "otp"),
    ("/guarantees/factors/*", "pwd", "otp"),
    ("/description", "Everything that steps can say", "Nothing"),
    ("/description", "Tidies an address up", "Nothing"),
    ("/description", "The address", "Nothing"),
    ("/description", "Where mail goes", "Nothing"),
    ("/inputs/*/name", "email", "address"),
    ("/lifetime", "40m", "50m"),
    ("/locales/*", "de", "fr"),
    ("/spec/outcomes/*", "refused", "ask"),
    ("/start", "first", "second"),
    ("/steps/*/id", "fine", "good"),
    ("/steps/*/id", "guess", "guessed"),
    ("/branch/cases/*/outcome", "left", "right"),
    ("/branch/otherwise", "right", "left"),
    ("/when", "vars.who == 'b'", "vars.who == 'c'"),
    ("/with/*", "'a@b.c'", "'d@e.f'"),
    ("/choose/options/*", "right", "over"),
    ("/sessionIdle", "30m", "20m"),
    ("/sessionLifetime", "8h", "7h"),
    ("/createUser/attributes/*", "form.name", "form.email"),
    ("/exit/outcome", "next", "over"),
    ("/exit/outputs/*", "input.email", "'elsewhere'"),
    ("/findUser/attributes/*", "email", "login"),
    ("/findUser/by", "form.email", "'x@y.z'"),
    ("/actions/*/name", "left", "right"),
    ("/fields/*/name", "colour", "color"),
    ("/answer/*/name", "rank", "grade"),
    ("/fields/*/value", "'a@b.c'", "'d@e.f'"),
    ("/options/*/value", "blue", "green"),
    ("/body/*", "steps.tidy.domain", "steps.enter.address"),
    ("/path", "/people", "/persons"),
    ("/to", "steps.enter.address", "form.email"),
    ("/oneTimeCode/email/to", "user.email", "form.email"),
    ("/oneTimeCode/lifetime", "9m", "8m"),
    ("/mail/subject", "subject", "plain"),
    ("/set/values/*", "'a'", "'b'"),
    ("/set/session/*", "'a'", "'b'"),
    ("/groups/*", "staff", "admins"),
    ("/groups/add/*", "staff", "admins"),
    ("/groups/remove/*", "guests", "visitors"),
    ("/updateUser/attributes/*", "'a'", "'b'"),
    ("/claims/*/name", "team", "squad"),
    ("/claims/*/value", "user.email", "user.name"),
    ("/steps/*/outcomes/*", "refused", "ask"),
    ("/texts/*/*", "Subject", "Matter"),
    ("/implementation/graph/outcomes/*", "refused", "fine"),
    ("/steps/*/outcomes/*", "fine", "second"),
    ("/outcomes/*", "bad", "worse"),
    ("/outputs/*/name", "domain", "host"),
    ("/outputs/*/value", "vars.domain", "input.email"),
    ("/identifiers/*", "email", "login"),
    ("/attributes/*/name", "name", "nickname"),
    ("/blocklist/*", "password1234", "password5678"),
    ("/headers/*", "a", "b"),
    ("/refreshGrace", "5s", "7s"),
    ("/timeout", "4s", "3s"),
    ("/timeout", "8s", "7s"),
    ("/url", "https://api.example.com/v1", "https://api.example.com/v3"),
    ("/from", "A <a@example.com>", "C <c@example.com>"),
    ("/host", "mail.example.com", "other.example.com"),
    ("/allowedOrigins/*", "https://app.example.com", "https://web.example.com"),
    ("/clientId", "my-app", "your-app"),
    ("/displayName", "My app", "Your app"),
    ("/postLogoutRedirectURIs/*", "https://app.example.com/goodbye", "https://app.example.com/bye"),
    ("/redirectURIs/*", "https://app.example.com/callback", "https://app.example.com/back"),
    ("", "#000000", "#010101"),
    ("", "#ffffff", "#fefefe"),
    ("", "#0f5257", "#0f5258"),
    ("", "#fefefe", "#fdfdfd"),
    ("", "#5ec2c9", "#5ec2c8"),
    ("", "#111111", "#121212"),
    ("/productName", "Full", "Whole"),
    ("/supportEmail", "help@example.com", "support@example.com"),
    ("/privacy", "https://example.com/privacy", "https://example.com/data"),
    ("/terms", "https://example.com/terms", "https://example.com/rules"),
    ("/alt", "A logo", "A picture"),
    ("/logo/url", "https://example.com/logo.png", "https://example.com/other.png"),
    ("/logo/data", "data:image/png;base64,AAAA", "data:image/png;base64,BBBB"),
];

/// Numbers that make a difference, where the next one makes none.
const NUMBERS: &[(&str, i64)] = &[("/limits/flows", 1), ("/limits/steps", 3), ("/login/minimumFactors", 2)];

/// Other values for the field at `path` with this schema; none when they have to be told above. `null` is absence.
pub(super) fn others(path: &str, schema: &Value, value: &Value) -> Vec<Value> {
    let choices = schema["enum"].as_array().into_iter().flatten();
    let choices: Vec<Value> = choices.filter(|choice| *choice != value).cloned().collect();
    match value {
        _ if !choices.is_empty() => choices,
        _ if schema.get("enum").is_some() => vec![Value::Null],
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) => other_number(path, schema, number.as_i64().expect("a whole number")),
        Value::String(text) => TEXTS
            .iter()
            .filter(|(field, from, _)| path.ends_with(field) && from == text)
            .map(|(_, _, to)| json!(to))
            .collect(),
        _ => Vec::new(),
    }
}

fn other_number(path: &str, schema: &Value, number: i64) -> Vec<Value> {
    if let Some((_, told)) = NUMBERS.iter().find(|(field, _)| path.ends_with(field)) {
        return vec![json!(told)];
    }
    let next = number + 1;
    let is_too_much = |most: f64| i32::try_from(next).is_ok_and(|next| f64::from(next) > most);
    vec![json!(if schema["maximum"].as_f64().is_some_and(is_too_much) { number - 1 } else { next })]
}
