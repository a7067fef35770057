//! How a balance divides cells among pages. Pure arithmetic on sizes, so that it can be tested against its definition.
//!
//! First every page, from the left, takes as many cells as fit. That leaves the last page short, so then, from the right,
//! cells move over as long as the right page does not become fuller than the left one. In trees with entries on interior
//! pages the cell between two groups belongs to neither: it is the divider that goes up to the parent.
//!
//! Both passes start from what the pages hold already and look at cells near the borders only: most cells stay where they are, and asking for
//! the size of one means a look at bytes that may be far from the processor's cache.
//!
//! Spec: none; the rule is SQLite's, so that files are as compact as its own.

use std::ops::Range;

use crate::error::Damage;

/// Most pages that a balance may end with: three siblings, and room for the cells that waited.
pub(crate) const PAGES_MAX: usize = 5;

/// Where each page's cells end. Page `i` has the cells from [`Groups::range`]'s start to `ends[i]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    pub count: usize,
    ends: [usize; PAGES_MAX],
    /// What the cells of each page take, pointers included. While a page on the left takes all cells of its neighbour and more, the
    /// neighbour's range runs backwards and its sum is negative by what it lacks.
    sums: [isize; PAGES_MAX],
    /// 1 where the cell after a page's last is a divider, 0 where dividers are made from rowids.
    divider: usize,
}

impl Groups {
    /// No pages yet. `dividers_are_cells`: see above.
    pub fn new(dividers_are_cells: bool) -> Groups {
        Groups { divider: usize::from(dividers_are_cells), ..Groups::default() }
    }

    /// Adds a page whose cells end before cell `end` and take `sum` bytes with their 2-byte pointers. They may be more than fit.
    pub fn push(&mut self, end: usize, sum: usize) {
        self.ends[self.count] = end;
        self.sums[self.count] = sum as isize;
        self.count += 1;
    }

