//! The command line.
//!
//! ```text
//! kernite [OPTIONS] [FILE [SQL or dot-command…]]
//! ```
//!
//! Options may stand anywhere before `--`, with one dash or two. They are read twice: first those that say how to begin (file, init script,
//! batch or not), then, when the init script has run, those that change settings, in their order, so that they win over it.

use crate::output::{Escape, ScreenWidth, Titles};
use crate::shell::{Shell, Stats};

/// What the command line asks for before anything runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Start {
    pub file: Option<String>,
    /// Commands with their places in the command line.
    pub commands: Vec<(usize, String)>,
    /// Options that change settings, with their values, by place.
    pub settings: Vec<(usize, String, Option<String>)>,
    pub init: Option<String>,
    pub no_init: bool,
    pub batch: bool,
    pub interactive: bool,
    pub read_only: bool,
    pub must_exist: bool,
    pub no_follow: bool,
    pub safe: bool,
    pub nonce: Option<String>,
    pub bail: bool,
}

/// An option of the command line.
pub struct OptionDef {
    name: &'static str,
    /// What stands for its value in the help; empty: it has none.
    value: &'static str,
    summary: &'static str,
}

const fn option(name: &'static str, value: &'static str, summary: &'static str) -> OptionDef {
    OptionDef { name, value, summary }
}

/// All options in alphabetical order.
pub const OPTIONS: &[OptionDef] = &[
    option("ascii", "", "results with 0x1F and 0x1E between them"),
    option("bail", "", "stop at the first error"),
    option("batch", "", "no prompts, even on a terminal"),
    option("box", "", "results in boxes"),
    option("cmd", "COMMAND", "run COMMAND first"),
    option("column", "", "results in columns"),
    option("csv", "", "results as CSV"),
    option("echo", "", "show input before it runs"),
    option("escape", "HOW", "control characters: symbol, ascii, off"),
    option("header", "", "titles above results"),
    option("help", "", "show this"),
    option("html", "", "results as HTML"),
    option("ifexists", "", "do not make a new file"),
    option("init", "FILE", "run FILE first, in place of ~/.kerniterc"),
    option("interactive", "", "prompts, even without a terminal"),
    option("json", "", "results as JSON"),
    option("line", "", "a line for each value"),
    option("list", "", "values with a separator between them"),
    option("markdown", "", "results as Markdown"),
    option("mode", "MODE", "results in MODE"),
    option("newline", "SEP", "SEP behind rows"),
    option("nofollow", "", "no symbolic links"),
    option("noheader", "", "no titles"),
    option("noinit", "", "run no ~/.kerniterc"),
    option("nonce", "TEXT", "what lifts safe mode"),
    option("nullvalue", "TEXT", "TEXT in place of NULL"),
    option("psql", "", "results as psql shows them"),
    option("quote", "", "results as SQL literals"),
    option("readonly", "", "only read"),
    option("safe", "", "refuse what reaches beyond the database"),
    option("screenwidth", "N", "fit columns into N characters"),
    option("separator", "SEP", "SEP between columns"),
    option("stats", "", "show counters of each statement"),
    option("table", "", "results in tables"),
    option("tabs", "", "results with tabs between them"),
    option("version", "", "show the version"),
];

/// Options of SQLite's own memory that mean nothing here, with how many values they take.
const IGNORED: &[(&str, usize)] = &[
    ("heap", 1),
    ("lookaside", 2),
    ("memtrace", 0),
    ("mmap", 1),
    ("multiplex", 0),
    ("pagecache", 2),
    ("pcachetrace", 0),
    ("sorterref", 1),
    ("vfstrace", 0),
    ("no-rowid-in-view", 0),
    ("unsafe-testing", 0),
    ("utf8", 0),
    ("no-utf8", 0),
];

/// What `-help` shows.
pub fn usage(program: &str) -> String {
    let mut text = format!(
        "Usage: {program} [OPTIONS] [FILENAME [SQL...]]\n\
         FILENAME is a database; it is made where there is none, and in memory without one.\n\
         OPTIONS:\n   --                     what follows is no option\n"
    );
    for option in OPTIONS {
        let head = format!("-{} {}", option.name, option.value);
        text.push_str(&format!("   {:<22} {}\n", head.trim_end(), option.summary));
    }
    text
}

/// Why the program is not to start.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// An error with its text.
    Wrong(String),
    /// A value that an option does not take.
    BadValue(String),
    Help,
    Version,
}

