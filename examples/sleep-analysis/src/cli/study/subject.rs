//! The work on one subject, as a function that captures nothing, and its answer, as plain data: so it runs in every mode, and
//! so its answer can be kept in a file and read back.

use manyhands::report_amount;
use serde::{Deserialize, Serialize};
use sleep_analysis::parallel::Hands;
use sleep_analysis::{EpochGridSettings, MadeNight, SleepError, SleepResult};

use super::csv_folder::read_folder;
use super::subjects::{Source, Subject};
use crate::cli::analysis::words::{clock, count, duration};
use crate::cli::analysis::{GridRate, Night, NightFeatures, Remark, compute_features, small_picture};
use crate::cli::main_job::{self, length};
use crate::cli::night::read_night;

/// What answers depend on besides the subject. Two runs with different ones have nothing to do with each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StudySettings {
    pub(super) epoch_ns: i64,
}

/// What every subject's function is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brief {
    pub(super) settings: StudySettings,
    pub(super) within: Within,
}

/// Who works on the signals and epochs within a subject. The answer is the same, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Within {
    /// The worker that has the subject.
    OneHand,
    /// Threads that no other subject needs just now.
    SpareThreads,
}

/// Everything that the files of the study need to know of one subject, and nothing that differs from run to run.
///
/// Values are plain lists and not [`Samples`](sleep_analysis::Samples): those travel as the place where they lie, which is gone
/// when a journal is read back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubjectResult {
    pub(super) text: SubjectText,
    pub(super) table: SubjectTable,
}

/// What the page needs to know.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SubjectText {
    /// A line about the recording.
    pub(super) about: String,
    /// What is missing and should be there.
    pub(super) lost: Vec<Remark>,
    /// What is worth a word and costs nothing.
    pub(super) noted: Vec<Remark>,
    /// The small picture, as markup for the page.
    pub(super) picture: String,
}

/// What the table needs to know.
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

/// Works on one subject.
pub(super) fn subject(brief: &Brief, subject: &Subject) -> Result<SubjectResult, String> {
    let hands = brief.within.hands();
    let answer = read(&brief.settings, subject, &hands).and_then(|night| answer(night, subject, &hands));
    answer.map_err(|error| in_words(error, subject))
}

impl Within {
    fn hands(self) -> Hands {
        Hands::new(match self {
            Self::OneHand => manyhands::AnyMode::Serial,
            Self::SpareThreads => manyhands::AnyMode::Threads,
        })
    }
}

fn read(settings: &StudySettings, subject: &Subject, hands: &Hands) -> SleepResult<Night> {
    let epochs = EpochGridSettings::adjoining(settings.epoch_ns);
    match &subject.source {
        Source::Edf(file) => read_night(file, epochs),
        Source::Csv(folder) => read_folder(folder, epochs, hands),
        Source::Made { seed, hours } => {
            let plan = MadeNight::new(*seed).duration(length(*hours)?).plan()?;
            let made = hands.make_night(&plan)?;
            main_job::night(*seed, &plan, made, GridRate::Automatic)
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

fn answer(mut night: Night, subject: &Subject, hands: &Hands) -> SleepResult<SubjectResult> {
    report_amounts(&night);
    let features = compute_features(&mut night, hands)?;
    let picture = small_picture(&night, &features)?.to_tile_svg(&subject.name);
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

/// The error without the path of the study, under which the very same subject may lie somewhere else tomorrow.
fn in_words(error: SleepError, subject: &Subject) -> String {
    match (error, subject.source.path()) {
        (SleepError::File { path, reason }, Some(root)) => match path.strip_prefix(root) {
            Ok(within) if within.as_os_str().is_empty() => reason,
            Ok(within) => format!("{}: {reason}", within.display()),
            Err(_) => format!("{}: {reason}", path.display()),
        },
        (error, _) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(answer: &SubjectResult) -> Vec<u8> {
        postcard::to_stdvec(answer).unwrap()
    }

    #[test]
    fn an_answer_that_is_kept_and_read_back_is_the_same_whoever_worked_on_it() {
        let made = Subject { name: "made-0003".to_owned(), source: Source::Made { seed: 3, hours: 0.1 } };
        let answers = [Within::OneHand, Within::SpareThreads].map(|within| {
            let brief = Brief { settings: StudySettings { epoch_ns: 30_000_000_000 }, within };
            bytes_of(&subject(&brief, &made).unwrap())
        });
        assert!(answers[0] == answers[1]);
        let read: SubjectResult = postcard::from_bytes(&answers[0]).unwrap();
        assert_eq!(bytes_of(&read), answers[0]);
        assert_eq!((read.table.epoch_starts_ns.len(), read.table.columns.len()), (12, 101));
        assert!(read.text.picture.starts_with("<svg "));
    }

    #[test]
    fn every_number_of_a_long_answer_stands_in_it() {
        let column = FeatureColumn { name: "hr|hr_mean".to_owned(), values: vec![0.5; 20_000] };
        let table = SubjectTable { epoch_starts_ns: Vec::new(), columns: vec![column] };
        let answer = SubjectResult { text: SubjectText::default(), table };
        assert!(bytes_of(&answer).len() > 20_000 * size_of::<f64>());
    }

    #[test]
    fn a_failure_is_told_without_the_place_of_the_study() {
        let tell = |at: &str| {
            let subject = Subject { name: "b".to_owned(), source: Source::Csv("data/b".into()) };
            in_words(SleepError::File { path: at.into(), reason: "is empty".to_owned() }, &subject)
        };
        assert_eq!([tell("data/b"), tell("data/b/hr.csv")], ["is empty", "hr.csv: is empty"]);
    }
}
