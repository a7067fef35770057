//! `.import`: rows of a text into a table.
//!
//! A table that is missing is made with the first row's fields as its columns' names. Names that occur twice get a number.
//! All rows go in as one transaction.

use std::io::{BufRead, BufReader, Cursor};
use std::process::Stdio;

use kernite::types::{ToSqlOutput, ValueRef};
use kernite::{Connection, Result as SqlResult, ToSql, params_from_iter};

use super::objects::{identifier, literal};
use super::{Call, is_option};
use crate::fields::{End, Fields, Format};
use crate::output::Style;
use crate::shell::{Flow, Shown};
use crate::sink::shell;

#[derive(Default)]
struct Options {
    file: String,
    table: String,
    ascii: bool,
    csv: bool,
    column: Option<String>,
    row: Option<String>,
    escape: Option<String>,
    quoted_escape: Option<String>,
    schema: Option<String>,
    skip: usize,
    verbose: bool,
}

fn options(call: &mut Call<'_, '_>) -> Result<Options, Shown> {
    let mut options = Options::default();
    let (mut file, mut table) = (None, None);
    let mut at = 1;
    while let Some(text) = call.argument(at).map(str::to_owned) {
        if !text.starts_with('-') {
            if file.is_none() {
                file = Some(text);
            } else if table.is_none() {
                table = Some(text);
            } else {
                return call.fail_at(at, "unknown argument");
            }
        } else if is_option(&text, "v") {
            options.verbose = true;
        } else if is_option(&text, "ascii") {
            options.ascii = true;
        } else if is_option(&text, "csv") {
            options.csv = true;
        } else if ["schema", "skip", "colsep", "rowsep", "esc", "qesc"]
            .iter()
            .any(|name| is_option(&text, name))
        {
            let Some(value) = call.argument(at + 1).map(str::to_owned) else {
                let end = call.arguments.len();
                return call.fail_at(end, "missing argument");
            };
            at += 1;
            match text.trim_start_matches('-') {
                "schema" => options.schema = Some(value),
                "skip" => options.skip = value.parse().unwrap_or(0),
                "colsep" => options.column = Some(value),
                "rowsep" => options.row = Some(value),
                "esc" => options.escape = Some(value),
                _ => options.quoted_escape = Some(value),
            }
        } else {
            return call.fail_at(at, "unknown option");
        }
        at += 1;
    }
    options.file = match file {
        Some(file) => file,
        None => return call.fail("Missing FILE argument"),
    };
    options.table = match table {
        Some(table) => table,
        None => return call.fail("Missing TABLE argument"),
    };
    Ok(options)
}

/// A field to be stored as text, whatever its bytes; `None` is NULL.
struct Field(Option<Vec<u8>>);

impl ToSql for Field {
    fn to_sql(&self) -> SqlResult<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0.as_deref().map_or(ValueRef::Null, ValueRef::Text)))
    }
}

/// What ends fields and rows, by options and else by the present mode.
fn format(call: &mut Call<'_, '_>, options: &Options) -> Result<Format, Shown> {
    let mode = &call.shell.mode;
    let ascii = options.ascii || (!options.csv && mode.name == "ascii");
    let is_list = mode.style == Style::List;
    let (column, row) = if options.csv {
        (",", "\n")
    } else if options.ascii {
        ("\x1f", "\x1e")
    } else if is_list {
        (mode.column_separator.as_str(), mode.row_separator.as_str())
    } else {
        (",", "\n")
    };
    let column = options.column.as_deref().unwrap_or(column).as_bytes().to_vec();
    let row = options.row.as_deref().unwrap_or(row).as_bytes().to_vec();
    let row = if row == b"\r\n" { b"\n".to_vec() } else { row };
    let quotes = !(ascii || (!options.csv && mode.name == "tabs"));
    let (Some(&column), Some(&row)) = (column.first(), row.first()) else {
        return call.shell.fail("Error: non-null column and row separators required for import");
    };
    if !column.is_ascii() {
        return call.shell.fail("Error: .import column separator must be ASCII");
    }
    if !row.is_ascii() {
        return call.shell.fail("Error: .import row separator must be ASCII");
    }
    let first = |text: &Option<String>| text.as_ref().and_then(|text| text.bytes().next());
    Ok(Format {
        column,
        row,
        quotes,
        escape: first(&options.escape),
        quoted_escape: first(&options.quoted_escape),
    })
}

