//! The arguments, and the help that teaches them.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use consumer_support::flag_values::{at_least_one, memory_size};
use eeg_artifact::ChannelKind;
use eeg_artifact::files::{FileKind, ReadSettings};
use manyhands::AnyMode;

use super::thresholds::Thresholds;

/// Removes the artifacts of a scanner from EEG.
///
/// Without a command: makes a recording whose truth is known, cleans it, and shows how well, in eeg-out/.
#[derive(Debug, Parser)]
#[command(name = "eeg-artifact", version, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) demo: DemoArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The made recording.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where the results go.
    #[arg(long, default_value = "eeg-out", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Where the random numbers of the made recording begin: the same seed makes the same recording.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// How long the made recording is, in seconds.
    #[arg(long, default_value_t = 60.0)]
    pub(super) seconds: f64,
    /// How many EEG channels the made recording has, beside ECG, EOG and the stimulus channel.
    #[arg(long = "eeg-channels", default_value_t = 30, value_name = "N")]
    pub(super) channels: usize,
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// How the work runs: serial, threads (for computing), io (for waiting) or processes.
    #[arg(long, global = true, help_heading = "Options of every command", default_value = "threads")]
    pub(super) mode: AnyMode,
    /// How many workers; without it, as many as the machine has cores to spare.
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "N", value_parser = at_least_one)]
    pub(super) workers: Option<usize>,
    /// How many channels, or files, a worker takes at a time; without it, by measured time.
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "N", value_parser = at_least_one)]
    pub(super) chunk_size: Option<usize>,
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
    /// Clean recordings: EDF, EDF+, BDF or BrainVision, one or many.
    #[command(after_help = CLEAN_EXAMPLES)]
    Clean(CleanArgs),
    /// Run a job description: a recording as raw numbers, and steps; results as raw numbers.
    #[command(after_help = RUN_FORMAT)]
    Run(RunArgs),
    /// Time a recording with 1 to N workers in threads and processes, draw it, and say whether parallel work pays.
    Scaling(ScalingArgs),
    /// List every step, its parameters, and whether its channels are processed in parallel.
    Steps,
}

/// Recordings to clean.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// Recordings, and folders of recordings (.edf, .bdf, .vhdr; hidden files are not looked at).
    #[arg(required_unless_present_any = ["status", "failed"])]
    pub(super) inputs: Vec<PathBuf>,
    /// Where the results go: a folder for each recording, a page over all, and run/ with the journal.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) thresholds: Thresholds,
    /// What is written: edf (EDF+, 16 bits) or brainvision (32 bits of floating point).
    #[arg(long, default_value = "edf", value_name = "KIND")]
    pub(super) format: FileKind,
    /// The memory that all recordings at work may take together, such as 4G or 800M. A recording that needs more is kept in files and
    /// runs alone.
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub(super) memory: Option<u64>,
    /// Go on with what is in --out, trying failed recordings again; begin where there is nothing yet.
    #[arg(long)]
    pub(super) resume: bool,
    /// With --resume: leave failed recordings as they are.
    #[arg(long, requires = "resume")]
    pub(super) keep_failed: bool,
    /// With --resume: clean again what has changed since, and everything after another setting or version.
    #[arg(long, requires = "resume")]
    pub(super) redo_changed: bool,
    /// Only print how far the run in --out is, running or not.
    #[arg(long, conflicts_with_all = ["resume", "failed", "inputs"])]
    pub(super) status: bool,
    /// Only print which recordings of the run in --out failed, and why.
    #[arg(long, conflicts_with_all = ["resume", "inputs"])]
    pub(super) failed: bool,
}

/// The steps.
#[derive(Debug, Args)]
pub(super) struct PipelineArgs {
    /// A step with its parameters, such as aas:window_size=20,subsample=true or notch:freqs=[50,100]. Give the flag once for each step;
    /// steps run in the order of the flags. `eeg-artifact steps` lists them.
    #[arg(long = "step", value_name = "NAME:PARAMETER=VALUE,..", conflicts_with = "pipeline")]
    pub(super) steps: Vec<String>,
    /// The steps as a TOML file, in place of --step; see the example below.
    #[arg(long, value_name = "FILE")]
    pub(super) pipeline: Option<PathBuf>,
    /// A regular expression for the triggers of the scanner. It must match the number of an event in the stimulus channel, anywhere
    /// ('^1$' matches 1 alone), or where there is no such channel an annotation, at its start. Puts the step triggers in front of the
    /// others.
    #[arg(long, value_name = "REGEX")]
    pub(super) triggers: Option<String>,
    /// How many seconds after its trigger an artifact begins; negative when before [default: 0]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) offset: Option<f64>,
}

