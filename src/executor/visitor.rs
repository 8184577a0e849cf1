//! Who asks: headers, trusted address, language.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use idflow_pages::{Locale, Wishes};

use crate::app::Shared;
use crate::cookies::Cookies;

/// The visitor of a page.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The address that limits count by: the peer's, or what a trusted proxy says (checklist J-17).
    pub address: Option<String>,
    /// The best language among those the product speaks.
    pub locale: Locale,
    /// Whether this request chose the language, so that the choice is kept.
    pub chose_language: bool,
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let chosen = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ui_locales");
        let wishes = Wishes {
            ui_locales: chosen.as_ref().map(|(_, value)| value.as_ref()),
            saved: Cookies::language(&parts.headers),
            accept_language: parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()),
        };
        let peer = parts.extensions.get::<SocketAddr>().copied();
        Ok(Self {
            address: peer.map(|peer| {
                let proxies = &app.configuration.load().trusted_proxies;
                idflow_net::address::client_address(peer, &parts.headers, proxies).to_string()
            }),
            locale: app.pages.texts().negotiate(&wishes, &[]),
            chose_language: chosen.is_some(),
            headers: parts.headers.clone(),
        })
    }
}
