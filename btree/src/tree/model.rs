//! Trees against `BTreeMap`: random operations through several cursors, at many page sizes, with and without a pointer map, with every
//! page missing once per operation.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;

use crate::btree::{CursorPosition, InsertFlags, RowPayload, SeekOutcome, TreeKind};
use crate::collation::{KeyColumn, KeyInfo};
use crate::page_no::PageNo;
use crate::record::ValueRef;
use crate::tree::bed::{Bed, index_record};
use crate::tree::cursor::State;
use crate::tree::save;
use crate::{AutoVacuum, CursorId};

/// What identifies an entry: text and number for an index, the number alone for a table.
type Key = (Vec<u8>, i64);

/// A tree and what it should hold.
struct Tree {
    root: PageNo,
    kind: TreeKind,
    entries: BTreeMap<Key, Vec<u8>>,
    cursors: Vec<Cursor>,
}

struct Cursor {
    id: CursorId,
    /// The entry on which it was left, which may be gone; `None` where it points nowhere or anywhere.
    at: Option<Key>,
    /// Whether that entry is the one after (1) or before (-1) the one that was deleted under the cursor.
    skip: i8,
}

/// One random step: which one, and numbers that it is free to use.
type Step = (u8, u16, u16, u32);

struct World {
    bed: Bed,
    trees: Vec<Tree>,
    text_max: usize,
    payload_max: usize,
    steps: u32,
}

fn key_info() -> Arc<KeyInfo> {
    Arc::new(KeyInfo {
        columns: vec![KeyColumn::default(), KeyColumn::default()],
        key_column_count: 2,
        ..KeyInfo::default()
    })
}

impl World {
    fn new(bed: Bed, payload_max: usize, text_max: usize) -> World {
        let mut world = World { bed, trees: Vec::new(), text_max, payload_max, steps: 0 };
        world.add_tree(TreeKind::Table);
        world.add_tree(TreeKind::Index);
        world.add_tree(TreeKind::Table);
        world
    }

    fn add_tree(&mut self, kind: TreeKind) {
        let root = self.bed.run(|trees, pager| trees.create_tree(pager, kind)).expect("room");
        let mut tree = Tree { root, kind, entries: BTreeMap::new(), cursors: Vec::new() };
        for _ in 0..2 {
            let key = (kind == TreeKind::Index).then(key_info);
            let id = self.bed.trees.open_cursor(&self.bed.pager, root, key.as_ref(), true);
            tree.cursors.push(Cursor { id, at: None, skip: 0 });
        }
        self.trees.push(tree);
    }

    fn roots(&self) -> Vec<(PageNo, TreeKind)> {
        self.trees.iter().map(|tree| (tree.root, tree.kind)).collect()
    }

    fn step(&mut self, (op, a, b, c): Step) {
        self.steps += 1;
        let place = usize::from(a) % self.trees.len();
        let cursor = usize::from(b) % 2;
        let key = self.make_key(place, a / 7, c);
        match op {
            0..=29 => self.insert(place, cursor, key, c, b & 4 != 0),
            30..=39 => self.append(place, cursor, c),
            40..=59 => self.delete(place, cursor, key, b & 4 != 0),
            60..=69 => self.walk(place, cursor, c),
            70..=79 => self.seek(place, cursor, key),
            80..=83 => self.overwrite(place, cursor, c),
            84..=87 => self.delete_run(place, cursor, c),
            88..=89 => self.count(place),
            90 => self.clear(place),
            91 => self.replace_tree(place),
            92..=95 => self.vacuum(c),
            96..=97 => self.read_ranges(place, cursor, c),
            _ => self.savepoint(place, cursor, c),
        }
        if self.steps.is_multiple_of(8) {
            self.bed.verify(&self.roots());
        }
    }

    /// A key out of few, so that operations meet.
    fn make_key(&self, place: usize, a: u16, c: u32) -> Key {
        match self.trees[place].kind {
            TreeKind::Table => (Vec::new(), i64::from(a % 300) - 20),
            TreeKind::Index => {
                let len = if c.is_multiple_of(11) { self.text_max } else { (c % 40) as usize };
                let mut text = format!("{:03}", a % 150).into_bytes();
                text.resize(3 + len, b'x');
                (text, i64::from(c % 3))
            }
        }
    }

