//! The checklist (`security-and-reliability` 1.1) as tables.

mod authorize;
mod client;
mod code;
mod cost;
mod introspection;
mod parsing;
mod refresh;
mod refusals;
mod returning;
mod served;
mod token;
mod tokens;
mod userinfo;
