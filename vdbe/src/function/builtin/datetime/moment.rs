//! A moment while it is being computed: a Julian day, or a date and a time of day, or both.
//!
//! The functions read one form, change it modifier by modifier, and show another. Which forms are known decides what a modifier means (a bare
//! number is a Julian day, or seconds, until a modifier says which), so the forms are optional fields here.
//!
//! ```text
//! julian_ms   milliseconds since noon, 24 November 4714 before Christ, Gregorian calendar without a beginning
//! raw         a number that was given, not yet known to be days or seconds
//! ```
//!
//! A moment out of range (years -4713 to 9999) is an error that shows at the end, as NULL.
//!
//! Spec: Date And Time Functions.

use crate::error::Error;
use crate::host::Host;
use kernite_io::WallTime;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// 1970-01-01T00:00:00 in Julian milliseconds.
pub const UNIX_EPOCH_MS: i64 = 210_866_760_000_000;
/// 9999-12-31T23:59:59.999 in Julian milliseconds.
const JULIAN_MS_MAX: i64 = 464_269_060_799_999;
/// Numbers below this are Julian days.
const JULIAN_DAYS_END: f64 = 5_373_484.5;

/// A date of the Gregorian calendar. The day may be beyond the month's end; then it means a day of the next month.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Date {
    pub year: i32,
    pub month: i32,
    pub day: i32,
}

/// A time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Time {
    pub hour: i32,
    pub minute: i32,
    pub second: f64,
}

/// A moment.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    pub julian_ms: Option<i64>,
    pub date: Option<Date>,
    pub time: Option<Time>,
    /// A number as it was given.
    pub raw: Option<f64>,
    /// Minutes east of Greenwich that `date` and `time` are given in.
    pub zone_minutes: i32,
    /// Days by which the last change of the month went beyond that month's end.
    pub floor_days: i64,
    /// Out of range.
    pub error: bool,
    /// Milliseconds are shown.
    pub subsecond: bool,
    pub utc: bool,
    pub local: bool,
}

/// Days from 1970-01-01 to the first of a month. Months are 1 to 12.
fn days_to_month(year: i32, month: i32) -> i64 {
    // Counted in years that begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (year, month) = (i64::from(year), i64::from(month));
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5
        - 719_468
}

/// Days of a month.
pub fn days_of_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The date `days` after 1970-01-01.
fn date_of_day(days: i64) -> Date {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (era * 400 + year_of_era, month + 3)
    } else {
        (era * 400 + year_of_era + 1, month - 9)
    };
    Date { year: year as i32, month: month as i32, day: day as i32 }
}

impl Moment {
    /// The moment `wall` of the clock.
    pub fn now(wall: WallTime) -> Option<Moment> {
        let julian_ms = wall.0.checked_add(UNIX_EPOCH_MS)?;
        (julian_ms > 0).then_some(Moment { julian_ms: Some(julian_ms), utc: true, ..Moment::default() })
    }

    /// A number that was given: a Julian day if it can be one.
    pub fn from_number(number: f64) -> Moment {
        let is_day = (0.0..JULIAN_DAYS_END).contains(&number);
        let julian_ms = is_day.then_some((number * DAY_MS as f64 + 0.5) as i64);
        Moment { raw: Some(number), julian_ms, ..Moment::default() }
    }

    /// Whether nothing but a raw number is known.
    pub fn is_unknown(&self) -> bool {
        self.julian_ms.is_none() && self.date.is_none() && self.time.is_none()
    }

    /// Whether the Julian day is within range.
    pub fn in_range(&self) -> bool {
        !self.error && self.julian_ms.is_some_and(|julian_ms| (0..=JULIAN_MS_MAX).contains(&julian_ms))
    }

    /// Forgets everything but that it went wrong.
    fn fail(&mut self) {
        *self = Moment { error: true, ..Moment::default() };
    }

    /// Computes the Julian day where it is not known. Without a date it is 1 January 2000.
    pub fn julian(&mut self) -> i64 {
        if let Some(julian_ms) = self.julian_ms {
            return julian_ms;
        }
        let date = self.date.unwrap_or_else(|| {
            let mut date = Date { year: 2000, month: 1, day: 1 };
            if let Some(time) = self.time.as_mut().filter(|time| time.hour == 24) {
                time.hour = 0;
                date.day = 2;
            }
            date
        });
        if !(-4713..=9999).contains(&date.year) || self.raw.is_some() {
            self.fail();
            return 0;
        }
        let days = days_to_month(date.year, date.month) + i64::from(date.day) - 1;
        let mut julian_ms = UNIX_EPOCH_MS + days * DAY_MS;
        if let Some(time) = self.time {
            let minutes = i64::from(time.hour) * 60 + i64::from(time.minute);
            julian_ms += minutes * 60_000 + (time.second * 1000.0 + 0.5) as i64;
            if self.zone_minutes != 0 {
                julian_ms -= i64::from(self.zone_minutes) * 60_000;
                self.clear_civil();
                self.utc = true;
                self.local = false;
            }
        }
        self.julian_ms = Some(julian_ms);
        julian_ms
    }

    /// Sets the Julian day and forgets date and time.
    pub fn set_julian(&mut self, julian_ms: i64) {
        self.julian_ms = Some(julian_ms);
        self.clear_civil();
    }

    /// Moves on by milliseconds.
    pub fn add_ms(&mut self, ms: i64) {
        self.julian();
        self.julian_ms = self.julian_ms.map(|julian_ms| julian_ms.wrapping_add(ms));
    }

    /// Forgets date, time and zone.
    pub fn clear_civil(&mut self) {
        self.date = None;
        self.time = None;
        self.zone_minutes = 0;
    }

