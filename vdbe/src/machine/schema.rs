//! Header fields, trees and the catalogue: the instructions of DDL and of pragmas.
//!
//! Never: SQL text; the host reads the schema.

use kernite_btree::{AutoVacuum, CheckpointMode, Meta, PageNo, TreeKind};
use kernite_io::ready;

use crate::host::{HostCall, SchemaOp};
use crate::op::{ConstId, Db, IntsId, Reg, TreeId};
use crate::register::Tag;
use crate::{Error, Step};

use super::slot::{btree, corrupt, wrong_kind};
use super::{Context, at};

/// A header field by SQLite's number. 15 is `data_version`, which is not stored.
fn meta(field: u8) -> Result<Meta, Error> {
    Ok(match field {
        0 => Meta::FreePageCount,
        1 => Meta::SchemaVersion,
        2 => Meta::FileFormat,
        3 => Meta::DefaultCacheSize,
        4 => Meta::LargestRootPage,
        5 => Meta::TextEncoding,
        6 => Meta::UserVersion,
        7 => Meta::IncrementalVacuum,
        8 => Meta::ApplicationId,
        _ => return Err(Error::Program { at: 0, what: "header field" }),
    })
}

/// The number of `data_version` among the header fields.
const DATA_VERSION: u8 = 15;

/// `out` = a header field.
pub(super) fn read_cookie(cx: &mut Context<'_>, db: Db, out: Reg, field: u8) -> Step<()> {
    let btree = btree(cx.storage, db.0)?;
    let value =
        if field == DATA_VERSION { ready!(btree.data_version()) } else { ready!(btree.meta(meta(field)?)) };
    // SQLite reads them as signed.
    cx.registers[at(out)].set_integer(i64::from(value as i32));
    Ok(Some(()))
}

/// Sets a header field.
pub(super) fn set_cookie(cx: &mut Context<'_>, db: Db, field: u8, value: u32) -> Step<()> {
    let field = meta(field)?;
    if !(kernite_io::planted!(SchemaCookieKept) && field == Meta::SchemaVersion) {
        ready!(btree(cx.storage, db.0)?.set_meta(field, value));
    }
    if field == Meta::SchemaVersion {
        cx.host.schema_changed(db, value);
    }
    if db.0 == 1 {
        // The temporary database's schema is not checked by its cookie.
        cx.host.expire_statements(false);
    }
    Ok(Some(()))
}

/// Makes a tree; `out` = its root page.
pub(super) fn create_btree(cx: &mut Context<'_>, db: Db, out: Reg, table: bool) -> Step<()> {
    let kind = if table { TreeKind::Table } else { TreeKind::Index };
    let root = ready!(btree(cx.storage, db.0)?.create_tree(kind));
    cx.registers[at(out)].set_integer(i64::from(root.get()));
    Ok(Some(()))
}

fn page(root: u32) -> Result<PageNo, Error> {
    PageNo::new(root).ok_or_else(corrupt)
}

/// Deletes all entries of a tree.
pub(super) fn clear(cx: &mut Context<'_>, tree: TreeId, count: Reg, count_change: bool) -> Step<()> {
    let link = cx.program.links.tree(tree).ok_or_else(wrong_kind)?;
    let deleted = ready!(btree(cx.storage, link.db.0)?.clear_tree(page(link.root)?)) as i64;
    if count_change && !kernite_io::planted!(ClearNotCounted) {
        cx.run.changes += deleted;
    }
    if count.is_some() {
        let register = &mut cx.registers[at(count)];
        let sum = register.number.wrapping_add(deleted);
        register.set_integer(sum);
    }
    Ok(Some(()))
}

/// Frees a tree; `moved` = old root of the tree that took its place, or 0.
pub(super) fn destroy(cx: &mut Context<'_>, db: Db, tree: TreeId, moved: Reg) -> Step<()> {
    let state = cx.host.state();
    if state.readers > state.destroying + 1 {
        return Err(Error::with_code(6, "database table is locked"));
    }
    let root = cx.program.links.tree(tree).ok_or_else(wrong_kind)?.root;
    let from = ready!(btree(cx.storage, db.0)?.drop_tree(page(root)?)).map_or(0, |page| page.get());
    cx.registers[at(moved)].set_integer(i64::from(from));
    if from != 0 {
        ready!(cx.host.schema_op(cx.storage, SchemaOp::RootMoved { db, from, to: root }));
    }
    Ok(Some(()))
}

