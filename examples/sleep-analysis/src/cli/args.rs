//! The arguments, and the help that teaches them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use manyhands::AnyMode;
use sleep_analysis::parallel::Hands;

use super::voice::Voice;

/// Sleep-epoch features and signal alignment.
///
/// Without a command: makes a night, computes its features, aligns its signals, and draws it, into sleep-out/.
#[derive(Debug, Parser)]
#[command(name = "sleep-analysis", version)]
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
    #[arg(long, default_value = "sleep-out")]
    pub(crate) out: PathBuf,
    /// The made night's seed: the same seed makes the same night.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
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
pub(crate) struct NightArgs {
    /// The recording.
    pub(crate) file: PathBuf,
    /// Only these channels, by their names, separated by commas or given one by one.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    pub(crate) channels: Option<Vec<String>>,
    /// The length of an epoch.
    #[arg(long, default_value = "30s")]
    pub(crate) epoch: String,
    /// The rate of the common grid in Hz; without it, by the fastest channel.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Where the files go.
    #[arg(long)]
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

impl Common {
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
