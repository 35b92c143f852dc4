//! One worker process as the calling process sees it: started, fed, waited for, killed and reaped.
//!
//! Promises: dropping a [`Worker`] kills and reaps its process, so no early return can leave one behind. Leaves to
//! `idle.rs` the workers between two calls, to `spawner.rs` the thread that starts them, and to the supervisor what
//! they are to do.
//!
//! A worker is connected to the caller by four things: a socket, which it gets as its stdin; a pipe for what it prints,
//! on either stream; the status page, which comes with the first frame; and a pidfd, which is readable when the process
//! has ended and through which it is signalled, so that a signal never reaches another process with the same id.
//!
//! Costs: starting one takes the time of `fork` and `exec` and of what the program does before `main`, some
//! milliseconds, and three descriptors of this process.
//!
//! # The life of a process
//! | step | done by | what is done |
//! |---|---|---|
//! | start | `start` | socket, pipe and status page are made, the process is spawned, `Hello` and `ExitPipe` are queued |
//! | first frames | `send_queued` | they go with the page and the pipe of `exit_pipe.rs`; a process in `init` marks the page |
//! | calls | the supervisor | `Call`, `Items` and `End` frames |
//! | idle | `idle::keep` | it blocks in a read of its socket and uses no CPU |
//! | end | `close` | it reads the end of the stream, drops what it has and exits with 0 |
//! | death | `wait_exit`, or `drop` | SIGKILL if it lives, then it is reaped |
//!
//! # Descriptors
//! The three of this process for a worker are the socket, the reading end of the pipe and the pidfd. The descriptor of the status
//! page and both ends of the worker are closed once they are sent or inherited; the page stays mapped. Each slot for
//! large bodies has a descriptor only until it is sent. Workers that were started by one call share a descriptor of its
//! folder. The process has four more from the first worker on, for `exit_pipe.rs` and `death_watch.rs`.
//!
//! All are closed on exec, so programs that this process starts inherit none. A child that is forked and runs no other
//! program closes those of `exit_pipe.rs`, and keeps copies of the others until it ends: three for each worker that its
//! parent had at the time, and the few that all share. They hold up no worker and no call of the parent. It cannot know which
//! of them a call owns that another thread of the parent was in the middle of, so it closes none.

mod death_watch;
pub(super) mod exit_pipe;
pub(super) mod idle;
mod number;
pub(super) mod output;
pub(super) mod pause_watch;
mod spawner;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use crate::backend::contract::DropPanic;
use crate::backend::process::child::number::WorkerNumber;
use crate::backend::process::child::output::OutputPipe;
use crate::backend::process::child::pause_watch::PauseWatch;
use crate::backend::process::memory::block::{self, Block, BlockId};
use crate::backend::process::surroundings::{Origin, Surroundings};
use crate::backend::process::system_call::named;
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::call::{Hello, Summons, VARIABLE};
use crate::backend::process::wire::connection::{Blocking, Broken, Connection, Incoming, ReadResult};
use crate::backend::process::wire::drop_panic::drop_panic;
use crate::backend::process::wire::frame::{FrameKind, Header, items_extra};
use crate::backend::process::wire::function::program;
use crate::backend::process::wire::status_page::{Direction, StatusPage};
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::failure::{LostWorker, WorkerExit};
use crate::primitives::pauses::Pauses;
use crate::sync::{Arc, ProcessMark, nanos, nap};

/// A worker comes to `init` within this time, in nanoseconds, or not at all.
///
/// A program that reads its stdin to the end before `init` reads from the socket and waits there for ever; without a
/// bound so would the call.
const LATE_NANOS: u64 = 30_000_000_000;

