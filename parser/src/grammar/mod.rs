//! The grammar: recursive descent over tokens, one function per rule of SQLite's grammar or per group of them.
//!
//! SQLite's parser is table-driven (LALR) and runs an action whenever a rule is complete. What an application can see of
//! that is kept:
//!
//! - **Errors.** An action that fails does not stop the parser at once: it goes on until the current token is shifted, so
//!   a syntax error at that same token, or another action's error, takes its place. Hence `fail`, which only notes
//!   an error, and `shift`, which returns it.
//! - **Names.** A keyword that may be a name is one only where no rule wants the keyword; each function asks for its
//!   keywords first.
//! - **Depth.** `depth` is the number of symbols that SQLite's stack holds below what is being read. Functions that recurse
//!   add the symbols of their own rule and put the old value back. The limit is the connection's, not our stack's:
//!   `deeper` gives recursion a new stack where the thread's runs short.
//!
//! Always true:
//! - `tok` is the first token not yet shifted, and no token behind it has been read;
//! - `last_end` is the end of the last token that was shifted: where the construct that was just read ends.
//!
//! Never: I/O, schemas, recursion whose depth the text chooses and `depth` does not count.
//! Spec: the rules as SQLite 3.54.1 has them; "SQL As Understood By SQLite".

mod alter;
mod call;
mod change;
mod constraint;
mod expr;
mod from;
mod name;
mod operand;
mod partial;
mod schema;
mod select;
mod statement;
mod table;
mod trigger;
mod window;

use crate::ast::{Ast, Expr, ExprId, ExprNode, List, Span, Stored};
use crate::lexer::{Token, TokenKind, scan, window_word};
use crate::{Explain, Features, Limits, Parameters, ParseErrorKind};
use expr::Op;
use partial::Progress;

/// Result of a rule. The error itself lies in `Memory::failure`, to keep what the hot path returns small.
pub(crate) type Rule<T> = Result<T, Failed>;

/// The text is not a statement; `Memory::failure` says why.
#[derive(Debug)]
pub(crate) struct Failed;

/// What went wrong.
pub(crate) struct Failure {
    pub(crate) kind: ParseErrorKind,
    pub(crate) message: Vec<u8>,
    pub(crate) offset: Option<u32>,
}

/// Stack left below which recursion goes on on a new one, in bytes: a debug build's frames for one round of select,
/// source, expression and operand fit many times.
const STACK_RESERVE: usize = 128 << 10;

/// Size of such a new stack, in bytes.
const STACK_SEGMENT: usize = 1 << 20;

/// SQLite's stack has this many places before it looks at the limit.
const PARSER_DEPTH_MIN: u32 = 50;

/// What SQLite keeps in each expression while it parses.
#[derive(Clone, Copy, Debug, Default)]
struct Meta {
    /// Nodes from here to the deepest leaf.
    height: u16,
    flags: u8,
}

/// A function call stands in the expression (`EP_HasFunc`).
const HAS_CALL: u8 = 1;
/// The expression is FALSE or the integer 0 (`EP_IsFalse`).
const IS_FALSE: u8 = 2;

/// The memory of a parser, used again for each statement.
#[derive(Default)]
pub(crate) struct Memory {
    /// Lists under construction, one stack per type: the arenas of a second tree. Empty between statements, unless one failed.
    lists: Ast,
    /// Operators whose right operand is being read.
    ops: Vec<Op>,
    /// One per expression.
    metas: Vec<Meta>,
    /// Height of the expressions in each select.
    select_heights: Vec<u16>,
    pub(crate) failure: Option<Failure>,
    progress: Option<Progress>,
}

impl Memory {
    /// Whether all lists and operators of the last statement were closed.
    pub(crate) fn is_idle(&self) -> bool {
        self.lists.is_empty() && self.ops.is_empty()
    }

    /// Forgets what a statement that failed has left behind.
    #[cold]
    pub(crate) fn clear(&mut self) {
        self.lists.clear();
        self.ops.clear();
    }
}

/// One statement being parsed.
pub(crate) struct Grammar<'a> {
    sql: &'a [u8],
    limits: &'a Limits,
    m: &'a mut Memory,
    pub(crate) ast: Box<Ast>,
    pub(crate) parameters: Parameters,
    tok: Token,
    last_end: u32,
    depth: u32,
    /// The most symbols that the stack may hold.
    depth_max: u32,
    /// The most bytes that may be read.
    sql_length: usize,
    /// `Memory::failure` was set by an action; the next shift returns it.
    pending: bool,
    /// An error to be returned where the statement has no other.
    late: Option<Failure>,
    /// Between BEGIN and END of a trigger, where RETURNING is an error.
    in_trigger: bool,
    /// Start of the token at which the parser failed; `u32::MAX` if that was not a token.
    failed_at: u32,
    pub(crate) features: Features,
    pub(crate) explain: Explain,
}

