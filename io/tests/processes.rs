//! Locks and shared memory between real processes: Kernite beside Kernite, and Kernite beside SQLite.
//!
//! The other process is this test's own program (`child_process`, told what to do line by line), or Python with its `sqlite3`
//! module where that is installed; without it those tests say so and check nothing.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kernite_io::{
    AccessMode, File, FileKind, Io, IoError, LockLevel, OpenFlags, SharedMemory, ShmLockMode, ShmSlots,
    SyscallIo,
};

/// What marks an answer among whatever else a test program prints.
const ANSWER: &str = "=> ";

/// Set in a process that is to be a peer.
const PEER: &str = "KERNITE_IO_PEER";

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("kernite-processes-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Scratch(path)
    }

    fn database(&self) -> PathBuf {
        self.0.join("a.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Another process, and the pipes to it.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(mut command: Command) -> Option<Peer> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Peer { child, input, output })
    }

    /// Kernite, with `path` open.
    fn kernite(path: &Path) -> Peer {
        let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
        command.args(["--exact", "child_process", "--nocapture", "--test-threads=1"]).env(PEER, "1");
        let mut peer = Peer::start(command).expect("the test's own program starts");
        assert_eq!(peer.ask(&format!("open {}", path.display())), "ok");
        peer
    }

    /// SQLite, with `path` open and no transaction. `None` where there is no Python.
    fn sqlite(path: &Path) -> Option<Peer> {
        const PROGRAM: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
print("=> ready", flush=True)
for line in sys.stdin:
    try:
        rows = db.execute(line).fetchall()
        print("=> ok", *[value for row in rows for value in row], flush=True)
    except sqlite3.Error as error:
        print("=>", error, flush=True)
"#;
        let mut command = Command::new("python3");
        command.args(["-c", PROGRAM]).arg(path);
        let mut peer = Peer::start(command)?;
        if peer.answer().as_deref() != Some("ready") {
            eprintln!("no python3 with sqlite3: nothing checked");
            return None;
        }
        Some(peer)
    }

    fn answer(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // libtest prints "test child_process ... " before the first answer, on the same line.
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return Some(answer.trim().to_owned());
            }
        }
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.input, "{question}").expect("the peer listens");
        self.answer().expect("the peer answers")
    }

    fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LEVELS: [(&str, LockLevel); 4] = [
    ("none", LockLevel::None),
    ("shared", LockLevel::Shared),
    ("reserved", LockLevel::Reserved),
    ("exclusive", LockLevel::Exclusive),
];

fn said<T>(result: Result<T, IoError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(IoError::Busy) => "busy".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn open(io: &SyscallIo, path: &Path) -> Arc<dyn File> {
    let flags = OpenFlags { create: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite) };
    io.open(Some(path.as_os_str().as_bytes()), flags).settle(io).expect("opens").file
}

const fn slots(first: u8, count: u8) -> ShmSlots {
    ShmSlots { first, count }
}

/// The other process of the tests below. Run by itself it has nobody to listen to and does nothing.
#[test]
#[allow(clippy::disallowed_methods)]
fn child_process() {
    if std::env::var_os(PEER).is_none() {
        return;
    }
    let io = SyscallIo::new();
    let mut file: Option<Arc<dyn File>> = None;
    let mut shm: Option<Arc<dyn SharedMemory>> = None;
    for line in std::io::stdin().lines() {
        let line = line.expect("input is text");
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().expect("a number");
        let mode = || if words[1] == "shared" { ShmLockMode::Shared } else { ShmLockMode::Exclusive };
        let run_of_slots = || slots(number(2) as u8, number(3) as u8);
        let held = || file.as_ref().expect("is open");
        let memory = || shm.as_ref().expect("is open");
        let answer = match words[0] {
            "open" => {
                file = Some(open(&io, Path::new(words[1])));
                "ok".to_owned()
            }
            "lock" => {
                let (_, level) = LEVELS.into_iter().find(|(name, _)| *name == words[1]).expect("a level");
                said(held().lock(level))
            }
            "level" => format!("{:?}", held().lock_level()),
            "reserved" => format!("{}", held().reserved().expect("can tell")),
            "shm" => {
                shm = Some(held().shm(false).expect("opens"));
                "ok".to_owned()
            }
            "take" => said(memory().lock(run_of_slots(), mode())),
            "give" => said(memory().unlock(run_of_slots(), mode())),
            "store" => {
                let region = memory().region(number(1), true).expect("grows").expect("is there");
                region.words()[number(2)].store(number(3) as u32, Relaxed);
                "ok".to_owned()
            }
            "load" => match memory().region(number(1), false).expect("looks") {
                Some(region) => region.words()[number(2)].load(Relaxed).to_string(),
                None => "absent".to_owned(),
            },
            "count" => {
                // Adds 1 `number(1)` times to a word that only the slot protects.
                for _ in 0..number(1) {
                    while memory().lock(slots(0, 1), ShmLockMode::Exclusive).is_err() {
                        std::thread::yield_now();
                    }
                    let region = memory().region(0, true).expect("grows").expect("is there");
                    let value = region.words()[0].load(Relaxed);
                    std::thread::yield_now();
                    region.words()[0].store(value + 1, Relaxed);
                    memory().unlock(slots(0, 1), ShmLockMode::Exclusive).expect("was held");
                }
                "ok".to_owned()
            }
            other => panic!("what is {other}?"),
        };
        println!("{ANSWER}{answer}");
    }
}

