/* SQLite's C interface, as Kernite serves it. Written from the Rust declarations; see COMPAT.md for what is missing. */

#ifndef SQLITE3_H
#define SQLITE3_H

#include <stdarg.h>

#define SQLITE_VERSION "3.54.1"
#define SQLITE_VERSION_NUMBER 3054001

#ifndef SQLITE_EXTERN
# define SQLITE_EXTERN extern
#endif
#ifndef SQLITE_API
# define SQLITE_API
#endif
#ifndef SQLITE_CDECL
# define SQLITE_CDECL
#endif
#ifndef SQLITE_APICALL
# define SQLITE_APICALL
#endif
#ifndef SQLITE_STDCALL
# define SQLITE_STDCALL SQLITE_APICALL
#endif
#ifndef SQLITE_CALLBACK
# define SQLITE_CALLBACK
#endif
#ifndef SQLITE_SYSAPI
# define SQLITE_SYSAPI
#endif
#define SQLITE_DEPRECATED
#define SQLITE_EXPERIMENTAL

typedef long long sqlite_int64;
typedef unsigned long long sqlite_uint64;
typedef void (*sqlite3_destructor_type)(void*);
typedef struct sqlite3_api_routines sqlite3_api_routines;

/* What a value's bytes are when they need not be freed, and when they have to be copied. */
#define SQLITE_STATIC ((sqlite3_destructor_type)0)
#define SQLITE_TRANSIENT ((sqlite3_destructor_type)-1)

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_context;
struct sqlite3_file;
struct sqlite3_index_info;
struct sqlite3_module;
struct sqlite3_mutex;
struct sqlite3_pcache;
struct sqlite3_str;
struct sqlite3_value;
struct sqlite3_vfs;
struct sqlite3_vtab;
struct sqlite3_vtab_cursor;
typedef int (*sqlite3_callback)(void*, int, char**, char**);

SQLITE_EXTERN const char sqlite3_version[];
SQLITE_EXTERN char *sqlite3_temp_directory;
SQLITE_EXTERN char *sqlite3_data_directory;

/* Functions with a variable number of arguments. */
char *sqlite3_mprintf(const char *format, ...);
char *sqlite3_vmprintf(const char *format, va_list arguments);
char *sqlite3_snprintf(int size, char *out, const char *format, ...);
char *sqlite3_vsnprintf(int size, char *out, const char *format, va_list arguments);
void sqlite3_str_appendf(struct sqlite3_str *str, const char *format, ...);
void sqlite3_str_vappendf(struct sqlite3_str *str, const char *format, va_list arguments);
void sqlite3_log(int code, const char *format, ...);
int sqlite3_config(int option, ...);
int sqlite3_db_config(struct sqlite3 *db, int option, ...);
int sqlite3_test_control(int operation, ...);
int sqlite3_vtab_config(struct sqlite3 *db, int option, ...);

#ifdef __cplusplus
}
#endif


#define SQLITE_STATUS_MEMORY_USED 0

#define SQLITE_STATUS_PAGECACHE_USED 1

#define SQLITE_STATUS_PAGECACHE_OVERFLOW 2

#define SQLITE_STATUS_SCRATCH_USED 3

#define SQLITE_STATUS_SCRATCH_OVERFLOW 4

#define SQLITE_STATUS_MALLOC_SIZE 5

#define SQLITE_STATUS_PARSER_STACK 6

#define SQLITE_STATUS_PAGECACHE_SIZE 7

#define SQLITE_STATUS_SCRATCH_SIZE 8

#define SQLITE_STATUS_MALLOC_COUNT 9

#define SQLITE_DBSTATUS_LOOKASIDE_USED 0

#define SQLITE_DBSTATUS_CACHE_USED 1

#define SQLITE_DBSTATUS_SCHEMA_USED 2

#define SQLITE_DBSTATUS_STMT_USED 3

#define SQLITE_DBSTATUS_LOOKASIDE_HIT 4

#define SQLITE_DBSTATUS_LOOKASIDE_MISS_SIZE 5

#define SQLITE_DBSTATUS_LOOKASIDE_MISS_FULL 6

#define SQLITE_DBSTATUS_CACHE_HIT 7

#define SQLITE_DBSTATUS_CACHE_MISS 8

#define SQLITE_DBSTATUS_CACHE_WRITE 9

#define SQLITE_DBSTATUS_DEFERRED_FKS 10

#define SQLITE_DBSTATUS_CACHE_USED_SHARED 11

#define SQLITE_DBSTATUS_CACHE_SPILL 12

#define SQLITE_DBSTATUS_TEMPBUF_SPILL 13

#define SQLITE_DBSTATUS_MAX 13

#define SQLITE_STMTSTATUS_FULLSCAN_STEP 1

#define SQLITE_STMTSTATUS_SORT 2

#define SQLITE_STMTSTATUS_AUTOINDEX 3

#define SQLITE_STMTSTATUS_VM_STEP 4

#define SQLITE_STMTSTATUS_REPREPARE 5

#define SQLITE_STMTSTATUS_RUN 6

#define SQLITE_STMTSTATUS_FILTER_MISS 7

#define SQLITE_STMTSTATUS_FILTER_HIT 8

#define SQLITE_STMTSTATUS_MEMUSED 99

#define SQLITE_SCANSTAT_NLOOP 0

#define SQLITE_SCANSTAT_NVISIT 1

#define SQLITE_SCANSTAT_EST 2

#define SQLITE_SCANSTAT_NAME 3

#define SQLITE_SCANSTAT_EXPLAIN 4

#define SQLITE_SCANSTAT_SELECTID 5

#define SQLITE_SCANSTAT_PARENTID 6

#define SQLITE_SCANSTAT_NCYCLE 7

#define SQLITE_SCANSTAT_COMPLEX 1

#define SQLITE_OPEN_READONLY 1

#define SQLITE_OPEN_READWRITE 2

#define SQLITE_OPEN_CREATE 4

#define SQLITE_OPEN_DELETEONCLOSE 8

#define SQLITE_OPEN_EXCLUSIVE 16

#define SQLITE_OPEN_AUTOPROXY 32

#define SQLITE_OPEN_URI 64

#define SQLITE_OPEN_MEMORY 128

#define SQLITE_OPEN_MAIN_DB 256

#define SQLITE_OPEN_TEMP_DB 512

#define SQLITE_OPEN_TRANSIENT_DB 1024

#define SQLITE_OPEN_MAIN_JOURNAL 2048

#define SQLITE_OPEN_TEMP_JOURNAL 4096

#define SQLITE_OPEN_SUBJOURNAL 8192

#define SQLITE_OPEN_SUPER_JOURNAL 16384

#define SQLITE_OPEN_NOMUTEX 32768

#define SQLITE_OPEN_FULLMUTEX 65536

#define SQLITE_OPEN_SHAREDCACHE 131072

#define SQLITE_OPEN_PRIVATECACHE 262144

#define SQLITE_OPEN_WAL 524288

#define SQLITE_OPEN_NOFOLLOW 16777216

#define SQLITE_OPEN_EXRESCODE 33554432

#define SQLITE_OPEN_MASTER_JOURNAL 16384

#define SQLITE_IOCAP_ATOMIC 1

#define SQLITE_IOCAP_ATOMIC512 2

#define SQLITE_IOCAP_ATOMIC1K 4

#define SQLITE_IOCAP_ATOMIC2K 8

#define SQLITE_IOCAP_ATOMIC4K 16

#define SQLITE_IOCAP_ATOMIC8K 32

#define SQLITE_IOCAP_ATOMIC16K 64

#define SQLITE_IOCAP_ATOMIC32K 128

#define SQLITE_IOCAP_ATOMIC64K 256

#define SQLITE_IOCAP_SAFE_APPEND 512

#define SQLITE_IOCAP_SEQUENTIAL 1024

#define SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN 2048

#define SQLITE_IOCAP_POWERSAFE_OVERWRITE 4096

#define SQLITE_IOCAP_IMMUTABLE 8192

#define SQLITE_IOCAP_BATCH_ATOMIC 16384

#define SQLITE_IOCAP_SUBPAGE_READ 32768

#define SQLITE_LOCK_NONE 0

#define SQLITE_LOCK_SHARED 1

#define SQLITE_LOCK_RESERVED 2

#define SQLITE_LOCK_PENDING 3

#define SQLITE_LOCK_EXCLUSIVE 4

#define SQLITE_SYNC_NORMAL 2

#define SQLITE_SYNC_FULL 3

#define SQLITE_SYNC_DATAONLY 16

#define SQLITE_FCNTL_LOCKSTATE 1

#define SQLITE_FCNTL_GET_LOCKPROXYFILE 2

#define SQLITE_FCNTL_SET_LOCKPROXYFILE 3

#define SQLITE_FCNTL_LAST_ERRNO 4

#define SQLITE_FCNTL_SIZE_HINT 5

#define SQLITE_FCNTL_CHUNK_SIZE 6

#define SQLITE_FCNTL_FILE_POINTER 7

#define SQLITE_FCNTL_SYNC_OMITTED 8

#define SQLITE_FCNTL_WIN32_AV_RETRY 9

#define SQLITE_FCNTL_PERSIST_WAL 10

#define SQLITE_FCNTL_OVERWRITE 11

#define SQLITE_FCNTL_VFSNAME 12

#define SQLITE_FCNTL_POWERSAFE_OVERWRITE 13

#define SQLITE_FCNTL_PRAGMA 14

#define SQLITE_FCNTL_BUSYHANDLER 15

#define SQLITE_FCNTL_TEMPFILENAME 16

#define SQLITE_FCNTL_MMAP_SIZE 18

#define SQLITE_FCNTL_TRACE 19

#define SQLITE_FCNTL_HAS_MOVED 20

#define SQLITE_FCNTL_SYNC 21

#define SQLITE_FCNTL_COMMIT_PHASETWO 22

#define SQLITE_FCNTL_WIN32_SET_HANDLE 23

#define SQLITE_FCNTL_WAL_BLOCK 24

#define SQLITE_FCNTL_ZIPVFS 25

#define SQLITE_FCNTL_RBU 26

#define SQLITE_FCNTL_VFS_POINTER 27

#define SQLITE_FCNTL_JOURNAL_POINTER 28

