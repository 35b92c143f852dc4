//! The bounded cache: what it finds is right, it keeps to its bound, and no value leaves it uncounted.
//!
//! Which value goes when it is full is its own affair, so the model has no say in it: the model knows what each key last
//! stood for, and a computation gives that again. Whatever the cache has forgotten, it can then find nothing else.

use std::collections::HashMap;
use std::hash::RandomState;

use manyhands::{ThreadSafeCache, cache::ComputeError};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::counted::{Census, Counted};

prop_state_machine! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn whatever_is_evicted_what_is_found_was_put_there_last(sequential 1..120 => KeepsToItsBound);
}

#[test]
fn a_full_cache_holds_as_much_as_it_may() {
    for bound in [1, 8, 9, 100, 1001] {
        // A hasher that spreads any keys, so that all parts of the cache fill up.
        let cache = ThreadSafeCache::with_hasher_and_bound(RandomState::new(), Some(bound));
        (0..10_000).for_each(|key| _ = cache.insert(key, key));
        assert_eq!(cache.len(), bound);
    }
}

#[test]
fn a_cache_for_no_value_computes_each_time_and_holds_nothing() {
    let cache = ThreadSafeCache::bounded(0);
    assert_eq!([1, 2].map(|value| cache.get_or_compute("key", || value)), [1, 2]);
    assert_eq!((cache.insert("key", 3), cache.insert("key", 4), cache.get("key")), (None, None, None));
    let stats = cache.stats();
    assert_eq!((stats.inserts, stats.evictions, stats.computes, stats.entries), (4, 4, 2, 0));
}

const BOUNDS: [usize; 7] = [0, 1, 2, 8, 20, 100, usize::MAX];
const KEYS: u64 = 40;

#[derive(Debug, Clone, Copy)]
enum Step {
    Insert(u64),
    Get(u64),
    Compute(u64),
    /// A computation that fails.
    Fail(u64),
    /// A computation that inserts the value itself, so that its own result is dropped.
    InsertInside(u64),
    Remove(u64),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop_oneof![0..4_u64, 0..KEYS];
    prop_oneof![
        6 => key().prop_map(Step::Insert),
        6 => key().prop_map(Step::Get),
        6 => key().prop_map(Step::Compute),
        2 => key().prop_map(Step::Fail),
        2 => key().prop_map(Step::InsertInside),
        3 => key().prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

/// What each key stands for, whether or not the cache still knows.
#[derive(Debug, Clone)]
struct Model {
    bound: usize,
    last: HashMap<u64, u64>,
    n_values: u64,
    /// What the key of the last step stood for before it.
    before: Option<u64>,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        prop::sample::select(&BOUNDS[..])
            .prop_map(|bound| Self { bound, last: HashMap::new(), n_values: 0, before: None })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        step().boxed()
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        model.n_values += 1;
        let new = model.n_values;
        model.before = match *step {
            Step::Insert(key) => model.last.insert(key, new),
            Step::Get(key) | Step::Fail(key) => model.last.get(&key).copied(),
            Step::Compute(key) | Step::InsertInside(key) => {
                let before = model.last.get(&key).copied();
                model.last.entry(key).or_insert(new);
                before
            }
            Step::Remove(key) => model.last.remove(&key),
            Step::Clear => {
                model.last.clear();
                None
            }
        };
        model
    }
}

/// A cache, and a count of all that was seen to enter and leave it.
struct Watched {
    cache: ThreadSafeCache<u64, Counted>,
    values: Census,
    n_hits: u64,
    n_misses: u64,
    n_computed: u64,
    n_inserted: u64,
    n_taken: u64,
}

/// The answer of a computation that was overtaken. No look-up may ever find it.
const OVERTAKEN: u64 = u64::MAX;

struct KeepsToItsBound;

impl StateMachineTest for KeepsToItsBound {
    type SystemUnderTest = Watched;
    type Reference = Model;

