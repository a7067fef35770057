//! Programs of triggers and foreign-key actions.
//!
//! Each trigger is compiled once per conflict clause of the statements that fire it; a program may call itself. All programs of a
//! statement stand in one table at the outermost program, so that they can name each other whatever the order they are finished in.
//!
//! While a trigger is compiled, the surrounding program waits in [`Outer`]: instructions, bound tree, names and notes of the code
//! generator are exchanged for fresh ones, what belongs to the whole statement (databases written, counters) stays.
//!
//! Spec: CREATE TRIGGER.

use std::sync::Arc;

use kernite_parser::ast::{Ast, TriggerStep, TriggerStepKind};
use kernite_vdbe::op::{HaltCode, OnConflict, Op};
use kernite_vdbe::program::{Builder, Program};
use kernite_vdbe::{Addr, Db, Error};

use super::super::{State as Codegen, expr};
use super::{names, on_conflict, query};
use crate::bound::Bound;
use crate::catalog::{Table, Trigger};
use crate::compile::{CompileResult, Compiler, LimitKind, TriggerScope};
use crate::resolve::Names;

/// A trigger's program.
pub struct Compiled {
    trigger: Arc<Trigger>,
    conflict: Option<OnConflict>,
    /// `None` while it is being compiled.
    program: Option<Arc<Program>>,
    /// Columns of OLD and NEW that are used.
    masks: [u32; 2],
}

/// What waits while the program of a trigger is built.
pub struct Outer {
    builder: Builder,
    bound: Bound,
    codegen: Codegen,
    names: Names,
    ast: Arc<Ast>,
    trigger: Option<TriggerScope>,
    stored_in: Option<Db>,
    auth_context: Option<Arc<[u8]>>,
    select_count: u32,
    /// The database of the trigger that is being compiled now.
    db: Db,
}

/// The number of the trigger's program, which is compiled if that was not done yet.
pub fn of(
    c: &mut Compiler<'_>,
    trigger: &Arc<Trigger>,
    table: &Arc<Table>,
    conflict: Option<OnConflict>,
) -> CompileResult<u16> {
    let known =
        c.dml.programs.iter().position(|known| same(&known.trigger, trigger) && known.conflict == conflict);
    let at = match known {
        Some(at) => at,
        None => compile(c, trigger, table, conflict)?,
    };
    u16::try_from(at).map_err(|_| Error::message("too many subprograms"))
}

/// Foreign-key actions are made anew each time they are needed; their texts tell whether they are the same.
fn same(known: &Arc<Trigger>, trigger: &Arc<Trigger>) -> bool {
    Arc::ptr_eq(known, trigger)
        || (known.name.is_empty()
            && trigger.name.is_empty()
            && known.sql == trigger.sql
            && known.db == trigger.db)
}

/// Columns of OLD or NEW that the program uses; all while it is being compiled.
pub fn mask(c: &Compiler<'_>, at: u16, new: bool) -> u32 {
    c.dml.programs.get(usize::from(at)).map_or(u32::MAX, |known| known.masks[usize::from(new)])
}

/// The trigger compiled last, or being compiled: SQLite asks it whether it is an action of a certain foreign key.
pub fn latest<'c>(c: &'c Compiler<'_>) -> Option<&'c Arc<Trigger>> {
    c.dml.programs.last().map(|known| &known.trigger)
}

/// Hands all programs to the outermost one. Their numbers are their places.
pub fn link_all(c: &mut Compiler<'_>) -> CompileResult<()> {
    for compiled in &c.dml.programs {
        match &compiled.program {
            Some(program) => c.builder.subprogram(Arc::clone(program)),
            None => return Err(Error::message("a trigger was not compiled to its end")),
        };
    }
    Ok(())
}

/// The database in which the tables of the trigger being compiled are looked for: its own, or all for a temp trigger.
pub fn fixed_database(c: &Compiler<'_>) -> Option<Db> {
    c.dml.outer.last().map(|outer| outer.db).filter(|&db| db != Db(1))
}

/// Where registers of the outermost program come from.
impl Compiler<'_> {
    /// The builder of the statement's own program.
    pub fn outermost_builder(&mut self) -> &mut Builder {
        match self.dml.outer.first_mut() {
            Some(outer) => &mut outer.builder,
            None => &mut self.builder,
        }
    }
}

