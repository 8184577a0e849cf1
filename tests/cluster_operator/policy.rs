//! A Tenant's policy that becomes stricter while its flows serve.

use std::time::Duration;

use idflow_test_support::browser::Arrival;
use idflow_test_support::person::Person;
use idflow_test_support::wait;
use idflow_test_support::world::{PASSWORD, World, condition_of};
use serde_json::{Value, json};

use crate::ready_world;

const ADA: &str = "ada@test.example";
const SOON: Duration = Duration::from_secs(40);

/// Longer than two sign-ins take here.
const GRACE: &str = "12s";

const HIDDEN: &str = "
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: hidden }
spec:
  outcomes: [next]
  implementation:
    graph:
      start: call
      steps:
        - { id: call, http: { connection: service, path: /x }, outcomes: { next: end, error: end } }
        - { id: end, exit: { outcome: next } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sneaky }
spec:
  type: Custom
  start: call
  steps:
    - { id: call, node: { name: hidden }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

fn set_policy(world: &World, policy: &Value) {
    let patch = json!({ "spec": { "policy": policy } }).to_string();
    let object = format!("tenant/{}", world.namespace);
    world.cluster.kubectl(&["patch", &object, "--type=merge", "-p", &patch]).expect("kubectl patch");
}

/// How many mails Ada had to read to sign in: none with the password alone.
fn codes_asked(world: &World) -> usize {
    let before = world.mail.to(ADA).len();
    let mut seen = before;
    let code = Box::new(|| {
        seen += 1;
        world.mail.code_for(ADA, seen - 1)
    });
    let mut ada = Person { address: ADA.to_owned(), password: PASSWORD.to_owned(), code };
    let (client, mut browser) = (world.relying_party(), world.browser());
    let arrival = client.begin(&mut browser, "sign-in").expect("the sign-in");
    let callback = ada.walk(&mut browser, arrival).expect("the sign-in");
    client.tokens(&mut browser, &callback);
    world.mail.to(ADA).len() - before
}

/// The sign-in with a mailed code besides.
fn strong(world: &World) -> String {
    world.manifest_of("Flow", "sign-in").replace(
        "outcomes: { next: welcome }",
        "outcomes: { next: code }\n    - id: code\n      oneTimeCode: { email: { connection: mail } }\n      outcomes: { next: welcome }",
    )
}

/// What people who watch an object's events are told of a grace.
fn warnings(world: &World, namespace: &str, object: &str) -> Vec<String> {
    let of = |event: &Value| {
        event["regarding"]["name"] == object && event["reason"] == "PolicyGrace" && event["type"] == "Warning"
    };
    let events = world.cluster.list(namespace, "events.events.k8s.io").into_iter().filter(of);
    events.map(|event| event["note"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What the application is told at once.
fn refusal(world: &World, more: &str) -> Result<String, String> {
    let url = format!("{}{more}", world.relying_party().authorize_url("refused"));
    match world.browser().open(&url).map_err(|error| error.to_string())? {
        Arrival::Left(url) => {
            Ok(url.query_pairs().find(|(name, _)| name == "error").expect("an error").1.into_owned())
        }
        Arrival::Page(page) => Err(page.text()),
    }
}

#[test]
fn what_a_stricter_policy_does_not_accept_goes_on_for_its_grace_and_then_gives_way() {
    let Some(world) = ready_world("what_a_stricter_policy_does_not_accept", "policy") else { return };
    world.sign_up(ADA);
    // A history: first with a code, then without one again.
    world.apply(&strong(&world));
    let strong = world.wait_for("flow/sign-in", "Ready", "True")["status"]["latestReadyRevision"].clone();
    world.apply(&world.manifest_of("Flow", "sign-in"));
    world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(codes_asked(&world), 0);

    set_policy(&world, &json!({ "login": { "minimumFactors": 2 }, "grace": GRACE }));
    let flow = world.wait_for("flow/sign-in", "PolicyGrace", "True");
    let message = condition_of(&flow, "PolicyGrace")["message"].as_str().expect("a message");
    assert!(
        message.contains("without 2 different factors") && message.contains("goes on until 2"),
        "{message}"
    );
    assert_eq!(codes_asked(&world), 0, "{}", flow["status"]);
    let tenant = world.wait_for(&format!("tenant/{}", world.namespace), "PolicyGrace", "True");
    assert_eq!(condition_of(&tenant, "Ready")["status"], "True", "{}", tenant["status"]);
    // The events of what belongs to no namespace are in the default one.
    for (namespace, object) in [(world.namespace.as_str(), "sign-in"), ("default", world.namespace.as_str())]
    {
        let told = wait::until(SOON, "an event", || {
            let told = warnings(&world, namespace, object);
            if told.is_empty() { Err("none") } else { Ok(told) }
        });
        assert!(told.len() == 1 && told[0].contains("goes on until 2"), "{object}: {told:?}");
    }

    let flow = wait::until(SOON, "the grace is over", || {
        let flow = world.cluster.get(&world.namespace, "flow/sign-in");
        let is_over = flow["status"]["serving"][0]["revision"] == strong
            && condition_of(&flow, "PolicyGrace").is_null();
        if is_over { Ok(flow) } else { Err(flow["status"].to_string()) }
    });
    assert_eq!(condition_of(&flow, "Ready")["reason"], "NotAllowed", "{}", flow["status"]);
    wait::until(SOON, "the pods know it", || if codes_asked(&world) == 1 { Ok(()) } else { Err("no code") });
    // The sign-up has no older revision that would do.
    let told = wait::until(SOON, "the sign-up is out of service", || refusal(&world, "&prompt=create"));
    assert_eq!(told, "temporarily_unavailable");

    set_policy(&world, &Value::Null);
    world.wait_until_ready();
    assert_eq!(codes_asked(&world), 0);
    set_policy(&world, &json!({ "forbiddenNodeKinds": ["http"] }));
    world.apply(HIDDEN);
    let sneaky = world.wait_for("flow/sneaky", "Ready", "False");
    let ready = condition_of(&sneaky, "Ready");
    assert_eq!(ready["reason"], "NotAllowed", "{ready}");
    assert!(ready["message"].as_str().is_some_and(|message| message.contains("FlowNode/hidden")), "{ready}");
    assert!(world.revisions("sneaky").is_empty());
}

#[test]
fn journeys_under_way_finish_in_the_grace_although_something_compliant_serves_already() {
    let Some(world) = ready_world("journeys_under_way_finish_in_the_grace", "carried") else { return };
    world.sign_up(ADA);
    let (client, mut early) = (world.relying_party(), world.browser());
    let arrival = client.begin(&mut early, "sign-in").expect("the sign-in");
    set_policy(&world, &json!({ "login": { "minimumFactors": 2 }, "grace": "10m" }));
    world.wait_for("flow/sign-in", "PolicyGrace", "True");
    world.apply(&strong(&world));
    let flow = world.wait_for("flow/sign-in", "Ready", "True");
    wait::until(SOON, "the pods know it", || if codes_asked(&world) == 1 { Ok(()) } else { Err("no code") });
    let message = condition_of(&flow, "PolicyGrace")["message"].as_str().expect("the grace is told");
    assert!(message.starts_with("journeys under way on revision"), "{message}");
    let no_code = Box::new(|| panic!("a journey asks what its own revision does not"));
    let mut ada = Person { address: ADA.to_owned(), password: PASSWORD.to_owned(), code: no_code };
    let callback = ada.walk(&mut early, arrival).expect("the journey goes on");
    let tokens = client.tokens(&mut early, &callback);
    assert!(tokens["access_token"].is_string(), "{tokens}");
}
