//! `group_concat` and `string_agg`.
//!
//! The separator stands before each value but the first. It may differ from row to row, so that a window's frame, which takes rows away at the
//! front, has to remember how long each was.

use std::collections::VecDeque;

use kernite_btree::Encoding;

use crate::error::Error;
use crate::function::accumulator::{AggregateCall, AggregateContext, AggregateState};
use crate::function::call::{set_text, text_of, too_big};
use crate::register::{Register, Tag};
use crate::value::render;

/// Values joined so far, in UTF-8.
#[derive(Debug, Default)]
pub struct GroupConcat {
    text: Vec<u8>,
    /// How many values are in `text`.
    count: usize,
    /// The next value is separated from those before it. Not so at the beginning, nor after rows left and no text stayed.
    started: bool,
    /// Bytes of separator before each value but the first, where they all are of one length.
    separator_len: usize,
    /// The same where they differ.
    separator_lens: Option<VecDeque<usize>>,
}

impl GroupConcat {
    fn separate(&mut self, separator: &[u8]) {
        self.text.extend_from_slice(separator);
        if separator.len() != self.separator_len || self.separator_lens.is_some() {
            let (same, before) = (self.separator_len, self.count.saturating_sub(1));
            self.separator_lens
                .get_or_insert_with(|| std::iter::repeat_n(same, before).collect())
                .push_back(separator.len());
        }
    }
}

impl AggregateState for GroupConcat {
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        let encoding = call.context.encoding;
        let Some(value) = call.arguments.first().filter(|value| !value.is_null()) else { return Ok(()) };
        let separator =
            call.arguments.get(1).map(|separator| text_of(separator, encoding).unwrap_or_default());
        let separator = separator.as_deref().unwrap_or(b",");
        if self.started {
            self.separate(separator);
        } else {
            self.separator_len = separator.len();
            self.started = true;
        }
        match value.shown_number() {
            Some(number) => render::push_number(number, Encoding::Utf8, &mut self.text),
            None => self.text.extend_from_slice(&text_of(value, encoding).unwrap_or_default()),
        }
        self.count += 1;
        // SQLite keeps room for a NUL byte.
        if self.text.len() >= call.context.length_max { Err(too_big()) } else { Ok(()) }
    }

    fn inverse(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        let Some(value) = call.arguments.first().and_then(|value| text_of(value, call.context.encoding))
        else {
            return Ok(());
        };
        self.count = self.count.saturating_sub(1);
        let separator = match &mut self.separator_lens {
            Some(lens) if self.count > 0 => lens.pop_front().unwrap_or(0),
            Some(_) => 0,
            None => self.separator_len,
        };
        self.text.drain(..(value.len() + separator).min(self.text.len()));
        if self.text.is_empty() {
            self.started = false;
            self.separator_lens = None;
        }
        Ok(())
    }

    fn value(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        if self.count == 0 {
            out.set_null();
        } else {
            set_text(out, &self.text, context.encoding);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        if self.count == 0 || context.encoding.is_utf16() {
            return self.value(out, context);
        }
        *out.buffer(Tag::Text) = std::mem::take(&mut self.text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kernite_btree::{Collation, ValueRef};

    use super::*;

    fn row(state: &mut GroupConcat, add: bool, values: &[&str]) {
        let arguments: Vec<Register> = values
            .iter()
            .map(|value| {
                let mut register = Register::null();
                register.set_text(value.as_bytes());
                register
            })
            .collect();
        let context =
            AggregateContext { encoding: Encoding::Utf8, collation: &Collation::Binary, length_max: 1000 };
        let mut call = AggregateCall { arguments: &arguments, context, new_extreme: false };
        if add { state.step(&mut call).unwrap() } else { state.inverse(&mut call).unwrap() }
    }

    #[test]
    fn rows_leave_with_the_separator_that_followed_them() {
        let mut state = GroupConcat::default();
        let context =
            AggregateContext { encoding: Encoding::Utf8, collation: &Collation::Binary, length_max: 1000 };
        let mut out = Register::null();
        for values in [["a", "-"], ["b", "--"], ["c", "+++"]] {
            row(&mut state, true, &values);
        }
        state.value(&mut out, &context).unwrap();
        assert_eq!(out.value(), ValueRef::Text(b"a--b+++c"));
        row(&mut state, false, &["a", "-"]);
        state.value(&mut out, &context).unwrap();
        assert_eq!(out.value(), ValueRef::Text(b"b+++c"));
        row(&mut state, false, &["b", "--"]);
        row(&mut state, false, &["c", "+++"]);
        state.value(&mut out, &context).unwrap();
        assert_eq!(out.value(), ValueRef::Null);
    }
}
