//! Profiles: kinds of runs; and the settings that chance draws for one run of a kind.
//!
//! Every run switches off a random half of what its profile allows (swarm testing), so that rare combinations get whole runs.
//!
//! Never: a fault.

use crate::decide::{Decisions, Kind, WORLD};
use crate::engine::{Patience, Which};
use crate::oracle::Survival;
use crate::workload::{GENERATED, NAMES};
use crate::world::loss::Loss;
use crate::world::{Rates, Strategy};

/// A kind of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: &'static str,
    pub about: &'static str,
    wal: bool,
    rollback: bool,
    /// SQLite processes beside Kernite's.
    fleet: bool,
    kills: bool,
    power_cuts: bool,
    errors: bool,
    queued: bool,
    /// Generated SQL and nothing else.
    generated: bool,
    clients_max: u64,
}

const BASE: Profile = Profile {
    name: "default",
    about: "everything, each run with a random half of it switched off",
    wal: true,
    rollback: true,
    fleet: true,
    kills: true,
    power_cuts: true,
    errors: true,
    queued: true,
    generated: false,
    clients_max: 4,
};

/// All profiles.
pub const PROFILES: [Profile; 9] = [
    BASE,
    Profile { name: "wal", about: "write-ahead log only", rollback: false, ..BASE },
    Profile { name: "rollback", about: "rollback journals only", wal: false, ..BASE },
    Profile {
        name: "crash",
        about: "one client, power cuts and kills",
        fleet: false,
        errors: false,
        clients_max: 1,
        ..BASE
    },
    Profile {
        name: "errors",
        about: "calls fail, nobody dies",
        kills: false,
        power_cuts: false,
        fleet: false,
        ..BASE
    },
    Profile {
        name: "fleet",
        about: "Kernite and SQLite on one file, kills and power cuts",
        errors: false,
        ..BASE
    },
    Profile {
        name: "calm",
        about: "interleavings only",
        kills: false,
        power_cuts: false,
        errors: false,
        ..BASE
    },
    Profile {
        name: "sql",
        about: "generated schemas and statements, held against SQLite row by row",
        generated: true,
        ..BASE
    },
    Profile { name: "sqlite", about: "SQLite alone, to test the simulator itself", queued: false, ..BASE },
];

/// The profile called `name`.
pub fn by_name(name: &str) -> Option<Profile> {
    PROFILES.into_iter().find(|profile| profile.name == name)
}

/// What chance drew for a run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub workload: &'static str,
    pub journal_mode: &'static str,
    pub synchronous: &'static str,
    pub page_size: u32,
    pub cache_size: i32,
    pub auto_vacuum: u32,
    pub checkpoint: u32,
    pub patience: Patience,
    pub clients: Vec<Which>,
    /// Connections of each client.
    pub connections: u32,
    /// Statements in a million that are thrown away or interrupted.
    pub abandon: u32,
    /// What the generated workload is generated from.
    pub schema_seed: u64,
    pub transactions: u32,
    pub epochs: u32,
    pub rates: Rates,
    pub strategy: Strategy,
    pub faults_max: u64,
}

impl Settings {
    /// Draws the settings of a run.
    pub fn draw(profile: &Profile, decisions: &mut Decisions) -> Settings {
        let mut modes = Vec::new();
        if profile.rollback {
            modes.extend(["delete", "truncate", "persist"]);
        }
        if profile.wal {
            modes.extend(["wal"; 3]);
        }
        let mut pick = |count: usize| decisions.below(WORLD, Kind::Setting, count as u64) as usize;
        let journal_mode = modes[pick(modes.len())];
        let synchronous = ["FULL", "FULL", "NORMAL", "EXTRA"][pick(4)];
        let workload = if profile.generated { GENERATED } else { NAMES[pick(NAMES.len())] };
        let page_size = [4096, 512, 1024, 8192, 4096, 65536][pick(6)];
        let cache_size = [2000, 10, 30, 100][pick(4)];
        let auto_vacuum = [0, 0, 1, 2][pick(4)];
        let checkpoint = [1000, 3, 20, 0][pick(4)];
        let busy_ms = [0, 0, 5, 50][pick(4)];
        let count = 1 + pick(profile.clients_max as usize);
        let fleet = profile.fleet && pick(2) == 1;
        let mut clients: Vec<Which> = (0..count)
            .map(|at| if fleet && at > 0 && pick(2) == 1 { Which::Sqlite } else { Which::Kernite })
            .collect();
        if profile.name == "sqlite" {
            clients.fill(Which::Sqlite);
        }
        let transactions = [6, 12, 25][pick(3)];
        let epochs = [1, 2, 3][pick(3)];
        let strategy = match pick(3) {
            2 => Strategy::Priorities { changes_per_million: [3_000, 20_000][pick(2)] },
            _ => Strategy::Random,
        };
        let switch = if count > 1 { [20_000, 2_000, 200_000, 500_000][pick(4)] } else { 0 };
        let connections = 1 + u32::from(decisions.below(WORLD, Kind::Setting, 3) == 2);
        let abandon = [0, 0, 20_000, 150_000][decisions.below(WORLD, Kind::Setting, 4) as usize];
        let is_fickle = busy_ms > 0 && decisions.below(WORLD, Kind::Setting, 3) == 2;
        let patience = if is_fickle { Patience::Fickle } else { Patience::Timeout(busy_ms) };
        let schema_seed =
            if workload == GENERATED { decisions.below(WORLD, Kind::Setting, 1 << 40) } else { 0 };
        let mut on = |allowed: bool, choices: &[u32]| {
            if allowed {
                choices[decisions.below(WORLD, Kind::Setting, choices.len() as u64) as usize]
            } else {
                0
            }
        };
        let errors = profile.errors;
        let rates = Rates {
            switch,
            kill: on(profile.kills, &[0, 0, 100, 600, 3_000]),
            power_cut: on(profile.power_cuts, &[0, 100, 400, 2_000]),
            land: on(profile.queued, &[0, 10_000, 200_000]),
            late: on(profile.queued, &[0, 0, 100_000, 500_000, 1_000_000]),
            read_error: on(errors, &[0, 0, 0, 500, 5_000]),
            write_error: on(errors, &[0, 0, 0, 500, 5_000]),
            full: on(errors, &[0, 0, 0, 500, 5_000]),
            // SQLite takes the next sync's word after one failed, although what the first dropped never reaches the disk.
            sync_error: on(
                errors && clients.iter().all(|which| *which == Which::Kernite),
                &[0, 0, 0, 2_000, 30_000],
            ),
            name_error: on(errors, &[0, 0, 0, 500, 5_000]),
            lock_error: on(errors, &[0, 0, 0, 0, 2_000]),
            no_memory: on(errors, &[0, 0, 0, 0, 1_000]),
            clock_jump: on(true, &[0, 0, 300]),
        };
        Settings {
            workload,
            journal_mode,
            synchronous,
            page_size,
            cache_size,
            auto_vacuum,
            checkpoint,
            patience,
            clients,
            connections,
            abandon,
            schema_seed,
            transactions,
            epochs,
            rates,
            strategy,
            faults_max: 60,
        }
        .by_contract()
    }

