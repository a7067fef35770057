//! Whole statements about schemas: ANALYZE, VACUUM, virtual tables. Expectations were seen at the target.

use std::any::Any;
use std::sync::{Arc, Mutex};

use kernite_btree::ValueRef;
use kernite_io::{MemoryIo, Process};
use kernite_vdbe::op::OnConflict;
use kernite_vdbe::vtab::{
    Connected, ConstraintOp, Context, IndexInfo, Module, Plan, Risk, Table, TableCursor, Update,
};
use kernite_vdbe::{Error, Register, Step};

use super::OpenFlags;
use super::raw::Connection;

fn open(name: &str) -> Connection {
    let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
    Connection::open(&process, name.as_bytes(), OpenFlags::default()).unwrap()
}

/// Runs statements; a line for each row of the last one, or its error.
fn run(connection: &Connection, sql: &str) -> Vec<String> {
    let mut rest = sql.as_bytes();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        rows.clear();
        let (statement, end) = match connection.prepare(rest) {
            Ok(prepared) => prepared,
            Err(error) => return vec![error.to_string()],
        };
        rest = &rest[end..];
        let Some(mut statement) = statement else { continue };
        loop {
            match statement.step() {
                Ok(true) => rows.push(line(statement.row())),
                Ok(false) => break,
                Err(error) => return vec![error.to_string()],
            }
        }
    }
    rows
}

fn line(row: &[Register]) -> String {
    let values = row.iter().map(|register| match register.value() {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    });
    values.collect::<Vec<_>>().join("|")
}

#[track_caller]
fn check(connection: &Connection, sql: &str, expected: &[&str]) {
    assert_eq!(run(connection, sql), expected, "{sql}");
}

const SAMPLE: &str = "
    CREATE TABLE t(a,b,c); CREATE INDEX i1 ON t(a,b); CREATE UNIQUE INDEX i2 ON t(c);
    CREATE TABLE u(x INTEGER PRIMARY KEY AUTOINCREMENT, y);
    CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE VIEW vv AS SELECT * FROM t;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000)
        INSERT INTO t SELECT i%10, i%100, i FROM n;
    INSERT INTO u(y) SELECT a FROM t LIMIT 50;
    INSERT INTO w SELECT 'k'||c, c FROM t;
    DELETE FROM t WHERE c%3=0;";

#[test]
fn analyze_counts_how_many_rows_share_a_prefix() {
    let connection = open(":memory:");
    run(&connection, SAMPLE);
    check(
        &connection,
        "ANALYZE; SELECT * FROM sqlite_stat1",
        &["w|w|1000 1", "t|i2|667 1", "t|i1|667 67 7", "u|NULL|50"],
    );
    check(&connection, "DELETE FROM t; ANALYZE t; SELECT * FROM sqlite_stat1", &["w|w|1000 1", "u|NULL|50"]);
    check(&connection, "ANALYZE nosuch", &["no such table: nosuch"]);
}

#[test]
fn vacuum_leaves_the_content_and_takes_the_gaps() {
    let connection = open("sample.db");
    run(&connection, SAMPLE);
    check(&connection, "VACUUM; PRAGMA integrity_check", &["ok"]);
    check(&connection, "SELECT count(*), sum(c) FROM t", &["667|333667"]);
    check(&connection, "PRAGMA freelist_count", &["0"]);
    check(
        &connection,
        "SELECT name, rootpage FROM sqlite_schema",
        &["t|2", "u|3", "sqlite_sequence|4", "w|5", "i1|6", "i2|7", "vv|0"],
    );
    check(&connection, "PRAGMA auto_vacuum=1; VACUUM; PRAGMA auto_vacuum", &["1"]);
    check(&connection, "PRAGMA page_size=1024; VACUUM; PRAGMA page_size", &["1024"]);
    check(&connection, "PRAGMA integrity_check", &["ok"]);
    check(&connection, "BEGIN; VACUUM", &["cannot VACUUM from within a transaction"]);
}

#[test]
fn vacuum_counts_rowids_anew_where_nothing_refers_to_them() {
    let connection = open(":memory:");
    run(
        &connection,
        "CREATE TABLE p(a); CREATE TABLE k(a UNIQUE); CREATE TABLE s(a INTEGER PRIMARY KEY AUTOINCREMENT)",
    );
    run(
        &connection,
        "INSERT INTO p VALUES(1),(2),(3); INSERT INTO k SELECT a FROM p; DELETE FROM p WHERE a=1",
    );
    run(&connection, "DELETE FROM k WHERE a=1; DROP TABLE s; VACUUM");
    check(&connection, "SELECT rowid, a FROM p", &["1|2", "2|3"]);
    check(&connection, "SELECT rowid, a FROM k", &["2|2", "3|3"]);
    check(&connection, "SELECT name FROM sqlite_schema", &["p", "k", "sqlite_autoindex_k_1"]);
}

