//! Several connections: who waits for whom, what each sees, and how many operations that costs.

use kernite_io::fault::OpSet;
use kernite_io::{FaultIo, IoOp, MemoryIo};

use super::*;
use crate::CheckpointMode;

fn database(io: &SharedIo, setup: Setup, pages: u8) -> Trial {
    let mut trial = Trial::open(io, setup).unwrap();
    trial.begin(TransactionKind::Write).unwrap();
    trial.set(1, 0).unwrap();
    for byte in 1..pages {
        trial.push(byte).unwrap();
    }
    trial.commit().unwrap();
    trial
}

fn write(trial: &mut Trial, page: usize, byte: u8) {
    trial.begin(TransactionKind::Write).unwrap();
    trial.set(page, byte).unwrap();
    trial.commit().unwrap();
}

fn memory() -> SharedIo {
    Arc::new(MemoryIo::deterministic(1))
}

const WAL: Setup = Setup {
    page_size: 512,
    mode: JournalMode::Wal,
    synchronous: Synchronous::Full,
    cache_size: -2000,
    exclusive: false,
};

#[test]
fn a_reader_holds_a_commit_up_and_none_comes_in_while_it_waits() {
    let io = memory();
    let mut writer = database(&io, Setup::default(), 4);
    let mut reader = Trial::open(&io, Setup::default()).unwrap();
    let mut late = Trial::open(&io, Setup::default()).unwrap();
    reader.begin(TransactionKind::Read).unwrap();
    writer.begin(TransactionKind::Write).unwrap();
    writer.set(2, 77).unwrap();
    assert!(matches!(writer.commit(), Err(Error::Busy)));
    assert!(matches!(late.begin(TransactionKind::Read), Err(Error::Busy)), "PENDING keeps readers out");
    assert_eq!(reader.read(2).unwrap(), 1);
    reader.run(Pager::end_read).unwrap();
    writer.commit().unwrap();
    assert_eq!(late.snapshot().unwrap(), [0, 77, 2, 3]);
    assert_eq!(writer.snapshot().unwrap(), [0, 77, 2, 3]);
}

#[test]
fn a_second_writer_is_busy_and_leaves_no_lock_behind() {
    for setup in [Setup::default(), WAL] {
        let io = memory();
        let mut first = database(&io, setup, 3);
        let mut second = Trial::open(&io, setup).unwrap();
        first.begin(TransactionKind::Write).unwrap();
        assert!(matches!(second.begin(TransactionKind::Write), Err(Error::Busy)));
        assert_eq!(second.pager.transaction(), None);
        first.set(2, 9).unwrap();
        first.commit().unwrap();
        write(&mut second, 3, 8);
        assert_eq!(first.snapshot().unwrap(), [0, 9, 8]);
    }
}

#[test]
fn an_exclusive_transaction_needs_the_readers_gone() {
    let io = memory();
    let mut writer = database(&io, Setup::default(), 2);
    let mut reader = Trial::open(&io, Setup::default()).unwrap();
    reader.begin(TransactionKind::Read).unwrap();
    assert!(matches!(writer.begin(TransactionKind::Exclusive), Err(Error::Busy)));
    reader.run(Pager::end_read).unwrap();
    writer.begin(TransactionKind::Exclusive).unwrap();
    assert!(matches!(reader.begin(TransactionKind::Read), Err(Error::Busy)));
    writer.rollback().unwrap();
    reader.begin(TransactionKind::Read).unwrap();
}

#[test]
fn a_wal_reader_keeps_its_snapshot() {
    let io = memory();
    let mut writer = database(&io, WAL, 4);
    let mut reader = Trial::open(&io, WAL).unwrap();
    reader.begin(TransactionKind::Read).unwrap();
    write(&mut writer, 2, 50);
    assert_eq!(reader.read_all().unwrap(), [0, 1, 2, 3]);
    assert!(matches!(reader.begin(TransactionKind::Write), Err(Error::BusySnapshot)));
    let outcome = writer.run(|pager| pager.checkpoint(CheckpointMode::Full)).unwrap();
    assert!(outcome.busy && outcome.checkpointed_frames < outcome.log_frames, "{outcome:?}");
    assert_eq!(reader.read_all().unwrap(), [0, 1, 2, 3]);
    reader.run(Pager::end_read).unwrap();
    assert_eq!(reader.snapshot().unwrap(), [0, 50, 2, 3]);
    let outcome = writer.run(|pager| pager.checkpoint(CheckpointMode::Full)).unwrap();
    assert!(!outcome.busy && outcome.checkpointed_frames == outcome.log_frames, "{outcome:?}");
}

