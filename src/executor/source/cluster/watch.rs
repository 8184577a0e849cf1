//! One watch: from the API server into a [`Mirror`], for ever.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Error, watcher};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::mirror::Mirror;

/// Follows what `config` selects. Every object is guarded, so that a malformed one costs only itself; an interrupted
/// watch begins anew after a growing, jittered wait. `changed` is told whenever there is news.
pub(super) async fn follow<K, V>(
    api: Api<DeserializeGuard<K>>,
    config: Config,
    mirror: Arc<Mirror<V>>,
    changed: Arc<Notify>,
    read: impl Fn(K) -> Option<V>,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    V: Clone + PartialEq,
{
    let kind = K::kind(&());
    let readable = |guarded: DeserializeGuard<K>| {
        let name = guarded.name_any();
        let value = guarded.0.ok().and_then(&read);
        if value.is_none() {
            // Not what is wrong: it may quote a Secret.
            tracing::warn!(%kind, name, "an object cannot be read; the last good one is kept");
        }
        value
    };
    let mut events = pin!(watcher(api, config).default_backoff());
    let mut failing = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                failing = false;
                if mirror.take(event, readable) {
                    changed.notify_one();
                }
            }
            Err(error) => {
                mirror.failed(is_refused(&error));
                if !std::mem::replace(&mut failing, true) {
                    let error = describe_watch(&error);
                    tracing::warn!(%kind, error, "a watch was interrupted; what it told last stays in use");
                }
            }
        }
    }
}

/// Whether the API server answered and will not answer otherwise by itself: a missing right, an unknown kind.
fn is_refused(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) => {
            matches!(status.code, 400 | 401 | 403 | 404 | 405)
        }
        _ => false,
    }
}

fn describe_watch(error: &Error) -> String {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            describe(error)
        }
        Error::WatchError(status) => format!("{} {}", status.code, status.message),
        Error::NoResourceVersion => error.to_string(),
    }
}

/// What went wrong, without a word of an answer that could not be read: it may be a Secret.
pub(super) fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        kube::Error::SerdeError(_) => "the answer of the API server cannot be read".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn api_error(code: u16) -> kube::Error {
        kube::Error::Api(Status { code, message: "because".to_owned(), ..Status::default() }.boxed())
    }

    #[test]
    fn a_missing_right_is_a_refusal_and_an_overloaded_server_is_not() {
        for (code, refused) in
            [(403, true), (404, true), (410, false), (429, false), (500, false), (503, false)]
        {
            assert_eq!(is_refused(&Error::InitialListFailed(api_error(code))), refused, "{code}");
        }
        assert!(!is_refused(&Error::NoResourceVersion));
    }

    #[test]
    fn l_1_an_answer_that_cannot_be_read_is_not_quoted() {
        let quoting = serde_json::from_str::<u8>(r#""s3cret""#).unwrap_err();
        assert!(quoting.to_string().contains("s3cret"), "a parser quotes");
        let error = Error::WatchFailed(kube::Error::SerdeError(quoting));
        assert!(!describe_watch(&error).contains("s3cret"));
        assert_eq!(describe_watch(&Error::WatchStartFailed(api_error(403))), "403 because");
    }
}