    fn make_payload(&self, place: usize, key: &Key, c: u32) -> Vec<u8> {
        match self.trees[place].kind {
            TreeKind::Table => {
                let max = if c.is_multiple_of(13) { self.payload_max } else { self.payload_max / 20 + 1 };
                let len = (c / 13) as usize % max;
                // A record starts with the length of its header, which is 2 at least.
                (0..len).map(|i| (i as u32).wrapping_mul(c | 1) as u8 | if i == 0 { 2 } else { 0 }).collect()
            }
            TreeKind::Index => index_record(&key.0, key.1),
        }
    }

    /// Seeks the place of `key`; whether it is there.
    fn seek_to(&mut self, place: usize, cursor: usize, key: &Key) -> SeekOutcome {
        let id = self.trees[place].cursors[cursor].id;
        let outcome = match self.trees[place].kind {
            TreeKind::Table => self.bed.on(id, |c, pager, g| c.seek_rowid(key.1, pager, g)),
            TreeKind::Index => self.bed.on(id, |c, pager, g| {
                c.seek_key(&[ValueRef::Text(&key.0), ValueRef::Integer(key.1)], Ordering::Equal, pager, g)
            }),
        };
        outcome.expect("valid")
    }

    /// The key of the entry under a cursor.
    fn key_at(&mut self, place: usize, cursor: usize) -> Key {
        let id = self.trees[place].cursors[cursor].id;
        match self.trees[place].kind {
            TreeKind::Table => {
                (Vec::new(), self.bed.trees.cursors.get(id).and_then(|c| c.rowid()).expect("on an entry"))
            }
            TreeKind::Index => {
                let record = self.bed.payload(id);
                crate::tree::seek::with_values(&record, 2, |values| match *values {
                    [ValueRef::Text(text), ValueRef::Integer(rowid)] => (text.to_vec(), rowid),
                    _ => panic!("a record that we did not write"),
                })
                .expect("valid")
            }
        }
    }

    fn check_entry(&mut self, place: usize, cursor: usize, key: &Key) {
        assert_eq!(&self.key_at(place, cursor), key);
        let id = self.trees[place].cursors[cursor].id;
        let payload = self.bed.payload(id);
        assert!(self.trees[place].entries[key] == payload, "payload of {key:?}");
    }

    /// Reads the whole payload the way the machine does, after bytes that are there already.
    fn check_large_read(&mut self, place: usize, cursor: usize, key: &Key) {
        let id = self.trees[place].cursors[cursor].id;
        let len = self.trees[place].entries[key].len() as u64;
        let mut out = vec![1, 2, 3];
        self.bed.run(|trees, pager| trees.read_payload(pager, id, 0..len, &mut out)).expect("valid");
        assert_eq!(out[..3], [1, 2, 3]);
        assert!(out[3..] == self.trees[place].entries[key]);
    }

    fn insert(&mut self, place: usize, cursor: usize, key: Key, c: u32, save_position: bool) {
        let payload = self.make_payload(place, &key, c);
        let seek_result = (c & 1 != 0).then(|| self.seek_to(place, cursor, &key));
        self.insert_payload(
            place,
            cursor,
            key,
            payload,
            InsertFlags { append: false, seek_result, save_position },
        );
    }

    fn insert_payload(
        &mut self,
        place: usize,
        cursor: usize,
        key: Key,
        payload: Vec<u8>,
        flags: InsertFlags,
    ) {
        let tree = &mut self.trees[place];
        let id = tree.cursors[cursor].id;
        let zero_tail = if tree.kind == TreeKind::Table {
            payload.iter().rev().take_while(|&&byte| byte == 0).count()
        } else {
            0
        };
        let record = &payload[..payload.len() - zero_tail];
        let row = match tree.kind {
            TreeKind::Table => RowPayload::Table { rowid: key.1, record, zero_tail: zero_tail as u64 },
            TreeKind::Index => RowPayload::Index { record },
        };
        self.bed.run(|trees, pager| trees.insert(pager, id, row, flags)).expect("room");
        self.trees[place].entries.insert(key.clone(), payload);
        let state = self.bed.trees.cursors.get(id).expect("open").state;
        assert!(!flags.save_position || matches!(state, State::OnEntry | State::Saved));
        let at = match state {
            State::OnEntry | State::Saved => Some(key),
            _ => None,
        };
        self.leave(place, cursor, at);
        if state == State::OnEntry {
            let at = self.trees[place].cursors[cursor].at.clone();
            self.check_entry(place, cursor, &at.expect("just set"));
        }
    }

