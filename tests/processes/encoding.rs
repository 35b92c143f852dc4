//! Items and answers whose serde code fails: they fail alone.

use manyhands::{Cause, Outcome, Processes};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::fixtures::{assert_is_usable, job, kill_itself};
use crate::harness::{drills, for_worker_counts};

drills![
    an_item_that_cannot_be_written_fails_alone,
    an_item_that_cannot_be_read_fails_alone,
    a_result_that_cannot_be_written_fails_alone,
    a_result_that_cannot_be_read_fails_alone,
    an_error_that_cannot_be_written_fails_its_item_alone,
    an_item_whose_reading_panics_fails_alone,
    a_result_whose_writing_panics_fails_alone,
    an_item_whose_reading_kills_the_worker_fails_alone,
    a_result_whose_writing_kills_the_worker_fails_alone,
    a_shared_value_that_cannot_be_written_or_read_is_an_error_of_the_call,
];

/// A number whose serde code does what its fields say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Faulty(u32, Fault);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Fault {
    None,
    FailsToWrite,
    FailsToRead,
    PanicsInWriting,
    PanicsInReading,
    KillsInWriting,
    KillsInReading,
}

impl Serialize for Faulty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Fault::FailsToWrite => Err(ser::Error::custom(format!("{} is not to be written", self.0))),
            Fault::PanicsInWriting => panic!("{} is not to be written", self.0),
            Fault::KillsInWriting => kill_itself(),
            _ => (self.0, self.1).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Faulty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (number, fault) = Deserialize::deserialize(deserializer)?;
        match fault {
            Fault::FailsToRead => Err(de::Error::custom(format!("{number} is not to be read"))),
            Fault::PanicsInReading => panic!("{number} is not to be read"),
            Fault::KillsInReading => kill_itself(),
            _ => Ok(Self(number, fault)),
        }
    }
}

const FAULTY: usize = 23;

/// One item of fifty has this fault.
fn items(fault: Fault) -> Vec<Faulty> {
    let number = |n: u32| Faulty(n, if n as usize == FAULTY { fault } else { Fault::None });
    (0..50).map(number).collect()
}

fn numbers() -> Vec<u32> {
    (0..50).collect()
}

fn with_each_worker_count<R>(run: impl Fn(usize, usize) -> Outcome<R>, is_cause: impl Fn(&Outcome<R>) -> bool)
where
    Outcome<R>: std::fmt::Debug,
{
    for_worker_counts(|workers| {
        for chunk_size in [1, 10, 50] {
            let outcome = run(workers, chunk_size);
            let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
            assert_eq!(failed, [FAULTY], "{workers} workers, chunks of {chunk_size}: {outcome:?}");
            assert_eq!((outcome.tally().succeeded, outcome.tally().cancelled), (49, 0));
            assert!(is_cause(&outcome), "{outcome:?}");
            assert_is_usable(workers);
        }
    });
}

/// A failure to encode, and the message says of what.
fn is_encoding<R>(what: &'static str) -> impl Fn(&Outcome<R>) -> bool {
    move |outcome| {
        let is_told = matches!(&outcome.failures()[0].cause, Cause::Encoding(message) if message.contains(what));
        is_told && outcome.tally().lost_workers == 0
    }
}

/// The items have a fault, the answers none.
fn faulty_items(fault: Fault, is_cause: impl Fn(&Outcome<u32>) -> bool) {
    let items = items(fault);
    let run = |workers, chunk_size| {
        job(&items, workers).chunk_size(chunk_size).run(|Faulty(number, _): &Faulty| number + 1).unwrap()
    };
    with_each_worker_count(run, |outcome| {
        assert!(outcome.iter().all(|(index, value)| *value as usize == index + 1));
        is_cause(outcome)
    });
}

