//! Runs that remember what is finished, in every mode.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use manyhands::{
    Cause, Job, Journal, LocalMode, OnFailure, Retry,
    journal::{Format, JournalError, JournalReader, OnChange, RetryRecorded},
    parallel_map,
};

use crate::modes::{Way, for_every_way};

fn journal(path: &Path) -> Journal<'static, usize> {
    Journal::at(path).key(|n: &usize| format!("n{n}")).version("1")
}

/// A journal that has these items.
fn having(path: &Path, items: &[usize]) {
    if !items.is_empty() {
        Job::new(items).map(|n| n * 2).journal(journal(path)).run().unwrap().into_result().unwrap();
    }
}

fn recorded(path: &Path) -> HashSet<String> {
    JournalReader::open(path).unwrap().entries().unwrap().into_iter().map(|entry| entry.key).collect()
}

/// A few of the ways: a journal is a file, and files take their time.
fn for_some_ways(mut check: impl FnMut(Way, PathBuf)) {
    for_every_way(|way| {
        if [1, 3].contains(&way.workers) && way.chunk_size != 1000 {
            let folder = tempfile::tempdir().unwrap();
            check(way, folder.path().join("run.journal"));
        }
    });
}

#[test]
fn what_an_earlier_run_finished_is_not_run_again_and_comes_in_its_place() {
    let items: Vec<usize> = (0..60).collect();
    for_some_ways(|way, path| {
        for round in 0..3 {
            if round == 0 {
                having(&path, &[3, 4, 17, 59]);
            }
            let ran = Mutex::new(Vec::new());
            let double = |&n: &usize| {
                ran.lock().unwrap().push(n);
                n * 2
            };
            let outcome = match round {
                0 => way.job(&items[..30]).map(double).journal(journal(&path)).run(),
                1 => way.job_over(0..60).window(7).map(double).journal(journal(&path)).run(),
                _ => way.job(&items).map(double).journal(journal(&path)).run(),
            };
            let outcome = outcome.unwrap();
            assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
            let resumed: Vec<usize> = outcome.resumed().collect();
            let mut ran = ran.into_inner().unwrap();
            ran.sort_unstable();
            let new = [vec![0], (30..59).collect(), vec![]];
            match round {
                0 => assert_eq!(resumed, [3, 4, 17], "{way:?}"),
                1 => assert_eq!(ran, new[1], "{way:?}"),
                _ => assert_eq!((ran, resumed), (vec![], items.clone()), "{way:?}"),
            }
            let n_items = if round == 0 { 30 } else { 60 };
            assert_eq!(outcome.tally().succeeded, n_items);
            assert_eq!(outcome.into_result().unwrap(), (0..n_items).map(|n| n * 2).collect::<Vec<_>>());
        }
    });
}

#[test]
fn resumed_results_are_delivered_where_they_belong() {
    for_some_ways(|way, path| {
        having(&path, &[0, 1, 9, 10, 11, 20, 39]);
        let items: Vec<usize> = (0..40).collect();
        for window in [1, 4, 100] {
            for is_lazy in [false, true] {
                // A copy, as each run adds to it.
                let copy = path.with_extension(format!("{window}{is_lazy}"));
                std::fs::copy(&path, &copy).unwrap();
                let (mut seen, journal) = (Vec::new(), journal(&copy));
                let take = |index, answer: Result<usize, _>| {
                    seen.push((index, answer.unwrap()));
                    Continue(())
                };
                let tally = if is_lazy {
                    way.job_over(0..40).window(window).map(|n| n * 2).journal(journal).for_each_ordered(take)
                } else {
                    way.job(&items).window(window).map(|n| n * 2).journal(journal).for_each_ordered(take)
                };
                let tally = tally.unwrap();
                assert_eq!(seen, (0..40).map(|n| (n, n * 2)).collect::<Vec<_>>(), "{way:?}, {window}, {is_lazy}");
                assert_eq!((tally.resumed, tally.succeeded, tally.cancelled), (7, 40, 0));
            }
        }
    });
}