    /// Several keys larger than all others.
    fn append(&mut self, place: usize, cursor: usize, c: u32) {
        for step in 0..c % 30 {
            let last = self.trees[place].entries.last_key_value().map(|(key, _)| key.clone());
            let key = match (self.trees[place].kind, last) {
                (TreeKind::Table, last) => (Vec::new(), last.map_or(0, |key| key.1) + 1),
                (TreeKind::Index, None) => (b"000".to_vec(), 0),
                (TreeKind::Index, Some((text, rowid))) => (text, rowid + 1),
            };
            let payload = self.make_payload(place, &key, c.rotate_left(step));
            let flags = InsertFlags { append: c & 64 != 0, ..InsertFlags::default() };
            self.insert_payload(place, cursor, key, payload, flags);
        }
    }

    fn delete(&mut self, place: usize, cursor: usize, key: Key, save_position: bool) {
        let nearest = self.trees[place].entries.range(key..).next().map(|(key, _)| key.clone());
        let Some(key) = nearest else { return };
        assert_eq!(self.seek_to(place, cursor, &key), SeekOutcome::At(Ordering::Equal));
        self.delete_here(place, cursor, key, save_position);
    }

    fn delete_here(&mut self, place: usize, cursor: usize, key: Key, save_position: bool) {
        let id = self.trees[place].cursors[cursor].id;
        self.bed.run(|trees, pager| trees.delete(pager, id, save_position)).expect("valid");
        self.trees[place].entries.remove(&key);
        let (state, skip) = self.bed.trees.cursors.get(id).map(|c| (c.state, c.skip)).expect("open");
        let entries = &self.trees[place].entries;
        let at = match state {
            // Of a neighbour the cursor knows no more than that nothing was between them.
            State::Neighbour if skip > 0 => entries.range(key..).next().map(|(key, _)| key.clone()),
            State::Neighbour => entries.range(..key).next_back().map(|(key, _)| key.clone()),
            _ => save_position.then_some(key),
        };
        self.leave(place, cursor, at);
        self.trees[place].cursors[cursor].skip = if state == State::Neighbour { skip } else { 0 };
    }

    /// Notes where a cursor is.
    fn leave(&mut self, place: usize, cursor: usize, at: Option<Key>) {
        let cursor = &mut self.trees[place].cursors[cursor];
        (cursor.at, cursor.skip) = (at, 0);
    }

    /// Deletes while walking, as DELETE without a list of rowids does.
    fn delete_run(&mut self, place: usize, cursor: usize, c: u32) {
        let forward = c & 1 == 0;
        let id = self.trees[place].cursors[cursor].id;
        let mut there = if forward {
            self.bed.on(id, |c, pager, g| c.first(pager, g)).expect("valid")
        } else {
            self.bed.on(id, |c, pager, g| c.last(pager, g)).expect("valid")
        };
        let at = there.then(|| self.key_at(place, cursor));
        self.leave(place, cursor, at);
        for _ in 0..c % 40 {
            let entries = &self.trees[place].entries;
            let expected = if forward { entries.first_key_value() } else { entries.last_key_value() };
            assert_eq!(there, expected.is_some());
            let Some((key, _)) = expected else { return };
            let key = key.clone();
            self.check_entry(place, cursor, &key);
            self.delete_here(place, cursor, key, true);
            there = self.move_cursor(place, cursor, forward);
            let at = there.then(|| self.key_at(place, cursor));
            self.leave(place, cursor, at);
        }
    }

    fn move_cursor(&mut self, place: usize, cursor: usize, forward: bool) -> bool {
        let id = self.trees[place].cursors[cursor].id;
        if forward {
            self.bed.on(id, |c, pager, g| c.next(pager, g)).expect("valid")
        } else {
            self.bed.on(id, |c, pager, g| c.previous(pager, g)).expect("valid")
        }
    }

