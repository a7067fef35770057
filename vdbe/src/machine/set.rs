//! Rowid sets and Bloom filters: small collections that live in a register.
//!
//! Never: order other than by rowid.

use kernite_io::HashSet;

use crate::Error;
use crate::hash_table::Bloom;
use crate::op::Reg;
use crate::register::{Payload, Register, Tag};

use super::{Context, at};

/// Rowids collected by a statement before it works on them.
#[derive(Debug, Default)]
struct RowSet {
    /// What RowSetAdd collected; sorted and without doubles from the first read on.
    rowids: Vec<i64>,
    read: usize,
    is_sorted: bool,
    /// What RowSetTest has seen.
    tested: HashSet<i64>,
}

/// The object of type `T` in a register, made where there is none.
fn object<T: Default + Send + 'static>(register: &mut Register) -> Result<&mut T, Error> {
    let is_there = matches!(&register.payload, Payload::Object(object) if object.is::<T>());
    if !is_there {
        register.set_null();
        register.tag = Tag::Internal;
        register.payload = Payload::Object(Box::<T>::default());
    }
    match &mut register.payload {
        Payload::Object(object) => object.downcast_mut().ok_or_else(wrong_object),
        _ => Err(wrong_object()),
    }
}

#[cold]
fn wrong_object() -> Error {
    Error::Program { at: 0, what: "register holds another object" }
}

/// Adds a rowid to a set.
pub(super) fn add(cx: &mut Context<'_>, set: Reg, value: Reg) -> Result<(), Error> {
    let rowid = cx.registers[at(value)].number;
    let set: &mut RowSet = object(&mut cx.registers[at(set)])?;
    set.rowids.push(rowid);
    set.is_sorted = false;
    Ok(())
}

/// Takes the smallest rowid; `false` when the set is empty, which also frees it.
pub(super) fn read(cx: &mut Context<'_>, set: Reg, out: Reg) -> Result<bool, Error> {
    let rows: &mut RowSet = object(&mut cx.registers[at(set)])?;
    if !rows.is_sorted {
        rows.rowids.drain(..rows.read);
        rows.read = 0;
        rows.rowids.sort_unstable();
        rows.rowids.dedup();
        rows.is_sorted = true;
    }
    match rows.rowids.get(rows.read) {
        Some(&rowid) => {
            rows.read += 1;
            cx.registers[at(out)].set_integer(rowid);
            Ok(true)
        }
        None => {
            cx.registers[at(set)].set_null();
            Ok(false)
        }
    }
}

/// Whether a rowid was seen before. Adds it, but for the last batch (-1), after which nobody asks again.
pub(super) fn test(cx: &mut Context<'_>, set: Reg, value: Reg, batch: i32) -> Result<bool, Error> {
    let rowid = cx.registers[at(value)].number;
    let set: &mut RowSet = object(&mut cx.registers[at(set)])?;
    if batch < 0 {
        return Ok(set.tested.contains(&rowid));
    }
    Ok(!set.tested.insert(rowid))
}

/// Makes an empty Bloom filter of `size` bytes.
pub(super) fn new_filter(cx: &mut Context<'_>, size: u32, out: Reg) {
    let register = &mut cx.registers[at(out)];
    register.set_null();
    register.tag = Tag::Internal;
    register.payload = Payload::Object(Box::new(Bloom::new(size as usize)));
}

/// Adds a key to a Bloom filter.
pub(super) fn filter_add(cx: &mut Context<'_>, filter: Reg, first: Reg, count: u32) -> Result<(), Error> {
    let hash = Bloom::hash(&cx.registers[at(first)..at(first) + count as usize]);
    match &mut cx.registers[at(filter)].payload {
        Payload::Object(object) => object.downcast_mut::<Bloom>().ok_or_else(wrong_object)?.add(hash),
        _ => return Err(wrong_object()),
    }
    Ok(())
}

/// Whether a Bloom filter may have the key.
pub(super) fn filter_test(cx: &Context<'_>, filter: Reg, first: Reg, count: u32) -> Result<bool, Error> {
    let hash = Bloom::hash(&cx.registers[at(first)..at(first) + count as usize]);
    match &cx.registers[at(filter)].payload {
        Payload::Object(object) => {
            Ok(object.downcast_ref::<Bloom>().ok_or_else(wrong_object)?.may_have(hash))
        }
        _ => Err(wrong_object()),
    }
}
