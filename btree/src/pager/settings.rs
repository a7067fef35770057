//! What pragmas set: journal mode, synchronous, locking mode, cache size, limits.
//!
//! Always true: the rules which mode syncs what are here and nowhere else.
//! Spec: `PRAGMA synchronous`, `journal_mode`, `locking_mode`, `cache_size`, `cache_spill`, `journal_size_limit`.

use super::{PAGE_COUNT_MAX, Pager, State};
use crate::{AutoVacuum, JournalMode, Synchronous};

/// Pages above which a cache of this size spills, as `cache_size` has it: pages, or KiB when negative.
const CACHE_SIZE_DEFAULT: i32 = -2000;
/// Bytes that a page costs beyond its content.
const FRAME_OVERHEAD_BYTES: i64 = 128;

/// A connection's settings for one database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The rollback mode in force, or `Wal` between the switch to it and the first transaction in it.
    pub(super) journal_mode: JournalMode,
    pub(super) synchronous: Synchronous,
    /// `locking_mode=EXCLUSIVE`.
    pub(super) exclusive: bool,
    pub(super) cache_size: i32,
    /// Pages above which dirty pages spill; 0 = never.
    pub(super) spill: u32,
    /// Bytes that a journal or WAL keeps after use; negative = all.
    pub(super) journal_size_limit: i64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            journal_mode: JournalMode::Delete,
            synchronous: Synchronous::Full,
            exclusive: false,
            cache_size: CACHE_SIZE_DEFAULT,
            spill: 1,
            journal_size_limit: -1,
        }
    }
}

impl Settings {
    /// Whether anything is synced at all.
    pub(super) fn syncs(&self) -> bool {
        self.synchronous != Synchronous::Off
    }

    /// FULL: records are synced before the count that vouches for them, and a WAL commit is synced.
    pub(super) fn syncs_twice(&self) -> bool {
        self.synchronous >= Synchronous::Full
    }

    /// EXTRA: the removal of a journal is made durable.
    pub(super) fn syncs_directory_at_end(&self) -> bool {
        self.synchronous == Synchronous::Extra
    }

    /// Whether the rollback journal is a file.
    pub(super) fn journal_has_file(&self) -> bool {
        !matches!(self.journal_mode, JournalMode::Memory | JournalMode::Off)
    }

    /// Pages that the cache may hold.
    pub(super) fn cache_pages(&self, page_bytes: usize) -> usize {
        let pages = match self.cache_size {
            size if size >= 0 => i64::from(size),
            size => -i64::from(size) * 1024 / (page_bytes as i64 + FRAME_OVERHEAD_BYTES),
        };
        // An operation needs a few pages at a time whatever the setting says.
        pages.max(10) as usize
    }
}

impl Pager {
    /// `synchronous` in force.
    pub fn synchronous(&self) -> Synchronous {
        self.settings.synchronous
    }

    /// Sets `synchronous`, from the next sync on.
    pub fn set_synchronous(&mut self, mode: Synchronous) {
        self.settings.synchronous = mode;
    }

    /// Whether `locking_mode` is EXCLUSIVE. A private database always is.
    pub fn exclusive_locking(&self) -> bool {
        self.settings.exclusive || self.files.is_none()
    }

    /// Sets `locking_mode`; what is in force. Locks follow with the next transactions. An index on the heap cannot go back to NORMAL.
    pub fn set_exclusive_locking(&mut self, exclusive: bool) -> bool {
        let heap =
            self.files.as_mut().and_then(|files| files.log.wal()).is_some_and(|wal| wal.index.is_heap());
        if self.files.is_some() && !heap {
            self.settings.exclusive = exclusive;
        }
        self.exclusive_locking()
    }

    /// `cache_size`: pages, or KiB when negative.
    pub fn set_cache_size(&mut self, size: i32) {
        self.settings.cache_size = size;
        self.apply_cache_size();
    }

    /// `cache_spill`: pages above which dirty pages spill; 0 = never.
    pub fn set_spill(&mut self, pages: u32) {
        self.settings.spill = pages;
        self.apply_cache_size();
    }

    /// `journal_size_limit` in bytes; negative = none.
    pub fn journal_size_limit(&self) -> i64 {
        self.settings.journal_size_limit
    }

    /// Sets `journal_size_limit`.
    pub fn set_journal_size_limit(&mut self, bytes: i64) {
        self.settings.journal_size_limit = bytes.max(-1);
    }

    /// `max_page_count`.
    pub fn max_page_count(&self) -> u32 {
        self.max_page_count
    }

    /// Sets `max_page_count`, but not below the pages that there are; 0 changes nothing. What is in force.
    pub fn set_max_page_count(&mut self, pages: u32) -> u32 {
        if pages > 0 {
            self.max_page_count = pages.max(self.page_count).min(PAGE_COUNT_MAX);
        }
        self.max_page_count
    }

    /// Page size and reserved bytes of a database that is still empty; one with pages keeps its own until VACUUM rebuilds it.
    pub fn set_page_size(&mut self, page_bytes: u32, reserved: Option<u8>) {
        let fits = page_bytes.is_power_of_two() && (512..=65536).contains(&page_bytes);
        let known = self.files.as_ref().is_some_and(|files| files.header.is_some());
        if self.page_count > 0 || known || self.state != State::None {
            return;
        }
        if fits {
            self.set_page_size_of_file(page_bytes);
        }
        if let Some(reserved) = reserved
            && self.page_size() - usize::from(reserved) >= 480
        {
            self.reserved = reserved;
        }
    }

    /// Reserved bytes at the end of each page.
    pub fn reserved(&self) -> u8 {
        self.reserved
    }

    /// `auto_vacuum` of a database that is still empty.
    pub fn set_auto_vacuum_of_new(&mut self, mode: AutoVacuum) {
        self.new_auto_vacuum = mode;
    }

    /// What [`Pager::set_auto_vacuum_of_new`] set.
    pub fn auto_vacuum_of_new(&self) -> AutoVacuum {
        self.new_auto_vacuum
    }

    /// Never writes to the wal-index (the URI parameter `readonly_shm`). Before the first transaction.
    pub fn set_read_only_shm(&mut self, on: bool) {
        self.read_only_shm = on;
    }

    /// `writable_schema`: a file that is shorter than its header says is taken as it is.
    pub fn set_trust_short_file(&mut self, on: bool) {
        self.trust_short_file = on;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_cache_size_is_kibibytes() {
        let settings = Settings { cache_size: -2000, ..Settings::default() };
        assert_eq!(settings.cache_pages(4096), 2000 * 1024 / (4096 + 128));
        let settings = Settings { cache_size: 50, ..Settings::default() };
        assert_eq!(settings.cache_pages(65536), 50);
    }
}
