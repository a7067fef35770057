//! SQL that is too deep, too long or no text at all: an error as SQLite gives it, from the same bytes.

use kernite_testing::engine::{Kernite, Sqlite, kernite_failure};

const SCHEMA: &str = "CREATE TABLE t(a, b); CREATE TABLE u(c)";

fn shown(sql: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(sql).chars().take(200).collect();
    format!("{text} ({} bytes)", sql.len())
}

/// Both engines say the same of each text.
fn check(texts: &[Vec<u8>]) {
    let (sqlite, kernite) = (Sqlite::memory(), Kernite::memory());
    sqlite.0.execute_batch(SCHEMA).expect("a schema");
    kernite.0.execute_batch(SCHEMA).expect("a schema");
    // SQLITE_LIMIT_VARIABLE_NUMBER, whose default is the builder's choice.
    sqlite.0.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 32_766).expect("a limit");
    kernite.0.raw().limit(9, 32_766);
    let mut faults = Vec::new();
    for sql in texts {
        let (expected, actual) = (sqlite.prepares(sql), kernite.prepares(sql));
        if expected != actual {
            faults.push(format!("{}\n  SQLite:  {expected:?}\n  Kernite: {actual:?}", shown(sql)));
        }
    }
    assert!(faults.is_empty(), "{} of {} differ:\n{}", faults.len(), texts.len(), faults.join("\n"));
}

fn nested(open: &str, middle: &str, close: &str, levels: usize) -> String {
    format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn what_nests_too_deep_is_refused_where_sqlite_refuses_it() {
    let mut texts = Vec::new();
    for levels in
        [10, 90, 98, 99, 100, 101, 900, 990, 995, 996, 997, 998, 999, 1000, 1001, 1002, 1100, 5000, 50_000]
    {
        for (head, open, middle, close) in [
            ("SELECT ", "(", "1", ")"),
            ("SELECT ", "-", "a", ""),
            ("SELECT ", "NOT ", "1", ""),
            ("SELECT ", "~", "1", ""),
            ("SELECT ", "abs(", "1", ")"),
            ("SELECT ", "CASE WHEN 1 THEN ", "1", " END"),
            ("SELECT ", "a+", "1", ""),
            ("SELECT ", "1||", "1", ""),
            ("SELECT ", "1 IN (", "1", ")"),
            ("SELECT 1 FROM t WHERE ", "a=1 AND ", "1", ""),
            ("SELECT 1 FROM t WHERE ", "a=1 OR ", "1", ""),
            ("SELECT a ", "COLLATE nocase ", "", " FROM t"),
        ] {
            texts.push(format!("{head}{}", nested(open, middle, close, levels)).into_bytes());
        }
    }
    for levels in [10, 50, 90, 99, 100, 101, 110, 300] {
        for (head, open, middle, close) in
            [("", "SELECT * FROM (", "SELECT 1", ")"), ("", "WITH x AS (", "SELECT 1", ") SELECT * FROM x")]
        {
            texts.push(format!("{head}{}", nested(open, middle, close, levels)).into_bytes());
        }
    }
    check(&texts);
}

#[test]
fn what_has_too_many_parts_is_refused_where_sqlite_refuses_it() {
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let mut texts = Vec::new();
    for count in [
        10, 63, 64, 65, 100, 127, 128, 499, 500, 501, 999, 1000, 1001, 1999, 2000, 2001, 2002, 32766, 32767,
        33000,
    ] {
        texts.push(format!("SELECT {}", list("1", count)));
        texts.push(format!("SELECT {}", list("?", count)));
        texts.push(format!("SELECT ?{count}"));
        texts.push(format!("SELECT max({})", list("1", count)));
        texts.push(format!("SELECT a IN ({}) FROM t", list("1", count)));
        texts.push(format!("INSERT INTO t VALUES({})", list("1", count)));
        texts.push(format!("INSERT INTO u VALUES {}", list("(1)", count)));
        let columns: Vec<String> = (0..count).map(|nr| format!("c{nr}")).collect();
        if count < 3000 {
            texts.push(format!("CREATE TABLE x({})", columns.join(",")));
            texts.push(format!("SELECT * FROM t ORDER BY {}", list("a", count)));
            texts.push(format!("SELECT * FROM t GROUP BY {}", list("a", count)));
            texts.push(format!("CREATE INDEX i ON t({})", list("a", count)));
            texts.push(format!("UPDATE t SET {}", list("a=1", count)));
            texts.push(vec!["SELECT 1"; count].join(" UNION ALL "));
            texts.push(vec!["SELECT 1"; count].join(" UNION "));
        }
        if count <= 100 {
            let names: Vec<String> = (0..count).map(|nr| format!("t AS t{nr}")).collect();
            texts.push(format!("SELECT 1 FROM {}", names.join(",")));
        }
    }
    check(&texts.into_iter().map(String::into_bytes).collect::<Vec<_>>());
}

#[test]
fn bytes_that_are_no_text_are_taken_as_sqlite_takes_them() {
    let texts: &[&[u8]] = &[
        b"SELECT 1\0garbage",
        b"SELECT 'a\0b'",
        b"SELECT \"a\0b\"",
        b"\0SELECT 1",
        b"SELECT /* \0 */ 1",
        b"SELECT -- \0\n 1",
        b"",
        b"   ",
        b";",
        b"\xef\xbb\xbfSELECT 1",
        b"SELECT '\xff\xfe'",
        b"SELECT \xff",
        b"SELECT a\xff FROM t",
        b"SELECT [\xc3\x28] FROM t",
        b"SELECT \"\xe2\x82\" FROM t",
        b"SELECT * FROM \xf0\x28\x8c\x28",
        b"SELECT x'\xff'",
        b"SELECT x'0'",
        b"SELECT x'0g'",
        b"SELECT 'unterminated",
        b"SELECT \"unterminated",
        b"SELECT [unterminated",
        b"SELECT `unterminated",
        b"SELECT /* unterminated",
        b"SELECT 1 /* unterminated",
        b"SELECT $",
        b"SELECT @",
        b"SELECT :",
        b"SELECT ?0",
        b"SELECT ?99999999999999999999",
        b"SELECT #1",
        b"SELECT 1 !",
        b"SELECT 1 & ",
        b"SELECT 0x",
        b"SELECT 0xfffffffffffffffff",
        b"SELECT 1e",
        b"SELECT 1e+",
        b"SELECT 1.5.5",
        b"SELECT 12abc",
        b"SELECT 1__0",
        b"SELECT \\",
        b"SELECT {",
        b"SELECT 1;SELECT",
        b"SELEC 1",
        b"\x01",
        b"SELECT \x80\x80\x80\x80",
        "SELECT 'é' AS \u{fffd}, \u{feff}".as_bytes(),
    ];
    check(&texts.iter().map(|sql| sql.to_vec()).collect::<Vec<_>>());
}

#[test]
fn a_text_longer_than_the_limit_is_refused() {
    let (sqlite, kernite) = (Sqlite::memory(), Kernite::memory());
    sqlite.0.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_SQL_LENGTH, 1000).expect("a limit");
    // SQLITE_LIMIT_SQL_LENGTH.
    kernite.0.raw().limit(1, 1000);
    for len in [900, 990, 998, 999, 1000, 1001, 1002, 2000, 100_000] {
        let sql = format!("SELECT '{}'", "x".repeat(len - 9));
        let failure = kernite.0.prepare(&sql).err().map(|error| kernite_failure(&error));
        assert_eq!(sqlite.prepares(sql.as_bytes()), failure, "{} bytes", sql.len());
    }
}

