//! Reading a schema: rows of `sqlite_schema` to a [`DatabaseSchema`].
//!
//! Every row is parsed. One bad row fails the whole, and with it every statement of the connection, as in SQLite. A row is bad if its
//! text does not parse, if its columns do not say what its text says, or if its root page cannot be one.
//!
//! Never: storage; who reads the rows is `connection`.
//! Spec: Database File Format, "Storage Of The SQL Database Schema".

use std::sync::Arc;

use kernite_btree::PageNo;
use kernite_parser::ast::{self, Ast, Statement};
use kernite_parser::{Limits, Parser};
use kernite_vdbe::{Db, Error};

use super::build::{self, Source};
use super::{
    Catalog, DatabaseSchema, Index, IndexOrigin, SCHEMA_TABLE, SchemaName, TEMP_SCHEMA_TABLE, Table,
    TableKind, Trigger,
};
use crate::compile::{CompileResult, lossy};

/// `SQLITE_CORRUPT`
const CORRUPT: i32 = 11;

/// A row of `sqlite_schema`, text in UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaRow {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: Option<Box<[u8]>>,
    pub name: Option<Box<[u8]>>,
    /// The table that an index or trigger belongs to; its own name for the others.
    pub table: Option<Box<[u8]>>,
    /// Root page, where it is a number.
    pub root: Option<i64>,
    pub sql: Option<Arc<[u8]>>,
}

/// What a schema is read with.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions<'o> {
    /// Pages in the file: root pages lie below. 0 = unknown.
    pub page_count: u32,
    /// `PRAGMA writable_schema`: rows that contradict themselves are accepted, and errors say less.
    pub writable_schema: bool,
    /// What was done by the ALTER TABLE that changed these rows (`rename`, `drop column`, …): errors are about that.
    pub after: Option<&'o str>,
    /// Rows that are wrong are left out: the user is about to repair them.
    pub tolerant: bool,
    /// The texts are read to be edited: names in conditions that are decided already are kept.
    pub renaming: bool,
}

/// Adds rows to a schema that has what was there before them. `catalog` are all databases, for triggers of temp on tables of others.
///
/// # Errors
/// `malformed database schema (x) - …` (`SQLITE_CORRUPT`).
pub fn load(
    base: DatabaseSchema,
    db: Db,
    catalog: &Catalog,
    rows: &[SchemaRow],
    options: LoadOptions<'_>,
) -> CompileResult<DatabaseSchema> {
    let mut loading = Loading { schema: base, db, catalog, options, parser: parser(options.renaming) };
    loading.add_schema_table()?;
    for row in rows {
        match loading.add_row(row) {
            Err(extra) if !options.tolerant => return Err(malformed(row, options, &extra)),
            _ => {}
        }
    }
    loading.schema.loaded = true;
    Ok(loading.schema)
}

/// A parser for stored texts.
pub(crate) fn parser(renaming: bool) -> Parser {
    Parser::new(Limits { reading_schema: true, renaming, ..Limits::default() })
}

struct Loading<'l> {
    schema: DatabaseSchema,
    db: Db,
    catalog: &'l Catalog,
    options: LoadOptions<'l>,
    parser: Parser,
}

/// What is wrong with a row; empty where there is no more to say than its name.
type RowResult<T> = Result<T, String>;

fn quiet(error: Error) -> String {
    error.to_string()
}

