//! Logarithmic estimates: ten times the logarithm to base 2, in 16 bits.
//!
//! Row counts and costs are kept like this (1 = 0, 2 = 10, 4 = 20, 10 = 33, 100 = 66), so that products are sums. The rounding is SQLite's:
//! ties between plans are decided by these numbers, so they have to be the same to the last unit.

/// Ten times log2 of a quantity.
pub type LogEst = i16;

/// The estimate of a whole number.
pub fn from_integer(x: u64) -> LogEst {
    const FRACTION: [LogEst; 8] = [0, 2, 3, 5, 6, 7, 8, 9];
    if x < 2 {
        return 0;
    }
    // Normalise to 8..=15: three bits behind the leading one decide the fraction.
    let lead = 63 - x.leading_zeros() as i32;
    let eighths = if lead >= 3 { x >> (lead - 3) } else { x << (3 - lead) };
    FRACTION[(eighths & 7) as usize] + 10 * lead as LogEst
}

/// The estimate of a real number (a virtual table's cost).
pub fn from_real(x: f64) -> LogEst {
    if x <= 1.0 {
        return 0;
    }
    if x <= 2_000_000_000.0 {
        return from_integer(x as u64);
    }
    let exponent = (x.to_bits() >> 52) as i64 - 1022;
    (exponent * 10) as LogEst
}

/// The number that an estimate stands for.
pub fn to_integer(x: LogEst) -> u64 {
    let mut fraction = u64::from(x.rem_euclid(10) as u16);
    let power = i32::from(x.div_euclid(10));
    if fraction >= 5 {
        fraction -= 2;
    } else if fraction >= 1 {
        fraction -= 1;
    }
    match power {
        61.. => i64::MAX as u64,
        3..=60 => (fraction + 8) << (power - 3),
        0..=2 => (fraction + 8) >> (3 - power),
        _ => 0,
    }
}

/// The estimate of the sum of two quantities.
pub fn add(a: LogEst, b: LogEst) -> LogEst {
    /// What the smaller one adds, by distance.
    const ADDED: [LogEst; 32] =
        [10, 10, 9, 9, 8, 8, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2];
    let (large, small) = if a >= b { (a, b) } else { (b, a) };
    let distance = i32::from(large) - i32::from(small);
    match distance {
        50.. => large,
        32..=49 => large.saturating_add(1),
        _ => large.saturating_add(ADDED[distance as usize]),
    }
}

/// The estimate of the logarithm (cost of one search) of a quantity that is itself an estimate.
pub fn logarithm(n: LogEst) -> LogEst {
    if n <= 10 { 0 } else { from_integer(n as u64) - 33 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_named_in_the_documentation_of_costs() {
        for (number, estimate) in [
            (1, 0),
            (2, 10),
            (3, 16),
            (4, 20),
            (10, 33),
            (18, 42),
            (20, 43),
            (25, 46),
            (28, 48),
            (100, 66),
            (1000, 99),
            (1_048_576, 200),
        ] {
            assert_eq!(from_integer(number), estimate, "{number}");
        }
        assert_eq!(logarithm(200), 43);
    }

    #[test]
    fn adding_equals_gives_one_power_more_and_tiny_ones_vanish() {
        assert_eq!(add(40, 40), 50);
        assert_eq!(add(100, 60), 101);
        assert_eq!(add(100, 49), 100);
    }

    #[test]
    fn powers_of_two_come_back() {
        for power in 0..40 {
            assert_eq!(to_integer(power * 10), 1 << power);
        }
        assert_eq!(to_integer(66), 96);
    }
}
