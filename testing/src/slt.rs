//! Runs sqllogictest scripts on any [`Engine`].
//!
//! The crate `sqllogictest` parses; running is ours, because how a value is written depends on the type letter of its query:
//! `I` as C's `%d` of 32 bits, `R` as `%.3f`, `T` as text with unprintable bytes replaced. Where a script gives a long result as its
//! MD5, ours is hashed too, and queries with the same label have to agree with each other.
//!
//! An error while rows are fetched only ends the rows, as in the original runner.
//!
//! Our own scripts use one letter more, `Q`, alone and for any number of columns: each row is a line, its values written as SQL literals with
//! `|` between them, and a failure is a line of its own with code and message. So a type, a digit or an error text that differs is seen.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use md5::{Digest, Md5};
use sqllogictest::{ColumnType, QueryExpect, Record, SortMode, StatementExpect};

use crate::engine::{Engine, Outcome, Value};

/// A type letter, kept as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter(char);

impl ColumnType for Letter {
    fn from_char(value: char) -> Option<Letter> {
        matches!(value, 'I' | 'R' | 'T' | 'Q').then_some(Letter(value))
    }

    fn to_char(&self) -> char {
        self.0
    }
}

/// How many records of a script ran, and which failed.
#[derive(Debug, Default)]
pub struct Report {
    pub statements: usize,
    pub queries: usize,
    /// Records for other engines.
    pub skipped: usize,
    pub failures: Vec<String>,
}

/// Failures kept per script; later ones usually follow from the first.
const FAILURES_MAX: usize = 20;

struct Runner<'a> {
    engine: &'a mut dyn Engine,
    report: Report,
    by_label: HashMap<String, String>,
}

/// Runs a script. `name` stands in messages.
pub fn run(name: &str, script: &str, engine: &mut dyn Engine) -> Report {
    let (script, skipped) = for_sqlite(script);
    let mut runner =
        Runner { engine, report: Report { skipped, ..Report::default() }, by_label: HashMap::new() };
    match sqllogictest::parse_with_name::<Letter>(&script, name) {
        Ok(records) => runner.run(records),
        Err(error) => runner.report.failures.push(format!("{name}: {error}")),
    }
    runner.report
}

/// The records of a script that are meant for SQLite, and how many are not. Comment lines are dropped before anything else, also inside
/// a record; dropped lines leave empty ones behind, so that places in messages stay true. (The crate knows no conditions on `halt`, and no
/// comments behind a condition.)
fn for_sqlite(script: &str) -> (String, usize) {
    let mut text = String::with_capacity(script.len());
    let (mut applies, mut is_inside, mut skipped) = (true, false, 0);
    for line in script.lines() {
        let condition = line.split('#').next().unwrap_or_default();
        let mut words = condition.split_ascii_whitespace();
        match (words.next(), words.next()) {
            _ if line.starts_with('#') => {
                // Inside a record an empty line would end it.
                if is_inside {
                    continue;
                }
            }
            (Some("onlyif"), Some(name)) if !is_inside => applies &= name == "sqlite",
            (Some("skipif"), Some(name)) if !is_inside => applies &= name != "sqlite",
            (None, _) if line.trim().is_empty() => {
                skipped += usize::from(is_inside && !applies);
                (applies, is_inside) = (true, false);
            }
            _ => {
                is_inside = true;
                if applies {
                    text.push_str(line);
                }
            }
        }
        text.push('\n');
    }
    (text, skipped)
}

/// Runs a file.
pub fn run_file(path: &Path, engine: &mut dyn Engine) -> Report {
    let script = std::fs::read(path).expect("the script can be read");
    run(&path.display().to_string(), &String::from_utf8_lossy(&script), engine)
}

