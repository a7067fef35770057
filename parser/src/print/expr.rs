//! Expressions, with the parentheses that precedence asks for.

use super::{Printer, STACK};
use crate::ast::{
    BinaryOp, CallArguments, CallId, CurrentKind, Expr, ExprId, ExprNode, Frame, FrameBound, FrameExclude,
    FrameUnit, LikeOp, List, NullsOrder, OrderTerm, Over, QualifiedName, RaiseKind, SortOrder, SourceKind,
    Span, Text, UnaryOp, Window,
};

const LOWEST: u8 = 0;
const NOT: u8 = 3;
const EQUALITY: u8 = 4;
const BITS: u8 = 7;
const CONCAT: u8 = 10;
const COLLATE: u8 = 11;
const SIGN: u8 = 12;
const OPERAND: u8 = 13;

fn binary(op: BinaryOp) -> (&'static str, u8) {
    match op {
        BinaryOp::Or => ("OR", 1),
        BinaryOp::And => ("AND", 2),
        BinaryOp::Eq => ("=", EQUALITY),
        BinaryOp::Ne => ("<>", EQUALITY),
        BinaryOp::Is => ("IS", EQUALITY),
        BinaryOp::IsNot => ("IS NOT", EQUALITY),
        BinaryOp::Lt => ("<", 5),
        BinaryOp::Le => ("<=", 5),
        BinaryOp::Gt => (">", 5),
        BinaryOp::Ge => (">=", 5),
        BinaryOp::BitAnd => ("&", BITS),
        BinaryOp::BitOr => ("|", BITS),
        BinaryOp::ShiftLeft => ("<<", BITS),
        BinaryOp::ShiftRight => (">>", BITS),
        BinaryOp::Add => ("+", 8),
        BinaryOp::Subtract => ("-", 8),
        BinaryOp::Multiply => ("*", 9),
        BinaryOp::Divide => ("/", 9),
        BinaryOp::Remainder => ("%", 9),
        BinaryOp::Concat => ("||", CONCAT),
        BinaryOp::Arrow => ("->", CONCAT),
        BinaryOp::ArrowText => ("->>", CONCAT),
    }
}

/// How tightly an expression's outermost operator binds.
fn level(expr: &Expr) -> u8 {
    match expr {
        Expr::Unary { op: UnaryOp::Not, .. } => NOT,
        Expr::Unary { .. } => SIGN,
        Expr::Binary { op, .. } => binary(*op).1,
        Expr::IsNull { .. }
        | Expr::Like { .. }
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::InSelect { .. }
        | Expr::InTable { .. } => EQUALITY,
        Expr::Collate { .. } => COLLATE,
        _ => OPERAND,
    }
}

