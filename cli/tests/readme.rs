//! The shell's example in the README runs, and does what it says.

use std::process::Command;

/// The lines of the README between `kernite-shell-example` marks: commands with `$` before them, and what they show.
fn example() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let text = std::fs::read_to_string(path).expect("the README");
    let begin = text.find("```console\n").expect("an example of the shell") + "```console\n".len();
    let end = begin + text[begin..].find("```").expect("its end");
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in text[begin..end].lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => {
                let shown = &mut commands.last_mut().expect("output follows a command").1;
                shown.push_str(line);
                shown.push('\n');
            }
        }
    }
    commands
}

#[test]
fn the_example_of_the_shell_runs() {
    let folder = std::env::temp_dir().join(format!("kernite-readme-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let commands = example();
    assert!(commands.len() >= 2, "the README shows the shell at work");
    for (command, shown) in commands {
        let call = command
            .strip_prefix("cargo run --release -p kernite-cli -- ")
            .unwrap_or_else(|| panic!("not a call of the shell: {command}"));
        let line = format!("{} -noinit {call}", env!("CARGO_BIN_EXE_kernite"));
        let output =
            Command::new("/bin/sh").arg("-c").arg(&line).current_dir(&folder).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{command}");
    }
    let _ = std::fs::remove_dir_all(&folder);
}
