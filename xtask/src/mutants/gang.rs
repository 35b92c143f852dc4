//! Bugs in the pool of kept threads: who is let into a call's frame, and who is woken, counted and told when.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-seat-taken-in-two-steps",
        file: FILE,
        changes: &[(
            "        seats.open -= 1;
        seats.inside += 1;
        drop(seats);
        // SAFETY",
            "        drop(seats);
        let mut seats = self.seats.lock();
        seats.open = seats.open.saturating_sub(1);
        seats.inside += 1;
        drop(seats);
        // SAFETY",
        )],
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper finds a seat open, the call ends, and the helper sits down in a frame that is gone.",
    },
    Mutant {
        name: "seats-that-are-not-closed",
        file: FILE,
        changes: &[(
            "        seats.open = 0;
        while",
            "        while",
        )],
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper that comes after the call's end finds a seat.",
    },
    Mutant {
        name: "a-seat-left-before-the-thread-is-free",
        file: FILE,
        changes: &[(
            "                next = self.next();
                if let Some(worked) = worked {
                    invitation.leave(worked);
                }
",
            "                if let Some(worked) = worked {
                    invitation.leave(worked);
                }
                next = self.next();
",
        )],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "The next call counts on a thread that is free in a moment and is not promised it.",
    },
    Mutant {
        name: "seats-opened-after-the-promise",
        file: FILE,
        changes: &[
            (
                "        self.invitation.seats.lock().open += seats;
        let mut lists",
                "        let mut lists",
            ),
            (
                "        woken + started
    }",
                "        self.invitation.seats.lock().open += seats;
        woken + started
    }",
            ),
        ],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "A helper that was promised comes before its seat is open and goes away.",
    },
    Mutant {
        name: "a-lock-released-between-promises-and-bell",
        file: FILE,
        changes: &[(
            "            self.bell.wait(&mut lists);",
            "            drop(lists);
            lists = self.lists.lock();
            self.bell.wait(&mut lists);",
        )],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "A promise that is made between a thread's look and its wait wakes nobody.",
    },
    Mutant {
        name: "a-pool-that-closes-after-the-bell",
        file: FILE,
        changes: &[(
            "        self.hall.lists.lock().closing = true;
        self.hall.bell.notify_all();
",
            "        self.hall.bell.notify_all();
        self.hall.lists.lock().closing = true;
",
        )],
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A thread that is woken before the pool is closing waits again, for ever.",
    },
    Mutant {
        name: "a-panic-told-after-leaving",
        file: FILE,
        changes: &[(
            "        if let Err(payload) = worked {
            seats.panic.get_or_insert(payload);
        }
        seats.inside -= 1;
        if seats.inside == 0 {
            self.empty.notify_one();
        }
",
            "        seats.inside -= 1;
        if seats.inside == 0 {
            self.empty.notify_one();
        }
        drop(seats);
        if let Err(payload) = worked {
            self.seats.lock().panic.get_or_insert(payload);
        }
",
        )],
        model: "thread_pool::a_panic_in_a_helper_reaches_the_caller",
        breaks: "The call ends before its last helper has told of its panic, and nobody hears of it.",
    },
    Mutant {
        name: "a-surplus-thread-that-stays",
        file: FILE,
        changes: &[("        if lists.surplus > 0 {", "        if lists.surplus > 1 {")],
        model: "thread_pool::a_forced_helper_comes_though_all_threads_are_at_work",
        breaks: "Each call that insists leaves one more thread behind.",
    },
    Mutant {
        name: "a-thread-that-goes-though-it-is-hoped-for",
        file: FILE,
        changes: &[(
            "        if let Some(invitation) = lists.hoped_for.pop_front() {
            return Next::Call(invitation);
        }
        if lists.surplus > 0 {
            lists.surplus -= 1;
            lists.threads -= 1;
            return Next::Go;
        }
",
            "        if lists.surplus > 0 {
            lists.surplus -= 1;
            lists.threads -= 1;
            return Next::Go;
        }
        if let Some(invitation) = lists.hoped_for.pop_front() {
            return Next::Call(invitation);
        }
",
        )],
        model: "thread_pool::a_forced_helper_comes_though_all_threads_are_at_work",
        breaks: "A seat waits for a thread, and the one that is free goes.",
    },
];

const FILE: &str = "src/pool/gang.rs";
