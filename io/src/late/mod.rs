//! A world whose disk answers late and in any order, over another one: for testing that every step can be run again.
//!
//! Every operation that may touch the disk is queued at its first call, whatever the world below does, and completes during some
//! later `wait`, in an order that a seed decides. Locks and shared memory stay immediate: they never wait. Timers are those of the
//! world below.
//!
//! What it finds out about its callers, by panicking with the operation's name:
//! - a lent buffer whose bytes changed before its completion;
//! - two writes to one range in flight together, or a write behind the end that a truncation in flight will make;
//! - with `strict_flush`, waiting for what was never flushed.
//!
//! Always true: an operation's effect happens between its submission and its completion: at either end, by `Effect`.
//! Never: an error of its own (that is `fault`), or a thread.

mod file;
mod loan;
mod queue;

use std::sync::Arc;

use crate::completion::{Outstanding, Pending};
use crate::error::{IoError, IoOp};
use crate::file::{OpenFlags, OpenOutcome};
use crate::world::{FileStat, Instant, Io, SharedIo, WallTime};

use file::LateFile;
use queue::Queue;

/// When an operation really happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// When it is submitted; only the news comes late.
    AtSubmit,
    /// When it completes, so that effects are reordered too.
    AtCompletion,
    /// Either, for each operation by itself, as the seed decides.
    Mixed,
}

/// How late a [`LateIo`] is.
#[derive(Clone, Copy, Debug)]
pub struct LateOptions {
    /// When operations happen.
    pub effect: Effect,
    /// At most this many operations complete in one `wait`; at least one does.
    pub burst_max: usize,
    /// Operations complete only after a `flush`, as on a ring; waiting while one was not flushed panics. For worlds that one thread
    /// drives: it cannot tell a forgotten flush from one that another thread is about to make.
    pub strict_flush: bool,
}

impl Default for LateOptions {
    fn default() -> LateOptions {
        LateOptions { effect: Effect::Mixed, burst_max: 3, strict_flush: false }
    }
}

/// The world. Clones are the same one.
#[derive(Clone)]
pub struct LateIo {
    inner: SharedIo,
    queue: Arc<Queue>,
}

impl LateIo {
    /// A late world over `inner`, with the default options.
    pub fn new(inner: SharedIo, seed: u64) -> LateIo {
        LateIo::with_options(inner, seed, LateOptions::default())
    }

    /// A late world over `inner`.
    pub fn with_options(inner: SharedIo, seed: u64, options: LateOptions) -> LateIo {
        LateIo { inner, queue: Arc::new(Queue::new(seed, options)) }
    }

    /// Operations under way.
    pub fn in_flight(&self) -> usize {
        self.queue.len()
    }

    /// Operations completed since the beginning.
    pub fn completed(&self) -> u64 {
        self.queue.completed()
    }
}

