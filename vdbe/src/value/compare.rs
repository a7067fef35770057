//! Comparisons of SQL: values with an affinity applied first.
//!
//! The order itself is the records' ([`kernite_btree::record::compare_values`]); an affinity changes what is compared, never the
//! operands themselves.
//!
//! Spec: Datatypes In SQLite, "Comparison Expressions".

use std::cmp::Ordering;

use kernite_btree::record::compare_values;
use kernite_btree::{Collation, Encoding, ValueRef};

use super::affinity::Affinity;
use super::number::from_affinity;
use super::render;

/// Compares two values that are not NULL (NULLs compare as the smallest) after applying `affinity` to both.
#[inline]
pub fn compare_with_affinity(
    left: ValueRef<'_>,
    right: ValueRef<'_>,
    affinity: Affinity,
    collation: &Collation,
    encoding: Encoding,
) -> Ordering {
    if let (ValueRef::Integer(left), ValueRef::Integer(right)) = (left, right) {
        // Applying TEXT affinity to both would need text on either side.
        return left.cmp(&right);
    }
    let either_text = matches!(left, ValueRef::Text(_)) || matches!(right, ValueRef::Text(_));
    if either_text && affinity.is_numeric() {
        let (left, right) = (as_number(left, encoding), as_number(right, encoding));
        return compare_values(left, right, collation, encoding);
    }
    if either_text && affinity == Affinity::Text {
        return compare_as_text(left, right, collation, encoding);
    }
    compare_values(left, right, collation, encoding)
}

/// Text that is a number as that number; anything else as it is.
#[inline]
fn as_number(value: ValueRef<'_>, encoding: Encoding) -> ValueRef<'_> {
    match value {
        ValueRef::Text(text) => from_affinity(text, encoding, false).map_or(value, |number| number.value()),
        other => other,
    }
}

/// Compares with a number on either side as text.
fn compare_as_text(
    left: ValueRef<'_>,
    right: ValueRef<'_>,
    collation: &Collation,
    encoding: Encoding,
) -> Ordering {
    let (mut left_text, mut right_text) = (Vec::new(), Vec::new());
    let left = as_text(left, encoding, &mut left_text);
    let right = as_text(right, encoding, &mut right_text);
    compare_values(left, right, collation, encoding)
}

fn as_text<'a>(value: ValueRef<'a>, encoding: Encoding, buffer: &'a mut Vec<u8>) -> ValueRef<'a> {
    match value {
        ValueRef::Integer(_) | ValueRef::Real(_) => {
            render::push_number(value, encoding, buffer);
            ValueRef::Text(buffer)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinity_decides_what_is_compared() {
        use ValueRef::{Blob as B, Integer as I, Real as R, Text as T};
        for (left, right, affinity, expected) in [
            (T(b"10"), I(9), Affinity::Numeric, Ordering::Greater),
            (T(b"10"), I(9), Affinity::Blob, Ordering::Greater),
            (T(b"10"), I(9), Affinity::Text, Ordering::Less),
            (T(b"1e1"), I(10), Affinity::Integer, Ordering::Equal),
            (T(b"x"), I(10), Affinity::Integer, Ordering::Greater),
            (T(b"10"), T(b"9"), Affinity::Numeric, Ordering::Greater),
            (T(b"10"), T(b"9"), Affinity::Text, Ordering::Less),
            (R(1.0), T(b"1.0"), Affinity::Text, Ordering::Equal),
            (I(1), T(b"1.0"), Affinity::Text, Ordering::Less),
            (B(b"1"), I(1), Affinity::Numeric, Ordering::Greater),
            (B(b"1"), T(b"2"), Affinity::Text, Ordering::Greater),
        ] {
            let utf8 = Encoding::Utf8;
            let ordering = compare_with_affinity(left, right, affinity, &Collation::Binary, utf8);
            assert_eq!(ordering, expected, "{left:?} {right:?} {affinity:?}");
            let reversed = compare_with_affinity(right, left, affinity, &Collation::Binary, utf8);
            assert_eq!(reversed, expected.reverse(), "{right:?} {left:?} {affinity:?}");
        }
    }
}
