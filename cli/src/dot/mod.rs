//! Dot-commands.
//!
//! [`COMMANDS`] is the one table of them: how a command is called, what `.help` says of it, whether safe mode allows it, what runs it.
//! A name may be shortened as long as it is long enough for its command; where a shortened name fits several, the first in the table is meant.
//!
//! Rooms: `arguments` (splitting a line), `settings` and `mode` (how the shell behaves and shows results), `objects` (what is in a
//! database), `dump`, `import`, `files` (input, output, databases), `copies` (backup and its like), `testing`, `parameter`, `limits`,
//! `statistics`, `lint`, `digest`, `help`.

mod arguments;
mod copies;
mod digest;
mod dump;
mod files;
mod help;
mod import;
mod limits;
mod lint;
mod mode;
mod objects;
mod parameter;
mod settings;
pub mod statistics;
mod testing;

pub use arguments::Argument;
pub use objects::unquoted_names;
pub use settings::version_text;

use crate::shell::{Flow, Shell, Shown};
use crate::source::Source;

/// A dot-command.
pub struct Command {
    pub name: &'static str,
    /// How many characters of the name are needed.
    pub least: usize,
    /// Its arguments, as `.help` shows them.
    pub arguments: &'static str,
    pub summary: &'static str,
    /// More lines of `.help`, for this command alone.
    pub details: &'static [&'static str],
    /// Whether safe mode allows it.
    pub safe: bool,
    run: fn(&mut Call<'_, '_>) -> Result<Flow, Shown>,
}

macro_rules! commands {
    ($($name:literal $least:literal $args:literal $summary:literal [$($detail:literal),* $(,)?] $safe:ident $run:path;)*) => {
        /// All commands in alphabetical order.
        pub const COMMANDS: &[Command] = &[$(Command {
            name: $name,
            least: $least,
            arguments: $args,
            summary: $summary,
            details: &[$($detail),*],
            safe: is!($safe),
            run: $run,
        }),*];
    };
}

macro_rules! is {
    (safe) => {
        true
    };
    (reaching) => {
        false
    };
}

