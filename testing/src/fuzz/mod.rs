//! What the fuzz targets do with their bytes: `fuzz/` calls it from libFuzzer, `tests/fuzz_corpus.rs` from the stored corpora.
//!
//! A target takes any bytes and gives a complaint, or none. A panic is a complaint, too. Where SQLite can be asked the same it is the
//! oracle.
//!
//! Rooms: `files` (database, WAL and journal bytes), `sql` (statements), `values` (JSON, dates, numbers), `record`.
//! Never: a file of the machine; a statement that could run for ever or eat all memory.

mod files;
mod record;
mod sql;
mod values;

pub use files::{journal_base, wal_base};

/// One fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of the target, of its corpus folder and of its dictionary.
    pub name: &'static str,
    /// What is done with the bytes; a complaint, where something is wrong.
    pub check: fn(&[u8]) -> Result<(), String>,
    /// Bytes beyond which an input only takes time.
    pub len_max: usize,
}

/// All targets.
pub const TARGETS: [Target; 8] = [
    Target { name: "sql", check: sql::check, len_max: 2_000 },
    Target { name: "database", check: files::database, len_max: 32_768 },
    Target { name: "wal", check: files::wal, len_max: 32_768 },
    Target { name: "journal", check: files::journal, len_max: 32_768 },
    Target { name: "record", check: record::check, len_max: 2_000 },
    Target { name: "json", check: values::json, len_max: 2_000 },
    Target { name: "datetime", check: values::datetime, len_max: 200 },
    Target { name: "number", check: values::number, len_max: 200 },
];

/// The target called `name`.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Runs a target from libFuzzer, whose findings are panics.
///
/// # Panics
/// Where the target complains.
pub fn must_pass(name: &str, bytes: &[u8]) {
    let target = target(name).unwrap_or_else(|| panic!("there is no target {name}"));
    if bytes.len() <= target.len_max
        && let Err(complaint) = (target.check)(bytes)
    {
        panic!("{complaint}");
    }
}

/// The text in some bytes: up to the first NUL, and only where it is UTF-8.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).ok()
}
