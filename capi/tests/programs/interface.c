/*
** What a C program does with the library. Expected values are those of SQLite's documentation.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what) do { if (!(what)) { printf("line %d: %s\n", __LINE__, #what); exit(1); } } while (0)
#define SAME(a, b) do { const char *x = (const char *)(a), *y = (b); \
    if (x == 0 || strcmp(x, y)) { printf("line %d: %s, not %s\n", __LINE__, x ? x : "NULL", y); exit(1); } } while (0)

static sqlite3 *db;

static void run(const char *sql) {
  char *message = 0;
  if (sqlite3_exec(db, sql, 0, 0, &message)) {
    printf("%s: %s\n", sql, message);
    exit(1);
  }
}

static sqlite3_int64 number(const char *sql) {
  sqlite3_stmt *statement;
  sqlite3_int64 result;
  CHECK(sqlite3_prepare_v2(db, sql, -1, &statement, 0) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  result = sqlite3_column_int64(statement, 0);
  CHECK(sqlite3_finalize(statement) == SQLITE_OK);
  return result;
}

static int freed;
static void count_free(void *p) { (void)p; freed++; }

/* A scalar function: its arguments' sum, with data that stays with a constant argument. */
static void plus(sqlite3_context *context, int count, sqlite3_value **values) {
  int i;
  double sum = 0;
  CHECK(sqlite3_context_db_handle(context) == db);
  SAME(sqlite3_user_data(context), "data");
  for (i = 0; i < count; i++) {
    if (sqlite3_value_type(values[i]) == SQLITE_NULL) {
      sqlite3_result_error(context, "plus() of NULL", -1);
      return;
    }
    sum += sqlite3_value_double(values[i]);
  }
  sqlite3_result_double(context, sum);
}

/* An aggregate and window function: a sum of integers. */
static void sum_step(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3_int64 *sum = sqlite3_aggregate_context(context, sizeof *sum);
  *sum += sqlite3_value_int64(values[0]);
}
static void sum_final(sqlite3_context *context) {
  sqlite3_int64 *sum = sqlite3_aggregate_context(context, 0);
  sqlite3_result_int64(context, sum ? *sum : -1);
}

static int reverse(void *data, int n1, const void *p1, int n2, const void *p2) {
  int n = n1 < n2 ? n1 : n2, rc = memcmp(p2, p1, n);
  return rc ? rc : n2 - n1;
}
static void need_collation(void *data, sqlite3 *handle, int encoding, const char *name) {
  SAME(name, "reverse");
  sqlite3_create_collation(handle, name, SQLITE_UTF8, 0, reverse);
}

static int rows(void *data, int count, char **values, char **names) {
  int *seen = data;
  SAME(names[0], "a");
  return ++*seen == 2;
}

