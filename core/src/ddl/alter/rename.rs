//! RENAME TO and RENAME COLUMN.

use std::sync::Arc;

use kernite_parser::ast::{NameId, Quote, Span};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Addr, AffinityId, CollationId, CompareFlags, ConstId, Db, Op, TableId, WriteFlags};

use super::references::{self, Bodies, Object};
use super::trial::{Change, Trial};
use super::{authorize, check_alterable, check_not_rowid, check_ordinary, code_changes, find_column, text};
use crate::catalog::{Table, TableKind};
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler, lossy};
use crate::resolve::Recording;

/// Codes `RENAME TO name`.
///
/// # Errors
/// `there is already another table or index with this name: x`, `view x may not be altered`; what is wrong with a view or trigger.
pub(super) fn table(c: &mut Compiler<'_>, table: &Arc<Table>, name: NameId) -> CompileResult<()> {
    let new: Box<[u8]> = c.ast.name(name).into();
    let db = table.db;
    let database = c.database_name(db).to_vec();
    if c.find_table(&new, Some(&database)).is_some() || c.find_index(&new, Some(&database)).is_some() {
        let name = lossy(&new);
        return Err(Error::message(format!(
            "there is already another table or index with this name: {name}"
        )));
    }
    check_alterable(table)?;
    super::super::name::check(c, &new)?;
    match table.kind {
        TableKind::View { .. } => {
            return Err(Error::message(format!("view {} may not be altered", lossy(&table.name))));
        }
        TableKind::Virtual { .. } | TableKind::Ordinary => {}
    }
    if !authorize(c, table, None)? {
        return Ok(());
    }
    if table.instance().is_some() {
        let vtab = c.builder.vtab(db, &lossy(&table.name));
        let (value, out) = (super::super::text(c, &new), c.reg());
        c.emit(Op::Const { value, out });
        c.emit(Op::VRename { vtab, name: out });
    }
    let before = Trial::new(c, db, &[], None)?;
    let bodies = if c.options.legacy_alter_table { Bodies::Skipped } else { Bodies::Resolved };
    let mut changes = edit(c, &before, bodies, |object, found| {
        let spans = table_names(c, table, object, found);
        (!spans.is_empty()).then(|| text::replace_names(object.sql, &spans, &new, true))
    })?;
    rename_rows(&before, table, &new, &mut changes);
    Trial::new(c, db, &changes, Some("rename"))?.check(c, "after rename", true)?;
    code_changes(c, db, &changes, "rename")?;
    rename_sequence(c, table, &new)
}

/// The tokens that name the table in an object's text.
fn table_names(c: &Compiler<'_>, table: &Table, object: &Object<'_>, found: &Recording) -> Vec<Span> {
    let is_it = |known: &Arc<Table>| known.db == table.db && known.name.eq_ignore_ascii_case(&table.name);
    // Old ALTER TABLE leaves references alone, but for those of foreign keys that are enforced. The first name is the object's own table.
    let is_own_only = c.options.legacy_alter_table && !(object.kind == "table" && c.options.foreign_keys);
    let names = found.tables.iter().take(if is_own_only { 1 } else { usize::MAX });
    names.filter(|(_, known)| is_it(known)).map(|(span, _)| *span).collect()
}

/// The names in the rows of the table, its indexes and triggers.
fn rename_rows(trial: &Trial, table: &Table, new: &[u8], changes: &mut Vec<Change>) {
    const AUTOMATIC: &[u8] = b"sqlite_autoindex_";
    for (db, row) in &trial.rows {
        let (Some(kind), Some(name)) = (row.kind.as_deref(), row.name.as_deref()) else { continue };
        let is_on_it = row.table.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&table.name));
        let is_temp_trigger = *db != table.db && kind == b"trigger" && is_trigger_of(trial, name, table);
        if !is_on_it || kind == b"view" || (*db != table.db && !is_temp_trigger) {
            continue;
        }
        let new_name = match kind {
            b"table" => Some(new.to_vec()),
            b"index"
                if name.len() > AUTOMATIC.len()
                    && name[..AUTOMATIC.len()].eq_ignore_ascii_case(AUTOMATIC) =>
            {
                let number = name.get(AUTOMATIC.len() + table.name.len()..).unwrap_or_default();
                Some([AUTOMATIC, new, number].concat())
            }
            _ => None,
        };
        let new_table = Some(new.to_vec());
        let known = changes
            .iter_mut()
            .find(|change| change.db == *db && change.kind.as_bytes() == kind && *change.name == *name);
        match known {
            Some(change) => (change.new_name, change.new_table) = (new_name, new_table),
            None => changes.push(Change {
                db: *db,
                kind: lossy(kind).into_owned(),
                name: name.into(),
                new_name,
                new_table,
                sql: None,
            }),
        }
    }
}

/// Whether a trigger of temp is on the table.
fn is_trigger_of(trial: &Trial, name: &[u8], table: &Table) -> bool {
    let temp = trial.catalog().database(Db(1));
    let trigger = temp.and_then(|schema| schema.trigger(name));
    trigger.is_some_and(|trigger| trigger.table_db == table.db)
}

