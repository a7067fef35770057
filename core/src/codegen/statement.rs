//! One statement to one program: which room compiles it, and the program's head and tail.
//!
//! ```text
//!  0  Init  ──────────────┐
//!  1  the statement       │
//!     Halt                │
//!     Transaction … <─────┘   one per database used: begins it and checks that the schema is the one compiled for
//!     constants
//!     Goto 1
//! ```

use std::sync::Arc;

use kernite_parser::Explain;
use kernite_parser::ast::{self, Expr, Statement};
use kernite_vdbe::op::{Addr, ConstId, Db, HaltCode, OnConflict, Op, Reg, SavepointAction, TransactionMode};

use super::dml::{self, autoincrement, returning};
use super::expr;
use super::select::{self, Destination, DestinationKind};
use crate::bound::{ExprId, ExprKind};
use crate::compile::{CompileResult, Compiler, action as auth};
use crate::resolve;

/// Compiles a statement into the compilation's builder; [`kernite_vdbe::program::Builder::finish`] makes the program of it.
///
/// # Errors
/// Whatever is wrong with the statement.
pub fn compile(c: &mut Compiler<'_>, statement: &Statement) -> CompileResult<()> {
    c.codegen.explain_plan = c.explain == Explain::QueryPlan;
    c.builder.emit(Op::Init { to: Addr(1) });
    code(c, statement)?;
    finish(c)
}

/// Makes the checks that SQLite makes while it reads a statement, of one that turned out to be none further on.
///
/// # Errors
/// What is wrong with the part that was read.
pub fn check_partial(c: &mut Compiler<'_>, statement: &Statement) -> CompileResult<()> {
    match statement {
        Statement::CreateTable(create) => crate::ddl::check_partial_table(c, create),
        Statement::CreateVirtualTable(create) => crate::ddl::create_virtual_table(c, create),
        Statement::CreateTrigger(create) => crate::ddl::create_trigger(c, create),
        _ => Ok(()),
    }
}

fn code(c: &mut Compiler<'_>, statement: &Statement) -> CompileResult<()> {
    match statement {
        Statement::Select(select) => code_query(c, *select),
        Statement::Insert(insert) => dml::insert(c, insert),
        Statement::Update(update) => dml::update(c, update),
        Statement::Delete(delete) => dml::delete(c, delete),
        Statement::CreateTable(create) => crate::ddl::create_table(c, create),
        Statement::CreateIndex(create) => crate::ddl::create_index(c, create),
        Statement::CreateView(create) => crate::ddl::create_view(c, create),
        Statement::CreateTrigger(create) => crate::ddl::create_trigger(c, create),
        Statement::CreateVirtualTable(create) => crate::ddl::create_virtual_table(c, create),
        Statement::Drop(drop) => crate::ddl::drop(c, drop),
        Statement::AlterTable(alter) => crate::ddl::alter_table(c, alter),
        Statement::Pragma(pragma) => crate::pragma::code(c, pragma),
        Statement::Attach(attach) => code_attach(c, attach),
        Statement::Detach(name) => code_detach(c, *name),
        Statement::Analyze(name) => crate::ddl::analyze(c, *name),
        Statement::Reindex(name) => crate::ddl::reindex(c, *name),
        Statement::Vacuum(vacuum) => code_vacuum(c, vacuum),
        Statement::Begin(mode) => code_begin(c, *mode),
        Statement::Commit => code_end(c, false),
        Statement::Rollback => code_end(c, true),
        Statement::Savepoint(name) => code_savepoint(c, SavepointAction::Begin, *name),
        Statement::Release(name) => code_savepoint(c, SavepointAction::Release, *name),
        Statement::RollbackTo(name) => code_savepoint(c, SavepointAction::Rollback, *name),
    }
}

/// The tail and the head of the program.
fn finish(c: &mut Compiler<'_>) -> CompileResult<()> {
    returning::emit_rows(c);
    dml::finish(c)?;
    let done = ConstId(0);
    c.builder.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: done });
    let used = c.notes.read_databases | c.notes.write_databases;
    let head = c.builder.here();
    for number in 0..32u8 {
        if used & (1 << number) != 0 {
            begin_transaction(c, Db(number));
        }
    }
    for (db, name) in std::mem::take(&mut c.notes.virtual_tables) {
        let vtab = c.builder.vtab(db, &String::from_utf8_lossy(&name));
        c.builder.emit(Op::VBegin { vtab });
    }
    autoincrement::load(c)?;
    expr::code_hoisted(c)?;
    returning::open(c);
    if c.builder.here() != head {
        c.builder.set_jump(Addr(0), head);
        c.builder.emit(Op::Goto { to: Addr(1) });
    }
    note_kind(c);
    Ok(())
}

/// A SELECT whose rows the caller gets.
fn code_query(c: &mut Compiler<'_>, select: ast::SelectId) -> CompileResult<()> {
    if !c.authorize_select()? {
        return Ok(());
    }
    let ast = Arc::clone(&c.ast);
    let id = resolve::select(c, &ast, select)?;
    c.notes.columns = resolve::result_columns(c, id);
    c.builder.set_result_columns(u16::try_from(c.notes.columns.len()).unwrap_or(u16::MAX));
    select::code(c, id, &mut Destination::new(DestinationKind::Output))
}

fn begin_transaction(c: &mut Compiler<'_>, db: Db) {
    let cookie = c.catalog.database(db).map_or(0, |schema| schema.cookie);
    let write = c.notes.write_databases & (1 << db.0) != 0;
    let mode = if write { TransactionMode::Write } else { TransactionMode::Read };
    let check = !c.options.loading_schema;
    c.builder.emit(Op::Transaction { db, mode, cookie, check });
}

