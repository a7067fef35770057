//! Several processes on one file, of both engines, and processes that are killed.
//!
//! `KERNITE_PROCESS_RAISES` says how often each process raises the counter, `KERNITE_KILL_ROUNDS` how many processes are killed
//! in each journal mode.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kernite_testing::engine::Kind;
use kernite_testing::peer;
use kernite_testing::random::{Random, count_from_env};

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_peer"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the peer starts")
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Two writers of different engines, a third that is Kernite again, and a reader of each.
fn count_together(journal_mode: &str, maker: Kind) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shared.db");
    let mut engine = maker.open(&path);
    engine.must(&format!("PRAGMA journal_mode={journal_mode}"));
    engine.must(peer::COUNTING_SCHEMA);
    drop(engine);
    let raises = count_from_env("KERNITE_PROCESS_RAISES", 200);
    let text = path_text(&path);
    let writers = [("kernite", "a"), ("sqlite", "b"), ("kernite", "c")];
    let readers: Vec<Child> =
        ["kernite", "sqlite"].iter().map(|engine| spawn(&["watch", engine, text])).collect();
    let children: Vec<Child> = writers
        .iter()
        .map(|(engine, who)| spawn(&["count", engine, text, who, &raises.to_string()]))
        .collect();
    for (child, (engine, who)) in children.into_iter().zip(writers) {
        let output = child.wait_with_output().expect("the peer ends");
        assert!(output.status.success(), "writer {who} ({engine}) in mode {journal_mode} failed");
    }
    for mut reader in readers {
        drop(reader.stdin.take());
        let output = reader.wait_with_output().expect("the reader ends");
        assert!(output.status.success(), "a reader in mode {journal_mode} failed");
        let reads: usize = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count");
        assert!(reads > 0, "a reader never came to read");
    }
    for kind in [Kind::Kernite, Kind::Sqlite] {
        let what = format!("{journal_mode}, seen by {}", kind.name());
        peer::check_counting(&mut *kind.open(&path), raises * writers.len(), &what);
    }
}

#[test]
fn no_update_is_lost_between_processes_in_wal_mode() {
    count_together("wal", Kind::Kernite);
    count_together("wal", Kind::Sqlite);
}

#[test]
fn no_update_is_lost_between_processes_in_rollback_modes() {
    count_together("delete", Kind::Sqlite);
    count_together("truncate", Kind::Kernite);
    count_together("persist", Kind::Sqlite);
}

/// What is beside a database, the shared memory included: nobody has it open any more.
fn copy_database(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let name = format!("killed.db{suffix}");
        let _ = std::fs::remove_file(to.join(&name));
        if from.join(&name).exists() {
            std::fs::copy(from.join(&name), to.join(&name)).expect("the file is copied");
        }
    }
}

/// Kills a writer `rounds` times. After each time both engines recover the same files, to the same transactions.
fn kill_rounds(journal_modes: &[&str], rounds: usize, writer: Kind, seed: u64) {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a folder")).collect();
    let path = folders[0].path().join("killed.db");
    let mut random = Random::new(seed);
    let mut engine = writer.open(&path);
    engine.must(&format!("PRAGMA page_size=1024; PRAGMA journal_mode={}", journal_modes[0]));
    engine.must(peer::COMMITTING_SCHEMA);
    drop(engine);
    let (mut acknowledged, mut unseen, mut hot) = (0, 0, 0);
    for round in 0..rounds {
        let mode = *random.pick(journal_modes);
        let what = format!("seed {seed}, round {round}, mode {mode}");
        let mut child = spawn(&[
            "commit",
            writer.name(),
            path_text(&path),
            mode,
            &(seed * 1000 + round as u64).to_string(),
        ]);
        std::thread::sleep(Duration::from_micros(random.below(60_000) as u64));
        child.kill().expect("the writer lives until it is killed");
        let mut said = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut said).expect("numbers");
        let status = child.wait().expect("the writer ends");
        assert_eq!(status.code(), None, "{what}: the writer ended by itself");
        // A line without its end was never said.
        let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        if let Some(nr) = whole.lines().last() {
            acknowledged = nr.parse::<i64>().expect("a number");
        }
        let mut recovered = Vec::new();
        for (kind, folder) in [Kind::Kernite, Kind::Sqlite].into_iter().zip(&folders[1..]) {
            copy_database(folders[0].path(), folder.path());
            let journal = folder.path().join("killed.db-journal");
            hot += usize::from(journal.metadata().is_ok_and(|meta| meta.len() > 0));
            let what = format!("{what}, recovered by {}", kind.name());
            let copy = folder.path().join("killed.db");
            let last = peer::check_committing(&mut *kind.open(&copy), &what);
            assert!(
                last == acknowledged || last == acknowledged + 1,
                "{what}: {last} is there, {acknowledged} was acknowledged"
            );
            // The other engine finds the same in what was recovered.
            let what = format!("{what}, read by the other");
            assert_eq!(peer::check_committing(&mut *kind.other().open(&copy), &what), last, "{what}");
            recovered.push(last);
        }
        assert_eq!(recovered[0], recovered[1], "{what}: the engines recover to different transactions");
        unseen += usize::from(recovered[0] > acknowledged);
        acknowledged = recovered[0];
    }
    println!(
        "{rounds} rounds, {acknowledged} transactions, {unseen} committed but unsaid, {hot} journals left"
    );
    assert!(acknowledged > rounds as i64 / 2, "the writer was killed before it came to write");
}

#[test]
fn a_killed_writer_in_wal_mode_loses_nothing_that_it_acknowledged() {
    kill_rounds(&["wal"], count_from_env("KERNITE_KILL_ROUNDS", 100), Kind::Kernite, 11);
}

#[test]
fn a_killed_writer_in_rollback_modes_loses_nothing_that_it_acknowledged() {
    let rounds = count_from_env("KERNITE_KILL_ROUNDS", 100);
    kill_rounds(&["delete", "truncate", "persist"], rounds, Kind::Kernite, 12);
}

/// The test itself is right only if SQLite passes.
#[test]
fn a_killed_sqlite_passes_the_same_test() {
    let rounds = count_from_env("KERNITE_KILL_ROUNDS", 100) / 10;
    kill_rounds(&["wal"], rounds, Kind::Sqlite, 13);
    kill_rounds(&["delete", "truncate", "persist"], rounds, Kind::Sqlite, 14);
}
