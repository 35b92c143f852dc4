//! `bls`: the best box of one light curve at each of many periods.

use std::io;

use consumer_support::{ExitStatus, Output};
use gpu::{Chosen, DeviceChoice, Ran};
use manyhands::config::parallel_config;
use manyhands::report::write_atomically;
use manyhands::{Threads, parallel_map};
use transit_search::{
    BoxFit, BoxSearch, DeviceFits, DeviceSearch, LightCurve, PreparedSearch, RawCurve, TransitError, linear_periods,
};

use super::args::BlsArgs;
use super::extract::number;
use super::{Refusal, device};

const COLUMNS: [&str; 8] =
    ["period", "power", "depth", "depth_err", "duration", "transit_time", "depth_snr", "log_likelihood"];

/// The column that a table has where a device computed a part of it.
const COMPUTED_BY: &str = "computed_by";

pub(super) fn bls(args: &BlsArgs, output: &Output) -> Result<ExitStatus, Refusal> {
    let (curve, search) = requested(args).map_err(|error| error.to_string())?;
    let prepared = search.prepare(&curve).map_err(|error| error.to_string())?;
    let choice = choice(args)?;
    let chosen = device::for_periods(choice, &prepared, &search.periods, parallel_config().max_workers_cpu());
    device::warn(&chosen, output);
    let on_device = chosen.device.as_ref().and_then(|device| {
        let found = DeviceSearch::new(device).and_then(|on_device| on_device.run(&prepared, &search.periods));
        // One line: nothing is lost, the cores search.
        found.inspect_err(|fault| device::warn(&Chosen::cores_because(fault), output)).ok()
    });
    let (fits, ran) = match on_device {
        Some(found) => (found, chosen.ran()),
        None => (on_cores(&prepared, &search.periods)?, Ran::Cpu),
    };
    write_atomically(&args.out, |file| write_table(file, &fits, &ran)).map_err(|why| why.to_string())?;
    match transit_search::best_fit(&fits.fits) {
        Some((_, best)) => output.result(&format!(
            "best period {} days, power {}, depth {}, duration {} days, mid-transit at {}",
            best.period, best.power, best.depth, best.duration, best.transit_time
        )),
        None => output.result(&"no box fits at any period"),
    }
    let summary = device::summary(&ran.to_string(), chosen.measured.as_deref());
    output.result(&format!("device {summary}{}", share_fitted_again(&fits, &ran)));
    Ok(ExitStatus::Done)
}

/// Single precision is never exact.
fn choice(args: &BlsArgs) -> Result<DeviceChoice, Refusal> {
    match args.device {
        DeviceChoice::Gpu if args.exact => {
            Err("--exact asks for numbers that --device gpu does not have; leave out one of them".to_owned())
        }
        DeviceChoice::Auto if args.exact => Ok(DeviceChoice::Cpu),
        given => Ok(given),
    }
}

fn on_cores(prepared: &PreparedSearch, periods: &[f64]) -> Result<DeviceFits, Refusal> {
    let fits = parallel_map(Threads, periods, |&period| prepared.worker().fit(period));
    let fits = fits.map_err(|error| error.to_string())?;
    Ok(DeviceFits { is_fitted_again: vec![true; fits.len()], fits })
}

/// How many fits of a device are those of the cores.
fn share_fitted_again(fits: &DeviceFits, ran: &Ran) -> String {
    let n_again = fits.is_fitted_again.iter().filter(|again| **again).count();
    match ran {
        Ran::Cpu => String::new(),
        Ran::Gpu { .. } => {
            format!("; {n_again} of {} periods, the best ones, again by the cores in double precision", fits.fits.len())
        }
    }
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

/// A table of the cores alone has no column that says so.
fn write_table(file: &mut dyn io::Write, fits: &DeviceFits, ran: &Ran) -> io::Result<()> {
    let device = if *ran == Ran::Cpu { None } else { Some(ran.to_string()) };
    let cores = Ran::Cpu.to_string();
    let mut table = csv::Writer::from_writer(file);
    table.write_record(COLUMNS.into_iter().chain(device.as_ref().map(|_| COMPUTED_BY)))?;
    for (fit, &is_fitted_again) in fits.fits.iter().zip(&fits.is_fitted_again) {
        let BoxFit { period, power, depth, depth_err, duration, transit_time, depth_snr, log_likelihood } = *fit;
        let fields = [period, power, depth, depth_err, duration, transit_time, depth_snr, log_likelihood];
        let by = device.as_ref().map(|device| if is_fitted_again { cores.clone() } else { device.clone() });
        table.write_record(fields.map(number).into_iter().chain(by))?;
    }
    table.flush()
}
