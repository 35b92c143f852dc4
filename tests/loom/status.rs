//! The page between a worker process and its caller: which side gets a frame, which item a time belongs to, when a slot may be filled again.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::mpsc::channel;
use loom::thread;
use manyhands::modelled_parts::{Frames, StatusPage};

/// Proves: a frame that a worker begins while its caller takes it back goes to exactly one of them, and a frame that was sent
/// after it in the same place is not mistaken for it. Leaves out: a frame that is sent over one that
/// was taken back and not looked at yet; its number in the mark identifies it.
#[test]
fn a_frame_is_begun_or_taken_back_and_never_both() {
    crate::check(3, || {
        let frames = Arc::new(Frames::default());
        frames.send(3);
        let theirs = Arc::clone(&frames);
        let worker = thread::spawn(move || theirs.begin(3));
        let taken_back = frames.take_back(3);
        if taken_back {
            frames.send(19);
            assert!(frames.take_back(19), "a frame that no other thread knows of");
        }
        assert_ne!(worker.join().unwrap(), taken_back);
    });
}

/// Proves: a running item is never reported with a time from before it began, so that no item is killed for the time of the one
/// before it. Leaves out: a time that is too late, which only makes the caller look once more.
#[test]
fn an_item_is_never_reported_with_the_time_of_the_one_before_it() {
    crate::check(3, || {
        let page = Arc::new(StatusPage::default());
        let theirs = Arc::clone(&page);
        let worker = thread::spawn(move || {
            theirs.begin(0, 10);
            theirs.end();
            theirs.begin(1, 20);
        });
        if let Some((position, since)) = page.in_hand() {
            assert!(since >= [10, 20][position], "item {position} in hand since {since}");
        }
        worker.join().unwrap();
        assert_eq!(page.in_hand(), Some((1, 20)));
    });
}

/// What both processes map.
struct Slot {
    page: StatusPage,
    body: UnsafeCell<u32>,
}

/// Proves: a slot is never filled while its reader is still at what lay in it before. Leaves out: slots that are replaced by
/// larger ones, which are new memory.
#[test]
fn a_slot_is_filled_again_only_when_it_was_read() {
    crate::check(3, || {
        let slot = Arc::new(Slot { page: StatusPage::default(), body: UnsafeCell::new(0) });
        let theirs = Arc::clone(&slot);
        let (send, frames) = channel();
        let reader = thread::spawn(move || {
            frames.recv().unwrap();
            // SAFETY: the checker fails the model where another thread writes at the same time; that is what it is for.
            let body = theirs.body.with(|body| unsafe { *body });
            theirs.page.give_free();
            body
        });
        let fill = |with| {
            slot.page.take();
            // SAFETY: as above, for any other access.
            slot.body.with_mut(|body| unsafe { *body = with });
        };
        fill(1);
        send.send(()).unwrap();
        if slot.page.is_free() {
            fill(2);
        }
        assert_eq!(reader.join().unwrap(), 1);
    });
}
