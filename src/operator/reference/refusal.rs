//! The last refusal of an application's requests, as its executors tell.

use idflow_api::OIDCClient;
use idflow_api::condition::{Conditions, REFUSED, Truth, find, time};
use idflow_api::reason::Reason;
use idflow_core::time::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::executor::plan::Executor;
use crate::executor::pods::ClientRefusal;

/// What the executors of a client's tenant tell.
pub(crate) enum Refused {
    /// None of them tells anything: what was known stays.
    Unknown,
    /// They have refused nothing since they began and since the client was edited.
    Nothing,
    /// This was the last.
    Last(ClientRefusal),
}

impl Refused {
    /// Of one client.
    pub(crate) fn of(client: &OIDCClient, executors: &[Executor]) -> Self {
        match last(client, executors) {
            Some(refusal) => Self::Last(refusal.clone()),
            None if executors.iter().any(|executor| executor.heard.report.is_some()) => Self::Nothing,
            None => Self::Unknown,
        }
    }
}

/// The last refusal of all executors.
pub(crate) fn last<'e>(client: &OIDCClient, executors: &'e [Executor]) -> Option<&'e ClientRefusal> {
    let name = client.metadata.name.as_deref();
    let id = client.spec.client_id.as_deref().or(name)?;
    let reports = executors.iter().filter_map(|executor| executor.heard.report.as_ref());
    reports.filter_map(|report| report.refusals.get(id)).max_by_key(|refusal| refusal.at)
}

/// The conditions with what is told of refusals. The moment stands in the message: it moves more often than the status.
pub(crate) fn added(
    mut conditions: Vec<Condition>,
    before: &[Condition],
    generation: i64,
    refused: Option<Refused>,
    now: Timestamp,
) -> Vec<Condition> {
    match refused {
        None | Some(Refused::Nothing) => {}
        Some(Refused::Unknown) => conditions.extend(find(before, REFUSED).cloned()),
        Some(Refused::Last(refusal)) => {
            let ClientRefusal { at, name, description, field } = refusal;
            let message = format!("at {}: {name}: {description}; {field} decides it", time(at).0);
            let told = Conditions::new(before, generation, now).set(
                REFUSED,
                Truth::True,
                Reason::RequestRefused,
                message,
            );
            conditions.extend(told.finish());
        }
    }
    conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    conditions
}
