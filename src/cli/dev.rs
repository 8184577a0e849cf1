//! `idflow dev DIR`: everything on this machine, no cluster.

mod audit;
mod demo;
mod mail;
mod page;
mod state;
mod terminal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use idflow_api::workload;
use idflow_core::chance::Chance;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::{Clock, SystemClock};
use idflow_executor::runtime::{self, Executor, Parts};
use idflow_executor::source::folder::{Folder, Reading};
use idflow_executor::users::{self, NewUser};
use idflow_factor::{Cost, Hasher};
use idflow_net::client::GuardedClient;
use idflow_net::entropy::SystemChance;
use idflow_net::guard::SystemResolver;
use idflow_oidc::keys::{self, KeyPair, Keys};
use idflow_pages::Pages;
use idflow_store::Store;
use idflow_store::seal::Keyring;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use terminal::Terminal;

pub(crate) use terminal::{line, time_of_day};

/// Where the audit records of a folder of manifests are, the earlier ones first.
pub(crate) fn audit_files(manifests: &Path, data: Option<&Path>) -> anyhow::Result<[PathBuf; 2]> {
    Ok(audit::files(&state::folder(manifests, data)?))
}

/// How often the folder is looked at, and for how long it must have been still: an edit runs within a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The files of the state folder that hold keys and everything else.
const KEYS: &str = "keys.json";
const STORE: &str = "store.redb";

/// Arguments of `idflow dev`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of manifests.
    folder: PathBuf,
    /// The Tenant that is served, where the folder has several: its namespace, and what names no namespace.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// More manifests that are served together with it: files and folders. Accounts stay those of the first folder.
    more: Vec<PathBuf>,
    /// Where visitors and applications find the issuer. Loopback only: there is no TLS.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where the demo application listens. Its client must have http://<ADDRESS>/callback as a redirect URI.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    demo: SocketAddr,
    /// Where accounts, keys and open journeys are kept. Without it: a folder of this folder of manifests' own in
    /// `$XDG_STATE_HOME/idflow/dev`, else in `~/.local/state/idflow/dev`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Users to create at the start: a JSON array of objects with attributes and `password`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Lifts the limits on how fast journeys begin, passwords and codes are guessed and mails are sent. For load tests.
    #[arg(long)]
    no_limits: bool,
    /// How passwords are hashed. `cheapest` is for load tests only and protects nobody.
    #[arg(long, default_value = "default", value_name = "COST")]
    password_hash: PasswordHash,
    /// Where the second port listens, with probes and metrics. Without it there is none. Metrics need the bearer token
    /// in the file `admin.token` beside the accounts.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

impl Args {
    /// All that is served.
    fn paths(&self) -> Vec<PathBuf> {
        std::iter::once(&self.folder).chain(&self.more).cloned().collect()
    }
}

/// The cost of a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PasswordHash {
    /// Argon2id with 19 MiB, t=2, p=1, as OWASP recommends.
    Default,
    /// The cheapest Argon2id there is: measures everything but the hash.
    Cheapest,
}

impl PasswordHash {
    /// The hasher; the cheapest one is announced loudly.
    pub(crate) fn hasher(self) -> Hasher {
        let cost = match self {
            Self::Default => Cost::Owasp,
            Self::Cheapest => Cost::Cheapest,
        };
        if self == Self::Cheapest {
            eprintln!("WARNING  passwords are hashed with {}: for load tests only", cost.describe());
        }
        Hasher::new(cost)
    }
}

/// Runs until it is interrupted.
pub(crate) fn run(args: Args) -> ExitCode {
    crate::block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    crate::logging(false);
    anyhow::ensure!(args.listen.ip().is_loopback(), "dev listens on loopback only, {} is not", args.listen);
    let issuer = format!("http://{}", args.listen);
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);

    // Whatever could keep it from serving comes first, so that nothing is said of what then does not happen, and
    // nothing is written.
    Folder::check(&args.paths(), args.tenant.as_deref())
        .with_context(|| format!("cannot serve {}", args.folder.display()))?;
    let users = args.users.as_deref().map(read_users).transpose()?;
    let listeners = Listeners::bind(&args).await?;
    let data = state::folder(&args.folder, args.data.as_deref())?;
    let secrets = Secrets::keep(&data, chance.as_ref())?;
    let store = Store::open_redb(data.join(STORE), secrets.keyring()?, Arc::clone(&chance)).await?;
    let kinds = idflow_nodes::kinds();
    let mut folder = Folder::open(&args.folder, &data, &issuer, kinds)
        .with_context(|| format!("cannot read {}", args.folder.display()))?
        .and(args.more.clone())
        .of_tenant(args.tenant.clone());
    let first = folder.read().with_context(|| format!("cannot read {}", args.folder.display()))?;
    terminal::reading(&first);

    let hasher = args.password_hash.hasher();
    if let Some(users) = users {
        load_users(users, &first, &store, &hasher, clock.as_ref(), chance.as_ref()).await?;
    }
    let catcher = mail::Catcher::new(Arc::clone(&clock));
    let parts = Parts {
        clock: Arc::clone(&clock),
        chance: Arc::clone(&chance),
        kinds,
        store,
        keys: secrets.keys()?,
        hasher,
        // One for each core: more would only wait for each other, and here no pod's memory is the bound.
        hashing_slots: std::thread::available_parallelism().map_or(2, usize::from),
        outbound: GuardedClient::new(Arc::new(SystemResolver), Vec::new()),
        mailer: Arc::new(catcher.clone()),
        observer: Arc::new(Terminal::keeping_in(&data)),
        pages: Pages::embedded()?,
        development: true,
        unlimited: args.no_limits,
        fetch: None,
        admin_token: args.admin.map(|_| admin_token(&data, chance.as_ref())).transpose()?,
    };
    let executor = Executor::new(parts, &first.snapshot);

    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    let demo = demo::Demo::at(format!("http://{}", listeners.demo.local_addr()?), issuer, &executor.app);
    terminal::addresses(&demo, lacking(&first, &demo).as_deref(), &args.folder, &data);
    tasks.spawn(reload(folder, demo.clone(), executor.reports.clone(), first));
    tasks.spawn(serve_demo(listeners.demo, demo, stop.clone()));
    let ends = stop.clone();
    tasks.spawn(async move {
        runtime::termination().await;
        ends.cancel();
    });
    executor.serve(listeners.public, listeners.admin, catcher.routes(), stop).await;
    tasks.shutdown().await;
    Ok(())
}

