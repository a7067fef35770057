//! A history against the model: SQLite in memory, one connection, no faults.
//!
//! ```text
//! ledger of the recovered database:  t3  t1  t4        every statement of t3, then of t1, then of t4 runs on the model;
//! readers:                         ^0      ^2    ^3     readers that saw n tickets run behind the n-th
//! ```
//!
//! What the model gives must be what the clients saw, and what it holds in the end what the recovered database holds. So this one
//! oracle says that transactions are atomic, durable, isolated and right.
//!
//! Never: the order in which transactions were acknowledged; the ledger has the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

use super::Oracles;
use super::recovery::{Recovered, dump};
use crate::engine::{Engine, Rows, SqlError, SqliteEngine, Value};
use crate::history::{Ending, LEDGER, Ran, Transaction};
use crate::workload::Workload;

/// Which acknowledged transactions may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// None.
    All,
    /// The latest one.
    AllButOne,
    /// Any number of the latest ones.
    Prefix,
}

/// Whether rows are the same, in any order where the statement asks for none: which one they come in is the planner's business, and
/// `testing` holds that against SQLite.
fn same_rows(sql: &str, seen: &[Vec<Value>], expected: &[Vec<Value>]) -> bool {
    if seen == expected || sql.contains("ORDER BY") || seen.len() != expected.len() {
        return seen == expected;
    }
    let sorted = |rows: &[Vec<Value>]| {
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        rows.sort_unstable();
        rows
    };
    sorted(seen) == sorted(expected)
}