/// How many threads numeric libraries start of their own accord; each asks for its own variable.
///
/// Set in a worker to its share of the cores, unless the calling process has the variable set. Without that, a numeric
/// library in 8 workers on 8 cores would start 64 threads.
const THREAD_VARIABLES: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// A worker process, and this process's end of its socket, pipe and status page. Dropped, it is killed and reaped.
pub(super) struct Worker {
    /// Frames to it and from it, and the status page.
    link: Connection,
    /// What it prints.
    printed: OutputPipe,
    /// The process, to be reaped once.
    child: Child,
    /// Readable when the process is dead.
    pidfd: OwnedFd,
    /// How many threads it may use; its environment said so when it started.
    threads: usize,
    /// Folder, environment and user of this process when the call began that has started the worker.
    origin: Arc<Origin>,
    /// How many items it has answered, in all calls.
    served: usize,
    /// How many frames of items were sent to it, in all calls. Wraps around.
    frames_sent: u32,
    /// The blocks of shared memory that were sent to it.
    has: HashSet<BlockId>,
    /// Whether its exit status was taken, after which its process id may be another process's.
    is_reaped: bool,
    /// Whether it was idle before the call that has it now.
    was_idle: bool,
    /// When it was started, in nanoseconds of the steady clock.
    started: u64,
    /// Whether it has confirmed the end of the call that has it now.
    is_done: bool,
    /// Destructors that panicked while it ended the call.
    drop_panics: Vec<DropPanic>,
    /// What the last wait found; taken by the next look at it.
    readiness: Readiness,
    /// The process that started it, whose child it is.
    process: ProcessMark,
    /// Dropped last: until the process is reaped, no other worker may have its number.
    number: WorkerNumber,
}

/// What is known of a dead worker.
#[derive(Debug)]
pub(super) struct ExitReport {
    /// How it ended, and the last lines that it printed.
    pub(super) worker: LostWorker,
    /// Whether it printed that an allocation failed.
    pub(super) ran_out_of_memory: bool,
    /// Whether it ever reached `manyhands::init()`.
    pub(super) came_to_init: bool,
}

/// How a call ended in a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallEnd {
    /// It has dropped everything of the call.
    Dropped,
    /// It died before it confirmed the end.
    Died,
}

/// What the last wait found out about a worker.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Readiness {
    /// Its socket can be read.
    pub(super) has_sent: bool,
    /// Its pipe can be read.
    has_printed: bool,
    /// Its process has ended.
    pub(super) is_dead: bool,
}

impl Worker {
    /// Starts a worker that may use `threads` threads, with the folder, the environment and the user that the call had at
    /// its begin. Returns when the process runs, before it has reached `main`. `note_deaths` is called whenever workers of this
    /// process have died, in another thread.
    ///
    /// # Errors
    /// When `/proc/self` cannot be read, when a descriptor, a process or the memory of the page cannot be had, when the
    /// spawner's thread could not be started, and when the program has become another user since the call began.
    fn start(threads: usize, origin: &Arc<Origin>, note_deaths: fn()) -> io::Result<Self> {
        let origin = Arc::clone(origin);
        spawner::run(note_deaths, move || {
            // A new process inherits the folder, if that is the one. Where another thread leaves it just then, it is told.
            if origin.is_in_folder() {
                let worker = Self::start_here(WorkerNumber::lowest_free(), threads, &origin, None)?;
                if origin.is_in_folder() {
                    return Ok(worker);
                }
            }
            let folder = origin.path_of_folder()?;
            Self::start_here(WorkerNumber::lowest_free(), threads, &origin, Some(&folder))
        })
    }

