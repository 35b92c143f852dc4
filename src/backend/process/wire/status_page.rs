//! The page of memory that a worker and its caller share: which item is in hand and since when, how many are done,
//! where to stop, and which frames were begun.
//!
//! Promises: the caller never blames an item that was not in hand; a frame is run by its worker or taken back by the
//! caller, never both. A page of zero bytes is valid. It sends no messages and never waits: each side reads it when it
//! needs to.
//!
//! How it is used:
//! - The worker stores the time and then the position when an item begins, and 0 when its result is encoded. The caller
//!   reads both without a lock, and reads again if the position has changed in between.
//! - The caller lowers the fence when a failure or a cancellation stops the call. The worker reads it after each item.
//! - A frame is `SENT`, and one compare-and-swap makes it `BEGUN` or `TAKEN_BACK`. So the caller can give items that a
//!   busy worker has not begun to an idle one.
//! - A slot is 1 from the time its sender fills it until its receiver has read it.
//!
//! # Layout
//! ```text
//! byte   0                                   128       256              320         352 .. 384
//!        in_hand since done resident is_up   fence     16 frame marks   2 x 4 slots  unused
//!        the worker writes                   the caller writes          both write
//! ```
//!
//! The first two lie apart by 128 bytes, since processors may fetch two cache lines of 64 bytes together, so that a
//! caller that lowers the fence does not slow a worker that begins items.
//!
//! # Costs
//! An item costs its worker six stores, two of them while it is decoded, and two loads, without an atomic
//! read-modify-write; a frame costs one compare-and-swap. The caller pays nothing per item.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The most frames that may be in flight to one worker.
pub(crate) const FRAMES: usize = 16;
/// The most large bodies that may be in flight in each direction.
pub(crate) const SLOTS: usize = 4;

/// Shared between two processes, so its layout is fixed. The worker writes to the first line, the caller to the second.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct StatusPage {
    /// Written by the worker alone.
    worker: WorkerLine,
    /// Written by the caller alone.
    caller: CallerLine,
    /// Written by both, by compare-and-swap.
    frames: Frames,
    /// Bodies to the worker, and bodies from it.
    slots: [BodySlots; 2],
}

#[derive(Debug, Default)]
#[repr(C, align(128))]
struct WorkerLine {
    /// The position in hand plus one; 0 between items.
    in_hand: AtomicU64,
    /// When it began, in nanoseconds of the system's steady clock.
    since: AtomicU64,
    /// How many items are done in the process's life.
    done: AtomicU64,
    /// Bytes in memory when they were last measured.
    resident: AtomicU64,
    /// 1 when the process has become a worker.
    is_up: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(C, align(128))]
struct CallerLine {
    /// The first position that is not to be run any more, plus one; 0 while everything is to be run.
    fence: AtomicU64,
}

/// An item that a worker has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InHand {
    /// Its position in the plan.
    pub(crate) position: usize,
    /// In nanoseconds of the system's steady clock.
    pub(crate) since: u64,
}

impl StatusPage {
    /// The worker begins an item. Two stores.
    pub(crate) fn begin(&self, position: usize, now: u64) {
        // Relaxed: ordered by the store after it.
        self.worker.since.store(now, Ordering::Relaxed);
        // Release: a reader that sees the position sees a time that is not older. Pairs with `in_hand`.
        self.worker.in_hand.store(position as u64 + 1, Ordering::Release);
    }

    /// The worker is done with the item in hand, and its result is encoded.
    pub(crate) fn end(&self) {
        // Relaxed: one writer, and a reader for which a slightly old number is good enough; after a death, the kernel's own
        // locks have ordered everything.
        let done = self.worker.done.load(Ordering::Relaxed);
        self.worker.done.store(done + 1, Ordering::Relaxed);
        self.worker.in_hand.store(0, Ordering::Relaxed);
    }

    /// The worker has no item in hand any more, and the last one is not done.
    pub(crate) fn clear_in_hand(&self) {
        // Relaxed: see `end`.
        self.worker.in_hand.store(0, Ordering::Relaxed);
    }

