//! Groups of an aggregation: accumulators by key.
//!
//! ```text
//! slots    open addressing, linear probing: upper hash bits and group number
//! groups   hash, place of normalised key and key record, place of the saved row
//! states   accumulators, `accs` a group, in the enum itself where they are common ones
//! ```
//!
//! A key is found by its normalised bytes, so that 1 and 1.0, or 'a' and 'A' under NOCASE, are one group; the values of the group's first
//! row are kept beside them, as a record. The groups, not the rows, are sorted, by the same bytes.
//!
//! Always true: no more than half of the slots are in use.
//!
//! Never: user collations, which have no bytes, and users' aggregates: the planner leaves those to the sorter.

use std::sync::Arc;

use kernite_btree::record::{Values, encode};
use kernite_btree::{Error as StorageError, KeyInfo};

use super::hash::hash;
use crate::Error;
use crate::function::Accumulator;
use crate::register::Register;
use crate::sorter::key::{KeyEncoder, damaged};
use crate::sorter::rows::{Entry, Rows};

/// Slots of a new table.
const SLOTS_MIN: usize = 64;
const FREE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    group: u32,
}

struct Group {
    key: Entry,
    /// The row kept with the group; `None` until one is.
    saved: Option<u64>,
}

/// The groups.
pub(crate) struct Groups {
    encoder: KeyEncoder,
    accs: usize,
    saved: usize,
    seed: u64,
    slots: Vec<Slot>,
    groups: Vec<Group>,
    states: Vec<Option<Accumulator>>,
    keys: Rows,
    saved_rows: Rows,
    /// The group at hand.
    present: usize,
    /// Group numbers in the order of their keys, once sorted.
    order: Vec<u32>,
    at: usize,
    key: Vec<u8>,
    record: Vec<u8>,
}

impl Groups {
    /// An empty table: `accs` accumulators and `saved` values a group.
    ///
    /// # Errors
    /// [`Error::Program`] for a key with a user's collation.
    pub(crate) fn new(info: Arc<KeyInfo>, accs: usize, saved: usize, seed: u64) -> Result<Groups, Error> {
        let encoder = KeyEncoder::new(info);
        if !encoder.by_bytes() {
            return Err(Error::Program { at: 0, what: "hash aggregation under a user's collation" });
        }
        Ok(Groups {
            encoder,
            accs,
            saved,
            seed,
            slots: vec![Slot { tag: 0, group: FREE }; SLOTS_MIN],
            groups: Vec::new(),
            states: Vec::new(),
            keys: Rows::default(),
            saved_rows: Rows::default(),
            present: 0,
            order: Vec::new(),
            at: 0,
            key: Vec::new(),
            record: Vec::new(),
        })
    }

    /// Columns of the key.
    pub(crate) fn key_count(&self) -> usize {
        self.encoder.column_count()
    }

    /// Values kept with a group.
    pub(crate) fn saved_count(&self) -> usize {
        self.saved
    }

    /// Goes to the group of `keys`, which is made if need be; whether it was there.
    #[inline]
    pub(crate) fn find(&mut self, keys: &[Register]) -> Result<bool, Error> {
        self.key.clear();
        for (at, value) in keys.iter().enumerate() {
            self.encoder.push(at, value.value(), &mut self.key);
        }
        let hash = hash(&self.key, self.seed);
        let tag = (hash >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.group == FREE {
                break;
            }
            if slot.tag == tag
                && let Some(group) = self.groups.get(slot.group as usize)
                && self.keys.key(group.key.at) == self.key
            {
                self.present = slot.group as usize;
                return Ok(true);
            }
            at = (at + 1) & mask;
        }
        self.add(keys, at, tag)?;
        Ok(false)
    }

