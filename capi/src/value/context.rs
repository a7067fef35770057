//! A call of a function: `sqlite3_context`.
//!
//! One is made on the stack for each call. It has where the result goes, what the function was registered with, and for an aggregate
//! the memory of its group.
//!
//! Spec: C/C++ Interface, "SQL Function Context Object", "Obtain Aggregate Function Context", "Function Auxiliary Data".

use std::ffi::{c_int, c_void};
use std::ptr;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::function::{AuxData, UserError};

use crate::boundary::{Destructor, UserData, guard};
use crate::connection::sqlite3;
use crate::constant::*;
use crate::library::error_text::error_text;
use crate::memory;

/// A call of a function.
pub struct sqlite3_context {
    pub(crate) db: *mut sqlite3,
    pub(crate) user_data: *mut c_void,
    pub(crate) result: *mut Register,
    pub(crate) encoding: Encoding,
    pub(crate) len_max: usize,
    /// Where constant arguments keep data; NULL for aggregates.
    pub(crate) auxdata: *mut AuxData,
    pub(crate) constant_mask: u32,
    /// The memory of an aggregate's group; NULL for scalar functions.
    pub(crate) group: *mut GroupMemory,
    /// `SQLITE_OK`, or what the function failed with.
    pub(crate) error: c_int,
    pub(crate) message: Option<Vec<u8>>,
    /// For a column of a virtual table: whether its value is only needed to be handed back, and whether it was left out.
    pub(crate) may_skip: bool,
    /// Of old: how often the step function ran.
    pub(crate) steps: c_int,
}

/// Memory of an aggregate's group.
#[derive(Debug)]
pub(crate) struct GroupMemory {
    memory: UserData,
}

impl GroupMemory {
    pub(crate) const fn new() -> GroupMemory {
        GroupMemory { memory: UserData(ptr::null_mut()) }
    }

    /// The memory, made at the first call with a size above 0.
    fn get(&mut self, size: c_int) -> *mut c_void {
        if self.memory.0.is_null() && size > 0 {
            let memory = memory::allocate(size as u64);
            if !memory.is_null() {
                // SAFETY: it was just made with that size.
                unsafe { ptr::write_bytes(memory.cast::<u8>(), 0, size as usize) };
            }
            self.memory = UserData(memory);
        }
        self.memory.0
    }
}

impl Drop for GroupMemory {
    fn drop(&mut self) {
        // SAFETY: it came from there, and the group is over.
        unsafe { memory::release(self.memory.0) };
    }
}

impl sqlite3_context {
    /// A call that has not failed.
    pub(crate) fn new(
        db: *mut sqlite3,
        user_data: *mut c_void,
        result: &mut Register,
        encoding: Encoding,
    ) -> sqlite3_context {
        sqlite3_context {
            db,
            user_data,
            result,
            encoding,
            len_max: 1_000_000_000,
            auxdata: ptr::null_mut(),
            constant_mask: 0,
            group: ptr::null_mut(),
            error: SQLITE_OK,
            message: None,
            may_skip: false,
            steps: 0,
        }
    }

    /// Fails with a code and a message.
    pub(crate) fn fail(&mut self, error: c_int, message: &[u8]) {
        self.error = error;
        self.message = Some(message.to_vec());
    }

    /// What the function failed with.
    pub(crate) fn outcome(&mut self) -> Result<(), UserError> {
        if self.error == SQLITE_OK {
            return Ok(());
        }
        let message = match self.message.take() {
            Some(message) => String::from_utf8_lossy(&message).into_owned(),
            None => error_text(self.error).to_string_lossy().into_owned(),
        };
        Err(UserError { code: self.error, message })
    }

    /// Where the result goes.
    pub(crate) fn result(&mut self) -> &mut Register {
        // SAFETY: whoever made the context keeps the register for the call.
        unsafe { &mut *self.result }
    }
}

/// Data of a constant argument with what ends it.
struct Kept {
    data: UserData,
    destructor: Destructor,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor {
            // SAFETY: the application's function with the data that it gave for it.
            unsafe { destructor(self.data.0) };
        }
    }
}

/// Slots of data that belong to no argument lie behind those of arguments.
const ARGUMENTS_MAX: usize = 1000;

/// The slot of an argument; numbers below 0 share one list.
fn slot_number(argument: c_int) -> usize {
    match usize::try_from(argument) {
        Ok(argument) => argument,
        Err(_) => ARGUMENTS_MAX + usize::try_from(-i64::from(argument)).unwrap_or(0).min(ARGUMENTS_MAX),
    }
}

/// What was kept for an argument; NULL if nothing is.
///
/// # Safety
/// `context` is NULL or that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_get_auxdata(context: *mut sqlite3_context, argument: c_int) -> *mut c_void {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        let auxdata = unsafe { context.as_ref().and_then(|context| context.auxdata.as_ref()) };
        let slot = auxdata.and_then(|auxdata| auxdata.slots.get(slot_number(argument)));
        let kept = slot.and_then(Option::as_ref).and_then(|kept| kept.downcast_ref::<Kept>());
        kept.map_or(ptr::null_mut(), |kept| kept.data.0)
    })
}

/// Keeps data for an argument as long as the statement runs and the argument is constant, and ends what was kept before.
///
/// # Safety
/// As for `sqlite3_get_auxdata`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_set_auxdata(
    context: *mut sqlite3_context,
    argument: c_int,
    data: *mut c_void,
    destructor: Destructor,
) {
    guard((), || {
        let kept = Kept { data: UserData(data), destructor };
        // SAFETY: the caller's contract.
        let Some(context) = (unsafe { context.as_mut() }) else { return };
        // SAFETY: as above; the machine lends its list for the call.
        let Some(auxdata) = (unsafe { context.auxdata.as_mut() }) else { return };
        let is_constant = match u32::try_from(argument) {
            Ok(argument) => argument < 32 && context.constant_mask & (1 << argument) != 0,
            Err(_) => true,
        };
        if is_constant {
            *auxdata.slot(slot_number(argument)) = Some(Box::new(kept));
        }
    });
}

/// Memory of an aggregate's group: zeros, made at the first call with `size` above 0, the same at each call, freed by the library.
///
/// # Safety
/// `context` is NULL or that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_aggregate_context(
    context: *mut sqlite3_context,
    size: c_int,
) -> *mut c_void {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract; the group lives as long as the call.
        let group = unsafe { context.as_ref().and_then(|context| context.group.as_mut()) };
        group.map_or(ptr::null_mut(), |group| group.get(size))
    })
}

/// Of old: how many rows an aggregate has seen.
///
/// # Safety
/// As for `sqlite3_aggregate_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_aggregate_count(context: *mut sqlite3_context) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { context.as_ref() }.map_or(0, |context| context.steps)
}

/// What the function was registered with.
///
/// # Safety
/// As for `sqlite3_aggregate_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_user_data(context: *mut sqlite3_context) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { context.as_ref() }.map_or(ptr::null_mut(), |context| context.user_data)
}

/// The connection that the function was registered with.
///
/// # Safety
/// As for `sqlite3_aggregate_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_context_db_handle(context: *mut sqlite3_context) -> *mut sqlite3 {
    // SAFETY: the caller's contract.
    unsafe { context.as_ref() }.map_or(ptr::null_mut(), |context| context.db)
}

/// In `xColumn` of a virtual table: whether an UPDATE leaves this column as it is, so that its value need not be given.
///
/// # Safety
/// As for `sqlite3_aggregate_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_nochange(context: *mut sqlite3_context) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { context.as_ref() }.is_some_and(|context| context.may_skip))
}
