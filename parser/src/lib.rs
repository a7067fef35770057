//! SQLite's SQL grammar: text to syntax tree and back.
//!
//! The front door is `Parser`: it reads one statement of a text and returns a `Parsed`, which owns its tree
//! (`ast`). The crate knows no schema and touches no file.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ast;
mod parsed;

pub use parsed::{Explain, Features, Limits, Parameter, Parameters, ParseError, ParseErrorKind, Parsed};