#[test]
fn a_break_while_earlier_results_come_runs_nothing_and_counts_right() {
    for_some_ways(|way, path| {
        having(&path, &[0, 1, 2, 3]);
        let items: Vec<usize> = (0..10).collect();
        for is_lazy in [false, true] {
            for ordered in [false, true] {
                let mut seen = 0;
                let mut take = |_, _: Result<usize, _>| {
                    seen += 1;
                    if seen == 2 { Break(()) } else { Continue(()) }
                };
                let never = |&n: &usize| -> usize { panic!("{n} was begun") };
                let tally = match (is_lazy, ordered) {
                    (false, false) => way.job(&items).map(never).journal(journal(&path)).for_each(&mut take),
                    (false, true) => way.job(&items).map(never).journal(journal(&path)).for_each_ordered(&mut take),
                    (true, false) => way.job_over(0..10).map(never).journal(journal(&path)).for_each(&mut take),
                    (true, true) => way.job_over(0..10).map(never).journal(journal(&path)).for_each_ordered(&mut take),
                };
                let tally = tally.unwrap();
                assert_eq!((seen, tally.succeeded, tally.resumed), (2, 2, 2), "{way:?} {is_lazy} {ordered}");
            }
        }
    });
}

#[test]
fn failures_are_tried_again_by_the_next_run_or_come_back_as_recorded() {
    let items: Vec<usize> = (0..20).collect();
    for_some_ways(|way, path| {
        let compute = |&n: &usize| if n % 5 == 2 { Err(format!("bad {n}")) } else { Ok(n) };
        let job = || way.job(&items).on_failure(OnFailure::Continue);
        let first = job().retry(Retry::times(1)).try_map(compute).journal(journal(&path)).run().unwrap();
        assert_eq!(first.failures().len(), 4);
        let kept = job().try_map(compute).journal(journal(&path).retry_recorded(RetryRecorded::Nothing)).run().unwrap();
        assert_eq!(kept.tally().resumed, 20, "{way:?}");
        for failure in kept.failures() {
            let Cause::Recorded(recorded) = &failure.cause else { panic!("{failure}") };
            assert_eq!((failure.attempts, recorded.message.clone()), (2, format!("bad {}", failure.index)));
        }
        let again = job().map(|&n| n).journal(journal(&path)).run().unwrap();
        assert_eq!((again.tally().resumed, again.into_result().unwrap()), (16, items.clone()));
        let entries = JournalReader::open(&path).unwrap().entries().unwrap();
        let attempts: Vec<u32> = entries.iter().filter(|entry| entry.key == "n7").map(|entry| entry.attempts).collect();
        assert_eq!(attempts, [3], "two by the first run, one by the third");
    });
}

#[test]
fn what_lies_beyond_a_stop_is_discarded_and_remembered() {
    let items: Vec<usize> = (0..50).collect();
    for_some_ways(|way, path| {
        having(&path, &[5, 30, 49]);
        let compute = |&n: &usize| if n == 20 { Err("stop") } else { Ok(n * 2) };
        for is_lazy in [false, true] {
            let copy = path.with_extension(format!("{is_lazy}"));
            std::fs::copy(&path, &copy).unwrap();
            let outcome = if is_lazy {
                way.job_over(0..50).window(40).try_map(compute).journal(journal(&copy)).run()
            } else {
                way.job(&items).try_map(compute).journal(journal(&copy)).run()
            };
            let outcome = outcome.unwrap();
            let there: Vec<usize> = outcome.iter().map(|(index, _)| index).collect();
            let expected: Vec<usize> = (0..20).chain([30, 49]).collect();
            // What comes late may not have come at all.
            let expected = if is_lazy { &expected[..there.len()] } else { &expected[..] };
            assert!(there.len() >= 20 && there == expected, "{way:?} {is_lazy} {there:?}");
            assert_eq!(outcome.failures().iter().map(|failure| failure.index).collect::<Vec<_>>(), [20]);
        }
    });
}

