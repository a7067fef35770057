//! Power loss: which of the un-synced changes are still there when the machine comes back.
//!
//! What the durability contract assumes of a disk, and nothing kinder: 512-byte sectors are written whole or not at all, overwriting
//! one leaves its neighbours alone, and of what was not synced anything may be lost, reordered, torn, or in place but full of
//! garbage. A name that its directory's sync did not cover may be the old one or the new one, whatever became of the file.
//!
//! ```text
//! Nothing     only what was synced              Prefix   the first n changes, in the order in which they were made
//! Everything  as if the plug had waited         Subset   each change by itself, whole
//! Torn        each sector by itself             Garbage  each sector by itself, lost ones sometimes with other bytes in them
//! ```
//!
//! One thing keeps its order, as in every journalling file system: a cut of a file is not there while an earlier change of a name is
//! lost. SQLite relies on it: in DELETE mode with FULL it cuts the database after it unlinked the journal, without a sync between.
//!
//! Never: touching what was synced.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::{Change, Disk, FileNo, Node, SECTOR_BYTES, put};

/// A way to lose power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    Nothing,
    Everything,
    Prefix,
    Subset,
    Torn,
    Garbage,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 6] =
        [Loss::Nothing, Loss::Everything, Loss::Prefix, Loss::Subset, Loss::Torn, Loss::Garbage];

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Nothing => "keep nothing",
            Loss::Everything => "keep everything",
            Loss::Prefix => "keep a prefix",
            Loss::Subset => "keep a subset",
            Loss::Torn => "torn sectors",
            Loss::Garbage => "torn sectors and garbage",
        }
    }
}

/// What becomes of a sector that was not synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    Lost,
    Garbage,
}

impl Disk {
    /// The disk after a power loss. `below(n)` chooses a number below `n`.
    pub fn after_power_loss(&self, loss: Loss, below: &mut dyn FnMut(u64) -> u64) -> Disk {
        let horizon = match loss {
            Loss::Nothing => 0,
            Loss::Prefix => self.cut_of_a_prefix(below),
            _ => u64::MAX,
        };
        let mut left = Disk::default();
        let (names, first_lost) = self.names_left(loss, horizon, below);
        for (path, file) in names {
            if let Some(node) = self.nodes.get(&file) {
                left.install(&path, content_left(node, loss, horizon, first_lost, below));
            }
        }
        left
    }

    fn cut_of_a_prefix(&self, below: &mut dyn FnMut(u64) -> u64) -> u64 {
        let of_files =
            self.nodes.values().flat_map(|node| node.unsynced.iter().map(|unsynced| unsynced.number));
        let mut numbers: Vec<u64> =
            of_files.chain(self.unsynced_names.iter().map(|renamed| renamed.number)).collect();
        numbers.sort_unstable();
        let kept = below(numbers.len() as u64 + 1) as usize;
        kept.checked_sub(1).map_or(0, |last| numbers[last])
    }

    fn names_left(
        &self,
        loss: Loss,
        horizon: u64,
        below: &mut dyn FnMut(u64) -> u64,
    ) -> (BTreeMap<Vec<u8>, FileNo>, u64) {
        let mut names = self.durable_names.clone();
        let mut first_lost = u64::MAX;
        let mut at = 0;
        let mut lost: Vec<&[u8]> = Vec::new();
        while let Some(renamed) = self.unsynced_names.get(at) {
            at += 1;
            let whole = matches!(loss, Loss::Nothing | Loss::Everything | Loss::Prefix);
            // Once a change of a name is lost, later ones of that name are lost too: a directory does not skip.
            if renamed.number > horizon
                || lost.contains(&renamed.path.as_slice())
                || (!whole && below(4) == 3)
            {
                lost.push(&renamed.path);
                first_lost = first_lost.min(renamed.number);
                continue;
            }
            match renamed.to {
                Some(file) => names.insert(renamed.path.clone(), file),
                None => names.remove(&renamed.path),
            };
        }
        (names, first_lost)
    }
}

fn content_left(
    node: &Node,
    loss: Loss,
    horizon: u64,
    first_lost: u64,
    below: &mut dyn FnMut(u64) -> u64,
) -> Vec<u8> {
    if loss == Loss::Everything {
        return (*node.seen).clone();
    }
    let mut content = Vec::clone(&node.durable);
    // How much of it survives differs from crash to crash: sometimes nearly all, sometimes nearly nothing.
    let kept_of_8 = if matches!(loss, Loss::Subset | Loss::Torn | Loss::Garbage) { 1 + below(7) } else { 8 };
    for unsynced in node.unsynced.iter().take_while(|unsynced| unsynced.number <= horizon) {
        match (&unsynced.change, loss) {
            (Change::Truncate { .. }, _) if unsynced.number > first_lost => {}
            (change, Loss::Nothing | Loss::Everything | Loss::Prefix) => change.apply(&mut content),
            (change, Loss::Subset) | (change @ Change::Truncate { .. }, _) => {
                if below(8) < kept_of_8 {
                    change.apply(&mut content);
                }
            }
            (Change::Write { at, bytes }, Loss::Torn | Loss::Garbage) => {
                write_torn(&mut content, *at, bytes, loss, kept_of_8, below);
            }
        }
    }
    content
}

