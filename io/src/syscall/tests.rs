//! What only the machine's file system shows: permissions, links, lock directories, deferred descriptors.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use super::*;
use crate::conformance::Scratch;
use crate::{Buffer, File, FileControl, IoSlice, LockLevel};

struct Fixture {
    io: SyscallIo,
    scratch: Scratch,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { io: SyscallIo::new(), scratch: Scratch::new() }
    }

    fn path(&self, name: &str) -> Vec<u8> {
        [self.scratch.path().as_slice(), b"/", name.as_bytes()].concat()
    }

    fn os_path(&self, name: &str) -> std::path::PathBuf {
        std::ffi::OsStr::from_bytes(&self.path(name)).into()
    }

    fn try_open(&self, name: &str, flags: OpenFlags) -> Result<OpenOutcome, IoError> {
        self.io.open(Some(&self.path(name)), flags).settle(&self.io)
    }

    fn open(&self, name: &str, kind: FileKind) -> Arc<dyn File> {
        self.try_open(name, creating(kind)).unwrap().file
    }

    fn mode(&self, name: &str) -> u32 {
        self.io.stat(&self.path(name)).settle(&self.io).unwrap().unwrap().mode
    }
}

fn creating(kind: FileKind) -> OpenFlags {
    OpenFlags { create: true, ..OpenFlags::new(kind, AccessMode::ReadWrite) }
}

#[test]
fn journals_and_shared_memory_get_the_permissions_of_their_database() {
    let world = Fixture::new();
    let database = world.open("a.db", FileKind::MainDb);
    std::fs::set_permissions(world.os_path("a.db"), PermissionsExt::from_mode(0o666)).unwrap();
    let _journal = world.open("a.db-journal", FileKind::MainJournal);
    let _wal = world.open("a.db-wal", FileKind::Wal);
    let _shm = database.shm(false).unwrap();
    for name in ["a.db-journal", "a.db-wal", "a.db-shm"] {
        // Also where the umask takes bits away.
        assert_eq!(world.mode(name), 0o666, "{name}");
    }
    let _super = world.open("a.db-mj0123", FileKind::SuperJournal);
    assert_eq!(world.mode("a.db-mj0123") & 0o133, 0);
}

#[test]
fn a_descriptor_closed_while_locks_are_held_is_kept_and_used_again() {
    let world = Fixture::new();
    let (a, b) = (world.open("a", FileKind::MainDb), world.open("a", FileKind::MainDb));
    a.lock(LockLevel::Shared).unwrap();
    drop(b);
    assert!(world.io.inodes.has_deferred());
    // Another file has no use for it.
    drop(world.open("b", FileKind::MainDb));
    assert!(world.io.inodes.has_deferred());
    let b = world.open("a", FileKind::MainDb);
    assert!(!world.io.inodes.has_deferred());
    b.write(0, vec![IoSlice::whole(Buffer::copy_of(b"x"))]).settle(&world.io).unwrap();
    assert_eq!((b.id(), a.len().settle(&world.io).unwrap()), (a.id(), 1));
    drop(b);
    assert!(world.io.inodes.has_deferred());
    a.lock(LockLevel::None).unwrap();
    assert!(!world.io.inodes.has_deferred());
}

#[test]
fn a_lock_directory_is_held_by_one_handle_alone() {
    let world = Fixture::new();
    let flags = OpenFlags { dot_file_lock: true, ..creating(FileKind::MainDb) };
    let (a, b) = (world.try_open("a", flags).unwrap().file, world.try_open("a", flags).unwrap().file);
    a.lock(LockLevel::Shared).unwrap();
    assert!(world.os_path("a.lock").is_dir());
    assert!(matches!(b.lock(LockLevel::Shared), Err(IoError::Busy)));
    assert!(b.reserved().unwrap() && !a.reserved().unwrap());
    a.lock(LockLevel::Exclusive).unwrap();
    a.lock(LockLevel::Shared).unwrap();
    assert!(matches!(b.lock(LockLevel::Shared), Err(IoError::Busy)));
    drop(a);
    assert!(!world.os_path("a.lock").exists());
    b.lock(LockLevel::Shared).unwrap();
    assert!(matches!(b.shm(false), Err(IoError::NoSharedMemory)));
}

#[test]
fn canonical_paths_follow_links_and_need_no_file() {
    let world = Fixture::new();
    std::fs::create_dir(world.os_path("real")).unwrap();
    symlink("real", world.os_path("link")).unwrap();
    symlink("loop", world.os_path("loop")).unwrap();
    symlink(world.os_path("real/absent.db"), world.os_path("dangling")).unwrap();
    let base = world.io.canonical(&world.scratch.path()).unwrap();
    let expected = |name: &str| [base.as_slice(), b"/", name.as_bytes()].concat();
    for (path, canonical) in [
        ("link/new.db", "real/new.db"),
        ("dangling", "real/absent.db"),
        ("no/such/../directory", "no/directory"),
    ] {
        assert_eq!(world.io.canonical(&world.path(path)).unwrap(), expected(canonical));
    }
    assert!(matches!(world.io.canonical(&world.path("loop")), Err(IoError::CannotOpen { .. })));
    let no_follow = OpenFlags { no_follow: true, ..creating(FileKind::MainDb) };
    assert!(matches!(world.try_open("dangling", no_follow), Err(IoError::CannotOpen { .. })));
}

