//! Bugs at the dispatcher of one call, where workers claim and report: a wake-up, a re-check or an order is missing.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-lock-released-between-updates-and-wait",
        file: FILE,
        changes: &[(
            "let _is_time_up = self.updates.wait_for(&mut state, until_next.min(MAX_RECV_INTERVAL));",
            "drop(state);
        state = self.state.lock();
        let _is_time_up = self.updates.wait_for(&mut state, until_next.min(MAX_RECV_INTERVAL));",
        )],
        model: "dispatcher::each_position_is_claimed_and_reported_exactly_once",
        breaks: "The wakeup for a report between the caller's check and its wait is lost.",
    },
    Mutant {
        name: "a-lock-released-between-claim-and-wait",
        file: FILE,
        changes: &[(
            "Assignment::Wait => self.window_moved.wait(&mut state),",
            "Assignment::Wait => {
                    drop(state);
                    state = self.state.lock();
                    self.window_moved.wait(&mut state);
                }",
        )],
        model: "dispatcher::claims_wait_for_a_window_of_one_and_go_on",
        breaks: "The wakeup for a window that moves between a worker's claim and its wait is lost.",
    },
    Mutant {
        name: "a-cancelled-end-without-a-wakeup",
        file: FILE,
        changes: &[(
            "        if state.busy == 0 {
            self.updates.notify_one();
        }
        Assignment::Exit",
            "        Assignment::Exit",
        )],
        model: "dispatcher::a_cancelled_call_ends_whenever_the_cancellation_comes",
        breaks: "Workers that find the call cancelled leave, and the caller keeps waiting for them.",
    },
    Mutant {
        name: "an-error-without-a-wakeup",
        file: FILE,
        changes: &[(
            "        self.fence.store(0, Ordering::Relaxed);
        self.updates.notify_one();
",
            "        self.fence.store(0, Ordering::Relaxed);
",
        )],
        model: "dispatcher::a_worker_without_its_state_ends_the_call",
        breaks: "The last worker fails to make its state, and the caller keeps waiting for its report.",
    },
    Mutant {
        name: "a-window-that-moves-before-the-fence",
        file: FILE,
        changes: &[
            (
                "        if falls {
            // The minimum, because a worker may lower the fence at the same time.
            self.fence.fetch_min(verdict.fence, Ordering::Relaxed);
        }
",
                "",
            ),
            (
                "            if changes {
                self.window_moved.notify_all();
            }
",
                "            if changes {
                self.window_moved.notify_all();
            }
            drop(state);
            self.fence.fetch_min(verdict.fence, Ordering::Relaxed);
",
            ),
        ],
        model: "dispatcher::behind_a_window_of_one_nothing_above_the_last_failure_runs",
        breaks: "A worker claims beyond the last failure, after the window moved and before the fence fell.",
    },
    Mutant {
        name: "an-aborted-call-without-a-wakeup",
        file: FILE,
        changes: &[(
            "        let _state = self.state.lock();
        self.fence.store(0, Ordering::Relaxed);
        self.window_moved.notify_all();
",
            "        let _state = self.state.lock();
        self.fence.store(0, Ordering::Relaxed);
",
        )],
        model: "dispatcher::a_panic_of_the_callers_part_leaves_no_worker_waiting",
        breaks: "When the caller's part panics, a worker keeps waiting for the window.",
    },
    Mutant {
        name: "a-worker-that-leaves-before-the-verdict",
        file: FILE,
        changes: &[(
            "self.may_retry && (state.busy > 0 || state.unjudged > 0 || !state.retries.is_empty())",
            "self.may_retry && (state.busy > 0 || !state.retries.is_empty())",
        )],
        model: "dispatcher::a_failed_item_is_begun_again_before_the_end",
        breaks: "The caller requests a retry after all workers have left.",
    },
];

const FILE: &str = "src/backend/dispatcher.rs";
