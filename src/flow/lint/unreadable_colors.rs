//! Colours of a Theme that are hard to read together.
//!
//! Text needs a contrast of 4.5 to its ground, a button 3 to the card (WCAG 2.2, 1.4.3 and 1.4.11). A mode in which a
//! pair has less is shown in the built-in colours.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Theme
//! metadata: { name: pale }
//! spec:
//!   colors: { light: { primary: "#f5f5f5" } }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Theme
//! metadata: { name: pale }
//! spec:
//!   colors: { light: { primary: "#0f5257" } }
//! ```
//!
//! Make one of the two darker or lighter.

use idflow_api::ThemeSpec;
use idflow_pages::theme::{ContrastProblem, Mode, contrast_problems};

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;
use crate::theme::theme;

pub(super) const RULE: Rule = Rule {
    code: "unreadable-colors",
    severity: Severity::Warning,
    why: "Pages are shown in the built-in colours instead",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    objects.themes.iter().flat_map(|(name, theme)| of_theme(name, &theme.spec)).collect()
}

/// The pairs of colours of one Theme that are hard to read together.
pub(crate) fn of_theme(name: &str, spec: &ThemeSpec) -> Vec<Finding> {
    let object = ObjectId::new("Theme", name);
    let finding = |problem: ContrastProblem| {
        let ContrastProblem { mode, pair: (front, ground), ratio, needed } = problem;
        let (screens, field) = match mode {
            Mode::Light => ("light", "/spec/colors/light"),
            Mode::Dark => ("dark", "/spec/colors/dark"),
        };
        let title = format!(
            "on {screens} screens {front} on {ground} has a contrast of {ratio:.1}, and {needed} is needed"
        );
        RULE.at(object.at(field), title, "make one of the two darker or lighter")
    };
    contrast_problems(&theme(spec)).into_iter().map(finding).collect()
}
