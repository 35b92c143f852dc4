//! How much heap an entry of two numbers takes, against the table that std's map is made of.
//!
//! Bytes are those that were asked for and not given back, counted by the allocator, so what the system's allocator adds
//! is left out, for all alike.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

use crate::choice::Choice;
use crate::designs::{DESIGNS, value_of};
use crate::peers::Fast;
use crate::report::{head, row, say, table_head};

const SIZES: [usize; 3] = [100_000, 800_000, 1_000_000];

pub(crate) fn section(choice: &Choice) {
    if !choice.has("memory") {
        return;
    }
    head("Heap per entry of 16 bytes");
    say(
        "\nBytes per entry; ratios are to `hashbrown::HashMap<u64, u64>`. Tables double, so 1M entries come just after a step.",
    );
    table_head(&["design", "100k", "ratio", "800k", "ratio", "1M", "ratio", "without entries, bytes"]);
    let bare = SIZES.map(|size| live_bytes(|| bare_table(size)));
    write_row("hashbrown HashMap", bare, bare, live_bytes(|| bare_table(0)));
    for design in &DESIGNS {
        let live = SIZES.map(|size| {
            live_bytes(|| {
                let map = (design.make)(size);
                (0..size as u64).for_each(|key| map.put(key, value_of(key)));
                assert!((0..size as u64).all(|key| map.get(key) == Some(value_of(key))), "{}", design.name);
                map
            })
        });
        write_row(design.name, live, bare, live_bytes(|| (design.make)(0)));
    }
}

fn bare_table(size: usize) -> hashbrown::HashMap<u64, u64, Fast> {
    let mut map = hashbrown::HashMap::with_hasher(Fast::default());
    (0..size as u64).for_each(|key| _ = map.insert(key, value_of(key)));
    map
}

fn write_row(name: &str, live: [isize; 3], bare: [isize; 3], empty: isize) {
    let cells = (0..SIZES.len()).flat_map(|idx| {
        let per_entry = live[idx] as f64 / SIZES[idx] as f64;
        [format!("{per_entry:.1}"), format!("{:.2}", live[idx] as f64 / bare[idx] as f64)]
    });
    row(&std::iter::once(name.to_owned()).chain(cells).chain([empty.to_string()]).collect::<Vec<_>>());
}

/// What is on the heap because of what `make` made, while that is still there.
fn live_bytes<T>(make: impl FnOnce() -> T) -> isize {
    // Relaxed throughout: one thread makes, and no other is there.
    LIVE.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    let made = make();
    let live = LIVE.load(Ordering::Relaxed);
    drop(made);
    COUNTS.store(false, Ordering::Relaxed);
    live
}

/// The system's allocator; while it counts it knows what is live. Elsewhere it costs a look at one flag.
struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;
static COUNTS: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);

impl Counting {
    fn count(bytes: isize) {
        if COUNTS.load(Ordering::Relaxed) {
            LIVE.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: the caller promises what the trait asks for, here and below.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size() as isize);
        // SAFETY: passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as above.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size() as isize);
        // SAFETY: passed on unchanged.
        unsafe { System.alloc_zeroed(layout) }
    }

    // SAFETY: as above.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Self::count(-(layout.size() as isize));
        // SAFETY: passed on unchanged.
        unsafe { System.dealloc(memory, layout) }
    }

    // SAFETY: as above.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        Self::count(new_size as isize - layout.size() as isize);
        // SAFETY: passed on unchanged.
        unsafe { System.realloc(memory, layout, new_size) }
    }
}
