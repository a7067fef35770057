//! Two transactions and everything that can go wrong with them: bounded-exhaustive runs.
//!
//! For each journal mode, with the transactions in one client after the other and in two clients at once:
//!
//! ```text
//! nothing goes wrong     the power is cut at every moment that changed the disk, in every way, and both engines recover the image
//! every call waits       the same, with a cache of ten pages
//! every point            the process is killed there; the call fails; the disk is full; the other client goes on there
//! ```
//!
//! Always true: nothing is random.
//! Never: longer scripts; their runs would be too many.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::profile::{self, Settings};
use crate::run::{Case, Verdict, run};
use crate::workload::{Chooser, Plan, Script, Workload};
use crate::world::{Aim, Mishap};

/// The journal modes.
pub const MODES: [&str; 4] = ["delete", "truncate", "persist", "wal"];

/// One run of many.
pub struct Told<'a> {
    /// What was done to the script.
    pub what: String,
    pub verdict: &'a Verdict,
}

/// The transactions of a script in their order, each once.
struct InOrder<'a> {
    script: &'a Script,
    clients: usize,
    next: [AtomicUsize; 2],
}

impl Workload for InOrder<'_> {
    fn name(&self) -> &'static str {
        "in order"
    }

    fn schema(&self) -> Vec<String> {
        self.script.schema()
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let client = usize::from(chooser.client) % 2;
        let nth = self.next[client].fetch_add(1, Ordering::Relaxed);
        let at = if self.clients == 1 { nth } else { client };
        self.script.plan_of(at, chooser)
    }
}

fn run_once(script: &Script, settings: &Settings, aim: Option<Aim>, cuts: bool) -> Verdict {
    let workload = InOrder { script, clients: settings.clients.len(), next: Default::default() };
    let mut case = Case::of_seed(1, profile::PROFILES[0]);
    case.decisions = Some(&[]);
    case.settings = Some(settings);
    case.workload = Some(&workload);
    case.exhaustive = cuts;
    case.aim = aim;
    run(&case)
}

/// Runs `script` in `mode` in every way, and tells `each` of every run.
pub fn exhaust(script: &Script, mode: &'static str, mut each: impl FnMut(Told<'_>)) {
    for clients in 1..=2 {
        let settings = Settings::plain(mode, clients, false);
        let quiet = run_once(script, &settings, None, true);
        each(Told { what: format!("{mode}, {clients} clients"), verdict: &quiet });
        let waiting = run_once(script, &Settings::plain(mode, clients, true), None, true);
        each(Told { what: format!("{mode}, {clients} clients, every call waits"), verdict: &waiting });
        for mishap in Mishap::ALL.into_iter().filter(|mishap| *mishap != Mishap::Switch || clients > 1) {
            for at in 1..=quiet.tally.points {
                let verdict = run_once(script, &settings, Some(Aim { at, what: mishap }), false);
                let what = format!("{mode}, {clients} clients, {} at {at}", mishap.name());
                each(Told { what, verdict: &verdict });
            }
        }
    }
}