    /// The cells of page `index`.
    pub fn range(&self, index: usize) -> Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] + self.divider };
        start..self.ends[index]
    }

    /// What the cells of page `index` take, pointers included.
    pub fn sum(&self, index: usize) -> usize {
        self.sums[index].unsigned_abs()
    }

    /// Divides the `cells` cells anew among pages with `space` bytes for cells and pointers each. `size` tells a cell's size without its
    /// pointer. No page is left without a cell; damage where that or [`PAGES_MAX`] cannot be kept, which cells that fitted on pages before
    /// do not cause.
    pub fn divide(
        &mut self,
        cells: usize,
        space: usize,
        mut size: impl FnMut(usize) -> Result<usize, Damage>,
    ) -> Result<(), Damage> {
        self.fill_from_left(cells, space, &mut size)?;
        self.even_out(&mut size)
    }

    fn fill_from_left(
        &mut self,
        cells: usize,
        space: usize,
        size: &mut impl FnMut(usize) -> Result<usize, Damage>,
    ) -> Result<(), Damage> {
        let space = space as isize;
        let mut page = 0;
        loop {
            while self.sums[page] > space {
                let end = self.ends[page].checked_sub(1).ok_or(Damage::BadCellPointer)?;
                self.make_neighbour(page, cells)?;
                let leaves = size(end)? as isize + 2;
                self.sums[page] -= leaves;
                self.sums[page + 1] += match self.divider {
                    0 => leaves,
                    _ if end + 1 < cells => size(end + 1)? as isize + 2,
                    _ => 0,
                };
                self.ends[page] = end;
            }
            while self.ends[page] < cells {
                let end = self.ends[page];
                let joins = size(end)? as isize + 2;
                if self.sums[page] + joins > space {
                    break;
                }
                self.make_neighbour(page, cells)?;
                self.sums[page] += joins;
                self.sums[page + 1] -= match self.divider {
                    0 => joins,
                    _ if end + 1 < cells => size(end + 1)? as isize + 2,
                    _ => 0,
                };
                self.ends[page] = end + 1;
            }
            if self.ends[page] >= cells {
                self.count = page + 1;
                return Ok(());
            }
            if self.range(page).is_empty() {
                return Err(Damage::BadCellPointer);
            }
            page += 1;
        }
    }

    /// Makes sure that there is a page after `page`.
    fn make_neighbour(&mut self, page: usize, cells: usize) -> Result<(), Damage> {
        if page + 1 == self.count {
            if self.count == PAGES_MAX {
                return Err(Damage::BadCellPointer);
            }
            self.push(cells, 0);
        }
        Ok(())
    }

    /// The second pass: from the right, moves cells to the right page of each pair while it stays the emptier one.
    fn even_out(&mut self, size: &mut impl FnMut(usize) -> Result<usize, Damage>) -> Result<(), Damage> {
        for right in (1..self.count).rev() {
            let left = self.range(right - 1);
            let is_last = right + 1 == self.count;
            let (mut left_sum, mut right_sum) = (self.sums[right - 1], self.sums[right]);
            let mut end = left.end;
            while end > left.start {
                // The cell that leaves the left page, and the one that joins the right page.
                let leaves = size(end - 1)? as isize + 2;
                let joins = if self.divider == 1 { size(end)? as isize + 2 } else { leaves };
                // Between the last two pages the pointer of the leaving cell does not count: a hair towards the left page.
                let leaves_felt = if is_last { leaves - 2 } else { leaves };
                if right_sum != 0 && right_sum + joins + leaves_felt > left_sum {
                    break;
                }
                right_sum += joins;
                left_sum -= leaves;
                end -= 1;
            }
            self.ends[right - 1] = end;
            (self.sums[right - 1], self.sums[right]) = (left_sum, right_sum);
            if end <= left.start {
                return Err(Damage::BadCellPointer);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Divides cells that lie on pages which end at `ends`.
    fn divide_from(ends: &[usize], sizes: &[usize], space: usize, dividers: bool) -> Result<Groups, Damage> {
        let mut groups = Groups::new(dividers);
        let mut start = 0;
        for &end in ends {
            groups.push(end, sizes[start.min(end)..end].iter().map(|size| size + 2).sum());
            start = end + usize::from(dividers);
        }
        groups.divide(sizes.len(), space, |cell| sizes.get(cell).copied().ok_or(Damage::BadCellPointer))?;
        Ok(groups)
    }

    fn divide(sizes: &[usize], space: usize, dividers: bool) -> Result<Groups, Damage> {
        divide_from(&[sizes.len()], sizes, space, dividers)
    }

    #[test]
    fn cells_move_to_the_right_until_a_page_would_be_fuller_than_its_left_neighbour() {
        // Three pages of ten cells of 8 + 2 bytes, and one more.
        let groups = divide(&[8; 31], 100, false).expect("fits");
        assert_eq!((groups.count, &groups.ends[..4]), (4, &[9, 18, 26, 31][..]));
        let same = divide_from(&[10, 20, 31], &[8; 31], 100, false).expect("fits");
        assert_eq!(ranges(&same), ranges(&groups));
    }

    #[test]
    fn dividers_are_in_no_page() {
        let groups = divide(&[8; 11], 50, true).expect("fits");
        assert_eq!((groups.count, groups.range(0), groups.range(1)), (2, 0..5, 6..11));
    }

    /// The cells of each page.
    fn ranges(groups: &Groups) -> Vec<Range<usize>> {
        (0..groups.count).map(|page| groups.range(page)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_cell_has_a_place_and_every_page_room(
            sizes in prop::collection::vec(4usize..120, 1..90),
            space in 500usize..600,
            dividers: bool,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        ) {
            let Ok(groups) = divide(&sizes, space, dividers) else {
                // Only more pages than a balance may make excuse a refusal.
                prop_assert!(sizes.iter().map(|size| size + 2).sum::<usize>() > (PAGES_MAX - 1) * (space - 122));
                return Ok(());
            };
            let mut next = 0;
            for index in 0..groups.count {
                let range = groups.range(index);
                prop_assert!(!range.is_empty());
                prop_assert_eq!(range.start, next);
                prop_assert!(range.clone().map(|cell| sizes[cell] + 2).sum::<usize>() <= space);
                next = range.end + usize::from(dividers);
            }
            prop_assert_eq!(next - usize::from(dividers), sizes.len());
            // Where the cells came from makes no difference. (Each page had one at least.)
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(sizes.len()) + 1).collect();
            ends.push(sizes.len());
            ends.sort_unstable();
            ends.dedup_by(|b, a| *b < *a + 2 + usize::from(dividers));
            if ends.last() == Some(&sizes.len()) {
                let same = divide_from(&ends, &sizes, space, dividers).map(|groups| ranges(&groups));
                prop_assert_eq!(same, Ok(ranges(&groups)));
            }
        }
    }
}
