//! Where the thread of `spawner.rs` sleeps: until it is woken, or a worker has died.
//!
//! Promise: each death of a worker that was added is reported once, whichever thread reaps it.
//!
//! Costs: two descriptors of this process from the first worker on, and no system call while no worker starts or dies.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use crate::backend::process::system_call::named;
use crate::sync::nap;

/// Marks what wakes the thread.
const WAKEUP: u64 = 0;
/// Marks the workers.
const WORKER: u64 = 1;

/// The pidfds of the workers of this process, and a counter that wakes the thread.
#[derive(Debug)]
pub(super) struct DeathWatch {
    events: OwnedFd,
    wakeup: OwnedFd,
}

impl DeathWatch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When no descriptor is free.
    pub(super) fn create() -> io::Result<Self> {
        let events = named("epoll_create1", epoll::create(CreateFlags::CLOEXEC))?;
        let wakeup = named("eventfd2", eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK))?;
        let watch = Self { events, wakeup };
        watch.report(&watch.wakeup, WAKEUP)?;
        Ok(watch)
    }

    /// Watches this worker. It is forgotten when its pidfd is closed.
    ///
    /// # Errors
    /// When the user has too many entries of this kind, or there is no memory.
    pub(super) fn add(&self, pidfd: &OwnedFd) -> io::Result<()> {
        self.report(pidfd, WORKER)
    }

    /// Reports each change once, so that neither has to be taken back.
    fn report(&self, source: &OwnedFd, mark: u64) -> io::Result<()> {
        let once = EventFlags::IN | EventFlags::ET;
        named("epoll_ctl", epoll::add(&self.events, source, EventData::new_u64(mark), once))
    }

    /// Ends the wait that is under way, or the next one.
    pub(super) fn wake(&self) {
        // It fails only when the counter is full, and then the wait ends anyway.
        let _ = rustix::io::write(&self.wakeup, &1_u64.to_ne_bytes());
    }

    /// Waits until it is woken or a worker has died, and at most for this time; true when a worker has died.
    pub(super) fn wait(&self, most: Option<Duration>) -> bool {
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        let mut found = Vec::with_capacity(16);
        match epoll::wait(&self.events, spare_capacity(&mut found), most.as_ref()) {
            Ok(_) => found.iter().any(|event| event.data.u64() == WORKER),
            Err(Errno::INTR) => false,
            Err(_) => {
                nap(Duration::from_millis(1)); // the system refuses to wait, so it is asked again and again
                false
            }
        }
    }
}
