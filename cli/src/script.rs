//! Reading input: lines become dot-commands and statements.
//!
//! A line whose first character is `.` is a dot-command, one that begins with `#` a comment, but only between statements. All other lines
//! are gathered until they are complete SQL. `go` and `/` on a line of their own end a statement as `;` does.

use std::io::Write;

use kernite::text::{Completeness, complete, completeness};

use crate::dot;
use crate::run::Outcome;
use crate::shell::{Flow, Shell};
use crate::source::{Ask, Origin, Source};

/// How deep `.read` may nest.
pub const NESTING_MAX: usize = 25;

/// How the reading of a source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub errors: usize,
    pub flow: Flow,
}

/// Whether there is nothing in a text but white space and comments that are closed.
fn is_blank(text: &[u8]) -> bool {
    let mut rest = text.trim_ascii_start();
    loop {
        if rest.is_empty() {
            return true;
        }
        if let Some(comment) = rest.strip_prefix(b"--") {
            match comment.iter().position(|byte| *byte == b'\n') {
                Some(end) => rest = comment[end..].trim_ascii_start(),
                None => return true,
            }
        } else if let Some(comment) = rest.strip_prefix(b"/*") {
            match comment.windows(2).position(|pair| pair == b"*/") {
                Some(end) => rest = comment[end + 2..].trim_ascii_start(),
                None => return false,
            }
        } else {
            return false;
        }
    }
}

/// The prompt for a line that goes on with a statement: it shows what is open, where it has room for that.
fn continuation_prompt(prompt: &str, pending: &[u8]) -> String {
    let open = match completeness(pending) {
        Completeness::Incomplete { open: Some(b'/'), .. } => "/* ".to_owned(),
        Completeness::Incomplete { open: Some(b'-'), .. } => String::new(),
        Completeness::Incomplete { open: Some(quote), .. } => char::from(quote).to_string(),
        Completeness::Incomplete { parentheses, .. } if parentheses > 0 => format!("(x{parentheses}"),
        _ => String::new(),
    };
    let room = prompt.len() - prompt.trim_start_matches(' ').len();
    if open.is_empty() || open.len() >= room {
        prompt.to_owned()
    } else {
        format!("{open:room$}{}", &prompt[room..])
    }
}

/// Whether a line ends a statement in the way of other shells.
fn is_terminator(line: &[u8]) -> bool {
    let word = line.trim_ascii();
    word == b"/" || word.eq_ignore_ascii_case(b"go")
}

impl Shell {
    /// Runs everything that a source has.
    pub fn process(&mut self, source: &mut Source<'_>) -> Ended {
        if self.nesting == NESTING_MAX {
            let name = source.data_name();
            self.message(&format!(
                "{name}: Input nesting limit ({NESTING_MAX}) reached at line {}. Check recursion.",
                source.line + 1
            ));
            return Ended { errors: 1, flow: Flow::Continue };
        }
        self.nesting += 1;
        let ended = self.process_lines(source);
        self.nesting -= 1;
        if std::mem::take(&mut self.reads_dump)
            && let Some(db) = self.db_if_open()
        {
            db.raw().change_options(|options| options.defensive = true);
        }
        ended
    }

    fn process_lines(&mut self, source: &mut Source<'_>) -> Ended {
        let mut errors = 0;
        let mut sql: Vec<u8> = Vec::new();
        let mut first_line = 0;
        let mut statements = 0;
        let typed = self.interactive && source.origin == Origin::Stdin;
        loop {
            if errors > 0 && self.bail && !typed {
                return Ended { errors, flow: Flow::Continue };
            }
            let ask = typed.then(|| self.ask(&sql));
            let line = match source.next_line(ask.as_ref()) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    sql.clear();
                    continue;
                }
                Err(error) => {
                    self.message(&format!("Error: {error}"));
                    return Ended { errors: errors + 1, flow: Flow::Continue };
                }
            };
            if sql.is_empty() {
                if line.first() == Some(&b'.') {
                    self.echo_text(&line);
                    match dot::run(self, source, &String::from_utf8_lossy(&line)) {
                        Ok(Flow::Continue) => {}
                        Ok(flow) => return Ended { errors, flow },
                        Err(_) => errors += 1,
                    }
                    continue;
                }
                if line.first() == Some(&b'#') || line.iter().all(u8::is_ascii_whitespace) {
                    self.echo_text(&line);
                    continue;
                }
                first_line = source.line;
            }
            let ends = is_terminator(&line) && (sql.is_empty() || complete(&[&sql[..], b";"].concat()));
            if !sql.is_empty() {
                sql.push(b'\n');
            }
            sql.extend_from_slice(if ends { b";" } else { &line });
            if sql.contains(&b';') && complete(&sql) {
                self.echo_text(&sql);
                if statements == 0 {
                    self.prepare_for_dump(&sql);
                }
                statements += 1;
                errors += self.count_errors(&sql, &source.sql_place(first_line));
                sql.clear();
            } else if is_blank(&sql) {
                self.echo_text(&sql);
                sql.clear();
            }
        }
        if !sql.is_empty() {
            self.echo_text(&sql);
            errors += self.count_errors(&sql, &source.sql_place(first_line));
        }
        Ended { errors, flow: Flow::Continue }
    }

    /// A script that begins as a dump does, read into a new database, may write the schema: there is nothing to be defended, and
    /// virtual tables need it.
    fn prepare_for_dump(&mut self, sql: &[u8]) {
        if self.safe || sql.trim_ascii() != b"PRAGMA foreign_keys=OFF;" {
            return;
        }
        let Ok(db) = self.db() else { return };
        let objects = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        if objects.is_ok_and(|count| count == 0) {
            db.raw().change_options(|options| options.defensive = false);
            self.reads_dump = true;
        }
    }

    /// How the next line of a statement is asked for.
    fn ask(&mut self, pending: &[u8]) -> Ask {
        // Output that cannot be written is noticed by whoever writes next.
        let _ = self.sink.flush();
        let prompt = if pending.is_empty() {
            self.prompt.clone()
        } else {
            continuation_prompt(&self.prompt_continue, pending)
        };
        Ask { prompt, db: self.db_if_open() }
    }

    fn count_errors(&mut self, sql: &[u8], place: &str) -> usize {
        usize::from(self.run_sql(sql, place) == Outcome::Failed)
    }

    fn echo_text(&mut self, text: &[u8]) {
        if self.echo {
            // An output that fails shows its error.
            let _ = self.write(text).and_then(|()| self.write(b"\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_blank_until_they_are_left_open() {
        assert!(is_blank(b"  -- x\n /* y */ "));
        assert!(!is_blank(b"/* x"));
        assert!(!is_blank(b"--x\nselect"));
    }

    #[test]
    fn the_prompt_shows_what_is_open() {
        assert_eq!(continuation_prompt("    ...> ", b"select (1"), "(x1 ...> ");
        assert_eq!(continuation_prompt("    ...> ", b"select 'a"), "'   ...> ");
        assert_eq!(continuation_prompt("    ...> ", b"select 1"), "    ...> ");
        assert_eq!(continuation_prompt("> ", b"select (1"), "> ");
    }

    #[test]
    fn go_and_a_slash_end_statements() {
        assert!(is_terminator(b" GO "));
        assert!(is_terminator(b"/"));
        assert!(!is_terminator(b"gone"));
    }
}