    /// Starts the process in this thread, which must be the spawner's: in the folder that is given, or in this process's.
    /// The first frame is queued, not sent.
    fn start_here(
        number: WorkerNumber,
        threads: usize,
        origin: &Arc<Origin>,
        folder: Option<&str>,
    ) -> io::Result<Self> {
        origin.check_user()?;
        let program = program()?;
        let flags = SocketFlags::CLOEXEC;
        let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let (ours, theirs) = named("socketpair", pair)?;
        let (read, write) = named("pipe2", rustix::pipe::pipe_with(PipeFlags::CLOEXEC))?;
        named("ioctl(FIONBIO)", rustix::io::ioctl_fionbio(&read, true))?;
        let (page, page_file) = MappedStatusPage::create()?;
        let exit_pipe = exit_pipe::reading_end()?;
        let summons = Summons::new();
        let mut command = worker_command(theirs, write, threads, origin, &summons)?;
        folder.map(|folder| command.current_dir(folder));
        let child = named("the start of /proc/self/exe", command.spawn())?;
        // The command holds this process's copies of the worker's ends.
        drop(command);
        let pid = Pid::from_child(&child);
        let mut worker = Self {
            link: Connection::new(ours, Arc::new(page), Direction::ToWorker),
            printed: OutputPipe::new(read, number.get()),
            pidfd: match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => pidfd,
                Err(error) => {
                    kill_and_reap(child);
                    return named("pidfd_open", Err(error));
                }
            },
            child,
            threads,
            origin: Arc::clone(origin),
            served: 0,
            frames_sent: 0,
            has: HashSet::new(),
            is_reaped: false,
            was_idle: false,
            started: nanos(),
            is_done: false,
            drop_panics: Vec::new(),
            readiness: Readiness::default(),
            process: ProcessMark::current(),
            number,
        };
        origin.check_user()?; // before and after the start: then it was the same one meanwhile
        spawner::watch(&worker.pidfd)?;
        let hello = Hello { executable: program.executable.clone(), secret: summons.secret, threads };
        let hello = postcard::to_stdvec(&hello).map_err(io::Error::other)?;
        worker.link.outgoing.push_with(Header::new(FrameKind::Hello), &hello, page_file.into());
        worker.link.outgoing.push_with(Header::new(FrameKind::ExitPipe), &[], exit_pipe);
        Ok(worker)
    }

    /// Its number, from 1, which no other living worker has.
    pub(super) fn number(&self) -> usize {
        self.number.get()
    }

    /// Its number as reports have it.
    pub(super) fn number_in_reports(&self) -> u32 {
        u32::try_from(self.number()).unwrap_or(u32::MAX)
    }

    /// The page that says what it has in hand, and where it is to stop.
    pub(super) fn page(&self) -> &StatusPage {
        self.link.page()
    }

    /// How many threads it may use.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Whether it was started in these surroundings.
    pub(super) fn is_of(&self, surroundings: &Surroundings) -> bool {
        self.origin.surroundings() == surroundings
    }

    /// What it was started with.
    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Whether its process has ended, or was waited for by another part of the program. Costs a system call.
    pub(super) fn has_ended(&self) -> bool {
        has_ended(&self.pidfd)
    }

    /// How many items it has answered, in all calls.
    pub(super) fn served(&self) -> usize {
        self.served
    }

    /// Whether it was idle before the call that has it now.
    pub(super) fn was_idle(&self) -> bool {
        self.was_idle
    }

    /// Makes it ready for a next call. What it printed is passed on now, as it belongs to the call that ends.
    fn become_idle(&mut self) {
        (self.was_idle, self.is_done) = (true, false);
        self.printed.pass_on();
        self.printed.pass_on_rest();
        self.printed.forget_last_lines();
    }

    /// Queues messages that make it drop the blocks of shared memory that this process has dropped.
    ///
    /// Costs a look-up for each block that the worker has, and a header of 32 bytes for each that is gone. Without it,
    /// a worker would keep the memory of every `SharedSlice` that it was ever sent.
    pub(super) fn forget_blocks(&mut self) {
        let gone: Vec<BlockId> = self.has.iter().copied().filter(|&id| !block::is_alive(id)).collect();
        for id in gone {
            self.has.remove(&id);
            self.link.outgoing.push(Header { first: id.to_word(), ..Header::new(FrameKind::Forget) }, &[]);
        }
    }

    /// Queues the blocks that later frames mention, except those that the worker has.
    ///
    /// Once per block and worker: its descriptor is duplicated and travels with a header of 32 bytes. The bytes of the
    /// block are not copied.
    pub(super) fn push_blocks(&mut self, blocks: &[Arc<Block>]) {
        for block in blocks {
            // Without a free descriptor nothing is sent; the worker will then say that it does not know the block.
            if !self.has.contains(&block.id()) && self.link.outgoing.push_block(block).is_ok() {
                self.has.insert(block.id());
            }
        }
    }

    /// Queues the frame that begins a call, and the blocks that it mentions.
    pub(super) fn push_call(&mut self, blocks: &[Arc<Block>], body: &[u8]) {
        self.push_blocks(blocks);
        self.link.outgoing.push(Header::new(FrameKind::Call), body);
    }

    /// A body to write items into; see [`Worker::push_items`] and [`Worker::drop_body`].
    pub(super) fn begin_body(&mut self) -> Body {
        self.link.outgoing.begin_body()
    }

    /// Gives back the memory of a body that is not sent.
    pub(super) fn drop_body(&mut self, body: Body) {
        self.link.outgoing.drop_body(body);
    }

    /// Queues a frame with the items at these positions, and that many digests behind them; gives the number of the
    /// frame.
    ///
    /// The frame is marked on the status page before it is queued, so a worker never looks up a frame without a mark.
    ///
    /// # Panics
    /// With more than `u32::MAX` positions, which a frame cannot hold: each takes four bytes at least, and a frame
    /// takes no further item from 1 MiB on.
    pub(super) fn push_items(&mut self, positions: &Range<usize>, body: Body, n_digests: u32) -> u32 {
        let number = self.frames_sent;
        self.frames_sent = number.wrapping_add(1);
        self.page().frames().send(number);
        let header = Header {
            count: u32::try_from(positions.len()).expect("a frame has at most as many items as bytes"),
            first: positions.start as u64,
            extra: items_extra(number, n_digests),
            ..Header::new(FrameKind::Items)
        };
        self.link.outgoing.push_body(header, body);
        number
    }

    /// Whether something is queued that was not sent yet.
    pub(super) fn has_unsent(&self) -> bool {
        self.link.outgoing.is_waiting()
    }

    /// Sends what is queued, as much as goes without waiting. A worker that cannot be reached is killed.
    ///
    /// The death is then found by the next wait like any other. What does not fit into the socket stays queued;
    /// [`wait_for_any`] then waits for room as well.
    pub(super) fn send_queued(&mut self) {
        if self.link.outgoing.send(Blocking::No).is_err() {
            self.kill();
        }
    }

    /// What the last wait found out, and what it printed is passed on. A second call finds nothing until the next wait.
    pub(super) fn take_readiness(&mut self) -> Readiness {
        let readiness = std::mem::take(&mut self.readiness);
        if readiness.has_printed {
            self.printed.pass_on();
        }
        readiness
    }

    /// Whether the last wait found its process dead.
    pub(super) fn is_dead(&self) -> bool {
        self.readiness.is_dead
    }

    /// Reads what it has sent, without waiting.
    pub(super) fn receive(&mut self) -> Result<ReadResult, Broken> {
        self.link.incoming.receive(Blocking::No)
    }

    /// The frames that it has sent.
    pub(super) fn incoming(&mut self) -> &mut Incoming {
        &mut self.link.incoming
    }

    /// Counts items that it has answered.
    pub(super) fn note_served(&mut self, n_items: usize) {
        self.served += n_items;
    }

    /// Whether it should have reached `init` long ago. A program that waits for something before `init`, such as its
    /// stdin, waits for what a worker never gets. Time in which this process was stopped does not count.
    pub(super) fn is_late(&self, now: u64, pauses: &Pauses) -> bool {
        !self.page().is_up() && pauses.observed(self.started, now) >= LATE_NANOS
    }

    /// Ends the call in it; see [`Worker::take_call_end`].
    pub(super) fn send_end(&mut self) {
        self.link.outgoing.push(Header::new(FrameKind::End), &[]);
        self.send_queued();
    }

    /// How the call ended in it, after [`Worker::send_end`]; `None` until it has said so. Reads what the last wait
    /// found.
    pub(super) fn take_call_end(&mut self) -> Option<CallEnd> {
        self.send_queued();
        let readiness = self.take_readiness();
        if !readiness.has_sent && !readiness.is_dead {
            return None;
        }
        let received = self.receive();
        let end = self.read_the_end().or((received.is_err() || readiness.is_dead).then_some(CallEnd::Died));
        self.is_done = end.is_some();
        end
    }

    /// Reads frames until one says how the call ended; results of the call that are late are dropped.
    fn read_the_end(&mut self) -> Option<CallEnd> {
        loop {
            let header = match self.link.incoming.next() {
                Ok(Some(header)) => header,
                Ok(None) => return None,
                Err(_) => return Some(CallEnd::Died),
            };
            if header.kind == FrameKind::DropPanic {
                let panic = self.link.incoming.body(&header).map(|body| drop_panic(&header, body));
                self.drop_panics.extend(panic.ok().and_then(Result::ok));
            }
            self.link.incoming.release(&header);
            if header.kind == FrameKind::Ended {
                return Some(CallEnd::Dropped);
            }
        }
    }

    /// The destructors that panicked while it ended the call.
    pub(super) fn take_drop_panics(&mut self) -> Vec<DropPanic> {
        std::mem::take(&mut self.drop_panics)
    }

    /// Closes this end of its socket, at which it ends by itself.
    ///
    /// What is queued and not sent is not delivered any more. The receiving side stays open.
    pub(super) fn close(&self) {
        // An error means that it is dead already.
        let _ = rustix::net::shutdown(self.link.socket(), rustix::net::Shutdown::Write);
    }

    /// Sends it SIGTERM.
    ///
    /// To the process alone, and not to its group: what it has started may be what its handler needs.
    pub(super) fn send_sigterm(&self) {
        // An error means that it is dead already.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::TERM);
    }

    /// Kills it, and what it has started and not put into a group of its own.
    ///
    /// The signal goes through the pidfd first. Only if that finds the process not yet reaped does the one for the
    /// group follow, so the group's number cannot belong to others.
    pub(super) fn kill(&self) {
        // An error means that it is dead and reaped already; then its number may be another process's.
        if rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL).is_ok() {
            let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
    }

    /// Whether it is stopped, by SIGSTOP or a debugger: only then is it sure that it does nothing. Reads a file of `/proc`.
    pub(super) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // Behind its name, which may have spaces and brackets in it.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
    }

    /// Whether it ends within a tenth of a second. One that dies has closed its socket before its exit status is there.
    pub(super) fn ends_soon(&self) -> bool {
        const TENTH_OF_A_SECOND: u64 = 100_000_000;
        let _ = wait_for(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], TENTH_OF_A_SECOND);
        has_ended(&self.pidfd)
    }

    /// Kills it if it is alive, waits for its end, and reports how it ended and what it printed last.
    ///
    /// Waits for one process that is dead or has just got SIGKILL. A process in an uninterruptible system call, such as
    /// one on a network file system that hangs, ends only after that call.
    pub(super) fn wait_exit(mut self) -> ExitReport {
        self.kill();
        let exit = self.reap();
        let worker = LostWorker { exit, last_lines: self.printed.end(), reason: None };
        let came_to_init = self.page().is_up();
        ExitReport { worker, ran_out_of_memory: self.printed.ran_out_of_memory(), came_to_init }
    }

    /// Waits until the process has ended, and takes its exit status.
    fn reap(&mut self) -> WorkerExit {
        self.is_reaped = true;
        match self.child.wait() {
            Ok(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => WorkerExit::Signal(signal),
                (_, Some(code)) => WorkerExit::Exit(code),
                _ => WorkerExit::Unknown,
            },
            Err(_) => WorkerExit::Unknown,
        }
    }

    /// Closes its socket and gives it a second to end by itself, so that it can drop what it has. Then it is killed.
    fn join(self) {
        const SECOND: u64 = 1_000_000_000;
        self.close();
        if wait_for(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], SECOND).is_err() {
            let until = nanos().saturating_add(SECOND);
            while nanos() < until && !has_ended(&self.pidfd) {
                nap(LOOK_INSTEAD);
            }
        }
    }
}

