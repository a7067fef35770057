//! A program as EXPLAIN prints it: SQLite's columns, opcode by opcode.
//!
//! Never: execution, and the layout of the table (the shell's `.explain`).

use std::fmt::Write as _;

use kernite_btree::{Encoding, KeyInfo, ValueRef};

use super::table::{self, Word};
use super::{AffinityId, CollationId, ConstId, FunctionId, IntsId, KeyInfoId, TableId, TreeId, VtabId};
use crate::program::Program;

/// The fourth operand before it is text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum P4 {
    None,
    Int(i64),
    Text(&'static str),
    Constant(ConstId),
    Key(KeyInfoId),
    Tree(TreeId),
    Function(FunctionId),
    Collation(CollationId),
    Ints(IntsId),
    Affinity(AffinityId),
    Table(TableId),
    Vtab(VtabId),
    Subprogram,
}

/// SQLite's row of one instruction, as the table gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    name: &'static str,
    p: [i32; 3],
    p4: P4,
    p5: u16,
}

impl Row {
    pub(super) fn named(name: &'static str) -> Row {
        Row { name, p: [0; 3], p4: P4::None, p5: 0 }
    }
    pub(super) fn p1(mut self, value: impl Word) -> Row {
        self.p[0] = value.word();
        self
    }
    pub(super) fn p2(mut self, value: impl Word) -> Row {
        self.p[1] = value.word();
        self
    }
    pub(super) fn p3(mut self, value: impl Word) -> Row {
        self.p[2] = value.word();
        self
    }
    pub(super) fn p4(mut self, p4: P4) -> Row {
        self.p4 = p4;
        self
    }
    pub(super) fn p5(mut self, p5: u16) -> Row {
        self.p5 = p5;
        self
    }
}

/// One row of EXPLAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRow {
    pub addr: u32,
    pub opcode: &'static str,
    pub p1: i32,
    pub p2: i32,
    pub p3: i32,
    /// `None` is NULL.
    pub p4: Option<Vec<u8>>,
    pub p5: u16,
}

/// The rows of a program. Subprograms are listed after it, in the order of their first use, each from address 0, as SQLite does
/// in one continued numbering: `addr` goes on counting.
pub fn listing(program: &Program) -> Vec<ListingRow> {
    let mut rows = Vec::with_capacity(program.ops.len());
    let mut seen: Vec<*const Program> = Vec::new();
    let mut queue: Vec<&Program> = vec![program];
    let mut at = 0;
    while let Some(&next) = queue.get(at) {
        at += 1;
        for op in &next.ops {
            rows.push(listing_row(op, next, rows.len() as u32));
            if let super::Op::Program { sub, .. } = op
                && let Some(sub) = program.subprogram(*sub)
                && !seen.contains(&std::sync::Arc::as_ptr(sub))
            {
                seen.push(std::sync::Arc::as_ptr(sub));
                queue.push(sub);
            }
        }
    }
    rows
}

/// The row of one instruction of `program`.
pub fn listing_row(op: &super::Op, program: &Program, addr: u32) -> ListingRow {
    let row = table::row(op, program);
    ListingRow {
        addr,
        opcode: row.name,
        p1: row.p[0],
        p2: row.p[1],
        p3: row.p[2],
        p4: p4_text(row.p4, program),
        p5: row.p5,
    }
}

fn p4_text(p4: P4, program: &Program) -> Option<Vec<u8>> {
    let text = match p4 {
        P4::None => return None,
        P4::Int(number) => number.to_string(),
        P4::Text(text) => text.to_owned(),
        P4::Constant(id) => return constant_text(id, program),
        P4::Key(id) => key_text(program.links.key_info(id)?, program),
        P4::Tree(id) => key_text(program.links.tree(id)?.key.as_ref()?, program),
        P4::Function(id) => {
            let function = program.links.function(id)?;
            format!("{}({})", function.name, function.arguments)
        }
        P4::Collation(id) => {
            let name: String = program.links.collation(id)?.name.chars().take(18).collect();
            format!("{name}-{}", encoding_name(program.encoding))
        }
        P4::Ints(id) => {
            if id.0 == 0 {
                return None;
            }
            let list: Vec<String> = program.ints(id).iter().map(u32::to_string).collect();
            format!("[{}]", list.join(","))
        }
        P4::Affinity(id) => {
            return (id.0 != 0).then(|| program.affinities(id).to_vec());
        }
        P4::Table(id) => program.links.table(id)?.name.to_string(),
        P4::Vtab(id) => format!("vtab:{}", program.links.vtab(id)?.name),
        P4::Subprogram => "program".to_owned(),
    };
    Some(text.into_bytes())
}

fn constant_text(id: ConstId, program: &Program) -> Option<Vec<u8>> {
    if id.0 == 0 {
        return None;
    }
    Some(match program.constant(id) {
        ValueRef::Null => b"NULL".to_vec(),
        ValueRef::Integer(number) => number.to_string().into_bytes(),
        ValueRef::Real(number) => real_text(number),
        ValueRef::Text(text) => text.to_vec(),
        ValueRef::Blob(blob) => blob.to_vec(),
    })
}

/// `k(3,B,-NOCASE,N.B)`: the number of key columns, then each column's order and collation.
fn key_text(key: &KeyInfo, program: &Program) -> String {
    let mut text = format!("k({}", key.key_column_count);
    for column in key.columns.iter().take(key.key_column_count) {
        let name = match program.links.collation_name(&column.collation) {
            "BINARY" => "B",
            name => name,
        };
        let descending = if column.descending { "-" } else { "" };
        let big_null = if column.big_null { "N." } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, ",{descending}{big_null}{name}");
    }
    text.push(')');
    text
}

fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "8",
        Encoding::Utf16Le => "16LE",
        Encoding::Utf16Be => "16BE",
    }
}

fn real_text(number: f64) -> Vec<u8> {
    let mut text = Vec::new();
    crate::value::render::push_real(number, &mut text);
    text
}
