//! Seeking: binary search from the root, or on the leaf where the cursor already is.
//!
//! Seeks come in runs: rows in order of their rowid, keys in order of an index, the next larger key to append. So a seek
//! looks at the present leaf first; after that failed it waits a few seeks before it tries again, since random seeks would pay
//! for it each time.
//!
//! In a table tree the search decodes nothing but the rowid of each cell that it visits. In an index tree a cell is compared
//! where it lies, and overflow pages are read only as far as the comparison needs.
//!
//! A seek that has to wait leaves the cursor nowhere until it is run again.
//!
//! Never: writing.

use std::cmp::Ordering;

use kernite_io::ready;

use crate::btree::SeekOutcome;
use crate::collation::KeyInfo;
use crate::error::{Damage, Error};
use crate::pager::{PageHeader, Pager};
use crate::record::{Compared, ValueRef, Values, compare_prefix, compare_rest, serial};
use crate::tree::cell;
use crate::tree::cursor::{Cursor, State, damaged, load_child};
use crate::tree::geometry::Geometry;
use crate::tree::page;
use crate::tree::payload;
use crate::{PageNo, Step};

/// Seeks that do not look at the present leaf after two in a row looked in vain.
const PATIENCE: u8 = 15;

/// Seeks in a row that leave the leaf before it is not looked at first any more.
const STRAYED_MAX: u8 = 2;

/// Values of a key that are decoded without an allocation.
const KEY_INLINE: usize = 16;
/// Values of most keys.
const KEY_SHORT: usize = 3;

/// What an index seek looks for.
#[derive(Clone, Copy)]
pub(crate) struct Probe<'k> {
    pub key: &'k [ValueRef<'k>],
    pub info: &'k KeyInfo,
    /// How an entry compares that equals the key in all of the key's columns.
    pub when_equal: Ordering,
}

/// First cell of a leaf's cells `lo..hi` whose rowid is at least `rowid`; `hi` where there is none. The comparison selects instead of branching: which
/// way it goes cannot be predicted.
#[inline(always)]
fn lower_bound(
    bytes: &[u8],
    header: &PageHeader,
    (mut lo, mut hi): (usize, usize),
    rowid: i64,
) -> Result<usize, Damage> {
    while lo < hi {
        let middle = (lo + hi) / 2;
        let at = page::cell_offset(bytes, header, middle);
        let less = cell::rowid_only(bytes, at, true)? < rowid;
        lo = if less { middle + 1 } else { lo };
        hi = if less { hi } else { middle };
    }
    Ok(lo)
}

/// Steps of a search for a child that go out from a guess; after these it halves what is left.
const GUESSES: u32 = 4;

/// Which child of an interior page of a table has the place of a rowid, and the largest rowid that it may have, if the page tells. Dividers
/// mostly lie at even distances: the search begins where the rowid would then be, and goes on from there by doubled steps.
fn child_of(bytes: &[u8], header: &PageHeader, rowid: i64) -> Result<(usize, Option<i64>), Damage> {
    let count = usize::from(header.cell_count);
    let divider = |index: usize| cell::rowid_only(bytes, page::cell_offset(bytes, header, index), false);
    let Some(last_index) = count.checked_sub(1) else { return Ok((0, None)) };
    let (first, last) = (divider(0)?, divider(last_index)?);
    if rowid > last {
        return Ok((count, None));
    }
    if rowid <= first {
        return Ok((0, Some(first)));
    }
    // The divider at `low` is below the rowid, `bound`, that at `high`, is not.
    let (mut low, mut high, mut bound) = (0, last_index, last);
    let share = rowid.wrapping_sub(first) as u64 as f64 / last.wrapping_sub(first) as u64 as f64;
    let mut guess = (share * last_index as f64) as usize;
    let mut step = 1;
    while high - low > 1 {
        let index = guess.clamp(low + 1, high - 1);
        let found = divider(index)?;
        if found < rowid {
            low = index;
            guess = index + step;
        } else {
            (high, bound) = (index, found);
            guess = index.saturating_sub(step);
        }
        if step < 1 << GUESSES {
            step *= 2;
        } else {
            guess = (low + high) / 2;
        }
    }
    Ok((high, Some(bound)))
}