fn write_torn(
    content: &mut Vec<u8>,
    at: u64,
    bytes: &Arc<[u8]>,
    loss: Loss,
    kept_of_8: u64,
    below: &mut dyn FnMut(u64) -> u64,
) {
    let end = at + bytes.len() as u64;
    let mut start = at;
    let old_len = content.len();
    // The size may have grown although the bytes never came.
    if end > old_len as u64 && below(2) == 1 {
        content.resize(end as usize, 0);
    }
    while start < end {
        let stop = end.min((start / SECTOR_BYTES + 1) * SECTOR_BYTES);
        let part = &bytes[(start - at) as usize..(stop - at) as usize];
        let fate = match below(8) {
            kept if kept < kept_of_8 => Fate::Written,
            7 if loss == Loss::Garbage => Fate::Garbage,
            _ => Fate::Lost,
        };
        match fate {
            Fate::Written => put(content, start as usize, part),
            Fate::Garbage => {
                let mut word = below(u64::MAX) | 1;
                let garbage: Vec<u8> = part
                    .iter()
                    .map(|_| {
                        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                        (word >> 56) as u8
                    })
                    .collect();
                put(content, start as usize, &garbage);
            }
            Fate::Lost => {}
        }
        start = stop;
    }
}

/// What a write that was cut off leaves: its first `sectors` sectors, as whole ones.
pub fn first_sectors(at: u64, bytes: &[u8], sectors: u64) -> &[u8] {
    let stop = (at / SECTOR_BYTES + sectors) * SECTOR_BYTES;
    let len = stop.saturating_sub(at).min(bytes.len() as u64);
    &bytes[..len as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        let mut disk = Disk::default();
        disk.install(b"/old", vec![b'o'; 2048]);
        let old = disk.find(b"/old").unwrap();
        disk.change(old, Change::Write { at: 512, bytes: vec![b'n'; 2048].into() });
        let new = disk.create(Some(b"/new"));
        disk.change(new, Change::Write { at: 0, bytes: vec![b'x'; 100].into() });
        disk
    }

    /// A small stream of numbers for `below`.
    fn stream(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |bound| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 33) % bound.max(1)
        }
    }

    #[test]
    fn nothing_and_everything_are_the_two_ends() {
        let nothing = disk().after_power_loss(Loss::Nothing, &mut stream(1));
        assert_eq!((nothing.content(b"/old"), nothing.find(b"/new")), (Some(&[b'o'; 2048][..]), None));
        let everything = disk().after_power_loss(Loss::Everything, &mut stream(1));
        assert_eq!(everything.content(b"/old").map(<[u8]>::len), Some(2560));
        assert_eq!(everything.content(b"/new"), Some(&[b'x'; 100][..]));
    }

    #[test]
    fn torn_writes_tear_at_sectors_and_leave_synced_bytes_alone() {
        let mut shapes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let left = disk().after_power_loss(Loss::Torn, &mut stream(seed));
            let old = left.content(b"/old").unwrap();
            assert!(old[..512].iter().all(|&byte| byte == b'o'));
            for (number, sector) in old.chunks(512).enumerate() {
                let first = sector[0];
                assert!(sector.iter().all(|&byte| byte == first), "sector {number} is mixed");
            }
            shapes.insert(old.chunks(512).map(|sector| sector[0]).collect::<Vec<u8>>());
        }
        assert!(shapes.len() > 12, "{} shapes", shapes.len());
    }

    #[test]
    fn garbage_appears_only_where_something_was_being_written() {
        let mut garbage = 0;
        for seed in 0..200 {
            let left = disk().after_power_loss(Loss::Garbage, &mut stream(seed));
            let old = left.content(b"/old").unwrap();
            assert!(old[..512].iter().all(|&byte| byte == b'o'));
            garbage += usize::from(old.iter().any(|byte| !b"on\0".contains(byte)));
        }
        assert!(garbage > 20);
    }

    #[test]
    fn a_write_cut_off_ends_at_a_sector() {
        let bytes = [7; 2000];
        assert_eq!(first_sectors(0, &bytes, 2).len(), 1024);
        assert_eq!(first_sectors(100, &bytes, 1).len(), 412);
        assert_eq!(first_sectors(100, &bytes, 0).len(), 0);
        assert_eq!(first_sectors(0, &bytes, 9).len(), 2000);
    }
}
