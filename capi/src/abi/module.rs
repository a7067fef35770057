//! Virtual tables as C implements them.
//!
//! Spec: The Virtual Table Mechanism of SQLite.

use std::ffi::{c_char, c_double, c_int, c_uchar, c_void};

use crate::connection::sqlite3;
use crate::value::{sqlite3_context, sqlite3_value};
use crate::{sqlite3_int64, sqlite3_uint64};

/// A function of SQL as C implements it.
pub type ScalarFunction = Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>;

type Connect = Option<
    unsafe extern "C" fn(
        *mut sqlite3,
        pAux: *mut c_void,
        argc: c_int,
        argv: *const *const c_char,
        ppVTab: *mut *mut sqlite3_vtab,
        *mut *mut c_char,
    ) -> c_int,
>;

/// A kind of virtual table.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_module {
    pub iVersion: c_int,
    pub xCreate: Connect,
    pub xConnect: Connect,
    pub xBestIndex: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab, *mut sqlite3_index_info) -> c_int>,
    pub xDisconnect: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xDestroy: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xOpen: Option<
        unsafe extern "C" fn(pVTab: *mut sqlite3_vtab, ppCursor: *mut *mut sqlite3_vtab_cursor) -> c_int,
    >,
    pub xClose: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor) -> c_int>,
    pub xFilter: Option<
        unsafe extern "C" fn(
            *mut sqlite3_vtab_cursor,
            idxNum: c_int,
            idxStr: *const c_char,
            argc: c_int,
            argv: *mut *mut sqlite3_value,
        ) -> c_int,
    >,
    pub xNext: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor) -> c_int>,
    pub xEof: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor) -> c_int>,
    pub xColumn: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor, *mut sqlite3_context, c_int) -> c_int>,
    pub xRowid: Option<unsafe extern "C" fn(*mut sqlite3_vtab_cursor, pRowid: *mut sqlite3_int64) -> c_int>,
    pub xUpdate: Option<
        unsafe extern "C" fn(*mut sqlite3_vtab, c_int, *mut *mut sqlite3_value, *mut sqlite3_int64) -> c_int,
    >,
    pub xBegin: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xSync: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xCommit: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xRollback: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab) -> c_int>,
    pub xFindFunction: Option<
        unsafe extern "C" fn(
            pVtab: *mut sqlite3_vtab,
            nArg: c_int,
            zName: *const c_char,
            pxFunc: *mut ScalarFunction,
            ppArg: *mut *mut c_void,
        ) -> c_int,
    >,
    pub xRename: Option<unsafe extern "C" fn(pVtab: *mut sqlite3_vtab, zNew: *const c_char) -> c_int>,
    pub xSavepoint: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab, c_int) -> c_int>,
    pub xRelease: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab, c_int) -> c_int>,
    pub xRollbackTo: Option<unsafe extern "C" fn(pVTab: *mut sqlite3_vtab, c_int) -> c_int>,
    pub xShadowName: Option<unsafe extern "C" fn(*const c_char) -> c_int>,
    pub xIntegrity: Option<
        unsafe extern "C" fn(
            pVTab: *mut sqlite3_vtab,
            zSchema: *const c_char,
            zTabName: *const c_char,
            mFlags: c_int,
            pzErr: *mut *mut c_char,
        ) -> c_int,
    >,
}

/// A WHERE term offered to `xBestIndex`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_index_constraint {
    pub iColumn: c_int,
    pub op: c_uchar,
    pub usable: c_uchar,
    pub iTermOffset: c_int,
}

/// A term of ORDER BY offered to `xBestIndex`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_index_orderby {
    pub iColumn: c_int,
    pub desc: c_uchar,
}

/// What `xBestIndex` does with a term.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_index_constraint_usage {
    pub argvIndex: c_int,
    pub omit: c_uchar,
}

/// Question and answer of `xBestIndex`.
#[repr(C)]
pub struct sqlite3_index_info {
    pub nConstraint: c_int,
    pub aConstraint: *mut sqlite3_index_constraint,
    pub nOrderBy: c_int,
    pub aOrderBy: *mut sqlite3_index_orderby,
    pub aConstraintUsage: *mut sqlite3_index_constraint_usage,
    pub idxNum: c_int,
    pub idxStr: *mut c_char,
    pub needToFreeIdxStr: c_int,
    pub orderByConsumed: c_int,
    pub estimatedCost: c_double,
    pub estimatedRows: sqlite3_int64,
    pub idxFlags: c_int,
    pub colUsed: sqlite3_uint64,
}

/// A virtual table: a module puts its own data behind this.
#[repr(C)]
pub struct sqlite3_vtab {
    pub pModule: *const sqlite3_module,
    pub nRef: c_int,
    pub zErrMsg: *mut c_char,
}

/// A scan of a virtual table: a module puts its own data behind this.
#[repr(C)]
pub struct sqlite3_vtab_cursor {
    pub pVtab: *mut sqlite3_vtab,
}
