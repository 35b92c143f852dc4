//! However a parent ends, its workers end with it, and with a worker what its items have started.

use std::collections::BTreeSet;
use std::io::Read;
use std::mem::MaybeUninit;
use std::process::{Child, Command};
use std::time::Duration;

use manyhands::Processes;
use manyhands_test_support::child::Exit;
use manyhands_test_support::fork::fork_bare;
use manyhands_test_support::processes::{Process, children};
use manyhands_test_support::signals::{INT, restore_default, survive};
use manyhands_test_support::wait::wait_until;
use rustix::process::{Signal, getpgid, getpid, getppid, kill_process, setpgid};

use crate::fixtures::{Act, assert_is_usable, job, perform, pid, sleep_for_ever};
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
    tools_of_busy_workers_end_with_a_parent_that_is_killed,
    workers_and_tools_end_with_a_parent_whose_child_lives_on,
    tools_end_with_a_parent_that_is_interrupted_or_exits,
    tools_that_items_left_behind_end_with_an_idle_parent,
    tools_that_items_left_behind_end_with_their_worker,
    tools_that_items_left_behind_end_with_an_idle_worker_that_is_killed,
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

/// Has workers that wait for tools, which they have started. What the workers do besides, the third argument says.
pub(crate) fn wait_for_tools(arguments: &[String]) {
    restore_default(INT);
    let workers: usize = arguments[0].parse().unwrap();
    let shared = (Log::at(&arguments[1]), arguments[2].clone());
    if let Some(act) = arguments.get(3).cloned() {
        let log = shared.0.clone();
        std::thread::spawn(move || {
            wait_until("every worker is ready", Duration::from_secs(20), || log.after("ready").len() == workers);
            fork_one_that_stays(&log, &act);
        });
    }
    let outcome =
        job(&vec![0; workers], workers).chunk_size(1).shared(&shared).run(|(log, besides): &(Log, String), _| {
            let mut tool = start_tool();
            log.add(&format!("tool {}", tool.id()));
            match besides.as_str() {
                "deaf" => block_all_signals(),
                "stopped" => kill_process(getpid(), Signal::STOP).unwrap(),
                "moved" => setpgid(None, Some(getpgid(getppid()).unwrap())).unwrap(),
                _ => {}
            }
            log.add(&format!("ready {}", std::process::id()));
            tool.wait().is_ok()
        });
    outcome.unwrap().into_result().unwrap();
}

pub(crate) fn exit_with_tools(arguments: &[String]) {
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        std::process::exit(4);
    });
    wait_for_tools(arguments);
}

