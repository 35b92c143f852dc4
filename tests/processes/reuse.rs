//! Workers are kept from call to call, as long as they are what a new one would be.

use std::collections::BTreeSet;
use std::env;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use manyhands::{Job, OnFailure, Processes, Tally};
use manyhands_test_support::processes::children;
use manyhands_test_support::wait::wait_until;
use rustix::fs::Mode;
use rustix::process::{Pid, Signal, geteuid, getuid, kill_process, umask};

use crate::fixtures::{Act, assert_is_usable, doubles_but, job, perform, pid};
use crate::harness::{drills, for_worker_counts};
use crate::parents::{Parent, command};

drills![
    a_second_call_starts_no_process,
    a_call_with_another_function_and_other_types_starts_no_process,
    a_dead_worker_is_replaced_and_the_others_are_kept,
    end_idle_workers_ends_them_all_and_counts_them,
    calls_from_many_threads_at_once_all_end,
    an_empty_call_ends_at_once,
    idle_workers_that_were_killed_are_no_loss_of_the_next_call,
    an_idle_worker_that_was_killed_is_no_loss_where_it_takes_the_place_of_a_recycled_one,
    a_call_runs_in_the_folder_that_the_program_has_at_that_time,
    a_call_has_the_environment_that_the_program_has_at_that_time,
    a_worker_that_is_started_during_a_call_has_the_folder_and_the_environment_of_its_begin,
    a_variable_that_the_program_was_started_with_is_changed_and_removed,
    a_worker_that_cannot_be_used_again_holds_no_call_up,
    an_items_folder_and_mask_do_not_reach_later_calls,
    an_items_environment_and_user_do_not_reach_later_calls,
];

fn a_second_call_starts_no_process() {
    for_worker_counts(|workers| {
        let items = vec![0; 100 * workers];
        job(&items, workers).run(pid).unwrap().into_result().unwrap();
        let first = children(process::id());
        assert_eq!(first.len(), workers);
        for _ in 0..3 {
            let pids = job(&items, workers).run(pid).unwrap().into_result().unwrap();
            assert_eq!(children(process::id()), first);
            assert!(pids.iter().all(|pid| first.iter().any(|process| process.pid == *pid)));
        }
    });
}

fn a_call_with_another_function_and_other_types_starts_no_process() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        let first = children(process::id());
        let words: Vec<String> = (0..100).map(|n| "x".repeat(n)).collect();
        let lengths = job(&words, workers).run(String::len).unwrap().into_result().unwrap();
        assert_eq!(lengths, (0..100).collect::<Vec<_>>());
        assert_eq!(children(process::id()), first);
    });
}

fn a_dead_worker_is_replaced_and_the_others_are_kept() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        let before = children(process::id());
        let outcome = job(&doubles_but(50, &[(5, Act::KillItself)]), workers).run(perform).unwrap();
        let after = children(process::id());
        let n_lost = before.difference(&after).count();
        assert!(n_lost <= outcome.tally().lost_workers, "{before:?} {after:?}");
        assert!(after.len() <= workers);
        assert_is_usable(workers);
    });
}

fn end_idle_workers_ends_them_all_and_counts_them() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        assert_eq!(children(process::id()).len(), workers);
        assert_eq!(Processes::end_idle_workers(), workers);
        assert_eq!((children(process::id()).len(), Processes::end_idle_workers()), (0, 0));
        assert_is_usable(workers);
    });
}

fn calls_from_many_threads_at_once_all_end() {
    for_worker_counts(|workers| {
        thread::scope(|scope| {
            for caller in 0..4_u64 {
                scope.spawn(move || {
                    let items: Vec<(u64, u64)> = (0..100).map(|n| (n, caller)).collect();
                    for _ in 0..5 {
                        let values = job(&items, workers).run(|(n, caller)| n * 10 + caller).unwrap();
                        let expected: Vec<u64> = (0..100).map(|n| n * 10 + caller).collect();
                        assert_eq!(values.into_result().unwrap(), expected);
                    }
                });
            }
        });
        let pids: BTreeSet<_> = children(process::id());
        assert!(pids.len() <= 4 * workers, "{pids:?}");
    });
}

