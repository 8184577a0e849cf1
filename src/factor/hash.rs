//! Argon2id (RFC 9106), its parameters stored with every hash (checklist P-5).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use idflow_core::chance::Chance;
use idflow_core::secret::{PasswordHash, SecretText};
use password_hash::phc;
use zeroize::Zeroizing;

/// The longest password, in bytes of UTF-8. Longer ones are refused before anything is computed.
pub const MAX_PASSWORD: usize = 4096;

/// The most memory a stored hash may ask for, in KiB. More can only come from a damaged record.
const MAX_MEMORY: u32 = 1 << 18;

/// The most passes a stored hash may ask for.
const MAX_PASSES: u32 = 64;

/// From this size on a hash computes in memory that goes back to the system at once: 33 MiB, of which only what is
/// used costs anything. The GNU allocator keeps smaller pieces for each thread that ever asked for them, up to 58 MB
/// of them per thread with the default cost; above 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`) it never does.
const MAPPED: usize = 33 << 10;

/// The fewest blocks, of 1 KiB, for which that is worth a system call.
const LARGE: usize = 1 << 10;

/// 128 bits of salt (SP 800-63B-4 3.1.1.2 asks for 32).
const SALT: usize = 16;

/// How expensive a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// Argon2id with 19 MiB, two passes and one lane: the OWASP recommendation, and the default.
    #[default]
    Owasp,
    /// Argon2id with 8 KiB and one pass. Protects nothing: only for measuring everything else.
    Cheapest,
}

impl Cost {
    /// Memory in KiB and passes; always one lane.
    const fn parameters(self) -> (u32, u32) {
        match self {
            Self::Owasp => (19 * 1024, 2),
            Self::Cheapest => (8, 1),
        }
    }

    /// The algorithm's name and parameters, for logs and measurements.
    pub fn describe(self) -> String {
        let (memory, passes) = self.parameters();
        format!("argon2id m={memory}KiB t={passes} p=1")
    }

    fn argon2(self) -> Argon2<'static> {
        let (memory, passes) = self.parameters();
        // Both sets of parameters are constants within Argon2's bounds.
        let params = Params::new(memory, passes, 1, None).unwrap_or_default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    /// Whether a hash with these parameters is weaker in any respect.
    fn exceeds(self, stored: &Params) -> bool {
        let (memory, passes) = self.parameters();
        stored.m_cost() < memory || stored.t_cost() < passes
    }
}

/// Makes and checks password hashes of one cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hasher {
    cost: Cost,
    decoy: PasswordHash,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new(Cost::default())
    }
}

/// The outcome of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether it matches a hash that is cheaper or older than new ones: hash the password again (P-5).
    pub needs_rehash: bool,
}

/// The stored text is no hash that can be verified. It says nothing about the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored password hash is damaged: it is no Argon2 hash in PHC string form")]
pub struct Corrupt;

/// The password has more than [`MAX_PASSWORD`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password may have at most {MAX_PASSWORD} bytes")]
pub struct TooLong;

