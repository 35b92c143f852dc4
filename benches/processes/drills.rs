//! What becomes of workers when their parent is killed, or gets a Ctrl+C.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, setsid};

use crate::line::Line;
use crate::measurement::{clone_of, ended_within, pid_of, text_of, this_program};
use crate::options::Options;
use crate::{ours, proc_files, report, spawned};

/// Longer than any drill, in seconds.
pub(crate) const LONG_SLEEP: f64 = 60.0;

/// So long after its first call a parent names its workers.
const HEAD_START: Duration = Duration::from_millis(700);

/// Kills a parent whose workers wait, and one whose workers sleep, and counts who is left.
pub(crate) fn orphan(peer: &str) -> Line {
    [("idle", 0), ("busy", 2)].into_iter().fold(Line::new(), |line, (label, n_sleeps)| {
        let mut parent = start_parent(this_program(&format!("drill:{peer}:{n_sleeps}")).stderr(Stdio::null()));
        let workers = announced(&mut parent);
        drop(parent.kill());
        drop(parent.wait());
        thread::sleep(Duration::from_secs(3));
        let left = proc_files::alive_of(&workers);
        proc_files::kill(&left);
        let line = line.with(&format!("{label}_children_before"), workers.len());
        line.with(&format!("{label}_left_after_3s"), left.len())
    })
}

/// Ctrl+C to a parent whose workers sleep, and as many items more are to come.
pub(crate) fn ctrl_c(peer: &str) -> Line {
    let mut complaints = tempfile::tempfile().expect("there is room for a file");
    // A shell's background job hands down SIGINT ignored, and nothing in std takes that back.
    let program = this_program(&format!("drill-session:{peer}:4"));
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(program.get_program()).args(program.get_args());
    let mut parent = start_parent(command.stderr(clone_of(&complaints)));
    let workers = announced(&mut parent);
    let begun = Instant::now();
    kill_process_group(Pid::from_child(&parent), Signal::INT).expect("the parent leads a group");
    let status = ended_within(&mut parent, Duration::from_secs(5));
    let ended = begun.elapsed();
    if status.is_none() {
        drop(parent.kill());
        drop(parent.wait());
    }
    thread::sleep(Duration::from_millis(500));
    let left = proc_files::alive_in_session(pid_of(&parent));
    proc_files::kill(&left);
    let line = match status {
        Some(status) => Line::new().with("parent_ended_s", ended.as_secs_f64()).with("parent_rc", code(status)),
        None => Line::new().with_text("parent_ended_s", "not within 5 s"),
    };
    let line = line.with("workers_before", workers.len()).with("processes_left", left.len());
    line.with("stderr_lines", text_of(&mut complaints).lines().count())
}

/// What a shell or Python calls the end of a process: its code, or the signal below zero.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or(status.signal().map(|signal| -signal)).unwrap_or(0)
}

/// The parent of a drill: starts workers, gives them so many sleeps, and names them meanwhile.
pub(crate) fn play_parent(part: &str, options: &Options) {
    let (peer, n_sleeps) = part.split_once(':').expect("a peer and a number");
    let n_sleeps = n_sleeps.parse().expect("a number");
    if peer == "manyhands" {
        ours::sleep_until_killed(n_sleeps, options);
    } else {
        spawned::sleep_until_killed(n_sleeps, options);
    }
}

/// Makes this process the first of a session of its own, so that processes that are left can be found by their session.
pub(crate) fn begin_session() {
    setsid().expect("a process that has just started leads no group");
}

/// Names this process's workers in a moment, when they are at work.
pub(crate) fn announce_workers_soon() {
    thread::spawn(|| {
        thread::sleep(HEAD_START);
        let pids: Vec<String> = proc_files::descendants().iter().map(i32::to_string).collect();
        report::say(&pids.join(" "));
    });
}

pub(crate) fn wait_to_be_killed() {
    thread::sleep(Duration::from_secs_f64(LONG_SLEEP));
}

fn start_parent(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this program starts again")
}

fn announced(parent: &mut Child) -> Vec<i32> {
    let printed: ChildStdout = parent.stdout.take().expect("its output is a pipe");
    let mut line = String::new();
    BufReader::new(printed).read_line(&mut line).expect("its output can be read");
    let workers: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().expect("a number")).collect();
    assert!(!workers.is_empty(), "the parent has no workers: {line:?}");
    workers
}