static void values_and_text(void) {
  sqlite3_stmt *statement;
  const char *tail;
  const unsigned short *wide;
  sqlite3_value *kept;
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE NOT NULL, c)");
  CHECK(sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, :b, @c); SELECT 1", -1, &statement, &tail) == SQLITE_OK);
  SAME(tail, " SELECT 1");
  CHECK(sqlite3_bind_parameter_count(statement) == 3);
  CHECK(sqlite3_bind_parameter_index(statement, ":b") == 2);
  SAME(sqlite3_bind_parameter_name(statement, 3), "@c");
  CHECK(sqlite3_bind_int64(statement, 1, 1LL << 40) == SQLITE_OK);
  CHECK(sqlite3_bind_text(statement, 2, "h\303\251llo world", 6, count_free) == SQLITE_OK);
  CHECK(sqlite3_bind_blob(statement, 3, "a\0b", 3, SQLITE_TRANSIENT) == SQLITE_OK);
  CHECK(sqlite3_bind_int(statement, 4, 1) == SQLITE_RANGE);
  {
    char *expanded = sqlite3_expanded_sql(statement);
    SAME(expanded, "INSERT INTO t VALUES(1099511627776, 'h\303\251llo', x'610062');");
    sqlite3_free(expanded);
  }
  CHECK(sqlite3_stmt_readonly(statement) == 0);
  CHECK(sqlite3_step(statement) == SQLITE_DONE);
  CHECK(sqlite3_bind_int(statement, 1, 1) == SQLITE_MISUSE);
  CHECK(sqlite3_changes(db) == 1 && sqlite3_last_insert_rowid(db) == 1LL << 40);
  CHECK(sqlite3_reset(statement) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_CONSTRAINT);
  CHECK(sqlite3_extended_errcode(db) == SQLITE_CONSTRAINT_PRIMARYKEY);
  SAME(sqlite3_errmsg(db), "UNIQUE constraint failed: t.a");
  CHECK(sqlite3_finalize(statement) == SQLITE_CONSTRAINT);
  CHECK(freed == 1);

  CHECK(sqlite3_prepare_v2(db, "SELECT a, b, c, b || 1 AS x FROM main.t", -1, &statement, 0) == SQLITE_OK);
  CHECK(sqlite3_column_count(statement) == 4 && sqlite3_data_count(statement) == 0);
  SAME(sqlite3_column_name(statement, 3), "x");
  SAME(sqlite3_column_decltype(statement, 1), "TEXT");
  CHECK(sqlite3_column_decltype(statement, 3) == 0);
  SAME(sqlite3_column_origin_name(statement, 2), "c");
  SAME(sqlite3_column_table_name(statement, 2), "t");
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  CHECK(sqlite3_column_type(statement, 0) == SQLITE_INTEGER && sqlite3_column_int(statement, 0) == 0);
  SAME(sqlite3_column_text(statement, 0), "1099511627776");
  SAME(sqlite3_column_text(statement, 1), "h\303\251llo");
  CHECK(sqlite3_column_bytes(statement, 1) == 6);
  wide = sqlite3_column_text16(statement, 1);
  CHECK(wide[1] == 0xe9 && wide[5] == 0 && sqlite3_column_bytes16(statement, 1) == 10);
  CHECK(sqlite3_column_bytes(statement, 2) == 3 && memcmp(sqlite3_column_blob(statement, 2), "a\0b", 3) == 0);
  kept = sqlite3_value_dup(sqlite3_column_value(statement, 3));
  CHECK(sqlite3_step(statement) == SQLITE_DONE);
  CHECK(sqlite3_finalize(statement) == SQLITE_OK);
  SAME(sqlite3_value_text(kept), "h\303\251llo1");
  sqlite3_value_free(kept);

  {
    const char *type, *collation;
    int not_null, primary, automatic;
    CHECK(sqlite3_table_column_metadata(db, 0, "t", "b", &type, &collation, &not_null, &primary, &automatic) == SQLITE_OK);
    SAME(type, "TEXT");
    SAME(collation, "NOCASE");
    CHECK(not_null == 1 && primary == 0 && automatic == 0);
    CHECK(sqlite3_table_column_metadata(db, 0, "t", "z", 0, 0, 0, 0, 0) == SQLITE_ERROR);
  }
}

static void errors_of_preparing(void) {
  sqlite3_stmt *statement = (sqlite3_stmt *)1;
  CHECK(sqlite3_prepare_v2(db, "SELECT 1 FORM t", -1, &statement, 0) == SQLITE_ERROR);
  CHECK(statement == 0);
  SAME(sqlite3_errmsg(db), "near \"t\": syntax error");
  CHECK(sqlite3_error_offset(db) == 14);
  CHECK(sqlite3_prepare_v2(db, "  -- nothing", -1, &statement, 0) == SQLITE_OK && statement == 0);
  CHECK(sqlite3_errcode(db) == SQLITE_OK);
  SAME(sqlite3_errmsg(db), "not an error");
  CHECK(sqlite3_prepare_v2(0, "SELECT 1", -1, &statement, 0) == SQLITE_MISUSE);
  CHECK(sqlite3_step(0) == SQLITE_MISUSE);
  CHECK(sqlite3_finalize(0) == SQLITE_OK);
  SAME(sqlite3_errstr(SQLITE_BUSY), "database is locked");
  CHECK(sqlite3_complete("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;") == 0);
  CHECK(sqlite3_complete("SELECT 1; /* so */") == 1);
}

