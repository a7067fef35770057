//! Trials of the whole pager: random work against a model, restarts, faults, crashes, and files shared with SQLite.
//!
//! One byte stands for the content of a page, which it fills, except for the headers at the start of page 1. A fresh page 1 holds 0.

mod crash;
mod disk;
mod fault;
mod interop;
mod locking;
mod random;
mod several;
mod trees;

use std::sync::Arc;

use kernite_io::SharedIo;

use super::Pager;
use crate::page_no::PageNo;
use crate::{Error, JournalMode, OpenOptions, Step, Synchronous, TransactionKind};

/// The path that all trials use.
pub(super) const PATH: &[u8] = b"/trial.db";

/// File header and B-tree header of page 1.
const HEADERS_BYTES: usize = 108;

/// What a database should hold: a byte per page.
pub(super) type Model = Vec<u8>;

/// Numbers from a seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

/// A connection.
pub(super) struct Trial {
    pub(super) io: SharedIo,
    pub(super) pager: Pager,
}

/// How a trial's connection is set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) page_size: u32,
    pub(super) mode: JournalMode,
    pub(super) synchronous: Synchronous,
    pub(super) cache_size: i32,
    pub(super) exclusive: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            page_size: 512,
            mode: JournalMode::Delete,
            synchronous: Synchronous::Full,
            cache_size: -2000,
            exclusive: false,
        }
    }
}

impl Trial {
    /// Runs a step to its end, waiting in between.
    pub(super) fn run<T>(&mut self, mut step: impl FnMut(&mut Pager) -> Step<T>) -> Result<T, Error> {
        loop {
            if let Some(value) = step(&mut self.pager)? {
                return Ok(value);
            }
            assert!(!self.pager.outstanding().is_empty(), "yielded without waiting for anything");
            self.io.flush();
            let waited = self.io.wait(self.pager.outstanding(), None);
            waited?;
        }
    }

    pub(super) fn open(io: &SharedIo, setup: Setup) -> Result<Trial, Error> {
        Trial::open_at(io, PATH, setup)
    }

    pub(super) fn open_at(io: &SharedIo, path: &[u8], setup: Setup) -> Result<Trial, Error> {
        let options = OpenOptions { path: Some(path.to_vec()), create: true, ..OpenOptions::default() };
        let mut trial = Trial { io: Arc::clone(io), pager: Pager::new(io, &options) };
        let shared = Arc::clone(io);
        trial.run(|pager| pager.open(&shared, &options))?;
        trial.pager.set_page_size(setup.page_size, None);
        trial.pager.set_synchronous(setup.synchronous);
        trial.pager.set_cache_size(setup.cache_size);
        trial.pager.set_exclusive_locking(setup.exclusive);
        if trial.run(|pager| pager.set_journal_mode(setup.mode))? != setup.mode {
            return Err(Error::Unsupported("this journal mode"));
        }
        Ok(trial)
    }

    pub(super) fn begin(&mut self, kind: TransactionKind) -> Result<(), Error> {
        self.run(|pager| pager.begin(kind))
    }

    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.run(|pager| pager.commit_prepare(None))?;
        self.run(Pager::commit_finish)?;
        self.run(Pager::end_read)
    }

    pub(super) fn rollback(&mut self) -> Result<(), Error> {
        self.run(Pager::rollback)?;
        self.run(Pager::end_read)
    }

    pub(super) fn close(mut self) -> Result<(), Error> {
        self.run(Pager::close)
    }

    /// What an operation does first.
    pub(super) fn trim(&mut self) -> Result<(), Error> {
        if self.pager.over_budget() { self.run(Pager::trim) } else { Ok(()) }
    }

    /// The byte that stands for a page.
    pub(super) fn read(&mut self, page: usize) -> Result<u8, Error> {
        self.trim()?;
        let page = PageNo::new(page as u32).unwrap();
        let frame = self.run(|pager| pager.get(page))?;
        let bytes = &self.pager.page(frame)[HEADERS_BYTES..];
        assert!(bytes.iter().all(|&b| b == bytes[0]), "page {page} is torn");
        Ok(bytes[0])
    }

    /// Overwrites a page in place.
    pub(super) fn set(&mut self, page: usize, byte: u8) -> Result<(), Error> {
        self.trim()?;
        let page = PageNo::new(page as u32).unwrap();
        let frame = self.run(|pager| pager.get(page))?;
        let (bytes, _) = self.pager.write_in_place(frame)?;
        bytes[HEADERS_BYTES..].fill(byte);
        Ok(())
    }

    /// Appends a page.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Error> {
        self.trim()?;
        let page = PageNo::new(self.pager.page_count() + 1).unwrap();
        self.run(|pager| {
            pager.begin_change();
            match pager.get_fresh(page) {
                Ok(Some(frame)) => {
                    pager.write(frame)?[HEADERS_BYTES..].fill(byte);
                    pager.commit_change();
                    Ok(Some(()))
                }
                Ok(None) => {
                    pager.abort_change();
                    Ok(None)
                }
                Err(error) => {
                    pager.abort_change();
                    Err(error)
                }
            }
        })
    }

    /// Cuts the database to `pages`.
    pub(super) fn cut(&mut self, pages: usize) -> Result<(), Error> {
        self.trim()?;
        self.pager.begin_change();
        self.pager.set_page_count(pages as u32)?;
        self.pager.commit_change();
        Ok(())
    }

    /// What the database holds, as a transaction sees it.
    pub(super) fn read_all(&mut self) -> Result<Model, Error> {
        (1..=self.pager.page_count() as usize).map(|page| self.read(page)).collect()
    }

    /// What a new transaction sees.
    pub(super) fn snapshot(&mut self) -> Result<Model, Error> {
        self.begin(TransactionKind::Read)?;
        let model = self.read_all();
        self.run(Pager::end_read)?;
        model
    }
}

/// What a new connection to `io` sees.
pub(super) fn contents(io: &SharedIo, path: &[u8]) -> Result<Model, Error> {
    let options = OpenOptions { path: Some(path.to_vec()), ..OpenOptions::default() };
    let mut trial = Trial { io: Arc::clone(io), pager: Pager::new(io, &options) };
    trial.run(|pager| pager.open(io, &options))?;
    trial.snapshot()
}
