//! Prints one table of ratios: Kernite's time over SQLite's for each workload, both measured in turn in this process.
//!
//! `cargo run --release -p kernite-testing --bin ratios [RUNS [PART-OF-A-NAME]]`: RUNS pairs (5), a workload each line; the ratio is
//! the median over the pairs, so that a machine whose speed drifts spoils both sides alike.

use std::path::{Path, PathBuf};
use std::time::Instant;

use kernite_testing::workload::{self, Bench, Workload, ours, sqlite};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runs: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(5);
    let part = arguments.next().unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("kernite-ratios-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let made = folder.join("made.db");
    // One file, made by SQLite, for both: layout plays no part in the comparison.
    sqlite::make(&made);

    println!("{:<34} {:>12} {:>12} {:>8}", "workload", "SQLite ms", "Kernite ms", "ratio");
    let mut ratios = Vec::new();
    for workload in Workload::ALL.into_iter().filter(|workload| workload.name().contains(&part)) {
        let mut pairs: Vec<(f64, f64)> =
            (0..runs.max(1) + 1).map(|_| pair(workload, &made, &folder)).collect();
        pairs.remove(0);
        let (theirs, mine) = (median(pairs.iter().map(|p| p.0)), median(pairs.iter().map(|p| p.1)));
        let ratio = median(pairs.iter().map(|p| p.1 / p.0));
        println!("{:<34} {theirs:>12.2} {mine:>12.2} {ratio:>8.2}", workload.name());
        ratios.push(ratio);
    }
    let geomean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp();
    println!("{:<34} {:>12} {:>12} {:>8.2}", "median", "", "", median(ratios.iter().copied()));
    println!("{:<34} {:>12} {:>12} {:>8.2}", "geometric mean", "", "", geomean);
    let _ = std::fs::remove_dir_all(&folder);
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Milliseconds of one run by SQLite and one by Kernite.
fn pair(workload: Workload, made: &Path, folder: &Path) -> (f64, f64) {
    let path = |name: &str| -> PathBuf {
        if !workload.writes() {
            return made.to_path_buf();
        }
        let copy = folder.join(name);
        workload::copy(made, &copy);
        copy
    };
    let (theirs, expected) = timed(&mut sqlite::Database::open(&path("sqlite.db")), workload);
    let (mine, actual) = timed(&mut ours::Database::open(&path("ours.db")), workload);
    assert_eq!(actual, expected, "{} gives another result", workload.name());
    (theirs, mine)
}

fn timed(database: &mut impl Bench, workload: Workload) -> (f64, i64) {
    // The first touch of a read-only workload fills the cache; it is the steady state that is compared.
    if !workload.writes() {
        database.run(workload);
    }
    let start = Instant::now();
    let result = database.run(workload);
    (start.elapsed().as_secs_f64() * 1e3, result)
}
