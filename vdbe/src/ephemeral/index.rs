//! Keys in order, in memory: DISTINCT, IN lists, automatic indexes, UNION and the other set operators, priority queues.
//!
//! ```text
//! blocks  [ entries … ] [ entries … ] [ entries … ]      each sorted, none empty, at most BLOCK_MAX entries
//! entry   first 8 key bytes, place in the arena
//! arena   normalised key, record
//! ```
//!
//! Two binary searches and one short move make an insert, with a cache miss or two; an append to the end is a push.
//!
//! Always true: all entries ascend over all blocks; no two have equal keys.
//!
//! Never: compaction but at the start of a scan.

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::record::{compare_record, compare_records};
use kernite_btree::{KeyInfo, ValueRef};

use crate::Error;
use crate::sorter::key::{KeyEncoder, compare_leading, damaged, prefix};
use crate::sorter::rows::{Entry, Rows};

/// Entries in a block before it is split.
const BLOCK_MAX: usize = 256;

/// Where an entry is. Valid until `version` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    block: usize,
    entry: usize,
}

/// A key to look for: some leading columns.
pub(crate) struct Probe<'a> {
    /// The normalised key; unused where keys do not compare as bytes.
    pub(crate) bytes: &'a [u8],
    pub(crate) values: &'a [ValueRef<'a>],
}

/// The index.
pub(crate) struct KeyIndex {
    encoder: KeyEncoder,
    blocks: Vec<Vec<Entry>>,
    rows: Rows,
    len: usize,
    /// Arena bytes of keys that were deleted or replaced.
    dead_bytes: usize,
    version: u32,
    /// Counts compactions: arena places from before mean nothing.
    epoch: u32,
    scratch: Vec<u8>,
    /// Where the key `missed_key` would be, looked for and not found under a version: what is not there is mostly inserted next.
    missed: Option<(Place, u32)>,
    missed_key: Vec<u8>,
}

