//! IN: by an index or rowid that is there already, by an ephemeral index of the right side, or by comparisons one after the other.
//!
//! ```text
//! x IN (…)     1. nothing on the right: false
//!              2. x found on the right: true
//!              3. x not NULL and no NULL on the right: false
//!              4. otherwise NULL
//! ```
//! Where false and NULL lead to the same place, steps 3 and 4 are left out.
//!
//! Spec: Expressions, "The IN and NOT IN operators"; Row Values, "Row Value IN Operators".

use std::sync::Arc;

use kernite_btree::KeyInfo;
use kernite_vdbe::op::{CompareFlags, ConstId, Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::affinity::{fits_index, is_binary};
use super::{code, code_temp, code_vector, column, release, subselect_error};
use crate::bound::{
    AFFINITY_BLOB, AFFINITY_NONE, AFFINITY_NUMERIC, AFFINITY_REAL, AFFINITY_TEXT, BinaryOp, ExprId, ExprKind,
    FromSource, InSource, SelectId,
};
use crate::catalog::{Index, Table, TableKind};
use crate::codegen::select::{self, Destination, DestinationKind};
use crate::codegen::state::{InSignature, SelfRow, Subroutine};
use crate::compile::{CompileResult, Compiler};
use crate::plan::constant::{all_constant, is_constant};
use crate::plan::optimizations;

/// How the right side of an IN can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InIndex {
    /// A table, by rowid.
    Rowid,
    /// An index of a table.
    Ascending,
    Descending,
    /// An ephemeral index made for the purpose.
    Ephemeral,
    /// Not at all: the list is short, or not constant.
    None,
}

/// What the right side is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InUse {
    /// Membership tests.
    Membership,
    /// A loop over distinct values.
    Loop,
}

/// A right side that can be searched.
#[derive(Clone, Copy, Debug)]
pub struct FoundIn {
    pub kind: InIndex,
    pub cursor: Cursor,
    /// NULL when the right side has a NULL; 0 = not asked for or impossible.
    pub has_null: Reg,
}

/// Whether two labels are the same.
pub fn same_label(left: Addr, right: Addr) -> bool {
    left == right
}

/// The value of `x IN (…)`.
pub fn code_in_value(c: &mut Compiler<'_>, expr: ExprId, negated: bool, target: Reg) -> CompileResult<Reg> {
    let (if_false, if_null) = (c.label(), c.label());
    c.nulls(target, 1);
    code_in(c, expr, if_false, if_null)?;
    c.integer(1, target);
    c.bind(if_false);
    // NULL + 0 is 0 here: AddImm takes anything as an integer.
    c.emit(Op::AddImm { value: target, amount: 0 });
    c.bind(if_null);
    if negated {
        c.emit(Op::Not { value: target, out: target });
    }
    Ok(target)
}

/// Falls through when the left side is in the right side, and jumps when it is not or when that is unknown.
pub fn code_in(c: &mut Compiler<'_>, expr: ExprId, if_false: Addr, if_null: Addr) -> CompileResult<()> {
    let ExprKind::In { operand, .. } = c.bound[expr].kind else { return Ok(()) };
    check_in(c, expr)?;
    let affinities = in_affinities(c, expr);
    let size = c.bound.vector_size(operand);
    let mut map = vec![0; size];
    let null_matters = !same_label(if_false, if_null);
    let found = find_in_index(c, expr, InUse::Membership, true, null_matters, Some(&mut map))?;
    // The left side is converted in place: it must not be a constant that others share.
    let saved = std::mem::replace(&mut c.codegen.hoisting_off, true);
    let left = code_vector(c, operand);
    c.codegen.hoisting_off = saved;
    let left = left?.reg;
    if found.kind == InIndex::None {
        return code_in_list_compare(c, expr, left, affinities[0], if_false, if_null);
    }
    let left =
        if found.kind == InIndex::Rowid { left } else { convert_left(c, operand, left, &affinities, &map) };
    let (null_here, step_null) = match null_matters {
        true => (c.label(), true),
        false => (if_false, false),
    };
    for (at, &place) in map.iter().enumerate() {
        let field = c.bound.vector_field(operand, at);
        if c.bound.can_be_null(field) {
            c.emit(Op::IsNull { value: left.plus(place as u32), to: null_here });
        }
    }
    let count = size as u16;
    let done;
    if found.kind == InIndex::Rowid {
        c.emit(Op::SeekRowid { cursor: found.cursor, key: left, miss: if_false });
        done = c.goto(Addr(0));
    } else if !null_matters {
        if let Some(bloom) =
            c.codegen.subroutines.get(&expr).map(|known| known.bloom).filter(|reg| reg.is_some())
        {
            c.emit(Op::Filter { filter: bloom, first: left, count: size as u32, to: if_false });
        }
        c.emit(Op::NotFound { cursor: found.cursor, key: left, count, to: if_false });
        return Ok(());
    } else {
        done = c.emit(Op::Found { cursor: found.cursor, key: left, count, to: Addr(0) });
    }
    if found.has_null.is_some() && size == 1 {
        c.emit(Op::NotNull { value: found.has_null, to: if_false });
    }
    if !null_matters {
        c.goto(if_false);
    }
    if step_null {
        c.bind(null_here);
    }
    look_for_null(c, expr, operand, &found, left, &map, if_false, if_null)?;
    c.jump_here(done);
    Ok(())
}

