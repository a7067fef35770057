//! Breaking the text of a cell into lines that fit its column.
//!
//! A line ends at a newline, or where the column ends. With word wrap it ends sooner if that keeps a word whole: behind white space, else
//! at punctuation, in either case only in the right half of the column, so that lines do not get too short. White space around such a
//! break is dropped.

use super::width::{TAB, escape_sequence, first_char, of_char};

/// The lines of a text without their newlines.
pub fn text_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The lines of a text with tabs widened.
pub fn plain_lines(text: &[u8]) -> Vec<Vec<u8>> {
    text_lines(text).map(widen_tabs).collect()
}

fn widen_tabs(line: &[u8]) -> Vec<u8> {
    if !line.contains(&b'\t') {
        return line.to_vec();
    }
    let mut out = Vec::with_capacity(line.len() + TAB);
    for (index, part) in line.split(|byte| *byte == b'\t').enumerate() {
        if index > 0 {
            let columns = super::width::of_line(&out);
            out.resize(out.len() + TAB - columns % TAB, b' ');
        }
        out.extend_from_slice(part);
    }
    out
}

/// How many bytes of a line fit into `columns`, at least one character.
fn fitting(line: &[u8], columns: usize) -> usize {
    let mut used = 0;
    let mut at = 0;
    while at < line.len() {
        let sequence = escape_sequence(&line[at..]);
        if sequence > 0 {
            at += sequence;
            continue;
        }
        let (character, length) = first_char(&line[at..]);
        let wide = character.map_or(1, of_char);
        if used + wide > columns && at > 0 {
            break;
        }
        used += wide;
        at += length;
    }
    at
}

fn is_punctuation(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && byte != b'_'
}

/// Where to end a line of which `end` bytes fit.
fn word_end(line: &[u8], end: usize, columns: usize) -> usize {
    if line[end].is_ascii_whitespace() {
        return end;
    }
    // Bytes stand for columns here: a line of wide characters may break a little earlier than it has to.
    let first = (columns / 2).max(1);
    let behind = |found: fn(u8) -> bool| (first..=end).rev().find(|at| found(line[at - 1]));
    let spaces = behind(|byte| byte.is_ascii_whitespace());
    spaces
        .or_else(|| is_punctuation(line[end]).then_some(end))
        .or_else(|| behind(is_punctuation))
        .unwrap_or(end)
}

/// Lines that fit a column; 0 columns: as long as they come.
pub fn lines(plain: Vec<Vec<u8>>, columns: usize, word_wrap: bool) -> Vec<Vec<u8>> {
    if columns == 0 {
        return plain;
    }
    let mut out = Vec::with_capacity(plain.len());
    for line in plain {
        let mut rest = line.as_slice();
        loop {
            let end = fitting(rest, columns);
            if end >= rest.len() {
                out.push(rest.to_vec());
                break;
            }
            let end = if word_wrap { word_end(rest, end, columns) } else { end };
            out.push(rest[..end].trim_ascii_end().to_vec());
            rest = rest[end..].trim_ascii_start();
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, columns: usize, word_wrap: bool) -> Vec<String> {
        let line = |line: Vec<u8>| String::from_utf8(line).expect("UTF-8");
        lines(plain_lines(text.as_bytes()), columns, word_wrap).into_iter().map(line).collect()
    }

    #[test]
    fn words_stay_whole_where_the_line_stays_long_enough() {
        assert_eq!(broken("aaaa bbbb cccc", 10, true), ["aaaa bbbb", "cccc"]);
        assert_eq!(broken("aaaa bbbbbbb", 10, true), ["aaaa", "bbbbbbb"]);
        assert_eq!(broken("aaa bbbbbbbbb", 10, true), ["aaa bbbbbb", "bbb"]);
        assert_eq!(broken("aaaaa-bbbbbb", 10, true), ["aaaaa-", "bbbbbb"]);
        assert_eq!(broken("aaaaa_bbbbbbbbb", 10, true), ["aaaaa_bbbb", "bbbbb"]);
        assert_eq!(broken("aaaaaa bb-cccccc", 10, true), ["aaaaaa", "bb-cccccc"]);
        assert_eq!(broken("aaaaaaaaaa-bbb", 10, true), ["aaaaaaaaaa", "-bbb"]);
    }

    #[test]
    fn without_word_wrap_a_line_ends_with_its_column() {
        assert_eq!(broken("aaaaaa bbbb", 10, false), ["aaaaaa bbb", "b"]);
        assert_eq!(broken("   aaa   bbb   ccc   ", 10, false), ["   aaa   b", "bb   ccc"]);
    }

    #[test]
    fn newlines_end_lines_and_the_last_one_adds_none() {
        assert_eq!(broken("a\n\nb\n", 10, true), ["a", "", "b"]);
        assert_eq!(broken("ab\r\ncd", 0, true), ["ab", "cd"]);
    }

    #[test]
    fn a_character_that_is_wider_than_its_column_still_goes_on() {
        assert_eq!(broken("漢字", 1, true), ["漢", "字"]);
    }
}
