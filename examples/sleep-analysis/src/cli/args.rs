//! The arguments, and what each is for. Examples are in `help.rs`.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use consumer_support::Output;
use manyhands::AnyMode;
use manyhands::config::parallel_config;
use sleep_analysis::AlignMethod;
use sleep_analysis::device::DeviceChoice;
use sleep_analysis::parallel::Engine;

use super::feature_choice::FeatureKind;
use super::help::{ALIGN_EXAMPLES, EXAMPLES, FEATURES_EXAMPLES, NIGHT_EXAMPLES, RUN_EXAMPLES, STUDY_EXAMPLES};

/// Sleep-epoch features and signal alignment.
///
/// Without a command: makes a night, computes its features, aligns its signals, and draws it, into sleep-out/.
#[derive(Debug, Parser)]
#[command(name = "sleep-analysis", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) demo: DemoArgs,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Print the licences of the fonts that this program carries, and do nothing else.
    #[arg(long)]
    pub(crate) licences: bool,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How the work runs: serial, threads (for computing), io (for waiting) or processes.
    #[arg(long, global = true, help_heading = "Options of every command", default_value = "threads")]
    pub(crate) mode: AnyMode,
    /// How many workers; without it, as many as the machine has cores to spare.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) workers: Option<usize>,
    /// How many batches of epochs, or signals, a worker takes at a time; without it, by measured time.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) chunk_size: Option<usize>,
    /// Say nothing but errors.
    #[arg(long, short, global = true, help_heading = "Options of every command")]
    pub(crate) quiet: bool,
    /// Print the summary as JSON instead of a table.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a job description: case.json or cases.json, with its signals beside it.
    Run(RunArgs),
    /// Features, alignment and pictures of a recording in EDF or EDF+.
    Night(NightArgs),
    /// Features of many subjects: recordings, folders of CSV files, or synthetic nights.
    Study(StudyArgs),
    /// Epoch features of signals in CSV files.
    Features(FeaturesArgs),
    /// Signals in CSV files, brought to one grid.
    Align(AlignArgs),
}

/// The synthetic night of the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the files go.
    #[arg(long, default_value = "sleep-out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The synthetic night's seed: the same seed makes the same night.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long the synthetic night lasts, in hours.
    #[arg(long, default_value_t = 8.0)]
    pub(crate) hours: f64,
    /// The rate of the common grid in Hz; without it 1, as at the EEG's 100 Hz the table has 2.9 million rows.
    #[arg(long, value_name = "HZ")]
    pub(crate) rate: Option<f64>,
    /// Where the spectra of EEG are computed: cpu, gpu (a graphics processor, in single precision), or auto, which takes a graphics
    /// processor when it is measured to be faster. The default keeps double precision.
    #[arg(long, default_value_t = DeviceChoice::Cpu, value_name = "cpu|gpu|auto")]
    pub(crate) device: DeviceChoice,
}

/// A job description to run.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
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
    /// Where the spectra of EEG are computed: cpu, gpu (a graphics processor, in single precision), or auto, which takes a graphics
    /// processor when it is measured to be faster. The default keeps double precision.
    #[arg(long, default_value_t = DeviceChoice::Cpu, value_name = "cpu|gpu|auto")]
    pub(crate) device: DeviceChoice,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Many subjects.
#[derive(Debug, Args)]
#[command(after_help = STUDY_EXAMPLES)]
pub(crate) struct StudyArgs {
    /// The subjects: recordings in EDF or EDF+, and folders of CSV files, one folder per subject.
    #[arg(required_unless_present_any = ["made", "status", "failed"], conflicts_with = "made")]
    pub(crate) folder: Option<PathBuf>,
    /// Instead of a folder, this many synthetic nights.
    #[arg(long, value_name = "N")]
    pub(crate) made: Option<u32>,
    /// The first synthetic night's seed; the others follow it.
    #[arg(long, default_value_t = 1, conflicts_with = "folder")]
    pub(crate) seed: u64,
    /// How long each synthetic night lasts, in hours.
    #[arg(long, default_value_t = 8.0, conflicts_with = "folder")]
    pub(crate) hours: f64,
    /// The length of an epoch; those of synthetic nights have 30s.
    #[arg(long, default_value = "30s", value_name = "TIME", conflicts_with = "made")]
    pub(crate) epoch: String,
    /// Where features.csv, index.html and the run's own files go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Resume a study that was interrupted, trying failed subjects again; begin it if there is none yet.
    #[arg(long)]
    pub(crate) resume: bool,
    /// With --resume: leave failed subjects as they are.
    #[arg(long, requires = "resume")]
    pub(crate) keep_failed: bool,
    /// With --resume: work again on subjects whose files have changed, and on all after another setting or version.
    #[arg(long, requires = "resume")]
    pub(crate) redo_changed: bool,
    /// Try a subject that cannot be read, or whose worker process died, this many times more.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) retries: u32,
    /// Only print how far the study in --out is, running or not.
    #[arg(long, conflicts_with_all = ["resume", "failed"])]
    pub(crate) status: bool,
    /// Only print which subjects of the study in --out failed, and why.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) failed: bool,
}

