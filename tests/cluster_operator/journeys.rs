//! People on a tenant that a cluster serves, while its manifests change.

use std::time::Duration;

use idflow_test_support::browser::Page;
use idflow_test_support::wait;

use crate::ready_world;

#[test]
fn a_person_signs_up_and_in_through_an_executor_that_the_operator_made() {
    let Some(world) = ready_world("a_person_signs_up_and_in", "journey") else { return };
    world.sign_up("ada@test.example");
    let tokens = world.sign_in("ada@test.example");
    assert!(tokens["access_token"].is_string(), "{tokens}");
    assert_eq!(world.mail.to("ada@test.example").len(), 1, "one mail at sign-up, none at sign-in");
    assert_eq!(world.service.calls_about("ada@test.example").len(), 1, "one call of the outside service");
}

#[test]
fn an_open_journey_finishes_on_its_revision_while_the_next_one_runs_the_new() {
    let Some(world) = ready_world("an_open_journey_finishes_on_its_revision", "pinned") else { return };
    world.sign_up("ada@test.example");
    let client = world.relying_party();

    let mut open = world.browser();
    let first_page = client.begin(&mut open, "open").expect("a page").page();
    let edited = world.manifest_of("Flow", "sign-in").replace("First title", "Second title");
    world.apply(&edited);
    world.wait_for("flow/sign-in", "Ready", "True");

    let form = world.person("ada@test.example").fill(&first_page);
    let old = open.submit(&first_page, &form).expect("the open journey").page();
    assert!(old.text().contains("First title"), "the open journey shows another revision:\n{}", old.text());
    let new = welcome(&world, "ada@test.example");
    assert!(new.text().contains("Second title"), "a new journey shows an old revision:\n{}", new.text());
    let callback =
        world.person("ada@test.example").walk(&mut open, into_arrival(old)).expect("the open journey");
    client.tokens(&mut open, &callback);
}

#[test]
fn the_journeys_of_a_deleted_flow_finish_and_no_new_one_starts() {
    let Some(world) = ready_world("the_journeys_of_a_deleted_flow_finish", "deleted") else { return };
    world.sign_up("ada@test.example");
    let client = world.relying_party();
    let mut open = world.browser();
    let page = client.begin(&mut open, "open").expect("a page").page();
    world.cluster.kubectl(&["delete", "-n", &world.namespace, "flow/sign-in"]).expect("the deletion");
    wait::until(Duration::from_secs(30), "no new journey starts", || {
        let arrival = client.begin(&mut world.browser(), "new").map_err(|error| error.to_string())?;
        match arrival {
            idflow_test_support::browser::Arrival::Page(page) if page.status() == 200 => {
                Err("a page".to_owned())
            }
            _ => Ok(()),
        }
    });
    assert!(!world.revisions("sign-in").is_empty(), "its revisions stay while journeys may need them");
    let callback =
        world.person("ada@test.example").walk(&mut open, into_arrival(page)).expect("the open journey");
    client.tokens(&mut open, &callback);
}

#[test]
fn a_broken_flow_is_stalled_with_a_useful_message_and_the_old_revision_goes_on_serving() {
    let Some(world) = ready_world("a_broken_flow_is_stalled", "broken") else { return };
    world.sign_up("ada@test.example");
    let broken = world
        .manifest_of("Flow", "sign-in")
        .replace("outcomes: { next: welcome }", "outcomes: { next: nowhere }");
    world.apply(&broken);
    let flow = world.wait_for("flow/sign-in", "Stalled", "True");
    let problem = &flow["status"]["problems"][0];
    for part in ["code", "severity", "path", "message", "fix"] {
        assert!(problem[part].as_str().is_some_and(|text| !text.is_empty()), "no {part}: {problem}");
    }
    assert!(problem["message"].to_string().contains("nowhere"), "{problem}");
    let message = idflow_test_support::world::condition_of(&flow, "Stalled")["message"].to_string();
    assert!(message.contains("nowhere"), "{message}");
    world.sign_in("ada@test.example");

    world.apply(&world.manifest_of("Flow", "sign-in"));
    let repaired = world.wait_for("flow/sign-in", "Ready", "True");
    assert!(
        idflow_test_support::world::condition_of(&repaired, "Stalled").is_null(),
        "{}",
        repaired["status"]
    );
}

/// The page after the password, of a fresh browser.
fn welcome(world: &idflow_test_support::world::World, address: &str) -> Page {
    let mut browser = world.browser();
    let page = world.relying_party().begin(&mut browser, "new").expect("a page").page();
    let form = world.person(address).fill(&page);
    browser.submit(&page, &form).expect("the password").page()
}

fn into_arrival(page: Page) -> idflow_test_support::browser::Arrival {
    idflow_test_support::browser::Arrival::Page(page)
}
