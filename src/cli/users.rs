//! `idflow users`: what an executor knows about its accounts as a whole.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use idflow_store::Duplicate;

/// How long a listing of many users may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Arguments of `idflow users`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Lists the accounts that meet in one form of a name, so that none of them is found by it.
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

/// Asks and prints.
pub(crate) fn run(args: Args) -> ExitCode {
    let Command::Duplicates(server) = args.command;
    crate::block_on(async move {
        let found = duplicates(&server).await?;
        say!("{}", listing(&found));
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "the administrator names the server, on loopback or behind a port-forward")]
async fn duplicates(Server { server, token }: &Server) -> anyhow::Result<Vec<Duplicate>> {
    let token = std::fs::read_to_string(token).with_context(|| format!("cannot read {}", token.display()))?;
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let address = format!("{}/users/duplicates", server.trim_end_matches('/'));
    let response = client.get(&address).bearer_auth(token.trim()).send().await;
    let response = response.map_err(reqwest::Error::without_url).with_context(|| format!("{server} does not answer"))?;
    let status = response.status();
    anyhow::ensure!(status != http::StatusCode::UNAUTHORIZED, "{server} does not know the token");
    anyhow::ensure!(status.is_success(), "{server} answers {status}; its log says why");
    response.json().await.with_context(|| format!("{server} answers something else than a list of users"))
}

/// One block for each name. Values are shown with their invisible characters written out.
fn listing(found: &[Duplicate]) -> String {
    if found.is_empty() {
        return "no two users have one name".to_owned();
    }
    let block = |Duplicate { directory, attribute, name, users }: &Duplicate| {
        let users = users.iter().map(|(id, value)| format!("\n  {id}  {}", value.escape_debug()));
        format!("{directory}: {attribute} {}{}", name.escape_debug(), users.collect::<String>())
    };
    let blocks: Vec<String> = found.iter().map(block).collect();
    format!("{}\n\nNone of them is found by that name. Change the value of all but one, or remove them.", blocks.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::routing::get;
    use axum::{Json, Router};
    use http::HeaderMap;
    use http::header::AUTHORIZATION;
    use idflow_core::id::UserId;

    use super::*;

    async fn asked(token: &str) -> anyhow::Result<String> {
        let users = [(1, "\u{e5}sa"), (2, "a\u{30a}sa\u{200b}")];
        let users = users.map(|(id, value)| (UserId::from_bytes([id; 16]), value.to_owned()));
        let one = Duplicate {
            directory: "people".to_owned(),
            attribute: "username".to_owned(),
            name: "\u{e5}sa".to_owned(),
            users: BTreeMap::from(users),
        };
        let answer = async move |headers: HeaderMap| {
            let is_known = headers.get(AUTHORIZATION).is_some_and(|value| value == "Bearer t0ken");
            if is_known { Ok(Json(vec![one.clone()])) } else { Err(http::StatusCode::UNAUTHORIZED) }
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().route("/users/duplicates", get(answer));
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await });
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), token)?;
        let found = duplicates(&Server { server, token: file.path().to_owned() }).await;
        serving.shutdown().await;
        Ok(listing(&found?))
    }

    #[tokio::test]
    async fn whoever_shares_a_name_is_listed_with_what_nobody_sees() {
        let told = asked("t0ken\n").await.unwrap();
        assert!(told.starts_with("people: username \u{e5}sa\n"), "{told}");
        assert!(told.contains("a\\u{30a}sa\\u{200b}") || told.contains("a\u{30a}sa\\u{200b}"), "{told}");
        assert!(asked("another").await.unwrap_err().to_string().contains("does not know the token"));
        assert_eq!(listing(&[]), "no two users have one name");
    }
}
