//! `.stats`: counters of the statement that ran last.

use std::io::Write;

use kernite::Statement;

use super::Call;
use crate::output::Failure;
use crate::shell::{Flow, Shell, Shown, Stats};

/// Counters of a statement by SQLite's numbers.
const COUNTERS: [(&str, i32); 6] = [
    ("Fullscan Steps", 1),
    ("Sort Operations", 2),
    ("Autoindex Inserts", 3),
    ("Virtual Machine Steps", 4),
    ("Reprepare operations", 5),
    ("Number of times run", 6),
];

/// `.stats`
pub fn stats(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    match (call.count(), call.argument(1).map(str::to_owned)) {
        (0, _) => {
            let shown = show(call.shell, None);
            if let Err(Failure::Io(error)) = shown {
                call.shell.written(Err(error))?;
            }
        }
        (1, Some(text)) => {
            call.shell.stats = match text.as_str() {
                "stmt" => Stats::Statement,
                "vmstep" => Stats::Steps,
                _ if call.boolean(&text) => Stats::On,
                _ => Stats::Off,
            };
        }
        _ => return call.usage(".stats ?on|off|stmt|vmstep?"),
    }
    Ok(Flow::Continue)
}

/// Shows what `.stats` asks for.
///
/// # Errors
/// What stops writing.
pub fn show(shell: &mut Shell, statement: Option<&mut Statement<'_>>) -> Result<(), Failure> {
    let stats = shell.stats;
    let out = &mut shell.sink;
    let Some(statement) = statement else { return Ok(()) };
    if stats == Stats::Steps {
        writeln!(out, "VM-steps: {}", statement.counter(4))?;
        return Ok(());
    }
    if stats == Stats::Statement {
        let names = statement.column_names();
        writeln!(out, "{:<36} {}", "Number of output columns:", names.len())?;
        for (index, name) in names.iter().enumerate() {
            writeln!(out, "{:<36} {name}", format!("Column {index} name:"))?;
            let declared = statement.column_decltype(index).unwrap_or_else(|| "(null)".to_owned());
            writeln!(out, "{:<36} {declared}", format!("Column {index} declared type:"))?;
        }
    }
    if let Some(memory) = resident_bytes() {
        writeln!(out, "{:<36} {memory} bytes", "Memory Used:")?;
    }
    for (name, number) in COUNTERS {
        writeln!(out, "{:<36} {}", format!("{name}:"), statement.counter(number))?;
    }
    Ok(())
}

/// Memory of the process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
