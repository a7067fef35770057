//! Playing a journal back: the pages that it holds go back into the database file.
//!
//! Used for a hot journal, found when a transaction begins after a crash, and for the rollback of a transaction of our own that had
//! already written to the database file.
//!
//! ```text
//! Length -> Tail -> Name -> NameExists --no super-journal: the transaction was committed--.
//!             |                  |                                                         |
//!             '------------------'-> Header -> Resize -> Records -> Write -.               |
//!                                      ^  ^________________________________|               |
//!                                      |  (next batch, next segment)                       |
//!                                      '-- no header: -> Sync -> End <---------------------'
//!                                                                  -> DeleteSuper -> Done
//! ```
//!
//! Holds throughout: the EXCLUSIVE lock. Until `Sync` is over the journal is untouched, so a crash at any point leaves it hot and the next
//! playback starts over; putting a page back twice is harmless.
//!
//! Never: trusting the journal. A bad checksum, page number or a short record ends it, as a crash may have torn its tail.
//! Spec: "Atomic Commit In SQLite", "Rollback"; Database File Format, "The Rollback Journal".

use kernite_io::{AccessMode, Buffer, FileKind, IoSlice, OpenFlags, ready};

use super::end::End;
use super::format::{self, Header};
use super::super_journal::{self, DeleteSuper};
use crate::pager::{Pager, files};
use crate::{Error, Step};

/// Bytes of records read at once.
const READ_BYTES: usize = 256 * 1024;

enum At {
    Open,
    Length,
    Tail,
    Name(Buffer, usize),
    NameExists,
    Header,
    Resize,
    Grow(u64),
    Records,
    Write(Buffer, usize, usize),
    Sync,
    End(End),
    DeleteSuper(DeleteSuper),
    Done,
}

/// The script.
pub(in crate::pager) struct Playback {
    at: At,
    /// Found after a crash, not our own.
    hot: bool,
    journal_bytes: u64,
    super_name: Option<Vec<u8>>,
    header: Option<Header>,
    /// Where the next header is looked for.
    next_header: u64,
    /// Where the next record is, and how many are left in the segment.
    at_record: u64,
    left: u64,
    /// Pages of the database before the transaction, from the first header.
    page_count: Option<u32>,
}

