//! Bugs in the cache: re-checks, wake-ups and guards of the one computation per key, and the statistics.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no-second-look-for-a-value",
        file: "src/primitives/cache/table.rs",
        changes: &[(
            "        if let Some(value) = self.find(hash, key) {
            return Slot::Value(value);
        }",
            "",
        )],
        model: "cache::of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value",
        breaks: "A key whose value came between the look-up and the lock is computed again.",
    },
    Mutant {
        name: "a-lock-released-between-look-and-lead",
        file: "src/primitives/cache/compute.rs",
        changes: &[(
            "        let computation = Computation::start();
        let flight",
            "        drop(table);
        let mut table = self.write(self.shard(hash));
        let computation = Computation::start();
        let flight",
        )],
        model: "cache::of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value",
        breaks: "Two callers of a key both find it missing, and compute it at once.",
    },
    Mutant {
        name: "a-lock-released-between-detaching-and-putting",
        file: "src/primitives/cache/lookup.rs",
        changes: &[(
            "        let detached = table.detach(hash, &key);
        let before",
            "        let detached = table.detach(hash, &key);
        drop(table);
        let mut table = self.write(self.shard(hash));
        let before",
        )],
        model: "cache::an_insert_wins_over_a_computation_that_is_under_way",
        breaks: "A computation that begins in between publishes over the value that was put there.",
    },
    Mutant {
        name: "a-flight-taken-back-in-two-steps",
        file: "src/primitives/cache/compute.rs",
        changes: &[(
            "            return; // the guard goes before the value, whose destructor may be slow, or use the cache
        };
",
            "            return; // the guard goes before the value, whose destructor may be slow, or use the cache
        };
        drop(table);
        let mut table = self.shard(lead.hash).write();
",
        )],
        model: "cache::a_detached_computation_leaves_a_later_one_alone",
        breaks: "What is removed and computed anew between taking the flight back and keeping the value is overwritten.",
    },
    Mutant {
        name: "a-completion-that-wakes-no-waiter",
        file: "src/primitives/cache/flight.rs",
        changes: &[(
            "        *self.state.lock() = FlightState::Completed(value);
        self.ended.notify_all();",
            "        *self.state.lock() = FlightState::Completed(value);",
        )],
        model: "cache::of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value",
        breaks: "Callers that wait for a value sleep on when it is there.",
    },
    Mutant {
        name: "a-completion-that-wakes-one-waiter",
        file: "src/primitives/cache/flight.rs",
        changes: &[(
            "        *self.state.lock() = FlightState::Completed(value);
        self.ended.notify_all();",
            "        *self.state.lock() = FlightState::Completed(value);
        self.ended.notify_one();",
        )],
        model: "cache::of_three_callers_one_computes_and_both_others_are_woken",
        breaks: "Of two callers that wait for a value one sleeps on.",
    },
    Mutant {
        name: "a-failure-that-wakes-no-waiter",
        file: "src/primitives/cache/compute.rs",
        changes: &[("            self.flight.fail();", "")],
        model: "cache::a_computation_that_panics_wakes_a_waiting_caller_which_computes",
        breaks: "Callers that wait for a computation that panicked wait for ever.",
    },
    Mutant {
        name: "a-value-that-is-not-handed-to-a-lone-waiter",
        file: "src/primitives/cache/compute.rs",
        changes: &[("if Arc::strong_count(&lead.flight) > 1 {", "if Arc::strong_count(&lead.flight) > 2 {")],
        model: "cache::of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value",
        breaks: "A caller that waits alone is overlooked.",
    },
    Mutant {
        name: "waiters-counted-before-the-flight-is-taken-back",
        file: "src/primitives/cache/compute.rs",
        changes: &[
            (
                "        self.publish(&lead, value.clone());",
                "        let is_awaited = Arc::strong_count(&lead.flight) > 2;
        self.publish(&lead, value.clone());",
            ),
            ("if Arc::strong_count(&lead.flight) > 1 {", "if is_awaited {"),
        ],
        model: "cache::of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value",
        breaks: "A caller that begins to wait between the count and the publication is overlooked.",
    },
    Mutant {
        name: "a-computation-counted-before-its-miss-is-seen",
        file: "src/primitives/cache/lookup.rs",
        changes: &[(
            "        let (computes, cycles) = (self.events.sum(Event::Compute), self.events.sum(Event::Cycle));
        let misses = self.events.sum(Event::Miss);
",
            "        let misses = self.events.sum(Event::Miss);
        let (computes, cycles) = (self.events.sum(Event::Compute), self.events.sum(Event::Cycle));
",
        )],
        model: "cache::no_computation_is_counted_before_its_miss",
        breaks: "A thread that reads the statistics meanwhile finds more computations than misses.",
    },
    Mutant {
        name: "a-wait-noted-in-two-steps",
        file: "src/primitives/compute_context.rs",
        changes: &[(
            "        for computation in &held_up {
            waits.entry(",
            "        drop(waits);
        let mut waits = WAITS.lock();
        for computation in &held_up {
            waits.entry(",
        )],
        model: "cache::a_circle_of_two_keys_across_two_threads_ends",
        breaks: "Two that close a circle together look at once, see no circle, and wait for each other.",
    },
    Mutant {
        name: "a-miss-counted-in-two-steps",
        file: "src/primitives/cache/stats.rs",
        changes: &[(
            "        stripe[event as usize].fetch_add(1, Ordering::Release);",
            "        let before = stripe[event as usize].load(Ordering::Acquire);
        stripe[event as usize].store(before + 1, Ordering::Release);",
        )],
        model: "cache::statistics_of_threads_that_share_a_stripe_add_up",
        breaks: "Of two misses at once on one stripe one is lost.",
    },
];
