//! The law of long runs: any mode, any workers, chunks and window, any failures with retries, whatever an earlier run had
//! finished and whatever is done already, a run returns and delivers what a plain loop does.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use manyhands::{Cause, Job, Journal, LocalMode, OnFailure, Retry};
use proptest::prelude::*;

use crate::modes::Way;

/// What an item does at each attempt.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Fine,
    /// So many attempts fail.
    FailsAtFirst(u32),
    PanicsAtFirst(u32),
}

#[derive(Debug, Clone)]
struct Call {
    behaviours: Vec<Behaviour>,
    way: Way,
    window: usize,
    policy: OnFailure,
    retries: Option<u32>,
    journalled: Vec<usize>,
    keeps_journal: bool,
    done_every: Option<usize>,
    is_lazy: bool,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        12 => Just(Behaviour::Fine),
        2 => (1_u32..4).prop_map(Behaviour::FailsAtFirst),
        1 => (1_u32..4).prop_map(Behaviour::PanicsAtFirst),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let modes = vec![LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads];
    let way = (prop::sample::select(modes), 1_usize..6, 0_usize..9).prop_map(|(mode, workers, chunk_size)| Way {
        mode,
        workers,
        chunk_size,
    });
    let policies = vec![OnFailure::Stop, OnFailure::Continue, OnFailure::StopAfter(2)];
    let past = (prop::collection::vec(0_usize..60, 0..12), any::<bool>(), prop::option::of(2_usize..6));
    (
        prop::collection::vec(behaviour(), 0..60),
        way,
        prop_oneof![1_usize..5, 5_usize..80],
        prop::sample::select(policies),
        prop::option::of(0_u32..3),
        past,
        any::<bool>(),
    )
        .prop_map(|(behaviours, way, window, policy, retries, past, is_lazy)| {
            let (journalled, keeps_journal, done_every) = past;
            Call { behaviours, way, window, policy, retries, journalled, keeps_journal, done_every, is_lazy }
        })
}

macro_rules! taken {
    ($work:expr, $take:expr) => {{
        let (work, mut seen) = ($work, Vec::new());
        let described = |failure: manyhands::ItemFailure<usize>| (failure.attempts, failure.cause);
        let mut note = |index, answer: Result<usize, _>| {
            seen.push((index, answer.map_err(described)));
            ControlFlow::Continue(())
        };
        match $take {
            Take::Outcome => {
                let outcome = work.run().unwrap();
                assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
                for failure in outcome.failures() {
                    seen.push((failure.index, Err(described(failure.clone()))));
                }
                seen.extend(outcome.iter().map(|(index, &value)| (index, Ok(value))));
                seen.sort_unstable_by_key(|(index, _)| *index);
                let tally = outcome.tally();
                assert_eq!(tally.succeeded + tally.failed, seen.len());
            }
            Take::InOrder => _ = work.for_each_ordered(&mut note).unwrap(),
            Take::AsCompleted => _ = work.for_each(&mut note).unwrap(),
        }
        seen
    }};
}
type Answer = Result<usize, (u32, Cause<usize>)>;

