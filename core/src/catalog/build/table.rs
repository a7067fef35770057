//! CREATE TABLE.

use std::sync::Arc;

use kernite_parser::ast::{self, ColumnConstraintKind, DefaultForm, Expr, TableBody, TableConstraintKind};
use kernite_vdbe::Error;
use kernite_vdbe::op::OnConflict;

use super::index::{self, Key, KeyTerm};
use super::{Source, column, on_conflict};
use crate::bound::AFFINITY_BLOB;
use crate::catalog::{Check, DefaultValue, ForeignKey, Generated, IndexOrigin, Table, TableKind};
use crate::compile::{CompileResult, lossy};
use crate::plan::log_est;

/// LogEst of the rows that a table is taken to have without statistics: 1048576.
pub(crate) const DEFAULT_ROW_ESTIMATE: i16 = 200;

/// What is known while the columns and constraints are read.
struct Building<'s> {
    source: Source<'s>,
    table: Table,
    has_primary_key: bool,
    /// DESC of the INTEGER PRIMARY KEY, for when the table turns out to have no rowid.
    rowid_descending: bool,
}

/// Makes a table of a CREATE TABLE with columns (not AS SELECT). Its root pages are for the caller to fill in.
///
/// # Errors
/// SQLite's, in the order in which it finds them; for a partial statement those of the parts that are there.
pub fn table(source: Source<'_>, create: &ast::CreateTable, is_partial: bool) -> CompileResult<Table> {
    let ast = source.ast;
    let mut building = Building {
        source,
        table: empty(&source, ast.name(create.name.name)),
        has_primary_key: false,
        rowid_descending: false,
    };
    let TableBody::Columns { columns, constraints, options, .. } = create.body else {
        return Ok(building.table);
    };
    for column in ast.list(columns) {
        building.add_column(column)?;
    }
    for constraint in ast.list(constraints) {
        building.add_constraint(constraint)?;
    }
    if is_partial {
        return Ok(building.table);
    }
    building.finish(options)
}

/// A table without columns.
pub(super) fn empty(source: &Source<'_>, name: &[u8]) -> Table {
    Table {
        name: name.into(),
        db: source.db,
        kind: TableKind::Ordinary,
        root: None,
        columns: Vec::new(),
        rowid_alias: None,
        rowid_conflict: OnConflict::Abort,
        without_rowid: false,
        autoincrement: false,
        strict: false,
        system: false,
        has_generated: false,
        indexes: Vec::new(),
        triggers: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        row_estimate: DEFAULT_ROW_ESTIMATE,
        row_size_estimate: 0,
        has_statistics: false,
        order: 0,
        sql: Arc::clone(source.sql),
        ast: Arc::clone(source.ast),
    }
}

