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

use kernite_parser::ast::{self, Statement};
use kernite_vdbe::op::{Addr, ConstId, Db, HaltCode, OnConflict, Op, SavepointAction, TransactionMode};

use crate::compile::{CompileResult, Compiler, action as auth};

/// Compiles a statement into the compilation's builder; [`kernite_vdbe::program::Builder::finish`] makes the program of it.
///
/// # Errors
/// Whatever is wrong with the statement.
pub fn compile(c: &mut Compiler<'_>, statement: &Statement) -> CompileResult<()> {
    c.builder.emit(Op::Init { to: Addr(1) });
    code(c, statement)?;
    finish(c)
}

fn code(c: &mut Compiler<'_>, statement: &Statement) -> CompileResult<()> {
    match statement {
        Statement::Select(_) => Err(c.unsupported("SELECT")),
        Statement::Insert(_) => Err(c.unsupported("INSERT")),
        Statement::Update(_) => Err(c.unsupported("UPDATE")),
        Statement::Delete(_) => Err(c.unsupported("DELETE")),
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
    let done = ConstId(0);
    c.builder.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: done });
    let used = c.notes.read_databases | c.notes.write_databases;
    if used != 0 {
        let head = c.builder.here();
        c.builder.set_jump(Addr(0), head);
        for number in 0..32u8 {
            if used & (1 << number) != 0 {
                begin_transaction(c, Db(number));
            }
        }
        c.builder.emit(Op::Goto { to: Addr(1) });
    }
    note_kind(c);
    Ok(())
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
            let Some(db) = u8::try_from(number).ok().map(Db).filter(|&db| c.catalog.database(db).is_some()) else {
                continue;
            };
            let mode = if exclusive { TransactionMode::Exclusive } else { TransactionMode::Write };
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

fn code_attach(c: &mut Compiler<'_>, _attach: &ast::Attach) -> CompileResult<()> {
    Err(c.unsupported("ATTACH"))
}

fn code_detach(c: &mut Compiler<'_>, _name: ast::ExprId) -> CompileResult<()> {
    Err(c.unsupported("DETACH"))
}

fn code_vacuum(c: &mut Compiler<'_>, _vacuum: &ast::Vacuum) -> CompileResult<()> {
    Err(c.unsupported("VACUUM"))
}
