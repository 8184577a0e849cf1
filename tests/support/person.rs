//! Somebody with an address and a password, who fills whatever page comes by what its fields are for.

use std::io::Result;

use url::Url;

use crate::browser::{Arrival, Browser, Page};
use crate::form::{Field, Form};

/// A visitor. `code` gives the next one-time code from that person's inbox.
pub struct Person<'a> {
    pub address: String,
    pub password: String,
    pub code: Box<dyn FnMut() -> String + 'a>,
}

impl Person<'_> {
    /// The page's main form, filled, with its main button pressed.
    pub fn fill(&mut self, page: &Page) -> Form {
        let mut form = page.main_form();
        for field in form.fields.iter_mut().filter(|field| field.editable) {
            if let Some(answer) = self.answer(field) {
                field.value = answer;
            }
        }
        if form.has_button("next") { form.press("next") } else { form }
    }

    /// Goes through a journey until the browser is sent to the client; returns that address.
    pub fn walk(&mut self, browser: &mut Browser, mut arrival: Arrival) -> Result<Url> {
        const MOST_STEPS: usize = 15;
        for _ in 0..MOST_STEPS {
            let page = match arrival {
                Arrival::Left(url) => return Ok(url),
                Arrival::Page(page) => page,
            };
            let form = self.fill(&page);
            arrival = browser.submit(&page, &form)?;
        }
        panic!("the journey does not end: {arrival:?}");
    }

    fn answer(&mut self, field: &Field) -> Option<String> {
        let is = |token: &str| field.purpose.split_whitespace().any(|own| own == token);
        if is("one-time-code") {
            return Some((self.code)());
        }
        if is("current-password") || is("new-password") {
            return Some(self.password.clone());
        }
        if is("username") || is("email") {
            return Some(self.address.clone());
        }
        if is("given-name") {
            return Some("Ada".to_owned());
        }
        if is("family-name") {
            return Some("Lovelace".to_owned());
        }
        (is("name")).then(|| "Ada Lovelace".to_owned())
    }
}
