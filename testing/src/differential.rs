//! One script on Kernite and on SQLite: where they first differ, and the shortest script that still does.
//!
//! After each statement the rows (values with their types, in order), the error (extended code and text), `changes()`,
//! `total_changes()` and `last_insert_rowid()` have to be equal, and the plan as `EXPLAIN QUERY PLAN` tells it. At the end so do all tables'
//! rows, and `integrity_check` has to be content.
//!
//! The order of rows is compared even where no `ORDER BY` asks for one: Kernite chooses SQLite's plans.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{Engine, Kernite, Outcome, Sqlite, Value};

/// What is compared besides the statements' own results.
#[derive(Clone, Copy, Debug)]
pub struct Compare {
    /// Plans too.
    pub plans: bool,
}

/// Where two engines differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which statement, counted from 0; the number of statements where it is what they left behind.
    pub at: usize,
    /// The statement that was asked.
    pub statement: String,
    pub kernite: String,
    pub sqlite: String,
    /// It is the plan that differs.
    pub plan: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "statement {}: {}", self.at, self.statement)?;
        writeln!(f, "--- SQLite\n{}\n--- Kernite\n{}", self.sqlite, self.kernite)
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}r"),
        Value::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        Value::Blob(blob) => format!("x{blob:02x?}"),
    }
}

fn show(outcome: &Outcome) -> String {
    let mut text = String::new();
    if !outcome.columns.is_empty() {
        text.push_str(&format!("columns {:?}\n", outcome.columns));
    }
    for row in &outcome.rows {
        let values: Vec<String> = row.iter().map(show_value).collect();
        text.push_str(&values.join("|"));
        text.push('\n');
    }
    if let Some(failure) = &outcome.failure {
        text.push_str(&format!("error {}: {}\n", failure.code, failure.message));
    }
    text
}

/// A plan without the numbers of its nodes, which no one can see the meaning of: each line behind as many dots as it is deep.
fn show_plan(outcome: &Outcome) -> String {
    let mut depths: Vec<(Value, usize)> = Vec::new();
    let mut text = String::new();
    for row in &outcome.rows {
        let [id, parent, _, detail] = row.as_slice() else { return show(outcome) };
        let depth = depths.iter().rev().find(|(known, _)| known == parent).map_or(0, |(_, depth)| depth + 1);
        depths.push((id.clone(), depth));
        text.push_str(&".".repeat(depth));
        text.push_str(&show_value(detail));
        text.push('\n');
    }
    if let Some(failure) = &outcome.failure {
        text.push_str(&format!("error {}: {}\n", failure.code, failure.message));
    }
    text
}

fn guarded(engine: &mut dyn Engine, sql: &str) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| engine.run(sql))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_string()))
            .unwrap_or_default();
        Outcome {
            failure: Some(crate::engine::Failure { code: -1, message: format!("panic: {text}") }),
            ..Outcome::default()
        }
    })
}

struct Pair {
    kernite: Kernite,
    sqlite: Sqlite,
}

impl Pair {
    fn new() -> Pair {
        let (mut kernite, mut sqlite) = (Kernite::memory(), Sqlite::memory());
        // The bundled SQLite has them on from the start.
        let _ = (kernite.run("PRAGMA foreign_keys=OFF"), sqlite.run("PRAGMA foreign_keys=OFF"));
        Pair { kernite, sqlite }
    }

    /// Runs a statement on both; what each shows, where that differs.
    fn differ(&mut self, sql: &str, show: fn(&Outcome) -> String) -> Option<(String, String)> {
        let sqlite = show(&guarded(&mut self.sqlite, sql));
        let kernite = show(&guarded(&mut self.kernite, sql));
        (kernite != sqlite && !same_complaint(&kernite, &sqlite)).then_some((kernite, sqlite))
    }
}

/// Where a statement has several faults, which of them is met first is left open: a missing table, a missing column, a bad key.
fn same_complaint(left: &str, right: &str) -> bool {
    const FIRST: [&str; 3] = ["error 1: no such ", "error 1: foreign key mismatch", "error 1: misuse of "];
    let complains = |shown: &str| FIRST.iter().any(|text| shown.starts_with(text));
    complains(left) && complains(right)
}

const COUNTERS: &str = "SELECT changes(), total_changes(), last_insert_rowid()";
const SCHEMA: &str = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid";