#[test]
fn a_wal_starts_over_when_all_of_it_was_copied() {
    let io = memory();
    let mut writer = database(&io, WAL, 30);
    let mut reader = Trial::open(&io, WAL).unwrap();
    for round in 0..6 {
        for page in 2..12 {
            write(&mut writer, page, round * 20 + page as u8);
        }
        writer.run(|pager| pager.checkpoint(CheckpointMode::Passive)).unwrap();
        assert_eq!(reader.snapshot().unwrap(), writer.snapshot().unwrap());
    }
    let len = io.stat(b"/trial.db-wal").settle(&*io).unwrap().unwrap().len_bytes;
    assert!(len < 60 * 536, "{len} bytes: it grew instead");
    let outcome = writer.run(|pager| pager.checkpoint(CheckpointMode::Truncate)).unwrap();
    assert_eq!((outcome.busy, outcome.log_frames, outcome.checkpointed_frames), (false, 0, 0));
    assert_eq!(io.stat(b"/trial.db-wal").settle(&*io).unwrap().unwrap().len_bytes, 0);
    write(&mut writer, 2, 9);
    assert_eq!(reader.snapshot().unwrap()[1], 9);
}

#[test]
fn the_last_one_out_removes_the_wal() {
    let io = memory();
    let mut first = database(&io, WAL, 3);
    let second = Trial::open(&io, WAL).unwrap();
    let mut second = second;
    second.snapshot().unwrap();
    write(&mut first, 2, 7);
    first.close().unwrap();
    assert!(io.stat(b"/trial.db-wal").settle(&*io).unwrap().is_some());
    assert_eq!(second.snapshot().unwrap(), [0, 7, 2]);
    second.close().unwrap();
    assert!(io.stat(b"/trial.db-wal").settle(&*io).unwrap().is_none());
    assert_eq!(contents(&io, PATH).unwrap(), [0, 7, 2]);
}

#[test]
fn leaving_the_wal_needs_everybody_else_gone() {
    let io = memory();
    let mut first = database(&io, WAL, 3);
    let mut second = Trial::open(&io, WAL).unwrap();
    second.snapshot().unwrap();
    let result = first.run(|pager| pager.set_journal_mode(JournalMode::Delete));
    assert!(matches!(result, Err(Error::Busy)));
    assert_eq!(first.pager.journal_mode(), JournalMode::Wal);
    write(&mut first, 2, 5);
    assert_eq!(second.snapshot().unwrap(), [0, 5, 2]);
    second.close().unwrap();
    assert_eq!(first.run(|pager| pager.set_journal_mode(JournalMode::Delete)).unwrap(), JournalMode::Delete);
    write(&mut first, 3, 6);
    assert_eq!(contents(&io, PATH).unwrap(), [0, 5, 6]);
}

#[test]
fn another_mode_is_noticed() {
    let io = memory();
    let mut first = database(&io, Setup::default(), 3);
    let mut second = Trial::open(&io, Setup::default()).unwrap();
    assert_eq!(second.snapshot().unwrap(), [0, 1, 2]);
    assert_eq!(first.run(|pager| pager.set_journal_mode(JournalMode::Wal)).unwrap(), JournalMode::Wal);
    write(&mut first, 2, 5);
    assert_eq!(second.snapshot().unwrap(), [0, 5, 2]);
    assert_eq!(second.pager.journal_mode(), JournalMode::Wal);
    write(&mut second, 3, 6);
    assert_eq!(first.snapshot().unwrap(), [0, 5, 6]);
}

