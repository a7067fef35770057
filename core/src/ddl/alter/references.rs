//! What the names in a stored text mean.
//!
//! The text is parsed anew and resolved as it would be used; the resolver writes down what each name means. Names in lists of columns,
//! which are not resolved as expressions, are added here.

use std::sync::Arc;

use kernite_parser::ast::{
    self, Ast, ColumnConstraintKind, Expr, List, Name, Span, Statement, TableConstraintKind,
};
use kernite_vdbe::op::{Db, Reg};

use super::trial::Trial;
use crate::bound::SelfContext;
use crate::catalog::build::{self, Source};
use crate::catalog::{IndexColumn, Table, TableKind};
use crate::compile::{CompileOptions, CompileResult, Compiler, TriggerScope};
use crate::resolve::{self, Excluded, Recording, Scope};

/// A row of the schema that has a text.
pub(super) struct Object<'o> {
    pub(super) db: Db,
    pub(super) kind: &'o str,
    pub(super) name: &'o [u8],
    pub(super) sql: &'o Arc<[u8]>,
}

/// Whether what a view selects and what a trigger does is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bodies {
    Resolved,
    /// Old ALTER TABLE does not care whether they are right.
    Skipped,
}

/// Finds what the names in an object's text mean.
///
/// # Errors
/// Whatever is wrong with it.
pub(super) fn find(
    c: &Compiler<'_>,
    trial: &Trial,
    object: &Object<'_>,
    options: &CompileOptions,
    bodies: Bodies,
) -> CompileResult<Recording> {
    let (statement, ast) = object.parse()?;
    trial.with(c, &ast, options, |side| {
        side.names.recording = Some(Recording::new(&ast));
        let mut finder = Finder { c: side, ast: &ast, db: object.db, sql: object.sql, bodies };
        match statement {
            Statement::CreateTable(create) => finder.table(&create)?,
            Statement::CreateView(create) if bodies == Bodies::Resolved => finder.view(create.select)?,
            Statement::CreateIndex(create) => finder.index(&create)?,
            Statement::CreateTrigger(create) => finder.trigger(&create)?,
            Statement::CreateVirtualTable(create) => finder.virtual_table(&create),
            _ => {}
        }
        Ok(side.names.recording.take().unwrap_or_else(|| Recording::new(&ast)))
    })
}

struct Finder<'f, 'c, 'a> {
    c: &'f mut Compiler<'a>,
    ast: &'c Arc<Ast>,
    db: Db,
    sql: &'c Arc<[u8]>,
    bodies: Bodies,
}

