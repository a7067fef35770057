//! The public sqllogictest corpus, from the folder in `KERNITE_SLT`, else `../shared/sqllogictest` beside the repository.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernite_testing::backend::{Backend, Fresh};
use kernite_testing::engine::{Engine, Sqlite};
use kernite_testing::slt;

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/sqllogictest");
    let folder = std::env::var_os("KERNITE_SLT").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("sqllogictest: no corpus found at {}; set KERNITE_SLT", folder.display());
    None
}

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).expect("the corpus can be read").flatten().collect();
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "test") {
            found.push(path);
        }
    }
}

/// Runs the whole corpus, a script at a time on each of two threads.
fn whole_corpus(open: impl Fn(&str) -> Box<dyn Engine> + Sync) {
    let Some(folder) = corpus() else { return };
    let mut paths = Vec::new();
    scripts(&folder, &mut paths);
    let (next, records, failures) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
                    let report = slt::run_file(path, &mut *open(&name));
                    records.fetch_add(report.statements + report.queries, Ordering::Relaxed);
                    failures.lock().expect("no panic").extend(report.failures);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    println!("{} scripts, {} records", paths.len(), records.into_inner());
    assert!(failures.is_empty(), "{} records fail:\n{}", failures.len(), failures.join("\n"));
}

/// The runner itself is right only if SQLite passes; a small part is enough to show it.
#[test]
fn sqlite_passes_the_runner() {
    let Some(folder) = corpus() else { return };
    for script in
        ["test/select1.test", "test/evidence/slt_lang_aggfunc.test", "test/index/view/10/slt_good_5.test"]
    {
        let report = slt::run_file(&folder.join(script), &mut Sqlite::memory());
        assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
        assert!(report.queries > 50, "{script}: {report:?}");
    }
}

#[test]
fn the_corpus_passes_in_memory() {
    whole_corpus(|_| Box::new(Fresh::new(Backend::Memory, 0)));
}

#[test]
fn the_corpus_passes_on_files() {
    whole_corpus(|_| Box::new(Fresh::new(Backend::Syscall, 0)));
}

/// Every operation on the disk is late, and completes in an order that the script's name decides.
#[test]
fn the_corpus_passes_on_a_late_disk() {
    whole_corpus(|name| {
        let seed = name.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Box::new(Fresh::new(Backend::Late, seed))
    });
}
