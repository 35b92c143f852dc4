//! Locks in one thread: which access is granted while which guards are alive or forgotten, and what needs no lock at all.

use std::fmt::Debug;
use std::mem;

use manyhands::{
    RwLock, Synchronized,
    lock::{RwLockReadGuard, RwLockWriteGuard, StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard},
};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use plain::Obeys as ObeysPlain;
use striped::Obeys as ObeysStriped;

prop_state_machine! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn guards_of_a_plain_lock_exclude_what_they_should(sequential 1..40 => ObeysPlain);
    #[test]
    fn guards_of_a_striped_lock_exclude_what_they_should(sequential 1..40 => ObeysStriped);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    TryRead,
    TryWrite,
    /// Waits, which it may only where nothing is in the way.
    Read,
    Write,
    /// One more, through the guard of the writer.
    Increase,
    LeaveReading(usize),
    LeaveWriting,
    ForgetReading(usize),
    ForgetWriting,
}

/// The guards that are alive. Those that were forgotten stay for ever.
#[derive(Debug, Clone, Default)]
struct Inside {
    n_readers: usize,
    has_writer: bool,
    n_forgotten_readers: usize,
    has_forgotten_writer: bool,
    value: u64,
}

impl Inside {
    fn admits_a_reader(&self) -> bool {
        !self.has_writer && !self.has_forgotten_writer
    }

    fn admits_a_writer(&self) -> bool {
        self.admits_a_reader() && self.n_readers + self.n_forgotten_readers == 0
    }
}

impl ReferenceStateMachine for Inside {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        prop_oneof![
            4 => Just(Step::TryRead),
            4 => Just(Step::TryWrite),
            3 => Just(Step::Read),
            3 => Just(Step::Write),
            4 => Just(Step::Increase),
            6 => (0..8_usize).prop_map(Step::LeaveReading),
            4 => Just(Step::LeaveWriting),
            1 => (0..8_usize).prop_map(Step::ForgetReading),
            1 => Just(Step::ForgetWriting),
        ]
        .boxed()
    }

    fn preconditions(inside: &Self, step: &Step) -> bool {
        match *step {
            Step::TryRead | Step::TryWrite => true,
            Step::Read => inside.admits_a_reader(),
            Step::Write => inside.admits_a_writer(),
            Step::Increase | Step::LeaveWriting | Step::ForgetWriting => inside.has_writer,
            Step::LeaveReading(reader) | Step::ForgetReading(reader) => reader < inside.n_readers,
        }
    }

    fn apply(mut inside: Self, step: &Step) -> Self {
        match step {
            Step::TryRead | Step::Read => inside.n_readers += usize::from(inside.admits_a_reader()),
            Step::TryWrite | Step::Write => inside.has_writer |= inside.admits_a_writer(),
            Step::Increase => inside.value += 1,
            Step::LeaveReading(_) => inside.n_readers -= 1,
            Step::LeaveWriting => inside.has_writer = false,
            Step::ForgetReading(_) => {
                inside.n_readers -= 1;
                inside.n_forgotten_readers += 1;
            }
            Step::ForgetWriting => {
                inside.has_writer = false;
                inside.has_forgotten_writer = true;
            }
        }
        inside
    }
}

