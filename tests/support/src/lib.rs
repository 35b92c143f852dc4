//! What the test programs of manyhands share: seeds that can be replayed, a harness with a watchdog for programs that have a
//! `main` of their own, child programs, and checks that nothing is left behind.
//!
//! Nothing here knows manyhands.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "all of it is test, and a panic is how a test fails"
)]

#[cfg(unix)]
pub mod capture;
#[cfg(unix)]
pub mod child;
pub mod figures;
#[cfg(target_os = "linux")]
pub mod fork;
pub mod harness;
#[cfg(target_os = "linux")]
pub mod leak_check;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod property;
#[cfg(unix)]
pub mod python;
pub mod rng;
#[cfg(target_os = "linux")]
pub mod seccomp;
pub mod seed;
#[cfg(unix)]
pub mod signals;
pub mod wait;
pub mod watchdog;