/// Step by step through the right side: is there a row that is not certainly different?
#[allow(clippy::too_many_arguments)]
fn look_for_null(
    c: &mut Compiler<'_>,
    expr: ExprId,
    operand: ExprId,
    found: &FoundIn,
    left: Reg,
    map: &[usize],
    if_false: Addr,
    if_null: Addr,
) -> CompileResult<()> {
    let cursor = found.cursor;
    match found.kind {
        InIndex::Descending => c.emit(Op::Last { cursor, empty: if_false }),
        _ => c.emit(Op::Rewind { cursor, empty: if_false }),
    };
    let top = c.here();
    let different = if map.len() > 1 { c.label() } else { if_false };
    let select = c.bound.in_select(expr);
    for (at, &place) in map.iter().enumerate() {
        let temp = c.builder.temp_reg();
        let field = c.bound.vector_field(operand, at);
        let collation = match select.and_then(|select| c.bound[select].columns.get(at)) {
            Some(column) => {
                let right = column.expr;
                c.link_binary_collation(field, right)?
            }
            None => c.link_expr_collation(field)?,
        };
        let default = ConstId(0);
        c.emit(Op::Column { cursor, column: place as u16, out: temp, default, hint: column::HINT_NONE });
        let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };
        let left = left.plus(place as u32);
        super::emit_compare(c, BinaryOp::Ne, left, temp, different, flags, collation);
        c.builder.release_temp(temp);
    }
    c.goto(if_null);
    if map.len() > 1 {
        c.bind(different);
        c.emit(Op::Next { cursor, to: top, counter: 0 });
        c.goto(if_false);
    }
    Ok(())
}

/// Applies the comparison's affinities to the left side and puts its fields into the order of the index.
fn convert_left(c: &mut Compiler<'_>, operand: ExprId, mut left: Reg, letters: &[u8], map: &[usize]) -> Reg {
    let size = map.len() as u32;
    if size == 1 {
        if letters[0] >= AFFINITY_TEXT && letters[0] != c.bound.affinity(operand) {
            let copy = c.builder.temp_reg();
            c.emit(Op::Copy { from: left, to: copy, count: 1 });
            left = copy;
            let affinities = c.builder.affinity(letters);
            c.emit(Op::Affinity { first: left, count: 1, affinities });
        }
    } else {
        let affinities = c.builder.affinity(letters);
        c.emit(Op::Affinity { first: left, count: size, affinities });
    }
    if map.iter().enumerate().all(|(at, &place)| at == place) {
        return left;
    }
    let ordered = c.builder.temp_range(size);
    for (at, &place) in map.iter().enumerate() {
        c.emit(Op::Copy { from: left.plus(at as u32), to: ordered.plus(place as u32), count: 1 });
    }
    ordered
}

