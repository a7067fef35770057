//! The half of [`Btree`] that is about the database as a whole: life, transactions, savepoints, settings.
//!
//! Each method is the pager's of the same name, with what the cursors need before or after it: positions are saved before pages
//! change under them, and forgotten when the transaction under which they were taken is over.
//!
//! Never: the order of durable effects; that is in the pager's scripts.

use kernite_io::{Outstanding, SharedIo, ready};

use crate::Step;
use crate::btree::{
    AutoVacuum, Btree, CheckpointMode, CheckpointOutcome, JournalMode, Meta, OpenOptions, Synchronous,
    TransactionKind,
};
use crate::error::Error;
use crate::pager::Pager;
use crate::tree::change::SecureDelete;
use crate::tree::meta;
use crate::tree::trees::Trees;

impl Btree {
    // ---- life -------------------------------------------------------------------------------------------------
    /// A database that is not open yet. Touches nothing.
    pub fn new(io: SharedIo, options: OpenOptions) -> Btree {
        let pager = Pager::new(&io, &options);
        Btree { io, options, pager, trees: Trees::default(), writes: 0, known_meta: None }
    }

    /// Opens the file, not the journal or WAL: the first transaction does. [`Error::CannotOpen`] where it is not there and may not be made.
    pub fn open(&mut self) -> Step<()> {
        self.pager.open(&self.io, &self.options)
    }

    /// Closes everything: rolls back an open transaction; the last connection to a WAL database checkpoints and removes the WAL.
    pub fn close(&mut self) -> Step<()> {
        self.trees.reset_all();
        self.pager.close()
    }

    /// What this connection waits for after `Ok(None)`.
    pub fn outstanding(&self) -> &Outstanding {
        self.pager.outstanding()
    }

    /// Forgets what is over of what it waited for: a later wait shall not end because of it.
    pub fn forget_done(&mut self) {
        self.pager.forget_done();
    }

    // ---- transactions -----------------------------------------------------------------------------------------
    /// The transaction under way, if any.
    pub fn transaction(&self) -> Option<TransactionKind> {
        self.pager.transaction()
    }

    /// Starts a transaction, or makes the one under way go as far as `kind`. [`Error::Busy`] where a lock is in the way: nothing has
    /// changed, and the caller's busy handler decides.
    pub fn begin(&mut self, kind: TransactionKind) -> Step<()> {
        self.writes += 1;
        ready!(self.pager.begin(kind));
        self.trees.refresh(&self.pager);
        Ok(Some(()))
    }

    /// First half of a commit: everything durable but the ending of the journal. With `super_journal` the journal names it. [`Error::Busy`]
    /// where readers are in the way: the commit can be tried again.
    pub fn commit_prepare(&mut self, super_journal: Option<&[u8]>) -> Step<()> {
        self.writes += 1;
        if self.is_writing() {
            ready!(self.trees.vacuum_at_commit(&mut self.pager));
        }
        self.pager.commit_prepare(super_journal)
    }

    /// Second half: the commit point of a single file (journal ended, WAL published). Afterwards a read transaction is open, and cursors keep
    /// their positions.
    pub fn commit_finish(&mut self) -> Step<()> {
        self.pager.commit_finish()
    }

    /// Rolls back the whole transaction. With `keep_readers` other statements' read cursors survive (as after a ROLLBACK that changed no
    /// schema), else they fail with [`Error::AbortRollback`].
    pub fn rollback(&mut self, keep_readers: bool) -> Step<()> {
        self.writes += 1;
        if self.is_writing() {
            ready!(self.trees.leave_for_rollback(&mut self.pager, keep_readers));
        }
        ready!(self.pager.rollback());
        self.trees.refresh(&self.pager);
        Ok(Some(()))
    }

    /// Ends a read transaction when no cursor needs it any more.
    pub fn end_read(&mut self) -> Step<()> {
        self.writes += 1;
        self.trees.reset_all();
        self.pager.end_read()
    }

