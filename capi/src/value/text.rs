//! How the text of a value is made for C: in UTF-8 or UTF-16, with NULs behind it.
//!
//! Spec: C/C++ Interface, "Result Values From A Query" (the table of conversions).

use kernite::engine::btree::Encoding;
use kernite::engine::btree::encoding::convert;
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::function::call::text_of;
use kernite::engine::vdbe::register::Tag;
use kernite::engine::vdbe::value::render::push_number;

use super::{Made, sqlite3_value};

impl sqlite3_value {
    /// The bytes of its text in `encoding`, with two NULs behind them; `None` for NULL.
    pub(crate) fn text(&mut self, encoding: Encoding) -> Option<&[u8]> {
        // SAFETY: whoever calls `show` keeps the register as long as the value is used, and hands out nothing else to change it.
        let register = unsafe { self.register.as_mut() }?;
        if register.is_null() {
            return None;
        }
        if self.encoding == encoding
            && self.is_ours
            && matches!(register.tag(), Tag::Text | Tag::Blob)
            && register.zero_tail() == 0
            && register.end_with_nul()
        {
            return Some(register.bytes());
        }
        let made = if encoding.is_utf16() { &mut self.wide } else { &mut self.narrow };
        if !made.is_made || made.encoding != encoding {
            make(register, self.encoding, encoding, made);
        }
        Some(&made.bytes[..made.bytes.len() - 2])
    }

    /// The bytes of a blob, or of text as it is stored; numbers give the text of the number.
    pub(crate) fn blob(&mut self) -> Option<&[u8]> {
        // SAFETY: as in `text`.
        let register = unsafe { self.register.as_ref() }?;
        match register.tag() {
            Tag::Text | Tag::Blob if register.zero_tail() == 0 => Some(register.bytes()),
            Tag::Blob => {
                if !self.narrow.is_made {
                    let mut bytes = register.bytes().to_vec();
                    bytes.resize(register.len() as usize + 2, 0);
                    self.narrow = Made { is_made: true, encoding: Encoding::Utf8, bytes };
                }
                Some(&self.narrow.bytes[..self.narrow.bytes.len() - 2])
            }
            _ => self.text(self.encoding),
        }
    }

    /// How many bytes [`sqlite3_value::text`] has in `encoding`.
    pub(crate) fn text_len(&mut self, encoding: Encoding) -> usize {
        match self.register() {
            None => 0,
            Some(register) => match register.tag() {
                Tag::Text if self.encoding == encoding => register.len() as usize,
                Tag::Blob if !encoding.is_utf16() => register.len() as usize,
                Tag::Null | Tag::Internal => 0,
                _ => self.text(encoding).map_or(0, <[u8]>::len),
            },
        }
    }
}

/// Makes the text of a register.
fn make(register: &Register, from: Encoding, to: Encoding, made: &mut Made) {
    made.bytes.clear();
    match register.tag() {
        Tag::Text => convert(register.bytes(), from, to, &mut made.bytes),
        // A blob is text in the database's encoding when it is asked for as text.
        Tag::Blob if register.zero_tail() == 0 => convert(register.bytes(), from, to, &mut made.bytes),
        _ => match register.shown_number() {
            Some(number) => push_number(number, to, &mut made.bytes),
            None => {
                let text = text_of(register, from).unwrap_or_default();
                convert(&text, Encoding::Utf8, to, &mut made.bytes);
            }
        },
    }
    made.bytes.extend_from_slice(&[0, 0]);
    made.is_made = true;
    made.encoding = to;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(fill: impl FnOnce(&mut Register), encoding: Encoding) -> Box<sqlite3_value> {
        let mut value = sqlite3_value::owned(encoding);
        fill(value.own_it(encoding));
        value
    }

    /// The NUL behind text.
    fn byte_behind(text: &[u8]) -> u8 {
        // SAFETY: that there is one is what is tested.
        unsafe { *text.as_ptr().add(text.len()) }
    }

    #[test]
    fn text_lies_where_it_was_and_ends_with_a_nul() {
        let mut value = value(|register| register.set_text(b"abc"), Encoding::Utf8);
        let text = value.text(Encoding::Utf8).unwrap();
        assert_eq!((text, byte_behind(text)), (b"abc".as_slice(), 0));
        assert_eq!(value.text(Encoding::Utf16Le).unwrap(), b"a\0b\0c\0");
        assert_eq!(value.text_len(Encoding::Utf16Be), 6);
        assert_eq!(value.text(Encoding::Utf16Be).unwrap(), b"\0a\0b\0c");
        assert_eq!(value.text(Encoding::Utf8).unwrap(), b"abc");
    }

    #[test]
    fn numbers_have_text_and_stay_numbers() {
        let mut value = value(|register| register.set_real(1.5), Encoding::Utf16Le);
        assert_eq!(value.text(Encoding::Utf8).unwrap(), b"1.5");
        assert_eq!(value.blob().unwrap(), b"1\0.\x005\0");
        assert_eq!(value.real(), 1.5);
        assert_eq!(value.text_len(Encoding::Utf8), 3);
    }

    #[test]
    fn zeros_of_a_blob_are_made_when_they_are_looked_at() {
        let mut value = value(|register| register.set_zeros(4), Encoding::Utf8);
        assert_eq!(value.text_len(Encoding::Utf8), 4);
        assert_eq!(value.blob().unwrap(), [0; 4]);
    }

    #[test]
    fn null_has_no_text() {
        let mut value = value(Register::set_null, Encoding::Utf8);
        assert!(value.text(Encoding::Utf8).is_none() && value.blob().is_none());
        assert_eq!(value.text_len(Encoding::Utf16Le), 0);
    }
}
