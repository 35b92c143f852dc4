//! A pool of threads that are started on demand, kept, and lent to one call at a time.
//!
//! A call opens a [`Scope`] and requests helpers. Each helper thread runs the call's closure once, in a *slot* of the
//! call's task. The scope ends only when all helpers have left, so the closure may borrow from the caller's frame. A
//! thread never takes other work while it waits inside a call. Therefore a nested call does not queue behind an
//! unrelated item, and a lock that is held across a nested call cannot deadlock with itself.
//!
//! What the pool promises:
//! - It has at most as many threads as the largest [`ThreadLimit`] so far, plus one for each forced helper. Such a
//!   surplus thread ends when it becomes free.
//! - A slot without a free thread is queued. It is removed when its call ends.
//! - [`Scope::request_helpers`] returns how many helpers are certain. The caller works itself when that number is 0.
//!
//! What runs in a helper is the business of `threads.rs`. The models in `tests/loom/thread_pool.rs` check the protocol.
//!
//! A pool through three calls, with a limit of 2 threads:
//!
//! | event | threads | idle | assigned | queued |
//! |---|---|---|---|---|
//! | a first call requests 2 helpers: both threads are started | 2 | 0 | 2 | 0 |
//! | both have taken their entries and run the call | 2 | 0 | 0 | 0 |
//! | a second call requests 2 helpers: no thread is free, so it gets 0 and its caller works itself | 2 | 0 | 0 | 2 |
//! | a thread of the first call is done and takes the oldest queued slot | 2 | 0 | 0 | 1 |
//! | the second call ends: its last slot is removed, its helper leaves | 2 | 1 | 0 | 0 |
//! | the first call ends | 2 | 2 | 0 | 0 |
//! | a third call requests 1 helper: an idle thread is woken | 2 | 1 | 1 | 0 |
//!
//! Cost per call: one `Arc` of the task, and per helper one entry in a queue and one wake-up. A thread is kept as long as
//! the pool lives, unless it is surplus.
//!
//! In a forked child a call of the parent ends with a panic where it would go on, and waits for no helper: they are in
//! the parent. The statics of `threads.rs` give each process pools of its own.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::panics::Held;
use crate::sync::{Arc, Condvar, JoinHandle, Mutex, ProcessMark, StackSize, end_forked_child, spawn_owned};

