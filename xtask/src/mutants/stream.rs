//! Bugs in the queue of a stream: wakeups that are lost between a check and a wait.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-consumer-that-checks-and-then-waits",
        file: FILE,
        changes: &[(
            "                None => self.not_empty.wait(&mut state),",
            "                None => {
                    drop(state);
                    state = self.state.lock();
                    self.not_empty.wait(&mut state);
                }",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "A result that is pushed between the consumer's check and its wait wakes no thread.",
    },
    Mutant {
        name: "a-producer-that-checks-and-then-waits",
        file: FILE,
        changes: &[(
            "            self.not_full.wait(&mut state);",
            "            drop(state);
            state = self.state.lock();
            self.not_full.wait(&mut state);",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "Space that is made between the producer's check and its wait wakes no thread.",
    },
    Mutant {
        name: "emptiness-judged-before-the-wait-for-space",
        file: FILE,
        changes: &[
            (
                "        let mut state = self.state.lock();
        while matches!(state.phase, Phase::Open) && state.queued.len()",
                "        let mut state = self.state.lock();
        let was_empty = state.queued.is_empty();
        while matches!(state.phase, Phase::Open) && state.queued.len()",
            ),
            (
                "        let was_empty = state.queued.is_empty();
        state.queued.push_back(value);",
                "        state.queued.push_back(value);",
            ),
        ],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "A producer that waited for space uses a stale emptiness check, and does not wake the consumer.",
    },
    Mutant {
        name: "a-batch-taken-without-a-wakeup",
        file: FILE,
        changes: &[(
            "        if matches!(taken, Taken::Batch) {
            self.not_full.notify_one();
        }
",
            "",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_several",
        breaks: "A producer that waits for space is never woken.",
    },
    Mutant {
        name: "an-end-that-wakes-before-it-is-written",
        file: FILE,
        changes: &[(
            "        state.phase = Phase::Ended(end);
        self.wake_consumer(state);",
            "        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        drop(state);
        self.not_empty.notify_one();
        self.state.lock().phase = Phase::Ended(end);",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "A consumer that is woken for the end finds none yet and waits again, for ever.",
    },
    Mutant {
        name: "a-close-that-wakes-before-it-is-written",
        file: FILE,
        changes: &[
            (
                "        let mut state = self.state.lock();
        let phase = std::mem::replace",
                "        self.not_full.notify_one();
        let mut state = self.state.lock();
        let phase = std::mem::replace",
            ),
            (
                "        drop(state);
        self.not_full.notify_one();
        // Their",
                "        drop(state);
        // Their",
            ),
        ],
        model: "stream::dropping_the_answers_ends_a_run_that_waits_for_room",
        breaks: "A producer that waits for space waits for ever after the consumer has left, and so does the thread that joins it.",
    },
    Mutant {
        name: "a-waker-left-after-the-check",
        file: FILE,
        changes: &[(
            "        std::mem::swap(&mut state.waker, &mut waker);",
            "        drop(state);
        std::mem::swap(&mut self.state.lock().waker, &mut waker);",
        )],
        model: "stream::an_executor_is_woken_for_each_answer",
        breaks: "A push between a poll's check and its leaving of a waker wakes no task.",
    },
    Mutant {
        name: "an-end-that-wakes-no-waker",
        file: FILE,
        changes: &[(
            "        state.phase = Phase::Ended(end);
        self.wake_consumer(state);",
            "        state.phase = Phase::Ended(end);
        drop(state);
        self.not_empty.notify_one();",
        )],
        model: "stream::a_future_is_woken_until_it_is_done",
        breaks: "The end wakes a thread that waits, and no task.",
    },
];

const FILE: &str = "src/stream/queue.rs";
