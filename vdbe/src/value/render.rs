//! Numbers as text: how SQLite shows integers and reals where no format is asked for.
//!
//! A real shows up to 17 significant digits, always with a point (`1.0`, `1.0e+20`), so that it reads back as a real.
//!
//! Never: printf's flags and widths (`function::builtin::printf`).

use kernite_btree::{Encoding, ValueRef};

use super::decimal::{Digits, Kind, Precision};

/// Significant digits of a real as text.
pub const REAL_DIGITS: i32 = 17;

/// The longest text of a number, in bytes.
pub const NUMBER_LEN_MAX: usize = 32;

const DIGIT_PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// An integer's text.
pub struct IntegerText {
    buffer: [u8; 20],
    start: usize,
}

impl IntegerText {
    /// The text of `number`.
    #[inline]
    pub fn of(number: i64) -> IntegerText {
        let mut text = IntegerText::of_unsigned(number.unsigned_abs());
        if number < 0 {
            // The longest one with a sign has 19 digits.
            text.start -= 1;
            text.buffer[text.start] = b'-';
        }
        text
    }

    /// The text of a `number` that has no sign.
    #[inline]
    pub fn of_unsigned(number: u64) -> IntegerText {
        let mut buffer = [0u8; 20];
        let mut at = buffer.len();
        let mut rest = number;
        while rest >= 100 {
            let pair = (rest % 100) as usize * 2;
            rest /= 100;
            at -= 2;
            buffer[at..at + 2].copy_from_slice(&DIGIT_PAIRS[pair..pair + 2]);
        }
        if rest >= 10 {
            at -= 2;
            buffer[at..at + 2].copy_from_slice(&DIGIT_PAIRS[rest as usize * 2..rest as usize * 2 + 2]);
        } else {
            at -= 1;
            buffer[at] = b'0' + rest as u8;
        }
        IntegerText { buffer, start: at }
    }

    /// Its digits, and its sign where it is negative.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

/// Appends an integer.
#[inline]
pub fn push_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(IntegerText::of(number).as_bytes());
}

/// Appends an integer that has no sign.
#[inline]
pub fn push_unsigned(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(IntegerText::of_unsigned(number).as_bytes());
}

/// Appends a real with at most [`REAL_DIGITS`] significant digits.
#[inline]
pub fn push_real(number: f64, out: &mut Vec<u8>) {
    push_real_digits(number, REAL_DIGITS, out);
}

/// Appends a real with at most `significant` digits.
pub fn push_real_digits(number: f64, significant: i32, out: &mut Vec<u8>) {
    // A whole number of at most 15 digits shows just these, and most reals in tables are such.
    if significant >= 15 && number.abs() < 1e15 && number.trunc() == number {
        push_integer(number as i64, out);
        return out.extend_from_slice(b".0");
    }
    let digits = Digits::of(number, Precision::Significant(significant), 20);
    match digits.kind {
        Kind::NotANumber => return out.extend_from_slice(b"NaN"),
        Kind::Infinite => return out.extend_from_slice(if digits.negative { b"-Inf" } else { b"Inf" }),
        Kind::Finite => {}
    }
    if digits.negative {
        out.push(b'-');
    }
    let shown = digits.as_bytes();
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= significant {
        out.push(shown[0]);
        out.push(b'.');
        out.extend_from_slice(if shown.len() > 1 { &shown[1..] } else { b"0" });
        push_exponent(exponent, b'e', out);
    } else if digits.point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend_from_slice(&b"0000"[..(-digits.point) as usize]);
        out.extend_from_slice(shown);
    } else {
        let whole = digits.point as usize;
        let (before, after) = shown.split_at(whole.min(shown.len()));
        out.extend_from_slice(before);
        out.resize(out.len() + whole - before.len(), b'0');
        out.push(b'.');
        out.extend_from_slice(if after.is_empty() { b"0" } else { after });
    }
}

/// Appends a number as text in `encoding`; other values append nothing.
#[inline]
pub fn push_number(number: ValueRef<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let start = out.len();
    match number {
        ValueRef::Integer(number) => push_integer(number, out),
        ValueRef::Real(number) => push_real(number, out),
        _ => {}
    }
    if encoding.is_utf16() {
        widen(start, encoding, out);
    }
}

/// Makes UTF-16 of the ASCII text that `out` has from `start` on.
fn widen(start: usize, encoding: Encoding, out: &mut Vec<u8>) {
    let narrow = out.len() - start;
    out.resize(start + 2 * narrow, 0);
    for at in (0..narrow).rev() {
        let byte = out[start + at];
        let unit = if encoding == Encoding::Utf16Le { [byte, 0] } else { [0, byte] };
        out[start + 2 * at..start + 2 * at + 2].copy_from_slice(&unit);
    }
}

/// Appends `e+07`: a sign and at least two digits.
pub fn push_exponent(exponent: i32, letter: u8, out: &mut Vec<u8>) {
    out.push(letter);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let magnitude = exponent.unsigned_abs();
    if magnitude < 10 {
        out.push(b'0');
    }
    push_unsigned(u64::from(magnitude), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(number: i64) -> String {
        let mut out = Vec::new();
        push_integer(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn real(number: f64) -> String {
        let mut out = Vec::new();
        push_real(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_show_all_digits() {
        for number in [0, 7, 10, 99, 100, 101, -1, -100, i64::MIN, i64::MAX] {
            assert_eq!(integer(number), number.to_string());
        }
    }

    #[test]
    fn reals_show_as_in_sqlite() {
        // Taken from SQLite 3.54.1: CAST(x AS TEXT).
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (123456789012345.0, "123456789012345.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "10000000000000000.0"),
            (1e17, "1.0e+17"),
            (1e-4, "0.0001"),
            (1e-5, "1.0e-05"),
            (1.25e-7, "1.25e-07"),
            (1e100, "1.0e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (std::f64::consts::PI, "3.1415926535897931"),
            (49.47, "49.47"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(real(number), text);
        }
    }
}
