//! What applications get back through the browser, and by which way: whatever is wrong, they hear of it once they are
//! known, and a window that they opened stays theirs.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::request::Builder;
use http::{Method, StatusCode};
use idflow_api::flow::FlowType;
use idflow_core::time::Span;
use serde_json::Value;

use crate::faults::Fault;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange, refresh, userinfo};
use crate::world::{ISSUER, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

async fn world() -> World {
    let world = World::new(1).await;
    world.user(ADA).await;
    world
}

fn opener_policy(answer: &Answer) -> &str {
    answer.headers["cross-origin-opener-policy"].to_str().unwrap()
}

/// The error that an answer carries back, by redirect or by a page that goes on.
fn error(answer: &Answer) -> Option<String> {
    let refresh = answer.headers.get("refresh").map(|value| value.to_str().unwrap());
    let target =
        refresh.map_or_else(|| answer.location(), |refresh| Some(refresh.split_once("url=").unwrap().1))?;
    let url = url::Url::parse(target).ok()?;
    assert!(target.starts_with("https://app.example.com/callback?"), "sent to {target}");
    url.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| error.into_owned())
}

/// The refusals of applications' requests that were recorded.
async fn refusals(world: &World) -> Vec<String> {
    let stored = world.stored_events().await;
    let refused = stored.into_iter().filter(|event| event.name == "request.refused");
    refused.filter_map(|event| event.outcome).collect()
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn every_answer_of_an_applications_journey_leaves_the_window_to_its_opener_and_no_other_does() {
    let mut world = world().await;
    let mut person = Person::new(ADA);
    let begun = person.browser.get(&world, &authorize_path("")).await;
    let path = begun.location().unwrap().to_owned();
    let mut answers = vec![("the way to the journey", begun)];
    world.storage.fail_at(0, Fault::Before);
    answers.push(("nothing is possible now", person.browser.get(&world, &path).await));
    loop {
        let page = person.browser.get(&world, &path).await;
        let form = page.form().is_some().then(|| person.filled(&world, &page).encoded());
        answers.push(("a page", page));
        let Some(body) = form else { break };
        answers.push(("the answer to a post", person.browser.post(&world, &path, &body).await));
        world.storage.fail_at(0, Fault::Before);
        answers.push(("a post that failed", person.browser.post(&world, &path, &body).await));
    }
    assert!(answers.last().unwrap().1.code().is_some(), "the way back");
    answers.push(("single sign-on", person.browser.get(&world, &authorize_path("")).await));
    answers.push(("an error", Browser::new().get(&world, &authorize_path("&prompt=none")).await));
    let post = Browser::new().post(&world, "/oauth2/authorize", "client_id=app").await;
    answers.push(("a post made again", post));
    let mut fails = Person::new(ADA);
    let path = fails.browser.authorize(&world, "").await;
    for _ in 0..6 {
        let page = fails.browser.get(&world, &path).await;
        let Some(form) = page.form() else { break };
        fails
            .browser
            .post(&world, &path, &form.fill("username", ADA).fill("password", "wrong").encoded())
            .await;
    }
    answers.extend(refused(&world).await);
    for (what, answer) in &answers {
        assert_eq!(opener_policy(answer), "unsafe-none", "{what}: {}", answer.status);
    }

    // Their network has begun too many journeys.
    world.pass(Span::seconds(10));
    let mut visitor = Browser::new();
    let begun = visitor.get(&world, "/flows/sign-in").await;
    let own = begun.location().unwrap().to_owned();
    let mut others = vec![begun, visitor.get(&world, &own).await];
    for path in ["/", "/nothing", "/.well-known/change-password", "/oauth2/jwks"] {
        others.push(visitor.get(&world, path).await);
    }
    others.push(visitor.post(&world, &own, "token=x").await);
    for answer in others {
        assert_eq!(opener_policy(&answer), "same-origin", "{}", answer.status);
    }
    person.walk(&mut world, "&prompt=login", &mut Calm).await;
}

/// Answers on an application's way that come before anybody knows whose they are.
async fn refused(world: &World) -> Vec<(&'static str, Answer)> {
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(world, "").await;
    let send = async |method: Method, path: &str, change: &dyn Fn(Builder) -> Builder, body: Body| {
        let request = person.browser.request(method, path).header(ORIGIN, ISSUER);
        let request = change(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"));
        world.send(request.body(body).unwrap()).await
    };
    let plain = |request: Builder| request;
    let foreign = |request: Builder| request.header("sec-fetch-site", "cross-site");
    let named = |request: Builder| request.header(HOST, "localhost:8080");
    let cookies = |request: Builder| request.header(COOKIE, format!("a={}", "b".repeat(40_000)));
    let never = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let (get, post) = (Method::GET, Method::POST);
    let mut answers = Vec::new();
    for (wanted, path) in [(400, "/oauth2/authorize?client_id=unknown"), (410, "/journeys/unknown")] {
        let answer = send(get.clone(), path, &plain, Body::empty()).await;
        assert_eq!(answer.status, wanted, "{path}");
        answers.push(("unknown", answer));
    }
    for at in [&*path, "/oauth2/authorize"] {
        for (what, status, answer) in [
            ("too large", 413, send(post.clone(), at, &plain, Body::from(vec![b'a'; 70_000])).await),
            ("too slow", 408, send(post.clone(), at, &plain, never()).await),
            ("too many cookies", 431, send(get.clone(), at, &cookies, Body::empty()).await),
            ("another name", 302, send(get.clone(), at, &named, Body::empty()).await),
        ] {
            assert_eq!(answer.status, status, "{what} at {at}");
            assert_eq!(
                answer.reference().is_some(),
                status == 431,
                "what stops a visitor can be asked about"
            );
            answers.push((what, answer));
        }
    }
    for (what, status, answer) in [
        ("foreign", 403, send(post.clone(), &path, &foreign, Body::from("token=a")).await),
        ("unreadable", 400, send(post.clone(), &path, &plain, Body::from("a=b")).await),
        ("no method", 405, send(Method::PUT, "/oauth2/authorize", &plain, Body::empty()).await),
    ] {
        assert_eq!(answer.status, status, "{what}");
        answers.push((what, answer));
    }
    world.storage.fail_at(0, Fault::Before);
    answers.push(("unavailable", send(get.clone(), &authorize_path(""), &plain, Body::empty()).await));
    assert_eq!(answers.last().unwrap().1.status, StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..400 {
        let answer = send(get.clone(), &authorize_path(""), &plain, Body::empty()).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            answers.push(("too many", answer));
            break;
        }
    }
    assert_eq!(answers.last().unwrap().0, "too many");
    answers
}

#[tokio::test]
async fn a_post_is_one_by_its_method_whether_it_has_a_body_or_not() {
    let mut world = world().await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    // A browser sends no cookie of ours along with another site's post.
    let mut elsewhere = Browser::new();
    for path in [authorize_path(""), "/oauth2/logout?client_id=app&state=s".to_owned()] {
        let posted = elsewhere.post(&world, &path, "").await;
        let again = posted.location().unwrap_or_else(|| panic!("{path}: {posted:?}"));
        assert_eq!((posted.status, again.split('?').next()), (StatusCode::SEE_OTHER, path.split('?').next()));
        let answer = person.browser.get(&world, again).await;
        let is_known = answer.code().is_some() || answer.body.contains("Do you want to sign out?");
        assert!(is_known, "{path}: who is signed in is known again: {answer:?}");
    }
    let query = authorize_path("");
    let body = query.split_once('?').unwrap().1;
    let read = person.browser.request(Method::GET, &query).header(CONTENT_TYPE, "text/plain");
    let answer = world.send(read.body(Body::from(body.to_owned())).unwrap()).await;
    assert!(answer.code().is_some(), "a body that goes along with a GET counts for nothing: {answer:?}");
}

#[tokio::test]
async fn a_state_as_long_as_a_request_may_be_comes_back_and_other_parameters_count_for_nothing() {
    let mut world = world().await;
    let state = "s".repeat(60_000);
    let others = (0..2_000).map(|n| format!("&other{n}=")).collect::<Vec<_>>().concat();
    let query = authorize_path("").replace("&state=s&", &format!("&state={state}&"));
    let query = query.split_once('?').unwrap().1;
    let spread = authorize_path(&others);
    let mut person = Person::new(ADA);
    let asked = person.browser.get(&world, &spread).await;
    assert!(asked.location().is_some_and(|to| to.starts_with("/journeys/")), "{asked:?}");
    for posted in [false, true] {
        let mut person = Person::new(ADA);
        let begun = if posted {
            person.browser.post(&world, "/oauth2/authorize", query).await
        } else {
            person.browser.get(&world, &format!("/oauth2/authorize?{query}")).await
        };
        let path = begun.location().unwrap_or_else(|| panic!("{:?}", begun.status)).to_owned();
        let back = loop {
            let page = person.browser.get(&world, &path).await;
            if page.form().is_none() {
                break page;
            }
            let body = person.filled(&world, &page).encoded();
            person.browser.post(&world, &path, &body).await;
        };
        assert!(back.code().is_some() && back.headers["refresh"].to_str().unwrap().contains(&state));
        world.restart().await;
    }
}

#[tokio::test]
async fn o_12_an_answer_by_post_comes_on_a_page_that_may_post_there_and_nowhere_else() {
    let mut world = world().await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "&response_mode=form_post").await;
    let page = loop {
        let page = person.browser.get(&world, &path).await;
        if page.form().is_none() {
            break page;
        }
        let body = person.filled(&world, &page).encoded();
        person.browser.post(&world, &path, &body).await;
    };
    let silent = person.browser.get(&world, &authorize_path("&response_mode=form_post")).await;
    for page in [page, silent] {
        let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let policed = policy.contains("form-action https://app.example.com/callback;");
        assert!(policed, "{policy} at {} {:?}", page.status, page.location());
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(!page.headers.contains_key("refresh") && page.location().is_none());
        let forms = idflow_test_support::form::forms(&page.body);
        let [form] = forms.as_slice() else { panic!("{}", page.body) };
        assert_eq!(form.action, "https://app.example.com/callback");
        let field =
            |name: &str| form.fields.iter().find(|field| field.name == name).map(|field| field.value.clone());
        assert_eq!((field("state"), field("iss")), (Some("s".to_owned()), Some(ISSUER.to_owned())));
        assert_eq!(exchange(&world, &field("code").unwrap()).await.status, StatusCode::OK);
    }
    world.restart().await;
    let denied = Browser::new().get(&world, &authorize_path("&response_mode=form_post&prompt=none")).await;
    assert!(denied.body.contains("login_required"), "{}", denied.body);
}

#[tokio::test]
async fn a_missing_flow_or_one_of_another_type_is_told_the_application() {
    for (flow, suspended) in [("nowhere", false), ("sign-up", false), ("sign-in", true)] {
        let manifests = TENANT.replacen(
            "  allowedOrigins: [https://app.example.com]",
            "  flows: { login: sign-in }\n  allowedOrigins: [https://app.example.com]",
            1,
        );
        let mut world = World::serving(1, snapshot(&manifests)).await;
        let mut next = world.snapshot.clone();
        for client in next.live.clients.values_mut() {
            client.flows.get_or_insert_default().login = Some(flow.to_owned());
        }
        for flow in next.flows.iter_mut().filter(|flow| flow.flow == "sign-in") {
            flow.suspended = suspended;
        }
        world.install(next);
        let answer = Browser::new().get(&world, &authorize_path("")).await;
        assert_eq!(error(&answer).as_deref(), Some("temporarily_unavailable"), "{flow}: {answer:?}");
        assert_eq!(refusals(&world).await, ["OutOfService"], "{flow}");
    }
    let mut world = world().await;
    let mut next = world.snapshot.clone();
    next.flows.retain(|flow| flow.type_ != FlowType::Login);
    world.install(next);
    let answer = Browser::new().get(&world, &authorize_path("")).await;
    assert_eq!(error(&answer).as_deref(), Some("temporarily_unavailable"));
}

#[tokio::test]
async fn o_28_somebody_else_than_the_hint_names_signs_in_and_the_application_hears_so() {
    let mut world = world().await;
    world.user(EVE).await;
    let code = Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    let more = format!("&id_token_hint={}", tokens["id_token"].as_str().unwrap());
    let arrival = Person::new(EVE).walk(&mut world, &more, &mut Calm).await;
    assert_eq!(error(&arrival.page).as_deref(), Some("login_required"), "{}", arrival.page.body);
    assert_eq!(refusals(&world).await, ["AnotherPerson"]);
    let arrival = Person::new(ADA).walk(&mut world, &more, &mut Calm).await;
    assert!(arrival.page.code().is_some());
}

#[tokio::test]
async fn a_state_is_returned_however_long_it_is() {
    let mut world = world().await;
    let long = "s".repeat(12_000);
    let path = authorize_path("").replace("state=s&", &format!("state={long}&"));
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    let answer = person.browser.get(&world, &path).await;
    assert!(answer.location().unwrap().contains(&format!("state={long}")));
    let answer = Browser::new().get(&world, &format!("{path}&prompt=none")).await;
    assert!(answer.location().unwrap().contains(&format!("state={long}")));
}

#[tokio::test]
async fn o_22_the_subject_is_the_same_everywhere_and_says_nothing_of_the_person() {
    let mut world = world().await;
    world.user(EVE).await;
    let mut subjects = Vec::new();
    for address in [ADA, EVE, ADA] {
        let code = Person::new(address).walk(&mut world, "", &mut Calm).await.code();
        let tokens = exchange(&world, &code).await.json();
        let subject = claims(&tokens["id_token"])["sub"].as_str().unwrap().to_owned();
        assert_eq!(userinfo(&world, &tokens).await.json()["sub"], subject);
        assert_eq!(claims(&tokens["access_token"])["sub"], subject);
        let next = refresh(&world, &tokens).await.json();
        assert_eq!(claims(&next["id_token"])["sub"], subject);
        assert!(subject.is_ascii() && subject.len() <= 255 && !subject.contains("ada"), "{subject}");
        subjects.push(subject);
    }
    assert!(subjects[0] == subjects[2] && subjects[0] != subjects[1], "{subjects:?}");
    let recreated = World::new(2).await;
    assert_ne!(recreated.user(ADA).await.to_string(), subjects[0], "drawn, not made of the name");
}

#[tokio::test]
async fn o_40_a_restart_between_redirect_and_exchange_loses_nothing_and_an_end_counts_at_once() {
    let mut world = world().await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    world.restart().await;
    let tokens = exchange(&world, &code).await.json();
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::OK);
    let silent = person.browser.get(&world, &authorize_path("")).await;
    assert!(silent.code().is_some(), "the session is still there");
    let page = person.browser.get(&world, "/oauth2/logout").await;
    let form = page.form().unwrap();
    person.browser.post(&world, &form.action, &form.encoded()).await;
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&world, &tokens).await.json()["error"], "invalid_grant");
    assert!(person.browser.get(&world, &authorize_path("")).await.code().is_none());
}

