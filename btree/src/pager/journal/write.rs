//! Flushing the journal: what was noted goes to the file and is made durable, so that database pages may be overwritten.
//!
//! ```text
//!            .---------------.                      synchronous: OFF     NORMAL   FULL, EXTRA
//! Open -> Length -> Write -> Super -> Cut -> Stale -> SyncRecords                   x
//!                                                  -> Seal               (x)        x
//!                                                  -> SyncSeal            x         x
//!                                                  -> SyncDirectory       x         x        -> Done
//! ```
//!
//! - `Write`: records, behind a header without magic: a crash here leaves a segment that is not there. (A header with a count of 0 would not do:
//!   behind it a header that an earlier transaction left could be taken for the next.)
//! - `Super`, `Cut`: the name of the super-journal, which has to be the last thing in the file.
//! - `Stale`: a header left by an earlier transaction behind our records must not look like our next one.
//! - `SyncRecords`: records are durable before the seal (magic and count) that vouches for them is written. In NORMAL both are synced together,
//!   and the seal is in the header at once where one write holds all records and nothing of an earlier transaction can be behind them.
//! - `Done`: every noted image is durable (as far as the mode promises). A later flush opens a new segment, except that without
//!   syncs there is one segment for all.
//!
//! Spec: "Atomic Commit In SQLite", "Flushing The Rollback Journal File To Mass Storage".

use kernite_io::{AccessMode, Buffer, FileKind, IoSlice, OpenFlags, ready};

use super::format::{self, Header};
use crate::pager::{Pager, files};
use crate::{Error, Step};

/// Odd, so that a nonce comes back only after all others.
const NONCE_STEP: u32 = 0x9e37_79b9;
/// Records in one write: two slices each, and systems take 1024 of them.
const BATCH_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Open,
    Length,
    Write,
    Super,
    Cut,
    Stale,
    SyncRecords,
    Seal,
    SyncSeal,
    SyncDirectory,
    Done,
}

/// The script.
pub(in crate::pager) struct Flush {
    at: At,
    super_name: Option<Vec<u8>>,
    /// Records of the write under way.
    batch: Option<usize>,
    stale_header_found: bool,
    stale_header_removed: bool,
}

impl Flush {
    /// Flushes everything noted so far, and with `super_name` the record that names it.
    pub(in crate::pager) fn new(super_name: Option<Vec<u8>>) -> Flush {
        Flush {
            at: At::Open,
            super_name,
            batch: None,
            stale_header_found: false,
            stale_header_removed: false,
        }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        if !pager.settings.journal_has_file() {
            return Ok(Some(()));
        }
        loop {
            self.at = match self.at {
                At::Open => ready!(self.open(pager)),
                At::Length => ready!(Self::length(pager)),
                At::Write => ready!(self.write(pager)),
                At::Super => ready!(self.write_super(pager)),
                At::Cut => ready!(Self::cut(pager)),
                At::Stale => ready!(self.stale(pager)),
                At::SyncRecords => {
                    let wanted = pager.settings.syncs_twice() || self.stale_header_removed;
                    if wanted && !kernite_io::planted!(JournalRecordsNotSynced) {
                        ready!(Self::sync(pager));
                    }
                    At::Seal
                }
                At::Seal => ready!(Self::seal(pager)),
                At::SyncSeal => {
                    if pager.settings.syncs() && !kernite_io::planted!(JournalSealNotSynced) {
                        ready!(Self::sync(pager));
                    }
                    At::SyncDirectory
                }
                At::SyncDirectory => ready!(Self::sync_directory(pager)),
                At::Done => return Ok(Some(())),
            };
        }
    }

    fn open(&mut self, pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        let journal = files.log.journal()?;
        if journal.is_started() && journal.images.is_empty() && journal.synced && self.super_name.is_none() {
            return Ok(Some(At::Done));
        }
        if journal.file.is_none() {
            let flags =
                OpenFlags { create: true, ..OpenFlags::new(FileKind::MainJournal, AccessMode::ReadWrite) };
            let opened = ready!(wait.opened(|| files.io.open(Some(path), flags)));
            journal.file = Some(opened.file);
            journal.stale_until = 0;
            journal.stale_headers = journal.existed;
            if journal.existed {
                return Ok(Some(At::Length));
            }
        }
        Ok(Some(At::Write))
    }

