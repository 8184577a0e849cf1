//! The templates, compiled once, and what every page has in common.

use idflow_core::view::Text;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value};
use serde::Serialize;

use crate::headers::{self, Headers, Nonce, Transport};
use crate::locale::{Locale, Offer};
use crate::markup;
use crate::say::Say;
use crate::texts::{AssetError, Texts};
use crate::theme::PreparedTheme;

const TEMPLATES: &[(&str, &str)] = &[
    ("base", include_str!("templates/base.html")),
    ("aftermath", include_str!("templates/aftermath.html")),
    ("journey", include_str!("templates/journey.html")),
    ("field", include_str!("templates/field.html")),
    ("notice", include_str!("templates/notice.html")),
    ("onward", include_str!("templates/onward.html")),
    ("form_post", include_str!("templates/form_post.html")),
    ("mail", include_str!("templates/mail.html")),
];

/// The one script. Pages are complete without it.
const SCRIPT: &str = include_str!("assets/page.js");

/// A page could not be rendered: a defect of a template, never of its input.
#[derive(Debug, thiserror::Error)]
#[error("template {template} failed: {source}")]
pub struct RenderError {
    template: &'static str,
    source: minijinja::Error,
}

/// Renders everything. Built once per process; rendering is read-only and may happen on many threads.
pub struct Pages {
    environment: Environment<'static>,
    texts: Texts,
    script: Value,
}

/// What a page needs to know about its visitor and its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The page's language, from [`Texts::negotiate`].
    pub locale: &'a Locale,
    /// How pages look.
    pub theme: &'a PreparedTheme,
    /// Fresh for this response.
    pub nonce: &'a Nonce,
    /// How browsers come to the issuer.
    pub transport: Transport,
    /// The switch at the foot of the page; with fewer than two languages there is none.
    pub languages: &'a [LanguageLink],
    /// In `idflow dev`: a line above the page.
    pub development: Option<&'a Development>,
}

/// One language of the switch.
#[derive(Debug, Clone)]
pub struct LanguageLink {
    /// BCP 47 tag.
    pub tag: String,
    /// Where this page is in that language: a path with query.
    pub href: String,
}

/// The line `idflow dev` puts above its pages, so that nobody takes them for the real thing.
#[derive(Debug, Clone)]
pub struct Development {
    /// Where the mail catcher is.
    pub mail_href: String,
}

/// A finished response.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Every header, the policy with its nonce included.
    pub headers: Headers,
    /// The body.
    pub html: String,
}

impl Pages {
    /// Compiles the embedded templates and texts.
    pub fn embedded() -> Result<Self, AssetError> {
        // Empty: no filter, no function, nothing named `safe`. Every value is escaped.
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(escaped);
        // Otherwise errors would print the values of the page: tokens, addresses.
        environment.set_debug(false);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| AssetError::Template("syntax", error))?);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).map_err(|error| AssetError::Template(name, error))?;
        }
        // Our comments stay here.
        let script = SCRIPT.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
        Ok(Self { environment, texts: Texts::embedded()?, script: markup::value(script) })
    }

    /// The texts, for choosing a language and looking up keys.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The language switch for what is on offer: `href` makes the address for a tag.
    pub fn language_links(&self, offer: &Offer, href: impl Fn(&str) -> String) -> Vec<LanguageLink> {
        let link = |locale: &Locale| LanguageLink { tag: locale.tag().to_owned(), href: href(locale.tag()) };
        self.texts.offered(offer).iter().map(link).collect()
    }

    pub(crate) fn template(
        &self,
        template: &'static str,
        context: impl Serialize,
    ) -> Result<String, RenderError> {
        let failed = |source| RenderError { template, source };
        let compiled = self.environment.get_template(template).map_err(failed)?;
        compiled.render(Serde(context)).map_err(failed)
    }

    pub(crate) fn page(
        &self,
        template: &'static str,
        status: u16,
        visit: &Visit<'_>,
        context: impl Serialize,
    ) -> Result<Page, RenderError> {
        let html = self.template(template, context)?;
        Ok(Page { status, headers: headers::for_page(visit.theme, visit.nonce, visit.transport), html })
    }
}

