//! Tasks that a worker process can run: their functions are `fn` pointers, so nothing but an address has to travel.
//!
//! A closure that captures no value coerces to a pointer; one that captures something does not, and the compiler says
//! which variable it captured. A pointer carries no value, not even one of size zero, so no safe program can smuggle a
//! value into a worker.

use std::fmt;
use std::mem::transmute;
use std::ops::Deref;
use std::ptr::null;

use crate::backend::task::{
    Context, Init, MapFn, NoContext, Shared, SharedOf, StateOf, Task, TryInit, TryMapFn, WorkerState,
};

/// A task that worker processes can run: its function, and the one that makes a worker's state, are `fn` pointers.
///
/// `Processes` and `AnyMode` ask for it. A plain function and a closure without captures coerce to a pointer where a job's
/// mode is set before its function is given. Elsewhere write `function as fn(&_) -> _`.
#[diagnostic::on_unimplemented(
    message = "worker processes cannot run `{Self}`: its function is no `fn` pointer",
    label = "needs a plain function, or a closure that captures nothing",
    note = "set the mode before `worker_state` and `map`, or write `function as fn(&_) -> _`",
    note = "pass what the function needs with `.shared(&value)`; for `AnyMode` without processes use `LocalMode`"
)]
pub trait ProcessTask<T>: Task<T, Context: ProcessContext> {
    /// The address of the function.
    #[doc(hidden)]
    fn address(&self) -> *const ();

    /// Calls the function at an address.
    ///
    /// # Safety
    /// [`address`](ProcessTask::address) gave this address in a process that runs the same executable, for a task of this
    /// very type.
    #[doc(hidden)]
    unsafe fn call_at(
        address: *const (),
        shared: &SharedOf<T, Self>,
        state: &mut StateOf<T, Self>,
        item: &T,
    ) -> Result<Self::Output, Self::Error>;
}

/// A context that worker processes can prepare: a worker's state is made by a `fn` pointer.
#[diagnostic::on_unimplemented(
    message = "worker processes cannot prepare `{Self}`: its function is no `fn` pointer",
    label = "the function that makes a worker's state must be a plain function, or a closure that captures nothing",
    note = "set the mode before `worker_state`, or write `.worker_state(init as fn() -> _)`"
)]
pub trait ProcessContext: Context {
    /// The address of the function that makes a worker's state; null where there is none.
    #[doc(hidden)]
    fn init_address(&self) -> *const ();

    /// Makes a worker's state with the function at an address.
    ///
    /// # Safety
    /// [`init_address`](ProcessContext::init_address) gave this address in a process that runs the same executable, for a
    /// context of this very type.
    #[doc(hidden)]
    unsafe fn make_state_at(address: *const (), shared: &Self::Shared) -> Result<Self::State, String>;
}

impl ProcessContext for NoContext {
    fn init_address(&self) -> *const () {
        null()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(_: *const (), (): &()) -> Result<(), String> {
        Ok(())
    }
}

impl<D: Deref> ProcessContext for Shared<D> {
    fn init_address(&self) -> *const () {
        null()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(_: *const (), _: &D::Target) -> Result<(), String> {
        Ok(())
    }
}

impl<S> ProcessContext for WorkerState<NoContext, Init<fn() -> S>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(address: *const (), (): &()) -> Result<S, String> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let init = unsafe { transmute::<*const (), fn() -> S>(address) };
        Ok(init())
    }
}

impl<S, E: fmt::Display> ProcessContext for WorkerState<NoContext, TryInit<fn() -> Result<S, E>>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(address: *const (), (): &()) -> Result<S, String> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let init = unsafe { transmute::<*const (), fn() -> Result<S, E>>(address) };
        init().map_err(|error| format!("{error:#}"))
    }
}

impl<D: Deref, S> ProcessContext for WorkerState<Shared<D>, Init<fn(&D::Target) -> S>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(address: *const (), shared: &D::Target) -> Result<S, String> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let init = unsafe { transmute::<*const (), fn(&D::Target) -> S>(address) };
        Ok(init(shared))
    }
}

impl<D: Deref, S, E: fmt::Display> ProcessContext for WorkerState<Shared<D>, TryInit<fn(&D::Target) -> Result<S, E>>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn make_state_at(address: *const (), shared: &D::Target) -> Result<S, String> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let init = unsafe { transmute::<*const (), fn(&D::Target) -> Result<S, E>>(address) };
        init(shared).map_err(|error| format!("{error:#}"))
    }
}

impl<T, R> ProcessTask<T> for MapFn<fn(&T) -> R> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, Self::Error> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&T) -> R>(address) };
        Ok(function(item))
    }
}

impl<T, R, E> ProcessTask<T> for TryMapFn<fn(&T) -> Result<R, E>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, E> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&T) -> Result<R, E>>(address) };
        function(item)
    }
}

impl<T, D: Deref, R> ProcessTask<T> for MapFn<fn(&D::Target, &T) -> R, Shared<D>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(
        address: *const (),
        shared: &D::Target,
        (): &mut (),
        item: &T,
    ) -> Result<R, <Self as Task<T>>::Error> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&D::Target, &T) -> R>(address) };
        Ok(function(shared, item))
    }
}

impl<T, D: Deref, R, E> ProcessTask<T> for TryMapFn<fn(&D::Target, &T) -> Result<R, E>, Shared<D>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), shared: &D::Target, (): &mut (), item: &T) -> Result<R, E> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&D::Target, &T) -> Result<R, E>>(address) };
        function(shared, item)
    }
}

impl<T, S, C, I, R> ProcessTask<T> for MapFn<fn(&mut S, &T) -> R, WorkerState<C, I>>
where
    WorkerState<C, I>: ProcessContext + Context<State = S>,
{
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(
        address: *const (),
        _: &SharedOf<T, Self>,
        state: &mut S,
        item: &T,
    ) -> Result<R, <Self as Task<T>>::Error> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&mut S, &T) -> R>(address) };
        Ok(function(state, item))
    }
}

impl<T, S, C, I, R, E> ProcessTask<T> for TryMapFn<fn(&mut S, &T) -> Result<R, E>, WorkerState<C, I>>
where
    WorkerState<C, I>: ProcessContext + Context<State = S>,
{
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), _: &SharedOf<T, Self>, state: &mut S, item: &T) -> Result<R, E> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(&mut S, &T) -> Result<R, E>>(address) };
        function(state, item)
    }
}