#[test]
fn every_pair_of_levels_excludes_each_other_as_in_sqlite() {
    let scratch = Scratch::new("pairs");
    let io = SyscallIo::new();
    let mine = open(&io, &scratch.database());
    let mut peer = Peer::kernite(&scratch.database());
    // What we hold; what the peer hears for shared, reserved, exclusive, each from the one before; where that leaves it.
    let table = [
        (LockLevel::None, ["ok", "ok", "ok"], "Exclusive", "false"),
        (LockLevel::Shared, ["ok", "ok", "busy"], "Pending", "false"),
        (LockLevel::Reserved, ["ok", "busy", "busy"], "Shared", "true"),
        (LockLevel::Exclusive, ["busy", "", ""], "None", "true"),
    ];
    for (level, answers, reached, reserved) in table {
        for step in [LockLevel::Shared, LockLevel::Reserved, LockLevel::Exclusive] {
            if step <= level {
                mine.lock(step).expect("the peer holds nothing");
            }
        }
        assert_eq!(peer.ask("reserved"), reserved, "{level:?}");
        for (want, answer) in ["shared", "reserved", "exclusive"].into_iter().zip(answers) {
            if !answer.is_empty() {
                assert_eq!(peer.ask(&format!("lock {want}")), answer, "{want} beside {level:?}");
            }
        }
        assert_eq!(peer.ask("level"), reached, "beside {level:?}");
        if level == LockLevel::Shared {
            // The peer is pending: nobody comes in, whoever is in may stay, and leaving lets it through.
            mine.lock(LockLevel::None).expect("gives back");
            assert!(matches!(mine.lock(LockLevel::Shared), Err(IoError::Busy)));
            assert_eq!(peer.ask("lock exclusive"), "ok");
            assert_eq!(peer.ask("lock shared"), "ok");
            mine.lock(LockLevel::Shared).expect("readers share");
        }
        assert_eq!(peer.ask("lock none"), "ok");
        mine.lock(LockLevel::None).expect("gives back");
    }
}

#[test]
fn a_writer_that_goes_down_to_shared_leaves_the_way_to_others() {
    let scratch = Scratch::new("down");
    let io = SyscallIo::new();
    let mine = open(&io, &scratch.database());
    let mut peer = Peer::kernite(&scratch.database());
    for top in [LockLevel::Reserved, LockLevel::Exclusive] {
        mine.lock(LockLevel::Shared).expect("is free");
        mine.lock(LockLevel::Reserved).expect("is free");
        mine.lock(top).expect("is free");
        mine.lock(LockLevel::Shared).expect("goes down");
        for (order, answer) in [
            ("reserved", "false"),
            ("lock shared", "ok"),
            ("lock reserved", "ok"),
            ("lock exclusive", "busy"),
        ] {
            assert_eq!(peer.ask(order), answer, "after {top:?}");
        }
        assert_eq!(peer.ask("lock none"), "ok");
        mine.lock(LockLevel::None).expect("gives back");
    }
}

#[test]
fn a_descriptor_closed_in_this_process_drops_no_lock_of_it() {
    let scratch = Scratch::new("close");
    let io = SyscallIo::new();
    let (a, b) = (open(&io, &scratch.database()), open(&io, &scratch.database()));
    let mut peer = Peer::kernite(&scratch.database());
    a.lock(LockLevel::Shared).expect("is free");
    b.lock(LockLevel::Shared).expect("is shared");
    drop(b);
    assert_eq!(peer.ask("lock shared"), "ok");
    assert_eq!(peer.ask("lock exclusive"), "busy");
    // Without locking, and closed all the same.
    let flags = OpenFlags { no_lock: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadOnly) };
    let path = scratch.database();
    drop(io.open(Some(path.as_os_str().as_bytes()), flags).settle(&io).expect("opens"));
    assert_eq!(peer.ask("lock exclusive"), "busy");
    drop(a);
    assert_eq!(peer.ask("lock exclusive"), "ok");
}

