//! One run: from a seed, or a list of decisions, to a verdict.
//!
//! ```text
//! settings -> tables made in a quiet world -> [ epoch: clients, faults -> power loss -> recovery by both engines -> oracles ]*
//! ```
//!
//! Always true: a run depends on its case alone.
//! Never: a file of the machine that it runs on.

use std::collections::BTreeSet;

use crate::client::{Client, Shop};
use crate::decide::{Decision, Decisions, Kind, WORLD};
use crate::engine::{Patience, Which};
use crate::history::{Ending, History, LEDGER, Transaction};
use crate::oracle::{Oracles, Recovered, Replayed, Survival, check_history, check_independence, recover};
use crate::process::{Body, Life, catching, run_all};
use crate::profile::{Profile, Settings};
use crate::trace::{Event, Trace};
use crate::workload::{self, Workload};
use crate::world::disk::Disk;
use crate::world::loss::Loss;
use crate::world::{Aim, Lie, Mishap, Options, Outcome, Tally, World};

/// The database of a run.
pub const PATH: &str = "/simulated.db";

/// What to run.
pub struct Case<'a> {
    pub seed: u64,
    pub profile: Profile,
    pub oracles: Oracles,
    /// Instead of those of the seed.
    pub decisions: Option<&'a [Decision]>,
    /// A user's workload instead of one of ours.
    pub workload: Option<&'a dyn Workload>,
    /// Keep the events.
    pub record: bool,
    /// Cut the power at every moment that changed the disk, in every way.
    pub exhaustive: bool,
    /// What the world gets wrong, to see that the oracles notice.
    pub lie: Lie,
    /// Instead of those that chance draws.
    pub settings: Option<&'a Settings>,
    /// One thing that goes wrong at one point.
    pub aim: Option<Aim>,
    /// Changes the settings that chance drew.
    pub tune: Option<fn(&mut Settings)>,
}

impl Case<'_> {
    /// The run of a seed.
    pub fn of_seed(seed: u64, profile: Profile) -> Case<'static> {
        Case {
            seed,
            profile,
            oracles: Oracles::ALL,
            decisions: None,
            workload: None,
            record: false,
            exhaustive: false,
            lie: Lie::None,
            settings: None,
            aim: None,
            tune: None,
        }
    }
}

/// How a run went.
pub struct Verdict {
    pub violations: Vec<String>,
    /// The hash of everything that happened.
    pub trace_hash: u64,
    /// The hash of the files at the end.
    pub files_hash: u64,
    pub decisions: Vec<Decision>,
    pub tally: Tally,
    pub statements: u64,
    pub transactions: u64,
    /// Crash images that both engines recovered.
    pub images: u64,
    pub settings: String,
    pub events: Vec<Event>,
}

struct Run<'a> {
    case: &'a Case<'a>,
    settings: Settings,
    workload: &'a dyn Workload,
    schema: Vec<String>,
    history: History,
    decisions: Decisions,
    /// What the model made of the last image of this epoch.
    replayed: Option<Replayed>,
    verdict: Verdict,
    clock_ns: u64,
}

/// Violations kept at most: one fault can show in a thousand places.
const VIOLATIONS_MAX: usize = 20;

/// Runs `case`.
pub fn run(case: &Case<'_>) -> Verdict {
    crate::sqlite_process::seed_random(case.seed);
    let mut decisions = match case.decisions {
        Some(list) => Decisions::from_list(list),
        None => Decisions::from_seed(case.seed),
    };
    let mut settings = match case.settings {
        Some(settings) => settings.clone(),
        None => Settings::draw(&case.profile, &mut decisions),
    };
    if let Some(tune) = case.tune {
        tune(&mut settings);
    }
    let own = workload::by_name(settings.workload, settings.schema_seed);
    let Some(workload) = case.workload.or(own.as_deref()) else { unreachable!("settings name a workload") };
    let mut schema = vec![format!("CREATE TABLE {LEDGER}(seq INTEGER PRIMARY KEY, ticket INTEGER NOT NULL)")];
    schema.extend(workload.schema());
    let verdict = Verdict {
        violations: Vec::new(),
        trace_hash: 0,
        files_hash: 0,
        decisions: Vec::new(),
        tally: Tally::default(),
        statements: 0,
        transactions: 0,
        images: 0,
        settings: settings.describe(),
        events: Vec::new(),
    };
    let mut run = Run {
        case,
        settings,
        workload,
        schema,
        history: History::default(),
        decisions,
        replayed: None,
        verdict,
        clock_ns: 0,
    };
    if let Some(disk) = run.make_tables() {
        run.epochs(disk);
    }
    let mut verdict = run.verdict;
    verdict.decisions = run.decisions.taken().to_vec();
    verdict.statements = run.history.statements();
    verdict.violations.truncate(VIOLATIONS_MAX);
    verdict
}

