//! LIKE and GLOB.
//!
//! A pattern that is constant is looked at once: of ASCII text and multi-character wildcards alone (`abc%`, `%abc%`, `a%b%c`) it becomes
//! pieces to be searched for. Any other is read along with the text, going back to the last wildcard where it does not match, which
//! takes quadratic time at worst and no memory.
//!
//! LIKE ignores the case of ASCII letters unless told otherwise; GLOB does not. As in SQLite a NUL ends text and pattern.
//!
//! Spec: SQL Language Expressions, "The LIKE, GLOB, REGEXP, MATCH, and extract operators".

use kernite_btree::encoding::next_utf8;

use super::search::{Needle, before_nul, find_either};
use crate::Step;
use crate::error::Error;
use crate::function::call::Call;

/// `SQLITE_LIMIT_LIKE_PATTERN_LENGTH`.
const LIMIT_PATTERN_LENGTH: u8 = 8;

/// Which wildcards a pattern has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `%` and `_`; ASCII case does not count.
    Like,
    /// `%` and `_`; case counts (`PRAGMA case_sensitive_like`).
    LikeCase,
    /// `*`, `?` and `[…]`; case counts.
    Glob,
}

/// How a pattern is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    dialect: Dialect,
    /// Makes the character after it stand for itself (LIKE only).
    escape: Option<u32>,
}

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Any number of characters.
    Many,
    /// One character.
    One,
    Char(u32),
    /// A character set: where it begins, behind its `[`.
    Set(usize),
    /// The pattern ends inside an escape or a set, and matches nothing.
    Never,
}

impl Reading {
    /// The token at `*at` of `pattern`, and moves `*at` past it. `None` at the end.
    #[inline]
    fn next(self, pattern: &[u8], at: &mut usize) -> Option<Token> {
        let c = next_utf8(pattern, at)?;
        let (many, one) = match self.dialect {
            Dialect::Glob => ('*', '?'),
            _ => ('%', '_'),
        };
        Some(if Some(c) == self.escape {
            next_utf8(pattern, at).map_or(Token::Never, Token::Char)
        } else if c == many as u32 {
            Token::Many
        } else if c == one as u32 {
            Token::One
        } else if c == u32::from(b'[') && self.dialect == Dialect::Glob {
            let start = *at;
            // No character is looked for: this finds the set's end.
            if set_has(pattern, at, None).is_some() { Token::Set(start) } else { Token::Never }
        } else {
            Token::Char(c)
        })
    }

    fn ignores_case(self) -> bool {
        self.dialect == Dialect::Like
    }
}

/// Whether the set whose content is at `*at` has a character, and moves `*at` behind its `]`; `None` where it has no end. A `]` that comes
/// first is a member; `-` between two characters makes a range.
fn set_has(pattern: &[u8], at: &mut usize, wanted: Option<u32>) -> Option<bool> {
    let wanted = wanted.unwrap_or(0);
    let (mut has, mut inverted) = (false, false);
    let mut c = next_utf8(pattern, at)?;
    if c == u32::from(b'^') {
        inverted = true;
        c = next_utf8(pattern, at)?;
    }
    if c == u32::from(b']') {
        has |= wanted == c;
        c = next_utf8(pattern, at)?;
    }
    let mut previous = None;
    while c != u32::from(b']') {
        match previous {
            Some(low) if c == u32::from(b'-') && !matches!(pattern.get(*at), None | Some(b']')) => {
                has |= (low..=next_utf8(pattern, at)?).contains(&wanted);
                previous = None;
            }
            _ => {
                has |= wanted == c;
                previous = Some(c);
            }
        }
        c = next_utf8(pattern, at)?;
    }
    Some(has != inverted)
}

#[derive(Clone, Debug)]
enum Plan {
    /// Pieces in this order, anything between them. `first` stands at the beginning of the text, `last` at its end; both are missing
    /// where the pattern begins or ends with a wildcard.
    Pieces { first: Option<Needle>, middle: Vec<Needle>, last: Option<Needle> },
    /// All of the text is this.
    Exact(Needle),
    /// The pattern is read along with the text.
    Along,
}

/// A pattern that was looked at.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Vec<u8>,
    reading: Reading,
    plan: Plan,
}

impl Pattern {
    /// Looks at `text`. `escape` makes the character after it stand for itself (LIKE only).
    pub fn new(text: &[u8], dialect: Dialect, escape: Option<u32>) -> Pattern {
        let reading = Reading { dialect, escape };
        Pattern { text: text.to_vec(), reading, plan: plan(before_nul(text), reading) }
    }

    /// Whether `text` matches.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        match &self.plan {
            Plan::Exact(needle) => needle.starts(text) && matches!(text.get(needle.len()), None | Some(0)),
            Plan::Pieces { first, middle, last } => {
                matches_pieces(text, first.as_ref(), middle, last.as_ref())
            }
            Plan::Along => matches_along(before_nul(text), before_nul(&self.text), self.reading),
        }
    }
}

