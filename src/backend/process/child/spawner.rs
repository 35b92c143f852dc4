//! The one thread that starts workers, as long as the process lives: the kernel tells a worker of its parent's death when the
//! *thread* that started it ends, and a caller's thread may end long before the pool.

use std::collections::VecDeque;
use std::io;

use crate::backend::process::child::Worker;
use crate::sync::{Arc, Condvar, LazyLock, Mutex, spawn_named};

/// Runs something in the spawner's thread, and waits for its answer.
pub(crate) fn run(order: impl FnOnce() -> io::Result<Worker> + Send + 'static) -> io::Result<Worker> {
    SPAWNER.run(order)
}

static SPAWNER: LazyLock<Spawner> = LazyLock::new(Spawner::begin);

struct Spawner {
    connection: Arc<SpawnerDesk>,
    /// Set when the thread could not be started.
    refused: Option<String>,
}

#[derive(Default)]
struct SpawnerDesk {
    orders: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
    bell: Condvar,
}

impl Spawner {
    fn begin() -> Self {
        let connection = Arc::new(SpawnerDesk::default());
        let theirs = Arc::clone(&connection);
        let started = spawn_named("manyhands spawner".to_owned(), move || theirs.serve());
        Self { connection, refused: started.err().map(|error| error.to_string()) }
    }

    fn run(&self, order: impl FnOnce() -> io::Result<Worker> + Send + 'static) -> io::Result<Worker> {
        if let Some(reason) = &self.refused {
            return Err(io::Error::other(reason.clone()));
        }
        let answer = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&answer);
        self.connection.orders.lock().push_back(Box::new(move || {
            let made = order();
            *theirs.0.lock() = Some(made);
            theirs.1.notify_one();
        }));
        self.connection.bell.notify_one();
        let mut place = answer.0.lock();
        loop {
            match place.take() {
                Some(made) => return made,
                None => answer.1.wait(&mut place),
            }
        }
    }
}

impl SpawnerDesk {
    fn serve(&self) {
        loop {
            let mut orders = self.orders.lock();
            let order = loop {
                match orders.pop_front() {
                    Some(order) => break order,
                    None => self.bell.wait(&mut orders),
                }
            };
            drop(orders);
            order();
        }
    }
}
