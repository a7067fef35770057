//! Money moves between two databases that are attached to each other: a transaction over two files, held together by a super-journal.
//!
//! Each ticket of the ledger has its twin in the other file. Whatever becomes of a commit, either both are there or neither.
//! Never: WAL. There a power loss may keep one file's half, in SQLite as well.

use super::{Attached, Chooser, Invariant, Plan, Workload};

const ACCOUNTS: u64 = 12;
const MONEY: i64 = 100;

/// The workload.
pub struct Pair;

impl Workload for Pair {
    fn name(&self) -> &'static str {
        "pair"
    }

    fn attached(&self) -> Option<Attached> {
        Some(Attached { name: "other", path: "/simulated-other.db" })
    }

    fn schema(&self) -> Vec<String> {
        let fill = |table: &str| {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{ACCOUNTS}) \
                 INSERT INTO {table} SELECT i, {MONEY}, zeroblob(i * 40) FROM n"
            )
        };
        vec![
            "CREATE TABLE here(id INTEGER PRIMARY KEY, money INTEGER NOT NULL, note)".into(),
            "CREATE TABLE other.there(id INTEGER PRIMARY KEY, money INTEGER NOT NULL, note)".into(),
            "CREATE TABLE other.moved(id INTEGER PRIMARY KEY, amount INTEGER)".into(),
            "CREATE TABLE moved_here(id INTEGER PRIMARY KEY, amount INTEGER)".into(),
            fill("here"),
            fill("other.there"),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let (from, to) = (1 + chooser.below(ACCOUNTS), 1 + chooser.below(ACCOUNTS));
        let amount = chooser.below(60) as i64 - 30;
        match chooser.below(8) {
            0 | 1 => Plan::read(vec![
                "SELECT (SELECT sum(money) FROM here) + (SELECT sum(money) FROM other.there)".into(),
                "SELECT count(*), sum(amount) FROM other.moved".into(),
            ]),
            2 => Plan::write(
                chooser,
                vec![format!("UPDATE here SET note = zeroblob({} * 100) WHERE id = {from}", amount.abs())],
            ),
            3 => Plan::write(
                chooser,
                vec![format!(
                    "UPDATE other.there SET note = zeroblob({} * 100) WHERE id = {to}",
                    amount.abs()
                )],
            ),
            _ => Plan::write(
                chooser,
                vec![
                    format!("UPDATE here SET money = money - {amount} WHERE id = {from}"),
                    format!("INSERT INTO moved_here(amount) VALUES({amount})"),
                    format!("UPDATE other.there SET money = money + {amount} WHERE id = {to}"),
                    format!("INSERT INTO other.moved(amount) VALUES({amount})"),
                ],
            ),
        }
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant {
                sql: "SELECT (SELECT sum(money) FROM here) + (SELECT sum(money) FROM other.there)",
                expected: 2 * ACCOUNTS as i64 * MONEY,
            },
            Invariant {
                sql: "SELECT (SELECT count(*) FROM moved_here) - (SELECT count(*) FROM other.moved)",
                expected: 0,
            },
            Invariant {
                sql: "SELECT (SELECT coalesce(sum(amount), 0) FROM moved_here) - (SELECT coalesce(sum(amount), 0) FROM other.moved)",
                expected: 0,
            },
        ]
    }
}
