//! The arguments, and the help that teaches them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use manyhands::{AnyMode, parallel_config};
use sleep_analysis::parallel::Hands;

use super::voice::Voice;

/// Sleep-epoch features and signal alignment.
///
/// Without a command: makes a night, computes its features, aligns its signals, and draws it, into sleep-out/.
#[derive(Debug, Parser)]
#[command(name = "sleep-analysis", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) made_night: MadeNightArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How the work runs: serial, threads (for computing) or io (for waiting).
    #[arg(long, global = true, default_value = "threads")]
    pub(crate) mode: AnyMode,
    /// How many workers; without it, as many as the machine has cores to spare.
    #[arg(long, global = true)]
    pub(crate) workers: Option<usize>,
    /// How many batches of epochs, or signals, a worker takes at a time; without it, by measured time.
    #[arg(long, global = true)]
    pub(crate) chunk_size: Option<usize>,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print the summary as JSON instead of a table.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry out a job description: case.json or cases.json, with its signals beside it.
    Run(RunArgs),
    /// Features, alignment and pictures of a recording in EDF or EDF+.
    Night(NightArgs),
    /// Epoch features of signals in CSV files.
    Features(FeaturesArgs),
    /// Signals in CSV files, brought to one grid.
    Align(AlignArgs),
}

/// The made night of the main job.
#[derive(Debug, Args)]
pub(crate) struct MadeNightArgs {
    /// Where the files go.
    #[arg(long, default_value = "sleep-out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The made night's seed: the same seed makes the same night.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long the made night lasts, in hours.
    #[arg(long, default_value_t = 8.0)]
    pub(crate) hours: f64,
    /// The rate of the common grid in Hz; without it 1, as at the EEG's 100 Hz the table has 2.9 million rows.
    #[arg(long, value_name = "HZ")]
    pub(crate) rate: Option<f64>,
}

/// A job description to carry out.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The job description.
    pub(crate) job: PathBuf,
    /// Where the tables and result.json go.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// A recording.
#[derive(Debug, Args)]
#[command(after_help = NIGHT_EXAMPLES)]
pub(crate) struct NightArgs {
    /// The recording, in EDF or EDF+.
    pub(crate) file: PathBuf,
    /// Only these channels, by their names, separated by commas or given one by one.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "NAME")]
    pub(crate) channels: Option<Vec<String>>,
    /// The length of an epoch.
    #[arg(long, default_value = "30s", value_name = "TIME")]
    pub(crate) epoch: String,
    /// The rate of the common grid in Hz; without it, the highest standard rate that the fastest channel reaches.
    #[arg(long, value_name = "HZ")]
    pub(crate) rate: Option<f64>,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Signals in CSV files, and what to compute of them.
#[derive(Debug, Args)]
pub(crate) struct FeaturesArgs {
    /// The signals, each as name=file.csv.
    #[arg(required = true)]
    pub(crate) signals: Vec<String>,
    /// Where features.csv goes.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// Signals in CSV files, and the grid to bring them to.
#[derive(Debug, Args)]
pub(crate) struct AlignArgs {
    /// The signals, each as name=file.csv.
    #[arg(required = true)]
    pub(crate) signals: Vec<String>,
    /// Where aligned.csv goes.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  sleep-analysis                          a made night, into sleep-out/
  sleep-analysis --seed 7 --hours 2       another, shorter one
  sleep-analysis night rec.edf --out rec  a recording, into rec/
  sleep-analysis run case.json --out out  a job description

Open sleep-out/index.html first: it shows the night and names what is missing.
features.csv holds a row per epoch, aligned.csv all signals on one grid, and
summary.json the counts, the times and the failures for programs.

Exit code 0: all done, 1: something failed or was left out, 2: could not run.";

const NIGHT_EXAMPLES: &str = "\
Examples:
  sleep-analysis night rec.edf --out rec
  sleep-analysis night rec.edf --out rec --channels C3-M2,\"Heart Rate\" --rate 10

All channels get statistics. By its label and unit a channel is taken for EEG
or EOG (band powers, entropies; converted to microvolts), heart rate, an axis of
acceleration, or oxygen saturation. Scored stages are read from the annotations.

At the automatic rate a whole night with many channels makes an aligned.csv of
gigabytes; --rate 1 makes it small.";

/// The arguments of the main job. A command has its own, and would ignore these.
const MADE_NIGHT: [&str; 4] = ["out", "seed", "hours", "rate"];

impl Cli {
    /// The arguments of this process; ends it with a hint and code 2 when they make no sense.
    pub(crate) fn checked() -> Self {
        let matches = Self::command().get_matches();
        if let Some(stray) = stray_argument(&matches) {
            let hint = format!("--{stray} in front of a command belongs to none; write it behind the command");
            Self::command().error(ErrorKind::ArgumentConflict, hint).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn stray_argument(matches: &ArgMatches) -> Option<&'static str> {
    matches.subcommand_name()?;
    MADE_NIGHT.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}

impl Common {
    /// How many workers the mode may use.
    pub(crate) fn n_workers(&self) -> usize {
        let config = parallel_config();
        let of_config = match self.mode {
            AnyMode::Threads => config.max_workers_cpu(),
            AnyMode::IoThreads => config.max_workers_io(),
            _ => return 1, // serial
        };
        self.workers.or(of_config.ok().map(NonZeroUsize::get)).unwrap_or(1)
    }

    /// Hands that work as asked, and tell the voice how far they are.
    pub(crate) fn hands(&self, voice: &Voice) -> Hands {
        let mut hands = Hands::new(self.mode).progress(voice.progress());
        if let Some(workers) = self.workers {
            hands = hands.workers(workers);
        }
        if let Some(size) = self.chunk_size {
            hands = hands.chunk_size(size);
        }
        hands
    }
}