#define SQLITE_FCNTL_WIN32_GET_HANDLE 29

#define SQLITE_FCNTL_PDB 30

#define SQLITE_FCNTL_BEGIN_ATOMIC_WRITE 31

#define SQLITE_FCNTL_COMMIT_ATOMIC_WRITE 32

#define SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE 33

#define SQLITE_FCNTL_LOCK_TIMEOUT 34

#define SQLITE_FCNTL_DATA_VERSION 35

#define SQLITE_FCNTL_SIZE_LIMIT 36

#define SQLITE_FCNTL_CKPT_DONE 37

#define SQLITE_FCNTL_RESERVE_BYTES 38

#define SQLITE_FCNTL_CKPT_START 39

#define SQLITE_FCNTL_EXTERNAL_READER 40

#define SQLITE_FCNTL_CKSM_FILE 41

#define SQLITE_FCNTL_RESET_CACHE 42

#define SQLITE_FCNTL_NULL_IO 43

#define SQLITE_FCNTL_BLOCK_ON_CONNECT 44

#define SQLITE_FCNTL_FILESTAT 45

#define SQLITE_GET_LOCKPROXYFILE SQLITE_FCNTL_GET_LOCKPROXYFILE

#define SQLITE_SET_LOCKPROXYFILE SQLITE_FCNTL_SET_LOCKPROXYFILE

#define SQLITE_LAST_ERRNO SQLITE_FCNTL_LAST_ERRNO

#define SQLITE_ACCESS_EXISTS 0

#define SQLITE_ACCESS_READWRITE 1

#define SQLITE_ACCESS_READ 2

#define SQLITE_SHM_UNLOCK 1

#define SQLITE_SHM_LOCK 2

#define SQLITE_SHM_SHARED 4

#define SQLITE_SHM_EXCLUSIVE 8

#define SQLITE_SHM_NLOCK 8

#define SQLITE_VTAB_CONSTRAINT_SUPPORT 1

#define SQLITE_VTAB_INNOCUOUS 2

#define SQLITE_VTAB_DIRECTONLY 3

#define SQLITE_VTAB_USES_ALL_SCHEMAS 4

#define SQLITE_INDEX_SCAN_UNIQUE 1

#define SQLITE_INDEX_SCAN_HEX 2

#define SQLITE_INDEX_CONSTRAINT_EQ 2

#define SQLITE_INDEX_CONSTRAINT_GT 4

#define SQLITE_INDEX_CONSTRAINT_LE 8

#define SQLITE_INDEX_CONSTRAINT_LT 16

#define SQLITE_INDEX_CONSTRAINT_GE 32

#define SQLITE_INDEX_CONSTRAINT_MATCH 64

#define SQLITE_INDEX_CONSTRAINT_LIKE 65

#define SQLITE_INDEX_CONSTRAINT_GLOB 66

#define SQLITE_INDEX_CONSTRAINT_REGEXP 67

#define SQLITE_INDEX_CONSTRAINT_NE 68

#define SQLITE_INDEX_CONSTRAINT_ISNOT 69

#define SQLITE_INDEX_CONSTRAINT_ISNOTNULL 70

#define SQLITE_INDEX_CONSTRAINT_ISNULL 71

#define SQLITE_INDEX_CONSTRAINT_IS 72

#define SQLITE_INDEX_CONSTRAINT_LIMIT 73

#define SQLITE_INDEX_CONSTRAINT_OFFSET 74

#define SQLITE_INDEX_CONSTRAINT_FUNCTION 150

#define SQLITE_ROLLBACK 1

#define SQLITE_FAIL 3

#define SQLITE_REPLACE 5

#define SQLITE_CARRAY_INT32 0

#define SQLITE_CARRAY_INT64 1

#define SQLITE_CARRAY_DOUBLE 2

#define SQLITE_CARRAY_TEXT 3

#define SQLITE_CARRAY_BLOB 4

#define CARRAY_INT32 0

#define CARRAY_INT64 1

#define CARRAY_DOUBLE 2

#define CARRAY_TEXT 3

#define CARRAY_BLOB 4

#define NOT_WITHIN 0

#define PARTLY_WITHIN 1

#define FULLY_WITHIN 2

#define SQLITE_SESSION_OBJCONFIG_SIZE 1

#define SQLITE_SESSION_OBJCONFIG_ROWID 2

#define SQLITE_CHANGESETSTART_INVERT 2

#define SQLITE_CHANGESETAPPLY_NOSAVEPOINT 1

#define SQLITE_CHANGESETAPPLY_INVERT 2

#define SQLITE_CHANGESETAPPLY_IGNORENOOP 4

#define SQLITE_CHANGESETAPPLY_FKNOACTION 8

#define SQLITE_CHANGESETAPPLY_NOUPDATELOOP 16

#define SQLITE_CHANGESET_DATA 1

#define SQLITE_CHANGESET_NOTFOUND 2

#define SQLITE_CHANGESET_CONFLICT 3

#define SQLITE_CHANGESET_CONSTRAINT 4

#define SQLITE_CHANGESET_FOREIGN_KEY 5

#define SQLITE_CHANGESET_OMIT 0

#define SQLITE_CHANGESET_REPLACE 1

#define SQLITE_CHANGESET_ABORT 2

#define SQLITE_SESSION_CONFIG_STRMSIZE 1

#define SQLITE_CHANGEGROUP_CONFIG_PATCHSET 1

#define FTS5_TOKENIZE_QUERY 1

#define FTS5_TOKENIZE_PREFIX 2

#define FTS5_TOKENIZE_DOCUMENT 4

#define FTS5_TOKENIZE_AUX 8

#define FTS5_TOKEN_COLOCATED 1

#define SQLITE_OK 0

#define SQLITE_ERROR 1

#define SQLITE_INTERNAL 2

#define SQLITE_PERM 3

#define SQLITE_ABORT 4

#define SQLITE_BUSY 5

#define SQLITE_LOCKED 6

#define SQLITE_NOMEM 7

#define SQLITE_READONLY 8

#define SQLITE_INTERRUPT 9

#define SQLITE_IOERR 10

#define SQLITE_CORRUPT 11

#define SQLITE_NOTFOUND 12

#define SQLITE_FULL 13

#define SQLITE_CANTOPEN 14

#define SQLITE_PROTOCOL 15

#define SQLITE_EMPTY 16

#define SQLITE_SCHEMA 17

#define SQLITE_TOOBIG 18

#define SQLITE_CONSTRAINT 19

#define SQLITE_MISMATCH 20

#define SQLITE_MISUSE 21

#define SQLITE_NOLFS 22

#define SQLITE_AUTH 23

#define SQLITE_FORMAT 24

#define SQLITE_RANGE 25

#define SQLITE_NOTADB 26

#define SQLITE_NOTICE 27

#define SQLITE_WARNING 28

#define SQLITE_ROW 100

#define SQLITE_DONE 101

#define SQLITE_ERROR_MISSING_COLLSEQ (SQLITE_ERROR | (1 << 8))

#define SQLITE_ERROR_RETRY (SQLITE_ERROR | (2 << 8))

#define SQLITE_ERROR_SNAPSHOT (SQLITE_ERROR | (3 << 8))

#define SQLITE_ERROR_RESERVESIZE (SQLITE_ERROR | (4 << 8))

#define SQLITE_ERROR_KEY (SQLITE_ERROR | (5 << 8))

#define SQLITE_ERROR_UNABLE (SQLITE_ERROR | (6 << 8))

#define SQLITE_IOERR_READ (SQLITE_IOERR | (1 << 8))

#define SQLITE_IOERR_SHORT_READ (SQLITE_IOERR | (2 << 8))

#define SQLITE_IOERR_WRITE (SQLITE_IOERR | (3 << 8))

#define SQLITE_IOERR_FSYNC (SQLITE_IOERR | (4 << 8))

#define SQLITE_IOERR_DIR_FSYNC (SQLITE_IOERR | (5 << 8))

#define SQLITE_IOERR_TRUNCATE (SQLITE_IOERR | (6 << 8))

#define SQLITE_IOERR_FSTAT (SQLITE_IOERR | (7 << 8))

#define SQLITE_IOERR_UNLOCK (SQLITE_IOERR | (8 << 8))

#define SQLITE_IOERR_RDLOCK (SQLITE_IOERR | (9 << 8))

#define SQLITE_IOERR_DELETE (SQLITE_IOERR | (10 << 8))

#define SQLITE_IOERR_BLOCKED (SQLITE_IOERR | (11 << 8))

#define SQLITE_IOERR_NOMEM (SQLITE_IOERR | (12 << 8))

#define SQLITE_IOERR_ACCESS (SQLITE_IOERR | (13 << 8))

#define SQLITE_IOERR_CHECKRESERVEDLOCK (SQLITE_IOERR | (14 << 8))

#define SQLITE_IOERR_LOCK (SQLITE_IOERR | (15 << 8))

#define SQLITE_IOERR_CLOSE (SQLITE_IOERR | (16 << 8))

#define SQLITE_IOERR_DIR_CLOSE (SQLITE_IOERR | (17 << 8))

#define SQLITE_IOERR_SHMOPEN (SQLITE_IOERR | (18 << 8))

#define SQLITE_IOERR_SHMSIZE (SQLITE_IOERR | (19 << 8))

#define SQLITE_IOERR_SHMLOCK (SQLITE_IOERR | (20 << 8))

#define SQLITE_IOERR_SHMMAP (SQLITE_IOERR | (21 << 8))

#define SQLITE_IOERR_SEEK (SQLITE_IOERR | (22 << 8))

#define SQLITE_IOERR_DELETE_NOENT (SQLITE_IOERR | (23 << 8))

#define SQLITE_IOERR_MMAP (SQLITE_IOERR | (24 << 8))

#define SQLITE_IOERR_GETTEMPPATH (SQLITE_IOERR | (25 << 8))

#define SQLITE_IOERR_CONVPATH (SQLITE_IOERR | (26 << 8))

#define SQLITE_IOERR_VNODE (SQLITE_IOERR | (27 << 8))

#define SQLITE_IOERR_AUTH (SQLITE_IOERR | (28 << 8))

#define SQLITE_IOERR_BEGIN_ATOMIC (SQLITE_IOERR | (29 << 8))

