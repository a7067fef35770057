//! Candidates for virtual tables.
//!
//! Not built: `xBestIndex` has to be asked, and the compiler has no door to the connected tables yet. Meanwhile a statement that reads a
//! virtual table is refused with an error that says so; a door on the compiler settles it.

use super::candidates::Collector;
use super::where_loop::{Mask, WhereLoop};
use crate::compile::{CompileResult, Compiler};

/// What a virtual table's `xBestIndex` chose.
#[derive(Clone, Debug, Default)]
pub struct VirtualPlan {
    pub number: i32,
    pub text: Option<Box<str>>,
    /// Rows come in the order asked for.
    pub is_ordered: bool,
    /// Bit n: the table tests argument n itself.
    pub omit: u16,
    /// The table skips OFFSET rows itself.
    pub omit_offset: bool,
    /// Bit n: argument n is handed over as a whole list.
    pub handle_in: u32,
    /// EXPLAIN QUERY PLAN shows the number in hexadecimal.
    pub hexadecimal: bool,
}

/// Adds the candidates of a virtual table.
pub fn add(
    c: &mut Compiler<'_>,
    _w: &mut WhereLoop,
    _collector: &mut Collector,
    _prereq: Mask,
    _unusable: Mask,
) -> CompileResult<()> {
    Err(c.unsupported("virtual tables"))
}
