//! `Theme`: how the hosted pages look.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ResourceKind;
use crate::bounds::{Colour, Text};
use crate::claim::{Claim, Claims};
use crate::flow::ReferencedStatus;

/// How the hosted pages look.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Theme",
    namespaced,
    status = "ReferencedStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "th",
    doc = "How the hosted pages look: product name, colours, logo, links.",
    printcolumn(name = "Default", type_ = "boolean", json_path = ".spec.default"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ThemeSpec {
    /// Whether pages use this theme. Absent means false. If two Themes say so, the older one keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The name of the product visitors sign in to. Absent means the host name of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<64>>")]
    pub product_name: Option<String>,
    /// Colours. Absent: the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colors: Option<Colors>,
    /// The logo above the page. Absent: the product name in letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// The radius of corners in CSS pixels. Absent means 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 32))]
    pub radius: Option<i32>,
    /// Which letters are used; only fonts that visitors already have. Absent means System.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub font_stack: Option<FontStack>,
    /// The address that error pages offer for help. Absent: none is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<254>>", regex(pattern = "^[^\\s@]+@[^\\s@]+$"))]
    pub support_email: Option<String>,
    /// Links at the foot of every page. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

impl Claims for ThemeSpec {
    fn claims(&self, _: &str) -> Vec<Claim> {
        self.default.then_some(Claim::Default(ResourceKind::Theme)).into_iter().collect()
    }

    fn without(self, _: &Claim) -> Option<Self> {
        Some(Self { default: false, ..self })
    }
}

impl crate::ResourceFacts for Theme {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Theme
metadata: { name: acme }
spec:
  colors: { light: { primary: '#003366' } }
  logo: { url: https://acme.example/logo.svg }
";
}

/// Colours for light and dark screens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Colors {
    /// Colours on light screens. Absent: the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub light: Option<Palette>,
    /// Colours on dark screens. Absent: the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark: Option<Palette>,
}

/// The colours of one mode. Where two of them would be hard to tell apart (contrast below WCAG AA), the built-in
/// ones are used and the object's status says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Palette {
    /// Buttons and links, as `#rrggbb`. Absent: the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Colour>")]
    pub primary: Option<String>,
    /// Text on buttons, as `#rrggbb`. Absent: black or white, whichever is easier to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Colour>")]
    pub on_primary: Option<String>,
    /// The page behind the card, as `#rrggbb`. Absent: the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Colour>")]
    pub background: Option<String>,
    /// The card, as `#rrggbb`. Absent: the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Colour>")]
    pub surface: Option<String>,
    /// Text, as `#rrggbb`. Absent: the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Colour>")]
    pub text: Option<String>,
}

/// A logo; exactly one source.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.url) != has(self.data)").message("a logo has exactly one source: url or data")
)]
pub struct Logo {
    /// An https address the browser loads it from. Absent: it is in `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>", regex(pattern = "^https://[^\\s\"'<>]+$"))]
    pub url: Option<String>,
    /// The picture itself as a data URI of type PNG, JPEG, WebP or SVG, at most 16384 characters. Absent: it is at
    /// `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Option<Text<16384>>",
        regex(pattern = "^data:image/(png|jpeg|webp|svg\\+xml);base64,[A-Za-z0-9+/]+={0,2}$")
    )]
    pub data: Option<String>,
    /// What it shows, for people who do not see it. Absent means the product name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<128>>")]
    pub alt: Option<String>,
}

/// Which letters are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FontStack {
    /// What the visitor's system uses for its own windows.
    System,
    /// With serifs.
    Serif,
    /// Without serifs.
    SansSerif,
    /// All letters of one width.
    Monospace,
}

/// Links at the foot of every page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// Terms of use, an https address. Absent: no link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>", regex(pattern = "^https://[^\\s\"'<>]+$"))]
    pub terms: Option<String>,
    /// Privacy notice, an https address. Absent: no link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>", regex(pattern = "^https://[^\\s\"'<>]+$"))]
    pub privacy: Option<String>,
}
