//! strftime: a moment as a format says.
//!
//! Spec: Date And Time Functions, the table of strftime's substitutions.

use super::moment::{DAY_MS, Moment, UNIX_EPOCH_MS};
use crate::function::builtin::printf::{self, Reals};
use crate::value::render;

/// Appends a number with zeros in front, at least `width` characters with its sign.
pub fn push_padded(number: i64, width: usize, out: &mut Vec<u8>) {
    push_filled(number, width, b'0', out);
}

fn push_filled(number: i64, width: usize, fill: u8, out: &mut Vec<u8>) {
    let start = out.len();
    render::push_integer(number, out);
    let missing = width.saturating_sub(out.len() - start);
    let at = start + usize::from(number < 0 && fill == b'0');
    out.splice(at..at, std::iter::repeat_n(fill, missing));
}

/// Appends a real by a format of printf.
fn push_real(format: &[u8], number: f64, out: &mut Vec<u8>) {
    // The formats used here are far from any limit.
    let _ = printf::format(format, &mut Reals(&[number]), usize::MAX >> 1, out);
}

/// Appends what `format` makes of `moment`; `false` where it has an unknown conversion.
pub fn show(format: &[u8], moment: &mut Moment, out: &mut Vec<u8>) -> bool {
    moment.settle_civil();
    let mut rest = format.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'%') => out.push(b'%'),
            Some(&conversion) if substitute(conversion, moment, out) => {}
            _ => return false,
        }
    }
    true
}

fn substitute(conversion: u8, moment: &mut Moment, out: &mut Vec<u8>) -> bool {
    let (date, time) = moment.settle_civil();
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let (hour, minute, second) = (i64::from(time.hour), i64::from(time.minute), time.second as i64);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    match conversion {
        b'd' => push_padded(day, 2, out),
        b'e' => push_filled(day, 2, b' ', out),
        b'f' => push_real(b"%06.3f", time.second.min(59.999), out),
        b'F' => {
            push_padded(year, 4, out);
            out.push(b'-');
            push_padded(month, 2, out);
            out.push(b'-');
            push_padded(day, 2, out);
        }
        b'G' => push_padded(i64::from(moment.thursday().settle_date().year), 4, out),
        b'g' => push_padded(i64::from(moment.thursday().settle_date().year % 100), 2, out),
        b'H' => push_padded(hour, 2, out),
        b'k' => push_filled(hour, 2, b' ', out),
        b'I' => push_padded(twelve, 2, out),
        b'l' => push_filled(twelve, 2, b' ', out),
        b'j' => push_padded(moment.day_of_year() + 1, 3, out),
        b'J' => push_real(b"%.16g", moment.julian() as f64 / DAY_MS as f64, out),
        b'm' => push_padded(month, 2, out),
        b'M' => push_padded(minute, 2, out),
        b'p' => out.extend_from_slice(if hour >= 12 { b"PM" } else { b"AM" }),
        b'P' => out.extend_from_slice(if hour >= 12 { b"pm" } else { b"am" }),
        b'R' | b'T' => {
            push_padded(hour, 2, out);
            out.push(b':');
            push_padded(minute, 2, out);
            if conversion == b'T' {
                out.push(b':');
                push_padded(second, 2, out);
            }
        }
        b's' if moment.subsecond => {
            push_real(b"%.3f", (moment.julian() - UNIX_EPOCH_MS) as f64 / 1000.0, out)
        }
        b's' => render::push_integer(moment.julian() / 1000 - UNIX_EPOCH_MS / 1000, out),
        b'S' => push_padded(second, 2, out),
        b'u' => render::push_integer(moment.day_since_monday() + 1, out),
        b'w' => render::push_integer(moment.day_since_sunday(), out),
        b'U' => {
            let week = (moment.day_of_year() - moment.day_since_sunday() + 7) / 7;
            push_padded(week, 2, out);
        }
        b'V' => push_padded(moment.thursday().day_of_year() / 7 + 1, 2, out),
        b'W' => {
            let week = (moment.day_of_year() - moment.day_since_monday() + 7) / 7;
            push_padded(week, 2, out);
        }
        b'Y' => push_padded(year, 4, out),
        _ => return false,
    }
    true
}
