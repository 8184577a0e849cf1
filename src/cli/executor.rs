//! `idflow executor`: journeys, hosted pages and the provider of one tenant, as the operator starts it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_api::workload;
use idflow_core::chance::Chance;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::{Clock, SystemClock};
use idflow_executor::observer::LogObserver;
use idflow_executor::runtime::{self, Executor, Parts};
use idflow_executor::source::cluster::ClusterSource;
use idflow_factor::{Cost, Hasher};
use idflow_net::client::GuardedClient;
use idflow_net::entropy::SystemChance;
use idflow_net::guard::SystemResolver;
use idflow_net::mail::SmtpMailer;
use idflow_oidc::keys::{KeyPair, Keys};
use idflow_pages::Pages;
use idflow_store::Store;
use idflow_store::seal::Keyring;
use tokio_util::sync::CancellationToken;

/// The file of the embedded store on its volume.
const STORE_FILE: &str = "store.redb";

/// Arguments of `idflow executor`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The tenant's namespace.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: String,
    /// Where visitors and applications find the issuer, behind an Ingress or a Gateway that ends TLS.
    #[arg(long, default_value_t = SocketAddr::from(([0, 0, 0, 0], 8080)), value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The second port, with probes, metrics and the report to the operator.
    #[arg(long, default_value_t = SocketAddr::from(([0, 0, 0, 0], 9090)), value_name = "ADDRESS")]
    admin_listen: SocketAddr,
    /// The mounted keys Secret.
    #[arg(long, default_value = workload::KEYS_PATH, value_name = "DIR")]
    keys: PathBuf,
    /// The volume of the embedded store.
    #[arg(long, default_value = workload::STORE_PATH, value_name = "DIR")]
    store: PathBuf,
    /// The memory-backed volume of the last good configuration, which includes Secrets.
    #[arg(long, default_value = workload::CACHE_PATH, value_name = "DIR")]
    cache: PathBuf,
    /// How many passwords are checked at one time, each with 19 MiB of memory.
    #[arg(long, env = workload::HASHING_SLOTS, default_value_t = workload::DEFAULT_HASHING_SLOTS, value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(i32).range(1..=256))]
    hashing_slots: i32,
}

/// Runs until it is asked to end.
pub(crate) fn run(args: Args) -> ExitCode {
    crate::block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    crate::logging(true);
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::read(&args.keys, &args.namespace)?;
    let file = args.store.join(STORE_FILE);
    let store = Store::open_redb(&file, secrets.keyring, Arc::clone(&chance))
        .await
        .with_context(|| format!("cannot open the store {}", file.display()))?;
    let (source, first) = ClusterSource::connect(&args.namespace, &args.cache).await?;
    let parts = Parts {
        clock: Arc::clone(&clock),
        chance,
        kinds: idflow_nodes::kinds(),
        store,
        keys: secrets.keys,
        hasher: Hasher::new(Cost::Owasp),
        hashing_slots: usize::try_from(args.hashing_slots)?,
        outbound: GuardedClient::new(Arc::new(SystemResolver), Vec::new()),
        mailer: Arc::new(SmtpMailer::new(clock)),
        observer: Arc::new(LogObserver),
        pages: Pages::embedded()?,
        development: false,
        unlimited: false,
        fetch: Some(source.fetcher()),
        admin_token: Some(secrets.admin_token),
    };
    let executor = Executor::new(parts, &first);
    // The configuration holds what is in it from now on.
    drop(first);

    let public = runtime::bind(args.listen).await?;
    let admin = runtime::bind(args.admin_listen).await?;
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(source.follow(Arc::clone(&executor.app), executor.reports.clone()));
    let ends = stop.clone();
    tasks.spawn(async move {
        runtime::termination().await;
        ends.cancel();
    });
    tracing::info!(namespace = args.namespace, listen = %args.listen, admin = %args.admin_listen, "the executor serves");
    executor.serve(public, Some(admin), axum::Router::new(), stop).await;
    tasks.shutdown().await;
    Ok(())
}

/// The mounted keys Secret.
struct Secrets {
    keys: Keys,
    keyring: Keyring,
    admin_token: Digest,
}

