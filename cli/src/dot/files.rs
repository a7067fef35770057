//! Commands about files: input, output, databases, the system.

use std::io::Write;

use super::{Call, is_option};
use crate::script::Ended;
use crate::shell::{Flow, OpenOptions, Shown};
use crate::sink::{Duration, Viewer, shell};
use crate::source::Source;

type Outcome = Result<Flow, Shown>;

/// `.cd`
pub fn cd(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(1).map(str::to_owned) {
        Some(folder) if call.count() == 1 => match std::env::set_current_dir(&folder) {
            Ok(()) => Ok(Flow::Continue),
            Err(_) => call.shell.fail(&format!("Cannot change to directory \"{folder}\"")),
        },
        _ => call.usage(".cd DIRECTORY"),
    }
}

/// `.exit`
pub fn exit(call: &mut Call<'_, '_>) -> Outcome {
    let status = call.argument(1).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    if status != 0 {
        // The status is the program's, whatever the errors before it.
        let flushed = call.shell.sink.reset();
        call.shell.written(flushed)?;
        std::process::exit((status & 0xff) as i32);
    }
    Ok(Flow::Quit(0))
}

/// `.quit`
pub fn quit(_call: &mut Call<'_, '_>) -> Outcome {
    Ok(Flow::Quit(0))
}

/// `.read`
pub fn read(call: &mut Call<'_, '_>) -> Outcome {
    let Some(name) = call.argument(1).map(str::to_owned).filter(|_| call.count() == 1) else {
        return call.usage(".read FILE");
    };
    let Ok(mut source) = Source::open(&name) else {
        return call.shell.fail(&format!("Error: cannot open \"{name}\""));
    };
    match call.shell.process(&mut source) {
        Ended { errors: 0, .. } => Ok(Flow::Continue),
        Ended { .. } => Err(Shown),
    }
}

/// `.open`
pub fn open(call: &mut Call<'_, '_>) -> Outcome {
    let mut options = OpenOptions::default();
    let (mut file, mut fresh) = (None, false);
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if is_option(&text, "new") {
            fresh = true;
        } else if is_option(&text, "readonly") {
            options.read_only = true;
        } else if is_option(&text, "nofollow") {
            options.no_follow = true;
        } else if is_option(&text, "ifexist") || is_option(&text, "ifexists") {
            options.must_exist = true;
        } else if is_option(&text, "normal") {
            // What a file is anyway.
        } else if ["append", "zip", "deserialize", "hexdb", "maxsize"]
            .iter()
            .any(|name| is_option(&text, name))
        {
            return call.fail(&format!("{text} is not supported"));
        } else if text.starts_with('-') {
            return call.shell.fail(&format!("unknown option: {text}"));
        } else if file.is_some() {
            return call.shell.fail(&format!("extra argument: \"{text}\""));
        } else {
            file = Some(text);
        }
    }
    let file = file.unwrap_or_else(|| ":memory:".to_owned());
    call.shell.close();
    let in_memory = file == ":memory:" || file.is_empty();
    if call.shell.safe && !in_memory {
        return call.fail("cannot open disk-based database files in safe mode");
    }
    if fresh && !in_memory {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            // What is not there need not be removed, and what cannot be is noticed when it is opened.
            let _ = std::fs::remove_file(format!("{file}{suffix}"));
        }
    }
    if call.shell.open(&file, options).is_err() {
        call.shell.message(&format!("Notice: using substitute in-memory database instead of \"{file}\""));
        call.shell.open(":memory:", OpenOptions::default())?;
        return Err(Shown);
    }
    Ok(Flow::Continue)
}

/// `.connection`
pub fn connection(call: &mut Call<'_, '_>) -> Outcome {
    /// How many there may be.
    const MAX: usize = 5;
    let number =
        |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok()).filter(|number| *number < MAX);
    match (call.count(), call.argument(1)) {
        (0, _) => {
            call.db()?;
            let active = call.shell.active;
            let mut lines = Vec::new();
            for (number, file) in call.shell.connections() {
                let marker = if number == active { "ACTIVE " } else { "       " };
                if let Some(file) = file {
                    lines.push(format!(
                        "{marker}{number}: {}",
                        if file.is_empty() { "(memory)" } else { file }
                    ));
                }
            }
            call.shell.line(&lines.join("\n"))?;
            Ok(Flow::Continue)
        }
        (1, text) if number(text).is_some() => {
            let number = number(text).unwrap_or(0);
            call.shell.switch(number);
            Ok(Flow::Continue)
        }
        (2, Some("close")) if number(call.argument(2)).is_some() => {
            let number = number(call.argument(2)).unwrap_or(0);
            if number == call.shell.active {
                return call.shell.fail("cannot close the active database connection");
            }
            call.shell.close_number(number);
            Ok(Flow::Continue)
        }
        _ => call.usage(".connection [close] [CONNECTION-NUMBER]"),
    }
}

/// Options of `.output` and `.once`.
#[derive(Default)]
struct Redirection {
    file: Option<String>,
    byte_order_mark: bool,
    keep: bool,
    show: bool,
    plain: bool,
    /// `e`, `w` or `x`: open the output with something.
    view: Option<char>,
}

