//! Generated SQL: tables, indexes, views and triggers from a seed, and statements that fit them.
//!
//! Row for row what the clients saw is held against SQLite by the model, as with every workload; here the statements are ones that
//! nobody thought of.
//!
//! Never: statements that change the schema (their names could not be told apart between clients).

use super::{Begin, Chooser, Plan, Workload};
use crate::engine::{Engine, SqliteEngine};
use crate::generate::Generator;

/// The workload of one seed.
pub struct Generated {
    seed: u64,
    schema: Vec<String>,
}

/// Statements of a transaction at most.
const STATEMENTS_MAX: u64 = 5;

impl Generated {
    /// The schema of `seed`.
    pub fn new(seed: u64) -> Generated {
        let mut schema = Generator::new(seed).schema();
        // What connections set for themselves is not part of a schema; and rows that a constraint refuses are not part of the tables.
        schema.retain(|sql| !sql.starts_with("PRAGMA"));
        if let Ok(mut model) = SqliteEngine::in_memory() {
            schema.retain(|sql| model.run(sql).is_ok());
        }
        Generated { seed, schema }
    }
}

impl Workload for Generated {
    fn name(&self) -> &'static str {
        "generated"
    }

    fn schema(&self) -> Vec<String> {
        self.schema.clone()
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let mut generator = Generator::new(self.seed);
        // The generator has to know the tables; their statements it has given before.
        let _ = generator.schema();
        generator.reseed(chooser.below(1 << 40));
        let count = 1 + chooser.below(STATEMENTS_MAX);
        if chooser.below(4) == 3 {
            return Plan::read((0..count).map(|_| generator.plain_query()).collect());
        }
        let plan = Plan::write(chooser, (0..count).map(|_| generator.plain_statement()).collect());
        // A conflict clause may end the transaction; then nothing is left that a deferred one would have to upgrade.
        Plan {
            begin: if plan.begin == Begin::Exclusive { Begin::Exclusive } else { Begin::Immediate },
            ..plan
        }
    }
}
