//! Files shared with SQLite: what it writes we read and recover, what we write it checks. Needs `python3` with its module `sqlite3`; without it
//! these trials say so and prove nothing.
#![allow(clippy::disallowed_methods)] // the other process and its files are outside the world under test

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kernite_io::SyscallIo;

use super::*;
use crate::CheckpointMode;

/// A SQLite process that does what it is told, line by line: Python statements, each answered by a line.
pub(super) struct Sqlite {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const PROGRAM: &str = r#"
import sqlite3, sys
db = None
for line in sys.stdin:
    try:
        answer = eval(line) if not line.startswith('!') else exec(line[1:])
        print(answer)
    except Exception as error:
        print('error:', error)
    sys.stdout.flush()
"#;

impl Sqlite {
    pub(super) fn start() -> Option<Sqlite> {
        let child = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("python3 is not there: nothing was compared with SQLite");
            return None;
        };
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Sqlite { child, input, output })
    }

    fn tell(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end().to_string()
    }

    pub(super) fn open(&mut self, path: &Path) {
        let path = path.display();
        assert_eq!(
            self.tell(&format!("!db = sqlite3.connect('{path}', isolation_level=None, timeout=0)")),
            "None"
        );
    }

    /// The first column of the first row.
    pub(super) fn sql(&mut self, sql: &str) -> String {
        self.tell(&format!("(db.execute(\"\"\"{sql}\"\"\").fetchone() or ['none'])[0]"))
    }

    pub(super) fn close(&mut self) {
        assert_eq!(self.tell("!db.close()"), "None");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A folder that goes away.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("kernite-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A database as SQLite likes them, with a table of `rows` rows.
fn fixture(sqlite: &mut Sqlite, path: &Path, mode: &str, page_size: u32, rows: u32) {
    sqlite.open(path);
    sqlite.sql(&format!("PRAGMA page_size={page_size}"));
    assert_eq!(sqlite.sql(&format!("PRAGMA journal_mode={mode}")), mode);
    sqlite.sql("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    sqlite.sql(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows}) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n"
    ));
}

fn connect(path: &Path, setup: Setup) -> Trial {
    let io: SharedIo = Arc::new(SyscallIo::new());
    let options = OpenOptions { path: Some(bytes_of(path)), create: true, ..OpenOptions::default() };
    let mut trial = Trial { io: Arc::clone(&io), pager: Pager::new(&io, &options) };
    trial.run(|pager| pager.open(&io, &options)).unwrap();
    trial.pager.set_cache_size(setup.cache_size);
    trial
}

/// All pages as one connection sees them.
fn pages(trial: &mut Trial) -> Vec<Vec<u8>> {
    trial.begin(TransactionKind::Read).unwrap();
    let all = (1..=trial.pager.page_count())
        .map(|page| {
            trial.trim().unwrap();
            let frame = trial.run(|pager| pager.get(PageNo::new(page).unwrap())).unwrap();
            trial.pager.page(frame).to_vec()
        })
        .collect();
    trial.run(Pager::end_read).unwrap();
    all
}

fn pages_of_file(path: &Path, page_size: usize) -> Vec<Vec<u8>> {
    std::fs::read(path).unwrap().chunks(page_size).map(<[u8]>::to_vec).collect()
}

/// Sets `user_version`, a field of page 1 that SQLite shows.
fn set_user_version(trial: &mut Trial, version: u32) -> Result<(), Error> {
    trial.begin(TransactionKind::Write)?;
    let frame = trial.run(|pager| pager.get(PageNo::ONE))?;
    let (bytes, _) = trial.pager.write_in_place(frame)?;
    bytes[60..64].copy_from_slice(&version.to_be_bytes());
    trial.commit()
}

fn user_version(trial: &mut Trial) -> u32 {
    u32::from_be_bytes(pages(trial)[0][60..64].try_into().unwrap())
}

#[test]
fn sqlite_and_we_take_turns_in_rollback_modes() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("turns");
    for (mode, page_size) in [("delete", 512), ("truncate", 1024), ("persist", 4096), ("delete", 65536)] {
        let path = folder.file(&format!("{mode}{page_size}.db"));
        fixture(&mut sqlite, &path, mode, page_size, 500);
        let mut trial = connect(&path, Setup::default());
        let ours = JournalMode::Persist;
        trial.run(|pager| pager.set_journal_mode(ours)).unwrap();
        for round in 1..5 {
            set_user_version(&mut trial, round).unwrap();
            assert_eq!(sqlite.sql("PRAGMA user_version"), round.to_string());
            sqlite.sql(&format!("UPDATE t SET b = hex(randomblob({round}00)) WHERE a % 3 = 0"));
            assert_eq!(pages(&mut trial), pages_of_file(&path, page_size as usize));
            assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok");
        }
        trial.close().unwrap();
        sqlite.close();
    }
}

