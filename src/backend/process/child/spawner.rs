//! The one thread that starts workers, for as long as the program runs, and that notices when an idle one dies.
//!
//! Until a worker has the pipe of `exit_pipe.rs`, the kernel kills it when the *thread* that started it ends, and a thread
//! that makes a call may end before that. So no other thread starts workers. Knows nothing of what it starts.
//!
//! Requests are run one after the other, each with the `fork` and `exec` of a process, so a call that starts 8 workers
//! makes 8 requests in turn. Costs one thread that sleeps between requests, from the first worker on; while a call
//! limits the time of items, it wakes every 20 ms to look for pauses of this process. It also wakes once for each worker
//! that dies, and reaps it if it was idle: see `idle.rs`.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use crate::backend::process::child::death_watch::DeathWatch;
use crate::backend::process::child::pause_watch;
use crate::sync::{Arc, Condvar, Mutex, per_process, spawn_named};

/// Runs `start` in the spawner's thread, and waits for its result. The thread calls `note_deaths`, the same one in each
/// request, whenever workers have died.
///
/// # Errors
/// Those of `start`, and that the thread itself could not be started.
pub(super) fn run<R: Send + 'static>(
    note_deaths: fn(),
    start: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    SPAWNER.run(note_deaths, start)
}

/// Lets the thread look for pauses of this process: see `pause_watch.rs`.
pub(super) fn wake() {
    if let Some(deaths) = &*SPAWNER.deaths.lock() {
        deaths.wake();
    }
}

/// Lets the thread notice the death of this worker.
///
/// # Errors
/// Those of [`DeathWatch::add`].
pub(super) fn watch(pidfd: &OwnedFd) -> io::Result<()> {
    SPAWNER.deaths.lock().as_ref().map_or(Ok(()), |deaths| deaths.add(pidfd))
}

per_process! {
    /// Started at the first request, and never ended.
    static SPAWNER: Spawner = Spawner::default();
}

/// The thread, as callers see it.
#[derive(Default)]
struct Spawner {
    /// What the thread has to do, in the order in which it came. Each request stores its own result, for which its caller
    /// waits.
    requests: Arc<Mutex<Requests>>,
    /// Where the thread sleeps; `None` until it runs. Where it cannot be started, the next request tries again.
    deaths: Mutex<Option<Arc<DeathWatch>>>,
}

type Requests = VecDeque<Box<dyn FnOnce() + Send>>;

impl Spawner {
    /// Starts the thread, unless it runs. Gives where it sleeps.
    fn start(&self, note_deaths: fn()) -> io::Result<Arc<DeathWatch>> {
        let mut deaths = self.deaths.lock();
        if let Some(deaths) = &*deaths {
            return Ok(Arc::clone(deaths));
        }
        let started = Arc::new(DeathWatch::create()?);
        let (requests, theirs) = (Arc::clone(&self.requests), Arc::clone(&started));
        spawn_named("manyhands spawner".to_owned(), move || run_forever(&requests, &theirs, note_deaths)).map_err(
            |error| {
                let text = format!("the thread that starts workers could not be started: clone: {error}");
                io::Error::new(error.kind(), text)
            },
        )?;
        *deaths = Some(Arc::clone(&started));
        Ok(started)
    }

    fn run<R: Send + 'static>(
        &self,
        note_deaths: fn(),
        start: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<R> {
        let deaths = self.start(note_deaths)?;
        let result = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&result);
        self.requests.lock().push_back(Box::new(move || {
            let started = start();
            *theirs.0.lock() = Some(started);
            theirs.1.notify_one();
        }));
        deaths.wake();
        let mut place = result.0.lock();
        loop {
            match place.take() {
                Some(started) => return started,
                None => result.1.wait(&mut place),
            }
        }
    }
}

/// The thread's loop. A request runs while the lock is free, so others can be queued meanwhile.
///
/// A request that panicked would end the thread, and with it the kernel would kill the workers that come up; so a request
/// must return its errors.
fn run_forever(requests: &Mutex<Requests>, deaths: &DeathWatch, note_deaths: fn()) {
    loop {
        let request = requests.lock().pop_front();
        if let Some(request) = request {
            request();
            continue;
        }
        if deaths.wait(pause_watch::is_watched().then_some(pause_watch::LOOK_EVERY)) {
            note_deaths();
        }
        drop(pause_watch::look());
    }
}
