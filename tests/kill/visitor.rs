//! A visitor who signs up, reloads when the connection breaks, and notices when something acknowledged is gone.

use std::io::{Error, Result};
use std::thread::sleep;
use std::time::{Duration, Instant};

use idflow_test_support::browser::{Arrival, Browser, Page};
use idflow_test_support::form::Form;
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::smtp::Mail;
use idflow_test_support::world::{PASSWORD, World};

/// How far a journey has come, by what its page asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Address,
    Code,
    Password,
    Done,
}

/// Nobody waits longer for a mail before asking for another one.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) struct Visitor<'a> {
    world: &'a World,
    client: RelyingParty,
    browser: Browser,
    pub(crate) address: String,
    /// How often the connection broke or the server was not there.
    pub(crate) disturbed: usize,
    /// The first mail, and one more for every time the button was pressed.
    mails_asked_for: usize,
    /// Which mail, counted from 1, the visitor waits for.
    awaited_mail: usize,
    acknowledged: Progress,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(world: &'a World, number: usize) -> Self {
        Self {
            world,
            client: world.relying_party(),
            browser: world.browser(),
            address: format!("visitor{number}@test.example"),
            disturbed: 0,
            mails_asked_for: 1,
            awaited_mail: 1,
            acknowledged: Progress::Address,
        }
    }

    /// Goes through the sign-up until the client has its code, whatever happens to the server.
    pub(crate) fn sign_up(&mut self) {
        let begin = format!("{}&prompt=create", self.client.authorize_url(&self.address));
        let mut at = self.until_answered(|visitor| match visitor.browser.open(&begin)? {
            Arrival::Page(page) => Ok(page),
            Arrival::Left(url) => Err(Error::other(format!("sent away to {url}"))),
        });
        while self.acknowledged != Progress::Done {
            self.notice(&at);
            let form = self.answer(&at);
            at = self.send(&at, &form);
        }
    }

    /// Every key came to the outside service for this journey alone, and no mail came twice.
    pub(crate) fn check_effects(&self) {
        let calls = self.world.service.calls_about(&self.address);
        assert_eq!(calls.len(), 1, "{}: one step, but several effects: {calls:?}", self.address);
        let mails = self.world.mail.to(&self.address);
        assert!(
            mails.len() <= self.mails_asked_for,
            "{}: {} mails for {} requests",
            self.address,
            mails.len(),
            self.mails_asked_for
        );
        let mut ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), mails.len(), "{}: a mail was sent twice", self.address);
    }

    /// What has been acknowledged may not be asked for again.
    fn notice(&mut self, page: &Page) {
        let progress = progress_of(page);
        assert!(
            progress >= self.acknowledged,
            "{}: {:?} was acknowledged, but the page is back at {progress:?}:\n{}",
            self.address,
            self.acknowledged,
            page.text()
        );
        self.acknowledged = progress;
    }

    /// What the page asks for.
    fn answer(&mut self, page: &Page) -> Form {
        let form = page.main_form();
        let form = match progress_of(page) {
            Progress::Address => form.fill("email", &self.address),
            Progress::Code => match self.code() {
                Some(code) => form.fill("code", &code),
                None => return self.ask_again(page),
            },
            Progress::Password => {
                let field = form.fields.iter().find(|field| field.purpose.contains("new-password"));
                let name = field.expect("a field").name.clone();
                form.fill(&name, PASSWORD)
            }
            Progress::Done => panic!("{}: nothing to do at {}:\n{}", self.address, page.url, page.text()),
        };
        if form.has_button("next") { form.press("next") } else { form }
    }

    /// The code of the awaited mail, or nothing when none comes: the server died between commit and sending.
    fn code(&self) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let mails = self.world.mail.to(&self.address);
            if mails.len() >= self.awaited_mail {
                return mails.last().and_then(Mail::code);
            }
            sleep(Duration::from_millis(50));
        }
        None
    }

    fn ask_again(&mut self, page: &Page) -> Form {
        self.mails_asked_for += 1;
        self.awaited_mail = self.world.mail.to(&self.address).len() + 1;
        page.form_with_button("resend").press("resend")
    }

    /// Sends a form until it is answered: whoever reloads a page that did not come sends the same form again.
    fn send(&mut self, page: &Page, form: &Form) -> Page {
        self.until_answered(|visitor| match visitor.browser.submit(page, form)? {
            Arrival::Page(page) => Ok(page),
            Arrival::Left(_) => {
                visitor.acknowledged = Progress::Done;
                Ok(page.clone())
            }
        })
    }

    fn until_answered(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<Page>) -> Page {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            match attempt(self) {
                Ok(page) if page.status() < 500 => return page,
                other => {
                    self.disturbed += 1;
                    assert!(
                        Instant::now() < end,
                        "{}: the server does not come back: {other:?}",
                        self.address
                    );
                    sleep(Duration::from_millis(50));
                }
            }
        }
    }
}

fn progress_of(page: &Page) -> Progress {
    let text = page.text();
    let asks_for = |purpose: &str| {
        let forms = idflow_test_support::form::forms(&text);
        forms
            .iter()
            .flat_map(|form| &form.fields)
            .any(|field| field.editable && field.purpose.contains(purpose))
    };
    if asks_for("new-password") {
        Progress::Password
    } else if asks_for("one-time-code") {
        Progress::Code
    } else if asks_for("email") {
        Progress::Address
    } else {
        Progress::Done
    }
}