/// The catalogue at hand may be older than the file: VACUUM took a new index for a table, and read its root as one of rows.
#[test]
fn vacuum_reads_the_schema_that_others_changed() {
    let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
    let open = || Connection::open(&process, b"/shared.db", OpenFlags::default()).unwrap();
    let (one, other) = (open(), open());
    check(
        &one,
        "CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 'x'), (2, 'y'); SELECT count(*) FROM t",
        &["2"],
    );
    check(
        &other,
        "CREATE INDEX i ON t(b DESC); CREATE TABLE u(c PRIMARY KEY) WITHOUT ROWID; INSERT INTO u VALUES(7)",
        &[],
    );
    check(&one, "VACUUM", &[]);
    check(&one, "PRAGMA integrity_check", &["ok"]);
    check(&one, "SELECT c FROM u", &["7"]);
    check(&other, "SELECT a FROM t WHERE b = 'y'", &["2"]);
}

/// Between the changes that write a long chain pages are evicted, the root of an empty tree among them.
#[test]
fn a_long_row_goes_into_an_empty_table_however_small_the_cache() {
    let connection = open("/long.db");
    check(
        &connection,
        "PRAGMA page_size=512; PRAGMA cache_size=10; CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
        &[],
    );
    check(&connection, "INSERT INTO t VALUES(1, zeroblob(70000)), (2, zeroblob(90000))", &[]);
    check(&connection, "SELECT a, length(b) FROM t", &["1|70000", "2|90000"]);
    check(&connection, "PRAGMA integrity_check", &["ok"]);
}

#[test]
fn pragmas_are_table_valued_functions() {
    let connection = open(":memory:");
    run(
        &connection,
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x'); CREATE INDEX i ON t(b)",
    );
    check(
        &connection,
        "SELECT name, \"notnull\", dflt_value FROM pragma_table_info('t')",
        &["a|0|NULL", "b|1|'x'"],
    );
    check(
        &connection,
        "SELECT l.name, i.name FROM pragma_index_list('t') l, pragma_index_info(l.name) i",
        &["i|b"],
    );
    check(&connection, "SELECT * FROM pragma_user_version", &["0"]);
    check(&connection, "DELETE FROM pragma_table_info", &["table pragma_table_info may not be modified"]);
    check(&connection, "DROP TABLE pragma_table_info", &["table pragma_table_info may not be dropped"]);
    check(
        &connection,
        "SELECT * FROM pragma_table_info('t','main','x')",
        &["too many arguments on pragma_table_info() - max 2"],
    );
}

#[test]
fn json_each_joins() {
    let connection = open(":memory:");
    run(&connection, "CREATE TABLE t(a, c); INSERT INTO t VALUES(1,'[1,2]'),(2,'[\"x\"]')");
    check(&connection, "SELECT a, j.value FROM t, json_each(t.c) j", &["1|1", "1|2", "2|x"]);
    check(
        &connection,
        "SELECT a, j.value FROM t LEFT JOIN json_each(t.c) j ON j.value=2",
        &["1|2", "2|NULL"],
    );
    check(&connection, "SELECT value FROM json_each('[3,1,2]') WHERE value IN (1,3)", &["3", "1"]);
    check(&connection, "SELECT value FROM json_each('[3,1,2]') ORDER BY value DESC LIMIT 2", &["3", "2"]);
    check(&connection, "SELECT (SELECT group_concat(value) FROM json_each(t.c)) FROM t", &["1,2", "x"]);
    check(&connection, "CREATE VIRTUAL TABLE x USING json_each", &["no such module: json_each"]);
    check(&connection, "CREATE VIRTUAL TABLE x USING nosuch(a)", &["no such module: nosuch"]);
}

type Log = Arc<Mutex<Vec<String>>>;
type Rows = Arc<Mutex<Vec<(i64, i64)>>>;

/// A module whose tables keep their rows in memory and write down what is done to them.
struct Noting(Log);

/// One of its tables.
struct NotingTable {
    log: Log,
    rows: Rows,
}

struct NotingCursor {
    rows: Vec<(i64, i64)>,
    at: usize,
}

impl NotingTable {
    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(what.to_owned());
    }
}

impl Module for Noting {
    fn create(&self, arguments: &[&[u8]], context: &mut Context<'_>) -> Step<Connected> {
        let arguments: Vec<_> = arguments.iter().map(|argument| String::from_utf8_lossy(argument)).collect();
        self.0.lock().unwrap().push(format!("create {}", arguments.join(" ")));
        // Modules may change the schema while they are asked.
        let sql = context.sql.as_deref_mut().unwrap();
        let statement = sql.prepare(&format!("CREATE TABLE {}_data(x)", arguments[2]))?.unwrap();
        assert_eq!(sql.step(statement)?, Some(false));
        sql.finish(statement);
        self.connect(&[], context)
    }

    fn connect(&self, _: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        Ok(Some(Connected {
            table: Arc::new(NotingTable { log: Arc::clone(&self.0), rows: Arc::default() }),
            declaration: "CREATE TABLE x(v INTEGER, h hidden)".into(),
            risk: Risk::Normal,
            constraint_support: false,
        }))
    }

