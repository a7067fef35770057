//! Rows as text: the output modes.
//!
//! ```text
//! Rows ── value by value ──> text (quoting, escapes, limits) ──> list, line, insert, JSON, HTML: row by row
//!                                                          └──> columnar (box, table, column, markdown): all rows, then widths
//! ```
//!
//! [`Mode`] holds every setting; [`render`] writes a result in it. Rows come from the trait [`Rows`], so that nothing in here knows what a
//! database is, and results are bytes throughout: SQL text need not be UTF-8.
//!
//! Never: the command that sets a mode (`dot::mode`), where the text goes (`sink`).

mod columnar;
mod escape;
mod linear;
mod mode;
pub mod plan;
pub mod text;
pub mod width;
mod wrap;

use std::io::{self, Write};

use kernite::types::ValueRef;

pub use columnar::listing;
pub use escape::Escape;
pub use mode::{
    Align, BlobQuote, Limits, MODES, Mode, ModeDef, ScreenWidth, Style, TextQuote, Titles, Toggle,
};

/// Why a result could not be shown.
#[derive(Debug)]
pub enum Failure {
    /// The statement failed.
    Sql(kernite::Error),
    /// The text could not be written.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl From<kernite::Error> for Failure {
    fn from(error: kernite::Error) -> Failure {
        Failure::Sql(error)
    }
}

/// A result to be shown.
pub trait Rows {
    /// Names of its columns.
    fn titles(&self) -> &[String];

    /// Steps to the next row; `false` at the end.
    ///
    /// # Errors
    /// What ends the run.
    fn step(&mut self) -> Result<bool, Failure>;

    /// A column of the row at hand.
    fn value(&self, column: usize) -> ValueRef<'_>;

    /// The text of a blob that holds JSON in its binary form; `None` for any other blob.
    fn json_text(&self, blob: &[u8]) -> Option<Vec<u8>>;
}

/// Writes all rows; how many there were.
///
/// # Errors
/// What ended the run, after the rows before it (which a columnar mode shows as well); what stops writing.
pub fn render(
    mode: &Mode,
    rows: &mut dyn Rows,
    screen_width: usize,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    match mode.style {
        Style::Off => linear::drain(rows),
        Style::Count => linear::count(rows, out),
        Style::List => linear::list(mode, rows, out),
        Style::Line => linear::line(mode, rows, screen_width, out),
        Style::Insert => linear::insert(mode, rows, out),
        Style::Json => linear::json(mode, rows, out),
        Style::JsonObject => linear::json_objects(mode, rows, out),
        Style::Html => linear::html(mode, rows, out),
        Style::Box | Style::Table | Style::Column | Style::Markdown => {
            columnar::columnar(mode, rows, screen_width, out)
        }
    }
}