/// Has idle workers, whose items have left a tool behind.
pub(crate) fn leave_tools(arguments: &[String]) {
    let workers: usize = arguments[0].parse().unwrap();
    let log = Log::at(&arguments[1]);
    let outcome = job(&vec![0; workers], workers).chunk_size(1).shared(&log).run(|log: &Log, _: &i32| {
        log.add(&format!("tool {}", start_tool().id()));
    });
    outcome.unwrap().into_result().unwrap();
    println!("idle");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Forks a child that lives on; makes a call in it first if it is to.
fn fork_one_that_stays(log: &Log, act: &str) {
    if fork_bare() == 0 {
        if act == "calls" {
            assert_is_usable(1);
        }
        log.add(&format!("child {}", std::process::id()));
        loop {
            std::thread::sleep(Duration::from_secs(1000));
        }
    }
}

/// A tool that runs for an hour.
fn start_tool() -> Child {
    Command::new("sleep").arg("3600").spawn().unwrap()
}

/// As some libraries do, in the thread of the item.
fn block_all_signals() {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the first call writes all of the set, and the second one reads it.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}

// What the drills do.

/// The tools that the log tells of.
fn tools_in(log: &Log) -> BTreeSet<Process> {
    log.after("tool").into_iter().filter_map(|pid| Process::with_pid(u32::try_from(pid).unwrap())).collect()
}

/// A parent whose workers have all started a tool.
fn parent_with_tools(role: &str, workers: usize, besides: &str) -> (Parent, BTreeSet<Process>) {
    let (log, _folder) = Log::new();
    let parent = Parent::start(command(role, &[&workers.to_string(), log.path(), besides]));
    wait_until("every worker has a tool", Duration::from_secs(20), || tools_in(&log).len() == workers);
    if besides == "stopped" {
        let all_stopped = || parent.workers().iter().all(|worker| worker.state() == 'T');
        wait_until("every worker is stopped", Duration::from_secs(20), all_stopped);
    }
    let tools = tools_in(&log);
    assert!(tools.iter().all(|tool| tool.is_alive()));
    (parent, tools)
}

fn tools_of_busy_workers_end_with_a_parent_that_is_killed() {
    for besides in ["nothing", "deaf", "stopped"] {
        let (mut parent, tools) = parent_with_tools("tools", 2, besides);
        let workers = parent.workers();
        parent.kill();
        assert_none_is_left(&tools);
        assert_none_is_left(&workers);
    }
}

/// The kernel kills workers and their groups when the last process that could write to their pipe ends: the parent, since its
/// child has closed what it inherited. Workers that block all signals end too, and so do those that an item has moved to
/// the group of their parent, in which the child lives on.
fn workers_and_tools_end_with_a_parent_whose_child_lives_on() {
    for (besides, act) in [("deaf", "calls"), ("deaf", "sleeps"), ("moved", "sleeps")] {
        let (log, _folder) = Log::new();
        let mut parent = Parent::start(command("tools", &["2", log.path(), besides, act]));
        wait_until("the child is there", Duration::from_secs(20), || log.after("child").len() == 1);
        let tools = tools_in(&log);
        assert_eq!(tools.len(), 2);
        let child = Process::with_pid(u32::try_from(log.after("child")[0]).unwrap()).expect("the child lives");
        let workers: BTreeSet<_> = parent.workers().into_iter().filter(|process| *process != child).collect();
        assert_eq!(workers.len(), 2);
        parent.kill();
        assert_none_is_left(&tools);
        assert_none_is_left(&workers);
        assert!(child.is_alive(), "the forked child outlives its parent, whose workers were {besides}");
        child.send(Signal::KILL);
    }
}

fn tools_end_with_a_parent_that_is_interrupted_or_exits() {
    let (mut parent, tools) = parent_with_tools("tools", 2, "nothing");
    parent.interrupt();
    assert_none_is_left(&tools);

    let (mut parent, tools) = parent_with_tools("exits-with-tools", 2, "nothing");
    parent.let_go();
    assert_eq!(parent.ended_within(Duration::from_secs(5)), Exit::Code(4));
    assert_none_is_left(&tools);
}

fn tools_that_items_left_behind_end_with_an_idle_parent() {
    let (mut parent, tools) = parent_with_tools("leaves-tools", 2, "nothing");
    assert_eq!(parent.line(), "idle");
    assert!(tools.iter().all(|tool| tool.is_alive()), "an item may leave a program that outlives it");
    parent.kill();
    assert_none_is_left(&tools);
}

/// By a crash, a time limit, recycling, or `end_idle_workers`: whatever ends it.
fn tools_that_items_left_behind_end_with_their_worker() {
    let last_acts = [Act::Double(1), Act::KillItself, Act::Abort, Act::Exit(3), Act::SleepForEver];
    for last_act in last_acts {
        for recycle_after in [1, 100] {
            let (log, _folder) = Log::new();
            let mode = Processes::new().time_limit(Duration::from_millis(300)).recycle_after(recycle_after);
            let items = [None, Some(last_act)];
            let job = job(&items, 1).mode(mode).chunk_size(1).shared(&log);
            let outcome = job.run(|log: &Log, act: &Option<Act>| match act {
                None => {
                    log.add(&format!("tool {}", start_tool().id()));
                    0
                }
                Some(act) => perform(act),
            });
            assert!(outcome.unwrap().get(0).is_some());
            assert_eq!(log.after("tool").len(), 1);
            let tools = tools_in(&log);
            Processes::end_idle_workers();
            let is_any_left = || tools.iter().any(|tool| tool.is_alive());
            wait_until("the tool has ended with its worker", Duration::from_secs(3), || !is_any_left());
        }
    }
}

/// At once, and not when a next call comes to the worker. It is waited for, too, whatever calls come next.
fn tools_that_items_left_behind_end_with_an_idle_worker_that_is_killed() {
    let (log, _folder) = Log::new();
    let leave_tool = |log: &Log, _: &i32| log.add(&format!("tool {}", start_tool().id()));
    job(&[0; 2], 2).chunk_size(1).shared(&log).run(leave_tool).unwrap().into_result().unwrap();
    let (tools, workers) = (tools_in(&log), children(std::process::id()));
    assert!(tools.len() == 2 && tools.iter().all(|tool| tool.is_alive()));
    workers.iter().for_each(|worker| worker.send(Signal::KILL));
    wait_until("the tools have ended with their workers", Duration::from_secs(3), || {
        !tools.iter().any(|tool| tool.is_alive())
    });
    wait_until("the workers were waited for", Duration::from_secs(3), || {
        children(std::process::id()).is_disjoint(&workers)
    });
    assert_eq!(Processes::end_idle_workers(), 0);
    assert_is_usable(2);
}

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
