//! Texts as values: JSON, dates, numbers. Each goes through the functions that parse it, on both engines, with the same result.
//!
//! Never: the present time, or the place where the machine stands.

use std::cell::RefCell;

use super::text_of;
use crate::engine::{Engine, Kernite, Sqlite, Value};

thread_local! {
    static PAIR: RefCell<Option<(Kernite, Sqlite)>> = const { RefCell::new(None) };
}

/// Whether two values are one; a NaN, which SQL does not have, is none.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Real(left), Value::Real(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

/// Asks both engines each of `queries`, in which `?` stands for the text.
fn ask(text: &str, queries: &[&str]) -> Result<(), String> {
    let literal = format!("'{}'", text.replace('\'', "''"));
    PAIR.with(|cell| {
        let mut cell = cell.borrow_mut();
        let (kernite, sqlite) = cell.get_or_insert_with(|| {
            let (kernite, sqlite) = (Kernite::memory(), Sqlite::memory());
            kernite.bound();
            sqlite.bound();
            (kernite, sqlite)
        });
        for query in queries {
            let sql = query.replace('?', &literal);
            let (ours, theirs) = (kernite.run(&sql), sqlite.run(&sql));
            let rows = ours.rows.len() == theirs.rows.len()
                && ours.rows.iter().flatten().zip(theirs.rows.iter().flatten()).all(|(a, b)| same(a, b));
            // Of several faults each engine names the one that it meets first.
            let both_fail = ours.failure.is_some() && theirs.failure.is_some();
            if !rows || !both_fail && ours.failure != theirs.failure {
                return Err(format!(
                    "{sql}\n  SQLite:  {:?} {:?}\n  Kernite: {:?} {:?}",
                    theirs.rows, theirs.failure, ours.rows, ours.failure
                ));
            }
        }
        Ok(())
    })
}

/// JSON and JSON5 text, and paths; and the bytes themselves as JSONB.
pub(super) fn json(bytes: &[u8]) -> Result<(), String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let blob = format!("x'{hex}'");
    let of_blob = [
        "json_valid(?, 8)",
        "json_valid(?, 4)",
        "json(?)",
        "json_type(?)",
        "json_array_length(?)",
        "json_pretty(?)",
        "json_extract(?, '$[0]', '$.a')",
        "json_set(?, '$.a', 1)",
        "json_remove(?, '$[0]')",
    ];
    let of_blob: Vec<String> =
        of_blob.iter().map(|call| format!("SELECT {}", call.replace('?', &blob))).collect();
    ask("", &of_blob.iter().map(String::as_str).collect::<Vec<_>>())?;
    let Some(text) = text_of(bytes) else { return Ok(()) };
    ask(
        text,
        &[
            "SELECT json_valid(?), json_valid(?, 2), json_error_position(?)",
            "SELECT json(?)",
            "SELECT hex(jsonb(?))",
            "SELECT json_pretty(?)",
            "SELECT json_type(?), json_array_length(?)",
            "SELECT json_extract(?, '$.a', '$[#-1]'), ? -> 0, ? ->> 'a'",
            "SELECT json_patch(?, '{\"a\": null, \"b\": [1]}'), json_patch('{\"a\": 1}', ?)",
            "SELECT json_set(?, '$.a[#]', 7), json_insert(?, '$[1]', 'x'), json_remove(?, '$.a', '$[0]')",
            "SELECT key, value, type, atom, fullkey, path FROM json_tree(?)",
            "SELECT json_extract('{\"a\": [1, {\"b\": null}], \"c d\": 2}', ?)",
            "SELECT json_quote(?), json_array(?, json('[]')), json_object('k', ?)",
        ],
    )
}

/// A date, and as a modifier.
pub(super) fn datetime(bytes: &[u8]) -> Result<(), String> {
    let Some(text) = text_of(bytes) else { return Ok(()) };
    let lower = text.to_ascii_lowercase();
    if lower.trim().is_empty() || ["now", "local", "utc", "subsec"].iter().any(|word| lower.contains(word)) {
        return Ok(());
    }
    ask(
        text,
        &[
            "SELECT datetime(?), date(?), time(?), julianday(?), unixepoch(?)",
            "SELECT datetime(?, 'subsec'), datetime(?, '+1 month'), datetime(?, 'weekday 3'), datetime(?, 'auto')",
            "SELECT strftime('%Y %m %d %H:%M:%f %j %J %s %w %W %G-%V %U %I %p %R %T %F %e %k %l %u', ?)",
            "SELECT datetime('2024-02-29 12:34:56.789', ?), julianday(2460000.5, ?), date('2023-01-31', ?, 'floor')",
            "SELECT strftime(?, '2024-02-29 12:34:56.789')",
            "SELECT timediff(?, '2001-02-03 04:05:06'), timediff('2020-02-29', ?)",
        ],
    )
}

/// A number, as text and as SQL writes it.
pub(super) fn number(bytes: &[u8]) -> Result<(), String> {
    let Some(text) = text_of(bytes) else { return Ok(()) };
    ask(
        text,
        &[
            "SELECT CAST(? AS INTEGER), CAST(? AS REAL), CAST(? AS NUMERIC), ? + 0, -?, ? * 1.5, abs(?)",
            "SELECT ? = 1, ? < 10, 0.5 < ?, typeof(? + 0), round(?, 2), round(?)",
            "SELECT printf('%d %i %x %o %g %e %f %.3f %!.20g %,d', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "SELECT CAST(CAST(? AS REAL) AS TEXT), CAST(CAST(? AS NUMERIC) AS TEXT), hex(?), unhex(?), quote(? + 0)",
        ],
    )?;
    let is_literal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+- ".contains(&byte));
    if is_literal && text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains("--") {
        ask("", &[&format!("SELECT {text} AS n, typeof({text}), CAST({text} AS TEXT)")])?;
    }
    Ok(())
}
