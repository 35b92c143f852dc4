//! Tasks: the caller's function, paired with what it receives besides the item.
//!
//! Jobs make tasks, backends run them. This file holds the traits, their types and the calls. What a worker process
//! needs to run the same function is in `process_task.rs`; panics are left to `worker_loop.rs`.

use std::fmt;
use std::ops::Deref;

use crate::never::Never;

/// A function together with its [`Context`], as a backend runs it over items of type `T`. Sealed.
///
/// [`Job::map`](crate::Job::map) makes a [`MapFn`], [`Job::try_map`](crate::Job::try_map) a [`TryMapFn`]. Generic code
/// uses this trait for the types of a task:
///
/// ```
/// use manyhands::job::{MapFn, Task};
///
/// type Lengths = MapFn<fn(&String) -> usize>;
/// let total: <Lengths as Task<String>>::Output = ["Vega", "Deneb"].iter().map(|name| name.len()).sum();
/// assert_eq!(total, 9);
/// ```
pub trait Task<T>: sealed::Task {
    /// The value that the function returns for an item.
    type Output;
    /// The error that the function returns in place of a value. [`Never`](crate::Never) for a [`MapFn`].
    type Error;
    /// What the function receives besides the item.
    type Context: Context;

    /// The context, which makes worker states and holds the shared value.
    #[doc(hidden)]
    fn context(&self) -> &Self::Context;

    /// Calls the function for one item.
    #[doc(hidden)]
    fn call(&self, state: &mut StateOf<T, Self>, item: &T) -> Result<Self::Output, Self::Error>;
}

/// The state that a worker keeps for a task.
pub(crate) type StateOf<T, K> = <<K as Task<T>>::Context as Context>::State;

/// The value that all workers of a task share.
pub(crate) type SharedOf<T, K> = <<K as Task<T>>::Context as Context>::Shared;

/// What a function receives besides its item: [`NoContext`], [`Shared`] or [`WorkerState`]. Sealed.
///
/// ```
/// use manyhands::job::{Context, Init, NoContext, WorkerState};
///
/// fn size_of_state<C: Context>() -> usize {
///     size_of::<C::State>()
/// }
/// assert_eq!(size_of_state::<NoContext>(), 0);
/// assert_eq!(size_of_state::<WorkerState<NoContext, Init<fn() -> [u8; 64]>>>(), 64);
/// ```
pub trait Context: sealed::Context {
    /// What each worker keeps from item to item. It never leaves its worker, so it need not be `Send`.
    type State;
    /// What all workers read. `()` without a shared value.
    type Shared: ?Sized;

    /// Makes the state of one worker, on that worker.
    #[doc(hidden)]
    fn make_state(&self) -> Result<Self::State, String>;

    /// The value that all workers read.
    #[doc(hidden)]
    fn shared(&self) -> &Self::Shared;
}

pub(crate) mod sealed {
    use crate::panics::{DropApart, Whole};

    #[expect(unnameable_types, reason = "a seal: no other crate implements a task")]
    pub trait Task: DropApart {}
    #[expect(unnameable_types, reason = "a seal: no other crate implements a context")]
    pub trait Context: DropApart {}

    impl<F, C: Context> Task for super::MapFn<F, C> {}
    impl<F, C: Context> Task for super::TryMapFn<F, C> {}
    impl<F> Task for super::OwnedFn<F> {}
    impl<F> Task for super::TryOwnedFn<F> {}
    impl Context for super::NoContext {}
    impl<D> Context for super::Shared<D> {}
    impl<C: Context, I> Context for super::WorkerState<C, I> {}

