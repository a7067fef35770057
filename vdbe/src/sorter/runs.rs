//! Runs: sorted rows in a temporary file, written when memory is used up, and merged.
//!
//! ```text
//! write   Open ─> Filling <─> Writing ─> run noted          one chunk in flight
//! merge   each run: [ bytes at hand | chunk read ahead ]    a row is compared only when it is wholly at hand
//! ```
//!
//! | state     | what holds                                                                                       |
//! |-----------|--------------------------------------------------------------------------------------------------|
//! | `writing` | rows before `next` are in the file or in the chunk in flight; `end` is where the next chunk goes  |
//! | merging   | `heap` has the runs that still have a row, the smallest on top, ties by the age of the run       |
//! | advancing | the row on top has been given out and passed, its successor is not at hand yet                   |
//!
//! The file has no name and nothing in it is ever durable.
//!
//! Never: comparing in memory (`super`), the arena's format beyond its rows as they are.

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::Error as StorageError;
use kernite_btree::record::compare_records;
use kernite_io::{
    AccessMode, Buffer, Completion, File, FileKind, Io, IoSlice, OpenFlags, OpenOutcome, Outstanding,
    Pending, ready,
};

use super::key::{KeyEncoder, damaged};
use super::rows::{Entry, Rows};
use crate::{Error, Step};

/// Bytes of a write, and at most of a read.
const CHUNK_BYTES: usize = 256 << 10;
/// The smallest read, however many runs there are.
const CHUNK_MIN_BYTES: usize = 16 << 10;
/// Lengths of key and record.
const HEADER_LEN: usize = 8;

/// An operation that may be under way.
struct Flight<T>(Option<Arc<Completion<T>>>);

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Flight(None)
    }
}

impl<T> Flight<T> {
    fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// Takes an operation that was just begun; its value, if it is over.
    fn begin(&mut self, pending: Pending<T>, outstanding: &mut Outstanding) -> Step<T> {
        match pending {
            Pending::Done(outcome) => Ok(Some(outcome.map_err(StorageError::from)?)),
            Pending::Queued(completion) => {
                outstanding.track(&completion);
                self.0 = Some(completion);
                Ok(None)
            }
        }
    }

    /// The value of the operation under way, when it is over.
    fn poll(&mut self, outstanding: &mut Outstanding) -> Step<T> {
        let Some(completion) = &self.0 else { return Err(lost()) };
        match completion.take() {
            Some(outcome) => {
                self.0 = None;
                Ok(Some(outcome.map_err(StorageError::from)?))
            }
            None => {
                outstanding.prune();
                outstanding.track(completion);
                Ok(None)
            }
        }
    }
}

#[cold]
fn lost() -> Error {
    Error::Program { at: 0, what: "sorter run lost its place" }
}

/// All runs of a sorter.
#[derive(Default)]
pub(super) struct Runs {
    file: Option<Arc<dyn File>>,
    opening: Flight<OpenOutcome>,
    ranges: Vec<(u64, u64)>,
    /// Where the next chunk goes.
    end: u64,
    writing: Option<Writing>,
    readers: Vec<Reader>,
    heap: Vec<usize>,
    advancing: bool,
}

/// A run being written.
struct Writing {
    start: u64,
    next: usize,
    flight: Flight<()>,
}

impl Runs {
    /// Whether a run is half written.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Writes `entries`, which are sorted, as a run.
    pub(super) fn write(
        &mut self,
        io: &dyn Io,
        outstanding: &mut Outstanding,
        rows: &Rows,
        entries: &[Entry],
    ) -> Step<()> {
        let writing =
            self.writing.get_or_insert(Writing { start: self.end, next: 0, flight: Flight::default() });
        if self.file.is_none() {
            let opened = if self.opening.is_busy() {
                ready!(self.opening.poll(outstanding))
            } else {
                let mut flags = OpenFlags::new(FileKind::Transient, AccessMode::ReadWrite);
                flags.create = true;
                flags.exclusive = true;
                flags.delete_on_close = true;
                ready!(self.opening.begin(io.open(None, flags), outstanding))
            };
            self.file = Some(opened.file);
        }
        let Some(file) = &self.file else { return Err(lost()) };
        loop {
            if writing.flight.is_busy() {
                ready!(writing.flight.poll(outstanding));
            }
            let mut chunk = Vec::with_capacity(CHUNK_BYTES + 4096);
            while chunk.len() < CHUNK_BYTES
                && let Some(entry) = entries.get(writing.next)
            {
                let (key, record) = (rows.key(entry.at), rows.record(entry.at));
                chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
                chunk.extend_from_slice(&(record.len() as u32).to_le_bytes());
                chunk.extend_from_slice(key);
                chunk.extend_from_slice(record);
                writing.next += 1;
            }
            if chunk.is_empty() {
                break;
            }
            let at = self.end;
            self.end += chunk.len() as u64;
            let slices = vec![IoSlice::whole(Buffer::copy_of(&chunk))];
            ready!(writing.flight.begin(file.write(at, slices), outstanding));
        }
        self.ranges.push((writing.start, self.end));
        self.writing = None;
        Ok(Some(()))
    }

