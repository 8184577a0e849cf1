//! The provider's addresses: one file each, one line in the list below.

use crate::client::Client;
use crate::http::Cache;

macro_rules! endpoints {
    ($($name:ident: $paths:expr, $methods:expr, $cors:ident, $cache:ident, $rate:ident;)+) => {
        $(pub mod $name;)+

        /// Every endpoint, in the order of a sign-in.
        pub const ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            name: stringify!($name),
            paths: &$paths,
            methods: &$methods,
            cors: Cors::$cors,
            cache: Cache::$cache,
            rate: Rate::$rate,
        }),+];
    };
}

endpoints! {
    discovery: ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"], ["GET"], RegisteredOrigins, FiveMinutes, Public;
    jwks: ["/oauth2/jwks"], ["GET"], RegisteredOrigins, FiveMinutes, Public;
    authorize: ["/oauth2/authorize"], ["GET", "POST"], Never, Never, Journey;
    token: ["/oauth2/token"], ["POST"], RegisteredOrigins, Never, Client;
    userinfo: ["/oauth2/userinfo"], ["GET", "POST"], RegisteredOrigins, Never, Client;
}

/// The facts of an endpoint that the server needs for routing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The name of its file.
    pub name: &'static str,
    /// Where it is served, under the issuer.
    pub paths: &'static [&'static str],
    /// The methods it takes; any other is 405.
    pub methods: &'static [&'static str],
    /// Who may call it from a page of another origin.
    pub cors: Cors,
    /// Whether its answers may be kept.
    pub cache: Cache,
    /// By what its calls are limited.
    pub rate: Rate,
}

/// Who may call an endpoint from a page of another origin (checklist O-36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cors {
    /// Nobody.
    Never,
    /// Pages of origins that clients registered.
    RegisteredOrigins,
}

/// By what an endpoint's calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Same answer for everybody: by address, generously.
    Public,
    /// May begin a journey: by address, as journeys are.
    Journey,
    /// By client.
    Client,
}

impl Endpoint {
    /// The cross-origin headers of an answer to a page of `origin`; none when it may not read the answer. `clients`
    /// is the one client that calls, or all of them where the request names none (preflight, JWKS, discovery).
    pub fn cors<'a>(
        &self,
        origin: &str,
        clients: impl IntoIterator<Item = &'a Client>,
    ) -> Vec<(&'static str, String)> {
        let mut registered =
            clients.into_iter().filter(|client| !client.disabled).flat_map(|client| &client.allowed_origins);
        if self.cors == Cors::Never || !registered.any(|known| known == origin) {
            return Vec::new();
        }
        vec![("access-control-allow-origin", origin.to_owned()), ("vary", "origin".to_owned())]
    }

    /// The answer's further headers to an allowed preflight request (Fetch standard); its status is 204.
    pub fn preflight(&self) -> Vec<(&'static str, String)> {
        vec![
            ("access-control-allow-methods", self.methods.join(", ")),
            ("access-control-allow-headers", "authorization, content-type".to_owned()),
            ("access-control-max-age", "600".to_owned()),
        ]
    }

    /// The endpoint of a name in [`ENDPOINTS`].
    pub fn named(name: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|endpoint| endpoint.name == name)
    }
}
