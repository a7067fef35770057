//! Aggregate queries: which columns and functions they use, and the code that starts, feeds and ends the functions.
//!
//! Every column of the FROM clause that the query uses outside of its aggregate functions, and every aggregate function, gets a slot; the node
//! in the tree becomes that slot. A column's slot keeps the value of one row of the group (a bare column).

use std::sync::Arc;

use kernite_vdbe::function::FunctionFlags;
use kernite_vdbe::op::{ConstId, Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::distinct::{Kept, code_distinct};
use crate::bound::{Bound, ExprId, ExprKind, FunctionCall, SelectId, Similarity, Visitor};
use crate::codegen::column;
use crate::codegen::expr::{
    AggregateColumn, AggregateFunction, AggregateInfo, ListFlags, code_exprs, code_slot_to, first_collation,
    jump_if_false, slot,
};
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::Distinct;

/// What a walk found: nodes to become slots, in order.
enum Found {
    Column(ExprId),
    Function(ExprId),
}

/// Finds the columns and aggregate functions of one query in an expression, its subqueries included.
struct Finder<'f> {
    cursors: &'f [Cursor],
    depth: u32,
    in_function: bool,
    found: Vec<Found>,
}

impl Visitor for Finder<'_> {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        match &bound[expr].kind {
            ExprKind::Column { cursor, .. } | ExprKind::IfNullRow { cursor, .. } => {
                if self.cursors.contains(cursor) {
                    self.found.push(Found::Column(expr));
                }
                true
            }
            ExprKind::Function(call) if call.is_aggregate && call.window.is_none() => {
                let own = !self.in_function && u32::from(call.aggregate_depth) == self.depth;
                if own {
                    self.found.push(Found::Function(expr));
                }
                !own
            }
            _ => true,
        }
    }

    fn enter(&mut self, _bound: &Bound, _core: SelectId) {
        self.depth += 1;
    }

    fn leave(&mut self, _bound: &Bound, _core: SelectId) {
        self.depth -= 1;
    }
}

/// An aggregate query under construction: its number in the compiler's list.
#[derive(Clone, Copy, Debug)]
pub struct Aggregates {
    pub query: usize,
}

impl Aggregates {
    /// Starts an aggregate query that groups by so many terms.
    pub fn new(c: &mut Compiler<'_>, group_terms: usize) -> Aggregates {
        let info = AggregateInfo { sorter_columns: group_terms, ..AggregateInfo::default() };
        c.codegen.aggregates.push(info);
        Aggregates { query: c.codegen.aggregates.len() - 1 }
    }

    /// What is known of the query.
    pub fn info<'c>(&self, c: &'c Compiler<'_>) -> &'c AggregateInfo {
        &c.codegen.aggregates[self.query]
    }

    fn info_mut<'c>(&self, c: &'c mut Compiler<'_>) -> &'c mut AggregateInfo {
        &mut c.codegen.aggregates[self.query]
    }

    /// Gives slots to the columns and functions in an expression. `in_function`: it is an argument, where only columns count.
    pub fn analyze(
        &self,
        c: &mut Compiler<'_>,
        select: SelectId,
        expr: ExprId,
        in_function: bool,
    ) -> CompileResult<()> {
        let cursors: Vec<Cursor> = c.bound[select].from.iter().map(|item| item.cursor).collect();
        let mut finder = Finder { cursors: &cursors, depth: 0, in_function, found: Vec::new() };
        c.bound.walk(expr, &mut finder);
        for found in finder.found {
            match found {
                Found::Column(expr) => self.add_column(c, select, expr)?,
                Found::Function(expr) => self.add_function(c, expr)?,
            }
        }
        Ok(())
    }

    fn add_column(&self, c: &mut Compiler<'_>, select: SelectId, expr: ExprId) -> CompileResult<()> {
        let column = c.bound.column(expr);
        let known = column
            .and_then(|column| self.info(c).columns.iter().position(|known| known.column == Some(column)));
        let at = match known {
            Some(at) => at,
            None => {
                let at = self.info(c).columns.len();
                check_count(c, at)?;
                let in_group = column.and_then(|column| {
                    c.bound[select].group_by.iter().position(|&term| c.bound.column(term) == Some(column))
                });
                let info = self.info_mut(c);
                let in_sorter = in_group.unwrap_or_else(|| {
                    info.sorter_columns += 1;
                    info.sorter_columns - 1
                });
                info.columns.push(AggregateColumn { expr, column, in_sorter });
                at
            }
        };
        let number = slot(self.query, false, at);
        let mut moved = expr;
        c.bound.replace(expr, |of| {
            moved = of;
            ExprKind::AggregateSlot { slot: number, of }
        });
        if let Some(value) = c.codegen.fixed_columns.remove(&expr) {
            c.codegen.fixed_columns.insert(moved, value);
        }
        let known = &mut self.info_mut(c).columns[at];
        if known.expr == expr {
            known.expr = moved;
        }
        Ok(())
    }