/// A copy of this program that becomes a worker: with its end of the socket as stdin, and its end of the pipe for both
/// streams.
///
/// `/proc/self/exe` is the file that runs, also after a new version was moved to its path, so a worker is always the
/// same program as its caller. The name in `argv[0]` is the caller's. There are no other arguments.
fn worker_command(
    socket: OwnedFd,
    pipe: OwnedFd,
    threads: usize,
    origin: &Origin,
    summons: &Summons,
) -> io::Result<Command> {
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command.env_clear().envs(THREAD_VARIABLES.map(|name| (name, threads.to_string())));
    command.envs(origin.variables()).env(VARIABLE, summons.to_string());
    // The socket comes as its stdin and is moved away from there before the program's own code runs. A group of its own:
    // Ctrl+C on the terminal reaches the caller alone.
    command.stdin(socket).stdout(pipe.try_clone()?).stderr(pipe).process_group(0);
    Ok(command)
}

/// Ends a child that cannot be watched.
fn kill_and_reap(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Finds the times at which this process does not run, as long as the watch lives.
pub(super) fn watch_pauses() -> PauseWatch {
    let watch = PauseWatch::begin();
    spawner::wake();
    watch
}

/// Waits until one of these workers has sent or printed something or has died, or can take what is queued for it; at
/// most for this many nanoseconds. Each worker's [`Readiness`] says afterwards what it did.
///
/// Costs one `poll` of three descriptors per worker and two allocations. A worker that has confirmed the end of its
/// call is watched for its output and its death alone, since a socket whose other end is closed would end every wait at
/// once. Without workers it waits for the whole time.
///
/// Where the system refuses the `poll`, for instance because the process may not have as many open files any more as it
/// has, every worker is looked at each millisecond: nothing is lost but time.
pub(super) fn wait_for_any(workers: &mut [&mut Worker], nanos: u64) {
    const EACH: usize = 3;
    let mut fds = Vec::with_capacity(EACH * workers.len());
    for worker in &*workers {
        let outgoing = if worker.link.outgoing.is_waiting() { PollFlags::OUT } else { PollFlags::empty() };
        fds.push(match worker.is_done {
            false => PollFd::from_borrowed_fd(worker.link.socket(), PollFlags::IN | outgoing),
            true => PollFd::new(&worker.pidfd, PollFlags::empty()),
        });
        // After the socket: what was printed before an answer was sent is seen not later than the answer.
        fds.push(match worker.printed.pipe() {
            Some(pipe) => PollFd::from_borrowed_fd(pipe, PollFlags::IN),
            None => PollFd::new(&worker.pidfd, PollFlags::empty()),
        });
        fds.push(PollFd::new(&worker.pidfd, PollFlags::IN));
    }
    if wait_for(&mut fds, nanos).is_err() {
        drop(fds);
        nap(LOOK_INSTEAD.min(Duration::from_nanos(nanos)));
        for worker in workers {
            worker.readiness =
                Readiness { has_sent: !worker.is_done, has_printed: true, is_dead: has_ended(&worker.pidfd) };
        }
        return;
    }
    let found: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    for (worker, found) in workers.iter_mut().zip(found.chunks_exact(EACH)) {
        let readiness = |at: usize| found[at].intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        worker.readiness = Readiness { has_sent: readiness(0), has_printed: readiness(1), is_dead: readiness(2) };
    }
}

/// How often workers are looked at where the system refuses to wait for them.
const LOOK_INSTEAD: Duration = Duration::from_millis(1);

/// Whether the process has ended, or was waited for by another part of the program. Costs a system call.
fn has_ended(pidfd: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), options) {
        Ok(status) => status.is_some(),
        Err(error) => error == rustix::io::Errno::CHILD,
    }
}

/// Waits until one of these is ready, for so many nanoseconds at most.
///
/// # Errors
/// When the system refuses to wait, at once.
fn wait_for(fds: &mut [PollFd<'_>], nanos: u64) -> Result<(), rustix::io::Errno> {
    const SECOND: u64 = 1_000_000_000;
    let limit = Timespec {
        tv_sec: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(nanos % SECOND).unwrap_or(0),
    };
    match rustix::event::poll(fds, Some(&limit)) {
        // A wait that a signal interrupts is a short one: the caller looks at its workers again.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // In a forked child it is the parent's worker, which goes on.
        if !self.is_reaped && self.process.is_current() {
            self.kill();
            self.reap();
            self.printed.end();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self.page();
        let mut shown = f.debug_struct("Worker");
        shown.field("number", &self.number()).field("in_hand", &page.in_hand()).field("done", &page.done());
        shown.finish_non_exhaustive()
    }
}
