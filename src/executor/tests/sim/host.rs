//! Another host name than the issuer's: `localhost` for `127.0.0.1`, a port-forward, the pod's own address.

use axum::body::Body;
use http::header::{ACCEPT, HOST, LOCATION};
use http::{Method, StatusCode};
use idflow_core::time::Span;
use idflow_executor::http::addresses;
use idflow_executor::http::respond::Reader;

use crate::person::Person;
use crate::visitor::{Answer, Browser, authorize_path};
use crate::world::{ISSUER, World};

const MARK: &str = "idflow-sent-here";

const OTHERS: [&str; 5] =
    ["localhost:8080", "127.0.0.1", "127.0.0.1:9999", "login.acme.svc:8080", "evil.example"];

/// Every address, with something in its place where the pattern has a name.
fn paths() -> impl Iterator<Item = String> {
    addresses().map(|path| path.replace("{name}", "sign-in").replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA"))
}

async fn at(world: &World, browser: &mut Browser, host: &str, method: Method, path: &str) -> Answer {
    let request = browser.request(method, path).header(HOST, host).header(ACCEPT, "text/html,*/*;q=0.8");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    browser.take_cookies(&answer);
    answer
}

#[tokio::test]
async fn every_page_is_at_the_issuers_name_alone() {
    let world = World::new(1).await;
    let (mut pages, more) = (0, "?a=b&c=%20%2F");
    for path in paths().filter(|path| Reader::at(path) == Reader::Person).chain(["/nothing".to_owned()]) {
        pages += 1;
        for (host, method) in OTHERS.into_iter().flat_map(|host| [(host, Method::GET), (host, Method::HEAD)])
        {
            let answer = at(&world, &mut Browser::new(), host, method, &format!("{path}{more}")).await;
            let to = format!("{ISSUER}{path}{more}&{MARK}");
            assert_eq!(answer.location(), Some(&*to), "{path} at {host}");
            assert!(!answer.headers.iter().any(|(_, value)| value.as_bytes().starts_with(b"idflow-journey")));
        }
        let own = at(&world, &mut Browser::new(), "127.0.0.1:8080", Method::GET, &path).await;
        assert!(!own.location().is_some_and(|to| to.starts_with("http://127.0.0.1:8080/nothing")), "{path}");
        assert_ne!(own.status, StatusCode::FOUND, "{path}");
    }
    assert!(pages > 4, "{pages} pages");
}

#[tokio::test]
async fn j_18_programs_are_answered_at_every_name_and_told_the_issuer_only() {
    let world = World::new(1).await;
    let mut programs = 0;
    for path in paths().filter(|path| Reader::at(path) == Reader::Program) {
        programs += 1;
        for host in OTHERS {
            let answer = at(&world, &mut Browser::new(), host, Method::GET, &path).await;
            assert!(answer.headers.get(LOCATION).is_none(), "{path} at {host}");
            assert!(!answer.body.contains(host) || ISSUER.contains(host), "{path}: {}", answer.body);
        }
    }
    assert!(programs > 3, "{programs} endpoints");
    let discovery = "/.well-known/openid-configuration";
    let answer = at(&world, &mut Browser::new(), "localhost:8080", Method::GET, discovery).await;
    assert_eq!(answer.json()["issuer"], ISSUER);
}

#[tokio::test]
async fn a_sign_in_that_begins_at_another_name_asks_for_the_password_at_the_issuer() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    let start = at(&world, &mut browser, "localhost:8080", Method::GET, &authorize_path("")).await;
    let to = start.location().unwrap().strip_prefix(ISSUER).unwrap().to_owned();
    assert_eq!(to, authorize_path(&format!("&{MARK}")), "the whole request");
    // However often: a name is none the better for having been typed before.
    let start = at(&world, &mut browser, "localhost:8080", Method::GET, &authorize_path("")).await;
    assert_eq!(start.location(), Some(&*format!("{ISSUER}{to}")));
    assert!(browser.cookies.is_empty(), "{browser:?}");
    let mut there = Browser::new();
    let begun = at(&world, &mut there, "127.0.0.1:8080", Method::GET, &to).await;
    assert!(begun.location().unwrap().starts_with("/journeys/"));
}

#[tokio::test]
async fn a_proxy_that_changes_the_name_makes_no_circle() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    let sent = at(&world, &mut browser, "upstream:8080", Method::GET, "/").await;
    assert_eq!(sent.location(), Some(&*format!("{ISSUER}/?{MARK}")));
    let there = format!("/?{MARK}");
    let shown = at(&world, &mut browser, "upstream:8080", Method::GET, &there).await;
    assert_eq!(shown.status, StatusCode::OK);
    // The browser, which knows us by the issuer's name, is spared the next turn.
    let shown = at(&world, &mut browser, "upstream:8080", Method::GET, "/").await;
    assert_eq!(shown.status, StatusCode::OK);
    let arrived = at(&world, &mut Browser::new(), "127.0.0.1:8080", Method::GET, &there).await;
    assert!(!arrived.headers.contains_key("set-cookie"), "{arrived:?}");
}

