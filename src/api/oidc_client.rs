//! `OIDCClient`: an application that signs its users in here.

use idflow_core::time::Span;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address;
use crate::bounds::{Label, ObjectName, Text};
use crate::claim::{Claim, Claims};
use crate::flow::ReferencedStatus;

/// An application (relying party) that signs its users in here over OpenID Connect.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "OIDCClient",
    namespaced,
    status = "ReferencedStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "oc",
    doc = "An application that signs its users in here over OpenID Connect.",
    selectable = ".spec.secretRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Authentication", type_ = "string", json_path = ".spec.authentication"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.authentication == 'None') != has(self.secretRef)")
        .message("a client with a secret names it in secretRef, and a client with authentication None has none"),
    validation = Rule::new(
        "!has(self.pkce) || self.pkce == 'Required' || self.authentication != 'None'"
    )
    .message("pkce: OptionalWithNonce is for clients that have a secret: without PKCE anybody could redeem the code of a public client"),
    validation = Rule::new(
        "!has(self.grants) || !self.grants.exists(one, one == 'ClientCredentials') || self.authentication != 'None'"
    )
    .message("grants: ClientCredentials is for clients that have a secret: anybody could pass for a public client"),
    validation = Rule::new(
        "(has(self.redirectURIs) && size(self.redirectURIs) > 0) || (has(self.grants) && self.grants.all(one, one == 'ClientCredentials'))"
    )
    .message("redirectURIs says where a browser goes after signing in; only a client with no grant but ClientCredentials has none")
)]
pub struct OIDCClientSpec {
    /// The name visitors see. Absent means the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<128>>")]
    pub display_name: Option<String>,
    /// The `client_id` of the protocol. Absent means the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<128>>", regex(pattern = "^[A-Za-z0-9._~-]+$"))]
    pub client_id: Option<String>,
    /// Where a browser may be sent back to, compared character by character. https, except on loopback
    /// addresses and for private-use schemes with a dot such as `com.example.app:/done`; no fragment. One exception: of a
    /// client without a secret, `http://127.0.0.1/path` or `http://[::1]/path` without a port stands for any port, because
    /// a program on a device gets a free one from its system (RFC 8252 section 7.3). Absent: nowhere,
    /// for a client that uses nothing but ClientCredentials.
    #[serde(rename = "redirectURIs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<RedirectUri>", length(max = 32), extend("x-kubernetes-list-type" = "set"))]
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after signing out, compared character by character. Absent: nowhere.
    #[serde(rename = "postLogoutRedirectURIs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<RedirectUri>", length(max = 32), extend("x-kubernetes-list-type" = "set"))]
    pub post_logout_redirect_uris: Vec<String>,
    /// What the client may ask the token endpoint for. Absent means AuthorizationCode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 3), extend("x-kubernetes-list-type" = "set"))]
    pub grants: Option<Vec<Grant>>,
    /// How the client shows who it is at the token endpoint. `ClientSecret` suits every library; the narrower two are for
    /// who wants to be sure which one is in use.
    pub authentication: ClientAuthentication,
    /// The Secret with the client's secret: entry `current`, and while it is being changed also `previous`. It
    /// needs the label `idflow.dev/usable: "true"`. Absent: the client has no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
    /// Scopes the client may ask for. Absent means openid, profile and email.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub scopes: Option<Vec<Scope>>,
    /// Claims about the user beside those of the scopes, in ID token and UserInfo. At most 32, together at most 4 KiB; one
    /// that cannot be computed is left out. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub claims: Vec<CustomClaim>,
    /// Whether every authorization request must use PKCE with S256. Absent means Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkce: Option<Pkce>,
    /// How ID tokens are signed. Absent means RS256, which every client understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signing_algorithm: Option<SigningAlgorithm>,
    /// How long the refresh token that was just exchanged gives the same successor once more, until that one is used:
    /// for clients that refresh twice at the same moment, or lose an answer. At most 60s; `0s` switches it off. A
    /// token that is shown later ends the sign-in. Absent means 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Seconds>")]
    pub refresh_grace: Option<Span>,
    /// Which flows the client's users run through. Absent: the default flow of each type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<ClientFlows>,
    /// Origins whose scripts may call the token and UserInfo endpoints from a browser (CORS), for example
    /// `https://app.example.com`. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Origin>", length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_origins: Vec<String>,
}

impl Claims for OIDCClientSpec {
    fn claims(&self, name: &str) -> Vec<Claim> {
        vec![Claim::ClientId(self.client_id.clone().unwrap_or_else(|| name.to_owned()))]
    }
}

