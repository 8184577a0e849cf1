//! What a tenant's executor consists of, as manifests.

use std::collections::BTreeSet;

use idflow_api::Tenant;
use idflow_api::tenant::Deletion;
use idflow_api::workload::{
    ADMIN_PORT, CACHE_PATH, COMPONENT_LABEL, DEFAULT_HASHING_SLOTS, EXECUTOR, HASHING_SLOTS, KEYS_PATH,
    KEYS_SECRET, MANAGED_BY_LABEL, MANAGER, PUBLIC_PORT, STORE_PATH, TENANT_LABEL,
};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Resource as _;
use serde_json::{Value, json};

use crate::rights::{self, TENANT_ROLE};

/// What an executor needs beside its password checks, in MiB.
const BASE_MEMORY: i32 = 180;

/// What each password check at one time needs, in MiB (checklist P-5).
const MEMORY_PER_SLOT: i32 = 19;

/// Everything that is applied for one tenant. Adding a field here without applying it does not compile.
pub(crate) struct Children {
    pub(crate) service_account: Value,
    pub(crate) role: Value,
    pub(crate) role_binding: Value,
    pub(crate) service: Value,
    pub(crate) workload: Value,
}

/// Renders a tenant's children. `existing` keeps what cannot be changed of a workload that is there.
pub(crate) fn render(
    tenant: &Tenant,
    default_image: &str,
    shared_secrets: &BTreeSet<String>,
    existing: Option<&StatefulSet>,
) -> Children {
    Children {
        service_account: object(
            tenant,
            "v1",
            "ServiceAccount",
            &json!({ "automountServiceAccountToken": false }),
        ),
        role: role(tenant, shared_secrets),
        role_binding: role_binding(tenant),
        service: service(tenant),
        workload: workload(tenant, default_image, existing),
    }
}

/// An object named after the executor, owned by the Tenant. Labels of the Tenant are not copied.
fn object(tenant: &Tenant, api_version: &str, kind: &str, content: &Value) -> Value {
    named(tenant, EXECUTOR, api_version, kind, content)
}

fn named(tenant: &Tenant, name: &str, api_version: &str, kind: &str, content: &Value) -> Value {
    let mut object = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": tenant.spec.namespace,
            "labels": labels(tenant),
            "ownerReferences": [tenant.controller_owner_ref(&())],
        },
    });
    for (key, value) in content.as_object().into_iter().flatten() {
        object[key.as_str()] = value.clone();
    }
    object
}

fn labels(tenant: &Tenant) -> Value {
    json!({
        MANAGED_BY_LABEL: MANAGER,
        COMPONENT_LABEL: "executor",
        TENANT_LABEL: tenant.metadata.name,
    })
}

/// What the operator may do in the namespace is fixed by a cluster role; this only says that it may do it here.
pub(crate) fn operator_binding(tenant: &Tenant, operator_namespace: &str, account: &str) -> Value {
    let content = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": TENANT_ROLE },
        "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": operator_namespace }],
    });
    named(tenant, TENANT_ROLE, "rbac.authorization.k8s.io/v1", "RoleBinding", &content)
}

fn role(tenant: &Tenant, shared_secrets: &BTreeSet<String>) -> Value {
    let rules = rights::executor(shared_secrets);
    object(tenant, "rbac.authorization.k8s.io/v1", "Role", &json!({ "rules": rules }))
}

fn role_binding(tenant: &Tenant) -> Value {
    let content = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": EXECUTOR },
        "subjects": [{ "kind": "ServiceAccount", "name": EXECUTOR, "namespace": tenant.spec.namespace }],
    });
    object(tenant, "rbac.authorization.k8s.io/v1", "RoleBinding", &content)
}

/// Only the public port: the second one is reached by pod address.
fn service(tenant: &Tenant) -> Value {
    let content = json!({ "spec": {
        "selector": labels(tenant),
        "ports": [{ "name": PUBLIC_PORT.0, "port": 80, "targetPort": PUBLIC_PORT.0, "protocol": "TCP" }],
    } });
    object(tenant, "v1", "Service", &content)
}

