//! Modes that write each row as it comes: list (and with it CSV, quote, Tcl…), line, insert, JSON, HTML, count.

use std::io::Write;

use super::mode::{Mode, Toggle};
use super::text::{push_identifier, push_json_text, push_title, push_value};
use super::{Failure, Rows, width, wrap};

/// How many bytes are gathered before they are written.
const CHUNK: usize = 1 << 14;

fn flush(line: &mut Vec<u8>, limit: usize, out: &mut dyn Write) -> Result<(), Failure> {
    if line.len() > limit {
        out.write_all(line)?;
        line.clear();
    }
    Ok(())
}

/// Runs through a result without showing it.
pub fn drain(rows: &mut dyn Rows) -> Result<u64, Failure> {
    let mut count = 0;
    while rows.step()? {
        count += 1;
    }
    Ok(count)
}

/// Shows how many rows there are.
pub fn count(rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let count = drain(rows)?;
    writeln!(out, "{count}")?;
    Ok(count)
}

/// Values with a separator between them.
pub fn list(mode: &Mode, rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let columns = rows.titles().len();
    let mut text = Vec::new();
    let mut shown = 0;
    let ended = loop {
        match rows.step() {
            Ok(true) => {}
            Ok(false) => break Ok(shown),
            Err(error) => break Err(error),
        }
        if shown == 0 && mode.titles.shown() {
            for (index, title) in rows.titles().iter().enumerate() {
                if index > 0 {
                    text.extend_from_slice(mode.column_separator.as_bytes());
                }
                push_title(mode, title, &mut text);
            }
            text.extend_from_slice(mode.row_separator.as_bytes());
        }
        for index in 0..columns {
            if index > 0 {
                text.extend_from_slice(mode.column_separator.as_bytes());
            }
            push_value(mode, rows, rows.value(index), &mut text);
        }
        text.extend_from_slice(mode.row_separator.as_bytes());
        shown += 1;
        flush(&mut text, CHUNK, out)?;
    };
    flush(&mut text, 0, out)?;
    ended
}