impl Io for LateIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let (inner, queue) = (Arc::clone(&self.inner), Arc::clone(&self.queue));
        let path = path.map(<[u8]>::to_vec);
        self.queue.submit(IoOp::Open, move || {
            let opened = inner.open(path.as_deref(), flags).settle(&*inner)?;
            let file = LateFile::new(inner, opened.file, queue);
            Ok(OpenOutcome { file: Arc::new(file), read_only: opened.read_only })
        })
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        let (inner, path) = (Arc::clone(&self.inner), path.to_vec());
        self.queue.submit(IoOp::Stat, move || inner.stat(&path).settle(&*inner))
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        self.inner.canonical(path)
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        let (inner, path) = (Arc::clone(&self.inner), path.to_vec());
        self.queue.submit(IoOp::Remove, move || inner.remove(&path, sync_dir).settle(&*inner))
    }

    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        let (inner, path) = (Arc::clone(&self.inner), path.to_vec());
        self.queue.submit(IoOp::SyncDir, move || inner.sync_dir(&path).settle(&*inner))
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        self.inner.timer(at)
    }

    fn now(&self) -> WallTime {
        self.inner.now()
    }

    fn monotonic(&self) -> Instant {
        self.inner.monotonic()
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.inner.fill_random(out);
    }

    fn env(&self, name: &str) -> Option<Vec<u8>> {
        self.inner.env(name)
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        self.inner.local_offset(at)
    }

    fn process_id(&self) -> u32 {
        self.inner.process_id()
    }

    fn flush(&self) {
        self.queue.flush();
        self.inner.flush();
    }

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        if outstanding.any_done() || self.queue.progress() {
            return Ok(());
        }
        self.inner.wait(outstanding, until)
    }

    fn name(&self) -> &'static str {
        "late"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessMode, Buffer, File, FileKind, IoSlice, MemoryIo};

    fn late(seed: u64, options: LateOptions) -> LateIo {
        LateIo::with_options(Arc::new(MemoryIo::deterministic(seed)), seed, options)
    }

    fn open(io: &LateIo) -> Arc<dyn File> {
        let flags = OpenFlags { create: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite) };
        io.open(Some(b"/a"), flags).settle(io).unwrap().file
    }

    fn page(byte: u8) -> Vec<IoSlice> {
        vec![IoSlice::whole(Buffer::copy_of(&[byte; 16]))]
    }

    /// Submits eight writes and tells in which order they completed.
    fn order(seed: u64, effect: Effect) -> Vec<usize> {
        let io = late(seed, LateOptions { effect, burst_max: 1, strict_flush: false });
        let file = open(&io);
        let mut writes = Vec::new();
        for n in 0..8u64 {
            match file.write(n * 16, page(n as u8)) {
                Pending::Queued(write) => writes.push(write),
                Pending::Done(_) => panic!("nothing is done at once"),
            }
        }
        let mut outstanding = Outstanding::new();
        writes.iter().for_each(|write| outstanding.track(write));
        let mut order = Vec::new();
        while order.len() < writes.len() {
            io.wait(&outstanding, None).unwrap();
            order.extend((0..8).filter(|n| writes[*n].take().is_some()));
            outstanding.prune();
        }
        assert_eq!((io.in_flight(), io.completed()), (0, 9));
        assert_eq!(file.len().settle(&io).unwrap(), 128);
        order
    }

    #[test]
    fn a_seed_decides_an_order_that_is_not_that_of_submission() {
        for effect in [Effect::AtSubmit, Effect::AtCompletion, Effect::Mixed] {
            assert_eq!(order(5, effect), order(5, effect));
            assert!((0..10).any(|seed| order(seed, effect) != [0, 1, 2, 3, 4, 5, 6, 7]));
        }
    }

    #[test]
    fn an_effect_is_seen_when_the_options_say() {
        for (effect, seen) in [(Effect::AtSubmit, 16), (Effect::AtCompletion, 0)] {
            let memory = MemoryIo::deterministic(1);
            let options = LateOptions { effect, ..LateOptions::default() };
            let io = LateIo::with_options(Arc::new(memory.clone()), 1, options);
            let file = open(&io);
            let write = file.write(0, page(1));
            let len = memory.stat(b"/a").settle(&memory).unwrap().unwrap().len_bytes;
            assert_eq!(len, seen);
            write.settle(&io).unwrap();
        }
    }

    #[test]
    #[should_panic(expected = "overlaps what is under way")]
    fn two_writes_to_one_range_in_flight_are_found() {
        let io = late(1, LateOptions::default());
        let file = open(&io);
        let _first = file.write(0, page(1));
        let _second = file.write(15, page(2));
    }

    #[test]
    #[should_panic(expected = "never flushed")]
    fn waiting_for_what_was_not_flushed_is_found() {
        let io = late(1, LateOptions { strict_flush: true, ..LateOptions::default() });
        let Pending::Queued(stat) = io.stat(b"/a") else { panic!("nothing is done at once") };
        let mut outstanding = Outstanding::new();
        outstanding.track(&stat);
        let _ = io.wait(&outstanding, None);
    }

    #[test]
    fn timers_come_while_operations_are_under_way() {
        let io = late(1, LateOptions::default());
        let file = open(&io);
        let write = file.write(0, page(1));
        let later = Instant(io.monotonic().0 + 1_000_000_000);
        io.timer(later).settle(&io).unwrap();
        assert!(io.monotonic() >= later);
        write.settle(&io).unwrap();
    }
}
