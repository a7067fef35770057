//! `.lint fkey-indexes`: foreign keys whose child columns have no index to find them by.
//!
//! For each it writes the CREATE INDEX that would help, with the parent's collations, since the parent's are what is compared.

use kernite::{Connection, Result as SqlResult};

use super::objects::{identifier, literal};
use super::{Call, is_option};
use crate::shell::{Flow, Shown};

/// A foreign key.
struct ForeignKey {
    child: String,
    parent: String,
    /// Child column and parent column.
    columns: Vec<(String, String)>,
}

/// `.lint`
pub fn lint(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    const USAGE: &str = ".lint sub-command ?switches...?\nWhere sub-commands are:\n    fkey-indexes";
    if !call.argument(1).is_some_and(|text| !text.is_empty() && "fkey-indexes".starts_with(text)) {
        return call.usage(USAGE);
    }
    let (mut verbose, mut group_by_parent) = (false, false);
    for number in 2..=call.count() {
        if call.is_option(number, "verbose") || call.is_option(number, "v") {
            verbose = true;
        } else if call.argument(number).is_some_and(|text| is_option(text, "groupbyparent")) {
            group_by_parent = true;
        } else {
            return call.usage(".lint fkey-indexes ?-verbose? ?-groupbyparent?");
        }
    }
    let db = call.db()?;
    let found = foreign_keys(&db);
    let mut keys = call.sql(found)?;
    if group_by_parent {
        keys.sort_by(|a, b| a.parent.cmp(&b.parent));
    }
    for key in &keys {
        let indexed = is_indexed(&db, key);
        if call.sql(indexed)? {
            if verbose {
                call.shell.line(&format!("/* no extra indexes required for {} */", key.child))?;
            }
            continue;
        }
        let text = suggestion(&db, key);
        let text = call.sql(text)?;
        call.shell.line(&text)?;
    }
    Ok(Flow::Continue)
}

fn foreign_keys(db: &Connection) -> SqlResult<Vec<ForeignKey>> {
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<SqlResult<Vec<_>>>()?;
    let mut keys = Vec::new();
    for child in tables {
        let mut list = db.prepare(&format!("PRAGMA foreign_key_list({})", literal(&child)))?;
        let rows = list.query_map([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        })?;
        let mut last = None;
        for row in rows {
            let (number, parent, from, to) = row?;
            if last != Some(number) {
                keys.push(ForeignKey { child: child.clone(), parent: parent.clone(), columns: Vec::new() });
                last = Some(number);
            }
            let Some(key) = keys.last_mut() else { continue };
            let to = match to {
                Some(to) => to,
                None => key_column(db, &parent, key.columns.len())?,
            };
            key.columns.push((from, to));
        }
    }
    Ok(keys)
}

/// A column of a table's primary key.
fn key_column(db: &Connection, table: &str, position: usize) -> SqlResult<String> {
    let mut info = db.prepare(&format!("PRAGMA table_info({})", literal(table)))?;
    let rows = info.query_map([], |row| Ok((row.get::<_, String>(1)?, row.get::<_, i64>(5)?)))?;
    for row in rows {
        let (name, key) = row?;
        if key == position as i64 + 1 {
            return Ok(name);
        }
    }
    Ok(String::new())
}

/// The condition that all columns have values, as a look-up for a parent would.
fn condition(key: &ForeignKey) -> String {
    let term = |(column, parent): &(String, String)| {
        // The parent's column on the left gives the comparison its affinity and collation.
        format!(
            "{}.{}={}.{}",
            identifier(&key.parent),
            identifier(parent),
            identifier(&key.child),
            identifier(column)
        )
    };
    key.columns.iter().map(term).collect::<Vec<_>>().join(" AND ")
}

fn is_indexed(db: &Connection, key: &ForeignKey) -> SqlResult<bool> {
    // A table that refers to itself needs two names.
    let child = identifier(&key.child);
    let parent = identifier(&key.parent);
    let sql = if key.child.eq_ignore_ascii_case(&key.parent) {
        let term = |(column, to): &(String, String)| format!("p.{}=c.{}", identifier(to), identifier(column));
        let terms = key.columns.iter().map(term).collect::<Vec<_>>().join(" AND ");
        format!("EXPLAIN QUERY PLAN SELECT 1 FROM {parent} AS p CROSS JOIN {child} AS c WHERE {terms}")
    } else {
        format!("EXPLAIN QUERY PLAN SELECT 1 FROM {parent} CROSS JOIN {child} WHERE {}", condition(key))
    };
    let mut plan = db.prepare(&sql)?;
    let details = plan.query_map([], |row| row.get::<_, String>(3))?.collect::<SqlResult<Vec<_>>>()?;
    let Some(detail) = details.get(1) else { return Ok(false) };
    let terms = detail.matches("=?").count();
    let by_rowid = detail.contains("INTEGER PRIMARY KEY");
    let searches = detail.starts_with("SEARCH") && !detail.contains("AUTOMATIC");
    Ok(searches && (by_rowid || terms == key.columns.len()))
}

fn collation(db: &Connection, table: &str, column: &str) -> SqlResult<String> {
    let found = db.raw().column_metadata(None, table.as_bytes(), Some(column.as_bytes()))?;
    Ok(String::from_utf8_lossy(&found.collation).into_owned())
}

fn suggestion(db: &Connection, key: &ForeignKey) -> SqlResult<String> {
    let mut columns = Vec::new();
    for (column, parent) in &key.columns {
        let own = collation(db, &key.child, column)?;
        let wanted = collation(db, &key.parent, parent)?;
        let same = own.eq_ignore_ascii_case(&wanted);
        columns.push(if same { literal(column) } else { format!("{} COLLATE {wanted}", literal(column)) });
    }
    let names: Vec<&str> = key.columns.iter().map(|(column, _)| column.as_str()).collect();
    let parents: Vec<&str> = key.columns.iter().map(|(_, parent)| parent.as_str()).collect();
    Ok(format!(
        "CREATE INDEX {} ON {}({}); --> {}({})",
        literal(&format!("{}_{}", key.child, names.join("_"))),
        literal(&key.child),
        columns.join(", "),
        key.parent,
        parents.join(",")
    ))
}
