//! Manifests: files of Kubernetes objects with the place of everything in them.

use std::ops::Range;
use std::sync::Arc;

use idflow_api::ResourceKind;
use idflow_core::Value;

use crate::diagnostic::{Finding, ObjectId, Place, Rule, Severity, nearest};
use crate::yaml::{self, Document, MAX_FILE, Spans};

pub(crate) static TOO_LARGE: Rule = Rule {
    code: "file-too-large",
    severity: Severity::Error,
    why: "A manifest of this size would not fit into the cluster's store either",
};
pub(crate) static NOT_AN_OBJECT: Rule = Rule {
    code: "not-an-object",
    severity: Severity::Warning,
    why: "Only Kubernetes objects are read: they have apiVersion, kind and metadata.name",
};
pub(crate) static UNKNOWN_KIND: Rule = Rule {
    code: "unknown-kind",
    severity: Severity::Error,
    why: "An object of a kind that does not exist is refused by the cluster",
};
pub(crate) static SKIPPED: Rule = Rule {
    code: "skipped",
    severity: Severity::Info,
    why: "idflow reads its own kinds, ConfigMaps and Secrets, and leaves others to the tools they are meant for",
};

/// One file.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// Its name, as it was given to [`read`].
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// The objects in it that concern idflow.
    pub objects: Vec<Object>,
    /// What is wrong with the text itself.
    pub findings: Vec<Finding>,
}

/// One object of a file.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, if it names one.
    pub namespace: Option<String>,
    /// All of it.
    pub value: Value,
    root: String,
    spans: Arc<Spans>,
    /// Pointers at which the text itself is wrong already.
    pub(crate) faulty: Vec<String>,
}

impl Object {
    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(&self.kind, &self.name)
    }

    /// The bytes of a node of the object, or of its nearest ancestor that exists.
    pub fn span(&self, pointer: &str, key: bool) -> Range<usize> {
        self.spans.find(&format!("{}{pointer}", self.root), key)
    }
}

impl Object {
    /// Puts it into a namespace, as a kustomization does; what belongs to the whole cluster stays there.
    pub(crate) fn move_to(&mut self, namespace: &str) {
        if self.kind != ResourceKind::Tenant.as_str() {
            self.namespace = Some(namespace.to_owned());
        }
    }
}

/// Reads a file of one or more objects. Never fails: what cannot be read is a finding.
pub fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest { file: file.to_owned(), text: text.into(), ..Manifest::default() };
    if is_other_json(file, text) {
        manifest.findings.push(other_json(Place::File { file: file.to_owned(), span: 0..0 }));
        return manifest;
    }
    if text.len() > MAX_FILE {
        let place = Place::File { file: file.to_owned(), span: 0..0 };
        manifest.findings.push(TOO_LARGE.at(
            place,
            "the file is larger than 1 MiB",
            "split it into several files",
        ));
        return manifest;
    }
    let (documents, findings) = yaml::documents(file, text);
    manifest.findings = findings;
    for document in documents {
        manifest.add(document);
    }
    manifest
}

/// What every object has. Whoever has forgotten one of them has written another.
const MEMBERS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

/// Whether a JSON file is another tool's, as most of them are in a folder of code, and need not even be JSON to us. One
/// with a name of ours in it is looked at.
fn is_other_json(file: &str, text: &str) -> bool {
    is_json(file)
        && !text.contains(idflow_api::GROUP)
        && !MEMBERS.iter().any(|name| text.contains(&format!("\"{name}\"")))
}

