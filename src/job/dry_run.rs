//! [`DryRun`]: what a job would do. It reads the journal and calls the job's closures. It starts, writes and locks nothing.

use crate::backend::contract::ModeKind;
use crate::backend::task::Task;
use crate::error::Error;
use crate::job::settings::JobSettings;
use crate::job::work::Work;
#[cfg(feature = "journal")]
use crate::persist::journal::{ItemState, Journal, JournalError, Recorded, Store};
use crate::run::persistence::KeepSpec;

/// What a job would do: the indices of its items, divided into those to run and those that are finished.
///
/// [`Work::dry_run`] returns it.
///
/// ```
/// let plan = manyhands::Job::new(&[1, 2, 3]).done_if(|&n| n == 2).map(|n| n + 1).dry_run()?;
/// assert_eq!((plan.to_do, plan.resumed, plan.done_before), (vec![0, 2], vec![], vec![1]));
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
#[must_use = "a dry run only returns this plan"]
pub struct DryRun {
    /// Items that would run, in the order of work.
    pub to_do: Vec<usize>,
    /// Items whose values, or failures that are not retried, are in the journal.
    pub resumed: Vec<usize>,
    /// Items that [`Job::done_if`](crate::Job::done_if) would skip.
    pub done_before: Vec<usize>,
}

impl<'a, T, M, K> Work<'a, T, M, K>
where
    K: Task<T>,
{
    /// What the work would do if it ran now: which items would run, in which order, and which are finished.
    ///
    /// Nothing is run, written or locked. A journal that another program is writing is read as it is at this moment.
    /// Cost: reads the journal, and calls `key`, `cost` and `done_if` once per item.
    ///
    /// # Errors
    /// As [`Work::run`] before its first item, except errors of its mode and function. A job over an iterator is a
    /// configuration error, since only a run reads the iterator.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let job = Job::new(&[30, 10, 20]).cost(|&samples| samples).done_if(|&samples| samples == 20);
    /// let plan = job.map(|samples| samples / 2).dry_run()?;
    /// assert_eq!((plan.to_do, plan.done_before), (vec![0, 1], vec![2]));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn dry_run(self) -> Result<DryRun, Error> {
        let (input, mut settings, keep) = self.into_parts();
        let Some(items) = input.slice() else {
            return Err(Error::config(
                "a dry run needs all items in memory, but the input is an iterator; use Job::new with a slice",
            ));
        };
        let mut spec = settings.check(ModeKind::Serial, Some(items))?;
        let mut finished = Finished::read(&settings, &keep)?;
        let mut plan = DryRun::default();
        for (index, item) in items.iter().enumerate() {
            if finished.has(index, item)? {
                plan.resumed.push(index);
            } else if settings.done_if.as_ref().is_some_and(|is_done| is_done(item)) {
                plan.done_before.push(index);
            } else {
                plan.to_do.push(index);
            }
        }
        spec.restrict_to(Some(plan.to_do), items.len());
        plan.to_do = (0..spec.plan.n_items).map(|position| spec.plan.index_of(position)).collect();
        Ok(plan)
    }
}

/// The items that a journal holds.
#[cfg(feature = "journal")]
struct Finished<'s, 'a, T> {
    settings: &'s JobSettings<'a, T>,
    journal: Option<&'s Journal<'a, T>>,
    recorded: Option<Recorded>,
}

#[cfg(feature = "journal")]
impl<'s, 'a, T> Finished<'s, 'a, T> {
    fn read<R, E>(settings: &'s JobSettings<'a, T>, keep: &'s KeepSpec<'a, T, R, E>) -> Result<Self, Error> {
        let journal = keep.journal.as_ref();
        let recorded = journal
            .map(|journal| Store::peek(&journal.settings).map(|recorded| Recorded::new(recorded, &journal.settings)));
        Ok(Self { settings, journal, recorded: recorded.transpose().map_err(Error::journal)? })
    }

    /// Whether the journal holds the result of an item.
    fn has(&mut self, index: usize, item: &T) -> Result<bool, Error> {
        let (Some(journal), Some(recorded)) = (self.journal, &mut self.recorded) else { return Ok(false) };
        let key = journal.key.as_deref().or(self.settings.key.as_deref());
        let key = key.ok_or(JournalError::NoKeys).map_err(Error::journal)?(item);
        let fingerprint = journal.fingerprint.as_deref().map(|fingerprint| fingerprint(item));
        let state = recorded.look_up(index, &key, fingerprint.as_deref()).map_err(Error::journal)?;
        Ok(matches!(state, ItemState::Resumed(_)))
    }
}

#[cfg(not(feature = "journal"))]
struct Finished;

#[cfg(not(feature = "journal"))]
impl Finished {
    fn read<T, R, E>(_: &JobSettings<'_, T>, _: &KeepSpec<'_, T, R, E>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn has<T>(&mut self, _: usize, _: &T) -> Result<bool, Error> {
        Ok(false)
    }
}

#[cfg(all(test, feature = "journal", not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use crate::journal::RetryRecorded;
    use crate::{Job, Journal, OnFailure};

    fn odd_fails(n: &u32) -> Result<u32, &'static str> {
        if n % 2 == 1 { Err("odd") } else { Ok(*n) }
    }

    #[test]
    fn a_dry_run_returns_what_the_run_then_does_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = |retry| Journal::at(&path).key(|n: &u32| n.to_string()).version("1").retry_recorded(retry);
        let items: Vec<u32> = (0..10).collect();
        let job =
            |items, retry| Job::new(items).on_failure(OnFailure::Continue).try_map(odd_fails).journal(journal(retry));

        let first = job(&items[..6], RetryRecorded::Failed).dry_run().unwrap();
        assert_eq!((first.to_do, first.resumed), (vec![0, 1, 2, 3, 4, 5], vec![]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it writes nothing");

        drop(job(&items[..6], RetryRecorded::Failed).run().unwrap());
        for (retry, to_do) in [
            (RetryRecorded::Failed, vec![1, 3, 5, 6, 7, 8, 9]),
            (RetryRecorded::Nothing, vec![6, 7, 8, 9]),
            (RetryRecorded::All, (0..10).collect()),
        ] {
            let plan = job(&items, retry).dry_run().unwrap();
            assert_eq!(plan.to_do, to_do, "{retry:?}");
            assert_eq!(plan.to_do.len() + plan.resumed.len(), 10);
        }
        let shuffled = || {
            let job = Job::new(&items).on_failure(OnFailure::Continue).shuffle(3);
            job.try_map(odd_fails).journal(journal(RetryRecorded::Failed))
        };
        let planned = shuffled().dry_run().unwrap();
        let run = shuffled().run().unwrap();
        assert_eq!(run.resumed().collect::<Vec<_>>(), planned.resumed);
    }

    #[test]
    fn a_dry_run_has_the_errors_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let journal = |version: &str| {
            Journal::at(folder.path().join("journal.sqlite")).key(|_: &u32| "same".to_owned()).version(version)
        };
        let one_more = |n: &u32| n + 1;
        drop(Job::new(&[1_u32]).map(one_more).journal(journal("1")).run().unwrap());
        assert!(
            Job::new(&[1_u32]).map(one_more).journal(journal("2")).dry_run().unwrap_err().journal_error().is_some()
        );
        assert!(
            Job::new(&[1_u32, 2]).map(one_more).journal(journal("1")).dry_run().unwrap_err().journal_error().is_some()
        );
        assert!(Job::new(&[1_u32]).chunk_size(0).map(one_more).dry_run().unwrap_err().is_config());
    }
}
