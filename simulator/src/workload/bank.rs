//! Money moves between accounts; the sum stays.

use super::{Chooser, Invariant, Plan, Workload};

const ACCOUNTS: u64 = 40;
const MONEY: i64 = 100;

/// The workload.
pub struct Bank;

impl Workload for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn schema(&self) -> Vec<String> {
        vec![
            "CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT, money INTEGER NOT NULL CHECK(money >= 0))".into(),
            "CREATE INDEX account_money ON account(money, owner)".into(),
            "CREATE TABLE transfer(id INTEGER PRIMARY KEY, source INTEGER, target INTEGER, amount INTEGER)".into(),
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{ACCOUNTS}) \
                 INSERT INTO account SELECT i, 'owner ' || i, {MONEY} FROM n"
            ),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        if chooser.below(4) == 3 {
            return Plan::read(vec![
                "SELECT sum(money) FROM account".into(),
                "SELECT count(*), max(money) FROM account WHERE money > 90".into(),
                "SELECT sum(money) FROM account".into(),
            ]);
        }
        let mut statements = Vec::new();
        for _ in 0..=chooser.below(3) {
            let (source, target) = (1 + chooser.below(ACCOUNTS), 1 + chooser.below(ACCOUNTS));
            let amount = chooser.below(60);
            if source == target {
                continue;
            }
            statements.push(format!("SELECT money FROM account WHERE id={source}"));
            // One statement, so that the check keeps or refuses both halves.
            statements.push(format!(
                "UPDATE account SET money = money + CASE id WHEN {source} THEN -{amount} ELSE {amount} END \
                 WHERE id IN ({source}, {target})"
            ));
            statements.push(format!(
                "INSERT INTO transfer(source, target, amount) VALUES({source}, {target}, {amount})"
            ));
        }
        if chooser.below(8) == 7 {
            let bound = 1 + chooser.below(50);
            statements.push(format!("DELETE FROM transfer WHERE id % 50 < {bound}"));
        }
        Plan::write(chooser, statements)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { sql: "SELECT sum(money) FROM account", expected: ACCOUNTS as i64 * MONEY },
            Invariant {
                sql: "SELECT count(*) FROM account INDEXED BY account_money WHERE money >= 0",
                expected: ACCOUNTS as i64,
            },
        ]
    }
}
