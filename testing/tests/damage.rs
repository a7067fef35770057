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
use kernite_testing::damaged::{CHECKS, READS, WRITES, is_fitting, run_all_of};
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

const PATH: &str = "/damaged.db";
/// What one file may take: a tree whose pages name each other must not be walked again and again.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let next = AtomicUsize::new(0);
    let slowest = std::sync::Mutex::new((Duration::ZERO, 0));
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            // Damage must not need much stack either: a thread of C's default size has less than the main thread.
            let worker = || {
                let watchdog = Watchdog::new(PATIENCE);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= files || failures.lock().expect("no panic").len() >= 200 {
                        return;
                    }
                    let seed = first + at as u64;
                    watchdog.begin(format!("KERNITE_DAMAGE_SEED={seed}"));
                    let begun = std::time::Instant::now();
                    let result = catch_unwind(AssertUnwindSafe(|| try_one(&bases, seed, &watchdog)));
                    let too_long = watchdog.end();
                    let mut slowest = slowest.lock().expect("no panic");
                    *slowest = (*slowest).max((begun.elapsed(), seed));
                    drop(slowest);
                    let failure = match result {
                        Ok(Ok(())) if too_long => format!("took longer than {PATIENCE:?}"),
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
    let (took, seed) = slowest.into_inner().expect("no panic");
    println!("{files} files; the slowest, {seed}, took {took:?}");
    assert!(failures.is_empty(), "{} files:\n{}", failures.len(), failures.join("\n"));
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// A journal's header may ask for a database of terabytes. The file was made that long, which in memory took minutes, or all of it.
#[test]
fn a_journal_does_not_make_the_file_longer_than_it_can_fill() {
    let base = kernite_testing::fuzz::journal_base();
    let mut journal = base.log.clone();
    journal[16..20].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    let io = MemoryIo::deterministic(1);
    put_file(&io, PATH, &base.database);
    put_file(&io, &format!("{PATH}-journal"), &journal);
    let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("opening reads nothing");
    run_all_of(&mut engine, &READS).expect("answers that fit");
    let len = get_file(&io, PATH).expect("the database").len();
    assert!(len <= base.database.len() + journal.len(), "{len} bytes");
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
