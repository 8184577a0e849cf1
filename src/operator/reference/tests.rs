use idflow_api::claim::Claim;
use idflow_api::condition::{READY, STALLED, find};
use idflow_api::diagnostic::{Problem, Severity};
use idflow_api::flow::ReferencedStatus;
use idflow_api::reason::Reason;
use idflow_api::{ConnectionSpec, OIDCClient};
use idflow_flow::secret::{Entry, SecretFacts};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use super::plan::Need;
use super::*;
use crate::executor::plan::Executor;
use crate::executor::pods::Heard;
use crate::fixtures::NOW;

fn smtp() -> ConnectionSpec {
    let spec = json!({ "smtp": { "host": "mail.acme.example", "from": "a@acme.example", "secretRef": { "name": "smtp" } } });
    serde_json::from_value(spec).unwrap()
}

fn http(url: &str) -> ConnectionSpec {
    let authentication = json!({ "scheme": "Bearer", "secretRef": { "name": "api" } });
    serde_json::from_value(json!({ "http": { "url": url, "authentication": authentication } })).unwrap()
}

fn secret(usable: bool, hosts: &[&str], entries: &[&str]) -> SecretFacts {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let entries = entries.iter().filter_map(|name| Entry::read(name, b"a secret of 24 characters")).collect();
    SecretFacts { usable, hosts: texts(hosts), entries, sealed: false }
}

fn verdict(finding: &Finding) -> &'static str {
    match finding {
        Finding::Ready | Finding::Doubtful(_) => "Ready",
        Finding::NotAccepted(reason, _) | Finding::Unresolved(reason, ..) | Finding::Waiting(reason, _) => {
            reason.as_str()
        }
        Finding::Invalid(..) => "Invalid",
    }
}

#[test]
fn a_secret_is_used_only_as_its_owner_allows() {
    let login = ["username", "password"];
    let cases = [
        ("missing", Need::Missing, "ReferenceNotFound"),
        ("of a namespace that is nobody's", Need::Unknown, "NoTenant"),
        ("not shared", Need::Found(secret(false, &["mail.acme.example"], &login)), "SecretNotShared"),
        ("incomplete", Need::Found(secret(true, &["mail.acme.example"], &["username"])), "SecretIncomplete"),
        ("for no host", Need::Found(secret(true, &[], &login)), "SecretNotForHost"),
        ("for another host", Need::Found(secret(true, &["acme.example"], &login)), "SecretNotForHost"),
        ("for this host", Need::Found(secret(true, &["MAIL.acme.example"], &login)), "Ready"),
        ("for all below", Need::Found(secret(true, &["*.acme.example"], &login)), "Ready"),
        (
            "for all below something else",
            Need::Found(secret(true, &["*.cme.example"], &login)),
            "SecretNotForHost",
        ),
    ];
    for (what, facts, expected) in cases {
        assert_eq!(verdict(&plan::connection(&smtp(), &facts, Vec::new())), expected, "{what}");
    }
}

#[test]
fn the_host_of_an_address_is_what_counts() {
    let facts = Need::Found(secret(true, &["api.acme.example", "2001:db8::1"], &["token"]));
    for (url, expected) in [
        ("https://api.acme.example/v1", "Ready"),
        ("https://api.acme.example:8443/v1", "Ready"),
        ("https://API.acme.example", "Ready"),
        ("https://[2001:db8::1]:8443/", "Ready"),
        ("https://evil.example/api.acme.example", "SecretNotForHost"),
        ("https://api.acme.example.evil.example/", "SecretNotForHost"),
    ] {
        assert_eq!(verdict(&plan::connection(&http(url), &facts, Vec::new())), expected, "{url}");
    }
}

fn client(change: &serde_json::Value) -> OIDCClient {
    let mut spec = json!({ "redirectURIs": ["https://app.example/"], "authentication": "None" });
    for (key, value) in change.as_object().unwrap() {
        spec[key] = value.clone();
    }
    OIDCClient::new("app", serde_json::from_value(spec).unwrap())
}

