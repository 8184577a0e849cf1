//! Signing keys: each tenant has one ES256 and one RS256 key in use, and others published beside them.
//!
//! Rotation needs no coordination (checklist O-38): a new key is published as one of the others first, becomes the
//! current one no sooner than relying parties had time to fetch the key set (its answers may be cached for five
//! minutes), and stays published as one of the others until the last token it signed has expired. A lost key is
//! withdrawn at once by leaving it out: what it signed is refused from then on.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::{Value, json};

use crate::client::Algorithm;
use crate::header::Type;

/// A pair of private keys as PKCS#8 in PEM form, as the operator keeps them in the tenant's Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The P-256 key.
    pub es256: SecretText,
    /// The RSA key, 2048 bits or more.
    pub rs256: SecretText,
}

/// A key could not be read or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not PEM.
    #[error("not a PEM text with one PRIVATE KEY (PKCS#8) block")]
    NotPem,
    /// The content is not a P-256 key.
    #[error(
        "not an unencrypted PKCS#8 key on the curve P-256; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`"
    )]
    NotP256,
    /// The content is not an RSA key of at least 2048 bits.
    #[error(
        "not an unencrypted PKCS#8 RSA key of 2048 bits or more; make one with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`"
    )]
    NotRsa,
    /// The library made no key.
    #[error("the cryptographic library made no key")]
    NotGenerated,
}

/// The library made no signature: a fault of ours, never of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library made no signature")]
pub struct SigningFailed;

/// Makes a new pair. Takes its randomness from the library, which offers no other way.
pub fn generate() -> Result<KeyPair, KeyError> {
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|key| key.to_pkcs8v1());
    let rs256 = RsaKeyPair::generate(KeySize::Rsa2048).and_then(|key| key.as_der());
    Ok(KeyPair {
        es256: to_pem(es256.map_err(|_| KeyError::NotGenerated)?.as_ref()),
        rs256: to_pem(rs256.map_err(|_| KeyError::NotGenerated)?.as_ref()),
    })
}

/// What PEM calls an unencrypted PKCS#8 key (RFC 7468 section 10).
const LABEL: &str = "PRIVATE KEY";

fn to_pem(der: &[u8]) -> SecretText {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    SecretText::new(pem::encode_config(&Pem::new(LABEL, der), lines))
}

fn from_pem(text: &SecretText) -> Result<Vec<u8>, KeyError> {
    let blocks = pem::parse_many(text.expose_for("loading a signing key")).map_err(|_| KeyError::NotPem)?;
    // Of several it would not be plain which one is meant.
    let [block] = <[Pem; 1]>::try_from(blocks).map_err(|_| KeyError::NotPem)?;
    if block.tag() == LABEL { Ok(block.into_contents()) } else { Err(KeyError::NotPem) }
}

/// One key, parsed once: signing with a freshly parsed RSA key costs several times the signature itself.
pub struct Key {
    private: Private,
    public: ParsedPublicKey,
    jwk: Value,
    headers: [(Type, String); Type::ALL.len()],
}

enum Private {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    /// Reads an ES256 key.
    pub fn es256(pem: &SecretText) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &from_pem(pem)?)
            .map_err(|_| KeyError::NotP256)?;
        let point = pair.public_key().as_ref();
        // An uncompressed point: 0x04, then both coordinates of 32 bytes (SEC 1 section 2.3.3).
        let (x, y) = point.get(1..).filter(|rest| rest.len() == 64).ok_or(KeyError::NotP256)?.split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::NotP256)?;
        let kid = thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": kid });
        let headers = Type::ALL.map(|kind| (kind, kind.header(Algorithm::Es256, &kid)));
        Ok(Self { private: Private::Es256(pair), public, jwk, headers })
    }

    /// Reads an RS256 key.
    pub fn rs256(pem: &SecretText) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(&from_pem(pem)?).map_err(|_| KeyError::NotRsa)?;
        let public = pair.public_key();
        let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_ref())
            .map_err(|_| KeyError::NotRsa)?;
        let kid = thumbprint(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
        let jwk = json!({ "kty": "RSA", "n": n, "e": e, "use": "sig", "alg": "RS256", "kid": kid });
        let headers = Type::ALL.map(|kind| (kind, kind.header(Algorithm::Rs256, &kid)));
        Ok(Self { private: Private::Rs256(pair), public, jwk, headers })
    }

    /// The public half (RFC 7517 section 4); its `kid` is the RFC 7638 thumbprint.
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// The first part of every token of this type that this key signs.
    pub(crate) fn header(&self, kind: Type) -> &str {
        self.headers.iter().find(|(known, _)| *known == kind).map_or("", |(_, header)| header)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Es256(pair) => {
                pair.sign(&random, message).map(|made| made.as_ref().to_vec()).map_err(|_| SigningFailed)
            }
            Private::Rs256(pair) => {
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut made).map_err(|_| SigningFailed)?;
                Ok(made)
            }
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

fn thumbprint(members: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(members).as_bytes())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.jwk.get("kid").and_then(Value::as_str).unwrap_or_default())
    }
}

/// A tenant's keys: two that sign, and all that are published and verify.
#[derive(Debug)]
pub struct Keys {
    es256: Key,
    rs256: Key,
    others: Vec<Key>,
}

impl Keys {
    /// Reads the pair that signs, and pairs that are only published: the next one, and previous ones whose tokens
    /// have not all expired.
    pub fn new(current: &KeyPair, others: &[KeyPair]) -> Result<Self, KeyError> {
        let mut published = Vec::with_capacity(others.len() * 2);
        for pair in others {
            published.push(Key::es256(&pair.es256)?);
            published.push(Key::rs256(&pair.rs256)?);
        }
        Ok(Self { es256: Key::es256(&current.es256)?, rs256: Key::rs256(&current.rs256)?, others: published })
    }

    /// The key that signs with an algorithm.
    pub fn signing(&self, algorithm: Algorithm) -> &Key {
        match algorithm {
            Algorithm::Es256 => &self.es256,
            Algorithm::Rs256 => &self.rs256,
        }
    }

    /// All published keys, those that sign first.
    pub fn published(&self) -> impl Iterator<Item = &Key> {
        [&self.es256, &self.rs256].into_iter().chain(&self.others)
    }
}
