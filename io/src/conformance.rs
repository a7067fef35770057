//! What every backend has to do, as claims that each of them is held to.
//!
//! A backend's tests call `conformance_suite!` with a function that makes a [`Fixture`]: an empty world and a directory in it. Each
//! claim becomes a test of its own. Queued operations are waited for, so that the claims hold for late backends too.
//!
//! Never: what only one backend does (that is tested there), or other processes (`tests/processes.rs`).

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::{
    AccessMode, Buffer, File, FileKind, IoError, IoSlice, LockLevel, OpenFlags, OpenOutcome, SharedIo,
    SharedMemory, ShmLockMode, ShmSlots,
};

/// An empty world to try claims on.
pub struct Fixture {
    pub io: SharedIo,
    /// An existing directory, absolute, without a `/` at its end.
    pub directory: Vec<u8>,
    /// Whatever has to be dropped after the test, such as a guard that removes the directory.
    pub _keep: Box<dyn Any>,
}

impl Fixture {
    fn path(&self, name: &str) -> Vec<u8> {
        [self.directory.as_slice(), b"/", name.as_bytes()].concat()
    }

    fn try_open(&self, name: &str, flags: OpenFlags) -> Result<OpenOutcome, IoError> {
        self.io.open(Some(&self.path(name)), flags).settle(&*self.io)
    }

    fn database(&self, name: &str) -> Arc<dyn File> {
        self.try_open(name, creating()).expect("opens").file
    }

    fn put(&self, file: &dyn File, at: u64, bytes: &[u8]) {
        file.write(at, vec![IoSlice::whole(Buffer::copy_of(bytes))]).settle(&*self.io).expect("writes");
    }

    fn get(&self, file: &dyn File, at: u64, len: usize) -> (Vec<u8>, usize) {
        // Not zeroed, so that a backend that leaves bytes behind a short read alone is found out.
        let buffer = Buffer::copy_of(&vec![0xee; len]);
        let (buffer, count) = file.read(at, buffer).settle(&*self.io).expect("reads");
        (buffer.to_vec(), count)
    }

    fn length(&self, file: &dyn File) -> u64 {
        file.len().settle(&*self.io).expect("has a length")
    }
}

fn creating() -> OpenFlags {
    OpenFlags { create: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite) }
}

const LEVELS: [LockLevel; 5] =
    [LockLevel::None, LockLevel::Shared, LockLevel::Reserved, LockLevel::Pending, LockLevel::Exclusive];

pub fn what_is_written_is_read_back_and_the_rest_is_zero(world: &Fixture) {
    let file = world.database("a");
    assert_eq!(world.length(&*file), 0);
    assert_eq!(world.get(&*file, 0, 4), (vec![0; 4], 0));
    world.put(&*file, 3, b"hello");
    assert_eq!(world.length(&*file), 8);
    assert_eq!(world.get(&*file, 0, 12), (b"\0\0\0hello\0\0\0\0".to_vec(), 8));
    assert_eq!(world.get(&*file, 5, 2), (b"ll".to_vec(), 2));
    assert_eq!(world.get(&*file, 100, 2), (vec![0; 2], 0));
    file.write(8, Vec::new()).settle(&*world.io).expect("writes nothing");
    assert_eq!(world.length(&*file), 8);
}

pub fn many_slices_land_one_after_the_other(world: &Fixture) {
    let file = world.database("a");
    let mut expected = Vec::new();
    let slices: Vec<IoSlice> = (0..1300usize)
        .map(|n| {
            let buffer = Buffer::copy_of(&(0..50).map(|i| (n * 7 + i) as u8).collect::<Vec<u8>>());
            let range = n % 5..n % 5 + n % 40;
            expected.extend_from_slice(&buffer[range.clone()]);
            IoSlice { buffer, range }
        })
        .collect();
    file.write(11, slices).settle(&*world.io).expect("writes");
    assert_eq!(world.get(&*file, 11, expected.len()), (expected.clone(), expected.len()));
    assert_eq!(world.length(&*file), 11 + expected.len() as u64);
}

