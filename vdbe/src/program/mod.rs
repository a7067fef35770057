//! Programs: what a statement compiles to, and how one is built.
//!
//! ```text
//! Builder ── emit, labels, registers, pools ──finish()──> Program (immutable, shared by Arc)
//!                                                           ops, constants, ints, affinities, links, subprograms
//! ```
//!
//! `builder` collects instructions and pools, `registers` hands out registers as SQLite does, `check` looks at every operand once,
//! so that the machine may trust them, `links` names what a program touches.
//!
//! Always true of a finished program: no label is left, every jump lands inside, every register, cursor and pool operand exists.
//!
//! Never: state of a run; several statements run one program at the same time.

mod builder;
mod check;
mod links;
mod registers;

pub use builder::Builder;
pub use links::{CollationLink, ColumnType, Links, TableColumn, TableLink, Tree, VtabLink};

use std::sync::Arc;

use kernite_btree::{Encoding, ValueRef};

use crate::op::{AffinityId, ConstId, IntsId, Op, SubprogramId};

/// A constant of the pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    Null,
    Integer(i64),
    Real(f64),
    /// A value: in the database's encoding. A name or message of the program itself: UTF-8.
    Text(Box<[u8]>),
    Blob(Box<[u8]>),
}

impl Constant {
    /// The constant as a value.
    pub fn value(&self) -> ValueRef<'_> {
        match self {
            Constant::Null => ValueRef::Null,
            Constant::Integer(number) => ValueRef::Integer(*number),
            Constant::Real(number) => ValueRef::Real(*number),
            Constant::Text(text) => ValueRef::Text(text),
            Constant::Blob(blob) => ValueRef::Blob(blob),
        }
    }
}

/// Properties of a program as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramFlags {
    /// It writes no database (`sqlite3_stmt_readonly`).
    pub read_only: bool,
    /// It may change more than one row or entry (`sqlite3MultiWrite`).
    pub multi_write: bool,
    /// It may end by ABORT after it changed something (`sqlite3MayAbort`). With `multi_write` a statement savepoint is opened.
    pub may_abort: bool,
    /// It is an INSERT, UPDATE or DELETE: its end sets `changes()` (`sqlite3VdbeCountChanges`).
    pub counts_changes: bool,
    /// It touches no database and takes part in no transaction (EXPLAIN, some pragmas): SQLite's `bIsReader` is off.
    pub no_transaction: bool,
    /// The trigger whose program it is, from 1; 0: a statement's own. A trigger may have several programs, one for each conflict clause.
    pub trigger: u32,
    /// It has to run with an expired schema too: it only changes settings (`sqlite3VdbeRunOnlyOnce`).
    pub run_only_once: bool,
}

impl ProgramFlags {
    /// Whether it counts as a reader: everything but programs that only change settings.
    pub const fn reads(self) -> bool {
        !self.no_transaction
    }

    /// Whether the machine opens a statement savepoint when a write transaction begins.
    pub const fn uses_statement_savepoint(self) -> bool {
        self.multi_write && self.may_abort
    }
}

/// An immutable program.
#[derive(Debug)]
pub struct Program {
    /// The instructions; execution starts at 0.
    pub ops: Box<[Op]>,
    /// Encoding of the database: of text constants, and of text in registers.
    pub encoding: Encoding,
    pub constants: Box<[Constant]>,
    pub ints: Box<[Box<[u32]>]>,
    pub affinities: Box<[Box<[u8]>]>,
    pub links: Links,
    /// Trigger and foreign-key programs.
    pub subprograms: Box<[Arc<Program>]>,
    /// Registers 1 to this one may be named by an operand.
    pub register_count: u32,
    pub cursor_count: u16,
    /// The largest number of a bound parameter; parameters count from 1.
    pub parameter_count: u32,
    /// Columns of a result row; 0 for a statement without result.
    pub result_column_count: u16,
    pub flags: ProgramFlags,
}

impl Program {
    /// The constant `id`; NULL for "none".
    #[inline]
    pub fn constant(&self, id: ConstId) -> ValueRef<'_> {
        match (id.0 as usize).checked_sub(1).and_then(|at| self.constants.get(at)) {
            Some(constant) => constant.value(),
            None => ValueRef::Null,
        }
    }

    /// The bytes of a text or blob constant, for names and messages; `None` for "none" and numbers.
    pub fn text(&self, id: ConstId) -> Option<&[u8]> {
        match self.constant(id) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The list of integers `id`; empty for "none".
    #[inline]
    pub fn ints(&self, id: IntsId) -> &[u32] {
        (id.0 as usize).checked_sub(1).and_then(|at| self.ints.get(at)).map_or(&[], |ints| &ints[..])
    }

    /// The affinity letters `id`; empty for "none".
    #[inline]
    pub fn affinities(&self, id: AffinityId) -> &[u8] {
        (id.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.affinities.get(at))
            .map_or(&[], |letters| &letters[..])
    }

    /// The subprogram `id`.
    pub fn subprogram(&self, id: SubprogramId) -> Option<&Arc<Program>> {
        self.subprograms.get(usize::from(id.0))
    }
}
