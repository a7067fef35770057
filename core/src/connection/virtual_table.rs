//! Virtual tables: connecting them, and what is done for them with the connection's state released.
//!
//! A statement that needs a virtual table's columns fails to compile until the table is connected; who prepares it connects the table and
//! compiles again. What a running statement needs of a module (create, destroy, the halves of a commit) is asked for by the host, which is called
//! with the state borrowed: it leaves a note, [`Outside`], and waits; the driver does the work and calls again.
//!
//! ```text
//! step ─> host.commit ─> note, "wait" ─> driver: does it, leaves the answer ─> step ─> host.commit goes on
//! ```
//!
//! Always true: a note is answered before anything else of its statement runs.

use std::cell::RefCell;
use std::sync::Arc;

use kernite_io::ready;
use kernite_vdbe::op::Db;
use kernite_vdbe::vtab::{Connected, Context};
use kernite_vdbe::{Error, Step, vtab};

use super::host::HostState;
use super::nested::ConnectionSql;
use super::state::State;
use super::statement::Execution;
use crate::catalog::{DatabaseSchema, Instance, SchemaName, Table, TableKind, build};
use crate::compile::{Unconnected, lossy};

/// Work for the driver.
#[derive(Clone, Debug)]
pub(crate) enum Outside {
    Create {
        db: Db,
        name: Box<[u8]>,
    },
    Destroy {
        db: Db,
        name: Box<[u8]>,
    },
    /// The first half of a commit, of all tables that take part.
    Sync,
    /// The second.
    Commit,
    Rollback,
    /// Runs statements.
    Sql(Box<[u8]>),
}

/// Work under way.
#[derive(Default)]
pub(crate) struct Working {
    work: Option<Outside>,
    /// The next table, or byte of the text.
    at: usize,
    preparing: Option<super::prepare::Preparing>,
    statement: Option<Execution>,
}

impl HostState {
    /// Has the driver do something with the state released.
    pub(crate) fn outside(&mut self, work: impl FnOnce() -> Outside) -> Step<()> {
        if let Some(done) = self.outside_done.take() {
            return done.map(Some);
        }
        self.outside = Some(work());
        Ok(None)
    }

    /// Tells the virtual tables that take part in the transaction of its end, if there are any.
    pub(crate) fn tell_tables(&mut self, what: Outside) -> Step<()> {
        if self.vtabs.is_empty() && self.outside_done.is_none() {
            return Ok(Some(()));
        }
        self.outside(|| what)
    }

    /// A virtual table of a schema, or one named after its module.
    pub(crate) fn virtual_table(&self, db: Db, name: &[u8]) -> Option<&Arc<Table>> {
        let stored = self.catalog.database(db).and_then(|schema| schema.table(name));
        stored.or_else(|| self.catalog.eponymous.get(&SchemaName::new(name)))
    }

    /// Replaces a table by a connected version of itself. Statements that were compiled without knowing its columns do not depend on them.
    fn put_connected(&mut self, db: Db, table: Arc<Table>) {
        if let Some(Some(schema)) = self.catalog.databases.get_mut(usize::from(db.0)) {
            let schema: &mut DatabaseSchema = Arc::make_mut(schema);
            schema.tables.insert(SchemaName::new(&table.name), table);
        }
    }
}

/// Does what the host asked for, if anything. `Ok(None)`: it waits.
pub(crate) fn work(state: &RefCell<State>, working: &mut Working) -> Step<bool> {
    if working.work.is_none() {
        working.work = state.borrow_mut().host.outside.take();
    }
    let Some(work) = working.work.clone() else { return Ok(Some(false)) };
    let outcome = run(state, working, &work);
    let done = match outcome {
        Ok(None) => return Ok(None),
        Ok(Some(())) => Ok(()),
        Err(error) => Err(error),
    };
    *working = Working::default();
    state.borrow_mut().host.outside_done = Some(done);
    Ok(Some(true))
}

fn run(state: &RefCell<State>, working: &mut Working, work: &Outside) -> Step<()> {
    match work {
        Outside::Create { db, name } => create(state, *db, name),
        Outside::Destroy { db, name } => destroy(state, *db, name),
        Outside::Sync => {
            while let Some(table) = joined(state, working.at) {
                ready!(with_context(state, |context| table.sync(context)));
                working.at += 1;
            }
            Ok(Some(()))
        }
        Outside::Commit => {
            let tables = std::mem::take(&mut state.borrow_mut().host.vtabs);
            tables.iter().for_each(|table| table.commit());
            Ok(Some(()))
        }
        Outside::Rollback => {
            let tables = std::mem::take(&mut state.borrow_mut().host.vtabs);
            tables.iter().for_each(|table| table.rollback());
            Ok(Some(()))
        }
        Outside::Sql(text) => run_sql(state, working, text),
    }
}

fn joined(state: &RefCell<State>, at: usize) -> Option<Arc<dyn vtab::Table>> {
    state.borrow().host.vtabs.get(at).cloned()
}

