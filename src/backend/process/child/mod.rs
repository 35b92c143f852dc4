//! Worker processes: started, kept between calls, ended. A worker belongs to a guard that kills and reaps it.

pub(crate) mod output;
pub(crate) mod spawner;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

use crate::backend::process::child::output::OutputPipe;
use crate::backend::process::memory::block::{self, Block, BlockId};
use crate::backend::process::wire::connection::{Blocking, Connection, MappedStatusPage};
use crate::backend::process::wire::frame::{Header, Kind};
use crate::backend::process::wire::function::{Executable, PROGRAM};
use crate::backend::process::wire::status_page::Direction;
use crate::backend::process::worker::nanos;
use crate::outcome::WorkerExit;
use crate::sync::{Arc, LazyLock, Mutex};

/// Tells a copy of the program that it is a worker: the process id of its parent.
pub(crate) const VARIABLE: &str = "MANYHANDS_WORKER";

/// A worker comes to `init` within this time, in nanoseconds, or not at all.
const LATE_NANOS: u64 = 30_000_000_000;

/// How many threads numeric libraries start of their own accord; each asks for its own variable.
const THREAD_VARIABLES: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// What a worker is told at its start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) executable: Executable,
    pub(crate) threads: usize,
}

/// A worker process, and this process's end of everything that leads to it. Dropped, it is killed and reaped.
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) link: Connection,
    pub(crate) printed: OutputPipe,
    child: Child,
    /// Readable when the process is dead.
    pidfd: OwnedFd,
    /// The threads that it may use, of which the environment at its start tells.
    threads: usize,
    /// Items that it has done.
    pub(crate) served: usize,
    /// Frames of items that were sent to it.
    pub(crate) frames_sent: u32,
    /// Blocks of shared memory that it has.
    pub(crate) has: HashSet<BlockId>,
    is_reaped: bool,
    /// Whether it waited for the call that has it.
    pub(crate) was_kept: bool,
    /// When it was started, in nanoseconds of the steady clock.
    started: u64,
    /// Whether it has nothing more to say in this call.
    is_done: bool,
    pub(crate) readiness: Readiness,
}

/// What is known of a dead worker.
#[derive(Debug)]
pub(crate) struct ExitReport {
    pub(crate) ending: WorkerExit,
    pub(crate) last_lines: String,
    /// Whether it printed that an allocation failed.
    pub(crate) ran_out_of_memory: bool,
    /// Whether it ever became a worker.
    pub(crate) came_to_init: bool,
}

/// How a worker ended a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything of the call is dropped.
    Dropped,
    /// A destructor panicked, with this message.
    Complained(String),
    /// It died before it said anything.
    Died,
}

/// What a wait found out about a worker.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readiness {
    pub(crate) has_sent: bool,
    pub(crate) has_printed: bool,
    pub(crate) is_dead: bool,
}

/// Workers that wait for a call, and the numbers that are taken.
static IDLE: LazyLock<Mutex<IdlePool>> = LazyLock::new(|| Mutex::new(IdlePool::default()));

#[derive(Default)]
struct IdlePool {
    idle: Vec<Worker>,
    /// At each place: whether the worker of that number, less one, is alive.
    numbers: Vec<bool>,
}

/// A worker that waited for a call, if there is one that may use so many threads and has done fewer items than that.
pub(crate) fn take_idle(threads: usize, most: usize) -> Option<Worker> {
    let mut pool = IDLE.lock();
    // The one that worked last: its core is awake, and its memory is in the caches.
    let found = pool.idle.iter().rposition(|worker| worker.threads == threads && worker.served < most)?;
    Some(pool.idle.remove(found))
}

/// Keeps a worker for the next call.
pub(crate) fn keep(mut worker: Worker) {
    (worker.was_kept, worker.is_done) = (true, false);
    worker.printed.pass_on(); // before the call ends, as what was printed belongs to it
    worker.printed.forget_last_lines();
    IDLE.lock().idle.push(worker);
}

