//! The scalar functions, each in a text and a JSONB variant where SQLite has both.
//!
//! A document comes as text, as JSONB, or as a blob that is really text. A value to be put into one is JSON only if it has JSON's
//! subtype or is JSONB; other text is a string.
//!
//! Spec: JSON Functions And Operators.

use std::borrow::Cow;

use kernite_btree::{Encoding, ValueRef};

use super::edit::{Change, change};
use super::jsonb::{
    self, ARRAY, Element, FALSE, FLOAT, FLOAT5, INT, INT5, NULL, OBJECT, TEXT, TEXT5, TEXTJ, TEXTRAW, TRUE,
    push,
};
use super::parse::{Parsed, parse};
use super::patch::merge;
use super::path::{Miss, lookup};
use super::strings::{push_string, push_unescaped};
use super::write::{write, write_pretty};
use super::{Fault, SUBTYPE};
use crate::Step;
use crate::error::Error;
use crate::function::builtin::search::before_nul;
use crate::function::call::{Call, bytes_of, set_text, text_of};
use crate::register::{Register, Tag};
use crate::value::parse::{self as numbers, IntegerText};
use crate::value::render;

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Jsonb,
}

/// A document as JSONB.
struct Document<'a> {
    blob: Cow<'a, [u8]>,
}

/// An argument as a document; `None` for NULL.
fn document<'a>(call: &Call<'a>, index: usize) -> Result<Option<Document<'a>>, Error> {
    let Some(argument) = call.argument(index).filter(|argument| !argument.is_null()) else { return Ok(None) };
    if argument.tag() == Tag::Blob {
        let blob = bytes_of(argument);
        if jsonb::looks_like_jsonb(&blob) {
            return Ok(Some(Document { blob }));
        }
        // A blob that is no JSONB is taken for text, as it always was.
    }
    let text = text_of(argument, call.encoding).unwrap_or_default();
    match parse_text(&text) {
        Ok(parsed) => Ok(Some(Document { blob: Cow::Owned(parsed.blob) })),
        Err(_) => Err(Fault::Malformed.into()),
    }
}

/// Parses text up to a NUL; the error is a place in it.
pub fn parse_text(text: &[u8]) -> Result<Parsed, usize> {
    parse(before_nul(text))
}

/// Appends an argument as an element: JSON if it is marked as such, else a value.
fn push_element(call: &Call<'_>, argument: &Register, blob: &mut Vec<u8>) -> Result<(), Error> {
    match argument.value() {
        ValueRef::Null => blob.push(NULL),
        ValueRef::Blob(_) => {
            let bytes = bytes_of(argument);
            if !jsonb::looks_like_jsonb(&bytes) {
                return Err(holds_no_blobs());
            }
            blob.extend_from_slice(&bytes);
        }
        ValueRef::Text(_) => {
            let text = text_of(argument, call.encoding).unwrap_or_default();
            if argument.subtype() == SUBTYPE {
                let parsed = parse_text(&text).map_err(|_| Error::from(Fault::Malformed))?;
                blob.extend_from_slice(&parsed.blob);
            } else {
                push(TEXTRAW, &text, blob);
            }
        }
        ValueRef::Integer(_) => push(INT, &text_of(argument, call.encoding).unwrap_or_default(), blob),
        ValueRef::Real(number) if number.is_infinite() => {
            push(FLOAT, if number > 0.0 { b"9e999" } else { b"-9e999" }, blob);
        }
        ValueRef::Real(_) => push(FLOAT, &text_of(argument, call.encoding).unwrap_or_default(), blob),
    }
    Ok(())
}

#[cold]
fn holds_no_blobs() -> Error {
    Error::message("JSON cannot hold BLOB values")
}