impl KeyIndex {
    pub(crate) fn new(info: Arc<KeyInfo>) -> KeyIndex {
        KeyIndex {
            encoder: KeyEncoder::new(info),
            blocks: Vec::new(),
            rows: Rows::default(),
            len: 0,
            dead_bytes: 0,
            version: 0,
            epoch: 0,
            scratch: Vec::new(),
            missed: None,
            missed_key: Vec::new(),
        }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How keys are encoded.
    pub(crate) fn encoder(&self) -> &KeyEncoder {
        &self.encoder
    }

    /// Changes whenever places handed out before may name other keys.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Changes whenever the arena was compacted.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.rows.clear();
        self.len = 0;
        self.dead_bytes = 0;
        self.version = self.version.wrapping_add(1);
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Inserts a record, or replaces the one with an equal key. `key` are its leading values where the caller has them unpacked.
    pub(crate) fn insert<'a>(
        &mut self,
        record: &[u8],
        key: Option<impl Iterator<Item = ValueRef<'a>>>,
    ) -> Result<Place, Error> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        let result = self.insert_with(record, key, &mut bytes);
        self.scratch = bytes;
        result
    }

    fn insert_with<'a>(
        &mut self,
        record: &[u8],
        key: Option<impl Iterator<Item = ValueRef<'a>>>,
        bytes: &mut Vec<u8>,
    ) -> Result<Place, Error> {
        if self.encoder.by_bytes() {
            match key {
                Some(values) => values
                    .take(self.encoder.column_count())
                    .enumerate()
                    .for_each(|(at, value)| self.encoder.push(at, value, bytes)),
                None => self.encoder.push_record(record, bytes)?,
            }
        }
        let (place, is_there) = match self.missed {
            Some((place, version)) if version == self.version && self.missed_key == *bytes => (place, false),
            _ => self.place_of_record(record, bytes)?,
        };
        let entry = self.rows.push(bytes, record)?;
        self.version = self.version.wrapping_add(1);
        if is_there {
            let old = &mut self.blocks[place.block][place.entry];
            self.dead_bytes += self.rows.row_len(old.at);
            *old = entry;
            return Ok(place);
        }
        self.len += 1;
        Ok(self.insert_entry(place, entry))
    }

    fn insert_entry(&mut self, place: Place, entry: Entry) -> Place {
        let Some(block) = self.blocks.get_mut(place.block) else {
            // Past the last block: only when there is none, or the last one is full.
            let mut block = Vec::with_capacity(16);
            block.push(entry);
            self.blocks.push(block);
            return Place { block: self.blocks.len() - 1, entry: 0 };
        };
        if block.len() < BLOCK_MAX {
            block.insert(place.entry, entry);
            return place;
        }
        let is_last = place.block + 1 == self.blocks.len();
        if is_last && place.entry == BLOCK_MAX {
            // Keys in ascending order fill their blocks.
            return self.insert_entry(Place { block: place.block + 1, entry: 0 }, entry);
        }
        let block = &mut self.blocks[place.block];
        let upper = block.split_off(BLOCK_MAX / 2);
        self.blocks.insert(place.block + 1, upper);
        let place = match place.entry.checked_sub(BLOCK_MAX / 2) {
            Some(in_upper) if in_upper > 0 => Place { block: place.block + 1, entry: in_upper },
            _ => place,
        };
        self.blocks[place.block].insert(place.entry, entry);
        place
    }

    /// The entry that equals the probe, which is `whole` where it has all columns of the key.
    pub(crate) fn find(&mut self, probe: &Probe<'_>, whole: bool) -> Result<Option<Place>, Error> {
        if whole && self.encoder.by_bytes() {
            let (place, is_there) = self.place_of_key(probe.bytes)?;
            if is_there {
                return Ok(Some(place));
            }
            self.missed = Some((place, self.version));
            self.missed_key.clear();
            self.missed_key.extend_from_slice(probe.bytes);
            return Ok(None);
        }
        match self.seek(probe, Ordering::Greater)? {
            Some(place) if self.compare(place, probe, Ordering::Equal)? == Ordering::Equal => Ok(Some(place)),
            _ => Ok(None),
        }
    }

    /// Where a normalised key belongs, and whether it is there.
    fn place_of_key(&self, bytes: &[u8]) -> Result<(Place, bool), Error> {
        let wanted = prefix(bytes);
        self.search(|index, entry| {
            Ok(entry.prefix.cmp(&wanted).then_with(|| index.rows.key(entry.at).cmp(bytes)))
        })
    }

    /// Where a whole record belongs, and whether an equal key is there.
    fn place_of_record(&self, record: &[u8], bytes: &[u8]) -> Result<(Place, bool), Error> {
        if self.encoder.by_bytes() {
            return self.place_of_key(bytes);
        }
        self.search(|index, entry| {
            let (info, count) = (index.encoder.info(), index.encoder.column_count());
            compare_records(index.rows.record(entry.at), record, info, count).map_err(damaged)
        })
    }

    /// How an entry compares with a probe; an entry equal in all columns of the probe compares as `when_equal`.
    fn order(&self, entry: &Entry, probe: &Probe<'_>, when_equal: Ordering) -> Result<Ordering, Error> {
        if self.encoder.by_bytes() {
            // The bytes in the entry decide mostly, and the arena is far.
            if let Some(beyond @ ..8) = 8usize.checked_sub(probe.bytes.len().min(8)) {
                let (own, wanted) = (entry.prefix >> (8 * beyond), prefix(probe.bytes) >> (8 * beyond));
                if own != wanted {
                    return Ok(own.cmp(&wanted));
                }
            }
            return Ok(compare_leading(self.rows.key(entry.at), probe.bytes).then(when_equal));
        }
        compare_record(self.rows.record(entry.at), probe.values, self.encoder.info(), when_equal)
            .map_err(damaged)
    }

    /// The first place whose entry is not less than what `order` looks for, and whether it is equal.
    fn search(
        &self,
        order: impl Fn(&KeyIndex, &Entry) -> Result<Ordering, Error>,
    ) -> Result<(Place, bool), Error> {
        // Growing keys are common, and go after the last.
        if let Some(block) = self.blocks.last()
            && let Some(last) = block.last()
            && order(self, last)? == Ordering::Less
        {
            return Ok((Place { block: self.blocks.len() - 1, entry: block.len() }, false));
        }
        let (mut low, mut high) = (0, self.blocks.len());
        while low < high {
            let middle = (low + high) / 2;
            let Some(last) = self.blocks[middle].last() else { break };
            if order(self, last)? == Ordering::Less { low = middle + 1 } else { high = middle }
        }
        let block = low;
        let Some(entries) = self.blocks.get(block) else { return Ok((Place { block, entry: 0 }, false)) };
        let (mut low, mut high, mut equal) = (0, entries.len(), false);
        while low < high {
            let middle = (low + high) / 2;
            match order(self, &entries[middle])? {
                Ordering::Less => low = middle + 1,
                found => {
                    equal = found == Ordering::Equal;
                    high = middle;
                }
            }
        }
        Ok((Place { block, entry: low }, equal))
    }

    /// The first entry that is not less than the probe (`Less`: after all equal ones; `Greater` and `Equal`: the first equal one).
    pub(crate) fn seek(&self, probe: &Probe<'_>, when_equal: Ordering) -> Result<Option<Place>, Error> {
        let (place, _) = self.search(|index, entry| index.order(entry, probe, when_equal))?;
        Ok(self.settle(place))
    }

    /// How the entry at `place` compares with the probe.
    pub(crate) fn compare(
        &self,
        place: Place,
        probe: &Probe<'_>,
        when_equal: Ordering,
    ) -> Result<Ordering, Error> {
        match self.entry(place) {
            Some(entry) => self.order(&entry, probe, when_equal),
            None => Ok(Ordering::Greater),
        }
    }

    /// A place past the end of its block is the start of the next one.
    pub(crate) fn settle(&self, place: Place) -> Option<Place> {
        let block = self.blocks.get(place.block)?;
        if place.entry < block.len() {
            return Some(place);
        }
        self.blocks.get(place.block + 1).map(|_| Place { block: place.block + 1, entry: 0 })
    }

    /// The first key. Drops what is dead in the arena, where it is much.
    pub(crate) fn first(&mut self) -> Option<Place> {
        const DEAD_MIN_BYTES: usize = 1 << 16;
        if self.len == 0 && self.rows.len_bytes() > 0 {
            self.clear();
        }
        if self.dead_bytes > DEAD_MIN_BYTES && self.dead_bytes * 2 > self.rows.len_bytes() {
            self.compact();
        }
        self.settle(Place { block: 0, entry: 0 })
    }

    /// The last key.
    pub(crate) fn last(&self) -> Option<Place> {
        let block = self.blocks.len().checked_sub(1)?;
        let entry = self.blocks[block].len().checked_sub(1)?;
        Some(Place { block, entry })
    }

    /// The key after `place`.
    #[inline]
    pub(crate) fn next(&self, place: Place) -> Option<Place> {
        self.settle(Place { entry: place.entry + 1, ..place })
    }

    /// The key before `place`.
    pub(crate) fn previous(&self, place: Place) -> Option<Place> {
        if let Some(entry) = place.entry.checked_sub(1) {
            return Some(Place { entry, ..place });
        }
        let block = place.block.checked_sub(1)?;
        let entry = self.blocks.get(block)?.len().checked_sub(1)?;
        Some(Place { block, entry })
    }

    /// The place before the end: where `previous` starts when a seek found nothing.
    pub(crate) fn end(&self) -> Place {
        Place { block: self.blocks.len(), entry: 0 }
    }

    #[inline]
    fn entry(&self, place: Place) -> Option<Entry> {
        self.blocks.get(place.block)?.get(place.entry).copied()
    }

    /// The arena place of an entry: what a cursor remembers to find it again.
    #[inline]
    pub(crate) fn arena_place(&self, place: Place) -> Option<u64> {
        self.entry(place).map(|entry| entry.at)
    }

    /// The record at `place`.
    #[inline]
    pub(crate) fn record(&self, place: Place) -> Option<&[u8]> {
        self.entry(place).map(|entry| self.rows.record(entry.at))
    }

    /// Finds the key that was at arena place `at` again: the place where it is or would be, and whether it is there.
    pub(crate) fn find_again(&self, at: u64) -> Result<(Place, bool), Error> {
        self.place_of_record(self.rows.record(at), self.rows.key(at))
    }

    /// Deletes the key at `place`; the keys after it move up.
    pub(crate) fn remove(&mut self, place: Place) {
        let Some(block) = self.blocks.get_mut(place.block) else { return };
        if place.entry >= block.len() {
            return;
        }
        let entry = block.remove(place.entry);
        if block.is_empty() {
            self.blocks.remove(place.block);
        }
        self.dead_bytes += self.rows.row_len(entry.at);
        self.len -= 1;
        self.version = self.version.wrapping_add(1);
    }

    fn compact(&mut self) {
        let mut rows = Rows::default();
        let mut moved = Vec::with_capacity(self.len);
        for entry in self.blocks.iter().flatten() {
            match rows.push(self.rows.key(entry.at), self.rows.record(entry.at)) {
                Ok(entry) => moved.push(entry),
                // Without memory for a copy the arena stays as it is.
                Err(_) => return,
            }
        }
        self.blocks.iter_mut().flatten().zip(moved).for_each(|(entry, moved)| *entry = moved);
        self.rows = rows;
        self.dead_bytes = 0;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernite_btree::record::{Values, encode};
    use kernite_btree::{Collation, Encoding, KeyColumn};
    use std::collections::BTreeMap;

    struct Backwards;
    impl kernite_btree::Collate for Backwards {
        fn compare(&self, _: Encoding, left: &[u8], right: &[u8]) -> Ordering {
            right.cmp(left)
        }
    }

    fn index(collation: Collation) -> KeyIndex {
        let column = KeyColumn { collation, descending: false, big_null: false };
        KeyIndex::new(Arc::new(KeyInfo {
            encoding: Encoding::Utf8,
            columns: vec![column.clone(), column],
            key_column_count: 2,
        }))
    }

    fn record(values: &[ValueRef<'_>]) -> Vec<u8> {
        let mut record = Vec::new();
        encode(values, true, &mut record);
        record
    }

    fn integers(record: &[u8]) -> (i64, i64) {
        let mut values = Values::new(record).unwrap().map(|value| match value.unwrap() {
            ValueRef::Integer(number) => number,
            other => panic!("{other:?}"),
        });
        (values.next().unwrap(), values.next().unwrap())
    }

    #[test]
    fn behaves_as_an_ordered_set() {
        let mut index = index(Collation::Binary);
        let mut model: BTreeMap<(i64, i64), ()> = BTreeMap::new();
        let mut seed = 7u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((seed >> 33) % below) as i64
        };
        for _ in 0..30_000 {
            let key = (random(300), random(20));
            let values = [ValueRef::Integer(key.0), ValueRef::Integer(key.1)];
            if random(3) > 0 {
                index.insert(&record(&values), Some(values.into_iter())).unwrap();
                model.insert(key, ());
            } else {
                let mut bytes = Vec::new();
                index.encoder().push(0, values[0], &mut bytes);
                let probe = Probe { bytes: &bytes, values: &values[..1] };
                let found = index.seek(&probe, Ordering::Greater).unwrap();
                let found = found.and_then(|place| index.record(place)).map(integers);
                assert_eq!(found, model.range((key.0, i64::MIN)..).next().map(|(key, ())| *key));
                let after = index.seek(&probe, Ordering::Less).unwrap();
                let after = after.and_then(|place| index.record(place)).map(integers);
                assert_eq!(after, model.range((key.0 + 1, i64::MIN)..).next().map(|(key, ())| *key));
                if let Some(first) = index.first() {
                    index.remove(first);
                    model.pop_first();
                }
            }
            assert_eq!(index.len(), model.len());
        }
        let mut place = index.first();
        for key in model.keys() {
            assert_eq!(integers(index.record(place.unwrap()).unwrap()), *key);
            place = index.next(place.unwrap());
        }
        assert_eq!(place, None);
        let mut place = index.last();
        for key in model.keys().rev() {
            assert_eq!(integers(index.record(place.unwrap()).unwrap()), *key);
            place = index.previous(place.unwrap());
        }
        assert_eq!(place, None);
    }

    #[test]
    fn a_users_collation_decides_the_order() {
        let mut index = index(Collation::User(Arc::new(Backwards)));
        for text in [&b"a"[..], b"c", b"b", b"c"] {
            let values = [ValueRef::Text(text), ValueRef::Null];
            index.insert(&record(&values), Some(values.into_iter())).unwrap();
        }
        let mut found = Vec::new();
        let mut place = index.first();
        while let Some(at) = place {
            found.push(Values::new(index.record(at).unwrap()).unwrap().next().unwrap().unwrap());
            place = index.next(at);
        }
        assert_eq!(found, [ValueRef::Text(b"c"), ValueRef::Text(b"b"), ValueRef::Text(b"a")]);
    }
}
