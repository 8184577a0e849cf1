//! Refresh tokens over a real store: clients refresh at the same moment, lose answers, and come back too late.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::StatusCode;
use idflow_core::time::Span;
use idflow_store::backend::Backend;
use idflow_store::backend::memory::Memory;
use idflow_store::backend::redb::Redb;
use serde_json::Value;

use crate::faults::{Fault, Storage};
use crate::person::{Calm, Person};
use crate::visitor::{exchange, refresh};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// A world on these records, and the first tokens of somebody who signed in.
async fn signed_in(backend: Box<dyn Backend>) -> (World, Value) {
    let mut world = World::on(1, Storage::over(backend), snapshot(TENANT)).await;
    world.user(ADA).await;
    let code = Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    (world, tokens)
}

fn names(world: &World) -> Vec<String> {
    world.events.all.lock().unwrap().iter().map(|event| event.name.clone()).collect()
}

async fn ten_refresh_at_once(backend: Box<dyn Backend>) {
    let (world, tokens) = signed_in(backend).await;
    let answers = join_all((0..10).map(|_| refresh(&world, &tokens))).await;
    let given: Vec<Value> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            answer.json()
        })
        .collect();
    let of = |name: &str| given.iter().map(|tokens| tokens[name].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((of("refresh_token"), of("access_token")), (1, 10), "one successor, ten access tokens");
    let told = names(&world).into_iter().filter(|name| name == "token.repeated").count();
    assert_eq!(told, 9, "each of them is told");
    let next = refresh(&world, &given[7]).await;
    assert_eq!(next.status, StatusCode::OK, "the family lives: {next:?}");
}

#[tokio::test]
async fn o_19_ten_refreshes_at_once_leave_one_living_family_in_memory() {
    ten_refresh_at_once(Box::new(Memory::new())).await;
}

#[tokio::test]
async fn o_19_ten_refreshes_at_once_leave_one_living_family_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    ten_refresh_at_once(Box::new(Redb::open(folder.path().join("store")).unwrap())).await;
}

#[tokio::test]
async fn o_19_an_answer_that_was_lost_is_given_again_also_by_the_next_process() {
    let (mut world, tokens) = signed_in(Box::new(Memory::new())).await;
    let lost = refresh(&world, &tokens).await.json();
    world.restart().await;
    world.pass(Span::seconds(9));
    let again = refresh(&world, &tokens).await.json();
    assert_eq!(again["refresh_token"], lost["refresh_token"]);
}

#[tokio::test]
async fn o_19_after_the_grace_an_old_token_ends_the_family_and_so_does_one_whose_successor_was_used() {
    for (wait, uses) in [(11, false), (0, true)] {
        let (world, tokens) = signed_in(Box::new(Memory::new())).await;
        let mut newest = refresh(&world, &tokens).await.json();
        world.pass(Span::seconds(wait));
        if uses {
            newest = refresh(&world, &newest).await.json();
        }
        let stolen = refresh(&world, &tokens).await;
        assert_eq!(
            (stolen.status, stolen.json()["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_grant"))
        );
        assert_eq!(refresh(&world, &newest).await.status, StatusCode::BAD_REQUEST, "nothing of it lives");
        assert!(names(&world).iter().any(|name| name == "grant.revoked"));
    }
}

#[tokio::test]
async fn o_19_a_refresh_that_the_store_did_not_take_may_be_tried_again() {
    let (world, tokens) = signed_in(Box::new(Memory::new())).await;
    for fault in [Fault::Before, Fault::After] {
        world.storage.fail_at(2, fault);
        assert_eq!(refresh(&world, &tokens).await.status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
    }
    assert_eq!(refresh(&world, &tokens).await.status, StatusCode::OK);
}
