//! Functions on numbers: abs, round, sign, and the mathematical ones.
//!
//! The mathematical ones take numbers, and text that is a number; of anything else they are NULL. So they are where the result is
//! not a number.
//!
//! Spec: Built-in Scalar SQL Functions; Built-In Mathematical SQL Functions.

use kernite_btree::ValueRef;

use crate::Step;
use crate::error::Error;
use crate::function::call::{Call, Numeric};
use crate::value::Number;
use crate::value::decimal::{Digits, Precision, from_decimal};

/// Doubles of this magnitude or more have no fraction.
const WHOLE_MIN: f64 = 4_503_599_627_370_496.0;

/// `abs(x)`: of text and blobs a real.
pub fn abs(call: &mut Call<'_>) -> Step<()> {
    match call.value(0) {
        ValueRef::Null => {}
        ValueRef::Integer(number) => match number.checked_abs() {
            Some(number) => call.result.set_integer(number),
            None => return Err(Error::message("integer overflow")),
        },
        _ => {
            let number = call.real(0);
            call.result.set_real(if number < 0.0 { -number } else { number });
        }
    }
    Ok(Some(()))
}

/// `round(x [, digits])`: half away from zero, by decimal digits.
pub fn round(call: &mut Call<'_>) -> Step<()> {
    let places = if call.arguments.len() > 1 { call.integer(1).clamp(0, 30) } else { 0 };
    if call.arguments.len() > 1 && call.is_null(1) || call.is_null(0) {
        return Ok(Some(()));
    }
    let number = call.real(0);
    // An infinity is beyond, too.
    let rounded = if number.abs() > WHOLE_MIN {
        number
    } else if places == 0 {
        (number + if number < 0.0 { -0.5 } else { 0.5 }).trunc() + 0.0
    } else {
        round_digits(number, places as i32)
    };
    call.result.set_real(rounded);
    Ok(Some(()))
}

/// Rounds as printing `places` digits behind the point and reading them back does.
fn round_digits(number: f64, places: i32) -> f64 {
    let digits = Digits::of(number, Precision::Fraction(places), 20);
    let shown = (digits.point + places).max(0) as usize;
    let kept = digits.as_bytes();
    let kept = &kept[..kept.len().min(shown)];
    let value = kept.iter().fold(0u64, |value, &digit| value * 10 + u64::from(digit - b'0'));
    let rounded = from_decimal(value, digits.point - kept.len() as i32);
    if digits.negative { -rounded } else { rounded }
}

/// `sign(x)`.
pub fn sign(call: &mut Call<'_>) -> Step<()> {
    if let Numeric::Number(number) = call.numeric(0) {
        let real = number.to_real();
        call.result.set_integer(i64::from(real > 0.0) - i64::from(real < 0.0));
    }
    Ok(Some(()))
}

/// A function of one real.
pub fn of_one(call: &mut Call<'_>, function: fn(f64) -> f64) -> Step<()> {
    if let Numeric::Number(number) = call.numeric(0) {
        call.result.set_real(function(number.to_real()));
    }
    Ok(Some(()))
}

/// A function of two reals.
pub fn of_two(call: &mut Call<'_>, function: fn(f64, f64) -> f64) -> Step<()> {
    if let (Numeric::Number(one), Numeric::Number(other)) = (call.numeric(0), call.numeric(1)) {
        call.result.set_real(function(one.to_real(), other.to_real()));
    }
    Ok(Some(()))
}

/// ceil, floor, trunc: integers stay integers.
pub fn to_whole(call: &mut Call<'_>, function: fn(f64) -> f64) -> Step<()> {
    match call.numeric(0) {
        Numeric::Number(Number::Integer(number)) => call.result.set_integer(number),
        Numeric::Number(Number::Real(number)) => call.result.set_real(function(number)),
        _ => {}
    }
    Ok(Some(()))
}

/// A logarithm of what is above zero.
pub fn log_of_one(call: &mut Call<'_>, function: fn(f64) -> f64) -> Step<()> {
    if let Numeric::Number(number) = call.numeric(0)
        && number.to_real() > 0.0
    {
        call.result.set_real(function(number.to_real()));
    }
    Ok(Some(()))
}

/// `log(base, x)`. SQLite asks the base alone for its type: text that is no number counts as far as it is one.
pub fn log_of_two(call: &mut Call<'_>) -> Step<()> {
    let Numeric::Number(base) = call.numeric(0) else { return Ok(Some(())) };
    let (base, number) = (base.to_real(), call.real(1));
    if base <= 0.0 || base.ln() <= 0.0 || number <= 0.0 {
        return Ok(Some(()));
    }
    call.result.set_real(number.ln() / base.ln());
    Ok(Some(()))
}

/// `pi()`.
pub fn pi(call: &mut Call<'_>) -> Step<()> {
    call.result.set_real(std::f64::consts::PI);
    Ok(Some(()))
}

/// Beyond this `x * x` says no more than `x`.
const HUGE: f64 = (1u64 << 28) as f64;

/// Inverse hyperbolic sine, by way of the logarithm that loses least in each range.
pub fn asinh(x: f64) -> f64 {
    let magnitude = x.abs();
    let result = if !magnitude.is_finite() || magnitude < 1.0 / HUGE {
        return x;
    } else if magnitude > HUGE {
        magnitude.ln() + std::f64::consts::LN_2
    } else if magnitude > 2.0 {
        (2.0 * magnitude + 1.0 / ((x * x + 1.0).sqrt() + magnitude)).ln()
    } else {
        let square = x * x;
        (magnitude + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    result.copysign(x)
}

/// Inverse hyperbolic cosine; not a number below 1.
pub fn acosh(x: f64) -> f64 {
    if x > HUGE {
        x.ln() + std::f64::consts::LN_2
    } else if x > 2.0 {
        let square = x * x;
        (2.0 * x - 1.0 / (x + (square - 1.0).sqrt())).ln()
    } else if x >= 1.0 {
        let above = x - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    } else {
        f64::NAN
    }
}

/// Inverse hyperbolic tangent; not a number beyond 1.
pub fn atanh(x: f64) -> f64 {
    let magnitude = x.abs();
    let result = if magnitude > 1.0 {
        f64::NAN
    } else if magnitude < 1.0 / HUGE {
        return x;
    } else if magnitude < 0.5 {
        let twice = magnitude + magnitude;
        0.5 * (twice + twice * magnitude / (1.0 - magnitude)).ln_1p()
    } else {
        0.5 * ((magnitude + magnitude) / (1.0 - magnitude)).ln_1p()
    };
    result.copysign(x)
}
