//! How a balance divides cells among pages. Pure arithmetic on sizes, so that it can be tested against its definition.
//!
//! First every page, from the left, takes as many cells as fit. That leaves the last page short, so then, from the right,
//! cells move over as long as the right page does not become fuller than the left one. In trees with entries on interior
//! pages the cell between two groups belongs to neither: it is the divider that goes up to the parent.
//!
//! Spec: none; the rule is SQLite's, so that files are as compact as its own.

use crate::error::Damage;

/// Most pages that a balance may end with: three siblings, and room for the cells that waited.
pub(crate) const PAGES_MAX: usize = 5;

/// Where each page's cells end. Page `i` has the cells from [`Groups::start`] to `ends[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    pub ends: [usize; PAGES_MAX],
    pub count: usize,
    /// 1 where the cell after a page's last is a divider, 0 where dividers are made from rowids.
    divider: usize,
}

impl Groups {
    /// The cells of page `index`.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] + self.divider };
        start..self.ends[index]
    }
}

/// Divides cells of these sizes (without their 2-byte pointers) among pages that have `space` bytes for cells and pointers each. `dividers_are_cells`: see above.
/// No page is left without a cell; damage where that or [`PAGES_MAX`] cannot be kept, which sizes that fitted on pages before do not cause.
pub(crate) fn distribute(
    sizes: impl Iterator<Item = usize>,
    space: usize,
    dividers_are_cells: bool,
    sums: &mut Vec<usize>,
) -> Result<Groups, Damage> {
    // `sums[i]` is what the first `i` cells take.
    sums.clear();
    sums.push(0);
    let mut sum = 0;
    for size in sizes {
        sum += size + 2;
        sums.push(sum);
    }
    let cells = sums.len() - 1;
    let divider = usize::from(dividers_are_cells);
    let mut groups = Groups { ends: [0; PAGES_MAX], count: 0, divider };
    let mut start = 0;
    loop {
        if groups.count == PAGES_MAX {
            return Err(Damage::BadCellPointer);
        }
        let fits = sums[start..].partition_point(|&sum| sum - sums[start] <= space) - 1;
        let end = start + fits;
        groups.ends[groups.count] = end;
        groups.count += 1;
        if end >= cells {
            break;
        }
        if fits == 0 {
            return Err(Damage::BadCellPointer);
        }
        // The last page may start empty: the second pass moves cells there.
        start = end + divider;
    }
    even_out(&mut groups, sums)?;
    Ok(groups)
}

/// The second pass: from the right, moves cells to the right page of each pair while it stays the emptier one.
fn even_out(groups: &mut Groups, sums: &[usize]) -> Result<(), Damage> {
    for right in (1..groups.count).rev() {
        let left = groups.range(right - 1);
        let last = right + 1 == groups.count;
        let right_range = groups.range(right);
        let mut right_size = sums[right_range.end] - sums[right_range.start.min(right_range.end)];
        let mut left_size = sums[left.end] - sums[left.start];
        let mut end = left.end;
        while end > left.start {
            // The cell that leaves the left page, and the one that joins the right page.
            let leaves = sums[end] - sums[end - 1];
            let joins = if groups.divider == 1 { sums[end + 1] - sums[end] } else { leaves };
            // Between the last two pages the pointer of the leaving cell does not count: a hair towards the left page.
            let leaves_felt = if last { leaves - 2 } else { leaves };
            if right_size != 0 && right_size + joins > left_size - leaves_felt {
                break;
            }
            right_size += joins;
            left_size -= leaves;
            end -= 1;
        }
        groups.ends[right - 1] = end;
        if end <= left.start {
            return Err(Damage::BadCellPointer);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn divide(sizes: &[usize], space: usize, dividers: bool) -> Result<Groups, Damage> {
        distribute(sizes.iter().copied(), space, dividers, &mut Vec::new())
    }

    #[test]
    fn cells_move_to_the_right_until_a_page_would_be_fuller_than_its_left_neighbour() {
        // Three pages of ten cells of 8 + 2 bytes, and one more.
        let groups = divide(&[8; 31], 100, false).expect("fits");
        assert_eq!((groups.count, &groups.ends[..4]), (4, &[9, 18, 26, 31][..]));
    }

    #[test]
    fn dividers_are_in_no_page() {
        let groups = divide(&[8; 11], 50, true).expect("fits");
        assert_eq!((groups.count, groups.range(0), groups.range(1)), (2, 0..5, 6..11));
    }

    proptest! {
        #[test]
        fn every_cell_has_a_place_and_every_page_room(
            sizes in prop::collection::vec(4usize..120, 1..90),
            space in 500usize..600,
            dividers: bool,
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
        }
    }
}
