//! The text of a caught panic, and values of the caller's types that are dropped without a panic of their destructor.
//!
//! Every value of a caller's type that a run drops by itself goes through [`drop_caught`] or [`drop_each`]: an item, a
//! value, an error, a state, the shared value, the input. [`Held`] and [`OneByOne`] hold such values where a panic of
//! another closure may unwind through them, or an error may end the call. [`run_then_drop`] does the same for closures.
//! The page of [`job`](crate::job#destructors-that-panic) says where the panic of each of them ends.

use std::any::Any;
use std::fmt;
use std::mem::needs_drop;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

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

/// Drops a value where a panic of its destructor can be no warning: the call ends by an error or by another panic, or
/// has ended. It becomes an event of `tracing`.
pub(crate) fn drop_logged<V>(value: V) {
    if let Err(message) = drop_caught(value) {
        log_drop_panic(&message);
    }
}

/// [`drop_logged`] for each of some values.
pub(crate) fn drop_each_logged<V>(values: impl IntoIterator<Item = V>) {
    drop_each(values, |_, message| log_drop_panic(&message));
}

/// Says that a destructor panicked. A panic of the subscriber goes no further, as another one may unwind here.
pub(crate) fn log_drop_panic(message: &str) {
    let log = || tracing::warn!(panicked = message, "a destructor panicked, and no outcome can say so");
    if let Err(payload) = catch_unwind(AssertUnwindSafe(log)) {
        into_message(payload);
    }
}

/// A value of a caller's type that is dropped by [`drop_logged`], also while a closure of the caller unwinds.
pub(crate) struct Held<V>(Option<V>);

impl<V> Held<V> {
    pub(crate) fn new(value: V) -> Self {
        Self(Some(value))
    }

    pub(crate) fn into_inner(mut self) -> V {
        self.0.take().expect(IS_HELD)
    }
}

const IS_HELD: &str = "a value is there until it is taken out, which consumes its holder";

impl<V> Deref for Held<V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.0.as_ref().expect(IS_HELD)
    }
}

impl<V> DerefMut for Held<V> {
    fn deref_mut(&mut self) -> &mut V {
        self.0.as_mut().expect(IS_HELD)
    }
}

impl<V> Drop for Held<V> {
    fn drop(&mut self) {
        drop_logged(self.0.take());
    }
}

impl<V: fmt::Debug> fmt::Debug for Held<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Values of a caller's type that are dropped by [`drop_each_logged`], also while a closure of the caller unwinds. Its
/// iterator drops those that are left in the same way.
///
/// A plain list drops its other values while the panic of one unwinds, and a second panic then ends the program.
#[derive(Clone, PartialEq)]
pub(crate) struct OneByOne<V>(Vec<V>);

impl<V> OneByOne<V> {
    /// The values as a plain list, for the program.
    pub(crate) fn into_vec(mut self) -> Vec<V> {
        std::mem::take(&mut self.0)
    }
}

impl<V> Default for OneByOne<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> From<Vec<V>> for OneByOne<V> {
    fn from(values: Vec<V>) -> Self {
        Self(values)
    }
}

impl<V> Deref for OneByOne<V> {
    type Target = Vec<V>;

    fn deref(&self) -> &Vec<V> {
        &self.0
    }
}

impl<V> DerefMut for OneByOne<V> {
    fn deref_mut(&mut self) -> &mut Vec<V> {
        &mut self.0
    }
}

impl<V> Drop for OneByOne<V> {
    fn drop(&mut self) {
        drop_each_logged(std::mem::take(&mut self.0));
    }
}

impl<V: fmt::Debug> fmt::Debug for OneByOne<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V> IntoIterator for OneByOne<V> {
    type Item = V;
    type IntoIter = IntoOneByOne<V>;

    fn into_iter(self) -> IntoOneByOne<V> {
        IntoOneByOne(self.into_vec().into_iter())
    }
}

/// The iterator of [`OneByOne`].
pub(crate) struct IntoOneByOne<V>(std::vec::IntoIter<V>);

impl<V> IntoOneByOne<V> {
    /// The next value, if this is true of it. No value is taken out to be looked at, as `Peekable` would.
    pub(crate) fn next_if(&mut self, is_wanted: impl FnOnce(&V) -> bool) -> Option<V> {
        if self.0.as_slice().first().is_some_and(is_wanted) { self.0.next() } else { None }
    }
}

impl<V> Iterator for IntoOneByOne<V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<V> Drop for IntoOneByOne<V> {
    fn drop(&mut self) {
        drop_each_logged(&mut self.0);
    }
}

/// What is made of several values of a caller's types, such as closures.
///
/// Rust drops the parts of a value that are left while the panic of one unwinds, so two destructors that panic would
/// end the program. This drops them apart.
#[expect(unnameable_types, reason = "tasks are sealed by it")]
pub trait DropApart {
    /// Drops each part by itself. `panicked` gets the texts of panics.
    fn drop_apart(self, panicked: &mut Vec<String>);
}

/// A value without parts.
pub(crate) struct Whole<V>(pub(crate) V);

impl<V> DropApart for Whole<V> {
    fn drop_apart(self, panicked: &mut Vec<String>) {
        panicked.extend(drop_caught(self.0).err());
    }
}

impl<A: DropApart, B: DropApart, C: DropApart, D: DropApart> DropApart for (A, B, C, D) {
    fn drop_apart(self, panicked: &mut Vec<String>) {
        let (a, b, c, d) = self;
        a.drop_apart(panicked);
        b.drop_apart(panicked);
        c.drop_apart(panicked);
        d.drop_apart(panicked);
    }
}

/// Drops the parts of a value where the call has no place for a warning.
pub(crate) fn drop_apart_logged(values: impl DropApart) {
    let mut panicked = Vec::new();
    values.drop_apart(&mut panicked);
    panicked.iter().for_each(|message| log_drop_panic(message));
}

/// Runs `run` with values whose parts are dropped afterwards, whatever becomes of it. The panics of their destructors
/// are the second part of what it gives: they neither take the result with them nor abort while `run` unwinds.
///
/// # Panics
/// With the panic of `run`. The texts of destructors then become events of `tracing`.
pub(crate) fn run_then_drop<V: DropApart, A>(mut values: V, run: impl FnOnce(&mut V) -> A) -> (A, Vec<String>) {
    let ended = catch_unwind(AssertUnwindSafe(|| run(&mut values)));
    let mut dropped = Vec::new();
    values.drop_apart(&mut dropped);
    match ended {
        Ok(result) => (result, dropped),
        Err(payload) => {
            dropped.iter().for_each(|message| log_drop_panic(message));
            resume_unwind(payload)
        }
    }
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
