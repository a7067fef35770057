//! What pragmas set: journal mode, synchronous, locking mode, cache size, limits.
//!
//! Always true: the rules which mode syncs what are here and nowhere else.
//! Spec: `PRAGMA synchronous`, `journal_mode`, `locking_mode`, `cache_size`, `cache_spill`, `journal_size_limit`.

use crate::{JournalMode, Synchronous};

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
