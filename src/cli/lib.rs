//! One file per command; output writers.
//!
//! A command is a module with its arguments (`Args`) and a `run` that returns the exit code. It is added by its
//! file and one line in [`commands!`].

mod output;

use std::process::ExitCode;

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
    let filter = tracing_subscriber::EnvFilter::try_from_env("IDFLOW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A logger that is set already is the test's: keep it.
    let _already_set = if json { lines.json().try_init() } else { lines.try_init() };
}

/// Parses the process arguments and runs the command they name.
pub fn main() -> ExitCode {
    Cli::parse().command.run()
}
