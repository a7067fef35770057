//! Disks that fail, disks that are full, locks that do not come: an error, the transaction rolled back, the file intact.
//!
//! Each case runs the same script on a copy of the same files and makes one operation fail. What then stands in the file must be what
//! stood there before the transaction that failed (or, where its end was under way, after it), for the connection itself, for the next
//! one, and for SQLite. `KERNITE_FAULT_CASES` says how many cases are tried of each kind and journal mode.

use std::sync::Arc;

use kernite_io::fault::{Fault, OpSet, Outcome};
use kernite_io::{FaultIo, Io, IoError, IoOp, MemoryIo};
use kernite_testing::backend::{get_file, put_file};
use kernite_testing::content;
use kernite_testing::engine::{Engine, Kernite, Kind};
use kernite_testing::random::count_from_env;

const PATH: &str = "/fault.db";
const MODES: [&str; 5] = ["delete", "truncate", "persist", "wal", "memory"];

const SETUP: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, pad BLOB);
    CREATE INDEX t_k ON t(k);
    CREATE TABLE w(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO t SELECT i, 'key ' || (i * 37 % 61), zeroblob(i * 29 % 700) FROM n;
    INSERT INTO w SELECT k, pad FROM t;
    DELETE FROM t WHERE id % 4 = 0;";

/// Each of them whole or not at all.
const STEPS: [&str; 7] = [
    "INSERT INTO t(k, pad) VALUES('new', zeroblob(2000))",
    "BEGIN; UPDATE t SET k = k || '!', pad = zeroblob(length(pad) + 40); DELETE FROM w WHERE a > 'key 4'; COMMIT",
    "SELECT count(*), sum(length(pad)) FROM t WHERE k > 'key 2'",
    "BEGIN; SAVEPOINT s; DELETE FROM t WHERE id > 20; ROLLBACK TO s; INSERT INTO w VALUES('z', 1); RELEASE s; COMMIT",
    "CREATE TABLE later(x, y); ",
    "DROP INDEX t_k",
    "BEGIN; INSERT INTO later SELECT k, pad FROM t; DROP TABLE w; CREATE INDEX t_pad ON t(pad); COMMIT",
];

fn tune(engine: &mut Kernite, mode: &str) -> Option<String> {
    // Small caches spill; a small threshold checkpoints in the middle of the script.
    let pragmas = format!("PRAGMA cache_size=4; PRAGMA wal_autocheckpoint=8; PRAGMA journal_mode={mode}");
    engine.run_all(&pragmas).map(|failure| failure.message)
}

/// The files before the script.
fn prepared(mode: &str) -> MemoryIo {
    let io = MemoryIo::deterministic(5);
    let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("opens");
    let auto_vacuum = if mode == "truncate" || mode == "wal" { "full" } else { "none" };
    engine
        .must(&format!("PRAGMA page_size=512; PRAGMA auto_vacuum={auto_vacuum}; PRAGMA journal_mode={mode}"));
    engine.must(SETUP);
    drop(engine);
    io
}

/// What stands in the file before the script and after each step.
fn states(base: &MemoryIo, mode: &str) -> Vec<Vec<String>> {
    let mut engine = Kernite::in_world(Arc::new(base.snapshot(1)), PATH).expect("opens");
    assert_eq!(tune(&mut engine, mode), None);
    let mut states = vec![content::of(&mut engine)];
    for step in STEPS {
        engine.must(step);
        states.push(content::of(&mut engine));
    }
    states
}

fn is_fitting(code: i32) -> bool {
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    [READONLY, IOERR, FULL, CANTOPEN].contains(&(code & 0xff))
}

/// Opens what is left in the world with a process of its own, and with SQLite.
fn seen_afterwards(io: &MemoryIo, with_sqlite: bool) -> Vec<String> {
    let copy = io.snapshot(2);
    let mut engine = Kernite::in_world(Arc::new(copy), PATH).expect("opens");
    assert_eq!(content::integrity(&mut engine), "ok", "seen by the next connection");
    let seen = content::of(&mut engine);
    if with_sqlite {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fault.db");
        for suffix in ["", "-wal", "-journal"] {
            if let Some(bytes) = get_file(io, &format!("{PATH}{suffix}")) {
                std::fs::write(format!("{}{suffix}", path.display()), bytes).expect("written");
            }
        }
        let mut sqlite = Kind::Sqlite.open(&path);
        assert_eq!(content::integrity(&mut *sqlite), "ok", "seen by SQLite");
        content::assert_same(&content::of(&mut *sqlite), &seen, "seen by SQLite and by Kernite");
    }
    seen
}

/// Runs the script with one fault. Whether the fault came to strike.
fn try_one(base: &MemoryIo, states: &[Vec<String>], mode: &str, fault: Fault, with_sqlite: bool) -> bool {
    let inner = base.snapshot(3);
    let io = FaultIo::new(Arc::new(inner.clone()));
    io.inject(fault);
    let mut done = 0;
    let mut failed = None;
    match Kernite::in_world(Arc::new(io.clone()), PATH) {
        Err(failure) => assert!(is_fitting(failure.code) || io.is_dead(), "{failure:?} on opening"),
        Ok(mut engine) => {
            if tune(&mut engine, mode).is_none() {
                for step in STEPS {
                    if let Some(failure) = engine.run_all(step) {
                        failed = Some((step, failure));
                        break;
                    }
                    done += 1;
                }
            }
            if !io.is_dead() {
                io.heal();
                if let Some((step, failure)) = &failed {
                    assert!(is_fitting(failure.code), "{failure:?} from: {step}");
                }
                if !engine.0.is_autocommit() {
                    engine.must("ROLLBACK");
                }
                assert_eq!(content::integrity(&mut engine), "ok", "seen by the connection that failed");
                let seen = content::of(&mut engine);
                let next = (done + 1).min(STEPS.len());
                assert!(
                    seen == states[done] || seen == states[next],
                    "half a transaction is there after {done} steps; failed: {failed:?}"
                );
                engine.must(
                    "CREATE TABLE afterwards(x); INSERT INTO afterwards VALUES(1); DROP TABLE afterwards",
                );
                assert!(content::of(&mut engine) == seen, "what was seen changed afterwards");
                drop(engine);
                assert!(
                    seen_afterwards(&inner, with_sqlite) == seen,
                    "the next connection sees something else"
                );
                return io.struck() > 0;
            }
        }
    }
    if io.is_dead() {
        let seen = seen_afterwards(&inner, with_sqlite);
        let next = (done + 1).min(STEPS.len());
        assert!(
            seen == states[done] || seen == states[next],
            "after a death in step {done} there is half a transaction"
        );
    }
    io.struck() > 0
}

/// Tries faults of a kind at ever later operations, until none strikes or there are enough of them.
fn try_all(ops: &[IoOp], modes: &[&str], outcome: &Outcome) {
    let cases = count_from_env("KERNITE_FAULT_CASES", 100) as u64;
    for mode in modes {
        let base = prepared(mode);
        let states = states(&base, mode);
        let ops = OpSet::of(ops);
        let counted = FaultIo::new(Arc::new(base.snapshot(3)));
        let mut engine = Kernite::in_world(Arc::new(counted.clone()), PATH).expect("opens");
        assert_eq!(tune(&mut engine, mode), None);
        STEPS.iter().for_each(|step| engine.must(step));
        drop(engine);
        let total = counted.count(ops);
        let stride = (total / cases).max(1);
        let mut struck = 0;
        for skip in (0..total + stride).step_by(stride as usize) {
            let fault = Fault { ops, kinds: None, skip, times: 1, outcome: outcome.clone() };
            let attempt =
                std::panic::AssertUnwindSafe(|| try_one(&base, &states, mode, fault, skip / stride % 4 == 0));
            match std::panic::catch_unwind(attempt) {
                Ok(has_struck) => struck += u64::from(has_struck),
                Err(panic) => {
                    eprintln!("mode {mode}, operation {skip} of {total}: {outcome:?}");
                    std::panic::resume_unwind(panic);
                }
            }
        }
        println!("{mode}: {struck} of {total} operations failed with {outcome:?}");
    }
}

fn eio(op: IoOp) -> Outcome {
    Outcome::Fail(IoError::os(op, 0, 0, libc::EIO))
}

#[test]
fn a_failing_write_rolls_the_transaction_back() {
    try_all(&[IoOp::Write], &MODES[..4], &eio(IoOp::Write));
    try_all(&[IoOp::Write], &MODES[..4], &Outcome::Fail(IoError::Full));
}

#[test]
fn a_write_that_arrives_in_part_rolls_the_transaction_back() {
    for keep_bytes in [1, 200, 700] {
        try_all(&[IoOp::Write], &MODES[..4], &Outcome::ShortWrite { keep_bytes, error: IoError::Full });
    }
}

#[test]
fn a_failing_sync_rolls_the_transaction_back() {
    try_all(&[IoOp::Sync, IoOp::SyncDir], &MODES[..4], &eio(IoOp::Sync));
}

#[test]
fn a_failing_read_rolls_the_transaction_back() {
    try_all(&[IoOp::Read], &MODES, &eio(IoOp::Read));
}

#[test]
fn failing_names_and_lengths_roll_the_transaction_back() {
    try_all(
        &[IoOp::Open],
        &MODES[..4],
        &Outcome::Fail(IoError::CannotOpen { errno: libc::EACCES, is_directory: false }),
    );
    try_all(&[IoOp::Remove], &MODES[..4], &eio(IoOp::Remove));
    try_all(&[IoOp::Truncate], &MODES[..4], &eio(IoOp::Truncate));
    try_all(&[IoOp::Length, IoOp::Stat], &MODES[..4], &eio(IoOp::Stat));
}

#[test]
fn failing_locks_and_shared_memory_roll_the_transaction_back() {
    try_all(&[IoOp::Lock, IoOp::CheckReservedLock], &MODES[..4], &eio(IoOp::Lock));
    try_all(&[IoOp::ShmOpen, IoOp::ShmSize, IoOp::ShmMap, IoOp::ShmLock], &["wal"], &eio(IoOp::ShmMap));
}

#[test]
fn a_death_at_any_operation_leaves_whole_transactions() {
    let ops = [IoOp::Write, IoOp::Sync, IoOp::Truncate, IoOp::Remove, IoOp::Open, IoOp::Lock, IoOp::ShmLock];
    try_all(&ops, &MODES[..4], &Outcome::Die);
    try_all(&ops, &MODES[..4], &Outcome::DieAfter);
}

/// Room for so many bytes more: what does not fit is not there, what fits is.
#[test]
fn a_full_disk_rolls_the_transaction_back_and_room_lets_it_go_on() {
    for mode in &MODES[..4] {
        let base = prepared(mode);
        let states = states(&base, mode);
        let mut full = 0;
        for room in (0..24).map(|nr| nr * nr * 150) {
            let inner = base.snapshot(3);
            let io = FaultIo::new(Arc::new(inner.clone()));
            io.set_room(Some(room));
            let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("opens");
            let mut done = 0;
            if tune(&mut engine, mode).is_none() {
                for step in STEPS {
                    match engine.run_all(step) {
                        None => done += 1,
                        Some(failure) => {
                            // An index that the system cannot extend is an I/O error, as with SQLite.
                            assert!(is_fitting(failure.code), "{mode}, room {room}: {failure:?}");
                            full += usize::from(failure.code == 13);
                            break;
                        }
                    }
                }
            }
            if !engine.0.is_autocommit() {
                engine.must("ROLLBACK");
            }
            assert_eq!(content::integrity(&mut engine), "ok", "{mode}, room {room}");
            content::assert_same(&content::of(&mut engine), &states[done], &format!("{mode}, room {room}"));
            io.heal();
            for step in &STEPS[done..] {
                engine.must(step);
            }
            drop(engine);
            assert!(seen_afterwards(&inner, true) == states[STEPS.len()], "{mode}, room {room}");
        }
        assert!(full > 5, "{mode}: the disk was full {full} times");
    }
}

fn two(io: &MemoryIo) -> [Kernite; 2] {
    // Two processes of one world.
    [(); 2].map(|()| Kernite::in_world(Arc::new(io.clone()), PATH).expect("opens"))
}

/// Time in this world passes only while somebody waits, so that the waiting can be measured.
#[test]
fn a_locked_file_is_busy_after_the_timeout_and_not_before() {
    for mode in &MODES[..4] {
        for timeout_ms in [0u64, 250, 4000] {
            let io = prepared(mode);
            let [mut holder, mut waiter] = two(&io);
            for engine in [&mut holder, &mut waiter] {
                engine.must(&format!("PRAGMA journal_mode={mode}"));
            }
            waiter.must(&format!("PRAGMA busy_timeout={timeout_ms}"));
            holder.must("BEGIN IMMEDIATE; DELETE FROM w");
            let start = io.monotonic().0;
            let failure = waiter.run_all("INSERT INTO t(k) VALUES('late')").expect("the lock is held");
            let waited_ms = (io.monotonic().0 - start) / 1_000_000;
            assert_eq!((failure.code, &*failure.message), (5, "database is locked"), "{mode}");
            assert!(
                waited_ms >= timeout_ms.saturating_sub(5) && waited_ms <= timeout_ms + 150,
                "{mode}: waited {waited_ms} ms of {timeout_ms}"
            );
            // Readers go on, and the next attempt succeeds once the lock is free.
            assert_eq!(waiter.number("SELECT count(*) FROM t WHERE k = 'late'"), 0);
            holder.must("COMMIT");
            waiter.must("INSERT INTO t(k) VALUES('late')");
            assert_eq!(holder.number("SELECT count(*) FROM t WHERE k = 'late'"), 1);
        }
    }
}

#[test]
fn a_writer_waits_for_readers_in_rollback_modes_and_not_in_wal_mode() {
    for mode in &MODES[..4] {
        let io = prepared(mode);
        let [mut reader, mut writer] = two(&io);
        for engine in [&mut reader, &mut writer] {
            engine.must(&format!("PRAGMA journal_mode={mode}"));
        }
        reader.must("BEGIN; SELECT count(*) FROM t");
        let count = reader.number("SELECT count(*) FROM t");
        let failure = writer.run_all("INSERT INTO t(k) VALUES('x')");
        if *mode == "wal" {
            assert_eq!(failure, None);
            assert_eq!(reader.number("SELECT count(*) FROM t"), count, "a reader keeps its snapshot");
            let stale = reader.run_all("INSERT INTO t(k) VALUES('y')").expect("the snapshot is old");
            // SQLITE_BUSY_SNAPSHOT.
            assert_eq!((stale.code, &*stale.message), (517, "database is locked"));
        } else {
            assert_eq!(failure.expect("a reader is there").code, 5, "{mode}");
        }
        reader.must("COMMIT");
        writer.must("INSERT INTO t(k) VALUES('z')");
    }
}

/// A file that cannot be written is read all the same.
#[test]
fn a_file_without_write_permission_is_read_only() {
    let io = prepared("delete");
    put_file(&io, "/other", b"");
    assert!(io.set_read_only(PATH.as_bytes(), true));
    let mut engine = Kernite::in_world(Arc::new(io.clone()), PATH).expect("opens");
    assert!(engine.number("SELECT count(*) FROM t") > 10);
    let failure = engine.run_all("INSERT INTO t(k) VALUES(1)").expect("it cannot be written");
    assert_eq!((failure.code, &*failure.message), (8, "attempt to write a readonly database"));
}