/// A set of threads. Dropping it ends the idle ones; busy ones end after their call.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool without threads. Calls start them, with stacks of this size.
    ///
    /// `name` becomes a part of the names of its threads: `manyhands-cpu-0`, `manyhands-cpu-1`, and so on. No system
    /// call.
    pub(crate) fn new(name: &'static str, stack_size: StackSize) -> Self {
        Self::with_queues(name, stack_size, Queues::default())
    }

    /// A pool whose threads end with it; see [`end`](Self::end).
    pub(crate) fn of_one_call(name: &'static str, stack_size: StackSize) -> Self {
        Self::with_queues(name, stack_size, Queues { handles: Some(Vec::new()), ..Queues::default() })
    }

    fn with_queues(name: &'static str, stack_size: StackSize, queues: Queues) -> Self {
        let (queues, wakeup) = (Mutex::new(queues), Condvar::new());
        Self { shared: Arc::new(Shared { name, stack_size, process: ProcessMark::current(), queues, wakeup }) }
    }

    /// The stack size of its threads.
    pub(crate) fn stack_size(&self) -> StackSize {
        self.shared.stack_size
    }

    /// Ends the threads of a pool of one call, and waits until they are gone.
    pub(crate) fn end(self) {
        let threads = self.shared.queues.lock().handles.take();
        drop(self);
        for thread in threads.into_iter().flatten() {
            let _ = thread.join(); // a thread of a pool catches the panics of its tasks
        }
    }

    /// Runs `body` in this thread. It may request helpers, each of which runs `work` once. Returns when all have left.
    ///
    /// # Panics
    /// With the panic of `body`, or else of the first helper that panicked; in both cases after all helpers have left.
    ///
    /// `work` must end by itself when nothing is left to do: no helper is interrupted, and this call waits for all of
    /// them. It runs at most once per slot, in several threads at once.
    pub(crate) fn scope<A>(&self, work: &(dyn Fn() + Sync), body: impl FnOnce(&Scope<'_>) -> A) -> A {
        // Only the lifetime changes. `ScopedTask::enter` alone dereferences the pointer, while it occupies a slot.
        let work: *const (dyn Fn() + Sync + '_) = work;
        // SAFETY: `Scope::drop` closes the slots and waits until no slot is active. It runs before this frame ends, also
        // when `body` panics. So the closure is alive whenever the pointer is dereferenced.
        let work: *const (dyn Fn() + Sync + 'static) = unsafe { std::mem::transmute(work) };
        let slots = Mutex::new(HelperSlots { open: 0, active: 0, panic: None });
        let task = Arc::new(ScopedTask { work, slots, empty: Condvar::new() });
        let process = ProcessMark::current();
        let scope = Scope { shared: &self.shared, task: Arc::clone(&task), process, has_warned: Cell::default() };
        let value = body(&scope);
        process.assert_current();
        drop(scope);
        let panic = task.slots.lock().panic.take();
        if let Some(payload) = panic {
            resume_unwind(payload.into_inner());
        }
        value
    }
}

#[cfg(any(test, manyhands_loom, manyhands_shuttle))]
impl Pool {
    /// The number of threads that are alive.
    pub(crate) fn threads(&self) -> usize {
        self.shared.queues.lock().threads
    }

    /// The number of slots that wait for a thread to become free.
    pub(crate) fn queued(&self) -> usize {
        self.shared.queues.lock().queued.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queues.lock().closing = true;
        self.shared.wakeup.notify_all();
    }
}

/// The number of threads to which a call may grow a pool.
///
/// With a budget of 4: a top-level call that asks for 6 workers passes `TopLevel(6)`, and the pool may grow to 6. A
/// call that one of their items makes passes `Nested(4)`. It gets no thread while 4 or more are busy, so that
/// nested calls do not multiply the threads: 6 items with 6 workers each would otherwise need 36.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ThreadLimit {
    /// A top-level call: at most this many threads in the pool, whether they work for this call or for others.
    TopLevel(usize),
    /// A call nested in an item: at most this many busy threads, the caller's own included.
    Nested(usize),
}

/// A call in progress, with the helpers that it may request.
///
/// Dropping it removes the slots that are still queued and waits until every helper has left.
#[derive(Debug)]
pub(crate) struct Scope<'call> {
    shared: &'call Arc<Shared>,
    task: Arc<ScopedTask>,
    /// The process of the call and its helpers.
    process: ProcessMark,
    /// Whether it was said that the system had too few threads: once per call.
    has_warned: Cell<bool>,
}

