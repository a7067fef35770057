//! `.mode`: choosing and showing how results look.

use super::{Call, boolean, is_option};
use crate::output::{
    Align, BlobQuote, Escape, Limits, MODES, Mode, ModeDef, ScreenWidth, Style, TextQuote, Titles, Toggle,
};
use crate::shell::{Flow, Shell, Shown};

/// Options that take a value.
const WITH_VALUE: &[&str] = &[
    "align",
    "blob-quote",
    "border",
    "charlimit",
    "colsep",
    "escape",
    "limits",
    "linelimit",
    "multiinsert",
    "null",
    "quote",
    "rowsep",
    "screenwidth",
    "sw",
    "tablename",
    "tag",
    "textjsonb",
    "title",
    "titles",
    "titlelimit",
    "widths",
    "width",
    "wordwrap",
    "wrap",
];

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            byte => out.push(byte),
        }
    }
    format!("\"{}\"", String::from_utf8_lossy(&out))
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn limits_text(limits: Limits) -> String {
    if limits == Limits::ON {
        "on".to_owned()
    } else if limits == Limits::default() {
        "off".to_owned()
    } else {
        format!("{},{},{}", limits.lines, limits.columns, limits.title)
    }
}

fn title_text(mode: &Mode, own: TextQuote) -> &'static str {
    if !mode.titles.shown() {
        "off"
    } else if mode.title_quote == own {
        "on"
    } else if mode.title_quote == TextQuote::Plain {
        "plain"
    } else {
        mode.title_quote.name()
    }
}

