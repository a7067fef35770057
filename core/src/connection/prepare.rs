//! Preparing a statement: text to [`Prepared`].
//!
//! ```text
//! cache? ─> parse ─> load schemas (may wait) ─> compile (never waits, state released) ─> open databases used
//! ```
//!
//! A compilation is a pure function of the text and a snapshot, so its result is shared by all statements with the same text: the
//! cache is keyed by text, and an entry counts only as long as schemas, registries and options are those that it was made with.
//!
//! An error that may be due to a schema that another connection changed is not reported before the schema cookies have been compared.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use kernite_btree::{Meta, TransactionKind};
use kernite_io::ready;
use kernite_parser::ast::Statement;
use kernite_parser::{Explain, Limits, ParseError, ParseErrorKind, Parsed};
use kernite_vdbe::op::Db;
use kernite_vdbe::program::Program;
use kernite_vdbe::{Error, Register, Step};

use super::busy::{BusyHandler, BusyWait};
use super::explain;
use super::host::HostState;
use super::schema::btree;
use super::state::State;
use super::virtual_table;
use super::wait::wait_for;
use crate::compile::{Authorizer, ColumnInfo, Compiler, LimitKind, Unconnected};

/// `SQLITE_TOOBIG`
const TOOBIG: i32 = 18;
/// `SQLITE_BUSY`
const BUSY: i32 = 5;

/// A compiled statement: what all statements with its text share.
pub(crate) struct Prepared {
    pub(crate) program: Arc<Program>,
    /// Names and origins of the result columns.
    pub(crate) columns: Arc<[ColumnInfo]>,
    /// Parameters that have a name: number and name with its first character.
    pub(crate) parameters: Vec<(u32, Box<[u8]>)>,
    pub(crate) parameter_count: u32,
    pub(crate) explain: Explain,
    /// `explain` is not what the text says.
    pub(crate) explain_forced: bool,
    /// Rows of EXPLAIN.
    pub(crate) explained: Option<Arc<[Vec<Register>]>>,
    /// The statement's own text.
    pub(crate) sql: Arc<[u8]>,
    stamp: Stamp,
}

/// What a compilation depended on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    /// Generations of the schemas, by database.
    generations: Vec<u64>,
    /// Their cookies, of those that were read.
    cookies: Vec<Option<u32>>,
    expired: u64,
    options: u64,
    functions: u64,
    collations: u64,
}

impl Stamp {
    fn of(host: &HostState) -> Stamp {
        let generation = |schema: &Option<Arc<crate::catalog::DatabaseSchema>>| {
            schema.as_ref().map_or(0, |schema| schema.generation)
        };
        let cookie = |schema: &Option<Arc<crate::catalog::DatabaseSchema>>| {
            schema.as_ref().filter(|schema| schema.loaded).map(|schema| schema.cookie)
        };
        Stamp {
            generations: host.catalog.databases.iter().map(generation).collect(),
            cookies: host.catalog.databases.iter().map(cookie).collect(),
            expired: host.expired,
            options: host.options_version,
            functions: host.functions.version(),
            collations: host.collations.version(),
        }
    }
}

impl Prepared {
    /// Whether a schema was changed since, as far as it is known, or all statements were declared old.
    pub(crate) fn has_other_schema(&self, host: &HostState) -> bool {
        let known = &self.stamp.cookies;
        let now = Stamp::of(host).cookies;
        self.stamp.expired != host.expired
            || known.len() != now.len()
            || known.iter().zip(&now).any(|pair| matches!(pair, (Some(known), Some(now)) if known != now))
    }

    /// A program that no text stands for.
    pub(crate) fn of_program(program: Program, host: &HostState) -> Arc<Prepared> {
        #[allow(clippy::arc_with_non_send_sync)]
        Arc::new(Prepared {
            program: Arc::new(program),
            columns: Arc::default(),
            parameters: Vec::new(),
            parameter_count: 0,
            explain: Explain::No,
            explain_forced: false,
            explained: None,
            sql: Arc::default(),
            stamp: Stamp::of(host),
        })
    }

