//! Functions that choose among their arguments or look at their types, and blobs of zeros and of chance.
//!
//! `coalesce`, `ifnull`, `iif`, `likely` and their like are compiled to jumps, so that arguments that do not matter are not computed; the functions
//! here say the same for callers that have all arguments at hand.
//!
//! Spec: Built-in Scalar SQL Functions.

use std::cmp::Ordering;

use crate::Step;
use crate::function::call::{Call, compare};
use crate::register::{Flags, Register, Tag};
use crate::value::number;

/// `typeof(x)`.
pub fn type_of(call: &mut Call<'_>) -> Step<()> {
    let name: &[u8] = match call.argument(0).map(Register::tag).unwrap_or_default() {
        Tag::Null | Tag::Internal => b"null",
        Tag::Integer
            if call.arguments.first().is_some_and(|argument| argument.flags.has(Flags::INT_REAL)) =>
        {
            b"real"
        }
        Tag::Integer => b"integer",
        Tag::Real => b"real",
        Tag::Text => b"text",
        Tag::Blob => b"blob",
    };
    call.set_text(name)?;
    Ok(Some(()))
}

/// `subtype(x)`.
pub fn subtype(call: &mut Call<'_>) -> Step<()> {
    let subtype = call.argument(0).map_or(0, Register::subtype);
    call.result.set_integer(i64::from(subtype));
    Ok(Some(()))
}

/// `coalesce(x, …)` and `ifnull(x, y)`: the first that is not NULL.
pub fn coalesce(call: &mut Call<'_>) -> Step<()> {
    if let Some(first) = call.arguments.iter().find(|argument| !argument.is_null()) {
        call.set_value(first);
    }
    Ok(Some(()))
}

/// `iif(condition, value, … [, otherwise])`.
pub fn iif(call: &mut Call<'_>) -> Step<()> {
    for pair in call.arguments.chunks(2) {
        match pair {
            [condition, value] if number::truth(condition.value(), call.encoding) == Some(true) => {
                call.set_value(value);
                break;
            }
            [otherwise] => call.set_value(otherwise),
            _ => {}
        }
    }
    Ok(Some(()))
}

/// `nullif(x, y)`: NULL if they are equal, else `x`.
pub fn null_if(call: &mut Call<'_>) -> Step<()> {
    if let [one, other] = call.arguments
        && compare(one, other, call.collation, call.encoding) != Ordering::Equal
    {
        call.set_value(one);
    }
    Ok(Some(()))
}

/// `likely(x)`, `unlikely(x)`, `likelihood(x, p)`: `x`.
pub fn identity(call: &mut Call<'_>) -> Step<()> {
    if let Some(argument) = call.argument(0) {
        call.set_value(argument);
    }
    Ok(Some(()))
}

/// `min(x, y, …)`: of equal ones the last; NULL if any is NULL.
pub fn min(call: &mut Call<'_>) -> Step<()> {
    extreme(call, |best| best != Ordering::Less)
}

/// `max(x, y, …)`: of equal ones the first; NULL if any is NULL.
pub fn max(call: &mut Call<'_>) -> Step<()> {
    extreme(call, |best| best == Ordering::Less)
}

fn extreme(call: &mut Call<'_>, replaces: fn(Ordering) -> bool) -> Step<()> {
    let Some(mut best) = call.argument(0) else { return Ok(Some(())) };
    if call.arguments.iter().any(Register::is_null) {
        return Ok(Some(()));
    }
    for other in &call.arguments[1..] {
        if replaces(compare(best, other, call.collation, call.encoding)) {
            best = other;
        }
    }
    call.set_value(best);
    Ok(Some(()))
}

/// `zeroblob(n)`.
pub fn zeroblob(call: &mut Call<'_>) -> Step<()> {
    let count = call.integer(0).max(0) as u64;
    call.check_len(count)?;
    call.result.set_zeros(count);
    Ok(Some(()))
}

/// `random()`: any integer but the smallest, which `abs` could not take.
pub fn random(call: &mut Call<'_>) -> Step<()> {
    let mut bytes = [0; 8];
    call.host.fill_random(&mut bytes);
    let number = i64::from_ne_bytes(bytes);
    call.result.set_integer(if number < 0 { -(number & i64::MAX) } else { number });
    Ok(Some(()))
}

/// `randomblob(n)`: at least one byte.
pub fn randomblob(call: &mut Call<'_>) -> Step<()> {
    let count = call.integer(0).max(1) as u64;
    call.check_len(count)?;
    let out = call.result.buffer(Tag::Blob);
    out.resize(count as usize, 0);
    call.host.fill_random(out);
    Ok(Some(()))
}
