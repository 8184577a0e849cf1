//! `idflow crds DIR`: writes the custom resource definitions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use idflow_api::crd;
use idflow_flow::schema::node_schemas;

/// Arguments of `idflow crds`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the definitions go, one file each.
    #[arg(default_value = "crds", value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments by value")]
pub(crate) fn run(args: Args) -> ExitCode {
    crate::finish(write(&args))
}

fn write(args: &Args) -> anyhow::Result<()> {
    std::fs::create_dir_all(&args.folder).with_context(|| format!("cannot create {}", args.folder.display()))?;
    for definition in crd::all(&node_schemas(idflow_nodes::kinds()))? {
        let file = args.folder.join(crd::file_name(&definition));
        std::fs::write(&file, crd::render_yaml(&definition)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let kib = crd::size(&definition).div_ceil(1024);
        say!("{:<14} {kib:>4} KiB as JSON  {}", definition.spec.names.kind, file.display());
    }
    Ok(())
}
