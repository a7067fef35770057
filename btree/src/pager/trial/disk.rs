//! A disk that remembers every effect, so that a test can ask what a power loss at any moment may leave behind.
//!
//! Assumed, as the durability contract has it: sectors of 512 bytes are written whole or not at all; what was not synced may be lost, reordered
//! or replaced by garbage, sector by sector; a file's directory entry is durable only after the directory was synced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kernite_io::{
    AccessMode, Buffer, DeviceTraits, File, FileControl, FileId, FileKind, FileStat, Instant, Io, IoError,
    IoSlice, LockLevel, MemoryIo, OpenFlags, OpenOutcome, Outstanding, Pending, SharedIo, SharedMemory,
    WallTime,
};

use super::Random;

const SECTOR: usize = 512;

/// Something that happened to the disk.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Created(Vec<u8>, u64),
    Removed(Vec<u8>),
    Written(u64, u64, Vec<u8>),
    Cut(u64, u64),
    Synced(u64),
    DirectorySynced,
    /// A transaction was acknowledged: the mark says which.
    Mark(usize),
}

/// The disk.
#[derive(Clone)]
pub(super) struct Recorder {
    inner: SharedIo,
    log: Arc<Mutex<Vec<Effect>>>,
}

impl Recorder {
    pub(super) fn new(inner: SharedIo) -> Recorder {
        Recorder { inner, log: Arc::default() }
    }

    pub(super) fn note(&self, effect: Effect) {
        self.log.lock().unwrap().push(effect);
    }

    pub(super) fn log(&self) -> Vec<Effect> {
        self.log.lock().unwrap().clone()
    }
}

#[derive(Clone, Default)]
struct Image {
    durable: Vec<u8>,
    pending: Vec<Effect>,
}

/// The disk's content as a power loss may leave it.
#[derive(Clone, Default)]
pub(super) struct Platter {
    files: BTreeMap<u64, Image>,
    /// Durable entries, and those changed since the directory was synced.
    names: BTreeMap<Vec<u8>, u64>,
    pending_names: Vec<Effect>,
    /// The last acknowledged transaction.
    pub(super) mark: usize,
}

impl Platter {
    /// A disk that holds what `world` holds, all of it durable.
    pub(super) fn of(world: &MemoryIo) -> Platter {
        let mut platter = Platter::default();
        for name in world.paths() {
            let flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite);
            let file = world.open(Some(&name), flags).settle(world).unwrap().file;
            let len = file.len().settle(world).unwrap();
            let (bytes, _) = file.read(0, Buffer::zeroed(len as usize)).settle(world).unwrap();
            let id = file.id().inode;
            platter.names.insert(name, id);
            platter.files.insert(id, Image { durable: bytes.to_vec(), pending: Vec::new() });
        }
        platter
    }

    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Created(_, id) => {
                self.files.entry(*id).or_default();
                self.pending_names.push(effect.clone());
            }
            Effect::Removed(_) => self.pending_names.push(effect.clone()),
            Effect::Written(id, ..) | Effect::Cut(id, _) => {
                self.files.entry(*id).or_default().pending.push(effect.clone());
            }
            Effect::Synced(id) => {
                let image = self.files.entry(*id).or_default();
                for effect in std::mem::take(&mut image.pending) {
                    change(&mut image.durable, &effect, None);
                }
            }
            Effect::DirectorySynced => {
                for effect in std::mem::take(&mut self.pending_names) {
                    rename(&mut self.names, &effect);
                }
            }
            Effect::Mark(mark) => self.mark = *mark,
        }
    }

    /// A world with what the loss of power leaves. `garbage`: un-synced sectors may hold anything.
    pub(super) fn after_power_loss(&self, random: &mut Random, garbage: bool) -> MemoryIo {
        let style = random.below(4);
        let survives = move |random: &mut Random| match style {
            0 => false,
            1 => true,
            _ => random.below(2) == 0,
        };
        let mut names = self.names.clone();
        for effect in &self.pending_names {
            if survives(random) {
                rename(&mut names, effect);
            }
        }
        let mut files = BTreeMap::new();
        for (name, id) in names {
            let image = &self.files[&id];
            let mut bytes = image.durable.clone();
            for effect in &image.pending {
                if matches!(effect, Effect::Written(..)) {
                    let mut fate = |_: usize| match () {
                        () if survives(random) => Fate::Written,
                        () if garbage && random.below(4) == 0 => Fate::Garbage(random.below(256) as u8),
                        () => Fate::Lost,
                    };
                    change(&mut bytes, effect, Some(&mut fate));
                } else if survives(random) {
                    change(&mut bytes, effect, None);
                }
            }
            files.insert(name, bytes);
        }
        world(&files)
    }
}

