//! The journal and the report of a run, and the results of earlier runs. It looks items up and writes results down.
//!
//! Promise: each result is passed to the journal before it is delivered. The formats belong to `persist`; which items
//! run is decided by the gatherer.
//!
//! The way of one item:
//!
//! 1. [`Persistence::look_up`] computes its key and fingerprint, and asks the journal, then `done_if`.
//! 2. A finished item has a result (from the journal) or none (`done_if`), and never gets a position. Any other has its
//!    key put among the pending ones.
//! 3. [`ResultSink::keep`] takes the key out again when the item has its last attempt, makes one [`ItemRecord`], and
//!    passes it to the journal and to the report.
//! 4. [`Persistence::finish`] closes the journal, which waits until its last rows are committed, and writes the report.
//!
//! All of it runs in the calling thread; the journal has a thread of its own that commits. The cells are here because
//! the delivery holds this as a sink while the loop looks items up.
//!
//! Cost per item with a journal: a key, a hash look-up, an entry among the pending keys, the encoded value, and a place
//! in the queue of the journal's thread. The calling thread waits for the disk only while that queue is full.

use std::cell::{Cell, Ref, RefCell};
use std::time::Duration;

#[cfg(feature = "reports")]
use crate::backend::contract::Dropped;
use crate::backend::contract::ModeKind;
use crate::config_error::ConfigError;
#[cfg(feature = "journal")]
use crate::encoding::{Format, Shapes};
use crate::error::Error;
use crate::failure::{Cause, ErrorSources, ItemFailure};
use crate::outcome::Past;
use crate::panics::{DropApart, OneByOne, Whole};
#[cfg(feature = "journal")]
use crate::persist::journal::{ItemState, Journal, JournalError, Recorded, RecordedItem, RowWarnings, Store};
#[cfg(feature = "reports")]
use crate::persist::report::{
    EndedBy, Report, Reporter, RunFacts, RunTotals, SerialSample, peak_memory_of_this_process,
};
use crate::record::{ItemRecord, Key, RecordedFailure, Timing};
use crate::run::codec::Codec;
use crate::run::delivery::{FinishedItem, ItemResult, ResultSink};
#[cfg(feature = "reports")]
use crate::run::drop_panics::DropPanics;
use crate::run::end::{EarlyEnd, RunEnd, RunReport};
use crate::run::name_table::{PendingKey, PendingKeys};
use crate::run::spec::WorkOrder;
use crate::sync::SystemTime;

/// A function that says whether an item is done already.
///
/// Called in the calling thread, once per item that the journal does not know as finished.
pub(crate) type DoneIf<'a, T> = dyn Fn(&T) -> bool + Send + 'a;

/// What a job writes down, how results are encoded, and how items are identified.
///
/// Filled by the methods of `Job` and `Work`. A default one keeps nothing, and a run with it pays nothing.
pub(crate) struct KeepSpec<'a, T, R, E> {
    pub(crate) key: Option<Box<Key<'a, T>>>,
    pub(crate) done_if: Option<Box<DoneIf<'a, T>>>,
    pub(crate) codec: Codec<R, E>,
    pub(crate) sources: ErrorSources<E>,
    #[cfg(feature = "journal")]
    pub(crate) journal: Option<Journal<'a, T>>,
    #[cfg(feature = "reports")]
    pub(crate) report: Option<Report<'a>>,
}

impl<T, R, E> Default for KeepSpec<'_, T, R, E> {
    fn default() -> Self {
        Self {
            key: None,
            done_if: None,
            codec: Codec::default(),
            sources: ErrorSources::default(),
            #[cfg(feature = "journal")]
            journal: None,
            #[cfg(feature = "reports")]
            report: None,
        }
    }
}

impl<T, R, E> DropApart for KeepSpec<'_, T, R, E> {
    fn drop_apart(self, panicked: &mut Vec<String>) {
        Whole(self.key).drop_apart(panicked);
        Whole(self.done_if).drop_apart(panicked);
        #[cfg(feature = "journal")]
        if let Some(journal) = self.journal {
            Whole(journal.key).drop_apart(panicked);
            Whole(journal.fingerprint).drop_apart(panicked);
        }
        #[cfg(feature = "reports")]
        if let Some(report) = self.report {
            report.into_closures().for_each(|closure| Whole(closure).drop_apart(panicked));
        }
    }
}

