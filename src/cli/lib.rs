//! One file per command; output writers.
//!
//! A command is a module with its arguments (`Args`) and a `run` that returns the exit code. It is added by its
//! file and one line in [`commands!`].

/// Writes a line to standard output. That nobody reads it any more is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _unread = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod output;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $module:ident),+ $(,)?) => {
        $(mod $module;)+

        #[derive(Subcommand)]
        enum Command {
            $($(#[$doc])* $name($module::Args)),+
        }

        impl Command {
            fn run(self) -> ExitCode {
                match self {
                    $(Self::$name(args) => $module::run(args)),+
                }
            }
        }
    };
}

commands! {
    /// Writes the custom resource definitions of this version.
    Crds = crds,
    /// Serves a folder of manifests without a cluster: journeys, provider, demo application, mail catcher.
    Dev = dev,
    /// Serves one tenant in a cluster, as the operator starts it: journeys, hosted pages, provider.
    Executor = executor,
    /// Turns tenants and flows of a cluster into running executors.
    Operator = operator,
    /// Checks manifests as the cluster would, without one.
    Lint = lint,
    /// Tells why somebody was shown a page that ends with a reference.
    Why = why,
    /// Lists accounts that need somebody's attention.
    Users = users,
}

/// Kubernetes-native identity orchestrator: journeys as graphs of steps in custom resources.
#[derive(Parser)]
#[command(name = "idflow", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Writes the log to standard error: readable on a terminal, JSON lines for machines.
fn logging(json: bool) {
    // The Kubernetes client logs every failed attempt as an error; whoever made it says so once.
    let filter = tracing_subscriber::EnvFilter::try_from_env("IDFLOW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,kube_client::client::builder=off"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A logger that is set already is the test's: keep it.
    let _already_set = if json {
        lines.json().try_init()
    } else {
        lines.without_time().with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
}

/// Runs an asynchronous command.
fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    finish(runtime.context("the runtime cannot be started").and_then(|runtime| runtime.block_on(work)))
}

/// The exit code of a command; its error becomes one line.
fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Parses the process arguments and runs the command they name.
pub fn main() -> ExitCode {
    Cli::parse().command.run()
}
