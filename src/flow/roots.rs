//! The roots of expressions whose fields are always the same: what each field is, and whether it is always there.

use idflow_sandbox::Type;

/// A field of a root.
#[derive(Debug, Clone, Copy)]
pub struct RootField {
    /// Its name: `request.<name>`.
    pub name: &'static str,
    /// What it is, for people who write expressions.
    pub summary: &'static str,
    /// Whether every journey has it.
    pub is_always: bool,
    /// Its type.
    pub of: fn() -> Type,
}

const fn text(name: &'static str, summary: &'static str) -> RootField {
    RootField { name, summary, is_always: true, of: || Type::String }
}

/// What only some journeys have.
const fn maybe(name: &'static str, summary: &'static str) -> RootField {
    RootField { is_always: false, ..text(name, summary) }
}

const CLIENT: &[RootField] = &[
    maybe("id", "The name of the OIDCClient that started the journey; there is none where a link did."),
    maybe("name", "What that application is called."),
];

const REQUEST: &[RootField] = &[
    maybe("address", "The visitor's network address, where it can be trusted."),
    text("locale", "The language of the page, for example `de-AT`."),
];

const FLOW: &[RootField] = &[
    text("name", "The name of the flow."),
    text("type", "The type of the flow, for example `Login`."),
    RootField {
        of: || Type::Unknown,
        ..text("locale", "The language that was asked for when the journey began; null if none was.")
    },
    RootField {
        is_always: false,
        of: || Type::Unknown,
        ..text("error", "The id of the last step that could not do its work; null while each could.")
    },
    RootField {
        of: || Type::Map(Box::new(Type::String)),
        ..text("query", "The query parameters the flow's address was opened with.")
    },
];

/// The roots, each with its fields.
pub const ROOTS_WITH_FIELDS: &[(&str, &[RootField])] =
    &[("client", CLIENT), ("request", REQUEST), ("flow", FLOW)];

/// The fields of a root that always has the same.
pub fn fields(root: &str) -> Option<&'static [RootField]> {
    ROOTS_WITH_FIELDS.iter().find(|(name, _)| *name == root).map(|(_, fields)| *fields)
}

/// One field.
pub fn field(root: &str, name: &str) -> Option<&'static RootField> {
    fields(root)?.iter().find(|field| field.name == name)
}