#[test]
fn a_killed_process_leaves_no_lock_and_its_wal_index_is_worth_nothing() {
    let scratch = Scratch::new("kill");
    let io = SyscallIo::new();
    let mine = open(&io, &scratch.database());
    let mut peer = Peer::kernite(&scratch.database());
    for order in
        ["lock shared", "lock reserved", "lock exclusive", "shm", "store 1 5 99", "take exclusive 0 8"]
    {
        assert_eq!(peer.ask(order), "ok");
    }
    peer.kill();
    mine.lock(LockLevel::Shared).expect("is free");
    let shm_path = scratch.0.join("a.db-shm");
    let shm_len =
        || io.stat(shm_path.as_os_str().as_bytes()).settle(&io).expect("looks").expect("is left").len_bytes;
    assert_eq!(shm_len(), 65536);
    let shm = mine.shm(false).expect("opens");
    assert_eq!(shm_len(), 3);
    shm.lock(slots(0, 8), ShmLockMode::Exclusive).expect("is free");
    assert!(shm.region(0, false).expect("looks").is_none());
}

#[test]
fn slots_and_words_are_shared_between_processes() {
    let scratch = Scratch::new("slots");
    let io = SyscallIo::new();
    let file = open(&io, &scratch.database());
    let shm = file.shm(false).expect("opens");
    let mut peer = Peer::kernite(&scratch.database());
    shm.region(0, true).expect("grows").expect("is there").words()[7].store(123, Relaxed);
    assert_eq!(peer.ask("shm"), "ok");
    assert_eq!(peer.ask("load 0 7"), "123");
    assert_eq!(peer.ask("load 1 0"), "absent");
    assert_eq!(peer.ask("store 1 0 9"), "ok");
    assert_eq!(shm.region(1, false).expect("looks").expect("is there").words()[0].load(Relaxed), 9);

    // Two holders here count as one there; the slot is free when both are gone.
    let second = open(&io, &scratch.database()).shm(false).expect("opens");
    shm.lock(slots(3, 1), ShmLockMode::Shared).expect("is free");
    second.lock(slots(3, 1), ShmLockMode::Shared).expect("is shared");
    assert_eq!(peer.ask("take shared 3 1"), "ok");
    assert_eq!(peer.ask("give shared 3 1"), "ok");
    assert_eq!(peer.ask("take exclusive 3 1"), "busy");
    shm.unlock(slots(3, 1), ShmLockMode::Shared).expect("was held");
    assert_eq!(peer.ask("take exclusive 3 1"), "busy");
    second.close(false).expect("closes");
    assert_eq!(peer.ask("take exclusive 2 6"), "ok");
    assert!(matches!(shm.lock(slots(7, 1), ShmLockMode::Shared), Err(IoError::Busy)));
    shm.lock(slots(0, 2), ShmLockMode::Exclusive).expect("is free");
    assert_eq!(peer.ask("take shared 1 1"), "busy");
    assert_eq!(peer.ask("give exclusive 2 6"), "ok");
    shm.lock(slots(7, 1), ShmLockMode::Shared).expect("is free");
}

#[test]
fn three_processes_count_without_losing_any() {
    const ROUNDS: usize = 300;
    let scratch = Scratch::new("count");
    let mut peers = [0; 3].map(|_| Peer::kernite(&scratch.database()));
    peers.iter_mut().for_each(|peer| assert_eq!(peer.ask("shm"), "ok"));
    for peer in &mut peers {
        writeln!(peer.input, "count {ROUNDS}").expect("the peer listens");
    }
    peers.iter_mut().for_each(|peer| assert_eq!(peer.answer().as_deref(), Some("ok")));
    assert_eq!(peers[0].ask("load 0 0"), (3 * ROUNDS).to_string());
}

