use idflow_core::id::GrantId;
use idflow_core::secret::SecretText;
use proptest::prelude::*;

use crate::endpoint::{Decision, ENDPOINTS, Facts, token};
use crate::fixture::{FORM, Form, World};
use crate::handle::{Code, RefreshToken};
use crate::http::{Incoming, Method, Returned};
use crate::parameters::Parameters;
use crate::refusal::Refusal;

#[test]
fn a_parameter_without_a_value_counts_as_absent() {
    let parameters = Parameters::parse(&["a=&b&c=1"], &["a", "b", "c"]);
    assert_eq!((parameters.get("a"), parameters.get("b"), parameters.get("c")), (None, None, Some("1")));
}

#[test]
fn o_3_a_parameter_repeated_across_query_and_body_is_found() {
    let incoming =
        Incoming { query: "a=1", content_type: Some(FORM), body: b"b=2&a=1", ..Incoming::default() };
    assert_eq!(incoming.parameters(&["a"]).unwrap().checked(), Err(Refusal::RepeatedParameter));
    for text in ["a=1&%61=2", "a=&a=2", "a=1&a=1"] {
        let parameters = Parameters::parse(&[text], &["a", "b"]);
        assert_eq!(parameters.get("a"), None, "nothing is read of it");
        assert_eq!(parameters.check(&["a"]), Err(Refusal::RepeatedParameter));
        assert_eq!(parameters.check(&["b"]), Ok(()), "who does not look at it does not mind");
        assert_eq!(parameters.checked(), Err(Refusal::RepeatedParameter));
        assert!(Parameters::parse(&[text], &["b"]).checked().is_ok(), "nobody knows it");
    }
}

fn checked(text: &str) -> Result<Parameters, Refusal> {
    Parameters::parse(&[text], &["a"]).checked()
}

