//! Numbers of SELECTs, as EXPLAIN QUERY PLAN shows them (`SCALAR SUBQUERY 2`).
//!
//! SQLite numbers a core when its parser has read the last token of it, so inner ones come first. We give the same numbers after the
//! fact, by sorting the cores of a statement by where they end. Views, which are copied in, get numbers behind all of those.
//!
//! Three more things are a SELECT to SQLite: the table of `x IN table`, a parenthesised join, and the rows of a list of row values.

use kernite_io::HashMap;
use kernite_parser::ast::{self, Ast, Core, CoreBody, Expr, Row, SourceKind};

/// What has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Numbered {
    /// A core, by its index. VALUES with several rows: the first row.
    Core(usize),
    /// `SELECT * FROM (rows)`, which a VALUES clause of several constant rows becomes, by core index.
    Rows(usize),
    /// A parenthesised join, by index of the source.
    Join(usize),
    /// `IN table`, by index of the source.
    Table(usize),
    /// The first of the rows of `IN ((…), (…))`, by index of the expression; the others follow.
    InRows(usize),
}

/// The numbers of the trees that are numbered.
#[derive(Default)]
pub(super) struct Numbers {
    /// The statement's own tree.
    own: Option<HashMap<Numbered, u32>>,
}

impl Numbers {
    /// The number that the parser gave to `what` in the statement's own tree.
    pub(super) fn get(&mut self, ast: &Ast, what: Numbered) -> u32 {
        self.own.get_or_insert_with(|| number(ast)).get(&what).copied().unwrap_or(0)
    }
}

/// How many numbers the parser gave out.
pub(crate) fn count_selects(ast: &Ast) -> u32 {
    match ast.all::<Core>() {
        [] => ast.all::<ast::Source>().len() as u32,
        [Core { body: CoreBody::Select(_), .. }] if is_plain(ast) => 1,
        _ => events(ast).iter().map(|event| event.count).sum(),
    }
}

/// Whether there can be no hidden SELECT: none of the three of the header.
fn is_plain(ast: &Ast) -> bool {
    !ast.all::<ast::Source>().iter().any(|source| matches!(source.kind, SourceKind::Join(_)))
        && !ast.all::<ast::ExprNode>().iter().any(|node| {
            matches!(node.kind, Expr::InTable { .. })
                || matches!(node.kind, Expr::InList { operand, .. } if matches!(ast.expr(operand), Expr::Vector(_)))
        })
}

struct Event {
    end: u32,
    /// Of two that end together the one that starts later is inside.
    start: u32,
    what: Numbered,
    count: u32,
}

fn number(ast: &Ast) -> HashMap<Numbered, u32> {
    let mut numbers = HashMap::default();
    let mut last = 0;
    for event in events(ast) {
        numbers.insert(event.what, last + 1);
        if let (Numbered::Core(core), 2) = (event.what, event.count) {
            numbers.insert(Numbered::Rows(core), last + 2);
        }
        last += event.count;
    }
    numbers
}

fn events(ast: &Ast) -> Vec<Event> {
    let mut events = Vec::new();
    for select in ast.all::<ast::Select>() {
        let first = select.cores.range().start;
        let cores = ast.list(select.cores);
        for (i, core) in cores.iter().enumerate() {
            let end = cores.get(i + 1).map_or(select.span.end, |next| core_start(ast, next));
            let count = match core.body {
                CoreBody::Select(_) => 1,
                CoreBody::Values(rows) if rows.len() == 1 => 1,
                CoreBody::Values(rows) if is_constant_rows(ast, ast.list(rows)) => 2,
                CoreBody::Values(rows) => rows.len() as u32 + u32::from(core.operator.is_some()),
            };
            events.push(Event { end, start: core_start(ast, core), what: Numbered::Core(first + i), count });
        }
    }
    for (i, source) in ast.all::<ast::Source>().iter().enumerate() {
        if matches!(source.kind, SourceKind::Join(_)) {
            let end = match source.constraint {
                ast::JoinConstraint::On(expr) => ast[expr].span.end,
                _ => source.span.end,
            };
            events.push(Event { end, start: source.span.start, what: Numbered::Join(i), count: 1 });
        }
    }
    for (i, node) in ast.all::<ast::ExprNode>().iter().enumerate() {
        let (what, count) = match node.kind {
            Expr::InTable { source, .. } => (Numbered::Table(source.index()), 1),
            Expr::InList { operand, list, .. } if matches!(ast.expr(operand), Expr::Vector(_)) => {
                (Numbered::InRows(i), list.len() as u32)
            }
            _ => continue,
        };
        events.push(Event { end: node.span.end, start: node.span.start, what, count });
    }
    events.sort_by_key(|event| (event.end, std::cmp::Reverse(event.start)));
    events
}

