//! The public sqllogictest corpus, from the folder in `KERNITE_SLT`, else `../shared/sqllogictest` beside the repository.

use std::path::{Path, PathBuf};

use kernite_testing::engine::Sqlite;
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

/// The runner itself is right only if SQLite passes; a small part is enough to show it.
#[test]
fn sqlite_passes_the_runner() {
    let Some(folder) = corpus() else { return };
    let report = slt::run_file(&folder.join("test/select1.test"), &mut Sqlite::memory());
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
    assert!(report.queries > 900, "{report:?}");
}
