//! Judging units by limits: pass or fail with reasons, a score, and how many pass. The reasons are in `reason.rs`.

use std::collections::HashMap;

use serde::Serialize;

use super::{Limits, MetricLimits, Reason};
use crate::{BatchResult, Metric, Table};

/// What became of all units of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// A verdict for each row, in order.
    pub units: Vec<Verdict>,
    /// How many units keep to the limits of each metric, the fewest first.
    pub metrics: Vec<MetricYield>,
    /// How many units of each batch pass, the smallest share first; empty where the table has no batches.
    pub batches: Vec<BatchYield>,
}

/// Whether a unit passes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Its row in the table, from 0.
    pub row: usize,
    /// Its name: the text in the table's first column of texts, or `row N`, from 1, where there is none.
    pub unit: String,
    /// Its batch; empty where the table has none.
    pub batch: String,
    /// Whether all limits are kept.
    pub passed: bool,
    /// How well they are kept, 0 to 100: the mean over all metrics with limits of 100·max(0, 1 − e/w). Here e is how far the value lies
    /// outside (0 within the limits), and w is max − min where there are both, and the absolute value of the limit where there is one. A
    /// missing value counts 0, and so does any value outside when w = 0. A unit that passes has 100, and one that was not measured 0.
    pub score: f64,
    /// Why it fails; empty when it passes.
    pub reasons: Vec<Reason>,
}

/// How many units keep to the limits of a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricYield {
    /// The metric.
    pub metric: String,
    /// The smallest value that passes.
    pub min: Option<f64>,
    /// The largest value that passes.
    pub max: Option<f64>,
    /// How many units keep to its limits.
    pub passed: usize,
    /// How many are below `min`.
    pub below: usize,
    /// How many are above `max`.
    pub above: usize,
    /// How many lack a value.
    pub missing: usize,
}

/// How many units of a batch pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchYield {
    /// The batch.
    pub batch: String,
    /// How many units it has.
    pub units: usize,
    /// How many of them pass.
    pub passed: usize,
    /// The mean of their scores.
    pub score: f64,
}

impl Limits {
    /// Judges every row of a table.
    ///
    /// A unit passes when each metric that has `min` or `max` has a value within. The text in a column called `error` says that its capture
    /// could not be measured, and is then the one reason; values in its row count for nothing.
    ///
    /// # Errors
    /// [`BatchError::Setting`](crate::BatchError::Setting) when a limit is of a metric that the table has no column of numbers for.
    ///
    /// ```
    /// # use signal_batch::{NumberColumn, Table, TextColumn, limits::Limits};
    /// let limits = Limits::from_toml("[metrics.rms]\nmin = 0.25\nmax = 0.75\n")?;
    /// let table = Table::new(
    ///     vec![TextColumn { name: "file".into(), values: vec!["a".into(), "b".into()] }],
    ///     vec![NumberColumn { name: "rms".into(), values: vec![0.5, 0.875] }],
    /// )?;
    /// let judgement = limits.judge(&table)?;
    /// assert_eq!((judgement.n_passed(), judgement.units[1].score), (1, 75.0));
    /// assert_eq!(judgement.units[1].reasons[0].to_string(), "rms is 0.875 V, above the limit 0.75 V");
    /// # Ok::<(), signal_batch::BatchError>(())
    /// ```
    pub fn judge(&self, table: &Table) -> BatchResult<Judgement> {
        self.require_known(table.numbers().iter().map(|column| column.name.as_str()))?;
        let judged: Vec<Judged<'_>> = self.judged_columns(table).collect();
        let units: Vec<Verdict> = (0..table.n_rows()).map(|row| verdict(table, &judged, row)).collect();
        let errors = table.text("error").unwrap_or_default();
        let mut metrics: Vec<MetricYield> = judged.iter().map(|one| one.metric_yield(errors)).collect();
        metrics.sort_by_key(|metric| metric.passed);
        let batches = if table.text("batch").is_some() { batch_yields(&units) } else { Vec::new() };
        Ok(Judgement { units, metrics, batches })
    }

    /// The limits that judge a unit, with the columns that they judge.
    fn judged_columns<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = Judged<'a>> {
        let judging = self.metrics.iter().filter(|limits| limits.min.is_some() || limits.max.is_some());
        judging.filter_map(|limits| Some(Judged { limits, values: table.number(&limits.metric)? }))
    }
}

impl Judgement {
    /// How many units pass.
    #[must_use]
    pub fn n_passed(&self) -> usize {
        self.units.iter().filter(|unit| unit.passed).count()
    }

    /// The share of units that pass, in percent; 0 where there are none.
    #[must_use]
    pub fn yield_percent(&self) -> f64 {
        100.0 * self.n_passed() as f64 / self.units.len().max(1) as f64
    }

    /// The mean of all scores; 0 where there are no units.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.units.iter().map(|unit| unit.score).sum::<f64>() / self.units.len().max(1) as f64
    }

    /// The units that fail, the lowest score first, in the order of the table where scores are equal.
    #[must_use]
    pub fn failed_worst_first(&self) -> Vec<&Verdict> {
        let mut failed: Vec<&Verdict> = self.units.iter().filter(|unit| !unit.passed).collect();
        failed.sort_by(|a, b| a.score.total_cmp(&b.score));
        failed
    }
}

/// A column and its limits.
struct Judged<'a> {
    limits: &'a MetricLimits,
    values: &'a [f64],
}