impl Scope<'_> {
    /// Opens `slots` slots for helpers, and wakes and starts threads as far as `limit` allows.
    ///
    /// Returns the number of slots that have a thread. The other slots are queued until a thread becomes free.
    ///
    /// Idle threads are used before new ones are started. A woken or started thread is certain to enter a slot, unless
    /// the call ends first. Wakes the threads after the lock is released, so that they do not wait for it at once. May
    /// be called again for more slots. Cost: two locks, and a wake-up or a start per thread.
    pub(crate) fn request_helpers(&self, slots: usize, limit: ThreadLimit) -> usize {
        self.task.slots.lock().open += slots;
        let mut queues = self.shared.queues.lock();
        let (limit, most) = match limit {
            ThreadLimit::TopLevel(limit) => (limit, slots),
            ThreadLimit::Nested(limit) => (limit, slots.min(limit.saturating_sub(queues.threads - queues.idle))),
        };
        let woken = most.min(queues.idle);
        queues.idle -= woken;
        let asked = (most - woken).min(limit.saturating_sub(queues.threads));
        let reserve = AddressSpace::reserve(asked, queues.threads);
        let wanted = asked.min(reserve.threads);
        // A failed start is no error: fewer helpers do the same work.
        let started = (0..wanted).take_while(|_| start_thread(self.shared, &mut queues)).count();
        for _ in 0..woken + started {
            queues.assigned.push_back(Arc::clone(&self.task));
        }
        for _ in woken + started..slots {
            queues.queued.push_back(Arc::clone(&self.task));
        }
        drop(queues);
        drop(reserve);
        if started < asked && !self.has_warned.replace(true) {
            tracing::warn!(
                asked,
                started,
                "the system has no more threads to give; the call goes on with fewer workers"
            );
        }
        for _ in 0..woken {
            self.shared.wakeup.notify_one();
        }
        woken + started
    }

    /// Guarantees a thread for one queued slot, beyond every thread limit if necessary.
    ///
    /// Returns 1. Returns 0 when no slot is queued, or when the system cannot start a thread.
    ///
    /// Why beyond the limits: a call that delivers results would have to run items in the caller's thread, and an item
    /// that waits for a delivery would wait for ever. The thread counts as surplus: as many threads as there are
    /// surplus ones end, each when it becomes free and no slot is queued, so the pool shrinks back to its limit.
    pub(crate) fn force_helper(&self) -> usize {
        let mut queues = self.shared.queues.lock();
        let Some(place) = queues.queued.iter().position(|task| Arc::ptr_eq(task, &self.task)) else { return 0 };
        let is_idle = queues.idle > 0;
        if is_idle {
            queues.idle -= 1;
        } else if start_thread(self.shared, &mut queues) {
            queues.surplus += 1;
        } else {
            return 0;
        }
        let task = queues.queued.remove(place).expect("the position was just found");
        queues.assigned.push_back(task);
        drop(queues);
        if is_idle {
            self.shared.wakeup.notify_one();
        }
        1
    }
}

/// Address space that is kept free while many threads are started, and is free for the program afterwards.
///
/// Each thread takes the address space of its stack. Where that is limited, starting threads until the system refuses would
/// leave none for the next allocation, and a failed allocation ends the program.
struct AddressSpace {
    /// Not touched, so it takes no memory. Empty where a pool has few threads, or there is no room for it.
    _reserved: Vec<u8>,
    /// How many threads may be started.
    threads: usize,
}

impl AddressSpace {
    /// A pool starts so many threads without a look at the room that is left.
    const FEW_THREADS: usize = 64;
    /// Enough for what an allocator maps for some threads.
    const RESERVE: usize = if usize::BITS < 64 { 16 << 20 } else { 256 << 20 };

    /// Reserves room before a pool of `present` threads starts some more. Two system calls where they become many.
    fn reserve(more: usize, present: usize) -> Self {
        let mut reserved = Vec::new();
        let few = Self::FEW_THREADS.saturating_sub(present);
        let has_room = more <= few || reserved.try_reserve_exact(Self::RESERVE).is_ok();
        Self { _reserved: reserved, threads: if has_room { more } else { few } }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        // In a forked child there is no helper, and a lock may be held by a thread that is not there.
        if !self.process.is_current() {
            return;
        }
        self.shared.queues.lock().take_back(&self.task);
        let mut slots = self.task.slots.lock();
        slots.open = 0;
        while slots.active > 0 {
            self.task.empty.wait(&mut slots);
        }
    }
}

crate::sync::thread_local! {
    static IN_WORKER: Cell<bool> = Cell::default();
}

/// Whether this thread runs items for a call. A call that it makes is nested in an item.
///
/// True in threads of a pool at any time, and in a caller's thread while it runs items itself ([`in_worker`]).
pub(crate) fn is_worker_thread() -> bool {
    IN_WORKER.with(Cell::get)
}

