//! A browser without script: cookies, redirects, `Refresh`, forms.

use std::io::Result;
use std::time::Duration;

use url::Url;

use crate::form::{self, Form};
use crate::http::{Client, Request, Response};
use crate::wait;

/// More hops than any journey needs: a longer chain is a loop.
const MOST_HOPS: usize = 12;

/// A page with the address it came from.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub response: Response,
}

impl Page {
    pub fn status(&self) -> u16 {
        self.response.status
    }

    pub fn text(&self) -> String {
        self.response.text()
    }

    /// The form with a field of this name; panics with the page when there is none.
    pub fn form_with(&self, field: &str) -> Form {
        let found = form::forms(&self.text()).into_iter().find(|form| form.has_field(field));
        found.unwrap_or_else(|| panic!("no form with a field {field} at {}:\n{}", self.url, self.text()))
    }

    /// The form a person would fill: the first with an editable field, else the first.
    pub fn main_form(&self) -> Form {
        let mut forms = form::forms(&self.text());
        assert!(!forms.is_empty(), "no form at {} ({}):\n{}", self.url, self.status(), self.text());
        let best = forms.iter().position(|form| form.fields.iter().any(|field| field.editable));
        forms.swap_remove(best.unwrap_or(0))
    }

    /// The form with a button of this value; panics with the page when there is none.
    pub fn form_with_button(&self, value: &str) -> Form {
        let found = form::forms(&self.text()).into_iter().find(|form| form.has_button(value));
        found.unwrap_or_else(|| panic!("no button {value} at {}:\n{}", self.url, self.text()))
    }

    /// The absolute target of the link with this text; panics with the page when there is none.
    pub fn link(&self, text: &str) -> Url {
        let target = form::link(&self.text(), text);
        let target = target.unwrap_or_else(|| panic!("no link {text} at {}:\n{}", self.url, self.text()));
        self.url.join(&target).expect("a link's target")
    }

    /// Where the page sends the browser on by itself, by `Location` or `Refresh`.
    fn onward(&self) -> Option<Url> {
        let target = match self.response.status {
            301 | 302 | 303 | 307 | 308 => self.response.header("location")?,
            _ => self.response.header("refresh")?.split_once("url=")?.1,
        };
        self.url.join(target.trim_matches(['"', '\''])).ok()
    }
}

/// Where following a page led.
#[derive(Debug)]
pub enum Arrival {
    /// A page that stays.
    Page(Page),
    /// An address outside, such as a client's redirect URI, which was not requested.
    Left(Url),
}

impl Arrival {
    /// The page; panics when the browser was sent away.
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Left(url) => panic!("sent away to {url}"),
        }
    }

    /// The outside address; panics with the page when the browser stayed.
    pub fn left(self) -> Url {
        match self {
            Self::Left(url) => url,
            Self::Page(page) => panic!("stayed at {} ({}):\n{}", page.url, page.status(), page.text()),
        }
    }
}

/// Cookies belong to a host and not to its ports, as in real browsers.
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// One browser with its own cookies.
#[derive(Default)]
pub struct Browser {
    pub client: Client,
    cookies: Vec<Cookie>,
    outside: Option<String>,
    headers: Vec<(&'static str, String)>,
    /// How long each request took that was sent so far, when recording was asked for.
    pub times: Option<Vec<Duration>>,
}

impl Browser {
    /// A browser that does not request addresses starting with `prefix` but reports them.
    pub fn stopping_at(prefix: &str) -> Self {
        Self { outside: Some(prefix.to_owned()), ..Self::default() }
    }

    /// Sends a header with every request, such as `accept-language`.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Opens an address and follows where it leads.
    pub fn open(&mut self, url: &str) -> Result<Arrival> {
        let page = self.get(&Url::parse(url).expect("a URL"))?;
        self.follow(page)
    }

    /// Submits a form of `page` and follows where it leads.
    pub fn submit(&mut self, page: &Page, form: &Form) -> Result<Arrival> {
        let answer = self.post(page, form)?;
        self.follow(answer)
    }

    /// Submits a form of `page` and returns the bare answer.
    pub fn post(&mut self, page: &Page, form: &Form) -> Result<Page> {
        let url = page.url.join(&form.action).expect("a form's action");
        let headers = vec![
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
            ("Origin", url.origin().ascii_serialization()),
        ];
        self.request("POST", &url, headers, form.encoded().as_bytes())
    }

    /// One request without following.
    pub fn get(&mut self, url: &Url) -> Result<Page> {
        self.request("GET", url, Vec::new(), b"")
    }

    /// Follows redirects and `Refresh` from `page`.
    pub fn follow(&mut self, mut page: Page) -> Result<Arrival> {
        for _ in 0..MOST_HOPS {
            let Some(next) = page.onward() else { return Ok(Arrival::Page(page)) };
            if self.outside.as_ref().is_some_and(|prefix| next.as_str().starts_with(prefix)) {
                return Ok(Arrival::Left(next));
            }
            page = self.get(&next)?;
        }
        panic!("more than {MOST_HOPS} redirects, at {}", page.url);
    }

    fn request(
        &mut self,
        method: &str,
        url: &Url,
        mut headers: Vec<(&str, String)>,
        body: &[u8],
    ) -> Result<Page> {
        headers.push(("Accept", "text/html".to_owned()));
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.clone())));
        if let Some(cookies) = self.cookies_for(url) {
            headers.push(("Cookie", cookies));
        }
        let request = Request { method, url, headers, body };
        let (time, response) = wait::timed(|| self.client.send(&request));
        let response = response?;
        if let Some(times) = &mut self.times {
            times.push(time);
        }
        let set: Vec<&str> =
            response.headers.iter().filter(|(name, _)| name == "set-cookie").map(|h| h.1.as_str()).collect();
        for header in set {
            self.store_cookie(url, header);
        }
        Ok(Page { url: url.clone(), response })
    }

    /// What the browser would send as `Cookie`.
    pub fn cookie_header(&self, url: &Url) -> String {
        self.cookies_for(url).unwrap_or_default()
    }

    fn cookies_for(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let sent =
            self.cookies.iter().filter(|cookie| cookie.host == host && url.path().starts_with(&cookie.path));
        let text: Vec<String> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!text.is_empty()).then(|| text.join("; "))
    }

    fn store_cookie(&mut self, url: &Url, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        let attribute =
            |name: &str| attributes.iter().find_map(|text| text.strip_prefix(name)?.strip_prefix('='));
        let host = url.host_str().expect("a host").to_owned();
        let path = attribute("path").unwrap_or("/").to_owned();
        self.cookies.retain(|old| (&*old.host, &*old.path, &*old.name) != (&*host, &*path, name));
        if attribute("max-age") != Some("0") {
            self.cookies.push(Cookie { host, path, name: name.to_owned(), value: value.to_owned() });
        }
    }
}
