//! Writes the seed corpora of the fuzz targets: small inputs of each kind, from which libFuzzer goes on.
//!
//! Files that findings added are left alone.

use std::path::Path;

use kernite_btree::ValueRef;
use kernite_btree::record::encode;
use kernite_testing::engine::Kind;
use kernite_testing::fuzz::{TARGETS, journal_base, wal_base};

const SQL: [&str; 34] = [
    "SELECT a, b FROM t WHERE a > 1 ORDER BY b DESC LIMIT 3 OFFSET 1",
    "SELECT count(*), sum(a), group_concat(b, '-') FROM t GROUP BY c HAVING count(*) > 1",
    "SELECT * FROM t NATURAL JOIN u USING(x)",
    "SELECT t.a, u.* FROM t LEFT JOIN u ON t.b = u.x AND u.y BETWEEN 1 AND 5",
    "SELECT a FROM t UNION ALL SELECT y FROM u EXCEPT SELECT 3 ORDER BY 1",
    "WITH c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 9) SELECT * FROM c",
    "SELECT row_number() OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
    "SELECT CASE b WHEN 'one' THEN 1 WHEN NULL THEN 2 ELSE c END, CAST(d AS TEXT) COLLATE RTRIM FROM t",
    "SELECT (1, 2) < (SELECT 1, 3), a IN (1, 2, NULL), b NOT IN (SELECT x FROM u), EXISTS (SELECT 1) FROM t",
    "SELECT b LIKE 'o%' ESCAPE '\\', b GLOB '*[a-z]', x'00ff', 1e3, .5, 0x1F, 'it''s', \"b\", [a], `c` FROM t",
    "SELECT b ->> '$.a', b -> 1, ~a, -a, NOT a, a IS NOT DISTINCT FROM 3, a ISNULL, a << 2 | 1 & 3 FROM t",
    "INSERT INTO t(a, b) VALUES(1, 'x'), (2, NULL) ON CONFLICT(a) DO UPDATE SET b = excluded.b WHERE a > 1 RETURNING *",
    "INSERT OR REPLACE INTO u DEFAULT VALUES",
    "REPLACE INTO t SELECT NULL, x, y, z FROM u",
    "UPDATE OR IGNORE t SET (b, c) = (SELECT x, y FROM u LIMIT 1), d = d + 1 FROM u WHERE u.x = t.b",
    "DELETE FROM t INDEXED BY t_bc WHERE b = 'one' AND c IS NULL",
    "CREATE TABLE IF NOT EXISTS main.n(a INT PRIMARY KEY ON CONFLICT FAIL, b TEXT DEFAULT (1+1) CHECK(b <> ''), c REFERENCES t(a) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, UNIQUE(a, b)) STRICT, WITHOUT ROWID",
    "CREATE TEMP TRIGGER tr INSTEAD OF UPDATE OF a ON v WHEN new.a > 1 BEGIN SELECT RAISE(ABORT, 'no'); DELETE FROM u; END",
    "CREATE UNIQUE INDEX i ON t(lower(b) COLLATE NOCASE DESC, c) WHERE d NOTNULL",
    "CREATE VIEW w(p, q) AS SELECT a, b FROM t WHERE a IN (VALUES(1), (2))",
    "CREATE VIRTUAL TABLE f USING fts5(a, b, tokenize = 'porter')",
    "ALTER TABLE t RENAME COLUMN b TO bb",
    "ALTER TABLE u ADD COLUMN w TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE",
    "ALTER TABLE t DROP COLUMN d",
    "DROP TABLE IF EXISTS main.t",
    "EXPLAIN QUERY PLAN SELECT * FROM v WHERE a = ?1 OR x = :name",
    "PRAGMA main.table_xinfo(t)",
    "SAVEPOINT one; ROLLBACK TO SAVEPOINT one; RELEASE one",
    "BEGIN EXCLUSIVE TRANSACTION",
    "ATTACH 'x.db' AS y; DETACH DATABASE y",
    "ANALYZE main.t; REINDEX NOCASE; VACUUM INTO 'z'",
    "SELECT max(a) FILTER (WHERE b IS NOT NULL), json_group_array(DISTINCT c ORDER BY c) FROM t -- comment",
    "VALUES(1, @a, $b::c(d), ?3) /* open",
    "SELECT * FROM (SELECT a FROM t ORDER BY c NULLS LAST) AS s, json_each('[1]') WINDOW w AS (w2 GROUPS UNBOUNDED PRECEDING)",
];

