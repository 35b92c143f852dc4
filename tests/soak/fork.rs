//! Forks the caller: the child makes a call too, while the caller goes on.

use std::time::Duration;

use manyhands_test_support::wait::holds_within;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, set_parent_process_death_signal, waitpid};

use crate::judge::Verdict;

/// How long the child's call may take. It takes some milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

const RIGHT: i32 = 0;
const WRONG: i32 = 1;
const PANICKED: i32 = 2;

/// Forks; runs one call in the child and another one here, and judges both.
pub(crate) fn both(in_child: impl FnOnce() -> Verdict, here: impl FnOnce() -> Verdict) -> Verdict {
    // SAFETY: this thread is the only one at work: the threads of the library wait for calls, and the watchdog's for its time.
    // So no other thread is inside of the allocator or holds a lock of std, and the child may use both.
    let forked = unsafe { libc::fork() };
    assert!(forked >= 0, "no fork: {}", std::io::Error::last_os_error());
    let Some(child) = Pid::from_raw(forked) else { run_and_exit(in_child) };
    let ours = here();
    let its = end_of(child);
    ours.map_err(|problem| format!("beside a forked child: {problem}")).and(its)
}

fn run_and_exit(act: impl FnOnce() -> Verdict) -> ! {
    set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
    let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    let code = match verdict {
        Ok(Ok(())) => RIGHT,
        Ok(Err(problem)) => {
            eprintln!("in a forked child: {problem}");
            WRONG
        }
        Err(_) => PANICKED,
    };
    // SAFETY: it ends the process without any of the code that is meant for the end of the parent.
    unsafe { libc::_exit(code) }
}

/// Waits for the child, and kills one that hangs.
fn end_of(child: Pid) -> Verdict {
    let mut end: Option<WaitStatus> = None;
    let has_ended = holds_within(TIMEOUT, || {
        end = waitpid(Some(child), WaitOptions::NOHANG).unwrap().map(|(_, status)| status);
        end.is_some()
    });
    if !has_ended {
        kill_process(child, Signal::KILL).unwrap();
        waitpid(Some(child), WaitOptions::empty()).unwrap();
        return Err(format!("a call in a forked child does not end within {TIMEOUT:?}"));
    }
    match end.and_then(WaitStatus::exit_status) {
        Some(RIGHT) => Ok(()),
        Some(WRONG) => Err("a call in a forked child went wrong; its stderr says how".to_owned()),
        Some(PANICKED) => Err("a call in a forked child panicked".to_owned()),
        _ => Err(format!("a forked child ended with {end:?}")),
    }
}
