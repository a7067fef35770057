//! What is in a database: `.tables`, `.indexes`, `.schema`, `.fullschema`, `.databases`.

use kernite::{Connection, Result as SqlResult};

use super::{Call, is_option};
use crate::output::text::{push_identifier, push_sql_text};
use crate::output::{Failure, Limits, Mode, listing};
use crate::schema_text::{indented, with_schema};
use crate::shell::{Flow, Shown};

type Outcome = Result<Flow, Shown>;

/// Names of the databases of a connection, in the order of their numbers.
pub fn databases_of(db: &Connection) -> SqlResult<Vec<(String, String)>> {
    let mut statement = db.prepare("PRAGMA database_list")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?.unwrap_or_default()))
    })?;
    rows.collect()
}

/// A name as SQL needs it.
pub fn identifier(name: &str) -> String {
    let mut out = Vec::new();
    push_identifier(name.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A text as SQL needs it.
pub fn literal(text: &str) -> String {
    let mut out = Vec::new();
    push_sql_text(text.as_bytes(), false, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Names of tables and views of all databases, for completion.
pub fn unquoted_names(db: &Connection) -> SqlResult<Vec<String>> {
    let mut names = Vec::new();
    for (schema, _) in databases_of(db)? {
        let sql =
            format!("SELECT name FROM {}.sqlite_schema WHERE type IN ('table','view')", identifier(&schema));
        let mut statement = db.prepare(&sql)?;
        for name in statement.query_map([], |row| row.get::<_, String>(0))? {
            names.push(name?);
        }
    }
    Ok(names)
}

/// A schema's name as it stands before the names of its objects: `temp` needs no quotes there.
fn schema_prefix(schema: &str) -> String {
    if schema == "temp" { schema.to_owned() } else { identifier(schema) }
}

/// The schema table of a database under the name that it has always had.
fn schema_table(schema: &str) -> String {
    format!("{}.sqlite_schema", identifier(schema))
}

/// Names of a kind in all databases, with the database's name before those that are not in main.
fn names(db: &Connection, condition: &str, pattern: &str) -> SqlResult<Vec<String>> {
    let mut found = Vec::new();
    for (schema, _) in databases_of(db)? {
        let sql = format!("SELECT name FROM {} WHERE {condition}", schema_table(&schema));
        let mut statement = db.prepare(&sql)?;
        for name in statement.query_map([pattern], |row| row.get::<_, String>(0))? {
            let name = name?;
            found.push(if schema == "main" { name } else { format!("{schema}.{name}") });
        }
    }
    found.sort();
    Ok(found)
}

/// Columns of a list of names: as wide as the screen of old.
const LISTING_WIDTH: usize = 80;

fn show_names(call: &mut Call<'_, '_>, names: &[String]) -> Outcome {
    let texts: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    let text = listing(&texts, LISTING_WIDTH);
    call.shell.write(&text)?;
    Ok(Flow::Continue)
}

/// `.tables`
pub fn tables(call: &mut Call<'_, '_>) -> Outcome {
    let pattern = call.argument(1).unwrap_or("%").to_owned();
    let db = call.db()?;
    let condition = "type IN ('table','view') AND name NOT LIKE 'sqlite_%' AND name LIKE ?1";
    let found = names(&db, condition, &pattern);
    let found = call.sql(found)?;
    show_names(call, &found)
}

/// `.indexes`
pub fn indexes(call: &mut Call<'_, '_>) -> Outcome {
    let (mut all, mut system, mut expressions, mut pattern) = (false, false, false, None);
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if is_option(&text, "a") || is_option(&text, "all") {
            all = true;
        } else if is_option(&text, "sys") {
            system = true;
        } else if is_option(&text, "expr") {
            expressions = true;
        } else if text.starts_with('-') {
            return call.fail_at(number, "unknown option");
        } else if pattern.is_none() {
            pattern = Some(text);
        } else {
            return call.fail_at(number, "unknown argument");
        }
    }
    let mut condition = "type='index' AND tbl_name LIKE ?1".to_owned();
    if system {
        condition.push_str(" AND name LIKE 'sqlite\\_%' ESCAPE '\\'");
    } else if !all {
        condition.push_str(" AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    }
    let db = call.db()?;
    let found = names(&db, &condition, pattern.as_deref().unwrap_or("%"));
    let mut found = call.sql(found)?;
    if expressions {
        let mut kept = Vec::new();
        for name in found {
            let is = has_expression(&db, &name);
            if call.sql(is)? {
                kept.push(name);
            }
        }
        found = kept;
    }
    show_names(call, &found)
}

/// Whether a key column of an index, perhaps with its schema before it, is an expression.
fn has_expression(db: &Connection, name: &str) -> SqlResult<bool> {
    let (schema, index) = name.split_once('.').unwrap_or(("main", name));
    let mut statement =
        db.prepare(&format!("PRAGMA {}.index_info({})", identifier(schema), literal(index)))?;
    let columns = statement.query_map([], |row| row.get::<_, i64>(1))?;
    for column in columns {
        if column? == -2 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `.databases`
pub fn databases(call: &mut Call<'_, '_>) -> Outcome {
    let db = call.db()?;
    let found = databases_of(&db);
    for (name, file) in call.sql(found)? {
        let number = db.raw().find_database(name.as_bytes());
        let read_only = number.is_some_and(|number| db.raw().is_read_only(number));
        let state = number.map_or(0, |number| db.raw().transaction_state(number));
        let file = if file.is_empty() { "\"\"".to_owned() } else { file };
        let transaction = ["", " read-txn", " write-txn"].get(state as usize).copied().unwrap_or_default();
        call.shell.line(&format!("{name}: {file} {}{transaction}", if read_only { "r/o" } else { "r/w" }))?;
    }
    Ok(Flow::Continue)
}

/// The columns of a view or virtual table, as the comment behind its statement shows them.
fn columns_comment(db: &Connection, schema: &str, name: &str) -> Option<String> {
    let sql = format!("SELECT name FROM pragma_table_xinfo({}, {})", literal(name), literal(schema));
    let named = |sql: &str| -> SqlResult<Vec<String>> {
        db.prepare(sql)?.query_map([], |row| row.get::<_, String>(0))?.collect()
    };
    let columns = named(&sql).or_else(|_| {
        let sql = format!("PRAGMA {}.table_xinfo({})", identifier(schema), literal(name));
        let mut statement = db.prepare(&sql)?;
        statement.query_map([], |row| row.get::<_, String>(1))?.collect::<SqlResult<Vec<String>>>()
    });
    let columns: Vec<String> = columns.ok()?.iter().map(|column| identifier(column)).collect();
    if columns.is_empty() {
        return None;
    }
    let owner = if schema == "main" { identifier(name) } else { format!("{schema}.{}", identifier(name)) };
    Some(format!("/* {owner}({}) */", columns.join(",")))
}

/// The columns of the schema table, as `.schema` shows it.
const SCHEMA_OF_SCHEMA: &str =
    "sqlite_schema (\n  type text,\n  name text,\n  tbl_name text,\n  rootpage integer,\n  sql text\n);";

/// The condition on `column` that a pattern stands for, its text being parameter 1: GLOB where it looks like one, else LIKE.
fn matching(column: &str, pattern: &str) -> String {
    if is_glob(pattern) {
        format!("lower({column}) GLOB ?1")
    } else {
        format!("lower({column}) LIKE ?1 ESCAPE '\\'")
    }
}

fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// `.schema`
pub fn schema(call: &mut Call<'_, '_>) -> Outcome {
    let (mut indent, mut no_system, mut pattern) = (false, false, None);
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if is_option(&text, "indent") {
            indent = true;
        } else if is_option(&text, "nosys") {
            no_system = true;
        } else if text.starts_with('-') {
            return call.shell.fail(&format!("Unknown option: \"{text}\""));
        } else if pattern.is_none() {
            // A GLOB minds the case of letters.
            pattern = Some(if is_glob(&text) { text } else { text.to_ascii_lowercase() });
        } else {
            return call.usage(".schema ?--indent? ?--nosys? ?LIKE-PATTERN?");
        }
    }
    let db = call.db()?;
    if let Some(pattern) = &pattern {
        let name = pattern.strip_prefix("temp.").unwrap_or(pattern);
        if matches!(name, "sqlite_master" | "sqlite_schema" | "sqlite_temp_master" | "sqlite_temp_schema") {
            let temporary = name.starts_with("sqlite_temp") || name != pattern;
            let text = format!("CREATE TABLE {}{SCHEMA_OF_SCHEMA}", if temporary { "temp." } else { "" });
            call.shell.line(&text)?;
        }
    }
    let found = schema_lines(&db, pattern.as_deref(), indent, no_system);
    for line in call.sql(found)? {
        call.shell.line(&line)?;
    }
    Ok(Flow::Continue)
}

fn schema_lines(
    db: &Connection,
    pattern: Option<&str>,
    indent: bool,
    no_system: bool,
) -> SqlResult<Vec<String>> {
    let mut lines = Vec::new();
    for (schema, _) in databases_of(db)? {
        let mut condition = "sql IS NOT NULL".to_owned();
        if no_system {
            condition.push_str(" AND name NOT LIKE 'sqlite_%'");
        }
        let full = format!("{}||'.'||tbl_name", literal(&schema));
        if let Some(pattern) = pattern {
            let column = if pattern.contains('.') { full.as_str() } else { "tbl_name" };
            condition.push_str(&format!(" AND {}", matching(column, pattern)));
        } else {
            condition.push_str(" AND ?1 IS NULL");
        }
        let sql =
            format!("SELECT type, name, sql FROM {} WHERE {condition} ORDER BY rowid", schema_table(&schema));
        let mut statement = db.prepare(&sql)?;
        let rows = statement.query_map([pattern], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        for row in rows {
            let (kind, name, sql) = row?;
            let text = if schema == "main" { sql } else { with_schema(&sql, &schema_prefix(&schema)) };
            let mut text = if indent && kind == "table" { indented(&text) } else { text };
            let is_virtual = text.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("create virtual"));
            if (kind == "view" || is_virtual)
                && let Some(comment) = columns_comment(db, &schema, &name)
            {
                text.push('\n');
                text.push_str(&comment);
            }
            lines.push(format!("{text};"));
        }
    }
    Ok(lines)
}

/// `.fullschema`
pub fn fullschema(call: &mut Call<'_, '_>) -> Outcome {
    let indent = match (call.count(), call.argument(1)) {
        (0, _) => false,
        (1, Some(text)) if is_option(text, "indent") => true,
        _ => return call.usage(".fullschema ?--indent?"),
    };
    let db = call.db()?;
    let lines = full_schema_lines(&db, indent);
    for line in call.sql(lines)? {
        call.shell.line(&line)?;
    }
    let statistics =
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'sqlite_stat[134]'", [], |row| {
            row.get::<_, i64>(0)
        });
    if call.sql(statistics)? == 0 {
        call.shell.line("/* No STAT tables available */")?;
        return Ok(Flow::Continue);
    }
    call.shell.line("ANALYZE sqlite_schema;")?;
    for table in ["sqlite_stat1", "sqlite_stat4"] {
        show_inserts(call, &db, table)?;
    }
    call.shell.line("ANALYZE sqlite_schema;")?;
    Ok(Flow::Continue)
}

fn full_schema_lines(db: &Connection, indent: bool) -> SqlResult<Vec<String>> {
    let mut lines = Vec::new();
    let sql = "SELECT sql, rowid AS place FROM sqlite_schema WHERE sql NOTNULL AND name NOT LIKE 'sqlite_%' \
               UNION ALL SELECT sql, rowid FROM temp.sqlite_schema WHERE sql NOTNULL AND name NOT LIKE 'sqlite_%' \
               ORDER BY place";
    let mut statement = db.prepare(sql)?;
    for text in statement.query_map([], |row| row.get::<_, String>(0))? {
        let text = text?;
        lines.push(format!("{};", if indent { indented(&text) } else { text }));
    }
    Ok(lines)
}

/// Shows a table's rows as INSERT statements, if there is one of the name.
fn show_inserts(call: &mut Call<'_, '_>, db: &Connection, table: &str) -> Result<(), Shown> {
    let present = call.shell.mode.clone();
    let mut mode = Mode { limits: Limits::default(), text_jsonb: false, ..present.clone() };
    mode.choose("insert");
    mode.titles = crate::output::Titles::Mode(false);
    mode.table_name = table.to_owned();
    call.shell.mode = mode;
    let shown = match db.prepare(&format!("SELECT * FROM {table}")) {
        Ok(mut statement) => call.shell.show_rows(db, &mut statement),
        Err(_) => Ok(()),
    };
    call.shell.mode = present;
    match shown {
        Ok(()) => Ok(()),
        Err(Failure::Sql(error)) => call.shell.fail(&format!("Error: {error}")),
        Err(Failure::Io(error)) => call.shell.written(Err(error)),
    }
}
