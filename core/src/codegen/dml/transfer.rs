//! `INSERT INTO a SELECT * FROM b` where both tables are made alike: records and index entries are copied as they are.
//!
//! Where rows of `b` could collide with rows of `a`, this works only while `a` is empty: the program finds out, and goes on with an ordinary
//! INSERT behind the copy otherwise.

use std::sync::Arc;

use kernite_parser::ast::{self, CoreBody, Distinct, Indexed, ResultColumnKind, SourceKind};
use kernite_vdbe::op::{ConstId, Cursor, HaltCode, OnConflict, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::column;
use super::complete::{halt_rowid, tell_preupdate};
use super::{autoincrement, row};
use crate::bound::Similarity;
use crate::catalog::{Index, IndexColumn, Table, TableKind};
use crate::compile::{AuthAnswer, CompileResult, Compiler, action};

/// Codes the copy if it is possible. Returns whether nothing else has to be coded.
pub fn try_transfer(
    c: &mut Compiler<'_>,
    to: &Arc<Table>,
    select: ast::SelectId,
    conflict: Option<OnConflict>,
) -> CompileResult<bool> {
    let Some(from) = source_table(c, select) else { return Ok(false) };
    if row::is_virtual(to) || row::is_view(to) || !fit(c, to, &from)? || !may_read(c, &from)? {
        return Ok(false);
    }
    let own = to.rowid_alias.map(|_| to.rowid_conflict);
    let conflict = conflict.or(own).unwrap_or(OnConflict::Abort);
    c.verify_schema(from.db);
    let transfer = Transfer { from, to: Arc::clone(to), read: c.cursor(), write: c.cursor(), conflict };
    transfer.code(c)
}

/// The table of a plain `SELECT * FROM table`.
fn source_table(c: &Compiler<'_>, select: ast::SelectId) -> Option<Arc<Table>> {
    let ast = &c.ast;
    let select = &ast[select];
    let [core] = ast.list(select.cores) else { return None };
    let CoreBody::Select(core) = &core.body else { return None };
    let is_plain = select.with.is_none()
        && select.order_by.is_empty()
        && select.limit.is_none()
        && core.distinct != Distinct::Distinct
        && core.filter.is_none()
        && core.group_by.is_empty()
        && core.having.is_none();
    let [only] = ast.list(core.columns) else { return None };
    let [source] = ast.list(core.from) else { return None };
    let SourceKind::Table { schema, name, indexed } = source.kind else { return None };
    if !is_plain || only.kind != ResultColumnKind::Star || c.names.with_in_force().is_some() {
        return None;
    }
    if indexed != Indexed::Any {
        return None;
    }
    let fixed = super::program::fixed_database(c).map(|db| c.database_name(db).to_vec());
    let database = schema.map(|schema| ast.name(schema).to_vec()).or(fixed);
    c.find_table(ast.name(name), database.as_deref())
}

/// Whether the authorizer lets all columns be read.
fn may_read(c: &mut Compiler<'_>, from: &Table) -> CompileResult<bool> {
    if c.authorizer.is_none() || c.nested > 0 {
        return Ok(true);
    }
    if c.ask(action::SELECT, None, None, None) != AuthAnswer::Allow {
        return Ok(false);
    }
    for column in &from.columns {
        if !c.authorize_read(&from.name, &column.name, from.db)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether rows of `from` are rows of `to` as they are.
fn fit(c: &mut Compiler<'_>, to: &Arc<Table>, from: &Arc<Table>) -> CompileResult<bool> {
    let same_tree = to.root == from.root && to.db == from.db;
    if same_tree
        || !matches!(from.kind, TableKind::Ordinary)
        || to.without_rowid != from.without_rowid
        || to.columns.len() != from.columns.len()
        || to.rowid_alias != from.rowid_alias
        || c.options.count_changes
        || (c.options.foreign_keys && !to.foreign_keys.is_empty())
        || (to.strict && !types_fit(to, from))
    {
        return Ok(false);
    }
    for at in 0..to.columns.len() {
        if !column_fits(c, to, from, at)? {
            return Ok(false);
        }
    }
    for index in row::indexes(to) {
        let Some(source) = matching_index(c, to, from, index)? else { return Ok(false) };
        if source.root == index.root && source.db == index.db {
            return Ok(false);
        }
    }
    checks_fit(c, to, from)
}

/// STRICT tables take rows of STRICT tables with the same types.
fn types_fit(to: &Table, from: &Table) -> bool {
    let name = |table: &Table, at: usize| {
        let name = table.columns[at].declared_type.as_deref().unwrap_or_default().to_ascii_uppercase();
        if name == b"INTEGER" { b"INT".to_vec() } else { name }
    };
    from.strict && (0..to.columns.len()).all(|at| name(to, at) == b"ANY" || name(to, at) == name(from, at))
}

fn column_fits(c: &mut Compiler<'_>, to: &Arc<Table>, from: &Arc<Table>, at: usize) -> CompileResult<bool> {
    let (target, source) = (&to.columns[at], &from.columns[at]);
    let collation = |name: &Option<Box<[u8]>>| name.as_deref().unwrap_or(b"BINARY").to_ascii_uppercase();
    if target.affinity != source.affinity
        || collation(&target.collation) != collation(&source.collation)
        || (target.not_null.is_some() && source.not_null.is_none())
    {
        return Ok(false);
    }
    match (target.generated, source.generated) {
        (None, None) => {
            let text = |table: &Table, at: usize| {
                let default = table.columns[at].default?;
                table.ast.sql().get(default.text.0 as usize..default.text.1 as usize).map(<[u8]>::to_vec)
            };
            let has_default = |table: &Table| table.columns[at].default.is_some();
            // Short records lack columns from the second on: those read as their defaults.
            Ok(at == 0 || (has_default(to) == has_default(from) && text(to, at) == text(from, at)))
        }
        (Some(left), Some(right)) if left.stored == right.stored => {
            let left = column::generated_expr(c, to, at)?;
            let right = column::generated_expr(c, from, at)?;
            Ok(c.bound.compare(left, right, None) == Similarity::Same)
        }
        _ => Ok(false),
    }
}

/// The index of `from` that has the same entries as `index` of `to`.
fn matching_index(
    c: &mut Compiler<'_>,
    to: &Arc<Table>,
    from: &Arc<Table>,
    index: &Arc<Index>,
) -> CompileResult<Option<Arc<Index>>> {
    let candidates: Vec<_> = row::indexes(from).cloned().collect();
    for source in candidates {
        if index_fits(c, (to, index), (from, &source))? {
            return Ok(Some(source));
        }
    }
    Ok(None)
}

fn index_fits(
    c: &mut Compiler<'_>,
    (to, target): (&Arc<Table>, &Arc<Index>),
    (from, source): (&Arc<Table>, &Arc<Index>),
) -> CompileResult<bool> {
    let conflict = |index: &Index| index.unique.then_some(index.on_conflict);
    if target.key_columns != source.key_columns
        || target.columns.len() != source.columns.len()
        || conflict(target) != conflict(source)
        || target.filter.is_some() != source.filter.is_some()
    {
        return Ok(false);
    }
    let collation = |index: &Index, at: usize| {
        let name = index.collations.get(at).and_then(|name| name.as_deref());
        name.unwrap_or(b"BINARY").to_ascii_uppercase()
    };
    for at in 0..source.key_columns {
        let same = match (&target.columns[at], &source.columns[at]) {
            (IndexColumn::Expr(_), IndexColumn::Expr(_)) => {
                let left = column::index_expr(c, to, target, at)?;
                let right = column::index_expr(c, from, source, at)?;
                c.bound.compare(left, right, None) == Similarity::Same
            }
            (left, right) => left == right,
        };
        if !same
            || target.descending.get(at) != source.descending.get(at)
            || collation(target, at) != collation(source, at)
        {
            return Ok(false);
        }
    }
    let left = column::index_filter(c, to, target)?;
    let right = column::index_filter(c, from, source)?;
    Ok(match (left, right) {
        (Some(left), Some(right)) => c.bound.compare(left, right, None) == Similarity::Same,
        _ => true,
    })
}

/// CHECK constraints have to be the same; they may look at the rowid only where it is copied.
fn checks_fit(c: &mut Compiler<'_>, to: &Arc<Table>, from: &Arc<Table>) -> CompileResult<bool> {
    if to.checks.is_empty() {
        return Ok(true);
    }
    if to.checks.len() != from.checks.len() {
        return Ok(false);
    }
    for at in 0..to.checks.len() {
        let left = row::check_expr(c, to, at)?;
        let right = row::check_expr(c, from, at)?;
        let looks_at_rowid = to.rowid_alias.is_none()
            && c.bound.any_below(left, &mut |bound, expr| {
                matches!(bound[expr].kind, crate::bound::ExprKind::SelfColumn { column: column::ROWID, .. })
            });
        if looks_at_rowid || c.bound.compare(left, right, None) != Similarity::Same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A copy under way.
struct Transfer {
    from: Arc<Table>,
    to: Arc<Table>,
    read: Cursor,
    write: Cursor,
    conflict: OnConflict,
}

impl Transfer {
    fn code(&self, c: &mut Compiler<'_>) -> CompileResult<bool> {
        let counter = autoincrement::begin(c, &self.to)?;
        let data = c.builder.temp_reg();
        c.nulls(data, 1);
        let rowid = c.builder.temp_reg();
        column::open_write(c, self.write, &self.to, false)?;
        let not_empty = self.needs_empty().then(|| {
            let empty = c.emit(Op::Rewind { cursor: self.write, empty: Addr(0) });
            let jump = c.goto(Addr(0));
            c.jump_here(empty);
            jump
        });
        let mut no_rows = None;
        if row::has_rowid(&self.from) {
            no_rows = Some(self.rows(c, counter, data, rowid)?);
        }
        let indexes: Vec<_> = row::indexes(&self.to).cloned().collect();
        for index in &indexes {
            self.entries(c, index, data)?;
        }
        if let Some(no_rows) = no_rows {
            c.jump_here(no_rows);
        }
        c.builder.release_temp(rowid);
        c.builder.release_temp(data);
        let Some(not_empty) = not_empty else { return Ok(true) };
        autoincrement::store(c)?;
        c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
        c.jump_here(not_empty);
        c.emit(Op::Close { cursor: self.write });
        Ok(false)
    }

    /// Whether the copy is right only while there are no rows yet: rowids could change, uniqueness is not looked at, and a conflict clause
    /// is not obeyed.
    fn needs_empty(&self) -> bool {
        let to = &self.to;
        let rowids_may_change = to.rowid_alias.is_none() && !to.indexes.is_empty();
        let is_unique = to.indexes.iter().any(|index| index.unique);
        rowids_may_change || is_unique || !matches!(self.conflict, OnConflict::Abort | OnConflict::Rollback)
    }

    /// Copies the rows. Returns the jump that is taken when there are none.
    fn rows(&self, c: &mut Compiler<'_>, counter: Reg, data: Reg, rowid: Reg) -> CompileResult<Addr> {
        column::open_read(c, self.read, &self.from, None)?;
        let no_rows = c.emit(Op::Rewind { cursor: self.read, empty: Addr(0) });
        let top;
        if self.to.rowid_alias.is_some() {
            top = c.emit(Op::Rowid { cursor: self.read, out: rowid });
            let fine = c.emit(Op::NotExists { cursor: self.write, key: rowid, miss: Addr(0) });
            halt_rowid(c, &self.to, self.conflict);
            c.jump_here(fine);
            autoincrement::step(c, counter, rowid);
        } else if self.to.indexes.is_empty() {
            top = c.emit(Op::NewRowid { cursor: self.write, out: rowid, previous: Reg(0) });
        } else {
            top = c.emit(Op::Rowid { cursor: self.read, out: rowid });
        }
        c.emit(Op::RowData { cursor: self.read, out: data });
        let flags =
            WriteFlags { count_change: true, last_rowid: true, append: true, ..WriteFlags::default() };
        let table = row::table_link(c, &self.to);
        c.emit(Op::Insert { cursor: self.write, record: data, rowid, table, flags });
        c.emit(Op::Next { cursor: self.read, to: top, counter: 0 });
        c.emit(Op::Close { cursor: self.read });
        c.emit(Op::Close { cursor: self.write });
        Ok(no_rows)
    }

    /// Copies the entries of one index.
    fn entries(&self, c: &mut Compiler<'_>, index: &Arc<Index>, data: Reg) -> CompileResult<()> {
        let Some(source) = matching_index(c, &self.to, &self.from, index)? else { return Ok(()) };
        row::open_index(c, &source, self.read, true, false)?;
        row::open_index(c, index, self.write, false, false)?;
        let done = c.emit(Op::Rewind { cursor: self.read, empty: Addr(0) });
        let top = c.here();
        c.emit(Op::RowData { cursor: self.read, out: data });
        let is_key = row::is_primary_key(&self.to, index);
        if is_key {
            tell_preupdate(c, &self.to, self.write, data);
        }
        let flags = WriteFlags { count_change: is_key, append: true, ..WriteFlags::default() };
        c.emit(Op::IdxInsert { cursor: self.write, record: data, first: Reg(0), count: 0, flags });
        c.emit(Op::Next { cursor: self.read, to: top, counter: 0 });
        c.jump_here(done);
        c.emit(Op::Close { cursor: self.read });
        c.emit(Op::Close { cursor: self.write });
        Ok(())
    }
}
