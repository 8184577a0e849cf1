//! What a step does, as data: read by compiler, linter, designer, documentation and tests alike.

pub use idflow_api::value_type::{self, ValueType};
use idflow_core::effect::EffectClass;
use idflow_core::time::Span;
use idflow_sandbox::{Expression, Reference as Read, Type};

/// Settings that the kind does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    /// JSON pointer below the node object, for example `/fields/0/name`; empty for the object itself.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What one step does, derived from its settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Whether it may show a page and wait for a post.
    pub shows_page: bool,
    /// Every outcome it can have.
    pub outcomes: Vec<Outcome>,
    /// What `steps.<id>.…` offers after it finished.
    pub outputs: Vec<Output>,
    /// What it writes to `form.…`.
    pub form: Vec<Output>,
    /// What it writes to `vars.…`.
    pub vars: Vec<Output>,
    /// What it keeps as `session.…`.
    pub session: Vec<Output>,
    /// The expressions and templates in its settings and in the texts it shows. Gathered by the
    /// [`Compiler`](crate::plan::Compiler): a kind leaves it empty.
    pub uses: Vec<Use>,
    /// Keys of the flow's texts that it shows. Gathered by the compiler.
    pub texts: Vec<TextUse>,
    /// Other objects that it names. Gathered by the compiler.
    pub references: Vec<Reference>,
    /// Attributes of the identified user on which a factor rests: one that users change unproven, or share, shows
    /// nothing.
    pub rests_on: Vec<AttributeUse>,
    /// Whether it needs an identified user on every path to it.
    pub needs_user: bool,
    /// The Directory in which it changes the identified user; set, it refuses to run before somebody has shown to be
    /// that user.
    pub changes_user: Option<String>,
    /// Attributes that every user of its Directory must have and that it gives the user whom it creates no value for.
    pub missing_attributes: Vec<String>,
    /// The attributes of the identified user that it gives other values.
    pub changes: Vec<NewValue>,
    /// Whether it has signed the visitor out when it leaves by `next`.
    pub ends_session: bool,
    /// The classes of the effects it may cause.
    pub effects: Vec<EffectClass>,
    /// Set for `call` and `node`: what is entered.
    pub call: Option<Call>,
    /// Set for the kinds that end a graph.
    pub end: Option<End>,
}

impl Facts {
    /// Whether a sign-up may be finished by it: it gives the user a credential, or completes.
    pub fn finishes_sign_up(&self) -> bool {
        let mut proofs = self.outcomes.iter().flat_map(|outcome| &outcome.proofs);
        let gives_credential =
            self.changes_user.is_some() && proofs.any(|proof| matches!(proof, ProofFact::Factor(_)));
        gives_credential || matches!(self.end, Some(End::Complete { .. }))
    }
}

/// Another value of a user's attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewValue {
    /// JSON pointer below the node object.
    pub pointer: String,
    /// The attribute.
    pub attribute: String,
    /// The [`place`](crate::plan::place) of the value.
    pub place: String,
    /// Whether the old value, where it is an address, is told of it.
    pub is_told: bool,
}

/// One way a step can finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name, for example `next`.
    pub name: String,
    /// Whether the author must wire it. `error`, `cancel`, `back`, `timeout` and `locked` have safe defaults.
    pub needs_wire: bool,
    /// What is proven when it happens.
    pub proofs: Vec<ProofFact>,
    /// Whether there is no such user any more: the journey concerns nobody from now on, and what was proven of them counts
    /// for nothing.
    pub forgets_user: bool,
}

impl Outcome {
    /// An outcome that must be wired and proves nothing.
    pub fn wired(name: impl Into<String>) -> Self {
        Self { name: name.into(), needs_wire: true, proofs: Vec::new(), forgets_user: false }
    }

    /// An outcome with a safe default when it is not wired.
    pub fn optional(name: impl Into<String>) -> Self {
        Self { needs_wire: false, ..Self::wired(name) }
    }

    /// The same outcome, proving something.
    #[must_use]
    pub fn proving(mut self, proof: ProofFact) -> Self {
        self.proofs.push(proof);
        self
    }
}

/// What an outcome proves, known before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofFact {
    /// A user is identified.
    Identified,
    /// The identified user was authenticated with a factor (RFC 8176 `amr` value).
    Factor(&'static str),
    /// The user is created in this journey.
    Created,
    /// The address in this place (for example `form.email`, or `user.email`) is verified.
    Address(String),
    /// No other user of the Directory can have the value in this place.
    Named {
        /// The place.
        place: String,
        /// The Directory.
        directory: String,
    },
    /// The address under which no other user of this Directory can be is verified: what [`ProofFact::Address`] and
    /// [`ProofFact::Named`] of one place amount to. It stays true when the place takes another value.
    OwnAddress(String),
}

/// A value that a step writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its type; nothing where it is not known before it runs.
    pub value_type: Option<ValueType>,
    /// Whether it must reach no page, mail, request or variable.
    pub secret: bool,
    /// The outcomes after which it is written; empty means after every one.
    pub only_after: Vec<String>,
    /// Whether it may be absent although the step finished so (an optional field).
    pub optional: bool,
    /// The place whose value it repeats.
    pub repeats: Option<String>,
    /// The expression whose value it is.
    pub computed: Option<Expression>,
    /// What is said of it, where it comes from outside.
    pub outside: Option<Outside>,
}