pub fn writing_and_syncing_as_one_operation_does_both(world: &Fixture) {
    let file = world.database("a");
    let slices = vec![IoSlice::whole(Buffer::copy_of(b"ab")), IoSlice::whole(Buffer::copy_of(b"cd"))];
    file.write_then_sync(1, slices).settle(&*world.io).expect("writes and syncs");
    assert_eq!(world.get(&*file, 1, 4).0, b"abcd");
    file.sync(true).settle(&*world.io).expect("syncs data");
    file.sync(false).settle(&*world.io).expect("syncs all");
    world.io.sync_dir(&world.path("a")).settle(&*world.io).expect("syncs the directory");
}

pub fn truncating_cuts_and_extends_with_zeros(world: &Fixture) {
    let file = world.database("a");
    world.put(&*file, 0, &[9; 70_000]);
    file.truncate(3).settle(&*world.io).expect("cuts");
    file.truncate(69_000).settle(&*world.io).expect("extends");
    let (bytes, count) = world.get(&*file, 0, 70_000);
    assert_eq!((count, &bytes[..4]), (69_000, &[9, 9, 9, 0][..]));
    assert!(bytes[3..].iter().all(|&byte| byte == 0));
}

pub fn open_flags_decide_who_gets_a_file(world: &Fixture) {
    let absent = world.try_open("a", OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite));
    assert!(matches!(absent, Err(IoError::CannotOpen { errno: libc::ENOENT, is_directory: false })));
    let exclusive = OpenFlags { exclusive: true, ..creating() };
    let file = world.try_open("a", exclusive).expect("is new").file;
    assert!(matches!(
        world.try_open("a", exclusive),
        Err(IoError::CannotOpen { errno: libc::EEXIST, is_directory: false })
    ));
    world.put(&*file, 0, b"x");
    let reader = world.try_open("a", OpenFlags::new(FileKind::MainDb, AccessMode::ReadOnly)).expect("opens");
    assert!(reader.read_only);
    assert_eq!(world.get(&*reader.file, 0, 1).0, b"x");
    let refused = reader.file.write(0, vec![IoSlice::whole(Buffer::copy_of(b"y"))]).settle(&*world.io);
    assert!(matches!(refused, Err(IoError::Failed { op: crate::IoOp::Write, .. })));
    assert!(reader.file.truncate(0).settle(&*world.io).is_err());
    assert_eq!(world.get(&*file, 0, 1).0, b"x");
}

pub fn an_unlinked_file_lives_on_in_its_handles(world: &Fixture) {
    let path = world.path("a");
    let old = world.database("a");
    world.put(&*old, 0, b"old");
    assert!(old.still_linked().expect("can tell"));
    assert!(world.io.remove(&path, true).settle(&*world.io).expect("removes"));
    assert!(!world.io.remove(&path, false).settle(&*world.io).expect("finds nothing"));
    assert!(world.io.stat(&path).settle(&*world.io).expect("looks").is_none());
    assert!(!old.still_linked().expect("can tell"));
    let new = world.database("a");
    assert_eq!((world.length(&*new), world.get(&*old, 0, 3).0), (0, b"old".to_vec()));
    assert!(!old.still_linked().expect("can tell") && new.still_linked().expect("can tell"));
    assert_ne!(old.id(), new.id());
}

pub fn a_path_and_its_handles_have_one_identity(world: &Fixture) {
    let (a, again, b) = (world.database("a"), world.database("a"), world.database("b"));
    world.put(&*a, 0, &[1; 77]);
    let stat = world.io.stat(&world.path("a")).settle(&*world.io).expect("looks").expect("is there");
    assert_eq!((stat.id, stat.len_bytes, stat.is_directory), (a.id(), 77, false));
    assert_eq!(a.id(), again.id());
    assert_ne!(a.id(), b.id());
    assert_eq!(world.get(&*again, 76, 1), (vec![1], 1));
    let journal = world.try_open("a-journal", OpenFlags { kind: FileKind::MainJournal, ..creating() });
    let journal = journal.expect("opens").file;
    let stat = world.io.stat(&world.path("a-journal")).settle(&*world.io).expect("looks").expect("is there");
    assert_eq!(journal.id(), stat.id);
}

