//! The arguments of all commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use consumer_support::flag_values::{at_least_one, memory_size};
use manyhands::AnyMode;

/// Turns folders of frames into arrays of landmarks: body, hands and face.
///
/// Without a command: a set of drawn frames, extracted with a small model that the program carries, into landmarks-out/.
#[derive(Debug, Parser)]
#[command(name = "landmark-extraction", version, max_term_width = 100, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) made: MadeArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The drawn set.
#[derive(Debug, Args)]
pub(super) struct MadeArgs {
    /// Where the drawn frames, the arrays and the page go.
    #[arg(long, default_value = "landmarks-out", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// How many samples are drawn.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = at_least_one)]
    pub(super) samples: usize,
    /// How many frames each sample has.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = at_least_one)]
    pub(super) frames: usize,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// How the work runs. Worker processes survive a crash and hold a time limit; threads share one copy of the models; serial is
    /// one sample after the other.
    #[arg(long, global = true, help_heading = "Options of every command", default_value = "processes", value_name = "processes|threads|serial", value_parser = mode)]
    pub(super) mode: AnyMode,
    /// How many workers [default: the cores but one, at least 2, at most 4].
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "N", value_parser = at_least_one)]
    pub(super) workers: Option<usize>,
    /// Say nothing but errors.
    #[arg(long, short, global = true, help_heading = "Options of every command")]
    pub(super) quiet: bool,
    /// Print the summary as JSON instead of lines.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(super) json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Extract the landmarks of all samples of a data set; goes on where an earlier run ended.
    #[command(after_help = EXTRACT_HELP)]
    Extract(ExtractArgs),
    /// Read every array of a run back, and name what is damaged, missing or foreign.
    Verify(VerifyArgs),
    /// Get the models.
    Models(ModelsArgs),
    /// Answer a file of cases: single pictures, or single networks.
    Run(RunArgs),
}

/// Samples to extract.
#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The data set: DATA/<split>/<sample>/ with the frames of a sample.
    #[arg(required_unless_present = "status")]
    pub(super) data: Option<PathBuf>,
    /// Where the arrays go: DIR/<split>/<sample>.npy, and a page over all.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Which split: train, dev, test, another folder of DATA, or all, which is those of the three that are there.
    #[arg(long, default_value = "all", value_name = "train|dev|test|all")]
    pub(super) split: String,
    /// The folder of the models, or `made` for the small one that the program carries, which knows drawn frames only
    /// [default: the folder models here].
    #[arg(long, value_name = "DIR|made")]
    pub(super) models: Option<PathBuf>,
    /// The memory that all of this may take, such as 2G or 800M: there are only as many workers as fit, by what one was measured to
    /// take.
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub(super) memory: Option<u64>,
    /// After how many samples checkpoint.json is written.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one)]
    pub(super) checkpoint_every: usize,
    /// Take every n-th row of a sample: rows 0, n, 2n and so on, missing ones counted.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(super) stride: usize,
    /// The footage is mirrored, as a selfie is: left and right hands change places.
    #[arg(long)]
    pub(super) mirrored: bool,
    /// How long a sample may take, in seconds; one that takes longer fails by name. Needs --mode processes: a thread cannot be ended.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(super) time_limit: Option<Duration>,
    /// Extract everything again that was made with other settings or another version.
    #[arg(long)]
    pub(super) redo_changed: bool,
    /// Only print how far the run in --out is, running or not.
    #[arg(long, conflicts_with_all = ["data", "redo_changed"])]
    pub(super) status: bool,
}

/// Arrays to read back.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The folder that `extract` wrote to.
    pub(super) dir: PathBuf,
}

/// The models.
#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    pub(super) command: ModelsCommand,
}

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Take the models out of a wheel of the Python package mediapipe, and check them.
    Unpack(UnpackArgs),
}

/// A wheel to unpack.
#[derive(Debug, Args)]
pub(super) struct UnpackArgs {
    /// The wheel, such as mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl.
    pub(super) wheel: PathBuf,
    /// Where the models go.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(super) to: PathBuf,
}

