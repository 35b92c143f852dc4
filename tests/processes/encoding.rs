//! Items and answers whose serde code fails: they fail alone.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use manyhands::process::{Format, SharedSlice};
use manyhands::{Cause, Job, OnFailure, Outcome, Processes};
use serde::de::DeserializeOwned;
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
    a_variant_behind_a_skipped_one_never_arrives_as_another,
    a_variant_that_comes_late_is_read_back_too,
    an_error_and_a_shared_value_arrive_as_they_were_or_fail,
    types_that_must_describe_themselves_travel_in_a_format_that_does,
    a_value_that_reads_back_by_chance_does_not_speak_for_the_next,
    a_slice_of_shared_memory_travels_in_every_format,
    a_list_of_more_empty_elements_than_its_bytes_is_refused_at_once,
    an_error_whose_text_panics_fails_its_item_alone,
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
        // The text of the user's own error is kept, too.
        let is_told = matches!(&outcome.failures()[0].cause,
            Cause::Encoding(message) if message.contains(what) && message.contains("23 is not to be"));
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
                _ => assert!(
                    matches!(cause, Cause::Encoding(text) if text.contains("error") && text.contains("23 is not to be")),
                    "{cause:?}"
                ),
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

/// Its first variant is not written, so a format of numbers gives the others another number in reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    #[serde(skip)]
    #[expect(dead_code, reason = "it is there to be skipped")]
    Unknown,
    Wake,
    Light,
    Deep,
    Rem,
}

const STAGES: [Stage; 4] = [Stage::Wake, Stage::Light, Stage::Deep, Stage::Rem];

/// Runs `function` over the items in both formats, on as many workers.
fn in_both_formats<T, R>(items: &[T], workers: usize, function: fn(&T) -> R) -> [Outcome<R>; 2]
where
    T: Serialize + DeserializeOwned + Sync,
    R: Serialize + DeserializeOwned + Send,
{
    [Format::Compact, Format::SelfDescribing].map(|format| {
        let mode = Processes::new().format(format);
        Job::new(items).mode(mode).workers(workers).on_failure(OnFailure::Continue).run(function).unwrap()
    })
}

/// All items failed to travel, each with its reason and the way out.
fn assert_all_refused<R: std::fmt::Debug>(outcome: &Outcome<R>) {
    assert_eq!(outcome.tally().succeeded, 0, "{outcome:?}");
    assert_eq!(outcome.tally().lost_workers, 0);
    for failure in outcome.failures() {
        let Cause::Encoding(message) = &failure.cause else { panic!("{failure:?}") };
        assert!(message.contains("Format::SelfDescribing"), "{message}");
    }
}

fn a_variant_behind_a_skipped_one_never_arrives_as_another() {
    for_worker_counts(|workers| {
        let stages: Vec<Stage> = STAGES.into_iter().cycle().take(400).collect();
        let [compact, named] = in_both_formats(&stages, workers, |stage| *stage as u8);
        assert_all_refused(&compact);
        assert_eq!(named.into_result().unwrap(), stages.iter().map(|&stage| stage as u8).collect::<Vec<_>>());

        let numbers: Vec<usize> = (0..400).collect();
        let [compact, named] = in_both_formats(&numbers, workers, |n| STAGES[n % 4]);
        assert_all_refused(&compact);
        assert!(compact.failures().iter().all(|failure| failure.to_string().contains("result")));
        assert_eq!(named.into_result().unwrap(), stages);
    });
    assert_is_usable(2);
}

/// Most items are the same, so their frames are long when the first with a note comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Night {
    epochs: u32,
    /// Where it is not there, the next field is read in its place: with a value that the reader takes.
    #[serde(skip_serializing_if = "is_zero", default)]
    first: u8,
    rest: Vec<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

fn a_variant_that_comes_late_is_read_back_too() {
    let nights: Vec<Night> = (0..20_000)
        .map(|epochs| Night {
            epochs,
            first: u8::from(epochs % 1000 != 999),
            rest: if epochs % 1000 == 999 { vec![0] } else { Vec::new() },
        })
        .collect();
    for_worker_counts(|workers| {
        let [compact, named] = in_both_formats(&nights, workers, Night::clone);
        for (index, value) in compact.iter() {
            assert_eq!(*value, nights[index], "it came as another value");
        }
        let failed: Vec<usize> = compact.failures().iter().map(|failure| failure.index).collect();
        assert_eq!(failed, (0..20).map(|n| 1000 * n + 999).collect::<Vec<_>>());
        assert!(compact.failures().iter().all(|failure| matches!(failure.cause, Cause::Encoding(_))));
        assert_eq!(named.into_result().unwrap(), nights);
    });
}

