//! Mutants: the engine with a bug on purpose, run until an oracle speaks. That is how the simulator proves that it would find such a bug.
//!
//! ```text
//! catalogue: bug -> diets        diet, seed -> run with the bug --violation--> the same run without it --none--> killed
//! ```
//!
//! Always true: a kill counts only where the same run passes without the bug, so a fault that the engine has anyway kills nobody.
//!
//! Rooms: `catalogue` (which runs are apt for which bug), `rules` (a workload of constraints and conversions), `command`
//! (`kernite-sim mutants`).
//! Never: a bug. Those are the engine's (`kernite_io::planted`).

mod catalogue;
pub mod command;
mod rules;

use std::time::{Duration, Instant};

use kernite_io::planted::{Bug, activate};

use crate::profile::{self, PROFILES, Settings};
use crate::run::{Case, Verdict, run};
use crate::workload::Workload;

pub use catalogue::diets;

/// A kind of runs that a bug is exposed to.
#[derive(Clone, Copy)]
pub struct Diet {
    /// The profile whose chances are drawn.
    pub profile: &'static str,
    /// Cut the power at every moment that changed the disk.
    pub exhaustive: bool,
    /// The workload of this module, and not one that chance chooses.
    pub rules: bool,
    /// Whether whole workloads run again in other schedules.
    pub independence: bool,
    /// What is not left to chance.
    pub tune: fn(&mut Settings),
}

/// How a bug died.
#[derive(Clone, Debug)]
pub struct Kill {
    /// Runs until then, the deadly one included.
    pub seeds: u64,
    pub seconds: f64,
    /// Which oracle spoke.
    pub oracle: &'static str,
    /// What it said.
    pub violation: String,
    /// The place of the deadly run: diet and seed.
    pub diet: usize,
    pub seed: u64,
}

/// One run of a diet, with `bug` or without one.
pub fn expose(bug: Option<Bug>, diet: &Diet, seed: u64) -> Verdict {
    let mut case = Case::of_seed(seed, profile::by_name(diet.profile).unwrap_or(PROFILES[0]));
    case.exhaustive = diet.exhaustive;
    case.tune = Some(diet.tune);
    case.oracles.independence = diet.independence;
    let rules = rules::Rules;
    case.workload = diet.rules.then_some(&rules as &dyn Workload);
    activate(bug);
    let verdict = run(&case);
    activate(None);
    verdict
}

/// Runs `bug` on its diets in turn, from seed `from` on, until an oracle speaks or `time` is over.
///
/// # Errors
/// How many runs the bug survived.
pub fn hunt(bug: Bug, from: u64, time: Duration) -> Result<Kill, u64> {
    let start = Instant::now();
    let diets = diets(bug);
    let mut seeds = 0;
    while start.elapsed() < time {
        let (diet, seed) = ((seeds % diets.len() as u64) as usize, from + seeds / diets.len() as u64);
        seeds += 1;
        let verdict = expose(Some(bug), &diets[diet], seed);
        let Some(violation) = verdict.violations.first() else { continue };
        let seconds = start.elapsed().as_secs_f64();
        if expose(None, &diets[diet], seed).violations.is_empty() {
            let (oracle, violation) = (oracle_of(violation), violation.clone());
            return Ok(Kill { seeds, seconds, oracle, violation, diet, seed });
        }
    }
    Err(seeds)
}

/// Which oracle says such things.
fn oracle_of(violation: &str) -> &'static str {
    const SIGNS: [(&str, &str); 14] = [
        ("panic at", "assertion"),
        ("schedule independence", "independence"),
        ("integrity_check", "integrity"),
        (" gives ", "integrity"),
        ("Kernite finds", "dual"),
        ("differ", "dual"),
        ("ledger", "durability"),
        ("acknowledged", "durability"),
        ("is missing although", "durability"),
        ("has not ended", "quiescence"),
        ("left behind", "quiescence"),
        ("holds", "quiescence"),
        ("in flight", "buffers"),
        ("and not", "model"),
    ];
    let is_recovery = violation.starts_with("recovery");
    let found = SIGNS.iter().find(|(sign, _)| violation.contains(sign)).map(|(_, oracle)| *oracle);
    found.unwrap_or(if is_recovery {
        "recovery"
    } else if violation.contains("content is not that") {
        "model"
    } else {
        "errors"
    })
}