pub fn temporary_files_are_seen_by_nobody_else(world: &Fixture) {
    let flags = OpenFlags { delete_on_close: true, exclusive: true, kind: FileKind::TempDb, ..creating() };
    let first = world.io.open(None, flags).settle(&*world.io).expect("opens").file;
    let second = world.io.open(None, flags).settle(&*world.io).expect("opens").file;
    world.put(&*first, 0, b"mine");
    assert_eq!((world.length(&*second), world.get(&*first, 0, 4).0), (0, b"mine".to_vec()));
    let named = world.try_open("t", flags).expect("opens").file;
    world.put(&*named, 0, b"x");
    assert!(world.io.stat(&world.path("t")).settle(&*world.io).expect("looks").is_none());
}

pub fn canonical_paths_stay_as_they_are(world: &Fixture) {
    let path = world.io.canonical(&world.path("./x//../a")).expect("is a path");
    assert_eq!(path, world.io.canonical(&world.path("a")).expect("is a path"));
    assert_eq!(path, world.io.canonical(&path).expect("is a path"));
    let relative = world.io.canonical(b"a").expect("is a path");
    assert!(relative.starts_with(b"/") && relative.ends_with(b"/a"));
    assert!(matches!(world.io.canonical(b"/"), Err(IoError::CannotOpen { .. })));
}

pub fn timers_come_in_order_and_not_early(world: &Fixture) {
    let start = world.io.monotonic();
    let after = |ms: u64| crate::Instant(start.0 + ms * 1_000_000);
    let later = world.io.timer(after(40));
    world.io.timer(after(15)).settle(&*world.io).expect("comes");
    assert!(world.io.monotonic() >= after(15));
    later.settle(&*world.io).expect("comes");
    assert!(world.io.monotonic() >= after(40));
    assert!(matches!(world.io.timer(start), crate::Pending::Done(Ok(()))));
    world.io.wait(&crate::Outstanding::new(), Some(after(50))).expect("sleeps");
    assert!(world.io.monotonic() >= after(50));
}

pub fn random_bytes_do_not_repeat(world: &Fixture) {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    world.io.fill_random(&mut a);
    world.io.fill_random(&mut b);
    assert!(a != b && a != [0; 32]);
}

/// Brings a fresh handle to `level`, from below. Pending is where a writer stays that met a reader.
fn hold(world: &Fixture, level: LockLevel) -> Vec<Arc<dyn File>> {
    let file = world.database("a");
    if level == LockLevel::Pending {
        let reader = world.database("a");
        reader.lock(LockLevel::Shared).expect("is free");
        file.lock(LockLevel::Shared).expect("is free");
        file.lock(LockLevel::Reserved).expect("is free");
        assert!(matches!(file.lock(LockLevel::Exclusive), Err(IoError::Busy)));
        assert_eq!(file.lock_level(), LockLevel::Pending);
        return vec![file, reader];
    }
    for step in LEVELS.into_iter().filter(|&step| step != LockLevel::Pending && step <= level) {
        file.lock(step).expect("is free");
    }
    assert_eq!(file.lock_level(), level);
    vec![file]
}

