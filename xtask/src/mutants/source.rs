//! Bugs between the thread that reads an iterator and the one that takes its items: lost wake-ups, and what comes after the end.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-caller-that-looks-for-items-and-then-waits",
        file: FILE,
        changes: &[(
            "            state.is_awaited = true;
",
            "            drop(state);
            state = self.state.lock();
            state.is_awaited = true;
",
        )],
        model: "source::every_item_comes_through_room_for_one",
        breaks: "An item that comes between the caller's look and its wait wakes no thread.",
    },
    Mutant {
        name: "a-reader-that-looks-for-room-and-then-waits",
        file: FILE,
        changes: &[(
            "                state.waits_for_room = true;
",
            "                state.waits_for_room = true;
                drop(state);
                state = self.state.lock();
",
        )],
        model: "source::every_item_comes_through_room_for_one",
        breaks: "Room that is made between the reader's look and its wait wakes no thread.",
    },
    Mutant {
        name: "an-end-judged-before-the-iterator-is-called",
        file: FILE,
        changes: &[
            (
                "        state.is_in_iterator = true;
        drop(state);",
                "        state.is_in_iterator = true;
        let is_closed = state.is_closed;
        drop(state);",
            ),
            ("        if state.is_closed {", "        if is_closed {"),
        ],
        model: "source::the_end_of_a_run_ends_the_reading_and_drops_what_came",
        breaks: "An item that comes after the end of the run is kept in a queue that no thread takes from, and the iterator with it.",
    },
    Mutant {
        name: "an-end-that-wakes-no-reader",
        file: FILE,
        changes: &[(
            "        state.is_closed = true;
        self.room.notify_one();
",
            "        state.is_closed = true;
",
        )],
        model: "source::the_end_of_a_run_ends_the_reading_and_drops_what_came",
        breaks: "A reading thread that waits for room when the run ends waits for ever.",
    },
    Mutant {
        name: "a-wait-that-the-reader-learns-of-too-late",
        file: FILE,
        changes: &[
            (
                "            let is_open;
",
                "            let is_open;
            let is_awaited = std::mem::take(&mut state.is_awaited);
",
            ),
            ("            if std::mem::take(&mut state.is_awaited) {", "            if is_awaited {"),
        ],
        model: "source::every_item_comes_through_room_for_two",
        breaks: "The reader notes whether the caller waits before it calls the iterator, and does not wake one that came meanwhile.",
    },
];

const FILE: &str = "src/run/source.rs";
