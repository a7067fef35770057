//! Doubles and decimal digits: the arithmetic between them.
//!
//! Both directions multiply a 64-bit significand by a power of ten of which the leading 128 bits are tabled.
//!
//! - [`from_decimal`] gives the double nearest to `significand × 10^exponent`, ties to even, always: where 128 bits do not decide,
//!   the standard library's exact algorithm does.
//! - [`Digits::of`] gives the decimal digits that SQLite shows. They come from the leading 64 bits of the power alone, 18 digits of
//!   which the last may be off by one, and then rounded: by design not the shortest text that reads back, and the same digits on
//!   every machine.
//!
//! Never: text layout (sign, point, exponent, padding); that is `render` and the printf functions.

/// Decimal exponents outside this range make every 64-bit significand zero or infinite.
const EXPONENT_MIN: i32 = -348;
const EXPONENT_MAX: i32 = 347;

/// The leading 128 bits of 10^p, top bit set, rounded down, for p from [`EXPONENT_MIN`] to [`EXPONENT_MAX`].
static POWERS: [u128; (EXPONENT_MAX - EXPONENT_MIN + 1) as usize] = powers();

/// A 256-bit number, most significant word first. Twice the bits that are kept, so that rounding down at each of 348 steps
/// leaves them exact.
type Wide = [u64; 4];

const fn powers() -> [u128; (EXPONENT_MAX - EXPONENT_MIN + 1) as usize] {
    let mut table = [0; (EXPONENT_MAX - EXPONENT_MIN + 1) as usize];
    let zero = (-EXPONENT_MIN) as usize;
    let one: Wide = [1 << 63, 0, 0, 0];
    let mut up = one;
    let mut at = zero;
    while at < table.len() {
        table[at] = (up[0] as u128) << 64 | up[1] as u128;
        up = times_five(up);
        at += 1;
    }
    let mut down = one;
    at = zero;
    while at > 0 {
        down = by_five(down);
        at -= 1;
        table[at] = (down[0] as u128) << 64 | down[1] as u128;
    }
    table
}

/// Five times `number`, shifted right until it fits.
const fn times_five(number: Wide) -> Wide {
    let mut product = [0u64; 4];
    let mut carry = 0u128;
    let mut at = 4;
    while at > 0 {
        at -= 1;
        let word = number[at] as u128 * 5 + carry;
        product[at] = word as u64;
        carry = word >> 64;
    }
    // The carry is 2, 3 or 4: two or three bits wide.
    let bits = if carry >= 4 { 3 } else { 2 };
    let mut high = carry as u64;
    at = 0;
    while at < 4 {
        let word = product[at];
        product[at] = high << (64 - bits) | word >> bits;
        high = word;
        at += 1;
    }
    product
}

/// A fifth of `number`, shifted left until its top bit is set.
const fn by_five(number: Wide) -> Wide {
    // `number` × 2^k / 5 has its top bit in place for k = 2 when `number` is at least 5/8 of 2^256, else for k = 3.
    let bits = if number[0] >= 0xa000_0000_0000_0000 { 2 } else { 3 };
    let mut quotient = [0u64; 4];
    let mut rest = (number[0] >> (64 - bits)) as u128;
    let mut at = 0;
    while at < 4 {
        let next = if at < 3 { number[at + 1] >> (64 - bits) } else { 0 };
        let word = rest << 64 | (number[at] << bits | next) as u128;
        quotient[at] = (word / 5) as u64;
        rest = word % 5;
        at += 1;
    }
    quotient
}

/// The leading 128 bits of 10^`exponent`.
#[inline]
fn power(exponent: i32) -> u128 {
    POWERS[(exponent - EXPONENT_MIN) as usize]
}

/// floor(log2(10^`exponent`)), right within ±1233.
#[inline]
const fn log2_of_power(exponent: i32) -> i32 {
    (exponent * 108_853) >> 15
}

/// floor(log10(2^`exponent`)), right within ±1650.
#[inline]
const fn log10_of_power_of_two(exponent: i32) -> i32 {
    (exponent * 78_913) >> 18
}

