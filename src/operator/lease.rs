//! Leadership: one operator works at a time, others wait.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;

const NAME: &str = "idflow-operator";
const DURATION_SECONDS: u64 = 15;
const GRACE_SECONDS: u64 = 5;
const RELEASE_LIMIT: Duration = Duration::from_secs(3);

/// Who leads. One implementation over a Lease; behind a trait, so that the crate below can be exchanged.
pub(crate) trait Leadership {
    /// Waits until this process leads.
    async fn acquired(&mut self) -> anyhow::Result<()>;

    /// Waits until it does not lead any more.
    async fn lost(&mut self);

    /// Gives leadership up, so that a successor need not wait for it to run out.
    async fn release(self);
}

/// Leadership by a `coordination.k8s.io` Lease.
pub(crate) struct Lease {
    state: watch::Receiver<bool>,
    task: tokio::task::JoinHandle<Result<kube_lease_manager::LeaseManager, LeaseManagerError>>,
}

impl Lease {
    /// Begins to compete for the Lease in `namespace` under the name `identity`.
    pub(crate) async fn compete(client: Client, namespace: &str, identity: &str) -> anyhow::Result<Self> {
        let manager = LeaseManagerBuilder::new(client, NAME)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_field_manager(format!("idflow.dev/lease-{identity}"))
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await?;
        let (state, task) = manager.watch().await;
        Ok(Self { state, task })
    }
}

impl Leadership for Lease {
    async fn acquired(&mut self) -> anyhow::Result<()> {
        self.state.wait_for(|leads| *leads).await.map_err(|_| anyhow::anyhow!("the lease task ended"))?;
        Ok(())
    }

    async fn lost(&mut self) {
        let _ended = self.state.wait_for(|leads| !leads).await;
    }

    async fn release(self) {
        let Self { state, task } = self;
        // The task releases the lease when nobody listens to it any more.
        drop(state);
        let _released = tokio::time::timeout(RELEASE_LIMIT, task).await;
    }
}
