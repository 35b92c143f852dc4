//! Reading ahead: while subjects are computed, threads read the files of the next ones from the disk or the server into the system's
//! cache of files.
//!
//! They only read bytes. The worker of the subject parses them: parsing is computing, so it belongs to the requested workers; a
//! broken file then fails that worker's subject alone; and a worker process can be limited. No data is passed on, so it works the same
//! in every mode and in every resumed run, and memory holds no night that no worker computes. Cost: a file system that caches nothing
//! is read twice.
//!
//! Promises: it is never more than a few subjects ahead of the finished ones, and reads none that an earlier run had finished; an
//! unreadable file is ignored here, because its subject reports it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consumer_support::input::open_regular;
use manyhands::sync::{JoinHandle, spawn};
use manyhands::{AtomicCounter, CancelToken, Job, OnFailure, Threads};

use super::csv_folder::csv_files;
use super::subjects::{Source, Subject};

/// No more of one file is read ahead: what comes first is needed first, and a cache holds only so much.
const MOST_OF_A_FILE: u64 = 1 << 30;
const BLOCK: usize = 1 << 18;

/// Reads the files of coming subjects while it lives.
#[derive(Debug)]
pub(super) struct ReadAhead<'a> {
    subjects: &'a [Subject],
    /// Subjects that are computed at once.
    n_workers: usize,
    /// The number of results of earlier runs that are still to come; they come before all others.
    n_recorded: usize,
    is_done: Vec<bool>,
    /// The subjects that this run computes, once that is known.
    pending: Vec<usize>,
    /// How many of those are done.
    n_done: usize,
    /// The first of those whose files were not read yet.
    next: usize,
    stop: CancelToken,
    reader: Option<Reader>,
}

/// A thread that reads files.
#[derive(Debug)]
struct Reader {
    thread: JoinHandle<()>,
    /// One while it reads.
    is_reading: Arc<AtomicCounter>,
}

impl<'a> ReadAhead<'a> {
    /// Starts, once `n_recorded` results of earlier runs have come, with the subjects after those that the workers start with. If fewer
    /// results come, it starts later, which costs only time.
    pub(super) fn begin(subjects: &'a [Subject], n_workers: usize, n_recorded: usize) -> Self {
        let (is_done, stop) = (vec![false; subjects.len()], CancelToken::new());
        let pending = Vec::new();
        let mut ahead =
            Self { subjects, n_workers, n_recorded, is_done, pending, n_done: 0, next: 0, stop, reader: None };
        if n_recorded == 0 {
            ahead.begin_reading();
        }
        ahead
    }

    /// A subject is finished, so another one may be read.
    pub(super) fn subject_done(&mut self, idx: usize) {
        self.is_done[idx] = true;
        match self.n_recorded {
            0 => {
                self.n_done += 1;
                self.read_due();
            }
            n_recorded => {
                self.n_recorded = n_recorded - 1;
                if n_recorded == 1 {
                    self.begin_reading();
                }
            }
        }
    }

    fn begin_reading(&mut self) {
        self.pending = (0..self.subjects.len()).filter(|&idx| !self.is_done[idx]).collect();
        self.next = self.n_workers.min(self.pending.len());
        self.read_due();
    }

    /// Starts to read what is due, unless the last reading is not over; then it is read with the next.
    fn read_due(&mut self) {
        let end = due(self.n_done, self.n_workers).min(self.pending.len());
        let is_reading = self.reader.as_ref().is_some_and(|reader| reader.is_reading.value() > 0);
        if is_reading || self.next >= end {
            return;
        }
        let coming = &self.pending[self.next..end];
        let sources: Vec<Source> = coming.iter().map(|&idx| self.subjects[idx].source.clone()).collect();
        self.next = end;
        if sources.iter().any(|source| source.path().is_some()) {
            self.end_reader();
            self.reader = Some(Reader::start(sources, self.stop.clone()));
        }
    }

    fn end_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A panic there costs only time.
            let _ = reader.thread.join();
        }
    }
}

