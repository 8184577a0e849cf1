use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::digest::Digest;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::{SessionId, UserId};
use idflow_core::secret::SecretText;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as Jose, DecodingKey, TokenData, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::client::{Algorithm, ClientAuthentication};
use crate::endpoint::token::Verdict;
use crate::endpoint::{jwks, userinfo};
use crate::fixture::{
    Computed, Form, ISSUER, NOW, PAIRS, USER, World, authorization, code_form, factor, refresh_form,
};
use crate::http::Incoming;
use crate::jws::{self, Type};
use crate::keys::{self, Key, KeyError, Keys};
use crate::refusal::Refusal;
use crate::tokens::{AccessToken, Hint, verify_access_token};

/// Validates as a relying party would: with another library, from the published key set.
fn validated(keys: &Keys, token: &SecretText, audience: &str) -> TokenData<Value> {
    let token = token.expose_for("a test");
    let header = decode_header(token).unwrap();
    let set: JwkSet = serde_json::from_value(jwks::key_set(keys)).unwrap();
    let jwk: &Jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    decode(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap()
}

#[test]
fn o_21_the_id_token_says_what_the_specification_asks_for() {
    let world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let id_token = validated(world.keys, tokens.id_token.as_ref().unwrap(), "app");
    assert_eq!((id_token.header.alg, id_token.header.typ.as_deref()), (Jose::RS256, Some("JWT")));
    let access = Digest::of(tokens.access_token.expose_for("a test"));
    let expected = json!({
        "iss": ISSUER, "sub": USER.to_string(), "aud": "app", "azp": "app",
        "iat": NOW.seconds(), "exp": NOW.seconds() + 3600, "auth_time": NOW.seconds() - 60,
        "nonce": "a nonce", "acr": "urn:idflow:acr:multi-factor", "amr": ["otp", "pwd", "mfa"],
        "at_hash": URL_SAFE_NO_PAD.encode(&access.as_bytes()[..16]),
        "sid": SessionId::from_bytes([2; 16]).to_string(),
        "preferred_username": "ada", "given_name": "Ada", "updated_at": 1_700_000_000,
        "email": "ada@example.com", "email_verified": true,
    });
    assert_eq!(id_token.claims, expected);
}

#[test]
fn o_21_a_client_may_choose_es256() {
    let mut world = World::new();
    world.client.id_token_algorithm = Algorithm::Es256;
    let (_, tokens) = world.exchanged(&authorization());
    let id_token = validated(world.keys, tokens.id_token.as_ref().unwrap(), "app");
    assert_eq!(id_token.header.alg, Jose::ES256);
}

#[test]
fn a_refreshed_id_token_has_the_old_auth_time_and_no_nonce() {
    let mut world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    world.now = NOW.plus(idflow_core::time::Span::hours(2));
    let Verdict::Exchange { tokens, .. } = world.token(&refresh_form(&tokens), Some(&grant)) else {
        panic!("not refreshed");
    };
    let claims = validated(world.keys, tokens.id_token.as_ref().unwrap(), "app").claims;
    assert_eq!(claims["auth_time"], NOW.seconds() - 60);
    assert_eq!(claims["iat"], NOW.seconds() + 7200);
    assert_eq!(claims["sub"], USER.to_string());
    assert!(claims.get("nonce").is_none());
}

#[test]
fn acr_and_amr_come_from_this_users_evidence_only() {
    let mut world = World::new();
    let stranger = UserId::from_bytes([9; 16]);
    let rows = [
        (vec![], json!(null), json!(null)),
        (vec![factor("pwd", None), factor("otp", Some(stranger))], json!(null), json!(null)),
        (vec![factor("pwd", Some(USER))], json!("urn:idflow:acr:single-factor"), json!(["pwd"])),
        (
            vec![factor("pwd", Some(USER)), factor("pwd", Some(USER)), factor("otp", Some(stranger))],
            json!("urn:idflow:acr:single-factor"),
            json!(["pwd"]),
        ),
    ];
    for (evidence, acr, amr) in rows {
        world.session.evidence = evidence;
        let (_, tokens) = world.exchanged(&authorization());
        let claims = validated(world.keys, tokens.id_token.as_ref().unwrap(), "app").claims;
        assert_eq!((claims["acr"].clone(), claims["amr"].clone()), (acr, amr));
    }
}

#[test]
fn o_23_the_access_token_is_an_rfc_9068_token_for_the_issuer() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let access = validated(world.keys, &tokens.access_token, ISSUER);
    assert_eq!((access.header.alg, access.header.typ.as_deref()), (Jose::ES256, Some("at+jwt")));
    assert_eq!(access.claims["client_id"], "app");
    assert_eq!(access.claims["scope"], "openid profile email offline_access");
    assert_eq!(access.claims["jti"], format!("{}.1", grant.id));
    assert_eq!(access.claims["exp"], NOW.seconds() + 600);
    assert!(access.claims.get("email").is_none());
}

