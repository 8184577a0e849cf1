//! What a Directory declares unique later: it is not Ready before every user's value is known to be one user's.

use idflow_test_support::wait;
use idflow_test_support::world::{SETTLED, World, condition_of};

use crate::ready_world;

/// The Directory with two attributes more, each unique or not.
fn directory(world: &World, team: bool, badge: bool) -> String {
    let more = format!(
        "required: true }}, {{ name: team, type: String, unique: {team} }}, {{ name: badge, type: String, unique: {badge} }}]"
    );
    world.manifest_of("Directory", "people").replace("required: true }]", &more)
}

#[test]
fn what_becomes_unique_later_is_not_ready_while_two_users_have_the_same_value() {
    let Some(world) = ready_world("what_becomes_unique_later", "unique") else { return };
    world.apply(&directory(&world, false, false));
    let more = "email: form.email, team: \"'blue'\", badge: form.email";
    world.apply(
        &world.manifest_of("Flow", "sign-up").replace("email: form.email } }", &format!("{more} }} }}")),
    );
    world.wait_until_ready();
    world.sign_up("ada@test.example");
    world.sign_up("bob@test.example");
    world.apply(&directory(&world, false, true));
    world.wait_for("directory/people", "Ready", "True");
    world.apply(&directory(&world, true, true));
    let found = world.wait_for("directory/people", "Ready", "False");
    assert_eq!(condition_of(&found, "Ready")["reason"], "NotUniqueYet", "{found}");
    // At first the users' values are still being compared.
    wait::until(SETTLED, "who has the same value is told", || {
        let found = world.cluster.get(&world.namespace, "directory/people");
        let ready = condition_of(&found, "Ready");
        let told = ready["message"].as_str().unwrap_or_default();
        let names = told.starts_with("1 users have a value of team that another one has too");
        if ready["reason"] == "NotUniqueYet" && names { Ok(()) } else { Err(ready.to_string()) }
    });
    world.sign_in("ada@test.example");
    world.apply(&directory(&world, false, true));
    world.wait_until_ready();
    world.sign_up("cleo@test.example");
    world.sign_in("bob@test.example");
}
