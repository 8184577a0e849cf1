//! Why a look failed, and what that means for the next one.
//!
//! A failure is sorted where it is born, by what could help: an edit, somebody else, or time alone.

use std::fmt;

use idflow_api::reason::Reason;
use idflow_core::time::Span;

use crate::queue::Next;

/// How long a look waits for something that no watch tells of: a right that is granted, a definition that is installed,
/// an admission policy that is corrected.
const LOOK_AGAIN: Span = Span::minutes(5);

/// What could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Another object, or another rule of the cluster's for it.
    Terminal,
    /// Something that somebody else must do, and of which no watch tells.
    Waiting,
    /// Time. The server may have said how much at least.
    Transient(Option<Span>),
}

/// Why a look failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) class: Class,
}

impl Failure {
    /// A failure that time may heal.
    pub(crate) fn transient(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), class: Class::Transient(None) }
    }

    /// A failure that somebody else must heal.
    pub(crate) fn waiting(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), class: Class::Waiting }
    }

    /// When to look again.
    pub(crate) const fn next(&self) -> Next {
        match self.class {
            Class::Terminal | Class::Waiting => Next::After(LOOK_AGAIN),
            Class::Transient(at_least) => Next::Retry(at_least),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(answer) = &error else {
            return Self::transient(Reason::ApiError, error.to_string());
        };
        let seconds = answer.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        let at_least = (seconds > 0).then(|| Span::seconds(i64::from(seconds)));
        Self {
            reason: Reason::ApiError,
            message: format!("the API server answered {}: {}", answer.code, answer.message),
            class: class_of(answer.code, at_least),
        }
    }
}

/// What an answer means. Whatever is not listed is taken for something that passes.
fn class_of(code: u16, at_least: Option<Span>) -> Class {
    match code {
        // It will never take this object as it is.
        400 | 405 | 406 | 413 | 415 | 422 => Class::Terminal,
        // A right, a quota, a namespace or a definition is not there.
        403 | 404 => Class::Waiting,
        // A credential is being renewed (401), somebody wrote at the same time (409), a version is too old (410), the
        // server has too much to do (429), or it is not well.
        _ => Class::Transient(at_least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;
    use serde_json::json;

    fn answered(code: u16, retry_after_seconds: u32) -> Class {
        let status = json!({ "code": code, "details": { "retryAfterSeconds": retry_after_seconds } });
        let status: Status = serde_json::from_value(status).unwrap();
        Failure::from(kube::Error::Api(status.boxed())).class
    }

    #[test]
    fn an_answer_of_the_api_server_says_what_could_help() {
        let soon = Class::Transient(None);
        for (code, expected) in [
            (400, Class::Terminal),
            (401, soon),
            (403, Class::Waiting),
            (404, Class::Waiting),
            (409, soon),
            (410, soon),
            (422, Class::Terminal),
            (429, soon),
            (500, soon),
            (503, soon),
        ] {
            assert_eq!(answered(code, 0), expected, "{code}");
        }
        for code in [429, 500, 503] {
            assert_eq!(answered(code, 7), Class::Transient(Some(Span::seconds(7))), "{code}");
        }
    }

    #[test]
    fn a_server_that_cannot_be_reached_or_does_not_answer_is_asked_again() {
        for cause in [std::io::ErrorKind::ConnectionRefused, std::io::ErrorKind::TimedOut] {
            let error = kube::Error::Service(Box::new(std::io::Error::from(cause)));
            assert_eq!(Failure::from(error).class, Class::Transient(None), "{cause}");
        }
    }

    #[test]
    fn the_class_says_when_to_look_again() {
        let next = |class| Failure { reason: Reason::ApiError, message: String::new(), class }.next();
        // Neither a granted right nor a corrected admission policy is told by a watch.
        for class in [Class::Terminal, Class::Waiting] {
            assert_eq!(next(class), Next::After(Span::minutes(5)));
        }
        assert_eq!(next(Class::Transient(None)), Next::Retry(None));
        assert_eq!(next(Class::Transient(Some(Span(1)))), Next::Retry(Some(Span(1))));
    }
}