#[test]
fn data_version_moves_with_the_changes_of_others_only() {
    for setup in [Setup::default(), WAL] {
        let io = memory();
        let mut first = database(&io, setup, 3);
        let mut second = Trial::open(&io, setup).unwrap();
        second.snapshot().unwrap();
        first.snapshot().unwrap();
        let (a, b) = (first.pager.data_version(), second.pager.data_version());
        write(&mut first, 2, 5);
        first.snapshot().unwrap();
        second.snapshot().unwrap();
        assert_eq!(first.pager.data_version(), a);
        assert_ne!(second.pager.data_version(), b);
    }
}

#[test]
fn a_commit_without_changes_writes_nothing() {
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        let faulty = FaultIo::new(Arc::new(MemoryIo::deterministic(1)));
        let io: SharedIo = Arc::new(faulty.clone());
        let mut trial = database(&io, Setup { mode, ..WAL }, 3);
        let ops = OpSet::of(&[IoOp::Write, IoOp::Sync, IoOp::Truncate, IoOp::Remove, IoOp::SyncDir]);
        let before = faulty.count(ops);
        trial.begin(TransactionKind::Write).unwrap();
        trial.commit().unwrap();
        assert_eq!(faulty.count(ops), before);
    }
}

#[test]
fn transactions_cost_no_more_operations_than_needed() {
    let count = |setup: Setup, work: &mut dyn FnMut(&mut Trial)| {
        let faulty = FaultIo::new(Arc::new(MemoryIo::deterministic(1)));
        let io: SharedIo = Arc::new(faulty.clone());
        let mut trial = database(&io, setup, 5);
        work(&mut trial);
        let disk = OpSet::of(&[
            IoOp::Read,
            IoOp::Write,
            IoOp::Sync,
            IoOp::SyncDir,
            IoOp::Truncate,
            IoOp::Length,
            IoOp::Stat,
            IoOp::Open,
            IoOp::Remove,
        ]);
        let locks = OpSet::of(&[IoOp::Lock, IoOp::ShmLock, IoOp::CheckReservedLock]);
        let before = (faulty.count(disk), faulty.count(locks));
        work(&mut trial);
        (faulty.count(disk) - before.0, faulty.count(locks) - before.1)
    };
    let read = &mut |trial: &mut Trial| {
        trial.begin(TransactionKind::Read).unwrap();
        trial.read(2).unwrap();
        trial.run(Pager::end_read).unwrap();
    };
    let commit = &mut |trial: &mut Trial| write(trial, 2, 9);
    let normal = Setup { synchronous: Synchronous::Normal, ..WAL };
    // WAL: reading locks and unlocks one mark; a commit is one write besides.
    assert_eq!(count(WAL, read).0, 0);
    assert_eq!(count(normal, commit).0, 1);
    // Rollback: is there a journal, and has the header changed.
    assert_eq!(count(Setup::default(), read).0, 2);
    // In exclusive mode a read costs nothing at all.
    assert_eq!(count(Setup { exclusive: true, ..WAL }, read), (0, 0));
    assert_eq!(count(Setup { exclusive: true, ..Setup::default() }, read).0, 0);
}

#[test]
fn a_wal_is_read_without_writing_to_its_index() {
    let io = memory();
    let mut writer = database(&io, WAL, 4);
    let mut reader = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &OpenOptions::default()) };
    let options = OpenOptions { path: Some(PATH.to_vec()), read_only: true, ..OpenOptions::default() };
    reader.run(|pager| pager.open(&io, &options)).unwrap();
    reader.pager.set_read_only_shm(true);
    // Beside a writer, who vouches for the index.
    write(&mut writer, 2, 70);
    assert_eq!(reader.snapshot().unwrap(), [0, 70, 2, 3]);
    write(&mut writer, 3, 71);
    assert_eq!(reader.snapshot().unwrap(), [0, 70, 71, 3]);
    // And alone, with an index of its own.
    writer.pager.set_no_checkpoint_on_close(true);
    writer.close().unwrap();
    let mut late = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &OpenOptions::default()) };
    late.run(|pager| pager.open(&io, &options)).unwrap();
    late.pager.set_read_only_shm(true);
    reader.close().unwrap();
    for _ in 0..2 {
        assert_eq!(late.snapshot().unwrap(), [0, 70, 71, 3]);
    }
    assert!(matches!(late.begin(TransactionKind::Write), Err(Error::ReadOnly(_))));
    // A writer comes back: its commits are seen.
    let mut writer = Trial::open(&io, WAL).unwrap();
    write(&mut writer, 4, 72);
    assert_eq!(late.snapshot().unwrap(), [0, 70, 71, 72]);
}

