//! What signing costs; run with `cargo test -p idflow-oidc cost -- --ignored --nocapture`.

use serde_json::json;

use crate::client::Algorithm;
use crate::fixture::{World, authorization, code_form};
use crate::jws::{self, Type};

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn nanoseconds(rounds: u32, mut work: impl FnMut()) -> u128 {
    let begun = std::time::Instant::now();
    (0..rounds).for_each(|_| work());
    begun.elapsed().as_nanos() / u128::from(rounds)
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn cost_of_a_token() {
    let mut world = World::new();
    let claims = json!({ "iss": "https://login.example.com", "sub": "x".repeat(22), "exp": 1_800_000_000 });
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let key = world.keys.signing(algorithm);
        let signing = nanoseconds(500, || assert!(jws::sign(key, Type::IdToken, &claims).is_ok()));
        let token = jws::sign(key, Type::IdToken, &claims).unwrap();
        let verifying = nanoseconds(500, || {
            assert!(jws::verify::<serde_json::Value>(world.keys, Type::IdToken, &token).is_some());
        });
        println!("{}: sign {signing} ns, verify {verifying} ns", algorithm.name());
        world.client.id_token_algorithm = algorithm;
        let grant = world.issued(&authorization());
        let form = code_form();
        let exchange = nanoseconds(200, || {
            world.token(&form, Some(&grant));
        });
        println!("{}: whole exchange {exchange} ns", algorithm.name());
    }
}