impl Call {
    fn journal(path: &Path) -> Journal<'static, usize> {
        Journal::at(path).key(|n: &usize| n.to_string())
    }

    fn is_resumed(&self, n: usize) -> bool {
        self.keeps_journal && self.journalled.contains(&n)
    }

    fn is_done(&self, n: usize) -> bool {
        self.done_every.is_some_and(|every| n.is_multiple_of(every)) && !self.is_resumed(n)
    }

    fn attempt(&self, n: usize, attempt: u32) -> Result<usize, usize> {
        match self.behaviours[n] {
            Behaviour::FailsAtFirst(times) if attempt <= times => Err(n),
            Behaviour::PanicsAtFirst(times) if attempt <= times => panic!("{n}"),
            _ => Ok(n * 3),
        }
    }

    /// What a plain loop gives: what it comes to before it stops, by index; and what is older than the run beyond that.
    fn by_hand(&self) -> (BTreeMap<usize, Answer>, BTreeMap<usize, Answer>) {
        let most = 1 + self.retries.unwrap_or(0);
        let mut left = match self.policy {
            OnFailure::Stop => 1,
            OnFailure::StopAfter(limit) => limit,
            _ => usize::MAX,
        };
        let (mut before, mut beyond) = (BTreeMap::new(), BTreeMap::new());
        for n in 0..self.behaviours.len() {
            if self.is_resumed(n) {
                (if left > 0 { &mut before } else { &mut beyond }).insert(n, Ok(n * 3));
            } else if left > 0 && !self.is_done(n) {
                let answer = match self.behaviours[n] {
                    Behaviour::FailsAtFirst(times) if times >= most => Err((most, Cause::Error(n))),
                    Behaviour::PanicsAtFirst(times) if times >= most => Err((most, Cause::Panic(n.to_string()))),
                    _ => Ok(n * 3),
                };
                left -= usize::from(answer.is_err());
                before.insert(n, answer);
            }
        }
        (before, beyond)
    }

    /// Runs it all in one of the three ways to take answers; gives them in the order in which they came.
    fn run(&self, take: Take) -> Vec<(usize, Answer)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        if self.keeps_journal {
            let mut had = self.journalled.clone();
            had.sort_unstable();
            had.dedup();
            Job::new(&had).map(|n| n * 3).journal(Self::journal(&path)).run().unwrap().into_result().unwrap();
        }
        let begun = Mutex::new(HashMap::new());
        let function = |&n: &usize| {
            assert!(!self.is_resumed(n) && !self.is_done(n), "item {n} is not to be run");
            let attempt = {
                let mut begun = begun.lock().unwrap();
                let attempt: &mut u32 = begun.entry(n).or_default();
                *attempt += 1;
                *attempt
            };
            self.attempt(n, attempt)
        };
        let items: Vec<usize> = (0..self.behaviours.len()).collect();
        // The types differ, the settings do not.
        macro_rules! configured {
            ($job:expr) => {{
                let mut job = $job.window(self.window).on_failure(self.policy).done_if(|&n| self.is_done(n));
                if let Some(times) = self.retries {
                    job = job.retry(Retry::times(times));
                }
                job
            }};
        }
        match (self.is_lazy, self.keeps_journal) {
            (false, false) => taken!(configured!(self.way.job(&items)).try_map(function), take),
            (false, true) => {
                taken!(configured!(self.way.job(&items)).try_map(function).journal(Self::journal(&path)), take)
            }
            (true, false) => taken!(configured!(self.way.job_over(0..items.len())).try_map(function), take),
            (true, true) => {
                let job = configured!(self.way.job_over(0..items.len()));
                taken!(job.try_map(function).journal(Self::journal(&path)), take)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    Outcome,
    InOrder,
    AsCompleted,
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(150))]
    #[test]
    fn a_run_gives_and_delivers_what_a_plain_loop_does(call in calls()) {
        let (before, beyond) = call.by_hand();
        for take in [Take::Outcome, Take::InOrder, Take::AsCompleted] {
            let seen = call.run(take);
            let by_index: BTreeMap<usize, Answer> = seen.iter().cloned().collect();
            prop_assert_eq!(by_index.len(), seen.len(), "each at most once");
            prop_assert!(take == Take::AsCompleted || seen.is_sorted_by_key(|(index, _)| *index));
            for (index, answer) in &before {
                prop_assert_eq!(by_index.get(index), Some(answer), "{:?}", take);
            }
            for (index, answer) in by_index.iter().filter(|(index, _)| !before.contains_key(index)) {
                match beyond.get(index) {
                    Some(older) => prop_assert_eq!(answer, older),
                    // In no certain order, answers from beyond a stop may come before it is known.
                    None => prop_assert_eq!(take, Take::AsCompleted, "item {} is beyond the stop", index),
                }
            }
            prop_assert!(call.is_lazy || beyond.keys().all(|index| by_index.contains_key(index)));
        }
    }
}
