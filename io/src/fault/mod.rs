//! A world that fails on demand, over another one: for testing that errors leave files valid.
//!
//! A [`Fault`] names operations, lets some of them pass, and then makes the next ones fail, by half or wholly. A world can die: from then on
//! nothing has an effect and everything says [`IoError::Dead`], as if the process had been killed. A limit on room makes writes fail as
//! on a full disk. Operations are counted, so that a test can fail the first, the second, … the last.
//!
//! Always true: an operation without a fault is the inner world's, untouched. Timers, clocks and giving slots back never fail but by death.
//! Never: choosing by itself; what fails is what was asked for.

mod file;
mod plan;

use std::sync::Arc;

use crate::completion::{Outstanding, Pending};
use crate::error::{IoError, IoOp};
use crate::file::{OpenFlags, OpenOutcome};
use crate::world::{FileStat, Instant, Io, SharedIo, WallTime};

use file::FaultFile;
use plan::Ledger;
pub use plan::{Fault, KindSet, OpSet, Outcome};

/// The world. Clones are the same one: a test keeps one and gives the engine another.
#[derive(Clone)]
pub struct FaultIo {
    inner: SharedIo,
    ledger: Arc<Ledger>,
}

impl FaultIo {
    /// A world over `inner` without faults.
    pub fn new(inner: SharedIo) -> FaultIo {
        FaultIo { inner, ledger: Arc::default() }
    }

    /// Adds a fault. Where several fit an operation, the first that was added and is due decides; all of them count it.
    pub fn inject(&self, fault: Fault) {
        self.ledger.inject(fault);
    }

    /// Takes all faults back, and the limit on room. The dead stay dead.
    pub fn heal(&self) {
        self.ledger.heal();
    }

    /// From this call on nothing has an effect.
    pub fn die(&self) {
        self.ledger.die();
    }

    /// Whether it died.
    pub fn is_dead(&self) -> bool {
        self.ledger.is_dead()
    }

    /// Lets files grow by this many bytes in all; `None` without limit. What shrinks or is removed gives room back.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.ledger.set_room(bytes);
    }

    /// How many operations of `ops` were tried, failed ones included.
    pub fn count(&self, ops: OpSet) -> u64 {
        self.ledger.count(ops)
    }

    /// How many faults struck.
    pub fn struck(&self) -> u64 {
        self.ledger.struck()
    }

    /// Decides about an operation on a path.
    fn on_path<T>(&self, op: IoOp, run: impl FnOnce() -> Pending<T>) -> Pending<T> {
        strike(&*self.inner, self.ledger.decide(op, None), &self.ledger, run)
    }
}

/// Does `run` as `outcome` says. A partial write is the file's business: anything else that is to be cut short fails before.
fn strike<T>(
    io: &dyn Io,
    outcome: Option<Outcome>,
    ledger: &Ledger,
    run: impl FnOnce() -> Pending<T>,
) -> Pending<T> {
    match outcome {
        None => run(),
        Some(Outcome::Fail(error) | Outcome::ShortWrite { error, .. }) => Pending::err(error),
        Some(Outcome::FailAfter(error)) => {
            let _ = run().settle(io);
            Pending::err(error)
        }
        Some(Outcome::Die) => {
            ledger.die();
            Pending::err(IoError::Dead)
        }
        Some(Outcome::DieAfter) => {
            let _ = run().settle(io);
            ledger.die();
            Pending::err(IoError::Dead)
        }
    }
}

/// [`strike`] for what is never queued.
fn strike_now<T>(
    io: &dyn Io,
    outcome: Option<Outcome>,
    ledger: &Ledger,
    run: impl FnOnce() -> Result<T, IoError>,
) -> Result<T, IoError> {
    strike(io, outcome, ledger, || Pending::Done(run())).settle(io)
}

