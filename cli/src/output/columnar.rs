//! Modes that line columns up: box, table, column, markdown. They keep the whole result until its widths are known.
//!
//! ```text
//! ╭───┬───╮  top      (box and table with border)
//! │ a │ b │  titles
//! ╞═══╪═══╡  below the titles
//! │ 1 │ x │
//! ├───┼───┤  between rows, when a row has more than one line
//! │ 2 │ y │
//! ╰───┴───╯  bottom   (box and table with border)
//! ```
//!
//! When the result is wider than the screen, the margins inside the columns go first. Then columns are narrowed, the widest first, each by
//! half at a time, down to [`Column::width_min`]; numbers, titles and text alike. Columns whose width was set keep it.

use std::io::Write;

use kernite::types::ValueRef;

use super::mode::{Align, Mode, Style, Toggle};
use super::{Failure, Rows, text, width, wrap};

/// A value as text.
struct Cell {
    text: Vec<u8>,
    number: bool,
}

struct Column {
    /// Columns of the screen that its widest line takes.
    natural: usize,
    width: usize,
    /// The user said how wide it is.
    fixed: bool,
    align: Align,
}

impl Column {
    /// How far it may be narrowed to fit the screen: to half of what it needs, but neither below 8 nor kept above 16 for that.
    fn width_min(&self) -> usize {
        (self.natural / 2).clamp(8, 16)
    }
}

/// The strings between and around columns, in one line of the frame.
struct Rule {
    left: &'static str,
    fill: &'static str,
    cross: &'static str,
    right: &'static str,
}

const fn rule(left: &'static str, fill: &'static str, cross: &'static str, right: &'static str) -> Rule {
    Rule { left, fill, cross, right }
}

/// How a style draws its frame.
struct Frame {
    top: Option<Rule>,
    titles: Option<Rule>,
    between: Option<Rule>,
    bottom: Option<Rule>,
    bar: &'static str,
    /// There are bars at both ends of a line.
    border: bool,
}

impl Frame {
    fn of(mode: &Mode) -> Frame {
        let border = mode.border;
        let inside = |rule: Rule| if border { rule } else { Rule { left: "", right: "", ..rule } };
        match mode.style {
            Style::Box => Frame {
                top: border.then_some(rule("╭", "─", "┬", "╮")),
                titles: Some(inside(rule("╞", "═", "╪", "╡"))),
                between: Some(inside(rule("├", "─", "┼", "┤"))),
                bottom: border.then_some(rule("╰", "─", "┴", "╯")),
                bar: "│",
                border,
            },
            Style::Table => Frame {
                top: border.then_some(rule("+", "-", "+", "+")),
                titles: Some(inside(rule("+", "-", "+", "+"))),
                between: Some(inside(rule("+", "-", "+", "+"))),
                bottom: border.then_some(rule("+", "-", "+", "+")),
                bar: "|",
                border,
            },
            Style::Markdown => Frame {
                top: None,
                titles: Some(inside(rule("|", "-", "|", "|"))),
                between: None,
                bottom: None,
                bar: "|",
                border: true,
            },
            _ => Frame {
                top: None,
                titles: Some(rule("", "-", " ", "")),
                between: Some(rule("", "", "", "")),
                bottom: None,
                bar: "",
                border: false,
            },
        }
    }
}

fn widest_line(text: &[u8]) -> usize {
    if text.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        return text.len();
    }
    wrap::plain_lines(text).iter().map(|line| width::of_line(line)).max().unwrap_or(0)
}

/// Columns of the screen that bars and margins take.
fn frame_width(mode: &Mode, columns: usize, margin: usize) -> usize {
    match mode.style {
        Style::Column => columns.saturating_sub(1) * (margin + 1),
        Style::Box | Style::Table if !mode.border => columns * 2 * margin + columns.saturating_sub(1),
        _ => columns * 2 * margin + columns + 1,
    }
}