/// A line for each value, with its title before it; an empty line between rows.
pub fn line(
    mode: &Mode,
    rows: &mut dyn Rows,
    screen_width: usize,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let title = |title: &String| {
        let mut text = Vec::new();
        push_title(mode, title, &mut text);
        text
    };
    let titles: Vec<Vec<u8>> = rows.titles().iter().map(title).collect();
    let title_width = titles.iter().map(|title| width::of_line(title)).max().unwrap_or(0);
    let indent = title_width + width::of_line(mode.column_separator.as_bytes());
    let columns = if screen_width == 0 { 0 } else { screen_width.saturating_sub(indent).max(1) };
    let mut shown = 0;
    let mut text = Vec::new();
    let mut value = Vec::new();
    while rows.step()? {
        if shown > 0 {
            text.push(b'\n');
        }
        for (index, title) in titles.iter().enumerate() {
            text.resize(text.len() + title_width - width::of_line(title), b' ');
            text.extend_from_slice(title);
            text.extend_from_slice(mode.column_separator.as_bytes());
            value.clear();
            push_value(mode, rows, rows.value(index), &mut value);
            // Nothing is lined up to the right of a value, so its tabs can stay.
            let plain = wrap::text_lines(&value).map(<[u8]>::to_vec).collect();
            let mut lines = wrap::lines(plain, columns, mode.word_wrap != Toggle::Off);
            if mode.limits.lines > 0 && lines.len() > mode.limits.lines {
                lines.truncate(mode.limits.lines);
                lines.push(b"...".to_vec());
            }
            for (number, line) in lines.iter().enumerate() {
                if number > 0 {
                    text.resize(text.len() + indent, b' ');
                }
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        shown += 1;
        flush(&mut text, 0, out)?;
    }
    Ok(shown)
}

/// INSERT statements.
pub fn insert(mode: &Mode, rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let columns = rows.titles().len();
    let mut head = b"INSERT INTO ".to_vec();
    push_identifier(if mode.table_name.is_empty() { b"tab" } else { mode.table_name.as_bytes() }, &mut head);
    if mode.titles.shown() {
        for (index, title) in rows.titles().iter().enumerate() {
            head.push(if index == 0 { b'(' } else { b',' });
            push_identifier(title.as_bytes(), &mut head);
        }
        head.push(b')');
    }
    head.extend_from_slice(b" VALUES(");
    let mut shown = 0;
    let mut text = Vec::new();
    // Size of the statement that is open; 0 when none is.
    let mut size = 0;
    let ended = loop {
        match rows.step() {
            Ok(true) => {}
            Ok(false) => break Ok(shown),
            Err(error) => break Err(error),
        }
        let start = text.len();
        if size == 0 {
            text.extend_from_slice(&head);
        } else {
            text.extend_from_slice(b",\n  (");
        }
        for index in 0..columns {
            if index > 0 {
                text.push(b',');
            }
            push_value(mode, rows, rows.value(index), &mut text);
        }
        text.push(b')');
        // A byte more than the row: the one that parts it from the next.
        size += text.len() - start + 1;
        if size >= mode.multi_insert {
            text.extend_from_slice(b";\n");
            size = 0;
        }
        shown += 1;
        flush(&mut text, CHUNK, out)?;
    };
    if size > 0 {
        text.extend_from_slice(b";\n");
    }
    flush(&mut text, 0, out)?;
    ended
}

fn json_names(rows: &dyn Rows) -> Vec<Vec<u8>> {
    let name = |title: &String| {
        let mut text = Vec::new();
        push_json_text(title.as_bytes(), &mut text);
        text.push(b':');
        text
    };
    rows.titles().iter().map(name).collect()
}

fn push_json_object(mode: &Mode, rows: &dyn Rows, names: &[Vec<u8>], text: &mut Vec<u8>) {
    text.push(b'{');
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(name);
        push_value(mode, rows, rows.value(index), text);
    }
    text.push(b'}');
}

/// One JSON array of objects. A result without rows shows nothing.
pub fn json(mode: &Mode, rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let names = json_names(rows);
    let mut text = Vec::new();
    let mut shown = 0;
    let ended = loop {
        match rows.step() {
            Ok(true) => {}
            Ok(false) => break Ok(shown),
            Err(error) => break Err(error),
        }
        text.extend_from_slice(if shown == 0 { b"[" } else { b",\n" });
        push_json_object(mode, rows, &names, &mut text);
        shown += 1;
        flush(&mut text, CHUNK, out)?;
    };
    if shown > 0 {
        text.extend_from_slice(b"]\n");
    }
    flush(&mut text, 0, out)?;
    ended
}

/// A JSON object a line.
pub fn json_objects(mode: &Mode, rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let names = json_names(rows);
    let mut text = Vec::new();
    let mut shown = 0;
    while rows.step()? {
        push_json_object(mode, rows, &names, &mut text);
        text.push(b'\n');
        shown += 1;
        flush(&mut text, 0, out)?;
    }
    Ok(shown)
}

/// Rows of an HTML table, without the table around them.
pub fn html(mode: &Mode, rows: &mut dyn Rows, out: &mut dyn Write) -> Result<u64, Failure> {
    let columns = rows.titles().len();
    let mut text = Vec::new();
    let mut shown = 0;
    while rows.step()? {
        if shown == 0 && mode.titles.shown() {
            text.extend_from_slice(b"<TR>\n");
            for title in rows.titles() {
                text.extend_from_slice(b"<TH>");
                push_title(mode, title, &mut text);
                text.push(b'\n');
            }
            text.extend_from_slice(b"</TR>\n");
        }
        text.extend_from_slice(b"<TR>\n");
        for index in 0..columns {
            text.extend_from_slice(b"<TD>");
            push_value(mode, rows, rows.value(index), &mut text);
            text.push(b'\n');
        }
        text.extend_from_slice(b"</TR>\n");
        shown += 1;
        flush(&mut text, 0, out)?;
    }
    Ok(shown)
}
