//! What a worker does with an item: the caller's function, and what it is given besides the item.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::Never;

/// A function and what it needs to know, as a backend sees them. Sealed: jobs make tasks, backends run them.
pub trait Task<T>: sealed::Sealed {
    /// What one worker keeps from item to item.
    type State;
    /// What every worker may look at.
    type Shared: ?Sized;
    /// The value of an item.
    type Output;
    /// Why an item has none.
    type Error;
    /// Whether the function holds values of its own, which cannot travel to another process.
    #[doc(hidden)]
    const CAPTURES: bool;

    /// Makes the state of one worker, on that worker.
    #[doc(hidden)]
    fn make_state(&self) -> Result<Self::State, String>;

    /// Works on one item.
    #[doc(hidden)]
    fn call(&self, state: &mut Self::State, item: &T) -> Result<Self::Output, Self::Error>;

    /// What every worker may look at.
    #[doc(hidden)]
    fn shared(&self) -> &Self::Shared;

    /// [`make_state`](Task::make_state) where there is no task, only a copy of the shared value.
    #[doc(hidden)]
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String>;

    /// [`call`](Task::call) where there is no task, only a copy of the shared value.
    #[doc(hidden)]
    fn call_in_worker(
        apart: Detached,
        shared: &Self::Shared,
        state: &mut Self::State,
        item: &T,
    ) -> Result<Self::Output, Self::Error>;
}

/// Leave to make a function anew, of nothing, in another process than the one that has it.
#[derive(Debug, Clone, Copy)]
pub struct Detached(());

impl Detached {
    /// Leave for the parts of one task.
    ///
    /// # Safety
    /// The task [captures](Task::CAPTURES) nothing, and one of its type exists or existed in this program.
    #[cfg(feature = "processes")]
    pub(crate) unsafe fn leave() -> Self {
        Self(())
    }

