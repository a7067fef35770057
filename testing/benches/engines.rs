//! The same workloads under criterion, each pair in one group: `cargo bench -p kernite-testing`.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use kernite_testing::workload::{self, Bench, Workload, ours, sqlite};

fn one<D: Bench>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    engine: &str,
    workload: Workload,
    made: &std::path::Path,
    open: impl Fn(&std::path::Path) -> D,
) {
    if workload.writes() {
        let copy = made.with_extension(engine);
        group.bench_function(engine, |bencher| {
            let fresh = || {
                workload::copy(made, &copy);
                open(&copy)
            };
            bencher.iter_batched(
                fresh,
                |mut database| black_box(database.run(workload)),
                BatchSize::PerIteration,
            );
        });
        return;
    }
    let mut database = open(made);
    group.bench_function(engine, |bencher| bencher.iter(|| black_box(database.run(workload))));
}

fn engines(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("kernite-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let made = folder.join("made.db");
    sqlite::make(&made);
    for workload in Workload::ALL {
        let mut group = criterion.benchmark_group(workload.name());
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        one(&mut group, "sqlite", workload, &made, sqlite::Database::open);
        one(&mut group, "kernite", workload, &made, ours::Database::open);
        group.finish();
    }
    let _ = std::fs::remove_dir_all(&folder);
}

criterion_group!(benches, engines);
criterion_main!(benches);