fn plan(pattern: &[u8], reading: Reading) -> Plan {
    let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while let Some(token) = reading.next(pattern, &mut at) {
        match (token, pieces.last_mut()) {
            (Token::Char(c @ ..0x80), Some(piece)) => piece.push(c as u8),
            (Token::Many, _) => pieces.push(Vec::new()),
            _ => return Plan::Along,
        }
    }
    let needle = |piece: &Vec<u8>| Needle::new(piece, reading.ignores_case());
    let [first, middle @ .., last] = &pieces[..] else {
        return Plan::Exact(pieces.first().map(needle).unwrap_or_default());
    };
    let filled = |piece: &&Vec<u8>| !piece.is_empty();
    Plan::Pieces {
        first: Some(first).filter(filled).map(needle),
        middle: middle.iter().filter(filled).map(needle).collect(),
        last: Some(last).filter(filled).map(needle),
    }
}

/// Taking each piece where it first occurs leaves the most room for those after it.
#[inline]
fn matches_pieces(text: &[u8], first: Option<&Needle>, middle: &[Needle], last: Option<&Needle>) -> bool {
    let mut at = 0;
    if let Some(first) = first {
        if !first.starts(text) {
            return false;
        }
        at = first.len();
    }
    for piece in middle {
        match piece.find(&text[at..]) {
            // What lies behind a NUL is not part of the text.
            Some(distance) if before_nul(&text[at..at + distance]).len() == distance => {
                at += distance + piece.len()
            }
            _ => return false,
        }
    }
    let Some(last) = last else { return true };
    let rest = before_nul(&text[at..]);
    rest.len() >= last.len() && last.starts(&rest[rest.len() - last.len()..])
}

/// Whether all of `text` matches `pattern`, neither of which has a NUL.
fn matches_along(text: &[u8], pattern: &[u8], reading: Reading) -> bool {
    let (mut at, mut pattern_at) = (0, 0);
    // After the last `Many`: the pattern behind it, and where it is tried next.
    let mut resume: Option<(usize, usize)> = None;
    loop {
        let (mut after, mut pattern_after) = (at, pattern_at);
        let matched = match reading.next(pattern, &mut pattern_after) {
            None if at == text.len() => return true,
            None => false,
            Some(Token::Never) => return false,
            Some(Token::Many) => {
                pattern_at = pattern_after;
                let Some(found) = candidate(text, at, pattern, pattern_at, reading) else { return false };
                at = found;
                resume = Some((pattern_at, at));
                continue;
            }
            Some(Token::One) => next_utf8(text, &mut after).is_some(),
            Some(Token::Char(wanted)) => {
                next_utf8(text, &mut after).is_some_and(|c| same(c, wanted, reading.ignores_case()))
            }
            Some(Token::Set(mut start)) => next_utf8(text, &mut after)
                .is_some_and(|c| set_has(pattern, &mut start, Some(c)) == Some(true)),
        };
        if matched {
            (at, pattern_at) = (after, pattern_after);
            continue;
        }
        let Some((resume_at, tried)) = resume else { return false };
        (at, pattern_at) = (tried, resume_at);
        if next_utf8(text, &mut at).is_none() {
            return false;
        }
        let Some(found) = candidate(text, at, pattern, pattern_at, reading) else { return false };
        at = found;
        resume = Some((pattern_at, at));
    }
}

/// From `at` on, the first place where the rest of the pattern can match.
#[inline]
fn candidate(text: &[u8], at: usize, pattern: &[u8], pattern_at: usize, reading: Reading) -> Option<usize> {
    let Some(Token::Char(wanted @ ..0x80)) = reading.next(pattern, &mut { pattern_at }) else {
        return Some(at);
    };
    let wanted = wanted as u8;
    let (one, other) = match reading.ignores_case() {
        true => (wanted.to_ascii_lowercase(), wanted.to_ascii_uppercase()),
        false => (wanted, wanted),
    };
    find_either(&text[at..], one, other).map(|distance| at + distance)
}

#[inline]
fn same(left: u32, right: u32, ignore_case: bool) -> bool {
    left == right
        || ignore_case && left < 0x80 && right < 0x80 && (left as u8).eq_ignore_ascii_case(&(right as u8))
}

/// Checks everything, in SQLite's order. A constant pattern is compiled and kept for the rows that follow, which the machine matches with it
/// without a call.
fn call_like(call: &mut Call<'_>, dialect: Dialect) -> Step<()> {
    let pattern = call.text(0);
    let limit = i64::from(call.host.limit(LIMIT_PATTERN_LENGTH));
    if pattern.as_ref().is_some_and(|pattern| pattern.len() as i64 > limit) {
        return Err(Error::message("LIKE or GLOB pattern too complex"));
    }
    let escape = if call.arguments.len() > 2 {
        let Some(escape) = call.text(2) else { return Ok(Some(())) };
        Some(escape_char(before_nul(&escape))?)
    } else {
        None
    };
    let (Some(pattern), Some(text)) = (pattern, call.text(1)) else { return Ok(Some(())) };
    let constant = if call.arguments.len() > 2 { 0b101 } else { 1 };
    if call.constant_mask & constant != constant {
        // The next row may bring another pattern.
        let matched = matches_along(before_nul(&text), before_nul(&pattern), Reading { dialect, escape });
        call.result.set_integer(i64::from(matched));
        return Ok(Some(()));
    }
    let compiled =
        call.auxdata.pattern.get_or_insert_with(|| Box::new(Pattern::new(&pattern, dialect, escape)));
    call.result.set_integer(i64::from(compiled.matches(&text)));
    Ok(Some(()))
}

