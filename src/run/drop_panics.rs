//! Destructors of the caller's values that panicked in a run, until they become warnings of its outcome.
//!
//! Promise: a panic of a destructor costs the value that it belongs to, and nothing else: no other value, no item, and
//! not the run. The first hundred are named one by one and the others counted, so memory stays bounded.
//!
//! The gatherer, the delivery and the input each have one; `run_loop.rs` brings them together.

use crate::backend::contract::{DropPanic, Dropped};
use crate::error::Error;
use crate::failure::ItemFailure;
use crate::panics::{drop_caught, log_drop_panic};

/// More panics than these are counted only.
const NAMED: usize = 100;

/// Destructors that panicked, with the index of the item where one belongs to it.
#[derive(Debug, Default)]
pub(crate) struct DropPanics {
    named: Vec<DropPanic>,
    n_more: usize,
}

impl DropPanics {
    /// Notes a panic.
    pub(crate) fn note(&mut self, panic: DropPanic) {
        if self.named.len() < NAMED {
            self.named.push(panic);
        } else {
            self.n_more += 1;
        }
    }

    /// Drops a value, and notes the panic of its destructor.
    pub(crate) fn drop_caught<V>(&mut self, dropped: Dropped, value: V) {
        if let Err(message) = drop_caught(value) {
            self.note(DropPanic { dropped, message });
        }
    }

    /// Drops the result of the item with this index.
    pub(crate) fn drop_result<R, E>(&mut self, index: usize, result: Result<R, ItemFailure<E>>) {
        match result {
            Ok(value) => self.drop_caught(Dropped::Value(index), value),
            Err(failure) => self.drop_caught(Dropped::Error(index), failure),
        }
    }

    /// Adds those of another part of the run.
    pub(crate) fn append(&mut self, other: Self) {
        other.named.into_iter().for_each(|panic| self.note(panic));
        self.n_more += other.n_more;
    }

    /// The warnings about destructors of this kind of value that panicked with these texts.
    pub(crate) fn warnings_of(dropped: Dropped, messages: Vec<String>) -> impl Iterator<Item = Error> {
        let mut panics = Self::default();
        messages.into_iter().for_each(|message| panics.note(DropPanic { dropped, message }));
        panics.into_warnings()
    }

    /// Makes events of them, of a call that has no outcome to hold warnings.
    pub(crate) fn log(self) {
        self.into_warnings().for_each(|warning| log_drop_panic(&warning.to_string()));
    }

    /// A warning for each, and one for all that are counted only.
    pub(crate) fn into_warnings(self) -> impl Iterator<Item = Error> {
        let named = self.named.into_iter().map(|DropPanic { dropped, message }| {
            Error::destructor(format!("the destructor of {dropped} panicked: {message}"))
        });
        let more = (self.n_more > 0).then(|| Error::destructor(format!("{} more destructors panicked", self.n_more)));
        named.chain(more)
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_panics_are_named_and_the_others_counted() {
        let mut all = DropPanics::default();
        for half in [0..60, 60..150] {
            let mut panics = DropPanics::default();
            half.for_each(|n| panics.note(DropPanic { dropped: Dropped::Item(n), message: "sprung".to_owned() }));
            all.append(panics);
        }
        let texts: Vec<String> = all.into_warnings().map(|warning| warning.to_string()).collect();
        assert_eq!(texts.len(), 101);
        assert_eq!(texts[99], "the destructor of item 99 panicked: sprung");
        assert_eq!(texts[100], "50 more destructors panicked");
    }
}
