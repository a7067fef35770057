//! The question that `xBestIndex` gets, and what it may ask about it.
//!
//! C sees a `sqlite3_index_info`; behind it, at the same address, stands what `sqlite3_vtab_collation` and its like look at.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::vtab::{IndexInfo, Usage, ValueList};

use crate::abi::module::{
    sqlite3_index_constraint, sqlite3_index_constraint_usage, sqlite3_index_info, sqlite3_index_orderby,
};
use crate::boundary::{code, guard, store};
use crate::constant::*;
use crate::memory;
use crate::value::{self, sqlite3_value};

/// A question. The first field is what C sees.
#[repr(C)]
struct Asked {
    info: sqlite3_index_info,
    constraints: Vec<sqlite3_index_constraint>,
    order_by: Vec<sqlite3_index_orderby>,
    usage: Vec<sqlite3_index_constraint_usage>,
    collations: Vec<CString>,
    values: Vec<Option<Box<sqlite3_value>>>,
    is_in: Vec<bool>,
    handle_in: Vec<bool>,
    distinct: c_int,
}

/// A question at an address that does not change.
pub(super) struct Question(Box<Asked>);

impl Question {
    pub(super) fn new(info: &IndexInfo, encoding: Encoding) -> Question {
        let constraint = |constraint: &kernite::engine::vdbe::vtab::Constraint| sqlite3_index_constraint {
            iColumn: constraint.column,
            op: constraint.op.0,
            usable: u8::from(constraint.usable),
            iTermOffset: 0,
        };
        let own = |constraint: &kernite::engine::vdbe::vtab::Constraint| {
            constraint.value.as_ref().map(|known| {
                let mut value = sqlite3_value::owned(encoding);
                value.own_it(encoding).copy_from(known);
                value
            })
        };
        let count = info.constraints.len();
        let mut asked = Box::new(Asked {
            info: sqlite3_index_info {
                nConstraint: count as c_int,
                aConstraint: ptr::null_mut(),
                nOrderBy: info.order_by.len() as c_int,
                aOrderBy: ptr::null_mut(),
                aConstraintUsage: ptr::null_mut(),
                idxNum: 0,
                idxStr: ptr::null_mut(),
                needToFreeIdxStr: 0,
                orderByConsumed: 0,
                estimatedCost: info.estimated_cost,
                estimatedRows: info.estimated_rows,
                idxFlags: 0,
                colUsed: info.columns_used,
            },
            constraints: info.constraints.iter().map(constraint).collect(),
            order_by: (info.order_by.iter())
                .map(|&(column, desc)| sqlite3_index_orderby { iColumn: column, desc: u8::from(desc) })
                .collect(),
            usage: vec![sqlite3_index_constraint_usage { argvIndex: 0, omit: 0 }; count],
            collations: (info.constraints.iter())
                .map(|constraint| CString::new(constraint.collation.as_str()).unwrap_or_default())
                .collect(),
            values: info.constraints.iter().map(own).collect(),
            is_in: info.constraints.iter().map(|constraint| constraint.is_in).collect(),
            handle_in: vec![false; count],
            distinct: c_int::from(info.distinct),
        });
        asked.info.aConstraint = asked.constraints.as_mut_ptr();
        asked.info.aOrderBy = asked.order_by.as_mut_ptr();
        asked.info.aConstraintUsage = asked.usage.as_mut_ptr();
        Question(asked)
    }

    /// For C.
    pub(super) fn as_ptr(&mut self) -> *mut sqlite3_index_info {
        ptr::from_mut(&mut *self.0).cast()
    }

    /// Puts the answer into the engine's form.
    pub(super) fn answer(mut self, info: &mut IndexInfo) {
        let asked = &mut *self.0;
        info.usage = (asked.usage.iter().zip(&asked.handle_in))
            .map(|(usage, &all_at_once)| Usage {
                argument: u32::try_from(usage.argvIndex).unwrap_or(0),
                omit: usage.omit != 0,
                all_at_once,
            })
            .collect();
        let answer = &mut asked.info;
        info.index_number = answer.idxNum;
        // SAFETY: the table set it to a text that lives as long as it is needed here.
        info.index_text = unsafe { crate::boundary::text(answer.idxStr) }.map(<[u8]>::to_vec);
        if answer.needToFreeIdxStr != 0 {
            // SAFETY: the table says that it is ours to free.
            unsafe { memory::release(answer.idxStr.cast()) };
        }
        info.order_by_consumed = answer.orderByConsumed != 0;
        info.estimated_cost = answer.estimatedCost;
        info.estimated_rows = answer.estimatedRows;
        info.unique = answer.idxFlags & SQLITE_INDEX_SCAN_UNIQUE != 0;
        info.hexadecimal = answer.idxFlags & SQLITE_INDEX_SCAN_HEX != 0;
    }
}

