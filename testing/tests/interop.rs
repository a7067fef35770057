//! Files pass from one engine to the other and back: every page size, encoding, auto_vacuum and journal mode.
//!
//! `KERNITE_INTEROP_ROWS` says how many rows a database has.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernite_testing::content;
use kernite_testing::engine::Kind;
use kernite_testing::random::{Random, count_from_env};
use kernite_testing::sample::{self, AUTO_VACUUMS, ENCODINGS, Layout, PAGE_SIZES};

const JOURNAL_MODES: [&str; 4] = ["delete", "truncate", "persist", "wal"];

fn layouts() -> Vec<Layout> {
    let mut layouts = Vec::new();
    for page_size in PAGE_SIZES {
        for encoding in ENCODINGS {
            for auto_vacuum in AUTO_VACUUMS {
                for journal_mode in JOURNAL_MODES {
                    layouts.push(Layout { page_size, encoding, auto_vacuum, journal_mode });
                }
            }
        }
    }
    layouts
}

fn checked_content(kind: Kind, path: &Path, what: &str) -> Vec<String> {
    let mut engine = kind.open(path);
    assert_eq!(content::integrity(&mut *engine), "ok", "{what}, checked by {}", kind.name());
    content::of(&mut *engine)
}

fn change(kind: Kind, path: &Path, layout: &Layout, seed: u64) {
    let mut engine = kind.open(path);
    engine.must(&format!("PRAGMA synchronous=OFF; PRAGMA journal_mode={}", layout.journal_mode));
    sample::change(&mut *engine, layout, &mut Random::new(seed));
}

fn layout_is_as_asked(path: &Path, layout: &Layout) {
    let mut engine = Kind::Sqlite.open(path);
    assert_eq!(engine.number("PRAGMA page_size"), i64::from(layout.page_size));
    assert_eq!(engine.text("PRAGMA encoding"), layout.encoding);
    let auto_vacuum = ["none", "full", "incremental"][engine.number("PRAGMA auto_vacuum") as usize];
    assert_eq!(auto_vacuum, layout.auto_vacuum);
    let is_wal = engine.text("PRAGMA journal_mode") == "wal";
    assert_eq!(is_wal, layout.journal_mode == "wal");
}

/// A file made by `maker` goes to the other engine and back, twice; a twin that only SQLite touches has to stay its equal.
fn pass_to_and_fro(maker: Kind, layout: &Layout, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, twin) = (folder.path().join("file.db"), folder.path().join("twin.db"));
    let rows = count_from_env("KERNITE_INTEROP_ROWS", 40);
    for (kind, path) in [(maker, &path), (Kind::Sqlite, &twin)] {
        sample::fill(&mut *kind.open(path), layout, rows, &mut Random::new(seed));
    }
    layout_is_as_asked(&path, layout);
    let mut changer = maker;
    for round in 0..4 {
        let what = format!("{layout:?}, made by {}, seed {seed}, round {round}", maker.name());
        let expected = checked_content(Kind::Sqlite, &twin, &what);
        for kind in [changer.other(), changer] {
            content::assert_same(&checked_content(kind, &path, &what), &expected, &what);
        }
        changer = changer.other();
        let seed = seed * 10 + round;
        change(changer, &path, layout, seed);
        change(Kind::Sqlite, &twin, layout, seed);
    }
}

fn pass_all(maker: Kind, layouts: Vec<Layout>) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(layout) = layouts.get(at) else { return };
                    let passed = std::panic::catch_unwind(|| pass_to_and_fro(maker, layout, at as u64 + 1));
                    if passed.is_err() {
                        failures.lock().expect("no panic").push(format!("{layout:?}, seed {}", at + 1));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), layouts.len(), failures.join("\n"));
}

#[test]
fn what_sqlite_makes_both_read_and_change_in_turn() {
    pass_all(Kind::Sqlite, layouts());
}

#[test]
fn what_kernite_makes_both_read_and_change_in_turn() {
    pass_all(Kind::Kernite, layouts());
}

/// Copies a database with what lies beside it, but not the shared memory, as a backup in the middle of work would.
fn copy_with_log(from: &Path, to: &Path) -> PathBuf {
    for suffix in ["", "-wal", "-journal"] {
        let source = PathBuf::from(format!("{}{suffix}", from.display()));
        if source.exists() {
            std::fs::copy(&source, format!("{}{suffix}", to.display())).expect("the file is copied");
        }
    }
    to.to_path_buf()
}

fn beside(path: &Path, suffix: &str) -> u64 {
    std::fs::metadata(format!("{}{suffix}", path.display())).map_or(0, |meta| meta.len())
}

