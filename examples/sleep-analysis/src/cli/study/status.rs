//! `study --status` and `study --failed`: what the journal of a study holds, while it runs or afterwards.

use std::path::Path;
use std::time::{Duration, SystemTime};

use consumer_support::command_line::command_changed;
use consumer_support::{ExitStatus, Output, RunFolder};
use manyhands::journal::{JournalError, JournalReader, JournalStatus};
use serde::Serialize;
use serde_json::Value;
use sleep_analysis::{SleepError, SleepResult};

use super::files;
use super::run_folder::RunNote;
use super::study_command::require_journal;
use super::work::describe_failure;
use crate::cli::analysis::text::{clock, count, duration, item, number};

/// `study --status`; `names_input` says whether the arguments name what is studied, so that the command to go on can be made from them.
///
/// # Errors
/// [`SleepError::Config`] where no study was begun, and for a journal that cannot be read.
pub(super) fn print_status(out: &Path, names_input: bool, output: &Output) -> SleepResult<ExitStatus> {
    let journal = open(out)?.status().map_err(refused)?;
    let status = Status::new(journal, RunNote::read(out), names_input);
    output.result(&status.lines(out));
    output.json(&json(&status));
    Ok(ExitStatus::Done)
}

/// `study --failed`.
///
/// # Errors
/// As [`print_status`].
pub(super) fn print_failed(out: &Path, output: &Output) -> SleepResult<ExitStatus> {
    let failures = open(out)?.failures().map_err(refused)?;
    let failed: Vec<FailedSubject> = failures
        .into_iter()
        .filter_map(|entry| {
            let failure = entry.failure?;
            let description = describe_failure(failure.kind, &failure.message);
            Some(FailedSubject {
                key: entry.key,
                kind: failure.kind.as_str(),
                message: failure.message,
                attempts: entry.attempts,
                description,
            })
        })
        .collect();
    for one in &failed {
        output.result(&format!(
            "{} failed ({}, {}): {}",
            one.key,
            one.kind,
            count(one.attempts as usize, "attempt"),
            one.description
        ));
    }
    if failed.is_empty() {
        output.result(&"no subject failed");
    }
    output.json(&json(&serde_json::json!({ "operation": "study --failed", "failed": failed })));
    Ok(ExitStatus::Done)
}

/// A subject that failed at its last attempt.
#[derive(Debug, Serialize)]
struct FailedSubject {
    key: String,
    kind: &'static str,
    message: String,
    attempts: u32,
    /// The message as the page shows it.
    #[serde(skip)]
    description: String,
}

/// How far a study is.
#[derive(Debug, Serialize)]
struct Status {
    operation: &'static str,
    title: Option<String>,
    /// The process that runs it now, and since when; none when it does not run.
    writer: Option<String>,
    /// As many as the latest run found.
    subjects: Option<usize>,
    succeeded: u64,
    failed: u64,
    runs: u64,
    begun_ns: Option<i64>,
    last_finished_ns: Option<i64>,
    /// Of the latest run, until its last finished subject.
    subjects_per_minute: Option<f64>,
    settings: Value,
    version: String,
    resume: Option<String>,
}

impl Status {
    fn new(journal: JournalStatus, note: Option<RunNote>, names_input: bool) -> Self {
        let last_finished_ns = journal.last_finished.and_then(nanoseconds);
        Self {
            operation: "study --status",
            subjects_per_minute: note.as_ref().and_then(|note| rate(note, journal.rows, last_finished_ns?)),
            title: note.as_ref().map(|note| note.title.clone()),
            subjects: note.as_ref().map(|note| note.subjects),
            // The note may come from anywhere, so no command is printed from it.
            resume: names_input.then(|| command_changed("--status", &["--resume"])),
            writer: journal.writer,
            succeeded: journal.succeeded,
            failed: journal.failed,
            runs: journal.runs,
            begun_ns: journal.first_started.and_then(nanoseconds),
            last_finished_ns,
            settings: serde_json::from_str(&journal.configuration).unwrap_or(Value::String(journal.configuration)),
            version: journal.version,
        }
    }

    fn lines(&self, out: &Path) -> String {
        let finished = format!("{} done, {} failed", self.succeeded, self.failed);
        let subjects = match self.subjects {
            Some(all) => format!("{all}: {finished}, {} to do", self.to_do().unwrap_or_default()),
            None => finished,
        };
        let begun = |time_ns| format!("{}; {}", clock(time_ns), count(self.runs as usize, "run"));
        let ago = |time_ns: i64| {
            let since = nanoseconds(SystemTime::now()).map_or(0, |now| now.saturating_sub(time_ns).max(0));
            let seconds = Duration::from_nanos(since.unsigned_abs()).as_secs();
            format!("{}, {} ago", clock(time_ns), duration(seconds as f64))
        };
        let mut lines = vec![
            item("study", self.title.as_deref().unwrap_or(&out.display().to_string())),
            item(
                "state",
                &self.writer.as_ref().map_or("not running".to_owned(), |writer| format!("running: {writer}")),
            ),
            item("subjects", &subjects),
        ];
        lines.extend(self.begun_ns.map(|time_ns| item("begun", &begun(time_ns))));
        lines.extend(self.last_finished_ns.map(|time_ns| item("last done", &ago(time_ns))));
        lines.extend(self.subjects_per_minute.map(|rate| item("rate", &format!("{} subjects a minute", number(rate)))));
        if self.failed > 0 {
            lines.push(item("failures", "named with --failed; --resume tries them again"));
        }
        let is_over = self.to_do() == Some(0) && self.failed == 0 && out.join(files::PAGE).exists();
        if self.writer.is_none() && !is_over {
            let resume = self.resume.as_deref().unwrap_or("the command that began it, with --resume");
            // Not broken into lines, so that it can be copied.
            lines.push(format!("to go on   {resume}"));
        }
        lines.join("\n")
    }

    /// Subjects that are neither done nor failed. The journal may hold some that no longer belong to the study.
    fn to_do(&self) -> Option<u64> {
        Some((self.subjects? as u64).saturating_sub(self.succeeded + self.failed))
    }
}

fn rate(note: &RunNote, rows: u64, last_finished_ns: i64) -> Option<f64> {
    let finished = rows.checked_sub(note.rows_before).filter(|&finished| finished > 0)?;
    let ran_ns = last_finished_ns.checked_sub(note.started_ns).filter(|&ran_ns| ran_ns > 0)?;
    Some(finished as f64 / (ran_ns as f64 / 60e9))
}

fn open(out: &Path) -> SleepResult<JournalReader> {
    require_journal(out)?;
    JournalReader::open(RunFolder::in_results(out).journal()).map_err(refused)
}

fn refused(problem: JournalError) -> SleepError {
    SleepError::Config(problem.to_string())
}

fn json(printed: &impl Serialize) -> String {
    serde_json::to_string(printed).expect("names, numbers and lists of them have JSON")
}

/// Since 1970; none for times out of range.
pub(super) fn nanoseconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_run_and_not_of_its_breaks() {
        let note = RunNote { title: String::new(), subjects: 9, started_ns: 1_000_000_000, rows_before: 4 };
        assert_eq!(rate(&note, 7, 91_000_000_000), Some(2.0));
        assert_eq!([rate(&note, 4, 91_000_000_000), rate(&note, 7, 0), rate(&note, 1, 91_000_000_000)], [None; 3]);
    }
}
