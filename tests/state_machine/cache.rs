//! The cache without a bound, against a map and six numbers.
//!
//! A step may be a computation, and a computation may take steps in turn, of its own key too. So flights that are overtaken
//! by an `insert`, a `remove` or a `clear`, circles of keys and failures half way all come up in one thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use manyhands::{
    ThreadSafeCache,
    cache::{CacheStats, ComputeError, FastHash},
};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::counted::{Census, Counted};

prop_state_machine! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn any_sequence_of_steps_gives_what_a_map_gives(sequential 1..40 => Follows<FastHash>);
    #[test]
    fn keys_with_one_hash_are_kept_apart(sequential 1..40 => Follows<OneHash>);
}

#[test]
fn a_clone_that_panics_leaves_the_cache_as_it_was() {
    struct Fragile;
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            resume_unwind(Box::new(Torn));
        }
    }
    let cache = ThreadSafeCache::new();
    cache.insert(1, Fragile);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&1).is_some())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| cache.get_or_compute(2, || Fragile))).is_err());
    assert_eq!((cache.len(), cache.contains(&1), cache.contains(&2)), (1, true, false));
    assert!(cache.remove(&1).is_some(), "no lock was left behind");
}

#[test]
fn a_look_that_panics_leaves_the_cache_as_it_was() {
    let cache = ThreadSafeCache::new();
    cache.insert(1, 7);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.with(&1, |_| resume_unwind(Box::new(Torn))))).is_err());
    assert_eq!((cache.insert(1, 8), cache.get(&1)), (Some(7), Some(8)));
}

/// One use of the cache.
#[derive(Debug, Clone)]
enum Step {
    Insert(u64),
    Get(u64),
    With(u64),
    Compute(u64, Work),
    TryCompute(u64, Work),
    Remove(u64),
    Clear,
    Contains(u64),
    Len,
}

/// What a computation does.
#[derive(Debug, Clone)]
struct Work {
    first: Vec<Step>,
    end: End,
}

#[derive(Debug, Clone)]
enum End {
    Value,
    Error,
    Panic,
    /// As a computation of this key ends; nothing catches its panic.
    As(Box<(u64, Work)>),
}

/// What a step gives.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Nothing,
    Value(Option<u64>),
    Computed(u64),
    Failed,
    Cycle,
    Panicked,
    Is(bool),
    Count(usize),
}

/// Why a computation has no value; also what a panic on purpose carries, past the hook that would print it.
#[derive(Debug, PartialEq)]
struct Torn;

/// Few keys, so that steps meet.
const KEYS: u64 = 4;

fn step(depth: u32) -> BoxedStrategy<Step> {
    prop_oneof![
        3 => (0..KEYS).prop_map(Step::Insert),
        2 => (0..KEYS).prop_map(Step::Get),
        1 => (0..KEYS).prop_map(Step::With),
        6 => (0..KEYS, any::<bool>(), work(depth)).prop_map(|(key, may_fail, work)| {
            if may_fail { Step::TryCompute(key, work) } else { Step::Compute(key, work) }
        }),
        2 => (0..KEYS).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => (0..KEYS).prop_map(Step::Contains),
        1 => Just(Step::Len),
    ]
    .boxed()
}

fn work(depth: u32) -> BoxedStrategy<Work> {
    let alone = prop_oneof![4 => Just(End::Value), 1 => Just(End::Error), 1 => Just(End::Panic)];
    if depth == 0 {
        return alone.prop_map(|end| Work { first: Vec::new(), end }).boxed();
    }
    let as_another = (0..KEYS, work(depth - 1)).prop_map(|other| End::As(Box::new(other)));
    let end = prop_oneof![4 => alone, 1 => as_another];
    (prop::collection::vec(step(depth - 1), 0..3), end).prop_map(|(first, end)| Work { first, end }).boxed()
}

/// The cache in plain words. Values are numbered in the order in which they are made.
#[derive(Debug, Clone, Default)]
struct Model {
    slots: HashMap<u64, Slot>,
    stats: CacheStats,
    n_values: u64,
    n_flights: u64,
    /// What the steps inside of the last step gave, and then what it gave itself.
    answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Ready(u64),
    Pending(u64),
}

