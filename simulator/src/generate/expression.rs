//! Expressions over the columns in scope.

use super::Generator;

/// What an expression may name.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Columns as they are written.
    pub columns: Vec<String>,
    /// Aggregates are allowed, and columns only inside them or where they are grouped by.
    pub aggregates: bool,
}

impl Scope {
    /// This scope inside another: the inner columns, and some of the outer ones.
    pub fn inside(&self, outer: &Scope) -> Scope {
        let mut columns = self.columns.clone();
        // Twice, so that a query mostly speaks of itself.
        columns.extend(self.columns.iter().cloned());
        columns.extend(outer.columns.iter().take(6).cloned());
        Scope { columns, aggregates: false }
    }
}

const TEXTS: [&str; 14] = [
    "''", "'a'", "'A'", "'b'", "'B '", "'abc'", "'aBc'", "'1'", "'2'", "'3.0'", "' 4'", "'5x'", "'é'",
    "'%a_'",
];
const NUMBERS: [&str; 12] = [
    "-1",
    "100",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "10",
    "12",
    "-5",
    "255",
    "20",
    "30",
    "1000000",
];
const REALS: [&str; 10] =
    ["0.5", "1.0", "2.5", "-1.5", "3.0", "1e10", "1e300", "0.1", "9.2233720368547758e18", "4.0"];
const COMPARISONS: [&str; 12] = ["=", "=", "=", "==", "<>", "<", "<=", ">", ">=", "!=", " IS ", " IS NOT "];

impl Generator {
    /// A constant.
    pub(super) fn literal(&mut self) -> String {
        match self.chance.below(20) {
            0..=9 => self.chance.below(10).to_string(),
            10..=13 => self.chance.pick(&TEXTS).to_string(),
            14 => self.chance.pick(&NUMBERS).to_string(),
            15..=16 if self.features.reals => self.chance.pick(&REALS).to_string(),
            17 if self.features.blobs => {
                self.chance.pick(&["x''", "x'00'", "x'61'", "x'3132'", "x'ff00'"]).to_string()
            }
            18..=19 => "NULL".to_string(),
            _ => self.chance.below(5).to_string(),
        }
    }

    /// A column in scope, or a constant where there is none.
    pub(super) fn column(&mut self, scope: &Scope) -> String {
        if scope.columns.is_empty() {
            return self.literal();
        }
        scope.columns[self.chance.below(scope.columns.len())].clone()
    }

    /// Any expression, at most `depth` operators deep.
    pub(super) fn expression(&mut self, scope: &Scope, depth: usize) -> String {
        if depth == 0 {
            return if self.chance.percent(65) { self.column(scope) } else { self.literal() };
        }
        match self.chance.below(100) {
            0..=24 => self.column(scope),
            25..=31 => self.literal(),
            32..=45 => self.comparison(scope, depth),
            46..=54 => self.arithmetic(scope, depth),
            55..=60 => self.logic(scope, depth),
            61..=74 => self.function(scope, depth),
            75..=79 => self.case(scope, depth),
            80..=82 => {
                let value = self.expression(scope, depth - 1);
                let declared = self.chance.pick(&["INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB"]);
                format!("CAST({value} AS {declared})")
            }
            83..=85 => {
                let value = self.expression(scope, depth - 1);
                let collation = self.chance.pick(&["NOCASE", "BINARY", "RTRIM"]);
                format!("({value} COLLATE {collation})")
            }
            86..=95 if self.features.subqueries && depth > 1 => self.subquery(scope, depth),
            _ => self.predicate(scope, depth),
        }
    }

    fn comparison(&mut self, scope: &Scope, depth: usize) -> String {
        if self.chance.percent(10) {
            let (a, b) = (self.column(scope), self.column(scope));
            let (c, d) = (self.expression(scope, depth - 1), self.expression(scope, depth - 1));
            let operator = self.chance.pick(&COMPARISONS);
            return format!("(({a},{b}){operator}({c},{d}))");
        }
        let left = self.expression(scope, depth - 1);
        let right = self.expression(scope, depth - 1);
        let operator = self.chance.pick(&COMPARISONS);
        format!("({left}{operator}{right})")
    }

    fn arithmetic(&mut self, scope: &Scope, depth: usize) -> String {
        if self.chance.percent(12) {
            let value = self.expression(scope, depth - 1);
            return format!("({} {value})", self.chance.pick(&["-", "+", "~", "NOT "]));
        }
        let left = self.expression(scope, depth - 1);
        let right = self.expression(scope, depth - 1);
        let operator = self.chance.pick(&["+", "-", "*", "/", "%", "||", "+", "||", "&", "|", "<<", ">>"]);
        format!("({left}{operator}{right})")
    }

    fn logic(&mut self, scope: &Scope, depth: usize) -> String {
        let left = self.condition(scope, depth - 1);
        let right = self.condition(scope, depth - 1);
        let operator = self.chance.pick(&["AND", "OR"]);
        format!("({left} {operator} {right})")
    }

    fn case(&mut self, scope: &Scope, depth: usize) -> String {
        let mut text = "CASE".to_string();
        if self.chance.percent(40) {
            let base = self.column(scope);
            text.push_str(&format!(" {base}"));
        }
        for _ in 0..self.chance.between(1, 2) {
            let when = self.expression(scope, depth - 1);
            let then = self.expression(scope, depth - 1);
            text.push_str(&format!(" WHEN {when} THEN {then}"));
        }
        if self.chance.percent(60) {
            let other = self.expression(scope, depth - 1);
            text.push_str(&format!(" ELSE {other}"));
        }
        text + " END"
    }