    /// Computes the date where it is not known.
    pub fn settle_date(&mut self) -> Date {
        if let Some(date) = self.date {
            return date;
        }
        let date = match self.julian_ms {
            None => Date { year: 2000, month: 1, day: 1 },
            Some(julian_ms) if (0..=JULIAN_MS_MAX).contains(&julian_ms) => {
                date_of_day((julian_ms - UNIX_EPOCH_MS).div_euclid(DAY_MS))
            }
            Some(_) => {
                self.fail();
                return Date::default();
            }
        };
        self.date = Some(date);
        date
    }

    /// Computes the time of day where it is not known.
    pub fn settle_time(&mut self) -> Time {
        if let Some(time) = self.time {
            return time;
        }
        let of_day = self.julian().wrapping_add(DAY_MS / 2) % DAY_MS;
        let minutes = (of_day / 60_000) as i32;
        let second = (of_day % 60_000) as f64 / 1000.0;
        let time = Time { hour: minutes / 60, minute: minutes % 60, second };
        self.raw = None;
        self.time = Some(time);
        time
    }

    /// Computes date and time.
    pub fn settle_civil(&mut self) -> (Date, Time) {
        let date = self.settle_date();
        (date, self.settle_time())
    }

    /// Sets a date, which the Julian day then follows from.
    pub fn set_date(&mut self, date: Date) {
        self.date = Some(date);
        self.julian_ms = None;
    }

    /// Remembers by how much the date's day is beyond its month's end.
    pub fn note_floor(&mut self) {
        let date = self.date.unwrap_or_default();
        self.floor_days = i64::from((date.day - days_of_month(date.year, date.month)).max(0));
    }

    /// Adds months and years, the day staying as it is.
    pub fn add_months(&mut self, years: i32, months: i32) {
        let (date, _) = self.settle_civil();
        let month = i64::from(date.month) + i64::from(months) - 1;
        let year = i64::from(date.year) + i64::from(years) + month.div_euclid(12);
        let year = year.clamp(-100_000, 100_000) as i32;
        self.julian_ms = None;
        if let Some(known) = &mut self.date {
            *known = Date { year, month: month.rem_euclid(12) as i32 + 1, day: date.day };
        }
        self.note_floor();
    }

    /// From UTC to local time. The operating system is asked within 1970 to 2037, about a year of the same length outside.
    pub fn shift_to_local(&mut self, host: &mut dyn Host) -> Result<(), Error> {
        const KNOWN: std::ops::RangeInclusive<i64> = 210_866_760_000_000..=213_014_145_600_000;
        let julian_ms = self.julian();
        let mut asked = julian_ms;
        let mut year_shift = 0;
        if !KNOWN.contains(&julian_ms) {
            let mut moved = self.clone();
            moved.settle_civil();
            moved.julian_ms = None;
            // A moment out of range has no date, counts as of the year 0 and is taken for 1 January 2000.
            let year = moved.date.map_or(0, |date| date.year);
            year_shift = 2000 + year % 4 - year;
            if let Some(date) = &mut moved.date {
                date.year += year_shift;
            }
            asked = moved.julian();
        }
        let second = (asked / 1000) - UNIX_EPOCH_MS / 1000;
        let Some(offset) = host.local_offset(WallTime(second * 1000)) else {
            return Err(Error::message("local time unavailable"));
        };
        let local = second + offset;
        let mut date = date_of_day(local.div_euclid(86_400));
        date.year -= year_shift;
        let of_day = local.rem_euclid(86_400) as i32;
        let second = f64::from(of_day % 60) + (julian_ms % 1000) as f64 * 0.001;
        self.set_date(date);
        self.time = Some(Time { hour: of_day / 3600, minute: of_day / 60 % 60, second });
        self.raw = None;
        self.zone_minutes = 0;
        self.error = false;
        Ok(())
    }

    /// Days since 1 January of the same year.
    pub fn day_of_year(&mut self) -> i64 {
        let mut first = self.clone();
        let date = first.settle_date();
        first.set_date(Date { month: 1, day: 1, ..date });
        (self.julian() - first.julian() + DAY_MS / 2).div_euclid(DAY_MS)
    }

    /// Days since Monday.
    pub fn day_since_monday(&mut self) -> i64 {
        (self.julian() + DAY_MS / 2) / DAY_MS % 7
    }

    /// Days since Sunday.
    pub fn day_since_sunday(&mut self) -> i64 {
        (self.julian() + DAY_MS / 2 * 3) / DAY_MS % 7
    }

    /// The Thursday of the same week, whose year is that of the ISO week.
    pub fn thursday(&mut self) -> Moment {
        let mut thursday = self.clone();
        thursday.add_ms((3 - self.day_since_monday()) * DAY_MS);
        thursday.date = None;
        thursday.settle_date();
        thursday
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_one_date() {
        let first = days_to_month(-4713, 11) + 23;
        let mut expected = date_of_day(first);
        assert_eq!(expected, Date { year: -4713, month: 11, day: 24 });
        for day in first..=days_to_month(9999, 12) + 30 {
            assert_eq!(date_of_day(day), expected);
            assert_eq!(days_to_month(expected.year, expected.month) + i64::from(expected.day) - 1, day);
            expected.day += 1;
            if expected.day > days_of_month(expected.year, expected.month) {
                expected = Date { year: expected.year, month: expected.month + 1, day: 1 };
            }
            if expected.month > 12 {
                expected = Date { year: expected.year + 1, month: 1, day: 1 };
            }
        }
    }

    #[test]
    fn julian_days_count_from_noon() {
        // 2000-01-01 12:00 is Julian day 2451545.
        let mut moment = Moment::from_number(2451545.0);
        assert_eq!(
            moment.settle_civil(),
            (Date { year: 2000, month: 1, day: 1 }, Time { hour: 12, ..Time::default() })
        );
    }
}
