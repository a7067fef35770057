//! Constants that are computed once: at the program's head, or behind a Once where a function is called.

use std::sync::Arc;

use kernite_vdbe::op::{ConstId, Op};
use kernite_vdbe::value::affinity::{Affinity, apply, cast};
use kernite_vdbe::{Reg, Register};

use super::code;
use crate::bound::{ExprFlags, ExprId, ExprKind, SelfContext, Similarity, UnaryOp};
use crate::catalog::Table;
use crate::codegen::state::Hoisted;
use crate::compile::{CompileResult, Compiler};

/// Has a constant computed once in this run, in `target` or in a register that equal constants share; that register.
pub fn run_once(c: &mut Compiler<'_>, expr: ExprId, target: Option<Reg>) -> CompileResult<Reg> {
    if target.is_none() {
        let equal = c.codegen.hoisted.iter().find(|hoisted| {
            hoisted.reusable && c.bound.compare(hoisted.expr, expr, None) == Similarity::Same
        });
        if let Some(known) = equal {
            return Ok(known.reg);
        }
    }
    let expr = c.copy_expr(expr);
    if c.bound[expr].flags.has(ExprFlags::HAS_FUNCTION) {
        // A call may fail: it must not happen before its place is reached.
        let done = c.label();
        c.emit(Op::Once { to: done });
        let saved = std::mem::replace(&mut c.codegen.hoisting_off, true);
        let reg = target.unwrap_or_else(|| c.reg());
        let coded = code(c, expr, reg);
        c.codegen.hoisting_off = saved;
        coded?;
        c.bind(done);
        return Ok(reg);
    }
    let reg = target.unwrap_or_else(|| c.reg());
    c.codegen.hoisted.push(Hoisted { expr, reg, count: 1, reusable: target.is_none() });
    Ok(reg)
}

/// Has a range of registers set to NULL at the program's head.
pub fn hoist_nulls(c: &mut Compiler<'_>, first: Reg, count: u32) {
    let expr = c.bound.expr(ExprKind::Null);
    c.codegen.hoisted.push(Hoisted { expr, reg: first, count, reusable: false });
}

/// Codes the constants that were hoisted. For the program's head, after its transactions have begun.
pub fn code_hoisted(c: &mut Compiler<'_>) -> CompileResult<()> {
    c.codegen.hoisting_off = true;
    let hoisted = std::mem::take(&mut c.codegen.hoisted);
    for constant in hoisted {
        if constant.count > 1 {
            c.nulls(constant.reg, constant.count);
        } else {
            code(c, constant.expr, constant.reg)?;
        }
    }
    Ok(())
}

/// The constant that records too short to hold a column are read with: its DEFAULT, if that is a literal.
pub fn column_default(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize) -> CompileResult<ConstId> {
    let Some(default) = table.columns.get(at).and_then(|column| column.default) else {
        return Ok(ConstId(0));
    };
    let key = (Arc::as_ptr(table) as usize, at);
    if let Some(&known) = c.codegen.defaults.get(&key) {
        return Ok(known);
    }
    let ast = Arc::clone(&table.ast);
    // What cannot be resolved is no literal. Whoever inserts a row is told.
    let Ok(expr) = crate::resolve::expr_for_table(c, &ast, default.expr, table, SelfContext::Default) else {
        return Ok(ConstId(0));
    };
    let constant = match literal(c, expr, Affinity::from_letter(table.columns[at].affinity)) {
        Some(value) if !value.is_null() => c.builder.constant(value.value()),
        _ => ConstId(0),
    };
    c.codegen.defaults.insert(key, constant);
    c.codegen.kept.push(crate::codegen::state::Kept::Table(Arc::clone(table)));
    Ok(constant)
}

/// The value of a literal, perhaps under a sign or CAST, with an affinity applied. `None` for anything that has to be computed.
pub fn literal(c: &Compiler<'_>, expr: ExprId, affinity: Affinity) -> Option<Register> {
    let encoding = c.options.encoding;
    let mut value = Register::default();
    match &c.bound[expr].kind {
        ExprKind::Null => return Some(value),
        ExprKind::Integer(number) => value.set_integer(*number),
        ExprKind::Real(number) => value.set_real(*number),
        ExprKind::Blob(bytes) => {
            value.set_blob(bytes);
            return Some(value);
        }
        ExprKind::Text(text) if encoding.is_utf16() => {
            let mut converted = Vec::new();
            kernite_btree::encoding::utf8_to_utf16(text, encoding, &mut converted);
            value.set_text(&converted);
        }
        ExprKind::Text(text) => value.set_text(text),
        ExprKind::Unary { op: UnaryOp::Plus, operand } => return literal(c, *operand, affinity),
        ExprKind::Unary { op: UnaryOp::Minus, operand } => {
            let mut inner = literal(c, *operand, Affinity::Blob)?;
            if matches!(inner.value(), kernite_btree::ValueRef::Text(_)) {
                apply(&mut inner, Affinity::Numeric, encoding);
            }
            match inner.value() {
                kernite_btree::ValueRef::Integer(number) => match number.checked_neg() {
                    Some(number) => value.set_integer(number),
                    None => value.set_real(-(number as f64)),
                },
                kernite_btree::ValueRef::Real(number) => value.set_real(-number),
                _ => return None,
            }
        }
        ExprKind::Cast { operand, affinity: to } => {
            let to = Affinity::from_letter(*to);
            value = literal(c, *operand, to)?;
            cast(&mut value, to, encoding);
        }
        ExprKind::Collate { operand, .. } => return literal(c, *operand, affinity),
        _ => return None,
    }
    apply(&mut value, affinity, encoding);
    Some(value)
}