impl Building<'_> {
    fn add_column(&mut self, definition: &ast::ColumnDef) -> CompileResult<()> {
        let table = &mut self.table;
        if table.columns.len() >= self.source.column_max {
            return Err(Error::message(format!("too many columns on {}", lossy(&table.name))));
        }
        let column = column::new(&self.source, definition);
        if table.find_column(&column.name).is_some() {
            return Err(Error::message(format!("duplicate column name: {}", lossy(&column.name))));
        }
        table.columns.push(column);
        for constraint in self.source.ast.list(definition.constraints) {
            self.add_column_constraint(constraint)?;
        }
        Ok(())
    }

    fn add_column_constraint(&mut self, constraint: &ast::ColumnConstraint) -> CompileResult<()> {
        let ast = Arc::clone(self.source.ast);
        let last = self.table.columns.len() - 1;
        match constraint.kind {
            ColumnConstraintKind::Name(_) | ColumnConstraintKind::Null(_) => {}
            ColumnConstraintKind::NotNull(conflict) => {
                self.table.columns[last].not_null = Some(on_conflict(conflict));
                if self.table.columns[last].flags.unique {
                    for index in &mut self.table.indexes {
                        index::note_not_null(Arc::make_mut(index), last);
                    }
                }
            }
            ColumnConstraintKind::PrimaryKey { order, conflict, autoincrement } => {
                let descending = order == Some(ast::SortOrder::Desc);
                let key = KeyTerm { column: last, collation: None, descending };
                self.add_primary_key(&[Ok(key)], true, conflict, autoincrement)?;
            }
            ColumnConstraintKind::Unique(conflict) => {
                self.table.columns[last].flags.unique = true;
                let key = KeyTerm { column: last, collation: None, descending: false };
                self.add_key(&[key], IndexOrigin::Unique, conflict)?;
            }
            ColumnConstraintKind::Check(check) => self.add_check(constraint.name, check),
            ColumnConstraintKind::Default { value, form, text } => self.add_default(value, form, text)?,
            ColumnConstraintKind::References(key) => self.add_foreign_key(&key, Some(last))?,
            ColumnConstraintKind::Deferrable(deferred) => {
                if let Some(key) = self.table.foreign_keys.last_mut() {
                    key.deferred = deferred;
                }
            }
            ColumnConstraintKind::Collate(name) => {
                let name = ast.name(name);
                self.source.check_collation(name)?;
                self.table.columns[last].collation = Some(name.into());
                for index in &mut self.table.indexes {
                    index::note_collation(Arc::make_mut(index), last, name);
                }
            }
            ColumnConstraintKind::Generated { expr, kind } => self.add_generated(expr, kind)?,
        }
        Ok(())
    }

    fn add_default(&mut self, value: ast::ExprId, form: DefaultForm, text: ast::Span) -> CompileResult<()> {
        let Some(column) = self.table.columns.last_mut() else { return Ok(()) };
        let ast = self.source.ast;
        // A bare name is the string of its letters.
        let is_constant =
            form == DefaultForm::Identifier || column::is_default(ast, value, self.source.loading);
        if !is_constant {
            return Err(Error::message(format!(
                "default value of column [{}] is not constant",
                lossy(&column.name)
            )));
        }
        if column.generated.is_some() {
            return Err(Error::message("cannot use DEFAULT on a generated column"));
        }
        column.default = Some(DefaultValue { expr: value, text: (text.start, text.end), form });
        Ok(())
    }

    fn add_generated(&mut self, expr: ast::ExprId, kind: Option<ast::NameId>) -> CompileResult<()> {
        let Some(column) = self.table.columns.last_mut() else { return Ok(()) };
        // The word as typed: a quoted one is none of the two.
        let kind = kind.map(|kind| self.source.ast.source(self.source.ast[kind].source));
        let stored = match kind {
            None => Some(false),
            Some(kind) if kind.eq_ignore_ascii_case(b"virtual") => Some(false),
            Some(kind) if kind.eq_ignore_ascii_case(b"stored") => Some(true),
            Some(_) => None,
        };
        let (Some(stored), None) = (stored, column.default) else {
            return Err(Error::message(format!("error in generated column \"{}\"", lossy(&column.name))));
        };
        column.generated = Some(Generated { expr, stored });
        self.table.has_generated = true;
        if column.flags.primary_key {
            return Err(generated_in_key());
        }
        Ok(())
    }

    fn add_check(&mut self, name: Option<ast::NameId>, check: ast::Check) {
        let ast = self.source.ast;
        let name: Option<Box<[u8]>> = name.map(|name| ast.name(name).into());
        let text = ast.source(check.text).trim_ascii();
        self.table.checks.push(Check { name, expr: check.expr, text: text.into() });
    }

    fn add_constraint(&mut self, constraint: &ast::TableConstraint) -> CompileResult<()> {
        match constraint.kind {
            TableConstraintKind::Name(_) => Ok(()),
            TableConstraintKind::PrimaryKey { columns, autoincrement, conflict } => {
                let terms = self.key_terms(columns);
                self.add_primary_key(&terms, false, conflict, autoincrement)
            }
            TableConstraintKind::Unique { columns, conflict } => {
                check_nulls(self.source.ast.list(columns))?;
                let terms: CompileResult<Vec<KeyTerm>> = self.key_terms(columns).into_iter().collect();
                self.add_key(&terms?, IndexOrigin::Unique, conflict)
            }
            TableConstraintKind::Check { check, .. } => {
                self.add_check(constraint.name, check);
                Ok(())
            }
            TableConstraintKind::ForeignKey { key, deferrable } => {
                self.add_foreign_key(&key, None)?;
                if let (Some(key), Some(deferred)) = (self.table.foreign_keys.last_mut(), deferrable) {
                    key.deferred = deferred;
                }
                Ok(())
            }
        }
    }

    /// The columns of a PRIMARY KEY or UNIQUE constraint. A string counts as a name.
    fn key_terms(&self, terms: ast::List<ast::OrderTerm>) -> Vec<CompileResult<KeyTerm>> {
        let ast = self.source.ast;
        ast.list(terms).iter().map(|term| index::key_term(&self.source, &self.table, term)).collect()
    }

    fn add_primary_key(
        &mut self,
        terms: &[CompileResult<KeyTerm>],
        is_column_constraint: bool,
        conflict: Option<ast::Conflict>,
        autoincrement: bool,
    ) -> CompileResult<()> {
        if self.has_primary_key {
            return Err(Error::message(format!(
                "table \"{}\" has more than one primary key",
                lossy(&self.table.name)
            )));
        }
        self.has_primary_key = true;
        let mut last = None;
        for term in terms.iter().flatten() {
            let column = &mut self.table.columns[term.column];
            column.flags.primary_key = true;
            if column.generated.is_some() {
                return Err(generated_in_key());
            }
            last = Some(term);
        }
        let is_integer = |column: usize| {
            column::standard_type(self.table.columns[column].declared_type.as_deref()) == Some(b"INTEGER")
        };
        if let (Some(term), 1) = (last, terms.len())
            && is_integer(term.column)
            // `INTEGER PRIMARY KEY DESC` is no rowid alias, by an old mistake that files depend on. As a table constraint it is one.
            && !(term.descending && is_column_constraint)
        {
            self.table.rowid_alias = Some(term.column);
            self.table.rowid_conflict = on_conflict(conflict);
            self.table.autoincrement = autoincrement;
            self.rowid_descending = term.descending && !is_column_constraint;
            return Ok(());
        }
        if autoincrement {
            return Err(Error::message("AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY"));
        }
        let terms: CompileResult<Vec<KeyTerm>> = terms.iter().cloned().collect();
        self.add_key(&terms?, IndexOrigin::PrimaryKey, conflict)
    }

    fn add_key(
        &mut self,
        terms: &[KeyTerm],
        origin: IndexOrigin,
        conflict: Option<ast::Conflict>,
    ) -> CompileResult<()> {
        let key = Key { terms, origin, conflict };
        index::add_automatic(&self.source, &mut self.table, &key)
    }

    fn add_foreign_key(&mut self, key: &ast::ForeignKey, column: Option<usize>) -> CompileResult<()> {
        let ast = self.source.ast;
        let text = |name: &ast::Name| -> Box<[u8]> { ast.text(name.value).into() };
        let parents: Vec<Box<[u8]>> = ast.list(key.parent_columns).iter().map(text).collect();
        let parent: Box<[u8]> = ast.name(key.table).into();
        let children: Vec<usize> = match column {
            Some(column) => {
                if parents.len() > 1 {
                    return Err(Error::message(format!(
                        "foreign key on {} should reference only one column of table {}",
                        lossy(&self.table.columns[column].name),
                        lossy(&parent)
                    )));
                }
                vec![column]
            }
            None => {
                let names = ast.list(key.columns);
                if !parents.is_empty() && parents.len() != names.len() {
                    return Err(Error::message(
                        "number of columns in foreign key does not match the number of columns in the referenced table",
                    ));
                }
                let mut children = Vec::with_capacity(names.len());
                for name in names {
                    let name = ast.text(name.value);
                    children.push(self.table.find_column(name).ok_or_else(|| {
                        Error::message(format!(
                            "unknown column \"{}\" in foreign key definition",
                            lossy(name)
                        ))
                    })?);
                }
                children
            }
        };
        let columns = children.into_iter().enumerate();
        let columns = columns.map(|(i, child)| (child, parents.get(i).cloned())).collect();
        self.table.foreign_keys.push(ForeignKey {
            parent,
            columns,
            deferred: false,
            on_delete: key.on_delete,
            on_update: key.on_update,
        });
        Ok(())
    }

    /// The checks of the table as a whole.
    fn finish(mut self, options: ast::TableOptions) -> CompileResult<Table> {
        if options.strict {
            self.make_strict()?;
        }
        if options.without_rowid {
            if self.table.autoincrement {
                return Err(Error::message("AUTOINCREMENT not allowed on WITHOUT ROWID tables"));
            }
            if !self.has_primary_key {
                return Err(Error::message(format!(
                    "PRIMARY KEY missing on table {}",
                    lossy(&self.table.name)
                )));
            }
            self.make_without_rowid()?;
        }
        let mut table = self.table;
        if table.has_generated && table.columns.iter().all(|column| column.generated.is_some()) {
            return Err(Error::message("must have at least one non-generated column"));
        }
        let width: u64 = table.columns.iter().map(|column| u64::from(column.size_estimate)).sum();
        let rowid = u64::from(table.rowid_alias.is_none());
        table.row_size_estimate = log_est::from_integer((width + rowid) * 4);
        let sizes: Vec<u8> = table.columns.iter().map(|column| column.size_estimate).collect();
        for index in &mut table.indexes {
            index::estimate_width(Arc::make_mut(index), &sizes);
        }
        Ok(table)
    }

    fn make_strict(&mut self) -> CompileResult<()> {
        let table = &mut self.table;
        table.strict = true;
        for (i, column) in table.columns.iter_mut().enumerate() {
            match (column::standard_type(column.declared_type.as_deref()), &column.declared_type) {
                (Some(name), _) => {
                    if name == b"ANY" {
                        column.affinity = AFFINITY_BLOB;
                    }
                }
                (None, Some(declared)) => {
                    return Err(Error::message(format!(
                        "unknown datatype for {}.{}: \"{}\"",
                        lossy(&table.name),
                        lossy(&column.name),
                        lossy(declared)
                    )));
                }
                (None, None) => {
                    return Err(Error::message(format!(
                        "missing datatype for {}.{}",
                        lossy(&table.name),
                        lossy(&column.name)
                    )));
                }
            }
            if column.flags.primary_key && table.rowid_alias != Some(i) && column.not_null.is_none() {
                column.not_null = Some(OnConflict::Abort);
            }
        }
        Ok(())
    }

    fn make_without_rowid(&mut self) -> CompileResult<()> {
        for column in &mut self.table.columns {
            if column.flags.primary_key && column.not_null.is_none() {
                column.not_null = Some(OnConflict::Abort);
            }
        }
        self.table.without_rowid = true;
        if let Some(column) = self.table.rowid_alias.take() {
            let key = KeyTerm { column, collation: None, descending: self.rowid_descending };
            let conflict = match self.table.rowid_conflict {
                OnConflict::Abort => None,
                OnConflict::Rollback => Some(ast::Conflict::Rollback),
                OnConflict::Fail => Some(ast::Conflict::Fail),
                OnConflict::Ignore => Some(ast::Conflict::Ignore),
                OnConflict::Replace => Some(ast::Conflict::Replace),
            };
            self.add_key(&[key], IndexOrigin::PrimaryKey, conflict)?;
        }
        index::cluster(&mut self.table);
        Ok(())
    }
}

fn generated_in_key() -> Error {
    Error::message("generated columns cannot be part of the PRIMARY KEY")
}

/// # Errors
/// `unsupported use of NULLS FIRST`: index keys have no such choice.
pub fn check_nulls(terms: &[ast::OrderTerm]) -> CompileResult<()> {
    match terms.iter().find_map(|term| term.nulls) {
        None => Ok(()),
        Some(nulls) => {
            let nulls = if nulls == ast::NullsOrder::First { "FIRST" } else { "LAST" };
            Err(Error::message(format!("unsupported use of NULLS {nulls}")))
        }
    }
}

/// The column or string that a key of a constraint is, without its COLLATE.
pub(super) fn key_name(ast: &ast::Ast, expr: ast::ExprId) -> Option<(&[u8], ast::Quote)> {
    match *ast.expr(expr) {
        Expr::Id(name) => Some((ast.name(name), ast[name].quote)),
        Expr::String(text) => Some((ast.text(text), ast::Quote::Single)),
        _ => None,
    }
}
