//! One column of a CREATE TABLE, or of ALTER TABLE ADD COLUMN.

use kernite_parser::ast::{self, Ast, Expr};

use super::Source;
use crate::bound::{AFFINITY_BLOB, AFFINITY_INTEGER, AFFINITY_NUMERIC, AFFINITY_REAL, AFFINITY_TEXT};
use crate::catalog::{Column, ColumnFlags, type_affinity, type_size_estimate};

/// The types that STRICT tables know, with their affinity. Of them `INTEGER` alone makes a rowid alias.
const STANDARD_TYPES: [(&[u8], u8); 6] = [
    (b"ANY", AFFINITY_NUMERIC),
    (b"BLOB", AFFINITY_BLOB),
    (b"INT", AFFINITY_INTEGER),
    (b"INTEGER", AFFINITY_INTEGER),
    (b"REAL", AFFINITY_REAL),
    (b"TEXT", AFFINITY_TEXT),
];

/// The standard type that a declared type is.
pub(super) fn standard_type(declared: Option<&[u8]>) -> Option<&'static [u8]> {
    let declared = declared?;
    STANDARD_TYPES.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(declared))
}

/// A column with its name and type; its constraints are added one by one.
pub(super) fn new(source: &Source<'_>, definition: &ast::ColumnDef) -> Column {
    let declared =
        definition.type_name.map(|name| source.ast.text(name.value)).filter(|name| !name.is_empty());
    let standard =
        STANDARD_TYPES.iter().find(|(name, _)| declared.is_some_and(|d| d.eq_ignore_ascii_case(name)));
    let (affinity, size_estimate) = match (standard, declared) {
        (Some(&(_, affinity)), _) => (affinity, if affinity <= AFFINITY_TEXT { 5 } else { 1 }),
        (None, Some(declared)) => {
            let affinity = type_affinity(declared);
            (affinity, type_size_estimate(declared, affinity))
        }
        (None, None) => (AFFINITY_BLOB, 1),
    };
    let declared = standard.map(|(name, _)| *name).or(declared);
    Column {
        name: source.ast.name(definition.name).into(),
        declared_type: declared.map(Into::into),
        affinity,
        size_estimate,
        collation: None,
        not_null: None,
        default: None,
        generated: None,
        flags: ColumnFlags { has_type: declared.is_some(), ..ColumnFlags::default() },
    }
}

/// Whether a default value is constant enough: literals and calls of functions on such, but no column, parameter or subquery. In a stored
/// text parameters pass, because they once did.
pub(super) fn is_default(ast: &Ast, expr: ast::ExprId, loading: bool) -> bool {
    let all =
        |list: &[ast::ExprId]| list.iter().all(|&e| crate::compile::deep(|| is_default(ast, e, loading)));
    match *ast.expr(expr) {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Integer(_)
        | Expr::Float(_)
        | Expr::String(_)
        | Expr::Blob(_)
        | Expr::Current(_) => true,
        Expr::Parameter(_) => loading,
        Expr::Id(name) => {
            let unquoted = ast[name].quote == ast::Quote::None;
            let name = ast.name(name);
            unquoted && (name.eq_ignore_ascii_case(b"true") || name.eq_ignore_ascii_case(b"false"))
        }
        Expr::Unary { operand, .. }
        | Expr::IsNull { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Cast { operand, .. } => all(&[operand]),
        Expr::Binary { left, right, .. } => all(&[left, right]),
        Expr::Like { left, right, escape, .. } => {
            all(&[left, right]) && escape.is_none_or(|escape| all(&[escape]))
        }
        Expr::Between { operand, low, high, .. } => all(&[operand, low, high]),
        Expr::InList { operand, list, .. } => all(&[operand]) && all(ast.list(list)),
        Expr::Case { operand, arms, otherwise } => {
            operand.is_none_or(|operand| all(&[operand]))
                && all(ast.list(arms))
                && otherwise.is_none_or(|otherwise| all(&[otherwise]))
        }
        Expr::Vector(terms) => all(ast.list(terms)),
        Expr::Call(call) => {
            let call = &ast[call];
            call.over.is_none()
                && match call.arguments {
                    ast::CallArguments::Star => true,
                    ast::CallArguments::List(list) => all(ast.list(list)),
                }
        }
        Expr::Column { .. }
        | Expr::InSelect { .. }
        | Expr::InTable { .. }
        | Expr::Subquery(_)
        | Expr::Exists(_)
        | Expr::Raise { .. } => false,
    }
}
