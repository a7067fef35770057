//! What the processes of the process tests do, on either engine, and what must hold of the file afterwards.
//!
//! Two workloads. *Counting*: several processes raise one counter and log it, in transactions of several kinds; a lost update shows as a
//! counter that is behind its log. *Committing*: one process commits numbered transactions whose content follows from the number, and
//! says so after each; it is killed at some moment, and the file has to hold exactly the transactions up to the last one that was
//! acknowledged, or one more.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::content;
use crate::engine::{Engine, Failure, Kind, Value};
use crate::random::Random;

/// How long a peer waits for a lock before it gives up and tries again.
const BUSY_TIMEOUT_MS: u32 = 30_000;

fn is_busy(failure: &Failure) -> bool {
    failure.code & 0xff == 5
}

/// Runs SQL, again and again while the database is locked.
fn insist(engine: &mut dyn Engine, sql: &str) {
    while let Some(failure) = engine.run_all(sql) {
        assert!(is_busy(&failure), "error {}: {}\n  {sql}", failure.code, failure.message);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The schema of the counting workload.
pub const COUNTING_SCHEMA: &str = "
    CREATE TABLE counter(n INTEGER);
    INSERT INTO counter VALUES(0);
    CREATE TABLE log(who TEXT, i INTEGER, pad TEXT);
    CREATE INDEX log_who ON log(who, i)";

/// Raises the counter `count` times in the name of `who`.
pub fn count_up(engine: &mut dyn Engine, who: &str, count: usize) {
    engine.must(&format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}; PRAGMA synchronous=OFF"));
    for i in 0..count {
        while let Some(failure) = raise(engine, who, i) {
            assert!(is_busy(&failure), "{who}, {i}: error {}: {}", failure.code, failure.message);
            // An error may have ended the transaction by itself.
            let _ = engine.run_all("ROLLBACK");
            std::thread::sleep(Duration::from_micros(300));
        }
    }
}

fn raise(engine: &mut dyn Engine, who: &str, i: usize) -> Option<Failure> {
    let log = format!("INSERT INTO log VALUES('{who}', {i}, '{}')", "pad ".repeat(i % 70));
    if i % 3 == 2 {
        // Reads first: what was read may be old when the lock comes.
        if let Some(failure) = engine.run_all("BEGIN") {
            return Some(failure);
        }
        let outcome = engine.run("SELECT n FROM counter");
        if let Some(failure) = outcome.failure {
            return Some(failure);
        }
        let Some(Value::Integer(n)) = outcome.rows.first().and_then(|row| row.first()) else {
            panic!("{who}: the counter is gone");
        };
        if let Some(failure) = engine.run_all(&format!("UPDATE counter SET n = {}; {log}", n + 1)) {
            return Some(failure);
        }
    } else {
        let begin = if i % 3 == 0 { "BEGIN IMMEDIATE" } else { "BEGIN" };
        let failure = engine.run_all(&format!("{begin}; UPDATE counter SET n = n + 1; {log}"));
        if failure.is_some() {
            return failure;
        }
    }
    // A commit that meets readers leaves the transaction open: it may be tried again.
    insist(engine, "COMMIT");
    None
}

/// Reads until told to stop: in every snapshot the counter and its log agree, and a transaction sees one snapshot. How often it read.
pub fn watch(engine: &mut dyn Engine, stop: impl Fn() -> bool) -> usize {
    engine.must(&format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"));
    let mut reads = 0;
    let mut before = 0;
    let query = "SELECT n, (SELECT count(*) FROM log) FROM counter";
    while !stop() {
        insist(engine, "BEGIN");
        let first = engine.run(query);
        if first.failure.as_ref().is_some_and(is_busy) {
            insist(engine, "ROLLBACK");
            continue;
        }
        assert_eq!(first.failure, None);
        std::thread::sleep(Duration::from_micros(500));
        assert_eq!(first.rows, engine.rows(query), "a transaction sees one snapshot");
        insist(engine, "COMMIT");
        let [Value::Integer(n), Value::Integer(logged)] = first.rows[0][..] else {
            panic!("{:?} is no count", first.rows);
        };
        assert_eq!(n, logged, "half a transaction is seen");
        assert!(n >= before, "time goes backwards: {n} after {before}");
        before = n;
        reads += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
    reads
}

/// Checks the counting workload after `total` raises.
pub fn check_counting(engine: &mut dyn Engine, total: usize, what: &str) {
    assert_eq!(content::integrity(engine), "ok", "{what}");
    assert_eq!(engine.number("SELECT n FROM counter"), total as i64, "{what}: updates are lost");
    assert_eq!(engine.number("SELECT count(*) FROM log"), total as i64, "{what}: log entries are lost");
    let doubled =
        engine.number("SELECT count(*) FROM (SELECT who, i FROM log GROUP BY who, i HAVING count(*) > 1)");
    assert_eq!(doubled, 0, "{what}: an entry is there twice");
}

/// The schema of the committing workload.
pub const COMMITTING_SCHEMA: &str = "
    CREATE TABLE last(nr INTEGER);
    INSERT INTO last VALUES(0);
    CREATE TABLE txn(nr INTEGER PRIMARY KEY, parts INTEGER, total INTEGER);
    CREATE TABLE part(nr INTEGER, i INTEGER, v INTEGER, pad BLOB, touched INTEGER DEFAULT 0);
    CREATE INDEX part_nr ON part(nr, v DESC)";

fn parts(nr: i64) -> i64 {
    let mut random = Random::new(nr as u64);
    if random.one_in(8) { 60 + random.below(60) as i64 } else { 1 + random.below(8) as i64 }
}

fn pad(nr: i64, i: i64) -> usize {
    let mut random = Random::new((nr * 1000 + i) as u64);
    if random.one_in(20) { random.below(9000) } else { random.below(300) }
}

/// Transaction `nr` takes transaction `nr - 10` away, where `nr` is even or divisible by three.
fn takes_away(nr: i64) -> bool {
    nr > 10 && (nr % 2 == 0 || nr % 3 == 0)
}

fn transaction(engine: &mut dyn Engine, nr: i64) {
    engine.must("BEGIN");
    let mut total = 0;
    for i in 0..parts(nr) {
        let v = nr * 7 + i * i;
        total += v;
        engine.must(&format!(
            "INSERT INTO part(nr, i, v, pad) VALUES({nr}, {i}, {v}, zeroblob({}))",
            pad(nr, i)
        ));
    }
    engine.must(&format!("INSERT INTO txn VALUES({nr}, {}, {total})", parts(nr)));
    if takes_away(nr) {
        engine.must(&format!(
            "DELETE FROM part WHERE nr = {}; DELETE FROM txn WHERE nr = {}",
            nr - 10,
            nr - 10
        ));
    }
    // Touches many pages, so that a small cache spills.
    engine.must(&format!("UPDATE part SET touched = {nr} WHERE nr > {}", nr - 6));
    engine.must(&format!("UPDATE last SET nr = {nr}"));
    engine.must("COMMIT");
}

/// Commits transactions and says so, until it is killed.
pub fn commit_until_killed(engine: &mut dyn Engine, journal_mode: &str, seed: u64) {
    let mut random = Random::new(seed);
    engine.must(&format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"));
    engine.must(&format!("PRAGMA journal_mode={journal_mode}"));
    // No power fails here: what a process wrote outlives it, synced or not.
    engine.must(if random.one_in(4) { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=OFF" });
    engine.must(if random.one_in(2) { "PRAGMA cache_size=4" } else { "PRAGMA cache_size=2000" });
    engine.must(if random.one_in(2) {
        "PRAGMA wal_autocheckpoint=12"
    } else {
        "PRAGMA wal_autocheckpoint=100"
    });
    let mut nr = engine.number("SELECT nr FROM last");
    let mut out = std::io::stdout();
    loop {
        nr += 1;
        transaction(engine, nr);
        out.write_all(format!("{nr}\n").as_bytes()).expect("the parent listens");
        out.flush().expect("the parent listens");
        if random.one_in(15) && journal_mode == "wal" {
            let kind = *random.pick(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]);
            engine.must(&format!("PRAGMA wal_checkpoint({kind})"));
        }
    }
}

/// Checks the committing workload: every transaction whole, up to the last one, which is returned.
pub fn check_committing(engine: &mut dyn Engine, what: &str) -> i64 {
    assert_eq!(content::integrity(engine), "ok", "{what}");
    let last = engine.number("SELECT nr FROM last");
    let expected: Vec<Vec<Value>> = (1..=last)
        .filter(|nr| !(nr + 10 <= last && takes_away(nr + 10)))
        .map(|nr| vec![Value::Integer(nr), Value::Integer(parts(nr))])
        .collect();
    let found = engine.rows("SELECT nr, parts FROM txn ORDER BY nr");
    assert_eq!(found, expected, "{what}: transactions up to {last}");
    let found = engine.rows("SELECT nr, count(*) FROM part GROUP BY nr ORDER BY nr");
    assert_eq!(found, expected, "{what}: parts of transactions up to {last}");
    let wrong = engine
        .number("SELECT count(*) FROM txn WHERE total <> (SELECT sum(v) FROM part WHERE part.nr = txn.nr)");
    assert_eq!(wrong, 0, "{what}: totals are wrong");
    for row in engine.rows("SELECT nr, i, length(pad), v FROM part") {
        let [Value::Integer(nr), Value::Integer(i), Value::Integer(length), Value::Integer(v)] = row[..]
        else {
            panic!("{what}: {row:?}");
        };
        assert_eq!((length as usize, v), (pad(nr, i), nr * 7 + i * i), "{what}: part {i} of {nr}");
    }
    last
}

/// Runs what the arguments name. The program `peer` is nothing else.
pub fn main(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let open = |engine: &str, path: &str| Kind::named(engine).expect("an engine").open(Path::new(path));
    match words[..] {
        ["count", engine, path, who, count] => {
            count_up(&mut *open(engine, path), who, count.parse().expect("a count"));
        }
        ["watch", engine, path] => {
            // The parent closes our input when it is over.
            let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let flag = std::sync::Arc::clone(&ended);
            std::thread::spawn(move || {
                let _ = std::io::stdin().read_line(&mut String::new());
                flag.store(true, std::sync::atomic::Ordering::Release);
            });
            let reads = watch(&mut *open(engine, path), || ended.load(std::sync::atomic::Ordering::Acquire));
            println!("{reads}");
        }
        ["commit", engine, path, journal_mode, seed] => {
            commit_until_killed(&mut *open(engine, path), journal_mode, seed.parse().expect("a seed"));
        }
        _ => panic!("no such work: {words:?}"),
    }
}
