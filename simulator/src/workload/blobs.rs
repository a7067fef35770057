//! Large values: overflow chains that grow, shrink and go.

use super::{Chooser, Invariant, Plan, Workload};

/// The workload.
pub struct Blobs;

impl Workload for Blobs {
    fn name(&self) -> &'static str {
        "blobs"
    }

    fn schema(&self) -> Vec<String> {
        vec![
            "CREATE TABLE file(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL)".into(),
            "CREATE TABLE part(file INTEGER, number INTEGER, data BLOB, PRIMARY KEY(file, number))".into(),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let id = 1 + chooser.below(12);
        let size = chooser.pick(&[10u64, 500, 3000, 9000, 30000, 70000]) + chooser.below(64);
        match chooser.below(7) {
            0..=2 => Plan::write(
                chooser,
                vec![format!(
                    "INSERT OR REPLACE INTO file VALUES({id}, {size}, CAST(printf('%.*c', {size}, 'd') AS BLOB))"
                )],
            ),
            3 => Plan::write(
                chooser,
                vec![
                    format!(
                        "UPDATE file SET data = CAST(data || printf('%.*c', {size}, 'e') AS BLOB), size = size + {size} WHERE id={id} AND size < 100000"
                    ),
                    format!(
                        "UPDATE file SET data = substr(data, 1, 100), size = min(size, 100) WHERE id={}",
                        id + 1
                    ),
                ],
            ),
            4 => Plan::write(
                chooser,
                vec![
                    format!("DELETE FROM part WHERE file={id}"),
                    format!("INSERT INTO part SELECT id, 1, substr(data, 1, size/2) FROM file WHERE id={id}"),
                    format!("INSERT INTO part SELECT id, 2, substr(data, size/2+1) FROM file WHERE id={id}"),
                ],
            ),
            5 => Plan::write(
                chooser,
                vec![
                    format!("DELETE FROM file WHERE id={id}"),
                    format!("DELETE FROM part WHERE file % 3 = {}", id % 3),
                ],
            ),
            _ => Plan::read(vec![
                "SELECT id, size, length(data), hex(substr(data, size - 4)) FROM file ORDER BY id".into(),
                "SELECT file, sum(length(data)) FROM part GROUP BY file ORDER BY file".into(),
            ]),
        }
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { sql: "SELECT count(*) FROM file WHERE size <> length(data)", expected: 0 }]
    }
}
