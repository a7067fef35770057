//! The modifiers behind a time value, each of which changes a moment.
//!
//! Spec: Date And Time Functions, "Modifiers".

use super::moment::{DAY_MS, Date, Moment, Time, UNIX_EPOCH_MS};
use super::read::{digits, time_alone, year_month_day};
use crate::error::Error;
use crate::function::call::Call;
use crate::value::number::truncate;
use crate::value::parse::{self, is_space};

/// Whether a modifier was understood and could be applied; if not, the result is NULL.
type Applied = Result<bool, Error>;

/// A unit of time that a number may come with: name, milliseconds, and numbers beyond which it is out of range.
struct Unit {
    name: &'static [u8],
    ms: f64,
    limit: f32,
}

const UNITS: [Unit; 6] = [
    Unit { name: b"second", ms: 1e3, limit: 4.6427e+14 },
    Unit { name: b"minute", ms: 60e3, limit: 7.7379e+12 },
    Unit { name: b"hour", ms: 3600e3, limit: 1.2897e+11 },
    Unit { name: b"day", ms: 86400e3, limit: 5373485.0 },
    Unit { name: b"month", ms: 2592000e3, limit: 176546.0 },
    Unit { name: b"year", ms: 31536000e3, limit: 14713.0 },
];

/// Applies a modifier. `index` counts the modifiers from 1; some may only be the first.
pub fn apply(moment: &mut Moment, text: &[u8], index: usize, call: &mut Call<'_>) -> Applied {
    let lower = text.to_ascii_lowercase();
    let Some(first) = lower.first() else { return Ok(false) };
    match first {
        b'+' | b'-' | b'0'..=b'9' => return Ok(shift(moment, text)),
        b'l' | b'u' => return zone(moment, &lower, index, call),
        _ => {}
    }
    let applied = match &lower[..] {
        b"auto" => index == 1 && auto(moment),
        b"julianday" => index == 1 && moment.julian_ms.is_some() && moment.raw.take().is_some(),
        b"ceiling" => {
            let julian_ms = moment.julian();
            moment.floor_days = 0;
            rest_at(moment, julian_ms)
        }
        b"floor" => {
            let julian_ms = moment.julian() - moment.floor_days * DAY_MS;
            rest_at(moment, julian_ms)
        }
        b"subsec" | b"subsecond" => {
            moment.subsecond = true;
            true
        }
        _ => match (
            lower.strip_prefix(b"start of "),
            lower.strip_prefix(b"end of "),
            lower.strip_prefix(b"weekday "),
        ) {
            (Some(period), _, _) => start_of(moment, period),
            (_, Some(period), _) => end_of(moment, period),
            (_, _, Some(day)) => weekday(moment, day),
            _ => false,
        },
    };
    Ok(applied)
}

/// Comes to rest at a Julian day, unless there was none to start from.
fn rest_at(moment: &mut Moment, julian_ms: i64) -> bool {
    match moment.julian_ms {
        Some(_) => moment.set_julian(julian_ms),
        None => moment.clear_civil(),
    }
    true
}

/// `auto`: a raw number is a Julian day if it can be one, else seconds since 1970.
fn auto(moment: &mut Moment) -> bool {
    const SECONDS: std::ops::RangeInclusive<f64> = -210_866_760_000.0..=253_402_300_799.0;
    match (moment.raw, moment.julian_ms) {
        (Some(seconds), None) if SECONDS.contains(&seconds) => {
            moment.set_julian((seconds * 1000.0 + UNIX_EPOCH_MS as f64 + 0.5) as i64);
            moment.raw = None;
        }
        (Some(_), None) => {}
        _ => moment.raw = None,
    }
    true
}

