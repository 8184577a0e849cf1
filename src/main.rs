//! The `idflow` program: parses arguments and runs one command.

fn main() -> std::process::ExitCode {
    idflow_cli::main()
}
