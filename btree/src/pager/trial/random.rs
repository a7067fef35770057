//! Random transactions against a model, in every mode, with a cache that is far too small, on a disk that answers at once or late.

use kernite_io::late::{Effect, LateOptions};
use kernite_io::{LateIo, MemoryIo};

use super::*;

const MODES: [JournalMode; 6] = [
    JournalMode::Delete,
    JournalMode::Truncate,
    JournalMode::Persist,
    JournalMode::Memory,
    JournalMode::Off,
    JournalMode::Wal,
];

/// One transaction with savepoints; the model afterwards.
fn transaction(trial: &mut Trial, committed: &Model, random: &mut Random, rolls_back: bool) -> Model {
    trial.begin(TransactionKind::Write).unwrap();
    let mut model = if committed.is_empty() { vec![0] } else { committed.clone() };
    if committed.is_empty() {
        trial.set(1, 0).unwrap();
    }
    let mut saved: Vec<Model> = Vec::new();
    for _ in 0..random.below(60) {
        let (page, byte) = (random.below(model.len()) + 1, random.below(250) as u8);
        match random.below(20) {
            0..8 => {
                trial.set(page, byte).unwrap();
                model[page - 1] = byte;
            }
            8..12 => {
                trial.push(byte).unwrap();
                model.push(byte);
            }
            12 if model.len() > 3 => {
                let pages = model.len() - 1 - random.below(model.len() / 3);
                trial.cut(pages).unwrap();
                model.truncate(pages);
            }
            13 => {
                saved.push(model.clone());
                let count = saved.len();
                trial.run(|pager| pager.savepoint_open(count)).unwrap();
            }
            14 if !saved.is_empty() => {
                let index = random.below(saved.len());
                trial.run(|pager| pager.savepoint_release(index)).unwrap();
                saved.truncate(index);
            }
            15 if !saved.is_empty() => {
                let index = random.below(saved.len());
                trial.run(|pager| pager.savepoint_rollback(index)).unwrap();
                saved.truncate(index + 1);
                model = saved[index].clone();
            }
            16 => assert_eq!(trial.read_all().unwrap(), model),
            _ => assert_eq!(trial.read(page).unwrap(), model[page - 1]),
        }
        trial.pager.cache.assert_valid();
    }
    assert_eq!(trial.read_all().unwrap(), model);
    if rolls_back {
        trial.rollback().unwrap();
        committed.clone()
    } else {
        trial.commit().unwrap();
        model
    }
}

fn work(io: &SharedIo, setup: Setup, seed: u64, transactions: usize) {
    let mut random = Random::new(seed);
    let mut trial = Trial::open(io, setup).unwrap();
    let mut other = (!setup.exclusive).then(|| Trial::open(io, setup).unwrap());
    let mut model = trial.snapshot().unwrap();
    for number in 0..transactions {
        let rolls_back = random.below(3) == 0 && setup.mode != JournalMode::Off;
        model = transaction(&mut trial, &model, &mut random, rolls_back);
        assert_eq!(trial.snapshot().unwrap(), model, "{setup:?} seed {seed} transaction {number}");
        if let Some(other) = &mut other {
            assert_eq!(other.snapshot().unwrap(), model, "other connection, {setup:?} seed {seed}");
            if random.below(3) == 0 {
                std::mem::swap(other, &mut trial);
            }
        }
        if random.below(8) == 0 {
            trial.close().unwrap();
            trial = Trial::open(io, setup).unwrap();
        }
    }
    trial.close().unwrap();
    if let Some(other) = other {
        other.close().unwrap();
    }
    assert_eq!(contents(io, PATH).unwrap(), model);
}

fn setups(cache_size: i32) -> impl Iterator<Item = Setup> {
    MODES.into_iter().flat_map(move |mode| {
        [Synchronous::Off, Synchronous::Normal, Synchronous::Full, Synchronous::Extra].into_iter().flat_map(
            move |synchronous| {
                [false, true].into_iter().map(move |exclusive| Setup {
                    mode,
                    synchronous,
                    exclusive,
                    cache_size,
                    ..Setup::default()
                })
            },
        )
    })
}

