//! JSON text to JSONB.
//!
//! One pass over the text with a stack of open containers, each of whose headers is written as long as the rest of the text might
//! need and made shorter when the container closes.
//!
//! JSON5 is understood: comments, single quotes, bare labels, hexadecimal, `Infinity`, trailing commas and so on; whether any was seen is
//! told, because canonical JSON is something else to `json_valid`. A NUL ends the text.
//!
//! The place of an error is the one that SQLite tells, which is often where it began to look for something and not where it
//! found something else.
//!
//! Spec: RFC 8259; JSON5.

use super::DEPTH_MAX;
use super::jsonb::{
    ARRAY, FALSE, FLOAT, INT, NULL, OBJECT, TEXT, TEXT5, TEXTJ, TRUE, header, is_text, push, set_size,
};
use super::strings::{is_hex, is_plain};

/// A parsed text.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub blob: Vec<u8>,
    /// JSON5's extensions were used.
    pub extended: bool,
}

/// Parses `text`; the error is a byte position.
pub fn parse(text: &[u8]) -> Result<Parsed, usize> {
    let mut parser = Parser {
        text,
        blob: Vec::with_capacity(text.len() + 8),
        extended: false,
        open: Vec::new(),
        place: 0,
    };
    match parser.document() {
        Ok(()) => Ok(Parsed { blob: parser.blob, extended: parser.extended }),
        Err(Malformed) => Err(parser.place),
    }
}

/// The text is no JSON; where is in [`Parser::place`].
struct Malformed;

/// What stands at a place of the text.
enum Token {
    /// A value, which was appended, up to this place.
    Value(usize),
    /// `{` or `[` at this place.
    Open(usize, u8),
    /// One of `} ] , :` at this place.
    Mark(usize, u8),
    End,
}

/// A container under way.
struct Open {
    object: bool,
    header_at: usize,
    payload_at: usize,
    /// It stands where no container may, and the error is here, unless there is one inside.
    doomed: Option<usize>,
}

struct Parser<'a> {
    text: &'a [u8],
    blob: Vec<u8>,
    extended: bool,
    open: Vec<Open>,
    /// The last mark or error seen.
    place: usize,
}

