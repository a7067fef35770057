//! Damaged pages: whatever the bytes say, operations end, with a result or an error, and never panic; and the integrity check tells
//! what is wrong in SQLite's words.

use std::cmp::Ordering;
use std::sync::Arc;

use proptest::prelude::*;

use crate::btree::{InsertFlags, RowPayload, TreeKind};
use crate::collation::{KeyColumn, KeyInfo};
use crate::page_no::PageNo;
use crate::pager::PageHeader;
use crate::record::ValueRef;
use crate::tree::bed::{Bed, index_record};
use crate::tree::save;
use crate::{AutoVacuum, CursorId};

/// A table and an index with entries of many sizes, and a freelist.
pub(crate) struct Victim {
    pub bed: Bed,
    table: PageNo,
    index: PageNo,
    pub cursors: [CursorId; 4],
}

fn key_info() -> Arc<KeyInfo> {
    Arc::new(KeyInfo {
        columns: vec![KeyColumn::default(), KeyColumn::default()],
        key_column_count: 2,
        ..KeyInfo::default()
    })
}

impl Victim {
    pub fn new(page_size: usize, mode: AutoVacuum, rows: i64) -> Victim {
        let mut bed = Bed::new(page_size, 0, mode, false);
        let table = bed.run(|trees, pager| trees.create_tree(pager, TreeKind::Table)).expect("room");
        let index = bed.run(|trees, pager| trees.create_tree(pager, TreeKind::Index)).expect("room");
        let mut open =
            |root, key: Option<Arc<KeyInfo>>| bed.trees.open_cursor(&bed.pager, root, key.as_ref(), true);
        let cursors = [
            open(table, None),
            open(index, Some(key_info())),
            open(table, None),
            open(index, Some(key_info())),
        ];
        let mut victim = Victim { bed, table, index, cursors };
        for row in 0..rows {
            victim.insert(row * 3, row as u32 * 37).expect("room");
        }
        for row in (0..rows).step_by(5) {
            victim.delete(row * 3, row as u32 * 37).expect("there");
        }
        victim
    }

    pub fn insert(&mut self, rowid: i64, c: u32) -> Result<(), crate::Error> {
        let payload = vec![c as u8 | 2; if c.is_multiple_of(9) { 900 } else { (c % 60) as usize }];
        let [table, index, ..] = self.cursors;
        let flags = InsertFlags::default();
        let row = RowPayload::Table { rowid, record: &payload, zero_tail: 0 };
        self.bed.run(|trees, pager| trees.insert(pager, table, row, flags))?;
        let record = index_record(&payload, rowid);
        self.bed.run(|trees, pager| trees.insert(pager, index, RowPayload::Index { record: &record }, flags))
    }

    fn delete(&mut self, rowid: i64, c: u32) -> Result<(), crate::Error> {
        let [table, index, ..] = self.cursors;
        let found = self.bed.on(table, |cursor, pager, g| cursor.seek_rowid(rowid, pager, g))?;
        if found == crate::SeekOutcome::At(Ordering::Equal) {
            self.bed.run(|trees, pager| trees.delete(pager, table, c & 1 == 0))?;
        }
        let payload = vec![c as u8 | 2; if c.is_multiple_of(9) { 900 } else { (c % 60) as usize }];
        let key = [ValueRef::Text(&payload), ValueRef::Integer(rowid)];
        let found =
            self.bed.on(index, |cursor, pager, g| cursor.seek_key(&key, Ordering::Equal, pager, g))?;
        if found == crate::SeekOutcome::At(Ordering::Equal) {
            self.bed.run(|trees, pager| trees.delete(pager, index, c & 2 == 0))?;
        }
        Ok(())
    }

    /// Changes a byte of a page. All cursors leave the trees before, as they would when another process had done it.
    pub fn damage(&mut self, page: u32, at: usize, value: u8) {
        self.bed.trees.reset_all();
        let page = PageNo::new(page).expect("not zero");
        let frame = self.bed.pager.get(page).expect("in the file").expect("there");
        self.bed.pager.begin_change();
        let (bytes, header) = self.bed.pager.write_with_header(frame).expect("memory");
        bytes[at] = value;
        *header = PageHeader::default();
        self.bed.pager.commit_change();
    }

    /// One operation, whose error does not matter.
    fn use_it(&mut self, (op, a, c): (u8, i64, u32)) {
        let bed = &mut self.bed;
        let id = self.cursors[c as usize % 4];
        let rowid = a % 200;
        let _ = match op % 14 {
            0..=2 => self.insert(rowid, c),
            3..=4 => self.delete(rowid, c),
            5 => bed.on(id, |cursor, pager, g| cursor.first(pager, g)).map(drop),
            6 => bed.on(id, |cursor, pager, g| cursor.last(pager, g)).map(drop),
            7 | 8 => (0..c % 60).try_for_each(|_| {
                bed.on(id, |cursor, pager, g| cursor.next(pager, g))?;
                let len = bed.trees.cursors.get(id)?.entry(&bed.pager)?.len;
                let mut out = Vec::new();
                bed.on(id, |cursor, pager, g| cursor.read_payload(len / 3..len.min(5000), &mut out, pager, g))
            }),
            9 => (0..c % 60)
                .try_for_each(|_| bed.on(id, |cursor, pager, g| cursor.previous(pager, g)).map(drop)),
            10 => bed.run(|trees, pager| trees.count(pager, id)).map(drop),
            11 => bed.on(id, save::restore).map(drop),
            12 if c.is_multiple_of(5) => {
                let root = if c & 1 == 0 { self.table } else { self.index };
                bed.run(|trees, pager| trees.clear_tree(pager, root)).map(drop)
            }
            12 => bed.run(|trees, pager| trees.incremental_vacuum_step(pager)).map(drop),
            _ => bed.run(|trees, pager| trees.vacuum_at_commit(pager)),
        };
    }

