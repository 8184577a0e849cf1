//! Randomness as an argument.

/// Where unpredictable bytes come from. The executor passes the operating system's; tests pass a seeded one.
pub trait Chance: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws a decimal code of `digits` digits (at most 18), each value equally likely.
pub fn decimal_code(chance: &dyn Chance, digits: u32) -> String {
    let bound = 10_u64.pow(digits.min(18));
    let usable = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        chance.fill(&mut bytes);
        let drawn = u64::from_be_bytes(bytes);
        if drawn < usable {
            return format!("{:0width$}", drawn % bound, width = digits as usize);
        }
    }
}

/// Draws a token of 256 random bits, written as 43 characters of base64url.
pub fn token(chance: &dyn Chance) -> String {
    use base64::Engine as _;
    let mut bytes = [0; 32];
    chance.fill(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A reproducible source for tests and simulation (`SplitMix64`). Never use it for anything secret.
#[derive(Debug)]
pub struct SeededChance(std::sync::atomic::AtomicU64);

impl SeededChance {
    /// The source whose whole sequence follows from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, std::sync::atomic::Ordering::SeqCst);
            let mut mixed = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_leading_zeros() {
        let chance = SeededChance::new(1);
        assert!((0..2000).map(|_| decimal_code(&chance, 6)).all(|code| code.len() == 6));
        assert!((0..2000).any(|_| decimal_code(&chance, 6).starts_with('0')));
    }
}