/// `unixepoch`, `localtime` and `utc`.
fn zone(moment: &mut Moment, text: &[u8], index: usize, call: &mut Call<'_>) -> Applied {
    match (text, moment.raw) {
        (b"unixepoch", Some(seconds)) => {
            let julian_ms = seconds * 1000.0 + UNIX_EPOCH_MS as f64;
            let applied = index == 1 && (0.0..464_269_060_800_000.0).contains(&julian_ms);
            if applied {
                moment.set_julian((julian_ms + 0.5) as i64);
                moment.raw = None;
            }
            Ok(applied)
        }
        (b"localtime", _) => {
            call.require_impure()?;
            if !moment.local {
                moment.shift_to_local(call.host)?;
            }
            moment.utc = false;
            moment.local = true;
            Ok(true)
        }
        (b"utc", _) => {
            call.require_impure()?;
            if !moment.utc {
                let julian_ms = utc_of(moment.julian(), call)?;
                *moment = Moment { julian_ms: Some(julian_ms), utc: true, ..Moment::default() };
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The moment whose local time is `local`, by approaching it.
fn utc_of(local: i64, call: &mut Call<'_>) -> Result<i64, Error> {
    let mut guess = local;
    let mut off = 0;
    for _ in 0..4 {
        guess -= off;
        let mut moment = Moment { julian_ms: Some(guess), ..Moment::default() };
        moment.shift_to_local(call.host)?;
        off = moment.julian() - local;
        if off == 0 {
            break;
        }
    }
    Ok(guess)
}

/// Sets the time of day, as the beginning and end of a period do.
fn at_time(moment: &mut Moment, time: Time) -> Date {
    let date = moment.settle_date();
    moment.time = Some(time);
    moment.raw = None;
    moment.zone_minutes = 0;
    moment.julian_ms = None;
    date
}

fn start_of(moment: &mut Moment, period: &[u8]) -> bool {
    if moment.is_unknown() {
        return false;
    }
    let date = at_time(moment, Time::default());
    let date = match period {
        b"month" => Date { day: 1, ..date },
        b"year" => Date { month: 1, day: 1, ..date },
        b"day" => date,
        _ => return false,
    };
    set_unless_failed(moment, date);
    true
}

fn end_of(moment: &mut Moment, period: &[u8]) -> bool {
    if moment.is_unknown() {
        return false;
    }
    let date = at_time(moment, Time { hour: 23, minute: 59, second: 59.999 });
    match period {
        b"day" => set_unless_failed(moment, date),
        b"year" => set_unless_failed(moment, Date { month: 12, day: 31, ..date }),
        b"month" => {
            let next = match date.month {
                12.. => Date { year: date.year + 1, month: 1, day: 1 },
                month => Date { month: month + 1, day: 1, ..date },
            };
            set_unless_failed(moment, next);
            let julian_ms = moment.julian() - DAY_MS;
            rest_at(moment, julian_ms);
        }
        _ => return false,
    }
    true
}

/// Sets the date in the place of the one that is known. A moment out of range has none.
fn set_unless_failed(moment: &mut Moment, date: Date) {
    if moment.date.is_some() {
        moment.set_date(date);
    }
    moment.julian_ms = None;
}

/// `weekday N`: on to the next such day, back to the last one with a minus; stays where it is already such a day.
fn weekday(moment: &mut Moment, text: &[u8]) -> bool {
    let number = parse::real(text);
    let wanted = truncate(number.value);
    if !number.any || !number.whole || !(-6..=6).contains(&wanted) || wanted as f64 != number.value {
        return false;
    }
    let (date, _) = moment.settle_civil();
    moment.zone_minutes = 0;
    set_unless_failed(moment, date);
    let julian_ms = moment.julian();
    let present = (julian_ms + DAY_MS / 2 * 3) / DAY_MS % 7;
    let mut days = 0;
    if present != wanted.abs() {
        days = (wanted.abs() - present).rem_euclid(7);
        if text.contains(&b'-') {
            days -= 7;
        }
    }
    rest_at(moment, julian_ms + days * DAY_MS)
}

/// Modifiers that begin with a number: `NNN unit`, `±HH:MM:SS`, `±YYYY-MM-DD [HH:MM:SS]`.
fn shift(moment: &mut Moment, text: &[u8]) -> bool {
    let len = number_len(text);
    let number = parse::real(&text[..len]);
    if !number.any || !number.whole {
        return false;
    }
    match text.get(len) {
        Some(b'-') => shift_date(moment, text, len),
        Some(b':') => {
            let time = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
            shift_time(moment, time, text[0] == b'-')
        }
        _ => shift_units(moment, number.value, &text[len..]),
    }
}

/// How far the number at the start of a modifier goes.
fn number_len(text: &[u8]) -> usize {
    let year = |count: usize| text.get(1..).is_some_and(|rest| digits(rest, count, 0..=14_712).is_some());
    let ends = |(at, byte): (usize, &u8)| match byte {
        b':' => true,
        b'-' => at == 5 && year(4) || at == 6 && year(5),
        _ => is_space(*byte),
    };
    text.iter().enumerate().skip(1).position(|(at, byte)| ends((at, byte))).map_or(text.len(), |at| at + 1)
}

/// `±YYYY-MM-DD`, alone or with a time behind it. Months are 0 to 11, days 0 to 30.
fn shift_date(moment: &mut Moment, text: &[u8], len: usize) -> bool {
    let negative = text[0] == b'-';
    if !negative && text[0] != b'+' {
        return false;
    }
    let Some(by) = year_month_day(&text[1..], len - 1, 0..=11, 0..=30) else { return false };
    let sign = if negative { -1 } else { 1 };
    moment.add_months(sign * by.year, sign * by.month);
    let julian_ms = moment.julian() + i64::from(sign * by.day) * DAY_MS;
    moment.date = None;
    moment.time = None;
    moment.julian_ms = moment.julian_ms.and(Some(julian_ms));
    match text.get(len + 6..) {
        None | Some([]) => true,
        Some([space, time @ ..]) if is_space(*space) && starts_like_time(time) => {
            shift_time(moment, time, negative)
        }
        Some(_) => false,
    }
}

fn starts_like_time(text: &[u8]) -> bool {
    let minutes = text.get(2..).and_then(|rest| rest.strip_prefix(b":"));
    digits(text, 2, 0..=24).is_some() && minutes.is_some_and(|rest| digits(rest, 2, 0..=59).is_some())
}

fn shift_time(moment: &mut Moment, text: &[u8], negative: bool) -> bool {
    let Some(mut by) = time_alone(text) else { return false };
    let ms = (by.julian() - DAY_MS / 2) % DAY_MS;
    let julian_ms = moment.julian();
    rest_at(moment, julian_ms.wrapping_add(if negative { -ms } else { ms }))
}

fn shift_units(moment: &mut Moment, number: f64, text: &[u8]) -> bool {
    let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
    let name = text[spaces..].to_ascii_lowercase();
    if !(3..=10).contains(&name.len()) {
        return false;
    }
    let name = name.strip_suffix(b"s").unwrap_or(&name);
    moment.julian();
    moment.floor_days = 0;
    let in_range = |unit: &&Unit| unit.name == name && number.abs() < f64::from(unit.limit);
    let unit = UNITS.iter().find(in_range);
    if let Some(unit) = unit {
        let mut number = number;
        let rounding = if number < 0.0 { -0.5 } else { 0.5 };
        let whole = truncate(number) as i32;
        match unit.name {
            b"month" => moment.add_months(0, whole),
            b"year" => moment.add_months(whole, 0),
            _ => {}
        }
        if matches!(unit.name, b"month" | b"year") {
            number -= f64::from(whole);
        }
        moment.add_ms((number * unit.ms + rounding) as i64);
    }
    moment.clear_civil();
    unit.is_some()
}