/// The whole question behind what C sees, and a place in it.
///
/// # Safety
/// `info` is NULL or what `xBestIndex` was given, and that call is under way.
unsafe fn place<'a>(info: *mut sqlite3_index_info, constraint: c_int) -> Option<(&'a mut Asked, usize)> {
    // SAFETY: by the caller: it is the first field of an `Asked`.
    let asked = unsafe { info.cast::<Asked>().as_mut() }?;
    let at = usize::try_from(constraint).ok().filter(|&at| at < asked.constraints.len())?;
    Some((asked, at))
}

/// The collation of a constraint.
///
/// # Safety
/// `info` is what `xBestIndex` was given, and that call is under way. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_collation(
    info: *mut sqlite3_index_info,
    constraint: c_int,
) -> *const c_char {
    guard(ptr::null(), || {
        // SAFETY: the caller's contract.
        let found = unsafe { place(info, constraint) };
        found.map_or(ptr::null(), |(asked, at)| asked.collations[at].as_ptr())
    })
}

/// Whether rows may be left out or grouped.
///
/// # Safety
/// As for `sqlite3_vtab_collation`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_distinct(info: *mut sqlite3_index_info) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { info.cast::<Asked>().as_ref() }.map_or(0, |asked| asked.distinct))
}

/// Whether a constraint is an IN that can be handed over as a whole; says whether it is to be.
///
/// # Safety
/// As for `sqlite3_vtab_collation`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in(
    info: *mut sqlite3_index_info,
    constraint: c_int,
    handle: c_int,
) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract.
        let Some((asked, at)) = (unsafe { place(info, constraint) }) else { return 0 };
        if !asked.is_in[at] {
            return 0;
        }
        if handle >= 0 {
            asked.handle_in[at] = handle > 0;
        }
        1
    })
}

/// The right side of a constraint, where it is known.
///
/// # Safety
/// As for `sqlite3_vtab_collation`; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_rhs_value(
    info: *mut sqlite3_index_info,
    constraint: c_int,
    out: *mut *mut sqlite3_value,
) -> c_int {
    code(|| {
        // SAFETY: the caller's contract.
        let Some((asked, at)) = (unsafe { place(info, constraint) }) else {
            return crate::library::misuse(line!());
        };
        let found = asked.values[at].as_deref_mut().map_or(ptr::null_mut(), ptr::from_mut);
        // SAFETY: the caller's contract.
        unsafe { store(out, found) };
        if found.is_null() { SQLITE_NOTFOUND } else { SQLITE_OK }
    })
}

/// The first value of an IN.
///
/// # Safety
/// `list` is an argument of `xFilter`; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in_first(
    list: *mut sqlite3_value,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    code(|| unsafe { value_of_list(list, true, out) })
}

/// The next value of an IN.
///
/// # Safety
/// As for `sqlite3_vtab_in_first`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in_next(
    list: *mut sqlite3_value,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    code(|| unsafe { value_of_list(list, false, out) })
}

/// # Safety
/// As for `sqlite3_vtab_in_first`.
unsafe fn value_of_list(list: *mut sqlite3_value, first: bool, out: *mut *mut sqlite3_value) -> c_int {
    // SAFETY: by the caller.
    unsafe { store(out, ptr::null_mut()) };
    // SAFETY: by the caller.
    let Some(argument) = (unsafe { value::of(list) }) else { return crate::library::misuse(line!()) };
    let encoding = argument.encoding();
    let at = if first { 0 } else { argument.list.as_ref().map_or(0, |last| last.0 + 1) };
    let found = argument.register().map(|register| match ValueList::of(register) {
        Some(list) => Ok(list.values.get(at).map(|value| {
            let mut shown = sqlite3_value::owned(encoding);
            shown.own_it(encoding).copy_from(value);
            shown
        })),
        None => Err(()),
    });
    match found {
        Some(Ok(Some(shown))) => {
            let last = argument.list.insert(Box::new((at, shown)));
            // SAFETY: by the caller.
            unsafe { store(out, ptr::from_mut(&mut *last.1)) };
            SQLITE_OK
        }
        Some(Ok(None)) => SQLITE_DONE,
        _ => SQLITE_ERROR,
    }
}