impl Runner<'_> {
    fn run(&mut self, records: Vec<Record<Letter>>) {
        for record in records {
            if self.report.failures.len() >= FAILURES_MAX {
                self.report.failures.push("further failures are not shown".to_string());
                return;
            }
            match record {
                Record::Halt { .. } => return,
                Record::Statement { sql, expected, loc, .. } => {
                    self.statement(&sql, &expected, &loc.to_string());
                }
                Record::Query { sql, expected, loc, .. } => {
                    self.query(&sql, expected, &loc.to_string());
                }
                _ => {}
            }
        }
    }

    fn fail(&mut self, place: &str, sql: &str, why: &str) {
        self.report.failures.push(format!("{place}\n    {}\n  {why}", sql.replace('\n', "\n    ")));
    }

    fn statement(&mut self, sql: &str, expected: &StatementExpect, place: &str) {
        self.report.statements += 1;
        let failure = self.engine.run_all(sql);
        match (expected, failure) {
            (StatementExpect::Error(_), None) => self.fail(place, sql, "an error was expected"),
            (StatementExpect::Error(expected), Some(failure)) => {
                if !expected.is_match(&failure.message, None) {
                    self.fail(place, sql, &format!("another error was expected than: {}", failure.message));
                }
            }
            (_, Some(failure)) => {
                self.fail(place, sql, &format!("error {}: {}", failure.code, failure.message))
            }
            (_, None) => {}
        }
    }

    fn query(&mut self, sql: &str, expected: QueryExpect<Letter>, place: &str) {
        self.report.queries += 1;
        let outcome = self.engine.run(sql);
        let (types, sort_mode, label, results) = match expected {
            QueryExpect::Results { types, sort_mode, label, results, .. } => {
                (types, sort_mode, label, results)
            }
            QueryExpect::Error(expected) => {
                match outcome.failure {
                    None => self.fail(place, sql, "an error was expected"),
                    Some(failure) if !expected.is_match(&failure.message, None) => {
                        self.fail(
                            place,
                            sql,
                            &format!("another error was expected than: {}", failure.message),
                        );
                    }
                    Some(_) => {}
                }
                return;
            }
        };
        if types == [Letter('Q')] {
            let mut actual = literal_lines(&outcome);
            if sort_mode.is_some_and(|mode| mode != SortMode::NoSort) {
                actual.sort();
            }
            if actual != results {
                let why = format!("expected:\n{}\n  got:\n{}", results.join("\n"), actual.join("\n"));
                self.fail(place, sql, &why);
            }
            return;
        }
        if outcome.columns.is_empty() {
            let why = outcome
                .failure
                .map_or("no columns".to_string(), |f| format!("error {}: {}", f.code, f.message));
            return self.fail(place, sql, &why);
        }
        if outcome.columns.len() != types.len() {
            let why = format!("{} columns instead of {}", outcome.columns.len(), types.len());
            return self.fail(place, sql, &why);
        }
        let values = written(&outcome.rows, &types, sort_mode);
        let expected = results.join("\n");
        let hashed = results.len() == 1 && results[0].contains(" values hashing to ");
        let actual = if hashed { summary(&values) } else { values.join("\n") };
        if actual != expected {
            let error = outcome.failure.map(|f| format!(" (ended by error {}: {})", f.code, f.message));
            let why = format!("expected:\n{expected}\n  got{}:\n{actual}", error.unwrap_or_default());
            return self.fail(place, sql, &why);
        }
        if let Some(label) = label {
            let hash = md5_of(&values);
            if self.by_label.get(&label).is_some_and(|known| *known != hash) {
                return self.fail(place, sql, &format!("differs from an earlier query with label {label}"));
            }
            self.by_label.insert(label, hash);
        }
    }
}

/// What a statement gave, as the letter `Q` has it.
pub fn literal_lines(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.rows.iter().map(|row| literal_line(row)).collect();
    lines.extend(
        outcome.failure.as_ref().map(|failure| format!("error {}: {}", failure.code, failure.message)),
    );
    lines
}

/// A row as SQL literals with `|` between them; what cannot stand in a line is escaped with `\\`.
pub fn literal_line(row: &[Value]) -> String {
    row.iter().map(literal).collect::<Vec<_>>().join("|")
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Blob(bytes) => {
            let mut text = "x'".to_string();
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            text + "'"
        }
        Value::Text(bytes) => {
            let mut text = "'".to_string();
            for chunk in bytes.utf8_chunks() {
                for letter in chunk.valid().chars() {
                    match letter {
                        '\\' => text.push_str("\\\\"),
                        '\'' => text.push_str("''"),
                        letter if letter.is_control() => {
                            let _ = write!(text, "\\u{{{:x}}}", letter as u32);
                        }
                        letter => text.push(letter),
                    }
                }
                for byte in chunk.invalid() {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            }
            text + "'"
        }
    }
}

/// Fills in what SQLite gives: each record of letter `Q`, and each paragraph of bare SQL, which becomes a record: `statement ok` where
/// it gives no columns, else `query Q`. Gives the script and what was wrong in it.
pub fn complete(script: &str, sqlite: &mut dyn Engine) -> (String, Vec<String>) {
    let (mut out, mut faults) = (String::new(), Vec::new());
    for paragraph in script.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty())
    {
        let is_comment = |line: &&str| line.starts_with('#');
        let (comments, lines): (Vec<&str>, Vec<&str>) = paragraph.lines().partition(is_comment);
        for comment in comments {
            out.push_str(comment);
            out.push('\n');
        }
        let head = lines.first().copied().unwrap_or_default();
        let body = match head.split_ascii_whitespace().next() {
            Some("statement" | "query") => lines.get(1..).unwrap_or_default(),
            _ => &lines[..],
        };
        let sql = body.iter().take_while(|line| **line != "----").copied().collect::<Vec<_>>().join("\n");
        if !sql.is_empty() {
            out.push_str(&completed(head, &sql, sqlite, &mut faults));
        }
        out.push('\n');
    }
    (out.trim_end().to_string() + "\n", faults)
}