fn an_error_and_a_shared_value_arrive_as_they_were_or_fail() {
    for format in [Format::Compact, Format::SelfDescribing] {
        let outcome = Job::new(&[0_usize, 1, 2, 3])
            .mode(Processes::new().format(format))
            .on_failure(OnFailure::Continue)
            .try_run(|&n: &usize| -> Result<u8, Stage> { Err(STAGES[n]) })
            .unwrap();
        for failure in outcome.failures() {
            match (format, &failure.cause) {
                (Format::Compact, Cause::Encoding(message)) => assert!(message.contains("the error"), "{message}"),
                (Format::SelfDescribing, cause) => assert_eq!(*cause, Cause::Error(STAGES[failure.index])),
                (_, cause) => panic!("{cause:?}"),
            }
        }
        let shared = Job::new(&STAGES)
            .mode(Processes::new().format(format))
            .shared(&Stage::Wake)
            .run(|shared: &Stage, _: &Stage| *shared as u8);
        match (format, shared) {
            (Format::Compact, Err(error)) => assert!(error.to_string().contains("Format::SelfDescribing"), "{error}"),
            (Format::SelfDescribing, Ok(outcome)) => assert_eq!(outcome.into_result().unwrap(), [Stage::Wake as u8; 4]),
            (_, result) => panic!("{result:?}"),
        }
    }
    assert_is_usable(2);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Empty,
    Filled { width: f32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    more: BTreeMap<String, i64>,
}

fn types_that_must_describe_themselves_travel_in_a_format_that_does() {
    fn check<T>(items: &[T])
    where
        T: Serialize + DeserializeOwned + Clone + Sync + Send + PartialEq + std::fmt::Debug,
    {
        let [compact, named] = in_both_formats(items, 2, T::clone);
        assert_all_refused_or_right(&compact, items);
        assert_eq!(named.into_result().unwrap(), items);
    }
    fn assert_all_refused_or_right<T: PartialEq + std::fmt::Debug>(outcome: &Outcome<T>, items: &[T]) {
        assert!(outcome.iter().all(|(index, value)| *value == items[index]));
        assert!(outcome.failures().iter().all(|failure| matches!(failure.cause, Cause::Encoding(_))));
        assert!(!outcome.failures().is_empty());
    }
    check(&[Untagged::Number(-0.5), Untagged::Text("none".to_owned())]);
    check(&[Tagged::Empty, Tagged::Filled { width: 1.5 }]);
    check(&[Flat { id: 1, more: BTreeMap::from([("a".to_owned(), -1)]) }]);
    check(&[serde_json::json!({"epochs": [1, 2.5, null], "name": "one"})]);
    let maps: Vec<HashMap<String, (u128, Option<char>)>> =
        (0..50).map(|n| (0..n).map(|k| (k.to_string(), (u128::MAX - k, Some('ß')))).collect()).collect();
    for outcome in in_both_formats(&maps, 2, Clone::clone) {
        assert_eq!(outcome.into_result().unwrap(), maps, "the order of a map is no difference");
    }
}

/// Read as the first variant that fits, whichever was written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Int(i64),
    Big(u64),
    Float(f64),
}

/// Written as one of two kinds of numbers and read as one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Count(i64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(count) => serializer.serialize_u64(count),
            Err(_) => serializer.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

fn a_value_that_reads_back_by_chance_does_not_speak_for_the_next() {
    /// Every hundredth item fails, and all others arrive as they were: as items and as results.
    fn check<T>(format: usize, other: fn(usize) -> T, hundredth: T)
    where
        T: Serialize + DeserializeOwned + Copy + Sync + Send + PartialEq + std::fmt::Debug,
    {
        let items: Vec<T> = (0..5000).map(|n| if n % 100 == 99 { hundredth } else { other(n) }).collect();
        let bad: Vec<usize> = (99..5000).step_by(100).collect();
        for_worker_counts(|workers| {
            let outcome = &in_both_formats(&items, workers, |item| *item)[format];
            assert_eq!(outcome.failures().iter().map(|failure| failure.index).collect::<Vec<_>>(), bad);
            assert!(outcome.failures().iter().all(|failure| matches!(failure.cause, Cause::Encoding(_))));
            assert!(outcome.iter().all(|(index, value)| *value == items[index]), "{workers} workers");
        });
    }
    check(0, |n| Count(if n % 3 == 0 { 0 } else { -3 }), Count(4));
    check(1, |n| [Number::Big(u64::MAX), Number::Float(0.5), Number::Int(3)][n % 3], Number::Big(5));
    assert_is_usable(2);
}

fn a_slice_of_shared_memory_travels_in_every_format() {
    let slice = SharedSlice::copy_of(&[0.5_f64; 1000]).unwrap();
    let items: Vec<(u8, SharedSlice<f64>)> = (0..20).map(|n| (n, slice.view(usize::from(n)..))).collect();
    for outcome in in_both_formats(&items, 2, |(n, slice)| (*n, slice.view(1..))) {
        let results = outcome.into_result().unwrap();
        assert!(results.iter().zip(&items).all(|(result, item)| result.0 == item.0 && result.1 == item.1.view(1..)));
    }
}

fn a_list_of_more_empty_elements_than_its_bytes_is_refused_at_once() {
    let begun = Instant::now();
    let [compact, _] = in_both_formats(&[1_000_usize, 1 << 21], 1, |&n| vec![(); n]);
    assert_eq!(compact.get(0), Some(&vec![(); 1000]));
    let Cause::Encoding(message) = &compact.failures()[0].cause else { panic!("{:?}", compact.failures()) };
    assert!(message.contains("claims"), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// An error whose text cannot be written.
#[derive(Debug, Serialize, Deserialize)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words")
    }
}

fn an_error_whose_text_panics_fails_its_item_alone() {
    let job = job(&[1_u64, 2, 3], 2).on_failure(manyhands::OnFailure::Continue);
    let outcome = job.try_run(|&n: &u64| if n == 2 { Err(Unspeakable) } else { Ok(n) }).unwrap();
    assert!(outcome.failures()[0].to_string().ends_with("no words)"), "{}", outcome.failures()[0]);
    assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
}