/// The two kinds of lock have no common trait, so the test of each is written by this macro.
macro_rules! obeys {
    ($module:ident, $lock:ident, $read:ident, $write:ident) => {
        mod $module {
            use super::*;

            /// A lock and its guards. The lock is leaked, so that guards can be kept beside it.
            pub(super) struct Held {
                lock: &'static $lock<u64>,
                readers: Vec<$read<'static, u64>>,
                writer: Option<$write<'static, u64>>,
            }

            pub(super) struct Obeys;

            impl StateMachineTest for Obeys {
                type SystemUnderTest = Held;
                type Reference = Inside;

                fn init_test(_: &Inside) -> Held {
                    Held { lock: Box::leak(Box::new($lock::new(0))), readers: Vec::new(), writer: None }
                }

                fn apply(mut held: Held, inside: &Inside, step: Step) -> Held {
                    match step {
                        Step::TryRead => held.readers.extend(held.lock.try_read()),
                        Step::Read => held.readers.push(held.lock.read()),
                        Step::TryWrite => {
                            if let Some(writer) = held.lock.try_write() {
                                assert!(held.writer.replace(writer).is_none(), "two writers at once");
                            }
                        }
                        Step::Write => held.writer = Some(held.lock.write()),
                        Step::Increase => **held.writer.as_mut().unwrap() += 1,
                        Step::LeaveReading(reader) => drop(held.readers.swap_remove(reader)),
                        Step::LeaveWriting => held.writer = None,
                        Step::ForgetReading(reader) => mem::forget(held.readers.swap_remove(reader)),
                        Step::ForgetWriting => mem::forget(held.writer.take()),
                    }
                    assert_eq!((held.readers.len(), held.writer.is_some()), (inside.n_readers, inside.has_writer));
                    held
                }

                fn check_invariants(held: &Held, inside: &Inside) {
                    assert!(held.readers.iter().all(|reader| **reader == inside.value));
                    assert!(held.writer.as_deref().is_none_or(|value| *value == inside.value));
                    // Each of these looks at the lock and leaves nothing behind.
                    assert_eq!(held.lock.try_read().is_some(), inside.admits_a_reader());
                    assert_eq!(held.lock.try_write().is_some(), inside.admits_a_writer());
                    let shown = format!("{:?}", held.lock);
                    assert_eq!(shown.contains(&inside.value.to_string()), inside.admits_a_reader(), "{shown}");
                }
            }
        }
    };
}

obeys!(plain, RwLock, RwLockReadGuard, RwLockWriteGuard);
obeys!(striped, StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard);

#[test]
fn a_forgotten_guard_keeps_others_out_but_not_the_owner() {
    let mut read = StripedRwLock::new(String::from("read"));
    mem::forget(read.read());
    assert!(read.try_write().is_none() && read.try_read().is_some());
    read.get_mut().push_str(" and changed");
    assert_eq!(read.into_inner(), "read and changed");

    let mut written = RwLock::new(String::from("written"));
    mem::forget(written.write());
    assert!(written.try_write().is_none() && written.try_read().is_none());
    written.get_mut().push_str(" and changed");
    assert_eq!(written.into_inner(), "written and changed");
}

#[test]
fn a_lock_drops_its_value_once() {
    let value = std::rc::Rc::new(());
    let (lock, taken) = (RwLock::new(value.clone()), RwLock::new(value.clone()));
    let (striped, synchronized) = (StripedRwLock::new(value.clone()), Synchronized::new(value.clone()));
    assert_eq!(std::rc::Rc::strong_count(&value), 5);
    drop((lock, striped, synchronized));
    assert_eq!(std::rc::Rc::strong_count(&value), 2);
    drop(taken.into_inner());
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
}

#[test]
fn a_lock_may_hold_what_has_no_size_of_its_own() {
    let numbers: &RwLock<[u8]> = &RwLock::new([1, 2, 3]);
    numbers.write()[1] = 20;
    assert_eq!(*numbers.read(), [1, 20, 3]);
    let shown: Box<StripedRwLock<dyn Debug>> = Box::new(StripedRwLock::new("shown"));
    assert_eq!(format!("{:?}", shown.read()), r#""shown""#);
    let synchronized: &Synchronized<[u8]> = &Synchronized::new([1, 2]);
    assert_eq!(synchronized.with(|numbers| numbers.len()), 2);
}

#[test]
fn a_synchronized_value_is_lent_replaced_and_handed_over() {
    let value = Synchronized::<Vec<u8>>::default();
    assert_eq!(value.with(|list| (list.push(1), list.len()).1), 1);
    assert_eq!(value.replace(vec![7, 8]), [1]);
    assert_eq!(format!("{value:?}"), "Synchronized { value: [7, 8] }");
    assert_eq!(value.into_inner(), [7, 8]);
}