#[tokio::test]
async fn what_happens_at_the_provider_is_stored_as_a_security_event() {
    let mut world = world().await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    let next = refresh(&world, &tokens).await.json();
    refresh(&world, &tokens).await;
    person.browser.get(&world, &authorize_path("")).await;
    Browser::new().get(&world, &authorize_path("&scope=unknown&max_age=x")).await;
    let body = format!("client_id=app&token={}", next["refresh_token"].as_str().unwrap());
    Browser::new().post(&world, "/oauth2/revoke", &body).await;
    exchange(&world, &code).await;
    let logout = format!("/oauth2/logout?id_token_hint={}", tokens["id_token"].as_str().unwrap());
    person.browser.get(&world, &logout).await;
    let told: Vec<_> = world.events.all.lock().unwrap().clone();
    let stored = world.stored_events().await;
    for name in [
        "code.issued",
        "token.issued",
        "token.refreshed",
        "token.repeated",
        "token.revoked",
        "request.refused",
        "session.ended",
    ] {
        let of = |events: &[idflow_core::audit::AuditEvent]| {
            events.iter().filter(|event| event.name == name).count()
        };
        assert!(of(&stored) > 0, "{name} is not stored");
        assert_eq!(of(&stored), of(&told), "{name}: stored and told");
        let client = stored
            .iter()
            .filter(|event| event.name == name)
            .all(|event| event.client.as_deref() == Some("app"));
        assert!(client, "{name} names its application");
    }
}

#[tokio::test]
async fn a_flood_of_refusals_does_not_fill_the_store() {
    let world = world().await;
    let before = world.stored_events().await.len();
    for _ in 0..100 {
        Browser::new().get(&world, "/oauth2/authorize?client_id=nobody").await;
    }
    assert_eq!(world.stored_events().await.len() - before, 20);
}

#[tokio::test]
async fn a_form_is_one_whatever_the_case_of_its_type() {
    let world = world().await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let body = person.filling(&world, &path).await;
    for (kind, status) in [
        ("application/x-www-form-urlencodedX", StatusCode::BAD_REQUEST),
        ("multipart/form-data", StatusCode::BAD_REQUEST),
        ("Application/X-WWW-Form-URLEncoded ; Charset=UTF-8", StatusCode::SEE_OTHER),
    ] {
        let mut request = person.browser.request(Method::POST, &path).header("origin", ISSUER);
        request = request.header(CONTENT_TYPE, kind);
        let answer = world.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, status, "{kind}");
    }
}
