//! The sorter: records in, the same records out in the order of their keys, ties in the order of arrival.
//!
//! ```text
//! insert ─> arena (rows) + entries (first key bytes, place) ── sort ──> next, record
//!               └── over the memory allowed: sorted run in a temporary file ── merge ──┘
//! ```
//!
//! `key` makes keys that compare as bytes, `rows` is the arena, `radix` sorts entries by their numbers, `runs` writes and merges runs.
//!
//! Three orders, from fast to slow: one column of integers or of reals, whose value is all the key ([`Order::Numbers`]; given up at the
//! first key of another kind); normalised keys; records, where a column has a user's collation. A sorter with a limit keeps little more than
//! the rows that are wanted, and drops others before it copies them.
//!
//! Rows lie in the arena as they came, and are wanted in another order: each would be a wait for memory. So wherever rows are visited in
//! sorted order, several of them are asked for at once.
//!
//! Never: opcodes, registers of the program beyond the values handed in.

pub(crate) mod key;
mod radix;
pub(crate) mod rows;
mod runs;

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::record::{Values, compare_records};
use kernite_btree::{Error as StorageError, KeyInfo, ValueRef};
use kernite_io::{Io, Outstanding, ready};

use crate::register::{Register, Tag};
use crate::{Error, Step};

use key::{KeyEncoder, damaged};
use rows::{Entry, Rows};
use runs::Runs;

/// What rows are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The entry's number is the whole key: all keys are of this kind.
    Numbers { kind: NumberKind, descending: bool },
    /// Normalised keys; the entry has the first bytes.
    Bytes,
    /// The records themselves.
    Records,
}

/// What keys that are numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberKind {
    Integers,
    Reals,
}

/// Rows that are asked for at once.
const ROWS_AHEAD: usize = 32;

/// Keys of which the second bytes are fetched at once.
const TIES_AT_ONCE: usize = 256;

/// Rows kept beyond the limit before the surplus is cut off.
const SURPLUS_MIN: usize = 64;

/// A sorter.
pub(crate) struct Sorter {
    encoder: KeyEncoder,
    order: Order,
    entries: Vec<Entry>,
    rows: Rows,
    /// How many rows are wanted; 0 = all.
    limit: usize,
    /// The last of the rows wanted so far: a row that is not less is dropped.
    threshold: Option<Entry>,
    memory_max_bytes: usize,
    runs: Option<Box<Runs>>,
    /// The row at hand among `entries`.
    at: usize,
    key: Vec<u8>,
}

impl Sorter {
    /// A sorter by `info` that keeps the first `limit` rows (0 = all) and takes about `memory_max_bytes` of memory.
    pub(crate) fn new(info: Arc<KeyInfo>, limit: usize, memory_max_bytes: usize) -> Sorter {
        let encoder = KeyEncoder::new(info);
        Sorter {
            order: first_order(&encoder),
            encoder,
            entries: Vec::new(),
            rows: Rows::default(),
            limit,
            threshold: None,
            memory_max_bytes,
            runs: None,
            at: 0,
            key: Vec::new(),
        }
    }

    /// Whether this sorter sorts by this very key.
    pub(crate) fn is_by(&self, info: &Arc<KeyInfo>) -> bool {
        Arc::ptr_eq(self.encoder.info(), info)
    }