#[test]
fn random_work_equals_the_model_in_every_mode() {
    for (index, setup) in setups(-2000).enumerate() {
        let io: SharedIo = Arc::new(MemoryIo::deterministic(index as u64));
        work(&io, setup, index as u64 + 1, 25);
    }
}

#[test]
fn random_work_equals_the_model_while_pages_spill() {
    for (index, setup) in setups(10).filter(|setup| setup.mode != JournalMode::Off).enumerate() {
        let io: SharedIo = Arc::new(MemoryIo::deterministic(index as u64));
        work(&io, setup, index as u64 + 100, 40);
    }
}

#[test]
fn random_work_equals_the_model_on_a_late_disk() {
    for effect in [Effect::AtSubmit, Effect::AtCompletion, Effect::Mixed] {
        for (index, setup) in setups(10).filter(|setup| setup.mode != JournalMode::Off).enumerate() {
            let inner: SharedIo = Arc::new(MemoryIo::deterministic(index as u64));
            let options = LateOptions { effect, strict_flush: true, ..LateOptions::default() };
            let io: SharedIo = Arc::new(LateIo::with_options(inner, index as u64, options));
            work(&io, setup, index as u64 + 200, 12);
        }
    }
}

#[test]
fn every_page_size_works() {
    for page_size in [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        for mode in [JournalMode::Delete, JournalMode::Wal] {
            let io: SharedIo = Arc::new(MemoryIo::deterministic(7));
            work(&io, Setup { page_size, mode, cache_size: 12, ..Setup::default() }, u64::from(page_size), 6);
        }
    }
}

#[test]
fn modes_follow_each_other_and_keep_the_content() {
    let mut random = Random::new(5);
    let io: SharedIo = Arc::new(MemoryIo::deterministic(1));
    let mut trial = Trial::open(&io, Setup::default()).unwrap();
    let mut model = Vec::new();
    for _ in 0..60 {
        let mode = MODES[random.below(MODES.len())];
        assert_eq!(trial.run(|pager| pager.set_journal_mode(mode)).unwrap(), mode);
        if model.is_empty() {
            model = trial.snapshot().unwrap();
        }
        model = transaction(&mut trial, &model, &mut random, false);
        assert_eq!(trial.pager.journal_mode(), mode);
        assert_eq!(contents(&io, PATH).unwrap(), model);
    }
}

#[test]
fn a_temporary_database_spills_and_comes_back() {
    let io: SharedIo = Arc::new(MemoryIo::deterministic(3));
    let mut trial = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &OpenOptions::default()) };
    trial.pager.set_cache_size(10);
    let mut random = Random::new(9);
    let mut model = Vec::new();
    for _ in 0..60 {
        let rolls_back = random.below(3) == 0;
        model = transaction(&mut trial, &model, &mut random, rolls_back);
        assert_eq!(trial.snapshot().unwrap(), model);
    }
    assert!(trial.pager.temp.is_some(), "nothing spilled");
}

#[test]
fn a_savepoint_larger_than_the_cache_is_rolled_back() {
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        for late in [false, true] {
            let mut io: SharedIo = Arc::new(MemoryIo::deterministic(2));
            if late {
                io = Arc::new(LateIo::new(io, 4));
            }
            let mut trial = Trial::open(&io, Setup { mode, cache_size: 10, ..Setup::default() }).unwrap();
            trial.begin(TransactionKind::Write).unwrap();
            for byte in 1..100 {
                trial.push(byte).unwrap();
            }
            let model = trial.read_all().unwrap();
            trial.run(|pager| pager.savepoint_open(1)).unwrap();
            for page in 1..=100 {
                trial.set(page, 200).unwrap();
            }
            assert!(trial.pager.savepoints.images.in_memory() < 50, "images stay in memory");
            trial.run(|pager| pager.savepoint_rollback(0)).unwrap();
            assert_eq!(trial.read_all().unwrap(), model);
            trial.commit().unwrap();
            assert_eq!(contents(&io, PATH).unwrap(), model);
        }
    }
}