/// On which side of its limits a value lies.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Within,
    /// Below this limit.
    Below(f64),
    /// Above this limit.
    Above(f64),
    Missing,
}

impl Judged<'_> {
    fn side(&self, value: f64) -> Side {
        match (self.limits.min, self.limits.max) {
            _ if value.is_nan() => Side::Missing,
            (Some(min), _) if value < min => Side::Below(min),
            (_, Some(max)) if value > max => Side::Above(max),
            _ => Side::Within,
        }
    }

    /// The score of a value, 0 to 1: see [`Verdict::score`].
    fn score(&self, value: f64) -> f64 {
        let (limit, outside) = match self.side(value) {
            Side::Within => return 1.0,
            Side::Missing => return 0.0,
            Side::Below(limit) => (limit, limit - value),
            Side::Above(limit) => (limit, value - limit),
        };
        let width = match (self.limits.min, self.limits.max) {
            (Some(min), Some(max)) => max - min,
            _ => limit.abs(),
        };
        (1.0 - outside / width).max(0.0)
    }

    fn reason(&self, value: f64, unit_of_samples: &str) -> Option<Reason> {
        let metric = self.limits.metric.clone();
        let unit = Metric::of_name(&metric).map(|known| known.unit().sign(unit_of_samples)).unwrap_or_default();
        match self.side(value) {
            Side::Within => None,
            Side::Missing => Some(Reason::Missing { metric }),
            Side::Below(limit) => Some(Reason::Below { metric, value, limit, unit }),
            Side::Above(limit) => Some(Reason::Above { metric, value, limit, unit }),
        }
    }

    /// How many units keep to the limits; one with an error counts as one without a value.
    fn metric_yield(&self, errors: &[String]) -> MetricYield {
        let MetricLimits { metric, min, max, .. } = self.limits;
        let mut found =
            MetricYield { metric: metric.clone(), min: *min, max: *max, passed: 0, below: 0, above: 0, missing: 0 };
        for (row, &value) in self.values.iter().enumerate() {
            let has_error = errors.get(row).is_some_and(|error| !error.is_empty());
            match self.side(if has_error { f64::NAN } else { value }) {
                Side::Within => found.passed += 1,
                Side::Below(_) => found.below += 1,
                Side::Above(_) => found.above += 1,
                Side::Missing => found.missing += 1,
            }
        }
        found
    }
}

fn verdict(table: &Table, judged: &[Judged<'_>], row: usize) -> Verdict {
    let text = |column: &str| table.text(column).map(|texts| texts[row].as_str());
    let error = text("error").filter(|error| !error.is_empty());
    let scores = judged.iter().map(|one| if error.is_some() { 0.0 } else { one.score(one.values[row]) });
    let score = 100.0 * scores.sum::<f64>() / judged.len().max(1) as f64;
    let reasons: Vec<Reason> = match error {
        Some(error) => vec![Reason::NotMeasured { error: error.to_owned() }],
        None => judged.iter().filter_map(|one| one.reason(one.values[row], text("unit").unwrap_or("V"))).collect(),
    };
    Verdict {
        row,
        unit: table.row_name(row),
        batch: text("batch").unwrap_or_default().to_owned(),
        passed: reasons.is_empty(),
        score,
        reasons,
    }
}

fn batch_yields(units: &[Verdict]) -> Vec<BatchYield> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut batches: Vec<BatchYield> = Vec::new();
    for unit in units {
        let place = *places.entry(&unit.batch).or_insert(batches.len());
        if place == batches.len() {
            batches.push(BatchYield { batch: unit.batch.clone(), units: 0, passed: 0, score: 0.0 });
        }
        let batch = &mut batches[place];
        batch.units += 1;
        batch.passed += usize::from(unit.passed);
        batch.score += unit.score;
    }
    batches.iter_mut().for_each(|batch| batch.score /= batch.units as f64);
    let share = |batch: &BatchYield| batch.passed as f64 / batch.units as f64;
    batches.sort_by(|a, b| share(a).total_cmp(&share(b)));
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(min: Option<f64>, max: Option<f64>, value: f64) -> f64 {
        let limits = MetricLimits {
            metric: "rms".to_owned(),
            line: 1,
            min,
            max,
            max_change: None,
            worse: crate::limits::Worse::Either,
        };
        Judged { limits: &limits, values: &[] }.score(value)
    }

    #[test]
    fn a_score_falls_from_the_limit_on_to_nothing_one_width_away() {
        let between = |value| score(Some(1.0), Some(3.0), value);
        assert_eq!(
            [1.0, 2.0, 3.0, 4.0, 0.5, 5.0, -9.0, f64::NAN].map(between),
            [1.0, 1.0, 1.0, 0.5, 0.75, 0.0, 0.0, 0.0]
        );
        assert_eq!(score(None, Some(-2.0), -1.0), 0.5);
        assert_eq!(score(Some(20.0), None, 15.0), 0.75);
    }

    #[test]
    fn a_score_is_a_number_also_where_limits_have_no_width() {
        assert_eq!(score(Some(2.0), Some(2.0), 2.0), 1.0);
        assert_eq!(score(Some(2.0), Some(2.0), 2.5), 0.0);
        assert_eq!(score(None, Some(0.0), 1e-300), 0.0);
        assert_eq!(score(None, Some(0.0), f64::INFINITY), 0.0);
    }
}
