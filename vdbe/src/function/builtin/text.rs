//! Functions on text: length, substr, instr, replace, trim, case, characters, concatenation.
//!
//! Characters are UTF-8 sequences counted leniently: a byte below 0x80 is one, any other begins one that goes on over all
//! continuation bytes. Where SQLite's C code sees text as ending at a NUL, so do these.
//!
//! Spec: Built-in Scalar SQL Functions.

use kernite_btree::ValueRef;
use kernite_btree::encoding::{Utf16Chars, next_utf8, push_utf8};

use super::search::{before_nul, find};
use crate::Step;
use crate::function::call::{Call, bytes_of, text_of, too_big};
use crate::register::{Register, Tag};

/// `length(x)`: characters of text up to a NUL, bytes of anything else.
pub fn length(call: &mut Call<'_>) -> Step<()> {
    let Some(argument) = call.argument(0) else { return Ok(Some(())) };
    match argument.value() {
        ValueRef::Null => {}
        ValueRef::Text(text) if call.encoding.is_utf16() => {
            let count = Utf16Chars::new(text, call.encoding).take_while(|&c| c != 0).count();
            call.result.set_integer(count as i64);
        }
        ValueRef::Text(text) => call.result.set_integer(count_chars(text) as i64),
        ValueRef::Blob(_) => call.result.set_integer(argument.len() as i64),
        ValueRef::Integer(_) | ValueRef::Real(_) => {
            let len = text_of(argument, call.encoding).map_or(0, |text| text.len());
            call.result.set_integer(len as i64);
        }
    }
    Ok(Some(()))
}

/// `octet_length(x)`: bytes in the database's encoding.
pub fn octet_length(call: &mut Call<'_>) -> Step<()> {
    let Some(argument) = call.argument(0) else { return Ok(Some(())) };
    match argument.value() {
        ValueRef::Null => {}
        ValueRef::Text(_) | ValueRef::Blob(_) => call.result.set_integer(argument.len() as i64),
        ValueRef::Integer(_) | ValueRef::Real(_) => {
            let unit = if call.encoding.is_utf16() { 2 } else { 1 };
            let len = text_of(argument, call.encoding).map_or(0, |text| text.len());
            call.result.set_integer(len as i64 * unit);
        }
    }
    Ok(Some(()))
}

/// Eight bytes none of which is a NUL or beyond ASCII.
#[inline]
fn plain_word(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x0101_0101_0101_0101;
    match bytes.first_chunk::<8>() {
        Some(word) => {
            let word = u64::from_ne_bytes(*word);
            (word | word.wrapping_sub(LOW)) & HIGH == 0
        }
        None => false,
    }
}

/// Characters before a NUL or the end.
fn count_chars(text: &[u8]) -> usize {
    if text.is_ascii() {
        return before_nul(text).len();
    }
    let mut count = 0;
    let mut at = 0;
    while at < text.len() {
        if plain_word(&text[at..]) {
            at += 8;
            count += 8;
            continue;
        }
        match next_char(text, at) {
            Some(next) => at = next,
            None => break,
        }
        count += 1;
    }
    count
}

/// Where the character at `at` ends; `None` at a NUL or the end.
#[inline]
fn next_char(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at)? {
        0 => None,
        1..0x80 => Some(at + 1),
        _ => {
            let rest = &text[at + 1..];
            Some(at + 1 + rest.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count())
        }
    }
}

/// Where `text` is after `count` characters, or at a NUL or the end.
fn skip_chars(text: &[u8], mut at: usize, mut count: u64) -> usize {
    while count > 0 {
        if count >= 8 && text.get(at..).is_some_and(plain_word) {
            at += 8;
            count -= 8;
            continue;
        }
        match next_char(text, at) {
            Some(next) => at = next,
            None => break,
        }
        count -= 1;
    }
    at
}

/// The characters of a set, as `trim` splits them and `substr` counts them: bytes from 0xC0 on take continuation bytes along.
fn lead_chars(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = before_nul(text);
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let more =
            if first >= 0xc0 { tail.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count() } else { 0 };
        let (char, after) = rest.split_at(1 + more);
        rest = after;
        Some(char)
    })
}