/// Runs a script on both engines up to the first difference.
pub fn first_difference(script: &[String], compare: Compare) -> Option<Difference> {
    let mut pair = Pair::new();
    for (at, sql) in script.iter().enumerate() {
        let found = |statement: &str, (kernite, sqlite): (String, String), plan| {
            Some(Difference { at, statement: statement.to_string(), kernite, sqlite, plan })
        };
        let planned = ["SELECT", "WITH", "VALUES", "UPDATE", "DELETE", "INSERT", "REPLACE"];
        if compare.plans && planned.iter().any(|verb| sql.starts_with(verb)) {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            if let Some(shown) = pair.differ(&explain, show_plan) {
                return found(&explain, shown, true);
            }
        }
        if let Some(shown) = pair.differ(sql, show) {
            return found(sql, shown, false);
        }
        if !sql.starts_with("SELECT")
            && let Some(shown) = pair.differ(COUNTERS, show)
        {
            return found(&format!("{sql} -- {COUNTERS}"), shown, false);
        }
    }
    let mut last: Vec<String> = vec![SCHEMA.to_string(), "PRAGMA integrity_check".to_string()];
    last.push("PRAGMA foreign_key_check".to_string());
    let tables = pair.sqlite.run("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY rowid");
    for row in &tables.rows {
        if let [Value::Text(name)] = row.as_slice() {
            last.push(format!("SELECT * FROM {}", String::from_utf8_lossy(name)));
        }
    }
    last.into_iter().find_map(|sql| {
        let (kernite, sqlite) = pair.differ(&sql, show)?;
        // Of several faults in the keys each engine names the one that it meets first.
        if sql.ends_with("foreign_key_check")
            && [&kernite, &sqlite].iter().all(|shown| shown.contains("mismatch"))
        {
            return None;
        }
        Some(Difference { at: script.len(), statement: sql, kernite, sqlite, plan: false })
    })
}

/// The script cut down, as far as dropping statements and then pieces of the last one goes.
pub fn shrink(script: &[String], compare: Compare, first: &Difference) -> (Vec<String>, Difference) {
    let mut best: Vec<String> = script.iter().take(first.at + 1).cloned().collect();
    let mut found = first.clone();
    let same = |difference: &Difference, candidate: &[String]| {
        difference.plan == first.plan
            && (difference.at + 1 >= candidate.len())
            && difference.kernite.contains("panic: ") == first.kernite.contains("panic: ")
            && difference.kernite.contains("error ") == first.kernite.contains("error ")
            && difference.sqlite.contains("error ") == first.sqlite.contains("error ")
    };
    let mut chunk = best.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut candidate = best.clone();
            candidate.drain(at..(at + chunk).min(candidate.len()));
            match first_difference(&candidate, compare) {
                Some(difference) if same(&difference, &candidate) => {
                    best = candidate;
                    found = difference;
                }
                _ => at += chunk,
            }
        }
        chunk /= 2;
    }
    let mut trials = 0;
    for index in (0..best.len()).rev() {
        let mut words = tokens(&best[index]);
        let mut size = words.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at + size <= words.len() && trials < 4000 {
                let piece = &words[at..at + size];
                if !balanced(piece) {
                    at += 1;
                    continue;
                }
                trials += 1;
                let mut shorter = words.clone();
                shorter.drain(at..at + size);
                let mut candidate = best.clone();
                candidate[index] = shorter.concat();
                match first_difference(&candidate, compare) {
                    Some(difference) if same(&difference, &candidate) => {
                        words = shorter;
                        best = candidate;
                        found = difference;
                    }
                    _ => at += 1,
                }
            }
            size = if size > 12 { size / 2 } else { size - 1 };
        }
    }
    (best, found)
}

/// A statement in pieces: words, strings and single signs, each with the blanks behind it.
fn tokens(sql: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = first.to_string();
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        if first == '\'' {
            for next in chars.by_ref() {
                token.push(next);
                if next == '\'' {
                    break;
                }
            }
        } else if word(first) {
            while let Some(next) = chars.next_if(|c| word(*c)) {
                token.push(next);
            }
        } else if "<>=!|".contains(first) {
            while let Some(next) = chars.next_if(|c| "<>=|".contains(*c)) {
                token.push(next);
            }
        }
        while let Some(next) = chars.next_if(|c| *c == ' ') {
            token.push(next);
        }
        all.push(token);
    }
    all
}

fn balanced(piece: &[String]) -> bool {
    let mut open = 0_i32;
    for token in piece {
        match token.trim() {
            "(" => open += 1,
            ")" => open -= 1,
            _ => {}
        }
        if open < 0 {
            return false;
        }
    }
    open == 0
}
