//! Settings and counters of a connection: limits, switches, changes, interrupts.
//!
//! Switches that the compiler looks at are the engine's; the rest are kept here, for who asks.
//!
//! Spec: C/C++ Interface, "Run-time Limits", "Configure database connections", "Count The Number Of Rows Modified", "Interrupt A
//! Long-Running Query".

use std::cell::Cell;
use std::ffi::c_int;

use kernite::compile::CompileOptions;

use super::{Entered, ask, handle, sqlite3, with};
use crate::boundary::{guard, store, text};
use crate::constant::*;
use crate::sqlite3_int64;
use crate::variadic::{Arguments, Taker};

/// Settings that the engine does not look at.
pub(crate) struct Settings {
    /// `SQLITE_DBCONFIG_…` switches that are on, by number from the first.
    switches: Cell<u32>,
    /// Significant digits of reals (`SQLITE_DBCONFIG_FP_DIGITS`).
    real_digits: Cell<c_int>,
}

/// The number of the first switch.
const FIRST: c_int = SQLITE_DBCONFIG_ENABLE_FKEY;

const fn bit(switch: c_int) -> u32 {
    1 << (switch - FIRST)
}

impl Default for Settings {
    /// Those of a new connection of the target build.
    fn default() -> Settings {
        let on = bit(SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER)
            | bit(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION)
            | bit(SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE)
            | bit(SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE)
            | bit(SQLITE_DBCONFIG_ENABLE_COMMENTS);
        Settings { switches: Cell::new(on), real_digits: Cell::new(17) }
    }
}

impl Settings {
    /// Whether a switch that is kept here is on.
    pub(crate) fn is_on(&self, switch: c_int) -> bool {
        self.switches.get() & bit(switch) != 0
    }

    /// Turns a switch that is kept here.
    pub(crate) fn turn(&self, switch: c_int, on: bool) {
        let switches = self.switches.get();
        self.switches.set(if on { switches | bit(switch) } else { switches & !bit(switch) });
    }
}

/// The engine's switch with this number, and whether what is set is its opposite.
fn engine_switch(switch: c_int, options: &mut CompileOptions) -> Option<&mut bool> {
    Some(match switch {
        SQLITE_DBCONFIG_ENABLE_FKEY => &mut options.foreign_keys,
        SQLITE_DBCONFIG_ENABLE_TRIGGER => &mut options.enable_triggers,
        SQLITE_DBCONFIG_ENABLE_VIEW => &mut options.enable_views,
        SQLITE_DBCONFIG_WRITABLE_SCHEMA => &mut options.writable_schema,
        SQLITE_DBCONFIG_LEGACY_ALTER_TABLE => &mut options.legacy_alter_table,
        SQLITE_DBCONFIG_DQS_DML => &mut options.double_quoted_dml,
        SQLITE_DBCONFIG_DQS_DDL => &mut options.double_quoted_ddl,
        SQLITE_DBCONFIG_LEGACY_FILE_FORMAT => &mut options.legacy_file_format,
        SQLITE_DBCONFIG_TRUSTED_SCHEMA => &mut options.trusted_schema,
        SQLITE_DBCONFIG_DEFENSIVE => &mut options.defensive,
        SQLITE_DBCONFIG_REVERSE_SCANORDER => &mut options.reverse_unordered_selects,
        _ => return None,
    })
}

/// Turns a switch (`on` < 0: leaves it) and tells how it stands.
fn switch(db: &Entered<'_>, number: c_int, on: c_int) -> bool {
    let mut options = db.raw().options();
    match engine_switch(number, &mut options) {
        Some(known) => {
            let (old, new) = (*known, if on < 0 { *known } else { on != 0 });
            if old != new {
                db.raw().change_options(|options| {
                    if let Some(known) = engine_switch(number, options) {
                        *known = new;
                    }
                });
            }
            new
        }
        None => {
            if on >= 0 {
                db.settings.turn(number, on != 0);
            }
            db.settings.is_on(number)
        }
    }
}

