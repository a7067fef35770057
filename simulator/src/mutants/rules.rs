//! A workload of rules: constraints of every kind, conversions, collations, directions, counters; statements that break a rule half-way.
//!
//! Never: an invariant of its own. The model knows what each statement has to give.

use crate::workload::{Begin, Chooser, Plan, Workload};

/// The workload.
pub(super) struct Rules;

impl Workload for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn schema(&self) -> Vec<String> {
        [
            "CREATE TABLE person(id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT COLLATE NOCASE UNIQUE, rank INT CHECK(rank < 90), \
             motto TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'none', born REAL)",
            "CREATE INDEX person_rank ON person(rank DESC, code)",
            "CREATE UNIQUE INDEX person_born ON person(born, code)",
            "CREATE TABLE mark(name TEXT PRIMARY KEY, value, half AS (value / 2)) WITHOUT ROWID",
            "CREATE INDEX mark_value ON mark(value DESC) WHERE value > 10",
            "CREATE TABLE heap(name TEXT, body TEXT)",
            "CREATE TABLE tally(kind TEXT PRIMARY KEY, n INT)",
            "CREATE TRIGGER person_gone AFTER DELETE ON person BEGIN \
             INSERT INTO tally VALUES('gone', 1) ON CONFLICT(kind) DO UPDATE SET n = n + 1; END",
        ]
        .map(String::from)
        .to_vec()
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        match chooser.below(10) {
            0 | 1 => Plan::read(queries(chooser)),
            2 => {
                let n = chooser.below(2);
                let statements = vec![
                    format!("CREATE TABLE IF NOT EXISTS short{n}(a INTEGER PRIMARY KEY, b)"),
                    format!("INSERT INTO short{n}(b) SELECT code FROM person"),
                    format!("DROP TABLE IF EXISTS short{}", 1 - n),
                ];
                Plan { begin: Begin::Immediate, ..Plan::write(chooser, statements) }
            }
            _ => {
                let mut statements: Vec<String> = (0..=chooser.below(5)).map(|_| change(chooser)).collect();
                if chooser.below(4) == 3 {
                    statements.extend(large(chooser));
                }
                statements.extend(queries(chooser).into_iter().take(1));
                Plan::write(chooser, statements)
            }
        }
    }
}

/// Rows with long chains that come, take each other's pages, and go, some within one transaction.
fn large(chooser: &mut Chooser<'_>) -> Vec<String> {
    let sign = chooser.pick(&['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    let (old, new) = (chooser.below(3), chooser.below(3));
    let size = 3_000 + 1_000 * chooser.below(12);
    let mut statements = vec![
        // Otherwise free pages are overwritten, and nothing depends on what was on them.
        "PRAGMA secure_delete=OFF".into(),
        format!("DELETE FROM heap WHERE name = '{old}'"),
        format!("INSERT INTO heap VALUES('{new}', printf('%.*c', {size}, '{sign}'))"),
    ];
    if chooser.below(3) == 2 {
        statements.push(format!("DELETE FROM heap WHERE name = '{new}'"));
    }
    statements
}

fn queries(chooser: &mut Chooser<'_>) -> Vec<String> {
    let (low, high) = (chooser.below(40), chooser.below(90));
    vec![
        format!(
            "SELECT id, code FROM person WHERE rank > '{low}' AND born <> '{high}' ORDER BY rank DESC, id"
        ),
        format!(
            "SELECT count(*), max(rank) FROM person WHERE code >= 'P{low}' AND rank BETWEEN {low} AND {high}"
        ),
        format!("SELECT name, value, half FROM mark WHERE value > {} ORDER BY value, name", low / 2),
        format!(
            "SELECT count(*) FROM person p JOIN mark m ON m.name = p.code WHERE CAST(p.id AS TEXT) = m.value OR p.rank = '{high}'"
        ),
        "SELECT DISTINCT code FROM person ORDER BY code COLLATE BINARY".into(),
    ]
}

fn change(chooser: &mut Chooser<'_>) -> String {
    let (a, b) = (chooser.below(60), chooser.below(100));
    let letter = chooser.pick(&['p', 'P', 'q']);
    match chooser.below(13) {
        0 => format!("INSERT INTO person(code, rank, born) VALUES('{letter}{a}', '{b}', {a})"),
        1 => format!(
            "INSERT INTO person(code, rank, motto, born) VALUES('{letter}{a}', {b}, NULL, '{a}.5'), (NULL, 1, 'x', NULL), \
             ('{letter}{}', 200, 'y', 3)",
            a + 1
        ),
        2 => format!(
            "INSERT OR REPLACE INTO person(code, rank, born) VALUES('{letter}{a}', {b}, {b}), (NULL, 7, NULL)"
        ),
        3 => format!("INSERT OR IGNORE INTO person(id, code, rank) VALUES({a}, '{letter}{b}', 5)"),
        4 => format!("UPDATE person SET rank = rank + {}, born = born + 0.5 WHERE id > {a}", b / 4),
        5 => format!("UPDATE OR REPLACE person SET code = '{letter}{a}' WHERE rank < {}", b / 8),
        6 => format!("DELETE FROM person WHERE rank = '{b}' OR id = {a}"),
        7 => format!("REPLACE INTO person(id, code, rank, born) VALUES({a}, '{letter}{b}', {a}, NULL)"),
        8 => format!("INSERT OR REPLACE INTO mark VALUES('{letter}{a}', {b}), ('{letter}{}', '{b}')", a / 2),
        9 => format!("UPDATE mark SET value = value + 1 WHERE value < {b} OR name = '{letter}{a}'"),
        10 => format!("DELETE FROM mark WHERE name > '{letter}{a}'"),
        11 => ["DELETE FROM mark", "DELETE FROM tally", "DELETE FROM person WHERE id > 20"]
            [chooser.below(3) as usize]
            .into(),
        _ => format!(
            "INSERT INTO mark SELECT code, rank FROM person WHERE id % 3 = {} AND code IS NOT NULL",
            a % 3
        ),
    }
}