    fn init_test(model: &Model) -> Watched {
        let cache = ThreadSafeCache::bounded(model.bound);
        Watched { cache, values: Census::default(), n_hits: 0, n_misses: 0, n_computed: 0, n_inserted: 0, n_taken: 0 }
    }

    fn apply(mut watched: Watched, model: &Model, step: Step) -> Watched {
        match step {
            Step::Insert(key) => {
                let old = watched.cache.insert(key, watched.values.number(model.last[&key]));
                watched.n_inserted += 1;
                watched.takes(old, model.before);
            }
            Step::Get(key) => {
                let found = watched.cache.get(&key);
                watched.looks_up(found.is_some());
                assert!(found.is_none_or(|found| Some(found.number) == model.before));
            }
            Step::Compute(key) => {
                let (value, is_computed) = watched.compute(key, |watched| watched.values.number(model.last[&key]));
                watched.n_inserted += u64::from(is_computed);
                assert_eq!(value, model.last[&key]);
            }
            Step::Fail(key) => {
                let computed = watched.cache.try_get_or_compute(key, || Err("torn"));
                watched.looks_up(computed.is_ok());
                watched.n_computed += u64::from(computed.is_err());
                match computed {
                    Ok(found) => assert_eq!(Some(found.number), model.before),
                    Err(error) => assert_eq!(error, ComputeError::Failed("torn")),
                }
            }
            Step::InsertInside(key) => {
                let (value, is_computed) = watched.compute(key, |watched| {
                    assert!(watched.cache.insert(key, watched.values.number(model.last[&key])).is_none());
                    watched.values.number(OVERTAKEN)
                });
                watched.n_inserted += u64::from(is_computed);
                assert_eq!(value, if is_computed { OVERTAKEN } else { model.last[&key] });
            }
            Step::Remove(key) => {
                let removed = watched.cache.remove(&key);
                watched.takes(removed, model.before);
            }
            Step::Clear => {
                watched.n_taken += watched.cache.len() as u64;
                watched.cache.clear();
            }
        }
        watched
    }

    fn check_invariants(watched: &Watched, model: &Model) {
        let (cache, stats) = (&watched.cache, watched.cache.stats());
        assert!(cache.len() <= model.bound, "{} of {}", cache.len(), model.bound);
        assert_eq!((stats.entries, watched.values.n_alive()), (cache.len(), cache.len()));
        assert_eq!((stats.hits, stats.misses), (watched.n_hits, watched.n_misses));
        assert_eq!((stats.computes, stats.inserts, stats.cycles), (watched.n_computed, watched.n_inserted, 0));
        assert_eq!(stats.evictions, stats.inserts - watched.n_taken - stats.entries as u64);
        let n_known = (0..KEYS).filter(|key| cache.contains(key)).count();
        assert_eq!(n_known, cache.len());
        if model.bound == usize::MAX {
            assert_eq!(n_known, model.last.len(), "nothing has to go");
        }
    }

    fn teardown(watched: Watched, model: Model) {
        for key in 0..KEYS {
            let found = watched.cache.get(&key);
            assert!(found.is_none_or(|found| Some(&found.number) == model.last.get(&key)));
        }
        drop(watched.cache);
        assert_eq!(watched.values.n_alive(), 0);
    }
}

impl Watched {
    /// The value, and whether it had to be computed.
    fn compute(&mut self, key: u64, make: impl FnOnce(&Self) -> Counted) -> (u64, bool) {
        let mut is_computed = false;
        let value = self.cache.get_or_compute(key, || {
            is_computed = true;
            make(self)
        });
        self.looks_up(!is_computed);
        self.n_computed += u64::from(is_computed);
        (value.number, is_computed)
    }

    fn looks_up(&mut self, is_hit: bool) {
        *(if is_hit { &mut self.n_hits } else { &mut self.n_misses }) += 1;
    }

    /// A value that was replaced or removed is the one that stood there, or there is none.
    fn takes(&mut self, taken: Option<Counted>, before: Option<u64>) {
        self.n_taken += u64::from(taken.is_some());
        assert!(taken.is_none_or(|taken| Some(taken.number) == before));
    }
}
