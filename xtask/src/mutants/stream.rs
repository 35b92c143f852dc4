//! Bugs in the queue of a stream: wake-ups that fall between a look and a wait, or to nobody.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-taker-that-looks-and-then-waits",
        file: FILE,
        changes: &[(
            "                None => self.news.wait(&mut state),",
            "                None => {
                    drop(state);
                    state = self.state.lock();
                    self.news.wait(&mut state);
                }",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "An answer that comes between a taker's look and its wait wakes nobody.",
    },
    Mutant {
        name: "a-giver-that-looks-and-then-waits",
        file: FILE,
        changes: &[(
            "            self.room.wait(&mut state);",
            "            drop(state);
            state = self.state.lock();
            self.room.wait(&mut state);",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "Room that is made between a giver's look and its wait wakes nobody.",
    },
    Mutant {
        name: "news-judged-before-the-wait-for-room",
        file: FILE,
        changes: &[
            (
                "        let mut state = self.state.lock();
        while matches!(state.phase, Phase::Open) && state.lying.len()",
                "        let mut state = self.state.lock();
        let is_news = state.lying.is_empty();
        while matches!(state.phase, Phase::Open) && state.lying.len()",
            ),
            (
                "        let is_news = state.lying.is_empty();
        state.lying.push_back(one);",
                "        state.lying.push_back(one);",
            ),
        ],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "A giver that waited for room thinks that something lies there still, and does not wake who took it.",
    },
    Mutant {
        name: "a-batch-taken-in-silence",
        file: FILE,
        changes: &[(
            "        if matches!(taken, Taken::Batch) {
            self.room.notify_one();
        }
",
            "",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_several",
        breaks: "A giver that waits for room is never told of any.",
    },
    Mutant {
        name: "an-end-that-is-told-before-it-is-written",
        file: FILE,
        changes: &[(
            "        state.phase = Phase::Ended(end);
        self.tell(state);",
            "        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        drop(state);
        self.news.notify_one();
        self.state.lock().phase = Phase::Ended(end);",
        )],
        model: "stream::every_answer_comes_through_a_queue_for_one",
        breaks: "A taker that is woken for the end finds none yet and waits again, for ever.",
    },
    Mutant {
        name: "a-desertion-told-before-it-is-written",
        file: FILE,
        changes: &[
            (
                "        let mut state = self.state.lock();
        let phase = std::mem::replace",
                "        self.room.notify_one();
        let mut state = self.state.lock();
        let phase = std::mem::replace",
            ),
            (
                "        drop(state);
        self.room.notify_one();
        drop((lying, phase, waker));",
                "        drop(state);
        drop((lying, phase, waker));",
            ),
        ],
        model: "stream::dropping_the_answers_ends_a_run_that_waits_for_room",
        breaks: "A giver that waits for room from a taker who has left waits for ever, and so does who joins it.",
    },
    Mutant {
        name: "a-waker-left-after-the-look",
        file: FILE,
        changes: &[(
            "        std::mem::swap(&mut state.waker, &mut waker);",
            "        drop(state);
        std::mem::swap(&mut self.state.lock().waker, &mut waker);",
        )],
        model: "stream::an_executor_is_woken_for_each_answer",
        breaks: "News between a poll's look and its leaving of a waker wakes nobody.",
    },
    Mutant {
        name: "a-waker-that-hears-of-no-end",
        file: FILE,
        changes: &[(
            "        state.phase = Phase::Ended(end);
        self.tell(state);",
            "        state.phase = Phase::Ended(end);
        drop(state);
        self.news.notify_one();",
        )],
        model: "stream::a_future_is_woken_until_it_is_done",
        breaks: "The end wakes a thread that waits, and no task.",
    },
];

const FILE: &str = "src/stream/queue.rs";
