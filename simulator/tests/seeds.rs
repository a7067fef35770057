//! A fixed set of seeds, each held to all oracles; and the oracles held to worlds that lie.
//!
//! The longer runs are `kernite-sim run`'s; what stands here has to end within a minute.

use std::sync::{Mutex, PoisonError};

use kernite_simulator::profile::by_name;
use kernite_simulator::run::{Case, Verdict, run};
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

/// A DELETE that had to wait while it freed a long overflow chain found no row under its cursor when it was run again.
#[test]
fn a_delete_goes_on_after_it_waited_in_a_long_chain() {
    hold("default", 37..38);
}

/// After a wait for a lock had ended, the timer that was over ended every later wait at once: the connection span instead of sleeping.
#[test]
fn a_wait_for_io_sleeps_although_a_timer_is_over() {
    hold("default", 157..158);
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