impl Secrets {
    /// The store is sealed for the namespace, which a tenant never changes.
    fn read(folder: &Path, namespace: &str) -> anyhow::Result<Self> {
        let current = pair(folder, workload::KEY_ES256, workload::KEY_RS256)?;
        let mut others = Vec::new();
        for (es256, rs256) in workload::OTHER_KEYS {
            if folder.join(es256).exists() || folder.join(rs256).exists() {
                others.push(pair(folder, es256, rs256)?);
            }
        }
        let previous = folder.join(workload::KEY_SEALING_PREVIOUS).exists();
        let previous = previous.then(|| sealing(folder, workload::KEY_SEALING_PREVIOUS)).transpose()?;
        let token = read(folder, workload::ADMIN_TOKEN)?;
        anyhow::ensure!(!token.is_empty(), "{} in {} is empty", workload::ADMIN_TOKEN, folder.display());
        Ok(Self {
            keys: Keys::new(&current, &others)
                .with_context(|| format!("a signing key in {}", folder.display()))?,
            keyring: Keyring::new(namespace, &sealing(folder, workload::KEY_SEALING)?, previous.as_slice()),
            admin_token: Digest::of(token.expose_for("comparing bearer tokens")),
        })
    }
}

fn pair(folder: &Path, es256: &str, rs256: &str) -> anyhow::Result<KeyPair> {
    Ok(KeyPair { es256: read(folder, es256)?, rs256: read(folder, rs256)? })
}

fn sealing(folder: &Path, name: &str) -> anyhow::Result<[u8; 32]> {
    let text = read(folder, name)?;
    let key = URL_SAFE_NO_PAD.decode(text.expose_for("sealing")).ok().and_then(|key| key.try_into().ok());
    key.with_context(|| {
        format!("{name} in {} is not 32 bytes as 43 characters of base64url", folder.display())
    })
}

fn read(folder: &Path, name: &str) -> anyhow::Result<SecretText> {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("cannot read {}; it is an entry of the Secret {}", path.display(), workload::KEYS_SECRET)
    })?;
    Ok(SecretText::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write_pair(&folder, workload::KEY_ES256, workload::KEY_RS256);
        write(&folder, workload::KEY_SEALING, &URL_SAFE_NO_PAD.encode([7; 32]));
        write(&folder, workload::ADMIN_TOKEN, "t0ken");
        folder
    }

    fn write_pair(folder: &tempfile::TempDir, es256: &str, rs256: &str) {
        let pair = idflow_oidc::keys::generate().unwrap();
        write(folder, es256, pair.es256.expose_for("a test"));
        write(folder, rs256, pair.rs256.expose_for("a test"));
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }

    fn refusal(folder: &tempfile::TempDir) -> String {
        let error = Secrets::read(folder.path(), "acme").err().expect("a refusal");
        let line = format!("{error:#}");
        assert!(!line.contains('\n') && !line.contains("s3cret"), "{line}");
        line
    }

    #[test]
    fn o_38_the_next_and_the_previous_keys_are_published_beside_the_current_ones() {
        let folder = mounted();
        let count = |folder: &tempfile::TempDir| {
            Secrets::read(folder.path(), "acme").unwrap().keys.published().count()
        };
        assert_eq!(count(&folder), 2);
        for (es256, rs256) in workload::OTHER_KEYS {
            write_pair(&folder, es256, rs256);
        }
        assert_eq!(count(&folder), 6);
    }

    #[test]
    fn every_key_that_is_missing_or_damaged_is_named_in_one_line_without_its_content() {
        for name in [workload::KEY_ES256, workload::KEY_RS256, workload::KEY_SEALING, workload::ADMIN_TOKEN] {
            let folder = mounted();
            std::fs::remove_file(folder.path().join(name)).unwrap();
            assert!(refusal(&folder).contains(name), "{}", refusal(&folder));
        }
        for (name, text) in
            [(workload::KEY_ES256, "s3cret"), (workload::KEY_SEALING, "s3cret"), (workload::ADMIN_TOKEN, "")]
        {
            let folder = mounted();
            write(&folder, name, text);
            refusal(&folder);
        }
        let folder = mounted();
        write(&folder, workload::OTHER_KEYS[0].0, "s3cret");
        assert!(refusal(&folder).contains(workload::OTHER_KEYS[0].1), "half a pair is a mistake");
    }

    #[tokio::test]
    async fn a_store_of_other_keys_is_refused_and_one_of_the_previous_key_is_not() {
        let folder = mounted();
        let file = folder.path().join(STORE_FILE);
        let open = async |folder: &tempfile::TempDir| {
            let secrets = Secrets::read(folder.path(), "acme").unwrap();
            Store::open_redb(&file, secrets.keyring, Arc::new(SystemChance)).await.map(drop)
        };
        open(&folder).await.unwrap();
        write(&folder, workload::KEY_SEALING, &URL_SAFE_NO_PAD.encode([8; 32]));
        let error = open(&folder).await.unwrap_err().to_string();
        assert!(error.contains("keys") && !error.contains('\n'), "{error}");
        write(&folder, workload::KEY_SEALING_PREVIOUS, &URL_SAFE_NO_PAD.encode([7; 32]));
        open(&folder).await.unwrap();
    }
}