/// Powers of ten that are doubles exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The double nearest to `significand` × 10^`exponent`: infinite where that is too large, 0 where it is too small.
#[inline]
pub fn from_decimal(significand: u64, exponent: i32) -> f64 {
    if significand < 1 << 53 && exponent.unsigned_abs() < EXACT_POWERS.len() as u32 {
        // Both operands are exact, so that the one operation rounds correctly.
        let power = EXACT_POWERS[exponent.unsigned_abs() as usize];
        return if exponent < 0 { significand as f64 / power } else { significand as f64 * power };
    }
    from_decimal_general(significand, exponent)
}

fn from_decimal_general(significand: u64, exponent: i32) -> f64 {
    if significand == 0 || exponent < EXPONENT_MIN {
        return 0.0;
    }
    if exponent > EXPONENT_MAX {
        return f64::INFINITY;
    }
    let shift = significand.leading_zeros();
    let normal = significand << shift;
    let power = power(exponent);
    // The leading 128 bits of the product; what is cut off, and what the table cut off, is less than 2 of its units.
    let high = u128::from(normal) * (power >> 64);
    let low = u128::from(normal) * (power & u128::from(u64::MAX));
    let mut product = high + (low >> 64);
    let mut binary = log2_of_power(exponent) + 65 - shift as i32;
    let mut slack = 2u128;
    if product >> 127 == 0 {
        product <<= 1;
        slack <<= 1;
        binary -= 1;
    }
    // The value is product × 2^(binary - 128), with product in [2^127, 2^128).
    let exact = (0..=55).contains(&exponent) && low as u64 == 0;
    round(product, if exact { 0 } else { slack }, binary)
        .unwrap_or_else(|| from_decimal_exact(significand, exponent))
}

/// Rounds `product` × 2^(`binary` - 128) to a double, where the true value is above `product` by more than 0 and less than `slack`,
/// or equal to it if `slack` is 0. `None` when that does not decide.
fn round(product: u128, slack: u128, binary: i32) -> Option<f64> {
    // A normal double keeps 53 bits; the smallest normal one is 2^-1022, where `binary` is -1021.
    let keep = if binary >= -1021 { 53 } else { 53 - (-1021 - binary) };
    if keep < 0 {
        return Some(0.0);
    }
    let dropped = (128 - keep) as u32;
    let (kept, rest) =
        if dropped == 128 { (0, product) } else { (product >> dropped, product & ((1 << dropped) - 1)) };
    let half = 1u128 << (dropped - 1);
    let up = match slack {
        0 => rest > half || rest == half && kept & 1 == 1,
        // The true value is above the middle; should it reach the next double, that is where rounding up leads too.
        _ if rest >= half => true,
        _ if half - rest >= slack => false,
        _ => return None,
    };
    let bits = kept as u64 + u64::from(up);
    // With a biased exponent of zero for subnormals, a carry out of the significand moves into the exponent as it should.
    let biased = if binary >= -1021 { (binary + 1021) as u64 } else { 0 };
    if biased >= 2046 {
        return Some(f64::INFINITY);
    }
    Some(f64::from_bits((biased << 52) + bits))
}

/// The same by the standard library, which is exact and slower.
#[cold]
fn from_decimal_exact(significand: u64, exponent: i32) -> f64 {
    let mut text = Vec::with_capacity(32);
    super::render::push_unsigned(significand, &mut text);
    text.push(b'e');
    super::render::push_integer(i64::from(exponent), &mut text);
    std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// How many digits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// This many digits in all; at least 1.
    Significant(i32),
    /// This many digits behind the decimal point.
    Fraction(i32),
}

/// What a double is apart from its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Finite,
    Infinite,
    NotANumber,
}

/// A double as decimal digits: 0.d₁d₂d₃… × 10^`point`.
#[derive(Clone, Debug)]
pub struct Digits {
    /// The digits as ASCII, first one at `start`, without zeros at the end.
    buffer: [u8; 24],
    start: usize,
    end: usize,
    /// Where the decimal point is, counted from the first digit.
    pub point: i32,
    pub negative: bool,
    pub kind: Kind,
}

