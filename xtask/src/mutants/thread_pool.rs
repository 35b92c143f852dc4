//! Bugs in the pool of kept threads: who is let into a call's frame, and who is woken, counted and told when.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-slot-taken-in-two-steps",
        file: FILE,
        changes: &[(
            "        slots.open -= 1;
        slots.inside += 1;
        drop(slots);
        // SAFETY",
            "        drop(slots);
        let mut slots = self.slots.lock();
        slots.open = slots.open.saturating_sub(1);
        slots.inside += 1;
        drop(slots);
        // SAFETY",
        )],
        model: "gang::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper finds a slot open, the call ends, and the helper sits down in a frame that is gone.",
    },
    Mutant {
        name: "slots-that-are-not-closed",
        file: FILE,
        changes: &[(
            "        slots.open = 0;
        while",
            "        while",
        )],
        model: "gang::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper that comes after the call's end finds a slot.",
    },
    Mutant {
        name: "a-slot-left-before-the-thread-is-free",
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
        model: "gang::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "The next call counts on a thread that is free in a moment and is not assigned it.",
    },
    Mutant {
        name: "slots-opened-after-the-promise",
        file: FILE,
        changes: &[
            (
                "        self.invitation.slots.lock().open += slots;
        let mut queues",
                "        let mut queues",
            ),
            (
                "        woken + started
    }",
                "        self.invitation.slots.lock().open += slots;
        woken + started
    }",
            ),
        ],
        model: "gang::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "A helper that was assigned comes before its slot is open and goes away.",
    },
    Mutant {
        name: "a-lock-released-between-promises-and-wakeup",
        file: FILE,
        changes: &[(
            "            self.wakeup.wait(&mut queues);",
            "            drop(queues);
            queues = self.queues.lock();
            self.wakeup.wait(&mut queues);",
        )],
        model: "gang::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "A promise that is made between a thread's look and its wait wakes nobody.",
    },
    Mutant {
        name: "a-pool-that-closes-after-the-wakeup",
        file: FILE,
        changes: &[(
            "        self.shared.queues.lock().closing = true;
        self.shared.wakeup.notify_all();
",
            "        self.shared.wakeup.notify_all();
        self.shared.queues.lock().closing = true;
",
        )],
        model: "gang::a_call_returns_only_when_every_helper_has_left",
        breaks: "A thread that is woken before the pool is closing waits again, for ever.",
    },
    Mutant {
        name: "a-panic-told-after-leaving",
        file: FILE,
        changes: &[(
            "        if let Err(payload) = worked {
            slots.panic.get_or_insert(payload);
        }
        slots.inside -= 1;
        if slots.inside == 0 {
            self.empty.notify_one();
        }
",
            "        slots.inside -= 1;
        if slots.inside == 0 {
            self.empty.notify_one();
        }
        drop(slots);
        if let Err(payload) = worked {
            self.slots.lock().panic.get_or_insert(payload);
        }
",
        )],
        model: "gang::a_panic_in_a_helper_reaches_the_caller",
        breaks: "The call ends before its last helper has told of its panic, and nobody hears of it.",
    },
    Mutant {
        name: "a-surplus-thread-that-stays",
        file: FILE,
        changes: &[("        if queues.surplus > 0 {", "        if queues.surplus > 1 {")],
        model: "gang::who_insists_has_a_helper_though_all_are_at_work",
        breaks: "MapFn call that insists leaves one more thread behind.",
    },
    Mutant {
        name: "a-thread-that-goes-though-it-is-hoped-for",
        file: FILE,
        changes: &[(
            "        if let Some(invitation) = queues.queued.pop_front() {
            return NextTask::Call(invitation);
        }
        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Go;
        }
",
            "        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Go;
        }
        if let Some(invitation) = queues.queued.pop_front() {
            return NextTask::Call(invitation);
        }
",
        )],
        model: "gang::who_insists_has_a_helper_though_all_are_at_work",
        breaks: "A slot waits for a thread, and the one that is free goes.",
    },
];

const FILE: &str = "src/backend/thread_pool.rs";
