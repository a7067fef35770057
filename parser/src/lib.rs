//! SQLite's SQL grammar: text to syntax tree and back.
//!
//! The front door is `Parser`: it reads one statement of a text and returns a `Parsed`, which owns its tree (`ast`).
//!
//! ```text
//! bytes --lexer--> tokens --grammar--> Ast --print--> bytes
//! ```
//!
//! The crate knows no schema and touches no file.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ast;
mod complete;
mod grammar;
mod lexer;
mod parsed;
mod parser;
mod print;

pub use complete::{Completeness, Missing, complete, completeness};
pub use lexer::{keyword_check, keyword_count, keyword_name, parameter_spans};
pub use parsed::{Explain, Features, Limits, Parameter, Parameters, ParseError, ParseErrorKind, Parsed};
pub use parser::Parser;
pub use print::print;