#[test]
fn o_23_no_kind_of_token_passes_for_another() {
    let mut world = World::new();
    world.client.id_token_algorithm = Algorithm::Es256;
    let (grant, tokens) = world.exchanged(&authorization());
    let id_token = tokens.id_token.unwrap();
    let refresh = tokens.refresh_token.unwrap();
    let shown = |token: &SecretText| token.expose_for("a test").to_owned();
    let code = format!("{}.{}", grant.id, "x".repeat(43));
    for wrong in [shown(&id_token), shown(&refresh), code] {
        assert_eq!(world.userinfo(&wrong, &grant), Err(Refusal::InvalidToken));
    }
    let access = shown(&tokens.access_token);
    assert!(jws::verify::<Value>(world.keys, Type::IdToken, &access).is_none());
    for wrong in [&access, &shown(&id_token), &shown(&refresh)] {
        let as_code = code_form().with("code", wrong);
        assert_eq!(world.token(&as_code, Some(&grant)), Verdict::Refuse(Refusal::InvalidCode));
    }
    for wrong in [access, shown(&id_token)] {
        let form =
            Form::new(&[("client_id", "app"), ("grant_type", "refresh_token"), ("refresh_token", &wrong)]);
        assert_eq!(world.token(&form, Some(&grant)), Verdict::Refuse(Refusal::InvalidRefreshToken));
    }
}

/// A token whose header is whatever a test wants, signed with our own key all the same.
fn signed(header: &str, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = Key::es256(&PAIRS[0].es256).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()).unwrap());
    format!("{message}.{signature}")
}

fn kid(keys: &Keys, algorithm: Algorithm) -> String {
    keys.signing(algorithm).jwk()["kid"].as_str().unwrap().to_owned()
}

const CLAIMS: &str = r#"{"iss":"https://login.example.com","sub":"s","aud":"https://login.example.com",
    "client_id":"app","scope":"openid","jti":"j","sid":"s","iat":1,"exp":1900000000,"auth_time":1}"#;