/// `substr(x, start [, count])`.
pub fn substr(call: &mut Call<'_>) -> Step<()> {
    let (Some(argument), start) = (call.argument(0), call.integer(1)) else { return Ok(Some(())) };
    let is_blob = argument.tag() == Tag::Blob;
    let bytes = if is_blob { Some(bytes_of(argument)) } else { text_of(argument, call.encoding) };
    let Some(bytes) = bytes else { return Ok(Some(())) };
    if is_blob && bytes.is_empty() || call.is_null(1) || call.arguments.len() > 2 && call.is_null(2) {
        // SQLite's blob of no bytes has no address, which reads as NULL.
        return Ok(Some(()));
    }
    let count = if call.arguments.len() > 2 { call.integer(2) } else { i64::MAX };
    let len = match (is_blob, start < 0) {
        (true, _) => bytes.len() as i64,
        (false, true) => lead_chars(&bytes).count() as i64,
        (false, false) => 0,
    };
    let (from, count) = slice_of(start, count, len);
    if is_blob {
        let from = from.min(bytes.len() as u64) as usize;
        let to = from.saturating_add(count.min(bytes.len() as u64) as usize).min(bytes.len());
        call.result.set_blob(&bytes[from..to]);
        return Ok(Some(()));
    }
    let from = skip_chars(&bytes, 0, from);
    let to = skip_chars(&bytes, from, count);
    call.set_text(&bytes[from..to])?;
    Ok(Some(()))
}

/// What substr's arguments mean in a value of `len` (which only matters if `start` is negative): how many to skip, how many to take.
fn slice_of(start: i64, count: i64, len: i64) -> (u64, u64) {
    let (mut from, mut count) = (start, count);
    if from < 0 {
        from = from.saturating_add(len);
        if from < 0 {
            count = if count < 0 { 0 } else { count.saturating_add(from) };
            from = 0;
        }
    } else if from > 0 {
        from -= 1;
    } else if count > 0 {
        count -= 1;
    }
    if count < 0 {
        // Takes what stands before `from`, as far as there is something.
        let before = if count < -from { from } else { -count };
        return ((from - before) as u64, before as u64);
    }
    (from as u64, count as u64)
}

/// `instr(haystack, needle)`: from 1; 0 where it is not found. Both blobs: in bytes, else in characters.
pub fn instr(call: &mut Call<'_>) -> Step<()> {
    let (Some(haystack), Some(needle)) = (call.argument(0), call.argument(1)) else { return Ok(Some(())) };
    if haystack.is_null() || needle.is_null() {
        return Ok(Some(()));
    }
    let position = if haystack.tag() == Tag::Blob && needle.tag() == Tag::Blob {
        find(&bytes_of(haystack), &bytes_of(needle)).map_or(0, |at| at + 1)
    } else {
        let haystack = text_of(haystack, call.encoding).unwrap_or_default();
        let needle = text_of(needle, call.encoding).unwrap_or_default();
        find_in_text(&haystack, &needle)
    };
    call.result.set_integer(position as i64);
    Ok(Some(()))
}

/// Position of `needle` in characters, counted as leads of sequences.
fn find_in_text(haystack: &[u8], needle: &[u8]) -> usize {
    let is_lead = |byte: u8| byte & 0xc0 != 0x80;
    match needle.first() {
        None => return 1,
        // Only the very first byte of the text can be a continuation byte and still begin a character.
        Some(&first) if !is_lead(first) => return usize::from(haystack.starts_with(needle)),
        Some(_) => {}
    }
    match find(haystack, needle) {
        Some(0) => 1,
        Some(at) => 1 + haystack[1..=at].iter().filter(|&&byte| is_lead(byte)).count(),
        None => 0,
    }
}

/// `replace(text, pattern, replacement)`.
pub fn replace(call: &mut Call<'_>) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    let Some(pattern) = call.text(1) else { return Ok(Some(())) };
    if matches!(pattern.first(), None | Some(0)) {
        call.set_text(&text)?;
        return Ok(Some(()));
    }
    let Some(replacement) = call.text(2) else { return Ok(Some(())) };
    let limit = call.length_max;
    let out = call.result.buffer(Tag::Text);
    let mut rest: &[u8] = &text;
    while let Some(at) = find(rest, &pattern) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&replacement);
        rest = &rest[at + pattern.len()..];
        if out.len() + rest.len() > limit {
            return Err(too_big());
        }
    }
    out.extend_from_slice(rest);
    call.finish_text()?;
    Ok(Some(()))
}

fn trim_sides(call: &mut Call<'_>, left: bool, right: bool) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    let mut rest: &[u8] = &text;
    if call.arguments.len() < 2 {
        while let [b' ', tail @ ..] = rest
            && left
        {
            rest = tail;
        }
        while let [head @ .., b' '] = rest
            && right
        {
            rest = head;
        }
    } else {
        let Some(set) = call.text(1) else { return Ok(Some(())) };
        while left && let Some(tail) = lead_chars(&set).find_map(|char| rest.strip_prefix(char)) {
            rest = tail;
        }
        while right && let Some(head) = lead_chars(&set).find_map(|char| rest.strip_suffix(char)) {
            rest = head;
        }
    }
    call.set_text(rest)?;
    Ok(Some(()))
}

