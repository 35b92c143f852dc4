//! What a job would do, without doing it. Reads the journal and asks the job's closures; starts, writes and locks nothing.

use crate::backend::mode::ModeKind;
use crate::error::Error;
use crate::job::{Job, Settings};
#[cfg(feature = "journal")]
use crate::persist::journal::{ItemState, JournalError, Recorded, Store};
use crate::run::input::Listed;

/// What a job would do: the places of its items in the input, divided by what would become of them.
///
/// Given by [`Job::dry_run`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DryRun {
    /// Items that would be worked on, in that order.
    pub to_do: Vec<usize>,
    /// Items that the journal has, values and failures that are not tried again.
    pub resumed: Vec<usize>,
    /// Items of which [`Job::done_if`] says that they are done.
    pub done_before: Vec<usize>,
}

impl<'a, T, M, W, J> Job<'a, T, M, W, J, Listed<'a, T>> {
    /// What the job would do if it ran now: which items would be worked on and in which order, and which are finished.
    /// Nothing is run, written or locked; a journal that is being written is read as it is at this moment.
    ///
    /// # Errors
    /// Those that the run would begin with, but for what only its mode and its function can tell.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let plan = Job::new(&[30, 10, 20]).cost(|&samples| samples).done_if(|&samples| samples == 20).dry_run()?;
    /// assert_eq!((plan.to_do, plan.done_before), (vec![0, 1], vec![2]));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn dry_run(self) -> Result<DryRun, Error> {
        let items = self.source.0;
        let mut checked = self.settings.check(ModeKind::Caller, Some(items))?;
        let mut finished = Finished::read(&self.settings)?;
        let mut plan = DryRun::default();
        for (index, item) in items.iter().enumerate() {
            if finished.has(index, item)? {
                plan.resumed.push(index);
            } else if self.settings.done_if.as_ref().is_some_and(|is_done| is_done(item)) {
                plan.done_before.push(index);
            } else {
                plan.to_do.push(index);
            }
        }
        checked.leave(Some(plan.to_do), items.len());
        plan.to_do = (0..checked.plan.n_items).map(|position| checked.plan.index_of(position)).collect();
        Ok(plan)
    }
}

/// What is recorded, and how items are found there.
#[cfg(feature = "journal")]
struct Finished<'s, 'a, T> {
    settings: &'s Settings<'a, T>,
    recorded: Option<Recorded>,
}

#[cfg(feature = "journal")]
impl<'s, 'a, T> Finished<'s, 'a, T> {
    fn read(settings: &'s Settings<'a, T>) -> Result<Self, Error> {
        let recorded = settings
            .journal
            .as_ref()
            .map(|journal| Store::peek(&journal.settings).map(|recorded| Recorded::new(recorded, &journal.settings)));
        Ok(Self { settings, recorded: recorded.transpose().map_err(Error::journal)? })
    }

    /// Whether the journal has it.
    fn has(&mut self, index: usize, item: &T) -> Result<bool, Error> {
        let (Some(journal), Some(recorded)) = (&self.settings.journal, &mut self.recorded) else { return Ok(false) };
        let key = journal.key.as_deref().or(self.settings.key.as_deref());
        let key = key.ok_or(JournalError::NoKeys).map_err(Error::journal)?(item);
        let fingerprint = journal.fingerprint.as_deref().map(|fingerprint| fingerprint(item));
        let standing = recorded.look_up(index, &key, fingerprint.as_deref()).map_err(Error::journal)?;
        Ok(matches!(standing, ItemState::Resumed(_)))
    }
}

#[cfg(not(feature = "journal"))]
struct Finished;

#[cfg(not(feature = "journal"))]
impl Finished {
    fn read<T>(_: &Settings<'_, T>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn has<T>(&mut self, _: usize, _: &T) -> Result<bool, Error> {
        Ok(false)
    }
}

#[cfg(all(test, feature = "journal", not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use crate::{Job, Journal, OnFailure, RetryRecorded};

    fn odd_fails(n: &u32) -> Result<u32, &'static str> {
        if n % 2 == 1 { Err("odd") } else { Ok(*n) }
    }

    #[test]
    fn a_dry_run_says_what_the_run_then_does_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = |retry| Journal::at(&path).key(|n: &u32| n.to_string()).version("1").retry_recorded(retry);
        let items: Vec<u32> = (0..10).collect();
        let job = |items, retry| Job::new(items).on_failure(OnFailure::Continue).journal(journal(retry));

        let first = job(&items[..6], RetryRecorded::Failed).dry_run().unwrap();
        assert_eq!((first.to_do, first.resumed), (vec![0, 1, 2, 3, 4, 5], vec![]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it writes nothing");

        drop(job(&items[..6], RetryRecorded::Failed).try_run(odd_fails).unwrap());
        for (retry, to_do) in [
            (RetryRecorded::Failed, vec![1, 3, 5, 6, 7, 8, 9]),
            (RetryRecorded::Nothing, vec![6, 7, 8, 9]),
            (RetryRecorded::All, (0..10).collect()),
        ] {
            let plan = job(&items, retry).dry_run().unwrap();
            assert_eq!(plan.to_do, to_do, "{retry:?}");
            assert_eq!(plan.to_do.len() + plan.resumed.len(), 10);
        }
        let planned = job(&items, RetryRecorded::Failed).shuffle(3).dry_run().unwrap();
        let run = job(&items, RetryRecorded::Failed).shuffle(3).try_run(odd_fails).unwrap();
        assert_eq!(run.resumed().collect::<Vec<_>>(), planned.resumed);
    }

    #[test]
    fn a_dry_run_refuses_what_the_run_would() {
        let folder = tempfile::tempdir().unwrap();
        let journal = |version: &str| {
            Journal::at(folder.path().join("journal.sqlite")).key(|_: &u32| "same".to_owned()).version(version)
        };
        drop(Job::new(&[1_u32]).journal(journal("1")).run(|n| n + 1).unwrap());
        assert!(Job::new(&[1_u32]).journal(journal("2")).dry_run().unwrap_err().journal_error().is_some());
        assert!(Job::new(&[1_u32, 2]).journal(journal("1")).dry_run().unwrap_err().journal_error().is_some());
        assert!(Job::new(&[1_u32]).chunk_size(0).dry_run().unwrap_err().is_config());
    }
}
