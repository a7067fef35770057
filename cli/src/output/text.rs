//! One value as text: quoting for SQL, CSV, HTML, Tcl and JSON.
//!
//! Text and blobs end at their first NUL wherever they are shown as text.
//!
//! Never: columns and rows.

use kernite::text::{is_keyword, push_real};
use kernite::types::ValueRef;

use super::escape::{Escape, escape};
use super::mode::{BlobQuote, Mode, Style, TextQuote};
use super::{Rows, width};

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Appends text as an SQL literal. With `visible`, control characters come as `unistr('…\u00XX…')`.
pub fn push_sql_text(text: &[u8], visible: bool, out: &mut Vec<u8>) {
    let text = until_nul(text);
    let unistr = visible && text.iter().any(|byte| *byte < 0x20);
    out.extend_from_slice(if unistr { b"unistr('" } else { b"'" });
    for &byte in text {
        match byte {
            b'\'' => out.extend_from_slice(b"''"),
            b'\\' if unistr => out.extend_from_slice(b"\\\\"),
            byte if unistr && byte < 0x20 => {
                out.extend_from_slice(b"\\u00");
                push_hex(&[byte], out);
            }
            byte => out.push(byte),
        }
    }
    out.extend_from_slice(if unistr { b"')" } else { b"'" });
}

/// Appends a blob as an SQL literal.
pub fn push_sql_blob(blob: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"x'");
    push_hex(blob, out);
    out.push(b'\'');
}

/// Appends a real as an SQL literal: infinities as numbers that overflow to them.
pub fn push_sql_real(number: f64, out: &mut Vec<u8>) {
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
    } else {
        push_real(number, out);
    }
}

/// Appends a name, in double quotes where SQL needs them.
pub fn push_identifier(name: &[u8], out: &mut Vec<u8>) {
    if is_plain_name(name) {
        out.extend_from_slice(name);
    } else {
        push_quoted(name, b'"', out);
    }
}

/// Whether a name needs no quotes.
pub fn is_plain_name(name: &[u8]) -> bool {
    let first = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    first && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') && !is_keyword(name)
}

/// Appends text between quotes, doubling those inside.
pub fn push_quoted(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    out.push(quote);
    for &byte in text {
        out.push(byte);
        if byte == quote {
            out.push(quote);
        }
    }
    out.push(quote);
}

/// Whether a CSV field needs quotes: it is empty, or holds a separator, a quote, a space, a control character or one beyond ASCII.
fn needs_csv_quotes(text: &[u8], separator: &[u8]) -> bool {
    let special = |byte: &u8| matches!(byte, 0..=b' ' | b'"' | b'\'' | 0x7f..);
    text.is_empty()
        || text.iter().any(special)
        || (!separator.is_empty() && text.windows(separator.len()).any(|part| part == separator))
}

/// Whether text would read as a number: digits with sign, point and exponent, or an infinity as this shell writes it.
fn looks_like_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = match text {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    if rest == b"Inf" {
        return true;
    }
    let whole = digits(rest);
    if whole == 0 {
        return false;
    }
    rest = &rest[whole..];
    if let [b'.', fraction @ ..] = rest {
        rest = &fraction[digits(fraction)..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', exponent @ ..] => exponent,
            exponent => exponent,
        };
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

/// Whether text could be taken for something else when it stands without quotes.
fn is_doubtful(text: &[u8], null: &[u8]) -> bool {
    let edge = |byte: Option<&u8>| matches!(byte, Some(b'\'' | b' ' | b'\t' | b'\n' | b'\r'));
    text == null || edge(text.first()) || edge(text.last()) || looks_like_number(text)
}

/// Appends text as a JSON string.
pub fn push_json_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in until_nul(text) {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                push_hex(&[byte], out);
            }
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

fn push_json_blob(blob: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in blob {
        out.extend_from_slice(b"\\u00");
        push_hex(&[*byte], out);
    }
    out.push(b'"');
}

fn push_octal(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + ((byte >> 3) & 7), b'0' + (byte & 7)]);
}

/// Appends text as a string of C or Tcl.
pub fn push_tcl_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in until_nul(text) {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => push_octal(byte, out),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Appends text for HTML.
pub fn push_html_text(text: &[u8], out: &mut Vec<u8>) {
    for &byte in until_nul(text) {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            byte => out.push(byte),
        }
    }
}