impl Loading<'_> {
    /// The schema table itself, which no row describes.
    fn add_schema_table(&mut self) -> CompileResult<()> {
        let name = if self.db == Db(1) { TEMP_SCHEMA_TABLE } else { SCHEMA_TABLE };
        if self.schema.tables.contains_key(name) {
            return Ok(());
        }
        let sql: Arc<[u8]> =
            Arc::from(&b"CREATE TABLE x(type text,name text,tbl_name text,rootpage int,sql text)"[..]);
        let parsed = self.parser.parse(&sql).map_err(|error| Error::message(error.to_string()))?;
        let Some(parsed) = parsed else { return Ok(()) };
        let Statement::CreateTable(create) = parsed.statement else { return Ok(()) };
        let ast = Arc::from(parsed.ast);
        let mut table = build::table(self.source(&ast, &sql), &create, false)?;
        table.name = name.into();
        table.root = Some(PageNo::ONE);
        table.system = true;
        self.put(table);
        Ok(())
    }

    fn source<'s>(&self, ast: &'s Arc<Ast>, sql: &'s Arc<[u8]>) -> Source<'s> {
        Source {
            ast,
            sql,
            db: self.db,
            column_max: usize::MAX,
            file_format: self.schema.file_format,
            loading: true,
            collations: None,
        }
    }

    fn add_row(&mut self, row: &SchemaRow) -> RowResult<()> {
        let Some(root) = row.root else { return Err(String::new()) };
        match &row.sql {
            Some(sql) if sql.len() >= 2 && sql[..2].eq_ignore_ascii_case(b"cr") => {
                let sql = Arc::clone(sql);
                self.add_object(row, &sql, root)
            }
            Some(sql) if !sql.is_empty() => Err(String::new()),
            _ => match &row.name {
                Some(name) => self.add_automatic_index(name, root),
                None => Err(String::new()),
            },
        }
    }

    fn root(&self, root: i64) -> RowResult<Option<PageNo>> {
        let invalid = || "invalid rootpage".to_owned();
        let number = u32::try_from(root).map_err(|_| invalid())?;
        if number > self.options.page_count && self.options.page_count > 0 {
            return Err(invalid());
        }
        Ok(PageNo::new(number))
    }

    /// The row of an index that a constraint made: it only has a root page.
    fn add_automatic_index(&mut self, name: &[u8], root: i64) -> RowResult<()> {
        let Some(index) = self.schema.index(name).cloned() else { return Err("orphan index".to_owned()) };
        let root = self.root(root)?.filter(|root| root.get() >= 2).ok_or("invalid rootpage")?;
        let table = self.table_mut(&index.table).ok_or("orphan index")?;
        if table.indexes.iter().any(|other| other.root == root && other.name != index.name) {
            return Err("invalid rootpage".to_owned());
        }
        let Some(slot) = table.indexes.iter_mut().find(|known| known.name == index.name) else {
            return Err("orphan index".to_owned());
        };
        Arc::make_mut(slot).root = root;
        let index = Arc::clone(slot);
        self.schema.indexes.insert(SchemaName::new(name), index);
        Ok(())
    }

    fn table_mut(&mut self, name: &[u8]) -> Option<&mut Table> {
        self.schema.tables.get_mut(&SchemaName::new(name)).map(Arc::make_mut)
    }

    fn add_object(&mut self, row: &SchemaRow, sql: &Arc<[u8]>, root: i64) -> RowResult<()> {
        let root = self.root(root)?;
        let parsed = match self.parser.parse(sql) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Err(String::new()),
            Err(error) => return Err(error.to_string()),
        };
        let ast: Arc<Ast> = Arc::from(parsed.ast);
        match parsed.statement {
            Statement::CreateTable(create) => self.add_table(row, sql, &ast, &create, root),
            Statement::CreateView(create) => {
                self.check_row(row, b"view", ast.name(create.name.name), ast.name(create.name.name))?;
                if root.is_some() {
                    return Err(String::new());
                }
                let view = build::view(self.source(&ast, sql), &create);
                self.insert_table(view)
            }
            Statement::CreateVirtualTable(create) => {
                self.check_row(row, b"table", ast.name(create.name.name), ast.name(create.name.name))?;
                let table = build::virtual_table(self.source(&ast, sql), &create);
                self.insert_table(table)
            }
            Statement::CreateIndex(create) => self.add_index(row, sql, &ast, &create, root),
            Statement::CreateTrigger(create) => self.add_trigger(row, sql, &ast, &create),
            _ => Err(String::new()),
        }
    }

    fn add_table(
        &mut self,
        row: &SchemaRow,
        sql: &Arc<[u8]>,
        ast: &Arc<Ast>,
        create: &ast::CreateTable,
        root: Option<PageNo>,
    ) -> RowResult<()> {
        let name = ast.name(create.name.name);
        self.check_row(row, b"table", name, name)?;
        if matches!(create.body, ast::TableBody::Select(_)) {
            return Err(String::new());
        }
        let mut table = build::table(self.source(ast, sql), create, false).map_err(quiet)?;
        table.root = root;
        table.system = is_system_table(&table.name);
        if table.without_rowid
            && let Some(root) = root
            && let Some(primary) =
                table.indexes.iter_mut().find(|index| index.origin == IndexOrigin::PrimaryKey)
        {
            Arc::make_mut(primary).root = root;
        }
        for index in &table.indexes {
            self.schema.indexes.insert(SchemaName::new(&index.name), Arc::clone(index));
        }
        self.insert_table(table)
    }

    fn insert_table(&mut self, table: Table) -> RowResult<()> {
        if let Some(known) = self.schema.table(&table.name) {
            let what = if matches!(known.kind, TableKind::View { .. }) { "view" } else { "table" };
            return Err(format!("{what} {} already exists", lossy(&table.name)));
        }
        self.put(table);
        Ok(())
    }

    fn put(&mut self, mut table: Table) {
        table.order = self.schema.table_order;
        self.schema.table_order += 1;
        self.schema.tables.insert(SchemaName::new(&table.name), Arc::new(table));
    }

    fn add_index(
        &mut self,
        row: &SchemaRow,
        sql: &Arc<[u8]>,
        ast: &Arc<Ast>,
        create: &ast::CreateIndex,
        root: Option<PageNo>,
    ) -> RowResult<()> {
        let table_name = ast.name(create.table);
        let Some(table) = self.schema.table(table_name).cloned() else {
            return Err(format!("no such table: {}.{}", lossy(&self.schema.name), lossy(table_name)));
        };
        match table.kind {
            TableKind::Ordinary => {}
            TableKind::View { .. } => return Err("views may not be indexed".to_owned()),
            TableKind::Virtual { .. } => return Err("virtual tables may not be indexed".to_owned()),
        }
        self.check_row(row, b"index", ast.name(create.name.name), &table.name)?;
        let mut index = build::create_index(self.source(ast, sql), &table, create).map_err(quiet)?;
        let Some(root) = root else { return Err("invalid rootpage".to_owned()) };
        if self.schema.index(&index.name).is_some() {
            return Err(format!("index {} already exists", lossy(&index.name)));
        }
        if table.indexes.iter().any(|other| other.root == root) {
            return Err("invalid rootpage".to_owned());
        }
        index.root = root;
        let index = Arc::new(index);
        self.schema.indexes.insert(SchemaName::new(&index.name), Arc::clone(&index));
        if let Some(table) = self.table_mut(&table.name) {
            build::add_index(table, index);
        }
        Ok(())
    }

    fn add_trigger(
        &mut self,
        row: &SchemaRow,
        sql: &Arc<[u8]>,
        ast: &Arc<Ast>,
        create: &ast::CreateTrigger,
    ) -> RowResult<()> {
        let name = ast.name(create.name.name);
        let table_name = ast.name(create.table.name);
        let is_temp = self.db == Db(1);
        let (table_db, table) = match self.find_trigger_table(ast, create) {
            Some(found) => found,
            // A temp trigger whose table was dropped by another connection.
            None if is_temp => return Ok(()),
            None => {
                return Err(format!("no such table: {}.{}", lossy(&self.schema.name), lossy(table_name)));
            }
        };
        let is_view = matches!(table.kind, TableKind::View { .. });
        let is_instead = create.time == ast::TriggerTime::InsteadOf;
        if matches!(table.kind, TableKind::Virtual { .. }) {
            return if is_temp { Ok(()) } else { Err("cannot create triggers on virtual tables".to_owned()) };
        }
        self.check_row(row, b"trigger", name, &table.name)?;
        if self.schema.trigger(name).is_some() {
            return Err(format!("trigger {} already exists", lossy(name)));
        }
        if is_view != is_instead {
            let what = match create.time {
                ast::TriggerTime::Before => "BEFORE trigger on view",
                ast::TriggerTime::After => "AFTER trigger on view",
                ast::TriggerTime::InsteadOf => "INSTEAD OF trigger on table",
            };
            return Err(format!("cannot create {what}: {}", lossy(table_name)));
        }
        let trigger = Arc::new(build::trigger(self.source(ast, sql), create, table_db));
        self.schema.triggers.insert(SchemaName::new(name), Arc::clone(&trigger));
        if table_db == self.db
            && let Some(table) = self.table_mut(table_name)
        {
            table.triggers.push(trigger);
        }
        Ok(())
    }

    /// The table of a trigger: in the same database, but for triggers of temp in any.
    fn find_trigger_table(&self, ast: &Ast, create: &ast::CreateTrigger) -> Option<(Db, Arc<Table>)> {
        let name = ast.name(create.table.name);
        if self.db != Db(1) {
            return self.schema.table(name).map(|table| (self.db, Arc::clone(table)));
        }
        let qualifier = create.table.schema.map(|schema| ast.name(schema));
        if qualifier.is_none_or(|qualifier| qualifier.eq_ignore_ascii_case(b"temp"))
            && let Some(table) = self.schema.table(name)
        {
            return Some((self.db, Arc::clone(table)));
        }
        let table = self.catalog.find_table(name, qualifier)?;
        Some((table.db, Arc::clone(table)))
    }

    /// Checks that the columns of a row say what its text says.
    fn check_row(&self, row: &SchemaRow, kind: &[u8], name: &[u8], table: &[u8]) -> RowResult<()> {
        if self.options.writable_schema {
            return Ok(());
        }
        let is = |column: &Option<Box<[u8]>>, expected: &[u8]| {
            column.as_deref().is_some_and(|column| column.eq_ignore_ascii_case(expected))
        };
        if is(&row.kind, kind) && is(&row.name, name) && is(&row.table, table) {
            Ok(())
        } else {
            Err(String::new())
        }
    }
}

