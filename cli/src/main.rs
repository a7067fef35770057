//! The `kernite` shell: `kernite [FILE [SQL…]]`.
//!
//! SQL comes from the command line or, without any there, from the standard input; rows go to the standard output as values with `|` between
//! them, errors to the standard error. The exit status is 1 where a statement failed.
#![forbid(unsafe_code)]

use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;

use kernite::Connection;
use kernite::types::ValueRef;

fn show(value: ValueRef<'_>, out: &mut impl Write) -> std::io::Result<()> {
    match value {
        ValueRef::Null => Ok(()),
        ValueRef::Integer(number) => write!(out, "{number}"),
        ValueRef::Real(number) => {
            let text = number.to_string();
            let point = if text.contains(['.', 'e', 'n', 'i']) { "" } else { ".0" };
            write!(out, "{text}{point}")
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.write_all(bytes),
    }
}

/// Runs all statements of a text; whether all went well.
fn run(db: &Connection, sql: &[u8], out: &mut impl Write) -> std::io::Result<bool> {
    let mut rest = sql;
    let mut good = true;
    while !rest.is_empty() {
        let mut step = 0;
        let outcome = (|| -> Result<(), String> {
            let (statement, end) = db.raw().prepare(rest).map_err(|error| {
                step = rest.iter().position(|byte| *byte == b';').map_or(rest.len(), |at| at + 1);
                kernite::Error::from(error).to_string()
            })?;
            step = end;
            let Some(mut statement) = statement else { return Ok(()) };
            while statement.step().map_err(|error| kernite::Error::from(error).to_string())? {
                for (index, register) in statement.row().iter().enumerate() {
                    if index > 0 {
                        out.write_all(b"|").map_err(|error| error.to_string())?;
                    }
                    show(register.value(), out).map_err(|error| error.to_string())?;
                }
                out.write_all(b"\n").map_err(|error| error.to_string())?;
            }
            Ok(())
        })();
        if let Err(message) = outcome {
            out.flush()?;
            eprintln!("Error: {message}");
            good = false;
        }
        rest = rest.get(step.max(1)..).unwrap_or_default();
    }
    out.flush()?;
    Ok(good)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| ":memory:".to_owned());
    let db = match Connection::open(&file) {
        Ok(db) => db,
        Err(error) => {
            eprintln!("Error: unable to open database \"{file}\": {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut texts: Vec<Vec<u8>> = arguments.map(String::into_bytes).collect();
    if texts.is_empty() {
        let mut text = Vec::new();
        if let Err(error) = std::io::stdin().lock().read_to_end(&mut text) {
            eprintln!("Error: {error}");
            return ExitCode::FAILURE;
        }
        texts.push(text);
    }
    let good = texts.iter().all(|text| run(&db, text, &mut out).unwrap_or(false));
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
