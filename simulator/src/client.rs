//! A client: a process with a connection or two that runs the transactions of a workload, comes back when it was killed, and writes
//! down everything it saw.
//!
//! ```text
//! connect -> [ BEGIN -> statements, the ticket among them -> COMMIT or ROLLBACK ]* -> close
//!               '-- the world was in the way: ROLLBACK, sleep, again a few times --'
//! ```
//!
//! With two connections one may hold a read transaction open while the other goes on, and looks again before it ends: it must see what
//! it saw first. Now and then a statement is thrown away or interrupted in the middle; one that only read leaves its transaction as it
//! was, any other takes it down.
//!
//! Always true: a statement that failed for a reason of its own (a constraint) is part of the history; one that failed because of the
//! world ends its transaction.
//! Never: judging what it saw, but for errors that no healthy file can give.

use crate::decide::Kind;
use crate::engine::{Engine, Manner, Patience, Rows, SqlError, Which, code};
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
    pub patience: Patience,
    /// Connections of each client.
    pub connections: u32,
    /// Statements in a million that are thrown away or interrupted.
    pub abandon: u32,
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

/// A read transaction that stays open for a while.
struct Held {
    /// Its connection.
    at: usize,
    transaction: Transaction,
}

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
        let count = self.shop.connections.max(1) as usize;
        let mut engines: Vec<Option<Box<dyn Engine>>> = (0..count).map(|_| None).collect();
        let mut held: Option<Held> = None;
        let choose = |bound| life.world.choose(life.client, Kind::Workload, bound);
        while self.left > 0 && !life.is_over() {
            self.left -= 1;
            let at = match &held {
                Some(held) => (held.at + 1) % count,
                None => choose(count as u64) as usize,
            };
            if engines[at].is_none() {
                engines[at] = self.connect(life);
            }
            let Some(open) = engines[at].as_mut() else { continue };
            let mut chooser = Chooser { world: &life.world, client: life.client };
            let plan = self.shop.workload.plan(&mut chooser);
            if plan.begin == Begin::Read && count > 1 && held.is_none() && choose(2) == 1 {
                held = self.hold(life, &mut **open, &plan, at);
            } else {
                self.try_some_times(life, &mut **open, &plan);
                if choose(12) == 11 {
                    engines[at] = None;
                }
            }
            let is_over = self.left == 0 || choose(3) == 2;
            if let Some(held) = held.take_if(|_| is_over)
                && let Some(open) = engines[held.at].as_mut()
            {
                self.let_go(life, &mut **open, held);
            }
        }
    }

    fn try_some_times(&self, life: &Life, engine: &mut dyn Engine, plan: &Plan) {
        let mut attempt = 0;
        while let Err(Stop::Busy) = self.transact(life, engine, plan) {
            attempt += 1;
            if attempt == ATTEMPTS || !life.sleep_us(200 << attempt) {
                break;
            }
        }
    }

    /// Begins a read transaction that stays open.
    fn hold(&self, life: &Life, engine: &mut dyn Engine, plan: &Plan, at: usize) -> Option<Held> {
        let mut transaction = self.begin_record(life, 0);
        if self.read(life, engine, plan, &mut transaction).is_ok() {
            return Some(Held { at, transaction });
        }
        if !engine.is_autocommit() {
            let _ = self.run(life, engine, "ROLLBACK");
        }
        None
    }

    /// Ends a read transaction that was held: it sees what it saw at its beginning.
    fn let_go(&self, life: &Life, engine: &mut dyn Engine, held: Held) {
        for ran in &held.transaction.statements {
            let again = self.run(life, engine, &ran.sql);
            let rows = |outcome: &Result<Rows, SqlError>| outcome.as_ref().ok().map(|rows| rows.rows.clone());
            if again.is_ok() && ran.outcome.is_ok() && rows(&again) != rows(&ran.outcome) {
                life.world.violation(format!(
                    "p{}: an open read transaction saw two states: {}",
                    life.number, ran.sql
                ));
            }
        }
        let _ = self.run(life, engine, "ROLLBACK");
        if !life.is_over() {
            self.shop.history.add(held.transaction);
        }
    }

    fn begin_record(&self, life: &Life, ticket: i64) -> Transaction {
        Transaction {
            client: life.client,
            ticket,
            place: None,
            snapshot: None,
            statements: Vec::new(),
            ending: Ending::Undone,
            began_at: life.notes(),
            acknowledged_at: 0,
        }
    }

    fn connect(&self, life: &Life) -> Option<Box<dyn Engine>> {
        life.note(|| format!("client {} connects with {}", life.client, self.which.name()));
        let opened = self.which.connect(life, self.shop.path, self.shop.patience);
        let mut engine = opened.map_err(|error| self.suspect(life, "open", &error)).ok()?;
        let attach = self.shop.workload.attached().map(|attached| attached.sql(false));
        for sql in attach.iter().chain(&self.shop.pragmas) {
            if let Err(error) = engine.run(sql) {
                self.suspect(life, sql, &error);
                return None;
            }
        }
        Some(engine)
    }

    /// An error that the world or a constraint cannot explain is a finding.
    fn suspect(&self, life: &Life, sql: &str, error: &SqlError) {
        let is_damage = matches!(error.primary(), code::CORRUPT | code::NOTADB | 2 | 8 | 21);
        let is_wanted = error.is_busy() || error.is_given_up() && self.shop.abandon > 0;
        let is_unexplained = error.is_environment() && !is_wanted && !self.shop.world_may_fail;
        if (is_damage || is_unexplained) && !life.is_over() {
            life.world.violation(format!("p{} ({}): {sql}: {error}", life.number, self.which.name()));
        }
    }

    /// The manner of the next statement.
    fn manner(&self, life: &Life) -> Manner {
        match life.world.rarely(life.client, Kind::Abandon, self.shop.abandon, 9) as u32 {
            0 => Manner::Whole,
            n @ 1..=3 => Manner::Waits(n),
            n @ 4..=6 => Manner::Rows(n - 3),
            n => Manner::Interrupt(n - 6),
        }
    }

    fn run(&self, life: &Life, engine: &mut dyn Engine, sql: &str) -> Result<Rows, SqlError> {
        self.run_in(life, engine, sql, Manner::Whole)
    }

    fn run_in(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        sql: &str,
        manner: Manner,
    ) -> Result<Rows, SqlError> {
        let outcome = engine.run_in(sql, manner);
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
        let mut transaction =
            self.begin_record(life, if is_writing { self.shop.history.ticket() } else { 0 });
        let result = match plan.begin {
            Begin::Alone => plan.statements.iter().try_for_each(|sql| {
                let outcome = self.run_in(life, engine, sql, self.manner(life));
                outcome.map(drop).map_err(|error| stop_of(&error))
            }),
            Begin::Read => self
                .read(life, engine, plan, &mut transaction)
                .and_then(|()| self.commit(life, engine, &mut transaction)),
            _ => self.write(life, engine, plan, &mut transaction),
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

    /// A transaction that reads, up to its last statement.
    fn read(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        plan: &Plan,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        let stop = |error: SqlError| stop_of(&error);
        self.run(life, engine, plan.begin.sql()).map_err(stop)?;
        let seen = self.run(life, engine, &format!("SELECT count(*) FROM {LEDGER}")).map_err(stop)?;
        transaction.snapshot = seen.integer();
        plan.statements.iter().try_for_each(|sql| self.statement(life, engine, sql, transaction))
    }

    fn statement(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        sql: &str,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        let outcome = self.run_in(life, engine, sql, self.manner(life));
        if let Err(error) = &outcome {
            if error.is_given_up() && sql.starts_with("SELECT") && !engine.is_autocommit() {
                return Ok(());
            }
            if error.is_environment() || engine.is_autocommit() {
                return Err(stop_of(error));
            }
        }
        transaction.statements.push(Ran { sql: sql.into(), outcome });
        Ok(())
    }

    fn write(
        &self,
        life: &Life,
        engine: &mut dyn Engine,
        plan: &Plan,
        transaction: &mut Transaction,
    ) -> Result<(), Stop> {
        let stop = |error: SqlError| stop_of(&error);
        self.run(life, engine, plan.begin.sql()).map_err(stop)?;
        for (at, sql) in plan.statements.iter().enumerate() {
            if at == plan.ticket_at {
                self.take_ticket(life, engine, transaction)?;
            }
            self.statement(life, engine, sql, transaction)?;
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
            match self.run_in(life, engine, "COMMIT", self.manner(life)) {
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