fn workload(tenant: &Tenant, default_image: &str, existing: Option<&StatefulSet>) -> Value {
    let when_deleted = match tenant.spec.deletion {
        Some(Deletion::Delete) => "Delete",
        Some(Deletion::Retain) | None => "Retain",
    };
    let content = json!({ "spec": {
        // The embedded store takes one process. Two would not corrupt it, but the second would not start.
        "replicas": 1,
        "serviceName": EXECUTOR,
        "podManagementPolicy": "Parallel",
        "selector": { "matchLabels": labels(tenant) },
        "persistentVolumeClaimRetentionPolicy": { "whenDeleted": when_deleted, "whenScaled": "Retain" },
        "template": { "metadata": { "labels": labels(tenant) }, "spec": pod(tenant, default_image) },
        "volumeClaimTemplates": [claim(tenant, existing)],
    } });
    object(tenant, "apps/v1", "StatefulSet", &content)
}

/// The claim counts when the volume is made. A later size or class cannot be applied, so what is there stays.
fn claim(tenant: &Tenant, existing: Option<&StatefulSet>) -> Value {
    let there = existing
        .and_then(|workload| workload.spec.as_ref()?.volume_claim_templates.as_ref()?.first()?.spec.clone());
    let store = tenant.spec.store.embedded.clone().unwrap_or_default();
    let (size, class) = match there {
        Some(spec) => {
            let requests = spec.resources.and_then(|resources| resources.requests);
            let size = requests.and_then(|requests| requests.get("storage").map(|size| size.0.clone()));
            (size, spec.storage_class_name)
        }
        None => (store.size, store.storage_class_name),
    };
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": size.unwrap_or_else(|| "1Gi".to_owned()) } },
    });
    if let Some(class) = class {
        spec["storageClassName"] = json!(class);
    }
    json!({ "metadata": { "name": "store" }, "spec": spec })
}

/// A pod that passes Pod Security "restricted".
fn pod(tenant: &Tenant, default_image: &str) -> Value {
    json!({
        "serviceAccountName": EXECUTOR,
        "automountServiceAccountToken": true,
        "enableServiceLinks": false,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "terminationGracePeriodSeconds": 30,
        "containers": [container(tenant, default_image)],
        "volumes": [
            { "name": "keys", "secret": { "secretName": KEYS_SECRET, "defaultMode": 0o440 } },
            { "name": "cache", "emptyDir": { "medium": "Memory", "sizeLimit": "64Mi" } },
        ],
    })
}

fn container(tenant: &Tenant, default_image: &str) -> Value {
    let settings = tenant.spec.executor.clone().unwrap_or_default();
    let resources = settings.resources.unwrap_or_default();
    let slots = hashing_slots(tenant);
    let memory = resources.memory.unwrap_or_else(|| format!("{}Mi", BASE_MEMORY + slots * MEMORY_PER_SLOT));
    let port = |(name, port): (&str, i32)| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let probe = |path: &str, period: i32, failures: i32| json!({ "httpGet": { "path": path, "port": ADMIN_PORT.0 }, "periodSeconds": period, "failureThreshold": failures });
    json!({
        "name": "executor",
        "image": settings.image.as_deref().unwrap_or(default_image),
        "args": arguments(tenant),
        "env": [{ "name": HASHING_SLOTS, "value": slots.to_string() }],
        "ports": [port(PUBLIC_PORT), port(ADMIN_PORT)],
        "readinessProbe": probe("/readyz", 2, 2),
        "livenessProbe": probe("/healthz", 10, 6),
        "resources": {
            "requests": { "cpu": resources.cpu.unwrap_or_else(|| "100m".to_owned()), "memory": memory },
            "limits": { "memory": memory },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "keys", "mountPath": KEYS_PATH, "readOnly": true },
            { "name": "store", "mountPath": STORE_PATH },
            { "name": "cache", "mountPath": CACHE_PATH },
        ],
    })
}

fn hashing_slots(tenant: &Tenant) -> i32 {
    tenant.spec.limits.as_ref().and_then(|limits| limits.hashing_slots).unwrap_or(DEFAULT_HASHING_SLOTS)
}

fn arguments(tenant: &Tenant) -> Value {
    json!([
        "executor",
        "--namespace",
        tenant.spec.namespace,
        "--listen",
        format!("0.0.0.0:{}", PUBLIC_PORT.1),
        "--admin-listen",
        format!("0.0.0.0:{}", ADMIN_PORT.1),
        "--keys",
        KEYS_PATH,
        "--store",
        STORE_PATH,
        "--cache",
        CACHE_PATH,
    ])
}