impl<T, R, E> KeepSpec<'_, T, R, E> {
    /// Checks what is written down against the order of work.
    ///
    /// # Errors
    /// A serial sample of a run in the order of cost: it would be of the costliest items, and the speed-up that follows
    /// from it too high.
    #[cfg_attr(not(feature = "reports"), expect(clippy::unused_self, reason = "only a report can be refused"))]
    pub(crate) fn check(&self, order: &WorkOrder) -> Result<(), ConfigError> {
        #[cfg(feature = "reports")]
        if order.costs.is_some() && self.report.as_ref().is_some_and(Report::has_serial_sample) {
            return Err(ConfigError::new(
                "a serial sample asked for, but with a cost hint the costliest items start first and are no fair sample; leave out .serial_sample(..) or .cost(..)",
            ));
        }
        #[cfg(not(feature = "reports"))]
        let _ = order;
        Ok(())
    }

    /// Makes the paths of journal and report absolute, in the thread that makes the call.
    #[cfg_attr(
        not(any(feature = "journal", feature = "reports")),
        expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "nothing has a path")
    )]
    pub(crate) fn make_paths_absolute(&mut self) {
        #[cfg(feature = "journal")]
        if let Some(journal) = &mut self.journal {
            journal.settings.make_absolute();
        }
        #[cfg(feature = "reports")]
        if let Some(report) = &mut self.report {
            report.make_absolute();
        }
    }

    /// Whether results must travel to the calling thread: to be written down, or because some items are done already.
    ///
    /// Then a run cannot write straight into slots, and its results travel with the reports.
    pub(crate) fn needs_delivery(&self) -> bool {
        if self.done_if.is_some() {
            return true;
        }
        #[cfg(feature = "journal")]
        if self.journal.is_some() {
            return true;
        }
        #[cfg(feature = "reports")]
        if self.report.is_some() {
            return true;
        }
        false
    }
}

/// The journal, the report and the earlier results of one run.
///
/// It lives from the opening of the journal to the end of the run. No cell is borrowed while a closure of the caller
/// runs, except `past` while the display asks for keys.
pub(crate) struct Persistence<'s, 'a, T, R, E> {
    codec: &'s Codec<R, E>,
    sources: ErrorSources<E>,
    key: Option<&'s Key<'a, T>>,
    done_if: Option<&'s DoneIf<'a, T>>,
    #[cfg(feature = "journal")]
    fingerprint: Option<&'s Key<'a, T>>,
    #[cfg(feature = "journal")]
    journal: Option<RefCell<JournalWriter>>,
    /// How values are written to the journal.
    #[cfg(feature = "journal")]
    format: Format,
    /// The shapes of values that were read back in this run.
    #[cfg(feature = "journal")]
    shapes: Shapes,
    #[cfg(feature = "reports")]
    reporter: Option<RefCell<Reporter<'a>>>,
    /// The keys of items that are pending or in hand, by index.
    pending: RefCell<PendingKeys>,
    past: RefCell<Past>,
    /// The first error that ends the run, found while items were read.
    fault: RefCell<Option<Error>>,
    /// The results that could not be written down.
    #[cfg(feature = "journal")]
    unwritten: RefCell<RowWarnings>,
    /// The recorded results that could not be read.
    #[cfg(feature = "journal")]
    unread: RefCell<RowWarnings>,
    /// Positions below this one run one at a time, to measure a serial run.
    n_serial_sample: usize,
    serial_time: Cell<(usize, Duration)>,
    mode: ModeKind,
    started: SystemTime,
}

/// A journal that is open for writing, and the items that it held at the start.
///
/// The recorded items are in memory as a whole, from the opening until the run ends; each is taken out when it is
/// looked up.
#[cfg(feature = "journal")]
struct JournalWriter {
    store: Store,
    recorded: Recorded,
}

/// The items of a slice, divided into those to run and those that are finished.
///
/// For a slice only: a stream is divided item by item.
pub(crate) struct Pending<R, E> {
    /// The indices of the items to run, in input order; `None` for all of them.
    pub(crate) todo: Option<Vec<usize>>,
    /// The results of finished items, by index.
    pub(crate) resumed: OneByOne<(usize, ItemResult<R, E>)>,
}

