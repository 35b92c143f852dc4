//! The parent of the callers: starts one for each kind, kills and stops processes from outside, and collects what is found.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use manyhands_test_support::capture::{last_part, read_all};
use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::{Process, adopt_orphans, children};
use manyhands_test_support::seed::replay_command;
use manyhands_test_support::wait::holds_within;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

use crate::disk::{can_be_mounted, small_disk};
use crate::fault::Fault;
use crate::kinds::Kind;
use crate::lines::{Counts, Line, ORDERS, Orders};
use crate::options::Options;
use crate::table::{Row, head};

/// After so many findings a kind is given up.
const MANY: usize = 20;
/// How long what a caller had started may outlive it.
const ORPHANS_END_WITHIN: Duration = Duration::from_secs(1);

/// Makes the calls of all kinds that were asked for. Anything that was found makes it fail.
pub(crate) fn run(options: &Options) -> ExitCode {
    adopt_orphans();
    let folder = folder();
    let mut options = options.clone();
    println!("soak: {} calls of each of {} kinds, --seed {}", options.calls, options.kinds.len(), options.seed);
    let needs_disk = options.kinds.iter().any(|kind| kind.faults.contains(&Fault::Disk));
    if needs_disk && !options.without.contains(&Fault::Disk) && !can_be_mounted(folder.path()) {
        println!("SKIPPED: no small disk can be mounted here, so no call runs on a full one; run it as root");
        options.without.push(Fault::Disk);
    }
    let without: Vec<&str> = options.without.iter().map(|fault| fault.name()).collect();
    if !without.is_empty() {
        println!("soak: without {}", without.join(","));
    }
    println!("{}", head());
    let rows: Vec<Row> = options.kinds.iter().map(|kind| run_kind(kind, &options, folder.path())).collect();
    println!("{}", Row::total(&rows).line());
    summarize(&rows, &options)
}

/// Where calls write files: in memory where that is possible, since a sync of a disk takes longer than all else.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn summarize(rows: &[Row], options: &Options) -> ExitCode {
    for row in rows.iter().filter(|row| row.counts.calls < row.asked_for && row.findings.is_empty()) {
        println!("SHORT: {} made {} of {} calls in its time", row.kind, row.counts.calls, row.asked_for);
    }
    let n_findings: usize = rows.iter().map(|row| row.findings.len()).sum();
    if n_findings == 0 {
        println!("soak: nothing found");
        return ExitCode::SUCCESS;
    }
    let kinds: Vec<&str> = rows.iter().filter(|row| !row.findings.is_empty()).map(|row| row.kind).collect();
    let soak = format!("cargo xtask soak --seed {} {}", options.seed, kinds.join(" "));
    let command = if options.is_short { replay_command(None) } else { soak };
    println!("soak: {n_findings} findings; again with: {command}");
    ExitCode::FAILURE
}

/// Makes the calls of one kind, by as many callers as it takes: one that dies is a finding, and the next goes on.
fn run_kind(kind: &'static Kind, options: &Options, folder: &Path) -> Row {
    let begun = Instant::now();
    let at_most = options.at_most.map(|time| time / u32::try_from(options.kinds.len()).unwrap());
    let mut row = Row {
        kind: kind.name,
        counts: Counts::default(),
        took: Duration::ZERO,
        findings: Vec::new(),
        asked_for: options.calls,
    };
    let mut orders = Orders {
        kind: kind.name.to_owned(),
        seed: options.seed,
        first: options.first,
        end: options.first + options.calls,
        per_check: options.per_check,
        at_most,
        without: options.without.clone(),
        folder: folder.join(kind.name),
    };
    while orders.first < orders.end && row.findings.len() < MANY {
        orders.at_most = at_most.map(|time| time.saturating_sub(begun.elapsed()));
        orders.first = Running::start(&orders).collect(&orders, &mut row);
    }
    row.took = begun.elapsed();
    println!("{}", row.line());
    row
}

/// A caller at work.
struct Running {
    process: Child,
    lines: BufReader<ChildStdout>,
    answers: ChildStdin,
    stderr: File,
    /// Workers that were killed since the caller last asked.
    n_killed: usize,
}

