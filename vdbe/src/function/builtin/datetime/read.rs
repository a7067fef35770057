//! Reading moments: the text forms of dates and times.
//!
//! ```text
//! [-]YYYY-MM-DD[ T][HH:MM[:SS[.FFF]]][zone]      HH:MM[:SS[.FFF]][zone]      now      subsec      a number
//! zone: Z, +HH:MM, -HH:MM
//! ```
//!
//! Spec: Date And Time Functions, "Time Values".

use super::moment::{Date, Moment, Time, days_of_month};
use crate::value::parse::{self, is_space};

/// What a text says.
#[derive(Clone, Debug)]
pub enum Reading {
    Moment(Box<Moment>),
    /// The present moment; with milliseconds shown.
    Now {
        subsecond: bool,
    },
}

/// Reads a time value. A NUL ends the text.
pub fn read(text: &[u8]) -> Option<Reading> {
    if let Some(moment) = date_and_time(text).or_else(|| time_alone(text)) {
        return Some(Reading::Moment(Box::new(moment)));
    }
    if text.eq_ignore_ascii_case(b"now") {
        return Some(Reading::Now { subsecond: false });
    }
    let number = parse::real(text);
    if number.any && number.whole {
        return Some(Reading::Moment(Box::new(Moment::from_number(number.value))));
    }
    let subsecond = text.eq_ignore_ascii_case(b"subsec") || text.eq_ignore_ascii_case(b"subsecond");
    subsecond.then_some(Reading::Now { subsecond: true })
}

/// Exactly `count` digits at the start of `text`, with a value in `range`.
pub fn digits(text: &[u8], count: usize, range: std::ops::RangeInclusive<i32>) -> Option<i32> {
    let value = text.get(..count)?.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Some(value * 10 + i32::from(digit - b'0')),
        _ => None,
    })?;
    range.contains(&value).then_some(value)
}

/// The latest year that text can say: the last that a difference can be made of.
const YEAR_MAX: i32 = 14_712;

/// `YYYY-MM-DD` with any number of digits in the year.
pub fn year_month_day(
    text: &[u8],
    year_digits: usize,
    months: std::ops::RangeInclusive<i32>,
    days: std::ops::RangeInclusive<i32>,
) -> Option<Date> {
    let year = digits(text, year_digits, 0..=YEAR_MAX)?;
    let rest = text.get(year_digits..)?.strip_prefix(b"-")?;
    let month = digits(rest, 2, months)?;
    let rest = rest.get(2..)?.strip_prefix(b"-")?;
    Some(Date { year, month, day: digits(rest, 2, days)? })
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
    &text[spaces..]
}

fn date_and_time(text: &[u8]) -> Option<Moment> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut date = year_month_day(text, 4, 1..=12, 1..=31)?;
    let rest = &text[10..];
    let separators = rest.iter().take_while(|&&byte| is_space(byte) || byte == b'T').count();
    let rest = &rest[separators..];
    let mut moment = match time_alone(rest) {
        Some(mut moment) => {
            if let Some(time) = moment.time.as_mut().filter(|time| time.hour == 24) {
                time.hour = 0;
                date = day_after(date);
            }
            moment
        }
        None if rest.is_empty() => Moment::default(),
        None => return None,
    };
    date.year = if negative { -date.year } else { date.year };
    moment.set_date(date);
    moment.note_floor();
    if moment.zone_minutes != 0 {
        moment.julian();
    }
    Some(moment)
}

fn day_after(date: Date) -> Date {
    let days = days_of_month(date.year, date.month);
    match date {
        Date { day, .. } if day < days => Date { day: day + 1, ..date },
        Date { month: 12, year, day } => Date { year: year + 1, month: 1, day: day + 1 - days },
        Date { month, year, day } => Date { year, month: month + 1, day: day + 1 - days },
    }
}

/// Reads `HH:MM[:SS[.FFF]][zone]`.
pub fn time_alone(text: &[u8]) -> Option<Moment> {
    let hour = digits(text, 2, 0..=24)?;
    let rest = text.get(2..)?.strip_prefix(b":")?;
    let minute = digits(rest, 2, 0..=59)?;
    let mut rest = &rest[2..];
    let (mut second, mut fraction) = (0, 0.0);
    if let Some(after) = rest.strip_prefix(b":") {
        second = digits(after, 2, 0..=59)?;
        rest = &after[2..];
        if let [b'.', digits @ ..] = rest
            && digits.first().is_some_and(u8::is_ascii_digit)
        {
            let len = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
            fraction = fraction_of(&digits[..len]);
            rest = &digits[len..];
        }
    }
    if hour == 24 && (minute != 0 || second != 0 || fraction != 0.0) {
        return None;
    }
    let time = Time { hour, minute, second: f64::from(second) + fraction };
    zone(rest, Moment { time: Some(time), ..Moment::default() })
}

/// The value of the digits behind a point, below a second even when rounded to milliseconds.
fn fraction_of(digits: &[u8]) -> f64 {
    let (mut value, mut scale) = (0.0, 1.0);
    for digit in digits {
        value = value * 10.0 + f64::from(digit - b'0');
        scale *= 10.0;
    }
    // Very many digits make both infinite.
    let fraction: f64 = value / scale;
    if fraction > 0.999 { 0.999 } else { fraction }
}

/// Reads the zone behind a time, to the end of the text.
fn zone(text: &[u8], mut moment: Moment) -> Option<Moment> {
    let (sign, rest) = match skip_spaces(text) {
        [] => return Some(moment),
        [b'Z' | b'z', rest @ ..] => (0, rest),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let mut rest = rest;
    if sign != 0 {
        let hour = digits(rest, 2, 0..=14)?;
        let after = rest.get(2..)?.strip_prefix(b":")?;
        moment.zone_minutes = sign * (hour * 60 + digits(after, 2, 0..=59)?);
        rest = &after[2..];
    }
    if moment.zone_minutes == 0 {
        moment.utc = true;
        moment.local = false;
    }
    skip_spaces(rest).is_empty().then_some(moment)
}
