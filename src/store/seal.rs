//! Sealing: what leaves the process is ciphertext, bound to its tenant, record kind and id (checklist L-6, L-7).
//!
//! ```text
//!   envelope = format 1 │ key id 8 │ nonce 12 │ ciphertext and tag          AES-256-GCM
//!            = format 2 │ pointer 16 │ key id 8 │ …                           see [`crate::backend::Lookup`]
//!   record key = HMAC-SHA-256(tenant key, "seal", kind, id)                  associated data = tenant, kind, id, pointer
//! ```
//!
//! Every record has a key of its own, so that random 96-bit nonces stay far below the 2³² messages that one key
//! may take (NIST SP 800-38D section 8.3), however busy the tenant is. Several tenant keys open values while one
//! seals them: that is how keys rotate (checklist L-8).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use idflow_core::chance::Chance;
use idflow_core::digest::Digest;

use crate::backend::{POINTING, pointer};

/// The envelope's format without a pointer; [`POINTING`] is the one with. Numbers are never reused.
const FORMAT: u8 = 1;

const KEY_ID_LEN: usize = 8;
const POINTER_LEN: usize = 16;
const HEAD_LEN: usize = 1 + POINTER_LEN + KEY_ID_LEN + NONCE_LEN;

/// Names a tenant key without telling anything about it: 64 bits derived from it, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A tenant's keys: one that seals and derives, and earlier ones that still open. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

struct Keys {
    tenant: String,
    current: TenantKey,
    previous: Vec<TenantKey>,
}

struct TenantKey {
    id: KeyId,
    derive: hmac::Key,
    seal: hmac::Key,
}

/// The library could not seal a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value could not be sealed")]
pub struct Unsealable;

impl Keyring {
    /// The keys of one tenant, each 256 random bits. The earlier ones, newest first, open what they sealed and
    /// nothing else.
    pub fn new(tenant: impl Into<String>, current: &[u8; 32], previous: &[[u8; 32]]) -> Self {
        let tenant = tenant.into();
        let previous = previous.iter().map(|key| TenantKey::new(&tenant, key)).collect();
        let current = TenantKey::new(&tenant, current);
        Self(Arc::new(Keys { tenant, current, previous }))
    }

    /// The tenant they belong to.
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The id of the key that seals.
    pub fn current(&self) -> KeyId {
        self.0.current.id
    }

    /// A key or secret for one purpose: HMAC-SHA-256 of purpose and parts under the current key. Different
    /// purposes, parts and tenants give unrelated results.
    pub fn derive(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.0.current.derived(purpose, parts)
    }

    /// The same under every key, the current one first: what was handed out before a rotation is still known.
    pub fn derivations(&self, purpose: &str, parts: &[&[u8]]) -> impl Iterator<Item = [u8; 32]> + use<> {
        let derived: Vec<[u8; 32]> = self.keys().map(|key| key.derived(purpose, parts)).collect();
        derived.into_iter()
    }

    /// Whether there are earlier keys than the one that seals.
    pub fn is_changing(&self) -> bool {
        !self.0.previous.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = &TenantKey> {
        std::iter::once(&self.0.current).chain(&self.0.previous)
    }

    fn associated(&self, kind: u8, id: &[u8], pointer: Option<[u8; POINTER_LEN]>) -> Digest {
        let kind = [kind];
        let parts = [self.0.tenant.as_bytes(), &kind, id].into_iter();
        let parts: Vec<&[u8]> = parts.chain(pointer.as_ref().map(<[u8; POINTER_LEN]>::as_slice)).collect();
        Digest::of_parts(&parts)
    }

    /// Seals the bytes of the record `kind`, `id` under the current key, with a pointer that stays in sight.
    pub(crate) fn seal(
        &self,
        chance: &dyn Chance,
        (kind, id): (u8, &[u8]),
        pointer: Option<[u8; POINTER_LEN]>,
        mut plain: Vec<u8>,
    ) -> Result<Vec<u8>, Unsealable> {
        let mut nonce = [0; NONCE_LEN];
        chance.fill(&mut nonce);
        let current = &self.0.current;
        let key = current.record_key(kind, id).ok_or(Unsealable)?;
        let associated = Aad::from(*self.associated(kind, id, pointer).as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated, &mut plain)
            .map_err(|_| Unsealable)?;
        let mut envelope = Vec::with_capacity(HEAD_LEN + plain.len());
        envelope.push(pointer.map_or(FORMAT, |_| POINTING));
        envelope.extend(pointer.iter().flatten());
        envelope.extend(current.id.0);
        envelope.extend(nonce);
        envelope.append(&mut plain);
        Ok(envelope)
    }

    /// Opens what was sealed for this record under any of the keys; nothing for everything else.
    pub(crate) fn open(&self, kind: u8, id: &[u8], envelope: &[u8]) -> Option<Vec<u8>> {
        let (sealed_by, rest) = split(envelope)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.keys().find(|key| key.id == sealed_by)?.record_key(kind, id)?;
        let associated = Aad::from(*self.associated(kind, id, pointer(envelope)).as_bytes());
        let mut plain = sealed.to_vec();
        let length =
            key.open_in_place(Nonce::assume_unique_for_key(*nonce), associated, &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }

    /// Which key an envelope names, whether it is here or not.
    pub(crate) fn sealed_by(envelope: &[u8]) -> Option<KeyId> {
        split(envelope).map(|(key, _)| key)
    }
}

/// The key that an envelope names, and what follows.
fn split(envelope: &[u8]) -> Option<(KeyId, &[u8])> {
    let (&format, rest) = envelope.split_first()?;
    let rest = match format {
        FORMAT => rest,
        POINTING => rest.get(POINTER_LEN..)?,
        _ => return None,
    };
    let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>()?;
    Some((KeyId(*id), rest))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({}, {})", self.0.tenant, self.0.current.id)
    }
}

impl TenantKey {
    fn new(tenant: &str, key: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = |label: &[u8]| mac(&root, &[label, tenant.as_bytes()]);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&derived(b"key id")[..KEY_ID_LEN]);
        Self {
            id: KeyId(id),
            derive: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"derive")),
            seal: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"seal")),
        }
    }

    fn derived(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let parts: Vec<&[u8]> = std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()).collect();
        mac(&self.derive, &parts)
    }

    fn record_key(&self, kind: u8, id: &[u8]) -> Option<LessSafeKey> {
        let key = mac(&self.seal, &[&[kind], id]);
        UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
    }
}

/// Each part is preceded by its length, so that no two lists of parts collide.
fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}
