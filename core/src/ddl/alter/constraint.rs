//! Constraints: ADD CHECK, DROP CONSTRAINT, SET NOT NULL, DROP NOT NULL.

use std::sync::Arc;

use kernite_parser::ast::{self, ColumnConstraintKind, NameId, Span, TableConstraintKind};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Addr, ConstId, Cursor, HaltCode, OnConflict, Op};

use super::column::{Definitions, definitions};
use super::trial::{Change, Trial};
use super::{authorize, check_alterable, check_ordinary, code_changes, text};
use crate::bound::SelfContext;
use crate::catalog::Table;
use crate::codegen::{column, dml, expr};
use crate::compile::{CompileResult, Compiler, lossy};
use crate::resolve;

/// A constraint in a text, its `CONSTRAINT name` included.
struct Place {
    /// Where the token before it ends.
    start: usize,
    end: usize,
}

/// A part of a definition: where it stands, and what it is.
struct Part<'d> {
    span: Span,
    kind: PartKind<'d>,
}

#[derive(Clone, Copy)]
enum PartKind<'d> {
    Name(&'d [u8]),
    NotNull,
    /// May be dropped by name.
    Droppable,
    Other,
}

fn column_part<'d>(known: &'d Definitions, constraint: &ast::ColumnConstraint) -> Part<'d> {
    let kind = match constraint.kind {
        ColumnConstraintKind::Name(name) => PartKind::Name(known.ast.name(name)),
        ColumnConstraintKind::NotNull(_) => PartKind::NotNull,
        ColumnConstraintKind::Check(_) | ColumnConstraintKind::References(_) => PartKind::Droppable,
        _ => PartKind::Other,
    };
    Part { span: constraint.span, kind }
}

fn table_part<'d>(known: &'d Definitions, constraint: &ast::TableConstraint) -> Part<'d> {
    let kind = match constraint.kind {
        TableConstraintKind::Name(name) => PartKind::Name(known.ast.name(name)),
        TableConstraintKind::Check { .. } | TableConstraintKind::ForeignKey { .. } => PartKind::Droppable,
        _ => PartKind::Other,
    };
    Part { span: constraint.span, kind }
}

/// The end of what stands in front of a column's constraints: its type, else its name.
fn head_end(known: &Definitions, column: &ast::ColumnDef) -> usize {
    let name = known.ast[column.name].source;
    column.type_name.map_or(name, |type_name| type_name.source).range().end.max(name.range().end)
}

/// The parts of the table, in groups: each column, then the constraints of the table. Each group with the end of what stands before it.
fn groups(known: &Definitions) -> Vec<(usize, Vec<Part<'_>>)> {
    let mut groups: Vec<(usize, Vec<Part<'_>>)> = known
        .ast
        .list(known.columns)
        .iter()
        .map(|column| {
            let parts = known.ast.list(column.constraints).iter().map(|part| column_part(known, part));
            (head_end(known, column), parts.collect())
        })
        .collect();
    let parts = known.ast.list(known.constraints).iter().map(|part| table_part(known, part));
    groups.push((known.columns_end, parts.collect()));
    groups
}

/// Finds a constraint by name.
///
/// # Errors
/// `no such constraint: x`, `constraint may not be dropped: x`
fn find_named(known: &Definitions, name: &[u8]) -> CompileResult<Place> {
    for (head, parts) in groups(known) {
        let mut before = head;
        for (at, part) in parts.iter().enumerate() {
            let PartKind::Name(found) = part.kind else {
                before = part.span.range().end;
                continue;
            };
            if !found.eq_ignore_ascii_case(name) {
                before = part.span.range().end;
                continue;
            }
            // A name alone is a constraint too.
            let end = match parts.get(at + 1) {
                Some(Part { kind: PartKind::NotNull | PartKind::Droppable, span }) => span.range().end,
                Some(Part { kind: PartKind::Other, span }) if is_key(&known.ast, *span) => {
                    return Err(Error::message(format!("constraint may not be dropped: {}", lossy(name))));
                }
                _ => part.span.range().end,
            };
            return Ok(Place { start: before, end });
        }
    }
    Err(Error::message(format!("no such constraint: {}", lossy(name))))
}

/// Whether a part is PRIMARY KEY or UNIQUE. DEFAULT, COLLATE and AS are no constraints: a name before one of them stands alone.
fn is_key(ast: &ast::Ast, span: Span) -> bool {
    let text = ast.source(span);
    [&b"primary"[..], b"unique"]
        .iter()
        .any(|word| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))
}

/// Finds NOT NULL of a column.
fn find_not_null(known: &Definitions, column: usize) -> Option<Place> {
    let groups = groups(known);
    let (head, parts) = groups.get(column)?;
    let mut before = *head;
    let mut start = None;
    for part in parts {
        match part.kind {
            PartKind::Name(_) => start = start.or(Some(before)),
            PartKind::NotNull => {
                return Some(Place { start: start.unwrap_or(before), end: part.span.range().end });
            }
            PartKind::Droppable | PartKind::Other => start = None,
        }
        before = part.span.range().end;
    }
    None
}

/// The text without a constraint, and without the comma before it where it had one for itself.
fn without(sql: &[u8], place: &Place) -> Vec<u8> {
    let end = text::skip_spaces(sql, place.end);
    let comma = text::skip_spaces(sql, place.start);
    let is_last = matches!(sql.get(end), Some(b',' | b')'));
    let (start, space): (usize, &[u8]) = match (sql.get(comma), is_last) {
        // The comma goes with it.
        (Some(b','), true) => (comma, b""),
        (Some(b','), false) => (comma + 1, b" "),
        (_, true) => (place.start, b""),
        (_, false) => (place.start, b" "),
    };
    [sql.get(..start).unwrap_or_default(), space, sql.get(end..).unwrap_or_default()].concat()
}