    impl<F, C: DropApart> DropApart for super::MapFn<F, C> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.function).drop_apart(panicked);
            self.context.drop_apart(panicked);
        }
    }

    impl<F, C: DropApart> DropApart for super::TryMapFn<F, C> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.function).drop_apart(panicked);
            self.context.drop_apart(panicked);
        }
    }

    impl<F> DropApart for super::OwnedFn<F> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.function).drop_apart(panicked);
        }
    }

    impl<F> DropApart for super::TryOwnedFn<F> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.function).drop_apart(panicked);
        }
    }

    impl DropApart for super::NoContext {
        fn drop_apart(self, _: &mut Vec<String>) {}
    }

    impl<D> DropApart for super::Shared<D> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.0).drop_apart(panicked);
        }
    }

    impl<C: DropApart, I> DropApart for super::WorkerState<C, I> {
        fn drop_apart(self, panicked: &mut Vec<String>) {
            Whole(self.init).drop_apart(panicked);
            self.context.drop_apart(panicked);
        }
    }
}

/// A task whose function returns a value for every item. [`Job::map`](crate::Job::map) makes it.
///
/// A panic is the only way in which an item can fail. Generic code names the type in a bound:
///
/// ```
/// use manyhands::job::MapFn;
/// use manyhands::{Error, Mode, Serial, Threads, parallel_map};
///
/// fn doubled<M: Mode<i32, MapFn<fn(&i32) -> i32>>>(mode: M, items: &[i32]) -> Result<Vec<i32>, Error> {
///     parallel_map(mode, items, |n| n * 2)
/// }
/// assert_eq!(doubled(Serial, &[1, 2])?, doubled(Threads, &[1, 2])?);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct MapFn<F, C = NoContext> {
    pub(crate) function: F,
    pub(crate) context: C,
}

/// A task whose function returns a value or an error. [`Job::try_map`](crate::Job::try_map) makes it.
///
/// An error becomes the failure of its item, as [`OnFailure`](crate::OnFailure) says. Generic code names the type in a
/// bound:
///
/// ```
/// use manyhands::job::TryMapFn;
/// use manyhands::{Error, Mode, Serial, Threads, try_parallel_map};
///
/// type Halve = TryMapFn<fn(&i32) -> Result<i32, String>>;
///
/// fn halves<M: Mode<i32, Halve>>(mode: M, items: &[i32]) -> Result<Vec<i32>, Error<String>> {
///     try_parallel_map(mode, items, |n| if n % 2 == 0 { Ok(n / 2) } else { Err(format!("{n} is odd")) })
/// }
/// assert_eq!(halves(Serial, &[2, 4])?, [1, 2]);
/// assert!(halves(Threads, &[2, 5]).unwrap_err().to_string().contains("5 is odd"));
/// # Ok::<(), manyhands::Error<String>>(())
/// ```
#[derive(Clone, Copy)]
pub struct TryMapFn<F, C = NoContext> {
    pub(crate) function: F,
    pub(crate) context: C,
}

/// A function that takes its item by value: what [`Job::map_owned`](crate::Job::map_owned) makes.
///
/// ```
/// use manyhands::job::OwnedFn;
/// use manyhands::{Error, Mode, Serial, Job};
///
/// fn lengths<M>(mode: M, texts: Vec<String>) -> Result<Vec<usize>, Error>
/// where
///     M: Mode<String, OwnedFn<fn(String) -> usize>>,
/// {
///     Job::over(texts).mode(mode).map_owned(|text| text.into_bytes().len()).run()?.into_result()
/// }
/// assert_eq!(lengths(Serial, vec!["a".to_owned()])?, [1]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct OwnedFn<F> {
    pub(crate) function: F,
}

/// A function that takes its item by value and may return an error: what
/// [`Job::try_map_owned`](crate::Job::try_map_owned) makes.
///
/// ```
/// use manyhands::Job;
/// let work = Job::over(vec!["1".to_owned()]).try_map_owned(|text| text.parse::<u8>());
/// assert_eq!(work.run()?.into_result()?, [1]);
/// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
/// ```
#[derive(Clone, Copy)]
pub struct TryOwnedFn<F> {
    pub(crate) function: F,
}

/// The context of a function that receives only its item. The default of every job; costs nothing.
///
/// ```
/// use manyhands::{Job, Threads};
/// let values = Job::new(&[1, 2]).mode(Threads).run(|n| n + 1)?.into_result()?; // a task with `NoContext`
/// assert_eq!(values, [2, 3]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContext;

