//! `.help`: made from the table of commands.

use super::{COMMANDS, Call, Command};
use crate::shell::{Flow, Shown};

fn summary(command: &Command) -> String {
    let head = format!(".{} {}", command.name, command.arguments);
    format!("{:<24} {}\n", head.trim_end(), command.summary)
}

/// What `.help` says of one command.
pub fn full(command: &Command) -> String {
    let mut text = summary(command);
    for detail in command.details {
        text.push_str(&format!("    {detail}\n"));
    }
    text
}

/// Shows help on all commands, or on those that a pattern names.
pub fn help(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    let listed = || COMMANDS.iter().filter(|command| command.name != "indices");
    let text: String = match call.argument(1) {
        None => listed().map(summary).collect(),
        Some("-a" | "-all" | "--all" | "*") => listed().map(full).collect(),
        Some(pattern) => {
            let name = pattern.trim_start_matches('.').to_ascii_lowercase();
            let named: Vec<&Command> =
                COMMANDS.iter().filter(|command| command.name.starts_with(&name)).collect();
            let mentions = |command: &&Command| {
                let lines = [command.name, command.summary];
                lines.iter().chain(command.details).any(|line| line.to_ascii_lowercase().contains(&name))
            };
            let exact = COMMANDS.iter().find(|command| command.name == name);
            let one = exact.or(if named.len() == 1 { named.first().copied() } else { None });
            let found: String = match one {
                Some(command) => full(command),
                None if named.is_empty() => listed().filter(mentions).map(summary).collect(),
                None => named.iter().map(|command| summary(command)).collect(),
            };
            if found.is_empty() { format!("Nothing matches '{pattern}'\n") } else { found }
        }
    };
    call.shell.write(text.as_bytes())?;
    Ok(Flow::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_says_what_it_does() {
        for command in COMMANDS {
            assert!(!command.summary.is_empty() && !command.summary.ends_with('.'), "{}", command.name);
        }
    }
}