    #[cold]
    fn add(&mut self, keys: &[Register], at: usize, tag: u32) -> Result<(), Error> {
        let no_memory = |_| Error::Storage(StorageError::NoMemory);
        encode(keys, true, &mut self.record);
        let key = self.keys.push(&self.key, &self.record)?;
        let number = u32::try_from(self.groups.len()).ok().filter(|&number| number != FREE);
        let number = number.ok_or(Error::Storage(StorageError::NoMemory))?;
        self.groups.try_reserve(1).map_err(no_memory)?;
        self.states.try_reserve(self.accs).map_err(no_memory)?;
        self.groups.push(Group { key, saved: None });
        self.states.resize_with(self.states.len() + self.accs, || None);
        self.present = number as usize;
        self.slots[at] = Slot { tag, group: number };
        if self.groups.len() * 2 > self.slots.len() {
            self.grow()?;
        }
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Error> {
        let len = self.slots.len() * 2;
        let mut slots = Vec::new();
        slots.try_reserve_exact(len).map_err(|_| Error::Storage(StorageError::NoMemory))?;
        slots.resize(len, Slot { tag: 0, group: FREE });
        for (number, group) in self.groups.iter().enumerate() {
            let hash = hash(self.keys.key(group.key.at), self.seed);
            let mut at = hash as usize & (len - 1);
            while slots[at].group != FREE {
                at = (at + 1) & (len - 1);
            }
            slots[at] = Slot { tag: (hash >> 32) as u32, group: number as u32 };
        }
        self.slots = slots;
        Ok(())
    }

    /// Keeps `values` with the group at hand, in place of what was kept before.
    pub(crate) fn save(&mut self, values: &[Register]) -> Result<(), Error> {
        encode(values, true, &mut self.record);
        let row = self.saved_rows.push_numbered(0, &self.record)?;
        if let Some(group) = self.groups.get_mut(self.present) {
            group.saved = Some(row.at);
        }
        Ok(())
    }

    /// Accumulator `acc` of the group at hand; `start` makes it.
    #[inline]
    pub(crate) fn accumulator(
        &mut self,
        acc: usize,
        start: impl FnOnce() -> Result<Accumulator, Error>,
    ) -> Result<&mut Accumulator, Error> {
        let at = self.present * self.accs + acc;
        match self.states.get_mut(at).filter(|_| acc < self.accs) {
            Some(Some(state)) => Ok(state),
            Some(empty) => Ok(empty.insert(start()?)),
            None => Err(Error::Program { at: 0, what: "accumulator" }),
        }
    }

    /// The same accumulator, if it has been made.
    #[inline(always)]
    pub(crate) fn started(&mut self, acc: usize) -> Option<&mut Accumulator> {
        if acc >= self.accs {
            return None;
        }
        self.states.get_mut(self.present * self.accs + acc)?.as_mut()
    }

    /// Puts the groups in the order of their keys and goes to the first; whether there is one.
    pub(crate) fn sort(&mut self) -> Result<bool, Error> {
        self.order.clear();
        self.order.extend(0..self.groups.len() as u32);
        let (groups, keys) = (&self.groups, &self.keys);
        self.order.sort_unstable_by(|&left, &right| {
            let (left, right) = (groups[left as usize].key, groups[right as usize].key);
            left.prefix.cmp(&right.prefix).then_with(|| keys.key(left.at).cmp(keys.key(right.at)))
        });
        self.at = 0;
        self.present = self.order.first().map_or(0, |&first| first as usize);
        Ok(!self.order.is_empty())
    }

    /// Goes to the next group; whether there is one.
    pub(crate) fn next(&mut self) -> bool {
        self.at += 1;
        match self.order.get(self.at) {
            Some(&group) => {
                self.present = group as usize;
                true
            }
            None => false,
        }
    }

    /// The key of the group at hand, as its first row had it.
    pub(crate) fn load_keys(&self, out: &mut [Register]) -> Result<(), Error> {
        match self.groups.get(self.present) {
            Some(group) => load(self.keys.record(group.key.at), out),
            None => Err(Error::Program { at: 0, what: "no group" }),
        }
    }

    /// What was kept with the group at hand; NULLs where nothing was.
    pub(crate) fn load_saved(&self, out: &mut [Register]) -> Result<(), Error> {
        match self.groups.get(self.present).and_then(|group| group.saved) {
            Some(at) => load(self.saved_rows.record(at), out),
            None => {
                out.iter_mut().for_each(Register::set_null);
                Ok(())
            }
        }
    }
}

fn load(record: &[u8], out: &mut [Register]) -> Result<(), Error> {
    let mut values = Values::new(record).map_err(damaged)?;
    for register in out {
        match values.next_value().map_err(damaged)? {
            Some(value) => register.set(value),
            None => register.set_null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernite_btree::{Collation, Encoding, KeyColumn, ValueRef};

    fn register(value: ValueRef<'_>) -> Register {
        let mut register = Register::null();
        register.set(value);
        register
    }

    #[test]
    fn rows_are_counted_by_key_and_come_out_in_key_order() {
        let column = KeyColumn { collation: Collation::NoCase, descending: true, big_null: false };
        let info = KeyInfo { encoding: Encoding::Utf8, columns: vec![column], key_column_count: 1 };
        let mut groups = Groups::new(Arc::new(info), 1, 1, 99).unwrap();
        for number in 0..20_000i64 {
            let text = format!("{}{}", if number % 2 == 0 { "Key" } else { "kEY" }, number % 1000);
            let known = groups.find(&[register(ValueRef::Text(text.as_bytes()))]).unwrap();
            assert_eq!(known, number >= 1000);
            if !known {
                groups.save(&[register(ValueRef::Integer(number))]).unwrap();
            }
            match groups.accumulator(0, || Ok(Accumulator::Count(0))).unwrap() {
                Accumulator::Count(count) => *count += 1,
                other => panic!("{other:?}"),
            }
        }
        let mut names: Vec<String> = (0..1000).map(|number| format!("key{number}")).collect();
        names.sort();
        names.reverse();
        let (mut key, mut saved) = ([Register::null()], [Register::null()]);
        let mut more = groups.sort().unwrap();
        for name in &names {
            assert!(more);
            groups.load_keys(&mut key).unwrap();
            groups.load_saved(&mut saved).unwrap();
            assert_eq!(key[0].bytes().to_ascii_lowercase(), name.as_bytes());
            let ValueRef::Integer(first) = saved[0].value() else { panic!("not saved") };
            let spelled = if first % 2 == 0 { "Key" } else { "kEY" };
            assert_eq!(key[0].bytes(), format!("{spelled}{first}").as_bytes());
            let Accumulator::Count(count) = groups.accumulator(0, || panic!("a new one")).unwrap() else {
                panic!()
            };
            assert_eq!(*count, 20);
            more = groups.next();
        }
        assert!(!more);
    }
}
