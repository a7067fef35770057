//! Golden files: cases and what SQLite makes of them, plans and errors, in a form that is worth reading.
//!
//! A file is a list of paragraphs with empty lines between them; lines that start with `#` are comments. A paragraph that ends in `;` prepares
//! the ground: all of its statements have to succeed. Any other is a case: one statement, then `----`, then what it gives:
//! - in a file of plans, the tree of `EXPLAIN QUERY PLAN`, two blanks for each level;
//! - in a file of errors, rows as SQL literals, and the error as `error CODE: message`.
//!
//! Expectations are SQLite's: each file is checked against SQLite before Kernite is asked, and [`filled`] writes what SQLite gives.

use crate::engine::{Engine, Outcome, Value};
use crate::slt::{literal_line, literal_lines};

/// What a file shows of its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// The plan of the statement, which is not run.
    Plan,
    /// What running the statement gives.
    Error,
}

/// One paragraph of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph {
    /// The line that it starts in, counted from 1.
    pub line: usize,
    pub comments: Vec<String>,
    pub sql: String,
    /// `None` where it prepares the ground, or where the expectation has not been filled in.
    pub expected: Option<String>,
}

impl Paragraph {
    fn is_setup(&self) -> bool {
        self.sql.is_empty() || self.sql.ends_with(';')
    }
}

/// The paragraphs of a file.
pub fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut all = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, _)) = lines.peek().copied() {
        let mut part = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            part.push(line);
        }
        if part.is_empty() {
            lines.next();
            continue;
        }
        let comments =
            part.iter().filter(|line| line.starts_with('#')).map(|line| line.to_string()).collect();
        part.retain(|line| !line.starts_with('#'));
        let rule = part.iter().position(|line| *line == "----");
        let (sql, expected) = match rule {
            Some(rule) => (&part[..rule], Some(part[rule + 1..].join("\n"))),
            None => (&part[..], None),
        };
        all.push(Paragraph { line: at + 1, comments, sql: sql.join("\n"), expected });
    }
    all
}

/// Runs the paragraphs on an engine: the place and text of each case, with what was expected and what came.
///
/// # Panics
/// Where a statement that prepares the ground fails.
pub fn differences(paragraphs: &[Paragraph], show: Show, engine: &mut dyn Engine) -> Vec<String> {
    let mut faults = Vec::new();
    for paragraph in paragraphs {
        if paragraph.is_setup() {
            engine.must(&paragraph.sql);
            continue;
        }
        let expected = paragraph.expected.as_deref().unwrap_or("(not filled in)");
        let shown = shown(engine, &paragraph.sql, show);
        if shown != expected {
            faults.push(format!(
                "line {}: {}\n--- expected\n{expected}\n--- got\n{shown}",
                paragraph.line, paragraph.sql
            ));
        }
    }
    faults
}

/// The file with what an engine gives for each of its cases.
///
/// # Panics
/// Where a statement that prepares the ground fails.
pub fn filled(paragraphs: &[Paragraph], show: Show, engine: &mut dyn Engine) -> String {
    let mut parts = Vec::new();
    for paragraph in paragraphs {
        let mut lines = paragraph.comments.clone();
        if !paragraph.sql.is_empty() {
            lines.push(paragraph.sql.clone());
        }
        if paragraph.is_setup() {
            engine.must(&paragraph.sql);
        } else {
            lines.push("----".to_string());
            lines.push(shown(engine, &paragraph.sql, show));
        }
        parts.push(lines.join("\n") + "\n");
    }
    parts.join("\n")
}

fn shown(engine: &mut dyn Engine, sql: &str, show: Show) -> String {
    match show {
        Show::Plan => {
            let outcome = engine.run(&format!("EXPLAIN QUERY PLAN {sql}"));
            [tree(&outcome), failure(&outcome)].concat().join("\n")
        }
        Show::Error => {
            let outcome = engine.run(sql);
            literal_lines(&outcome).join("\n")
        }
    }
}

fn failure(outcome: &Outcome) -> Vec<String> {
    literal_lines(&Outcome { rows: Vec::new(), ..outcome.clone() })
}

/// The lines of a plan, each indented by its depth. The numbers of nodes only say who is below whom.
fn tree(outcome: &Outcome) -> Vec<String> {
    let mut depths: Vec<(&Value, usize)> = Vec::new();
    let mut lines = Vec::new();
    for row in &outcome.rows {
        let [id, parent, _, Value::Text(detail)] = row.as_slice() else {
            lines.push(literal_line(row));
            continue;
        };
        let depth = depths.iter().rev().find(|(known, _)| *known == parent).map_or(0, |(_, depth)| depth + 1);
        depths.push((id, depth));
        lines.push(format!("{}{}", "  ".repeat(depth), String::from_utf8_lossy(detail)));
    }
    lines
}