/// `x IN (a, b)` as comparisons.
fn code_in_list_compare(
    c: &mut Compiler<'_>,
    expr: ExprId,
    left: Reg,
    affinity: u8,
    if_false: Addr,
    if_null: Addr,
) -> CompileResult<()> {
    let ExprKind::In { operand, source: InSource::List(ref list), .. } = c.bound[expr].kind else {
        return Ok(());
    };
    let list = list.clone();
    let collation = c.link_expr_collation(operand)?;
    let found = c.label();
    let null_matters = !same_label(if_false, if_null);
    let any_null = if null_matters {
        let reg = c.builder.temp_reg();
        c.emit(Op::BitAnd { left, right: left, out: reg });
        reg
    } else {
        Reg(0)
    };
    for (at, &item) in list.iter().enumerate() {
        let value = code_temp(c, item)?;
        if any_null.is_some() && c.bound.can_be_null(item) {
            c.emit(Op::BitAnd { left: value.reg, right: any_null, out: any_null });
        }
        release(c, value);
        let same = value.reg == left;
        if at + 1 < list.len() || null_matters {
            if same {
                c.emit(Op::NotNull { value: left, to: found });
            } else {
                let flags = CompareFlags { affinity, jump_if_null: false, null_eq: false };
                super::emit_compare(c, BinaryOp::Eq, value.reg, left, found, flags, collation);
            }
        } else if same {
            c.emit(Op::IsNull { value: left, to: if_false });
        } else {
            let flags = CompareFlags { affinity, jump_if_null: true, null_eq: false };
            super::emit_compare(c, BinaryOp::Ne, value.reg, left, if_false, flags, collation);
        }
    }
    if any_null.is_some() {
        c.emit(Op::IsNull { value: any_null, to: if_null });
        c.goto(if_false);
    }
    c.bind(found);
    c.builder.release_temp(any_null);
    Ok(())
}

/// Checks that both sides of an IN have the same number of columns.
pub fn check_in(c: &Compiler<'_>, expr: ExprId) -> CompileResult<()> {
    let ExprKind::In { operand, ref source, .. } = c.bound[expr].kind else { return Ok(()) };
    let size = c.bound.vector_size(operand);
    match source {
        InSource::Select(select) => match c.bound[*select].columns.len() {
            columns if columns == size => Ok(()),
            columns => Err(subselect_error(columns, size)),
        },
        InSource::List(_) if size == 1 => Ok(()),
        InSource::List(_) => Err(vector_error(c, operand)),
    }
}

/// The error of a row value where a scalar belongs.
pub fn vector_error(c: &Compiler<'_>, expr: ExprId) -> Error {
    match c.bound[expr].kind {
        ExprKind::Subquery(select) => subselect_error(c.bound[select].columns.len(), 1),
        _ => Error::message("row value misused"),
    }
}

/// The affinities under which the two sides of an IN are compared.
fn in_affinities(c: &Compiler<'_>, expr: ExprId) -> Vec<u8> {
    let ExprKind::In { operand, ref source, .. } = c.bound[expr].kind else { return Vec::new() };
    (0..c.bound.vector_size(operand))
        .map(|at| {
            let left = c.bound.affinity(c.bound.vector_field(operand, at));
            match source {
                InSource::Select(select) => match c.bound[*select].columns.get(at) {
                    Some(column) => c.bound.compare_affinity(column.expr, left),
                    None => left,
                },
                InSource::List(_) => left,
            }
        })
        .collect()
}

/// Finds or makes something by which the right side of an IN can be searched.
///
/// `map`, if given, receives for each field of the left side its column of the index. With `compare_ok` the answer may be that comparing is
/// better. With `null_matters`, a register that tells whether the right side has a NULL is provided where it can have one.
pub fn find_in_index(
    c: &mut Compiler<'_>,
    expr: ExprId,
    usage: InUse,
    compare_ok: bool,
    null_matters: bool,
    map: Option<&mut Vec<usize>>,
) -> CompileResult<FoundIn> {
    let mut identity = Vec::new();
    let map = map.unwrap_or(&mut identity);
    let select = c.bound.in_select(expr);
    let null_matters = null_matters
        && select.is_none_or(|select| {
            c.bound[select].columns.iter().any(|column| c.bound.can_be_null(column.expr))
        });
    if let Some((table, columns)) = in_table(c, expr)
        && let Some(found) = find_table_index(c, expr, &table, &columns, usage, null_matters, map)?
    {
        return Ok(found);
    }
    for (at, place) in map.iter_mut().enumerate() {
        *place = at;
    }
    if compare_ok && let ExprKind::In { source: InSource::List(list), .. } = &c.bound[expr].kind {
        let constant = all_constant(c, list, false);
        if !constant || list.len() <= 2 {
            return Ok(FoundIn { kind: InIndex::None, cursor: Cursor(0), has_null: Reg(0) });
        }
    }
    let cursor = c.cursor();
    let saved = c.codegen.query_loop;
    let mut has_null = Reg(0);
    if usage == InUse::Loop {
        c.codegen.query_loop = 0;
    } else if null_matters {
        has_null = c.reg();
    }
    let bloom_ok =
        usage == InUse::Membership || select.is_some_and(|select| c.codegen.select(select).cloned_in);
    code_in_list(c, expr, cursor, bloom_ok)?;
    if has_null.is_some() {
        set_has_null(c, cursor, has_null, false);
    }
    c.codegen.query_loop = saved;
    Ok(FoundIn { kind: InIndex::Ephemeral, cursor, has_null })
}

