//! JSONB: a JSON document in binary.
//!
//! ```text
//! element   header, payload
//! header    low four bits of the first byte: kind
//!           high four: 0…11 payload size; 12, 13, 14, 15: size follows in 1, 2, 4, 8 bytes, big-endian
//! payload   numbers and text as in JSON text; arrays: elements; objects: labels (text) and values by turns
//! ```
//!
//! JSONB may come from a database and is not trusted: an element is only believed as far as it lies in the blob. What we write has the
//! shortest headers, but for replaced values whose old room is kept by a longer one, as SQLite does.
//!
//! Spec: The JSONB Format.

use super::DEPTH_MAX;
use super::strings::{self, is_plain};

pub const NULL: u8 = 0;
pub const TRUE: u8 = 1;
pub const FALSE: u8 = 2;
/// An integer of canonical JSON.
pub const INT: u8 = 3;
/// A hexadecimal integer.
pub const INT5: u8 = 4;
/// A real of canonical JSON.
pub const FLOAT: u8 = 5;
/// A real with a bare point.
pub const FLOAT5: u8 = 6;
/// Text without escapes that needs none.
pub const TEXT: u8 = 7;
/// Text with escapes of canonical JSON.
pub const TEXTJ: u8 = 8;
/// Text with escapes of JSON5.
pub const TEXT5: u8 = 9;
/// Text as SQL has it: it may need escapes.
pub const TEXTRAW: u8 = 10;
pub const ARRAY: u8 = 11;
pub const OBJECT: u8 = 12;

/// What `json_type` calls the kinds.
const TYPE_NAMES: [&str; 13] = [
    "null", "true", "false", "integer", "integer", "real", "real", "text", "text", "text", "text", "array",
    "object",
];

/// The longest header.
pub const HEADER_MAX: usize = 9;

/// What `json_type` calls a kind.
pub fn type_name(kind: u8) -> &'static str {
    TYPE_NAMES.get(usize::from(kind)).copied().unwrap_or("")
}

/// Whether a kind is one of the four texts, and so can be a label.
#[inline]
pub const fn is_text(kind: u8) -> bool {
    matches!(kind, TEXT..=TEXTRAW)
}

/// Whether a text is without escapes.
#[inline]
pub const fn is_raw(kind: u8) -> bool {
    matches!(kind, TEXT | TEXTRAW)
}

/// An element of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub kind: u8,
    /// Where its header begins.
    pub at: usize,
    /// Where its payload begins.
    pub payload: usize,
    /// Where the next element begins.
    pub end: usize,
}

impl Element {
    /// The element at `at`, if it lies in the blob.
    #[inline]
    pub fn at(blob: &[u8], at: usize) -> Option<Element> {
        let &first = blob.get(at)?;
        let (header, size) = match first >> 4 {
            size @ 0..=11 => (1, usize::from(size)),
            12 => (2, usize::from(*blob.get(at + 1)?)),
            _ => long_header(blob, at, first >> 4)?,
        };
        let payload = at + header;
        let end = payload.checked_add(size)?;
        (end <= blob.len()).then_some(Element { kind: first & 15, at, payload, end })
    }

    /// The payload.
    #[inline]
    pub fn bytes<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        blob.get(self.payload..self.end).unwrap_or_default()
    }

    /// Bytes of payload.
    #[inline]
    pub fn size(&self) -> usize {
        self.end - self.payload
    }
}

fn long_header(blob: &[u8], at: usize, width: u8) -> Option<(usize, usize)> {
    let rest = blob.get(at + 1..)?;
    match width {
        13 => Some((3, usize::from(u16::from_be_bytes(*rest.first_chunk()?)))),
        14 => Some((5, u32::from_be_bytes(*rest.first_chunk()?) as usize)),
        _ => {
            let size = u64::from_be_bytes(*rest.first_chunk()?);
            Some((9, usize::try_from(u32::try_from(size).ok()?).ok()?))
        }
    }
}

