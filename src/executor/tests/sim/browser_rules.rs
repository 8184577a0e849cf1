//! Redirects, headers and cookies, at every address there is (checklist 1.10).

use std::sync::Arc;

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, SET_COOKIE};
use http::{HeaderMap, Method};
use idflow_core::time::Span;
use idflow_executor::configuration::Configuration;
use idflow_executor::http::addresses;
use idflow_store::seal::Keyring;
use idflow_test_support::form::link;

use crate::faults::Storage;
use crate::person::{Calm, Person};
use crate::visitor::{Browser, authorize_path};
use crate::world::{ISSUER, Secrets, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const HTTPS: &str = "https://login.acme.example";

/// The same tenant at an https issuer.
fn at_https(world: &World) {
    let before = world.app().configuration.load();
    world
        .app()
        .configuration
        .store(Arc::new(Configuration { issuer: HTTPS.to_owned(), ..(**before).clone() }));
}

/// Every address, and one where nothing is.
fn paths() -> impl Iterator<Item = String> {
    let known =
        addresses().map(|path| path.replace("{name}", "sign-in").replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA"));
    known.chain(["/nothing".to_owned(), "/oauth2/nothing".to_owned(), authorize_path("")])
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let mut all = headers.get_all(name).iter();
    let value = all.next().map_or("", |value| value.to_str().unwrap());
    assert!(all.next().is_none(), "two of {name}");
    value
}

#[tokio::test]
async fn b_3_every_answer_of_every_address_is_closed() {
    for https in [false, true] {
        let world = World::new(1).await;
        if https {
            at_https(&world);
        }
        for path in paths() {
            for method in
                [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT, Method::DELETE]
            {
                let what = format!("{method} {path}");
                let answer =
                    world.send(Browser::new().request(method, &path).body(Body::empty()).unwrap()).await;
                let headers = &answer.headers;
                assert_eq!(text(headers, "x-content-type-options"), "nosniff", "{what}");
                assert_eq!(text(headers, "referrer-policy"), "same-origin", "{what}");
                assert_eq!(text(headers, "x-frame-options"), "DENY", "{what}");
                assert!(
                    ["same-origin", "unsafe-none"].contains(&text(headers, "cross-origin-opener-policy")),
                    "{what}"
                );
                assert!(!text(headers, "permissions-policy").is_empty(), "{what}");
                assert!(headers.contains_key(CACHE_CONTROL), "{what}");
                let policy = text(headers, "content-security-policy");
                for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                    assert!(policy.contains(rule), "{what}: {policy}");
                }
                assert!(!policy.contains("unsafe"), "{what}: {policy}");
                if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
                    assert!(
                        policy.contains("script-src 'nonce-") && policy.contains("object-src 'none'"),
                        "{what}: {policy}"
                    );
                    assert_eq!(text(headers, "cache-control"), "no-store", "{what}");
                }
                let transport = text(headers, "strict-transport-security");
                assert_eq!(transport.starts_with("max-age="), https, "{what}: {transport}");
            }
        }
    }
}

