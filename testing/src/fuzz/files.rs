//! Files: any bytes as a database, as the WAL of one, as the journal of one. They are read, checked and written to, and answered with errors
//! that fit; a file that is only read stays as it was; two who recover the same bytes see the same.
//!
//! Never: a file of the machine. The database beside a WAL or a journal is made in memory.

use std::sync::Arc;
use std::sync::OnceLock;

use kernite_io::MemoryIo;

use crate::backend::{get_file, put_file};
use crate::damaged::{self, is_fitting};
use crate::engine::{Engine, Kernite, Outcome};

const PATH: &str = "/fuzzed.db";

const SCHEMA: &str = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note TEXT, data BLOB);
    CREATE INDEX item_name ON item(name DESC, price); CREATE TABLE pair(a TEXT, b INTEGER, c BLOB, PRIMARY KEY(a, b)) WITHOUT ROWID;
    CREATE TABLE log(nr INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
    CREATE VIEW dear AS SELECT id, name FROM item WHERE price > 2;";

const ROWS: &str = "INSERT INTO item VALUES(1, 'one', 1.5, 'note', zeroblob(1200)), (33, 'two', 2, NULL, x'0102'), (40, NULL, 3, 'x', 'text');
    INSERT INTO pair VALUES('k', 5, zeroblob(300)), ('l', 6, NULL); INSERT INTO log(what) VALUES('made');";

/// A database and the log that a transaction under way left beside it.
pub struct Base {
    pub database: Vec<u8>,
    pub log: Vec<u8>,
}

fn base(journal_mode: &str, suffix: &str) -> Base {
    let io = MemoryIo::deterministic(1);
    let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("a database in memory opens");
    engine.must(&format!(
        "PRAGMA page_size=512; PRAGMA journal_mode={journal_mode}; PRAGMA wal_autocheckpoint=0"
    ));
    engine.must(&format!("{SCHEMA} {ROWS} PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size=2; BEGIN"));
    engine.must(
        "UPDATE item SET name = 'changed', data = zeroblob(900); INSERT INTO log(what) VALUES('changed')",
    );
    if suffix == "-wal" {
        engine.must("COMMIT; BEGIN");
    }
    // With two pages of cache the changes are on their way to the files already.
    engine.must("INSERT INTO item(name, data) SELECT 'more', zeroblob(700) FROM item; UPDATE item SET price = price + 1");
    let file = |path: &str| get_file(&io, path).expect("it was written");
    Base { database: file(PATH), log: file(&format!("{PATH}{suffix}")) }
}

/// A database with a WAL beside it.
pub fn wal_base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| base("wal", "-wal"))
}

/// A database with a hot journal beside it.
pub fn journal_base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| base("delete", "-journal"))
}

/// The bytes as a database.
pub(super) fn database(bytes: &[u8]) -> Result<(), String> {
    let io = MemoryIo::deterministic(2);
    put_file(&io, PATH, bytes);
    let Some(mut engine) = open(&io)? else { return Ok(()) };
    let read = damaged::run_all_of(&mut engine, &damaged::READS)
        .and_then(|()| damaged::run_all_of(&mut engine, &damaged::CHECKS));
    read?;
    if get_file(&io, PATH).as_deref() != Some(bytes) {
        return Err("reading changed the file".into());
    }
    write_on(&mut engine, bytes)
}

/// The bytes as the WAL of a healthy database.
pub(super) fn wal(bytes: &[u8]) -> Result<(), String> {
    beside(&wal_base().database, "-wal", bytes)
}

/// The bytes as the journal of a database in the middle of a transaction.
pub(super) fn journal(bytes: &[u8]) -> Result<(), String> {
    beside(&journal_base().database, "-journal", bytes)
}

fn open(io: &MemoryIo) -> Result<Option<Kernite>, String> {
    match Kernite::in_world(Arc::new(io.clone()), PATH) {
        Ok(mut engine) => {
            engine.bound();
            engine.run_all("PRAGMA cache_size=20");
            Ok(Some(engine))
        }
        Err(failure) if is_fitting(failure.code) => Ok(None),
        Err(failure) => Err(format!("error {} on opening: {}", failure.code, failure.message)),
    }
}

/// A few writes, chosen by the bytes.
fn write_on(engine: &mut Kernite, bytes: &[u8]) -> Result<(), String> {
    let sum = bytes.iter().fold(0usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let first = sum % damaged::WRITES.len();
    let writes = &damaged::WRITES[first..(first + 3).min(damaged::WRITES.len())];
    damaged::run_all_of(engine, writes)?;
    damaged::run_all_of(engine, &damaged::READS[..4])
}

fn beside(database: &[u8], suffix: &str, log: &[u8]) -> Result<(), String> {
    let look = || -> Result<Option<(Vec<Outcome>, Kernite)>, String> {
        let io = MemoryIo::deterministic(3);
        put_file(&io, PATH, database);
        put_file(&io, &format!("{PATH}{suffix}"), log);
        let Some(mut engine) = open(&io)? else { return Ok(None) };
        damaged::run_all_of(&mut engine, &damaged::CHECKS)?;
        let seen = damaged::READS.iter().map(|sql| engine.run(sql)).collect();
        Ok(Some((seen, engine)))
    };
    match (look()?, look()?) {
        (Some((first, mut engine)), Some((second, _))) if first == second => write_on(&mut engine, log),
        (None, None) => Ok(()),
        _ => Err("two who recovered the same bytes saw different things".into()),
    }
}
