//! A class of your own, checked through every interleaving of its threads.
//!
//! ```sh
//! cargo run --release --example model_checked
//! RUSTFLAGS="--cfg manyhands_loom" cargo run --release --target-dir target/loom --example model_checked
//! RUSTFLAGS="--cfg manyhands_shuttle" cargo run --release --target-dir target/shuttle --example model_checked
//! ```
//!
//! The first runs the model once, with real threads. The second runs it through all interleavings that matter, the third
//! through 10 000 random ones. Take out the `while`, or a notification, and see what they say.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use manyhands::AtomicCounter;
use manyhands::sync::{Arc, Condvar, Mutex, model, spawn};

/// Room for one recording that waits to be read, so that a fast disk does not fill the memory.
#[derive(Default)]
struct Shelf {
    place: Mutex<Option<&'static str>>,
    /// The reader waits here for a recording, and who brings one waits here for the place.
    moved: Condvar,
    n_read: AtomicCounter,
}

impl Shelf {
    fn put(&self, recording: &'static str) {
        let mut place = self.place.lock();
        while place.is_some() {
            self.moved.wait(&mut place);
        }
        assert_eq!(place.replace(recording), None, "a recording was pushed off the shelf");
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
        let shelf = Arc::new(Shelf::default());
        let bring = |recording| {
            let shelf = Arc::clone(&shelf);
            spawn(move || shelf.put(recording))
        };
        let (one, other) = (bring("night 1"), bring("night 2"));
        let mut read = [shelf.take(), shelf.take()];
        read.sort_unstable();
        assert_eq!(read, ["night 1", "night 2"]);
        one.join().expect("it only puts");
        other.join().expect("it only puts");
        assert_eq!(shelf.n_read.value(), 2);
    });
    println!("what the model says held in {n_runs} runs");
}
