//! Where input comes from: the standard input, a file, a program, the command line.
//!
//! A source tells how errors name a place in it: `near line 3`, `near line 3 of x.sql`, `in 2nd command line argument`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::rc::Rc;

use kernite::Connection;

use crate::sink::shell;

/// What kind of source it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The standard input, typed at or not.
    Stdin,
    /// A file, or a program's output.
    File(String),
    /// An argument of the command line, counted with the program itself as 0.
    Argument(usize),
}

/// How a person is asked for a line.
pub struct Ask {
    pub prompt: String,
    /// Whose names complete what is typed.
    pub db: Option<Rc<Connection>>,
}

/// A reader of lines.
pub trait Lines {
    /// The next line without its newline; `None` at the end. With `ask`, somebody is asked for it.
    ///
    /// # Errors
    /// What stops reading. `Interrupted`: the person wants to begin anew.
    fn next_line(&mut self, ask: Option<&Ask>) -> io::Result<Option<Vec<u8>>>;
}

/// Lines of anything that can be read.
pub struct Reader<R> {
    reader: R,
    child: Option<Child>,
}

impl<R: BufRead> Lines for Reader<R> {
    fn next_line(&mut self, ask: Option<&Ask>) -> io::Result<Option<Vec<u8>>> {
        if let Some(ask) = ask {
            let mut out = io::stdout();
            out.write_all(ask.prompt.as_bytes())?;
            out.flush()?;
        }
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            if let Some(child) = &mut self.child {
                child.wait()?;
            }
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }
}

/// Input with its place.
pub struct Source<'a> {
    pub origin: Origin,
    /// Number of the line that was read last, from 1.
    pub line: usize,
    lines: Box<dyn Lines + 'a>,
}

impl<'a> Source<'a> {
    /// Input of any kind.
    pub fn new(origin: Origin, lines: Box<dyn Lines + 'a>) -> Source<'a> {
        Source { origin, line: 0, lines }
    }

    /// The standard input.
    pub fn stdin() -> Source<'static> {
        Source::new(Origin::Stdin, Box::new(Reader { reader: io::stdin().lock(), child: None }))
    }

    /// A file, or with `|` before it the output of a program.
    ///
    /// # Errors
    /// What stops opening it.
    pub fn open(name: &str) -> io::Result<Source<'static>> {
        let lines: Box<dyn Lines> = match name.strip_prefix('|') {
            Some(command) => {
                let mut child = shell(command).stdout(Stdio::piped()).spawn()?;
                let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
                Box::new(Reader { reader: BufReader::new(output), child: Some(child) })
            }
            None => {
                let file = File::open(name)?;
                if file.metadata()?.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                Box::new(Reader { reader: BufReader::new(file), child: None })
            }
        };
        Ok(Source::new(Origin::File(name.to_owned()), lines))
    }

    /// An argument of the command line.
    pub fn argument(number: usize, text: &'a [u8]) -> Source<'a> {
        Source::new(Origin::Argument(number), Box::new(Reader { reader: text, child: None }))
    }

    /// The next line without its newline; `None` at the end.
    ///
    /// # Errors
    /// As [`Lines::next_line`].
    pub fn next_line(&mut self, ask: Option<&Ask>) -> io::Result<Option<Vec<u8>>> {
        let line = self.lines.next_line(ask)?;
        self.line += usize::from(line.is_some());
        Ok(line)
    }

    /// The place of a statement that began at `line`, for the errors of SQL.
    pub fn sql_place(&self, line: usize) -> String {
        match &self.origin {
            Origin::Stdin => format!("near line {line}"),
            Origin::File(name) => format!("near line {line} of {name}"),
            Origin::Argument(number) => format!("in {number}{} command line argument", ordinal(*number)),
        }
    }

    /// The place of the line at hand, for the errors of dot-commands.
    pub fn command_place(&self) -> String {
        match &self.origin {
            Origin::Stdin => format!("line {}", self.line),
            Origin::File(name) => format!("{name}:{}", self.line),
            Origin::Argument(number) => format!("argv[{number}]"),
        }
    }

    /// Name of the source where lines of it are taken for data.
    pub fn data_name(&self) -> String {
        match &self.origin {
            Origin::Stdin => "<stdin>".to_owned(),
            Origin::File(name) => name.clone(),
            Origin::Argument(number) => format!("argv[{number}]"),
        }
    }
}

fn ordinal(number: usize) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_after_their_source() {
        let place = |number| Source::argument(number, b"").sql_place(1);
        assert_eq!(place(2), "in 2nd command line argument");
        assert_eq!(place(11), "in 11th command line argument");
        let file =
            Source::new(Origin::File("x.sql".to_owned()), Box::new(Reader { reader: &b""[..], child: None }));
        assert_eq!(file.sql_place(3), "near line 3 of x.sql");
        assert_eq!(file.command_place(), "x.sql:0");
    }

    #[test]
    fn lines_end_at_newlines_with_or_without_carriage_returns() {
        let mut source = Source::argument(1, b"a\r\nb\n\nc");
        let mut lines = Vec::new();
        while let Some(line) = source.next_line(None).expect("memory") {
            lines.push(line);
        }
        assert_eq!(lines, [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(source.line, 4);
    }
}
