//! Transactions: beginning them, BEGIN, COMMIT, ROLLBACK, and savepoints.
//!
//! Savepoints of the databases are numbered from the outermost: those of SQL first, then those of running statements. A database
//! learns of them when it begins to write.
//!
//! Never: the end of a statement (`end`), files (the host).

use kernite_btree::{Meta, TransactionKind};
use kernite_io::ready;

use crate::host::{ConnectionState, Host, Savepoint, Storage};
use crate::op::{ConstId, Db, HaltCode, SavepointAction, TransactionMode};
use crate::{Error, Step};

use super::end::{foreign_key_error, is_busy};
use super::slot::btree;
use super::{Context, StatementSavepoint};

/// `SQLITE_BUSY` and `SQLITE_SCHEMA`.
const BUSY: i32 = 5;
const SCHEMA: i32 = 17;

/// Why a transaction ends with this statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionEnd {
    /// BEGIN: autocommit is off from here on.
    Begin,
    /// COMMIT.
    Commit,
    /// ROLLBACK; it is done.
    Rollback,
    /// The outermost savepoint of a transaction that it began was released.
    Release,
}

impl TransactionEnd {
    /// The commit met a lock: the transaction is open as before.
    pub(super) fn undo(self, state: &mut ConnectionState) {
        if matches!(self, TransactionEnd::Commit | TransactionEnd::Release) {
            state.autocommit = false;
        }
    }

    /// The end is done.
    pub(super) fn finish(self, state: &mut ConnectionState) {
        if self != TransactionEnd::Begin {
            state.close_savepoints();
        }
    }
}

/// Begins a transaction on a database. `false`: a lock is in the way, ask the busy handler.
pub(super) fn begin(
    cx: &mut Context<'_>,
    db: Db,
    mode: TransactionMode,
    cookie: u32,
    check: bool,
) -> Step<bool> {
    let kind = match mode {
        TransactionMode::Read => TransactionKind::Read,
        TransactionMode::Write => TransactionKind::Write,
        TransactionMode::Exclusive => TransactionKind::Exclusive,
    };
    let write = mode != TransactionMode::Read;
    if write && cx.host.state().query_only {
        return Err(Error::with_code(
            HaltCode::ReadOnly.result_code(),
            "attempt to write a readonly database",
        ));
    }
    let btree = btree(cx.storage, db.0)?;
    let was_open = btree.transaction().is_some();
    match btree.begin(kind) {
        Ok(Some(())) => {}
        Ok(None) => return Ok(None),
        // Who reads already must not wait for a writer who may be waiting for the readers.
        Err(error) if is_busy(&error) && !was_open => return Ok(Some(false)),
        Err(error) => return Err(error.into()),
    }
    if write {
        let state = cx.host.state();
        let savepoints = state.savepoints.len();
        ready!(btree.savepoint_open(savepoints + state.statement_savepoints));
        if cx.program.flags.uses_statement_savepoint() && (!state.autocommit || state.readers > 1) {
            ready!(open_statement_savepoint(cx, db));
        }
    }
    if check {
        ready!(check_schema(cx, db, cookie));
    }
    Ok(Some(true))
}

/// Opens this statement's savepoint on a database; the first time it gets its number.
fn open_statement_savepoint(cx: &mut Context<'_>, db: Db) -> Step<()> {
    let savepoint = match cx.run.savepoint {
        Some(savepoint) => savepoint,
        None => {
            let state = cx.host.state_mut();
            let savepoint = StatementSavepoint {
                index: state.savepoints.len() + state.statement_savepoints,
                deferred: state.deferred,
                deferred_immediate: state.deferred_immediate,
            };
            state.statement_savepoints += 1;
            cx.run.savepoint = Some(savepoint);
            cx.host.vtab_savepoint(SavepointAction::Begin, savepoint.index)?;
            savepoint
        }
    };
    ready!(btree(cx.storage, db.0)?.savepoint_open(savepoint.index + 1));
    Ok(Some(()))
}

/// The file's schema has to be the one that the statement was compiled for.
fn check_schema(cx: &mut Context<'_>, db: Db, cookie: u32) -> Step<()> {
    let found = ready!(btree(cx.storage, db.0)?.meta(Meta::SchemaVersion));
    if kernite_io::planted!(SchemaCookieIgnored) || found == cookie && cx.host.schema_is_current(db, cookie) {
        return Ok(Some(()));
    }
    if !cx.host.schema_is_current(db, found) {
        cx.host.schema_is_stale(db);
    }
    Err(Error::with_code(SCHEMA, "database schema has changed"))
}

