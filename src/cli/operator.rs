//! `idflow operator`: the controllers that turn tenants and flows into running executors.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use idflow_core::chance;
use idflow_core::time::SystemClock;
use idflow_executor::runtime;
use idflow_net::entropy::SystemChance;
use idflow_operator::{Environment, Settings, SigningKeys};

/// Arguments of `idflow operator`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The operator's own namespace: it holds the lease, and no tenant can have it.
    #[arg(long, default_value = "idflow-system", value_name = "NAMESPACE")]
    namespace: String,
    /// The operator's service account. It is given its rights inside each tenant's namespace by a binding to the
    /// cluster role idflow-operator-tenant. Absent: whatever rights the credentials have.
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// The image of executors whose Tenant names none.
    #[arg(long, default_value = concat!("ghcr.io/idflow/idflow:", env!("CARGO_PKG_VERSION")), value_name = "IMAGE")]
    executor_image: String,
    /// How many objects each controller looks at at one time.
    #[arg(long, default_value_t = 16, value_name = "N")]
    concurrency: usize,
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, default_value_t = SocketAddr::from(([0, 0, 0, 0], 9090)), value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The name of this process among operators. Absent: a random one.
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
}

/// Runs until it is asked to end, or until another operator leads.
pub(crate) fn run(args: Args) -> ExitCode {
    crate::block_on(operate(args))
}

async fn operate(args: Args) -> anyhow::Result<()> {
    crate::logging(true);
    idflow_net::install_crypto();
    let client = kube::Client::try_default().await.context("no API server is configured")?;
    let settings = Settings {
        namespace: args.namespace,
        service_account: args.service_account,
        identity: args.identity.unwrap_or_else(|| chance::token(&SystemChance)),
        executor_image: args.executor_image,
        concurrency: args.concurrency,
        listen: Some(args.listen),
    };
    let environment = Environment {
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        kinds: idflow_nodes::kinds(),
        make_signing_keys,
    };
    idflow_operator::run(client, settings, environment, runtime::termination()).await
}

fn make_signing_keys() -> Option<SigningKeys> {
    let pair = idflow_oidc::keys::generate().ok()?;
    Some(SigningKeys { es256: pair.es256, rs256: pair.rs256 })
}
