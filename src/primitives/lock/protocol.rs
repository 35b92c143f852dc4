//! Who may enter when: the protocol of the lock, without the value.
//!
//! Two kinds of words: *stripes*, where readers count themselves in and out, and the *gate*, where writers announce
//! themselves. The gate is 0 when no writer is about and nobody waits in line.
//!
//! - **The short way in.** A reader counts itself in, then looks at the gate: no writer, and it is inside. A writer turns the
//!   gate from 0 to announced, and *owns* the gate; it is inside once every stripe has been empty. Each of the two writes its
//!   own word and then looks at the other's ([`sync::announce`], [`sync::look`]), so at least one sees the other.
//! - **The line.** Who finds the gate taken looks again for a moment and then waits in line, under a lock. A writer in line is
//!   announced as well; readers in line set a mark on the gate. So no writer takes the short way past the line, and no reader
//!   past a writer in it. A writer in line becomes the owner when the last owner has left, and when all writers and readers
//!   that came before it are in. A reader in line goes in when the last owner has left and the writers that came before it
//!   were owners. So neither side starves, and the order is that of arrival in line.
//! - **Waking.** An owner that leaves wakes the line if anybody is in it. An owner that falls asleep over readers inside
//!   marks the gate so, and looks at the stripes again before it sleeps; a reader that leaves counts itself out, and then
//!   looks at the gate for that mark. Both wake under the lock of the line, so that no wake-up falls between the look of
//!   the one who waits and its sleep.
//!
//! A stripe has room for a tally besides: a reader may leave and add one to it in the same step. The cache counts its hits
//! so, at no cost.

use std::collections::BTreeMap;

use crate::primitives::lock::words::private::Words;
use crate::sync::{self, AtomicU64, Condvar, Mutex};

/// One reader on a stripe.
const READER: u64 = 1;
/// The part of a stripe that counts readers inside, and for a moment those that are about to take themselves back.
const READERS: u64 = 0xFFFF;
/// From here on readers are refused, long before their count could touch the tally.
const TOO_MANY: u64 = 0x8000;
/// One more on the tally of a stripe.
const TALLY: u64 = READERS + 1;

/// How a reader leaves.
pub(crate) const LEAVE: u64 = 0_u64.wrapping_sub(READER);
/// How a reader leaves and adds one to the tally.
pub(crate) const LEAVE_AND_TALLY: u64 = TALLY - READER;

/// On the gate: readers wait in line.
const READERS_IN_LINE: u64 = 1;
/// On the gate: the owner sleeps until readers have left.
const OWNER_ASLEEP: u64 = 2;
/// On the gate: one writer, owner or in line.
const WRITER: u64 = 4;

/// How often somebody looks again before it waits in line, or before the owner falls asleep: some microseconds, longer than
/// most stay. A sleep costs more, and a writer that sleeps in line keeps everybody else waiting until it is awake. None in a
/// model, where looking again only repeats what was seen.
const LOOKS: u32 = if sync::IS_MODELLED { 0 } else { SPINS + YIELDS };
/// Looks after 1, 2, 4 ... pauses of the processor, for when the other one is at work.
const SPINS: u32 = 6;
/// Looks after the processor was left to others, for when the other one is not.
const YIELDS: u32 = 10;

fn pause_before(look: u32) {
    if look < SPINS {
        (0..1 << look).for_each(|_| sync::spin_loop());
    } else {
        sync::yield_now();
    }
}

/// The protocol.
pub(crate) struct Protocol<W> {
    words: W,
    line: Mutex<Line>,
    /// Everybody in line waits here, and an owner that is asleep.
    moved: Condvar,
}

/// Who waits for whom. Guarded by the lock of the line.
struct Line {
    /// The number of the next writer to arrive in line.
    next_writer: u64,
    /// Writers that have left the line and become owners. The writer with this number is the next one.
    owners: u64,
    /// Readers in line, by the number of the writer that arrives next after them.
    readers: BTreeMap<u64, usize>,
}

impl Line {
    const EMPTY: Self = Self { next_writer: 0, owners: 0, readers: BTreeMap::new() };

