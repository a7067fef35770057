//! Instructions that compute one register from others: constants, copies, arithmetic, conversions, records.
//!
//! The kernels are those of [`crate::value`]; what stands here takes operands from registers and puts results back.
//!
//! Never: storage.

use kernite_btree::record::{Field, encode_within};
use kernite_btree::{Error as StorageError, ValueRef};

use crate::Error;
use crate::op::{AffinityId, ConstId, Reg, TableId};
use crate::program::{ColumnType, TableColumn};
use crate::register::{Flags, Register, Tag};
use crate::value::{Affinity, Arithmetic, Bitwise, affinity, arith, number};

use super::{Context, at};

/// `SQLITE_LIMIT_LENGTH`.
pub(super) const LIMIT_LENGTH: u8 = 0;

/// Integers of this size and more take eight bytes in a record, as many as a real.
const SIX_BYTES: i64 = 1 << 47;

/// `out = left OP right`.
#[inline(always)]
pub(super) fn arithmetic(cx: &mut Context<'_>, operation: Arithmetic, left: Reg, right: Reg, out: Reg) {
    let (l, r) = (&cx.registers[at(left)], &cx.registers[at(right)]);
    if l.tag == Tag::Integer
        && r.tag == Tag::Integer
        && matches!(operation, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply)
        && let Some(result) = operation.integers(l.number, r.number)
    {
        cx.registers[at(out)].set_integer(result);
        return;
    }
    if l.tag == Tag::Real
        && r.tag == Tag::Real
        && matches!(operation, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply)
    {
        let result = operation.reals(f64::from_bits(l.number as u64), f64::from_bits(r.number as u64));
        match result {
            Some(result) => cx.registers[at(out)].set_real(result),
            None => cx.registers[at(out)].set_null(),
        }
        return;
    }
    any_arithmetic(cx, operation, left, right, out);
}

#[inline(never)]
fn any_arithmetic(cx: &mut Context<'_>, operation: Arithmetic, left: Reg, right: Reg, out: Reg) {
    let (left, right) = (cx.registers[at(left)].value(), cx.registers[at(right)].value());
    let result = arith::apply(operation, left, right, cx.program.encoding);
    cx.registers[at(out)].set(result);
}

/// `out = left OP right` on bits.
pub(super) fn bitwise(cx: &mut Context<'_>, operation: Bitwise, left: Reg, right: Reg, out: Reg) {
    let (left, right) = (cx.registers[at(left)].value(), cx.registers[at(right)].value());
    let result = arith::apply_bitwise(operation, left, right, cx.program.encoding);
    cx.registers[at(out)].set(result);
}

/// `out = ~value`.
pub(super) fn bit_not(cx: &mut Context<'_>, value: Reg, out: Reg) {
    let result = arith::bit_not(cx.registers[at(value)].value(), cx.program.encoding);
    cx.registers[at(out)].set(result);
}

/// The register as a condition; `None` for NULL.
#[inline(always)]
pub(super) fn truth(cx: &Context<'_>, value: Reg) -> Option<bool> {
    let register = &cx.registers[at(value)];
    if register.tag == Tag::Integer {
        return Some(register.number != 0);
    }
    number::truth(register.value(), cx.program.encoding)
}

/// Puts a three-valued truth into a register.
pub(super) fn set_truth(out: &mut Register, truth: Option<bool>) {
    match truth {
        Some(truth) => out.set_integer(i64::from(truth)),
        None => out.set_null(),
    }
}

/// Three-valued AND.
pub(super) fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Three-valued OR.
pub(super) fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    and(left.map(|truth| !truth), right.map(|truth| !truth)).map(|truth| !truth)
}

/// `out = left || right`.
pub(super) fn concat(cx: &mut Context<'_>, left: Reg, right: Reg, out: Reg) -> Result<(), Error> {
    if cx.registers[at(left)].is_null() || cx.registers[at(right)].is_null() {
        cx.registers[at(out)].set_null();
        return Ok(());
    }
    let encoding = cx.program.encoding;
    for operand in [left, right] {
        let register = &mut cx.registers[at(operand)];
        register.expand_zeros();
    }
    let mut result = std::mem::take(&mut cx.run.result);
    let buffer = result.buffer(Tag::Text);
    for operand in [left, right] {
        match cx.registers[at(operand)].value() {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => buffer.extend_from_slice(bytes),
            number => crate::value::render::push_number(number, encoding, buffer),
        }
    }
    let len = buffer.len();
    std::mem::swap(&mut cx.registers[at(out)], &mut result);
    cx.run.result = result;
    within_limit(cx, len as u64)
}