impl Io for FaultIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let outcome = self.ledger.decide(IoOp::Open, Some(flags.kind));
        let opened = strike(&*self.inner, outcome, &self.ledger, || self.inner.open(path, flags));
        // Files have to be wrapped, so a late open is waited for here.
        match opened.settle(&*self.inner) {
            Err(error) => Pending::err(error),
            Ok(opened) => {
                let (io, ledger) = (Arc::clone(&self.inner), Arc::clone(&self.ledger));
                let file = FaultFile::new(io, ledger, opened.file, flags.kind);
                Pending::ok(OpenOutcome { file: Arc::new(file), read_only: opened.read_only })
            }
        }
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        self.on_path(IoOp::Stat, || self.inner.stat(path))
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        self.on_path(IoOp::Canonical, || Pending::Done(self.inner.canonical(path))).settle(&*self.inner)
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        self.on_path(IoOp::Remove, || {
            let freed = match self.ledger.has_limit().then(|| self.inner.stat(path).settle(&*self.inner)) {
                Some(Ok(Some(stat))) => stat.len_bytes,
                _ => 0,
            };
            match self.inner.remove(path, false).settle(&*self.inner) {
                Ok(true) => self.ledger.give_room(freed),
                other => return Pending::Done(other),
            }
            if sync_dir && let Err(error) = self.sync_dir(path).settle(&*self.inner) {
                return Pending::err(error);
            }
            Pending::ok(true)
        })
    }

    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        self.on_path(IoOp::SyncDir, || self.inner.sync_dir(path))
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        if self.is_dead() {
            return Pending::err(IoError::Dead);
        }
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
        self.inner.flush();
    }

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        if self.is_dead() {
            return Err(IoError::Dead);
        }
        self.inner.wait(outstanding, until)
    }

    fn name(&self) -> &'static str {
        "fault"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessMode, Buffer, File, FileKind, IoSlice, LockLevel, MemoryIo, ShmLockMode, ShmSlots};

    struct World {
        memory: MemoryIo,
        io: FaultIo,
    }

    impl World {
        fn new() -> World {
            let memory = MemoryIo::deterministic(3);
            World { io: FaultIo::new(Arc::new(memory.clone())), memory }
        }

        fn open(&self, path: &str, kind: FileKind) -> Arc<dyn File> {
            let flags = OpenFlags { create: true, ..OpenFlags::new(kind, AccessMode::ReadWrite) };
            self.io.open(Some(path.as_bytes()), flags).settle(&self.io).unwrap().file
        }

        fn len(&self, path: &str) -> u64 {
            self.memory.stat(path.as_bytes()).settle(&self.memory).unwrap().unwrap().len_bytes
        }

        fn write(&self, file: &dyn File, at: u64, len: usize) -> Result<(), IoError> {
            let slices =
                vec![IoSlice::whole(Buffer::zeroed(len / 2)), IoSlice::whole(Buffer::zeroed(len - len / 2))];
            file.write(at, slices).settle(&self.io)
        }
    }

    #[test]
    fn the_nth_operation_of_a_kind_fails_and_no_other() {
        let world = World::new();
        let (database, journal) =
            (world.open("/a", FileKind::MainDb), world.open("/a-journal", FileKind::MainJournal));
        world.io.inject(Fault {
            ops: OpSet::of(&[IoOp::Write, IoOp::Sync]),
            kinds: Some(KindSet::of(&[FileKind::MainDb])),
            skip: 1,
            times: 2,
            outcome: Outcome::Fail(IoError::os(IoOp::Write, 0, 0, libc::EIO)),
        });
        assert!(world.write(&*database, 0, 10).is_ok());
        assert!(world.write(&*journal, 0, 10).is_ok());
        assert!(database.sync(true).settle(&world.io).is_err());
        assert!(world.write(&*journal, 10, 10).is_ok());
        assert!(matches!(world.write(&*database, 10, 10), Err(IoError::Failed { errno: libc::EIO, .. })));
        assert!(world.write(&*database, 10, 10).is_ok());
        assert_eq!((world.len("/a"), world.io.struck()), (20, 2));
        assert_eq!(world.io.count(OpSet::of(&[IoOp::Write])), 5);
        assert_eq!(world.io.count(OpSet::ALL), 8);
    }

    #[test]
    fn an_operation_can_happen_and_fail_or_happen_in_part() {
        let world = World::new();
        let file = world.open("/a", FileKind::MainDb);
        let fault = |outcome| Fault { outcome, ..Fault::nth(OpSet::of(&[IoOp::Write]), 0, IoError::Full) };
        world.io.inject(fault(Outcome::FailAfter(IoError::Full)));
        assert!(world.write(&*file, 0, 10).is_err());
        assert_eq!(world.len("/a"), 10);
        world.io.inject(fault(Outcome::ShortWrite { keep_bytes: 7, error: IoError::Full }));
        assert!(world.write(&*file, 10, 10).is_err());
        assert_eq!(world.len("/a"), 17);
    }

    #[test]
    fn syncing_after_a_write_can_fail_by_itself() {
        let world = World::new();
        let file = world.open("/a", FileKind::MainDb);
        world.io.inject(Fault::nth(OpSet::of(&[IoOp::Sync]), 0, IoError::os(IoOp::Sync, 0, 0, libc::EIO)));
        let slices = vec![IoSlice::whole(Buffer::zeroed(9))];
        assert!(file.write_then_sync(0, slices).settle(&world.io).is_err());
        assert_eq!(world.len("/a"), 9);
    }

    #[test]
    fn the_dead_have_no_effect_and_leave_no_lock() {
        let world = World::new();
        let file = world.open("/a", FileKind::MainDb);
        file.lock(LockLevel::Shared).unwrap();
        file.lock(LockLevel::Exclusive).unwrap();
        let shm = file.shm(false).unwrap();
        shm.lock(ShmSlots { first: 0, count: 8 }, ShmLockMode::Exclusive).unwrap();
        world.io.inject(Fault {
            outcome: Outcome::DieAfter,
            ..Fault::nth(OpSet::of(&[IoOp::Write]), 1, IoError::Dead)
        });
        world.write(&*file, 0, 10).unwrap();
        assert!(matches!(world.write(&*file, 10, 10), Err(IoError::Dead)));
        assert!(world.io.is_dead());
        assert!(matches!(world.write(&*file, 20, 10), Err(IoError::Dead)));
        assert!(matches!(file.lock(LockLevel::None), Err(IoError::Dead)));
        assert!(matches!(shm.region(0, true), Err(IoError::Dead)));
        assert!(matches!(shm.close(true), Err(IoError::Dead)));
        assert!(matches!(world.io.stat(b"/a").settle(&world.io), Err(IoError::Dead)));
        assert_eq!(world.len("/a"), 20);
        // The process is gone: whoever comes next finds no lock.
        drop((file, shm));
        let next = FaultIo::new(Arc::new(world.memory.clone()));
        let flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite);
        let file = next.open(Some(b"/a"), flags).settle(&next).unwrap().file;
        file.lock(LockLevel::Shared).unwrap();
        file.lock(LockLevel::Exclusive).unwrap();
    }

    #[test]
    fn a_full_disk_takes_what_fits_and_room_comes_back() {
        let world = World::new();
        let (a, b) = (world.open("/a", FileKind::MainDb), world.open("/b", FileKind::MainJournal));
        world.io.set_room(Some(100));
        world.write(&*a, 0, 60).unwrap();
        world.write(&*a, 0, 60).unwrap();
        assert!(matches!(world.write(&*b, 0, 60), Err(IoError::Full)));
        assert_eq!(world.len("/b"), 40);
        assert!(matches!(a.truncate(61).settle(&world.io), Err(IoError::Full)));
        a.truncate(50).settle(&world.io).unwrap();
        world.write(&*a, 50, 10).unwrap();
        assert!(world.write(&*a, 60, 2).is_err());
        assert!(world.io.remove(b"/b", true).settle(&world.io).unwrap());
        world.write(&*a, 60, 40).unwrap();
        world.io.heal();
        world.write(&*a, 100, 1000).unwrap();
    }
}