#[test]
fn directories_and_impossible_paths_cannot_be_opened() {
    let world = Fixture::new();
    let access = AccessMode::ReadWriteOrReadOnly;
    let flags = OpenFlags::new(FileKind::MainDb, access);
    let directory = world.io.open(Some(&world.scratch.path()), flags).settle(&world.io);
    assert!(matches!(directory, Err(IoError::CannotOpen { is_directory: true, .. })));
    assert!(matches!(world.try_open("no/such", flags), Err(IoError::CannotOpen { errno: libc::ENOENT, .. })));
    assert!(matches!(world.try_open("a\0b", flags), Err(IoError::CannotOpen { .. })));
    assert!(world.io.stat(&world.path("a\0b")).settle(&world.io).unwrap().is_none());
    assert!(world.io.stat(&world.path("no/such")).settle(&world.io).unwrap().is_none());
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    // Where there is no such device, there is nothing to try.
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let io = SyscallIo::new();
    let flags = OpenFlags::new(FileKind::Transient, AccessMode::ReadWrite);
    let full = io.open(Some(b"/dev/full"), flags).settle(&io).unwrap().file;
    let page = || IoSlice::whole(Buffer::zeroed(4096));
    assert!(matches!(full.write(0, vec![page()]).settle(&io), Err(IoError::Full)));
    assert!(matches!(full.write(0, vec![page(), page()]).settle(&io), Err(IoError::Full)));
}

#[test]
fn a_vectored_write_leaves_out_what_was_written_of_its_first_slice() {
    let scratch = Scratch::new();
    let path = CString::new([scratch.path().as_slice(), b"/a"].concat()).unwrap();
    let fd = raw::open(&path, libc::O_RDWR | libc::O_CREAT, 0o600).unwrap();
    let slices = [&b"abc"[..], b"def"].map(|bytes| IoSlice::whole(Buffer::copy_of(bytes)));
    assert_eq!(raw::write_slices_at(fd.as_fd(), &slices, 2, 1), Ok(4));
    let mut out = [7; 6];
    assert_eq!(raw::read_at(fd.as_fd(), &mut out, 0), Ok(5));
    assert_eq!(&out, b"\0cdef\x07");
}

#[test]
fn a_file_with_a_chunk_size_grows_in_whole_chunks() {
    let world = Fixture::new();
    let file = world.open("a", FileKind::MainDb);
    file.control(FileControl::SizeHint(5));
    assert_eq!(file.len().settle(&world.io).unwrap(), 0);
    file.control(FileControl::ChunkSize(10_000));
    file.truncate(10_001).settle(&world.io).unwrap();
    assert_eq!(file.len().settle(&world.io).unwrap(), 20_000);
    assert!(file.device().powersafe_overwrite);
    file.control(FileControl::PowersafeOverwrite(false));
    assert!(!file.device().powersafe_overwrite);
}

#[test]
fn no_database_gets_a_standard_descriptor() {
    use std::os::fd::AsRawFd;
    let scratch = Scratch::new();
    let path = CString::new([scratch.path().as_slice(), b"/a"].concat()).unwrap();
    // In a child, so that only its own standard input is closed: the descriptor would be 0.
    // SAFETY: the child makes only calls that are safe after fork (open, close, dup, unlink), and ends without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: nobody in the child uses these descriptors.
        unsafe {
            libc::close(0);
            libc::close(2);
        }
        let opened = raw::open(&path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600);
        let code = match opened {
            Ok(fd) if fd.as_raw_fd() > 2 && raw::stat(&path).is_ok_and(|stat| stat.len == 0) => 7,
            _ => 1,
        };
        // SAFETY: ends the child.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0);
    let mut status = 0;
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status));
    assert_eq!(libc::WEXITSTATUS(status), 7);
}

#[test]
fn threads_that_open_and_close_one_file_leave_nothing_behind() {
    let world = Fixture::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..200 {
                    let file = world.open("a", FileKind::MainDb);
                    let shared = file.lock(LockLevel::Shared).is_ok();
                    if round % 3 == 0 && shared && file.lock(LockLevel::Reserved).is_ok() {
                        let _ = file.lock(LockLevel::Exclusive);
                    }
                }
            });
        }
    });
    assert!(!world.io.inodes.has_deferred());
    world.open("a", FileKind::MainDb).lock(LockLevel::Shared).unwrap();
}
