//! `json_group_array` and `json_group_object`, also over windows whose frame moves.
//!
//! Rows whose label is NULL make no entry, but are remembered, because a frame that leaves them behind takes them away again.

use std::collections::VecDeque;

use super::function::{Form, push_value};
use super::parse::parse;
use super::strings::push_string;
use super::{Fault, SUBTYPE};
use crate::error::Error;
use crate::function::accumulator::{Accumulator, AggregateCall, AggregateContext, AggregateState};
use crate::function::builtin::search::before_nul;
use crate::function::call::{set_text, text_of, too_big};
use crate::register::Register;

/// Entries collected so far, as text.
#[derive(Debug)]
struct Group {
    object: bool,
    form: Form,
    /// The entries, each followed by a comma.
    text: Vec<u8>,
    /// Bytes of each row's entry, its comma included; 0 where it made none.
    rows: VecDeque<usize>,
}

fn group(object: bool, form: Form) -> Accumulator {
    Accumulator::State(Box::new(Group { object, form, text: Vec::new(), rows: VecDeque::new() }))
}

/// `json_group_array` of no rows.
pub fn array_group(form: Form) -> Accumulator {
    group(false, form)
}

/// `json_group_object` of no rows.
pub fn object_group(form: Form) -> Accumulator {
    group(true, form)
}

impl Group {
    /// Appends the entry of a row.
    fn push(&mut self, call: &AggregateCall<'_>) -> Result<(), Error> {
        let encoding = call.context.encoding;
        match (self.object, call.arguments) {
            (true, [label, value, ..]) => {
                let Some(label) = text_of(label, encoding) else { return Ok(()) };
                push_string(before_nul(&label), &mut self.text);
                self.text.push(b':');
                push_value(value, encoding, &mut self.text)?;
            }
            (false, [value, ..]) => push_value(value, encoding, &mut self.text)?,
            _ => return Ok(()),
        }
        self.text.push(b',');
        Ok(())
    }
}

impl AggregateState for Group {
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        let before = self.text.len();
        self.push(call)?;
        if self.text.len() > call.context.length_max {
            return Err(too_big());
        }
        self.rows.push_back(self.text.len() - before);
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        if let Some(len) = self.rows.pop_front() {
            self.text.drain(..len);
        }
        Ok(())
    }

    fn value(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        let entries = self.text.strip_suffix(b",").unwrap_or_default();
        let (open, close) = if self.object { (b'{', b'}') } else { (b'[', b']') };
        let mut text = Vec::with_capacity(entries.len() + 2);
        text.push(open);
        text.extend_from_slice(entries);
        text.push(close);
        match self.form {
            Form::Text => {
                set_text(out, &text, context.encoding);
                out.set_subtype(SUBTYPE);
            }
            Form::Jsonb => match parse(&text) {
                Ok(parsed) => out.set_blob(&parsed.blob),
                Err(_) => return Err(Fault::Malformed.into()),
            },
        }
        Ok(())
    }
}
