//! A person who fills what pages ask for, tries again when something is not available, and notices when something
//! they were told is done comes back.

use std::collections::BTreeSet;

use http::StatusCode;
use idflow_test_support::form::Form;

use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, World};

/// More requests than any walk needs, faults included.
const PATIENCE: usize = 400;

/// What happens to the machine between two requests.
pub(crate) trait Weather {
    async fn before_request(&mut self, world: &mut World);
}

/// Nothing.
pub(crate) struct Calm;

impl Weather for Calm {
    async fn before_request(&mut self, _: &mut World) {}
}

/// A person on the way through a journey.
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) browser: Browser,
    /// Tokens of pages whose post was acknowledged.
    acknowledged: BTreeSet<String>,
    /// How often "send again" was pressed.
    pub(crate) resends: usize,
    /// How often the journey had to be begun again.
    pub(crate) restarts: usize,
}

/// How a walk ended.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The journey's path.
    pub(crate) path: String,
    pub(crate) page: Answer,
}

impl Arrival {
    /// The journey's id.
    pub(crate) fn journey(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.page.code().unwrap_or_else(|| panic!("no code: {:?}", self.page))
    }
}

impl Person {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            browser: Browser::new(),
            acknowledged: BTreeSet::new(),
            resends: 0,
            restarts: 0,
        }
    }

    /// Somebody at a browser that was used before.
    pub(crate) fn at(browser: Browser, address: &str) -> Self {
        Self { browser, ..Self::new(address) }
    }

    /// Walks from an authorization request to the code.
    pub(crate) async fn walk(
        &mut self,
        world: &mut World,
        more: &str,
        weather: &mut impl Weather,
    ) -> Arrival {
        let start = crate::visitor::authorize_path(more);
        let mut path = self.begin(world, &start, weather).await;
        let mut unsure = false;
        for _ in 0..PATIENCE {
            weather.before_request(world).await;
            let page = self.browser.get(world, &path).await;
            match page.status {
                StatusCode::SERVICE_UNAVAILABLE => {}
                StatusCode::GONE => {
                    // Only who was never told that the last step is done may be sent back to the start.
                    assert!(unsure, "an acknowledged step was lost: {}", page.body);
                    self.restarts += 1;
                    unsure = false;
                    path = self.begin(world, &start, weather).await;
                }
                StatusCode::OK if page.form().is_none() => return Arrival { path, page },
                StatusCode::OK => unsure = self.answer(world, &path, &page, weather).await,
                other => panic!("{other} at {path}: {}", page.body),
            }
        }
        panic!("{} got lost", self.address);
    }

    async fn begin(&mut self, world: &mut World, start: &str, weather: &mut impl Weather) -> String {
        for _ in 0..PATIENCE {
            weather.before_request(world).await;
            let answer = self.browser.get(world, start).await;
            if let Some(path) = answer.location() {
                assert!(path.starts_with("/journeys/"), "sent to {path}");
                return path.to_owned();
            }
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
        }
        panic!("no journey began");
    }

    /// Answers a page, twice where the first answer was "not now". Whether it stays unknown what became of it.
    async fn answer(
        &mut self,
        world: &mut World,
        path: &str,
        page: &Answer,
        weather: &mut impl Weather,
    ) -> bool {
        let token = page.token().expect("a token");
        assert!(!self.acknowledged.contains(&token), "an acknowledged step came back: {}", page.body);
        let body = self.filled(world, page).encoded();
        for _ in 0..2 {
            weather.before_request(world).await;
            let answer = self.browser.post(world, path, &body).await;
            match answer.status {
                StatusCode::SEE_OTHER => {
                    self.acknowledged.insert(token);
                    return false;
                }
                StatusCode::SERVICE_UNAVAILABLE => {}
                other => panic!("{other} for a post to {path}: {}", answer.body),
            }
        }
        true
    }

    /// The body of this person's next post at an address.
    pub(crate) async fn filling(&mut self, world: &World, path: &str) -> String {
        let page = self.browser.get(world, path).await;
        self.filled(world, &page).encoded()
    }

    /// Answers so many pages at an address, one after the other.
    pub(crate) async fn answers(&mut self, world: &World, path: &str, pages: usize) {
        for _ in 0..pages {
            let body = self.filling(world, path).await;
            self.browser.post(world, path, &body).await;
        }
    }

    /// What this person enters.
    pub(crate) fn filled(&mut self, world: &World, page: &Answer) -> Form {
        let form = page.form().expect("a form");
        if form.has_field("code") {
            return match world.mails.code_for(&self.address) {
                Some(code) if !page.body.contains("The code is not right") => form.fill("code", &code),
                _ => {
                    self.resends += 1;
                    form.press("resend")
                }
            };
        }
        let entered = [
            ("username", self.address.clone()),
            ("email", self.address.clone()),
            ("password", PASSWORD.into()),
        ];
        let known = entered.into_iter().filter(|(name, _)| form.has_field(name)).collect::<Vec<_>>();
        known.into_iter().fold(form, |form, (name, value)| form.fill(name, &value))
    }
}
