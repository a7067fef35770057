//! All that a world is made of, and what the calls on it do once their decision point is behind them.
//!
//! Always true: only the process that holds the baton changes the state, but for the last words of a killed one, which are undone.
//! Never: scheduling (that is `schedule`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use kernite_io::region::HeapRegion;
use kernite_io::{AccessMode, FileId, FileKind, FileStat, IoError, IoOp, OpenFlags};

use crate::decide::{Decisions, Kind};
use crate::trace::{Call, Trace};

use super::disk::{Change, Disk, FileNo, SECTOR_BYTES};
use super::fault::Rates;
use super::flight::{Flight, Timer};
use super::locks::{Holder, Locks};
use super::loss::first_sectors;
use super::schedule::{Process, Strategy};

/// How a world behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub rates: Rates,
    pub strategy: Strategy,
    /// Decides the random bytes that processes ask for.
    pub seed: u64,
    /// Keep the events, for a timeline.
    pub record: bool,
    /// Remember the disk whenever it changed, so that the power can be cut everywhere afterwards.
    pub watch: bool,
    /// Decision points after which a run that has not ended counts as hanging.
    pub points_max: u64,
    /// Injected errors at most.
    pub faults_max: u64,
    /// What the world gets wrong, to see that somebody notices.
    pub lie: Lie,
    /// One thing that happens at one point.
    pub aim: Option<Aim>,
}

/// Something that goes wrong at the decision point of that number, counted from 1 since faults were allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    pub at: u64,
    pub what: Mishap,
}

/// What goes wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The process is killed.
    Kill,
    /// The call fails.
    Fail,
    /// The disk is full, if the call needs room on it.
    Full,
    /// Another process goes on.
    Switch,
}

impl Mishap {
    /// All of them.
    pub const ALL: [Mishap; 4] = [Mishap::Kill, Mishap::Fail, Mishap::Full, Mishap::Switch];

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Mishap::Kill => "kill",
            Mishap::Fail => "fail",
            Mishap::Full => "full",
            Mishap::Switch => "switch",
        }
    }
}

/// A world that does not keep its word: a test of the oracles, never of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lie {
    #[default]
    None,
    /// Syncs report success and make nothing durable.
    Syncs,
    /// Every lock is granted.
    Locks,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rates: Rates::default(),
            strategy: Strategy::Random,
            seed: 0,
            record: false,
            watch: false,
            points_max: 50_000,
            faults_max: u64::MAX,
            lie: Lie::None,
            aim: None,
        }
    }
}

/// What happened in a world, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub points: u64,
    pub switches: u64,
    /// Everything that went wrong on purpose: errors, kills, power cuts.
    pub faults: u64,
    pub by_fault: BTreeMap<&'static str, u64>,
    /// Things that a run should have come by; those that it did.
    pub marks: BTreeSet<&'static str>,
}

impl Tally {
    /// Adds another world's.
    pub fn add(&mut self, other: &Tally) {
        self.points += other.points;
        self.switches += other.switches;
        self.faults += other.faults;
        for (name, count) in &other.by_fault {
            *self.by_fault.entry(name).or_default() += count;
        }
        self.marks.extend(&other.marks);
    }
}

/// The disk at a moment when the power could have gone.
#[derive(Clone, Debug)]
pub struct CrashPoint {
    pub disk: Disk,
    /// How many notes of clients there were by then.
    pub notes: usize,
}

/// An open file of a process.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub process: usize,
    pub file: FileNo,
    pub path: Option<Vec<u8>>,
    pub kind: FileKind,
    pub writable: bool,
    /// Whether its wal-index is open.
    pub attached: bool,
}

/// What processes share of one file beside its bytes.
#[derive(Default)]
pub(crate) struct Shared {
    pub locks: Locks,
    pub attached: usize,
    pub regions: Vec<Arc<HeapRegion>>,
}

/// What a world is made of.
pub(crate) struct State {
    pub options: Options,
    pub disk: Disk,
    pub shared: BTreeMap<FileNo, Shared>,
    pub handles: BTreeMap<u64, Handle>,
    handles_made: u64,
    pub decisions: Decisions,
    pub trace: Trace,
    pub tally: Tally,
    pub clock_ns: u64,
    /// Whether faults may happen.
    pub armed: bool,
    /// Decision points since faults were allowed.
    pub armed_points: u64,
    /// What was aimed at the present point.
    pub aimed: Option<Mishap>,
    pub faults_left: u64,
    pub processes: Vec<Process>,
    pub running: Option<usize>,
    pub flights: Vec<Flight>,
    pub timers: Vec<Timer>,
    pub power_cut: bool,
    /// The shared memory as it was when a process was killed that still talks.
    pub saved_regions: Option<BTreeMap<FileNo, Vec<Vec<u32>>>>,
    pub violations: Vec<String>,
    pub crash_points: Vec<CrashPoint>,
    pub watched_version: u64,
    pub notes: usize,
    /// Completions that nobody may wait for any more. What they hold may call the world when it is dropped, so that is done without the lock.
    pub dropped: Vec<Box<dyn std::any::Any + Send>>,
}

