//! After a tenant's sealing key was changed: what the earlier key sealed is sealed anew, beside everything visitors do,
//! and told in the log and in `/metrics` until nothing is left. Then the earlier key may go (checklist L-8).

use std::time::Duration;

use idflow_store::{Resealed, StoreError};

use crate::app::{App, Shared};

/// How long after a round the next one begins, where something is left.
const EVERY: Duration = Duration::from_mins(1);

/// The same where nothing is: a process that has only the earlier key may still write.
const EVERY_LOOK: Duration = Duration::from_mins(10);

/// Follows for as long as the executor lives. Without an earlier key there is nothing to do.
pub(crate) async fn follow(app: Shared) {
    let mut is_done = false;
    while app.keyring.is_changing() {
        let was_done = is_done;
        match round(&app).await {
            Ok(left) => is_done = left == 0,
            Err(error) => {
                tracing::warn!(%error, "records could not be sealed under the new key: tried again");
            }
        }
        if is_done && !was_done {
            tracing::info!(key = %app.keyring.current(), "every record is under the current key");
        }
        tokio::time::sleep(if is_done { EVERY_LOOK } else { EVERY }).await;
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