/// The context of a function that receives a reference to one value that all workers share, and its item.
///
/// [`Job::shared`](crate::Job::shared) makes it. `D` is the reference or smart pointer to the value. Threads share the
/// value without a copy. Each worker process holds a copy of its own, which is encoded and sent once per call.
///
/// ```
/// use manyhands::{Job, Threads};
/// let weights = vec![0.5, 0.25];
/// let values = Job::new(&[0, 1]).mode(Threads).shared(&weights).run(|weights, &idx| weights[idx])?.into_result()?;
/// assert_eq!(values, [0.5, 0.25]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shared<D>(pub(crate) D);

/// The context of a function that receives the state of its worker, and its item.
///
/// [`Job::worker_state`](crate::Job::worker_state) makes it. `C` is the context from which the function in `I` makes
/// the state. Each worker makes its state before its first item, keeps it for the whole call, and drops it on its own
/// thread or in its own process. Memory: one state per worker. After a panic the state stays in use as the panic left
/// it.
///
/// ```
/// use manyhands::{Job, Threads};
/// let job = Job::new(&["b a", "d c"]).mode(Threads).worker_state(Vec::new);
/// let firsts = job.run(|buffer: &mut Vec<&str>, text| {
///     buffer.clear(); // the allocation is reused from item to item
///     buffer.extend(text.split(' '));
///     buffer.sort_unstable();
///     buffer[0]
/// })?;
/// assert_eq!(firsts.into_result()?, ["a", "c"]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct WorkerState<C, I> {
    pub(crate) context: C,
    pub(crate) init: I,
}

/// A function that makes a worker's state and returns no error. A panic in it ends the call with an error.
///
/// [`Job::worker_state`](crate::Job::worker_state) wraps the function in this type:
///
/// ```
/// use manyhands::{Job, Serial};
/// let values = Job::new(&[1, 2]).mode(Serial).worker_state(|| 10).run(|state, n| *state + n)?.into_result()?;
/// assert_eq!(values, [11, 12]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Init<I>(pub(crate) I);

/// A function that makes a worker's state or returns an error. The error ends the call.
///
/// [`Job::try_worker_state`](crate::Job::try_worker_state) wraps the function in this type:
///
/// ```
/// use manyhands::{Job, Serial};
/// let job = Job::new(&[1, 2]).mode(Serial).try_worker_state(|| "10".parse::<i32>());
/// assert_eq!(job.run(|state, n| *state + n)?.into_result()?, [11, 12]);
///
/// let refused = Job::new(&[1, 2]).mode(Serial).try_worker_state(|| "ten".parse::<i32>());
/// assert!(refused.run(|state, n| *state + n).unwrap_err().to_string().contains("invalid digit"));
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct TryInit<I>(pub(crate) I);

impl Context for NoContext {
    type State = ();
    type Shared = ();

    fn make_state(&self) -> Result<(), String> {
        Ok(())
    }

    fn shared(&self) -> &() {
        &()
    }
}

impl<D: Deref> Context for Shared<D> {
    type State = ();
    type Shared = D::Target;

    fn make_state(&self) -> Result<(), String> {
        Ok(())
    }

    fn shared(&self) -> &D::Target {
        &self.0
    }
}

impl<S, I: Fn() -> S> Context for WorkerState<NoContext, Init<I>> {
    type State = S;
    type Shared = ();

    fn make_state(&self) -> Result<S, String> {
        Ok((self.init.0)())
    }

    fn shared(&self) -> &() {
        &()
    }
}

impl<S, E: fmt::Display, I: Fn() -> Result<S, E>> Context for WorkerState<NoContext, TryInit<I>> {
    type State = S;
    type Shared = ();

    fn make_state(&self) -> Result<S, String> {
        (self.init.0)().map_err(|error| format!("{error:#}"))
    }

    fn shared(&self) -> &() {
        &()
    }
}

