//! Counts the bytes of Rust's heap, so that a leak of some bytes per call is seen.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

#[global_allocator]
static COUNTED: Counted = Counted;

/// The bytes that are allocated now.
pub(crate) fn n_bytes() -> isize {
    LIVE.load(Ordering::Relaxed)
}

// Relaxed: a statistic. It is read while no call runs.
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// The allocator of the system, and a count.
struct Counted;

// SAFETY: each method calls the same one of the system's allocator with the same arguments, and counts beside it.
unsafe impl GlobalAlloc for Counted {
    // SAFETY: as the method of the system's allocator, which it calls.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this very method.
        let memory = unsafe { System.alloc(layout) };
        count(memory, layout.size());
        memory
    }

    // SAFETY: as the method of the system's allocator, which it calls.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this very method.
        let memory = unsafe { System.alloc_zeroed(layout) };
        count(memory, layout.size());
        memory
    }

    // SAFETY: as the method of the system's allocator, which it calls.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.dealloc(memory, layout) }
    }

    // SAFETY: as the method of the system's allocator, which it calls.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this very method.
        let moved = unsafe { System.realloc(memory, layout, new_size) };
        if !moved.is_null() {
            LIVE.fetch_add(new_size.cast_signed() - layout.size().cast_signed(), Ordering::Relaxed);
        }
        moved
    }
}

fn count(memory: *mut u8, size: usize) {
    if !memory.is_null() {
        LIVE.fetch_add(size.cast_signed(), Ordering::Relaxed);
    }
}
