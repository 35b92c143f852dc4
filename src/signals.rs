//! Ctrl+C and SIGTERM as a request to stop: the first signal cancels a token, the second ends the program at once.
//!
//! Needs the feature `signals`. Make [`Interrupts`] early in `main`, and give its token to each job.

// The signal handler only writes an atomic word and cancels; a listening thread does everything that may wait or allocate.
// signal-hook shares the handler with the rest of the program and removes actions again. It does not restore the default action
// of a signal that it has handled, so this file registers an action for that, which stays. Runs know nothing of signals: they
// see the token.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::time::Duration;

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{emulate_default_handler, pipe, register, unregister};

use crate::primitives::cancel::CancelToken;
use crate::sync::{
    Arc, JoinHandle, Ordering, ProcessMark, SignalWord, StackSize, WallClock, spawn_owned, thread_index,
};

/// A signal that asks a program to end. As text: `SIGINT`, `SIGTERM`.
///
/// ```
/// use manyhands::signals::Signal;
///
/// assert_eq!(Signal::Interrupt.exit_code(), 130);
/// assert_eq!(Signal::Terminate.to_string(), "SIGTERM");
/// assert_eq!("SIGINT".parse(), Ok(Signal::Interrupt));
/// assert_eq!("SIGHUP".parse::<Signal>().unwrap_err().to_string(), r#""SIGHUP" is neither SIGINT nor SIGTERM"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT: the user pressed Ctrl+C.
    Interrupt,
    /// SIGTERM: the system, a scheduler or another program asks this one to end.
    Terminate,
}

impl Signal {
    const ALL: [Self; 2] = [Self::Interrupt, Self::Terminate];

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }

    /// The exit code of a program that ended in good order because of this signal: 128 plus the signal's number, 130 or
    /// 143.
    ///
    /// ```
    /// assert_eq!(manyhands::signals::Signal::Terminate.exit_code(), 143);
    /// ```
    #[must_use]
    pub fn exit_code(self) -> i32 {
        128 + self.number()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let found = Self::ALL.into_iter().find(|signal| signal.to_string() == text);
        found.ok_or_else(|| UnknownSignal(text.to_owned()))
    }
}

/// A text that is no [`Signal`].
///
/// ```
/// let error = "SIGHUP".parse::<manyhands::signals::Signal>().unwrap_err();
/// assert!(error.to_string().contains("SIGHUP"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSignal(String);

impl fmt::Display for UnknownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither SIGINT nor SIGTERM", self.0)
    }
}

impl std::error::Error for UnknownSignal {}

/// Turns Ctrl+C and SIGTERM into a request to stop, until it is dropped.
///
/// The first signal cancels [`token`](Self::token) and then calls the closure of [`listen`](Self::listen). The second
/// one, of either kind, ends the program at once with the signal's default action, even while the closure or the
/// program is busy; worker processes end with it. A signal within a tenth of a second of the first counts as its echo
/// and does nothing: `timeout` and some supervisors signal a program and then its process group too.
///
/// After the drop, signals do what they did before: they call the handler of another library, which they also call
/// meanwhile, or end the program. A signal that the program ignores, such as the SIGINT of a script's background job,
/// stays ignored.
///
/// # Cost
/// One thread that sleeps, and two sockets.
///
/// # Concurrency
/// The token is cancelled in the signal handler. The closure runs in a thread of its own, where it may wait and print;
/// drop waits for it, unless the closure itself drops the listener: then it runs to its end alone. A panic of the closure
/// ends that thread and nothing else.
///
/// In a forked child the token is a copy that a signal to the child cancels, and a second signal ends the child. The closure
/// stays with the parent, whose thread calls it; a child that wants one listens anew. A drop in the child changes nothing
/// for the parent.
///
/// ```standalone_crate
/// use manyhands::signals::Signal;
/// use manyhands::{Interrupts, Job};
///
/// let interrupts = Interrupts::listen(|signal| eprintln!("{signal}: finishing what is in hand; once more to end at once"))?;
/// // Here the user presses Ctrl+C.
/// # signal_hook::low_level::raise(signal_hook::consts::SIGINT)?;
/// let outcome = Job::new(&[1, 2, 3]).cancel_token(interrupts.token()).run(|n| n * 2)?;
/// assert_eq!(outcome.tally().cancelled, 3);
/// assert_eq!(interrupts.signal(), Some(Signal::Interrupt));
/// // Save the results, say how to resume, and exit with `signal.exit_code()`.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "signals do again what they did before as soon as it is dropped"]
#[derive(Debug)]
pub struct Interrupts {
    arrival: Arc<Arrival>,
    // Dropped in this order. With the listener, the default action comes back, so no signal falls between the end of the thread
    // and that of the actions; and the actions stay while a closure is waited for, so that a second signal still counts.
    _listener: Listener,
    _thread: ListeningThread,
    _actions: Actions,
    /// Keeps a reader for the actions' socket: a write without one would raise SIGPIPE.
    _written_to: UnixStream,
}