#[test]
fn the_costliest_of_what_is_left_come_first() {
    let items: Vec<usize> = (0..30).collect();
    for_some_ways(|way, path| {
        having(&path, &[29, 28, 3]);
        let ran = Mutex::new(Vec::new());
        let job = way.job(&items).cost(|&n| n as u64).memory_budget(40);
        let work = job.map(|&n| {
            ran.lock().unwrap().push(n);
            n * 2
        });
        let outcome = work.journal(journal(&path)).run();
        assert_eq!(outcome.unwrap().into_result().unwrap(), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        let ran = ran.into_inner().unwrap();
        assert_eq!((ran.len(), ran[0]), (27, 27), "{way:?}");
        assert!(way.workers > 1 || ran.is_sorted_by(|one, next| one > next));
    });
}

#[test]
fn what_finished_before_a_callback_panicked_is_written_down() {
    let items: Vec<usize> = (0..40).collect();
    for_some_ways(|way, path| {
        let begun = Mutex::new(HashSet::new());
        let work = way
            .job(&items)
            .map(|&n| {
                begun.lock().unwrap().insert(format!("n{n}"));
                n * 2
            })
            .journal(journal(&path));
        let panicking = |index, _| {
            assert_ne!(index, 10, "in the callback");
            Continue(())
        };
        assert!(catch_unwind(AssertUnwindSafe(|| work.for_each_ordered(panicking))).is_err());
        // Not more either: what was begun was finished, and is not discarded.
        assert_eq!(recorded(&path), begun.into_inner().unwrap(), "{way:?}");
    });
}

#[test]
fn two_items_of_one_key_are_refused_in_a_list_and_end_a_run_whose_items_come() {
    for_some_ways(|way, path| {
        let items = [1_usize, 2, 3, 2, 4];
        let refused = way.job(&items).map(|&n| n).journal(journal(&path)).run().unwrap_err();
        assert!(matches!(refused.journal_error(), Some(JournalError::DuplicateKey { first: 1, second: 3, .. })));
        let mut seen = Vec::new();
        let work = way.job_over(items.into_iter()).map(|&n| n).journal(journal(&path));
        let ended = work.for_each_ordered(|_, answer| {
            seen.push(answer.unwrap());
            Continue(())
        });
        let error = ended.unwrap_err();
        assert!(matches!(error.journal_error(), Some(JournalError::DuplicateKey { first: 1, second: 3, .. })));
        assert_eq!(seen, [1, 2, 3], "{way:?}: what came before is done");
        assert_eq!(recorded(&path).len(), 3);
    });
}

#[test]
fn a_result_that_cannot_be_written_down_is_in_the_outcome_and_a_warning() {
    #[derive(Debug, PartialEq)]
    struct Stubborn(usize);
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                2 => Err(serde::ser::Error::custom("not me")),
                n => serializer.serialize_u64(n as u64),
            }
        }
    }
    impl<'de> serde::Deserialize<'de> for Stubborn {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u64::deserialize(deserializer).map(|n| Self(n as usize))
        }
    }
    for_some_ways(|way, path| {
        let outcome = way.job(&[0, 1, 2, 3]).map(|&n| Stubborn(n)).journal(journal(&path)).run().unwrap();
        let warning = outcome.warnings()[0].to_string();
        assert!(warning.contains("n2"), "{way:?}: {warning}");
        assert_eq!(outcome.get(2), Some(&Stubborn(2)));
        assert_eq!(recorded(&path).len(), 3);

        // The same from a future, which goes on with what is recorded; from an iterator it comes when all answers have come.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let work = || way.job_over(0..4).map(|&n: &usize| Stubborn(n)).journal(journal(&path));
        let later = runtime.block_on(work().spawn().unwrap()).unwrap();
        assert!(later.warnings()[0].to_string().contains("n2"), "{way:?}");
        assert_eq!(later.resumed().collect::<Vec<_>>(), [0, 1, 3]);
        assert_eq!(later.into_result().unwrap(), [0, 1, 2, 3].map(Stubborn));
        let mut answers = work().ordered().unwrap();
        let (values, ends): (Vec<_>, Vec<_>) = answers.by_ref().partition(Result::is_ok);
        assert!(values.len() == 4 && ends.len() == 1 && ends[0].as_ref().unwrap_err().to_string().contains("n2"));
        assert_eq!(answers.tally().map(|tally| (tally.succeeded, tally.resumed)), Some((4, 3)));
    });
}

