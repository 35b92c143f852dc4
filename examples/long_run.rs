//! A run of half a minute or more that can be stopped at any moment and resumes where it was. Run it, press Ctrl+C, and run it again;
//! or kill it.
//!
//!     cargo run --release --features full --example long_run
//!
//! At its end it prints what it left in `long-run-out`; remove the folder to start again.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example prints to its terminal")]

use manyhands::job::FailureKind;
use manyhands::report::report_amount;
use manyhands::{Job, Journal, OnFailure, Processes, Progress, Report, Retry};
use std::process::ExitCode;
use std::time::Duration;

/// The share of a synthetic signal's samples above its mean. Every 50th recording is torn, and one aborts its process the first
/// time.
fn features(recording: &u64) -> Result<f64, String> {
    if recording % 50 == 49 {
        return Err(format!("recording {recording} is torn"));
    }
    if *recording == 120 && is_first_time() {
        std::process::abort(); // such as a defect in a C library
    }
    let n_samples = 100_000_000;
    let above = (0..n_samples).filter(|sample| (sample * (recording + 7) * 2_654_435_761) >> 7 & 1 == 1).count();
    report_amount("samples", n_samples as f64);
    Ok(above as f64 / n_samples as f64)
}

/// True once in the life of the output folder.
fn is_first_time() -> bool {
    std::fs::create_dir("long-run-out/crash-is-over").is_ok()
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    manyhands::init();
    std::fs::create_dir_all("long-run-out")?;
    let recordings: Vec<u64> = (0..1000).collect();
    #[cfg(unix)]
    let interrupts = manyhands::Interrupts::listen(|signal| {
        eprintln!("{signal}: finishing the running items, and saving; again to end at once");
    })?;

    let job = Job::new(&recordings)
        .mode(Processes::new().time_limit(Duration::from_secs(60)))
        .on_failure(OnFailure::Continue)
        .retry(Retry::times(2).backoff(Duration::from_secs(1)).only([FailureKind::Lost, FailureKind::TimeLimit]))
        .key(|recording| format!("recording {recording}"))
        .progress(Progress::auto("recordings"));
    #[cfg(unix)]
    let job = job.cancel_token(interrupts.token());
    let outcome = job
        .try_map(features)
        .journal(Journal::at("long-run-out/journal.sqlite").version("1"))
        .report(Report::at("long-run-out/run"))
        .run()?;

    for warning in outcome.warnings() {
        eprintln!("warning: {warning}");
    }
    let tally = outcome.tally();
    println!(
        "{} of {} recordings have features, {} of them from earlier runs",
        tally.succeeded, tally.items, tally.resumed
    );
    println!("{} failed; see long-run-out/run/failed.jsonl and summary.json", tally.failed);
    #[cfg(unix)]
    if let Some(signal) = interrupts.signal() {
        eprintln!("stopped by {signal}; the same command resumes from here");
        return Ok(ExitCode::from(u8::try_from(signal.exit_code())?));
    }
    Ok(ExitCode::SUCCESS)
}