/// Says whether the program writes, and whether it takes part in transactions.
fn note_kind(c: &mut Compiler<'_>) {
    let (mut read_only, mut in_transaction) = (true, false);
    for op in c.builder.ops() {
        match op {
            Op::Transaction { mode, .. } => {
                in_transaction = true;
                read_only &= *mode == TransactionMode::Read;
            }
            Op::AutoCommit { .. } | Op::Savepoint { .. } => in_transaction = true,
            Op::Checkpoint { .. } | Op::Vacuum { .. } | Op::JournalMode { .. } => {
                in_transaction = true;
                read_only = false;
            }
            _ => {}
        }
    }
    let flags = c.builder.flags();
    flags.read_only = read_only;
    flags.no_transaction = !in_transaction;
}

fn code_begin(c: &mut Compiler<'_>, mode: ast::TransactionMode) -> CompileResult<()> {
    if !c.authorize(auth::TRANSACTION, Some(b"BEGIN"), None, None)? {
        return Ok(());
    }
    if mode != ast::TransactionMode::Deferred {
        let exclusive = mode == ast::TransactionMode::Exclusive;
        for number in 0..c.catalog.databases.len() {
            let Some(db) = u8::try_from(number).ok().map(Db).filter(|&db| c.catalog.database(db).is_some())
            else {
                continue;
            };
            let mode = if exclusive { TransactionMode::Exclusive } else { TransactionMode::Write };
            if db == Db(1) && !c.options.temp_open {
                continue;
            }
            c.builder.emit(Op::Transaction { db, mode, cookie: 0, check: false });
        }
    }
    c.builder.emit(Op::AutoCommit { on: false, rollback: false });
    Ok(())
}

fn code_end(c: &mut Compiler<'_>, rollback: bool) -> CompileResult<()> {
    let word: &[u8] = if rollback { b"ROLLBACK" } else { b"COMMIT" };
    if c.authorize(auth::TRANSACTION, Some(word), None, None)? {
        c.builder.emit(Op::AutoCommit { on: true, rollback });
    }
    Ok(())
}

fn code_savepoint(c: &mut Compiler<'_>, action: SavepointAction, name: ast::NameId) -> CompileResult<()> {
    let word: &[u8] = match action {
        SavepointAction::Begin => b"BEGIN",
        SavepointAction::Release => b"RELEASE",
        SavepointAction::Rollback => b"ROLLBACK",
    };
    let name: Box<[u8]> = c.ast.name(name).into();
    if c.authorize(auth::SAVEPOINT, Some(word), Some(&name), None)? {
        let name = c.builder.name(&name);
        c.builder.emit(Op::Savepoint { action, name });
    }
    Ok(())
}

/// An argument of ATTACH, DETACH or VACUUM INTO: a bare name is the string of its letters, other names mean nothing.
fn code_argument(c: &mut Compiler<'_>, argument: ast::ExprId, out: Reg) -> CompileResult<ExprId> {
    let ast = Arc::clone(&c.ast);
    let id = match *ast.expr(argument) {
        Expr::Id(name) => c.bound.expr(ExprKind::Text(ast.name(name).into())),
        _ => resolve::expr(c, &ast, &resolve::Scope::default(), argument)?,
    };
    expr::code_copy(c, id, out)?;
    Ok(id)
}

/// The text of an argument, where the authorizer can be told.
fn known_text(c: &Compiler<'_>, argument: ExprId) -> Option<Box<[u8]>> {
    match &c.bound[argument].kind {
        ExprKind::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn code_attach(c: &mut Compiler<'_>, attach: &ast::Attach) -> CompileResult<()> {
    let first = c.builder.alloc_regs(3);
    let (path, name, key) = (first, first.plus(1), first.plus(2));
    let file = code_argument(c, attach.file, path)?;
    code_argument(c, attach.schema, name)?;
    match attach.key {
        Some(argument) => {
            code_argument(c, argument, key)?;
        }
        None => {
            c.builder.emit(Op::Null { first: key, last: key, cleared: false });
        }
    }
    let text = known_text(c, file);
    if !c.authorize(auth::ATTACH, text.as_deref(), None, None)? {
        return Ok(());
    }
    c.builder.emit(Op::Attach { path, name, key });
    c.builder.emit(Op::Expire { others_only: true });
    Ok(())
}

fn code_detach(c: &mut Compiler<'_>, name: ast::ExprId) -> CompileResult<()> {
    let out = c.builder.alloc_reg();
    let argument = code_argument(c, name, out)?;
    let text = known_text(c, argument);
    if c.authorize(auth::DETACH, text.as_deref(), None, None)? {
        c.builder.emit(Op::Detach { name: out });
        c.builder.emit(Op::Expire { others_only: false });
    }
    Ok(())
}

fn code_vacuum(c: &mut Compiler<'_>, vacuum: &ast::Vacuum) -> CompileResult<()> {
    let db = match vacuum.schema {
        Some(schema) => {
            let name: Box<[u8]> = c.ast.name(schema).into();
            c.locate_database(Some(&name), Db(0))?
        }
        None => Db(0),
    };
    if db == Db(1) {
        return Ok(());
    }
    let mut into = Reg(0);
    if let Some(file) = vacuum.into {
        into = c.builder.alloc_reg();
        let ast = Arc::clone(&c.ast);
        let file = resolve::expr(c, &ast, &resolve::Scope::default(), file)?;
        expr::code_copy(c, file, into)?;
    }
    c.builder.emit(Op::Vacuum { db, into });
    Ok(())
}
