//! The simulated disk: for every file what a reader sees, what the platter holds, and the operations in between.
//!
//! ```text
//! write ──> seen ──────────────> every process reads this
//!             └─ unsynced[..] ─sync─> durable ──power loss──> what is left (see `loss`)
//! ```
//!
//! Names are a file of their own: creating and removing changes `names` at once and `durable_names` when the directory is synced, and
//! syncing a file does not persist its name. A file lives while anything, a resurrected name included, can lead to it.
//!
//! Always true: `durable` with all of `unsynced` applied in order is `seen`, unless a sync failed; after one, `seen` may hold what no
//! later sync will write (as Linux does).
//! Never: deciding what is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The unit that is written whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

/// A file by its number; the first is 1.
pub type FileNo = u64;

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub enum Change {
    Write { at: u64, bytes: Arc<[u8]> },
    Truncate { len: u64 },
}

impl Change {
    /// Does it to `content`.
    pub fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => put(content, *at as usize, bytes),
            Change::Truncate { len } => content.resize(*len as usize, 0),
        }
    }
}

/// Writes `bytes` at `at`, with zeros before them where the file ends earlier.
pub fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A change that no sync has covered.
#[derive(Clone, Debug)]
pub struct Unsynced {
    /// The order of all changes of the disk.
    pub number: u64,
    pub change: Change,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pub seen: Arc<Vec<u8>>,
    pub durable: Arc<Vec<u8>>,
    pub unsynced: Vec<Unsynced>,
    /// How many handles are open.
    pub handles: u32,
    /// Whether it has a name at all. A temporary file has none and is not kept over a power loss.
    pub named: bool,
    /// Whether a sync of it ever failed.
    pub sync_failed: bool,
}

/// A change of a directory that no sync of it has covered.
#[derive(Clone, Debug)]
pub struct Renamed {
    pub number: u64,
    pub path: Vec<u8>,
    /// What the name leads to from then on.
    pub to: Option<FileNo>,
}

/// A disk. Cloning is cheap: contents are shared until they change.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub(super) nodes: BTreeMap<FileNo, Node>,
    pub(super) names: BTreeMap<Vec<u8>, FileNo>,
    pub(super) durable_names: BTreeMap<Vec<u8>, FileNo>,
    pub(super) unsynced_names: Vec<Renamed>,
    made: FileNo,
    changes: u64,
    version: u64,
}