#[test]
fn what_the_listener_lets_in_is_read_and_of_it_only_what_is_known_is_kept() {
    let long = "x".repeat(64 << 10);
    assert_eq!(checked(&format!("a={long}")).unwrap().get("a"), Some(&*long));
    let many: Vec<String> = (0..16_000).map(|name| format!("{name}=")).collect();
    let found = Parameters::parse(&[&many.join("&"), "a=1"], &["a"]);
    assert_eq!((found.get("a"), format!("{found:?}")), (Some("1"), r#"{"a"}"#.to_owned()));
    let words: Vec<String> = (0..16_000).map(|word| word.to_string()).collect();
    assert_eq!(crate::scope::parse(&words.join(" ")), words);
}

#[test]
fn what_is_not_text_is_refused() {
    assert_eq!(checked("a=%ff"), Err(Refusal::NotText));
    assert!(checked("%c3=1").is_ok(), "what has no name that anybody knows is ignored");
    let incoming = Incoming { content_type: Some(FORM), body: b"a=\xff", ..Incoming::default() };
    assert_eq!(incoming.parameters(&["a"]), Err(Refusal::NotText));
}

#[test]
fn a_body_must_be_a_form() {
    let of = |kind| Incoming { content_type: kind, body: b"a=1", ..Incoming::default() }.parameters(&["a"]);
    let fine = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    assert!(of(Some(fine)).is_ok());
    for kind in [None, Some("application/json"), Some("multipart/form-data"), Some("")] {
        assert_eq!(of(kind), Err(Refusal::NotAForm));
    }
}

#[test]
fn l_2_parameters_and_credentials_do_not_show_their_values() {
    let body = b"grant_type=refresh_token&refresh_token=hunter2&client_id=a&client_secret=hunter2";
    let incoming = Incoming { content_type: Some(FORM), body, ..Incoming::default() };
    let shown = format!("{:?} {:?}", incoming.form_parameters(&["client_secret"]), token::parse(&incoming));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn o_8_a_secret_of_fewer_than_128_bits_is_no_secret() {
    let code = |length: usize| format!("{}.{}", GrantId::from_bytes([1; 16]), "x".repeat(length));
    assert!(code(22).parse::<Code>().is_ok() && code(128).parse::<Code>().is_ok());
    assert!(code(21).parse::<Code>().is_err() && code(129).parse::<Code>().is_err());
}

#[test]
fn o_12_a_policy_names_the_one_target_and_cannot_be_ended_by_it() {
    for (url, named) in [
        ("https://app.example.com/callback?a=b", Some("https://app.example.com/callback")),
        ("http://127.0.0.1:8080/cb", Some("http://127.0.0.1:8080/cb")),
        ("https://app.example.com/a;script-src,*", Some("https://app.example.com/a%3Bscript-src%2C*")),
        ("com.example.app:/cb", None),
        ("javascript:alert(1)", None),
    ] {
        let source = Returned { url: url.to_owned(), fields: Vec::new() }.source();
        assert_eq!(source.as_deref(), named, "{url}");
    }
}

fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{22,128}"
}

proptest! {
    #[test]
    fn what_was_encoded_is_read_back(
        others in proptest::collection::btree_map("[^\u{fffd}]{1,20}", "[^\u{fffd}]{1,50}", 0..20),
        values in proptest::collection::vec("[^\u{fffd}]{1,50}", 3),
    ) {
        const KNOWN: &[&str] = &["a", "b c", "é&="];
        let pairs: Vec<(String, String)> = KNOWN.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let others = others.into_iter().filter(|(name, _)| !KNOWN.contains(&name.as_str()));
        let form = Form(others.chain(pairs.clone()).collect());
        let parameters = Parameters::parse(&[&form.text()], KNOWN);
        for (name, value) in &pairs {
            prop_assert_eq!(parameters.get(name), Some(value.as_str()));
        }
    }

    #[test]
    fn o_3_any_repetition_is_refused(
        mut pairs in proptest::collection::vec(("[a-z]{1,5}", "[a-z]{0,5}"), 1..10),
        at in any::<[prop::sample::Index; 2]>(),
    ) {
        for at in at {
            pairs.insert(at.index(pairs.len()), ("a".to_owned(), "x".to_owned()));
        }
        prop_assert_eq!(checked(&Form(pairs).text()), Err(Refusal::RepeatedParameter));
    }

    #[test]
    fn no_input_makes_an_endpoint_panic(
        query in "\\PC{0,200}", header in "\\PC{0,80}", body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let world = World::new();
        let headers = [header.as_str()];
        let incoming =
            Incoming { method: Method::Get, query: &query, authorization: &headers, content_type: Some(FORM), body: &body };
        let facts = Facts { client: Some(&world.client), ..Facts::default() };
        let posted = Incoming { method: Method::Post, query: "", ..incoming };
        for endpoint in ENDPOINTS {
            for incoming in [incoming, posted] {
                let Ok(request) = (endpoint.read)(&incoming, &world.around()) else { continue };
                let decided = request.decide(&world.around(), &facts);
                let public = ["discovery", "jwks"].contains(&endpoint.name);
                if matches!(decided, Ok(Decision::GoOn(_))) {
                    prop_assert_eq!((endpoint.name, incoming.method), ("authorize", Method::Post));
                    continue;
                }
                prop_assert_eq!(matches!(decided, Ok(Decision::Answer(_))), public, "{}", endpoint.name);
            }
        }
    }

    #[test]
    fn handles_are_read_back_and_only_in_the_form_written(
        grant in any::<[u8; 16]>(), generation in any::<u32>(), code in secret(), own in secret(),
    ) {
        let grant = GrantId::from_bytes(grant);
        let written = Code { grant, secret: SecretText::new(code.clone()) };
        let text = written.text().expose_for("a test").to_owned();
        prop_assert_eq!(text.parse(), Ok(written));
        prop_assert!(text.parse::<RefreshToken>().is_err());
        let written = RefreshToken {
            grant, generation, code: SecretText::new(code), secret: SecretText::new(own),
        };
        let text = written.text().expose_for("a test").to_owned();
        prop_assert_eq!(text.parse(), Ok(written));
        prop_assert!(text.parse::<Code>().is_err());
        let more = format!("{text}.x");
        prop_assert!(more.parse::<RefreshToken>().is_err());
    }

    #[test]
    fn o_1_whatever_is_asked_the_answer_goes_to_the_registered_address_or_nowhere(
        uri in "(https?://)?(app\\.example\\.com|127\\.0\\.0\\.1)?[a-z0-9/:@.%?#\\\\]{0,30}(/callback|/native)?",
    ) {
        let world = World::new();
        let accepted = world.client.accepts_redirect(&uri);
        let loopback = uri.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/native"))
            .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|digits| {
                digits.parse::<u16>().is_ok_and(|number| number.to_string() == digits && number > 0)
            }));
        prop_assert_eq!(accepted, loopback || world.client.redirect_uris.contains(&uri));
    }
}