/// [`lower_bound`] on a whole leaf whose largest rowid is probably `bound`. Rowids mostly follow each other without gaps, so the first look goes
/// where the rowid then is: mostly the only one, which on a page that is not in the processor's cache is most of the cost.
#[inline(always)]
fn search_leaf(bytes: &[u8], header: &PageHeader, rowid: i64, bound: Option<i64>) -> Result<usize, Damage> {
    let count = header.cell_count as usize;
    let (mut lo, mut hi) = (0, count);
    let last = match bound {
        Some(bound) => bound,
        None => cell::rowid_only(bytes, page::cell_offset(bytes, header, count - 1), true)?,
    };
    let distance = last.wrapping_sub(rowid);
    if distance >= 0 && distance < count as i64 {
        let guess = count - 1 - distance as usize;
        let found = cell::rowid_only(bytes, page::cell_offset(bytes, header, guess), true)?;
        match found.cmp(&rowid) {
            Ordering::Equal => return Ok(guess),
            Ordering::Less => lo = guess + 1,
            Ordering::Greater => hi = guess,
        }
    }
    lower_bound(bytes, header, (lo, hi), rowid)
}

/// The serial type of the first column of the payload whose length stands at `at`, and what begins with the column's content. `None` unless
/// the payload takes at most `payload_max` bytes, and the column lies within it.
#[inline(always)]
fn first_column(bytes: &[u8], at: usize, payload_max: usize) -> Option<(u8, &[u8])> {
    let cell = bytes.get(at..)?;
    let &[payload, header_len, serial, ..] = cell else { return None };
    let (payload, header_len) = (usize::from(payload), usize::from(header_len));
    // A header of one byte has no column; serial types beyond 0x7f take more than one byte.
    if payload > payload_max || header_len < 2 || serial > 0x7f {
        return None;
    }
    if header_len + serial::short_len(serial) > payload {
        return None;
    }
    Some((serial, cell.get(1 + header_len..)?))
}

/// How the record whose payload length, a single byte, stands at `at` compares to the key with whose first column it agrees. `None`: by
/// other means.
#[inline]
fn compare_others(bytes: &[u8], at: usize, probe: Probe<'_>) -> Option<Ordering> {
    if probe.key.len() == 1 {
        return Some(Ordering::Equal);
    }
    let len = usize::from(*bytes.get(at)?);
    let record = bytes.get(at + 1..at + 1 + len)?;
    match compare_rest(record, len as u64, probe.key, probe.info, Ordering::Equal) {
        Ok(Compared::Decided(ordering)) => Some(ordering),
        _ => None,
    }
}

/// How far a binary search came.
struct Narrowed {
    lo: u32,
    hi: u32,
    /// `lo` is what was looked for.
    found: bool,
    /// An entry equals the key.
    equal_seen: bool,
}

/// Halves `lo..hi` as long as `order` knows how the middle compares to what is looked for.
#[inline(always)]
fn bisect(
    mut lo: u32,
    mut hi: u32,
    when_equal: Ordering,
    order: impl Fn(u32) -> Option<Ordering>,
) -> Narrowed {
    let mut equal_seen = false;
    while lo < hi {
        let middle = lo + (hi - lo) / 2;
        let Some(mut order) = order(middle) else { break };
        if order == Ordering::Equal {
            equal_seen = true;
            order = when_equal;
        }
        match order {
            Ordering::Less => lo = middle + 1,
            Ordering::Greater => hi = middle,
            Ordering::Equal => return Narrowed { lo: middle, hi, found: true, equal_seen },
        }
    }
    Narrowed { lo, hi, found: false, equal_seen }
}

