//! Ctrl+C and SIGTERM at programs that listen for them: the first one drains, the second one ends, and afterwards all is as
//! it was.
//!
//! The program has a `main` of its own, because it has two roles. A copy that was started with a role listens and is
//! signalled; otherwise it runs the drills, which start such copies. A copy says on its stdout how far it is, so that a drill need
//! not guess when to signal it, and ends by itself when a drill has forgotten it.

#![cfg_attr(
    unix,
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "all of it is test, but clippy does not know one without a harness for what it is"
    )
)]

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod drills;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod roles;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    #[cfg(feature = "processes")]
    manyhands::init();
    if let Some(role) = child::role() {
        roles::play(&role);
    }
    harness::run_suite()
}

#[cfg(not(unix))]
fn main() {}
