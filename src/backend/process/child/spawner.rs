//! The one thread that starts workers, for as long as the program runs.
//!
//! The kernel kills a worker when the *thread* that started it ends, and a thread that makes a call may end long before
//! the pool of idle workers does. So no other thread starts workers. Knows nothing of what it starts.
//!
//! Requests are run one after the other, each with the `fork` and `exec` of a process, so a call that starts 8 workers
//! makes 8 requests in turn. Costs one thread that sleeps between requests, from the first worker on; while a call
//! limits the time of items, it wakes every 20 ms to look for pauses of this process.

use std::collections::VecDeque;
use std::io;

use crate::backend::process::child::pause_watch;
use crate::sync::{Arc, Condvar, Mutex, per_process, spawn_named};

/// Runs `start` in the spawner's thread, and waits for its result.
///
/// # Errors
/// Those of `start`, and that the thread itself could not be started.
pub(super) fn run<R: Send + 'static>(start: impl FnOnce() -> io::Result<R> + Send + 'static) -> io::Result<R> {
    SPAWNER.run(start)
}

/// Lets the thread look for pauses of this process: see `pause_watch.rs`.
pub(super) fn wake() {
    let _requests = SPAWNER.requests.requests.lock(); // so that the thread is not between its last look and its wait
    SPAWNER.requests.wakeup.notify_one();
}

per_process! {
    /// Started at the first request, and never ended.
    static SPAWNER: Spawner = Spawner::default();
}

/// The thread, as callers see it.
#[derive(Default)]
struct Spawner {
    /// What the thread has to do.
    requests: Arc<RequestQueue>,
    /// Whether the thread runs. Where it cannot be started, the next request tries again.
    is_started: Mutex<bool>,
}

/// Requests in the order in which they came. Each stores its own result, for which its caller waits.
#[derive(Default)]
struct RequestQueue {
    requests: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
    wakeup: Condvar,
}

impl Spawner {
    /// Starts the thread, unless it runs.
    fn start(&self) -> io::Result<()> {
        let mut is_started = self.is_started.lock();
        if !*is_started {
            let theirs = Arc::clone(&self.requests);
            spawn_named("manyhands spawner".to_owned(), move || theirs.run_forever()).map_err(|error| {
                let text = format!("the thread that starts workers could not be started: clone: {error}");
                io::Error::new(error.kind(), text)
            })?;
            *is_started = true;
        }
        Ok(())
    }

    fn run<R: Send + 'static>(&self, start: impl FnOnce() -> io::Result<R> + Send + 'static) -> io::Result<R> {
        self.start()?;
        let result = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&result);
        self.requests.push(Box::new(move || {
            let started = start();
            *theirs.0.lock() = Some(started);
            theirs.1.notify_one();
        }));
        let mut place = result.0.lock();
        loop {
            match place.take() {
                Some(started) => return started,
                None => result.1.wait(&mut place),
            }
        }
    }
}

impl RequestQueue {
    fn push(&self, request: Box<dyn FnOnce() + Send>) {
        self.requests.lock().push_back(request);
        self.wakeup.notify_one();
    }

    /// The thread's loop. A request runs while the lock is free, so others can be queued meanwhile.
    ///
    /// A request that panicked would end the thread, and with it the kernel would kill every worker; so a request must
    /// return its errors.
    fn run_forever(&self) {
        loop {
            let mut requests = self.requests.lock();
            let request = loop {
                match requests.pop_front() {
                    Some(request) => break request,
                    None if pause_watch::is_watched() => {
                        let _is_time_up = self.wakeup.wait_for(&mut requests, pause_watch::LOOK_EVERY);
                        drop(pause_watch::look());
                    }
                    None => self.wakeup.wait(&mut requests),
                }
            };
            drop(requests);
            request();
        }
    }
}