    /// The settings of a run in which nothing is left to chance: `clients` of Kernite, one or two transactions in all. With `waiting` every
    /// call is queued and the cache holds ten pages.
    pub fn plain(journal_mode: &'static str, clients: usize, waiting: bool) -> Settings {
        let late = if waiting { 1_000_000 } else { 0 };
        Settings {
            workload: "bank",
            journal_mode,
            synchronous: "EXTRA",
            page_size: 512,
            cache_size: if waiting { 10 } else { 2000 },
            auto_vacuum: 1,
            checkpoint: 4,
            patience: Patience::Timeout(50),
            clients: vec![Which::Kernite; clients],
            connections: 1,
            abandon: 0,
            schema_seed: 0,
            transactions: if clients == 1 { 2 } else { 1 },
            epochs: 1,
            rates: Rates { late, ..Rates::default() },
            strategy: Strategy::Random,
            faults_max: 60,
        }
    }

    /// Two files are held together where the durability contract says so: by a super-journal, with every sync. And tables that
    /// generated statements fill stay small, or their joins would take for ever.
    fn by_contract(mut self) -> Settings {
        if self.workload == GENERATED {
            (self.transactions, self.epochs) = (6, 1);
        }
        if self.workload == "pair" {
            match self.journal_mode {
                "wal" => self.workload = "bank",
                _ if self.synchronous == "NORMAL" => self.synchronous = "FULL",
                _ => {}
            }
        }
        self
    }

    /// Whether errors may come from the world.
    pub fn world_may_fail(&self) -> bool {
        let rates = &self.rates;
        [
            rates.read_error,
            rates.write_error,
            rates.full,
            rates.sync_error,
            rates.name_error,
            rates.lock_error,
            rates.no_memory,
        ]
        .iter()
        .any(|&rate| rate > 0)
    }

    /// What every connection runs first.
    pub fn pragmas(&self) -> Vec<String> {
        let mut pragmas = vec![
            format!("PRAGMA synchronous={}", self.synchronous),
            format!("PRAGMA cache_size={}", self.cache_size),
            format!("PRAGMA wal_autocheckpoint={}", self.checkpoint),
        ];
        if self.journal_mode != "wal" {
            // Only WAL is written into the file; the kind of rollback journal is the connection's own.
            pragmas.push(format!("PRAGMA journal_mode={}", self.journal_mode));
        }
        pragmas
    }

    /// What the first connection runs before there is a table.
    pub fn first_pragmas(&self) -> Vec<String> {
        vec![
            format!("PRAGMA page_size={}", self.page_size),
            format!("PRAGMA auto_vacuum={}", self.auto_vacuum),
            format!("PRAGMA journal_mode={}", self.journal_mode),
        ]
    }

    /// What a power loss may take, by the durability contract.
    pub fn survival_of_power_loss(&self) -> Survival {
        match (self.journal_mode, self.synchronous) {
            ("wal", "NORMAL") => Survival::Prefix,
            (_, "NORMAL") | ("delete", "FULL") => Survival::AllButOne,
            _ => Survival::All,
        }
    }

    /// The loss to have instead of `loss`, where the contract says nothing of that one: with NORMAL a rollback journal is synced once, with
    /// its count in it, and its checksum samples one byte in 200; what an older journal left in the place of a lost sector may pass.
    pub fn loss_by_contract(&self, loss: Loss) -> Loss {
        let samples = self.journal_mode != "wal" && self.synchronous == "NORMAL";
        if samples && matches!(loss, Loss::Subset | Loss::Torn | Loss::Garbage) { Loss::Prefix } else { loss }
    }

    /// One line for a person.
    pub fn describe(&self) -> String {
        let clients: Vec<&str> = self.clients.iter().map(|which| which.name()).collect();
        format!(
            "{} on {} x {} (journal {}, synchronous {}, page {}, cache {}, auto_vacuum {}, checkpoint {}), {} x {} transactions, {:?}",
            self.workload,
            clients.join("+"),
            self.connections,
            self.journal_mode,
            self.synchronous,
            self.page_size,
            self.cache_size,
            self.auto_vacuum,
            self.checkpoint,
            self.epochs,
            self.transactions,
            self.strategy
        )
    }
}
