//! A user's attributes as steps write them: values of the types that the Directory says, and who else may have them.

use idflow_core::evidence::{Evidence, Proof};
use idflow_core::user::{User, is_group};
use idflow_core::{Data, Value};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::facts::{AttributeUse, SettingsError, Sink, ValueType, of_value};
use idflow_flow::pinned::DirectoryContent;
use idflow_flow::plan::Compiler;
use idflow_sandbox::Type;

use crate::shared::settings::{self, Expressions, Sources};

/// The setting that gives attributes their values.
const SETTING: &str = "/attributes";

/// Attributes with the expressions of their values.
#[derive(Debug)]
pub struct Attributes {
    /// The node kind, for faults.
    kind: &'static str,
    /// The Directory.
    pub directory: String,
    /// What the revision pins of it.
    pub content: DirectoryContent,
    values: Expressions,
}

impl Attributes {
    /// Compiles the setting `attributes` of a kind.
    pub fn compile(
        compiler: &mut Compiler<'_>,
        kind: &'static str,
        directory: Option<&str>,
        sources: &Sources,
    ) -> Self {
        let uses = sources.keys().map(|name| AttributeUse {
            pointer: pointer(name),
            name: name.clone(),
            identifies: false,
        });
        let (directory, content) = compiler.directory(directory, uses.collect());
        let attribute = |name: &str| content.attributes.get(name);
        let wanted = |name: &str| attribute(name).map_or(Type::Unknown, |known| of_value(known.value_type));
        let values = Expressions::compile_of(compiler, SETTING, sources, Sink::Store, wanted);
        Self { kind, directory, content, values }
    }

    /// Their expressions.
    pub fn expressions(&self) -> &Expressions {
        &self.values
    }

    /// Each with its value; nothing for null and an empty text, which leave it out.
    ///
    /// # Errors
    /// When an expression cannot be evaluated, or gives what the Directory does not take.
    pub fn evaluate(&self, cx: &Cx<'_>) -> Result<Vec<(String, Option<Value>)>, Fault> {
        let values = self.values.evaluate(cx)?.into_iter();
        let taken = values.map(|(name, value)| {
            if value.is_null() || value.as_str() == Some("") {
                return Ok((name, None));
            }
            self.check(&name, &value)?;
            Ok((name, Some(value)))
        });
        taken.collect()
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), Fault> {
        let attribute = self.content.attributes.get(name);
        let fits = match attribute.map(|attribute| attribute.value_type) {
            Some(ValueType::String | ValueType::Email | ValueType::Phone | ValueType::Date) => {
                value.is_string()
            }
            Some(ValueType::Boolean) => value.is_boolean(),
            Some(ValueType::Integer) => value.is_i64(),
            Some(ValueType::Number) => value.is_number(),
            Some(ValueType::List) => value.is_array(),
            Some(ValueType::Object) => value.is_object(),
            None => false,
        };
        if fits {
            Ok(())
        } else {
            Err(Fault::new(format!("{} has a value of the wrong type for {name}", self.kind)))
        }
    }

    /// Makes sure that a user lives in this Directory: in another one its attributes mean something else.
    ///
    /// # Errors
    /// When they live elsewhere.
    pub fn check_directory(&self, user: &User) -> Result<(), Fault> {
        if user.directory == self.directory {
            return Ok(());
        }
        Err(Fault::new(format!(
            "{} is for users of {}, and this one lives in {}",
            self.kind, self.directory, user.directory
        )))
    }

    /// Makes sure that a user has every attribute that the Directory requires.
    ///
    /// # Errors
    /// When one is missing.
    pub fn complete(&self, attributes: Data) -> Result<Data, Fault> {
        let mut required = self.content.attributes.iter().filter(|(_, attribute)| attribute.required);
        match required.find(|(name, _)| !attributes.contains_key(*name)) {
            Some((missing, _)) => {
                Err(Fault::new(format!("{} has no value for the required attribute {missing}", self.kind)))
            }
            None => Ok(attributes),
        }
    }

    /// Whether no two users share a value of this one.
    pub fn is_unique(&self, name: &str) -> bool {
        self.content.attributes.get(name).is_some_and(|attribute| attribute.unique)
    }

    /// Those of which no two users share a value.
    pub fn unique(&self) -> Vec<String> {
        self.content.attributes.keys().filter(|name| self.is_unique(name)).cloned().collect()
    }
}

/// Makes sure that these are names of groups.
///
/// # Errors
/// At the first that is none.
pub fn check_groups(pointer: &str, names: &[String]) -> Result<(), SettingsError> {
    match names.iter().position(|name| !is_group(name)) {
        Some(wrong) => Err(SettingsError {
            pointer: format!("{pointer}/{wrong}"),
            message: "this is no name of a group".to_owned(),
            help: "write 1 to 128 characters without control characters".to_owned(),
        }),
        None => Ok(()),
    }
}

/// Where the value of an attribute stands, below the node object.
pub fn pointer(name: &str) -> String {
    format!("{SETTING}/{}", settings::escaped(name))
}

/// Whether the visitor has shown in this journey to read the address.
pub fn is_proven(cx: &Cx<'_>, address: &str) -> bool {
    cx.evidence().iter().any(|evidence| evidence.proof.is_of_address(address))
}

/// Whether somebody has shown to be the identified user: by a factor, by having been created in this journey, or by
/// reading mail at a value that no other user can have. Under another attribute an address may be somebody else's, such
/// as that of a manager.
pub fn is_shown_to_be_the_user(cx: &Cx<'_>, unique: &[String]) -> bool {
    let own = || unique.iter().filter_map(|name| cx.user_data().get(name)?.as_str());
    let is_proof = |evidence: &Evidence| match &evidence.proof {
        Proof::Factor(_) | Proof::Created => evidence.user == cx.user(),
        proof @ Proof::Address(_) => own().any(|value| proof.is_of_address(value)),
        Proof::Identified | Proof::Consent(_) => false,
    };
    cx.user().is_some() && cx.evidence().iter().any(is_proof)
}