/// The operations on the catalogue.
pub(super) fn schema_op(cx: &mut Context<'_>, op: SchemaOp<'_>) -> Step<()> {
    cx.host.schema_op(cx.storage, op)
}

/// A constant's bytes.
pub(super) fn text<'a>(cx: &Context<'a>, id: ConstId) -> Result<&'a [u8], Error> {
    let program = cx.program;
    program.text(id).ok_or(Error::Program { at: 0, what: "constant" })
}

/// Work done by the layer above; `out` may be one of the arguments.
pub(super) fn call(
    cx: &mut Context<'_>,
    call: HostCall<'_>,
    db: Db,
    first: Reg,
    count: usize,
    out: Reg,
) -> Step<()> {
    let mut result = std::mem::take(&mut cx.run.result);
    let arguments = &cx.registers[at(first)..at(first) + count];
    let outcome = cx.host.call(cx.storage, call, db, arguments, &mut result);
    if out.is_some() && matches!(outcome, Ok(Some(()))) {
        std::mem::swap(&mut cx.registers[at(out)], &mut result);
    }
    cx.run.result = result;
    outcome
}

/// ATTACH takes its arguments from three places.
pub(super) fn attach(cx: &mut Context<'_>, path: Reg, name: Reg, key: Reg) -> Step<()> {
    let mut arguments = super::nulls(3);
    for (argument, reg) in arguments.iter_mut().zip([path, name, key]) {
        argument.copy_from(&cx.registers[at(reg)]);
    }
    let mut result = std::mem::take(&mut cx.run.result);
    let outcome = cx.host.call(cx.storage, HostCall::Attach, Db(0), &arguments, &mut result);
    cx.run.result = result;
    outcome
}

/// `wal_checkpoint`: busy, frames in the log, frames copied, in three registers.
pub(super) fn checkpoint(cx: &mut Context<'_>, db: Db, mode: u8, out: Reg) -> Step<()> {
    let mode = match mode {
        0 => CheckpointMode::Passive,
        1 => CheckpointMode::Full,
        2 => CheckpointMode::Restart,
        3 => CheckpointMode::Truncate,
        _ => return Err(Error::Program { at: 0, what: "checkpoint mode" }),
    };
    let outcome = ready!(btree(cx.storage, db.0)?.checkpoint(mode));
    let values = [i64::from(outcome.busy), outcome.log_frames, outcome.checkpointed_frames];
    for (step, value) in values.into_iter().enumerate() {
        let register = cx.registers.get_mut(at(out) + step);
        register.ok_or(Error::Program { at: 0, what: "register" })?.set_integer(value);
    }
    Ok(Some(()))
}

/// Gives one free page back; `false` when there is none.
pub(super) fn incremental_vacuum(cx: &mut Context<'_>, db: Db) -> Step<bool> {
    let btree = btree(cx.storage, db.0)?;
    if ready!(btree.auto_vacuum()) == AutoVacuum::None || ready!(btree.meta(Meta::FreePageCount)) == 0 {
        return Ok(Some(false));
    }
    ready!(btree.incremental_vacuum(Some(1)));
    Ok(Some(true))
}

/// Checks trees; messages into `out` (NULL: none), numbers of entries into registers from `counts` on.
pub(super) fn integrity_check(
    cx: &mut Context<'_>,
    db: Db,
    roots: IntsId,
    errors_left: Reg,
    out: Reg,
    counts: Reg,
) -> Step<()> {
    let program = cx.program;
    let roots = program.ints(roots);
    let left = cx.registers[at(errors_left)].number.max(0);
    let partial = roots.first() == Some(&0);
    // The register counts down to the last message allowed.
    let report = ready!(btree(cx.storage, db.0)?.integrity_check(roots, partial, left as usize + 1));
    if counts.is_some() {
        for (step, &count) in report.entry_counts.iter().enumerate() {
            let register = cx.registers.get_mut(at(counts) + step);
            register.ok_or(Error::Program { at: 0, what: "register" })?.set_integer(count as i64);
        }
    }
    if report.messages.is_empty() {
        cx.registers[at(out)].set_null();
        return Ok(Some(()));
    }
    cx.registers[at(errors_left)].set_integer(left - (report.messages.len() as i64 - 1));
    let text = report.messages.join("\n");
    crate::function::call::set_text(&mut cx.registers[at(out)], text.as_bytes(), program.encoding);
    debug_assert_eq!(cx.registers[at(out)].tag, Tag::Text);
    Ok(Some(()))
}
