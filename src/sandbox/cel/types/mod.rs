//! Types of expressions, told before anything runs.
//!
//! The library looks at types only when it evaluates: `form.age == '18'` is false for everybody, and `form.age >= '18'`
//! ends a journey. So the tree is walked here with the types of what it reads. What is not known before it runs, such as
//! the answer of a service that nobody has described, is [`Type::Unknown`] and fits everywhere.

mod checker;
mod conversions;
mod overloads;
mod words;

use std::collections::BTreeMap;
use std::fmt;

pub(super) use checker::check;

use crate::position::Position;

/// What is known about a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing.
    Unknown,
    /// There is none: what an empty list holds.
    Never,
    /// It is null.
    Null,
    /// True or false.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number that is not negative, which only `uint(…)` and literals like `1u` give.
    Unsigned,
    /// A number with decimals.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A span of time.
    Duration,
    /// Several values of one type.
    List(Box<Type>),
    /// Values of one type by keys that are not known.
    Map(Box<Type>),
    /// Values by known keys; under any other key there is something unknown.
    Object(BTreeMap<String, Type>),
    /// A value that may be absent, which a read with `?` gives.
    Optional(Box<Type>),
    /// A type itself, which `type(…)` gives.
    Type,
}

impl Type {
    /// A list of anything.
    pub fn list() -> Self {
        Self::List(Box::new(Self::Unknown))
    }

    /// An object of which no field is known.
    pub fn object() -> Self {
        Self::Object(BTreeMap::new())
    }

    /// Whether a value of this type may stand where `wanted` does. What is absent or null stands nowhere but where
    /// nothing is known.
    pub fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Unknown | Self::Never, _)
            | (_, Self::Unknown)
            | (Self::Object(_), Self::Map(_) | Self::Object(_))
            | (Self::Map(_), Self::Object(_)) => true,
            (Self::List(found), Self::List(wanted)) | (Self::Map(found), Self::Map(wanted)) => {
                found.fits(wanted)
            }
            (Self::Optional(found), Self::Optional(wanted)) => found.fits(wanted),
            _ => self == wanted,
        }
    }

    /// The type of a value that is of one of two types.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Never, one) | (one, Self::Never) => one,
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.or(*other))),
            (Self::Optional(one), Self::Optional(other)) => Self::Optional(Box::new(one.or(*other))),
            _ => Self::Unknown,
        }
    }

    /// A value of the type that says nothing, as it is written in an expression.
    pub fn neutral(&self) -> &'static str {
        match self {
            Type::Boolean => "false",
            Type::Integer => "0",
            Type::Unsigned => "0u",
            Type::Double => "0.0",
            Type::List(_) => "[]",
            Type::Map(_) | Type::Object(_) => "{}",
            Type::Duration => "duration('0s')",
            Type::Timestamp => "timestamp('2000-01-01T00:00:00Z')",
            Type::Bytes => "b''",
            Type::String | Type::Unknown | Type::Never | Type::Null | Type::Optional(_) | Type::Type => "''",
        }
    }

    /// The type of what stands on a path below it.
    #[must_use]
    pub fn below(&self, path: &[String]) -> Self {
        let Some((name, rest)) = path.split_first() else { return self.clone() };
        match self {
            Self::Object(fields) => fields.get(name).map_or(Self::Unknown, |field| field.below(rest)),
            Self::Map(inner) => inner.below(rest),
            _ => Self::Unknown,
        }
    }

    /// Whether it is wholly known.
    fn is_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) => inner.is_known(),
            _ => true,
        }
    }

    /// Its name, as authors write it in a manifest where they can.
    const fn name(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Never => "something unknown",
            Self::Null => "null",
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::Unsigned => "unsigned number",
            Self::Double => "number with decimals",
            Self::String => "String",
            Self::Bytes => "bytes",
            Self::Timestamp => "moment",
            Self::Duration => "span of time",
            Self::List(_) => "List",
            Self::Map(_) | Self::Object(_) => "Object",
            Self::Optional(inner) => inner.name(),
            Self::Type => "type",
        }
    }
}

/// With its article.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = match self {
            Self::Unknown | Self::Never | Self::Null | Self::Bytes => "",
            Self::Integer | Self::Unsigned | Self::Map(_) | Self::Object(_) => "an ",
            Self::Optional(inner) => return write!(f, "{inner} that may be absent"),
            _ => "a ",
        };
        write!(f, "{article}{}", self.name())?;
        match self {
            Self::List(inner) if inner.is_known() && **inner != Self::Never => {
                write!(f, " of {}", inner.name())
            }
            _ => Ok(()),
        }
    }
}

/// A value of a type that its place does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeMismatch {
    /// What is wrong, with both types.
    pub message: String,
    /// What to write.
    pub help: String,
    /// Where, inside the source.
    pub position: Position,
}

/// What the types of an expression are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The type of its value.
    pub value: Type,
    /// What cannot work or is never true.
    pub mismatches: Vec<TypeMismatch>,
    /// Whether nothing unknown has been met: then what has no mismatch never fails by a type.
    pub is_certain: bool,
}
