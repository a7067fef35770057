//! INSERT, UPDATE and DELETE.

use super::Generator;
use super::expression::Scope;
use super::schema::Table;

impl Generator {
    fn or_clause(&mut self) -> &'static str {
        if !self.chance.percent(35) {
            return "";
        }
        self.chance.pick(&[
            " OR REPLACE",
            " OR IGNORE",
            " OR ABORT",
            " OR FAIL",
            " OR ROLLBACK",
            " OR REPLACE",
            " OR IGNORE",
        ])
    }

    /// The columns that a value may be given for.
    fn writable(table: &Table) -> Vec<usize> {
        (0..table.columns.len()).filter(|at| !table.columns[*at].generated).collect()
    }

    /// A value to be stored in a column.
    fn stored(&mut self, table: &Table, column: usize, scope: &Scope, depth: usize) -> String {
        if table.columns[column].rowid {
            return match self.chance.below(10) {
                0..=2 => "NULL".to_string(),
                3 => self.expression(scope, depth),
                _ => self.chance.between(1, 30).to_string(),
            };
        }
        if self.chance.percent(80) { self.literal() } else { self.expression(scope, depth) }
    }

    /// A table to change: mostly not a view.
    fn target(&mut self) -> Table {
        let at =
            if self.chance.percent(90) { self.any_table() } else { self.chance.below(self.tables.len()) };
        self.tables[at].clone()
    }

    /// Several rows at once, so that there is something to find.
    pub(super) fn fill(&mut self) -> String {
        let at = self.any_table();
        let table = self.tables[at].clone();
        let columns = Generator::writable(&table);
        let rows: Vec<String> = (0..self.chance.between(2, 12))
            .map(|_| {
                let values: Vec<String> =
                    columns.iter().map(|column| self.stored(&table, *column, &Scope::default(), 0)).collect();
                format!("({})", values.join(","))
            })
            .collect();
        let names: Vec<String> = columns.iter().map(|at| table.columns[*at].name.clone()).collect();
        format!("INSERT OR IGNORE INTO {}({}) VALUES{}", table.name, names.join(","), rows.join(","))
    }

    /// INSERT as a statement.
    pub(super) fn insert(&mut self) -> String {
        self.insert_values(&Scope::default(), false)
    }

    /// INSERT, where an expression may speak of `scope`.
    pub(super) fn insert_values(&mut self, scope: &Scope, in_trigger: bool) -> String {
        let table = self.target();
        let verb = match self.or_clause() {
            " OR REPLACE" if self.chance.percent(40) => "REPLACE".to_string(),
            clause => format!("INSERT{clause}"),
        };
        if !in_trigger && self.chance.percent(3) {
            return format!("{verb} INTO {} DEFAULT VALUES", table.name);
        }
        let mut columns = Generator::writable(&table);
        if self.chance.percent(30) {
            let count = self.chance.between(1, columns.len());
            columns = self.chance.choose(columns.len(), count).iter().map(|at| columns[*at]).collect();
        }
        let names: Vec<String> = columns.iter().map(|at| table.columns[*at].name.clone()).collect();
        let mut text = format!("{verb} INTO {}({}) ", table.name, names.join(","));
        let upsert = !table.view && self.chance.percent(25);
        if self.chance.percent(25) {
            let body = self.select(scope, 1, Some(columns.len()));
            text.push_str(&body);
            // Without a WHERE, ON of an upsert would be taken for the ON of a join.
            if upsert && !body.contains(" WHERE ") {
                return text;
            }
        } else {
            let count = self.chance.between(1, 3);
            let rows: Vec<String> = (0..count)
                .map(|_| {
                    let depth = usize::from(count == 1);
                    let values: Vec<String> =
                        columns.iter().map(|at| self.stored(&table, *at, scope, depth)).collect();
                    format!("({})", values.join(","))
                })
                .collect();
            text.push_str(&format!("VALUES{}", rows.join(",")));
        }
        if upsert {
            let clause = self.upsert(&table);
            text.push_str(&clause);
        }
        if !in_trigger {
            text.push_str(&self.returning(&table));
        }
        text
    }

    fn upsert(&mut self, table: &Table) -> String {
        let mut text = " ON CONFLICT".to_string();
        if !table.keys.is_empty() && self.chance.percent(85) {
            let key = &table.keys[self.chance.below(table.keys.len())];
            let names: Vec<&str> = key.iter().map(|at| table.columns[*at].name.as_str()).collect();
            text.push_str(&format!("({})", names.join(",")));
        }
        if self.chance.percent(30) {
            return text + " DO NOTHING";
        }
        let mut scope = Scope::default();
        for column in &table.columns {
            scope.columns.push(format!("excluded.{}", column.name));
            scope.columns.push(column.name.clone());
        }
        text.push_str(" DO UPDATE SET ");
        text.push_str(&self.assignments(table, &scope));
        if self.chance.percent(25) {
            let condition = self.condition(&scope, 1);
            text.push_str(&format!(" WHERE {condition}"));
        }
        text
    }

    fn assignments(&mut self, table: &Table, scope: &Scope) -> String {
        let columns = Generator::writable(table);
        let count = self.chance.between(1, 2).min(columns.len());
        let chosen: Vec<usize> =
            self.chance.choose(columns.len(), count).iter().map(|at| columns[*at]).collect();
        if chosen.len() == 2 && self.chance.percent(15) {
            let (a, b) = (&table.columns[chosen[0]].name, &table.columns[chosen[1]].name);
            let (x, y) = (self.expression(scope, 1), self.expression(scope, 1));
            return format!("({a},{b})=({x},{y})");
        }
        let parts: Vec<String> = chosen
            .iter()
            .map(|at| {
                let value = if self.chance.percent(50) { self.literal() } else { self.expression(scope, 2) };
                format!("{}={value}", table.columns[*at].name)
            })
            .collect();
        parts.join(", ")
    }

    fn returning(&mut self, table: &Table) -> String {
        if !self.chance.percent(15) {
            return String::new();
        }
        if self.chance.percent(50) {
            return " RETURNING *".to_string();
        }
        let scope =
            Scope { columns: table.columns.iter().map(|c| c.name.clone()).collect(), aggregates: false };
        let values: Vec<String> =
            (0..self.chance.between(1, 2)).map(|_| self.expression(&scope, 1)).collect();
        format!(" RETURNING {}", values.join(", "))
    }

    /// UPDATE as a statement.
    pub(super) fn update(&mut self) -> String {
        self.update_in(&Scope::default(), false)
    }

    /// UPDATE, where an expression may speak of `outer`.
    pub(super) fn update_in(&mut self, outer: &Scope, in_trigger: bool) -> String {
        let table = self.target();
        let clause = self.or_clause();
        let mut own = Scope {
            columns: table.columns.iter().map(|column| format!("{}.{}", table.name, column.name)).collect(),
            aggregates: false,
        };
        let mut from = String::new();
        if self.chance.percent(15) {
            let other = self.tables[self.chance.below(self.tables.len())].clone();
            let name = self.name("f");
            from = format!(" FROM {} AS {name}", other.name);
            for column in &other.columns {
                own.columns.push(format!("{name}.{}", column.name));
            }
        }
        let scope = own.inside(outer);
        let mut text =
            format!("UPDATE{clause} {} SET {}{from}", table.name, self.assignments(&table, &scope));
        if self.chance.percent(85) {
            let condition = self.condition(&scope, 2);
            text.push_str(&format!(" WHERE {condition}"));
        }
        if !in_trigger {
            text.push_str(&self.returning(&table));
        }
        text
    }

    /// DELETE as a statement.
    pub(super) fn delete(&mut self) -> String {
        self.delete_in(&Scope::default(), false)
    }

    /// DELETE, where an expression may speak of `outer`.
    pub(super) fn delete_in(&mut self, outer: &Scope, in_trigger: bool) -> String {
        let table = self.target();
        let own = Scope {
            columns: table.columns.iter().map(|column| format!("{}.{}", table.name, column.name)).collect(),
            aggregates: false,
        };
        let scope = own.inside(outer);
        let mut text = format!("DELETE FROM {}", table.name);
        if self.chance.percent(92) {
            let condition = self.condition(&scope, 2);
            text.push_str(&format!(" WHERE {condition}"));
        }
        if !in_trigger {
            text.push_str(&self.returning(&table));
        }
        text
    }
}
