//! What the copies do that drills start.

use std::fs;
use std::process::exit;
use std::thread;
use std::time::Duration;

use manyhands::journal::{JournalError, JournalReader};
use manyhands::{CancelToken, Error, Interrupts, Outcome};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::assertions::{notes_so_far, numbers};
use crate::child::Orders;
use crate::harness::wait_until;
use crate::study::{COMMIT_INTERVAL, Features, Study};

/// A copy that no drill ends exits after this time.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// What a copy exits with whose run was refused.
pub(crate) const REFUSED: i32 = 3;

pub(crate) fn play(orders: &Orders) -> ! {
    thread::spawn(|| {
        thread::sleep(FORGOTTEN);
        eprintln!("forgotten");
        exit(99);
    });
    let study = &orders.study;
    match orders.role.as_str() {
        "study" => finish(study, study.run(&CancelToken::new())),
        "interrupted" => interrupted(study),
        "stopped before its summary" => stopped_before_its_summary(study),
        "on a full disk" => on_a_full_disk(study),
        "on a disk that is full for a time" => on_a_disk_that_is_full_for_a_time(study),
        "with relative paths" => with_relative_paths(study),
        "with a limit on files" => with_a_limit_on_files(study),
        "without the right to write" => without_the_right_to_write(study),
        unknown => panic!("no role is called {unknown}"),
    }
}

/// What a program does at the end of its run.
fn finish(study: &Study, outcome: Result<Outcome<Features, String>, Error<String>>) -> ! {
    match outcome {
        Err(error) => {
            println!("refused: {error}");
            exit(REFUSED)
        }
        Ok(outcome) => {
            say_how_it_went(&outcome);
            study.write_table(outcome).unwrap();
            exit(0)
        }
    }
}

fn say_how_it_went(outcome: &Outcome<Features, String>) {
    let tally = outcome.tally();
    println!(
        "finished: {} succeeded, {} failed, {} resumed, {} left",
        tally.succeeded, tally.failed, tally.resumed, tally.cancelled
    );
    for warning in outcome.warnings() {
        let kind = match cause_of(warning) {
            Some(JournalError::Full { .. }) => "journal is full",
            Some(JournalError::ReadOnly { .. }) => "journal is read-only",
            Some(_) => "journal",
            None if warning.is_report() => "report",
            None => "unknown",
        };
        println!("warning: {kind}: {warning}");
    }
    println!("that is all");
}

/// The journal's error, or what kept a journal from being written.
fn cause_of(warning: &Error) -> Option<&JournalError> {
    match warning.journal_error() {
        Some(JournalError::Interrupted { error, .. }) => Some(error),
        other => other,
    }
}

fn interrupted(study: &Study) -> ! {
    let interrupts = Interrupts::listen(|signal| println!("notice {signal}: once more to end at once")).unwrap();
    println!("listening");
    let outcome = study.run(interrupts.token()).unwrap();
    let signal = interrupts.signal();
    drop(interrupts);
    say_how_it_went(&outcome);
    match signal {
        Some(signal) => exit(signal.exit_code()),
        None => finish(study, Ok(outcome)),
    }
}

fn stopped_before_its_summary(study: &Study) -> ! {
    let stopped = || -> manyhands::cache::CacheStats {
        println!("at the summary");
        loop {
            thread::park();
        }
    };
    finish(study, study.run_with(&CancelToken::new(), |report| report.cache("never", stopped)))
}

/// Runs where there is little room, makes some, and runs again.
fn on_a_full_disk(study: &Study) -> ! {
    let first = study.run(&CancelToken::new()).unwrap();
    say_how_it_went(&first);
    study.write_table(first).unwrap();
    println!("tables written");
    fs::remove_file(study.records.join("ballast")).unwrap();
    let again = Study { setting: crate::study::Setting { run: 1, ..study.setting.clone() }, ..study.clone() };
    finish(&again, again.run(&CancelToken::new()))
}

/// Runs where there is little room, and makes some once the disk has been full for a while: the last subjects wait for that.
fn on_a_disk_that_is_full_for_a_time(study: &Study) -> ! {
    let (ballast, gate) = (study.records.join("ballast"), study.setting.gate.clone().unwrap());
    let n_before_the_gate = study.setting.slow_from as usize;
    let (seen, journal) = (study.clone(), study.journal());
    let makes_room = thread::spawn(move || {
        wait_until("all subjects before the gate are done", || {
            numbers(&notes_so_far(&seen), 0, true).len() >= n_before_the_gate
        });
        // All of them are passed to the journal by now, so what is written after some commit intervals is all there is room for.
        thread::sleep(10 * COMMIT_INTERVAL);
        let status = JournalReader::open(journal).unwrap().status().unwrap();
        println!("{} of {n_before_the_gate} are written", status.succeeded + status.failed);
        fs::remove_file(ballast).unwrap();
        fs::write(gate, "open").unwrap();
    });
    let first = study.run(&CancelToken::new()).unwrap();
    makes_room.join().unwrap();
    say_how_it_went(&first);
    study.write_table(first).unwrap();
    let again = Study { setting: crate::study::Setting { run: 1, ..study.setting.clone() }, ..study.clone() };
    finish(&again, again.run(&CancelToken::new()))
}

/// Names its records as they are called in their folder, and changes to another one while subjects wait.
fn with_relative_paths(study: &Study) -> ! {
    let (seen, elsewhere) = (study.clone(), study.folder.join("elsewhere"));
    std::env::set_current_dir(&study.records).unwrap();
    let leaves = thread::spawn(move || {
        wait_until("half of the subjects are done", || numbers(&notes_so_far(&seen), 0, true).len() == 30);
        std::env::set_current_dir(elsewhere).unwrap();
        fs::write(seen.setting.gate.unwrap(), "open").unwrap();
    });
    let relative = Study { records: std::path::PathBuf::new(), ..study.clone() };
    let outcome = relative.run(&CancelToken::new());
    leaves.join().unwrap();
    finish(study, outcome)
}

/// Room for the log and the report, and not for the journal.
pub(crate) const LIMIT: u64 = 96 << 10;

fn limit_files(limit: Option<u64>) {
    let hard = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: limit.or(hard), maximum: hard }).unwrap();
}

fn with_a_limit_on_files(study: &Study) -> ! {
    limit_files(Some(LIMIT));
    let first = study.run(&CancelToken::new()).unwrap();
    say_how_it_went(&first);
    limit_files(None);
    study.write_table(first).unwrap();
    println!("tables written");
    manyhands::Processes::end_idle_workers(); // they have the limit too
    let again = Study { setting: crate::study::Setting { run: 1, ..study.setting.clone() }, ..study.clone() };
    finish(&again, again.run(&CancelToken::new()))
}

/// Root may write anywhere, so it gives that right up first; threads and processes that it starts do not have it either.
fn without_the_right_to_write(study: &Study) -> ! {
    let mut rights = capabilities(None).unwrap();
    let lost = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER;
    rights.effective.remove(lost);
    rights.permitted.remove(lost);
    set_capabilities(None, rights).unwrap();
    finish(study, study.run(&CancelToken::new()))
}
