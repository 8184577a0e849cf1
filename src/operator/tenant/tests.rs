use idflow_api::condition::{EXECUTOR_AVAILABLE, KEYS_PRESENT, READY, RECONCILING, STALLED, find};
use idflow_api::tenant::{
    Deletion, ExecutorSettings, KeyPurpose, KeyRecord, Limits, Resources, TenantStatus,
};
use idflow_core::chance::SeededChance;
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use k8s_openapi::api::apps::v1::{StatefulSetSpec, StatefulSetStatus};
use serde_json::json;

use super::*;
use crate::failure::Class;
use crate::fixtures::{NOW, tenant};
use keys::SigningKeys;

fn claim_of(tenant: &Tenant, exists: bool, holder: Option<&str>) -> Claim {
    let namespace = idflow_api::claim::Claim::Namespace(tenant.spec.namespace.clone());
    plan::claim(tenant, "idflow-system", exists, holder.map(|holder| (namespace, holder.to_owned())))
}

#[test]
fn k_18_a_tenant_gets_its_namespace_unless_something_stands_against_it() {
    let acme = tenant("acme");
    assert_eq!(claim_of(&acme, true, None), Claim::Granted);
    for namespace in ["kube-system", "kube-public", "idflow-system"] {
        let mut tenant = tenant("acme");
        tenant.spec.namespace = namespace.to_owned();
        let claim = claim_of(&tenant, true, None);
        assert!(matches!(claim, Claim::Refused(Reason::NamespaceRefused, _)), "{namespace}: {claim:?}");
    }
    assert!(matches!(claim_of(&acme, false, None), Claim::Waits(Reason::NamespaceNotFound, _)));
    let Claim::Waits(Reason::ClaimedByOther, message) = claim_of(&acme, true, Some("first")) else {
        panic!("not claimed by another");
    };
    assert!(message.contains("Tenant first is older"), "{message}");
}

#[test]
fn the_older_of_two_claims_holds() {
    let mut older = tenant("zeta");
    older.metadata.creation_timestamp = Some(idflow_api::condition::time(Timestamp(-1000)));
    let (older, younger) = (Arc::new(older), Arc::new(tenant("acme")));
    let both = [Arc::clone(&older), Arc::clone(&younger)];
    assert_eq!(denied(older.as_ref(), &both), None);
    assert_eq!(denied(younger.as_ref(), &both).map(|(_, holder)| holder), Some("zeta".to_owned()));
}

fn made() -> Keys {
    let text = |text: &str| SecretText::new(text);
    Keys::new(SigningKeys { es256: text("es"), rs256: text("rs") }, &SeededChance::new(7))
}

/// What, the record in the status, the Secret, and whether the verdict is right.
type Keeping<'a> = (&'a str, &'a [KeyRecord], Option<&'a Secret>, fn(&Verdict) -> bool);

