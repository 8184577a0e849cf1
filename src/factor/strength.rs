//! Whether a new password is good enough: its length, and that nobody would guess it first.
//!
//! There are no rules about kinds of characters (checklist P-2).

use std::collections::HashSet;
use std::sync::LazyLock;

use idflow_core::effect::Weakness;
use idflow_core::secret::SecretText;

use crate::hash::MAX_PASSWORD;

/// The commonest passwords, lower case, one a line.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Runs that people type along.
const RUNS: [&str; 7] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// The shortest of the user's own words that counts.
const SHORTEST_PERSONAL: usize = 4;

/// What a directory demands of new passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The least length in Unicode code points: 15 where the password is the only factor, 8 where it is one of two
    /// (SP 800-63B-4 3.1.1.2).
    pub minimum_length: u32,
    /// More passwords that are refused, like the commonest ones.
    pub blocklist: Vec<String>,
}

/// Judges a new password; `personal` are the user's attribute values, which it must not contain. The error lists
/// every reason and is never empty.
pub fn acceptable(password: &SecretText, policy: &Policy, personal: &[String]) -> Result<(), Vec<Weakness>> {
    let text = password.expose_for("judging");
    if text.len() > MAX_PASSWORD {
        let maximum = u32::try_from(MAX_PASSWORD).unwrap_or(u32::MAX);
        return Err(vec![Weakness::TooLong { maximum }]);
    }
    let lower = zeroize::Zeroizing::new(text.to_lowercase());
    let mut weaknesses = Vec::new();
    if password.code_points() < policy.minimum_length as usize {
        weaknesses.push(Weakness::TooShort { minimum: policy.minimum_length });
    }
    if is_common(&lower, &policy.blocklist) {
        weaknesses.push(Weakness::Common);
    } else if is_repetitive(&lower) {
        weaknesses.push(Weakness::Repetitive);
    }
    if personal.iter().any(|value| contains_personal(&lower, &value.to_lowercase())) {
        weaknesses.push(Weakness::Personal);
    }
    if weaknesses.is_empty() { Ok(()) } else { Err(weaknesses) }
}

/// Whether a list entry, or a trivial variant of one, is all there is to it (P-4).
fn is_common(lower: &str, blocklist: &[String]) -> bool {
    let listed =
        |word: &str| COMMON.contains(word) || blocklist.iter().any(|entry| entry.to_lowercase() == word);
    essence(lower).into_iter().any(|word| listed(word) || listed(&without_substitutes(word)))
}

/// Whether a repetition or a run is all there is to it (P-4).
fn is_repetitive(lower: &str) -> bool {
    let unit = repeated_unit(lower);
    essence(lower).into_iter().any(is_run) || unit.chars().count() <= 4 && unit.len() < lower.len()
}