impl<'a> Grammar<'a> {
    /// Builds its statement in `ast` and `parameters`, which may hold an old one.
    pub(crate) fn new(
        sql: &'a [u8],
        limits: &'a Limits,
        memory: &'a mut Memory,
        mut ast: Box<Ast>,
        mut parameters: Parameters,
    ) -> Grammar<'a> {
        ast.clear();
        parameters.count = 0;
        parameters.named.clear();
        memory.metas.clear();
        memory.select_heights.clear();
        memory.progress = None;
        Grammar {
            sql,
            limits,
            m: memory,
            ast,
            parameters,
            tok: Token { kind: TokenKind::Semicolon, start: 0, end: 0 },
            last_end: 0,
            depth: 0,
            depth_max: limits.parser_depth.max(PARSER_DEPTH_MIN) - 1,
            sql_length: limits.sql_length as usize,
            pending: false,
            late: None,
            in_trigger: false,
            failed_at: u32::MAX,
            features: Features::default(),
            explain: Explain::No,
        }
    }

    /// Where reading has got to: behind the last token looked at.
    pub(crate) fn end(&self) -> usize {
        self.tok.end as usize
    }

    // Tokens.

    /// Makes the token at `at` the current one; `last` is the kind of the one before it.
    #[inline]
    fn lex(&mut self, mut at: usize, last: TokenKind) -> Rule<()> {
        // Most tokens stand behind a single space.
        if let Some(&[b' ', next, ..]) = self.sql.get(at..)
            && next > b' '
        {
            at += 1;
        }
        loop {
            let (kind, end) = scan(self.sql, at);
            if end > self.sql_length {
                return Err(self.too_big());
            }
            if kind < TokenKind::Filter {
                self.tok = Token { kind, start: at as u32, end: end as u32 };
                return Ok(());
            }
            if kind != TokenKind::Space && !self.lex_special(kind, at, end, last)? {
                return Ok(());
            }
            at = end;
        }
    }

    /// The same for a token that is what it is only where certain others stand around it. True for a comment, which is none.
    #[inline(never)]
    fn lex_special(&mut self, kind: TokenKind, at: usize, end: usize, last: TokenKind) -> Rule<bool> {
        let kind = match kind {
            TokenKind::Comment if self.limits.comments || self.limits.reading_schema => return Ok(true),
            // The end of the text stands for a semicolon, unless there was one.
            TokenKind::Illegal if end == at && last == TokenKind::Semicolon => TokenKind::EndOfInput,
            TokenKind::Illegal if end == at => TokenKind::Semicolon,
            TokenKind::Filter | TokenKind::Over | TokenKind::Window => {
                window_word(self.sql, kind, end, last == TokenKind::RightParen)
            }
            _ => return Err(self.unrecognized(at, end)),
        };
        self.tok = Token { kind, start: at as u32, end: end as u32 };
        Ok(false)
    }

    #[cold]
    fn too_big(&mut self) -> Failed {
        self.stop(ParseErrorKind::TooBig, b"string or blob too big".to_vec(), None)
    }

    #[cold]
    fn unrecognized(&mut self, start: usize, end: usize) -> Failed {
        let message =
            [b"unrecognized token: \"", self.bytes(Span::new(start as u32, end as u32)), b"\""].concat();
        self.tok.end = start as u32;
        self.stop(ParseErrorKind::Sql, message, Some(start as u32))
    }

    /// Fails outside any token.
    #[cold]
    fn stop(&mut self, kind: ParseErrorKind, message: Vec<u8>, offset: Option<u32>) -> Failed {
        self.m.failure = Some(Failure { kind, message, offset });
        self.failed_at = u32::MAX;
        Failed
    }

    /// Reads the next token. Returns the error that an action has noted.
    #[inline(never)]
    fn advance(&mut self) -> Rule<()> {
        if self.pending {
            self.failed_at = self.tok.start;
            return Err(Failed);
        }
        let Token { kind, end, .. } = self.tok;
        self.last_end = end;
        self.lex(end as usize, kind)
    }

    /// Takes the current token and reads the next.
    #[inline(always)]
    fn shift(&mut self) -> Rule<Token> {
        let token = self.tok;
        self.advance()?;
        Ok(token)
    }

    /// Takes the current token if it is a `kind`.
    #[inline]
    fn take(&mut self, kind: TokenKind) -> Rule<bool> {
        if self.tok.kind != kind {
            return Ok(false);
        }
        self.advance()?;
        Ok(true)
    }

    /// Takes a `kind`, or fails with a syntax error.
    #[inline]
    fn expect(&mut self, kind: TokenKind) -> Rule<Token> {
        if self.tok.kind != kind {
            return Err(self.syntax_error());
        }
        self.shift()
    }

    /// Takes tokens of these kinds one after another.
    fn expect_all(&mut self, kinds: &[TokenKind]) -> Rule<()> {
        kinds.iter().try_for_each(|&kind| self.expect(kind).map(drop))
    }

    /// The bytes of a token or a span.
    fn bytes(&self, span: Span) -> &'a [u8] {
        self.sql.get(span.range()).unwrap_or_default()
    }

    // Errors.

    /// The current token cannot stand here.
    #[cold]
    fn syntax_error(&mut self) -> Failed {
        let at_end = self.tok.start == self.tok.end;
        self.failed_at = self.tok.start;
        self.m.failure = Some(match at_end {
            true => {
                Failure { kind: ParseErrorKind::Sql, message: b"incomplete input".to_vec(), offset: None }
            }
            false => near(self.bytes(self.tok.span()), self.tok.start),
        });
        Failed
    }

    /// Notes an error of an action; the parser goes on until the current token is shifted.
    #[cold]
    fn fail(&mut self, message: impl Into<Vec<u8>>, offset: Option<u32>) {
        self.m.failure = Some(Failure { kind: ParseErrorKind::Sql, message: message.into(), offset });
        self.pending = true;
    }

    // Depth.

    /// Checks that one more symbol fits on the stack.
    #[inline]
    fn check_depth(&mut self) -> Rule<()> {
        self.check_room(1)
    }

    /// Checks that so many more symbols fit on the stack.
    #[inline]
    fn check_room(&mut self, symbols: u32) -> Rule<()> {
        if self.depth + symbols <= self.depth_max { Ok(()) } else { Err(self.too_deep()) }
    }

    #[cold]
    fn too_deep(&mut self) -> Failed {
        if !self.pending {
            self.fail("Recursion limit", None);
        }
        self.failed_at = self.tok.start;
        Failed
    }

    /// Runs a rule that can contain itself.
    fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Rule<T>) -> Rule<T> {
        stacker::maybe_grow(STACK_RESERVE, STACK_SEGMENT, || rule(self))
    }

    // Nodes and lists.

    fn add_expr(&mut self, kind: Expr, span: Span, height: u16, flags: u8) -> ExprId {
        let exprs = ExprNode::arena_mut(&mut self.ast);
        let id = ExprId::next(exprs.len());
        exprs.push(ExprNode { kind, span });
        self.m.metas.push(Meta { height, flags });
        id
    }

    fn meta(&self, expr: ExprId) -> Meta {
        self.m.metas[expr.index()]
    }

    /// Checks the height of a node that is about to be made.
    #[inline]
    fn check_height(&mut self, height: u16) -> u16 {
        if u32::from(height) > self.limits.expr_depth {
            self.too_high();
        }
        height
    }

    #[cold]
    fn too_high(&mut self) {
        let limit = self.limits.expr_depth;
        self.fail(format!("Expression tree is too large (maximum depth {limit})"), None);
    }

    /// Begins a list; what it returns is for `close`.
    fn open<T: Stored>(&self) -> usize {
        T::arena(&self.m.lists).len()
    }

    fn push<T: Stored>(&mut self, item: T) {
        T::arena_mut(&mut self.m.lists).push(item);
    }

    /// The items of the list begun at `from`, so far.
    fn items<T: Stored>(&self, from: usize) -> &[T] {
        &T::arena(&self.m.lists)[from..]
    }

    /// Ends a list: its items go to the tree.
    fn close<T: Stored>(&mut self, from: usize) -> List<T> {
        let items = T::arena_mut(&mut self.m.lists);
        let arena = T::arena_mut(&mut self.ast);
        let start = arena.len();
        arena.extend(items.drain(from..));
        List::from_parts(start as u32, (arena.len() - start) as u32)
    }

    /// The largest height and all flags of a list of expressions.
    fn list_meta(&self, list: List<ExprId>) -> Meta {
        let mut all = Meta::default();
        for &expr in self.ast.list(list) {
            let meta = self.meta(expr);
            all.height = all.height.max(meta.height);
            all.flags |= meta.flags & HAS_CALL;
        }
        all
    }
}

#[cold]
fn near(token: &[u8], offset: u32) -> Failure {
    let message = [b"near \"", token, b"\": syntax error"].concat();
    Failure { kind: ParseErrorKind::Sql, message, offset: Some(offset) }
}

impl Token {
    fn span(self) -> Span {
        Span::new(self.start, self.end)
    }
}