/// Ends the workers that wait for a call.
pub(crate) fn end_idle_workers() -> usize {
    let idle = std::mem::take(&mut IDLE.lock().idle);
    let count = idle.len();
    idle.iter().for_each(Worker::close);
    idle.into_iter().for_each(Worker::join);
    count
}

fn lowest_free_number() -> usize {
    let numbers = &mut IDLE.lock().numbers;
    let free = numbers.iter().position(|taken| !taken).unwrap_or_else(|| {
        numbers.push(false);
        numbers.len() - 1
    });
    numbers[free] = true;
    free + 1
}

impl Worker {
    /// Starts a worker that may use so many threads.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        spawner::run(move || {
            let number = lowest_free_number();
            Self::start_here(number, threads).inspect_err(|_| IDLE.lock().numbers[number - 1] = false)
        })
    }

    fn start_here(number: usize, threads: usize) -> io::Result<Self> {
        let program = PROGRAM.as_ref().map_err(|reason| io::Error::other(reason.clone()))?;
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&read, true)?;
        let (page, page_file) = MappedStatusPage::create()?;
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        command.env(VARIABLE, std::process::id().to_string());
        for name in THREAD_VARIABLES.into_iter().filter(|name| std::env::var_os(name).is_none()) {
            command.env(name, threads.to_string());
        }
        // The socket comes as its stdin and is moved away from there before the program's own code runs. A group of its own:
        // Ctrl+C on the terminal reaches the caller alone.
        command.stdin(theirs).stdout(write.try_clone()?).stderr(write).process_group(0);
        let child = command.spawn()?;
        // The command holds this process's copies of the worker's ends.
        drop(command);
        let pid = Pid::from_child(&child);
        let mut worker = Self {
            number,
            link: Connection::new(ours, Arc::new(page), Direction::ToWorker),
            printed: OutputPipe::new(read, number),
            pidfd: match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => pidfd,
                Err(error) => {
                    end_nameless(child);
                    return Err(error.into());
                }
            },
            child,
            threads,
            served: 0,
            frames_sent: 0,
            has: HashSet::new(),
            is_reaped: false,
            was_kept: false,
            started: nanos(),
            is_done: false,
            readiness: Readiness::default(),
        };
        let welcome = Hello { executable: program.executable.clone(), threads };
        let welcome = postcard::to_stdvec(&welcome).map_err(io::Error::other)?;
        worker.link.outgoing.push_with(Header::new(Kind::Hello), &welcome, page_file.into());
        Ok(worker)
    }

    /// Tells it to forget memory that nothing in this process mentions any more.
    pub(crate) fn forget_blocks(&mut self) {
        let gone: Vec<BlockId> = self.has.iter().copied().filter(|&id| !block::is_alive(id)).collect();
        for id in gone {
            self.has.remove(&id);
            self.link.outgoing.push(Header { first: id.to_word(), ..Header::new(Kind::Forget) }, &[]);
        }
    }

    /// Queues memory that what is pushed after it mentions, unless the worker has it.
    pub(crate) fn push_blocks(&mut self, blocks: &[Arc<Block>]) {
        for block in blocks {
            // Without a descriptor to spare the worker will say that it does not know the block.
            if !self.has.contains(&block.id()) && self.link.outgoing.push_block(block).is_ok() {
                self.has.insert(block.id());
            }
        }
    }

    /// Sends what is queued, as much as goes now. A worker that is gone is noticed by who reads from it.
    pub(crate) fn send_queued(&mut self) {
        if self.link.outgoing.send(Blocking::No).is_err() {
            self.kill(); // gone already, or not to be reached any more
        }
    }

    /// Whether it should have come to `init` long ago. Something that the program does before waits for what a worker never gets.
    pub(crate) fn is_late(&self, now: u64) -> bool {
        !self.link.page().is_up() && now.saturating_sub(self.started) >= LATE_NANOS
    }

    /// Tells it that the call is over for it.
    pub(crate) fn send_end(&mut self) {
        self.link.outgoing.push(Header::new(Kind::End), &[]);
        self.send_queued();
    }

    /// What it said of the end that it was told of; `None` while it says nothing. Looks at what the last wait found.
    pub(crate) fn has_ended(&mut self) -> Option<End> {
        let readiness = std::mem::take(&mut self.readiness);
        self.send_queued();
        if readiness.has_printed {
            self.printed.pass_on();
        }
        if !readiness.has_sent && !readiness.is_dead {
            return None;
        }
        let heard = self.link.incoming.receive(Blocking::No);
        let end = self.read_the_end().or((heard.is_err() || readiness.is_dead).then_some(End::Died));
        self.is_done = end.is_some();
        end
    }

    fn read_the_end(&mut self) -> Option<End> {
        loop {
            let header = match self.link.incoming.next() {
                Ok(Some(header)) => header,
                Ok(None) => return None,
                Err(_) => return Some(End::Died),
            };
            let said = self.link.incoming.body(&header).map(|body| String::from_utf8_lossy(body).into_owned());
            self.link.incoming.release(&header);
            match said {
                Ok(said) if header.kind == Kind::Ended && said.is_empty() => return Some(End::Dropped),
                Ok(said) if header.kind == Kind::Ended => return Some(End::Complained(said)),
                _ => {}
            }
        }
    }

    /// Tells it that there is nothing more to come: it ends by itself.
    pub(crate) fn close(&self) {
        // An error means that it is dead already.
        let _ = rustix::net::shutdown(self.link.socket(), rustix::net::Shutdown::Write);
    }

    /// Asks it to end, as a program would be asked.
    pub(crate) fn signal_end(&self) {
        // An error means that it is dead already.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::TERM);
    }

    /// Kills it, and what it has started and not put into a group of its own.
    pub(crate) fn kill(&self) {
        // An error means that it is dead and reaped, by whom ever; then its number may be another process's.
        if rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL).is_ok() {
            let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
    }

    /// Kills it if need be, waits for its end, and tells how it ended and what it printed last.
    pub(crate) fn wait_exit(mut self) -> ExitReport {
        self.kill();
        let ending = self.reap();
        let last_lines = self.printed.end();
        let came_to_init = self.link.page().is_up();
        ExitReport { ending, last_lines, ran_out_of_memory: self.printed.ran_out_of_memory(), came_to_init }
    }

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

    /// Lets it end by itself, for a moment; what it was given is dropped there.
    fn join(self) {
        self.close();
        const A_MOMENT: u64 = 1_000_000_000;
        wait_for(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], A_MOMENT);
    }
}

