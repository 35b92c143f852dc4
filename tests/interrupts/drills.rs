//! What each signal does to a copy of this program.

use std::time::Duration;

use manyhands_test_support::child::Exit;
use rustix::process::Signal;

use crate::child::{end_within, start, start_ignoring_int};
use crate::harness::drills;

const INT: Signal = Signal::INT;
const TERM: Signal = Signal::TERM;

drills!(
    the_first_signal_drains_and_the_program_exits_with_its_code,
    the_second_signal_ends_a_program_whose_closure_and_main_hang,
    a_second_signal_of_the_other_kind_ends_it_too,
    an_echo_of_the_first_signal_is_no_second_one,
    after_the_drop_signals_end_the_program_as_before,
    after_a_drop_one_can_listen_again,
    two_listeners_are_both_notified_and_one_may_leave,
    a_handler_of_another_library_is_called_and_stays,
    an_ignored_signal_stays_ignored,
    a_closure_that_panics_leaves_the_stop_in_place,
    drop_waits_for_the_closure,
    a_closure_that_drops_its_own_listener_runs_to_its_end,
    dropping_without_a_signal_calls_nothing,
    #[cfg(feature = "journal")]
    a_run_whose_iterator_blocks_loses_nothing_to_the_second_signal,
    a_stream_whose_iterator_blocks_ends_at_the_first_signal,
    a_drop_that_waits_for_a_closure_that_hangs_can_be_ended,
    #[cfg(all(target_os = "linux", feature = "processes"))]
    the_second_signal_takes_the_workers_along,
);

const SOON: Duration = Duration::from_millis(500);
/// Longer than an echo takes; a person takes longer still.
const A_WHILE: Duration = Duration::from_millis(150);

fn the_first_signal_drains_and_the_program_exits_with_its_code() {
    for (signal, name, code) in [(INT, "SIGINT", 130), (TERM, "SIGTERM", 143)] {
        let mut child = start("drain");
        child.wait_for("at work");
        child.send(signal);
        child.wait_for(&format!("notice {name}"));
        child.wait_for("saved");
        assert_eq!(child.wait(), Exit::Code(code));
    }
}

fn the_second_signal_ends_a_program_whose_closure_and_main_hang() {
    for signal in [INT, TERM] {
        let mut child = start("hang");
        child.wait_for("at work");
        child.send(signal);
        child.wait_for("notice");
        end_within(child, SOON, signal, A_WHILE);
    }
}

fn a_second_signal_of_the_other_kind_ends_it_too() {
    for (first, second) in [(INT, TERM), (TERM, INT)] {
        let mut child = start("hang");
        child.wait_for("at work");
        child.send(first);
        child.wait_for("notice");
        end_within(child, SOON, second, A_WHILE);
    }
}

fn an_echo_of_the_first_signal_is_no_second_one() {
    let mut child = start("echo");
    child.wait_for("alive");
    assert_eq!(child.wait(), Exit::Code(130));
}

fn after_the_drop_signals_end_the_program_as_before() {
    for signal in [INT, TERM] {
        let mut child = start("gone");
        child.wait_for("dropped");
        end_within(child, SOON, signal, Duration::ZERO);
    }
}

fn after_a_drop_one_can_listen_again() {
    let mut child = start("again");
    child.wait_for("at work");
    child.send(TERM);
    child.wait_for("notice SIGTERM");
    assert_eq!(child.wait(), Exit::Code(143));
}

fn two_listeners_are_both_notified_and_one_may_leave() {
    let mut child = start("two");
    child.wait_for("both notified");
    child.wait_for("one left");
    end_within(child, SOON, TERM, A_WHILE);
}

fn a_handler_of_another_library_is_called_and_stays() {
    let mut child = start("chained");
    child.wait_for("called with ours");
    child.wait_for("called without ours");
    assert_eq!(child.wait(), Exit::Code(0));
}

fn an_ignored_signal_stays_ignored() {
    let mut child = start_ignoring_int("ignoring");
    child.wait_for("notice SIGTERM");
    assert_eq!(child.wait(), Exit::Code(143));
}

fn a_closure_that_panics_leaves_the_stop_in_place() {
    let mut child = start("panic");
    child.wait_for("cancelled");
    assert_eq!(child.wait(), Exit::Code(130));
}

fn drop_waits_for_the_closure() {
    let mut child = start("slow");
    child.wait_for("notice");
    child.wait_for("dropped");
    assert_eq!(child.wait(), Exit::Code(130));
}

fn a_closure_that_drops_its_own_listener_runs_to_its_end() {
    let mut child = start("drops itself");
    child.wait_for("dropped by its closure");
    child.wait_for("alive");
    end_within(child, SOON, TERM, Duration::ZERO);
}

fn a_drop_that_waits_for_a_closure_that_hangs_can_be_ended() {
    for role in ["hang in drop", "hang in drop, chained"] {
        let mut child = start(role);
        child.wait_for("dropping");
        child.wait_for("notice");
        end_within(child, SOON, INT, A_WHILE);
    }
}

#[cfg(all(target_os = "linux", feature = "processes"))]
fn the_second_signal_takes_the_workers_along() {
    use manyhands_test_support::processes::children;
    use manyhands_test_support::wait::wait_until;

    let mut child = start("workers");
    child.wait_for("at work");
    let mut workers = std::collections::BTreeSet::new();
    wait_until("two workers are there", Duration::from_secs(10), || {
        workers = children(child.id());
        workers.len() == 2
    });
    child.send(INT);
    child.wait_for("notice");
    end_within(child, SOON, INT, A_WHILE);
    wait_until("the workers have ended with their program", SOON, || !workers.iter().any(|worker| worker.is_alive()));
}

fn dropping_without_a_signal_calls_nothing() {
    let mut child = start("quiet");
    child.wait_for("dropped");
    assert_eq!(child.wait(), Exit::Code(0));
}

#[cfg(feature = "journal")]
fn a_run_whose_iterator_blocks_loses_nothing_to_the_second_signal() {
    use manyhands::journal::JournalReader;
    use manyhands_test_support::wait::wait_until;

    let mut child = start("iterator blocks");
    let folder = child.wait_for("in ").trim_start_matches("in ").trim().to_owned();
    let path = std::path::Path::new(&folder).join("journal.sqlite");
    child.wait_for("result 2");
    child.send(INT);
    child.wait_for("notice");
    // The run has ended but for its iterator, which is waited for.
    let succeeded =
        || JournalReader::open(&path).and_then(|reader| reader.status()).map_or(0, |status| status.succeeded);
    wait_until("the journal has what was finished", Duration::from_secs(5), || succeeded() == 3);
    end_within(child, SOON, INT, A_WHILE);
    assert_eq!(succeeded(), 3);
    std::fs::remove_dir_all(folder).unwrap();
}

fn a_stream_whose_iterator_blocks_ends_at_the_first_signal() {
    let mut child = start("stream blocks");
    child.wait_for("result 2");
    child.send(INT);
    child.wait_for("ended after 3");
    assert_eq!(child.wait(), Exit::Code(130));
}