struct Listeners {
    public: TcpListener,
    demo: TcpListener,
    admin: Option<TcpListener>,
}

impl Listeners {
    async fn bind(args: &Args) -> anyhow::Result<Self> {
        let public = runtime::bind(args.listen).await?;
        let demo = runtime::bind(args.demo).await?;
        let admin = match args.admin {
            Some(address) => Some(runtime::bind(address).await?),
            None => None,
        };
        Ok(Self { public, demo, admin })
    }
}

async fn serve_demo(listener: TcpListener, demo: demo::Demo, stop: CancellationToken) {
    let (routes, limits) = (demo::routes(demo), idflow_net::listen::Limits::default());
    idflow_net::listen::serve(listener, None, routes, limits, stop.cancelled_owned()).await;
}

/// What keeps people from signing in to the demo application, as long as something does.
fn lacking(reading: &Reading, demo: &demo::Demo) -> Option<String> {
    if reading.manifests.is_empty() {
        return Some("the folder holds no .yaml or .yml file".to_owned());
    }
    demo.offers().err()
}

/// Takes each saved edit within a second.
async fn reload(
    mut folder: Folder,
    demo: demo::Demo,
    reports: idflow_executor::report::Reports,
    first: Reading,
) {
    let mut lacks = lacking(&first, &demo);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match folder.read_saved() {
            Ok(None) => {}
            Ok(Some(reading)) => {
                runtime::install(&demo.app, &reports, &reading.snapshot);
                terminal::reading(&reading);
                let before = std::mem::replace(&mut lacks, lacking(&reading, &demo));
                if lacks != before {
                    terminal::sign_in(&demo, lacks.as_deref());
                }
            }
            Err(error) => eprintln!("error: the folder cannot be read: {error}"),
        }
    }
}

/// The users of a file, and its name.
fn read_users(file: &Path) -> anyhow::Result<(PathBuf, Vec<NewUser>)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let users =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON array of users", file.display()))?;
    Ok((file.to_owned(), users))
}

async fn load_users(
    (file, users): (PathBuf, Vec<NewUser>),
    reading: &Reading,
    store: &Store,
    hasher: &Hasher,
    clock: &dyn Clock,
    chance: &dyn Chance,
) -> anyhow::Result<()> {
    let directories = &reading.snapshot.live.directories;
    let chosen = directories.iter().find(|(_, spec)| spec.default).or_else(|| directories.iter().next());
    let (name, spec) = chosen.context("users need a Directory, and the folder has none")?;
    let live = idflow_executor::source::live::directory(spec);
    let created = users::load(users, (name, &live), store, hasher, clock, chance).await?;
    say!("users     {created} created from {}", file.display());
    Ok(())
}

/// What a tenant's keys Secret holds in a cluster; here a file beside the store.
#[derive(serde::Serialize, serde::Deserialize)]
struct Secrets {
    sealing: String,
    es256: String,
    rs256: String,
}

impl Secrets {
    fn keep(data: &Path, chance: &dyn Chance) -> anyhow::Result<Self> {
        let (file, store) = (&data.join(KEYS), data.join(STORE));
        if file.exists() {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            // Made together: the one without the other has lost what it held.
            anyhow::ensure!(
                !text.is_empty(),
                "{} is empty, so nothing can open {}: restore it from a backup, or delete both to begin anew",
                file.display(),
                store.display()
            );
            return serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()));
        }
        anyhow::ensure!(
            !store.exists(),
            "{} is missing, and {} opens with it alone: restore it from a backup, or delete the store to begin anew",
            file.display(),
            store.display()
        );
        let pair = keys::generate()?;
        let secrets = Self {
            sealing: idflow_core::chance::token(chance),
            es256: pair.es256.expose_for("keeping it").to_owned(),
            rs256: pair.rs256.expose_for("keeping it").to_owned(),
        };
        state::keep(file, &serde_json::to_string_pretty(&secrets)?)?;
        Ok(secrets)
    }

    fn keyring(&self) -> anyhow::Result<Keyring> {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&self.sealing)?;
        let key: [u8; 32] =
            key.try_into().map_err(|_| anyhow::anyhow!("the sealing key has not 32 bytes"))?;
        Ok(Keyring::new("dev", &key, &[]))
    }

    fn keys(&self) -> anyhow::Result<Keys> {
        let pair = KeyPair { es256: SecretText::new(&*self.es256), rs256: SecretText::new(&*self.rs256) };
        Ok(Keys::new(&pair, &[])?)
    }
}

/// The bearer token of the second port, made at the first start.
fn admin_token(data: &Path, chance: &dyn Chance) -> anyhow::Result<Digest> {
    let file = data.join(workload::ADMIN_TOKEN);
    if !file.exists() {
        state::keep(&file, &idflow_core::chance::token(chance))?;
    }
    let token = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    // An empty one would be everybody's.
    anyhow::ensure!(!token.trim().is_empty(), "{} is empty: delete it", file.display());
    Ok(Digest::of(token.trim()))
}