const JSON: [&str; 18] = [
    "{}",
    "[]",
    "null",
    "-1.5e+10",
    "\"a\\u00e9\\n\\\"\"",
    "[1,2,[3,{\"a\":null}],true,false]",
    "{\"a\":{\"b\":[1,2,3]},\"c\":\"x\"}",
    "{a:1,'b':+2,/*c*/d:.5,e:5.,f:0x1F,g:Infinity,}",
    "[NaN,-Infinity]",
    "\"\\ud834\\udd1e\"",
    "'single \\\n line'",
    "[[[[[[[[[[1]]]]]]]]]]",
    "{\"a\":1,\"a\":2}",
    "$.a[#-1].\"b c\"",
    "$[0]",
    " \t\n[1 , 2 ]",
    "{\"k\": 12345678901234567890}",
    "// c\n[1,]",
];

const DATES: [&str; 20] = [
    "2024-02-29",
    "2024-02-29 23:59:59.999",
    "2024-02-29T01:02:03Z",
    "2001-01-01 10:00+05:30",
    "12:34",
    "12:34:56.789",
    "2460000.5",
    "-4713-11-24 12:00:00",
    "9999-12-31 23:59:59",
    "1700000000",
    "+1 year",
    "-3.5 days",
    "+00:30",
    "start of month",
    "weekday 6",
    "unixepoch",
    "julianday",
    "ceiling",
    "+0001-02-03 04:05:06.789",
    "%Y-%m-%d %H:%M:%f %j %s",
];

const NUMBERS: [&str; 22] = [
    "0",
    "-0.0",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e308",
    "1.7976931348623157e309",
    "4.9e-324",
    "0.1",
    "123456789012345678901234567890",
    ".5",
    "5.",
    "1e5",
    "0x7fffffffffffffff",
    "0xFFFFFFFFFFFFFFFF",
    "  12 ",
    "12abc",
    "+7",
    "1_000",
    "2.2250738585072011e-308",
    "179769313486231580793e289",
];

fn records() -> Vec<Vec<u8>> {
    let sets: [&[ValueRef<'_>]; 5] = [
        &[ValueRef::Null, ValueRef::Integer(0), ValueRef::Integer(1), ValueRef::Integer(-1)],
        &[ValueRef::Integer(i64::MIN), ValueRef::Real(1.5), ValueRef::Text(b"text")],
        &[ValueRef::Blob(&[0, 255, 1]), ValueRef::Text(b""), ValueRef::Integer(70_000)],
        &[ValueRef::Text(b"abc"), ValueRef::Integer(1 << 40)],
        &[ValueRef::Text(b"ABC"), ValueRef::Integer(1 << 23)],
    ];
    let one = |values: &[ValueRef<'_>]| {
        let mut out = Vec::new();
        encode(values, true, &mut out);
        out
    };
    sets.windows(2)
        .enumerate()
        .map(|(flags, pair)| {
            let (left, right) = (one(pair[0]), one(pair[1]));
            [vec![flags as u8 * 37, left.len() as u8], left, right].concat()
        })
        .collect()
}

/// Small databases of several layouts, made by SQLite.
fn databases() -> Vec<Vec<u8>> {
    let layouts = [
        ("PRAGMA page_size=512", 12),
        ("PRAGMA page_size=512; PRAGMA auto_vacuum=1", 9),
        ("PRAGMA page_size=1024; PRAGMA encoding='UTF-16le'", 3),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let made = layouts.iter().enumerate().map(|(at, (pragmas, rows))| {
        let path = folder.path().join(format!("{at}.db"));
        let mut engine = Kind::Sqlite.open(&path);
        engine.must(pragmas);
        engine.must(
            "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note TEXT, data BLOB); \
             CREATE INDEX item_name ON item(name DESC); CREATE TABLE pair(a TEXT, b INT, c BLOB, PRIMARY KEY(a, b)) WITHOUT ROWID; \
             CREATE TABLE log(nr INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT); CREATE VIEW dear AS SELECT id, name FROM item",
        );
        for row in 0..*rows {
            engine.must(&format!(
                "INSERT INTO item VALUES({}, 'name {row}', {row}.5, 'note', zeroblob({})); INSERT INTO pair VALUES('k', {row}, NULL)",
                row * 3,
                row * 90
            ));
        }
        engine.must("DELETE FROM item WHERE id % 5 = 1; INSERT INTO log(what) VALUES('made')");
        drop(engine);
        std::fs::read(path).expect("SQLite made a file")
    });
    made.collect()
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match name {
        "sql" => texts(&SQL),
        "json" => texts(&JSON),
        "datetime" => texts(&DATES),
        "number" => texts(&NUMBERS),
        "record" => records(),
        "database" => databases(),
        "wal" => vec![wal_base().log.clone()],
        _ => vec![journal_base().log.clone()],
    }
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in TARGETS {
        let folder = root.join(target.name);
        std::fs::create_dir_all(&folder).expect("a folder for the corpus");
        for (at, seed) in seeds(target.name).into_iter().enumerate() {
            assert!(seed.len() <= target.len_max, "{} {at} has {} bytes", target.name, seed.len());
            std::fs::write(folder.join(format!("seed-{at:02}")), seed).expect("written");
        }
    }
}