    /// Makes sure that `count` savepoints are open (statement savepoints are the innermost). Needs a write transaction.
    pub fn savepoint_open(&mut self, count: usize) -> Step<()> {
        self.pager.savepoint_open(count)
    }

    /// Forgets savepoints `index` and newer, keeping their changes.
    pub fn savepoint_release(&mut self, index: usize) -> Step<()> {
        if !self.is_writing() {
            return Ok(Some(()));
        }
        self.pager.savepoint_release(index)
    }

    /// Undoes everything since savepoint `index` was opened; it stays open, newer ones are gone.
    pub fn savepoint_rollback(&mut self, index: usize) -> Step<()> {
        self.writes += 1;
        if !self.is_writing() {
            return Ok(Some(()));
        }
        ready!(self.trees.leave_for_savepoint(&mut self.pager));
        self.pager.savepoint_rollback(index)
    }

    fn is_writing(&self) -> bool {
        self.pager.transaction().is_some_and(|kind| kind >= TransactionKind::Write)
    }

    /// A number that changes whenever another connection changed this file (`data_version`). Needs a read transaction.
    pub fn data_version(&mut self) -> Step<u32> {
        Ok(Some(self.pager.data_version()))
    }

    /// Copies what it can of the WAL into the database file. Outside a transaction.
    pub fn checkpoint(&mut self, mode: CheckpointMode) -> Step<CheckpointOutcome> {
        self.pager.checkpoint(mode)
    }

    /// Frames in the WAL after the last commit of this connection, once (for the wal hook and auto-checkpoint); 0 when none.
    pub fn take_committed_wal_frames(&mut self) -> u32 {
        self.pager.take_committed_wal_frames()
    }

    // ---- settings ---------------------------------------------------------------------------------------------
    /// Bytes of a page.
    pub fn page_size(&self) -> u32 {
        self.pager.page_size() as u32
    }

    /// Page size and reserved bytes of a database without pages; else they take effect at the next VACUUM.
    pub fn set_page_size(&mut self, size: u32, reserved: Option<u8>) -> Result<(), Error> {
        self.pager.set_page_size(size, reserved);
        self.trees.refresh(&self.pager);
        Ok(())
    }

    /// `auto_vacuum` of the database, or of the one that the first write makes. Needs a read transaction.
    pub fn auto_vacuum(&mut self) -> Step<AutoVacuum> {
        if self.pager.page_count() == 0 {
            return Ok(Some(self.pager.auto_vacuum_of_new()));
        }
        if ready!(meta::read(&mut self.pager, Meta::LargestRootPage)) == 0 {
            return Ok(Some(AutoVacuum::None));
        }
        let incremental = ready!(meta::read(&mut self.pager, Meta::IncrementalVacuum)) != 0;
        Ok(Some(if incremental { AutoVacuum::Incremental } else { AutoVacuum::Full }))
    }

    /// `auto_vacuum` of a database that is still empty.
    pub fn set_auto_vacuum(&mut self, mode: AutoVacuum) -> Result<(), Error> {
        self.pager.set_auto_vacuum_of_new(mode);
        Ok(())
    }

    /// `journal_mode` in force.
    pub fn journal_mode(&self) -> JournalMode {
        self.pager.journal_mode()
    }