/// A world. Its processes hold it together.
pub struct World {
    pub(super) state: Mutex<State>,
    pub(super) all_done: Condvar,
}

/// What is left of a world when its processes are gone.
pub struct Outcome {
    pub disk: Disk,
    pub decisions: Decisions,
    pub trace: Trace,
    pub tally: Tally,
    pub violations: Vec<String>,
    pub crash_points: Vec<CrashPoint>,
    pub power_cut: bool,
    pub clock_ns: u64,
    /// Files still open and locks still held by processes that ended by themselves.
    pub left_behind: Vec<String>,
}

impl World {
    /// A world with `disk`, where `decisions` decide.
    pub fn new(disk: Disk, decisions: Decisions, options: Options) -> Arc<World> {
        let state = State {
            options,
            disk,
            shared: BTreeMap::new(),
            handles: BTreeMap::new(),
            handles_made: 0,
            decisions,
            trace: Trace::new(options.record),
            tally: Tally::default(),
            clock_ns: 0,
            armed: false,
            armed_points: 0,
            aimed: None,
            faults_left: options.faults_max,
            processes: Vec::new(),
            running: None,
            flights: Vec::new(),
            timers: Vec::new(),
            power_cut: false,
            saved_regions: None,
            violations: Vec::new(),
            crash_points: Vec::new(),
            watched_version: 0,
            notes: 0,
            dropped: Vec::new(),
        };
        Arc::new(World { state: Mutex::new(state), all_done: Condvar::new() })
    }

    /// A world where nothing goes wrong.
    pub fn quiet(disk: Disk) -> Arc<World> {
        World::new(disk, Decisions::quiet(), Options::default())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock, for a world that goes on where another ended.
    pub fn set_clock(&self, clock_ns: u64) {
        self.lock().clock_ns = clock_ns;
    }

    /// From here on faults may happen, or not any more.
    pub fn arm(&self, armed: bool) {
        self.lock().armed = armed;
    }

    /// A number below `bound`, chosen for a client.
    pub fn choose(&self, client: u8, kind: Kind, bound: u64) -> u64 {
        self.lock().decisions.below(client, kind, bound)
    }

    /// 0, or with `per_million` in a million a number in `1..=choices`, for a client.
    pub fn rarely(&self, client: u8, kind: Kind, per_million: u32, choices: u64) -> u64 {
        self.lock().decisions.rarely(client, kind, per_million, choices)
    }

    /// Says that something has gone wrong that must not.
    pub fn violation(&self, text: String) {
        self.lock().violations.push(text);
    }

    /// Says that a run came by `mark`.
    pub fn mark(&self, mark: &'static str) {
        self.lock().tally.marks.insert(mark);
    }

    /// The disk as it is.
    pub fn disk(&self) -> Disk {
        self.lock().disk.clone()
    }

    /// Ends the world. Processes that still hold it find an empty one.
    pub fn end(&self) -> Outcome {
        let dropped = std::mem::take(&mut self.lock().dropped);
        drop(dropped);
        let mut state = self.lock();
        let mut left_behind: Vec<String> = Vec::new();
        for handle in state.handles.values() {
            let path = handle.path.as_deref().map_or("a temporary file".into(), String::from_utf8_lossy);
            left_behind.push(format!("p{} left {path} ({:?}) open", handle.process, handle.kind));
        }
        for (file, shared) in &state.shared {
            if !shared.locks.is_free() {
                left_behind.push(format!("file {file} is still locked"));
            }
        }
        Outcome {
            disk: std::mem::take(&mut state.disk),
            decisions: std::mem::replace(&mut state.decisions, Decisions::quiet()),
            trace: std::mem::take(&mut state.trace),
            tally: std::mem::take(&mut state.tally),
            violations: std::mem::take(&mut state.violations),
            crash_points: std::mem::take(&mut state.crash_points),
            power_cut: state.power_cut,
            clock_ns: state.clock_ns,
            left_behind,
        }
    }
}

fn no_such_handle(op: IoOp) -> IoError {
    const EBADF: i32 = 9;
    IoError::os(op, 0, 0, EBADF)
}

impl State {
    pub(crate) fn actor(&self, process: usize) -> u8 {
        self.processes[process].client
    }