#[test]
fn o_24_a_header_that_we_would_not_write_is_refused_even_with_a_good_signature() {
    let world = World::new();
    let (es, rs) = (kid(world.keys, Algorithm::Es256), kid(world.keys, Algorithm::Rs256));
    let accepted = |header: &str| {
        verify_access_token(&world.provider, world.keys, &signed(header, CLAIMS), NOW).is_some()
    };
    let good = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{es}"}}"#);
    assert!(accepted(&good));
    let headers = [
        good.replace("ES256", "none"),
        good.replace("ES256", "HS256"),
        good.replace("ES256", "RS256"),
        good.replace("ES256", "es256"),
        good.replace("at+jwt", "JWT"),
        good.replace("at+jwt", "AT+JWT"),
        good.replace("at+jwt", "application/at+jwt"),
        good.replace("at+jwt", "logout+jwt"),
        good.replace(r#""typ":"at+jwt","#, ""),
        good.replace(&es, &rs),
        good.replace(&es, ""),
        good.replace('}', r#","jku":"https://evil.example/"}"#),
        good.replace('}', r#","x5u":"https://evil.example/"}"#),
        good.replace('}', r#","jwk":{}}"#),
        good.replace('}', r#","crit":["exp"]}"#),
        good.replace('}', r#","zip":"DEF"}"#),
        good.replace('}', r#","b64":false,"crit":["b64"]}"#),
        good.replace('}', r#","alg":"ES256"}"#),
        good.replace(',', ", "),
    ];
    for header in headers {
        assert!(!accepted(&header), "{header}");
    }
}

#[test]
fn o_24_claims_that_do_not_fit_are_refused_even_with_a_good_signature() {
    let world = World::new();
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, kid(world.keys, Algorithm::Es256));
    let accepted = |claims: &str| {
        verify_access_token(&world.provider, world.keys, &signed(&header, claims), NOW).is_some()
    };
    assert!(accepted(CLAIMS));
    let wrong = [
        CLAIMS.replace('}', r#","sub":"t"}"#),
        CLAIMS.replace('}', r#","exp":1900000001}"#),
        CLAIMS.replace(r#""iss":"https://login"#, r#""iss":"https://other"#),
        CLAIMS.replace(r#""aud":"https://login"#, r#""aud":"https://other"#),
        CLAIMS.replace(r#""aud":"https://login.example.com""#, r#""aud":["https://login.example.com"]"#),
        CLAIMS.replace("1900000000", &NOW.seconds().to_string()),
        CLAIMS.replace("1900000000", "1900000000.5"),
        CLAIMS.replace("1900000000", r#""1900000000""#),
        CLAIMS.replace(r#""exp":1900000000,"#, ""),
        format!("{CLAIMS}x"),
        format!("{CLAIMS}{}", " ".repeat(jws::LONGEST)),
        String::new(),
        "[]".to_owned(),
    ];
    for claims in wrong {
        assert!(!accepted(&claims), "{claims}");
    }
}

#[test]
fn o_24_no_changed_character_and_no_other_shape_is_accepted() {
    let world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let token = tokens.access_token.expose_for("a test");
    let accepted = |token: &str| verify_access_token(&world.provider, world.keys, token, NOW).is_some();
    assert!(accepted(token));
    for at in 0..token.len() {
        let mut changed = token.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(!accepted(&String::from_utf8(changed).unwrap()), "{at}");
    }
    let unsigned = token.rsplit_once('.').unwrap().0;
    let shapes = [
        String::new(),
        ".".into(),
        "..".into(),
        unsigned.into(),
        format!("{unsigned}."),
        format!("{token}."),
        format!("{token}="),
        format!(".{token}"),
        format!("{token}.{token}"),
        format!(" {token}"),
        "A".repeat(jws::LONGEST + 1),
    ];
    for shape in shapes {
        assert!(!accepted(&shape), "{shape}");
    }
}

#[test]
fn o_38_keys_rotate_without_a_refused_token_and_a_lost_key_is_withdrawn_at_once() {
    let [old, new] = &*PAIRS;
    let announced = Keys::new(old, std::slice::from_ref(new)).unwrap();
    let rotated = Keys::new(new, std::slice::from_ref(old)).unwrap();
    let withdrawn = Keys::new(new, &[]).unwrap();
    let claims: AccessToken = serde_json::from_str(CLAIMS).unwrap();
    let before = jws::sign(announced.signing(Algorithm::Es256), Type::AccessToken, &claims).unwrap();
    let after = jws::sign(rotated.signing(Algorithm::Es256), Type::AccessToken, &claims).unwrap();
    let accepted =
        |keys: &Keys, token: &str| jws::verify::<AccessToken>(keys, Type::AccessToken, token).is_some();
    for token in [&before, &after] {
        assert!(accepted(&announced, token) && accepted(&rotated, token));
    }
    assert!(!accepted(&withdrawn, &before) && accepted(&withdrawn, &after));
    let published = |keys: &Keys| keys.published().map(|key| key.jwk()["kid"].clone()).collect::<Vec<_>>();
    let (mut first, mut second) = (published(&announced), published(&rotated));
    first.sort_by_key(Value::to_string);
    second.sort_by_key(Value::to_string);
    assert_eq!((first.len(), first), (4, second));
}

#[test]
fn o_38_the_kid_is_the_rfc_7638_thumbprint_and_no_private_member_is_published() {
    let keys = Keys::new(&PAIRS[0], &[]).unwrap();
    for key in keys.published() {
        let jwk: Jwk = serde_json::from_value(key.jwk().clone()).unwrap();
        let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(key.jwk()["kid"], thumbprint);
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(key.jwk().get(private).is_none());
        }
    }
}

#[test]
fn a_token_header_keeps_its_form_for_ever() {
    let written = Type::AccessToken.header(Algorithm::Es256, "k");
    assert_eq!(URL_SAFE_NO_PAD.decode(written).unwrap(), br#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#);
    let written = Type::IdToken.header(Algorithm::Rs256, "k");
    assert_eq!(URL_SAFE_NO_PAD.decode(written).unwrap(), br#"{"alg":"RS256","typ":"JWT","kid":"k"}"#);
}

#[test]
fn keys_that_cannot_be_used_say_so() {
    let pair = keys::generate().unwrap();
    let text = pair.es256.expose_for("a test");
    assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with("-----END PRIVATE KEY-----\n"));
    assert_eq!(Key::es256(&pair.rs256).unwrap_err(), KeyError::NotP256);
    assert_eq!(Key::rs256(&pair.es256).unwrap_err(), KeyError::NotRsa);
    let swapped = text.replace("PRIVATE", "EC PRIVATE");
    let twice = text.repeat(2);
    for broken in ["", "text", "-----BEGIN PRIVATE KEY-----", &text[..100], &swapped, &twice] {
        assert_eq!(Key::es256(&SecretText::new(broken)).unwrap_err(), KeyError::NotPem, "{broken}");
    }
    let explained = format!("made by hand\r\n{}", text.replace('\n', "\r\n"));
    assert!(Key::es256(&SecretText::new(explained)).is_ok());
    assert!(!format!("{:?}", Key::es256(&pair.es256)).contains(&text[40..60]));
}

#[test]
fn o_9_two_tenants_do_not_accept_each_others_tokens() {
    let world = World::new();
    let mut other = World::new();
    other.provider.issuer = "https://other.example.com".into();
    let (_, tokens) = world.exchanged(&authorization());
    let header = format!("Bearer {}", tokens.access_token.expose_for("a test"));
    let incoming = Incoming { authorization: &[&header], ..Incoming::default() };
    // Even with the same keys; tenants never share them.
    let verified = userinfo::verify(&incoming, &other.around());
    assert_eq!(verified, Err(Refusal::InvalidToken));
}

#[test]
fn o_41_computed_claims_stand_beside_the_others_and_never_for_a_reserved_one() {
    let mut world = World::new();
    let spellings = |name: &str| [name.to_owned(), name.to_uppercase(), name.replacen('s', "\u{17f}", 1)];
    let reserved = crate::claims::RESERVED.iter().flat_map(|name| spellings(name));
    let reserved = reserved.map(|name| (name, json!("forged")));
    let more = [("roles", json!(["admin"])), ("given_name", json!("Countess"))];
    let claims = reserved.chain(more.map(|(name, value)| (name.to_owned(), value))).collect();
    world.claims = Some(Computed { claims, ..Computed::default() });
    let (grant, tokens) = world.exchanged(&authorization());
    let claims = validated(world.keys, tokens.id_token.as_ref().unwrap(), "app").claims;
    let info = world.userinfo(tokens.access_token.expose_for("a test"), &grant).unwrap();
    for told in [claims.as_object().unwrap(), &info] {
        assert!(!told.values().any(|value| value == "forged"), "{told:?}");
        assert_eq!((&told["roles"], &told["given_name"]), (&json!(["admin"]), &json!("Countess")));
    }
}

#[test]
fn o_41_claims_are_computed_where_they_are_told_and_nowhere_else() {
    let mut world = World::confidential(ClientAuthentication::SecretPost);
    world.claims = Some(Computed::default());
    let times = |world: &World| world.claims.as_ref().unwrap().times.load(Ordering::Relaxed);
    let grant = world.issued(&authorization());
    let right = code_form().with("client_secret", "old");
    for wrong in [
        code_form(),
        right.clone().with("client_secret", "wrong"),
        right.clone().with("code_verifier", &"x".repeat(43)),
        right.clone().with("redirect_uri", "https://evil.example"),
    ] {
        assert!(matches!(world.token(&wrong, Some(&grant)), Verdict::Refuse(_)));
    }
    let without = world.issued(&authorization().with("scope", "email"));
    assert!(matches!(world.token(&right, Some(&without)), Verdict::Exchange { .. }));
    assert_eq!(times(&world), 0, "who is refused, or gets no ID token, is told none");
    let Verdict::Exchange { grant, tokens } = world.token(&right, Some(&grant)) else { panic!("refused") };
    assert_eq!(times(&world), 1);
    let access = tokens.access_token.expose_for("a test");
    world.userinfo(access, &grant).unwrap();
    assert_eq!(times(&world), 2);
    world.userinfo(access, &Grant { stage: GrantStage::Revoked, ..grant }).unwrap_err();
    assert_eq!(times(&world), 2);
}

#[test]
fn what_is_signed_can_be_verified_however_much_there_is_to_say() {
    let mut world = World::new();
    world.client.scopes.push("groups".into());
    let form = authorization().with("scope", "openid email groups offline_access");
    for (groups, letters, left_out) in
        [(200, 30, None), (200, 100, None), (200, 128, Some("the groups")), (0, 0, None)]
    {
        world.user.groups = (0..groups).map(|n| format!("{n:03}").repeat(letters / 3)).collect();
        let (_, tokens) = world.exchanged(&form);
        let token = tokens.id_token.unwrap();
        assert_eq!(tokens.left_out, left_out, "{groups} groups of {letters}");
        let hint = Hint::verify(&world.provider, world.keys, token.expose_for("a test")).expect("verified");
        assert_eq!(hint.sub, world.user.id.to_string());
    }
    let long = "\u{10FFFF}".repeat(8 * 1024);
    world.user.attributes.insert("email".into(), long.into());
    let (_, tokens) = world.exchanged(&form);
    assert_eq!(tokens.left_out, Some("all that is said of the person"));
    assert!(
        Hint::verify(&world.provider, world.keys, tokens.id_token.unwrap().expose_for("a test")).is_some()
    );
}
