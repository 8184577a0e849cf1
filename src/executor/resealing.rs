//! After a tenant's sealing key was changed: what the earlier key sealed is sealed anew, beside everything visitors do,
//! and told in the log and in `/metrics` until nothing is left. Then the earlier key may go (checklist L-8).

use std::time::Duration;

use idflow_store::{Resealed, StoreError};

use crate::app::{App, Shared};

/// How long after a round the next one begins, which finds what was written meanwhile by a process with the earlier key.
const EVERY: Duration = Duration::from_mins(1);

/// Follows for as long as the executor lives. Without an earlier key there is nothing to do.
pub(crate) async fn follow(app: Shared) {
    let mut is_told = false;
    while app.keyring.is_changing() {
        match round(&app).await {
            Ok(0) if !is_told => {
                is_told = true;
                tracing::info!(key = %app.keyring.current(), "every record is under the current key: the earlier one may be removed");
            }
            Ok(left) => is_told = is_told && left == 0,
            Err(error) => {
                tracing::warn!(%error, "records could not be sealed under the new key: tried again");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Seals what is not under the current key, and returns how many records still are not.
pub async fn round(app: &App) -> Result<usize, StoreError> {
    let gauge = &app.metrics.sealed_earlier;
    let earlier = app.store.sealed_earlier(app.clock.now()).await?;
    gauge.set(i64::try_from(earlier).unwrap_or(i64::MAX));
    if earlier == 0 {
        return Ok(0);
    }
    let count_down = || {
        gauge.dec();
    };
    let Resealed { done, left } = app.store.reseal(app.clock.now(), count_down).await?;
    tracing::info!(done, left, key = %app.keyring.current(), "records were sealed under the current key");
    // What was written meanwhile is found by looking once more.
    let left = app.store.sealed_earlier(app.clock.now()).await?;
    gauge.set(i64::try_from(left).unwrap_or(i64::MAX));
    Ok(left)
}
