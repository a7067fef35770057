//! The text of a statement with its parameters' values in place.
//!
//! Spec: C/C++ Interface, "Retrieving Statement SQL" (`sqlite3_expanded_sql`).

use kernite::engine::btree::{Encoding, ValueRef};
use kernite::engine::parser::parameter_spans;
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::function::builtin::quote::{HEX_LOWER, push_quoted};
use kernite::engine::vdbe::function::call::text_of;
use kernite::engine::vdbe::value::render;

use super::sqlite3_stmt;

/// Appends a value as SQL has it.
fn push(register: &Register, encoding: Encoding, out: &mut Vec<u8>) {
    match register.value() {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        number @ (ValueRef::Integer(_) | ValueRef::Real(_)) => {
            render::push_number(number, Encoding::Utf8, out)
        }
        ValueRef::Text(_) => push_quoted(&text_of(register, encoding).unwrap_or_default(), b'\'', out),
        ValueRef::Blob(_) if register.zero_tail() > 0 => {
            out.extend_from_slice(format!("zeroblob({})", register.zero_tail()).as_bytes());
        }
        ValueRef::Blob(blob) => {
            out.extend_from_slice(b"x'");
            for &byte in blob {
                out.extend_from_slice(&[
                    HEX_LOWER[usize::from(byte >> 4)],
                    HEX_LOWER[usize::from(byte & 15)],
                ]);
            }
            out.push(b'\'');
        }
    }
}

impl sqlite3_stmt {
    /// The text with values in place of parameters.
    pub(crate) fn expanded(&self) -> Vec<u8> {
        // SAFETY: the lock is held by the caller, and nothing is called.
        let engine = unsafe { self.engine() };
        let sql = self.sql();
        if engine.parameter_count() == 0 {
            return sql.to_vec();
        }
        let (encoding, mut out, mut from, mut next) = (engine.encoding(), Vec::new(), 0, 1);
        for (start, end) in parameter_spans(sql) {
            let name = &sql[start..end];
            let number = match name {
                [b'?'] => next,
                [b'?', digits @ ..] => digits.iter().fold(0u32, |number, digit| {
                    number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))
                }),
                name => engine.parameter_number(name).unwrap_or(0),
            };
            next = next.max(number.saturating_add(1));
            out.extend_from_slice(&sql[from..start]);
            match engine.parameter_mut(number) {
                Some(register) => push(register, encoding, &mut out),
                None => out.extend_from_slice(b"NULL"),
            }
            from = end;
        }
        out.extend_from_slice(&sql[from..]);
        out
    }
}
