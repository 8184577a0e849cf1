//! The cookies of hosted pages: one per open journey, one for the session, one for the chosen language.
//!
//! On https every cookie but the language is `__Host-` prefixed, so that no sibling domain can plant one (P-13).
//!
//! A browser sends along whatever other applications of the host and of its parent domains have set, in any bytes, and
//! also several cookies of one name. So the header is read as bytes and pair by pair, and every cookie of a name is a
//! candidate: the one that opens something is ours.

use http::HeaderMap;
use http::header::COOKIE;
use idflow_core::id::JourneyId;

/// Browsers send every open journey's cookie; more than this many and the oldest pages are forgotten.
const MOST_JOURNEYS: usize = 8;

/// How many people a browser is known to belong to; the oldest are forgotten.
const MOST_DEVICES: usize = 4;

/// How long a browser is known, in seconds: a year.
const DEVICE_LIFETIME: i64 = 31_536_000;

/// How many cookies of one name are looked at. More were planted.
const MOST_OF_ONE_NAME: usize = 4;

/// Remembers that a browser comes by another name also to the issuer.
const RENAMED: &str = "idflow-renamed";

/// The most bytes of cookies that are read; the accept loop takes some more, so that a page can say so.
pub const MOST_BYTES: usize = 32 << 10;

/// Cookie names and attributes of one issuer.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    /// Whether the issuer is https.
    pub secure: bool,
}

impl Cookies {
    /// The values of this journey's cookie. Release 0.1 named it by half of the id.
    pub fn journey<'a>(&self, headers: &'a HeaderMap, id: JourneyId) -> Vec<&'a str> {
        let name = self.journey_name(id);
        let of_earlier_release = name.get(..name.len() - 11).unwrap_or(&name);
        [values(headers, &name), values(headers, of_earlier_release)].concat()
    }

    /// The journeys of this browser that it has not forgotten, with the values of their cookies.
    pub fn journeys<'a>(&self, headers: &'a HeaderMap) -> Vec<(JourneyId, &'a str)> {
        let prefix = self.name("journey-");
        let shown = pairs(headers).filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?, value)));
        shown.filter_map(|(id, value)| Some((id.parse().ok()?, value))).take(MOST_JOURNEYS).collect()
    }

    /// The values of the session's cookie.
    pub fn session<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        values(headers, &self.name("session"))
    }

    /// The chosen language.
    pub fn language(headers: &HeaderMap) -> Option<&str> {
        values(headers, "idflow-language").into_iter().next()
    }

    /// Whether the browser was found a moment ago to come by another name also to the issuer.
    pub fn is_renamed(headers: &HeaderMap) -> bool {
        !values(headers, RENAMED).is_empty()
    }

    /// The `Set-Cookie` value that remembers it for a moment.
    pub fn set_renamed(&self) -> String {
        self.cookie(RENAMED, "1", 60)
    }

    /// Whether the browser sent more than is read.
    pub fn are_too_many(headers: &HeaderMap) -> bool {
        headers.get_all(COOKIE).iter().map(http::HeaderValue::len).sum::<usize>() > MOST_BYTES
    }

    /// What the browser shows to be known by: one for each person who has signed in with it.
    pub fn devices(&self, headers: &HeaderMap) -> Vec<String> {
        let prefix = self.name("device-");
        let shown = pairs(headers).filter(|(name, _)| name.starts_with(&prefix));
        shown.take(MOST_DEVICES).map(|(_, value)| value.to_owned()).collect()
    }

    /// `Set-Cookie` values that make the browser a person's, and forget people over the cap.
    pub fn set_device(&self, headers: &HeaderMap, person: &str, value: &str) -> Vec<String> {
        let (prefix, seconds) = (self.name("device-"), DEVICE_LIFETIME);
        self.set_one_of(headers, &prefix, MOST_DEVICES, (&format!("{prefix}{person}"), value), seconds)
    }

    /// `Set-Cookie` values that bind a journey to the browser, and forget journeys over the cap.
    pub fn set_journey(&self, headers: &HeaderMap, id: JourneyId, secret: &str, seconds: i64) -> Vec<String> {
        let prefix = self.name("journey-");
        self.set_one_of(headers, &prefix, MOST_JOURNEYS, (&self.journey_name(id), secret), seconds)
    }

    /// The `Set-Cookie` value that signs the browser in.
    pub fn set_session(&self, secret: &str, seconds: i64) -> String {
        self.cookie(&self.name("session"), secret, seconds)
    }

    /// The `Set-Cookie` value that forgets the session.
    pub fn forget_session(&self) -> String {
        self.cookie(&self.name("session"), "", 0)
    }

    /// The `Set-Cookie` value that keeps the chosen language for a year.
    pub fn set_language(&self, locale: &str) -> String {
        self.cookie("idflow-language", locale, 31_536_000)
    }

    /// Sets one of the cookies that begin with a prefix, and forgets those over the cap.
    fn set_one_of(
        self,
        headers: &HeaderMap,
        prefix: &str,
        most: usize,
        (name, value): (&str, &str),
        seconds: i64,
    ) -> Vec<String> {
        let mut open: Vec<&str> = Vec::new();
        for (other, _) in pairs(headers) {
            if other.starts_with(prefix) && other != name && !open.contains(&other) {
                open.push(other);
            }
        }
        let excess = (open.len() + 1).saturating_sub(most);
        let mut set: Vec<String> = open.iter().take(excess).map(|name| self.cookie(name, "", 0)).collect();
        set.push(self.cookie(name, value, seconds));
        set
    }

    fn journey_name(self, id: JourneyId) -> String {
        self.name(&format!("journey-{id}"))
    }

    fn name(self, name: &str) -> String {
        if self.secure { format!("__Host-idflow-{name}") } else { format!("idflow-{name}") }
    }

    fn cookie(self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let mut values: Vec<&str> = Vec::new();
    for (_, value) in pairs(headers).filter(|(found, _)| *found == name) {
        if values.len() < MOST_OF_ONE_NAME && !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// The pairs that are text, as ours are; the others are somebody else's.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let headers = headers.get_all(COOKIE).into_iter();
    let pairs = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
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
        assert_eq!(cookies.journey(&headers, ids[3]), ["s"]);
        let set = cookies.set_journey(&headers, ids[8], "new", 60);
        assert_eq!(set.len(), 2, "{set:?}");
        assert!(set[0].contains("Max-Age=0"));
    }

    #[test]
    fn a_journey_that_began_before_the_upgrade_is_still_this_browsers() {
        let id = JourneyId::from_bytes([7; 16]);
        let short = id.to_string()[..11].to_owned();
        let shown = headers(&format!("idflow-journey-{short}=before; idflow-journey-{id}=after"));
        assert_eq!(Cookies { secure: false }.journey(&shown, id), ["after", "before"]);
        assert_eq!(Cookies { secure: false }.journeys(&shown), [(id, "after")]);
    }

    #[test]
    fn every_different_cookie_of_a_name_is_a_candidate_up_to_a_few() {
        let session = |cookie: &[u8]| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(cookie).unwrap())]);
            Cookies { secure: false }.session(&headers).join(",")
        };
        assert_eq!(session(b"idflow-session=a; x=\xe9; idflow-session=b;idflow-session=a"), "a,b");
        assert_eq!(session(b"idflow-session=\xe9; idflow-session=b"), "b");
        let planted: Vec<String> = (0..100).map(|n| format!("idflow-session={n}")).collect();
        assert_eq!(session(planted.join(";").as_bytes()), "0,1,2,3");
    }
}
