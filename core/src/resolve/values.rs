//! VALUES: which of its rows a co-routine yields, and which are operands of a compound.
//!
//! SQLite decides row by row while it parses. A constant row joins the co-routine of the row before it, or begins one with it; any other row is
//! an operand of UNION ALL. Plans show it: `SCAN 2-ROW VALUES CLAUSE`, `SCAN 2 CONSTANT ROWS`.
//!
//! At that time no name has been looked up, so constant means: literals, parameters, and calls of functions that are.

use std::ops::Range;

use kernite_parser::ast::{self, Ast, Expr, Row};
use kernite_vdbe::function::FunctionFlags;
use kernite_vdbe::function::registry::{FunctionLookup, FunctionRegistry};

/// The rows of a VALUES clause in groups: several rows are read by one co-routine, a row alone is a core.
pub(crate) fn groups(
    ast: &Ast,
    functions: &FunctionRegistry,
    rows: &[Row],
    from_schema: bool,
) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let never = from_schema || rows.len() == 1 || !ast.all::<ast::Cte>().is_empty();
    let constant = |at: usize, is_new: bool| {
        ast.list(rows[at].terms).iter().all(|&term| {
            is_constant(ast, Some(functions), term)
                && if is_new { !has_is(ast, term) } else { !has_affinity(ast, term) }
        })
    };
    for at in 0..rows.len() {
        match groups.last_mut() {
            Some(group)
                if !never && constant(at, true) && (group.len() > 1 || constant(group.start, false)) =>
            {
                group.end = at + 1;
            }
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

/// Whether all rows are read by one co-routine.
pub(crate) fn is_one_group(ast: &Ast, functions: &FunctionRegistry, rows: &[Row]) -> bool {
    rows.len() > 1 && groups(ast, functions, rows, false).len() == 1
}

/// Whether a value has an affinity, which the rows together would have to decide.
fn has_affinity(ast: &Ast, expr: ast::ExprId) -> bool {
    match *ast.expr(expr) {
        Expr::Cast { .. } | Expr::Subquery(_) => true,
        Expr::Collate { operand, .. } => has_affinity(ast, operand),
        Expr::Vector(terms) => ast.list(terms).first().is_some_and(|&term| has_affinity(ast, term)),
        _ => false,
    }
}

/// Whether an expression holds IS or IS NOT with two operands: such a row does not join the one before it.
fn has_is(ast: &Ast, expr: ast::ExprId) -> bool {
    if matches!(ast.expr(expr), Expr::Binary { op: ast::BinaryOp::Is | ast::BinaryOp::IsNot, .. }) {
        return true;
    }
    let mut operands = Vec::new();
    super::expand::collect_operands(ast, expr, &mut operands);
    operands.into_iter().any(|operand| crate::compile::deep(|| has_is(ast, operand)))
}

/// Whether one can tell without looking up a column that an expression is constant.
///
/// No call is, where `functions` is `None`.
pub(super) fn is_constant(ast: &Ast, functions: Option<&FunctionRegistry>, expr: ast::ExprId) -> bool {
    let all = |terms: &[ast::ExprId]| terms.iter().all(|&term| is_constant(ast, functions, term));
    let calls = |name: &[u8], count: usize| {
        functions.is_some_and(|functions| is_constant_function(functions, name, count))
    };
    crate::compile::deep(|| match *ast.expr(expr) {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Integer(_)
        | Expr::Float(_)
        | Expr::String(_)
        | Expr::Blob(_)
        | Expr::Parameter(_) => true,
        Expr::Current(_) => functions.is_some(),
        Expr::Id(name) => super::expr::truth_literal(ast, name).is_some(),
        Expr::Unary { operand, .. }
        | Expr::IsNull { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Cast { operand, .. } => all(&[operand]),
        Expr::Binary { op: ast::BinaryOp::Arrow | ast::BinaryOp::ArrowText, .. } if functions.is_none() => {
            false
        }
        Expr::Binary { left, right, .. } => all(&[left, right]),
        Expr::Between { operand, low, high, .. } => all(&[operand, low, high]),
        Expr::InList { operand, list, .. } => all(&[operand]) && all(ast.list(list)),
        Expr::Case { operand, arms, otherwise } => {
            all(ast.list(arms)) && operand.into_iter().chain(otherwise).all(|term| all(&[term]))
        }
        Expr::Vector(terms) => all(ast.list(terms)),
        Expr::Like { op, left, right, escape, .. } => {
            calls(super::expr::like_function(op), if escape.is_some() { 3 } else { 2 })
                && all(&[left, right])
                && escape.is_none_or(|escape| all(&[escape]))
        }
        Expr::Call(call) => {
            let call = &ast[call];
            let ast::CallArguments::List(arguments) = call.arguments else { return false };
            let arguments = ast.list(arguments);
            call.over.is_none()
                && call.filter.is_none()
                && call.order_by.is_empty()
                && all(arguments)
                && calls(ast.name(call.name), arguments.len())
        }
        Expr::Column { .. }
        | Expr::InSelect { .. }
        | Expr::InTable { .. }
        | Expr::Subquery(_)
        | Expr::Exists(_)
        | Expr::Raise { .. } => false,
    })
}

/// Whether the function always gives the same for the same arguments, at least as long as a statement runs.
fn is_constant_function(functions: &FunctionRegistry, name: &[u8], arguments: usize) -> bool {
    match functions.find(name, arguments) {
        FunctionLookup::Found(function) => {
            !function.is_aggregate()
                && (function.flags.has(FunctionFlags::CONSTANT)
                    || function.flags.has(FunctionFlags::SLOW_CHANGE))
        }
        FunctionLookup::WrongArgumentCount | FunctionLookup::Unknown => false,
    }
}
