//! Faults: a fixed piece of work is done again and again while the first, the second, … the last operation fails. After each, the connection works
//! again once it rolled back, and the file holds the state before or after the transaction that failed.

use kernite_io::fault::{Fault, OpSet};
use kernite_io::{FaultIo, IoError, IoOp, MemoryIo};

use super::*;

/// A transaction that spills when the cache is small; `number` decides what it writes.
fn transaction(trial: &mut Trial, model: &Model, number: u8) -> Result<Model, Error> {
    let mut model = model.clone();
    trial.begin(TransactionKind::Write)?;
    if model.is_empty() || number == 0 {
        trial.set(1, 0)?;
        model = vec![0];
    }
    for step in 0..14 {
        trial.push(number * 16 + step)?;
        model.push(number * 16 + step);
        if step == 7 {
            trial.run(|pager| pager.savepoint_open(1))?;
        }
        let page = (usize::from(step) * 7 + usize::from(number)) % model.len() + 1;
        trial.set(page, number)?;
        model[page - 1] = number;
    }
    let before = model.clone();
    trial.run(|pager| pager.savepoint_open(2))?;
    for page in 1..=model.len() {
        trial.set(page, 255)?;
    }
    trial.run(|pager| pager.savepoint_rollback(1))?;
    model = before;
    let pages = model.len() - 5;
    trial.cut(pages)?;
    model.truncate(pages);
    trial.commit()?;
    Ok(model)
}

/// Does the work with one fault; how many operations there were in all.
fn work(setup: Setup, ops: OpSet, skip: u64, error: IoError) -> u64 {
    let faulty = FaultIo::new(Arc::new(MemoryIo::deterministic(1)));
    let io: SharedIo = Arc::new(faulty.clone());
    faulty.inject(Fault::nth(ops, skip, error));
    let told = format!("{setup:?} fault {skip}");
    let mut trial = Trial::open(&io, setup).or_else(|_| Trial::open(&io, setup)).expect(&told);
    let mut model = Model::new();
    for number in 0..4 {
        match transaction(&mut trial, &model, number) {
            Ok(after) => model = after,
            Err(error) => {
                assert!(faulty.struck() > 0, "{told}: {error:?} without a fault");
                trial.rollback().or_else(|_| trial.rollback()).expect(&told);
                let found = trial.snapshot().or_else(|_| trial.snapshot()).expect(&told);
                // A commit that failed at its very end may have happened: then the same work comes after it again.
                trial.rollback().expect(&told);
                if found != model && !(model.is_empty() && found.len() == 1) {
                    model = found.clone();
                    assert!(model.len() > 5, "{told}: half of a transaction: {model:?}");
                }
                if found.len() == 1 {
                    model = Model::new();
                }
                model = transaction(&mut trial, &model, if model.is_empty() { 0 } else { number.max(1) })
                    .or_else(|_| {
                        trial.rollback()?;
                        let model = trial.snapshot()?;
                        transaction(&mut trial, &model, 9)
                    })
                    .expect(&told);
            }
        }
        assert_eq!(trial.snapshot().or_else(|_| trial.snapshot()).expect(&told), model, "{told}");
    }
    let _ = trial.close();
    let total = faulty.count(ops);
    assert_eq!(contents(&io, PATH).or_else(|_| contents(&io, PATH)).expect(&told), model, "{told}");
    total
}

fn failed(op: IoOp) -> IoError {
    IoError::os(op, 0, 0, 5)
}

fn every_fault(setup: Setup, ops: OpSet, error: &IoError) {
    let total = work(setup, ops, u64::MAX - 1, error.clone());
    assert!(total > 10, "{setup:?}: only {total} operations");
    for skip in 0..total {
        work(setup, ops, skip, error.clone());
    }
}

const EFFECTS: OpSet = OpSet::of(&[
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

#[test]
fn any_failing_operation_leaves_the_old_state_or_the_new_one() {
    for mode in [JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist, JournalMode::Wal] {
        for cache_size in [10, 1000] {
            let setup = Setup { mode, cache_size, ..Setup::default() };
            every_fault(setup, EFFECTS, &failed(IoOp::Write));
        }
    }
}

#[test]
fn a_full_disk_leaves_the_old_state_or_the_new_one() {
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        let setup = Setup { mode, cache_size: 10, ..Setup::default() };
        every_fault(setup, OpSet::of(&[IoOp::Write, IoOp::Truncate]), &IoError::Full);
    }
}

#[test]
fn a_journal_in_memory_undoes_what_was_written() {
    let setup = Setup { mode: JournalMode::Memory, cache_size: 10, ..Setup::default() };
    every_fault(setup, OpSet::of(&[IoOp::Read, IoOp::Write, IoOp::Sync]), &failed(IoOp::Write));
}

#[test]
fn failing_locks_leave_the_old_state_or_the_new_one() {
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        let setup = Setup { mode, cache_size: 10, ..Setup::default() };
        every_fault(setup, OpSet::of(&[IoOp::Lock, IoOp::ShmLock, IoOp::ShmMap]), &failed(IoOp::Lock));
    }
}