#[test]
fn a_client_waits_for_its_secret_and_its_flows() {
    let flows = BTreeSet::from(["sign-in".to_owned()]);
    let confidential =
        || client(&json!({ "authentication": "ClientSecretBasic", "secretRef": { "name": "app" } }));
    let login = |flow: &str| client(&json!({ "flows": { "login": flow } }));
    let found = |usable, entries: &[&str]| Need::Found(secret(usable, &[], entries));
    let cases = [
        ("public", client(&json!({})), None, Need::Nothing, "Ready"),
        ("with its secret", confidential(), None, found(true, &["current"]), "Ready"),
        ("secret missing", confidential(), None, Need::Missing, "ReferenceNotFound"),
        ("secret not shared", confidential(), None, found(false, &["current"]), "SecretNotShared"),
        ("secret without entry", confidential(), None, found(true, &[]), "SecretIncomplete"),
        ("its flow", login("sign-in"), None, Need::Nothing, "Ready"),
        ("no such flow", login("other"), None, Need::Nothing, "ReferenceNotFound"),
        ("a second of one id", client(&json!({})), Some("first"), Need::Nothing, "ClaimedByOther"),
    ];
    for (what, client, holder, secret, expected) in cases {
        let denied = holder.map(|holder: &str| (Claim::ClientId("shop".to_owned()), holder.to_owned()));
        let finding = plan::client(&client, denied, &secret, &flows, Vec::new());
        assert_eq!(verdict(&finding), expected, "{what}");
    }
}

#[test]
fn only_what_nothing_else_can_help_is_stalled() {
    let problem = Problem {
        code: "wrong".to_owned(),
        severity: Severity::Error,
        path: "spec".to_owned(),
        message: "wrong".to_owned(),
        fix: None,
    };
    let missing = [idflow_flow::diagnostic::ObjectId::new("Directory", "staff")];
    let first = (Claim::Default(ResourceKind::Theme), "first".to_owned());
    for (finding, ready, stalled) in [
        (Finding::Ready, true, false),
        (plan::claims_only(ResourceKind::Theme, Some(first)), false, false),
        (plan::claims_only(ResourceKind::Theme, None), true, false),
        (plan::node(vec![problem], &[]), false, true),
        (plan::node(Vec::new(), &missing), false, false),
        (Finding::Unresolved(Reason::SecretNotShared, "m".to_owned(), None), false, false),
    ] {
        let what = format!("{finding:?}");
        let status = plan::status(&ReferencedStatus::default(), 1, finding, Vec::new(), Vec::new(), NOW);
        assert_eq!(find(&status.conditions, READY).unwrap().status == "True", ready, "{what}");
        assert_eq!(find(&status.conditions, STALLED).is_some(), stalled, "{what}");
    }
}

#[test]
fn a_theme_says_which_of_its_colours_are_not_used() {
    let theme = |primary: &str| -> idflow_api::Theme {
        let spec = json!({ "colors": { "light": { "primary": primary } } });
        serde_json::from_value(json!({ "metadata": { "name": "acme" }, "spec": spec })).unwrap()
    };
    for (primary, expected) in
        [("#0f5257", None), ("#f5f5f5", Some("primary on surface has a contrast of 1.1"))]
    {
        let theme = theme(primary);
        let problems =
            idflow_flow::check_theme(&theme).iter().map(|one| one.problem(&json!(theme))).collect();
        let status = plan::status(
            &ReferencedStatus::default(),
            1,
            plan::theme(None, problems),
            Vec::new(),
            Vec::new(),
            NOW,
        );
        assert_eq!(find(&status.conditions, READY).unwrap().status, "True", "{primary}");
        let told = &find(&status.conditions, idflow_api::condition::ACCEPTED).unwrap().message;
        match expected {
            Some(expected) => {
                assert!(told.contains(expected), "{told}");
                assert_eq!(status.problems[0].path, "spec.colors.light");
            }
            None => assert!(status.problems.is_empty() && told == "nothing is wrong with it", "{told}"),
        }
    }
}

/// An executor that said this in its last report.
fn executor(indices: &serde_json::Value) -> Executor {
    let mut report = json!({ "number": 1, "catalog": 1, "revisions": [] });
    report.as_object_mut().unwrap().extend(indices.as_object().unwrap().clone());
    let report = serde_json::from_value(report).unwrap();
    let heard = Heard { report: Some(report), silent_since: None };
    Executor { name: "executor-0".to_owned(), is_ready: true, heard }
}

