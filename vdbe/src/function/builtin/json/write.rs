//! JSONB to JSON text, plain or pretty.
//!
//! What is written is canonical JSON, if the JSONB is well-formed: of malformed JSONB only what cannot be written at all is noticed.

use super::jsonb::{
    ARRAY, Element, FALSE, FLOAT, FLOAT5, INT, INT5, NULL, OBJECT, TEXT, TEXT5, TEXTJ, TEXTRAW, TRUE,
};
use super::strings::{is_plain, push_control, push_string};
use super::{DEPTH_MAX, Fault};
use crate::value::render;

/// A container under way.
struct Open {
    end: usize,
    object: bool,
    /// Elements, or labels and values, that have come.
    count: usize,
}

/// Appends the text of the element at `at`.
pub fn write(blob: &[u8], at: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    write_with(blob, at, None, out)
}

/// Appends the text of the element at `at`, an element a line, `indent` before each for every level.
pub fn write_pretty(blob: &[u8], at: usize, indent: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    write_with(blob, at, Some(indent), out)
}

fn write_with(blob: &[u8], at: usize, indent: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = at;
    let new_line = |depth: usize, out: &mut Vec<u8>| {
        if let Some(indent) = indent {
            out.push(b'\n');
            (0..depth).for_each(|_| out.extend_from_slice(indent));
        }
    };
    loop {
        let depth = open.len();
        if let Some(open) = open.last_mut() {
            match (open.object && open.count % 2 == 1, open.count) {
                (true, _) => out.extend_from_slice(if indent.is_some() { b": " } else { b":" }),
                (false, 0) => new_line(depth, out),
                (false, _) => {
                    out.push(b',');
                    new_line(depth, out);
                }
            }
            open.count += 1;
        }
        let element = Element::at(blob, at).ok_or(Fault::Malformed)?;
        at = match element.kind {
            ARRAY | OBJECT => {
                let object = element.kind == OBJECT;
                out.push(if object { b'{' } else { b'[' });
                // Pretty text has one level less to spend.
                if depth + usize::from(indent.is_some() && element.size() > 0) >= DEPTH_MAX {
                    return Err(Fault::TooDeep);
                }
                open.push(Open { end: element.end, object, count: 0 });
                element.payload
            }
            _ => {
                scalar(blob, &element, out)?;
                element.end
            }
        };
        while let Some(last) = open.last()
            && at >= last.end
        {
            if at > last.end || last.object && last.count % 2 == 1 {
                return Err(Fault::Malformed);
            }
            if last.count > 0 {
                new_line(open.len() - 1, out);
            }
            out.push(if last.object { b'}' } else { b']' });
            open.pop();
        }
        if open.is_empty() {
            return Ok(());
        }
    }
}

fn scalar(blob: &[u8], element: &Element, out: &mut Vec<u8>) -> Result<(), Fault> {
    let payload = element.bytes(blob);
    match element.kind {
        NULL => out.extend_from_slice(b"null"),
        TRUE => out.extend_from_slice(b"true"),
        FALSE => out.extend_from_slice(b"false"),
        INT..=FLOAT5 if payload.is_empty() => return Err(Fault::Malformed),
        INT | FLOAT => out.extend_from_slice(payload),
        INT5 => return hexadecimal(payload, out),
        FLOAT5 => return bare_point(payload, out),
        TEXT | TEXTJ => {
            out.push(b'"');
            out.extend_from_slice(payload);
            out.push(b'"');
        }
        TEXT5 => return json5_string(payload, out),
        TEXTRAW => push_string(payload, out),
        _ => return Err(Fault::Malformed),
    }
    Ok(())
}

/// Shows a hexadecimal integer in decimal; beyond 64 bits as an infinity.
fn hexadecimal(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let (negative, digits) = match text {
        [b'-', _, _, digits @ ..] => (true, digits),
        [b'+', _, _, digits @ ..] => (false, digits),
        [b'-', ..] => (true, &[][..]),
        [_, _, digits @ ..] => (false, digits),
        _ => (false, &[][..]),
    };
    let (mut value, mut overflow) = (0u64, false);
    for &digit in digits {
        let digit = (digit as char).to_digit(16).ok_or(Fault::Malformed)?;
        if value >> 60 != 0 {
            overflow = true;
        } else {
            value = value << 4 | u64::from(digit);
        }
    }
    if negative {
        out.push(b'-');
    }
    if overflow {
        out.extend_from_slice(b"9.0e999");
    } else {
        render::push_unsigned(value, out);
    }
    Ok(())
}

/// Shows a real with digits on both sides of its point.
fn bare_point(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let digits = match text {
        [b'-'] => return Err(Fault::Malformed),
        [b'-', digits @ ..] => {
            out.push(b'-');
            digits
        }
        digits => digits,
    };
    if digits.first() == Some(&b'.') {
        out.push(b'0');
    }
    for (at, &byte) in digits.iter().enumerate() {
        out.push(byte);
        if byte == b'.' && !digits.get(at + 1).is_some_and(u8::is_ascii_digit) {
            out.push(b'0');
        }
    }
    Ok(())
}

/// Shows a string with JSON5's escapes with those of canonical JSON.
fn json5_string(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain = rest.iter().position(|&byte| !is_plain(byte) && byte != b'\'').unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let taken = match rest {
            [] => break,
            [b'"', ..] => {
                out.extend_from_slice(b"\\\"");
                1
            }
            [control @ 0..0x20, ..] => {
                push_control(*control, out);
                1
            }
            [_, b'\'', ..] => {
                out.push(b'\'');
                2
            }
            [_, b'v', ..] => {
                out.extend_from_slice(b"\\u000b");
                2
            }
            [_, b'x', high, low, ..] => {
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', *high, *low]);
                4
            }
            [_, b'0', ..] => {
                out.extend_from_slice(b"\\u0000");
                2
            }
            [_, b'\r', b'\n', ..] => 3,
            [_, b'\r' | b'\n', ..] => 2,
            [_, 0xe2, 0x80, 0xa8 | 0xa9, ..] => 4,
            [_] | [_, b'x' | 0xe2, ..] => return Err(Fault::Malformed),
            [backslash, letter, ..] => {
                out.extend_from_slice(&[*backslash, *letter]);
                2
            }
        };
        rest = &rest[taken..];
    }
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn json5_is_written_as_canonical_json() {
        // Taken from SQLite 3.54.1: json(x).
        for (text, written) in [
            ("{a:[1,.5,5.,0x10,],}", "{\"a\":[1,0.5,5.0,16]}"),
            ("'it\\'s \\x41\\v\\0'", "\"it's \\u0041\\u000b\\u0000\""),
            ("\"a\\\nb\"", "\"ab\""),
            ("-Infinity", "-9e999"),
            ("NaN", "null"),
            ("[ ]", "[]"),
        ] {
            let mut out = Vec::new();
            write(&parse(text.as_bytes()).unwrap().blob, 0, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), written, "{text}");
        }
    }

    #[test]
    fn pretty_text_has_an_element_a_line() {
        let mut out = Vec::new();
        write_pretty(&parse(b"{\"a\":[1,{}],\"b\":[]}").unwrap().blob, 0, b"  ", &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    }
}
