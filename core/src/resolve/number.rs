//! Numbers of SELECTs, as EXPLAIN QUERY PLAN shows them (`SCALAR SUBQUERY 2`).
//!
//! SQLite numbers a core when its parser has read the last token of it, so inner ones come first. We give the same numbers after the
//! fact, by sorting the cores of a statement by where they end. Views, which are copied in, get numbers behind all of those.
//!
//! More things are a SELECT to SQLite: a row of VALUES, what reads the rows of a co-routine, the table of `x IN table`, a parenthesised join,
//! and the rows of a list of row values.

use kernite_io::HashMap;
use kernite_parser::ast::{self, Ast, Core, CoreBody, Expr, SourceKind};
use kernite_vdbe::function::registry::FunctionRegistry;

use super::values;

/// What has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Numbered {
    /// A core, by its index. VALUES: what reads several rows behind a compound operator.
    Core(usize),
    /// A row of VALUES that is a core, or the first of a co-routine, by index of the core and of the row.
    Row(usize, usize),
    /// What reads a co-routine of rows, by index of the core and of its first row.
    Rows(usize, usize),
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
    pub(super) fn get(&mut self, ast: &Ast, functions: &FunctionRegistry, what: Numbered) -> u32 {
        self.own.get_or_insert_with(|| number(ast, functions)).get(&what).copied().unwrap_or(0)
    }
}

/// How many numbers the parser gave out.
pub(crate) fn count_selects(ast: &Ast, functions: &FunctionRegistry) -> u32 {
    match ast.all::<Core>() {
        [] => ast.all::<ast::Source>().len() as u32,
        [Core { body: CoreBody::Select(_), .. }] if is_plain(ast) => 1,
        [Core { body: CoreBody::Values(rows), .. }] if rows.len() == 1 && is_plain(ast) => 1,
        _ => events(ast, functions).iter().map(|event| event.count).sum(),
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

fn number(ast: &Ast, functions: &FunctionRegistry) -> HashMap<Numbered, u32> {
    let mut numbers = HashMap::default();
    let mut last = 0;
    for event in events(ast, functions) {
        numbers.insert(event.what, last + 1);
        last += event.count;
    }
    numbers
}

fn events(ast: &Ast, functions: &FunctionRegistry) -> Vec<Event> {
    let mut events = Vec::new();
    for select in ast.all::<ast::Select>() {
        let first = select.cores.range().start;
        let cores = ast.list(select.cores);
        for (i, core) in cores.iter().enumerate() {
            let end = cores.get(i + 1).map_or(select.span.end, |next| core_start(ast, next));
            let is_nested = match core.body {
                CoreBody::Select(_) => true,
                CoreBody::Values(rows) => {
                    let groups = values::groups(ast, functions, ast.list(rows), false);
                    row_events(ast, (first + i, ast.list(rows)), &groups, end, &mut events);
                    core.operator.is_some() && groups.len() > 1
                }
            };
            if is_nested {
                events.push(Event {
                    end,
                    start: core_start(ast, core),
                    what: Numbered::Core(first + i),
                    count: 1,
                });
            }
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

/// The numbers of the rows of VALUES, which is the core `core` and ends at `end`.
fn row_events(
    ast: &Ast,
    (core, rows): (usize, &[ast::Row]),
    groups: &[std::ops::Range<usize>],
    end: u32,
    events: &mut Vec<Event>,
) {
    let start = |at: usize| {
        let term = rows.get(at).and_then(|row| ast.list(row.terms).first());
        term.map_or(end, |&term| ast[term].span.start)
    };
    for group in groups {
        let at = group.start;
        events.push(Event { end: start(at + 1), start: start(at), what: Numbered::Row(core, at), count: 1 });
        if group.len() > 1 {
            let (end, start) = (start(at + 2), start(at + 1));
            events.push(Event { end, start, what: Numbered::Rows(core, at), count: 1 });
        }
    }
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
