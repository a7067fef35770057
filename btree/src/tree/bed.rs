//! A test bed: trees over a pager in memory, operations that are run again until they are done, and a walk over every page that
//! checks what has to be true between operations.
//!
//! The walk is written apart from the integrity check, as its naive twin.

use kernite_io::HashMap;

use crate::btree::TreeKind;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::pager::{PageKind, Pager};
use crate::record::{ValueRef, encode};
use crate::tree::cell;
use crate::tree::cursor::load;
use crate::tree::page::{self, u32_at};
use crate::tree::pointer_map::{self, Owner};
use crate::tree::space;
use crate::tree::trees::Trees;
use crate::{AutoVacuum, CursorId, Step};

/// More runs than any operation of a test may need.
const RUNS_MAX: usize = 100_000;

/// Trees in memory.
pub(crate) struct Bed {
    pub pager: Pager,
    pub trees: Trees,
    force_miss: bool,
}

impl Bed {
    pub fn new(page_size: usize, reserved: u8, auto_vacuum: AutoVacuum, force_miss: bool) -> Bed {
        let mut pager = Pager::memory(page_size, reserved, auto_vacuum).expect("memory");
        pager.set_force_miss(force_miss);
        let mut trees = Trees::default();
        trees.refresh(&pager);
        Bed { pager, trees, force_miss }
    }

    /// Runs an operation until it is done.
    pub fn run<T>(
        &mut self,
        mut operation: impl FnMut(&mut Trees, &mut Pager) -> Step<T>,
    ) -> Result<T, Error> {
        for _ in 0..RUNS_MAX {
            if let Some(value) = operation(&mut self.trees, &mut self.pager)? {
                self.pager.forget_misses();
                return Ok(value);
            }
            assert!(self.force_miss, "nothing to wait for");
        }
        panic!("an operation is never done");
    }

    /// As [`Bed::run`] for an operation on one cursor.
    pub fn on<T>(
        &mut self,
        id: CursorId,
        mut operation: impl FnMut(
            &mut crate::tree::cursor::Cursor,
            &mut Pager,
            &crate::tree::geometry::Geometry,
        ) -> Step<T>,
    ) -> Result<T, Error> {
        self.run(|trees, pager| trees.with_cursor(id, |cursor, geometry| operation(cursor, pager, geometry)))
    }

    /// The payload under a cursor.
    pub fn payload(&mut self, id: CursorId) -> Vec<u8> {
        let mut out = Vec::new();
        self.on(id, |cursor, pager, geometry| {
            let len = cursor.entry(pager)?.len;
            cursor.read_payload(0..len, &mut out, pager, geometry)
        })
        .expect("on an entry");
        out
    }

    /// Walks all pages from these roots, the freelist and the pointer map; panics where something is not as it has to be.
    pub fn verify(&mut self, roots: &[(PageNo, TreeKind)]) {
        self.pager.set_force_miss(false);
        let mut walk = Walk { uses: HashMap::default(), owners: HashMap::default() };
        let auto_vacuum = walk.field(self, 52) != 0;
        for &(root, kind) in [(PageNo::ONE, TreeKind::Table)].iter().chain(roots) {
            walk.claim(root, Some(Owner::Root));
            walk.tree(self, root, kind, true, (i64::MIN, i64::MAX));
        }
        walk.freelist(self);
        let geometry = self.trees.geometry;
        for number in 1..=self.pager.page_count() {
            let page = PageNo::new(number).expect("not zero");
            let special =
                number == geometry.lock_byte_page() || (auto_vacuum && geometry.is_pointer_map(page));
            assert_eq!(walk.uses.contains_key(&number), !special, "use of page {number}");
            if auto_vacuum && !special && number > 1 {
                let owner =
                    pointer_map::read(page, &mut self.pager, &geometry).expect("valid").expect("there");
                assert_eq!(Some(&owner), walk.owners.get(&number), "owner of page {number}");
            }
        }
        let roots: Vec<u32> = [1].into_iter().chain(roots.iter().map(|(root, _)| root.get())).collect();
        let report = self.trees.integrity_check(&mut self.pager, &roots, false, 100);
        assert_eq!(report.expect("valid").expect("there").messages, [""; 0], "the integrity check agrees");
        self.pager.set_force_miss(self.force_miss);
    }
}

struct Walk {
    uses: HashMap<u32, ()>,
    owners: HashMap<u32, Owner>,
}

