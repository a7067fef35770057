//! Changes: micro-transactions over a few pages.
//!
//! ```text
//! begin_change -> get, write, get_fresh, set_page_count, ... -> commit_change   (cannot fail)
//!                                                           \-> abort_change    (as if nothing had been)
//! ```
//!
//! The first `write` of a page puts its buffer aside and gives the change a copy. Aborting swaps the buffers back; committing hands
//! those put aside to the savepoints and the journal that are owed an image, and recycles the rest. So a change costs
//! one copy per page whether or not an image is owed, and what it replaced is the image.
//!
//! Always true inside a change: `Frame::change == number` exactly for the frames in `undo`, each of which is there once. Outside: `undo`
//! and `forgotten` are empty.
//!
//! Never: I/O, except that [`Pager::get_fresh`] may read a page that was freed in this transaction and evicted since.

use kernite_io::{Buffer, ready};

use super::cache::DIRTY;
use super::{FrameId, PageHeader, Pager};
use crate::page_no::PageNo;
use crate::{Damage, Error, Step};

/// A frame as it was before the change.
struct Undo {
    frame: FrameId,
    old: Old,
}

enum Old {
    Bytes(Buffer, PageHeader),
    /// The page was not resident and had no content that matters. Its stamp was this.
    Nothing(u64),
}

/// The change under way.
#[derive(Default)]
pub(super) struct Change {
    /// Counts changes; compared with `Frame::change`.
    number: u64,
    open: bool,
    undo: Vec<Undo>,
    /// Frames whose content ceased to matter and that were not written after that.
    forgotten: Vec<FrameId>,
    page_count_before: u32,
}

impl Change {
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open
    }
}

impl Pager {
    /// Starts a change. Changes do not nest. Needs a write transaction.
    pub fn begin_change(&mut self) {
        debug_assert!(!self.change.open, "changes do not nest");
        debug_assert!(self.is_writing(), "a change needs a write transaction");
        debug_assert!(self.script.is_none(), "a change under a script that is writing pages");
        self.change.open = true;
        self.change.number += 1;
        self.change.page_count_before = self.page_count;
    }

    /// Bytes for writing, inside a change. The old bytes and header are put aside at the first call for a page.
    /// [`Error::NoMemory`] where no buffer can be had.
    #[inline]
    pub fn write(&mut self, frame: FrameId) -> Result<&mut [u8], Error> {
        self.write_with_header(frame).map(|(bytes, _)| bytes)
    }

    /// Bytes (writable) and header together, for code that updates both. Otherwise as [`Pager::write`].
    #[inline]
    pub fn write_with_header(&mut self, frame: FrameId) -> Result<(&mut [u8], &mut PageHeader), Error> {
        debug_assert!(self.change.open, "write outside a change");
        if self.cache.frame(frame).change != self.change.number {
            self.put_aside(frame, false)?;
        } else if !self.change.forgotten.is_empty() {
            self.change.forgotten.retain(|&id| id != frame);
        }
        let frame = self.cache.frame_mut(frame);
        Ok((frame.buffer.make_mut(), &mut frame.header))
    }

    /// Gives the frame a buffer of its own for this change: a copy, or zeros where `fresh`.
    fn put_aside(&mut self, id: FrameId, fresh: bool) -> Result<(), Error> {
        self.change.forgotten.retain(|&forgotten| forgotten != id);
        let mut copy = if fresh { self.cache.take_zeroed()? } else { self.cache.take_buffer()? };
        let number = self.change.number;
        let frame = self.cache.frame_mut(id);
        if !fresh {
            copy.make_mut().copy_from_slice(&frame.buffer);
        }
        let old = std::mem::replace(&mut frame.buffer, copy);
        let header = frame.header;
        frame.change = number;
        if fresh {
            frame.header = PageHeader::default();
        }
        self.change.undo.push(Undo { frame: id, old: Old::Bytes(old, header) });
        Ok(())
    }

