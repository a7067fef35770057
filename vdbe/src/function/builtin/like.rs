//! LIKE and GLOB.
//!
//! A pattern is compiled once, kept with the call, and compiled anew only when its text changes. Patterns of ASCII text and
//! multi-character wildcards alone (`abc%`, `%abc%`, `a%b%c`) become pieces to be searched for; the rest becomes tokens that are
//! matched by going back to the last wildcard, which takes quadratic time at worst.
//!
//! LIKE ignores the case of ASCII letters unless told otherwise; GLOB does not. As in SQLite a NUL ends text and pattern.
//!
//! Spec: SQL Language Expressions, "The LIKE, GLOB, REGEXP, MATCH, and extract operators".

use std::any::Any;

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

/// A character set of GLOB: `[a-z]`, `[^0-9]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    inverted: bool,
    ranges: Vec<(u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Any number of characters.
    Many,
    /// One character.
    One,
    Char(u32),
    Set(Set),
}

#[derive(Clone, Debug)]
enum Plan {
    /// It ends inside an escape or a set, and matches nothing.
    Nothing,
    /// Pieces in this order, anything between them. `first` stands at the beginning of the text, `last` at its end; both are missing
    /// where the pattern begins or ends with a wildcard.
    Pieces {
        first: Option<Needle>,
        middle: Vec<Needle>,
        last: Option<Needle>,
    },
    /// All of the text is this.
    Exact(Needle),
    Tokens(Vec<Token>),
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Vec<u8>,
    escape: Option<u32>,
    dialect: Dialect,
    plan: Plan,
}

impl Pattern {
    /// Compiles `text`. `escape` makes the character after it stand for itself (LIKE only).
    pub fn new(text: &[u8], dialect: Dialect, escape: Option<u32>) -> Pattern {
        let plan = match tokens(before_nul(text), dialect, escape) {
            Some(tokens) => plan(tokens, dialect == Dialect::Like),
            None => Plan::Nothing,
        };
        Pattern { text: text.to_vec(), escape, dialect, plan }
    }

    /// Whether `text` matches.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        match &self.plan {
            Plan::Nothing => false,
            Plan::Exact(needle) => needle.starts(text) && matches!(text.get(needle.len()), None | Some(0)),
            Plan::Pieces { first, middle, last } => {
                matches_pieces(text, first.as_ref(), middle, last.as_ref())
            }
            Plan::Tokens(tokens) => matches_tokens(before_nul(text), tokens, self.dialect == Dialect::Like),
        }
    }
}

fn tokens(text: &[u8], dialect: Dialect, escape: Option<u32>) -> Option<Vec<Token>> {
    let (many, one) = if dialect == Dialect::Glob { ('*', '?') } else { ('%', '_') };
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = next_utf8(text, &mut at) {
        tokens.push(if Some(c) == escape {
            Token::Char(next_utf8(text, &mut at)?)
        } else if c == many as u32 {
            Token::Many
        } else if c == one as u32 {
            Token::One
        } else if c == u32::from(b'[') && dialect == Dialect::Glob {
            Token::Set(set(text, &mut at)?)
        } else {
            Token::Char(c)
        });
    }
    Some(tokens)
}

/// Reads a set after its `[`. A `]` that comes first is a member; `-` between two characters makes a range.
fn set(text: &[u8], at: &mut usize) -> Option<Set> {
    let mut set = Set { inverted: false, ranges: Vec::new() };
    let mut c = next_utf8(text, at)?;
    if c == u32::from(b'^') {
        set.inverted = true;
        c = next_utf8(text, at)?;
    }
    if c == u32::from(b']') {
        set.ranges.push((c, c));
        c = next_utf8(text, at)?;
    }
    let mut previous = None;
    while c != u32::from(b']') {
        match previous {
            Some(low) if c == u32::from(b'-') && !matches!(text.get(*at), None | Some(b']')) => {
                set.ranges.push((low, next_utf8(text, at)?));
                previous = None;
            }
            _ => {
                set.ranges.push((c, c));
                previous = Some(c);
            }
        }
        c = next_utf8(text, at)?;
    }
    Some(set)
}

