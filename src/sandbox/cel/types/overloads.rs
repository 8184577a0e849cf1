//! What functions and operators take and give.

use super::Type;

/// What an argument is, or what is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Boolean,
    Integer,
    Unsigned,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List,
    Object,
    /// A list of texts.
    Strings,
    /// As the first argument.
    First,
}

impl Shape {
    /// The type that it is where a function is given these arguments.
    fn of(self, arguments: &[Type]) -> Type {
        match self {
            Self::Boolean => Type::Boolean,
            Self::Integer => Type::Integer,
            Self::Unsigned => Type::Unsigned,
            Self::Double => Type::Double,
            Self::String => Type::String,
            Self::Bytes => Type::Bytes,
            Self::Timestamp => Type::Timestamp,
            Self::Duration => Type::Duration,
            Self::List => Type::list(),
            Self::Object => Type::object(),
            Self::Strings => Type::List(Box::new(Type::String)),
            Self::First => arguments.first().cloned().unwrap_or(Type::Unknown),
        }
    }
}

/// One way to call something: a method's subject is its first argument.
pub(super) struct Overload {
    pub(super) name: &'static str,
    pub(super) takes: &'static [Shape],
    gives: Shape,
}

impl Overload {
    /// Whether a value of this type may stand in this place.
    pub(super) fn takes_at(&self, index: usize, found: &Type) -> bool {
        self.takes.get(index).is_some_and(|takes| found.fits(&takes.of(&[])))
    }
}

macro_rules! overloads {
    ($($name:literal: $($($takes:ident),+ => $gives:ident);+;)+) => {
        /// Every way to call every function and arithmetic operator.
        pub(super) const OVERLOADS: &[Overload] =
            &[$($(Overload { name: $name, takes: &[$(Shape::$takes),+], gives: Shape::$gives },)+)+];
    };
}

overloads! {
    "_+_": Integer, Integer => Integer; Unsigned, Unsigned => Unsigned; Double, Double => Double;
        String, String => String; Bytes, Bytes => Bytes; List, List => First; Timestamp, Duration => Timestamp;
        Duration, Timestamp => Timestamp; Duration, Duration => Duration;
    "_-_": Integer, Integer => Integer; Unsigned, Unsigned => Unsigned; Double, Double => Double;
        Timestamp, Timestamp => Duration; Timestamp, Duration => Timestamp; Duration, Duration => Duration;
    "_*_": Integer, Integer => Integer; Unsigned, Unsigned => Unsigned; Double, Double => Double;
    "_/_": Integer, Integer => Integer; Unsigned, Unsigned => Unsigned; Double, Double => Double;
    "_%_": Integer, Integer => Integer; Unsigned, Unsigned => Unsigned;
    "-_": Integer => Integer; Double => Double;
    "size": String => Integer; Bytes => Integer; List => Integer; Object => Integer;
    "contains": String, String => Boolean;
    "startsWith": String, String => Boolean;
    "endsWith": String, String => Boolean;
    "matches": String, String => Boolean;
    "charAt": String, Integer => String;
    "indexOf": String, String => Integer; String, String, Integer => Integer;
    "lastIndexOf": String, String => Integer; String, String, Integer => Integer;
    "lowerAscii": String => String;
    "upperAscii": String => String;
    "trim": String => String;
    "reverse": String => String;
    "split": String, String => Strings; String, String, Integer => Strings;
    "substring": String, Integer => String; String, Integer, Integer => String;
    "base64.encode": Bytes => String;
    "base64.decode": String => Bytes;
    "bool": Boolean => Boolean; String => Boolean;
    "int": Integer => Integer; Unsigned => Integer; Double => Integer; String => Integer; Timestamp => Integer;
    "uint": Integer => Unsigned; Unsigned => Unsigned; Double => Unsigned; String => Unsigned;
    "double": Double => Double; Integer => Double; Unsigned => Double; String => Double;
    "string": String => String; Boolean => String; Integer => String; Unsigned => String; Double => String;
        Bytes => String; Timestamp => String; Duration => String;
    "bytes": String => Bytes; Bytes => Bytes;
    "timestamp": String => Timestamp; Timestamp => Timestamp; Integer => Timestamp;
    "duration": String => Duration; Duration => Duration;
    "getFullYear": Timestamp => Integer; Timestamp, String => Integer;
    "getMonth": Timestamp => Integer; Timestamp, String => Integer;
    "getDayOfYear": Timestamp => Integer; Timestamp, String => Integer;
    "getDayOfMonth": Timestamp => Integer; Timestamp, String => Integer;
    "getDate": Timestamp => Integer; Timestamp, String => Integer;
    "getDayOfWeek": Timestamp => Integer; Timestamp, String => Integer;
    "getHours": Timestamp => Integer; Timestamp, String => Integer; Duration => Integer;
    "getMinutes": Timestamp => Integer; Timestamp, String => Integer; Duration => Integer;
    "getSeconds": Timestamp => Integer; Timestamp, String => Integer; Duration => Integer;
    "getMilliseconds": Timestamp => Integer; Timestamp, String => Integer; Duration => Integer;
}

/// What any of several ways takes there.
pub(super) fn wanted_at(fitting: &[&Overload], index: usize) -> Vec<Type> {
    let mut wanted: Vec<Type> = Vec::new();
    for takes in fitting.iter().filter_map(|overload| overload.takes.get(index)) {
        let takes = takes.of(&[]);
        if !wanted.contains(&takes) {
            wanted.push(takes);
        }
    }
    // Hardly anybody means those.
    if wanted.len() > 1 {
        wanted.retain(|takes| *takes != Type::Unsigned);
    }
    wanted
}

/// What one of several ways gives.
pub(super) fn one_of(fitting: &[&Overload], types: &[Type]) -> Type {
    fitting.iter().map(|overload| overload.gives.of(types)).reduce(Type::or).unwrap_or(Type::Unknown)
}