/// How a computation ended.
enum Ended {
    Value(u64),
    Error,
    Cycle,
    Panic,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        step(3)
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        model.answers.clear();
        model.perform(step);
        model
    }
}

impl Model {
    fn perform(&mut self, step: &Step) {
        let answer = match step {
            Step::Insert(key) => {
                let value = self.new_value();
                self.stats.inserts += 1;
                Answer::Value(self.slots.insert(*key, Slot::Ready(value)).and_then(ready))
            }
            Step::Get(key) | Step::With(key) => Answer::Value(self.look_up(*key)),
            Step::Compute(key, work) => match self.compute(*key, work) {
                Ended::Value(value) => Answer::Computed(value),
                Ended::Error | Ended::Panic => Answer::Panicked,
                Ended::Cycle => {
                    self.stats.computes += 1;
                    match self.work(work) {
                        Ended::Value(value) => Answer::Computed(value),
                        _ => Answer::Panicked,
                    }
                }
            },
            Step::TryCompute(key, work) => match self.compute(*key, work) {
                Ended::Value(value) => Answer::Computed(value),
                Ended::Error => Answer::Failed,
                Ended::Cycle => Answer::Cycle,
                Ended::Panic => Answer::Panicked,
            },
            Step::Remove(key) => Answer::Value(self.slots.remove(key).and_then(ready)),
            Step::Clear => {
                self.slots.clear();
                Answer::Nothing
            }
            Step::Contains(key) => Answer::Is(self.value(*key).is_some()),
            Step::Len => Answer::Count(self.len()),
        };
        self.answers.push(answer);
    }

    /// A look-up, and a flight if there is neither a value nor a flight. With one thread, a flight that is there is one that
    /// this computation is inside of.
    fn compute(&mut self, key: u64, work: &Work) -> Ended {
        if let Some(found) = self.look_up(key) {
            return Ended::Value(found);
        }
        if self.slots.contains_key(&key) {
            self.stats.cycles += 1;
            return Ended::Cycle;
        }
        let flight = Slot::Pending(self.n_flights);
        self.n_flights += 1;
        self.slots.insert(key, flight);
        self.stats.computes += 1;
        let ended = self.work(work);
        if self.slots.get(&key) == Some(&flight) {
            self.slots.remove(&key);
            if let Ended::Value(value) = ended {
                self.slots.insert(key, Slot::Ready(value));
                self.stats.inserts += 1;
            }
        }
        ended
    }

    fn work(&mut self, work: &Work) -> Ended {
        work.first.iter().for_each(|step| self.perform(step));
        match &work.end {
            End::Value => Ended::Value(self.new_value()),
            End::Error => Ended::Error,
            End::Panic => Ended::Panic,
            End::As(other) => match self.compute(other.0, &other.1) {
                Ended::Cycle => Ended::Error,
                ended => ended,
            },
        }
    }

    fn look_up(&mut self, key: u64) -> Option<u64> {
        let found = self.value(key);
        *(if found.is_some() { &mut self.stats.hits } else { &mut self.stats.misses }) += 1;
        found
    }

    fn value(&self, key: u64) -> Option<u64> {
        self.slots.get(&key).copied().and_then(ready)
    }

    fn len(&self) -> usize {
        self.slots.values().copied().filter_map(ready).count()
    }

    fn new_value(&mut self) -> u64 {
        self.n_values += 1;
        self.n_values
    }
}

fn ready(slot: Slot) -> Option<u64> {
    match slot {
        Slot::Ready(value) => Some(value),
        Slot::Pending(_) => None,
    }
}

/// The cache that takes the same steps as the model.
struct Tested<S> {
    cache: ThreadSafeCache<Counted, Counted, S>,
    keys: Census,
    values: Census,
    n_values: Cell<u64>,
    answers: RefCell<Vec<Answer>>,
}

struct Follows<S>(PhantomData<S>);

