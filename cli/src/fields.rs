//! Reading rows of fields from text: CSV as RFC 4180 has it, and the plain form without quotes.
//!
//! Never: tables.

use std::io::{self, BufRead};

/// How fields and rows end, and what quotes.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub column: u8,
    pub row: u8,
    /// `"…"` holds fields together.
    pub quotes: bool,
    /// Makes the next character stand for itself outside of quotes.
    pub escape: Option<u8>,
    /// The same inside of quotes.
    pub quoted_escape: Option<u8>,
}

/// A field, and what ended it.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Column,
    Row,
    Input,
}

/// A reader of fields.
pub struct Fields<R> {
    input: R,
    format: Format,
    /// Lines read so far.
    pub line: usize,
    /// A byte was looked at ahead.
    ahead: Option<u8>,
    started: bool,
    /// What is wrong with the text, if anything.
    pub warning: Option<String>,
}

impl<R: BufRead> Fields<R> {
    /// Reads `input`.
    pub fn new(input: R, format: Format) -> Fields<R> {
        Fields { input, format, line: 1, ahead: None, started: false, warning: None }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.ahead.take() {
            return Ok(Some(byte));
        }
        let Some(&byte) = self.input.fill_buf()?.first() else { return Ok(None) };
        self.input.consume(1);
        Ok(Some(byte))
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if !self.started {
            self.started = true;
            if self.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
                self.input.consume(3);
            }
        }
        Ok(())
    }

    fn end(&self, byte: Option<u8>) -> Option<End> {
        match byte {
            None => Some(End::Input),
            Some(byte) if byte == self.format.column => Some(End::Column),
            Some(byte) if byte == self.format.row => Some(End::Row),
            Some(_) => None,
        }
    }

    /// The next field; `None` at the end of the input.
    ///
    /// # Errors
    /// What stops reading.
    pub fn next(&mut self) -> io::Result<Option<(Vec<u8>, End)>> {
        self.skip_byte_order_mark()?;
        let first = self.byte()?;
        match first {
            None => Ok(None),
            Some(b'"') if self.format.quotes => self.quoted().map(Some),
            Some(_) => {
                self.ahead = first;
                self.plain().map(Some)
            }
        }
    }

    fn plain(&mut self) -> io::Result<(Vec<u8>, End)> {
        let mut field = Vec::new();
        loop {
            let byte = self.byte()?;
            if let Some(end) = self.end(byte) {
                if end == End::Row {
                    self.line += 1;
                    if self.format.row == b'\n' && self.format.quotes && field.last() == Some(&b'\r') {
                        field.pop();
                    }
                }
                return Ok((field, end));
            }
            match byte {
                Some(byte) if Some(byte) == self.format.escape => {
                    if let Some(escaped) = self.byte()? {
                        field.push(escaped);
                    }
                }
                Some(byte) => field.push(byte),
                None => {}
            }
        }
    }

    fn quoted(&mut self) -> io::Result<(Vec<u8>, End)> {
        let mut field = Vec::new();
        let first_line = self.line;
        loop {
            let Some(byte) = self.byte()? else {
                self.warning = Some(format!("{first_line}: unterminated \"-quoted field"));
                return Ok((field, End::Input));
            };
            if byte == b'\n' {
                self.line += 1;
            }
            if Some(byte) == self.format.quoted_escape {
                if let Some(escaped) = self.byte()? {
                    field.push(escaped);
                }
                continue;
            }
            if byte != b'"' {
                field.push(byte);
                continue;
            }
            let mut next = self.byte()?;
            if next == Some(b'"') {
                field.push(b'"');
                continue;
            }
            if next == Some(b'\r') && self.format.row == b'\n' {
                next = self.byte()?;
            }
            if let Some(end) = self.end(next) {
                self.line += usize::from(end == End::Row);
                return Ok((field, end));
            }
            self.warning = Some(format!("{}: unescaped \" character", self.line));
            field.push(b'"');
            field.extend(next);
        }
    }

    /// Skips to the end of the row.
    ///
    /// # Errors
    /// What stops reading.
    pub fn skip_row(&mut self) -> io::Result<bool> {
        loop {
            match self.next()? {
                None => return Ok(false),
                Some((_, End::Column)) => {}
                Some(_) => return Ok(true),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Format = Format { column: b',', row: b'\n', quotes: true, escape: None, quoted_escape: None };

    fn rows(text: &[u8], format: Format) -> Vec<Vec<String>> {
        let mut fields = Fields::new(text, format);
        let mut rows = vec![Vec::new()];
        while let Some((field, end)) = fields.next().expect("memory") {
            rows.last_mut().expect("a row").push(String::from_utf8(field).expect("UTF-8"));
            if end == End::Row {
                rows.push(Vec::new());
            }
        }
        if rows.last().is_some_and(Vec::is_empty) {
            rows.pop();
        }
        rows
    }

    #[test]
    fn quotes_hold_separators_and_double_themselves() {
        assert_eq!(
            rows(b"1,\"\",\"a,\"\"b\"\"\"\n2,\"x\ny\",z\r\n", CSV),
            [["1", "", "a,\"b\""], ["2", "x\ny", "z"]]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_data() {
        assert_eq!(rows(b"\xef\xbb\xbf\"two\",3\n", CSV), [["two", "3"]]);
    }

    #[test]
    fn plain_text_keeps_quotes_and_carriage_returns() {
        let ascii = Format { column: 0x1f, row: 0x1e, quotes: false, ..CSV };
        assert_eq!(
            rows(b"\"test 1\"\x1f,test 2\r\n\x1etest 3\x1ftest 4\n", ascii),
            [["\"test 1\"", ",test 2\r\n"], ["test 3", "test 4\n"]]
        );
    }

    #[test]
    fn an_escape_makes_a_character_stand_for_itself() {
        let format = Format { escape: Some(b'%'), quoted_escape: Some(b'\\'), ..CSV };
        assert_eq!(
            rows(b"x1,x2%\"x3,\"x3\\\"data\\\"3\",x4\n", format),
            [["x1", "x2\"x3", "x3\"data\"3", "x4"]]
        );
    }
}
