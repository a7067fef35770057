//! DISTINCT: rows seen before are skipped.

use std::sync::Arc;

use kernite_vdbe::op::{CollationId, CompareFlags, Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use crate::bound::{BinaryOp, ExprId, SelectId};
use crate::codegen::expr::emit_compare;
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::Distinct;

/// How DISTINCT is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct DistinctState {
    pub kind: Distinct,
    /// Ephemeral index of the rows seen.
    pub cursor: Cursor,
    /// The instruction that opens it.
    pub opened: Option<Addr>,
}

impl DistinctState {
    /// Opens the index of rows seen.
    pub fn open(&mut self, c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
        let exprs = super::result_exprs(c, select);
        let key = Arc::new(c.exprs_key(&exprs, 0)?);
        let columns = exprs.len() as u16;
        let key = c.builder.key_info(key);
        self.cursor = c.cursor();
        self.opened = Some(c.emit(Op::OpenEphemeral { cursor: self.cursor, columns, key, unordered: true }));
        self.kind = Distinct::Unordered;
        Ok(())
    }
}

/// Where the previous row is kept, or which cursor the rows seen are in.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    Nothing,
    Row(Reg),
    Index(Cursor),
}

/// Jumps to `repeat` if the values in `first…` were seen before, and remembers them.
pub fn code_distinct(
    c: &mut Compiler<'_>,
    kind: Distinct,
    cursor: Cursor,
    repeat: Addr,
    exprs: &[ExprId],
    first: Reg,
) -> CompileResult<Kept> {
    let count = exprs.len() as u32;
    match kind {
        Distinct::Unique => Ok(Kept::Nothing),
        Distinct::Ordered => {
            let previous = c.builder.alloc_regs(count);
            let differs = c.label();
            let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: true };
            for (at, &expr) in exprs.iter().enumerate() {
                let collation: CollationId = c.link_expr_collation(expr)?;
                let (left, right) = (previous.plus(at as u32), first.plus(at as u32));
                if at + 1 < exprs.len() {
                    emit_compare(c, BinaryOp::Ne, left, right, differs, flags, collation);
                } else {
                    emit_compare(c, BinaryOp::Eq, left, right, repeat, flags, collation);
                }
            }
            c.bind(differs);
            c.emit(Op::Copy { from: first, to: previous, count });
            Ok(Kept::Row(previous))
        }
        Distinct::Unknown | Distinct::Unordered => {
            let record = c.builder.temp_reg();
            let key = count as u16;
            c.emit(Op::Found { cursor, key: first, count: key, to: repeat });
            c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
            let flags = WriteFlags { use_seek_result: true, ..WriteFlags::default() };
            c.emit(Op::IdxInsert { cursor, record, first, count: key, flags });
            c.builder.release_temp(record);
            Ok(Kept::Index(cursor))
        }
    }
}

/// Takes back the opening of the index, when it is not needed. The previous row starts as no row that compares equal.
pub fn fix_opening(c: &mut Compiler<'_>, kind: Distinct, kept: Kept, opened: Option<Addr>) {
    let Some(opened) = opened else { return };
    if !matches!(kind, Distinct::Unique | Distinct::Ordered) {
        return;
    }
    c.builder.change_to_noop(opened);
    let line = Addr(opened.0 + 1);
    if matches!(c.builder.ops().get(line.0 as usize), Some(Op::Explain { .. })) {
        c.builder.change_to_noop(line);
    }
    if let (Distinct::Ordered, Kept::Row(previous)) = (kind, kept) {
        *c.builder.op_mut(opened) = Op::Null { first: previous, last: previous, cleared: true };
    }
}
