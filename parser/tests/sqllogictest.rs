//! Every statement of the sqllogictest sample parses, and prints to a fixpoint.
//!
//! The sample lies in the folder that `KERNITE_SLT` names, or beside the workspace. Without it the test says so and passes.

// A test may read files and the environment.
#![allow(clippy::disallowed_methods)]

use kernite_parser::{Limits, Parser, print};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/sqllogictest");
    std::env::var_os("KERNITE_SLT").map_or(beside, PathBuf::from)
}

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "test") {
            found.push(path);
        }
    }
}

/// The SQL of a record that SQLite runs without an error.
fn sql(record: &str) -> Option<String> {
    let mut lines = record.lines().filter(|line| !line.starts_with('#')).peekable();
    loop {
        let line = lines.next()?.trim_end();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("skipif", name) if name.trim() == "sqlite" => return None,
            ("onlyif", name) if name.trim() != "sqlite" => return None,
            ("skipif" | "onlyif" | "", _) => {}
            ("statement", "ok") | ("query", _) => break,
            _ => return None,
        }
    }
    Some(lines.take_while(|line| *line != "----").collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_sample_parses() {
    let mut paths = Vec::new();
    scripts(&folder(), &mut paths);
    if paths.is_empty() {
        println!("skipped: no sqllogictest sample in {}", folder().display());
        return;
    }
    let mut parser = Parser::new(Limits::default());
    let mut count = 0;
    for path in paths {
        let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap().replace("\r\n", "\n");
        for sql in text.split("\n\n").filter_map(sql) {
            let parsed = match parser.parse(sql.as_bytes()) {
                Ok(parsed) => parsed.expect("a statement"),
                Err(e) => panic!("{}: {e}\n{sql}", path.display()),
            };
            count += 1;
            // Printing all of it would take most of the time.
            if count % 16 == 0 {
                let once = print(&parsed);
                let again = parser.parse(&once).unwrap().map(|p| print(&p));
                assert_eq!(again.as_deref(), Some(once.as_slice()));
            }
            parser.recycle(parsed);
        }
    }
    println!("{count} statements");
    assert!(count > 100_000, "the sample is larger than {count} statements");
}