/// The text to import, its name, and the number of its first line.
fn open(
    call: &mut Call<'_, '_>,
    file: &str,
    format: Format,
) -> Result<(Box<dyn BufRead>, String, usize), Shown> {
    if let Some(end) = file.strip_prefix("<<") {
        let first = call.source.line;
        let mut text = Vec::new();
        loop {
            let line = match call.source.next_line(None) {
                Ok(Some(line)) => line,
                Ok(None) => {
                    let prefix = call.shell.error_prefix.clone();
                    let place = prefix.unwrap_or_else(|| format!("line {first}:"));
                    return call.shell.fail(&format!("{place} Content terminator \"{end}\" not found."));
                }
                Err(error) => return call.shell.fail(&format!("Error: {error}")),
            };
            if line.starts_with(end.as_bytes()) {
                if format.row != b'\n' {
                    // The newline before the end is not of the data.
                    text.pop();
                }
                return Ok((Box::new(Cursor::new(text)), call.source.data_name(), first + 1));
            }
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
    }
    let opened: std::io::Result<Box<dyn BufRead>> = match file.strip_prefix('|') {
        Some(command) => shell(command).stdout(Stdio::piped()).spawn().and_then(|mut child| {
            let output = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
            Ok(Box::new(BufReader::new(output)) as Box<dyn BufRead>)
        }),
        None => std::fs::File::open(file).map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>),
    };
    match opened {
        Ok(input) => Ok((input, file.to_owned(), 1)),
        Err(_) => call.fail(&format!("cannot open \"{file}\"")),
    }
}

/// Names of the columns that rows go into; `None` if there is no such table. Generated columns take no values.
fn columns(db: &Connection, schema: Option<&str>, table: &str) -> SqlResult<Option<usize>> {
    let schema = schema.map_or_else(String::new, |schema| format!("{}.", identifier(schema)));
    let mut statement = db.prepare(&format!("PRAGMA {schema}table_info({})", literal(table)))?;
    let mut count = 0;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok((count > 0).then_some(count))
}

/// Makes names that differ, also in the case of their letters: those that occur twice get a number, as wide as the last one's.
fn distinct(names: Vec<String>) -> (Vec<String>, Vec<(String, String)>) {
    let names: Vec<String> =
        names.into_iter().map(|name| if name.is_empty() { "?".to_owned() } else { name }).collect();
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let occurs = |name: &String| lower.iter().filter(|other| *other == name).count();
    if lower.iter().all(|name| occurs(name) == 1) {
        return (names, Vec::new());
    }
    let mut digits = names.len().to_string().len();
    loop {
        let renamed: Vec<String> =
            names
                .iter()
                .zip(&lower)
                .enumerate()
                .map(|(index, (name, lower))| {
                    if occurs(lower) > 1 { format!("{name}_{:01$}", index + 1, digits) } else { name.clone() }
                })
                .collect();
        let mut sorted: Vec<String> = renamed.iter().map(|name| name.to_ascii_lowercase()).collect();
        sorted.sort();
        sorted.dedup();
        if sorted.len() == renamed.len() {
            let changed = names.iter().zip(&renamed).filter(|(old, new)| old != new);
            let changed = changed.map(|(old, new)| (old.clone(), new.clone())).collect();
            return (renamed, changed);
        }
        digits += 1;
    }
}