#define SQLITE_IOERR_COMMIT_ATOMIC (SQLITE_IOERR | (30 << 8))

#define SQLITE_IOERR_ROLLBACK_ATOMIC (SQLITE_IOERR | (31 << 8))

#define SQLITE_IOERR_DATA (SQLITE_IOERR | (32 << 8))

#define SQLITE_IOERR_CORRUPTFS (SQLITE_IOERR | (33 << 8))

#define SQLITE_IOERR_IN_PAGE (SQLITE_IOERR | (34 << 8))

#define SQLITE_IOERR_BADKEY (SQLITE_IOERR | (35 << 8))

#define SQLITE_IOERR_CODEC (SQLITE_IOERR | (36 << 8))

#define SQLITE_LOCKED_SHAREDCACHE (SQLITE_LOCKED | (1 << 8))

#define SQLITE_LOCKED_VTAB (SQLITE_LOCKED | (2 << 8))

#define SQLITE_BUSY_RECOVERY (SQLITE_BUSY | (1 << 8))

#define SQLITE_BUSY_SNAPSHOT (SQLITE_BUSY | (2 << 8))

#define SQLITE_BUSY_TIMEOUT (SQLITE_BUSY | (3 << 8))

#define SQLITE_CANTOPEN_NOTEMPDIR (SQLITE_CANTOPEN | (1 << 8))

#define SQLITE_CANTOPEN_ISDIR (SQLITE_CANTOPEN | (2 << 8))

#define SQLITE_CANTOPEN_FULLPATH (SQLITE_CANTOPEN | (3 << 8))

#define SQLITE_CANTOPEN_CONVPATH (SQLITE_CANTOPEN | (4 << 8))

#define SQLITE_CANTOPEN_DIRTYWAL (SQLITE_CANTOPEN | (5 << 8))

#define SQLITE_CANTOPEN_SYMLINK (SQLITE_CANTOPEN | (6 << 8))

#define SQLITE_CORRUPT_VTAB (SQLITE_CORRUPT | (1 << 8))

#define SQLITE_CORRUPT_SEQUENCE (SQLITE_CORRUPT | (2 << 8))

#define SQLITE_CORRUPT_INDEX (SQLITE_CORRUPT | (3 << 8))

#define SQLITE_READONLY_RECOVERY (SQLITE_READONLY | (1 << 8))

#define SQLITE_READONLY_CANTLOCK (SQLITE_READONLY | (2 << 8))

#define SQLITE_READONLY_ROLLBACK (SQLITE_READONLY | (3 << 8))

#define SQLITE_READONLY_DBMOVED (SQLITE_READONLY | (4 << 8))

#define SQLITE_READONLY_CANTINIT (SQLITE_READONLY | (5 << 8))

#define SQLITE_READONLY_DIRECTORY (SQLITE_READONLY | (6 << 8))

#define SQLITE_ABORT_ROLLBACK (SQLITE_ABORT | (2 << 8))

#define SQLITE_CONSTRAINT_CHECK (SQLITE_CONSTRAINT | (1 << 8))

#define SQLITE_CONSTRAINT_COMMITHOOK (SQLITE_CONSTRAINT | (2 << 8))

#define SQLITE_CONSTRAINT_FOREIGNKEY (SQLITE_CONSTRAINT | (3 << 8))

#define SQLITE_CONSTRAINT_FUNCTION (SQLITE_CONSTRAINT | (4 << 8))

#define SQLITE_CONSTRAINT_NOTNULL (SQLITE_CONSTRAINT | (5 << 8))

#define SQLITE_CONSTRAINT_PRIMARYKEY (SQLITE_CONSTRAINT | (6 << 8))

#define SQLITE_CONSTRAINT_TRIGGER (SQLITE_CONSTRAINT | (7 << 8))

#define SQLITE_CONSTRAINT_UNIQUE (SQLITE_CONSTRAINT | (8 << 8))

#define SQLITE_CONSTRAINT_VTAB (SQLITE_CONSTRAINT | (9 << 8))

#define SQLITE_CONSTRAINT_ROWID (SQLITE_CONSTRAINT | (10 << 8))

#define SQLITE_CONSTRAINT_PINNED (SQLITE_CONSTRAINT | (11 << 8))

#define SQLITE_CONSTRAINT_DATATYPE (SQLITE_CONSTRAINT | (12 << 8))

#define SQLITE_NOTICE_RECOVER_WAL (SQLITE_NOTICE | (1 << 8))

#define SQLITE_NOTICE_RECOVER_ROLLBACK (SQLITE_NOTICE | (2 << 8))

#define SQLITE_NOTICE_RBU (SQLITE_NOTICE | (3 << 8))

#define SQLITE_WARNING_AUTOINDEX (SQLITE_WARNING | (1 << 8))

#define SQLITE_AUTH_USER (SQLITE_AUTH | (1 << 8))

#define SQLITE_OK_LOAD_PERMANENTLY (SQLITE_OK | (1 << 8))

#define SQLITE_OK_SYMLINK (SQLITE_OK | (2 << 8))

#define SQLITE_CONFIG_SINGLETHREAD 1

#define SQLITE_CONFIG_MULTITHREAD 2

#define SQLITE_CONFIG_SERIALIZED 3

#define SQLITE_CONFIG_MALLOC 4

#define SQLITE_CONFIG_GETMALLOC 5

#define SQLITE_CONFIG_SCRATCH 6

#define SQLITE_CONFIG_PAGECACHE 7

#define SQLITE_CONFIG_HEAP 8

#define SQLITE_CONFIG_MEMSTATUS 9

#define SQLITE_CONFIG_MUTEX 10

#define SQLITE_CONFIG_GETMUTEX 11

#define SQLITE_CONFIG_LOOKASIDE 13

#define SQLITE_CONFIG_PCACHE 14

#define SQLITE_CONFIG_GETPCACHE 15

#define SQLITE_CONFIG_LOG 16

#define SQLITE_CONFIG_URI 17

#define SQLITE_CONFIG_PCACHE2 18

#define SQLITE_CONFIG_GETPCACHE2 19

#define SQLITE_CONFIG_COVERING_INDEX_SCAN 20

#define SQLITE_CONFIG_SQLLOG 21

#define SQLITE_CONFIG_MMAP_SIZE 22

#define SQLITE_CONFIG_WIN32_HEAPSIZE 23

#define SQLITE_CONFIG_PCACHE_HDRSZ 24

#define SQLITE_CONFIG_PMASZ 25

#define SQLITE_CONFIG_STMTJRNL_SPILL 26

#define SQLITE_CONFIG_SMALL_MALLOC 27

#define SQLITE_CONFIG_SORTERREF_SIZE 28

#define SQLITE_CONFIG_MEMDB_MAXSIZE 29

#define SQLITE_CONFIG_ROWID_IN_VIEW 30

#define SQLITE_DBCONFIG_MAINDBNAME 1000

#define SQLITE_DBCONFIG_LOOKASIDE 1001

#define SQLITE_DBCONFIG_ENABLE_FKEY 1002

#define SQLITE_DBCONFIG_ENABLE_TRIGGER 1003

#define SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER 1004

#define SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION 1005

#define SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE 1006

#define SQLITE_DBCONFIG_ENABLE_QPSG 1007

#define SQLITE_DBCONFIG_TRIGGER_EQP 1008

#define SQLITE_DBCONFIG_RESET_DATABASE 1009

#define SQLITE_DBCONFIG_DEFENSIVE 1010

#define SQLITE_DBCONFIG_WRITABLE_SCHEMA 1011

#define SQLITE_DBCONFIG_LEGACY_ALTER_TABLE 1012

#define SQLITE_DBCONFIG_DQS_DML 1013

#define SQLITE_DBCONFIG_DQS_DDL 1014

#define SQLITE_DBCONFIG_ENABLE_VIEW 1015

#define SQLITE_DBCONFIG_LEGACY_FILE_FORMAT 1016

#define SQLITE_DBCONFIG_TRUSTED_SCHEMA 1017

#define SQLITE_DBCONFIG_STMT_SCANSTATUS 1018

#define SQLITE_DBCONFIG_REVERSE_SCANORDER 1019

#define SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE 1020

#define SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE 1021

#define SQLITE_DBCONFIG_ENABLE_COMMENTS 1022

#define SQLITE_DBCONFIG_FP_DIGITS 1023

#define SQLITE_DBCONFIG_MAX 1023

#define SQLITE_SETLK_BLOCK_ON_CONNECT 1

#define SQLITE_LIMIT_LENGTH 0

#define SQLITE_LIMIT_SQL_LENGTH 1

#define SQLITE_LIMIT_COLUMN 2

#define SQLITE_LIMIT_EXPR_DEPTH 3

#define SQLITE_LIMIT_COMPOUND_SELECT 4

#define SQLITE_LIMIT_VDBE_OP 5

#define SQLITE_LIMIT_FUNCTION_ARG 6

#define SQLITE_LIMIT_ATTACHED 7

#define SQLITE_LIMIT_LIKE_PATTERN_LENGTH 8

#define SQLITE_LIMIT_VARIABLE_NUMBER 9

#define SQLITE_LIMIT_TRIGGER_DEPTH 10

#define SQLITE_LIMIT_WORKER_THREADS 11

#define SQLITE_LIMIT_PARSER_DEPTH 12

#define SQLITE_LIMIT_SCHEMA 13

#define SQLITE_LIMIT_TRIGGER_STEPS 14

#define SQLITE_TESTCTRL_FIRST 5

#define SQLITE_TESTCTRL_PRNG_SAVE 5

#define SQLITE_TESTCTRL_PRNG_RESTORE 6

#define SQLITE_TESTCTRL_PRNG_RESET 7

#define SQLITE_TESTCTRL_FK_NO_ACTION 7

#define SQLITE_TESTCTRL_BITVEC_TEST 8

#define SQLITE_TESTCTRL_FAULT_INSTALL 9

#define SQLITE_TESTCTRL_BENIGN_MALLOC_HOOKS 10

#define SQLITE_TESTCTRL_PENDING_BYTE 11

#define SQLITE_TESTCTRL_ASSERT 12

#define SQLITE_TESTCTRL_ALWAYS 13

#define SQLITE_TESTCTRL_RESERVE 14

