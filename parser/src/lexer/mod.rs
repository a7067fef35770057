//! From text to tokens.
//!
//! `scan` reads one token at an offset; it knows nothing of the tokens around it. A table gives each byte a class, and
//! the class of a token's first byte decides how the rest is read.
//!
//! Always true:
//! - a token is not empty, except `Illegal` at the end of the text; so whoever scans on gets to the end;
//! - a NUL byte ends the text wherever it stands, in a string too: SQLite's text is a C string;
//! - bytes from 0x80 up are letters, valid UTF-8 or not.
//!
//! Never: allocation, a verdict on the grammar.

mod keyword;
mod token;

pub(crate) use keyword::kind_of;
pub use keyword::{keyword_check, keyword_count, keyword_name};
pub(crate) use token::{Token, TokenKind};

/// Classes of a token's first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    Illegal,
    Nul,
    Space,
    Letter,
    /// `x` and `X`, which may begin a blob.
    LetterX,
    /// `_` and bytes from 0x80 up; 0xef may begin a byte order mark.
    IdOnly,
    Digit,
    /// `$ @ : #`
    Variable,
    Question,
    /// `' " ` `
    Quote,
    Bracket,
    Dot,
    Minus,
    Slash,
    Pipe,
    Less,
    Greater,
    Equal,
    Bang,
    /// A byte that is a token by itself.
    Single,
}

static CLASS: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class::Illegal; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            0 => Class::Nul,
            // A vertical tab is white space behind other white space, but cannot begin it.
            b' ' | b'\t' | b'\n' | 0x0c | b'\r' => Class::Space,
            b'x' | b'X' => Class::LetterX,
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'_' | 0x80.. => Class::IdOnly,
            b'0'..=b'9' => Class::Digit,
            b'$' | b'@' | b':' | b'#' => Class::Variable,
            b'?' => Class::Question,
            b'\'' | b'"' | b'`' => Class::Quote,
            b'[' => Class::Bracket,
            b'.' => Class::Dot,
            b'-' => Class::Minus,
            b'/' => Class::Slash,
            b'|' => Class::Pipe,
            b'<' => Class::Less,
            b'>' => Class::Greater,
            b'=' => Class::Equal,
            b'!' => Class::Bang,
            b'(' | b')' | b';' | b'+' | b'*' | b'%' | b',' | b'&' | b'~' => Class::Single,
            _ => Class::Illegal,
        };
        byte += 1;
    }
    table
}

/// What a byte can be inside a token.
const ID: u8 = 1;
/// A letter or `_`: all that keywords are made of.
const WORD: u8 = 2;
const SPACE: u8 = 4;

static TRAITS: [u8; 256] = traits();

const fn traits() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => ID | WORD,
            b'0'..=b'9' | b'$' | 0x80.. => ID,
            b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => SPACE,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// Whether `byte` can stand inside an identifier.
pub(crate) fn is_id_byte(byte: u8) -> bool {
    TRAITS[usize::from(byte)] & ID != 0
}

/// White space as SQLite trims it: with vertical tab.
pub(crate) fn is_space(byte: u8) -> bool {
    TRAITS[usize::from(byte)] & SPACE != 0
}

/// The byte at `at`, or the NUL that ends the text.
fn byte(sql: &[u8], at: usize) -> u8 {
    sql.get(at).copied().unwrap_or(0)
}

/// The first offset from `at` on whose byte does not pass `test`.
fn skip(sql: &[u8], at: usize, mut test: impl FnMut(u8) -> bool) -> usize {
    let rest = sql.get(at..).unwrap_or_default();
    at + rest.iter().position(|&b| !test(b)).unwrap_or(rest.len())
}

/// Where the parameters of a statement's text are: start and end of each, in order.
pub fn parameter_spans(sql: &[u8]) -> Vec<(usize, usize)> {
    let (mut spans, mut at) = (Vec::new(), 0);
    while at < sql.len() {
        let (kind, end) = scan(sql, at);
        if end <= at {
            break;
        }
        if kind == TokenKind::Parameter {
            spans.push((at, end));
        }
        at = end;
    }
    spans
}

