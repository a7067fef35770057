//! What is known about memory: how much is held, the most that was, and the limits.
//!
//! Counters are atomics without order among each other: sums are right, moments are not.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Counts of all memory of the library.
pub(crate) struct Tally {
    used: AtomicI64,
    peak: AtomicI64,
    count: AtomicI64,
    count_peak: AtomicI64,
    largest: AtomicI64,
    soft_limit: AtomicI64,
    hard_limit: AtomicI64,
    is_on: AtomicBool,
}

/// The library's counts.
pub(crate) static TALLY: Tally = Tally {
    used: AtomicI64::new(0),
    peak: AtomicI64::new(0),
    count: AtomicI64::new(0),
    count_peak: AtomicI64::new(0),
    largest: AtomicI64::new(0),
    soft_limit: AtomicI64::new(0),
    hard_limit: AtomicI64::new(0),
    is_on: AtomicBool::new(true),
};

#[inline]
fn add(counter: &AtomicI64, peak: &AtomicI64, amount: i64) {
    let now = counter.fetch_add(amount, Ordering::Relaxed) + amount;
    if now > peak.load(Ordering::Relaxed) {
        peak.fetch_max(now, Ordering::Relaxed);
    }
}

impl Tally {
    /// Memory was made: `asked` bytes, of which there are `size`.
    #[inline]
    pub(crate) fn made(&self, asked: usize, size: usize) {
        add(&self.used, &self.peak, size as i64);
        add(&self.count, &self.count_peak, 1);
        if asked as i64 > self.largest.load(Ordering::Relaxed) {
            self.largest.fetch_max(asked as i64, Ordering::Relaxed);
        }
    }

    /// Memory was given back.
    #[inline]
    pub(crate) fn gone(&self, size: usize) {
        self.used.fetch_sub(size as i64, Ordering::Relaxed);
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Memory of the engine was made or given back.
    #[inline]
    pub(crate) fn engine_made(&self, size: usize) {
        add(&self.used, &self.peak, size as i64);
    }

    #[inline]
    pub(crate) fn engine_gone(&self, size: usize) {
        self.used.fetch_sub(size as i64, Ordering::Relaxed);
    }

    /// Whether the hard limit lets so many bytes more be held.
    #[inline]
    pub(crate) fn admits(&self, size: u64) -> bool {
        let limit = self.hard_limit.load(Ordering::Relaxed);
        limit <= 0 || self.used.load(Ordering::Relaxed).saturating_add(size as i64) <= limit
    }

    /// Switches counting for `sqlite3_status` on or off (`SQLITE_CONFIG_MEMSTATUS`). The limits work either way.
    pub(crate) fn set_on(&self, on: bool) {
        self.is_on.store(on, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> i64 {
        if self.is_on.load(Ordering::Relaxed) { self.used.load(Ordering::Relaxed) } else { 0 }
    }

    fn read(&self, counter: &AtomicI64, peak: &AtomicI64, reset: bool) -> (i64, i64) {
        if !self.is_on.load(Ordering::Relaxed) {
            return (0, 0);
        }
        let now = counter.load(Ordering::Relaxed);
        let highest = if reset { peak.swap(now, Ordering::Relaxed) } else { peak.load(Ordering::Relaxed) };
        (now, highest.max(now))
    }

    pub(crate) fn peak(&self, reset: bool) -> i64 {
        self.read(&self.used, &self.peak, reset).1
    }

    /// Bytes held and the most that were.
    pub(crate) fn bytes(&self, reset: bool) -> (i64, i64) {
        self.read(&self.used, &self.peak, reset)
    }

    /// Allocations of the application held and the most that were.
    pub(crate) fn counts(&self, reset: bool) -> (i64, i64) {
        self.read(&self.count, &self.count_peak, reset)
    }

    /// The largest request.
    pub(crate) fn largest(&self, reset: bool) -> i64 {
        if reset { self.largest.swap(0, Ordering::Relaxed) } else { self.largest.load(Ordering::Relaxed) }
    }

    /// Sets the soft limit, which is never above the hard one, and gives the old one.
    pub(crate) fn set_soft_limit(&self, limit: i64) -> i64 {
        let old = self.soft_limit.load(Ordering::Relaxed);
        if limit >= 0 {
            let hard = self.hard_limit.load(Ordering::Relaxed);
            let limit = if hard > 0 && (limit > hard || limit == 0) { hard } else { limit };
            self.soft_limit.store(limit, Ordering::Relaxed);
        }
        old
    }

    /// Sets the hard limit and gives the old one; the soft one follows if it was above.
    pub(crate) fn set_hard_limit(&self, limit: i64) -> i64 {
        let old = self.hard_limit.load(Ordering::Relaxed);
        if limit >= 0 {
            self.hard_limit.store(limit, Ordering::Relaxed);
            let soft = self.soft_limit.load(Ordering::Relaxed);
            if limit < soft || soft == 0 {
                self.soft_limit.store(limit, Ordering::Relaxed);
            }
        }
        old
    }
}
