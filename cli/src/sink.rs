//! Where output goes: the standard output, a file, a program, memory, nowhere.
//!
//! A redirection holds until the next one, or for one command (`.once`). While a test case runs (`.testcase`), its output and its errors
//! are gathered instead of shown.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::process::{Child, Command, Stdio};

enum Target {
    Console,
    File(BufWriter<File>),
    Pipe(Child),
    Memory,
    Off,
}

/// How long a redirection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duration {
    UntilChanged,
    OneCommand,
}

/// What happens to a temporary file of output when the redirection ends.
pub struct Viewer {
    pub program: String,
    pub path: std::path::PathBuf,
}

/// The output of the shell.
pub struct Sink {
    console: BufWriter<Stdout>,
    target: Target,
    name: String,
    duration: Duration,
    viewer: Option<Viewer>,
    /// What went to `.output memory`.
    memory: Vec<u8>,
    /// What a test case showed so far.
    captured: Option<Vec<u8>>,
}

impl Default for Sink {
    fn default() -> Sink {
        Sink {
            console: BufWriter::with_capacity(1 << 16, io::stdout()),
            target: Target::Console,
            name: String::new(),
            duration: Duration::UntilChanged,
            viewer: None,
            memory: Vec::new(),
            captured: None,
        }
    }
}

impl Sink {
    /// Name of the redirection; `stdout` where there is none.
    pub fn name(&self) -> &str {
        match self.target {
            Target::Console => "stdout",
            _ => &self.name,
        }
    }

    /// Whether output goes to the standard output.
    pub fn is_console(&self) -> bool {
        matches!(self.target, Target::Console) && self.captured.is_none()
    }

    /// Ends a redirection: files are closed, programs waited for.
    ///
    /// # Errors
    /// What stops writing.
    pub fn reset(&mut self) -> io::Result<()> {
        let flushed = self.flush();
        if let Target::Pipe(mut child) = std::mem::replace(&mut self.target, Target::Console) {
            drop(child.stdin.take());
            child.wait()?;
        }
        self.duration = Duration::UntilChanged;
        self.memory.clear();
        if let Some(viewer) = self.viewer.take() {
            let mut words = viewer.program.split_whitespace();
            if let Some(program) = words.next() {
                Command::new(program).args(words).arg(&viewer.path).status()?;
            }
        }
        flushed
    }

    /// Redirects to `name`: a file, `|program`, `off`, `memory` or `stdout`.
    ///
    /// # Errors
    /// What stops opening it; output then goes to the standard output.
    pub fn redirect(&mut self, name: &str, duration: Duration) -> io::Result<()> {
        self.reset()?;
        self.target = match name {
            "" | "stdout" => Target::Console,
            "off" => Target::Off,
            "memory" => Target::Memory,
            _ => match name.strip_prefix('|') {
                Some(command) => Target::Pipe(shell(command).stdin(Stdio::piped()).spawn()?),
                None => Target::File(BufWriter::new(File::create(name)?)),
            },
        };
        self.name = name.to_owned();
        self.duration = duration;
        Ok(())
    }

    /// Opens the output in a program when the redirection ends.
    pub fn view_with(&mut self, viewer: Viewer) {
        self.viewer = Some(viewer);
    }

    /// A command is done: redirections for one command end.
    ///
    /// # Errors
    /// What stops writing.
    pub fn command_done(&mut self) -> io::Result<()> {
        if self.duration == Duration::OneCommand { self.reset() } else { Ok(()) }
    }

    /// Whether output is being gathered.
    pub fn is_capturing(&self) -> bool {
        self.captured.is_some()
    }

    /// Gathers output from here on.
    pub fn start_capture(&mut self) {
        self.captured = Some(Vec::new());
    }

    /// What was gathered; gathering ends.
    pub fn end_capture(&mut self) -> Option<Vec<u8>> {
        self.captured.take()
    }

    /// What was gathered, in a test case or by `.output memory`.
    pub fn gathered(&self) -> &[u8] {
        self.captured.as_deref().unwrap_or(&self.memory)
    }

    /// Writes a message for people: to the standard error, or to what is being gathered.
    pub fn message(&mut self, text: &str) {
        if let Some(captured) = &mut self.captured {
            captured.extend_from_slice(text.as_bytes());
            return;
        }
        // Output that came before is to be seen before; whoever cannot be told of an error cannot be told that either.
        let _ = self.console.flush();
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// A command for the system's shell.
pub fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(captured) = &mut self.captured {
            captured.extend_from_slice(bytes);
            return Ok(());
        }
        match &mut self.target {
            Target::Console => self.console.write_all(bytes),
            Target::File(file) => file.write_all(bytes),
            Target::Pipe(child) => match &mut child.stdin {
                // A program that reads no further (`head`) is no error.
                Some(stdin) => stdin.write_all(bytes).or_else(ignore_broken_pipe),
                None => Ok(()),
            },
            Target::Memory => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
            Target::Off => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Console => self.console.flush(),
            Target::File(file) => file.flush(),
            Target::Pipe(child) => {
                child.stdin.as_mut().map_or(Ok(()), Write::flush).or_else(ignore_broken_pipe)
            }
            Target::Memory | Target::Off => Ok(()),
        }
    }
}

fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
