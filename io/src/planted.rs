//! Planted bugs: mistakes that the engine makes on purpose, one at a time, so that the simulator can prove that it would find them.
//!
//! A site in the engine is one line that asks [`planted!`](crate::planted!) whether its bug is the active one. Without the feature `planted`
//! the answer is `false` at compile time, and the line is gone. With it the answer is one load, so that one build has all bugs.
//!
//! Always true: a build without debug assertions has no planted bug; it refuses to compile with the feature. The active bug is set by
//! whoever runs the world, between worlds; it is the only process-wide state of the engine, and exists in such builds only.
//!
//! Never: what a bug breaks, or how it is found. That is the simulator's catalogue.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("planted bugs are for test builds: debug assertions have to be on");

macro_rules! bugs {
    ($(#[doc = $about:literal] $name:ident,)*) => {
        /// A mistake on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Bug { $(#[doc = $about] $name,)* }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Bug] = &[$(Bug::$name,)*];

            /// What the engine does wrong.
            pub fn about(self) -> &'static str {
                match self { $(Bug::$name => $about,)* }
            }
        }
    };
}

bugs! {
    // Rollback journal.
    /// the records are not synced before the header that counts them
    JournalRecordsNotSynced,
    /// the header is not synced before database pages are written
    JournalSealNotSynced,
    /// the header counts its records from the first write on
    JournalCountTooEarly,
    /// the directory of a new journal is not synced
    JournalDirectoryNotSynced,
    /// segments after the first sum their records with the nonce of the one before
    JournalNonceStale,
    /// the header says one page less than the database had
    JournalPageCountWrong,
    /// the page before a change is not kept for the journal, for some pages
    JournalPageSkipped,
    /// a header that an earlier transaction left is taken for the next one
    JournalStaleHeaderKept,
    /// the journal ends before the database is synced
    JournalEndedBeforeSync,
    /// the end of the journal is not synced
    JournalEndNotSynced,
    /// the removal of the journal is not made durable
    JournalRemovalNotDurable,
    /// the file is cut before the journal has ended
    FileCutBeforeCommit,
    /// the file is not made as long as the database says
    FileNotExtended,
    /// a page is spilled before its image is in the journal
    SpillBeforeJournal,
    /// the last record of a batch is not put back
    PlaybackStopsEarly,
    /// pages that were put back are not synced before the journal ends
    PlaybackNotSynced,
    /// the super-journal is removed before the last database is prepared
    SuperJournalRemovedEarly,
    /// the directory of the super-journal is not synced
    SuperJournalDirectoryNotSynced,
    /// the last database's journal does not name the super-journal
    SuperJournalNotNamed,
    // Write-ahead log.
    /// a commit is acknowledged before the frames are synced
    WalCommitNotSynced,
    /// every frame of a commit carries the mark
    WalCommitMarkEarly,
    /// the directory of a new log is not synced
    WalDirectoryNotSynced,
    /// frames that were overwritten are not summed again
    WalRechecksumForgotten,
    /// the sum is chained wrongly behind an overwritten frame
    WalRechecksumSeedWrong,
    /// a log that starts over keeps its salts
    WalSaltReused,
    /// a checkpoint does not sync the log first
    CheckpointLogNotSynced,
    /// a checkpoint does not sync the database
    CheckpointDatabaseNotSynced,
    /// frames count as copied before they are
    CheckpointBackfillEarly,
    /// a checkpoint copies frames that a reader must not see
    CheckpointPastReader,
    /// a checkpoint takes an older frame of a page
    CheckpointOlderFrame,
    /// a reader looks one frame past its snapshot
    WalReadPastSnapshot,
    /// a reader overlooks the first frame that is not copied
    WalReadSkipsFirst,
    /// header and mark are not compared again once the mark is locked
    WalMarkNotRechecked,
    /// a writer does not look whether its snapshot is the newest
    WalSnapshotNotChecked,
    /// the log starts over although readers look into it
    WalRestartUnderReader,
    /// recovery loses the last frame
    WalRecoveryOffByOne,
    /// recovery takes frames behind the last commit
    WalRecoveryIgnoresMark,
    /// the cache keeps the page of the first frame that others wrote
    WalCacheKeepsPage,
    /// a writer does not take the write lock
    WalWriteNotLocked,
    // Locks.
    /// the SHARED lock is given back as soon as it is there
    SharedLockDropped,
    /// a writer does not take RESERVED
    ReservedNotTaken,
    /// a commit writes without EXCLUSIVE
    ExclusiveNotTaken,
    /// a spill writes although EXCLUSIVE is not to be had
    SpillWithoutExclusive,
    /// the lock goes down before the journal has ended
    LockDroppedBeforeEnd,
    /// a hot journal is rolled back without EXCLUSIVE
    HotJournalWithoutLock,
    // Cache and savepoints.
    /// the change counter is not counted
    ChangeCounterKept,
    /// the change counter is not looked at
    ChangeCounterIgnored,
    /// a changed page may be evicted
    DirtyPageEvicted,
    /// a pinned page may be evicted
    PinnedPageEvicted,
    /// a changed page that has no neighbours is not written
    ChangedPageLost,
    /// a savepoint misses the image of a page
    SavepointImageMissed,
    /// releasing a savepoint drops the images that the outer one needs
    SavepointReleaseDropsImages,
    /// an image put back counts as newer than it is
    ImageStampTooNew,
    /// rolling back to a savepoint leaves the number of pages
    SavepointKeepsPageCount,
    /// the bytes of a page that is freed and used again are not kept
    FreedPageImageMissed,
    // Trees.
    /// a balance lets a page take two bytes more than there are
    BalanceOverfills,
    /// a divider names the second largest key of its child
    DividerOffByOne,
    /// an interior entry that was replaced is not put back
    DividerLost,
    /// the child right of an interior page is not taken over by a balance
    RightChildLost,
    /// overflow pages of a deleted row are not freed
    OverflowChainLeaked,
    /// the last page of an overflow chain is not freed
    OverflowTailLeaked,
    /// a page taken from the freelist stays listed
    FreelistDoubleUse,
    /// the number of free pages is not counted down
    FreelistCountWrong,
    /// the pointer map keeps the old owner of an overflow chain
    PointerMapChainStale,
    /// the pointer map keeps the old parent of children
    PointerMapParentStale,
    /// a cursor restored to the entry behind a deleted one goes on past it
    CursorRestoredPast,
    /// bytes that a removed cell leaves are counted wrong
    FreeBytesWrong,
    // I/O steps.
    /// a script goes on before its write or sync has completed
    WriteNotAwaited,
    /// nobody is woken for a read that was queued
    ReadWakeUpLost,
    /// a read that was queued outlives its transaction
    QueuedReadKept,
    /// a change that has to wait is not undone
    ChangeKeptAtWait,
    /// pages that a re-run needs are evicted before it
    TrimBeforeRerun,
    /// a row is counted again when its insert runs again
    RetryCountsTwice,
    // SQL.
    /// an index entry is not deleted
    IndexEntryKept,
    /// REPLACE leaves the index entries of the row that it replaces
    ReplaceLeavesEntries,
    /// REPLACE does not remove a row that conflicts in an index
    ReplaceLeavesRow,
    /// NOT NULL is checked before REPLACE puts in the default
    NotNullBeforeDefault,
    /// affinity is not applied before a comparison
    AffinityIgnored,
    /// a descending index is kept ascending
    DescendingIgnored,
    /// an index compares by bytes whatever its collation
    CollationIgnored,
    /// NULLs count as equal in a unique index
    NullsConflict,
    /// the schema cookie is not counted up
    SchemaCookieKept,
    /// the schema cookie is not looked at
    SchemaCookieIgnored,
    /// AUTOINCREMENT's counter is not stored
    SequenceNotKept,
    /// a statement that fails leaves what it did
    StatementNotUndone,
    /// rows that a DELETE without condition removes are not counted
    ClearNotCounted,
    /// CHECK is not looked at in an UPDATE
    CheckSkipped,
    // Errors.
    /// a page that could not be written counts as written
    WriteErrorSwallowed,
    /// a sync that failed counts as done
    SyncErrorSwallowed,
    /// a sync that failed is tried again, and that counts
    SyncRetried,
    /// a log without room counts as written
    FullIgnored,
    /// a journal that cannot be read counts as ended
    JournalReadErrorSwallowed,
    /// a journal that could not be ended counts as ended
    JournalEndErrorSwallowed,
    /// the log is removed although its last checkpoint failed
    LogRemovedUncopied,
}

#[cfg(feature = "planted")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(u8::MAX);

/// Makes `bug` the active one, or none.
#[cfg(feature = "planted")]
pub fn activate(bug: Option<Bug>) {
    ACTIVE.store(bug.map_or(u8::MAX, |bug| bug as u8), std::sync::atomic::Ordering::Relaxed);
}

/// Whether `bug` is the active one.
#[cfg(feature = "planted")]
#[inline]
pub fn is_active(bug: Bug) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == bug as u8
}

/// Whether `bug` is the active one: in this build none ever is.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn is_active(_: Bug) -> bool {
    false
}

/// Whether this planted bug is the active one: `false` at compile time in every build but a test build made for planted bugs.
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::is_active($crate::planted::Bug::$bug)
    };
}
