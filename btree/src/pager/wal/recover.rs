//! Recovery: building the wal-index from the file.
//!
//! ```text
//! Lock -> Length -> Header -> Frames (in chunks) -> publish
//! ```
//!
//! The write lock is held already; the checkpoint and recovery slots are locked here, so nobody reads the index in earnest meanwhile. Entries are
//! gathered aside and stored at the end. What the file holds up to the last commit mark whose checksum is right is the database; all behind it is
//! as if it had never been written.
//!
//! Spec: "WAL-mode File Format", "Recovery".

use kernite_io::{Buffer, ShmLockMode, ShmSlots, ready};

use super::checksum::Order;
use super::format::{self, DecodedHeader, WalHeader};
use super::index::{self, Index, IndexHeader, MARK_UNUSED, MARKS};
use super::read::wal;
use crate::pager::Pager;
use crate::{Error, Step};

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

enum At {
    Lock,
    Length,
    Header,
    Frames,
    Publish,
}

/// The script.
pub(in crate::pager) struct Recover {
    at: At,
    locked: Option<ShmSlots>,
    length: u64,
    file: Option<WalHeader>,
    gathered: Index,
    /// The header to be published: as of the last commit mark.
    header: IndexHeader,
    /// The next frame to read, and the running checksum before it.
    frame: u32,
    sum: [u32; 2],
}

impl Recover {
    pub(in crate::pager) fn new() -> Recover {
        Recover {
            at: At::Lock,
            locked: None,
            length: 0,
            file: None,
            gathered: Index::heap(),
            header: IndexHeader::default(),
            frame: 1,
            sum: [0, 0],
        }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        let result = self.run(pager);
        if !matches!(result, Ok(None))
            && let Some(slots) = self.locked.take()
        {
            wal(pager)?.index.unlock(slots, ShmLockMode::Exclusive);
        }
        result
    }

    fn run(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match self.at {
                At::Lock => {
                    let wal = wal(pager)?;
                    let slots = if wal.checkpoint_locked {
                        index::RECOVER
                    } else {
                        ShmSlots { first: index::CHECKPOINT.first, count: 2 }
                    };
                    wal.index.lock(slots, ShmLockMode::Exclusive)?;
                    self.locked = Some(slots);
                    At::Length
                }
                At::Length => {
                    let file = wal(pager)?.file.clone();
                    self.length = ready!(pager.wait.length(|| file.len()));
                    if self.length > format::HEADER_BYTES as u64 { At::Header } else { At::Publish }
                }
                At::Header => ready!(self.read_header(pager)),
                At::Frames => ready!(self.read_frames(pager)),
                At::Publish => {
                    self.publish(pager)?;
                    return Ok(Some(()));
                }
            };
        }
    }

    fn read_header(&mut self, pager: &mut Pager) -> Step<At> {
        let file = wal(pager)?.file.clone();
        let (bytes, _) = ready!(pager.wait.bytes(|| file.read(0, Buffer::zeroed(format::HEADER_BYTES))));
        match format::WalHeader::decode(&bytes) {
            DecodedHeader::Void => Ok(Some(At::Publish)),
            DecodedHeader::Unknown => Err(Error::CannotOpen),
            DecodedHeader::Valid(header) => {
                let wal = wal(pager)?;
                wal.checkpoint_sequence = header.checkpoint_sequence;
                self.header.set_salt(header.salt);
                self.header.set_shape(header.order, header.page_bytes);
                self.sum = header.checksum;
                self.file = Some(header);
                Ok(Some(At::Frames))
            }
        }
    }

    fn read_frames(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(header) = self.file else { return Ok(Some(At::Publish)) };
        let frame_bytes = header.page_bytes as usize + format::FRAME_HEADER_BYTES;
        let at = format::frame_at(self.frame, header.page_bytes);
        let in_file = self.length.saturating_sub(at) / frame_bytes as u64;
        if in_file == 0 {
            return Ok(Some(At::Publish));
        }
        let batch = in_file.min((READ_BYTES / frame_bytes).max(1) as u64) as usize;
        let file = wal(pager)?.file.clone();
        let (bytes, len) = ready!(pager.wait.bytes(|| file.read(at, Buffer::zeroed(batch * frame_bytes))));
        for frame in bytes[..len].chunks_exact(frame_bytes) {
            let Some(decoded) = format::decode_frame(&header, self.sum, frame) else {
                return Ok(Some(At::Publish));
            };
            self.sum = decoded.checksum;
            self.gathered.append(self.frame, decoded.page, self.frame - 1)?;
            if decoded.commit_pages > 0 {
                self.header.set_max_frame(
                    self.frame - u32::from(kernite_io::planted!(WalRecoveryOffByOne) && self.frame > 1),
                );
                self.header.set_page_count(decoded.commit_pages);
                self.header.set_frame_checksum(decoded.checksum);
            }
            if kernite_io::planted!(WalRecoveryIgnoresMark) {
                self.header.set_max_frame(self.frame);
                self.header.set_frame_checksum(decoded.checksum);
            }
            self.frame += 1;
        }
        Ok(Some(if len < batch * frame_bytes { At::Publish } else { At::Frames }))
    }

    fn publish(&mut self, pager: &mut Pager) -> Result<(), Error> {
        let wal = wal(pager)?;
        let last = self.header.max_frame();
        if last == 0 {
            // Nothing counts: the shape of a file without content means nothing.
            let salt = self.header.salt();
            self.header = IndexHeader::default();
            self.header.set_salt(salt);
            self.header.set_shape(Order::NATIVE, 0);
        }
        self.gathered.forget_after(last)?;
        wal.index.adopt(&self.gathered)?;
        wal.header = self.header;
        wal.page_bytes = self.header.page_bytes();
        wal.index.write_header(&mut wal.header);
        wal.index.set_backfilled(0);
        wal.index.set_attempted(last);
        wal.index.set_mark(0, 0);
        for mark in 1..MARKS {
            let slots = index::reader(mark);
            match wal.index.lock(slots, ShmLockMode::Exclusive) {
                Ok(()) => {
                    wal.index.set_mark(mark, if mark == 1 && last > 0 { last } else { MARK_UNUSED });
                    wal.index.unlock(slots, ShmLockMode::Exclusive);
                }
                Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