/// Appends text, quoted and escaped.
pub fn push_text(mode: &Mode, quote: TextQuote, text: &[u8], out: &mut Vec<u8>) {
    let text = until_nul(text);
    let start = out.len();
    match quote {
        TextQuote::Plain => out.extend_from_slice(text),
        TextQuote::Sql => return push_sql_text(text, mode.escape != Escape::Off, out),
        TextQuote::Relaxed if is_doubtful(text, mode.null.as_bytes()) => {
            return push_sql_text(text, mode.escape != Escape::Off, out);
        }
        TextQuote::Relaxed => out.extend_from_slice(text),
        TextQuote::Csv if needs_csv_quotes(text, mode.column_separator.as_bytes()) => {
            push_quoted(text, b'"', out)
        }
        TextQuote::Csv => out.extend_from_slice(text),
        TextQuote::Html => push_html_text(text, out),
        TextQuote::Tcl => return push_tcl_text(text, out),
        TextQuote::Json => return push_json_text(text, out),
    }
    escape(mode.escape, start, out);
}

fn push_blob(mode: &Mode, rows: &dyn Rows, blob: &[u8], out: &mut Vec<u8>) {
    let quote_of_text = mode.text_quote();
    if mode.text_jsonb
        && let Some(json) = rows.json_text(blob)
    {
        if matches!(quote_of_text, TextQuote::Sql) {
            out.extend_from_slice(b"jsonb(");
            push_sql_text(&json, mode.escape != Escape::Off, out);
            out.push(b')');
        } else {
            push_text(
                mode,
                if quote_of_text == TextQuote::Relaxed { TextQuote::Plain } else { quote_of_text },
                &json,
                out,
            );
        }
        return;
    }
    let quote = match (mode.blob_quote, quote_of_text) {
        (BlobQuote::Auto, TextQuote::Sql | TextQuote::Relaxed) => BlobQuote::Sql,
        (BlobQuote::Auto, TextQuote::Json) => BlobQuote::Json,
        (BlobQuote::Auto, _) => BlobQuote::Text,
        (quote, _) => quote,
    };
    match quote {
        BlobQuote::Auto | BlobQuote::Text => push_text(mode, quote_of_text, blob, out),
        BlobQuote::Sql => push_sql_blob(blob, out),
        BlobQuote::Hex => push_hex(blob, out),
        BlobQuote::Json => push_json_blob(blob, out),
        BlobQuote::Tcl => {
            out.push(b'"');
            for byte in blob {
                push_octal(*byte, out);
            }
            out.push(b'"');
        }
        BlobQuote::Size => out.extend_from_slice(format!("({}-byte blob)", blob.len()).as_bytes()),
    }
}

/// Cuts the text of `out` from `start` on to `columns_max` columns, with three dots behind what was cut.
fn cut(columns_max: usize, start: usize, out: &mut Vec<u8>) {
    if columns_max == 0 || out.len() - start <= columns_max {
        return;
    }
    let mut columns = 0;
    let mut at = start;
    while at < out.len() {
        let (character, length) = width::first_char(&out[at..]);
        // Newlines and tabs do not count.
        let wide =
            character.map_or(1, |character| if character < ' ' { 0 } else { width::of_char(character) });
        if columns + wide > columns_max {
            out.truncate(at);
            out.extend_from_slice(b"...");
            return;
        }
        columns += wide;
        at += length;
    }
}

/// Appends a value as the mode shows it.
pub fn push_value(mode: &Mode, rows: &dyn Rows, value: ValueRef<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    match value {
        ValueRef::Null => match mode.style {
            Style::Json | Style::JsonObject | Style::Html => out.extend_from_slice(b"null"),
            Style::Insert => out.extend_from_slice(b"NULL"),
            _ => out.extend_from_slice(mode.null.as_bytes()),
        },
        ValueRef::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        ValueRef::Real(number) if matches!(mode.text_quote(), TextQuote::Sql | TextQuote::Json) => {
            push_sql_real(number, out)
        }
        ValueRef::Real(number) => push_real(number, out),
        ValueRef::Text(text) => push_text(mode, mode.text_quote(), text, out),
        ValueRef::Blob(blob) => push_blob(mode, rows, blob, out),
    }
    cut(mode.limits.columns, start, out);
}

