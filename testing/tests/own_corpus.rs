//! Our own scripts, `slt/<feature>/*.slt`: each passes on SQLite, so that no expectation is wrong, and on Kernite in every world.

use std::path::{Path, PathBuf};

use kernite_testing::backend::{Backend, Fresh};
use kernite_testing::engine::{Engine, Sqlite};
use kernite_testing::slt;

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the corpus can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            found.push(path);
        }
    }
}

/// What fails of all scripts. A script whose name stands in `KERNITE_SLT_ONLY` runs alone.
fn failures(open: impl Fn() -> Box<dyn Engine>) -> Vec<String> {
    let mut paths = Vec::new();
    scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("slt"), &mut paths);
    paths.sort();
    let only = std::env::var("KERNITE_SLT_ONLY").unwrap_or_default();
    paths.retain(|path| path.to_string_lossy().contains(&only));
    let (mut records, mut failures) = (0, Vec::new());
    for path in &paths {
        let report = slt::run_file(path, &mut *open());
        assert!(report.statements + report.queries > 0, "{} holds no record", path.display());
        records += report.statements + report.queries;
        failures.extend(report.failures);
    }
    println!("{} scripts, {records} records", paths.len());
    failures
}

fn all_pass(open: impl Fn() -> Box<dyn Engine>) {
    let failures = failures(open);
    assert!(failures.is_empty(), "{} records fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn sqlite_passes_our_scripts() {
    all_pass(|| Box::new(Sqlite::memory()));
}

#[test]
fn our_scripts_pass_without_a_file() {
    all_pass(|| Box::new(Fresh::new(Backend::NoFile, 0)));
}

#[test]
fn our_scripts_pass_on_files() {
    all_pass(|| Box::new(Fresh::new(Backend::Syscall, 0)));
}

#[test]
fn our_scripts_pass_on_a_late_disk_with_a_small_cache() {
    for seed in [1, 2] {
        all_pass(|| {
            let mut fresh = Fresh::new(Backend::Late, seed);
            fresh.must("PRAGMA cache_size=10");
            Box::new(fresh)
        });
    }
}
