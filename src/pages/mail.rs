//! Mails: the same texts as plain text and as simple HTML.

use idflow_core::effect::Mail;
use minijinja::Value;
use serde::Serialize;

use crate::color::Color;
use crate::locale::Locale;
use crate::pages::{Pages, RenderError};
use crate::palette::{Mode, Palette};
use crate::say::Say;
use crate::theme::PreparedTheme;

/// A mail ready to be sent: the sender adds addresses, `Message-ID` and `Date`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// One line without control characters: no header can be added through it.
    pub subject: String,
    /// The plain text, lines ending in `\n`.
    pub text: String,
    /// A whole HTML document that loads nothing.
    pub html: String,
}

impl Pages {
    /// Writes a mail in its own locale, or in English. `product_name` and colours come from the theme.
    pub fn mail(&self, mail: &Mail, theme: &PreparedTheme) -> Result<RenderedMail, RenderError> {
        let locale = mail.locale.as_deref().and_then(Locale::parse).unwrap_or_else(Locale::english);
        let say = Say::new(self.texts(), &locale, &theme.theme().product_name);
        self.mail_saying(&say, mail, theme)
    }

    pub(crate) fn mail_saying(
        &self,
        say: &Say<'_>,
        mail: &Mail,
        theme: &PreparedTheme,
    ) -> Result<RenderedMail, RenderError> {
        let subject = say.plain(&mail.subject);
        let html = self.template("mail", MailContext::new(say, mail, theme, &subject))?;
        Ok(RenderedMail { text: plain_text(say, mail), subject, html })
    }
}

/// The first paragraph, the code on a line of its own, the others, the sender's name.
fn plain_text(say: &Say<'_>, mail: &Mail) -> String {
    let mut parts: Vec<String> = mail.body.iter().map(|text| say.lines(text)).collect();
    if let Some(code) = &mail.code {
        parts.insert(parts.len().min(1), format!("    {code}"));
    }
    parts.push(format!("-- \n{}", say.product_name()));
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

#[derive(Debug, Serialize)]
struct MailContext {
    lang: String,
    dir: &'static str,
    subject: String,
    product: String,
    opening: Option<Value>,
    code: Option<String>,
    body: Vec<Value>,
    colors: MailColors,
}

#[derive(Debug, Serialize)]
struct MailColors {
    page: String,
    card: String,
    text: String,
    muted: String,
    tint: String,
}

impl MailContext {
    fn new(say: &Say<'_>, mail: &Mail, theme: &PreparedTheme, subject: &str) -> Self {
        let palette = Palette::of(&theme.theme().light, Mode::Light);
        let mut body = mail.body.iter().flat_map(|text| say.paragraphs(text));
        let shade = |percent| palette.surface.mixed(palette.text, percent);
        let color = |color: Color| color.to_string();
        Self {
            lang: say.locale().tag().to_owned(),
            dir: say.locale().direction(),
            subject: subject.to_owned(),
            product: say.product_name().to_owned(),
            opening: body.next(),
            code: mail.code.clone(),
            body: body.collect(),
            colors: MailColors {
                page: color(palette.background),
                card: color(palette.surface),
                text: color(palette.text),
                muted: color(shade(70)),
                tint: color(palette.surface.mixed(palette.primary, 8)),
            },
        }
    }
}