/// Appends an argument as JSON text.
pub fn push_value(argument: &Register, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), Error> {
    match argument.value() {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Real(number) if number.is_infinite() => {
            out.extend_from_slice(if number > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
        }
        ValueRef::Integer(number) => render::push_integer(number, out),
        ValueRef::Real(number) => render::push_real(number, out),
        ValueRef::Text(_) => {
            let text = text_of(argument, encoding).unwrap_or_default();
            if argument.subtype() == SUBTYPE {
                out.extend_from_slice(&text);
            } else {
                push_string(&text, out);
            }
        }
        ValueRef::Blob(_) => {
            let bytes = bytes_of(argument);
            if !jsonb::looks_like_jsonb(&bytes) {
                return Err(holds_no_blobs());
            }
            write(&bytes, 0, out)?;
        }
    }
    Ok(())
}

/// Gives a document as the result.
fn give(call: &mut Call<'_>, blob: &[u8], form: Form) -> Step<()> {
    match form {
        Form::Jsonb => {
            call.check_len(blob.len() as u64)?;
            call.result.set_blob(blob);
        }
        Form::Text => {
            write(blob, 0, call.result.buffer(Tag::Text))?;
            call.finish_text()?;
            call.result.set_subtype(SUBTYPE);
        }
    }
    Ok(Some(()))
}

/// Gives JSON text, which was just made, as the result.
fn give_text(call: &mut Call<'_>, text: &[u8], form: Form) -> Step<()> {
    match form {
        Form::Text => call.set_text(text)?,
        // It may hold whatever an argument was said to be; SQLite takes what it could read of it.
        Form::Jsonb => match parse(text) {
            Ok(parsed) => call.result.set_blob(&parsed.blob),
            Err(_) => return Err(Fault::Malformed.into()),
        },
    }
    call.result.set_subtype(SUBTYPE);
    Ok(Some(()))
}

/// Gives the element at `at` as an SQL value; containers in `form`.
pub fn give_element(
    blob: &[u8],
    at: usize,
    form: Form,
    encoding: Encoding,
    out: &mut Register,
) -> Result<(), Error> {
    let element = Element::at(blob, at).ok_or(Fault::Malformed)?;
    let payload = element.bytes(blob);
    match element.kind {
        NULL | TRUE | FALSE if !payload.is_empty() => return Err(Fault::Malformed.into()),
        NULL => out.set_null(),
        TRUE => out.set_integer(1),
        FALSE => out.set_integer(0),
        INT | INT5 => give_integer(payload, out)?,
        FLOAT | FLOAT5 => give_real(payload, out)?,
        TEXT | TEXTRAW => set_text(out, payload, encoding),
        TEXTJ | TEXT5 => {
            let mut text = Vec::with_capacity(payload.len());
            push_unescaped(payload, &mut text);
            set_text(out, &text, encoding);
        }
        ARRAY | OBJECT if form == Form::Jsonb => out.set_blob(&blob[element.at..element.end]),
        ARRAY | OBJECT => {
            let mut text = Vec::with_capacity(payload.len() * 2);
            write(blob, at, &mut text)?;
            set_text(out, &text, encoding);
        }
        _ => return Err(Fault::Malformed.into()),
    }
    Ok(())
}

fn give_real(text: &[u8], out: &mut Register) -> Result<(), Fault> {
    let number = numbers::real(before_nul(text));
    if text.is_empty() || !number.any || !number.whole {
        return Err(Fault::Malformed);
    }
    out.set_real(number.value);
    Ok(())
}

/// An integer; as a real where it is too large.
fn give_integer(text: &[u8], out: &mut Register) -> Result<(), Fault> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(Fault::Malformed);
    }
    if let [b'0', b'x' | b'X', hex @ ..] = digits {
        let zeros = hex.iter().take_while(|&&digit| digit == b'0').count();
        let significant = &hex[zeros..];
        let len = significant.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
        if len > 16 || len < significant.len() {
            // What is too long is read as a real, and is none.
            return Err(Fault::Malformed);
        }
        let value = significant
            .iter()
            .fold(0u64, |value, &digit| value << 4 | u64::from((digit as char).to_digit(16).unwrap_or(0)));
        match i64::try_from(value) {
            Ok(value) => out.set_integer(if negative { -value } else { value }),
            Err(_) => out.set_real(if negative { -(value as f64) } else { value as f64 }),
        }
        return Ok(());
    }
    match numbers::integer(digits) {
        (value, IntegerText::Whole) => out.set_integer(if negative { value.wrapping_neg() } else { value }),
        (_, IntegerText::TwoPow63) if negative => out.set_integer(i64::MIN),
        (_, IntegerText::None | IntegerText::Prefix) => return Err(Fault::Malformed),
        _ => return give_real(text, out),
    }
    Ok(())
}