    fn is_eponymous(&self) -> bool {
        false
    }
}

impl Table for NotingTable {
    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error> {
        for (at, constraint) in info.constraints.iter().enumerate() {
            if constraint.usable && constraint.op == ConstraintOp::LIMIT {
                info.usage[at].argument = 1;
                info.index_number = 1;
            }
        }
        Ok(Plan::Usable)
    }

    fn open(&self) -> Result<Box<dyn TableCursor>, Error> {
        Ok(Box::new(NotingCursor { rows: self.rows.lock().unwrap().clone(), at: 0 }))
    }

    fn update(&self, update: Update<'_>, _: OnConflict, _: &mut Context<'_>) -> Step<Option<i64>> {
        let number = |register: &Register| match register.value() {
            ValueRef::Integer(number) => number,
            _ => 0,
        };
        let mut rows = self.rows.lock().unwrap();
        match update {
            Update::Delete { rowid } => {
                rows.retain(|row| row.0 != number(rowid));
                Ok(Some(None))
            }
            Update::Insert { columns, .. } => {
                let rowid = rows.len() as i64 + 1;
                rows.push((rowid, number(&columns[0])));
                Ok(Some(Some(rowid)))
            }
            Update::Update { old, columns, .. } => {
                rows.iter_mut()
                    .filter(|row| row.0 == number(old))
                    .for_each(|row| row.1 = number(&columns[0]));
                Ok(Some(None))
            }
        }
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn destroy(&self, context: &mut Context<'_>) -> Step<()> {
        self.note("destroy");
        let sql = context.sql.as_deref_mut().unwrap();
        let statement = sql.prepare("DROP TABLE n_data")?.unwrap();
        assert_eq!(sql.step(statement)?, Some(false));
        sql.finish(statement);
        Ok(Some(()))
    }

    fn begin(&self, _: &mut Context<'_>) -> Step<()> {
        self.note("begin");
        Ok(Some(()))
    }

    fn sync(&self, _: &mut Context<'_>) -> Step<()> {
        self.note("sync");
        Ok(Some(()))
    }

    fn commit(&self) {
        self.note("commit");
    }

    fn rollback(&self) {
        self.note("rollback");
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl TableCursor for NotingCursor {
    fn filter(
        &mut self,
        number: i32,
        _: Option<&[u8]>,
        arguments: &[Register],
        _: &mut Context<'_>,
    ) -> Step<()> {
        self.at = 0;
        if number == 1
            && let ValueRef::Integer(limit) = arguments[0].value()
        {
            self.rows.truncate(limit as usize);
        }
        Ok(Some(()))
    }

    fn next(&mut self, _: &mut Context<'_>) -> Step<()> {
        self.at += 1;
        Ok(Some(()))
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.rows.len()
    }

    fn column(&mut self, column: u16, _: bool, out: &mut Register, _: &mut Context<'_>) -> Step<bool> {
        if column == 0 {
            out.set_integer(self.rows[self.at].1);
        }
        Ok(Some(true))
    }

    fn rowid(&mut self, _: &mut Context<'_>) -> Step<i64> {
        Ok(Some(self.rows[self.at].0))
    }
}

#[test]
fn a_virtual_table_lives_through_its_statements() {
    let log = Log::default();
    let connection = open(":memory:");
    connection.register_module("noting", Arc::new(Noting(Arc::clone(&log))));
    let told = || std::mem::take(&mut *log.lock().unwrap());
    run(&connection, "CREATE VIRTUAL TABLE n USING noting(a, b c)");
    assert_eq!(told(), ["create noting main n a b c", "sync", "commit"]);
    check(&connection, "SELECT name FROM sqlite_schema", &["n", "n_data"]);
    check(
        &connection,
        "SELECT sql FROM sqlite_schema",
        &["CREATE VIRTUAL TABLE n USING noting(a, b c)", "CREATE TABLE n_data(x)"],
    );
    run(&connection, "INSERT INTO n VALUES(10),(20)");
    assert_eq!(told(), ["begin", "sync", "commit"]);
    check(&connection, "SELECT rowid, * FROM n WHERE v>5", &["1|10", "2|20"]);
    check(&connection, "SELECT * FROM n LIMIT 1", &["10"]);
    check(&connection, "UPDATE n SET v=v+1 WHERE v=10; SELECT changes(), v FROM n", &["1|11", "1|20"]);
    run(&connection, "BEGIN; DELETE FROM n WHERE v=20; ROLLBACK");
    assert_eq!(told(), ["begin", "sync", "commit", "begin", "rollback"]);
    check(&connection, "PRAGMA table_xinfo(n)", &["0|v|INTEGER|0|NULL|0|0", "1|h||0|NULL|0|1"]);
    check(&connection, "CREATE INDEX i ON n(v)", &["virtual tables may not be indexed"]);
    run(&connection, "DROP TABLE n");
    assert_eq!(told(), ["destroy"]);
    check(&connection, "SELECT name FROM sqlite_schema", &[]);
}