fn is_json(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

fn other_json(place: Place) -> Finding {
    let help = "kustomize does the same; `kubectl apply -f` of the whole folder would stop at it: name the manifests there";
    SKIPPED.at(place, "this JSON file is no Kubernetes object; it is skipped", help)
}

impl Manifest {
    /// Whether the file holds this object.
    pub fn holds(&self, object: &ObjectId) -> bool {
        self.objects.iter().any(|held| held.kind == object.kind && held.name == object.name)
    }

    fn add(&mut self, document: Document) {
        if document.value.is_null() {
            return;
        }
        let Document { value, spans, issues } = document;
        let spans = Arc::new(spans);
        let mut is_ours = false;
        if let Some(items) = list_items(&value) {
            for (index, item) in items.iter().enumerate() {
                is_ours |= self.add_object(item.clone(), format!("/items/{index}"), &spans, &issues);
            }
        } else {
            is_ours = self.add_object(value, String::new(), &spans, &issues);
        }
        if is_ours {
            self.findings.extend(issues.into_iter().map(|(_, finding)| finding));
        }
    }

    /// Adds one object and tells whether it concerns idflow.
    fn add_object(
        &mut self,
        value: Value,
        root: String,
        spans: &Arc<Spans>,
        issues: &[(String, Finding)],
    ) -> bool {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let place = |pointer: &str| Place::File {
            file: self.file.clone(),
            span: spans.find(&format!("{root}{pointer}"), false),
        };
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let is_ours = || {
            kind.as_deref()
                .is_some_and(|kind| ResourceKind::written_by_users().any(|own| own.as_str() == kind))
        };
        let api_version = api_version.or_else(|| is_ours().then(String::new));
        let (Some(api_version), Some(kind)) = (api_version, kind) else {
            if is_json(&self.file) && MEMBERS.iter().all(|name| value.get(name).is_none()) {
                self.findings.push(other_json(place("")));
                return false;
            }
            let help = "add apiVersion and kind, or move the file elsewhere";
            self.findings.push(NOT_AN_OBJECT.at(
                place(""),
                "this is not a Kubernetes object; it is skipped",
                help,
            ));
            return false;
        };
        match reading(&api_version, &kind, &place) {
            Reading::Ours => {}
            Reading::Others => return false,
            Reading::Doubtful(finding) => {
                self.findings.push(*finding);
                return false;
            }
        }
        let Some(name) = text("/metadata/name").filter(|name| !name.is_empty()) else {
            let finding =
                NOT_AN_OBJECT.at(place("/metadata"), format!("this {kind} has no name"), "add metadata.name");
            self.findings.push(finding.graded(Severity::Error));
            return true;
        };
        let faulty =
            issues.iter().filter_map(|(pointer, _)| pointer.strip_prefix(&root)).map(str::to_owned).collect();
        let namespace = text("/metadata/namespace");
        self.objects.push(Object {
            api_version,
            kind,
            name,
            namespace,
            value,
            root,
            spans: spans.clone(),
            faulty,
        });
        true
    }
}

pub(crate) fn list_items(value: &Value) -> Option<&Vec<Value>> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    value.get("items").filter(|_| is_list)?.as_array()
}

/// Whose business an object is.
enum Reading {
    Ours,
    Others,
    /// Ours, it seems, and it cannot be read.
    Doubtful(Box<Finding>),
}

