//! The same request once more: where somebody begins anew who cannot go on.

use idflow_core::grant::AuthorizationRequest;

use crate::endpoint::authorize::{LONGEST_ADDRESS, STAND_IN};
use crate::handle::{Secrets, stand_in};

/// The path and query at which the request begins anew, if an address can hold it. Only for who began it: it carries what
/// the application sent.
pub fn path(request: &AuthorizationRequest, secrets: &dyn Secrets) -> Option<String> {
    let AuthorizationRequest {
        client_id,
        redirect_uri,
        scopes,
        state,
        nonce,
        code_challenge,
        max_age,
        fresh,
        registration,
        acr_values,
        ui_locales,
        login_hint,
        hinted,
        form_post,
    } = request;
    let words = |words: &[String]| (!words.is_empty()).then(|| words.join(" "));
    let prompt = if *registration { Some("create") } else { fresh.then_some("login") };
    let method = code_challenge.as_ref().map(|_| "S256".to_owned());
    let pairs = [
        ("client_id", Some(client_id.clone())),
        ("redirect_uri", Some(redirect_uri.clone())),
        ("response_type", Some("code".to_owned())),
        ("scope", words(scopes)),
        ("state", state.clone()),
        ("nonce", nonce.clone()),
        ("code_challenge", code_challenge.clone()),
        ("code_challenge_method", method),
        ("max_age", max_age.map(|seconds| seconds.to_string())),
        ("prompt", prompt.map(str::to_owned)),
        ("acr_values", words(acr_values)),
        ("ui_locales", words(ui_locales)),
        ("login_hint", login_hint.clone()),
        // The token that named the person is not kept.
        (STAND_IN, hinted.map(|user| stand_in(secrets, client_id, user))),
        ("response_mode", form_post.then(|| "form_post".to_owned())),
    ];
    let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    Some(format!("/oauth2/authorize?{query}")).filter(|path| path.len() <= LONGEST_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Decision;
    use crate::fixture::{Derived, Form, World, authorization};

    #[test]
    fn it_begins_the_very_same_journey() {
        let world = World::new();
        let (_, tokens) = world.exchanged(&authorization());
        let hint = tokens.id_token.unwrap();
        let forms = [
            authorization().with("id_token_hint", hint.expose_for("a test")),
            authorization().with("id_token_hint", "garbage").with("prompt", "create"),
            authorization(),
            authorization().without("state").with("prompt", "login").with("max_age", "60"),
            authorization().without("state").with("state", "a b&c=é").with("prompt", "create"),
            authorization().with("acr_values", "urn:a urn:b").with("ui_locales", "de en"),
            authorization().with("login_hint", "ada+1@example.com"),
            authorization().with("response_mode", "form_post"),
        ];
        for form in forms {
            let request = world.accepted(&form);
            let path = path(&request, &Derived).unwrap();
            assert!(!path.contains(hint.expose_for("a test")), "{path}");
            let query = path.strip_prefix("/oauth2/authorize?").unwrap();
            let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            assert_eq!(world.accepted(&Form(pairs)), request, "{path}");
        }
    }

    #[test]
    fn o_28_a_hint_that_means_nobody_is_answered_by_no_session_however_often_it_begins_anew() {
        let world = World::new();
        let mut form = authorization().with("id_token_hint", "garbage");
        for time in ["first", "second", "third"] {
            let Ok(Decision::StartJourney(request)) = world.authorize(&form) else { panic!("{time}") };
            let path = path(&request, &Derived).unwrap();
            let query = path.strip_prefix("/oauth2/authorize?").unwrap();
            form = Form(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect());
        }
    }
}