/// The shortest header of a kind and size; how long it is.
pub fn header(kind: u8, size: usize) -> ([u8; HEADER_MAX], usize) {
    let mut bytes = [0; HEADER_MAX];
    let len = match size {
        0..=11 => {
            bytes[0] = kind | (size as u8) << 4;
            1
        }
        12..=0xff => {
            bytes[..2].copy_from_slice(&[kind | 0xc0, size as u8]);
            2
        }
        0x100..=0xffff => {
            bytes[0] = kind | 0xd0;
            bytes[1..3].copy_from_slice(&(size as u16).to_be_bytes());
            3
        }
        _ => {
            bytes[0] = kind | 0xe0;
            bytes[1..5].copy_from_slice(&(size as u32).to_be_bytes());
            5
        }
    };
    (bytes, len)
}

/// Appends an element.
#[inline]
pub fn push(kind: u8, payload: &[u8], blob: &mut Vec<u8>) {
    if payload.len() <= 11 {
        blob.push(kind | (payload.len() as u8) << 4);
    } else {
        let (bytes, len) = header(kind, payload.len());
        blob.extend_from_slice(&bytes[..len]);
    }
    blob.extend_from_slice(payload);
}

/// Gives the element at `at` the payload size `size` that its content has already, in a header of the shortest length. By how many
/// bytes the blob grew.
pub fn set_size(blob: &mut Vec<u8>, at: usize, size: usize) -> isize {
    let Some(&first) = blob.get(at) else { return 0 };
    let old = match first >> 4 {
        0..=11 => 1,
        12 => 2,
        13 => 3,
        14 => 5,
        _ => 9,
    };
    let (bytes, len) = header(first & 15, size);
    if old == len {
        blob[at..at + len].copy_from_slice(&bytes[..len]);
    } else {
        blob.splice(at..at + old, bytes[..len].iter().copied());
    }
    len as isize - old as isize
}

/// How many elements an array has.
pub fn array_len(blob: &[u8], array: &Element) -> usize {
    let (mut at, mut count) = (array.payload, 0);
    while at < array.end {
        count += 1;
        match Element::at(blob, at) {
            Some(element) => at = element.end,
            None => break,
        }
    }
    count
}

/// Whether a blob passes for JSONB: its size is right, and, where it might be JSON text that was taken for a blob, all of it is.
pub fn looks_like_jsonb(blob: &[u8]) -> bool {
    let Some(element) = Element::at(blob, 0) else { return false };
    // JSON text that could be mistaken begins with one of these and has a size below 8.
    let like_text = element.size() <= 7 && matches!(blob[0], b'{' | b'[' | b'0'..=b'9');
    element.kind <= OBJECT
        && element.end == blob.len()
        && (element.kind > FALSE || element.size() == 0)
        && (!like_text || fault(blob).is_none())
}

/// The first byte (from 0) where a blob is not JSONB.
pub fn fault(blob: &[u8]) -> Option<usize> {
    /// A container under way: its end, and of an object how many labels and values have come.
    struct Open {
        end: usize,
        object: bool,
        count: usize,
    }
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    loop {
        let limit = open.last().map_or(blob.len(), |open| open.end);
        let Some(element) = Element::at(blob, at).filter(|element| element.end <= limit) else {
            return Some(at);
        };
        if let Some(open) = open.last_mut().filter(|open| open.object) {
            if open.count % 2 == 0 && !is_text(element.kind) {
                return Some(at);
            }
            open.count += 1;
        }
        if open.len() >= DEPTH_MAX {
            return Some(at);
        }
        at = match element.kind {
            ARRAY | OBJECT => {
                open.push(Open { end: element.end, object: element.kind == OBJECT, count: 0 });
                element.payload
            }
            _ => match scalar_fault(blob, &element) {
                Some(fault) => return Some(fault),
                None => element.end,
            },
        };
        while let Some(last) = open.last()
            && at >= last.end
        {
            if last.count % 2 == 1 {
                return Some(at);
            }
            open.pop();
        }
        if open.is_empty() {
            return None;
        }
    }
}