/// Tables that users do not write.
pub(crate) fn is_system_table(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(SCHEMA_TABLE) || name.eq_ignore_ascii_case(TEMP_SCHEMA_TABLE)
}

fn malformed(row: &SchemaRow, options: LoadOptions<'_>, extra: &str) -> Error {
    let text = |column: &Option<Box<[u8]>>| {
        column.as_deref().map_or("?".to_owned(), |column| lossy(column).into_owned())
    };
    if let Some(after) = options.after {
        return Error::message(format!(
            "error in {} {} after {after}: {extra}",
            text(&row.kind),
            text(&row.name)
        ));
    }
    let name = text(&row.name);
    Error::with_code(
        CORRUPT,
        if options.writable_schema {
            "database disk image is malformed".to_owned()
        } else if extra.is_empty() {
            format!("malformed database schema ({name})")
        } else {
            format!("malformed database schema ({name}) - {extra}")
        },
    )
}

/// Rows, and what takes an object out of a schema.
impl DatabaseSchema {
    /// The rows from which the schema could be read again: tables and views by age, each table with its indexes, then triggers by name.
    pub fn rows(&self) -> Vec<SchemaRow> {
        let row = |kind: &str, name: &[u8], table: &[u8], root: Option<PageNo>, sql: Option<&Arc<[u8]>>| {
            SchemaRow {
                kind: Some(kind.as_bytes().into()),
                name: Some(name.into()),
                table: Some(table.into()),
                root: Some(root.map_or(0, |root| i64::from(root.get()))),
                sql: sql.cloned(),
            }
        };
        let mut rows = Vec::new();
        for table in self.newest_first().into_iter().rev().filter(|table| !is_system_table(&table.name)) {
            let kind = if matches!(table.kind, TableKind::View { .. }) { "view" } else { "table" };
            rows.push(row(kind, &table.name, &table.name, table.root, Some(&table.sql)));
            for index in &table.indexes {
                let is_table = table.without_rowid && index.origin == IndexOrigin::PrimaryKey;
                if !is_table {
                    rows.push(row("index", &index.name, &table.name, Some(index.root), index.sql.as_ref()));
                }
            }
        }
        let mut triggers: Vec<_> = self.triggers.values().collect();
        triggers.sort_by(|a, b| a.name.cmp(&b.name));
        for trigger in triggers {
            rows.push(row("trigger", &trigger.name, &trigger.table, None, Some(&trigger.sql)));
        }
        rows
    }

