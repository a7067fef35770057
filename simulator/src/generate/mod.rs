//! SQL from a seed: a schema, and statements that fit it.
//!
//! [`script`] gives the statements of one case in order: tables, indexes, views and triggers, then changes and queries mixed, with
//! transactions around some of them. Most statements are valid, by construction; some fail on purpose (constraints), and some by
//! chance, which is as good a test of the errors.
//!
//! What a statement gives must follow from the statements before it alone. So nothing here asks for the time, for random numbers
//! or for names of files; `LIMIT` and functions that depend on the order of rows are used freely, because the order of rows of
//! Kernite is SQLite's.

mod chance;
mod change;
mod expression;
mod schema;
mod select;

pub use chance::Chance;
use schema::Table;

/// What the statements of a script may use; each script switches off some of it, so that rare combinations get whole runs.
#[derive(Clone, Copy, Debug)]
struct Features {
    triggers: bool,
    foreign_keys: bool,
    views: bool,
    transactions: bool,
    reals: bool,
    blobs: bool,
    subqueries: bool,
    compounds: bool,
    ctes: bool,
    outer_joins: bool,
    windows: bool,
}

/// A generator in the middle of its script.
pub struct Generator {
    chance: Chance,
    features: Features,
    tables: Vec<Table>,
    /// How many names were given away.
    names: usize,
    /// How many transactions and savepoints are open, as far as one can tell.
    depth: usize,
}

/// The statements of a seed: a schema and `length` statements after it.
pub fn script(seed: u64, length: usize) -> Vec<String> {
    let mut generator = Generator::new(seed);
    let mut statements = generator.schema();
    for _ in 0..length {
        let next = generator.statement();
        statements.push(next);
    }
    while generator.depth > 0 {
        generator.depth -= 1;
        statements.push("COMMIT".to_string());
    }
    statements
}

impl Generator {
    /// The generator of a seed, before its first statement.
    pub fn new(seed: u64) -> Generator {
        let mut chance = Chance::new(seed);
        let features = Features {
            triggers: chance.percent(50),
            foreign_keys: chance.percent(35),
            views: chance.percent(50),
            transactions: chance.percent(40),
            reals: chance.percent(60),
            blobs: chance.percent(40),
            subqueries: chance.percent(75),
            compounds: chance.percent(60),
            ctes: chance.percent(50),
            outer_joins: chance.percent(70),
            windows: chance.percent(30),
        };
        Generator { chance, features, tables: Vec::new(), names: 0, depth: 0 }
    }

    /// Goes on with the chance of another seed; what it knows of the schema stays.
    pub fn reseed(&mut self, seed: u64) {
        self.chance = Chance::new(seed);
    }

    /// One statement that changes neither schema nor transaction.
    pub fn plain_statement(&mut self) -> String {
        match self.chance.below(100) {
            0..=49 => self.query(),
            50..=69 => self.insert(),
            70..=89 => self.update(),
            _ => self.delete(),
        }
    }

    /// One statement that only reads.
    pub fn plain_query(&mut self) -> String {
        self.query()
    }

    /// The statements that make the schema and its first rows.
    pub fn schema(&mut self) -> Vec<String> {
        let mut statements = Vec::new();
        if self.features.foreign_keys {
            statements.push("PRAGMA foreign_keys=ON".to_string());
        }
        if self.chance.percent(20) {
            statements.push("PRAGMA recursive_triggers=ON".to_string());
        }
        for _ in 0..self.chance.between(1, 4) {
            let create = self.create_table();
            statements.push(create);
            for _ in 0..self.chance.below(4) {
                let index = self.create_index();
                statements.push(index);
            }
        }
        for _ in 0..self.chance.between(1, 2 + self.tables.len()) {
            let fill = self.fill();
            statements.push(fill);
        }
        if self.features.views {
            for _ in 0..self.chance.below(3) {
                let view = self.create_view();
                statements.push(view);
            }
        }
        if self.features.triggers {
            for _ in 0..self.chance.below(4) {
                let trigger = self.create_trigger();
                statements.push(trigger);
            }
        }
        statements
    }

    /// One statement.
    fn statement(&mut self) -> String {
        match self.chance.below(100) {
            0..=44 => self.query(),
            45..=62 => self.insert(),
            63..=76 => self.update(),
            77..=84 => self.delete(),
            85..=92 if self.features.transactions => self.transaction(),
            93..=94 => self.create_index(),
            95 if self.features.views => self.create_view(),
            96 if self.features.triggers => self.create_trigger(),
            97 => self.fill(),
            98 => self.drop_or_rename(),
            _ => self.query(),
        }
    }

    fn transaction(&mut self) -> String {
        if self.depth == 0 {
            self.depth = 1;
            return self.chance.pick(&["BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s0"]).to_string();
        }
        match self.chance.below(6) {
            0 | 1 => {
                self.depth += 1;
                format!("SAVEPOINT s{}", self.chance.below(3))
            }
            2 => format!("RELEASE s{}", self.chance.below(3)),
            3 => format!("ROLLBACK TO s{}", self.chance.below(3)),
            4 => {
                self.depth = 0;
                "COMMIT".to_string()
            }
            _ => {
                self.depth = 0;
                "ROLLBACK".to_string()
            }
        }
    }

    /// A name that nothing has yet.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }
}
