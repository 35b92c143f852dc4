//! Parents that a drill starts as programs of their own, to kill them, to interrupt them, or to read what they print.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use manyhands_test_support::capture::read_all;
use manyhands_test_support::child::{Child, Exit};
use manyhands_test_support::processes::{Process, children};
use rustix::process::Signal;

use crate::{forks, nesting, orphans, pauses, prints, reuse, rights, room, starting, system_limits};

const OPTION: &str = "--play-parent";

/// What a copy of this program may play: it is given the arguments after its role.
const ROLES: [(&str, fn(&[String])); 26] = [
    ("idle", orphans::be_idle),
    ("busy", orphans::be_busy),
    ("leaves", orphans::leave),
    ("exits", orphans::exit_while_busy),
    ("fails", orphans::panic_while_idle),
    ("survives", orphans::survive_ctrl_c),
    ("tools", orphans::wait_for_tools),
    ("exits-with-tools", orphans::exit_with_tools),
    ("leaves-tools", orphans::leave_tools),
    ("prints", prints::let_items_print),
    ("prints-unfinished", prints::let_items_print_unfinished),
    ("prints-and-dies", prints::let_items_print_and_die),
    ("reports", starting::report),
    ("variable", starting::variable),
    ("last_worker", starting::last_worker),
    ("starts-another", starting::start_another),
    ("gives-up-rights", rights::give_up),
    ("users-differ", rights::let_users_differ),
    ("prints-threads", nesting::print_threads),
    ("forks", forks::be_outlived),
    ("prints-pieces", forks::print_pieces),
    ("environment", reuse::change_environment),
    ("recurses", room::recurse_in_every_mode),
    ("crowds", room::crowd),
    ("stopped", pauses::be_stopped),
    ("limited", system_limits::be_limited),
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
        command.stdin(Stdio::piped()).stderr(stderr.try_clone().unwrap());
        // As a shell does it: Ctrl+C then reaches this program and whatever stayed in its group.
        let program = Child::spawn(command.process_group(0));
        Self { program, stderr }
    }

    /// The next line of its stdout.
    pub(crate) fn line(&mut self) -> String {
        let line = self.program.line();
        assert!(!line.is_empty(), "the parent said no more, and on stderr {:?}", self.stderr());
        line
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
        self.program.close_stdin();
    }

    /// Stops these workers, and the program before them if it is to stop too.
    pub(crate) fn stop(&self, program_stops: bool, workers: &BTreeSet<Process>) {
        if program_stops {
            self.program.send(Signal::STOP);
        }
        workers.iter().for_each(|worker| worker.send(Signal::STOP));
    }

    /// Lets these workers and the program go on.
    pub(crate) fn go_on(&self, workers: &BTreeSet<Process>) {
        workers.iter().for_each(|worker| worker.send(Signal::CONT));
        self.program.send(Signal::CONT);
    }

    pub(crate) fn kill(&mut self) -> Exit {
        self.program.kill()
    }

    /// What a terminal does: SIGINT to the whole foreground group.
    pub(crate) fn press_ctrl_c(&self) {
        self.program.send_to_group(Signal::INT);
    }

    /// Ends it by Ctrl+C; gives how long it took to end.
    pub(crate) fn interrupt(&mut self) -> Duration {
        let begun = Instant::now();
        self.press_ctrl_c();
        let exit = self.ended_within(Duration::from_secs(10));
        let took = begun.elapsed();
        assert!(!exit.is_success(), "interrupted, yet {exit}");
        took
    }

    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Exit {
        self.program.wait_at_most(timeout)
    }

    /// Lets it come to its end; gives how, and the rest of what it printed on stdout and all of what it did on stderr.
    pub(crate) fn end(mut self) -> (Exit, String, String) {
        self.let_go();
        let (exit, rest) = self.program.end();
        (exit, rest, read_all(&self.stderr))
    }
}
