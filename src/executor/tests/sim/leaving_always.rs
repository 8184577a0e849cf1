//! Signing out waits for nobody: neither for the Logout flow, whatever is the matter with it, nor for a flow that says it
//! is done and has ended nothing.

use http::StatusCode;
use idflow_api::flow::FlowType;
use idflow_core::block::BlockTarget;
use idflow_test_support::form::link;

use crate::leaving::{ASKS, GOODBYE, SIGNED_OUT, SignedIn, followed, logout, says_yes, serving, target};
use crate::visitor::Browser;
use crate::world::{TENANT, World};

/// A tenant that signs people out by these steps.
pub(crate) fn with(start: &str, steps: &str) -> String {
    format!(
        "{TENANT}
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: {{ name: sign-out }}
spec:
  type: Logout
  default: true
  start: {start}
  texts: {{ bye: {{ en: Come back soon }}, stay: {{ en: You stay }} }}
  steps:
{steps}
"
    )
}

pub(crate) const ENDS: &str = "
    - { id: out, endSessions: {}, outcomes: { next: done } }
    - { id: done, complete: { title: bye } }";

/// Looked at from another network, which no flood has used up.
async fn is_out(world: &World, ada: &SignedIn) -> bool {
    let browser = Browser { peer: ([192, 0, 2, 1], 1).into(), ..ada.browser.clone() };
    let ada = SignedIn { browser, tokens: ada.tokens.clone() };
    let has_session = ada.has_session(world).await;
    assert_eq!(has_session, ada.has_tokens(world).await);
    !has_session
}

/// Signs out by the application's request, and in another world by a yes.
async fn signs_out(what: &str, breaks: impl AsyncFn(&mut World)) {
    for is_hinted in [true, false] {
        let (mut world, mut ada) = serving(&with("out", ENDS)).await;
        breaks(&mut world).await;
        if is_hinted {
            let path = logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE)]);
            let answer = ada.browser.get(&world, &path).await;
            assert_eq!(answer.location(), Some(GOODBYE), "{what}: {answer:?}");
        } else {
            let page = ada.browser.get(&world, "/oauth2/logout").await;
            assert!(page.body.contains(ASKS) && !is_out(&world, &ada).await, "{what}: {page:?}");
            let after = says_yes(&world, &mut ada.browser, &page).await;
            assert!(after.body.contains(SIGNED_OUT), "{what}: {after:?}");
        }
        assert!(is_out(&world, &ada).await, "{what}");
    }
}

#[tokio::test]
async fn o_37_signing_out_waits_for_no_flow() {
    let digest = |world: &World| world.app().configuration.load().flows["sign-out"].revisions[0].0;
    signs_out("too many starts", async |world| {
        let mut flood = Browser::new();
        while flood.get(world, "/flows/sign-in").await.status != StatusCode::TOO_MANY_REQUESTS {}
    })
    .await;
    signs_out("switched off by a mark", async |world| {
        let mark = world.nothing_read().block(BlockTarget::Revision(digest(world)));
        world.app().store.commit(mark).await.unwrap();
    })
    .await;
    signs_out("a revision that nobody holds", async |world| {
        let mut next = world.snapshot.clone();
        let entry = next.flows.iter_mut().find(|flow| flow.type_ == FlowType::Logout).unwrap();
        entry.entries[0].digest = idflow_core::digest::Digest::of("elsewhere").to_string();
        world.install(next);
    })
    .await;
    signs_out("withdrawn", async |world| {
        let mut next = world.snapshot.clone();
        let entry = next.flows.iter().find(|flow| flow.type_ == FlowType::Logout).unwrap();
        next.withdrawn.push(entry.entries[0].digest.parse().unwrap());
        world.install(next);
    })
    .await;
    signs_out("suspended", async |world| {
        let mut next = world.snapshot.clone();
        let flow = next.flows.iter_mut().find(|flow| flow.type_ == FlowType::Logout).unwrap();
        flow.suspended = true;
        world.install(next);
    })
    .await;
}

#[tokio::test]
async fn o_37_whoever_was_under_way_when_the_flow_was_switched_off_signs_out_without_it() {
    let (world, mut ada) = serving(&with("out", ENDS)).await;
    let begun = ada.browser.get(&world, "/oauth2/logout").await;
    let at = begun.location().unwrap().to_owned();
    let page = followed(&world, &mut ada.browser, begun).await;
    let digest = world.app().configuration.load().flows["sign-out"].revisions[0].0;
    let mark = world.nothing_read().block(BlockTarget::Revision(digest));
    world.app().store.commit(mark).await.unwrap();
    let stopped = ada.browser.post(&world, &at, &page.form().unwrap().encoded()).await;
    let again = link(&stopped.body, "Start again").unwrap_or_else(|| panic!("{stopped:?}"));
    let page = ada.browser.get(&world, &again.replace("&amp;", "&")).await;
    assert!(page.body.contains(ASKS) && !is_out(&world, &ada).await, "{page:?}");
    says_yes(&world, &mut ada.browser, &page).await;
    assert!(is_out(&world, &ada).await);
}