    fn length(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let journal = files.log.journal()?;
        if let Some(file) = &journal.file {
            journal.stale_until = ready!(wait.length(|| file.len()));
        }
        Ok(Some(At::Write))
    }

    /// One batch of records, with the segment's header before the first.
    fn write(&mut self, pager: &mut Pager) -> Step<At> {
        let page_bytes = pager.cache.page_size();
        let (syncs, twice) = (pager.settings.syncs(), pager.settings.syncs_twice());
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let sector_bytes = files.sector_bytes;
        let journal = files.log.journal()?;
        let more = !journal.images.is_empty() || !journal.is_started();
        if self.batch.is_none() && !more {
            return Ok(Some(At::Super));
        }
        let batch = self.batch.unwrap_or(journal.images.len().min(BATCH_MAX));
        if self.batch.replace(batch).is_none() && !journal.segment_open {
            journal.nonce = Some(match journal.nonce {
                Some(nonce) => nonce.wrapping_add(NONCE_STEP),
                None => {
                    let mut nonce = [0; 4];
                    files.io.fill_random(&mut nonce);
                    u32::from_be_bytes(nonce)
                }
            });
            if journal.records > 0 {
                journal.header_at = format::align(journal.end, sector_bytes);
            }
            // A segment without records (new pages were spilled, nothing else) is used again. Who looked for a header behind it might
            // find one that an older journal left there.
            journal.end = journal.header_at + u64::from(sector_bytes);
            journal.records = 0;
        }
        let at_once = batch == journal.images.len() && journal.stale_until == 0 && !twice;
        let count = if syncs { batch as u32 } else { format::COUNT_FROM_LENGTH };
        let sealed = !syncs || at_once || kernite_io::planted!(JournalCountTooEarly);
        let nonce = journal.nonce.unwrap_or_default();
        let header = Header {
            count,
            nonce,
            page_count: journal.page_count
                - u32::from(kernite_io::planted!(JournalPageCountWrong) && journal.page_count > 2),
            sector_bytes,
            page_bytes: page_bytes as u32,
        };
        let Some(file) = journal.file.clone() else { return Err(Error::CannotOpen) };
        let header = (!journal.segment_open).then_some((header, sealed));
        let at = if header.is_some() { journal.header_at } else { journal.end };
        let images = &journal.images[..batch];
        let nonce = if kernite_io::planted!(JournalNonceStale) && at > 0 {
            nonce.wrapping_sub(NONCE_STEP)
        } else {
            nonce
        };
        ready!(wait.unit(|| file.write(at, slices(header, images, nonce))));
        journal.unsealed |= header.is_some_and(|(_, sealed)| !sealed);
        journal.segment_open = true;
        journal.synced = false;
        journal.records += batch as u32;
        journal.end += (batch * (page_bytes + format::RECORD_EXTRA)) as u64;
        for image in journal.images.drain(..batch) {
            pager.cache.recycle(image.buffer);
        }
        self.batch = None;
        Ok(Some(At::Write))
    }

    fn write_super(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(name) = &self.super_name else { return Ok(Some(At::Stale)) };
        let lock_byte_page = pager.lock_byte_page().get();
        let twice = pager.settings.syncs_twice();
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let sector_bytes = files.sector_bytes;
        let journal = files.log.journal()?;
        let Some(file) = &journal.file else { return Err(Error::CannotOpen) };
        let at = if twice { format::align(journal.end, sector_bytes) } else { journal.end };
        let record = format::encode_super(lock_byte_page, name);
        let len = record.len() as u64;
        ready!(wait.unit(|| file.write(at, vec![IoSlice::whole(Buffer::copy_of(&record))])));
        journal.end = at + len;
        journal.has_super = true;
        journal.synced = false;
        self.super_name = None;
        Ok(Some(At::Cut))
    }

