//! What a step says an answer from outside must be, and whether it is.

use idflow_core::{Data, Value};
use idflow_flow::facts::{Member, SettingsError, ValueType, value_type};
use schemars::JsonSchema;
use serde::Deserialize;

/// A member of an answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberSetting {
    /// Its name; a dot leads into an Object, for example `user.email`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,7}$")
    )]
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(schema_with = "value_type::passed")]
    value_type: ValueType,
    /// Whether it may be missing or null. Absent means false.
    optional: Option<bool>,
}

/// The members that are declared.
///
/// # Errors
/// When two of them are one, or a member stands below what has none.
pub fn members(pointer: &str, declared: &[MemberSetting]) -> Result<Vec<Member>, SettingsError> {
    let mut members: Vec<Member> = Vec::with_capacity(declared.len());
    for (index, setting) in declared.iter().enumerate() {
        let path: Vec<String> = setting.name.split('.').map(str::to_owned).collect();
        let rival = members.iter().find(|known| {
            let leads_into = |short: &Member, long: &[String]| {
                long.starts_with(&short.path)
                    && (short.path.len() == long.len() || short.value_type != ValueType::Object)
            };
            leads_into(known, &path)
                || (path.len() < known.path.len()
                    && known.path.starts_with(&path)
                    && setting.value_type != ValueType::Object)
        });
        if let Some(rival) = rival {
            return Err(SettingsError {
                pointer: format!("{pointer}/{index}/name"),
                message: format!("{} is said to be something else by {}", setting.name, rival.path.join(".")),
                help: "declare each member once; only what is of type Object has members".to_owned(),
            });
        }
        members.push(Member {
            path,
            value_type: setting.value_type,
            optional: setting.optional.unwrap_or(false),
        });
    }
    Ok(members)
}

/// The declared part of an answer, and nothing else of it.
///
/// # Errors
/// Where it is something else, and what: the place and both types, never the value.
pub fn fitting(members: &[Member], answer: &Value) -> Result<Value, String> {
    let mut kept = Value::Object(Data::new());
    if !answer.is_object() {
        return Err(format!("the body is {}, not an Object", type_of(answer)));
    }
    for member in members {
        match found(members, member, answer)? {
            Some(value) => put(&mut kept, &member.path, value),
            // So that it can be asked whether it is there.
            None => put_parents(&mut kept, members, &member.path),
        }
    }
    Ok(kept)
}

fn found(members: &[Member], member: &Member, answer: &Value) -> Result<Option<Value>, String> {
    let named = |length: usize| format!("body.{}", member.path.get(..length).unwrap_or_default().join("."));
    let name = || named(member.path.len());
    let (mut value, mut optional) = (Some(answer), member.optional);
    for (length, part) in member.path.iter().enumerate() {
        let Some(within) = value else {
            // What may be missing may be so with all that is in it.
            let is_above =
                |other: &&Member| other.path.len() >= length && member.path.starts_with(&other.path);
            optional |= members.iter().filter(is_above).any(|other| other.optional);
            break;
        };
        if !within.is_object() {
            return Err(mismatch(&named(length), within, "an Object"));
        }
        value = within.get(part).filter(|value| !value.is_null());
    }
    let Some(value) = value else {
        return if optional { Ok(None) } else { Err(format!("{} is missing", name())) };
    };
    let fits = match member.value_type {
        ValueType::String | ValueType::Email | ValueType::Phone | ValueType::Date => value.is_string(),
        ValueType::Boolean => value.is_boolean(),
        ValueType::Integer => value.is_i64(),
        ValueType::Number => {
            return value
                .as_f64()
                .map(|number| Some(Value::from(number)))
                .ok_or_else(|| mismatch(&name(), value, "a Number"));
        }
        ValueType::List => value.is_array(),
        ValueType::Object => value.is_object(),
    };
    if fits {
        Ok(Some(value.clone()))
    } else {
        Err(mismatch(&name(), value, &with_article(member.value_type)))
    }
}

fn mismatch(name: &str, value: &Value, wanted: &str) -> String {
    format!("{name} is {}, not {wanted}", type_of(value))
}

fn with_article(wanted: ValueType) -> String {
    let article =
        if matches!(wanted, ValueType::Integer | ValueType::Object | ValueType::Email) { "an" } else { "a" };
    format!("{article} {wanted:?}")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(number) if number.is_i64() => "an Integer",
        Value::Number(_) => "a Number",
        Value::String(_) => "a String",
        Value::Array(_) => "a List",
        Value::Object(_) => "an Object",
    }
}

fn put(kept: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(object) = kept.as_object_mut() else { return };
    if rest.is_empty() {
        match (object.get_mut(name), value) {
            // The whole of it, of which parts are declared too.
            (Some(Value::Object(parts)), Value::Object(whole)) => {
                let more =
                    whole.into_iter().filter(|(name, _)| !parts.contains_key(name)).collect::<Vec<_>>();
                parts.extend(more);
            }
            (_, value) => drop(object.insert(name.clone(), value)),
        }
    } else {
        put(object.entry(name.as_str()).or_insert_with(|| Value::Object(Data::new())), rest, value);
    }
}