/// Narrows columns until the result fits the screen or none can get narrower.
fn narrow(columns: &mut [Column], room: usize) {
    loop {
        let total: usize = columns.iter().map(|column| column.width).sum();
        let excess = total.saturating_sub(room);
        if excess == 0 {
            return;
        }
        let mut widest: Option<&mut Column> = None;
        for column in columns.iter_mut().filter(|column| !column.fixed && column.width > column.width_min()) {
            if widest.as_ref().is_none_or(|widest| column.width > widest.width) {
                widest = Some(column);
            }
        }
        let Some(column) = widest else { return };
        let step = column.width - column.width.div_ceil(2).max(8);
        column.width -= step.min(excess);
    }
}

/// Decides the columns' widths; the margin of each column, 0 or 1.
fn lay_out(mode: &Mode, columns: &mut [Column], screen_width: usize) -> usize {
    for (index, column) in columns.iter_mut().enumerate() {
        let asked = mode.widths.get(index).copied().unwrap_or(0);
        column.width = column.natural;
        if asked != 0 {
            column.width = asked.unsigned_abs() as usize;
            column.fixed = true;
        } else if mode.wrap > 0 {
            column.width = column.width.min(mode.wrap);
        }
        column.align = match mode.align.get(index) {
            Some(align) if *align != Align::Auto => *align,
            _ if asked < 0 => Align::Right,
            _ => Align::Auto,
        };
    }
    let total: usize = columns.iter().map(|column| column.width).sum();
    if screen_width == 0 || total + frame_width(mode, columns.len(), 1) <= screen_width {
        return 1;
    }
    narrow(columns, screen_width.saturating_sub(frame_width(mode, columns.len(), 0)));
    0
}

fn push_spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

fn push_aligned(line: &[u8], columns: usize, align: Align, out: &mut Vec<u8>) {
    let space = columns.saturating_sub(width::of_line(line));
    let left = match align {
        Align::Auto | Align::Left => 0,
        Align::Center => space / 2,
        Align::Right => space,
    };
    push_spaces(left, out);
    out.extend_from_slice(line);
    push_spaces(space - left, out);
}

struct Printer<'a> {
    mode: &'a Mode,
    frame: Frame,
    columns: Vec<Column>,
    margin: usize,
    out: &'a mut dyn Write,
    /// The line that is being made.
    line: Vec<u8>,
}