fn an_empty_call_ends_at_once() {
    for_worker_counts(|workers| {
        let outcome = Job::new(&[] as &[u64]).mode(Processes::new()).workers(workers).run(|n| *n).unwrap();
        assert!(outcome.is_empty() && outcome.is_complete());
    });
}

fn idle_workers_that_were_killed_are_no_loss_of_the_next_call() {
    for_worker_counts(|workers| {
        job(&vec![0; 100 * workers], workers).run(pid).unwrap().into_result().unwrap();
        for process in children(process::id()) {
            kill_process(Pid::from_raw(process.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
            wait_until("an idle worker is dead", Duration::from_secs(10), || !process.is_alive());
        }
        let outcome = job(&[1_u64], 1).run(|n| n + 1).unwrap();
        assert_eq!((outcome.get(0), outcome.tally().lost_workers), (Some(&2), 0));
        assert_is_usable(workers);
    });
}

fn an_idle_worker_that_was_killed_is_no_loss_where_it_takes_the_place_of_a_recycled_one() {
    // Two calls at once, each with a worker of its own; both are of the kind that a call with one worker takes.
    let slow = |_: &u64| {
        thread::sleep(Duration::from_millis(100));
        process::id()
    };
    let one_call = || job(&[0_u64], 1).run(slow).unwrap().into_result().unwrap()[0];
    let at_once =
        || thread::scope(|scope| [scope.spawn(one_call), scope.spawn(one_call)].map(|call| call.join().unwrap()));
    let pids = std::iter::repeat_with(at_once).take(50).find(|pids| pids[0] != pids[1]).expect("two calls overlap");
    // The one that worked last is taken first.
    let next = one_call();
    let other = children(process::id()).into_iter().find(|process| process.pid != next && pids.contains(&process.pid));
    let other = other.expect("the other one is idle");
    kill_process(Pid::from_raw(other.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    wait_until("an idle worker is dead", Duration::from_secs(10), || !other.is_alive());
    let outcome = job(&[0; 50], 1).mode(Processes::new().recycle_after(10)).chunk_size(1).run(pid).unwrap();
    assert_eq!((outcome.get(0), outcome.tally().lost_workers), (Some(&next), 0), "{:?}", outcome.tally());
    assert!(outcome.is_complete() && outcome.tally().recycled_workers > 0);
}

/// What each of 20 items finds, in 2 workers, and the tally.
fn found_by_items<R>(find: fn(&i32) -> R) -> (Vec<R>, Tally)
where
    R: serde::Serialize + serde::de::DeserializeOwned + Send,
{
    let outcome = job(&[0; 20], 2).chunk_size(1).run(find).unwrap();
    let tally = *outcome.tally();
    (outcome.into_result().unwrap(), tally)
}

fn folder_of_item(_: &i32) -> PathBuf {
    env::current_dir().unwrap()
}

fn a_call_runs_in_the_folder_that_the_program_has_at_that_time() {
    let (first, other) = (env::current_dir().unwrap(), tempfile::tempdir().unwrap());
    let outer = other.path().canonicalize().unwrap();
    let renamed = outer.with_extension("renamed");
    assert!(found_by_items(folder_of_item).0.iter().all(|folder| *folder == first));

    env::set_current_dir(&outer).unwrap();
    let (folders, tally) = found_by_items(folder_of_item);
    assert!(folders.iter().all(|folder| *folder == outer), "{folders:?}");
    assert!(tally.recycled_workers > 0 && tally.lost_workers == 0, "{tally}");

    // The folder is the same one under another name, so its workers are, too.
    std::fs::rename(&outer, &renamed).unwrap();
    let (folders, tally) = found_by_items(folder_of_item);
    std::fs::rename(&renamed, &outer).unwrap();
    env::set_current_dir(first).unwrap();
    assert!(folders.iter().all(|folder| *folder == renamed), "{folders:?}");
    assert_eq!((tally.recycled_workers, tally.lost_workers), (0, 0));
}

/// A variable that no program sets but these drills.
const VARIABLE: &str = "DRILL_OF_REUSE";

fn variable_of_item(_: &i32) -> Option<String> {
    env::var(VARIABLE).ok()
}

fn a_call_has_the_environment_that_the_program_has_at_that_time() {
    assert!(found_by_items(variable_of_item).0.iter().all(Option::is_none));
    // SAFETY: the other threads of this program look at the environment through std alone.
    unsafe { env::set_var(VARIABLE, "set") };
    let (values, tally) = found_by_items(variable_of_item);
    // SAFETY: as above.
    unsafe { env::remove_var(VARIABLE) };
    assert!(values.iter().all(|value| value.as_deref() == Some("set")), "{values:?}");
    assert!(tally.recycled_workers > 0 && tally.lost_workers == 0, "{tally}");
    assert!(found_by_items(variable_of_item).0.iter().all(Option::is_none));
    assert_eq!(found_by_items(variable_of_item).1.recycled_workers, 0, "nothing has changed since");
}

fn a_worker_that_is_started_during_a_call_has_the_folder_and_the_environment_of_its_begin() {
    fn find_or_die(n: &u32) -> (PathBuf, Option<String>, u32) {
        if *n == 1 {
            process::abort();
        }
        (env::current_dir().unwrap(), env::var(VARIABLE).ok(), process::id())
    }
    let (first, other) = (env::current_dir().unwrap(), tempfile::tempdir().unwrap());
    let begin = other.path().canonicalize().unwrap();
    let renamed = begin.with_extension("renamed");
    // At first the call starts all of its workers itself; then it takes one that is idle, and starts the others.
    for _ in 0..2 {
        env::set_current_dir(&begin).unwrap();
        let mut found: Vec<(PathBuf, Option<String>, u32)> = Vec::new();
        let job = Job::over(0..4_u32).mode(Processes::new()).workers(1).chunk_size(1).on_failure(OnFailure::Continue);
        let work = job.map(find_or_die as fn(&u32) -> _);
        work.for_each(|index, result| {
            if index == 0 {
                std::fs::rename(&begin, &renamed).unwrap();
                env::set_current_dir(&first).unwrap();
                // SAFETY: the other threads of this program look at the environment through std alone.
                unsafe { env::set_var(VARIABLE, "set during the call") };
            }
            found.extend(result.ok());
            ControlFlow::Continue(())
        })
        .unwrap();
        // SAFETY: as above.
        unsafe { env::remove_var(VARIABLE) };
        std::fs::rename(&renamed, &begin).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((&found[0].0, &found[0].1), (&begin, &None));
        let is_of_begin = |place: &(PathBuf, Option<String>, u32)| place.0 == renamed && place.1.is_none();
        assert!(found[1..].iter().all(is_of_begin), "{found:?}");
        assert_ne!(found[1].2, found[0].2, "in another worker");
    }
}

/// Prints what items find of a variable that the program was started with: at first, after it was set anew, after it was
/// set back, after it was removed, and after another one was set.
pub(crate) fn change_environment(_: &[String]) {
    let show = || {
        let (values, tally) = found_by_items(variable_of_item);
        assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        println!("{:?} {}", values[0], tally.recycled_workers > 0);
    };
    let changes: [fn(); 5] = [
        || {},
        // SAFETY: the other threads of this program look at the environment through std alone, here and below.
        || unsafe { env::set_var(VARIABLE, "other") },
        // SAFETY: as above.
        || unsafe { env::set_var(VARIABLE, "first") },
        // SAFETY: as above.
        || unsafe { env::remove_var(VARIABLE) },
        // SAFETY: as above.
        || unsafe { env::set_var("MANYHANDS_TEST_ANOTHER", "set") },
    ];
    show();
    for change in changes {
        change();
        show();
    }
}

fn a_variable_that_the_program_was_started_with_is_changed_and_removed() {
    let mut command = command("environment", &[]);
    command.env(VARIABLE, "first");
    let (exit, said, stderr) = Parent::start(command).end();
    assert!(exit.is_success(), "{exit}, and on stderr {stderr:?}");
    let some = |value: &str, is_replaced: bool| format!("Some({value:?}) {is_replaced}");
    let expected = [some("first", false), some("first", false), some("other", true), some("first", true)];
    let expected: Vec<_> = expected.into_iter().chain(["None true", "None true"].map(str::to_owned)).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

/// What a library may do at the exit of a process that ends beside its other threads.
extern "C" fn hang() {
    thread::sleep(Duration::from_secs(100));
}

fn a_worker_that_cannot_be_used_again_holds_no_call_up() {
    fn hang_at_exit(_: &i32) {
        // SAFETY: the function is a plain one, of this executable.
        assert_eq!(unsafe { libc::atexit(hang) }, 0);
    }
    job(&[0], 1).run(hang_at_exit).unwrap().into_result().unwrap();
    // SAFETY: the other threads of this program look at the environment through std alone.
    unsafe { env::set_var(VARIABLE, "set") };
    let begun = Instant::now();
    let (values, tally) = found_by_items(variable_of_item);
    // SAFETY: as above.
    unsafe { env::remove_var(VARIABLE) };
    assert!(values.iter().all(|value| value.as_deref() == Some("set")), "{values:?}");
    assert!(tally.recycled_workers > 0 && tally.lost_workers == 0, "{tally}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// The folder and the mask for new files that an item finds, and its worker.
fn place_of_item(_: &i32) -> (PathBuf, u32, u32) {
    let mask = umask(Mode::empty());
    umask(mask);
    (env::current_dir().unwrap(), mask.bits(), process::id())
}

fn an_items_folder_and_mask_do_not_reach_later_calls() {
    let before = job(&[0], 1).run(place_of_item).unwrap().into_result().unwrap();
    let change = |_: &i32| {
        env::set_current_dir("/").unwrap();
        umask(Mode::from_raw_mode(0o013));
    };
    job(&[0], 1).run(change).unwrap().into_result().unwrap();
    let after = job(&[0], 1).run(place_of_item).unwrap().into_result().unwrap();
    assert_eq!(after, before, "in the same worker");
}

fn an_items_environment_and_user_do_not_reach_later_calls() {
    fn set_variable(_: &i32) {
        // SAFETY: the other threads of the worker look at the environment through std alone.
        unsafe { env::set_var(VARIABLE, "of an item") };
    }
    fn give_up_root(_: &i32) {
        // SAFETY: the call changes the user of all threads; nothing in the worker relies on being root.
        assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
    }
    let find = |_: &i32| (env::var(VARIABLE).ok(), geteuid().as_raw(), process::id());
    let user = geteuid().as_raw();
    let changes: &[fn(&i32)] = if getuid().is_root() { &[set_variable, give_up_root] } else { &[set_variable] };
    for &change in changes {
        for chunk_size in [1, 3] {
            let changed = job(&[0, 1, 2], 1).chunk_size(chunk_size).run(change);
            assert_eq!(changed.unwrap().tally().recycled_workers, 0, "an item's own call goes on with it");
            let outcome = job(&[0], 1).run(find).unwrap();
            let tally = *outcome.tally();
            let found = outcome.into_result().unwrap().remove(0);
            assert_eq!((&found.0, found.1), (&None, user));
            assert_eq!((tally.recycled_workers, tally.lost_workers), (1, 0), "{tally}");
            // The new worker is kept.
            assert_eq!(job(&[0], 1).run(find).unwrap().into_result().unwrap(), [found]);
        }
    }
}
