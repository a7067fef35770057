//! A fixed set of seeds, each held to all oracles; and the oracles held to worlds that lie.
//!
//! The longer runs are `kernite-sim run`'s; what stands here has to end within a minute.

use std::sync::{Mutex, PoisonError};

use kernite_simulator::exhaust::exhaust;
use kernite_simulator::profile::by_name;
use kernite_simulator::run::{Case, Verdict, run};
use kernite_simulator::script::RunScript;
use kernite_simulator::workload::Script;
use kernite_simulator::world::Lie;

/// SQLite's random numbers are global: one world at a time.
static ONE_WORLD: Mutex<()> = Mutex::new(());

fn run_seed(profile: &str, seed: u64, lie: Lie) -> Verdict {
    let _alone = ONE_WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    let mut case = Case::of_seed(seed, by_name(profile).expect("the profile exists"));
    case.lie = lie;
    // Whole workloads run again four times: that is for the long runs.
    case.oracles.independence = false;
    run(&case)
}

fn hold(profile: &str, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let verdict = run_seed(profile, seed, Lie::None);
        assert!(
            verdict.violations.is_empty(),
            "{profile} {seed}, {}: {:#?}",
            verdict.settings,
            verdict.violations
        );
    }
}

#[test]
fn sqlite_alone_holds_in_this_world() {
    hold("sqlite", 0..12);
}

#[test]
fn one_client_survives_power_cuts_and_kills() {
    hold("crash", 0..12);
}

/// Every script in `regressions` went wrong once; its first lines say how.
#[test]
fn what_went_wrong_once_does_not_again() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut scripts = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let script = RunScript::parse(&std::fs::read_to_string(&path).expect("a text")).expect("a script");
        let mut case = Case::of_seed(script.seed, script.profile);
        case.decisions = Some(&script.decisions);
        let _alone = ONE_WORLD.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = run(&case);
        assert!(verdict.violations.is_empty(), "{}: {:#?}", path.display(), verdict.violations);
        scripts += 1;
    }
    assert!(scripts > 0);
}

/// One script of the corpus, with everything that can go wrong at every point; the others are `kernite-sim exhaust`'s.
#[test]
fn two_transactions_survive_everything_at_every_point() {
    let _alone = ONE_WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    let script = Script::of_one(include_str!("../corpus/insert-and-update.sql"));
    for mode in ["delete", "wal"] {
        exhaust(&script, mode, |told| {
            assert!(told.verdict.violations.is_empty(), "{}: {:#?}", told.what, told.verdict.violations);
        });
    }
}

#[test]
fn both_engines_share_files() {
    hold("fleet", 0..10);
}

#[test]
fn calls_that_fail_do_no_harm() {
    hold("errors", 0..10);
}

#[test]
fn everything_at_once_holds() {
    hold("default", 0..16);
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    for seed in 0..6 {
        for profile in ["default", "fleet"] {
            let of = |verdict: Verdict| {
                (verdict.trace_hash, verdict.files_hash, verdict.decisions, verdict.violations)
            };
            let (first, second) = (run_seed(profile, seed, Lie::None), run_seed(profile, seed, Lie::None));
            assert_eq!(of(first), of(second), "{profile} {seed}");
        }
    }
}

#[test]
fn the_list_of_a_run_replays_it() {
    for seed in 0..4 {
        let first = run_seed("crash", seed, Lie::None);
        let mut case = Case::of_seed(seed, by_name("crash").expect("the profile exists"));
        case.decisions = Some(&first.decisions);
        let _alone = ONE_WORLD.lock().unwrap_or_else(PoisonError::into_inner);
        let second = run(&case);
        assert_eq!(
            (first.trace_hash, first.files_hash),
            (second.trace_hash, second.files_hash),
            "seed {seed}"
        );
    }
}

#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    let noticed = (0..20).any(|seed| !run_seed("sqlite", seed, Lie::Syncs).violations.is_empty());
    assert!(noticed, "twenty seeds on a disk that loses everything, and nobody noticed");
}

#[test]
fn locks_that_are_always_granted_are_noticed() {
    let noticed = (0..40).any(|seed| !run_seed("sqlite", seed, Lie::Locks).violations.is_empty());
    assert!(noticed, "forty seeds without locks, and nobody noticed");
}
