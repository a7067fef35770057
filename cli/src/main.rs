//! The `kernite` shell: SQL and dot-commands from a person, a script or the command line, results in many forms.
//!
//! Rooms: `options` (the command line), `shell` (the state), `script` (lines to commands), `source` and `repl` (where lines come from),
//! `run` and `report` (statements and their errors), `dot` (dot-commands), `output` (results as text), `sink` (where output goes),
//! `fields` (CSV), `schema_text`, `functions`, `progress`, `interrupt`, `keccak`.
//!
//! It uses the public API of `kernite` alone, and behaves as SQLite's shell does: same commands, same output, same exit status.
#![forbid(unsafe_code)]
// A shell is where clocks, files and the environment come in; the engine's rule that they pass through `Io` ends here.
#![allow(clippy::disallowed_methods)]

mod dot;
mod fields;
mod functions;
mod interrupt;
mod keccak;
mod options;
mod output;
mod progress;
mod repl;
mod report;
mod run;
mod schema_text;
mod script;
mod series;
mod shell;
mod sink;
mod source;

use std::io::IsTerminal;
use std::process::ExitCode;

use options::{Refused, Start};
use output::Mode;
use run::Outcome;
use script::Ended;
use shell::{Flow, OpenOptions, Shell};
use source::{Origin, Source};

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "kernite".to_owned());
    let arguments: Vec<String> = words.collect();
    let start = match options::read(&arguments) {
        Ok(start) => start,
        Err(Refused::Help) => {
            eprint!("{}", options::usage(&program));
            return ExitCode::FAILURE;
        }
        Err(Refused::Version) => {
            println!("{} (Kernite {})", dot::version_text(), env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(Refused::BadValue(text)) => {
            eprintln!("{text}");
            return ExitCode::FAILURE;
        }
        Err(Refused::Wrong(text)) => {
            eprintln!("{program}: {text}");
            return ExitCode::FAILURE;
        }
    };
    let mut shell = Shell::new();
    interrupt::install();
    let status = start_shell(&mut shell, &start);
    ExitCode::from(finish(&mut shell, status))
}

/// The end of everything: what is open is closed, tests are counted.
fn finish(shell: &mut Shell, status: u8) -> u8 {
    let flushed = shell.sink.reset();
    let flushed = shell.written(flushed);
    let (run, failed) = (shell.test.run, shell.test.failed);
    if run > 0 {
        println!("{run} test{} run with {failed} error{}", plural(run), plural(failed));
    }
    if flushed.is_err() || failed > 0 { status.max(1) } else { status }
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn start_shell(shell: &mut Shell, start: &Start) -> u8 {
    shell.file = start.file.clone().unwrap_or_else(|| ":memory:".to_owned());
    shell.open_options =
        OpenOptions { read_only: start.read_only, must_exist: start.must_exist, no_follow: start.no_follow };
    shell.nonce.clone_from(&start.nonce);
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    shell.interactive = start.interactive || (on_terminal && !start.batch && start.commands.is_empty());
    if start.interactive || (std::io::stdout().is_terminal() && !start.batch) {
        shell.mode = Mode::tty();
    }
    if std::io::stderr().is_terminal() && !start.batch {
        shell.progress_line = Some(progress::Line::default());
    }
    if !start.no_init
        && let Some(status) = run_init(shell, start.init.as_deref())
    {
        return status;
    }
    shell.safe = start.safe;
    shell.bail = start.bail;
    // A database that cannot be opened is an error before anything else; one that is not there is made by the first change.
    if shell.file != ":memory:"
        && (std::fs::exists(&shell.file).unwrap_or(true) || !start.commands.is_empty())
        && shell.db().is_err()
    {
        return 1;
    }
    for (place, name, value) in &start.settings {
        if name == "cmd" {
            let command = value.as_deref().unwrap_or_default();
            match run_argument(shell, *place, command) {
                Ended { flow: Flow::Quit(status), .. } => return status,
                Ended { errors, .. } if errors > 0 && shell.bail => return 1,
                Ended { .. } => {}
            }
        } else {
            options::apply(shell, name, value.as_deref());
        }
    }
    if !start.commands.is_empty() {
        for (place, command) in &start.commands {
            match run_argument(shell, *place, command) {
                Ended { flow: Flow::Quit(status), .. } => return status,
                Ended { errors: 0, .. } => {}
                Ended { .. } => return 1,
            }
        }
        return 0;
    }
    match read_input(shell) {
        Ended { flow: Flow::Quit(status), errors } if !shell.interactive => status.max(u8::from(errors > 0)),
        Ended { flow: Flow::Quit(status), .. } => status,
        Ended { errors, .. } => u8::from(errors > 0),
    }
}

/// Runs one argument of the command line: a dot-command, or SQL.
fn run_argument(shell: &mut Shell, place: usize, text: &str) -> Ended {
    let mut source = Source::argument(place, b"");
    if text.starts_with('.') {
        return match dot::run(shell, &mut source, text) {
            Ok(flow) => Ended { errors: 0, flow },
            Err(_) => Ended { errors: 1, flow: Flow::Continue },
        };
    }
    let failed = shell.run_sql(text.as_bytes(), &source.sql_place(1)) == Outcome::Failed;
    Ended { errors: usize::from(failed), flow: Flow::Continue }
}

/// Runs the script of the user's own settings; the status to end with, if it says so.
fn run_init(shell: &mut Shell, file: Option<&str>) -> Option<u8> {
    let own = || std::env::home_dir().map(|home| home.join(".kerniterc").to_string_lossy().into_owned());
    let path = file.map(str::to_owned).or_else(own)?;
    match Source::open(&path) {
        Ok(mut source) => {
            if shell.interactive {
                shell.message(&format!("-- Loading resources from {path}"));
            }
            let interactive = std::mem::replace(&mut shell.interactive, false);
            let ended = shell.process(&mut source);
            shell.interactive = interactive;
            match ended.flow {
                Flow::Quit(status) => Some(status),
                Flow::Continue if ended.errors > 0 && shell.bail => Some(1),
                Flow::Continue => None,
            }
        }
        Err(_) if file.is_some() => {
            shell.message(&format!("cannot open: \"{path}\""));
            shell.bail.then_some(1)
        }
        // Nobody has to have one.
        Err(_) => None,
    }
}

/// Runs the standard input, typed or not.
fn read_input(shell: &mut Shell) -> Ended {
    if !shell.interactive {
        return shell.process(&mut Source::stdin());
    }
    let version = dot::version_text();
    // Version and date; the digest is for machines.
    let version: Vec<&str> = version.split(' ').take(3).collect();
    println!("Kernite {} (SQLite version {})", env!("CARGO_PKG_VERSION"), version.join(" "));
    println!("Enter \".help\" for usage hints.");
    if shell.file == ":memory:" {
        println!("Connected to a transient in-memory database.");
        println!("Use \".open FILENAME\" to reopen on a persistent database.");
    }
    let typed = if std::io::stdin().is_terminal() { repl::Typed::new().ok() } else { None };
    let mut source = match typed {
        Some(typed) => Source::new(Origin::Stdin, Box::new(typed)),
        None => Source::stdin(),
    };
    shell.process(&mut source)
}
