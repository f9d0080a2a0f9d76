//! A day of the calendar, as people write it: `2027-01-31` (ISO 8601).

use std::fmt;

use crate::http::date::{SECONDS_A_DAY, days_since_1970, since_1970, year_month_day};

/// A day, in UTC: the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(u64);

impl Day {
    /// The day that it is now, by the clock that people set.
    pub(crate) fn today() -> Day {
        Day(since_1970().as_secs() / SECONDS_A_DAY)
    }

    /// Reads a day from 1970-01-01 on, `None` if there is no such day.
    pub(crate) fn parse(text: &str) -> Option<Day> {
        let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else { return None };
        // Not 10000-01-01, and no year that is too large to count its days.
        if text.len() != "2027-01-31".len() {
            return None;
        }
        let number = |digits: &str| digits.parse::<u64>().ok();
        let found = Day(days_since_1970(number(year)?, number(month)?, number(day)?)?);
        // Not 02027-1-31, not 2027-02-29, and not 2027-13-01.
        (found.to_string() == text).then_some(found)
    }

    /// Whether this text is a day for a person, in whatever form: `2027-01-31T12:00`,
    /// `31.01.2027`, `2027/1/31`, `2027-Jan-31`, `20270131`.
    pub(crate) fn is_likely(text: &str) -> bool {
        let date = text.split(['T', '_']).next().unwrap_or_default();
        let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_year = |part: &str| part.len() == 4 && is_number(part);
        let is_short = |part: &str| {
            let is_month = part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
            (matches!(part.len(), 1..=2) && is_number(part)) || is_month
        };
        match parts[..] {
            [digits] => digits.len() == 8 && is_number(digits),
            [first, middle, last] => {
                let ends = (is_year(first) && is_short(last)) || (is_short(first) && is_year(last));
                ends && is_short(middle)
            }
            _ => false,
        }
    }

    /// The day so many days later.
    pub(crate) fn plus(self, days: u64) -> Day {
        Day(self.0 + days)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = year_month_day(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_read_as_it_is_written_and_comes_after_the_one_before() {
        let mut day = Day::parse("1970-01-01").expect("a day");
        assert_eq!(day, Day(0));
        for _ in 0..200_000 {
            let next = Day::parse(&day.plus(1).to_string()).expect("a day");
            assert!(next > day && next == day.plus(1), "{next}");
            day = next;
        }
        assert_eq!(Day::parse("2024-02-29").expect("a leap day").plus(1).to_string(), "2024-03-01");
        assert!(Day::today() > Day::parse("2026-01-01").expect("a day"));
    }

    #[test]
    fn a_day_in_another_form_is_still_a_day_for_a_person() {
        for text in [
            "2027-01-31",
            "2027-1-31",
            "2027-01-31T00",
            "31.01.2027",
            "2027/01/31",
            "1/31/2027",
            "2027-Jan-31",
            "31-Jan-2027",
            "20270131",
            "2027-13-45",
        ] {
            assert!(Day::is_likely(text), "{text}");
        }
        for text in [
            "",
            "read",
            "v1.2.3",
            "2027",
            "1-2-3",
            "reports-2027-q1",
            "127.0.0.1",
            "2027-01",
            "a-b-c",
        ] {
            assert!(!Day::is_likely(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_not_read() {
        for text in [
            "",
            "2027",
            "2027-01",
            "2027-1-31",
            "27-01-31",
            "2027-01-32",
            "2027-02-29",
            "2100-02-29",
            "2027-00-01",
            "2027-01-00",
            "2027-13-01",
            "1969-12-31",
            "0000-00-00",
            "2027-01-31-",
            " 2027-01-31",
            "+027-01-31",
            "2027-01-3\u{661}",
            "20270131",
            "2027/01/31",
            "31-01-2027",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }
}
