//! Limits and switches of the connection: `.limit`, `.dbconfig`, `.progress`.

use std::time::Duration;

use kernite::compile::CompileOptions;

use super::{Call, is_option};
use crate::progress::Progress;
use crate::shell::{Flow, Shown};

type Outcome = Result<Flow, Shown>;

/// Limits by name, with SQLite's numbers.
const LIMITS: [(&str, usize); 13] = [
    ("length", 0),
    ("sql_length", 1),
    ("column", 2),
    ("expr_depth", 3),
    ("parser_depth", 12),
    ("compound_select", 4),
    ("vdbe_op", 5),
    ("function_arg", 6),
    ("attached", 7),
    ("like_pattern_length", 8),
    ("variable_number", 9),
    ("trigger_depth", 10),
    ("worker_threads", 11),
];

/// `.limit`
pub fn limit(call: &mut Call<'_, '_>) -> Outcome {
    let db = call.db()?;
    if call.count() == 0 {
        for (name, number) in LIMITS {
            call.shell.line(&format!("{name:>20} {}", db.raw().limit(number, -1)))?;
        }
        return Ok(Flow::Continue);
    }
    if call.count() > 2 {
        return call.usage(".limit NAME ?NEW-VALUE?");
    }
    let wanted = call.argument(1).unwrap_or_default().to_ascii_lowercase();
    let found: Vec<_> = LIMITS.iter().filter(|(name, _)| name.starts_with(&wanted)).collect();
    let exact = LIMITS.iter().find(|(name, _)| *name == wanted);
    let one = exact.or(if found.len() == 1 { found.first().copied() } else { None });
    let Some((name, number)) = one else {
        if found.is_empty() {
            let text =
                format!("unknown limit: \"{wanted}\"\nenter \".limits\" with no arguments for a list.");
            return call.shell.fail(&text);
        }
        return call.shell.fail(&format!("ambiguous limit: \"{wanted}\""));
    };
    if let Some(text) = call.argument(2) {
        let value = text.parse::<i64>().unwrap_or(0).clamp(0, i64::from(i32::MAX));
        db.raw().limit(*number, value as i32);
        return Ok(Flow::Continue);
    }
    call.shell.line(&format!("{name:>20} {}", db.raw().limit(*number, -1)))?;
    Ok(Flow::Continue)
}

/// A switch of the connection: its name, how it is read, how it is set.
type Switch = (&'static str, fn(&CompileOptions) -> bool, fn(&mut CompileOptions, bool));

/// Switches by name. Those that the engine does not have are not listed.
const SWITCHES: [Switch; 10] = [
    ("defensive", |o| o.defensive, |o, on| o.defensive = on),
    ("dqs_ddl", |o| o.double_quoted_ddl, |o, on| o.double_quoted_ddl = on),
    ("dqs_dml", |o| o.double_quoted_dml, |o, on| o.double_quoted_dml = on),
    ("enable_fkey", |o| o.foreign_keys, |o, on| o.foreign_keys = on),
    ("enable_trigger", |o| o.enable_triggers, |o, on| o.enable_triggers = on),
    ("enable_view", |o| o.enable_views, |o, on| o.enable_views = on),
    ("legacy_alter_table", |o| o.legacy_alter_table, |o, on| o.legacy_alter_table = on),
    ("legacy_file_format", |o| o.legacy_file_format, |o, on| o.legacy_file_format = on),
    ("reverse_scanorder", |o| o.reverse_unordered_selects, |o, on| o.reverse_unordered_selects = on),
    ("trusted_schema", |o| o.trusted_schema, |o, on| o.trusted_schema = on),
];

/// `.dbconfig`
pub fn dbconfig(call: &mut Call<'_, '_>) -> Outcome {
    let db = call.db()?;
    let wanted = call.argument(1).map(str::to_owned);
    let mut known = false;
    for (name, get, set) in SWITCHES {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        known = true;
        if let Some(value) = call.argument(2).map(str::to_owned) {
            let on = call.boolean(&value);
            db.raw().change_options(|options| set(options, on));
        }
        let on = get(&db.raw().options());
        call.shell.line(&format!("{name:>19} {}", if on { "on" } else { "off" }))?;
    }
    if known {
        Ok(Flow::Continue)
    } else {
        call.fail_at_with(1, "unknown dbconfig", "Enter \".dbconfig\" with no arguments for a list")
    }
}

/// `.progress`
pub fn progress(call: &mut Call<'_, '_>) -> Outcome {
    let mut progress = Progress::default();
    let mut at = 1;
    while let Some(text) = call.argument(at).map(str::to_owned) {
        if !text.starts_with('-') {
            progress.interval = text.parse().unwrap_or(0);
        } else if is_option(&text, "quiet") || is_option(&text, "q") {
            progress.quiet = true;
        } else if is_option(&text, "reset") {
            progress.reset = true;
        } else if is_option(&text, "once") {
            progress.once = true;
        } else if is_option(&text, "limit") || is_option(&text, "timeout") {
            let Some(value) = call.argument(at + 1).map(str::to_owned) else {
                return call.shell.fail("Error: missing argument on --limit");
            };
            if is_option(&text, "limit") {
                progress.limit = value.parse().unwrap_or(0);
            } else {
                let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
                progress.timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                progress.interval = progress.interval.max(100);
                progress.quiet = true;
            }
            at += 1;
        } else {
            return call.shell.fail(&format!("Error: unknown option: \"{text}\""));
        }
        at += 1;
    }
    let db = call.db()?;
    progress.install(&db);
    call.shell.progress = (progress.interval > 0).then_some(progress);
    Ok(Flow::Continue)
}
