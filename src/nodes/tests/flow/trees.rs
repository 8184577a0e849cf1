//! Trees of files as GitOps keeps them.

use idflow_flow::Tree;
use idflow_flow::diagnostic::Severity;
use idflow_flow::shown::Shown;
use idflow_nodes::kinds;

const BASE: &str = "apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec: { default: true, attributes: [{ name: email, type: Email, unique: true, required: true }], identifiers: [email] }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-in }
spec:
  type: Custom
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: mail } }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

fn tenant(namespace: &str) -> String {
    format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: Tenant\nmetadata: {{ name: {namespace} }}\n\
         spec: {{ namespace: {namespace}, issuer: 'https://{namespace}.example', store: {{ embedded: {{}} }} }}\n"
    )
}

fn mail(namespace: &str) -> String {
    let namespace = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
    format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: Connection\nmetadata: {{ name: mail{namespace} }}\n\
         spec: {{ smtp: {{ host: mail.example, from: a@acme.example }} }}\n"
    )
}

fn tree(files: &[(&str, String)]) -> Tree {
    Tree::read(files.iter().map(|(file, text)| ((*file).to_owned(), text.clone())), [], kinds())
}

fn told(findings: &[Shown]) -> Vec<String> {
    let told = findings.iter().filter(|finding| finding.severity != Severity::Info);
    told.map(|one| format!("{}: {}", one.code, one.title)).collect()
}

