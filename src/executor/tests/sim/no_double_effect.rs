//! Promise 4: the same post twice has one effect and the same answer (checklist J-4).

use futures_util::future::join_all;
use http::StatusCode;
use idflow_core::time::Span;

use crate::faults::Kind;
use crate::person::Person;
use crate::visitor::{Answer, Browser, exchange};
use crate::world::World;

const ADA: &str = "ada@example.com";
const AT_ONCE: usize = 50;

/// The path through sign-in or sign-up, each page posted fifty times at once by one browser.
async fn walk_in_fifties(more: &str, existing: bool) -> (World, String, Answer) {
    let world = World::new(1).await;
    if existing {
        world.user(ADA).await;
    }
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, more).await;
    for _ in 0..10 {
        let page = person.browser.get(&world, &path).await;
        if page.form().is_none() {
            return (world, path, page);
        }
        let body = person.filled(&world, &page).encoded();
        let before = person.browser.clone();
        let posts = (0..AT_ONCE).map(|_| world.send(before.post_request(&path, &body)));
        let answers = join_all(posts).await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
            assert_eq!(answer.location(), Some(path.as_str()));
            assert_eq!(
                answer.headers, answers[0].headers,
                "cookies included: a browser keeps any one of them"
            );
        }
        // A browser that double-clicked sees only the last answer.
        person.browser.take_cookies(&answers[AT_ONCE - 1]);
    }
    panic!("the journey does not end");
}

#[tokio::test]
async fn j_4_fifty_posts_of_every_page_of_a_sign_in_are_one_sign_in() {
    let (world, path, page) = walk_in_fifties("", true).await;
    assert_eq!(world.mails.all().len(), 1);
    assert_eq!(world.count(Kind::Session).await, 1);
    assert_eq!(world.count(Kind::Grant).await, 1);
    assert!(world.session_of(path.rsplit('/').next().unwrap()).await.is_some());
    assert_eq!(exchange(&world, &page.code().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn j_4_fifty_posts_of_every_page_of_a_sign_up_are_one_user() {
    let (world, _, page) = walk_in_fifties("&prompt=create", false).await;
    assert!(page.code().is_some(), "{}", page.body);
    assert_eq!(world.count(Kind::User).await, 1);
    assert_eq!(world.mails.all().len(), 1);
    assert_eq!(world.count(Kind::Session).await, 1);
}

#[tokio::test]
async fn send_again_sends_again_and_the_old_code_is_dead() {
    let world = World::new(2).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let old = world.mails.code_for(ADA).unwrap();
    let page = person.browser.get(&world, &path).await;
    let resend = page.form().unwrap().press("resend").encoded();
    for _ in 0..3 {
        person.browser.post(&world, &path, &resend).await;
    }
    assert_eq!(world.mails.all().len(), 2, "one mail for one press of the button");
    let page = person.browser.get(&world, &path).await;
    person.browser.post(&world, &path, &page.form().unwrap().fill("code", &old).encoded()).await;
    let page = person.browser.get(&world, &path).await;
    assert!(page.body.contains("The code is not right"), "{}", page.body);
}

#[tokio::test]
async fn o_6_fifty_exchanges_of_one_code_give_tokens_at_most_once() {
    let (world, _, page) = walk_in_fifties("", true).await;
    let code = page.code().unwrap();
    let answers = join_all((0..AT_ONCE).map(|_| exchange(&world, &code))).await;
    let given = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(given, 1);
    assert!(answers.iter().all(|answer| answer.status != StatusCode::INTERNAL_SERVER_ERROR));
}

/// A journey that one post has just moved over a rise of assurance: its path, the post and the browser before it.
async fn just_moved(world: &World, person: &mut Person) -> (String, String, Browser, Answer) {
    let path = person.browser.authorize(world, "").await;
    let body = person.filling(world, &path).await;
    let before = person.browser.clone();
    let answer = person.browser.post(world, &path, &body).await;
    (path, body, before, answer)
}

#[tokio::test]
async fn j_8_the_old_cookie_is_worth_nothing_but_to_who_can_send_the_same_post_again() {
    let world = World::new(3).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let (path, body, old, first) = just_moved(&world, &mut person).await;
    let token = body.split('&').find(|field| field.starts_with("token=")).unwrap().to_owned();

    let again = old.clone().post(&world, &path, &body).await;
    assert_eq!(again.headers, first.headers, "the same post, the same answer");
    let forms = [
        body.replace("token=", "token=x"),
        body.replace("password=", "password=x"),
        body.replace("username=", "username=x"),
        format!("{body}&more=1"),
        token,
    ];
    for other in forms {
        let answer = old.clone().post(&world, &path, &other).await;
        assert_eq!(answer.status, StatusCode::GONE, "{other}");
        assert!(answer.headers.get("set-cookie").is_none(), "{other}");
    }
    world.pass(Span::seconds(16));
    assert_eq!(old.clone().post(&world, &path, &body).await.status, StatusCode::GONE, "15 seconds are over");
    assert_eq!(person.browser.get(&world, &path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn j_11_looking_gives_nobody_a_cookie_and_an_old_cookie_shows_nothing() {
    let world = World::new(4).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let mut earlier = vec![person.browser.clone()];
    for _ in 0..3 {
        let body = person.filling(&world, &path).await;
        person.browser.post(&world, &path, &body).await;
        for browser in &earlier {
            let looked = browser.clone().get(&world, &path).await;
            assert!(looked.headers.get("set-cookie").is_none(), "{looked:?}");
            let is_current =
                browser.cookies.iter().all(|(name, value)| person.browser.cookies.get(name) == Some(value));
            assert_eq!(looked.status == StatusCode::OK, is_current, "{}", looked.body);
        }
        earlier.push(person.browser.clone());
    }
    assert!(earlier.iter().any(|browser| browser.cookies.keys().any(|name| name.contains("session"))));
    assert_eq!(world.count(Kind::Session).await, 1);
    assert!(person.browser.get(&world, &path).await.code().is_some());
}

#[tokio::test]
async fn what_a_post_proves_is_erased_after_fifteen_seconds() {
    let world = World::new(5).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    just_moved(&world, &mut person).await;
    assert_eq!(world.count(Kind::LastPost).await, 1);
    world.pass(Span::seconds(15));
    world.app().store.purge(world.now()).await.unwrap();
    assert_eq!((world.count(Kind::LastPost).await, world.count(Kind::Journey).await), (0, 1));
}

/// Signs in up to the page that asks for the code.
pub(crate) async fn to_the_code(world: &World, person: &mut Person) -> String {
    let path = person.browser.authorize(world, "").await;
    let body = person.filling(world, &path).await;
    let answer = person.browser.post(world, &path, &body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    path
}