/// Checks a length against the connection's limit.
#[inline]
pub(super) fn within_limit(cx: &Context<'_>, len: u64) -> Result<(), Error> {
    if len > cx.run.length_max {
        return Err(Error::Storage(StorageError::TooBig));
    }
    Ok(())
}

/// Two registers of which the second is written.
#[inline(always)]
pub(super) fn pair(registers: &mut [Register], from: Reg, to: Reg) -> Option<(&Register, &mut Register)> {
    match registers.get_disjoint_mut([at(from), at(to)]) {
        Ok([from, to]) => Some((from, to)),
        // The same register: nothing to copy.
        Err(_) => None,
    }
}

/// `to = from`.
#[inline(always)]
pub(super) fn copy(cx: &mut Context<'_>, from: Reg, to: Reg) {
    let register = &cx.registers[at(from)];
    if register.tag == Tag::Integer && register.flags == Flags(0) {
        let number = register.number;
        cx.registers[at(to)].set_integer(number);
        return;
    }
    if let Some((from, to)) = pair(cx.registers, from, to) {
        to.copy_from(from);
    }
}

/// Moves `count` registers; the old ones become NULL.
pub(super) fn move_registers(cx: &mut Context<'_>, from: Reg, to: Reg, count: u32) {
    for step in 0..count {
        let (from, to) = (at(from.plus(step)), at(to.plus(step)));
        cx.registers.swap(from, to);
        cx.registers[from].set_null();
    }
}

/// A constant into a register.
#[inline]
pub(super) fn constant(cx: &mut Context<'_>, value: ConstId, out: Reg) {
    cx.registers[at(out)].set(cx.program.constant(value));
}

/// A bound parameter into a register.
pub(super) fn variable(cx: &mut Context<'_>, number: u32, out: Reg) -> Result<(), Error> {
    let index = (number as usize).wrapping_sub(1);
    let Some(parameter) = cx.run.parameters.get(index) else {
        return Err(Error::Program { at: 0, what: "parameter" });
    };
    let out = &mut cx.registers[at(out)];
    if matches!(parameter.tag, Tag::Integer | Tag::Real) && parameter.flags == Flags(0) {
        out.set_number_like(parameter);
        out.flags = Flags(Flags::FROM_BIND);
        return Ok(());
    }
    out.copy_from(parameter);
    out.flags.0 |= Flags::FROM_BIND;
    let len = out.len();
    within_limit(cx, len)
}

/// `out = limit < 0 ? -1 : limit + max(offset, 0)`.
pub(super) fn offset_limit(cx: &mut Context<'_>, limit: Reg, offset: Reg, out: Reg) {
    let integer = |reg: Reg| cx.registers[at(reg)].number;
    let (limit, offset) = (integer(limit), integer(offset).max(0));
    let sum = if limit <= 0 { -1 } else { limit.checked_add(offset).unwrap_or(-1) };
    cx.registers[at(out)].set_integer(sum);
}

/// Converts a register to an integer if that loses nothing.
pub(super) fn make_integer(cx: &mut Context<'_>, value: Reg) -> bool {
    let register = &mut cx.registers[at(value)];
    if register.tag != Tag::Integer {
        affinity::apply(register, Affinity::Numeric, cx.program.encoding);
    }
    register.tag == Tag::Integer
}

/// Applies the affinity of a column that is stored. A REAL column stores whole numbers as integers, and its register says so.
#[inline]
pub(super) fn apply_affinity(register: &mut Register, letter: u8, encoding: kernite_btree::Encoding) {
    // Mostly a value is what its column wants.
    match (letter, register.tag) {
        (b'A', _) | (b'B', Tag::Text) => return,
        (b'C' | b'D', Tag::Integer) if !register.flags.has(Flags::INT_REAL) => return,
        _ => {}
    }
    let wanted = Affinity::from_letter(letter);
    affinity::apply(register, wanted, encoding);
    if wanted == Affinity::Real && register.tag == Tag::Integer {
        let number = register.number;
        register.set_real(number as f64);
        if (-SIX_BYTES..SIX_BYTES).contains(&number) {
            register.flags.0 |= Flags::INT_REAL;
        }
    }
}

/// Applies an affinity string to registers from `first` on.
pub(super) fn affinities(cx: &mut Context<'_>, first: Reg, count: u32, letters: AffinityId) {
    let letters = cx.program.affinities(letters);
    let encoding = cx.program.encoding;
    let registers = &mut cx.registers[at(first)..at(first) + count as usize];
    for (register, &letter) in registers.iter_mut().zip(letters) {
        let wanted = Affinity::from_letter(letter);
        affinity::apply(register, wanted, encoding);
        if wanted == Affinity::Real && register.tag == Tag::Integer {
            let number = register.number;
            register.set_real(number as f64);
        }
    }
}

