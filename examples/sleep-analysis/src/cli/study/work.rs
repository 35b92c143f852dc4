//! The run of a study: the one call that hands its subjects to many hands, with everything that belongs to a long run.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use manyhands::{
    AnyMode, CancelToken, Cause, FailureKind, ItemFailure, Job, Journal, OnFailure, ParallelConfig, Progress, Report,
    Retry, override_parallel_config,
};
use sleep_analysis::{SleepError, SleepResult};

use super::errand::{on_change, refused, retry_recorded};
use super::fingerprint::fingerprint;
use super::read_ahead::ReadAhead;
use super::run_folder::{Earlier, journal_in, run_folder};
use super::subject::{Brief, SubjectResult, Within, subject};
use super::subjects::Study;
use crate::cli::analysis::Crew;
use crate::cli::args::StudyArgs;

/// To be raised whenever the same subject gets another answer, so that no table mixes the two.
const ANSWERS: u32 = 1;

/// How a run went beside its answers.
#[derive(Debug)]
pub(super) struct Worked {
    /// Subjects that an earlier run had finished.
    pub(super) resumed: usize,
    /// What the journal or the reports lack, if anything.
    pub(super) trouble: Option<String>,
}

/// Works on all subjects, or on those that an earlier run did not finish, and hands each one's answer on as it comes, with
/// its place in the study; those of earlier runs first. Beside what the journal had, it holds no more answers than two per
/// worker.
///
/// # Errors
/// [`SleepError::Config`] when the run was refused: workers or chunks of zero, no worker process, a journal that another run
/// writes or that is of other subjects or settings.
pub(super) fn work_on(
    study: &Study,
    args: &StudyArgs,
    earlier: Earlier,
    crew: &Crew<'_>,
    stop: &CancelToken,
    mut take: impl FnMut(usize, Result<SubjectResult, String>) -> ControlFlow<()>,
) -> SleepResult<Worked> {
    let n_workers = crew.common.n_workers();
    // What runs nested in a subject's function shares the workers that were asked for; that zero are too few, the job tells.
    let config = ParallelConfig::builder()
        .max_workers_cpu(n_workers.max(1))
        .build()
        .map_err(|error| SleepError::Config(error.to_string()))?;
    let _until_the_end = override_parallel_config(config);
    let brief = Brief { settings: study.settings.clone(), within: within(crew.common.mode) };
    let n_recorded = if args.keep_failed { earlier.succeeded + earlier.failed } else { earlier.succeeded };
    let mut ahead = ReadAhead::begin(&study.subjects, n_workers, usize::try_from(n_recorded).unwrap_or_default());
    let mut has_begun = false;
    let ran = Job::new(&study.subjects)
        .mode(crew.common.mode)
        .workers(n_workers)
        .chunk_size(crew.common.chunk_size.unwrap_or(1))
        .window(n_workers.saturating_mul(2))
        .on_failure(OnFailure::Continue)
        .retry(Retry::times(args.retries).backoff(Duration::from_secs(1)).only([FailureKind::Error, FailureKind::Lost]))
        .cancel(stop)
        .key(|subject| subject.name.clone())
        .progress(if crew.voice.shows_progress() { Progress::auto("subjects") } else { Progress::off() })
        .journal(
            Journal::at(journal_in(&args.out))
                .version(format!("{}, answers {ANSWERS}", env!("CARGO_PKG_VERSION")))
                .configuration(&study.settings)
                .fingerprint(fingerprint)
                .retry_recorded(retry_recorded(args))
                .on_change(on_change(args)),
        )
        .report(report(study, &args.out))
        .shared(&brief)
        .try_map(subject)
        .for_each(|idx, answer| {
            has_begun = true;
            ahead.one_done(idx);
            take(idx, answer.map_err(reason))
        });
    match ran {
        Ok(tally) => Ok(Worked { resumed: tally.resumed, trouble: None }),
        // Answers are handed on only by a run that was not refused, and it hands on all that it has before it tells this.
        Err(error) if has_begun && (error.journal_problem().is_some() || error.is_report()) => {
            Ok(Worked { resumed: 0, trouble: Some(error.to_string()) })
        }
        Err(error) => Err(refused(error.journal_problem(), error.to_string())),
    }
}

fn report(study: &Study, out: &Path) -> Report<'static> {
    Report::at(run_folder(out))
        .serial_sample(1)
        .field("study", &study.title)
        .field("settings", &study.settings)
        .field("sleep_analysis", env!("CARGO_PKG_VERSION"))
}

/// A worker process has threads of its own where there are more cores than workers.
fn within(mode: AnyMode) -> Within {
    match mode {
        AnyMode::Serial => Within::OneHand,
        _ => Within::SpareThreads,
    }
}

/// Why a subject failed, in the words that stand on the page: the same in every run and when it is read back from the journal, so
/// neither how long it took nor how often it was tried.
fn reason(failure: ItemFailure<String>) -> String {
    let kind = failure.kind();
    let message = match failure.cause {
        Cause::Error(message) | Cause::Panic(message) | Cause::Encoding(message) => message,
        Cause::Recorded(recorded) => recorded.message,
        Cause::Lost(worker) => worker.to_string(),
        // No study has limits or finds subjects done by their files, and those that were not finished are not handed on.
        _ => failure.to_string(),
    };
    in_words(kind, &message)
}

/// A failure's kind and message, as a journal has them, as a sentence.
pub(super) fn in_words(kind: FailureKind, message: &str) -> String {
    match kind {
        FailureKind::Panic => format!("the program made a mistake: {message}"),
        FailureKind::Lost => format!("its worker process was lost: {message}"),
        FailureKind::Encoding => format!("its answer could not travel between processes: {message}"),
        _ => message.to_owned(),
    }
}