/// `json(x)`, `json_remove(x, path, …)` and their JSONB variants. To remove everything, or along NULL, gives NULL.
pub fn remove(call: &mut Call<'_>, form: Form) -> Step<()> {
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    if call.arguments.len() < 2 {
        return give(call, &document.blob, form);
    }
    let mut blob = document.blob.into_owned();
    for index in 1..call.arguments.len() {
        let Some(path) = call.text(index) else { return Ok(Some(())) };
        let path = before_nul(&path);
        let Some(steps) = path.strip_prefix(b"$") else { return Err(Miss::BadPath.error(path)) };
        if steps.is_empty() {
            return Ok(Some(()));
        }
        match change(&mut blob, steps, Change::Remove, &[]) {
            Ok(()) | Err(Miss::NotFound) => {}
            Err(miss) => return Err(miss.error(path)),
        }
    }
    give(call, &blob, form)
}

/// `json_set`, `json_insert`, `json_replace`, `json_array_insert`; `name` is for the message.
pub fn edit(call: &mut Call<'_>, how: Change, name: &str, form: Form) -> Step<()> {
    if call.arguments.is_empty() {
        return Ok(Some(()));
    }
    if call.arguments.len() % 2 == 0 {
        return Err(Error::message(format!("json_{name}() needs an odd number of arguments")));
    }
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    if call.arguments.len() == 1 {
        return give(call, &document.blob, form);
    }
    let mut blob = document.blob.into_owned();
    let mut value = Vec::new();
    for pair in 0..call.arguments.len() / 2 {
        let Some(path) = call.text(1 + 2 * pair) else { continue };
        let path = before_nul(&path);
        let Some(steps) = path.strip_prefix(b"$") else { return Err(Miss::BadPath.error(path)) };
        value.clear();
        push_element(call, &call.arguments[2 + 2 * pair], &mut value)?;
        if steps.is_empty() {
            if matches!(how, Change::Set | Change::Replace) {
                let end = blob.len();
                super::edit::splice(&mut blob, 0, end, &value);
            }
            continue;
        }
        match change(&mut blob, steps, how, &value) {
            Ok(()) | Err(Miss::NotFound) => {}
            Err(miss) => return Err(miss.error(path)),
        }
    }
    give(call, &blob, form)
}

/// `json_patch(target, patch)`.
pub fn patch(call: &mut Call<'_>, form: Form) -> Step<()> {
    let Some(target) = document(call, 0)? else { return Ok(Some(())) };
    let Some(patch) = document(call, 1)? else { return Ok(Some(())) };
    let mut blob = target.blob.into_owned();
    merge(&mut blob, &patch.blob)?;
    give(call, &blob, form)
}

/// `json_quote(x)`.
pub fn quote(call: &mut Call<'_>) -> Step<()> {
    let Some(argument) = call.argument(0) else { return Ok(Some(())) };
    let mut text = Vec::new();
    push_value(argument, call.encoding, &mut text)?;
    give_text(call, &text, Form::Text)
}

/// `json_array(x, …)`.
pub fn array(call: &mut Call<'_>, form: Form) -> Step<()> {
    let mut text = vec![b'['];
    for (index, argument) in call.arguments.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        push_value(argument, call.encoding, &mut text)?;
    }
    text.push(b']');
    give_text(call, &text, form)
}

