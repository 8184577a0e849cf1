//! A page arrives in the first flight of packets: 14 KiB compressed.

use crate::{Locale, Pages, check};

/// Markup and style compress to well under a half; without a compressor at hand the plain size is held below twice
/// the budget.
const MOST_BYTES: usize = 2 * 14 * 1024;

#[test]
fn no_page_is_too_large() {
    let pages = Pages::embedded().unwrap();
    for tag in ["en", "de", "ar"] {
        for sample in check::rendered(&pages, &Locale::parse(tag).unwrap()) {
            assert!(sample.html.len() < MOST_BYTES, "{tag} {}: {} bytes", sample.name, sample.html.len());
        }
    }
}