commands! {
    "auth" 3 "on|off" "Show what the authorizer is asked" [] safe settings::auth;
    "backup" 3 "?DB? FILE" "Copy a database (\"main\") to FILE" [] reaching copies::backup;
    "bail" 2 "on|off" "Stop at the first error; off at start" [] safe settings::bail;
    "cd" 2 "FOLDER" "Change the working folder" [] reaching files::cd;
    "changes" 3 "on|off" "Show how many rows statements change" [] safe settings::changes;
    "check" 5 "?OPTIONS? PATTERN" "Compare the output of a .testcase" [
        "--exact      The output has to be PATTERN to the last space",
        "--glob       PATTERN is a GLOB",
        "--keep       The test case goes on",
        "--notglob    The output must not match the GLOB",
        "--show       Show the output too",
        "PATTERN may be <<END: then it is the lines up to one that begins with END.",
    ] safe testing::check;
    "clone" 2 "FILE" "Copy the content row by row into a new database" [] reaching copies::clone;
    "connection" 3 "?close? ?NUMBER?" "Use, list or close connections" [] safe files::connection;
    "crlf" 2 "?on|off?" "End lines with CR LF" [] safe settings::crlf;
    "databases" 2 "" "List databases and their files" [] safe objects::databases;
    "dbconfig" 3 "?NAME? ?on|off?" "Show or set switches of the connection" [] safe limits::dbconfig;
    "dump" 2 "?OPTIONS? ?OBJECT…?" "Write the content as SQL" [
        "--data-only        Only INSERT statements",
        "--newlines         Newlines in text stay as they are",
        "--nosys            No system tables",
        "--preserve-rowids  Rowids are written too",
        "OBJECT is a LIKE pattern for names of tables, views, indexes, triggers.",
    ] safe dump::dump;
    "echo" 2 "on|off" "Show input before it runs" [] safe settings::echo;
    "eqp" 2 "on|off|full|trigger" "Show the plan of each statement" [] safe settings::eqp;
    "excel" 3 "" "Open the next result in a spreadsheet" ["--bom  Begin the file with a byte order mark"] reaching files::excel;
    "exit" 3 "?CODE?" "End the program with status CODE" [] safe files::exit;
    "explain" 3 "?on|off|auto?" "Format the output of EXPLAIN" [] safe settings::explain;
    "fullschema" 1 "?--indent?" "Show the schema and the statistics tables" [] safe objects::fullschema;
    "headers" 2 "on|off" "Show titles above results" [] safe settings::headers;
    "help" 1 "?-all? ?PATTERN?" "Show help" [] safe help::help;
    "import" 2 "?OPTIONS? FILE TABLE" "Read rows of a file into TABLE" [
        "--ascii      Fields end at 0x1F, rows at 0x1E; no quotes",
        "--colsep C   Fields end at C",
        "--csv        Fields end at a comma, rows at a newline",
        "--esc C      C makes the next character stand for itself outside of quotes",
        "--qesc C     The same inside of quotes",
        "--rowsep C   Rows end at C",
        "--schema S   A new table is made in schema S",
        "--skip N     The first N rows are left out",
        "-v           Tell what is done",
        "FILE may be |PROGRAM, or <<END for the lines that follow up to END. A TABLE that is missing is made;",
        "its columns are named by the first row.",
    ] reaching import::import;
    "indexes" 3 "?PATTERN?" "List indexes" [
        "-a --all  Those that the engine made too",
        "--expr    Only those on expressions",
        "--sys     Only those that the engine made",
    ] safe objects::indexes;
    "indices" 3 "?PATTERN?" "List indexes" [] safe objects::indexes;
    "limit" 3 "?NAME? ?VALUE?" "Show or set a limit" [] safe limits::limit;
    "lint" 3 "fkey-indexes" "Find foreign keys without an index" [] safe lint::lint;
    "load" 3 "FILE ?ENTRY?" "Load an extension" [] reaching settings::load;
    "log" 3 "FILE|on|off" "Write the engine's log" [] reaching settings::log;
    "mode" 2 "?MODE? ?OPTIONS?" "Choose how results look" [
        "--align LCR        Columns left, centred, right",
        "--blob-quote HOW   auto, text, sql, hex, tcl, json, size",
        "--border on|off    Lines around box and table",
        "--charlimit N      Cut values to N characters",
        "--colsep TEXT      Between columns",
        "--escape HOW       Control characters: off, ascii, symbol",
        "--limits L,C,T     --linelimit, --charlimit, --titlelimit; or on, off",
        "--linelimit N      Cut values to N lines",
        "--list             List the modes",
        "--multiinsert N    INSERT statements of up to N bytes",
        "--null TEXT        In place of NULL",
        "--once             For the next result only",
        "--quote HOW        Text: off, on, sql, csv, html, tcl, json, relaxed",
        "--reset            First take the mode's own settings",
        "--rowsep TEXT      Behind rows",
        "--screenwidth N    Fit columns into N characters; or auto",
        "--tablename NAME   For INSERT",
        "--tag NAME         Keep these settings as mode NAME",
        "--textjsonb on|off Show binary JSON as text",
        "--title HOW        off, on, or how titles are quoted",
        "--titlelimit N     Cut titles to N characters",
        "--widths N,N…      Width of columns",
        "--wordwrap on|off  Break lines between words",
        "--wrap N           Break lines at N characters",
        "-v                 Show all settings",
    ] safe mode::mode;
    "nonce" 2 "TEXT" "Lift safe mode for the next command" [] safe settings::nonce;
    "nullvalue" 2 "TEXT" "Show TEXT in place of NULL" [] safe settings::nullvalue;
    "once" 2 "?OPTIONS? FILE" "Send the next result to FILE" [
        "--bom  Begin with a byte order mark",
        "-e     Open it in an editor",
        "-w     Open it in a browser",
        "-x     Open it in a spreadsheet",
        "FILE may be |PROGRAM.",
    ] reaching files::once;
    "open" 1 "?OPTIONS? ?FILE?" "Open another database" [
        "--ifexist   Only a file that is there",
        "--new       Empty the file first",
        "--nofollow  No symbolic links",
        "--readonly  Only read",
    ] reaching files::open;
    "output" 1 "?OPTIONS? ?FILE?" "Send results to FILE; to the terminal without one" [
        "--bom             Begin with a byte order mark",
        "--error-prefix X  Begin error messages with X",
        "--keep            The present redirection stays",
        "--show            Show what memory or a test case holds",
        "FILE may be |PROGRAM, off, memory.",
    ] reaching files::output;
    "parameter" 2 "CMD …" "Values of SQL parameters" [
        "clear            Forget all values",
        "init             Make the table that holds them",
        "list             Show them",
        "set NAME VALUE   Give a parameter a value",
        "unset NAME       Forget one",
    ] safe parameter::parameter;
    "print" 3 "TEXT…" "Show TEXT" [] safe settings::print;
    "progress" 3 "N" "Report every N instructions" [
        "--limit N    Interrupt after N reports",
        "--once       Interrupt once",
        "--quiet      Report interrupts only",
        "--reset      Count anew with each statement",
        "--timeout S  Interrupt after S seconds",
    ] safe limits::progress;
    "prompt" 3 "MAIN CONTINUE" "Change the prompts" [] safe settings::prompt;
    "quit" 1 "" "End the program" [] safe files::quit;
    "read" 3 "FILE" "Run the commands in FILE" ["FILE may be |PROGRAM."] reaching files::read;
    "restore" 3 "?DB? FILE" "Copy FILE over a database (\"main\")" [] reaching copies::restore;
    "save" 2 "FILE" "The same as .backup" [] reaching copies::backup;
    "scanstats" 3 "on|off" "Measure loops" [] safe settings::scanstats;
    "schema" 2 "?PATTERN?" "Show CREATE statements" [
        "--indent  In lines",
        "--nosys   No system tables",
    ] safe objects::schema;
    "separator" 2 "COL ?ROW?" "Change separators" [] safe settings::separator;
    "sha3sum" 4 "?OPTIONS? ?PATTERN?" "Digest of the content" [
        "--schema                 With the schema",
        "--sha3-224 … --sha3-512  Length of the digest",
        "PATTERN is a LIKE pattern for names of tables: each gets a digest.",
    ] safe digest::sha3sum;
    "shell" 3 "CMD ARGS…" "Run a command of the system" [] reaching files::system;
    "show" 2 "" "Show settings" [] safe settings::show;
    "stats" 3 "?on|off|stmt|vmstep?" "Show counters" [] safe statistics::stats;
    "system" 2 "CMD ARGS…" "Run a command of the system" [] reaching files::system;
    "tables" 1 "?PATTERN?" "List tables and views" [] safe objects::tables;
    "testcase" 5 "?OPTIONS? NAME" "Begin a test case" ["--error-prefix X  Begin error messages with X"] safe testing::testcase;
    "timeout" 5 "MS" "Wait MS milliseconds for locks" [] safe settings::timeout;
    "timer" 4 "on|off|once" "Measure statements" [] safe settings::timer;
    "trace" 2 "?OPTIONS?" "Show statements as they run" [
        "FILE stdout stderr off          Where to",
        "--stmt --plain                  Statements as they are written",
    ] reaching settings::trace;
    "version" 2 "" "Show versions" [] safe settings::version;
    "vfslist" 4 "" "List file systems" [] safe settings::vfslist;
    "vfsname" 4 "" "Show the file system in use" [] safe settings::vfsname;
    "width" 1 "NUM…" "Width of columns; negative: to the right" [] safe settings::width;
    "www" 3 "" "Open the next result in a browser" ["--plain  As text"] reaching files::www;
}

