//! Appending frames: spills, commits, and undoing them.
//!
//! ```text
//! Start -> Restart -> Header -> HeaderSync -> Directory -> Plan -> Overwrite -> Append -> Pad -> Rechecksum -> Sync -> Limit -> Index
//!            '---- the WAL goes on ------------------------^
//! ```
//!
//! - `Header`: the first frame of a WAL; its header is durable before any frame, or an old header could vouch for new frames.
//! - `Overwrite`: a page that this transaction spilled before is written over its own frame. All checksums from there on are wrong until
//!   `Rechecksum`, and frames appended meanwhile carry none: a crash before the commit leaves frames that do not count.
//! - `Append`: headers and pages in one write; the last frame of a commit carries the mark.
//! - `Sync`: a commit in FULL and EXTRA. In NORMAL the next checkpoint syncs.
//! - `Index`: entries are there, but past the published `max_frame`: nobody sees them. [`Wal::publish`] is the commit point for others.
//!
//! Spec: "WAL-mode File Format", "WAL File"; "Write-Ahead Logging", "Performance Considerations".

use kernite_io::{Buffer, IoSlice, ready};

use super::Wal;
use super::checksum::Order;
use super::format::{self, FRAME_HEADER_BYTES, WalHeader};
use super::read::wal;
use super::restart::Restart;
use crate::page_no::PageNo;
use crate::pager::{FrameId, Pager, files};
use crate::{Damage, Error, Step};

/// Frames in one write: two slices each, and systems take 1024 of them.
const BATCH_MAX: usize = 256;

enum At {
    Start,
    Restart(Restart),
    Header,
    WriteHeader(Buffer),
    HeaderSync,
    Directory,
    Plan,
    Overwrite(usize),
    Append,
    Pad,
    PadWrite(u64),
    RechecksumSeed,
    RechecksumRead(u32),
    RechecksumWrite(u32, Buffer),
    Sync,
    Limit,
    Truncate(u64),
    Index,
    Done,
}

/// Frames of one write, made once however often the write is asked for.
struct Batch {
    slices: Vec<IoSlice>,
    frames: usize,
    sum: [u32; 2],
    at: u64,
}

/// The script.
pub(in crate::pager) struct WriteFrames {
    at: At,
    /// Pages of the database after the commit; `None` for a spill.
    commit: Option<u32>,
    pages: Vec<(PageNo, FrameId)>,
    /// Frames from here on are this transaction's own; 0 = it has none.
    first_own: u32,
    overwrites: Vec<(u32, FrameId)>,
    appends: Vec<(PageNo, FrameId)>,
    next: usize,
    batch: Option<Batch>,
    /// The last frame before the first one appended, and the running checksum.
    base: u32,
    sum: [u32; 2],
    /// Copies of the last frame that fill its sector.
    padding: u32,
    synced: bool,
}

impl WriteFrames {
    /// Writes all dirty pages, the last of them with a commit mark.
    pub(in crate::pager) fn commit(pager: &Pager) -> WriteFrames {
        WriteFrames { commit: Some(pager.page_count()), ..WriteFrames::spill(pager) }
    }

