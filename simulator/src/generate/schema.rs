//! Tables, indexes, views and triggers.

use super::Generator;
use super::expression::Scope;

/// A column, as far as statements care.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    /// No value may be given for it.
    pub generated: bool,
    /// It is the rowid.
    pub rowid: bool,
}

/// A table or view that exists, unless its statement failed.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// It has a rowid that can be named.
    pub has_rowid: bool,
    pub view: bool,
    /// Sets of columns that are unique: what an upsert may name.
    pub keys: Vec<Vec<usize>>,
    /// Names of its indexes.
    pub indexes: Vec<String>,
}

impl Generator {
    /// The index of a table that rows can be put into.
    pub(super) fn any_table(&mut self) -> usize {
        let base: Vec<usize> = (0..self.tables.len()).filter(|at| !self.tables[*at].view).collect();
        self.chance.pick(&base)
    }

    fn column_type(&mut self, strict: bool) -> &'static str {
        if strict {
            self.chance.pick(&["INT", "INTEGER", "TEXT", "REAL", "BLOB", "ANY"])
        } else {
            self.chance.pick(&[
                "INT",
                "INTEGER",
                "TEXT",
                "REAL",
                "NUMERIC",
                "BLOB",
                "",
                "VARCHAR(10)",
                "INT",
                "TEXT",
                "DOUBLE",
            ])
        }
    }

    fn conflict_clause(&mut self) -> &'static str {
        if !self.chance.percent(25) {
            return "";
        }
        self.chance.pick(&[
            " ON CONFLICT ROLLBACK",
            " ON CONFLICT ABORT",
            " ON CONFLICT FAIL",
            " ON CONFLICT IGNORE",
            " ON CONFLICT REPLACE",
        ])
    }

    /// Constraints of one column; true where it is unique by itself.
    fn column_constraints(&mut self, text: &mut String, name: &str) -> bool {
        let mut unique = false;
        if self.chance.percent(15) {
            text.push_str(" NOT NULL");
            text.push_str(self.conflict_clause());
        }
        if self.chance.percent(20) {
            let value = self.literal();
            text.push_str(&format!(" DEFAULT ({value})"));
        }
        if self.chance.percent(12) {
            text.push_str(" UNIQUE");
            text.push_str(self.conflict_clause());
            unique = true;
        }
        if self.chance.percent(20) {
            text.push_str(self.chance.pick(&[" COLLATE NOCASE", " COLLATE RTRIM", " COLLATE BINARY"]));
        }
        if self.chance.percent(8) {
            let bound = self.chance.between(1, 9);
            text.push_str(&match self.chance.below(4) {
                0 => format!(" CHECK({name}<>{bound})"),
                1 => format!(" CONSTRAINT ck{bound} CHECK({name} IS NOT {bound} OR {name} IS NULL)"),
                2 => format!(" CHECK(length({name})<{})", bound + 5),
                _ => format!(" CHECK({name} NOT IN ({bound},'x{bound}'))"),
            });
        }
        unique
    }

    /// `CREATE TABLE`.
    pub(super) fn create_table(&mut self) -> String {
        let name = self.name("t");
        let strict = self.chance.percent(8);
        let mut without_rowid = self.chance.percent(20);
        let width = self.chance.between(2, 5);
        let (mut texts, mut columns, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut has_key = false;
        for at in 0..width {
            let column = ["a", "b", "c", "d", "e"][at].to_string();
            let mut text;
            let (mut generated, mut rowid) = (false, false);
            if !has_key && at == 0 && self.chance.percent(40) {
                has_key = true;
                keys.push(vec![at]);
                let integer = !self.chance.percent(30);
                rowid = integer && !without_rowid;
                text = format!("{column} {} PRIMARY KEY", if integer { "INTEGER" } else { "TEXT" });
                let clause = self.conflict_clause();
                text.push_str(clause);
                if rowid && self.chance.percent(20) {
                    text.push_str(" AUTOINCREMENT");
                }
            } else if at > 0 && self.chance.percent(7) {
                generated = true;
                let base = ["a", "b", "c", "d", "e"][self.chance.below(at)];
                let expression = match self.chance.below(4) {
                    0 => format!("{base}||'g'"),
                    1 => format!("{base}+1"),
                    2 => format!("length({base})"),
                    _ => format!("coalesce({base},5)"),
                };
                let kind = self.chance.pick(&["", " STORED", " VIRTUAL"]);
                let declared = self.column_type(strict);
                text = format!("{column} {declared} AS ({expression}){kind}");
            } else {
                text = format!("{column} {}", self.column_type(strict));
                if self.column_constraints(&mut text, &column) {
                    keys.push(vec![at]);
                }
            }
            texts.push(text);
            columns.push(Column { name: column, generated, rowid });
        }
        let plain: Vec<usize> = (0..width).filter(|at| !columns[*at].generated).collect();
        if !has_key && plain.len() > 1 && (without_rowid || self.chance.percent(20)) {
            let count = self.chance.between(1, 2);
            let key: Vec<usize> =
                self.chance.choose(plain.len(), count).iter().map(|at| plain[*at]).collect();
            let list: Vec<String> = key
                .iter()
                .map(|at| {
                    format!(
                        "{}{}",
                        columns[*at].name,
                        self.chance.pick(&["", "", " DESC", " COLLATE NOCASE"])
                    )
                })
                .collect();
            let clause = self.conflict_clause();
            texts.push(format!("PRIMARY KEY({}){clause}", list.join(",")));
            keys.push(key);
            has_key = true;
        }
        without_rowid &= has_key;
        if self.chance.percent(15) && plain.len() > 1 {
            let key: Vec<usize> = self.chance.choose(plain.len(), 2).iter().map(|at| plain[*at]).collect();
            let clause = self.conflict_clause();
            texts.push(format!("UNIQUE({},{}){clause}", columns[key[0]].name, columns[key[1]].name));
            keys.push(key);
        }
        if self.features.foreign_keys && !self.tables.is_empty() && self.chance.percent(60) {
            let foreign = self.foreign_key(&columns, &plain);
            texts.push(foreign);
        }
        let tail = match (without_rowid, strict) {
            (true, true) => " WITHOUT ROWID, STRICT",
            (true, false) => " WITHOUT ROWID",
            (false, true) => " STRICT",
            (false, false) => "",
        };
        let text = format!("CREATE TABLE {name}({}){tail}", texts.join(", "));
        self.tables.push(Table {
            name,
            columns,
            has_rowid: !without_rowid,
            view: false,
            keys,
            indexes: Vec::new(),
        });
        text
    }

    fn foreign_key(&mut self, columns: &[Column], plain: &[usize]) -> String {
        let parent = self.any_table();
        let child = &columns[self.chance.pick(plain)].name.clone();
        let key = match self.tables[parent].keys.first() {
            Some(key) if key.len() == 1 => key[0],
            _ => 0,
        };
        let (table, column) =
            (self.tables[parent].name.clone(), self.tables[parent].columns[key].name.clone());
        let action = |chance: &mut super::Chance| {
            chance.pick(&["", " CASCADE", " SET NULL", " SET DEFAULT", " RESTRICT", " NO ACTION"])
        };
        let mut text = format!("FOREIGN KEY({child}) REFERENCES {table}({column})");
        for event in ["DELETE", "UPDATE"] {
            let chosen = action(&mut self.chance);
            if !chosen.is_empty() {
                text.push_str(&format!(" ON {event}{chosen}"));
            }
        }
        if self.chance.percent(30) {
            text.push_str(" DEFERRABLE INITIALLY DEFERRED");
        }
        text
    }

    /// `CREATE INDEX`.
    pub(super) fn create_index(&mut self) -> String {
        let at = self.any_table();
        let table = self.tables[at].clone();
        let name = self.name("i");
        let unique = self.chance.percent(15);
        let count = self.chance.between(1, 3).min(table.columns.len());
        let chosen = self.chance.choose(table.columns.len(), count);
        let mut terms = Vec::new();
        let mut plain = true;
        for column in &chosen {
            let column = &table.columns[*column].name;
            if self.chance.percent(12) {
                plain = false;
                terms.push(match self.chance.below(5) {
                    0 => format!("lower({column})"),
                    1 => format!("{column}+1"),
                    2 => format!("abs({column})"),
                    3 => format!("substr({column},1,2)"),
                    _ => format!("{column} IS NULL"),
                });
            } else {
                let collation = if self.chance.percent(15) { " COLLATE NOCASE" } else { "" };
                let order = self.chance.pick(&["", "", "", " DESC", " ASC"]);
                terms.push(format!("{column}{collation}{order}"));
            }
        }
        let mut text = format!(
            "CREATE {}INDEX {name} ON {}({})",
            if unique { "UNIQUE " } else { "" },
            table.name,
            terms.join(",")
        );
        if self.chance.percent(18) {
            plain = false;
            let column = table.columns[self.chance.below(table.columns.len())].name.clone();
            let value = self.literal();
            text.push_str(&match self.chance.below(4) {
                0 => format!(" WHERE {column} IS NOT NULL"),
                1 => format!(" WHERE {column}>{}", self.chance.below(10)),
                2 => format!(" WHERE {column}={value}"),
                _ => format!(" WHERE {column}>{} AND {column} IS NOT NULL", self.chance.below(10)),
            });
        }
        if unique && plain {
            self.tables[at].keys.push(chosen);
        }
        self.tables[at].indexes.push(name);
        text
    }

    /// `CREATE VIEW`.
    pub(super) fn create_view(&mut self) -> String {
        let name = self.name("v");
        let width = self.chance.between(1, 4);
        let body = self.select(&Scope::default(), 2, Some(width));
        let columns: Vec<String> = (0..width).map(|at| format!("x{at}")).collect();
        let text = format!("CREATE VIEW {name}({}) AS {body}", columns.join(","));
        self.tables.push(Table {
            name,
            columns: columns
                .into_iter()
                .map(|name| Column { name, generated: false, rowid: false })
                .collect(),
            has_rowid: false,
            view: true,
            keys: Vec::new(),
            indexes: Vec::new(),
        });
        text
    }

    /// `CREATE TRIGGER`.
    pub(super) fn create_trigger(&mut self) -> String {
        let name = self.name("r");
        let at = self.chance.below(self.tables.len());
        let table = self.tables[at].clone();
        let event = self.chance.below(3);
        let mut scope = Scope::default();
        for column in &table.columns {
            if event != 0 {
                scope.columns.push(format!("OLD.{}", column.name));
            }
            if event != 2 {
                scope.columns.push(format!("NEW.{}", column.name));
            }
        }
        let time = if table.view { "INSTEAD OF" } else { self.chance.pick(&["BEFORE", "AFTER", "AFTER"]) };
        let mut text = format!("CREATE TRIGGER {name} {time} {}", ["INSERT", "UPDATE", "DELETE"][event]);
        if event == 1 && self.chance.percent(40) {
            let column = self.chance.below(table.columns.len());
            text.push_str(&format!(" OF {}", table.columns[column].name));
        }
        text.push_str(&format!(" ON {}", table.name));
        if self.chance.percent(30) {
            text.push_str(" FOR EACH ROW");
        }
        if self.chance.percent(30) {
            let condition = self.expression(&scope, 2);
            text.push_str(&format!(" WHEN {condition}"));
        }
        text.push_str(" BEGIN ");
        for _ in 0..self.chance.between(1, 2) {
            let statement = match self.chance.below(10) {
                0..=3 => self.insert_values(&scope, true),
                4..=5 => self.update_in(&scope, true),
                6 => self.delete_in(&scope, true),
                7 => {
                    let condition = self.expression(&scope, 1);
                    let action =
                        self.chance.pick(&["IGNORE", "ABORT,'no'", "FAIL,'fail'", "ROLLBACK,'back'"]);
                    format!("SELECT RAISE({action}) WHERE {condition}")
                }
                _ => self.select(&scope, 1, None),
            };
            text.push_str(&statement);
            text.push_str("; ");
        }
        text.push_str("END");
        text
    }

    /// A change of the schema that takes something away or renames it.
    pub(super) fn drop_or_rename(&mut self) -> String {
        let at = self.any_table();
        match self.chance.below(4) {
            0 => match self.tables[at].indexes.pop() {
                Some(index) => format!("DROP INDEX {index}"),
                None => format!("REINDEX {}", self.tables[at].name),
            },
            1 => {
                let column = self.chance.below(self.tables[at].columns.len());
                let (old, new) = (self.tables[at].columns[column].name.clone(), self.name("n"));
                let text = format!("ALTER TABLE {} RENAME COLUMN {old} TO {new}", self.tables[at].name);
                self.tables[at].columns[column].name = new;
                text
            }
            2 => {
                let column = self.name("m");
                let value = self.literal();
                let declared = self.column_type(false);
                let text = format!(
                    "ALTER TABLE {} ADD COLUMN {column} {declared} DEFAULT {value}",
                    self.tables[at].name
                );
                self.tables[at].columns.push(Column { name: column, generated: false, rowid: false });
                text
            }
            _ => "REINDEX".to_string(),
        }
    }
}
