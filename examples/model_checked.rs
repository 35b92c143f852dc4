//! A class of your own, checked through every interleaving of its threads.
//!
//! ```sh
//! cargo run --release --example model_checked
//! RUSTFLAGS="--cfg manyhands_loom" \
//!     cargo run --release --features loom --target-dir target/loom --example model_checked
//! RUSTFLAGS="--cfg manyhands_shuttle" \
//!     cargo run --release --features shuttle --target-dir target/shuttle --example model_checked
//! ```
//!
//! The first runs the model once, with real threads. The second runs it through all interleavings that matter, the third
//! through 10 000 random ones. Take out the `while`, or a notification, and see the model fail.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use manyhands::AtomicCounter;
use manyhands::sync::{Arc, Condvar, Mutex, model, spawn};

/// A buffer for one recording that waits to be read, so that a fast disk does not fill the memory.
#[derive(Default)]
struct Slot {
    place: Mutex<Option<&'static str>>,
    /// The reader waits here for a recording, and the writer waits here until the buffer is empty.
    moved: Condvar,
    n_read: AtomicCounter,
}

impl Slot {
    fn put(&self, recording: &'static str) {
        let mut place = self.place.lock();
        while place.is_some() {
            self.moved.wait(&mut place);
        }
        assert_eq!(place.replace(recording), None, "a recording was overwritten");
        self.moved.notify_all();
    }

    fn take(&self) -> &'static str {
        let mut place = self.place.lock();
        loop {
            if let Some(recording) = place.take() {
                self.moved.notify_all();
                self.n_read.increment();
                return recording;
            }
            self.moved.wait(&mut place);
        }
    }
}

fn main() {
    let n_runs = model(|| {
        let slot = Arc::new(Slot::default());
        let bring = |recording| {
            let slot = Arc::clone(&slot);
            spawn(move || slot.put(recording))
        };
        let (one, other) = (bring("night 1"), bring("night 2"));
        let mut read = [slot.take(), slot.take()];
        read.sort_unstable();
        assert_eq!(read, ["night 1", "night 2"]);
        one.join().expect("it only puts");
        other.join().expect("it only puts");
        assert_eq!(slot.n_read.value(), 2);
    });
    println!("what the model says held in {n_runs} runs");
}
