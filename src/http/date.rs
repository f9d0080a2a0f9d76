//! Dates: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7), and the
//! same moment as access logs write it.
//!
//! Each connection has a [`Clock`]. It makes the text of a date once a second, and
//! shares nothing with other connections.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A clock, and the texts of its second.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Instant,
    /// The second that the clock shows, when that second ends, and its texts.
    second: u64,
    end: Instant,
    imf_fixdate: String,
    common_log: String,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        let last = Instant::now();
        let mut clock = Clock {
            last,
            second: 0,
            end: last,
            imf_fixdate: String::new(),
            common_log: String::new(),
        };
        clock.set();
        clock
    }

    /// Reads the time. A system has two clocks: a monotonic one, and one that people
    /// set. The first is read each time, and says when to read the second: once a
    /// second.
    pub(crate) fn read(&mut self) {
        self.last = Instant::now();
        if self.last >= self.end {
            self.set();
        }
    }

    fn set(&mut self) {
        let since = since_1970();
        let left = 1_000_000_000 - since.subsec_nanos();
        self.second = since.as_secs();
        self.end = self.last + Duration::from_nanos(left.into());
        self.imf_fixdate = imf_fixdate(self.second);
        self.common_log.clear();
    }

    /// When the clock was last read.
    pub(crate) fn last(&self) -> Instant {
        self.last
    }

    /// That time, as the header `Date` has it.
    pub(crate) fn imf_fixdate(&self) -> &str {
        &self.imf_fixdate
    }

    /// That time, as the Common Log Format has it.
    pub(crate) fn common_log(&mut self) -> &str {
        if self.common_log.is_empty() {
            self.common_log = common_log(self.second);
        }
        &self.common_log
    }
}

/// The time since 1970. A clock that is set to an earlier time counts as 1970.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn imf_fixdate(second: u64) -> String {
    let Civil { year, month, day, weekday, hour, minute, second } = civil(second);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// `[10/Oct/2000:13:55:36 +0000]`, as the Common Log Format has it.
fn common_log(second: u64) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = civil(second);
    format!("[{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000]")
}

struct Civil {
    year: u64,
    month: &'static str,
    day: u64,
    weekday: &'static str,
    hour: u64,
    minute: u64,
    second: u64,
}

pub(crate) const SECONDS_A_DAY: u64 = 86_400;
/// 1 March of year 0 was so many days before 1970.
const MARCH_0: u64 = 719_468;

/// The Gregorian date of a second since 1970.
fn civil(seconds: u64) -> Civil {
    let days = seconds / SECONDS_A_DAY;
    let (year, month, day) = year_month_day(days);
    Civil {
        year,
        month: pick(&MONTHS, month - 1),
        day,
        weekday: pick(&DAYS, days % 7),
        hour: seconds / 3_600 % 24,
        minute: seconds / 60 % 60,
        second: seconds % 60,
    }
}

/// Year, month and day of a day since 1970; 1 January is month 1, day 1.
///
/// Years are counted from March, so that a leap day is the last day of its year. Then
/// the first day of a month is a linear function of the month, and each era of 400
/// years has 146,097 days.
pub(crate) fn year_month_day(days: u64) -> (u64, u64, u64) {
    let since = days + MARCH_0;
    let (era, day_of_era) = (since / 146_097, since % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month < 3), month, day)
}

/// The other way round; `None` before 1970. A month or a day that does not exist gives
/// some other day.
pub(crate) fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month < 3))?;
    let months_since_march = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * months_since_march + 2) / 5 + day;
    days.checked_sub(MARCH_0 + 1)
}

fn pick(names: &[&'static str], index: u64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_rfc_is_written_as_in_the_rfc() {
        assert_eq!(imf_fixdate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn leap_days_and_the_ends_of_years_are_right() {
        assert_eq!(imf_fixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf_fixdate(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(imf_fixdate(1_709_251_199), "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(imf_fixdate(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(imf_fixdate(1_798_761_599), "Thu, 31 Dec 2026 23:59:59 GMT");
    }

    #[test]
    fn a_log_has_dates_in_the_common_log_format() {
        assert_eq!(common_log(784_111_777), "[06/Nov/1994:08:49:37 +0000]");
    }

    #[test]
    fn a_clock_makes_its_texts_once_a_second() {
        let mut clock = Clock::new();
        assert_eq!((clock.imf_fixdate().len(), clock.common_log().len()), (29, 28));
        clock.imf_fixdate.push('!');
        clock.read();
        assert_eq!(clock.imf_fixdate().ends_with('!'), clock.last < clock.end);

        clock.end = clock.last;
        clock.read();
        assert!(!clock.imf_fixdate().ends_with('!'));
        assert!(clock.end > clock.last && clock.end <= clock.last + Duration::from_secs(1));
    }
}