/// A file of cases.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The cases, such as cases.json or tensors.json.
    pub(super) file: PathBuf,
    /// The folder of the models.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(super) models: PathBuf,
    /// Where the answers go: results.json and the numbers as .f32 files.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// One worker fewer than there are cores, at least 2 and at most 4.
pub(super) fn usual_workers(cores: usize) -> usize {
    cores.saturating_sub(1).clamp(2, 4)
}

fn mode(text: &str) -> Result<AnyMode, String> {
    let known = || format!("{text:?} is none of processes, threads, serial");
    match text.parse() {
        Ok(AnyMode::IoThreads) | Err(_) => Err(known()),
        Ok(mode) => Ok(mode),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is no time limit; give seconds above zero, such as 90 or 0.5");
    let seconds: f64 = text.trim().trim_end_matches('s').parse().map_err(|_| refuse())?;
    let limit = Duration::try_from_secs_f64(seconds).map_err(|_| refuse())?;
    if limit.is_zero() { Err(refuse()) } else { Ok(limit) }
}

const EXAMPLES: &str = "\
Examples:
  landmark-extraction                                  drawn frames, into landmarks-out/
  landmark-extraction extract DATA --out landmarks     DATA/train/a/0001.png -> landmarks/train/a.npy
  landmark-extraction extract DATA --out landmarks --split dev --workers 4
  landmark-extraction extract --out landmarks --status how far it is, from another terminal
  landmark-extraction verify landmarks                 is every array whole?
  landmark-extraction models unpack mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl

Exit code 0: all done, 1: something failed or is damaged, 2: could not run, 130 and 143: ended by
Ctrl+C and SIGTERM.";

const EXTRACT_HELP: &str = "\
Examples:
  landmark-extraction extract DATA --out landmarks
  landmark-extraction extract DATA --out landmarks --mode threads --workers 2 --memory 1G
  landmark-extraction extract DATA --out landmarks --stride 2 --time-limit 600
  landmark-extraction extract --out landmarks --status

Frames are the PNG files of a sample's folder in natural order (f2 before f10); JPEG files only
where there is no PNG. An array has a row of 1662 32-bit numbers for each frame: 33 points of the
body with visibility, 21 of the left and 21 of the right hand, 468 of the face; x by width, y by
height. What was not found is NaN, and so is the whole row of a torn or missing frame, which a
warning names.

Writes into DIR/<split>/: <sample>.npy, extraction_metrics.csv (a row for each sample),
extraction_summary.json, failed_samples.json, checkpoint.json, and run/ with the journal; and
DIR/index.html. The arrays are the same bytes whatever the mode, the workers, and the breaks.

The same command again goes on: samples whose array reads back whole, from the same frames, are
not done again. Rows of a sample that was interrupted are kept, too. After Ctrl+C or SIGTERM the
samples at work are finished; a second signal ends the program at once. A sample that fails, or
whose worker dies twice, is named and costs no other; the next run tries it again.

Exit code 0: all done, 1: some samples failed, 2: no sample could be extracted, 130: ended by
Ctrl+C, 143: by SIGTERM.";

/// The arguments of the command-less call. A command has its own, and would ignore these.
const MADE_FLAGS: [&str; 3] = ["out", "samples", "frames"];

impl Cli {
    /// The arguments of this process; ends it with a hint and code 2 when they are invalid.
    pub(super) fn checked() -> Self {
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
    MADE_FLAGS.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_leave_a_core_and_are_two_to_four() {
        assert_eq!([1, 2, 3, 4, 5, 6, 64].map(usual_workers), [2, 2, 2, 3, 4, 4, 4]);
        assert_eq!(usual_workers(0), 2);
    }

    #[test]
    fn values_are_refused_with_the_way_out() {
        assert!(mode("threads").is_ok() && mode("io").is_err() && mode("gpu").unwrap_err().contains("processes"));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "soon", "nan", "inf", "1e300", ""] {
            assert!(seconds(text).unwrap_err().contains("such as 90"), "{text}");
        }
    }

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