/// `trim(x [, characters])`.
pub fn trim(call: &mut Call<'_>) -> Step<()> {
    trim_sides(call, true, true)
}

/// `ltrim(x [, characters])`.
pub fn ltrim(call: &mut Call<'_>) -> Step<()> {
    trim_sides(call, true, false)
}

/// `rtrim(x [, characters])`.
pub fn rtrim(call: &mut Call<'_>) -> Step<()> {
    trim_sides(call, false, true)
}

/// `upper(x)`: ASCII only.
pub fn upper(call: &mut Call<'_>) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    call.build_text(|out| {
        out.extend_from_slice(&text);
        out.make_ascii_uppercase();
    })?;
    Ok(Some(()))
}

/// `lower(x)`: ASCII only.
pub fn lower(call: &mut Call<'_>) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    call.build_text(|out| {
        out.extend_from_slice(&text);
        out.make_ascii_lowercase();
    })?;
    Ok(Some(()))
}

/// `char(code, …)`.
pub fn char(call: &mut Call<'_>) -> Step<()> {
    let codes: Vec<i64> = (0..call.arguments.len()).map(|at| call.integer(at)).collect();
    call.build_text(|out| {
        for code in codes {
            push_utf8(if (0..=0x10_ffff).contains(&code) { code as u32 } else { 0xfffd }, out);
        }
    })?;
    Ok(Some(()))
}

/// `unicode(x)`: code point of the first character; NULL of empty text.
pub fn unicode(call: &mut Call<'_>) -> Step<()> {
    if let Some(text) = call.text(0)
        && let Some(code @ 1..) = next_utf8(&text, &mut 0)
    {
        // SQLite gives a C int: absurd codes of invalid text are negative.
        call.result.set_integer(i64::from(code as i32));
    }
    Ok(Some(()))
}

fn join(call: &mut Call<'_>, separator: &[u8], values: &[Register]) -> Step<()> {
    let (encoding, limit) = (call.encoding, call.length_max);
    let out = call.result.buffer(Tag::Text);
    let mut first = true;
    for value in values.iter().filter_map(|value| text_of(value, encoding)) {
        if !first {
            out.extend_from_slice(separator);
        }
        first = false;
        out.extend_from_slice(&value);
        if out.len() > limit {
            return Err(too_big());
        }
    }
    call.finish_text()?;
    Ok(Some(()))
}

/// `concat(x, …)`: NULLs are left out.
pub fn concat(call: &mut Call<'_>) -> Step<()> {
    join(call, b"", call.arguments)
}

/// `concat_ws(separator, x, …)`: NULLs are left out, separator and all.
pub fn concat_ws(call: &mut Call<'_>) -> Step<()> {
    let Some(separator) = call.text(0) else { return Ok(Some(())) };
    join(call, &separator, call.arguments.get(1..).unwrap_or_default())
}

/// `soundex(x)`: the first letter and three digits for the consonants after it.
pub fn soundex(call: &mut Call<'_>) -> Step<()> {
    let text = call.text(0).unwrap_or_default();
    let text = before_nul(&text);
    let Some(start) = text.iter().position(u8::is_ascii_alphabetic) else {
        call.set_text(b"?000")?;
        return Ok(Some(()));
    };
    let mut code = [text[start].to_ascii_uppercase(), b'0', b'0', b'0'];
    let mut at = 1;
    let mut previous = 0;
    for (index, &byte) in text[start..].iter().enumerate() {
        let digit = soundex_digit(byte);
        if index > 0 && digit > 0 && digit != previous {
            code[at] = b'0' + digit;
            at += 1;
            if at == code.len() {
                break;
            }
        }
        previous = digit;
    }
    call.set_text(&code)?;
    Ok(Some(()))
}

/// The class of a consonant, 0 of everything else. The eighth bit does not count.
fn soundex_digit(byte: u8) -> u8 {
    match (byte & 0x7f).to_ascii_lowercase() {
        b'b' | b'f' | b'p' | b'v' => 1,
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => 2,
        b'd' | b't' => 3,
        b'l' => 4,
        b'm' | b'n' => 5,
        b'r' => 6,
        _ => 0,
    }
}