impl<'s, 'a, T, R, E> Persistence<'s, 'a, T, R, E> {
    /// Opens the journal and the report that the job asks for. Reads the whole journal.
    ///
    /// The report comes first, then the journal. The journal's own key function goes before that of the job.
    ///
    /// # Errors
    /// The report's settings are not valid or its folder cannot be written to, a journal has no key function, or the
    /// journal cannot be opened or read. No item has been looked at.
    pub(crate) fn open(keep: &'s mut KeepSpec<'a, T, R, E>, mode: ModeKind) -> Result<Self, Error> {
        #[cfg(feature = "reports")]
        let reporter = keep.report.take().map(Reporter::new).transpose().map_err(Error::report)?;
        #[cfg(feature = "reports")]
        let n_serial_sample = reporter.as_ref().map_or(0, Reporter::n_serial);
        #[cfg(not(feature = "reports"))]
        let n_serial_sample = 0;
        let keep: &'s KeepSpec<'a, T, R, E> = keep;
        let key = keep.key.as_deref();
        #[cfg(feature = "journal")]
        let key = keep.journal.as_ref().and_then(|journal| journal.key.as_deref()).or(key);
        #[cfg(feature = "journal")]
        if keep.journal.is_some() && key.is_none() {
            return Err(Error::journal(JournalError::NoKeys));
        }
        #[cfg(feature = "journal")]
        let journal = keep.journal.as_ref().map(JournalWriter::open).transpose().map_err(Error::journal)?;
        Ok(Self {
            codec: &keep.codec,
            sources: keep.sources,
            key,
            done_if: keep.done_if.as_deref(),
            #[cfg(feature = "journal")]
            fingerprint: keep.journal.as_ref().and_then(|journal| journal.fingerprint.as_deref()),
            #[cfg(feature = "journal")]
            journal: journal.map(RefCell::new),
            #[cfg(feature = "journal")]
            format: keep.journal.as_ref().map_or(Format::default(), |journal| journal.settings.format),
            #[cfg(feature = "journal")]
            shapes: Shapes::default(),
            #[cfg(feature = "reports")]
            reporter: reporter.map(RefCell::new),
            pending: RefCell::default(),
            past: RefCell::default(),
            fault: RefCell::default(),
            #[cfg(feature = "journal")]
            unwritten: RefCell::default(),
            #[cfg(feature = "journal")]
            unread: RefCell::default(),
            n_serial_sample,
            serial_time: Cell::default(),
            mode,
            started: SystemTime::now(),
        })
    }

    /// The function that gives the key of an item.
    pub(crate) fn key(&self) -> Option<&'s Key<'a, T>> {
        self.key
    }

    /// Where finished items are written, if anything is.
    ///
    /// `None` spares the delivery a virtual call per result, as for a job that has `done_if` alone.
    pub(crate) fn sink(&self) -> Option<&dyn ResultSink<R, E>> {
        self.is_kept().then_some(self as _)
    }

