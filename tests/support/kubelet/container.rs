//! One container as a process: what its spec says, with paths and addresses of this machine in place.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use super::Node;

/// The command of a pod's only container.
pub(super) fn command(node: &Node, pod: &Value, address: &str) -> impl Fn() -> Command + Send + 'static {
    let container = &pod["spec"]["containers"][0];
    let mut replaced = mounts(node, pod, container);
    // A process of this machine must not listen on all of its addresses.
    replaced.extend([("0.0.0.0".to_owned(), address.to_owned()), ("[::]".to_owned(), address.to_owned())]);
    let local =
        move |text: &str| replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));

    let mut environment: Vec<(String, String)> = entries(&container["env"])
        .map(|entry| (text(&entry["name"]), local(&variable(node, pod, entry, address))))
        .collect();
    let words = entries(&container["command"]).skip(1).chain(entries(&container["args"]));
    let arguments: Vec<String> = words.map(|word| local(&expand(&text(word), &environment))).collect();
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
    let access = node.cluster.kubeconfig_for(&node.namespace, account);
    environment.push(("KUBECONFIG".to_owned(), access.display().to_string()));

    let program = node.program.clone();
    move || {
        let mut command = Command::new(&program);
        command.env_clear().envs(environment.iter().cloned()).args(&arguments);
        command
    }
}

/// Where the readiness probe asks.
pub(super) fn probe(pod: &Value, address: &str) -> Option<Url> {
    let container = &pod["spec"]["containers"][0];
    let probe = container["readinessProbe"]["httpGet"].as_object()?;
    let port = match &probe["port"] {
        Value::String(name) => {
            entries(&container["ports"]).find(|port| port["name"] == *name)?["containerPort"].to_string()
        }
        number => number.to_string(),
    };
    Url::parse(&format!("http://{address}:{port}{}", text(&probe["path"]))).ok()
}

/// Every mounted path with the folder that stands for it, the longest first.
fn mounts(node: &Node, pod: &Value, container: &Value) -> Vec<(String, String)> {
    let folder_of = |mount: &Value| {
        let volume = entries(&pod["spec"]["volumes"]).find(|volume| volume["name"] == mount["name"]);
        let folder = fill_volume(node, pod, volume.expect("a mounted volume"));
        (text(&mount["mountPath"]), folder.display().to_string())
    };
    let mut mounts: Vec<_> = entries(&container["volumeMounts"]).map(folder_of).collect();
    mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    mounts
}

/// A claim's folder outlives its pod, every other is the pod's own.
fn fill_volume(node: &Node, pod: &Value, volume: &Value) -> PathBuf {
    let owner = if volume["persistentVolumeClaim"].is_object() { "name" } else { "uid" };
    let folder = node.folder.path().join(text(&pod["metadata"][owner])).join(text(&volume["name"]));
    std::fs::create_dir_all(&folder).expect("a volume");
    for (kind, key) in [("secret", "secretName"), ("configMap", "name")] {
        if volume[kind].is_object() {
            write_keys(node, &format!("{kind}/{}", text(&volume[kind][key])), &folder);
        }
    }
    folder
}

fn write_keys(node: &Node, object: &str, folder: &Path) {
    let object = node.cluster.get(&node.namespace, object);
    let data = object["data"].as_object().into_iter().flatten();
    for (key, value) in data {
        let value = text(value);
        let bytes =
            if object["kind"] == "Secret" { STANDARD.decode(value).expect("base64") } else { value.into() };
        std::fs::write(folder.join(key), bytes).expect("a volume's file");
    }
}

fn variable(node: &Node, pod: &Value, entry: &Value, address: &str) -> String {
    let from = &entry["valueFrom"];
    if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
        let field = pod.pointer(&format!("/{}", path.replace('.', "/"))).unwrap_or(&Value::Null);
        return if path == "status.podIP" { address.to_owned() } else { text(field) };
    }
    if let Some(name) = from["secretKeyRef"]["name"].as_str() {
        let secret = node.cluster.get(&node.namespace, &format!("secret/{name}"));
        let bytes =
            STANDARD.decode(text(&secret["data"][text(&from["secretKeyRef"]["key"])])).expect("base64");
        return String::from_utf8(bytes).expect("text in an environment variable");
    }
    text(&entry["value"])
}

/// `$(NAME)` as Kubernetes expands it.
fn expand(word: &str, environment: &[(String, String)]) -> String {
    environment.iter().fold(word.to_owned(), |word, (name, value)| word.replace(&format!("$({name})"), value))
}

fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
