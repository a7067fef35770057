//! The world as one process has it: [`kernite_io::Io`].
//!
//! Never: a call without its decision point, but for those that touch nothing (clock, random bytes, names).

use std::sync::{Arc, Mutex, PoisonError};

use kernite_io::{
    Completion, FileStat, Instant, Io, IoError, OpenFlags, OpenOutcome, Outstanding, Pending, WallTime,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::trace::Call;

use super::file::SimFile;
use super::flight::{About, Landing, Timer};
use super::state::World;

/// Where the simulated clock starts: 2024-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_704_067_200_000;

/// A process's view of its world.
pub struct SimIo {
    world: Arc<World>,
    process: usize,
    random: Mutex<ChaCha8Rng>,
}

impl SimIo {
    /// The view of `process`.
    pub(crate) fn new(world: Arc<World>, process: usize) -> SimIo {
        let seed = world.lock().options.seed;
        let random = ChaCha8Rng::seed_from_u64(seed ^ ((process as u64 + 1) << 40));
        SimIo { world, process, random: Mutex::new(random) }
    }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

impl Io for SimIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let (world, process) = (Arc::clone(&self.world), self.process);
        let path = path.map(<[u8]>::to_vec);
        let text = path.as_deref().map_or("a temporary file".into(), shown);
        self.world.submit(
            self.process,
            Call::Open,
            About::default(),
            None,
            || text,
            move |state, landing| {
                if landing != Landing::Whole {
                    return Err(IoError::Dead);
                }
                let (handle, read_only) = state.open(process, path.as_deref(), &flags)?;
                let file = state.handle(handle, kernite_io::IoOp::Open)?.file;
                let immutable = flags.immutable;
                let locking = !(flags.no_lock || immutable);
                let file = SimFile::new(world, process, handle, file, locking, immutable);
                Ok(OpenOutcome { file: Arc::new(file), read_only }.into())
            },
        )
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        let (process, path) = (self.process, path.to_vec());
        let text = shown(&path);
        self.world.submit(
            self.process,
            Call::Stat,
            About::default(),
            None,
            || text,
            move |state, _| Ok(state.stat(process, &path)?.into()),
        )
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        Ok(if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() })
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        let (process, path) = (self.process, path.to_vec());
        let text = shown(&path);
        self.world.submit(
            self.process,
            Call::Remove,
            About::default(),
            None,
            || text,
            move |state, landing| {
                if landing == Landing::Not {
                    return Err(IoError::Dead);
                }
                Ok(state.remove(process, &path, sync_dir && landing == Landing::Whole)?.into())
            },
        )
    }

    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        let (process, path) = (self.process, path.to_vec());
        let text = shown(&path);
        self.world.submit(
            self.process,
            Call::SyncDir,
            About::default(),
            None,
            || text,
            move |state, landing| {
                if landing != Landing::Whole {
                    return Err(IoError::Dead);
                }
                Ok(state.sync_dir(process, &path)?.into())
            },
        )
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        let mut state = self.world.lock();
        if at.0 <= state.clock_ns {
            return Pending::ok(());
        }
        let completion = Arc::new(Completion::new());
        let timer = Timer { at_ns: at.0, process: self.process, completion: Arc::clone(&completion) };
        state.timers.push(timer);
        Pending::Queued(completion)
    }

    fn now(&self) -> WallTime {
        WallTime(EPOCH_MS.saturating_add_unsigned(self.world.lock().clock_ns / 1_000_000))
    }

    fn monotonic(&self) -> Instant {
        // A look takes its time: who loops until a moment has come must get there.
        let mut state = self.world.lock();
        state.clock_ns += 100;
        Instant(state.clock_ns)
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out);
    }

    fn env(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    fn local_offset(&self, _at: WallTime) -> Option<i64> {
        Some(0)
    }

    fn process_id(&self) -> u32 {
        self.process as u32 + 1
    }

    fn flush(&self) {}

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.world.wait(self.process, outstanding, until.map(|until| until.0), Call::Wait)
    }

    fn name(&self) -> &'static str {
        "simulated"
    }
}
