use idflow_core::time::Span;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::*;
use crate::fixtures::NOW;
use pods::{Heard, Held, Refusal, Refused, Report};

fn pod(is_ready: bool, heard: Heard) -> Executor {
    Executor { name: "idflow-executor-0".to_owned(), is_ready, heard }
}

fn holding(digests: &[&str]) -> Heard {
    let revisions = digests.iter().map(|digest| Held { digest: (*digest).to_owned() }).collect();
    Heard {
        report: Some(Report { number: 1, catalog: 3, revisions, ..Report::default() }),
        silent_since: None,
    }
}

fn refusing(state: Refusal) -> Heard {
    let refused = vec![Refused { digest: "a".to_owned(), state, reason: "it has format 2".to_owned() }];
    Heard { report: Some(Report { refused, ..Report::default() }), silent_since: None }
}

fn silent_for(span: Span) -> Heard {
    Heard { report: None, silent_since: Some(NOW.plus(Span(-span.0))) }
}

fn judged(before: Option<&Condition>, pods: &[Executor]) -> Option<String> {
    let list = plan::loaded(before, 1, pods, |pod| pod.lacks("a"), NOW)?;
    Some(format!("{} {}", list[0].status, list[0].reason))
}

#[test]
fn a_revision_is_loaded_when_every_ready_pod_reports_it() {
    let cases = [
        ("no pod", vec![], "False NoExecutor"),
        ("no ready pod", vec![pod(false, holding(&["a"]))], "False NoExecutor"),
        ("the one pod has it", vec![pod(true, holding(&["a", "b"]))], "True Loaded"),
        (
            "one of two lacks it",
            vec![pod(true, holding(&["a"])), pod(true, holding(&["b"]))],
            "False NotLoaded",
        ),
        (
            "one that is not ready lacks it",
            vec![pod(true, holding(&["a"])), pod(false, holding(&[]))],
            "True Loaded",
        ),
        ("nothing heard yet", vec![pod(true, Heard::default())], "Unknown NotLoaded"),
        (
            "one cannot run it, another does not have it yet",
            vec![pod(true, holding(&["b"])), pod(true, refusing(Refusal::Unusable))],
            "False Unusable",
        ),
        ("the policy forbids it", vec![pod(true, refusing(Refusal::Forbidden))], "False Forbidden"),
        (
            "one that is not ready cannot run it",
            vec![pod(true, holding(&["a"])), pod(false, refusing(Refusal::Unusable))],
            "True Loaded",
        ),
    ];
    for (what, pods, expected) in cases {
        assert_eq!(judged(None, &pods).as_deref(), Some(expected), "{what}");
    }
}

#[test]
fn a_short_silence_changes_nothing_and_a_long_one_is_doubt() {
    let list = plan::loaded(None, 1, &[pod(true, holding(&["a"]))], |pod| pod.lacks("a"), NOW).unwrap();
    let known = &list[0];
    for (heard, expected) in [
        (Heard::default(), None),
        (silent_for(Span::seconds(5)), None),
        (silent_for(Span::seconds(31)), Some("Unknown NotLoaded")),
    ] {
        assert_eq!(judged(Some(known), &[pod(true, heard.clone())]).as_deref(), expected, "{heard:?}");
    }
}

#[test]
fn a_catalog_is_ready_when_every_ready_pod_follows_it() {
    for (generation, ready) in [(3, "True"), (4, "False")] {
        let pods = [pod(true, holding(&[]))];
        let list = plan::loaded(None, generation, &pods, |pod| pod.is_behind(generation), NOW).unwrap();
        let all = plan::with_readiness(&[], list, generation, NOW);
        assert_eq!(find(&all, idflow_api::condition::READY).unwrap().status, ready);
        assert_eq!(find(&all, LOADED).unwrap().status, ready);
    }
}

#[test]
fn the_slowest_ready_pod_says_which_catalog_is_followed() {
    let at = |catalog, is_ready| {
        let report = Report { number: 1, catalog, ..Report::default() };
        pod(is_ready, Heard { report: Some(report), silent_since: None })
    };
    for (what, pods, expected) in [
        ("no pod", vec![], None),
        ("one", vec![at(4, true)], Some(4)),
        ("two", vec![at(4, true), at(3, true)], Some(3)),
        ("one is not ready", vec![at(4, true), at(3, false)], Some(4)),
        ("one is silent", vec![at(4, true), pod(true, Heard::default())], Some(2)),
    ] {
        assert_eq!(plan::followed(Some(2), &pods), expected, "{what}");
    }
}

#[test]
fn an_executors_report_is_read_with_fields_of_later_versions() {
    let text =
        r#"{"number":4,"catalog":2,"revisions":[{"digest":"a","live":1}],"problems":[],"complete":true}"#;
    let report: Report = serde_json::from_str(text).unwrap();
    assert_eq!(report.revisions, [Held { digest: "a".to_owned() }]);
    assert_eq!(report.refused, [], "executors of the first version refuse nothing");
    let text =
        r#"{"number":4,"catalog":2,"revisions":[],"refused":[{"digest":"a","state":"cursed","reason":"x"}]}"#;
    let report: Report = serde_json::from_str(text).unwrap();
    assert_eq!(report.refused[0].state, Refusal::Unusable, "a word of a later version");
}

#[test]
fn a_pod_that_does_not_run_a_revision_is_named_with_its_reason() {
    let list =
        plan::loaded(None, 1, &[pod(true, refusing(Refusal::Unusable))], |pod| pod.lacks("a"), NOW).unwrap();
    assert_eq!(list[0].message, "pod idflow-executor-0 does not run it: it has format 2");
}