pub fn lock_levels_exclude_each_other_as_in_sqlite(world: &Fixture) {
    use LockLevel::{Exclusive, None, Pending, Reserved, Shared};
    // What one holds, how far another handle gets by Shared, Reserved, Exclusive, and whether it sees a writer.
    let table = [
        (None, Exclusive, false),
        (Shared, Pending, false),
        (Reserved, Shared, true),
        (Pending, None, true),
        (Exclusive, None, true),
    ];
    for (held, reached, writer_seen) in table {
        let holders = hold(world, held);
        let other = world.database("a");
        assert_eq!(other.reserved().expect("can tell"), writer_seen, "{held:?}");
        for want in [Shared, Reserved, Exclusive] {
            match other.lock(want) {
                Ok(()) => assert!(other.lock_level() == want && want <= reached, "{held:?} {want:?}"),
                Err(error) => {
                    assert!(matches!(error, IoError::Busy), "{held:?} {want:?} {error}");
                    break;
                }
            }
        }
        assert_eq!(other.lock_level(), reached, "beside {held:?}");
        other.lock(None).expect("gives back");
        if held != None {
            // Whatever the other tried, the holder's own lock is as it was.
            assert_eq!(holders[0].lock_level(), held);
        }
        holders.iter().for_each(|file| file.lock(None).expect("gives back"));
        other.lock(Shared).expect("is free");
        other.lock(Exclusive).expect("nobody is left");
    }
}

pub fn a_lock_goes_with_its_handle_and_down_to_shared_lets_readers_in(world: &Fixture) {
    let writer = hold(world, LockLevel::Exclusive);
    let reader = world.database("a");
    assert!(matches!(reader.lock(LockLevel::Shared), Err(IoError::Busy)));
    writer[0].lock(LockLevel::Shared).expect("goes down");
    reader.lock(LockLevel::Shared).expect("is let in");
    assert!(matches!(reader.lock(LockLevel::Exclusive), Err(IoError::Busy)));
    drop(writer);
    reader.lock(LockLevel::Exclusive).expect("the other handle is gone");
}

pub fn handles_without_locking_never_conflict(world: &Fixture) {
    let holders = hold(world, LockLevel::Exclusive);
    let free = world.try_open("a", OpenFlags { no_lock: true, ..creating() }).expect("opens").file;
    free.lock(LockLevel::Shared).expect("asks nobody");
    assert!(!free.reserved().expect("asks nobody"));
    free.lock(LockLevel::Exclusive).expect("asks nobody");
    assert_eq!(free.lock_level(), LockLevel::Exclusive);
    assert!(matches!(free.shm(false), Err(IoError::NoSharedMemory)));
    drop(free);
    let other = world.database("a");
    assert!(matches!(other.lock(LockLevel::Shared), Err(IoError::Busy)));
    drop(holders);
}

fn slot(first: u8) -> ShmSlots {
    ShmSlots { first, count: 1 }
}

pub fn handles_see_one_shared_memory(world: &Fixture) {
    let (a, b) = (world.database("a"), world.database("a"));
    let (a_shm, b_shm) = (a.shm(false).expect("opens"), b.shm(false).expect("opens"));
    assert!(!a_shm.read_only());
    assert!(b_shm.region(0, false).expect("looks").is_none());
    let mine = a_shm.region(1, true).expect("grows").expect("is there");
    let theirs = b_shm.region(1, false).expect("looks").expect("is there");
    assert_eq!((mine.words().len(), mine.half_words().len()), (8192, 16384));
    mine.words()[8191].store(77, Relaxed);
    a_shm.barrier();
    assert_eq!(theirs.words()[8191].load(Relaxed), 77);
    let first = b_shm.region(0, false).expect("looks").expect("is there");
    assert!(first.words().iter().all(|word| word.load(Relaxed) == 0));
    let elsewhere = world.database("b").shm(false).expect("opens");
    assert!(elsewhere.region(0, false).expect("looks").is_none());
    // A region outlives the handle it came from.
    a_shm.close(false).expect("closes");
    a_shm.close(false).expect("closes twice");
    drop((a, a_shm, b, b_shm));
    assert_eq!(mine.words()[8191].load(Relaxed), 77);
}