/// The table and columns of `IN (SELECT columns FROM table)`, with nothing else in the SELECT.
fn in_table(c: &Compiler<'_>, expr: ExprId) -> Option<(Arc<Table>, Vec<i16>)> {
    let select = c.bound.in_select(expr)?;
    if c.bound.is_correlated(expr) {
        return None;
    }
    let core = &c.bound[select];
    let plain = core.prior.is_none()
        && !core.flags.aggregate
        && !core.flags.has_window
        && core.limit.is_none()
        && core.filter.is_none();
    let [item] = &core.from[..] else { return None };
    let FromSource::Table(table) = &item.source else { return None };
    if !plain || !matches!(table.kind, TableKind::Ordinary) {
        return None;
    }
    let columns: Option<Vec<i16>> =
        core.columns.iter().map(|column| c.bound.column(column.expr).map(|(_, column)| column)).collect();
    Some((Arc::clone(table), columns?))
}

fn find_table_index(
    c: &mut Compiler<'_>,
    expr: ExprId,
    table: &Arc<Table>,
    columns: &[i16],
    usage: InUse,
    null_matters: bool,
    map: &mut Vec<usize>,
) -> CompileResult<Option<FoundIn>> {
    let ExprKind::In { operand, .. } = c.bound[expr].kind else { return Ok(None) };
    c.verify_schema(table.db);
    if let [column] = columns
        && *column < 0
    {
        let once = c.label();
        c.emit(Op::Once { to: once });
        let cursor = c.cursor();
        column::open_read(c, cursor, table, None)?;
        c.explain(|_| {
            format!("USING ROWID SEARCH ON TABLE {} FOR IN-OPERATOR", String::from_utf8_lossy(&table.name))
        });
        c.bind(once);
        map.iter_mut().enumerate().for_each(|(at, place)| *place = at);
        return Ok(Some(FoundIn { kind: InIndex::Rowid, cursor, has_null: Reg(0) }));
    }
    for (at, &column) in columns.iter().enumerate() {
        let index_affinity = table.column_affinity(column);
        let field = c.bound.vector_field(operand, at);
        if !fits_index(c.bound.compare_affinity(field, index_affinity), index_affinity) {
            return Ok(None);
        }
    }
    let mut chosen = None;
    for index in table.indexes.iter().rev() {
        if let Some(places) = match_index(c, expr, operand, index, columns, usage) {
            chosen = Some((Arc::clone(index), places));
            break;
        }
    }
    let Some((index, places)) = chosen else { return Ok(None) };
    let once = c.label();
    c.emit(Op::Once { to: once });
    c.explain(|_| format!("USING INDEX {} FOR IN-OPERATOR", String::from_utf8_lossy(&index.name)));
    let cursor = c.cursor();
    let key = c.index_key(&index)?;
    let tree = c.builder.tree(index.db, index.root.get(), Some(key));
    c.emit(Op::OpenRead { cursor, tree, columns: index.columns.len() as u16, seek_equal: false });
    let descending = index.descending.first().copied().unwrap_or(false);
    let mut has_null = Reg(0);
    if null_matters {
        has_null = c.reg();
        if columns.len() == 1 {
            set_has_null(c, cursor, has_null, descending);
        }
    }
    c.bind(once);
    map.clear();
    map.extend(places);
    let kind = if descending { InIndex::Descending } else { InIndex::Ascending };
    Ok(Some(FoundIn { kind, cursor, has_null }))
}