/// The items have no fault, and one of the answers has.
fn faulty_answers(answer: fn(&u32) -> Faulty, is_cause: impl Fn(&Outcome<Faulty>) -> bool) {
    let items = numbers();
    let run = |workers, chunk_size| job(&items, workers).chunk_size(chunk_size).run(answer).unwrap();
    with_each_worker_count(run, |outcome| {
        assert!(outcome.iter().all(|(index, value)| *value == Faulty(u32::try_from(index).unwrap(), Fault::None)));
        is_cause(outcome)
    });
}

/// The answer to a number: itself, and a fault in one of them.
fn answer(number: u32, fault: Fault) -> Faulty {
    Faulty(number, if number as usize == FAULTY { fault } else { Fault::None })
}

fn an_item_that_cannot_be_written_fails_alone() {
    faulty_items(Fault::FailsToWrite, is_encoding("item"));
}

fn an_item_that_cannot_be_read_fails_alone() {
    faulty_items(Fault::FailsToRead, is_encoding("item"));
}

fn a_result_that_cannot_be_written_fails_alone() {
    faulty_answers(|&n| answer(n, Fault::FailsToWrite), is_encoding("result"));
}

fn a_result_that_cannot_be_read_fails_alone() {
    faulty_answers(|&n| answer(n, Fault::FailsToRead), is_encoding("result"));
}

fn an_error_that_cannot_be_written_fails_its_item_alone() {
    let items = numbers();
    for_worker_counts(|workers| {
        for fault in [Fault::FailsToWrite, Fault::FailsToRead, Fault::None] {
            let outcome = job(&items, workers)
                .shared(&fault)
                .try_run(|&fault: &Fault, &n: &u32| if n as usize == FAULTY { Err(Faulty(n, fault)) } else { Ok(n) })
                .unwrap();
            assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (49, FAULTY));
            let cause = &outcome.failures()[0].cause;
            match fault {
                Fault::None => assert_eq!(*cause, Cause::Error(Faulty(23, Fault::None))),
                _ => assert!(matches!(cause, Cause::Encoding(text) if text.contains("error")), "{cause:?}"),
            }
            assert_is_usable(workers);
        }
    });
}

/// As a panic or as a failure to encode, whichever the library thinks it is.
fn is_panic<R>(outcome: &Outcome<R>) -> bool {
    let is_told = match &outcome.failures()[0].cause {
        Cause::Panic(message) | Cause::Encoding(message) => message.contains("23 is not to be"),
        _ => false,
    };
    is_told && outcome.tally().lost_workers == 0
}

fn an_item_whose_reading_panics_fails_alone() {
    faulty_items(Fault::PanicsInReading, is_panic);
}

fn a_result_whose_writing_panics_fails_alone() {
    faulty_answers(|&n| answer(n, Fault::PanicsInWriting), is_panic);
}

fn is_loss<R>(outcome: &Outcome<R>) -> bool {
    let failure = &outcome.failures()[0];
    failure.is_lost() && failure.attempts == 2 && outcome.tally().lost_workers == 2
}

fn an_item_whose_reading_kills_the_worker_fails_alone() {
    faulty_items(Fault::KillsInReading, is_loss);
}

fn a_result_whose_writing_kills_the_worker_fails_alone() {
    faulty_answers(|&n| answer(n, Fault::KillsInWriting), is_loss);
}

fn a_shared_value_that_cannot_be_written_or_read_is_an_error_of_the_call() {
    let items = numbers();
    for_worker_counts(|workers| {
        for fault in [Fault::FailsToWrite, Fault::FailsToRead, Fault::PanicsInReading, Fault::KillsInReading] {
            let result = manyhands::Job::new(&items)
                .mode(Processes::new())
                .workers(workers)
                .shared(&Faulty(1, fault))
                .run(|shared: &Faulty, n: &u32| shared.0 + n);
            let error = result.unwrap_err();
            assert!(!error.is_item(), "{fault:?}: {error}");
            eprintln!("{workers} workers, {fault:?}: {error}");
            assert_is_usable(workers);
        }
    });
}