/// Waits for the blocks that are being read.
impl Drop for ReadAhead<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
        self.end_reader();
    }
}

/// Where reading ahead ends: after the finished subjects, the running ones, and as many again.
fn due(n_done: usize, n_workers: usize) -> usize {
    n_done.saturating_add(n_workers.saturating_mul(2))
}

impl Reader {
    fn start(sources: Vec<Source>, stop: CancelToken) -> Self {
        let is_reading = Arc::new(AtomicCounter::new());
        is_reading.increment();
        let guard_counter = Arc::clone(&is_reading);
        let thread = spawn(move || {
            let _until_dropped = CountDown(guard_counter);
            read_files(&sources, &stop);
        });
        Self { thread, is_reading }
    }
}

/// Counts down when it is dropped, even by a panic.
struct CountDown(Arc<AtomicCounter>);

impl Drop for CountDown {
    fn drop(&mut self) {
        self.0.decrement();
    }
}

fn read_files(sources: &[Source], stop: &CancelToken) {
    let files: Vec<PathBuf> = sources.iter().flat_map(files_of).collect();
    let job = Job::new(&files).mode(Threads::io()).chunk_size(1).on_failure(OnFailure::Continue).cancel_token(stop);
    // A file that cannot be read fails by name where it is parsed.
    let _ = job.run(|file| read_through(file, stop));
}

fn files_of(source: &Source) -> Vec<PathBuf> {
    match source {
        Source::Edf(file) => vec![file.clone()],
        Source::Csv(folder) => csv_files(folder).unwrap_or_default().into_iter().map(|(_, path)| path).collect(),
        Source::Made { .. } | Source::Nameless => Vec::new(),
    }
}

fn read_through(path: &Path, stop: &CancelToken) {
    let Ok((file, _)) = open_regular(path) else { return };
    let mut file = file.take(MOST_OF_A_FILE);
    let mut block = vec![0; BLOCK];
    while !stop.is_cancelled() && matches!(file.read(&mut block), Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ahead_ends_a_few_subjects_after_the_running_ones() {
        assert_eq!([due(0, 2), due(1, 2), due(10, 3)], [4, 5, 16]);
    }

    #[test]
    fn every_subject_is_read_once_and_none_too_early() {
        let made = |seed: u64| Subject { name: seed.to_string(), source: Source::Made { seed, hours: 1.0 } };
        let subjects: Vec<Subject> = (0..7).map(made).collect();
        let mut ahead = ReadAhead::begin(&subjects, 2, 0);
        let mut next = vec![ahead.next];
        for idx in 0..7 {
            ahead.subject_done(idx);
            next.push(ahead.next);
        }
        assert_eq!(next, [4, 5, 6, 7, 7, 7, 7, 7]);
    }

    #[test]
    fn what_an_earlier_run_had_finished_is_not_read() {
        let made = |seed: u64| Subject { name: seed.to_string(), source: Source::Made { seed, hours: 1.0 } };
        let subjects: Vec<Subject> = (0..7).map(made).collect();
        let mut ahead = ReadAhead::begin(&subjects, 1, 3);
        for idx in [0, 2, 5] {
            assert_eq!(ahead.next, 0);
            ahead.subject_done(idx);
        }
        assert_eq!((&ahead.pending[..], ahead.next), (&[1, 3, 4, 6][..], 2));
        ahead.subject_done(1);
        assert_eq!(ahead.next, 3);
    }

    #[test]
    fn an_interrupted_reading_ends_at_the_next_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endless.edf");
        std::fs::write(&path, vec![0; 3 * BLOCK]).unwrap();
        let subjects: Vec<Subject> =
            (0..9).map(|idx: u8| Subject { name: idx.to_string(), source: Source::Edf(path.clone()) }).collect();
        drop(ReadAhead::begin(&subjects, 1, 0));
        let gone = Subject { name: "gone".to_owned(), source: Source::Edf(folder.path().join("gone.edf")) };
        drop(ReadAhead::begin(&[gone.clone(), gone], 1, 0));
    }
}
