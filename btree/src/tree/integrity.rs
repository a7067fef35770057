//! The integrity check of trees, freelist and pointer map, in SQLite's words.
//!
//! It looks at one page at a time and keeps its place in [`IntegrityCheck`], so that it can wait for a page anywhere and lets the cache
//! shrink in between. Every page is entered once at most: a reference to a page that was seen already is an error, so a
//! cycle ends there.
//!
//! ```text
//! freelist -> roots in order, each tree depth first, from the right child to the first cell -> pages never used
//! ```
//!
//! The order of the messages, and their prefixes, are part of what applications see, so the walk follows SQLite's order.
//!
//! Always true: a unit of work first makes resident what it needs and then changes the state, so it can be run again.
//! Never: repairing; the contents of records (the layer above checks those).

use kernite_io::ready;

use crate::Step;
use crate::btree::IntegrityReport;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::pager::{PageHeader, PageKind, Pager};
use crate::tree::geometry::Geometry;
use crate::tree::page::{self, u16_at, u32_at};
use crate::tree::trees::Trees;
use crate::tree::{cell, change, space};

/// Result code that stands in a message: `SQLITE_CORRUPT`.
const CODE_CORRUPT: u32 = 11;

/// Kinds of pointer-map entries.
const ROOT: u32 = 1;
const FREE: u32 = 2;
const OVERFLOW_FIRST: u32 = 3;
const OVERFLOW_LATER: u32 = 4;
const TREE: u32 = 5;

/// What a message starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    None,
    Freelist,
    Page,
    Cell,
    RightChild,
}

/// Where a message belongs.
#[derive(Clone, Copy, Debug)]
struct Place {
    prefix: Prefix,
    page: u32,
    cell: u32,
}

/// What is checked next when nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Freelist,
    Header,
    Root(usize),
    Unused(u32),
    Done,
}

/// A freelist or an overflow chain under way.
#[derive(Clone, Copy, Debug)]
struct List {
    is_freelist: bool,
    page: u32,
    /// Pages that it should still have. Below 0 when it has more.
    left: i64,
    expected: u32,
    errors_before: usize,
}

/// What comes next on a page of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    RightChild,
    RightChildDone,
    Cell(u16),
    /// The child of this cell.
    Child(u16),
    ChildDone(u16),
    End,
}

/// A page of a tree under way.
#[derive(Clone, Copy, Debug)]
struct Visit {
    page: u32,
    next: Next,
    /// Rowids have to be below this one; the first one looked at on a leaf may be equal.
    max_key: i64,
    key_may_equal: bool,
    /// Levels below this page, -1 before the first child.
    depth: i32,
    /// Whether the cells lie sanely enough to look for bytes in no use.
    coverage: bool,
    /// The place of messages before this page was entered.
    outer: Place,
}

/// What a page of a tree gives back to its parent.
#[derive(Clone, Copy, Debug)]
struct Visited {
    depth: i32,
    min_key: i64,
}

/// An integrity check under way.
#[derive(Debug)]
pub(crate) struct IntegrityCheck {
    roots: Vec<u32>,
    partial: bool,
    errors_left: usize,
    report: IntegrityReport,
    /// One bit a page.
    referenced: Vec<u64>,
    page_count: u32,
    auto_vacuum: bool,
    stage: Stage,
    list: Option<List>,
    visits: Vec<Visit>,
    visited: Option<Visited>,
    place: Place,
    /// Root of the tree under way.
    root: u32,
    entries: u64,
    /// First and last byte of the cells of the leaf under way.
    pieces: Vec<(u32, u32)>,
}

impl Trees {
    /// Checks trees with these roots; see [`crate::Btree::integrity_check`].
    pub fn integrity_check(
        &mut self,
        pager: &mut Pager,
        roots: &[u32],
        partial: bool,
        max_errors: usize,
    ) -> Step<IntegrityReport> {
        self.refresh(pager);
        let mut check = match self.integrity.take() {
            Some(check) if check.roots == roots && check.partial == partial => check,
            _ => {
                if pager.page_count() == 0 {
                    return Ok(Some(IntegrityReport::default()));
                }
                let auto_vacuum = ready!(change::has_pointer_map(pager));
                Box::new(IntegrityCheck::new(roots, partial, max_errors, pager, auto_vacuum, &self.geometry))
            }
        };
        loop {
            let step = match check.unit(pager, &self.geometry)? {
                Some(true) => return Ok(Some(check.report)),
                Some(false) => self.safe_point(pager)?,
                None => None,
            };
            if step.is_none() {
                self.integrity = Some(check);
                return Ok(None);
            }
        }
    }
}

