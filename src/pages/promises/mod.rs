//! What pages promise, told by whole pages.

mod contract;
mod escaping;
mod samples;

use idflow_core::chance::SeededChance;
use idflow_core::view::View;

use crate::{Aftermath, JourneyPage, Locale, Nonce, Page, Pages, Theme, Visit};

/// A page of `view` as a visitor with this locale gets it.
fn shown(view: &View, locale: &str) -> Page {
    shown_as(&JourneyPage { view, ..page(view) }, Theme::named("Acme"), locale)
}

fn page(view: &View) -> JourneyPage<'_> {
    JourneyPage {
        view,
        action: "/journeys/one",
        token: "the-token",
        status: 200,
        can_go_back: false,
        can_cancel: false,
        progress: None,
        after: Aftermath::default(),
    }
}

fn shown_as(page: &JourneyPage<'_>, theme: Theme, locale: &str) -> Page {
    let (pages, theme, locale) =
        (Pages::embedded().unwrap(), theme.prepare(), Locale::parse(locale).unwrap());
    let nonce = Nonce::random(&SeededChance::new(1));
    let visit = Visit {
        locale: &locale,
        theme: &theme,
        nonce: &nonce,
        transport: crate::headers::Transport::HttpsBelow,
        languages: &[],
        development: None,
    };
    pages.journey(&visit, page).unwrap()
}

fn sample(name: &str) -> View {
    samples::views().into_iter().find(|(found, _)| *found == name).unwrap().1
}