#define SQLITE_TESTCTRL_JSON_SELFCHECK 14

#define SQLITE_TESTCTRL_OPTIMIZATIONS 15

#define SQLITE_TESTCTRL_ISKEYWORD 16

#define SQLITE_TESTCTRL_GETOPT 16

#define SQLITE_TESTCTRL_SCRATCHMALLOC 17

#define SQLITE_TESTCTRL_INTERNAL_FUNCTIONS 17

#define SQLITE_TESTCTRL_LOCALTIME_FAULT 18

#define SQLITE_TESTCTRL_EXPLAIN_STMT 19

#define SQLITE_TESTCTRL_ONCE_RESET_THRESHOLD 19

#define SQLITE_TESTCTRL_NEVER_CORRUPT 20

#define SQLITE_TESTCTRL_VDBE_COVERAGE 21

#define SQLITE_TESTCTRL_BYTEORDER 22

#define SQLITE_TESTCTRL_ISINIT 23

#define SQLITE_TESTCTRL_SORTER_MMAP 24

#define SQLITE_TESTCTRL_IMPOSTER 25

#define SQLITE_TESTCTRL_PARSER_COVERAGE 26

#define SQLITE_TESTCTRL_RESULT_INTREAL 27

#define SQLITE_TESTCTRL_PRNG_SEED 28

#define SQLITE_TESTCTRL_EXTRA_SCHEMA_CHECKS 29

#define SQLITE_TESTCTRL_SEEK_COUNT 30

#define SQLITE_TESTCTRL_TRACEFLAGS 31

#define SQLITE_TESTCTRL_TUNE 32

#define SQLITE_TESTCTRL_LOGEST 33

#define SQLITE_TESTCTRL_USELONGDOUBLE 34

#define SQLITE_TESTCTRL_ATOF 34

#define SQLITE_TESTCTRL_LAST 34

#define SQLITE_MUTEX_FAST 0

#define SQLITE_MUTEX_RECURSIVE 1

#define SQLITE_MUTEX_STATIC_MAIN 2

#define SQLITE_MUTEX_STATIC_MEM 3

#define SQLITE_MUTEX_STATIC_MEM2 4

#define SQLITE_MUTEX_STATIC_OPEN 4

#define SQLITE_MUTEX_STATIC_PRNG 5

#define SQLITE_MUTEX_STATIC_LRU 6

#define SQLITE_MUTEX_STATIC_LRU2 7

#define SQLITE_MUTEX_STATIC_PMEM 7

#define SQLITE_MUTEX_STATIC_APP1 8

#define SQLITE_MUTEX_STATIC_APP2 9

#define SQLITE_MUTEX_STATIC_APP3 10

#define SQLITE_MUTEX_STATIC_VFS1 11

#define SQLITE_MUTEX_STATIC_VFS2 12

#define SQLITE_MUTEX_STATIC_VFS3 13

#define SQLITE_MUTEX_STATIC_MASTER 2

#define SQLITE_WIN32_DATA_DIRECTORY_TYPE 1

#define SQLITE_WIN32_TEMP_DIRECTORY_TYPE 2

#define SQLITE_PREPARE_PERSISTENT 1

#define SQLITE_PREPARE_NORMALIZE 2

#define SQLITE_PREPARE_NO_VTAB 4

#define SQLITE_PREPARE_DONT_LOG 16

#define SQLITE_PREPARE_FROM_DDL 32

#define SQLITE_INTEGER 1

#define SQLITE_FLOAT 2

#define SQLITE_BLOB 4

#define SQLITE_NULL 5

#define SQLITE_TEXT 3

#define SQLITE3_TEXT 3

#define SQLITE_UTF8 1

#define SQLITE_UTF16LE 2

#define SQLITE_UTF16BE 3

#define SQLITE_UTF16 4

#define SQLITE_ANY 5

#define SQLITE_UTF16_ALIGNED 8

#define SQLITE_UTF8_ZT 16

#define SQLITE_DETERMINISTIC 2048

#define SQLITE_DIRECTONLY 524288

#define SQLITE_SUBTYPE 1048576

#define SQLITE_INNOCUOUS 2097152

#define SQLITE_RESULT_SUBTYPE 16777216

#define SQLITE_SELFORDER1 33554432

#define SQLITE_TRACE_STMT 1

#define SQLITE_TRACE_PROFILE 2

#define SQLITE_TRACE_ROW 4

#define SQLITE_TRACE_CLOSE 8

#define SQLITE_TXN_NONE 0

#define SQLITE_TXN_READ 1

#define SQLITE_TXN_WRITE 2

#define SQLITE_DENY 1

#define SQLITE_IGNORE 2

#define SQLITE_CREATE_INDEX 1

#define SQLITE_CREATE_TABLE 2

#define SQLITE_CREATE_TEMP_INDEX 3

#define SQLITE_CREATE_TEMP_TABLE 4

#define SQLITE_CREATE_TEMP_TRIGGER 5

#define SQLITE_CREATE_TEMP_VIEW 6

#define SQLITE_CREATE_TRIGGER 7

#define SQLITE_CREATE_VIEW 8

#define SQLITE_DELETE 9

#define SQLITE_DROP_INDEX 10

#define SQLITE_DROP_TABLE 11

#define SQLITE_DROP_TEMP_INDEX 12

#define SQLITE_DROP_TEMP_TABLE 13

#define SQLITE_DROP_TEMP_TRIGGER 14

#define SQLITE_DROP_TEMP_VIEW 15

#define SQLITE_DROP_TRIGGER 16

#define SQLITE_DROP_VIEW 17

#define SQLITE_INSERT 18

#define SQLITE_PRAGMA 19

#define SQLITE_READ 20

#define SQLITE_SELECT 21

#define SQLITE_TRANSACTION 22

#define SQLITE_UPDATE 23

#define SQLITE_ATTACH 24

#define SQLITE_DETACH 25

#define SQLITE_ALTER_TABLE 26

#define SQLITE_REINDEX 27

#define SQLITE_ANALYZE 28

#define SQLITE_CREATE_VTABLE 29

#define SQLITE_DROP_VTABLE 30

#define SQLITE_FUNCTION 31

#define SQLITE_SAVEPOINT 32

#define SQLITE_RECURSIVE 33

#define SQLITE_COPY 0

#define SQLITE_XFER 1

#define SQLITE_FINISH 2

#define SQLITE_CHECKPOINT_NOOP -1

#define SQLITE_CHECKPOINT_PASSIVE 0

#define SQLITE_CHECKPOINT_FULL 1

#define SQLITE_CHECKPOINT_RESTART 2

#define SQLITE_CHECKPOINT_TRUNCATE 3

#define SQLITE_SERIALIZE_NOCOPY 1

#define SQLITE_DESERIALIZE_FREEONCLOSE 1

#define SQLITE_DESERIALIZE_RESIZEABLE 2

#define SQLITE_DESERIALIZE_READONLY 4

typedef struct sqlite3 sqlite3;

typedef struct sqlite3_backup sqlite3_backup;

typedef struct sqlite3_blob sqlite3_blob;

typedef struct sqlite3_changegroup sqlite3_changegroup;

typedef struct sqlite3_changeset_iter sqlite3_changeset_iter;

typedef struct sqlite3_context sqlite3_context;

typedef struct sqlite3_mutex sqlite3_mutex;

typedef struct sqlite3_rebaser sqlite3_rebaser;

typedef struct sqlite3_session sqlite3_session;

typedef struct sqlite3_stmt sqlite3_stmt;

typedef struct sqlite3_str sqlite3_str;

typedef struct sqlite3_value sqlite3_value;

typedef const char *sqlite3_filename;

typedef long long sqlite3_int64;

typedef struct sqlite3_io_methods {
  int iVersion;
  int (*xClose)(struct sqlite3_file*);
  int (*xRead)(struct sqlite3_file*, void*, int iAmt, sqlite3_int64 iOfst);
  int (*xWrite)(struct sqlite3_file*, const void*, int iAmt, sqlite3_int64 iOfst);
  int (*xTruncate)(struct sqlite3_file*, sqlite3_int64 size);
  int (*xSync)(struct sqlite3_file*, int flags);
  int (*xFileSize)(struct sqlite3_file*, sqlite3_int64 *pSize);
  int (*xLock)(struct sqlite3_file*, int);
  int (*xUnlock)(struct sqlite3_file*, int);
  int (*xCheckReservedLock)(struct sqlite3_file*, int *pResOut);
  int (*xFileControl)(struct sqlite3_file*, int op, void *pArg);
  int (*xSectorSize)(struct sqlite3_file*);
  int (*xDeviceCharacteristics)(struct sqlite3_file*);
  int (*xShmMap)(struct sqlite3_file*, int iPg, int pgsz, int, void**);
  int (*xShmLock)(struct sqlite3_file*, int offset, int n, int flags);
  void (*xShmBarrier)(struct sqlite3_file*);
  int (*xShmUnmap)(struct sqlite3_file*, int deleteFlag);
  int (*xFetch)(struct sqlite3_file*, sqlite3_int64 iOfst, int iAmt, void **pp);
  int (*xUnfetch)(struct sqlite3_file*, sqlite3_int64 iOfst, void *p);
} sqlite3_io_methods;

typedef struct sqlite3_file {
  const struct sqlite3_io_methods *pMethods;
} sqlite3_file;

typedef unsigned long long sqlite3_uint64;

typedef struct sqlite3_vtab {
  const struct sqlite3_module *pModule;
  int nRef;
  char *zErrMsg;
} sqlite3_vtab;

typedef int (*sqlite3_module_connect)(struct sqlite3*,
                                      void *pAux,
                                      int argc,
                                      const char *const *argv,
                                      struct sqlite3_vtab **ppVTab,
                                      char**);

typedef struct sqlite3_index_constraint {
  int iColumn;
  unsigned char op;
  unsigned char usable;
  int iTermOffset;
} sqlite3_index_constraint;

typedef struct sqlite3_index_orderby {
  int iColumn;
  unsigned char desc;
} sqlite3_index_orderby;

typedef struct sqlite3_index_constraint_usage {
  int argvIndex;
  unsigned char omit;
} sqlite3_index_constraint_usage;