fn reading(api_version: &str, kind: &str, place: &dyn Fn(&str) -> Place) -> Reading {
    let own = format!("{}/{}", idflow_api::GROUP, idflow_api::VERSION);
    let kinds = || ResourceKind::written_by_users().map(ResourceKind::as_str);
    let is_known = kinds().any(|known| known == kind);
    let doubt = |finding| Reading::Doubtful(Box::new(finding));
    if api_version == own && is_known || api_version == "v1" && matches!(kind, "ConfigMap" | "Secret") {
        Reading::Ours
    } else if api_version == own {
        let help = match nearest(kind, kinds()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the kinds are {}", kinds().collect::<Vec<_>>().join(", ")),
        };
        doubt(UNKNOWN_KIND.at(place("/kind"), format!("there is no kind {kind}"), help))
    } else if api_version.starts_with(&format!("{}/", idflow_api::GROUP)) {
        let title = format!("there is no version {api_version}");
        doubt(UNKNOWN_KIND.at(place("/apiVersion"), title, format!("write {own}")))
    } else if is_known && api_version.is_empty() {
        doubt(UNKNOWN_KIND.at(place(""), format!("this {kind} has no apiVersion"), format!("write {own}")))
    } else if is_known {
        let title = format!("this {kind} of {api_version} is skipped");
        doubt(SKIPPED.at(place("/apiVersion"), title, format!("write {own} if idflow's {kind} is meant")))
    } else {
        Reading::Others
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        read("test.yaml", text).findings.iter().map(|finding| finding.code).collect()
    }

    fn underlined(text: &str) -> Vec<String> {
        let manifest = [read("test.yaml", text)];
        let findings = manifest[0].findings.iter();
        findings.map(|finding| text[finding.place.locate(&manifest).unwrap().span].to_owned()).collect()
    }

    #[test]
    fn a_json_file_of_another_tool_is_skipped_with_a_note_and_one_that_lacks_something_is_warned_of() {
        for (file, text, code, severity) in [
            ("package.json", r#"{ "name": "app", "version": "1.0.0" }"#, "skipped", Severity::Info),
            ("package-lock.json", r#"{ "packages": { "kind": {}, "spec": {} } }"#, "skipped", Severity::Info),
            ("tsconfig.JSON", "{ // not even JSON\n \"strict\": true, }", "skipped", Severity::Info),
            ("large.json", &"[]".repeat(MAX_FILE), "skipped", Severity::Info),
            ("flow.json", r#"{ "apiVersion": "idflow.dev/v1alpha1" }"#, "not-an-object", Severity::Warning),
            (
                "flow.json",
                r#"{ "metadata": { "name": "a" }, "spec": {} }"#,
                "not-an-object",
                Severity::Warning,
            ),
            ("app.yaml", "name: app\n", "not-an-object", Severity::Warning),
        ] {
            let findings = read(file, text).findings;
            let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
            assert_eq!(found, [(code, severity)], "{file}");
        }
    }

    const THEME: &str = "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: { name: brand }\n";

    #[test]
    fn every_document_and_every_item_of_a_list_is_an_object() {
        let text = format!(
            "# comment\n---\n{THEME}---\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {{ name: mail, namespace: acme }}\n"
        );
        let manifest = read("a.yaml", &text);
        let ids: Vec<String> = manifest.objects.iter().map(|object| object.id().to_string()).collect();
        assert_eq!(ids, ["Theme/brand", "Secret/mail"]);
        assert_eq!(manifest.findings, []);
        assert_eq!(&text[manifest.objects[1].span("/metadata/namespace", false)], "acme");
        assert_eq!(&text[manifest.objects[1].span("/metadata/namespace", true)], "namespace");
    }

    #[test]
    fn a_place_that_does_not_exist_is_its_nearest_ancestor() {
        let manifest = read("a.yaml", THEME);
        assert_eq!(&THEME[manifest.objects[0].span("/metadata/labels/a", false)], "metadata");
    }

    #[test]
    fn words_of_yaml_1_1_are_reported_as_values_and_as_keys() {
        let text = format!("{THEME}spec:\n  on: red\n  name: no\n  quoted: \"yes\"\n");
        assert_eq!(codes(&text), ["yaml-boolean", "yaml-boolean"]);
        assert_eq!(underlined(&text), ["on", "no"]);
    }

    #[test]
    fn words_of_yaml_1_1_in_foreign_objects_are_their_own_business() {
        let foreign = "metadata: { name: a }\nspec: { on: yes }\n";
        let none: [&str; 0] = [];
        assert_eq!(codes(&format!("apiVersion: apps/v1\nkind: Deployment\n{foreign}")), none);
        let mistaken = format!("apiVersion: logging.example/v1beta1\nkind: Flow\n{foreign}");
        assert_eq!(codes(&mistaken), ["skipped"], "it may be meant for idflow");
    }

    #[test]
    fn a_duplicate_key_names_both_places() {
        let text = format!("{THEME}spec:\n  a: 1\n  b: 2\n  a: 3\n");
        let manifest = [read("test.yaml", &text)];
        let finding = &manifest[0].findings[0];
        assert_eq!(finding.code, "duplicate-key");
        let lines =
            [&finding.place, &finding.related[0].place].map(|place| place.locate(&manifest).unwrap().line);
        assert_eq!(lines, [7, 5]);
        assert_eq!(manifest[0].objects[0].value["spec"]["a"], 1);
    }

    #[test]
    fn a_broken_document_does_not_take_the_next_one_along() {
        let text = format!("a: [1\n---\n{THEME}");
        let manifest = read("a.yaml", &text);
        assert_eq!(manifest.findings[0].code, "invalid-yaml");
        assert_eq!(manifest.objects.len(), 1);
    }

    #[test]
    fn what_is_no_yaml_is_said_in_words_and_a_tab_is_shown_where_it_stands() {
        for (text, title, underlined) in [
            ("a: b\n\tc: d\n", "a tab stands where only spaces may", "2:1"),
            ("a:\n\tb: c\n", "a tab stands where only spaces may", "2:1"),
            ("a:\n  b:\n  \tc: d\n", "a tab stands where only spaces may", "3:3"),
            ("a: [1,\nb: 2\n", "a bracket or brace is not closed", "1:4"),
            ("a: {b: 1\nc: 2\n", "a bracket or brace is not closed", ""),
            ("a: b: c\n", "a colon stands where no value can begin", "1:"),
            ("a: *b\n", "this alias names nothing that & named before it", "1:"),
            ("a: \"\\q\"\n", "a backslash in a quoted text begins nothing known", "1:"),
            ("a: 'b\n", "a quote is not closed", ""),
            ("a: 'b' c\n", "a quote is not closed, or something follows it", "1:"),
            ("a: 1\n b: 2\n", "", ""),
            ("- a\nb: 1\n", "", ""),
            ("%YAML 9\n---\n", "", ""),
            ("a: !<x\n", "", ""),
        ] {
            let manifest = [read("test.yaml", text)];
            for finding in &manifest[0].findings {
                assert!(finding.title.starts_with(title), "{text:?}: {}", finding.title);
                for word in ["while", "scalar", "expected", "flow ", "block ", "token", "context"] {
                    assert!(!finding.title.contains(word), "{text:?}: {}", finding.title);
                }
                let place = finding.place.locate(&manifest).unwrap();
                let place = format!("{}:{}", place.line, place.column);
                assert!(place.starts_with(underlined), "{text:?} at {place}");
            }
            assert!(title.is_empty() || manifest[0].findings.len() == 1, "{text:?}");
        }
    }

    #[test]
    fn aliases_and_merges_are_expanded() {
        let text = format!(
            "{THEME}spec:\n  base: &base {{ a: 1, b: 2 }}\n  more: {{ <<: *base, b: 3 }}\n  same: *base\n"
        );
        let spec = &read("a.yaml", &text).objects[0].value["spec"];
        assert_eq!(spec["more"], json!({"a": 1, "b": 3}));
        assert_eq!(spec["same"], json!({"a": 1, "b": 2}));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.extend([format!("a{level}: &a{level} [{items}]\n")]);
        }
        assert_eq!(codes(&text), ["invalid-yaml"]);
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert_eq!(codes(&"[".repeat(500)), ["invalid-yaml"]);
        assert_eq!(codes(&"- ".repeat(500)), ["invalid-yaml"]);
        assert_eq!(
            codes("# hi\n\u{feff}apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n"),
            ["invalid-yaml"]
        );
        assert_eq!(
            codes("kind: Flow\nmetadata: { name: a }\n"),
            ["unknown-kind"],
            "kubectl refuses the folder"
        );
        assert_eq!(codes("kind: Deployment\nmetadata: { name: a }\n"), ["not-an-object"]);
        assert_eq!(codes(&"#".repeat(MAX_FILE + 1)), ["file-too-large"]);
    }

    #[test]
    fn unknown_kinds_of_ours_are_errors_with_a_suggestion() {
        let text = "apiVersion: idflow.dev/v1alpha1\nkind: Flwo\nmetadata: { name: a }\n";
        assert_eq!(codes(text), ["unknown-kind"]);
        assert_eq!(read("a", text).findings[0].help, "did you mean Flow?");
        assert_eq!(codes("apiVersion: idflow.dev/v1\nkind: Flow\nmetadata: { name: a }\n"), ["unknown-kind"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            read("a.yaml", &String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn anything_that_looks_like_yaml_is_read_without_a_panic(text in "([a-c]: |- |[\\[\\]{},]|&a |\\*a|<<: |\"|'|#|!!str |\n|  |\\||>|---\n|on|1){0,60}") {
            let manifest = [read("a.yaml", &text)];
            for finding in &manifest[0].findings {
                let location = finding.place.locate(&manifest).unwrap();
                prop_assert!(text.get(location.span).is_some());
            }
        }
    }
}
