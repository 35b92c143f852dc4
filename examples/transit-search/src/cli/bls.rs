//! `bls`: the best box of one light curve at each of many periods.

use std::io;

use consumer_support::{ExitStatus, Output};
use manyhands::report::write_atomically;
use manyhands::{Threads, parallel_map};
use transit_search::{BoxFit, BoxSearch, LightCurve, RawCurve, TransitError, linear_periods};

use super::Refusal;
use super::args::BlsArgs;
use super::extract::number;

const COLUMNS: [&str; 8] =
    ["period", "power", "depth", "depth_err", "duration", "transit_time", "depth_snr", "log_likelihood"];

pub(super) fn bls(args: &BlsArgs, output: &Output) -> Result<ExitStatus, Refusal> {
    let (curve, search) = requested(args).map_err(|error| error.to_string())?;
    let prepared = search.prepare(&curve).map_err(|error| error.to_string())?;
    let fits = parallel_map(Threads, &search.periods, |&period| prepared.worker().fit(period));
    let fits = fits.map_err(|error| error.to_string())?;
    write_atomically(&args.out, |file| write_table(file, &fits)).map_err(|why| why.to_string())?;
    match transit_search::best_fit(&fits) {
        Some((_, best)) => output.result(&format!(
            "best period {} days, power {}, depth {}, duration {} days, mid-transit at {}",
            best.period, best.power, best.depth, best.duration, best.transit_time
        )),
        None => output.result(&"no box fits at any period"),
    }
    Ok(ExitStatus::Done)
}

fn requested(args: &BlsArgs) -> Result<(LightCurve, BoxSearch), TransitError> {
    let curve = LightCurve::of(&RawCurve::read(&args.curve)?)?;
    curve.require_variation()?;
    let periods = linear_periods(args.period_start, args.period_stop, args.periods)?;
    let longest = args.period_start.max(args.period_stop);
    if longest > curve.span() {
        return Err(TransitError::GridBeyondSpan { longest, span: curve.span() });
    }
    let search = BoxSearch {
        periods,
        durations: args.durations.clone(),
        oversample: args.oversample,
        objective: args.objective.into(),
        weights: args.weights.into(),
    };
    Ok((curve, search))
}

fn write_table(file: &mut dyn io::Write, fits: &[BoxFit]) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(file);
    table.write_record(COLUMNS)?;
    for fit in fits {
        let BoxFit { period, power, depth, depth_err, duration, transit_time, depth_snr, log_likelihood } = *fit;
        let fields = [period, power, depth, depth_err, duration, transit_time, depth_snr, log_likelihood];
        table.write_record(fields.map(number))?;
    }
    table.flush()
}
