//! Runs and completes sqllogictest scripts.
//!
//! - `slt run FILE…`: on Kernite, a line for each script and what fails first;
//! - `slt complete FILE…`: writes into our own scripts what SQLite gives. Expectations come from SQLite alone, never from Kernite.

use std::path::Path;
use std::process::ExitCode;

use kernite_testing::engine::{Kernite, Sqlite};
use kernite_testing::slt;

/// Failures printed of a script.
const FAILURES_SHOWN: usize = 5;

fn run(paths: &[String]) -> bool {
    let mut bad = 0;
    for path in paths {
        let start = std::time::Instant::now();
        let report = slt::run_file(Path::new(path), &mut Kernite::memory());
        let (records, failures) = (report.statements + report.queries, report.failures.len());
        println!("{path}: {records} records, {failures} failures, {:.1} s", start.elapsed().as_secs_f64());
        for failure in report.failures.iter().take(FAILURES_SHOWN) {
            println!("{failure}");
        }
        bad += usize::from(failures > 0);
    }
    println!("{} scripts, {bad} fail", paths.len());
    bad == 0
}

fn complete(paths: &[String]) -> bool {
    let mut good = true;
    for path in paths {
        let script = std::fs::read_to_string(path).expect("the script can be read");
        let mut sqlite = Sqlite::memory();
        let (completed, faults) = slt::complete(&script, &mut sqlite);
        for fault in &faults {
            println!("{path}: {fault}");
            good = false;
        }
        std::fs::write(path, completed).expect("the script can be written");
    }
    good
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, paths)) if command == "run" => run(paths),
        Some((command, paths)) if command == "complete" => complete(paths),
        _ => {
            eprintln!("usage: slt run|complete FILE…");
            false
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