const OVERLAY: &str = "namespace: NAMESPACE
resources: [../../base, tenant.yaml, mail.yaml]
patches: [{ path: lifetime.yaml }, { patch: \"- op: add\\n  path: /spec/lifetime\\n  value: 20m\\n\" }]
configMapGenerator: [{ name: texts, files: [de=german.yaml] }]
";
const PATCH: &str =
    "apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: { name: sign-in }\nspec: { lifetime: 20m }\n";

#[test]
fn a_base_with_two_overlays_is_two_environments_without_a_finding() {
    let mut files = vec![
        ("base/all.yaml", BASE.to_owned()),
        ("base/kustomization.yaml", "resources: [all.yaml]\n".to_owned()),
    ];
    files.extend([
        ("overlays/staging/kustomization.yaml", OVERLAY.replace("NAMESPACE", "staging")),
        ("overlays/staging/tenant.yaml", tenant("staging")),
        ("overlays/staging/mail.yaml", mail("")),
        ("overlays/staging/lifetime.yaml", PATCH.to_owned()),
        ("overlays/staging/german.yaml", "welcome: Willkommen\n".to_owned()),
        ("overlays/prod/kustomization.yaml", OVERLAY.replace("NAMESPACE", "prod")),
        ("overlays/prod/tenant.yaml", tenant("prod")),
        ("overlays/prod/mail.yaml", mail("")),
        ("overlays/prod/lifetime.yaml", PATCH.to_owned()),
        ("overlays/prod/german.yaml", "welcome: Willkommen\n".to_owned()),
    ]);
    let found = tree(&files);
    assert_eq!(told(&found.findings), Vec::<String>::new());
    let names: Vec<Option<&str>> = found.environments.keys().map(Option::as_deref).collect();
    assert_eq!(names, [Some("prod"), Some("staging")]);
    assert!(found.environments.values().all(|one| one.flows["sign-in"].revision.is_some()));
    let notes: Vec<&str> = found.findings.iter().map(|one| one.title.as_str()).collect();
    let patch = "this file is skipped: overlays/prod/kustomization.yaml names it as a patch";
    let input = "this file is skipped: overlays/prod/kustomization.yaml names it as an input of a generator";
    assert!(notes.contains(&patch) && notes.contains(&input), "{notes:#?}");
}

#[test]
fn what_one_environment_lacks_is_said_of_that_one() {
    let files = [
        ("base.yaml", BASE.to_owned()),
        ("a.yaml", tenant("a")),
        ("b.yaml", tenant("b")),
        ("mail.yaml", mail("a")),
    ];
    let found = tree(&files);
    assert_eq!(
        told(&found.findings),
        ["unknown-reference: in b: there is no Connection mail in this namespace"]
    );
}

#[test]
fn an_error_of_the_base_is_said_once() {
    let broken = BASE.replace("next: done", "next: nowhere");
    let files =
        [("base.yaml", broken), ("a.yaml", tenant("a")), ("b.yaml", tenant("b")), ("m.yaml", mail(""))];
    let found = told(&tree(&files).findings);
    assert_eq!(found.iter().filter(|one| one.starts_with("unknown-step")).count(), 1, "{found:#?}");
}

#[test]
fn a_duplicate_shows_both_places_and_another_namespace_is_none() {
    let one = |namespace: &str, file: &'static str| (file, mail(namespace));
    let found = tree(&[one("a", "one.yaml"), one("b", "two.yaml")]);
    assert_eq!(told(&found.findings), Vec::<String>::new());
    let found = tree(&[one("a", "one.yaml"), one("b", "other.yaml"), one("a", "two.yaml")]);
    let [duplicate] = found.findings.as_slice() else { panic!("{:#?}", found.findings) };
    assert_eq!(duplicate.code, "duplicate-object");
    let places = [&duplicate.spot, &duplicate.related[0].1];
    let files = places.map(|spot| spot.location.as_ref().map(|place| (place.file.as_str(), place.line)));
    assert_eq!(files, [Some(("one.yaml", 3)), Some(("two.yaml", 3))]);
}

#[test]
fn two_environments_that_claim_one_issuer_are_told_of_each_other() {
    let same = tenant("b").replace("https://b.example", "https://a.example");
    let found = told(&tree(&[("a.yaml", tenant("a")), ("b.yaml", same)]).findings);
    assert_eq!(found, ["rival-claim: a and b both claim the issuer https://a.example"]);
}

#[test]
fn templates_of_a_chart_are_skipped_with_a_note() {
    let template =
        "apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: { name: {{ .Values.name }} }\n".to_owned();
    let files = [
        ("chart/Chart.yaml", "name: a\nversion: 1.0.0\n".to_owned()),
        ("chart/values.yaml", "name: a\n".to_owned()),
        ("chart/templates/flow.yaml", template),
        ("mail.yaml", mail("")),
    ];
    let found = tree(&files);
    assert_eq!(told(&found.findings), Vec::<String>::new());
    assert_eq!(found.findings.len(), 3, "{:#?}", found.findings);
}

#[test]
fn what_was_rendered_is_shown_where_it_was_written() {
    let sources = [
        ("base/all.yaml", BASE.replace("next: done", "next: nowhere")),
        ("overlay/mail.yaml", mail("")),
        ("overlay/patch.yaml", PATCH.replace("20m", "3000h")),
    ];
    let rendered = sources[0].1.replace(
        "kind: Flow\nmetadata: { name: sign-in }",
        "kind: Flow\nmetadata: { name: sign-in, namespace: prod }",
    );
    let rendered = rendered.replace("  type: Custom\n", "  lifetime: 3000h\n  type: Custom\n");
    let rendered = format!("{rendered}---\n{}", mail("prod"));
    let sources = sources.map(|(file, text)| (file.to_owned(), text));
    let found = Tree::read([("-".to_owned(), rendered)], sources, kinds());
    let place = |code: &str| {
        let finding = found.findings.iter().find(|finding| finding.code == code);
        let spot = &finding.unwrap_or_else(|| panic!("no {code}: {:#?}", found.findings)).spot;
        assert_eq!(spot.namespace.as_deref(), Some("prod"));
        spot.location.as_ref().map(|place| (place.file.clone(), place.line))
    };
    assert_eq!(place("unknown-step"), Some(("base/all.yaml".to_owned(), 14)));
    assert_eq!(place("invalid-lifetime"), Some(("overlay/patch.yaml".to_owned(), 4)));
}

#[test]
fn what_an_overlay_put_into_another_namespace_is_shown_where_it_was_written() {
    let of = |namespace: &str| {
        BASE.replace("next: done", "next: nowhere")
            .replace("name: sign-in }", &format!("name: sign-in, namespace: {namespace} }}"))
    };
    let place = |sources: &[&str]| {
        let sources = sources.iter().map(|namespace| (format!("{namespace}.yaml"), of(namespace)));
        let found = Tree::read([("-".to_owned(), of("prod"))], sources, kinds());
        let finding = found.findings.into_iter().find(|one| one.code == "unknown-step").unwrap();
        finding.spot.location.map(|place| place.file).unwrap()
    };
    assert_eq!(place(&["acme"]), "acme.yaml");
    assert_eq!(place(&["acme", "prod"]), "prod.yaml");
    assert_eq!(place(&["acme", "staging"]), "-", "nobody can tell which");
}

#[test]
fn a_kustomization_hides_no_resource_and_no_file_of_another_folder_without_a_warning() {
    let all = || ("base/all.yaml", BASE.replace("start: password", "start: nowhere"));
    let hides = |lists: &str| ("elsewhere/kustomization.yaml", lists.to_owned());
    let codes = |files: &[(&str, String)]| -> Vec<String> {
        let findings = tree(files).findings;
        let loud = findings.iter().filter(|finding| finding.severity != Severity::Info);
        loud.map(|finding| finding.code.to_string()).collect()
    };
    let plain = codes(&[all()]);
    assert!(plain.contains(&"unknown-step".to_owned()), "{plain:?}");
    let base = ("base/kustomization.yaml", "resources: [all.yaml]\n".to_owned());
    let hidden = hides("patches: [{ path: ../base/all.yaml }]");
    assert_eq!(codes(&[all(), base, hidden.clone()]), plain, "a resource is applied as it stands");
    let both =
        ("base/kustomization.yaml", "resources: [./all.yaml]\npatches: [{ path: all.yaml }]\n".to_owned());
    assert_eq!(codes(&[all(), both]), plain);
    assert_eq!(codes(&[all(), hidden]), ["skipped"]);
}

#[test]
fn few_bytes_make_no_endless_work() {
    let key = "k".repeat(1000);
    let nested = (0..90).map(|depth| format!("{}{key}:\n", " ".repeat(depth))).collect::<Vec<_>>().concat();
    let items = format!("{}[{}]\n", " ".repeat(90), "a,".repeat(80_000));
    let found = tree(&[("deep.yaml", format!("{nested}{items}"))]);
    assert_eq!(told(&found.findings), ["invalid-yaml: the file grows beyond 16 MiB when it is read"]);

    let set = format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: OIDCClient\nmetadata: {{ name: app }}\nspec: {{ scopes: [{}] }}\n",
        "a,".repeat(150_000)
    );
    let found = tree(&[("set.yaml", set)]);
    let last = told(&found.findings).pop().unwrap_or_default();
    assert!(last.starts_with("tree-too-large: ") && last.ends_with(" more findings are left out"), "{last}");

    let many = (0..200).map(|number| tenant(&format!("t{number}"))).collect::<Vec<_>>().join("---\n");
    let shared = format!("{BASE}# {}\n", "x".repeat(1_000_000));
    let found = tree(&[("shared.yaml", shared), ("tenants.yaml", many)]);
    assert!(found.environments.len() < 100, "{}", found.environments.len());
    assert!(told(&found.findings).iter().any(|one| one.starts_with("tree-too-large: 200 namespaces share")));
}

#[test]
fn a_name_that_kustomize_changed_is_told_with_its_cure() {
    let texts = BASE.replace("  type: Custom\n", "  type: Custom\n  textsFrom: [german]\n");
    let secret = mail("").replace("from:", "secretRef: { name: relay }, from:");
    let generated = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: german-tgd5dk769b }\n---\n\
                     apiVersion: v1\nkind: Secret\nmetadata: { name: relay-tgd5dk769b }\n";
    let files = [("base.yaml", texts), ("mail.yaml", secret), ("generated.yaml", generated.to_owned())];
    let helps = tree(&files).findings.into_iter().filter(|one| one.title.starts_with("there is no "));
    let helps: Vec<String> = helps.map(|one| one.help).collect();
    assert_eq!(helps.len(), 2, "{helps:?}");
    assert!(helps.iter().all(|help| help.contains("-tgd5dk769b: write generatorOptions")), "{helps:?}");
}
