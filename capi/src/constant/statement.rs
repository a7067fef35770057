//! Statements, values, functions: types, encodings, flags.
//!
//! Never: code.
//! Spec: C/C++ Interface, "Constants".

use std::ffi::c_int;

// Flags of `sqlite3_prepare_v3`.
pub const SQLITE_PREPARE_PERSISTENT: c_int = 1;
pub const SQLITE_PREPARE_NORMALIZE: c_int = 2;
pub const SQLITE_PREPARE_NO_VTAB: c_int = 4;
pub const SQLITE_PREPARE_DONT_LOG: c_int = 0x10;
pub const SQLITE_PREPARE_FROM_DDL: c_int = 0x20;

// Types of values.
pub const SQLITE_INTEGER: c_int = 1;
pub const SQLITE_FLOAT: c_int = 2;
pub const SQLITE_BLOB: c_int = 4;
pub const SQLITE_NULL: c_int = 5;
pub const SQLITE_TEXT: c_int = 3;
pub const SQLITE3_TEXT: c_int = 3;

// Text encodings.
pub const SQLITE_UTF8: c_int = 1;
pub const SQLITE_UTF16LE: c_int = 2;
pub const SQLITE_UTF16BE: c_int = 3;
pub const SQLITE_UTF16: c_int = 4;
pub const SQLITE_ANY: c_int = 5;
pub const SQLITE_UTF16_ALIGNED: c_int = 8;
pub const SQLITE_UTF8_ZT: c_int = 16;

// Properties of functions.
pub const SQLITE_DETERMINISTIC: c_int = 0x800;
pub const SQLITE_DIRECTONLY: c_int = 0x80000;
pub const SQLITE_SUBTYPE: c_int = 0x100000;
pub const SQLITE_INNOCUOUS: c_int = 0x200000;
pub const SQLITE_RESULT_SUBTYPE: c_int = 0x1000000;
pub const SQLITE_SELFORDER1: c_int = 0x2000000;

// Events of `sqlite3_trace_v2`.
pub const SQLITE_TRACE_STMT: c_int = 1;
pub const SQLITE_TRACE_PROFILE: c_int = 2;
pub const SQLITE_TRACE_ROW: c_int = 4;
pub const SQLITE_TRACE_CLOSE: c_int = 8;

// What `sqlite3_txn_state` tells.
pub const SQLITE_TXN_NONE: c_int = 0;
pub const SQLITE_TXN_READ: c_int = 1;
pub const SQLITE_TXN_WRITE: c_int = 2;

// What an authorizer answers, beside `SQLITE_OK`.
pub const SQLITE_DENY: c_int = 1;
pub const SQLITE_IGNORE: c_int = 2;

// What an authorizer is asked about.
pub const SQLITE_CREATE_INDEX: c_int = 1;
pub const SQLITE_CREATE_TABLE: c_int = 2;
pub const SQLITE_CREATE_TEMP_INDEX: c_int = 3;
pub const SQLITE_CREATE_TEMP_TABLE: c_int = 4;
pub const SQLITE_CREATE_TEMP_TRIGGER: c_int = 5;
pub const SQLITE_CREATE_TEMP_VIEW: c_int = 6;
pub const SQLITE_CREATE_TRIGGER: c_int = 7;
pub const SQLITE_CREATE_VIEW: c_int = 8;
pub const SQLITE_DELETE: c_int = 9;
pub const SQLITE_DROP_INDEX: c_int = 10;
pub const SQLITE_DROP_TABLE: c_int = 11;
pub const SQLITE_DROP_TEMP_INDEX: c_int = 12;
pub const SQLITE_DROP_TEMP_TABLE: c_int = 13;
pub const SQLITE_DROP_TEMP_TRIGGER: c_int = 14;
pub const SQLITE_DROP_TEMP_VIEW: c_int = 15;
pub const SQLITE_DROP_TRIGGER: c_int = 16;
pub const SQLITE_DROP_VIEW: c_int = 17;
pub const SQLITE_INSERT: c_int = 18;
pub const SQLITE_PRAGMA: c_int = 19;
pub const SQLITE_READ: c_int = 20;
pub const SQLITE_SELECT: c_int = 21;
pub const SQLITE_TRANSACTION: c_int = 22;
pub const SQLITE_UPDATE: c_int = 23;
pub const SQLITE_ATTACH: c_int = 24;
pub const SQLITE_DETACH: c_int = 25;
pub const SQLITE_ALTER_TABLE: c_int = 26;
pub const SQLITE_REINDEX: c_int = 27;
pub const SQLITE_ANALYZE: c_int = 28;
pub const SQLITE_CREATE_VTABLE: c_int = 29;
pub const SQLITE_DROP_VTABLE: c_int = 30;
pub const SQLITE_FUNCTION: c_int = 31;
pub const SQLITE_SAVEPOINT: c_int = 32;
pub const SQLITE_RECURSIVE: c_int = 33;

// What `sqlite3_result_str` does with the string.
pub const SQLITE_COPY: c_int = 0;
pub const SQLITE_XFER: c_int = 1;
pub const SQLITE_FINISH: c_int = 2;

// Modes of a checkpoint.
pub const SQLITE_CHECKPOINT_NOOP: c_int = -1;
pub const SQLITE_CHECKPOINT_PASSIVE: c_int = 0;
pub const SQLITE_CHECKPOINT_FULL: c_int = 1;
pub const SQLITE_CHECKPOINT_RESTART: c_int = 2;
pub const SQLITE_CHECKPOINT_TRUNCATE: c_int = 3;

// Flags of `sqlite3_serialize` and `sqlite3_deserialize`.
pub const SQLITE_SERIALIZE_NOCOPY: c_int = 1;
pub const SQLITE_DESERIALIZE_FREEONCLOSE: c_int = 1;
pub const SQLITE_DESERIALIZE_RESIZEABLE: c_int = 2;
pub const SQLITE_DESERIALIZE_READONLY: c_int = 4;