#[tokio::test]
async fn o_37_a_logout_flow_that_ends_nothing_signs_out_when_it_is_done_and_nobody_who_only_followed_a_link()
{
    let only_done = with("done", "    - { id: done, complete: { title: bye } }");
    for path in ["/oauth2/logout", "/flows/sign-out"] {
        let (world, mut ada) = serving(&only_done).await;
        let answer = ada.browser.get(&world, path).await;
        let page = followed(&world, &mut ada.browser, answer).await;
        assert!(page.body.contains(ASKS) && !is_out(&world, &ada).await, "{path}: {page:?}");
        let said = says_yes(&world, &mut ada.browser, &page).await;
        let last = followed(&world, &mut ada.browser, said).await;
        assert!(last.body.contains("Come back soon"), "{path}: {last:?}");
        assert!(is_out(&world, &ada).await, "{path}");
    }
    let (world, mut ada) = serving(&only_done).await;
    let path = logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE)]);
    let answer = ada.browser.get(&world, &path).await;
    let last = followed(&world, &mut ada.browser, answer).await;
    assert_eq!(target(&last).as_deref(), Some(GOODBYE));
    assert!(is_out(&world, &ada).await);
}

const BREAKS: &str = "
    - { id: hello, message: {}, outcomes: { next: ask } }
    - { id: ask, http: { connection: directory, path: / }, outcomes: { next: out } }
    - { id: out, endSessions: {}, outcomes: { next: done } }
    - { id: done, complete: { title: bye } }
