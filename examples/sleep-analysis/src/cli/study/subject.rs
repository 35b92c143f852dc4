//! The work on one subject, as a function that captures nothing, and its result, as plain data: so it runs in every mode, and
//! its result can be kept in a file and read back.

use manyhands::report::report_amount;
use serde::{Deserialize, Serialize};
use sleep_analysis::device::DeviceChoice;
use sleep_analysis::parallel::Engine;
use sleep_analysis::pictures::tile_svg;
use sleep_analysis::{EpochGridSettings, SleepError, SleepResult, SyntheticNight};

use super::csv_folder::read_folder;
use super::subjects::{Source, Subject};
use crate::cli::analysis::text::{clock, count, duration};
use crate::cli::analysis::{GridRate, Night, NightFeatures, Remark, compute_features, small_picture};
use crate::cli::demo::{self, length};
use crate::cli::night::read_night;

/// What results depend on besides the subject. Results of different settings are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StudySettings {
    pub(super) epoch_ns: i64,
}

/// What every subject's function gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SubjectContext {
    pub(super) settings: StudySettings,
    pub(super) inner: InnerParallelism,
}

/// How the signals and epochs within a subject are computed. The result is the same, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum InnerParallelism {
    /// In the worker of the subject.
    Serial,
    /// In threads that no other subject needs at the moment.
    SpareThreads,
}

/// Everything that the files of the study contain of one subject, and nothing that differs from run to run.
///
/// Values are plain lists and not [`Samples`](sleep_analysis::Samples): those are encoded as their place in memory, which is gone
/// when a journal is read back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubjectResult {
    pub(super) text: SubjectText,
    pub(super) table: SubjectTable,
}

/// The part for the page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SubjectText {
    /// A line about the recording.
    pub(super) about: String,
    /// What is missing and should be there.
    pub(super) lost: Vec<Remark>,
    /// What is worth knowing and loses nothing.
    pub(super) noted: Vec<Remark>,
    /// The small picture, as markup for the page.
    pub(super) picture: String,
}

/// The part for the table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SubjectTable {
    pub(super) epoch_starts_ns: Vec<i64>,
    pub(super) columns: Vec<FeatureColumn>,
}

/// One feature of every epoch; NaN where it has no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FeatureColumn {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

/// Computes one subject.
pub(super) fn subject(context: &SubjectContext, subject: &Subject) -> Result<SubjectResult, String> {
    let engine = context.inner.engine();
    let result = read(&context.settings, subject, &engine).and_then(|night| result(night, subject, &engine));
    result.map_err(|error| describe_error(&error, subject))
}

impl InnerParallelism {
    fn engine(self) -> Engine {
        Engine::new(match self {
            Self::Serial => manyhands::AnyMode::Serial,
            Self::SpareThreads => manyhands::AnyMode::Threads,
        })
    }
}

fn read(settings: &StudySettings, subject: &Subject, engine: &Engine) -> SleepResult<Night> {
    let epochs = EpochGridSettings::adjoining(settings.epoch_ns);
    match &subject.source {
        Source::Edf(file) => read_night(file, epochs),
        Source::Csv(folder) => read_folder(folder, epochs, engine),
        Source::Made { seed, hours } => {
            let plan = SyntheticNight::new(*seed).duration(length(*hours)?).plan()?;
            let made = engine.make_night(&plan)?;
            demo::night(*seed, &plan, made, GridRate::Automatic)
        }
        Source::Nameless => Err(SleepError::Config("its name is no text in UTF-8; rename it".to_owned())),
    }
}

/// How much there is to work through, for the run's reports.
fn report_amounts(night: &Night) {
    let samples: usize = night.signals.iter().map(|signal| signal.len() * signal.columns().len()).sum();
    report_amount("epochs", night.epochs.n_epochs() as f64);
    report_amount("samples", samples as f64);
    report_amount("recorded_hours", night.input.duration_s / 3600.0);
}

fn result(mut night: Night, subject: &Subject, engine: &Engine) -> SleepResult<SubjectResult> {
    report_amounts(&night);
    let features = compute_features(&mut night, engine, DeviceChoice::Cpu, 1)?;
    let picture = tile_svg(&small_picture(&night, &features)?, &subject.name);
    let about = about(&night, &features);
    let table = features.table;
    let column = |column: sleep_analysis::Column| FeatureColumn { name: column.name, values: column.values.into_vec() };
    let columns = table.columns.into_iter().map(column).collect();
    Ok(SubjectResult {
        text: SubjectText {
            about,
            lost: night.remarks.lost().collect(),
            noted: night.remarks.noted().collect(),
            picture,
        },
        table: SubjectTable { epoch_starts_ns: table.epoch_starts_ns, columns },
    })
}

fn about(night: &Night, features: &NightFeatures) -> String {
    format!(
        "{}, {}, {}, {} of {}, {}",
        clock(night.input.start_ns),
        duration(night.input.duration_s),
        count(night.signals.len(), "signal"),
        count(night.epochs.n_epochs(), "epoch"),
        duration(night.epochs.window_ns() as f64 / 1e9),
        count(features.table.columns.len(), "feature")
    )
}

/// The error without the path of the study, because the same subject may be in another folder later.
fn describe_error(error: &SleepError, subject: &Subject) -> String {
    let (path, reason) = match (&error, subject.source.path()) {
        (SleepError::File { path, .. } | SleepError::FileOverBudget { path, .. }, Some(root)) => {
            (path.strip_prefix(root).unwrap_or(path), error.without_path(path))
        }
        _ => return error.to_string(),
    };
    if path.as_os_str().is_empty() { reason } else { format!("{}: {reason}", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(result: &SubjectResult) -> Vec<u8> {
        postcard::to_stdvec(result).unwrap()
    }

    #[test]
    fn a_result_that_is_kept_and_read_back_is_the_same_in_every_mode() {
        let made = Subject { name: "made-0003".to_owned(), source: Source::Made { seed: 3, hours: 0.1 } };
        let results = [InnerParallelism::Serial, InnerParallelism::SpareThreads].map(|inner| {
            let context = SubjectContext { settings: StudySettings { epoch_ns: 30_000_000_000 }, inner };
            bytes_of(&subject(&context, &made).unwrap())
        });
        assert!(results[0] == results[1]);
        let read: SubjectResult = postcard::from_bytes(&results[0]).unwrap();
        assert_eq!(bytes_of(&read), results[0]);
        assert_eq!((read.table.epoch_starts_ns.len(), read.table.columns.len()), (12, 101));
        assert!(read.text.picture.starts_with("<svg "));
    }

    #[test]
    fn a_long_result_holds_every_number() {
        let column = FeatureColumn { name: "hr|hr_mean".to_owned(), values: vec![0.5; 20_000] };
        let table = SubjectTable { epoch_starts_ns: Vec::new(), columns: vec![column] };
        let result = SubjectResult { text: SubjectText::default(), table };
        assert!(bytes_of(&result).len() > 20_000 * size_of::<f64>());
    }

    #[test]
    fn a_failure_does_not_name_the_folder_of_the_study() {
        let described = |at: &str| {
            let subject = Subject { name: "b".to_owned(), source: Source::Csv("data/b".into()) };
            describe_error(&SleepError::File { path: at.into(), reason: "is empty".to_owned() }, &subject)
        };
        assert_eq!([described("data/b"), described("data/b/hr.csv")], ["is empty", "hr.csv: is empty"]);
    }
}