impl Hasher {
    /// A hasher whose new hashes have this cost, and that stored ones are raised to.
    pub fn new(cost: Cost) -> Self {
        let (memory, passes) = cost.parameters();
        // Sixteen and thirty-two zero bytes.
        let (salt, output) = ("A".repeat(22), "A".repeat(43));
        let decoy = PasswordHash(format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${output}"));
        Self { cost, decoy }
    }

    /// The cost of new hashes.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Hashes a new password with a fresh salt. Blocks for as long as the cost says.
    pub fn hash(&self, password: &SecretText, chance: &dyn Chance) -> Result<PasswordHash, TooLong> {
        let normalized = normalized(password).ok_or(TooLong)?;
        let mut salt = [0; SALT];
        chance.fill(&mut salt);
        // Only lengths can be wrong, and they were checked.
        let hash = phc_string(&self.cost.argon2(), normalized.as_bytes(), &salt).map_err(|_| TooLong)?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Compares a password with a stored hash, in time that does not depend on where they differ. Blocks for as
    /// long as the stored hash's cost says; a password that is too long is simply not the one.
    pub fn verify(&self, stored: &PasswordHash, password: &SecretText) -> Result<Verdict, Corrupt> {
        let parsed = phc::PasswordHash::new(&stored.0).map_err(|_| Corrupt)?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| Corrupt)?;
        let params = Params::try_from(&parsed).map_err(|_| Corrupt)?;
        let version =
            parsed.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| Corrupt)?;
        let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else { return Err(Corrupt) };
        if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
            return Err(Corrupt);
        }
        let Some(normalized) = normalized(password) else {
            return Ok(Verdict { matches: false, needs_rehash: false });
        };
        let argon2 = Argon2::new(algorithm, version, params.clone());
        let computed = compute(&argon2, normalized.as_bytes(), salt).map_err(|_| Corrupt)?;
        // `Output` compares in constant time.
        let matches = *expected == computed;
        let current = Version::V0x13 as u32;
        let outdated = algorithm != Algorithm::Argon2id
            || parsed.version.is_none_or(|version| version < current)
            || self.cost.exceeds(&params);
        Ok(Verdict { matches, needs_rehash: matches && outdated })
    }

    /// A hash of the current cost that no password has, to verify against when there is no user (checklist E-2).
    /// Verifying it takes as long as verifying a real one.
    pub fn decoy(&self) -> &PasswordHash {
        &self.decoy
    }
}

/// A new hash in the form it is stored in.
fn phc_string(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> password_hash::Result<phc::PasswordHash> {
    Ok(phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: phc::ParamsString::try_from(argon2.params())?,
        salt: Some(phc::Salt::new(salt)?),
        hash: Some(compute(argon2, password, salt)?),
    })
}

fn compute(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> password_hash::Result<phc::Output> {
    let blocks = argon2.params().block_count();
    let mut memory = Vec::with_capacity(if blocks < LARGE { blocks } else { blocks.max(MAPPED) });
    memory.resize(blocks, Block::default());
    let mut buffer = [0; phc::Output::MAX_LENGTH];
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let output = buffer.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password, salt, output, &mut *memory)?;
    Ok(phc::Output::new(output)?)
}

