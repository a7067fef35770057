//! JSON: text and JSONB, the binary form, and the functions on both.
//!
//! All functions work on JSONB; text is parsed into it first, in one pass and without recursion, so that deeply nested text
//! cannot exhaust the stack. Input may have JSON5's extensions; output never has.
//!
//! `jsonb` has the binary form, `parse` text to JSONB, `write` JSONB to text, `strings` the escapes of both, `path` the paths, `edit`
//! changes in place, `patch` RFC 7396, `function` the scalar functions, `group` the aggregates, `each` the table-valued ones.
//!
//! Spec: JSON Functions And Operators; The JSONB Format.

pub mod each;
mod edit;
pub mod function;
mod group;
mod jsonb;
mod parse;
mod patch;
mod path;
mod strings;
mod write;

pub use edit::Change;
pub use function::Form;
pub use group::{array_group, object_group};

use crate::error::Error;

/// The subtype of text that is JSON.
pub const SUBTYPE: u8 = b'J';

/// The deepest nesting, of documents and of paths.
const DEPTH_MAX: usize = 1000;

/// What can be wrong with JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Malformed,
    TooDeep,
}

impl From<Fault> for Error {
    #[cold]
    fn from(fault: Fault) -> Error {
        Error::message(match fault {
            Fault::Malformed => "malformed JSON",
            Fault::TooDeep => "JSON nested too deep",
        })
    }
}
