//! Statement counters: what `sqlite3_stmt_status` reports.
//!
//! Never: time.

/// A counter, numbered as SQLite's `SQLITE_STMTSTATUS_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    FullScanStep = 1,
    Sort = 2,
    AutoIndex = 3,
    VmStep = 4,
    Reprepare = 5,
    Run = 6,
    FilterMiss = 7,
    FilterHit = 8,
}

/// The counters of one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    values: [u64; 9],
}

impl Counters {
    /// The counter's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize]
    }

    /// Sets the counter to 0.
    pub fn clear(&mut self, counter: Counter) {
        self.values[counter as usize] = 0;
    }

    /// Adds to a counter.
    #[inline]
    pub fn add(&mut self, counter: Counter, amount: u64) {
        self.values[counter as usize] += amount;
    }

    /// Adds 1 to the counter with this number, as an instruction names it; 0 and unknown numbers count nothing of interest.
    #[inline(always)]
    pub(super) fn charge(&mut self, number: u8) {
        if let Some(value) = self.values.get_mut(usize::from(number)) {
            *value += 1;
        }
    }
}