impl Digits {
    /// The digits of `number`, rounded half up to `precision` and to at most `digits_max` of them (16 by SQLite's default, 20 with
    /// printf's `!`, where 17 digits are also cut to fewer that read back as the same double).
    pub fn of(number: f64, precision: Precision, digits_max: i32) -> Digits {
        let mut digits = Digits {
            buffer: [b'0'; 24],
            start: 0,
            end: 1,
            point: 1,
            negative: number < 0.0,
            kind: Kind::Finite,
        };
        if number == 0.0 {
            return digits;
        }
        let magnitude = number.abs();
        if !magnitude.is_finite() {
            digits.kind = if magnitude.is_nan() { Kind::NotANumber } else { Kind::Infinite };
            digits.end = 0;
            digits.point = 0;
            return digits;
        }
        let wanted = match precision {
            Precision::Significant(count) if count < 18 => count.max(1) + 1,
            _ => 18,
        };
        let (value, exponent) = scale(magnitude, wanted);
        digits.start = digits.buffer.len() - write_backwards(value, &mut digits.buffer);
        digits.end = digits.buffer.len();
        digits.point = (digits.end - digits.start) as i32 + exponent;
        digits.round(magnitude, exponent, precision, digits_max);
        while digits.end > digits.start + 1 && digits.buffer[digits.end - 1] == b'0' {
            digits.end -= 1;
        }
        digits
    }

    /// The digits as ASCII: at least one for finite numbers, and no zero at the end but that of zero itself.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Replaces the digits, for what printf shows in place of an infinity.
    pub fn set(&mut self, digit: u8, point: i32) {
        self.buffer[0] = digit;
        (self.start, self.end, self.point) = (0, 1, point);
        self.kind = Kind::Finite;
    }

    fn round(&mut self, magnitude: f64, exponent: i32, precision: Precision, digits_max: i32) {
        let mut count = (self.end - self.start) as i32;
        let mut keep = match precision {
            Precision::Significant(keep) => keep.max(1),
            Precision::Fraction(places) => {
                let keep = self.point.saturating_add(places);
                if keep == 0 && self.buffer[self.start] >= b'5' {
                    // The number rounds up to one unit of the last place wanted, before its own first digit.
                    self.start -= 1;
                    self.buffer[self.start] = b'0';
                    self.point += 1;
                    count += 1;
                    1
                } else {
                    keep
                }
            }
        };
        if keep <= 0 || keep >= count && count <= digits_max {
            return;
        }
        keep = keep.min(digits_max);
        if keep == 17
            && let Some(fewer) = self.fewer_digits(magnitude, exponent)
        {
            keep = fewer;
        }
        if keep >= count {
            return;
        }
        let cut = self.start + keep as usize;
        self.end = cut;
        if self.buffer[cut] >= b'5' {
            self.round_up();
        }
    }

    /// Adds one to the last digit.
    fn round_up(&mut self) {
        let mut at = self.end;
        while at > self.start {
            at -= 1;
            if self.buffer[at] != b'9' {
                self.buffer[at] += 1;
                return;
            }
            self.buffer[at] = b'0';
        }
        self.start -= 1;
        self.buffer[self.start] = b'1';
        self.point += 1;
    }

    /// Of 18 or more digits: how many to keep, if a run of nines or zeros before the 17th shows that fewer than 17 read back as
    /// `magnitude` (49.469999999999999 is 49.47).
    fn fewer_digits(&self, magnitude: f64, exponent: i32) -> Option<i32> {
        let digits = self.as_bytes();
        let count = digits.len() as i32;
        let tail = digits.get(13..16)?;
        let (prefix, add) = if tail[1..] == *b"99" {
            let nines = digits[..15].iter().rev().take_while(|&&digit| digit == b'9').count();
            (15 - nines, 1)
        } else if self.point >= count || tail == b"000" {
            let zeros = digits[..13].iter().rev().take_while(|&&digit| digit == b'0').count();
            (13 - zeros, 0)
        } else {
            return None;
        };
        let value =
            digits[..prefix].iter().fold(0, |value, &digit| value * 10 + u64::from(digit - b'0')) + add;
        (from_decimal(value, exponent + count - prefix as i32) == magnitude).then_some(prefix as i32 + 1)
    }
}

/// `magnitude` (finite, not 0) as a decimal integer of `digits` or `digits` + 1 digits (1 to 18) and its power of ten. With 18 the last
/// digit is rounded half up, else cut off.
fn scale(magnitude: f64, digits: i32) -> (u64, i32) {
    let bits = magnitude.to_bits();
    let (significand, exponent) = match (bits >> 52) as i32 {
        0 => {
            let shift = bits.leading_zeros();
            (bits << shift, -1074 - shift as i32)
        }
        biased => (bits << 11 | 1 << 63, biased - 1086),
    };
    let decimal = digits - 1 - log10_of_power_of_two(exponent + 63);
    let product = ((u128::from(significand) * (power(decimal) >> 64)) >> 64) as u64;
    let shift = -(exponent + log2_of_power(decimal) + 1);
    let value = if digits == 18 {
        let twice = product >> (shift - 1);
        (twice + (twice & 1)) >> 1
    } else {
        product >> shift
    };
    (value, -decimal)
}

