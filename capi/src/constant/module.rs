//! Virtual tables, sessions, and what stands beside them.
//!
//! Never: code.
//! Spec: C/C++ Interface, "Constants".

use std::ffi::c_int;

// Options of `sqlite3_vtab_config`.
pub const SQLITE_VTAB_CONSTRAINT_SUPPORT: c_int = 1;
pub const SQLITE_VTAB_INNOCUOUS: c_int = 2;
pub const SQLITE_VTAB_DIRECTONLY: c_int = 3;
pub const SQLITE_VTAB_USES_ALL_SCHEMAS: c_int = 4;

// Flags of a plan of a virtual table.
pub const SQLITE_INDEX_SCAN_UNIQUE: c_int = 1;
pub const SQLITE_INDEX_SCAN_HEX: c_int = 2;

// Constraints offered to a virtual table.
pub const SQLITE_INDEX_CONSTRAINT_EQ: c_int = 2;
pub const SQLITE_INDEX_CONSTRAINT_GT: c_int = 4;
pub const SQLITE_INDEX_CONSTRAINT_LE: c_int = 8;
pub const SQLITE_INDEX_CONSTRAINT_LT: c_int = 16;
pub const SQLITE_INDEX_CONSTRAINT_GE: c_int = 32;
pub const SQLITE_INDEX_CONSTRAINT_MATCH: c_int = 64;
pub const SQLITE_INDEX_CONSTRAINT_LIKE: c_int = 65;
pub const SQLITE_INDEX_CONSTRAINT_GLOB: c_int = 66;
pub const SQLITE_INDEX_CONSTRAINT_REGEXP: c_int = 67;
pub const SQLITE_INDEX_CONSTRAINT_NE: c_int = 68;
pub const SQLITE_INDEX_CONSTRAINT_ISNOT: c_int = 69;
pub const SQLITE_INDEX_CONSTRAINT_ISNOTNULL: c_int = 70;
pub const SQLITE_INDEX_CONSTRAINT_ISNULL: c_int = 71;
pub const SQLITE_INDEX_CONSTRAINT_IS: c_int = 72;
pub const SQLITE_INDEX_CONSTRAINT_LIMIT: c_int = 73;
pub const SQLITE_INDEX_CONSTRAINT_OFFSET: c_int = 74;
pub const SQLITE_INDEX_CONSTRAINT_FUNCTION: c_int = 150;

// Conflict clauses.
pub const SQLITE_ROLLBACK: c_int = 1;
pub const SQLITE_FAIL: c_int = 3;
pub const SQLITE_REPLACE: c_int = 5;

// Arrays bound to parameters.
pub const SQLITE_CARRAY_INT32: c_int = 0;
pub const SQLITE_CARRAY_INT64: c_int = 1;
pub const SQLITE_CARRAY_DOUBLE: c_int = 2;
pub const SQLITE_CARRAY_TEXT: c_int = 3;
pub const SQLITE_CARRAY_BLOB: c_int = 4;
pub const CARRAY_INT32: c_int = 0;
pub const CARRAY_INT64: c_int = 1;
pub const CARRAY_DOUBLE: c_int = 2;
pub const CARRAY_TEXT: c_int = 3;
pub const CARRAY_BLOB: c_int = 4;

// How much of a node of an R-Tree a query covers.
pub const NOT_WITHIN: c_int = 0;
pub const PARTLY_WITHIN: c_int = 1;
pub const FULLY_WITHIN: c_int = 2;

// Sessions, changesets, changegroups.
pub const SQLITE_SESSION_OBJCONFIG_SIZE: c_int = 1;
pub const SQLITE_SESSION_OBJCONFIG_ROWID: c_int = 2;
pub const SQLITE_CHANGESETSTART_INVERT: c_int = 2;
pub const SQLITE_CHANGESETAPPLY_NOSAVEPOINT: c_int = 1;
pub const SQLITE_CHANGESETAPPLY_INVERT: c_int = 2;
pub const SQLITE_CHANGESETAPPLY_IGNORENOOP: c_int = 4;
pub const SQLITE_CHANGESETAPPLY_FKNOACTION: c_int = 8;
pub const SQLITE_CHANGESETAPPLY_NOUPDATELOOP: c_int = 0x10;
pub const SQLITE_CHANGESET_DATA: c_int = 1;
pub const SQLITE_CHANGESET_NOTFOUND: c_int = 2;
pub const SQLITE_CHANGESET_CONFLICT: c_int = 3;
pub const SQLITE_CHANGESET_CONSTRAINT: c_int = 4;
pub const SQLITE_CHANGESET_FOREIGN_KEY: c_int = 5;
pub const SQLITE_CHANGESET_OMIT: c_int = 0;
pub const SQLITE_CHANGESET_REPLACE: c_int = 1;
pub const SQLITE_CHANGESET_ABORT: c_int = 2;
pub const SQLITE_SESSION_CONFIG_STRMSIZE: c_int = 1;
pub const SQLITE_CHANGEGROUP_CONFIG_PATCHSET: c_int = 1;

// Full-text tokenizers.
pub const FTS5_TOKENIZE_QUERY: c_int = 1;
pub const FTS5_TOKENIZE_PREFIX: c_int = 2;
pub const FTS5_TOKENIZE_DOCUMENT: c_int = 4;
pub const FTS5_TOKENIZE_AUX: c_int = 8;
pub const FTS5_TOKEN_COLOCATED: c_int = 1;