static void functions(void) {
  sqlite3_stmt *statement;
  CHECK(sqlite3_create_function_v2(db, "plus", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, "data", plus, 0, 0, count_free) == SQLITE_OK);
  CHECK(number("SELECT plus(1, 2.5, '3') * 10") == 65);
  CHECK(sqlite3_exec(db, "SELECT plus(NULL)", 0, 0, 0) == SQLITE_ERROR);
  SAME(sqlite3_errmsg(db), "plus() of NULL");
  CHECK(sqlite3_create_function(db, "total_of", 1, SQLITE_UTF8, 0, 0, sum_step, sum_final) == SQLITE_OK);
  CHECK(number("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) SELECT total_of(x) FROM c") == 5050);
  CHECK(number("SELECT total_of(1) FROM t WHERE 0") == -1);
  freed = 0;
  CHECK(sqlite3_create_function_v2(db, "plus", -1, SQLITE_UTF8, 0, 0, 0, 0, 0) == SQLITE_OK);
  CHECK(freed == 1);
  CHECK(sqlite3_collation_needed(db, 0, need_collation) == SQLITE_OK);
  CHECK(sqlite3_prepare_v2(db, "SELECT column1 FROM (VALUES('a'), ('c'), ('b')) ORDER BY 1 COLLATE reverse", -1, &statement, 0) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  SAME(sqlite3_column_text(statement, 0), "c");
  CHECK(sqlite3_finalize(statement) == SQLITE_OK);
}

static void convenience(void) {
  char **table, *message = 0, *text, small[8];
  int row_count, column_count, seen = 0;
  CHECK(sqlite3_get_table(db, "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL", &table, &row_count, &column_count, 0) == SQLITE_OK);
  CHECK(row_count == 2 && column_count == 2);
  SAME(table[1], "b");
  SAME(table[4], "2");
  CHECK(table[5] == 0);
  sqlite3_free_table(table);
  CHECK(sqlite3_exec(db, "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3", rows, &seen, &message) == SQLITE_ABORT);
  CHECK(seen == 2);
  SAME(message, "query aborted");
  sqlite3_free(message);
  text = sqlite3_mprintf("%d %s %q %Q %w %.3f %5d|%-5d|%05d %x %lld %c %z", 7, "s", "it's", (char *)0, "a\"b", 1.5, 42, 42, 42, 255,
                         1LL << 40, 'c', sqlite3_mprintf("%s", "inner"));
  SAME(text, "7 s it''s NULL a\"\"b 1.500    42|42   |00042 ff 1099511627776 c inner");
  CHECK(sqlite3_msize(text) >= strlen(text) + 1);
  sqlite3_free(text);
  SAME(sqlite3_snprintf(sizeof small, small, "%s", "too long for it"), "too lon");
  SAME(sqlite3_snprintf(sizeof small, small, "%d-%s%%%3d", -12, "a", 7), "-12-a% ");
  SAME(sqlite3_snprintf(sizeof small, small, "%s|%d%x", (char *)0, 0, 255), "|0ff");
  {
    sqlite3_str *str = sqlite3_str_new(db);
    sqlite3_str_appendf(str, "%s-%d", "n", 1);
    sqlite3_str_appendchar(str, 3, '!');
    CHECK(sqlite3_str_length(str) == 6);
    text = sqlite3_str_finish(str);
    SAME(text, "n-1!!!");
    sqlite3_free(text);
  }
  CHECK(sqlite3_strglob("a*[0-9]", "abc7") == 0 && sqlite3_strlike("A_C%", "abcd", 0) == 0);
  CHECK(sqlite3_stricmp("ABC", "abc") == 0 && sqlite3_strnicmp("abX", "ABy", 2) == 0);
  CHECK(sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, -1) == 250000);
  {
    int on = -1;
    CHECK(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, &on) == SQLITE_OK && on == 1);
    CHECK(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, &on) == SQLITE_OK && on == 0);
  }
}

