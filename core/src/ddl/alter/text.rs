//! Edits of stored texts: names replaced, strings requoted, definitions cut out.

use kernite_parser::ast::Span;

/// Replaces tokens by a name. `always_quoted`: also those that were not quoted.
pub(super) fn replace_names(sql: &[u8], spans: &[Span], name: &[u8], always_quoted: bool) -> Vec<u8> {
    let quoted = quote(name, b'"');
    replace(sql, spans, |token, next| {
        let is_bare = token.first().is_some_and(|&byte| is_name_byte(byte));
        if is_bare && !always_quoted {
            name.to_vec()
        } else {
            // Two quotes side by side would be one quote in a name.
            [&*quoted, if next == Some(b'"') { b" " } else { b"" }].concat()
        }
    })
}

/// Gives tokens in double quotes single ones: they are strings.
pub(super) fn requote_strings(sql: &[u8], spans: &[Span]) -> Vec<u8> {
    replace(sql, spans, |token, next| {
        let mut value = Vec::with_capacity(token.len());
        let mut inner = token.iter().copied().skip(1).take(token.len().saturating_sub(2)).peekable();
        while let Some(byte) = inner.next() {
            if byte == b'"' {
                inner.next_if_eq(&b'"');
            }
            value.push(byte);
        }
        let quoted = quote(&value, b'\'');
        [&*quoted, if next == Some(b'\'') { b" " } else { b"" }].concat()
    })
}

/// Replaces tokens, each once.
fn replace(sql: &[u8], spans: &[Span], new: impl Fn(&[u8], Option<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut spans: Vec<Span> = spans.iter().copied().filter(|span| span.range().end <= sql.len()).collect();
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    let mut out = Vec::with_capacity(sql.len() + spans.len() * 8);
    let mut done = 0;
    for span in spans {
        let range = span.range();
        if range.start < done {
            continue;
        }
        out.extend_from_slice(&sql[done..range.start]);
        out.extend_from_slice(&new(&sql[range.clone()], sql.get(range.end).copied()));
        done = range.end;
    }
    out.extend_from_slice(&sql[done..]);
    out
}

fn quote(text: &[u8], quote: u8) -> Vec<u8> {
    let mut out = vec![quote];
    for &byte in text {
        out.push(byte);
        if byte == quote {
            out.push(byte);
        }
    }
    out.push(quote);
    out
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// A text without `range`.
pub(super) fn cut(sql: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    [sql.get(..range.start).unwrap_or_default(), sql.get(range.end..).unwrap_or_default()].concat()
}

/// A text with something put in at an offset.
pub(super) fn insert(sql: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    let at = at.min(sql.len());
    [&sql[..at], what, &sql[at..]].concat()
}

/// The first byte from `at` on that is neither in white space nor in a comment.
pub(super) fn skip_spaces(sql: &[u8], mut at: usize) -> usize {
    loop {
        let rest = sql.get(at..).unwrap_or_default();
        let find = |what: &[u8]| rest.windows(what.len()).skip(2).position(|window| window == what);
        at += match rest {
            [b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r', ..] => 1,
            [b'-', b'-', ..] => find(b"\n").map_or(rest.len(), |end| end + 3),
            [b'/', b'*', ..] => find(b"*/").map_or(rest.len(), |end| end + 4),
            _ => return at,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_were_or_have_to_be() {
        let sql = b"select a, \"a\"\"x\" from t";
        let spans = [Span::new(7, 8), Span::new(10, 13)];
        assert_eq!(replace_names(sql, &spans, b"b", false), b"select b, \"b\" \"x\" from t");
        assert_eq!(replace_names(sql, &spans[..1], b"b", true), b"select \"b\", \"a\"\"x\" from t");
    }

    #[test]
    fn strings_get_single_quotes() {
        let sql = b"x=\"it's\"";
        assert_eq!(requote_strings(sql, &[Span::new(2, 8)]), b"x='it''s'");
    }

    #[test]
    fn spaces_and_comments_are_passed_over() {
        let sql = b"a /* , */ -- , )\n , b";
        assert_eq!(sql[skip_spaces(sql, 1)], b',');
        assert_eq!(skip_spaces(sql, 1), 18);
    }
}