    /// Opens a file for `process`; the handle, and whether it may only be read.
    pub(crate) fn open(
        &mut self,
        process: usize,
        path: Option<&[u8]>,
        flags: &OpenFlags,
    ) -> Result<(u64, bool), IoError> {
        if let Some(error) = self.fault(process, Call::Open, 0, 0) {
            return Err(error);
        }
        const ENOENT: i32 = 2;
        const EEXIST: i32 = 17;
        let cannot = |errno| IoError::CannotOpen { errno, is_directory: false };
        let file = match path.map(|path| (path, self.disk.find(path))) {
            None => self.disk.create(None),
            Some((_, Some(_))) if flags.create && flags.exclusive => return Err(cannot(EEXIST)),
            Some((_, Some(file))) => file,
            Some((path, None)) if flags.create => self.disk.create(Some(path)),
            Some((_, None)) => return Err(cannot(ENOENT)),
        };
        self.disk.open_handle(file);
        if let Some(path) = path.filter(|_| flags.delete_on_close) {
            self.disk.remove(path);
        }
        let writable = flags.access != AccessMode::ReadOnly;
        self.handles_made += 1;
        let path = path.filter(|_| !flags.delete_on_close).map(<[u8]>::to_vec);
        let handle = Handle { process, file, path, kind: flags.kind, writable, attached: false };
        self.handles.insert(self.handles_made, handle);
        Ok((self.handles_made, !writable))
    }

    /// Closes a handle; a second time does nothing, and neither does a dead process.
    pub(crate) fn close(&mut self, number: u64) {
        let Some(handle) = self.handles.remove(&number) else { return };
        let holder = Holder { process: handle.process, handle: number };
        if let Some(shared) = self.shared.get_mut(&handle.file) {
            shared.locks.release(|other| *other == holder);
            shared.attached -= usize::from(handle.attached);
        }
        self.disk.close_handle(handle.file);
    }

    pub(crate) fn handle(&self, number: u64, op: IoOp) -> Result<&Handle, IoError> {
        self.handles.get(&number).ok_or_else(|| no_such_handle(op))
    }

    pub(crate) fn stat(&mut self, process: usize, path: &[u8]) -> Result<Option<FileStat>, IoError> {
        if let Some(error) = self.fault(process, Call::Stat, 0, 0) {
            return Err(error);
        }
        Ok(self.disk.find(path).map(|file| FileStat {
            id: FileId { device: 1, inode: file },
            len_bytes: self.disk.seen(file).len() as u64,
            is_directory: false,
            mode: 0o644,
        }))
    }

    pub(crate) fn remove(&mut self, process: usize, path: &[u8], sync_dir: bool) -> Result<bool, IoError> {
        if let Some(error) = self.fault(process, Call::Remove, 0, 0) {
            if self.decisions.chance(self.actor(process), Kind::Partial, 300_000) {
                self.disk.remove(path);
            }
            return Err(error);
        }
        if path.ends_with(b"-journal") {
            self.tally.marks.insert("journal removed");
        }
        let removed = self.disk.remove(path);
        if removed && sync_dir {
            self.sync_dir(process, path)?;
        }
        Ok(removed)
    }

    pub(crate) fn sync_dir(&mut self, process: usize, path: &[u8]) -> Result<(), IoError> {
        if let Some(error) = self.fault(process, Call::SyncDir, 0, 0) {
            return Err(error);
        }
        self.disk.sync_directory(path);
        Ok(())
    }

    /// Reads into `out` and zeroes what lies behind the end; the number of bytes that were there.
    pub(crate) fn read(&mut self, number: u64, at: u64, out: &mut [u8]) -> Result<usize, IoError> {
        let Handle { process, file, kind, .. } = *self.handle(number, IoOp::Read)?;
        if let Some(error) = self.fault(process, Call::Read, at, out.len()) {
            return Err(error);
        }
        if kind == FileKind::MainJournal {
            self.tally.marks.insert("journal read");
        }
        Ok(self.disk.read(file, at, out))
    }

    /// Writes; the number of the change. Part of a write that fails may have been done.
    pub(crate) fn write(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<u64, IoError> {
        let Handle { process, file, kind, writable, .. } = *self.handle(number, IoOp::Write)?;
        if !writable {
            return Err(no_such_handle(IoOp::Write));
        }
        let error = self.fault(process, Call::Write, at, bytes.len());
        let kept = match error {
            Some(_) => self.some_sectors(process, at, bytes),
            None => bytes,
        };
        self.mark_write(kind, at, bytes);
        let change = self.disk.change(file, Change::Write { at, bytes: kept.into() });
        error.map_or(Ok(change), Err)
    }

    /// A part of `bytes` that ends at a sector, as chance has it.
    pub(super) fn some_sectors<'a>(&mut self, process: usize, at: u64, bytes: &'a [u8]) -> &'a [u8] {
        let count = (at + bytes.len() as u64).div_ceil(SECTOR_BYTES) - at / SECTOR_BYTES;
        let kept = self.decisions.below(self.actor(process), Kind::Partial, count);
        first_sectors(at, bytes, kept)
    }

