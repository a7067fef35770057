//! The benchmark's workloads, the same source for both engines.
//!
//! `kernite` names its API as `rusqlite` does, so one macro body serves both: a workload cannot differ by accident. Each
//! workload is a `prepare` that makes its state and a `run` that does the measured work once.
//!
//! Databases are files in WAL mode with `synchronous=NORMAL`, in a folder given by the caller. The data is made from a fixed
//! multiplicative sequence: keys and values are scattered, and the same on every run.

use std::path::Path;

/// Rows of the large table.
pub const ROWS: i64 = 1_000_000;
/// Rows of the table that is joined to it.
pub const JOINED: i64 = 100_000;

/// One line of the table of ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    PointByRowid,
    PointByIndex,
    RangeSum,
    ScanLike,
    Group10,
    Group100k,
    OrderBy,
    Join,
    AutocommitInsert,
    BulkInsert,
    UpdateByKey,
    DeleteRange,
    CreateIndex,
    Prepare,
    OpenQueryClose,
}

impl Workload {
    /// All of them, in the order of the table.
    pub const ALL: [Workload; 15] = [
        Workload::PointByRowid,
        Workload::PointByIndex,
        Workload::RangeSum,
        Workload::ScanLike,
        Workload::Group10,
        Workload::Group100k,
        Workload::OrderBy,
        Workload::Join,
        Workload::AutocommitInsert,
        Workload::BulkInsert,
        Workload::UpdateByKey,
        Workload::DeleteRange,
        Workload::CreateIndex,
        Workload::Prepare,
        Workload::OpenQueryClose,
    ];

    /// The name in the table and in criterion's folders.
    pub const fn name(self) -> &'static str {
        match self {
            Workload::PointByRowid => "point SELECT by rowid (10k)",
            Workload::PointByIndex => "point SELECT by index (10k)",
            Workload::RangeSum => "range scan with SUM (1M)",
            Workload::ScanLike => "full scan with LIKE (1M)",
            Workload::Group10 => "GROUP BY, 10 groups (1M)",
            Workload::Group100k => "GROUP BY, 100k groups (1M)",
            Workload::OrderBy => "ORDER BY (1M)",
            Workload::Join => "join 1M x 100k",
            Workload::AutocommitInsert => "autocommit inserts (2k)",
            Workload::BulkInsert => "insert 1M in one transaction",
            Workload::UpdateByKey => "UPDATE by key (20k)",
            Workload::DeleteRange => "DELETE of a range (100k)",
            Workload::CreateIndex => "CREATE INDEX (1M)",
            Workload::Prepare => "prepare (10k)",
            Workload::OpenQueryClose => "open, first query, close (200)",
        }
    }

    /// Whether the measured work changes the database, which is then made anew for each run.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Workload::AutocommitInsert
                | Workload::BulkInsert
                | Workload::UpdateByKey
                | Workload::DeleteRange
                | Workload::CreateIndex
        )
    }
}

/// A database with a workload's state in it.
pub trait Bench {
    /// Does the measured work once and gives a number that both engines have to agree on.
    fn run(&mut self, workload: Workload) -> i64;
}

/// A number between 0 and `below`, scattered over the range by `n`.
fn scattered(n: i64, below: i64) -> i64 {
    (n.wrapping_mul(0x9E37_79B9).wrapping_add(n >> 3) & 0x7fff_ffff) % below
}