/// What a step says of what comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// Nothing; the setting that would say it.
    Undescribed(&'static str),
    /// Its members.
    Described(Vec<Member>),
}

/// A member of what comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// Its type.
    pub value_type: ValueType,
    /// Whether it may be missing.
    pub optional: bool,
}

impl Output {
    /// A value that is written after every outcome.
    pub fn always(name: impl Into<String>, value_type: impl Into<Option<ValueType>>) -> Self {
        Self {
            name: name.into(),
            value_type: value_type.into(),
            secret: false,
            only_after: Vec::new(),
            optional: false,
            repeats: None,
            computed: None,
            outside: None,
        }
    }

    /// A value that is written after one outcome only.
    pub fn after(outcome: &str, name: impl Into<String>, value_type: impl Into<Option<ValueType>>) -> Self {
        Self { only_after: vec![outcome.to_owned()], ..Self::always(name, value_type) }
    }
}

/// An expression or template: what it reads, and where its value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// JSON pointer: below the node object in [`Facts`], inside the object once the step stands in its graph.
    pub pointer: String,
    /// Where the value goes.
    pub sink: Sink,
    /// Paths that are read.
    pub reads: Vec<Read>,
    /// What is computed in it, and what that must give.
    pub computed: Vec<Computed>,
    /// Why it does not compile.
    pub refused: Option<Refused>,
    /// For one of the flow's texts: its key and locale.
    pub text: Option<(String, String)>,
}

impl Use {
    /// The same where each expression must give a value of this type.
    #[must_use]
    pub fn giving(mut self, wanted: &Type) -> Self {
        self.computed.iter_mut().for_each(|computed| computed.wanted = wanted.clone());
        self
    }

    /// The unguarded read of an attribute of the user, if there is one.
    pub fn user_read(&self) -> Option<&Read> {
        self.reads.iter().find(|read| read.root() == "user" && read.path.len() > 1 && !read.guarded)
    }

    /// Whether it can be evaluated only when a user is identified.
    pub fn needs_user(&self) -> bool {
        self.user_read().is_some()
    }
}

/// An expression and what it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The expression.
    pub expression: Expression,
    /// The type that it must give; unknown where any will do.
    pub wanted: Type,
}

/// Why an expression or template does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it is a template.
    pub is_template: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Where a computed value goes; a secret may go to [`Sink::Store`] and [`Sink::Decision`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Decides something inside the engine.
    Decision,
    /// A page.
    Page,
    /// A mail.
    Mail,
    /// A request to the outside.
    Request,
    /// A variable, an output or an argument.
    Variable,
    /// A user's record.
    Store,
}

/// A key of the flow's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextUse {
    /// JSON pointer below the node object.
    pub pointer: String,
    /// The key.
    pub key: String,
    /// Where the text goes.
    pub sink: Sink,
}

/// Another object named by the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// JSON pointer below the node object.
    pub pointer: String,
    /// What kind of object.
    pub kind: ReferenceKind,
    /// Its name; nothing stands for the namespace's default one.
    pub name: Option<String>,
    /// Attributes of the Directory that are named.
    pub attributes: Vec<AttributeUse>,
}

/// What kind of object is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// A `Connection` of kind `smtp`.
    SmtpConnection,
    /// A `Connection` of kind `http`.
    HttpConnection,
    /// A `Directory`.
    Directory,
}

/// A Directory attribute named by the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeUse {
    /// JSON pointer below the node object.
    pub pointer: String,
    /// The attribute.
    pub name: String,
    /// Whether it must identify a user (be unique).
    pub identifies: bool,
}

/// A flow or node that a step enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is entered.
    pub callee: Callee,
    /// JSON pointer of the name, below the node object.
    pub pointer: String,
    /// The arguments: name, and the [`place`](crate::plan::place) of the value.
    pub arguments: Vec<(String, String)>,
}

/// What a `call` or `node` step enters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callee {
    /// A `Flow` of type `Library`. Its outcomes are those of its `exit` steps.
    Flow(String),
    /// A `FlowNode`. Its outcomes and outputs are those it declares.
    FlowNode(String),
}

impl Callee {
    /// The name of the graph within a revision: `flow/<name>` or `node/<name>`.
    pub fn graph_name(&self) -> String {
        match self {
            Self::Flow(name) => format!("flow/{name}"),
            Self::FlowNode(name) => format!("node/{name}"),
        }
    }
}

/// How a kind ends a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// `complete`: a session or the flow's last page.
    Complete {
        /// Whether a session without a user is meant (`subject: Guest`).
        guest: bool,
        /// How long a session lasts.
        lifetime: Span,
        /// How long it may stay unused, where the author says so.
        idle: Option<Span>,
    },
    /// `fail`.
    Fail,
    /// `exit`: leaves a library flow or node with this outcome.
    Exit {
        /// The outcome.
        outcome: String,
        /// The values handed out: name, and the [`place`](crate::plan::place) of each.
        outputs: Vec<(String, String)>,
    },
}

/// What expressions know of a value whose type a manifest says.
pub fn of_value(value_type: ValueType) -> Type {
    match value_type {
        ValueType::String | ValueType::Email | ValueType::Phone | ValueType::Date => Type::String,
        ValueType::Boolean => Type::Boolean,
        ValueType::Integer => Type::Integer,
        ValueType::Number => Type::Double,
        ValueType::List => Type::list(),
        ValueType::Object => Type::object(),
    }
}