/// What is read of a recording.
#[derive(Debug, Args)]
pub(super) struct ReadingArgs {
    /// Only these channels, separated by commas; without it, all that have the rate of most EEG channels.
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub(super) channels: Option<Vec<String>>,
    /// Channels to mark bad, separated by commas: artifact correction leaves them as they are.
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub(super) bad: Vec<String>,
    /// What a channel measures, where its label does not tell: eeg, eog, ecg, emg, stim or misc. Give the flag once for each channel.
    #[arg(long = "kind", value_name = "NAME=KIND", value_parser = channel_kind)]
    pub(super) kinds: Vec<(String, ChannelKind)>,
    /// Clean a file that is cut off as far as it goes, instead of letting it fail.
    #[arg(long)]
    pub(super) allow_truncated: bool,
}

/// Times to take.
#[derive(Debug, Args)]
#[command(after_help = SCALING_EXAMPLES)]
pub(super) struct ScalingArgs {
    /// The recording; without it, a made one.
    pub(super) file: Option<PathBuf>,
    /// Where scaling.html goes.
    #[arg(long, default_value = "eeg-out", value_name = "DIR")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) thresholds: Thresholds,
    /// How often each way is timed; its time is the median.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = at_least_one)]
    pub(super) rounds: usize,
}

/// A job description to run.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The job description, such as job.json.
    pub(super) job: PathBuf,
    /// Where the outputs and result.json go.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

fn channel_kind(text: &str) -> Result<(String, ChannelKind), String> {
    let (name, kind) = text.rsplit_once('=').ok_or("give NAME=KIND, such as E5=eog")?;
    Ok((name.to_owned(), kind.parse()?))
}

const EXAMPLES: &str = "\
Examples:
  eeg-artifact                                    a made recording, cleaned, into eeg-out/
  eeg-artifact --seed 7 --step aas --step obs     another one, other steps
  eeg-artifact clean scan.edf --out cleaned --triggers '^1$'
  eeg-artifact run job.json --out results         raw numbers and steps as a job description
  eeg-artifact scaling scan.edf --triggers '^1$'  does parallel work pay?
  eeg-artifact steps                              every step and its parameters

Without --step and --pipeline, the made recording is cleaned with the steps triggers:regex=^1$,
highpass:freq=1, aas:window_size=60,subsample=true, obs:highpass=12, lowpass:freq=70.

Open eeg-out/index.html first. cleaned.edf is the cleaned recording, made.edf the one before,
and report.json has all numbers.

Exit code 0: all done, 1: something failed or was left out, 2: could not run.";

const SCALING_EXAMPLES: &str = "\
Examples:
  eeg-artifact scaling              a made recording, 1 to as many workers as cores are to spare
  eeg-artifact scaling scan.edf --triggers '^1$' --workers 8

Without --step and --pipeline, the steps are highpass:freq=1, aas, lowpass:freq=70. A pipeline
file is described in `eeg-artifact clean --help`.

Times the pipeline alone, without reading and writing. All ways take turns, --rounds times: serial,
then threads and processes with 1 to --workers workers; --mode and --chunk-size change nothing.";

const CLEAN_EXAMPLES: &str = "\
Examples:
  eeg-artifact clean scan.edf --out cleaned --triggers '^1$'
  eeg-artifact clean scan.edf --out cleaned --step highpass:freq=1 --step notch:freqs=[50,100]
  eeg-artifact clean recordings --out cleaned --triggers R128 --memory 4G --workers 2
  eeg-artifact clean recordings --out cleaned --pipeline pipeline.toml
  eeg-artifact clean recordings --out cleaned --pipeline pipeline.toml --resume  after a break
  eeg-artifact clean --out cleaned --status       how far a run is, from another terminal

Without --step and --pipeline, the steps are highpass:freq=1, aas, lowpass:freq=70. The step aas
needs triggers. Without a scanner's artifact, give filters alone, as in the second example.

A pipeline file has an entry for each step, in order:
  offset_s = 0.0           # optional: as --offset
  upsampling_factor = 10   # optional: how finely the steps aligner and aas move triggers
  [[steps]]
  triggers = { regex = '^1$' }
  [[steps]]
  aas = { window_size = 20, subsample = true }
  [[steps]]
  lowpass = { freq = 70.0 }

