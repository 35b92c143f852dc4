//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use transit_search::{Objective, Profile, Weights};

/// Box least squares and features of light curves.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Extract the features of many light curves into one table
    #[command(after_help = EXTRACT_EXAMPLES)]
    Extract(ExtractArgs),
    /// Search one light curve for boxes at each of many periods
    #[command(after_help = BLS_EXAMPLES)]
    Bls(BlsArgs),
}

const EXTRACT_EXAMPLES: &str = "\
Examples:
  transit-search extract --made 200 --out found
  transit-search extract candidates --out found --mode processes --workers 12
  transit-search extract list.csv --out found --resume    go on after a break
  transit-search extract --made 200 --out found --test 10

A folder holds a folder per sample, with lightcurve.csv (time_days,flux,flux_err) or lightcurve.fits, and input.json (label,
target_id, toi, period_days, duration_hours, depth_ppm, epoch_days). A list has the columns
sample,path,label,target_id,toi,period_days,duration_hours,depth_ppm,epoch_days; its paths are as seen from the list.
A FITS file has a table with TIME and PDCSAP_FLUX, KSPSAP_FLUX, DET_FLUX, SAP_FLUX or FLUX, the first that is there, and its
errors, such as PDCSAP_FLUX_ERR; fluxes in a unit are divided by their median. epoch_days is on the clock of the file.
Nothing is downloaded, and no data is made up: a light curve that is missing or cannot be used fails by name.

Writes features.csv (sample, label, target_id, toi and 27 features, in the order of the samples; what was not measured is
nan), index.html with pictures of the best candidates, and run/ with the journal, summary.json, metrics.csv and
failed.jsonl. The table is the same, byte by byte, in all modes and whatever breaks there were. The five features of
transit least squares are nan without --tls; the profile seed has the notebook's constants in their place.

--device gpu looks for the boxes on a graphics processor, in single precision, and computes the best periods again by the
cores: the features are the same. Each process has a device of its own. A program has devices when it was built with
--features gpu. Where there is none, or it fails half-way, the cores search, and one line says so. --device auto takes
the cores unless the search is long and the device was measured to be faster. --resume goes on only where the run was
begun: cpu, or that device.

Each sample is saved as it is finished. Ctrl+C or SIGTERM lets the running ones finish; a second one does not. --resume goes
on, and tries again what had failed.

Exit code 0: all done, 1: a sample failed, 2: could not run, 130: ended by Ctrl+C, 143: by SIGTERM.";

const BLS_EXAMPLES: &str = "\
Example:
  transit-search bls lightcurve.csv --period-start 0.5 --period-stop 13.5 --periods 1500 \\
      --durations 0.05,0.1,0.2 --oversample 10 --objective likelihood --weights err --exact --out bls.csv

The period at i is start + i * ((stop - start) / (periods - 1)), in days. Writes the columns period, power, depth,
depth_err, duration, transit_time, depth_snr and log_likelihood.

--device gpu looks for the boxes on a graphics processor, in single precision. The best periods, and those that it may
see otherwise, are computed again by the cores: the best fit is theirs to the last bit. The other powers are right within
0.001 of the best one, and a column computed_by says for each period what computed it. A program has devices when it was
built with --features gpu. Where there is none, or it fails, the cores search, and one line says so. --device auto takes
the cores unless the search is long and the device was measured to be faster.";

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// A folder with a folder per sample, or a list in CSV
    #[arg(required_unless_present = "made")]
    pub(super) input: Option<PathBuf>,
    /// Make this many synthetic light curves instead
    #[arg(long, value_name = "N", conflicts_with = "input")]
    pub(super) made: Option<u64>,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Which rules: calibrated, or seed for those of the notebook with its defects
    #[arg(long, default_value = "calibrated")]
    pub(super) profile: Profile,
    /// Search for no boxes: use the catalogue's transit instead
    #[arg(long)]
    pub(super) no_bls: bool,
    /// Transit least squares too, in the profile calibrated: many times as long
    #[arg(long)]
    pub(super) tls: bool,
    /// Where boxes are searched for: auto, cpu or gpu. The best fit is the same to the last bit
    #[arg(long, value_name = "auto|cpu|gpu", default_value_t)]
    pub(super) device: gpu::DeviceChoice,
    /// How samples are computed: serial, threads or processes
    #[arg(long, default_value = "processes")]
    pub(super) mode: manyhands::AnyMode,
    /// How many workers [default: by the machine]
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<usize>,
    /// How many samples a worker takes at a time; by measured time without it. Each is saved by itself in any case
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<usize>,
    /// Go on with what is in --out, or begin where there is nothing yet
    #[arg(long)]
    pub(super) resume: bool,
    /// Time the first N samples, one after the other and in parallel, and write nothing
    #[arg(long, value_name = "N")]
    pub(super) test: Option<usize>,
    /// One object of JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct BlsArgs {
    /// A table with the columns time_days, flux and flux_err
    pub(super) curve: PathBuf,
    /// The first trial period, days
    #[arg(long, value_name = "D")]
    pub(super) period_start: f64,
    /// The last trial period, days
    #[arg(long, value_name = "D")]
    pub(super) period_stop: f64,
    /// How many trial periods
    #[arg(long, value_name = "N")]
    pub(super) periods: usize,
    /// Durations of boxes, days
    #[arg(long, value_name = "D,D,...", value_delimiter = ',', required = true)]
    pub(super) durations: Vec<f64>,
    /// Bins in the shortest duration
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) oversample: usize,
    /// What a box is judged by
    #[arg(long, value_enum, default_value = "likelihood")]
    pub(super) objective: AskedObjective,
    /// What each point counts: 1/error², or 1
    #[arg(long, value_enum, default_value = "err")]
    pub(super) weights: AskedWeights,
    /// Where boxes are searched for: auto, cpu or gpu. The best fit is the same to the last bit
    #[arg(long, value_name = "auto|cpu|gpu", default_value_t)]
    pub(super) device: gpu::DeviceChoice,
    /// The reference's numbers, bit by bit, of all periods: what the cores do in any case, and no device does
    #[arg(long)]
    pub(super) exact: bool,
    /// As fast as can be: what is done in any case, for the exact search is the fast one
    #[arg(long)]
    pub(super) fast: bool,
    /// The table to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AskedObjective {
    Likelihood,
    Snr,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AskedWeights {
    Err,
    Unit,
}

impl From<AskedObjective> for Objective {
    fn from(asked: AskedObjective) -> Self {
        match asked {
            AskedObjective::Likelihood => Self::Likelihood,
            AskedObjective::Snr => Self::Snr,
        }
    }
}

impl From<AskedWeights> for Weights {
    fn from(asked: AskedWeights) -> Self {
        match asked {
            AskedWeights::Err => Self::Errors,
            AskedWeights::Unit => Self::Unit,
        }
    }
}