static void several_connections(void) {
  sqlite3 *other;
  sqlite3_stmt *statement;
  sqlite3_backup *backup;
  sqlite3_blob *blob;
  char bytes[5] = "";
  int log_frames, copied;
  CHECK(sqlite3_open_v2("file:first.db?mode=rw", &other, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0) == SQLITE_OK);
  run("BEGIN IMMEDIATE");
  CHECK(sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE && sqlite3_get_autocommit(db) == 0);
  CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", 0, 0, 0) == SQLITE_BUSY);
  SAME(sqlite3_errmsg(other), "database is locked");
  run("COMMIT");
  CHECK(sqlite3_db_readonly(other, "main") == 0);
  CHECK(strstr(sqlite3_db_filename(other, 0), "/first.db") != 0);

  run("INSERT INTO t VALUES(5, 'blob', zeroblob(9000))");
  CHECK(sqlite3_blob_open(db, "main", "t", "c", 5, 1, &blob) == SQLITE_OK);
  CHECK(sqlite3_blob_bytes(blob) == 9000);
  CHECK(sqlite3_blob_write(blob, "12345", 5, 8995) == SQLITE_OK);
  CHECK(sqlite3_blob_write(blob, "12345", 5, 8996) == SQLITE_ERROR);
  CHECK(sqlite3_blob_read(blob, bytes, 4, 8996) == SQLITE_OK && memcmp(bytes, "2345", 4) == 0);
  run("UPDATE t SET b = 'changed' WHERE a = 5");
  CHECK(sqlite3_blob_read(blob, bytes, 4, 0) == SQLITE_ABORT);
  CHECK(sqlite3_blob_close(blob) == SQLITE_OK);

  /* A connection that is closed with a statement open lives on until that is finalised. */
  CHECK(sqlite3_prepare_v2(other, "SELECT count(*) FROM t", -1, &statement, 0) == SQLITE_OK);
  CHECK(sqlite3_close(other) == SQLITE_BUSY);
  CHECK(sqlite3_close_v2(other) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 2);
  CHECK(sqlite3_finalize(statement) == SQLITE_OK);

  CHECK(sqlite3_open(":memory:", &other) == SQLITE_OK);
  backup = sqlite3_backup_init(other, "main", db, "main");
  CHECK(backup != 0);
  CHECK(sqlite3_backup_step(backup, 1) == SQLITE_OK);
  CHECK(sqlite3_backup_remaining(backup) == sqlite3_backup_pagecount(backup) - 1);
  CHECK(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
  CHECK(sqlite3_backup_finish(backup) == SQLITE_OK);
  CHECK(sqlite3_exec(other, "SELECT * FROM t", 0, 0, 0) == SQLITE_OK);
  CHECK(sqlite3_close(other) == SQLITE_OK);

  run("PRAGMA journal_mode = wal; INSERT INTO t VALUES(6, 'wal', 0)");
  CHECK(sqlite3_wal_checkpoint_v2(db, 0, SQLITE_CHECKPOINT_TRUNCATE, &log_frames, &copied) == SQLITE_OK);
  CHECK(log_frames == 0 && copied == 0);
  run("PRAGMA journal_mode = delete");
}

/* A layer of the application's own that stands on the default one and counts what is opened. */
static sqlite3_vfs counting, *below;
static int opened_databases, opened_journals;

static int count_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags) {
  CHECK(vfs == &counting);
  if (flags & SQLITE_OPEN_MAIN_DB) {
    opened_databases++;
    SAME(sqlite3_uri_parameter(name, "who"), "me");
    CHECK(strstr(sqlite3_filename_journal(name), "counted.db-journal") != 0);
  }
  if (flags & SQLITE_OPEN_MAIN_JOURNAL) {
    opened_journals++;
    CHECK(strstr(sqlite3_filename_database(name), "-journal") == 0);
  }
  return below->xOpen(below, name, file, flags, out_flags);
}