impl Cursor {
    /// Goes to the entry with this rowid, or to one beside its place.
    #[inline]
    pub fn seek_rowid(&mut self, rowid: i64, pager: &mut Pager, geometry: &Geometry) -> Step<SeekOutcome> {
        if self.state == State::OnEntry {
            if self.cell.rowid == rowid {
                return Ok(Some(SeekOutcome::At(Ordering::Equal)));
            }
            if self.at_last && self.cell.rowid < rowid {
                return Ok(Some(SeekOutcome::At(Ordering::Less)));
            }
            if self.patience == 0 {
                // The parent knows of the present leaf, too: who keeps leaving it does not look there first.
                if self.strayed < STRAYED_MAX || self.depth == 0 {
                    if let Some(found) = self.seek_rowid_here(rowid, pager, geometry)? {
                        self.misses = 0;
                        self.strayed = 0;
                        return Ok(Some(found));
                    }
                    self.strayed = self.strayed.saturating_add(1);
                }
                let before = self.frame;
                if let Some(found) = ready!(self.seek_rowid_beside(rowid, pager, geometry)) {
                    self.misses = 0;
                    if self.frame == before {
                        self.strayed = 0;
                    }
                    return Ok(Some(found));
                }
                self.lose_patience();
            } else {
                self.patience -= 1;
            }
        }
        self.seek_rowid_from_root(rowid, pager, geometry)
    }

    /// Looks on the present leaf; `None` when the rowid's place is not surely there.
    fn seek_rowid_here(
        &mut self,
        rowid: i64,
        pager: &Pager,
        geometry: &Geometry,
    ) -> Result<Option<SeekOutcome>, Error> {
        let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
        if self.count != header.count() {
            // Another tree shares the page in a damaged file, and changed it.
            return Err(damaged(pager, self.frame, Damage::DoubleUse));
        }
        let rowid_at = |index: usize| cell::rowid_only(bytes, page::cell_offset(bytes, header, index), true);
        let here = self.index as usize;
        let count = self.count as usize;
        let search = || -> Result<Option<usize>, Damage> {
            // Rowids mostly follow each other without gaps.
            let guess = i64::from(self.index).checked_add(rowid.wrapping_sub(self.cell.rowid));
            if let Some(guess) = guess.and_then(|guess| usize::try_from(guess).ok())
                && guess < count
                && rowid_at(guess)? == rowid
            {
                return Ok(Some(guess));
            }
            if rowid > self.cell.rowid {
                if here + 1 >= count {
                    return Ok(None);
                }
                if rowid <= rowid_at(here + 1)? {
                    return Ok(Some(here + 1));
                }
                if rowid > rowid_at(count - 1)? {
                    return Ok(None);
                }
                lower_bound(bytes, header, (here + 2, count), rowid).map(Some)
            } else {
                if rowid < rowid_at(0)? {
                    return Ok(None);
                }
                lower_bound(bytes, header, (0, here), rowid).map(Some)
            }
        };
        let found = search().map_err(|damage| damaged(pager, self.frame, damage))?;
        let Some(index) = found.filter(|&index| index < count) else { return Ok(None) };
        self.at_last = false;
        self.land(index as u32, pager, geometry)?;
        Ok(Some(SeekOutcome::At(self.cell.rowid.cmp(&rowid))))
    }

    /// A look at the present leaf was in vain.
    fn lose_patience(&mut self) {
        self.misses = self.misses.saturating_add(1);
        if self.misses > 1 {
            self.patience = PATIENCE;
        }
    }