    /// The function of the task. It is never dropped, as it is only a second look at the one that the caller has.
    pub(crate) fn function<F>(self) -> ManuallyDrop<F> {
        assert!(size_of::<F>() == 0, "a function that captures values cannot be made anew");
        // SAFETY: any aligned pointer will do to read no bytes, and that the type has values at all was promised in `leave`.
        ManuallyDrop::new(unsafe { NonNull::<F>::dangling().read() })
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl<F, W> Sealed for super::MapFn<F, W> {}
    impl<F, W> Sealed for super::TryMapFn<F, W> {}
}

/// A function that always has a value for its item.
pub struct MapFn<F, W = NoContext> {
    pub(crate) function: F,
    pub(crate) with: W,
}

/// A function that may return an error instead of a value.
pub struct TryMapFn<F, W = NoContext> {
    pub(crate) function: F,
    pub(crate) with: W,
}

/// The function is given its item alone.
#[derive(Debug, Clone, Copy)]
pub struct NoContext;

/// The function is given a reference to one value that all workers share, and its item.
#[derive(Debug, Clone, Copy)]
pub struct Shared<D>(pub(crate) D);

/// The function is given its worker's own state, and its item.
pub struct WorkerState<C, I> {
    pub(crate) context: C,
    pub(crate) init: I,
}

/// A state's maker that cannot fail.
pub struct Init<I>(pub(crate) I);

/// A state's maker that may fail.
pub struct TryInit<I>(pub(crate) I);

/// How a worker prepares before its first item.
pub trait Context: sealed_setup::Sealed {
    /// What the worker keeps from item to item.
    type State;
    /// What all workers may look at.
    type Shared: ?Sized;
    /// Whether the maker holds values of its own.
    #[doc(hidden)]
    const CAPTURES: bool;
    /// Makes the worker's state.
    #[doc(hidden)]
    fn prepare(&self) -> Result<Self::State, String>;
    /// What all workers may look at.
    #[doc(hidden)]
    fn shared(&self) -> &Self::Shared;
    /// [`prepare`](Setup::prepare) where there is only a copy of the shared value.
    #[doc(hidden)]
    fn prepare_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String>;
}

mod sealed_setup {
    pub trait Sealed {}
    impl Sealed for super::NoContext {}
    impl<D> Sealed for super::Shared<D> {}
    impl<C, I> Sealed for super::WorkerState<C, I> {}
}

impl Context for NoContext {
    type State = ();
    type Shared = ();
    const CAPTURES: bool = false;
    fn prepare(&self) -> Result<(), String> {
        Ok(())
    }
    fn shared(&self) -> &() {
        &()
    }
    fn prepare_in_worker(_: Detached, (): &()) -> Result<(), String> {
        Ok(())
    }
}

impl<D: Deref> Context for Shared<D> {
    type State = ();
    type Shared = D::Target;
    const CAPTURES: bool = false;
    fn prepare(&self) -> Result<(), String> {
        Ok(())
    }
    fn shared(&self) -> &D::Target {
        &self.0
    }
    fn prepare_in_worker(_: Detached, _: &D::Target) -> Result<(), String> {
        Ok(())
    }
}

impl<S, I: Fn() -> S> Context for WorkerState<NoContext, Init<I>> {
    type State = S;
    type Shared = ();
    const CAPTURES: bool = size_of::<I>() != 0;
    fn prepare(&self) -> Result<S, String> {
        Ok((self.init.0)())
    }
    fn shared(&self) -> &() {
        &()
    }
    fn prepare_in_worker(apart: Detached, (): &()) -> Result<S, String> {
        Ok(apart.function::<I>()())
    }
}

impl<S, E: fmt::Display, I: Fn() -> Result<S, E>> Context for WorkerState<NoContext, TryInit<I>> {
    type State = S;
    type Shared = ();
    const CAPTURES: bool = size_of::<I>() != 0;
    fn prepare(&self) -> Result<S, String> {
        (self.init.0)().map_err(|error| error.to_string())
    }
    fn shared(&self) -> &() {
        &()
    }
    fn prepare_in_worker(apart: Detached, (): &()) -> Result<S, String> {
        apart.function::<I>()().map_err(|error| error.to_string())
    }
}

impl<D: Deref, S, I: Fn(&D::Target) -> S> Context for WorkerState<Shared<D>, Init<I>> {
    type State = S;
    type Shared = D::Target;
    const CAPTURES: bool = size_of::<I>() != 0;
    fn prepare(&self) -> Result<S, String> {
        Ok((self.init.0)(&self.context.0))
    }
    fn shared(&self) -> &D::Target {
        &self.context.0
    }
    fn prepare_in_worker(apart: Detached, shared: &D::Target) -> Result<S, String> {
        Ok(apart.function::<I>()(shared))
    }
}

impl<D: Deref, S, E: fmt::Display, I: Fn(&D::Target) -> Result<S, E>> Context for WorkerState<Shared<D>, TryInit<I>> {
    type State = S;
    type Shared = D::Target;
    const CAPTURES: bool = size_of::<I>() != 0;
    fn prepare(&self) -> Result<S, String> {
        (self.init.0)(&self.context.0).map_err(|error| error.to_string())
    }
    fn shared(&self) -> &D::Target {
        &self.context.0
    }
    fn prepare_in_worker(apart: Detached, shared: &D::Target) -> Result<S, String> {
        apart.function::<I>()(shared).map_err(|error| error.to_string())
    }
}

impl<T, R, F: Fn(&T) -> R> Task<T> for MapFn<F, NoContext> {
    type State = ();
    type Shared = ();
    type Output = R;
    type Error = Never;
    const CAPTURES: bool = size_of::<F>() != 0;
    fn make_state(&self) -> Result<(), String> {
        self.with.prepare()
    }
    fn call(&self, (): &mut (), item: &T) -> Result<R, Never> {
        Ok((self.function)(item))
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        NoContext::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, (): &Self::Shared, (): &mut Self::State, item: &T) -> Result<R, Never> {
        Ok(apart.function::<F>()(item))
    }
}

impl<T, R, E, F: Fn(&T) -> Result<R, E>> Task<T> for TryMapFn<F, NoContext> {
    type State = ();
    type Shared = ();
    type Output = R;
    type Error = E;
    const CAPTURES: bool = size_of::<F>() != 0;
    fn make_state(&self) -> Result<(), String> {
        self.with.prepare()
    }
    fn call(&self, (): &mut (), item: &T) -> Result<R, E> {
        (self.function)(item)
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        NoContext::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, (): &Self::Shared, (): &mut Self::State, item: &T) -> Result<R, E> {
        apart.function::<F>()(item)
    }
}

impl<T, D: Deref, R, F: Fn(&D::Target, &T) -> R> Task<T> for MapFn<F, Shared<D>> {
    type State = ();
    type Shared = D::Target;
    type Output = R;
    type Error = Never;
    const CAPTURES: bool = size_of::<F>() != 0;
    fn make_state(&self) -> Result<(), String> {
        self.with.prepare()
    }
    fn call(&self, (): &mut (), item: &T) -> Result<R, Never> {
        Ok((self.function)(&self.with.0, item))
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        Shared::<D>::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, shared: &Self::Shared, (): &mut Self::State, item: &T) -> Result<R, Never> {
        Ok(apart.function::<F>()(shared, item))
    }
}

impl<T, D: Deref, R, E, F: Fn(&D::Target, &T) -> Result<R, E>> Task<T> for TryMapFn<F, Shared<D>> {
    type State = ();
    type Shared = D::Target;
    type Output = R;
    type Error = E;
    const CAPTURES: bool = size_of::<F>() != 0;
    fn make_state(&self) -> Result<(), String> {
        self.with.prepare()
    }
    fn call(&self, (): &mut (), item: &T) -> Result<R, E> {
        (self.function)(&self.with.0, item)
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        Shared::<D>::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, shared: &Self::Shared, (): &mut Self::State, item: &T) -> Result<R, E> {
        apart.function::<F>()(shared, item)
    }
}

impl<T, C, I, R, F> Task<T> for MapFn<F, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
    F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> R,
{
    type State = <WorkerState<C, I> as Context>::State;
    type Shared = <WorkerState<C, I> as Context>::Shared;
    type Output = R;
    type Error = Never;
    const CAPTURES: bool = size_of::<F>() != 0 || <WorkerState<C, I> as Context>::CAPTURES;
    fn make_state(&self) -> Result<Self::State, String> {
        self.with.prepare()
    }
    fn call(&self, state: &mut Self::State, item: &T) -> Result<R, Never> {
        Ok((self.function)(state, item))
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        WorkerState::<C, I>::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, _: &Self::Shared, state: &mut Self::State, item: &T) -> Result<R, Never> {
        Ok(apart.function::<F>()(state, item))
    }
}

impl<T, C, I, R, E, F> Task<T> for TryMapFn<F, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
    F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> Result<R, E>,
{
    type State = <WorkerState<C, I> as Context>::State;
    type Shared = <WorkerState<C, I> as Context>::Shared;
    type Output = R;
    type Error = E;
    const CAPTURES: bool = size_of::<F>() != 0 || <WorkerState<C, I> as Context>::CAPTURES;
    fn make_state(&self) -> Result<Self::State, String> {
        self.with.prepare()
    }
    fn call(&self, state: &mut Self::State, item: &T) -> Result<R, E> {
        (self.function)(state, item)
    }
    fn shared(&self) -> &Self::Shared {
        self.with.shared()
    }
    fn make_state_in_worker(apart: Detached, shared: &Self::Shared) -> Result<Self::State, String> {
        WorkerState::<C, I>::prepare_in_worker(apart, shared)
    }
    fn call_in_worker(apart: Detached, _: &Self::Shared, state: &mut Self::State, item: &T) -> Result<R, E> {
        apart.function::<F>()(state, item)
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

debug_by_name!(MapFn<F, W>, TryMapFn<F, W>, WorkerState<C, I>, Init<I>, TryInit<I>);