/// Runs `work` with this thread marked as one that runs items.
///
/// The mark is restored when `work` returns or panics. Calls may be nested.
pub(crate) fn in_worker<A>(work: impl FnOnce() -> A) -> A {
    marked(true, work)
}

/// Runs `work` with this thread marked as one that runs items, or as one that does not.
///
/// A thread of a pool that does something else for a caller is marked as that caller is.
pub(crate) fn marked<A>(is_worker: bool, work: impl FnOnce() -> A) -> A {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_WORKER.with(|in_worker| in_worker.set(self.0));
        }
    }
    let _restore = Restore(IN_WORKER.with(|in_worker| in_worker.replace(is_worker)));
    work()
}

/// The closure of one call, as pool threads see it. It lives as long as a queue or a thread refers to it, which may be
/// longer than the call.
struct ScopedTask {
    /// Borrowed from the caller's frame. Invariant: valid while a slot is open or active, dangling afterwards.
    work: *const (dyn Fn() + Sync),
    slots: Mutex<HelperSlots>,
    /// The caller waits here until no slot is active.
    empty: Condvar,
}

/// The slots of one call, guarded by [`ScopedTask::slots`]. A slot is first open, then active, then gone.
#[derive(Debug)]
struct HelperSlots {
    /// Slots that a helper may still enter. 0 from the end of the call on.
    open: usize,
    /// Slots whose helper runs the closure or has not left yet.
    active: usize,
    /// The payload of the first helper that panicked. [`Pool::scope`] resumes it. Held, as a payload may have a destructor
    /// that panics, and the last owner of a task may be a thread of the pool.
    panic: Option<Held<Box<dyn Any + Send>>>,
}

// SAFETY: `work` points to a `Sync` closure, which any thread may call through a shared reference. `enter` and
// `Scope::drop` together ensure that it is alive when it is called. All other fields are Send and Sync by themselves.
unsafe impl Send for ScopedTask {}
// SAFETY: as above; a shared `ScopedTask` permits nothing but calls of the `Sync` closure.
unsafe impl Sync for ScopedTask {}

impl fmt::Debug for ScopedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl ScopedTask {
    /// Enters a slot, if one is open, and runs the closure. The slot stays active until [`leave`](ScopedTask::leave).
    ///
    /// `None` when the call has ended between the assignment and this moment. The closure is not touched then: it may
    /// be gone. A panic of the closure is caught, since it must not end the pool's thread.
    fn enter(&self) -> Option<std::thread::Result<()>> {
        let mut slots = self.slots.lock();
        if slots.open == 0 {
            return None;
        }
        slots.open -= 1;
        slots.active += 1;
        drop(slots);
        // SAFETY: this slot is active, so `Scope::drop` has not returned, so the caller's frame and the closure are
        // alive.
        Some(catch_unwind(AssertUnwindSafe(|| unsafe { (*self.work)() })))
    }

    /// Leaves the slot and stores the panic, if there was one.
    ///
    /// The caller is woken only by the last helper that leaves.
    fn leave(&self, result: std::thread::Result<()>) {
        if let Err(payload) = result {
            self.keep_panic(payload);
        }
        let mut slots = self.slots.lock();
        slots.active -= 1;
        if slots.active == 0 {
            self.empty.notify_one();
        }
    }

    /// Keeps the payload of the first panic. A later one is dropped without the lock: its destructor is the program's code,
    /// which may panic or take any time.
    fn keep_panic(&self, payload: Box<dyn Any + Send>) {
        let payload = Held::new(payload);
        let mut slots = self.slots.lock();
        if slots.panic.is_none() {
            slots.panic = Some(payload);
        } else {
            drop(slots);
            drop(payload);
        }
    }
}