/// The Objects around a member that is not there, but for those that are declared themselves.
fn put_parents(kept: &mut Value, members: &[Member], path: &[String]) {
    for length in 1..path.len() {
        let Some(parent) = path.get(..length) else { return };
        if members.iter().any(|member| member.path == parent) {
            return;
        }
        put(kept, parent, Value::Object(Data::new()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(settings: Value) -> Vec<Member> {
        let settings: Vec<MemberSetting> = serde_json::from_value(settings).unwrap();
        members("/answer", &settings).unwrap()
    }

    #[test]
    fn only_what_is_declared_is_kept_and_it_has_its_type() {
        let members = declared(json!([
            { "name": "listed", "type": "Boolean" },
            { "name": "score", "type": "Number" },
            { "name": "who.name", "type": "String" },
            { "name": "who.age", "type": "Integer", "optional": true },
            { "name": "tags", "type": "List", "optional": true },
        ]));
        let answer = json!({ "listed": false, "score": 3, "who": { "name": "Ada", "age": null, "iban": "DE" }, "more": 1 });
        let kept = json!({ "listed": false, "score": 3.0, "who": { "name": "Ada" } });
        assert_eq!(fitting(&members, &answer), Ok(kept));
        for (answer, why) in [
            (json!("yes"), "the body is a String, not an Object"),
            (json!(null), "the body is null, not an Object"),
            (json!({ "score": 1, "who": { "name": "Ada" } }), "body.listed is missing"),
            (
                json!({ "listed": "no", "score": 1, "who": { "name": "Ada" } }),
                "body.listed is a String, not a Boolean",
            ),
            (
                json!({ "listed": true, "score": "1", "who": { "name": "Ada" } }),
                "body.score is a String, not a Number",
            ),
            (json!({ "listed": true, "score": 1, "who": [] }), "body.who is a List, not an Object"),
            (json!({ "listed": true, "score": 1, "who": "Red" }), "body.who is a String, not an Object"),
            (
                json!({ "listed": true, "score": 1, "who": { "name": "Ada", "age": 1.5 } }),
                "body.who.age is a Number, not an Integer",
            ),
        ] {
            assert_eq!(fitting(&members, &answer), Err(why.to_owned()), "{answer}");
        }
    }

    #[test]
    fn whether_a_part_is_there_can_be_asked_where_the_whole_is_missing_too() {
        let part = json!({ "name": "team.name", "type": "String", "optional": true });
        for answer in
            [json!({}), json!({ "team": null }), json!({ "team": {} }), json!({ "team": { "name": null } })]
        {
            assert_eq!(fitting(&declared(json!([part])), &answer), Ok(json!({ "team": {} })), "{answer}");
        }
        let wrong = fitting(&declared(json!([part])), &json!({ "team": "Red" }));
        assert_eq!(wrong, Err("body.team is a String, not an Object".to_owned()));
        let whole = json!({ "name": "team", "type": "Object", "optional": true });
        assert_eq!(
            fitting(&declared(json!([whole, part])), &json!({})),
            Ok(json!({})),
            "whether the whole is there, too"
        );
    }

    #[test]
    fn what_may_be_missing_may_be_so_with_all_that_is_in_it() {
        let whole = json!({ "name": "team", "type": "Object", "optional": true });
        let part = json!({ "name": "team.name", "type": "String" });
        let members = declared(json!([whole, part]));
        assert_eq!(fitting(&members, &json!({})), Ok(json!({})));
        assert_eq!(fitting(&members, &json!({ "team": {} })), Err("body.team.name is missing".to_owned()));
    }

    #[test]
    fn an_object_is_kept_whole_wherever_its_parts_are_declared() {
        let (whole, part) =
            (json!({ "name": "a", "type": "Object" }), json!({ "name": "a.n", "type": "Number" }));
        for settings in [json!([whole, part]), json!([part, whole])] {
            let kept = fitting(&declared(settings), &json!({ "a": { "n": 1, "more": true } }));
            assert_eq!(kept, Ok(json!({ "a": { "n": 1.0, "more": true } })));
        }
    }

    #[test]
    fn a_member_is_one_thing() {
        for (settings, is_right) in [
            (json!([{ "name": "a", "type": "String" }, { "name": "a", "type": "String" }]), false),
            (json!([{ "name": "a", "type": "String" }, { "name": "a.b", "type": "String" }]), false),
            (json!([{ "name": "a.b", "type": "String" }, { "name": "a", "type": "List" }]), false),
            (json!([{ "name": "a", "type": "Object" }, { "name": "a.b", "type": "String" }]), true),
            (json!([{ "name": "ab", "type": "String" }, { "name": "a", "type": "String" }]), true),
        ] {
            let settings: Vec<MemberSetting> = serde_json::from_value(settings).unwrap();
            assert_eq!(members("/answer", &settings).is_ok(), is_right, "{settings:?}");
        }
    }
}
