//! `.dump`: a database as SQL that makes it anew.
//!
//! ```text
//! PRAGMA foreign_keys=OFF;          rows may come before those that they refer to
//! BEGIN TRANSACTION;
//! CREATE TABLE …; INSERT …          in the order of the schema; sqlite_sequence last of the tables
//! CREATE VIEW, TRIGGER, INDEX …     when all rows are in
//! COMMIT;                           ROLLBACK when something could not be read
//! ```
//!
//! A value that cannot be written otherwise is written as an expression that gives it: `unistr('a\u000ab')`, `9.0e+999`.
//!
//! A table that cannot be read to its end is read again from its last row backwards, to save what is behind the damage.

use std::io::Write;

use kernite::types::ValueRef;
use kernite::{Connection, Result as SqlResult, Row};

use super::objects::{identifier, literal};
use super::{Call, is_option};
use crate::output::text::{push_sql_blob, push_sql_real, push_sql_text};
use crate::shell::{Flow, Shell, Shown};

#[derive(Default)]
struct Options {
    data_only: bool,
    no_system: bool,
    preserve_rowids: bool,
    /// LIKE patterns of names; empty: everything.
    patterns: Vec<String>,
}

fn options(call: &mut Call<'_, '_>) -> Result<Options, Shown> {
    let mut options = Options::default();
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if !text.starts_with('-') {
            options.patterns.push(text);
        } else if is_option(&text, "data-only") {
            options.data_only = true;
        } else if is_option(&text, "newlines") {
            // Newlines are written with unistr(), in which they can do no harm: there is nothing to choose.
        } else if is_option(&text, "nosys") {
            options.no_system = true;
        } else if is_option(&text, "preserve-rowids") {
            options.preserve_rowids = true;
        } else {
            return call.fail_at(number, "unknown option");
        }
    }
    Ok(options)
}

impl Options {
    /// The condition on names that the patterns stand for.
    fn condition(&self) -> String {
        let mut condition = "true".to_owned();
        if !self.patterns.is_empty() {
            // A pattern for a virtual table means the tables that hold its content too.
            let like = |pattern: &String| {
                let like = format!("name LIKE {} ESCAPE '\\'", literal(pattern));
                format!(
                    "{like} OR EXISTS (SELECT 1 FROM sqlite_schema WHERE {like} AND sql LIKE 'CREATE VIRTUAL TABLE%' \
                     AND substr(o.name, 1, length(name) + 1) = name || '_')"
                )
            };
            let parts: Vec<String> = self.patterns.iter().map(like).collect();
            condition = format!("({})", parts.join(" OR "));
        }
        if self.no_system {
            condition.push_str(" AND name NOT LIKE 'sqlite!_%' ESCAPE '!'");
        }
        condition
    }
}

/// An object of the schema.
struct Object {
    name: String,
    kind: String,
    sql: String,
}

fn objects(db: &Connection, condition: &str, order: &str) -> SqlResult<Vec<Object>> {
    let sql = format!(
        "SELECT name, type, sql FROM sqlite_schema AS o WHERE {condition} AND sql NOT NULL ORDER BY {order}"
    );
    let mut statement = db.prepare(&sql)?;
    let object = |row: &Row<'_>| {
        let text = |column| match row.get_ref(column) {
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        Ok(Object { name: text(0), kind: text(1), sql: text(2) })
    };
    statement.query_map([], object)?.collect()
}

struct Dump<'a> {
    db: &'a Connection,
    shell: &'a mut Shell,
    options: Options,
    writable_schema: bool,
    errors: usize,
}

/// `.dump`
pub fn dump(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    let options = options(call)?;
    let db = call.db()?;
    let mut dump = Dump { db: &db, shell: call.shell, options, writable_schema: false, errors: 0 };
    if !dump.options.data_only {
        let condition = dump.options.condition();
        let sql = format!("type='table' AND sql LIKE 'CREATE VIRTUAL%' AND {condition}");
        if objects(&db, &sql, "rowid").is_ok_and(|found| !found.is_empty()) {
            let warning = "/* WARNING: Script requires that SQLITE_DBCONFIG_DEFENSIVE be disabled */";
            dump.shell.line(warning)?;
        }
        dump.shell.line("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;")?;
    }
    // All tables are read as of one moment.
    let saved = db.execute_batch("SAVEPOINT dump");
    let written = dump.everything();
    if saved.is_ok() {
        // It only read: there is nothing that an error here could lose.
        let _ = db.execute_batch("RELEASE dump");
    }
    let errors = dump.errors;
    written?;
    if errors > 0 { Err(Shown) } else { Ok(Flow::Continue) }
}

