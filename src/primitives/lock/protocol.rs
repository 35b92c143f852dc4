//! When a reader or writer may enter: the protocol of the lock, without the value.
//!
//! `raw.rs` holds the value and calls this protocol. The words are in `words.rs`, and the handshake of two words, on
//! which everything here rests, in `sync/handshake.rs`. `tests/loom/lock.rs` checks the protocol.
//!
//! There are two kinds of words: *stripes*, on which readers count themselves in and out, and the *gate*, on which
//! writers announce themselves. The gate is 0 when no writer has announced itself and no thread waits in line.
//!
//! - **The fast path.** A reader counts itself in, then looks at the gate: if there is no writer, the reader is inside.
//!   A writer changes the gate from 0 to announced, and *owns* the gate; it is inside once every stripe has been empty.
//!   Each of the two writes its own word and then looks at the other's ([`sync::announce`], [`sync::look`]), so at
//!   least one of them sees the other.
//! - **The line.** A thread that finds the gate taken looks again for some microseconds and then waits in line, under a
//!   mutex. A writer in line is announced as well; readers in line set a mark on the gate. So no writer takes the fast
//!   path past the line, and no reader past a writer in it. A writer in line becomes the owner when the last owner has
//!   left, and when all writers and readers that came before it are in. A reader in line enters when the last owner has
//!   left and the writers that came before it were owners. So neither side starves, and the order is that of arrival in
//!   line.
//! - **Waking.** An owner that leaves wakes the line if it is not empty. An owner that goes to sleep while readers are
//!   inside marks the gate so, and looks at the stripes again before it sleeps; a reader that leaves counts itself out,
//!   and then looks at the gate for that mark. Both wake under the mutex of the line, so that no wake-up falls between
//!   a waiting thread's look and its sleep.
//!
//! A stripe also has room for a tally: a reader may leave and add one to it in the same step. The cache counts its hits
//! this way, at no cost.
//!
//! The gate through a contended stretch. A writer counts 4, a sleeping owner 2, readers in line 1:
//!
//! | event | gate | stripes |
//! |---|---|---|
//! | two readers are inside | 0 | 2 |
//! | writer A claims the gate, and sees the readers | 4 | 2 |
//! | a reader counts itself in, sees the writer, and counts itself out | 4 | 2 |
//! | A has looked often enough and goes to sleep | 6 | 2 |
//! | writer B arrives in line | 10 | 2 |
//! | that reader arrives in line, behind B | 11 | 2 |
//! | both readers leave, and wake the line each time; A finds the stripes empty and is inside | 9 | 0 |
//! | A leaves, finds more than itself on the gate, and wakes the line | 5 | 0 |
//! | B is first in line and becomes the owner | 5 | 0 |
//! | B leaves and wakes the line | 1 | 0 |
//! | the reader counts itself in and leaves the line | 0 | 1 |

use std::collections::BTreeMap;

use crate::primitives::lock::words::Words;
use crate::sync::{self, AtomicU64, Condvar, Mutex};

/// One reader on a stripe.
const READER: u64 = 1;
/// The bits of a stripe that count readers inside, and for a moment those that will count themselves out again.
const READERS: u64 = 0xFFFF;
/// From this count on readers are refused, long before the count could reach the bits of the tally.
const TOO_MANY: u64 = 0x8000;
/// Added to a stripe, this adds one to its tally: the bits above the count of readers.
const TALLY: u64 = READERS + 1;

/// Added to a stripe when a reader leaves.
pub(crate) const LEAVE: u64 = 0_u64.wrapping_sub(READER);
/// Added to a stripe when a reader leaves and is counted in the tally.
pub(crate) const LEAVE_AND_TALLY: u64 = TALLY - READER;

/// Bit of the gate: readers wait in line.
const READERS_IN_LINE: u64 = 1;
/// Bit of the gate: the owner sleeps until readers have left.
const OWNER_ASLEEP: u64 = 2;
/// Added to the gate for each writer, owner or in line.
const WRITER: u64 = 4;

/// How often a thread looks again before it waits in line, or before the owner goes to sleep: for some microseconds,
/// longer than most visits. A sleep costs more, and a writer that sleeps in line keeps all others waiting until it is
/// awake. None in a model, where looking again repeats the same state.
const ATTEMPTS: u32 = if sync::IS_MODELLED { 0 } else { SPINS + YIELDS };
/// Attempts after 1, 2, 4 ... pauses of the processor, for when the other thread is running.
const SPINS: u32 = 6;
/// Attempts after a yield of the processor, for when the other thread is not running.
const YIELDS: u32 = 10;

/// The first six attempts wait 1, 2, 4, 8, 16 and 32 pauses of the processor, the next ten yield. On a machine of two
/// cores the thread that is waited for may not be running, and only a yield lets it.
fn pause_before(attempt: u32) {
    if attempt < SPINS {
        (0..1 << attempt).for_each(|_| sync::spin_loop());
    } else {
        sync::yield_now();
    }
}

