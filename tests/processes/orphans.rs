//! However a parent ends, its workers end with it.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::Process;
use manyhands_test_support::signals::{INT, restore_default, survive};
use manyhands_test_support::wait::wait_until;

use crate::fixtures::{job, pid, sleep_for_ever};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;
use crate::parents::{Parent, command};

drills![
    idle_workers_end_with_a_parent_that_is_killed,
    busy_workers_end_with_a_parent_that_is_killed,
    idle_workers_end_with_a_parent_that_ends,
    busy_workers_end_with_a_parent_that_exits,
    idle_workers_end_with_a_parent_that_panics,
    workers_that_another_thread_used_end_with_a_parent_that_is_killed,
    ctrl_c_ends_a_parent_with_busy_workers_at_once_and_quietly,
    ctrl_c_ends_a_parent_with_idle_workers_at_once_and_quietly,
    ctrl_c_reaches_the_parent_alone,
];

// What the parents do.

/// Has idle workers until it is let go.
pub(crate) fn be_idle(arguments: &[String]) {
    restore_default(INT);
    let workers = arguments[0].parse().unwrap();
    let call = move || drop(job(&vec![0; 20 * workers], workers).run(pid).unwrap().into_result().unwrap());
    match arguments.get(1) {
        Some(_) => std::thread::spawn(call).join().unwrap(),
        None => call(),
    }
    println!("idle");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Has busy workers for ever.
pub(crate) fn be_busy(arguments: &[String]) {
    restore_default(INT);
    let workers: usize = arguments[0].parse().unwrap();
    let log = Log::at(&arguments[1]);
    let outcome = job(&vec![0; 20 * workers], workers).chunk_size(1).shared(&log).run(|log: &Log, _: &i32| {
        log.add(&format!("busy {}", std::process::id()));
        sleep_for_ever()
    });
    let _: Vec<()> = outcome.unwrap().into_result().unwrap();
}

pub(crate) fn leave(arguments: &[String]) {
    be_idle(arguments);
}

pub(crate) fn exit_while_busy(arguments: &[String]) {
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        std::process::exit(4);
    });
    be_busy(arguments);
}

pub(crate) fn panic_while_idle(arguments: &[String]) {
    be_idle(arguments);
    panic!("the parent has had enough");
}

/// Survives Ctrl+C while its items wait for just that.
pub(crate) fn survive_ctrl_c(arguments: &[String]) {
    survive(INT);
    let workers: usize = arguments[0].parse().unwrap();
    let log = Log::at(&arguments[1]);
    let outcome = job(&vec![0; 4 * workers], workers).chunk_size(1).shared(&log).run(|log: &Log, _: &i32| {
        log.add(&format!("busy {}", std::process::id()));
        log.wait_for(Duration::from_secs(20), |log| log.has("interrupted"))
    });
    let outcome = outcome.unwrap();
    let n_seen = outcome.iter().filter(|(_, seen)| **seen).count();
    println!("{n_seen} values, {} lost workers", outcome.tally().lost_workers);
}

// What the drills do.

fn idle_parent(role: &str, arguments: &[&str], workers: usize) -> (Parent, BTreeSet<Process>) {
    let mut parent = Parent::start(command(role, arguments));
    assert_eq!(parent.line(), "idle");
    let found = parent.workers();
    assert_eq!(found.len(), workers, "{found:?}");
    (parent, found)
}

fn busy_parent(role: &str, workers: usize) -> (Parent, BTreeSet<Process>) {
    let (log, _folder) = Log::new();
    busy_parent_with(role, workers, &log)
}

fn busy_parent_with(role: &str, workers: usize, log: &Log) -> (Parent, BTreeSet<Process>) {
    let parent = Parent::start(command(role, &[&workers.to_string(), log.path()]));
    let busy = || log.after("busy").into_iter().collect::<BTreeSet<_>>();
    wait_until("every worker is busy", Duration::from_secs(20), || busy().len() == workers);
    let found = parent.workers();
    assert_eq!(found.iter().map(|process| process.pid as usize).collect::<BTreeSet<_>>(), busy());
    (parent, found)
}