impl IntegrityCheck {
    fn new(
        roots: &[u32],
        partial: bool,
        max_errors: usize,
        pager: &Pager,
        auto_vacuum: bool,
        geometry: &Geometry,
    ) -> IntegrityCheck {
        let page_count = pager.page_count();
        let checks_freelist = !partial || roots.iter().find(|&&root| root != 0) == Some(&1);
        let mut check = IntegrityCheck {
            roots: roots.to_vec(),
            partial,
            errors_left: max_errors,
            report: IntegrityReport::default(),
            referenced: vec![0; page_count as usize / 64 + 1],
            page_count,
            auto_vacuum,
            stage: if checks_freelist { Stage::Freelist } else { Stage::Header },
            list: None,
            visits: Vec::new(),
            visited: None,
            place: Place { prefix: Prefix::None, page: 0, cell: 0 },
            root: 0,
            entries: 0,
            pieces: Vec::new(),
        };
        check.reference(geometry.lock_byte_page());
        check
    }

    /// One unit of work: `true` when the check is over.
    fn unit(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if let Some(list) = self.list {
            self.list = ready!(self.check_list_page(list, pager, geometry));
            return Ok(Some(false));
        }
        if let Some(top) = self.visits.len().checked_sub(1) {
            ready!(self.check_page(top, pager, geometry));
            return Ok(Some(false));
        }
        match self.stage {
            Stage::Freelist => self.start_freelist(pager),
            Stage::Header => self.check_header(pager),
            Stage::Root(index) => self.next_root(index, pager, geometry),
            Stage::Unused(page) => {
                self.check_unused(page, geometry);
                self.stage = Stage::Done;
                Ok(Some(false))
            }
            Stage::Done => Ok(Some(true)),
        }
    }

    // ---- messages -----------------------------------------------------------------------------------------------

    fn report(&mut self, text: std::fmt::Arguments<'_>) {
        if self.errors_left == 0 {
            return;
        }
        self.errors_left -= 1;
        let Place { prefix, page, cell } = self.place;
        let root = self.root;
        self.report.messages.push(match prefix {
            Prefix::None => format!("{text}"),
            Prefix::Freelist => format!("Freelist: {text}"),
            Prefix::Page => format!("Tree {root} page {page}: {text}"),
            Prefix::Cell => format!("Tree {root} page {page} cell {cell}: {text}"),
            Prefix::RightChild => format!("Tree {root} page {page} right child: {text}"),
        });
    }

    fn errors(&self) -> usize {
        self.report.messages.len()
    }

    // ---- references ---------------------------------------------------------------------------------------------

    /// Marks a page as used; whether it was already. Pages outside the file count as not used.
    fn reference(&mut self, page: u32) -> bool {
        let was = self.is_referenced(page);
        if page <= self.page_count
            && let Some(word) = self.referenced.get_mut(page as usize / 64)
        {
            *word |= 1 << (page % 64);
        }
        was
    }

