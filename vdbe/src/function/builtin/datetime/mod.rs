//! Date and time functions.
//!
//! `moment` has the arithmetic of dates, `read` the texts that are understood, `modify` the modifiers, `show` strftime's
//! conversions. All functions take a time value, by default the present moment, and modifiers; what is not understood or out of
//! range is NULL.
//!
//! Spec: Date And Time Functions.

mod modify;
mod moment;
mod read;
mod show;

use moment::{DAY_MS, Date, Moment, Time, UNIX_EPOCH_MS};
use read::Reading;

use super::search::before_nul;
use crate::Step;
use crate::error::Error;
use crate::function::call::Call;
use crate::register::Tag;
use show::push_padded;

/// The moment that the arguments from `first` on say, at most `count` of them.
fn moment(call: &mut Call<'_>, first: usize, count: usize) -> Result<Option<Moment>, Error> {
    let arguments = call.arguments.get(first..).unwrap_or_default();
    let count = arguments.len().min(count);
    let Some(value) = arguments.first() else { return now(call) };
    let read = match value.tag() {
        Tag::Integer | Tag::Real => Some(Moment::from_number(call.real(first))),
        _ => {
            let Some(text) = call.text(first) else { return Ok(None) };
            match read::read(before_nul(&text)) {
                Some(Reading::Moment(moment)) => Some(*moment),
                Some(Reading::Now { subsecond }) => now(call)?.map(|now| Moment { subsecond, ..now }),
                None => None,
            }
        }
    };
    let Some(mut moment) = read else { return Ok(None) };
    for index in 1..count {
        let Some(modifier) = call.text(first + index) else { return Ok(None) };
        if !modify::apply(&mut moment, before_nul(&modifier), index, call)? {
            return Ok(None);
        }
    }
    moment.julian();
    if !moment.in_range() {
        return Ok(None);
    }
    if count == 1 && moment.date.is_some_and(|date| date.day > 28) {
        // 2023-02-31 shows as 2023-03-03.
        moment.date = None;
    }
    Ok(Some(moment))
}

fn now(call: &mut Call<'_>) -> Result<Option<Moment>, Error> {
    call.require_impure()?;
    Ok(Moment::now(call.host.now()))
}

/// `julianday(…)`.
pub fn julianday(call: &mut Call<'_>) -> Step<()> {
    if let Some(mut moment) = moment(call, 0, usize::MAX)? {
        call.result.set_real(moment.julian() as f64 / DAY_MS as f64);
    }
    Ok(Some(()))
}

/// `unixepoch(…)`: whole seconds, unless `subsec` is among the modifiers.
pub fn unixepoch(call: &mut Call<'_>) -> Step<()> {
    if let Some(mut moment) = moment(call, 0, usize::MAX)? {
        let julian_ms = moment.julian();
        if moment.subsecond {
            call.result.set_real((julian_ms - UNIX_EPOCH_MS) as f64 / 1000.0);
        } else {
            call.result.set_integer(julian_ms / 1000 - UNIX_EPOCH_MS / 1000);
        }
    }
    Ok(Some(()))
}

fn push_date(date: Date, out: &mut Vec<u8>) {
    if date.year < 0 {
        out.push(b'-');
    }
    push_padded(i64::from(date.year.abs()) % 10_000, 4, out);
    for part in [date.month, date.day] {
        out.push(b'-');
        push_padded(i64::from(part), 2, out);
    }
}

fn push_time(time: Time, subsecond: bool, out: &mut Vec<u8>) {
    push_padded(i64::from(time.hour), 2, out);
    out.push(b':');
    push_padded(i64::from(time.minute), 2, out);
    out.push(b':');
    if subsecond {
        let ms = (1000.0 * time.second + 0.5) as i64;
        push_padded(ms / 1000 % 100, 2, out);
        out.push(b'.');
        push_padded(ms % 1000, 3, out);
    } else {
        push_padded(time.second as i64, 2, out);
    }
}

/// `date(…)`.
pub fn date(call: &mut Call<'_>) -> Step<()> {
    if let Some(mut moment) = moment(call, 0, usize::MAX)? {
        let date = moment.settle_date();
        call.build_text(|out| push_date(date, out))?;
    }
    Ok(Some(()))
}

/// `time(…)`.
pub fn time(call: &mut Call<'_>) -> Step<()> {
    if let Some(mut moment) = moment(call, 0, usize::MAX)? {
        let time = moment.settle_time();
        call.build_text(|out| push_time(time, moment.subsecond, out))?;
    }
    Ok(Some(()))
}

/// `datetime(…)`.
pub fn datetime(call: &mut Call<'_>) -> Step<()> {
    if let Some(mut moment) = moment(call, 0, usize::MAX)? {
        let (date, time) = moment.settle_civil();
        call.build_text(|out| {
            push_date(date, out);
            out.push(b' ');
            push_time(time, moment.subsecond, out);
        })?;
    }
    Ok(Some(()))
}

/// `strftime(format, …)`.
pub fn strftime(call: &mut Call<'_>) -> Step<()> {
    let Some(format) = call.text(0) else { return Ok(Some(())) };
    let Some(mut moment) = moment(call, 1, usize::MAX)? else { return Ok(Some(())) };
    let mut out = std::mem::take(call.result.buffer(Tag::Text));
    let understood = show::show(before_nul(&format), &mut moment, &mut out);
    *call.result.buffer(Tag::Text) = out;
    if understood {
        call.finish_text()?;
    } else {
        call.result.set_null();
    }
    Ok(Some(()))
}

/// The months that the later of two dates is ahead, and the days and time that are left.
struct Difference {
    months: i32,
    rest_ms: i64,
}

/// How far `to` is from `from`: whole months towards it, never beyond.
fn difference(to: &mut Moment, from: &mut Moment) -> Difference {
    let forward = to.julian() >= from.julian();
    let (goal, start) = (to.settle_date(), from.settle_date());
    from.settle_time();
    let signed = (goal.year - start.year) * 12 + goal.month - start.month;
    let mut months = if forward { signed } else { -signed };
    let step = if forward { 1 } else { -1 };
    loop {
        // The day stays, even beyond the month's end, where it means one of the next month.
        let month = start.year * 12 + start.month - 1 + step * months;
        from.set_date(Date { year: month.div_euclid(12), month: month.rem_euclid(12) + 1, day: start.day });
        let rest_ms = (to.julian() - from.julian()) * i64::from(step);
        if rest_ms >= 0 {
            return Difference { months, rest_ms };
        }
        months -= 1;
    }
}

/// `timediff(to, from)`: what has to be added to the second to get the first.
pub fn timediff(call: &mut Call<'_>) -> Step<()> {
    let (Some(mut to), Some(mut from)) = (moment(call, 0, 1)?, moment(call, 1, 1)?) else {
        return Ok(Some(()));
    };
    let forward = to.julian() >= from.julian();
    let Difference { months, rest_ms } = difference(&mut to, &mut from);
    call.build_text(|out| {
        out.push(if forward { b'+' } else { b'-' });
        push_padded(i64::from(months / 12), 4, out);
        out.push(b'-');
        push_padded(i64::from(months % 12), 2, out);
        out.push(b'-');
        push_padded(rest_ms / DAY_MS, 2, out);
        out.push(b' ');
        let of_day = rest_ms % DAY_MS;
        let second = (of_day % 60_000) as f64 / 1000.0;
        let time = Time { hour: (of_day / 3_600_000) as i32, minute: (of_day / 60_000 % 60) as i32, second };
        push_time(time, true, out);
    })?;
    Ok(Some(()))
}
