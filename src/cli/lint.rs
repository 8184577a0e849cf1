//! `idflow lint PATH…`: checks manifests as the cluster would, without one.

mod fix;

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use idflow_flow::Tree;
use idflow_flow::lint::RULES;
use idflow_flow::reading::FOUND_WHILE_READING;
use idflow_flow::schema::Schemas;

use crate::output::text::Style;
use crate::output::{Count, json, text};

/// Beyond this a file is refused anyway; reading stops a little later, so that the refusal can say so.
const MAX_READ: u64 = 1024 * 1024 + 1;

const EXIT_FINDINGS: u8 = 1;
const EXIT_FAILED: u8 = 2;

/// Arguments of `idflow lint`.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 no errors; 1 errors, or with --strict warnings; 2 the check could not run."
)]
pub(crate) struct Args {
    /// Files, and folders to search for .yaml, .yml and .json files. The objects of each namespace are judged together;
    /// those without one belong to each. `-` reads what was rendered (`kustomize build . | idflow lint -`), and files
    /// named beside it are where findings are shown.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Rewrites old words in the files before they are checked, and says what it did. Comments, and lines without old
    /// words, stay as they are.
    #[arg(long)]
    fix: bool,
    /// Counts warnings as errors.
    #[arg(long)]
    strict: bool,
    /// Explains a rule with examples, for example unwired-outcome.
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people: the source underlined.
    Text,
    /// One JSON object.
    Json,
}

/// Runs the command.
#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments by value")]
pub(crate) fn run(args: Args) -> ExitCode {
    let done = match &args.explain {
        Some(code) => explain(code),
        None => check(&args),
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "idflow lint: {error:#}");
        ExitCode::from(EXIT_FAILED)
    })
}

fn check(args: &Args) -> anyhow::Result<ExitCode> {
    let is_pipe = |path: &&PathBuf| path.as_os_str() == "-";
    let mut files = Vec::new();
    for path in args.paths.iter().filter(|path| !is_pipe(path)) {
        collect(path, &mut files)?;
    }
    let read_all = || files.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<_>>>();
    let mut texts = read_all()?;
    if args.fix {
        anyhow::ensure!(!args.paths.iter().any(|path| is_pipe(&path)), "--fix rewrites files; what comes in by a pipe stands in none");
        fix::fix(&texts)?;
        texts = read_all()?;
    }
    let tree = if args.paths.iter().any(|path| is_pipe(&path)) {
        Tree::read([piped()?], texts, idflow_nodes::kinds())
    } else {
        anyhow::ensure!(!files.is_empty(), "there is no .yaml, .yml or .json file in what was named");
        Tree::read(texts, [], idflow_nodes::kinds())
    };
    let report = match args.output {
        Output::Json => json::findings(&tree.findings, tree.manifests.len())? + "\n",
        Output::Text => {
            let style = if std::io::stdout().is_terminal() { Style::Colour } else { Style::Plain };
            text::report(&tree.findings, &tree.manifests, style)
        }
    };
    std::io::stdout().write_all(report.as_bytes()).context("cannot write the findings")?;
    let count = Count::of(&tree.findings);
    let failed = count.errors > 0 || (args.strict && count.warnings > 0);
    Ok(if failed { ExitCode::from(EXIT_FINDINGS) } else { ExitCode::SUCCESS })
}

/// The manifests a path names, sorted. Folders whose name begins with a dot are left out.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let metadata = path.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
    if !metadata.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = path.read_dir().with_context(|| format!("cannot list {}", path.display()))?;
    let mut entries = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let manifest = entry
            .extension()
            .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known))
            || entry.ends_with("Kustomization");
        let link = entry.is_symlink();
        if !hidden && (manifest || (entry.is_dir() && !link)) {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// What comes in by standard input.
fn piped() -> anyhow::Result<(String, String)> {
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_READ).read_to_end(&mut bytes).context("cannot read standard input")?;
    anyhow::ensure!(!bytes.trim_ascii().is_empty(), "nothing came in by standard input: did what should render it fail?");
    Ok(("<standard input>".to_owned(), String::from_utf8_lossy(&bytes).into_owned()))
}

