//! Bugs in the thread pool: a slot is entered too late, a thread is woken or counted too late, or a panic is lost.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-slot-taken-in-two-steps",
        file: FILE,
        changes: &[(
            "        slots.open -= 1;
        slots.active += 1;
        drop(slots);
        // SAFETY",
            "        drop(slots);
        let mut slots = self.slots.lock();
        slots.open = slots.open.saturating_sub(1);
        slots.active += 1;
        drop(slots);
        // SAFETY",
        )],
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper finds an open slot, the call ends, and the helper enters a frame that is gone.",
    },
    Mutant {
        name: "slots-that-are-not-closed",
        file: FILE,
        changes: &[(
            "        slots.open = 0;
        while",
            "        while",
        )],
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A helper that arrives after the end of the call finds an open slot.",
    },
    Mutant {
        name: "a-slot-left-before-the-thread-is-free",
        file: FILE,
        changes: &[(
            "                next = self.next_task();
                if let Some(result) = result {
                    task.leave(result);
                }
",
            "                if let Some(result) = result {
                    task.leave(result);
                }
                next = self.next_task();
",
        )],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "The next call does not find the thread idle, although its call has ended.",
    },
    Mutant {
        name: "slots-opened-after-the-assignment",
        file: FILE,
        changes: &[
            (
                "        self.task.slots.lock().open += slots;
        let mut queues",
                "        let mut queues",
            ),
            (
                "        woken + started
    }",
                "        self.task.slots.lock().open += slots;
        woken + started
    }",
            ),
        ],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "An assigned helper arrives before its slot is open and leaves.",
    },
    Mutant {
        name: "a-lock-released-between-assigned-and-wakeup",
        file: FILE,
        changes: &[(
            "            self.wakeup.wait(&mut queues);",
            "            drop(queues);
            queues = self.queues.lock();
            self.wakeup.wait(&mut queues);",
        )],
        model: "thread_pool::a_helper_that_is_sure_to_come_comes_and_is_free_for_the_next_call",
        breaks: "The wakeup for a slot that is assigned between a thread's check and its wait is lost.",
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
        model: "thread_pool::a_call_returns_only_when_every_helper_has_left",
        breaks: "A thread that is woken before the pool is marked as closing waits forever.",
    },
    Mutant {
        name: "a-panic-stored-after-leaving",
        file: FILE,
        changes: &[(
            "        if let Err(payload) = result {
            self.keep_panic(payload);
        }
        let mut slots = self.slots.lock();
        slots.active -= 1;
        if slots.active == 0 {
            self.empty.notify_one();
        }
",
            "        let mut slots = self.slots.lock();
        slots.active -= 1;
        if slots.active == 0 {
            self.empty.notify_one();
        }
        drop(slots);
        if let Err(payload) = result {
            self.keep_panic(payload);
        }
",
        )],
        model: "thread_pool::a_panic_in_a_helper_reaches_the_caller",
        breaks: "The call ends before its last helper has stored its panic, and the panic is lost.",
    },
    Mutant {
        name: "a-surplus-thread-that-stays",
        file: FILE,
        changes: &[("        if queues.surplus > 0 {", "        if queues.surplus > 1 {")],
        model: "thread_pool::a_forced_helper_comes_though_all_threads_are_at_work",
        breaks: "Each forced helper leaves one more thread behind.",
    },
    Mutant {
        name: "a-thread-that-ends-while-a-slot-is-queued",
        file: FILE,
        changes: &[(
            "        if let Some(task) = queues.queued.pop_front() {
            return NextTask::Run(task);
        }
        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Exit;
        }
",
            "        if queues.surplus > 0 {
            queues.surplus -= 1;
            queues.threads -= 1;
            return NextTask::Exit;
        }
        if let Some(task) = queues.queued.pop_front() {
            return NextTask::Run(task);
        }
",
        )],
        model: "thread_pool::a_forced_helper_comes_though_all_threads_are_at_work",
        breaks: "A slot is queued, and the free thread ends instead of entering it.",
    },
];

const FILE: &str = "src/backend/thread_pool.rs";