    fn check(&mut self, max_errors: usize) -> Vec<String> {
        let roots = [1, self.table.get(), self.index.get()];
        self.bed
            .run(|trees, pager| trees.integrity_check(pager, &roots, false, max_errors))
            .expect("memory")
            .messages
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_trees_give_errors_and_never_panic(
        page_size in prop_oneof![Just(512usize), Just(512), Just(1024), Just(65536)],
        mode in prop_oneof![Just(AutoVacuum::None), Just(AutoVacuum::Full), Just(AutoVacuum::Incremental)],
        rows in prop_oneof![Just(5i64), Just(60), Just(150)],
        flips in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u8>(), any::<u8>()), 1..8),
        steps in prop::collection::vec((any::<u8>(), 0i64..600, any::<u32>()), 1..60),
    ) {
        let mut victim = Victim::new(page_size, mode, rows);
        for (page, at, kind, value) in flips {
            let pages = victim.bed.pager.page_count();
            let (page, at, value) = match kind % 8 {
                // Anything, a page header, cell pointers, the freelist fields of the file header.
                0 | 1 => (page % pages + 1, at as usize % page_size, value),
                2 | 3 => (page % (pages - 1) + 2, at as usize % 12, value),
                4 => (page % (pages - 1) + 2, 8 + at as usize % 40, value),
                5 => (1, 32 + at as usize % 24, value % (pages as u8).max(1)),
                // Small numbers where page numbers may be.
                6 => (page % (pages - 1) + 2, [3, 7, 11][at as usize % 3], value % (pages as u8).max(1)),
                _ => (page % (pages - 1) + 2, page_size - 1 - at as usize % 60, value % (pages as u8).max(1)),
            };
            victim.damage(page, at, value);
        }
        let messages = victim.check(100);
        prop_assert!(messages.len() <= 100);
        steps.into_iter().for_each(|step| victim.use_it(step));
        victim.check(100);
    }
}

/// A seek beside its leaf met the page, and left the cursor there as if it stood on an entry.
#[test]
fn a_leaf_that_became_an_interior_page_leaves_the_cursor_on_no_entry() {
    let pages = Victim::new(512, AutoVacuum::None, 60).bed.pager.page_count();
    for page in 2..=pages {
        let mut victim = Victim::new(512, AutoVacuum::None, 60);
        victim.damage(page, 0, 5);
        for step in [(3, 52, 0), (0, 28, 0), (0, 40, 0)] {
            victim.use_it(step);
        }
    }
}

#[test]
fn a_healthy_database_has_nothing_to_report() {
    for mode in [AutoVacuum::None, AutoVacuum::Full, AutoVacuum::Incremental] {
        assert_eq!(Victim::new(512, mode, 150).check(100), [""; 0]);
    }
}

#[test]
fn damage_is_reported_in_the_words_of_sqlite() {
    let victim = || Victim::new(512, AutoVacuum::None, 150);
    let healthy = victim();
    let (table, index) = (healthy.table.get(), healthy.index.get());
    let mut bed = healthy.bed;
    let mut byte = |page: u32, at: usize| {
        let frame = bed.pager.get(PageNo::new(page).expect("not zero")).expect("valid").expect("there");
        bed.pager.page(frame)[at]
    };
    let free = byte(1, 39);
    let trunk = byte(1, 35);
    let right = u32::from(byte(table, 11));
    // Each: page, offset, the byte that is put there, and a message that SQLite gives for it.
    let cases = [
        (1, 39, free - 1, format!("Freelist: size is {free} but should be {}", free - 1)),
        (1, 67, 1, "incremental_vacuum enabled with a max rootpage of zero".to_owned()),
        (u32::from(trunk), 4, 1, format!("Freelist: freelist leaf count too big on page {trunk}")),
        (table, 0, 7, format!("Tree {table} page {table}: btreeInitPage() returns error code 11")),
        (table, 5, 0xff, format!("Tree {table} page {table}: free space corruption")),
        (
            table,
            8,
            0xff,
            format!("Tree {table} page {table} cell 0: invalid page number {}", 0xff00_0000 | right),
        ),
        (table, 8, 0xff, format!("Page {right}: never used")),
        (table, 11, index as u8, format!("2nd reference to page {index}")),
        (table, 12, 0xff, format!("Tree {table} page {table} cell 0: Offset 65")),
        (right, 7, 9, format!("Fragmentation of 0 bytes reported as 9 on page {right}")),
    ];
    for (page, at, value, expected) in cases {
        let mut victim = victim();
        victim.damage(page, at, value);
        let messages = victim.check(100);
        assert!(
            messages.iter().any(|message| message.starts_with(&expected)),
            "{expected:?} is not in {messages:#?}"
        );
    }
}