impl Run<'_> {
    fn complain(&mut self, text: String) {
        self.verdict.violations.push(text);
    }

    /// The database with its tables, made by one of the engines in a quiet world.
    fn make_tables(&mut self) -> Option<Disk> {
        let which = if self.case.profile.name == "sqlite" { Which::Sqlite } else { Which::Kernite };
        let world = World::quiet(Disk::default());
        let made = catching(|| {
            let life = Life::alone(&world);
            let mut engine = which.connect(&life, PATH, Patience::NONE)?;
            let first = self.settings.first_pragmas();
            let attach = self.workload.attached().map(|attached| attached.sql(false));
            for sql in first.iter().chain(&attach).chain(&self.settings.pragmas()).chain(&self.schema) {
                engine.must(sql)?;
            }
            Ok::<_, crate::engine::SqlError>(())
        });
        let outcome = world.end();
        match made {
            Ok(Ok(())) => {
                let disk = outcome.disk.after_power_loss(Loss::Everything, &mut |_| 0);
                self.clock_ns = outcome.clock_ns;
                Some(disk)
            }
            Ok(Err(error)) => {
                self.complain(format!("making the tables: {error}"));
                None
            }
            Err(panic) => {
                self.complain(format!("making the tables: {panic}"));
                None
            }
        }
    }

    fn epochs(&mut self, mut disk: Disk) {
        for epoch in 0..self.settings.epochs {
            let outcome = self.epoch(disk, epoch);
            disk = self.judge(outcome);
            if !self.verdict.violations.is_empty() {
                break;
            }
        }
        self.verdict.files_hash = disk.hash();
        if self.verdict.violations.is_empty()
            && self.case.oracles.independence
            && self.case.seed.is_multiple_of(8)
            && self.workload.attached().is_none()
        {
            self.judge_independence();
        }
    }

    fn epoch(&mut self, disk: Disk, epoch: u32) -> Outcome {
        let options = Options {
            rates: self.settings.rates,
            strategy: self.settings.strategy,
            seed: self.case.seed.wrapping_mul(31).wrapping_add(u64::from(epoch)),
            record: self.case.record,
            watch: self.case.exhaustive,
            faults_max: self.settings.faults_max,
            lie: self.case.lie,
            aim: self.case.aim,
            ..Options::default()
        };
        let decisions = std::mem::replace(&mut self.decisions, Decisions::quiet());
        let world = World::new(disk, decisions, options);
        world.set_clock(self.clock_ns);
        world.arm(true);
        let shop = Shop {
            path: PATH,
            workload: self.workload,
            history: &self.history,
            pragmas: self.settings.pragmas(),
            patience: self.settings.patience,
            connections: self.settings.connections,
            abandon: self.settings.abandon,
            world_may_fail: self.settings.world_may_fail()
                || self.case.aim.is_some_and(|aim| matches!(aim.what, Mishap::Fail | Mishap::Full)),
        };
        let clients = self.settings.clients.iter().map(|&which| {
            let mut client = Client { shop: &shop, which, left: self.settings.transactions };
            Box::new(move |life: &Life| client.live(life)) as Body<'_>
        });
        run_all(&world, clients.collect());
        world.end()
    }

    /// Looks at what an epoch left; the disk to go on with.
    fn judge(&mut self, mut outcome: Outcome) -> Disk {
        let Outcome { trace, .. } = &outcome;
        self.verdict.trace_hash = self.verdict.trace_hash.rotate_left(9) ^ trace.hash() ^ outcome.disk.hash();
        self.verdict.events.extend_from_slice(Trace::events(trace));
        self.verdict.tally.add(&outcome.tally);
        self.verdict.violations.append(&mut outcome.violations);
        self.clock_ns = outcome.clock_ns;
        self.decisions = std::mem::replace(&mut outcome.decisions, Decisions::quiet());
        let history = self.history.transactions();
        self.replayed = None;
        self.verdict.transactions = history.len() as u64;
        if !outcome.power_cut {
            if self.case.oracles.quiescence {
                self.verdict.violations.append(&mut outcome.left_behind);
                self.check_names(&outcome.disk);
            }
            self.judge_image(&outcome.disk, &history, Survival::All, "as it is");
        }
        for point in std::mem::take(&mut outcome.crash_points) {
            self.judge_crash_point(&point, &history);
        }
        self.judge_power_loss(&outcome.disk, &history)
    }

    /// When all connections are closed nothing but the database and what belongs to it is left. A log may be: of two that close at the
    /// same time neither is the last.
    fn check_names(&mut self, disk: &Disk) {
        let attached = self.workload.attached().map(|attached| attached.path);
        let mut known: Vec<String> = Vec::new();
        for path in attached.into_iter().chain([PATH]) {
            known.extend(["", "-journal", "-wal"].map(|end| format!("{path}{end}")));
        }
        let killed = self.verdict.tally.by_fault.keys().any(|name| !matches!(*name, "no memory"));
        let odd: Vec<String> = disk
            .paths()
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .filter(|path| !known.iter().any(|known| path == known))
            .collect();
        if !killed && !odd.is_empty() {
            self.complain(format!("left behind without a reason: {odd:?}"));
        }
    }

    fn judge_power_loss(&mut self, disk: &Disk, history: &[Transaction]) -> Disk {
        let mut images = 1 + self.decisions.below(WORLD, Kind::Loss, 3);
        loop {
            let loss = self.decisions.pick(WORLD, Kind::Loss, &Loss::ALL);
            let loss = self.settings.loss_by_contract(loss);
            let decisions = &mut self.decisions;
            let left = disk.after_power_loss(loss, &mut |bound| decisions.below(WORLD, Kind::Loss, bound));
            let survival = self.settings.survival_of_power_loss();
            let ledger = self.judge_image(&left, history, survival, loss.name());
            images -= 1;
            if images == 0 || !self.verdict.violations.is_empty() {
                if let Some(recovered) = ledger {
                    self.go_on_from(&recovered);
                }
                return left;
            }
        }
    }

    fn judge_crash_point(&mut self, point: &crate::world::CrashPoint, history: &[Transaction]) {
        let known: Vec<Transaction> = history
            .iter()
            .map(|one| match one.ending {
                // What was acknowledged later was in flight then, or had not begun.
                Ending::Committed if one.acknowledged_at > point.notes => {
                    Transaction { ending: Ending::Unknown, ..one.clone() }
                }
                _ => one.clone(),
            })
            .collect();
        // Where little was not synced, most ways to lose it leave the same disk.
        let mut judged = BTreeSet::new();
        for loss in Loss::ALL {
            if self.verdict.violations.is_empty() && self.settings.loss_by_contract(loss) == loss {
                let mut state = self.case.seed | 1;
                let left = point.disk.after_power_loss(loss, &mut |bound| {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                    (state >> 33) % bound.max(1)
                });
                if judged.insert(left.hash()) {
                    let survival = self.settings.survival_of_power_loss();
                    self.judge_image(&left, &known, survival, loss.name());
                }
            }
        }
    }

    /// Both engines open `disk` and must find the same, and what they find must be what `history` says.
    fn judge_image(
        &mut self,
        disk: &Disk,
        history: &[Transaction],
        survival: Survival,
        how: &str,
    ) -> Option<Recovered> {
        let oracles = self.case.oracles;
        self.verdict.images += 1;
        let found = [Which::Kernite, Which::Sqlite].map(|which| {
            let wanted = oracles.dual || (which == Which::Kernite) == (self.case.profile.name != "sqlite");
            wanted.then(|| recover(disk, PATH, which, self.workload))
        });
        let mut recovered = Vec::new();
        for outcome in found.into_iter().flatten() {
            match outcome {
                Ok((one, _)) => recovered.push(one),
                Err(text) => self.complain(format!("recovery ({how}): {text}")),
            }
        }
        if let [kernite, sqlite] = recovered.as_slice()
            && kernite != sqlite
        {
            self.complain(format!("recovery ({how}): {}", difference(kernite, sqlite)));
        }
        let kernite = recovered.into_iter().next()?;
        if oracles.integrity {
            for text in &kernite.complaints {
                self.complain(format!("recovery ({how}): {text}"));
            }
        }
        let plan = (self.workload, self.schema.as_slice());
        let texts = check_history(&kernite, history, plan, survival, oracles, &mut self.replayed);
        for text in texts {
            self.complain(format!("{how}: {text}"));
        }
        Some(kernite)
    }

    /// What did not survive is forgotten; readers saw states that may be gone.
    fn go_on_from(&mut self, recovered: &Recovered) {
        self.history.retain(|one| {
            one.ticket != 0 && recovered.ledger.iter().any(|(_, ticket)| *ticket == one.ticket)
        });
        self.history.settle();
    }

    fn judge_independence(&mut self) {
        let mut statements = self.schema.clone();
        for one in self.history.transactions().iter().filter(|one| one.ticket != 0) {
            statements.push("BEGIN".into());
            statements.extend(one.statements.iter().map(|ran| ran.sql.clone()));
            statements.push("COMMIT".into());
        }
        let mut pragmas = self.settings.first_pragmas();
        pragmas.push(format!("PRAGMA synchronous={}", self.settings.synchronous));
        for text in check_independence(&statements, &pragmas, self.case.seed) {
            self.complain(format!("schedule independence: {text}"));
        }
    }
}

fn difference(kernite: &Recovered, sqlite: &Recovered) -> String {
    if kernite.ledger != sqlite.ledger {
        let last = |recovered: &Recovered| recovered.ledger.last().copied();
        return format!(
            "Kernite finds {} tickets (last {:?}), SQLite {} (last {:?})",
            kernite.ledger.len(),
            last(kernite),
            sqlite.ledger.len(),
            last(sqlite)
        );
    }
    if kernite.complaints != sqlite.complaints {
        return format!("Kernite complains {:?}, SQLite {:?}", kernite.complaints, sqlite.complaints);
    }
    let pair = kernite.dump.iter().zip(&sqlite.dump).find(|(a, b)| a != b);
    format!(
        "Kernite has {} lines, SQLite {}; first difference {pair:?}",
        kernite.dump.len(),
        sqlite.dump.len()
    )
}