/// Reads the command line. `arguments` does not have the program's name.
///
/// # Errors
/// What keeps the program from starting.
pub fn read(arguments: &[String]) -> Result<Start, Refused> {
    let mut start = Start::default();
    let mut at = 0;
    let mut options = true;
    while let Some(text) = arguments.get(at) {
        let place = at + 1;
        at += 1;
        if text == "--" && options {
            options = false;
            continue;
        }
        let Some(name) = text.strip_prefix('-').filter(|name| options && !name.is_empty()) else {
            if start.file.is_none() {
                start.file = Some(text.clone());
            } else {
                start.commands.push((place, text.clone()));
            }
            continue;
        };
        let name = name.strip_prefix('-').unwrap_or(name);
        let missing = || Refused::Wrong(format!("Error: missing argument to -{name}"));
        if let Some((_, values)) = IGNORED.iter().find(|(ignored, _)| *ignored == name) {
            at += values;
            if at > arguments.len() {
                return Err(missing());
            }
            continue;
        }
        let name = if name == "noheaders" { "noheader" } else { name };
        let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
            return Err(Refused::Wrong(format!(
                "Error: unknown option: {text}\nUse -help for a list of options."
            )));
        };
        let value = if option.value.is_empty() {
            None
        } else {
            at += 1;
            Some(arguments.get(at - 1).cloned().ok_or_else(missing)?)
        };
        match name {
            "help" => return Err(Refused::Help),
            "version" => return Err(Refused::Version),
            "batch" => start.batch = true,
            "interactive" => start.interactive = true,
            "init" => start.init = value,
            "noinit" => start.no_init = true,
            "readonly" => start.read_only = true,
            "ifexists" => start.must_exist = true,
            "nofollow" => start.no_follow = true,
            "safe" => start.safe = true,
            "nonce" => start.nonce = value,
            "bail" => start.bail = true,
            "cmd" => start.settings.push((place + 1, name.to_owned(), value)),
            "escape" => {
                let how = value.unwrap_or_default();
                if Escape::of_name(&how).is_none() {
                    return Err(Refused::BadValue(format!(
                        "unknown control character escape mode \"{how}\" - choices: auto off ascii symbol"
                    )));
                }
                start.settings.push((place, name.to_owned(), Some(how)));
            }
            _ => start.settings.push((place, name.to_owned(), value)),
        }
    }
    Ok(start)
}

/// Applies an option that changes a setting.
pub fn apply(shell: &mut Shell, name: &str, value: Option<&str>) {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mode = &mut shell.mode;
    match name {
        "header" => mode.titles = Titles::Forced(true),
        "noheader" => mode.titles = Titles::Forced(false),
        "separator" => mode.column_separator = text(value),
        "newline" => mode.row_separator = text(value),
        "nullvalue" => mode.null = text(value),
        "screenwidth" => {
            mode.screen_width = ScreenWidth::Columns(value.and_then(|value| value.parse().ok()).unwrap_or(0));
        }
        "escape" => mode.escape = value.and_then(Escape::of_name).unwrap_or(Escape::Auto),
        "echo" => shell.echo = true,
        "stats" => shell.stats = Stats::On,
        "mode" => {
            mode.choose(value.unwrap_or_default());
        }
        // The name of a mode.
        name => {
            mode.choose(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Start, Refused> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn options_may_stand_behind_the_file() {
        let start = parsed("a.db -header SELECT --bail .quit").expect("options");
        assert_eq!(start.file.as_deref(), Some("a.db"));
        assert_eq!(start.commands, [(3, "SELECT".to_owned()), (5, ".quit".to_owned())]);
        assert!(start.bail);
    }

    #[test]
    fn two_dashes_end_the_options() {
        let start = parsed("-- --db -csv").expect("no options");
        assert_eq!(start.file.as_deref(), Some("--db"));
        assert_eq!(start.commands, [(3, "-csv".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let unknown = "Error: unknown option: -bad\nUse -help for a list of options.";
        assert_eq!(parsed("a.db -bad"), Err(Refused::Wrong(unknown.to_owned())));
        assert_eq!(
            parsed("-separator"),
            Err(Refused::Wrong("Error: missing argument to -separator".to_owned()))
        );
        assert_eq!(parsed("--version x"), Err(Refused::Version));
    }

    #[test]
    fn every_option_of_a_mode_is_one() {
        for name in [
            "ascii", "box", "column", "csv", "html", "json", "line", "list", "markdown", "psql", "quote",
            "table", "tabs",
        ] {
            assert!(crate::output::ModeDef::find(name).is_some(), "{name}");
        }
    }
}