    /// Like [`Pager::get`] for a page whose content will be overwritten whole: a page just past the end of the database, which
    /// it extends (one past the lock-byte page counts as just past it), or a freelist leaf. The frame is
    /// writable and all zero. Reads nothing, except where the page was freed earlier in this transaction
    /// ([`Pager::forget_content`]) and is not resident any more: then its image may still be owed.
    ///
    /// [`Error::Full`] at the limit of `max_page_count`; [`Damage::BadPageNumber`] for a page further out or the lock-byte page.
    pub fn get_fresh(&mut self, page: PageNo) -> Step<FrameId> {
        debug_assert!(self.change.open, "get_fresh outside a change");
        if page == self.lock_byte_page() {
            return Err(Error::corrupt(page, Damage::BadPageNumber));
        }
        let number = page.get();
        if number > self.page_count {
            self.check_extension(page)?;
        }
        // Freed, or cut off, since a level was opened: the bytes that the page had may be owed to it.
        let had_content = self.freed.contains(&page)
            || number > self.transaction.lowest_page_count && self.existed_at_some_level(page);
        if had_content && !kernite_io::planted!(FreedPageImageMissed) {
            ready!(self.get_any(page));
        }
        let id = match self.cache.find(page) {
            Some(id) if self.cache.frame(id).change == self.change.number => {
                let frame = self.cache.frame_mut(id);
                frame.buffer.make_mut().fill(0);
                frame.header = PageHeader::default();
                self.change.forgotten.retain(|&forgotten| forgotten != id);
                id
            }
            Some(id) => {
                self.put_aside(id, true)?;
                id
            }
            None => {
                let buffer = self.cache.take_zeroed()?;
                self.forget_read(page);
                let stamp = self.cache.take_stamp(page);
                // A page that is neither resident nor freed in this transaction had no content when any level was opened.
                let id = self.cache.install(page, buffer, self.savepoints.newest());
                self.cache.frame_mut(id).change = self.change.number;
                self.change.undo.push(Undo { frame: id, old: Old::Nothing(stamp) });
                id
            }
        };
        if number > self.page_count {
            self.set_page_count_raw(number);
        }
        Ok(Some(id))
    }

    fn check_extension(&self, page: PageNo) -> Result<(), Error> {
        let mut next = u64::from(self.page_count) + 1;
        if next == u64::from(self.lock_byte_page().get()) {
            next += 1;
        }
        if u64::from(page.get()) != next {
            return Err(Error::corrupt(page, Damage::BadPageNumber));
        }
        if page.get() > self.max_page_count {
            return Err(Error::Full);
        }
        Ok(())
    }

    /// The database ends after `page_count` pages from here on (auto_vacuum); undone by [`Pager::abort_change`]. Only ever lower than now.
    pub fn set_page_count(&mut self, page_count: u32) -> Result<(), Error> {
        debug_assert!(self.change.open, "set_page_count outside a change");
        if page_count > self.page_count {
            return Err(Error::Corrupt { page: PageNo::new(page_count), damage: Damage::BadPageNumber });
        }
        self.set_page_count_raw(page_count);
        Ok(())
    }

    /// The page's content does not matter any more (it became a freelist leaf): it need not be written or journalled again.
    /// Has to be called for every page that becomes a freelist leaf, so that the pager knows that it had content before.
    pub fn forget_content(&mut self, frame: FrameId) {
        debug_assert!(self.change.open, "forget_content outside a change");
        if !self.change.forgotten.contains(&frame) {
            self.change.forgotten.push(frame);
        }
    }

    /// Moves a page's bytes and header to another number (auto_vacuum relocation), inside a change. `to` has to be a page that
    /// [`Pager::get_fresh`] would take. The old page keeps its bytes; the caller frees it or cuts it off.
    pub fn move_page(&mut self, from: FrameId, to: PageNo) -> Step<FrameId> {
        let target = ready!(self.get_fresh(to));
        let source = self.cache.frame(from);
        // A second handle, not a copy: the bytes are copied once, into the target.
        let (bytes, header) = (source.buffer.clone(), source.header);
        let frame = self.cache.frame_mut(target);
        frame.buffer.make_mut().copy_from_slice(&bytes);
        frame.header = header;
        Ok(Some(target))
    }