    fn writers(&self) -> u64 {
        self.next_writer - self.owners
    }

    /// True when this writer has nobody in line before it.
    fn is_turn_of(&self, writer: u64) -> bool {
        self.owners == writer && self.readers.first_key_value().is_none_or(|(&before, _)| before > writer)
    }
}

// Where it says `always`: these few instructions are what a hit of the cache consists of, and a call costs as much again.
impl<W: Words> Protocol<W> {
    /// Nobody is about.
    #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
    pub(crate) const fn new() -> Self {
        Self { words: W::AT_ZERO, line: Mutex::new(Line::EMPTY), moved: Condvar::new() }
    }

    /// Nobody is about.
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
        self.try_enter().unwrap_or_else(|| self.enter_later())
    }

    #[cold]
    fn enter_later(&self) -> &AtomicU64 {
        for look in 0..LOOKS {
            pause_before(look);
            if self.has_no_writer()
                && let Some(stripe) = self.try_enter()
            {
                return stripe;
            }
        }
        self.enter_in_line()
    }

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
        let is_in = self.count_in(stripe); // before the next in line is woken, who then looks at the stripes
        self.leave_line(&mut line, before);
        if !is_in {
            refuse();
        }
        stripe
    }

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

    /// Counts a reader out, as [`LEAVE`] or [`LEAVE_AND_TALLY`]. What it saw stays before what the next writer does.
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

    /// Waits for all who came before, and makes this writer the only one inside.
    #[inline]
    pub(crate) fn lock(&self) {
        if !sync::claim(self.words.gate(), WRITER) {
            self.lock_later();
        } else if !self.is_empty() {
            self.wait_until_empty();
        }
    }

    #[cold]
    fn lock_later(&self) {
        for look in 0..LOOKS {
            pause_before(look);
            if sync::look(self.words.gate()) == 0 && sync::claim(self.words.gate(), WRITER) {
                return self.wait_until_empty();
            }
        }
        self.lock_in_line();
    }

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
        for look in 0..LOOKS {
            if self.is_empty() {
                return;
            }
            pause_before(look);
        }
        let mut line = self.line.lock();
        sync::announce(self.words.gate(), OWNER_ASLEEP); // pairs with `leave`
        while !self.is_empty() {
            self.moved.wait(&mut line);
        }
        sync::announce(self.words.gate(), 0_u64.wrapping_sub(OWNER_ASLEEP));
    }

    /// Makes this writer the only one inside, if nobody is inside or in line.
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
    #[inline]
    pub(crate) fn unlock(&self) {
        let before = sync::announce(self.words.gate(), 0_u64.wrapping_sub(WRITER));
        if before != WRITER {
            self.wake(); // somebody is in line
        }
    }

    /// True when no reader is inside. What the readers saw came before.
    #[inline]
    fn is_empty(&self) -> bool {
        self.words.all_stripes(|stripe| sync::look(stripe) & READERS == 0)
    }

    /// True when no writer has announced itself. Readers in line keep no other reader out.
    #[inline(always)]
    fn has_no_writer(&self) -> bool {
        sync::look(self.words.gate()) < WRITER
    }

    /// True while a writer owns the gate: one is announced that is not in line. Asked with the line's lock held, by somebody
    /// who stands in line, so that no new owner comes by the short way.
    fn has_owner(&self, line: &Line) -> bool {
        sync::look(self.words.gate()) / WRITER > line.writers()
    }

    /// How many writers have announced themselves, and whether readers wait in line.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn announced(&self) -> (u64, bool) {
        let gate = sync::look(self.words.gate());
        (gate / WRITER, gate & READERS_IN_LINE != 0)
    }

    /// How often a reader left with [`LEAVE_AND_TALLY`], modulo 2^48 per stripe.
    pub(crate) fn tally(&self) -> u64 {
        let mut sum = 0;
        self.words.all_stripes(|stripe| {
            sum += sync::look(stripe) / TALLY;
            true
        });
        sum
    }
}

#[cold]
fn refuse() -> ! {
    panic!(
        "{TOO_MANY} readers are inside of one lock, or guards were forgotten; drop guards, or share a value that is cloned"
    )
}
