//! One file per node kind, and the list of them.
//!
//! A kind's file holds its settings with their documentation, its plan (facts and behaviour, made of the same compiled
//! settings), and its examples. Adding a
//! kind is that file and one line below.

#[cfg(test)]
mod harness;
pub mod shared;

/// Declares the kinds in the order of the catalogue: each is a module with a `KIND`.
macro_rules! nodes {
    ($($module:ident),+ $(,)?) => {
        $(pub mod $module;)+

        static KINDS: &[&Kind] = &[$(&$module::KIND),+];

        /// Every kind with its source and its examples.
        #[cfg(test)]
        fn examples() -> Vec<(&'static Kind, &'static str, Vec<harness::Example>)> {
            vec![$((&$module::KIND, include_str!(concat!(stringify!($module), ".rs")), $module::examples())),+]
        }
    };
}

use idflow_flow::kinds::{Kind, Kinds};

nodes! {
    // Pages
    form,
    message,
    choose,
    // Authentication
    password,
    one_time_code,
    // Users
    find_user,
    create_user,
    update_user,
    delete_user,
    set_password,
    end_sessions,
    // Decision
    branch,
    // Integration
    http,
    mail,
    // Composition and data
    set,
    call,
    node,
    // Ends
    complete,
    fail,
    exit,
}

/// Every kind.
pub fn kinds() -> Kinds {
    Kinds(KINDS)
}
