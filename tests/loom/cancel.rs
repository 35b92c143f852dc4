//! The cancel token: what one thread asks for, and when another one sees it.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::mpsc::channel;
use loom::thread;
use manyhands::{CancelToken, job::CancelReason};
use std::time::Duration;

/// Proves: a child that was made before, or is made meanwhile, is cancelled for a thread that is handed something by the thread
/// that cancelled the parent, and no thread ever sees a cancellation undone. Leaves out: how soon it is seen without a
/// hand-over; relaxed promises no time.
#[test]
fn a_thread_that_hears_of_a_cancellation_sees_it_in_every_child() {
    crate::check(3, || {
        let parent = CancelToken::new();
        let child = parent.child();
        let (notify, notified) = channel();
        let canceller = {
            let parent = parent.clone();
            thread::spawn(move || {
                parent.cancel();
                notify.send(()).unwrap();
            })
        };
        let early = child.is_cancelled();
        let grandchild = child.child();
        let later = grandchild.is_cancelled();
        assert!(!early || later, "a cancellation was undone");
        notified.recv().unwrap();
        assert!(parent.is_cancelled() && child.is_cancelled() && grandchild.is_cancelled());
        canceller.join().unwrap();
    });
}

/// Proves: a child's own cancellation never reaches its parent or its sibling, whichever thread asks and whenever. Leaves out:
/// more than one generation below the parent.
#[test]
fn a_child_that_is_cancelled_leaves_its_parent_and_its_sibling_as_they_are() {
    crate::check(3, || {
        let parent = CancelToken::new();
        let (child, sibling) = (parent.child(), parent.child());
        let their_child = child.clone();
        let canceller = thread::spawn(move || their_child.cancel());
        let early = child.is_cancelled();
        let beside = sibling.child();
        assert!(!parent.is_cancelled() && !sibling.is_cancelled() && !beside.is_cancelled());
        canceller.join().unwrap();
        assert!(child.is_cancelled(), "seen early: {early}");
        assert!(!parent.is_cancelled() && !sibling.is_cancelled() && !beside.is_cancelled());
    });
}

/// Proves: of a cancellation and a deadline that has passed, the one that was seen first stays the reason, whichever thread asks.
/// Leaves out: a deadline that passes during the model, whose time stands still.
#[test]
fn the_reason_that_was_seen_first_stays() {
    crate::check(3, || {
        let token = CancelToken::new().with_time_limit(Duration::ZERO);
        let other = token.clone();
        let asker = thread::spawn(move || {
            other.cancel();
            other.cancel_reason()
        });
        let seen = token.cancel_reason();
        assert!(seen.is_some(), "the time is up");
        let theirs = asker.join().unwrap();
        assert_eq!(token.cancel_reason(), seen);
        assert_eq!(theirs, seen);
    });
}

/// Proves: the same for a cancellation that a token sees in the generation two above it, while another thread finds the
/// token's own time to be up. Leaves out: longer lines.
#[test]
fn a_reason_that_was_seen_in_an_earlier_generation_stays() {
    crate::check(4, || {
        let night = CancelToken::new();
        let late = night.child().with_time_limit(Duration::ZERO);
        let (theirs, canceller) = (late.clone(), night.clone());
        let asker = thread::spawn(move || theirs.cancel_reason());
        canceller.cancel();
        let seen = late.cancel_reason();
        let asked = asker.join().unwrap();
        assert_eq!(late.cancel_reason(), seen);
        assert_eq!(asked, seen);
        assert_eq!(night.cancel_reason(), Some(CancelReason::Requested));
    });
}

/// Proves: a child that is made while its parent is being cancelled is never left running, nor is a child of that child.
/// Leaves out: deadlines.
#[test]
fn no_child_is_left_running_that_is_made_during_a_cancellation() {
    crate::check(4, || {
        let parent = CancelToken::new();
        let canceller = {
            let parent = parent.clone();
            thread::spawn(move || parent.cancel())
        };
        let child = parent.child();
        let grandchild = child.child();
        // A token that was cancelled when it was asked stays cancelled; the youngest is asked first.
        let (young, old) = (grandchild.is_cancelled(), child.is_cancelled());
        assert!(!young || old && child.is_cancelled());
        canceller.join().unwrap();
        for token in [&parent, &child, &grandchild] {
            assert_eq!(token.cancel_reason(), Some(CancelReason::Requested));
        }
    });
}

/// Proves: the token is relaxed, as it says: there is an interleaving in which a thread sees the cancellation and yet must
/// not read what was written before it. Leaves out: which machines show that.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_cancellation_that_is_seen_hands_over_no_data() {
    crate::check(3, || {
        let token = CancelToken::new();
        let data = Arc::new(UnsafeCell::new(0));
        let (their_token, their_data) = (token.clone(), Arc::clone(&data));
        let writer = thread::spawn(move || {
            // SAFETY: no other thread writes; that the reader below races with it is what loom must find.
            their_data.with_mut(|data| unsafe { *data = 1 });
            their_token.cancel();
        });
        if token.is_cancelled() {
            // SAFETY: loom runs one thread at a time and reports the race before the pointer is followed.
            data.with(|data| unsafe { assert_eq!(*data, 1) });
        }
        writer.join().unwrap();
    });
}