fn core_start(ast: &Ast, core: &Core) -> u32 {
    match core.body {
        CoreBody::Select(select) => ast.list(select.columns).first().map_or(0, |column| column.span.start),
        CoreBody::Values(rows) => ast
            .list(rows)
            .first()
            .and_then(|row| ast.list(row.terms).first())
            .map_or(0, |&term| ast[term].span.start),
    }
}

/// Whether a VALUES clause of several rows is read by `SELECT * FROM (rows)`: no WITH clause anywhere, constant rows, and no CAST
/// on top of a term of the first row.
pub(super) fn is_constant_rows(ast: &Ast, rows: &[Row]) -> bool {
    let Some((first, others)) = rows.split_first() else { return false };
    !others.is_empty()
        && ast.all::<ast::Cte>().is_empty()
        && ast.list(first.terms).iter().all(|&term| !has_affinity(ast, term))
        && others.iter().all(|row| ast.list(row.terms).iter().all(|&term| is_constant(ast, term)))
}

fn has_affinity(ast: &Ast, expr: ast::ExprId) -> bool {
    match *ast.expr(expr) {
        Expr::Cast { .. } | Expr::Subquery(_) => true,
        Expr::Collate { operand, .. } => has_affinity(ast, operand),
        Expr::Vector(terms) => ast.list(terms).first().is_some_and(|&term| has_affinity(ast, term)),
        _ => false,
    }
}

/// Whether the parser can tell that an expression is constant: it holds no name, call or subquery.
pub(super) fn is_constant(ast: &Ast, expr: ast::ExprId) -> bool {
    crate::compile::deep(|| match *ast.expr(expr) {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Integer(_)
        | Expr::Float(_)
        | Expr::String(_)
        | Expr::Blob(_)
        | Expr::Parameter(_) => true,
        Expr::Id(name) => super::expr::truth_literal(ast, name).is_some(),
        Expr::Unary { operand, .. }
        | Expr::IsNull { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Cast { operand, .. } => is_constant(ast, operand),
        Expr::Binary { op: ast::BinaryOp::Arrow | ast::BinaryOp::ArrowText, .. } => false,
        Expr::Binary { left, right, .. } => is_constant(ast, left) && is_constant(ast, right),
        Expr::Between { operand, low, high, .. } => {
            [operand, low, high].into_iter().all(|e| is_constant(ast, e))
        }
        Expr::InList { operand, list, .. } => {
            is_constant(ast, operand) && ast.list(list).iter().all(|&e| is_constant(ast, e))
        }
        Expr::Case { operand, arms, otherwise } => {
            operand.into_iter().chain(otherwise).all(|e| is_constant(ast, e))
                && ast.list(arms).iter().all(|&e| is_constant(ast, e))
        }
        Expr::Vector(terms) => ast.list(terms).iter().all(|&e| is_constant(ast, e)),
        Expr::Like { .. }
        | Expr::Column { .. }
        | Expr::InSelect { .. }
        | Expr::InTable { .. }
        | Expr::Subquery(_)
        | Expr::Exists(_)
        | Expr::Call(_)
        | Expr::Current(_)
        | Expr::Raise { .. } => false,
    })
}