fn compile(
    c: &mut Compiler<'_>,
    trigger: &Arc<Trigger>,
    table: &Arc<Table>,
    conflict: Option<OnConflict>,
) -> CompileResult<usize> {
    if c.dml.outer.len() >= c.limit(LimitKind::TriggerDepth) {
        return Err(Error::message("triggers nested too deep"));
    }
    let at = c.dml.programs.len();
    let compiled =
        Compiled { trigger: Arc::clone(trigger), conflict, program: None, masks: [u32::MAX, u32::MAX] };
    c.dml.programs.push(compiled);
    enter(c, trigger, table);
    let number = c.dml.programs.iter().position(|known| same(&known.trigger, trigger)).unwrap_or(at);
    c.builder.flags().trigger = u32::try_from(number + 1).unwrap_or(u32::MAX);
    c.emit(Op::Init { to: Addr(1) });
    let end = c.label();
    if let Some(condition) = trigger.definition.condition {
        let condition = names::trigger_expr(c, condition)?;
        expr::jump_if_false(c, condition, end, true)?;
    }
    let steps = Arc::clone(&trigger.ast);
    for step in steps.list(trigger.definition.steps) {
        crate::compile::deep(|| code_step(c, step, conflict))?;
    }
    c.bind(end);
    c.emit(Op::Halt {
        code: HaltCode::Ok,
        on_conflict: OnConflict::Abort,
        message: kernite_vdbe::op::ConstId(0),
    });
    let (program, masks) = leave(c)?;
    let compiled = &mut c.dml.programs[at];
    compiled.program = Some(Arc::new(program));
    compiled.masks = masks;
    // Positions in a trigger's text mean nothing to the user.
    c.error_offset = None;
    Ok(at)
}

fn code_step(c: &mut Compiler<'_>, step: &TriggerStep, conflict: Option<OnConflict>) -> CompileResult<()> {
    // The clause of the statement that fires the trigger wins over that of the step.
    match &step.kind {
        TriggerStepKind::Insert(insert) => {
            super::insert::insert_with(c, insert, conflict.or(on_conflict(insert.conflict)))?;
        }
        TriggerStepKind::Update(update) => {
            super::update::update_with(c, update, conflict.or(on_conflict(update.conflict)))?;
        }
        TriggerStepKind::Delete(delete) => super::delete::delete(c, delete)?,
        TriggerStepKind::Select(id) => {
            let id = names::select(c, *id)?;
            return query::discard(c, id);
        }
    }
    c.emit(Op::ResetCount);
    Ok(())
}

/// Sets the surrounding program aside.
fn enter(c: &mut Compiler<'_>, trigger: &Arc<Trigger>, table: &Arc<Table>) {
    let encoding = c.builder.encoding();
    let scope = TriggerScope {
        table: Arc::clone(table),
        event: trigger.definition.event,
        returning: false,
        old_mask: 0,
        new_mask: 0,
    };
    let query_loop = c.codegen.query_loop;
    let outer = Outer {
        builder: std::mem::replace(&mut c.builder, Builder::new(encoding)),
        bound: std::mem::take(&mut c.bound),
        codegen: std::mem::take(&mut c.codegen),
        names: std::mem::take(&mut c.names),
        ast: std::mem::replace(&mut c.ast, Arc::clone(&trigger.ast)),
        trigger: c.trigger.replace(scope),
        stored_in: c.stored_in.replace(trigger.db),
        auth_context: c.auth_context.replace(Arc::from(&*trigger.name)),
        select_count: std::mem::take(&mut c.select_count),
        db: trigger.db,
    };
    c.codegen.query_loop = query_loop;
    c.codegen.in_trigger = true;
    c.codegen.hoisting_off = true;
    c.dml.outer.push(outer);
}

/// Finishes the trigger's program and goes back to the surrounding one. Returns the program and the masks of OLD and NEW.
fn leave(c: &mut Compiler<'_>) -> CompileResult<(Program, [u32; 2])> {
    let Some(outer) = c.dml.outer.pop() else {
        return Err(Error::message("a trigger's program ended that was never begun"));
    };
    let builder = std::mem::replace(&mut c.builder, outer.builder);
    c.bound = outer.bound;
    c.codegen = outer.codegen;
    c.names = outer.names;
    c.ast = outer.ast;
    c.auth_context = outer.auth_context;
    c.select_count = outer.select_count;
    c.stored_in = outer.stored_in;
    let scope = std::mem::replace(&mut c.trigger, outer.trigger);
    let masks = scope.map_or([u32::MAX; 2], |scope| [scope.old_mask, scope.new_mask]);
    Ok((builder.finish()?, masks))
}
