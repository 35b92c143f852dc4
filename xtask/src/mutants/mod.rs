//! Seeded bugs, kept as data: each breaks one primitive in one place, and a model must fail.
//!
//! They test the models. A mutant changes an ordering, a re-check, a wake-up or a guard, so that the bug needs two threads;
//! the runner checks that the sequential tests still pass. `tidy` checks that each mutant still fits the code.

mod cache;
mod counters;
mod dispatcher;
mod lock;
mod process;
mod run;
mod sandbox;
mod source;
mod status;
mod stream;
mod thread_pool;
mod token;
mod tracker;

pub(crate) use run::stage;

/// One seeded bug.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// The file that it changes.
    pub(crate) file: &'static str,
    /// Each text, which the file contains exactly once, and its replacement.
    pub(crate) changes: &'static [(&'static str, &'static str)],
    /// The model that must fail, as `module::name`.
    pub(crate) model: &'static str,
    /// What goes wrong, in one sentence.
    pub(crate) breaks: &'static str,
}

/// The mutants of one primitive.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) primitive: &'static str,
    pub(crate) mutants: &'static [Mutant],
}

/// Every primitive that has mutants. A new one is a file with a `MUTANTS` and a line here.
pub(crate) const GROUPS: &[Group] = &[
    Group { primitive: "lock", mutants: lock::MUTANTS },
    Group { primitive: "cache", mutants: cache::MUTANTS },
    Group { primitive: "counters", mutants: counters::MUTANTS },
    Group { primitive: "token", mutants: token::MUTANTS },
    Group { primitive: "tracker", mutants: tracker::MUTANTS },
    Group { primitive: "dispatcher", mutants: dispatcher::MUTANTS },
    Group { primitive: "process", mutants: process::MUTANTS },
    Group { primitive: "thread_pool", mutants: thread_pool::MUTANTS },
    Group { primitive: "status", mutants: status::MUTANTS },
    Group { primitive: "source", mutants: source::MUTANTS },
    Group { primitive: "stream", mutants: stream::MUTANTS },
];

impl Mutant {
    /// The file's text with the bug in it.
    ///
    /// # Errors
    /// Says which text is not there exactly once.
    pub(crate) fn applied_to(&self, text: &str) -> Result<String, String> {
        self.changes.iter().try_fold(text.to_owned(), |text, (find, replacement)| match text.matches(find).count() {
            1 => Ok(text.replacen(find, replacement, 1)),
            times => Err(format!("its text is there {times} times and not once: {}", find.trim())),
        })
    }
}

/// The mutants whose primitive or name contains the filter, or all; each with its primitive.
pub(crate) fn chosen(filter: Option<&str>) -> Vec<(&'static str, &'static Mutant)> {
    let all = GROUPS.iter().flat_map(|group| group.mutants.iter().map(|mutant| (group.primitive, mutant)));
    let is_chosen = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    all.filter(|(primitive, mutant)| is_chosen(primitive) || is_chosen(mutant.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUTANT: Mutant = Mutant {
        name: "a-mutant",
        file: "src/a.rs",
        changes: &[("lock();", ""), ("wait();", "pass();")],
        model: "a::b",
        breaks: "No thread waits.",
    };

    #[test]
    fn every_change_is_made() {
        assert_eq!(MUTANT.applied_to("lock(); wait(); leave();").unwrap(), " pass(); leave();");
    }

    #[test]
    fn a_text_that_is_not_there_exactly_once_is_an_error() {
        assert!(MUTANT.applied_to("lock(); stay();").unwrap_err().contains("0 times and not once: wait();"));
        assert!(MUTANT.applied_to("lock(); lock(); wait();").unwrap_err().contains("2 times"));
    }

    #[test]
    fn mutants_are_chosen_by_primitive_and_by_name() {
        let all = chosen(None);
        assert!(chosen(Some("token")).iter().all(|(primitive, _)| *primitive == "token"));
        let (_, first) = all[0];
        assert!(chosen(Some(first.name)).iter().any(|(_, mutant)| mutant.name == first.name));
        assert!(chosen(Some("no such name")).is_empty());
    }

    #[test]
    fn names_are_used_once() {
        let mut names: Vec<&str> = chosen(None).iter().map(|(_, mutant)| mutant.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
