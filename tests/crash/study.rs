//! The study that is disturbed: features of made signals, one item per subject, with a journal, a report and a final table.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use manyhands::{
    AnyMode, CancelToken, Cause, Error, Job, Journal, OnFailure, Outcome, Report,
    journal::{OnChange, RetryRecorded},
    report::{report_amount, write_atomically},
};
use manyhands_test_support::rng::Rng;
use serde::{Deserialize, Serialize};

/// How long a finished item may wait until it is written down: what the journal does by itself.
pub(crate) const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

/// One subject in so many has no signal.
const ONE_IS_TORN_IN: u32 = 29;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) number: u32,
}

impl Subject {
    pub(crate) fn all(n_subjects: u32) -> Vec<Self> {
        (0..n_subjects).map(|number| Self { number }).collect()
    }

    pub(crate) fn key(&self) -> String {
        format!("subject {:05}", self.number)
    }

    pub(crate) fn number_in(key: &str) -> u32 {
        key.strip_prefix("subject ").unwrap().parse().unwrap()
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.number % ONE_IS_TORN_IN == 11
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Features {
    mean: f64,
    deviation: f64,
    line_length: f64,
    crossings: u32,
    /// Power at some frequencies.
    spectrum: Vec<f64>,
}

/// The settings of a study. It stands in a folder of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Study {
    pub(crate) folder: PathBuf,
    /// Where journal and report go.
    pub(crate) records: PathBuf,
    pub(crate) mode: String,
    pub(crate) workers: usize,
    pub(crate) n_subjects: u32,
    pub(crate) version: String,
    /// Whether an item that failed is done again.
    pub(crate) tries_again: bool,
    pub(crate) recomputes: bool,
    /// How many subjects a worker takes at a time, if that is set.
    pub(crate) chunk_size: Option<usize>,
    pub(crate) setting: Setting,
}

/// What the function needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// The mean length of a signal.
    pub(crate) samples: u32,
    /// Where each item says that it begins and ends; nowhere without it.
    pub(crate) log: Option<PathBuf>,
    /// Which run of the study this is.
    pub(crate) run: u32,
    /// How much longer than its computation each subject takes.
    pub(crate) pace: Duration,
    /// Subjects from this number on take longer, whatever their signal.
    pub(crate) slow_from: u32,
    pub(crate) slow: Duration,
    /// What those wait for to be there.
    pub(crate) gate: Option<PathBuf>,
}

