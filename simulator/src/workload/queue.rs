//! Jobs come in at one end and go out at the other; what came in less what went out is what is there.

use super::{Chooser, Invariant, Plan, Workload};

/// The workload.
pub struct Queue;

impl Workload for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn schema(&self) -> Vec<String> {
        vec![
            "CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, body TEXT)".into(),
            "CREATE INDEX job_state ON job(state, id)".into(),
            "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL)".into(),
            "INSERT INTO counter VALUES('in', 0), ('out', 0)".into(),
        ]
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        match chooser.below(6) {
            0 | 1 => {
                let count = 1 + chooser.below(8);
                let length = chooser.below(1200);
                Plan::write(
                    chooser,
                    vec![
                        format!(
                            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{count}) \
                             INSERT INTO job(state, body) SELECT 'new', printf('%.*c', {length} + i, 'x') FROM n"
                        ),
                        format!("UPDATE counter SET value = value + {count} WHERE name='in'"),
                    ],
                )
            }
            2 => Plan::write(
                chooser,
                vec![
                    "UPDATE job SET state='taken' WHERE id=(SELECT min(id) FROM job WHERE state='new')"
                        .into(),
                ],
            ),
            3 | 4 => {
                let count = 1 + chooser.below(6);
                Plan::write(
                    chooser,
                    vec![
                        format!(
                            "UPDATE counter SET value = value + (SELECT count(*) FROM (SELECT id FROM job ORDER BY id LIMIT {count})) WHERE name='out'"
                        ),
                        format!("DELETE FROM job WHERE id IN (SELECT id FROM job ORDER BY id LIMIT {count})"),
                    ],
                )
            }
            _ => Plan::read(vec![
                "SELECT state, count(*) FROM job GROUP BY state ORDER BY state".into(),
                "SELECT name, value FROM counter ORDER BY name".into(),
                "SELECT count(*), sum(length(body)) FROM job".into(),
            ]),
        }
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant {
            sql: "SELECT (SELECT count(*) FROM job) \
                  - (SELECT value FROM counter WHERE name='in') + (SELECT value FROM counter WHERE name='out')",
            expected: 0,
        }]
    }
}
