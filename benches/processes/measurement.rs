//! Each measurement in a fresh process, and all peers in turns.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cases::{self, CASES, PEERS};
use crate::line::Line;
use crate::options::Options;
use crate::{proc_files, report};

/// Measures the chosen cases and prints a line for each measurement.
pub(crate) fn take_all(options: &Options) -> ExitCode {
    let mut is_right = true;
    for case in CASES.into_iter().filter(|case| options.has_case(case)) {
        for rep in options.first_rep..options.first_rep + options.reps {
            let mut peers = PEERS;
            peers.rotate_left(rep % PEERS.len());
            for peer in peers.into_iter().filter(|peer| options.has_peer(peer) && cases::find(peer, case).is_some()) {
                let measured = take(peer, case, options);
                // What a peer cannot do is a finding. A limit that cannot be measured is a fault of this program.
                is_right &= measured.is_ok() || peer == "procspawn";
                let head = Line::new().with_text("peer", peer).with_text("case", case).with("rep", rep);
                let line = match measured {
                    Ok(object) => head.followed_by(&object),
                    Err(problem) => head.with_text("error", &problem),
                };
                report::say(&line.to_string());
            }
        }
    }
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The object that a process of its own printed, or what came instead.
fn take(peer: &str, case: &str, options: &Options) -> Result<String, String> {
    // Files, not pipes: a worker that outlives its parent must not keep the driver waiting.
    let files = [tempfile::tempfile(), tempfile::tempfile()].map(|file| file.expect("there is room for a file"));
    let [mut printed, mut complaints] = files;
    let mut child = this_program(&format!("{peer}:{case}"))
        .args(&options.words)
        .stdin(Stdio::null())
        .stdout(clone_of(&printed))
        .stderr(clone_of(&complaints))
        .spawn()
        .expect("this program starts again");
    let status = ended_within(&mut child, options.child_timeout);
    proc_files::kill(&proc_files::alive_in_session(pid_of(&child)));
    child.wait().expect("a child can be waited for");
    let object = text_of(&mut printed).lines().rfind(|line| line.starts_with('{')).map(str::to_owned);
    match (status, object) {
        (Some(status), Some(object)) if status.success() => Ok(object),
        (None, _) => Err(format!("no answer in {} s", options.child_timeout.as_secs())),
        (Some(status), _) => Err(format!("{status}: {}", summary(&text_of(&mut complaints)))),
    }
}

/// This program again, in a part that [`cases::play`] knows; the caller's words may follow.
pub(crate) fn this_program(part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows its file"));
    command.args(["--child", part]);
    command
}

/// Waits for a process, but not longer than this.
pub(crate) fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        let status = child.try_wait().expect("a child can be waited for");
        if status.is_some() || begun.elapsed() >= limit {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn pid_of(child: &Child) -> i32 {
    rustix::process::Pid::from_child(child).as_raw_nonzero().get()
}

pub(crate) fn clone_of(file: &File) -> File {
    file.try_clone().expect("there are descriptors left")
}

pub(crate) fn text_of(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("an own file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a program that failed said first, on one line, without its backtrace.
fn summary(complaints: &str) -> String {
    let lines = complaints.lines().take_while(|line| !line.starts_with("stack backtrace:"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