fn plan(tokens: Vec<Token>, ignore_case: bool) -> Plan {
    let is_simple =
        |token: &Token| matches!(token, Token::Many) || matches!(token, Token::Char(c) if *c < 0x80);
    if !tokens.iter().all(is_simple) {
        return Plan::Tokens(tokens);
    }
    let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
    for token in &tokens {
        match (token, pieces.last_mut()) {
            (Token::Char(c), Some(piece)) => piece.push(*c as u8),
            _ => pieces.push(Vec::new()),
        }
    }
    let needle = |piece: &Vec<u8>| Needle::new(piece, ignore_case);
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

fn matches_tokens(text: &[u8], tokens: &[Token], ignore_case: bool) -> bool {
    let (mut at, mut token) = (0, 0);
    // After the last `Many`: the token behind it, and where it is tried next.
    let mut resume: Option<(usize, usize)> = None;
    loop {
        let mut after = at;
        let matched = match tokens.get(token) {
            None if at == text.len() => return true,
            None => false,
            Some(Token::Many) => {
                token += 1;
                match candidate(text, at, tokens.get(token), ignore_case) {
                    Some(found) => at = found,
                    None => return false,
                }
                resume = Some((token, at));
                continue;
            }
            Some(Token::One) => next_utf8(text, &mut after).is_some(),
            Some(Token::Char(wanted)) => {
                next_utf8(text, &mut after).is_some_and(|c| same(c, *wanted, ignore_case))
            }
            Some(Token::Set(set)) => next_utf8(text, &mut after).is_some_and(|c| set.has(c)),
        };
        if matched {
            at = after;
            token += 1;
            continue;
        }
        let Some((resume_token, tried)) = resume else { return false };
        at = tried;
        if next_utf8(text, &mut at).is_none() {
            return false;
        }
        token = resume_token;
        match candidate(text, at, tokens.get(token), ignore_case) {
            Some(found) => at = found,
            None => return false,
        }
        resume = Some((token, at));
    }
}

/// From `at` on, the first place where a token can match.
#[inline]
fn candidate(text: &[u8], at: usize, token: Option<&Token>, ignore_case: bool) -> Option<usize> {
    let Some(&Token::Char(wanted @ ..0x80)) = token else { return Some(at) };
    let wanted = wanted as u8;
    let (one, other) = if ignore_case {
        (wanted.to_ascii_lowercase(), wanted.to_ascii_uppercase())
    } else {
        (wanted, wanted)
    };
    find_either(&text[at..], one, other).map(|distance| at + distance)
}

#[inline]
fn same(left: u32, right: u32, ignore_case: bool) -> bool {
    left == right
        || ignore_case && left < 0x80 && right < 0x80 && (left as u8).eq_ignore_ascii_case(&(right as u8))
}

impl Set {
    fn has(&self, c: u32) -> bool {
        self.ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != self.inverted
    }
}

fn call_like(call: &mut Call<'_>, dialect: Dialect) -> Step<()> {
    if let ([_, _], Some(pattern), Some(text)) = (call.arguments, call.text(0), call.text(1))
        && let Some(kept) = kept(call.auxdata.slot(0), &pattern, dialect, None)
    {
        call.result.set_integer(i64::from(kept.matches(&text)));
        return Ok(Some(()));
    }
    call_like_anew(call, dialect)
}

/// The pattern kept from the last call, if it is still the same.
#[inline]
fn kept<'a>(
    slot: &'a Option<Box<dyn Any + Send>>,
    text: &[u8],
    dialect: Dialect,
    escape: Option<u32>,
) -> Option<&'a Pattern> {
    let kept = slot.as_ref()?.downcast_ref::<Pattern>()?;
    (kept.text == text && kept.dialect == dialect && kept.escape == escape).then_some(kept)
}

/// Checks everything, in SQLite's order, and compiles the pattern unless it is the one that was kept.
fn call_like_anew(call: &mut Call<'_>, dialect: Dialect) -> Step<()> {
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
    let slot = call.auxdata.slot(0);
    let matched = match kept(slot, &pattern, dialect, escape) {
        Some(kept) => kept.matches(&text),
        None => {
            let compiled = Pattern::new(&pattern, dialect, escape);
            let matched = compiled.matches(&text);
            *slot = Some(Box::new(compiled));
            matched
        }
    };
    call.result.set_integer(i64::from(matched));
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
            // The same by tokens, whatever plan was chosen.
            if let Some(tokens) = tokens(pattern.as_bytes(), dialect, None) {
                let by_tokens = matches_tokens(text.as_bytes(), &tokens, dialect == Dialect::Like);
                assert_eq!(by_tokens, expected, "{text:?} {dialect:?} {pattern:?} by tokens");
            }
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
