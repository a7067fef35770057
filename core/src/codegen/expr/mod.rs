//! Expressions: instructions that leave a value in a register, and jumps on conditions.
//!
//! [`code_target`] is the centre: it may leave the value in another register than the one wished for, where it lies already.
//! `condition` codes jumps, `compare` comparisons and row values, `operators` the rest of the operators, `function` calls,
//! `in_operator` IN, `subquery` scalar subqueries and EXISTS, `constant` the hoisting of constants to the program's head, `affinity` the
//! rules of comparisons.
//!
//! Always true: an instruction that needs a collation or function names one that exists; an unknown one is an error here.

pub mod affinity;
mod compare;
mod condition;
mod constant;
mod function;
mod in_operator;
mod operators;
mod subquery;

use std::sync::Arc;

use kernite_btree::ValueRef;
use kernite_vdbe::op::{ConstId, Cursor, Op};
use kernite_vdbe::{Error, Reg};

pub use compare::{OnNull, code_compare, emit_compare};
pub use condition::{jump_if_false, jump_if_false_copy, jump_if_true};
pub use constant::{code_hoisted, hoist_nulls, literal, run_once};
pub use function::{
    can_return_subtype, first_collation, is_like_operator, like_uses_percent, like_wildcards,
};
pub use in_operator::{
    FoundIn, InIndex, InUse, check_in, code_in_list, find_in_index, index_collation, vector_error,
};
pub use subquery::code_subselect;

use super::column;
use super::state::SelfRow;
use crate::bound::{AFFINITY_BLOB, AFFINITY_REAL, ExprFlags, ExprId, ExprKind, OrderTerm};
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileResult, Compiler};
use crate::plan::constant::is_constant_not_join;

/// A value in a register that may have to be given back.
#[derive(Clone, Copy, Debug)]
pub struct Temp {
    pub reg: Reg,
    /// The temporary register behind it; 0 = none.
    pub free: Reg,
}

/// Columns and functions of an aggregate query, and where their values are.
#[derive(Clone, Debug, Default)]
pub struct AggregateInfo {
    /// Rows are being read: columns come from the tables (or from the sorter), not from the accumulators.
    pub direct: bool,
    /// In direct mode, columns come from the sorter's row.
    pub from_sorter: bool,
    /// Pseudo cursor on the sorter's row.
    pub sorter_row: Cursor,
    pub columns: Vec<AggregateColumn>,
    pub functions: Vec<AggregateFunction>,
    /// Columns first, functions behind them; 0 = not given out yet.
    pub first_reg: Reg,
    /// Bare columns that keep a value per group.
    pub accumulators: usize,
    /// Columns of the sorter's record.
    pub sorter_columns: usize,
}

/// A column that an aggregate query uses.
#[derive(Clone, Copy, Debug)]
pub struct AggregateColumn {
    /// What it was before it became a slot.
    pub expr: ExprId,
    /// Its cursor and column, if it is a plain column.
    pub column: Option<(Cursor, i16)>,
    pub in_sorter: usize,
}

/// An aggregate function call.
#[derive(Clone, Debug)]
pub struct AggregateFunction {
    /// The call, before it became a slot.
    pub expr: ExprId,
    /// Ephemeral index of DISTINCT arguments.
    pub distinct: Option<Cursor>,
    /// Address of the instruction that opens it.
    pub distinct_open: Option<kernite_vdbe::Addr>,
    /// What DISTINCT keeps between rows.
    pub distinct_kept: Option<super::select::Kept>,
    /// Ephemeral index that puts the arguments into ORDER BY order.
    pub order: Option<Cursor>,
    /// Arguments are kept behind the ORDER BY terms.
    pub order_payload: bool,
    /// Entries are unique by the ORDER BY terms (`DISTINCT x ORDER BY x`).
    pub order_unique: bool,
    /// Subtypes of the arguments are kept too.
    pub order_subtypes: bool,
}

/// Bits of a slot number: which aggregate query, and whether it names a function.
const SLOT_QUERY_SHIFT: u32 = 16;
const SLOT_FUNCTION: u32 = 1 << 15;

/// The slot of column or function `at` of aggregate query `query`.
pub fn slot(query: usize, function: bool, at: usize) -> u32 {
    (query as u32) << SLOT_QUERY_SHIFT | if function { SLOT_FUNCTION } else { 0 } | at as u32
}

