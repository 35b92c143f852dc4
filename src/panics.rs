//! The text of a caught panic, and values of the caller's types that are dropped without a panic of their destructor.
//!
//! Every value of a caller's type that a run drops by itself goes through [`drop_caught`] or [`drop_each`]: an item, a
//! value, an error, a state, the shared value, the input. The page of [`job`](crate::job#destructors-that-panic) says
//! where the panic of each of them ends.

use std::any::Any;
#[cfg(feature = "journal")]
use std::cell::Cell;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[cfg(feature = "journal")]
use crate::sync::{HintWord, Ordering};

/// Drops a panic's payload and returns its text. A payload whose drop panics is leaked, so that the second panic goes
/// no further.
///
/// Called where a panic of the caller's code has been caught: the function of an item, the state of a worker, its serde
/// code, a second panic of a closure. What is leaked is the payload of the second panic, as dropping it could panic
/// again.
pub(crate) fn into_message(payload: Box<dyn Any + Send>) -> String {
    let message = panic_message(&*payload);
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    message
}

/// Drops a value. A panic of its destructor goes no further: its text is the error.
///
/// What the destructor left undone stays so, and with it that value's own memory. Costs nothing for a type without a
/// destructor.
///
/// # Errors
/// With the text of the panic.
pub(crate) fn drop_caught<V>(value: V) -> Result<(), String> {
    if !needs_drop::<V>() {
        return Ok(());
    }
    catch_unwind(AssertUnwindSafe(|| drop(value))).map_err(into_message)
}

/// Drops values one by one, so that a destructor that panics keeps no other from running. `panicked` gets the number of
/// each value whose destructor panicked, and the text of the panic.
///
/// Panics are caught around all values that are left, not around each, so a value whose destructor does not panic pays
/// nothing for it.
pub(crate) fn drop_each<V>(values: impl IntoIterator<Item = V>, mut panicked: impl FnMut(usize, String)) {
    let mut values = values.into_iter();
    if !needs_drop::<V>() {
        return;
    }
    let mut dropped = 0;
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
        for value in &mut values {
            dropped += 1;
            drop(value);
        }
    })) {
        panicked(dropped - 1, into_message(payload));
    }
}

/// Runs `run` with values that are dropped afterwards, whatever becomes of it. A panic of a destructor is the second
/// part of what it gives: it neither takes the result with it nor aborts while `run` unwinds.
///
/// # Panics
/// With the panic of `run`.
pub(crate) fn run_then_drop<V, A>(mut values: V, run: impl FnOnce(&mut V) -> A) -> (A, Result<(), String>) {
    let ended = catch_unwind(AssertUnwindSafe(|| run(&mut values)));
    let dropped = drop_caught(values);
    (ended.unwrap_or_else(|payload| resume_unwind(payload)), dropped)
}

#[cfg(feature = "journal")]
crate::sync::thread_local! {
    /// Whether a panic of this thread is shown by no hook.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of which a panic is expected, and says nothing to the program's user. `None` after a panic.
///
/// The first call puts a hook in front of the program's own, to which it passes on all other panics. A hook that the
/// program sets later is in its place, and shows these, too. Where a panic ends the program, it is shown.
#[cfg(feature = "journal")]
pub(crate) fn catch_quietly<A>(code: impl FnOnce() -> A) -> Option<A> {
    put_hook_in_front();
    let was_quiet = IS_QUIET.with(|is_quiet| is_quiet.replace(cfg!(panic = "unwind")));
    let ran = catch_unwind(AssertUnwindSafe(code)).map_err(into_message).ok();
    IS_QUIET.with(|is_quiet| is_quiet.set(was_quiet));
    ran
}

#[cfg(feature = "journal")]
fn put_hook_in_front() {
    // Only what is shown depends on it: of two threads, the second may panic before the first has put it there.
    static IS_THERE: HintWord = HintWord::new(0);
    // No hook can be set while a panic unwinds.
    if std::thread::panicking() || IS_THERE.swap(1, Ordering::Relaxed) == 1 {
        return;
    }
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // A thread that is about to end has no value any more, and is not quiet.
        if !IS_QUIET.try_with(Cell::get).unwrap_or(false) {
            show(info);
        }
    }));
}

/// The text of a panic; a fixed text for a payload that is not text.
///
/// `panic!` with a literal carries a `&str`, with arguments a `String`. Anything else comes from `panic_any` or
/// `resume_unwind`. The place of the panic and its backtrace are not part of a payload.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Trap<'a>(u32, &'a RefCell<Vec<u32>>);

    impl Drop for Trap<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
            assert!(self.0 % 3 != 1, "the drop of {}", self.0);
        }
    }

    #[test]
    fn each_value_is_dropped_once_and_each_panic_named() {
        let (seen, mut panicked) = (RefCell::default(), Vec::new());
        drop_each((0..8).map(|n| Trap(n, &seen)).collect::<Vec<_>>(), |number, text| panicked.push((number, text)));
        assert_eq!(*seen.borrow(), (0..8).collect::<Vec<_>>());
        assert_eq!(panicked, [1, 4, 7].map(|n| (n as usize, format!("the drop of {n}"))));
    }

    #[test]
    fn a_value_is_dropped_without_its_panic_also_while_another_unwinds() {
        struct DropsATrap<'a>(&'a RefCell<Vec<u32>>);
        impl Drop for DropsATrap<'_> {
            fn drop(&mut self) {
                assert_eq!(drop_caught(Trap(1, self.0)), Err("the drop of 1".to_owned()));
            }
        }
        let seen = RefCell::default();
        assert_eq!(drop_caught(Trap(2, &seen)), Ok(()));
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _drops_a_trap = DropsATrap(&seen);
            panic!("outer");
        }));
        assert_eq!(into_message(unwound.unwrap_err()), "outer");
        assert_eq!(*seen.borrow(), [2, 1]);
    }
}