impl crate::ResourceFacts for OIDCClient {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: app }
spec:
  redirectURIs: [https://app.acme.example/callback]
  authentication: None
";
}

macro_rules! pattern {
    ($name:ident, $max:literal, $pattern:literal, $description:literal, [$($rule:ident: $message:ident),+]) => {
        struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": 8, "maxLength": $max, "pattern": $pattern, "description": $description,
                    "x-kubernetes-validations": [$({ "rule": address::$rule, "message": address::$message }),+]
                })
            }
        }
    };
}

pattern!(
    RedirectUri,
    512,
    "^(https://[^/?#\\s*]+|http://(localhost|127\\.[0-9]+\\.[0-9]+\\.[0-9]+|\\[::1\\])(:[0-9]{1,5})?|[a-z][a-z0-9+-]*(\\.[a-z0-9+-]+)+:)([/?][^#\\s]*)?$",
    "An address such as `https://app.example.com/callback`; `http` only for `localhost`, and `com.example.app:/callback` for an app on a device.",
    [NO_OWN_PORT: NO_OWN_PORT_MESSAGE, REAL_PORT: REAL_PORT_MESSAGE, PLAIN_HOST: PLAIN_HOST_MESSAGE, ESCAPED: ESCAPED_MESSAGE]
);
pattern!(
    Origin,
    255,
    "^(https://[a-z0-9.-]+|http://(localhost|127\\.[0-9]+\\.[0-9]+\\.[0-9]+|\\[::1\\]))(:[0-9]{1,5})?$",
    "An origin such as `https://app.example.com`, without a path; `http` only for `localhost`.",
    [NO_OWN_PORT: NO_OWN_PORT_MESSAGE, REAL_PORT: REAL_PORT_MESSAGE]
);

/// A few seconds, such as `10s`.
struct Seconds;

impl JsonSchema for Seconds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^([0-5]?[0-9]|60)s$",
            "description": "A number of seconds such as `10s`, at most `60s`."
        })
    }
}

/// What a client may ask the token endpoint for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Grant {
    /// Redeem an authorization code.
    AuthorizationCode,
    /// Redeem a refresh token. A user must have granted `offline_access`.
    RefreshToken,
    /// Get an access token for itself, for nobody's account. Only with a secret.
    ClientCredentials,
}

/// How a client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ClientAuthentication {
    /// It does not: an application on the user's own device. PKCE protects its codes.
    None,
    /// By its secret, in the Authorization header or in the request body.
    ClientSecret,
    /// By its secret in the Authorization header only.
    ClientSecretBasic,
    /// By its secret in the request body only.
    ClientSecretPost,
}

/// A scope with a defined meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// OpenID Connect: an ID token with `sub`.
    Openid,
    /// Name and other profile claims.
    Profile,
    /// The e-mail address and whether it is verified.
    Email,
    /// The groups the user is in, as the claim `groups`: all of them. To tell fewer, or other names, write a claim `groups`
    /// with a value such as `user.groups.filter(g, g.startsWith('shop-'))`, which takes its place.
    Groups,
    /// A refresh token that outlives the session.
    OfflineAccess,
}

/// A claim that an application is told.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(reserved_rule())
        .message("the claim's name is reserved: applications tell tokens and people apart by it; choose another name")
)]
pub struct CustomClaim {
    /// What the claim is called, for example `department`. Those that say whom a token is about, for whom it is and how it
    /// was signed in, such as `sub`, `acr` and `email`, cannot be set, in any case.
    #[schemars(with = "Text<64>", regex(pattern = "^[A-Za-z_][A-Za-z0-9_.:/-]*$"))]
    pub name: String,
    /// A CEL expression for its value over `user`, with the Directory's attributes and `groups`, and `session`, with what
    /// the flow kept there. Null leaves the claim out.
    #[schemars(with = "Text<1024>")]
    pub value: String,
}

fn reserved_rule() -> String {
    format!("!(self.name.lowerAscii() in {:?})", idflow_core::claim::RESERVED).replace('"', "'")
}

/// Whether PKCE must be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Pkce {
    /// Always, with S256.
    Required,
    /// Not when the request carries a nonce. For clients with a secret that cannot do PKCE.
    OptionalWithNonce,
}

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// Which flows a client uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientFlows {
    /// The Login flow. Absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub login: Option<String>,
    /// The Registration flow, for `prompt=create`. Absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub registration: Option<String>,
    /// The ResetPassword flow. Absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub reset_password: Option<String>,
    /// The Logout flow. Absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub logout: Option<String>,
}

/// A Secret in the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Its name. The Secret needs the label `idflow.dev/usable: "true"`.
    #[schemars(with = "ObjectName")]
    pub name: String,
}