#[test]
fn size_limits_cut_what_is_left_behind() {
    let io = memory();
    let length = |path: &[u8]| io.stat(path).settle(&*io).unwrap().unwrap().len_bytes;
    let mut trial = database(&io, Setup { mode: JournalMode::Persist, ..Setup::default() }, 30);
    let rewrite = |trial: &mut Trial| {
        trial.begin(TransactionKind::Write).unwrap();
        (1..=30).for_each(|page| trial.set(page, 5).unwrap());
        trial.commit().unwrap();
    };
    rewrite(&mut trial);
    assert!(length(b"/trial.db-journal") > 30 * 512);
    trial.pager.set_journal_size_limit(2000);
    rewrite(&mut trial);
    assert_eq!(length(b"/trial.db-journal"), 2000);
    trial.run(|pager| pager.set_journal_mode(JournalMode::Wal)).unwrap();
    rewrite(&mut trial);
    trial.run(|pager| pager.checkpoint(CheckpointMode::Restart)).unwrap();
    trial.pager.set_journal_size_limit(5000);
    write(&mut trial, 2, 6);
    assert_eq!(length(b"/trial.db-wal"), 5000);
    assert_eq!(contents(&io, PATH).unwrap().len(), 30);
}

#[test]
fn a_database_does_not_grow_past_its_limit() {
    let io = memory();
    let mut trial = database(&io, Setup::default(), 5);
    assert_eq!(trial.pager.set_max_page_count(3), 5);
    assert_eq!(trial.pager.set_max_page_count(6), 6);
    trial.begin(TransactionKind::Write).unwrap();
    trial.push(1).unwrap();
    assert!(matches!(trial.push(2), Err(Error::Full)));
    trial.commit().unwrap();
    assert_eq!(trial.snapshot().unwrap(), [0, 1, 2, 3, 4, 1]);
}

#[test]
fn what_is_no_database_is_refused() {
    let io = memory();
    let options = OpenOptions { path: Some(PATH.to_vec()), create: true, ..OpenOptions::default() };
    let write_file = |bytes: &[u8]| {
        let flags = kernite_io::OpenFlags {
            create: true,
            ..kernite_io::OpenFlags::new(kernite_io::FileKind::MainDb, kernite_io::AccessMode::ReadWrite)
        };
        let file = io.open(Some(PATH), flags).settle(&*io).unwrap().file;
        file.truncate(0).settle(&*io).unwrap();
        let bytes = kernite_io::Buffer::copy_of(bytes);
        file.write(0, vec![kernite_io::IoSlice::whole(bytes)]).settle(&*io).unwrap();
    };
    let open = || {
        let mut trial = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &options) };
        trial.run(|pager| pager.open(&io, &options)).unwrap();
        let result = trial.begin(TransactionKind::Read);
        assert!(result.is_ok() || trial.pager.transaction().is_none());
        result
    };
    write_file(b"short");
    assert!(matches!(open(), Err(Error::NotADatabase)));
    write_file(&[7; 5000]);
    assert!(matches!(open(), Err(Error::NotADatabase)));
    write_file(b"");
    open().unwrap();
    let mut trial = database(&io, Setup::default(), 4);
    trial.begin(TransactionKind::Read).unwrap();
    let frame = trial.run(|pager| pager.get(PageNo::ONE)).unwrap();
    let first = trial.pager.page(frame).to_vec();
    trial.close().unwrap();
    write_file(&first); // promises four pages
    assert!(matches!(open(), Err(Error::Corrupt { .. })));
    let mut later = first.clone();
    later[18] = 3;
    later.resize(4 * 512, 0);
    write_file(&later);
    open().unwrap();
    let mut trial = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &options) };
    trial.run(|pager| pager.open(&io, &options)).unwrap();
    assert!(matches!(trial.begin(TransactionKind::Write), Err(Error::ReadOnly(_))));
}
