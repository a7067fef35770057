//! Collations and the shape of an index key.
//!
//! The three built-in collations are compared inline; a user's goes through [`Collate`]. Text arrives in the database's
//! encoding; NOCASE and RTRIM work on UTF-8, so UTF-16 text is converted for them, as in SQLite.
//!
//! Never: names (the registry above resolves them).

use std::cmp::Ordering;
use std::sync::Arc;

use crate::encoding::{Encoding, Utf16Chars, utf8_len};

/// A user's collating function.
pub trait Collate: Send + Sync {
    /// Compares two texts in `encoding`. Has to be a total order; an inconsistent one gives wrong query results but never
    /// damages memory.
    fn compare(&self, encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering;
}

/// How two texts compare.
#[derive(Clone, Default)]
pub enum Collation {
    /// `memcmp`, then length.
    #[default]
    Binary,
    /// ASCII letters fold to lower case.
    NoCase,
    /// Trailing spaces do not count.
    Rtrim,
    /// Registered by the application.
    User(Arc<dyn Collate>),
}

impl std::fmt::Debug for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Collation::Binary => "BINARY",
            Collation::NoCase => "NOCASE",
            Collation::Rtrim => "RTRIM",
            Collation::User(_) => "user collation",
        })
    }
}

impl Collation {
    /// Compares two texts in `encoding`.
    #[inline]
    pub fn compare(&self, encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Collation::Binary => left.cmp(right),
            Collation::NoCase if encoding.is_utf16() => nocase_utf16(encoding, left, right),
            Collation::NoCase => nocase(left, right),
            Collation::Rtrim if encoding.is_utf16() => rtrim_utf16(encoding, left, right),
            Collation::Rtrim => trimmed(left).cmp(trimmed(right)),
            Collation::User(function) => function.compare(encoding, left, right),
        }
    }

    /// Whether texts that differ in their bytes never compare as equal.
    pub fn is_binary(&self) -> bool {
        matches!(self, Collation::Binary)
    }
}

/// NOCASE on UTF-8. As in SQLite a NUL ends the comparison of characters: beyond it only the lengths count.
fn nocase(left: &[u8], right: &[u8]) -> Ordering {
    for (l, r) in left.iter().zip(right) {
        let (folded_left, folded_right) = (l.to_ascii_lowercase(), r.to_ascii_lowercase());
        if folded_left != folded_right {
            return folded_left.cmp(&folded_right);
        }
        if *l == 0 {
            break;
        }
    }
    left.len().cmp(&right.len())
}

/// NOCASE on UTF-16: as if both were converted to UTF-8, whose byte order is that of code points.
fn nocase_utf16(encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering {
    let fold = |c: u32| if (0x41..=0x5a).contains(&c) { c + 0x20 } else { c };
    for (l, r) in Utf16Chars::new(left, encoding).zip(Utf16Chars::new(right, encoding)) {
        if fold(l) != fold(r) {
            return fold(l).cmp(&fold(r));
        }
        if l == 0 {
            break;
        }
    }
    utf8_len(left, encoding).cmp(&utf8_len(right, encoding))
}

/// RTRIM on UTF-16, as if both were converted to UTF-8.
fn rtrim_utf16(encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering {
    let space = if encoding == Encoding::Utf16Le { [0x20, 0] } else { [0, 0x20] };
    let trimmed = |text: &[u8]| {
        let mut end = text.len() & !1;
        while end >= 2 && text[end - 2..end] == space {
            end -= 2;
        }
        end
    };
    let (left, right) = (&left[..trimmed(left)], &right[..trimmed(right)]);
    Utf16Chars::new(left, encoding).cmp(Utf16Chars::new(right, encoding))
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

/// One column of a key.
#[derive(Clone, Debug, Default)]
pub struct KeyColumn {
    pub collation: Collation,
    pub descending: bool,
    /// NULLs sort as the largest value instead of the smallest (`NULLS LAST` on ASC, `NULLS FIRST` on DESC).
    pub big_null: bool,
}

/// What an index or a sorter compares.
#[derive(Clone, Debug, Default)]
pub struct KeyInfo {
    pub encoding: Encoding,
    /// All columns of the record that take part in the b-tree order, in record order.
    pub columns: Vec<KeyColumn>,
    /// How many leading columns make the key proper (uniqueness, grouping); the rest only break ties.
    pub key_column_count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::utf8_to_utf16;

    /// Compares in all three encodings, which have to agree.
    fn compare(collation: &Collation, left: &[u8], right: &[u8]) -> Ordering {
        let ordering = collation.compare(Encoding::Utf8, left, right);
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            let (mut wide_left, mut wide_right) = (Vec::new(), Vec::new());
            utf8_to_utf16(left, encoding, &mut wide_left);
            utf8_to_utf16(right, encoding, &mut wide_right);
            assert_eq!(collation.compare(encoding, &wide_left, &wide_right), ordering, "{left:?} {right:?}");
        }
        ordering
    }

    #[test]
    fn nocase_folds_ascii_only() {
        let nocase = |l: &str, r: &str| compare(&Collation::NoCase, l.as_bytes(), r.as_bytes());
        assert_eq!(nocase("ABCz", "abcZ"), Ordering::Equal);
        assert_eq!(nocase("ab", "ABC"), Ordering::Less);
        assert_eq!(nocase("Ä", "ä"), Ordering::Less);
        assert_eq!(
            nocase("_", "A"),
            Ordering::Less,
            "folds to lower case: '_' is below 'a' though above 'A'"
        );
        assert_eq!(nocase("\u{ffff}x", "\u{10000}"), Ordering::Less, "by code point, not by UTF-16 unit");
    }

    #[test]
    fn nocase_compares_lengths_beyond_a_nul() {
        assert_eq!(compare(&Collation::NoCase, b"a\0b", b"A\0c"), Ordering::Equal);
        assert_eq!(compare(&Collation::NoCase, b"a\0z", b"A\0cc"), Ordering::Less);
    }

    #[test]
    fn rtrim_ignores_trailing_spaces_only() {
        let rtrim = |l: &str, r: &str| compare(&Collation::Rtrim, l.as_bytes(), r.as_bytes());
        assert_eq!(rtrim("a  ", "a"), Ordering::Equal);
        assert_eq!(rtrim("  ", ""), Ordering::Equal);
        assert_eq!(rtrim(" a", "a"), Ordering::Less);
        assert_eq!(rtrim("a\t", "a"), Ordering::Greater);
    }
}