/// A command as it was typed.
pub struct Call<'c, 's> {
    pub shell: &'c mut Shell,
    pub source: &'c mut Source<'s>,
    pub command: &'static Command,
    line: &'c str,
    /// The command's name is the first.
    pub arguments: Vec<Argument>,
}

impl Call<'_, '_> {
    /// How many arguments there are.
    pub fn count(&self) -> usize {
        self.arguments.len() - 1
    }

    /// An argument, from 1.
    pub fn argument(&self, number: usize) -> Option<&str> {
        self.arguments.get(number).map(|argument| argument.text.as_str())
    }

    /// What stands before errors of this command.
    pub fn prefix(&self) -> String {
        match &self.shell.error_prefix {
            Some(prefix) => prefix.clone(),
            None => format!("{}:", self.source.command_place()),
        }
    }

    /// Fails with a message at the command's place.
    pub fn fail<T>(&mut self, text: &str) -> Result<T, Shown> {
        let prefix = self.prefix();
        self.shell.fail(&format!("{prefix} {text}"))
    }

    /// Fails with a message that points at an argument.
    pub fn fail_at<T>(&mut self, number: usize, text: &str) -> Result<T, Shown> {
        let prefix = self.prefix();
        let offset = self.arguments.get(number).map_or(self.line.len(), |argument| argument.offset);
        let column = self.line.get(..offset).map_or(offset, |before| before.chars().count());
        let mark = if text.len() + 5 < column {
            format!("{:1$}{text} ---^", "", column - text.len() - 4)
        } else {
            format!("{:column$}^--- {text}", "")
        };
        let line = self.line;
        self.shell.fail(&format!("{prefix} {line}\n{prefix} {mark}"))
    }

