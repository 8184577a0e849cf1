//! A folder with the environments of several tenants, as GitOps trees have them: one of them is served.

use std::process::Command;

use idflow_test_support::dev::Dev;
use idflow_test_support::process::free_port;
use idflow_test_support::world;

use crate::said;

/// Two tenants, one beside the other; a shared theme names no namespace.
fn environments(folder: &std::path::Path) {
    for namespace in ["acme", "acme-staging"] {
        let issuer = format!("https://{namespace}.example");
        let manifests = world::manifests(namespace, &issuer, 25, 9);
        let placed = |text: &str| {
            let in_it = text.replacen(" }", &format!(", namespace: {namespace} }}"), 1);
            if text.contains("kind: Tenant") { text.to_owned() } else { in_it }
        };
        let placed: Vec<String> = manifests.split("---\n").map(placed).collect();
        std::fs::write(folder.join(format!("{namespace}.yaml")), placed.join("---\n")).expect("manifests");
    }
    let theme = "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: { name: brand }\nspec: { productName: Acme }\n";
    std::fs::write(folder.join("theme.yaml"), theme).expect("a theme");
}

#[test]
fn which_of_several_tenants_is_served_is_asked_before_anything_is_written() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    environments(folders[0].path());
    let data = folders[1].path().join("data");
    for (more, words) in [
        (
            &[][..],
            "it has several tenants: acme (namespace acme), acme-staging (namespace acme-staging); choose one by --tenant NAME",
        ),
        (&["--tenant", "other"], "it has no Tenant other; those it has are acme (namespace acme)"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
        command.arg("dev").arg(folders[0].path()).arg("--data").arg(&data).args(more);
        let listen = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        let answer =
            command.args(["--listen", &listen[0], "--demo", &listen[1]]).output().expect("idflow dev");
        let told = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(!answer.status.success() && told.contains(words), "{told}");
        assert!(!data.exists(), "{told}");
    }
}

#[test]
fn the_chosen_tenant_is_served_and_the_others_are_named() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    environments(folders[0].path());
    let program = env!("CARGO_BIN_EXE_idflow");
    let dev = Dev::start(program, folders[0].path(), folders[1].path(), &["--tenant", "acme-staging"]);
    said(&dev, 0, "the others", "namespace acme is another tenant's and Tenant/acme-staging is served");
    said(&dev, 0, "a flow", "sign-in@");
    let lines = dev.process.lines().join("\n");
    let others = lines.replace("warning[password-only]", "");
    assert!(!lines.contains("error") && !others.contains("warning["), "{lines}");
    // What stands in another environment changes nothing here.
    let before = dev.process.lines().len();
    let other = std::fs::read_to_string(dev.folder.path().join("acme.yaml")).expect("a file");
    std::fs::write(dev.folder.path().join("acme.yaml"), other.replace("start: ", "start: no"))
        .expect("an edit");
    let own = std::fs::read_to_string(dev.folder.path().join("acme-staging.yaml")).expect("a file");
    let edited = own.replace("outcomes: { next: welcome }", "outcomes: { next: done }");
    std::fs::write(dev.folder.path().join("acme-staging.yaml"), edited).expect("an edit");
    said(&dev, before, "an edit of its own", "serves new journeys");
    let lines = dev.process.lines()[before..].join("\n");
    assert!(!lines.contains("error["), "{lines}");
}
