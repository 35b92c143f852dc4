//! The examples below each command's help, and what it writes.

/// Of `run`.
pub(super) const RUN_EXAMPLES: &str = "\
Example:
  sleep-analysis run case.json --out results

case.json names an operation, the signals (CSV files beside it) and one or more runs:
  {\"operation\": \"feature_statistics\", \"window_length\": \"30s\", \"step_size\": \"30s\",
   \"signals\": [{\"name\": \"hr\", \"file\": \"hr.csv\"}],
   \"runs\": [{\"name\": \"usual\", \"parameters\": {\"aggregations\": [\"mean\", \"std\"]}}]}
writes results/usual.csv and results/result.json. Exit code 0: all done, 1: something failed
or was left out, 2: could not run.";

/// Of `features`.
pub(super) const FEATURES_EXAMPLES: &str = "\
Examples:
  sleep-analysis features hr=hr.csv resp=resp.csv --out night
  sleep-analysis features hr=hr.csv acc=acc.csv --out night --operation hrv,movement --window 60s
  sleep-analysis features a=hr.csv b=resp.csv --out night --operation correlation

Writes night/features.csv: epoch_start_ns, then <signal>|<feature>. A feature whose name is taken by
another operation gets that of its own in front of it, such as hr|hrv_hr_mean.";

/// Of `align`.
pub(super) const ALIGN_EXAMPLES: &str = "\
Examples:
  sleep-analysis align hr=hr.csv acc=acc.csv --out night
  sleep-analysis align hr=hr.csv acc=acc.csv --out night --rate 25 --method asof

Writes night/aligned.csv: timestamp_ns for every point of the grid, then <signal>|<column>.";

/// Of the program without a command.
pub(super) const EXAMPLES: &str = "\
Examples:
  sleep-analysis                          a synthetic night, into sleep-out/
  sleep-analysis --seed 7 --hours 2       another, shorter one
  sleep-analysis night rec.edf --out rec  a recording, into rec/
  sleep-analysis run case.json --out out  a job description
  sleep-analysis study data --out study   many subjects

Open sleep-out/index.html first: it shows the night and names what is missing.
features.csv holds a row per epoch, aligned.csv all signals on one grid, and
summary.json the counts, the times and the failures for programs.

Exit code 0: all done, 1: something failed or was left out, 2: could not run.";

/// Of `study`.
pub(super) const STUDY_EXAMPLES: &str = "\
Examples:
  sleep-analysis study recordings --out study --workers 2
  sleep-analysis study recordings --out study --resume    go on after a break
  sleep-analysis study --made 50 --out study --mode processes
  sleep-analysis study --out study --status               how far it is, from anywhere

A subject is a file in EDF or EDF+ (name.edf), or a folder with a CSV file for each
signal, named by what it holds: a column hr, rr_interval, resp, spo2, uv (EEG), or
x, y, z. Hidden files are not looked at; other things are set aside by name.

Writes study/index.html, a page with a small picture of each subject and what failed by
name, and study/features.csv: subject, epoch_start_ns, then <signal>|<feature>, a row per
epoch, subjects in the order of their names. Subjects with other signals have columns of
their own: all that any subject has, in the order in which they first appear, empty for
those without. Neither file depends on the mode, the workers, or breaks in between.

What is finished is saved at once in study/run/: killed at any moment, the study loses the
running subjects. Ctrl+C or SIGTERM lets those finish first; a second one does not. Both
files are written when every subject is done or has failed. --resume goes on, and tries
again what had failed. It refuses when --epoch, the program or the file of a finished subject
has changed since, unless --redo-changed is given. In processes, a subject whose worker dies
is tried once more in any case.

study/run/ also holds summary.json (times, rates, speed-up, what was slow), metrics.csv
(a row per subject) and failed.jsonl, written at the end of each run, about all so far.
speed_up is against the first subject of the run, which is computed alone for that.

Exit code 0: all done, 1: a subject failed or lacks something, 2: could not run, or no
subject has results, 130: ended by Ctrl+C, 143: by SIGTERM.";

/// Of `night`.
pub(super) const NIGHT_EXAMPLES: &str = "\
Examples:
  sleep-analysis night rec.edf --out rec
  sleep-analysis night rec.edf --out rec --channels C3-M2,\"Heart Rate\" --rate 10

All channels get statistics. By its label and unit a channel is taken for EEG
or EOG (band powers, entropies; converted to microvolts), heart rate, an axis of
acceleration, or oxygen saturation. Scored stages are read from the annotations.

At the automatic rate a whole night with many channels makes an aligned.csv of
gigabytes; --rate 1 makes it small.

--device gpu computes the spectra of EEG on a graphics processor, in single precision: they
agree with the cpu's within 1e-4 of their largest value. It needs a program built with
--features gpu. Where there is no device, or it fails half-way, all of the night is computed
on the cpu, with a line that says why. summary.json names what computed the spectra.";