    fn is_referenced(&self, page: u32) -> bool {
        self.referenced.get(page as usize / 64).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    /// Whether a page may be entered: it exists and nothing has referred to it.
    fn is_enterable(&self, page: u32) -> bool {
        page != 0 && page <= self.page_count && !self.is_referenced(page)
    }

    /// Marks a page as used; reports and tells where it cannot be.
    fn check_reference(&mut self, page: u32) -> bool {
        if page == 0 || page > self.page_count {
            self.report(format_args!("invalid page number {page}"));
            return false;
        }
        if self.reference(page) {
            self.report(format_args!("2nd reference to page {page}"));
            return false;
        }
        true
    }

    /// Makes the pointer-map page of `page` resident, where there is one.
    fn load_pointer(&self, page: u32, pager: &mut Pager, geometry: &Geometry) -> Step<()> {
        if let Some((map, _)) = self.pointer_place(page, geometry) {
            ready!(pager.get(map));
        }
        Ok(Some(()))
    }

    fn pointer_place(&self, page: u32, geometry: &Geometry) -> Option<(PageNo, usize)> {
        let page = PageNo::new(page)?;
        let map = geometry.pointer_map_page(page).filter(|map| map.get() <= self.page_count)?;
        Some((map, geometry.pointer_map_offset(map, page)?))
    }

    /// Checks a pointer-map entry, whose page is resident.
    fn check_pointer(
        &mut self,
        page: u32,
        kind: u32,
        parent: u32,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<()> {
        let found = match self.pointer_place(page, geometry) {
            Some((map, at)) => {
                let frame = ready!(pager.get(map));
                let bytes = pager.page(frame);
                let kind = bytes.get(at).map_or(0, |&kind| u32::from(kind));
                (ROOT..=TREE).contains(&kind).then(|| (kind, u32_at(bytes, at + 1)))
            }
            None => None,
        };
        match found {
            None => self.report(format_args!("Failed to read ptrmap key={page}")),
            Some((found_kind, found_parent)) if (found_kind, found_parent) != (kind, parent) => {
                self.report(format_args!(
                    "Bad ptr map entry key={page} expected=({kind},{parent}) got=({found_kind},{found_parent})"
                ));
            }
            Some(_) => {}
        }
        Ok(Some(()))
    }

    // ---- freelist and overflow chains ---------------------------------------------------------------------------

    fn start_freelist(&mut self, pager: &mut Pager) -> Step<bool> {
        let one = ready!(pager.get(PageNo::ONE));
        let bytes = pager.page(one);
        self.place.prefix = Prefix::Freelist;
        self.start_list(true, u32_at(bytes, 32), u32_at(bytes, 36));
        self.stage = Stage::Header;
        Ok(Some(false))
    }

    fn start_list(&mut self, is_freelist: bool, page: u32, expected: u32) {
        let errors_before = self.errors();
        self.list = Some(List { is_freelist, page, left: i64::from(expected), expected, errors_before });
    }

    /// Checks one page of a list: what is left of it.
    fn check_list_page(
        &mut self,
        mut list: List,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Option<List>> {
        if list.page == 0 || self.errors_left == 0 {
            self.end_list(list);
            return Ok(Some(None));
        }
        let Some(page) = PageNo::new(list.page).filter(|_| self.is_enterable(list.page)) else {
            self.check_reference(list.page);
            self.end_list(list);
            return Ok(Some(None));
        };
        let frame = ready!(pager.get(page));
        let next = u32_at(pager.page(frame), 0);
        if list.is_freelist {
            let count = u32_at(pager.page(frame), 4);
            let fits = count as usize <= geometry.trunk_capacity();
            let leaf = |pager: &Pager, index: u32| u32_at(pager.page(frame), 8 + 4 * index as usize);
            if self.auto_vacuum {
                ready!(self.load_pointer(list.page, pager, geometry));
                for index in 0..if fits { count } else { 0 } {
                    ready!(self.load_pointer(leaf(pager, index), pager, geometry));
                }
            }
            self.check_reference(list.page);
            list.left -= 1;
            if self.auto_vacuum {
                ready!(self.check_pointer(list.page, FREE, 0, pager, geometry));
            }
            if fits {
                for index in 0..count {
                    let page = leaf(pager, index);
                    if self.auto_vacuum {
                        ready!(self.check_pointer(page, FREE, 0, pager, geometry));
                    }
                    self.check_reference(page);
                }
                list.left -= i64::from(count);
            } else {
                self.report(format_args!("freelist leaf count too big on page {page}"));
                list.left -= 1;
            }
        } else {
            if self.auto_vacuum {
                ready!(self.load_pointer(next, pager, geometry));
            }
            self.check_reference(list.page);
            list.left -= 1;
            if self.auto_vacuum && list.left != 0 {
                ready!(self.check_pointer(next, OVERFLOW_LATER, list.page, pager, geometry));
            }
        }
        list.page = next;
        Ok(Some(Some(list)))
    }

    fn end_list(&mut self, list: List) {
        if list.left != 0 && list.errors_before == self.errors() {
            let what = if list.is_freelist { "size" } else { "overflow list length" };
            let found = i64::from(list.expected) - list.left;
            self.report(format_args!("{what} is {found} but should be {}", list.expected));
        }
        if list.is_freelist {
            self.place.prefix = Prefix::None;
        }
    }

    // ---- header, roots, pages in no use -------------------------------------------------------------------------

    fn check_header(&mut self, pager: &mut Pager) -> Step<bool> {
        let one = ready!(pager.get(PageNo::ONE));
        let (largest, incremental) = (u32_at(pager.page(one), 52), u32_at(pager.page(one), 64));
        if !self.partial {
            if self.auto_vacuum {
                let found = self.roots.iter().copied().max().unwrap_or(0);
                if found != largest {
                    self.report(format_args!("max rootpage ({found}) disagrees with header ({largest})"));
                }
            } else if incremental != 0 {
                self.report(format_args!("incremental_vacuum enabled with a max rootpage of zero"));
            }
        }
        self.stage = Stage::Root(0);
        Ok(Some(false))
    }

    fn next_root(&mut self, index: usize, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        let root = self.roots.get(index).copied();
        let enters = root.is_some_and(|root| root != 0) && self.errors_left > 0;
        if let Some(root) = root.filter(|_| enters) {
            ready!(self.load_entered(root, pager));
            if self.auto_vacuum && root > 1 && !self.partial {
                ready!(self.load_pointer(root, pager, geometry));
                ready!(self.check_pointer(root, ROOT, 0, pager, geometry));
            }
        }
        // What the tree before this one gave back is of no interest.
        if index > 0 {
            self.report.entry_counts.push(std::mem::take(&mut self.entries));
        }
        self.visited = None;
        match root {
            None => {
                self.stage = if self.partial { Stage::Done } else { Stage::Unused(1) };
            }
            Some(root) => {
                self.stage = Stage::Root(index + 1);
                if enters {
                    self.root = root;
                    self.enter(root, i64::MAX);
                }
            }
        }
        Ok(Some(false))
    }

    fn check_unused(&mut self, first: u32, geometry: &Geometry) {
        for number in first..=self.page_count {
            if self.errors_left == 0 {
                break;
            }
            let is_map =
                self.auto_vacuum && PageNo::new(number).is_some_and(|page| geometry.is_pointer_map(page));
            match (self.is_referenced(number), is_map) {
                (false, false) => self.report(format_args!("Page {number}: never used")),
                (true, true) => self.report(format_args!("Page {number}: pointer map referenced")),
                _ => {}
            }
        }
    }

    // ---- pages of trees -----------------------------------------------------------------------------------------

    /// Makes a page resident that [`IntegrityCheck::enter`] will enter.
    fn load_entered(&self, page: u32, pager: &mut Pager) -> Step<()> {
        if let Some(page) = PageNo::new(page).filter(|page| self.is_enterable(page.get())) {
            ready!(pager.get(page));
        }
        Ok(Some(()))
    }

    /// Begins with a page of a tree, or gives its parent an answer at once where that is impossible.
    fn enter(&mut self, page: u32, max_key: i64) {
        if self.errors_left == 0 || page == 0 || !self.check_reference(page) {
            self.visited = Some(Visited { depth: 0, min_key: max_key });
            return;
        }
        self.visits.push(Visit {
            page,
            next: Next::RightChild,
            max_key,
            key_may_equal: true,
            depth: -1,
            coverage: true,
            outer: self.place,
        });
        self.pieces.clear();
        self.place = Place { prefix: Prefix::Page, page, cell: self.place.cell };
    }

    /// Goes on with the page of visit `top`, the last one.
    fn check_page(&mut self, top: usize, pager: &mut Pager, geometry: &Geometry) -> Step<()> {
        let mut visit = self.visits[top];
        let page = PageNo::new(visit.page).unwrap_or(PageNo::ONE);
        let frame = ready!(pager.get(page));
        let Some(header) = self.open_page(&visit, pager.page(frame), page, geometry) else {
            self.leave();
            return Ok(Some(()));
        };
        // Each turn does one thing and says in `next` what follows. It leaves the visit alone when it has to wait.
        loop {
            let turn = match visit.next {
                Next::RightChild if header.kind.is_leaf() => {
                    self.start_cells(&mut visit, &header);
                    Some(false)
                }
                Next::RightChild => self.enter_right_child(&mut visit, &header, pager, geometry)?,
                Next::RightChildDone | Next::ChildDone(_) => {
                    self.take_answer(&mut visit, &header);
                    Some(false)
                }
                Next::Cell(index) => self.check_cell(&mut visit, &header, index, pager, geometry)?,
                Next::Child(index) => self.enter_child(&mut visit, &header, index, pager, geometry)?,
                Next::End => {
                    self.check_coverage(&visit, &header, pager, geometry)?;
                    self.visits[top] = visit;
                    self.leave();
                    return Ok(Some(()));
                }
            };
            self.visits[top] = visit;
            match turn {
                Some(false) => {}
                // Another page or a list was begun and comes first.
                Some(true) => return Ok(Some(())),
                None => return Ok(None),
            }
        }
    }

    /// Decodes the header of a page and checks its free space; reports and gives `None` where that fails.
    fn open_page(
        &mut self,
        visit: &Visit,
        bytes: &[u8],
        page: PageNo,
        geometry: &Geometry,
    ) -> Option<PageHeader> {
        let Ok(header) = page::decode(bytes, page, geometry) else {
            self.report(format_args!("btreeInitPage() returns error code {CODE_CORRUPT}"));
            return None;
        };
        if visit.next == Next::RightChild && space::count_free(bytes, &header, geometry).is_err() {
            self.report(format_args!("free space corruption"));
            return None;
        }
        Some(header)
    }

    fn start_cells(&mut self, visit: &mut Visit, header: &PageHeader) {
        if header.kind != PageKind::TableInterior && visit.next == Next::RightChild {
            self.entries += u64::from(header.cell_count);
        }
        if self.place.prefix == Prefix::Page {
            self.place.prefix = Prefix::Cell;
        }
        visit.next = match header.cell_count.checked_sub(1) {
            Some(last) => Next::Cell(last),
            None => Next::End,
        };
    }

    fn enter_right_child(
        &mut self,
        visit: &mut Visit,
        header: &PageHeader,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<bool> {
        let page = PageNo::new(visit.page).unwrap_or(PageNo::ONE);
        let frame = ready!(pager.get(page));
        let child = u32_at(pager.page(frame), header.at() + 8);
        ready!(self.load_entered(child, pager));
        if self.auto_vacuum {
            ready!(self.load_pointer(child, pager, geometry));
        }
        self.start_cells(visit, header);
        if self.auto_vacuum {
            self.place.prefix = Prefix::RightChild;
            ready!(self.check_pointer(child, TREE, visit.page, pager, geometry));
        }
        visit.next = Next::RightChildDone;
        self.enter(child, visit.max_key);
        Ok(Some(true))
    }

    /// Takes over what a child gave back.
    fn take_answer(&mut self, visit: &mut Visit, header: &PageHeader) {
        let Some(Visited { depth, min_key }) = self.visited.take() else { return };
        visit.max_key = min_key;
        visit.key_may_equal = false;
        match visit.next {
            Next::ChildDone(index) => {
                if depth != visit.depth {
                    self.report(format_args!("Child page depth differs"));
                }
                visit.next = cell_before(index);
            }
            _ => visit.next = header.cell_count.checked_sub(1).map_or(Next::End, Next::Cell),
        }
        visit.depth = depth;
    }

    /// Checks a cell but for its child.
    fn check_cell(
        &mut self,
        visit: &mut Visit,
        header: &PageHeader,
        index: u16,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<bool> {
        if self.errors_left == 0 {
            visit.next = Next::End;
            return Ok(Some(false));
        }
        let page = PageNo::new(visit.page).unwrap_or(PageNo::ONE);
        let frame = ready!(pager.get(page));
        let bytes = pager.page(frame);
        let top = page::content_top(bytes, header);
        let at = page::cell_offset(bytes, header, usize::from(index));
        self.place.cell = u32::from(index);
        if at < top || at > geometry.usable - 4 {
            self.report(format_args!("Offset {at} out of range {top}..{}", geometry.usable - 4));
            visit.coverage = false;
            visit.next = cell_before(index);
            return Ok(Some(false));
        }
        let Ok(cell) = cell::parse(header.kind, bytes, at, geometry) else {
            self.report(format_args!("Extends off end of page"));
            visit.coverage = false;
            visit.next = cell_before(index);
            return Ok(Some(false));
        };
        // The shortest record header is its own length and one serial type.
        if cell.payload_len > 0 && bytes.get(cell.payload_at as usize).is_some_and(|&len| len < 2) {
            self.report(format_args!("Bad cell header size"));
            visit.coverage = false;
            visit.next = cell_before(index);
            return Ok(Some(false));
        }
        let size = cell.size as usize;
        let chain = cell.overflows().then(|| u32_at(bytes, at + size - 4));
        if let Some(chain) = chain.filter(|_| self.auto_vacuum) {
            ready!(self.load_pointer(chain, pager, geometry));
        }
        if header.kind.is_table() {
            let in_order =
                if visit.key_may_equal { cell.rowid <= visit.max_key } else { cell.rowid < visit.max_key };
            if !in_order {
                self.report(format_args!("Rowid {} out of order", cell.rowid));
            }
            visit.max_key = cell.rowid;
            visit.key_may_equal = false;
        }
        if header.kind.is_leaf() {
            self.pieces.push((at as u32, (at + size - 1) as u32));
            visit.next = cell_before(index);
        } else {
            visit.next = Next::Child(index);
        }
        let Some(chain) = chain else { return Ok(Some(false)) };
        if self.auto_vacuum {
            ready!(self.check_pointer(chain, OVERFLOW_FIRST, visit.page, pager, geometry));
        }
        self.start_list(false, chain, cell.overflow_pages(geometry));
        Ok(Some(true))
    }

    fn enter_child(
        &mut self,
        visit: &mut Visit,
        header: &PageHeader,
        index: u16,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<bool> {
        let page = PageNo::new(visit.page).unwrap_or(PageNo::ONE);
        let frame = ready!(pager.get(page));
        let bytes = pager.page(frame);
        let child = u32_at(bytes, page::cell_offset(bytes, header, usize::from(index)));
        ready!(self.load_entered(child, pager));
        if self.auto_vacuum {
            ready!(self.load_pointer(child, pager, geometry));
            ready!(self.check_pointer(child, TREE, visit.page, pager, geometry));
        }
        visit.next = Next::ChildDone(index);
        self.enter(child, visit.max_key);
        Ok(Some(true))
    }

    /// Looks for bytes that two things on the page use, and for bytes that none uses.
    fn check_coverage(
        &mut self,
        visit: &Visit,
        header: &PageHeader,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Result<(), Error> {
        self.place.prefix = Prefix::None;
        if !visit.coverage || self.errors_left == 0 {
            return Ok(());
        }
        let page = PageNo::new(visit.page).unwrap_or(PageNo::ONE);
        let Some(frame) = pager.get(page)? else { return Ok(()) };
        let bytes = pager.page(frame);
        if !header.kind.is_leaf() {
            self.pieces.clear();
            for index in 0..usize::from(header.cell_count) {
                let at = page::cell_offset(bytes, header, index);
                if let Ok(cell) = cell::parse(header.kind, bytes, at, geometry) {
                    self.pieces.push((at as u32, (at + cell.size as usize - 1) as u32));
                }
            }
        }
        // The freeblock chain was checked when the page was entered.
        let mut at = u16_at(bytes, header.at() + 1);
        while at != 0 {
            self.pieces.push((at as u32, (at + u16_at(bytes, at + 2) - 1) as u32));
            at = u16_at(bytes, at);
        }
        let reported = u32::from(bytes[header.at() + 7]);
        self.pieces.sort_unstable();
        let mut free_from = page::content_top(bytes, header) as u32;
        let mut fragments = 0;
        let mut twice = None;
        for (place, &(first, last)) in self.pieces.iter().enumerate() {
            if free_from > first {
                twice = Some((place, first));
                break;
            }
            fragments += first - free_from;
            free_from = last + 1;
        }
        fragments += (geometry.usable as u32).saturating_sub(free_from);
        if let Some((_, byte)) = twice {
            self.report(format_args!("Multiple uses for byte {byte} of page {page}"));
        }
        let all_seen = twice.is_none_or(|(place, _)| place + 1 == self.pieces.len());
        if all_seen && fragments != reported {
            self.report(format_args!(
                "Fragmentation of {fragments} bytes reported as {reported} on page {page}"
            ));
        }
        Ok(())
    }

    /// A page is done: its parent gets the answer.
    fn leave(&mut self) {
        let Some(visit) = self.visits.pop() else { return };
        self.place = visit.outer;
        self.visited = Some(Visited { depth: visit.depth + 1, min_key: visit.max_key });
    }
}

/// Cells are checked from the last to the first.
fn cell_before(index: u16) -> Next {
    index.checked_sub(1).map_or(Next::End, Next::Cell)
}
