//! Settings of the library, of a connection, and test switches.
//!
//! Never: code.
//! Spec: C/C++ Interface, "Constants".

use std::ffi::c_int;

// Options of `sqlite3_config`.
pub const SQLITE_CONFIG_SINGLETHREAD: c_int = 1;
pub const SQLITE_CONFIG_MULTITHREAD: c_int = 2;
pub const SQLITE_CONFIG_SERIALIZED: c_int = 3;
pub const SQLITE_CONFIG_MALLOC: c_int = 4;
pub const SQLITE_CONFIG_GETMALLOC: c_int = 5;
pub const SQLITE_CONFIG_SCRATCH: c_int = 6;
pub const SQLITE_CONFIG_PAGECACHE: c_int = 7;
pub const SQLITE_CONFIG_HEAP: c_int = 8;
pub const SQLITE_CONFIG_MEMSTATUS: c_int = 9;
pub const SQLITE_CONFIG_MUTEX: c_int = 10;
pub const SQLITE_CONFIG_GETMUTEX: c_int = 11;
pub const SQLITE_CONFIG_LOOKASIDE: c_int = 13;
pub const SQLITE_CONFIG_PCACHE: c_int = 14;
pub const SQLITE_CONFIG_GETPCACHE: c_int = 15;
pub const SQLITE_CONFIG_LOG: c_int = 16;
pub const SQLITE_CONFIG_URI: c_int = 17;
pub const SQLITE_CONFIG_PCACHE2: c_int = 18;
pub const SQLITE_CONFIG_GETPCACHE2: c_int = 19;
pub const SQLITE_CONFIG_COVERING_INDEX_SCAN: c_int = 20;
pub const SQLITE_CONFIG_SQLLOG: c_int = 21;
pub const SQLITE_CONFIG_MMAP_SIZE: c_int = 22;
pub const SQLITE_CONFIG_WIN32_HEAPSIZE: c_int = 23;
pub const SQLITE_CONFIG_PCACHE_HDRSZ: c_int = 24;
pub const SQLITE_CONFIG_PMASZ: c_int = 25;
pub const SQLITE_CONFIG_STMTJRNL_SPILL: c_int = 26;
pub const SQLITE_CONFIG_SMALL_MALLOC: c_int = 27;
pub const SQLITE_CONFIG_SORTERREF_SIZE: c_int = 28;
pub const SQLITE_CONFIG_MEMDB_MAXSIZE: c_int = 29;
pub const SQLITE_CONFIG_ROWID_IN_VIEW: c_int = 30;

// Options of `sqlite3_db_config`.
pub const SQLITE_DBCONFIG_MAINDBNAME: c_int = 1000;
pub const SQLITE_DBCONFIG_LOOKASIDE: c_int = 1001;
pub const SQLITE_DBCONFIG_ENABLE_FKEY: c_int = 1002;
pub const SQLITE_DBCONFIG_ENABLE_TRIGGER: c_int = 1003;
pub const SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: c_int = 1004;
pub const SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: c_int = 1005;
pub const SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE: c_int = 1006;
pub const SQLITE_DBCONFIG_ENABLE_QPSG: c_int = 1007;
pub const SQLITE_DBCONFIG_TRIGGER_EQP: c_int = 1008;
pub const SQLITE_DBCONFIG_RESET_DATABASE: c_int = 1009;
pub const SQLITE_DBCONFIG_DEFENSIVE: c_int = 1010;
pub const SQLITE_DBCONFIG_WRITABLE_SCHEMA: c_int = 1011;
pub const SQLITE_DBCONFIG_LEGACY_ALTER_TABLE: c_int = 1012;
pub const SQLITE_DBCONFIG_DQS_DML: c_int = 1013;
pub const SQLITE_DBCONFIG_DQS_DDL: c_int = 1014;
pub const SQLITE_DBCONFIG_ENABLE_VIEW: c_int = 1015;
pub const SQLITE_DBCONFIG_LEGACY_FILE_FORMAT: c_int = 1016;
pub const SQLITE_DBCONFIG_TRUSTED_SCHEMA: c_int = 1017;
pub const SQLITE_DBCONFIG_STMT_SCANSTATUS: c_int = 1018;
pub const SQLITE_DBCONFIG_REVERSE_SCANORDER: c_int = 1019;
pub const SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE: c_int = 1020;
pub const SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE: c_int = 1021;
pub const SQLITE_DBCONFIG_ENABLE_COMMENTS: c_int = 1022;
pub const SQLITE_DBCONFIG_FP_DIGITS: c_int = 1023;
pub const SQLITE_DBCONFIG_MAX: c_int = 1023;

// Flags of `sqlite3_setlk_timeout`.
pub const SQLITE_SETLK_BLOCK_ON_CONNECT: c_int = 1;

// Limits of `sqlite3_limit`.
pub const SQLITE_LIMIT_LENGTH: c_int = 0;
pub const SQLITE_LIMIT_SQL_LENGTH: c_int = 1;
pub const SQLITE_LIMIT_COLUMN: c_int = 2;
pub const SQLITE_LIMIT_EXPR_DEPTH: c_int = 3;
pub const SQLITE_LIMIT_COMPOUND_SELECT: c_int = 4;
pub const SQLITE_LIMIT_VDBE_OP: c_int = 5;
pub const SQLITE_LIMIT_FUNCTION_ARG: c_int = 6;
pub const SQLITE_LIMIT_ATTACHED: c_int = 7;
pub const SQLITE_LIMIT_LIKE_PATTERN_LENGTH: c_int = 8;
pub const SQLITE_LIMIT_VARIABLE_NUMBER: c_int = 9;
pub const SQLITE_LIMIT_TRIGGER_DEPTH: c_int = 10;
pub const SQLITE_LIMIT_WORKER_THREADS: c_int = 11;
pub const SQLITE_LIMIT_PARSER_DEPTH: c_int = 12;
pub const SQLITE_LIMIT_SCHEMA: c_int = 13;
pub const SQLITE_LIMIT_TRIGGER_STEPS: c_int = 14;

