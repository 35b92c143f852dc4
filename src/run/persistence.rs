//! What a run keeps beyond its end: the journal, the report, and what earlier runs had finished. Looks on and writes down;
//! decides nothing about items that are in hand.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::backend::mode::ModeKind;
use crate::error::Error;
use crate::job::Settings;
use crate::outcome::{Cause, ItemFailure, Past, Tally};
use crate::persist::codec::Codec;
#[cfg(feature = "journal")]
use crate::persist::journal::{ItemState, JournalError, Recorded, RecordedItem, Store};
#[cfg(feature = "reports")]
use crate::persist::report::{EndedBy, Reporter, RunFacts, RunTotals, SerialSample, peak_memory_of_this_process};
use crate::primitives::cancel::CancelReason;
use crate::record::{ItemRecord, RecordedFailure, Timing};
use crate::run::delivery::{Answer, Delivery, FinishedItem, ResultSink};
use crate::run::input::{Admission, Key};
use crate::sync::SystemTime;

/// What is kept of one run.
pub(crate) struct Persistence<'s, 'a, T, R, E> {
    codec: Codec<R, E>,
    key: Option<&'s Key<'a, T>>,
    done_if: Option<&'s (dyn Fn(&T) -> bool + Send + 'a)>,
    #[cfg(feature = "journal")]
    fingerprint: Option<&'s Key<'a, T>>,
    #[cfg(feature = "journal")]
    journal_writer: Option<RefCell<JournalWriter>>,
    #[cfg(feature = "reports")]
    reporter: Option<RefCell<Reporter<'s>>>,
    /// The names of items that are to be done or in hand, by index.
    names: RefCell<PendingKeys>,
    past: RefCell<Past>,
    /// Why the run cannot go on, found out while items came.
    fault: RefCell<Option<Error>>,
    /// What was not written down because it could not be: the first of such.
    unwritten: RefCell<Option<Error>>,
    /// Positions before this one run alone, to be measured.
    alone: usize,
    serial_time: Cell<(usize, Duration)>,
    crew: ModeKind,
    begun: SystemTime,
}

/// A journal that is written, and what it had.
#[cfg(feature = "journal")]
struct JournalWriter {
    store: Store,
    recorded: Recorded,
}

/// What is written down of an item besides how it went.
struct PendingKey {
    key: String,
    fingerprint: Option<String>,
    earlier_attempts: u32,
}

/// Names by index, which come in the order of their indices and go in about the same order: a queue with gaps, since a million
/// of them in a table would be a million looks into memory that is far away, and as many again. Those that stay while the queue
/// behind them has more gaps than names are put aside, so that a slow item does not make it longer and longer.
#[derive(Default)]
struct PendingKeys {
    /// The index of the first in the queue.
    first: usize,
    queue: VecDeque<Option<PendingKey>>,
    /// How many in the queue are no gaps.
    n_queued: usize,
    aside: HashMap<usize, PendingKey>,
}

/// A queue that is shorter than this may have any number of gaps.
const SHORT_QUEUE: usize = 64;

impl PendingKeys {
    /// Adds the name of an index that is larger than all before it.
    fn insert(&mut self, index: usize, name: PendingKey) {
        // Items that were finished before the run have no names: there may be a million of them in between.
        if index - self.first > self.queue.len() + self.n_queued + SHORT_QUEUE {
            let stay = (self.first..).zip(self.queue.drain(..));
            self.aside.extend(stay.filter_map(|(index, name)| Some((index, name?))));
            self.n_queued = 0;
        }
        if self.queue.is_empty() {
            self.first = index;
        }
        self.queue.resize_with(index - self.first, || None);
        self.queue.push_back(Some(name));
        self.n_queued += 1;
    }

    fn remove(&mut self, index: usize) -> Option<PendingKey> {
        let Some(place) = index.checked_sub(self.first) else { return self.aside.remove(&index) };
        let name = self.queue.get_mut(place)?.take();
        self.n_queued -= usize::from(name.is_some());
        while self.queue.front().is_some_and(Option::is_none) || self.has_mostly_gaps() {
            if let Some(stays) = self.queue.pop_front().flatten() {
                self.aside.insert(self.first, stays);
                self.n_queued -= 1;
            }
            self.first += 1;
        }
        name
    }

    fn has_mostly_gaps(&self) -> bool {
        self.queue.len() > SHORT_QUEUE && self.n_queued < self.queue.len() / 2
    }
}

