//! Threads that are started once, kept, and lent to one call at a time.
//!
//! A call invites helpers; threads that have nothing to do come and run its work; the call returns only when all of
//! them have left. A thread never takes up other work while it waits, so a nested call cannot end up behind a stranger's
//! item, and a lock held across a nested call cannot meet itself.
//!
//! Promises: never more threads than the larger of the budget and what a call from outside asked for, but for one more of
//! each call that insists, and those go when they are free; an invitation that no thread is free for waits in line and is
//! taken back when its call ends; the caller learns how many are sure to come, and works itself when none is.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::sync::{Arc, Condvar, Mutex, spawn_named};

/// A set of kept threads.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// Where threads wait and invitations lie.
#[derive(Debug)]
struct Shared {
    name: &'static str,
    queues: Mutex<Queues>,
    /// Threads without work wait here.
    wakeup: Condvar,
}

/// Guarded by the hall's lock. Invariant: as many threads are on their way from the bell as `assigned` is long.
#[derive(Debug, Default)]
struct Queues {
    /// Seats that a thread was woken or started for.
    assigned: VecDeque<Arc<ScopedTask>>,
    /// Seats that wait for a thread to become free.
    queued: VecDeque<Arc<ScopedTask>>,
    /// Threads that wait at the bell and were not promised to anyone.
    idle: usize,
    /// Threads that are alive.
    threads: usize,
    /// How many of them were started because a call insisted, and are to go.
    surplus: usize,
    closing: bool,
}

/// A call's work, as long as the call lasts.
struct ScopedTask {
    /// Borrowed from the call's frame: alive while `slots` is open or anyone is inside.
    work: *const (dyn Fn() + Sync),
    slots: Mutex<Slots>,
    /// The call waits here for the last helper to leave.
    empty: Condvar,
}

/// Guarded by the invitation's lock.
#[derive(Debug)]
struct Slots {
    /// Helpers that may still come in.
    open: usize,
    inside: usize,
    /// A helper's work is not meant to panic; if it does, the caller is told.
    panic: Option<Box<dyn Any + Send>>,
}

impl std::fmt::Debug for ScopedTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopedTask").field("seats", &self.slots).finish_non_exhaustive()
    }
}

// SAFETY: `work` points to a `Sync` closure, which any thread may call through a shared reference; that it is alive when
// it is called is the protocol of `enter` and `Scope::drop`. Everything else in an invitation is Send and Sync by itself.
unsafe impl Send for ScopedTask {}
// SAFETY: as above; an invitation hands out nothing but calls of the `Sync` closure.
unsafe impl Sync for ScopedTask {}

crate::sync::thread_local! {
    static AT_WORK: Cell<bool> = Cell::default();
}

/// True while this thread works on items for a call: one made here and now is nested in an item.
pub(crate) fn is_worker_thread() -> bool {
    AT_WORK.with(Cell::get)
}

/// Runs something that works on items.
pub(crate) fn in_worker<A>(work: impl FnOnce() -> A) -> A {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            AT_WORK.with(|in_worker| in_worker.set(self.0));
        }
    }
    let _before = Before(AT_WORK.with(|in_worker| in_worker.replace(true)));
    work()
}

/// How many threads a call may bring a pool to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ThreadLimit {
    /// A call from outside: as many threads as this, working for it or for others.
    TopLevel(usize),
    /// A call nested in an item: no more than this many at work in all, itself among them.
    Nested(usize),
}

/// A call in progress, with the helpers that it may invite. Dropping it sends the rest of the invitations back and
/// waits until every helper has left, so that `work` may borrow from the call's frame.
#[derive(Debug)]
pub(crate) struct Scope<'call> {
    shared: &'call Arc<Shared>,
    invitation: Arc<ScopedTask>,
}