    /// Whether it may run with the connection as it is.
    pub(crate) fn is_current(&self, host: &HostState) -> bool {
        let stamp = &self.stamp;
        stamp.expired == host.expired
            && stamp.options == host.options_version
            && stamp.functions == host.functions.version()
            && stamp.collations == host.collations.version()
            && stamp.generations.len() == host.catalog.databases.len()
            && stamp
                .generations
                .iter()
                .zip(&host.catalog.databases)
                .all(|(known, schema)| schema.as_ref().map_or(0, |schema| schema.generation) == *known)
    }
}

/// Statements compiled lately, by text; newest last.
#[derive(Default)]
pub(crate) struct Cache {
    entries: VecDeque<Arc<Prepared>>,
}

/// How many compiled statements are kept.
const CACHE_MAX: usize = 32;

impl Cache {
    fn find(&mut self, sql: &[u8], host: &HostState) -> Option<Arc<Prepared>> {
        let at = self.entries.iter().rposition(|entry| *entry.sql == *sql)?;
        let entry = self.entries.remove(at)?;
        if !entry.is_current(host) {
            return None;
        }
        self.entries.push_back(Arc::clone(&entry));
        Some(entry)
    }

    fn insert(&mut self, entry: Arc<Prepared>) {
        if self.entries.len() == CACHE_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// A preparation that may have to wait.
#[derive(Default)]
pub(crate) struct Preparing {
    parsed: Option<Parsed>,
    /// The text is no statement. The checks of what was read of it come first.
    refused: Option<Failure>,
    /// The compilation failed, and the schema cookies are being compared before that is reported.
    failed: Option<Failure>,
    checked: usize,
    retried: bool,
    /// A virtual table being connected.
    connect: Option<Unconnected>,
    is_optional: bool,
    /// Those that could not be, where the statement can do without.
    missing: Vec<Unconnected>,
    /// Compiled; databases that it uses are being opened.
    ready: Option<Arc<Prepared>>,
    databases: u32,
    /// What it is compiled as, whatever the text says.
    explain: Option<Explain>,
    pub(crate) busy: BusyWait,
}

/// A failed compilation.
struct Failure {
    error: Error,
    offset: Option<u32>,
    /// Where the next statement begins, where the parser failed.
    end: Option<usize>,
    check_schema: bool,
    /// It would not have failed with this virtual table connected; whether it can do without.
    connect: Option<(Unconnected, bool)>,
}

impl Preparing {
    /// A preparation of a statement that was prepared before.
    pub(crate) fn again(explain: Option<Explain>) -> Preparing {
        Preparing { explain, ..Preparing::default() }
    }

    /// Prepares the first statement of `sql`. Gives it, or `None` for an empty text, and where the next statement begins.
    pub(crate) fn poll(
        &mut self,
        state: &RefCell<State>,
        sql: &[u8],
    ) -> Step<(Option<Arc<Prepared>>, usize)> {
        match self.poll_inner(state, sql) {
            Err(failure) => {
                let mut state = state.borrow_mut();
                let offset = failure.offset;
                let end = failure.end.or_else(|| self.parsed.as_ref().map(|parsed| parsed.end));
                state.note_error(&failure.error, offset, end);
                *self = Preparing::default();
                Err(failure.error)
            }
            Ok(done) => Ok(done),
        }
    }

    #[allow(clippy::type_complexity)]
    fn poll_inner(
        &mut self,
        state: &RefCell<State>,
        sql: &[u8],
    ) -> Result<Option<(Option<Arc<Prepared>>, usize)>, Failure> {
        loop {
            if let Some(prepared) = &self.ready {
                let (prepared, mut databases) = (Arc::clone(prepared), self.databases);
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                while databases != 0 {
                    let db = Db(databases.trailing_zeros() as u8);
                    if host.open_database(storage, db).map_err(Failure::plain)?.is_none() {
                        return Ok(None);
                    }
                    databases &= databases - 1;
                    self.databases = databases;
                }
                let end = prepared.sql.len();
                *self = Preparing::default();
                return Ok(Some((Some(prepared), end)));
            }
            if self.failed.is_some() {
                match self.compare_cookies(state)? {
                    None => return Ok(None),
                    Some(false) => {
                        let failure = self.failed.take();
                        return Err(failure.unwrap_or_else(|| Failure::plain(Error::message("no error"))));
                    }
                    Some(true) => self.failed = None,
                }
            }
            if self.parsed.is_none() {
                state.borrow_mut().host.follow_deferral();
                if self.explain.is_none()
                    && let Some(prepared) = find_cached(state, sql)
                {
                    let end = prepared.sql.len();
                    return Ok(Some((Some(prepared), end)));
                }
                match parse(state, sql) {
                    Ok(Some(mut parsed)) => {
                        parsed.explain = self.explain.unwrap_or(parsed.explain);
                        self.parsed = Some(parsed);
                    }
                    Ok(None) => return Ok(Some((None, sql.len()))),
                    Err(mut error) => {
                        self.parsed = error.partial.take().map(|partial| *partial);
                        let failure = Failure::of_parser(&error);
                        if self.parsed.is_none() {
                            return Err(failure);
                        }
                        self.refused = Some(failure);
                    }
                }
            }
            let needs_schema = self.parsed.as_ref().is_some_and(needs_schema);
            if needs_schema && !self.load_schemas(state)? {
                return Ok(None);
            }
            if let Some(target) = &self.connect {
                match virtual_table::connect(state, target) {
                    Ok(None) => return Ok(None),
                    Ok(Some(())) => self.connect = None,
                    Err(_) if self.is_optional => {
                        self.missing.extend(self.connect.take());
                    }
                    Err(error) => return Err(Failure::plain(error)),
                }
            }
            let Some(parsed) = &self.parsed else { continue };
            if let Some(refused) = self.refused.take() {
                let check =
                    |c: &mut Compiler<'_>| crate::codegen::statement::check_partial(c, &parsed.statement);
                return Err(match with_compiler(state, parsed, &[], check).1 {
                    Ok(_) => refused,
                    Err(failure) => Failure { end: refused.end, ..failure },
                });
            }
            match compile(state, parsed, self.explain.is_some(), sql, &self.missing) {
                Ok((prepared, databases)) => {
                    #[allow(clippy::arc_with_non_send_sync)]
                    let prepared = Arc::new(prepared);
                    let mut state = state.borrow_mut();
                    if state.authorizer.is_none()
                        && prepared.explain == Explain::No
                        && !prepared.explain_forced
                        // What a virtual table says about its plans may be another thing the next time.
                        && prepared.program.links.vtabs.is_empty()
                    {
                        state.cache.insert(Arc::clone(&prepared));
                    }
                    self.ready = Some(prepared);
                    self.databases = databases;
                }
                Err(Failure { connect: Some((target, is_optional)), .. }) => {
                    (self.connect, self.is_optional) = (Some(target), is_optional);
                }
                Err(failure) if failure.check_schema && !self.retried => {
                    self.failed = Some(failure);
                    self.retried = true;
                    self.checked = 0;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// `false`: waiting.
    fn load_schemas(&mut self, state: &RefCell<State>) -> Result<bool, Failure> {
        loop {
            let outcome = {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                host.load_schemas(storage)
            };
            match outcome {
                Ok(Some(())) => {
                    self.busy.clear();
                    return Ok(true);
                }
                Ok(None) => return Ok(false),
                Err(error) if error.code() == BUSY => match ask_busy(state, &mut self.busy)? {
                    None => return Ok(false),
                    Some(true) => {}
                    Some(false) => return Err(Failure::plain(error)),
                },
                Err(error) => return Err(Failure::plain(error)),
            }
        }
    }

    /// Compares the cookies of all databases with their files'. `true`: one had changed, and is read again.
    fn compare_cookies(&mut self, state: &RefCell<State>) -> Result<Option<bool>, Failure> {
        let mut state = state.borrow_mut();
        let State { storage, host, .. } = &mut *state;
        let mut changed = false;
        while self.checked < storage.databases.len() {
            let Ok(number) = u8::try_from(self.checked) else { break };
            match host.is_changed(storage, Db(number)) {
                Ok(None) => return Ok(None),
                Ok(Some(found)) => {
                    changed |= found;
                    if found {
                        host.unload_schema(Db(number));
                    }
                }
                // Whoever cannot read a cookie reports what was wrong in the first place.
                Err(_) => {}
            }
            self.checked += 1;
        }
        Ok(Some(changed))
    }
}

impl HostState {
    /// Whether the file of a database has another schema than the catalogue.
    pub(super) fn is_changed(&mut self, storage: &mut kernite_vdbe::host::Storage, db: Db) -> Step<bool> {
        let known = match self.catalog.database(db) {
            Some(schema) if schema.loaded && self.databases[usize::from(db.0)].opened => schema.cookie,
            _ => return Ok(Some(false)),
        };
        let btree = btree(storage, db)?;
        let began = btree.transaction().is_none();
        if began {
            ready!(btree.begin(TransactionKind::Read));
        }
        let cookie = ready!(btree.meta(Meta::SchemaVersion));
        if began {
            ready!(btree.end_read());
        }
        Ok(Some(cookie != known))
    }
}

impl Failure {
    fn plain(error: Error) -> Failure {
        Failure { error, offset: None, end: None, check_schema: false, connect: None }
    }

    fn of_parser(error: &ParseError) -> Failure {
        let text = error.to_string();
        let shown = match error.kind {
            ParseErrorKind::TooBig => Error::with_code(TOOBIG, text),
            ParseErrorKind::Sql => Error::message(text),
        };
        Failure { end: Some(error.end), offset: error.offset, ..Failure::plain(shown) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::plain(error)
    }
}

/// Reads the schemas that are not loaded, waiting for what is in the way as long as the busy handler wants.
pub(crate) fn load_schemas(state: &RefCell<State>) -> Result<(), Error> {
    let mut preparing = Preparing::default();
    while !preparing.load_schemas(state).map_err(|failure| failure.error)? {
        wait_for(state, &preparing.busy)?;
    }
    Ok(())
}

/// Asks the busy handler. `Some(true)`: try again; `None`: a timer runs.
pub(crate) fn ask_busy(state: &RefCell<State>, wait: &mut BusyWait) -> Step<bool> {
    let (timeout, callback) = {
        let mut state = state.borrow_mut();
        match &mut state.host.busy {
            BusyHandler::None => return Ok(Some(false)),
            BusyHandler::Timeout(timeout) => (Some(*timeout), None),
            BusyHandler::Callback(_) => (None, Some(std::mem::take(&mut state.host.busy))),
        }
    };
    if let Some(timeout) = timeout {
        let io = state.borrow().host.io.clone();
        return wait.wait(&io, timeout);
    }
    let Some(BusyHandler::Callback(mut callback)) = callback else { return Ok(Some(false)) };
    let again = callback(wait.next_count());
    let mut state = state.borrow_mut();
    if matches!(state.host.busy, BusyHandler::None) {
        state.host.busy = BusyHandler::Callback(callback);
    }
    Ok(Some(again))
}

fn find_cached(state: &RefCell<State>, sql: &[u8]) -> Option<Arc<Prepared>> {
    let mut state = state.borrow_mut();
    let State { cache, host, authorizer, .. } = &mut *state;
    if authorizer.is_some() {
        return None;
    }
    cache.find(sql, host)
}

/// Whether a statement can only be compiled with the schemas read. What only ends a transaction must work with a damaged schema too.
fn needs_schema(parsed: &Parsed) -> bool {
    match &parsed.statement {
        Statement::Commit
        | Statement::Rollback
        | Statement::Begin(_)
        | Statement::Savepoint(_)
        | Statement::Release(_)
        | Statement::RollbackTo(_)
        | Statement::Detach(_) => false,
        Statement::Pragma(pragma) => crate::pragma::needs_schema(&parsed.ast, pragma),
        _ => true,
    }
}

#[allow(clippy::result_large_err)]
fn parse(state: &RefCell<State>, sql: &[u8]) -> Result<Option<Parsed>, ParseError> {
    let mut state = state.borrow_mut();
    let State { parser, host, .. } = &mut *state;
    let options = &host.options;
    let limit = |kind| u32::try_from(options.limit(kind)).unwrap_or(u32::MAX);
    parser.set_limits(Limits {
        sql_length: limit(LimitKind::SqlLength),
        expr_depth: limit(LimitKind::ExprDepth),
        parser_depth: limit(LimitKind::ParserDepth),
        compound_select: limit(LimitKind::CompoundSelect),
        variable_number: limit(LimitKind::VariableNumber),
        function_arg: limit(LimitKind::FunctionArg),
        column: limit(LimitKind::Column),
        ..Limits::default()
    });
    parser.parse(sql)
}

/// Runs `work` with a compiler for the statement, with the state released. Gives what the compilation depends on, and the compiler.
#[allow(clippy::type_complexity)]
fn with_compiler<T>(
    state: &RefCell<State>,
    parsed: &Parsed,
    missing: &[Unconnected],
    work: impl FnOnce(&mut Compiler<'_>) -> Result<T, Error>,
) -> (Stamp, Result<T, Failure>) {
    let (stamp, catalog, functions, collations, options, mut authorizer) = {
        let mut state = state.borrow_mut();
        let host = &state.host;
        (
            Stamp::of(host),
            host.catalog.clone(),
            Arc::clone(&host.functions),
            Arc::clone(&host.collations),
            Arc::clone(&host.options),
            state.authorizer.take(),
        )
    };
    let done = {
        let asked = authorizer.as_mut().map(|authorizer| &mut **authorizer as &mut dyn Authorizer);
        let ast = Arc::new((*parsed.ast).clone());
        let mut compiler = Compiler::new(&catalog, &functions, &collations, &options, asked, ast);
        compiler.explain = parsed.explain;
        compiler.notes.missing = missing.to_vec();
        work(&mut compiler).map_err(|error| Failure {
            error,
            end: None,
            offset: compiler.error_offset,
            check_schema: compiler.notes.check_schema,
            connect: (compiler.notes.connect.clone()).map(|target| (target, compiler.notes.connect_optional)),
        })
    };
    if let Some(authorizer) = authorizer {
        state.borrow_mut().authorizer.get_or_insert(authorizer);
    }
    (stamp, done)
}

/// Compiles a statement with the state released. Gives the bits of the databases that it uses too.
fn compile(
    state: &RefCell<State>,
    parsed: &Parsed,
    explain_forced: bool,
    sql: &[u8],
    missing: &[Unconnected],
) -> Result<(Prepared, u32), Failure> {
    let (stamp, compiled) = with_compiler(state, parsed, missing, |compiler| {
        crate::codegen::statement::compile(compiler, &parsed.statement)?;
        let notes = &mut compiler.notes;
        let databases = notes.read_databases | notes.write_databases | notes.open_databases;
        let columns = std::mem::take(&mut notes.columns);
        let program = std::mem::take(&mut compiler.builder).finish()?;
        Ok((program, columns, databases, Arc::clone(&compiler.ast)))
    });
    let (program, columns, databases, ast) = compiled?;
    let explained: Option<Arc<[Vec<Register>]>> = match parsed.explain {
        Explain::No => None,
        Explain::Program => Some(explain::program_rows(&program).into()),
        Explain::QueryPlan => Some(explain::plan_rows(&program).into()),
    };
    let columns = match parsed.explain {
        Explain::No => columns,
        Explain::Program => explain::columns(false),
        Explain::QueryPlan => explain::columns(true),
    };
    let parameters = parsed.parameters.named.iter();
    let prepared = Prepared {
        program: Arc::new(program),
        columns: columns.into(),
        parameters: parameters.map(|known| (known.number, ast.source(known.span).into())).collect(),
        parameter_count: parsed.parameters.count,
        explain: parsed.explain,
        explain_forced,
        explained,
        sql: Arc::from(&sql[..parsed.end.min(sql.len())]),
        stamp,
    };
    Ok((prepared, databases))
}