    /// Moves a cursor some steps from where it was left.
    fn walk(&mut self, place: usize, cursor: usize, c: u32) {
        let id = self.trees[place].cursors[cursor].id;
        if self.trees[place].cursors[cursor].at.is_none() {
            let there = self.bed.on(id, |c, pager, g| c.first(pager, g)).expect("valid");
            let first = self.trees[place].entries.first_key_value().map(|(key, _)| key.clone());
            assert_eq!(there, first.is_some());
            let at = first;
            self.leave(place, cursor, at);
        } else if c & 2 != 0 {
            self.restore(place, cursor);
        }
        for step in 0..c % 25 {
            let Some(at) = self.trees[place].cursors[cursor].at.clone() else { return };
            let skip = self.trees[place].cursors[cursor].skip;
            let forward = (c >> (step / 6)) & 1 == 0;
            let entries = &self.trees[place].entries;
            let expected = if forward {
                let from = if skip > 0 { Bound::Included(at) } else { Bound::Excluded(at) };
                entries.range((from, Bound::Unbounded)).next()
            } else {
                let to = if skip < 0 { Bound::Included(at) } else { Bound::Excluded(at) };
                entries.range((Bound::Unbounded, to)).next_back()
            };
            let expected = expected.map(|(key, _)| key.clone());
            assert_eq!(self.move_cursor(place, cursor, forward), expected.is_some());
            if let Some(key) = &expected {
                self.check_entry(place, cursor, key);
            }
            let at = expected;
            self.leave(place, cursor, at);
        }
    }

    fn restore(&mut self, place: usize, cursor: usize) {
        let id = self.trees[place].cursors[cursor].id;
        let Some(at) = self.trees[place].cursors[cursor].at.clone() else { return };
        let position = self.bed.on(id, save::restore).expect("valid");
        let was_there = self.trees[place].entries.contains_key(&at);
        match position {
            CursorPosition::Same => {
                assert!(was_there && self.trees[place].cursors[cursor].skip == 0);
                self.check_entry(place, cursor, &at);
            }
            CursorPosition::Nowhere => {
                assert!(self.trees[place].entries.is_empty());
                self.leave(place, cursor, None);
            }
            CursorPosition::Moved if was_there => {
                assert_ne!(self.trees[place].cursors[cursor].skip, 0);
            }
            CursorPosition::Moved => {
                let skip = self.bed.trees.cursors.get(id).expect("open").skip;
                let entries = &self.trees[place].entries;
                let beside =
                    if skip > 0 { entries.range(at..).next() } else { entries.range(..at).next_back() };
                let at = Some(beside.expect("a neighbour").0.clone());
                self.leave(place, cursor, at);
                self.trees[place].cursors[cursor].skip = skip;
            }
        }
    }

    fn seek(&mut self, place: usize, cursor: usize, key: Key) {
        let outcome = self.seek_to(place, cursor, &key);
        if self.trees[place].entries.is_empty() {
            assert_eq!(outcome, SeekOutcome::Empty);
            let at = None;
            self.leave(place, cursor, at);
            return;
        }
        let SeekOutcome::At(ordering) = outcome else { panic!("the tree is not empty") };
        let found = self.key_at(place, cursor);
        assert_eq!(found.cmp(&key), ordering);
        let entries = &self.trees[place].entries;
        let between = match ordering {
            Ordering::Equal => 0,
            Ordering::Less => {
                entries.range((Bound::Excluded(found.clone()), Bound::Excluded(key.clone()))).count()
            }
            Ordering::Greater => entries.range(key.clone()..found.clone()).count(),
        };
        assert_eq!(between, 0, "{found:?} is not beside {key:?}");
        self.check_entry(place, cursor, &found);
        let at = Some(found);
        self.leave(place, cursor, at);
        if self.trees[place].kind == TreeKind::Index {
            self.seek_prefix(place, cursor, key);
        }
    }

