//! Worker processes whose items do harm: whatever an item does to its worker, the call ends, blames that item and no other, and
//! leaves nothing behind.
//!
//! The program has a `main` of its own, because it has three roles. A copy that was started as a worker becomes
//! one. A copy that was started as a parent plays one that is killed, interrupted or badly written: see `parents.rs`.
//! Otherwise it runs the drills, one after the other, since they count the processes and descriptors of the whole
//! program; it takes the options of every test program, and with `--nocapture` shows what workers print.
//!
//! Each drill is watched, and ends the program when it hangs. What holds for every drill is in `harness.rs`; what
//! items do, in `fixtures.rs`.

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
mod any_mode;
#[cfg(target_os = "linux")]
mod arrays;
#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod destructors;
#[cfg(target_os = "linux")]
mod encoding;
#[cfg(target_os = "linux")]
mod fixtures;
#[cfg(target_os = "linux")]
mod forks;
#[cfg(target_os = "linux")]
mod harness;
#[cfg(target_os = "linux")]
mod lazy;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod long_runs;
#[cfg(target_os = "linux")]
mod nesting;
#[cfg(target_os = "linux")]
mod orphans;
#[cfg(target_os = "linux")]
mod parents;
#[cfg(target_os = "linux")]
mod pauses;
#[cfg(target_os = "linux")]
mod payloads;
#[cfg(target_os = "linux")]
mod prints;
#[cfg(target_os = "linux")]
mod recycling;
#[cfg(target_os = "linux")]
mod retry;
#[cfg(target_os = "linux")]
mod reuse;
#[cfg(target_os = "linux")]
mod rights;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod settings;
#[cfg(target_os = "linux")]
mod starting;
#[cfg(target_os = "linux")]
mod stopping;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod system_limits;
#[cfg(target_os = "linux")]
mod tasks;
#[cfg(target_os = "linux")]
mod worker_deaths;
#[cfg(target_os = "linux")]
mod worker_state;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    starting::before_init();
    manyhands::init();
    starting::refuse_to_multiply();
    match parents::asked_for() {
        Some((role, arguments)) => parents::play(&role, &arguments),
        None => {
            rights::name_what_is_skipped();
            harness::run_suite(&[
                any_mode::DRILLS,
                arrays::DRILLS,
                attempts::DRILLS,
                destructors::DRILLS,
                encoding::DRILLS,
                forks::DRILLS,
                lazy::DRILLS,
                long_runs::DRILLS,
                nesting::DRILLS,
                orphans::DRILLS,
                pauses::DRILLS,
                payloads::DRILLS,
                prints::DRILLS,
                recycling::DRILLS,
                retry::DRILLS,
                reuse::DRILLS,
                rights::DRILLS,
                room::DRILLS,
                settings::DRILLS,
                starting::DRILLS,
                stopping::DRILLS,
                streams::DRILLS,
                system_limits::DRILLS,
                tasks::DRILLS,
                worker_deaths::DRILLS,
                worker_state::DRILLS,
            ])
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stdout, reason = "a test without a harness says itself what was skipped")]
fn main() {
    println!("SKIPPED: worker processes exist on Linux alone");
}
