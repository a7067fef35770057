//! Text: formatted text, strings that grow, comparisons, keywords and complete statements.
//!
//! Never: values and their encodings (`value`).

pub mod builder;
pub mod compare;
pub mod complete;
pub mod printf;