/// Where an index keeps the columns of the right side, if it can be searched for them.
fn match_index(
    c: &Compiler<'_>,
    expr: ExprId,
    operand: ExprId,
    index: &Index,
    columns: &[i16],
    usage: InUse,
) -> Option<Vec<usize>> {
    let width = columns.len();
    let total = index.columns.len();
    if total < width || index.filter.is_some() || total >= 63 {
        return None;
    }
    if usage == InUse::Loop && (index.key_columns > width || (total > width && !index.unique)) {
        return None;
    }
    let select = c.bound.in_select(expr)?;
    let mut places = Vec::with_capacity(width);
    for (at, &wanted) in columns.iter().enumerate() {
        let field = c.bound.vector_field(operand, at);
        let collation = c.bound.binary_collation(field, Some(c.bound[select].columns[at].expr));
        let place = (0..width).find(|&place| {
            column::index_column(index, place) == wanted
                && collation.is_none_or(|name| name.eq_ignore_ascii_case(index_collation(index, place)))
        })?;
        if places.contains(&place) {
            return None;
        }
        places.push(place);
    }
    Some(places)
}

/// The name of an index column's collation.
pub fn index_collation(index: &Index, at: usize) -> &[u8] {
    index.collations.get(at).and_then(|name| name.as_deref()).unwrap_or(b"BINARY")
}

/// Sets `out` to NULL if the first entry (the last one of a descending index) is NULL.
fn set_has_null(c: &mut Compiler<'_>, cursor: Cursor, out: Reg, descending: bool) {
    c.integer(0, out);
    let done = c.label();
    match descending {
        true => c.emit(Op::Last { cursor, empty: done }),
        false => c.emit(Op::Rewind { cursor, empty: done }),
    };
    c.emit(Op::Column { cursor, column: 0, out, default: ConstId(0), hint: column::HINT_TYPE });
    c.bind(done);
}

/// Fills an ephemeral index with the right side of an IN.
pub fn code_in_list(c: &mut Compiler<'_>, expr: ExprId, cursor: Cursor, bloom_ok: bool) -> CompileResult<()> {
    let ExprKind::In { operand, ref source, .. } = c.bound[expr].kind else { return Ok(()) };
    let source = source.clone();
    let select = match source {
        InSource::Select(select) => Some(select),
        InSource::List(_) => None,
    };
    let mut once = None;
    let mut subroutine = None;
    let mut signature = None;
    if !c.bound.is_correlated(expr) && c.codegen.self_row == SelfRow::None {
        if let Some(select) = select {
            signature = Some((c.bound[select].id, in_affinities(c, expr).into_boxed_slice()));
        }
        if let Some(known) = reusable(c, expr, signature.as_ref()) {
            let past = c.label();
            c.emit(Op::Once { to: past });
            if let Some(select) = select {
                let number = c.bound[select].id;
                c.explain(|_| format!("REUSE LIST SUBQUERY {number}"));
            }
            c.emit(Op::Gosub { ret: known.return_reg, to: known.entry });
            c.emit(Op::OpenDup { cursor, original: known.cursor });
            c.bind(past);
            c.codegen.subroutines.insert(expr, known);
            return Ok(());
        }
        let return_reg = c.reg();
        let begin = c.nulls(return_reg, 1);
        let entry = c.here();
        let to = c.label();
        let at = c.emit(Op::Once { to });
        once = Some((begin, at, to));
        subroutine = Some(Subroutine { entry, return_reg, result: Reg(0), cursor, bloom: Reg(0) });
    }
    let size = c.bound.vector_size(operand);
    let key = c.binary_key(size);
    match source {
        InSource::Select(select) => {
            let bloom = fill_from_select(c, expr, operand, select, cursor, key, once.is_some(), bloom_ok)?;
            if let Some(subroutine) = &mut subroutine {
                subroutine.bloom = bloom;
            }
        }
        InSource::List(list) => {
            if !fill_from_list(c, operand, &list, cursor, key, once.map(|(begin, at, _)| (begin, at)))? {
                once = None;
                subroutine = None;
            }
        }
    }
    let (Some((_, _, past)), Some(subroutine)) = (once, subroutine) else { return Ok(()) };
    c.codegen.subroutines.insert(expr, subroutine);
    if let Some((select_number, affinities)) = signature {
        c.codegen.in_signatures.push(InSignature { select_number, affinities, subroutine });
    }
    c.emit(Op::NullRow { cursor });
    c.bind(past);
    c.emit(Op::Return { ret: subroutine.return_reg, or_fall_through: true });
    c.builder.clear_temps();
    Ok(())
}

