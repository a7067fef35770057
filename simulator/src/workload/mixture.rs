//! A little of everything: schema changes under open connections, savepoints, triggers, conflicts, maintenance.

use super::{Begin, Chooser, Plan, Workload};

/// The workload.
pub struct Mixture;

impl Workload for Mixture {
    fn name(&self) -> &'static str {
        "mixture"
    }

    fn schema(&self) -> Vec<String> {
        vec![
            "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price REAL, note BLOB)".into(),
            "CREATE TABLE tag(item INTEGER REFERENCES item(id), word TEXT COLLATE NOCASE, PRIMARY KEY(item, word))".into(),
            "CREATE TABLE log(id INTEGER PRIMARY KEY, text TEXT)".into(),
            "CREATE TRIGGER item_deleted AFTER DELETE ON item BEGIN \
             DELETE FROM tag WHERE item=old.id; INSERT INTO log(text) VALUES('deleted ' || old.name); END"
                .into(),
            "CREATE VIEW expensive AS SELECT id, name FROM item WHERE price > 50".into(),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        match chooser.below(16) {
            0 => maintenance(chooser),
            1 | 2 => schema_change(chooser),
            3..=5 => Plan::read(vec![
                "SELECT count(*), sum(price), max(name) FROM item".into(),
                "SELECT i.name, t.word FROM item i JOIN tag t ON t.item=i.id ORDER BY i.name, t.word LIMIT 20".into(),
                "SELECT count(*) FROM expensive".into(),
                "SELECT word, count(*) FROM tag GROUP BY word ORDER BY word".into(),
            ]),
            6..=8 => savepoints(chooser),
            _ => {
                let count = 1 + chooser.below(5);
                let statements = (0..count).map(|_| change(chooser)).collect();
                Plan::write(chooser, statements)
            }
        }
    }
}

fn change(chooser: &mut Chooser<'_>) -> String {
    let (id, word) = (1 + chooser.below(300), chooser.pick(&["red", "Green", "BLUE", "yellow", "Red"]));
    let length = chooser.pick(&[0u64, 10, 200, 1500]);
    match chooser.below(9) {
        0 => {
            format!("INSERT INTO item VALUES({id}, 'item {id}', {id} * 0.25, printf('%.*c', {length}, 'n'))")
        }
        1 => format!("INSERT OR IGNORE INTO item VALUES({id}, 'item {}', {id}, NULL)", id / 2),
        2 => format!(
            "INSERT OR REPLACE INTO item(id, name, price) VALUES({id}, 'other {}', {id} / 3.0)",
            id % 20
        ),
        3 => format!(
            "UPDATE item SET price = price * 1.5, note = printf('%.*c', {length}, 'm') WHERE id % 10 = {}",
            id % 10
        ),
        4 => format!("DELETE FROM item WHERE id BETWEEN {id} AND {}", id + 20),
        5 => format!("INSERT OR IGNORE INTO tag SELECT id, '{word}' FROM item WHERE id % 5 = {}", id % 5),
        6 => format!("DELETE FROM tag WHERE word = '{word}' AND item < {id}"),
        7 => format!(
            "WITH RECURSIVE n(i) AS (SELECT {id} UNION ALL SELECT i+1 FROM n WHERE i < {id} + 25) \
             INSERT OR IGNORE INTO item SELECT i, 'many ' || i, i % 97, zeroblob({length} / 4) FROM n"
        ),
        _ => format!("UPDATE OR REPLACE item SET name = 'item {}' WHERE id = {id}", id + 1),
    }
}

fn savepoints(chooser: &mut Chooser<'_>) -> Plan {
    let mut statements = vec![change(chooser), "SAVEPOINT one".into(), change(chooser)];
    match chooser.below(3) {
        0 => statements.extend(["ROLLBACK TO one".into(), change(chooser), "RELEASE one".into()]),
        1 => {
            statements.extend(["SAVEPOINT two".into(), change(chooser), change(chooser)]);
            statements.extend([
                "ROLLBACK TO two".into(),
                change(chooser),
                "ROLLBACK TO one".into(),
                change(chooser),
            ]);
        }
        _ => statements.extend(["RELEASE one".into(), change(chooser)]),
    }
    statements.push("SELECT count(*), sum(price) FROM item".into());
    let mut plan = Plan::write(chooser, statements);
    // Not inside a savepoint that is rolled back: the ticket stands for the transaction.
    plan.ticket_at = 0;
    plan
}

fn schema_change(chooser: &mut Chooser<'_>) -> Plan {
    let number = chooser.below(3);
    let statements = match chooser.below(5) {
        0 => vec![
            format!("CREATE TABLE extra{number}(a INTEGER PRIMARY KEY, b TEXT, c)"),
            format!("INSERT INTO extra{number}(b) SELECT name FROM item"),
        ],
        1 => vec![format!("DROP TABLE extra{number}")],
        2 => vec![format!("CREATE INDEX item_price{number} ON item(price DESC, name)")],
        3 => vec![format!("DROP INDEX item_price{number}")],
        _ => vec![
            format!("CREATE TABLE IF NOT EXISTS extra{number}(a INTEGER PRIMARY KEY, b TEXT, c)"),
            format!("CREATE INDEX extra_b{number} ON extra{number}(b)"),
            format!("UPDATE extra{number} SET c = length(b)"),
            format!("SELECT count(*), sum(c) FROM extra{number}"),
        ],
    };
    let mut plan = Plan::write(chooser, statements);
    plan.begin = Begin::Immediate;
    plan
}

fn maintenance(chooser: &mut Chooser<'_>) -> Plan {
    Plan::alone(vec![
        chooser
            .pick(&[
                "PRAGMA wal_checkpoint(PASSIVE)",
                "PRAGMA wal_checkpoint(FULL)",
                "PRAGMA wal_checkpoint(RESTART)",
                "PRAGMA wal_checkpoint(TRUNCATE)",
                "PRAGMA incremental_vacuum(5)",
                "VACUUM",
                "PRAGMA integrity_check",
                "PRAGMA quick_check",
            ])
            .into(),
    ])
}
