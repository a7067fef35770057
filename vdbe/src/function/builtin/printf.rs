//! `printf` and `format`: text from a format and values.
//!
//! ```text
//! %[flags][width][.precision][l|ll]conversion
//! flags       -  left      +  sign      space  room for a sign      0  zeros      ,  thousands      #  alternate      !  second alternate
//! width, precision   a number, or * for the next value
//! conversions d i u x X o p r  integers     f e E g G  reals     s z c  text     q Q w  text for SQL     j J  text for JSON     n  nothing     %
//! ```
//!
//! With `!` widths and precisions of text count characters, not bytes, and reals show up to 20 digits instead of 16, a point always.
//! An unknown conversion ends the output there.
//!
//! The values come through a trait, because C callers hand them over in another way than SQL does.
//!
//! Spec: Built-in printf().

use std::borrow::Cow;

use super::quote::{HEX_LOWER, push_doubled, push_unistr_escaped};
use super::search::{before_nul, find_byte};
use crate::Step;
use crate::function::call::{Call, text_of, too_big};
use crate::register::Tag;
use crate::value::decimal::{Digits, Kind, Precision};
use crate::value::{number, render};

/// A string would be longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// How wide an integer argument is; SQL's always are 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Int,
    Long,
    LongLong,
}

/// How much of a text is looked at: a precision stands for text that need not have a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    All,
    Bytes(usize),
    Characters(usize),
}

/// Where the values come from. Beyond the last one there are zeros and NULLs.
pub trait Arguments {
    /// The next value as an integer: unsigned ones by their bits.
    fn integer(&mut self, size: Size, signed: bool) -> i64;
    /// The next value as a real.
    fn real(&mut self) -> f64;
    /// The next value as text, up to its first NUL; `None` for NULL. Whoever cannot know where a text ends looks at `most` of it.
    fn text(&mut self, most: Most) -> Option<Cow<'_, [u8]>>;
    /// As `text`, for `%z`: a C caller's text is freed.
    fn taken_text(&mut self, most: Most) -> Option<Cow<'_, [u8]>> {
        self.text(most)
    }
    /// The next value as one character: what `%c` shows.
    fn character(&mut self) -> Vec<u8>;
    /// Stores how many bytes were written where the next value points to, for `%n`. SQL has no such values.
    fn store_len(&mut self, len: usize) {
        let _ = len;
    }
}

/// Precisions of reals are cut to this.
const REAL_PRECISION_MAX: i64 = 100_000_000;

#[derive(Clone, Copy, Debug)]
struct Directive {
    left: bool,
    /// `+` or a space in front of what is not negative.
    sign: Option<u8>,
    alternate: bool,
    second_alternate: bool,
    zeros: bool,
    thousands: bool,
    width: i64,
    precision: Option<i64>,
    size: Size,
    conversion: u8,
}

impl Directive {
    /// How much of a text it shows.
    fn most(&self) -> Most {
        match self.precision.map(|precision| precision.max(0) as usize) {
            None => Most::All,
            Some(precision) if self.second_alternate => Most::Characters(precision),
            Some(precision) => Most::Bytes(precision),
        }
    }
}

