//! A soak: thousands of calls of each kind while faults are injected at random, and after them nothing is lost, nothing is
//! wrong, and nothing is left.
//!
//! The program has a `main` of its own, because it has four roles. A copy that was started as a worker becomes one. A copy
//! that was started with orders is a caller: it makes the calls of one kind, see `caller.rs`. With `--soak`, which
//! `cargo xtask soak` adds, it is their parent: it starts a caller for each kind, kills its workers and pauses it from outside,
//! and prints a table, see `parent.rs`. Otherwise it does the same in a short form, a few dozen calls of each kind, so that the
//! harness itself is tested with all other tests.
//!
//! What is drawn at random depends on the seed, the kind and the number of the call alone, and each finding names all three.
//! Threads and processes are left to run as they like, so a seed repeats what is done and not when.

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
mod call;
#[cfg(target_os = "linux")]
mod caller;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod fault;
#[cfg(target_os = "linux")]
mod fork;
#[cfg(target_os = "linux")]
mod heap;
#[cfg(target_os = "linux")]
mod items;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod kinds;
#[cfg(target_os = "linux")]
mod lines;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod parent;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    items::silence_panics_on_purpose();
    manyhands::init();
    match lines::orders() {
        Some(orders) => caller::make_calls(&orders),
        None => options::read().map_or_else(|code| code, |options| parent::run(&options)),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stdout, reason = "a test without a harness says itself what was skipped")]
fn main() {
    println!("SKIPPED: the soak counts processes by /proc, which exists on Linux alone");
}