/// Reads the token at `at`: its kind, and the offset behind it. `WINDOW`, `OVER` and `FILTER` are always returned as
/// those kinds, comments and space as tokens.
#[inline]
pub(crate) fn scan(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let first = byte(sql, at);
    match CLASS[usize::from(first)] {
        Class::Letter => word(sql, at),
        Class::Space => (TokenKind::Space, skip(sql, at + 1, is_space)),
        Class::Single => (single(first), at + 1),
        Class::Digit => number(sql, at),
        Class::Dot if byte(sql, at + 1).is_ascii_digit() => number(sql, at),
        Class::Dot => (TokenKind::Dot, at + 1),
        Class::Equal => (TokenKind::Eq, at + 1 + usize::from(byte(sql, at + 1) == b'=')),
        Class::Quote => quoted(sql, at, first),
        Class::Question => (TokenKind::Parameter, skip(sql, at + 1, |b| b.is_ascii_digit())),
        Class::IdOnly if first == 0xef && sql.get(at + 1..at + 3) == Some(&[0xbb, 0xbf]) => {
            (TokenKind::Space, at + 3)
        }
        Class::IdOnly => (TokenKind::Id, skip(sql, at + 1, is_id_byte)),
        Class::LetterX if byte(sql, at + 1) == b'\'' => blob(sql, at),
        Class::LetterX => (TokenKind::Id, skip(sql, at + 1, is_id_byte)),
        Class::Nul => (TokenKind::Illegal, at),
        Class::Illegal => (TokenKind::Illegal, at + 1),
        Class::Variable => variable(sql, at),
        Class::Bracket => bracketed(sql, at),
        _ => operator(sql, at, first),
    }
}

#[inline]
fn word(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let rest = sql.get(at..).unwrap_or_default();
    let mut all = WORD;
    let mut len = 0;
    for &b in rest {
        let bits = TRAITS[usize::from(b)];
        if bits & ID == 0 {
            break;
        }
        all &= bits;
        len += 1;
    }
    let kind = match all {
        WORD => rest.get(..len).and_then(kind_of).unwrap_or(TokenKind::Id),
        _ => TokenKind::Id,
    };
    (kind, at + len)
}

fn single(first: u8) -> TokenKind {
    match first {
        b'(' => TokenKind::LeftParen,
        b')' => TokenKind::RightParen,
        b';' => TokenKind::Semicolon,
        b'+' => TokenKind::Plus,
        b'*' => TokenKind::Star,
        b'%' => TokenKind::Percent,
        b',' => TokenKind::Comma,
        b'&' => TokenKind::BitAnd,
        _ => TokenKind::BitNot,
    }
}

/// Operators of more than one byte, and comments.
#[inline(never)]
fn operator(sql: &[u8], at: usize, first: u8) -> (TokenKind, usize) {
    match (first, byte(sql, at + 1)) {
        (b'-', b'-') => (TokenKind::Comment, skip(sql, at + 2, |b| b != b'\n' && b != 0)),
        (b'-', b'>') => (TokenKind::Arrow, at + 2 + usize::from(byte(sql, at + 2) == b'>')),
        (b'-', _) => (TokenKind::Minus, at + 1),
        (b'/', b'*') if byte(sql, at + 2) != 0 => (TokenKind::Comment, block_comment(sql, at)),
        (b'/', _) => (TokenKind::Slash, at + 1),
        (b'|', b'|') => (TokenKind::Concat, at + 2),
        (b'|', _) => (TokenKind::BitOr, at + 1),
        (b'<', b'=') => (TokenKind::Le, at + 2),
        (b'<', b'>') => (TokenKind::Ne, at + 2),
        (b'<', b'<') => (TokenKind::ShiftLeft, at + 2),
        (b'<', _) => (TokenKind::Lt, at + 1),
        (b'>', b'=') => (TokenKind::Ge, at + 2),
        (b'>', b'>') => (TokenKind::ShiftRight, at + 2),
        (b'>', _) => (TokenKind::Gt, at + 1),
        (b'!', b'=') => (TokenKind::Ne, at + 2),
        _ => (TokenKind::Illegal, at + 1),
    }
}

/// The end of the comment that begins at `at`; the end of the text closes it too.
fn block_comment(sql: &[u8], at: usize) -> usize {
    let mut i = at + 2;
    loop {
        i = skip(sql, i, |b| b != b'*' && b != 0);
        if byte(sql, i) == 0 {
            return i;
        }
        i += 1;
        if byte(sql, i) == b'/' {
            return i + 1;
        }
    }
}