/// `json_object(label, value, …)`.
pub fn object(call: &mut Call<'_>, form: Form) -> Step<()> {
    if call.arguments.len() % 2 == 1 {
        return Err(Error::message("json_object() requires an even number of arguments"));
    }
    let mut text = vec![b'{'];
    for (index, pair) in call.arguments.chunks_exact(2).enumerate() {
        if pair[0].tag() != Tag::Text {
            return Err(Error::message("json_object() labels must be TEXT"));
        }
        if index > 0 {
            text.push(b',');
        }
        push_string(&text_of(&pair[0], call.encoding).unwrap_or_default(), &mut text);
        text.push(b':');
        push_value(&pair[1], call.encoding, &mut text)?;
    }
    text.push(b'}');
    give_text(call, &text, form)
}

/// The element that the path in argument `index` leads to; `None` where there is none.
fn lookup_argument(call: &Call<'_>, index: usize, blob: &[u8]) -> Result<Option<usize>, Error> {
    let Some(path) = call.text(index) else { return Ok(None) };
    let path = before_nul(&path);
    let Some(steps) = path.strip_prefix(b"$") else { return Err(Miss::BadPath.error(path)) };
    match lookup(blob, steps) {
        Ok(at) => Ok(Some(at)),
        Err(Miss::NotFound) => Ok(None),
        Err(miss) => Err(miss.error(path)),
    }
}

/// `json_array_length(x [, path])`: 0 of what is no array.
pub fn array_length(call: &mut Call<'_>) -> Step<()> {
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    let at = if call.arguments.len() > 1 { lookup_argument(call, 1, &document.blob)? } else { Some(0) };
    if let Some(at) = at {
        let array = Element::at(&document.blob, at).filter(|element| element.kind == ARRAY);
        let len = array.map_or(0, |array| jsonb::array_len(&document.blob, &array));
        call.result.set_integer(len as i64);
    }
    Ok(Some(()))
}

/// `json_type(x [, path])`.
pub fn type_of(call: &mut Call<'_>) -> Step<()> {
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    let at = if call.arguments.len() > 1 { lookup_argument(call, 1, &document.blob)? } else { Some(0) };
    if let Some(at) = at {
        let kind = document.blob.get(at).map_or(u8::MAX, |first| first & 15);
        call.set_text(jsonb::type_name(kind).as_bytes())?;
    }
    Ok(Some(()))
}

/// `json_extract(x, path, …)`: of one path the element, of several an array of them.
pub fn extract(call: &mut Call<'_>, form: Form) -> Step<()> {
    if call.arguments.len() < 2 {
        return Ok(Some(()));
    }
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    let blob = &document.blob;
    if call.arguments.len() == 2 {
        if let Some(at) = lookup_argument(call, 1, blob)? {
            give_element(blob, at, form, call.encoding, call.result)?;
            if form == Form::Text && blob[at] & 15 >= ARRAY {
                call.result.set_subtype(SUBTYPE);
            }
        }
        return Ok(Some(()));
    }
    let mut text = vec![b'['];
    for index in 1..call.arguments.len() {
        if call.is_null(index) {
            return Ok(Some(()));
        }
        if index > 1 {
            text.push(b',');
        }
        match lookup_argument(call, index, blob)? {
            Some(at) => write(blob, at, &mut text)?,
            None => text.extend_from_slice(b"null"),
        }
    }
    text.push(b']');
    give_text(call, &text, form)?;
    if form == Form::Jsonb {
        call.result.flags.0 &= !crate::register::Flags::SUBTYPE;
    }
    Ok(Some(()))
}