    fn function(&mut self, scope: &Scope, depth: usize) -> String {
        if scope.aggregates && self.chance.percent(60) {
            return self.aggregate(scope, depth);
        }
        let one = self.expression(scope, depth - 1);
        match self.chance.below(24) {
            0 => format!("length({one})"),
            1 => format!("typeof({one})"),
            2 => format!("abs({one})"),
            3 => format!("upper({one})"),
            4 => format!("lower({one})"),
            5 => format!("quote({one})"),
            6 => format!("hex({one})"),
            7 => format!("trim({one})"),
            8 => format!("round({one},1)"),
            9 => format!("substr({one},{},{})", self.chance.below(4), self.chance.below(4)),
            10 => format!("unicode({one})"),
            11 => format!("likely({one})"),
            12 => format!("unlikely({one})"),
            13 => format!("sign({one})"),
            14 => format!("replace({one},'a','bb')"),
            15 => format!("printf('%s-%d',{one},{one})"),
            other => {
                let two = self.expression(scope, depth - 1);
                match other {
                    16 => format!("coalesce({one},{two})"),
                    17 => format!("ifnull({one},{two})"),
                    18 => format!("nullif({one},{two})"),
                    19 => format!("iif({one},{two},{})", self.chance.below(9)),
                    20 => format!("instr({one},{two})"),
                    21 => format!("max({one},{two})"),
                    22 => format!("min({one},{two})"),
                    _ => format!("concat_ws('/',{one},{two})"),
                }
            }
        }
    }

    /// An aggregate over the columns in scope.
    pub(super) fn aggregate(&mut self, scope: &Scope, depth: usize) -> String {
        let inner = Scope { columns: scope.columns.clone(), aggregates: false };
        let value = self.expression(&inner, depth.saturating_sub(1).min(1));
        let distinct = if self.chance.percent(15) { "DISTINCT " } else { "" };
        let mut text = match self.chance.below(11) {
            0 | 1 => "count(*)".to_string(),
            2 => format!("count({distinct}{value})"),
            3 | 4 => format!("sum({distinct}{value})"),
            5 => format!("total({distinct}{value})"),
            6 => format!("avg({distinct}{value})"),
            7 => format!("min({value})"),
            8 => format!("max({value})"),
            9 => format!("group_concat({distinct}{value})"),
            _ => {
                let order = self.column(&inner);
                format!("group_concat({value},'-' ORDER BY {order})")
            }
        };
        if self.chance.percent(10) {
            let filter = self.condition(&inner, 1);
            text.push_str(&format!(" FILTER (WHERE {filter})"));
        }
        text
    }

    fn predicate(&mut self, scope: &Scope, depth: usize) -> String {
        let value = self.column(scope);
        let not = if self.chance.percent(25) { "NOT " } else { "" };
        match self.chance.below(9) {
            0 => format!("({value} {})", self.chance.pick(&["IS NULL", "IS NOT NULL", "ISNULL", "NOTNULL"])),
            1 | 2 => {
                let low = self.expression(scope, depth - 1);
                let high = self.expression(scope, depth - 1);
                format!("({value} {not}BETWEEN {low} AND {high})")
            }
            3 | 4 => {
                let count = self.chance.below(5);
                let list: Vec<String> = (0..count)
                    .map(|_| if self.chance.percent(80) { self.literal() } else { self.expression(scope, 1) })
                    .collect();
                format!("({value} {not}IN ({}))", list.join(","))
            }
            5 => {
                let pattern =
                    self.chance.pick(&["'a%'", "'%b%'", "'A%'", "'_'", "'%'", "'a_c'", "'1%'", "''"]);
                format!("({value} {not}LIKE {pattern})")
            }
            6 => {
                let pattern =
                    self.chance.pick(&["'a*'", "'*b*'", "'[a-c]*'", "'?'", "'*'", "'1*'", "'[^a]*'"]);
                format!("({value} {not}GLOB {pattern})")
            }
            7 => format!("({value} IS {not}{})", self.chance.pick(&["TRUE", "FALSE", "NULL", "1"])),
            _ => {
                let other = self.expression(scope, depth - 1);
                format!("({value} IS {not}DISTINCT FROM {other})")
            }
        }
    }

    /// An expression to be used as a condition: mostly what an index could help with.
    pub(super) fn condition(&mut self, scope: &Scope, depth: usize) -> String {
        if depth == 0 || self.chance.percent(30) {
            let column = self.column(scope);
            let operator = self.chance.pick(&COMPARISONS);
            let value = if self.chance.percent(70) { self.literal() } else { self.column(scope) };
            return format!("{column}{operator}{value}");
        }
        match self.chance.below(10) {
            0..=3 => self.predicate(scope, depth),
            4..=5 => self.logic(scope, depth),
            6..=7 => self.comparison(scope, depth),
            _ => self.expression(scope, depth),
        }
    }

    fn subquery(&mut self, scope: &Scope, depth: usize) -> String {
        let outer = if self.chance.percent(60) { scope.clone() } else { Scope::default() };
        let not = if self.chance.percent(25) { "NOT " } else { "" };
        match self.chance.below(10) {
            0..=3 => format!("({})", self.select(&outer, depth - 1, Some(1))),
            4..=6 => {
                let value = self.column(scope);
                format!("({value} {not}IN ({}))", self.select(&outer, depth - 1, Some(1)))
            }
            7..=8 => format!("({not}EXISTS ({}))", self.select(&outer, depth - 1, None)),
            _ => {
                let (a, b) = (self.column(scope), self.column(scope));
                format!("(({a},{b}) {not}IN ({}))", self.select(&outer, depth - 1, Some(2)))
            }
        }
    }
}