/// What is left without what people put around a word and without its repetitions.
fn essence(lower: &str) -> Vec<&str> {
    let core = lower.trim_matches(|character: char| !character.is_alphabetic());
    let words = [lower, core, repeated_unit(lower), repeated_unit(core), without_trimmings(lower)];
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// Digits and signs before and after, but only those that stand for no letter, taken away.
fn without_trimmings(lower: &str) -> &str {
    let trimmings = |character: char| !character.is_alphabetic() && !"@$".contains(character);
    lower.trim_end_matches(trimmings).trim_start_matches(trimmings)
}

/// `p4$$w0rd` as `password`.
fn without_substitutes(word: &str) -> String {
    word.chars()
        .map(|character| match character {
            '0' => 'o',
            '1' | '!' | '|' => 'i',
            '3' | '€' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' | '+' => 't',
            '8' => 'b',
            '9' => 'g',
            other => other,
        })
        .collect()
}

/// The shortest text whose repetition (the last one may be cut) is the whole: `abcabcab` gives `abc`.
fn repeated_unit(text: &str) -> &str {
    text.char_indices()
        .skip(1)
        .map(|(end, _)| end)
        .take_while(|end| end * 2 <= text.len())
        .find(|end| {
            text.as_bytes()[*end..].iter().zip(text.as_bytes()).all(|(later, earlier)| later == earlier)
        })
        .map_or(text, |end| &text[..end])
}

/// Whether it runs along the alphabet, the digits or a keyboard, in either direction.
fn is_run(word: &str) -> bool {
    word.chars().count() >= 4
        && RUNS.iter().any(|run| {
            let back: String = run.chars().rev().collect();
            run.contains(word) || back.contains(word)
        })
}

/// Whether the password contains the value, or a word of it such as the local part of an address.
fn contains_personal(lower: &str, value: &str) -> bool {
    let counts = |word: &&str| word.chars().count() >= SHORTEST_PERSONAL;
    let local_part = value.split('@').next().unwrap_or(value);
    std::iter::once(value)
        .chain(std::iter::once(local_part))
        .chain(local_part.split(|character: char| !character.is_alphanumeric()))
        .filter(counts)
        .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(password: &str, minimum_length: u32) -> Vec<Weakness> {
        let policy = Policy { minimum_length, blocklist: vec!["Acme Rockets".to_owned()] };
        let personal = ["ada.lovelace@example.com".to_owned(), "Li".to_owned()];
        acceptable(&SecretText::new(password), &policy, &personal).err().unwrap_or_default()
    }

    #[test]
    fn p_1_length_is_counted_in_code_points() {
        for (minimum, length, accepted) in [
            (8, 7, false),
            (8, 8, true),
            (15, 14, false),
            (15, 15, true),
            (15, 64, true),
            (15, 256, true),
            (8, 1000, true),
        ] {
            let password: String = "Ωж語ñk8é-ß7".chars().cycle().take(length).collect::<String>() + "";
            let verdict = judge(&password, minimum);
            let short = verdict.contains(&Weakness::TooShort { minimum });
            assert_eq!(!short, accepted, "{length} of {minimum}");
        }
    }

    #[test]
    fn p_1_more_than_4096_bytes_are_refused() {
        assert_eq!(judge(&"Ωж".repeat(1024), 8), [Weakness::Repetitive], "4,096 bytes can be judged");
        assert_eq!(judge(&"Ωж語".repeat(1024), 8), [Weakness::TooLong { maximum: 4096 }]);
    }

    #[test]
    fn p_2_no_kind_of_character_is_demanded() {
        for password in [
            "vjqzkw mopulta",
            "vjqzkwmopulta",
            "VJQZKWMOPULTA",
            "8203957146620",
            "пароляжираф",
            "🦒🎻🧊🪴🥽🪁🧶🪗",
        ] {
            assert_eq!(judge(password, 8), [], "{password}");
        }
    }

    #[test]
    fn p_4_every_list_entry_and_its_trivial_variants_are_refused() {
        for entry in include_str!("common.txt").lines() {
            let mut letters = entry.chars();
            let capital: String =
                letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            for variant in [entry.to_owned(), entry.to_uppercase(), capital, entry.repeat(2)] {
                let told = judge(&variant, 1);
                let is_told = told.contains(&Weakness::Common) || told == [Weakness::Repetitive];
                assert!(is_told, "{variant}");
            }
        }
    }

    #[test]
    fn p_4_variants_are_refused_as_common() {
        for password in [
            "password2026!",
            "Password!!!!!!!!",
            "!!!password",
            "P@ssw0rd",
            "p4$$w0rd2024",
            "passwordpassword",
            "PasswordPasswordPass",
            "monkey123456789",
            "acme rockets",
            "ACME ROCKETS 2026",
            "acme rockets1",
            "Summer2026!",
            "hallo123",
        ] {
            assert!(judge(password, 8).contains(&Weakness::Common), "{password}");
        }
    }

    #[test]
    fn p_4_runs_and_repetitions_are_refused_and_called_what_they_are() {
        for password in [
            "aaaaaaaaaaaaaaaa",
            "xqv!xqv!xqv!xqv!",
            "zyxwvutsrqponm",
            "mnopqrstuvwxyz",
            "tzuiopasdfghjkl",
            "98765432109876",
            "Ωж語Ωж語Ωж語Ωж語",
        ] {
            assert_eq!(judge(password, 8), [Weakness::Repetitive], "{password}");
        }
        let either = [
            "abcabcabcabcabc",
            "abcdefghijklmnop",
            "qwertyuiopasdfgh",
            "0123456789012345",
            "9876543210987654",
            "1qaz2wsx3edc4rfv",
        ];
        for password in either {
            assert!(!judge(password, 8).is_empty(), "{password}");
        }
    }

    #[test]
    fn p_4_the_users_own_words_are_refused() {
        for password in ["ada.lovelace@example.com", "xx-Lovelace-9931k", "ADA.LOVELACE.77qv"] {
            assert_eq!(judge(password, 8), [Weakness::Personal], "{password}");
        }
        assert_eq!(judge("quilted lizard of mine", 8), [], "two letters are no word");
        assert_eq!(judge("example vjqzkw mopulta", 8), [], "the domain is not theirs");
    }

    #[test]
    fn a_passphrase_with_common_words_is_accepted() {
        for password in
            ["purple dragon eats cold coffee", "sunshine over Hamburg harbour 3", "tr0mb0ne-picnic-lagoon"]
        {
            assert_eq!(judge(password, 15), [], "{password}");
        }
    }

    #[test]
    fn every_reason_is_told_at_once() {
        assert_eq!(judge("pass", 15), [Weakness::TooShort { minimum: 15 }, Weakness::Common]);
        assert_eq!(judge("", 15), [Weakness::TooShort { minimum: 15 }]);
    }

    #[test]
    fn the_list_is_clean() {
        let entries: Vec<&str> = include_str!("common.txt").lines().collect();
        assert!(entries.len() > 900, "{}", entries.len());
        assert!(
            entries
                .iter()
                .all(|entry| entry.to_lowercase() == *entry && entry.trim() == *entry && !entry.is_empty())
        );
        assert_eq!(COMMON.len(), entries.len(), "no entry twice");
    }

    proptest! {
        #[test]
        fn arbitrary_passwords_never_panic(password in r"\PC{0,60}", own in r"\PC{0,20}") {
            let policy = Policy { minimum_length: 8, blocklist: Vec::new() };
            let _ = acceptable(&SecretText::new(password), &policy, &[own]);
        }
    }
}