#[test]
fn keys_are_made_once() {
    let acme = tenant("acme");
    let (records, secret) = (made().records(), made().manifest(&acme));
    let mut foreign = secret.clone();
    foreign
        .data
        .as_mut()
        .unwrap()
        .insert("sealing.key".to_owned(), k8s_openapi::ByteString(b"other".to_vec()));
    let mut incomplete = secret.clone();
    incomplete.data.as_mut().unwrap().remove("es256.pem");
    let changed = |previous: &str| {
        let mut secret = foreign.clone();
        let data = secret.data.as_mut().unwrap();
        let before = made().manifest(&acme).data.unwrap()["sealing.key"].clone();
        data.insert(previous.to_owned(), before);
        secret
    };
    let (changed, misplaced) = (changed("sealing-previous.key"), changed("es256-previous.pem"));
    let Verdict::Present(after) = keys::judge(&acme, &records, Some(&changed)) else { panic!("refused") };
    assert_ne!(after, records, "the status keeps the new key from then on");
    let other_tenant = made().manifest(&tenant("other"));
    let missing = |verdict: &Verdict| matches!(verdict, Verdict::Missing(_));
    let present = |verdict: &Verdict| matches!(verdict, Verdict::Present(_));
    let never = |verdict: &Verdict| matches!(verdict, Verdict::NeverMade);
    let cases: [Keeping; 12] = [
        ("a new tenant", &[], None, never),
        ("a tenant with its keys", &records, Some(&secret), present),
        ("a tenant that was made again finds its keys", &[], Some(&secret), present),
        ("a Secret that is gone is not made again", &records, None, missing),
        ("another sealing key", &records, Some(&foreign), missing),
        ("a sealing key that was changed, with the earlier one beside it", &records, Some(&changed), present),
        ("the same once the status knows", &after, Some(&changed), present),
        ("the earlier one was removed", &after, Some(&foreign), present),
        ("the earlier one in another place", &records, Some(&misplaced), missing),
        ("an entry is gone", &records, Some(&incomplete), missing),
        ("an incomplete Secret for a new tenant", &[], Some(&incomplete), missing),
        ("another tenant's keys for a new tenant", &[], Some(&other_tenant), missing),
    ];
    for (what, recorded, existing, expected) in cases {
        let verdict = keys::judge(&acme, recorded, existing);
        assert!(expected(&verdict), "{what}: {verdict:?}");
    }
}

#[test]
fn what_the_status_keeps_of_a_key_tells_nothing_about_it() {
    let records = made().records();
    let purposes: Vec<KeyPurpose> = records.iter().map(|record| record.purpose).collect();
    assert_eq!(purposes, [KeyPurpose::Sealing, KeyPurpose::ES256, KeyPurpose::RS256]);
    assert!(records.iter().all(|record| record.id.len() == 16));
    assert!(!format!("{:?}", made()).contains("es\""));
}

#[test]
fn keys_and_data_have_no_owner_unless_they_are_to_go_with_the_tenant() {
    let mut acme = tenant("acme");
    assert!(made().manifest(&acme).metadata.owner_references.is_none());
    assert_eq!(keys::ownership(&acme)["metadata"].get("ownerReferences"), None);
    let retention = |tenant: &Tenant| {
        let children = children::render(tenant, "image", &BTreeSet::new(), None);
        children.workload["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"].clone()
    };
    assert_eq!(retention(&acme), "Retain");
    acme.spec.deletion = Some(Deletion::Delete);
    assert_eq!(keys::ownership(&acme)["metadata"]["ownerReferences"][0]["name"], "acme");
    assert_eq!(retention(&acme), "Delete");
}