impl Printer<'_> {
    pub(super) fn expr(&mut self, expr: ExprId) {
        self.expr_at(expr, LOWEST);
    }

    /// The expression, in parentheses if it binds less tightly than `least`.
    fn expr_at(&mut self, expr: ExprId, least: u8) {
        let ExprNode { kind: expr, span } = self.ast[expr];
        stacker::maybe_grow(STACK.0, STACK.1, || {
            if level(&expr) < least {
                self.open();
                self.bare(expr, span);
                self.close();
            } else {
                self.bare(expr, span);
            }
        });
    }

    fn bare(&mut self, expr: Expr, span: Span) {
        match expr {
            Expr::Null => self.word("NULL"),
            Expr::Bool(value) => self.word(if value { "TRUE" } else { "FALSE" }),
            Expr::Integer(text) | Expr::Float(text) => self.text(text),
            Expr::String(text) => {
                self.space();
                self.quoted(text);
            }
            Expr::Blob(text) => {
                self.word("x");
                self.quoted(text);
            }
            Expr::Id(name) => self.name(name),
            // By number, as an operand may be printed in another place than it was typed (`LIMIT a, b`).
            Expr::Parameter(number) => match self.ast.source(span) {
                b"?" => self.word(format!("?{number}")),
                typed => self.word(typed),
            },
            Expr::Column { schema, table, column } => {
                let ast = self.ast;
                self.space();
                for part in schema.into_iter().chain([table, column]).enumerate() {
                    self.raw(if part.0 > 0 { "." } else { "" });
                    self.raw(ast.source(ast[part.1].source));
                }
            }
            Expr::Unary { op, operand } => self.unary(op, operand),
            Expr::Binary { op, left, right } => {
                let (word, level) = binary(op);
                self.infix(left, level, word);
                self.expr_at(right, level + 1);
            }
            Expr::IsNull { operand, negated } => {
                self.infix(operand, EQUALITY, if negated { "IS NOT NULL" } else { "IS NULL" });
            }
            Expr::Like { op, negated, left, right, escape } => {
                self.expr_at(left, EQUALITY);
                self.flag(negated, "NOT");
                self.word(match op {
                    LikeOp::Like => "LIKE",
                    LikeOp::Glob => "GLOB",
                    LikeOp::Regexp => "REGEXP",
                    LikeOp::Match => "MATCH",
                });
                self.expr_at(right, BITS);
                if let Some(escape) = escape {
                    self.word("ESCAPE");
                    self.expr_at(escape, BITS);
                }
            }
            Expr::Between { operand, low, high, negated } => {
                self.infix(operand, EQUALITY, if negated { "NOT BETWEEN" } else { "BETWEEN" });
                self.expr_at(low, BITS);
                self.word("AND");
                self.expr_at(high, BITS);
            }
            Expr::Collate { operand, collation } => {
                self.infix(operand, COLLATE, "COLLATE");
                self.name(collation);
            }
            _ => self.compound(expr),
        }
    }

    /// Expressions with brackets of their own.
    fn compound(&mut self, expr: Expr) {
        match expr {
            Expr::InList { operand, list, negated } => {
                self.membership(operand, negated);
                self.open();
                self.nodes(list, |p, &expr| p.expr(expr));
                self.close();
            }
            Expr::InSelect { operand, select, negated } => {
                self.membership(operand, negated);
                self.parenthesised_select(select);
            }
            Expr::InTable { operand, source, negated } => {
                self.membership(operand, negated);
                match self.ast[source].kind {
                    SourceKind::Table { schema, name, .. } => self.qualified(QualifiedName { schema, name }),
                    SourceKind::Function { schema, name, arguments } => {
                        self.qualified(QualifiedName { schema, name });
                        self.open();
                        self.nodes(arguments, |p, &expr| p.expr(expr));
                        self.close();
                    }
                    SourceKind::Select(_) | SourceKind::Join(_) => {}
                }
            }
            Expr::Cast { operand, type_name } => {
                self.word("CAST(");
                self.expr(operand);
                self.word("AS");
                self.text(type_name);
                self.close();
            }
            Expr::Case { operand, arms, otherwise } => {
                self.word("CASE");
                if let Some(operand) = operand {
                    self.expr(operand);
                }
                let ast = self.ast;
                for (i, &part) in ast.list(arms).iter().enumerate() {
                    self.word(if i % 2 == 0 { "WHEN" } else { "THEN" });
                    self.expr(part);
                }
                if let Some(otherwise) = otherwise {
                    self.word("ELSE");
                    self.expr(otherwise);
                }
                self.word("END");
            }
            Expr::Vector(terms) => {
                self.open();
                self.nodes(terms, |p, &expr| p.expr(expr));
                self.close();
            }
            Expr::Subquery(select) => self.parenthesised_select(select),
            Expr::Exists(select) => {
                self.word("EXISTS");
                self.parenthesised_select(select);
            }
            Expr::Call(call) => self.call(call),
            Expr::Current(CurrentKind::Date) => self.word("CURRENT_DATE"),
            Expr::Current(CurrentKind::Time) => self.word("CURRENT_TIME"),
            Expr::Current(CurrentKind::Timestamp) => self.word("CURRENT_TIMESTAMP"),
            Expr::Raise { kind, message } => {
                self.word("RAISE(");
                self.raw(match kind {
                    RaiseKind::Ignore => "IGNORE",
                    RaiseKind::Rollback => "ROLLBACK,",
                    RaiseKind::Abort => "ABORT,",
                    RaiseKind::Fail => "FAIL,",
                });
                if let Some(message) = message {
                    self.expr(message);
                }
                self.close();
            }
            _ => {}
        }
    }

    fn infix(&mut self, left: ExprId, level: u8, word: &str) {
        self.expr_at(left, level);
        self.word(word);
    }

    fn unary(&mut self, op: UnaryOp, operand: ExprId) {
        let (word, level) = match op {
            UnaryOp::Not => ("NOT", NOT),
            UnaryOp::BitNot => ("~", SIGN),
            UnaryOp::Plus => ("+", SIGN),
            UnaryOp::Minus => ("-", SIGN),
        };
        // The space in front of the operand keeps two signs from being a comment.
        self.word(word);
        self.expr_at(operand, level);
    }

    fn membership(&mut self, operand: ExprId, negated: bool) {
        self.infix(operand, EQUALITY, if negated { "NOT IN" } else { "IN" });
    }

    fn text(&mut self, text: Text) {
        let ast = self.ast;
        self.word(ast.text(text));
    }

    fn quoted(&mut self, text: Text) {
        let ast = self.ast;
        self.raw("'");
        for &byte in ast.text(text) {
            self.out.push(byte);
            if byte == b'\'' {
                self.out.push(byte);
            }
        }
        self.raw("'");
    }

    fn call(&mut self, call: CallId) {
        let call = self.ast[call];
        self.name(call.name);
        self.raw("(");
        self.flag(call.distinct, "DISTINCT");
        match call.arguments {
            CallArguments::Star => self.raw("*"),
            CallArguments::List(list) => self.nodes(list, |p, &expr| p.expr(expr)),
        }
        if !call.order_by.is_empty() {
            self.order_by(call.order_by);
        }
        self.close();
        if let Some(filter) = call.filter {
            self.word("FILTER (WHERE");
            self.expr(filter);
            self.close();
        }
        match call.over {
            None => {}
            Some(Over::Name(name)) => self.optional_name("OVER", Some(name)),
            Some(Over::Window(window)) => {
                self.word("OVER");
                let window = self.ast[window];
                self.window(&window);
            }
        }
    }

    /// The window without its name, in parentheses.
    pub(super) fn window(&mut self, window: &Window) {
        self.open();
        self.optional_name("", window.base);
        if !window.partition_by.is_empty() {
            self.word("PARTITION BY");
            self.nodes(window.partition_by, |p, &expr| p.expr(expr));
        }
        self.order_by(window.order_by);
        if let Some(frame) = &window.frame {
            self.frame(frame);
        }
        self.close();
    }

    fn frame(&mut self, frame: &Frame) {
        self.word(match frame.unit {
            FrameUnit::Range => "RANGE BETWEEN",
            FrameUnit::Rows => "ROWS BETWEEN",
            FrameUnit::Groups => "GROUPS BETWEEN",
        });
        self.frame_bound(frame.start);
        self.word("AND");
        self.frame_bound(frame.end);
        self.word(match frame.exclude {
            FrameExclude::None => return,
            FrameExclude::NoOthers => "EXCLUDE NO OTHERS",
            FrameExclude::CurrentRow => "EXCLUDE CURRENT ROW",
            FrameExclude::Group => "EXCLUDE GROUP",
            FrameExclude::Ties => "EXCLUDE TIES",
        });
    }

    fn frame_bound(&mut self, bound: FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.word("UNBOUNDED PRECEDING"),
            FrameBound::Preceding(expr) => self.infix(expr, LOWEST, "PRECEDING"),
            FrameBound::CurrentRow => self.word("CURRENT ROW"),
            FrameBound::Following(expr) => self.infix(expr, LOWEST, "FOLLOWING"),
            FrameBound::UnboundedFollowing => self.word("UNBOUNDED FOLLOWING"),
        }
    }

    /// `ORDER BY …`, or nothing.
    pub(super) fn order_by(&mut self, terms: List<OrderTerm>) {
        if !terms.is_empty() {
            self.word("ORDER BY");
            self.order_terms(terms);
        }
    }

    pub(super) fn order_terms(&mut self, terms: List<OrderTerm>) {
        self.nodes(terms, |p, term| {
            p.expr(term.expr);
            p.sort_order(term.order);
            match term.nulls {
                None => {}
                Some(NullsOrder::First) => p.word("NULLS FIRST"),
                Some(NullsOrder::Last) => p.word("NULLS LAST"),
            }
        });
    }

    pub(super) fn sort_order(&mut self, order: Option<SortOrder>) {
        match order {
            None => {}
            Some(SortOrder::Asc) => self.word("ASC"),
            Some(SortOrder::Desc) => self.word("DESC"),
        }
    }
}