typedef struct sqlite3_index_info {
  int nConstraint;
  struct sqlite3_index_constraint *aConstraint;
  int nOrderBy;
  struct sqlite3_index_orderby *aOrderBy;
  struct sqlite3_index_constraint_usage *aConstraintUsage;
  int idxNum;
  char *idxStr;
  int needToFreeIdxStr;
  int orderByConsumed;
  double estimatedCost;
  sqlite3_int64 estimatedRows;
  int idxFlags;
  sqlite3_uint64 colUsed;
} sqlite3_index_info;

typedef struct sqlite3_vtab_cursor {
  struct sqlite3_vtab *pVtab;
} sqlite3_vtab_cursor;

typedef void (*sqlite3_scalar_function)(struct sqlite3_context*, int, struct sqlite3_value**);

typedef struct sqlite3_module {
  int iVersion;
  sqlite3_module_connect xCreate;
  sqlite3_module_connect xConnect;
  int (*xBestIndex)(struct sqlite3_vtab *pVTab, struct sqlite3_index_info*);
  int (*xDisconnect)(struct sqlite3_vtab *pVTab);
  int (*xDestroy)(struct sqlite3_vtab *pVTab);
  int (*xOpen)(struct sqlite3_vtab *pVTab, struct sqlite3_vtab_cursor **ppCursor);
  int (*xClose)(struct sqlite3_vtab_cursor*);
  int (*xFilter)(struct sqlite3_vtab_cursor*,
                 int idxNum,
                 const char *idxStr,
                 int argc,
                 struct sqlite3_value **argv);
  int (*xNext)(struct sqlite3_vtab_cursor*);
  int (*xEof)(struct sqlite3_vtab_cursor*);
  int (*xColumn)(struct sqlite3_vtab_cursor*, struct sqlite3_context*, int);
  int (*xRowid)(struct sqlite3_vtab_cursor*, sqlite3_int64 *pRowid);
  int (*xUpdate)(struct sqlite3_vtab*, int, struct sqlite3_value**, sqlite3_int64*);
  int (*xBegin)(struct sqlite3_vtab *pVTab);
  int (*xSync)(struct sqlite3_vtab *pVTab);
  int (*xCommit)(struct sqlite3_vtab *pVTab);
  int (*xRollback)(struct sqlite3_vtab *pVTab);
  int (*xFindFunction)(struct sqlite3_vtab *pVtab,
                       int nArg,
                       const char *zName,
                       sqlite3_scalar_function *pxFunc,
                       void **ppArg);
  int (*xRename)(struct sqlite3_vtab *pVtab, const char *zNew);
  int (*xSavepoint)(struct sqlite3_vtab *pVTab, int);
  int (*xRelease)(struct sqlite3_vtab *pVTab, int);
  int (*xRollbackTo)(struct sqlite3_vtab *pVTab, int);
  int (*xShadowName)(const char*);
  int (*xIntegrity)(struct sqlite3_vtab *pVTab,
                    const char *zSchema,
                    const char *zTabName,
                    int mFlags,
                    char **pzErr);
} sqlite3_module;

typedef double sqlite3_rtree_dbl;

typedef struct sqlite3_rtree_geometry {
  void *pContext;
  int nParam;
  sqlite3_rtree_dbl *aParam;
  void *pUser;
  void (*xDelUser)(void*);
} sqlite3_rtree_geometry;

typedef struct sqlite3_rtree_query_info {
  void *pContext;
  int nParam;
  sqlite3_rtree_dbl *aParam;
  void *pUser;
  void (*xDelUser)(void*);
  sqlite3_rtree_dbl *aCoord;
  unsigned int *anQueue;
  int nCoord;
  int iLevel;
  int mxLevel;
  sqlite3_int64 iRowid;
  sqlite3_rtree_dbl rParentScore;
  int eParentWithin;
  int eWithin;
  sqlite3_rtree_dbl rScore;
  struct sqlite3_value **apSqlParam;
} sqlite3_rtree_query_info;

typedef void (*sqlite3_syscall_ptr)(void);

typedef struct sqlite3_vfs {
  int iVersion;
  int szOsFile;
  int mxPathname;
  struct sqlite3_vfs *pNext;
  const char *zName;
  void *pAppData;
  int (*xOpen)(struct sqlite3_vfs*,
               sqlite3_filename zName,
               struct sqlite3_file*,
               int flags,
               int *pOutFlags);
  int (*xDelete)(struct sqlite3_vfs*, const char *zName, int syncDir);
  int (*xAccess)(struct sqlite3_vfs*, const char *zName, int flags, int *pResOut);
  int (*xFullPathname)(struct sqlite3_vfs*, const char *zName, int nOut, char *zOut);
  void *(*xDlOpen)(struct sqlite3_vfs*, const char *zFilename);
  void (*xDlError)(struct sqlite3_vfs*, int nByte, char *zErrMsg);
  void (*(*xDlSym)(struct sqlite3_vfs*, void*, const char *zSymbol))(void);
  void (*xDlClose)(struct sqlite3_vfs*, void*);
  int (*xRandomness)(struct sqlite3_vfs*, int nByte, char *zOut);
  int (*xSleep)(struct sqlite3_vfs*, int microseconds);
  int (*xCurrentTime)(struct sqlite3_vfs*, double*);
  int (*xGetLastError)(struct sqlite3_vfs*, int, char*);
  int (*xCurrentTimeInt64)(struct sqlite3_vfs*, sqlite3_int64*);
  int (*xSetSystemCall)(struct sqlite3_vfs*, const char *zName, sqlite3_syscall_ptr);
  sqlite3_syscall_ptr (*xGetSystemCall)(struct sqlite3_vfs*, const char *zName);
  const char *(*xNextSystemCall)(struct sqlite3_vfs*, const char *zName);
} sqlite3_vfs;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

struct sqlite3_mutex *sqlite3_db_mutex(struct sqlite3 *db);

int sqlite3_set_authorizer(struct sqlite3 *db, int (*callback)(void*,
                                                               int,
                                                               const char*,
                                                               const char*,
                                                               const char*,
                                                               const char*), void *data);

void *sqlite3_get_clientdata(struct sqlite3 *db, const char *name);

int sqlite3_set_clientdata(struct sqlite3 *db,
                           const char *name,
                           void *data,
                           sqlite3_destructor_type destructor);

const char *sqlite3_db_name(struct sqlite3 *db, int number);

sqlite3_filename sqlite3_db_filename(struct sqlite3 *db, const char *name);

int sqlite3_db_readonly(struct sqlite3 *db, const char *name);

int sqlite3_txn_state(struct sqlite3 *db, const char *name);

int sqlite3_wal_checkpoint_v2(struct sqlite3 *db,
                              const char *name,
                              int mode,
                              int *log_frames,
                              int *checkpointed);

int sqlite3_wal_checkpoint(struct sqlite3 *db, const char *name);

int sqlite3_db_cacheflush(struct sqlite3 *db);

int sqlite3_db_release_memory(struct sqlite3 *db);

int sqlite3_table_column_metadata(struct sqlite3 *db,
                                  const char *database,
                                  const char *table,
                                  const char *column,
                                  const char **data_type,
                                  const char **collation,
                                  int *not_null,
                                  int *primary_key,
                                  int *autoincrement);

int sqlite3_file_control(struct sqlite3 *db, const char *name, int operation, void *argument);

int sqlite3_errcode(struct sqlite3 *db);

int sqlite3_extended_errcode(struct sqlite3 *db);

const char *sqlite3_errmsg(struct sqlite3 *db);

const void *sqlite3_errmsg16(struct sqlite3 *db);

int sqlite3_error_offset(struct sqlite3 *db);

int sqlite3_set_errmsg(struct sqlite3 *db, int errcode, const char *message);

int sqlite3_extended_result_codes(struct sqlite3 *db, int on);

int sqlite3_system_errno(struct sqlite3 *db);

int sqlite3_auto_extension(void (*entry)(void));

int sqlite3_cancel_auto_extension(void (*entry)(void));

void sqlite3_reset_auto_extension(void);

int sqlite3_load_extension(struct sqlite3 *db, const char *file, const char *entry, char **message);

const char *sqlite3_uri_parameter(sqlite3_filename name, const char *key);

const char *sqlite3_uri_key(sqlite3_filename name, int number);

int sqlite3_uri_boolean(sqlite3_filename name, const char *key, int default_);

sqlite3_int64 sqlite3_uri_int64(sqlite3_filename name, const char *key, sqlite3_int64 default_);

const char *sqlite3_filename_database(sqlite3_filename name);

const char *sqlite3_filename_journal(sqlite3_filename name);

const char *sqlite3_filename_wal(sqlite3_filename name);

struct sqlite3_file *sqlite3_database_file_object(const char *_name);

sqlite3_filename sqlite3_create_filename(const char *database,
                                         const char *journal,
                                         const char *wal,
                                         int count,
                                         const char **parameters);

void sqlite3_free_filename(sqlite3_filename name);

int sqlite3_busy_handler(struct sqlite3 *db, int (*callback)(void*, int), void *data);

int sqlite3_busy_timeout(struct sqlite3 *db, int ms);

void *sqlite3_commit_hook(struct sqlite3 *db, int (*callback)(void*), void *data);

void *sqlite3_rollback_hook(struct sqlite3 *db, void (*callback)(void*), void *data);

void *sqlite3_update_hook(struct sqlite3 *db, void (*callback)(void*,
                                                               int,
                                                               const char*,
                                                               const char*,
                                                               sqlite3_int64), void *data);

void *sqlite3_wal_hook(struct sqlite3 *db,
                       int (*callback)(void*, struct sqlite3*, const char*, int),
                       void *data);

int sqlite3_wal_autocheckpoint(struct sqlite3 *db, int frames);

void sqlite3_progress_handler(struct sqlite3 *db,
                              int instructions,
                              int (*callback)(void*),
                              void *data);

int sqlite3_collation_needed(struct sqlite3 *db, void *data, void (*callback)(void*,
                                                                              struct sqlite3*,
                                                                              int,
                                                                              const char*));

int sqlite3_collation_needed16(struct sqlite3 *db, void *data, void (*callback)(void*,
                                                                                struct sqlite3*,
                                                                                int,
                                                                                const void*));