impl Pool {
    /// A pool without threads; they are started when a call first wants them.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { shared: Arc::new(Shared { name, queues: Mutex::new(Queues::default()), wakeup: Condvar::new() }) }
    }

    /// Runs `body` in this thread; it may invite helpers, each of which runs `work` once. Returns when all have left.
    pub(crate) fn gather<A>(&self, work: &(dyn Fn() + Sync), body: impl FnOnce(&Scope<'_>) -> A) -> A {
        // Only the lifetime is changed. The pointer is followed in `enter` alone, between taking a seat and leaving it.
        let work: *const (dyn Fn() + Sync + '_) = work;
        // SAFETY: `Scope` closes the seats and waits until nobody is inside before this frame ends, also when `body`
        // panics, because that happens in its `drop`; so whoever follows the pointer finds the closure alive.
        let work: *const (dyn Fn() + Sync + 'static) = unsafe { std::mem::transmute(work) };
        let slots = Mutex::new(Slots { open: 0, inside: 0, panic: None });
        let scope =
            Scope { shared: &self.shared, invitation: Arc::new(ScopedTask { work, slots, empty: Condvar::new() }) };
        let answer = body(&scope);
        let invitation = Arc::clone(&scope.invitation);
        drop(scope);
        let panic = invitation.slots.lock().panic.take();
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        answer
    }
}

#[cfg(any(test, manyhands_loom, manyhands_shuttle))]
impl Pool {
    /// The threads that are alive.
    pub(crate) fn threads(&self) -> usize {
        self.shared.queues.lock().threads
    }

    /// The seats that wait for a thread to become free.
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

impl Scope<'_> {
    /// Offers `slots` to helpers; threads are woken and started as far as the allowance goes. Gives the number of helpers
    /// that are sure to come; the others come when a thread becomes free.
    pub(crate) fn request_helpers(&self, slots: usize, allowance: ThreadLimit) -> usize {
        self.invitation.slots.lock().open += slots;
        let mut queues = self.shared.queues.lock();
        let (budget, most) = match allowance {
            ThreadLimit::TopLevel(budget) => (budget, slots),
            ThreadLimit::Nested(budget) => (budget, slots.min(budget.saturating_sub(queues.threads - queues.idle))),
        };
        let woken = most.min(queues.idle);
        queues.idle -= woken;
        let wanted = (most - woken).min(budget.saturating_sub(queues.threads));
        // A system that has no threads to give is no reason to fail: fewer helpers do the same work.
        let started = (0..wanted).take_while(|_| start_thread(self.shared, &mut queues)).count();
        for _ in 0..woken + started {
            queues.assigned.push_back(Arc::clone(&self.invitation));
        }
        for _ in woken + started..slots {
            queues.queued.push_back(Arc::clone(&self.invitation));
        }
        drop(queues);
        for _ in 0..woken {
            self.shared.wakeup.notify_one();
        }
        woken + started
    }

    /// Has one of the seats that nobody is sure to take filled all the same, by a thread beyond every budget if need be. Gives
    /// the number of helpers that are sure to come by that: 1, or 0 when the system has no thread to give.
    pub(crate) fn force_helper(&self) -> usize {
        let mut queues = self.shared.queues.lock();
        let mut slots = queues.queued.iter();
        let Some(slot) = slots.position(|invitation| Arc::ptr_eq(invitation, &self.invitation)) else { return 0 };
        let is_idle = queues.idle > 0;
        if is_idle {
            queues.idle -= 1;
        } else if start_thread(self.shared, &mut queues) {
            queues.surplus += 1;
        } else {
            return 0;
        }
        let invitation = queues.queued.remove(slot).expect("it was found there");
        queues.assigned.push_back(invitation);
        drop(queues);
        if is_idle {
            self.shared.wakeup.notify_one();
        }
        1
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let mut queues = self.shared.queues.lock();
        queues.queued.retain(|invitation| !Arc::ptr_eq(invitation, &self.invitation));
        drop(queues);
        let mut slots = self.invitation.slots.lock();
        slots.open = 0;
        while slots.inside > 0 {
            self.invitation.empty.wait(&mut slots);
        }
    }
}

impl ScopedTask {
    /// Takes a seat, if one is open, and works; gives how that ended. The seat is kept until `leave`.
    fn enter(&self) -> Option<std::thread::Result<()>> {
        let mut slots = self.slots.lock();
        if slots.open == 0 {
            return None;
        }
        slots.open -= 1;
        slots.inside += 1;
        drop(slots);
        // SAFETY: this helper is inside, so the call's `Scope` is not dropped, so its frame and the closure are alive.
        Some(catch_unwind(AssertUnwindSafe(|| unsafe { (*self.work)() })))
    }

    fn leave(&self, worked: std::thread::Result<()>) {
        let mut slots = self.slots.lock();
        if let Err(payload) = worked {
            slots.panic.get_or_insert(payload);
        }
        slots.inside -= 1;
        if slots.inside == 0 {
            self.empty.notify_one();
        }
    }
}

/// Starts one more thread for a promise; false when the system has none to give.
fn start_thread(shared: &Arc<Shared>, queues: &mut Queues) -> bool {
    let name = format!("manyhands-{}-{}", shared.name, queues.threads);
    let own = Arc::clone(shared);
    let started = spawn_named(name, move || own.run()).is_ok();
    queues.threads += usize::from(started);
    started
}

impl Shared {
    /// The life of a pool thread: it follows the promise that it was started for, then whatever comes.
    fn run(&self) {
        AT_WORK.with(|in_worker| in_worker.set(true));
        while let Some(promise) = self.wait_for_task() {
            let mut next = NextTask::Call(promise);
            while let NextTask::Call(invitation) = next {
                let worked = invitation.enter();
                // Free before the seat is left, so that a call finds the helpers of the one before it.
                next = self.next();
                if let Some(worked) = worked {
                    invitation.leave(worked);
                }
            }
            if matches!(next, NextTask::Go) {
                return;
            }
        }
    }

    /// Waits at the bell for a promise. `None` when the pool closes.
    fn wait_for_task(&self) -> Option<Arc<ScopedTask>> {
        let mut queues = self.queues.lock();
        loop {
            if let Some(invitation) = queues.assigned.pop_front() {
                return Some(invitation);
            }
            if queues.closing {
                queues.threads -= 1;
                return None;
            }
            self.wakeup.wait(&mut queues);
        }
    }

    /// What a thread does that has become free: the invitation that waited longest comes first.
    fn next(&self) -> NextTask {
        let mut queues = self.queues.lock();
        if let Some(invitation) = queues.queued.pop_front() {
            return NextTask::Call(invitation);
        }
        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Go;
        }
        queues.idle += 1;
        NextTask::Rest
    }
}

/// What a thread does that has become free.
enum NextTask {
    /// It takes a seat at this call.
    Call(Arc<ScopedTask>),
    /// It counts as idle, and waits for a promise.
    Rest,
    /// It ends: there are more threads than there should be.
    Go,
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::sync::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn a_call_returns_only_when_every_helper_has_left() {
        let pool = Pool::new("test");
        for helpers in [0, 1, 3, 8] {
            let inside = AtomicUsize::new(0);
            let visits = AtomicUsize::new(0);
            let work = || {
                inside.fetch_add(1, Ordering::SeqCst);
                visits.fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
            };
            pool.gather(&work, |scope| {
                assert!(scope.request_helpers(helpers, ThreadLimit::TopLevel(helpers)) <= helpers)
            });
            assert_eq!(inside.load(Ordering::SeqCst), 0);
            assert!(visits.load(Ordering::SeqCst) <= helpers);
        }
    }

    #[test]
    fn threads_never_exceed_the_budget_and_are_used_again() {
        let pool = Pool::new("test");
        for _ in 0..100 {
            pool.gather(&|| {}, |scope| scope.request_helpers(5, ThreadLimit::TopLevel(3)));
        }
        assert!(pool.threads() <= 3);
    }

    /// Acts while the one thread that the pool may have is at another call.
    fn while_its_thread_is_at_work(pool: &Pool, act: impl FnOnce()) {
        let (entered, has_entered) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let (entered, may_leave) = (Mutex::new(entered), Mutex::new(may_leave));
        let slow = || {
            entered.lock().send(()).expect("the call waits for it");
            let _is_over = may_leave.lock().recv();
        };
        pool.gather(&slow, move |scope| {
            let _until_the_end = leave;
            assert_eq!(scope.request_helpers(1, ThreadLimit::TopLevel(1)), 1);
            has_entered.recv().expect("the helper comes");
            act();
        });
    }

    #[test]
    fn a_seat_that_no_thread_is_free_for_is_not_promised_and_not_kept() {
        let pool = Pool::new("test");
        while_its_thread_is_at_work(&pool, || {
            let late = AtomicUsize::new(0);
            pool.gather(&|| _ = late.fetch_add(1, Ordering::SeqCst), |second| {
                assert_eq!(second.request_helpers(1, ThreadLimit::TopLevel(1)), 0)
            });
            assert_eq!(pool.queued(), 0, "it is taken back");
            assert_eq!(late.load(Ordering::SeqCst), 0, "the call ended before a thread was free");
        });
    }

    #[test]
    fn who_insists_has_a_helper_though_all_are_at_work_and_that_thread_goes_again() {
        let pool = Pool::new("test");
        while_its_thread_is_at_work(&pool, || {
            let (come, has_come) = mpsc::channel();
            let come = Mutex::new(come);
            pool.gather(&|| come.lock().send(()).unwrap(), |second| {
                assert_eq!((second.request_helpers(2, ThreadLimit::TopLevel(1)), second.force_helper()), (0, 1));
                has_come.recv().unwrap();
                has_come.recv().unwrap(); // the other seat, which the same thread takes up afterwards
                assert_eq!((second.force_helper(), pool.queued()), (0, 0));
            });
        });
        assert_eq!(pool.threads(), 1);
    }

    #[test]
    fn a_panic_in_a_helper_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new("test");
        let (entered, has_entered) = mpsc::channel();
        let entered = Mutex::new(entered);
        let panics = || {
            entered.lock().send(()).unwrap();
            panic!("on purpose");
        };
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.gather(&panics, |scope| {
                scope.request_helpers(1, ThreadLimit::TopLevel(1));
                has_entered.recv().unwrap();
            });
        }));
        assert_eq!(crate::backend::worker_loop::panic_message(&*caught.unwrap_err()), "on purpose");
        assert_eq!(pool.gather(&|| {}, |scope| scope.request_helpers(1, ThreadLimit::TopLevel(1))), 1);
    }

    #[test]
    fn a_panic_in_the_lead_waits_for_the_helpers_that_borrow_from_its_frame() {
        let pool = Pool::new("test");
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
            pool.gather(&work, |scope| {
                scope.request_helpers(1, ThreadLimit::TopLevel(1));
                has_entered.recv().unwrap();
                panic!("lead");
            })
        }));
        assert!(caught.is_err());
        assert_eq!(done.load(Ordering::SeqCst), 1000);
    }
}