/// The mode as a command that would set it: with `all`, every setting; else those that differ and count.
pub fn describe(mode: &Mode, all: bool) -> String {
    let Some(def) = ModeDef::find(&mode.name) else { return format!(".mode {}", mode.name) };
    let columnar = mode.style.is_columnar();
    let wide = columnar || mode.style == Style::Line;
    let list = mode.style == Style::List;
    let (own_column, own_row) = def.separators.unwrap_or((&mode.column_separator, &mode.row_separator));
    let align: String =
        mode.align.iter().map(|align| if *align == Align::Auto { "L" } else { align.name() }).collect();
    let widths: Vec<String> = mode.widths.iter().map(ToString::to_string).collect();
    let mut out = format!(".mode {}", mode.name);
    // Where no value is shown, hardly anything counts.
    let shows_values = !matches!(mode.style, Style::Count | Style::Off);
    let mut add = |counts: bool, text: String| {
        let general = ["limits", "border", "escape", "blob-quote"].iter().any(|name| text.starts_with(name));
        if all || (counts && (shows_values || general)) {
            out.push_str(" --");
            out.push_str(&text);
        }
    };
    add(columnar && !align.is_empty(), format!("align \"{align}\""));
    add(mode.border != def.border, format!("border {}", switch(mode.border)));
    add(mode.blob_quote != BlobQuote::Auto, format!("blob-quote {}", mode.blob_quote.name()));
    let shows_separator = list || mode.style == Style::Line;
    add(
        shows_separator && mode.column_separator != own_column,
        format!("colsep {}", quoted(&mode.column_separator)),
    );
    add(mode.escape != Escape::Auto, format!("escape {}", mode.escape.name()));
    // Where nothing is lined up, only the limit on characters counts.
    let limited = if wide { mode.limits != Limits::default() } else { mode.limits.columns > 0 };
    add(limited, format!("limits {}", limits_text(mode.limits)));
    add(mode.style == Style::Insert && mode.multi_insert > 0, format!("multiinsert {}", mode.multi_insert));
    add(mode.null != def.null, format!("null {}", quoted(&mode.null)));
    add(mode.quote != def.quote, format!("quote {}", mode.quote.name()));
    add(list && mode.row_separator != own_row, format!("rowsep {}", quoted(&mode.row_separator)));
    let width = match mode.screen_width {
        ScreenWidth::Auto => "auto".to_owned(),
        ScreenWidth::Columns(columns) => columns.to_string(),
    };
    add(wide && mode.screen_width != ScreenWidth::Columns(0), format!("sw {width}"));
    add(mode.style == Style::Insert, format!("tablename {}", quoted(&mode.table_name)));
    add(mode.text_jsonb, format!("textjsonb {}", switch(mode.text_jsonb)));
    if let Some(own) = def.title_quote {
        let titles = title_text(mode, own);
        add(titles != switch(def.titles), format!("titles {titles}"));
    }
    let widths_text = if widths.is_empty() { "\"\"".to_owned() } else { widths.join(",") };
    add(columnar && !widths.is_empty(), format!("widths {widths_text}"));
    if all {
        add(true, format!("wordwrap {}", switch(mode.word_wrap == Toggle::On)));
        add(mode.wrap > 0, format!("wrap {}", mode.wrap));
        if mode.wrap == 0 {
            out.truncate(out.len() - " --wrap 0".len());
        }
    } else {
        add(wide && mode.wrap > 0 && mode.word_wrap == Toggle::On, format!("wrap {}", mode.wrap));
        add(wide && mode.word_wrap == Toggle::On, "ww".to_owned());
    }
    out
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

/// Widths from a list with commas; `None` where something is no number.
fn widths(text: &str) -> Option<Vec<i32>> {
    let fields = text.split([',', ' ']).filter(|field| !field.is_empty());
    fields.map(|field| field.parse().ok()).collect()
}

fn limits(text: &str, present: Limits) -> Option<Limits> {
    match text {
        "on" => return Some(Limits::ON),
        "off" => return Some(Limits::default()),
        _ => {}
    }
    let parts: Option<Vec<usize>> = text.split(',').map(|part| part.parse().ok()).collect();
    match parts?.as_slice() {
        [lines, columns] => Some(Limits { lines: *lines, columns: *columns, ..present }),
        [lines, columns, title] => Some(Limits { lines: *lines, columns: *columns, title: *title }),
        _ => None,
    }
}

fn quoting(text: &str) -> Option<TextQuote> {
    match text {
        "on" => Some(TextQuote::Sql),
        _ => TextQuote::of_name(text),
    }
}

const MORE: &str = "Use \".help .mode\" for more info";

/// Sets one option of the mode.
fn set(call: &mut Call<'_, '_>, mode: &mut Mode, at: usize, name: &str, value: &str) -> Result<(), Shown> {
    match name {
        "align" => {
            let align = |letter: char| Align::of_name(&letter.to_string());
            match value.chars().map(align).collect() {
                Some(aligns) => mode.align = aligns,
                None => {
                    let more = "Should contain only characters L, C, and R.";
                    return call.fail_at_with(at, "bad alignment string", more);
                }
            }
        }
        "blob-quote" => {
            if let Some(quote) = BlobQuote::of_name(value) {
                mode.blob_quote = quote;
            } else {
                let more = "should be auto, text, sql, hex, tcl, json, or size";
                return call.fail_at_with(at, "unknown", more);
            }
        }
        "border" => mode.border = boolean(value).unwrap_or(false),
        "charlimit" => mode.limits.columns = number(value),
        "colsep" => mode.column_separator = value.to_owned(),
        "escape" => match Escape::of_name(value) {
            Some(escape) => mode.escape = escape,
            None => return call.fail_at_with(at, "unknown escape type", "should be off, ascii, or symbol"),
        },
        "limits" => match limits(value, mode.limits) {
            Some(limits) => mode.limits = limits,
            None => {
                let more = "Should be \"L,C,T\" where L, C and T are unsigned integers";
                return call.fail_at_with(at, "bad argument", more);
            }
        },
        "linelimit" => mode.limits.lines = number(value),
        "multiinsert" => mode.multi_insert = number(value),
        "null" => mode.null = value.to_owned(),
        "quote" => match quoting(value) {
            Some(quote) => mode.quote = quote,
            None => {
                let more = "should be off, on, sql, csv, html, tcl, json, or relaxed";
                return call.fail_at_with(at, "unknown", more);
            }
        },
        "rowsep" => mode.row_separator = value.to_owned(),
        "screenwidth" | "sw" => {
            mode.screen_width =
                if value == "auto" { ScreenWidth::Auto } else { ScreenWidth::Columns(number(value)) };
        }
        "tablename" => mode.table_name = value.to_owned(),
        "textjsonb" => mode.text_jsonb = call.boolean(value),
        "title" | "titles" => {
            let own = ModeDef::find(&mode.name).and_then(|def| def.title_quote).unwrap_or(TextQuote::Plain);
            match value {
                "off" => mode.titles = Titles::Mode(false),
                "on" => (mode.titles, mode.title_quote) = (Titles::Mode(true), own),
                _ => {
                    match if value == "plain" { Some(TextQuote::Plain) } else { TextQuote::of_name(value) } {
                        Some(quote) => (mode.titles, mode.title_quote) = (Titles::Mode(true), quote),
                        None => {
                            let more = "should be off, on, plain, sql, csv, html, tcl, or json";
                            return call.fail_at_with(at, "bad --titles value", more);
                        }
                    }
                }
            }
        }
        "titlelimit" => mode.limits.title = number(value),
        "widths" | "width" => match widths(value) {
            Some(widths) => mode.widths = widths,
            None => return call.fail("should be a comma-separated list of integers"),
        },
        "wordwrap" => mode.word_wrap = if call.boolean(value) { Toggle::On } else { Toggle::Off },
        "wrap" => mode.wrap = number(value),
        _ => {}
    }
    Ok(())
}

fn choose(shell: &Shell, mode: &mut Mode, name: &str) -> bool {
    match shell.tagged.iter().find(|(tag, _)| tag == name) {
        Some((_, tagged)) => {
            mode.clone_from(tagged);
            true
        }
        None => mode.choose(name),
    }
}

/// What a command asked for beside settings.
#[derive(Default)]
struct Asked {
    verbose: bool,
    once: bool,
    tag: Option<String>,
    list: bool,
}

/// Chooses a mode, changes its settings, or shows it. Settings before one that is wrong hold.
pub fn mode(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    let mut mode = call.shell.mode.clone();
    let mut asked = Asked::default();
    let read = read(call, &mut mode, &mut asked);
    if let Some(tag) = asked.tag {
        call.shell.tagged.retain(|(known, _)| *known != tag);
        call.shell.tagged.push((tag, mode.clone()));
    }
    if asked.list {
        let mut names: Vec<&str> = MODES.iter().map(|def| def.name).collect();
        names.extend(call.shell.tagged.iter().map(|(tag, _)| tag.as_str()));
        let text = format!("available modes: {} batch tty", names.join(" "));
        call.shell.line(&text)?;
    }
    if asked.verbose || call.count() == 0 {
        let text = describe(&mode, asked.verbose);
        call.shell.line(&text)?;
    }
    let before = std::mem::replace(&mut call.shell.mode, mode);
    if asked.once {
        call.shell.mode_after.get_or_insert(before);
    }
    read.map(|()| Flow::Continue)
}

/// Reads the arguments from left to right.
fn read(call: &mut Call<'_, '_>, mode: &mut Mode, asked: &mut Asked) -> Result<(), Shown> {
    let mut named = false;
    let mut at = 1;
    while let Some(text) = call.argument(at).map(str::to_owned) {
        let option = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
        match option {
            None if !named => {
                if !choose(call.shell, mode, &text) {
                    return call.fail_at_with(at, "unknown mode", MORE);
                }
                named = true;
            }
            // The table's name for INSERT; other modes take no second word, but Tcl's has always ignored it.
            None if mode.style == Style::Insert && mode_argument(call, at) => mode.table_name = text,
            None if mode.name == "tcl" => {}
            None => return call.fail_at_with(at, "bad argument", MORE),
            Some("v" | "verbose") => asked.verbose = true,
            Some("once") => asked.once = true,
            Some("reset") => {
                let name = mode.name.clone();
                let (column, row) = (String::new(), String::new());
                *mode = Mode { column_separator: column, row_separator: row, ..Mode::batch() };
                choose(call.shell, mode, &name);
            }
            Some("list") => asked.list = true,
            Some("ww") => mode.word_wrap = Toggle::On,
            Some(name) if WITH_VALUE.contains(&name) => {
                let Some(value) = call.argument(at + 1).map(str::to_owned) else {
                    return call.fail_at(at, "missing argument");
                };
                if name == "tag" {
                    asked.tag = Some(value);
                } else {
                    set(call, mode, at + 1, name, &value)?;
                }
                at += 1;
            }
            Some(_) => return call.fail_at_with(at, "bad option", MORE),
        }
        at += 1;
    }
    Ok(())
}

/// Whether the word at `at` is the first one behind the mode's name.
fn mode_argument(call: &Call<'_, '_>, at: usize) -> bool {
    let words = (1..at).filter(|number| {
        let text = call.argument(*number).unwrap_or_default();
        let before = call.argument(number - 1).unwrap_or_default();
        let is_value = WITH_VALUE.iter().any(|name| is_option(before, name));
        !text.starts_with('-') && !is_value
    });
    words.count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, change: impl FnOnce(&mut Mode)) -> String {
        let mut mode = Mode::batch();
        mode.choose(name);
        change(&mut mode);
        describe(&mode, false)
    }

    #[test]
    fn only_settings_that_count_are_shown() {
        assert_eq!(described("list", |_| {}), ".mode list");
        assert_eq!(described("list", |mode| mode.limits.lines = 5), ".mode list");
        assert_eq!(described("list", |mode| mode.limits.columns = 123), ".mode list --limits 0,123,0");
        assert_eq!(described("box", |mode| mode.limits.title = 123), ".mode box --limits 0,0,123");
        assert_eq!(described("tcl", |_| {}), ".mode tcl --blob-quote tcl");
        assert_eq!(described("quote", |mode| mode.escape = Escape::Symbol), ".mode quote --escape symbol");
        assert_eq!(described("column", |mode| mode.column_separator = "x".to_owned()), ".mode column");
    }

    #[test]
    fn everything_is_shown_in_full() {
        let text = describe(&Mode::tty(), true);
        assert_eq!(
            text,
            ".mode qbox --align \"\" --border on --blob-quote auto --colsep \"\" --escape auto --limits on \
             --multiinsert 3000 --null \"NULL\" --quote relaxed --rowsep \"\" --sw auto --tablename \"\" \
             --textjsonb on --titles on --widths \"\" --wordwrap off"
        );
    }
}