fn read(file: &Path) -> anyhow::Result<(String, String)> {
    let cannot = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    File::open(file).with_context(cannot)?.take(MAX_READ).read_to_end(&mut bytes).with_context(cannot)?;
    Ok((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))
}

fn explain(code: &str) -> anyhow::Result<ExitCode> {
    let text = explanation(code)?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the explanation")?;
    Ok(ExitCode::SUCCESS)
}

fn explanation(code: &str) -> anyhow::Result<String> {
    if let Some(rule) = FOUND_WHILE_READING.iter().find(|rule| rule.code == code) {
        return Ok(format!("{code}\n\n{}.\n", rule.why));
    }
    let lint = RULES.iter().find(|lint| lint.rule.code == code).with_context(|| {
        let codes = RULES.iter().map(|lint| lint.rule).chain(FOUND_WHILE_READING);
        let codes: Vec<&str> = codes.map(|rule| rule.code).collect();
        format!("there is no rule {code}; the rules are {}", codes.join(", "))
    })?;
    let more = if lint.module == "broken_rule" { not_run() } else { String::new() };
    Ok(format!("{code}\n\n{}\n{more}", lint.documentation()))
}

/// What lint says of the rules that it cannot run.
fn not_run() -> String {
    let rules = Schemas::new(idflow_nodes::kinds()).about_changes();
    let lines = rules.iter().map(|(place, message)| format!("  {place}: {message}\n"));
    format!("Not run, because they compare an object with what it was before:\n\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use idflow_flow::Folder;
    use idflow_flow::diagnostic::Severity;

    use super::*;

    fn quickstart() -> Vec<(String, String)> {
        let mut files = Vec::new();
        collect(Path::new("../../examples/quickstart"), &mut files).unwrap();
        files.iter().map(|file| read(file).unwrap()).collect()
    }

    #[test]
    fn the_quickstart_is_without_errors_and_warnings_and_every_flow_of_it_can_be_served() {
        let folder = Folder::read(quickstart(), idflow_nodes::kinds());
        let problems: Vec<String> = folder
            .findings
            .iter()
            .filter(|finding| finding.severity != Severity::Info)
            .map(|finding| format!("{}: {}", finding.code, finding.title))
            .collect();
        assert_eq!(problems, Vec::<String>::new());
        assert!(folder.flows.len() >= 6);
        assert!(folder.flows.values().all(|compiled| compiled.revision.is_some()));
        let sign_in = &folder.flows["sign-in"].assurance;
        assert_eq!(sign_in.len(), 1);
        assert!(sign_in[0].identified && sign_in[0].factors == ["pwd"]);
    }

    #[test]
    fn every_file_of_the_quickstart_explains_itself_in_its_first_lines() {
        for (file, text) in quickstart() {
            let comment = text.lines().take_while(|line| line.starts_with('#')).count();
            assert!(comment >= 2, "{file}");
        }
    }

    #[test]
    fn every_code_is_explained_and_an_unknown_one_is_told_which_there_are() {
        let codes = RULES.iter().map(|lint| lint.rule).chain(FOUND_WHILE_READING);
        for rule in codes {
            assert!(explanation(rule.code).unwrap().lines().count() > 2, "{}", rule.code);
        }
        assert!(explanation("nonsense").unwrap_err().to_string().contains("unknown-kind"));
    }

    #[test]
    fn folders_are_searched_and_hidden_ones_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "sub/a.yml", ".idflow/c.yaml", "notes.md", ".hidden.yaml"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let mut files = Vec::new();
        collect(folder.path(), &mut files).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("b.yaml"), Path::new("sub/a.yml")]);
        assert!(collect(&folder.path().join("missing"), &mut Vec::new()).is_err());
    }
}
