//! What expressions read: only the values on the paths an expression names are copied out of the journey.

use idflow_core::journey::{Frame, Journey, Purpose};
use idflow_core::{Data, Value};
use idflow_flow::dataflow::written_place;
use idflow_flow::program::Program;
use idflow_sandbox::{Budget, Expression, Reference};

use crate::surroundings::Surroundings;
use crate::turn::Fault;

/// Where the roots of expressions come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) program: &'a Program,
    pub(crate) journey: &'a Journey,
    pub(crate) frame: &'a Frame,
    pub(crate) surroundings: &'a Surroundings,
}

impl Sources<'_> {
    /// The roots with everything that `references` name, and nothing else.
    pub(crate) fn roots<'r>(&self, references: impl IntoIterator<Item = &'r Reference>) -> Data {
        let mut roots = Data::new();
        for reference in references {
            let Some((root, below)) = reference.path.split_first() else { continue };
            match root.as_str() {
                "form" => copy(&mut roots, root, &self.frame.form, below),
                "steps" => copy(&mut roots, root, &self.frame.steps, below),
                "vars" => copy(&mut roots, root, &self.frame.vars, below),
                "input" => copy(&mut roots, root, &self.frame.input, below),
                "user" => copy(&mut roots, root, &self.journey.user_data, below),
                "session" => self.session().for_each(|data| copy(&mut roots, root, data, below)),
                "client" => copy(&mut roots, root, &self.surroundings.client, below),
                "request" => copy(&mut roots, root, &self.surroundings.request, below),
                "flow" => copy(&mut roots, root, &self.flow(), below),
                _ => {}
            }
        }
        roots
    }

    /// Whether everything is there that steps write and an expression reads.
    pub(crate) fn have(&self, expression: &Expression) -> bool {
        let unguarded = || expression.references().iter().filter(|read| !read.guarded);
        let roots = self.roots(unguarded());
        let is_there = |place: String| {
            let mut names = place.split('.');
            let root = names.next().and_then(|root| roots.get(root));
            names.try_fold(root, |value, name| value.map(|value| value.get(name))).flatten().is_some()
        };
        unguarded().filter(|read| read.root() != "session").filter_map(written_place).all(is_there)
    }

    /// Evaluates an expression within the default budget.
    pub(crate) fn evaluate(&self, expression: &Expression) -> Result<Value, Fault> {
        let roots = self.roots(expression.references());
        expression
            .evaluate(&roots, Budget::default())
            .map_err(|error| Fault::new(format!("`{}`: {error}", expression.source())))
    }

    /// What the browser's session has, unless it is another user's; then what this journey keeps, which hides it.
    fn session(&self) -> impl Iterator<Item = &Data> {
        let user = self.journey.user;
        let of_browser =
            self.surroundings.session.as_ref().filter(|(owner, _)| user.is_none() || user == *owner);
        let kept = self.journey.frames.first().map(|frame| &frame.session);
        of_browser.map(|(_, attributes)| attributes).into_iter().chain(kept)
    }

    fn flow(&self) -> Data {
        let mut flow = Data::new();
        flow.insert("name".to_owned(), Value::from(self.program.flow.as_str()));
        flow.insert("type".to_owned(), Value::from(self.program.flow_type.as_str()));
        flow.insert("locale".to_owned(), Value::from(self.journey.locale.clone()));
        flow.insert("error".to_owned(), Value::from(self.journey.error.clone()));
        let mut query = Data::new();
        if let Purpose::Standalone { query: pairs } = &self.journey.purpose {
            query.extend(pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        }
        flow.insert("query".to_owned(), Value::Object(query));
        flow
    }
}

fn copy(target: &mut Data, name: &str, source: &Data, below: &[String]) {
    let entry = target.entry(name).or_insert_with(|| Value::Object(Data::new()));
    let Some(object) = entry.as_object_mut() else { return };
    let Some((field, rest)) = below.split_first() else {
        object.extend(source.clone());
        return;
    };
    match source.get(field) {
        None => {}
        Some(Value::Object(inner)) if !rest.is_empty() => copy(object, field, inner, rest),
        Some(value) => {
            object.insert(field.clone(), value.clone());
        }
    }
}
