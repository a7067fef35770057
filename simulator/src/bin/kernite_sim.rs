//! `kernite-sim`.
use kernite_simulator::{profile, run};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let profile = profile::by_name(&args[1]).unwrap();
    let (a, b): (u64, u64) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let start = std::time::Instant::now();
    let (mut st, mut bad, mut img, mut pts, mut sw) = (0, 0, 0, 0, 0);
    for seed in a..b {
        let mut case = run::Case::of_seed(seed, profile); case.record = args.len() > 4; let v = run::run(&case); for e in &v.events { println!("{e}"); }
        st += v.statements; img += v.images; pts += v.tally.points; sw += v.tally.switches;
        if !v.violations.is_empty() { bad += 1; println!("seed {seed}: {}", v.settings); for t in v.violations.iter().take(4) { println!("    {}", &t.chars().take(600).collect::<String>()); } }
    }
    println!("{} seeds, {bad} bad, {st} statements, {img} images, {pts} points, {sw} switches, {:?}", b-a, start.elapsed());
}
