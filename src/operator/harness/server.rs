//! As much of an API server as controllers see of it: objects by address, versions, generations, ownership of status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};

/// An API server in memory that writes down what it is asked.
#[derive(Default)]
pub(crate) struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    calls: Vec<String>,
    /// Addresses that may neither be read nor written.
    forbidden: BTreeSet<String>,
    /// What a manager wrote of a status, by address and manager.
    owned: BTreeMap<(String, String), Owned>,
}

/// Types of conditions, and fields beside the conditions.
#[derive(Default)]
struct Owned {
    types: BTreeSet<String>,
    fields: BTreeSet<String>,
}

impl Server {
    /// Every object.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.state.lock().unwrap().objects.values().cloned().collect()
    }

    /// The object at an address.
    pub(crate) fn object(&self, address: &str) -> Value {
        self.state.lock().unwrap().objects.get(address).cloned().unwrap_or_default()
    }

    /// What was asked since the last time.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// What somebody who is not the operator does: stores an object.
    pub(crate) fn store(&self, address: &str, object: &Value) {
        let mut state = self.state.lock().unwrap();
        state.merge(address, object);
    }

    /// What somebody who is not the operator does: removes an object.
    pub(crate) fn remove(&self, address: &str) {
        self.state.lock().unwrap().objects.remove(address).expect("the object");
    }

    /// Takes away the right to read and write an address, or gives it.
    pub(crate) fn forbid(&self, address: &str, is_forbidden: bool) {
        let mut state = self.state.lock().unwrap();
        if is_forbidden {
            state.forbidden.insert(address.to_owned());
        } else {
            state.forbidden.remove(address);
        }
    }

    /// Answers a request with a status code and a body.
    pub(crate) fn answer(&self, method: &str, path: &str, manager: &str, body: &Value) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        state.calls.push(format!("{method} {path}"));
        let failure = |code: u16, reason| {
            (code, json!({ "status": "Failure", "code": code, "reason": reason, "message": path }))
        };
        match method {
            "GET" | "PATCH" if state.forbidden.contains(path) => failure(403, "Forbidden"),
            "GET" => match state.objects.get(path) {
                Some(object) => (200, object.clone()),
                None => failure(404, "NotFound"),
            },
            "POST" => {
                let name = body["metadata"]["name"].as_str().expect("a name");
                (201, state.merge(&format!("{path}/{name}"), body))
            }
            "PATCH" => match path.strip_suffix("/status") {
                Some(path) => (200, state.write_status(path, manager, &body["status"])),
                None => (200, state.merge(path, body)),
            },
            "DELETE" => (200, state.objects.remove(path).unwrap_or_default()),
            other => panic!("{other} {path}"),
        }
    }
}

impl State {
    fn merge(&mut self, address: &str, wanted: &Value) -> Value {
        let mut object = self.objects.get(address).cloned().unwrap_or_else(|| {
            json!({ "metadata": {
                "uid": format!("uid-of-{address}"), "creationTimestamp": "2026-01-02T03:04:05Z", "generation": 0,
            } })
        });
        let before = object.clone();
        for (key, value) in wanted.as_object().expect("an object") {
            match key.as_str() {
                "metadata" => {
                    for (key, value) in value.as_object().expect("metadata") {
                        object["metadata"][key] = value.clone();
                    }
                }
                _ => object[key.as_str()] = value.clone(),
            }
        }
        if object["spec"] != before["spec"] {
            object["metadata"]["generation"] =
                json!(before["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
        }
        self.keep(address, &before, object)
    }

    fn write_status(&mut self, address: &str, manager: &str, status: &Value) -> Value {
        let mut object = self.objects.get(address).cloned().expect("an object with a status");
        let before = object.clone();
        let type_of = |condition: &Value| condition["type"].as_str().unwrap().to_owned();
        let list = |status: &Value| status["conditions"].as_array().cloned().unwrap_or_default();
        let (mut new, fields) = (list(status), status.as_object().unwrap().clone());
        let owned = Owned {
            types: new.iter().map(type_of).collect(),
            fields: fields.keys().filter(|field| *field != "conditions").cloned().collect(),
        };
        let key = (address.to_owned(), manager.to_owned());
        let Owned { types, fields: given_up } = self.owned.insert(key, owned).unwrap_or_default();
        let others = list(&before["status"]).into_iter();
        new.extend(others.filter(|one| !types.contains(&type_of(one))));
        new.sort_by_key(type_of);
        new.dedup_by_key(|one| type_of(one));
        let mut merged = before["status"].as_object().cloned().unwrap_or_default();
        merged.retain(|field, _| !given_up.contains(field));
        merged.extend(fields);
        merged.insert("conditions".to_owned(), json!(new));
        object["status"] = merged.into();
        self.keep(address, &before, object)
    }

    fn keep(&mut self, address: &str, before: &Value, mut object: Value) -> Value {
        if object != *before {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.objects.insert(address.to_owned(), object.clone());
        }
        object
    }
}
