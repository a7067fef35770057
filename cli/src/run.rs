//! Running SQL: a text, statement by statement, with everything that the settings want around each of them.

use std::io::Write;

use kernite::types::{Value, ValueRef};
use kernite::{Connection, Rows as EngineRows, Statement};

use crate::output::plan::{self, Instruction, Node};
use crate::output::{self, Failure, Rows};
use crate::report::context;
use crate::shell::{Eqp, ExplainFormat, Shell, Stats, Stopwatch, Timer};

/// The name of the table that holds parameters' values (`.parameter`).
pub const PARAMETER_TABLE: &str = "temp.sqlite_parameters";

/// A statement's rows as the output wants them.
pub struct ResultRows<'a> {
    rows: EngineRows<'a>,
    titles: Vec<String>,
    db: &'a Connection,
}

impl<'a> ResultRows<'a> {
    /// The rows of a run.
    pub fn new(rows: EngineRows<'a>, titles: Vec<String>, db: &'a Connection) -> ResultRows<'a> {
        ResultRows { rows, titles, db }
    }
}

impl Rows for ResultRows<'_> {
    fn titles(&self) -> &[String] {
        &self.titles
    }

    fn step(&mut self) -> Result<bool, Failure> {
        self.rows.advance()?;
        Ok(self.rows.get().is_some())
    }

    fn value(&self, column: usize) -> ValueRef<'_> {
        self.rows.get().and_then(|row| row.get_ref(column).ok()).unwrap_or(ValueRef::Null)
    }

    fn json_text(&self, blob: &[u8]) -> Option<Vec<u8>> {
        // 8: JSON in its binary form, checked to its end.
        let sql = "SELECT json(?1) WHERE json_valid(?1, 8)";
        self.db.query_row(sql, [blob.to_vec()], |row| row.get::<_, String>(0)).ok().map(String::into_bytes)
    }
}

/// How the running of a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Good,
    Failed,
}

impl Shell {
    /// Runs all statements of `sql`, which came from `place`. A statement that fails while it runs does not keep the next ones from
    /// running; one that cannot be prepared does, because nobody knows where the next one begins.
    pub fn run_sql(&mut self, sql: &[u8], place: &str) -> Outcome {
        let Ok(db) = self.db() else { return Outcome::Failed };
        let mut rest = sql;
        let mut outcome = Outcome::Good;
        let watch = (self.timer != Timer::Off).then(Stopwatch::start);
        crate::interrupt::clear();
        while !rest.is_empty() && !crate::interrupt::was_asked() {
            let end = match db.prepare_first(rest) {
                Err(error) => {
                    let text = rest.trim_ascii_start();
                    let skipped = rest.len() - text.len();
                    let offset = db.error_offset().and_then(|offset| offset.checked_sub(skipped));
                    self.sql_error("Parse error", place, &error, text, offset);
                    self.command_done();
                    return Outcome::Failed;
                }
                Ok((None, end)) => end,
                Ok((Some(statement), end)) => {
                    if let Some(line) = &self.progress_line {
                        line.begin();
                    }
                    if let Some(progress) = &self.progress {
                        progress.command_begins();
                    }
                    let ran = self.run_statement(&db, statement);
                    if let Some(line) = &self.progress_line {
                        line.end();
                    }
                    if let Err(failure) = ran {
                        match failure {
                            Failure::Sql(error) => self.sql_error("Error", place, &error, b"", None),
                            // Shown already when there is somebody to show it to.
                            Failure::Io(error) => drop(self.written(Err(error))),
                        }
                        outcome = Outcome::Failed;
                    }
                    self.command_done();
                    end
                }
            };
            rest = &rest[end..];
        }
        if let Some(watch) = watch {
            // An output that fails shows its error.
            let _ = self.line(&watch.report());
            if self.timer == Timer::Once {
                self.timer = Timer::Off;
            }
        }
        outcome
    }

    fn sql_error(
        &mut self,
        what: &str,
        place: &str,
        error: &kernite::Error,
        sql: &[u8],
        offset: Option<usize>,
    ) {
        let head = match &self.error_prefix {
            Some(prefix) => prefix.clone(),
            None if place.is_empty() => format!("{what}:"),
            None => format!("{what} {place}:"),
        };
        let colours = self.colours();
        self.message(&format!("{} {error}{}", colours.red(&head), context(sql, offset, colours)));
    }