#[test]
fn a_directory_is_ready_when_what_it_declares_unique_is_unique() {
    let spec = json!({ "attributes": [{ "name": "email", "type": "Email", "unique": true }], "identifiers": ["email"] });
    let object = json!({ "metadata": { "name": "people", "generation": 2 }, "spec": spec });
    let directory: idflow_api::Directory = serde_json::from_value(object).unwrap();
    let doubled = json!([{ "directory": "people", "attribute": "email", "duplicates": 2 }]);
    let damaged = json!([{ "directory": "people", "attribute": "email", "duplicates": 0, "unreadable": 1 }]);
    let older = json!([{ "directory": "people", "attribute": "team", "duplicates": 2 }]);
    let (done, waiting) = (("Ready", ""), "NotUniqueYet");
    let cases = [
        ("no executor yet", Vec::new(), done),
        ("one of the first version", vec![json!({})], done),
        ("not looked at", vec![json!({ "indexed": {} })], (waiting, "still being compared")),
        ("indexed for an older form", vec![json!({ "indexed": { "people": [] } })], (waiting, "compared")),
        ("indexed", vec![json!({ "indexed": { "people": ["email"] } })], done),
        (
            "with one more of an older form",
            vec![json!({ "indexed": { "people": ["email", "team"] } })],
            (waiting, "older form"),
        ),
        (
            "with a doubled one of an older form",
            vec![json!({ "indexed": { "people": ["email"] }, "unindexed": older })],
            (waiting, "older form"),
        ),
        (
            "by one of two",
            vec![json!({ "indexed": { "people": ["email"] } }), json!({ "indexed": {} })],
            (waiting, ""),
        ),
        ("doubled", vec![json!({ "indexed": { "people": [] }, "unindexed": doubled })], (waiting, "2 users")),
        (
            "with a damaged user",
            vec![json!({ "indexed": { "people": [] }, "unindexed": damaged })],
            (waiting, "1 stored records cannot be opened"),
        ),
    ];
    for (what, reports, (expected, words)) in cases {
        let executors: Vec<Executor> = reports.iter().map(executor).collect();
        let found = directory::judge(&directory, None, &executors);
        assert_eq!(verdict(&found), expected, "{what}");
        let Finding::Waiting(_, message) = found else { continue };
        assert!(message.contains(words), "{what}: {message}");
    }
}

#[test]
fn a_directory_whose_executors_fall_silent_stays_what_it_was() {
    let spec = json!({ "attributes": [{ "name": "email", "type": "Email", "unique": true }], "identifiers": ["email"] });
    let object = json!({ "metadata": { "name": "people", "generation": 2 }, "spec": spec });
    let mut directory: idflow_api::Directory = serde_json::from_value(object).unwrap();
    let waiting = directory::judge(&directory, None, &[executor(&json!({ "indexed": {} }))]);
    directory.status =
        Some(plan::status(&ReferencedStatus::default(), 2, waiting.clone(), Vec::new(), Vec::new(), NOW));
    assert_eq!(directory::judge(&directory, None, &[]), waiting);
    directory.metadata.generation = Some(3);
    assert_eq!(directory::judge(&directory, None, &[]), Finding::Ready);
}

#[test]
fn a_client_tells_its_last_refusal_until_it_is_edited_and_keeps_it_while_nobody_is_heard() {
    use super::refusal::{Refused, added};
    use idflow_api::condition::REFUSED;
    let client = client(&json!({}));
    let refusal = |at: i64, name: &str| {
        let refusal = json!({ "at": at, "name": name, "description": "code_challenge is missing", "field": "spec.pkce" });
        executor(&json!({ "refusals": { "app": refusal, "other": refusal } }))
    };
    let told = |before: &[Condition], executors: &[Executor]| {
        added(Vec::new(), before, 3, Some(Refused::of(&client, executors)), NOW)
    };
    let known = told(&[], &[refusal(1_000, "WrongSecret"), refusal(61_000, "MissingChallenge")]);
    let condition = find(&known, REFUSED).unwrap();
    assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "RequestRefused"));
    assert_eq!(
        condition.message,
        "at 1970-01-01T00:01:01Z: MissingChallenge: code_challenge is missing; spec.pkce decides it"
    );
    assert_eq!(told(&known, &[]), known, "nobody is heard");
    assert_eq!(told(&known, &[executor(&json!({}))]), [], "they tell of none");
}
