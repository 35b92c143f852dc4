//! The rate that a column of times says, and the unit of such a column.

use super::Refusal;

/// How far a step may be from the mean one, in steps: times are often written with few digits.
const UNEVEN_STEP: f64 = 0.1;

/// How far a time may be from that of an even rate, in steps.
const UNEVEN_TIME: f64 = 0.5;

/// A rate this close to a whole number, relatively, is that number: 1 / 0.000001 s is not quite 1 MHz.
const WHOLE_RATE: f64 = 1e-9;

/// The times of a file.
#[derive(Debug)]
pub(super) struct Times {
    seconds_per_unit: f64,
    /// In the unit of the file.
    times: Vec<f64>,
    /// The line of the first one, counted from 1.
    first_line: u64,
}

impl Times {
    pub(super) fn new(seconds_per_unit: f64) -> Self {
        Self { seconds_per_unit, times: Vec::new(), first_line: 0 }
    }

    /// Takes the time in this line.
    pub(super) fn push(&mut self, time: f64, line: u64) {
        if self.times.is_empty() {
            self.first_line = line;
        }
        self.times.push(time);
    }

    /// Samples per second; none where there are no times.
    ///
    /// # Errors
    /// The place of the first time that is not where an even rate has it.
    pub(super) fn rate_hz(&self) -> Result<Option<f64>, Refusal> {
        let (first, last) = match self.times[..] {
            [] => return Ok(None),
            [_] => return Err("has one time, which says no rate; give it with --rate".to_owned()),
            [first, .., last] => (first, last),
        };
        let step = (last - first) / (self.times.len() - 1) as f64;
        let rate_hz = 1.0 / (step * self.seconds_per_unit);
        if !(rate_hz.is_finite() && rate_hz > 0.0) {
            return Err(format!(
                "has times from {first} to {last}, which say no rate; sort it, or give it with --rate"
            ));
        }
        self.require_even(first, step)?;
        let is_whole = (rate_hz - rate_hz.round()).abs() <= WHOLE_RATE * rate_hz;
        Ok(Some(if is_whole { rate_hz.round() } else { rate_hz }))
    }

    fn require_even(&self, first: f64, step: f64) -> Result<(), Refusal> {
        let is_even = |at: usize| {
            let expected = first + at as f64 * step;
            is_near(self.step(at), step) && (self.times[at] - expected).abs() <= UNEVEN_TIME * step
        };
        let Some(uneven) = (1..self.times.len()).find(|&at| !is_even(at)) else { return Ok(()) };
        // A single gap moves the mean step too, so that all are far from it: the place is where a step is far from the usual one.
        let usual = self.median_step();
        let at = (1..self.times.len()).find(|&at| !is_near(self.step(at), usual)).unwrap_or(uneven);
        Err(format!(
            "has uneven times: {} follows {} where the usual step is {usual}, {at} samples behind line {}; resample it, or give an even rate \
             with --rate",
            self.times[at],
            self.times[at - 1],
            self.first_line
        ))
    }

    /// The time since the sample before.
    fn step(&self, at: usize) -> f64 {
        self.times[at] - self.times[at - 1]
    }

    fn median_step(&self) -> f64 {
        let mut steps: Vec<f64> = (1..self.times.len()).map(|at| self.step(at)).collect();
        let middle = steps.len() / 2;
        *steps.select_nth_unstable_by(middle, f64::total_cmp).1
    }
}

fn is_near(step: f64, expected: f64) -> bool {
    (step - expected).abs() <= UNEVEN_STEP * expected
}

/// Seconds per unit of a column of times, by its name; none for the name of another column.
///
/// # Errors
/// For a unit that is none of time.
pub(super) fn unit_of_times(name: &str) -> Option<Result<f64, Refusal>> {
    let lower = name.to_lowercase();
    let mut words = lower.split(|symbol: char| " _()[]/".contains(symbol)).filter(|word| !word.is_empty());
    if !matches!(words.next()?, "t" | "time" | "times" | "timestamp" | "timestamps") {
        return None;
    }
    Some(match words.next() {
        None | Some("s" | "sec" | "second" | "seconds") => Ok(1.0),
        Some("ms") => Ok(1e-3),
        Some("us" | "\u{b5}s" | "\u{3bc}s") => Ok(1e-6),
        Some("ns") => Ok(1e-9),
        Some("min") => Ok(60.0),
        Some(other) => Err(format!(
            "has a column {name:?} of unit {other:?}; use s, ms, us, ns or min, or give the rate with --rate"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_of(times: &[f64]) -> Result<Option<f64>, Refusal> {
        let mut all = Times::new(1.0);
        times.iter().zip(2..).for_each(|(&time, line)| all.push(time, line));
        all.rate_hz()
    }

    #[test]
    fn a_rate_is_that_of_even_times_also_of_few_digits() {
        assert_eq!(rate_of(&[]), Ok(None));
        let fine: Vec<f64> = (0..1000).map(|j| 1.0 + f64::from(j) * 1e-6).collect();
        assert_eq!(rate_of(&fine), Ok(Some(1e6)));
        let rounded: Vec<f64> = (0..10_000).map(|j| (f64::from(j) / 44_100.0 * 1e6).round() / 1e6).collect();
        assert!((rate_of(&rounded).unwrap().unwrap() - 44_100.0).abs() < 1.0);
    }

    #[test]
    fn a_gap_a_repeated_time_and_a_drift_are_refused_with_their_place() {
        assert!(rate_of(&[0.0, 1.0, 2.0, 4.0, 5.0]).unwrap_err().contains("4 follows 2 where the usual step is 1,"));
        let mut gap: Vec<f64> = (0..100).map(f64::from).collect();
        gap.remove(50);
        assert!(rate_of(&gap).unwrap_err().contains("51 follows 49"));
        gap[70] = gap[69];
        assert!(rate_of(&gap).is_err());
        let drift: Vec<f64> = (0..1000).map(|j| f64::from(j) * (1.0 + 1e-5 * f64::from(j))).collect();
        assert!(rate_of(&drift).unwrap_err().contains("samples behind line 2"));
    }

    #[test]
    fn times_that_say_no_rate_are_refused() {
        for times in [&[1.0][..], &[1.0, 1.0], &[2.0, 1.0], &[0.0, f64::NAN], &[0.0, f64::INFINITY], &[0.0, 1e-320]] {
            assert!(rate_of(times).unwrap_err().contains("--rate"), "{times:?}");
        }
        assert!(rate_of(&[0.0, f64::NAN, 2.0]).is_err());
    }

    #[test]
    fn a_column_of_times_is_known_by_its_name_and_its_unit_too() {
        let unit = |name: &str| unit_of_times(name).transpose();
        for (name, seconds) in
            [("t", 1.0), ("Time (ms)", 1e-3), ("time_us", 1e-6), ("TIME [ns]", 1e-9), ("time/s", 1.0)]
        {
            assert_eq!(unit(name), Ok(Some(seconds)), "{name}");
        }
        for name in ["temperature", "CH1", "", "timer", "T1"] {
            assert_eq!(unit(name), Ok(None), "{name}");
        }
        assert!(unit("time (fortnights)").unwrap_err().contains("fortnights"));
    }
}