/// What a pool and its threads share.
#[derive(Debug)]
struct Shared {
    name: &'static str,
    stack_size: StackSize,
    /// The process of the threads.
    process: ProcessMark,
    queues: Mutex<Queues>,
    /// Idle threads wait here.
    wakeup: Condvar,
}

/// The slots of all calls and the threads of the pool, guarded by [`Shared::queues`].
///
/// Invariant: `assigned` has one entry for each thread that was woken or started and has not taken its entry yet. So
/// `threads` is the sum of `idle`, the length of `assigned`, and the threads that run a task.
#[derive(Debug, Default)]
struct Queues {
    /// Slots for which a thread was woken or started.
    assigned: VecDeque<Arc<ScopedTask>>,
    /// Slots that wait for a thread to become free, in the order of the requests.
    queued: VecDeque<Arc<ScopedTask>>,
    /// Threads that wait for a wakeup and have no entry in `assigned`.
    idle: usize,
    /// Threads that are alive.
    threads: usize,
    /// Threads beyond the limit, from forced helpers. That many threads end as they become free.
    surplus: usize,
    /// The threads, where they are joined at the end of the pool. Kept threads are not.
    handles: Option<Vec<JoinHandle<()>>>,
    /// Whether the pool was dropped.
    closing: bool,
}

impl Queues {
    /// Takes out the slots of a call that ends, also those for which a thread was woken that has not come yet: it is idle for
    /// the next call, which would else start another one. A surplus thread comes all the same, and ends.
    fn take_back(&mut self, task: &Arc<ScopedTask>) {
        self.queued.retain(|queued| !Arc::ptr_eq(queued, task));
        if self.surplus == 0 {
            let before = self.assigned.len();
            self.assigned.retain(|assigned| !Arc::ptr_eq(assigned, task));
            self.idle += before - self.assigned.len();
        }
    }
}

/// Starts one more thread; false when the system cannot. The caller adds the entry to `assigned` that the thread takes.
fn start_thread(shared: &Arc<Shared>, queues: &mut Queues) -> bool {
    let name = format!("manyhands-{}-{}", shared.name, queues.threads);
    let own = Arc::clone(shared);
    let started = spawn_owned(name, shared.stack_size, move || own.run());
    let Ok(thread) = started else { return false };
    queues.threads += 1;
    if let Some(handles) = &mut queues.handles {
        handles.push(thread);
    }
    true
}

/// What a thread does when it has become free.
enum NextTask {
    /// It enters a slot of this task.
    Run(Arc<ScopedTask>),
    /// It counts as idle and waits for a wakeup.
    Wait,
    /// It ends, because the pool has surplus threads.
    Exit,
}

impl Shared {
    /// The main function of a pool thread.
    fn run(&self) {
        IN_WORKER.with(|in_worker| in_worker.set(true));
        while let Some(assigned) = self.wait_for_task() {
            let mut next = NextTask::Run(assigned);
            while let NextTask::Run(task) = next {
                let result = task.enter();
                self.end_forked_child();
                // The thread becomes free before it leaves the slot, so that the next call finds it idle.
                next = self.next_task();
                if let Some(result) = result {
                    task.leave(result);
                }
            }
            if matches!(next, NextTask::Exit) {
                return;
            }
        }
    }

    /// Ends a child that was forked in an item and has come back here: its only thread has nothing to do, and what it would
    /// wait for is in the parent. The panic of the call has said why.
    fn end_forked_child(&self) {
        if !self.process.is_current() {
            end_forked_child();
        }
    }

    /// Waits for an assigned slot. `None` when the pool closes.
    ///
    /// A thread that was just started usually finds its entry at once, without a wait. An entry comes before the
    /// closing of the pool, so a call that was promised a helper gets it.
    fn wait_for_task(&self) -> Option<Arc<ScopedTask>> {
        let mut queues = self.queues.lock();
        loop {
            if let Some(task) = queues.assigned.pop_front() {
                return Some(task);
            }
            if queues.closing {
                queues.threads -= 1;
                return None;
            }
            self.wakeup.wait(&mut queues);
        }
    }