/// The password in Unicode normalization form C (RFC 8265 4.2.2), so that `é` typed on two keyboards is one
/// password. Nothing else is changed: no trimming, no case, no truncation (checklist P-3).
fn normalized(password: &SecretText) -> Option<Zeroizing<String>> {
    let text = password.expose_for("hashing");
    (text.len() <= MAX_PASSWORD)
        .then(|| Zeroizing::new(ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use idflow_core::chance::SeededChance;
    use proptest::prelude::*;

    use super::*;

    static CHEAP: LazyLock<Hasher> = LazyLock::new(|| Hasher::new(Cost::Cheapest));

    fn secret(text: &str) -> SecretText {
        SecretText::new(text)
    }

    fn hash(text: &str) -> PasswordHash {
        CHEAP.hash(&secret(text), &SeededChance::new(7)).unwrap()
    }

    fn matches(stored: &PasswordHash, text: &str) -> bool {
        CHEAP.verify(stored, &secret(text)).unwrap().matches
    }

    #[test]
    fn p_5_the_default_is_argon2id_with_19_mib_two_passes_one_lane_and_a_fresh_salt() {
        let chance = SeededChance::new(1);
        let hasher = Hasher::default();
        let (first, second) =
            (hasher.hash(&secret("x"), &chance).unwrap(), hasher.hash(&secret("x"), &chance).unwrap());
        assert!(first.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", first.0);
        assert_ne!(first, second);
        assert_eq!(first.0.split('$').nth(4).unwrap().len(), 22, "128 bits of salt");
        assert_eq!(hasher.verify(&first, &secret("x")), Ok(Verdict { matches: true, needs_rehash: false }));
    }

    #[test]
    fn p_5_a_cheaper_or_older_hash_asks_to_be_replaced_but_only_by_its_owner() {
        let stored = hash("correct horse");
        let raised = Hasher::new(Cost::Owasp);
        assert!(raised.verify(&stored, &secret("correct horse")).unwrap().needs_rehash);
        assert!(!raised.verify(&stored, &secret("wrong")).unwrap().needs_rehash);
        assert!(!CHEAP.verify(&stored, &secret("correct horse")).unwrap().needs_rehash);
        let expensive = raised.hash(&secret("x"), &SeededChance::new(1)).unwrap();
        assert!(!CHEAP.verify(&expensive, &secret("x")).unwrap().needs_rehash, "never made cheaper");
    }

    #[test]
    fn p_3_the_whole_password_counts() {
        for length in [7, 72, 73, 128, 1024, 1025, MAX_PASSWORD] {
            let whole = "a".repeat(length);
            let stored = hash(&whole);
            assert!(matches(&stored, &whole));
            for place in [0, length / 2, length - 1] {
                let mut other = whole.clone();
                other.replace_range(place..=place, "b");
                assert!(!matches(&stored, &other), "length {length}, differs at {place}");
            }
            assert!(!matches(&stored, &whole[1..]));
        }
    }

    #[test]
    fn p_3_case_spaces_and_nul_count() {
        let stored = hash(" Pass\0word ");
        assert!(matches(&stored, " Pass\0word "));
        for other in [" Pass", "Pass\0word", " pass\0word ", " Pass\0Word ", " Password "] {
            assert!(!matches(&stored, other), "{other:?}");
        }
    }

    #[test]
    fn p_3_composed_and_decomposed_characters_are_one_password() {
        for (composed, decomposed) in
            [("é", "e\u{301}"), ("Ä", "A\u{308}"), ("각", "\u{1100}\u{1161}\u{11a8}")]
        {
            assert!(matches(&hash(composed), decomposed));
            assert!(matches(&hash(decomposed), composed));
        }
        assert!(!matches(&hash("ﬁ"), "fi"), "compatibility forms stay apart");
    }

    #[test]
    fn a_password_over_the_cap_is_refused_before_hashing() {
        let long = "a".repeat(MAX_PASSWORD + 1);
        assert_eq!(CHEAP.hash(&secret(&long), &SeededChance::new(1)), Err(TooLong));
        assert!(!matches(&hash("a"), &long));
    }

    #[test]
    fn e_2_the_decoy_has_the_current_cost_and_no_password() {
        for cost in [Cost::Owasp, Cost::Cheapest] {
            let hasher = Hasher::new(cost);
            let real = hasher.hash(&secret("x"), &SeededChance::new(1)).unwrap();
            let decoy = hasher.decoy();
            let head = |hash: &PasswordHash| hash.0.splitn(5, '$').take(4).collect::<Vec<_>>().join("$");
            assert_eq!(head(&real), head(decoy));
            assert_eq!(real.0.len(), decoy.0.len());
            for guess in ["", "x", "\0"] {
                assert!(!hasher.verify(decoy, &secret(guess)).unwrap().matches);
            }
        }
    }

    #[test]
    fn a_damaged_hash_is_corrupt_not_a_wrong_password() {
        let good = hash("x").0;
        for damaged in [
            String::new(),
            "x".into(),
            good[..good.len() / 2].to_owned(),
            good.replace("argon2id", "argon9"),
            good.replace("argon2id", "scrypt"),
            good.replace("m=8", "m=99999999"),
            good.replace("t=1", "t=9999"),
            good.replace("m=8", "m=0"),
            good.rsplit_once('$').unwrap().0.to_owned(),
        ] {
            assert_eq!(CHEAP.verify(&PasswordHash(damaged.clone()), &secret("x")), Err(Corrupt), "{damaged}");
        }
    }

    #[test]
    fn the_cost_can_be_named() {
        assert_eq!(Cost::Owasp.describe(), "argon2id m=19456KiB t=2 p=1");
        assert_eq!(Cost::Cheapest.describe(), "argon2id m=8KiB t=1 p=1");
    }

    proptest! {
        #[test]
        fn any_password_matches_itself_only(one in r"\PC{0,40}", two in r"\PC{0,40}") {
            let stored = hash(&one);
            prop_assert!(matches(&stored, &one));
            let nfc = ComposingNormalizerBorrowed::new_nfc();
            prop_assert_eq!(matches(&stored, &two), nfc.normalize(&one) == nfc.normalize(&two));
        }

        #[test]
        fn arbitrary_stored_texts_never_panic(stored in r"[$a-zA-Z0-9=,+/.]{0,100}") {
            let _ = CHEAP.verify(&PasswordHash(stored), &secret("x"));
        }
    }
}