#[test]
fn a_run_within_an_item_of_a_run_has_its_own_journal_and_retries() {
    for_some_ways(|way, path| {
        let folder = path.parent().unwrap().to_owned();
        let items: Vec<usize> = (0..6).collect();
        for round in 0..2 {
            let sums = way.job(&items).run(|&n| {
                let failed = Mutex::new(HashSet::new());
                let inner: Vec<usize> = (0..8).collect();
                let job = Job::new(&inner).workers(3).retry(Retry::times(1));
                let outcome = job
                    .try_map(|&m| if m % 3 == 1 && failed.lock().unwrap().insert(m) { Err("once") } else { Ok(m + n) })
                    .journal(journal(&folder.join(format!("{n}.journal"))))
                    .run()
                    .unwrap();
                assert_eq!(outcome.tally().resumed, 8 * round);
                outcome.into_result().unwrap().iter().sum::<usize>()
            });
            let sums = sums.unwrap().into_result().unwrap();
            assert_eq!(sums, items.iter().map(|n| 28 + 8 * n).collect::<Vec<_>>(), "{way:?}");
        }
    });
}

/// With a limit on the size of files: as the limit is the process's, this part is played by a copy of this program.
#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_fails_on_the_way_takes_no_result_with_it() {
    const PART: &str = "MANYHANDS_TEST_FULL_DISK";
    let name = "journal::a_journal_that_fails_on_the_way_takes_no_result_with_it";
    if std::env::var_os(PART).is_none() {
        let copy = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(PART, "1")
            .output()
            .unwrap();
        assert!(copy.status.success(), "{}", String::from_utf8_lossy(&copy.stderr));
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let items: Vec<usize> = (0..40).collect();
    for mode in [LocalMode::Serial, LocalMode::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let large = |&n: &usize| vec![n as u64; 20_000];
        Job::new(&items[..1]).map(large).journal(journal(&path)).run().unwrap().into_result().unwrap();
        let limit = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(200 * 1024), ..limit }).unwrap();
        // The answers are larger in all than the file and its log may be together.
        let job = Job::new(&items[1..]).mode(mode).workers(2);
        let outcome = job.map(large).journal(journal(&path)).run().unwrap();
        setrlimit(Resource::Fsize, limit).unwrap();
        assert_eq!(outcome.warnings().len(), 1, "{mode:?}");
        assert!(outcome.warnings()[0].journal_error().is_some(), "{:?}", outcome.warnings());
        let values = outcome.into_result().unwrap();
        assert!(values.iter().zip(1..).all(|(value, n)| value == &vec![n; 20_000]));
        let before = recorded(&path).len();
        assert!((1..40).contains(&before), "what was written is whole: {before}");
    }
    assert_eq!(parallel_map(LocalMode::Threads, &[1], |n| n + 1).unwrap(), [2]);
}