impl Study {
    pub(crate) fn new(folder: &Path, mode: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            records: folder.to_owned(),
            mode: mode.to_owned(),
            workers: if mode == "serial" { 1 } else { 2 },
            n_subjects: 400,
            version: "1".to_owned(),
            tries_again: false,
            recomputes: false,
            chunk_size: None,
            setting: Setting {
                samples: 2500,
                log: Some(folder.join("computed.log")),
                run: 0,
                pace: Duration::ZERO,
                slow_from: u32::MAX,
                slow: Duration::ZERO,
                gate: None,
            },
        }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.records.join("study.journal")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.records.join("run")
    }

    pub(crate) fn table(&self) -> PathBuf {
        self.folder.join("features.csv")
    }

    pub(crate) fn run(&self, cancel: &CancelToken) -> Result<Outcome<Features, String>, Error<String>> {
        self.run_with(cancel, |report| report)
    }

    pub(crate) fn run_with<'a>(
        &'a self,
        cancel: &CancelToken,
        with_report: impl FnOnce(Report<'a>) -> Report<'a>,
    ) -> Result<Outcome<Features, String>, Error<String>> {
        let mode: AnyMode = self.mode.parse().unwrap();
        let journal = Journal::at(self.journal())
            .key(Subject::key)
            .version(&self.version)
            .configuration(&[("samples", self.setting.samples)])
            .fingerprint(|subject: &Subject| format!("made of {}", subject.number))
            .retry_recorded(if self.tries_again { RetryRecorded::Failed } else { RetryRecorded::Nothing })
            .on_change(if self.recomputes { OnChange::Recompute } else { OnChange::Refuse })
            .commit_every(COMMIT_INTERVAL);
        let subjects = Subject::all(self.n_subjects);
        let job = Job::new(&subjects);
        let job = if let Some(size) = self.chunk_size { job.chunk_size(size) } else { job };
        job.mode(mode)
            .workers(self.workers)
            .shared(&self.setting)
            .on_failure(OnFailure::Continue)
            .cancel_token(cancel)
            .try_map(features)
            .journal(journal)
            .report(with_report(Report::at(self.report()).field("version", &self.version)))
            .run()
    }

    /// The final table: nothing in it depends on how many runs it took.
    pub(crate) fn write_table(&self, outcome: Outcome<Features, String>) -> io::Result<()> {
        write_atomically(self.table(), |file| {
            writeln!(file, "subject,mean,deviation,line_length,crossings,spectrum")?;
            for (subject, result) in Subject::all(self.n_subjects).iter().zip(outcome.into_results()) {
                let key = subject.key();
                match result {
                    Ok(Features { mean, deviation, line_length, crossings, spectrum }) => {
                        writeln!(file, "{key},{mean:e},{deviation:e},{line_length:e},{crossings},{spectrum:?}")?;
                    }
                    Err(failure) => {
                        let why = match failure.cause {
                            Cause::Error(why) => why,
                            Cause::Recorded(recorded) => recorded.message,
                            other => format!("{other:?}"),
                        };
                        writeln!(file, "{key},failed: {why}")?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The item's function: what it computes depends on the subject alone.
pub(crate) fn features(setting: &Setting, subject: &Subject) -> Result<Features, String> {
    let log = |what: &str| setting.log.as_deref().map_or((), |log| note(log, setting.run, what, subject.number));
    log("begins");
    let signal = made_signal(setting.samples, subject);
    report_amount("samples", signal.len() as f64);
    let found = measured(&signal);
    if !setting.pace.is_zero() {
        thread::sleep(setting.pace);
    }
    if subject.number >= setting.slow_from {
        thread::sleep(setting.slow);
        while setting.gate.as_deref().is_some_and(|gate| !gate.exists()) {
            thread::sleep(Duration::from_millis(2));
        }
    }
    log("ends");
    if subject.is_torn() { Err(format!("the signal of {} is torn", subject.key())) } else { Ok(found) }
}

/// From half to one and a half of the mean length.
fn made_signal(samples: u32, subject: &Subject) -> Vec<f64> {
    let mut rng = Rng::new(u64::from(subject.number));
    let n_samples = f64::from(samples) * (0.5 + rng.fraction());
    let frequency = 0.01 + 0.1 * rng.fraction();
    (0..n_samples as u32).map(|at| (f64::from(at) * frequency).sin() + rng.fraction() - 0.5).collect()
}

fn measured(signal: &[f64]) -> Features {
    let n_samples = signal.len() as f64;
    let mean = signal.iter().sum::<f64>() / n_samples;
    let variance = signal.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / n_samples;
    let line_length = signal.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
    let crossings = signal.windows(2).filter(|pair| (pair[0] < mean) != (pair[1] < mean)).count() as u32;
    let spectrum = (1..=24).map(|bin| power_at(f64::from(bin) * 0.01, signal)).collect();
    Features { mean, deviation: variance.sqrt(), line_length, crossings, spectrum }
}

/// Goertzel's.
fn power_at(frequency: f64, signal: &[f64]) -> f64 {
    let factor = 2.0 * frequency.cos();
    let (last, before) =
        signal.iter().fold((0.0, 0.0), |(last, before), sample| (sample + factor * last - before, last));
    (last * last + before * before - factor * last * before) / signal.len() as f64
}

/// One line by one write, so that it is there as a whole or not at all.
fn note(log: &Path, run: u32, what: &str, number: u32) {
    let line = format!("{run} {what} {number} {} {}\n", std::process::id(), now());
    let mut file = OpenOptions::new().append(true).create(true).open(log).unwrap();
    assert_eq!(file.write(line.as_bytes()).unwrap(), line.len());
}

/// Nanoseconds on the clock that all processes of the machine share.
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}