impl Playback {
    /// `hot`: the journal was found; else it is that of the transaction under way. [`Error::AbortRollback`] where that one turns out to
    /// be committed, since its super-journal is gone.
    pub(in crate::pager) fn new(hot: bool) -> Playback {
        Playback {
            at: At::Open,
            hot,
            journal_bytes: 0,
            super_name: None,
            header: None,
            next_header: 0,
            at_record: 0,
            left: 0,
            page_count: None,
        }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Open => ready!(Self::open(pager)),
                At::Length => {
                    self.journal_bytes = ready!(Self::length(pager));
                    At::Tail
                }
                At::Tail => ready!(self.tail(pager)),
                At::Name(..) => ready!(self.name(pager)),
                At::NameExists => ready!(self.name_exists(pager)),
                At::Header => ready!(self.read_header(pager)),
                At::Resize => ready!(self.resize(pager)),
                At::Grow(_) => ready!(self.grow(pager)),
                At::Records => ready!(self.read_records(pager)),
                At::Write(..) => ready!(self.write(pager)),
                At::Sync => {
                    if pager.settings.syncs() && !kernite_io::planted!(PlaybackNotSynced) {
                        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                        ready!(wait.unit(|| files.main.sync(true)));
                    }
                    At::End(End::new())
                }
                At::End(end) => {
                    ready!(end.step(pager));
                    match self.super_name.take() {
                        Some(name) => At::DeleteSuper(DeleteSuper::new(name)),
                        None => At::Done,
                    }
                }
                At::DeleteSuper(delete) => {
                    // Only tidying: whoever finds the super-journal later finds no journal that names it.
                    if let Ok(None) = delete.step(pager) {
                        return Ok(None);
                    }
                    At::Done
                }
                At::Done => return Ok(Some(())),
            };
        }
    }

    fn open(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        let journal = files.log.journal()?;
        if journal.file.is_none() {
            let flags = OpenFlags::new(FileKind::MainJournal, AccessMode::ReadWrite);
            journal.file = Some(ready!(wait.opened(|| files.io.open(Some(path), flags))).file);
        }
        Ok(Some(At::Length))
    }

    fn length(pager: &mut Pager) -> Step<u64> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let Some(file) = &files.log.journal()?.file else { return Err(Error::CannotOpen) };
        wait.length(|| file.len())
    }

    /// Reads `len` journal bytes at `at`; how many there were.
    fn read(pager: &mut Pager, at: u64, len: usize) -> Step<(Buffer, usize)> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let Some(file) = &files.log.journal()?.file else { return Err(Error::CannotOpen) };
        match wait.bytes(|| file.read(at, Buffer::zeroed(len))) {
            Err(_) if kernite_io::planted!(JournalReadErrorSwallowed) => Ok(Some((Buffer::zeroed(len), 0))),
            read => read,
        }
    }

    fn tail(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(at) = self.journal_bytes.checked_sub(format::SUPER_TAIL as u64) else {
            return Ok(Some(At::Header));
        };
        let (tail, _) = ready!(Self::read(pager, at, format::SUPER_TAIL));
        Ok(Some(match format::super_name_bytes(&tail, self.journal_bytes) {
            Some(len) => At::Name(tail, len),
            None => At::Header,
        }))
    }

    fn name(&mut self, pager: &mut Pager) -> Step<At> {
        let At::Name(tail, len) = &self.at else { return Ok(Some(At::Header)) };
        let at = self.journal_bytes - format::SUPER_TAIL as u64 - *len as u64;
        let (name, _) = ready!(Self::read(pager, at, *len));
        if !format::is_super_name(&name, tail) {
            return Ok(Some(At::Header));
        }
        self.super_name = Some(name.to_vec());
        Ok(Some(At::NameExists))
    }

    /// A journal whose super-journal is gone belongs to a transaction that was committed.
    fn name_exists(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(name) = &self.super_name else { return Ok(Some(At::Header)) };
        if ready!(super_journal::exists(pager, name)) {
            let (files, _) = files(&mut pager.files, &mut pager.wait)?;
            files.log.journal()?.has_super = true;
            return Ok(Some(At::Header));
        }
        if !self.hot {
            // The commit went as far as that before it failed: what the file holds is to be read afresh, as after somebody else's commit.
            return Err(Error::AbortRollback);
        }
        self.super_name = None;
        Ok(Some(At::Sync))
    }

    fn read_header(&mut self, pager: &mut Pager) -> Step<At> {
        let page_bytes = pager.cache.page_size() as u32;
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let sector_bytes = self.header.map_or(files.sector_bytes, |header| header.sector_bytes);
        let at = format::align(self.next_header, sector_bytes);
        if at + u64::from(sector_bytes) > self.journal_bytes {
            return Ok(Some(At::Sync));
        }
        let (bytes, _) = ready!(Self::read(pager, at, format::HEADER_BYTES));
        let Some(mut header) = Header::decode(&bytes, page_bytes) else { return Ok(Some(At::Sync)) };
        if let Some(first) = self.header {
            // Sizes are those of the first header.
            header.sector_bytes = first.sector_bytes;
            header.page_bytes = first.page_bytes;
        }
        self.at_record = at + u64::from(header.sector_bytes);
        let record = u64::from(header.page_bytes) + format::RECORD_EXTRA as u64;
        let in_file = self.journal_bytes.saturating_sub(self.at_record) / record;
        self.left = match header.count {
            format::COUNT_FROM_LENGTH => in_file,
            count => u64::from(count),
        };
        self.header = Some(header);
        if self.page_count.is_none() {
            self.page_count = Some(header.page_count);
            return Ok(Some(At::Resize));
        }
        Ok(Some(At::Records))
    }

    /// Gives the database file the length that it had before the transaction. It is never made longer than what the journal could fill: a
    /// transaction cuts the file behind its commit point, or has the pages in the journal, so a header that asks for more is damaged.
    fn resize(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(header) = self.header else { return Ok(Some(At::Sync)) };
        let page_bytes = u64::from(header.page_bytes);
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let len = ready!(wait.length(|| files.main.len()));
        let most = len.saturating_add(self.journal_bytes) / page_bytes;
        let pages = header.page_count.min(u32::try_from(most).unwrap_or(u32::MAX));
        self.page_count = Some(pages);
        let wanted = u64::from(pages) * page_bytes;
        Ok(Some(if len > wanted || len + page_bytes <= wanted { At::Grow(wanted) } else { At::Records }))
    }

    fn grow(&mut self, pager: &mut Pager) -> Step<At> {
        let At::Grow(wanted) = self.at else { return Ok(Some(At::Records)) };
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        ready!(wait.unit(|| files.main.truncate(wanted)));
        Ok(Some(At::Records))
    }

    fn read_records(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(header) = self.header else { return Ok(Some(At::Sync)) };
        if self.left == 0 {
            // Also behind a segment without records: SQLite writes one when it spills new pages only. Behind one whose count was never
            // brought up to date there is no header.
            self.next_header = self.at_record;
            return Ok(Some(At::Header));
        }
        let record = header.page_bytes as usize + format::RECORD_EXTRA;
        let batch = self.left.min((READ_BYTES / record).max(1) as u64) as usize;
        let (bytes, len) = ready!(Self::read(pager, self.at_record, batch * record));
        let whole = len / record;
        if whole == 0 {
            return Ok(Some(At::Sync)); // the tail was never written
        }
        if whole < batch {
            self.left = whole as u64;
        }
        Ok(Some(At::Write(bytes, 0, whole)))
    }

    /// Writes the batch's pages back, one at each call of the inner loop.
    fn write(&mut self, pager: &mut Pager) -> Step<At> {
        let (Some(header), Some(page_count)) = (self.header, self.page_count) else {
            return Ok(Some(At::Sync));
        };
        let page_bytes = header.page_bytes as usize;
        let record = page_bytes + format::RECORD_EXTRA;
        let lock_byte_page = (super::super::LOCK_BYTE / u64::from(header.page_bytes) + 1) as u32;
        let At::Write(bytes, next, whole) = &mut self.at else { return Ok(Some(At::Sync)) };
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let end = *whole - usize::from(kernite_io::planted!(PlaybackStopsEarly) && *whole > 1);
        while *next < end {
            let at = *next * record;
            let number = |at: usize| bytes[at..].first_chunk().map_or(0, |raw| u32::from_be_bytes(*raw));
            let page = number(at);
            let data = at + 4..at + 4 + page_bytes;
            if page == 0 || page == lock_byte_page {
                return Ok(Some(At::Sync));
            }
            if page <= page_count {
                if format::checksum(header.nonce, &bytes[data.clone()]) != number(data.end) {
                    return Ok(Some(At::Sync));
                }
                let to = u64::from(page - 1) * u64::from(header.page_bytes);
                let slice = || vec![IoSlice { buffer: bytes.clone(), range: data }];
                ready!(wait.unit(|| files.main.write(to, slice())));
            }
            *next += 1;
        }
        self.left -= *whole as u64;
        self.at_record += (*whole * record) as u64;
        Ok(Some(At::Records))
    }
}