pub fn the_last_to_close_shared_memory_ends_it(world: &Fixture) {
    let file = world.database("a");
    for delete in [false, true] {
        let shm = file.shm(false).expect("opens");
        shm.region(0, true).expect("grows").expect("is there").words()[5].store(1, Relaxed);
        shm.close(delete).expect("closes");
        assert!(shm.region(0, true).is_err() && shm.lock(slot(0), ShmLockMode::Shared).is_err());
        let shm = file.shm(false).expect("opens again");
        assert!(shm.region(0, false).expect("looks").is_none());
        let region = shm.region(0, true).expect("grows").expect("is there");
        assert_eq!(region.words()[5].load(Relaxed), 0);
        shm.close(true).expect("closes");
    }
    assert!(world.io.stat(&world.path("a-shm")).settle(&*world.io).expect("looks").is_none());
}

pub fn slots_exclude_each_other(world: &Fixture) {
    use ShmLockMode::{Exclusive, Shared};
    let files = [world.database("a"), world.database("a"), world.database("a")];
    let [a, b, c] = files.each_ref().map(|file| file.shm(false).expect("opens"));
    a.region(0, true).expect("grows");
    a.lock(slot(3), Shared).expect("is free");
    b.lock(slot(3), Shared).expect("is shared");
    assert!(matches!(c.lock(ShmSlots { first: 3, count: 5 }, Exclusive), Err(IoError::Busy)));
    c.lock(ShmSlots { first: 4, count: 4 }, Exclusive).expect("is free");
    assert!(matches!(a.lock(slot(7), Shared), Err(IoError::Busy)));
    a.unlock(slot(3), Shared).expect("was held");
    assert!(matches!(c.lock(slot(3), Exclusive), Err(IoError::Busy)));
    // A handle that goes away takes its locks with it.
    b.close(false).expect("closes");
    c.lock(slot(3), Exclusive).expect("is free");
    c.unlock(ShmSlots { first: 3, count: 5 }, Exclusive).expect("was held");
    a.lock(ShmSlots { first: 0, count: 8 }, Exclusive).expect("is free");
    assert!(c.unlock(slot(0), Exclusive).is_err());
}

pub fn a_slot_keeps_threads_out_of_each_others_way(world: &Fixture) {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 500;
    let files: Vec<Arc<dyn File>> = (0..THREADS).map(|_| world.database("a")).collect();
    let views: Vec<Arc<dyn SharedMemory>> =
        files.iter().map(|file| file.shm(false).expect("opens")).collect();
    let region = views[0].region(0, true).expect("grows").expect("is there");
    std::thread::scope(|scope| {
        for shm in &views {
            scope.spawn(move || {
                let region = shm.region(0, false).expect("looks").expect("is there");
                for _ in 0..ROUNDS {
                    while shm.lock(slot(0), ShmLockMode::Exclusive).is_err() {
                        std::thread::yield_now();
                    }
                    // Read and write apart: a second holder would lose counts.
                    let count = region.words()[0].load(Relaxed);
                    std::thread::yield_now();
                    region.words()[0].store(count + 1, Relaxed);
                    shm.unlock(slot(0), ShmLockMode::Exclusive).expect("was held");
                }
            });
        }
    });
    assert_eq!(region.words()[0].load(Relaxed), THREADS * ROUNDS);
}

pub fn a_reader_of_shared_memory_waits_for_someone_to_make_it_valid(world: &Fixture) {
    let (reader, writer) = (world.database("a"), world.database("b"));
    drop(writer.shm(false).expect("opens"));
    let writer = world.database("a");
    // The `-shm` is there, left by someone who is gone.
    let left = writer.shm(false).expect("opens");
    left.region(0, true).expect("grows");
    left.close(false).expect("closes");
    let seen = reader.shm(true).expect("opens");
    assert!(seen.read_only());
    assert!(matches!(seen.region(0, false), Err(IoError::ShmNotInitialised)));
    seen.close(false).expect("closes");
}

