//! VACUUM's way back: one database's content is overwritten with another's.
//!
//! The copy is part of a write transaction on the target: each page is one change, journalled or logged as any other, so a rollback or a crash undoes
//! all of it. Where the page sizes differ the file is taken for a run of bytes: target pages (of the old size) are filled with whatever bytes of
//! the source fall on them, and once the transaction is over the file is read afresh in its new size.
//!
//! ```text
//! source   | 1  | 2  | 3  | 4  | 5  |          page size 1024
//! target   |    1    |    2    |    3   |      page size 2048; the file is cut to 5 * 1024 bytes after the commit point
//! ```
//!
//! Of page 1 the target keeps what says how it is to be opened: journal mode and change counter.
//!
//! Never: reordering; a lock-byte page in the middle of a change of the page size (more than a gibibyte), which is refused.
//! Spec: `VACUUM`.

use kernite_io::ready;

use super::{LOCK_BYTE, Pager};
use crate::page_no::PageNo;
use crate::{Error, Step};

/// The file as the transaction leaves it, where its pages are not the target's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) page_bytes: u32,
    pub(super) pages: u32,
}

impl Image {
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.page_bytes) * u64::from(self.pages)
    }
}

impl Pager {
    /// Overwrites this database with `source`. Needs a write transaction here and a read transaction there, and no cursor open here. Run again
    /// until done; commit afterwards. [`Error::Unsupported`] for another page size in WAL mode or beyond a gibibyte.
    pub fn copy_from(&mut self, source: &mut Pager) -> Step<()> {
        self.copy_up_to(source, u32::MAX).map(|done| done.map(|_| ()))
    }

    /// The next copy begins with the first page again.
    pub fn restart_copy(&mut self) {
        self.copied = 0;
    }

    /// As [`Pager::copy_from`], but only the source's pages to `last`; of larger pages here, those that they fill. `true` when all are copied.
    pub fn copy_up_to(&mut self, source: &mut Pager, last: u32) -> Step<bool> {
        let image = Image { page_bytes: source.page_size() as u32, pages: source.page_count() };
        let page_bytes = self.page_size() as u64;
        let resized = u64::from(image.page_bytes) != page_bytes;
        let is_wal = self.files.as_ref().is_some_and(|files| files.log.is_wal());
        if resized && (is_wal || self.files.is_none() || image.bytes() > LOCK_BYTE) {
            return Err(Error::Unsupported("this change of the page size"));
        }
        let pages = image.bytes().div_ceil(page_bytes) as u32;
        let wanted = match last >= image.pages {
            true => pages,
            false => (u64::from(last) * u64::from(image.page_bytes) / page_bytes) as u32,
        };
        while self.copied < wanted {
            let number = self.copied + 1;
            if let Some(page) = PageNo::new(number)
                && page != self.lock_byte_page()
            {
                ready!(self.copy_page(page, source, image));
            }
            self.copied = number;
        }
        if last < image.pages {
            return Ok(Some(false));
        }
        if pages < self.page_count {
            self.begin_change();
            let result = self.set_page_count(pages);
            self.commit_change();
            result?;
        }
        self.transaction.image = (resized || self.reserved != source.reserved).then_some(image);
        self.copied = 0;
        Ok(Some(true))
    }

    fn copy_page(&mut self, page: PageNo, source: &mut Pager, image: Image) -> Step<()> {
        for pager in [&mut *source, &mut *self] {
            if pager.over_budget() {
                ready!(pager.trim());
            }
        }
        let page_bytes = self.page_size();
        let start = u64::from(page.get() - 1) * page_bytes as u64;
        let end = (start + page_bytes as u64).min(image.bytes());
        let unit = u64::from(image.page_bytes);
        let mut bytes = vec![0; page_bytes];
        let mut at = start;
        while at < end {
            let Some(from) = PageNo::new((at / unit) as u32 + 1) else { break };
            let frame = match source.get(from) {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    self.wait.outstanding.extend(source.outstanding());
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let part = &source.page(frame)[(at % unit) as usize..];
            let len = part.len().min((end - at) as usize);
            let to = (at - start) as usize;
            bytes[to..to + len].copy_from_slice(&part[..len]);
            at += len as u64;
        }
        self.overwrite(page, bytes)
    }

    fn overwrite(&mut self, page: PageNo, mut bytes: Vec<u8>) -> Step<()> {
        if page.get() <= self.page_count {
            ready!(self.get(page));
        }
        self.begin_change();
        let frame = if page.get() <= self.page_count { self.get(page) } else { self.get_fresh(page) };
        let result = match frame {
            Ok(Some(frame)) => self.write_with_header(frame).map(|(old, header)| {
                if page == PageNo::ONE {
                    bytes[18..20].copy_from_slice(&old[18..20]);
                    bytes[24..28].copy_from_slice(&old[24..28]);
                }
                old.copy_from_slice(&bytes);
                *header = super::PageHeader::default();
                Some(())
            }),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        if matches!(result, Ok(Some(()))) {
            self.commit_change();
        } else {
            self.abort_change();
        }
        result
    }
}