/// Signals in CSV files, and what to compute of them.
#[derive(Debug, Args)]
#[command(after_help = FEATURES_EXAMPLES)]
pub(crate) struct FeaturesArgs {
    /// The signals, each as name=file.csv: a header line, integer nanoseconds in the first column (timestamp_ns), samples in the others.
    #[arg(required = true, value_name = "NAME=FILE")]
    pub(crate) signals: Vec<String>,
    /// Where features.csv and summary.json go.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// What is computed, separated by commas or given one by one.
    #[arg(long, value_delimiter = ',', default_value = "statistics")]
    pub(crate) operation: Vec<FeatureKind>,
    /// The length of an epoch; both of its ends belong to it.
    #[arg(long, default_value = "30s", allow_hyphen_values = true)]
    pub(crate) window: String,
    /// From epoch to epoch; without it, the window.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) step: Option<String>,
    /// The start of the first epoch, such as 2024-03-10T22:15:00Z; without it, the earliest sample.
    #[arg(long)]
    pub(crate) start: Option<String>,
    /// The end that every epoch starts before; without it, the latest sample.
    #[arg(long)]
    pub(crate) end: Option<String>,
    /// Which statistics: mean, std, min, max, median, var, or all; without it, mean and std.
    #[arg(long, value_delimiter = ',')]
    pub(crate) aggregations: Option<Vec<String>>,
    /// Which metrics of hrv and movement, or all; without it, the usual ones.
    #[arg(long, value_delimiter = ',')]
    pub(crate) metrics: Option<Vec<String>>,
    /// Which correlation: pearson, spearman or kendall; without it, pearson.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// The column of the first and of the second signal that are correlated; not needed where there is one only.
    #[arg(long, value_delimiter = ',')]
    pub(crate) columns: Option<Vec<String>>,
    /// Heart rate variability from intervals in milliseconds (column rr_interval) instead of heart rate (column hr).
    #[arg(long)]
    pub(crate) rr: bool,
}

/// Signals in CSV files, and the grid to bring them to.
#[derive(Debug, Args)]
#[command(after_help = ALIGN_EXAMPLES)]
pub(crate) struct AlignArgs {
    /// The signals, each as name=file.csv: a header line, integer nanoseconds in the first column (timestamp_ns), samples in the others.
    #[arg(required = true, value_name = "NAME=FILE")]
    pub(crate) signals: Vec<String>,
    /// Where aligned.csv and summary.json go.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The rate of the grid in Hz; without it, the standard rate that the fastest regular signal reaches.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub(crate) rate: Option<f64>,
    /// How samples get onto the grid: nearest, pad (or ffill), backfill (or bfill), asof.
    #[arg(long, default_value_t = AlignMethod::Nearest)]
    pub(crate) method: AlignMethod,
    /// Align only these signals, separated by commas; the grid still spans all of them.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Option<Vec<String>>,
}

/// The arguments of the demo. A command has its own, and would ignore these.
const DEMO_FLAGS: [&str; 5] = ["out", "seed", "hours", "rate", "device"];

impl Cli {
    /// The arguments of this process; ends it with a hint and code 2 when they are invalid.
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
    DEMO_FLAGS.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}

impl Common {
    /// How many workers the mode may use.
    pub(crate) fn n_workers(&self) -> usize {
        let config = parallel_config();
        let of_config = match self.mode {
            AnyMode::Serial => return 1,
            AnyMode::IoThreads => config.max_workers_io(),
            _ => config.max_workers_cpu(),
        };
        self.workers.unwrap_or_else(|| of_config.get())
    }

    /// An engine with these settings, which shows its progress on this output.
    pub(crate) fn engine(&self, output: &Output) -> Engine {
        let mut engine = Engine::new(self.mode).progress(Box::new(output.progress_line()));
        if let Some(workers) = self.workers {
            engine = engine.workers(workers);
        }
        if let Some(size) = self.chunk_size {
            engine = engine.chunk_size(size);
        }
        engine
    }
}