fn check_table(table: &Table) -> CompileResult<()> {
    check_ordinary(table, "edit constraints of")?;
    check_alterable(table)
}

/// Finds a column for ALTER COLUMN.
///
/// # Errors
/// `no such column: x`
fn locate(c: &mut Compiler<'_>, table: &Arc<Table>, name: NameId) -> CompileResult<Option<usize>> {
    let ast = Arc::clone(&c.ast);
    let name = ast.name(name);
    let Some(at) = table.find_column(name) else {
        return Err(Error::message(format!("no such column: {}", lossy(name))));
    };
    let column = table.columns[at].name.clone();
    Ok(authorize(c, table, Some(&column))?.then_some(at))
}

fn code(c: &mut Compiler<'_>, table: &Arc<Table>, sql: Vec<u8>) -> CompileResult<()> {
    const AFTER: &str = "drop constraint";
    let changes = [Change::of_text(table.db, "table", &table.name, sql)];
    Trial::new(c, table.db, &changes, Some(AFTER))?;
    code_changes(c, table.db, &changes, AFTER)
}

/// Codes `DROP CONSTRAINT name`.
pub(super) fn drop_named(c: &mut Compiler<'_>, table: &Arc<Table>, name: NameId) -> CompileResult<()> {
    check_table(table)?;
    if !authorize(c, table, None)? {
        return Ok(());
    }
    let ast = Arc::clone(&c.ast);
    let known = definitions(table)?;
    let place = find_named(&known, ast.name(name))?;
    code(c, table, without(&table.sql, &place))
}

/// Codes `ALTER COLUMN name DROP NOT NULL`.
pub(super) fn drop_not_null(c: &mut Compiler<'_>, table: &Arc<Table>, name: NameId) -> CompileResult<()> {
    check_table(table)?;
    let Some(at) = locate(c, table, name)? else { return Ok(()) };
    let known = definitions(table)?;
    let sql = match find_not_null(&known, at) {
        Some(place) => without(&table.sql, &place),
        None => table.sql.to_vec(),
    };
    code(c, table, sql)
}

/// Codes `ALTER COLUMN name SET NOT NULL`. Rows that have NULL there are an error.
pub(super) fn set_not_null(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    name: NameId,
    constraint: Span,
) -> CompileResult<()> {
    check_table(table)?;
    let Some(at) = locate(c, table, name)? else { return Ok(()) };
    let ast = Arc::clone(&c.ast);
    let mut bare = Table::clone(table);
    let known = definitions(&bare)?;
    if let Some(place) = find_not_null(&known, at) {
        bare.sql = without(&bare.sql, &place).into();
    }
    let known = definitions(&bare)?;
    let column = known.ast.list(known.columns).get(at).map_or(0, |column| column.span.range().end);
    let place = text::skip_spaces(&bare.sql, column);
    let sql = text::insert(&bare.sql, place, &[b" ", ast.source(constraint)].concat());
    check_rows(c, table, |c, cursor, fine| {
        let value = c.reg();
        column::read(c, table, cursor, i16::try_from(at).unwrap_or(i16::MAX), value, column::HINT_NONE)?;
        c.emit(Op::NotNull { value, to: fine });
        Ok(())
    })?;
    code(c, table, sql)
}

/// Codes a look at every row: `constraint failed` where `test` does not jump to the address that it is given.
fn check_rows(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    test: impl FnOnce(&mut Compiler<'_>, Cursor, Addr) -> CompileResult<()>,
) -> CompileResult<()> {
    super::rows::begin_write(c, table.db);
    let cursor = c.cursor();
    column::open_read(c, cursor, table, None)?;
    let end = c.label();
    c.emit(Op::Rewind { cursor, empty: end });
    let top = c.here();
    let fine = c.label();
    test(c, cursor, fine)?;
    c.emit(Op::Halt { code: HaltCode::Constraint, on_conflict: OnConflict::Abort, message: ConstId(0) });
    c.bind(fine);
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(end);
    Ok(())
}

/// Codes `ADD [CONSTRAINT name] CHECK (…)`. Rows for which the condition is false are an error.
pub(super) fn add_check(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    name: Option<NameId>,
    check: &ast::Check,
    constraint: Span,
) -> CompileResult<()> {
    check_table(table)?;
    if !authorize(c, table, None)? {
        return Ok(());
    }
    let ast = Arc::clone(&c.ast);
    let condition = resolve::expr_for_table(c, &ast, check.expr, table, SelfContext::Check)?;
    let known = definitions(table)?;
    if let Some(name) = name.map(|name| ast.name(name)) {
        let is_it =
            |part: &Part<'_>| matches!(part.kind, PartKind::Name(known) if known.eq_ignore_ascii_case(name));
        if groups(&known).iter().any(|(_, parts)| parts.iter().any(is_it)) {
            return Err(Error::message(format!("constraint {} already exists", lossy(name))));
        }
    }
    let constraints = known.ast.list(known.constraints);
    let last = constraints.last().map_or(known.columns_end, |last| last.span.range().end);
    let place = text::skip_spaces(&table.sql, last);
    let sql = text::insert(&table.sql, place, &[b", ", ast.source(constraint)].concat());
    check_rows(c, table, |c, cursor, fine| {
        dml::with_cursor(c, cursor, |c| expr::jump_if_true(c, condition, fine, true))
    })?;
    code(c, table, sql)
}