/// A list coded before that serves this IN too.
fn reusable(c: &Compiler<'_>, expr: ExprId, signature: Option<&(u32, Box<[u8]>)>) -> Option<Subroutine> {
    if let Some(known) = c.codegen.subroutines.get(&expr) {
        return Some(*known);
    }
    let (number, affinities) = signature?;
    let mut known = c.codegen.in_signatures.iter();
    known
        .find(|known| known.select_number == *number && known.affinities == *affinities)
        .map(|known| known.subroutine)
}

#[allow(clippy::too_many_arguments)]
fn fill_from_select(
    c: &mut Compiler<'_>,
    expr: ExprId,
    operand: ExprId,
    select: SelectId,
    cursor: Cursor,
    mut key: KeyInfo,
    once: bool,
    mut bloom_ok: bool,
) -> CompileResult<Reg> {
    let columns = key.columns.len() as u16;
    for at in 0..key.columns.len() {
        let field = c.bound.vector_field(operand, at);
        let right = c.bound[select].columns[at].expr;
        let name = c.bound.binary_collation(field, Some(right));
        bloom_ok &= is_binary(name);
        key.columns[at].collation = c.find_collation(name)?;
    }
    let key = c.link_key(key);
    c.emit(Op::OpenEphemeral { cursor, columns, key, unordered: false });
    let number = c.bound[select].id;
    c.explain_push(|_| format!("{}LIST SUBQUERY {number}", if once { "" } else { "CORRELATED " }));
    let mut bloom = Reg(0);
    let mut bloom_at = None;
    if once && bloom_ok && c.optimizes(optimizations::BLOOM_FILTER) {
        bloom = c.reg();
        bloom_at = Some(c.emit(Op::Blob0 { size: 10_000, out: bloom }));
    }
    let affinities: Box<[u8]> = in_affinities(c, expr).iter().map(|&letter| letter.max(b'@')).collect();
    let mut destination = Destination::new(DestinationKind::Set { cursor, affinities, bloom });
    c.codegen.select_mut(select).limit = Reg(0);
    let copy = c.copy_select(select);
    select::code(c, copy, &mut destination)?;
    if let DestinationKind::Set { bloom: Reg(0), .. } = destination.kind
        && let Some(at) = bloom_at
    {
        bloom = Reg(0);
        if let Op::Blob0 { size, .. } = c.builder.op_mut(at) {
            *size = 10;
        }
    }
    Ok(bloom)
}

/// Inserts the values of a list. False when one is not constant, so that the list is made anew each time: then `once`, the beginning of a
/// subroutine that runs once, is taken back.
fn fill_from_list(
    c: &mut Compiler<'_>,
    operand: ExprId,
    list: &[ExprId],
    cursor: Cursor,
    mut key: KeyInfo,
    mut once: Option<(Addr, Addr)>,
) -> CompileResult<bool> {
    let affinity = match c.bound.affinity(operand) {
        AFFINITY_NONE => AFFINITY_BLOB,
        AFFINITY_REAL => AFFINITY_NUMERIC,
        letter => letter,
    };
    key.columns[0].collation = c.find_collation(c.bound.collation(operand))?;
    let key = c.link_key(key);
    c.emit(Op::OpenEphemeral { cursor, columns: 1, key, unordered: false });
    let affinities = c.builder.affinity(&[affinity]);
    let (value, record) = (c.builder.temp_reg(), c.builder.temp_reg());
    for &item in list {
        if let Some((begin, at)) = once
            && !is_constant(c, item)
        {
            c.builder.change_to_noop(begin);
            c.builder.change_to_noop(at);
            once = None;
        }
        code(c, item, value)?;
        c.emit(Op::MakeRecord { first: value, count: 1, out: record, affinities });
        c.emit(Op::IdxInsert { cursor, record, first: value, count: 1, flags: WriteFlags::default() });
    }
    c.builder.release_temp(value);
    c.builder.release_temp(record);
    Ok(once.is_some())
}
