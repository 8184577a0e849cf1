//! The rewrites: one file each, and the one list of them.

use super::{Edit, Words};

/// What one file knows. Pointers of its edits lead from the step: `/<kind>/…`, `/outcomes/…`.
pub(super) struct Rewrite {
    /// The edits from its old words to today's.
    pub(super) edits: fn(&Words<'_>) -> Vec<Edit>,
    /// Whether a step says something in words that the first format does not have.
    pub(super) is_new: fn(&Words<'_>) -> bool,
}

macro_rules! rewrites {
    ($($module:ident),+ $(,)?) => {
        $(pub(super) mod $module;)+

        pub(super) static REWRITES: &[Rewrite] =
            &[$(Rewrite { edits: $module::edits, is_new: $module::is_new }),+];
    };
}

rewrites! {
    one_time_code,
    choose,
    form,
    http,
}
