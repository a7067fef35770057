//! Copies of whole databases: `.backup`, `.save`, `.restore`, `.clone`.

use kernite::connection::raw::Backup;
use kernite::{Connection, OpenFlags, Result as SqlResult};

use super::objects::{identifier, literal};
use super::{Call, is_option};
use crate::shell::{Flow, Shown};

type Outcome = Result<Flow, Shown>;

/// Opens the other database of a copy.
fn open_other(call: &mut Call<'_, '_>, file: &str) -> Result<Connection, Shown> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
    match Connection::open_with_flags(file, flags) {
        Ok(db) => Ok(db),
        Err(_) => call.shell.fail(&format!("Error: cannot open \"{file}\"")),
    }
}

/// Copies a whole database over another.
fn copy(
    call: &mut Call<'_, '_>,
    (target, target_number): (&Connection, usize),
    (source, source_number): (&Connection, usize),
) -> Outcome {
    let copied = Backup::new(target.raw(), target_number, source.raw(), source_number)
        .and_then(|mut backup| backup.step(u32::MAX));
    match copied {
        Ok(_) => Ok(Flow::Continue),
        Err(error) => call.shell.fail(&format!("Error: {}", kernite::Error::from(error))),
    }
}

/// `.backup` and `.save`
pub fn backup(call: &mut Call<'_, '_>) -> Outcome {
    let mut words = Vec::new();
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if is_option(&text, "async") {
            // A copy is written as any database is; that is slower, not wrong.
        } else if is_option(&text, "append") {
            return call.fail("-append is not supported");
        } else if text.starts_with('-') {
            return call.shell.fail(&format!("unknown option: {text}"));
        } else {
            words.push(text);
        }
    }
    let (schema, file) = match words.as_slice() {
        [] => return call.shell.fail("missing FILENAME argument on .backup"),
        [file] => ("main", file.as_str()),
        [schema, file] => (schema.as_str(), file.as_str()),
        _ => return call.usage(".backup ?DB? ?OPTIONS? FILENAME"),
    };
    let db = call.db()?;
    let Some(number) = db.raw().find_database(schema.as_bytes()) else {
        return call.shell.fail(&format!("Error: unknown database {schema}"));
    };
    let other = open_other(call, file)?;
    copy(call, (&other, 0), (&db, number))
}

/// `.restore`
pub fn restore(call: &mut Call<'_, '_>) -> Outcome {
    let (schema, file) = match call.count() {
        1 => ("main".to_owned(), call.argument(1).unwrap_or_default().to_owned()),
        2 => {
            (call.argument(1).unwrap_or_default().to_owned(), call.argument(2).unwrap_or_default().to_owned())
        }
        _ => return call.usage(".restore ?DB? FILE"),
    };
    let db = call.db()?;
    let Some(number) = db.raw().find_database(schema.as_bytes()) else {
        return call.shell.fail(&format!("Error: unknown database {schema}"));
    };
    let other = open_other(call, &file)?;
    copy(call, (&db, number), (&other, 0))
}

/// `.clone`
pub fn clone(call: &mut Call<'_, '_>) -> Outcome {
    let Some(file) = call.argument(1).map(str::to_owned).filter(|_| call.count() == 1) else {
        return call.usage(".clone FILENAME");
    };
    if std::fs::exists(&file).unwrap_or(true) {
        return call.shell.fail(&format!("File \"{file}\" already exists."));
    }
    let db = call.db()?;
    let other = open_other(call, &file)?;
    let begun = other.execute_batch("PRAGMA writable_schema=ON; BEGIN EXCLUSIVE");
    call.sql(begun)?;
    let tables = statements(&db, "type='table' AND sql NOT NULL ORDER BY name='sqlite_sequence', rowid");
    for (name, sql) in call.sql(tables)? {
        if name != "sqlite_sequence" {
            call.shell.write(format!("{name}... ").as_bytes())?;
        }
        let copied = copy_table(&db, &other, &name, &sql);
        call.sql(copied)?;
        call.shell.line("done")?;
    }
    let others = statements(&db, "type<>'table' AND sql NOT NULL ORDER BY rowid");
    for (name, sql) in call.sql(others)? {
        call.shell.write(format!("{name}... ").as_bytes())?;
        let made = other.execute_batch(&sql);
        call.sql(made)?;
        call.shell.line("done")?;
    }
    let committed = other.execute_batch("COMMIT; PRAGMA writable_schema=OFF");
    call.sql(committed)?;
    Ok(Flow::Continue)
}

fn statements(db: &Connection, condition: &str) -> SqlResult<Vec<(String, String)>> {
    let mut statement = db.prepare(&format!("SELECT name, sql FROM sqlite_schema WHERE {condition}"))?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn copy_table(from: &Connection, to: &Connection, name: &str, sql: &str) -> SqlResult<()> {
    if name == "sqlite_sequence" {
        // A table with AUTOINCREMENT has made it.
        to.execute_batch("DELETE FROM sqlite_sequence")?;
    } else if name.starts_with("sqlite_stat") {
        to.execute_batch("ANALYZE sqlite_schema")?;
    } else {
        to.execute_batch(sql)?;
    }
    let mut columns = from.prepare(&format!("PRAGMA table_info({})", literal(name)))?;
    let names = columns.query_map([], |row| row.get::<_, String>(1))?.collect::<SqlResult<Vec<_>>>()?;
    let names: Vec<String> = names.iter().map(|column| identifier(column)).collect();
    let mut rows = from.prepare(&format!("SELECT {} FROM {}", names.join(","), identifier(name)))?;
    let marks = vec!["?"; names.len()].join(",");
    let sql = format!("INSERT OR IGNORE INTO {}({}) VALUES({marks})", identifier(name), names.join(","));
    let mut insert = to.prepare(&sql)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|column| row.get::<_, kernite::types::Value>(column));
        insert.execute(kernite::params_from_iter(values.collect::<SqlResult<Vec<_>>>()?))?;
    }
    Ok(())
}