    /// Forgets a table with its indexes and triggers, and gives what it was.
    pub fn remove_table(&mut self, name: &[u8]) -> Option<Arc<Table>> {
        let table = self.tables.remove(&SchemaName::new(name))?;
        for index in &table.indexes {
            self.indexes.remove(&SchemaName::new(&index.name));
        }
        for trigger in &table.triggers {
            self.triggers.remove(&SchemaName::new(&trigger.name));
        }
        Some(table)
    }

    /// Forgets an index.
    pub fn remove_index(&mut self, name: &[u8]) {
        let Some(index) = self.indexes.remove(&SchemaName::new(name)) else { return };
        if let Some(table) = self.tables.get_mut(&SchemaName::new(&index.table)) {
            Arc::make_mut(table).indexes.retain(|known| known.name != index.name);
        }
    }

    /// Forgets a trigger.
    pub fn remove_trigger(&mut self, name: &[u8]) {
        let Some(trigger) = self.triggers.remove(&SchemaName::new(name)) else { return };
        if let Some(table) = self.tables.get_mut(&SchemaName::new(&trigger.table)) {
            let is_other = |known: &Arc<Trigger>| known.name != trigger.name;
            if !table.triggers.iter().all(is_other) {
                Arc::make_mut(table).triggers.retain(is_other);
            }
        }
    }