#[test]
fn sqlite_and_we_share_a_wal() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("wal");
    for page_size in [512, 4096, 65536] {
        let path = folder.file(&format!("{page_size}.db"));
        fixture(&mut sqlite, &path, "wal", page_size, 300);
        sqlite.sql("PRAGMA wal_autocheckpoint=0");
        let mut trial = connect(&path, Setup::default());
        for round in 1..12 {
            set_user_version(&mut trial, round).unwrap();
            assert_eq!(trial.pager.journal_mode(), JournalMode::Wal);
            assert_eq!(sqlite.sql("PRAGMA user_version"), round.to_string());
            sqlite.sql("UPDATE t SET b = hex(randomblob(40)) WHERE a % 5 = 0");
            assert_eq!(sqlite.sql(&format!("PRAGMA user_version = {}", round + 100)), "none");
            assert_eq!(user_version(&mut trial), round + 100);
            match round % 4 {
                0 => {
                    let outcome = trial.run(|pager| pager.checkpoint(CheckpointMode::Truncate)).unwrap();
                    assert!(!outcome.busy, "{outcome:?}");
                }
                1 => {
                    let outcome = trial.run(|pager| pager.checkpoint(CheckpointMode::Passive)).unwrap();
                    assert_eq!(outcome.log_frames, outcome.checkpointed_frames);
                    assert_eq!(pages(&mut trial), pages_of_file(&path, page_size as usize));
                }
                2 => assert_eq!(sqlite.sql("PRAGMA wal_checkpoint(RESTART)"), "0"),
                _ => {}
            }
            assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok");
        }
        sqlite.close();
        assert_eq!(user_version(&mut trial), 111);
        trial.close().unwrap();
        assert!(!suffixed(&path, "-wal").exists() && !suffixed(&path, "-shm").exists());
        sqlite.open(&path);
        assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok");
        assert_eq!(sqlite.sql("PRAGMA user_version"), "111");
        sqlite.close();
    }
}

#[test]
fn locks_hold_between_sqlite_and_us() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("locks");
    for mode in ["delete", "wal"] {
        let path = folder.file(&format!("{mode}.db"));
        fixture(&mut sqlite, &path, mode, 4096, 10);
        let mut trial = connect(&path, Setup::default());
        trial.begin(TransactionKind::Write).unwrap();
        assert_eq!(sqlite.sql("BEGIN IMMEDIATE"), "error: database is locked");
        trial.rollback().unwrap();
        assert_eq!(sqlite.sql("BEGIN IMMEDIATE"), "none");
        assert!(matches!(trial.begin(TransactionKind::Write), Err(Error::Busy)));
        assert_eq!(sqlite.sql("COMMIT"), "none");
        // A reader here holds up a commit there in rollback mode, and not in WAL mode.
        trial.begin(TransactionKind::Read).unwrap();
        let answer = sqlite.sql("UPDATE t SET b = 1");
        assert_eq!(answer, if mode == "wal" { "none" } else { "error: database is locked" });
        trial.run(Pager::end_read).unwrap();
        set_user_version(&mut trial, 3).unwrap();
        assert_eq!(sqlite.sql("PRAGMA user_version"), "3");
        trial.close().unwrap();
        sqlite.close();
    }
}