macro_rules! engine {
    ($(#[$doc:meta])* $module:ident, $krate:ident) => {
        $(#[$doc])*
        pub mod $module {
            use std::path::{Path, PathBuf};

            use $krate::{Connection, params};

            use super::{JOINED, ROWS, Workload, scattered};

            /// An open database and where it is.
            pub struct Database {
                connection: Connection,
                path: PathBuf,
            }

            /// Makes the database file that read-only workloads share and writing ones copy.
            pub fn make(path: &Path) {
                let connection = Connection::open(path).expect("opens");
                connection
                    .execute_batch(
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
                         CREATE TABLE big(id INTEGER PRIMARY KEY, k INTEGER, ten INTEGER, many INTEGER, name TEXT, r REAL);
                         CREATE TABLE small(id INTEGER PRIMARY KEY, v INTEGER, label TEXT);
                         BEGIN;",
                    )
                    .expect("schema");
                {
                    let mut insert = connection.prepare("INSERT INTO big VALUES(?1,?2,?3,?4,?5,?6)").expect("prepares");
                    for id in 0..ROWS {
                        let k = scattered(id, ROWS);
                        let name = format!("name of row {k}");
                        insert
                            .execute(params![id, k, k % 10, scattered(id + 7, JOINED), name, k as f64 * 0.5])
                            .expect("inserts");
                    }
                    let mut insert = connection.prepare("INSERT INTO small VALUES(?1,?2,?3)").expect("prepares");
                    for id in 0..JOINED {
                        insert.execute(params![id, scattered(id, 1000), format!("label {id}")]).expect("inserts");
                    }
                }
                connection
                    .execute_batch("CREATE INDEX big_k ON big(k); COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")
                    .expect("index");
            }

            impl Database {
                /// Opens a database that [`make`] made.
                pub fn open(path: &Path) -> Database {
                    let connection = Connection::open(path).expect("opens");
                    connection.execute_batch("PRAGMA synchronous=NORMAL;").expect("pragma");
                    Database { connection, path: path.to_path_buf() }
                }

                fn one(&self, sql: &str) -> i64 {
                    self.connection.query_row(sql, [], |row| row.get(0)).expect("one row")
                }

                /// Steps through all rows and adds up the first column.
                fn all(&self, sql: &str) -> i64 {
                    let mut statement = self.connection.prepare(sql).expect("prepares");
                    let mut rows = statement.query([]).expect("runs");
                    let (mut sum, mut place) = (0i64, 1i64);
                    while let Some(row) = rows.next().expect("steps") {
                        sum = sum.wrapping_add(row.get::<_, i64>(0).expect("an integer").wrapping_mul(place));
                        place += 1;
                    }
                    sum
                }

                fn points(&self, sql: &str) -> i64 {
                    let mut statement = self.connection.prepare(sql).expect("prepares");
                    (0..10_000).fold(0, |sum: i64, n| {
                        let key = scattered(n * 31, ROWS);
                        sum + statement.query_row([key], |row| row.get::<_, i64>(0)).unwrap_or(0)
                    })
                }

                fn changes(&self, sql: &str, times: i64) -> i64 {
                    let mut statement = self.connection.prepare(sql).expect("prepares");
                    (0..times).map(|n| statement.execute([scattered(n * 17, ROWS)]).expect("runs") as i64).sum()
                }
            }

            impl super::Bench for Database {
                fn run(&mut self, workload: Workload) -> i64 {
                    match workload {
                        Workload::PointByRowid => self.points("SELECT k FROM big WHERE id=?1"),
                        Workload::PointByIndex => self.points("SELECT ten FROM big WHERE k=?1"),
                        Workload::RangeSum => self.one("SELECT sum(k) FROM big WHERE id BETWEEN 0 AND 999999"),
                        Workload::ScanLike => self.one("SELECT count(*) FROM big WHERE name LIKE '%777%'"),
                        Workload::Group10 => self.all("SELECT sum(k) FROM big GROUP BY ten"),
                        Workload::Group100k => self.all("SELECT sum(k) FROM big GROUP BY many"),
                        Workload::OrderBy => self.all("SELECT ten FROM big ORDER BY r"),
                        Workload::Join => self.one("SELECT sum(small.v) FROM big JOIN small ON small.id=big.many"),
                        Workload::AutocommitInsert => {
                            let sql = "INSERT INTO small(v, label) VALUES(?1, 'an inserted row')";
                            self.changes(sql, 2_000)
                        }
                        Workload::BulkInsert => {
                            self.connection.execute_batch("CREATE TABLE bulk(a INTEGER, b TEXT, c REAL); BEGIN").expect("begins");
                            let mut count = 0;
                            {
                                let mut insert = self.connection.prepare("INSERT INTO bulk VALUES(?1,?2,?3)").expect("prepares");
                                for n in 0..ROWS {
                                    count += insert.execute(params![n, "some text of a row", 0.25]).expect("inserts") as i64;
                                }
                            }
                            self.connection.execute_batch("COMMIT").expect("commits");
                            count
                        }
                        Workload::UpdateByKey => {
                            self.connection.execute_batch("BEGIN").expect("begins");
                            let changed = self.changes("UPDATE big SET r=r+1 WHERE id=?1", 20_000);
                            self.connection.execute_batch("COMMIT").expect("commits");
                            changed
                        }
                        Workload::DeleteRange => {
                            let sql = "DELETE FROM big WHERE id BETWEEN 300000 AND 399999";
                            self.connection.execute(sql, []).expect("deletes") as i64
                        }
                        Workload::CreateIndex => {
                            self.connection.execute_batch("CREATE INDEX big_many ON big(many)").expect("creates");
                            self.one("SELECT count(*) FROM big WHERE many=5")
                        }
                        Workload::Prepare => (0..10_000)
                            .map(|_| {
                                let statement = self.connection.prepare("SELECT k, name FROM big WHERE id=?1").expect("prepares");
                                statement.column_count() as i64
                            })
                            .sum(),
                        Workload::OpenQueryClose => (0..200)
                            .map(|_| Database::open(&self.path).one("SELECT count(*) FROM small WHERE id=7"))
                            .sum(),
                    }
                }
            }
        }
    };
}

engine! {
    /// SQLite, bundled.
    sqlite, rusqlite
}
engine! {
    /// Kernite.
    ours, kernite
}

/// A copy of a database for one run of a workload that writes.
pub fn copy(from: &Path, to: &Path) {
    for suffix in ["-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", to.display()));
    }
    std::fs::copy(from, to).expect("the database can be copied");
}