impl Interrupts {
    /// Listens from now on, and calls the closure after the first signal.
    ///
    /// Call it early in `main`, before other threads start, and after `manyhands::init()`. Of several at a time, each
    /// gets the first signal of its own life.
    ///
    /// ```standalone_crate
    /// use manyhands::Interrupts;
    ///
    /// let interrupts = Interrupts::listen(|signal| eprintln!("{signal}: finishing the items in hand"))?;
    /// assert_eq!(interrupts.signal(), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the system cannot start a thread or open a socket.
    pub fn listen(on_first: impl FnOnce(Signal) + Send + 'static) -> io::Result<Self> {
        let arrival = Arc::new(Arrival::new());
        let (awaken, wait) = UnixStream::pair()?;
        awaken.set_nonblocking(true)?;
        let written_to = wait.try_clone()?;
        let actions = Actions::register(&arrival, &awaken)?;
        let thread = ListeningThread::start(wait, awaken, Arc::clone(&arrival), on_first)?;
        // Last: an earlier signal would have lost its default action with no listener to handle it.
        let listener = Listener::register();
        Ok(Self { arrival, _listener: listener, _thread: thread, _actions: actions, _written_to: written_to })
    }

    /// The token that the first signal cancels, for a [`Job`](crate::Job).
    ///
    /// ```standalone_crate
    /// let interrupts = manyhands::Interrupts::listen(|_| ())?;
    /// assert!(!interrupts.token().is_cancelled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.arrival.token
    }

    /// The first signal; `None` before it came.
    ///
    /// ```standalone_crate
    /// use manyhands::signals::Signal;
    /// use manyhands::Interrupts;
    ///
    /// let interrupts = Interrupts::listen(|_| ())?;
    /// let exit_code = interrupts.signal().map_or(0, Signal::exit_code);
    /// assert_eq!(exit_code, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.arrival.signal()
    }
}

/// A second signal this soon after the first is its echo. A person takes much longer to press the keys again.
const ECHO: Duration = Duration::from_millis(100);

/// The state that the signal handler writes and all others read.
///
/// The times of the word are milliseconds since the listener began; they have 56 bits, the signal has 8.
#[derive(Debug)]
struct Arrival {
    token: CancelToken,
    listening_since: WallClock,
    /// Zero until the first signal comes; then its number, and above that, when it came. Both in one word, so that of
    /// two that come at once, in two threads, one is the first and the other knows how long ago that was.
    first: SignalWord,
    /// The index of the thread that calls the closure, plus one; zero before the call.
    told: SignalWord,
}

const BITS_OF_A_NUMBER: u32 = 8;

impl Arrival {
    fn new() -> Self {
        Self {
            token: CancelToken::new(),
            listening_since: WallClock::now(),
            first: SignalWord::new(0),
            told: SignalWord::new(0),
        }
    }

    /// Called by the signal handler. It is async-signal-safe: it takes no lock, allocates nothing and cannot panic.
    fn handle(&self, signal: Signal) {
        let now = self.milliseconds();
        let this = now << BITS_OF_A_NUMBER | u64::from(signal.number().unsigned_abs());
        // Relaxed: no other memory depends on the word.
        match self.first.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => self.token.cancel(),
            Err(first) if is_echo(now, first >> BITS_OF_A_NUMBER) => {}
            Err(_) => end_by(signal),
        }
    }

    fn signal(&self) -> Option<Signal> {
        // Relaxed: see `handle`.
        let number = self.first.load(Ordering::Relaxed) & ((1 << BITS_OF_A_NUMBER) - 1);
        Signal::ALL.into_iter().find(|signal| u64::from(signal.number().unsigned_abs()) == number)
    }

    fn milliseconds(&self) -> u64 {
        // Reading the clock is async-signal-safe. The lost bits would take 584 million years.
        self.listening_since.elapsed().as_millis() as u64
    }
}

/// A `now` before `first` counts as none: two threads may read the clock in one order and exchange in the other.
fn is_echo(now: u64, first: u64) -> bool {
    u128::from(now.saturating_sub(first)) < ECHO.as_millis()
}

/// Does not return: both signals end a program.
fn end_by(signal: Signal) {
    // It fails for signals that it does not know; it knows these.
    let _ = emulate_default_handler(signal.number());
}

/// The number of listeners now.
static LISTENERS: SignalWord = SignalWord::new(0);

/// Counts as one listener until it is dropped.
#[derive(Debug)]
struct Listener;

