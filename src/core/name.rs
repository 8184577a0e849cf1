//! One form of what accounts are called: whatever somebody types, pastes or is given by a browser, it meets the same
//! account and the same counters (checklist J-16).
//!
//! The form is that of RFC 8265 section 3.3 (width, case and composition are mapped), and that of UTS 46 for the domain
//! of an address, as browsers convert it. Where RFC 8265 refuses a character, the form takes it out (what nobody sees)
//! or folds it (ligatures and the like): what looks the same is the same. It decides who is meant and is never shown;
//! letters of other scripts that look alike stay different.

use std::borrow::Cow;
use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointSetData};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// How often a text is folded at most. The second time changes nothing but for a handful of letters.
const FOLDS: usize = 4;

/// The longest address (RFC 5321 section 4.5.3.1.3, less the brackets).
const LONGEST_ADDRESS: usize = 254;

/// The longest part before the `@` (RFC 5321 section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// Whether two texts are spellings of one name.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// What accounts and counters are found by. Every text has one, also one that no form would take today.
pub fn canonical(text: &str) -> String {
    if text.is_ascii() {
        return text.trim().to_ascii_lowercase();
    }
    let mut text = shown(text).into_owned();
    for _ in 0..FOLDS {
        let next = folded(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// The text without what nobody sees, composed, with letters and digits of ordinary width: as it is stored and shown.
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text.trim());
    }
    let is_invisible = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let joins = |letter: char| matches!(letter, '\u{200c}' | '\u{200d}');
    let visible: String = text
        .chars()
        .filter(|letter| joins(*letter) || !is_invisible.contains(*letter))
        .map(ordinary_width)
        .collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&visible);
    Cow::Owned(composed.trim().to_owned())
}

/// The address as it is stored, mailed to and proven, or nothing when nobody can have it. The domain is as in the DNS;
/// the part before it keeps its case.
pub fn address(text: &str) -> Option<String> {
    let text = shown(text);
    let (local, name) = text.rsplit_once('@')?;
    let local = local.replace(['\u{200c}', '\u{200d}'], "");
    let domain = domain(name)?;
    let is_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_address = domain.rsplit('.').next().is_some_and(is_numeric);
    let address = format!("{local}@{domain}");
    (is_local_part(&local) && !is_address && address.len() <= LONGEST_ADDRESS).then_some(address)
}

/// Whether a text is found where an address is looked for: every spelling of one, and whatever else has its form.
pub fn reads_as_address(text: &str) -> bool {
    let form = canonical(text);
    form.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// The address that an account has already, of which no more is asked than that a mail goes to it and to nobody else:
/// what was stored by an earlier rule is mailed to as before.
pub fn kept_address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let separates =
        |letter: char| letter.is_whitespace() || letter.is_control() || ",;<>\"()".contains(letter);
    let is_one =
        !local.is_empty() && !local.contains('@') && domain.split('.').all(|label| !label.is_empty());
    address(text).or_else(|| {
        (is_one && text.len() <= LONGEST_ADDRESS && !text.contains(separates)).then(|| text.to_owned())
    })
}

/// Whether the text mixes letters of scripts that are not written together, so that it may look like another: beyond the
/// level "highly restrictive" of UTS 39 section 5.2. A reason to look twice and none to refuse.
/// Of an address the parts are judged each, its domain as people see it.
pub fn mixes_scripts(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return is_mixture(text) };
    let (domain, _) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    is_mixture(local) || domain.split('.').any(is_mixture)
}

fn is_mixture(text: &str) -> bool {
    const TOGETHER: [&[Script]; 3] = [
        &[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana],
        &[Script::Latin, Script::Han, Script::Hangul],
        &[Script::Latin, Script::Han, Script::Bopomofo],
    ];
    let map = CodePointMapData::<Script>::new();
    let scripts = text.chars().map(|letter| map.get(letter));
    let scripts: BTreeSet<Script> = scripts
        .filter(|script| ![Script::Common, Script::Inherited, Script::Unknown].contains(script))
        .collect();
    let is_known = |together: &&[Script]| scripts.iter().all(|script| together.contains(script));
    scripts.len() > 1 && !TOGETHER.iter().any(is_known)
}

/// The text with every decimal digit as an ASCII digit, whatever script it was written in.
pub fn with_ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let folded = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    Cow::Owned(folded.chars().map(|letter| ascii_digit(letter).unwrap_or(letter)).collect())
}

/// Digits of a script follow each other from 0 to 9, and scripts that are neighbours do so in full tens.
fn ascii_digit(letter: char) -> Option<char> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let is_digit = |code: u32| category.get32(code) == GeneralCategory::DecimalNumber;
    let code = u32::from(letter);
    if letter.is_ascii() || !is_digit(code) {
        return None;
    }
    let before = (1..=code).take_while(|back| is_digit(code - back)).count();
    u32::try_from(before % 10).ok().and_then(|digit| char::from_digit(digit, 10))
}

/// A dot-atom (RFC 5322 section 3.2.3), with letters of all scripts (RFC 6531 section 3.3).
fn is_local_part(local: &str) -> bool {
    let is_atom =
        |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter) || is_mark(letter);
    local.len() <= LONGEST_LOCAL_PART
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

/// Vowel signs and the like, without which many scripts cannot be written, and emoji.
fn is_mark(letter: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, OtherSymbol, SpacingMark};
    let category = CodePointMapData::<GeneralCategory>::new().get(letter);
    !letter.is_ascii() && matches!(category, NonspacingMark | SpacingMark | EnclosingMark | OtherSymbol)
}