    fn cut(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let journal = files.log.journal()?;
        if journal.stale_until > journal.end
            && let Some(file) = &journal.file
        {
            ready!(wait.unit(|| file.truncate(journal.end)));
            journal.stale_until = 0;
        }
        Ok(Some(At::SyncRecords))
    }

    fn stale(&mut self, pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let sector_bytes = files.sector_bytes;
        let journal = files.log.journal()?;
        let next = format::align(journal.end, sector_bytes);
        let Some(file) = &journal.file else { return Err(Error::CannotOpen) };
        if journal.stale_until <= next
            || !journal.stale_headers
            || kernite_io::planted!(JournalStaleHeaderKept)
        {
            return Ok(Some(At::SyncRecords));
        }
        if !self.stale_header_found {
            let (bytes, _) = ready!(wait.bytes(|| file.read(next, Buffer::zeroed(format::MAGIC.len()))));
            if bytes[..] != format::MAGIC {
                return Ok(Some(At::SyncRecords));
            }
            self.stale_header_found = true;
        }
        ready!(wait.unit(|| file.write(next, vec![IoSlice::whole(Buffer::zeroed(1))])));
        self.stale_header_found = false;
        self.stale_header_removed = true;
        Ok(Some(At::SyncRecords))
    }

    fn seal(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let journal = files.log.journal()?;
        if journal.unsealed {
            let Some(file) = &journal.file else { return Err(Error::CannotOpen) };
            let at = journal.header_at;
            let mut seal = [0; format::SEAL_BYTES];
            seal[..8].copy_from_slice(&format::MAGIC);
            seal[8..].copy_from_slice(&journal.records.to_be_bytes());
            ready!(wait.unit(|| file.write(at, vec![IoSlice::whole(Buffer::copy_of(&seal))])));
            journal.unsealed = false;
        }
        Ok(Some(At::SyncSeal))
    }

    fn sync(pager: &mut Pager) -> Step<()> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let Some(file) = &files.log.journal()?.file else { return Err(Error::CannotOpen) };
        wait.unit(|| file.sync(true))
    }

    fn sync_directory(pager: &mut Pager) -> Step<At> {
        let syncs = pager.settings.syncs();
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        let journal = files.log.journal()?;
        if syncs && !journal.directory_synced && !kernite_io::planted!(JournalDirectoryNotSynced) {
            ready!(wait.unit(|| files.io.sync_dir(path)));
            journal.directory_synced = true;
        }
        journal.synced = true;
        // Without syncs no count bounds the segment: the next flush goes on with it.
        journal.segment_open = !syncs;
        Ok(Some(At::Done))
    }
}

/// Header and records as slices. The page numbers and checksums lie in one buffer between which the pages are woven:
/// `[number 0] page 0 [checksum 0, number 1] page 1 [checksum 1, ...`.
fn slices(header: Option<(Header, bool)>, images: &[super::JournalImage], nonce: u32) -> Vec<IoSlice> {
    let mut out = Vec::with_capacity(images.len() * 2 + 2);
    if let Some((header, sealed)) = header {
        let mut bytes = Buffer::zeroed(header.sector_bytes.max(format::HEADER_BYTES as u32) as usize);
        header.encode(bytes.make_mut());
        if !sealed {
            bytes.make_mut()[..format::SEAL_BYTES].fill(0);
        }
        out.push(IoSlice::whole(bytes));
    }
    let mut marks = Buffer::zeroed(images.len() * format::RECORD_EXTRA);
    for (mark, image) in marks.make_mut().chunks_exact_mut(format::RECORD_EXTRA).zip(images) {
        mark[..4].copy_from_slice(&image.page.get().to_be_bytes());
        mark[4..].copy_from_slice(&format::checksum(nonce, &image.buffer).to_be_bytes());
    }
    let mut from = 0;
    for (index, image) in images.iter().enumerate() {
        let to = index * format::RECORD_EXTRA + 4;
        out.push(IoSlice { buffer: marks.clone(), range: from..to });
        out.push(IoSlice::whole(image.buffer.clone()));
        from = to;
    }
    if !images.is_empty() {
        out.push(IoSlice { range: from..marks.len(), buffer: marks });
    }
    out
}
