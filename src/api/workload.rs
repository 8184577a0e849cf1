//! What operator and executor agree on beside the custom resources: names, labels, ports, the keys Secret, and the
//! executor's command line.
//!
//! ```text
//! idflow executor --namespace NS --listen 0.0.0.0:8080 --admin-listen 0.0.0.0:9090
//!                 --keys /etc/idflow/keys --store /var/lib/idflow --cache /var/cache/idflow
//! ```
//!
//! [`HASHING_SLOTS`] in the environment says how many passwords are checked at one time. It is no argument, so that an
//! executor of a version that does not know it starts all the same.
//!
//! `--keys` is the mounted keys Secret, one file per entry below. `--store` is the embedded store's volume, `--cache`
//! the memory-backed volume of the last good configuration. The Catalog to follow is [`crate::catalog::NAME`].

/// The name of everything an executor consists of: `ServiceAccount`, Role, binding, workload, Service.
pub const EXECUTOR: &str = "idflow-executor";

/// The container port for visitors and applications.
pub const PUBLIC_PORT: (&str, i32) = ("http", 8080);

/// The container port for probes, metrics and `GET /revisions`.
pub const ADMIN_PORT: (&str, i32) = ("admin", 9090);

/// The environment variable with the number of password checks at one time.
pub const HASHING_SLOTS: &str = "IDFLOW_HASHING_SLOTS";

/// How many password checks run at one time where nobody says otherwise. Never the number of cores: a pod's memory does
/// not grow with its node.
pub const DEFAULT_HASHING_SLOTS: i32 = 4;

/// Where the keys Secret is mounted.
pub const KEYS_PATH: &str = "/etc/idflow/keys";

/// Where the embedded store's volume is mounted.
pub const STORE_PATH: &str = "/var/lib/idflow";

/// Where the memory-backed volume is mounted.
pub const CACHE_PATH: &str = "/var/cache/idflow";

/// The Secret with a tenant's keys. It has no owner and is never made anew.
pub const KEYS_SECRET: &str = "idflow-keys";

/// Entry of the keys Secret: the P-256 key that signs with ES256, PKCS#8 in PEM form.
pub const KEY_ES256: &str = "es256.pem";

/// Entry of the keys Secret: the RSA key that signs with RS256, PKCS#8 in PEM form.
pub const KEY_RS256: &str = "rs256.pem";

/// Entries of the keys Secret that may be absent: pairs of an ES256 and an RS256 key that are published beside those
/// that sign, before they become them and after (checklist O-38).
pub const OTHER_KEYS: [(&str, &str); 2] =
    [("es256-next.pem", "rs256-next.pem"), ("es256-previous.pem", "rs256-previous.pem")];

/// Entry of the keys Secret: the 32 bytes that seal the store, as 43 characters of base64url.
pub const KEY_SEALING: &str = "sealing.key";

/// Entry of the keys Secret that may be absent: the key that sealed the store before [`KEY_SEALING`], in its form.
pub const KEY_SEALING_PREVIOUS: &str = "sealing-previous.key";

/// Entry of the keys Secret: the bearer token of the second port, 43 characters of base64url.
pub const ADMIN_TOKEN: &str = "admin.token";

/// The label of everything the operator makes; its value is [`MANAGER`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// The value of [`MANAGED_BY_LABEL`].
pub const MANAGER: &str = "idflow";

/// The label that says what a thing is for, for example `executor`.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";

/// The label with the name of the Tenant a thing belongs to.
pub const TENANT_LABEL: &str = "idflow.dev/tenant";

/// The label of a `FlowRevision` with the type of its flow.
pub const FLOW_TYPE_LABEL: &str = "idflow.dev/flow-type";

/// The annotation of a `FlowRevision` with the lifetime of its journeys, for collection.
pub const LIFETIME_ANNOTATION: &str = "idflow.dev/lifetime";
