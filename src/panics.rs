//! The text of a caught panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
