//! A client: one connection that runs the transactions of a workload, comes back when its process was killed, and writes down
//! everything it saw.
//!
//! ```text
//! connect -> [ BEGIN -> statements, the ticket among them -> COMMIT or ROLLBACK ]* -> close
//!               '-- the world was in the way: ROLLBACK, sleep, again a few times --'
//! ```
//!
//! Always true: a statement that failed for a reason of its own (a constraint) is part of the history; one that failed because of the
//! world ends its transaction.
//! Never: judging what it saw, but for errors that no healthy file can give.

use crate::decide::Kind;
use crate::engine::{Engine, Rows, SqlError, Which, code};
use crate::history::{Ending, History, LEDGER, Ran, Transaction};
use crate::process::Life;
use crate::workload::{Begin, Chooser, Plan, Workload};

/// What all clients of a run share.
pub struct Shop<'a> {
    pub path: &'a str,
    pub workload: &'a dyn Workload,
    pub history: &'a History,
    /// What each connection runs first.
    pub pragmas: Vec<String>,
    pub busy_ms: u32,
    /// Whether errors may come from the world at all.
    pub world_may_fail: bool,
}

/// One client.
pub struct Client<'a> {
    pub shop: &'a Shop<'a>,
    pub which: Which,
    /// Transactions still to run, in this life or a later one.
    pub left: u32,
}

/// Times that a client tries a transaction which others are in the way of.
const ATTEMPTS: u32 = 4;

/// Why a transaction could not go on.
enum Stop {
    /// Others were in the way: again later.
    Busy,
    /// Over for this time.
    Over,
}

impl Client<'_> {
    /// One life.
    pub fn live(&mut self, life: &Life) {
        let mut engine: Option<Box<dyn Engine>> = None;
        while self.left > 0 && !life.is_over() {
            self.left -= 1;
            if engine.is_none() {
                engine = self.connect(life);
            }
            let Some(open) = engine.as_mut() else { continue };
            let mut chooser = Chooser { world: &life.world, client: life.client };
            let plan = self.shop.workload.plan(&mut chooser);
            let mut attempt = 0;
            while let Err(Stop::Busy) = self.transact(life, &mut **open, &plan) {
                attempt += 1;
                if attempt == ATTEMPTS || !life.sleep_us(200 << attempt) {
                    break;
                }
            }
            if life.world.choose(life.client, Kind::Workload, 12) == 11 {
                engine = None;
            }
        }
    }

    fn connect(&self, life: &Life) -> Option<Box<dyn Engine>> {
        life.note(|| format!("client {} connects with {}", life.client, self.which.name()));
        let opened = self.which.connect(life, self.shop.path, self.shop.busy_ms);
        let mut engine = opened.map_err(|error| self.suspect(life, "open", &error)).ok()?;
        for pragma in &self.shop.pragmas {
            if let Err(error) = engine.run(pragma) {
                self.suspect(life, pragma, &error);
                return None;
            }
        }
        Some(engine)
    }

    /// An error that the world or a constraint cannot explain is a finding.
    fn suspect(&self, life: &Life, sql: &str, error: &SqlError) {
        let is_damage = matches!(error.primary(), code::CORRUPT | code::NOTADB | 2 | 8 | 21);
        let is_unexplained = error.is_environment() && !error.is_busy() && !self.shop.world_may_fail;
        if (is_damage || is_unexplained) && !life.is_over() {
            life.world.violation(format!("p{} ({}): {sql}: {error}", life.number, self.which.name()));
        }
    }

    fn run(&self, life: &Life, engine: &mut dyn Engine, sql: &str) -> Result<Rows, SqlError> {
        let outcome = engine.run(sql);
        life.note(|| match &outcome {
            Ok(rows) => format!("{sql} -> {} rows, {} changes", rows.rows.len(), rows.changes),
            Err(error) => format!("{sql} -> {error}"),
        });
        if let Err(error) = &outcome {
            self.suspect(life, sql, error);
        }
        outcome
    }

    fn transact(&self, life: &Life, engine: &mut dyn Engine, plan: &Plan) -> Result<(), Stop> {
        let is_writing = !matches!(plan.begin, Begin::Read | Begin::Alone);
        let mut transaction = Transaction {
            client: life.client,
            ticket: if is_writing { self.shop.history.ticket() } else { 0 },
            place: None,
            snapshot: None,
            statements: Vec::new(),
            ending: Ending::Undone,
            acknowledged_at: 0,
        };
        let result = match plan.begin {
            Begin::Alone => plan
                .statements
                .iter()
                .try_for_each(|sql| self.run(life, engine, sql).map(drop).map_err(|error| stop_of(&error))),
            _ => self.run_transaction(life, engine, plan, &mut transaction),
        };
        if !engine.is_autocommit() {
            let _ = self.run(life, engine, "ROLLBACK");
        }
        if !engine.is_autocommit() && !life.is_over() {
            life.world.violation(format!("p{}: a transaction is open behind ROLLBACK", life.number));
        }
        // What a dead reader saw, nobody saw.
        let is_known = is_writing || !life.is_over();
        if plan.begin != Begin::Alone && is_known {
            self.shop.history.add(transaction);
        }
        result
    }

    fn run_transaction(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        plan: &Plan,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        let stop = |error: SqlError| stop_of(&error);
        self.run(life, engine, plan.begin.sql()).map_err(stop)?;
        if plan.begin == Begin::Read {
            let seen = self.run(life, engine, &format!("SELECT count(*) FROM {LEDGER}")).map_err(stop)?;
            transaction.snapshot = seen.integer();
        }
        for (at, sql) in plan.statements.iter().enumerate() {
            if at == plan.ticket_at {
                self.take_ticket(life, engine, transaction)?;
            }
            let outcome = self.run(life, engine, sql);
            if let Err(error) = &outcome
                && (error.is_environment() || engine.is_autocommit())
            {
                return Err(stop_of(error));
            }
            transaction.statements.push(Ran { sql: sql.clone(), outcome });
        }
        if plan.ticket_at >= plan.statements.len() {
            self.take_ticket(life, engine, transaction)?;
        }
        if plan.rolls_back {
            return self.run(life, engine, "ROLLBACK").map(drop).map_err(stop);
        }
        self.commit(life, engine, transaction)
    }

    fn take_ticket(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        if transaction.ticket == 0 {
            return Ok(());
        }
        let sql = format!("INSERT INTO {LEDGER}(ticket) VALUES({})", transaction.ticket);
        let taken = self.run(life, engine, &sql).map_err(|error| stop_of(&error))?;
        transaction.place = Some(taken.last_rowid);
        Ok(())
    }

    fn commit(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        for attempt in 0..ATTEMPTS {
            if life.is_over() {
                return Err(Stop::Over);
            }
            // From here on nobody but the disk knows, until the answer is there. The dead hear no answer.
            transaction.ending = Ending::Unknown;
            match self.run(life, engine, "COMMIT") {
                _ if life.is_over() => return Err(Stop::Over),
                Ok(_) => {
                    transaction.ending = Ending::Committed;
                    transaction.acknowledged_at = life.notes();
                    return Ok(());
                }
                Err(error) if error.is_busy() && !engine.is_autocommit() => {
                    transaction.ending = Ending::Undone;
                    if !life.sleep_us(300 << attempt) {
                        return Err(Stop::Over);
                    }
                }
                Err(error) => return Err(stop_of(&error)),
            }
        }
        Err(Stop::Busy)
    }
}

fn stop_of(error: &SqlError) -> Stop {
    if error.is_busy() { Stop::Busy } else { Stop::Over }
}