/// The Rust half of `sqlite3_db_config`.
///
/// # Safety
/// `db` is NULL or a connection; `arguments` come from C and fit the option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_db_config(
    db: *mut sqlite3,
    option: c_int,
    arguments: *mut Arguments,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let mut arguments = Taker::new(arguments);
            match option {
                SQLITE_DBCONFIG_MAINDBNAME => match text(arguments.text()) {
                    Some(name) => {
                        db.raw().rename_main(name);
                        SQLITE_OK
                    }
                    None => crate::library::misuse(line!()),
                },
                // Memory for small objects: the engine has no use for it.
                SQLITE_DBCONFIG_LOOKASIDE => SQLITE_OK,
                SQLITE_DBCONFIG_FP_DIGITS => {
                    let (digits, out) = (arguments.int(), arguments.pointer());
                    if (4..24).contains(&digits) {
                        db.settings.real_digits.set(digits);
                    }
                    store(out.cast::<c_int>(), db.settings.real_digits.get());
                    SQLITE_OK
                }
                FIRST..=SQLITE_DBCONFIG_ENABLE_COMMENTS => {
                    let (on, out) = (arguments.int(), arguments.pointer());
                    let stands = switch(db, option, on);
                    store(out.cast::<c_int>(), c_int::from(stands));
                    SQLITE_OK
                }
                _ => SQLITE_ERROR,
            }
        })
    }
}

/// Sets a limit (`SQLITE_LIMIT_…`) and gives its old value; a negative one only asks. -1 for a limit that there is not.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_limit(db: *mut sqlite3, limit: c_int, value: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, -1, |db| match usize::try_from(limit) {
            Ok(limit) => db.raw().limit(limit, value),
            Err(_) => -1,
        })
    }
}

/// Rows changed by the last INSERT, UPDATE or DELETE.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_changes64(db: *mut sqlite3) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    unsafe { ask(db, 0, |db| db.raw().changes()) }
}

/// As `sqlite3_changes64`, in 32 bits.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_changes(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_changes64(db) as c_int }
}

/// Rows changed since the connection was opened.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_total_changes64(db: *mut sqlite3) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    unsafe { ask(db, 0, |db| db.raw().total_changes()) }
}

/// As `sqlite3_total_changes64`, in 32 bits.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_total_changes(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_total_changes64(db) as c_int }
}

/// The rowid that the last INSERT made.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_last_insert_rowid(db: *mut sqlite3) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    unsafe { ask(db, 0, |db| db.raw().last_insert_rowid()) }
}

/// Sets what `sqlite3_last_insert_rowid` gives.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_set_last_insert_rowid(db: *mut sqlite3, rowid: sqlite3_int64) {
    // SAFETY: the caller's contract.
    unsafe { ask(db, (), |db| db.raw().set_last_insert_rowid(rowid)) }
}

/// 1 if no explicit transaction is open.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_get_autocommit(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { ask(db, 0, |db| c_int::from(db.raw().is_autocommit())) }
}

/// Makes the running statements stop. From any thread.
///
/// # Safety
/// `db` is NULL or a connection that is not closed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_interrupt(db: *mut sqlite3) {
    // SAFETY: the caller's contract.
    guard((), || match unsafe { super::handle_or_sick(db) } {
        Some(db) => db.interrupt(),
        None => {
            crate::library::misuse(line!());
        }
    });
}

/// Whether an interrupt is in force.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_is_interrupted(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { handle(db) }.is_some_and(|db| db.raw().is_interrupted()))
}

/// Sets how long a lock is waited for where the operating system can wait for it. Locks are waited for by timers, so that this is no more
/// than a check of its arguments.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_setlk_timeout(db: *mut sqlite3, ms: c_int, _flags: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |_| if ms < -1 { SQLITE_RANGE } else { SQLITE_OK }) }
}

/// Whether a connection may load extensions by `sqlite3_load_extension`.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_enable_load_extension(db: *mut sqlite3, on: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            db.settings.turn(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, on != 0);
            SQLITE_OK
        })
    }
}