/// Appends a column's title as the mode shows it.
pub fn push_title(mode: &Mode, title: &str, out: &mut Vec<u8>) {
    let start = out.len();
    push_text(mode, mode.title_quote, title.as_bytes(), out);
    let limit = mode.limits.title;
    if limit > 0 && mode.style != Style::Html && width::of_line(&out[start..]) > limit {
        // Three of the columns go to the dots, where there are that many.
        if limit >= 3 {
            cut_to(limit - 3, start, out);
            out.extend_from_slice(b"...");
        } else {
            cut_to(limit, start, out);
        }
    }
}

fn cut_to(columns_max: usize, start: usize, out: &mut Vec<u8>) {
    let mut columns = 0;
    let mut at = start;
    while at < out.len() {
        let (character, length) = width::first_char(&out[at..]);
        columns += character.map_or(1, width::of_char);
        if columns > columns_max {
            out.truncate(at);
            return;
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn sql_text_spells_control_characters_out() {
        assert_eq!(shown(|out| push_sql_text(b"it's", true, out)), "'it''s'");
        assert_eq!(shown(|out| push_sql_text(b"a\\\x01'b\\u", true, out)), "unistr('a\\\\\\u0001''b\\\\u')");
        assert_eq!(shown(|out| push_sql_text(b"a\\b\0c", true, out)), "'a\\b'");
        assert_eq!(shown(|out| push_sql_text(b"a\nb", false, out)), "'a\nb'");
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, text) in
            [("ok", "ok"), ("a b", "\"a b\""), ("select", "\"select\""), ("1x", "\"1x\""), ("", "\"\"")]
        {
            assert_eq!(shown(|out| push_identifier(name.as_bytes(), out)), text);
        }
    }

    #[test]
    fn text_that_reads_as_something_else_is_doubtful() {
        let yes = [
            "NULL",
            "'abcde",
            "abcde'",
            " a",
            "a ",
            "+0",
            "012345",
            "0123.45",
            "12.3e+123",
            "5.",
            "+Inf",
            "Inf",
        ];
        let no = [
            "",
            "null",
            "-NULL-",
            "012xyz345",
            "12.34.56",
            "12.3e",
            "12.5E5.6",
            ".5",
            "-",
            "inf",
            "0x10",
            "it's",
        ];
        for text in yes {
            assert!(is_doubtful(text.as_bytes(), b"NULL"), "{text}");
        }
        for text in no {
            assert!(!is_doubtful(text.as_bytes(), b"NULL"), "{text}");
        }
    }

    #[test]
    fn csv_quotes_what_another_program_could_split() {
        for text in ["", "a b", "it's", "é", "a,b", "a\"b", "a\x7f"] {
            assert!(needs_csv_quotes(text.as_bytes(), b","), "{text}");
        }
        for text in ["a", "x;y", "a|b", "#"] {
            assert!(!needs_csv_quotes(text.as_bytes(), b","), "{text}");
        }
    }

    #[test]
    fn json_and_tcl_escape_each_in_their_way() {
        assert_eq!(shown(|out| push_json_text(b"a\"\\\n\x01\xc3\xa9", out)), "\"a\\\"\\\\\\n\\u0001é\"");
        assert_eq!(shown(|out| push_tcl_text(b"a\"\\\n\x01", out)), "\"a\\\"\\\\\\n\\001\"");
    }

    #[test]
    fn a_long_value_is_cut_by_columns() {
        let cut_at = |limit, text: &str| {
            shown(|out| {
                out.extend_from_slice(text.as_bytes());
                cut(limit, 0, out);
            })
        };
        assert_eq!(cut_at(13, "abcdefghijklmnop"), "abcdefghijklm...");
        assert_eq!(cut_at(13, "abcぁdefかghiのjklはmnop"), "abcぁdefかghi...");
        assert_eq!(cut_at(15, "abcぁdefかghiのjklはmnop"), "abcぁdefかghiの...");
        assert_eq!(cut_at(16, "abcdefghijklmnop"), "abcdefghijklmnop");
    }
}
