//! SQL functions: the traits that the built-in ones and the user's share, and what a call sees.
//!
//! A scalar function reads argument registers and fills a result register. Built-in ones run inline; the user's run with the
//! connection released: the machine returns [`Event::Call`](crate::machine::Event) and the driver invokes them.
//!
//! `call` has what a scalar function sees, `accumulator` aggregates under way, `registry` look-up by name, `builtin` the functions of
//! SQLite by family.
//!
//! Never: the parser's idea of a call (DISTINCT, FILTER, OVER).

pub mod accumulator;
pub mod builtin;
pub mod call;
pub mod registry;

use std::borrow::Cow;
use std::sync::Arc;

use kernite_btree::Encoding;

pub use accumulator::{Accumulator, AggregateCall, AggregateContext, AggregateState};
pub use call::{AuxData, Call, Purity};

use crate::Step;
use crate::register::Register;

/// Properties of a function that the resolver, planner and machine look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionFlags(pub u32);

impl FunctionFlags {
    /// Same arguments, same result (`SQLITE_DETERMINISTIC`/`SQLITE_FUNC_CONSTANT`).
    pub const CONSTANT: u32 = 1 << 0;
    /// Constant within one statement (date functions: `SQLITE_FUNC_SLOCHNG`).
    pub const SLOW_CHANGE: u32 = 1 << 1;
    /// Needs the collation of its first argument that has one (`SQLITE_FUNC_NEEDCOLL`): min, max, nullif.
    pub const NEEDS_COLLATION: u32 = 1 << 2;
    /// `length`: only the size of the argument matters. `typeof`: only its type. `octet_length`: bytes.
    pub const LENGTH: u32 = 1 << 3;
    pub const TYPEOF: u32 = 1 << 4;
    pub const BYTE_LENGTH: u32 = 1 << 5;
    /// LIKE and GLOB: can use an index. `CASE_SENSITIVE`: GLOB, or LIKE under the pragma.
    pub const LIKE: u32 = 1 << 6;
    pub const CASE_SENSITIVE: u32 = 1 << 7;
    /// min() and max() aggregates: answered by one index step, and fix the row of bare columns.
    pub const MIN_MAX: u32 = 1 << 8;
    /// count(*) without arguments: may use OP_Count.
    pub const COUNT: u32 = 1 << 9;
    /// Replaced by inline code: coalesce, ifnull, iif, likelihood, likely, unlikely, nullif… (`SQLITE_FUNC_INLINE`/UNLIKELY).
    pub const INLINE: u32 = 1 << 10;
    /// Not allowed in schema expressions (`SQLITE_DIRECTONLY`).
    pub const DIRECT_ONLY: u32 = 1 << 11;
    /// Harmless in schema expressions even when untrusted (`SQLITE_INNOCUOUS`).
    pub const INNOCUOUS: u32 = 1 << 12;
    /// Reads or gives subtypes (`SQLITE_SUBTYPE`, `SQLITE_RESULT_SUBTYPE`).
    pub const SUBTYPE: u32 = 1 << 13;
    pub const RESULT_SUBTYPE: u32 = 1 << 14;
    /// Only as a window function (row_number, rank, lag…).
    pub const WINDOW_ONLY: u32 = 1 << 15;
    /// May be used as window function (has inverse and value).
    pub const WINDOW: u32 = 1 << 16;
    /// Internal: not callable from SQL.
    pub const INTERNAL: u32 = 1 << 17;
    /// Built in, so that hash aggregation may keep many states at once.
    pub const BUILTIN: u32 = 1 << 18;
    /// `sqlite_offset`.
    pub const OFFSET: u32 = 1 << 19;
    /// Order-sensitive aggregate (`agg(x ORDER BY y)` matters): group_concat, json_group_array.
    pub const ORDERED: u32 = 1 << 20;

    /// Whether all bits of `bits` are set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// A function as the registry keeps it.
#[derive(Clone)]
pub struct FunctionDef {
    /// Lower-case name.
    pub name: Cow<'static, str>,
    /// Number of arguments; -1: any; of built-in ones also -3: at least one, -4: at least two.
    pub arguments: i8,
    /// The text encoding that the function was registered for. A preference: text always comes in the database's encoding.
    pub encoding: Encoding,
    pub flags: FunctionFlags,
    pub body: FunctionBody,
}

impl FunctionDef {
    /// Whether this is an aggregate or window function.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.body, FunctionBody::Aggregate(_) | FunctionBody::UserAggregate(_))
    }
}

/// How a function is run.
#[derive(Clone)]
pub enum FunctionBody {
    /// Built in, run inline.
    Scalar(fn(&mut Call<'_>) -> Step<()>),
    /// Aggregate or window function: makes an accumulator.
    Aggregate(fn() -> Accumulator),
    /// The user's scalar function: called with the connection released.
    UserScalar(Arc<dyn UserScalar>),
    /// The user's aggregate.
    UserAggregate(Arc<dyn UserAggregate>),
}

/// An error of user code: code and message as `sqlite3_result_error*` set them.
#[derive(Clone, Debug)]
pub struct UserError {
    pub code: i32,
    pub message: String,
}

/// A user's scalar function. Runs with the connection released and may use it.
pub trait UserScalar: Send + Sync {
    /// Computes `result` from `arguments`, whose text is in `encoding`. The arguments keep their values; they are lent mutably so that
    /// text can be ended in place ([`Register::end_with_nul`]).
    fn call(
        &self,
        context: &mut UserCall<'_>,
        arguments: &mut [Register],
        result: &mut Register,
    ) -> Result<(), UserError>;
}

/// What user code sees of its call.
pub struct UserCall<'a> {
    pub encoding: Encoding,
    pub auxdata: &'a mut AuxData,
    pub constant_mask: u32,
}

/// A user's aggregate or window function.
pub trait UserAggregate: Send + Sync {
    /// A fresh state.
    fn start(&self) -> Box<dyn UserAggregateState>;
    /// Whether `value` and `inverse` work (window function).
    fn is_window(&self) -> bool {
        false
    }
}

/// State of a user's aggregate.
pub trait UserAggregateState: Send + std::fmt::Debug {
    /// Adds a row.
    fn step(&mut self, encoding: Encoding, arguments: &mut [Register]) -> Result<(), UserError>;
    /// Takes a row away.
    fn inverse(&mut self, encoding: Encoding, arguments: &mut [Register]) -> Result<(), UserError>;
    /// The value so far.
    fn value(&mut self, encoding: Encoding, result: &mut Register) -> Result<(), UserError>;
    /// The final value; called exactly once, also when the statement is abandoned (then `result` is thrown away).
    fn finish(&mut self, encoding: Encoding, result: &mut Register) -> Result<(), UserError>;
}

impl std::fmt::Debug for FunctionDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.arguments)
    }
}
