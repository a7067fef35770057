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
