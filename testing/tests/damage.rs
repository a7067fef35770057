//! Damaged files: whatever the bytes say, statements end, with rows or with an error that fits, and reading changes nothing.
//!
//! `KERNITE_DAMAGE_FILES` says how many files are tried, `KERNITE_DAMAGE_SEED` which comes first: a failure prints its seed, and
//! `KERNITE_DAMAGE_SEED=<seed> KERNITE_DAMAGE_FILES=1` tries that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kernite_io::MemoryIo;
use kernite_testing::backend::{get_file, put_file};
use kernite_testing::engine::{Engine, Kernite, Kind};
use kernite_testing::mutate;
use kernite_testing::random::{Random, count_from_env};
use kernite_testing::sample::{self, Layout};
use kernite_testing::watchdog::Watchdog;

/// A database file and the log beside it, as SQLite left them.
struct Base {
    name: String,
    database: Vec<u8>,
    /// The suffix of its name, and its bytes.
    log: Option<(&'static str, Vec<u8>)>,
}

fn read(path: &Path, suffix: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("{}{suffix}", path.display())).ok().filter(|bytes| !bytes.is_empty())
}

fn base(layout: &Layout, rows: usize, keeps_log: bool) -> Base {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("base.db");
    let mut engine = Kind::Sqlite.open(&path);
    sample::fill(&mut *engine, layout, rows, &mut Random::new(21));
    let name = format!("{layout:?}, {rows} rows, log: {keeps_log}");
    if !keeps_log {
        drop(engine);
        let database = read(&path, "").expect("SQLite made a file");
        return Base { name, database, log: None };
    }
    engine.must("PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=2");
    sample::change(&mut *engine, layout, &mut Random::new(22));
    engine.must("BEGIN; UPDATE item SET name = 'never', data = zeroblob(length(data))");
    let suffix = if layout.journal_mode == "wal" { "-wal" } else { "-journal" };
    let log = read(&path, suffix).expect("SQLite left a log");
    Base { name, database: read(&path, "").expect("SQLite made a file"), log: Some((suffix, log)) }
}

fn bases() -> Vec<Base> {
    let mut bases = Vec::new();
    for (page_size, encoding, auto_vacuum) in [
        (512, "UTF-8", "none"),
        (512, "UTF-16le", "full"),
        (1024, "UTF-8", "incremental"),
        (1024, "UTF-16be", "none"),
        (4096, "UTF-8", "none"),
        (65536, "UTF-8", "full"),
    ] {
        for (journal_mode, keeps_log) in [("delete", false), ("delete", true), ("wal", true)] {
            let layout = Layout { page_size, encoding, auto_vacuum, journal_mode };
            let rows = if page_size > 4096 { 12 } else { 40 };
            bases.push(base(&layout, rows, keeps_log));
        }
    }
    bases
}