// Operations of `sqlite3_test_control`.
pub const SQLITE_TESTCTRL_FIRST: c_int = 5;
pub const SQLITE_TESTCTRL_PRNG_SAVE: c_int = 5;
pub const SQLITE_TESTCTRL_PRNG_RESTORE: c_int = 6;
pub const SQLITE_TESTCTRL_PRNG_RESET: c_int = 7;
pub const SQLITE_TESTCTRL_FK_NO_ACTION: c_int = 7;
pub const SQLITE_TESTCTRL_BITVEC_TEST: c_int = 8;
pub const SQLITE_TESTCTRL_FAULT_INSTALL: c_int = 9;
pub const SQLITE_TESTCTRL_BENIGN_MALLOC_HOOKS: c_int = 10;
pub const SQLITE_TESTCTRL_PENDING_BYTE: c_int = 11;
pub const SQLITE_TESTCTRL_ASSERT: c_int = 12;
pub const SQLITE_TESTCTRL_ALWAYS: c_int = 13;
pub const SQLITE_TESTCTRL_RESERVE: c_int = 14;
pub const SQLITE_TESTCTRL_JSON_SELFCHECK: c_int = 14;
pub const SQLITE_TESTCTRL_OPTIMIZATIONS: c_int = 15;
pub const SQLITE_TESTCTRL_ISKEYWORD: c_int = 16;
pub const SQLITE_TESTCTRL_GETOPT: c_int = 16;
pub const SQLITE_TESTCTRL_SCRATCHMALLOC: c_int = 17;
pub const SQLITE_TESTCTRL_INTERNAL_FUNCTIONS: c_int = 17;
pub const SQLITE_TESTCTRL_LOCALTIME_FAULT: c_int = 18;
pub const SQLITE_TESTCTRL_EXPLAIN_STMT: c_int = 19;
pub const SQLITE_TESTCTRL_ONCE_RESET_THRESHOLD: c_int = 19;
pub const SQLITE_TESTCTRL_NEVER_CORRUPT: c_int = 20;
pub const SQLITE_TESTCTRL_VDBE_COVERAGE: c_int = 21;
pub const SQLITE_TESTCTRL_BYTEORDER: c_int = 22;
pub const SQLITE_TESTCTRL_ISINIT: c_int = 23;
pub const SQLITE_TESTCTRL_SORTER_MMAP: c_int = 24;
pub const SQLITE_TESTCTRL_IMPOSTER: c_int = 25;
pub const SQLITE_TESTCTRL_PARSER_COVERAGE: c_int = 26;
pub const SQLITE_TESTCTRL_RESULT_INTREAL: c_int = 27;
pub const SQLITE_TESTCTRL_PRNG_SEED: c_int = 28;
pub const SQLITE_TESTCTRL_EXTRA_SCHEMA_CHECKS: c_int = 29;
pub const SQLITE_TESTCTRL_SEEK_COUNT: c_int = 30;
pub const SQLITE_TESTCTRL_TRACEFLAGS: c_int = 31;
pub const SQLITE_TESTCTRL_TUNE: c_int = 32;
pub const SQLITE_TESTCTRL_LOGEST: c_int = 33;
pub const SQLITE_TESTCTRL_USELONGDOUBLE: c_int = 34;
pub const SQLITE_TESTCTRL_ATOF: c_int = 34;
pub const SQLITE_TESTCTRL_LAST: c_int = 34;

// Kinds of mutexes.
pub const SQLITE_MUTEX_FAST: c_int = 0;
pub const SQLITE_MUTEX_RECURSIVE: c_int = 1;
pub const SQLITE_MUTEX_STATIC_MAIN: c_int = 2;
pub const SQLITE_MUTEX_STATIC_MEM: c_int = 3;
pub const SQLITE_MUTEX_STATIC_MEM2: c_int = 4;
pub const SQLITE_MUTEX_STATIC_OPEN: c_int = 4;
pub const SQLITE_MUTEX_STATIC_PRNG: c_int = 5;
pub const SQLITE_MUTEX_STATIC_LRU: c_int = 6;
pub const SQLITE_MUTEX_STATIC_LRU2: c_int = 7;
pub const SQLITE_MUTEX_STATIC_PMEM: c_int = 7;
pub const SQLITE_MUTEX_STATIC_APP1: c_int = 8;
pub const SQLITE_MUTEX_STATIC_APP2: c_int = 9;
pub const SQLITE_MUTEX_STATIC_APP3: c_int = 10;
pub const SQLITE_MUTEX_STATIC_VFS1: c_int = 11;
pub const SQLITE_MUTEX_STATIC_VFS2: c_int = 12;
pub const SQLITE_MUTEX_STATIC_VFS3: c_int = 13;
pub const SQLITE_MUTEX_STATIC_MASTER: c_int = 2;

// Directories of `sqlite3_win32_set_directory`.
pub const SQLITE_WIN32_DATA_DIRECTORY_TYPE: c_int = 1;
pub const SQLITE_WIN32_TEMP_DIRECTORY_TYPE: c_int = 2;