/// A world that holds these files.
fn world(files: &BTreeMap<Vec<u8>, Vec<u8>>) -> MemoryIo {
    let io = MemoryIo::deterministic(11);
    for (name, bytes) in files {
        let flags = OpenFlags { create: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite) };
        let file = io.open(Some(name), flags).settle(&io).unwrap().file;
        file.write(0, vec![IoSlice::whole(Buffer::copy_of(bytes))]).settle(&io).unwrap();
    }
    io
}

enum Fate {
    Written,
    Lost,
    Garbage(u8),
}

fn rename(names: &mut BTreeMap<Vec<u8>, u64>, effect: &Effect) {
    match effect {
        Effect::Created(name, id) => {
            names.insert(name.clone(), *id);
        }
        Effect::Removed(name) => {
            names.remove(name);
        }
        _ => {}
    }
}

fn change(bytes: &mut Vec<u8>, effect: &Effect, mut fate: Option<&mut dyn FnMut(usize) -> Fate>) {
    match effect {
        Effect::Cut(_, len) => bytes.resize(*len as usize, 0),
        Effect::Written(_, at, data) => {
            let at = *at as usize;
            let mut from = 0;
            while from < data.len() {
                let sector = (at + from) / SECTOR;
                let to = ((sector + 1) * SECTOR - at).min(data.len());
                let fate = fate.as_mut().map_or(Fate::Written, |fate| fate(sector));
                if bytes.len() < at + to && !matches!(fate, Fate::Lost) {
                    bytes.resize(at + to, 0);
                }
                match fate {
                    Fate::Written => bytes[at + from..at + to].copy_from_slice(&data[from..to]),
                    Fate::Garbage(byte) => bytes[at + from..at + to].fill(byte),
                    Fate::Lost => {}
                }
                from = to;
            }
        }
        _ => {}
    }
}

struct RecordedFile {
    inner: Arc<dyn File>,
    disk: Recorder,
}

impl RecordedFile {
    fn id_number(&self) -> u64 {
        self.inner.id().inode
    }
}

impl File for RecordedFile {
    fn read(&self, at: u64, buffer: Buffer) -> Pending<(Buffer, usize)> {
        self.inner.read(at, buffer)
    }
    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.bytes().to_vec()).collect();
        self.disk.note(Effect::Written(self.id_number(), at, bytes));
        self.inner.write(at, slices)
    }
    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        let _ = self.write(at, slices);
        self.sync(true)
    }
    fn sync(&self, data_only: bool) -> Pending<()> {
        self.disk.note(Effect::Synced(self.id_number()));
        self.inner.sync(data_only)
    }
    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        self.disk.note(Effect::Cut(self.id_number(), len_bytes));
        self.inner.truncate(len_bytes)
    }
    fn len(&self) -> Pending<u64> {
        self.inner.len()
    }
    fn id(&self) -> FileId {
        self.inner.id()
    }
    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        self.inner.lock(want)
    }
    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }
    fn reserved(&self) -> Result<bool, IoError> {
        self.inner.reserved()
    }
    fn device(&self) -> DeviceTraits {
        self.inner.device()
    }
    fn prefetch(&self, at: u64, len: usize) {
        self.inner.prefetch(at, len);
    }
    fn control(&self, op: FileControl) {
        self.inner.control(op);
    }
    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        self.inner.shm(read_only)
    }
    fn still_linked(&self) -> Result<bool, IoError> {
        self.inner.still_linked()
    }
}

impl Io for Recorder {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let existed = path.is_some_and(|path| matches!(self.stat(path).settle(self), Ok(Some(_))));
        let opened = match self.inner.open(path, flags).settle(&*self.inner) {
            Ok(opened) => opened,
            Err(error) => return Pending::err(error),
        };
        if let (Some(path), false) = (path, existed) {
            self.note(Effect::Created(path.to_vec(), opened.file.id().inode));
        }
        let file = RecordedFile { inner: opened.file, disk: self.clone() };
        Pending::ok(OpenOutcome { file: Arc::new(file), read_only: opened.read_only })
    }
    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        self.inner.stat(path)
    }
    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        self.inner.canonical(path)
    }
    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        self.note(Effect::Removed(path.to_vec()));
        if sync_dir {
            self.note(Effect::DirectorySynced);
        }
        self.inner.remove(path, sync_dir)
    }
    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        self.note(Effect::DirectorySynced);
        self.inner.sync_dir(path)
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
        self.inner.flush();
    }
    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.inner.wait(outstanding, until)
    }
    fn name(&self) -> &'static str {
        "recorder"
    }
}