Writes cleaned/NAME/ for each recording: cleaned.edf (or cleaned.vhdr, .vmrk and .eeg),
report.json, and index.html with pictures of what was removed; and cleaned/index.html over all.
They are the same bytes whatever the mode, the workers, and the breaks.

Several recordings are cleaned at once, and the channels of one in parallel where workers are
free; --workers bounds both together. A recording that cannot be read or cleaned fails by name,
and costs no other. After Ctrl+C or SIGTERM the recordings at work are finished; a second signal
ends the program at once. run/ holds the journal, summary.json, metrics.csv and failed.jsonl.

Exit code 0: all done, 1: some recordings failed, or their results are missing, 2: no recording
could be cleaned, 130: ended by Ctrl+C, 143: by SIGTERM.";

const RUN_FORMAT: &str = "\
Example:
  eeg-artifact run job.json --out results

job.json, with the files that it names beside it:
  {\"recording\": {\"file\": \"raw.f32\", \"sfreq\": 5000, \"n_channels\": 2, \"n_times\": 300000,
                 \"channel_names\": [\"Fz\", \"ECG\"], \"channel_types\": [\"eeg\", \"ecg\"], \"bads\": []},
   \"triggers\": {\"samples\": [1000, 8500, 16000], \"artifact_length\": 7500},
   \"runs\": [{\"name\": \"averaged\", \"output\": \"averaged.f64\",
             \"steps\": [{\"highpass\": {\"freq\": 1}}, {\"aas\": {\"window_size\": 20}}]}]}

recording  file holds 32-bit floating point numbers, little-endian, in volts: all n_times samples
           of the first channel, then those of the second. sfreq is in Hz. Optional:
           channel_names (CH001, CH002, ..), channel_types (eeg; also eog, ecg, emg, stim, misc),
           bads: names of bad channels (none).
triggers   optional: either samples (indices from 0), or regex as for the step triggers, with a
           stim channel to find them in. Optional beside them: artifact_length in samples,
           volume_gaps (true or false) and slices_per_volume, all measured where they are not
           given; offset_s, how many seconds after its trigger an artifact begins (0);
           upsampling_factor, how finely steps move triggers (10).
runs       each begins with the recording as it was read. The steps and their parameters are
           those of `eeg-artifact steps`. Output (out_NAME.f64): 64-bit numbers, in the order of
           the input. A run that fails is named, and the others go on.

Writes results/averaged.f64 and results/result.json: {\"runs\": [{\"name\", \"triggers\",
\"artifact_length\", \"volume_gaps\", \"warnings\", \"error\" where it failed}]}, the triggers as the
steps left them.

In place of recording and runs, or beside them, the job may hold:
  \"fir\": [{\"sfreq\": 500, \"l_freq\": 1, \"h_freq\": 70}, {\"sfreq\": 500, \"notch\": [50],
           \"notch_width\": 1}]
      designs filters (frequencies in Hz; one of l_freq and h_freq may be left out), and writes
      the taps of each as 64-bit numbers: taps_00.f64, taps_01.f64, ..
  \"trigger_cases\": [{\"source\": \"stim\", \"sfreq\": 500, \"n_times\": 5000, \"regex\": \"^1$\",
                     \"value_changes_at\": [[100, 1], [110, 0]]},
                    {\"source\": \"annotations\", \"sfreq\": 500, \"n_times\": 5000,
                     \"regex\": \"R128\", \"onsets_s\": [0.5, 2.5], \"descriptions\": [\"R128\", \"R128\"]}]
      finds triggers in a stimulus channel, given as [sample, value from there on], or in
      annotations; result.json has the triggers of each, or its error.

Exit code 0: all done, 1: a run or filter failed, 2: could not run.";

/// The arguments of the command-less call. A command has its own, and would ignore these.
const DEMO_FLAGS: [&str; 8] = ["out", "seed", "seconds", "channels", "steps", "pipeline", "triggers", "offset"];

impl ReadingArgs {
    /// What the flags say of reading.
    pub(super) fn settings(&self) -> ReadSettings {
        let Self { channels, bad, kinds, allow_truncated } = self;
        ReadSettings {
            channels: channels.clone(),
            bads: bad.clone(),
            kinds: kinds.clone(),
            allow_truncated: *allow_truncated,
        }
    }
}

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
    DEMO_FLAGS.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}