#[test]
fn a_journal_that_sqlite_left_is_rolled_back() {
    let folder = Folder::new("hot");
    for (mode, page_size) in [("delete", 1024), ("persist", 4096), ("truncate", 512)] {
        let Some(mut sqlite) = Sqlite::start() else { return };
        let path = folder.file(&format!("{mode}.db"));
        fixture(&mut sqlite, &path, mode, page_size, 3000);
        let before = pages_of_file(&path, page_size as usize);
        sqlite.sql("PRAGMA cache_size=5");
        sqlite.sql("BEGIN");
        sqlite.sql("UPDATE t SET b = hex(randomblob(90))"); // far more than the cache: it spills
        sqlite.kill();
        assert_ne!(pages_of_file(&path, page_size as usize), before, "nothing was spilled");
        let mut trial = connect(&path, Setup::default());
        assert_eq!(pages(&mut trial), before);
        assert_eq!(pages_of_file(&path, page_size as usize), before);
        assert!(!suffixed(&path, "-journal").exists());
        trial.close().unwrap();
    }
}

#[test]
fn a_wal_that_sqlite_left_is_recovered() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("recover");
    let path = folder.file("left.db");
    fixture(&mut sqlite, &path, "wal", 4096, 2000);
    sqlite.sql("PRAGMA wal_autocheckpoint=0");
    sqlite.sql("PRAGMA user_version = 42");
    sqlite.sql("PRAGMA cache_size=5");
    sqlite.sql("BEGIN");
    sqlite.sql("UPDATE t SET b = hex(randomblob(90))");
    sqlite.kill();
    std::fs::remove_file(suffixed(&path, "-shm")).unwrap();
    let mut trial = connect(&path, Setup::default());
    assert_eq!(user_version(&mut trial), 42);
    set_user_version(&mut trial, 43).unwrap();
    trial.close().unwrap();
    let mut sqlite = Sqlite::start().unwrap();
    sqlite.open(&path);
    assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok");
    assert_eq!(sqlite.sql("SELECT count(*) || ' ' || (SELECT * FROM pragma_user_version) FROM t"), "2000 43");
}

#[test]
fn what_we_leave_behind_sqlite_recovers() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("leave");
    for mode in ["delete", "wal"] {
        let path = folder.file(&format!("{mode}.db"));
        fixture(&mut sqlite, &path, mode, 1024, 2000);
        sqlite.close();
        // Copies taken while a transaction has spilled are what a crash would leave.
        let mut trial = connect(&path, Setup { cache_size: 10, ..Setup::default() });
        set_user_version(&mut trial, 7).unwrap();
        trial.begin(TransactionKind::Write).unwrap();
        let count = trial.pager.page_count();
        for page in 2..=count {
            trial.trim().unwrap();
            let frame = trial.run(|pager| pager.get(PageNo::new(page).unwrap())).unwrap();
            trial.pager.write_in_place(frame).unwrap().0[200..].fill(page as u8);
        }
        assert!(trial.pager.transaction.file_written, "nothing was spilled");
        let copy = folder.file(&format!("{mode}-copy.db"));
        for suffix in ["", "-journal", "-wal"] {
            let from = suffixed(&path, suffix);
            if from.exists() {
                std::fs::copy(from, suffixed(&copy, suffix)).unwrap();
            }
        }
        trial.rollback().unwrap();
        trial.close().unwrap();
        for database in [&path, &copy] {
            sqlite.open(database);
            assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok", "{mode} {}", database.display());
            assert_eq!(
                sqlite.sql("SELECT count(*) || ' ' || (SELECT * FROM pragma_user_version) FROM t"),
                "2000 7"
            );
            sqlite.close();
        }
    }
}

#[test]
fn modes_that_we_switch_sqlite_follows() {
    let Some(mut sqlite) = Sqlite::start() else { return };
    let folder = Folder::new("modes");
    let path = folder.file("modes.db");
    fixture(&mut sqlite, &path, "delete", 4096, 100);
    sqlite.close();
    for (ours, theirs) in
        [(JournalMode::Wal, "wal"), (JournalMode::Delete, "delete"), (JournalMode::Wal, "wal")]
    {
        let mut trial = connect(&path, Setup::default());
        assert_eq!(trial.run(|pager| pager.set_journal_mode(ours)).unwrap(), ours);
        set_user_version(&mut trial, 5).unwrap();
        sqlite.open(&path);
        assert_eq!(sqlite.sql("PRAGMA journal_mode"), theirs);
        assert_eq!(sqlite.sql("PRAGMA user_version"), "5");
        assert_eq!(sqlite.sql("PRAGMA integrity_check"), "ok");
        sqlite.close();
        trial.close().unwrap();
    }
}
