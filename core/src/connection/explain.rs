//! EXPLAIN and EXPLAIN QUERY PLAN: rows made from a program instead of by running it.

use kernite_btree::Encoding;
use kernite_vdbe::op::Op;
use kernite_vdbe::op::listing::listing;
use kernite_vdbe::program::Program;
use kernite_vdbe::{Register, op};

use crate::compile::ColumnInfo;

/// The columns of EXPLAIN.
const PROGRAM_COLUMNS: [&str; 8] = ["addr", "opcode", "p1", "p2", "p3", "p4", "p5", "comment"];
/// The columns of EXPLAIN QUERY PLAN.
const PLAN_COLUMNS: [&str; 4] = ["id", "parent", "notused", "detail"];

/// The result columns of an explained statement.
pub(crate) fn columns(query_plan: bool) -> Vec<ColumnInfo> {
    let names: &[&str] = if query_plan { &PLAN_COLUMNS } else { &PROGRAM_COLUMNS };
    names.iter().map(|name| ColumnInfo { name: name.as_bytes().into(), ..ColumnInfo::default() }).collect()
}

fn text(text: &[u8], encoding: Encoding) -> Register {
    let mut register = Register::null();
    if encoding == Encoding::Utf8 {
        register.set_text(text);
    } else {
        let mut out = Vec::new();
        kernite_btree::encoding::convert(text, Encoding::Utf8, encoding, &mut out);
        register.set_text(&out);
    }
    register
}

fn integer(number: i64) -> Register {
    let mut register = Register::null();
    register.set_integer(number);
    register
}

/// One row an instruction.
pub(crate) fn program_rows(program: &Program) -> Vec<Vec<Register>> {
    let encoding = program.encoding;
    listing(program)
        .into_iter()
        .map(|row| {
            vec![
                integer(i64::from(row.addr)),
                text(row.opcode.as_bytes(), encoding),
                integer(i64::from(row.p1)),
                integer(i64::from(row.p2)),
                integer(i64::from(row.p3)),
                row.p4.as_deref().map_or_else(Register::null, |p4| text(p4, encoding)),
                integer(i64::from(row.p5)),
                Register::null(),
            ]
        })
        .collect()
}

/// One row a line of the plan, those of triggers behind the statement's own.
pub(crate) fn plan_rows(program: &Program) -> Vec<Vec<Register>> {
    let mut rows = Vec::new();
    add_plan_rows(program, &mut rows);
    for subprogram in &program.subprograms {
        add_plan_rows(subprogram, &mut rows);
    }
    rows
}

fn add_plan_rows(program: &Program, rows: &mut Vec<Vec<Register>>) {
    for op in &program.ops {
        let Op::Explain { text: detail, id, parent } = *op else { continue };
        let detail: op::ConstId = detail;
        let mut column = Register::null();
        if let Some(bytes) = program.text(detail) {
            column = text(bytes, program.encoding);
        }
        rows.push(vec![integer(i64::from(id)), integer(i64::from(parent)), integer(0), column]);
    }
}
