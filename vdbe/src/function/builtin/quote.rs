//! Values as SQL literals and as hexadecimal: quote, unistr, hex and their inverses.
//!
//! Spec: Built-in Scalar SQL Functions.

use kernite_btree::ValueRef;
use kernite_btree::encoding::{next_utf8, push_utf8};

use super::search::{before_nul, find_byte};
use crate::Step;
use crate::error::Error;
use crate::function::call::{Call, bytes_of, text_of};
use crate::register::Tag;
use crate::value::render;

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";
pub const HEX_LOWER: &[u8; 16] = b"0123456789abcdef";

/// Appends two upper-case digits a byte.
pub fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for &byte in bytes {
        out.extend_from_slice(&[HEX_UPPER[usize::from(byte >> 4)], HEX_UPPER[usize::from(byte & 15)]]);
    }
}

/// Appends `text` between quotes, quotes inside doubled. A NUL ends it, since no literal can hold one.
pub fn push_quoted(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    out.push(quote);
    push_doubled(before_nul(text), quote, out);
    out.push(quote);
}

/// Appends `text` with each `quote` in it doubled.
pub fn push_doubled(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = find_byte(rest, quote) {
        out.extend_from_slice(&rest[..=at]);
        out.push(quote);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Appends `text` with control characters and backslashes as `unistr` reads them, and each `quote` doubled.
pub fn push_unistr_escaped(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[b'0' + (byte >> 4), HEX_LOWER[usize::from(byte & 15)]]);
            }
            byte if byte == quote => out.extend_from_slice(&[quote, quote]),
            byte => out.push(byte),
        }
    }
}

/// Appends `text` as a literal that needs no control character: `unistr('…')` where there are any, else between quotes.
pub fn push_unistr_quoted(text: &[u8], out: &mut Vec<u8>) {
    let text = before_nul(text);
    if text.iter().all(|&byte| byte >= 0x20) {
        return push_quoted(text, b'\'', out);
    }
    out.extend_from_slice(b"unistr('");
    push_unistr_escaped(text, b'\'', out);
    out.extend_from_slice(b"')");
}

fn quote_with(call: &mut Call<'_>, push_text: fn(&[u8], &mut Vec<u8>)) -> Step<()> {
    let Some(argument) = call.argument(0) else { return Ok(Some(())) };
    let encoding = call.encoding;
    if argument.tag() == Tag::Blob {
        // SQLite asks for room for a NUL byte and one more.
        call.check_len(argument.len() * 2 + 5)?;
    }
    call.build_text(|out| match argument.value() {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Integer(number) => render::push_integer(number, out),
        ValueRef::Real(number) if number.is_infinite() => {
            out.extend_from_slice(if number > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
        }
        ValueRef::Real(number) => render::push_real(number, out),
        ValueRef::Blob(_) => {
            out.extend_from_slice(b"X'");
            push_hex(&bytes_of(argument), out);
            out.push(b'\'');
        }
        ValueRef::Text(_) => push_text(&text_of(argument, encoding).unwrap_or_default(), out),
    })?;
    Ok(Some(()))
}

/// `quote(x)`.
pub fn quote(call: &mut Call<'_>) -> Step<()> {
    quote_with(call, |text, out| push_quoted(text, b'\'', out))
}

/// `unistr_quote(x)`: as quote, with control characters by way of `unistr`.
pub fn unistr_quote(call: &mut Call<'_>) -> Step<()> {
    quote_with(call, push_unistr_quoted)
}

/// The value of `count` hexadecimal digits at `at`.
fn hex_value(text: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = text.get(at..at + count)?;
    digits.iter().try_fold(0u32, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
}

/// `unistr(x)`: `\XXXX`, `\uXXXX`, `\+XXXXXX`, `\UXXXXXXXX` and `\\` become characters.
pub fn unistr(call: &mut Call<'_>) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    let out = call.result.buffer(Tag::Text);
    let mut at = 0;
    // Behind a NUL nothing is an escape.
    while let Some(distance) = find_byte(before_nul(&text[at..]), b'\\') {
        out.extend_from_slice(&text[at..at + distance]);
        at += distance;
        let (code, len) = match text.get(at + 1) {
            Some(b'\\') => (Some(u32::from(b'\\')), 2),
            Some(b'+') => (hex_value(&text, at + 2, 6), 8),
            Some(b'u') => (hex_value(&text, at + 2, 4), 6),
            Some(b'U') => (hex_value(&text, at + 2, 8), 10),
            _ => (hex_value(&text, at + 1, 4), 5),
        };
        let Some(code) = code else { return Err(Error::message("invalid Unicode escape")) };
        push_utf8(code, out);
        at += len;
    }
    out.extend_from_slice(&text[at..]);
    call.finish_text()?;
    Ok(Some(()))
}

/// `hex(x)`: the bytes of text and blobs as they are, of numbers as they show.
pub fn hex(call: &mut Call<'_>) -> Step<()> {
    let Some(argument) = call.argument(0) else { return Ok(Some(())) };
    let bytes = match argument.tag() {
        Tag::Text | Tag::Blob => bytes_of(argument),
        _ => text_of(argument, call.encoding).unwrap_or_default(),
    };
    // SQLite counts the NUL byte behind it.
    call.check_len(bytes.len() as u64 * 2 + 1)?;
    call.build_text(|out| push_hex(&bytes, out))?;
    Ok(Some(()))
}

/// `unhex(x [, ignored])`: NULL where `x` has other characters than pairs of digits and, between them, `ignored`.
pub fn unhex(call: &mut Call<'_>) -> Step<()> {
    let (Some(text), ignored) = (call.text(0), call.text(1)) else { return Ok(Some(())) };
    if call.arguments.len() > 1 && ignored.is_none() {
        return Ok(Some(()));
    }
    let text = before_nul(&text);
    let ignored = ignored.unwrap_or_default();
    let is_ignored = |wanted: u32| {
        let mut at = 0;
        std::iter::from_fn(|| next_utf8(&ignored, &mut at)).any(|char| char == wanted)
    };
    let nibble = |at: usize| text.get(at).and_then(|&digit| (digit as char).to_digit(16));
    let out = call.result.buffer(Tag::Blob);
    let mut at = 0;
    while at < text.len() {
        match (nibble(at), nibble(at + 1)) {
            (Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            (None, _) if next_utf8(text, &mut at).is_some_and(is_ignored) => {}
            _ => {
                call.result.set_null();
                return Ok(Some(()));
            }
        }
    }
    Ok(Some(()))
}