/// BEGIN, COMMIT, ROLLBACK. The statement ends with it.
pub(super) fn auto_commit(
    host: &mut dyn Host,
    storage: &mut Storage,
    on: bool,
    rollback: bool,
) -> Step<TransactionEnd> {
    if on == host.state().autocommit {
        return Err(Error::message(match (on, rollback) {
            (false, _) => "cannot start a transaction within a transaction",
            (true, true) => "cannot rollback - no transaction is active",
            (true, false) => "cannot commit - no transaction is active",
        }));
    }
    if rollback {
        ready!(host.rollback(storage));
        let state = host.state_mut();
        state.close_savepoints();
        state.clear_deferred();
        state.autocommit = true;
        return Ok(Some(TransactionEnd::Rollback));
    }
    let state = host.state_mut();
    if on {
        if state.writers > 0 {
            let message = "cannot commit transaction - SQL statements in progress";
            return Err(Error::with_code(BUSY, message));
        }
        if state.deferred + state.deferred_immediate > 0 {
            return Err(foreign_key_error());
        }
    }
    state.autocommit = on;
    Ok(Some(if on { TransactionEnd::Commit } else { TransactionEnd::Begin }))
}

/// SAVEPOINT, RELEASE, ROLLBACK TO. `Some` when the transaction ends with it.
pub(super) fn savepoint(
    cx: &mut Context<'_>,
    action: SavepointAction,
    name: ConstId,
) -> Step<Option<TransactionEnd>> {
    let name = cx.program.text(name).unwrap_or(b"");
    if action == SavepointAction::Begin {
        return open_savepoint(cx, name).map(|()| Some(None));
    }
    let state = cx.host.state();
    let found = state.savepoints.iter().rposition(|open| open.name.eq_ignore_ascii_case(name));
    let Some(index) = found else {
        return Err(Error::message(format!("no such savepoint: {}", String::from_utf8_lossy(name))));
    };
    if state.writers > 0 && action == SavepointAction::Release {
        return Err(Error::with_code(BUSY, "cannot release savepoint - SQL statements in progress"));
    }
    let is_transaction = index == 0 && state.transaction_is_savepoint;
    if action == SavepointAction::Release && is_transaction {
        let state = cx.host.state_mut();
        if state.deferred + state.deferred_immediate > 0 {
            return Err(foreign_key_error());
        }
        state.autocommit = true;
        return Ok(Some(Some(TransactionEnd::Release)));
    }
    for slot in &mut cx.storage.databases {
        let Some(btree) = slot else { continue };
        if btree.transaction().is_none_or(|kind| kind == TransactionKind::Read) {
            continue;
        }
        match action {
            SavepointAction::Rollback => ready!(btree.savepoint_rollback(index)),
            _ => ready!(btree.savepoint_release(index)),
        }
    }
    if action == SavepointAction::Rollback {
        ready!(cx.host.rolled_back_to_savepoint(cx.storage));
    }
    cx.host.vtab_savepoint(action, index)?;
    let state = cx.host.state_mut();
    if action == SavepointAction::Rollback {
        state.savepoints.truncate(index + 1);
        if let Some(open) = state.savepoints.last() {
            (state.deferred, state.deferred_immediate) = (open.deferred, open.deferred_immediate);
        }
    } else {
        state.savepoints.truncate(index);
    }
    Ok(Some(None))
}

fn open_savepoint(cx: &mut Context<'_>, name: &[u8]) -> Result<(), Error> {
    let state = cx.host.state();
    if state.writers > 0 {
        return Err(Error::with_code(BUSY, "cannot open savepoint - SQL statements in progress"));
    }
    let index = state.savepoints.len() + state.statement_savepoints;
    cx.host.vtab_savepoint(SavepointAction::Begin, index)?;
    let state = cx.host.state_mut();
    if state.autocommit {
        state.autocommit = false;
        state.transaction_is_savepoint = true;
    }
    let (deferred, deferred_immediate) = (state.deferred, state.deferred_immediate);
    state.savepoints.push(Savepoint { name: name.into(), deferred, deferred_immediate });
    Ok(())
}
