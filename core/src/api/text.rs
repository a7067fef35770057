//! SQL text without a connection: what a shell or an editor asks of it.

use kernite_vdbe::value::render;

pub use kernite_parser::{Completeness, Missing, complete, completeness, keyword_name};

/// Whether a word is one of SQL's keywords, in any case of its letters. Names that are must be quoted.
pub fn is_keyword(word: &[u8]) -> bool {
    kernite_parser::keyword_check(word)
}

/// Appends a real as SQL shows it: at most 17 significant digits, always with a point or an exponent.
pub fn push_real(number: f64, out: &mut Vec<u8>) {
    render::push_real(number, out);
}