#[test]
fn k_9_the_executor_reads_only_secrets_that_are_shared_and_named() {
    let acme = tenant("acme");
    let none = children::render(&acme, "image", &BTreeSet::new(), None).role;
    let rules = none["rules"].as_array().unwrap();
    // A rule without names would mean every Secret.
    assert!(rules.iter().all(|rule| rule["apiGroups"] == json!(["idflow.dev"])), "{none}");
    let shared = BTreeSet::from(["smtp".to_owned()]);
    let role = children::render(&acme, "image", &shared, None).role;
    assert_eq!(role["rules"][1]["resourceNames"], json!(["smtp"]));
    assert_eq!(role["rules"][1]["verbs"], json!(["get", "list", "watch"]));
    for rule in role["rules"].as_array().unwrap() {
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
}

#[test]
fn a_pod_has_the_memory_that_its_password_checks_need() {
    for (slots, memory, environment, expected) in
        [(None, None, "4", "256Mi"), (Some(16), None, "16", "484Mi"), (Some(16), Some("1Gi"), "16", "1Gi")]
    {
        let mut tenant = tenant("acme");
        tenant.spec.limits = Some(Limits { hashing_slots: slots, ..Limits::default() });
        let resources = Resources { memory: memory.map(str::to_owned), cpu: None };
        tenant.spec.executor = Some(ExecutorSettings { resources: Some(resources), image: None });
        let workload = children::render(&tenant, "image", &BTreeSet::new(), None).workload;
        let container = &workload["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["env"], json!([{ "name": "IDFLOW_HASHING_SLOTS", "value": environment }]));
        assert_eq!(container["resources"]["requests"]["memory"], expected);
        assert_eq!(container["resources"]["limits"]["memory"], expected);
    }
}

#[test]
fn k_1_pods_pass_pod_security_restricted() {
    let workload = children::render(&tenant("acme"), "image", &BTreeSet::new(), None).workload;
    let pod = &workload["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume.get("hostPath").is_none());
    }
    let cache = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "cache").unwrap();
    assert_eq!(cache["emptyDir"]["medium"], "Memory");
}

/// Where a secret could reach a pod otherwise than as a file: environment and arguments.
#[test]
fn l_5_secrets_reach_pods_as_files_alone() {
    let named = BTreeSet::from(["mail".to_owned(), "app".to_owned()]);
    let workload = children::render(&tenant("acme"), "image", &named, None).workload;
    let pod = &workload["spec"]["template"]["spec"];
    for container in pod["containers"].as_array().unwrap() {
        assert!(container.get("envFrom").is_none() && container.get("command").is_none(), "{container}");
        for variable in container["env"].as_array().unwrap() {
            let value =
                variable["value"].as_str().unwrap_or_else(|| panic!("{variable}: read from elsewhere"));
            assert!(value.parse::<u32>().is_ok(), "{variable}: more than a number");
        }
        let arguments = container["args"].to_string();
        assert!(
            !["mail", "app", ".key", ".pem", "token"]
                .iter()
                .any(|word| arguments.contains(&format!("={word}"))),
            "{arguments}"
        );
        for mount in container["volumeMounts"].as_array().unwrap() {
            let volumes = pod["volumes"].as_array().unwrap();
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]);
            if volume.is_some_and(|volume| volume.get("secret").is_some()) {
                assert_eq!(mount["readOnly"], true, "{mount}");
            }
        }
    }
}

/// Base64, as a Secret's `data` has it.
fn encoded(text: &str) -> String {
    json!(k8s_openapi::ByteString(text.as_bytes().to_vec())).as_str().unwrap().to_owned()
}

/// What a Secret holds, in any object that the operator writes.
#[tokio::test]
async fn l_5_no_object_holds_what_a_secret_holds() {
    const CANARY: &str = "canary7391canary7391";
    let harness = crate::harness::Harness::signing_in().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "app", "namespace": "acme", "labels": { "idflow.dev/usable": "true" },
            "annotations": { "idflow.dev/hosts": "api.example" }
        },
        "data": { "current": encoded(CANARY), "token": encoded(CANARY) }
    });
    harness.put(&secret);
    let client = json!({ "authentication": "ClientSecretBasic", "secretRef": { "name": "app" }, "redirectURIs": ["https://a.example/"] });
    let http = json!({ "http": { "url": "https://api.example", "authentication": { "scheme": "Bearer", "secretRef": { "name": "app" } } } });
    harness.add(
        "acme",
        "oidcclients",
        &json!({ "kind": "OIDCClient", "metadata": { "name": "app" }, "spec": client }),
    );
    harness.add(
        "acme",
        "connections",
        &json!({ "kind": "Connection", "metadata": { "name": "api" }, "spec": http }),
    );
    harness.settle().await;
    harness.load_everything();
    harness.settle().await;
    assert_eq!(harness.ready_reason("OIDCClient", "app"), "Ready");
    assert_eq!(harness.ready_reason("Connection", "api"), "Ready");
    let others = harness.server.objects().into_iter().filter(|object| object["kind"] != "Secret");
    let others: Vec<String> = others.map(|object| object.to_string()).collect();
    assert!(others.len() > 8, "{}", others.len());
    let keys = harness.object("Secret", KEYS_SECRET);
    let keys = keys["data"].as_object().unwrap().values().map(|value| value.as_str().unwrap().to_owned());
    let secrets: Vec<String> = keys.chain([CANARY.to_owned(), encoded(CANARY)]).collect();
    for text in others.iter().chain([&harness.metrics()]) {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
            let reversed: String = secret.chars().rev().collect();
            assert!(!text.contains(&reversed), "{secret}, backwards, in {text}");
        }
    }
}

