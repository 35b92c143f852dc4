//! Ctrl+C and SIGTERM that save first: the first one asks for a stop, the second one ends the program at once.
//!
//! The signal's handler counts and cancels; whatever may wait or allocate is left to a thread that listens. signal-hook shares
//! the handler with the rest of the program, and takes away again what was added to it. What it does not bring back is the
//! default action, once it has handled a signal; so that is done here, by an action that stays.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{emulate_default_handler, pipe, register, unregister};

use crate::primitives::cancel::CancelToken;
use crate::sync::{Arc, JoinHandle, Ordering, SignalWord, WallClock, spawn_owned};

/// A signal that asks a program to end.
///
/// ```
/// use manyhands::Signal;
///
/// assert_eq!(Signal::Interrupt.exit_code(), 130);
/// assert_eq!(Signal::Terminate.to_string(), "SIGTERM");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT: somebody pressed Ctrl+C.
    Interrupt,
    /// SIGTERM: the system, a scheduler or another program wants this one to end.
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

    /// What a program exits with that ended in good order because of this signal: 128 and the signal's number, so 130 or 143.
    ///
    /// ```
    /// assert_eq!(manyhands::Signal::Terminate.exit_code(), 143);
    /// ```
    #[must_use]
    pub fn exit_code(self) -> i32 {
        128 + self.number()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Listens for Ctrl+C and SIGTERM for as long as it is there.
///
/// The first signal cancels [`token`](Self::token) and then calls the closure that [`listen`](Self::listen) was given. The
/// second one, of either kind, ends the program at once, by the signal's default action, whatever the closure or the program
/// are doing; worker processes end with it. A signal that comes within a tenth of a second of the first is taken for its echo
/// and does nothing: `timeout` and some cratevisors signal a program and then also its process group.
///
/// When this is dropped, signals do again what they did before: with a handler of somebody else, that one is called, as it is
/// meanwhile, and without one they end the program. A signal that the program was told to ignore, such as the SIGINT of
/// a script's background job, stays ignored.
///
/// # Concurrency
/// The token is cancelled in the signal's handler. The closure runs in a thread of its own, where it may wait and print; drop
/// waits for it. When it panics, nothing else happens.
///
/// ```standalone_crate
/// use manyhands::{Interrupts, Job, Signal};
///
/// let interrupts = Interrupts::listen(|signal| eprintln!("{signal}: finishing what is in hand; once more to end at once"))?;
/// # signal_hook::low_level::raise(signal_hook::consts::SIGINT)?; // somebody presses Ctrl+C
/// let outcome = Job::new(&[1, 2, 3]).cancel_token(interrupts.token()).run(|n| n * 2)?;
/// assert_eq!(outcome.tally().cancelled, 3);
/// assert_eq!(interrupts.signal(), Some(Signal::Interrupt));
/// // Save what there is, say how to go on, and exit with `signal.exit_code()`.
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
    /// Where the actions write to: a socket that nobody can read from would raise SIGPIPE.
    _written_to: UnixStream,
}

impl Interrupts {
    /// Listens from now on, and calls the closure after the first signal.
    ///
    /// Begin with it, before other threads are there, but after [`init`](crate::backend::process::init). Of several at a time, each is told of the
    /// first signal that comes while it is there.
    ///
    /// # Errors
    /// When the system has no thread or no socket to give.
    pub fn listen(on_first: impl FnOnce(Signal) + Send + 'static) -> io::Result<Self> {
        let arrival = Arc::new(Arrival::new());
        let (awaken, wait) = UnixStream::pair()?;
        awaken.set_nonblocking(true)?;
        let written_to = wait.try_clone()?;
        let actions = Actions::register(&arrival, &awaken)?;
        let thread = ListeningThread::start(wait, awaken, Arc::clone(&arrival), on_first)?;
        // Last: before that, a signal would have been taken from the default action without anybody listening.
        let listener = Listener::one_more();
        Ok(Self { arrival, _listener: listener, _thread: thread, _actions: actions, _written_to: written_to })
    }

    /// The token that the first signal cancels, for [`Job::cancel`](crate::Job::cancel).
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.arrival.token
    }

    /// The first signal, once it has come.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.arrival.signal()
    }
}

/// A second signal this soon after the first one is its echo. Far less than a person takes to decide.
const ECHO: Duration = Duration::from_millis(100);

/// What the handler writes and everybody reads.
#[derive(Debug)]
struct Arrival {
    token: CancelToken,
    listening_since: WallClock,
    /// Zero until the first signal comes; then its number, and above that, when it came. Both in one word, so that of two that
    /// come at once, in two threads, one is the first and the other knows how long ago that was.
    first: SignalWord,
}

