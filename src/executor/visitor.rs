//! Who asks: headers, trusted address, language.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use idflow_core::journey::{Journey, Purpose};
use idflow_engine::bind::Runnable;
use idflow_pages::{Locale, Offer, Wishes};

use crate::app::{App, Shared};
use crate::cookies::Cookies;

/// The visitor of a page.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The address that limits count by: the peer's, or what a trusted proxy says (checklist J-17).
    pub address: Option<String>,
    /// The language that the visitor reads: the journey's, where there is one.
    pub locale: Locale,
    /// The languages to choose from.
    pub offer: Offer,
    /// Whether the choice that this request makes is kept for later journeys. An application's wish is not.
    pub keeps_choice: bool,
    /// What this request asks for by itself.
    chosen: Option<String>,
}

impl Visitor {
    /// The language that this request asks for by itself.
    pub fn choice(&self) -> Option<&str> {
        self.chosen.as_ref().map(|_| self.locale.tag())
    }

    /// The visitor at the start of a journey, which speaks what fits best of its flow's languages: what the request
    /// asks for, else what the application wishes, else what was chosen before, else what the browser prefers.
    #[must_use]
    pub fn beginning(&self, app: &App, runnable: &Runnable, purpose: &Purpose) -> Self {
        let asked = match purpose {
            Purpose::Authorize(request) => request.ui_locales.join(" "),
            Purpose::EndSession(_) | Purpose::Standalone { .. } => String::new(),
        };
        let offer = offer(runnable);
        let wishes = wishes(&self.headers, Some(self.chosen.as_deref().unwrap_or(&asked)));
        Self { locale: app.pages.texts().negotiate(&wishes, &offer), offer, ..self.clone() }
    }

    /// Reads a journey's language from now on, unless this very request asks for another one.
    pub fn follow(&mut self, app: &App, journey: &Journey) {
        let runnable = app.revisions.get(&journey.digest);
        self.offer = runnable.map(|runnable| offer(&runnable)).unwrap_or_default();
        let saved = journey.locale.as_deref();
        match (&self.chosen, saved.and_then(Locale::parse)) {
            (None, Some(locale)) => self.locale = locale,
            (None, None) => {}
            (Some(chosen), _) => {
                let wishes = Wishes { ui_locales: Some(chosen), saved, accept_language: None };
                self.locale = app.pages.texts().negotiate(&wishes, &self.offer);
            }
        }
    }
}

/// The languages that a flow speaks.
fn offer(runnable: &Runnable) -> Offer {
    let program = runnable.program();
    Offer::of(&program.languages, program.promises_languages)
}

fn wishes<'a>(headers: &'a HeaderMap, ui_locales: Option<&'a str>) -> Wishes<'a> {
    Wishes {
        ui_locales,
        saved: Cookies::language(headers),
        accept_language: headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()),
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let chosen = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ui_locales");
        let chosen = chosen.map(|(_, value)| value.into_owned());
        let peer = parts.extensions.get::<SocketAddr>().copied();
        let offer = Offer::default();
        Ok(Self {
            address: peer.map(|peer| {
                let proxies = &app.configuration.load().trusted_proxies;
                let address = idflow_net::address::client_address(peer, &parts.headers, proxies);
                if address == peer.ip().to_canonical() && idflow_net::address::is_forwarded(&parts.headers) {
                    app.untrusted_proxy(peer.ip());
                }
                address.to_string()
            }),
            locale: app.pages.texts().negotiate(&wishes(&parts.headers, chosen.as_deref()), &offer),
            offer,
            keeps_choice: chosen.is_some() && parts.uri.path().starts_with("/journeys/"),
            chosen,
            headers: parts.headers.clone(),
        })
    }
}