impl<D: Deref, S, I: Fn(&D::Target) -> S> Context for WorkerState<Shared<D>, Init<I>> {
    type State = S;
    type Shared = D::Target;

    fn make_state(&self) -> Result<S, String> {
        Ok((self.init.0)(&self.context.0))
    }

    fn shared(&self) -> &D::Target {
        &self.context.0
    }
}

impl<D: Deref, S, E: fmt::Display, I: Fn(&D::Target) -> Result<S, E>> Context for WorkerState<Shared<D>, TryInit<I>> {
    type State = S;
    type Shared = D::Target;

    fn make_state(&self) -> Result<S, String> {
        (self.init.0)(&self.context.0).map_err(|error| format!("{error:#}"))
    }

    fn shared(&self) -> &D::Target {
        &self.context.0
    }
}

impl<T, R, F: Fn(&T) -> R> Task<T> for MapFn<F> {
    type Output = R;
    type Error = Never;
    type Context = NoContext;

    fn context(&self) -> &NoContext {
        &self.context
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, Never> {
        Ok((self.function)(item))
    }
}

impl<T, R, E, F: Fn(&T) -> Result<R, E>> Task<T> for TryMapFn<F> {
    type Output = R;
    type Error = E;
    type Context = NoContext;

    fn context(&self) -> &NoContext {
        &self.context
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, E> {
        (self.function)(item)
    }
}

impl<T, D: Deref, R, F: Fn(&D::Target, &T) -> R> Task<T> for MapFn<F, Shared<D>> {
    type Output = R;
    type Error = Never;
    type Context = Shared<D>;

    fn context(&self) -> &Shared<D> {
        &self.context
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, Never> {
        Ok((self.function)(&self.context.0, item))
    }
}

impl<T, D: Deref, R, E, F: Fn(&D::Target, &T) -> Result<R, E>> Task<T> for TryMapFn<F, Shared<D>> {
    type Output = R;
    type Error = E;
    type Context = Shared<D>;

    fn context(&self) -> &Shared<D> {
        &self.context
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, E> {
        (self.function)(&self.context.0, item)
    }
}

impl<T, C, I, R, F> Task<T> for MapFn<F, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
    F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> R,
{
    type Output = R;
    type Error = Never;
    type Context = WorkerState<C, I>;

    fn context(&self) -> &WorkerState<C, I> {
        &self.context
    }

    fn call(&self, state: &mut StateOf<T, Self>, item: &T) -> Result<R, Never> {
        Ok((self.function)(state, item))
    }
}

impl<T, C, I, R, E, F> Task<T> for TryMapFn<F, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
    F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> Result<R, E>,
{
    type Output = R;
    type Error = E;
    type Context = WorkerState<C, I>;

    fn context(&self) -> &WorkerState<C, I> {
        &self.context
    }

    fn call(&self, state: &mut StateOf<T, Self>, item: &T) -> Result<R, E> {
        (self.function)(state, item)
    }
}

impl<T: Clone, R, F: Fn(T) -> R> Task<T> for OwnedFn<F> {
    type Output = R;
    type Error = Never;
    type Context = NoContext;

    fn context(&self) -> &NoContext {
        &NoContext
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, Never> {
        Ok((self.function)(item.clone()))
    }
}

impl<T: Clone, R, E, F: Fn(T) -> Result<R, E>> Task<T> for TryOwnedFn<F> {
    type Output = R;
    type Error = E;
    type Context = NoContext;

    fn context(&self) -> &NoContext {
        &NoContext
    }

    fn call(&self, (): &mut (), item: &T) -> Result<R, E> {
        (self.function)(item.clone())
    }
}

/// `Debug` that shows the name of the type, since functions have no `Debug`.
macro_rules! debug_by_name {
    ($($name:ident<$($parameter:ident),+>),+ $(,)?) => {$(
        impl<$($parameter),+> fmt::Debug for $name<$($parameter),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}

debug_by_name!(MapFn<F, C>, TryMapFn<F, C>, OwnedFn<F>, TryOwnedFn<F>, WorkerState<C, I>, Init<I>, TryInit<I>);
