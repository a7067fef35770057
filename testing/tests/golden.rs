//! Golden files: `golden/plan/*.txt` are plans as EXPLAIN QUERY PLAN tells them, `golden/error/*.txt` error codes, places and texts.
//!
//! Each file is run on SQLite first, so that no expectation is wrong, then on Kernite. `KERNITE_GOLDEN=write` fills in what SQLite gives.

use std::path::{Path, PathBuf};

use kernite_testing::engine::{Engine, Kernite, Sqlite};
use kernite_testing::golden::{Show, differences, filled, paragraphs};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder can be read")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no golden files");
    files
}

fn check(folder: &str, show: Show) {
    let write = std::env::var("KERNITE_GOLDEN").is_ok_and(|value| value == "write");
    let (mut cases, mut faults) = (0, Vec::new());
    for path in files(folder) {
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let mut all = paragraphs(&text);
        if write {
            let text = filled(&all, show, &mut fresh(Sqlite::memory()));
            all = paragraphs(&text);
            std::fs::write(&path, text).expect("the file can be written");
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        cases += all.iter().filter(|paragraph| paragraph.expected.is_some()).count();
        let engines: [(&str, Box<dyn Engine>); 2] =
            [("SQLite", Box::new(fresh(Sqlite::memory()))), ("Kernite", Box::new(fresh(Kernite::memory())))];
        for (engine, mut connection) in engines {
            let found = differences(&all, show, &mut *connection);
            faults.extend(found.into_iter().map(|fault| format!("{name} on {engine}, {fault}")));
        }
    }
    println!("{cases} cases");
    assert!(faults.is_empty(), "{} cases differ:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// The bundled SQLite has foreign keys on from the start.
fn fresh<E: Engine>(mut engine: E) -> E {
    engine.must("PRAGMA foreign_keys=OFF");
    engine
}

#[test]
fn plans_are_those_of_sqlite() {
    check("plan", Show::Plan);
}

#[test]
fn errors_are_those_of_sqlite() {
    check("error", Show::Error);
}
