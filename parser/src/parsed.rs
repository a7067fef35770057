//! What the parser returns: the statement with its tree, features and parameters, or an error.

use crate::ast::{Ast, Span, Statement};

/// One statement, parsed.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// EXPLAIN.
    pub explain: Explain,
    /// The tree that `statement` points into. Boxed, because it is many vectors.
    pub ast: Box<Ast>,
    /// What the statement contains.
    pub features: Features,
    /// Its parameters.
    pub parameters: Parameters,
    /// Where the next statement starts: a byte offset into the text given, behind the semicolon.
    pub end: usize,
}

/// Whether the statement is to be explained instead of run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// It is to be run.
    #[default]
    No,
    /// `EXPLAIN`
    Program,
    /// `EXPLAIN QUERY PLAN`
    QueryPlan,
}

/// What occurs in a statement, so that passes that look for it can be skipped.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// A SELECT in an expression: a scalar subquery, EXISTS, or IN (SELECT …), or IN table.
    pub const SUBQUERY: Features = Features(1 << 0);
    /// A SELECT or a parenthesised join in a FROM clause.
    pub const FROM_SUBQUERY: Features = Features(1 << 1);
    /// A function call that may be an aggregate: any call by name, with parentheses.
    pub const CALL: Features = Features(1 << 2);
    /// OVER, or a WINDOW clause.
    pub const WINDOW: Features = Features(1 << 3);
    /// UNION, EXCEPT or INTERSECT; not UNION ALL alone.
    pub const COMPOUND: Features = Features(1 << 4);
    /// UNION ALL.
    pub const UNION_ALL: Features = Features(1 << 5);
    /// LEFT, RIGHT or FULL JOIN.
    pub const OUTER_JOIN: Features = Features(1 << 6);
    /// NATURAL, or USING.
    pub const NATURAL_OR_USING: Features = Features(1 << 7);
    /// WITH.
    pub const WITH: Features = Features(1 << 8);
    /// GROUP BY or HAVING.
    pub const GROUP_BY: Features = Features(1 << 9);
    /// VALUES with more than one row.
    pub const MULTI_VALUES: Features = Features(1 << 10);
    /// A row value.
    pub const VECTOR: Features = Features(1 << 11);
    /// A double-quoted name, which may turn out to be a string.
    pub const DOUBLE_QUOTED: Features = Features(1 << 12);
    /// RAISE.
    pub const RAISE: Features = Features(1 << 13);
    /// COLLATE in an expression.
    pub const COLLATE: Features = Features(1 << 14);
    /// RETURNING.
    pub const RETURNING: Features = Features(1 << 15);
    /// A table-valued function in a FROM clause.
    pub const TABLE_FUNCTION: Features = Features(1 << 16);
    /// DISTINCT after SELECT.
    pub const DISTINCT: Features = Features(1 << 17);
    /// RIGHT or FULL JOIN.
    pub const RIGHT_JOIN: Features = Features(1 << 18);

    /// Whether any of `other` occurs.
    pub const fn any(self, other: Features) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    pub const fn with(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    pub(crate) fn set(&mut self, other: Features) {
        self.0 |= other.0;
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Features({:#x})", self.0)
    }
}

/// The parameters of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The largest number used: the statement has parameters 1 to `count`, some perhaps not mentioned.
    pub count: u32,
    /// The parameters that have a name, in the order they first occurred.
    pub named: Vec<Parameter>,
}

/// A parameter with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its number, from 1.
    pub number: u32,
    /// Where it first stands. Its name is what was typed, with the first character: `:a`, `@a`, `$a` or `?5`.
    pub span: Span,
}

impl Parameters {
    /// The name of parameter `number`, with its first character; `None` for `?` and for numbers not mentioned. Of two names
    /// for one number (`:a` and `?1`) the one that came first.
    pub fn name<'a>(&self, ast: &'a Ast, number: u32) -> Option<&'a [u8]> {
        self.named.iter().find(|p| p.number == number).map(|p| ast.source(p.span))
    }

    /// The number of the parameter called `name`, its first character included.
    pub fn number(&self, ast: &Ast, name: &[u8]) -> Option<u32> {
        self.named.iter().find(|p| ast.source(p.span) == name).map(|p| p.number)
    }
}

/// Limits that a connection can change (`sqlite3_limit`), and what the text is parsed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of SQL text (`SQLITE_LIMIT_SQL_LENGTH`).
    pub sql_length: u32,
    /// Depth of an expression (`SQLITE_LIMIT_EXPR_DEPTH`).
    pub expr_depth: u32,
    /// Depth of the parser's stack, in symbols of SQLite's grammar (`SQLITE_LIMIT_PARSER_DEPTH`). SQLite's stack has room
    /// for 50 from the start, so less than that is 50.
    pub parser_depth: u32,
    /// Terms of a compound SELECT (`SQLITE_LIMIT_COMPOUND_SELECT`); 0 for no limit.
    pub compound_select: u32,
    /// Largest parameter number (`SQLITE_LIMIT_VARIABLE_NUMBER`).
    pub variable_number: u32,
    /// Arguments of a function (`SQLITE_LIMIT_FUNCTION_ARG`).
    pub function_arg: u32,
    /// Columns of a table, terms of SET, GROUP BY, ORDER BY or VALUES (`SQLITE_LIMIT_COLUMN`).
    pub column: u32,
    /// Whether comments are allowed (`SQLITE_DBCONFIG_ENABLE_COMMENTS`); with `reading_schema` they always are.
    pub comments: bool,
    /// The text comes from `sqlite_schema`, where some mistakes of old are forgiven.
    pub reading_schema: bool,
    /// The text is parsed to find what ALTER TABLE RENAME has to change.
    pub renaming: bool,
}

impl Default for Limits {
    /// Those of the target build.
    fn default() -> Limits {
        Limits {
            sql_length: 1_000_000_000,
            expr_depth: 1000,
            parser_depth: 2500,
            compound_select: 500,
            variable_number: 250_000,
            function_arg: 1000,
            column: 2000,
            comments: true,
            reading_schema: false,
            renaming: false,
        }
    }
}

/// Why a text is not a statement.
#[derive(Clone, Debug)]
pub struct ParseError {
    /// What went wrong.
    pub kind: ParseErrorKind,
    /// SQLite's message. Bytes, because it may quote text that is not UTF-8.
    pub message: Vec<u8>,
    /// Offset of the byte that it is about, for `sqlite3_error_offset`.
    pub offset: Option<u32>,
    /// Where the next statement would start, were this one to be passed over (`pzTail`).
    pub end: usize,
    /// What had been read of a CREATE TABLE, VIRTUAL TABLE or TRIGGER, or of an ALTER TABLE ADD COLUMN: SQLite makes its
    /// checks of each part as soon as it has read the token after it, so an error of theirs comes before this one. The
    /// lists hold the parts that were checked; what had not been reached is empty.
    pub partial: Option<Box<Parsed>>,
}

/// The class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// `SQLITE_ERROR`
    Sql,
    /// `SQLITE_TOOBIG`: the text is longer than the limit.
    TooBig,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for ParseError {}