/// Which aggregate query a slot belongs to, whether it is a function, and its place.
pub fn unpack_slot(slot: u32) -> (usize, bool, usize) {
    ((slot >> SLOT_QUERY_SHIFT) as usize, slot & SLOT_FUNCTION != 0, (slot & (SLOT_FUNCTION - 1)) as usize)
}

impl AggregateInfo {
    /// Register of bare column `at`.
    pub fn column_reg(&self, at: usize) -> Reg {
        self.first_reg.plus(at as u32)
    }

    /// Register of function `at`.
    pub fn function_reg(&self, at: usize) -> Reg {
        self.first_reg.plus((self.columns.len() + at) as u32)
    }
}

/// Leaves the value of an expression in `target`.
pub fn code(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<()> {
    let reg = code_target(c, expr, target)?;
    if reg != target {
        let inner = c.bound.skip_collate_and_likely(expr);
        let node = &c.bound[inner];
        // A register that a subquery or another part of the statement overwrites later needs a copy of its own.
        if node.flags.has(ExprFlags::HAS_SUBQUERY) || matches!(node.kind, ExprKind::Register { .. }) {
            c.emit(Op::Copy { from: reg, to: target, count: 1 });
        } else {
            c.emit(Op::SCopy { from: reg, to: target });
        }
    }
    Ok(())
}

/// Like [`code`], on a copy of the expression, so that marks set on its nodes are gone afterwards.
pub fn code_copy(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<()> {
    let expr = c.copy_expr(expr);
    code(c, expr, target)
}

/// Like [`code_copy`]; a constant is computed once, at the program's head.
pub fn code_factorable(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<()> {
    if !c.codegen.hoisting_off && is_constant_not_join(c, expr) {
        run_once(c, expr, Some(target))?;
        return Ok(());
    }
    code_copy(c, expr, target)
}

/// Leaves the value in some register; constants are hoisted.
pub fn code_temp(c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<Temp> {
    let expr = c.bound.skip_collate_and_likely(expr);
    if !c.codegen.hoisting_off
        && !matches!(c.bound[expr].kind, ExprKind::Register { .. })
        && is_constant_not_join(c, expr)
    {
        return Ok(Temp { reg: run_once(c, expr, None)?, free: Reg(0) });
    }
    let own = c.builder.temp_reg();
    let reg = code_target(c, expr, own)?;
    if reg == own {
        return Ok(Temp { reg, free: own });
    }
    c.builder.release_temp(own);
    Ok(Temp { reg, free: Reg(0) })
}

/// Gives a temporary value back.
pub fn release(c: &mut Compiler<'_>, temp: Temp) {
    c.builder.release_temp(temp.free);
}

/// How a list is coded.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListFlags {
    /// Deep copies instead of shallow ones: the values outlive what they were read from.
    pub duplicate: bool,
    /// Constants are computed at the program's head.
    pub hoist: bool,
}

/// Leaves the values of a list in consecutive registers.
pub fn code_exprs(c: &mut Compiler<'_>, list: &[ExprId], first: Reg, flags: ListFlags) -> CompileResult<()> {
    for (at, &expr) in list.iter().enumerate() {
        code_list_item(c, expr, first.plus(at as u32), flags)?;
    }
    Ok(())
}

fn code_list_item(c: &mut Compiler<'_>, expr: ExprId, target: Reg, flags: ListFlags) -> CompileResult<()> {
    if flags.hoist && !c.codegen.hoisting_off && is_constant_not_join(c, expr) {
        run_once(c, expr, Some(target))?;
        return Ok(());
    }
    let reg = code_target(c, expr, target)?;
    if reg != target {
        copy_into(c, reg, target, flags.duplicate);
    }
    Ok(())
}

/// Copies a register; neighbouring deep copies become one instruction.
fn copy_into(c: &mut Compiler<'_>, from: Reg, to: Reg, duplicate: bool) {
    if !duplicate {
        c.emit(Op::SCopy { from, to });
        return;
    }
    let here = c.here();
    let joinable = c.codegen.copy_barrier != Some(here);
    if let Some(last) = here.0.checked_sub(1).filter(|_| joinable)
        && let Op::Copy { from: first, to: target, count } = c.builder.op_mut(kernite_vdbe::Addr(last))
        && first.0 + *count == from.0
        && target.0 + *count == to.0
    {
        *count += 1;
        return;
    }
    c.emit(Op::Copy { from, to, count: 1 });
}

/// A list item that may be a reference to a value computed before.
#[derive(Clone, Copy, Debug)]
pub struct ListItem {
    pub expr: ExprId,
    /// Place of that value, from 1; 0 = compute.
    pub reference: u16,
}

impl From<&OrderTerm> for ListItem {
    fn from(term: &OrderTerm) -> ListItem {
        ListItem { expr: term.expr, reference: term.result_column }
    }
}

/// What becomes of references in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// They are computed like the others.
    Ignore,
    /// They are copied from registers starting here.
    CopyFrom(Reg),
    /// They take no register.
    Omit,
}

/// Like [`code_exprs`] for a list with references; how many registers were filled.
pub fn code_items(
    c: &mut Compiler<'_>,
    list: &[ListItem],
    first: Reg,
    references: References,
    flags: ListFlags,
) -> CompileResult<u32> {
    let mut filled = 0;
    for item in list {
        let target = first.plus(filled);
        match references {
            References::CopyFrom(source) if item.reference > 0 => {
                let from = source.plus(u32::from(item.reference) - 1);
                match flags.duplicate {
                    true => c.emit(Op::Copy { from, to: target, count: 1 }),
                    false => c.emit(Op::SCopy { from, to: target }),
                };
            }
            References::Omit if item.reference > 0 => continue,
            _ => code_list_item(c, item.expr, target, flags)?,
        }
        filled += 1;
    }
    Ok(filled)
}

/// Computes an expression, in `target` or where its value lies anyway; that register.
pub fn code_target(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Reg> {
    crate::compile::deep(|| code_node(c, expr, target))
}

fn code_node(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Reg> {
    if !c.codegen.indexed_exprs.is_empty()
        && !is_leaf(c, expr)
        && let Some(reg) = read_indexed_expr(c, expr, target)?
    {
        return Ok(reg);
    }
    match c.bound[expr].kind {
        ExprKind::Null => {
            c.nulls(target, 1);
            Ok(target)
        }
        ExprKind::Integer(value) => {
            code_integer(c, value, target);
            Ok(target)
        }
        ExprKind::Real(value) => {
            code_real(c, value, target);
            Ok(target)
        }
        ExprKind::Text(_) | ExprKind::Blob(_) => {
            code_bytes(c, expr, target);
            Ok(target)
        }
        ExprKind::Parameter(number) => {
            c.builder.note_parameter(number);
            c.emit(Op::Variable { number, out: target });
            Ok(target)
        }
        ExprKind::Register { reg, .. } => Ok(reg),
        ExprKind::Column { .. } => code_column(c, expr, target),
        ExprKind::SelfColumn { .. } => code_self_column(c, expr, target),
        ExprKind::TriggerColumn { .. } => Ok(code_trigger_column(c, expr, target)),
        ExprKind::AggregateSlot { slot, of } => code_slot(c, slot, of, target),
        ExprKind::Unary { op, operand } => operators::code_unary(c, expr, op, operand, target),
        ExprKind::Binary { op, left, right } => operators::code_binary(c, expr, op, left, right, target),
        ExprKind::Between { negated, .. } => condition::code_between_value(c, expr, negated, target),
        ExprKind::In { negated, .. } => in_operator::code_in_value(c, expr, negated, target),
        ExprKind::Collate { operand, .. } if c.bound[expr].flags.has(ExprFlags::COLLATED) => {
            code_target(c, operand, target)
        }
        ExprKind::Collate { operand, .. } => {
            // An implicit collation, from a column of a view or subquery that was merged: subtypes do not pass through.
            code(c, operand, target)?;
            c.emit(Op::ClrSubtype { value: target });
            Ok(target)
        }
        ExprKind::Cast { operand, affinity } => {
            code(c, operand, target)?;
            c.emit(Op::Cast { value: target, affinity });
            Ok(target)
        }
        ExprKind::Case { .. } => {
            operators::code_case(c, expr, target)?;
            Ok(target)
        }
        ExprKind::Vector(_) => Err(Error::message("row value misused")),
        ExprKind::Subquery(select) => match c.bound[select].columns.len() {
            1 => code_subselect(c, expr),
            columns => Err(subselect_error(columns, 1)),
        },
        ExprKind::Exists(_) => code_subselect(c, expr),
        ExprKind::SubqueryColumn { subquery, column } => subquery::code_column(c, subquery, column),
        ExprKind::Function(_) => function::code_call(c, expr, target),
        ExprKind::IfNullRow { cursor, operand } => {
            let done = c.label();
            c.emit(Op::IfNullRow { cursor, to: done, out: target });
            let saved = std::mem::replace(&mut c.codegen.hoisting_off, true);
            let coded = code(c, operand, target);
            c.codegen.hoisting_off = saved;
            coded?;
            c.bind(done);
            Ok(target)
        }
        ExprKind::Raise { action, message } => operators::code_raise(c, action, message, target),
    }
}

/// `sub-select returns n columns - expected m`.
pub fn subselect_error(columns: usize, expected: usize) -> Error {
    Error::message(format!("sub-select returns {columns} columns - expected {expected}"))
}

fn is_leaf(c: &Compiler<'_>, expr: ExprId) -> bool {
    matches!(
        c.bound[expr].kind,
        ExprKind::Null
            | ExprKind::Integer(_)
            | ExprKind::Real(_)
            | ExprKind::Text(_)
            | ExprKind::Blob(_)
            | ExprKind::Parameter(_)
            | ExprKind::Register { .. }
    )
}

/// An integer constant into a register.
pub fn code_integer(c: &mut Compiler<'_>, value: i64, out: Reg) {
    match i32::try_from(value) {
        Ok(value) => c.integer(value, out),
        Err(_) => {
            let value = c.builder.constant(ValueRef::Integer(value));
            c.emit(Op::Const { value, out })
        }
    };
}

fn code_real(c: &mut Compiler<'_>, value: f64, out: Reg) {
    let value = c.builder.constant(ValueRef::Real(value));
    c.emit(Op::Const { value, out });
}

fn code_bytes(c: &mut Compiler<'_>, expr: ExprId, out: Reg) {
    let value = match &c.bound[expr].kind {
        ExprKind::Blob(bytes) => c.builder.constant(ValueRef::Blob(bytes)),
        ExprKind::Text(text) if c.options.encoding.is_utf16() => {
            let mut converted = Vec::new();
            kernite_btree::encoding::utf8_to_utf16(text, c.options.encoding, &mut converted);
            c.builder.constant(ValueRef::Text(&converted))
        }
        ExprKind::Text(text) => c.builder.constant(ValueRef::Text(text)),
        _ => ConstId(0),
    };
    c.emit(Op::Const { value, out });
}

fn code_column(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Reg> {
    let ExprKind::Column { cursor, column, ref table } = c.bound[expr].kind else { return Ok(target) };
    let table = table.clone();
    if let Some(&value) = c.codegen.fixed_columns.get(&expr) {
        let affinity = c.bound.affinity(expr);
        let reg = code_target(c, value, target)?;
        if affinity > AFFINITY_BLOB {
            let affinities = c.builder.affinity(&[affinity]);
            c.emit(Op::Affinity { first: reg, count: 1, affinities });
        }
        return Ok(reg);
    }
    if !c.codegen.partial_index_columns.is_empty()
        && let Some(reg) = read_partial_index_column(c, cursor, column, target)?
    {
        return Ok(reg);
    }
    read_column(c, table.as_ref(), cursor, column, target, column::HINT_NONE)?;
    Ok(target)
}

/// Reads a column of a table, or of a subquery where there is no table.
pub fn read_column(
    c: &mut Compiler<'_>,
    table: Option<&Arc<Table>>,
    cursor: Cursor,
    column: i16,
    out: Reg,
    hint: u8,
) -> CompileResult<()> {
    match (table, u16::try_from(column)) {
        (Some(table), _) if !matches!(table.kind, TableKind::View { .. }) => {
            column::read(c, table, cursor, column, out, hint)
        }
        (_, Ok(column)) => {
            c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint });
            let columns = c.bound.columns_of(cursor);
            if columns.get(usize::from(column)).is_some_and(|column| column.affinity == AFFINITY_REAL) {
                c.emit(Op::RealAffinity { value: out });
            }
            Ok(())
        }
        (_, Err(_)) => {
            c.emit(Op::Rowid { cursor, out });
            Ok(())
        }
    }
}

fn code_self_column(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Reg> {
    let ExprKind::SelfColumn { column, ref table } = c.bound[expr].kind else { return Ok(target) };
    let table = Arc::clone(table);
    let base = match c.codegen.self_row {
        SelfRow::Cursor(cursor) => {
            column::read(c, &table, cursor, column, target, column::HINT_NONE)?;
            return Ok(target);
        }
        SelfRow::Registers(base) => base,
        SelfRow::None => return Err(Error::message("a column was read outside of its row")),
    };
    let Some(at) = usize::try_from(column).ok().filter(|&at| table.rowid_alias != Some(at)) else {
        return Ok(base);
    };
    let reg = base.plus(1 + column::storage_place(&table, at) as u32);
    if table.columns[at].generated.is_some() {
        if !c.codegen.computed_columns.contains(&(Arc::as_ptr(&table) as usize, at)) {
            column::compute_generated(c, &table, at, reg)?;
        }
        return Ok(reg);
    }
    if table.columns[at].affinity == AFFINITY_REAL {
        c.emit(Op::SCopy { from: reg, to: target });
        c.emit(Op::RealAffinity { value: target });
        return Ok(target);
    }
    Ok(reg)
}

fn code_trigger_column(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> Reg {
    let ExprKind::TriggerColumn { new, column, ref table, .. } = c.bound[expr].kind else { return target };
    let columns = table.columns.len() as u32;
    let (place, affinity) = match usize::try_from(column).ok().filter(|&at| table.rowid_alias != Some(at)) {
        Some(at) => (1 + column::storage_place(table, at) as u32, table.columns[at].affinity),
        None => (0, 0),
    };
    let offset = place + if new { columns + 1 } else { 0 };
    if let Some(base) = c.codegen.trigger_row {
        // RETURNING: the row lies in registers of this very program.
        c.emit(Op::SCopy { from: base.plus(offset), to: target });
    } else {
        c.emit(Op::Param { offset, out: target });
    }
    if affinity == AFFINITY_REAL {
        c.emit(Op::RealAffinity { value: target });
    }
    target
}

/// Codes a slot's value into `target`.
pub fn code_slot_to(c: &mut Compiler<'_>, slot: u32, of: ExprId, target: Reg) -> CompileResult<()> {
    let reg = code_slot(c, slot, of, target)?;
    if reg != target {
        c.emit(Op::SCopy { from: reg, to: target });
    }
    Ok(())
}

fn code_slot(c: &mut Compiler<'_>, slot: u32, of: ExprId, target: Reg) -> CompileResult<Reg> {
    let (query, is_function, at) = unpack_slot(slot);
    let Some(info) = c.codegen.aggregates.get(query) else {
        return Err(Error::message("a value of an aggregate query was read outside of it"));
    };
    if is_function {
        return Ok(info.function_reg(at));
    }
    if !info.direct {
        return Ok(info.column_reg(at));
    }
    if info.from_sorter {
        let (cursor, column) = (info.sorter_row, info.columns[at].in_sorter as u16);
        c.emit(Op::Column { cursor, column, out: target, default: ConstId(0), hint: column::HINT_NONE });
        let is_column = matches!(c.bound[of].kind, ExprKind::Column { column: 0.., .. });
        if is_column && c.bound.affinity(of) == AFFINITY_REAL {
            c.emit(Op::RealAffinity { value: target });
        }
        return Ok(target);
    }
    code_target(c, of, target)
}

/// Reads an expression from an index that holds it.
fn read_indexed_expr(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Option<Reg>> {
    for at in 0..c.codegen.indexed_exprs.len() {
        let indexed = c.codegen.indexed_exprs[at];
        let Some(data) = indexed.data else { continue };
        let row = match c.codegen.self_row {
            SelfRow::None => Some(data),
            SelfRow::Cursor(cursor) if cursor == data => None,
            _ => continue,
        };
        if c.bound.compare(expr, indexed.expr, row) != crate::bound::Similarity::Same {
            continue;
        }
        let class = |affinity: u8| affinity.clamp(AFFINITY_BLOB, crate::bound::AFFINITY_NUMERIC);
        if class(c.bound.affinity(expr)) != class(indexed.affinity) {
            continue;
        }
        if c.bound[expr].flags.has(ExprFlags::SUBTYPE_ARGUMENT) && function::can_return_subtype(c, expr) {
            continue;
        }
        let read = Op::Column {
            cursor: indexed.index,
            column: indexed.column,
            out: target,
            default: ConstId(0),
            hint: column::HINT_NONE,
        };
        if indexed.maybe_null_row || crate::plan::constant::is_constant(c, expr) {
            let (null, done) = (c.label(), c.label());
            c.emit(Op::IfNullRow { cursor: indexed.index, to: null, out: target });
            c.emit(read);
            c.goto(done);
            c.bind(null);
            let saved = std::mem::take(&mut c.codegen.indexed_exprs);
            let coded = code(c, expr, target);
            c.codegen.indexed_exprs = saved;
            coded?;
            c.bind(done);
        } else {
            c.emit(read);
        }
        return Ok(Some(target));
    }
    Ok(None)
}

/// The value of a column that the WHERE of a partial index fixes.
fn read_partial_index_column(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    column: i16,
    target: Reg,
) -> CompileResult<Option<Reg>> {
    let fixed = c.codegen.partial_index_columns.iter().rev();
    let Some(&fixed) = fixed.clone().find(|fixed| fixed.data == cursor && fixed.column == column) else {
        return Ok(None);
    };
    let done = c.label();
    let null_row =
        fixed.maybe_null_row.then(|| c.emit(Op::IfNullRow { cursor: fixed.index, to: done, out: target }));
    let reg = code_target(c, fixed.value, target)?;
    let affinities = c.builder.affinity(&[fixed.affinity]);
    c.emit(Op::Affinity { first: reg, count: 1, affinities });
    if function::can_return_subtype(c, fixed.value) {
        c.emit(Op::ClrSubtype { value: reg });
    }
    c.bind(done);
    if let Some(at) = null_row
        && let Op::IfNullRow { out, .. } = c.builder.op_mut(at)
    {
        *out = reg;
    }
    Ok(Some(reg))
}

/// The constant that a column shorter records lack is read as.
pub fn default_constant(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize) -> CompileResult<ConstId> {
    constant::column_default(c, table, at)
}

/// Checks one computed column of a STRICT table.
pub fn type_check(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize, value: Reg) {
    let name = String::from_utf8_lossy(&table.name).into_owned();
    let table = c.builder.table(table.db, &name);
    c.emit(Op::TypeCheck { first: value, count: 1, table, check_generated: true, only: at as u16 + 1 });
}

/// The values of a row value (or a scalar) in consecutive registers.
pub fn code_vector(c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<Temp> {
    let size = c.bound.vector_size(expr);
    if size == 1 {
        return code_temp(c, expr);
    }
    if let ExprKind::Register { reg, .. } = c.bound[expr].kind {
        return Ok(Temp { reg, free: Reg(0) });
    }
    if c.bound.is_subquery(expr) {
        return Ok(Temp { reg: code_subselect(c, expr)?, free: Reg(0) });
    }
    let first = c.builder.alloc_regs(size as u32);
    for at in 0..size {
        let field = c.bound.vector_field(expr, at);
        code_factorable(c, field, first.plus(at as u32))?;
    }
    Ok(Temp { reg: first, free: Reg(0) })
}

/// Makes an expression stand for a register that holds its value.
pub fn to_register(c: &mut Compiler<'_>, expr: ExprId, reg: Reg) {
    let inner = c.bound.skip_collate_and_likely(expr);
    if !matches!(c.bound[inner].kind, ExprKind::Register { .. }) {
        c.bound.replace(inner, |of| ExprKind::Register { reg, of: Some(of) });
    }
}

/// Whether an operand of an operator that NULL decides should be computed before the other one: it has no subquery, the other has.
fn right_first(c: &Compiler<'_>, left: ExprId, right: ExprId) -> bool {
    c.bound[left].flags.has(ExprFlags::HAS_SUBQUERY) && !c.bound[right].flags.has(ExprFlags::HAS_SUBQUERY)
}

/// Operands of an arithmetic or comparison operator, with the address of a jump taken when one is NULL and the other need not be computed.
struct Operands {
    left: Temp,
    right: Temp,
    is_null: Option<kernite_vdbe::Addr>,
}

fn code_operands(c: &mut Compiler<'_>, left: ExprId, right: ExprId) -> CompileResult<Operands> {
    let skip = |c: &mut Compiler<'_>, value: Reg| c.emit(Op::IsNull { value, to: kernite_vdbe::Addr(0) });
    if right_first(c, left, right) && c.bound.can_be_null(right) {
        let right = code_temp(c, right)?;
        let is_null = Some(skip(c, right.reg));
        let left = code_temp(c, left)?;
        return Ok(Operands { left, right, is_null });
    }
    let has_subquery = c.bound[right].flags.has(ExprFlags::HAS_SUBQUERY);
    let coded = code_temp(c, left)?;
    let is_null = (has_subquery && c.bound.can_be_null(left)).then(|| skip(c, coded.reg));
    let right = code_temp(c, right)?;
    Ok(Operands { left: coded, right, is_null })
}
