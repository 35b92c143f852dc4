//! Parents that a drill starts as programs of their own, to kill them, to interrupt them, or to read what they print.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::harness::{read_all, wait_until};
use crate::leak_check::{Process, children};
use crate::{nesting, orphans, prints, starting};

const OPTION: &str = "--play-parent";

/// What a copy of this program may play: it is given the arguments after its role.
const ROLES: [(&str, fn(&[String])); 9] = [
    ("idle", orphans::be_idle),
    ("busy", orphans::be_busy),
    ("leaves", orphans::leave),
    ("exits", orphans::exit_while_busy),
    ("fails", orphans::panic_while_idle),
    ("survives", orphans::survive_ctrl_c),
    ("prints", prints::let_items_print),
    ("reports", starting::report),
    ("tells-threads", nesting::tell_threads),
];

/// The role that this copy was started for, and its arguments.
pub(crate) fn asked_for() -> Option<(String, Vec<String>)> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == OPTION).then(|| (arguments.next().expect("a role follows"), arguments.collect()))
}

pub(crate) fn play(role: &str, arguments: &[String]) -> ExitCode {
    let (_, act) = ROLES.iter().find(|(name, _)| *name == role).expect("the role is known");
    act(arguments);
    ExitCode::SUCCESS
}

/// A parent at work. It ends with the guard.
pub(crate) struct Parent {
    program: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: File,
}

/// A copy of this program that plays a role.
pub(crate) fn command(role: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(OPTION).arg(role).args(arguments);
    command
}

impl Parent {
    pub(crate) fn start(mut command: Command) -> Self {
        let stderr = tempfile::tempfile().unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr.try_clone().unwrap());
        // As a shell does it: Ctrl+C then reaches this program and whatever stayed in its group.
        command.process_group(0);
        let mut program = command.spawn().unwrap();
        let stdin = program.stdin.take();
        let stdout = BufReader::new(program.stdout.take().unwrap());
        Self { program, stdin, stdout, stderr }
    }

    /// The next line of its stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the parent said no more than {line:?}, and on stderr {:?}", self.stderr());
        line.trim_end().to_owned()
    }

    /// Its workers: all of its children.
    pub(crate) fn workers(&self) -> BTreeSet<Process> {
        children(self.program.id())
    }

    pub(crate) fn stderr(&self) -> String {
        read_all(&self.stderr)
    }

    /// Lets a parent go on that waits for the end of its stdin.
    pub(crate) fn let_go(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.program.kill().unwrap();
        self.program.wait().unwrap()
    }

    /// What a terminal does: SIGINT to the whole foreground group.
    pub(crate) fn press_ctrl_c(&self) {
        kill_process_group(Pid::from_child(&self.program), Signal::INT).unwrap();
    }

    /// Ends it by Ctrl+C; gives how long it took to end.
    pub(crate) fn interrupt(&mut self) -> Duration {
        let begun = Instant::now();
        self.press_ctrl_c();
        let status = self.ended_within(Duration::from_secs(10));
        let took = begun.elapsed();
        assert!(status.signal() == Some(crate::fixtures::INT) || !status.success(), "interrupted, yet {status}");
        took
    }

    pub(crate) fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let mut status = None;
        wait_until("the parent ends", patience, || {
            status = self.program.try_wait().unwrap();
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Lets it come to its end; gives how, and the rest of what it printed on stdout and all of what it did on stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, String, String) {
        self.let_go();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let status = self.program.wait().unwrap();
        (status, rest, self.stderr())
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // Where the drill has seen its end already, there is nothing to be done.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
