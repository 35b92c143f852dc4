//! The pool: helpers come into a call's frame and leave it before it ends.

use std::sync::Arc as RealArc;
use std::sync::atomic::{AtomicUsize as RealCount, Ordering};

use loom::cell::UnsafeCell;
use loom::thread;
use manyhands::modelled_parts::Pool;

/// Counts without being part of the model, so that it may be read after the model's end.
#[derive(Clone, Default)]
struct Tally(RealArc<RealCount>);

impl Tally {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn is_zero(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

/// A call's frame: what its helpers borrow.
struct Frame {
    data: UnsafeCell<usize>,
    is_over: RealArc<RealCount>,
    late: Tally,
}

// SAFETY: the cell is only reached through loom, which runs one thread at a time and reports every race.
unsafe impl Sync for Frame {}
// SAFETY: as above.
unsafe impl Send for Frame {}

impl Frame {
    /// A frame that outlives its call, so that a visit after the call's end is counted and not undefined.
    fn new(late: &Tally) -> RealArc<Self> {
        RealArc::new(Self { data: UnsafeCell::new(1), is_over: RealArc::default(), late: late.clone() })
    }

    /// What a helper does: it looks, lets others run, and looks again.
    fn visit(&self) {
        self.look();
        thread::yield_now();
        self.look();
    }

    fn look(&self) {
        if self.is_over.load(Ordering::SeqCst) > 0 {
            return self.late.add();
        }
        // SAFETY: as for `Sync`.
        assert_eq!(self.data.with(|data| unsafe { *data }), 1);
    }

    /// What the call does once `gather` has returned: the frame is its own again.
    fn end(&self) {
        self.is_over.store(1, Ordering::SeqCst);
        // SAFETY: as for `Sync`.
        self.data.with_mut(|data| unsafe { *data = 2 });
    }
}

/// Runs one call with so many slots offered; gives how many helpers were sure to come.
fn call(pool: &Pool, slots: usize, budget: usize, late: &Tally) -> usize {
    let frame = Frame::new(late);
    let theirs = RealArc::clone(&frame);
    let work: Box<dyn Fn() + Sync> = Box::new(move || theirs.visit());
    let sure = pool.scope(&*work, |scope| scope.request_helpers(slots, budget));
    frame.end();
    // The closure stays too: a helper that comes too late is to be counted, not to follow a dead pointer.
    std::mem::forget(work);
    sure
}

fn check_for_latecomers(preemptions: usize, model: impl Fn(&Tally) + Send + Sync + 'static) {
    let late = Tally::default();
    let seen = late.clone();
    crate::check(preemptions, move || model(&seen));
    assert!(late.is_zero(), "a helper touched the frame of a call that was over");
}

/// Proves: when `gather` returns, all helpers have left and their last look happened before; a helper that was promised and
/// comes after that finds closed slots and touches nothing; and every thread ends after its pool. Leaves out: more than two
/// helpers, and systems that have no threads to give.
#[test]
fn a_call_returns_only_when_every_helper_has_left() {
    check_for_latecomers(3, |late| {
        let pool = Pool::new();
        assert_eq!(call(&pool, 2, 2, late), 2);
    });
}

/// Proves: a second call finds the thread of the first one, whether it is on its way, inside or waiting; no thread is late
/// and no promise is forgotten. Leaves out: a third call.
#[test]
fn one_thread_serves_two_calls_one_after_the_other() {
    check_for_latecomers(3, |late| {
        let pool = Pool::new();
        assert_eq!(call(&pool, 1, 1, late), 1);
        call(&pool, 1, 1, late);
    });
}

/// Proves: two calls at once that share one thread both end, whichever gets it, and a slot that was only requested is taken
/// back with its call. Leaves out: more calls than two.
#[test]
fn two_calls_at_once_share_one_thread() {
    check_for_latecomers(2, |late| {
        let pool = loom::sync::Arc::new(Pool::new());
        let (shared, their_late) = (loom::sync::Arc::clone(&pool), late.clone());
        let other = thread::spawn(move || call(&shared, 1, 1, &their_late));
        let own = call(&pool, 1, 1, late);
        let theirs = other.join().unwrap();
        assert!(own + theirs >= 1, "the first of the two was promised a thread");
        assert_eq!((pool.threads(), pool.queued()), (1, 0));
    });
}

/// Proves: a promise is kept: a call that waits for the helper that is sure to come sees it come; and when that call has
/// returned, its helper counts as free, so the next call is promised the same thread and sees it come too. Leaves out:
/// requested helpers, which need not come.
#[test]
fn a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call() {
    crate::check(3, || {
        let pool = Pool::new();
        let (say, said) = loom::sync::mpsc::channel();
        let say = loom::sync::Mutex::new(say);
        let work = || say.lock().unwrap().send(()).unwrap();
        for _ in 0..2 {
            pool.scope(&work, |scope| {
                assert_eq!(scope.request_helpers(1, 1), 1);
                said.recv().unwrap();
            });
        }
    });
}

/// Proves: a panic of a helper reaches the caller, after all others have left. Leaves out: panics under a lock, of which
/// there are none.
#[test]
fn a_panic_in_a_helper_reaches_the_caller() {
    check_for_latecomers(2, |late| {
        let pool = Pool::new();
        let (frame, visits) = (Frame::new(late), Tally::default());
        let work = || {
            frame.visit();
            visits.add();
            std::panic::resume_unwind(Box::new("on purpose"));
        };
        let call = || pool.scope(&work, |scope| scope.request_helpers(2, 2));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        frame.end();
        assert_eq!(caught.is_err(), !visits.is_zero(), "the helper that came in has panicked");
    });
}

/// Proves: a call that forces a helper has one while another call holds the only thread; the slot beside it is taken by a free thread
/// first; and when all have left there are as many threads as the budget allows. Leaves out: systems that have no threads to give.
#[test]
fn a_forced_helper_comes_though_all_threads_are_at_work() {
    crate::check(2, || {
        let pool = Pool::new();
        let (say, said) = loom::sync::mpsc::channel();
        let (say, released) = (loom::sync::Mutex::new(say), Gate::default());
        pool.scope(&|| released.wait(), |scope| {
            assert_eq!(scope.request_helpers(1, 1), 1);
            pool.scope(&|| say.lock().unwrap().send(()).unwrap(), |second| {
                assert_eq!((second.request_helpers(2, 1), second.force_helper()), (0, 1));
                said.recv().unwrap();
                said.recv().unwrap();
            });
            released.open();
        });
        assert_eq!((pool.threads(), pool.queued()), (1, 0));
    });
}

/// Holds each helper that comes until it is open.
#[derive(Default)]
struct Gate {
    is_open: loom::sync::Mutex<bool>,
    opens: loom::sync::Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opens.notify_all();
    }

    fn wait(&self) {
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opens.wait(is_open).unwrap();
        }
    }
}
