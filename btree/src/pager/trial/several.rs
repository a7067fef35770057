//! More than one file: transactions over two databases, and one overwritten with another.

use kernite_io::{LateIo, MemoryIo};

use super::disk::{Effect, Platter, Recorder};
use super::*;
use crate::pager::{CreateSuper, RemoveSuper};

const OTHER: &[u8] = b"/other.db";
const SUPER: &[u8] = b"/trial.db-mj01234567";

/// Changes both databases in one transaction, as the layer above orchestrates it.
fn commit_both(io: &SharedIo, a: &mut Trial, b: &mut Trial, byte: u8) {
    for trial in [&mut *a, &mut *b] {
        trial.begin(TransactionKind::Write).unwrap();
        for page in 1..=trial.pager.page_count().max(12) as usize {
            if page > trial.pager.page_count() as usize {
                trial.push(byte).unwrap();
            } else {
                trial.set(page, byte).unwrap();
            }
        }
    }
    let journals: Vec<Vec<u8>> =
        [&*a, &*b].iter().map(|trial| trial.pager.journal_path_for_super().unwrap().to_vec()).collect();
    let journals: Vec<&[u8]> = journals.iter().map(Vec::as_slice).collect();
    let mut create = CreateSuper::default();
    while create.step(io, SUPER, &journals).unwrap().is_none() {
        io.flush();
        io.wait(create.outstanding(), None).unwrap();
    }
    for trial in [&mut *a, &mut *b] {
        trial.run(|pager| pager.commit_prepare(Some(SUPER))).unwrap();
    }
    let mut remove = RemoveSuper::default();
    while remove.step(io, SUPER).unwrap().is_none() {
        io.flush();
        io.wait(remove.outstanding(), None).unwrap();
    }
    for trial in [a, b] {
        trial.run(Pager::commit_finish).unwrap();
        trial.run(Pager::end_read).unwrap();
    }
}

#[test]
fn two_files_change_together_or_not_at_all() {
    for mode in [JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist] {
        let disk = Recorder::new(Arc::new(MemoryIo::deterministic(1)));
        let io: SharedIo = Arc::new(disk.clone());
        let setup = Setup { mode, cache_size: 10, ..Setup::default() };
        let mut a = Trial::open_at(&io, PATH, setup).unwrap();
        let mut b = Trial::open_at(&io, OTHER, setup).unwrap();
        commit_both(&io, &mut a, &mut b, 1);
        disk.note(Effect::DirectorySynced);
        disk.note(Effect::Mark(1));
        for byte in 2..5 {
            commit_both(&io, &mut a, &mut b, byte);
            disk.note(Effect::Mark(usize::from(byte)));
        }
        let mut platter = Platter::default();
        let mut random = Random::new(3);
        for (at, effect) in disk.log().iter().enumerate() {
            platter.apply(effect);
            for attempt in 0..6 {
                if platter.mark == 0 {
                    continue;
                }
                let io: SharedIo = Arc::new(platter.after_power_loss(&mut random, true));
                // Either file may be opened first.
                let order = if attempt % 2 == 0 { [PATH, OTHER] } else { [OTHER, PATH] };
                let found = order.map(|path| contents(&io, path).unwrap());
                let told = format!("{mode:?} effect {at} of {} attempt {attempt}", disk.log().len());
                assert_eq!(found[0], found[1], "{told}");
                assert!(found[0].iter().all(|&byte| byte == found[0][0]), "{told}: {found:?}");
                assert!(usize::from(found[0][0]) >= platter.mark, "{told}: {found:?}");
            }
        }
    }
}

#[test]
fn a_transaction_over_two_files_works_on_a_late_disk() {
    let io: SharedIo = Arc::new(LateIo::new(Arc::new(MemoryIo::deterministic(1)), 5));
    let mut a = Trial::open_at(&io, PATH, Setup::default()).unwrap();
    let mut b = Trial::open_at(&io, OTHER, Setup::default()).unwrap();
    for byte in 1..5 {
        commit_both(&io, &mut a, &mut b, byte);
        assert_eq!(contents(&io, PATH).unwrap(), contents(&io, OTHER).unwrap());
        assert_eq!(contents(&io, PATH).unwrap()[3], byte);
    }
}

fn filled(io: &SharedIo, path: &[u8], setup: Setup, pages: u8, first: u8) -> Trial {
    let mut trial = Trial::open_at(io, path, setup).unwrap();
    trial.begin(TransactionKind::Write).unwrap();
    trial.set(1, first).unwrap();
    for byte in 1..pages {
        trial.push(first + byte).unwrap();
    }
    trial.commit().unwrap();
    trial
}

fn copy(target: &mut Trial, source: &mut Trial) -> Result<(), Error> {
    source.begin(TransactionKind::Read).unwrap();
    target.begin(TransactionKind::Write).unwrap();
    target.run(|pager| pager.copy_from(&mut source.pager))?;
    source.run(Pager::end_read)
}

#[test]
fn a_database_is_overwritten_with_another() {
    for mode in [JournalMode::Delete, JournalMode::Persist, JournalMode::Wal] {
        for (ours, theirs) in [(30, 12), (12, 30), (20, 20)] {
            for late in [false, true] {
                let mut io: SharedIo = Arc::new(MemoryIo::deterministic(1));
                if late {
                    io = Arc::new(LateIo::new(io, 6));
                }
                let setup = Setup { mode, cache_size: 10, ..Setup::default() };
                let mut target = filled(&io, PATH, setup, ours, 0);
                let mut source = filled(&io, OTHER, Setup::default(), theirs, 100);
                let before = target.snapshot().unwrap();
                copy(&mut target, &mut source).unwrap();
                target.rollback().unwrap();
                assert_eq!(contents(&io, PATH).unwrap(), before);
                copy(&mut target, &mut source).unwrap();
                target.commit().unwrap();
                assert_eq!(target.snapshot().unwrap(), source.snapshot().unwrap());
                assert_eq!(contents(&io, PATH).unwrap(), source.snapshot().unwrap());
                assert_eq!(target.pager.journal_mode(), mode);
            }
        }
    }
}

#[test]
fn a_copy_may_bring_another_page_size() {
    for (ours, theirs) in [(512, 1024), (1024, 512), (4096, 512), (512, 65536), (65536, 512)] {
        let io: SharedIo = Arc::new(MemoryIo::deterministic(1));
        let mut target = filled(&io, PATH, Setup { page_size: ours, ..Setup::default() }, 21, 0);
        let mut source = filled(&io, OTHER, Setup { page_size: theirs, ..Setup::default() }, 13, 100);
        let mut other = Trial::open(&io, Setup::default()).unwrap();
        let before = other.snapshot().unwrap();
        copy(&mut target, &mut source).unwrap();
        target.rollback().unwrap();
        assert_eq!(contents(&io, PATH).unwrap(), before);
        copy(&mut target, &mut source).unwrap();
        target.commit().unwrap();
        let expected = source.snapshot().unwrap();
        assert_eq!(target.snapshot().unwrap(), expected, "{ours} {theirs}");
        assert_eq!(other.snapshot().unwrap(), expected);
        assert_eq!(other.pager.page_size(), theirs as usize);
        let len = io.stat(PATH).settle(&*io).unwrap().unwrap().len_bytes;
        assert_eq!(len, 13 * u64::from(theirs));
        target.begin(TransactionKind::Write).unwrap();
        target.push(9).unwrap();
        target.commit().unwrap();
        assert_eq!(other.snapshot().unwrap().len(), 14);
    }
}
