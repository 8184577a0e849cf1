//! JSON to CEL and back.

use std::collections::HashMap;

use base64::Engine as _;
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use cel::objects::{Key, OptionalValue};
use idflow_core::{Data, Value};
use serde_json::Number;

use super::evaluate::EvaluationError;
use super::references::Reads;

/// The largest result: bytes of texts plus 16 for every value.
pub const MAX_RESULT: usize = 1 << 18;

/// The parts of a value that an expression reads.
pub(super) fn to_cel<'v>(value: &'v Value, reads: &Reads) -> Box<dyn Val + 'v> {
    match value {
        Value::Object(object) if !reads.whole => {
            let entry = |(name, below): (&String, &Reads)| {
                object.get_key_value(name).map(|(name, value)| (key(name), to_cel(value, below)))
            };
            map(reads.below.iter().filter_map(entry).collect())
        }
        _ => whole(value),
    }
}

/// An object with nothing in it.
pub(super) fn empty<'v>() -> Box<dyn Val + 'v> {
    map(HashMap::new())
}

fn whole(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Box::new(CelInt::from(int)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => Box::new(CelList::from(items.iter().map(whole).collect::<Vec<_>>())),
        Value::Object(object) => map(object.iter().map(|(name, value)| (key(name), whole(value))).collect()),
    }
}

fn key(name: &str) -> CelMapKey<'_> {
    CelMapKey::String(CelString::from(name))
}

fn map<'v>(entries: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>>) -> Box<dyn Val + 'v> {
    Box::new(CelMap::from(entries))
}

/// A copy with numbers as CEL would have them, within the cap of results.
pub(super) fn normalized(value: &Value) -> Result<Value, EvaluationError> {
    let mut cap = Cap(MAX_RESULT);
    cap.copy(value)
}

/// A result as JSON.
pub(super) fn to_json(value: &cel::Value) -> Result<Value, EvaluationError> {
    let mut cap = Cap(MAX_RESULT);
    cap.json(value)
}

/// What may still be added to a result.
struct Cap(usize);

impl Cap {
    fn take(&mut self, bytes: usize) -> Result<(), EvaluationError> {
        self.0 = self.0.checked_sub(bytes + 16).ok_or(EvaluationError::TooLarge)?;
        Ok(())
    }

    fn copy(&mut self, value: &Value) -> Result<Value, EvaluationError> {
        self.take(value.as_str().map_or(0, str::len))?;
        Ok(match value {
            Value::Number(number) if number.as_i64().is_none() => {
                number.as_f64().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.copy(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                let mut copy = Data::new();
                for (name, item) in object {
                    self.take(name.len())?;
                    copy.insert(name.clone(), self.copy(item)?);
                }
                Value::Object(copy)
            }
            scalar => scalar.clone(),
        })
    }

    fn json(&mut self, value: &cel::Value) -> Result<Value, EvaluationError> {
        let scalar = match value {
            cel::Value::List(items) => {
                self.take(0)?;
                let items = items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?;
                return Ok(Value::Array(items));
            }
            cel::Value::Map(map) => {
                self.take(0)?;
                return self.object(map.map.iter());
            }
            cel::Value::Opaque(_) => return self.optional(value),
            cel::Value::Null => Value::Null,
            cel::Value::Bool(truth) => Value::Bool(*truth),
            cel::Value::Int(int) => Value::from(*int),
            cel::Value::UInt(int) => Value::from(*int),
            cel::Value::Float(float) => Number::from_f64(*float)
                .map(Value::Number)
                .ok_or_else(|| EvaluationError::failed("the result is not a finite number"))?,
            cel::Value::String(text) => Value::String(text.to_string()),
            cel::Value::Bytes(bytes) => {
                Value::String(base64::engine::general_purpose::STANDARD.encode(bytes.as_slice()))
            }
            cel::Value::Timestamp(time) => Value::String(time.to_rfc3339()),
            cel::Value::Duration(span) => Value::String(format!("{}s", span.as_seconds_f64())),
            _ => return Err(EvaluationError::failed("the result is no value that JSON has")),
        };
        self.take(scalar.as_str().map_or(0, str::len))?;
        Ok(scalar)
    }

    fn object<'m>(
        &mut self,
        entries: impl Iterator<Item = (&'m Key, &'m cel::Value)>,
    ) -> Result<Value, EvaluationError> {
        let mut object = Data::new();
        for (key, item) in entries {
            let name = key.to_string();
            self.take(name.len())?;
            let item = self.json(item)?;
            object.insert(name, item);
        }
        Ok(Value::Object(object))
    }

    /// An optional value: what is in it, or null.
    fn optional(&mut self, value: &cel::Value) -> Result<Value, EvaluationError> {
        match <&OptionalValue>::try_from(value) {
            Ok(optional) => optional.value().map_or(Ok(Value::Null), |inner| self.json(inner)),
            Err(_) => Err(EvaluationError::failed("the result is no value that JSON has")),
        }
    }
}

/// The name of a JSON type, for messages.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
