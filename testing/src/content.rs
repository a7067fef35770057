//! What a database holds, read with plain statements, so that two engines' views of a file can be compared.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::engine::{Engine, Value};
use crate::slt::literal_line;

/// Longer values are given by length and hash: a line is for reading.
const SHOWN_BYTES: usize = 60;

/// Every schema entry and every row, a line each.
pub fn of(engine: &mut dyn Engine) -> Vec<String> {
    let mut lines = Vec::new();
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    lines.extend(engine.rows(schema).iter().map(|row| literal_line(row)));
    let names = "SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name";
    for row in engine.rows(names) {
        let name = literal_line(&row);
        // Names are quoted as text, which FROM takes as well.
        lines.push(format!("table {name}"));
        lines.extend(engine.rows(&format!("SELECT * FROM {name}")).into_iter().map(short_line));
    }
    lines
}

fn short_line(mut row: Vec<Value>) -> String {
    for value in &mut row {
        let (kind, bytes) = match value {
            Value::Text(bytes) if bytes.len() > SHOWN_BYTES => ("text", &*bytes),
            Value::Blob(bytes) if bytes.len() > SHOWN_BYTES => ("blob", &*bytes),
            _ => continue,
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let short = format!("{kind} of {} bytes, {:016x}", bytes.len(), hasher.finish());
        *value = Value::Text(short.into_bytes());
    }
    literal_line(&row)
}

/// What the integrity check says, which is "ok" where all is well.
pub fn integrity(engine: &mut dyn Engine) -> String {
    let rows = engine.rows("PRAGMA integrity_check");
    let text = rows.iter().map(|row| literal_line(row)).collect::<Vec<_>>().join("\n");
    if text == "'ok'" { "ok".to_string() } else { text }
}

/// Panics with the first lines that differ.
pub fn assert_same(left: &[String], right: &[String], what: &str) {
    let first = left.iter().zip(right).position(|(left, right)| left != right);
    if let Some(at) = first {
        panic!("{what}: line {at} differs:\n  {}\n  {}", left[at], right[at]);
    }
    assert_eq!(left.len(), right.len(), "{what}: one has more lines");
}
