//! Alignment: signals of any rate are brought to the points of one grid.
//!
//! One signal is one item: [`align_signal`] captures nothing, takes what all signals share from an [`AlignRequest`], changes
//! nothing in place, and a signal that cannot be aligned fails alone. It knows no threads; the caller decides who calls it.
//! Rates are in `rate.rs`, the grid in `grid.rs`, one method per file beside them, the common table in `combine.rs`.

mod asof;
mod combine;
mod fill;
mod grid;
mod nearest;
mod rate;
mod rows;

pub use combine::{AlignedTable, Combined, align_and_combine, combine};
pub use grid::AlignmentGrid;
pub use rate::{RATE_WITHOUT_REGULAR_SIGNALS_HZ, STANDARD_RATES_HZ, SignalTiming, detected_rate_hz, target_rate_hz};

use crate::{Column, Signal, SleepError, SleepResult, require_increasing, require_sorted};
use rows::{GridPoints, Rows};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How a signal's samples get onto the grid.
///
/// ```
/// use sleep_analysis::AlignMethod;
///
/// assert_eq!("ffill".parse(), Ok(AlignMethod::Pad));
/// let error = "linear".parse::<AlignMethod>().unwrap_err();
/// assert!(error.to_string().contains("nearest, pad (or ffill), backfill (or bfill), asof"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum AlignMethod {
    /// Every sample moves to its nearest point, the later one on a tie, the first or last one when it lies off the grid.
    /// Samples that meet are averaged, NaN skipped. Rows may come in any order.
    Nearest,
    /// Every point takes the last sample at or before it, however long ago. Timestamps must increase.
    Pad,
    /// Every point takes the first sample at or after it, however far ahead. Timestamps must increase.
    Backfill,
    /// Every point takes its nearest sample within half a period and a nanosecond, the earlier one on a tie, and stays NaN
    /// without one: all points have a row. Timestamps must be sorted.
    AsOf,
}

impl FromStr for AlignMethod {
    type Err = SleepError;

    fn from_str(text: &str) -> SleepResult<Self> {
        match text {
            "nearest" => Ok(Self::Nearest),
            "pad" | "ffill" => Ok(Self::Pad),
            "backfill" | "bfill" => Ok(Self::Backfill),
            "asof" => Ok(Self::AsOf),
            _ => Err(SleepError::Config(format!(
                "unknown alignment method {text:?}; use one of nearest, pad (or ffill), backfill (or bfill), asof"
            ))),
        }
    }
}

impl fmt::Display for AlignMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Nearest => "nearest",
            Self::Pad => "pad",
            Self::Backfill => "backfill",
            Self::AsOf => "asof",
        })
    }
}

/// What all signals of one alignment share: the signals themselves, the grid and the method. Copies share the signals.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AlignRequest {
    /// The signals; an item of the job is an index into them.
    pub signals: Arc<[Signal]>,
    /// The grid that they are brought to.
    pub grid: AlignmentGrid,
    /// How their samples get onto it.
    pub method: AlignMethod,
}

/// A signal on the points of a grid: a row for each point that has a value.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AlignedSignal {
    name: String,
    grid: AlignmentGrid,
    points: GridPoints,
    columns: Vec<Column>,
}

impl AlignedSignal {
    fn from_rows(signal: &Signal, grid: AlignmentGrid, rows: Rows) -> Self {
        let with_name = |(column, values): (&Column, Vec<f64>)| Column::new(&column.name, crate::Samples::sent(values));
        let columns = signal.columns().iter().zip(rows.columns).map(with_name).collect();
        Self { name: signal.name().to_owned(), grid, points: rows.points, columns }
    }

    /// The signal's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The grid of the rows.
    #[must_use]
    pub fn grid(&self) -> &AlignmentGrid {
        &self.grid
    }

    /// The times of the rows, ascending points of the grid, nanoseconds since 1970-01-01 UTC.
    ///
    /// They are worked out as they are requested: kept, they would take as much memory as a column.
    pub fn timestamps_ns(&self) -> impl Iterator<Item = i64> + '_ {
        self.points.idxs().map(|idx| self.grid.point(idx))
    }

    /// The columns of the signal, each with one value per row.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// True when no point of the grid has a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Brings one signal of a request to the grid; an item of a job over [`SignalChoice::idxs`].
