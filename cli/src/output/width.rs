//! How many terminal columns a text takes.
//!
//! Characters take one column, but combining marks and format characters none, and those of the East Asian scripts two. The two tables
//! list the exceptions; SQLite's shell counts the same way, so tables line up the same in both. Control characters never come here: they
//! are escaped before (`escape`), and a tab is widened to the next multiple of eight from the start of its cell.
//!
//! Text may be any bytes: a byte that is no part of valid UTF-8 counts as one column.
//!
//! Spec: Unicode general categories Mn, Me and Cf; East Asian Width W and F.

/// The distance of tab stops.
pub const TAB: usize = 8;

#[rustfmt::skip]
/// Characters that take no column: combining marks and format characters.
const ZERO: &[(u32, u32)] = &[
    (0x0300, 0x036f), (0x0483, 0x0486), (0x0488, 0x0489), (0x0591, 0x05bd), (0x05bf, 0x05bf),
    (0x05c1, 0x05c2), (0x05c4, 0x05c5), (0x05c7, 0x05c7), (0x0600, 0x0603), (0x0610, 0x0615),
    (0x064b, 0x065e), (0x0670, 0x0670), (0x06d6, 0x06e4), (0x06e7, 0x06e8), (0x06ea, 0x06ed),
    (0x070f, 0x070f), (0x0711, 0x0711), (0x0730, 0x074a), (0x07a6, 0x07b0), (0x07eb, 0x07f3),
    (0x0901, 0x0902), (0x093c, 0x093c), (0x0941, 0x0948), (0x094d, 0x094d), (0x0951, 0x0954),
    (0x0962, 0x0963), (0x0981, 0x0981), (0x09bc, 0x09bc), (0x09c1, 0x09c4), (0x09cd, 0x09cd),
    (0x09e2, 0x09e3), (0x0a01, 0x0a02), (0x0a3c, 0x0a3c), (0x0a41, 0x0a42), (0x0a47, 0x0a48),
    (0x0a4b, 0x0a4d), (0x0a70, 0x0a71), (0x0a81, 0x0a82), (0x0abc, 0x0abc), (0x0ac1, 0x0ac5),
    (0x0ac7, 0x0ac8), (0x0acd, 0x0acd), (0x0ae2, 0x0ae3), (0x0b01, 0x0b01), (0x0b3c, 0x0b3c),
    (0x0b3f, 0x0b3f), (0x0b41, 0x0b43), (0x0b4d, 0x0b4d), (0x0b56, 0x0b56), (0x0b82, 0x0b82),
    (0x0bc0, 0x0bc0), (0x0bcd, 0x0bcd), (0x0c3e, 0x0c40), (0x0c46, 0x0c48), (0x0c4a, 0x0c4d),
    (0x0c55, 0x0c56), (0x0cbc, 0x0cbc), (0x0cbf, 0x0cbf), (0x0cc6, 0x0cc6), (0x0ccc, 0x0ccd),
    (0x0ce2, 0x0ce3), (0x0d41, 0x0d43), (0x0d4d, 0x0d4d), (0x0dca, 0x0dca), (0x0dd2, 0x0dd4),
    (0x0dd6, 0x0dd6), (0x0e31, 0x0e31), (0x0e34, 0x0e3a), (0x0e47, 0x0e4e), (0x0eb1, 0x0eb1),
    (0x0eb4, 0x0eb9), (0x0ebb, 0x0ebc), (0x0ec8, 0x0ecd), (0x0f18, 0x0f19), (0x0f35, 0x0f35),
    (0x0f37, 0x0f37), (0x0f39, 0x0f39), (0x0f71, 0x0f7e), (0x0f80, 0x0f84), (0x0f86, 0x0f87),
    (0x0f90, 0x0f97), (0x0f99, 0x0fbc), (0x0fc6, 0x0fc6), (0x102d, 0x1030), (0x1032, 0x1032),
    (0x1036, 0x103a), (0x1058, 0x1059), (0x1160, 0x11ff), (0x135f, 0x135f), (0x1712, 0x1714),
    (0x1732, 0x1734), (0x1752, 0x1753), (0x1772, 0x1773), (0x17b4, 0x17b5), (0x17b7, 0x17bd),
    (0x17c6, 0x17c6), (0x17c9, 0x17d3), (0x17dd, 0x17dd), (0x180b, 0x180d), (0x18a9, 0x18a9),
    (0x1920, 0x1922), (0x1927, 0x1928), (0x1932, 0x1932), (0x1939, 0x193b), (0x1a17, 0x1a18),
    (0x1b00, 0x1b03), (0x1b34, 0x1b34), (0x1b36, 0x1b3a), (0x1b3c, 0x1b3c), (0x1b42, 0x1b42),
    (0x1b6b, 0x1b73), (0x1dc0, 0x1dca), (0x1dfe, 0x1dff), (0x200b, 0x200f), (0x202a, 0x202e),
    (0x2060, 0x2063), (0x206a, 0x206f), (0x20d0, 0x20ef), (0x302a, 0x302f), (0x3099, 0x309a),
    (0xa806, 0xa806), (0xa80b, 0xa80b), (0xa825, 0xa826), (0xfb1e, 0xfb1e), (0xfe00, 0xfe0f),
    (0xfe20, 0xfe23), (0xfeff, 0xfeff), (0xfff9, 0xfffb), (0x10a01, 0x10a03), (0x10a05, 0x10a06),
    (0x10a0c, 0x10a0f), (0x10a38, 0x10a3a), (0x10a3f, 0x10a3f), (0x1d167, 0x1d169), (0x1d173, 0x1d182),
    (0x1d185, 0x1d18b), (0x1d1aa, 0x1d1ad), (0x1d242, 0x1d244),
];