int sqlite3_unlock_notify(struct sqlite3 *db, void (*callback)(void**, int), void *data);

int sqlite3_autovacuum_pages(struct sqlite3 *db,
                             unsigned int (*callback)(void*,
                                                      const char*,
                                                      unsigned int,
                                                      unsigned int,
                                                      unsigned int),
                             void *data,
                             sqlite3_destructor_type destructor);

void *sqlite3_preupdate_hook(struct sqlite3 *db, void (*callback)(void*,
                                                                  struct sqlite3*,
                                                                  int,
                                                                  const char*,
                                                                  const char*,
                                                                  sqlite3_int64,
                                                                  sqlite3_int64), void *_data);

int sqlite3_open(const char *name, struct sqlite3 **out);

int sqlite3_open_v2(const char *name, struct sqlite3 **out, int flags, const char *vfs_name);

int sqlite3_open16(const void *name, struct sqlite3 **out);

int sqlite3_close(struct sqlite3 *db);

int sqlite3_close_v2(struct sqlite3 *db);

int sqlite3_exec(struct sqlite3 *db,
                 const char *sql,
                 int (*callback)(void*, int, char**, char**),
                 void *data,
                 char **message);

int sqlite3_get_table(struct sqlite3 *db,
                      const char *sql,
                      char ***result,
                      int *row_count,
                      int *column_count,
                      char **message);

void sqlite3_free_table(char **table);

int sqlite3_limit(struct sqlite3 *db, int limit, int value);

sqlite3_int64 sqlite3_changes64(struct sqlite3 *db);

int sqlite3_changes(struct sqlite3 *db);

sqlite3_int64 sqlite3_total_changes64(struct sqlite3 *db);

int sqlite3_total_changes(struct sqlite3 *db);

sqlite3_int64 sqlite3_last_insert_rowid(struct sqlite3 *db);

void sqlite3_set_last_insert_rowid(struct sqlite3 *db, sqlite3_int64 rowid);

int sqlite3_get_autocommit(struct sqlite3 *db);

void sqlite3_interrupt(struct sqlite3 *db);

int sqlite3_is_interrupted(struct sqlite3 *db);

int sqlite3_setlk_timeout(struct sqlite3 *db, int ms, int _flags);

int sqlite3_enable_load_extension(struct sqlite3 *db, int on);

int sqlite3_db_status64(struct sqlite3 *db,
                        int counter,
                        sqlite3_int64 *current,
                        sqlite3_int64 *highest,
                        int reset);

int sqlite3_db_status(struct sqlite3 *db, int counter, int *current, int *highest, int reset);

int sqlite3_trace_v2(struct sqlite3 *db, unsigned int mask, int (*callback)(unsigned int,
                                                                            void*,
                                                                            void*,
                                                                            void*), void *data);

void *sqlite3_trace(struct sqlite3 *db, void (*callback)(void*, const char*), void *data);

void *sqlite3_profile(struct sqlite3 *db,
                      void (*callback)(void*, const char*, sqlite3_uint64),
                      void *data);

int sqlite3_create_collation(struct sqlite3 *db,
                             const char *name,
                             int representation,
                             void *data,
                             int (*compare)(void*, int, const void*, int, const void*));

int sqlite3_create_collation_v2(struct sqlite3 *db,
                                const char *name,
                                int representation,
                                void *data,
                                int (*compare)(void*, int, const void*, int, const void*),
                                sqlite3_destructor_type destructor);

int sqlite3_create_collation16(struct sqlite3 *db,
                               const void *name,
                               int representation,
                               void *data,
                               int (*compare)(void*, int, const void*, int, const void*));

int sqlite3_create_function(struct sqlite3 *db,
                            const char *name,
                            int arguments,
                            int representation,
                            void *data,
                            void (*scalar)(struct sqlite3_context*, int, struct sqlite3_value**),
                            void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                            void (*finish)(struct sqlite3_context*));

int sqlite3_create_function16(struct sqlite3 *db,
                              const void *name,
                              int arguments,
                              int representation,
                              void *data,
                              void (*scalar)(struct sqlite3_context*, int, struct sqlite3_value**),
                              void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                              void (*finish)(struct sqlite3_context*));

int sqlite3_create_function_v2(struct sqlite3 *db,
                               const char *name,
                               int arguments,
                               int representation,
                               void *data,
                               void (*scalar)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*finish)(struct sqlite3_context*),
                               sqlite3_destructor_type destructor);

int sqlite3_create_window_function(struct sqlite3 *db,
                                   const char *name,
                                   int arguments,
                                   int representation,
                                   void *data,
                                   void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                                   void (*finish)(struct sqlite3_context*),
                                   void (*value)(struct sqlite3_context*),
                                   void (*inverse)(struct sqlite3_context*,
                                                   int,
                                                   struct sqlite3_value**),
                                   sqlite3_destructor_type destructor);

int sqlite3_overload_function(struct sqlite3 *db, const char *name, int arguments);

int sqlite3_initialize(void);

int sqlite3_shutdown(void);

int sqlite3_os_init(void);

int sqlite3_os_end(void);

void sqlite3_randomness(int size, void *out);

int sqlite3_sleep(int ms);

int sqlite3_global_recover(void);

void sqlite3_thread_cleanup(void);

int sqlite3_enable_shared_cache(int _on);

const char *sqlite3_libversion(void);

int sqlite3_libversion_number(void);

const char *sqlite3_sourceid(void);

int sqlite3_threadsafe(void);

int sqlite3_compileoption_used(const char *name);

const char *sqlite3_compileoption_get(int index);

const char *sqlite3_errstr(int code);

void *sqlite3_malloc(int size);

void *sqlite3_malloc64(sqlite3_uint64 size);

void *sqlite3_realloc(void *memory, int size);

void *sqlite3_realloc64(void *memory, sqlite3_uint64 size);

void sqlite3_free(void *memory);

sqlite3_uint64 sqlite3_msize(void *memory);

sqlite3_int64 sqlite3_memory_used(void);

sqlite3_int64 sqlite3_memory_highwater(int reset);

sqlite3_int64 sqlite3_soft_heap_limit64(sqlite3_int64 limit);

void sqlite3_soft_heap_limit(int limit);

sqlite3_int64 sqlite3_hard_heap_limit64(sqlite3_int64 limit);

int sqlite3_release_memory(int _bytes);

int sqlite3_memory_alarm(void (*_callback)(void*, sqlite3_int64, int),
                         void *_argument,
                         sqlite3_int64 _threshold);

int sqlite3_status64(int op, sqlite3_int64 *pCurrent, sqlite3_int64 *pHighwater, int resetFlag);

int sqlite3_status(int op, int *pCurrent, int *pHighwater, int resetFlag);

int sqlite3_create_module(struct sqlite3 *db,
                          const char *name,
                          const struct sqlite3_module *module,
                          void *data);

int sqlite3_create_module_v2(struct sqlite3 *db,
                             const char *_name,
                             const struct sqlite3_module *module,
                             void *data,
                             sqlite3_destructor_type destructor);

int sqlite3_drop_modules(struct sqlite3 *db, const char **_keep);

int sqlite3_declare_vtab(struct sqlite3 *db, const char *_declaration);

int sqlite3_vtab_on_conflict(struct sqlite3 *_db);

const char *sqlite3_vtab_collation(struct sqlite3_index_info *_info, int _constraint);

int sqlite3_vtab_distinct(struct sqlite3_index_info *_info);

int sqlite3_vtab_in(struct sqlite3_index_info *_info, int _constraint, int _handle);

int sqlite3_vtab_in_first(struct sqlite3_value *_value, struct sqlite3_value **out);

int sqlite3_vtab_in_next(struct sqlite3_value *_value, struct sqlite3_value **out);

int sqlite3_vtab_rhs_value(struct sqlite3_index_info *_info,
                           int _constraint,
                           struct sqlite3_value **out);

int sqlite3_rtree_geometry_callback(struct sqlite3 *db,
                                    const char *_name,
                                    int (*_shape)(struct sqlite3_rtree_geometry*,
                                                  int,
                                                  sqlite3_rtree_dbl*,
                                                  int*),
                                    void *_data);

int sqlite3_rtree_query_callback(struct sqlite3 *db,
                                 const char *_name,
                                 int (*_shape)(struct sqlite3_rtree_query_info*),
                                 void *data,
                                 sqlite3_destructor_type destructor);

int sqlite3_preupdate_old(struct sqlite3 *db, int _column, struct sqlite3_value **out);

int sqlite3_preupdate_new(struct sqlite3 *db, int _column, struct sqlite3_value **out);

int sqlite3_preupdate_count(struct sqlite3 *_db);

int sqlite3_preupdate_depth(struct sqlite3 *_db);

int sqlite3_preupdate_blobwrite(struct sqlite3 *_db);

struct sqlite3_mutex *sqlite3_mutex_alloc(int kind);

void sqlite3_mutex_free(struct sqlite3_mutex *mutex);

void sqlite3_mutex_enter(struct sqlite3_mutex *mutex);

int sqlite3_mutex_try(struct sqlite3_mutex *mutex);

void sqlite3_mutex_leave(struct sqlite3_mutex *mutex);

int sqlite3session_attach(struct sqlite3_session *_session, const char *_tab);

int sqlite3session_changeset(struct sqlite3_session *_session,
                             int *_pn_changeset,
                             void **changeset);

sqlite3_int64 sqlite3session_changeset_size(struct sqlite3_session *_session);

int sqlite3session_changeset_strm(struct sqlite3_session *_session,
                                  int (*_output)(void*, const void*, int),
                                  void *_out);

int sqlite3session_config(int _op, void *_arg_);

int sqlite3session_create(struct sqlite3 *db, const char *_db_, struct sqlite3_session **session);

void sqlite3session_delete(struct sqlite3_session *_session);

int sqlite3session_diff(struct sqlite3_session *_session,
                        const char *_from_db,
                        const char *_tbl,
                        char **_pz_err_msg);

int sqlite3session_enable(struct sqlite3_session *_session, int _enable);

int sqlite3session_indirect(struct sqlite3_session *_session, int _indirect);

int sqlite3session_isempty(struct sqlite3_session *_session);

sqlite3_int64 sqlite3session_memory_used(struct sqlite3_session *_session);