/// An integer read from a REAL column becomes a real.
#[inline]
pub(super) fn real_affinity(cx: &mut Context<'_>, value: Reg) {
    let register = &mut cx.registers[at(value)];
    if register.tag == Tag::Integer {
        let number = register.number;
        register.set_real(number as f64);
    } else {
        // A real that was to be stored as an integer is stored as a real from here on.
        register.flags.0 &= !Flags::INT_REAL;
    }
}

/// CAST.
pub(super) fn cast(cx: &mut Context<'_>, value: Reg, to: u8) -> Result<(), Error> {
    let register = &mut cx.registers[at(value)];
    affinity::cast(register, Affinity::from_letter(to), cx.program.encoding);
    let len = register.len();
    within_limit(cx, len)
}

/// `out` = record of `count` registers from `first` on, after applying affinities.
#[inline]
pub(super) fn make_record(
    cx: &mut Context<'_>,
    first: Reg,
    count: u32,
    out: Reg,
    letters: AffinityId,
) -> Result<(), Error> {
    let range = at(first)..at(first) + count as usize;
    if letters.0 != 0 {
        let letters = cx.program.affinities(letters);
        let encoding = cx.program.encoding;
        for (register, &letter) in cx.registers[range.clone()].iter_mut().zip(letters) {
            apply_affinity(register, letter, encoding);
        }
    }
    let (fields, record) = fields_and_record(cx.registers, range, at(out))?;
    let buffer = record.buffer(Tag::Blob);
    let Some(encoded) = encode_within(fields, cx.run.compact_constants, cx.run.length_max, buffer) else {
        return Err(Error::Storage(StorageError::TooBig));
    };
    if encoded.zero_tail > 0 {
        record.number = encoded.zero_tail as i64;
        record.flags = Flags(Flags::ZERO_TAIL);
    }
    Ok(())
}

/// The registers of a record's fields, and another one that the record goes into.
#[inline(always)]
fn fields_and_record(
    registers: &mut [Register],
    fields: std::ops::Range<usize>,
    record: usize,
) -> Result<(&[Register], &mut Register), Error> {
    let (below, rest) = registers.split_at_mut(fields.start);
    let (fields, above) = rest.split_at_mut(fields.len());
    let start = below.len() + fields.len();
    let record = if record >= start { above.get_mut(record - start) } else { below.get_mut(record) };
    match record {
        Some(record) => Ok((fields, record)),
        None => Err(Error::Program { at: 0, what: "a record among its own fields" }),
    }
}

/// A register as a record has it: whole reals of a REAL column as integers.
pub(super) fn stored_value(register: &Register) -> ValueRef<'_> {
    Field::value(register)
}

/// Checks the row of a STRICT table against its columns' types.
pub(super) fn type_check(
    cx: &mut Context<'_>,
    first: Reg,
    count: u32,
    table: TableId,
    check_generated: bool,
    only: u16,
) -> Result<(), Error> {
    let Some(link) = cx.program.links.table(table) else {
        return Err(Error::Program { at: 0, what: "table" });
    };
    let encoding = cx.program.encoding;
    let mut registers = cx.registers[at(first)..at(first) + count as usize].iter_mut();
    for (number, column) in (1..).zip(&link.columns) {
        if only != 0 && number != only {
            continue;
        }
        if column.virtual_generated && only == 0 {
            // Computed when read: it has no register here.
            continue;
        }
        if column.stored_generated && !check_generated {
            registers.next();
            continue;
        }
        let Some(register) = registers.next() else { break };
        if !fits(register, column, encoding) {
            let kind = match register.tag {
                Tag::Integer => "INT",
                Tag::Real => "REAL",
                Tag::Text => "TEXT",
                _ => "BLOB",
            };
            let message = format!(
                "cannot store {kind} value in {} column {}.{}",
                column.type_name, link.name, column.name
            );
            return Err(Error::with_code(crate::op::HaltCode::Datatype.result_code(), message));
        }
    }
    Ok(())
}

fn fits(register: &mut Register, column: &TableColumn, encoding: kernite_btree::Encoding) -> bool {
    if register.is_null() {
        return true;
    }
    let letter = match column.column_type {
        ColumnType::Any => return true,
        ColumnType::Blob => return register.tag == Tag::Blob,
        ColumnType::Integer => b'D',
        ColumnType::Real => b'E',
        ColumnType::Text => b'B',
    };
    apply_affinity(register, letter, encoding);
    match column.column_type {
        ColumnType::Integer => register.tag == Tag::Integer,
        ColumnType::Real => matches!(register.tag, Tag::Integer | Tag::Real),
        _ => register.tag == Tag::Text,
    }
}
