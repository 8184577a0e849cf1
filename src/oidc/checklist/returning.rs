//! What an application gets back, and by which way.

use idflow_core::secret::SecretText;

use super::authorize::{issue_after, refused, value};
use crate::endpoint::authorize::{self, code_answer, refuse};
use crate::endpoint::{Decision, Facts};
use crate::fixture::{CODE_SECRET, FORM, GRANT, ISSUER, NOW, REDIRECT, World, authorization};
use crate::http::{Incoming, Method};
use crate::refusal::Refusal;

#[test]
fn o_12_an_answer_or_an_error_is_posted_to_the_registered_address_where_that_is_asked_for() {
    let mut world = World::new();
    let form = authorization().with("response_mode", "form_post");
    let request = world.accepted(&form);
    let Ok(Decision::RedirectError { to: error, .. }) = world.authorize(&form.clone().with("scope", "x"))
    else {
        panic!("no error")
    };
    for (answer, name) in [
        (code_answer(&world.provider, &request, GRANT, &SecretText::new(CODE_SECRET)), "code"),
        (error, "error"),
    ] {
        assert_eq!(answer.url, REDIRECT, "nothing stands in the address");
        let field = |name: &str| {
            answer.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
        };
        assert!(field(name).is_some(), "{name}");
        assert_eq!((field("state"), field("iss")), (Some("a state & more"), Some(ISSUER)));
    }
    world.client.redirect_uris = vec!["com.example.app:/done".to_owned()];
    let app = form.with("redirect_uri", "com.example.app:/done");
    assert_eq!(refused(world.authorize(&app)), Refusal::UnsupportedResponseMode, "no program takes a post");
}

#[test]
fn errors_go_to_the_application_once_it_is_known_whatever_is_wrong() {
    let world = World::new();
    let long = "x".repeat(60_000);
    for (name, value, refusal) in
        [("scope", "%", Refusal::NoScope), ("max_age", long.as_str(), Refusal::MalformedMaxAge)]
    {
        assert_eq!(refused(world.authorize(&authorization().with(name, value))), refusal, "{name}");
    }
    let hinted = world.accepted(&authorization().with("login_hint", &long));
    assert_eq!(hinted.login_hint, None, "no field can hold it");
    let request = world.accepted(&authorization().with("state", &long).with("nonce", &long));
    assert_eq!(request.nonce.as_ref(), Some(&long));
    let url = refuse(&world.provider, &request, Refusal::AccessDenied).url;
    assert_eq!(value(&url, "state"), Some(long), "a state is as long as a request may be");
    let text = format!("{}&nonce=%ff", authorization().without("nonce").text());
    let request = authorize::parse(&Incoming { query: &text, ..Incoming::default() }).unwrap();
    let facts = Facts { client: Some(&world.client), ..Facts::default() };
    assert_eq!(refused(Ok(authorize::decide(&request, &world.around(), &facts))), Refusal::NotText);
}

#[test]
fn any_number_is_a_maximum_age() {
    let world = World::new();
    for age in ["1000000000", "99999999999999999999", "0060"] {
        let decision = world.authorize(&authorization().with("max_age", age));
        assert!(matches!(decision, Ok(Decision::IssueCode { .. })), "{age}: {decision:?}");
    }
}

#[test]
fn o_28_a_sign_in_of_another_person_than_the_hint_names_is_an_error() {
    let mut world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let form = authorization().with("id_token_hint", tokens.id_token.unwrap().expose_for("a test"));
    assert_eq!(issue_after(&world, &form, &world.session, NOW).map(drop), Ok(()));
    let another = idflow_core::id::UserId::from_bytes([9; 16]);
    world.user.id = another;
    world.session.user = Some(another);
    assert!(matches!(world.authorize(&form), Ok(Decision::StartJourney(_))));
    assert_eq!(issue_after(&world, &form, &world.session, NOW).map(drop), Err(Refusal::AnotherPerson));
    assert_eq!(Refusal::AnotherPerson.code(), "login_required");
}

#[test]
fn a_request_by_post_is_made_again_as_a_get() {
    let world = World::new();
    let body = authorization().text();
    let again = |query: &str, body: &str| {
        let incoming = Incoming {
            method: Method::Post,
            query,
            content_type: Some(FORM),
            body: body.as_bytes(),
            ..Incoming::default()
        };
        let request = (authorize::ENDPOINT.read)(&incoming, &world.around()).map_err(drop).unwrap();
        let facts = Facts { client: Some(&world.client), ..Facts::default() };
        match request.decide(&world.around(), &facts).unwrap() {
            Decision::GoOn(path) => Some(path),
            Decision::StartJourney(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(again("prompt=login", &body), Some(format!("/oauth2/authorize?prompt=login&{body}")));
    assert_eq!(again(&body, ""), Some(format!("/oauth2/authorize?{body}")), "also one whose form is empty");
    let long = authorization().with("state", &"x".repeat(60_000)).text();
    assert_eq!(again("", &long), None, "what no address holds is answered as it came");
}