---
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: directory }
spec: { http: { url: https://directory.example } }
";

#[tokio::test]
async fn o_37_a_logout_flow_that_breaks_off_behind_its_first_page_keeps_nobody_signed_in() {
    let uri = ("post_logout_redirect_uri", GOODBYE);
    for is_hinted in [true, false] {
        let (world, mut ada) = serving(&with("hello", BREAKS)).await;
        let hint = if is_hinted { ("id_token_hint", ada.hint()) } else { ("client_id", "app") };
        let answer = ada.browser.get(&world, &logout(&[hint, uri])).await;
        let at = answer.location().unwrap().to_owned();
        let page = followed(&world, &mut ada.browser, answer).await;
        ada.browser.post(&world, &at, &page.form().unwrap().encoded()).await;
        let broken = ada.browser.get(&world, &at).await;
        assert_eq!(is_out(&world, &ada).await, is_hinted, "{broken:?}");
        let onward = link(&broken.body, "Start again").unwrap_or_else(|| panic!("{broken:?}"));
        let mut answer = ada.browser.get(&world, &onward.replace("&amp;", "&")).await;
        if !is_hinted {
            assert!(answer.body.contains(ASKS), "{answer:?}");
            answer = says_yes(&world, &mut ada.browser, &answer).await;
        }
        assert!(is_out(&world, &ada).await);
        assert_eq!(
            target(&answer).or(answer.location().map(str::to_owned)).as_deref(),
            Some(GOODBYE),
            "{answer:?}"
        );
    }
}

/// The flow's author has a word for it.
fn says_sorry() -> String {
    let breaks = BREAKS.replace(
        "outcomes: { next: out } }\n    - { id: out",
        "outcomes: { next: out, error: sorry } }\n    - { id: sorry, fail: { text: stay } }\n    - { id: out",
    );
    assert_ne!(breaks, BREAKS);
    breaks
}

#[tokio::test]
async fn o_37_from_a_logout_flow_that_failed_every_way_leads_past_it() {
    let uri = ("post_logout_redirect_uri", GOODBYE);
    for steps in [BREAKS.to_owned(), says_sorry()] {
        for begins in ["by its own link", "asked for", "confirmed"] {
            let (world, mut ada) = serving(&with("hello", &steps)).await;
            let path = match begins {
                "by its own link" => "/flows/sign-out".to_owned(),
                "asked for" => logout(&[("client_id", "app"), uri]),
                _ => logout(&[("id_token_hint", ada.hint()), uri]),
            };
            let answer = ada.browser.get(&world, &path).await;
            let at = answer.location().unwrap().to_owned();
            let page = followed(&world, &mut ada.browser, answer).await;
            ada.browser.post(&world, &at, &page.form().unwrap().encoded()).await;
            let failed = ada.browser.get(&world, &at).await;
            assert_eq!(is_out(&world, &ada).await, begins == "confirmed", "{begins}: {failed:?}");
            let onward = link(&failed.body, "Start again").unwrap_or_else(|| panic!("{begins}: {failed:?}"));
            let answer = ada.browser.get(&world, &onward.replace("&amp;", "&")).await;
            if begins != "confirmed" {
                assert!(answer.body.contains(ASKS), "{begins}: {answer:?}");
                says_yes(&world, &mut ada.browser, &answer).await;
            }
            assert!(is_out(&world, &ada).await, "{begins}");
        }
    }
}

#[tokio::test]
async fn o_37_a_logout_flow_that_asks_by_itself_signs_out_by_its_end_and_not_by_a_failure() {
    let asks = with(
        "really",
        "    - id: really
      form: { fields: [{ name: why, type: String }], actions: [{ name: keep }] }
      outcomes: { next: done, keep: stays }
    - { id: done, complete: { title: bye } }
    - { id: stays, fail: { text: stay } }",
    );
    for (action, path, says, out) in [
        ("next", "/oauth2/logout", "Come back soon", true),
        ("next", "/flows/sign-out", "Come back soon", true),
        ("keep", "/oauth2/logout", "You stay", false),
        ("keep", "/flows/sign-out", "You stay", false),
    ] {
        let (world, mut ada) = serving(&asks).await;
        let begun = ada.browser.get(&world, path).await;
        let at = begun.location().unwrap().to_owned();
        let page = followed(&world, &mut ada.browser, begun).await;
        assert!(!is_out(&world, &ada).await, "{path}");
        let form = page.form().unwrap().fill("why", "because").press(action);
        let after = ada.browser.post(&world, &at, &form.encoded()).await;
        let last = followed(&world, &mut ada.browser, after).await;
        assert!(last.body.contains(says), "{action} {path}: {last:?}");
        assert_eq!(is_out(&world, &ada).await, out, "{action} {path}");
    }
}

#[tokio::test]
async fn o_37_what_is_wrong_with_an_applications_request_keeps_nobody_signed_in_and_is_recorded() {
    for (pairs, reason) in [
        (vec![("client_id", "unknown")], "UnknownClient"),
        (vec![("client_id", "app"), ("id_token_hint", "HINT"), ("client_id", "app")], "RepeatedParameter"),
        (vec![("client_id", "other"), ("id_token_hint", "HINT")], "ForeignIdTokenHint"),
        (
            vec![("id_token_hint", "HINT"), ("post_logout_redirect_uri", "https://evil.example/")],
            "UnregisteredPostLogoutRedirectUri",
        ),
    ] {
        for manifests in [TENANT.to_owned(), with("out", ENDS)] {
            let (world, mut ada) = serving(&manifests).await;
            let path = logout(&pairs).replace("HINT", ada.hint());
            let begun = ada.browser.get(&world, &path).await;
            let at = begun.location().map(str::to_owned);
            let page = followed(&world, &mut ada.browser, begun).await;
            assert!(page.body.contains(ASKS) && !is_out(&world, &ada).await, "{reason}: {page:?}");
            let stored = world.stored_events().await;
            let told = stored.iter().find(|event| event.name == "request.refused").expect("a record");
            assert_eq!(
                (told.outcome.as_deref(), told.detail.as_deref()),
                (Some(reason), Some("end_session"))
            );
            let form = page.form().unwrap();
            let at = at.unwrap_or_else(|| form.action.clone());
            let after = ada.browser.post(&world, &at, &form.encoded()).await;
            let last = followed(&world, &mut ada.browser, after).await;
            assert!(target(&last).is_none() && is_out(&world, &ada).await, "{reason}: {last:?}");
        }
    }
}

#[tokio::test]
async fn o_37_an_error_that_the_flow_got_over_is_no_reason_for_a_later_failure() {
    let asks = "error: really } }
    - id: really
      form: { fields: [{ name: why, type: String }], actions: [{ name: keep }] }
      outcomes: { next: out, keep: stays }
    - { id: stays, fail: { text: stay } }
    - { id: out";
    let steps = BREAKS
        .replace("outcomes: { next: out } }\n    - { id: out", &format!("outcomes: {{ next: out, {asks}"));
    assert_ne!(steps, BREAKS);
    let uri = ("post_logout_redirect_uri", GOODBYE);
    let (world, mut ada) = serving(&with("hello", &steps)).await;
    let answer = ada.browser.get(&world, &logout(&[("id_token_hint", ada.hint()), uri])).await;
    let at = answer.location().unwrap().to_owned();
    let page = followed(&world, &mut ada.browser, answer).await;
    ada.browser.post(&world, &at, &page.form().unwrap().encoded()).await;
    let page = ada.browser.get(&world, &at).await;
    assert!(page.body.contains("why"), "{page:?}");
    let form = page.form().unwrap().fill("why", "because").press("keep");
    let after = ada.browser.post(&world, &at, &form.encoded()).await;
    let last = followed(&world, &mut ada.browser, after).await;
    assert!(last.body.contains("You stay"), "{last:?}");
    assert!(!is_out(&world, &ada).await, "the page says that they stay");
}
