//! Queries.

use super::Generator;
use super::expression::Scope;

/// A source in FROM: its name there and its columns.
struct Source {
    text: String,
    name: String,
    columns: Vec<String>,
}

impl Generator {
    /// A whole query as a statement.
    pub(super) fn query(&mut self) -> String {
        let mut text = String::new();
        let added = if self.features.ctes && self.chance.percent(20) { self.with(&mut text) } else { 0 };
        let depth = self.chance.between(1, 3);
        let body = self.select(&Scope::default(), depth, None);
        text.push_str(&body);
        let kept = self.tables.len() - added;
        self.tables.truncate(kept);
        text
    }

    /// `WITH …`: its tables are known until they are taken away; how many there are.
    fn with(&mut self, text: &mut String) -> usize {
        text.push_str("WITH ");
        let mut added = 0;
        if self.chance.percent(40) {
            text.push_str("RECURSIVE ");
        }
        for at in 0..self.chance.between(1, 2) {
            let name = format!("w{at}");
            let width = self.chance.between(1, 3);
            let columns: Vec<String> = (0..width).map(|at| format!("y{at}")).collect();
            let hint = self.chance.pick(&["", "", " MATERIALIZED", " NOT MATERIALIZED"]);
            let body = if self.chance.percent(35) {
                let union = self.chance.pick(&["UNION ALL", "UNION"]);
                let first: Vec<String> = (0..width).map(|_| self.chance.below(4).to_string()).collect();
                let mut next = vec!["y0+1".to_string()];
                let scope = Scope { columns: columns.clone(), aggregates: false };
                for _ in 1..width {
                    let value = self.expression(&scope, 1);
                    next.push(value);
                }
                let tail = self.chance.pick(&[
                    "",
                    "",
                    " LIMIT 7",
                    " ORDER BY 1 DESC",
                    " ORDER BY 1 LIMIT 5 OFFSET 2",
                ]);
                format!(
                    "SELECT {} {union} SELECT {} FROM {name} WHERE y0<{}{tail}",
                    first.join(","),
                    next.join(","),
                    self.chance.between(3, 9)
                )
            } else {
                self.select(&Scope::default(), 1, Some(width))
            };
            if at > 0 {
                text.push_str(", ");
            }
            text.push_str(&format!("{name}({}) AS{hint} ({body})", columns.join(",")));
            self.tables.push(super::schema::Table {
                name,
                columns: columns
                    .into_iter()
                    .map(|name| super::schema::Column { name, generated: false, rowid: false })
                    .collect(),
                has_rowid: false,
                view: true,
                keys: Vec::new(),
                indexes: Vec::new(),
            });
            added += 1;
        }
        text.push(' ');
        added
    }

