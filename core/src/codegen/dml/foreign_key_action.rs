//! What a foreign key does to the children of a row that is deleted or whose key changes: CASCADE, SET NULL, SET DEFAULT, RESTRICT.
//!
//! An action is a trigger of the parent table that has no name. Its text is made here, and compiled as that of any other:
//!
//! ```sql
//! CREATE TRIGGER x AFTER DELETE ON "parent" BEGIN DELETE FROM "child" WHERE OLD."id" = "parent_id"; END
//! ```
//!
//! Spec: SQLite Foreign Key Support, section 4.3.

use std::sync::Arc;

use kernite_parser::ast::{DefaultForm, Expr, ForeignKeyAction, Statement};
use kernite_vdbe::op::OnConflict;
use kernite_vdbe::{Addr, Error, Reg};

use super::change::Changes;
use super::foreign_key::{ParentKey, Reference, locate_parent_key, references};
use super::names::{parse, push_quoted};
use super::trigger::{self, Site};
use crate::catalog::{ForeignKey, Table, TableKind, Trigger};
use crate::compile::{CompileResult, Compiler};

/// Runs the actions for a row that is deleted (no `changes`) or changed. `old`: its first register, with the new row behind it.
pub fn run(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    old: Reg,
    changes: Option<&Changes>,
) -> CompileResult<()> {
    if !c.options.foreign_keys || !matches!(table.kind, TableKind::Ordinary) {
        return Ok(());
    }
    for reference in references(c, table) {
        if changes.is_some_and(|changes| !changes.touch_parent(table, reference.key())) {
            continue;
        }
        if let Some(trigger) = action(c, table, &reference, changes.is_some())? {
            let site = Site { table, rows: old, conflict: Some(OnConflict::Abort), ignore: Addr(0) };
            trigger::call(c, &trigger, site)?;
        }
    }
    Ok(())
}

/// Whether a trigger is the SET NULL action of a foreign key.
pub fn is_set_null(
    c: &Compiler<'_>,
    trigger: &Trigger,
    parent: &Arc<Table>,
    child: &Table,
    key: &ForeignKey,
) -> bool {
    let Ok(Some(parent_key)) = locate_parent_key(c, parent, child, key) else { return false };
    [(key.on_delete, false), (key.on_update, true)].into_iter().any(|(action, update)| {
        action == ForeignKeyAction::SetNull
            && *trigger.sql == text(parent, child, key, &parent_key, action, update)[..]
    })
}

/// The trigger of an action; `None` where there is nothing to do.
fn action(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    reference: &Reference,
    update: bool,
) -> CompileResult<Option<Arc<Trigger>>> {
    let key = reference.key();
    let action = if update { key.on_update } else { key.on_delete };
    let deferred_restrict = action == ForeignKeyAction::Restrict && c.options.defer_foreign_keys;
    if action == ForeignKeyAction::NoAction || deferred_restrict {
        return Ok(None);
    }
    let Some(parent_key) = locate_parent_key(c, table, &reference.child, key)? else { return Ok(None) };
    let sql = text(table, &reference.child, key, &parent_key, action, update);
    let parsed = parse(&sql)?;
    let Statement::CreateTrigger(definition) = parsed.statement else {
        return Err(Error::message("a foreign-key action is no trigger"));
    };
    Ok(Some(Arc::new(Trigger {
        name: Box::default(),
        db: table.db,
        table: table.name.clone(),
        table_db: table.db,
        definition,
        sql: sql.into(),
        ast: Arc::from(parsed.ast),
    })))
}

/// The text of an action.
fn text(
    parent: &Table,
    child: &Table,
    key: &ForeignKey,
    parent_key: &ParentKey,
    action: ForeignKeyAction,
    update: bool,
) -> Vec<u8> {
    let mut sql = b"CREATE TRIGGER x AFTER ".to_vec();
    sql.extend_from_slice(if update { b"UPDATE" } else { b"DELETE" });
    sql.extend_from_slice(b" ON ");
    push_quoted(&mut sql, &parent.name);
    let parent_name = |at: usize| -> &[u8] {
        let column = parent_key.column(parent, at).or(parent.rowid_alias);
        column.map_or(b"rowid", |column| &parent.columns[column].name)
    };
    let child_name = |at: usize| -> &[u8] { &child.columns[parent_key.child_columns[at]].name };
    let count = key.columns.len();
    let dotted = |sql: &mut Vec<u8>, row: &[u8], name: &[u8]| {
        sql.extend_from_slice(row);
        sql.push(b'.');
        push_quoted(sql, name);
    };
    if update {
        sql.extend_from_slice(b" WHEN NOT (");
        for at in 0..count {
            sql.extend_from_slice(if at > 0 { b" AND " } else { b"" });
            dotted(&mut sql, b"OLD", parent_name(at));
            sql.extend_from_slice(b" IS ");
            dotted(&mut sql, b"NEW", parent_name(at));
        }
        sql.push(b')');
    }
    sql.extend_from_slice(b" BEGIN ");
    match action {
        ForeignKeyAction::Restrict | ForeignKeyAction::NoAction => {
            sql.extend_from_slice(b"SELECT RAISE(ABORT,'FOREIGN KEY constraint failed') FROM ");
            push_quoted(&mut sql, &child.name);
        }
        ForeignKeyAction::Cascade if !update => {
            sql.extend_from_slice(b"DELETE FROM ");
            push_quoted(&mut sql, &child.name);
        }
        ForeignKeyAction::Cascade | ForeignKeyAction::SetNull | ForeignKeyAction::SetDefault => {
            sql.extend_from_slice(b"UPDATE ");
            push_quoted(&mut sql, &child.name);
            sql.extend_from_slice(b" SET ");
            for at in 0..count {
                sql.extend_from_slice(if at > 0 { b", " } else { b"" });
                push_quoted(&mut sql, child_name(at));
                sql.push(b'=');
                match action {
                    ForeignKeyAction::Cascade => dotted(&mut sql, b"NEW", parent_name(at)),
                    ForeignKeyAction::SetDefault => {
                        push_default(&mut sql, child, parent_key.child_columns[at]);
                    }
                    _ => sql.extend_from_slice(b"NULL"),
                }
            }
        }
    }
    sql.extend_from_slice(b" WHERE ");
    for at in 0..count {
        sql.extend_from_slice(if at > 0 { b" AND " } else { b"" });
        // OLD stands left: its affinity and collation count.
        dotted(&mut sql, b"OLD", parent_name(at));
        sql.push(b'=');
        push_quoted(&mut sql, child_name(at));
    }
    sql.extend_from_slice(b"; END");
    sql
}

/// The default of a column as an expression.
fn push_default(sql: &mut Vec<u8>, table: &Table, at: usize) {
    let column = &table.columns[at];
    let Some(default) = column.default.filter(|_| column.generated.is_none()) else {
        sql.extend_from_slice(b"NULL");
        return;
    };
    if default.form == DefaultForm::Identifier
        && let Expr::Id(name) = table.ast.expr(default.expr)
        && !is_truth(table.ast.name(*name))
    {
        sql.push(b'\'');
        for &byte in table.ast.name(*name) {
            sql.extend_from_slice(if byte == b'\'' { b"''" } else { std::slice::from_ref(&byte) });
        }
        sql.push(b'\'');
        return;
    }
    let (start, end) = default.text;
    sql.push(b'(');
    sql.extend_from_slice(table.ast.sql().get(start as usize..end as usize).unwrap_or(b"NULL"));
    sql.push(b')');
}

/// TRUE or FALSE.
fn is_truth(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"true") || name.eq_ignore_ascii_case(b"false")
}