impl Running {
    fn start(orders: &Orders) -> Self {
        let itself = std::env::current_exe().unwrap();
        fs::create_dir_all(&orders.folder).unwrap();
        let mut command = if orders.without.contains(&Fault::Disk) {
            Command::new(itself)
        } else {
            small_disk(&orders.folder, &itself)
        };
        let stderr = tempfile::tempfile().unwrap();
        command.env(ORDERS, serde_json::to_string(orders).unwrap()).env("TMPDIR", &orders.folder);
        // A backtrace of a failed allocation takes longer than the time limits here.
        command.env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr.try_clone().unwrap());
        let mut process = command.spawn().unwrap();
        let (stdout, answers) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        Self { process, lines: BufReader::new(stdout), answers, stderr, n_killed: 0 }
    }

    /// Does what the caller asks for until it ends; gives the number of the call with which another one is to go on.
    fn collect(mut self, orders: &Orders, row: &mut Row) -> usize {
        let mut last = (orders.first, None);
        let mut is_done = false;
        while let Some(line) = self.next_line() {
            match line {
                Line::Call { number, fault } => last = (number, fault),
                Line::Kill { after, pick } => self.kill_a_worker(after, pick),
                Line::Pause { after, length, caller_first } => self.pause(after, length, caller_first),
                Line::HowManyKills => self.answer(),
                Line::Finding { call, text } => found(row, format!("{call}: {text}")),
                Line::Counted(counts) => row.counts.add(&counts),
                Line::Done => is_done = true,
            }
            if row.findings.len() >= MANY {
                self.process.kill().unwrap();
                is_done = true;
            }
        }
        let exit: Exit = self.process.wait().unwrap().into();
        if !is_done {
            let (number, fault) = last;
            let fault = fault.map_or("no fault", Fault::name);
            let said = read_all(&self.stderr);
            found(row, format!("call {number} ({fault}): the caller ended by {exit}: {}", last_part(&said)));
        }
        look_for_orphans(row);
        look_for_files(&orders.folder, row);
        if is_done { orders.end } else { last.0 + 1 }
    }

    fn next_line(&mut self) -> Option<Line> {
        let mut line = String::new();
        // A caller that dies may leave a part of a line.
        let n_bytes = self.lines.read_line(&mut line).unwrap();
        if n_bytes == 0 { None } else { serde_json::from_str(&line).ok() }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    fn workers(&self) -> Vec<Process> {
        children(self.process.id()).into_iter().filter(|worker| worker.is_alive()).collect()
    }

    /// Kills a worker, and waits until it is dead, so that it is no loss of the next call.
    fn kill_a_worker(&mut self, after: Duration, pick: usize) {
        thread::sleep(after);
        let workers = self.workers();
        let Some(&worker) = workers.get(pick % workers.len().max(1)) else { return };
        send(pid_of(worker), Signal::KILL);
        self.n_killed += 1;
        assert!(holds_within(Duration::from_secs(5), || !worker.is_alive()), "{worker:?} survives SIGKILL");
    }

    /// Stops the caller and then its workers, so that no worker is stopped while its caller counts its time. They go on in either
    /// order, as those do that a terminal or a debugger stops.
    fn pause(&self, after: Duration, length: Duration, caller_first: bool) {
        thread::sleep(after);
        send(self.pid(), Signal::STOP);
        let mut all: Vec<Pid> = self.workers().into_iter().map(pid_of).collect();
        all.iter().for_each(|&worker| send(worker, Signal::STOP));
        thread::sleep(length);
        all.insert(if caller_first { 0 } else { all.len() }, self.pid());
        all.into_iter().for_each(|process| send(process, Signal::CONT));
    }

    fn answer(&mut self) {
        let n_killed = std::mem::take(&mut self.n_killed);
        // Fails when the caller has died meanwhile, which is found at the end of its lines.
        let _ = self.answers.write_all(format!("{n_killed}\n").as_bytes());
    }
}

fn pid_of(process: Process) -> Pid {
    Pid::from_raw(i32::try_from(process.pid).unwrap()).unwrap()
}

/// A process that has just ended cannot be sent anything, which is no finding.
fn send(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}

fn found(row: &mut Row, finding: String) {
    println!("FOUND in {}: {finding}", row.kind);
    row.findings.push(finding);
}

/// What a caller had started must end with it.
fn look_for_orphans(row: &mut Row) {
    let mut orphans = children(std::process::id());
    let all_ended = holds_within(ORPHANS_END_WITHIN, || {
        for orphan in &orphans {
            // Fails where it has been waited for already, which is as good.
            let _ = waitpid(Some(pid_of(*orphan)), WaitOptions::NOHANG);
        }
        orphans = children(std::process::id());
        orphans.is_empty()
    });
    if !all_ended {
        orphans
            .iter()
            .for_each(|orphan| send(Pid::from_raw(i32::try_from(orphan.pid).unwrap()).unwrap(), Signal::KILL));
        found(row, format!("outlive their caller: {orphans:?}"));
    }
}

/// The caller has removed its files; what is on a small disk of its own it has looked at itself.
fn look_for_files(folder: &Path, row: &mut Row) {
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    if !names.is_empty() {
        found(row, format!("files are left: {names:?}"));
    }
    fs::remove_dir_all(folder).unwrap();
}