/// Writes `value`, which is not 0, as decimal digits to the end of `out`; how many they are.
fn write_backwards(mut value: u64, out: &mut [u8]) -> usize {
    let mut count = 0;
    for digit in out.iter_mut().rev() {
        if value == 0 {
            break;
        }
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of numbers that is the same on every run.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn nearest(significand: u64, exponent: i32) -> f64 {
        format!("{significand}e{exponent}").parse().unwrap()
    }

    #[test]
    fn powers_have_the_leading_bits_of_powers_of_ten() {
        assert_eq!(power(0), 1 << 127);
        assert_eq!(power(27), 10u128.pow(27) << 38);
        assert_eq!(power(38), 10u128.pow(38) << 1);
        // Leading words of 10^-1 and 10^-2, repeating fractions in binary.
        assert_eq!(power(-1), 0xcccc_cccc_cccc_cccc_cccc_cccc_cccc_cccc);
        assert_eq!(power(-2) >> 64, 0xa3d7_0a3d_70a3_d70a);
    }

    #[test]
    fn decimals_become_the_nearest_double() {
        let mut state = 1;
        for _ in 0..200_000 {
            let significand = random(&mut state) >> (random(&mut state) % 64);
            let exponent = (random(&mut state) % 720) as i32 - 360;
            let (got, expected) = (from_decimal(significand, exponent), nearest(significand, exponent));
            assert_eq!(got.to_bits(), expected.to_bits(), "{significand}e{exponent}");
        }
    }

    #[test]
    fn halfway_and_border_cases_round_to_even() {
        for (significand, exponent) in [
            (9_007_199_254_740_993, 0),      // 2^53 + 1
            (9_007_199_254_740_995, 0),      // 2^53 + 3
            (18_014_398_509_481_986, 0),     // 2 × (2^53 + 1)
            (45_035_996_273_704_965, -1),    // half an odd number above 2^52
            (247_032_822_920_623_272, -341), // half the smallest subnormal
            (247_032_822_920_623_273, -341),
            (49_406_564_584_124_654, -340),
            (22_250_738_585_072_011, -324), // around the smallest normal
            (22_250_738_585_072_014, -324),
            (17_976_931_348_623_157, 292), // the largest
            (17_976_931_348_623_158, 292),
            (17_976_931_348_623_159, 292),
            (1, 400),
            (1, -400),
            (u64::MAX, -400),
            (u64::MAX, 347),
        ] {
            let (got, expected) = (from_decimal(significand, exponent), nearest(significand, exponent));
            assert_eq!(got.to_bits(), expected.to_bits(), "{significand}e{exponent}");
        }
    }

    fn digits(number: f64, precision: Precision, digits_max: i32) -> (String, i32) {
        let digits = Digits::of(number, precision, digits_max);
        (String::from_utf8(digits.as_bytes().to_vec()).unwrap(), digits.point)
    }

    #[test]
    fn seventeen_digits_are_cut_to_fewer_that_read_back() {
        let seventeen = |number| digits(number, Precision::Significant(17), 20);
        // SQLite's own example: without the rule this is 49.469999999999999.
        assert_eq!(seventeen(49.47), ("4947".into(), 2));
        assert_eq!(seventeen(0.1), ("1".into(), 0));
        assert_eq!(seventeen(1e300), ("1".into(), 301));
        // SELECT CAST(0.1 + 0.2 AS TEXT) is 0.30000000000000004 in SQLite.
        assert_eq!(seventeen(0.1 + 0.2), ("30000000000000004".into(), 0));
    }

    #[test]
    fn a_fraction_below_half_a_unit_vanishes_and_above_it_rounds_up() {
        assert_eq!(digits(0.6, Precision::Fraction(0), 16), ("1".into(), 1));
        assert_eq!(digits(9.99, Precision::Fraction(1), 16), ("1".into(), 2));
        assert_eq!(digits(1234.5, Precision::Fraction(0), 16), ("1235".into(), 4));
    }
}
