//! The text encoding of a database file.

/// How text is stored. The whole database has one encoding; registers and keys use it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// The number in the file header: 1, 2 or 3.
    pub const fn to_header(self) -> u32 {
        match self {
            Encoding::Utf8 => 1,
            Encoding::Utf16Le => 2,
            Encoding::Utf16Be => 3,
        }
    }

    /// From the file header. 0 is an empty database and reads as UTF-8.
    pub const fn from_header(number: u32) -> Option<Encoding> {
        match number {
            0 | 1 => Some(Encoding::Utf8),
            2 => Some(Encoding::Utf16Le),
            3 => Some(Encoding::Utf16Be),
            _ => None,
        }
    }

    /// Whether this is one of the two UTF-16 encodings.
    pub const fn is_utf16(self) -> bool {
        !matches!(self, Encoding::Utf8)
    }
}
