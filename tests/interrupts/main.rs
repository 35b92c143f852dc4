//! Ctrl+C and SIGTERM at programs that listen for them: the first one drains, the second one ends, and afterwards all is as
//! it was.
//!
//! The program has a `main` of its own, because it plays two parts. A copy that was started with a role listens and is
//! signalled; otherwise it runs the drills, which start such copies. A copy says on its stdout how far it is, so that nobody has
//! to guess when to signal it, and ends by itself when a drill has forgotten it.

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
mod roles;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    #[cfg(feature = "processes")]
    manyhands::init();
    if let Some(role) = child::role() {
        roles::play(&role);
    }
    // A shell has what it starts in the background ignore Ctrl+C, and the copies inherit that.
    // SAFETY: the default action installs no code.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    let drills = drills::ALL.iter().chain(drills::OF_PROCESSES).map(|&(name, drill)| {
        libtest_mimic::Trial::test(name, move || {
            drill();
            Ok(())
        })
    });
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), drills.collect()).exit_code()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod drills {
    use std::time::Duration;

    #[cfg(all(target_os = "linux", feature = "processes"))]
    use crate::child::is_running;
    use crate::child::{Child, End, INT, TERM};

    macro_rules! drills {
        ($($name:ident,)*) => {
            pub(crate) const ALL: &[(&str, fn())] = &[$((stringify!($name), $name)),*];
        };
    }

    drills! {
        the_first_signal_drains_and_the_program_exits_with_its_code,
        the_second_signal_ends_a_program_whose_closure_and_main_hang,
        a_second_signal_of_the_other_kind_ends_it_too,
        an_echo_of_the_first_signal_is_no_second_one,
        after_the_drop_signals_end_the_program_as_before,
        after_a_drop_one_can_listen_again,
        of_two_listeners_both_are_told_and_one_may_leave,
        a_handler_of_somebody_else_is_called_and_stays,
        an_ignored_signal_stays_ignored,
        a_closure_that_panics_leaves_the_stop_in_place,
        drop_waits_for_the_closure,
        dropping_without_a_signal_calls_nothing,
        a_drop_that_waits_for_a_closure_that_hangs_can_be_ended,
    }

    /// Those that need worker processes.
    pub(crate) const OF_PROCESSES: &[(&str, fn())] = &[
        #[cfg(all(target_os = "linux", feature = "processes"))]
        ("the_second_signal_takes_the_workers_along", the_second_signal_takes_the_workers_along),
    ];

    const SOON: Duration = Duration::from_millis(500);
    /// Longer than an echo takes; a person takes longer still.
    const A_WHILE: Duration = Duration::from_millis(150);

    fn the_first_signal_drains_and_the_program_exits_with_its_code() {
        for (signal, name, code) in [(INT, "SIGINT", 130), (TERM, "SIGTERM", 143)] {
            let mut child = Child::start("drain");
            child.wait_for("at work");
            child.send(signal);
            child.wait_for(&format!("notice {name}"));
            child.wait_for("saved");
            assert_eq!(child.end(), End::Code(code));
        }
    }

    fn the_second_signal_ends_a_program_whose_closure_and_main_hang() {
        for signal in [INT, TERM] {
            let mut child = Child::start("hang");
            child.wait_for("at work");
            child.send(signal);
            child.wait_for("notice");
            child.end_within(SOON, signal, A_WHILE);
        }
    }

    fn a_second_signal_of_the_other_kind_ends_it_too() {
        for (first, second) in [(INT, TERM), (TERM, INT)] {
            let mut child = Child::start("hang");
            child.wait_for("at work");
            child.send(first);
            child.wait_for("notice");
            child.end_within(SOON, second, A_WHILE);
        }
    }

    fn an_echo_of_the_first_signal_is_no_second_one() {
        let mut child = Child::start("echo");
        child.wait_for("alive");
        assert_eq!(child.end(), End::Code(130));
    }

    fn after_the_drop_signals_end_the_program_as_before() {
        for signal in [INT, TERM] {
            let mut child = Child::start("gone");
            child.wait_for("dropped");
            child.end_within(SOON, signal, Duration::ZERO);
        }
    }

    fn after_a_drop_one_can_listen_again() {
        let mut child = Child::start("again");
        child.wait_for("at work");
        child.send(TERM);
        child.wait_for("notice SIGTERM");
        assert_eq!(child.end(), End::Code(143));
    }

    fn of_two_listeners_both_are_told_and_one_may_leave() {
        let mut child = Child::start("two");
        child.wait_for("both told");
        child.wait_for("one left");
        child.end_within(SOON, TERM, A_WHILE);
    }

    fn a_handler_of_somebody_else_is_called_and_stays() {
        let mut child = Child::start("chained");
        child.wait_for("called with ours");
        child.wait_for("called without ours");
        assert_eq!(child.end(), End::Code(0));
    }

    fn an_ignored_signal_stays_ignored() {
        let mut child = Child::start_ignoring_int("ignoring");
        child.wait_for("notice SIGTERM");
        assert_eq!(child.end(), End::Code(143));
    }

    fn a_closure_that_panics_leaves_the_stop_in_place() {
        let mut child = Child::start("panic");
        child.wait_for("cancelled");
        assert_eq!(child.end(), End::Code(130));
    }

    fn drop_waits_for_the_closure() {
        let mut child = Child::start("slow");
        child.wait_for("notice");
        child.wait_for("dropped");
        assert_eq!(child.end(), End::Code(130));
    }

    fn a_drop_that_waits_for_a_closure_that_hangs_can_be_ended() {
        for role in ["hang in drop", "hang in drop, chained"] {
            let mut child = Child::start(role);
            child.wait_for("dropping");
            child.wait_for("notice");
            child.end_within(SOON, INT, A_WHILE);
        }
    }

    #[cfg(all(target_os = "linux", feature = "processes"))]
    fn the_second_signal_takes_the_workers_along() {
        let mut child = Child::start("crew");
        child.wait_for("at work");
        let workers = child.children_once_there_are(2);
        child.send(INT);
        child.wait_for("notice");
        child.end_within(SOON, INT, A_WHILE);
        let begun = std::time::Instant::now();
        while workers.iter().any(|&worker| is_running(worker)) {
            assert!(begun.elapsed() < SOON, "the workers {workers:?} outlive their program");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn dropping_without_a_signal_calls_nothing() {
        let mut child = Child::start("quiet");
        child.wait_for("dropped");
        assert_eq!(child.end(), End::Code(0));
    }
}
