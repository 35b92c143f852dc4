//! Long runs that are disturbed: whatever ends a study or makes its files unusable, the next run resumes what was
//! finished, repeats little, and writes the same tables.
//!
//! The program has a `main` of its own, because it has three roles. A copy that was started as a worker becomes one. A copy
//! that was started with orders runs a study of made signals, see `study.rs` and `roles.rs`, and is killed, signalled or put on
//! a full disk. Otherwise it runs the drills, one after the other, since each of them counts the processes that are left.
//!
//! Moments and lengths are random. The seed is printed, and `MANYHANDS_TEST_SEED` sets it; `MANYHANDS_CRASH_KILLS` says how often
//! the study is killed in each mode, 10 times without it; `MANYHANDS_CRASH_FOLDER`, on which disk.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "all of it is test, but clippy does not know one without a harness for what it is"
    )
)]

#[cfg(target_os = "linux")]
mod assertions;
#[cfg(target_os = "linux")]
mod changes;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod disks;
#[cfg(target_os = "linux")]
mod folders;
#[cfg(target_os = "linux")]
mod harness;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod reports;
#[cfg(target_os = "linux")]
mod roles;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod study;
#[cfg(target_os = "linux")]
mod truncation;
#[cfg(target_os = "linux")]
mod turns;
#[cfg(target_os = "linux")]
mod writers;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    manyhands::init();
    match child::orders() {
        Some(orders) => roles::play(&orders),
        None => harness::run_suite(&[
            kills::DRILLS,
            reports::DRILLS,
            signals::DRILLS,
            writers::DRILLS,
            disks::DRILLS,
            folders::DRILLS,
            truncation::DRILLS,
            changes::DRILLS,
            turns::DRILLS,
        ]),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stdout, reason = "a test without a harness says itself what was skipped")]
fn main() {
    println!("SKIPPED: the crash drills count processes by /proc, which exists on Linux alone");
}