    fn mark_write(&mut self, kind: FileKind, at: u64, bytes: &[u8]) {
        let mark = match kind {
            FileKind::Wal if at == 0 => "wal header written",
            FileKind::Wal => "wal frame written",
            FileKind::MainJournal if at == 0 && bytes.iter().all(|&byte| byte == 0) => {
                "journal header zeroed"
            }
            FileKind::MainJournal => "journal written",
            FileKind::SuperJournal => "super-journal written",
            FileKind::TempDb | FileKind::TempJournal | FileKind::Transient => "temporary file written",
            FileKind::MainDb => "database written",
        };
        self.tally.marks.insert(mark);
    }

    /// Makes durable what was written up to change `horizon`, but for changes still under way.
    pub(crate) fn sync(&mut self, number: u64, horizon: u64, excluded: &[u64]) -> Result<(), IoError> {
        let Handle { process, file, .. } = *self.handle(number, IoOp::Sync)?;
        if let Some(error) = self.fault(process, Call::Sync, 0, 0) {
            let actor = self.actor(process);
            let decisions = &mut self.decisions;
            self.disk.fail_sync(file, horizon, || decisions.below(actor, Kind::Partial, 2) == 1);
            return Err(error);
        }
        if self.options.lie != Lie::Syncs {
            self.disk.sync(file, horizon, excluded);
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, number: u64, len: u64) -> Result<u64, IoError> {
        let Handle { process, file, kind, writable, .. } = *self.handle(number, IoOp::Truncate)?;
        if !writable {
            return Err(no_such_handle(IoOp::Truncate));
        }
        if let Some(error) = self.fault(process, Call::Truncate, len, 0) {
            return Err(error);
        }
        match kind {
            FileKind::MainJournal => self.tally.marks.insert("journal truncated"),
            FileKind::Wal => self.tally.marks.insert("wal truncated"),
            FileKind::MainDb => self.tally.marks.insert("database truncated"),
            _ => false,
        };
        Ok(self.disk.change(file, Change::Truncate { len }))
    }

    pub(crate) fn len(&mut self, number: u64) -> Result<u64, IoError> {
        let Handle { process, file, .. } = *self.handle(number, IoOp::Length)?;
        match self.fault(process, Call::Length, 0, 0) {
            Some(error) => Err(error),
            None => Ok(self.disk.seen(file).len() as u64),
        }
    }

    /// The locks of the file that a handle has open, and the handle as a holder of them.
    pub(crate) fn locks(&mut self, number: u64, op: IoOp) -> Result<(&mut Locks, Holder), IoError> {
        let Handle { process, file, .. } = *self.handle(number, op)?;
        Ok((&mut self.shared.entry(file).or_default().locks, Holder { process, handle: number }))
    }
}

impl State {
    /// Moves the lock of a handle, as `File::lock` says.
    pub(crate) fn lock(
        &mut self,
        process: usize,
        number: u64,
        want: kernite_io::LockLevel,
    ) -> Result<(), IoError> {
        let (locks, holder) = self.locks(number, IoOp::Lock)?;
        if want > locks.level(holder)
            && let Some(error) = self.fault(process, Call::Lock, want as u64, 0)
        {
            return Err(error);
        }
        let is_lying = self.options.lie == Lie::Locks;
        let (locks, holder) = self.locks(number, IoOp::Lock)?;
        let moved = if is_lying { locks.grant(holder, want) } else { locks.change(holder, want) };
        let mark = match (want, &moved) {
            (_, Err(_)) => "lock refused",
            (kernite_io::LockLevel::Shared, _) => "shared lock",
            (kernite_io::LockLevel::Reserved, _) => "reserved lock",
            (kernite_io::LockLevel::Exclusive, _) => "exclusive lock",
            _ => return moved,
        };
        self.tally.marks.insert(mark);
        moved
    }

    /// Whether anyone holds the reserved lock.
    pub(crate) fn reserved(&mut self, process: usize, number: u64) -> Result<bool, IoError> {
        if let Some(error) = self.fault(process, Call::Reserved, 0, 0) {
            return Err(error);
        }
        let (locks, holder) = self.locks(number, IoOp::CheckReservedLock)?;
        Ok(locks.is_reserved(holder))
    }
}
