//! Programs of INSERT, UPDATE and DELETE, as EXPLAIN shows them.

use std::fmt::Write as _;
use std::sync::Arc;

use kernite_parser::ast::Statement;
use kernite_parser::{Limits, Parser};
use kernite_vdbe::function::registry::{CollationRegistry, FunctionRegistry};
use kernite_vdbe::op::{ConstId, HaltCode, OnConflict, Op, TransactionMode};
use kernite_vdbe::program::Program;
use kernite_vdbe::{Addr, Db};

use super::{autoincrement, returning};
use crate::catalog::load::from_sql;
use crate::compile::{CompileOptions, CompileResult, Compiler};

/// Compiles a statement over a schema, with the head and the end that every program has.
fn compile(schema: &[&str], sql: &str, options: &CompileOptions) -> CompileResult<Program> {
    let catalog = from_sql(schema);
    let (functions, collations) = (FunctionRegistry::default(), CollationRegistry::default());
    let parsed = Parser::new(Limits::default()).parse(sql.as_bytes()).unwrap().unwrap();
    let ast = Arc::from(parsed.ast);
    let mut c = Compiler::new(&catalog, &functions, &collations, options, None, ast);
    let init = c.emit(Op::Init { to: Addr(0) });
    match &parsed.statement {
        Statement::Insert(statement) => super::insert(&mut c, statement)?,
        Statement::Update(statement) => super::update(&mut c, statement)?,
        Statement::Delete(statement) => super::delete(&mut c, statement)?,
        _ => panic!("{sql}"),
    }
    returning::emit_rows(&mut c);
    super::finish(&mut c)?;
    c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
    c.jump_here(init);
    c.emit(Op::Transaction { db: Db(0), mode: TransactionMode::Write, cookie: 0, check: true });
    autoincrement::load(&mut c)?;
    super::super::expr::code_hoisted(&mut c)?;
    returning::open(&mut c);
    c.goto(Addr(1));
    c.builder.finish()
}

/// The listing, without the Transaction's cookie.
fn listing(schema: &[&str], sql: &str, options: &CompileOptions) -> String {
    let program = match compile(schema, sql, options) {
        Ok(program) => program,
        Err(error) => return format!("{error}\n"),
    };
    let mut text = String::new();
    for line in kernite_vdbe::op::listing::listing(&program) {
        let p3 = if line.opcode == "Transaction" { 0 } else { line.p3 };
        writeln!(
            text,
            "{} {} {} {} {} {} {}",
            line.addr,
            line.opcode,
            line.p1,
            line.p2,
            p3,
            line.p4.as_deref().map_or("-".into(), String::from_utf8_lossy),
            line.p5
        )
        .unwrap();
    }
    text
}