int sqlite3session_object_config(struct sqlite3_session *_session, int _op, void *_arg_);

int sqlite3session_patchset(struct sqlite3_session *_session, int *_pn_patchset, void **patchset);

int sqlite3session_patchset_strm(struct sqlite3_session *_session, int (*_output)(void*,
                                                                                  const void*,
                                                                                  int), void *_out);

void sqlite3session_table_filter(struct sqlite3_session *_session,
                                 int (*_filter)(void*, const char*),
                                 void *_ctx);

int sqlite3changeset_apply(struct sqlite3 *db,
                           int _changeset,
                           void *_changeset_,
                           int (*_filter)(void*, const char*),
                           int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                           void *_ctx);

int sqlite3changeset_apply_strm(struct sqlite3 *db,
                                int (*_input)(void*, void*, int*),
                                void *_input_,
                                int (*_filter)(void*, const char*),
                                int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                                void *_ctx);

int sqlite3changeset_apply_v2(struct sqlite3 *db,
                              int _changeset,
                              void *_changeset_,
                              int (*_filter)(void*, const char*),
                              int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                              void *_ctx,
                              void **rebase,
                              int *_pn_rebase,
                              int _flags);

int sqlite3changeset_apply_v2_strm(struct sqlite3 *db,
                                   int (*_input)(void*, void*, int*),
                                   void *_input_,
                                   int (*_filter)(void*, const char*),
                                   int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                                   void *_ctx,
                                   void **rebase,
                                   int *_pn_rebase,
                                   int _flags);

int sqlite3changeset_apply_v3(struct sqlite3 *db,
                              int _changeset,
                              void *_changeset_,
                              int (*_filter)(void*, struct sqlite3_changeset_iter*),
                              int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                              void *_ctx,
                              void **rebase,
                              int *_pn_rebase,
                              int _flags);

int sqlite3changeset_apply_v3_strm(struct sqlite3 *db,
                                   int (*_input)(void*, void*, int*),
                                   void *_input_,
                                   int (*_filter)(void*, struct sqlite3_changeset_iter*),
                                   int (*_conflict)(void*, int, struct sqlite3_changeset_iter*),
                                   void *_ctx,
                                   void **rebase,
                                   int *_pn_rebase,
                                   int _flags);

int sqlite3changegroup_add(struct sqlite3_changegroup *_changegroup, int _data, void *_data_);

int sqlite3changegroup_add_change(struct sqlite3_changegroup *_changegroup,
                                  struct sqlite3_changeset_iter *_arg1);

int sqlite3changegroup_add_strm(struct sqlite3_changegroup *_changegroup,
                                int (*_input)(void*, void*, int*),
                                void *_input_);

int sqlite3changegroup_change_begin(struct sqlite3_changegroup *_changegroup,
                                    int _op,
                                    const char *_tab,
                                    int _indirect,
                                    char **_pz_err);

int sqlite3changegroup_change_blob(struct sqlite3_changegroup *_changegroup,
                                   int _arg1,
                                   int _arg2,
                                   const void *_val,
                                   int _val_);

int sqlite3changegroup_change_double(struct sqlite3_changegroup *_changegroup,
                                     int _arg1,
                                     int _arg2,
                                     double _arg3);

int sqlite3changegroup_change_finish(struct sqlite3_changegroup *_changegroup,
                                     int _discard,
                                     char **_pz_err);

int sqlite3changegroup_change_int64(struct sqlite3_changegroup *_changegroup,
                                    int _new,
                                    int _col,
                                    sqlite3_int64 _val);

int sqlite3changegroup_change_null(struct sqlite3_changegroup *_changegroup, int _arg1, int _arg2);

int sqlite3changegroup_change_text(struct sqlite3_changegroup *_changegroup,
                                   int _arg1,
                                   int _arg2,
                                   const char *_val,
                                   int _val_);

int sqlite3changegroup_config(struct sqlite3_changegroup *_changegroup, int _arg1, void *_arg_);

void sqlite3changegroup_delete(struct sqlite3_changegroup *_changegroup);

int sqlite3changegroup_new(struct sqlite3_changegroup **pp);

int sqlite3changegroup_output(struct sqlite3_changegroup *_changegroup, int *_pn_data, void **data);

int sqlite3changegroup_output_strm(struct sqlite3_changegroup *_changegroup,
                                   int (*_output)(void*, const void*, int),
                                   void *_out);

int sqlite3changegroup_schema(struct sqlite3_changegroup *_changegroup,
                              struct sqlite3 *arg1,
                              const char *_db);

int sqlite3rebaser_configure(struct sqlite3_rebaser *_rebaser, int _rebase, const void *_rebase_);

int sqlite3rebaser_create(struct sqlite3_rebaser **new_);

void sqlite3rebaser_delete(struct sqlite3_rebaser *_p);

int sqlite3rebaser_rebase(struct sqlite3_rebaser *_rebaser,
                          int _input,
                          const void *_input_,
                          int *_pn_out,
                          void **out);

int sqlite3rebaser_rebase_strm(struct sqlite3_rebaser *_rebaser,
                               int (*_input)(void*, void*, int*),
                               void *_input_,
                               int (*_output)(void*, const void*, int),
                               void *_out);

int sqlite3changeset_concat(int _a, void *_a_, int _b, void *_b_, int *_pn_out, void **out);

int sqlite3changeset_concat_strm(int (*_input_a)(void*, void*, int*),
                                 void *_in_a,
                                 int (*_input_b)(void*, void*, int*),
                                 void *_in_b,
                                 int (*_output)(void*, const void*, int),
                                 void *_out);

int sqlite3changeset_conflict(struct sqlite3_changeset_iter *_iter,
                              int _val,
                              struct sqlite3_value **value);

int sqlite3changeset_finalize(struct sqlite3_changeset_iter *_iter);

int sqlite3changeset_fk_conflicts(struct sqlite3_changeset_iter *_iter, int *_pn_out);

int sqlite3changeset_invert(int _input, const void *_input_, int *_pn_out, void **out);

int sqlite3changeset_invert_strm(int (*_input)(void*, void*, int*),
                                 void *_input_,
                                 int (*_output)(void*, const void*, int),
                                 void *_out);

int sqlite3changeset_new(struct sqlite3_changeset_iter *_iter,
                         int _val,
                         struct sqlite3_value **value);

int sqlite3changeset_next(struct sqlite3_changeset_iter *_iter);

int sqlite3changeset_old(struct sqlite3_changeset_iter *_iter,
                         int _val,
                         struct sqlite3_value **value);

int sqlite3changeset_op(struct sqlite3_changeset_iter *_iter,
                        const char **_pz_tab,
                        int *_pn_col,
                        int *_op,
                        int *_pb_indirect);

int sqlite3changeset_pk(struct sqlite3_changeset_iter *_iter, unsigned char **pab_pk, int *_pn_col);

int sqlite3changeset_start(struct sqlite3_changeset_iter **pp, int _changeset, void *_changeset_);

int sqlite3changeset_start_strm(struct sqlite3_changeset_iter **pp,
                                int (*_input)(void*, void*, int*),
                                void *_input_);

int sqlite3changeset_start_v2(struct sqlite3_changeset_iter **pp,
                              int _changeset,
                              void *_changeset_,
                              int _flags);

int sqlite3changeset_start_v2_strm(struct sqlite3_changeset_iter **pp,
                                   int (*_input)(void*, void*, int*),
                                   void *_input_,
                                   int _flags);

const char *sqlite3_sql(struct sqlite3_stmt *statement);

char *sqlite3_expanded_sql(struct sqlite3_stmt *statement);

struct sqlite3 *sqlite3_db_handle(struct sqlite3_stmt *statement);

struct sqlite3_stmt *sqlite3_next_stmt(struct sqlite3 *db, struct sqlite3_stmt *statement);

int sqlite3_stmt_readonly(struct sqlite3_stmt *statement);

int sqlite3_stmt_isexplain(struct sqlite3_stmt *statement);

int sqlite3_stmt_explain(struct sqlite3_stmt *statement, int mode);

int sqlite3_stmt_busy(struct sqlite3_stmt *statement);

int sqlite3_expired(struct sqlite3_stmt *statement);

int sqlite3_stmt_status(struct sqlite3_stmt *statement, int counter, int reset);

int sqlite3_bind_blob(struct sqlite3_stmt *statement,
                      int number,
                      const void *blob,
                      int len,
                      sqlite3_destructor_type destructor);

int sqlite3_bind_blob64(struct sqlite3_stmt *statement,
                        int number,
                        const void *blob,
                        sqlite3_uint64 len,
                        sqlite3_destructor_type destructor);

int sqlite3_bind_double(struct sqlite3_stmt *statement, int number, double real);

int sqlite3_bind_int(struct sqlite3_stmt *statement, int number, int integer);

int sqlite3_bind_int64(struct sqlite3_stmt *statement, int number, sqlite3_int64 integer);

int sqlite3_bind_null(struct sqlite3_stmt *statement, int number);

int sqlite3_bind_text(struct sqlite3_stmt *statement,
                      int number,
                      const char *text,
                      int len,
                      sqlite3_destructor_type destructor);

int sqlite3_bind_text16(struct sqlite3_stmt *statement,
                        int number,
                        const void *text,
                        int len,
                        sqlite3_destructor_type destructor);

int sqlite3_bind_text64(struct sqlite3_stmt *statement,
                        int number,
                        const char *text,
                        sqlite3_uint64 len,
                        sqlite3_destructor_type destructor,
                        unsigned char encoding);

int sqlite3_bind_value(struct sqlite3_stmt *statement,
                       int number,
                       const struct sqlite3_value *value);

int sqlite3_bind_pointer(struct sqlite3_stmt *statement,
                         int number,
                         void *data,
                         const char *kind,
                         sqlite3_destructor_type destructor);

int sqlite3_bind_zeroblob(struct sqlite3_stmt *statement, int number, int len);

int sqlite3_bind_zeroblob64(struct sqlite3_stmt *statement, int number, sqlite3_uint64 len);

int sqlite3_bind_parameter_count(struct sqlite3_stmt *statement);

const char *sqlite3_bind_parameter_name(struct sqlite3_stmt *statement, int number);

int sqlite3_bind_parameter_index(struct sqlite3_stmt *statement, const char *name);

