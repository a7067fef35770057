//! Comparisons that jump, and the comparison of vectors.
//!
//! Two integers are compared where the instruction stands (`run`); everything else comes here. The order itself is
//! [`compare_with_affinity`]'s.
//!
//! Never: keys of trees.

use std::cmp::Ordering;

use kernite_btree::record::compare_values;

use crate::Error;
use crate::op::{CollationId, CompareFlags, IntsId, KeyInfoId, Reg};
use crate::register::{Flags, Register};
use crate::value::{Affinity, compare_with_affinity};

use super::slot::wrong_kind;
use super::{Context, at};

/// What a comparison says about a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It depends on the order.
    Order(Ordering),
    /// One side is NULL: jump or do not.
    Null,
}

/// Compares `left` with `right`.
#[inline(never)]
pub(super) fn compare(
    cx: &Context<'_>,
    left: Reg,
    right: Reg,
    flags: CompareFlags,
    collation: CollationId,
) -> Result<Outcome, Error> {
    let (left, right) = (&cx.registers[at(left)], &cx.registers[at(right)]);
    if left.is_null() || right.is_null() {
        return Ok(with_null(left, right, flags));
    }
    let collation = &cx.program.links.collation(collation).ok_or_else(wrong_kind)?.collation;
    let affinity = if kernite_io::planted!(AffinityIgnored) { b'A' } else { flags.affinity };
    let affinity = Affinity::from_letter(affinity);
    let encoding = cx.program.encoding;
    let mut order = compare_with_affinity(left.value(), right.value(), affinity, collation, encoding);
    if order == Ordering::Equal || left.zero_tail() | right.zero_tail() != 0 {
        order = with_zero_tails(left, right, order, encoding);
    }
    Ok(Outcome::Order(order))
}

fn with_null(left: &Register, right: &Register, flags: CompareFlags) -> Outcome {
    if !flags.null_eq {
        return Outcome::Null;
    }
    if left.is_null() && right.is_null() && !left.flags.has(Flags::CLEARED) {
        return Outcome::Order(Ordering::Equal);
    }
    Outcome::Order(if left.is_null() { Ordering::Less } else { Ordering::Greater })
}

/// Blobs whose zeros are not in memory.
#[cold]
fn with_zero_tails(
    left: &Register,
    right: &Register,
    order: Ordering,
    encoding: kernite_btree::Encoding,
) -> Ordering {
    if left.zero_tail() | right.zero_tail() == 0 {
        return order;
    }
    let expand = |register: &Register| {
        let mut copy = Register::null();
        copy.copy_from(register);
        copy.expand_zeros();
        copy
    };
    let (left, right) = (expand(left), expand(right));
    compare_values(left.value(), right.value(), &kernite_btree::Collation::Binary, encoding)
}

/// Compares two vectors by a key's columns.
pub(super) fn compare_vectors(
    cx: &Context<'_>,
    left: Reg,
    right: Reg,
    count: u32,
    key: KeyInfoId,
    permutation: IntsId,
) -> Result<Ordering, Error> {
    let info = cx.program.links.key_info(key).ok_or_else(wrong_kind)?;
    let permutation = cx.program.ints(permutation);
    for step in 0..count as usize {
        let place = match permutation.get(step) {
            Some(&place) => place as usize,
            None => step,
        };
        let (Some(left), Some(right)) =
            (cx.registers.get(at(left) + place), cx.registers.get(at(right) + place))
        else {
            return Err(Error::Program { at: 0, what: "register" });
        };
        let column = info.columns.get(step).ok_or_else(wrong_kind)?;
        let encoding = cx.program.encoding;
        let mut order = compare_values(left.value(), right.value(), &column.collation, encoding);
        if left.zero_tail() | right.zero_tail() != 0 {
            order = with_zero_tails(left, right, order, encoding);
        }
        if order != Ordering::Equal {
            return Ok(column.direct(order, left.is_null() || right.is_null()));
        }
    }
    Ok(Ordering::Equal)
}