    /// The items looked up so far that were finished before the run.
    ///
    /// Complete before the run for a slice; grows with each turn that reads a stream.
    pub(crate) fn past(&self) -> Ref<'_, Past> {
        self.past.borrow()
    }

    /// The number of positions that run one at a time, to measure a serial run.
    ///
    /// 0 without a report. Where the order of work is that of the input, these positions run before all others, one at
    /// a time, so that a report can compare the run with a serial one.
    pub(crate) fn n_serial_sample(&self) -> usize {
        self.n_serial_sample
    }

    /// Whether anything is written down.
    pub(crate) fn is_kept(&self) -> bool {
        #[cfg(feature = "journal")]
        if self.journal.is_some() {
            return true;
        }
        #[cfg(feature = "reports")]
        if self.reporter.is_some() {
            return true;
        }
        false
    }

    /// Divides the items of a slice. Costs one look-up per item, and nothing where nothing is kept.
    ///
    /// # Errors
    /// Those of [`Persistence::look_up`], of the first item that has one. No item has started then.
    pub(crate) fn divide(&self, items: &[T]) -> Result<Pending<R, E>, Error> {
        if !self.is_kept() && self.done_if.is_none() {
            return Ok(Pending { todo: None, resumed: OneByOne::default() });
        }
        let (mut todo, mut resumed) = (Vec::new(), OneByOne::default());
        for (index, item) in items.iter().enumerate() {
            match self.look_up(index, item)? {
                None => todo.push(index),
                Some(result) => resumed.push((index, result)),
            }
        }
        Ok(Pending { todo: Some(todo), resumed })
    }

    /// The result of an item that was finished before the run; `None` for an item to run.
    ///
    /// Called once per item. An item whose recorded value cannot be read is an item to run. The journal is asked first, so
    /// an item that it knows has its value even where `done_if` is true too. Without a key function the key is the index as text; a journal does not allow that, since indices
    /// change with the list.
    ///
    /// # Errors
    /// Two items have the same key, or the fingerprint has changed where that is refused.
    pub(crate) fn look_up(&self, index: usize, item: &T) -> Result<Option<ItemResult<R, E>>, Error> {
        let key = || self.key.map_or_else(|| index.to_string(), |key| key(item));
        let mut pending = None;
        #[cfg(feature = "journal")]
        if let Some(journal) = &self.journal {
            let (key, fingerprint) = (key(), self.fingerprint.map(|fingerprint| fingerprint(item)));
            let state = journal.borrow_mut().recorded.look_up(index, &key, fingerprint.as_deref());
            match state.map_err(Error::journal)? {
                ItemState::Resumed(recorded) => match self.restore(index, *recorded) {
                    Ok(result) => return Ok(Some(result)),
                    Err(unreadable) => {
                        self.note_unread(unreadable);
                        pending = Some(PendingKey { key, fingerprint, earlier_attempts: 0 });
                    }
                },
                ItemState::ToDo { earlier_attempts } => {
                    pending = Some(PendingKey { key, fingerprint, earlier_attempts });
                }
            }
        }
        if self.done_if.is_some_and(|is_done| is_done(item)) {
            self.past.borrow_mut().done_before.push(index);
            return Ok(Some(None));
        }
        if self.is_kept() {
            let pending = pending.unwrap_or_else(|| PendingKey { key: key(), fingerprint: None, earlier_attempts: 0 });
            self.pending.borrow_mut().insert(index, pending);
        }
        Ok(None)
    }

    /// Keeps the first error that ends the run.
    ///
    /// It is found in the middle of a turn, when results of other items are still to come: these are written down
    /// before the run returns it.
    pub(crate) fn note_fault(&self, fault: Error) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    /// The result that an earlier run recorded.
    ///
    /// A recorded failure comes back as a failure with the text of its error, since the error itself was not stored.
    /// The record goes into the report too, so that a report after a resume covers all items.
    ///
    /// # Errors
    /// The row has no value, or its bytes are not a value of this type.
    #[cfg(feature = "journal")]
    fn restore(&self, index: usize, item: RecordedItem) -> Result<ItemResult<R, E>, JournalError> {
        let RecordedItem { record, value, format, .. } = item;
        let result = match (&record.failure, value, &self.codec.values) {
            (Some(recorded), ..) => Err(ItemFailure {
                key: Some(record.key.clone()),
                attempts: record.attempts,
                elapsed: record.elapsed,
                ..ItemFailure::new(index, Cause::Recorded(recorded.clone()), self.sources)
            }),
            (None, Some(bytes), Some(codec)) => Ok((codec.read)(&record.key, format, &bytes)?),
            (None, ..) => return Err(JournalError::no_value::<R>(&record.key)),
        };
        self.past.borrow_mut().resumed.push(index);
        #[cfg(feature = "reports")]
        if let Some(reporter) = &self.reporter {
            reporter.borrow_mut().add(record);
        }
        Ok(Some(result))
    }

    /// A recorded value that cannot be read is computed again. The first ones are warnings of the run, the others are
    /// counted, and each is an event.
    #[cfg(feature = "journal")]
    fn note_unread(&self, unreadable: JournalError) {
        tracing::warn!(error = %unreadable, "a recorded result cannot be read and is computed again");
        self.unread.borrow_mut().add(unreadable);
    }

    /// Closes journal and report of a run of a slice that ends while its items are looked up. What ended the run is
    /// reported to the caller before what its files did.
    pub(crate) fn close_before_items(self, n_items: usize, early: EarlyEnd) {
        let end = RunEnd::before_items(n_items, &self.past());
        let _ = self.finish(end, Some(early));
    }

    /// Closes the journal and writes the report, whatever ended the run: `early` is what ended it before its items did.
    ///
    /// # Errors
    /// The journal's refusal of an item, for which the caller has no error of its own.
    pub(crate) fn finish(self, end: RunEnd, early: Option<EarlyEnd>) -> Result<RunReport, Error<E>> {
        let mut warnings: Vec<Error> = Vec::new();
        #[cfg(feature = "journal")]
        for rows in [&self.unwritten, &self.unread] {
            warnings.extend(rows.borrow_mut().take().into_iter().map(Error::journal));
        }
        #[cfg(feature = "journal")]
        if let Some(journal) = self.journal {
            warnings.extend(journal.into_inner().store.finish().into_iter().map(Error::journal));
        }
        let fault = self.fault.take();
        #[cfg(feature = "reports")]
        if let Some(reporter) = self.reporter {
            let (n_items, elapsed) = self.serial_time.get();
            let facts = RunFacts {
                mode: self.mode.name(),
                begun: self.started,
                ended: SystemTime::now(),
                ended_by: ended_by(&end, early.or(fault.as_ref().map(|_| EarlyEnd::Fault))),
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
            let mut reporter = reporter.into_inner();
            warnings.extend(reporter.finish(&facts).err().map(Error::report));
            let mut dropped = Vec::new();
            reporter.into_closures().for_each(|closure| Whole(closure).drop_apart(&mut dropped));
            warnings.extend(DropPanics::warnings_of(Dropped::Closure, dropped));
        }
        match fault {
            Some(fault) => {
                end.drop_panics.log();
                Err(fault.widen())
            }
            None => {
                warnings.extend(end.drop_panics.into_warnings());
                Ok(RunReport { tally: end.tally, past: self.past.take(), warnings })
            }
        }
    }
}

