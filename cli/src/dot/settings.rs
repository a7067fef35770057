//! Commands that set or show how the shell behaves.

use super::Call;
use crate::output::Titles;
use crate::shell::{Eqp, ExplainFormat, Flow, Shown, Stats, Timer};

type Outcome = Result<Flow, Shown>;

/// The one argument of a switch; its usage otherwise.
fn the_switch(call: &mut Call<'_, '_>) -> Result<bool, Shown> {
    match call.argument(1).map(str::to_owned) {
        Some(text) if call.count() == 1 => Ok(call.boolean(&text)),
        _ => {
            let name = call.command.name;
            call.usage(&format!(".{name} on|off"))
        }
    }
}

/// `.bail`
pub fn bail(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.bail = the_switch(call)?;
    Ok(Flow::Continue)
}

/// `.changes`
pub fn changes(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.changes = the_switch(call)?;
    Ok(Flow::Continue)
}

/// `.echo`
pub fn echo(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.echo = the_switch(call)?;
    Ok(Flow::Continue)
}

/// `.headers`
pub fn headers(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.mode.titles = Titles::Forced(the_switch(call)?);
    Ok(Flow::Continue)
}

/// `.crlf`: lines always end with a newline here.
pub fn crlf(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(1).map(str::to_owned) {
        Some(text) if call.boolean(&text) => call.fail("line endings of CR LF are not supported"),
        Some(_) => Ok(Flow::Continue),
        None => {
            call.shell.line("crlf is OFF")?;
            Ok(Flow::Continue)
        }
    }
}

/// `.auth`
pub fn auth(call: &mut Call<'_, '_>) -> Outcome {
    let on = the_switch(call)?;
    if on {
        call.fail("showing what the authorizer is asked is not supported yet")
    } else {
        Ok(Flow::Continue)
    }
}

/// `.scanstats`
pub fn scanstats(call: &mut Call<'_, '_>) -> Outcome {
    let on = the_switch(call)?;
    if on { call.fail("scan statistics are not supported yet") } else { Ok(Flow::Continue) }
}

/// `.load`
pub fn load(call: &mut Call<'_, '_>) -> Outcome {
    match call.count() {
        1 | 2 => call.fail("extensions that are loaded are not supported"),
        _ => call.usage(".load FILE ?ENTRYPOINT?"),
    }
}

/// `.log`
pub fn log(call: &mut Call<'_, '_>) -> Outcome {
    match (call.count(), call.argument(1)) {
        (1, Some("off")) => Ok(Flow::Continue),
        (1, Some(_)) => call.fail("the engine's log is not supported yet"),
        _ => call.usage(".log FILENAME"),
    }
}

/// `.eqp`
pub fn eqp(call: &mut Call<'_, '_>) -> Outcome {
    let Some(text) = call.argument(1).map(str::to_owned).filter(|_| call.count() == 1) else {
        return call.usage(".eqp off|on|trace|trigger|full");
    };
    call.shell.eqp = match text.as_str() {
        "full" => Eqp::Full,
        "trigger" => Eqp::Trigger,
        _ if call.boolean(&text) => Eqp::On,
        _ => Eqp::Off,
    };
    Ok(Flow::Continue)
}

/// `.explain`
pub fn explain(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.explain = match call.argument(1).map(str::to_owned) {
        None => ExplainFormat::On,
        Some(text) if text == "auto" => ExplainFormat::Auto,
        Some(text) => {
            if let Some(on) = super::boolean(&text) {
                if on { ExplainFormat::On } else { ExplainFormat::Off }
            } else {
                call.boolean(&text);
                call.shell.explain = ExplainFormat::Off;
                return Err(Shown);
            }
        }
    };
    Ok(Flow::Continue)
}

/// `.nonce`
pub fn nonce(call: &mut Call<'_, '_>) -> Outcome {
    if call.shell.nonce.is_none() || call.shell.nonce.as_deref() != call.argument(1) {
        let place = call.source.command_place();
        let text = format!("{place}: incorrect nonce: \"{}\"", call.argument(1).unwrap_or_default());
        call.shell.message(&text);
        return Ok(Flow::Quit(1));
    }
    call.shell.lifted = true;
    Ok(Flow::Continue)
}

/// `.nullvalue`
pub fn nullvalue(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(1).map(str::to_owned) {
        Some(text) if call.count() == 1 => {
            call.shell.mode.null = text;
            Ok(Flow::Continue)
        }
        _ => call.usage(".nullvalue STRING"),
    }
}

/// `.separator`
pub fn separator(call: &mut Call<'_, '_>) -> Outcome {
    if !(1..=2).contains(&call.count()) {
        return call.usage(".separator COL ?ROW?");
    }
    if let Some(column) = call.argument(1).map(str::to_owned) {
        call.shell.mode.column_separator = column;
    }
    if let Some(row) = call.argument(2).map(str::to_owned) {
        call.shell.mode.row_separator = row;
    }
    Ok(Flow::Continue)
}