impl Dump<'_> {
    fn everything(&mut self) -> Result<(), Shown> {
        let condition = self.options.condition();
        match objects(self.db, &format!("{condition} AND type='table'"), "tbl_name='sqlite_sequence', rowid")
        {
            Ok(tables) => {
                for table in &tables {
                    self.table(table)?;
                }
            }
            Err(error) => self.damaged(&error)?,
        }
        if !self.options.data_only {
            let condition = format!("{condition} AND type IN ('index','trigger','view')");
            match objects(self.db, &condition, "type COLLATE NOCASE DESC, rowid") {
                Ok(found) => {
                    for object in &found {
                        self.statement(&object.sql)?;
                    }
                }
                Err(error) => self.damaged(&error)?,
            }
        }
        if self.writable_schema {
            self.shell.line("PRAGMA writable_schema=OFF;")?;
        }
        if !self.options.data_only {
            self.shell.line(if self.errors > 0 { "ROLLBACK; -- due to errors" } else { "COMMIT;" })?;
        }
        Ok(())
    }

    fn damaged(&mut self, error: &kernite::Error) -> Result<(), Shown> {
        self.errors += 1;
        self.shell.line(&format!("/****** ERROR: {error} ******/"))
    }

    fn statement(&mut self, sql: &str) -> Result<(), Shown> {
        self.shell.line(&format!("{sql};"))
    }

    fn allow_schema_changes(&mut self) -> Result<(), Shown> {
        if !self.writable_schema {
            self.writable_schema = true;
            self.shell.line("PRAGMA writable_schema=ON;")?;
        }
        Ok(())
    }

    fn table(&mut self, table: &Object) -> Result<(), Shown> {
        let Object { name, sql, .. } = table;
        debug_assert_eq!(table.kind, "table");
        let starts = |head: &str| sql.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
        if name == "sqlite_sequence" {
            if !self.has_rows(name) {
                return Ok(());
            }
            self.allow_schema_changes()?;
            self.shell.line(
                "CREATE TABLE IF NOT EXISTS sqlite_sequence(name,seq);\nDELETE FROM sqlite_sequence;",
            )?;
        } else if name.starts_with("sqlite_stat") && name.len() == "sqlite_stat1".len() {
            if !self.options.data_only {
                self.shell.line("ANALYZE sqlite_schema;")?;
            }
        } else if name.starts_with("sqlite_") {
            return Ok(());
        } else if self.options.data_only {
            // Only rows.
        } else if starts("CREATE VIRTUAL TABLE") {
            self.allow_schema_changes()?;
            let (name, sql) = (literal(name), literal(sql));
            let row = format!("VALUES('table',{name},{name},0,{sql});");
            return self
                .shell
                .line(&format!("INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql){row}"));
        } else if starts("CREATE TABLE '") || starts("CREATE TABLE \"") {
            self.shell.line(&format!("CREATE TABLE IF NOT EXISTS {};", &sql["CREATE TABLE ".len()..]))?;
        } else {
            self.statement(sql)?;
        }
        if starts("CREATE VIRTUAL TABLE") {
            return Ok(());
        }
        self.rows(name)
    }

    fn has_rows(&self, table: &str) -> bool {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", identifier(table));
        self.db.query_row(&sql, [], |row| row.get::<_, i64>(0)).is_ok()
    }

    /// Names of a table's columns that are stored, and whether its rowid has a column of its own to go by.
    fn columns(&self, table: &str) -> SqlResult<(Vec<String>, Option<&'static str>)> {
        let mut statement = self.db.prepare(&format!("PRAGMA table_info({})", literal(table)))?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(5)?))
        })?;
        let columns: Vec<(String, String, i64)> = rows.collect::<SqlResult<_>>()?;
        let names: Vec<String> = columns.iter().map(|(name, _, _)| name.clone()).collect();
        if !self.options.preserve_rowids {
            return Ok((names, None));
        }
        let keys: Vec<_> = columns.iter().filter(|(_, _, key)| *key > 0).collect();
        if let [(_, kind, _)] = keys.as_slice()
            && kind.eq_ignore_ascii_case("INTEGER")
        {
            // An INTEGER PRIMARY KEY is the rowid, unless the table has an index for it (DESC) or has no rowid.
            let sql = format!("SELECT 1 FROM pragma_index_list({}) WHERE origin='pk'", literal(table));
            let own_index = match self.db.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
                Ok(_) => true,
                Err(_) => self.has_key_index(table)?,
            };
            if !own_index {
                return Ok((names, None));
            }
        }
        let free = |name: &&str| !names.iter().any(|column| column.eq_ignore_ascii_case(name));
        let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(free);
        let readable =
            |rowid: &&str| self.db.prepare(&format!("SELECT {rowid} FROM {}", identifier(table))).is_ok();
        Ok((names, rowid.filter(readable)))
    }

    fn has_key_index(&self, table: &str) -> SqlResult<bool> {
        let mut statement = self.db.prepare(&format!("PRAGMA index_list({})", literal(table)))?;
        let origins = statement.query_map([], |row| row.get::<_, String>(3))?;
        for origin in origins {
            if origin? == "pk" {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rows(&mut self, table: &str) -> Result<(), Shown> {
        let (columns, rowid) = match self.columns(table) {
            Ok(found) => found,
            Err(error) => return self.damaged(&error),
        };
        let mut head = format!("INSERT INTO {}", identifier(table));
        let mut selected: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
        if let Some(rowid) = rowid {
            selected.insert(0, rowid.to_owned());
        }
        if self.options.preserve_rowids {
            head.push_str(&format!("({})", selected.join(",")));
        }
        head.push_str(" VALUES(");
        let sql = format!("SELECT {} FROM {}", selected.join(","), identifier(table));
        if let Err(error) = self.select(&sql, &head)? {
            // What is behind the damage may be read from the other end.
            self.shell.line("/****** CORRUPTION ERROR *******/")?;
            self.damaged(&error)?;
            if let Err(error) = self.select(&format!("{sql} ORDER BY rowid DESC"), &head)? {
                self.damaged(&error)?;
            }
        }
        Ok(())
    }

    /// Writes the rows of a query as INSERT statements; the error that ended it.
    fn select(&mut self, sql: &str, head: &str) -> Result<SqlResult<()>, Shown> {
        let together = self.shell.mode.multi_insert;
        let mut size = 0;
        let mut text = Vec::new();
        let mut ended = Ok(());
        let prepared = self.db.prepare(sql);
        let mut statement = match prepared {
            Ok(statement) => statement,
            Err(error) => return Ok(Err(error)),
        };
        let count = statement.column_count();
        let mut rows = match statement.query([]) {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let mut written = Ok(());
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            let start = text.len();
            text.extend_from_slice(if size == 0 { head.as_bytes() } else { b",\n  (" });
            for column in 0..count {
                if column > 0 {
                    text.push(b',');
                }
                push_value(row.get_ref(column).unwrap_or(ValueRef::Null), &mut text);
            }
            text.push(b')');
            size += text.len() - start + 1;
            if size >= together {
                text.extend_from_slice(b";\n");
                size = 0;
            }
            if text.len() > 1 << 14 {
                written = self.shell.sink.write_all(&text);
                text.clear();
                if written.is_err() {
                    break;
                }
            }
        }
        drop(rows);
        if size > 0 {
            text.extend_from_slice(b";\n");
        }
        let written = written.and_then(|()| self.shell.sink.write_all(&text));
        self.shell.written(written)?;
        Ok(ended)
    }
}

fn push_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        ValueRef::Real(number) => push_sql_real(number, out),
        ValueRef::Text(text) => push_sql_text(text, true, out),
        ValueRef::Blob(blob) => push_sql_blob(blob, out),
    }
}