    /// Sets how many rows are wanted; before the first insert.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.order = first_order(&self.encoder);
        self.entries.clear();
        self.rows.clear();
        self.threshold = None;
        self.runs = None;
        self.at = 0;
    }

    /// Whether [`Sorter::spill`] has to run before the next insert.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len_bytes() + self.entries.len() * size_of::<Entry>() > self.memory_max_bytes
    }

    /// Adds a record. `values` are its leading values, as far as the caller has them; else they are read from the record.
    #[inline]
    pub(crate) fn insert(&mut self, record: &[u8], values: &[Register]) -> Result<(), Error> {
        if let Order::Numbers { kind, descending } = self.order {
            if let Some(number) = first_number(record, values, kind)? {
                return self.insert_number(directed(number, descending), record);
            }
            if self.entries.is_empty()
                && self.runs.is_none()
                && let Some(number) = first_number(record, values, NumberKind::Reals)?
            {
                self.order = Order::Numbers { kind: NumberKind::Reals, descending };
                return self.insert_number(directed(number, descending), record);
            }
            self.give_up_numbers()?;
        }
        self.insert_keyed(record, values)
    }

    #[inline]
    fn insert_number(&mut self, number: u64, record: &[u8]) -> Result<(), Error> {
        if self.threshold.is_some_and(|last| number >= last.prefix) {
            return Ok(());
        }
        let entry = self.rows.push_numbered(number, record)?;
        self.add(entry)
    }

    fn insert_keyed(&mut self, record: &[u8], values: &[Register]) -> Result<(), Error> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let encoded = self.encode(record, values, &mut key);
        let outcome = encoded.and_then(|()| self.insert_with_key(record, &key));
        self.key = key;
        outcome
    }

    fn encode(&self, record: &[u8], values: &[Register], key: &mut Vec<u8>) -> Result<(), Error> {
        if self.order != Order::Bytes {
            return Ok(());
        }
        let count = self.encoder.column_count();
        match values.get(..count) {
            Some(values) if count > 0 => {
                values.iter().enumerate().for_each(|(at, value)| self.encoder.push(at, value.value(), key));
                Ok(())
            }
            _ => self.encoder.push_record(record, key),
        }
    }

    fn insert_with_key(&mut self, record: &[u8], key: &[u8]) -> Result<(), Error> {
        if let Some(last) = self.threshold {
            let order = match self.order {
                Order::Records => self.compare_records(record, self.rows.record(last.at))?,
                _ => key::prefix(key).cmp(&last.prefix).then_with(|| key.cmp(self.rows.key(last.at))),
            };
            // An equal row came earlier, and stays.
            if order != Ordering::Less {
                return Ok(());
            }
        }
        let entry = self.rows.push(key, record)?;
        self.add(entry)
    }

    #[inline]
    fn add(&mut self, entry: Entry) -> Result<(), Error> {
        if self.entries.len() == self.entries.capacity() {
            self.entries.try_reserve(64).map_err(|_| Error::Storage(StorageError::NoMemory))?;
        }
        self.entries.push(entry);
        if self.limit > 0 && self.entries.len() >= self.limit.saturating_add(self.limit.max(SURPLUS_MIN)) {
            self.cut_surplus()?;
        }
        Ok(())
    }

    /// Cuts off the rows that are not wanted, and their bytes.
    #[cold]
    fn cut_surplus(&mut self) -> Result<(), Error> {
        self.sort_entries()?;
        self.entries.truncate(self.limit);
        let mut rows = Rows::default();
        // Sorted order is not the order of arrival, which settles ties: rows are copied in that.
        self.entries.sort_unstable_by_key(|entry| entry.at);
        for entry in &mut self.entries {
            let key = self.rows.key(entry.at);
            let moved = if key.is_empty() && matches!(self.order, Order::Numbers { .. }) {
                rows.push_numbered(entry.prefix, self.rows.record(entry.at))?
            } else {
                rows.push(key, self.rows.record(entry.at))?
            };
            *entry = moved;
        }
        self.rows = rows;
        let mut last = None;
        for &entry in &self.entries {
            last = match last {
                Some(known) if self.compare(&entry, &known)? == Ordering::Less => Some(known),
                _ => Some(entry),
            };
        }
        self.threshold = last;
        Ok(())
    }

    /// Keys from numbers of one kind to normalised ones: a key came that is none.
    #[cold]
    fn give_up_numbers(&mut self) -> Result<(), Error> {
        self.order = Order::Bytes;
        let old = std::mem::take(&mut self.rows);
        let mut key = Vec::new();
        for entry in &mut self.entries {
            key.clear();
            let record = old.record(entry.at);
            self.encoder.push_record(record, &mut key)?;
            let at = entry.at;
            *entry = self.rows.push(&key, record)?;
            if let Some(last) = &mut self.threshold
                && last.at == at
            {
                *last = *entry;
            }
        }
        Ok(())
    }

    fn compare_records(&self, left: &[u8], right: &[u8]) -> Result<Ordering, Error> {
        compare_records(left, right, self.encoder.info(), self.encoder.column_count()).map_err(damaged)
    }

    /// The order of two entries, ties by arrival.
    fn compare(&self, left: &Entry, right: &Entry) -> Result<Ordering, Error> {
        let order = match self.order {
            Order::Numbers { .. } => left.prefix.cmp(&right.prefix),
            Order::Bytes => left
                .prefix
                .cmp(&right.prefix)
                .then_with(|| self.rows.key(left.at).cmp(self.rows.key(right.at))),
            Order::Records => self.compare_records(self.rows.record(left.at), self.rows.record(right.at))?,
        };
        Ok(order.then(left.at.cmp(&right.at)))
    }

    /// Sorts the entries in memory.
    fn sort_entries(&mut self) -> Result<(), Error> {
        let mut entries = std::mem::take(&mut self.entries);
        let outcome = self.sort_slice(&mut entries);
        self.entries = entries;
        outcome
    }

    fn sort_slice(&self, entries: &mut Vec<Entry>) -> Result<(), Error> {
        match self.order {
            Order::Records => {
                let mut failure = None;
                entries.sort_by(|left, right| {
                    self.compare(left, right).unwrap_or_else(|error| {
                        failure.get_or_insert(error);
                        Ordering::Equal
                    })
                });
                failure.map_or(Ok(()), Err)
            }
            order => {
                radix::sort(entries);
                if order == Order::Bytes {
                    self.settle_ties(entries);
                }
                Ok(())
            }
        }
    }

    /// Entries are in the order of their first bytes: sorts those that have them in common by the rest.
    ///
    /// The next bytes of many keys are fetched in one pass, in which no fetch waits for another; they mostly decide.
    fn settle_ties(&self, entries: &mut [Entry]) {
        let is_tied = |left: &Entry, right: &Entry| left.prefix == right.prefix;
        let mut block: Vec<(u64, Entry)> = Vec::new();
        let mut rest = entries;
        while !rest.is_empty() {
            let mut end = rest.len().min(TIES_AT_ONCE);
            while end < rest.len() && is_tied(&rest[end - 1], &rest[end]) {
                end += 1;
            }
            let (now, later) = rest.split_at_mut(end);
            rest = later;
            block.clear();
            if now.windows(2).all(|pair| !is_tied(&pair[0], &pair[1])) {
                continue;
            }
            if block.try_reserve(now.len()).is_err() {
                now.sort_unstable_by(|left, right| {
                    left.prefix.cmp(&right.prefix).then_with(|| self.compare_rest(left, right))
                });
                continue;
            }
            block.extend(now.iter().map(|&entry| (self.rows.second_prefix(entry.at), entry)));
            for group in block.chunk_by_mut(|left, right| is_tied(&left.1, &right.1)) {
                group.sort_unstable_by(|left, right| {
                    left.0.cmp(&right.0).then_with(|| self.compare_rest(&left.1, &right.1))
                });
            }
            for (place, (_, entry)) in now.iter_mut().zip(&block) {
                *place = *entry;
            }
        }
    }

    /// The order of two entries with the same first bytes.
    fn compare_rest(&self, left: &Entry, right: &Entry) -> Ordering {
        self.rows.key(left.at).cmp(self.rows.key(right.at)).then(left.at.cmp(&right.at))
    }

    /// Asks for the rows that come next.
    #[inline(never)]
    fn look_ahead(&self) {
        let ahead = self.entries.iter().skip(self.at).take(ROWS_AHEAD);
        let sum = ahead.fold(0u8, |sum, entry| sum ^ self.rows.first_byte(entry.at));
        std::hint::black_box(sum);
    }

    /// Writes what is in memory to a temporary file, as a sorted run. Call again until done.
    pub(crate) fn spill(&mut self, io: &dyn Io, outstanding: &mut Outstanding) -> Step<()> {
        if self.runs.as_ref().is_none_or(|runs| !runs.is_writing()) {
            if matches!(self.order, Order::Numbers { .. }) {
                self.give_up_numbers()?;
            }
            self.sort_entries()?;
            if self.limit > 0 {
                self.entries.truncate(self.limit);
            }
        }
        let runs = self.runs.get_or_insert_with(Box::default);
        ready!(runs.write(io, outstanding, &self.rows, &self.entries));
        self.entries.clear();
        self.rows.clear();
        self.threshold = None;
        Ok(Some(()))
    }

    /// Sorts everything and goes to the first row; whether there is one. Call again until done.
    pub(crate) fn sort(&mut self, io: &dyn Io, outstanding: &mut Outstanding) -> Step<bool> {
        if self.runs.is_none() {
            self.sort_entries()?;
            if self.limit > 0 {
                self.entries.truncate(self.limit);
            }
            self.at = 0;
            self.look_ahead();
            return Ok(Some(!self.entries.is_empty()));
        }
        if !self.entries.is_empty() {
            ready!(self.spill(io, outstanding));
        }
        let Some(runs) = &mut self.runs else { return Ok(Some(false)) };
        let found = ready!(runs.start_merge(outstanding, &self.encoder, self.memory_max_bytes));
        self.at = 0;
        Ok(Some(found))
    }

    /// Goes to the next row; whether there is one. Call again until done.
    #[inline]
    pub(crate) fn next(&mut self, outstanding: &mut Outstanding) -> Step<bool> {
        if let Some(runs) = &mut self.runs {
            if self.limit > 0 && self.at + 1 >= self.limit {
                return Ok(Some(false));
            }
            let found = ready!(runs.next(outstanding, &self.encoder));
            self.at += 1;
            return Ok(Some(found));
        }
        self.at += 1;
        if self.at.is_multiple_of(ROWS_AHEAD) {
            self.look_ahead();
        }
        Ok(Some(self.at < self.entries.len()))
    }

    /// The record at hand.
    ///
    /// # Errors
    /// [`Error::Program`] before `sort` and past the end.
    #[inline]
    pub(crate) fn record(&self) -> Result<&[u8], Error> {
        let record = match &self.runs {
            None => self.entries.get(self.at).map(|entry| self.rows.record(entry.at)),
            Some(runs) => runs.record(),
        };
        record.ok_or(Error::Program { at: 0, what: "sorter without a row" })
    }

    /// Whether the first `count` columns of the row at hand equal those of `record`; a NULL is equal to nothing.
    pub(crate) fn row_equals(&self, record: &[u8], count: usize) -> Result<bool, Error> {
        let mut values = Values::new(record).map_err(damaged)?;
        for _ in 0..count {
            if let Some(ValueRef::Null) = values.next_value().map_err(damaged)? {
                return Ok(false);
            }
        }
        let order = compare_records(self.record()?, record, self.encoder.info(), count).map_err(damaged)?;
        Ok(order == Ordering::Equal)
    }
}

