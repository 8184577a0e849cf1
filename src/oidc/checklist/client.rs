//! How a client shows who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;

use crate::client::{ClientAuthentication, Credentials, Presented};
use crate::endpoint::token::{Verdict, refuse};
use crate::fixture::{Form, World, authorization, code_form};
use crate::refusal::Refusal;

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

#[test]
fn o_25_only_a_registered_method_with_a_current_or_previous_secret_authenticates() {
    use ClientAuthentication::{None as Public, Secret, SecretBasic, SecretPost};
    const NEW: &str = "new secret: +%";
    // A header carries the secret form-encoded (RFC 6749 section 2.3.1).
    let header = basic("app", "new+secret%3A+%2B%25");
    // Half of all libraries send it as it is.
    let (raw, wrong) = (basic("app", NEW), basic("app", "new secret: %2B%25"));
    // A header without a secret is what libraries that always send one make of a public client.
    let nothing = basic("app", "");
    let rows: [(ClientAuthentication, Option<&str>, Option<&str>, bool); 22] = [
        (Public, None, None, true),
        (Public, Some(&nothing), None, true),
        (Secret, Some(&header), None, true),
        (Secret, Some(&raw), None, true),
        (Secret, None, Some(NEW), true),
        (Secret, Some(&nothing), None, false),
        (Secret, None, None, false),
        (Secret, Some(&header), Some(NEW), false),
        (SecretBasic, Some(&raw), None, true),
        (SecretBasic, Some(&wrong), None, true),
        (Public, None, Some(NEW), false),
        (Public, Some(&header), None, false),
        (SecretPost, None, Some(NEW), true),
        (SecretPost, None, Some("old"), true),
        (SecretPost, None, Some("older"), false),
        (SecretPost, None, Some("ol"), false),
        (SecretPost, None, None, false),
        (SecretPost, Some(&header), None, false),
        (SecretBasic, Some(&header), None, true),
        (SecretBasic, None, Some(NEW), false),
        (SecretBasic, None, None, false),
        (SecretBasic, Some(&header), Some(NEW), false),
    ];
    for (method, header, posted, accepted) in rows {
        let world = World::confidential(method);
        let form = posted.map_or(code_form(), |secret| code_form().with("client_secret", secret));
        let headers: Vec<&str> = header.into_iter().collect();
        let decision = world.token_with(&form, &headers, Some(&world.issued(&authorization())));
        let exchanged = matches!(decision, Verdict::Exchange { .. });
        assert_eq!(exchanged, accepted, "{method:?} header {} body {posted:?}", header.is_some());
    }
}

#[test]
fn o_25_a_confidential_client_without_a_usable_secret_never_authenticates() {
    let mut world = World::confidential(ClientAuthentication::SecretPost);
    world.client.secrets.clear();
    let form = code_form().with("client_secret", "old");
    assert_eq!(world.token(&form, None), Verdict::Refuse(Refusal::WrongSecret));
}

#[test]
fn o_25_two_methods_or_a_broken_header_are_refused() {
    let world = World::confidential(ClientAuthentication::SecretBasic);
    let good = basic("app", "old");
    let form = code_form().without("client_id");
    let outcome = |form: &Form, headers: &[&str]| world.token_with(form, headers, None);
    assert_eq!(outcome(&form, &[&good]), Verdict::Refuse(Refusal::InvalidCode));
    let both = form.clone().with("client_secret", "old");
    let other = form.clone().with("client_id", "other");
    assert_eq!(outcome(&both, &[&good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    assert_eq!(outcome(&other, &[&good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    assert_eq!(outcome(&form, &[&good, &good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    let assertion = form.clone().with("client_assertion", "x.y.z");
    assert_eq!(outcome(&assertion, &[&good]), Verdict::Refuse(Refusal::UnsupportedAssertion));
    for broken in ["", "Basic", "Basic !", "Bearer x", "Basic YXBw", &basic("", "old"), "Basic /w=="] {
        assert_eq!(outcome(&form, &[broken]), Verdict::Refuse(Refusal::MalformedAuthorization), "{broken}");
    }
    assert_eq!(outcome(&form, &[]), Verdict::Refuse(Refusal::MissingCredentials));
}

#[test]
fn a_failed_authentication_is_a_401_with_a_challenge_and_the_rest_a_400_without() {
    let failed = refuse(Refusal::WrongSecret);
    assert_eq!(failed.status, 401);
    assert!(failed.header("www-authenticate").is_some_and(|value| value.starts_with("Basic ")));
    let invalid = refuse(Refusal::InvalidCode);
    assert_eq!((invalid.status, invalid.header("www-authenticate")), (400, None));
    let body: serde_json::Value = serde_json::from_str(&invalid.body).unwrap();
    assert_eq!(body["error"], "invalid_grant");
}

#[test]
fn o_25_a_client_never_authenticates_under_another_name() {
    for method in [ClientAuthentication::None, ClientAuthentication::SecretPost] {
        let client = World::confidential(method).client;
        let credentials = |client_id: &str| Credentials {
            client_id: client_id.into(),
            presented: if client.is_public() {
                Presented::Nothing
            } else {
                Presented::Post(SecretText::new("old"))
            },
        };
        assert_eq!(client.authenticate(&credentials("app")), Ok(()));
        assert_eq!(client.authenticate(&credentials("other")), Err(Refusal::UnregisteredClient));
    }
}

#[test]
fn o_25_a_secret_in_a_header_counts_as_sent_and_as_decoded_and_never_otherwise() {
    let secrets =
        ["with+plus", "100%", "%2B", "a%zz", "a&b=c", "p%C3%A4ss", "päss", "%FF", "colon:ed", "a b"];
    for registered in secrets {
        let mut world = World::confidential(ClientAuthentication::Secret);
        world.client.secrets = vec![Digest::of(registered)];
        let authenticates = |secret: &str| {
            let decision = world.token_with(&code_form().with("code", "x"), &[&basic("app", secret)], None);
            match decision {
                Verdict::Refuse(Refusal::InvalidCode) => true,
                Verdict::Refuse(Refusal::WrongSecret) => false,
                other => panic!("{other:?}"),
            }
        };
        let encoded: String = url::form_urlencoded::byte_serialize(registered.as_bytes()).collect();
        let percents = encoded.replace('+', "%20");
        assert!(authenticates(registered), "{registered} as it is");
        assert!(authenticates(&encoded), "{registered} as {encoded}");
        assert!(authenticates(&percents), "{registered} as {percents}");
        let twice: String = url::form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
        assert!(!authenticates(&twice) || twice == encoded, "{registered} as {twice}");
        for wrong in [format!("{registered}x"), format!("x{registered}"), registered.to_uppercase() + "0"] {
            assert!(!authenticates(&wrong), "{registered} as {wrong}");
        }
    }
}

#[test]
fn every_failed_authentication_is_answered_alike() {
    let reasons = Refusal::ALL.iter().filter(|refusal| refusal.is_of_authentication());
    let answers: Vec<_> =
        reasons.filter(|one| **one != Refusal::MalformedAuthorization).map(|one| refuse(*one)).collect();
    assert_eq!(answers.len(), 8);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