    /// A SELECT, of `width` columns where that matters, with everything at its end.
    pub(super) fn select(&mut self, outer: &Scope, depth: usize, width: Option<usize>) -> String {
        if self.features.compounds && depth > 0 && self.chance.percent(15) {
            let width = width.unwrap_or_else(|| self.chance.between(1, 3));
            let mut text = self.core(outer, depth - 1, Some(width)).0;
            for _ in 0..self.chance.between(1, 2) {
                let operator = self.chance.pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "UNION ALL"]);
                let next = self.core(outer, depth - 1, Some(width)).0;
                text.push_str(&format!(" {operator} {next}"));
            }
            if self.chance.percent(40) {
                text.push_str(&self.order_by_numbers(width));
                text.push_str(&self.limit());
            }
            return text;
        }
        let (mut text, scope, width) = self.core(outer, depth, width);
        if self.chance.percent(35) {
            if self.chance.percent(40) || scope.columns.is_empty() {
                text.push_str(&self.order_by_numbers(width));
            } else {
                let count = self.chance.between(1, 3);
                let terms: Vec<String> = (0..count)
                    .map(|_| {
                        let value = if self.chance.percent(75) {
                            self.column(&scope)
                        } else {
                            self.expression(&scope, 1)
                        };
                        // A bare number would be the number of a column.
                        let value = if value.parse::<f64>().is_ok() { format!("+{value}") } else { value };
                        format!(
                            "{value}{}",
                            self.chance.pick(&[
                                "",
                                "",
                                " DESC",
                                " ASC",
                                " NULLS LAST",
                                " COLLATE NOCASE",
                                " DESC NULLS FIRST"
                            ])
                        )
                    })
                    .collect();
                text.push_str(&format!(" ORDER BY {}", terms.join(",")));
            }
        }
        if self.chance.percent(20) {
            text.push_str(&self.limit());
        }
        text
    }

    fn order_by_numbers(&mut self, width: usize) -> String {
        let count = self.chance.between(1, width);
        let terms: Vec<String> = self
            .chance
            .choose(width, count)
            .into_iter()
            .map(|at| format!("{}{}", at + 1, self.chance.pick(&["", "", " DESC", " COLLATE NOCASE"])))
            .collect();
        format!(" ORDER BY {}", terms.join(","))
    }

    fn limit(&mut self) -> String {
        match self.chance.below(5) {
            0 => format!(" LIMIT {} OFFSET {}", self.chance.below(6), self.chance.below(4)),
            1 => format!(" LIMIT {},{}", self.chance.below(3), self.chance.below(6)),
            _ => format!(" LIMIT {}", self.chance.below(8)),
        }
    }

    /// One SELECT without what follows HAVING; what ORDER BY may speak of; its width.
    fn core(&mut self, outer: &Scope, depth: usize, width: Option<usize>) -> (String, Scope, usize) {
        if self.chance.percent(4) {
            let width = width.unwrap_or_else(|| self.chance.between(1, 3));
            let count = self.chance.between(1, 3);
            let rows: Vec<String> = (0..count)
                .map(|_| {
                    let depth = if count > 1 { 0 } else { depth.min(1) };
                    let values: Vec<String> = (0..width).map(|_| self.expression(outer, depth)).collect();
                    format!("({})", values.join(","))
                })
                .collect();
            return (format!("VALUES {}", rows.join(",")), Scope::default(), width);
        }
        let (from, own, star) = if self.chance.percent(96) {
            self.from(outer, depth)
        } else {
            (String::new(), Scope::default(), 0)
        };
        let scope = own.inside(outer);
        let grouped = self.chance.percent(25);
        let distinct = if self.chance.percent(12) { "DISTINCT " } else { "" };
        let mut text = format!("SELECT {distinct}");
        let mut order = scope.clone();
        let mut group = Vec::new();
        if grouped {
            let count = if self.chance.percent(70) { self.chance.between(1, 2) } else { 0 };
            for _ in 0..count {
                let term = if self.chance.percent(80) { self.column(&own) } else { self.expression(&own, 1) };
                group.push(if term.parse::<f64>().is_ok() { format!("+{term}") } else { term });
            }
            order = Scope { columns: scope.columns.clone(), aggregates: true };
        }
        let actual;
        if width.is_none() && !grouped && star > 0 && self.chance.percent(35) {
            text.push('*');
            actual = star;
        } else {
            actual = width.unwrap_or_else(|| self.chance.between(1, 4));
            let mut results = Vec::new();
            for at in 0..actual {
                let value = if grouped && at == 0 && !group.is_empty() && self.chance.percent(60) {
                    group[0].clone()
                } else if grouped && self.chance.percent(60) {
                    self.aggregate(&scope, depth.min(2))
                } else if self.chance.percent(50) {
                    self.column(&scope)
                } else {
                    self.expression(&scope, depth.min(2))
                };
                results.push(if self.chance.percent(12) { format!("{value} AS r{at}") } else { value });
            }
            text.push_str(&results.join(", "));
        }
        text.push_str(&from);
        if self.chance.percent(60) {
            let mut terms = Vec::new();
            for _ in 0..self.chance.between(1, 3) {
                terms.push(self.condition(&scope, depth.clamp(1, 2)));
            }
            text.push_str(&format!(" WHERE {}", terms.join(" AND ")));
        }
        if !group.is_empty() {
            text.push_str(&format!(" GROUP BY {}", group.join(",")));
        }
        if grouped && (!group.is_empty() || self.chance.percent(20)) && self.chance.percent(30) {
            let aggregate = self.aggregate(&scope, 1);
            let value = self.chance.below(5);
            text.push_str(&format!(" HAVING {aggregate}>{value}"));
        }
        (text, order, actual)
    }

    /// FROM: its text, the columns that it gives, and how many columns `*` has where that is known.
    fn from(&mut self, outer: &Scope, depth: usize) -> (String, Scope, usize) {
        let count = match self.chance.below(10) {
            0..=4 => 1,
            5..=7 => 2,
            8 => 3,
            _ => 4,
        };
        let count = if depth < 2 { count.min(2) } else { count };
        let (mut text, mut scope, mut star) = (" FROM ".to_string(), Scope::default(), 0);
        for at in 0..count {
            let source = self.source(outer, depth);
            let natural = at > 0 && self.chance.percent(5);
            if at > 0 {
                let join = if natural {
                    " NATURAL JOIN "
                } else if self.features.outer_joins && self.chance.percent(45) {
                    self.chance.pick(&[
                        " LEFT JOIN ",
                        " LEFT JOIN ",
                        " RIGHT JOIN ",
                        " FULL JOIN ",
                        " LEFT OUTER JOIN ",
                    ])
                } else {
                    self.chance.pick(&[", ", " JOIN ", " JOIN ", " CROSS JOIN "])
                };
                text.push_str(join);
            }
            text.push_str(&source.text);
            let before = scope.columns.clone();
            for column in &source.columns {
                scope.columns.push(format!("{}.{column}", source.name));
            }
            star = if natural { 0 } else { star + source.columns.len() };
            if at > 0 && !natural && !text.ends_with(", ") && self.chance.percent(75) {
                let left = if before.is_empty() {
                    self.literal()
                } else {
                    before[self.chance.below(before.len())].clone()
                };
                let right =
                    format!("{}.{}", source.name, source.columns[self.chance.below(source.columns.len())]);
                if text.ends_with(&source.text) {
                    let mut on =
                        format!("{left}{}{right}", self.chance.pick(&["=", "=", "=", "=", "<", ">="]));
                    if self.chance.percent(20) {
                        let more = self.condition(&scope, 1);
                        on.push_str(&format!(" AND {more}"));
                    }
                    text.push_str(&format!(" ON {on}"));
                }
            }
        }
        (text, scope, star)
    }

    fn source(&mut self, outer: &Scope, depth: usize) -> Source {
        let name = self.name("q");
        if depth > 1 && self.features.subqueries && self.chance.percent(18) {
            let width = self.chance.between(1, 3);
            // A subquery in FROM does not see its neighbours.
            let mut results = Vec::new();
            let body = self.select(outer, depth - 2, Some(width));
            for at in 0..width {
                results.push(format!("z{at}"));
            }
            let wrapped =
                format!("(WITH {name}_({}) AS ({body}) SELECT * FROM {name}_) AS {name}", results.join(","));
            // The short form has names only where the columns are known.
            let text = if self.chance.percent(50) {
                wrapped
            } else {
                let list: Vec<String> = (0..width).map(|at| format!("{} AS z{at}", "NULL")).collect();
                format!("(SELECT {} WHERE 0 UNION ALL {body}) AS {name}", list.join(","))
            };
            let text = if text.contains("UNION ALL VALUES")
                || text.contains("ORDER BY")
                || text.contains("LIMIT")
            {
                format!("(WITH {name}_({}) AS ({body}) SELECT * FROM {name}_) AS {name}", results.join(","))
            } else {
                text
            };
            return Source { text, name, columns: results };
        }
        let table = self.tables[self.chance.below(self.tables.len())].clone();
        let mut columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        if table.has_rowid && self.chance.percent(10) {
            columns.push("rowid".to_string());
        }
        let mut text = format!("{} AS {name}", table.name);
        if self.chance.percent(2) && !table.view {
            text.push_str(" NOT INDEXED");
        } else if self.chance.percent(2) && !table.indexes.is_empty() {
            let index = self.chance.below(table.indexes.len());
            text.push_str(&format!(" INDEXED BY {}", table.indexes[index]));
        }
        Source { text, name, columns }
    }
}
