//! Views to HTML: layouts, themes, texts, headers.
//!
//! Nodes say what a page asks; this room alone decides how it looks, in which language, and under which browser
//! rules. Everything here is pure: a view, a locale and a theme go in, a finished response or mail comes out. All
//! markup stands in `templates/`, all wording in `texts/`, and nothing a person or a manifest says can become either.

mod aftermath;
pub mod check;
pub mod color;
mod endonyms;
mod field;
mod form_post;
pub mod headers;
mod html;
mod identity;
mod journey;
pub mod locale;
mod mail;
mod markup;
mod notice;
mod onward;
mod pages;
mod palette;
mod place;
mod say;
pub mod texts;
pub mod theme;

#[cfg(test)]
mod promises;

pub use aftermath::{Aftermath, Application};
pub use form_post::FormPostPage;
pub use headers::{Headers, Nonce, Transport};
pub use journey::{JourneyPage, Progress};
pub use locale::{Locale, Offer, Wishes};
pub use mail::RenderedMail;
pub use markup::escape;
pub use notice::{Notice, NoticePage};
pub use onward::OnwardPage;
pub use pages::{Development, LanguageLink, Page, Pages, RenderError, Visit};
pub use texts::{AssetError, Texts};
pub use theme::{PreparedTheme, Theme};