const READS: [&str; 12] = [
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

const CHECKS: [&str; 2] = ["PRAGMA integrity_check", "PRAGMA quick_check(5)"];

const WRITES: [&str; 16] = [
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
fn is_fitting(code: i32) -> bool {
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

fn run_all_of(engine: &mut Kernite, statements: &[&str]) -> Result<(), String> {
    for sql in statements {
        if let Some(failure) = engine.run(sql).failure
            && (!is_fitting(failure.code) || failure.message.contains("not supported"))
        {
            return Err(format!("error {}: {} from: {sql}", failure.code, failure.message));
        }
    }
    Ok(())
}

const PATH: &str = "/damaged.db";

/// Damages a file as `seed` says and uses it.
fn try_one(bases: &[Base], seed: u64, watchdog: &Watchdog) -> Result<(), String> {
    let mut random = Random::new(seed);
    let base = random.pick(bases);
    let io = MemoryIo::deterministic(seed);
    let mut database = base.database.clone();
    let hits_log = base.log.is_some() && random.one_in(2);
    if !hits_log {
        mutate::database(&mut database, &mut random);
    }
    put_file(&io, PATH, &database);
    if let Some((suffix, log)) = &base.log {
        let mut log = log.clone();
        if hits_log || random.one_in(4) {
            mutate::log(&mut log, &mut random);
        }
        put_file(&io, &format!("{PATH}{suffix}"), &log);
    }
    let named = |error: String| format!("{error}\n  base: {}", base.name);
    let mut engine = match Kernite::in_world(Arc::new(io.clone()), PATH) {
        Ok(engine) => engine,
        Err(failure) if is_fitting(failure.code) => return Ok(()),
        Err(failure) => return Err(named(format!("error {} on opening: {}", failure.code, failure.message))),
    };
    watchdog.interrupt_with(engine.0.get_interrupt_handle());
    engine.run_all("PRAGMA cache_size=20");
    run_all_of(&mut engine, &READS).map_err(named)?;
    run_all_of(&mut engine, &CHECKS).map_err(named)?;
    if base.log.is_none() && get_file(&io, PATH).as_deref() != Some(&database[..]) {
        return Err(named("reading changed the file".to_string()));
    }
    // Some writes, in a transaction or each by itself, and a look at what became of it.
    let first = random.below(WRITES.len());
    let count = 3 + random.below(6);
    let transaction = random.one_in(2);
    if transaction {
        run_all_of(&mut engine, &["BEGIN"]).map_err(named)?;
    }
    run_all_of(&mut engine, &WRITES[first..(first + count).min(WRITES.len())]).map_err(named)?;
    run_all_of(&mut engine, &READS[..4]).map_err(named)?;
    if !engine.0.is_autocommit() {
        let end = if random.one_in(2) { "COMMIT" } else { "ROLLBACK" };
        run_all_of(&mut engine, &[end]).map_err(named)?;
    }
    run_all_of(&mut engine, &CHECKS).map_err(named)
}

#[test]
fn no_damaged_file_makes_kernite_panic_hang_or_lie_about_the_reason() {
    let files = count_from_env("KERNITE_DAMAGE_FILES", 20_000);
    let first = count_from_env("KERNITE_DAMAGE_SEED", 0) as u64;
    let bases = bases();
    let (next, interrupted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            // Damage must not need much stack either: a thread of C's default size has less than the main thread.
            let worker = || {
                let watchdog = Watchdog::new(Duration::from_secs(20));
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= files || failures.lock().expect("no panic").len() >= 200 {
                        return;
                    }
                    let seed = first + at as u64;
                    watchdog.begin(format!("KERNITE_DAMAGE_SEED={seed}"));
                    let result = catch_unwind(AssertUnwindSafe(|| try_one(&bases, seed, &watchdog)));
                    interrupted.fetch_add(usize::from(watchdog.end()), Ordering::Relaxed);
                    let failure = match result {
                        Ok(Ok(())) => continue,
                        Ok(Err(failure)) => failure,
                        Err(panic) => format!("panic: {}", panic_text(&*panic)),
                    };
                    failures.lock().expect("no panic").push(format!("KERNITE_DAMAGE_SEED={seed}: {failure}"));
                }
            };
            scope.spawn(worker);
        }
    });
    let failures = failures.into_inner().expect("no panic");
    println!("{files} files, {} interrupted", interrupted.into_inner());
    assert!(failures.is_empty(), "{} files:\n{}", failures.len(), failures.join("\n"));
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// What is no database at all is told from one that is damaged.
#[test]
fn foreign_files_are_not_databases() {
    for bytes in [&b"hello"[..], &[0x7f; 5000], b"SQLite format 4\0 and more", &[0; 700]] {
        let io = MemoryIo::deterministic(1);
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().max(600), b'.');
        put_file(&io, PATH, &padded);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("foreign.db");
        std::fs::write(&path, &padded).expect("written");
        let sqlite = Kind::Sqlite.open(&path).run("SELECT * FROM sqlite_schema").failure;
        let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("opening reads nothing");
        assert_eq!(engine.run("SELECT * FROM sqlite_schema").failure, sqlite);
        assert_eq!(engine.run("CREATE TABLE t(x)").failure, sqlite);
        assert_eq!(get_file(&io, PATH), Some(padded));
    }
}