/// A WAL that its writer left, read and then continued by each engine.
#[test]
fn a_wal_left_behind_is_recovered_by_both() {
    for page_size in PAGE_SIZES {
        for encoding in ["UTF-8", "UTF-16le"] {
            for writer in [Kind::Sqlite, Kind::Kernite] {
                let layout = Layout { page_size, encoding, auto_vacuum: "none", journal_mode: "wal" };
                let what = format!("{layout:?}, written by {}", writer.name());
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("file.db");
                let mut engine = writer.open(&path);
                sample::fill(&mut *engine, &layout, 40, &mut Random::new(3));
                engine.must("PRAGMA wal_checkpoint; PRAGMA wal_autocheckpoint=0");
                sample::change(&mut *engine, &layout, &mut Random::new(4));
                // A transaction that never ended is not there for anybody.
                let expected = content::of(&mut *engine);
                engine.must("BEGIN; UPDATE item SET name = 'never', data = zeroblob(9000)");
                let copies = [Kind::Kernite, Kind::Sqlite].map(|kind| {
                    (kind, copy_with_log(&path, &folder.path().join(format!("{}.db", kind.name()))))
                });
                drop(engine);
                for (kind, copy) in &copies {
                    assert!(beside(copy, "-wal") > 0, "{what}: there is a WAL");
                    content::assert_same(&checked_content(*kind, copy, &what), &expected, &what);
                    change(*kind, copy, &layout, 5);
                }
                let [kernite, sqlite] =
                    copies.map(|(kind, copy)| checked_content(kind.other(), &copy, &what));
                content::assert_same(&kernite, &sqlite, &what);
            }
        }
    }
}

/// A journal that its writer left in the middle of a transaction whose pages had already gone to the file.
#[test]
fn a_hot_journal_is_rolled_back_by_both() {
    for page_size in PAGE_SIZES {
        for journal_mode in ["delete", "truncate", "persist"] {
            for (writer, auto_vacuum) in [
                (Kind::Sqlite, "none"),
                (Kind::Kernite, "none"),
                (Kind::Sqlite, "full"),
                (Kind::Kernite, "full"),
            ] {
                let layout = Layout { page_size, encoding: "UTF-8", auto_vacuum, journal_mode };
                let what = format!("{layout:?}, written by {}", writer.name());
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("file.db");
                let mut engine = writer.open(&path);
                sample::fill(&mut *engine, &layout, 60, &mut Random::new(6));
                let expected = content::of(&mut *engine);
                drop(engine);
                let mut engine = writer.open(&path);
                engine.must(&format!("PRAGMA journal_mode={journal_mode}; PRAGMA cache_size=2"));
                engine.must(
                    "BEGIN; UPDATE item SET name = 'never', data = zeroblob(length(data)); DELETE FROM pair",
                );
                engine.must("INSERT INTO log(what) SELECT zeroblob(70000) FROM item LIMIT 9");
                let copies = [Kind::Kernite, Kind::Sqlite].map(|kind| {
                    (kind, copy_with_log(&path, &folder.path().join(format!("{}.db", kind.name()))))
                });
                drop(engine);
                for (kind, copy) in &copies {
                    assert!(beside(copy, "-journal") > 512, "{what}: there is a journal");
                    content::assert_same(&checked_content(*kind, copy, &what), &expected, &what);
                    change(*kind, copy, &layout, 7);
                }
                let [kernite, sqlite] =
                    copies.map(|(kind, copy)| checked_content(kind.other(), &copy, &what));
                content::assert_same(&kernite, &sqlite, &what);
            }
        }
    }
}

/// A transaction over two files that stopped behind its super-journal: both files go back, whoever opens first.
#[test]
fn attached_files_change_together() {
    for kind in [Kind::Kernite, Kind::Sqlite] {
        let folder = tempfile::tempdir().expect("a folder");
        let [left, right] = ["left.db", "right.db"].map(|name| folder.path().join(name));
        for path in [&left, &right] {
            let mut engine = kind.open(path);
            engine.must("PRAGMA journal_mode=delete; CREATE TABLE t(x)");
        }
        let mut engine = kind.open(&left);
        engine.must(&format!("ATTACH '{}' AS other", right.display()));
        engine.must("BEGIN; INSERT INTO main.t VALUES(1); INSERT INTO other.t VALUES(2); COMMIT");
        engine.must("BEGIN; INSERT INTO main.t VALUES(3); INSERT INTO other.t VALUES(4); ROLLBACK");
        drop(engine);
        for (path, value) in [(&left, 1), (&right, 2)] {
            let mut engine = kind.other().open(path);
            assert_eq!(content::integrity(&mut *engine), "ok");
            assert_eq!(engine.number("SELECT sum(x) FROM t"), value);
        }
        let left_over = std::fs::read_dir(folder.path()).expect("the folder is there").count();
        assert_eq!(left_over, 2, "journals are left by {}", kind.name());
    }
}