    /// The item that the worker has in hand.
    ///
    /// Repeats only while the worker begins and ends items in between. Of a dead worker it is exact; of a living one it
    /// may be over by the time it is returned.
    pub(crate) fn in_hand(&self) -> Option<InHand> {
        loop {
            // Acquire: pairs with `begin`. If the time belongs to a later item, the position has changed since, so it is
            // read again.
            let before = self.worker.in_hand.load(Ordering::Acquire);
            let since = self.worker.since.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            if self.worker.in_hand.load(Ordering::Acquire) == before {
                let position = usize::try_from(before - 1).expect("it was a position");
                return Some(InHand { position, since });
            }
        }
    }

    /// How many items the process has done in its life.
    pub(crate) fn done(&self) -> u64 {
        self.worker.done.load(Ordering::Relaxed)
    }

    /// The process has become a worker.
    pub(crate) fn come_up(&self) {
        self.worker.is_up.store(1, Ordering::Relaxed);
    }

    /// Whether the process has become a worker.
    pub(crate) fn is_up(&self) -> bool {
        self.worker.is_up.load(Ordering::Relaxed) == 1
    }

    /// The worker has measured its memory, in bytes.
    pub(crate) fn set_resident(&self, bytes: u64) {
        self.worker.resident.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that the process had in memory when it last measured them.
    pub(crate) fn resident(&self) -> u64 {
        self.worker.resident.load(Ordering::Relaxed)
    }

    /// The caller says where to stop; `usize::MAX` means nowhere.
    ///
    /// Stored plus one, so that a page of zeros has no fence: `set_fence(0)` stores 1 and stops everything, and
    /// `set_fence(usize::MAX)` stores 0.
    pub(crate) fn set_fence(&self, fence: usize) {
        // Relaxed: passes no data; a worker that sees it one item late runs one item in vain.
        self.caller.fence.store((fence as u64).wrapping_add(1), Ordering::Relaxed);
    }

    /// The first position that is not to be run any more.
    pub(crate) fn fence(&self) -> usize {
        let fence = self.caller.fence.load(Ordering::Relaxed);
        usize::try_from(fence.wrapping_sub(1)).unwrap_or(usize::MAX)
    }

    /// The frames in flight to the worker.
    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The slots in one direction.
    pub(crate) fn slots(&self, direction: Direction) -> &BodySlots {
        &self.slots[direction as usize]
    }
}

/// The direction of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToWorker = 0,
    ToCaller = 1,
}

impl Direction {
    /// The other direction.
    pub(crate) fn back(self) -> Self {
        match self {
            Self::ToWorker => Self::ToCaller,
            Self::ToCaller => Self::ToWorker,
        }
    }
}

/// Which slots for large bodies are in use: the sender takes a slot, and the receiver frees it when it has read the
/// body.
///
/// It needs no compare-and-swap: a slot at 0 is changed by its sender alone, and a slot at 1 by its receiver alone,
/// except that the sender frees a slot whose frame it never sent.
#[derive(Debug, Default)]
pub(crate) struct BodySlots {
    /// 1 from filling to reading, 0 otherwise.
    in_use: [AtomicU32; SLOTS],
}

impl BodySlots {
    /// Whether the slot may be filled. For the sender alone.
    pub(crate) fn is_free(&self, slot: usize) -> bool {
        // Acquire: the last body was read before the slot was freed. Pairs with `give_free`.
        self.in_use[slot].load(Ordering::Acquire) == 0
    }

    /// The sender is about to fill the slot.
    pub(crate) fn take(&self, slot: usize) {
        // Relaxed: the frame that names the slot goes through the kernel, which orders both.
        self.in_use[slot].store(1, Ordering::Relaxed);
    }

    /// The receiver has read the body in the slot.
    pub(crate) fn give_free(&self, slot: usize) {
        // Release: the body was read before. Pairs with `is_free`.
        self.in_use[slot].store(0, Ordering::Release);
    }
}

