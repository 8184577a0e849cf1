//! Whom a change of one of Kubernetes' own kinds concerns.

use idflow_api::{Connection, OIDCClient};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::PartialObjectMeta;

use super::{Controller, Router, Watched, enters_something};
use crate::built_in::BuiltIn;
use crate::cache::Change;

impl Watched for PartialObjectMeta<Namespace> {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        if change.is_other() {
            router.tenants_of_namespace(&change.key.name);
        }
    }
}

impl Watched for Pod {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        router.namespace(Controller::Executor, &change.key.namespace);
    }
}

/// Something the operator made for a tenant.
macro_rules! child {
    ($($Kind:ty),+) => {
        $(impl Watched for $Kind {
            fn changed(change: &Change<Self>, router: &Router<'_>) {
                router.tenants_of_namespace(&change.key.namespace);
            }
        })+
    };
}

child!(
    StatefulSet,
    PartialObjectMeta<Service>,
    PartialObjectMeta<ServiceAccount>,
    PartialObjectMeta<Role>,
    PartialObjectMeta<RoleBinding>
);

impl Watched for PartialObjectMeta<Secret> {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        let namespace = &change.key.namespace;
        router.references::<Connection>(namespace);
        router.references::<OIDCClient>(namespace);
        router.tenants_of_namespace(namespace);
    }

    fn listed_in(namespace: &str, router: &Router<'_>) {
        router.world.set_known(namespace, BuiltIn::Secret);
        router.everything_in(namespace);
    }
}

impl Watched for PartialObjectMeta<ConfigMap> {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        let name = &change.key.name;
        router.flows_that(&change.key.namespace, |flow| {
            flow.spec.texts_from.iter().any(|from| from == name) || enters_something(flow)
        });
    }

    fn listed_in(namespace: &str, router: &Router<'_>) {
        router.world.set_known(namespace, BuiltIn::ConfigMap);
        router.everything_in(namespace);
    }
}