#[inline(never)]
fn quoted(sql: &[u8], at: usize, quote: u8) -> (TokenKind, usize) {
    let mut i = at + 1;
    loop {
        i = skip(sql, i, |b| b != quote && b != 0);
        if byte(sql, i) == 0 {
            return (TokenKind::Illegal, i);
        }
        i += 1;
        if byte(sql, i) != quote {
            return (if quote == b'\'' { TokenKind::String } else { TokenKind::Id }, i);
        }
        i += 1;
    }
}

#[inline(never)]
fn bracketed(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let i = skip(sql, at + 1, |b| b != b']' && b != 0);
    match byte(sql, i) {
        0 => (TokenKind::Illegal, i),
        _ => (TokenKind::Id, i + 1),
    }
}

/// `123`, `1.5e-3`, `.5`, `0x1F`, each with `_` among its digits. Letters that follow directly make it illegal.
#[inline(never)]
fn number(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let mut kind = TokenKind::Integer;
    let mut separated = false;
    let mut digits = |from: usize, test: fn(&u8) -> bool| {
        skip(sql, from, |b| {
            separated |= b == b'_';
            b == b'_' || test(&b)
        })
    };
    let mut i;
    if byte(sql, at) == b'0' && byte(sql, at + 1) | 0x20 == b'x' && byte(sql, at + 2).is_ascii_hexdigit() {
        i = digits(at + 3, u8::is_ascii_hexdigit);
    } else {
        i = digits(at, u8::is_ascii_digit);
        if byte(sql, i) == b'.' {
            kind = TokenKind::Float;
            i = digits(i + 1, u8::is_ascii_digit);
        }
        if byte(sql, i) | 0x20 == b'e' {
            let signed = usize::from(matches!(byte(sql, i + 1), b'+' | b'-'));
            if byte(sql, i + 1 + signed).is_ascii_digit() {
                kind = TokenKind::Float;
                i = digits(i + 2 + signed, u8::is_ascii_digit);
            }
        }
    }
    if separated {
        kind = TokenKind::SeparatedNumber;
    }
    let end = skip(sql, i, is_id_byte);
    (if end > i { TokenKind::Illegal } else { kind }, end)
}

/// `x'…'` with an even number of hexadecimal digits; anything else up to the closing quote is illegal.
#[inline(never)]
fn blob(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let i = skip(sql, at + 2, |b| b.is_ascii_hexdigit());
    if byte(sql, i) == b'\'' && (i - at).is_multiple_of(2) {
        return (TokenKind::Blob, i + 1);
    }
    let i = skip(sql, i, |b| b != b'\'' && b != 0);
    (TokenKind::Illegal, i + usize::from(byte(sql, i) != 0))
}

/// `:name`, `@name`, `#name` and `$name`, in which `::` and one `(…)` at the end may stand, for Tcl.
#[inline(never)]
fn variable(sql: &[u8], at: usize) -> (TokenKind, usize) {
    let mut i = at + 1;
    let mut named = false;
    loop {
        let b = byte(sql, i);
        if is_id_byte(b) {
            named = true;
        } else if b == b'(' && named {
            i = skip(sql, i + 1, |b| b != 0 && b != b')' && !is_space(b));
            return match byte(sql, i) {
                b')' => (TokenKind::Parameter, i + 1),
                _ => (TokenKind::Illegal, i),
            };
        } else if b == b':' && byte(sql, i + 1) == b':' {
            i += 1;
        } else {
            return (if named { TokenKind::Parameter } else { TokenKind::Illegal }, i);
        }
        i += 1;
    }
}

/// Reads the token at `at`, passing over space and comments.
fn scan_past_space(sql: &[u8], mut at: usize) -> (TokenKind, usize) {
    loop {
        match scan(sql, at) {
            (TokenKind::Space | TokenKind::Comment, end) => at = end,
            found => return found,
        }
    }
}

