//! What a worker does with an item: the caller's function, and what the function gets besides the item.
//!
//! A [`Task`] pairs a function with its context. Jobs make tasks, backends run them. What a worker process needs to run
//! the same function is in `process_task.rs`.

use std::fmt;
use std::ops::Deref;

use crate::never::Never;

/// A function together with its [`Context`], as a backend runs it over items of type `T`. Sealed: [`Job::map`](crate::Job::map)
/// and [`Job::try_map`](crate::Job::try_map) make tasks.
pub trait Task<T>: sealed::Task {
    /// The value that the function gives for an item.
    type Output;
    /// The error that the function gives in place of a value.
    type Error;
    /// What the function gets besides the item.
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

/// What a function gets besides its item. Sealed: [`NoContext`], [`Shared`] and [`WorkerState`] are the contexts.
pub trait Context: sealed::Context {
    /// What each worker keeps from item to item.
    type State;
    /// What all workers read.
    type Shared: ?Sized;

    /// Makes the state of one worker, on that worker.
    #[doc(hidden)]
    fn make_state(&self) -> Result<Self::State, String>;

    /// The value that all workers read.
    #[doc(hidden)]
    fn shared(&self) -> &Self::Shared;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "a seal: no other crate implements a task")]
    pub trait Task {}
    #[expect(unnameable_types, reason = "a seal: no other crate implements a context")]
    pub trait Context {}

    impl<F, C> Task for super::MapFn<F, C> {}
    impl<F, C> Task for super::TryMapFn<F, C> {}
    impl Context for super::NoContext {}
    impl<D> Context for super::Shared<D> {}
    impl<C, I> Context for super::WorkerState<C, I> {}
}

/// A function that gives a value for every item: what [`Job::map`](crate::Job::map) makes.
///
/// Generic code names it in a bound:
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

/// A function that may give an error in place of a value: what [`Job::try_map`](crate::Job::try_map) makes.
#[derive(Clone, Copy)]
pub struct TryMapFn<F, C = NoContext> {
    pub(crate) function: F,
    pub(crate) context: C,
}

/// The function gets its item alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContext;

/// The function gets a reference to one value that all workers share, and its item.
#[derive(Debug, Clone, Copy)]
pub struct Shared<D>(pub(crate) D);

/// The function gets the state of its worker, and its item. `C` is the context from which `I` makes the state.
#[derive(Clone, Copy)]
pub struct WorkerState<C, I> {
    pub(crate) context: C,
    pub(crate) init: I,
}

/// A function that makes a worker's state and cannot fail.
#[derive(Clone, Copy)]
pub struct Init<I>(pub(crate) I);

/// A function that makes a worker's state or gives an error.
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

/// Functions have no text of their own to show.
macro_rules! debug_by_name {
    ($($name:ident<$($parameter:ident),+>),+ $(,)?) => {$(
        impl<$($parameter),+> fmt::Debug for $name<$($parameter),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}

debug_by_name!(MapFn<F, C>, TryMapFn<F, C>, WorkerState<C, I>, Init<I>, TryInit<I>);
