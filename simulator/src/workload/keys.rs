//! A store of keys and values without rowids: the tree is the index.

use super::{Chooser, Invariant, Plan, Workload};

/// The workload.
pub struct Keys;

impl Workload for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn schema(&self) -> Vec<String> {
        vec![
            "CREATE TABLE store(key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT) WITHOUT ROWID"
                .into(),
            "CREATE INDEX store_value ON store(value DESC)".into(),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let key = |chooser: &mut Chooser<'_>| format!("k{:03}", chooser.below(200));
        if chooser.below(4) == 3 {
            let from = key(chooser);
            return Plan::read(vec![
                format!("SELECT key, version FROM store WHERE key >= '{from}' ORDER BY key LIMIT 10"),
                "SELECT count(*), sum(version), sum(length(value)) FROM store".into(),
            ]);
        }
        let mut statements = Vec::new();
        for _ in 0..=chooser.below(6) {
            let key = key(chooser);
            let length = chooser.pick(&[3, 20, 90, 400, 3000]);
            statements.push(match chooser.below(6) {
                0 => format!("DELETE FROM store WHERE key='{key}'"),
                1 => format!("DELETE FROM store WHERE key BETWEEN '{key}' AND '{key}~' OR version % 7 = 3"),
                2 => format!("INSERT INTO store VALUES('{key}', 1, printf('%.*c', {length}, 'a'))"),
                3 => format!("UPDATE store SET version = version + 1, value = value || 'b' WHERE key >= '{key}' AND key < '{key}9'"),
                _ => format!(
                    "INSERT INTO store VALUES('{key}', 1, printf('%.*c', {length}, 'c')) \
                     ON CONFLICT(key) DO UPDATE SET version = version + 1, value = excluded.value"
                ),
            });
        }
        Plan::write(chooser, statements)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { sql: "SELECT count(*) FROM store WHERE version < 1", expected: 0 }]
    }
}
