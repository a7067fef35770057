//! The kernels of arithmetic: one per operation, shared by the row machine, the batch loops and constant folding.
//!
//! Integers overflow into reals; division by zero and a result that is not a number are NULL. Each kernel takes values and
//! gives one; the inner forms on integers and reals are there for those who know their types.
//!
//! Spec: SQL As Understood By SQLite, "Operators".

use kernite_btree::{Encoding, ValueRef};

use super::number::{self, Number, operand};

/// An arithmetic operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    /// On integers; `None` where the result has to be computed in reals. Division by 0 is handled before (see [`apply`]).
    #[inline(always)]
    pub fn integers(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide => left.checked_div(right),
            Arithmetic::Remainder => Some(left.wrapping_rem(right)),
        }
    }

    /// On reals. `Remainder` works on the integer parts. `None` is NULL.
    #[inline(always)]
    pub fn reals(self, left: f64, right: f64) -> Option<f64> {
        let result = match self {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide if right == 0.0 => return None,
            Arithmetic::Divide => left / right,
            Arithmetic::Remainder => {
                let right = number::truncate(right);
                if right == 0 {
                    return None;
                }
                number::truncate(left).wrapping_rem(right) as f64
            }
        };
        (!result.is_nan()).then_some(result)
    }
}

/// `left` op `right` as a value: NULL, an integer or a real.
#[inline]
pub fn apply(
    operation: Arithmetic,
    left: ValueRef<'_>,
    right: ValueRef<'_>,
    encoding: Encoding,
) -> ValueRef<'static> {
    if let (ValueRef::Integer(left), ValueRef::Integer(right)) = (left, right) {
        return on_integers(operation, left, right);
    }
    let (Some(left_number), Some(right_number)) = (operand(left, encoding), operand(right, encoding)) else {
        return ValueRef::Null;
    };
    let result = match (left_number, right_number) {
        (Number::Integer(left), Number::Integer(right)) => return on_integers(operation, left, right),
        // The remainder of text is that of its integer reading, which may differ from the real one ('1e3' % 7).
        _ if operation == Arithmetic::Remainder => {
            let (left, right) = (number::to_integer(left, encoding), number::to_integer(right, encoding));
            (right != 0).then(|| left.wrapping_rem(right) as f64)
        }
        // Text that looks like an integer is read as a real here, which keeps the sign of '-0'.
        _ => operation.reals(number::to_real(left, encoding), number::to_real(right, encoding)),
    };
    result.map_or(ValueRef::Null, ValueRef::Real)
}

/// `left` op `right` on integers as a value.
#[inline(always)]
pub fn on_integers(operation: Arithmetic, left: i64, right: i64) -> ValueRef<'static> {
    if right == 0 && matches!(operation, Arithmetic::Divide | Arithmetic::Remainder) {
        return ValueRef::Null;
    }
    match operation.integers(left, right) {
        Some(result) => ValueRef::Integer(result),
        None => operation.reals(left as f64, right as f64).map_or(ValueRef::Null, ValueRef::Real),
    }
}

/// An operation on the bits of two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitwise {
    And,
    Or,
    ShiftLeft,
    ShiftRight,
}

/// `left` op `right` on integers. Shifts by 64 or more leave 0, or all sign bits; a negative shift goes the other way.
#[inline]
pub fn bitwise(operation: Bitwise, left: i64, right: i64) -> i64 {
    let shift = |left_ward: bool, by: u64| match (left_ward, by) {
        (true, 0..64) => left << by,
        (true, _) => 0,
        (false, _) => left >> by.min(63),
    };
    match operation {
        Bitwise::And => left & right,
        Bitwise::Or => left | right,
        Bitwise::ShiftLeft => shift(right >= 0, right.unsigned_abs()),
        Bitwise::ShiftRight => shift(right < 0, right.unsigned_abs()),
    }
}

/// [`bitwise`] on values: NULL if either is.
#[inline]
pub fn apply_bitwise(
    operation: Bitwise,
    left: ValueRef<'_>,
    right: ValueRef<'_>,
    encoding: Encoding,
) -> ValueRef<'static> {
    if matches!(left, ValueRef::Null) || matches!(right, ValueRef::Null) {
        return ValueRef::Null;
    }
    let (left, right) = (number::to_integer(left, encoding), number::to_integer(right, encoding));
    ValueRef::Integer(bitwise(operation, left, right))
}

/// `~value`.
#[inline]
pub fn bit_not(value: ValueRef<'_>, encoding: Encoding) -> ValueRef<'static> {
    match value {
        ValueRef::Null => ValueRef::Null,
        value => ValueRef::Integer(!number::to_integer(value, encoding)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: Arithmetic, left: ValueRef<'_>, right: ValueRef<'_>, expected: ValueRef<'_>) {
        assert_eq!(
            apply(operation, left, right, Encoding::Utf8),
            expected,
            "{left:?} {operation:?} {right:?}"
        );
    }

    #[test]
    fn arithmetic_is_as_in_sqlite() {
        use Arithmetic::*;
        use ValueRef::{Integer as I, Null, Real as R, Text as T};
        // Taken from SQLite 3.54.1.
        for (operation, left, right, expected) in [
            (Add, I(i64::MAX), I(1), R(9223372036854775808.0)),
            (Subtract, I(i64::MIN), I(1), R(-9223372036854775808.0)),
            (Multiply, I(i64::MAX), I(2), R(18446744073709551614.0)),
            (Divide, I(i64::MIN), I(-1), R(9223372036854775808.0)),
            (Remainder, I(i64::MIN), I(-1), I(0)),
            (Divide, I(7), I(2), I(3)),
            (Divide, I(-7), I(2), I(-3)),
            (Remainder, I(-7), I(2), I(-1)),
            (Divide, I(1), I(0), Null),
            (Remainder, I(1), I(0), Null),
            (Divide, R(1.0), R(0.0), Null),
            (Remainder, R(7.9), R(2.9), R(1.0)),
            (Remainder, R(7.0), R(0.5), Null),
            (Remainder, T(b"1e3"), I(7), R(1.0)),
            (Add, T(b"3abc"), I(4), I(7)),
            (Add, T(b"1.5"), I(1), R(2.5)),
            (Add, Null, I(1), Null),
            (Subtract, R(f64::INFINITY), R(f64::INFINITY), Null),
            (Divide, I(1), T(b"abc"), Null),
        ] {
            check(operation, left, right, expected);
        }
        // The text is an integer, and read as a real all the same where the other side is one.
        let zero = apply(Multiply, T(b"-0"), R(1.5), Encoding::Utf8);
        assert!(matches!(zero, R(zero) if zero.is_sign_negative()), "{zero:?}");
    }

    #[test]
    fn shifts_go_the_other_way_when_negative() {
        use Bitwise::*;
        for (operation, left, right, expected) in [
            (ShiftLeft, 1, 63, i64::MIN),
            (ShiftLeft, 1, 64, 0),
            (ShiftLeft, -8, -2, -2),
            (ShiftLeft, -8, i64::MIN, -1),
            (ShiftRight, -8, 100, -1),
            (ShiftRight, 8, 100, 0),
            (ShiftRight, 1, -3, 8),
            (ShiftRight, 1, i64::MIN, 0),
            (And, 6, 3, 2),
            (Or, 6, 3, 7),
        ] {
            assert_eq!(bitwise(operation, left, right), expected, "{left} {operation:?} {right}");
        }
    }
}
