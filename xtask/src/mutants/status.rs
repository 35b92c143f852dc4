//! Bugs in the page between a worker process and its caller: two owners of a frame, a time of another item, a slot in use.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-frame-settled-in-two-steps",
        file: FILE,
        changes: &[(
            "self.mark(number).compare_exchange(sent, word(number, what), Ordering::Relaxed, Ordering::Relaxed).is_ok()",
            "let is_mine = self.mark(number).load(Ordering::Relaxed) == sent;
        if is_mine {
            self.mark(number).store(word(number, what), Ordering::Relaxed);
        }
        is_mine",
        )],
        model: "status::a_frame_is_begun_or_taken_back_and_never_both",
        breaks: "The worker and its caller both find the frame unsettled, and its items run twice.",
    },
    Mutant {
        name: "a-position-before-its-time",
        file: FILE,
        changes: &[(
            "self.worker.in_hand.store(position as u64 + 1, Ordering::Release);",
            "self.worker.in_hand.store(position as u64 + 1, Ordering::Relaxed);",
        )],
        model: "status::an_item_is_never_reported_with_the_time_of_the_one_before_it",
        breaks: "The caller sees the item in hand with the time of the one before it, and kills it too early.",
    },
    Mutant {
        name: "a-time-read-out-of-order",
        file: FILE,
        changes: &[(
            "let before = self.worker.in_hand.load(Ordering::Acquire);",
            "let before = self.worker.in_hand.load(Ordering::Relaxed);",
        )],
        model: "status::an_item_is_never_reported_with_the_time_of_the_one_before_it",
        breaks: "The time is read before the position that it is returned with.",
    },
    Mutant {
        name: "a-slot-given-free-before-it-is-read",
        file: FILE,
        changes: &[(
            "self.in_use[slot].store(0, Ordering::Release);",
            "self.in_use[slot].store(0, Ordering::Relaxed);",
        )],
        model: "status::a_slot_is_filled_again_only_when_it_was_read",
        breaks: "The slot is filled again while its reader is still at what lay in it.",
    },
    Mutant {
        name: "a-slot-taken-without-looking-back",
        file: FILE,
        changes: &[(
            "self.in_use[slot].load(Ordering::Acquire) == 0",
            "self.in_use[slot].load(Ordering::Relaxed) == 0",
        )],
        model: "status::a_slot_is_filled_again_only_when_it_was_read",
        breaks: "Who fills the slot does not see that its reader was still at it.",
    },
];

const FILE: &str = "src/backend/process/wire/status_page.rs";