/// Appends to `out` what `format` makes of `arguments`. `out` never has more than `limit` bytes.
pub fn format(
    format: &[u8],
    arguments: &mut impl Arguments,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let mut rest = before_nul(format);
    while !rest.is_empty() {
        // Most directives are one of two, with nothing but themselves.
        match rest {
            [b'%', b's', after @ ..] => {
                push(&arguments.text(Most::All).unwrap_or_default(), limit, out)?;
                rest = after;
                continue;
            }
            [b'%', b'd', after @ ..] => {
                let start = out.len();
                render::push_integer(arguments.integer(Size::Int, true), out);
                if room(0, limit, out).is_err() {
                    out.truncate(start);
                    return Err(TooLong);
                }
                rest = after;
                continue;
            }
            _ => {}
        }
        let plain = find_byte(rest, b'%').unwrap_or(rest.len());
        push(&rest[..plain], limit, out)?;
        rest = &rest[plain..];
        match rest {
            [] => break,
            [b'%'] => return push(b"%", limit, out),
            _ => rest = &rest[1..],
        }
        let Some((directive, len)) = directive(rest, arguments) else { return Ok(()) };
        rest = &rest[len..];
        match directive.conversion {
            b'd' | b'i' | b'u' | b'x' | b'X' | b'o' | b'p' | b'r' => {
                integer(directive, arguments, limit, out)?
            }
            b'f' | b'e' | b'E' | b'g' | b'G' => real(directive, arguments.real(), limit, out)?,
            conversion @ (b's' | b'z') => {
                let most = directive.most();
                let text = if conversion == b'z' { arguments.taken_text(most) } else { arguments.text(most) };
                let text = text.unwrap_or_default();
                let text = cut(&text, directive.precision, directive.second_alternate);
                padded(directive, text, limit, out)?;
            }
            b'c' => character(directive, arguments.character(), limit, out)?,
            b'q' | b'Q' | b'w' => sql_text(directive, arguments.text(directive.most()), limit, out)?,
            b'j' | b'J' => json_text(directive, arguments.text(directive.most()), limit, out)?,
            b'%' => padded(Directive { second_alternate: false, ..directive }, b"%", limit, out)?,
            b'n' => arguments.store_len(out.len()),
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Reads what follows a `%`, and how long it is. `None` where the format ends inside it.
fn directive(text: &[u8], arguments: &mut impl Arguments) -> Option<(Directive, usize)> {
    let mut directive = Directive {
        left: false,
        sign: None,
        alternate: false,
        second_alternate: false,
        zeros: false,
        thousands: false,
        width: 0,
        precision: None,
        size: Size::Int,
        conversion: 0,
    };
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'-' => directive.left = true,
            b'+' => directive.sign = Some(b'+'),
            b' ' => directive.sign = Some(b' '),
            b'#' => directive.alternate = true,
            b'!' => directive.second_alternate = true,
            b'0' => directive.zeros = true,
            b',' => directive.thousands = true,
            b'1'..=b'9' => {
                directive.width = digits(text, &mut at);
                // After a width only a precision or a size may come.
                match *text.get(at)? {
                    b'.' | b'l' => continue,
                    conversion => return Some((Directive { conversion, ..directive }, at + 1)),
                }
            }
            b'*' => {
                let width = arguments.integer(Size::Int, true) as i32;
                directive.left |= width < 0;
                directive.width = if width == i32::MIN { 0 } else { i64::from(width.abs()) };
                at += 1;
                match *text.get(at)? {
                    b'.' | b'l' => continue,
                    conversion => return Some((Directive { conversion, ..directive }, at + 1)),
                }
            }
            b'.' => {
                at += 1;
                directive.precision = if text.get(at) == Some(&b'*') {
                    at += 1;
                    let precision = arguments.integer(Size::Int, true) as i32;
                    (precision != i32::MIN).then_some(i64::from(precision).abs())
                } else {
                    Some(digits(text, &mut at))
                };
                match *text.get(at)? {
                    b'l' => continue,
                    conversion => return Some((Directive { conversion, ..directive }, at + 1)),
                }
            }
            b'l' => {
                at += 1;
                directive.size = Size::Long;
                if text.get(at) == Some(&b'l') {
                    at += 1;
                    directive.size = Size::LongLong;
                }
                let conversion = *text.get(at)?;
                return Some((Directive { conversion, ..directive }, at + 1));
            }
            conversion => return Some((Directive { conversion, ..directive }, at + 1)),
        }
        at += 1;
    }
}

/// A decimal number, modulo 2^31.
fn digits(text: &[u8], at: &mut usize) -> i64 {
    let mut value = 0u32;
    while let Some(digit @ b'0'..=b'9') = text.get(*at) {
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
        *at += 1;
    }
    i64::from(value & 0x7fff_ffff)
}

/// Appends, if there is room.
fn push(text: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    room(text.len() as i64, limit, out)?;
    out.extend_from_slice(text);
    Ok(())
}

fn fill(count: i64, byte: u8, limit: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    if count > 0 {
        room(count, limit, out)?;
        out.resize(out.len() + count as usize, byte);
    }
    Ok(())
}

#[inline]
fn room(count: i64, limit: usize, out: &[u8]) -> Result<(), TooLong> {
    // One byte is kept for the NUL that SQLite writes behind its text.
    if (out.len() as i64).saturating_add(count) < limit as i64 { Ok(()) } else { Err(TooLong) }
}

/// Appends `text` filled up with spaces to the width.
fn padded(directive: Directive, text: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    let mut missing = directive.width - text.len() as i64;
    if directive.second_alternate && directive.width > 0 {
        missing += text.iter().filter(|&&byte| byte & 0xc0 == 0x80).count() as i64;
    }
    if !directive.left {
        fill(missing, b' ', limit, out)?;
    }
    push(text, limit, out)?;
    if directive.left {
        fill(missing, b' ', limit, out)?;
    }
    Ok(())
}

/// The start of `text` that a precision lets through, in bytes or, with `characters`, in characters.
fn cut(text: &[u8], precision: Option<i64>, characters: bool) -> &[u8] {
    let Some(precision) = precision else { return text };
    if !characters {
        return &text[..text.len().min(precision as usize)];
    }
    let mut at = 0;
    for _ in 0..precision {
        let Some(&first) = text.get(at) else { break };
        at += 1;
        if first >= 0xc0 {
            at += text[at..].iter().take_while(|&&byte| byte & 0xc0 == 0x80).count();
        }
    }
    &text[..at]
}

fn integer(
    directive: Directive,
    arguments: &mut impl Arguments,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let conversion = directive.conversion;
    let signed = matches!(conversion, b'd' | b'i' | b'r');
    let size = if conversion == b'p' { Size::LongLong } else { directive.size };
    let value = arguments.integer(size, signed);
    let (magnitude, sign) = match signed {
        true if value < 0 => (value.unsigned_abs(), Some(b'-')),
        true => (value as u64, directive.sign),
        false => (value as u64, None),
    };
    let mut text = Vec::with_capacity(32);
    match conversion {
        b'x' => push_radix(magnitude, 16, HEX_LOWER, &mut text),
        b'X' | b'p' => push_radix(magnitude, 16, b"0123456789ABCDEF", &mut text),
        b'o' => push_radix(magnitude, 8, b"01234567", &mut text),
        _ => render::push_unsigned(magnitude, &mut text),
    }
    if conversion == b'r' {
        text.extend_from_slice(match magnitude % 10 {
            _ if magnitude / 10 % 10 == 1 => b"th",
            1 => b"st",
            2 => b"nd",
            3 => b"rd",
            _ => b"th",
        });
    }
    let mut digits_min = directive.precision.unwrap_or(-1);
    let room_for_digits = directive.width - i64::from(sign.is_some());
    if directive.zeros && digits_min < room_for_digits {
        digits_min = room_for_digits;
    }
    let prefix: &[u8] = match conversion {
        _ if !directive.alternate || magnitude == 0 => b"",
        b'x' | b'p' => b"0x",
        b'X' => b"0X",
        b'o' => b"0",
        _ => b"",
    };
    let zeros = (digits_min - text.len() as i64).max(0);
    let grouped = directive.thousands && matches!(conversion, b'd' | b'i' | b'u');
    let digits = zeros + text.len() as i64;
    let commas = if grouped { (digits - 1) / 3 } else { 0 };
    let len = digits + commas + i64::from(sign.is_some()) + prefix.len() as i64;
    let missing = directive.width - len;
    room(len.max(directive.width), limit, out)?;
    if !directive.left {
        fill(missing, b' ', limit, out)?;
    }
    out.extend_from_slice(prefix);
    out.extend(sign);
    for place in (0..digits).rev() {
        let at = digits - 1 - place;
        out.push(if at < zeros { b'0' } else { text[(at - zeros) as usize] });
        if grouped && place % 3 == 0 && place > 0 {
            out.push(b',');
        }
    }
    if directive.left {
        fill(missing, b' ', limit, out)?;
    }
    Ok(())
}

fn push_radix(value: u64, base: u64, digits: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = value;
    loop {
        out.push(digits[(rest % base) as usize]);
        rest /= base;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// A real in one of its forms. `%g` is `%e` for very large and very small numbers, else `%f`, without zeros at the end.
fn real(directive: Directive, number: f64, limit: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    let general = matches!(directive.conversion, b'g' | b'G');
    let mut precision = directive.precision.unwrap_or(6).min(REAL_PRECISION_MAX);
    if general {
        precision = precision.max(1);
    }
    let rounding = match directive.conversion {
        b'f' => Precision::Fraction(precision as i32),
        b'e' | b'E' => Precision::Significant(precision as i32 + 1),
        _ => Precision::Significant(precision as i32),
    };
    let mut digits = Digits::of(number, rounding, if directive.second_alternate { 20 } else { 16 });
    match digits.kind {
        Kind::Finite => {}
        Kind::NotANumber => {
            let text: &[u8] = if directive.zeros { b"null" } else { b"NaN" };
            return padded(directive, text, limit, out);
        }
        Kind::Infinite if directive.zeros => digits.set(b'9', 1000),
        Kind::Infinite => {
            let text: &[u8] = match (digits.negative, directive.sign) {
                (true, _) => b"-Inf",
                (false, Some(b'+')) => b"+Inf",
                (false, Some(_)) => b" Inf",
                (false, None) => b"Inf",
            };
            return padded(directive, text, limit, out);
        }
    }
    let vanishes = i64::from(digits.point) <= -precision;
    let sign = match digits.negative {
        // With `#`, a number that shows as zero has no minus.
        true if directive.alternate
            && directive.sign.is_none()
            && directive.conversion == b'f'
            && vanishes =>
        {
            None
        }
        true => Some(b'-'),
        false => directive.sign,
    };
    let exponent = digits.point - 1;
    let mut scientific = matches!(directive.conversion, b'e' | b'E');
    let mut strip = directive.second_alternate;
    if general {
        strip = !directive.alternate;
        precision -= 1;
        scientific = exponent < -4 || i64::from(exponent) > precision;
        if !scientific {
            precision -= i64::from(exponent);
        }
    }
    let point = precision > 0 || directive.alternate || directive.second_alternate;
    let whole = if scientific { 1 } else { i64::from(digits.point) };
    room(whole.max(0) + precision + directive.width + 10 + (whole.max(0) + 2) / 3, limit, out)?;
    let start = out.len();
    out.extend(sign);
    push_digits(digits.as_bytes(), whole, precision, point, directive.thousands, out);
    if strip && point {
        strip_zeros(directive.second_alternate, out);
    }
    if scientific {
        let letter = if directive.conversion.is_ascii_uppercase() { b'E' } else { b'e' };
        render::push_exponent(exponent, letter, out);
    }
    let missing = directive.width - (out.len() - start) as i64;
    if missing > 0 {
        let (at, byte) = match (directive.left, directive.zeros) {
            (true, _) => (out.len(), b' '),
            (false, true) => (start + usize::from(sign.is_some()), b'0'),
            (false, false) => (start, b' '),
        };
        out.splice(at..at, std::iter::repeat_n(byte, missing as usize));
    }
    Ok(())
}

/// Appends digits with the point after the first `whole` of them, and `precision` places behind it.
fn push_digits(digits: &[u8], whole: i64, precision: i64, point: bool, thousands: bool, out: &mut Vec<u8>) {
    let mut shown = 0;
    if whole <= 0 {
        out.push(b'0');
    }
    for place in (0..whole).rev() {
        out.push(digits.get(shown).copied().unwrap_or(b'0'));
        shown += 1;
        if thousands && place % 3 == 0 && place > 1 {
            out.push(b',');
        }
    }
    if point {
        out.push(b'.');
    }
    let zeros = (-whole).clamp(0, precision);
    let after = digits.get(shown..).unwrap_or_default();
    let after = &after[..after.len().min((precision - zeros) as usize)];
    let filled = out.len() + precision as usize;
    out.resize(out.len() + zeros as usize, b'0');
    out.extend_from_slice(after);
    out.resize(filled, b'0');
}

/// Takes zeros at the end away, and the point too unless one zero is to stay behind it.
fn strip_zeros(keep_one: bool, out: &mut Vec<u8>) {
    while out.last() == Some(&b'0') {
        out.pop();
    }
    if out.last() == Some(&b'.') {
        if keep_one {
            out.push(b'0');
        } else {
            out.pop();
        }
    }
}

/// A character, as often as the precision says.
fn character(
    directive: Directive,
    character: Vec<u8>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let mut directive = Directive { second_alternate: true, ..directive };
    if let Some(count @ 2..) = directive.precision {
        // All but the last come before the width is looked at.
        directive.width -= count - 1;
        if directive.width > 1 && !directive.left {
            fill(directive.width - 1, b' ', limit, out)?;
            directive.width = 0;
        }
        room((count - 1).saturating_mul(character.len() as i64), limit, out)?;
        for _ in 1..count {
            out.extend_from_slice(&character);
        }
    }
    padded(directive, &character, limit, out)
}

/// `%q`, `%Q` and `%w`: quotes doubled, `%Q` between quotes. With `#`, control characters are escaped as `unistr` reads them.
fn sql_text(
    directive: Directive,
    text: Option<Cow<'_, [u8]>>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let conversion = directive.conversion;
    let quoted = conversion == b'Q' && text.is_some();
    let text = text.unwrap_or(Cow::Borrowed(if conversion == b'Q' { b"NULL" } else { b"(NULL)" }));
    let text = cut(&text, directive.precision, directive.second_alternate);
    let quote = if conversion == b'w' { b'"' } else { b'\'' };
    let escaped = directive.alternate
        && match conversion {
            b'q' => true,
            b'Q' => text.iter().any(|&byte| byte < 0x20),
            _ => false,
        };
    let mut built = Vec::with_capacity(text.len() + 16);
    if quoted || escaped && conversion == b'Q' {
        built.extend_from_slice(if escaped { b"unistr('".as_slice() } else { b"'" });
    }
    if escaped {
        push_unistr_escaped(text, quote, &mut built);
    } else {
        push_doubled(text, quote, &mut built);
    }
    if quoted || escaped && conversion == b'Q' {
        built.extend_from_slice(if escaped { b"')".as_slice() } else { b"'" });
    }
    padded(directive, &built, limit, out)
}

/// `%j` and `%J`: text as it stands in a JSON string, `%J` between quotes, NULL as `null`.
fn json_text(
    directive: Directive,
    text: Option<Cow<'_, [u8]>>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let quoted = directive.conversion == b'J';
    let mut built = Vec::new();
    match &text {
        None if quoted => built.extend_from_slice(b"null"),
        None => {}
        Some(text) => {
            let text = cut_json(text, directive.precision, directive.second_alternate);
            built.extend(quoted.then_some(b'"'));
            push_json_escaped(text, &mut built);
            built.extend(quoted.then_some(b'"'));
        }
    }
    // Nothing at all is filled up on its right whatever the flags say, which shows no difference.
    padded(directive, &built, limit, out)
}

/// As [`cut`], where a stray continuation byte does not count as a character.
fn cut_json(text: &[u8], precision: Option<i64>, characters: bool) -> &[u8] {
    let Some(precision) = precision else { return text };
    if !characters {
        return cut(text, Some(precision), false);
    }
    let mut left = precision;
    let end = text.iter().position(|&byte| {
        let lead = byte & 0xc0 != 0x80;
        left -= i64::from(lead);
        lead && left < 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// Appends `text` with what JSON does not allow in strings escaped.
pub fn push_json_escaped(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[
                    HEX_LOWER[usize::from(byte >> 4)],
                    HEX_LOWER[usize::from(byte & 15)],
                ]);
            }
            _ => out.push(byte),
        }
    }
}

/// The arguments of an SQL function from the second on.
struct CallArguments<'a, 'b> {
    call: &'b Call<'a>,
    next: usize,
}

impl CallArguments<'_, '_> {
    fn take(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

impl Arguments for CallArguments<'_, '_> {
    fn integer(&mut self, _: Size, _: bool) -> i64 {
        let at = self.take();
        self.call.integer(at)
    }

    fn real(&mut self) -> f64 {
        let at = self.take();
        number::to_real(self.call.value(at), self.call.encoding)
    }

    fn text(&mut self, _: Most) -> Option<Cow<'_, [u8]>> {
        let at = self.take();
        match text_of(self.call.argument(at)?, self.call.encoding)? {
            Cow::Borrowed(text) => Some(Cow::Borrowed(before_nul(text))),
            Cow::Owned(mut text) => {
                text.truncate(before_nul(&text).len());
                Some(Cow::Owned(text))
            }
        }
    }

    fn character(&mut self) -> Vec<u8> {
        match self.text(Most::All) {
            // A character even of empty text or NULL: a NUL.
            Some(text) if !text.is_empty() => {
                let more = if text[0] >= 0xc0 {
                    text[1..].iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count()
                } else {
                    0
                };
                text[..1 + more].to_vec()
            }
            _ => vec![0],
        }
    }
}

/// Values of our own code.
pub struct Reals<'a>(pub &'a [f64]);

impl Arguments for Reals<'_> {
    fn integer(&mut self, _: Size, _: bool) -> i64 {
        number::truncate(self.real())
    }

    fn real(&mut self) -> f64 {
        let Some((&first, rest)) = self.0.split_first() else { return 0.0 };
        self.0 = rest;
        first
    }

    fn text(&mut self, _: Most) -> Option<Cow<'_, [u8]>> {
        None
    }

    fn character(&mut self) -> Vec<u8> {
        vec![0]
    }
}

/// `printf(format, …)` and `format(format, …)`.
pub fn printf(call: &mut Call<'_>) -> Step<()> {
    let Some(text) = call.text(0) else { return Ok(Some(())) };
    let mut out = std::mem::take(call.result.buffer(Tag::Text));
    let result = format(&text, &mut CallArguments { call, next: 1 }, call.length_max, &mut out);
    *call.result.buffer(Tag::Text) = out;
    if result.is_err() {
        call.result.set_null();
        return Err(too_big());
    }
    call.finish_text()?;
    Ok(Some(()))
}
