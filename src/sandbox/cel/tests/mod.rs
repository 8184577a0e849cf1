//! Tests of expressions, by subject.

mod arbitrary;
mod limits;
mod references;
mod refusals;
mod shapes;
mod types;
mod values;

use super::*;

fn data(value: serde_json::Value) -> Data {
    match value {
        Value::Object(object) => object,
        _ => panic!("roots are an object"),
    }
}

fn eval(source: &str, roots: serde_json::Value) -> Result<Value, EvaluationError> {
    let expression = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.evaluate(&data(roots), Budget::default())
}

fn value(source: &str, roots: serde_json::Value) -> Value {
    eval(source, roots).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// Runs on the stack of a runtime's worker: 2 MiB.
fn on_a_worker_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}