/// Makes a test of every claim: `conformance_suite!(fixture)` with `fn fixture() -> Fixture`.
macro_rules! conformance_suite {
    ($fixture:expr) => {
        $crate::conformance::conformance_suite!(@ $fixture;
            what_is_written_is_read_back_and_the_rest_is_zero
            many_slices_land_one_after_the_other
            writing_and_syncing_as_one_operation_does_both
            truncating_cuts_and_extends_with_zeros
            open_flags_decide_who_gets_a_file
            an_unlinked_file_lives_on_in_its_handles
            a_path_and_its_handles_have_one_identity
            temporary_files_are_seen_by_nobody_else
            canonical_paths_stay_as_they_are
            timers_come_in_order_and_not_early
            random_bytes_do_not_repeat
            lock_levels_exclude_each_other_as_in_sqlite
            a_lock_goes_with_its_handle_and_down_to_shared_lets_readers_in
            handles_without_locking_never_conflict
            handles_see_one_shared_memory
            the_last_to_close_shared_memory_ends_it
            slots_exclude_each_other
            a_slot_keeps_threads_out_of_each_others_way
            a_reader_of_shared_memory_waits_for_someone_to_make_it_valid
        );
    };
    (@ $fixture:expr; $($claim:ident)*) => {
        $(
            #[test]
            fn $claim() {
                $crate::conformance::$claim(&$fixture());
            }
        )*
    };
}
pub(crate) use conformance_suite;

mod memory {
    use super::*;
    use crate::MemoryIo;

    fn fixture() -> Fixture {
        Fixture {
            io: Arc::new(MemoryIo::deterministic(7)),
            directory: b"/world".to_vec(),
            _keep: Box::new(()),
        }
    }

    conformance_suite!(fixture);
}

/// A directory for one test, removed with all that is in it.
#[cfg(unix)]
pub(crate) struct Scratch(std::path::PathBuf);

#[cfg(unix)]
impl Scratch {
    pub(crate) fn new() -> Scratch {
        // Tests may run as threads of one process.
        static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let path = std::env::temp_dir().join(format!("kernite-io-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Scratch(path)
    }

    pub(crate) fn path(&self) -> Vec<u8> {
        std::os::unix::ffi::OsStrExt::as_bytes(self.0.as_os_str()).to_vec()
    }
}

#[cfg(unix)]
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
mod syscall {
    use super::*;
    use crate::SyscallIo;

    fn fixture() -> Fixture {
        let scratch = Scratch::new();
        Fixture { io: Arc::new(SyscallIo::new()), directory: scratch.path(), _keep: Box::new(scratch) }
    }

    conformance_suite!(fixture);
}

/// Late worlds over one in memory, for each moment at which effects can happen.
macro_rules! late_suite {
    ($name:ident, $effect:expr) => {
        mod $name {
            use super::*;
            use crate::late::Effect;
            use crate::{LateIo, LateOptions, MemoryIo};

            fn fixture() -> Fixture {
                let memory = Arc::new(MemoryIo::deterministic(7));
                let options = LateOptions { effect: $effect, strict_flush: true, ..LateOptions::default() };
                let io = Arc::new(LateIo::with_options(memory, 7, options));
                Fixture { io, directory: b"/world".to_vec(), _keep: Box::new(()) }
            }

            conformance_suite!(fixture);
        }
    };
}

late_suite!(late_at_submit, Effect::AtSubmit);
late_suite!(late_at_completion, Effect::AtCompletion);
late_suite!(late_mixed, Effect::Mixed);

mod fault {
    use super::*;
    use crate::{FaultIo, MemoryIo};

    fn fixture() -> Fixture {
        let io = Arc::new(FaultIo::new(Arc::new(MemoryIo::deterministic(7))));
        Fixture { io, directory: b"/world".to_vec(), _keep: Box::new(()) }
    }

    conformance_suite!(fixture);
}