    /// Looks on the other leaves of the present leaf's parent; `None` when the rowid's place is not surely there.
    fn seek_rowid_beside(
        &mut self,
        rowid: i64,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Option<SeekOutcome>> {
        let Some(above) = usize::from(self.depth).checked_sub(1) else { return Ok(Some(None)) };
        let parent = self.path[above].frame;
        let (bytes, header) = (pager.page(parent), pager.header(parent));
        let found = child_of(bytes, header, rowid);
        let (index, bound) = found.map_err(|damage| damaged(pager, parent, damage))?;
        // Beyond the first and last divider the place may be below another parent.
        if index == 0 || index == usize::from(header.cell_count) {
            return Ok(Some(None));
        }
        let leaf = ready!(load_child(pager, parent, index as u32, true, geometry));
        self.path[above].index = index as u32;
        // What is known of the entry is of another page: where this one is damaged, the cursor is on none.
        self.state = State::Nowhere;
        self.enter_page(leaf, pager);
        self.at_last = false;
        if !self.leaf {
            return Err(damaged(pager, leaf, Damage::TreeTooDeep));
        }
        self.seek_rowid_on_leaf(rowid, bound, false, pager, geometry).map(|found| Some(Some(found)))
    }

    /// Lands on the present leaf, where the rowid's place is.
    fn seek_rowid_on_leaf(
        &mut self,
        rowid: i64,
        bound: Option<i64>,
        rightmost: bool,
        pager: &Pager,
        geometry: &Geometry,
    ) -> Result<SeekOutcome, Error> {
        let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
        let index =
            search_leaf(bytes, header, rowid, bound).map_err(|damage| damaged(pager, self.frame, damage))?;
        self.land((index as u32).min(self.count - 1), pager, geometry)?;
        self.at_last = rightmost && self.index + 1 == self.count;
        Ok(SeekOutcome::At(self.cell.rowid.cmp(&rowid)))
    }

    fn seek_rowid_from_root(
        &mut self,
        rowid: i64,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<SeekOutcome> {
        if !ready!(self.go_to_root(pager, geometry)) {
            return Ok(Some(SeekOutcome::Empty));
        }
        let mut rightmost = true;
        // The largest rowid that the subtree may have, from the divider above it.
        let mut bound = None;
        while !self.leaf {
            let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
            let found = child_of(bytes, header, rowid);
            let (index, here) = found.map_err(|damage| damaged(pager, self.frame, damage))?;
            bound = here.or(bound);
            rightmost &= index as u32 == self.count;
            ready!(self.go_to_child(index as u32, pager, geometry));
        }
        self.seek_rowid_on_leaf(rowid, bound, rightmost, pager, geometry).map(Some)
    }

    /// Goes to an entry that equals the key, or to one beside its place.
    pub fn seek_key(
        &mut self,
        key: &[ValueRef<'_>],
        when_equal: Ordering,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<SeekOutcome> {
        let Some(info) = self.key.take() else { return Err(not_an_index(self.root)) };
        self.equal_seen = false;
        let result = self.seek_probe(Probe { key, info: &info, when_equal }, pager, geometry);
        self.key = Some(info);
        result
    }

    /// Goes to the entry that equals a whole record in all columns that make the key, or to one beside its place. The other columns of a
    /// WITHOUT ROWID table's row do not count: an insert replaces the row.
    pub fn seek_record(
        &mut self,
        record: &[u8],
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<SeekOutcome> {
        let root = self.root;
        let columns = self.key.as_ref().map_or(0, |info| info.key_column_count);
        with_values(record, columns, |key| self.seek_key(key, Ordering::Equal, pager, geometry))
            .unwrap_or_else(|damage| Err(Error::corrupt(root, damage)))
    }

    fn seek_probe(&mut self, probe: Probe<'_>, pager: &mut Pager, geometry: &Geometry) -> Step<SeekOutcome> {
        if self.state == State::OnEntry && self.leaf && (self.at_last || self.patience == 0) {
            if let Some(found) = ready!(self.seek_probe_here(probe, pager, geometry)) {
                self.misses = 0;
                return Ok(Some(found));
            }
            self.lose_patience();
        } else {
            self.patience = self.patience.saturating_sub(1);
        }
        if !ready!(self.go_to_root(pager, geometry)) {
            return Ok(Some(SeekOutcome::Empty));
        }
        let mut rightmost = true;
        loop {
            let (lo, hi) = (0, self.count);
            let (index, equal) = ready!(self.search(probe, lo, hi, pager, geometry));
            if equal {
                self.land(index, pager, geometry)?;
                self.at_last = rightmost && self.leaf && self.index + 1 == self.count;
                return Ok(Some(SeekOutcome::At(Ordering::Equal)));
            }
            if !self.leaf {
                rightmost &= index == self.count;
                ready!(self.go_to_child(index, pager, geometry));
                continue;
            }
            let last = self.count - 1;
            self.land(index.min(last), pager, geometry)?;
            self.at_last = rightmost && self.index == last;
            let ordering = if index > last { Ordering::Less } else { Ordering::Greater };
            return Ok(Some(SeekOutcome::At(ordering)));
        }
    }

    /// Looks on the present leaf; `None` when the key's place is not surely there.
    fn seek_probe_here(
        &mut self,
        probe: Probe<'_>,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Option<SeekOutcome>> {
        let (here, last) = (self.index, self.count - 1);
        let (lo, hi) = match ready!(self.compare_cell(here, probe, pager, geometry)) {
            Ordering::Equal => return Ok(Some(Some(SeekOutcome::At(Ordering::Equal)))),
            Ordering::Less => {
                if self.at_last {
                    return Ok(Some(Some(SeekOutcome::At(Ordering::Less))));
                }
                if here == last || ready!(self.compare_cell(last, probe, pager, geometry)) == Ordering::Less {
                    return Ok(Some(None));
                }
                (here + 1, last)
            }
            Ordering::Greater => {
                if here == 0 || ready!(self.compare_cell(0, probe, pager, geometry)) == Ordering::Greater {
                    return Ok(Some(None));
                }
                (0, here)
            }
        };
        let (index, equal) = ready!(self.search(probe, lo, hi, pager, geometry));
        self.at_last = false;
        self.land(index, pager, geometry)?;
        let ordering = if equal {
            Ordering::Equal
        } else if index == last {
            // `last` itself was not searched: it may be the one that equals the key.
            ready!(self.compare_cell(last, probe, pager, geometry))
        } else {
            Ordering::Greater
        };
        Ok(Some(Some(SeekOutcome::At(ordering))))
    }

    /// Among cells `lo..hi` of the present page: one that equals the key and `true`, or the first that is larger (else `hi`) and `false`.
    fn search(
        &mut self,
        probe: Probe<'_>,
        mut lo: u32,
        mut hi: u32,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<(u32, bool)> {
        loop {
            let narrowed = self.narrow(probe, lo, hi, pager, geometry);
            (lo, hi) = (narrowed.lo, narrowed.hi);
            self.equal_seen |= narrowed.equal_seen;
            if narrowed.found || lo >= hi {
                return Ok(Some((lo, narrowed.found)));
            }
            let middle = lo + (hi - lo) / 2;
            match ready!(self.compare_cell(middle, probe, pager, geometry)) {
                Ordering::Less => lo = middle + 1,
                Ordering::Greater => hi = middle,
                Ordering::Equal => return Ok(Some((middle, true))),
            }
        }
    }

    /// Goes on with a binary search as far as first columns are integers or short texts under BINARY, in short cells: most steps of most
    /// searches. The middle of what is left of the range decides by other means.
    #[inline]
    fn narrow(&self, probe: Probe<'_>, lo: u32, hi: u32, pager: &Pager, geometry: &Geometry) -> Narrowed {
        let undecided = Narrowed { lo, hi, found: false, equal_seen: false };
        let (Some(&value), Some(column)) = (probe.key.first(), probe.info.columns.first()) else {
            return undecided;
        };
        let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
        let skip = if self.leaf { 0 } else { 4 };
        let payload_max = geometry.max_local.min(0x7f);
        let pointers = page::cell_pointers(bytes, header);
        let cell = |index: u32| Some(usize::from(u16::from_be_bytes(*pointers.get(index as usize)?)) + skip);
        let direct = |order: Ordering| if column.descending { order.reverse() } else { order };
        match value {
            ValueRef::Integer(number) => bisect(lo, hi, probe.when_equal, |index| {
                let at = cell(index)?;
                let (serial, content) = first_column(bytes, at, payload_max)?;
                match serial::integer(u64::from(serial), content)?.cmp(&number) {
                    Ordering::Equal => compare_others(bytes, at, probe),
                    order => Some(direct(order)),
                }
            }),
            ValueRef::Text(text) if column.collation.is_binary() => {
                bisect(lo, hi, probe.when_equal, |index| {
                    let at = cell(index)?;
                    let (serial, content) = first_column(bytes, at, payload_max)?;
                    let serial = u64::from(serial);
                    let stored = content.get(..serial::content_len(serial) as usize)?;
                    if !serial::is_text(serial) {
                        return None;
                    }
                    match stored.cmp(text) {
                        Ordering::Equal => compare_others(bytes, at, probe),
                        order => Some(direct(order)),
                    }
                })
            }
            _ => undecided,
        }
    }

    /// How cell `index` of the present page compares to the key.
    #[inline]
    fn compare_cell(
        &mut self,
        index: u32,
        probe: Probe<'_>,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Ordering> {
        let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
        if index >= header.count() {
            // Another tree shares the page in a damaged file, and took cells away.
            return Err(damaged(pager, self.frame, Damage::DoubleUse));
        }
        let at = page::cell_offset(bytes, header, index as usize);
        let skip = if self.leaf { 0 } else { 4 };
        let compared = cell::index(bytes, at, skip, geometry).and_then(|cell| {
            let local = cell.local_payload(bytes);
            compare_prefix(local, u64::from(cell.payload_len), probe.key, probe.info, Ordering::Equal)
                .map(|compared| (cell, compared))
        });
        match compared {
            Ok((_, Compared::Decided(ordering))) => Ok(Some(self.as_probed(ordering, probe))),
            Ok((cell, Compared::NeedMore(len))) => {
                self.compare_overflowing(cell, len, probe, pager, geometry)
            }
            Err(damage) => Err(damaged(pager, self.frame, damage)),
        }
    }

    /// What the order of an entry means for the probe.
    #[inline]
    fn as_probed(&mut self, ordering: Ordering, probe: Probe<'_>) -> Ordering {
        if ordering == Ordering::Equal {
            self.equal_seen = true;
            return probe.when_equal;
        }
        ordering
    }

    /// Compares a cell whose local payload does not decide, with as many overflow pages as it takes.
    #[cold]
    fn compare_overflowing(
        &mut self,
        cell: cell::CellInfo,
        mut len: usize,
        probe: Probe<'_>,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Ordering> {
        let payload_len = u64::from(cell.payload_len);
        let mut record = Vec::new();
        loop {
            if len as u64 > payload_len || len <= record.len() {
                return Err(damaged(pager, self.frame, Damage::Record));
            }
            // Whole pages: the next column, too, is likely to be there.
            let more = (len + geometry.usable).min(cell.payload_len as usize);
            let range = record.len() as u64..more as u64;
            ready!(payload::append(pager, self.frame, &cell, range, &mut record, geometry));
            match compare_prefix(&record, payload_len, probe.key, probe.info, Ordering::Equal) {
                Ok(Compared::Decided(ordering)) => return Ok(Some(self.as_probed(ordering, probe))),
                Ok(Compared::NeedMore(more)) => len = more,
                Err(damage) => return Err(damaged(pager, self.frame, damage)),
            }
        }
    }

    /// How the entry under the cursor compares to a key.
    pub fn compare_key(
        &mut self,
        key: &[ValueRef<'_>],
        when_equal: Ordering,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<Ordering> {
        if self.state != State::OnEntry {
            return Err(self.not_on_entry());
        }
        let Some(info) = self.key.take() else { return Err(not_an_index(self.root)) };
        let result = self.compare_cell(self.index, Probe { key, info: &info, when_equal }, pager, geometry);
        self.key = Some(info);
        result
    }
}

#[cold]
fn not_an_index(root: PageNo) -> Error {
    Error::corrupt(root, Damage::BadPageKind)
}

/// Decodes the first `columns` values of `record` and calls `visit` with them.
pub(crate) fn with_values<T>(
    record: &[u8],
    columns: usize,
    visit: impl FnOnce(&[ValueRef<'_>]) -> T,
) -> Result<T, Damage> {
    let values = Values::new(record)?;
    if columns <= KEY_SHORT {
        return visit_some::<T, KEY_SHORT>(values, columns, visit);
    }
    if columns <= KEY_INLINE {
        return visit_some::<T, KEY_INLINE>(values, columns, visit);
    }
    let key = values.take(columns).collect::<Result<Vec<_>, _>>()?;
    Ok(visit(&key))
}

/// Calls `visit` with the first values, of which there are at most `N`.
#[inline]
fn visit_some<T, const N: usize>(
    mut values: Values<'_>,
    columns: usize,
    visit: impl FnOnce(&[ValueRef<'_>]) -> T,
) -> Result<T, Damage> {
    let mut key = [ValueRef::Null; N];
    let mut len = 0;
    while len < columns
        && let Some(value) = values.next_value()?
    {
        key[len] = value;
        len += 1;
    }
    Ok(visit(&key[..len]))
}
