//! A compiled revision: index-based, so that nothing is looked up by name while it runs.

use std::collections::BTreeMap;

use idflow_core::digest::Digest;
use idflow_core::time::Span;
use idflow_core::view::{Text, View};
use idflow_sandbox::Expression;

use crate::facts::Outcome;
use crate::kinds::Kind;
use crate::pinned::Directories;
use crate::plan::{AuthoredText, Behaviour};

/// Index of a graph within [`Program::graphs`]; 0 is the flow itself.
pub type GraphIndex = u16;

/// Index of a step within [`Graph::steps`].
pub type StepIndex = u16;

/// A compiled revision.
#[derive(Debug, Clone)]
pub struct Program {
    /// The digest of the content it was compiled from.
    pub digest: Digest,
    /// The flow's name.
    pub flow: String,
    /// The flow's type, for example `Login`, as written in the manifest.
    pub flow_type: String,
    /// How long one journey may take.
    pub lifetime: Span,
    /// The flow's locales, the default first; never empty.
    pub locales: Vec<String>,
    /// The languages that visitors may choose: those that the flow promises, else those of its texts.
    pub languages: Vec<String>,
    /// Whether it speaks these and no others.
    pub promises_languages: bool,
    /// The Directories its steps use.
    pub directories: Directories,
    /// The flow itself, then every library flow and node it enters.
    pub graphs: Vec<Graph>,
}

impl Program {
    /// A page as a reader of this locale sees it: the revision's own texts in that language, or the nearest to it.
    pub fn in_language(&self, view: &View, locale: &str) -> View {
        view.clone().with_texts(|text| self.said(text, locale).unwrap_or_else(|| text.clone()))
    }

    /// One of the revision's own texts; nothing if it is none, or if the revision has no such text.
    fn said(&self, text: &Text, locale: &str) -> Option<Text> {
        let Text::Pinned { graph, key, values } = text else { return None };
        self.graphs.get(usize::from(*graph))?.texts.get(key)?.fill(locale, values)
    }

    /// Whether some step reads the browser's session.
    pub fn reads_session(&self) -> bool {
        let reads = |graph: &Graph| {
            let mut outputs = graph.outputs.iter().flat_map(|(_, output)| output.references());
            graph.steps.iter().any(|step| step.reads_session) || outputs.any(|read| read.root() == SESSION)
        };
        self.graphs.iter().any(reads)
    }

    /// Whether some step signs the visitor out.
    pub fn signs_out(&self) -> bool {
        self.graphs.iter().flat_map(|graph| &graph.steps).any(|step| step.signs_out)
    }
}

/// The root that the browser's session is read by.
pub(crate) const SESSION: &str = "session";

/// One flow or node.
#[derive(Debug, Clone)]
pub struct Graph {
    /// `flow/<name>` or `node/<name>`, for logs.
    pub name: String,
    /// Where it begins.
    pub start: StepIndex,
    /// Its steps, sorted by id.
    pub steps: Vec<Step>,
    /// For nodes: outputs computed on every exit.
    pub outputs: Vec<(String, Expression)>,
    /// The texts that its steps say, by key.
    pub texts: BTreeMap<String, AuthoredText>,
}

/// What a step is to a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// A sign-up may be finished by it: it gives the user a credential, or completes.
    Finishes,
    /// It makes the user, and every way from it to where the sign-up is finished proves an address.
    ProvesFirst,
    /// Nothing of these.
    Other,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Its node kind.
    pub kind: &'static Kind,
    /// Every outcome it can have, with what each proves.
    pub outcomes: Vec<Outcome>,
    /// Whether it ends its graph.
    pub ends: bool,
    /// What the engine runs: compiled from the same settings as the outcomes, in the same go.
    pub behaviour: Behaviour,
    /// Where each outcome leads. An outcome that is not listed takes its safe default.
    pub wires: Vec<Wire>,
    /// For `call` and `node`: the graph that is entered.
    pub callee: Option<GraphIndex>,
    /// Whether it reads `session.…`, for which the browser's session must be looked up.
    pub reads_session: bool,
    /// Whether it signs the visitor out, who is told of what.
    pub signs_out: bool,
    /// What it is to a sign-up.
    pub sign_up: SignUp,
}

impl Step {
    /// Where an outcome leads, if it is wired.
    pub fn target(&self, outcome: &str) -> Option<StepIndex> {
        self.wires.iter().find(|wire| wire.outcome == outcome).map(|wire| wire.to)
    }
}

/// One wired outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The outcome.
    pub outcome: String,
    /// The step it leads to.
    pub to: StepIndex,
}