impl<S: BuildHasher + Default> StateMachineTest for Follows<S> {
    type SystemUnderTest = Tested<S>;
    type Reference = Model;

    fn init_test(_: &Model) -> Tested<S> {
        Tested {
            cache: ThreadSafeCache::default(),
            keys: Census::default(),
            values: Census::default(),
            n_values: Cell::default(),
            answers: RefCell::default(),
        }
    }

    fn apply(tested: Tested<S>, model: &Model, step: Step) -> Tested<S> {
        tested.answers.borrow_mut().clear();
        tested.perform(&step);
        assert_eq!(*tested.answers.borrow(), model.answers);
        tested
    }

    fn check_invariants(tested: &Tested<S>, model: &Model) {
        let mut expected = model.stats;
        expected.entries = model.len();
        assert_eq!(tested.cache.stats(), expected);
        assert_eq!((tested.cache.len(), tested.cache.is_empty()), (model.len(), model.len() == 0));
        assert_eq!(
            (tested.keys.n_alive(), tested.values.n_alive()),
            (model.len(), model.len()),
            "what the cache holds"
        );
    }

    fn teardown(tested: Tested<S>, model: Model) {
        for key in 0..KEYS {
            assert_eq!(tested.cache.with(&key, |value| value.number), model.value(key));
        }
        drop(tested.cache);
        assert_eq!((tested.keys.n_alive(), tested.values.n_alive()), (0, 0), "what outlived the cache");
    }
}

impl<S: BuildHasher> Tested<S> {
    fn perform(&self, step: &Step) {
        let cache = &self.cache;
        let answer = match step {
            Step::Insert(key) => Answer::Value(cache.insert(self.key(*key), self.new_value()).map(|old| old.number)),
            Step::Get(key) => Answer::Value(cache.get(key).map(|value| value.number)),
            Step::With(key) => Answer::Value(cache.with(key, |value| value.number)),
            Step::Compute(key, work) => {
                let whole = || self.work(work).unwrap_or_else(|torn| resume_unwind(Box::new(torn)));
                caught(|| Answer::Computed(cache.get_or_compute(self.key(*key), whole).number))
            }
            Step::TryCompute(key, work) => {
                caught(|| match cache.try_get_or_compute(self.key(*key), || self.work(work)) {
                    Ok(value) => Answer::Computed(value.number),
                    Err(ComputeError::Failed(Torn)) => Answer::Failed,
                    Err(ComputeError::Cycle) => Answer::Cycle,
                })
            }
            Step::Remove(key) => Answer::Value(cache.remove(key).map(|value| value.number)),
            Step::Clear => {
                cache.clear();
                Answer::Nothing
            }
            Step::Contains(key) => Answer::Is(cache.contains(key)),
            Step::Len => Answer::Count(cache.len()),
        };
        self.answers.borrow_mut().push(answer);
    }

    fn work(&self, work: &Work) -> Result<Counted, Torn> {
        work.first.iter().for_each(|step| self.perform(step));
        match &work.end {
            End::Value => Ok(self.new_value()),
            End::Error => Err(Torn),
            End::Panic => resume_unwind(Box::new(Torn)),
            End::As(other) => {
                self.cache.try_get_or_compute(self.key(other.0), || self.work(&other.1)).map_err(|_| Torn)
            }
        }
    }

    fn key(&self, key: u64) -> Counted {
        self.keys.number(key)
    }

    fn new_value(&self) -> Counted {
        self.n_values.set(self.n_values.get() + 1);
        self.values.number(self.n_values.get())
    }
}

/// What a closure gives; a panic with anything but [`Torn`] is a failed assertion and goes on.
fn caught(act: impl FnOnce() -> Answer) -> Answer {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(answer) => answer,
        Err(payload) if payload.is::<Torn>() => Answer::Panicked,
        Err(payload) => resume_unwind(payload),
    }
}

/// Every key has the same hash.
#[derive(Default)]
struct OneHash;

impl BuildHasher for OneHash {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self
    }
}

impl Hasher for OneHash {
    fn write(&mut self, _: &[u8]) {}
    fn finish(&self) -> u64 {
        0
    }
}
