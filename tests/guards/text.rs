//! Nothing that is committed belongs to one machine: no path, no host of a private registry.

use std::process::Command;

use idflow_test_support::repository;

/// Registries that everybody reaches.
const PUBLIC: [&str; 5] =
    ["registry.npmjs.org", "proxy.golang.org", "sum.golang.org", "index.crates.io", "static.crates.io"];

fn committed() -> Vec<(String, String)> {
    let root = repository::root();
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(&root).output().expect("git");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("plain names");
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root.join(name)).ok()?));
    names.split('\0').filter(|name| !name.is_empty()).filter_map(read).collect()
}

/// What would give this machine away: its home folder, the clone's own path, and hosts of configured registries.
fn revealing() -> Vec<String> {
    let shell = |script: &str| {
        let output = Command::new("sh").arg("-c").arg(script).output().expect("sh");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let mut found =
        vec![format!("{}/", repository::root().display()), format!("{}/.", shell("echo \"$HOME\""))];
    let hosts = shell(
        "npm config get registry 2>/dev/null; go env GOPROXY GOSUMDB 2>/dev/null | tr ',|' '\\n\\n'; \
         cat \"${CARGO_HOME:-$HOME/.cargo}/config.toml\" 2>/dev/null | grep -o 'https\\?://[^\"]*'",
    );
    let hosts = hosts.lines().filter_map(|url| url.split("://").nth(1)?.split(['/', ':']).next());
    found.extend(hosts.filter(|host| !PUBLIC.contains(host)).map(str::to_owned));
    found
}

#[test]
fn committed_text_names_no_machine() {
    let words = revealing();
    for (name, text) in committed() {
        for word in &words {
            let line = text.lines().position(|line| line.contains(word.as_str()));
            assert!(line.is_none(), "{name}:{}: names {word}", line.unwrap_or(0) + 1);
        }
    }
}

/// Clones may share what is built, and cargo does not build anew because the folder is another: the tests of one would
/// read the files of the other.
#[test]
fn no_program_remembers_where_it_was_built() {
    let word = concat!("env!(\"CARGO_", "MANIFEST_DIR\")");
    let builds_it_in = |(_, text): &&(String, String)| text.contains(word);
    let found = committed().iter().find(builds_it_in).map(|(name, _)| name.clone());
    assert_eq!(found, None, "a test runs in the folder of its package; others ask `repository::root`");
}

#[test]
fn lock_files_name_public_registries_only() {
    let texts = committed();
    for (name, text) in
        texts.iter().filter(|(name, _)| name.ends_with("package-lock.json") || name.ends_with("Cargo.lock"))
    {
        for line in text.lines().filter(|line| line.contains("\"resolved\"") || line.starts_with("source = "))
        {
            let public = line.contains("https://registry.npmjs.org/")
                || line.contains("registry+https://github.com/rust-lang/crates.io-index");
            assert!(public, "{name}: {line}");
        }
    }
}