/// `.import`
pub fn import(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    let options = options(call)?;
    let format = format(call, &options)?;
    let db = call.db()?;
    let (input, name, first_line) = open(call, &options.file, format)?;
    let mut fields = Fields::new(input, format);
    fields.line = first_line;
    if options.verbose {
        let quoted = |byte: u8| {
            let mut out = Vec::new();
            crate::output::text::push_tcl_text(&[byte], &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let text =
            format!("Column separator {}, row separator {}", quoted(format.column), quoted(format.row));
        call.shell.line(&text)?;
    }
    for _ in 0..options.skip {
        let skipped = fields.skip_row();
        if !read(call, skipped)? {
            break;
        }
    }
    let known = columns(&db, options.schema.as_deref(), &options.table);
    let count = match call.sql(known)? {
        Some(count) => count,
        None => match make_table(call, &db, &options, &name, &mut fields)? {
            Some(count) => count,
            None => return Ok(Flow::Continue),
        },
    };
    insert_all(call, &db, &options, (&name, first_line), &mut fields, count)
}

fn read<T>(call: &mut Call<'_, '_>, result: std::io::Result<T>) -> Result<T, Shown> {
    result.or_else(|error| call.shell.fail(&format!("Error: {error}")))
}

/// Makes the table with the names of the first row; the number of its columns.
fn make_table<R: BufRead>(
    call: &mut Call<'_, '_>,
    db: &Connection,
    options: &Options,
    name: &str,
    fields: &mut Fields<R>,
) -> Result<Option<usize>, Shown> {
    let mut names = Vec::new();
    loop {
        let next = fields.next();
        match read(call, next)? {
            None => break,
            Some((field, end)) => {
                names.push(String::from_utf8_lossy(&field).into_owned());
                if end != End::Column {
                    break;
                }
            }
        }
    }
    if names.is_empty() {
        return call.shell.fail(&format!("{name}: empty file")).or(Ok(None));
    }
    let (names, renamed) = distinct(names);
    if !renamed.is_empty() {
        let list: Vec<String> = renamed.iter().map(|(old, new)| format!("\"{old}\" to \"{new}\"")).collect();
        let text = format!("Columns renamed during .import {name} due to duplicates:\n{}", list.join(",\n"));
        call.shell.message(&text);
    }
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let columns: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let schema = options.schema.as_deref().unwrap_or("main");
    let sql = format!("CREATE TABLE {}.{}(\n{})", quoted(schema), quoted(&options.table), columns.join(", "));
    if options.verbose {
        call.shell.line(&format!("{sql}\n"))?;
    }
    let made = db.execute_batch(&sql);
    if let Err(error) = made {
        return call.shell.fail(&format!("{sql} failed:\n{error}"));
    }
    Ok(Some(names.len()))
}

fn insert_all<R: BufRead>(
    call: &mut Call<'_, '_>,
    db: &Connection,
    options: &Options,
    (name, first_line): (&str, usize),
    fields: &mut Fields<R>,
    count: usize,
) -> Result<Flow, Shown> {
    let schema =
        options.schema.as_deref().map_or_else(String::new, |schema| format!("{}.", identifier(schema)));
    let marks = vec!["?"; count].join(",");
    let prepared = db.prepare(&format!("INSERT INTO {schema}{} VALUES({marks})", identifier(&options.table)));
    let mut insert = call.sql(prepared)?;
    let own_transaction = db.is_autocommit();
    if own_transaction {
        let begun = db.execute_batch("BEGIN");
        call.sql(begun)?;
    }
    let (mut added, mut errors) = (0u64, 0u64);
    let outcome = loop {
        let line = fields.line;
        match next_row(call, fields, name, count) {
            Ok(None) => break Ok(Flow::Continue),
            Err(shown) => break Err(shown),
            Ok(Some(row)) => match insert.execute(params_from_iter(row.iter())) {
                Ok(_) => added += 1,
                Err(error) => {
                    call.shell.message(&format!("{name}:{line}: INSERT failed: {error}"));
                    errors += 1;
                    if call.shell.bail {
                        break Err(Shown);
                    }
                }
            },
        }
    };
    drop(insert);
    if own_transaction {
        let committed = db.execute_batch("COMMIT");
        call.sql(committed)?;
    }
    if options.verbose {
        let lines = fields.line - first_line;
        call.shell.line(&format!("Added {added} rows with {errors} errors using {lines} lines of input"))?;
    }
    if errors > 0 { Err(Shown) } else { outcome }
}

/// The fields of the next row, as many as the table has columns.
fn next_row<R: BufRead>(
    call: &mut Call<'_, '_>,
    fields: &mut Fields<R>,
    name: &str,
    count: usize,
) -> Result<Option<Vec<Field>>, Shown> {
    let line = fields.line;
    let mut row: Vec<Field> = Vec::with_capacity(count);
    let mut found = 0;
    loop {
        let next = fields.next();
        if let Some(warning) = fields.warning.take() {
            call.shell.message(&format!("{name}:{warning}"));
        }
        let Some((field, end)) = read(call, next)? else {
            if found == 0 {
                return Ok(None);
            }
            break;
        };
        found += 1;
        if found <= count {
            row.push(Field(Some(field)));
        }
        match end {
            End::Column => {}
            // A file that ends behind a newline has no row there.
            End::Row | End::Input => break,
        }
    }
    if found < count {
        call.shell.message(&format!(
            "{name}:{line}: expected {count} columns but found {found} - filling the rest with NULL"
        ));
        row.resize_with(count, || Field(None));
    } else if found > count {
        call.shell
            .message(&format!("{name}:{line}: expected {count} columns but found {found} - extras ignored"));
    }
    Ok(Some(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        distinct(list.iter().map(|name| (*name).to_owned()).collect()).0
    }

    #[test]
    fn names_that_occur_twice_get_numbers() {
        assert_eq!(
            names(&["", "x", "x", "y", "z", "z_0", "z_5", "z"]),
            ["?", "x_02", "x_03", "y", "z_05", "z_0", "z_5", "z_08"]
        );
        assert_eq!(names(&["COW", "cow", "CoW", "cOw"]), ["COW_1", "cow_2", "CoW_3", "cOw_4"]);
        assert_eq!(names(&["a", "b"]), ["a", "b"]);
    }
}
