//! Whole calls with four helpers over nine items.

use manyhands::CancelToken;
use manyhands::modelled_parts::{Call, Pool};
use manyhands::sync::{Arc, Mutex, model, spawn};

const NINE_ITEMS: Call =
    Call { n_items: 9, workers: 4, chunk: 2, window: usize::MAX, failure_limit: None, budget: None, retries: 0 };

fn run(call: Call, cancel: &CancelToken, fails: Option<usize>) -> (Vec<usize>, Vec<usize>) {
    let done = Mutex::new(Vec::new());
    let work = |item| {
        done.lock().push(item);
        if fails == Some(item) { Err("on purpose") } else { Ok(item * 10) }
    };
    let outcome = call.run(&Pool::new(), cancel, || Ok(()), work, |_| ()).expect("every worker has its state");
    let mut done = done.into_inner();
    done.sort_unstable();
    assert!(done.windows(2).all(|pair| pair[0] < pair[1]), "an item ran twice: {done:?}");
    assert!(outcome.iter().all(|(item, &value)| value == item * 10));
    (done, outcome.iter().map(|(item, _)| item).collect())
}

/// Proves: four helpers run each of nine items exactly once, for windows of any length. Leaves out: memory orderings.
#[test]
fn four_helpers_run_each_item_once() {
    for window in [1, 3, usize::MAX] {
        model(move || {
            let (done, answered) = run(Call { window, ..NINE_ITEMS }, &CancelToken::new(), None);
            assert_eq!((done.len(), answered.len()), (9, 9));
        });
    }
}

/// Proves: a failure among four helpers ends the call, and all below it is answered. Leaves out: memory orderings.
#[test]
fn a_failure_ends_the_call_and_all_below_it_is_answered() {
    for window in [2, usize::MAX] {
        model(move || {
            let call = Call { window, failure_limit: Some(1), ..NINE_ITEMS };
            let (_, answered) = run(call, &CancelToken::new(), Some(5));
            assert_eq!(answered, [0, 1, 2, 3, 4]);
        });
    }
}

/// Proves: whenever a cancellation comes among four helpers, the call ends. Leaves out: memory orderings.
#[test]
fn a_cancelled_call_ends() {
    for window in [2, usize::MAX] {
        model(move || {
            let cancel = Arc::new(CancelToken::new());
            let canceller = Arc::clone(&cancel);
            let other = spawn(move || canceller.cancel());
            let (done, answered) = run(Call { window, ..NINE_ITEMS }, &cancel, None);
            assert_eq!(done, answered, "what ran is answered");
            other.join().expect("it only cancels");
        });
    }
}