#[test]
fn children_belong_to_the_tenant_and_carry_none_of_its_labels() {
    let mut acme = tenant("acme");
    acme.labels_mut().insert("argocd.argoproj.io/instance".to_owned(), "platform".to_owned());
    let Children { service_account, role, role_binding, service, workload } =
        children::render(&acme, "image", &BTreeSet::new(), None);
    for child in [service_account, role, role_binding, service, workload] {
        assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], "uid-of-acme");
        assert_eq!(child["metadata"]["ownerReferences"][0]["controller"], true);
        assert!(!child.to_string().contains("argocd"), "{child}");
    }
}

#[test]
fn a_volume_that_is_there_keeps_its_size_and_class() {
    let mut acme = tenant("acme");
    let first = children::render(&acme, "image", &BTreeSet::new(), None).workload;
    let existing: StatefulSet = serde_json::from_value(first.clone()).unwrap();
    acme.spec.store.embedded.get_or_insert_default().size = Some("5Gi".to_owned());
    let claims = |workload: &Value| workload["spec"]["volumeClaimTemplates"].clone();
    let later = children::render(&acme, "image", &BTreeSet::new(), Some(&existing)).workload;
    assert_eq!(claims(&later), claims(&first));
    let fresh = children::render(&acme, "image", &BTreeSet::new(), None).workload;
    assert_eq!(fresh["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "5Gi");
}

fn running(ready: i32, updated: i32) -> Arc<StatefulSet> {
    let spec = StatefulSetSpec { replicas: Some(1), ..StatefulSetSpec::default() };
    let status = StatefulSetStatus {
        ready_replicas: Some(ready),
        updated_replicas: Some(updated),
        replicas: 1,
        ..StatefulSetStatus::default()
    };
    Arc::new(StatefulSet { spec: Some(spec), status: Some(status), ..StatefulSet::default() })
}

#[test]
fn the_status_says_how_far_a_tenant_is() {
    let present = || Some(Verdict::Present(made().records()));
    let granted = |keys, workload, problem| Observed {
        claim: Claim::Granted,
        judged: plan::Judged::default(),
        keys,
        workload,
        graces: Vec::new(),
        problem,
    };
    let refused = Claim::Refused(Reason::NamespaceRefused, "no".to_owned());
    let waits = Claim::Waits(Reason::ClaimedByOther, "no".to_owned());
    let nothing = |claim| {
        let (judged, graces) = Default::default();
        Observed { claim, judged, keys: None, workload: None, graces, problem: None }
    };
    let conflict = Some(Failure::waiting(Reason::Conflict, "Service idflow-executor exists"));
    let unacceptable =
        Some(Failure { reason: Reason::ApiError, message: "quantity".to_owned(), class: Class::Terminal });
    let gone = Some(Verdict::Missing("gone".to_owned()));
    let cases = [
        ("ready", granted(present(), Some(running(1, 1)), None), Reason::Ready, READY),
        ("starting", granted(present(), Some(running(0, 1)), None), Reason::ExecutorStarting, RECONCILING),
        ("rolling", granted(present(), Some(running(1, 0)), None), Reason::ExecutorStarting, RECONCILING),
        ("not begun", granted(present(), None, None), Reason::NoExecutor, RECONCILING),
        ("conflict", granted(present(), None, conflict), Reason::Conflict, RECONCILING),
        ("unacceptable", granted(present(), None, unacceptable), Reason::ApiError, STALLED),
        ("keys missing", granted(gone, Some(running(1, 1)), None), Reason::KeysMissing, RECONCILING),
        ("refused", nothing(refused), Reason::NamespaceRefused, STALLED),
        ("waits", nothing(waits), Reason::ClaimedByOther, RECONCILING),
    ];
    for (what, observed, reason, sign) in cases {
        let status = plan::status(&tenant("acme"), &observed, NOW);
        let ready = find(&status.conditions, READY).unwrap();
        assert_eq!(ready.reason, reason.as_str(), "{what}");
        assert_eq!(ready.status == "True", sign == READY, "{what}");
        for other in [RECONCILING, STALLED] {
            assert_eq!(find(&status.conditions, other).is_some(), other == sign, "{what}: {other}");
        }
        assert_eq!(status.observed_generation, Some(1), "{what}");
    }
}

#[test]
fn missing_keys_leave_the_record_of_the_right_ones_and_say_what_runs() {
    let mut acme = tenant("acme");
    acme.status = Some(TenantStatus { keys: made().records(), ..TenantStatus::default() });
    let keys = Some(Verdict::Missing("gone".to_owned()));
    let observed = Observed {
        claim: Claim::Granted,
        judged: plan::Judged::default(),
        keys,
        workload: Some(running(1, 1)),
        graces: Vec::new(),
        problem: None,
    };
    let status = plan::status(&acme, &observed, NOW);
    assert_eq!(status.keys, made().records());
    assert_eq!(find(&status.conditions, KEYS_PRESENT).unwrap().status, "False");
    assert_eq!(find(&status.conditions, EXECUTOR_AVAILABLE).unwrap().status, "True");
}

#[test]
fn l_8_the_status_keeps_the_key_that_a_changed_secret_holds() {
    let mut acme = tenant("acme");
    acme.status = Some(TenantStatus { keys: made().records(), ..TenantStatus::default() });
    let mut secret = made().manifest(&acme);
    let data = secret.data.as_mut().unwrap();
    let earlier = data.insert("sealing.key".to_owned(), k8s_openapi::ByteString(b"new".to_vec())).unwrap();
    data.insert("sealing-previous.key".to_owned(), earlier);
    let observe = |tenant: &Tenant, secret: &Secret| {
        let recorded = tenant.status.clone().unwrap().keys;
        let keys = Some(keys::judge(tenant, &recorded, Some(secret)));
        let (workload, graces) = (Some(running(1, 1)), Vec::new());
        let (claim, judged) = (Claim::Granted, plan::Judged::default());
        let observed = Observed { claim, judged, keys, workload, graces, problem: None };
        plan::status(tenant, &observed, NOW)
    };
    let changed = observe(&acme, &secret);
    assert_ne!(changed.keys, made().records());
    acme.status = Some(changed.clone());
    secret.data.as_mut().unwrap().remove("sealing-previous.key");
    let done = observe(&acme, &secret);
    assert_eq!(
        (find(&done.conditions, KEYS_PRESENT).unwrap().status.as_str(), done.keys),
        ("True", changed.keys)
    );
    let back = observe(&acme, &made().manifest(&acme));
    assert_eq!(
        find(&back.conditions, KEYS_PRESENT).unwrap().status,
        "False",
        "the one before is another key now"
    );
}

#[test]
fn an_unchanged_tenant_gets_no_new_status() {
    let mut acme = tenant("acme");
    let observe = || Observed {
        claim: Claim::Granted,
        judged: plan::Judged::default(),
        keys: Some(Verdict::Present(made().records())),
        workload: Some(running(1, 1)),
        graces: Vec::new(),
        problem: None,
    };
    let first = plan::status(&acme, &observe(), NOW);
    acme.status = Some(first.clone());
    assert_eq!(plan::status(&acme, &observe(), NOW.plus(Span::hours(1))), first);
}
