//! Kinds of token, and which of them can serve as names.
//!
//! SQLite lets most of its keywords be identifiers where no rule wants the keyword. The kinds are ordered so that the
//! three classes of names that the grammar knows are one comparison each:
//!
//! ```text
//! Id, keywords that fall back to Id | String | Indexed, JoinWord | everything else
//! '------------ is_id -------------'
//! '---------- is_id_or_string ---------------'
//! '------------------------- is_name -----------------------------'
//! ```
//!
//! Where a rule wants the keyword itself, the keyword wins: the parser asks for it before it asks for a name.

/// The kind of a token. Several words share a kind where the grammar does not tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum TokenKind {
    /// An identifier, quoted or not.
    Id,
    // Keywords that are identifiers wherever the grammar has no use for them.
    Abort,
    Action,
    After,
    Always,
    Analyze,
    Asc,
    Attach,
    Before,
    Begin,
    By,
    Cascade,
    Cast,
    Column,
    Conflict,
    Current,
    /// `CURRENT_DATE`, `CURRENT_TIME`, `CURRENT_TIMESTAMP`
    CurrentWord,
    Database,
    Deferred,
    Desc,
    Detach,
    Do,
    Each,
    End,
    Exclude,
    Exclusive,
    Explain,
    Fail,
    First,
    Following,
    For,
    Generated,
    Groups,
    If,
    Ignore,
    Immediate,
    Initially,
    Instead,
    Key,
    Last,
    /// `LIKE`, `GLOB`, `REGEXP`
    LikeWord,
    Match,
    Materialized,
    No,
    Nulls,
    Of,
    Offset,
    Others,
    Partition,
    Plan,
    Pragma,
    Preceding,
    Query,
    Raise,
    Range,
    Recursive,
    Reindex,
    Release,
    Rename,
    Replace,
    Restrict,
    Rollback,
    Row,
    Rows,
    Savepoint,
    /// `TEMP`, `TEMPORARY`
    Temp,
    Ties,
    Trigger,
    Unbounded,
    Vacuum,
    View,
    Virtual,
    With,
    Without,
    /// `'…'`
    String,
    Indexed,
    /// `CROSS`, `FULL`, `INNER`, `LEFT`, `NATURAL`, `OUTER`, `RIGHT`
    JoinWord,
    // Keywords that are never names.
    Add,
    All,
    Alter,
    And,
    As,
    Autoincrement,
    Between,
    Case,
    Check,
    Collate,
    Commit,
    Constraint,
    Create,
    Default,
    Deferrable,
    Delete,
    Distinct,
    Drop,
    Else,
    Escape,
    Except,
    Exists,
    Foreign,
    From,
    Group,
    Having,
    In,
    Index,
    Insert,
    Intersect,
    Into,
    Is,
    IsNull,
    Join,
    Limit,
    Not,
    Nothing,
    NotNull,
    Null,
    On,
    Or,
    Order,
    Primary,
    References,
    Returning,
    Select,
    Set,
    Table,
    Then,
    To,
    Transaction,
    Union,
    Unique,
    Update,
    Using,
    Values,
    When,
    Where,
    // Literals.
    Integer,
    Float,
    /// A number with digit separators.
    SeparatedNumber,
    Blob,
    Parameter,
    // Punctuation.
    Semicolon,
    LeftParen,
    RightParen,
    Comma,
    Dot,
    Star,
    Plus,
    Minus,
    Slash,
    Percent,
    Concat,
    /// `->`, `->>`
    Arrow,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    BitAnd,
    BitOr,
    BitNot,
    ShiftLeft,
    ShiftRight,
    // Words that are keywords or names by what stands around them; the rest never reaches the grammar as it is.
    /// Keyword only where `FILTER (` follows a closing parenthesis.
    Filter,
    /// Keyword only where `OVER (` or `OVER name` follows a closing parenthesis.
    Over,
    /// Keyword only where a name and AS follow.
    Window,
    Space,
    Comment,
    Illegal,
    /// Behind the last token, when that was a semicolon.
    EndOfInput,
}

impl TokenKind {
    /// `ID`: an identifier, or a keyword that falls back to one.
    pub(crate) fn is_id(self) -> bool {
        self < TokenKind::String
    }

    /// `ID | STRING`: what can be an alias without AS, a collation, or a word of a type.
    pub(crate) fn is_id_or_string(self) -> bool {
        self <= TokenKind::String
    }

    /// Whether an expression goes on behind an operand.
    pub(crate) fn is_operator(self) -> bool {
        const OPERATORS: [bool; TokenKind::EndOfInput as usize + 1] = operators();
        OPERATORS[self as usize]
    }

    /// `nm`: what can name a thing.
    pub(crate) fn is_name(self) -> bool {
        self <= TokenKind::JoinWord
    }
}

const fn operators() -> [bool; TokenKind::EndOfInput as usize + 1] {
    use TokenKind::*;
    let operators = [
        And, Arrow, Between, BitAnd, BitOr, Collate, Concat, Eq, Escape, Ge, Gt, In, Is, IsNull, Le,
        LikeWord, Lt, Match, Minus, Ne, Not, NotNull, Or, Percent, Plus, ShiftLeft, ShiftRight, Slash, Star,
    ];
    let mut table = [false; EndOfInput as usize + 1];
    let mut i = 0;
    while i < operators.len() {
        table[operators[i] as usize] = true;
        i += 1;
    }
    table
}

/// A token: its kind and the bytes `start..end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}