/// A child that cannot be looked after must not stay.
fn end_nameless(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits until one of these workers stirs, for so many nanoseconds at most, and notes what each did.
pub(crate) fn wait_for_any(workers: &mut [&mut Worker], nanos: u64) {
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
    wait_for(&mut fds, nanos);
    let found: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    for (worker, found) in workers.iter_mut().zip(found.chunks_exact(EACH)) {
        let readiness = |at: usize| found[at].intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        worker.readiness = Readiness { has_sent: readiness(0), has_printed: readiness(1), is_dead: readiness(2) };
    }
}

/// Waits until one of these is ready, for so many nanoseconds at most.
fn wait_for(fds: &mut [PollFd<'_>], nanos: u64) {
    const SECOND: u64 = 1_000_000_000;
    let limit = Timespec {
        tv_sec: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(nanos % SECOND).unwrap_or(0),
    };
    // An interrupted wait is a short one: whoever waits looks again.
    let _ = rustix::event::poll(fds, Some(&limit));
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
            self.reap();
            self.printed.end();
        }
        IDLE.lock().numbers[self.number - 1] = false;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self.link.page();
        let mut shown = f.debug_struct("Worker");
        shown.field("number", &self.number).field("in_hand", &page.in_hand()).field("done", &page.done());
        shown.finish_non_exhaustive()
    }
}
