//! SQL text: both engines take it or refuse it with the same message; what they take and what cannot change anything gives the same rows.
//!
//! Never: statements that depend on chance or on the clock.

use std::cell::RefCell;

use super::text_of;
use crate::engine::{Engine, Failure, Kernite, Outcome, Sqlite};

const SCHEMA: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c REAL, d);
    CREATE INDEX t_bc ON t(b, c DESC); CREATE UNIQUE INDEX t_d ON t(d) WHERE d > 1;
    CREATE TABLE u(x TEXT PRIMARY KEY, y INT NOT NULL DEFAULT 3, z AS (y + 1)) WITHOUT ROWID;
    CREATE VIEW v AS SELECT a, x FROM t LEFT JOIN u ON b = x;
    CREATE TRIGGER w AFTER INSERT ON t BEGIN UPDATE u SET y = y + 1 WHERE x = new.b; END;
    INSERT INTO u(x, y) VALUES('one', 1), ('Two', 2), ('three', 30);
    INSERT INTO t VALUES(1, 'ONE', 1.5, 1), (2, NULL, -2, 'x'), (3, 'two', NULL, x'0102'), (7, 'one', 1e10, 2.5);";

struct Pair {
    kernite: Kernite,
    sqlite: Sqlite,
}

impl Pair {
    fn new() -> Pair {
        let (mut kernite, mut sqlite) = (Kernite::memory(), Sqlite::memory());
        let equal = "PRAGMA foreign_keys=OFF";
        let _ = (kernite.run(equal), sqlite.run(equal));
        kernite.must(SCHEMA);
        sqlite.must(SCHEMA);
        kernite.bound();
        sqlite.bound();
        Pair { kernite, sqlite }
    }
}

thread_local! {
    static PAIR: RefCell<Option<Pair>> = const { RefCell::new(None) };
}

/// What a query must not contain to give the same twice, or not to take for ever.
const UNSTEADY: [&str; 14] = [
    "random",
    "now",
    "date",
    "time",
    "julian",
    "epoch",
    "current",
    "sqlite_",
    "pragma_",
    "recursive",
    "generate",
    "changes",
    "rowid",
    "zeroblob",
];

/// Whether running it is safe, and comparable.
fn is_steady_query(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let first = lower.trim_start();
    (first.starts_with("select") || first.starts_with("values"))
        && !UNSTEADY.iter().any(|word| lower.contains(word))
        && lower.matches("join").count() + lower.matches(',').count() < 12
}

fn shown(outcome: &Outcome) -> String {
    let rows: Vec<String> = outcome.rows.iter().take(20).map(|row| format!("{row:?}")).collect();
    format!("{:?} {} {:?}", outcome.columns, rows.join("\n"), outcome.failure)
}

fn is_syntax(failure: &Failure) -> bool {
    let message = &failure.message;
    ["syntax error", "unrecognized token", "incomplete input"].iter().any(|text| message.contains(text))
}

/// Of several faults each engine names the one that it meets first. SQLite's parser acts as it reads, and so meets a missing table before a
/// syntax error behind it; only where both speak of syntax they have to speak of the same.
fn differ(kernite: Option<&Failure>, sqlite: Option<&Failure>) -> bool {
    match (kernite, sqlite) {
        (Some(kernite), Some(sqlite)) => is_syntax(kernite) && is_syntax(sqlite) && kernite != sqlite,
        (None, None) => false,
        _ => true,
    }
}

/// What one engine refuses later than the other: ALTER tries the changed schema when it is prepared and not when it is run; and LIMIT belongs to
/// UPDATE and DELETE only as SQLite is built for distributions.
fn is_told_elsewhere(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    has("alter") || (has("delete") || has("update")) && (has("limit") || has("order"))
}

/// See the module's header.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    PAIR.with(|cell| {
        let mut cell = cell.borrow_mut();
        let pair = cell.get_or_insert_with(Pair::new);
        let result = compare(pair, bytes);
        // Preparing a pragma may set something; a text that failed is run on a fresh pair next time.
        let sets = bytes.windows(6).any(|word| word.eq_ignore_ascii_case(b"pragma"));
        if sets || result.is_err() {
            *cell = None;
        }
        result
    })
}

fn compare(pair: &mut Pair, bytes: &[u8]) -> Result<(), String> {
    let (kernite, sqlite) = (pair.kernite.prepares(bytes), pair.sqlite.prepares(bytes));
    let text = String::from_utf8_lossy(bytes);
    if !is_told_elsewhere(&text) && differ(kernite.as_ref(), sqlite.as_ref()) {
        return Err(format!("{text}\n  SQLite:  {sqlite:?}\n  Kernite: {kernite:?}"));
    }
    let Some(text) = text_of(bytes).filter(|text| kernite.is_none() && is_steady_query(text)) else {
        return Ok(());
    };
    let (kernite, sqlite) = (pair.kernite.run(text), pair.sqlite.run(text));
    let same = kernite.columns == sqlite.columns
        && kernite.rows == sqlite.rows
        && !differ(kernite.failure.as_ref(), sqlite.failure.as_ref());
    if same {
        Ok(())
    } else {
        Err(format!("{text}\n  SQLite:  {}\n  Kernite: {}", shown(&sqlite), shown(&kernite)))
    }
}
