//! Function calls: arguments, constant mask, collation; and the functions that are code instead of calls.

use std::sync::Arc;

use kernite_vdbe::function::{FunctionDef, FunctionFlags};
use kernite_vdbe::op::Op;
use kernite_vdbe::{Error, Reg};

use super::operators::code_arms;
use super::{ListFlags, code, code_exprs, code_target, column, run_once};
use crate::bound::{ExprId, ExprKind, SelfContext};
use crate::compile::{CompileResult, Compiler};
use crate::plan::constant::{is_constant, is_constant_not_join};
use crate::plan::shape::Visit;

/// A call's value.
pub fn code_call(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<Reg> {
    let ExprKind::Function(ref call) = c.bound[expr].kind else { return Ok(target) };
    if call.window.is_some() {
        return Err(c.unsupported("window functions"));
    }
    if call.is_aggregate {
        let name = call.function.name.clone();
        return Err(Error::message(format!("misuse of aggregate: {name}()")));
    }
    let (function, arguments, inside) = (Arc::clone(&call.function), call.arguments.clone(), call.inside);
    let function = overloaded(c, expr, &arguments).unwrap_or(function);
    if !c.codegen.hoisting_off && is_constant_not_join(c, expr) {
        return run_once(c, expr, None);
    }
    if function.flags.has(FunctionFlags::INLINE) && !arguments.is_empty() {
        return code_inline(c, &function, &arguments, target);
    }
    let collation = match function.flags.has(FunctionFlags::NEEDS_COLLATION) {
        true => Some(first_collation(c, &arguments)),
        false => None,
    };
    let count = arguments.len() as u32;
    let mut constant_mask = 0;
    for (at, &argument) in arguments.iter().enumerate().take(32) {
        if is_constant(c, argument) {
            constant_mask |= 1 << at;
        }
    }
    let first = if count == 0 {
        Reg(0)
    } else if constant_mask != 0 {
        c.builder.alloc_regs(count)
    } else {
        c.builder.temp_range(count)
    };
    let hint = argument_hint(&function);
    code_exprs(c, &arguments, first, ListFlags { duplicate: false, hoist: true })?;
    if let [argument] = arguments[..]
        && hint != column::HINT_NONE
    {
        hint_column(c, argument, first, hint);
    }
    if let Some(name) = collation {
        let collation = c.link_collation(name)?;
        c.emit(Op::CollSeq { collation, flag: Reg(0) });
    }
    emit_call(c, function, first, count as u16, target, constant_mask, inside);
    if count > 0 && constant_mask == 0 {
        c.builder.release_temp_range(first, count);
    }
    Ok(target)
}

/// The function that a virtual table has for a column of its own: the left side of an operator, else the first argument.
fn overloaded(c: &Compiler<'_>, expr: ExprId, arguments: &[ExprId]) -> Option<Arc<FunctionDef>> {
    let ExprKind::Function(call) = &c.bound[expr].kind else { return None };
    let infix = c.bound[expr].flags.has(crate::bound::ExprFlags::INFIX_FUNCTION);
    let column = *arguments.get(usize::from(infix && arguments.len() >= 2))?;
    let ExprKind::Column { table: Some(table), .. } = &c.bound[column].kind else { return None };
    let found = table.instance()?.table.find_function(&call.function.name, arguments.len())?;
    Some(found.0)
}

/// Emits the call itself.
fn emit_call(
    c: &mut Compiler<'_>,
    function: Arc<FunctionDef>,
    first: Reg,
    count: u16,
    out: Reg,
    constant_mask: u32,
    inside: Option<SelfContext>,
) {
    let function = c.builder.function(function);
    let place = match inside {
        Some(SelfContext::Check) => 1,
        Some(SelfContext::Generated) => 2,
        Some(SelfContext::IndexExpr | SelfContext::PartialIndex) => 3,
        Some(SelfContext::Default) | None => 0,
    };
    c.emit(match inside {
        Some(_) => Op::PureFunc { function, first, count, out, constant_mask, place },
        None => Op::Function { function, first, count, out, constant_mask },
    });
}

/// Name of the collation of the first argument that brings one.
pub fn first_collation(c: &Compiler<'_>, arguments: &[ExprId]) -> Option<Vec<u8>> {
    arguments.iter().find_map(|&argument| c.bound.collation(argument)).map(<[u8]>::to_vec)
}

fn argument_hint(function: &FunctionDef) -> u8 {
    if function.flags.has(FunctionFlags::TYPEOF) {
        column::HINT_TYPE
    } else if function.flags.has(FunctionFlags::LENGTH) {
        column::HINT_LENGTH
    } else {
        column::HINT_NONE
    }
}

/// Says of the column that was read into `reg` what its function looks at.
fn hint_column(c: &mut Compiler<'_>, argument: ExprId, reg: Reg, wanted: u8) {
    if c.bound.column_or_slot(argument).is_none() {
        return;
    }
    let last = kernite_vdbe::Addr(c.here().0.saturating_sub(1));
    if let Op::Column { out, hint, .. } = c.builder.op_mut(last)
        && *out == reg
    {
        *hint = wanted;
    }
}

fn code_inline(
    c: &mut Compiler<'_>,
    function: &FunctionDef,
    arguments: &[ExprId],
    target: Reg,
) -> CompileResult<Reg> {
    match &*function.name {
        "coalesce" | "ifnull" => {
            let end = c.label();
            for (at, &argument) in arguments.iter().enumerate() {
                if at > 0 {
                    c.emit(Op::NotNull { value: target, to: end });
                }
                code(c, argument, target)?;
            }
            c.bind(end);
            Ok(target)
        }
        "iif" | "if" => {
            let pairs = arguments.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>();
            let otherwise = arguments.chunks_exact(2).remainder().first().copied();
            code_arms(c, None, &pairs, otherwise, target)?;
            Ok(target)
        }
        "sqlite_offset" => {
            match c.bound[arguments[0]].kind {
                ExprKind::Column { cursor, column, .. } => {
                    let column = u16::try_from(column).unwrap_or(u16::MAX);
                    c.emit(Op::Offset { cursor, column, out: target });
                }
                _ => {
                    c.nulls(target, 1);
                }
            }
            Ok(target)
        }
        "affinity" => {
            let name = match c.bound.affinity(arguments[0]) {
                b'A' => "blob",
                b'B' => "text",
                b'C' => "numeric",
                b'D' => "integer",
                b'E' => "real",
                b'F' => "flexnum",
                _ => "none",
            };
            let value = c.builder.text(name);
            c.emit(Op::Const { value, out: target });
            Ok(target)
        }
        _ => code_target(c, arguments[0], target),
    }
}

/// Whether the value may carry a subtype: a function that gives one is reachable through CASE, CAST, COLLATE, unary plus and calls.
pub fn can_return_subtype(c: &Compiler<'_>, expr: ExprId) -> bool {
    !c.bound.visit(expr, &mut |id| match &c.bound[id].kind {
        ExprKind::Function(call) if call.function.flags.has(FunctionFlags::RESULT_SUBTYPE) => Visit::Abort,
        ExprKind::Function(_)
        | ExprKind::Case { .. }
        | ExprKind::Collate { .. }
        | ExprKind::Cast { .. }
        | ExprKind::Unary { op: crate::bound::UnaryOp::Plus, .. } => Visit::Continue,
        _ => Visit::Prune,
    })
}

/// Wildcards and case rule of a LIKE or GLOB call whose pattern could bound an index search: all, one, set, escape.
pub fn like_wildcards(c: &Compiler<'_>, expr: ExprId) -> Option<([u8; 4], bool)> {
    let ExprKind::Function(call) = &c.bound[expr].kind else { return None };
    if !call.function.flags.has(FunctionFlags::LIKE) || call.arguments.len() < 2 {
        return None;
    }
    let is_glob = &*call.function.name == "glob";
    let mut wildcards = if is_glob { *b"*?[\0" } else { *b"%_\0\0" };
    if let Some(&escape) = call.arguments.get(2) {
        let ExprKind::Text(text) = &c.bound[escape].kind else { return None };
        let &[letter] = &text[..] else { return None };
        if letter == wildcards[0] || letter == wildcards[1] {
            return None;
        }
        wildcards[3] = letter;
    }
    let no_case = !call.function.flags.has(FunctionFlags::CASE_SENSITIVE);
    Some((wildcards, no_case))
}

/// The pattern of a LIKE, GLOB, MATCH or REGEXP operator.
pub fn is_like_operator(c: &Compiler<'_>, expr: ExprId) -> Option<ExprId> {
    let ExprKind::Function(call) = &c.bound[expr].kind else { return None };
    let infix = c.bound[expr].flags.has(crate::bound::ExprFlags::INFIX_FUNCTION);
    let known = matches!(&*call.function.name, "like" | "glob" | "match" | "regexp");
    if infix && known { call.arguments.first().copied() } else { None }
}

/// Whether such an operator is LIKE, whose wildcards are `%` and `_`.
pub fn like_uses_percent(c: &Compiler<'_>, expr: ExprId) -> bool {
    matches!(&c.bound[expr].kind, ExprKind::Function(call) if &*call.function.name == "like")
}