/// Whether a text holds more than one statement. Semicolons inside triggers end none.
fn has_several(sql: &str) -> bool {
    let end = if sql.to_ascii_uppercase().contains(" TRIGGER ") { "END;" } else { ";" };
    sql.split_once(end).is_some_and(|(_, rest)| !rest.trim().is_empty())
}

fn completed(head: &str, sql: &str, sqlite: &mut dyn Engine, faults: &mut Vec<String>) -> String {
    if has_several(sql) || head.starts_with("statement") {
        let failure = sqlite.run_all(sql);
        faults.extend(failure.map(|f| format!("{}: {}\n  {sql}", f.code, f.message)));
        return format!("statement ok\n{sql}\n");
    }
    let outcome = sqlite.run(sql);
    if outcome.columns.is_empty() && outcome.failure.is_none() {
        return format!("statement ok\n{sql}\n");
    }
    let sorted = head.contains("rowsort");
    let mut lines = literal_lines(&outcome);
    if sorted {
        lines.sort();
    }
    let head = if sorted { "query Q rowsort" } else { "query Q" };
    let results = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    format!("{head}\n{sql}\n----\n{results}")
}

/// A long result as scripts give it.
fn summary(values: &[String]) -> String {
    format!("{} values hashing to {}", values.len(), md5_of(values))
}

fn md5_of(values: &[String]) -> String {
    let mut hash = Md5::new();
    for value in values {
        hash.update(value.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The values in the order in which they are compared.
fn written(rows: &[Vec<Value>], types: &[Letter], sort_mode: Option<SortMode>) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().zip(types).map(|(value, letter)| write_value(value, *letter)).collect())
        .collect();
    match sort_mode {
        None | Some(SortMode::NoSort) => rows.concat(),
        Some(SortMode::RowSort) => {
            rows.sort();
            rows.concat()
        }
        Some(SortMode::ValueSort) => {
            let mut values = rows.concat();
            values.sort();
            values
        }
    }
}

fn write_value(value: &Value, letter: Letter) -> String {
    match (letter.0, value) {
        (_, Value::Null) => "NULL".to_string(),
        ('I', value) => (as_integer(value) as i32).to_string(),
        ('R', value) => three_decimals(as_real(value)),
        (_, Value::Text(text) | Value::Blob(text)) => printable(text),
        (_, Value::Integer(number)) => number.to_string(),
        // What `sqlite3_column_text` makes of a real; the corpus has only short ones.
        (_, Value::Real(number)) => {
            if number.fract() == 0.0 && number.abs() < 1e15 {
                format!("{number:.1}")
            } else {
                format!("{number}")
            }
        }
    }
}

/// `%.3f` of SQLite's own printf, which has sixteen digits that count and zeros behind them.
fn three_decimals(number: f64) -> String {
    let text = format!("{number:.3}");
    let whole = text.trim_start_matches('-').find('.').unwrap_or(0);
    if whole <= 16 {
        return text;
    }
    let rounded = format!("{:.15e}", number.abs());
    let digits: String =
        rounded.split('e').next().unwrap_or_default().chars().filter(|c| *c != '.').collect();
    format!("{}{digits:0<whole$}.000", if number < 0.0 { "-" } else { "" })
}

fn printable(text: &[u8]) -> String {
    if text.is_empty() {
        return "(empty)".to_string();
    }
    text.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte as char } else { '@' }).collect()
}

fn number_prefix(text: &[u8], real: bool) -> f64 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let is_part =
        |c: char| c.is_ascii_digit() || c == '-' || c == '+' || (real && matches!(c, '.' | 'e' | 'E'));
    let mut prefix: &str = &text[..text.find(|c: char| !is_part(c)).unwrap_or(text.len())];
    while !prefix.is_empty() {
        if let Ok(number) = prefix.parse::<f64>() {
            return number;
        }
        prefix = &prefix[..prefix.len() - 1];
    }
    0.0
}

fn as_integer(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::Integer(number) => *number,
        Value::Real(number) => *number as i64,
        Value::Text(text) | Value::Blob(text) => number_prefix(text, false) as i64,
    }
}

fn as_real(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Text(text) | Value::Blob(text) => number_prefix(text, true),
    }
}