#[test]
fn a_chunk_that_takes_long_is_handed_in_by_parts_and_nothing_is_lost_or_held_up_by_that() {
    let items: Vec<usize> = (0..20).collect();
    for_some_ways(|way, path| {
        if way.chunk_size != 5 {
            return;
        }
        let in_use = Mutex::new(0);
        let job = way.job(&items).on_failure(OnFailure::Continue);
        let job = job.cost(|n| *n as u64 % 3).memory_budget(3).retry(Retry::times(1));
        let outcome = job
            .try_map(|&n| {
                *in_use.lock().unwrap() += n % 3;
                assert!(*in_use.lock().unwrap() <= 3);
                // Every chunk comes in several parts.
                std::thread::sleep(std::time::Duration::from_millis(26));
                *in_use.lock().unwrap() -= n % 3;
                if n == 8 { Err("busy") } else { Ok(n) }
            })
            .journal(journal(&path))
            .run()
            .unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.tally().retries), (19, 1), "{way:?}");
        assert_eq!((outcome.failures()[0].index, outcome.failures()[0].attempts), (8, 2));
        assert!(outcome.iter().all(|(index, &n)| index == n));
        assert_eq!(recorded(&path).len(), 20);
    });
}

/// Its first variant is not written, so a format of numbers gives the others another number in reading.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
enum Stage {
    #[serde(skip)]
    #[expect(dead_code, reason = "it is there to be skipped")]
    Unknown,
    Wake,
    Light,
    Deep,
    Rem,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Night {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    epochs: usize,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
}

/// Runs twice with a journal in this format. Every value is right in both runs; gives how many of the second were
/// resumed, and the warnings of the first.
fn twice<R>(format: Format, function: fn(&usize) -> R) -> (usize, Vec<String>)
where
    R: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send,
{
    let folder = tempfile::tempdir().unwrap();
    let items: Vec<usize> = (0..20).collect();
    let (mut n_resumed, mut warnings) = (0, Vec::new());
    for is_first in [true, false] {
        let journal = journal(&folder.path().join("a.journal")).format(format);
        let outcome = Job::new(&items).map(function).journal(journal).run().unwrap();
        match is_first {
            true => warnings = outcome.warnings().iter().map(ToString::to_string).collect(),
            false => n_resumed = outcome.resumed().count(),
        }
        assert_eq!(outcome.into_result().unwrap(), items.iter().map(function).collect::<Vec<_>>());
    }
    (n_resumed, warnings)
}

#[test]
fn what_does_not_read_back_is_said_at_once_and_computed_again() {
    fn check<R>(n_kept: usize, function: fn(&usize) -> R)
    where
        R: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send,
    {
        let (n_resumed, warnings) = twice(Format::Compact, function);
        assert_eq!(n_resumed, n_kept, "{warnings:?}");
        let n_unwritten = 20 - n_kept;
        assert_eq!(warnings.len(), n_unwritten.min(16), "{warnings:?}");
        let names = |warning: &String, n: usize| warning.contains(&format!("{:?}", format!("n{n}")));
        for warning in &warnings {
            assert!(warning.contains("cannot be written down") && warning.contains("computes it again"), "{warning}");
        }
        // Whatever the order in which the items end, each warning is of another one.
        let n_named = (0..20).filter(|n| warnings.iter().filter(|warning| names(warning, *n)).count() == 1).count();
        assert_eq!(n_named, warnings.len(), "{warnings:?}");
        assert_eq!(warnings[warnings.len() - 1].contains("(and 4 more values)"), n_unwritten == 20, "{warnings:?}");
        assert_eq!(twice(Format::SelfDescribing, function), (20, vec![]));
    }
    check(0, |n| [Stage::Wake, Stage::Light, Stage::Deep, Stage::Rem][n % 4]);
    check(10, |n| Night { note: (n % 2 == 0).then(|| "calm".to_owned()), epochs: 0 });
    check(0, |n| if n % 2 == 0 { Untagged::Number(0.5) } else { Untagged::Text(n.to_string()) });
    check(0, |n| serde_json::json!({"epochs": n, "list": [null, 1.5]}));
}

#[test]
fn what_reads_back_is_kept_in_both_formats() {
    for format in [Format::Compact, Format::SelfDescribing] {
        let kept = (20, vec![]);
        assert_eq!(twice(format, |n| (0..*n).map(|k| (k, vec![Some(k as f32)])).collect::<HashMap<_, _>>()), kept);
        assert_eq!(twice(format, |n| (u128::MAX - *n as u128, 'ß', i8::MIN, Some(Ok::<(), u8>(())))), kept);
        assert_eq!(twice(format, |n| vec![(); *n]), kept);
    }
}

#[test]
fn rows_of_both_formats_are_resumed_by_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    for (n_items, format) in [(2, Format::Compact), (4, Format::SelfDescribing), (6, Format::Compact)] {
        let items: Vec<usize> = (0..n_items).collect();
        let double = |n: &usize| Some(n * 2);
        let outcome = Job::new(&items).map(double).journal(journal(&path).format(format)).run().unwrap();
        assert_eq!(outcome.resumed().count(), n_items - 2);
        assert_eq!(outcome.into_result().unwrap(), items.iter().map(double).collect::<Vec<_>>());
    }
    for entry in JournalReader::open(&path).unwrap().entries().unwrap() {
        assert_eq!(entry.value::<Option<usize>>().unwrap(), Some(Some(entry.index * 2)));
    }
}

