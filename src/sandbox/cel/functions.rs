//! The functions an expression may call.

/// Every function and macro. `replace`, `join` and `format` of the library are left out on purpose: their output
/// grows without a cap.
pub(super) const ALLOWED: [&str; 50] = [
    "all",
    "base64.decode",
    "base64.encode",
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "exists",
    "existsOne",
    "exists_one",
    "filter",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "has",
    "hasValue",
    "indexOf",
    "int",
    "lastIndexOf",
    "lowerAscii",
    "map",
    "matches",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "or",
    "orValue",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "timestamp",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "value",
];

/// The first word of functions with a dot in their name; as a call's target it is no value.
pub(super) const NAMESPACES: [&str; 2] = ["base64", "optional"];

/// Names of types, which expressions may compare `type(x)` with.
pub(super) const TYPES: [&str; 12] = [
    "bool",
    "bytes",
    "double",
    "dyn",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
];

/// Whether a call in the tree was written as an operator, such as `_+_` or `@in`.
pub(super) fn is_operator(name: &str) -> bool {
    !name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}