fn with_context<T>(state: &RefCell<State>, body: impl FnOnce(&mut Context<'_>) -> Step<T>) -> Step<T> {
    let encoding = state.borrow().host.options.encoding;
    let mut sql = ConnectionSql::new(state);
    body(&mut Context { sql: Some(&mut sql), encoding })
}

/// Runs statements one after the other and throws their rows away.
fn run_sql(state: &RefCell<State>, working: &mut Working, text: &[u8]) -> Step<()> {
    loop {
        if let Some(statement) = &mut working.statement {
            while ready!(statement.step(state)) {}
            ready!(statement.reset(state));
            working.statement = None;
        }
        let Some(rest) = text.get(working.at..).filter(|rest| !rest.is_empty()) else {
            return Ok(Some(()));
        };
        let preparing = working.preparing.get_or_insert_default();
        let (prepared, end) = ready!(preparing.poll(state, rest));
        working.preparing = None;
        working.at += end.max(1);
        working.statement = prepared.map(Execution::new);
    }
}

/// Connects a virtual table whose columns a statement needs.
///
/// # Errors
/// `no such module: x`; the module's own.
pub(crate) fn connect(state: &RefCell<State>, target: &Unconnected) -> Step<()> {
    match target {
        Unconnected::Table { db, name } => {
            let known = state.borrow().host.virtual_table(*db, name).cloned();
            match known.filter(|table| table.is_unconnected()) {
                Some(table) => construct(state, &table, false),
                None => Ok(Some(())),
            }
        }
        Unconnected::Eponymous { module } => {
            let found = state.borrow().host.catalog.modules.find(module);
            let Some((name, module)) = found else { return Err(no_module(module)) };
            let table = eponymous(name.as_bytes());
            ready!(construct(state, &table, false));
            // What is built in counts as registered from its first use on.
            Arc::make_mut(&mut state.borrow_mut().host.catalog.modules).register(&name, module);
            Ok(Some(()))
        }
    }
}

fn create(state: &RefCell<State>, db: Db, name: &[u8]) -> Step<()> {
    let known = state.borrow().host.virtual_table(db, name).cloned();
    let Some(table) = known else { return Ok(Some(())) };
    ready!(construct(state, &table, true));
    let mut state = state.borrow_mut();
    let instance = state.host.virtual_table(db, name).and_then(|table| table.instance());
    if let Some(instance) = instance.map(|instance| Arc::clone(&instance.table)) {
        state.host.vtabs.push(instance);
    }
    Ok(Some(()))
}

fn destroy(state: &RefCell<State>, db: Db, name: &[u8]) -> Step<()> {
    let instance = {
        let state = state.borrow();
        let table = state.host.virtual_table(db, name);
        table.and_then(|table| table.instance()).map(|instance| Arc::clone(&instance.table))
    };
    match instance {
        Some(table) => {
            state.borrow_mut().host.vm.destroying += 1;
            let outcome = with_context(state, |context| table.destroy(context));
            state.borrow_mut().host.vm.destroying -= 1;
            ready!(outcome);
            state.borrow_mut().host.vtabs.retain(|known| !Arc::ptr_eq(known, &table));
            Ok(Some(()))
        }
        None => Ok(Some(())),
    }
}

fn no_module(name: &[u8]) -> Error {
    Error::message(format!("no such module: {}", lossy(name)))
}

/// A table named after its module, not connected yet.
fn eponymous(module: &[u8]) -> Arc<Table> {
    let source = build::Source {
        ast: &Arc::default(),
        sql: &Arc::from(&b""[..]),
        db: Db(0),
        column_max: usize::MAX,
        file_format: 4,
        loading: true,
        collations: None,
    };
    let kind = TableKind::Virtual { module: module.into(), arguments: Vec::new(), instance: None };
    Arc::new(build::bare(source, module, kind))
}

/// Has the module make the table, and puts it in place.
fn construct(state: &RefCell<State>, table: &Arc<Table>, create: bool) -> Step<()> {
    let TableKind::Virtual { module: name, arguments, .. } = &table.kind else { return Ok(Some(())) };
    let (module_name, module, database) = {
        let mut state = state.borrow_mut();
        let Some((module_name, module)) = state.host.catalog.modules.find(name) else {
            return Err(no_module(name));
        };
        if create && module.is_eponymous_only() {
            return Err(no_module(name));
        }
        let database = state.host.catalog.database(table.db).map(|schema| schema.name.clone());
        let key = (table.db, table.name.clone());
        if state.host.connecting.contains(&key) {
            let name = lossy(&table.name);
            return Err(Error::message(format!("vtable constructor called recursively: {name}")));
        }
        state.host.connecting.push(key);
        (module_name, module, database.unwrap_or_default())
    };
    let mut all: Vec<&[u8]> = vec![module_name.as_bytes(), &database, &table.name];
    all.extend(arguments.iter().map(|argument| &**argument));
    let outcome = with_context(state, |context| match create {
        true => module.create(&all, context),
        false => module.connect(&all, context),
    });
    let mut state = state.borrow_mut();
    state.host.connecting.pop();
    let connected = match outcome {
        Ok(Some(connected)) => connected,
        Ok(None) => return Ok(None),
        Err(error) => return Err(named(error, table)),
    };
    let Connected { table: instance, declaration, risk, constraint_support } = connected;
    let is_eponymous = state
        .host
        .virtual_table(table.db, &table.name)
        .is_none_or(|known| known.instance().is_some_and(|instance| instance.eponymous));
    let instance = Instance { table: instance, risk, constraint_support, eponymous: is_eponymous };
    let made = Arc::new(build::connect(table, declaration.as_bytes(), instance)?);
    if is_eponymous {
        Arc::make_mut(&mut state.host.catalog.eponymous).insert(SchemaName::new(&table.name), made);
    } else {
        state.host.put_connected(table.db, made);
    }
    Ok(Some(()))
}

/// An error without a text gets one.
fn named(error: Error, table: &Table) -> Error {
    match &error {
        Error::Message { message, code } if message.is_empty() => {
            Error::with_code(*code, format!("vtable constructor failed: {}", lossy(&table.name)))
        }
        _ => error,
    }
}