/// A list's items, divided by whether they are to be done.
pub(crate) struct Pending<R, E> {
    /// The indices of the items to do, in input order; `None` for all of them.
    pub(crate) todo: Option<Vec<usize>>,
    /// What is finished.
    pub(crate) resumed: Vec<(usize, Answer<R, E>)>,
}

/// How a run went, and what it has to say besides its answers.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    pub(crate) tally: Tally,
    pub(crate) past: Past,
    pub(crate) warnings: Vec<Error>,
}

/// What the end of a run is made of.
pub(crate) struct RunEnd {
    pub(crate) tally: Tally,
    /// The first position that a serial run would not have run.
    pub(crate) fence: usize,
    /// Whether failures ended it.
    pub(crate) has_stopped: bool,
    /// Whether the program's callback ended it.
    pub(crate) is_broken_off: bool,
    pub(crate) cancelled: Option<CancelReason>,
}

impl<'s, 'a, T, R, E> Persistence<'s, 'a, T, R, E> {
    /// Opens what the job was told to keep.
    pub(crate) fn open(settings: &'s mut Settings<'a, T>, codec: Codec<R, E>, crew: ModeKind) -> Result<Self, Error> {
        #[cfg(feature = "reports")]
        let reporter = settings.report.take().map(Reporter::new).transpose().map_err(Error::report)?;
        #[cfg(feature = "reports")]
        let alone = reporter.as_ref().map_or(0, Reporter::n_serial);
        #[cfg(not(feature = "reports"))]
        let alone = 0;
        let settings: &'s Settings<'a, T> = settings;
        let key = settings.key.as_deref();
        #[cfg(feature = "journal")]
        let key = settings.journal.as_ref().and_then(|journal| journal.key.as_deref()).or(key);
        #[cfg(feature = "journal")]
        if settings.journal.is_some() && key.is_none() {
            return Err(Error::journal(JournalError::NoKeys));
        }
        #[cfg(feature = "journal")]
        let journal_writer = settings.journal.as_ref().map(JournalWriter::open).transpose().map_err(Error::journal)?;
        Ok(Self {
            codec,
            key,
            done_if: settings.done_if.as_deref(),
            #[cfg(feature = "journal")]
            fingerprint: settings.journal.as_ref().and_then(|journal| journal.fingerprint.as_deref()),
            #[cfg(feature = "journal")]
            journal_writer: journal_writer.map(RefCell::new),
            #[cfg(feature = "reports")]
            reporter: reporter.map(RefCell::new),
            names: RefCell::default(),
            past: RefCell::default(),
            fault: RefCell::default(),
            unwritten: RefCell::default(),
            alone,
            serial_time: Cell::default(),
            crew,
            begun: SystemTime::now(),
        })
    }

    /// How an item is called.
    pub(crate) fn key(&self) -> Option<&'s Key<'a, T>> {
        self.key
    }

    /// Who is to be shown each finished item, if anybody.
    pub(crate) fn sink(&self) -> Option<&dyn ResultSink<R, E>> {
        self.is_kept().then_some(self as _)
    }