/// The reason for the end of a run, for its report.
///
/// The most urgent of several reasons: a panic, a fault, a cancellation, failures, a break.
#[cfg(feature = "reports")]
fn ended_by(end: &RunEnd, early: Option<EarlyEnd>) -> EndedBy {
    match (early, end.cancelled) {
        (Some(EarlyEnd::Panic), _) => EndedBy::Panic,
        (Some(EarlyEnd::Fault), _) => EndedBy::Fault,
        (None, Some(reason)) => EndedBy::Cancelled(reason),
        (None, None) if end.has_stopped => EndedBy::Failures,
        (None, None) if end.is_aborted => EndedBy::Callback,
        (None, None) => EndedBy::LastItem,
    }
}

#[cfg(feature = "journal")]
impl JournalWriter {
    fn open<T>(journal: &Journal<'_, T>) -> Result<Self, JournalError> {
        let (store, recorded) = Store::open(&journal.settings)?;
        Ok(Self { store, recorded: Recorded::new(recorded, &journal.settings) })
    }
}

impl<T, R, E> ResultSink<R, E> for Persistence<'_, '_, T, R, E> {
    fn keep(&self, index: usize, result: Result<&R, &ItemFailure<E>>, finished: FinishedItem) {
        let Some(pending) = self.pending.borrow_mut().remove(index) else { return };
        let timing = finished.timing.unwrap_or_else(|| Timing::unknown(SystemTime::now()));
        if finished.position < self.n_serial_sample {
            let (n_items, elapsed) = self.serial_time.get();
            self.serial_time.set((n_items + 1, elapsed + timing.elapsed));
        }
        let record = ItemRecord {
            index,
            key: pending.key,
            failure: result.err().map(|failure| self.to_recorded(failure)),
            is_resumed: false,
            attempts: pending.earlier_attempts.saturating_add(finished.attempts),
            started: timing.started,
            elapsed: timing.elapsed,
            cpu: timing.cpu,
            worker: finished.worker,
            peak_memory: finished.peak_memory,
            amounts: timing.amounts,
        };
        #[cfg(feature = "journal")]
        self.write_down(&record, pending.fingerprint.as_deref(), result.ok());
        #[cfg(feature = "reports")]
        if let Some(reporter) = &self.reporter {
            reporter.borrow_mut().add(record);
        }
    }
}

impl<T, R, E> Persistence<'_, '_, T, R, E> {
    /// A failure as text, with the chain of its causes.
    ///
    /// Computed once per failed item, while the error still has its type; journal and report keep the text.
    fn to_recorded(&self, failure: &ItemFailure<E>) -> RecordedFailure {
        let message = match (&failure.cause, self.codec.error_text) {
            (Cause::Error(error), Some(text)) => text(error, self.sources),
            (cause, _) => cause.describe_without_error(),
        };
        RecordedFailure::new(failure.kind(), message)
    }

    /// The value is encoded here, in the calling thread. An item whose value cannot be encoded or does not read back has
    /// no row, so the next run computes it again. The first one is said at once, since the run may go on for days. The first
    /// ones are warnings of the run, and the others are counted.
    #[cfg(feature = "journal")]
    fn write_down(&self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&R>) {
        let (Some(journal), Some(codec)) = (&self.journal, &self.codec.values) else { return };
        match value.map(|value| (codec.write)(self.format, value, &self.shapes)).transpose() {
            Ok(bytes) => journal.borrow_mut().store.append(record, fingerprint, bytes.as_deref()),
            // Not fatal: the value is in the outcome, and the next run computes it again.
            Err(why) => {
                let problem = JournalError::Unwritable { key: record.key.clone(), why };
                let mut unwritten = self.unwritten.borrow_mut();
                if unwritten.is_empty() {
                    tracing::error!(key = record.key, error = %problem, "a result is in no journal, and others may follow");
                } else {
                    tracing::debug!(key = record.key, error = %problem, "a result is in no journal");
                }
                unwritten.add(problem);
            }
        }
    }
}