#[test]
fn sqlite_respects_our_locks_and_we_respect_its() {
    let scratch = Scratch::new("sqlite");
    let Some(mut sqlite) = Peer::sqlite(&scratch.database()) else { return };
    assert_eq!(sqlite.ask("create table t(a)"), "ok");
    let io = SyscallIo::new();
    let mine = open(&io, &scratch.database());
    const LOCKED: &str = "database is locked";

    // What we hold, and whether SQLite may read, begin to write, and commit.
    let table = [
        (LockLevel::None, ["ok", "ok", "ok"]),
        (LockLevel::Shared, ["ok", "ok", LOCKED]),
        (LockLevel::Reserved, ["ok", LOCKED, ""]),
        (LockLevel::Exclusive, [LOCKED, "", ""]),
    ];
    for (level, answers) in table {
        for step in [LockLevel::Shared, LockLevel::Reserved, LockLevel::Exclusive] {
            if step <= level {
                mine.lock(step).expect("SQLite holds nothing");
            }
        }
        let orders = ["select a from t", "begin immediate", "commit"];
        for (order, answer) in orders.into_iter().zip(answers).filter(|(_, answer)| !answer.is_empty()) {
            if order == "commit" {
                assert_eq!(sqlite.ask("insert into t values (null)"), "ok");
            }
            assert_eq!(sqlite.ask(order).split(" None").next(), Some(answer), "{order} beside {level:?}");
        }
        mine.lock(LockLevel::None).expect("gives back");
        if level == LockLevel::Shared {
            // It waits at Pending: no new reader comes in.
            assert!(matches!(mine.lock(LockLevel::Shared), Err(IoError::Busy)));
            assert!(mine.reserved().expect("can tell"));
            assert_eq!(sqlite.ask("commit"), "ok");
        }
    }

    // What SQLite holds, and how far we get.
    assert_eq!(sqlite.ask("begin"), "ok");
    assert!(sqlite.ask("select count(*) from t").starts_with("ok"));
    mine.lock(LockLevel::Shared).expect("readers share");
    mine.lock(LockLevel::Reserved).expect("it only reads");
    assert!(matches!(mine.lock(LockLevel::Exclusive), Err(IoError::Busy)));
    assert_eq!(mine.lock_level(), LockLevel::Pending);
    assert_eq!(sqlite.ask("commit"), "ok");
    assert_eq!(sqlite.ask("select a from t"), LOCKED);
    mine.lock(LockLevel::None).expect("gives back");

    assert_eq!(sqlite.ask("begin immediate"), "ok");
    assert!(mine.reserved().expect("can tell"));
    mine.lock(LockLevel::Shared).expect("it has not written yet");
    assert!(matches!(mine.lock(LockLevel::Reserved), Err(IoError::Busy)));
    mine.lock(LockLevel::None).expect("gives back");
    assert_eq!(sqlite.ask("commit"), "ok");

    assert_eq!(sqlite.ask("begin exclusive"), "ok");
    assert!(matches!(mine.lock(LockLevel::Shared), Err(IoError::Busy)));
    assert_eq!(sqlite.ask("commit"), "ok");
    mine.lock(LockLevel::Shared).expect("is free");
}

#[test]
fn sqlite_and_we_share_one_wal_index() {
    const WRITER: ShmSlots = slots(0, 1);
    let scratch = Scratch::new("wal");
    let Some(mut sqlite) = Peer::sqlite(&scratch.database()) else { return };
    assert_eq!(sqlite.ask("pragma journal_mode=wal"), "ok wal");
    assert_eq!(sqlite.ask("create table t(a)"), "ok");
    let io = SyscallIo::new();
    let mine = open(&io, &scratch.database());
    mine.lock(LockLevel::Shared).expect("everybody shares in WAL mode");
    // Joining must not cut what SQLite uses: the header's version number and "is initialised" are there.
    let shm = mine.shm(false).expect("opens");
    let region = shm.region(0, false).expect("looks").expect("is there");
    assert_eq!(region.words()[0].load(Relaxed), 3_007_000);

    assert_eq!(sqlite.ask("begin immediate"), "ok");
    assert!(matches!(shm.lock(WRITER, ShmLockMode::Exclusive), Err(IoError::Busy)));
    assert_eq!(sqlite.ask("commit"), "ok");
    shm.lock(WRITER, ShmLockMode::Exclusive).expect("is free");
    assert_eq!(sqlite.ask("begin immediate"), "database is locked");
    assert!(sqlite.ask("select count(*) from t").starts_with("ok"));
    shm.unlock(WRITER, ShmLockMode::Exclusive).expect("was held");

    // A reader of SQLite's holds one of the read slots.
    assert_eq!(sqlite.ask("begin"), "ok");
    assert!(sqlite.ask("select count(*) from t").starts_with("ok"));
    assert!(matches!(shm.lock(slots(3, 5), ShmLockMode::Exclusive), Err(IoError::Busy)));
    assert_eq!(sqlite.ask("commit"), "ok");
    shm.lock(slots(3, 5), ShmLockMode::Exclusive).expect("is free");
}