    /// Fails as [`Call::fail_at`] with one more line.
    pub fn fail_at_with<T>(&mut self, number: usize, text: &str, more: &str) -> Result<T, Shown> {
        let failed = self.fail_at(number, text);
        let prefix = self.prefix();
        self.shell.message(&format!("{prefix} {more}"));
        failed
    }

    /// The option `--error-prefix`, which stands at `number`: the next argument is what messages begin with.
    pub fn set_error_prefix(&mut self, number: usize) -> Result<(), Shown> {
        let Some(prefix) = self.argument(number + 1).map(str::to_owned) else {
            return self.fail_at(number, "missing argument");
        };
        self.shell.error_prefix = (!prefix.is_empty()).then_some(prefix);
        Ok(())
    }

    /// Fails with the command's usage.
    pub fn usage<T>(&mut self, usage: &str) -> Result<T, Shown> {
        self.shell.fail(&format!("Usage: {usage}"))
    }

    /// Whether an argument is the option `name`, with one dash or two.
    pub fn is_option(&self, number: usize, name: &str) -> bool {
        self.argument(number).is_some_and(|text| is_option(text, name))
    }

    /// A switch's value; `no` with a message where it is none.
    pub fn boolean(&mut self, text: &str) -> bool {
        boolean(text).unwrap_or_else(|| {
            self.shell.message(&format!("ERROR: Not a boolean value: \"{text}\". Assuming \"no\"."));
            false
        })
    }

    /// The connection.
    ///
    /// # Errors
    /// What stops opening it.
    pub fn db(&mut self) -> Result<std::rc::Rc<kernite::Connection>, Shown> {
        self.shell.db()
    }

    /// A result of the engine, its error shown.
    ///
    /// # Errors
    /// The engine's.
    pub fn sql<T>(&mut self, result: kernite::Result<T>) -> Result<T, Shown> {
        result.or_else(|error| self.shell.fail(&format!("Error: {error}")))
    }
}

/// Whether `text` is the option `name`, with one dash or two.
pub fn is_option(text: &str, name: &str) -> bool {
    let Some(text) = text.strip_prefix('-') else { return false };
    text.strip_prefix('-').unwrap_or(text) == name
}

/// A switch's value: `on`, `yes`, `off`, `no`, or a number.
pub fn boolean(text: &str) -> Option<bool> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number != 0);
    }
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" => Some(true),
        "off" | "no" => Some(false),
        _ => None,
    }
}

fn find(name: &str) -> Option<&'static Command> {
    let name = name.to_ascii_lowercase();
    COMMANDS.iter().find(|command| command.name == name).or_else(|| {
        COMMANDS.iter().find(|command| name.len() >= command.least && command.name.starts_with(&name))
    })
}

/// Runs a line that begins with a dot.
///
/// # Errors
/// The command failed and said so.
pub fn run(shell: &mut Shell, source: &mut Source<'_>, line: &str) -> Result<Flow, Shown> {
    let arguments = arguments::split(line, 1);
    let Some(first) = arguments.first() else { return Ok(Flow::Continue) };
    let Some(command) = find(&first.text) else {
        let name = first.text.clone();
        return shell.fail(&format!(
            "Error: unknown command or invalid arguments:  \"{name}\". Enter \".help\" for help"
        ));
    };
    // A nonce lifts safe mode for one command.
    let lifted = std::mem::take(&mut shell.lifted);
    if shell.safe && !lifted && !command.safe {
        let place = source.command_place();
        let name = command.name;
        let refused = shell.fail(&format!("{place}: cannot run .{name} in safe mode"));
        return if shell.interactive { refused } else { refused.or(Ok(Flow::Quit(1))) };
    }
    let mut call = Call { shell, source, command, line, arguments };
    let ended = (command.run)(&mut call);
    // Redirections for one command are not for the command that asks for them.
    if !matches!(command.name, "once" | "excel" | "www" | "mode") {
        shell.command_done();
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_shortened() {
        for (name, full) in [
            ("q", "quit"),
            ("h", "help"),
            ("ta", "tables"),
            ("header", "headers"),
            ("sc", "schema"),
            ("im", "import"),
            ("mo", "mode"),
            ("d", ""),
            ("indices", "indices"),
            ("EXIT", "exit"),
            ("show", "show"),
            ("timer", "timer"),
        ] {
            assert_eq!(find(name).map_or("", |command| command.name), full, "{name}");
        }
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(COMMANDS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn switches_are_words_or_numbers() {
        assert_eq!(boolean("ON"), Some(true));
        assert_eq!(boolean("no"), Some(false));
        assert_eq!(boolean("2"), Some(true));
        assert_eq!(boolean("x"), None);
    }
}