/// Escapes whatever is not finished HTML of ours, also where a template would ask not to.
fn escaped(output: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let Some(text) = value.as_str() else {
        return escaped_text(output, &value.to_string());
    };
    if value.is_safe() {
        return Ok(output.write_str(text)?);
    }
    escaped_text(output, text)
}

fn escaped_text(output: &mut Output<'_>, text: &str) -> Result<(), minijinja::Error> {
    Ok(output.write_str(&markup::escape(text))?)
}

/// What `base.html` shows on every page.
#[derive(Debug, Serialize)]
pub(crate) struct Base {
    lang: String,
    dir: &'static str,
    title: String,
    nonce: String,
    stylesheet: Value,
    script: Value,
    screens: [String; 2],
    product: String,
    logo: Option<Picture>,
    links: Vec<Link>,
    languages: Vec<LanguageContext>,
    language_label: Option<String>,
    development: Option<DevelopmentContext>,
}

#[derive(Debug, Serialize)]
struct Picture {
    source: String,
    alt: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Link {
    pub label: Value,
    pub href: String,
}

#[derive(Debug, Serialize)]
struct LanguageContext {
    tag: String,
    name: String,
    href: String,
    dir: &'static str,
    current: bool,
}

#[derive(Debug, Serialize)]
struct DevelopmentContext {
    label: String,
    text: Value,
    mails: Link,
}

impl Base {
    /// `heading` is what the visitor reads first; the title adds the product, and that something went wrong (7.2.5).
    pub(crate) fn new(
        pages: &Pages,
        visit: &Visit<'_>,
        say: &Say<'_>,
        heading: &str,
        is_error: bool,
    ) -> Self {
        let theme = visit.theme.theme();
        let links = [("link-terms", &theme.terms), ("link-privacy", &theme.privacy)];
        let links = links.into_iter().filter_map(|(key, href)| Some((key, href.clone()?)));
        let key = if is_error { "page-title-error" } else { "page-title" };
        let languages = languages(pages, visit);
        Self {
            lang: visit.locale.tag().to_owned(),
            dir: visit.locale.direction(),
            title: say.plain(&Text::with(key, [("title", heading.to_owned())])),
            nonce: visit.nonce.as_str().to_owned(),
            stylesheet: visit.theme.style_value(),
            script: pages.script.clone(),
            screens: visit.theme.screens(),
            product: say.product_name().to_owned(),
            logo: theme.logo.as_ref().map(|logo| Picture {
                source: logo.source().to_owned(),
                alt: logo.alt.clone().unwrap_or_else(|| say.product_name().to_owned()),
            }),
            links: links.map(|(key, href)| Link { label: say.key(key), href }).collect(),
            language_label: (!languages.is_empty()).then(|| say.plain_key("language-switch")),
            languages,
            development: visit.development.map(|development| DevelopmentContext {
                label: say.plain_key("development-label"),
                text: say.key("development-note"),
                mails: Link { label: say.key("development-mails"), href: development.mail_href.clone() },
            }),
        }
    }
}

fn languages(pages: &Pages, visit: &Visit<'_>) -> Vec<LanguageContext> {
    if visit.languages.len() < 2 {
        return Vec::new();
    }
    let context = |link: &LanguageLink| {
        let locale = Locale::parse(&link.tag);
        LanguageContext {
            name: pages.texts.language_name(&link.tag),
            dir: locale.as_ref().map_or("ltr", Locale::direction),
            current: locale.is_some_and(|locale| locale == *visit.locale),
            tag: link.tag.clone(),
            href: link.href.clone(),
        }
    };
    visit.languages.iter().map(context).collect()
}
