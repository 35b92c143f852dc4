//! Models of sizes that loom cannot reach, run through many random interleavings: what `tests/loom` proves for two or three
//! threads, looked at with five to nine. Orderings are not checked here: all threads see one order.
#![cfg(manyhands_shuttle)]

mod cache;
mod dispatcher;
mod lock;
mod tracker;

use manyhands::sync::{Arc, JoinHandle, spawn};

/// Starts a thread for each number below `n`, all with the same shared value.
fn start_all<T, A>(n: usize, shared: &Arc<T>, act: fn(&T, usize) -> A) -> Vec<JoinHandle<A>>
where
    T: Send + Sync + 'static,
    A: Send + 'static,
{
    let start = |number| {
        let shared = Arc::clone(shared);
        spawn(move || act(&shared, number))
    };
    (0..n).map(start).collect()
}

/// Waits for all, and gives their answers in order.
fn join_all<A>(threads: Vec<JoinHandle<A>>) -> Vec<A> {
    threads.into_iter().map(|thread| thread.join().expect("a panic fails the model before")).collect()
}
