//! State of a worker: made once on it, kept to its last item, dropped on it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use crate::modes::{for_every_way, my_turn};
use manyhands::{Job, OnFailure, Threads};

/// A state that knows where it was made and counts its end.
struct State<'a> {
    home: ThreadId,
    dropped: &'a AtomicUsize,
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        assert_eq!(self.home, thread::current().id());
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_state_is_made_once_per_worker_and_dropped_on_it() {
    let items: Vec<usize> = (0..500).collect();
    for_every_way(|way| {
        let (made, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let threads = Mutex::new(HashSet::new());
        let outcome = way
            .job(&items)
            .worker_state(|| {
                made.fetch_add(1, Ordering::SeqCst);
                State { home: thread::current().id(), dropped: &dropped }
            })
            .run(|state, &n| {
                assert_eq!(state.home, thread::current().id());
                threads.lock().unwrap().insert(state.home);
                n
            })
            .unwrap();
        let n_made = made.into_inner();
        assert_eq!(n_made, threads.into_inner().unwrap().len(), "{way:?}");
        assert_eq!(n_made, dropped.into_inner());
        assert!(n_made <= way.workers && n_made == outcome.tally().workers, "{way:?} {:?}", outcome.tally());
        assert!(outcome.is_complete());
    });
}

#[test]
fn as_many_states_are_made_as_workers_asked_for_when_each_has_work() {
    let _turn = my_turn();
    let items = [0; 4];
    let barrier = std::sync::Barrier::new(4);
    let made = AtomicUsize::new(0);
    let outcome = Job::new(&items)
        .workers(4)
        .worker_state(|| made.fetch_add(1, Ordering::SeqCst))
        .run(|_, _| barrier.wait().is_leader())
        .unwrap();
    assert_eq!(made.into_inner(), 4);
    assert_eq!(outcome.into_result().unwrap().iter().filter(|&&leader| leader).count(), 1);
}

#[test]
fn items_that_wait_for_each_other_end_however_quick_their_function_was_before() {
    let _turn = my_turn();
    let items = [0; 4];
    for _ in 0..300 {
        let together = std::sync::Barrier::new(4);
        // Two closures of one function may be taken for each other by what remembers item times.
        Job::new(&items).run(|n| n + 1).unwrap().into_result().unwrap();
        let outcome = Job::new(&items).workers(4).chunk_size(1).run(|_| together.wait().is_leader()).unwrap();
        assert_eq!(outcome.tally().workers, 4);
    }
}

#[test]
fn a_state_needs_no_bounds() {
    let items = [1, 2, 3];
    let outcome = Job::new(&items).workers(2).worker_state(|| std::rc::Rc::new(5)).run(|state, n| **state + n).unwrap();
    assert_eq!(outcome.into_result().unwrap(), [6, 7, 8]);
}

#[test]
fn a_state_that_cannot_be_made_is_one_error_of_the_call() {
    for_every_way(|way| {
        let items = [1, 2, 3, 4, 5];
        let error = way
            .job(&items)
            .shared(&"model.bin")
            .try_worker_state(|path| Err::<(), _>(format!("{path} is torn")))
            .run(|(), n| *n)
            .unwrap_err();
        assert!(error.is_worker_state());
        assert_eq!(error.to_string(), "a worker could not be prepared: model.bin is torn");
        let error = way.job(&items).worker_state(|| panic!("no memory")).run(|_: &mut (), n| *n).unwrap_err();
        assert_eq!(error.to_string(), "a worker could not be prepared: panicked: no memory");
    });
}

#[test]
fn a_worker_goes_on_with_its_state_after_a_panic_of_an_item() {
    let outcome = Job::new(&[1, 2, 3, 4])
        .workers(1)
        .mode(Threads)
        .on_failure(OnFailure::Continue)
        .worker_state(|| 0)
        .run(|seen, &n| {
            *seen += 1;
            assert_ne!(n, 2);
            *seen
        })
        .unwrap();
    assert_eq!(outcome.into_options(), [Some(1), None, Some(3), Some(4)]);
}
