//! The operating system's randomness.

use idflow_core::chance::Chance;

/// Unpredictable bytes from aws-lc-rs, which is seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Nothing may go on with predictable codes and keys.
            tracing::error!("the operating system gives no randomness");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_differs() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        SystemChance.fill(&mut first);
        SystemChance.fill(&mut second);
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }

    /// Codes, states, nonces and secrets are all drawn here (row 42 of the peers' faults).
    #[test]
    fn o_8_a_million_tokens_differ_and_every_bit_of_them_is_a_coin() {
        const DRAWS: usize = 1_000_000;
        let mut seen = std::collections::HashSet::with_capacity(DRAWS);
        let mut ones = [0_u32; 256];
        for _ in 0..DRAWS {
            let mut token = [0; 32];
            SystemChance.fill(&mut token);
            for (at, count) in ones.iter_mut().enumerate() {
                *count += u32::from(token[at / 8] >> (at % 8) & 1);
            }
            // A weak source would repeat itself in its halves long before it does in the whole.
            assert!(seen.insert(<[u8; 16]>::try_from(&token[..16]).unwrap()), "drawn twice");
        }
        // Six standard deviations of a fair coin: of 256 bits one is farther off once in two million runs.
        for (bit, count) in ones.iter().enumerate() {
            assert!(count.abs_diff(500_000) < 3_000, "bit {bit}: {count} of a million");
        }
    }
}
