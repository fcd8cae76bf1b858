//! What the calendar says of a value, in seconds since the epoch and in UTC; of the moment of evaluation where a call
//! has no vector.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::{Arguments, Function, Kernel};

pub(super) const FUNCTIONS: &[Function] = &[
    date("year", |value, _| Some(of(value, |at| at.year().into()))),
    date("month", |value, _| Some(of(value, |at| at.month().into()))),
    date("day_of_year", |value, _| Some(of(value, |at| at.ordinal().into()))),
    date("day_of_month", |value, _| Some(of(value, |at| at.day().into()))),
    // From Sunday, 0.
    date("day_of_week", |value, _| Some(of(value, |at| at.weekday().num_days_from_sunday().into()))),
    date("days_in_month", |value, _| Some(of(value, |at| days_in_month(at).into()))),
    date("hour", |value, _| Some(of(value, |at| at.hour().into()))),
    date("minute", |value, _| Some(of(value, |at| at.minute().into()))),
];

const fn date(name: &'static str, kernel: fn(f64, &Arguments<'_>) -> Option<f64>) -> Function {
    Function { name, kernel: Kernel::ElementOrTime(kernel), keeps_name: false }
}

/// NaN where no calendar reaches: there Go's arithmetic wraps around, and says something of no use.
fn of(value: f64, part: fn(DateTime<Utc>) -> f64) -> f64 {
    if value.is_nan() {
        return value;
    }
    #[expect(clippy::cast_possible_truncation, reason = "what is too large saturates, and is no date")]
    let secs = value.trunc() as i64;
    DateTime::from_timestamp(secs, 0).map_or(f64::NAN, part)
}

fn days_in_month(at: DateTime<Utc>) -> u32 {
    let first = at.date_naive().with_day(1);
    let next = if at.month() == 12 {
        NaiveDate::from_ymd_opt(at.year() + 1, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(at.year(), at.month() + 1, 1)
    };
    let days = first.zip(next).map_or(31, |(first, next)| (next - first).num_days());
    u32::try_from(days).unwrap_or(31)
}

#[cfg(test)]
mod tests {
    use crate::promql::functions::testing::of_value;

    #[test]
    fn parts_of_a_date() {
        // 2016-02-29T23:59:59.9Z, a Monday; 1970-01-01T00:00:00Z, a Thursday; 1969-12-31T23:59:59Z.
        let (leap, epoch, before) = (1_456_790_399.9, 0.0, -1.0);
        for (name, value, expected) in [
            ("year", leap, 2016.0),
            ("month", leap, 2.0),
            ("day_of_month", leap, 29.0),
            ("day_of_year", leap, 60.0),
            ("day_of_week", leap, 1.0),
            ("days_in_month", leap, 29.0),
            ("hour", leap, 23.0),
            ("minute", leap, 59.0),
            ("year", epoch, 1970.0),
            ("day_of_week", epoch, 4.0),
            ("days_in_month", epoch, 31.0),
            ("year", before, 1969.0),
            ("days_in_month", before, 31.0),
            ("day_of_year", before, 365.0),
        ] {
            assert_eq!(of_value(name, &[], value), Some(expected), "{name} of {value}");
        }
        assert!(of_value("year", &[], 1e300).unwrap().is_nan());
        assert!(of_value("year", &[], f64::NAN).unwrap().is_nan());
    }
}
