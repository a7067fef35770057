//! Opening a disk, as it was left, with one of the engines in a quiet world.
//!
//! Never: changing the disk that it is given; it works on a copy.

use crate::engine::{Engine, Patience, SqlError, Value, Which};
use crate::history::LEDGER;
use crate::process::{Life, catching};
use crate::workload::Workload;
use crate::world::World;
use crate::world::disk::Disk;

/// What an engine found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// Tickets in the order of the ledger, each with its place.
    pub ledger: Vec<(i64, i64)>,
    /// The content, a line per schema entry and row.
    pub dump: Vec<String>,
    /// What is wrong with it.
    pub complaints: Vec<String>,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The content of a database, independent of pages and rowids that nobody can see.
pub fn dump(engine: &mut dyn Engine, workload: &dyn Workload) -> Result<Vec<String>, SqlError> {
    let mut lines = Vec::new();
    dump_database(engine, "main", &mut lines)?;
    if let Some(attached) = workload.attached() {
        dump_database(engine, attached.name, &mut lines)?;
    }
    Ok(lines)
}

fn dump_database(engine: &mut dyn Engine, database: &str, lines: &mut Vec<String>) -> Result<(), SqlError> {
    let schema = engine.must(&format!(
        "SELECT type, name, tbl_name, sql FROM {database}.sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name"
    ))?;
    lines.extend(schema.rows.iter().map(|row| format!("{row:?}")));
    for row in &schema.rows {
        let [Value::Text(kind), Value::Text(name), ..] = row.as_slice() else { continue };
        if kind != b"table" {
            continue;
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let rows = engine.must(&format!("SELECT * FROM {database}.{}", quoted(&name)))?;
        let mut shown: Vec<String> = rows.rows.iter().map(|row| line_of(&name, row)).collect();
        shown.sort_unstable();
        lines.extend(shown);
    }
    Ok(())
}

fn line_of(table: &str, row: &[Value]) -> String {
    let mut hash = 0u64;
    for value in row {
        let bytes: &[u8] = match value {
            Value::Text(bytes) | Value::Blob(bytes) => bytes,
            _ => &[],
        };
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    // Long values are shown by their beginning; the hash tells the rest apart.
    format!("{table}: {row:?} #{hash:x}")
}

fn look(engine: &mut dyn Engine, workload: &dyn Workload) -> Result<Recovered, SqlError> {
    if let Some(attached) = workload.attached() {
        engine.must(&attached.sql(false))?;
    }
    let tickets = engine.must(&format!("SELECT seq, ticket FROM {LEDGER} ORDER BY seq"))?;
    let ledger = tickets.rows.iter().filter_map(|row| match row.as_slice() {
        [Value::Integer(place), Value::Integer(ticket)] => Some((*place, *ticket)),
        _ => None,
    });
    let ledger = ledger.collect();
    let dump = dump(engine, workload)?;
    let mut complaints = Vec::new();
    let checked = engine.must("PRAGMA integrity_check")?;
    if checked.rows != [[Value::Text(b"ok".to_vec())]] {
        complaints.push(format!("integrity_check: {:?}", checked.rows));
    }
    for invariant in workload.invariants() {
        let found = engine.must(invariant.sql)?.integer();
        if found != Some(invariant.expected) {
            complaints.push(format!("{} gives {found:?} and not {}", invariant.sql, invariant.expected));
        }
    }
    // It must take the next transaction, whatever happened to the last ones.
    engine.must("BEGIN IMMEDIATE")?;
    engine.must(&format!("INSERT INTO {LEDGER}(ticket) VALUES(-1)"))?;
    engine.must(&format!("DELETE FROM {LEDGER} WHERE ticket=-1"))?;
    engine.must("COMMIT")?;
    Ok(Recovered { ledger, dump, complaints })
}

/// Opens `disk` with `which` and looks around.
///
/// # Errors
/// What went wrong, where it could not be opened or read.
pub fn recover(
    disk: &Disk,
    path: &str,
    which: Which,
    workload: &dyn Workload,
) -> Result<(Recovered, Disk), String> {
    let world = World::quiet(disk.clone());
    let looked = catching(|| {
        let life = Life::alone(&world);
        let mut engine = which.connect(&life, path, Patience::NONE)?;
        look(&mut *engine, workload)
    });
    let outcome = world.end();
    let mut recovered = looked
        .map_err(|panic| format!("{}: {panic}", which.name()))?
        .map_err(|error| format!("{}: {error}", which.name()))?;
    recovered.complaints.extend(outcome.violations);
    recovered.complaints.extend(outcome.left_behind);
    Ok((recovered, outcome.disk))
}
