//! `foreign_key_check`: rows of child tables whose parents are missing.
//!
//! Spec: "PRAGMA foreign_key_check".

use std::sync::Arc;

use kernite_vdbe::op::{Addr, Cursor, Db, Op, Reg};

use super::Request;
use super::listing::{Cell, load};
use crate::catalog::{ForeignKey, IndexColumn, Table, TableKind};
use crate::codegen::{column, dml};
use crate::compile::{CompileResult, Compiler};

/// The parent of a key, as far as there is one.
struct Parent {
    table: Arc<Table>,
    key: dml::ParentKey,
    cursor: Cursor,
}

/// Codes the check of one table, or of all tables of a database (the newest first).
pub(super) fn code(c: &mut Compiler<'_>, request: &Request<'_>) -> CompileResult<()> {
    let tables = match request.value {
        Some(name) => {
            let database = request.qualified.then(|| c.database_name(request.db).to_vec());
            vec![c.locate_table(name, database.as_deref(), false)?]
        }
        None => {
            let schema = c.catalog.database(request.db).cloned();
            schema.map_or_else(Vec::new, |schema| schema.listed().into_iter().cloned().collect())
        }
    };
    let result = c.builder.alloc_regs(4);
    for table in tables {
        if matches!(table.kind, TableKind::Ordinary) && !table.foreign_keys.is_empty() {
            check_table(c, &table, result)?;
        }
    }
    Ok(())
}

fn check_table(c: &mut Compiler<'_>, table: &Arc<Table>, result: Reg) -> CompileResult<()> {
    c.verify_schema(table.db);
    let data = c.cursor();
    column::open_read(c, data, table, None)?;
    load(c, result, &[Cell::Text(&table.name)]);
    let mut parents = Vec::new();
    for key in table.foreign_keys.iter().rev() {
        parents.push(open_parent(c, table, key, table.db)?);
    }
    let widest = table.foreign_keys.iter().map(|key| key.columns.len()).max().unwrap_or(0);
    let row = c.builder.alloc_regs(widest as u32 + 1);
    let end = c.label();
    c.emit(Op::Rewind { cursor: data, empty: end });
    let top = c.here();
    for (at, (key, parent)) in table.foreign_keys.iter().rev().zip(&parents).enumerate() {
        let fine = c.label();
        look_for_parent(c, table, key, parent.as_ref(), data, row, fine)?;
        if table.has_rowid() {
            c.emit(Op::Rowid { cursor: data, out: result.plus(1) });
        } else {
            c.nulls(result.plus(1), 1);
        }
        load(c, result.plus(2), &[Cell::Text(&key.parent), Cell::Integer(at as i32)]);
        c.emit(Op::ResultRow { first: result, count: 4 });
        c.bind(fine);
    }
    c.emit(Op::Next { cursor: data, to: top, counter: 0 });
    c.bind(end);
    Ok(())
}

fn open_parent(
    c: &mut Compiler<'_>,
    child: &Arc<Table>,
    key: &ForeignKey,
    db: Db,
) -> CompileResult<Option<Parent>> {
    let schema = c.catalog.database(db).cloned();
    let Some(table) = schema.as_ref().and_then(|schema| schema.table(&key.parent)).cloned() else {
        return Ok(None);
    };
    let Some(parent_key) = dml::locate_parent_key(c, &table, child, key)? else { return Ok(None) };
    let cursor = c.cursor();
    match &parent_key.index {
        Some(index) => dml::open_index(c, index, cursor, true, false)?,
        None => column::open_read(c, cursor, &table, None)?,
    }
    Ok(Some(Parent { table, key: parent_key, cursor }))
}

/// Jumps to `fine` where a column of the key is NULL or the parent is there.
fn look_for_parent(
    c: &mut Compiler<'_>,
    child: &Arc<Table>,
    key: &ForeignKey,
    parent: Option<&Parent>,
    data: Cursor,
    row: Reg,
    fine: Addr,
) -> CompileResult<()> {
    let columns: Vec<usize> = match parent {
        Some(parent) if parent.key.index.is_some() => parent.key.child_columns.clone(),
        _ => key.columns.iter().map(|&(column, _)| column).collect(),
    };
    for (at, &column) in columns.iter().enumerate() {
        let out = row.plus(at as u32);
        let number = i16::try_from(column).unwrap_or(i16::MAX);
        column::read(c, child, data, number, out, column::HINT_NONE)?;
        c.emit(Op::IsNull { value: out, to: fine });
    }
    let Some(parent) = parent else { return Ok(()) };
    let count = columns.len() as u32;
    match &parent.key.index {
        Some(index) => {
            let affinities = column::index_affinities(c, &parent.table, index)?;
            debug_assert!(
                !index
                    .columns
                    .iter()
                    .take(columns.len())
                    .any(|column| matches!(column, IndexColumn::Expr(_)))
            );
            let affinities = c.builder.affinity(&affinities[..columns.len()]);
            c.emit(Op::Affinity { first: row, count, affinities });
            c.emit(Op::Found { cursor: parent.cursor, key: row, count: count as u16, to: fine });
        }
        None => {
            let missing = c.label();
            c.emit(Op::SeekRowid { cursor: parent.cursor, key: row, miss: missing });
            c.goto(fine);
            c.bind(missing);
        }
    }
    Ok(())
}
