//! Trees on a pager that spills, rolls back and shares its file with SQLite, which checks every page of it.
#![allow(clippy::disallowed_methods)] // SQLite and its files are outside the world under test

use kernite_io::SyscallIo;

use super::interop::{Folder, Sqlite, bytes_of};
use super::*;
use crate::btree::{Btree, CursorId, InsertFlags, RowPayload, SeekOutcome};

struct Bed {
    io: SharedIo,
    btree: Btree,
}

impl Bed {
    fn run<T>(&mut self, mut step: impl FnMut(&mut Btree) -> Step<T>) -> T {
        loop {
            if let Some(value) = step(&mut self.btree).unwrap() {
                return value;
            }
            self.io.flush();
            self.io.wait(self.btree.outstanding(), None).unwrap();
        }
    }
}

/// A record of (NULL, text).
fn record(len: usize, byte: u8) -> Vec<u8> {
    let serial = 13 + 2 * len as u64;
    let mut varint = Vec::new();
    for shift in (0..3).rev() {
        let part = (serial >> (7 * shift)) as u8 & 0x7f;
        if part != 0 || shift == 0 || !varint.is_empty() {
            varint.push(if shift == 0 { part } else { part | 0x80 });
        }
    }
    let mut out = vec![2 + varint.len() as u8, 0];
    out.extend_from_slice(&varint);
    out.resize(out.len() + len, b'a' + byte % 26);
    out
}

fn work(bed: &mut Bed, root: PageNo, rows: &mut Vec<(i64, usize)>, random: &mut Random) {
    bed.run(|btree| btree.begin(TransactionKind::Write));
    let before = rows.clone();
    let cursor = bed.btree.open_cursor(root, None, true).unwrap();
    let mut saved: Option<Vec<(i64, usize)>> = None;
    for _ in 0..120 {
        match random.below(12) {
            0 if saved.is_none() => {
                bed.run(|btree| btree.savepoint_open(1));
                saved = Some(rows.clone());
            }
            1 => {
                if let Some(saved) = saved.take() {
                    bed.run(|btree| btree.savepoint_rollback(0));
                    bed.run(|btree| btree.savepoint_release(0));
                    *rows = saved;
                }
            }
            2..7 if !rows.is_empty() => {
                let index = random.below(rows.len());
                delete(bed, cursor, rows[index].0);
                rows.remove(index);
            }
            _ => {
                let rowid = random.below(100_000) as i64;
                let len = if random.below(10) == 0 { random.below(9000) } else { random.below(200) };
                let bytes = record(len, rowid as u8);
                let payload = RowPayload::Table { rowid, record: &bytes, zero_tail: 0 };
                bed.run(|btree| btree.insert(cursor, payload, InsertFlags::default()));
                rows.retain(|row| row.0 != rowid);
                rows.push((rowid, len));
            }
        }
    }
    bed.btree.close_cursor(cursor);
    if random.below(4) == 0 {
        bed.run(|btree| btree.rollback(false));
        *rows = before;
    } else {
        bed.run(|btree| btree.commit_prepare(None));
        bed.run(Btree::commit_finish);
    }
    bed.run(Btree::end_read);
}

fn delete(bed: &mut Bed, cursor: CursorId, rowid: i64) {
    let found = bed.run(|btree| btree.seek_rowid(cursor, rowid));
    assert_eq!(found, SeekOutcome::At(std::cmp::Ordering::Equal));
    bed.run(|btree| btree.delete(cursor, false));
}

#[test]
fn sqlite_finds_nothing_wrong_with_trees_that_spilled_and_rolled_back() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("trees");
    for (mode, journal) in [
        ("delete", JournalMode::Delete),
        ("persist", JournalMode::Persist),
        ("delete", JournalMode::Memory),
        ("wal", JournalMode::Wal),
    ] {
        for auto_vacuum in 0..3 {
            let path = folder.file(&format!("{journal:?}{auto_vacuum}.db"));
            sqlite.open(&path);
            sqlite.sql("PRAGMA page_size=1024");
            sqlite.sql(&format!("PRAGMA auto_vacuum={auto_vacuum}"));
            sqlite.sql(&format!("PRAGMA journal_mode={mode}"));
            sqlite.sql("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
            let root: u32 = sqlite.sql("SELECT rootpage FROM sqlite_schema").parse().unwrap();
            let root = PageNo::new(root).unwrap();
            let io: SharedIo = Arc::new(SyscallIo::new());
            let options = OpenOptions { path: Some(bytes_of(&path)), ..OpenOptions::default() };
            let mut bed = Bed { io: Arc::clone(&io), btree: Btree::new(io, options) };
            bed.run(Btree::open);
            bed.btree.set_cache_size(10);
            bed.btree.set_synchronous(Synchronous::Off);
            bed.run(|btree| btree.set_journal_mode(journal));
            let mut random = Random::new(auto_vacuum + 1);
            let mut rows = Vec::new();
            for round in 0..25 {
                work(&mut bed, root, &mut rows, &mut random);
                let told = format!("{journal:?} auto_vacuum {auto_vacuum} round {round}");
                assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok", "{told}");
                let expected: usize = rows.iter().map(|row| row.1 + row.0 as usize).sum();
                let found = sqlite.sql("SELECT coalesce(sum(length(b) + a), 0) FROM t");
                assert_eq!(found, expected.to_string(), "{told}");
                if round % 5 == 4 {
                    sqlite.sql("DELETE FROM t WHERE a % 3 = 0");
                    rows.retain(|row| row.0 % 3 != 0);
                }
            }
            bed.run(Btree::close);
            sqlite.close();
        }
    }
}
