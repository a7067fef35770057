//! Virtual tables that the application implements.
//!
//! ```text
//! sqlite3_create_module ──> CModule: Module ── xCreate | xConnect ──> CTable: Table ── xOpen ──> CCursor: TableCursor
//!                                   └── declare_vtab, vtab_config: notes on the handle, read when the constructor returns
//! ```
//!
//! `table` calls a module's functions, `index_info` is the question that `xBestIndex` gets. `unbuilt` names what is missing.
//!
//! Always true: a module's functions run with the connection's lock held, and its state released, but for `xSavepoint` and its like.
//!
//! Spec: The Virtual Table Mechanism of SQLite.

pub mod index_info;
mod table;
pub mod unbuilt;

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use kernite::connection::raw;
use kernite::engine::vdbe::vtab::Risk;

use crate::abi::module::sqlite3_module;
use crate::boundary::{Destructor, text};
use crate::connection::hook::Back;
use crate::connection::{ask, sqlite3, with};
use crate::constant::*;
use crate::function::Registered;
use crate::library::misuse;
use crate::variadic::{Arguments, Taker};
use table::CModule;

pub use index_info::*;
pub use unbuilt::*;

/// What a constructor under way has said about its table.
#[derive(Default)]
pub(crate) struct Declared {
    declaration: Option<String>,
    risk: Risk,
    constraint_support: bool,
}

/// What of virtual tables hangs off a handle.
#[derive(Default)]
pub(crate) struct Tables {
    /// Constructors under way, the innermost last.
    constructing: RefCell<Vec<Declared>>,
    /// The conflict clause of the statement that calls `xUpdate`.
    on_conflict: Cell<c_int>,
}

/// Registers a kind of virtual table.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string; `module` stays as long as it is registered. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_module(
    db: *mut sqlite3,
    name: *const c_char,
    module: *const sqlite3_module,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_create_module_v2(db, name, module, data, None) }
}

/// Registers a kind of virtual table; NULL removes it. `destructor` is told when the last table of the kind has gone.
///
/// # Safety
/// As for `sqlite3_create_module`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_module_v2(
    db: *mut sqlite3,
    name: *const c_char,
    module: *const sqlite3_module,
    data: *mut c_void,
    destructor: Destructor,
) -> c_int {
    let registered = Registered::new(data, destructor);
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let Some(name) = text(name) else { return misuse(line!()) };
            let name = String::from_utf8_lossy(name);
            if module.is_null() {
                db.raw().remove_module(&name);
            } else {
                let module = CModule::new(Back::new(db), module, registered);
                db.raw().register_module(&name, Arc::new(module));
            }
            db.exit(Ok(()))
        })
    }
}

/// Removes all kinds of virtual tables but those named.
///
/// # Safety
/// `db` is NULL or a connection; `keep` is NULL or an array of C strings that ends with NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_drop_modules(db: *mut sqlite3, keep: *mut *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let mut kept: Vec<String> = Vec::new();
            let mut at = keep;
            while let Some(name) = at.as_ref().and_then(|name| text(*name)) {
                kept.push(String::from_utf8_lossy(name).into_owned());
                at = at.add(1);
            }
            for name in db.raw().module_names() {
                if !kept.iter().any(|known| *known == name) {
                    db.raw().remove_module(&name);
                }
            }
            SQLITE_OK
        })
    }
}

/// Declares the columns of a virtual table, in its `xCreate` or `xConnect`.
///
/// # Safety
/// As for `sqlite3_create_module`; `declaration` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_declare_vtab(db: *mut sqlite3, declaration: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let Some(declaration) = text(declaration) else { return misuse(line!()) };
            if let Err(error) = raw::check_declaration(declaration) {
                return db.exit(Err(error));
            }
            match db.tables.constructing.borrow_mut().last_mut() {
                Some(declared) if declared.declaration.is_none() => {
                    declared.declaration = Some(String::from_utf8_lossy(declaration).into_owned());
                    SQLITE_OK
                }
                _ => {
                    misuse(line!());
                    db.error.set(SQLITE_MISUSE)
                }
            }
        })
    }
}

/// The Rust half of `sqlite3_vtab_config`.
///
/// # Safety
/// `db` is NULL or a connection; the arguments are those of the option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_vtab_config(
    db: *mut sqlite3,
    option: c_int,
    arguments: *mut Arguments,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let mut constructing = db.tables.constructing.borrow_mut();
            let Some(declared) = constructing.last_mut() else { return misuse(line!()) };
            match option {
                SQLITE_VTAB_CONSTRAINT_SUPPORT => {
                    declared.constraint_support = Taker::new(arguments).int() != 0;
                }
                SQLITE_VTAB_INNOCUOUS => declared.risk = Risk::Innocuous,
                SQLITE_VTAB_DIRECTONLY => declared.risk = Risk::DirectOnly,
                // All schemas are always at hand.
                SQLITE_VTAB_USES_ALL_SCHEMAS => {}
                _ => return misuse(line!()),
            }
            SQLITE_OK
        })
    }
}

/// The conflict clause of the statement that changes a virtual table.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_on_conflict(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { ask(db, SQLITE_ABORT, |db| db.tables.on_conflict.get()) }
}
