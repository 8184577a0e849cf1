//! The cookies of hosted pages: one per open journey, one for the session, one for the chosen language.
//!
//! On https every cookie but the language is `__Host-` prefixed, so that no sibling domain can plant one (P-13).

use http::HeaderMap;
use http::header::COOKIE;
use idflow_core::id::JourneyId;

/// Browsers send every open journey's cookie; more than this many and the oldest pages are forgotten.
const MOST_JOURNEYS: usize = 8;

/// Cookie names and attributes of one issuer.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    /// Whether the issuer is https.
    pub secure: bool,
}

impl Cookies {
    /// The value of this journey's cookie.
    pub fn journey<'a>(&self, headers: &'a HeaderMap, id: JourneyId) -> Option<&'a str> {
        value(headers, &self.journey_name(id))
    }

    /// The value of the session's cookie.
    pub fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        value(headers, &self.name("session"))
    }

    /// The chosen language.
    pub fn language(headers: &HeaderMap) -> Option<&str> {
        value(headers, "idflow-language")
    }

    /// `Set-Cookie` values that bind a journey to the browser, and forget journeys over the cap.
    pub fn set_journey(&self, headers: &HeaderMap, id: JourneyId, secret: &str, seconds: i64) -> Vec<String> {
        let name = self.journey_name(id);
        let prefix = self.name("journey-");
        let open: Vec<&str> = pairs(headers)
            .map(|(open, _)| open)
            .filter(|open| open.starts_with(&prefix) && *open != name)
            .collect();
        let excess = (open.len() + 1).saturating_sub(MOST_JOURNEYS);
        let mut set: Vec<String> = open.iter().take(excess).map(|name| self.cookie(name, "", 0)).collect();
        set.push(self.cookie(&name, secret, seconds));
        set
    }

    /// The `Set-Cookie` value that signs the browser in.
    pub fn set_session(&self, secret: &str, seconds: i64) -> String {
        self.cookie(&self.name("session"), secret, seconds)
    }

    /// The `Set-Cookie` value that keeps the chosen language for a year.
    pub fn set_language(&self, locale: &str) -> String {
        self.cookie("idflow-language", locale, 31_536_000)
    }

    fn journey_name(self, id: JourneyId) -> String {
        let id = id.to_string();
        self.name(&format!("journey-{}", id.get(..11).unwrap_or(&id)))
    }

    fn name(self, name: &str) -> String {
        if self.secure { format!("__Host-idflow-{name}") } else { format!("idflow-{name}") }
    }

    fn cookie(self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    pairs(headers).find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn p_13_cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        let set = Cookies { secure: true }.set_session("x", 60);
        assert_eq!(set, "__Host-idflow-session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        assert!(!Cookies { secure: false }.set_session("x", 60).contains("Secure"));
    }

    #[test]
    fn two_journeys_have_two_cookies_and_a_ninth_forgets_the_first() {
        let cookies = Cookies { secure: false };
        let ids: Vec<JourneyId> = (1..=9).map(|n| JourneyId::from_bytes([n; 16])).collect();
        let open: Vec<String> =
            ids.iter().take(8).map(|id| format!("{}=s", cookies.journey_name(*id))).collect();
        let headers = headers(&open.join("; "));
        assert_eq!(cookies.journey(&headers, ids[3]), Some("s"));
        let set = cookies.set_journey(&headers, ids[8], "new", 60);
        assert_eq!(set.len(), 2, "{set:?}");
        assert!(set[0].contains("Max-Age=0"));
    }
}
