//! Bugs in the locks' protocol: the handshake, the line, and the wake-ups.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-handshake-without-its-fence",
        file: "src/sync/handshake.rs",
        changes: &[("fence(Ordering::SeqCst);", "fence(Ordering::AcqRel);")],
        model: "lock::striped_readers_see_whole_values_and_all_threads_end",
        breaks: "Reader and writer each announce themselves and do not see the other, and both go in.",
    },
    Mutant {
        name: "a-look-that-acquires-nothing",
        file: "src/sync/handshake.rs",
        changes: &[("const LOOK: Ordering = Ordering::Acquire;", "const LOOK: Ordering = Ordering::Relaxed;")],
        model: "lock::what_was_done_under_the_lock_is_seen_under_the_lock",
        breaks: "A thread that enters sees that the other has left, and not what it wrote.",
    },
    Mutant {
        name: "a-look-at-the-gate-before-counting-in",
        file: FILE,
        changes: &[(
            "        if !self.count_in(stripe) {
            refuse();
        }
        if self.has_no_writer() {",
            "        let is_open = self.has_no_writer();
        if !self.count_in(stripe) {
            refuse();
        }
        if is_open {",
        )],
        model: "lock::striped_readers_see_whole_values_and_all_threads_end",
        breaks: "A writer comes in between a reader's look and its counting in.",
    },
    Mutant {
        name: "an-owner-that-does-not-wait",
        file: FILE,
        changes: &[(
            "        } else if !self.is_empty() {
            self.wait_until_empty();
        }",
            "        }",
        )],
        model: "lock::readers_see_whole_values_and_all_threads_end",
        breaks: "A writer that finds the gate open goes in beside the readers.",
    },
    Mutant {
        name: "an-owner-that-looks-before-it-says-that-it-sleeps",
        file: FILE,
        changes: &[(
            "        sync::announce(self.words.gate(), OWNER_ASLEEP); // pairs with `leave`
        while !self.is_empty() {
            self.moved.wait(&mut line);
        }",
            "        let mut is_empty = self.is_empty();
        sync::announce(self.words.gate(), OWNER_ASLEEP); // pairs with `leave`
        while !is_empty {
            self.moved.wait(&mut line);
            is_empty = self.is_empty();
        }",
        )],
        model: "lock::readers_see_whole_values_and_all_threads_end",
        breaks: "The last reader leaves between the owner's look and its mark, and wakes no thread.",
    },
    Mutant {
        name: "a-reader-that-leaves-without-a-wake-up",
        file: FILE,
        changes: &[(
            "        if sync::look(self.words.gate()) & OWNER_ASLEEP != 0 {
            self.wake();
        }",
            "",
        )],
        model: "lock::striped_readers_see_whole_values_and_all_threads_end",
        breaks: "An owner sleeps for ever over readers that have left.",
    },
    Mutant {
        name: "an-owner-that-leaves-without-a-wake-up",
        file: FILE,
        changes: &[(
            "        if before != WRITER {
            self.wake(); // a thread is in line
        }",
            "        let _ = before;",
        )],
        model: "lock::writers_exclude_each_other",
        breaks: "A thread in line is not woken when the owner leaves.",
    },
    Mutant {
        name: "a-wake-up-beside-the-line",
        file: FILE,
        changes: &[("let _line = self.line.lock();", "")],
        model: "lock::writers_exclude_each_other",
        breaks: "The wake-up falls between a waiting thread's look and its sleep.",
    },
    Mutant {
        name: "a-line-that-does-not-ask-for-the-owner",
        file: FILE,
        changes: &[("while !line.is_turn_of(number) || self.has_owner(&line) {", "while !line.is_turn_of(number) {")],
        model: "lock::writers_exclude_each_other",
        breaks: "The first writer in line goes in beside the owner.",
    },
    Mutant {
        name: "a-reader-in-line-without-a-mark-on-the-gate",
        file: FILE,
        changes: &[
            ("            sync::announce(self.words.gate(), READERS_IN_LINE); // pairs with `unlock`", ""),
            ("            sync::announce(self.words.gate(), 0_u64.wrapping_sub(READERS_IN_LINE));", ""),
        ],
        model: "lock::readers_see_whole_values_and_all_threads_end",
        breaks: "The owner leaves without knowing of a reader in line, which sleeps on.",
    },
    Mutant {
        name: "a-reader-that-passes-writers-in-line",
        file: FILE,
        changes: &[("while line.owners < before || self.has_owner(&line) {", "while self.has_owner(&line) {")],
        model: "lock::a_reader_goes_in_after_a_writer_that_was_in_line_before_it",
        breaks: "A reader that came later goes in before a writer that waits.",
    },
    Mutant {
        name: "a-writer-that-passes-readers-in-line",
        file: FILE,
        changes: &[(
            "self.owners == writer && self.readers.first_key_value().is_none_or(|(&before, _)| before > writer)",
            "self.owners == writer",
        )],
        model: "lock::a_writer_goes_in_after_a_reader_that_was_in_line_before_it",
        breaks: "A writer that came later goes in before a reader that waits.",
    },
];

const FILE: &str = "src/primitives/lock/protocol.rs";