/// What `WINDOW`, `OVER` or `FILTER` is where it stands: the keyword, or an identifier. `behind` is the offset behind it,
/// `after_paren` whether a closing parenthesis stands before it. Two tokens of lookahead settle what SQLite's grammar,
/// with its one, cannot.
#[cold]
pub(crate) fn window_word(sql: &[u8], kind: TokenKind, behind: usize, after_paren: bool) -> TokenKind {
    let could_be_name = |kind: TokenKind| {
        kind.is_name() && kind != TokenKind::Indexed || kind == TokenKind::Window || kind == TokenKind::Over
    };
    let (next, end) = scan_past_space(sql, behind);
    let keyword = match kind {
        TokenKind::Window => could_be_name(next) && scan_past_space(sql, end).0 == TokenKind::As,
        TokenKind::Over => after_paren && (next == TokenKind::LeftParen || could_be_name(next)),
        _ => after_paren && next == TokenKind::LeftParen,
    };
    if keyword { kind } else { TokenKind::Id }
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    #[track_caller]
    fn check(sql: &[u8], expected: &[(TokenKind, usize)]) {
        let mut found = Vec::new();
        let mut at = 0;
        while at < sql.len() && sql[at] != 0 {
            let (kind, end) = scan(sql, at);
            assert!(end > at, "no progress at {at}");
            found.push((kind, end - at));
            at = end;
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_end_where_sqlite_ends_them() {
        check(b"1.e3", &[(Float, 4)]);
        check(b"1..2", &[(Float, 2), (Float, 2)]);
        check(b"1e", &[(Illegal, 2)]);
        check(b"0x", &[(Illegal, 2)]);
        check(b"0x1F", &[(Integer, 4)]);
        check(b"0x1_F", &[(SeparatedNumber, 5)]);
        check(b"1_000.5_", &[(SeparatedNumber, 8)]);
        check(b".5e+1-", &[(Float, 5), (Minus, 1)]);
        check(b"12ab", &[(Illegal, 4)]);
    }

    #[test]
    fn quotes_close_or_are_illegal() {
        check(b"'it''s'", &[(String, 7)]);
        check(b"\"a\"\"b\"`c`[d]]", &[(Id, 6), (Id, 3), (Id, 3), (Illegal, 1)]);
        check(b"'abc", &[(Illegal, 4)]);
        check(b"[abc", &[(Illegal, 4)]);
        check(b"'a\0b'", &[(Illegal, 2)]);
        check(b"'\xff'", &[(String, 3)]);
    }

    #[test]
    fn blobs_have_whole_bytes() {
        check(b"x'0aF1'", &[(Blob, 7)]);
        check(b"x''", &[(Blob, 3)]);
        check(b"x'abc'", &[(Illegal, 6)]);
        check(b"x'zz'1", &[(Illegal, 5), (Integer, 1)]);
        check(b"x 'a'", &[(Id, 1), (Space, 1), (String, 3)]);
    }

    #[test]
    fn variables_follow_tcl() {
        check(b"$a::b(c)", &[(Parameter, 8)]);
        check(b"$a(b c)", &[(Illegal, 4), (Space, 1), (Id, 1), (RightParen, 1)]);
        check(b"?12a", &[(Parameter, 3), (Id, 1)]);
        check(b":", &[(Illegal, 1)]);
        check(b"@a:b", &[(Parameter, 2), (Parameter, 2)]);
        check(b"$::x", &[(Parameter, 4)]);
    }

    #[test]
    fn comments_may_be_left_open() {
        check(b"--a\nb", &[(Comment, 3), (Space, 1), (Id, 1)]);
        check(b"/*a", &[(Comment, 3)]);
        check(b"/*", &[(Slash, 1), (Star, 1)]);
        check(b"/**/x", &[(Comment, 4), (Id, 1)]);
        check(b"/***/x", &[(Comment, 5), (Id, 1)]);
    }

    #[test]
    fn byte_order_marks_are_space_anywhere() {
        check(b"\xef\xbb\xbfa\xef\xbb\xbf", &[(Space, 3), (Id, 4)]);
        check(b"\xef\xbb", &[(Id, 2)]);
    }

    #[test]
    fn vertical_tabs_only_follow_space() {
        check(b" \x0b1", &[(Space, 2), (Integer, 1)]);
        check(b"\x0b1", &[(Illegal, 1), (Integer, 1)]);
    }

    #[test]
    fn window_words_look_ahead() {
        let word = |sql: &[u8], kind, after_paren| window_word(sql, kind, 0, after_paren);
        assert_eq!(word(b" w AS (", Window, false), Window);
        assert_eq!(word(b" w ORDER", Window, false), Id);
        assert_eq!(word(b"/*c*/(", Over, true), Over);
        assert_eq!(word(b" (", Over, false), Id);
        assert_eq!(word(b" w", Over, true), Over);
        assert_eq!(word(b" ,", Over, true), Id);
        assert_eq!(word(b"(", Filter, true), Filter);
        assert_eq!(word(b" x", Filter, true), Id);
    }
}
