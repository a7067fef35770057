//! Page numbers.

use std::num::NonZeroU32;

/// A page number. Pages count from 1; the 0 on disk means "no page" and is spelled `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNo(NonZeroU32);

const _: () = assert!(size_of::<Option<PageNo>>() == 4);

impl PageNo {
    /// The first page: file header and root of the schema table.
    pub const ONE: PageNo = PageNo(NonZeroU32::MIN);

    /// The page with this number, or `None` for 0.
    #[inline]
    pub const fn new(number: u32) -> Option<PageNo> {
        match NonZeroU32::new(number) {
            Some(number) => Some(PageNo(number)),
            None => None,
        }
    }

    /// Decodes the 4-byte big-endian form used everywhere in the database file.
    #[inline]
    pub const fn from_be_bytes(raw: [u8; 4]) -> Option<PageNo> {
        PageNo::new(u32::from_be_bytes(raw))
    }

    /// The number itself.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl std::fmt::Display for PageNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
