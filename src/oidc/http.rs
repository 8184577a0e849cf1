//! What an endpoint sees of a request and says in an answer, without an HTTP library.

use std::borrow::Cow;
use std::fmt;

use crate::parameters::Parameters;
use crate::refusal::Refusal;

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By its address alone.
    #[default]
    Get,
    /// By a form, which may be empty.
    Post,
}

/// The parts of a request that an endpoint may look at.
#[derive(Clone, Copy, Default)]
pub struct Incoming<'a> {
    /// The method, among those that endpoints take; HEAD is as good as GET.
    pub method: Method,
    /// The query without its question mark; empty when there is none.
    pub query: &'a str,
    /// All values of the `Authorization` header.
    pub authorization: &'a [&'a str],
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body, already capped by the server; empty for GET.
    pub body: &'a [u8],
}

impl Incoming<'_> {
    /// The `known` parameters of query and body together.
    pub fn parameters(&self, known: &[&'static str]) -> Result<Parameters, Refusal> {
        Ok(Parameters::parse(&[self.query, self.form()?], known))
    }

    /// The pairs of query and body together, whatever they are.
    pub fn pairs(&self) -> Result<impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)>, Refusal> {
        let texts = [self.query, self.form()?];
        Ok(texts.into_iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes())))
    }

    /// The `known` parameters of the body, whatever the address has.
    pub fn posted(&self, known: &[&'static str]) -> Result<Parameters, Refusal> {
        Parameters::parse(&[self.form()?], known).checked()
    }

    /// The `known` parameters of the body, where the address must not have any (RFC 6749 section 2.3.1 and 3.2).
    pub fn form_parameters(&self, known: &[&'static str]) -> Result<Parameters, Refusal> {
        if !self.query.is_empty() {
            return Err(Refusal::ParametersInQuery);
        }
        self.posted(known)
    }

    fn form(&self) -> Result<&str, Refusal> {
        if !self.body.is_empty() && !self.content_type.is_some_and(is_form) {
            return Err(Refusal::NotAForm);
        }
        std::str::from_utf8(self.body).map_err(|_| Refusal::NotText)
    }
}

/// Whether a `Content-Type` is that of a form. Type and case do not matter, and neither do its parameters (RFC 9110
/// section 8.3.1).
pub fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// An answer to an application, on its way through the browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Returned {
    /// Where it goes; the answer stands in its query, unless it is posted.
    pub url: String,
    /// What is posted there (OAuth 2.0 Form Post Response Mode); empty where nothing is.
    pub fields: Vec<(&'static str, String)>,
}

impl Returned {
    /// What the policy of a page that posts it calls its target: the address without a query, and with nothing that
    /// ends a policy (Content Security Policy Level 3, section 2.3.1).
    pub fn source(&self) -> Option<String> {
        let url = url::Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let path = url.path().replace(';', "%3B").replace(',', "%2C");
        Some(format!("{}{path}", url.origin().ascii_serialization()))
    }
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Returned")
    }
}

/// An answer, but for the headers that all answers have.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, with values.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for redirects.
    pub body: String,
}

impl Response {
    /// A JSON answer with a caching rule.
    pub fn json(status: u16, cache: Cache, body: &serde_json::Value) -> Self {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", cache.header().to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status, headers, body: body.to_string() }
    }

    /// The way back to an application: always 303, because a 307 would repeat the form with the password
    /// (RFC 9700 section 4.12, checklist O-35).
    pub fn redirect(location: &str) -> Self {
        let headers = vec![
            ("location", location.to_owned()),
            ("cache-control", Cache::Never.header().to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
        ];
        Self { status: 303, headers, body: String::new() }
    }

    /// A refusal as JSON (RFC 6749 section 5.2).
    pub fn refusal(refusal: Refusal) -> Self {
        let body = serde_json::json!({ "error": refusal.code(), "error_description": refusal.description() });
        Self::json(refusal.status(), Cache::Never, &body)
    }

    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// Whether an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It holds something personal or secret (RFC 6749 section 5.1, checklist O-34).
    Never,
    /// Public, for five minutes: long enough to spare us, short enough that a new key is seen before it signs.
    FiveMinutes,
}

impl Cache {
    /// The `Cache-Control` value.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Never => "no-store",
            Self::FiveMinutes => "public, max-age=300",
        }
    }
}