///
/// Costs one pass over the samples and the points. Rows in which all columns are NaN are left out, except for
/// [`AlignMethod::AsOf`]. The result takes 8 bytes per row and column, and at most 8 more per row.
///
/// # Errors
/// [`SleepError::Signal`] when the timestamps are not in the order that the method needs, naming the first row at fault;
/// [`SleepError::Config`] when there is no such signal, or the grid is too long to be filled.
///
/// ```
/// use sleep_analysis::{AlignMethod, AlignRequest, AlignmentGrid, Column, Signal, align_signal};
///
/// let column = Column::new("hr", vec![60.0, 64.0, 70.0]);
/// let request = AlignRequest {
///     signals: [Signal::new("heart", vec![90, 100, 310], vec![column])?].into(),
///     grid: AlignmentGrid::new(0, 100, 4)?,
///     method: AlignMethod::Nearest,
/// };
/// let aligned = align_signal(&request, &0)?;
/// assert_eq!(aligned.timestamps_ns().collect::<Vec<_>>(), [100, 300]);
/// assert_eq!(aligned.columns()[0].values, [62.0, 70.0]);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn align_signal(request: &AlignRequest, signal_idx: &usize) -> SleepResult<AlignedSignal> {
    let signal = request.signals.get(*signal_idx).ok_or_else(|| {
        SleepError::Config(format!("signal {signal_idx} asked of {}; indexes start at 0", request.signals.len()))
    })?;
    align(signal, &request.grid, request.method)
}

fn align(signal: &Signal, grid: &AlignmentGrid, method: AlignMethod) -> SleepResult<AlignedSignal> {
    require_short_enough(grid)?;
    let rows = match method {
        AlignMethod::Nearest => nearest::nearest(signal, grid)?,
        AlignMethod::Pad => {
            require_increasing(signal)?;
            fill::fill_forward(signal, grid)?
        }
        AlignMethod::Backfill => {
            require_increasing(signal)?;
            fill::fill_backward(signal, grid)?
        }
        AlignMethod::AsOf => {
            require_sorted(signal)?;
            asof::nearest_sample(signal, grid)?
        }
    };
    Ok(AlignedSignal::from_rows(signal, *grid, rows))
}

/// Positions on a grid are kept as 32-bit numbers: 49 days at 1000 Hz.
fn require_short_enough(grid: &AlignmentGrid) -> SleepResult<()> {
    if u32::try_from(grid.count()).is_ok() {
        return Ok(());
    }
    Err(SleepError::Config(format!(
        "a grid of {} points ({} to {} ns) is too long, {} is the most; check for stray timestamps, or ask for a lower rate",
        grid.count(),
        grid.reference_ns(),
        grid.last_ns(),
        u32::MAX
    )))
}

/// Which signals of a set take part, and which of those requested do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignalChoice {
    /// Indexes of the signals that take part, in the order requested: the items of an alignment job.
    pub idxs: Vec<usize>,
    /// Signals that were left out: the name, and why.
    pub left_out: Vec<(String, String)>,
}

/// Picks signals by name, or all of them; leaves out, and says so, what is unknown, empty, or requested again.
///
/// ```
/// use sleep_analysis::{Column, Signal, choose_signals};
///
/// let column = || Column::new("v", vec![1.0]);
/// let signals = [Signal::new("a", vec![0], vec![column()])?, Signal::new("b", vec![0], vec![column()])?];
/// let choice = choose_signals(&signals, Some(&["b", "nope"]));
/// assert_eq!(choice.idxs, [1]);
/// assert_eq!(choice.left_out[0].0, "nope");
/// assert_eq!(choose_signals::<&str>(&signals, None).idxs, [0, 1]);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[must_use]
pub fn choose_signals<N: AsRef<str>>(signals: &[Signal], names: Option<&[N]>) -> SignalChoice {
    let mut choice = SignalChoice::default();
    let mut consider = |name: &str, idx: Option<usize>| match reason_to_leave_out(signals, idx, &choice.idxs) {
        Ok(idx) => choice.idxs.push(idx),
        Err(reason) => choice.left_out.push((name.to_owned(), reason)),
    };
    match names {
        None => signals.iter().enumerate().for_each(|(idx, signal)| consider(signal.name(), Some(idx))),
        Some(names) => names.iter().map(AsRef::as_ref).for_each(|name| {
            consider(name, signals.iter().position(|signal| signal.name() == name));
        }),
    }
    choice
}

fn reason_to_leave_out(signals: &[Signal], idx: Option<usize>, chosen: &[usize]) -> Result<usize, String> {
    match idx {
        None => {
            let known: Vec<&str> = signals.iter().map(Signal::name).collect();
            Err(format!("no signal has this name; there are {}", known.join(", ")))
        }
        Some(idx) if signals[idx].is_empty() => Err("it has no samples".to_owned()),
        Some(idx) if chosen.contains(&idx) => Err("it was asked for before and takes part once".to_owned()),
        Some(idx) => Ok(idx),
    }
}
