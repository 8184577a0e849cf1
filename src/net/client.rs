//! The one HTTP client for calls to the outside (checklist ).
//!
//! No redirects, no proxy, no cookies, no credentials of its own. Only `https`, or `http` to a granted loopback
//! address. What a value can change is the path below the connection's base and the query.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::guard::{Guard, Refused, Resolver, SystemResolver};

/// The largest answer, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// The most header fields of an answer.
const MAX_HEADERS: usize = 100;

/// The most bytes of an HTTP/2 answer's header.
const MAX_HEADER_BYTES: u32 = 32 << 10;

/// The most calls at one time.
const MAX_CALLS: usize = 64;

/// How long connecting may take, within the whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Methods that may be used.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Headers that belong to the connection, not to the caller.
const OWN_HEADERS: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
    "proxy-connection",
    "accept-encoding",
];

/// A call to the outside.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// An upper-case method: GET, HEAD, POST, PUT, PATCH or DELETE.
    pub method: String,
    /// The connection's base URL, for example `https://api.example.com/v1`.
    pub base: String,
    /// Path and query below it, escaped, beginning with `/` or `?`; see [`below`]. Empty: the base itself.
    pub path: String,
    /// Header fields. Their values are secret.
    pub headers: Vec<(String, SecretText)>,
    /// A JSON body, unless the headers name another type.
    pub body: Option<String>,
    /// How long everything together may take.
    pub timeout: Span,
    /// The only hosts that may be called; nothing means every one.
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks that may be reached although they are not public.
    pub allowed_networks: Vec<String>,
}

/// What came back, whatever the status. Redirects are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    /// The status code.
    pub status: u16,
    /// The type of the body, as the other side says.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Contains nothing of what the other side sent, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The call itself is not acceptable; repeating it is useless.
    #[error("{0}")]
    Invalid(String),
    /// The host or its address may not be called.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody answered, or not in HTTP.
    #[error("{0} could not be reached")]
    Unreachable(String),
    /// It took too long.
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// The answer has more than [`MAX_BODY`] bytes.
    #[error("the answer of {0} is larger than {MAX_BODY} bytes")]
    TooLarge(String),
    /// Too many calls are under way.
    #[error("too many calls are under way")]
    Busy,
}

/// Makes calls. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct GuardedClient(Arc<Inner>);

struct Inner {
    resolver: Arc<dyn Resolver>,
    roots: Vec<reqwest::Certificate>,
    /// The client of the current policy. Connections made under another policy are never used again.
    current: Mutex<Option<(Policy, reqwest::Client)>>,
    calls: Semaphore,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Policy {
    hosts: Option<Vec<String>>,
    networks: Vec<String>,
}

impl Default for GuardedClient {
    fn default() -> Self {
        Self::new(Arc::new(SystemResolver), Vec::new())
    }
}

impl GuardedClient {
    /// A client that looks names up with `resolver` and trusts `roots` besides the system's authorities.
    pub fn new(resolver: Arc<dyn Resolver>, roots: Vec<reqwest::Certificate>) -> Self {
        crate::install_crypto();
        let (current, calls) = (Mutex::new(None), Semaphore::new(MAX_CALLS));
        Self(Arc::new(Inner { resolver, roots, current, calls }))
    }

    /// Makes one call and reads the whole answer. Repeats nothing.
    pub async fn request(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let url = below(&request.base, &request.path)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let policy =
            Policy { hosts: request.allowed_hosts.clone(), networks: request.allowed_networks.clone() };
        let guard = Guard::new(policy.hosts.as_deref(), &policy.networks, Arc::clone(&self.0.resolver));
        let (method, headers) = (method(&request.method)?, headers(&request)?);
        // Addresses in place of names never reach the client's resolver.
        guard.check_host(&host)?;
        let _slot = self.0.calls.try_acquire().map_err(|_| OutboundError::Busy)?;
        let call = async {
            let client = self.client(policy, guard)?;
            let mut call = client.request(method, url).headers(headers);
            if let Some(body) = request.body {
                call = call.body(body);
            }
            let answer = call.send().await.map_err(|error| failure(&error, &host))?;
            read(answer, &host).await
        };
        tokio::time::timeout(request.timeout.to_std(), call)
            .await
            .unwrap_or_else(|_| Err(OutboundError::Timeout(host.clone())))
    }