fn redirection(call: &mut Call<'_, '_>) -> Result<Redirection, Shown> {
    let mut found = Redirection::default();
    let mut at = 1;
    while let Some(text) = call.argument(at).map(str::to_owned) {
        if is_option(&text, "bom") {
            found.byte_order_mark = true;
        } else if is_option(&text, "keep") {
            found.keep = true;
        } else if is_option(&text, "show") {
            found.show = true;
        } else if is_option(&text, "plain") {
            found.plain = true;
        } else if ["e", "w", "x"].iter().any(|name| is_option(&text, name)) {
            found.view = text.chars().last();
        } else if is_option(&text, "error-prefix") {
            call.set_error_prefix(at)?;
            at += 1;
        } else if text.starts_with('-') {
            return call.fail_at(at, "unknown option");
        } else if found.file.is_some() {
            return call.fail_at(at, "surplus argument");
        } else if let Some(first) = text.strip_prefix('|') {
            // The rest of the line is the program's.
            let rest = call.arguments[at + 1..].iter().map(|argument| argument.text.as_str());
            let words: Vec<&str> = std::iter::once(first).chain(rest).collect();
            found.file = Some(format!("|{}", words.join(" ")));
            break;
        } else {
            found.file = Some(text);
        }
        at += 1;
    }
    Ok(found)
}

fn redirect(
    call: &mut Call<'_, '_>,
    name: &str,
    duration: Duration,
    options: &Redirection,
) -> Result<(), Shown> {
    if call.shell.sink.redirect(name, duration).is_err() {
        call.shell.message(&format!("Error: cannot open \"{name}\""));
        return call.shell.fail(&format!("Error: cannot write to \"{name}\""));
    }
    if options.byte_order_mark {
        call.shell.write(b"\xef\xbb\xbf")?;
    }
    Ok(())
}

/// Sends output to a temporary file that is opened with a program afterwards.
fn view(call: &mut Call<'_, '_>, kind: char, duration: Duration, options: &Redirection) -> Result<(), Shown> {
    let suffix = match kind {
        'x' => "csv",
        'w' if !options.plain => "html",
        _ => "txt",
    };
    let path = std::env::temp_dir().join(format!("kernite-{}.{suffix}", std::process::id()));
    let editor =
        || std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".to_owned());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let program = if kind == 'e' { editor() } else { opener.to_owned() };
    redirect(call, &path.to_string_lossy(), duration, options)?;
    let before = call.shell.mode.clone();
    if suffix == "csv" {
        call.shell.mode.choose("csv");
    } else if suffix == "html" {
        call.shell.mode.choose("html");
    }
    call.shell.mode_after.get_or_insert(before);
    call.shell.sink.view_with(Viewer { program, path });
    Ok(())
}

/// `.output`
pub fn output(call: &mut Call<'_, '_>) -> Outcome {
    let options = redirection(call)?;
    if options.show {
        let text = call.shell.sink.gathered().to_vec();
        call.shell.sink.message(&String::from_utf8_lossy(&text));
    }
    if options.keep {
        return Ok(Flow::Continue);
    }
    match options.view {
        Some(kind) => view(call, kind, Duration::UntilChanged, &options)?,
        None => redirect(call, options.file.as_deref().unwrap_or(""), Duration::UntilChanged, &options)?,
    }
    Ok(Flow::Continue)
}

/// `.once`
pub fn once(call: &mut Call<'_, '_>) -> Outcome {
    let options = redirection(call)?;
    match (options.view, options.file.as_deref()) {
        (Some(kind), _) => view(call, kind, Duration::OneCommand, &options)?,
        (None, Some(file)) => redirect(call, file, Duration::OneCommand, &options)?,
        (None, None) => {}
    }
    Ok(Flow::Continue)
}

/// `.excel`
pub fn excel(call: &mut Call<'_, '_>) -> Outcome {
    let options = redirection(call)?;
    view(call, 'x', Duration::OneCommand, &options)?;
    Ok(Flow::Continue)
}

/// `.www`
pub fn www(call: &mut Call<'_, '_>) -> Outcome {
    let options = redirection(call)?;
    view(call, 'w', Duration::OneCommand, &options)?;
    Ok(Flow::Continue)
}

/// `.shell` and `.system`
pub fn system(call: &mut Call<'_, '_>) -> Outcome {
    if call.count() == 0 {
        return call.usage(".system COMMAND");
    }
    let quoted = |text: &str| if text.contains(' ') { format!("\"{text}\"") } else { text.to_owned() };
    let words: Vec<String> = call.arguments[1..].iter().map(|argument| quoted(&argument.text)).collect();
    let flushed = call.shell.sink.flush();
    call.shell.written(flushed)?;
    match shell(&words.join(" ")).status() {
        Ok(status) if status.success() => {}
        Ok(status) => {
            let code = status.code().map_or_else(|| status.to_string(), |code| code.to_string());
            call.shell.message(&format!("System command returns {code}"));
        }
        Err(error) => call.shell.message(&format!("System command returns {error}")),
    }
    Ok(Flow::Continue)
}