    /// Switches the mode where that is possible now; the mode in force afterwards.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Step<JournalMode> {
        self.pager.set_journal_mode(mode)
    }

    /// `synchronous` in force.
    pub fn synchronous(&self) -> Synchronous {
        self.pager.synchronous()
    }

    /// Sets `synchronous`, from the next sync on.
    pub fn set_synchronous(&mut self, mode: Synchronous) {
        self.pager.set_synchronous(mode);
    }

    /// `locking_mode=EXCLUSIVE` or not; what is in force.
    pub fn set_exclusive_locking(&mut self, exclusive: bool) -> Step<bool> {
        Ok(Some(self.pager.set_exclusive_locking(exclusive)))
    }

    /// Whether `locking_mode` is EXCLUSIVE.
    pub fn exclusive_locking(&self) -> bool {
        self.pager.exclusive_locking()
    }

    /// Cache size as the pragma has it: pages, or KiB when negative.
    pub fn set_cache_size(&mut self, size: i32) {
        self.pager.set_cache_size(size);
    }

    /// `cache_spill`: pages above which dirty pages spill; 0 = never.
    pub fn set_spill(&mut self, pages: u32) {
        self.pager.set_spill(pages);
    }

    /// `secure_delete`: 0 off, 1 on, 2 fast.
    pub fn secure_delete(&self) -> u8 {
        match self.trees.work.secure_delete {
            SecureDelete::Off => 0,
            SecureDelete::On => 1,
            SecureDelete::Fast => 2,
        }
    }

    /// Sets `secure_delete`.
    pub fn set_secure_delete(&mut self, mode: u8) {
        self.trees.work.secure_delete = match mode {
            0 => SecureDelete::Off,
            1 => SecureDelete::On,
            _ => SecureDelete::Fast,
        };
    }

    /// Pages of the database as this transaction sees it.
    pub fn page_count(&mut self) -> Step<u32> {
        Ok(Some(self.pager.page_count()))
    }

    /// `max_page_count`.
    pub fn max_page_count(&self) -> u32 {
        self.pager.max_page_count()
    }

    /// Sets `max_page_count`, but not below the pages that there are; 0 changes nothing. What is in force.
    pub fn set_max_page_count(&mut self, pages: u32) -> u32 {
        self.pager.set_max_page_count(pages)
    }

    /// `journal_size_limit` in bytes; negative = none.
    pub fn journal_size_limit(&self) -> i64 {
        self.pager.journal_size_limit()
    }

    /// Sets `journal_size_limit`.
    pub fn set_journal_size_limit(&mut self, bytes: i64) {
        self.pager.set_journal_size_limit(bytes);
    }

    /// Passes a hint to the file; `false` where there is none. With `PersistWal` WAL and index stay when the last connection closes.
    pub fn control(&mut self, op: kernite_io::FileControl) -> bool {
        self.pager.control(op)
    }

    /// Whether WAL and index stay when the last connection closes.
    pub fn keeps_wal(&self) -> bool {
        self.pager.keeps_wal()
    }

    /// Whether overwriting one range of the file damages nothing outside it.
    pub fn is_powersafe(&self) -> bool {
        self.pager.is_powersafe()
    }

    /// Does not checkpoint when the last connection closes (`SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE`).
    pub fn set_no_checkpoint_on_close(&mut self, on: bool) {
        self.pager.set_no_checkpoint_on_close(on);
    }

    /// Whether the database cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.pager.is_read_only()
    }

    /// Path of the file, empty for a private database.
    pub fn path(&self) -> &[u8] {
        self.pager.path()
    }

    /// Gives cached clean pages back, but for those on which cursors stand.
    pub fn shrink(&mut self) {
        self.trees.guard(&mut self.pager, Pager::shrink);
    }

    /// Overwrites this database's content with that of `source` (VACUUM's copy-back). Needs a write transaction here, a read transaction there.
    pub fn copy_from(&mut self, source: &mut Btree) -> Step<()> {
        self.writes += 1;
        self.known_meta = None;
        self.trees.changes += 1;
        self.trees.reset_all();
        ready!(self.pager.copy_from(&mut source.pager));
        self.trees.refresh(&self.pager);
        Ok(Some(()))
    }

    /// As [`Btree::copy_from`], but only the source's pages to `last` (as far as they make whole pages here), from where the last call
    /// stopped. `true`: all are copied.
    pub fn copy_up_to(&mut self, source: &mut Btree, last: u32) -> Step<bool> {
        self.writes += 1;
        self.trees.reset_all();
        let done = ready!(self.pager.copy_up_to(&mut source.pager, last));
        self.trees.refresh(&self.pager);
        Ok(Some(done))
    }

    /// The next [`Btree::copy_up_to`] begins with the first page again: the source has changed.
    pub fn restart_copy(&mut self) {
        self.pager.restart_copy();
    }
}