    fn client(&self, policy: Policy, guard: Guard) -> Result<reqwest::Client, OutboundError> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = current.as_ref()
            && *known == policy
        {
            return Ok(client.clone());
        }
        let client = build(guard, &self.0.roots).map_err(|_| {
            OutboundError::Invalid("the system's certificate authorities cannot be read".into())
        })?;
        *current = Some((policy, client.clone()));
        Ok(client)
    }
}

#[expect(clippy::disallowed_methods, reason = "the guarded client itself")]
fn build(guard: Guard, roots: &[reqwest::Certificate]) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .dns_resolver(GuardedNames(Arc::new(guard)))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .user_agent("idflow")
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(8)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .tls_certs_merge(roots.iter().cloned())
        .build()
}

/// The check at the moment of dialling: what it returns is what is connected to.
struct GuardedNames(Arc<Guard>);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = guard.resolve(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The URL of a path below a base. The path changes neither scheme, host, port nor the base's own path: it begins
/// with `/` or `?` and has no dot segments, backslashes, control characters or fragment, in any spelling.
pub fn below(base: &str, path: &str) -> Result<Url, OutboundError> {
    let invalid = |message: &str| OutboundError::Invalid(message.to_owned());
    let base = base.trim_end_matches('/');
    let parsed = Url::parse(base).map_err(|_| invalid("the connection's base is no URL"))?;
    check_base(&parsed)?;
    if !path.is_empty() && !path.starts_with(['/', '?']) {
        return Err(invalid("a path below a connection begins with `/`"));
    }
    if path.contains(['\\', '#']) || path.chars().any(|character| character.is_control() || character == ' ')
    {
        return Err(invalid("a path has a character that must be escaped"));
    }
    let only_path = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    if only_path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(invalid("a path has a `.` or `..` segment"));
    }
    let url = Url::parse(&format!("{base}{path}")).map_err(|_| invalid("the path is not part of a URL"))?;
    let same = url.scheme() == parsed.scheme()
        && url.host() == parsed.host()
        && url.port() == parsed.port()
        && url.path().starts_with(parsed.path().trim_end_matches('/'));
    if same { Ok(url) } else { Err(invalid("a path leads out of its connection")) }
}

fn check_base(base: &Url) -> Result<(), OutboundError> {
    let invalid = |message: &str| Err(OutboundError::Invalid(message.to_owned()));
    if !base.username().is_empty() || base.password().is_some() {
        return invalid("a connection's base has no user name or password; use a Secret");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return invalid("a connection's base has no query and no fragment");
    }
    let is_loopback = match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return invalid("a connection's base has no host"),
    };
    match base.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => invalid("a connection's base is an https URL; http is only for loopback addresses"),
    }
}

fn method(name: &str) -> Result<Method, OutboundError> {
    METHODS.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        OutboundError::Invalid("the method is not GET, HEAD, POST, PUT, PATCH or DELETE".into())
    })
}

/// Later fields replace earlier ones of the same name. No message shows a value.
fn headers(request: &OutboundRequest) -> Result<HeaderMap, OutboundError> {
    let mut headers = HeaderMap::new();
    if request.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &request.headers {
        let invalid =
            || OutboundError::Invalid(format!("the header `{}` is not acceptable", name.escape_debug()));
        let name = HeaderName::try_from(name).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value.expose_for("a call's header")).map_err(|_| invalid())?;
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(invalid());
        }
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(headers)
}

async fn read(mut answer: reqwest::Response, host: &str) -> Result<OutboundResponse, OutboundError> {
    let content_type =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error, host))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(OutboundError::TooLarge(host.to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(OutboundResponse { status, content_type, body })
}

fn failure(error: &reqwest::Error, host: &str) -> OutboundError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return OutboundError::Refused(refused.clone());
        }
        source = cause.source();
    }
    if error.is_timeout() {
        OutboundError::Timeout(host.to_owned())
    } else {
        OutboundError::Unreachable(host.to_owned())
    }
}

#[cfg(test)]
mod tests;
