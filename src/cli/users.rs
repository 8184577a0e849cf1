//! `idflow users`: what an executor knows about its accounts as a whole.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use idflow_core::digest::Digest;
use idflow_store::{Doubt, DoubtfulName, DoubtfulNames};

/// How long a page may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Arguments of `idflow users`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Lists the accounts that meet in one form of a name, so that none of them is found by it; addresses that nobody can
    /// have or that may be somebody else's, and names that mix scripts.
    Duplicates(Server),
}

/// The second port of an executor: of `idflow dev --admin`, or of a pod through `kubectl port-forward`.
#[derive(clap::Args)]
struct Server {
    /// Where it is.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    server: String,
    /// The file with its bearer token: `admin.token` beside the accounts of `idflow dev`, or the entry of the tenant's
    /// keys Secret.
    #[arg(long, value_name = "FILE")]
    token: PathBuf,
}

/// Asks page by page, and prints each as it comes.
pub(crate) fn run(args: Args) -> ExitCode {
    let Command::Duplicates(server) = args.command;
    crate::block_on(async move {
        let asking = Asking::new(&server)?;
        let (mut after, mut seen) = (None, BTreeSet::new());
        loop {
            let page = asking.page(after).await?;
            if !page.found.is_empty() {
                say!("{}", listing(&page.found));
            }
            seen.extend(page.found.iter().map(|name| name.doubt));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        say!("{}", advice(&seen));
        Ok(())
    })
}

/// An executor that is asked.
struct Asking {
    server: String,
    token: String,
    client: reqwest::Client,
}

impl Asking {
    #[expect(
        clippy::disallowed_methods,
        reason = "the administrator names the server, on loopback or behind a port-forward"
    )]
    fn new(Server { server, token }: &Server) -> anyhow::Result<Self> {
        let token =
            std::fs::read_to_string(token).with_context(|| format!("cannot read {}", token.display()))?;
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { server: server.trim_end_matches('/').to_owned(), token: token.trim().to_owned(), client })
    }

    async fn page(&self, after: Option<Digest>) -> anyhow::Result<DoubtfulNames> {
        let server = &self.server;
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let address = format!("{server}/users/duplicates{after}");
        let response = self.client.get(&address).bearer_auth(&self.token).send().await;
        let response = response
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("{server} does not answer"))?;
        let status = response.status();
        anyhow::ensure!(status != http::StatusCode::UNAUTHORIZED, "{server} does not know the token");
        anyhow::ensure!(status.is_success(), "{server} answers {status}; its log says why");
        response.json().await.with_context(|| format!("{server} answers something else than a list of users"))
    }
}

/// One block for each name. Values are shown with their invisible characters written out.
fn listing(found: &[DoubtfulName]) -> String {
    let block = |DoubtfulName { doubt, directory, attribute, name, users }: &DoubtfulName| {
        let users = users.iter().map(|(id, value)| format!("\n  {id}  {}", value.escape_debug()));
        let what = match doubt {
            Doubt::Shared => "several users have this name",
            Doubt::NoAddress => "nobody can have this address",
            Doubt::AnothersAddress => "may be the address of somebody else",
            Doubt::MixedScripts => "mixes scripts, and may be taken for another name",
        };
        format!("{directory}: {attribute} {}: {what}{}", name.escape_debug(), users.collect::<String>())
    };
    let blocks: Vec<String> = found.iter().map(block).collect();
    blocks.join("\n")
}

/// What to do about the doubts that were found.
fn advice(found: &BTreeSet<Doubt>) -> String {
    let lines = found.iter().map(|doubt| match doubt {
        Doubt::Shared => {
            "Of users who have one name none is found by it. Change the value of all but one, or remove them."
        }
        Doubt::NoAddress => {
            "An address that nobody can have is mailed to as before, but no form takes it. Change it."
        }
        Doubt::AnothersAddress => {
            "A name that is an address keeps its owner from an account. Ask the user to prove the address, or change the name."
        }
        Doubt::MixedScripts => {
            "Look whether a name that mixes scripts stands for another one. Where it does, lock the account."
        }
    });
    let lines: Vec<&str> = lines.collect();
    if lines.is_empty() { "no name is doubtful: no two users have one".to_owned() } else { format!("\n{}", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::extract::RawQuery;
    use axum::routing::get;
    use axum::{Json, Router};
    use http::HeaderMap;
    use http::header::AUTHORIZATION;
    use idflow_core::id::UserId;

    use super::*;

    fn page(number: u8) -> DoubtfulNames {
        let users = [(1, "\u{e5}sa"), (2, "a\u{30a}sa\u{200b}")];
        let users = users.map(|(id, value)| (UserId::from_bytes([id; 16]), value.to_owned()));
        let one = DoubtfulName {
            doubt: if number == 1 { Doubt::Shared } else { Doubt::NoAddress },
            directory: "people".to_owned(),
            attribute: "username".to_owned(),
            name: "\u{e5}sa".to_owned(),
            users: BTreeMap::from(users),
        };
        DoubtfulNames { found: vec![one], next: (number == 1).then(|| Digest::of("a page")) }
    }

    async fn asked(token: &str, after: Option<Digest>) -> anyhow::Result<DoubtfulNames> {
        let answer = async |headers: HeaderMap, RawQuery(query): RawQuery| {
            let is_known = headers.get(AUTHORIZATION).is_some_and(|value| value == "Bearer t0ken");
            let is_second = query == Some(format!("after={}", Digest::of("a page")));
            if is_known { Ok(Json(page(if is_second { 2 } else { 1 }))) } else { Err(http::StatusCode::UNAUTHORIZED) }
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().route("/users/duplicates", get(answer));
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await });
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), token)?;
        let found = Asking::new(&Server { server, token: file.path().to_owned() })?.page(after).await;
        serving.shutdown().await;
        found
    }

    #[tokio::test]
    async fn whoever_shares_a_name_is_listed_page_by_page_with_what_nobody_sees() {
        let first = asked("t0ken\n", None).await.unwrap();
        let told = listing(&first.found);
        assert!(told.starts_with("people: username \u{e5}sa: several users"), "{told}");
        assert!(told.contains("a\\u{30a}sa\\u{200b}") || told.contains("a\u{30a}sa\\u{200b}"), "{told}");
        let second = asked("t0ken", first.next).await.unwrap();
        assert_eq!(second, page(2));
        assert!(asked("another", None).await.unwrap_err().to_string().contains("does not know the token"));
        assert!(advice(&[Doubt::Shared, Doubt::NoAddress].into()).contains("none is found by it"));
        assert!(advice(&BTreeSet::new()).contains("no two users"));
    }
}