/// `.width`
pub fn width(call: &mut Call<'_, '_>) -> Outcome {
    let widths = call.arguments[1..].iter().flat_map(|argument| argument.text.split(','));
    call.shell.mode.widths = widths.map(|text| text.parse().unwrap_or(0)).collect();
    Ok(Flow::Continue)
}

/// `.print`
pub fn print(call: &mut Call<'_, '_>) -> Outcome {
    let texts: Vec<&str> = call.arguments[1..].iter().map(|argument| argument.text.as_str()).collect();
    let text = texts.join(" ");
    call.shell.line(&text)?;
    Ok(Flow::Continue)
}

/// `.prompt`
pub fn prompt(call: &mut Call<'_, '_>) -> Outcome {
    if let Some(text) = call.argument(1).map(str::to_owned) {
        call.shell.prompt = text;
    }
    if let Some(text) = call.argument(2).map(str::to_owned) {
        call.shell.prompt_continue = text;
    }
    Ok(Flow::Continue)
}

/// `.timeout`
pub fn timeout(call: &mut Call<'_, '_>) -> Outcome {
    let timeout_ms = call.argument(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    call.shell.timeout_ms = timeout_ms;
    let db = call.db()?;
    let set = db.busy_timeout(std::time::Duration::from_millis(timeout_ms));
    call.sql(set)?;
    Ok(Flow::Continue)
}

/// `.timer`
pub fn timer(call: &mut Call<'_, '_>) -> Outcome {
    let Some(text) = call.argument(1).map(str::to_owned).filter(|_| call.count() == 1) else {
        return call.usage(".timer on|off|once");
    };
    call.shell.timer = if text == "once" {
        Timer::Once
    } else if call.boolean(&text) {
        Timer::On
    } else {
        Timer::Off
    };
    Ok(Flow::Continue)
}

/// `.trace`
pub fn trace(call: &mut Call<'_, '_>) -> Outcome {
    let mut on = false;
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        match text.strip_prefix('-').map(|text| text.trim_start_matches('-')) {
            Some("expanded" | "plain" | "stmt" | "profile" | "row" | "close") => {}
            Some(_) => return call.shell.fail(&format!("Unknown option \"{text}\" on \".trace\"")),
            None => on = text != "off",
        }
    }
    if on { call.fail("tracing is not supported yet") } else { Ok(Flow::Continue) }
}

/// The version of SQLite that the engine stands for, with the date and digest of its sources.
pub fn version_text() -> String {
    let db = kernite::Connection::open_in_memory();
    let sql = "SELECT sqlite_version()||' '||sqlite_source_id()";
    db.and_then(|db| db.query_row(sql, [], |row| row.get(0))).unwrap_or_default()
}

/// `.version`
pub fn version(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.line(&format!("SQLite {}\nKernite {}", version_text(), env!("CARGO_PKG_VERSION")))?;
    Ok(Flow::Continue)
}

/// `.vfslist`
pub fn vfslist(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.line("vfs.zName = \"unix\"")?;
    Ok(Flow::Continue)
}

/// `.vfsname`
pub fn vfsname(call: &mut Call<'_, '_>) -> Outcome {
    call.shell.line("unix")?;
    Ok(Flow::Continue)
}

/// `.show`
pub fn show(call: &mut Call<'_, '_>) -> Outcome {
    if call.count() > 0 {
        return call.usage(".show");
    }
    let shell = &mut *call.shell;
    let on = |on: bool| if on { "on" } else { "off" };
    let eqp = match shell.eqp {
        Eqp::Off => "off",
        Eqp::On => "on",
        Eqp::Trigger => "trigger",
        Eqp::Full => "full",
    };
    let explain = match shell.explain {
        ExplainFormat::Auto => "auto",
        ExplainFormat::On => "on",
        ExplainFormat::Off => "off",
    };
    let stats = match shell.stats {
        Stats::Off => "off",
        Stats::On => "on",
        Stats::Statement => "stmt",
        Stats::Steps => "vmstep",
    };
    let mode = shell.mode.name.clone();
    let quoted = |text: &str| {
        let mut out = Vec::new();
        crate::output::text::push_tcl_text(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    let widths: String = shell.mode.widths.iter().map(|width| format!("{width} ")).collect();
    let lines = [
        ("echo", on(shell.echo).to_owned()),
        ("eqp", eqp.to_owned()),
        ("explain", explain.to_owned()),
        ("headers", on(shell.mode.titles.shown()).to_owned()),
        ("mode", mode),
        ("nullvalue", quoted(&shell.mode.null)),
        ("output", shell.sink.name().to_owned()),
        ("colseparator", quoted(&shell.mode.column_separator)),
        ("rowseparator", quoted(&shell.mode.row_separator)),
        ("stats", stats.to_owned()),
        ("width", widths),
        ("filename", shell.file.clone()),
    ];
    for (name, value) in lines {
        shell.line(&format!("{name:>12}: {value}"))?;
    }
    Ok(Flow::Continue)
}
