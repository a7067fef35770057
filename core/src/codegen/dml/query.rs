//! SELECTs, as statements that change rows use them.

use kernite_vdbe::Reg;
use kernite_vdbe::op::Cursor;

use super::super::select::{self, Destination, DestinationKind};
use crate::bound::SelectId;
use crate::compile::{CompileResult, Compiler};

/// Codes a SELECT that yields each row. `first`: where the rows are left, with room for `width` columns; new registers otherwise.
/// Returns the first register and the number of columns.
pub fn coroutine(
    c: &mut Compiler<'_>,
    select: SelectId,
    yield_reg: Reg,
    first: Option<Reg>,
    width: usize,
) -> CompileResult<(Reg, usize)> {
    let mut destination = Destination::new(DestinationKind::Coroutine { co: yield_reg });
    destination.first = first.unwrap_or(Reg(0));
    destination.count = width as u32;
    let count = c.bound[select].columns.len();
    select::code(c, select, &mut destination)?;
    Ok((destination.first, count))
}

/// Codes a SELECT whose rows nobody wants: what its expressions do is all.
pub fn discard(c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
    select::code(c, select, &mut Destination::new(DestinationKind::Discard))
}

/// Codes the SELECT of an UPDATE … FROM into the ephemeral table of its rows: by rowid, or by so many columns of a primary key.
pub fn update_from(
    c: &mut Compiler<'_>,
    select: SelectId,
    cursor: Cursor,
    key_columns: Option<u16>,
) -> CompileResult<()> {
    c.codegen.select_mut(select).update_from = true;
    select::code(c, select, &mut Destination::new(DestinationKind::UpdateFrom { cursor, key_columns }))
}

/// Codes a SELECT into an ephemeral table that is open.
pub fn table(c: &mut Compiler<'_>, select: SelectId, cursor: Cursor) -> CompileResult<()> {
    select::code(c, select, &mut Destination::new(DestinationKind::Table(cursor)))
}

/// Codes a SELECT into a new ephemeral table.
pub fn ephemeral(c: &mut Compiler<'_>, select: SelectId, cursor: Cursor) -> CompileResult<()> {
    select::code(c, select, &mut Destination::new(DestinationKind::EphemeralTable(cursor)))
}