mod before {
    #[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
    pub(super) struct Band {
        pub(super) low: f64,
        pub(super) high: f64,
    }
}

mod after {
    #[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
    pub(super) struct Band {
        pub(super) high: f64,
        pub(super) low: f64,
    }
}

/// A journal that has the results of one function is opened with another, whose results are of another type.
fn after_a_change<A, B>(one: fn(&usize) -> A, other: fn(&usize) -> B, named: [&str; 2])
where
    A: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send,
    B: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send,
{
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let items = [1, 2, 3];
    Job::new(&items).map(one).journal(journal(&path)).run().unwrap().into_result().unwrap();

    let refusal = Job::new(&items).map(other).journal(journal(&path)).run().unwrap_err();
    let message = refusal.to_string();
    assert!(message.starts_with("the type of the results is"), "{message}");
    assert!(named.iter().all(|name| message.contains(name)), "{message}");
    assert!(matches!(refusal.journal_error(), Some(JournalError::Changed { .. })));

    let again = journal(&path).on_change(OnChange::Recompute);
    let outcome = Job::new(&items).map(other).journal(again).run().unwrap();
    assert_eq!(outcome.resumed().count(), 0);
    assert_eq!(outcome.into_result().unwrap(), items.iter().map(other).collect::<Vec<_>>());

    // And back: what was recorded as the first type counts again.
    let again = journal(&path).on_change(OnChange::Recompute);
    let outcome = Job::new(&items).map(one).journal(again).run().unwrap();
    assert_eq!(outcome.resumed().count(), 3);
    assert_eq!(outcome.into_result().unwrap(), items.iter().map(one).collect::<Vec<_>>());
}

#[test]
fn results_of_another_type_are_refused_by_name_or_computed_again() {
    after_a_change(|&n| n as i64, |&n| n as u64, ["u64", "i64"]);
    after_a_change(
        |&n| before::Band { low: n as f64, high: 9.0 },
        |&n| after::Band { low: n as f64, high: 9.0 },
        ["high:f64,low:f64", "low:f64,high:f64"],
    );
    after_a_change(|&n| (n as f32, 1_u8), |&n| (n as f32, 1_i8), ["(f32, u8)", "(f32, i8)"]);
    after_a_change(|&n| vec![n], |&n| vec![Some(n)], ["Vec<usize>", "Vec<Option<usize>>"]);
}

/// Reads what it wrote, unless a test says otherwise.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
struct Fickle(usize);

static READS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

impl<'de> Deserialize<'de> for Fickle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fickle(usize);
        let Fickle(number) = Fickle::deserialize(deserializer)?;
        match READS.load(std::sync::atomic::Ordering::SeqCst) || number % 2 == 0 {
            true => Ok(Self(number)),
            false => Err(serde::de::Error::custom("odd numbers are out of fashion")),
        }
    }
}