    /// What is older than the run, as far as that was looked up.
    pub(crate) fn past(&self) -> Ref<'_, Past> {
        self.past.borrow()
    }

    /// How many positions run alone, to be measured.
    pub(crate) fn n_serial_sample(&self) -> usize {
        self.alone
    }

    /// Whether anything is written down.
    pub(crate) fn is_kept(&self) -> bool {
        #[cfg(feature = "journal")]
        if self.journal_writer.is_some() {
            return true;
        }
        #[cfg(feature = "reports")]
        if self.reporter.is_some() {
            return true;
        }
        false
    }

    /// Divides a list.
    pub(crate) fn divide(&self, items: &[T]) -> Result<Pending<R, E>, Error> {
        if !self.is_kept() && self.done_if.is_none() {
            return Ok(Pending { todo: None, resumed: Vec::new() });
        }
        let (mut todo, mut resumed) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match self.look_up(index, item)? {
                None => todo.push(index),
                Some(answer) => resumed.push((index, answer)),
            }
        }
        Ok(Pending { todo: Some(todo), resumed })
    }

    /// Says what becomes of an item that has just come, and hands on what it has already.
    pub(crate) fn arrive(&self, index: usize, item: &T, delivery: &mut Delivery<'_, R, E>) -> Admission {
        match self.look_up(index, item) {
            Ok(None) => Admission::Work,
            Ok(Some(answer)) => {
                delivery.resume(index, answer);
                Admission::Finished
            }
            Err(fault) => {
                self.fault.borrow_mut().get_or_insert(fault);
                Admission::Fault
            }
        }
    }

    /// What is known of an item before the run does anything about it; `None` when it is to be done.
    fn look_up(&self, index: usize, item: &T) -> Result<Option<Answer<R, E>>, Error> {
        let key = || self.key.map_or_else(|| index.to_string(), |key| key(item));
        let mut name = None;
        #[cfg(feature = "journal")]
        if let Some(journal_writer) = &self.journal_writer {
            let (key, fingerprint) = (key(), self.fingerprint.map(|fingerprint| fingerprint(item)));
            let standing = journal_writer.borrow_mut().recorded.look_up(index, &key, fingerprint.as_deref());
            match standing.map_err(Error::journal)? {
                ItemState::Resumed(recorded) => return self.take_up(index, *recorded).map(Some),
                ItemState::ToDo { earlier_attempts } => name = Some(PendingKey { key, fingerprint, earlier_attempts }),
            }
        }
        if self.done_if.is_some_and(|is_done| is_done(item)) {
            self.past.borrow_mut().done_before.push(index);
            return Ok(Some(None));
        }
        if self.is_kept() {
            let name = name.unwrap_or_else(|| PendingKey { key: key(), fingerprint: None, earlier_attempts: 0 });
            self.names.borrow_mut().insert(index, name);
        }
        Ok(None)
    }

    /// The answer that an earlier run recorded.
    #[cfg(feature = "journal")]
    fn take_up(&self, index: usize, item: RecordedItem) -> Result<Answer<R, E>, Error> {
        let RecordedItem { record, value, .. } = item;
        let answer = match (&record.failure, value, &self.codec.values) {
            (Some(recorded), ..) => Err(ItemFailure {
                index,
                key: Some(record.key.clone()),
                attempts: record.attempts,
                elapsed: record.elapsed,
                cause: Cause::Recorded(recorded.clone()),
            }),
            (None, Some(bytes), Some(codec)) => Ok((codec.read)(&record.key, &bytes).map_err(Error::journal)?),
            (None, ..) => return Err(Error::journal(JournalError::no_value::<R>(&record.key))),
        };
        self.past.borrow_mut().resumed.push(index);
        #[cfg(feature = "reports")]
        if let Some(reporter) = &self.reporter {
            reporter.borrow_mut().add(record);
        }
        Ok(Some(answer))
    }

    /// Ends what was written down. `ended` is how the run did, or the error that it has instead.
    pub(crate) fn finish(self, ended: Result<RunEnd, Error<E>>, has_panicked: bool) -> Result<RunReport, Error<E>> {
        let mut warnings: Vec<Error> = self.unwritten.take().into_iter().collect();
        #[cfg(feature = "journal")]
        if let Some(journal_writer) = self.journal_writer {
            let finished = journal_writer.into_inner().store.finish();
            warnings.extend(finished.err().map(Error::journal));
        }
        let end = ended?;
        #[cfg(feature = "reports")]
        if let Some(reporter) = self.reporter {
            let (n_items, elapsed) = self.serial_time.get();
            let facts = RunFacts {
                mode: self.crew.name(),
                begun: self.begun,
                ended: SystemTime::now(),
                ended_by: match (end.cancelled, end.has_stopped) {
                    _ if has_panicked => EndedBy::Panic,
                    _ if self.fault.borrow().is_some() => EndedBy::Fault,
                    (Some(reason), _) => EndedBy::Cancelled(reason),
                    (None, true) => EndedBy::Failures,
                    (None, false) if end.is_broken_off => EndedBy::Callback,
                    (None, false) => EndedBy::LastItem,
                },
                is_whole: end.tally.cancelled == 0 && !end.tally.is_cut_short,
                retries: end.tally.retries as u64,
                peak_memory: peak_memory_of_this_process(),
                serial: (n_items > 0).then_some(SerialSample { n_items, elapsed }),
                totals: RunTotals {
                    n_items: end.tally.items,
                    n_unfinished: end.tally.cancelled,
                    n_workers: end.tally.workers,
                    lost_workers: end.tally.lost_workers,
                    recycled_workers: end.tally.recycled_workers,
                    wall: end.tally.wall,
                    busy: end.tally.busy,
                },
            };
            warnings.extend(reporter.into_inner().finish(&facts).err().map(Error::report));
        }
        match self.fault.take() {
            Some(fault) => Err(fault.widen()),
            None => Ok(RunReport { tally: end.tally, past: self.past.take(), warnings }),
        }
    }
}