fn differs(ran: &Ran, model: &Result<Rows, SqlError>) -> Option<String> {
    let first = ran.sql.split_whitespace().next().unwrap_or_default();
    let changes_rows = matches!(first, "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "WITH");
    let what = match (&ran.outcome, model) {
        (Ok(seen), Ok(expected)) => {
            if seen.names != expected.names {
                format!("columns {:?} and not {:?}", seen.names, expected.names)
            } else if !same_rows(&ran.sql, &seen.rows, &expected.rows) {
                format!("rows {:?} and not {:?}", seen.rows, expected.rows)
            } else if changes_rows && seen.changes != expected.changes {
                format!("{} changes and not {}", seen.changes, expected.changes)
            } else {
                return None;
            }
        }
        (Err(seen), Err(expected)) if seen == expected => return None,
        (seen, expected) => {
            let told = |outcome: &Result<Rows, SqlError>| match outcome {
                Ok(rows) => format!("{} rows", rows.rows.len()),
                Err(error) => error.to_string(),
            };
            format!("{} and not {}", told(seen), told(expected))
        }
    };
    Some(format!("{}: {what}", ran.sql))
}

struct Model {
    engine: SqliteEngine,
    found: Vec<String>,
}

impl Model {
    fn new(schema: &[String], workload: &dyn Workload) -> Result<Model, SqlError> {
        let mut engine = SqliteEngine::in_memory()?;
        if let Some(attached) = workload.attached() {
            engine.must(&attached.sql(true))?;
        }
        for sql in schema {
            engine.must(sql)?;
        }
        Ok(Model { engine, found: Vec::new() })
    }

    fn follow(&mut self, transaction: &Transaction) {
        for ran in &transaction.statements {
            let expected = self.engine.run(&ran.sql);
            if let Some(text) = differs(ran, &expected) {
                let kind = if transaction.ticket == 0 { "a reader" } else { "a transaction" };
                let Transaction { client, ticket, snapshot, .. } = transaction;
                self.found.push(format!(
                    "client {client}, {kind} (ticket {ticket}, snapshot {snapshot:?}): {text}"
                ));
            }
        }
    }

    fn write(&mut self, transaction: &Transaction) -> Result<(), SqlError> {
        self.engine.must("BEGIN")?;
        self.follow(transaction);
        self.engine.must(&format!("INSERT INTO {LEDGER}(ticket) VALUES({})", transaction.ticket))?;
        self.engine.must("COMMIT").map(drop)
    }

    fn read(&mut self, transaction: &Transaction) -> Result<(), SqlError> {
        self.engine.must("BEGIN")?;
        self.follow(transaction);
        self.engine.must("ROLLBACK").map(drop)
    }
}

/// Which acknowledged transactions are missing that must not be, and which are there that must not be.
fn check_survival(
    recovered: &Recovered,
    history: &[Transaction],
    survival: Survival,
    found: &mut Vec<String>,
) {
    let known: BTreeMap<i64, &Transaction> =
        history.iter().filter(|one| one.ticket != 0).map(|one| (one.ticket, one)).collect();
    let mut there = BTreeSet::new();
    for (at, (place, ticket)) in recovered.ledger.iter().enumerate() {
        if *place != at as i64 + 1 {
            found.push(format!("the ledger has a gap: place {place} follows {at} others"));
        }
        if !there.insert(*ticket) {
            found.push(format!("ticket {ticket} is in the ledger twice"));
        }
        match known.get(ticket) {
            None => found.push(format!("ticket {ticket} is in the ledger and nobody put it there")),
            Some(one) if one.ending == Ending::Undone => {
                found.push(format!("ticket {ticket} of client {} was undone and is there", one.client));
            }
            Some(_) => {}
        }
    }
    let last_place = recovered.ledger.len() as i64;
    let missing: Vec<&&Transaction> = known
        .values()
        .filter(|one| one.ending == Ending::Committed && !there.contains(&one.ticket))
        .collect();
    let allowed = match survival {
        Survival::All => 0,
        Survival::AllButOne => 1,
        Survival::Prefix => usize::MAX,
    };
    if missing.len() > allowed {
        let tickets: Vec<i64> = missing.iter().map(|one| one.ticket).collect();
        found.push(format!(
            "acknowledged transactions are missing ({survival:?} may be kept): tickets {tickets:?}"
        ));
    }
    for one in missing {
        if one.place.is_some_and(|place| place <= last_place) && survival != Survival::All {
            found.push(format!("ticket {} is missing although a later one is there", one.ticket));
        }
    }
}

/// Real time: what was acknowledged before something else began comes before it in the ledger, and a reader that began then sees it.
fn check_order(recovered: &Recovered, history: &[Transaction], found: &mut Vec<String>) {
    let by_ticket: BTreeMap<i64, &Transaction> =
        history.iter().filter(|one| one.ticket != 0).map(|one| (one.ticket, one)).collect();
    let in_order: Vec<&Transaction> =
        recovered.ledger.iter().filter_map(|(_, ticket)| by_ticket.get(ticket).copied()).collect();
    // Those of an earlier life of the disk have no times.
    let acknowledged = |one: &Transaction| {
        (one.ending == Ending::Committed && one.acknowledged_at > 0).then_some(one.acknowledged_at)
    };
    let mut earliest: Option<(usize, i64)> = None;
    for one in in_order.iter().rev() {
        if let Some((at, later)) = earliest
            && at <= one.began_at
        {
            found.push(format!(
                "ticket {later} was acknowledged before ticket {} began, and follows it",
                one.ticket
            ));
        }
        if let Some(at) = acknowledged(one)
            && earliest.is_none_or(|(other, _)| at < other)
        {
            earliest = Some((at, one.ticket));
        }
    }
    for reader in history.iter().filter(|one| one.ticket == 0) {
        let Some(snapshot) = reader.snapshot.and_then(|snapshot| usize::try_from(snapshot).ok()) else {
            continue;
        };
        let missed = in_order
            .iter()
            .skip(snapshot)
            .find(|one| acknowledged(one).is_some_and(|at| at <= reader.began_at));
        if let Some(missed) = missed {
            found.push(format!(
                "a reader of client {} began after ticket {} was acknowledged, and saw {snapshot} tickets without it",
                reader.client, missed.ticket
            ));
        }
    }
}

/// What the model made of a ledger. Most images of an epoch have the same one: the history is run again once for all of them.
pub struct Replayed {
    ledger: Vec<(i64, i64)>,
    /// What clients saw and should not have.
    found: Vec<String>,
    /// The content at the end.
    content: Vec<String>,
}

/// Holds `recovered` against `history`. What does not fit, as texts. `replayed` is of an earlier call with the same history.
pub fn check_history(
    recovered: &Recovered,
    history: &[Transaction],
    (workload, schema): (&dyn Workload, &[String]),
    survival: Survival,
    oracles: Oracles,
    replayed: &mut Option<Replayed>,
) -> Vec<String> {
    let mut found = Vec::new();
    if oracles.order {
        check_order(recovered, history, &mut found);
    }
    if oracles.durability {
        check_survival(recovered, history, survival, &mut found);
    }
    if !oracles.model {
        return found;
    }
    let known = replayed.take().filter(|known| known.ledger == recovered.ledger);
    let outcome = known.map_or_else(|| replay(recovered, history, workload, schema), Ok);
    match outcome {
        Ok(known) => {
            found.extend(known.found.iter().cloned());
            found.extend(content_differs(&known.content, &recovered.dump));
            *replayed = Some(known);
        }
        Err(error) => found.push(format!("the model: {error}")),
    }
    found
}

fn content_differs(expected: &[String], seen: &[String]) -> Option<String> {
    if expected == seen {
        return None;
    }
    let here: BTreeSet<&String> = seen.iter().collect();
    let there: BTreeSet<&String> = expected.iter().collect();
    let some = |set: Vec<&&String>| set.into_iter().take(3).map(ToString::to_string).collect::<Vec<_>>();
    let (extra, lost) = (some(here.difference(&there).collect()), some(there.difference(&here).collect()));
    Some(format!("the content is not that of its transactions: extra {extra:?}, missing {lost:?}"))
}

fn replay(
    recovered: &Recovered,
    history: &[Transaction],
    workload: &dyn Workload,
    schema: &[String],
) -> Result<Replayed, SqlError> {
    let mut model = Model::new(schema, workload)?;
    let mut readers: BTreeMap<i64, Vec<&Transaction>> = BTreeMap::new();
    for one in history.iter().filter(|one| one.ticket == 0) {
        if let Some(snapshot) = one.snapshot {
            readers.entry(snapshot).or_default().push(one);
        }
    }
    for at in 0..=recovered.ledger.len() {
        if let Some((_, ticket)) = at.checked_sub(1).and_then(|at| recovered.ledger.get(at))
            && let Some(one) = history.iter().find(|one| one.ticket == *ticket)
        {
            model.write(one)?;
        }
        for reader in readers.get(&(at as i64)).into_iter().flatten() {
            model.read(reader)?;
        }
    }
    let content = dump(&mut model.engine, workload)?;
    Ok(Replayed { ledger: recovered.ledger.clone(), found: model.found, content })
}