static void layers(void) {
  sqlite3 *kept = db;
  sqlite3_file *file = 0;
  sqlite3_vfs *used = 0;
  sqlite3_int64 size = 0;
  below = sqlite3_vfs_find(0);
  counting = *below;
  counting.zName = "counting";
  counting.pNext = 0;
  counting.xOpen = count_open;
  CHECK(sqlite3_vfs_register(&counting, 0) == SQLITE_OK);
  CHECK(sqlite3_open_v2("file:counted.db?who=me", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, "counting") == SQLITE_OK);
  run("CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(20000))");
  CHECK(opened_databases == 1 && opened_journals >= 1);
  CHECK(sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK);
  CHECK(file->pMethods->xFileSize(file, &size) == SQLITE_OK && size == number("PRAGMA page_count") * 4096);
  CHECK(sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &used) == SQLITE_OK && used == &counting);
  run("PRAGMA journal_mode = wal; INSERT INTO t VALUES(2); PRAGMA wal_checkpoint; BEGIN; DELETE FROM t; ROLLBACK");
  CHECK(number("SELECT count(*) FROM t") == 2);
  CHECK(sqlite3_close(db) == SQLITE_OK);
  CHECK(sqlite3_open("counted.db", &db) == SQLITE_OK);
  CHECK(number("SELECT count(*) FROM t") == 2);
  CHECK(sqlite3_close(db) == SQLITE_OK);
  CHECK(sqlite3_vfs_unregister(&counting) == SQLITE_OK);
  CHECK(sqlite3_open_v2("counted.db", &db, SQLITE_OPEN_READWRITE, "counting") == SQLITE_ERROR);
  SAME(sqlite3_errmsg(db), "no such vfs: counting");
  CHECK(sqlite3_close(db) == SQLITE_OK);
  db = kept;
}

/* Statements of the oldest function tell that the schema has changed, and are not compiled again. */
static void old_statements(void) {
  sqlite3_stmt *statement;
  CHECK(sqlite3_prepare(db, "SELECT * FROM t", -1, &statement, 0) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  CHECK(sqlite3_reset(statement) == SQLITE_OK);
  run("CREATE TABLE another(a)");
  CHECK(sqlite3_step(statement) == SQLITE_ERROR);
  CHECK(sqlite3_finalize(statement) == SQLITE_SCHEMA);
}

int main(void) {
  CHECK(sqlite3_libversion_number() == SQLITE_VERSION_NUMBER);
  SAME(sqlite3_libversion(), SQLITE_VERSION);
  SAME(sqlite3_version, SQLITE_VERSION);
  CHECK(strstr(sqlite3_sourceid(), "555e07ef33f69a0957d24d8e555b702464a131d6f1607f4c3c1e4551e8e6ca76") != 0);
  CHECK(sqlite3_threadsafe() == 1);
  CHECK(sqlite3_open("first.db", &db) == SQLITE_OK);
  values_and_text();
  errors_of_preparing();
  functions();
  convenience();
  several_connections();
  layers();
  old_statements();
  CHECK(sqlite3_close(db) == SQLITE_OK);
  CHECK(sqlite3_open_v2("no/such/folder.db", &db, SQLITE_OPEN_READWRITE, 0) == SQLITE_CANTOPEN);
  SAME(sqlite3_errmsg(db), "unable to open database file");
  CHECK(sqlite3_close(db) == SQLITE_OK);
  printf("all right\n");
  return 0;
}