/// The state of one lock.
pub(crate) struct Protocol<W> {
    /// The stripes and the gate. The fast path uses only these.
    words: W,
    /// The threads that wait. Readers and writers take this mutex only off the fast path.
    line: Mutex<Line>,
    /// All threads in line wait here, and an owner that is asleep. Notified under the mutex of the line.
    moved: Condvar,
}

/// The threads that wait, in the order of their arrival.
struct Line {
    /// The number of the next writer to arrive in line. Writers are numbered from 0.
    next_writer: u64,
    /// The number of writers that have left the line and become owners: the writer with this number is the next owner.
    /// Never above `next_writer`; the difference is the number of writers in line.
    owners: u64,
    /// The number of readers in line, by the number of the writer that arrives next after them. No entry is 0.
    readers: BTreeMap<u64, usize>,
}

impl Line {
    const EMPTY: Self = Self { next_writer: 0, owners: 0, readers: BTreeMap::new() };

    fn writers(&self) -> u64 {
        self.next_writer - self.owners
    }

    /// True when this writer is the first in line.
    fn is_turn_of(&self, writer: u64) -> bool {
        self.owners == writer && self.readers.first_key_value().is_none_or(|(&before, _)| before > writer)
    }
}

// `inline(always)`: these few instructions are most of a cache hit, and a call would double their cost.
impl<W: Words> Protocol<W> {
    /// A lock that no thread uses.
    #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
    pub(crate) const fn new() -> Self {
        Self { words: W::AT_ZERO, line: Mutex::new(Line::EMPTY), moved: Condvar::new() }
    }

