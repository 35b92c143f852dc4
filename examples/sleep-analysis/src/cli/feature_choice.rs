//! Which features are requested: parameters as a job or the command line gives them, made into an operation.
//!
//! Promises: every unknown name is reported. Leaves to others whether such a name is a warning or an error.

use serde::Deserialize;
use sleep_analysis::features::{Aggregation, CorrelationMethod, HrvSource, MovementMetric, Operation, Selection};
use sleep_analysis::{Signal, SleepError, SleepResult};

/// A family of features over epochs of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FeatureKind {
    /// Mean, std, min, max, median and var of every column.
    Statistics,
    /// Heart rate variability, from column hr, or rr_interval with --rr.
    Hrv,
    /// Movement, from columns x, y and z.
    Movement,
    /// The correlation of two signals.
    Correlation,
}

/// The parameters of a run; those that do not concern its kind are ignored.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Parameters {
    pub(crate) aggregations: Option<Names>,
    pub(crate) use_rr_intervals: Option<bool>,
    pub(crate) hrv_metrics: Option<Names>,
    pub(crate) movement_metrics: Option<Names>,
    pub(crate) method: Option<String>,
    pub(crate) signal1_column: Option<String>,
    pub(crate) signal2_column: Option<String>,
    pub(crate) window_length: Option<String>,
}

/// One name, such as `all`, or a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a name or a list of names")]
pub(crate) enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }

    /// Those that are among these names; `all` stays what it is.
    pub(crate) fn among(&self, known: &[&str]) -> Self {
        if self.is_all() {
            return self.clone();
        }
        Self::Many(self.as_slice().iter().filter(|name| known.contains(&name.as_str())).cloned().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(crate) fn is_all(&self) -> bool {
        matches!(self.as_slice(), [only] if only == "all")
    }
}

/// An operation, and the requested names that it does not know.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) operation: Operation,
    pub(crate) unknown: Vec<String>,
    /// What the names should have been.
    pub(crate) known: String,
}

impl FeatureKind {
    /// The operation on these signals that the parameters describe.
    ///
    /// # Errors
    /// [`SleepError::Config`] for an unknown correlation method, a column that must be named and is not, and a list of
    /// names of which none is known.
    pub(crate) fn choose(self, parameters: &Parameters, signals: &[Signal]) -> SleepResult<Choice> {
        let names = self.names(parameters);
        match self {
            Self::Statistics => {
                let select = |names: &[String]| Aggregation::select(names);
                let chosen = pick(&parameters.aggregations, &Aggregation::ALL, &Aggregation::DEFAULT, select);
                finish("aggregation", chosen, &names, |aggregations| Operation::Statistics { aggregations })
            }
            Self::Hrv => {
                let source = parameters.hrv_source();
                let all = source.all_metrics();
                let select = |names: &[String]| source.select(names);
                let chosen = pick(&parameters.hrv_metrics, all, source.default_metrics(), select);
                finish("HRV metric", chosen, &names, |metrics| Operation::Hrv { source, metrics })
            }
            Self::Movement => {
                let select = |names: &[String]| MovementMetric::select(names);
                let chosen = pick(&parameters.movement_metrics, &MovementMetric::ALL, &MovementMetric::ALL, select);
                finish("movement metric", chosen, &names, |metrics| Operation::Movement { metrics })
            }
            Self::Correlation => correlation(parameters, signals),
        }
    }

    /// The operation's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Statistics => "statistics",
            Self::Hrv => "hrv",
            Self::Movement => "movement",
            Self::Correlation => "correlation",
        }
    }

    /// The names of all its features; none for a correlation, which has but one.
    pub(crate) fn names(self, parameters: &Parameters) -> Vec<&'static str> {
        match self {
            Self::Statistics => Aggregation::ALL.map(Aggregation::name).into(),
            Self::Hrv => parameters.hrv_source().all_metrics().iter().map(|metric| metric.name()).collect(),
            Self::Movement => MovementMetric::ALL.map(MovementMetric::name).into(),
            Self::Correlation => Vec::new(),
        }
    }

    /// The columns that a signal must have to take part; none when any will do.
    pub(crate) fn needed_columns(self, parameters: &Parameters) -> Vec<&'static str> {
        match self {
            Self::Statistics | Self::Correlation => Vec::new(),
            Self::Hrv => vec![parameters.hrv_source().column()],
            Self::Movement => vec!["x", "y", "z"],
        }
    }
}

impl Parameters {
    fn hrv_source(&self) -> HrvSource {
        if self.use_rr_intervals == Some(true) { HrvSource::RrIntervals } else { HrvSource::HeartRate }
    }
}

fn pick<T: Copy>(
    requested: &Option<Names>,
    all: &[T],
    default: &[T],
    select: impl Fn(&[String]) -> Selection<T>,
) -> Selection<T> {
    match requested {
        None => Selection { known: default.to_vec(), unknown: Vec::new() },
        Some(names) if names.is_all() => Selection { known: all.to_vec(), unknown: Vec::new() },
        Some(names) => select(names.as_slice()),
    }
}

fn finish<T>(
    what: &str,
    chosen: Selection<T>,
    known: &[&str],
    operation: impl Fn(Vec<T>) -> Operation,
) -> SleepResult<Choice> {
    let Selection { known: features, unknown } = chosen;
    let known = format!("no such {what}; use {}", known.join(", "));
    if features.is_empty() && !unknown.is_empty() {
        return Err(SleepError::Config(format!("{unknown:?}: {known}")));
    }
    Ok(Choice { operation: operation(features), unknown, known })
}

fn correlation(parameters: &Parameters, signals: &[Signal]) -> SleepResult<Choice> {
    let method = match &parameters.method {
        Some(name) => name.parse()?,
        None => CorrelationMethod::Pearson,
    };
    let [first, second] = signals else {
        return Err(SleepError::Config(format!("a correlation of {} signals; give exactly two", signals.len())));
    };
    let operation = Operation::Correlation {
        method,
        first_column: column_of(first, &parameters.signal1_column)?,
        second_column: column_of(second, &parameters.signal2_column)?,
    };
    Ok(Choice { operation, unknown: Vec::new(), known: String::new() })
}

/// The column requested, or the only one.
fn column_of(signal: &Signal, requested: &Option<String>) -> SleepResult<String> {
    match (requested, signal.columns()) {
        (Some(name), _) => Ok(name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, columns) => Err(SleepError::Config(format!(
            "signal {:?} has {} columns; say which one is to be correlated",
            signal.name(),
            columns.len()
        ))),
    }
}