    fn run_statement(&mut self, db: &Connection, mut statement: Statement<'_>) -> Result<(), Failure> {
        let explained = statement.is_explain();
        if self.eqp != Eqp::Off && explained == 0 {
            self.show_plan(db, statement.sql())?;
        }
        bind_parameters(db, &mut statement)?;
        let as_listing = explained != 0 && self.explain != ExplainFormat::Off;
        let ended = if as_listing && explained == 1 {
            let program = instructions(&mut statement)?;
            Ok(plan::program(&program, &mut self.sink)?)
        } else if as_listing {
            let nodes = nodes(&mut statement)?;
            Ok(plan::query_plan(&nodes, &mut self.sink)?)
        } else {
            self.show_rows(db, &mut statement)
        };
        if ended.is_ok() {
            self.after_statement(db, &mut statement)?;
        }
        ended
    }

    /// Runs a statement and shows its rows in the present mode.
    ///
    /// # Errors
    /// Those of the statement and of the output.
    pub fn show_rows(&mut self, db: &Connection, statement: &mut Statement<'_>) -> Result<(), Failure> {
        let width = self.screen_width();
        let titles = statement.column_names();
        let mut rows = ResultRows::new(statement.raw_query(), titles, db);
        if rows.titles.is_empty() && self.mode.style != output::Style::Count {
            while rows.step()? {}
            return Ok(());
        }
        output::render(&self.mode, &mut rows, width, &mut self.sink)?;
        Ok(())
    }

    fn show_plan(&mut self, db: &Connection, sql: &[u8]) -> Result<(), Failure> {
        let with = |head: &str| [head.as_bytes(), sql].concat();
        if let (Some(mut statement), _) = db.prepare_first(&with("EXPLAIN QUERY PLAN "))? {
            plan::query_plan(&nodes(&mut statement)?, &mut self.sink)?;
        }
        if self.eqp == Eqp::Full
            && let (Some(mut statement), _) = db.prepare_first(&with("EXPLAIN "))?
        {
            plan::program(&instructions(&mut statement)?, &mut self.sink)?;
        }
        Ok(())
    }

    fn after_statement(&mut self, db: &Connection, statement: &mut Statement<'_>) -> Result<(), Failure> {
        if self.stats != Stats::Off {
            crate::dot::statistics::show(self, Some(statement))?;
        }
        if self.changes {
            writeln!(self.sink, "changes: {}   total_changes: {}", db.changes(), db.total_changes())?;
        }
        Ok(())
    }
}

fn text_of(row: &kernite::Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

fn instructions(statement: &mut Statement<'_>) -> Result<Vec<Instruction>, Failure> {
    let mut program = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        program.push(Instruction { fields: std::array::from_fn(|column| text_of(row, column)) });
    }
    Ok(program)
}

fn nodes(statement: &mut Statement<'_>) -> Result<Vec<Node>, Failure> {
    let mut nodes = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        nodes.push(Node { id: row.get(0)?, parent: row.get(1)?, detail: text_of(row, 3) });
    }
    Ok(nodes)
}

/// Binds the parameters that have values in the table of `.parameter`; `$int_N` and `$text_NAME` speak for themselves.
fn bind_parameters(db: &Connection, statement: &mut Statement<'_>) -> Result<(), Failure> {
    if statement.parameter_count() == 0 {
        return Ok(());
    }
    let sql = format!("SELECT value FROM {PARAMETER_TABLE} WHERE key=?1");
    let mut values = db.prepare(&sql).ok();
    for number in 1..=statement.parameter_count() {
        let name = statement.parameter_name(number).unwrap_or_else(|| format!("?{number}"));
        let stored = values
            .as_mut()
            .and_then(|values| values.query_row([name.as_str()], |row| row.get::<_, Value>(0)).ok());
        let spoken = || {
            let integer = name.strip_prefix("$int_").map(|text| Value::Integer(text.parse().unwrap_or(0)));
            integer.or_else(|| name.strip_prefix("$text_").map(|text| Value::Text(text.to_owned())))
        };
        statement.raw_bind_parameter(number, stored.or_else(spoken).unwrap_or(Value::Null))?;
    }
    Ok(())
}