    /// Begins merging and goes to the first row; whether there is one.
    pub(super) fn start_merge(
        &mut self,
        outstanding: &mut Outstanding,
        encoder: &KeyEncoder,
        memory_max_bytes: usize,
    ) -> Step<bool> {
        let Some(file) = &self.file else { return Ok(Some(false)) };
        if self.readers.len() != self.ranges.len() {
            let chunk =
                (memory_max_bytes / (2 * self.ranges.len().max(1))).clamp(CHUNK_MIN_BYTES, CHUNK_BYTES);
            self.readers =
                self.ranges.iter().map(|&(at, end)| Reader { at, end, chunk, ..Reader::default() }).collect();
        }
        for reader in &mut self.readers {
            ready!(reader.have_row(&**file, outstanding));
        }
        self.heap = (0..self.readers.len()).filter(|&run| self.readers[run].has_row()).collect();
        for at in (0..self.heap.len() / 2).rev() {
            self.sift_down(at, encoder)?;
        }
        self.advancing = false;
        Ok(Some(!self.heap.is_empty()))
    }

    /// Goes to the next row; whether there is one.
    pub(super) fn next(&mut self, outstanding: &mut Outstanding, encoder: &KeyEncoder) -> Step<bool> {
        let (Some(&top), Some(file)) = (self.heap.first(), &self.file) else { return Ok(Some(false)) };
        let reader = self.readers.get_mut(top).ok_or_else(lost)?;
        if !self.advancing {
            reader.pass_row();
            self.advancing = true;
        }
        if !ready!(reader.have_row(&**file, outstanding)) {
            let last = self.heap.len() - 1;
            self.heap.swap(0, last);
            self.heap.pop();
        }
        self.advancing = false;
        self.sift_down(0, encoder)?;
        Ok(Some(!self.heap.is_empty()))
    }

    /// The record at hand.
    #[inline]
    pub(super) fn record(&self) -> Option<&[u8]> {
        self.readers.get(*self.heap.first()?)?.row().map(|(_, record)| record)
    }

    fn sift_down(&mut self, mut at: usize, encoder: &KeyEncoder) -> Result<(), Error> {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.is_less(self.heap[child], self.heap[least], encoder)? {
                    least = child;
                }
            }
            if least == at {
                return Ok(());
            }
            self.heap.swap(at, least);
            at = least;
        }
    }

    fn is_less(&self, left: usize, right: usize, encoder: &KeyEncoder) -> Result<bool, Error> {
        let row = |run: usize| self.readers.get(run).and_then(Reader::row).ok_or_else(lost);
        let ((left_key, left_record), (right_key, right_record)) = (row(left)?, row(right)?);
        let order = if encoder.by_bytes() {
            left_key.cmp(right_key)
        } else {
            compare_records(left_record, right_record, encoder.info(), encoder.column_count())
                .map_err(damaged)?
        };
        Ok(order.then(left.cmp(&right)) == Ordering::Less)
    }
}

/// One run being read.
#[derive(Default)]
struct Reader {
    /// Next byte of the file to be asked for, and the run's end.
    at: u64,
    end: u64,
    chunk: usize,
    bytes: Vec<u8>,
    /// Start of the row at hand.
    pos: usize,
    flight: Flight<(Buffer, usize)>,
}

impl Reader {
    /// The length of the row at `pos`, where its header is at hand.
    fn row_len(&self) -> Option<(usize, usize)> {
        let [a, b, c, d, e, f, g, h] = *self.bytes.get(self.pos..)?.first_chunk::<HEADER_LEN>()?;
        Some((u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize))
    }

    /// Key and record of the row at hand.
    fn row(&self) -> Option<(&[u8], &[u8])> {
        let (key, record) = self.row_len()?;
        let start = self.pos + HEADER_LEN;
        let row = self.bytes.get(start..start + key + record)?;
        Some(row.split_at(key))
    }

    fn has_row(&self) -> bool {
        self.row().is_some()
    }

    fn pass_row(&mut self) {
        if let Some((key, record)) = self.row_len() {
            self.pos += HEADER_LEN + key + record;
        }
    }

    /// Makes sure that the next row is wholly at hand; `false` at the end of the run.
    fn have_row(&mut self, file: &dyn File, outstanding: &mut Outstanding) -> Step<bool> {
        while !self.has_row() {
            if !self.flight.is_busy() {
                if self.at >= self.end {
                    return if self.pos == self.bytes.len() { Ok(Some(false)) } else { Err(lost()) };
                }
                if let Some(chunk) = self.ask(file, outstanding)? {
                    self.take(chunk)?;
                    continue;
                }
            }
            let chunk = ready!(self.flight.poll(outstanding));
            self.take(chunk)?;
            // The chunk after it is read while this one is merged.
            if self.at < self.end
                && let Some(chunk) = self.ask(file, outstanding)?
            {
                self.take(chunk)?;
            }
        }
        Ok(Some(true))
    }

    /// Asks for the next chunk.
    fn ask(&mut self, file: &dyn File, outstanding: &mut Outstanding) -> Step<(Buffer, usize)> {
        let len = (self.end - self.at).min(self.chunk as u64) as usize;
        let buffer = Buffer::try_zeroed(len).ok_or(Error::Storage(StorageError::NoMemory))?;
        let pending = file.read(self.at, buffer);
        self.at += len as u64;
        self.flight.begin(pending, outstanding)
    }

    /// Appends a chunk to the bytes at hand.
    fn take(&mut self, (buffer, len): (Buffer, usize)) -> Result<(), Error> {
        if len < buffer.len() {
            return Err(lost());
        }
        self.bytes.drain(..self.pos);
        self.pos = 0;
        self.bytes.try_reserve(len).map_err(|_| Error::Storage(StorageError::NoMemory))?;
        self.bytes.extend_from_slice(&buffer);
        Ok(())
    }
}
