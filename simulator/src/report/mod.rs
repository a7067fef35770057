//! What people read: a summary as text, and a failing run as one HTML page with its timeline.
//!
//! Never: a script or a font from elsewhere: the page stands alone.

mod html;

pub use html::page;

use crate::run::Verdict;
use crate::world::Tally;

/// Things that a long run should have come by. A mark that is never reached means that a part of the engine was not tested.
pub const MARKS: [&str; 23] = [
    "shared lock",
    "reserved lock",
    "exclusive lock",
    "lock refused",
    "journal written",
    "journal read",
    "journal removed",
    "journal truncated",
    "journal header zeroed",
    "database written",
    "database truncated",
    "temporary file written",
    "wal header written",
    "wal frame written",
    "wal truncated",
    "wal-index made",
    "wal write lock",
    "wal checkpoint lock",
    "wal recovery lock",
    "wal reader slot exclusive",
    "wal read of the file",
    "wal read of the log",
    "wal slot refused",
];

/// The sums over many runs.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub seeds: u64,
    pub statements: u64,
    pub transactions: u64,
    pub images: u64,
    pub violations: u64,
    pub tally: Tally,
}

impl Summary {
    /// Adds a run.
    pub fn add(&mut self, verdict: &Verdict) {
        self.seeds += 1;
        self.statements += verdict.statements;
        self.transactions += verdict.transactions;
        self.images += verdict.images;
        self.violations += u64::from(!verdict.violations.is_empty());
        self.tally.add(&verdict.tally);
    }

    /// The last line of a run.
    pub fn last_line(&self) -> String {
        let Summary { seeds, statements, violations, tally, .. } = self;
        format!(
            "sim: {seeds} seeds, {statements} statements, {} faults, {violations} violations",
            tally.faults
        )
    }

    /// One line while it runs.
    pub fn progress(&self, seconds: f64) -> String {
        format!(
            "{:>7} seeds  {:>6.1}/s  {:>9} statements  {:>7.0}/s  {:>7} faults  {:>7} images  {} marks  {} violations",
            self.seeds,
            self.seeds as f64 / seconds,
            self.statements,
            self.statements as f64 / seconds,
            self.tally.faults,
            self.images,
            self.tally.marks.len(),
            self.violations
        )
    }

    /// Several lines at the end.
    pub fn text(&self, seconds: f64) -> String {
        let mut text = self.progress(seconds);
        text.push_str(&format!(
            "\n{} decision points, {} switches, {} transactions\nfaults:",
            self.tally.points, self.tally.switches, self.transactions
        ));
        for (name, count) in &self.tally.by_fault {
            text.push_str(&format!(" {name} {count},"));
        }
        let missed: Vec<&str> = MARKS.into_iter().filter(|mark| !self.tally.marks.contains(mark)).collect();
        text.push_str(&format!("\nmarks: {} of {} reached", MARKS.len() - missed.len(), MARKS.len()));
        if !missed.is_empty() {
            text.push_str(&format!("; not: {}", missed.join(", ")));
        }
        text
    }
}
