//! Damaged files: what they are asked, and which answers fit.
//!
//! Never: what the damage is. Whatever it is, a panic, a hang or an internal error is no answer.

use crate::engine::{Engine, Kernite};

/// What is asked of a file that may be damaged.
pub const READS: [&str; 12] = [
    "SELECT count(*), sum(length(name)), sum(price) FROM item",
    "SELECT id, length(data), note FROM item ORDER BY id DESC",
    "SELECT name, price FROM item ORDER BY name DESC, price",
    "SELECT data FROM item WHERE id = 33",
    "SELECT id FROM item WHERE note = 'alpha1' OR price > 60",
    "SELECT a, b, length(c) FROM pair ORDER BY b",
    "SELECT count(*) FROM item i JOIN pair p ON p.b = i.id % 20",
    "SELECT note, count(*) FROM item GROUP BY note",
    "SELECT * FROM log",
    "SELECT max(id), min(price) FROM item",
    "SELECT * FROM dear",
    "SELECT type, name, sql FROM sqlite_schema",
];

/// The checks.
pub const CHECKS: [&str; 2] = ["PRAGMA integrity_check", "PRAGMA quick_check(5)"];

/// What is done to it.
pub const WRITES: [&str; 16] = [
    "INSERT INTO item VALUES(NULL, 'new', 1.5, 'note', zeroblob(700))",
    "INSERT INTO item(name, data) SELECT name || '+', data FROM item LIMIT 20",
    "UPDATE item SET name = 'changed', data = zeroblob(length(data) / 2) WHERE id % 4 = 0",
    "DELETE FROM item WHERE id BETWEEN 10 AND 60",
    "DELETE FROM pair WHERE b < 10",
    "INSERT OR REPLACE INTO pair VALUES('k', 5, zeroblob(3000))",
    "CREATE INDEX damaged ON item(data)",
    "REINDEX",
    "PRAGMA incremental_vacuum(4)",
    "CREATE TABLE another(x, y)",
    "INSERT INTO another SELECT note, data FROM item",
    "DROP TABLE pair",
    "DELETE FROM item",
    "DROP INDEX item_note",
    "DROP TABLE item",
    "PRAGMA wal_checkpoint(TRUNCATE)",
];

/// What a damaged file may be answered with. Damage in the schema makes objects disappear, damage in rows breaks constraints, and
/// a changed header can ask for what nobody has; what may not come is a fault of ours (INTERNAL, MISUSE, …).
pub fn is_fitting(code: i32) -> bool {
    const ERROR: i32 = 1;
    // A checkpoint in the middle of a transaction.
    const LOCKED: i32 = 6;
    const NOMEM: i32 = 7;
    const READONLY: i32 = 8;
    const INTERRUPT: i32 = 9;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const TOOBIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const NOTADB: i32 = 26;
    [ERROR, LOCKED, NOMEM, READONLY, INTERRUPT, CORRUPT, FULL, CANTOPEN, TOOBIG, CONSTRAINT, MISMATCH, NOTADB]
        .contains(&(code & 0xff))
}

/// Runs statements, of which each may fail in a fitting way.
///
/// # Errors
/// The first failure that does not fit.
pub fn run_all_of(engine: &mut Kernite, statements: &[&str]) -> Result<(), String> {
    for sql in statements {
        if let Some(failure) = engine.run(sql).failure
            && (!is_fitting(failure.code) || failure.message.contains("not supported"))
        {
            return Err(format!("error {}: {} from: {sql}", failure.code, failure.message));
        }
    }
    Ok(())
}