#[tokio::test]
async fn b_5_every_cookie_is_the_hosts_alone() {
    let world = World::new(1).await;
    world.user(ADA).await;
    at_https(&world);
    let mut person = Person::new(ADA);
    let (mut path, mut names) = (String::new(), std::collections::BTreeSet::new());
    for number in 0..8 {
        let answer = match number {
            0 => person.browser.get(&world, &authorize_path("")).await,
            1 => person.browser.get(&world, &format!("{path}?ui_locales=de")).await,
            _ if person.browser.get(&world, &path).await.form().is_some() => {
                let page = person.browser.get(&world, &path).await;
                let body = person.filled(&world, &page).encoded();
                let post = person.browser.request(Method::POST, &path).header("origin", HTTPS);
                let post = post.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                let answer = world.send(post.body(Body::from(body)).unwrap()).await;
                person.browser.take_cookies(&answer);
                answer
            }
            _ => break,
        };
        path = answer.location().filter(|to| to.starts_with("/journeys")).map_or(path, str::to_owned);
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let attributes = cookie.to_ascii_lowercase();
            let name = cookie.split('=').next().unwrap();
            let kind = ["-journey-", "-device-"].into_iter().find_map(|kind| name.split_once(kind));
            names.insert(kind.map_or(name, |(kind, _)| kind).to_owned());
            assert!(!attributes.contains("domain="), "{cookie}");
            for attribute in ["; path=/;", "; httponly", "; samesite=lax", "; secure"] {
                assert!(attributes.contains(attribute), "{cookie}");
            }
            assert!(cookie.starts_with("__Host-") || cookie.starts_with("idflow-language="), "{cookie}");
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(names, ["__Host-idflow", "__Host-idflow-session", "idflow-language"]);
}

#[tokio::test]
async fn b_5_the_cookies_of_one_tenant_are_worth_nothing_at_another() {
    let mut acme = World::new(1).await;
    acme.user(ADA).await;
    let mut person = Person::new(ADA);
    let arrival = person.walk(&mut acme, "", &mut Calm).await;
    let keys = Secrets::of_the_simulation().signing;
    let secrets = Secrets { keyring: Keyring::new("other", &[8; 32], &[]), signing: keys };
    let other = World::taken_over(1, snapshot(TENANT), Storage::new(), secrets, acme.now()).await;
    other.user(ADA).await;
    let home = person.browser.get(&other, "/").await;
    assert!(home.body.contains("You are not signed in"), "{}", home.body);
    let begun = person.browser.get(&other, &authorize_path("")).await;
    assert!(begun.location().is_some_and(|to| to.starts_with("/journeys/")), "{begun:?}");
    assert_eq!(person.browser.get(&other, &arrival.path).await.status, http::StatusCode::GONE);
    assert!(person.browser.get(&acme, "/").await.body.contains("You are signed in"));
}

#[tokio::test]
async fn b_1_no_spelling_of_an_address_leads_away() {
    let world = World::new(1).await;
    world.app();
    let spellings = [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "//evil.example/..",
        "javascript:alert(1)",
        "data:text/html,x",
        "\tjavascript:alert(1)",
        "java\nscript:alert(1)",
        "//user@evil.example",
        "https://127.0.0.1:8080@evil.example",
        "https://evil.example#127.0.0.1",
        "/%2fevil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "%0d%0aLocation: https://evil.example",
        "///evil.example",
        "////evil.example",
        "/.evil.example",
        "http:\\\\evil.example",
        "//evil%E3%80%82example",
    ];
    let mut tried = 0_u16;
    for spelling in spellings {
        for wrap in ["{}", "{}/", "{}?a=b", "{}%00", " {}", "{}.", "x{}", "%20{}", "{}#", "{}&x=1"] {
            tried += 1;
            let value = wrap.replace("{}", spelling);
            // As a path, by another name: the way to the issuer stays there.
            let path: String = format!("/{value}").chars().filter(char::is_ascii_graphic).collect();
            let path = path.split('#').next().unwrap();
            if let Ok(request) =
                Browser::new().request(Method::GET, path).header(HOST, "evil.example").body(Body::empty())
            {
                let to = world.send(request).await.location().map(str::to_owned);
                assert!(to.is_none_or(|to| to.starts_with(&format!("{ISSUER}/"))), "{path}");
            }
            // As what a journey was begun with: the way on stays here.
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("return", &value).finish();
            let mut browser = Browser {
                peer: ([192, 0, 2, u8::try_from(tried % 250).unwrap()], 1).into(),
                ..Browser::new()
            };
            let begun = browser.get(&world, &format!("/flows/sign-in?{query}")).await;
            let Some(journey) = begun.location().map(str::to_owned) else { continue };
            world.pass(Span::minutes(21));
            let page = browser.get(&world, &journey).await;
            let way = link(&page.body, "Start again").unwrap().replace("&amp;", "&");
            assert!(way.starts_with("/flows/sign-in?return="), "{way}");
        }
    }
    assert!(tried >= 200, "{tried}");
}