#[tokio::test]
async fn a_page_at_another_name_whose_posts_are_refused_says_why_and_leads_to_the_issuer() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    // Somebody kept the mark and changed the name.
    let marked = format!("/flows/sign-in?{MARK}");
    let begun = at(&world, &mut browser, "localhost:8080", Method::GET, &marked).await;
    let path = begun.location().unwrap().to_owned();
    let page = at(&world, &mut browser, "localhost:8080", Method::GET, &path).await;
    let body = page.form().unwrap().encoded();
    let post = browser.request(Method::POST, &path).header(HOST, "localhost:8080");
    let post = post.header("origin", "http://localhost:8080").header("sec-fetch-site", "same-origin");
    let post =
        post.header("content-type", "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
    let refused = world.send(post).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("This site is at another address"), "{refused:?}");
    let on = idflow_test_support::form::link(&refused.body, "Continue");
    assert_eq!(on.as_deref(), Some(&*format!("{ISSUER}/")));
    let told = world.events.all.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        (told.outcome.as_deref(), told.reference.as_deref()),
        (Some("anotherName"), refused.reference())
    );
}

/// Follows an answer as a browser does whose proxy calls us by another name, and which keeps no cookies.
async fn without_cookies(world: &World, path: &str) -> (usize, Answer) {
    let mut path = path.to_owned();
    for hops in 0..5 {
        let answer = at(world, &mut Browser::new(), "upstream:8080", Method::GET, &path).await;
        match answer.location() {
            Some(to) => to.strip_prefix(ISSUER).unwrap_or(to).clone_into(&mut path),
            None => return (hops, answer),
        }
    }
    panic!("a circle that ends at {path}");
}

#[tokio::test]
async fn a_browser_without_cookies_goes_round_in_no_circle_and_is_told_the_cause() {
    let world = World::new(1).await;
    let (hops, home) = without_cookies(&world, "/").await;
    assert_eq!((hops, home.status), (1, StatusCode::OK));
    let (_, end) = without_cookies(&world, &authorize_path("")).await;
    assert!(end.body.contains("Allow cookies for this site"), "{end:?}");
    let (_, lost) = without_cookies(&world, "/nowhere?a=b").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_mark_of_who_was_sent_is_seen_by_nobody_and_sends_nobody_elsewhere() {
    let world = World::new(1).await;
    let marked = |query: &str| format!("/flows/sign-in?{query}");
    for (query, left) in [
        (MARK.to_owned(), "/flows/sign-in"),
        (format!("a=b&{MARK}&c=%20"), "/flows/sign-in?a=b&c=+"),
        (
            format!("{MARK}=https://evil.example&x"),
            "/flows/sign-in?idflow-sent-here=https%3A%2F%2Fevil.example&x=",
        ),
    ] {
        let mut browser = Browser::new();
        let begun = at(&world, &mut browser, "127.0.0.1:8080", Method::GET, &marked(&query)).await;
        let path = begun.location().unwrap().to_owned();
        assert!(path.starts_with("/journeys/"), "{query}: {path}");
        world.pass(Span::minutes(21));
        let page = browser.get(&world, &path).await;
        let again = idflow_test_support::form::link(&page.body, "Start again").unwrap().replace("&amp;", "&");
        assert_eq!(again, left, "{query}");
    }
    let away = at(&world, &mut Browser::new(), "upstream:8080", Method::GET, "//evil.example/?x").await;
    assert_eq!(away.location(), Some(&*format!("{ISSUER}//evil.example/?x&{MARK}")));
}

#[tokio::test]
async fn a_load_balancer_that_asks_by_the_pods_address_hears_that_we_are_there() {
    let world = World::new(1).await;
    for accept in [None, Some("*/*")] {
        let mut request = Browser::new().request(Method::GET, "/").header(HOST, "10.0.0.7:8080");
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn j_17_a_proxy_that_is_not_trusted_is_told_of_once_a_minute() {
    let mut world = World::new(1).await;
    let told = |world: &World| *world.app().untrusted_proxy_told.lock().unwrap();
    let asks = async |world: &World| {
        let request =
            Browser::new().request(Method::GET, "/flows/sign-in").header("x-forwarded-for", "203.0.113.9");
        world.send(request.body(Body::empty()).unwrap()).await;
    };
    Browser::new().get(&world, "/flows/sign-in").await;
    assert_eq!(told(&world), None);
    asks(&world).await;
    let first = told(&world);
    assert!(first.is_some());
    world.pass(Span::seconds(59));
    asks(&world).await;
    assert_eq!(told(&world), first);
    let mut next = world.snapshot.clone();
    next.tenant.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    world.install(next);
    world.pass(Span::minutes(2));
    asks(&world).await;
    assert_eq!(told(&world), first, "it is trusted now");
}

#[tokio::test]
async fn a_flow_that_is_kept_for_who_is_under_way_is_not_offered_any_more() {
    let mut world = World::new(1).await;
    world.user("ada@example.com").await;
    let mut ada = Person::new("ada@example.com");
    let path = ada.browser.authorize(&world, "").await;
    let mut next = world.snapshot.clone();
    for entry in
        next.flows.iter_mut().filter(|flow| flow.flow == "sign-in").flat_map(|flow| &mut flow.entries)
    {
        entry.weight = 0;
    }
    world.install(next);
    assert_eq!(Browser::new().get(&world, "/flows/sign-in").await.status, StatusCode::NOT_FOUND);
    ada.answers(&world, &path, 3).await;
    assert!(ada.browser.get(&world, &path).await.code().is_some());
}