impl Walk {
    fn field(&self, bed: &mut Bed, at: usize) -> u32 {
        let one = bed.pager.get(PageNo::ONE).expect("valid").expect("there");
        u32_at(bed.pager.page(one), at)
    }

    fn claim(&mut self, page: PageNo, owner: Option<Owner>) {
        assert!(self.uses.insert(page.get(), ()).is_none(), "page {page} is used twice");
        if let Some(owner) = owner {
            self.owners.insert(page.get(), owner);
        }
    }

    /// Walks a tree; its depth.
    fn tree(
        &mut self,
        bed: &mut Bed,
        no: PageNo,
        kind: TreeKind,
        root: bool,
        (low, high): (i64, i64),
    ) -> usize {
        let geometry = bed.trees.geometry;
        let frame = load(&mut bed.pager, no, &geometry).expect("valid").expect("there");
        let header = *bed.pager.header(frame);
        let bytes = bed.pager.page(frame).to_vec();
        let decoded = page::decode(&bytes, no, &geometry).expect("valid");
        assert_eq!(
            (decoded.kind, decoded.cell_count, decoded.cells_at),
            (header.kind, header.cell_count, header.cells_at)
        );
        space::assert_valid(&bytes, &header, &geometry);
        assert_eq!(header.kind.is_table(), kind == TreeKind::Table);
        let leaf = header.kind.is_leaf();
        assert!(root || header.cell_count > 0, "page {no} is empty");
        let mut below = low;
        let mut depth = None;
        for index in 0..usize::from(header.cell_count) {
            let parsed = cell::parse_at(&bytes, &header, index, &geometry).expect("valid");
            let at = page::cell_offset(&bytes, &header, index);
            let mut range = (low, high);
            if kind == TreeKind::Table {
                assert!(parsed.rowid >= below && parsed.rowid <= high, "rowid {} on page {no}", parsed.rowid);
                range = (below, parsed.rowid);
                below = parsed.rowid.saturating_add(1);
            }
            if !leaf {
                let child = PageNo::new(u32_at(&bytes, at)).expect("not zero");
                self.claim(child, Some(Owner::Tree(no)));
                let child_depth = self.tree(bed, child, kind, false, range);
                assert_eq!(*depth.get_or_insert(child_depth), child_depth);
            }
            if header.kind != PageKind::TableInterior && parsed.overflows() {
                self.chain(
                    bed,
                    parsed.first_overflow(&bytes).expect("valid"),
                    parsed.overflow_pages(&geometry),
                    no,
                );
            }
        }
        if !leaf {
            let child = page::right_child(&bytes, &header).expect("not zero");
            self.claim(child, Some(Owner::Tree(no)));
            let child_depth = self.tree(bed, child, kind, false, (below, high));
            assert_eq!(*depth.get_or_insert(child_depth), child_depth);
        }
        depth.map_or(1, |depth| depth + 1)
    }

    fn chain(&mut self, bed: &mut Bed, first: PageNo, len: u32, holder: PageNo) {
        let mut next = Some(first);
        let mut owner = Owner::Cell(holder);
        for _ in 0..len {
            let page = next.expect("a chain of the right length");
            self.claim(page, Some(owner));
            owner = Owner::Chain(page);
            let frame = bed.pager.get(page).expect("valid").expect("there");
            next = PageNo::new(u32_at(bed.pager.page(frame), 0));
        }
        assert_eq!(next, None, "a chain is too long");
    }

    fn freelist(&mut self, bed: &mut Bed) {
        let mut count = 0;
        let mut next = self.field(bed, 32);
        while let Some(trunk) = PageNo::new(next) {
            self.claim(trunk, Some(Owner::Free));
            let frame = bed.pager.get(trunk).expect("valid").expect("there");
            let bytes = bed.pager.page(frame);
            let leaves = u32_at(bytes, 4) as usize;
            for index in 0..leaves {
                let leaf = PageNo::new(u32_at(bytes, 8 + 4 * index)).expect("not zero");
                self.claim(leaf, Some(Owner::Free));
            }
            count += 1 + leaves as u32;
            next = u32_at(bytes, 0);
        }
        assert_eq!(count, self.field(bed, 36), "pages on the freelist");
    }
}

/// A record of a text and an integer, as an index entry has them.
pub(crate) fn index_record(text: &[u8], rowid: i64) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&[ValueRef::Text(text), ValueRef::Integer(rowid)], true, &mut out);
    out
}
