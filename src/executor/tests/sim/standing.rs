//! Promise 3 over time: what was proven for a user counts until something makes the account safe from whoever proved
//! it. Every row of the table in design 10 that exists, against a journey under way, an open session and its tokens.

use http::StatusCode;
use idflow_core::id::UserId;
use idflow_core::secret::PasswordHash;
use idflow_core::user::UserState;
use idflow_core::write::Write;
use serde_json::Value;

use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, authorize_path, exchange, refresh, userinfo};
use crate::world::World;

const ADA: &str = "ada@example.com";
const START_AGAIN: &str = "Please start again";

/// Whoever got hold of the password: signed in, with tokens, and in a second journey behind the password page.
pub(crate) struct Intruder {
    pub(crate) signed_in: Person,
    pub(crate) tokens: Value,
    pub(crate) waiting: Person,
    pub(crate) path: String,
    page: Answer,
}

impl Intruder {
    pub(crate) async fn enter(world: &mut World) -> Self {
        let mut signed_in = Person::new(ADA);
        let arrival = signed_in.walk(world, "", &mut Calm).await;
        let tokens = exchange(world, &arrival.code()).await.json();
        let mut waiting = Person::new(ADA);
        let path = to_the_code(world, &mut waiting).await;
        let page = waiting.browser.get(world, &path).await;
        Self { signed_in, tokens, waiting, path, page }
    }

    /// Posts the page that was waited behind, code and all, and looks at what comes.
    pub(crate) async fn goes_on(&mut self, world: &World) -> Answer {
        let body = self.waiting.filled(world, &self.page).encoded();
        let posted = self.waiting.browser.post(world, &self.path, &body).await;
        match posted.status {
            StatusCode::SEE_OTHER => self.waiting.browser.get(world, &self.path).await,
            _ => posted,
        }
    }

    /// Whether the session still signs in without a question.
    pub(crate) async fn has_session(&self, world: &World) -> bool {
        let answer = self.signed_in.browser.clone().get(world, &authorize_path("")).await;
        assert_ne!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        answer.location().is_some_and(|to| to.starts_with("https://app.example.com/"))
    }

    pub(crate) async fn has_tokens(&self, world: &World) -> bool {
        let reads = userinfo(world, &self.tokens).await.status == StatusCode::OK;
        let refreshed = refresh(world, &self.tokens).await.status == StatusCode::OK;
        assert_eq!(reads, refreshed, "access and refresh token disagree");
        reads
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    PasswordSet,
    Locked,
    Renamed,
    SessionsEnded,
    Rehashed,
    AttributeEdited,
    GuessesCounted,
}

const TABLE: [(Change, bool); 7] = [
    (Change::PasswordSet, true),
    (Change::Locked, true),
    (Change::Renamed, true),
    (Change::SessionsEnded, true),
    (Change::Rehashed, false),
    (Change::AttributeEdited, false),
    (Change::GuessesCounted, false),
];

async fn make(world: &mut World, user: UserId, change: Change) {
    let commit = world.nothing_read();
    match change {
        Change::PasswordSet => reset_password(world).await,
        Change::Locked => world.change(user, |user| user.state = UserState::Locked).await,
        Change::Renamed => {
            let rename = |user: &mut idflow_core::user::User| {
                user.attributes.insert("email".to_owned(), "countess@example.com".into());
            };
            world.change(user, rename).await;
        }
        Change::SessionsEnded => world.app().store.commit(commit.end_sessions_of(user)).await.unwrap(),
        Change::Rehashed => {
            let hash = PasswordHash("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA".to_owned());
            let rehash = Write::SetPassword { user, hash, ends_sessions: false };
            world.app().store.commit(commit.writes([rehash])).await.unwrap();
        }
        Change::AttributeEdited => {
            let edit = |user: &mut idflow_core::user::User| {
                user.attributes.insert("nickname".to_owned(), "Countess".into());
            };
            world.change(user, edit).await;
        }
        Change::GuessesCounted => {
            let mut guesser = Person::new(ADA);
            let path = guesser.browser.authorize(world, "").await;
            let page = guesser.browser.get(world, &path).await;
            let guess = page.form().unwrap().fill("username", ADA).fill("password", "wrong");
            assert_eq!(
                guesser.browser.post(world, &path, &guess.encoded()).await.status,
                StatusCode::SEE_OTHER
            );
        }
    }
}

/// The owner goes the whole way; the journey that sets the password goes on behind it.
async fn reset_password(world: &mut World) {
    let mut owner = Person::new(ADA);
    let answer = owner.browser.get(world, "/flows/reset").await;
    let path = answer.location().expect("a journey").to_owned();
    for _ in 0..4 {
        let page = owner.browser.get(world, &path).await;
        let body = owner.filled(world, &page).encoded();
        assert_eq!(owner.browser.post(world, &path, &body).await.status, StatusCode::SEE_OTHER);
    }
    let end = owner.browser.get(world, &path).await;
    assert_eq!(end.status, StatusCode::OK);
    assert!(end.form().is_none() && !end.body.contains(START_AGAIN), "{}", end.body);
}

#[tokio::test]
async fn what_was_proven_ends_with_what_makes_the_account_safe_and_with_nothing_else() {
    for (number, (change, ends)) in TABLE.into_iter().enumerate() {
        let mut world = World::new(number as u64).await;
        let user = world.user(ADA).await;
        let mut intruder = Intruder::enter(&mut world).await;
        make(&mut world, user, change).await;
        assert_eq!(intruder.has_session(&world).await, !ends, "{change:?}: the session");
        assert_eq!(intruder.has_tokens(&world).await, !ends, "{change:?}: the tokens");
        let next = intruder.goes_on(&world).await;
        assert_eq!(next.status, StatusCode::OK, "{change:?}");
        assert_eq!(next.form().is_none(), ends, "{change:?}: the journey: {}", next.body);
        assert_eq!(next.body.contains(START_AGAIN), ends, "{change:?}: {}", next.body);
        assert!(next.code().is_none());
    }
}

#[tokio::test]
async fn whoever_waits_behind_the_password_page_learns_nothing_about_why_the_journey_ended() {
    let mut pages = Vec::new();
    for change in [Change::PasswordSet, Change::Locked, Change::Renamed] {
        let mut world = World::new(7).await;
        let user = world.user(ADA).await;
        let mut intruder = Intruder::enter(&mut world).await;
        make(&mut world, user, change).await;
        let page = intruder.goes_on(&world).await;
        let main = page.body.split_once("<main").expect("a page").1;
        let main = main.replace(page.reference().expect("a reference"), "");
        pages.push((page.status, main.split_once("</main>").expect("a page").0.to_owned()));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:?}");
}
