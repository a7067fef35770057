//! What the library counts, by number.
//!
//! Never: code.
//! Spec: C/C++ Interface, "Constants".

use std::ffi::c_int;

// Counters of the process.
pub const SQLITE_STATUS_MEMORY_USED: c_int = 0;
pub const SQLITE_STATUS_PAGECACHE_USED: c_int = 1;
pub const SQLITE_STATUS_PAGECACHE_OVERFLOW: c_int = 2;
pub const SQLITE_STATUS_SCRATCH_USED: c_int = 3;
pub const SQLITE_STATUS_SCRATCH_OVERFLOW: c_int = 4;
pub const SQLITE_STATUS_MALLOC_SIZE: c_int = 5;
pub const SQLITE_STATUS_PARSER_STACK: c_int = 6;
pub const SQLITE_STATUS_PAGECACHE_SIZE: c_int = 7;
pub const SQLITE_STATUS_SCRATCH_SIZE: c_int = 8;
pub const SQLITE_STATUS_MALLOC_COUNT: c_int = 9;

// Counters of a connection.
pub const SQLITE_DBSTATUS_LOOKASIDE_USED: c_int = 0;
pub const SQLITE_DBSTATUS_CACHE_USED: c_int = 1;
pub const SQLITE_DBSTATUS_SCHEMA_USED: c_int = 2;
pub const SQLITE_DBSTATUS_STMT_USED: c_int = 3;
pub const SQLITE_DBSTATUS_LOOKASIDE_HIT: c_int = 4;
pub const SQLITE_DBSTATUS_LOOKASIDE_MISS_SIZE: c_int = 5;
pub const SQLITE_DBSTATUS_LOOKASIDE_MISS_FULL: c_int = 6;
pub const SQLITE_DBSTATUS_CACHE_HIT: c_int = 7;
pub const SQLITE_DBSTATUS_CACHE_MISS: c_int = 8;
pub const SQLITE_DBSTATUS_CACHE_WRITE: c_int = 9;
pub const SQLITE_DBSTATUS_DEFERRED_FKS: c_int = 10;
pub const SQLITE_DBSTATUS_CACHE_USED_SHARED: c_int = 11;
pub const SQLITE_DBSTATUS_CACHE_SPILL: c_int = 12;
pub const SQLITE_DBSTATUS_TEMPBUF_SPILL: c_int = 13;
pub const SQLITE_DBSTATUS_MAX: c_int = 13;

// Counters of a statement.
pub const SQLITE_STMTSTATUS_FULLSCAN_STEP: c_int = 1;
pub const SQLITE_STMTSTATUS_SORT: c_int = 2;
pub const SQLITE_STMTSTATUS_AUTOINDEX: c_int = 3;
pub const SQLITE_STMTSTATUS_VM_STEP: c_int = 4;
pub const SQLITE_STMTSTATUS_REPREPARE: c_int = 5;
pub const SQLITE_STMTSTATUS_RUN: c_int = 6;
pub const SQLITE_STMTSTATUS_FILTER_MISS: c_int = 7;
pub const SQLITE_STMTSTATUS_FILTER_HIT: c_int = 8;
pub const SQLITE_STMTSTATUS_MEMUSED: c_int = 99;

// What `sqlite3_stmt_scanstatus` tells.
pub const SQLITE_SCANSTAT_NLOOP: c_int = 0;
pub const SQLITE_SCANSTAT_NVISIT: c_int = 1;
pub const SQLITE_SCANSTAT_EST: c_int = 2;
pub const SQLITE_SCANSTAT_NAME: c_int = 3;
pub const SQLITE_SCANSTAT_EXPLAIN: c_int = 4;
pub const SQLITE_SCANSTAT_SELECTID: c_int = 5;
pub const SQLITE_SCANSTAT_PARENTID: c_int = 6;
pub const SQLITE_SCANSTAT_NCYCLE: c_int = 7;
pub const SQLITE_SCANSTAT_COMPLEX: c_int = 1;
