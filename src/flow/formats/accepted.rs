//! What the definitions accept beside today's words: objects in old ones are kept by the API server as they are, so that
//! the operator can read them, that of the version before included.

use idflow_api::crd::KindSchema;

use super::rewrite::form::{PURPOSES, TEXTS};
use crate::kinds::Kind;

/// The schema of a kind's settings with its old words.
pub(crate) fn with_old_words(kind: &Kind) -> KindSchema {
    let schema = KindSchema::new(kind.name, kind.summary, (kind.schema)());
    match kind.name {
        "oneTimeCode" => schema.moved("email", &["connection", "to"]).ruled(
            "has(self.email) != has(self.connection) && (!has(self.to) || has(self.connection))",
            "a code has exactly one channel: write email",
        ),
        "choose" => schema
            .renamed("options", "from")
            .ruled("has(self.options) != has(self.from)", "there is nothing to choose from: write options"),
        "form" => schema.below("/fields/items", |field| {
            let words = PURPOSES.iter().chain(&TEXTS);
            field.valued("type", words).renamed("optional", "required").ruled(
                "!has(self.optional) || !has(self.required)",
                "a field says once whether it may be left empty: write optional",
            )
        }),
        _ => schema,
    }
}