fn assert_none_is_left(workers: &BTreeSet<Process>) {
    assert!(!workers.is_empty());
    wait_until("every worker has ended with its parent", Duration::from_secs(3), || {
        !workers.iter().any(|worker| worker.is_alive())
    });
}

fn idle_workers_end_with_a_parent_that_is_killed() {
    for_worker_counts(|workers| {
        let (mut parent, found) = idle_parent("idle", &[&workers.to_string()], workers);
        parent.kill();
        assert_none_is_left(&found);
    });
}

fn busy_workers_end_with_a_parent_that_is_killed() {
    for_worker_counts(|workers| {
        let (mut parent, found) = busy_parent("busy", workers);
        parent.kill();
        assert_none_is_left(&found);
    });
}

fn idle_workers_end_with_a_parent_that_ends() {
    for_worker_counts(|workers| {
        let (parent, found) = idle_parent("leaves", &[&workers.to_string()], workers);
        let (exit, _, stderr) = parent.end();
        assert!(exit.is_success() && stderr.is_empty(), "{exit} {stderr}");
        assert_none_is_left(&found);
    });
}

fn busy_workers_end_with_a_parent_that_exits() {
    for_worker_counts(|workers| {
        let (mut parent, found) = busy_parent("exits", workers);
        parent.let_go();
        let exit = parent.ended_within(Duration::from_secs(5));
        assert_eq!(exit, Exit::Code(4), "{}", parent.stderr());
        assert_none_is_left(&found);
    });
}

fn idle_workers_end_with_a_parent_that_panics() {
    for_worker_counts(|workers| {
        let (parent, found) = idle_parent("fails", &[&workers.to_string()], workers);
        let (exit, _, stderr) = parent.end();
        assert!(!exit.is_success() && stderr.contains("the parent has had enough"), "{exit} {stderr}");
        assert_none_is_left(&found);
    });
}

/// The kernel's signal at a parent's death is one at the death of the thread that started the worker. So here that
/// thread is gone, and its workers are still there; and then the parent is killed.
fn workers_that_another_thread_used_end_with_a_parent_that_is_killed() {
    for_worker_counts(|workers| {
        let (mut parent, found) = idle_parent("idle", &[&workers.to_string(), "in-a-thread"], workers);
        assert!(found.iter().all(|worker| worker.is_alive()), "workers outlive the thread that called");
        parent.kill();
        assert_none_is_left(&found);
    });
}

/// The bench asks for half a second; this bound is for machines that do other things too.
const AT_ONCE: Duration = Duration::from_secs(2);

fn ends_at_once_and_quietly(mut parent: Parent, workers: &BTreeSet<Process>) {
    let took = parent.interrupt();
    eprintln!("a parent with {} workers ended {took:?} after SIGINT", workers.len());
    assert!(took < AT_ONCE, "{took:?}");
    assert_none_is_left(workers);
    let stderr = parent.stderr();
    assert!(stderr.lines().count() <= 1, "{stderr}");
}

fn ctrl_c_ends_a_parent_with_busy_workers_at_once_and_quietly() {
    for_worker_counts(|workers| {
        let (parent, found) = busy_parent("busy", workers);
        ends_at_once_and_quietly(parent, &found);
    });
}

fn ctrl_c_ends_a_parent_with_idle_workers_at_once_and_quietly() {
    for_worker_counts(|workers| {
        let (parent, found) = idle_parent("idle", &[&workers.to_string()], workers);
        ends_at_once_and_quietly(parent, &found);
    });
}

/// Workers are no part of the group that Ctrl+C reaches, so a parent that survives it may let them finish.
fn ctrl_c_reaches_the_parent_alone() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let (mut parent, _) = busy_parent_with("survives", workers, &log);
        parent.press_ctrl_c();
        log.add("interrupted");
        assert_eq!(parent.line(), format!("{} values, 0 lost workers", 4 * workers));
        assert!(parent.end().0.is_success());
    });
}