    /// Seeks all entries with one text: before them, and after them.
    fn seek_prefix(&mut self, place: usize, cursor: usize, key: Key) {
        let id = self.trees[place].cursors[cursor].id;
        for when_equal in [Ordering::Less, Ordering::Greater] {
            let outcome = self
                .bed
                .on(id, |c, pager, g| c.seek_key(&[ValueRef::Text(&key.0)], when_equal, pager, g))
                .expect("valid");
            let found = self.key_at(place, cursor);
            let side = if found.0 == key.0 { when_equal } else { found.0.cmp(&key.0) };
            assert_eq!(outcome, SeekOutcome::At(side));
            let border = match when_equal {
                Ordering::Less => (key.0.clone(), i64::MAX),
                _ => (key.0.clone(), i64::MIN),
            };
            let entries = &self.trees[place].entries;
            let neighbour = match side {
                Ordering::Less => entries.range(..border).next_back(),
                _ => entries.range(border..).next(),
            };
            assert_eq!(neighbour.map(|(key, _)| key), Some(&found));
            let at = Some(found);
            self.leave(place, cursor, at);
        }
    }

    fn overwrite(&mut self, place: usize, cursor: usize, c: u32) {
        if self.trees[place].kind == TreeKind::Index {
            return;
        }
        let id = self.trees[place].cursors[cursor].id;
        let key = self.make_key(place, c as u16, c);
        let Some((key, _)) = self.trees[place].entries.range(key..).next() else { return };
        let key = key.clone();
        self.seek_to(place, cursor, &key);
        let payload = self.trees[place].entries.get_mut(&key).expect("there");
        let from = (c as usize / 3) % (payload.len() + 1);
        let len = (c as usize / 7) % (payload.len() - from + 1);
        let bytes: Vec<u8> =
            (0..len).map(|i| (i * 31 + c as usize) as u8 | if i == 0 { 2 } else { 0 }).collect();
        payload[from..from + len].copy_from_slice(&bytes);
        self.bed.run(|trees, pager| trees.write_payload(pager, id, from as u64, &bytes)).expect("valid");
        let at = Some(key.clone());
        self.leave(place, cursor, at);
        self.check_entry(place, cursor, &key);
    }

    fn read_ranges(&mut self, place: usize, cursor: usize, c: u32) {
        let id = self.trees[place].cursors[cursor].id;
        let last = self.trees[place].entries.iter().max_by_key(|(_, payload)| payload.len());
        let Some((key, payload)) = last.map(|(key, payload)| (key.clone(), payload.clone())) else { return };
        self.seek_to(place, cursor, &key);
        for step in 1..6u32 {
            let from = (c.wrapping_mul(step) / 5) as usize % (payload.len() + 1);
            let to = from + (c.wrapping_mul(step) / 3) as usize % (payload.len() - from + 1);
            let mut out = vec![7; step as usize % 3];
            self.bed
                .on(id, |cursor, pager, g| cursor.read_payload(from as u64..to as u64, &mut out, pager, g))
                .expect("valid");
            assert_eq!(&out[step as usize % 3..], &payload[from..to]);
        }
        let at = Some(key);
        self.leave(place, cursor, at);
    }

    fn count(&mut self, place: usize) {
        let id = self.trees[place].cursors[1].id;
        let at = None;
        self.leave(place, 1, at);
        let count = self.bed.run(|trees, pager| trees.count(pager, id)).expect("valid");
        assert_eq!(count, self.trees[place].entries.len() as u64);
    }

    fn clear(&mut self, place: usize) {
        let root = self.trees[place].root;
        let count = self.bed.run(|trees, pager| trees.clear_tree(pager, root)).expect("valid");
        assert_eq!(count, self.trees[place].entries.len() as u64);
        self.trees[place].entries.clear();
        for cursor in &mut self.trees[place].cursors {
            cursor.at = None;
        }
    }

    /// Drops a tree and makes another one.
    fn replace_tree(&mut self, place: usize) {
        let tree = self.trees.remove(place);
        for cursor in &tree.cursors {
            self.bed.trees.close_cursor(&self.bed.pager, cursor.id);
        }
        let moved = self.bed.run(|trees, pager| trees.drop_tree(pager, tree.root)).expect("valid");
        if let Some(moved) = moved {
            let index = self.trees.iter().position(|other| other.root == moved).expect("a root of ours");
            self.trees[index].root = tree.root;
            let kind = self.trees[index].kind;
            for cursor in &mut self.trees[index].cursors {
                self.bed.trees.close_cursor(&self.bed.pager, cursor.id);
                let key = (kind == TreeKind::Index).then(key_info);
                cursor.id = self.bed.trees.open_cursor(&self.bed.pager, tree.root, key.as_ref(), true);
                cursor.at = None;
            }
        }
        self.bed.verify(&self.roots());
        self.add_tree(tree.kind);
    }