/// The order that a sorter begins with.
fn first_order(encoder: &KeyEncoder) -> Order {
    match encoder.single_column() {
        _ if !encoder.by_bytes() => Order::Records,
        Some(descending) => Order::Numbers { kind: NumberKind::Integers, descending },
        None => Order::Bytes,
    }
}

#[inline(always)]
fn directed(ascending: u64, descending: bool) -> u64 {
    if descending { !ascending } else { ascending }
}

/// The first value in the order in which unsigned numbers compare, where it is of that kind.
#[inline]
fn first_number(record: &[u8], values: &[Register], kind: NumberKind) -> Result<Option<u64>, Error> {
    let value = match values.first() {
        Some(first) => match (first.tag(), kind) {
            (Tag::Integer, NumberKind::Integers) => return Ok(Some(first.number as u64 ^ 1 << 63)),
            _ => first.value(),
        },
        None => {
            let mut values = Values::new(record).map_err(damaged)?;
            values.next_value().map_err(damaged)?.unwrap_or(ValueRef::Null)
        }
    };
    Ok(match (value, kind) {
        (ValueRef::Integer(number), NumberKind::Integers) => Some(number as u64 ^ 1 << 63),
        (ValueRef::Real(number), NumberKind::Reals) => Some(key::real_order(number)),
        (ValueRef::Integer(number), NumberKind::Reals) => key::exact_real(number).map(key::real_order),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
