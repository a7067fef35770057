//! A person at a terminal: line editing, history, completion.
//!
//! Tab completes keywords, names of tables and columns, and dot-commands. The history is kept in a file of the home folder, or in the one
//! that `KERNITE_HISTORY` names.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use kernite::Connection;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{DefaultHistory, History};
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};

use crate::dot::{COMMANDS, unquoted_names};
use crate::source::{Ask, Lines};

/// Lines of history that are kept.
const HISTORY_MAX: usize = 2000;

/// Columns of the terminal; `None` where there is none.
pub fn terminal_columns() -> Option<usize> {
    let mut editor: Editor<(), DefaultHistory> = Editor::new().ok()?;
    let (columns, _) = editor.dimensions()?;
    Some(usize::from(columns))
}

/// What completes a word.
#[derive(Default)]
struct Words {
    db: Option<Rc<Connection>>,
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}

impl Hinter for Words {
    type Hint = String;
}

/// Where the word that ends at `end` begins.
fn word_start(line: &str, end: usize) -> usize {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    let tail = line[..end].chars().rev().take_while(|character| part(*character));
    end - tail.map(char::len_utf8).sum::<usize>()
}

impl Words {
    /// All that a word may become, in order.
    fn candidates(&self, prefix: &str) -> Vec<String> {
        let lower = prefix.to_lowercase();
        let fits = |word: &str| word.to_lowercase().starts_with(&lower);
        let mut found: Vec<String> = Vec::new();
        if let Some(db) = &self.db {
            // While the schema cannot be read, only keywords complete.
            let tables = unquoted_names(db).unwrap_or_default();
            for table in &tables {
                found.extend(columns(db, table).into_iter().filter(|column| fits(column)));
            }
            found.extend(tables.into_iter().filter(|table| fits(table)));
        }
        found.sort();
        let upper = prefix.chars().any(char::is_uppercase);
        let keywords = (0..).map_while(kernite::text::keyword_name);
        let keywords = keywords.filter(|word| fits(word));
        found.extend(keywords.map(|word| if upper { word.to_owned() } else { word.to_lowercase() }));
        found.dedup();
        found
    }
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    let sql = format!("PRAGMA table_info(\"{}\")", table.replace('"', "\"\""));
    let names = |db: &Connection| -> kernite::Result<Vec<String>> {
        db.prepare(&sql)?.query_map([], |row| row.get::<_, String>(1))?.collect()
    };
    names(db).unwrap_or_default()
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        if let Some(name) = line[..at].strip_prefix('.')
            && !name.contains(' ')
        {
            let found = COMMANDS.iter().filter(|command| command.name.starts_with(name));
            return Ok((0, found.map(|command| format!(".{}", command.name)).collect()));
        }
        let start = word_start(line, at);
        if start == at {
            return Ok((at, Vec::new()));
        }
        Ok((start, self.candidates(&line[start..at])))
    }
}

fn history_file() -> Option<PathBuf> {
    match std::env::var_os("KERNITE_HISTORY") {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(PathBuf::from(path)),
        None => std::env::home_dir().map(|home| home.join(".kernite_history")),
    }
}

/// Lines that somebody types.
pub struct Typed {
    editor: Editor<Words, DefaultHistory>,
    history: Option<PathBuf>,
    /// The statement so far: it enters the history as one entry.
    statement: String,
}

impl Typed {
    /// An editor on the terminal.
    ///
    /// # Errors
    /// What keeps the terminal from being used.
    pub fn new() -> rustyline::Result<Typed> {
        let config = rustyline::Config::builder()
            .max_history_size(HISTORY_MAX)?
            .completion_type(rustyline::CompletionType::List)
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Words::default()));
        let history = history_file();
        if let Some(path) = &history {
            // There is none yet the first time.
            let _ = editor.load_history(path);
        }
        Ok(Typed { editor, history, statement: String::new() })
    }

    fn remember(&mut self, line: &str) {
        if !self.statement.is_empty() {
            self.statement.push('\n');
        }
        self.statement.push_str(line);
        let done = self.statement.starts_with('.') || kernite::text::complete(self.statement.as_bytes());
        if !done {
            return;
        }
        let entry = std::mem::take(&mut self.statement);
        if entry.trim().is_empty() {
            return;
        }
        // A history that cannot be kept is a loss that nobody needs to be stopped for.
        let _ = self.editor.add_history_entry(entry);
        if let Some(path) = &self.history {
            let _ = self.editor.history_mut().save(path);
        }
    }
}

impl Lines for Typed {
    fn next_line(&mut self, ask: Option<&Ask>) -> io::Result<Option<Vec<u8>>> {
        let prompt = ask.map_or("", |ask| ask.prompt.as_str());
        if let Some(words) = self.editor.helper_mut() {
            words.db = ask.and_then(|ask| ask.db.clone());
        }
        match self.editor.readline(prompt) {
            Ok(line) => {
                self.remember(&line);
                Ok(Some(line.into_bytes()))
            }
            Err(ReadlineError::Eof) => Ok(None),
            Err(ReadlineError::Interrupted) => {
                self.statement.clear();
                Err(io::ErrorKind::Interrupted.into())
            }
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_behind_what_is_no_letter() {
        assert_eq!(word_start("select na", 9), 7);
        assert_eq!(word_start("t.col", 5), 2);
        assert_eq!(word_start("x ", 2), 2);
        assert_eq!(word_start("größe", 7), 0);
    }

    #[test]
    fn tables_columns_and_keywords_complete() {
        let db = Connection::open_in_memory().expect("memory");
        db.execute_batch("CREATE TABLE fruit(name, price)").expect("a table");
        let words = Words { db: Some(Rc::new(db)) };
        assert_eq!(words.candidates("fr"), ["fruit", "from"]);
        assert_eq!(words.candidates("pri"), ["price", "primary"]);
        assert_eq!(words.candidates("PRI"), ["price", "PRIMARY"]);
    }
}