    fn add_function(&self, c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<()> {
        let known = self
            .info(c)
            .functions
            .iter()
            .position(|known| c.bound.compare(known.expr, expr, None) == Similarity::Same);
        let at = match known {
            Some(at) => at,
            None => {
                let at = self.info(c).functions.len();
                check_count(c, at)?;
                let function = describe(c, expr);
                self.info_mut(c).functions.push(function);
                at
            }
        };
        let number = slot(self.query, true, at);
        let mut moved = expr;
        c.bound.replace(expr, |of| {
            moved = of;
            ExprKind::AggregateSlot { slot: number, of }
        });
        let known = &mut self.info_mut(c).functions[at];
        if known.expr == expr {
            known.expr = moved;
        }
        Ok(())
    }

    /// Gives slots to the columns that arguments, ORDER BY terms and filters of the functions use.
    pub fn analyze_arguments(&self, c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
        for at in 0..self.info(c).functions.len() {
            let call = call_of(c, self.info(c).functions[at].expr);
            let inner = call.arguments.iter().copied().chain(call.order_by.iter().map(|term| term.expr));
            for expr in inner.chain(call.filter).collect::<Vec<_>>() {
                self.analyze(c, select, expr, true)?;
            }
        }
        Ok(())
    }

    /// Columns are read from the rows (`direct`) or are the values kept.
    pub fn set_direct(&self, c: &mut Compiler<'_>, direct: bool) {
        self.info_mut(c).direct = direct;
    }

    /// Columns are read from the sorter's rows.
    pub fn read_from_sorter(&self, c: &mut Compiler<'_>, row: Cursor) {
        let info = self.info_mut(c);
        info.from_sorter = true;
        info.sorter_row = row;
    }

    /// Notes that the columns found so far are bare columns; those found later are arguments.
    pub fn note_accumulators(&self, c: &mut Compiler<'_>) {
        let info = self.info_mut(c);
        info.accumulators = info.columns.len();
    }

    /// Gives out the registers of columns and functions.
    pub fn assign_registers(&self, c: &mut Compiler<'_>) {
        let info = self.info(c);
        let count = (info.columns.len() + info.functions.len()) as u32;
        let first = Reg(c.builder.register_count() + 1);
        if count > 0 {
            c.builder.alloc_regs(count);
        }
        self.info_mut(c).first_reg = first;
    }

    /// Starts all functions anew.
    pub fn reset(&self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let info = self.info(c).clone();
        let count = info.columns.len() + info.functions.len();
        if count == 0 {
            return Ok(());
        }
        c.nulls(info.first_reg, count as u32);
        for (at, function) in info.functions.iter().enumerate() {
            let call = call_of(c, function.expr);
            let name = call.function.name.clone();
            if let Some(cursor) = function.distinct {
                if call.arguments.len() != 1 {
                    return Err(Error::message("DISTINCT aggregates must have exactly one argument"));
                }
                let key = Arc::new(c.exprs_key(&call.arguments, 0)?);
                let key = c.builder.key_info(key);
                let open = c.emit(Op::OpenEphemeral { cursor, columns: 1, key, unordered: false });
                self.info_mut(c).functions[at].distinct_open = Some(open);
                c.explain(|_| format!("USE TEMP B-TREE FOR {name}(DISTINCT)"));
            }
            if let Some(cursor) = function.order {
                let extra = usize::from(!function.order_unique)
                    + if function.order_payload { call.arguments.len() } else { 0 }
                    + if function.order_subtypes { call.arguments.len() } else { 0 };
                let mut key = c.order_key(&call.order_by, extra)?;
                key.key_column_count += usize::from(!function.order_unique);
                let columns = key.columns.len() as u16;
                let key = c.link_key(key);
                c.emit(Op::OpenEphemeral { cursor, columns, key, unordered: false });
                c.explain(|_| format!("USE TEMP B-TREE FOR {name}(ORDER BY)"));
            }
        }
        Ok(())
    }

    /// Ends all functions: their registers hold the results afterwards.
    pub fn finish(&self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let info = self.info(c).clone();
        for (at, function) in info.functions.iter().enumerate() {
            let call = call_of(c, function.expr);
            let acc = info.function_reg(at);
            let id = c.builder.function(Arc::clone(&call.function));
            if let Some(cursor) = function.order {
                feed_in_order(c, function, &call, cursor, acc);
            }
            c.emit(Op::AggFinal { function: id, acc, count: call.arguments.len() as u16 });
        }
        Ok(())
    }

    /// Feeds one row to all functions, and keeps the bare columns. `seen`: a register that is true once the group has a row (0 = none): bare
    /// columns are those of the first row, unless min() or max() says otherwise.
    pub fn update(&self, c: &mut Compiler<'_>, seen: Reg, kind: Distinct) -> CompileResult<()> {
        let info = self.info(c).clone();
        let mut keep = Reg(0);
        self.set_direct(c, true);
        for (at, function) in info.functions.iter().enumerate() {
            self.feed(c, &info, at, function, seen, kind, &mut keep)?;
        }
        if !keep.is_some() && info.accumulators > 0 {
            keep = seen;
        }
        let past = c.label();
        let test = keep.is_some().then(|| c.emit(Op::If { value: keep, to: past, jump_if_null: false }));
        let before = c.here();
        for (at, column) in info.columns.iter().take(info.accumulators).enumerate() {
            let target = info.column_reg(at);
            code_slot_to(c, slot(self.query, false, at), column.expr, target)?;
        }
        self.set_direct(c, false);
        c.bind(past);
        if let Some(test) = test
            && before == c.here()
        {
            c.builder.remove_last(test);
            c.bind(past);
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn feed(
        &self,
        c: &mut Compiler<'_>,
        info: &AggregateInfo,
        at: usize,
        function: &AggregateFunction,
        seen: Reg,
        kind: Distinct,
        keep: &mut Reg,
    ) -> CompileResult<()> {
        let call = call_of(c, function.expr);
        let needs_collation = call.function.flags.has(FunctionFlags::NEEDS_COLLATION);
        let mut skip: Option<Addr> = None;
        if let Some(filter) = call.filter {
            if info.accumulators > 0 && needs_collation && seen.is_some() {
                if !keep.is_some() {
                    *keep = c.reg();
                }
                c.emit(Op::Copy { from: seen, to: *keep, count: 1 });
            }
            let label = c.label();
            jump_if_false(c, filter, label, true)?;
            skip = Some(label);
        }
        let count = call.arguments.len() as u32;
        let arguments = if let Some(cursor) = function.order {
            Arguments::load_ordered(c, function, &call, cursor)?
        } else {
            let first = if count > 0 { c.builder.temp_range(count) } else { Reg(0) };
            code_exprs(c, &call.arguments, first, ListFlags { duplicate: true, hoist: false })?;
            Arguments { first, width: count, values: first }
        };
        if let Some(cursor) = function.distinct
            && count > 0
        {
            let label = *skip.get_or_insert_with(|| c.label());
            let kept = code_distinct(c, kind, cursor, label, &call.arguments, arguments.values)?;
            self.info_mut(c).functions[at].distinct_kept = Some(kept);
        }
        if let Some(cursor) = function.order {
            let width = arguments.width;
            let record = arguments.first.plus(width);
            c.emit(Op::MakeRecord {
                first: arguments.first,
                count: width,
                out: record,
                affinities: Default::default(),
            });
            let flags = WriteFlags::default();
            c.emit(Op::IdxInsert { cursor, record, first: arguments.first, count: width as u16, flags });
            c.builder.release_temp_range(arguments.first, width + 1);
        } else {
            if needs_collation {
                let name = first_collation(c, &call.arguments);
                let collation = c.link_collation(name)?;
                if !keep.is_some() && info.accumulators > 0 {
                    *keep = c.reg();
                }
                c.emit(Op::CollSeq { collation, flag: *keep });
            }
            let id = c.builder.function(Arc::clone(&call.function));
            let acc = info.function_reg(at);
            c.emit(Op::AggStep {
                function: id,
                first: arguments.first,
                count: count as u16,
                acc,
                inverse: false,
            });
            if count > 0 {
                c.builder.release_temp_range(arguments.first, count);
            }
        }
        if let Some(label) = skip {
            c.bind(label);
        }
        Ok(())
    }

    /// How DISTINCT of the only function was done.
    pub fn distinct_opening(&self, c: &Compiler<'_>) -> Option<(Kept, Option<Addr>)> {
        let function = self.info(c).functions.first()?;
        Some((function.distinct_kept.unwrap_or(Kept::Nothing), function.distinct_open))
    }
}

/// Arguments of one step, in registers.
struct Arguments {
    first: Reg,
    width: u32,
    /// Where the argument values themselves lie.
    values: Reg,
}

impl Arguments {
    /// ORDER BY terms, a sequence number, argument values, subtypes: the entry of the index that sorts them.
    fn load_ordered(
        c: &mut Compiler<'_>,
        function: &AggregateFunction,
        call: &FunctionCall,
        cursor: Cursor,
    ) -> CompileResult<Arguments> {
        let count = call.arguments.len() as u32;
        let terms: Vec<ExprId> = call.order_by.iter().map(|term| term.expr).collect();
        let width = terms.len() as u32
            + u32::from(!function.order_unique)
            + if function.order_payload { count } else { 0 }
            + if function.order_subtypes { count } else { 0 };
        let first = c.builder.temp_range(width + 1);
        let flags = ListFlags { duplicate: true, hoist: false };
        code_exprs(c, &terms, first, flags)?;
        let mut place = first.plus(terms.len() as u32);
        if !function.order_unique {
            c.emit(Op::Sequence { cursor, out: place });
            place = place.plus(1);
        }
        let mut values = first;
        if function.order_payload {
            values = place;
            code_exprs(c, &call.arguments, values, flags)?;
            place = place.plus(count);
        }
        if function.order_subtypes {
            for at in 0..count {
                c.emit(Op::GetSubtype { value: values.plus(at), out: place.plus(at) });
            }
        }
        Ok(Arguments { first, width, values })
    }
}

fn check_count(c: &Compiler<'_>, count: usize) -> CompileResult<()> {
    /// `SQLITE_LIMIT_COLUMN`.
    const LIMIT_COLUMN: usize = 2;
    let max = c.options.limits[LIMIT_COLUMN];
    if usize::try_from(max).is_ok_and(|max| count > max) {
        return Err(Error::message(format!("more than {max} aggregate terms")));
    }
    Ok(())
}

/// The call behind a slot.
pub fn call_of(c: &Compiler<'_>, expr: ExprId) -> FunctionCall {
    match &c.bound[c.bound.behind(expr)].kind {
        ExprKind::Function(call) => (**call).clone(),
        _ => unreachable!("an aggregate function's slot stands for a call"),
    }
}

/// How a function's DISTINCT and ORDER BY are done.
fn describe(c: &mut Compiler<'_>, expr: ExprId) -> AggregateFunction {
    let call = call_of(c, expr);
    let mut function = AggregateFunction {
        expr,
        distinct: None,
        distinct_open: None,
        distinct_kept: None,
        order: None,
        order_payload: false,
        order_unique: false,
        order_subtypes: false,
    };
    let sorts = !call.order_by.is_empty() && !call.function.flags.has(FunctionFlags::NEEDS_COLLATION);
    if sorts && !call.arguments.is_empty() {
        function.order = Some(c.cursor());
        let by_argument = match (&call.order_by[..], &call.arguments[..]) {
            ([term], [argument]) => c.bound.compare(term.expr, *argument, None) == Similarity::Same,
            _ => false,
        };
        if by_argument {
            function.order_unique = call.distinct;
        } else {
            function.order_payload = true;
        }
        function.order_subtypes = call.function.flags.has(FunctionFlags::SUBTYPE);
    }
    if call.distinct && !function.order_unique {
        function.distinct = Some(c.cursor());
    }
    function
}

/// Feeds the arguments kept in an index to the function, in order.
fn feed_in_order(
    c: &mut Compiler<'_>,
    function: &AggregateFunction,
    call: &FunctionCall,
    cursor: Cursor,
    acc: Reg,
) {
    let count = call.arguments.len() as u32;
    let first = c.builder.temp_range(count);
    let keys = match function.order_payload {
        true => call.order_by.len() as u32 + u32::from(!function.order_unique),
        false => 0,
    };
    let done = c.label();
    c.emit(Op::Rewind { cursor, empty: done });
    let top = c.here();
    let read = |column: u32, out: Reg| Op::Column {
        cursor,
        column: column as u16,
        out,
        default: ConstId(0),
        hint: column::HINT_NONE,
    };
    for at in (0..count).rev() {
        c.emit(read(keys + at, first.plus(at)));
    }
    if function.order_subtypes {
        let subtype = c.builder.temp_reg();
        let behind = keys + count + u32::from(!function.order_payload && !function.order_unique);
        for at in (0..count).rev() {
            c.emit(read(behind + at, subtype));
            c.emit(Op::SetSubtype { value: first.plus(at), subtype });
        }
        c.builder.release_temp(subtype);
    }
    let id = c.builder.function(Arc::clone(&call.function));
    c.emit(Op::AggStep { function: id, first, count: count as u16, acc, inverse: false });
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(done);
    c.builder.release_temp_range(first, count);
}