    /// Writes all dirty pages, to be committed later.
    pub(in crate::pager) fn spill(pager: &Pager) -> WriteFrames {
        WriteFrames {
            at: At::Start,
            commit: None,
            pages: pager.dirty_pages(),
            first_own: 0,
            overwrites: Vec::new(),
            appends: Vec::new(),
            next: 0,
            batch: None,
            base: 0,
            sum: [0, 0],
            padding: 0,
            synced: false,
        }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Start => self.start(pager)?,
                At::Restart(restart) => {
                    ready!(restart.step(pager));
                    if wal(pager)?.header.max_frame() == 0 { At::Header } else { At::Plan }
                }
                At::Header => Self::make_header(pager)?,
                At::WriteHeader(bytes) => {
                    let file = wal(pager)?.file.clone();
                    ready!(pager.wait.unit(|| file.write(0, vec![IoSlice::whole(bytes.clone())])));
                    At::HeaderSync
                }
                At::HeaderSync => {
                    if pager.settings.syncs() {
                        let file = wal(pager)?.file.clone();
                        ready!(pager.wait.unit(|| file.sync(true)));
                    }
                    At::Directory
                }
                At::Directory => ready!(Self::sync_directory(pager)),
                At::Plan => self.plan(pager)?,
                At::Overwrite(_) => ready!(self.overwrite(pager)),
                At::Append => ready!(self.append(pager)),
                At::Pad => self.pad(pager)?,
                At::PadWrite(at) => {
                    let (file, at) = (wal(pager)?.file.clone(), *at);
                    let batch = &mut self.batch;
                    let mut slices = || batch.take().map_or(Vec::new(), |batch| batch.slices);
                    ready!(pager.wait.unit(|| file.write(at, slices())));
                    self.padding += 1;
                    At::Pad
                }
                At::RechecksumSeed => ready!(self.rechecksum_seed(pager)),
                At::RechecksumRead(_) => ready!(self.rechecksum_read(pager)),
                At::RechecksumWrite(frame, head) => {
                    let wal = wal(pager)?;
                    let (file, at) = (wal.file.clone(), format::frame_at(*frame, wal.page_bytes));
                    ready!(pager.wait.unit(|| file.write(at, vec![IoSlice::whole(head.clone())])));
                    At::RechecksumRead(*frame + 1)
                }
                At::Sync => {
                    let wanted = self.commit.is_some() && pager.settings.syncs_twice() && !self.synced;
                    if wanted && !kernite_io::planted!(WalCommitNotSynced) {
                        let file = wal(pager)?.file.clone();
                        ready!(pager.wait.unit(|| file.sync(true)));
                    }
                    At::Limit
                }
                At::Limit => ready!(self.limit(pager)),
                At::Truncate(len) => {
                    let (file, len) = (wal(pager)?.file.clone(), *len);
                    // Only tidying: a WAL that is too long is as good.
                    if let Ok(None) = pager.wait.unit(|| file.truncate(len)) {
                        return Ok(None);
                    }
                    At::Index
                }
                At::Index => {
                    self.enter(pager)?;
                    At::Done
                }
                At::Done => return Ok(Some(())),
            };
        }
    }

    fn last_frame(&self) -> u32 {
        self.base + self.next as u32 + self.padding
    }

    fn start(&mut self, pager: &mut Pager) -> Result<At, Error> {
        if self.pages.is_empty() {
            return Ok(At::Done);
        }
        let wal = wal(pager)?;
        let live = wal.index.live();
        if wal.header != live {
            self.first_own = live.max_frame() + 1;
        }
        Ok(At::Restart(Restart::default()))
    }

    fn make_header(pager: &mut Pager) -> Result<At, Error> {
        let page_bytes = pager.page_size() as u32;
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let Some(wal) = files.log.wal() else { return Ok(At::Done) };
        let mut salt = wal.header.salt();
        if wal.checkpoint_sequence == 0 {
            files.io.fill_random(&mut salt);
        }
        let mut header = WalHeader {
            order: Order::NATIVE,
            page_bytes,
            checkpoint_sequence: wal.checkpoint_sequence,
            salt,
            checksum: [0, 0],
        };
        let bytes = Buffer::copy_of(&header.encode());
        wal.header.set_salt(salt);
        wal.header.set_shape(header.order, page_bytes);
        wal.header.set_frame_checksum(header.checksum);
        wal.page_bytes = page_bytes;
        wal.truncate_on_commit = true;
        Ok(At::WriteHeader(bytes))
    }

    fn sync_directory(pager: &mut Pager) -> Step<At> {
        let syncs = pager.settings.syncs();
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let Some(wal) = files.log.wal() else { return Ok(Some(At::Done)) };
        if syncs && !wal.directory_synced && !kernite_io::planted!(WalDirectoryNotSynced) {
            ready!(wait.unit(|| files.io.sync_dir(&files.wal_path)));
            wal.directory_synced = true;
        }
        Ok(Some(At::Plan))
    }

    /// Which pages go over frames of their own, and which are appended.
    fn plan(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let page_bytes = pager.page_size() as u32;
        pager.transaction.file_written = true;
        let wal = wal(pager)?;
        if wal.page_bytes != page_bytes {
            return Err(Error::Corrupt { page: None, damage: Damage::Wal });
        }
        self.base = wal.header.max_frame();
        self.sum = wal.header.frame_checksum();
        let count = self.pages.len();
        for (index, &(page, id)) in self.pages.iter().enumerate() {
            let carries_mark = self.commit.is_some() && index + 1 == count;
            if self.first_own > 0
                && !carries_mark
                && let Some(frame) = wal.index.find(page, self.first_own, self.base)?
            {
                self.overwrites.push((frame, id));
            } else {
                self.appends.push((page, id));
            }
        }
        Ok(At::Overwrite(0))
    }

    fn overwrite(&mut self, pager: &mut Pager) -> Step<At> {
        let At::Overwrite(next) = &mut self.at else { return Ok(Some(At::Append)) };
        while let Some(&(frame, id)) = self.overwrites.get(*next) {
            let buffer = pager.cache.frame(id).buffer.clone();
            let wal = wal(pager)?;
            if wal.rechecksum_from == 0 || frame < wal.rechecksum_from {
                wal.rechecksum_from = frame;
            }
            let at = format::frame_at(frame, wal.page_bytes) + FRAME_HEADER_BYTES as u64;
            let file = wal.file.clone();
            ready!(pager.wait.unit(|| file.write(at, vec![IoSlice::whole(buffer)])));
            *next += 1;
        }
        Ok(Some(At::Append))
    }

    fn append(&mut self, pager: &mut Pager) -> Step<At> {
        while self.next < self.appends.len() {
            if self.batch.is_none() {
                self.batch = Some(self.make_batch(pager)?);
            }
            let Some(batch) = &mut self.batch else { break };
            let last = self.next + batch.frames == self.appends.len();
            let wal = wal(pager)?;
            let file = wal.file.clone();
            // The sync rides with the last write, where nothing else has to be written before it.
            let with_sync = last
                && self.commit.is_some()
                && wal.rechecksum_from == 0
                && file.device().powersafe_overwrite
                && pager.settings.syncs_twice()
                && !kernite_io::planted!(WalCommitNotSynced);
            let (slices, at) = (&mut batch.slices, batch.at);
            let written = pager.wait.unit(|| {
                let slices = std::mem::take(slices);
                if with_sync { file.write_then_sync(at, slices) } else { file.write(at, slices) }
            });
            match written {
                Err(Error::Full) if kernite_io::planted!(FullIgnored) => {}
                written => ready!(written),
            }
            self.synced = with_sync;
            self.sum = batch.sum;
            self.next += batch.frames;
            self.batch = None;
        }
        Ok(Some(At::Pad))
    }

    fn make_batch(&self, pager: &mut Pager) -> Result<Batch, Error> {
        let frames = (self.appends.len() - self.next).min(BATCH_MAX);
        let mut heads = Buffer::zeroed(frames * FRAME_HEADER_BYTES);
        let mut sum = self.sum;
        let (page_bytes, salt, order, void) = {
            let wal = wal(pager)?;
            (wal.page_bytes, wal.header.salt(), wal.header.order(), wal.rechecksum_from > 0)
        };
        let batch = &self.appends[self.next..self.next + frames];
        for (index, (head, &(page, id))) in
            heads.make_mut().chunks_exact_mut(FRAME_HEADER_BYTES).zip(batch).enumerate()
        {
            let last =
                self.next + index + 1 == self.appends.len() || kernite_io::planted!(WalCommitMarkEarly);
            let mark = if last { self.commit.unwrap_or(0) } else { 0 };
            if void {
                format::encode_void_frame(head, page, mark);
            } else {
                sum =
                    format::encode_frame(head, page, mark, &salt, order, sum, &pager.cache.frame(id).buffer);
            }
        }
        let mut slices = Vec::with_capacity(frames * 2);
        for (index, &(_, id)) in batch.iter().enumerate() {
            let start = index * FRAME_HEADER_BYTES;
            slices.push(IoSlice { buffer: heads.clone(), range: start..start + FRAME_HEADER_BYTES });
            slices.push(IoSlice::whole(pager.cache.frame(id).buffer.clone()));
        }
        let at = format::frame_at(self.base + self.next as u32 + 1, page_bytes);
        Ok(Batch { slices, frames, sum, at })
    }

    /// Where a torn write may damage what is beside it, a durable commit is followed by copies of its last frame up to the end of the sector.
    fn pad(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let durable = pager.settings.syncs_twice();
        let wal = wal(pager)?;
        let device = wal.file.device();
        let end = format::frame_at(self.last_frame() + 1, wal.page_bytes);
        let written = format::frame_at(self.base + self.next as u32 + 1, wal.page_bytes);
        let sector = u64::from(device.sector_size_bytes.clamp(512, 65536));
        let (Some(pages), false, true) = (self.commit, device.powersafe_overwrite, durable) else {
            return Ok(Self::after_pad(wal));
        };
        let Some(&(page, id)) = self.appends.last() else { return Ok(Self::after_pad(wal)) };
        if end >= written.next_multiple_of(sector) {
            return Ok(Self::after_pad(wal));
        }
        let (salt, order, void) = (wal.header.salt(), wal.header.order(), wal.rechecksum_from > 0);
        let mut head = Buffer::zeroed(FRAME_HEADER_BYTES);
        let data = pager.cache.frame(id).buffer.clone();
        if void {
            format::encode_void_frame(head.make_mut(), page, pages);
        } else {
            self.sum = format::encode_frame(head.make_mut(), page, pages, &salt, order, self.sum, &data);
        }
        let slices = vec![IoSlice::whole(head), IoSlice::whole(data)];
        self.batch = Some(Batch { slices, frames: 1, sum: self.sum, at: end });
        Ok(At::PadWrite(end))
    }

    fn after_pad(wal: &Wal) -> At {
        let wanted = wal.rechecksum_from > 0 && !kernite_io::planted!(WalRechecksumForgotten);
        if wanted { At::RechecksumSeed } else { At::Sync }
    }

    /// Where the running checksum before the first wrong frame is.
    fn rechecksum_seed(&mut self, pager: &mut Pager) -> Step<At> {
        if self.commit.is_none() {
            return Ok(Some(At::Sync)); // it will be done with the commit
        }
        let wal = wal(pager)?;
        let from = wal.rechecksum_from;
        let from_first = from == 1 || kernite_io::planted!(WalRechecksumSeedWrong);
        let at = if from_first { 24 } else { format::frame_at(from - 1, wal.page_bytes) + 16 };
        let file = wal.file.clone();
        let (bytes, _) = ready!(pager.wait.bytes(|| file.read(at, Buffer::zeroed(8))));
        self.sum = format::checksum_in(&bytes, 0);
        Ok(Some(At::RechecksumRead(from)))
    }

    fn rechecksum_read(&mut self, pager: &mut Pager) -> Step<At> {
        let At::RechecksumRead(frame) = self.at else { return Ok(Some(At::Sync)) };
        let last = self.last_frame();
        let wal = wal(pager)?;
        if frame > last {
            wal.rechecksum_from = 0;
            return Ok(Some(At::Sync));
        }
        let len = wal.page_bytes as usize + FRAME_HEADER_BYTES;
        let (file, at) = (wal.file.clone(), format::frame_at(frame, wal.page_bytes));
        let (salt, order) = (wal.header.salt(), wal.header.order());
        let (bytes, read) = ready!(pager.wait.bytes(|| file.read(at, Buffer::zeroed(len))));
        let (head, data) = bytes.split_at(FRAME_HEADER_BYTES);
        let (number, mark) = format::frame_numbers(head);
        let (Some(page), true) = (PageNo::new(number), read == len) else {
            return Err(Error::Corrupt { page: None, damage: Damage::Wal });
        };
        let mut head = Buffer::zeroed(FRAME_HEADER_BYTES);
        self.sum = format::encode_frame(head.make_mut(), page, mark, &salt, order, self.sum, data);
        Ok(Some(At::RechecksumWrite(frame, head)))
    }

    /// A WAL that was started over is cut to `journal_size_limit`, or to what it needs.
    fn limit(&mut self, pager: &mut Pager) -> Step<At> {
        let limit = pager.settings.journal_size_limit;
        let last = self.last_frame();
        let wal = wal(pager)?;
        if self.commit.is_none() || !wal.truncate_on_commit || limit < 0 {
            return Ok(Some(At::Index));
        }
        let wanted = format::frame_at(last + 1, wal.page_bytes).max(limit as u64);
        let file = wal.file.clone();
        let len = match pager.wait.length(|| file.len()) {
            Ok(None) => return Ok(None),
            Ok(Some(len)) => len,
            Err(_) => return Ok(Some(At::Index)),
        };
        Ok(Some(if len > wanted { At::Truncate(wanted) } else { At::Index }))
    }

    /// Enters the frames into the index and the private header. The pages are clean from here on.
    fn enter(&mut self, pager: &mut Pager) -> Result<(), Error> {
        let page_bytes = pager.page_size() as u32;
        let wal = wal(pager)?;
        let mut frame = self.base;
        for &(page, _) in &self.appends {
            frame += 1;
            wal.index.append(frame, page, self.base)?;
        }
        for _ in 0..self.padding {
            if let Some(&(page, _)) = self.appends.last() {
                frame += 1;
                wal.index.append(frame, page, self.base)?;
            }
        }
        wal.header.set_max_frame(frame);
        wal.header.set_frame_checksum(self.sum);
        wal.header.set_shape(wal.header.order(), page_bytes);
        if let Some(pages) = self.commit {
            wal.header.set_page_count(pages);
            wal.prepared = true;
        }
        for &(_, id) in &self.pages {
            pager.cache.mark_clean(id);
        }
        pager.cache.prune_dirty();
        Ok(())
    }
}

enum UndoAt {
    Void,
    Restore,
}

/// Forgets the frames that this transaction appended.
pub(in crate::pager) struct Undo {
    at: UndoAt,
}

impl Undo {
    pub(in crate::pager) fn new() -> Undo {
        Undo { at: UndoAt::Void }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        if let UndoAt::Void = self.at {
            // The commit mark may be in the file. Without this a crash would bring back what was rolled back.
            let written = pager.transaction.file_written;
            let wal = wal(pager)?;
            let at = format::frame_at(wal.index.live().max_frame() + 1, wal.page_bytes);
            let file = wal.file.clone();
            if written && wal.page_bytes > 0 {
                let zeros = || vec![IoSlice::whole(Buffer::zeroed(FRAME_HEADER_BYTES))];
                ready!(pager.wait.unit(|| file.write(at, zeros())));
            }
            self.at = UndoAt::Restore;
        }
        let wal = wal(pager)?;
        wal.header = wal.index.live();
        wal.rechecksum_from = 0;
        wal.prepared = false;
        wal.index.forget_after(wal.header.max_frame())?;
        Ok(Some(()))
    }
}