int sqlite3_clear_bindings(struct sqlite3_stmt *statement);

int sqlite3_transfer_bindings(struct sqlite3_stmt *from, struct sqlite3_stmt *to);

const void *sqlite3_column_blob(struct sqlite3_stmt *statement, int column);

double sqlite3_column_double(struct sqlite3_stmt *statement, int column);

int sqlite3_column_int(struct sqlite3_stmt *statement, int column);

sqlite3_int64 sqlite3_column_int64(struct sqlite3_stmt *statement, int column);

const unsigned char *sqlite3_column_text(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_text16(struct sqlite3_stmt *statement, int column);

struct sqlite3_value *sqlite3_column_value(struct sqlite3_stmt *statement, int column);

int sqlite3_column_bytes(struct sqlite3_stmt *statement, int column);

int sqlite3_column_bytes16(struct sqlite3_stmt *statement, int column);

int sqlite3_column_type(struct sqlite3_stmt *statement, int column);

int sqlite3_column_count(struct sqlite3_stmt *statement);

int sqlite3_data_count(struct sqlite3_stmt *statement);

const char *sqlite3_column_name(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_name16(struct sqlite3_stmt *statement, int column);

const char *sqlite3_column_decltype(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_decltype16(struct sqlite3_stmt *statement, int column);

const char *sqlite3_column_database_name(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_database_name16(struct sqlite3_stmt *statement, int column);

const char *sqlite3_column_table_name(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_table_name16(struct sqlite3_stmt *statement, int column);

const char *sqlite3_column_origin_name(struct sqlite3_stmt *statement, int column);

const void *sqlite3_column_origin_name16(struct sqlite3_stmt *statement, int column);

int sqlite3_prepare(struct sqlite3 *db,
                    const char *sql,
                    int len,
                    struct sqlite3_stmt **out,
                    const char **tail);

int sqlite3_prepare_v2(struct sqlite3 *db,
                       const char *sql,
                       int len,
                       struct sqlite3_stmt **out,
                       const char **tail);

int sqlite3_prepare_v3(struct sqlite3 *db,
                       const char *sql,
                       int len,
                       unsigned int flags,
                       struct sqlite3_stmt **out,
                       const char **tail);

int sqlite3_prepare16(struct sqlite3 *db,
                      const void *sql,
                      int len,
                      struct sqlite3_stmt **out,
                      const void **tail);

int sqlite3_prepare16_v2(struct sqlite3 *db,
                         const void *sql,
                         int len,
                         struct sqlite3_stmt **out,
                         const void **tail);

int sqlite3_prepare16_v3(struct sqlite3 *db,
                         const void *sql,
                         int len,
                         unsigned int flags,
                         struct sqlite3_stmt **out,
                         const void **tail);

int sqlite3_step(struct sqlite3_stmt *statement);

int sqlite3_reset(struct sqlite3_stmt *statement);

int sqlite3_finalize(struct sqlite3_stmt *statement);

struct sqlite3_backup *sqlite3_backup_init(struct sqlite3 *target,
                                           const char *target_name,
                                           struct sqlite3 *source,
                                           const char *source_name);

int sqlite3_backup_step(struct sqlite3_backup *backup, int pages);

int sqlite3_backup_finish(struct sqlite3_backup *backup);

int sqlite3_backup_remaining(struct sqlite3_backup *backup);

int sqlite3_backup_pagecount(struct sqlite3_backup *backup);

int sqlite3_blob_open(struct sqlite3 *db,
                      const char *database,
                      const char *table,
                      const char *column,
                      sqlite3_int64 rowid,
                      int flags,
                      struct sqlite3_blob **out);

int sqlite3_blob_reopen(struct sqlite3_blob *blob, sqlite3_int64 rowid);

int sqlite3_blob_close(struct sqlite3_blob *blob);

int sqlite3_blob_bytes(struct sqlite3_blob *blob);

int sqlite3_blob_read(struct sqlite3_blob *blob, void *out, int len, int offset);

int sqlite3_blob_write(struct sqlite3_blob *blob, const void *bytes, int len, int offset);

unsigned char *sqlite3_serialize(struct sqlite3 *db,
                                 const char *name,
                                 sqlite3_int64 *size,
                                 unsigned int flags);

int sqlite3_deserialize(struct sqlite3 *db,
                        const char *name,
                        unsigned char *data,
                        sqlite3_int64 size,
                        sqlite3_int64 capacity,
                        unsigned int flags);

struct sqlite3_str *sqlite3_str_new(struct sqlite3 *db);

char *sqlite3_str_finish(struct sqlite3_str *str);

void sqlite3_str_free(struct sqlite3_str *str);

void sqlite3_str_append(struct sqlite3_str *str, const char *more, int len);

void sqlite3_str_appendall(struct sqlite3_str *str, const char *more);

void sqlite3_str_appendchar(struct sqlite3_str *str, int count, char byte);

void sqlite3_str_reset(struct sqlite3_str *str);

void sqlite3_str_truncate(struct sqlite3_str *str, int len);

int sqlite3_str_errcode(struct sqlite3_str *str);

int sqlite3_str_length(struct sqlite3_str *str);

char *sqlite3_str_value(struct sqlite3_str *str);

int sqlite3_stricmp(const char *left, const char *right);

int sqlite3_strnicmp(const char *left, const char *right, int len);

int sqlite3_strglob(const char *pattern, const char *subject);

int sqlite3_strlike(const char *pattern, const char *subject, unsigned int escape);

int sqlite3_complete(const char *sql);

int sqlite3_complete16(const void *sql);

sqlite3_int64 sqlite3_incomplete(const char *sql);

int sqlite3_keyword_count(void);

int sqlite3_keyword_name(int index, const char **name, int *len);

int sqlite3_keyword_check(const char *name, int len);

void *sqlite3_get_auxdata(struct sqlite3_context *context, int argument);

void sqlite3_set_auxdata(struct sqlite3_context *context,
                         int argument,
                         void *data,
                         sqlite3_destructor_type destructor);

void *sqlite3_aggregate_context(struct sqlite3_context *context, int size);

int sqlite3_aggregate_count(struct sqlite3_context *context);

void *sqlite3_user_data(struct sqlite3_context *context);

struct sqlite3 *sqlite3_context_db_handle(struct sqlite3_context *context);

int sqlite3_vtab_nochange(struct sqlite3_context *context);

const void *sqlite3_value_blob(struct sqlite3_value *value);

int sqlite3_value_bytes(struct sqlite3_value *value);

int sqlite3_value_bytes16(struct sqlite3_value *value);

double sqlite3_value_double(struct sqlite3_value *value);

int sqlite3_value_int(struct sqlite3_value *value);

sqlite3_int64 sqlite3_value_int64(struct sqlite3_value *value);

void *sqlite3_value_pointer(struct sqlite3_value *value, const char *kind);

const unsigned char *sqlite3_value_text(struct sqlite3_value *value);

const void *sqlite3_value_text16(struct sqlite3_value *value);

const void *sqlite3_value_text16le(struct sqlite3_value *value);

const void *sqlite3_value_text16be(struct sqlite3_value *value);

int sqlite3_value_type(struct sqlite3_value *value);

int sqlite3_value_numeric_type(struct sqlite3_value *value);

int sqlite3_value_nochange(struct sqlite3_value *value);

int sqlite3_value_frombind(struct sqlite3_value *value);

int sqlite3_value_encoding(struct sqlite3_value *value);

unsigned int sqlite3_value_subtype(struct sqlite3_value *value);

struct sqlite3_value *sqlite3_value_dup(const struct sqlite3_value *value);

void sqlite3_value_free(struct sqlite3_value *value);

void sqlite3_result_blob(struct sqlite3_context *context,
                         const void *blob,
                         int len,
                         sqlite3_destructor_type destructor);

void sqlite3_result_blob64(struct sqlite3_context *context,
                           const void *blob,
                           sqlite3_uint64 len,
                           sqlite3_destructor_type destructor);

void sqlite3_result_double(struct sqlite3_context *context, double real);

void sqlite3_result_int(struct sqlite3_context *context, int integer);

void sqlite3_result_int64(struct sqlite3_context *context, sqlite3_int64 integer);

void sqlite3_result_null(struct sqlite3_context *context);

void sqlite3_result_pointer(struct sqlite3_context *context,
                            void *data,
                            const char *kind,
                            sqlite3_destructor_type destructor);

void sqlite3_result_subtype(struct sqlite3_context *context, unsigned int subtype);

void sqlite3_result_text(struct sqlite3_context *context,
                         const char *text,
                         int len,
                         sqlite3_destructor_type destructor);

void sqlite3_result_text64(struct sqlite3_context *context,
                           const char *text,
                           sqlite3_uint64 len,
                           sqlite3_destructor_type destructor,
                           unsigned char encoding);

void sqlite3_result_text16(struct sqlite3_context *context,
                           const void *text,
                           int len,
                           sqlite3_destructor_type destructor);

void sqlite3_result_text16le(struct sqlite3_context *context,
                             const void *text,
                             int len,
                             sqlite3_destructor_type destructor);

void sqlite3_result_text16be(struct sqlite3_context *context,
                             const void *text,
                             int len,
                             sqlite3_destructor_type destructor);

void sqlite3_result_str(struct sqlite3_context *context, struct sqlite3_str *str, int own);

void sqlite3_result_value(struct sqlite3_context *context, struct sqlite3_value *value);

void sqlite3_result_zeroblob(struct sqlite3_context *context, int len);

int sqlite3_result_zeroblob64(struct sqlite3_context *context, sqlite3_uint64 len);

void sqlite3_result_error(struct sqlite3_context *context, const char *message, int len);

void sqlite3_result_error16(struct sqlite3_context *context, const void *message, int len);

void sqlite3_result_error_toobig(struct sqlite3_context *context);

void sqlite3_result_error_nomem(struct sqlite3_context *context);

void sqlite3_result_error_code(struct sqlite3_context *context, int code);

struct sqlite3_vfs *sqlite3_vfs_find(const char *name);

int sqlite3_vfs_register(struct sqlite3_vfs *vfs, int is_default);

int sqlite3_vfs_unregister(struct sqlite3_vfs *vfs);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SQLITE3_H */