/// The domain as in the DNS (UTS 46, as strict as a registry), or nothing when there can be none.
fn domain(name: &str) -> Option<String> {
    let deny = AsciiDenyList::STD3;
    let ascii = Uts46::new().to_ascii(name.as_bytes(), deny, Hyphens::Check, DnsLength::Verify);
    ascii.ok().map(Cow::into_owned)
}

/// One round: the domain of an address as in the DNS, everything else composed, of one width and in lower case.
fn folded(text: &str) -> String {
    let is_invisible = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let compatible = ComposingNormalizerBorrowed::new_nfkc();
    let fold = |text: &str| {
        let visible: String = text.chars().filter(|letter| !is_invisible.contains(*letter)).collect();
        compatible.normalize(&compatible.normalize(&visible).to_lowercase()).into_owned()
    };
    let parts = text.rsplit_once('@').and_then(|(local, name)| Some((local, domain(name)?)));
    let folded = match parts {
        Some((local, domain)) => format!("{}@{domain}", fold(local)),
        None => fold(text),
    };
    folded.trim().to_owned()
}

/// Wide and narrow letters as the ordinary ones (RFC 8265 section 3.3.2).
fn ordinary_width(letter: char) -> char {
    match letter {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The golden table: see its head.
    const SPELLINGS: &str = include_str!("names.txt");

    fn unescaped(text: &str) -> String {
        serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn rows() -> impl Iterator<Item = (&'static str, &'static str, String)> {
        let lines = SPELLINGS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| {
            let [kind, name, spelling] =
                line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
            (kind, name, unescaped(spelling))
        })
    }

    #[test]
    fn j_16_every_spelling_of_the_golden_table_has_the_form_that_stands_there() {
        assert!(rows().count() >= 200, "{}", rows().count());
        for (kind, name, spelling) in rows() {
            let form = unescaped(name);
            match kind {
                "address" | "name" => assert_eq!(canonical(&spelling), form, "{spelling:?}"),
                "nobody" => assert_eq!(address(&spelling), None, "{spelling:?}"),
                other => panic!("{other}"),
            }
            if kind == "address" {
                let stored = address(&spelling).unwrap_or_else(|| panic!("{spelling:?} is an address"));
                assert_eq!(canonical(&stored), form, "{spelling:?}");
                assert_eq!(address(&stored), Some(stored.clone()), "{spelling:?}");
            }
        }
    }

    #[test]
    fn forms_of_different_names_stay_different() {
        let mut forms: Vec<String> =
            rows().filter(|row| row.0 != "nobody").map(|row| unescaped(row.1)).collect();
        forms.sort();
        forms.dedup();
        for form in &forms {
            assert_eq!(canonical(form), *form, "a form is its own form");
        }
        for (one, other) in
            [("аda", "ada"), ("ada1", "adal"), ("straße", "strasse"), ("ı", "i"), ("a.b@x.org", "ab@x.org")]
        {
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn a_mixture_of_scripts_is_seen_and_what_people_write_is_none() {
        for text in [
            "p\u{430}ypal",
            "\u{3b1}da",
            "ad\u{430}@example.org",
            "\u{5d0}da",
            "ada@xn--pypal-4ve.com",
            "ada@p\u{430}ypal.com",
        ] {
            assert!(mixes_scripts(text), "{text:?}");
        }
        for text in [
            "ada",
            "a-1@example.org",
            "ada@xn--e1afmkfd.xn--p1ai",
            "пользователь",
            "東京タワー",
            "서울 Seoul",
            "åsa",
            "علي٣",
            "",
        ] {
            assert!(!mixes_scripts(text), "{text:?}");
        }
    }

    #[test]
    fn digits_of_every_script_are_digits() {
        for text in [
            "٠١٢٣٤٥٦٧٨٩",
            "۰۱۲۳۴۵۶۷۸۹",
            "०१२३४५६७८९",
            "০১২৩৪৫৬৭৮৯",
            "０１２３４５６７８９",
            "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡",
            "๐๑๒๓๔๕๖๗๘๙",
        ] {
            assert_eq!(with_ascii_digits(text), "0123456789", "{text}");
        }
        assert_eq!(with_ascii_digits("４۲ Ωж ½"), "42 Ωж 1⁄2");
    }

    /// The text in letters that look like its own.
    fn respelled(text: &str) -> impl Strategy<Value = String> {
        let spellings = |letter: char| -> Vec<String> {
            let wide = char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter);
            let mut all = vec![letter.to_string(), wide.to_string(), letter.to_uppercase().to_string()];
            match letter {
                '@' => all.push("\u{fe6b}".to_owned()),
                '.' => all.extend(["\u{2024}", "\u{fe52}", "\u{3002}", "\u{ff61}"].map(str::to_owned)),
                letter => all.extend([format!("{letter}\u{ad}"), format!("{letter}\u{200d}")]),
            }
            all
        };
        let letters: Vec<_> = text.chars().map(|letter| prop::sample::select(spellings(letter))).collect();
        letters.prop_map(|letters| letters.concat())
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_form_is_its_own(text in any::<String>()) {
            let form = canonical(&text);
            prop_assert_eq!(canonical(&form), form);
            if let Some(stored) = address(&text) {
                prop_assert_eq!(canonical(&stored), canonical(&text));
                prop_assert_eq!(address(&stored), Some(stored));
            }
            let digits = with_ascii_digits(&text).into_owned();
            prop_assert_eq!(with_ascii_digits(&digits), digits.clone());
        }

        #[test]
        fn whatever_is_found_by_an_address_reads_as_one(spelling in respelled("vic.tim@sub.example.org")) {
            let is_found = is_same(&spelling, "vic.tim@sub.example.org");
            prop_assert!(!is_found || reads_as_address(&spelling), "{spelling:?}");
            prop_assert!(address(&spelling).is_none() || reads_as_address(&spelling), "{spelling:?}");
        }
    }
}