    /// Takes the slot that has been queued longest, or frees this thread.
    ///
    /// A queued slot comes first, also for a surplus thread: the call that waits needs it more than the pool needs to
    /// shrink.
    fn next_task(&self) -> NextTask {
        let mut queues = self.queues.lock();
        if let Some(task) = queues.queued.pop_front() {
            return NextTask::Run(task);
        }
        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Exit;
        }
        queues.idle += 1;
        NextTask::Wait
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::sync::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_comes_too_late_for_its_call_is_idle_for_the_next_one() {
        const NOTHING: &(dyn Fn() + Sync) = &|| ();
        let pool = Pool::new("late", StackSize::Usual);
        for _ in 0..50 {
            // The pool's threads cannot come while this one holds their lock.
            let mut queues = pool.shared.queues.lock();
            let task = Arc::new(ScopedTask {
                work: NOTHING,
                slots: Mutex::new(HelperSlots { open: 0, active: 0, panic: None }),
                empty: Condvar::new(),
            });
            if queues.idle == 0 {
                assert!(start_thread(&pool.shared, &mut queues));
            } else {
                queues.idle -= 1;
            }
            queues.assigned.push_back(Arc::clone(&task));
            queues.take_back(&task);
            assert_eq!((queues.threads, queues.idle, queues.assigned.len()), (1, 1, 0));
        }
    }

    #[test]
    fn a_call_returns_only_when_every_helper_has_left() {
        let pool = Pool::new("test", StackSize::Usual);
        for helpers in [0, 1, 3, 8] {
            let active = AtomicUsize::new(0);
            let entered = AtomicUsize::new(0);
            let work = || {
                active.fetch_add(1, Ordering::SeqCst);
                entered.fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
                active.fetch_sub(1, Ordering::SeqCst);
            };
            pool.scope(&work, |scope| {
                assert!(scope.request_helpers(helpers, ThreadLimit::TopLevel(helpers)) <= helpers)
            });
            assert_eq!(active.load(Ordering::SeqCst), 0);
            assert!(entered.load(Ordering::SeqCst) <= helpers);
        }
    }

    #[test]
    fn threads_never_exceed_the_limit_and_are_reused() {
        let pool = Pool::new("test", StackSize::Usual);
        for _ in 0..100 {
            pool.scope(&|| {}, |scope| scope.request_helpers(5, ThreadLimit::TopLevel(3)));
        }
        assert!(pool.threads() <= 3);
    }

    /// Runs `act` while the only thread that the pool may have is busy with another call.
    fn while_its_thread_is_busy(pool: &Pool, act: impl FnOnce()) {
        let (entered, has_entered) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let (entered, may_leave) = (Mutex::new(entered), Mutex::new(may_leave));
        let slow = || {
            entered.lock().send(()).expect("the call waits for this message");
            let _is_over = may_leave.lock().recv();
        };
        pool.scope(&slow, move |scope| {
            let _until_the_end = leave;
            assert_eq!(scope.request_helpers(1, ThreadLimit::TopLevel(1)), 1);
            has_entered.recv().expect("the helper sends");
            act();
        });
    }

    #[test]
    fn a_slot_without_a_free_thread_is_queued_and_removed_at_the_end_of_its_call() {
        let pool = Pool::new("test", StackSize::Usual);
        while_its_thread_is_busy(&pool, || {
            let late = AtomicUsize::new(0);
            pool.scope(&|| _ = late.fetch_add(1, Ordering::SeqCst), |second| {
                assert_eq!(second.request_helpers(1, ThreadLimit::TopLevel(1)), 0)
            });
            assert_eq!(pool.queued(), 0, "the slot is removed");
            assert_eq!(late.load(Ordering::SeqCst), 0, "the call ended before a thread was free");
        });
    }