    /// Makes the change final. Cannot fail.
    pub fn commit_change(&mut self) {
        debug_assert!(self.change.open);
        let newest = self.savepoints.newest();
        let mut undo = std::mem::take(&mut self.change.undo);
        for Undo { frame: id, old } in undo.drain(..) {
            self.cache.mark_dirty(id);
            let frame = self.cache.frame_mut(id);
            let (stamp, page) = (frame.stamp, frame.page_no);
            match (old, page) {
                (Old::Bytes(buffer, header), Some(page)) if stamp < newest => {
                    frame.stamp = newest;
                    self.give_image(page, buffer, header, stamp);
                }
                (Old::Bytes(buffer, _), _) => self.cache.recycle(buffer),
                (Old::Nothing(stamp), Some(page)) => self.note_no_content(page, stamp),
                (Old::Nothing(_), None) => {}
            }
        }
        self.change.undo = undo; // keeps its capacity
        self.commit_forgotten();
        self.change.open = false;
        if let Some(missed) = &mut self.force_miss {
            missed.clear();
        }
    }

    fn commit_forgotten(&mut self) {
        while let Some(id) = self.change.forgotten.pop() {
            let frame = self.cache.frame(id);
            let Some(page) = frame.page_no else { continue };
            let dirty = frame.flags & DIRTY != 0;
            if self.files.is_none() {
                continue; // the frames are the store: there is nothing to spare
            }
            self.freed.insert(page);
            // With a savepoint open the bytes may have to come back.
            if dirty && !self.savepoints.any() {
                self.cache.mark_forgotten(id);
            }
        }
    }

    /// Undoes the change: every page, header and the page count are as they were at [`Pager::begin_change`]. Pages that were read stay resident.
    /// Does nothing outside a change.
    pub fn abort_change(&mut self) {
        if !self.change.open {
            return;
        }
        let mut undo = std::mem::take(&mut self.change.undo);
        for Undo { frame: id, old } in undo.drain(..).rev() {
            match old {
                Old::Bytes(buffer, header) => {
                    let frame = self.cache.frame_mut(id);
                    frame.header = header;
                    frame.change = 0;
                    let copy = std::mem::replace(&mut frame.buffer, buffer);
                    self.cache.recycle(copy);
                }
                Old::Nothing(stamp) => {
                    self.cache.frame_mut(id).stamp = stamp;
                    self.cache.detach(id);
                }
            }
        }
        self.change.undo = undo;
        self.change.forgotten.clear();
        self.set_page_count_raw(self.change.page_count_before);
        self.change.open = false;
    }

    /// Prepares a resident page for a change that is made at once and cannot fail: bytes and header for writing. Copies an image first
    /// where one is owed. Outside a change only. [`Error::NoMemory`] where no buffer for the image can be had: nothing has changed then.
    #[inline]
    pub fn write_in_place(&mut self, frame: FrameId) -> Result<(&mut [u8], &mut PageHeader), Error> {
        debug_assert!(!self.change.open, "write_in_place inside a change");
        let known = self.cache.frame(frame);
        if known.stamp < self.savepoints.newest() || known.flags & DIRTY == 0 {
            self.prepare_in_place(frame)?;
        }
        let frame = self.cache.frame_mut(frame);
        Ok((frame.buffer.make_mut(), &mut frame.header))
    }

    /// Bytes and header of a page that [`Pager::write_in_place`] has nothing to prepare for. Outside a change only.
    #[inline]
    pub fn writable(&mut self, frame: FrameId) -> Option<(&mut [u8], &mut PageHeader)> {
        debug_assert!(!self.change.open, "writable inside a change");
        let newest = self.savepoints.newest();
        let frame = self.cache.frame_mut(frame);
        if frame.stamp < newest || frame.flags & DIRTY == 0 {
            return None;
        }
        Some((frame.buffer.make_mut(), &mut frame.header))
    }

    #[cold]
    fn prepare_in_place(&mut self, id: FrameId) -> Result<(), Error> {
        debug_assert!(self.is_writing(), "write_in_place needs a write transaction");
        debug_assert!(self.script.is_none(), "a write under a script that is writing pages");
        let newest = self.savepoints.newest();
        let frame = self.cache.frame(id);
        if frame.stamp < newest
            && let Some(page) = frame.page_no
        {
            let mut copy = self.cache.take_buffer()?;
            let frame = self.cache.frame_mut(id);
            copy.make_mut().copy_from_slice(&frame.buffer);
            let (stamp, header) = (frame.stamp, frame.header);
            frame.stamp = newest;
            self.give_image(page, copy, header, stamp);
        }
        self.cache.mark_dirty(id);
        Ok(())
    }
}
