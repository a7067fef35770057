//! The shell's state: its connection, its settings, its output.

use std::io::{self, IsTerminal, Write};
use std::rc::Rc;
use std::time::Instant;

use kernite::{Connection, OpenFlags};

use crate::functions;
use crate::output::{Mode, ScreenWidth};
use crate::report::Colours;
use crate::sink::Sink;

/// Whether plans are shown before results (`.eqp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eqp {
    Off,
    On,
    /// Those of triggers as well.
    Trigger,
    /// Plan and program.
    Full,
}

/// How EXPLAIN is shown (`.explain`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainFormat {
    Auto,
    On,
    Off,
}

/// A setting that can also hold for one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    Off,
    On,
    Once,
}

/// What `.stats` shows after each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stats {
    Off,
    On,
    Statement,
    Steps,
}

/// A test case between `.testcase` and `.check`.
#[derive(Default)]
pub struct TestCase {
    pub name: String,
    /// Tests that were checked.
    pub run: u32,
    pub failed: u32,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    pub read_only: bool,
    /// It has to be there.
    pub must_exist: bool,
    /// A symbolic link is refused.
    pub no_follow: bool,
}

/// What was asked of the shell to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// The end of the program with this status.
    Quit(u8),
}

/// An error that was shown already.
#[derive(Debug)]
pub struct Shown;

/// The shell.
pub struct Shell {
    /// The connection in use is `connections[active]`; it is opened when it is first needed.
    connections: Vec<Option<Opened>>,
    pub active: usize,
    pub file: String,
    pub open_options: OpenOptions,
    pub mode: Mode,
    /// The mode to go back to after the next statement (`.mode --once`).
    pub mode_after: Option<Mode>,
    /// Modes that were given names.
    pub tagged: Vec<(String, Mode)>,
    pub sink: Sink,
    pub echo: bool,
    pub bail: bool,
    pub changes: bool,
    pub timer: Timer,
    pub stats: Stats,
    pub eqp: Eqp,
    pub explain: ExplainFormat,
    /// Somebody types: prompts, no stop at errors.
    pub interactive: bool,
    /// Commands that reach beyond the database are refused.
    pub safe: bool,
    /// The next command may do what safe mode refuses.
    pub lifted: bool,
    /// What lifts safe mode for one command.
    pub nonce: Option<String>,
    pub prompt: String,
    pub prompt_continue: String,
    /// Stands before errors instead of their place.
    pub error_prefix: Option<String>,
    pub test: TestCase,
    /// A dump is being read into a new database.
    pub reads_dump: bool,
    /// Depth of `.read`.
    pub nesting: usize,
    /// Milliseconds to wait for locks.
    pub timeout_ms: u64,
    pub progress: Option<crate::progress::Progress>,
    /// Says on a terminal that long work goes on.
    pub progress_line: Option<crate::progress::Line>,
}

struct Opened {
    db: Rc<Connection>,
    file: String,
}

impl Shell {
    /// A shell for scripts.
    pub fn new() -> Shell {
        Shell {
            connections: vec![None],
            active: 0,
            file: ":memory:".to_owned(),
            open_options: OpenOptions::default(),
            mode: Mode::batch(),
            mode_after: None,
            tagged: Vec::new(),
            sink: Sink::default(),
            echo: false,
            bail: false,
            changes: false,
            timer: Timer::Off,
            stats: Stats::Off,
            eqp: Eqp::Off,
            explain: ExplainFormat::Auto,
            interactive: false,
            safe: false,
            lifted: false,
            nonce: None,
            prompt: "kernite> ".to_owned(),
            prompt_continue: "    ...> ".to_owned(),
            error_prefix: None,
            test: TestCase::default(),
            reads_dump: false,
            nesting: 0,
            timeout_ms: 0,
            progress: None,
            progress_line: None,
        }
    }

    /// Shows a message on the standard error.
    pub fn message(&mut self, text: &str) {
        self.sink.message(text);
        self.sink.message("\n");
    }

    /// Shows a message and gives the error that says so.
    pub fn fail<T>(&mut self, text: &str) -> Result<T, Shown> {
        self.message(text);
        Err(Shown)
    }