fn scalar_fault(blob: &[u8], element: &Element) -> Option<usize> {
    let payload = element.bytes(blob);
    let whole = Some(element.at);
    let within = |distance: usize| Some(element.payload + distance);
    match element.kind {
        NULL | TRUE | FALSE => whole.filter(|_| element.end - element.at != 1),
        INT => {
            let sign = usize::from(payload.first() == Some(&b'-'));
            if payload.len() <= sign {
                return whole;
            }
            payload[sign..].iter().position(|byte| !byte.is_ascii_digit()).and_then(|at| within(sign + at))
        }
        INT5 => {
            let sign = usize::from(payload.first() == Some(&b'-'));
            if payload.len() < 3 + sign || payload[sign] != b'0' {
                return whole;
            }
            if !matches!(payload[sign + 1], b'x' | b'X') {
                return within(sign + 1);
            }
            payload[sign + 2..]
                .iter()
                .position(|byte| !byte.is_ascii_hexdigit())
                .and_then(|at| within(sign + 2 + at))
        }
        FLOAT | FLOAT5 => match float_fault(payload, element.kind == FLOAT)? {
            FloatFault::Whole => whole,
            FloatFault::At(at) => within(at),
        },
        TEXT => payload.iter().position(|&byte| !is_plain(byte) && byte != b'\'').and_then(within),
        TEXTJ | TEXT5 => text_fault(payload, element.kind == TEXT5).and_then(within),
        TEXTRAW => None,
        _ => whole,
    }
}

enum FloatFault {
    Whole,
    At(usize),
}

fn float_fault(text: &[u8], canonical: bool) -> Option<FloatFault> {
    use FloatFault::{At, Whole};
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = usize::from(text.first() == Some(&b'-'));
    if text.len() < 2 + at {
        return Some(Whole);
    }
    let (mut point, mut exponent) = (false, false);
    if text[at] == b'.' {
        if canonical || !digit(at + 1) {
            return Some(At(at));
        }
        at += 2;
        point = true;
    } else if text[at] == b'0' && canonical {
        if at + 3 > text.len() || !matches!(text[at + 1], b'.' | b'e' | b'E') {
            return Some(At(at));
        }
        at += 1;
    }
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {}
            b'.' if point || exponent => return Some(At(at)),
            b'.' if canonical && !digit(at + 1) => return Some(At(at)),
            b'.' => point = true,
            b'e' | b'E' => {
                if exponent || at + 1 == text.len() {
                    return Some(At(at));
                }
                exponent = true;
                if matches!(text[at + 1], b'+' | b'-') {
                    at += 1;
                    if at + 1 == text.len() {
                        return Some(At(at));
                    }
                }
            }
            _ => return Some(At(at)),
        }
        at += 1;
    }
    (!point && !exponent).then_some(Whole)
}

fn text_fault(text: &[u8], json5: bool) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        match (byte, rest.get(1)) {
            (b'\'', _) => {}
            (byte, _) if is_plain(byte) => {}
            (b'"' | 0..0x20, _) if json5 => {}
            (b'\\', Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | 0)) => at += 1,
            (b'\\', Some(b'u')) if rest.len() >= 6 && strings::is_hex(&rest[2..6]) => at += 1,
            (b'\\', Some(next)) if json5 && *next != b'u' => {
                let (character, len) = strings::unescape(rest);
                if character == strings::INVALID {
                    return Some(at);
                }
                at += len - 1;
            }
            _ => return Some(at),
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_the_shortest() {
        for size in [0, 11, 12, 255, 256, 65535, 65536] {
            let mut blob = Vec::new();
            push(TEXT, &vec![b'x'; size], &mut blob);
            let element = Element::at(&blob, 0).unwrap();
            assert_eq!((element.kind, element.size(), element.end), (TEXT, size, blob.len()));
            assert_eq!(Element::at(&blob[..blob.len() - 1], 0), None, "cut off");
        }
    }

    #[test]
    fn elements_that_lie_about_their_size_are_not_believed() {
        for blob in [&[][..], &[0xc3], &[0xd3, 0xff], &[0xf3, 1, 0, 0, 0, 0, 0, 0, 0], &[0x23, b'1']] {
            assert_eq!(Element::at(blob, 0), None, "{blob:x?}");
            assert!(fault(blob).is_some());
        }
        // An array whose element reaches beyond it, and an object without a value.
        assert!(fault(&[0x1b, 0x23, b'1', b'2']).is_some());
        assert!(fault(&[0x2c, 0x17, b'a']).is_some());
        assert_eq!(fault(&[0x4c, 0x17, b'a', 0x13, b'1']), None);
    }
}