/// Gives the table's row in `sqlite_sequence` the new name.
fn rename_sequence(c: &mut Compiler<'_>, table: &Table, new: &[u8]) -> CompileResult<()> {
    let schema = c.catalog.database(table.db).cloned();
    let Some(sequence) = schema.as_ref().and_then(|schema| schema.table(b"sqlite_sequence")) else {
        return Ok(());
    };
    let cursor = c.cursor();
    column::open_write(c, cursor, sequence, false)?;
    let first = c.builder.alloc_regs(2);
    let (known, record, rowid) = (c.reg(), c.reg(), c.reg());
    let old = crate::ddl::text(c, &table.name);
    c.emit(Op::Const { value: old, out: known });
    let end = c.label();
    c.emit(Op::Rewind { cursor, empty: end });
    let top = c.here();
    let other = c.label();
    c.emit(Op::Column { cursor, column: 0, out: first, default: ConstId(0), hint: column::HINT_NONE });
    let flags = CompareFlags { affinity: 0, jump_if_null: true, null_eq: false };
    c.emit(Op::Ne { left: first, right: known, to: other, flags, collation: CollationId(0) });
    let name = crate::ddl::text(c, new);
    c.emit(Op::Const { value: name, out: first });
    c.emit(Op::Column {
        cursor,
        column: 1,
        out: first.plus(1),
        default: ConstId(0),
        hint: column::HINT_NONE,
    });
    c.emit(Op::MakeRecord { first, count: 2, out: record, affinities: AffinityId(0) });
    c.emit(Op::Rowid { cursor, out: rowid });
    let flags = WriteFlags { save_position: true, ..WriteFlags::default() };
    c.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags });
    c.bind(other);
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(end);
    debug_assert_ne!(top, Addr(0));
    Ok(())
}

/// Codes `RENAME COLUMN from TO to`.
///
/// # Errors
/// `no such column: "x"`, `cannot rename columns of view "x"`; what is wrong with a view, trigger or index, before or afterwards.
pub(super) fn column(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    from: NameId,
    to: NameId,
) -> CompileResult<()> {
    check_alterable(table)?;
    check_ordinary(table, "rename columns of")?;
    if !authorize(c, table, None)? {
        return Ok(());
    }
    let at = find_column(c, table, from)?;
    let ast = Arc::clone(&c.ast);
    let (old, new) = (ast.name(from), ast.name(to));
    check_not_rowid(table, old, "rename from")?;
    check_not_rowid(table, new, "rename to")?;
    let is_quoted = ast[to].quote != Quote::None;
    let number = if table.rowid_alias == Some(at) { -1 } else { i16::try_from(at).unwrap_or(-2) };
    let fixed = fix_quotes(c, table.db)?;
    let trial = Trial::new(c, table.db, &fixed, None)?;
    let is_rowid_word = |token: &[u8]| !token_is(token, old);
    let changes = edit(c, &trial, Bodies::Resolved, |object, found| {
        let is_it = |known: &Arc<Table>| known.db == table.db && known.name.eq_ignore_ascii_case(&table.name);
        let spans: Vec<Span> = found
            .columns
            .iter()
            .filter(|(span, known, column)| {
                *column == number && is_it(known) && !object.sql.get(span.range()).is_none_or(is_rowid_word)
            })
            .map(|(span, ..)| *span)
            .collect();
        (!spans.is_empty()).then(|| text::replace_names(object.sql, &spans, new, is_quoted))
    })?;
    let changes = merge(fixed, changes);
    Trial::new(c, table.db, &changes, Some("rename"))?.check(c, "after rename", false)?;
    code_changes(c, table.db, &changes, "rename")
}

/// Whether a token is this name: the alias of the rowid may stand there under another one.
fn token_is(token: &[u8], name: &[u8]) -> bool {
    let value: Vec<u8> = match token {
        [b'[', inner @ .., b']'] => inner.to_vec(),
        [quote @ (b'"' | b'`' | b'\''), inner @ .., _] => {
            let mut value = Vec::new();
            let mut bytes = inner.iter().copied().peekable();
            while let Some(byte) = bytes.next() {
                if byte == *quote {
                    bytes.next_if_eq(quote);
                }
                value.push(byte);
            }
            value
        }
        bare => bare.to_vec(),
    };
    value.eq_ignore_ascii_case(name)
}

/// The texts in which strings stand in double quotes, with single ones: a column could get such a name.
pub(super) fn fix_quotes(c: &Compiler<'_>, db: Db) -> CompileResult<Vec<Change>> {
    let trial = Trial::new(c, db, &[], None)?;
    trial.check(c, "", true)?;
    edit(c, &trial, Bodies::Resolved, |object, found| {
        (!found.strings.is_empty()).then(|| text::requote_strings(object.sql, &found.strings))
    })
}

/// Changes of which the later ones win.
pub(super) fn merge(mut first: Vec<Change>, then: Vec<Change>) -> Vec<Change> {
    first.retain(|old| {
        !then.iter().any(|new| new.db == old.db && new.kind == old.kind && new.name == old.name)
    });
    first.extend(then);
    first
}

/// Edits every text of a schema.
///
/// # Errors
/// `error in view x: …`, unless `writable_schema` is on: then such texts stay as they are.
fn edit(
    c: &Compiler<'_>,
    trial: &Trial,
    bodies: Bodies,
    new_text: impl Fn(&Object<'_>, &Recording) -> Option<Vec<u8>>,
) -> CompileResult<Vec<Change>> {
    let mut changes = Vec::new();
    for object in trial.objects() {
        let found = match references::find(c, trial, &object, c.options, bodies) {
            Ok(found) => found,
            Err(_) if c.options.can_write_schema() => continue,
            Err(error) => return Err(object.error("", &error)),
        };
        if let Some(sql) = new_text(&object, &found) {
            changes.push(Change::of_text(object.db, object.kind, object.name, sql));
        }
    }
    Ok(changes)
}
