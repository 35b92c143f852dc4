//! Bugs in the values of which each process has its own: two values in one process, or the parent's in a child.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-value-that-replaces-another-threads",
        file: FILE,
        changes: &[(
            "match self.newest.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,",
            "let _ = found;
        match Ok::<_, *mut Node<T>>(self.newest.swap(fresh, Ordering::AcqRel)) {
            Ok(_) => fresh,",
        )],
        model: "process::threads_of_a_forked_child_that_look_first_get_one_new_value",
        breaks: "Two threads that look first each store a value, and one process has two pools or two lists of workers.",
    },
    Mutant {
        name: "a-value-that-was-not-stored",
        file: FILE,
        changes: &[(
            "Err(newest) => {
                // SAFETY: it was made above and was not stored, so no other thread has it.
                drop(unsafe { Box::from_raw(fresh) });
                newest
            }",
            "Err(_) => fresh,",
        )],
        model: "process::threads_of_a_forked_child_that_look_first_get_one_new_value",
        breaks: "A thread that looks second uses a value that no other thread ever finds.",
    },
    Mutant {
        name: "a-value-of-another-process",
        file: FILE,
        changes: &[(
            "                && node.process == process
",
            "                && (node.process == process || true)
",
        )],
        model: "process::threads_of_a_forked_child_that_look_first_get_one_new_value",
        breaks: "A forked child goes on with the threads, workers and locks of its parent.",
    },
];

const FILE: &str = "src/sync/process.rs";