/// A value may not be longer than the limit, wherever it is made.
#[test]
fn a_value_longer_than_the_limit_is_too_big() {
    use kernite_testing::engine::Engine;
    let (mut sqlite, mut kernite) = (Sqlite::memory(), Kernite::memory());
    sqlite.0.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, 5000).expect("a limit");
    // SQLITE_LIMIT_LENGTH.
    kernite.0.raw().limit(0, 5000);
    for engine in [&mut sqlite as &mut dyn Engine, &mut kernite] {
        engine.must("CREATE TABLE t(a, b)");
    }
    let mut faults = Vec::new();
    for len in [4900, 4990, 4999, 5000, 5001, 9000, 2_000_000_000] {
        for sql in [
            format!("SELECT length(zeroblob({len}))"),
            format!("SELECT length(randomblob({len}))"),
            format!("SELECT length(hex(zeroblob({})))", len / 2),
            format!("SELECT length(printf('%{}s', 'x'))", len.min(20_000)),
            format!("SELECT length(replace('aaaaaaaaaa', 'a', printf('%{}s', 'x')))", len.min(20_000) / 10),
            format!(
                "SELECT length(zeroblob({}) || zeroblob({}))",
                len.min(9000) / 2,
                len.min(9000) - len.min(9000) / 2
            ),
            format!(
                "SELECT length(group_concat(x, '')) FROM (SELECT printf('%{}s', 'x') x UNION ALL SELECT 'yyyy')",
                len.min(9000) - 4
            ),
            format!("SELECT length(quote(zeroblob({})))", len.min(9000) / 2 - 2),
            format!("INSERT INTO t VALUES(zeroblob({}), zeroblob({}))", len.min(9000) / 2, len.min(9000) / 2),
            "SELECT count(*), sum(length(a) + length(b)) FROM t".to_string(),
        ] {
            let (expected, actual) = (sqlite.run(&sql), kernite.run(&sql));
            if (&actual.failure, &actual.rows) != (&expected.failure, &expected.rows) {
                faults.push(format!("{sql}\n  SQLite:  {expected:?}\n  Kernite: {actual:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