#[rustfmt::skip]
/// Characters that take two columns.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f), (0x2329, 0x232a), (0x2e80, 0x3029), (0x3030, 0x303e), (0x3040, 0x3098),
    (0x309b, 0xa4cf), (0xac00, 0xd7a3), (0xf900, 0xfaff), (0xfe10, 0xfe19), (0xfe30, 0xfe6f),
    (0xff00, 0xff60), (0xffe0, 0xffe6), (0x20000, 0x2fffd),
];

fn listed(table: &[(u32, u32)], code: u32) -> bool {
    table
        .binary_search_by(|&(first, last)| {
            if last < code {
                std::cmp::Ordering::Less
            } else if first > code {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// Columns of a character.
pub fn of_char(character: char) -> usize {
    let code = u32::from(character);
    if code < 0x300 {
        1
    } else if listed(ZERO, code) {
        0
    } else if listed(WIDE, code) {
        2
    } else {
        1
    }
}

/// The first character of `text` with its length in bytes; `None` for a byte that begins no valid character (its length is 1).
pub fn first_char(text: &[u8]) -> (Option<char>, usize) {
    let length = match text.first() {
        None => return (None, 0),
        Some(byte) if *byte < 0x80 => return (Some(char::from(*byte)), 1),
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => return (None, 1),
    };
    let decoded = text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match decoded.and_then(|text| text.chars().next()) {
        Some(character) => (Some(character), length),
        None => (None, 1),
    }
}

/// Length in bytes of a terminal's escape sequence (`ESC [ … letter`) at the start of `text`; 0 when there is none.
pub fn escape_sequence(text: &[u8]) -> usize {
    if !text.starts_with(b"\x1b[") {
        return 0;
    }
    let parameters = text[2..].iter().take_while(|byte| matches!(byte, b'0'..=b'?' | b' '..=b'/')).count();
    match text.get(2 + parameters) {
        Some(b'@'..=b'~') => parameters + 3,
        _ => 0,
    }
}

/// Columns of one line of text that starts at a cell's left border. Terminal escape sequences take none.
pub fn of_line(text: &[u8]) -> usize {
    let mut columns = 0;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if (0x20..0x7f).contains(&byte) {
            columns += 1;
            at += 1;
            continue;
        }
        if byte == b'\t' {
            columns += TAB - columns % TAB;
            at += 1;
            continue;
        }
        let sequence = escape_sequence(&text[at..]);
        if sequence > 0 {
            at += sequence;
            continue;
        }
        let (character, length) = first_char(&text[at..]);
        columns += match character {
            Some(character) if u32::from(character) < 0x20 => 0,
            Some(character) => of_char(character),
            None => 1,
        };
        at += length;
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn east_asian_characters_take_two_columns_and_marks_none() {
        assert_eq!(of_line("漢字".as_bytes()), 4);
        assert_eq!(of_line("e\u{301}".as_bytes()), 1);
        assert_eq!(of_line("Ἀμήν".as_bytes()), 4);
        assert_eq!(of_line("〈οὐκέτι〉".as_bytes()), 10);
    }

    #[test]
    fn bytes_that_are_no_text_take_a_column_each() {
        assert_eq!(of_line(b"a\xff\xc3b"), 4);
    }

    #[test]
    fn a_tab_goes_to_the_next_stop() {
        assert_eq!(of_line(b"b\txx"), 10);
        assert_eq!(of_line(b"bbbbbbbb\txx"), 18);
    }

    #[test]
    fn colours_take_no_columns() {
        assert_eq!(of_line(b"\x1b[91mRED\x1b[0m"), 3);
    }

    #[test]
    fn tables_are_in_order() {
        for table in [ZERO, WIDE] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
