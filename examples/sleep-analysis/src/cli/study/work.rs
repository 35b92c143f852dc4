//! The job of a study: the one call that computes its subjects in parallel, with journal, report, retries and progress.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use consumer_support::RunFolder;
use manyhands::config::override_parallel_config;
use manyhands::job::FailureKind;
use manyhands::{
    AnyMode, CancelToken, Cause, ItemFailure, Job, Journal, OnFailure, ParallelConfig, Progress, Report, Retry,
};
use sleep_analysis::SleepResult;

use super::fingerprint::fingerprint;
use super::read_ahead::ReadAhead;
use super::run_folder::Earlier;
use super::study_command::{on_change, refused, retry_recorded};
use super::subject::{InnerParallelism, SubjectContext, SubjectResult, subject};
use super::subjects::{Study, Subject};
use crate::cli::analysis::CliContext;
use crate::cli::args::StudyArgs;

/// Raise it whenever the same subject gets another result, so that no table mixes the two.
const RESULTS_VERSION: u32 = 2;

/// What a run returns beside its results.
#[derive(Debug)]
pub(super) struct Worked {
    /// Subjects that an earlier run had finished.
    pub(super) resumed: usize,
    /// What the journal or the reports lack, if anything.
    pub(super) warning: Option<String>,
}

/// Computes all subjects, or those that an earlier run did not finish, and passes each result to `take` as it comes, with the
/// subject's index in the study; results of earlier runs come first. Beside those, memory holds at most two results per worker.
///
/// # Errors
/// [`SleepError::Config`](sleep_analysis::SleepError::Config) when the run was refused: workers or chunks of zero, no worker process, a journal that another run
/// writes or that belongs to other subjects or settings.
pub(super) fn work_on(
    study: &Study,
    args: &StudyArgs,
    earlier: Earlier,
    context: &CliContext<'_>,
    stop: &CancelToken,
    mut take: impl FnMut(usize, Result<SubjectResult, String>) -> ControlFlow<()>,
) -> SleepResult<Worked> {
    let n_workers = context.common.n_workers();
    // Jobs inside a subject's function share the requested workers. For zero workers, the job reports the error.
    let config = ParallelConfig::builder().max_workers_cpu(n_workers.max(1)).build()?;
    let _until_the_end = override_parallel_config(config);
    let subject_context =
        SubjectContext { settings: study.settings.clone(), inner: inner_parallelism(context.common.mode) };
    let n_recorded = if args.keep_failed { earlier.succeeded + earlier.failed } else { earlier.succeeded };
    let mut ahead = ReadAhead::begin(&study.subjects, n_workers, usize::try_from(n_recorded).unwrap_or_default());
    let mut has_started = false;
    let ran = Job::new(&study.subjects)
        .mode(context.common.mode)
        .workers(n_workers)
        .chunk_size(context.common.chunk_size.unwrap_or(1))
        .window(n_workers.saturating_mul(2))
        .on_failure(OnFailure::Continue)
        .retry(Retry::times(args.retries).backoff(Duration::from_secs(1)).only([FailureKind::Error, FailureKind::Lost]))
        .cancel_token(stop)
        .key(|subject| subject.name.clone())
        .progress(if context.output.shows_progress() { Progress::auto("subjects") } else { Progress::off() })
        .shared(&subject_context)
        .try_map(subject)
        .journal(journal(study, args))
        .report(report(study, &args.out))
        .for_each(|idx, result| {
            has_started = true;
            ahead.subject_done(idx);
            take(idx, result.map_err(reason))
        });
    match ran {
        Ok(tally) => Ok(Worked { resumed: tally.resumed, warning: None }),
        // Only a run that was not refused delivers results, and it delivers all of them before it returns this error.
        Err(error) if has_started && (error.journal_error().is_some() || error.is_report()) => {
            Ok(Worked { resumed: 0, warning: Some(error.to_string()) })
        }
        Err(error) => Err(refused(error.journal_error(), error.to_string())),
    }
}

fn journal(study: &Study, args: &StudyArgs) -> Journal<'static, Subject> {
    Journal::at(RunFolder::in_results(&args.out).journal())
        .version(format!("{}, results {RESULTS_VERSION}", env!("CARGO_PKG_VERSION")))
        .configuration(&study.settings)
        .fingerprint(fingerprint)
        .retry_recorded(retry_recorded(args))
        .on_change(on_change(args))
}

fn report(study: &Study, out: &Path) -> Report<'static> {
    Report::at(RunFolder::in_results(out).path())
        .serial_sample(1)
        .field("study", &study.title)
        .field("settings", &study.settings)
        .field("sleep_analysis", env!("CARGO_PKG_VERSION"))
}

/// A worker process has threads of its own where there are more cores than workers.
fn inner_parallelism(mode: AnyMode) -> InnerParallelism {
    match mode {
        AnyMode::Serial => InnerParallelism::Serial,
        _ => InnerParallelism::SpareThreads,
    }
}

/// Why a subject failed, as the page shows it: the same in every run and when it is read back from the journal, so without durations
/// and numbers of attempts.
fn reason(failure: ItemFailure<String>) -> String {
    let kind = failure.kind();
    let message = match failure.cause {
        Cause::Error(message) | Cause::Panic(message) | Cause::Encoding(message) => message,
        Cause::Recorded(recorded) => recorded.message,
        Cause::Lost(worker) => worker.to_string(),
        // No study has limits or finds subjects done by their files, and unfinished subjects are not delivered.
        _ => failure.to_string(),
    };
    describe_failure(kind, &message)
}

/// A failure's kind and message, as a journal has them, as a sentence.
pub(super) fn describe_failure(kind: FailureKind, message: &str) -> String {
    match kind {
        FailureKind::Panic => format!("the program made a mistake: {message}"),
        FailureKind::Lost => format!("its worker process was lost: {message}"),
        FailureKind::Encoding => format!("its result could not be sent between processes: {message}"),
        _ => message.to_owned(),
    }
}