/// `x -> path` (JSON) and `x ->> path` (SQL value). The path may be short: a label, or the number of an element.
pub fn arrow(call: &mut Call<'_>, as_json: bool) -> Step<()> {
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    let Some(path) = call.text(1) else { return Ok(Some(())) };
    let (path, blob) = (before_nul(&path), &document.blob);
    let steps = match path.strip_prefix(b"$") {
        Some(steps) => Cow::Borrowed(steps),
        None => Cow::Owned(short_path(path, call.arguments[1].tag() == Tag::Integer)),
    };
    let at = match lookup(blob, &steps) {
        Ok(at) => at,
        Err(Miss::NotFound) => return Ok(Some(())),
        Err(miss) => return Err(miss.error(path)),
    };
    if as_json {
        write(blob, at, call.result.buffer(Tag::Text))?;
        call.finish_text()?;
        call.result.set_subtype(SUBTYPE);
    } else {
        give_element(blob, at, Form::Text, call.encoding, call.result)?;
    }
    Ok(Some(()))
}

/// The path (without the `$`) that a short one stands for.
fn short_path(path: &[u8], integer: bool) -> Vec<u8> {
    let is_name = path.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if integer {
        // Negative ones count from the end.
        let front: &[u8] = if path.starts_with(b"-") { b"[#" } else { b"[" };
        return [front, path, b"]"].concat();
    }
    match path {
        path if is_name => [b".", path].concat(),
        [b'[', _, .., b']'] => path.to_vec(),
        path => [b".\"", path, b"\""].concat(),
    }
}

/// `json_pretty(x [, indentation])`.
pub fn pretty(call: &mut Call<'_>) -> Step<()> {
    let Some(document) = document(call, 0)? else { return Ok(Some(())) };
    let indent = call.text(1).unwrap_or(Cow::Borrowed(b"    "));
    write_pretty(&document.blob, 0, before_nul(&indent), call.result.buffer(Tag::Text))?;
    call.finish_text()?;
    Ok(Some(()))
}

/// `json_valid(x [, flags])`: 1 canonical text, 2 text with JSON5's extensions, 4 what looks like JSONB, 8 what is JSONB.
pub fn valid(call: &mut Call<'_>) -> Step<()> {
    let flags = if call.arguments.len() > 1 { call.integer(1) } else { 1 };
    if !(1..=15).contains(&flags) {
        return Err(Error::message("FLAGS parameter to json_valid() must be between 1 and 15"));
    }
    let Some(argument) = call.argument(0).filter(|argument| !argument.is_null()) else { return Ok(Some(())) };
    let blob = bytes_of(argument);
    let valid = if argument.tag() == Tag::Blob && jsonb::looks_like_jsonb(&blob) {
        flags & 4 != 0 || flags & 8 != 0 && jsonb::fault(&blob).is_none()
    } else if flags & 3 == 0 {
        false
    } else {
        let text = text_of(argument, call.encoding).unwrap_or_default();
        parse_text(&text).is_ok_and(|parsed| flags & 2 != 0 || !parsed.extended)
    };
    call.result.set_integer(i64::from(valid));
    Ok(Some(()))
}

/// `json_error_position(x)`: of text in characters, of JSONB in bytes, from 1; 0 if there is no error.
pub fn error_position(call: &mut Call<'_>) -> Step<()> {
    let Some(argument) = call.argument(0).filter(|argument| !argument.is_null()) else { return Ok(Some(())) };
    let blob = bytes_of(argument);
    let position = if argument.tag() == Tag::Blob && jsonb::looks_like_jsonb(&blob) {
        jsonb::fault(&blob).map_or(0, |at| at + 1)
    } else {
        let text = text_of(argument, call.encoding).unwrap_or_default();
        match parse_text(&text) {
            Ok(_) => 0,
            Err(at) => 1 + before_nul(&text).iter().take(at).filter(|&&byte| byte & 0xc0 != 0x80).count(),
        }
    };
    call.result.set_integer(position as i64);
    Ok(Some(()))
}

/// Whether an element is a container.
pub const fn is_container(kind: u8) -> bool {
    matches!(kind, ARRAY | OBJECT)
}