    /// Writes to the output.
    ///
    /// # Errors
    /// What stops writing is shown, but for a reader that went away.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Shown> {
        let written = self.sink.write_all(bytes);
        self.written(written)
    }

    /// A line to the output.
    ///
    /// # Errors
    /// As [`Shell::write`].
    pub fn line(&mut self, text: &str) -> Result<(), Shown> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Deals with the outcome of writing.
    ///
    /// # Errors
    /// What stopped it, after it was shown.
    pub fn written(&mut self, written: io::Result<()>) -> Result<(), Shown> {
        match written {
            Ok(()) => Ok(()),
            // Nobody reads on: as a program that SIGPIPE ends.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => self.fail(&format!("Error: {error}")),
        }
    }

    /// Colours for the standard error.
    pub fn colours(&self) -> Colours {
        Colours(self.interactive && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    /// How many columns the output may take; 0: any number.
    pub fn screen_width(&self) -> usize {
        match self.mode.screen_width {
            ScreenWidth::Columns(columns) => columns,
            ScreenWidth::Auto if self.sink.is_console() => crate::repl::terminal_columns().unwrap_or(0),
            ScreenWidth::Auto => 0,
        }
    }

    /// The connection, opened if it is not yet.
    ///
    /// # Errors
    /// What stops opening it, after it was shown.
    pub fn db(&mut self) -> Result<Rc<Connection>, Shown> {
        if self.connections[self.active].is_none() {
            let file = self.file.clone();
            self.open(&file, self.open_options)?;
        }
        self.db_if_open().ok_or(Shown)
    }

    /// The connection, if it is open.
    pub fn db_if_open(&self) -> Option<Rc<Connection>> {
        self.connections[self.active].as_ref().map(|opened| Rc::clone(&opened.db))
    }

    /// Opens a database in place of the present one.
    ///
    /// # Errors
    /// What stops it, after it was shown; the present one is closed all the same.
    pub fn open(&mut self, file: &str, options: OpenOptions) -> Result<(), Shown> {
        self.connections[self.active] = None;
        self.file = file.to_owned();
        self.open_options = options;
        let name = if file.is_empty() { ":memory:" } else { file };
        if options.no_follow && std::fs::symlink_metadata(name).is_ok_and(|found| found.is_symlink()) {
            return self
                .fail(&format!("Error: unable to open database \"{file}\": unable to open database file"));
        }
        let mut flags = OpenFlags::SQLITE_OPEN_URI;
        flags = flags
            | if options.read_only {
                OpenFlags::SQLITE_OPEN_READ_ONLY
            } else if options.must_exist {
                OpenFlags::SQLITE_OPEN_READ_WRITE
            } else {
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
            };
        let safe = self.safe;
        let opened = Connection::open_with_flags(name, flags).and_then(|db| {
            functions::register(&db, safe)?;
            // A database may come from anywhere: its schema calls no function that could do harm.
            db.raw().change_options(|options| (options.trusted_schema, options.defensive) = (false, true));
            Ok(db)
        });
        match opened {
            Ok(db) => {
                if self.timeout_ms > 0 {
                    // Setting it cannot fail.
                    let _ = db.busy_timeout(std::time::Duration::from_millis(self.timeout_ms));
                }
                if let Some(progress) = &self.progress {
                    progress.install(&db);
                } else if let Some(line) = &self.progress_line {
                    line.install(&db);
                }
                crate::interrupt::watch(&db);
                self.connections[self.active] = Some(Opened { db: Rc::new(db), file: file.to_owned() });
                Ok(())
            }
            Err(error) => self.fail(&format!("Error: unable to open database \"{file}\": {error}")),
        }
    }

    /// Closes the present connection.
    pub fn close(&mut self) {
        self.connections[self.active] = None;
    }

    /// Switches to another of the connections.
    pub fn switch(&mut self, number: usize) {
        while self.connections.len() <= number {
            self.connections.push(None);
        }
        self.active = number;
        self.file = self.connections[number].as_ref().map_or("", |opened| &opened.file).to_owned();
    }

    /// The connections: number, file where it is open.
    pub fn connections(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        self.connections
            .iter()
            .enumerate()
            .map(|(number, opened)| (number, opened.as_ref().map(|o| o.file.as_str())))
    }

    /// Closes another of the connections.
    pub fn close_number(&mut self, number: usize) {
        if let Some(opened) = self.connections.get_mut(number) {
            *opened = None;
        }
    }

    /// Ends what holds for one command: `.once`, `.mode --once`.
    pub fn command_done(&mut self) {
        let done = self.sink.command_done();
        // What could not be written was told with the command's own error.
        let _ = self.written(done);
        if let Some(mode) = self.mode_after.take() {
            self.mode = mode;
        }
    }
}

/// A stopwatch for `.timer`.
pub struct Stopwatch {
    start: Instant,
    user: f64,
    system: f64,
}

fn cpu_seconds() -> (f64, f64) {
    use nix::sys::resource::{UsageWho, getrusage};
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or((0.0, 0.0), |usage| (seconds(usage.user_time()), seconds(usage.system_time())))
}

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Stopwatch {
        let (user, system) = cpu_seconds();
        Stopwatch { start: Instant::now(), user, system }
    }

    /// What it shows.
    pub fn report(&self) -> String {
        let (user, system) = cpu_seconds();
        format!(
            "Run Time: real {:.6} user {:.6} sys {:.6}",
            self.start.elapsed().as_secs_f64(),
            user - self.user,
            system - self.system
        )
    }
}
