//! All signals of the night on one grid, in one table.

use consumer_support::Output;
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    AlignMethod, AlignRequest, AlignedTable, AlignmentGrid, SignalTiming, SleepResult, combine, target_rate_hz,
};

use super::{GridRate, Night};
use crate::cli::signal_files::require_fitting_table;

/// Every sample counts: where the grid is slower than a signal, a point holds the mean of the samples nearest to it.
const METHOD: AlignMethod = AlignMethod::Nearest;

/// A table of more cells than this takes minutes to write and gigabytes to keep.
const MANY_CELLS: usize = 50_000_000;

/// Rates closer than this share of each other are one rate.
const SAME_RATE: f64 = 1e-3;

/// The aligned signals, and how they were aligned.
pub(crate) struct Alignment {
    pub(crate) table: AlignedTable,
    pub(crate) rate_hz: f64,
    /// How the rate was found, as half a sentence.
    pub(crate) why_rate: String,
    pub(crate) method: AlignMethod,
    pub(crate) n_signals: usize,
    /// The rate of each signal of the night.
    pub(crate) rates_hz: Vec<Option<f64>>,
}

/// Brings every signal to the grid; one that cannot be aligned is left out by name.
pub(crate) fn align(night: &mut Night, engine: &Engine, output: &Output) -> SleepResult<Alignment> {
    let timings: Vec<Option<SignalTiming>> = (0..night.signals.len()).map(|idx| timing(night, idx)).collect();
    let rates_hz = timings.iter().map(|timing| timing.and_then(|timing| timing.rate_hz)).collect();
    let timings: Vec<SignalTiming> = timings.into_iter().flatten().collect();
    let (rate_hz, why_rate) = choose_rate(night, &timings)?;
    let grid = AlignmentGrid::covering(&timings, rate_hz)?;
    require_fitting_table(&grid, night.signals.iter())?;
    warn_of_size(night, &grid, output);
    let request = AlignRequest { signals: night.signals.clone(), grid, method: METHOD };
    let idxs: Vec<usize> = (0..night.signals.len()).collect();
    let mut aligned = Vec::new();
    for (result, &idx) in engine.align(&request, &idxs)?.into_iter().zip(&idxs) {
        match result {
            Ok(signal) => aligned.push(signal),
            Err(error) => {
                let name = night.signals[idx].name().to_owned();
                night.remarks.left_out(&format!("{name} in aligned.csv"), error);
            }
        }
    }
    let n_signals = aligned.len();
    Ok(Alignment { table: combine(&grid, aligned)?, rate_hz, why_rate, method: METHOD, n_signals, rates_hz })
}

/// First and last sample, and the rate: as the source states it, else as the timestamps show it.
fn timing(night: &Night, idx: usize) -> Option<SignalTiming> {
    let timestamps = night.signals[idx].timestamps_ns();
    match night.channels[idx].rate_hz {
        None => SignalTiming::from_timestamps(timestamps),
        rate_hz => Some(SignalTiming { earliest_ns: *timestamps.first()?, latest_ns: *timestamps.last()?, rate_hz }),
    }
}

fn choose_rate(night: &mut Night, timings: &[SignalTiming]) -> SleepResult<(f64, String)> {
    let (asked_hz, why) = match night.grid_rate {
        GridRate::Requested(rate_hz) => (Some(rate_hz), "as asked for".to_owned()),
        GridRate::Chosen(rate_hz, why) => (Some(rate_hz), why.to_owned()),
        GridRate::Automatic if timings.iter().all(|timing| timing.rate_hz.is_none()) => {
            (None, "as no signal is regular".to_owned())
        }
        GridRate::Automatic => (None, "the highest standard rate that the fastest regular signal reaches".to_owned()),
    };
    let rate_hz = target_rate_hz(timings, asked_hz)?;
    if matches!(night.grid_rate, GridRate::Requested(_)) {
        warn_of_strange_rate(night, timings, rate_hz);
    }
    Ok((rate_hz, why))
}

fn warn_of_strange_rate(night: &mut Night, timings: &[SignalTiming], rate_hz: f64) {
    let mut known: Vec<f64> = timings.iter().filter_map(|timing| timing.rate_hz).collect();
    if known.iter().any(|known| (known / rate_hz - 1.0).abs() < SAME_RATE) {
        return;
    }
    known.sort_by(f64::total_cmp);
    known.dedup_by(|one, other| (*one / *other - 1.0).abs() < SAME_RATE);
    let known: Vec<String> = known.iter().map(|rate| super::text::number(*rate)).collect();
    night.remarks.warn(
        "rate",
        format!(
            "no signal is sampled at {rate_hz} Hz (there are {} Hz), so samples move or are averaged to reach the grid",
            known.join(", ")
        ),
    );
}

fn warn_of_size(night: &mut Night, grid: &AlignmentGrid, output: &Output) {
    let n_columns: usize = night.signals.iter().map(|signal| signal.columns().len()).sum();
    if grid.count().saturating_mul(n_columns) > MANY_CELLS {
        let size = format!("{} rows of {n_columns} columns; --rate 1 makes it smaller", grid.count());
        output.warning(&format!("aligned.csv will have {size}")); // now, while there is time to think again
        night.remarks.warn("aligned.csv", size);
    }
}