const BITS_OF_A_NUMBER: u32 = 8;

impl Arrival {
    fn new() -> Self {
        Self { token: CancelToken::new(), listening_since: WallClock::now(), first: SignalWord::new(0) }
    }

    /// What the handler does. Only what is async-signal-safe: it takes no lock and no memory, and cannot panic.
    fn handle(&self, signal: Signal) {
        let now = self.milliseconds();
        let this = now << BITS_OF_A_NUMBER | u64::from(signal.number().unsigned_abs());
        // Relaxed: the word says all there is to know.
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
        // Reading the clock is async-signal-safe. What is cut off would take 584 million years.
        self.listening_since.elapsed().as_millis() as u64
    }
}

fn is_echo(now: u64, first: u64) -> bool {
    u128::from(now.saturating_sub(first)) < ECHO.as_millis()
}

/// Does not return: both signals end a program.
fn end_by(signal: Signal) {
    // It fails for signals that it does not know; it knows these.
    let _ = emulate_default_handler(signal.number());
}

/// How many listen now.
static LISTENERS: SignalWord = SignalWord::new(0);

/// One of those who listen.
#[derive(Debug)]
struct Listener;

impl Listener {
    fn one_more() -> Self {
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

/// What the handler is to do for one that listens; taken away from it again when dropped.
#[derive(Debug, Default)]
struct Actions(Vec<SigId>);

impl Actions {
    fn register(arrival: &Arc<Arrival>, awaken: &UnixStream) -> io::Result<Self> {
        let mut actions = Self::default();
        for signal in Signal::ALL {
            match Disposition::of(signal)? {
                Disposition::Ignore => continue,
                Disposition::Default => keep_the_default(signal)?,
                // Also when a listener was here before, whose default is kept.
                Disposition::Handler => {}
            }
            let theirs = Arc::clone(arrival);
            // SAFETY: the action does only what is async-signal-safe, as `Arrival::handle` promises.
            actions.0.push(unsafe { register(signal.number(), move || theirs.handle(signal)) }?);
            // After that, so that the thread finds the signal when it wakes up.
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

/// What a signal does.
#[derive(Debug)]
enum Disposition {
    Default,
    Ignore,
    Handler,
}

impl Disposition {
    fn of(signal: Signal) -> io::Result<Self> {
        let mut found = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: without a new action the call changes nothing; it writes the present one to where there is room for one.
        let answer = unsafe { libc::sigaction(signal.number(), std::ptr::null(), found.as_mut_ptr()) };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it has written all of it.
        let found = unsafe { found.assume_init() };
        Ok(match found.sa_sigaction {
            libc::SIG_DFL => Self::Default,
            libc::SIG_IGN => Self::Ignore,
            _ => Self::Handler,
        })
    }
}

/// Lets the signal do by default what it does now, whenever nobody listens, for the life of the program: signal-hook's handler
/// stays where it is, and by itself does nothing.
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
    awaken: UnixStream,
    thread: Option<JoinHandle<()>>,
}

/// What is written to a thread that shall wait no longer; signal-hook writes something else.
const LEAVE: u8 = 0;

impl ListeningThread {
    fn start(
        wait: UnixStream,
        awaken: UnixStream,
        arrival: Arc<Arrival>,
        on_first: impl FnOnce(Signal) + Send + 'static,
    ) -> io::Result<Self> {
        let body = move || {
            if let Some(signal) = first_signal(wait, &arrival) {
                on_first(signal);
            }
        };
        let thread = spawn_owned("manyhands signals".to_owned(), body)?;
        Ok(Self { awaken, thread: Some(thread) })
    }
}

impl Drop for ListeningThread {
    fn drop(&mut self) {
        // It fails only when very many signals have been written, and then the thread is no longer waiting.
        let _ = self.awaken.write(&[LEAVE]);
        if let Some(thread) = self.thread.take() {
            // The closure's panic has been reported by the program's panic hook.
            let _ = thread.join();
        }
    }
}

/// Waits for the first signal; none when nobody listens any more.
fn first_signal(mut wait: UnixStream, arrival: &Arrival) -> Option<Signal> {
    loop {
        let mut read = [LEAVE];
        match wait.read(&mut read) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        // The byte of a signal says nothing by itself: a process that was forked from this one writes into the same socket
        // until it is another program.
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
    fn only_what_comes_within_a_tenth_of_a_second_is_an_echo() {
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