    #[test]
    fn a_forced_helper_starts_a_thread_beyond_the_limit_which_ends_when_it_is_free() {
        let pool = Pool::new("test", StackSize::Usual);
        while_its_thread_is_busy(&pool, || {
            let (started, has_started) = mpsc::channel();
            let started = Mutex::new(started);
            pool.scope(&|| started.lock().send(()).unwrap(), |second| {
                assert_eq!((second.request_helpers(2, ThreadLimit::TopLevel(1)), second.force_helper()), (0, 1));
                has_started.recv().unwrap();
                has_started.recv().unwrap(); // the other slot, which the same thread enters afterwards
                assert_eq!((second.force_helper(), pool.queued()), (0, 0));
            });
        });
        assert_eq!(pool.threads(), 1);
    }

    #[test]
    fn a_panic_in_a_helper_reaches_the_caller_and_the_pool_stays_usable() {
        let pool = Pool::new("test", StackSize::Usual);
        let (entered, has_entered) = mpsc::channel();
        let entered = Mutex::new(entered);
        let panics = || {
            entered.lock().send(()).unwrap();
            panic!("on purpose");
        };
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.scope(&panics, |scope| {
                scope.request_helpers(1, ThreadLimit::TopLevel(1));
                has_entered.recv().unwrap();
            });
        }));
        assert_eq!(crate::panics::panic_message(&*caught.unwrap_err()), "on purpose");
        assert_eq!(pool.scope(&|| {}, |scope| scope.request_helpers(1, ThreadLimit::TopLevel(1))), 1);
    }

    #[test]
    fn a_second_panic_whose_payload_panics_holds_no_call_up() {
        struct Payload(mpsc::Sender<()>);
        impl Drop for Payload {
            fn drop(&mut self) {
                let _ = self.0.send(());
                resume_unwind(Box::new("the payload"));
            }
        }
        let (ended, has_ended) = mpsc::channel();
        let (dropped, has_dropped) = mpsc::channel();
        let call = std::thread::spawn(move || {
            let pool = Pool::new("test", StackSize::Usual);
            let entered = std::sync::Barrier::new(3);
            let dropped = Mutex::new(dropped);
            let panics = || {
                entered.wait();
                let payload = Payload(dropped.lock().clone());
                resume_unwind(Box::new(payload));
            };
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.scope(&panics, |scope| {
                    scope.request_helpers(2, ThreadLimit::TopLevel(2));
                    entered.wait();
                });
            }));
            std::mem::forget(caught.unwrap_err());
            assert_eq!(pool.scope(&|| {}, |scope| scope.request_helpers(2, ThreadLimit::TopLevel(2))), 2);
            ended.send(()).unwrap();
        });
        let most = std::time::Duration::from_secs(20);
        has_ended.recv_timeout(most).expect("the call ends");
        assert!(
            has_dropped.try_recv().is_ok() && has_dropped.try_recv().is_err(),
            "the second payload alone is dropped"
        );
        call.join().unwrap();
    }

    #[test]
    fn a_panic_in_the_body_waits_for_the_helpers_that_borrow_from_its_frame() {
        let pool = Pool::new("test", StackSize::Usual);
        let done = AtomicUsize::new(0);
        let (entered, has_entered) = mpsc::channel();
        let entered = Mutex::new(entered);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let borrowed = vec![1_usize; 1000];
            let work = || {
                entered.lock().send(()).unwrap();
                for _ in 0..100 {
                    std::thread::yield_now();
                }
                done.fetch_add(borrowed.iter().sum(), Ordering::SeqCst);
            };
            pool.scope(&work, |scope| {
                scope.request_helpers(1, ThreadLimit::TopLevel(1));
                has_entered.recv().unwrap();
                panic!("body");
            })
        }));
        assert!(caught.is_err());
        assert_eq!(done.load(Ordering::SeqCst), 1000);
    }
}