#[test]
fn a_recorded_result_that_cannot_be_read_any_more_is_computed_again_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let items: Vec<usize> = (0..10).collect();
    for reads in [true, false, true] {
        READS.store(reads, std::sync::atomic::Ordering::SeqCst);
        let outcome = Job::new(&items).map(|&n| Fickle(n)).journal(journal(&path)).run().unwrap();
        if !reads {
            assert_eq!(outcome.resumed().collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
            // Each is said twice: it cannot be read, and what it is computed as again does not read back either.
            let warnings: Vec<String> = outcome.warnings().iter().map(ToString::to_string).collect();
            assert!(warnings.iter().all(|warning| warning.contains("odd numbers are out of fashion")), "{warnings:?}");
            for n in &items {
                let n_named = warnings.iter().filter(|warning| warning.contains(&format!("\"n{n}\""))).count();
                assert_eq!(n_named, if n % 2 == 0 { 0 } else { 2 }, "{n}: {warnings:?}");
            }
        }
        assert_eq!(outcome.into_result().unwrap(), items.iter().map(|&n| Fickle(n)).collect::<Vec<_>>());
    }
}

/// Reads two numbers, and panics with any other list.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(from = "Vec<f64>", into = "Vec<f64>")]
struct Limits(f64, f64);

impl From<Vec<f64>> for Limits {
    fn from(numbers: Vec<f64>) -> Self {
        MADE.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(numbers.len(), 2, "limits are two numbers");
        Self(numbers[0], numbers[1])
    }
}

impl From<Limits> for Vec<f64> {
    fn from(Limits(low, high): Limits) -> Self {
        vec![low, high]
    }
}

static MADE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

#[test]
fn a_type_that_panics_with_made_up_values_is_recorded_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let items = [1, 2, 3];
    for n_resumed in [0, 3] {
        drop(Job::new(&items).map(|&n| Limits(0.0, n as f64)).journal(journal(&path))); // opens nothing
        assert_eq!(
            MADE.swap(0, std::sync::atomic::Ordering::SeqCst),
            0,
            "no value is made up before the file is opened"
        );
        let outcome = Job::new(&items).map(|&n| Limits(0.0, n as f64)).journal(journal(&path)).run().unwrap();
        assert!(MADE.swap(0, std::sync::atomic::Ordering::SeqCst) > 0);
        assert_eq!(outcome.resumed().count(), n_resumed);
        assert_eq!(outcome.into_result().unwrap(), items.map(|n| Limits(0.0, n as f64)));
    }
    assert!(catch_unwind(|| panic!("all other panics are shown")).is_err());
}

#[test]
fn a_panic_with_a_made_up_value_is_shown_nowhere() {
    let test = "journal::a_type_that_panics_with_made_up_values_is_recorded_without_a_word";
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--test-threads=1", "--show-output", "--exact", test])
        .output()
        .unwrap();
    let [stdout, stderr] = [run.stdout, run.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(run.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    assert!(stdout.contains("all other panics are shown"), "{stdout}{stderr}");
    assert!(
        !stdout.contains("limits are two numbers") && !stderr.contains("limits are two numbers"),
        "{stdout}{stderr}"
    );
}

/// Removes its file, as a guard of a temporary result does.
#[derive(Serialize, Deserialize)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_result_whose_destructor_removes_a_file_keeps_it_when_it_is_recorded() {
    for mode in [LocalMode::Serial, LocalMode::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let write = |&n: &usize| {
            let file = folder.path().join(n.to_string());
            std::fs::write(&file, "a result").unwrap();
            Temporary(file)
        };
        let journal = journal(&folder.path().join("a.journal"));
        let outcome = Job::new(&[1, 2, 3]).mode(mode).map(write).journal(journal).run().unwrap();
        let results = outcome.into_result().unwrap();
        assert!(results.iter().all(|result| result.0.exists()), "{mode}");
        drop(results);
        assert!(!folder.path().join("1").exists(), "{mode}: the results' own destructors run");
    }
}