#[cfg(feature = "journal")]
impl JournalWriter {
    fn open<T>(journal: &crate::persist::journal::Journal<'_, T>) -> Result<Self, JournalError> {
        let (store, recorded) = Store::open(&journal.settings)?;
        Ok(Self { store, recorded: Recorded::new(recorded, &journal.settings) })
    }
}

impl<T, R, E> ResultSink<R, E> for Persistence<'_, '_, T, R, E> {
    fn keep(&self, index: usize, answer: Result<&R, &ItemFailure<E>>, finished: FinishedItem) {
        let Some(name) = self.names.borrow_mut().remove(index) else { return };
        let timing = finished.timing.unwrap_or_else(|| Timing::unknown(SystemTime::now()));
        if finished.position < self.alone {
            let (n_items, elapsed) = self.serial_time.get();
            self.serial_time.set((n_items + 1, elapsed + timing.elapsed));
        }
        let record = ItemRecord {
            index,
            key: name.key,
            failure: answer.err().map(|failure| self.to_recorded(failure)),
            is_resumed: false,
            attempts: name.earlier_attempts + finished.attempts,
            started: timing.started,
            elapsed: timing.elapsed,
            cpu: timing.cpu,
            worker: finished.worker,
            peak_memory: finished.peak_memory,
            amounts: timing.amounts,
        };
        #[cfg(feature = "journal")]
        self.write_down(&record, name.fingerprint.as_deref(), answer.ok());
        #[cfg(feature = "reports")]
        if let Some(reporter) = &self.reporter {
            reporter.borrow_mut().add(record);
        }
    }
}

impl<T, R, E> Persistence<'_, '_, T, R, E> {
    /// A failure in the words in which it is written down.
    fn to_recorded(&self, failure: &ItemFailure<E>) -> RecordedFailure {
        let message = match (&failure.cause, self.codec.tell) {
            (Cause::Error(error), Some(tell)) => tell(error),
            (cause, _) => cause.story(),
        };
        RecordedFailure::new(failure.kind(), message)
    }

    #[cfg(feature = "journal")]
    fn write_down(&self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&R>) {
        let (Some(journal_writer), Some(codec)) = (&self.journal_writer, &self.codec.values) else { return };
        match value.map(codec.write).transpose() {
            Ok(bytes) => journal_writer.borrow_mut().store.append(record, fingerprint, bytes.as_deref()),
            // It is in the outcome, and will be computed again by the next run.
            Err(why) => {
                let problem = JournalError::Unwritable { key: record.key.clone(), why };
                self.unwritten.borrow_mut().get_or_insert_with(|| Error::journal(problem));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(index: usize) -> PendingKey {
        PendingKey { key: index.to_string(), fingerprint: None, earlier_attempts: 0 }
    }

    proptest! {
        /// Each step skips so many indices and adds a name, and then takes the name of any index.
        #[test]
        fn names_are_found_as_in_a_plain_table(steps in proptest::collection::vec((prop_oneof![0_usize..4, 0_usize..300], 0_usize..900), 0..150)) {
            let (mut names, mut plain, mut next) = (PendingKeys::default(), HashMap::new(), 0);
            for (skipped, taken) in steps {
                next += skipped;
                names.insert(next, name(next));
                plain.insert(next, next.to_string());
                next += 1;
                prop_assert_eq!(names.remove(taken).map(|name| name.key), plain.remove(&taken));
            }
            for index in 0..next {
                prop_assert_eq!(names.remove(index).map(|name| name.key), plain.remove(&index));
            }
            prop_assert!(names.queue.is_empty() && names.aside.is_empty());
        }
    }

    #[test]
    fn a_name_that_stays_keeps_no_room_for_those_that_went() {
        let mut names = PendingKeys::default();
        for index in 0..100_000 {
            names.insert(index, name(index));
            if index % 1000 != 0 {
                assert_eq!(names.remove(index).map(|name| name.key), Some(index.to_string()));
            }
        }
        names.insert(1 << 40, name(1 << 40));
        assert!(names.queue.len() <= 1000 && names.queue.capacity() < 5000, "{}", names.queue.len());
        let stayed = (0..100).map(|stayed| stayed * 1000).chain([1 << 40]);
        assert!(stayed.into_iter().all(|index| names.remove(index).is_some_and(|name| name.key == index.to_string())));
    }
}