/// Bytes that are space in canonical JSON.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Bytes that a bare label can begin with.
const fn is_label_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Parser<'_> {
    /// The byte at a place; 0 at the end.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn starts(&self, at: usize, word: &[u8]) -> bool {
        self.text.get(at..).is_some_and(|rest| rest.starts_with(word))
    }

    fn starts_any_case(&self, at: usize, word: &[u8]) -> bool {
        self.text.get(at..at + word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    }

    fn error(&mut self, place: usize) -> Malformed {
        self.place = place;
        Malformed
    }

    fn document(&mut self) -> Result<(), Malformed> {
        let mut at = match self.token(0)? {
            Token::Value(end) => end,
            Token::Open(at, kind) => {
                self.push_open(at, kind, None)?;
                self.containers(at + 1)?
            }
            Token::Mark(..) | Token::End => return Err(Malformed),
        };
        while is_space(self.byte(at)) {
            at += 1;
        }
        if self.byte(at) != 0 {
            at += self.white_space(at);
            if self.byte(at) != 0 {
                // SQLite sets no place here: it is that of the last mark.
                return Err(Malformed);
            }
            self.extended = true;
        }
        Ok(())
    }

    fn push_open(&mut self, at: usize, kind: u8, doomed: Option<usize>) -> Result<(), Malformed> {
        let header_at = self.blob.len();
        // As long a header as the rest of the text can need.
        let (bytes, len) = header(kind, self.text.len() - at);
        self.blob.extend_from_slice(&bytes[..len]);
        if self.open.len() >= DEPTH_MAX {
            return Err(self.error(at));
        }
        self.open.push(Open { object: kind == OBJECT, header_at, payload_at: self.blob.len(), doomed });
        Ok(())
    }

    /// Goes on inside the containers that are open, until all are closed; where the text goes on then.
    fn containers(&mut self, start: usize) -> Result<usize, Malformed> {
        // Inside the innermost container: where a label or element is expected, or, after one, a mark.
        let mut at = start;
        while let Some(open) = self.open.last() {
            let (object, payload_at) = (open.object, open.payload_at);
            let next = if object { self.label(at, payload_at)? } else { self.element(at, payload_at)? };
            let mut end = match next {
                Next::Inside(inside) => {
                    at = inside;
                    continue;
                }
                Next::Value(end) => match self.separator(end, object)? {
                    Separator::Comma(comma) => {
                        at = comma + 1;
                        continue;
                    }
                    Separator::Close(close) => close,
                },
                Next::Close(close) => close,
            };
            // Containers close, and the values that they are end.
            loop {
                let after = self.close(end)?;
                let Some(outer) = self.open.last() else { return Ok(after) };
                let object = outer.object;
                match self.separator(after, object)? {
                    Separator::Comma(comma) => {
                        at = comma + 1;
                        break;
                    }
                    Separator::Close(close) => end = close,
                }
            }
        }
        Ok(at)
    }

    /// Closes the innermost container, whose mark is at `at`; where the text goes on.
    fn close(&mut self, at: usize) -> Result<usize, Malformed> {
        if let Some(open) = self.open.pop() {
            let size = self.blob.len() - open.payload_at;
            set_size(&mut self.blob, open.header_at, size);
            if let Some(place) = open.doomed {
                return Err(self.error(place));
            }
        }
        Ok(at + 1)
    }

    /// An element of an array, or the array's end.
    fn element(&mut self, at: usize, payload_at: usize) -> Result<Next, Malformed> {
        match self.token(at)? {
            Token::Value(end) => Ok(Next::Value(end)),
            Token::Open(open, kind) => {
                self.push_open(open, kind, None)?;
                Ok(Next::Inside(open + 1))
            }
            Token::Mark(close, b']') => {
                self.extended |= self.blob.len() != payload_at;
                Ok(Next::Close(close))
            }
            Token::Mark(..) | Token::End => Err(self.error(at)),
        }
    }

    /// A label and its value, or the object's end.
    fn label(&mut self, at: usize, payload_at: usize) -> Result<Next, Malformed> {
        let label_at = self.blob.len();
        let (start, mut end) = match self.token(at) {
            Ok(Token::Value(end)) => (at, end),
            Ok(Token::Open(open, kind)) => {
                self.push_open(open, kind, Some(at))?;
                return Ok(Next::Inside(open + 1));
            }
            Ok(Token::Mark(close, b'}')) => {
                self.extended |= self.blob.len() != payload_at;
                return Ok(Next::Close(close));
            }
            other => {
                let start = at + self.white_space(at);
                match (self.bare_label(start), other) {
                    (Some(end), _) => (start, end),
                    (None, Ok(_)) => return Err(self.error(start)),
                    (None, Err(error)) => return Err(error),
                }
            }
        };
        if !self.blob.get(label_at).is_some_and(|first| is_text(first & 15)) {
            return Err(self.error(start));
        }
        if self.byte(end) != b':' {
            while is_space(self.byte(end)) {
                end += 1;
            }
        }
        if self.byte(end) != b':' {
            let looked_at = end;
            end = match self.token(looked_at)? {
                Token::Mark(colon, b':') => colon,
                Token::Open(open, kind) => {
                    self.push_open(open, kind, Some(looked_at))?;
                    return Ok(Next::Inside(open + 1));
                }
                _ => return Err(self.error(looked_at)),
            };
        }
        match self.token(end + 1)? {
            Token::Value(end) => Ok(Next::Value(end)),
            Token::Open(open, kind) => {
                self.push_open(open, kind, None)?;
                Ok(Next::Inside(open + 1))
            }
            Token::Mark(..) | Token::End => Err(self.error(end + 1)),
        }
    }

    /// A label without quotes; where it ends.
    fn bare_label(&mut self, start: usize) -> Option<usize> {
        let escape =
            |at: usize| self.byte(at) == b'\\' && self.byte(at + 1) == b'u' && self.hex_at(at + 2, 4);
        let mut escaped = escape(start);
        if !escaped && !is_label_start(self.byte(start)) {
            return None;
        }
        let mut end = start + 1;
        loop {
            let byte = self.byte(end);
            if (is_label_start(byte) || byte.is_ascii_digit()) && self.white_space(end) == 0 {
                end += 1;
            } else if escape(end) {
                escaped = true;
                end += 1;
            } else {
                break;
            }
        }
        push(if escaped { TEXTJ } else { TEXT }, &self.text[start..end], &mut self.blob);
        self.extended = true;
        Some(end)
    }

    /// What follows a value inside a container.
    fn separator(&mut self, at: usize, object: bool) -> Result<Separator, Malformed> {
        let close = if object { b'}' } else { b']' };
        let mut at = at;
        if self.byte(at) != b',' && self.byte(at) != close {
            while is_space(self.byte(at)) {
                at += 1;
            }
        }
        match self.byte(at) {
            b',' => return Ok(Separator::Comma(at)),
            byte if byte == close => return Ok(Separator::Close(at)),
            _ => {}
        }
        match self.token(at) {
            Ok(Token::Mark(comma, b',')) => Ok(Separator::Comma(comma)),
            Ok(Token::Mark(place, mark)) if mark == close => Ok(Separator::Close(place)),
            _ => Err(self.error(at)),
        }
    }

    /// Skips space and reads a mark or a scalar, which is appended.
    #[inline]
    fn token(&mut self, start: usize) -> Result<Token, Malformed> {
        let mut at = start;
        loop {
            let byte = self.byte(at);
            return match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    at += 1;
                    continue;
                }
                b'"' => self.string(at).map(Token::Value),
                b'0'..=b'9' | b'-' | b'+' | b'.' => self.number(at).map(Token::Value),
                b'{' => Ok(Token::Open(at, OBJECT)),
                b'[' => Ok(Token::Open(at, ARRAY)),
                b'}' | b']' | b',' | b':' => {
                    self.place = at;
                    Ok(Token::Mark(at, byte))
                }
                b't' if self.word(at, b"true") => self.constant(TRUE, at + 4),
                b'f' if self.word(at, b"false") => self.constant(FALSE, at + 5),
                b'n' if self.word(at, b"null") => self.constant(NULL, at + 4),
                b't' | b'f' => Err(self.error(at)),
                0 => Ok(Token::End),
                0x0b | 0x0c | b'/' | 0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef => match self.white_space(at) {
                    0 => Err(self.error(at)),
                    len => {
                        self.extended = true;
                        at += len;
                        continue;
                    }
                },
                b'\'' => {
                    self.extended = true;
                    self.string(at).map(Token::Value)
                }
                _ => self.odd_number(at).map(Token::Value),
            };
        }
    }

    /// Whether `word` stands here as a word of its own.
    fn word(&self, at: usize, word: &[u8]) -> bool {
        self.starts(at, word) && !self.byte(at + word.len()).is_ascii_alphanumeric()
    }

    fn constant(&mut self, kind: u8, end: usize) -> Result<Token, Malformed> {
        self.blob.push(kind);
        Ok(Token::Value(end))
    }

    /// `Infinity`, `NaN` and the like, in any case.
    fn odd_number(&mut self, at: usize) -> Result<usize, Malformed> {
        for (word, infinite) in
            [(&b"inf"[..], true), (b"infinity", true), (b"nan", false), (b"qnan", false), (b"snan", false)]
        {
            if self.starts_any_case(at, word) && !self.byte(at + word.len()).is_ascii_alphanumeric() {
                if infinite {
                    push(FLOAT, b"9e999", &mut self.blob);
                } else {
                    self.blob.push(NULL);
                }
                self.extended = true;
                return Ok(at + word.len());
            }
        }
        Err(self.error(at))
    }

    /// A string between quotes of either kind; where the text goes on.
    fn string(&mut self, start: usize) -> Result<usize, Malformed> {
        let quote = self.byte(start);
        let mut kind = TEXT;
        let mut at = start + 1;
        loop {
            let rest = &self.text[at.min(self.text.len())..];
            at += rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
            match self.byte(at) {
                byte if byte == quote => break,
                b'\\' => {
                    at += 1;
                    let (json5, len) = self.escape(at)?;
                    at += len;
                    if json5 {
                        kind = TEXT5;
                        self.extended = true;
                    } else if kind == TEXT {
                        kind = TEXTJ;
                    }
                }
                0 => return Err(self.error(at)),
                0x01..0x20 => {
                    kind = TEXT5;
                    self.extended = true;
                    at += 1;
                }
                b'"' => {
                    kind = TEXT5;
                    at += 1;
                }
                _ => at += 1,
            }
        }
        push(kind, &self.text[start + 1..at], &mut self.blob);
        Ok(at + 1)
    }

    /// The escape whose letter is at `at`: whether it is JSON5's, and how many bytes are certainly part of it.
    fn escape(&mut self, at: usize) -> Result<(bool, usize), Malformed> {
        match self.byte(at) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok((false, 1)),
            b'u' if self.hex_at(at + 1, 4) => Ok((false, 1)),
            b'\'' | b'v' | b'\n' => Ok((true, 1)),
            b'0' if !self.byte(at + 1).is_ascii_digit() => Ok((true, 1)),
            b'x' if self.hex_at(at + 1, 2) => Ok((true, 1)),
            b'\r' => Ok((true, if self.byte(at + 1) == b'\n' { 2 } else { 1 })),
            0xe2 if self.byte(at + 1) == 0x80 && matches!(self.byte(at + 2), 0xa8 | 0xa9) => Ok((true, 1)),
            _ => Err(self.error(at)),
        }
    }

    fn hex_at(&self, at: usize, count: usize) -> bool {
        self.text.get(at..at + count).is_some_and(is_hex)
    }

    /// A number; where the text goes on.
    fn number(&mut self, start: usize) -> Result<usize, Malformed> {
        let first = self.byte(start);
        let signed = matches!(first, b'-' | b'+');
        let digits = start + usize::from(signed);
        // Bit 0: JSON5. Bit 1: real. Added to INT they make the kind.
        let mut form = 0;
        self.extended |= first == b'+';
        match self.byte(digits) {
            b'0' if matches!(self.byte(digits + 1), b'x' | b'X')
                && self.byte(digits + 2).is_ascii_hexdigit() =>
            {
                self.extended = true;
                let rest = &self.text[digits + 2..];
                let len = rest.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
                return Ok(self.push_number(start, digits + 2 + len, 1));
            }
            b'0' if self.byte(digits + 1).is_ascii_digit() => return Err(self.error(start + 1)),
            b'0'..=b'9' => {}
            b'.' if signed => {
                self.extended = true;
                form = 1;
            }
            b'.' if self.byte(start + 1).is_ascii_digit() => {
                self.extended = true;
                form = 3;
            }
            b'i' | b'I' if signed && self.starts_any_case(digits, b"inf") => {
                self.extended = true;
                push(FLOAT, if first == b'-' { b"-9e999" } else { b"9e999" }, &mut self.blob);
                return Ok(start + if self.starts_any_case(start + 4, b"inity") { 9 } else { 4 });
            }
            _ => return Err(self.error(start)),
        }
        let mut at = start + 1;
        let mut exponent = false;
        loop {
            match self.byte(at) {
                b'0'..=b'9' => {}
                b'.' if form & 2 != 0 => return Err(self.error(at)),
                b'.' => form |= 2,
                b'e' | b'E' => {
                    self.after_point(start, at, &mut form)?;
                    if exponent {
                        return Err(self.error(at));
                    }
                    form |= 2;
                    exponent = true;
                    if matches!(self.byte(at + 1), b'+' | b'-') {
                        at += 1;
                    }
                    if !self.byte(at + 1).is_ascii_digit() {
                        return Err(self.error(at));
                    }
                }
                _ => break,
            }
            at += 1;
        }
        self.after_point(start, at, &mut form)?;
        Ok(self.push_number(start, at, form))
    }

    /// Where digits end: with none behind a point, there have to be some before it, and that is JSON5.
    fn after_point(&mut self, start: usize, at: usize, form: &mut u8) -> Result<(), Malformed> {
        if self.byte(at - 1).is_ascii_digit() {
            return Ok(());
        }
        if self.byte(at - 1) == b'.' && at >= start + 2 && self.byte(at - 2).is_ascii_digit() {
            self.extended = true;
            *form |= 1;
            return Ok(());
        }
        Err(self.error(at))
    }

    fn push_number(&mut self, start: usize, end: usize, form: u8) -> usize {
        let start = start + usize::from(self.byte(start) == b'+');
        push(INT + form, &self.text[start..end], &mut self.blob);
        end
    }

    /// How many bytes of JSON5's space and comments stand here.
    fn white_space(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            at += match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
                (b' ' | b'\t'..=b'\r', ..) => 1,
                (b'/', b'*', 1..) => match self.comment_end(at + 3) {
                    Some(end) => end - at,
                    None => return at - start,
                },
                (b'/', b'/', _) => self.line_comment_end(at + 2) - at,
                (0xc2, 0xa0, _) => 2,
                (0xe1, 0x9a, 0x80) => 3,
                (0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf) => 3,
                (0xe2, 0x81, 0x9f) | (0xe3, 0x80, 0x80) | (0xef, 0xbb, 0xbf) => 3,
                _ => return at - start,
            };
        }
    }

    /// Behind the end of a comment; `at` is where its closing slash can first be.
    fn comment_end(&self, at: usize) -> Option<usize> {
        let mut at = at;
        loop {
            match self.byte(at) {
                0 => return None,
                b'/' if self.byte(at - 1) == b'*' => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    fn line_comment_end(&self, at: usize) -> usize {
        let mut at = at;
        loop {
            match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
                (0, ..) => return at,
                (b'\n' | b'\r', ..) => return at + 1,
                (0xe2, 0x80, 0xa8 | 0xa9) => return at + 3,
                _ => at += 1,
            }
        }
    }
}

/// What came where a label or element was expected.
enum Next {
    /// A whole value, which ends here.
    Value(usize),
    /// A container was opened; its content starts here.
    Inside(usize),
    /// The mark that closes the container is here.
    Close(usize),
}

/// What separates values.
enum Separator {
    Comma(usize),
    Close(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_jsonb() {
        // Taken from SQLite 3.54.1: hex(jsonb(x)).
        for (text, blob, extended) in [
            ("null", &[0x00][..], false),
            (" [1, -2.5] ", &[0x7b, 0x13, b'1', 0x45, b'-', b'2', b'.', b'5'], false),
            ("{\"a\":true}", &[0x3c, 0x17, b'a', 0x01], false),
            ("{a:1,}", &[0x4c, 0x17, b'a', 0x13, b'1'], true),
            ("'a\"'", &[0x29, b'a', b'"'], true),
            ("0x1F", &[0x44, b'0', b'x', b'1', b'F'], true),
            ("+.5", &[0x26, b'.', b'5'], true),
            ("[/*x*/]", &[0x0b], true),
        ] {
            let parsed = parse(text.as_bytes()).unwrap();
            assert_eq!((&parsed.blob[..], parsed.extended), (blob, extended), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "", " ", "[", "[1", "[1,", "{\"a\"}", "{\"a\":}", "01", "1 2", "tru", "\"a", "[1}", "]", "--1",
            "1e", "'", "/*",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit_and_needs_no_stack() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&nested(1000)).is_ok());
        assert_eq!(parse(&nested(1001)).unwrap_err(), 1000);
    }
}
