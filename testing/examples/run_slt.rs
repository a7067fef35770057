//! Runs sqllogictest scripts on Kernite and prints a line for each: `run_slt FILE…`.

use kernite_testing::{engine::Kernite, slt};

fn main() {
    let (mut good, mut bad) = (0, 0);
    for path in std::env::args().skip(1) {
        let start = std::time::Instant::now();
        let report = slt::run_file(std::path::Path::new(&path), &mut Kernite::memory());
        let (records, failures) = (report.statements + report.queries, report.failures.len());
        println!("{path}: {records} records, {failures} failures, {:.1} s", start.elapsed().as_secs_f64());
        for failure in report.failures.iter().take(3) {
            println!("{failure}");
        }
        if failures == 0 { good += 1 } else { bad += 1 }
    }
    println!("{good} files pass, {bad} fail");
}
