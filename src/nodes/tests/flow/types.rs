//! Types: each place that wants one, with a value that does not fit and one that does.

use idflow_flow::Folder;
use idflow_nodes::kinds;

/// A flow that uses every place, each with a value that fits.
const FITS: &str = "
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec:
  default: true
  identifiers: [email]
  attributes:
    - { name: email, type: Email, unique: true, required: true }
    - { name: logins, type: Integer }
    - { name: staff, type: Boolean }
---
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: mail }
spec: { smtp: { host: mail.example.com, from: no-reply@example.com } }
---
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: twice }
spec:
  inputs: [{ name: number, type: Integer, required: true }]
  outputs: [{ name: double, type: Integer, value: input.number * 2 }]
  implementation:
    graph:
      start: end
      steps: [{ id: end, exit: { outcome: next } }]
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-up }
spec:
  type: Registration
  start: ask
  texts: { hello: { en: 'You are {{ string(form.age + 1) }}' } }
  steps:
    - id: ask
      form:
        fields:
          - { name: email, type: Email, value: flow.query.email }
          - { name: age, type: Integer }
          - { name: terms, type: Boolean }
      outcomes: { next: code }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: check } }
    - id: check
      branch: { cases: [{ when: form.age >= 18, outcome: grown }], otherwise: young }
      outcomes: { grown: count, young: sorry }
    - id: count
      set: { values: { years: form.age - 18, name: form.email.lowerAscii() } }
      outcomes: { next: double }
    - { id: double, node: { name: twice, with: { number: vars.years } }, outcomes: { next: account } }
    - id: account
      createUser: { attributes: { email: vars.name, logins: steps.double.double, staff: form.terms } }
      outcomes: { next: welcome, exists: sorry }
    - { id: welcome, message: { text: hello }, outcomes: { next: password } }
    - { id: password, setPassword: {}, outcomes: { next: done } }
    - { id: sorry, fail: {} }
    - { id: done, complete: {} }
";

/// What fits, what does not, and what is said of it.
const MISTAKES: [(&str, &str, &str, &str); 16] = [
    (
        "when: form.age >= 18",
        "when: \"form.age >= '18'\"",
        "`form.age` is an Integer and `'18'` is a String: neither is more than the other",
        "write 18 without quotes",
    ),
    (
        "when: form.age >= 18",
        "when: \"form.age == '18'\"",
        "`form.age` is an Integer and `'18'` is a String: they are never equal",
        "write 18 without quotes",
    ),
    (
        "when: form.age >= 18",
        "when: form.age",
        "`form.age` is an Integer, and a Boolean is wanted here",
        "compare it, for example `form.age > 0`",
    ),
    (
        "when: form.age >= 18",
        "when: form.email",
        "`form.email` is a String, and a Boolean is wanted here",
        "compare it, for example `form.email == 'yes'`",
    ),
    (
        "when: form.age >= 18",
        "when: size(user.groups) > '1'",
        "`size(…)` is an Integer and `'1'` is a String: neither is more than the other",
        "write 1 without quotes",
    ),
    (
        "when: form.age >= 18",
        "when: client.id == 5",
        "`client.id` is a String and `5` is an Integer: they are never equal",
        "write '5' in quotes",
    ),
    (
        "logins: steps.double.double",
        "logins: \"'forty'\"",
        "`'forty'` is a String, and an Integer is wanted here",
        "give an Integer",
    ),
    (
        "staff: form.terms",
        "staff: form.email",
        "`form.email` is a String, and a Boolean is wanted here",
        "compare it, for example `form.email == 'yes'`",
    ),
    (
        "email: vars.name",
        "email: form.age",
        "`form.age` is an Integer, and a String is wanted here",
        "write `string(form.age)`",
    ),
    (
        "to: form.email",
        "to: form.age",
        "`form.age` is an Integer, and a String is wanted here",
        "write `string(form.age)`",
    ),
    ("to: form.email", "to: \"5\"", "`5` is an Integer, and a String is wanted here", "write '5' in quotes"),
    (
        "years: form.age - 18",
        "years: form.email * 2",
        "`form.email` is a String, and `*` takes an Integer or a number with decimals",
        "write `int(form.email)`",
    ),
    (
        "number: vars.years",
        "number: vars.name",
        "`vars.name` is a String, and an Integer is wanted here",
        "write `int(vars.name)`",
    ),
    (
        "value: input.number * 2",
        "value: string(input.number)",
        "`string(…)` is a String, and an Integer is wanted here",
        "give an Integer",
    ),
    (
        "string(form.age + 1)",
        "form.email + 1",
        "`1` is an Integer, and `+` takes a String",
        "write '1' in quotes",
    ),
    (
        "value: flow.query.email",
        "value: flow.query",
        "`flow.query` is an Object, and a String is wanted here",
        "give a String",
    ),
];

fn mismatches(manifests: &str) -> Vec<(String, String)> {
    let read = Folder::read([("a.yaml".to_owned(), manifests.to_owned())], kinds());
    let found = read.findings.into_iter().filter(|finding| finding.code == "mismatched-type");
    found.map(|finding| (finding.title, finding.help)).collect()
}

#[test]
fn a_value_of_another_type_is_said_wherever_a_type_is_wanted() {
    assert_eq!(mismatches(FITS), []);
    for (fits, does_not, title, help) in MISTAKES {
        assert!(FITS.contains(fits), "{fits}");
        let found = mismatches(&FITS.replacen(fits, does_not, 1));
        assert_eq!(found, [(title.to_owned(), help.to_owned())], "{does_not}");
    }
}

#[test]
fn claims_of_an_application_know_the_types_of_the_attributes() {
    let client = |value: &str| {
        format!(
            "{FITS}---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: {{ name: shop }}
spec:
  authentication: None
  redirectURIs: [https://shop.example.com/callback]
  claims: [{{ name: busy, value: \"{value}\" }}]
"
        )
    };
    for (value, wanted) in [
        ("has(user.logins) && user.logins > 5", None),
        ("user.groups.exists(group, group == 'staff')", None),
        (
            "user.logins == '5'",
            Some("`user.logins` is an Integer and `'5'` is a String: they are never equal"),
        ),
        (
            "user.groups == 'staff'",
            Some("`user.groups` is a List of String and `'staff'` is a String: they are never equal"),
        ),
    ] {
        let read = Folder::read([("a.yaml".to_owned(), client(value))], kinds());
        let found: Vec<&str> = read
            .findings
            .iter()
            .filter(|one| one.code == "unsuitable-claim")
            .map(|one| one.title.as_str())
            .collect();
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{value}");
    }
}

#[test]
fn a_place_that_two_steps_write_with_different_types_is_of_none() {
    let both = FITS.replace("outcomes: { next: double }", "outcomes: { next: again }").replace(
        "    - { id: double,",
        "    - { id: again, set: { values: { years: form.email } }, outcomes: { next: double } }\n    - { id: double,",
    );
    assert_ne!(both, FITS);
    assert_eq!(mismatches(&both), []);
}