/// The frames of items in flight to a worker: the worker begins each one or the caller takes it back, whichever is
/// first.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// For each frame, its number and what became of it.
    marks: [AtomicU32; FRAMES],
}

/// The frame was sent, and no side has decided about it.
const SENT: u32 = 1;
/// The worker runs it.
const BEGUN: u32 = 2;
/// The caller has taken it back, and the worker skips it.
const TAKEN_BACK: u32 = 3;

impl Frames {
    /// The caller sends frame `number`; see [`may_follow`].
    pub(crate) fn send(&self, number: u32) {
        // Relaxed: the frame itself comes through the kernel, which orders both.
        self.mark(number).store(word(number, SENT), Ordering::Relaxed);
    }

    /// The worker begins the frame; false when it was taken back.
    pub(crate) fn begin(&self, number: u32) -> bool {
        self.ack(number, BEGUN)
    }

    /// The caller takes the frame back; false when it was begun.
    pub(crate) fn take_back(&self, number: u32) -> bool {
        self.ack(number, TAKEN_BACK)
    }

    /// Decides about a frame, if no side has done so.
    fn ack(&self, number: u32, what: u32) -> bool {
        // Relaxed: one step of one word decides which side is first, and passes no data.
        let sent = word(number, SENT);
        self.mark(number).compare_exchange(sent, word(number, what), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The word for this frame, which it shares with frames that are long answered.
    ///
    /// Frames 5 and 21 share mark 5. A question about frame 5 after frame 21 was sent finds another number, and is
    /// answered with false.
    fn mark(&self, number: u32) -> &AtomicU32 {
        &self.marks[number as usize % FRAMES]
    }
}

/// Whether a frame may follow frame `newest` while `oldest` is in flight, without taking its mark.
///
/// Frames that were taken back keep their numbers. So while one long item holds `oldest`, the numbers may move on by more
/// than the frames in flight: with frame 5 unanswered, frame 20 may be followed by none, as frame 21 has the same mark.
pub(crate) fn may_follow(oldest: u32, newest: u32) -> bool {
    (newest.wrapping_sub(oldest) as usize) < FRAMES - 1
}

/// Numbers wrap around after 2^30 frames; those in flight are fewer than [`FRAMES`] apart, see [`may_follow`], so that
/// none is mistaken for another.
fn word(number: u32, what: u32) -> u32 {
    number << 2 | what
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_page_at_zero_has_nothing_in_hand_and_no_fence() {
        let page = StatusPage::default();
        assert_eq!((page.in_hand(), page.fence(), page.done()), (None, usize::MAX, 0));
        page.set_fence(0);
        assert_eq!(page.fence(), 0);
        page.set_fence(usize::MAX);
        assert_eq!(page.fence(), usize::MAX);
    }

    #[test]
    fn an_item_is_in_hand_until_it_ends() {
        let page = StatusPage::default();
        page.begin(0, 77);
        assert_eq!(page.in_hand(), Some(InHand { position: 0, since: 77 }));
        page.end();
        assert_eq!((page.in_hand(), page.done()), (None, 1));
    }

    #[test]
    fn a_frame_is_begun_or_taken_back_but_not_both() {
        let frames = Frames::default();
        for number in [0, 1, 15, 16, (1 << 30) - 1, 1 << 30] {
            frames.send(number);
            assert!(frames.begin(number) && !frames.take_back(number) && !frames.begin(number), "{number}");
        }
        frames.send(5);
        assert!(frames.take_back(5) && !frames.begin(5));
    }

    #[test]
    fn no_frame_takes_the_mark_of_one_that_is_in_flight() {
        let frames = Frames::default();
        for oldest in [0, 5, u32::MAX - 3] {
            let newest = (0..).map(|n| oldest.wrapping_add(n)).find(|&newest| !may_follow(oldest, newest)).unwrap();
            let next = newest.wrapping_add(1);
            assert!(std::ptr::eq(frames.mark(oldest), frames.mark(next)), "{next} would be the first with this mark");
        }
    }

    #[test]
    fn the_page_fits_a_page() {
        assert!(size_of::<StatusPage>() <= 4096);
    }
}