impl Printer<'_> {
    fn end_line(&mut self) -> Result<(), Failure> {
        if !self.frame.border {
            let end = self.line.trim_ascii_end().len();
            self.line.truncate(end);
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    fn rule(&mut self, rule: Option<Rule>) -> Result<(), Failure> {
        let Some(rule) = rule else { return Ok(()) };
        self.line.extend_from_slice(rule.left.as_bytes());
        let is_column = self.mode.style == Style::Column;
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                self.line.extend_from_slice(rule.cross.as_bytes());
                if is_column {
                    push_spaces(self.margin, &mut self.line);
                }
            }
            let inside = if is_column { column.width } else { column.width + 2 * self.margin };
            for _ in 0..inside {
                self.line.extend_from_slice(rule.fill.as_bytes());
            }
        }
        self.line.extend_from_slice(rule.right.as_bytes());
        self.end_line()
    }

    /// The lines of a cell, no more than the limit allows.
    fn cell_lines(&self, cell: &Cell, column: &Column, limit: usize) -> Vec<Vec<u8>> {
        let mut lines =
            wrap::lines(wrap::plain_lines(&cell.text), column.width, self.mode.word_wrap != Toggle::Off);
        if limit > 0 && lines.len() > limit {
            lines.truncate(limit);
            lines.push(b"..."[..column.width.min(3)].to_vec());
        }
        lines
    }

    fn row(&mut self, lines: &[Vec<Vec<u8>>], aligns: &[Align]) -> Result<(), Failure> {
        let height = lines.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let is_column = self.mode.style == Style::Column;
        for number in 0..height {
            if self.frame.border {
                self.line.extend_from_slice(self.frame.bar.as_bytes());
            }
            for (index, column) in self.columns.iter().enumerate() {
                if index > 0 {
                    self.line.extend_from_slice(self.frame.bar.as_bytes());
                    push_spaces(if is_column { self.margin + 1 } else { 0 }, &mut self.line);
                }
                let margin = if is_column { 0 } else { self.margin };
                let text = lines[index].get(number).map_or(&b""[..], Vec::as_slice);
                push_spaces(margin, &mut self.line);
                push_aligned(text, column.width, aligns[index], &mut self.line);
                push_spaces(margin, &mut self.line);
            }
            if self.frame.border {
                self.line.extend_from_slice(self.frame.bar.as_bytes());
            }
            self.end_line()?;
        }
        Ok(())
    }

    fn print(&mut self, titles: Option<&[Cell]>, rows: &[Vec<Cell>]) -> Result<(), Failure> {
        let top = self.frame.top.take();
        self.rule(top)?;
        let mut spaced = false;
        if let Some(titles) = titles {
            let line = |(cell, column)| self.cell_lines(cell, column, 0);
            let lines: Vec<_> = titles.iter().zip(&self.columns).map(line).collect();
            spaced = lines.iter().any(|title| title.len() > 1);
            let aligns = vec![Align::Center; lines.len()];
            self.row(&lines, &aligns)?;
            let below = self.frame.titles.take();
            self.rule(below)?;
        }
        let limit = self.mode.limits.lines;
        let lines = |row: &Vec<Cell>| -> Vec<Vec<Vec<u8>>> {
            row.iter().zip(&self.columns).map(|(cell, column)| self.cell_lines(cell, column, limit)).collect()
        };
        let all: Vec<_> = rows.iter().map(lines).collect();
        spaced |= all.iter().flatten().any(|cell| cell.len() > 1);
        for (number, (row, lines)) in rows.iter().zip(&all).enumerate() {
            if number > 0 && spaced {
                let between = self.frame.between.as_ref().map(|rule| Rule {
                    left: rule.left,
                    right: rule.right,
                    ..*rule
                });
                self.rule(between)?;
            }
            let align = |(cell, column): (&Cell, &Column)| match column.align {
                Align::Auto if cell.number => Align::Right,
                align => align,
            };
            let aligns: Vec<Align> = row.iter().zip(&self.columns).map(align).collect();
            self.row(lines, &aligns)?;
        }
        let bottom = self.frame.bottom.take();
        self.rule(bottom)
    }
}

fn title_cells(mode: &Mode, rows: &dyn Rows) -> Vec<Cell> {
    let cell = |title: &String| {
        let mut text = Vec::new();
        text::push_title(mode, title, &mut text);
        Cell { text, number: false }
    };
    rows.titles().iter().map(cell).collect()
}

/// Collects a whole result; the number of rows, and what ended it early.
fn collect(mode: &Mode, rows: &mut dyn Rows, cells: &mut Vec<Vec<Cell>>) -> Result<(), Failure> {
    let count = rows.titles().len();
    while rows.step()? {
        let cell = |column| {
            let value = rows.value(column);
            let mut text = Vec::new();
            text::push_value(mode, rows, value, &mut text);
            Cell { text, number: matches!(value, ValueRef::Integer(_) | ValueRef::Real(_)) }
        };
        cells.push((0..count).map(cell).collect());
    }
    Ok(())
}

/// A result of one column, in as many columns as fit: downwards, then to the right.
fn split(cells: &[Vec<Cell>], screen_width: usize, out: &mut dyn Write) -> Result<(), Failure> {
    let texts: Vec<&[u8]> =
        cells.iter().filter_map(|row| row.first()).map(|cell| cell.text.as_slice()).collect();
    out.write_all(&listing(&texts, screen_width))?;
    Ok(())
}

