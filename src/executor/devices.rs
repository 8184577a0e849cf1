//! Browsers that somebody has signed in with: whoever guesses from elsewhere cannot keep them out (checklist P-8).
//!
//! A device is a cookie and no record. It names itself, and shows by a code under the tenant's key that it is this user's
//! since the last change of their standing: a new password makes strangers of all browsers but the one that set it.
//!
//! By further codes it shows that this user had proven to read mail at an address when they signed in. Whoever asks for a
//! mail to it needs nobody to be looked up: how the browser is treated says nothing about accounts. No change of standing
//! voids these; all that they give is a count of one's own (see `nodes/shared/asker.rs`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_core::name::canonical;
use idflow_core::user::User;
use idflow_store::seal::Keyring;

/// At how many addresses a device shows its user to be a reader.
const MOST_ADDRESSES: usize = 2;

/// A cookie by which a browser is known to be a user's.
pub struct Device {
    /// What the cookie is called: one for each person who uses the browser.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Device {
    /// The cookie of a user's device in an epoch.
    pub(crate) fn of(
        keyring: &Keyring,
        user: &UserId,
        Standing { epoch, addresses }: &Standing,
        id: &str,
    ) -> Option<Self> {
        let of_user = proofs(keyring, user, *epoch, id).next()?;
        let of_reader = addresses.iter().filter_map(|address| reader_proofs(keyring, address, id).next());
        let proof = std::iter::once(of_user).chain(of_reader).collect::<Vec<_>>().join(".");
        let name = keyring.derive("device-name", &[user.as_bytes()]);
        let name = URL_SAFE_NO_PAD.encode(name.get(..6).unwrap_or(&name));
        Some(Self { name, value: format!("{id}.{proof}") })
    }
}

/// What a device shows of its user, beside who it is.
pub(crate) struct Standing {
    pub(crate) epoch: u64,
    addresses: Vec<String>,
}

impl Standing {
    /// The user's in an epoch.
    pub(crate) fn of(user: &User, epoch: u64) -> Self {
        let texts = user.verified.iter().filter_map(|name| user.text(name));
        Self { epoch, addresses: texts.take(MOST_ADDRESSES).map(str::to_owned).collect() }
    }
}

/// The id of the first of the devices shown that is this user's in this epoch.
pub(crate) fn recognized(keyring: &Keyring, user: &UserId, epoch: u64, shown: &[String]) -> Option<String> {
    let known = |shown: &String| {
        let mut parts = shown.split('.');
        let (id, proof) = (parts.next()?, parts.next()?);
        is_among(proof, proofs(keyring, user, epoch, id)).then(|| id.to_owned())
    };
    shown.iter().find_map(known)
}

/// The id of the first of the devices shown whose user reads mail at the address.
pub(crate) fn readers(keyring: &Keyring, address: &str, shown: &[String]) -> Option<String> {
    let known = |shown: &String| {
        let mut parts = shown.split('.');
        let id = parts.next()?;
        let mut proofs = parts.skip(1).take(MOST_ADDRESSES);
        proofs.any(|proof| is_among(proof, reader_proofs(keyring, address, id))).then(|| id.to_owned())
    };
    shown.iter().find_map(known)
}

fn is_among(proof: &str, mut expected: impl Iterator<Item = String>) -> bool {
    let proof = Digest::of(proof);
    expected.any(|expected| Digest::of(expected).matches(&proof))
}

/// What shows that a device's user reads mail at an address, under every key of the ring, the current one first.
fn reader_proofs(keyring: &Keyring, address: &str, id: &str) -> impl Iterator<Item = String> {
    let address = canonical(address);
    let proofs = keyring.derivations("device-reader", &[id.as_bytes(), address.as_bytes()]);
    proofs.map(|proof| URL_SAFE_NO_PAD.encode(proof.get(..16).unwrap_or(&proof)))
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

    #[test]
    fn p_8_a_device_is_its_users_at_the_addresses_that_they_read_and_at_no_other() {
        let ring = Keyring::new("acme", &[1; 32], &[]);
        let ada = UserId::from_bytes([1; 16]);
        let addresses = ["Ada@Example.com", "a@example.org"].map(str::to_owned).to_vec();
        let device = Device::of(&ring, &ada, &Standing { epoch: 7, addresses }, "one").unwrap().value;
        let shown = ["one".to_owned(), "one.".to_owned(), device.clone()];
        assert_eq!(recognized(&ring, &ada, 7, &shown).as_deref(), Some("one"));
        for address in ["ada@example.com", " ADA@example.com", "a@example.org"] {
            assert_eq!(readers(&ring, address, &shown).as_deref(), Some("one"), "{address}");
        }
        let of_nobody =
            Device::of(&ring, &ada, &Standing { epoch: 7, addresses: Vec::new() }, "one").unwrap().value;
        let proof = device.split('.').nth(2).unwrap();
        let keyless = Keyring::new("acme", &[2; 32], &[]);
        for (ring, address, shown) in [
            (&ring, "eve@example.com", device.clone()),
            (&ring, "ada@example.com", of_nobody.clone()),
            (&ring, "ada@example.com", format!("one.{proof}")),
            (&ring, "ada@example.com", device.replace("one", "two")),
            (&ring, "ada@example.com", format!("{of_nobody}.x.y.{proof}")),
            (&keyless, "ada@example.com", device.clone()),
        ] {
            assert_eq!(readers(ring, address, std::slice::from_ref(&shown)), None, "{address} {shown}");
        }
    }
}
