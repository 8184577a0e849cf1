//! Browsers that somebody has signed in with: whoever guesses from elsewhere cannot keep them out (checklist P-8).
//!
//! A device is a cookie and no record. It names itself, and shows by a code under the tenant's key that it is this user's
//! since the last change of their standing: a new password makes strangers of all browsers but the one that set it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_store::seal::Keyring;

/// A cookie by which a browser is known to be a user's.
pub struct Device {
    /// What the cookie is called: one for each person who uses the browser.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Device {
    /// The cookie of a user's device in an epoch.
    pub(crate) fn of(keyring: &Keyring, user: &UserId, epoch: u64, id: &str) -> Option<Self> {
        let proof = proofs(keyring, user, epoch, id).next()?;
        let name = keyring.derive("device-name", &[user.as_bytes()]);
        let name = URL_SAFE_NO_PAD.encode(name.get(..6).unwrap_or(&name));
        Some(Self { name, value: format!("{id}.{proof}") })
    }
}

/// The id of the first of the devices shown that is this user's in this epoch.
pub(crate) fn recognized(keyring: &Keyring, user: &UserId, epoch: u64, shown: &[String]) -> Option<String> {
    let known = |shown: &String| {
        let (id, proof) = shown.split_once('.')?;
        let proof = Digest::of(proof);
        let mut expected = proofs(keyring, user, epoch, id);
        expected.any(|expected| Digest::of(expected).matches(&proof)).then(|| id.to_owned())
    };
    shown.iter().find_map(known)
}

/// What shows that a device is a user's, under every key of the ring, the current one first.
fn proofs(keyring: &Keyring, user: &UserId, epoch: u64, id: &str) -> impl Iterator<Item = String> {
    let epoch = epoch.to_be_bytes();
    let parts: [&[u8]; 3] = [user.as_bytes(), &epoch, id.as_bytes()];
    let proofs: Vec<[u8; 32]> = keyring.derivations("device", &parts).collect();
    proofs.into_iter().map(|proof| URL_SAFE_NO_PAD.encode(proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_8_a_device_is_one_users_of_one_epoch_and_nobody_makes_one_up() {
        let ring = |key: u8, previous: &[[u8; 32]]| Keyring::new("acme", &[key; 32], previous);
        let [ada, bob] = [1, 2].map(|id| UserId::from_bytes([id; 16]));
        let old = ring(1, &[]);
        let cookie = format!("one.{}", proofs(&old, &ada, 7, "one").next().unwrap());
        let shown = ["nonsense".to_owned(), "one.nonsense".to_owned(), cookie.clone()];
        assert_eq!(recognized(&old, &ada, 7, &shown).as_deref(), Some("one"));
        assert_eq!(
            recognized(&ring(2, &[[1; 32]]), &ada, 7, &shown).as_deref(),
            Some("one"),
            "a rotated key"
        );
        for (keyring, user, epoch) in [(&old, bob, 7), (&old, ada, 8), (&ring(2, &[]), ada, 7)] {
            assert_eq!(recognized(keyring, &user, epoch, &shown), None);
        }
        assert_eq!(recognized(&old, &ada, 7, &[cookie.replace("one", "two")]), None);
    }
}
