//! Somebody else was first: decided again, never answered "not now".

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::StatusCode;
use idflow_core::time::Span;
use idflow_store::backend::Backend;
use idflow_store::backend::memory::Memory;
use idflow_store::backend::redb::Redb;

use crate::faults::Storage;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, authorize_path};
use crate::world::{TENANT, World, snapshot};

const AT_ONCE: usize = 64;

/// One of many: signs in, every fourth after a wrong password. Returns how many requests were decided.
async fn sign_in(world: &World, mut person: Person, path: &str, refused: &AtomicUsize) -> usize {
    let mut guesses = usize::from(person.address.contains("4@"));
    for decided in 1..7 {
        let page = person.browser.get(world, path).await;
        if page.form().is_none() {
            assert!(page.code().is_some(), "{}", page.body);
            return decided;
        }
        let mut form = person.filled(world, &page);
        if guesses > 0 && form.has_field("password") {
            guesses -= 1;
            form = form.fill("password", "wrong");
        }
        let posted: Answer = person.browser.post(world, path, &form.encoded()).await;
        if posted.status != StatusCode::SEE_OTHER {
            refused.fetch_add(1, Ordering::SeqCst);
        }
    }
    panic!("{} did not arrive", person.address);
}

fn address(number: usize) -> String {
    format!("user{number}@example.com")
}

async fn many_at_once(backend: Box<dyn Backend>) {
    let world = World::on(1, Storage::over(backend), snapshot(TENANT)).await;
    let mut people = Vec::new();
    for number in 0..AT_ONCE {
        let mut person = Person::new(&address(number));
        world.user(&person.address).await;
        let path = person.browser.authorize(&world, "").await;
        people.push((person, path));
        // As fast as one network may begin.
        world.pass(Span(100));
    }
    let refused = AtomicUsize::new(0);
    let everybody =
        people.into_iter().map(async |(person, path)| sign_in(&world, person, &path, &refused).await);
    let posts: usize = join_all(everybody).await.into_iter().sum();
    let decisions = world.app().metrics.decisions.get();
    println!("{posts} posts, {decisions} decisions");
    assert_eq!(refused.into_inner(), 0, "posts that were not answered");
    let most = u64::try_from(posts * 11 / 10).unwrap();
    assert!(decisions <= most, "{decisions} decisions for {posts} posts");
}

#[tokio::test]
async fn many_sign_ins_from_one_network_are_each_decided_once_in_memory() {
    many_at_once(Box::new(Memory::new())).await;
}

#[tokio::test]
async fn many_sign_ins_from_one_network_are_each_decided_once_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    many_at_once(Box::new(Redb::open(folder.path().join("store")).unwrap())).await;
}

#[tokio::test]
async fn tabs_that_use_one_session_at_the_same_moment_are_all_signed_in() {
    let mut world = World::new(1).await;
    world.user(&address(1)).await;
    let mut person = Person::new(&address(1));
    person.walk(&mut world, "", &mut Calm).await;
    world.pass(Span::minutes(6));
    let tab = || {
        let mut browser = person.browser.clone();
        let world = &world;
        async move { browser.get(world, &authorize_path("")).await }
    };
    for answer in join_all((0..8).map(|_| tab())).await {
        let to = answer.location().unwrap_or_default();
        assert!(to.starts_with("https://app.example.com/callback?"), "{} {to}", answer.status);
    }
}
