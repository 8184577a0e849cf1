//! What an application gets back, and by which way.

use idflow_core::id::UserId;
use idflow_core::secret::SecretText;

use super::authorize::{issue_after, refused, value};
use crate::endpoint::authorize::{self, code_answer, refuse};
use crate::endpoint::{Decision, Facts};
use crate::fixture::{CODE_SECRET, FORM, Form, GRANT, ISSUER, NOW, REDIRECT, World, authorization};
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
    assert_eq!(issue_after(&world, &form, (&world.session, true), NOW).map(drop), Ok(()));
    let another = UserId::from_bytes([9; 16]);
    world.user.id = another;
    world.session.user = Some(another);
    assert!(matches!(world.authorize(&form), Ok(Decision::StartJourney(_))));
    assert_eq!(
        issue_after(&world, &form, (&world.session, true), NOW).map(drop),
        Err(Refusal::AnotherPerson)
    );
    assert_eq!(Refusal::AnotherPerson.code(), "login_required");
}

fn posted_again(world: &World, form: &Form) -> String {
    let body = form.text();
    let incoming = Incoming {
        method: Method::Post,
        content_type: Some(FORM),
        body: body.as_bytes(),
        ..Incoming::default()
    };
    let request = (authorize::ENDPOINT.read)(&incoming, &world.around()).map_err(drop).unwrap();
    match request.decide(&world.around(), &Facts::default()).unwrap() {
        Decision::GoOn(path) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn o_34_a_posted_hint_stands_in_no_address_and_means_the_same_person() {
    let world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let hint = tokens.id_token.unwrap();
    let hint = hint.expose_for("a test");
    let again = |form: &Form| {
        let path = posted_again(&world, form);
        assert!(!path.contains("id_token_hint") && !path.contains(hint.split('.').nth(1).unwrap()), "{path}");
        let query = path.split_once('?').unwrap().1.to_owned();
        Form(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    };
    let form = again(&authorization().with("id_token_hint", hint));
    assert!(matches!(world.authorize(&form), Ok(Decision::IssueCode { .. })));
    assert_eq!(world.accepted(&form).hinted, Some(world.user.id));
    // It is worth nothing at another client, for another person, or when it was made up.
    let stand_in = form.0.iter().find(|(name, _)| name == authorize::STAND_IN).unwrap().1.clone();
    let other = UserId::from_bytes([9; 16]);
    let proof = stand_in.split_once('.').unwrap().1;
    for forged in [format!("{other}.{proof}"), format!("{}.", world.user.id), "x".to_owned()] {
        let form = authorization().with(authorize::STAND_IN, &forged);
        assert!(matches!(world.authorize(&form), Ok(Decision::StartJourney(_))), "{forged}");
        assert_eq!(world.accepted(&form).hinted, None, "{forged}");
    }
    let mut another = World::new();
    another.client.id = "other".into();
    let foreign = form.clone().with("client_id", "other");
    assert!(matches!(another.authorize(&foreign), Ok(Decision::StartJourney(_))));
    // Nobody's hint still means nobody.
    let garbage = again(&authorization().with("id_token_hint", "garbage"));
    assert!(matches!(world.authorize(&garbage), Ok(Decision::StartJourney(_))));
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