impl Listener {
    fn register() -> Self {
        // Relaxed: a signal that comes meanwhile may as well have come before or after.
        LISTENERS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Relaxed: as above.
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The actions of one listener in the signal handler, removed when dropped.
#[derive(Debug, Default)]
struct Actions(Vec<SigId>);

impl Actions {
    fn register(arrival: &Arc<Arrival>, awaken: &UnixStream) -> io::Result<Self> {
        let mut actions = Self::default();
        for signal in Signal::ALL {
            match Disposition::of(signal)? {
                Disposition::Ignore => continue,
                Disposition::Default => keep_the_default(signal)?,
                // An earlier listener leaves this handler too, with its default action.
                Disposition::Handler => {}
            }
            let arrival = Arc::clone(arrival);
            // SAFETY: the action does only what is async-signal-safe, as `Arrival::handle` promises.
            actions.0.push(unsafe { register(signal.number(), move || arrival.handle(signal)) }?);
            // Second, so that the thread finds the signal when it wakes up.
            actions.0.push(pipe::register(signal.number(), awaken.try_clone()?)?);
        }
        Ok(actions)
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        for action in self.0.drain(..) {
            unregister(action);
        }
    }
}

/// What a signal does now.
#[derive(Debug)]
enum Disposition {
    Default,
    Ignore,
    Handler,
}

impl Disposition {
    fn of(signal: Signal) -> io::Result<Self> {
        let mut found = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: without a new action the call changes nothing; it writes the present one to memory of its size.
        let answer = unsafe { libc::sigaction(signal.number(), std::ptr::null(), found.as_mut_ptr()) };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it has initialised all of it.
        let found = unsafe { found.assume_init() };
        Ok(match found.sa_sigaction {
            libc::SIG_DFL => Self::Default,
            libc::SIG_IGN => Self::Ignore,
            _ => Self::Handler,
        })
    }
}

/// Keeps the signal's default action while there is no listener, for the life of the program: signal-hook's handler
/// stays installed and does nothing by itself.
///
/// Without it, Ctrl+C would do nothing after the last listener is dropped. It is registered once per signal, since a
/// later listener finds a handler.
fn keep_the_default(signal: Signal) -> io::Result<()> {
    let action = move || {
        // Relaxed: see `Listener`.
        if LISTENERS.load(Ordering::Relaxed) == 0 {
            end_by(signal);
        }
    };
    // SAFETY: the action reads an atomic word and does what signal-hook says is async-signal-safe.
    unsafe { register(signal.number(), action) }.map(drop)
}

/// The thread that calls the closure.
#[derive(Debug)]
struct ListeningThread {
    /// Where the thread is. A forked child has a copy of this value, and no such thread.
    process: ProcessMark,
    awaken: UnixStream,
    arrival: Arc<Arrival>,
    thread: Option<JoinHandle<()>>,
}

/// The byte that ends the wait of the thread; signal-hook writes another one.
const LEAVE: u8 = 0;

impl ListeningThread {
    fn start(
        wait: UnixStream,
        awaken: UnixStream,
        arrival: Arc<Arrival>,
        on_first: impl FnOnce(Signal) + Send + 'static,
    ) -> io::Result<Self> {
        let theirs = Arc::clone(&arrival);
        let body = move || {
            if let Some(signal) = first_signal(wait, &theirs) {
                // Relaxed: the one thread that must see it is this one.
                theirs.told.store(this_thread(), Ordering::Relaxed);
                on_first(signal);
            }
        };
        let thread = spawn_owned("manyhands signals".to_owned(), StackSize::Usual, body)?;
        Ok(Self { process: ProcessMark::current(), awaken, arrival, thread: Some(thread) })
    }
}

impl Drop for ListeningThread {
    fn drop(&mut self) {
        if !self.process.is_current() {
            // The socket leads to the parent's thread, which must go on.
            std::mem::forget(self.thread.take());
            return;
        }
        // It fails only when the socket is full of signals, and then the thread does not wait any more.
        let _ = self.awaken.write(&[LEAVE]);
        // Relaxed: see `start`. A thread that waited for its own end would wait for ever, and the lock that the closure may hold
        // with it.
        let is_this_one = self.arrival.told.load(Ordering::Relaxed) == this_thread();
        if let Some(thread) = self.thread.take().filter(|_| !is_this_one) {
            // The program's panic hook has reported the closure's panic.
            let _ = thread.join();
        }
    }
}

/// Tells this thread from all others, and is not zero.
fn this_thread() -> u64 {
    thread_index() as u64 + 1
}

/// Waits for the first signal; `None` when the listener is dropped first.
///
/// Other bytes that come without a signal of this process are read and ignored.
fn first_signal(mut wait: UnixStream, arrival: &Arrival) -> Option<Signal> {
    loop {
        let mut read = [LEAVE];
        match wait.read(&mut read) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        // The byte alone proves no signal: a process that was forked from this one writes into the same socket until it calls
        // `exec`.
        let signal = arrival.signal();
        if signal.is_some() || read == [LEAVE] {
            return signal;
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_signal_within_a_tenth_of_a_second_is_an_echo() {
        assert!(is_echo(5, 5) && is_echo(104, 5));
        assert!(!is_echo(105, 5) && !is_echo(u64::MAX, 5));
        assert!(is_echo(4, 5), "the second of two threads may have read the clock first");
    }

    #[test]
    fn the_first_signal_cancels_and_is_remembered() {
        let arrival = Arrival::new();
        assert_eq!((arrival.signal(), arrival.token.is_cancelled()), (None, false));
        arrival.handle(Signal::Terminate);
        arrival.handle(Signal::Interrupt);
        assert_eq!((arrival.signal(), arrival.token.is_cancelled()), (Some(Signal::Terminate), true));
    }
}