/// The one character that ESCAPE may be.
fn escape_char(escape: &[u8]) -> Result<u32, Error> {
    let mut at = 0;
    let first = escape.first().copied().unwrap_or(0);
    match next_utf8(escape, &mut at) {
        // A stray continuation byte counts as a character of its own.
        Some(c) if at == escape.len() && (!(0x80..0xc0).contains(&first) || at == 1) => Ok(c),
        _ => Err(Error::message("ESCAPE expression must be a single character")),
    }
}

/// `like(pattern, text [, escape])`.
pub fn like(call: &mut Call<'_>) -> Step<()> {
    call_like(call, Dialect::Like)
}

/// The same under `PRAGMA case_sensitive_like`.
pub fn like_case(call: &mut Call<'_>) -> Step<()> {
    call_like(call, Dialect::LikeCase)
}

/// `glob(pattern, text)`.
pub fn glob(call: &mut Call<'_>) -> Step<()> {
    call_like(call, Dialect::Glob)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, cases: &[(&str, &str, bool)]) {
        for &(pattern, text, expected) in cases {
            let compiled = Pattern::new(pattern.as_bytes(), dialect, None);
            assert_eq!(compiled.matches(text.as_bytes()), expected, "{text:?} {dialect:?} {pattern:?}");
            // The same without a plan.
            let along = matches_along(text.as_bytes(), pattern.as_bytes(), Reading { dialect, escape: None });
            assert_eq!(along, expected, "{text:?} {dialect:?} {pattern:?} along");
        }
    }

    #[test]
    fn like_has_two_wildcards_and_ignores_ascii_case() {
        check(
            Dialect::Like,
            &[
                ("abc", "ABC", true),
                ("abc", "abcd", false),
                ("", "", true),
                ("", "a", false),
                ("%", "", true),
                ("%%", "x", true),
                ("a%", "Abc", true),
                ("%c", "abC", true),
                ("%b%", "aBc", true),
                ("a%b%c", "a-b-b-c", true),
                ("a%b%c", "a-c-b", false),
                ("ab%ba", "aba", false),
                ("%aab", "aaab", true),
                ("_", "", false),
                ("_", "ä", true),
                ("a_c", "abc", true),
                ("%_b", "ab", true),
                ("%_b", "b", false),
                ("ä%", "äx", true),
                ("ä", "Ä", false),
                ("%[a]%", "x[A]", true),
            ],
        );
        check(Dialect::LikeCase, &[("abc", "ABC", false), ("%b%", "aBc", false), ("a_", "aB", true)]);
    }

    #[test]
    fn glob_has_sets() {
        check(
            Dialect::Glob,
            &[
                ("a*c", "abbc", true),
                ("a*c", "ABC", false),
                ("?", "ä", true),
                ("[a-c]", "b", true),
                ("[^a-c]", "b", false),
                ("[]]", "]", true),
                ("[^]]", "]", false),
                ("[a-]", "-", true),
                ("[-a]", "-", true),
                ("[a-c-e]", "d", false),
                ("[a-c-e]", "-", true),
                ("*[0-9]", "abc7", true),
                ("*[0-9]x*", "a1b2xx", true),
                ("[abc", "a", false),
                ("a%", "ab", false),
            ],
        );
    }

    #[test]
    fn an_escape_makes_the_next_character_plain() {
        for (pattern, text, expected) in [
            ("a\\%", "a%", true),
            ("a\\%", "ab", false),
            ("a\\_%", "a_b", true),
            ("\\\\", "\\", true),
            ("a\\", "a\\", false),
            ("%\\", "x", false),
        ] {
            let compiled = Pattern::new(pattern.as_bytes(), Dialect::Like, Some(u32::from(b'\\')));
            assert_eq!(compiled.matches(text.as_bytes()), expected, "{text:?} {pattern:?}");
        }
        let percent = Pattern::new(b"%%a", Dialect::Like, Some(u32::from(b'%')));
        assert!(percent.matches(b"%a") && !percent.matches(b"xa"), "a wildcard can be the escape");
    }

    #[test]
    fn a_nul_ends_the_text() {
        for (pattern, expected) in
            [("a", true), ("%b%", false), ("a%", true), ("%a", true), ("_", true), ("%b", false)]
        {
            let compiled = Pattern::new(pattern.as_bytes(), Dialect::Like, None);
            assert_eq!(compiled.matches(b"a\0b"), expected, "{pattern:?}");
        }
    }
}