impl Finder<'_, '_, '_> {
    fn note_table(&mut self, token: Span, table: &Arc<Table>) {
        if let Some(recording) = &mut self.c.names.recording {
            recording.tables.push((token, Arc::clone(table)));
        }
    }

    fn note_column(&mut self, token: Span, table: &Arc<Table>, column: usize) {
        if let Some(recording) = &mut self.c.names.recording {
            let number =
                if table.rowid_alias == Some(column) { -1 } else { i16::try_from(column).unwrap_or(-2) };
            recording.columns.push((token, Arc::clone(table), number));
        }
    }

    /// Names in a list of columns of a table.
    fn note_list(&mut self, names: List<Name>, table: &Arc<Table>) {
        let ast = Arc::clone(self.ast);
        for name in ast.list(names) {
            if let Some(column) = table.find_column(ast.text(name.value)) {
                self.note_column(name.source, table, column);
            }
        }
    }

    /// Terms of a key that are names of columns.
    fn note_terms(&mut self, terms: List<ast::OrderTerm>, table: &Arc<Table>) {
        let ast = Arc::clone(self.ast);
        for term in ast.list(terms) {
            let mut expr = term.expr;
            while let Expr::Collate { operand, .. } = *ast.expr(expr) {
                expr = operand;
            }
            if let Expr::Id(name) = *ast.expr(expr)
                && let Some(column) = table.find_column(ast.name(name))
            {
                self.note_column(ast[name].source, table, column);
            }
        }
    }

    fn source<'s>(&self, ast: &'s Arc<Ast>, sql: &'s Arc<[u8]>) -> Source<'s> {
        let file_format = self.c.catalog.database(self.db).map_or(4, |schema| schema.file_format);
        Source { ast, sql, db: self.db, column_max: usize::MAX, file_format, loading: true, collations: None }
    }

    /// A table of the database of the text, or for texts of temp of any.
    fn locate(&mut self, name: ast::QualifiedName) -> CompileResult<Arc<Table>> {
        let ast = Arc::clone(self.ast);
        let database = match name.schema {
            Some(schema) => Some(ast.name(schema).to_vec()),
            None => (self.db != Db(1)).then(|| self.c.database_name(self.db).to_vec()),
        };
        self.c.locate_table(ast.name(name.name), database.as_deref(), false)
    }

    fn table(&mut self, create: &ast::CreateTable) -> CompileResult<()> {
        let (ast, sql) = (Arc::clone(self.ast), Arc::clone(self.sql));
        let table = Arc::new(build::table(self.source(&ast, &sql), create, false)?);
        self.note_table(ast[create.name.name].source, &table);
        let ast::TableBody::Columns { columns, constraints, .. } = create.body else { return Ok(()) };
        for (at, column) in ast.list(columns).iter().enumerate() {
            self.note_column(ast[column.name].source, &table, at);
            for constraint in ast.list(column.constraints) {
                match constraint.kind {
                    ColumnConstraintKind::References(key) => self.references(&key),
                    ColumnConstraintKind::Default { value, .. } => {
                        resolve::expr_for_table(self.c, &ast, value, &table, SelfContext::Default)?;
                    }
                    _ => {}
                }
            }
        }
        for constraint in ast.list(constraints) {
            match constraint.kind {
                TableConstraintKind::PrimaryKey { columns, .. }
                | TableConstraintKind::Unique { columns, .. } => {
                    self.note_terms(columns, &table);
                }
                TableConstraintKind::ForeignKey { key, .. } => {
                    self.note_list(key.columns, &table);
                    self.references(&key);
                }
                _ => {}
            }
        }
        super::super::create_table::check_expressions(self.c, &table)
    }

    /// The parent of a foreign key, where it is there.
    fn references(&mut self, key: &ast::ForeignKey) {
        let ast = Arc::clone(self.ast);
        let schema = self.c.catalog.database(self.db).cloned();
        let parent = schema.as_ref().and_then(|schema| schema.table(ast.name(key.table)));
        if let Some(parent) = parent {
            self.note_table(ast[key.table].source, parent);
            self.note_list(key.parent_columns, parent);
        }
    }

    fn virtual_table(&mut self, create: &ast::CreateVirtualTable) {
        let ast = Arc::clone(self.ast);
        let schema = self.c.catalog.database(self.db).cloned();
        if let Some(table) = schema.as_ref().and_then(|schema| schema.table(ast.name(create.name.name))) {
            self.note_table(ast[create.name.name].source, table);
        }
    }

    fn view(&mut self, select: ast::SelectId) -> CompileResult<()> {
        self.c.stored_in = Some(self.db);
        resolve::select(self.c, self.ast, select)?;
        Ok(())
    }

    fn index(&mut self, create: &ast::CreateIndex) -> CompileResult<()> {
        let (ast, sql) = (Arc::clone(self.ast), Arc::clone(self.sql));
        let database = self.c.database_name(self.db).to_vec();
        let table = self.c.locate_table(ast.name(create.table), Some(&database), false)?;
        self.note_table(ast[create.table].source, &table);
        let index = build::create_index(self.source(&ast, &sql), &table, create)?;
        self.note_terms(create.columns, &table);
        for (column, term) in index.columns.iter().zip(ast.list(create.columns)) {
            if matches!(column, IndexColumn::Expr(_)) {
                resolve::expr_for_table(self.c, &ast, term.expr, &table, SelfContext::IndexExpr)?;
            }
        }
        if let Some(filter) = create.filter {
            resolve::expr_for_table(self.c, &ast, filter, &table, SelfContext::PartialIndex)?;
        }
        Ok(())
    }

    fn trigger(&mut self, create: &ast::CreateTrigger) -> CompileResult<()> {
        let ast = Arc::clone(self.ast);
        let table = self.locate(create.table)?;
        self.note_table(ast[create.table.name].source, &table);
        self.note_list(create.columns, &table);
        if self.bodies == Bodies::Skipped {
            return Ok(());
        }
        let with_columns = self.with_columns(&table)?;
        self.c.stored_in = Some(self.db);
        self.c.trigger = Some(TriggerScope {
            table: with_columns,
            event: create.event,
            returning: false,
            old_mask: 0,
            new_mask: 0,
        });
        if let Some(condition) = create.condition {
            self.expr(&Scope::default(), condition)?;
        }
        for step in ast.list(create.steps) {
            match &step.kind {
                ast::TriggerStepKind::Select(select) => {
                    resolve::select(self.c, &ast, *select)?;
                }
                ast::TriggerStepKind::Insert(insert) => self.insert(insert)?,
                ast::TriggerStepKind::Update(update) => self.update(update)?,
                ast::TriggerStepKind::Delete(delete) => self.delete(delete)?,
            }
        }
        Ok(())
    }

    fn with_columns(&mut self, table: &Arc<Table>) -> CompileResult<Arc<Table>> {
        match table.kind {
            TableKind::View { .. } => resolve::view_table(self.c, table),
            _ => Ok(Arc::clone(table)),
        }
    }

    fn expr(&mut self, scope: &Scope, expr: ast::ExprId) -> CompileResult<()> {
        resolve::expr(self.c, self.ast, scope, expr)?;
        Ok(())
    }

    fn exprs(&mut self, scope: &Scope, exprs: impl IntoIterator<Item = ast::ExprId>) -> CompileResult<()> {
        exprs.into_iter().try_for_each(|expr| self.expr(scope, expr))
    }

    /// Runs `f` with the statement's WITH clause in force.
    fn with(
        &mut self,
        with: Option<ast::With>,
        f: impl FnOnce(&mut Self) -> CompileResult<()>,
    ) -> CompileResult<()> {
        let saved = self.c.names.with_in_force();
        if with.is_some() {
            resolve::push_with(self.c, self.ast, with);
        }
        let done = f(self);
        self.c.names.set_with_in_force(saved);
        done
    }

    /// The table that a step changes.
    fn target(&mut self, target: &ast::Target) -> CompileResult<Arc<Table>> {
        let table = self.locate(target.name)?;
        self.note_table(self.ast[target.name.name].source, &table);
        Ok(table)
    }

    fn insert(&mut self, insert: &ast::Insert) -> CompileResult<()> {
        let ast = Arc::clone(self.ast);
        let table = self.target(&insert.target)?;
        self.with(insert.with, |finder| {
            finder.note_list(insert.columns, &table);
            if let ast::InsertSource::Select(select) = insert.source {
                resolve::select(finder.c, &ast, select)?;
            }
            for upsert in ast.list(insert.upserts) {
                let core = resolve::target(finder.c, &ast, &table, insert.target.alias, ast::Indexed::Any)?;
                let excluded = Some(Excluded { table: Arc::clone(&table), first: Reg(1) });
                let scope = Scope { sources: Some(core), excluded, ..Scope::default() };
                finder.exprs(&scope, ast.list(upsert.target).iter().map(|term| term.expr))?;
                finder.exprs(&scope, upsert.target_filter)?;
                if let ast::UpsertAction::Update { set, filter } = upsert.action {
                    for assignment in ast.list(set) {
                        finder.note_list(assignment.columns, &table);
                        finder.expr(&scope, assignment.value)?;
                    }
                    finder.exprs(&scope, filter)?;
                }
            }
            Ok(())
        })
    }

    fn update(&mut self, update: &ast::Update) -> CompileResult<()> {
        let ast = Arc::clone(self.ast);
        let table = self.target(&update.target)?;
        self.with(update.with, |finder| {
            let core = resolve::target(finder.c, &ast, &table, update.target.alias, update.indexed)?;
            let scope = Scope { sources: Some(core), ..Scope::default() };
            if update.from.is_empty() {
                finder.exprs(&scope, update.filter)?;
            } else {
                resolve::from_clause(finder.c, &ast, core, update.from, update.filter)?;
            }
            for assignment in ast.list(update.set) {
                finder.note_list(assignment.columns, &table);
                finder.expr(&scope, assignment.value)?;
            }
            Ok(())
        })
    }

    fn delete(&mut self, delete: &ast::Delete) -> CompileResult<()> {
        let ast = Arc::clone(self.ast);
        let table = self.target(&delete.target)?;
        self.with(delete.with, |finder| {
            let core = resolve::target(finder.c, &ast, &table, delete.target.alias, delete.indexed)?;
            let scope = Scope { sources: Some(core), ..Scope::default() };
            finder.exprs(&scope, delete.filter)
        })
    }
}