fn directory_of(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

impl Disk {
    /// The number of the latest change, of bytes or of names.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// A number that grows with every change and every sync.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where `path` leads.
    pub fn find(&self, path: &[u8]) -> Option<FileNo> {
        self.names.get(path).copied()
    }

    /// All names, in order.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.names.keys().map(Vec::as_slice)
    }

    /// What a reader sees in the file at `path`.
    pub fn content(&self, path: &[u8]) -> Option<&[u8]> {
        self.find(path).map(|file| self.seen(file))
    }

    /// What a reader sees in `file`.
    pub fn seen(&self, file: FileNo) -> &[u8] {
        self.nodes.get(&file).map_or(&[], |node| &node.seen)
    }

    /// Makes a file, with a name or without.
    pub fn create(&mut self, path: Option<&[u8]>) -> FileNo {
        self.made += 1;
        let file = self.made;
        self.nodes.insert(file, Node { named: path.is_some(), ..Node::default() });
        if let Some(path) = path {
            self.rename(path, Some(file));
        }
        file
    }

    fn rename(&mut self, path: &[u8], to: Option<FileNo>) {
        self.changes += 1;
        self.version += 1;
        match to {
            Some(file) => self.names.insert(path.to_vec(), file),
            None => self.names.remove(path),
        };
        self.unsynced_names.push(Renamed { number: self.changes, path: path.to_vec(), to });
    }

    /// Puts a whole, durable file at `path`.
    pub fn install(&mut self, path: &[u8], content: Vec<u8>) {
        let file = self.create(Some(path));
        if let Some(node) = self.nodes.get_mut(&file) {
            node.seen = Arc::new(content);
            node.durable = Arc::clone(&node.seen);
        }
        self.sync_directory(path);
    }

    /// Takes the name away; whether there was one.
    pub fn remove(&mut self, path: &[u8]) -> bool {
        let Some(file) = self.find(path) else { return false };
        self.rename(path, None);
        self.collect(file);
        true
    }

    /// Makes the names beside `path` durable.
    pub fn sync_directory(&mut self, path: &[u8]) {
        self.version += 1;
        let directory = directory_of(path).to_vec();
        let (synced, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unsynced_names)
            .into_iter()
            .partition(|renamed| directory_of(&renamed.path) == directory);
        self.unsynced_names = kept;
        for Renamed { path, to, .. } in synced {
            match to {
                Some(file) => self.durable_names.insert(path, file),
                None => self.durable_names.remove(&path),
            };
        }
        let gone: Vec<FileNo> = self.nodes.keys().copied().collect();
        gone.into_iter().for_each(|file| self.collect(file));
    }

    /// Whether a name leads to `file`.
    pub fn is_linked(&self, file: FileNo) -> bool {
        self.names.values().any(|&to| to == file)
    }

    pub(super) fn open_handle(&mut self, file: FileNo) {
        if let Some(node) = self.nodes.get_mut(&file) {
            node.handles += 1;
        }
    }

    pub(super) fn close_handle(&mut self, file: FileNo) {
        if let Some(node) = self.nodes.get_mut(&file) {
            node.handles = node.handles.saturating_sub(1);
        }
        self.collect(file);
    }

    /// Forgets `file` where nothing can lead to it.
    fn collect(&mut self, file: FileNo) {
        let is_open = self.nodes.get(&file).is_some_and(|node| node.handles > 0);
        let leads = |to: Option<FileNo>| to == Some(file);
        if !is_open
            && !self.names.values().any(|&to| to == file)
            && !self.durable_names.values().any(|&to| to == file)
            && !self.unsynced_names.iter().any(|renamed| leads(renamed.to))
        {
            self.nodes.remove(&file);
        }
    }

    /// Copies what lies at `at` into `out`, zeroes the rest; the number of bytes copied.
    pub fn read(&self, file: FileNo, at: u64, out: &mut [u8]) -> usize {
        let seen = self.seen(file);
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(seen.len());
        let count = (seen.len() - start).min(out.len());
        out[..count].copy_from_slice(&seen[start..start + count]);
        out[count..].fill(0);
        count
    }

    /// Changes what readers see, for a later sync to make durable. The number of the change.
    pub fn change(&mut self, file: FileNo, change: Change) -> u64 {
        self.changes += 1;
        self.version += 1;
        if let Some(node) = self.nodes.get_mut(&file) {
            change.apply(Arc::make_mut(&mut node.seen));
            node.unsynced.push(Unsynced { number: self.changes, change });
        }
        self.changes
    }

    /// Makes durable the changes of `file` up to number `horizon`, but for those in `excluded`, which were still under way.
    pub fn sync(&mut self, file: FileNo, horizon: u64, excluded: &[u64]) {
        self.version += 1;
        let Some(node) = self.nodes.get_mut(&file) else { return };
        let is_covered =
            |unsynced: &Unsynced| unsynced.number <= horizon && !excluded.contains(&unsynced.number);
        if !node.sync_failed && node.unsynced.iter().all(is_covered) {
            // The usual case: nothing later, nothing lost.
            node.unsynced.clear();
            node.durable = Arc::clone(&node.seen);
            return;
        }
        let durable = Arc::make_mut(&mut node.durable);
        node.unsynced.retain(|unsynced| {
            let covered = is_covered(unsynced);
            if covered {
                unsynced.change.apply(durable);
            }
            !covered
        });
    }

    /// A sync of `file` failed: of what it covered, that for which `keep` says so reached the platter, and the rest never will.
    pub fn fail_sync(&mut self, file: FileNo, horizon: u64, mut keep: impl FnMut() -> bool) {
        self.version += 1;
        let Some(node) = self.nodes.get_mut(&file) else { return };
        let later = node.unsynced.partition_point(|unsynced| unsynced.number <= horizon);
        node.sync_failed = true;
        let durable = Arc::make_mut(&mut node.durable);
        for unsynced in node.unsynced.drain(..later) {
            if keep() {
                unsynced.change.apply(durable);
            }
        }
    }

    /// A hash of all that readers see and all that would survive.
    pub fn hash(&self) -> u64 {
        let mut hash = 0u64;
        let mut mix = |bytes: &[u8]| {
            for chunk in bytes.chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
        };
        for (path, file) in &self.names {
            mix(path);
            mix(self.seen(*file));
            mix(self.nodes.get(file).map_or(&[], |node| &node.durable));
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: u64, bytes: &[u8]) -> Change {
        Change::Write { at, bytes: bytes.into() }
    }

    #[test]
    fn a_sync_covers_what_was_written_before_its_horizon() {
        let mut disk = Disk::default();
        let file = disk.create(Some(b"/a"));
        let first = disk.change(file, write(0, b"one"));
        disk.change(file, write(3, b"two"));
        disk.sync(file, first, &[]);
        assert_eq!(&**disk.nodes[&file].durable, b"one");
        assert_eq!(disk.seen(file), b"onetwo");
        disk.sync(file, u64::MAX, &[]);
        assert_eq!(&**disk.nodes[&file].durable, b"onetwo");
    }

    #[test]
    fn what_a_failed_sync_dropped_is_seen_but_never_durable() {
        let mut disk = Disk::default();
        let file = disk.create(Some(b"/a"));
        disk.change(file, write(0, b"lost"));
        disk.fail_sync(file, u64::MAX, || false);
        disk.change(file, write(4, b"kept"));
        disk.sync(file, u64::MAX, &[]);
        assert_eq!(disk.seen(file), b"lostkept");
        assert_eq!(&**disk.nodes[&file].durable, b"\0\0\0\0kept");
    }

    #[test]
    fn a_name_is_durable_after_its_directory_was_synced_and_a_removed_file_may_come_back() {
        let mut disk = Disk::default();
        disk.create(Some(b"/d/a"));
        assert!(disk.durable_names.is_empty());
        disk.sync_directory(b"/d/other");
        assert!(disk.durable_names.contains_key(b"/d/a".as_slice()));
        disk.remove(b"/d/a");
        assert!(disk.find(b"/d/a").is_none() && disk.nodes.len() == 1);
        disk.sync_directory(b"/d/a");
        assert!(disk.nodes.is_empty());
    }
}