/// Words in as many columns as fit the screen: downwards, then to the right. Columns are 2 to 5 apart.
pub fn listing(texts: &[&[u8]], screen_width: usize) -> Vec<u8> {
    const GAP_MIN: usize = 2;
    const GAP_MAX: usize = 5;
    let lengths: Vec<usize> = texts.iter().map(|text| width::of_line(text)).collect();
    let mut height = 1;
    let mut widths: Vec<usize> = Vec::new();
    while height <= texts.len() {
        widths = lengths.chunks(height).map(|column| column.iter().copied().max().unwrap_or(0)).collect();
        let total: usize = widths.iter().sum();
        if total + GAP_MIN * (widths.len() - 1) <= screen_width {
            break;
        }
        height += 1;
    }
    let height = height.min(texts.len());
    let total: usize = widths.iter().sum();
    let gap = match widths.len() {
        0 | 1 => 0,
        columns => (screen_width.saturating_sub(total) / (columns - 1)).clamp(GAP_MIN, GAP_MAX),
    };
    let mut out = Vec::new();
    for row in 0..height {
        let mut owed = 0;
        for (column, columns) in widths.iter().enumerate() {
            let Some(text) = texts.get(column * height + row) else { break };
            push_spaces(owed, &mut out);
            out.extend_from_slice(text);
            owed = columns - lengths[column * height + row] + gap;
        }
        out.push(b'\n');
    }
    out
}

/// Writes a result in a columnar style.
pub fn columnar(
    mode: &Mode,
    rows: &mut dyn Rows,
    screen_width: usize,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let mut cells = Vec::new();
    // Rows that came before an error are shown as well.
    let ended = collect(mode, rows, &mut cells);
    let shown = cells.len() as u64;
    if cells.is_empty() {
        return ended.map(|()| 0);
    }
    if mode.split && rows.titles().len() == 1 {
        split(&cells, if screen_width == 0 { 80 } else { screen_width }, out)?;
        return ended.map(|()| shown);
    }
    let titles = mode.titles.shown().then(|| title_cells(mode, rows));
    let natural = |index: usize| {
        let title = titles.as_ref().map_or(0, |titles| widest_line(&titles[index].text));
        cells.iter().map(|row| widest_line(&row[index].text)).max().unwrap_or(0).max(title)
    };
    let column = |index| Column { natural: natural(index), width: 0, fixed: false, align: Align::Auto };
    let mut columns: Vec<Column> = (0..rows.titles().len()).map(column).collect();
    let margin = lay_out(mode, &mut columns, screen_width);
    let mut printer = Printer { mode, frame: Frame::of(mode), columns, margin, out, line: Vec::new() };
    printer.print(titles.as_deref(), &cells)?;
    ended.map(|()| shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(widths: &[usize], room: usize) -> Vec<usize> {
        let column =
            |width: &usize| Column { natural: *width, width: *width, fixed: false, align: Align::Auto };
        let mut columns: Vec<Column> = widths.iter().map(column).collect();
        narrow(&mut columns, room);
        columns.iter().map(|column| column.width).collect()
    }

    // Expectations measured on sqlite3's shell.
    #[test]
    fn the_widest_column_is_narrowed_first() {
        assert_eq!(narrowed(&[43, 19, 16], 50), [15, 19, 16]);
        assert_eq!(narrowed(&[43, 19, 16], 43), [11, 16, 16]);
        assert_eq!(narrowed(&[100, 50, 25], 98), [25, 48, 25]);
        assert_eq!(narrowed(&[100, 50, 25], 49), [13, 13, 23]);
    }

    #[test]
    fn columns_keep_a_readable_width() {
        for (width, least) in
            [(8, 8), (9, 8), (17, 8), (18, 9), (25, 8), (26, 13), (33, 9), (64, 16), (65, 9)]
        {
            assert_eq!(narrowed(&[width], 1), [least], "{width}");
        }
    }

    #[test]
    fn words_are_listed_downwards_in_columns_that_spread_to_five_apart() {
        let words: [&[u8]; 5] = [b"a", b"bb", b"ccc", b"d", b"e"];
        let listed = |width| String::from_utf8(listing(&words, width)).expect("UTF-8");
        assert_eq!(listed(80), "a     bb     ccc     d     e\n");
        assert_eq!(listed(9), "a       d\nbb      e\nccc\n");
        assert_eq!(listed(3), "a\nbb\nccc\nd\ne\n");
    }
}