    /// A lock that no thread uses.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn new() -> Self {
        Self { words: W::at_zero(), line: Mutex::new(Line::EMPTY), moved: Condvar::new() }
    }

    /// Counts a reader in, unless a writer has announced itself.
    #[inline(always)]
    pub(crate) fn try_enter(&self) -> Option<&AtomicU64> {
        let stripe = self.words.own_stripe();
        if !self.count_in(stripe) {
            refuse();
        }
        if self.has_no_writer() {
            return Some(stripe);
        }
        self.leave(stripe, LEAVE);
        None
    }

    /// Waits for the writers that came before, and counts a reader in.
    #[inline]
    pub(crate) fn enter(&self) -> &AtomicU64 {
        self.try_enter().unwrap_or_else(|| self.enter_contended())
    }

    /// Looks at the gate before it counts itself in: counting writes to a line of memory, and a reader that counts
    /// itself in and out keeps the owner from finding the stripe empty.
    #[cold]
    fn enter_contended(&self) -> &AtomicU64 {
        for attempt in 0..ATTEMPTS {
            pause_before(attempt);
            if self.has_no_writer()
                && let Some(stripe) = self.try_enter()
            {
                return stripe;
            }
        }
        self.enter_in_line()
    }

    /// Behind the writers that are in line at this moment, and before those that come later. All readers that wait for
    /// the same writer enter together. The first reader in line sets the mark on the gate, so that the owner that
    /// leaves wakes the line.
    fn enter_in_line(&self) -> &AtomicU64 {
        let mut line = self.line.lock();
        let before = line.next_writer;
        if line.readers.is_empty() {
            sync::announce(self.words.gate(), READERS_IN_LINE); // pairs with `unlock`
        }
        *line.readers.entry(before).or_insert(0) += 1;
        while line.owners < before || self.has_owner(&line) {
            self.moved.wait(&mut line);
        }
        let stripe = self.words.own_stripe();
        let is_in = self.count_in(stripe); // before the next in line is woken and looks at the stripes
        self.leave_line(&mut line, before);
        if !is_in {
            refuse();
        }
        stripe
    }

    /// The last reader of its group wakes the line: the writer that came after the group may be the next owner.
    fn leave_line(&self, line: &mut Line, before: u64) {
        let readers = line.readers.get_mut(&before).expect("this reader is in line");
        *readers -= 1;
        if *readers == 0 {
            line.readers.remove(&before);
            self.moved.notify_all();
        }
        if line.readers.is_empty() {
            sync::announce(self.words.gate(), 0_u64.wrapping_sub(READERS_IN_LINE));
        }
    }

    /// Counts a reader in, unless there are too many. Pairs with the owner's look at the stripes, in `is_empty`.
    #[inline(always)]
    fn count_in(&self, stripe: &AtomicU64) -> bool {
        let has_room = sync::announce(stripe, READER) & READERS < TOO_MANY;
        if !has_room {
            self.leave(stripe, LEAVE);
        }
        has_room
    }

    /// Counts a reader out; `how` is [`LEAVE`] or [`LEAVE_AND_TALLY`]. The reader's reads happen before the next
    /// writer's writes.
    #[inline(always)]
    pub(crate) fn leave(&self, stripe: &AtomicU64, how: u64) {
        sync::announce(stripe, how);
        if sync::look(self.words.gate()) & OWNER_ASLEEP != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let _line = self.line.lock();
        self.moved.notify_all();
    }

    /// Waits for all threads that came before, and makes this writer the only one inside.
    #[inline]
    pub(crate) fn lock(&self) {
        if !sync::claim(self.words.gate(), WRITER) {
            self.lock_contended();
        } else if !self.is_empty() {
            self.wait_until_empty();
        }
    }

    /// A claim on the gate is a write, so it is tried only after a look has found the gate at 0. With a thread in line
    /// it never is, so a writer here cannot overtake the line.
    #[cold]
    fn lock_contended(&self) {
        for attempt in 0..ATTEMPTS {
            pause_before(attempt);
            if sync::look(self.words.gate()) == 0 && sync::claim(self.words.gate(), WRITER) {
                return self.wait_until_empty();
            }
        }
        self.lock_in_line();
    }

    /// Announced first and then asleep: from the announcement on, no reader enters on the fast path. It leaves the line
    /// as soon as it owns the gate; the wait for readers inside comes after that, and looks at the stripes without the
    /// line's mutex before it sleeps.
    fn lock_in_line(&self) {
        let mut line = self.line.lock();
        let number = line.next_writer;
        line.next_writer += 1;
        sync::announce(self.words.gate(), WRITER); // pairs with `unlock`
        while !line.is_turn_of(number) || self.has_owner(&line) {
            self.moved.wait(&mut line);
        }
        line.owners += 1;
        drop(line);
        self.wait_until_empty();
    }

    /// The owner's wait for the readers inside.
    #[cold]
    fn wait_until_empty(&self) {
        for attempt in 0..ATTEMPTS {
            if self.is_empty() {
                return;
            }
            pause_before(attempt);
        }
        let mut line = self.line.lock();
        sync::announce(self.words.gate(), OWNER_ASLEEP); // pairs with `leave`
        while !self.is_empty() {
            self.moved.wait(&mut line);
        }
        sync::announce(self.words.gate(), 0_u64.wrapping_sub(OWNER_ASLEEP));
    }

    /// Makes this writer the only one inside, if no other thread is inside or in line.
    ///
    /// Announces itself for a moment, also where a reader is inside and it fails. A reader that comes in this moment
    /// takes the slow path, and `try_enter` of a reader fails. This is why the public `try_` methods may fail next to
    /// each other.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        if !sync::claim(self.words.gate(), WRITER) {
            return false;
        }
        let is_empty = self.is_empty();
        if !is_empty {
            self.unlock();
        }
        is_empty
    }

    /// The owner leaves.
    ///
    /// What the writer wrote happens before the visits of those that see its announcement gone. Cost: one
    /// read-modify-write; a mutex and a wake-up of all in line, if there is a line.
    #[inline]
    pub(crate) fn unlock(&self) {
        let before = sync::announce(self.words.gate(), 0_u64.wrapping_sub(WRITER));
        if before != WRITER {
            self.wake(); // a thread is in line
        }
    }

    /// True when no reader is inside. The reads of those that left happen before what this thread does next.
    #[inline]
    fn is_empty(&self) -> bool {
        self.words.all_stripes(|stripe| sync::look(stripe) & READERS == 0)
    }

    /// True when no writer has announced itself. Readers in line keep no other reader out.
    #[inline(always)]
    fn has_no_writer(&self) -> bool {
        sync::look(self.words.gate()) < WRITER
    }

    /// True while a writer owns the gate: one is announced that is not in line. Called by a thread in line, with the
    /// line's mutex held, so that no new owner comes by the fast path.
    fn has_owner(&self, line: &Line) -> bool {
        sync::look(self.words.gate()) / WRITER > line.writers()
    }

    /// The number of writers that have announced themselves, and whether readers wait in line.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn announced(&self) -> (u64, bool) {
        let gate = sync::look(self.words.gate());
        (gate / WRITER, gate & READERS_IN_LINE != 0)
    }

    /// The number of readers that left with [`LEAVE_AND_TALLY`], modulo 2^48 per stripe.
    pub(crate) fn tally(&self) -> u64 {
        let mut sum = 0;
        self.words.all_stripes(|stripe| {
            sum += sync::look(stripe) / TALLY;
            true
        });
        sum
    }
}

/// A count that reached 2^16 would run into the tally; 2^15 leaves room for the readers that are being refused.
#[cold]
fn refuse() -> ! {
    panic!(
        "{TOO_MANY} readers are inside of one lock, or guards were forgotten; drop guards, or share a value that is cloned"
    )
}