    /// Says that a tree moved to another root page (auto_vacuum).
    pub fn move_root(&mut self, from: PageNo, to: PageNo) {
        let moved = |index: &Arc<Index>| index.root == from;
        for table in self.tables.values_mut() {
            if table.root != Some(from) && !table.indexes.iter().any(moved) {
                continue;
            }
            let table = Arc::make_mut(table);
            if table.root == Some(from) {
                table.root = Some(to);
            }
            for index in table.indexes.iter_mut().filter(|index| moved(index)) {
                Arc::make_mut(index).root = to;
                self.indexes.insert(SchemaName::new(&index.name), Arc::clone(index));
            }
        }
    }
}

/// A catalogue of one database from CREATE statements, each with a root page of its own.
#[cfg(test)]
pub(crate) fn from_sql(statements: &[&str]) -> Catalog {
    let mut rows = Vec::new();
    let mut root = 2;
    for sql in statements {
        let parsed = parser(false).parse(sql.as_bytes()).unwrap().unwrap();
        let ast = &parsed.ast;
        let (kind, name, table) = match parsed.statement {
            Statement::CreateTable(create) => ("table", create.name.name, create.name.name),
            Statement::CreateVirtualTable(create) => ("table", create.name.name, create.name.name),
            Statement::CreateView(create) => ("view", create.name.name, create.name.name),
            Statement::CreateIndex(create) => ("index", create.name.name, create.table),
            Statement::CreateTrigger(create) => ("trigger", create.name.name, create.table.name),
            other => panic!("no CREATE statement: {other:?}"),
        };
        let has_root = kind == "table" || kind == "index";
        rows.push(SchemaRow {
            kind: Some(kind.as_bytes().into()),
            name: Some(ast.name(name).into()),
            table: Some(ast.name(table).into()),
            root: Some(if has_root { root } else { 0 }),
            sql: Some(Arc::from(sql.as_bytes())),
        });
        root += i64::from(has_root);
    }
    let base =
        |name: &str| DatabaseSchema { name: name.as_bytes().into(), file_format: 4, ..Default::default() };
    let options =
        LoadOptions { page_count: 0, writable_schema: false, after: None, tolerant: false, renaming: false };
    let empty = Catalog::default();
    let main = load(base("main"), Db(0), &empty, &rows, options).unwrap();
    let temp = load(base("temp"), Db(1), &empty, &[], options).unwrap();
    Catalog { databases: vec![Some(Arc::new(main)), Some(Arc::new(temp))], ..Catalog::default() }
}
