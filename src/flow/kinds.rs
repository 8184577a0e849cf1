//! The table of node kinds, which `flow` receives as an argument: it never learns how a node behaves.

use idflow_core::Value;

use crate::facts::SettingsError;
use crate::plan::{Compiler, Plan, Scope};

/// One node kind.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The name of the node object in a step, for example `oneTimeCode`.
    pub name: &'static str,
    /// Where it stands in the catalogue.
    pub group: Group,
    /// One sentence a user can read in a list.
    pub summary: &'static str,
    /// The schema of its settings.
    pub schema: fn() -> schemars::Schema,
    /// Reads the settings strictly and compiles what is in them: the one place where they are looked at.
    pub plan: fn(&Value, &mut Compiler<'_>) -> Result<Plan, SettingsError>,
}

impl Kind {
    /// What a step of this kind does with these settings, and what in them leads nowhere: an expression that does not
    /// compile, a text or Directory that the scope does not have. With such a problem the plan tells the facts and
    /// must not run.
    pub fn planned(
        &self,
        settings: &Value,
        scope: Scope<'_>,
    ) -> Result<(Plan, Vec<SettingsError>), SettingsError> {
        let mut compiler = Compiler::new(scope);
        let plan = (self.plan)(settings, &mut compiler)?;
        Ok(compiler.finish(plan))
    }
}

/// The groups of the node catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Pages that ask or tell something.
    Input,
    /// Proof of who somebody is.
    Authentication,
    /// Reading and writing users.
    Users,
    /// Decisions.
    Decision,
    /// Calls to the outside.
    Integration,
    /// Composition and data.
    Logic,
    /// Ends of a flow.
    End,
}

/// The kinds that exist, in the order of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Kinds(pub &'static [&'static Kind]);

impl Kinds {
    /// The kind of this name.
    pub fn find(&self, name: &str) -> Option<&'static Kind> {
        self.0.iter().copied().find(|kind| kind.name == name)
    }
}