    fn vacuum(&mut self, c: u32) {
        if c & 1 == 0 {
            for _ in 0..c % 20 {
                self.bed.run(|trees, pager| trees.incremental_vacuum_step(pager)).expect("valid");
                if c & 2 == 0 {
                    self.bed.verify(&self.roots());
                }
            }
        } else {
            self.bed.run(|trees, pager| trees.vacuum_at_commit(pager)).expect("valid");
        }
        self.bed.verify(&self.roots());
    }

    /// Some changes that are undone.
    fn savepoint(&mut self, place: usize, cursor: usize, c: u32) {
        let roots = self.roots();
        let before: Vec<_> = self.trees.iter().map(|tree| tree.entries.clone()).collect();
        self.bed.pager.savepoint_open(1).expect("memory");
        for step in 0..c % 10 {
            let key = self.make_key(place, (c >> step) as u16, c);
            if (c >> step) & 3 == 0 {
                self.delete(place, cursor, key, false);
            } else {
                self.insert(place, cursor, key, c.rotate_right(step), false);
            }
        }
        if c & 16 != 0 {
            self.bed.run(|trees, pager| trees.leave_for_savepoint(pager)).expect("valid");
            self.bed.pager.savepoint_rollback(0).expect("memory");
            for (tree, entries) in self.trees.iter_mut().zip(before) {
                tree.entries = entries;
            }
            for cursor in self.trees.iter_mut().flat_map(|tree| &mut tree.cursors) {
                cursor.at = None;
            }
        }
        self.bed.pager.savepoint_release(0).expect("memory");
        self.bed.verify(&roots);
    }
}

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0u8..100, any::<u16>(), any::<u16>(), any::<u32>()), 1..count)
}

fn any_mode() -> impl Strategy<Value = AutoVacuum> {
    prop_oneof![Just(AutoVacuum::None), Just(AutoVacuum::Full), Just(AutoVacuum::Incremental)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_pages_behave_like_maps(
        steps in steps(250),
        reserved in prop_oneof![Just(0u8), 0u8..32],
        mode in any_mode(),
        force_miss: bool,
    ) {
        let mut world = World::new(Bed::new(512, reserved, mode, force_miss), 4000, 700);
        steps.into_iter().for_each(|step| world.step(step));
        world.bed.verify(&world.roots());
    }

    #[test]
    fn pages_of_any_size_behave_like_maps(
        steps in steps(150),
        page_size in prop_oneof![Just(1024usize), Just(4096), Just(32768), Just(65536)],
        reserved in prop_oneof![Just(0u8), any::<u8>()],
        mode in any_mode(),
        force_miss: bool,
    ) {
        let bed = Bed::new(page_size, reserved, mode, force_miss);
        let mut world = World::new(bed, page_size * 3, page_size / 2);
        steps.into_iter().for_each(|step| world.step(step));
        world.bed.verify(&world.roots());
    }
}

#[test]
fn long_chains_are_written_and_freed_in_several_changes() {
    for force_miss in [false, true] {
        for mode in [AutoVacuum::None, AutoVacuum::Full] {
            let mut world = World::new(Bed::new(512, 0, mode, force_miss), 0, 0);
            for (rowid, len) in
                [(1, 200_000usize), (4, 700_000), (2, 33_000), (1, 150_000), (3, 1), (2, 100_000)]
            {
                let payload: Vec<u8> = (0..len).map(|i| (i / 7) as u8 | 2).collect();
                world.insert_payload(0, 0, (Vec::new(), rowid), payload, InsertFlags::default());
                world.bed.verify(&world.roots());
                world.seek_to(0, 0, &(Vec::new(), rowid));
                world.check_entry(0, 0, &(Vec::new(), rowid));
                world.check_large_read(0, 0, &(Vec::new(), rowid));
            }
            world.delete(0, 0, (Vec::new(), 2), true);
            world.bed.verify(&world.roots());
            world.clear(0);
            world.bed.verify(&world.roots());
        }
    }
}
